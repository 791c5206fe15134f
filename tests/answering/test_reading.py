"""Evidence read by a reader: the sentence that answers comes first, whatever search thought of it, and what is read is bounded."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration, RankingWeights, reading_features
from rag.answering.reading import WINDOWS, is_elsewhere, read_evidence
from rag.models.reader import Reading, ScoredSpan
from rag.models.reader_input import ReadText
from rag.retrieval.index import Index
from rag.retrieval.query import Query
from rag.schema import Evidence, Found, Grade, Match, Passage, Span
from rag.storage.build import build_index
from rag.testing import HashEmbedder, WordReader


def evidence(id: int, *sentences: str) -> list[Evidence]:
    text, spans = "", []
    for sentence in sentences:
        text += " " if text else ""
        spans.append(Span(len(text), len(text) + len(sentence)))
        text += sentence
    passage = Passage(id, "d", Span(0, len(text)), text, "", "en", "", tuple(spans))
    return [Evidence(passage, span, span.of(text), 0.5) for span in spans]


class Scripted:
    """Says of a text what a table says of the sentences in it."""

    name = fingerprint = "scripted"

    def __init__(self, scores: dict[str, float], answers: float = 0.9) -> None:
        self._scores, self._answers = scores, answers
        self.read_texts: list[ReadText] = []

    def read(self, question: str, texts: list[ReadText], *, spans: int = 3) -> list[Reading]:
        self.read_texts += texts
        return [Reading(self._answers, tuple(self._scores.get(b.of(t.text), 0.0) for b in t.blocks), ()) for t in texts]


@pytest.mark.parametrize(
    ("first", "second"),
    [("The school was founded in 1962.", "The yearly fee is 1,900 dinars."), ("تأسست المدرسة عام 1962.", "الرسوم السنوية 1900 دينار.")],
)
def test_the_sentence_that_answers_comes_first(first: str, second: str) -> None:
    ranked, answers = read_evidence(Scripted({second: 0.8, first: 0.1}), "fee?", evidence(1, first, second), 2)  # type: ignore[arg-type]
    assert [item.text for item in ranked] == [second, first]
    assert ranked[0].worth == pytest.approx(36**0.3 / (1 + 36**0.3))  # odds of 9 and of 4, each to the power 0.3; search prefers neither
    assert ranked[0].answers == pytest.approx(0.72)
    assert answers == 0.9


def test_of_two_that_the_reader_finds_equal_the_one_more_like_the_question_comes_first() -> None:
    first, second = evidence(1, "One sentence.", "Another sentence.")
    ranked, _ = read_evidence(Scripted({}), "q", [first, replace(second, score=0.7)], 2)  # type: ignore[arg-type]
    assert [item.text for item in ranked] == ["Another sentence.", "One sentence."]
    ranked, _ = read_evidence(Scripted({}), "q", [replace(first, match=Match(0.1, 0.4, 0.1)), second], 2)  # type: ignore[arg-type]
    assert [item.text for item in ranked] == ["One sentence.", "Another sentence."]


@pytest.mark.parametrize(("weights", "first"), [(RankingWeights(1.0, 0.0, 0.0), "read"), (RankingWeights(1.0, 0.0, 8.0), "like")])
def test_the_weights_of_an_embedder_decide_between_reader_and_likeness(weights: RankingWeights, first: str) -> None:
    """The reader gives "read" 0.5 and "like" 0.1: log-odds of 0 and -2.20. The second is more like the question by 0.3, times 8 is 2.40."""
    read, like = evidence(1, "read", "like")
    reader = Scripted({"read": 0.5, "like": 0.1}, answers=0.5)
    ranked, _ = read_evidence(reader, "q", [read, replace(like, score=0.8)], 2, weights)  # type: ignore[arg-type]
    assert ranked[0].text == first


def test_what_was_not_read_keeps_its_order_after_what_was() -> None:
    candidates = [item for id in range(WINDOWS + 3) for item in evidence(id, f"sentence {id}")]
    reader = Scripted({"sentence 2": 0.5})
    ranked, _ = read_evidence(reader, "q", candidates, 99)  # type: ignore[arg-type]
    assert len(reader.read_texts) == WINDOWS
    assert [item.text for item in ranked] == ["sentence 2", *(f"sentence {id}" for id in range(WINDOWS + 3) if id != 2)]


def test_only_a_window_of_a_long_passage_is_read() -> None:
    sentences = [f"This is sentence number {n} of a long passage that goes on." for n in range(30)]
    candidates = evidence(1, *sentences)
    reader = Scripted({})
    read_evidence(reader, "q", [candidates[15], *candidates], 3)  # type: ignore[arg-type]
    assert sentences[15] in reader.read_texts[0].text
    assert all(len(text.text) <= 320 for text in reader.read_texts)


def test_a_long_passage_is_read_where_its_best_sentences_stand_each_in_one_window() -> None:
    """Five sentences fit into a window: one around sentence 15, one around sentence 3; the third best is in the first."""
    sentences = [f"This is sentence number {n:02} of a long passage that goes on." for n in range(30)]
    candidates = evidence(1, *sentences)
    reader = Scripted({sentences[3]: 0.7})
    ranked, _ = read_evidence(reader, "q", [candidates[15], candidates[16], candidates[3]], 3)  # type: ignore[arg-type]
    assert [sentences[15] in text.text and sentences[16] in text.text for text in reader.read_texts] == [True, False]
    assert ranked[0].text == sentences[3]


def test_nothing_to_read() -> None:
    assert read_evidence(Scripted({}), "q", [], 3) == ((), 0.0)  # type: ignore[arg-type]


def test_a_chatbot_with_a_reader_quotes_what_the_reader_found(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "school.txt").write_text(
        "Cedar School was founded in 1962. It has 640 pupils. The yearly fee is 1,900 dinars.", encoding="utf-8"
    )
    embedder = HashEmbedder(256)
    build_index(folder, tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as index:
        reader = WordReader()
        bot = Chatbot(index, calibration=Calibration.of("unknown"), reader=reader)
        found, answer = list(bot.stream("What is the yearly fee?"))
        assert isinstance(found, Found)
        assert "1,900 dinars" in answer.text  # type: ignore[union-attr]
        assert answer.grade is Grade.QUOTED  # type: ignore[union-attr]
        assert reader.queries == ["What is the yearly fee?"]
        assert bot.over(index).reader is reader
        silent = Chatbot(index, calibration=Calibration.of("unknown"), reader=Scripted({}, answers=0.0))  # type: ignore[arg-type]
        assert silent.ask("What is the yearly fee?").confidence < bot.ask("What is the yearly fee?").confidence


@pytest.mark.parametrize("answers", [0.1, 0.5, 0.9])
def test_without_fitted_weights_two_judgements_are_weighed_as_log_odds_and_shifted_alike(answers: float) -> None:
    calibration = Calibration.of("unknown")
    item = evidence(1, "The yearly fee is 1,900 dinars.")[0]
    query = Query.of("What is the yearly fee?", HashEmbedder())
    confidence = calibration.confidence(query, [item])
    mean = (math.log(confidence / (1 - confidence)) + math.log(answers / (1 - answers))) / 2
    read = [replace(item, answers=answers)]
    assert calibration.confidence_read(query, [item], read, answers) == pytest.approx(1 / (1 + math.exp(-mean - 0.42)), abs=1e-6)
    assert calibration.confidence_read(query, [], [], answers) == 0.0


def test_fitted_weights_weigh_the_features_and_what_the_reader_says() -> None:
    item = evidence(1, "The yearly fee is 1,900 dinars.")[0]
    query = Query.of("What is the yearly fee?", HashEmbedder())
    only_reader = replace(Calibration.of("unknown"), read_same=(0.0,) * 8 + (0.0, 1.0, 0.0, 0.0), read_across=(0.0,) * 12)
    read = [replace(item, answers=0.8)]
    assert only_reader.confidence_read(query, [item], read, 0.3) == pytest.approx(0.8, abs=1e-6)
    arabic = replace(evidence(1, "الرسوم السنوية 1900 دينار.")[0], answers=0.8)
    assert only_reader.confidence_read(query, [item], [arabic], 0.3) == 0.5


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("How much rice was grown in 2015?", "State: Odisha · 2012: 94.97", (1.0, 0.0)),
        ("How much rice was grown in 2012?", "State: Odisha · 2012: 94.97", (0.0, 0.0)),
        ("How many incidents did Qatar have?", "airline: Qantas · incidents: 5", (0.0, 1.0)),
        ("كم أنتجت أوديشا عام 2015؟", "State: Odisha · 2012: 94.97", (1.0, 0.0)),
    ],
)
def test_what_a_question_names_and_the_row_lacks(question: str, text: str, expected: tuple[float, float]) -> None:
    read = [replace(evidence(1, text)[0], answers=0.5)]
    query = Query.of(question, HashEmbedder())
    assert reading_features(query, read, 0.5) == (0.0, 0.0, *expected)


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("كم الطاقة الإنتاجية للبرازيل؟", "France · 2010: 40,000", True),
        ("كم الطاقة الإنتاجية للبرازيل؟", "Brazil · 2010: 50,000", False),
        ("What is the police number in Jordan?", "الشرطة 17", False),
        ("What is the capacity?", "France · 2010: 40,000", False),
        ("Exports of Egypt", "The exports of Egypt and Tunisia rose.", False),
        ("Exports of Egypt", "The exports of Tunisia rose.", True),
    ],
)
def test_evidence_about_another_country(question: str, text: str, expected: bool) -> None:
    assert is_elsewhere(question, evidence(1, text)[0]) is expected


def test_the_row_of_the_country_that_was_asked_for_comes_first() -> None:
    rows = ["France · 2010: 40,000", "Brazil · 2010: 50,000"]
    reader = Scripted(dict(zip(rows, (0.9, 0.3), strict=True)))
    ranked, _ = read_evidence(reader, "كم إنتاج البرازيل عام 2010؟", evidence(1, *rows), 2)  # type: ignore[arg-type]
    assert [item.text for item in ranked] == [rows[1], rows[0]]


def test_a_value_that_a_rule_carried_over_is_not_called_checked(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    sentence = "The yearly fee is 1,900 dinars."
    (documents / "school.txt").write_text(sentence, encoding="utf-8")
    embedder = HashEmbedder(lexicon={"الرسوم": "fee", "السنوية": "yearly"})
    build_index(documents, tmp_path / "index", embedder)

    class Found(Scripted):
        def read(self, question: str, texts: list[ReadText], *, spans: int = 3) -> list[Reading]:
            at = sentence.index("1,900 dinars")
            return [replace(item, spans=(ScoredSpan(Span(at, at + 12), 0.9),)) for item in super().read(question, texts)]

    with Index.open(tmp_path / "index", embedder) as index:
        bot = Chatbot(index, calibration=Calibration.of("unknown"), reader=Found({sentence: 0.9}))  # type: ignore[arg-type]
        answer = bot.ask("كم الرسوم السنوية؟")
    assert answer.text.startswith("1,900 دينار [1]")
    assert [citation.grade for citation in answer.citations] == [Grade.UNVERIFIED, Grade.QUOTED]
    assert answer.grade is Grade.UNVERIFIED
