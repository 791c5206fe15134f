"""Files as people have them, made here: a report in two columns, a table, an Arabic contract, and a scanned page."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from tests import pdfs

REPORT, TABLE, CONTRACT, SCAN = "annual report.pdf", "exports.csv", "عقد الإيجار.pdf", "letter.png"
CRANE = "The third crane of the harbour was bought from Denmark for 2.75 million euros in May 2022."
RENT = "يدفع المستأجر إيجارًا شهريًا قدره 4500 درهم في اليوم الأول من كل شهر."
LETTER = "The storm tore down the signal mast on the western pier."


def report(pages: int = 3) -> bytes:
    """A report in two columns; the sentence about the crane stands in the right column of the second page."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    canvas.setTitle("Annual report of the harbour")
    for page in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(60, 780, f"Chapter {page} of the annual report")
        canvas.setFont("Helvetica", 10)
        for column in (0, 1):
            text = " ".join(
                f"In week {week} of chapter {page} the dredger worked on basin {week + column} and moved {week * 130} tonnes of sand."
                for week in range(1 + 14 * column, 15 + 14 * column)
            )
            if (page, column) == (2, 1):
                text = f"{text[:560].rpartition('. ')[0]}. {CRANE} {text[560:].partition('. ')[2]}"
            for number, line in enumerate(pdfs.wrapped(text, 46)[:46]):
                canvas.drawString(60 + 250 * column, 745 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


EXPORTS = """Country,2021,2022,Note
Denmark,"1,204","1,377",by sea
Norway,860,912,by sea and rail
مصر,455,501,عبر القناة
"""


def contract() -> bytes:
    """An Arabic contract of two pages, as a word processor writes it; the rent stands on the second."""
    return pdfs.with_library(
        "reshaped",
        (
            (
                "عقد إيجار مخزن في الميناء",
                "أبرم هذا العقد بين شركة الواحة وسالم الحربي في مدينة دبي.",
                "مدة العقد سنتان تبدآن من أول يناير.",
            ),
            ("شروط الدفع", RENT, "ويحق للمالك إنهاء العقد إذا تأخر الدفع ستين يومًا."),
        ),
    )


def scan() -> tuple[bytes, str]:
    """A picture of a letter, and what Tesseract would find in it."""
    from fontTools.ttLib import TTFont
    from PIL import Image, ImageDraw, ImageFont

    raw = BytesIO()
    font = TTFont(pdfs.ROOT / "rag/ui/static/fonts/ibm-plex-sans-arabic-latin-400-normal.woff2")
    font.flavor = None
    font.save(raw)
    raw.seek(0)
    letters = ImageFont.truetype(raw, 40, layout_engine=ImageFont.Layout.BASIC)
    image = Image.new("L", (1240, 900), 245)
    draw = ImageDraw.Draw(image)
    rows = ["level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"]
    sentences = ("Dear Sir, this is the letter of the harbour master.", LETTER, "We ask for two carpenters and a smith before Sunday.")
    top = 120
    for sentence in sentences:
        for line in pdfs.wrapped(sentence, 34):
            left = 120.0
            for word in line.split():
                width = letters.getlength(word)
                draw.text((left, top), word, font=letters, fill=30)
                rows.append(f"5\t1\t1\t1\t{top}\t1\t{left:.0f}\t{top + 8}\t{width:.0f}\t44\t94\t{word}")
                left += width + 12
            top += 80
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), "\n".join(rows) + "\n"


TABLE_OF_ONE_WORD = (
    "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    "5\t1\t1\t1\t1\t1\t100\t100\t300\t40\t94\tHarbourmaster\n"
)


def tesseract(folder: Path, table: str) -> None:
    """Write a program that answers as Tesseract does, whatever picture it is shown."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table").write_text(table, encoding="utf-8")
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --list-langs ] && printf 'ara\\neng\\n' && exit\ncat > /dev/null; cat '{folder}/table'\n")
    program.chmod(0o755)


def write_papers(folder: Path) -> str:
    """Write all of them into a folder, and return what Tesseract would find in the scanned one."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, table = scan()
    for name, data in ((REPORT, report()), (TABLE, EXPORTS.encode()), (CONTRACT, contract()), (SCAN, picture)):
        (folder / name).write_bytes(data)
    return table
