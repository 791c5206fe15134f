"""Word, HTML, EPUB, tables, JSON and the head of Markdown: text, marks, metadata; and files made to do harm."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from pathlib import Path

import pytest

from rag.documents import sandbox as apart_module
from rag.documents.chunker import Chunker
from rag.documents.formats.decoding import arabic_again
from rag.documents.formats.metadata import iso_date, standard_metadata
from rag.documents.formats.readers import SUFFIXES, read
from rag.documents.load import Loader, Skipped, document_paths, largest, load_folder, read_document
from rag.documents.sandbox import ParserProcess
from rag.documents.sandbox import _received as received
from rag.documents.tree import Content, Limits
from rag.errors import DocumentError
from rag.schema import Document
from tests import pdfs
from tests.helpers import write


def content(text: str | bytes, suffix: str, limits: Limits | None = None) -> Content:
    return read(text if isinstance(text, bytes) else text.encode(), suffix, f"x{suffix}", limits or Limits())


def refused(data: str | bytes, suffix: str, limits: Limits | None = None) -> str:
    with pytest.raises(DocumentError) as caught:
        content(data, suffix, limits)
    assert f"x{suffix}" in str(caught.value)
    assert f"x{suffix}" in caught.value.text("ar")
    return caught.value.key


def marks(of: Content) -> list[tuple[str, str]]:
    """Each mark's label with the line it stands at."""
    return [(mark.label, of.text[mark.offset :].split("\n")[0]) for mark in of.marks]


# --- HTML -----------------------------------------------------------------------------------------------------------------

PAGE = """<!doctype html><html lang="ar"><head><meta charset="utf-8"><title>أخبار الميناء | الواحة</title>
<meta name="author" content="سارة حداد"><meta property="article:published_time" content="2024-10-14T08:00:00+04:00">
<link rel="canonical" href="https://waha.example/news/1"><style>p{color:red}</style><script>var x = "لا";</script></head>
<body><nav><a href="/">الرئيسية</a></nav><h1>أخبار <em>الميناء</em></h1><p>وصلت العبّارة&nbsp;اليوم.<br>وغادرت.</p>
<div hidden>سر</div><p style="display: none">سر</p>
<h2>Prices</h2><ul><li>Adults: 5</li><li>Children: 2</li></ul>
<table><tr><th>Line</th><th>Time</th></tr><tr><td>A</td><td>7:30</td></tr></table>
<p>Tail <span aria-hidden="true">x</span>end &amp; more</p>
</body></html>"""


def test_a_page_as_it_is_seen() -> None:
    found = content(PAGE, ".html")
    assert found.text == (
        "أخبار الميناء\n\nوصلت العبّارة اليوم.\nوغادرت.\n\nPrices\n\n- Adults: 5\n- Children: 2\n\nLine: A · Time: 7:30\n\nTail end & more"
    )
    assert marks(found) == [
        ("§ أخبار الميناء", "أخبار الميناء"),
        ("§ Prices", "Prices"),
        ("row 1", "Line: A · Time: 7:30"),
        ("§ Prices", "Tail end & more"),
    ]
    assert found.title == "أخبار الميناء"
    assert found.metadata == {"author": "سارة حداد", "date": "2024-10-14", "source": "https://waha.example/news/1"}


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1256", "utf-16"])
def test_pages_in_the_encodings_of_arabic(encoding: str) -> None:
    page = f'<html><head><meta charset="{encoding}"></head><body><p>وصلت العبارة إلى الميناء.</p></body></html>'
    assert content(page.encode(encoding), ".htm").text == "وصلت العبارة إلى الميناء."


def test_a_page_that_lies_about_its_encoding() -> None:
    assert content('<meta charset="us-ascii"><p>وصلت</p>'.encode(), ".html").text in ("وصلت", "ÙˆØµÙ„Øª")
    assert content('<?xml version="1.0" encoding="utf-8"?><html><body><p>وصلت</p></body></html>', ".xhtml").text == "وصلت"
    assert content("<p>وصلت <b>العبّارة", ".html").text == "وصلت العبّارة"
    assert content("just words, no tags", ".html").text == "just words, no tags"


def test_headings_open_passages() -> None:
    found = content(PAGE, ".html")
    document = Document("x.html", found.text, found.title, "ar", "", found.marks, {}, found.blocks, found.tables)
    assert [(p.locator, p.path, p.text.split("\n")[0]) for p in Chunker().cut(document)] == [
        ("§ أخبار الميناء", (), "وصلت العبّارة اليوم."),
        ("§ Prices", ("Prices",), "Adults: 5"),
    ]


# --- Word -----------------------------------------------------------------------------------------------------------------


def test_a_word_document() -> None:
    found = content(pdfs.word_document(), ".docx")
    assert found.text.split() == pdfs.words()
    assert marks(found) == [(f"§ {page[0]}", page[0]) for page in pdfs.PAGES]
    assert (found.title, found.metadata["author"]) == ("تقرير الميناء", "سارة حداد")


def test_lists_tables_notes_and_changes_of_a_word_document() -> None:
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.add_paragraph("Before the table.")
    table = document.add_table(2, 2)
    for number, cell in enumerate(("السعر", "الخط", "5", "A")):
        table.cell(number // 2, number % 2).text = cell
    paragraph = document.add_paragraph("Kept ")
    paragraph._p.append(parse_xml(f"<w:ins {nsdecls('w')}><w:r><w:t>and added</w:t></w:r></w:ins>"))
    paragraph._p.append(parse_xml(f"<w:del {nsdecls('w')}><w:r><w:delText>gone</w:delText></w:r></w:del>"))
    document.element.body.insert(
        0, parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>")
    )
    out = io.BytesIO()
    document.save(out)
    assert content(out.getvalue(), ".docx").text == "In a control\n\nBefore the table.\n\nالسعر: 5 · الخط: A\n\nKept and added"


# --- EPUB -----------------------------------------------------------------------------------------------------------------

CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/b.opf"/></rootfiles></container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>كتاب البحر</dc:title>
<dc:creator>سارة حداد</dc:creator><dc:creator>John Reed</dc:creator><dc:date>2021-05</dc:date>
<dc:source>https://waha.example/book</dc:source></metadata>
<manifest><item id="b" href="two.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="one%20a.xhtml" media-type="application/xhtml+xml"/>
<item id="x" href="../../../etc/passwd" media-type="application/xhtml+xml"/>
<item id="y" href="/etc/hosts" media-type="application/xhtml+xml"/>
<item id="c" href="cover.jpg" media-type="image/jpeg"/></manifest>
<spine><itemref idref="a"/><itemref idref="b"/><itemref idref="x"/><itemref idref="y"/>
<itemref idref="nowhere"/><itemref idref="a"/></spine></package>"""


def book(**extra: str | bytes) -> bytes:
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/b.opf": PACKAGE,
        "OEBPS/one a.xhtml": "<html><body><h1>الفصل الأول</h1><p>كان البحر هادئًا.</p></body></html>",
        "OEBPS/two.xhtml": "<html><body><h1>Two</h1><p>The ship left.</p></body></html>",
        **extra,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_book_in_the_order_it_is_read() -> None:
    found = content(book(), ".epub")
    assert found.text == "الفصل الأول\n\nكان البحر هادئًا.\n\nTwo\n\nThe ship left."
    assert marks(found) == [("§ الفصل الأول", "الفصل الأول"), ("§ Two", "Two")]
    assert found.title == "كتاب البحر"
    assert found.metadata == {"author": "سارة حداد, John Reed", "date": "2021-05", "source": "https://waha.example/book"}


def test_what_a_books_style_puts_on_a_line_of_its_own_is_one() -> None:
    package = PACKAGE.replace('<item id="c"', '<item id="s" href="style.css" media-type="text/css"/><item id="c"')
    style = ".info-item { margin: 5px; display: block } .title, span.center {text-align:center;display:block} .plain { color: red }"
    page = "<span class='title'>الزهور</span><span class='center'>أنطون الجميل</span><span class='plain'>a</span><span>b</span>"
    files = {"OEBPS/b.opf": package, "OEBPS/style.css": style, "OEBPS/two.xhtml": f"<html><body>{page}</body></html>"}
    assert content(book(**files), ".epub").text.split("\n\n")[2:] == ["الزهور", "أنطون الجميل", "ab"]


def test_a_book_under_lock() -> None:
    locked = '<encryption><EncryptedData><CipherData><CipherReference URI="OEBPS/two.xhtml"/></CipherData></EncryptedData></encryption>'
    assert refused(book(**{"META-INF/encryption.xml": locked}), ".epub") == "error.protected"
    fonts = locked.replace("two.xhtml", "font.otf")
    assert content(book(**{"META-INF/encryption.xml": fonts}), ".epub").text.endswith("The ship left.")


# --- tables and records ---------------------------------------------------------------------------------------------------


def test_rows_name_their_columns() -> None:
    found = content("الاسم;الركاب\nألباتروس;212\nنورس;\n", ".csv")
    assert found.text == "الاسم: ألباتروس · الركاب: 212\nالاسم: نورس"
    assert marks(found) == [("row 1", "الاسم: ألباتروس · الركاب: 212"), ("row 2", "الاسم: نورس")]
    document = Document("x.csv", found.text, "", "ar", "", found.marks, {}, found.blocks, found.tables)
    (passage,) = Chunker().cut(document)
    assert passage.locators == ("row 1", "row 2")


def test_quoted_cells_tabs_and_tables_without_a_head() -> None:
    assert content('name,note\nA,"one, two\nthree"\n', ".csv").text == "name: A · note: one, two three"
    assert content("name\tcount\nA\t1\n", ".tsv").text == "name: A · count: 1"
    assert content("1,2\n3,4\n", ".csv").text == "1 · 2\n3 · 4"
    assert content("", ".csv").text == ""


def test_one_record_is_a_document() -> None:
    record = {"title": "الميناء", "body": "وصلت العبّارة.", "url": "https://waha.example/1", "published_at": "2024-10-14T10:00:00Z",
              "byline": "سارة", "tags": ["بحر", "خبر"], "views": 7, "none": None}  # fmt: skip
    found = content(json.dumps(record), ".json")
    assert (found.text, found.title) == ("وصلت العبّارة.", "الميناء")
    assert found.metadata == {
        "source": "https://waha.example/1", "date": "2024-10-14", "author": "سارة", "tags": "بحر, خبر", "views": "7",
    }  # fmt: skip
    assert found.marks == ()


def test_many_records_have_marks_and_share_what_they_share() -> None:
    lines = [
        {"title": "One", "text": "The ferry came.", "author": "John", "page": 1},
        {"title": "اثنان", "text": "غادرت.", "author": "John", "page": 2},
    ]
    found = content("\n".join(json.dumps(line) for line in lines) + "\n\n", ".jsonl")
    assert found.text == "One\n\npage: 1\n\nThe ferry came.\n\nاثنان\n\npage: 2\n\nغادرت."
    assert marks(found) == [("row 1", "One"), ("row 2", "اثنان")]
    assert found.metadata == {"author": "John"}
    assert content(json.dumps({"data": lines}), ".json").text == found.text


def test_values_without_a_text_field_are_written_out() -> None:
    assert content('{"ship": {"name": "نورس", "crew": [1, 2]}, "ok": true}', ".json").text == "ship name: نورس · ship crew: 1, 2 · ok: true"
    assert content("[1, 2]", ".json").text == "1\n2"
    assert content("{}", ".json").text == ""


def test_what_is_no_json_is_named_with_its_line() -> None:
    assert refused('{"a": 1}\n{"b": \n', ".jsonl") == "error.not_json"
    with pytest.raises(DocumentError) as caught:
        content('{"a": 1}\n{"b": \n', ".jsonl")
    assert "line 2" in str(caught.value)
    assert refused("{'a': 1}", ".json") == "error.not_json"
    assert refused("[" * 200_000, ".json") == "error.too_nested"
    assert refused('{"a":' * 900 + "1" + "}" * 900, ".json") == "error.too_nested"
    assert refused("1" * 10_000, ".json") == "error.not_json"


def test_question_sets_are_no_documents(tmp_path: Path) -> None:
    question = {"id": "q-1", "question": "متى؟", "answers": ["اليوم"], "evidence": []}
    write(tmp_path, {"questions.jsonl": json.dumps(question), "talks.jsonl": '{"id": 1, "turns": []}', "news.jsonl": '{"text": "خبر"}'})
    assert [id for id, _ in document_paths(tmp_path)] == ["news.jsonl"]


# --- the head of Markdown -------------------------------------------------------------------------------------------------


def test_fields_before_markdown_are_metadata() -> None:
    found = content("---\ntitle: تقرير\ndate: 2024-10-14\nauthor: [سارة, John]\nlayout: post\n---\n\n# Heading\n\nBody.\n", ".md")
    assert found.text == "Heading\n\nBody."
    assert (found.title, marks(found)) == ("تقرير", [("§ Heading", "Heading")])
    assert found.metadata == {"date": "2024-10-14", "author": "سارة, John", "layout": "post"}
    assert content('+++\ntitle = "T"\ndate = 2024-10-14\n+++\nBody.', ".md").metadata == {"date": "2024-10-14"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\n\nA rule, then text.\n\n---\n\nMore.", "A rule, then text.\n\nMore."),
        ("---\nnot: [closed\n---\nBody.", "not: [closed\n\nBody."),
        ("---\na: &x [1]\nb: *x\n---\nBody.", "a: &x [1] b: *x\n\nBody."),
        ("+++\nno toml\n+++\nBody.", "+++ no toml +++ Body."),
        ("---\nnever: closed\n", "never: closed"),
    ],
)
def test_what_only_looks_like_fields_stays_text(text: str, said: str) -> None:
    found = content(text, ".md")
    assert (found.text, found.metadata) == (said, {})


# --- metadata -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2024-10-14", "2024-10-14"), ("2024-10-14T08:00:00Z", "2024-10-14"), ("2024/1/5", "2024-01-05"), ("2024-10", "2024-10"),
        ("2024", "2024"), ("٢٠٢٤-١٠-١٤", "2024-10-14"), ("D:20241014120000+04'00'", "2024-10-14"), ("14.10.2024", "2024-10-14"),
        ("Mon, 14 Oct 2024 08:00:00 +0400", "2024-10-14"), ("2024-02-31", "2024-02"), ("2024-13-01", "2024"), ("03/04/2024", ""),
        ("yesterday", ""), ("", ""), ("0001-01-01", ""), ("20241014", ""),
    ],
)  # fmt: skip
def test_dates(raw: str, iso: str) -> None:
    assert iso_date(raw) == iso


def test_fields_under_names_of_their_own() -> None:
    raw = {"Creator": "سارة", "Published": "14.10.2024", "Link": "https://x.example", "topic": " sea \n side ", "empty": ""}
    assert standard_metadata(raw) == {"author": "سارة", "date": "2024-10-14", "source": "https://x.example", "topic": "sea side"}
    assert standard_metadata({"created_at": "last week", "date": "soon"}) == {"created_at": "last week"}


# --- files made to do harm ------------------------------------------------------------------------------------------------


def bomb(members: int = 3, size: int = 100 * 2**20, **extra: str) -> bytes:
    """An archive of a few kilobytes that unpacks to hundreds of megabytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in extra.items():
            archive.writestr(name, text)
        for number in range(members):
            with archive.open(f"word/media/{number}.bin", "w", force_zip64=True) as member:
                for _ in range(size // 2**20):
                    member.write(bytes(2**20))
    return out.getvalue()


def test_archives_that_explode_are_left_closed() -> None:
    data = bomb()
    assert len(data) < 2**20
    assert refused(data, ".docx") == refused(data, ".epub") == "error.unpacks_too_much"


def test_a_small_file_that_says_it_is_smaller_than_it_is() -> None:
    """The size in the directory is what is read at most, whatever was packed."""
    data = bytearray(book(**{"OEBPS/two.xhtml": "<p>" + "x" * 100_000 + "</p>"}))
    at = data.rindex(b"OEBPS/two.xhtml") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert refused(bytes(data), ".epub") == "error.damaged"


@pytest.mark.parametrize("suffix", [".docx", ".epub", ".pdf"])
def test_damaged_files_say_so(suffix: str) -> None:
    whole = {".docx": pdfs.word_document(), ".epub": book(), ".pdf": pdfs.with_library("visual")}[suffix]
    assert refused(whole[: len(whole) // 2] if suffix != ".pdf" else whole[:200], suffix) == "error.damaged"
    assert refused(b"", suffix) == refused(b"no such thing", suffix) == "error.damaged"


def test_protected_files_say_so() -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, encrypt=StandardEncryption("secret", strength=128))
    canvas.drawString(100, 700, "hidden")
    canvas.save()
    assert refused(out.getvalue(), ".pdf") == "error.protected"
    archive = bytearray(book())
    at = archive.index(b"PK\x01\x02")
    archive[at + 8] |= 1  # the flag of encryption
    assert refused(bytes(archive), ".epub") == "error.protected"


SECRET = "the secret of the machine"
ENTITIES = {
    "file": '<!DOCTYPE x [<!ENTITY e SYSTEM "{path}">]>',
    "laughs": '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "'
    + "&a;" * 100
    + '"><!ENTITY c "'
    + "&b;" * 100
    + '"><!ENTITY e "'
    + "&c;" * 100
    + '">]>',
}


@pytest.mark.parametrize("kind", sorted(ENTITIES))
def test_entities_of_xml_are_not_expanded(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text(SECRET)
    declaration = ENTITIES[kind].replace("{path}", (tmp_path / "secret").as_uri())
    package = declaration + PACKAGE.replace("كتاب البحر", "&e;")
    page = f"{declaration}<html><body><p>&e; The ship left.</p></body></html>"
    word = io.BytesIO(pdfs.word_document())
    out = io.BytesIO()
    with zipfile.ZipFile(word) as source, zipfile.ZipFile(out, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "word/document.xml":
                data = data.replace(b"?>", b"?>" + declaration.encode(), 1).replace("جون ريد".encode(), b"&e;")
            target.writestr(item, data)
    for data, suffix in (
        (book(**{"OEBPS/b.opf": package, "OEBPS/two.xhtml": page}), ".epub"),
        (page.encode(), ".html"),
        (out.getvalue(), ".docx"),
    ):
        try:
            found = content(data, suffix)
        except DocumentError as error:
            outcome = str(error)
        else:
            outcome = found.text + found.title
        assert SECRET not in outcome
        assert "hahaha" not in outcome
        assert len(outcome) < 5000


def test_deep_nesting_is_refused_or_read_but_never_half() -> None:
    assert content("<div>" * 50 + "deep" + "</div>" * 50, ".html").text == "deep"
    assert refused("<div>" * 5000 + "deep", ".html") == "error.too_nested"
    assert refused("<b>" * 240 + "deep", ".html") == "error.too_nested"


def test_limits_of_pages_and_text() -> None:
    assert refused(pdfs.blank(pages=4), ".pdf", Limits(pages=3)) == "error.too_many_pages"
    assert refused("<p>" + "word " * 1000, ".html", Limits(text=1000)) == "error.too_much_text"
    assert refused("a\n" + "word\n" * 1000, ".csv", Limits(text=1000)) == "error.too_much_text"


def test_packed_kinds_may_be_larger(tmp_path: Path) -> None:
    assert (largest(".txt", 100), largest(".PDF", 100), largest(".docx", 100)) == (100, 400, 400)
    (tmp_path / "a.pdf").write_bytes(b"%PDF" + bytes(500))
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "a.pdf", "a.pdf", max_bytes=100)
    assert caught.value.key == "error.too_large"


def test_links_out_of_the_folder_are_passed_over_for_every_kind(tmp_path: Path) -> None:
    write(tmp_path / "outside", {"a.pdf": "x"})
    inside = write(tmp_path / "inside", {"b.html": "<p>x"})
    (inside / "a.pdf").symlink_to(tmp_path / "outside" / "a.pdf")
    assert [id for id, _ in document_paths(inside)] == ["b.html"]


# --- the process apart ----------------------------------------------------------------------------------------------------


OFFICE = frozenset(".xlsx .xlsm .ods .odt .pptx .rtf .eml .zip .png .jpg .jpeg .tif .tiff .webp".split())
"""Kinds whose way through the process is tried in `test_office`."""


def test_every_kind_through_the_door(tmp_path: Path) -> None:
    files = {
        "a.csv": "name,count\nA,1\n", "b.docx": pdfs.word_document(), "c.epub": book(), "d.html": PAGE, "e.json": '{"text": "خبر"}',
        "f.jsonl": '{"text": "خبر"}', "g.md": "# One\n\nText.", "h.pdf": pdfs.with_library("visual"), "i.txt": "نص",
        "j.tsv": "a\tb\n1\t2\n",
        "k.htm": PAGE, "l.xhtml": PAGE,
    }  # fmt: skip
    assert {Path(name).suffix for name in files} == SUFFIXES - OFFICE
    documents = list(load_folder(write(tmp_path, files)))
    assert [item.id for item in documents] == list(files)
    assert all(isinstance(item, Document) and item.text.strip() and len(item.sha256) == 64 for item in documents)
    pdf, html = documents[7], documents[3]
    assert isinstance(pdf, Document)
    assert isinstance(html, Document)
    assert pdf.text.split() == pdfs.words()
    assert (pdf.language, pdf.title, pdf.locator(len(pdf.text) - 1)) == ("ar", "تقرير الميناء", "p. 2")
    assert html.metadata["source"] == "https://waha.example/news/1"


def test_a_reader_that_dies_takes_one_file_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is killed while it has the second file; the third is read by a new one."""
    write(tmp_path, {"1.html": "<p>one", "2.html": "<p>two", "3.html": "<p>three"})
    really = ParserProcess.read

    def dying(self: ParserProcess, data: bytes, suffix: str, name: str) -> Content:
        if name == "2.html":
            assert self._process is not None
            os.kill(self._process.pid, signal.SIGSEGV)
        return really(self, data, suffix, name)

    monkeypatch.setattr(ParserProcess, "read", dying)
    one, two, three = load_folder(tmp_path)
    assert isinstance(one, Document)
    assert isinstance(two, Skipped)
    assert isinstance(three, Document)
    assert (two.error.key, three.text) == ("error.damaged", "three")


def test_time_and_memory_are_bounded(tmp_path: Path) -> None:
    """A page whose letters all sit in one place, so many that there is no time; and one that needs more memory than there is."""
    with ParserProcess(Limits(seconds=1)) as apart, pytest.raises(DocumentError) as caught:
        apart.read(b"<p>" + b"<i>x</i>" * 4_000_000, ".html", "slow.html")
    assert caught.value.key == "error.too_slow"
    with ParserProcess(Limits(memory=96 * 2**20)) as apart, pytest.raises(DocumentError) as caught:
        apart.read(b"<p>" + b"<i>x</i>" * 4_000_000, ".html", "large.html")
    assert caught.value.key in ("error.too_much_memory", "error.damaged")


def test_files_are_read_and_time_is_bounded_where_the_system_has_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, without the module `resource` and the signal SIGXCPU."""
    (tmp_path / "resource.py").write_text("raise ImportError(name='resource')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delattr(signal, "SIGXCPU")
    with ParserProcess(Limits(seconds=1)) as apart:
        assert apart.read("<p>نص".encode(), ".html", "a.html").text == "نص"
        with pytest.raises(DocumentError) as caught:
            apart.read(b"<p>" + b"<i>x</i>" * 4_000_000, ".html", "slow.html")
        assert caught.value.key == "error.too_slow"
        assert apart.read(b"two", ".txt", "b.txt").text == "two"


def test_the_process_apart_ends_with_the_loader(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "<p>one", "b.txt": "two"})
    with Loader() as loader:
        assert loader._parser._process is None, "not started before the first file"
        loader.read(tmp_path / "b.txt", "b.txt")
        process = loader._parser._process
        loader.read(tmp_path / "a.html", "a.html")
        assert process is not None
        assert loader._parser._process is process
    assert process.poll() is not None
    assert loader._parser._process is None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system does not show a process's environment")
def test_the_process_apart_knows_no_secret_and_has_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_PASSWORD", "hunter2")
    monkeypatch.setenv("SHAWAHID_TOKENS", "token-of-a-program")
    (tmp_path / "a.txt").write_text("نص", encoding="utf-8")
    with Loader() as loader:
        assert loader.read(tmp_path / "a.txt", "a.txt")[0][0].text == "نص"
        process = loader._parser._process
        assert process is not None
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        assert b"hunter2" not in environment
        assert b"token-of-a-program" not in environment
        if os.geteuid() == 0:
            assert Path(f"/proc/{process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def test_a_large_tree_comes_back_whole(tmp_path: Path) -> None:
    """More blocks than one piece of an answer holds, in both scripts."""
    text = "الاسم,العدد\n" + "".join(f"بلدة {n},{n}\n" for n in range(9000))
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with Loader() as loader:
        (document,), _ = loader.read(tmp_path / "a.csv", "a.csv")
    assert len(document.blocks) == 9000
    assert document.blocks[-1].span.of(document.text) == "الاسم: بلدة 8999 · العدد: 8999"
    assert document.tables[0].columns == ("الاسم", "العدد")


def test_the_process_apart_does_not_answer_in_a_librarys_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """It speaks through a copy of its output; whatever prints, prints to nowhere."""
    requests = io.BytesIO(b'["read", ".html", "a.html", 4]\n<p>x["read", ".html", "b.html", 0]\n')
    answers = io.BytesIO()
    monkeypatch.setattr(apart_module, "_allow", lambda seconds: None)
    apart_module.serve(requests, answers, Limits(), ocr=False)
    answers.seek(0)
    first, second = received(answers), received(answers)
    assert isinstance(first, Content)
    assert isinstance(second, Content)
    assert (first.text, second.text) == ("x", "")


def test_importing_the_door_imports_no_library() -> None:
    from tests.helpers import run

    code, out, err = run(
        "-c", "import sys, rag.documents.load; print([m for m in ('lxml', 'docx', 'pypdfium2', 'yaml') if m in sys.modules])"
    )
    assert (code, out.strip(), err) == (0, "[]", "")


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("ÇáãíÒÇäíÉ ÇáÚãæãíÉ", "الميزانية العمومية"),
        ("ÊÞÑíÑ 2021", "تقرير 2021"),
        ("Élève à l'école", "Élève à l'école"),
        ("Ærø", "Ærø"),
        ("الميزانية", "الميزانية"),
        ("Budget 2021", "Budget 2021"),
        ("", ""),
    ],
)
def test_a_title_in_windows_1256_that_was_read_as_western_letters_is_arabic_again(stored: str, read: str) -> None:
    assert arabic_again(stored) == read
