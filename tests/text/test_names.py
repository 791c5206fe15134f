"""Names across two scripts."""

from __future__ import annotations

import pytest

from rag.text.names import names, same_name, skeleton, unmatched_names

PAIRS = [
    ("سبيرو", "Spiro", "sbr"),
    ("تويتر", "Twitter", "tr"),
    ("مايكروسوفت", "Microsoft", "mkrsft"),
    ("جون", "John", "gn"),
    ("ألباتروس", "Albatros", "lbtrs"),
    ("جوجل", "Google", "gl"),
    ("شكسبير", "Shakespeare", "xksbr"),
    ("ويندوز", "Windows", "nds"),
    ("فيسبوك", "Facebook", "fsbk"),
    ("جورج", "George", "grg"),
]


@pytest.mark.parametrize(("arabic", "latin", "consonants"), PAIRS)
def test_both_spellings_have_the_same_consonants(arabic: str, latin: str, consonants: str) -> None:
    assert skeleton(arabic) == skeleton(latin) == consonants
    assert same_name(arabic, latin)
    assert same_name(latin, arabic)


@pytest.mark.parametrize(
    ("one", "other"),
    [("سبيرو", "Reed"), ("ريد", "Smith"), ("جوجل", "Microsoft"), ("ماسك", "Spiro"), ("علي", "Ohio"), ("Reed", "Read"), ("", "Reed")],
)
def test_different_names(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    ("arabic", "latin", "same"),
    [
        ("سليم", "Salim", True),
        ("سليم", "Salma", False),
        ("سلمى", "Salma", True),
        ("سلمى", "Salim", False),
        ("منصوري", "Mansouri", True),
        ("منصوري", "Mansour", False),
        ("منصور", "Mansouri", False),
        ("تامر", "Tamim", False),
        ("حسين", "Hassan", False),
        ("هالة", "Hala", True),
        ("درويه", "Drouet", True),
        ("فيران", "Ferrand", True),
        ("منينديز", "Menéndez", True),
        ("ديفيس", "Davis", True),
    ],
)
def test_a_long_vowel_is_written_where_there_is_one(arabic: str, latin: str, same: bool) -> None:
    assert same_name(arabic, latin) is same


def test_names_that_are_translated_are_found_by_their_arabic_word() -> None:
    evidence = "خسر الهولنديون أمام الألمان في شمال أفريقيا، ولم يرضَ الهوغونوتيون"
    assert unmatched_names("In the North of Africa the Dutch lost to the Germans and the Huguenots grumbled", evidence) == []
    assert unmatched_names("It was lost to the French", evidence) == ["French"]
    assert unmatched_names("He said that the Supreme Court and the Prime Minister agreed", evidence) == []  # nothing to hear


def test_within_one_script_only_spelling_variants_are_the_same() -> None:
    assert same_name("Spiro", "SPIRO")
    assert same_name("أحمد", "احمد")
    assert not same_name("سبيرو", "سبيرا")


def test_names_in_english_are_capitals_inside_a_sentence() -> None:
    assert names("The lawyer Alex Spiro wrote to Microsoft.") == ["Alex", "Spiro", "Microsoft"]
    assert names("Bob's cat met O'Neil near OpenAI's gate.") == ["O'Neil", "OpenAI"]
    assert names("It rained. Then we left.") == []
    assert names("") == []


def test_names_in_arabic_prose_are_its_latin_words() -> None:
    assert names("وادّعى المحامي أن شركة Microsoft استخدمت بيانات twitter") == ["Microsoft", "twitter"]
    assert names("لا أسماء لاتينية هنا") == []


def test_names_that_the_evidence_does_not_know() -> None:
    evidence = "وكان قبطانها جون ريد، وكتب لمايكروسوفت ولتويتر وبجوجل وللكونغرس والسنغال"
    assert unmatched_names("The captain was John Reed", evidence) == []
    assert unmatched_names("The captain was John Smith", evidence) == ["Smith"]
    # What is written together with a name is taken off: one preposition, a conjunction before it, the article.
    assert unmatched_names("He wrote to Microsoft, Twitter, Google and Senegal", evidence) == []
    assert unmatched_names("The captain was John Reed", "") == ["John", "Reed"]
    assert unmatched_names("", evidence) == []
