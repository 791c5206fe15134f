"""Somebody's words are answered as theirs, and an accusation with its denial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.attribution import denial_of, speaker_of
from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.models.reader import ClaimVerdict, Reading, ScoredSpan
from rag.models.reader_input import ReadText
from rag.retrieval.index import Index
from rag.schema import Evidence, Passage, Span, Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder
from rag.text.sentences import sentences
from tests.helpers import write


class NamingReader:
    """A reader that finds the given words wherever they stand, and to which every claim is supported."""

    name = fingerprint = "naming"

    def __init__(self, *found: str) -> None:
        self.found = found

    def read(self, question: str, texts: Sequence[ReadText], *, spans: int = 3) -> list[Reading]:
        def one(text: ReadText) -> Reading:
            places = [(word, text.text.find(word)) for word in self.found]
            named = tuple(ScoredSpan(Span(at, at + len(word)), 0.9) for word, at in places if at >= 0)
            return Reading(0.9, (0.9,) * len(text.blocks), named)

        return [one(text) for text in texts]

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        return [ClaimVerdict(0.9, 0.05, 0.05) for _ in texts]


def passage(text: str, id: int = 1, document: str = "a.txt") -> Passage:
    return Passage(id, document, Span(0, len(text)), text, "", "en", "", tuple(sentences(text)))


def evidence(text: str, number: int = 0, id: int = 1, document: str = "a.txt") -> Evidence:
    of = passage(text, id, document)
    return Evidence(of, of.sentences[number], of.sentences[number].of(text), 1.0)


@pytest.mark.parametrize(
    ("text", "direct", "speaker", "expected"),
    [
        ("Reed said the ferry carries 320 passengers.", "320 passengers", "Reed", "Reed"),
        ("The ferry is too old, the harbour master said.", "too old", "the harbour master", "the harbour master"),
        ("قال القبطان إن العبارة تحمل 320 راكبا.", "320 راكبا", "القبطان", "القبطان"),
        ("Reed said the ferry carries 320 passengers.", "320 passengers", "ferry carries", ""),  # nobody next to the word that reports
        ("The ferry carries 320 passengers.", "320 passengers", "ferry", None),
        ("Reed wrote the song in 1912.", "1912", "Reed", None),  # nothing is said
        ("Reed wrote that the ferry sank in 1912.", "1912", "Reed", "Reed"),
        ("Reed said the ferry carries 320 passengers.", "Reed", "Reed", None),  # who said it was asked for
        ("The owner acts according to the law within 30 days.", "30 days", "owner", None),
        ("كتب القبطان الأغنية عام 1912.", "1912", "القبطان", None),
        ("كتب القبطان أن العبارة غرقت عام 1912.", "1912", "القبطان", "القبطان"),
        ("يقدم الطلب وفقا للنظام خلال 30 يوما.", "30 يوما", "النظام", None),
        ("تحمل العبارة 320 راكبا.", "320 راكبا", "العبارة", None),
    ],
)
def test_who_says_it_is_whoever_stands_by_the_word_that_reports(text: str, direct: str, speaker: str, expected: str | None) -> None:
    at = text.find(direct)
    assert speaker_of(NamingReader(speaker), passage(text), Span(0, len(text)), Span(at, at + len(direct))) == expected


def test_a_sentence_inside_quotation_marks_is_that_of_the_sentence_before_it() -> None:
    text = 'Reed wrote: "The ferry is old. It carries 320 passengers." It sails on Thursday.'
    of = passage(text)
    inside = next(span for span in of.sentences if "320" in span.of(text))
    at = text.find("320")
    assert speaker_of(NamingReader("Reed"), of, inside, Span(at, at + 3)) == "Reed"
    last = of.sentences[-1]
    assert speaker_of(NamingReader("Reed"), of, last) is None


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("The harbour accuses the owner of dumping oil. The owner denies that he dumped any oil.", "Why did the owner dump oil?"),
        ("يتهم الميناء المالك بتفريغ النفط. وينفي المالك أنه فرغ أي نفط.", "لماذا فرغ المالك النفط؟"),
    ],
)
def test_a_denial_is_found_for_an_accusation_of_the_same_document(text: str, question: str) -> None:
    accusation, denial = evidence(text, 0), evidence(text, 1)
    assert denial_of(accusation, question, [accusation, denial]) == denial
    assert denial_of(denial, question, [accusation, denial]) is None
    elsewhere = evidence(text, 1, id=2, document="b.txt")
    assert denial_of(accusation, question, [elsewhere]) is None


def test_where_nobody_is_accused_nothing_is_denied() -> None:
    text = "The ferry sails on Thursday. The owner denies that the ferry sails on Friday."
    plain, denial = evidence(text, 0), evidence(text, 1)
    assert denial_of(plain, "Why does the ferry sail?", [plain, denial]) == denial  # it assumes that it sails
    assert denial_of(plain, "ferry day", [plain, denial]) is None


FILES = {
    "harbour.txt": "The harbour master said the ferry lost 40 litres of oil. The owner denies that the ferry lost oil.",
    "ميناء.txt": "قال مدير الميناء إن العبارة فقدت 40 لترا من النفط. وينفي المالك أن العبارة فقدت النفط.",
}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    build_index(write(tmp_path / "documents", FILES), tmp_path / "index", HashEmbedder(256))
    return Index.open(tmp_path / "index", HashEmbedder(256))


@pytest.mark.parametrize(
    ("question", "speaker", "direct", "first", "also"),
    [
        (
            "How much oil did the ferry lose, by litres?",
            "The harbour master",
            "40 litres",
            "According to The harbour master: 40 litres [1]",
            "The document also says: “The owner denies that the ferry lost oil.” [2]",
        ),
        (
            "كم لترا من النفط فقدت العبارة؟",
            "مدير الميناء",
            "40 لترا",
            "بحسب مدير الميناء: 40 لترا [1]",
            "وجاء في الوثيقة أيضًا: «وينفي المالك أن العبارة فقدت النفط.» [2]",
        ),
    ],
)
def test_the_answer_says_who_says_it_and_who_denies_it(
    index: Index, question: str, speaker: str, direct: str, first: str, also: str
) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    answer = Chatbot(index, calibration=calibration, reader=NamingReader(direct, speaker)).ask(question)
    assert answer.status is Status.ANSWERED
    lines = answer.text.splitlines()
    assert lines[0] == first
    assert lines[-1] == also
    assert [citation.number for citation in answer.citations] == [1, 1, 2]
    assert all(citation.claim.of(answer.text) in citation.quote for citation in answer.citations)


@pytest.mark.parametrize(
    ("question", "text", "direct", "opening"),
    [
        (
            "Who of the crew dumped the oil?",
            "There is a rumour that three sailors of the crew dumped the oil. The owner denies it.",
            "three sailors",
            "The documents may not state what the question assumes.",
        ),
        (
            "لماذا فرغ البحارة النفط؟",
            "شاع أن البحارة فرغوا النفط لتخفيف الحمولة. وينفي المالك ذلك.",
            "لتخفيف الحمولة",
            "قد لا تذكر",
        ),
    ],
)
def test_what_the_document_denies_is_no_answer(tmp_path: Path, question: str, text: str, direct: str, opening: str) -> None:
    build_index(write(tmp_path / "documents", {"a.txt": text}), tmp_path / "index", HashEmbedder(256))
    calibration = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    answer = Chatbot(Index.open(tmp_path / "index", HashEmbedder(256)), calibration=calibration, reader=NamingReader(direct)).ask(question)
    assert answer.status is Status.UNSURE
    assert answer.text.startswith(opening)
    assert all(citation.words is None for citation in answer.citations)
