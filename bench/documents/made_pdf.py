"""Synthetic PDF pages: printed by Chromium from HTML, and drawn by ReportLab as older programs do, Arabic as presentation forms in visual
order. Their content is known, so their gold is right by construction.

Runs in the environment of `requirements.txt`, not in the project's.
"""

from __future__ import annotations

import html
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from contents import Made, Source, budget, form, population, prices, trade, years
from scores import numbers_of

Page = dict[str, Any]
"""A gold record (`scores.gold_from`) with `data`, the bytes of the file."""

_FONTS = {"en": "'DejaVu Serif', serif", "ar": "'Noto Naskh Arabic', 'Amiri', 'DejaVu Sans', serif"}
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 90


def pages(fonts: Path) -> Iterator[Page]:
    """Yield all synthetic PDFs. `fonts` is a folder with DejaVuSans.ttf and DejaVuSans-Bold.ttf. Raises OSError without Chromium."""
    for language in ("en", "ar"):
        for make in _PRINTED:
            yield _finished(make(language), language)
        for draw in _DRAWN:
            yield _finished(draw(language, fonts), language)


def _finished(page: Page, language: str) -> Page:
    page = {"language": language, "made": True, "complete": False, **page}
    page["id"] = f"made-{page['id']}-{language}"
    page["file"] = f"{page['id']}.pdf"
    return page


# --- printed by Chromium --------------------------------------------------------------------------------------------------


def printed(body: str, language: str, css: str = "", font: str = "") -> bytes:
    """Return the PDF of a body of HTML. Raises OSError if there is no Chromium or it can't print."""
    program = next((found for name in _CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        raise OSError("Chromium is not installed")
    direction = "rtl" if language == "ar" else "ltr"
    page = (
        f'<!doctype html><html lang="{language}" dir="{direction}"><meta charset="utf-8"><title>.</title><style>'
        f"@page {{ size: A4; margin: 20mm }} body {{ font: 11pt/1.5 {font or _FONTS[language]}; margin: 0 }} h1 {{ font-size: 15pt }}"
        f"table {{ border-collapse: collapse }} td, th {{ padding: 2pt 8pt; text-align: start; font-size: 10pt }}"
        f".ruled td, .ruled th {{ border: 0.7pt solid #333 }} {css}</style><body>{body}</body></html>"
    )
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"]
        done = subprocess.run(
            [program, *flags, f"--print-to-pdf={target}", source.as_uri()], capture_output=True, timeout=_SECONDS, check=False
        )
        if not target.is_file():
            raise OSError(f"Chromium printed nothing: {done.stderr.decode(errors='replace')[-200:]}")
        return target.read_bytes()


def _p(texts: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)


def table_html(table: Made, css: str = "ruled", caption: bool = True) -> str:
    """Return a plain table with its caption above."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.grid[0])
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    title = f"<h1>{html.escape(table.caption)}</h1>" if caption else ""
    return f'{title}<table class="{css}"><thead><tr>{head}</tr></thead>{rows}</table>'


def _columns(count: int, gap: str, seed: int) -> Callable[[str], Page]:
    def make(language: str) -> Page:
        texts = Source(language, seed).paragraphs(count * 3, 3)
        css = f".c {{ column-count: {count}; column-gap: {gap}; font-size: {11 if count == 2 else 9}pt }} p {{ margin: 0 0 6pt }}"
        data = printed(f'<div class="c">{_p(texts)}</div>', language, css)
        return {"id": f"columns-{count}-{gap}", "kind": "pdf columns", "words": texts, "columns": texts, "data": data}

    return make


def _columns_justified(language: str) -> Page:
    texts = Source(language, 14).paragraphs(6, 4)
    css = ".c { column-count: 2; column-gap: 5mm; font-size: 10pt; text-align: justify } p { margin: 0; text-indent: 5mm }"
    title = "Quarterly review of services" if language == "en" else "المراجعة الفصلية للخدمات"
    data = printed(f'<h1 style="text-align:center">{title}</h1><div class="c">{_p(texts)}</div>', language, css)
    return {"id": "columns-justified", "kind": "pdf columns", "words": texts, "columns": [title, *texts], "data": data}


def _table(name: str, css: str, make: Callable[[Source], Made], seed: int, indic: bool = False) -> Callable[[str], Page]:
    def build(language: str) -> Page:
        source = Source(language, seed, indic and language == "ar")
        table = make(source)
        before, after = source.paragraph(2), source.paragraph(2)
        body = _p([before]) + table_html(table, css) + _p([after])
        return {
            "id": f"table-{name}",
            "kind": "pdf table",
            "words": [before, after],
            "columns": [before, table.caption, after],
            "numbers": table.numbers,
            "tables": [table.gold],
            "data": printed(body, language, ".open td, .open th { padding: 2pt 14pt } .end td + td, .end th + th { text-align: end }"),
        }

    return build


def _two_row_header(language: str) -> Page:
    source = Source(language, 31)
    table = trade(source)
    groups = [table.columns[0].rsplit(" ", 1)[0], table.columns[2].rsplit(" ", 1)[0]]
    subs = [column.rsplit(" ", 1)[1] for column in table.columns]
    head = (
        f'<tr><th rowspan="2">{table.corner}</th>' + "".join(f'<th colspan="2">{group}</th>' for group in groups) + "</tr><tr>"
        + "".join(f"<th>{sub}</th>" for sub in subs) + "</tr>"
    )  # fmt: skip
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in table.rows)
    data = printed(f'<h1>{table.caption}</h1><table class="ruled">{head}{rows}</table>', language, "th { text-align: center }")
    return {"id": "table-two-row-header", "kind": "pdf table", "numbers": table.numbers, "tables": [table.gold], "data": data}


def _row_groups(language: str) -> Page:
    """Return a table whose first column has cells spanning several rows."""
    source = Source(language, 32)
    north, south = ("North", "South") if language == "en" else ("الشمال", "الجنوب")
    table = population(source, 6)
    rows = ""
    for number, row in enumerate(table.rows):
        region = f'<td rowspan="3">{(north, south)[number // 3]}</td>' if number % 3 == 0 else ""
        rows += f"<tr>{region}" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    corner = "Region" if language == "en" else "الإقليم"
    head = "".join(f"<th>{name}</th>" for name in (corner, *table.grid[0]))
    gold = table.gold
    gold["rows"] = [[f"{(north, south)[n // 3]} {row[0]}", *row[1:]] for n, row in enumerate(table.rows)]
    data = printed(f'<h1>{table.caption}</h1><table class="ruled"><tr>{head}</tr>{rows}</table>', language)
    return {"id": "table-row-groups", "kind": "pdf table", "numbers": table.numbers, "tables": [gold], "data": data}


def _table_over_pages(language: str) -> Page:
    source = Source(language, 33)
    word = {"en": "Receipt", "ar": "الإيصال"}[language]
    base = population(source, 4)
    rows = tuple((f"{word} {n}", *(source.number(10_001, 98_765, ",") for _ in range(3))) for n in range(1001, 1061))
    table = Made(base.caption, word, base.columns, rows)
    data = printed(table_html(table), language)
    gold = table.gold
    gold["rows"] = [*gold["rows"][:6], *gold["rows"][-12:]]
    return {
        "id": "table-over-pages",
        "kind": "pdf table",
        "numbers": [v for r in gold["rows"] for v in r[1:]],
        "tables": [gold],
        "data": data,
    }


def _side_by_side(language: str) -> Page:
    source = Source(language, 34)
    left, right = years(source, 5, count=2), budget(source, 4)
    body = f'<div style="display:flex;gap:12mm;font-size:8pt"><div>{table_html(left)}</div><div>{table_html(right)}</div></div>'
    return {
        "id": "tables-side-by-side", "kind": "pdf table", "numbers": [*left.numbers, *right.numbers], "tables": [left.gold, right.gold],
        "data": printed(body, language, "td, th { font-size: 8pt; padding: 2pt 4pt }"),
    }  # fmt: skip


def _form(ruled: bool) -> Callable[[str], Page]:
    def make(language: str) -> Page:
        fields = form(Source(language, 41 if ruled else 42))
        if ruled:
            pairs = zip(fields[::2], fields[1::2], strict=True)
            rows = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td><td>{d}</td></tr>" for (a, b), (c, d) in pairs)
            body = f'<table class="ruled">{rows}</table>'
        else:
            rows = "".join(f'<tr><td style="width:75mm">{label}:</td><td>{value}</td></tr>' for label, value in fields)
            body = f"<table>{rows}</table>"
        title = "Application form" if language == "en" else "نموذج طلب"
        return {
            "id": f"form-{'ruled' if ruled else 'open'}", "kind": "pdf form", "tables": [{"rows": [list(field) for field in fields]}],
            "data": printed(f"<h1>{title}</h1>{body}", language),
        }  # fmt: skip

    return make


def _form_two_columns(language: str) -> Page:
    """Fields in two columns, the label above its value, as on an invoice."""
    fields = form(Source(language, 43))
    cells = "".join(f"<div><small>{label}</small><br><b>{value}</b></div>" for label, value in fields)
    body = f'<div style="display:grid;grid-template-columns:1fr 1fr;gap:6mm">{cells}</div>'
    return {"id": "form-stacked", "kind": "pdf form", "tables": [{"rows": [list(f) for f in fields]}], "data": printed(body, language)}


def _raised(language: str) -> Page:
    """Numbers with a superscript note mark: the number without it is right."""
    source = Source(language, 51)
    values = [source.number(1100, 9899) for _ in range(4)]
    patterns = {
        "en": "The camp holds {0}{s3} people and the school {1}{s4} pupils. In the year {2}{s5} the river covered {3} km{s2} of land.",
        "ar": "يضم المخيم {0}{s3} شخصا والمدرسة {1}{s4} طالبا. وفي سنة {2}{s5} غطى النهر {3} كم{s2} من الأرض.",
    }
    values[2] = "2022"
    marks = {f"s{n}": f"<sup>{n}</sup>" for n in (2, 3, 4, 5)}
    notes = [source.paragraph(1) for _ in range(3)]
    body = f"<p>{patterns[language].format(*values, **marks)}</p><hr>" + "".join(
        f"<p><sup>{n}</sup> {t}</p>" for n, t in zip((3, 4, 5), notes, strict=True)
    )
    return {"id": "raised-notes", "kind": "pdf text", "numbers": values, "words": notes, "data": printed(body, language)}


def _digits(language: str) -> Page:
    """Grouped digits, signs, telephone numbers, percentages, amounts and dates within lines of either direction."""
    source = Source(language, 52)
    a, b, c = (source.number(10_001, 98_765, " ") for _ in range(3))
    if language == "en":
        lines = [
            f"The list won {a} votes and the other {b} votes.", "Temperatures lay between -5 and 38 degrees.",
            f"Telephone +966 50 692 0000, reference 14/2024, cost {c} dinars.", "Prices rose by 12.5% and fell by -3.2% after 2024-05-20.",
            "The share was 1,099.99 dollars, that is 75 cents for 3 pages.",
        ]  # fmt: skip
        numbers = [a, b, "-5", "38", "+966 50 692 0000", "14/2024", c, "12.5%", "-3.2%", "2024-05-20", "1,099.99", "75"]
    else:
        lines = [
            f"حصلت القائمة على {a} صوت والقائمة الأخرى على {b} صوت.", "تراوحت درجات الحرارة بين -5 و 38 درجة.",
            f"هاتف +966 50 692 0000 والمرجع 14/2024 والكلفة {c} دينار.", "ارتفعت الأسعار بنسبة 12.5% ثم بلغت 3.2% بعد 2024-05-20.",
            "بلغ السهم 1,099.99 دولار أي 75 سنتا لكل 3 صفحات.",
        ]  # fmt: skip
        numbers = [a, b, "38", "+966 50 692 0000", "14/2024", c, "12.5%", "3.2%", "2024-05-20", "1,099.99", "75"]
        for number in (a, b, c, "+966 50 692 0000", "-5", "2024-05-20"):  # isolated, so that they keep their order
            lines = [line.replace(f"{number} ", f"\u2066{number}\u2069 ").replace(f"{number}.", f"\u2066{number}\u2069.") for line in lines]
        numbers.append("-5")
    return {"id": "digit-groups", "kind": "pdf text", "words": lines, "numbers": numbers, "data": printed(_p(lines), language)}


def _indic(language: str) -> Page:
    """Prose with the digits of the script (Arabic) or spaced dates and fractions (English)."""
    source = Source(language, 53, indic=language == "ar")
    texts = source.paragraphs(5, 3)
    numbers = [number for text in texts for number in numbers_of(text)]
    return {
        "id": "native-digits",
        "kind": "pdf text",
        "words": texts,
        "numbers": numbers,
        "complete": True,
        "data": printed(_p(texts), language),
    }


def _over_pages(language: str) -> Page:
    """Prose across three pages with running headers, footers and page numbers."""
    source = Source(language, 54)
    texts = source.paragraphs(16, 9)
    header = "Annual report of the northern district" if language == "en" else "التقرير السنوي للواء الشمالي"
    footer = "Printed by the documentation centre" if language == "en" else "طبع في مركز التوثيق الوطني"
    css = (
        f'@page {{ margin: 24mm 20mm; @top-center {{ content: "{header}"; font: 9pt {_FONTS[language]} }}'
        f'@bottom-center {{ content: "{footer} " counter(page); font: 9pt {_FONTS[language]} }} }}'
        "p { text-align: justify; margin: 0 0 4pt }"
    )
    return {"id": "text-over-pages", "kind": "pdf text", "words": texts, "columns": texts, "data": printed(_p(texts), language, css)}


def _clauses(language: str) -> Page:
    source = Source(language, 55)
    texts = source.paragraphs(8, 2)
    word = "Article" if language == "en" else "المادة"
    body = "".join(f"<h3>{word} {n}</h3><p>{html.escape(text)}</p>" for n, text in enumerate(texts, start=1))
    words = [f"{word} {n} {text}" for n, text in enumerate(texts, start=1)]
    return {"id": "contract", "kind": "pdf text", "words": words, "columns": words, "data": printed(body, language)}


def _list(language: str) -> Page:
    source = Source(language, 56)
    lead = "The board decided the following:" if language == "en" else "قرر المجلس ما يلي:"
    items = [source.sentence() for _ in range(6)]
    body = f"<p>{lead}</p><ol>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ol>"
    return {"id": "list", "kind": "pdf text", "words": [lead, *items], "columns": [lead, *items], "data": printed(body, language)}


def _ligatures(language: str) -> Page:
    if language == "en":
        texts = [
            "The five officers filed their final findings in the first office.",
            "Efficient traffic offers difficult, yet sufficient, flexible offices.",
            "A fifth of the staff suffered from the flow of fluffy waffles.",
        ]
        font = "'Noto Serif', 'DejaVu Serif', serif"
    else:
        texts = [
            "المبلغ المصرح به لا يقل عن ألف ريال لكل لاجئ من الأطفال.",
            "قال الأستاذ إن الإعلام الإلكتروني لا يلائم الآباء كلهم.",
            "لم يسلم المسلمون المجمل من المحكمة الحمراء في الحي الجنوبي.",
        ]
        font = "'Amiri', 'Scheherazade New', 'Noto Naskh Arabic', serif"
    return {"id": "ligatures", "kind": "pdf text", "words": texts, "data": printed(_p(texts), language, "p { font-size: 14pt }", font)}


def _turned(language: str) -> Page:
    """Return a wide table on a page displayed rotated by 90°."""
    import pypdf

    table = years(Source(language, 35), 6, 2015, 8)
    data = printed(table_html(table), language, "@page { size: A4 landscape }")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    for page in writer.pages:
        page.transfer_rotation_to_content()
    out = io.BytesIO()
    writer.write(out)
    return {"id": "table-landscape", "kind": "pdf table", "numbers": table.numbers, "tables": [table.gold], "data": out.getvalue()}


def _without_text(language: str) -> Page:
    """Return a page whose font has no mapping from glyphs to letters. The font file that it embeds has one."""
    import pypdf

    texts = Source(language, 61).paragraphs(6, 4)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(printed(_p(texts), language)))
    for item in writer._objects:
        if isinstance(item, pypdf.generic.DictionaryObject) and "/ToUnicode" in item:
            del item["/ToUnicode"]
    out = io.BytesIO()
    writer.write(out)
    numbers = numbers_of(" ".join(texts))
    return {"id": "no-tounicode", "kind": "pdf text", "words": texts, "numbers": numbers, "data": out.getvalue()}


def _wrong_text(language: str) -> Page:
    """Return a page whose font maps glyphs to the wrong letters: it looks right and extracts as nonsense."""
    import pypdf

    texts = Source(language, 62).paragraphs(6, 4)
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(printed(_p(texts), language)))
    for item in list(writer._objects):
        if isinstance(item, pypdf.generic.DictionaryObject) and "/ToUnicode" in item:
            stream = item["/ToUnicode"].get_object()
            shifted = _shifted(stream.get_data())
            new = pypdf.generic.DecodedStreamObject()
            new.set_data(shifted)
            item[pypdf.generic.NameObject("/ToUnicode")] = writer._add_object(new)
    out = io.BytesIO()
    writer.write(out)
    return {"id": "wrong-tounicode", "kind": "pdf garbage", "unreadable": True, "data": out.getvalue()}


def _shifted(cmap: bytes) -> bytes:
    """Return a map of glyphs to letters in which every letter is a symbol from another Unicode block."""
    import re

    return re.sub(rb"(<[0-9A-Fa-f]+>\s*)<([0-9A-Fa-f]{4})>(?=\s*\n)", lambda m: m[1] + b"<%04X>" % (0xE000 + int(m[2], 16) % 0x500), cmap)


_PRINTED: tuple[Callable[[str], Page], ...] = (
    _columns(2, "8mm", 11), _columns(2, "3mm", 12), _columns(3, "5mm", 13), _columns_justified,
    _table("ruled", "ruled", population, 21), _table("open", "open", population, 22), _table("years", "ruled", years, 23),
    _table("open-years", "open end", years, 24), _table("holes", "ruled", prices, 25), _table("open-holes", "open", prices, 26),
    _table("budget", "open end", budget, 27), _table("native-digits", "ruled", years, 28, indic=True),
    _two_row_header, _row_groups, _table_over_pages, _side_by_side, _turned,
    _form(True), _form(False), _form_two_columns, _raised, _digits, _indic, _over_pages, _clauses, _list, _ligatures,
    _without_text, _wrong_text,
)  # fmt: skip


# --- drawn by ReportLab ---------------------------------------------------------------------------------------------------


def _canvas(fonts: Path) -> tuple[Any, io.BytesIO]:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    for name in ("DejaVuSans", "DejaVuSans-Bold"):
        pdfmetrics.registerFont(TTFont(name, str(fonts / f"{name}.ttf")))
    out = io.BytesIO()
    return Canvas(out, pagesize=A4), out


def _shown(text: str, language: str) -> str:
    """Text in visual order and presentation forms, as written by programs without Arabic support."""
    if not any("\u0620" <= c <= "\u06ff" for c in text):
        return text
    import arabic_reshaper
    from bidi.algorithm import get_display

    return str(get_display(arabic_reshaper.reshape(text), base_dir="R"))


def _line(canvas: Any, text: str, language: str, y: float, left: float = 57, right: float = 538, size: float = 11) -> None:
    canvas.setFont("DejaVuSans", size)
    if language == "ar":
        canvas.drawRightString(right, y, _shown(text, language))
    else:
        canvas.drawString(left, y, text)


def _wrapped(text: str, width: float, size: float) -> list[str]:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    lines, line = [], ""
    for word in text.split():
        if line and stringWidth(f"{line} {word}", "DejaVuSans", size) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def _drawn_columns(language: str, fonts: Path) -> Page:
    """Two columns drawn line by line across both, as some programs do."""
    canvas, out = _canvas(fonts)
    texts = Source(language, 71).paragraphs(2, 8)
    sides = [_wrapped(text, 225, 9.5) for text in texts]
    for number in range(max(map(len, sides))):
        for side, lines in enumerate(sides):
            if number < len(lines):
                at = side if language == "en" else 1 - side
                _line(canvas, lines[number], language, 780 - 14 * number, 57 + 240 * at, 57 + 240 * at + 228, 9.5)
    canvas.save()
    return {"id": "drawn-columns-across", "kind": "pdf columns", "words": texts, "columns": texts, "data": out.getvalue()}


def _drawn_text(language: str, fonts: Path) -> Page:
    """Sentences over page breaks with header, footer, and numbered lines in the margin."""
    canvas, out = _canvas(fonts)
    source = Source(language, 72)
    texts = source.paragraphs(9, 7)
    header = "Court of appeal, session 12" if language == "en" else "محكمة الاستئناف، الجلسة الثانية عشرة"
    lines = [line for text in texts for line in _wrapped(text, 440, 11)]
    flow = " ".join(texts)
    crossing = []
    for start in range(38, len(lines), 38):  # the sentence that continues over the page break
        at = len(" ".join(lines[:start]))
        begin, end = flow.rfind(". ", 0, at - 1) + 2, flow.find(". ", at + 1) + 1
        if begin < at - 1:
            crossing.append(flow[begin:end])
    for start in range(0, len(lines), 38):
        _line(canvas, header, language, 810, size=8)
        for number, line in enumerate(lines[start : start + 38]):
            y = 780 - 18 * number
            _line(canvas, line, language, y)
            if number % 5 == 4:
                canvas.setFont("DejaVuSans", 7)
                canvas.drawString(30 if language == "en" else 552, y, str(number + 1))
        canvas.setFont("DejaVuSans", 8)
        canvas.drawCentredString(298, 40, f"- {start // 38 + 1} -")
        canvas.showPage()
    canvas.save()
    return {"id": "drawn-line-numbers", "kind": "pdf text", "words": crossing or texts, "columns": texts, "data": out.getvalue()}


def _drawn_table(ruled: bool, seed: int) -> Callable[[str, Path], Page]:
    def draw(language: str, fonts: Path) -> Page:
        canvas, out = _canvas(fonts)
        table = (population if ruled else budget)(Source(language, seed), 6)
        _line(canvas, table.caption, language, 790, size=14)
        grid, width, height = table.grid, 120, 22
        for number, row in enumerate(grid):
            y = 750 - height * number
            for place, cell in enumerate(row):
                left = 57 + width * place if language == "en" else 538 - width * (place + 1)
                _line(canvas, cell, language, y, left + 4, left + width - 4, 9.5)
                if ruled:
                    canvas.rect(left, y - 7, width, height)
        canvas.save()
        name = "ruled" if ruled else "open"
        return {"id": f"drawn-table-{name}", "kind": "pdf table", "numbers": table.numbers, "tables": [table.gold], "data": out.getvalue()}

    return draw


def _drawn_form(language: str, fonts: Path) -> Page:
    """Labels with dot leaders to their values."""
    canvas, out = _canvas(fonts)
    fields = form(Source(language, 75))
    for number, (label, value) in enumerate(fields):
        _line(canvas, f"{label} {'.' * 40} {value}", language, 780 - 26 * number, size=10)
    canvas.save()
    return {"id": "drawn-form-dots", "kind": "pdf form", "tables": [{"rows": [list(f) for f in fields]}], "data": out.getvalue()}


def _drawn_form_apart(language: str, fonts: Path) -> Page:
    """Labels drawn first, all values after them: only their positions show which belong together."""
    canvas, out = _canvas(fonts)
    fields = form(Source(language, 76))
    for part in (0, 1):
        for number, field in enumerate(fields):
            inner = 250 if part else 0
            _line(canvas, field[part], language, 780 - 26 * number, 57 + inner, 538 - inner, 10)
    canvas.save()
    return {"id": "drawn-form-apart", "kind": "pdf form", "tables": [{"rows": [list(f) for f in fields]}], "data": out.getvalue()}


def _drawn_hyphens(language: str, fonts: Path) -> Page:
    """Words hyphenated at line ends (English), words stretched with kashida (Arabic)."""
    canvas, out = _canvas(fonts)
    if language == "en":
        lines = [
            "The administration published the recom-", "mendations of the inde-", "pendent commission on agri-",
            "culture, transport and well-", "being. A long-term plan was adopted by the parlia-", "ment in the autumn.",
        ]  # fmt: skip
        words = [
            (
                "The administration published the recommendations of the independent commission on agriculture, transport and well-being. "
                "A long-term plan was adopted by the parliament in the autumn."
            )
        ]
    else:
        lines = [
            "نشـــرت الإدارة توصيـــات اللجنة المستقلـــة",
            "بشأن الزراعـــة والنقـــل، واعتمد البرلمـــان",
            "خطة طويلة الأجـــل في الخريـــف.",
        ]
        words = ["نشرت الإدارة توصيات اللجنة المستقلة بشأن الزراعة والنقل، واعتمد البرلمان خطة طويلة الأجل في الخريف."]
    for number, line in enumerate(lines):
        _line(canvas, line, language, 780 - 18 * number)
    canvas.save()
    return {"id": "drawn-hyphens", "kind": "pdf text", "words": words, "data": out.getvalue()}


def _drawn_picture(language: str, fonts: Path) -> Page:
    """Return a scanned page: without OCR there is nothing to read."""
    canvas, out = _canvas(fonts)
    from reportlab.graphics.shapes import Drawing, Rect

    drawing = Drawing(400, 500)
    for number in range(24):
        drawing.add(Rect(10, 20 * number, 380 - number % 5 * 40, 9, fillColor=None))
    drawing.drawOn(canvas, 60, 200)
    canvas.save()
    return {"id": "drawn-picture", "kind": "pdf garbage", "unreadable": True, "data": out.getvalue()}


_DRAWN: tuple[Callable[[str, Path], Page], ...] = (
    _drawn_columns, _drawn_text, _drawn_table(True, 73), _drawn_table(False, 74), _drawn_form, _drawn_form_apart, _drawn_hyphens,
    _drawn_picture,
)  # fmt: skip
