"""Languages of texts and questions."""

from __future__ import annotations

import pytest

from rag.text.language import detect, question_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What did Microsoft do?", "en"),
        ("who wrote letter lawyer elon", "en"),
        ("TruthGPT?", "en"),
        ("ماذا فعلت مايكروسوفت؟", "ar"),
        ("مين اللي كتب الرساله", "ar"),
        ("كابتن", "ar"),
        ("ادّعى Musk أن OpenAI تحولت إلى شركة", "ar"),
        ("Qui est le capitaine du bateau et où est-il né ?", "fr"),
        ("¿Quién es el capitán del barco y dónde nació?", "es"),
        ("Wer ist der Kapitän des Schiffes und wo wurde er geboren?", "de"),
        ("Geminin kaptanı kimdi ve nerede doğdu?", "tr"),
        ("کاپیتان کشتی چه کسی بود و کجا به دنیا آمد؟", "fa"),
        ("جہاز کا کپتان کون تھا اور وہ کہاں پیدا ہوا؟", "ur"),
        ("谁是船长？", "other"),
        ("Кто был капитаном корабля?", "other"),
        ("Кто был капитаном Albatros?", "other"),
        ("What does Αθήνα mean for the crew?", "en"),
        ("123 – 456", "und"),
        ("", "und"),
    ],
)
def test_detection(text: str, language: str) -> None:
    assert detect(text) == language
    assert question_language(text) == language


def test_a_question_is_arabic_by_its_function_word() -> None:
    assert detect("ما هو TruthGPT؟") == "en"  # more Latin letters than Arabic ones
    assert question_language("ما هو TruthGPT؟") == "ar"
    assert question_language("من Alex Spiro؟") == "ar"
    assert question_language("What does شركة mean?") == "en"


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert detect("وصلت العبّارة إلى الميناء. " * 10_000) == "ar"
    assert detect("The ferry reached the harbour. " * 10_000) == "en"
