"""What the window says of an error: what happened and what to do, without settings, commands and paths."""

from __future__ import annotations

import re

import pytest

from rag.errors import DocumentError, IndexCorrupt
from rag.library.views import error_view
from rag.messages import table

TECHNICAL = re.compile(r"SHAWAHID_|shawahid |apt-get|pip install|--\w|\.jsonl|\{path\}")


@pytest.mark.parametrize("key", sorted(key for key in table() if key.startswith("plain.")))
def test_the_windows_own_sentences_name_an_error_and_nothing_technical(key: str) -> None:
    assert f"error.{key.removeprefix('plain.')}" in table()
    for text in table()[key].values():
        assert TECHNICAL.search(text) is None


def test_the_window_says_its_own_sentence_where_there_is_one() -> None:
    shown = error_view(DocumentError("error.pages_pictures", name="scan.pdf", pages="1"))
    assert shown["key"] == "error.pages_pictures"
    assert shown["en"] == (
        "scan.pdf: no text on page 1, only pictures, so nothing of it was indexed. OCR can be switched on for this file."
    )
    assert shown["ar"].startswith("scan.pdf: لا نص في الصفحة 1")
    damaged = error_view(IndexCorrupt("error.index_damaged", path="/home/x/index", reason="bits"))
    assert "/home" not in damaged["en"] + damaged["ar"]


def test_any_other_error_is_said_as_everywhere() -> None:
    error = DocumentError("error.unreadable", name="a.pdf", reason="gone")
    assert error_view(error) == {"key": error.key, "en": error.text("en"), "ar": error.text("ar")}
