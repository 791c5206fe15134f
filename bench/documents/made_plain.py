"""Synthetic text files: CSV in all its variants, JSON, GeoJSON, HTML, Markdown, EPUB, RTF, e-mail; each in both languages.

Needs only the standard library.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from html import escape
from typing import Any

from contents import PLACES, Made, Source, budget, form, population, prices, trade, years

Page = dict[str, Any]


def pages() -> Iterator[Page]:
    """Yield all synthetic text files."""
    for language in ("en", "ar"):
        for make in _ALL:
            page = {"language": language, "made": True, "complete": False, **make(language)}
            page["id"] = f"made-{page['id']}-{language}"
            page["file"] = f"{page['id']}.{page.pop('suffix')}"
            data = page["data"]
            page["data"] = data.encode() if isinstance(data, str) else data
            yield page


# --- CSV ------------------------------------------------------------------------------------------------------------------


def _csv(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _table_page(name: str, suffix: str, table: Made, data: str | bytes, gold: Any = None) -> Page:
    return {
        "id": name,
        "suffix": suffix,
        "kind": f"{suffix.replace('tsv', 'csv')} table",
        "numbers": table.numbers,
        "tables": [gold or table.gold],
        "data": data,
    }


def _csv_simple(language: str) -> Page:
    table = budget(Source(language, 201), 6)
    return _table_page("csv-quoted", "csv", table, _csv(table.grid))


def _csv_years(language: str) -> Page:
    table = years(Source(language, 202), 6)
    return _table_page("csv-years", "csv", table, _csv(table.grid))


def _csv_excel(language: str) -> Page:
    """Return CSV as Excel saves it: `sep=;`, decimal commas, a byte order mark."""
    table = prices(Source(language, 203), 6)
    rows = [[row[0], row[1].replace(".", ","), *row[2:]] for row in table.rows]
    made = Made(table.caption, table.corner, table.columns, tuple(map(tuple, rows)))
    return _table_page("csv-excel", "csv", made, "\ufeffsep=;\r\n" + _csv(made.grid, ";"))


def _csv_title(language: str) -> Page:
    """Return CSV with a title, a source and an empty line above the header, and a note below."""
    table = population(Source(language, 204), 6)
    head, foot = (
        ("Source: statistics office", "Note: figures are provisional")
        if language == "en"
        else ("المصدر: دائرة الإحصاء", "ملاحظة: الأرقام أولية")
    )
    width = len(table.columns)
    rows = [[table.caption, *[""] * width], [head, *[""] * width], [""] * (width + 1), *table.grid, [foot, *[""] * width]]
    return _table_page("csv-title-lines", "csv", table, _csv(rows))


def _csv_two_rows(language: str) -> Page:
    """A header of two rows; each upper name is written once for two columns."""
    table = trade(Source(language, 205), 6)
    groups = [table.columns[0].rsplit(" ", 1)[0], table.columns[2].rsplit(" ", 1)[0]]
    rows = [
        [table.corner, groups[0], "", groups[1], ""],
        ["", *(column.rsplit(" ", 1)[1] for column in table.columns)],
        *map(list, table.rows),
    ]
    return _table_page("csv-two-row-header", "csv", table, _csv(rows))


def _csv_no_header(language: str) -> Page:
    """No header: every line is a record and none may be taken for a header."""
    table = prices(Source(language, 206), 6, holes=False)
    words = [" ".join(row) for row in table.rows]
    return {"id": "csv-no-header", "suffix": "csv", "kind": "csv table", "words": words, "columns": words, "numbers": table.numbers,
            "data": _csv(table.rows)}  # fmt: skip


def _csv_charset(language: str) -> Page:
    """Tabs; Windows-1256 or UTF-16, as saved by spreadsheets."""
    table = population(Source(language, 207), 6)
    text = _csv(table.grid, "\t")
    return _table_page("tsv-charset", "tsv", table, text.encode("cp1256") if language == "ar" else text.encode("utf-16"))


def _csv_holes(language: str) -> Page:
    """Empty cells, a column without a name, and a repeated name."""
    table = prices(Source(language, 208), 6)
    total = "Total" if language == "en" else "المجموع"
    rows = [[*row, str(n)] for n, row in enumerate(table.grid, start=70)]
    rows[0][-1] = ""
    return _table_page("csv-holes", "csv", table, _csv([*rows, [total, "", "", "", "999"]], ";"))


# --- JSON -----------------------------------------------------------------------------------------------------------------


def _json(language: str) -> Page:
    """A named list of records with nested objects, and fields around it that hold for all of them."""
    source = Source(language, 211)
    keys = ("town", "year", "works", "title", "cost", "value", "currency", "firm") if language == "en" else (
        "البلدية", "السنة", "الأعمال", "العنوان", "الكلفة", "قيمة", "العملة", "الجهة المنفذة")  # fmt: skip
    titles = ("Paving of Sixth Street", "Lighting of the centre", "New school roof") if language == "en" else (
        "تعبيد شارع الستين", "إنارة وسط المدينة", "سقف المدرسة الجديدة")  # fmt: skip
    currency = "dinar" if language == "en" else "دينار"
    rows = [(title, source.number(10_000, 99_000), source.pick(PLACES[language])) for title in titles]
    record = {keys[0]: source.pick(PLACES[language]), keys[1]: 2023, keys[2]: [
        {keys[3]: title, keys[4]: {keys[5]: int(cost), keys[6]: currency}, keys[7]: firm} for title, cost, firm in rows]}  # fmt: skip
    gold = {"columns": [keys[5], keys[7]], "rows": [list(row) for row in rows]}
    return {"id": "json-nested", "suffix": "json", "kind": "json table", "numbers": [row[1] for row in rows], "tables": [gold],
            "data": json.dumps(record, ensure_ascii=False, indent=1)}  # fmt: skip


def _geojson(language: str) -> Page:
    """Features with properties: coordinates are not text, the properties of each are one record."""
    source = Source(language, 212)
    keys = ("name", "capacity", "status") if language == "en" else ("الاسم", "السعة", "الحالة")
    words = ("Hospital of", "open", "closed") if language == "en" else ("مستشفى", "مفتوح", "مغلق")
    rows = [
        (f"{words[0]} {place}", source.number(101, 989), words[1 + n % 2]) for n, place in enumerate(source.sample(PLACES[language], 6))
    ]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [35.9 + n / 7, 31.9]},
            "properties": dict(zip(keys, (name, int(size), state), strict=True)),
        }
        for n, (name, size, state) in enumerate(rows)
    ]
    gold = {"columns": list(keys[1:]), "rows": [list(row) for row in rows]}
    return {"id": "geojson", "suffix": "json", "kind": "json table", "numbers": [row[1] for row in rows], "tables": [gold],
            "data": json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)}  # fmt: skip


# --- HTML and Markdown ----------------------------------------------------------------------------------------------------


def _table_html(table: Made) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.grid[0])
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table><caption>{escape(table.caption)}</caption><tr>{head}</tr>{rows}</table>"


def _news(language: str) -> Page:
    """Return an article among a banner, a menu, teasers, a share line and a footer."""
    source = Source(language, 221)
    texts, title = source.paragraphs(5, 3), "Harvest of wheat rises" if language == "en" else "ارتفاع محصول القمح"
    foreign = (
        [
            "We use cookies to improve your visit to this site and to show you offers",
            "Home Politics Economy Sports Culture Video",
            "Maize imports doubled in a single week says minister of trade",
            "Share on all networks now",
            "All rights reserved by the publishing house",
        ]
        if language == "en"
        else [
            "نستخدم ملفات الارتباط لتحسين زيارتك لهذا الموقع وعرض ما يناسبك",
            "الرئيسية سياسة اقتصاد رياضة ثقافة فيديو",
            "واردات الذرة تتضاعف خلال أسبوع واحد بحسب وزير التجارة",
            "شارك الخبر على الشبكات الآن",
            "جميع الحقوق محفوظة لدار النشر الوطنية",
        ]
    )
    links = " ".join(f'<li><a href="/{n}">{word}</a></li>' for n, word in enumerate(foreign[1].split()))
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title} | daily</title></head><body>'
        f'<div class="cookie-banner" id="consent">{foreign[0]} <button>OK</button></div><nav><ul>{links}</ul></nav>'
        f"<main><article><h1>{title}</h1>{''.join(f'<p>{escape(text)}</p>' for text in texts[:3])}"
        f'<aside class="related"><h4>{"Related" if language == "en" else "اقرأ أيضا"}</h4><a href="/x">{foreign[2]}</a></aside>'
        f'{"".join(f"<p>{escape(text)}</p>" for text in texts[3:])}<div class="share">{foreign[3]}</div></article></main>'
        f"<footer>{foreign[4]}</footer></body></html>"
    )
    return {
        "id": "html-news",
        "suffix": "html",
        "kind": "html text",
        "words": texts,
        "columns": [title, *texts],
        "absent": foreign,
        "data": page,
    }


def _government(language: str) -> Page:
    """Return a page of a public authority: a table with merged cells, a list of definitions, contact data."""
    source = Source(language, 222)
    table, fields, lead = prices(source, 6), form(source), source.paragraph(2)
    north, south = ("North", "South") if language == "en" else ("الشمال", "الجنوب")
    head = "".join(f"<th>{name}</th>" for name in ("Region" if language == "en" else "الإقليم", *table.grid[0]))
    rows = ""
    for number, row in enumerate(table.rows):
        region = f'<td rowspan="3">{(north, south)[number // 3]}</td>' if number % 3 == 0 else ""
        rows += f"<tr>{region}" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    gold = table.gold
    gold["rows"] = [[f"{(north, south)[n // 3]} {row[0]}", *row[1:]] for n, row in enumerate(table.rows)]
    terms = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in fields)
    page = (
        f'<html lang="{language}"><head><meta charset="utf-8"><title>.</title></head><body><h1>{table.caption}</h1><p>{lead}</p>'
        f"<table><tr>{head}</tr>{rows}</table><dl>{terms}</dl></body></html>"
    )
    return {"id": "html-government", "suffix": "html", "kind": "html table", "words": [lead], "numbers": table.numbers,
            "tables": [gold, {"rows": [list(field) for field in fields]}], "data": page}  # fmt: skip


def _raised_html(language: str) -> Page:
    """Exponents, subscripts and note marks are not digits of the number before them."""
    source = Source(language, 223)
    a, b, c = (source.number(1100, 9899) for _ in range(3))
    text = (
        f'<p>The camp holds {a}<sup><a href="#n">3</a></sup> people on {b} km<sup>2</sup>.</p><p>Output was {c}<sup>[4]</sup> tonnes.</p>'
        if language == "en"
        else f'<p>يضم المخيم {a}<sup><a href="#n">3</a></sup> شخصا على {b} كم<sup>2</sup>.</p><p>بلغ الإنتاج {c}<sup>[4]</sup> طن.</p>'
    )
    note = source.sentence()
    page = f'<html lang="{language}"><head><meta charset="utf-8"></head><body>{text}<p id="n"><sup>3</sup> {note}</p></body></html>'
    return {"id": "html-raised", "suffix": "html", "kind": "html text", "numbers": [a, b, c], "words": [note], "data": page}


def _charset(language: str) -> Page:
    """Windows-1256 declared as ISO-8859-1 (Arabic), Windows-1252 declared as UTF-8 (English)."""
    source = Source(language, 224)
    texts = source.paragraphs(4, 3)
    if language == "en":
        texts = [text.replace("dinars", "€").replace("the ", "the “", 1).replace("of ", "of” ", 1) for text in texts]
    declared, real = ("iso-8859-1", "cp1256") if language == "ar" else ("utf-8", "cp1252")
    body = "".join(f"<p>{text}</p>" for text in texts)
    head = f'<head><meta http-equiv="Content-Type" content="text/html; charset={declared}"></head>'
    page = f'<html lang="{language}">{head}<body>{body}</body></html>'
    return {"id": "html-wrong-charset", "suffix": "html", "kind": "html text", "words": texts, "columns": texts, "data": page.encode(real)}


def _markdown(language: str) -> Page:
    source = Source(language, 231)
    table, texts, items = budget(source, 5), source.paragraphs(3, 2), [source.sentence() for _ in range(3)]
    link = texts[1].split()[0]
    rows = ["| " + " | ".join(row) + " |" for row in table.grid]
    rows.insert(1, "|" + "---|" * len(table.grid[0]))
    text = "\n".join(
        [
            f"# {table.caption}",
            "",
            texts[0],
            "",
            "Limits" if language == "en" else "الحدود",
            "------",
            "",
            f"[{link}](https://example.org/a_(b)) " + texts[1].split(" ", 1)[1],
            "",
            *rows,
            "",
            "```sh",
            "# remove old files",
            "rm -rf build",
            "```",
            "",
            *(f"* {item}" for item in items),
            "",
            f"**{texts[2]}**",
            "",
        ]
    )
    return {
        "id": "markdown",
        "suffix": "md",
        "kind": "md table",
        "words": [*texts, *items],
        "columns": [table.caption, *texts[:2], *items, texts[2]],
        "numbers": table.numbers,
        "tables": [table.gold],
        "absent": ["https example.org"],
        "data": text,
    }


# --- EPUB, RTF, e-mail ----------------------------------------------------------------------------------------------------


def _epub(language: str) -> Page:
    source = Source(language, 241)
    chapters = [source.paragraphs(3, 2) for _ in range(3)]
    table = years(source, 4)
    value = source.number(1100, 9899)
    names = [f"{'Chapter' if language == 'en' else 'الفصل'} {n}" for n in (1, 2, 3)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        container = (
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="a/c.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
        )
        archive.writestr("META-INF/container.xml", container)
        items = "".join(f'<item id="c{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(3))
        spine = "".join(f'<itemref idref="c{n}"/>' for n in range(3))
        archive.writestr(
            "a/c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="i">x</dc:identifier><dc:title>{table.caption}</dc:title><dc:language>{language}</dc:language></metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for n, texts in enumerate(chapters):
            body = f"<h1>{names[n]}</h1>" + "".join(f"<p>{text}</p>" for text in texts)
            if n == 1:
                body += (
                    _table_html(table) + f'<p>{value}<sup><a href="#f1">7</a></sup></p><aside id="f1"><p>{source.sentence()}</p></aside>'
                )
            archive.writestr(
                f"a/{n}.xhtml",
                f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{names[n]}</title></head><body>{body}</body></html>',
            )
    texts = [text for chapter in chapters for text in chapter]
    return {"id": "epub", "suffix": "epub", "kind": "epub table", "words": texts, "columns": texts, "numbers": [*table.numbers, value],
            "tables": [table.gold], "data": out.getvalue()}  # fmt: skip


def _rtf(language: str) -> Page:
    source = Source(language, 242)
    texts, table = source.paragraphs(3, 2), population(source, 5)

    def coded(text: str) -> str:
        return "".join(c if ord(c) < 128 else f"\\u{ord(c) if ord(c) < 32768 else ord(c) - 65536}?" for c in text)

    rows = ""
    for row in table.grid:
        edges = "".join(f"\\cellx{2000 * n}" for n in range(1, len(row) + 1))
        rows += "\\trowd" + edges + "".join(f"\\intbl {coded(cell)}\\cell" for cell in row) + "\\row\n"
    text = (
        "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\n" + "".join(f"\\pard {coded(text)}\\par\n" for text in texts) + rows + "\\pard\\par}"
    )
    return {
        "id": "rtf",
        "suffix": "rtf",
        "kind": "rtf table",
        "words": texts,
        "columns": texts,
        "numbers": table.numbers,
        "tables": [table.gold],
        "data": text,
    }


def _mail(language: str) -> Page:
    """Return an e-mail with a table attached, its body in quoted-printable with an HTML alternative of the same text."""
    source = Source(language, 243)
    texts, table = source.paragraphs(3, 2), prices(source, 5, holes=False)
    message = EmailMessage()
    message["Subject"] = table.caption
    message["From"], message["To"], message["Date"] = "office@example.org", "archive@example.org", "Thu, 02 May 2024 09:30:00 +0300"
    message.set_content("\n\n".join(texts) + "\n", cte="quoted-printable")
    message.add_alternative("".join(f"<p>{text}</p>" for text in texts), subtype="html", cte="base64")
    message.add_attachment(_csv(table.grid).encode(), maintype="text", subtype="csv", filename="table.csv")
    return {
        "id": "eml",
        "suffix": "eml",
        "kind": "eml table",
        "words": [table.caption, *texts],
        "columns": [table.caption, *texts],
        "numbers": table.numbers,
        "tables": [table.gold],
        "absent": [base64.b64encode(texts[0].encode()).decode()[:60]],
        "data": message.as_bytes(),
    }


_ALL: tuple[Callable[[str], Page], ...] = (
    _csv_simple,
    _csv_years,
    _csv_excel,
    _csv_title,
    _csv_two_rows,
    _csv_no_header,
    _csv_charset,
    _csv_holes,
    _json,
    _geojson,
    _news,
    _government,
    _raised_html,
    _charset,
    _markdown,
    _epub,
    _rtf,
    _mail,
)
