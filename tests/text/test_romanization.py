"""Arabic names in Latin letters: only what the dictionary attests, and the person alone."""

from __future__ import annotations

import pytest

from rag.text.romanization import latin_name


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("حسام زكي", "Hossam Zaki"),
        ("السفير حسام زكي", "Hossam Zaki"),  # the title is left out
        ("ابتسام محمد عيد غانم", "Ibtissam Mohamed Eid Ghanem"),
        ("محمد بن سلمان", "Mohamed bin Salman"),
        ("طه حسين", "Taha Hussein"),
        ("وزير المالية", None),
        ("رئيس الشركة", None),
        ("مجلس الإدارة", None),
        ("سعيد جدا", None),  # "very happy", though سعيد is a name
        ("إيلون ماسك", None),  # not in the dictionary: nothing is guessed
        ("كريم", None),  # one word may be any word
        ("", None),
    ],
)
def test_a_person_is_spelled_as_the_dictionary_attests(phrase: str, expected: str | None) -> None:
    assert latin_name(phrase) == expected
