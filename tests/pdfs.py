"""Arabic PDFs of three kinds, made here: by a word processor, by a browser's print, and by a library that knows no Arabic."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from tests.helpers import ROOT

SAMPLES = ROOT / "tests" / "pdf"
"""Small PDFs of the first two kinds, made by `python -m tests.pdfs`, for machines without these programs."""

PAGES = (
    (
        "تقرير ميناء الواحة لعام 2024",
        (
            "نقلت العبّارة «ألباتروس» 212 راكبًا يوم الاثنين 14 أكتوبر 2024، وكان قبطانها جون ريد (John Reed)، وأخّرها الضباب أربع "
            "ساعات. بلغت كلفة الإصلاح 4.5 مليون درهم، أي ما يعادل 1,225,000 دولار. وقال المدير العام: «لا نلغي رحلةً إلّا إذا تعذّر "
            "الإبحار»، ثم أضاف أن الشركة ستشتري محركات Volvo Penta D13 قبل نهاية السنة."
        ),
        (
            "تبدأ الرحلات الساعة ٧:٣٠ صباحًا وتنتهي الساعة ١٠:٤٥ مساءً. سعر التذكرة 35% أقل للطلاب، والحجز على الموقع "
            "www.waha-port.example أو بالهاتف 02-555-0199. هل يمكن إلغاء الحجز؟ نعم، قبل 24 ساعة من موعد الرحلة."
        ),
        (
            "The ferry Albatros carried 212 passengers on Monday, 14 October 2024. Its captain was John Reed, known as جون ريد in the "
            "harbour. Repairs cost 4.5 million dirhams."
        ),
    ),
    (
        "الصفحة الثانية: السلامة",
        (
            "يجب على كل راكب أن يرتدي سترة النجاة عند الإعلان. لا يُسمح بحمل مواد قابلة للاشتعال، ولا بفتح الأبواب أثناء الإبحار. "
            "الأطفال دون 12 سنة يرافقهم بالغ. المراجع: ISO 9001:2015، ووثيقة الفصل الثالث."
        ),
    ),
)
"""The paragraphs of two pages: tashkeel, lam-alef, brackets, both kinds of digits, Latin names, an English paragraph."""


def words(pages: tuple[tuple[str, ...], ...] = PAGES) -> list[str]:
    """All words in reading order."""
    return [word for page in pages for paragraph in page for word in paragraph.split()]


def is_english(paragraph: str) -> bool:
    return paragraph[0].isascii()


# --- a browser's print ----------------------------------------------------------------------------------------------------


def page_of(pages: tuple[tuple[str, ...], ...], font: str, align: str) -> str:
    """The document as a page of HTML."""
    body = "".join(
        f"<div style='break-before:{'page' if number else 'auto'}'>"
        + "".join(f"<p dir={'ltr' if is_english(text) else 'rtl'}>{text}</p>" for text in page)
        + "</div>"
        for number, page in enumerate(pages)
    )
    style = f"body{{font-family:'{font}';font-size:14pt;text-align:{align}}}"
    return f"<!doctype html><html lang=ar dir=rtl><meta charset=utf-8><title>تقرير الميناء</title><style>{style}</style>{body}</html>"


def with_browser(out: Path, font: str = "sans-serif", align: str = "start") -> bytes:
    """Printed by Chromium; skips the test where there is none."""
    program = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.set_content(page_of(PAGES, font, align))
            page.pdf(path=str(out), format="A4")
        finally:
            browser.close()
    return out.read_bytes()


# --- a word processor -----------------------------------------------------------------------------------------------------


def word_document(pages: tuple[tuple[str, ...], ...] = PAGES, font: str = "") -> bytes:
    """The document as Word has it: right-to-left paragraphs, a page break, properties."""
    import docx
    from docx.enum.text import WD_BREAK
    from docx.oxml import OxmlElement

    document = docx.Document()
    for number, page in enumerate(pages):
        for place, text in enumerate(page):
            paragraph = document.add_paragraph(style="Heading 1" if place == 0 else None)
            if number and place == 0:
                paragraph.add_run().add_break(WD_BREAK.PAGE)
            run = paragraph.add_run(text)
            if font:
                run.font.name = font
            if not is_english(text):
                paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
                run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))
    document.core_properties.title = "تقرير الميناء"
    document.core_properties.author = "سارة حداد"
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def with_word_processor(folder: Path, font: str = "") -> bytes:
    """Exported by LibreOffice; skips the test where it is not installed."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    source = folder / "report.docx"
    source.write_bytes(word_document(font=font))
    profile = (folder / "profile").as_uri()
    command = [program, f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=900)
    return (folder / "report.pdf").read_bytes()


# --- a library that knows no Arabic ---------------------------------------------------------------------------------------


def _font() -> str:
    """The window's own font, unpacked and registered; it has the presentation forms of Arabic, and Latin in another file."""
    from fontTools.ttLib import TTFont as Unpacked
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for part in ("arabic", "latin"):
        if part not in pdfmetrics.getRegisteredFontNames():
            raw = BytesIO()
            font = Unpacked(ROOT / f"rag/ui/static/fonts/ibm-plex-sans-arabic-{part}-400-normal.woff2")
            font.flavor = None
            for number in (1, 4, 6):  # ReportLab knows fonts by their names, and both parts have the same
                font["name"].setName(f"Sample-{part}", number, 3, 1, 0x409)
            font.save(raw)
            raw.seek(0)
            pdfmetrics.registerFont(TTFont(part, raw))
    return "arabic"


def with_library(shape: str = "reshaped", pages: tuple[tuple[str, ...], ...] = PAGES, width: int = 62) -> bytes:
    """Drawn by ReportLab, letters one after the other from left to right.

    `shape` is how people bring Arabic through it: "reshaped" (presentation forms in visual order), "visual" (plain letters in
    visual order), or "logical" (plain letters in reading order, which looks reversed on paper).
    """
    import arabic_reshaper
    from bidi.algorithm import get_display
    from reportlab.pdfgen.canvas import Canvas

    _font()
    out = BytesIO()
    canvas = Canvas(out)
    canvas.setTitle("تقرير الميناء")
    reshaper = arabic_reshaper.ArabicReshaper({"delete_harakat": False})
    for page in pages:
        y = 790.0
        for text in page:
            for line in wrapped(text, width):
                shaped = reshaper.reshape(line) if shape == "reshaped" else line
                drawn = line if shape == "logical" else get_display(shaped, base_dir="L" if is_english(text) else "R")
                y -= 20
                _draw(canvas, drawn, y, is_english(text))
            y -= 14
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: object, text: str, y: float, left: bool, right: float = 545.0, size: float = 12) -> None:
    """Draw a line, each run of characters in the font that has them."""
    from reportlab.pdfbase.pdfmetrics import getFont, stringWidth

    runs: list[tuple[str, str]] = []
    for character in text:
        font = "arabic" if ord(character) in getFont("arabic").face.charToGlyph else "latin"
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + character)
        else:
            runs.append((font, character))
    x = 50.0 if left else right - sum(stringWidth(run, font, size) for font, run in runs)
    for font, run in runs:
        canvas.setFont(font, size)  # type: ignore[attr-defined]
        canvas.drawString(x, y, run)  # type: ignore[attr-defined]
        x += stringWidth(run, font, size)


@dataclass(frozen=True)
class Text:
    """A line of a sheet: `x` is where it begins, its right end for Arabic. `bold` is for English only, `base` the direction in which a
    program lays out an Arabic line, "L" if it knows no other, `font` for English. `upward` lines are English and run up the page."""

    x: float
    y: float
    text: str
    size: float = 11
    bold: bool = False
    base: str = "R"
    font: str = "Helvetica"
    upward: bool = False


@dataclass(frozen=True)
class Stroke:
    """A straight line of a sheet."""

    x: float
    y: float
    to_x: float
    to_y: float


@dataclass(frozen=True)
class Ground:
    """A filled box of a sheet, from its lower left to its upper right corner; `grey` is 1 for white."""

    x: float
    y: float
    to_x: float
    to_y: float
    grey: float = 1.0


def sheets(*pages: Sequence[Text | Stroke | Ground], size: tuple[float, float] = (595, 842)) -> bytes:
    """Pages with lines of text where they are told to stand, y from the bottom."""
    from bidi.algorithm import get_display
    from reportlab.pdfgen.canvas import Canvas

    _font()
    out = BytesIO()
    canvas = Canvas(out, pagesize=size)
    for page in pages:
        for item in page:
            if isinstance(item, Stroke):
                canvas.line(item.x, item.y, item.to_x, item.to_y)
            elif isinstance(item, Ground):
                canvas.setFillColorRGB(item.grey, item.grey, item.grey)
                canvas.rect(item.x, item.y, item.to_x - item.x, item.to_y - item.y, stroke=0, fill=1)
                canvas.setFillColorRGB(0, 0, 0)
            elif not any("\u0600" <= c <= "\u06ff" for c in item.text):
                canvas.setFont(f"{item.font}-Bold" if item.bold else item.font, item.size)
                canvas.saveState()
                canvas.translate(item.x, item.y)
                canvas.rotate(90 if item.upward else 0)
                canvas.drawString(0, 0, item.text)
                canvas.restoreState()
            else:
                _draw(canvas, get_display(item.text, base_dir=item.base), item.y, left=False, right=item.x, size=item.size)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def ruled(xs: Sequence[float], ys: Sequence[float]) -> list[Stroke]:
    """The lines of a table with its columns between `xs` and its rows between `ys`."""
    return [Stroke(x, min(ys), x, max(ys)) for x in xs] + [Stroke(min(xs), y, max(xs), y) for y in ys]


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a paragraph, cut at spaces."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def blank(kind: str = "empty", pages: int = 1) -> bytes:
    """Pages with nothing on them, or with a picture only."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out)
    for _ in range(pages):
        if kind == "picture":
            canvas.drawImage(ImageReader(Image.new("L", (64, 64), 200)), 100, 300, 400, 400)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def scanned(text: str, size: int = 44) -> bytes:
    """A page that is a picture of a text, as a scanner makes it. Skips where no font draws joined Arabic letters."""
    import arabic_reshaper
    from bidi.algorithm import get_display
    from fontTools.ttLib import TTFont as Unpacked
    from PIL import Image, ImageDraw, ImageFont
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    raw = BytesIO()
    font = Unpacked(ROOT / f"rag/ui/static/fonts/ibm-plex-sans-arabic-{'latin' if is_english(text) else 'arabic'}-400-normal.woff2")
    font.flavor = None
    font.save(raw)
    raw.seek(0)
    letters = ImageFont.truetype(raw, size, layout_engine=ImageFont.Layout.BASIC)  # the text is laid out already
    image = Image.new("L", (1654, 1169), 255)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(wrapped(text, 50)):
        shown = line if is_english(text) else get_display(arabic_reshaper.reshape(line), base_dir="R")
        draw.text((1554, 100 + number * 2 * size), shown, font=letters, fill=0, anchor="ra") if not is_english(text) else draw.text(
            (100, 100 + number * 2 * size), shown, font=letters, fill=0
        )
    out = BytesIO()
    canvas = Canvas(out, pagesize=(595, 420))
    canvas.drawImage(ImageReader(image), 0, 0, 595, 420)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def main() -> None:
    """Make the samples anew."""
    import tempfile

    SAMPLES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (SAMPLES / "browser.pdf").write_bytes(with_browser(Path(folder) / "b.pdf", "Noto Naskh Arabic", "justify"))
        (SAMPLES / "browser-ligatures.pdf").write_bytes(with_browser(Path(folder) / "b.pdf", "Amiri"))
        (SAMPLES / "word-processor.pdf").write_bytes(with_word_processor(Path(folder), "Noto Naskh Arabic"))


if __name__ == "__main__":
    main()
