"""Text as it is compared: folding, stems, sentence boundaries. Every expected value was worked out by hand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.text.clitics import split_prefix, without_article, without_proclitic
from rag.text.folding import fold, nfc
from rag.text.language import script
from rag.text.sentences import sentences
from rag.text.words import content_stems, stem, stems, stop_stems, words


def cut(text: str, longest: int = 280) -> list[str]:
    return [span.of(text) for span in sentences(text, longest)]


# --- folding, words, stems ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("الشَّرِكَةُ", "الشركه"),
        ("كتـــاب", "كتاب"),
        ("أحمد إلى آل ٱلبيت", "احمد الي ال البيت"),
        ("مسؤول شاطئ", "مسوول شاطي"),
        ("مستشفى", "مستشفي"),
        ("کتابی", "كتابي"),  # Persian kaf and ya, as some keyboards write Arabic
        ("ﷲ ﻻ", "الله لا"),
        ("٢٠٢٣ ۲۰۲۳ 2023", "2023 2023 2023"),
        ("Ｆｕｌｌ ﬁne STRASSE Straße", "full fine strasse strasse"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("", ""),
    ],
)
def test_folding(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_composition_is_canonical() -> None:
    assert nfc("e\u0301 ا\u0653") == "é آ"


def test_words_keep_an_apostrophe_and_split_at_everything_else() -> None:
    assert words("Musk’s lawyer—Alex_Spiro, “API-data” 50,000") == ["musk's", "lawyer", "alex", "spiro", "api", "data", "50", "000"]
    assert words("وقال: «نعم؛ لا»؟") == ["وقال", "نعم", "لا"]
    assert words(" … ؟!") == []


def test_stems_join_the_forms_of_a_word() -> None:
    assert stem("companies") == stem("company")
    assert stem("musk's") == stem("musk") == "musk"
    for form in ("الشركة", "والشركة", "بالشركة", "للشركة", "فالشركة"):
        assert stem(fold(form)) == stem(fold("شركة")) == "شرك", form
    assert stem(fold("المكتبات")) == stem(fold("المكتبة")) == stem(fold("مكتبة"))
    assert stem(fold("والد")) != stem(fold("د"))
    assert stem("2015") == "2015"
    assert stems("") == []


def test_function_words_carry_no_meaning() -> None:
    assert content_stems("What is the name of it?") == ["name"]
    assert content_stems("ما هو الذي في هذا؟") == []
    assert content_stems("من هو القبطان؟") == [stem("القبطان")]
    assert "the" in stop_stems()


def test_script_counts_letters() -> None:
    assert script("ادعى أن Microsoft استخدمت Twitter") == "ar"
    assert script("The word شكر means thanks") == "en"
    assert script("Привет") == script("123 …") == script("") == "und"


# --- sentences ------------------------------------------------------------------------------------------------------------


def sentence_table() -> list[tuple[str, list[str]]]:
    """The texts of `tests/data/sentences.txt`, made by hand, each with its sentences."""
    cases = []
    for line in (Path(__file__).parent.parent / "data" / "sentences.txt").read_text(encoding="utf-8").splitlines():
        if line and ("¦" in line or not line.startswith("# ")):
            line = line.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
            cases.append((line.replace("¦", ""), [sentence.strip() for sentence in line.split("¦")]))
    return cases


@pytest.mark.parametrize(("text", "expected"), sentence_table())
def test_sentences_of_the_table(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_the_table_is_large() -> None:
    assert len(sentence_table()) >= 120


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        (".", ["."]),
        ("كلمة", ["كلمة"]),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("هل جاء؟ نعم! لا… ربما؛ سنرى۔ تم", ["هل جاء؟", "نعم!", "لا…", "ربما؛", "سنرى۔", "تم"]),
        ("هل جاء؟نعم جاء.ثم ذهب.", ["هل جاء؟", "نعم جاء.", "ثم ذهب."]),
        ("Really?! Yes!!! Done.", ["Really?!", "Yes!!!", "Done."]),
        # closing quotes and brackets stay with their sentence
        ('He said "I will be back." Then he left.', ['He said "I will be back."', "Then he left."]),
        ("قال: «سأعود.» ثم خرج.", ["قال: «سأعود.»", "ثم خرج."]),
        ("(It rained.) We went.", ["(It rained.)", "We went."]),
        # abbreviations, initials
        ("سافر د. سامي إلى الرباط. ثم عاد.", ["سافر د. سامي إلى الرباط.", "ثم عاد."]),
        ("قيل في ص. 5 من الكتاب. انتهى.", ["قيل في ص. 5 من الكتاب.", "انتهى."]),
        ("Dr. Sara left. She came back.", ["Dr. Sara left.", "She came back."]),
        ("(Mr. Reed) left. Bye.", ["(Mr. Reed) left.", "Bye."]),
        ("J. K. Rowling wrote it. It sold.", ["J. K. Rowling wrote it.", "It sold."]),
        ("In the U.S. Congress met. It ended.", ["In the U.S. Congress met.", "It ended."]),
        ("I am I. You are you.", ["I am I.", "You are you."]),
        ("We sell tea, coffee, etc.", ["We sell tea, coffee, etc."]),
        # decimals, versions, addresses, years
        ("It costs 3.5 dollars. Yes.", ["It costs 3.5 dollars.", "Yes."]),
        ("بلغ السعر 3.5 دولار. نعم.", ["بلغ السعر 3.5 دولار.", "نعم."]),
        ("See x.com/a.b now. OK?", ["See x.com/a.b now.", "OK?"]),
        ("He was born in 1990. He died.", ["He was born in 1990.", "He died."]),
        ("عام 2015. وبعده 2016.", ["عام 2015.", "وبعده 2016."]),
        # dots that trail off
        ("Wait... and then it stopped. Done.", ["Wait... and then it stopped.", "Done."]),
        ("Wait... Then it stopped.", ["Wait...", "Then it stopped."]),
        # lists and headings
        ("1. First item\n2. Second item\n", ["1. First item", "2. Second item"]),
        ("١. الأول\n٢. الثاني\n", ["١. الأول", "٢. الثاني"]),
        ("- tea\n- قهوة\n", ["- tea", "- قهوة"]),
        ("# Title\nBody one. Body two.\n\nNew para", ["# Title", "Body one.", "Body two.", "New para"]),
        ("عنوان\n\nفقرة أولى\n   \nفقرة ثانية", ["عنوان", "فقرة أولى", "فقرة ثانية"]),
        ("Windows lines\r\nare two\r\n", ["Windows lines", "are two"]),
    ],
)
def test_sentence_boundaries(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_hard_wrapped_sentence_stays_whole() -> None:
    english = (
        "The quick brown fox jumps over the lazy dog and then it\n"
        "runs away from the big bad wolf that lives in the forest\n"
        "near the river. It is safe."
    )
    assert cut(english) == [english.removesuffix(" It is safe."), "It is safe."]
    arabic = "قفز الثعلب البني السريع فوق الكلب الكسول ثم ركض بعيدا عن\nالذئب الكبير الشرير الذي يعيش في الغابة قرب النهر. إنه بخير."
    assert cut(arabic) == [arabic.removesuffix(" إنه بخير."), "إنه بخير."]


def test_lines_that_were_not_wrapped_end_sentences() -> None:
    """The first line would have had room for "Passengers:", so these lines end where they like."""
    text = "Name: Albatros\nPassengers: two hundred and twelve on that one Monday\nPort: Larne"
    assert cut(text) == text.split("\n")


def test_a_long_sentence_is_cut_at_the_clause_mark_nearest_the_middle() -> None:
    parts = ["aaaa " * 8, "bbbb " * 8, "cccc " * 8]  # 40 characters each
    one, two, three = (part.strip() for part in parts)
    # Of 121 characters the middle is 60.5; after the marks one goes on at 41, after the second at 82: 19.5 against 21.5.
    assert cut(f"{one}, {two}, {three}", 100) == [f"{one},", f"{two}, {three}"]
    one, two, three = ("كتاب " * 6).strip(), ("قلم " * 12).strip(), ("باب " * 10).strip()
    # 29 + 2 + 47 + 2 + 39 = 119 characters: the parts after the marks begin at 31 and 80, the middle is 59.5.
    assert cut(f"{one}، {two}، {three}", 100) == [f"{one}، {two}،", three]


def test_a_long_sentence_without_marks_is_cut_at_spaces_only_when_twice_too_long() -> None:
    words_100 = ("abcd " * 20).strip()  # 99 characters
    assert cut(words_100, 60) == [words_100]
    pieces = cut(("abcd " * 40).strip(), 60)  # 199 characters
    assert " ".join(pieces) == ("abcd " * 40).strip()
    assert all(len(piece) <= 120 for piece in pieces)


def test_a_single_endless_word_is_cut_too() -> None:
    pieces = cut("س" * 1000, 100)
    assert "".join(pieces) == "س" * 1000
    assert max(map(len, pieces)) <= 200


WORDS = ["قال", "نعم", "د", "ص", "Dr", "J", "e.g", "etc", "3", "3.5", "٥٠٬٠٠٠", "The", "fox", "😀", "e\u0301", "مُحَمَّد", "\u200f", "x" * 90]
MARKS = [".", "!", "?", "…", "...", "؟", "؛", "۔", "،", ",", ":", "—", "-", "«", "»", '"', ")", "(", "#", "*", "1."]
SPACES = [" ", " ", " ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", " \n"]
PIECES = st.sampled_from([*WORDS, *MARKS, *SPACES])
TEXTS = st.lists(PIECES, max_size=80).map("".join) | st.text(st.characters(codec="utf-8"), max_size=200)


@settings(max_examples=250, deadline=None)
@given(TEXTS, st.integers(40, 120))
def test_no_text_is_lost_doubled_or_reordered(text: str, longest: int) -> None:
    spans = sentences(text, longest)
    at = 0
    for span in spans:
        assert at <= span.start < span.end <= len(text)
        assert text[at : span.start].strip() == ""  # only white space lies between sentences
        part = span.of(text)
        assert part == part.strip()
        assert len(part) <= 2 * longest
        at = span.end
    assert text[at:].strip() == ""


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_folding_twice_changes_nothing_more_in_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text) or not text.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "x\n" + " " * 200_000 + "\n" + "y",
        "a" + " " * 200_000 + "b",
        "See Dr. Ali. " * 20_000,
        "كلمة، " * 40_000,
        "." * 200_000,
        "س" * 200_000,
        "\n" * 200_000 + "a",
        '"' * 100_000,
        "(" * 200_000,
        "(a)" * 60_000,
        "«" * 100_000 + "»" * 100_000,
        "1. " * 60_000,
        "المادة 12. " * 20_000,
        "a\tb\n" * 50_000,
        "| a. b |\n" * 20_000,
        "Title Case Here\n" * 12_000,
        "x: y\n" * 40_000,
        "a.b/c?d " * 25_000,
        "ثم " * 60_000,
        "no.[1]" * 30_000,
        "أ.د." * 50_000,
    ],
    ids=[
        "blank line",
        "gap",
        "abbreviations",
        "clauses",
        "dots",
        "one word",
        "newlines",
        "quotes",
        "brackets",
        "closed brackets",
        "nested quotes",
        "numbers",
        "articles",
        "tabs",
        "rows",
        "titles",
        "fields",
        "addresses",
        "connectives",
        "notes",
        "letters",
    ],
)
def test_cutting_takes_time_in_proportion_to_length(text: str) -> None:
    """Each of these took minutes, or would have, with a pattern that looks back from every character."""
    started = time.process_time()
    sentences(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("word", "bare"),
    [("وبنك", "بنك"), ("لنور", "نور"), ("بنك", "بنك"), ("ولد", "ولد"), ("كتابه", "تابه"), ("bank", "bank"), ("", ""), ("و", "و")],
)
def test_a_one_letter_word_is_taken_from_the_next_where_enough_is_left(word: str, bare: str) -> None:
    assert without_proclitic(word) == bare


def test_the_letters_and_the_rest_that_has_to_stay_can_be_given() -> None:
    assert without_proclitic("لم", "ل", 1) == "م"
    assert without_proclitic("وليس", "وف", 1) == "ليس"
    assert without_proclitic("بليس", "وف", 1) == "بليس"
    assert without_proclitic("ونور", least=4) == "ونور"


def test_the_article_is_removed_where_enough_of_the_word_is_left() -> None:
    assert without_article("البنك") == "بنك"
    assert without_article("الفن", 3) == "الفن"
    assert without_article("الفنون", 3) == "فنون"
    assert without_article("بنك") == "بنك"
    assert without_article("") == ""


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("والبنك", [("و", "البنك"), ("وال", "بنك")]),
        ("ولتويتر", [("و", "لتويتر"), ("ول", "تويتر")]),
        ("للبنك", [("ل", "لبنك"), ("لل", "بنك")]),
        ("البنك", [("ال", "بنك")]),
        ("مصرف", []),
        ("bank", []),
        ("", []),
    ],
)
def test_a_word_is_split_after_each_prefix_that_it_begins_with(word: str, split: list[tuple[str, str]]) -> None:
    assert list(split_prefix(word)) == split
    assert list(split_prefix(word, ("",))) == [("", word)]
