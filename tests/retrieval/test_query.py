"""The record of a question, and the one place where the language of evidence is compared with it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering.confidence import Calibration
from rag.errors import BadQuestion
from rag.retrieval.index import Index
from rag.retrieval.query import Query
from rag.schema import Evidence, Passage, Span
from rag.testing import HashEmbedder, TokenHashEmbedder
from rag.text.language import is_in_language


def said(text: str, language: str = "en") -> Evidence:
    """A sentence that is a whole passage of that language."""
    span = Span(0, len(text))
    return Evidence(Passage(1, "d", span, text, "", language, "", (span,)), span, text, 0.5)


def asked(question: str) -> Query:
    return Query.of(question, HashEmbedder(16))


@pytest.mark.parametrize(
    ("question", "text", "language", "stems"),
    [
        ("  Who sailed the ferries?\n", "Who sailed the ferries?", "en", ("sail", "ferri")),
        ("من قاد العبّارة؟", "من قاد العبّارة؟", "ar", ("قاد", "عبار")),
        ("ما هو TruthGPT؟", "ما هو TruthGPT؟", "ar", ("truthgpt",)),
        ("2019?", "2019?", "und", ("2019",)),
    ],
)
def test_a_query_holds_what_is_derived_from_the_question(question: str, text: str, language: str, stems: tuple[str, ...]) -> None:
    query = asked(question)
    assert (query.text, query.language, query.stems) == (text, language, stems)
    assert np.array_equal(query.vector, HashEmbedder(16).embed_query(text))
    assert len(query.tokens) == 0
    with pytest.raises(FrozenInstanceError):
        query.text = ""  # type: ignore[misc]


def test_an_embedder_with_tokens_gives_them_in_the_same_pass() -> None:
    query = Query.of("Who sailed?", TokenHashEmbedder(16))
    assert query.tokens.bounds.tolist() == [[4, 10]]  # "who" carries no meaning


@pytest.mark.parametrize(
    ("question", "evidence", "shared"),
    [
        ("What is TruthGPT?", said("TruthGPT is a chatbot."), True),
        ("What is TruthGPT?", said("تروث جي بي تي روبوت محادثة.", "ar"), False),
        ("ما هو TruthGPT؟", said("يقول ماسك إن TruthGPT روبوت محادثة.", "ar"), True),
        ("ما هو TruthGPT؟", said("TruthGPT is a chatbot."), False),
        ("ما هو TruthGPT؟", said("TruthGPT is a chatbot.", "ar"), False),  # an English sentence of an Arabic passage
        ("متى؟", said("2019", "ar"), True),  # no letters: the passage's language
        ("When?", said("2019", "ar"), False),
        ("2019?", said("It opened in 2019."), True),  # no letters: English
        ("2019?", said("افتُتح عام 2019.", "ar"), False),
        ("Qui a écrit la lettre adressée à la société Microsoft ?", said("Musk wrote it."), False),
    ],
)
def test_whether_evidence_is_in_the_questions_language(question: str, evidence: Evidence, shared: bool) -> None:
    assert asked(question).shares_language(evidence) is shared


def test_a_follow_ups_answer_has_a_language_of_its_own() -> None:
    evidence = said("أسسته ريم عساف.", "ar")
    query = asked("And when? أسس مختبر المجسّات البحرية")  # asked in English, its topic in Arabic
    assert query.shares_language(evidence)
    assert not is_in_language(evidence.text, "en", evidence.passage.language)


@pytest.mark.parametrize(
    ("text", "language", "sure"), [("يقول ماسك إن TruthGPT روبوت.", "ar", True), ("TruthGPT is a chatbot.", "en", False)]
)
def test_an_arabic_question_about_a_latin_name_is_weighed_as_arabic(text: str, language: str, sure: bool) -> None:
    """By script alone «ما هو TruthGPT؟» would be English: eight Latin letters against four Arabic ones, each counted one and a half."""
    calibration = replace(Calibration.of("unknown"), same=(9.0, *[0.0] * 7), across=(-9.0, *[0.0] * 7))
    assert (calibration.confidence(asked("ما هو TruthGPT؟"), [said(text, language)]) > 0.5) is sure


def test_an_index_makes_the_query_of_a_question_once(built: Path) -> None:
    class Counting(HashEmbedder):
        calls = 0

        def embed_query(self, text: str) -> np.ndarray:  # type: ignore[type-arg]
            type(self).calls += 1
            return super().embed_query(text)

    with Index.open(built, Counting(256)) as index:
        query = index.query(" captain ")
        assert index.query("captain") is query
        assert index.search(query) == index.search("captain")
        assert index.evidence(query, index.search(query)) == index.evidence("captain", index.search("captain"))
        assert Counting.calls == 1
        for number in range(128):
            index.query(f"ferry {number}")
        assert index.query("captain") is not query
        with pytest.raises(BadQuestion):
            index.query(" ؟ ")
