"""Papers as Word documents with footnotes, and their sources as BibTeX and RIS: written, opened again and read."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import docx
import pytest
from lxml import etree

from rag.documents.formats.docx import read_docx
from rag.documents.tree import Limits
from rag.errors import BadSetting
from rag.export import Paper, PaperBlock, PaperNote, PaperRun, bibtex, paper_of, ris, word_document

BRIDGE = PaperNote(
    "reports/bridge.pdf",
    "Report on the harbour bridge",
    "p. 3",
    author="Dana Whitfield; Ali Hassan",
    date="2023-03-12",
    quote="The harbour bridge was closed on 12 March 2023.",
)
PHONE = PaperNote(
    "هاتف.html",
    "هاتف نور",
    "ص 2",
    "سلمى حداد",
    "2024",
    "https://example.org/n?a=1&b=2",
    "https://example.org/n?a=1&b=2",
    "سعره 349 دولارًا.",
)
PLAIN = PaperNote("notes.txt")
PAPER = Paper(
    "Notes · ملاحظات",
    "en",
    (
        PaperBlock("heading", (PaperRun("What happened"),), level=2),
        PaperBlock("text", (PaperRun("It was closed on "), PaperRun("12 March 2023", True, (1,)), PaperRun(", for repairs."))),
        PaperBlock("quote", (PaperRun("يبلغ سعر هاتف نور 349 دولارًا بحسب Wall Street Journal في 2024-05-01.", notes=(2, 1)),)),
        PaperBlock("label", (PaperRun("Quoted word for word"),)),
        PaperBlock("table", rows=(((PaperRun("Document"),), (PaperRun("Price?"),)), ((PaperRun("هاتف"),), (PaperRun("349", notes=(2,)),)))),
    ),
    (BRIDGE, PHONE),
)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def part(content: bytes, name: str) -> Any:
    return etree.fromstring(zipfile.ZipFile(io.BytesIO(content)).read(name))


def words(element: Any) -> str:
    return "".join(text.text or "" for text in element.iter(f"{W}t"))


# --- Word -----------------------------------------------------------------------------------------------------------------


def test_a_word_document_has_the_lines_and_the_notes_at_the_foot_of_the_page() -> None:
    content = word_document(PAPER)
    opened = docx.Document(io.BytesIO(content))
    assert [(line.style.name, line.text) for line in opened.paragraphs] == [
        ("Title", "Notes · ملاحظات"),
        ("Heading 2", "What happened"),
        ("Normal", "It was closed on 12 March 2023, for repairs."),
        ("Normal", "يبلغ سعر هاتف نور 349 دولارًا بحسب Wall Street Journal في \u200e2024-05-01.\u200f1"),  # the second 1 is a reference back
        ("Normal", "Quoted word for word"),
    ]
    assert [[cell.text for cell in row.cells] for row in opened.tables[0].rows] == [["Document", "Price?"], ["هاتف", "3492"]]
    notes = [note for note in part(content, "word/footnotes.xml") if note.get(f"{W}type") is None]
    assert [(note.get(f"{W}id"), words(note)) for note in notes] == [
        (
            "1",
            (
                " Report on the harbour bridge — reports/bridge.pdf — p. 3 — Dana Whitfield; Ali Hassan — 2023-03-12: "
                "“The harbour bridge was closed on 12 March 2023.”"
            ),
        ),
        ("2", " هاتف نور — هاتف.html — ص 2 — سلمى حداد — 2024 — \u200fhttps://example.org/n?a=1&b=2: «سعره 349 دولارًا.»"),
    ]
    body = part(content, "word/document.xml")
    assert [mark.get(f"{W}id") for mark in body.iter(f"{W}footnoteReference")] == ["1", "2"]
    fields = [field.text.split()[:2] for field in body.iter(f"{W}instrText")]
    assert fields == [["NOTEREF", "_Footnote1"], ["NOTEREF", "_Footnote2"]]
    names = [mark.get(f"{W}name") for mark in body.iter(f"{W}bookmarkStart")]
    assert names == ["_Footnote1", "_Footnote2"]


def test_arabic_runs_from_right_to_left_and_latin_in_it_from_left_to_right() -> None:
    body = part(word_document(PAPER), "word/document.xml")
    lines = {words(line)[:6]: line for line in body.iter(f"{W}p")}
    turned = {start for start, line in lines.items() if line.find(f"{W}pPr/{W}bidi") is not None}
    assert turned == {"Notes ", "يبلغ س", "هاتف"}  # Arabic letters count more, being fewer for the same words
    runs = [(words(run), run.find(f"{W}rPr/{W}rtl") is not None) for run in lines["يبلغ س"].iter(f"{W}r") if words(run)]
    assert runs == [
        ("يبلغ سعر هاتف نور ", True),
        ("349", False),
        (" دولارًا بحسب ", True),
        ("Wall Street Journal", False),
        (" في ", True),
        ("\u200e2024-05-01", False),  # by their letters alone, these would be 01-05-2024
        (".\u200f", True),
        ("1", False),
    ]


def test_what_is_exported_can_be_added_as_a_document_with_its_notes() -> None:
    content = read_docx(word_document(PAPER), "notes.docx", Limits())
    notes = [block.span.of(content.text) for block in content.blocks if block.kind == "note"]
    assert len(notes) == 2
    assert "“The harbour bridge was closed on 12 March 2023.”" in notes[0]
    assert "سعره 349 دولارًا." in notes[1]


def test_an_arabic_table_begins_at_the_right_and_a_wide_one_lies_on_its_side() -> None:
    row = tuple((PaperRun(str(number)),) for number in range(6))
    content = word_document(Paper("جدول", "ar", (PaperBlock("table", rows=(row, row)),)))
    assert part(content, "word/document.xml").find(f".//{W}tblPr/{W}bidiVisual") is not None
    section = docx.Document(io.BytesIO(content)).sections[0]
    assert section.page_width > section.page_height
    assert "word/footnotes.xml" not in zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_an_empty_paper_is_a_document_with_a_title() -> None:
    opened = docx.Document(io.BytesIO(word_document(Paper("فارغ", "ar", ()))))
    assert [line.text for line in opened.paragraphs] == ["فارغ"]
    assert opened.core_properties.title == "فارغ"
    assert opened.core_properties.author == ""


# --- references -----------------------------------------------------------------------------------------------------------


def test_bibtex_has_an_entry_for_each_document_with_what_is_known_of_it() -> None:
    notes = (BRIDGE, PHONE, PaperNote("reports/bridge.pdf", "Report on the harbour bridge", "p. 9"), PLAIN)
    assert bibtex(notes) == (
        "@misc{whitfield2023report,\n"
        "  author = {Dana Whitfield and Ali Hassan},\n"
        "  title = {{Report on the harbour bridge}},\n"
        "  year = {2023},\n"
        "  month = mar,\n"
        "  day = {12},\n"
        "  howpublished = {reports/bridge.pdf},\n"
        "  note = {p. 3; p. 9},\n"
        "}\n"
        "\n"
        "@misc{2024html,\n"
        "  author = {سلمى حداد},\n"
        "  title = {{هاتف نور}},\n"
        "  year = {2024},\n"
        "  howpublished = {هاتف.html},\n"
        "  url = {https://example.org/n?a=1&b=2},\n"
        "  note = {ص 2},\n"
        "}\n"
        "\n"
        "@misc{notes,\n"
        "  title = {{notes.txt}},\n"
        "  howpublished = {notes.txt},\n"
        "}\n"
    )


def test_bibtex_escapes_what_latex_would_read_and_no_key_stands_twice() -> None:
    found = bibtex([PaperNote("a_1.txt", "Profit & loss: 50% of {all} $ #1"), PaperNote("عقد.md", "عقد"), PaperNote("بيان.md", "بيان")])
    assert r"title = {{Profit \& loss: 50\% of \{all\} \$ \#1}}" in found
    assert r"howpublished = {a\_1.txt}" in found
    keys = re.findall(r"@misc\{(.*),", found)
    assert keys == ["profit", "md", "md-2"]
    assert bibtex([]) == ris([]) == ""


def test_ris_has_a_record_for_each_document() -> None:
    assert ris((BRIDGE, PHONE, PaperNote("قديم.txt", date="مطلع 1950"))).split("\r\n") == [
        "TY  - GEN",
        "AU  - Dana Whitfield",
        "AU  - Ali Hassan",
        "TI  - Report on the harbour bridge",
        "PY  - 2023",
        "DA  - 2023/03/12",
        "C1  - reports/bridge.pdf",
        "N1  - p. 3",
        "ER  - ",
        "TY  - ELEC",
        "AU  - سلمى حداد",
        "TI  - هاتف نور",
        "PY  - 2024",
        "DA  - 2024",
        "UR  - https://example.org/n?a=1&b=2",
        "C1  - هاتف.html",
        "N1  - ص 2",
        "ER  - ",
        "TY  - GEN",
        "TI  - قديم.txt",
        "C1  - قديم.txt",
        "N1  - مطلع 1950",
        "ER  - ",
        "",
    ]


# --- what a page sends ----------------------------------------------------------------------------------------------------


def test_a_paper_that_a_page_sends_is_read() -> None:
    sent = {
        "title": "Notes\u202e",
        "language": "ar",
        "blocks": [{"form": "text", "runs": [{"text": "a\x00b", "bold": True, "notes": [1, 7, True, "1"]}]}],
        "notes": [{"document": "d.txt", "quote": "a b"}],
    }
    block = PaperBlock("text", (PaperRun("ab", True, (1,)),))
    assert paper_of(sent) == Paper("Notes", "ar", (block,), (PaperNote("d.txt", quote="a b"),))
    assert paper_of({}) == Paper("", "en", ())


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {"blocks": "x"},
        {"blocks": [{"form": "script"}]},
        {"blocks": [{"form": "text", "runs": ["x"]}]},
        {"blocks": [{"form": "text", "runs": [{"text": 1}]}]},
        {"notes": [1]},
    ],
)
def test_anything_else_is_refused_in_a_sentence(sent: object) -> None:
    with pytest.raises(BadSetting, match="could not be read"):
        paper_of(sent)


def test_too_much_is_refused() -> None:
    with pytest.raises(BadSetting, match="too much for one file"):
        paper_of({"blocks": [{"form": "text", "runs": [{"text": "x" * 4_000_001}]}]})
