"""Arabic names in Latin letters: only what the dictionary attests, and the person alone."""

from __future__ import annotations

import sys

import pytest

from rag.text.romanization import _dictionary, latin_name


def test_without_the_dictionary_no_name_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arabic_name_romanizer", None)
    _dictionary.cache_clear()
    try:
        assert latin_name("حسام زكي") is None
    finally:
        _dictionary.cache_clear()


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
