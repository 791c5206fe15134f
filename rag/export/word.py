"""A paper as a Word document: its notes as footnotes of the program, Arabic from right to left, mixed lines run by run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag.export.paper import Paper, PaperBlock, PaperNote, PaperRun
from rag.text.language import script

if TYPE_CHECKING:
    from docx.document import Document as WordFile
    from docx.text.paragraph import Paragraph

_FONT = "Arial"  # on every computer, with both scripts
_ARABIC = r"\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff"
_LEFT_TO_RIGHT = re.compile(
    rf"""
    [0-9$€£+\-−][0-9.,:/\-–$€£]*[0-9%$€£](?:[ \u00a0]?[A-Za-z°]{{1,3}}(?![A-Za-z]))?    # 2024-05-01, $279.8, 20 km
    | [0-9][ \u00a0]?[A-Za-z°]{{1,3}}(?![A-Za-z])                                         # 8 GB
    | [A-Za-z\u00c0-\u024f](?:[^{_ARABIC}\n—]*[A-Za-z\u00c0-\u024f0-9%°$€£+\#])?       # Wall Street, Windows 11; a dash parts texts
    """,
    re.VERBOSE,
)
_RIGHT_TO_LEFT = re.compile(rf"[{_ARABIC}](?:[^A-Za-z\u00c0-\u024f\n—]*[{_ARABIC}])?(?:[ \u00a0][0-9]+)?")  # صفحة 12
_LEFT_MARK, _RIGHT_MARK = "\u200e", "\u200f"
_MANY_COLUMNS = 4
"""Columns of a table, above which the pages lie on their side."""
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_EMPTY = f"""<w:footnotes xmlns:w="{_W}">
<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>
<w:footnote w:type="continuationSeparator" w:id="0"><w:p><w:r><w:continuationSeparator/></w:r></w:p></w:footnote>
</w:footnotes>"""
_SETTINGS = f'<w:footnotePr xmlns:w="{_W}"><w:footnote w:id="-1"/><w:footnote w:id="0"/></w:footnotePr>'


def word_document(paper: Paper) -> bytes:
    """Return a paper as a DOCX file. A note that is cited again is referred to by its number, as Word does it."""
    return _WordWriter(paper).write()


class _WordWriter:
    """Writes one paper."""

    def __init__(self, paper: Paper) -> None:
        import docx
        from docx.oxml import parse_xml

        self._paper = paper
        self._file: WordFile = docx.Document()
        self._footnotes = parse_xml(_EMPTY)
        self._numbers: dict[int, int] = {}
        """Numbers of the footnotes, by those of the notes."""

    def write(self) -> bytes:
        self._prepare()
        self._line(self._file.add_paragraph(style="Title"), [PaperRun(self._paper.title)])
        for block in self._paper.blocks:
            self._block(block)
        if self._numbers:
            self._attach()
        out = io.BytesIO()
        self._file.save(out)
        return out.getvalue()

    def _prepare(self) -> None:
        """Set the page, the properties and the styles."""
        from docx.enum.section import WD_ORIENT
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Cm, Pt, RGBColor

        properties = self._file.core_properties
        properties.title, properties.author, properties.comments = self._paper.title[:250], "", ""
        section = self._file.sections[0]
        width, height = Cm(21), Cm(29.7)
        if any(block.rows and len(block.rows[0]) > _MANY_COLUMNS for block in self._paper.blocks):
            section.orientation, width, height = WD_ORIENT.LANDSCAPE, height, width
        section.page_width, section.page_height = width, height
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2.2)
        styles: Any = self._file.styles
        note = styles.add_style("footnote text", WD_STYLE_TYPE.PARAGRAPH)
        note.base_style, note.font.size = styles["Normal"], Pt(9)
        note.paragraph_format.space_after = Pt(2)
        number = styles.add_style("footnote reference", WD_STYLE_TYPE.CHARACTER)
        number.font.superscript = True
        for name, size in (("Normal", 11), ("Title", 20), ("Heading 1", 15), ("Heading 2", 13), ("Heading 3", 11.5)):
            style = styles[name]
            style.font.name, style.font.size, style.font.color.rgb = _FONT, Pt(size), RGBColor(0x1C, 0x1F, 0x23)
            _complex(style.element.get_or_add_rPr(), size)
        _complex(note.element.get_or_add_rPr(), 9)
        styles["Normal"].paragraph_format.space_after = Pt(6)

    def _block(self, block: PaperBlock) -> None:
        from docx.shared import Cm, Pt, RGBColor

        if block.form == "table":
            self._table(block)
            return
        style = {"heading": f"Heading {block.level}", "item": "List Bullet"}.get(block.form, "Normal")
        paragraph = self._file.add_paragraph(style=style)
        self._line(paragraph, block.runs)
        if block.form == "quote":
            paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Cm(0.9)
        elif block.form == "label":
            for run in paragraph.runs:
                run.font.size, run.font.color.rgb = Pt(9), RGBColor(0x56, 0x5B, 0x63)

    def _table(self, block: PaperBlock) -> None:
        if not block.rows:
            return
        table = self._file.add_table(len(block.rows), len(block.rows[0]), style="Table Grid")
        if self._paper.language == "ar":
            table._tbl.tblPr.get_or_add_tblStyle().addnext(_element("w:bidiVisual"))
        for place, row in enumerate(block.rows):
            for cell, runs in zip(table.rows[place].cells, row, strict=False):
                shown = [PaperRun(run.text, run.bold or not place, run.notes) for run in runs]
                self._line(cell.paragraphs[0], shown)

    def _line(self, paragraph: Paragraph, runs: Sequence[PaperRun]) -> None:
        """Write runs into a paragraph, in the direction that most of its text has."""
        written = script("".join(run.text for run in runs))
        rtl = written == "ar" or (written == "und" and self._paper.language == "ar")
        if rtl:
            _turn(paragraph)
        for run in runs:
            _write(paragraph, run.text, rtl, run.bold)
            for number in run.notes:
                self._cite(paragraph, number)

    def _cite(self, paragraph: Paragraph, number: int) -> None:
        if number in self._numbers:
            _refer(paragraph, self._numbers[number])
            return
        footnote = self._numbers[number] = len(self._numbers) + 1
        mark = paragraph.add_run(style="footnote reference")
        mark._r.append(_element("w:footnoteReference", id=str(footnote)))
        mark._r.addprevious(_element("w:bookmarkStart", id=str(footnote), name=_bookmark(footnote)))
        mark._r.addnext(_element("w:bookmarkEnd", id=str(footnote)))
        self._footnotes.append(self._footnote(footnote, self._paper.notes[number - 1]))

    def _footnote(self, number: int, note: PaperNote) -> Any:
        from docx.text.paragraph import Paragraph

        element = _element("w:footnote", id=str(number))
        paragraph = Paragraph(_element("w:p"), self._file._body)
        element.append(paragraph._p)
        paragraph.style = "footnote text"
        mark = paragraph.add_run(style="footnote reference")
        mark._r.append(_element("w:footnoteRef"))
        text = ": ".join(part for part in (note.reference, note.quoted) if part)
        rtl = script(note.quote or text) == "ar"
        if rtl:
            _turn(paragraph)
        _write(paragraph, f" {text}", rtl)
        return element

    def _attach(self) -> None:
        """Add the footnotes to the file, as a part of their own that the settings know."""
        from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
        from docx.opc.oxml import serialize_part_xml
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from docx.oxml import parse_xml
        from docx.oxml.ns import qn

        blob = serialize_part_xml(self._footnotes)
        part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, blob, self._file.part.package)
        self._file.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
        settings = self._file.settings.element
        known = parse_xml(_SETTINGS)
        before = settings.find(qn("w:compat"))
        if before is not None:
            before.addprevious(known)  # the schema wants this order


def _bookmark(footnote: int) -> str:
    return f"_Footnote{footnote}"


def _element(tag: str, **attributes: str) -> Any:
    """Return an element of WordprocessingML with attributes of the same namespace."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    return OxmlElement(tag, attrs={qn(f"w:{key}"): value for key, value in attributes.items()})


def _complex(properties: Any, size: float) -> None:
    """Give a style the font and the size of complex scripts, which Arabic is written in."""
    from docx.oxml.ns import qn

    properties.get_or_add_rFonts().set(qn("w:cs"), _FONT)
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        properties.rFonts.attrib.pop(qn(f"w:{theme}"), None)
    for old in properties.findall(qn("w:szCs")):
        properties.remove(old)
    properties.find(qn("w:sz")).addnext(_element("w:szCs", val=str(int(2 * size))))


def _turn(paragraph: Paragraph) -> None:
    """Set a paragraph from right to left."""
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(
        _element("w:bidi"), "w:adjustRightInd", "w:snapToGrid", "w:spacing", "w:ind", "w:contextualSpacing", "w:jc", "w:rPr"
    )


def _write(paragraph: Paragraph, text: str, rtl: bool, bold: bool = False) -> None:
    """Write a text into a paragraph, with a run of its own for each part that runs in another direction."""
    for part, turned in _directions(" ".join(text.split("\n")), rtl):
        run = paragraph.add_run(_marked(part, turned, rtl))
        if bold:
            run.bold = run.font.cs_bold = True
        if turned:
            run.font.rtl = True
            run._r.get_or_add_rPr().append(_element("w:lang", bidi="ar-SA"))


def _directions(text: str, rtl: bool) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a text in order, and whether each runs from right to left."""
    at = 0
    for found in (_LEFT_TO_RIGHT if rtl else _RIGHT_TO_LEFT).finditer(text):
        if found.start() > at:
            yield text[at : found.start()], rtl
        yield found[0], not rtl
        at = found.end()
    if at < len(text):
        yield text[at:], rtl


def _marked(part: str, turned: bool, rtl: bool) -> str:
    """Return a part of a line so that programs that order it by its letters alone, as LibreOffice does, show it as Word does: in an Arabic
    line, the signs of "-1%" and "2024-05-01" stay where they are, and a dash or full stop after them stands to their left; in an English
    one, numbers after Arabic words stand to their right."""
    if not rtl:
        return f"{part}{_LEFT_MARK}" if turned else part
    if turned:
        return part if part.isspace() or re.search(rf"[{_ARABIC}]", part) else f"{part}{_RIGHT_MARK}"
    return part if part[0].isalpha() or re.fullmatch(r"[0-9.,:]+", part) else f"{_LEFT_MARK}{part}"


def _refer(paragraph: Paragraph, footnote: int) -> None:
    """Refer to a footnote that stands earlier: a field that Word keeps up to date, with its number for programs that know no fields."""
    steps = (
        _element("w:fldChar", fldCharType="begin"),
        f" NOTEREF {_bookmark(footnote)} \\f \\h ",
        _element("w:fldChar", fldCharType="separate"),
        str(footnote),
        _element("w:fldChar", fldCharType="end"),
    )
    for step in steps:
        run = paragraph.add_run(style="footnote reference")
        if not isinstance(step, str):
            run._r.append(step)
        elif step.strip().startswith("NOTEREF"):
            instruction = _element("w:instrText")
            instruction.text = step
            instruction.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            run._r.append(instruction)
        else:
            run.text = step
