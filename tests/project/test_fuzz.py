"""The examples that the fuzzer begins with raise nothing, and so does what it found."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from rag.documents.formats.readers import read, unpack
from rag.documents.tree import Limits
from rag.errors import DocumentError
from tools import fuzz


@pytest.mark.parametrize("target", [target for target in fuzz.TARGETS if target != "http"])
def test_examples_and_their_beginnings_are_read_or_refused(target: str) -> None:
    run = fuzz.TARGETS[target]()
    for example in fuzz.examples(target):
        run(example)
        run(example[: len(example) // 2])
    run(b"")


@pytest.mark.parametrize("root", [b"<document/>", b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"/>'])
def test_a_word_file_without_a_body_is_named_without_words_of_python(root: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read(fuzz.packed(".docx", root), ".docx", "ملف.docx", Limits())
    assert "word/document.xml: no body" in caught.value.text("ar")


def test_an_archive_may_hold_two_files_of_one_name() -> None:
    data = fuzz.archived(["تقرير.txt=الأول".encode(), b"a.txt=one", "تقرير.txt=الثاني".encode()])
    found = [one for one in unpack(data, ".zip", "a.zip", Limits()) if not isinstance(one, DocumentError)]
    assert [(one.id, one.data.decode()) for one in found] == [
        ("a.zip/a.txt", "one"),
        ("a.zip/تقرير.txt", "الأول"),
        ("a.zip/تقرير (2).txt", "الثاني"),
    ]


def test_a_small_file_that_declares_an_enormous_picture_is_refused_before_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    place = io.BytesIO()
    Image.new("1", (24, 16)).save(place, "TIFF")
    tall = place.getvalue().replace(struct.pack("<HHLL", 257, 4, 1, 16), struct.pack("<HHLL", 257, 4, 1, 7_000_000))  # the height's tag
    assert tall != place.getvalue()
    monkeypatch.setattr(ImageOps, "exif_transpose", lambda _: pytest.fail("it was drawn"))
    with pytest.raises(DocumentError) as caught:
        read(tall, ".tif", "a.tif", Limits())
    assert caught.value.key == "error.too_much_memory"


def test_a_finding_is_kept_once_and_the_run_goes_on(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        if data != b"good":
            raise ValueError(len(data))

    collect: Callable[[bytes], None] = fuzz.Collector(target, tmp_path)
    for data in (b"good", b"bad", b"worse", b"good"):
        collect(data)
    (kept,) = [path for path in tmp_path.iterdir() if not path.suffix]
    assert kept.read_bytes() == b"bad"
    assert "ValueError: 3" in kept.with_suffix(".txt").read_text(encoding="utf-8")


def test_what_is_slow_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 0.0)
    fuzz.Collector(lambda data: sorted(range(10_000), key=hash), tmp_path)(b"slow")
    (kept,) = [path for path in tmp_path.iterdir() if not path.suffix]
    assert kept.read_bytes() == b"slow"
    assert "TimeoutError: 0 seconds" in kept.with_suffix(".txt").read_text(encoding="utf-8")
