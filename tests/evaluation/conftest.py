"""Fixtures of the evaluation's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.evaluation.questions import (
    write_documents,
)
from rag.retrieval.index import Index
from rag.storage.build import build_index
from rag.testing import HashEmbedder
from tests.evaluation.world import (
    ARABIC,
    ENGLISH,
    OTHER,
    qa,
    squad,
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "documents"
    write_documents({"en/letter.txt": ENGLISH, "ar/letter.txt": ARABIC, "en/harbour.txt": OTHER}, folder)
    embedder = HashEmbedder()
    build_index(folder, tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as opened:
        yield opened


@pytest.fixture
def parallel(tmp_path: Path) -> tuple[Path, Path]:
    english = squad(
        tmp_path / "x.en.json",
        [
            (
                ENGLISH,
                [qa("1", "Who wrote the letter?", ("Alex Spiro", 0)), qa("2", "What was the fee?", ("50,000 dollars", 62))],
            )
        ],
        [(OTHER, [qa("3", "When does the harbour open?", ("dawn", 31))])],
    )
    arabic = squad(
        tmp_path / "x.ar.json",
        [
            (
                ARABIC,
                [
                    qa("1", "من كتب الرسالة؟", ("أليكس سبيرو", 4)),
                    qa("2", "كم بلغت الرسوم؟", ("٥٠٬٠٠٠ دولار", ARABIC.index("٥٠"))),
                ],
            )
        ],
        [("يفتح ميناء نورس عند الفجر.", [qa("3", "متى يفتح الميناء؟", ("الفجر", 20))])],
    )
    return english, arabic
