"""PDF: Arabic of three kinds read word for word, what can be repaired, what is refused, pages and properties."""

from __future__ import annotations

import itertools
import shutil
import unicodedata
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from bidi.algorithm import get_display
from hypothesis import given
from hypothesis import strategies as st

from rag.documents.formats import ocr
from rag.documents.formats.pdf import arabic
from rag.documents.formats.pdf.bidi import reading_order, with_brackets
from rag.documents.formats.pdf.columns import in_order
from rag.documents.formats.pdf.flow import PageContent
from rag.documents.formats.pdf.flow import write as write_pages
from rag.documents.formats.pdf.glyphs import Glyph
from rag.documents.formats.pdf.layout import lines_of, words_of
from rag.documents.formats.pdf.reader import ranges, read_pdf, read_pdf_with_ocr
from rag.documents.formats.pdf.tables import Grid, open_tables
from rag.documents.load import Skipped, load_folder, read_document
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError
from rag.schema import Document
from tests import pdfs
from tests.helpers import write

TITLE = "تقرير الميناء"


def read(data: bytes, limits: Limits | None = None) -> Content:
    return read_pdf(data, "report.pdf", limits or Limits())


def assert_whole(content: Content) -> None:
    """Every word of the two pages, in order, and the pages where they begin."""
    assert content.text.split() == pdfs.words()
    assert content.notes == ()
    assert [mark.label for mark in content.marks] == ["p. 1", "p. 2"]
    assert [content.text[mark.offset :].split("\n")[0] for mark in content.marks] == [pdfs.PAGES[0][0], pdfs.PAGES[1][0]]
    assert unicodedata.is_normalized("NFC", content.text)
    assert content.title == TITLE


# --- three kinds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ["browser", "word-processor"])
def test_samples_are_read_word_for_word(sample: str) -> None:
    assert_whole(read((pdfs.SAMPLES / f"{sample}.pdf").read_bytes()))


@pytest.mark.browser
@pytest.mark.parametrize("align", ["start", "justify"])
def test_a_browsers_print(tmp_path: Path, align: str) -> None:
    """In whatever font this machine has; in some, a gap between two words is no wider than others within one."""
    content = read(pdfs.with_browser(tmp_path / "print.pdf", align=align))
    want, got = pdfs.words(), content.text.split()
    same = sum(block.size for block in SequenceMatcher(None, want, got, autojunk=False).get_matching_blocks())
    assert same >= 0.9 * len(want), content.text
    assert [mark.label for mark in content.marks] == ["p. 1", "p. 2"]
    assert content.text[content.marks[1].offset :].startswith("الصفحة")


@pytest.mark.integration
def test_a_word_processors_export(tmp_path: Path) -> None:
    content = read(pdfs.with_word_processor(tmp_path))
    assert_whole(content)
    assert content.metadata["author"] == "سارة حداد"


def test_a_library_that_draws_letters_in_visual_order() -> None:
    assert_whole(read(pdfs.with_library("visual")))


def test_presentation_forms_become_letters() -> None:
    content = read(pdfs.with_library("reshaped"))
    assert not any("\ufb50" <= c <= "\ufdff" or "\ufe70" <= c <= "\ufefc" for c in content.text)
    got, want = content.text.split(), pdfs.words()
    assert len(got) == len(want)
    # Where a shadda stands over lam-alef this kind of file does not say to which of the two it belongs.
    assert [pair for pair in zip(got, want, strict=True) if pair[0] != pair[1]] in ([], [("إلاّ", "إلّا")])


def test_letters_drawn_in_reversed_order_are_turned_round() -> None:
    """Programs that lay out no right-to-left text draw it backwards, which is how it looks on paper, too."""
    content = read(pdfs.with_library("logical"))
    assert [_bare(word) for word in content.text.split()] == [_bare(word) for word in pdfs.words()]


def _bare(word: str) -> str:
    """A word without its marks, which these files draw where no letter is."""
    return "".join(c for c in word if unicodedata.category(c) != "Mn")


def test_ligatures_of_a_calligraphic_font_are_read_but_for_few_words() -> None:
    """A font draws tanween as signs that name letter and mark at once; the letters below them are lost to the reader."""
    content = read((pdfs.SAMPLES / "browser-ligatures.pdf").read_bytes())
    got, want = content.text.split(), pdfs.words()
    assert len([word for word in want if word in got]) >= len(want) - 6
    assert content.text.index("ألباتروس") < content.text.index("الإبحار") < content.text.index("الثالث")


# --- columns, paragraphs --------------------------------------------------------------------------------------------------


def drawn(text: str, left: float, base: float, size: float = 10.0, rtl: bool = False) -> list[Glyph]:
    """A line of letters half as wide as they are high, laid out from `left`, in visual order."""
    shown = get_display(text, base_dir="R") if rtl else text
    return [Glyph(c, left + 5 * n, left + 5 * n + 5, base, size) for n, c in enumerate(shown)]


def paragraphs(glyphs: list[Glyph]) -> list[str]:
    """The blocks of a page of text without tables."""
    page = PageContent(1)
    for region in in_order(words_of(glyphs), []):
        assert not isinstance(region, Grid)
        for part in open_tables(region):
            if isinstance(part, Grid):
                part.read()
            page.parts.append(part if isinstance(part, Grid) else lines_of(part))
    writer = TreeWriter("page", Limits())
    write_pages([page], writer)
    content = writer.content()
    return [block.span.of(content.text) for block in content.blocks]


def test_columns_are_read_one_after_the_other() -> None:
    left = ["The first column begins", "and it goes on so that", "it ends with a stop."]
    right = ["The second column has", "as many lines as that", "and it ends as well."]
    glyphs = [g for n in range(3) for x, side in ((50, left), (250, right)) for g in drawn(side[n], x, 700 - 14 * n)]
    assert paragraphs(glyphs) == [" ".join(left), " ".join(right)]


def test_arabic_columns_begin_on_the_right() -> None:
    right = ["يبدأ العمود الأول هنا", "ثم يستمر في سطر ثان", "وينتهي بنقطة في آخره."]
    left = ["وهنا العمود الثاني كله", "وفيه من السطور ثلاثة", "وينتهي كذلك بنقطة هنا."]
    glyphs = [g for n in range(3) for x, side in ((50, left), (250, right)) for g in drawn(side[n], x, 700 - 14 * n, rtl=True)]
    assert " ".join(paragraphs(glyphs)) == " ".join([*right, *left])


def test_a_table_is_read_row_by_row() -> None:
    rows = [("Harbour", "212"), ("Library", "40"), ("Lighthouse", "7"), ("Market", "19")]
    glyphs = [g for n, (name, count) in enumerate(rows) for g in (*drawn(name, 50, 700 - 14 * n), *drawn(count, 300, 700 - 14 * n))]
    assert paragraphs(glyphs) == ["Harbour: 212", "Library: 40", "Lighthouse: 7", "Market: 19"]


def test_a_hyphen_at_a_lines_end_is_taken_out_only_inside_a_word() -> None:
    assert paragraphs([*drawn("The lines are hyphen-", 50, 700), *drawn("ated, as in old print", 50, 686)]) == [
        "The lines are hyphenated, as in old print"
    ]
    assert paragraphs([*drawn("The lines are IMO-", 50, 700), *drawn("SOLAS, as in old", 50, 686)]) == [
        "The lines are IMO-SOLAS, as in old"
    ]


def test_nothing_and_one_letter() -> None:
    assert paragraphs([]) == []
    assert paragraphs(drawn("س", 50, 700)) == ["س"]
    assert paragraphs(drawn("x", 50, 700)) == ["x"]


# --- order ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "وصلت العبّارة 212 راكبا",
        "بلغت الكلفة 1,225,000 دولار.",
        "الساعة ٧:٣٠ صباحا",
        "سعر التذكرة 35% أقل",
        "اتصل على 02-555-0199 اليوم",
        "محركات Volvo Penta D13 قبل",
        "المعيار ISO 9001:2015، والوثيقة",
        "في 14/10/2024 صدر",
        "عاد",
        "على www.waha-port.example أو",
    ],
)
def test_a_right_to_left_line_is_read_as_it_was_written(text: str) -> None:
    bare = "".join(c for c in text if unicodedata.category(c) != "Mn")
    shown = get_display(bare, base_dir="R")
    assert "".join(shown[n] for n in reading_order(shown, rtl=True)) == bare


@pytest.mark.parametrize("text", ["known as جون ريد in town", "costs 212 درهم here", "the word سلام.", "no Arabic, 4.5 at all"])
def test_a_left_to_right_line_is_read_as_it_was_written(text: str) -> None:
    shown = get_display(text, base_dir="L")
    assert "".join(shown[n] for n in reading_order(shown, rtl=False)) == text


@given(st.lists(st.sampled_from("ابتث12,:. -ab%()"), max_size=30), st.booleans())
def test_no_sign_is_lost_or_doubled(signs: list[str], rtl: bool) -> None:
    assert sorted(reading_order(signs, rtl)) == list(range(len(signs)))


@given(st.lists(st.sampled_from(["سلام", "بحر", "مدينة", "212", "4.5", "John"]), min_size=1, max_size=8))
def test_arabic_words_numbers_and_single_names_come_back(parts: list[str]) -> None:
    """Whatever the bidirectional algorithm makes of them, unless a number stands beside a name, which paper does not tell apart."""
    ambiguous = any({"John"} & {a, b} and (a[0].isdigit() or b[0].isdigit()) for a, b in itertools.pairwise(parts))
    text = " ".join(["قال", *parts, "ثم"])
    if not ambiguous:
        shown = get_display(text, base_dir="R")
        assert "".join(shown[n] for n in reading_order(shown, rtl=True)) == text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("قال )جون( نعم", "قال (جون) نعم"),
        ("»ألباتروس« وصلت", "«ألباتروس» وصلت"),
        ("(جون ريد)، ثم", "(جون ريد)، ثم"),
        ("قال «لا» (نعم)", "قال «لا» (نعم)"),
        ("", ""),
    ],
)
def test_brackets_open_and_close_on_the_right_sides(wrong: str, right: str) -> None:
    assert with_brackets(wrong) == right


# --- what is no text ------------------------------------------------------------------------------------------------------

PROSE = " ".join(text for page in pdfs.PAGES for text in page if not pdfs.is_english(text))


def test_prose_is_not_refused() -> None:
    assert not arabic.is_garbled(PROSE)
    assert not arabic.is_garbled("The ferry Albatros carried 212 passengers on Monday. " * 5)
    assert not arabic.is_garbled("Le capitaine a quitté le port hier soir avec tous ses passagers à bord du navire blanc. " * 3)
    assert not arabic.is_garbled("1 2 3 4 5 6 7 8 9 10")
    assert not arabic.is_garbled("")


def test_garbage_is() -> None:
    assert arabic.is_garbled("\ue001\ue002\ue003 \ue004\ue005" * 20)
    assert arabic.is_garbled("نص \ufffd\ufffd\ufffd\ufffd هنا")
    assert arabic.is_garbled(PROSE.replace(" ", "")), "lost spaces"
    shifted = PROSE.translate({code: code + 1 for code in range(0x621, 0x64A)})
    assert arabic.is_garbled(shifted), "each letter another"
    caesar = "".join(chr(ord(c) - 29) if c.isalpha() else c for c in "The captain said it is late and left the harbour " * 6)
    assert arabic.is_garbled("".join("bcdfg"[ord(c) % 5] if not c.isspace() else " " for c in caesar))


def test_reversed_words_are_recognised() -> None:
    assert arabic.is_reversed(" ".join(word[::-1] for word in PROSE.split()))
    assert not arabic.is_reversed(PROSE)
    assert not arabic.is_reversed("")


def test_windows_letters_without_a_map() -> None:
    """«السلام» in a font that knows it as ÇáÓáÇã."""
    western = PROSE.translate(dict.fromkeys(range(0x64B, 0x653), None)).encode("cp1256", "ignore").decode("cp1252", "ignore")
    assert arabic.is_windows(western)
    assert arabic.from_windows("Ç") == "ا"
    assert not arabic.is_windows(PROSE)
    assert not arabic.is_windows("Où êtes-vous allé après l'été dernier, mon élève préféré à Évreux? " * 3)


def test_a_ligatures_letters_are_put_in_order() -> None:
    assert arabic.ligature("ال") == "لا"
    assert arabic.ligature("لا") == "لا"
    assert arabic.ligature("هللا") == "الله"
    assert arabic.ligature("\u0651ب") == "ب\u0651"
    assert arabic.ligature("fi") == "fi"
    assert arabic.normalize_presentation_forms("ﻻﷲ") == "لاالله"


def test_pages_that_are_pictures_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    from io import BytesIO

    import pypdfium2

    whole = pypdfium2.PdfDocument.new()
    for part in (pdfs.with_library("visual"), pdfs.blank("picture", 2), pdfs.blank("empty")):
        whole.import_pages(pypdfium2.PdfDocument(part))
    out = BytesIO()
    whole.save(out)
    write(tmp_path, {"mixed.pdf": out.getvalue()})
    document, skipped = load_folder(tmp_path)
    assert isinstance(document, Document)
    assert document.text.split() == pdfs.words()
    assert isinstance(skipped, Skipped)
    assert (skipped.id, skipped.error.key, skipped.error.fields["pages"]) == ("mixed.pdf", "error.pages_pictures", "3-4")
    assert "SHAWAHID_OCR=1" in skipped.error.text("ar")
    assert document.metadata["unread_pages"] == "3-4"


def test_a_file_of_pictures_only_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"scan.pdf": pdfs.blank("picture", 3)}) / "scan.pdf"
    with pytest.raises(DocumentError) as caught:
        read_document(path, "scan.pdf")
    assert (caught.value.key, caught.value.fields["pages"]) == ("error.pages_pictures", "1-3")
    (tmp_path / "none.pdf").write_bytes(pdfs.blank("empty"))
    with pytest.raises(DocumentError) as caught:
        read_document(tmp_path / "none.pdf", "none.pdf")
    assert caught.value.key == "error.empty_file"


def test_garbled_pages_are_named() -> None:
    garbage = "\ue001\ue002\ue003"
    assert arabic.is_garbled(garbage * 10)
    shifted = tuple(text.translate({code: code + 1 for code in range(0x621, 0x64A)}) for text in pdfs.PAGES[0] if not pdfs.is_english(text))
    content = read(pdfs.with_library("visual", (shifted, pdfs.PAGES[1])))
    assert [(note.key, note.fields["pages"]) for note in content.notes] == [("error.pages_garbled", "1")]
    assert content.text.split() == pdfs.words(pdfs.PAGES[1:])
    assert [mark.label for mark in content.marks] == ["p. 2"]


def test_ranges_of_pages() -> None:
    assert ranges([]) == ""
    assert ranges([3]) == "3"
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"


# --- OCR ------------------------------------------------------------------------------------------------------------------


def _with_tesseract() -> None:
    if shutil.which("tesseract") is None or len(ocr.Ocr("x", Limits())._languages) < 2:
        pytest.skip("Tesseract with Arabic and English data is not installed")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("The ferry carried passengers to the old harbour on Monday morning", 10),
        ("نقلت العبارة مئتي راكب إلى الميناء القديم صباح يوم الاثنين", 8),
    ],
)
def test_scanned_pages_are_read_when_asked(text: str, least: int) -> None:
    _with_tesseract()
    content = read_pdf_with_ocr(pdfs.scanned(text), "scan.pdf", Limits())
    assert sum(word in content.text.split() for word in text.split()) >= least, content.text
    assert content.metadata["ocr_pages"] == "1"
    assert [mark.label for mark in content.marks] == ["p. 1"]
    assert content.notes == ()
    unread = read_pdf_with_ocr(pdfs.blank("picture"), "photo.pdf", Limits()).metadata
    assert unread["illegible_pages"] == "1"
    assert "ocr_pages" not in unread


def test_ocr_asked_for_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr.shutil, "which", lambda name: None)
    content = read_pdf_with_ocr(pdfs.blank("picture"), "scan.pdf", Limits())
    assert [note.key for note in content.notes] == ["error.ocr_missing", "error.pages_pictures"]
    assert "tesseract-ocr-ara" in str(content.notes[0])
    assert content.metadata["unread_pages"] == "1"
    assert read_pdf_with_ocr(pdfs.with_library("visual"), "text.pdf", Limits()).notes == ()


def test_what_tesseract_guesses_is_not_taken() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    row = "5\t1\t{block}\t1\t1\t1\t0\t0\t9\t9\t{sure}\t{word}\n"
    sure = (
        head
        + row.format(block=1, sure=91, word="السلام\u200f")
        + row.format(block=1, sure=89, word="عليكم")
        + row.format(block=2, sure=95, word="x")
    )
    assert [paragraph.text for paragraph in ocr.paragraphs(sure)] == ["السلام عليكم", "x"]
    assert ocr.paragraphs(head + row.format(block=1, sure=12, word="ﻋﺠﻴﺐ")) == []
    assert ocr.paragraphs("") == []


def test_a_page_that_is_damaged_is_named_and_the_others_are_read() -> None:
    stream = b"BT /F1 12 Tf 72 700 Td (The ferry left the harbour at nine.) Tj ET"
    data = b"".join(
        (
            b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 2/Kids[3 0 R 9 0 R]>>endobj\n",
            b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n",
            b"4 0 obj<</Length " + str(len(stream)).encode() + b">>stream\n" + stream + b"\nendstream endobj\n",
            b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        )
    )
    content = read_pdf(data, "a.pdf", Limits())
    assert content.text == "The ferry left the harbour at nine."
    assert [(note.key, note.fields["pages"]) for note in content.notes] == [("error.pages_damaged", "2")]


# --- spaces ---------------------------------------------------------------------------------------------------------------


def placed_glyphs(*placed: tuple[str, float, float]) -> list[Glyph]:
    """Characters with their left and right edges, in a font of 14 points."""
    return [Glyph(text, left, right, 100, 14, origin=left) for text, left, right in placed]


def texts_of_words(glyphs: list[Glyph]) -> list[str]:
    return ["".join(word.texts) for word in words_of(glyphs)]


def test_a_last_space_that_rounding_puts_over_the_last_letter_cuts_no_word() -> None:
    # «الشركة.» as it is drawn, from left to right; the space after the full stop begins a tenth of a point right of it
    ends = placed_glyphs((".", 372.8, 376.7), (" ", 372.9, 376.8), ("ة", 376.7, 382.0), ("ك", 381.6, 387.5))
    assert texts_of_words(ends) == [".ةك"]
    first = placed_glyphs(("ص", 114.4, 129.8), (" ", 114.6, 118.5), ("ئ", 129.4, 133.3), ("ا", 133.3, 136.5))
    assert texts_of_words(first) == ["صئا"]
    beside = placed_glyphs((" ", 358.1, 362.1), ("ة", 361.8, 367.1), (" ", 362.0, 365.9), ("ك", 366.7, 372.7))
    assert texts_of_words(beside) == ["ةك"]
    ligature = placed_glyphs(("e", 516.0, 522.5), ("fi", 522.5, 529.3), (" ", 525.9, 529.0), ("c", 529.3, 535.4))
    assert texts_of_words(ligature) == ["efic"]
    assert texts_of_words(placed_glyphs(("t", 10, 14), (" ", 14, 18), ("a", 18, 24))) == ["t", "a"]


def test_an_alef_over_the_tail_of_a_reh_follows_it() -> None:
    # «صراف» as fonts with tails draw it: the alef begins 0.2 points right of where the tail of the reh ends
    assert texts_of_words(placed_glyphs(("ف", 371.7, 379.0), ("ر", 378.8, 390.0), ("ا", 379.0, 384.2), ("ص", 389.2, 408.5))) == ["فارص"]
    assert texts_of_words(placed_glyphs(("ا", 100.0, 105.0), ("ل", 103.0, 108.0))) == ["ال"]


def test_wide_gaps_between_words_leave_those_after_an_alef_inside_one() -> None:
    """In a justified line words are a third of an em apart and more; the bearing of a letter after alef is up to a fifth."""
    glyphs, left = [], 0.0
    for n in range(24):
        for letter, gap in (("ن", 0.4), ("ا", 0.0 if n % 3 else 0.19), ("ك", 0.0)):
            left += 10 * gap
            glyphs.append(Glyph(letter, left, left + 5, 100, 10))
            left += 5
    assert texts_of_words(glyphs) == ["ناك"] * 24
