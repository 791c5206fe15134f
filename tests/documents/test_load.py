"""Files into documents: encodings, names, titles and headings; a bad file is reported and stops nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import unicodedata
import zlib
from pathlib import Path

import pytest

from rag.documents.formats.decoding import decode
from rag.documents.load import MAX_BYTES, Skipped, document_paths, load_folder, read_document
from rag.errors import DocumentError, NothingToIndex
from rag.schema import Document
from tests.helpers import write

ARABIC = "أرسل المحامي الشخصي رسالة إلى الشركة يوم الأحد، وقال إن الاتفاقية انتُهكت."
PLAIN = ARABIC.replace("\u064f", "")  # Windows-1256 has no damma
ENGLISH = "The captain said — “it’s late” — and left the harbour."
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 64, 64, 8, 2, 0, 0, 0) + zlib.compress(bytes(range(256)) * 8)
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQ", 2, 62, 1, 0x401000, 64, 0) * 40


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1256"])
@pytest.mark.parametrize("text", [PLAIN, PLAIN * 40, "مرحبا بكم في المدينة", "سعر التذكرة 5 دراهم"])
def test_arabic_in_every_encoding_long_and_short(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "x.txt") == text


def test_a_few_arabic_names_among_digits_are_recognised_in_windows_1256() -> None:
    text = "اللواء\tذكور\tإناث\r\nالمفرق\t51,341\t45,284\r\nالعقبة\t10,427\t74,587\r\n"
    assert decode(text.encode("cp1256"), "x.tsv") == text
    for other, encoding in (
        ("Der Käufer zahlt für das große Haus in Köln über 500 Euro.", "cp1252"),
        ("Привет, это русский текст", "cp1251"),
    ):
        with contextlib.suppress(DocumentError):
            assert not any("\u0621" <= c <= "\u064a" for c in decode(other.encode(encoding), "x.txt"))


def test_one_word_of_unmarked_utf16_is_never_taken_for_noise() -> None:
    """It is valid UTF-8 as well, with every second character a control character: it is read right or refused."""
    for encoding in ("utf-16-le", "utf-16-be"):
        with contextlib.suppress(DocumentError):
            assert decode("مرحبا".encode(encoding), "x.txt") == "مرحبا"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_english_in_every_encoding(encoding: str) -> None:
    assert decode(ENGLISH.encode(encoding), "x.txt") == ENGLISH


def test_windows_line_ends_and_a_form_feed_are_text() -> None:
    assert decode(b"one\r\ntwo\x0cthree", "x") == "one\r\ntwo\x0cthree"


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        ELF,
        b"\0" * 1000,
        b"abc\0def\0",
        b"abc\0def",
        b"\xef\xbb\xbfabc\0def",  # with a mark that says it is text
        b"\xff\xfea\0b",  # half a character
        b"\xff\xfe\x00\xd8a\0",  # half a surrogate pair
        b"\xef\xbb\xbf\xff\xff",
        b"\xff\xfea\0\0\0b\0",
        zlib.compress(ARABIC.encode() * 50),
        bytes(range(128, 256)) * 4,
    ],
    ids=["png", "elf", "zeros", "NUL 8", "NUL 7", "NUL BOM", "odd", "surrogate", "BOM noise", "NUL 16", "zlib", "high bytes"],
)
def test_what_is_no_text_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        decode(data, "صورة 1.txt")
    assert caught.value.key == "error.not_text"
    assert "صورة 1.txt" in str(caught.value)
    assert "UTF-8" in caught.value.text("ar")


def read(tmp_path: Path, content: str | bytes, name: str = "a.txt") -> Document:
    write(tmp_path, {name: content})
    return read_document(tmp_path / name, name)


def test_a_document_is_composed_and_knows_its_file(tmp_path: Path) -> None:
    raw = "cafe\u0301 ا\u0653ل".encode()
    document = read(tmp_path, raw)
    assert document.text == "café آل"
    assert document.sha256 == hashlib.sha256(raw).hexdigest()
    assert (document.id, document.marks) == ("a.txt", ())


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    for content in (b"", b" \n\t ", b"\xef\xbb\xbf", "\u00a0\n".encode()):
        with pytest.raises(DocumentError) as caught:
            read(tmp_path, content, "فارغ.txt")
        assert caught.value.key == "error.empty_file"


def test_a_large_file_is_refused_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(50 * 2**20)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read all the same"))
    with pytest.raises(DocumentError) as caught:
        read_document(path, "big.txt")
    assert MAX_BYTES == 16 * 2**20
    assert str(caught.value) == ("big.txt is 50 MB; the limit for one file is 16 MB. Split it into parts, or raise SHAWAHID_MAX_FILE_MB.")


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    assert read_document(write(tmp_path, {"a.txt": "x" * 100}) / "a.txt", "a.txt", max_bytes=100).text == "x" * 100
    with pytest.raises(DocumentError):
        read_document(tmp_path / "a.txt", "a.txt", max_bytes=99)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.txt": "x"})
    (tmp_path / "a.txt").chmod(0)
    if os.geteuid() == 0:  # permissions do not stop root

        def refuse(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "a.txt", "a.txt")
    assert str(caught.value) == "a.txt could not be opened: Permission denied. Check that it exists and that you may read it."
    with pytest.raises(DocumentError):
        read_document(tmp_path / "gone.txt", "gone.txt")


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.md", "intro\n\n# The title #\n\nBody", "The title"),
        ("a.md", "# ميناء الواحة\nنص", "ميناء الواحة"),
        ("a.md", "## C#\ntext", "C#"),
        ("a.txt", "Harbour news\n\nThe ferry came.", "Harbour news"),
        ("a.txt", "أخبار الميناء\n\nوصلت العبّارة.", "أخبار الميناء"),
        ("a.txt", "A sentence is no title.\nMore.", ""),
        ("a.txt", "هل هذا عنوان؟\nلا.", ""),
        ("a.txt", "Only one line", ""),
        ("a.txt", "x" * 121 + "\nbody", ""),
        ("a.txt", "# not markdown\n\nbody", "# not markdown"),
        ("a.txt", "Minutes of May\nRead by Sami\n\nWe met.", "Minutes of May"),
        ("countries.txt", "Andorra\nAlbania\nAustria\nBelgium\nCyprus\nDenmark\nEstonia\nFrance", "countries"),
        ("البلدان.txt", "الأردن\nلبنان\nسوريا\nالعراق\nمصر\nتونس\nالمغرب\nاليمن", "البلدان"),
        ("prices.csv", "Town,Price\nIrbid,5\nAqaba,7\n", "prices"),
        ("mail.md", "From: sami@example.org\n\nBody.", "mail"),
    ],
)
def test_titles(tmp_path: Path, name: str, text: str, title: str) -> None:
    assert read(tmp_path, text, name).title == title


def test_headings_of_markdown_are_marks(tmp_path: Path) -> None:
    text = "# One\ntext\n\n## الكلفة ##\n\nmore\n####### seven\n#tag\n"
    document = read(tmp_path, text, "a.md")
    assert [(mark.offset, mark.label) for mark in document.marks] == [(0, "§ One"), (11, "§ الكلفة")]
    assert document.locator(document.text.index("more")) == "§ الكلفة"
    assert read(tmp_path, text, "a.txt").marks == ()


def test_a_heading_of_blanks_takes_no_time(tmp_path: Path) -> None:
    document = read(tmp_path, "# a" + " " * 50_000 + "b\n", "a.md")
    assert len(document.marks) == 1


def test_languages_of_documents(tmp_path: Path) -> None:
    assert read(tmp_path, "وصلت العبّارة Albatros إلى الميناء.").language == "ar"
    assert read(tmp_path, "The ferry reached ألباتروس the harbour.").language == "en"
    assert read(tmp_path, "1 2 3").language == "und"


# --- folders --------------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_in_order_of_id(tmp_path: Path) -> None:
    write(tmp_path, {"b.txt": "x", "a/z.md": "x", "a.txt": "x", "A.TXT": "x", "note.bin": "x", ".hidden.txt": "x", ".git/a.txt": "x"})
    assert [id for id, _ in document_paths(tmp_path)] == ["A.TXT", "a.txt", "a/z.md", "b.txt"]


def test_a_missing_folder_and_a_file_in_its_place(tmp_path: Path) -> None:
    for folder in (tmp_path / "لا شيء", write(tmp_path, {"a.txt": "x"}) / "a.txt"):
        with pytest.raises(NothingToIndex) as caught:
            list(load_folder(folder))
        assert caught.value.key == "error.folder_missing"
    (tmp_path / "empty").mkdir()
    assert list(load_folder(tmp_path / "empty")) == []


def test_one_bad_file_stops_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"1.txt": ARABIC, "2.txt": PNG, "3.txt": b"", "4 ملف.txt": PLAIN.encode("cp1256"), "5.txt": ELF},
    )
    loaded = list(load_folder(tmp_path))
    assert [item.id for item in loaded] == ["1.txt", "2.txt", "3.txt", "4 ملف.txt", "5.txt"]
    assert [item.error.key for item in loaded if isinstance(item, Skipped)] == ["error.not_text", "error.empty_file", "error.not_text"]


def test_names_are_composed_and_twins_are_told(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "ملف آخر é.txt")
    write(tmp_path, {decomposed: "one"})
    assert [item.id for item in load_folder(tmp_path)] == ["ملف آخر é.txt"]
    write(tmp_path, {"ملف آخر é.txt": "two"})
    first, second = load_folder(tmp_path)
    if len(list(tmp_path.iterdir())) == 2:  # where the file system keeps both
        assert isinstance(first, Document)
        assert isinstance(second, Skipped)
        assert second.error.key == "error.same_name"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only there")
def test_a_name_that_is_no_utf8_can_be_printed(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode("ملف.txt".encode("cp1256"))).write_text("نص", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    (item,) = load_folder(tmp_path)
    assert isinstance(item, Document)
    assert item.id.encode("utf-8").isascii()
    assert item.id.endswith(".txt")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_that_lead_out_are_passed_over(tmp_path: Path) -> None:
    inside = write(tmp_path / "inside", {"a.txt": "x"})
    outside = write(tmp_path / "outside", {"secret.txt": "x", "deep/secret.txt": "x"})
    (inside / "secret.txt").symlink_to(outside / "secret.txt")
    (inside / "deep").symlink_to(outside / "deep")
    (inside / "copy.txt").symlink_to(inside / "a.txt")
    (inside / "loop.txt").symlink_to(inside / "loop.txt")
    (inside / "dangling.txt").symlink_to(inside / "nowhere")
    (inside / "folder.txt").mkdir()
    os.mkfifo(inside / "pipe.txt")  # reading it would wait for ever
    assert [id for id, _ in document_paths(inside)] == ["a.txt", "copy.txt"]


def test_a_folder_that_may_not_be_entered_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.txt": "x", "locked/b.txt": "x"})
    really = Path.is_file
    stat = Path.stat

    def refuse(self: Path) -> bool:
        if self.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return really(self)

    def refuse_stat(self: Path, **options: bool) -> os.stat_result:
        if self.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return stat(self, **options)

    monkeypatch.setattr(Path, "is_file", refuse)
    monkeypatch.setattr(Path, "stat", refuse_stat)
    good, bad = load_folder(tmp_path)
    assert isinstance(good, Document)
    assert isinstance(bad, Skipped)
    assert bad.error.key == "error.unreadable"
