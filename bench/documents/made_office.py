"""Synthetic office files: DOCX, XLSX, ODS, ODT, PPTX, each in both languages, with the features of real ones: merged cells, content
controls, notes, changes, automatic numbers, titles above the header, dates and formulas.

Runs in the environment of `requirements.txt`, not in the project's.
"""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from contents import Source, budget, form, population, prices, trade, years

Page = dict[str, Any]


def pages() -> Iterator[Page]:
    """Yield all synthetic office files."""
    for language in ("en", "ar"):
        for make in _ALL:
            page = {"language": language, "made": True, "complete": False, **make(language)}
            page["id"] = f"made-{page['id']}-{language}"
            page["file"] = f"{page['id']}.{page.pop('suffix')}"
            yield page


# --- DOCX -----------------------------------------------------------------------------------------------------------------

_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def _docx(body: str, parts: dict[str, str] | None = None) -> bytes:
    """Return a DOCX from the XML of its body, and of further parts by name: footnotes, numbering, header1."""
    parts = parts or {}
    kinds = {"footnotes": "footnotes", "numbering": "numbering", "header1": "header", "comments": "comments"}
    types = "".join(f'<Override PartName="/word/{name}.xml" ContentType="{_KIND}.{kinds[name]}+xml"/>' for name in parts)
    links = "".join(
        f'<Relationship Id="r{name}" Target="{name}.xml" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kinds[name]}"/>'
        for name in parts
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/>'
        f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
        for n in (1, 2)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
            f'ContentType="{_KIND}.document.main+xml"/><Override PartName="/word/styles.xml" '
            f'ContentType="{_KIND}.styles+xml"/>{types}</Types>',
        )
        relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}">'
            f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/_rels/document.xml.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="rs" Type="{office}/styles" Target="styles.xml"/>{links}</Relationships>',
        )
        archive.writestr("word/styles.xml", f'<w:styles xmlns:w="{_W}">{styles}</w:styles>')
        for name, text in parts.items():
            archive.writestr(f"word/{name}.xml", text)
        archive.writestr(
            "word/document.xml",
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document xmlns:w="{_W}" xmlns:r="{office}" '
            'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
            'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
            'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
            'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            'xmlns:v="urn:schemas-microsoft-com:vml">'
            f"<w:body>{body}</w:body></w:document>",
        )
    return out.getvalue()


def _t(text: str, before: str = "") -> str:
    return f'<w:r>{before}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _par(text: str, properties: str = "") -> str:
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{_t(text)}</w:p>"


def _heading(text: str, level: int = 1) -> str:
    return _par(text, f'<w:pStyle w:val="Heading{level}"/>')


def _cell(text: str, properties: str = "") -> str:
    return f"<w:tc>{f'<w:tcPr>{properties}</w:tcPr>' if properties else ''}{_par(text)}</w:tc>"


def _tbl(rows: Sequence[str]) -> str:
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


def _docx_table(language: str) -> Page:
    source = Source(language, 101)
    table, before, after = budget(source), source.paragraph(2), source.paragraph(2)
    body = _par(before) + _heading(table.caption) + _tbl(["".join(map(_cell, row)) for row in table.grid]) + _par(after)
    return {"id": "docx-table", "suffix": "docx", "kind": "docx table", "words": [before, after], "columns": [before, table.caption, after],
            "numbers": table.numbers, "tables": [table.gold], "data": _docx(body)}  # fmt: skip


def _docx_merged(language: str) -> Page:
    """Row groups in merged cells, empty cells, and a title cell across the whole width."""
    source = Source(language, 102)
    table = prices(source, 6)
    north, south = ("North", "South") if language == "en" else ("الشمال", "الجنوب")
    rows = [
        _cell(table.caption, '<w:gridSpan w:val="5"/>'),
        "".join(map(_cell, ("Region" if language == "en" else "الإقليم", *table.grid[0]))),
    ]
    for number, row in enumerate(table.rows):
        region = _cell((north, south)[number // 3], '<w:vMerge w:val="restart"/>') if number % 3 == 0 else _cell("", "<w:vMerge/>")
        rows.append(region + "".join(map(_cell, row)))
    gold = table.gold
    gold["rows"] = [[f"{(north, south)[n // 3]} {row[0]}", *row[1:]] for n, row in enumerate(table.rows)]
    return {
        "id": "docx-merged",
        "suffix": "docx",
        "kind": "docx table",
        "numbers": table.numbers,
        "tables": [gold],
        "data": _docx(_tbl(rows)),
    }


def _docx_two_rows(language: str) -> Page:
    source = Source(language, 103)
    table = trade(source)
    groups = [table.columns[0].rsplit(" ", 1)[0], table.columns[2].rsplit(" ", 1)[0]]
    top = _cell(table.corner, '<w:vMerge w:val="restart"/>') + "".join(_cell(group, '<w:gridSpan w:val="2"/>') for group in groups)
    sub = _cell("", "<w:vMerge/>") + "".join(_cell(column.rsplit(" ", 1)[1]) for column in table.columns)
    body = _heading(table.caption) + _tbl([top, sub, *("".join(map(_cell, row)) for row in table.rows)])
    return {
        "id": "docx-two-row-header",
        "suffix": "docx",
        "kind": "docx table",
        "numbers": table.numbers,
        "tables": [table.gold],
        "data": _docx(body),
    }


def _docx_controls(language: str) -> Page:
    """Return a form and a table whose values stand in content controls: a cell, a row, a run."""
    source = Source(language, 104)
    fields = form(source)
    rows = []
    for number, (label, value) in enumerate(fields):
        if number % 3 == 0:
            rows.append(f"<w:tr>{_cell(label)}<w:sdt><w:sdtContent>{_cell(value)}</w:sdtContent></w:sdt></w:tr>")
        elif number % 3 == 1:
            rows.append(f"<w:sdt><w:sdtContent><w:tr>{_cell(label)}{_cell(value)}</w:tr></w:sdtContent></w:sdt>")
        else:
            run = f"<w:sdt><w:sdtContent>{_t(value)}</w:sdtContent></w:sdt>"
            rows.append(f"<w:tr>{_cell(label)}<w:tc><w:p>{run}</w:p></w:tc></w:tr>")
    return {"id": "docx-controls", "suffix": "docx", "kind": "docx form", "tables": [{"rows": [list(f) for f in fields]}],
            "data": _docx("<w:tbl>" + "".join(rows) + "</w:tbl>")}  # fmt: skip


def _docx_numbered(language: str) -> Page:
    """Articles and clauses with automatic numbers."""
    source = Source(language, 105)
    word = "Article" if language == "en" else "المادة"
    articles = [source.sentence() for _ in range(4)]
    clauses = [source.sentence() for _ in range(3)]

    def number(text: str, level: int, list_id: int) -> str:
        return _par(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>')

    body = number(articles[0], 0, 1) + number(articles[1], 0, 1) + "".join(number(text, 1, 1) for text in clauses)
    body += number(articles[2], 0, 1) + number(articles[3], 0, 1)
    level = '<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="{text}"/></w:lvl>'
    levels = level.format(n=0, text=f"{word} %1") + level.format(n=1, text="%1.%2")
    numbering = (
        f'<w:numbering xmlns:w="{_W}"><w:abstractNum w:abstractNumId="0">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    words = [f"{word} 1 {articles[0]}", f"{word} 2 {articles[1]}", *(f"2.{n} {text}" for n, text in enumerate(clauses, 1)),
             f"{word} 3 {articles[2]}", f"{word} 4 {articles[3]}"]  # fmt: skip
    return {
        "id": "docx-numbered",
        "suffix": "docx",
        "kind": "docx text",
        "words": words,
        "columns": words,
        "data": _docx(body, {"numbering": numbering}),
    }


def _docx_changes(language: str) -> Page:
    """Tracked changes, a deleted row, a hidden comment: what is deleted isn't there, what is inserted is."""
    source = Source(language, 106)
    kept, inserted, deleted, after = (source.sentence() for _ in range(4))
    table = years(source, 4)
    change = 'w:id="{}" w:author="A" w:date="2024-01-01T00:00:00Z"'
    body = (
        f"<w:p>{_t(kept + ' ')}<w:ins {change.format(1)}>{_t(inserted)}</w:ins><w:del {change.format(2)}><w:r><w:delText>{escape(deleted)}"
        f"</w:delText></w:r></w:del></w:p>"
    )
    gone = "".join(map(_cell, ("Atlantis" if language == "en" else "أطلانتس", *["55555"] * 4)))
    rows = ["".join(map(_cell, row)) for row in table.grid]
    body += "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows[:3])
    body += (
        f"<w:tr><w:trPr><w:del {change.format(3)}/></w:trPr>{gone}</w:tr>"
        + "".join(f"<w:tr>{row}</w:tr>" for row in rows[3:])
        + "</w:tbl>"
        + _par(after)
    )
    return {
        "id": "docx-changes",
        "suffix": "docx",
        "kind": "docx table",
        "words": [f"{kept} {inserted}", after],
        "absent": [deleted, "55555"],
        "numbers": table.numbers,
        "tables": [table.gold],
        "data": _docx(body),
    }


def _docx_notes(language: str) -> Page:
    """Footnotes: the mark is not part of the number before it."""
    source = Source(language, 107)
    values = [source.number(1100, 9899) for _ in range(3)]
    before, after = ("The camp holds ", " people.") if language == "en" else ("يضم المخيم ", " شخصا.")
    notes = [source.sentence() for _ in values]
    reference = '<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:footnoteReference w:id="{}"/></w:r>'
    body = _heading("Camps" if language == "en" else "المخيمات")
    for number, value in enumerate(values, start=1):
        body += f"<w:p>{_t(before + value)}{reference.format(number)}{_t(after)}</w:p>{_par(source.sentence())}"
    footnotes = f'<w:footnotes xmlns:w="{_W}">' + "".join(
        f'<w:footnote w:id="{n}"><w:p><w:r><w:footnoteRef/></w:r>{_t(" " + text)}</w:p></w:footnote>' for n, text in enumerate(notes, 1)
    ) + "</w:footnotes>"  # fmt: skip
    return {
        "id": "docx-footnotes",
        "suffix": "docx",
        "kind": "docx text",
        "numbers": values,
        "words": notes,
        "data": _docx(body, {"footnotes": footnotes}),
    }


def _docx_text_box(language: str) -> Page:
    """A text box, which Word writes twice, must appear once; the page header is not part of the text."""
    source = Source(language, 108)
    texts, boxed = source.paragraphs(3, 2), source.sentence()
    inner = f"<w:txbxContent>{_par(boxed)}</w:txbxContent>"
    box = (
        '<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic><a:graphicData '
        'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:txbx>'
        f"{inner}</wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape>"
        f"<v:textbox>{inner}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    from scores import numbers_of

    numbers = [number for text in (texts[0], boxed, *texts[1:]) for number in numbers_of(text)]
    body = _par(texts[0]) + box + _par(texts[1]) + _par(texts[2])
    return {
        "id": "docx-text-box",
        "suffix": "docx",
        "kind": "docx text",
        "words": [*texts, boxed],
        "columns": [texts[0], boxed, *texts[1:]],
        "numbers": numbers,
        "data": _docx(body),
    }


# --- spreadsheets ---------------------------------------------------------------------------------------------------------


def _xlsx(fill: Callable[[Any], None]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    fill(book)
    book.close()
    return out.getvalue()


def _number(text: str) -> float | int | str:
    try:
        return int(text.replace(",", "")) if "." not in text else float(text.replace(",", ""))
    except ValueError:
        return text


def _xlsx_title(language: str) -> Page:
    """Title and source lines above the header, a sum below, two sheets."""
    source = Source(language, 111)
    first, second = population(source, 5, ""), years(source, 4)
    total = "Total" if language == "en" else "المجموع"
    sums = [str(sum(int(row[n]) for row in first.rows)) for n in (1, 2, 3)]
    title = "Statistical bulletin" if language == "en" else "النشرة الإحصائية"

    def fill(book: Any) -> None:
        for table in (first, second):
            sheet = book.add_worksheet(table.caption[:31])
            sheet.merge_range(0, 0, 0, len(table.columns), title)
            sheet.write(1, 0, table.caption)
            for y, row in enumerate(table.grid, start=3):
                for x, cell in enumerate(row):
                    sheet.write(y, x, _number(cell) if y > 3 and x else cell)
            if table is first:
                sheet.write(4 + len(table.rows), 0, total)
                for x, value in enumerate(sums, start=1):
                    letter = "ABCD"[x]
                    sheet.write_formula(4 + len(table.rows), x, f"=SUM({letter}5:{letter}{4 + len(table.rows)})", None, int(value))

    gold = first.gold
    gold["rows"] = [*gold["rows"], [total, *sums]]
    return {"id": "xlsx-title", "suffix": "xlsx", "kind": "xlsx table", "numbers": [*first.numbers, *sums, *second.numbers],
            "tables": [gold, second.gold], "data": _xlsx(fill)}  # fmt: skip


def _xlsx_merged(language: str) -> Page:
    """A header of two rows, the upper cells merged, and empty cells."""
    source = Source(language, 112)
    table = trade(source)
    groups = [table.columns[0].rsplit(" ", 1)[0], table.columns[2].rsplit(" ", 1)[0]]

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write(0, 0, table.corner)
        sheet.merge_range(0, 1, 0, 2, groups[0])
        sheet.merge_range(0, 3, 0, 4, groups[1])
        for x, column in enumerate(table.columns, start=1):
            sheet.write(1, x, _number(column.rsplit(" ", 1)[1]))
        shown = book.add_format({"num_format": "0.0"})  # 79.0 is shown as "79" without it
        for y, row in enumerate(table.rows, start=2):
            for x, cell in enumerate(row):
                sheet.write(y, x, _number(cell) if x else cell, shown if x else None)

    return {
        "id": "xlsx-two-row-header",
        "suffix": "xlsx",
        "kind": "xlsx table",
        "numbers": table.numbers,
        "tables": [table.gold],
        "data": _xlsx(fill),
    }


def _xlsx_dates(language: str) -> Page:
    """Dates, percentages and amounts are as the sheet displays them: 2024-05-02, 12.5%, 1,250.00."""
    source = Source(language, 113)
    names = ("Delivery", "Payment", "Inspection") if language == "en" else ("التسليم", "الدفع", "التفتيش")
    columns = ("Date", "Share", "Amount") if language == "en" else ("التاريخ", "النسبة", "المبلغ")
    corner = "Step" if language == "en" else "المرحلة"
    values = [(datetime.date(2024, 5, 2 + 9 * n), 0.125 + n / 4, int(source.number(1000, 9000))) for n in range(3)]

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        formats = [book.add_format({"num_format": text}) for text in ("yyyy-mm-dd", "0.0%", "#,##0")]
        for x, name in enumerate((corner, *columns)):
            sheet.write(0, x, name)
        for y, (name, row) in enumerate(zip(names, values, strict=True), start=1):
            sheet.write(y, 0, name)
            sheet.write_datetime(y, 1, datetime.datetime.combine(row[0], datetime.time()), formats[0])
            sheet.write(y, 2, row[1], formats[1])
            sheet.write(y, 3, row[2], formats[2])

    rows = [[name, row[0].isoformat(), f"{row[1]:.1%}", f"{row[2]:,}"] for name, row in zip(names, values, strict=True)]
    return {"id": "xlsx-dates", "suffix": "xlsx", "kind": "xlsx table", "numbers": [cell for row in rows for cell in row[1:]],
            "tables": [{"columns": list(columns), "rows": rows}], "data": _xlsx(fill)}  # fmt: skip


def _ods(language: str) -> Page:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    table = population(Source(language, 114), 6, "")
    book = OpenDocumentSpreadsheet()
    sheet = Table(name=table.caption)
    for y, row in enumerate([[table.caption], *table.grid]):
        line = TableRow()
        for x, text in enumerate(row):
            number = y > 1 and x > 0
            cell = TableCell(valuetype="float", value=text) if number else TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        sheet.addElement(line)
    book.spreadsheet.addElement(sheet)
    out = io.BytesIO()
    book.write(out)
    return {"id": "ods", "suffix": "ods", "kind": "ods table", "numbers": table.numbers, "tables": [table.gold], "data": out.getvalue()}


# --- ODT and slides -------------------------------------------------------------------------------------------------------


def _odt(language: str) -> Page:
    from odf.opendocument import OpenDocumentText
    from odf.table import Table, TableCell, TableRow
    from odf.text import H, Note, NoteBody, NoteCitation, P

    source = Source(language, 121)
    texts, table, value = source.paragraphs(3, 2), budget(source, 4), source.number(1100, 9899)
    document = OpenDocumentText()
    document.text.addElement(H(outlinelevel=1, text=table.caption))
    for text in texts:
        document.text.addElement(P(text=text))
    noted = P(text=("The library lends " if language == "en" else "تعير المكتبة ") + value)
    note = Note(id="n1", noteclass="footnote")
    note.addElement(NoteCitation(text="1"))
    inner = NoteBody()
    inner.addElement(P(text=source.sentence()))
    note.addElement(inner)
    noted.addElement(note)
    noted.addText(" books." if language == "en" else " كتاب.")
    document.text.addElement(noted)
    grid = Table(name="t")
    for row in table.grid:
        line = TableRow()
        for text in row:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        grid.addElement(line)
    document.text.addElement(grid)
    out = io.BytesIO()
    document.write(out)
    return {
        "id": "odt",
        "suffix": "odt",
        "kind": "odt table",
        "words": texts,
        "columns": [table.caption, *texts],
        "numbers": [*table.numbers, value],
        "tables": [table.gold],
        "data": out.getvalue(),
    }


def _pptx(language: str) -> Page:
    import pptx
    from pptx.util import Inches

    source = Source(language, 122)
    table, points, note = years(source, 4), [source.sentence() for _ in range(4)], source.sentence()
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Results" if language == "en" else "النتائج"
    slide.placeholders[1].text = "\n".join(points)
    slide.notes_slide.notes_text_frame.text = note
    second = show.slides.add_slide(show.slide_layouts[5])
    second.shapes.title.text = table.caption
    grid = second.shapes.add_table(len(table.grid), len(table.grid[0]), Inches(1), Inches(2), Inches(8), Inches(3)).table
    for y, row in enumerate(table.grid):
        for x, text in enumerate(row):
            grid.cell(y, x).text = text
    out = io.BytesIO()
    show.save(out)
    return {"id": "pptx", "suffix": "pptx", "kind": "pptx table", "words": [*points, note], "columns": [*points, table.caption],
            "numbers": table.numbers, "tables": [table.gold], "data": out.getvalue()}  # fmt: skip


_ALL: tuple[Callable[[str], Page], ...] = (
    _docx_table, _docx_merged, _docx_two_rows, _docx_controls, _docx_numbered, _docx_changes, _docx_notes, _docx_text_box,
    _xlsx_title, _xlsx_merged, _xlsx_dates, _ods, _odt, _pptx,
)  # fmt: skip
