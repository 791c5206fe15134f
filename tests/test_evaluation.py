"""Evaluation with doubles: question sets, runs that are interrupted, measures worked out by hand, reports, comparisons."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.prompts import answer_prompt
from rag.arrays import Vectors
from rag.cli.evaluation import eval_app
from rag.errors import BadSetting, ModelMissing
from rag.evaluation import ablation, plots
from rag.evaluation.compare import compare, print_comparison, read_run
from rag.evaluation.measures import MEASURES, answer_sentences, faults, figures, groups, shares
from rag.evaluation.metrics import Figure
from rag.evaluation.page import write_html
from rag.evaluation.questions import (
    BadQuestionSet,
    Claim,
    Dialogue,
    DialogueTurn,
    Gold,
    Question,
    QuestionSet,
    drop_gold,
    read_lines,
    read_squad,
    validate,
    write_documents,
)
from rag.evaluation.records import Cited, ClaimRecord, Place, Record, RecordFile, read_records
from rag.evaluation.remember import Remembering
from rag.evaluation.report import Requirement, RequirementMissed, cell, distinct, print_table, require, summarise
from rag.evaluation.run import Options, code_hash, evaluate, identity, memory_mb, short
from rag.messages import table
from rag.retrieval.fusion import Weights
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Delta, Found, History, Span, Status, Timing, Turn
from rag.storage.build import build_index
from rag.testing import HashEmbedder, ScriptedGenerator

app = typer.Typer()
app.add_typer(eval_app, name="eval")

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = "Alex Spiro wrote the letter to Microsoft. The monthly fee was 50,000 dollars."
ARABIC = "كتب أليكس سبيرو الرسالة إلى مايكروسوفت. بلغت الرسوم الشهرية ٥٠٬٠٠٠ دولار."
OTHER = "The harbour of Nawras opens at dawn. Boats leave in the evening."


# --- a small world --------------------------------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "documents"
    write_documents({"en/letter.txt": ENGLISH, "ar/letter.txt": ARABIC, "en/harbour.txt": OTHER}, folder)
    embedder = HashEmbedder()
    build_index(folder, tmp_path / "index", embedder)
    with Index.open(tmp_path / "index", embedder) as opened:
        yield opened


Reply = tuple[str, str, str, float]
"""The answer's text, the document and the quote that it cites, the confidence."""


class ScriptedBot:
    """Answers as it is told; without a reply for a question it declines, and an exception for a reply is raised."""

    def __init__(self, index: Index, replies: Mapping[str, Reply | BaseException], check: bool = True) -> None:
        self.index = index
        self.replies = replies
        self.asked: list[tuple[str, tuple[Turn, ...], Container[int]]] = []

    def stream(self, question: str, history: History = (), *, exclude: Container[int] = ()) -> Iterator[Found | Delta | Answer]:
        self.asked.append((question, tuple(history), exclude))
        reply = self.replies.get(question, ("", "", "", 0.1))
        if isinstance(reply, BaseException):
            raise reply
        text, document, quote, confidence = reply
        searched = f"{question} letter" if history else question
        hits = tuple(self.index.search(searched, 5, exclude=exclude))
        evidence = tuple(self.index.evidence(searched, hits, 3))
        yield Found(searched, hits, evidence)
        citations: tuple[Citation, ...] = ()
        if text:
            yield Delta(text)
            source = self.index.document(document)
            assert source is not None
            start = source.text.find(quote)
            span = Span(start, start + len(quote)) if start >= 0 else Span(0, len(quote))
            citations = (Citation(1, document, span, quote, "", Span(0, len(text)), 0.8, "", 1),)
        yield Answer(
            question=question,
            text=f"{text} [1]" if text else "The documents do not say.",
            language="en",
            status=Status.ANSWERED if text else Status.NO_EVIDENCE,
            citations=citations,
            rejected=(),
            hits=hits,
            evidence=evidence,
            draft=text,
            searched=searched,
            confidence=confidence,
            timing=Timing(0.0, 0.0, 0.0, 10, 5, len(text.split())),
        )


WHO = Question(
    id="who",
    question="Who wrote the letter to Microsoft?",
    language="en",
    answers=("Spiro", "سبيرو"),
    evidence=(Gold("en/letter.txt", "Alex Spiro wrote the letter"),),
    answerable=True,
    split="report",
)
WHO_AR = Question(
    id="who-ar",
    question="من كتب الرسالة إلى مايكروسوفت؟",
    language="ar",
    answers=("سبيرو", "Spiro"),
    evidence=(Gold("ar/letter.txt", "كتب أليكس سبيرو الرسالة"),),
    answerable=True,
    split="report",
)
NONE = Question(
    id="none",
    question="ما عاصمة كينيا؟",
    language="ar",
    answers=(),
    evidence=(),
    answerable=False,
    direction="ar-ar",
    split="report",
)
SET = QuestionSet("small", questions=(WHO, WHO_AR, NONE))
RIGHT: dict[str, Reply | BaseException] = {
    WHO.question: ("It was Alex Spiro.", "en/letter.txt", "Alex Spiro wrote the letter to Microsoft.", 0.9),
    WHO_AR.question: ("كتبها أليكس سبيرو.", "ar/letter.txt", "كتب أليكس سبيرو الرسالة إلى مايكروسوفت.", 0.8),
}


def asked(bot: ScriptedBot, path: Path, questions: QuestionSet = SET, **options: Any) -> list[Record]:
    with RecordFile.open(path) as file:
        records = evaluate(bot, questions, file, identity(bot), Options(**options))
        file.finish(records)
    assert all(isinstance(record, Record) for record in records)
    return [record for record in records if isinstance(record, Record)]


def lines(path: Path, *rows: object) -> Path:
    written = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    path.write_text(written, encoding="utf-8")
    return path


def row(id: str = "a-1", **changes: object) -> dict[str, object]:
    return {
        "id": id,
        "question": "من كتب الرسالة؟",
        "language": "ar",
        "answers": ["سبيرو"],
        "evidence": [{"document": "letter.txt", "quote": "كتب سبيرو"}],
        "answerable": True,
        **changes,
    }


# --- question sets: JSONL -------------------------------------------------------------------------------------------------


def test_the_validator_names_line_and_fault(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("كتب سبيرو رسالة. ثم كتب سبيرو أخرى. He wrote it.", encoding="utf-8")
    path = lines(
        tmp_path / "questions.jsonl",
        row("a-1", evidence=[{"document": "letter.txt", "quote": "كتب سبيرو رسالة"}]),
        row("a-2", language="fr"),
        '{"id": "a-3",',
        row("a-4", answers=[]),
        row("a-1", question="Who?"),
        row("a-6", evidence=[{"document": "letter.txt", "quote": "كتب سبيرو"}]),
        row("a-7", evidence=[{"document": "letter.txt", "quote": "لم يكتب"}]),
        row("a-8", evidence=[{"document": "missing.txt", "quote": "x"}]),
        row("a-9", question=unicodedata.normalize("NFD", "من آخر؟")),
        "[]",
    )
    found = [(fault.line, fault.id) for fault in validate(path, tmp_path)]
    assert found == [(2, "a-2"), (3, ""), (4, "a-4"), (5, "a-1"), (6, "a-6"), (7, "a-7"), (8, "a-8"), (9, "a-9"), (10, "")]
    told = {fault.line: str(fault) for fault in validate(path, tmp_path)}
    assert told[2] == "questions.jsonl:2 (a-2): language: 'fr' is not one of ['ar', 'en']"
    assert "no JSON" in told[3]
    assert "answers" in told[4]
    assert "also that of line 1" in told[5]
    assert "stands 2 times in letter.txt" in told[6]
    assert "stands 0 times in letter.txt" in told[7]
    assert "there is no document missing.txt" in told[8]
    assert "NFC" in told[9]


def test_a_set_with_a_wrong_line_is_refused_by_its_number(tmp_path: Path) -> None:
    path = lines(tmp_path / "questions.jsonl", row("a-1"), row("a-2", answerable=False))
    with pytest.raises(BadQuestionSet, match=r"questions\.jsonl:2 \(a-2\)") as caught:
        read_lines(path)
    assert "questions.jsonl:2" in caught.value.text("ar")
    assert caught.value.exit_code == 2


def test_an_empty_or_missing_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadQuestionSet, match="nothing in it"):
        read_lines(lines(tmp_path / "empty.jsonl"))
    with pytest.raises(BadQuestionSet, match="could not be read"):
        read_lines(tmp_path / "missing.jsonl")


def test_the_projects_own_sets_are_valid_and_read_whole() -> None:
    counts = {}
    for path in (ROOT / "seeds/questions.jsonl", *(ROOT / "tests/corpus").glob("*.jsonl")):
        assert validate(path, None if path.stem == "dialogues" else path.parent) == []
        found = read_lines(path)
        counts[f"{path.parent.name}/{path.stem}"] = len(found.questions) + len(found.dialogues) + len(found.claims)
        assert len(found.in_split("calibrate").questions) + len(found.in_split("report").questions) == len(found.questions)
    lengths = {name: len((ROOT / file).read_text("utf-8").splitlines()) for name, file in (
        ("seeds/questions", "seeds/questions.jsonl"), ("corpus/claims", "tests/corpus/claims.jsonl"),
        ("corpus/dialogues", "tests/corpus/dialogues.jsonl"), ("corpus/questions", "tests/corpus/questions.jsonl"),
    )}  # fmt: skip
    assert counts == lengths


def test_a_sample_is_the_same_every_time_and_spread() -> None:
    whole = QuestionSet("many", questions=tuple(replace(WHO, id=f"q{n}") for n in range(100)))
    chosen = [question.id for question in whole.limited(5).questions]
    assert chosen == [question.id for question in whole.limited(5).questions]
    assert chosen != ["q0", "q1", "q2", "q3", "q4"]
    assert len(chosen) == 5
    assert len(whole.limited(200).questions) == 100


# --- question sets: SQuAD -------------------------------------------------------------------------------------------------


def squad(path: Path, *articles: list[tuple[str, list[dict[str, object]]]]) -> Path:
    data = [{"title": "t", "paragraphs": [{"context": text, "qas": qas} for text, qas in article]} for article in articles]
    path.write_text(json.dumps({"version": "1.1", "data": data}, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def qa(id: str, question: str, *answers: tuple[str, int], **more: object) -> dict[str, object]:
    return {"id": id, "question": question, "answers": [{"text": text, "answer_start": at} for text, at in answers], **more}


@pytest.fixture
def parallel(tmp_path: Path) -> tuple[Path, Path]:
    english = squad(
        tmp_path / "x.en.json",
        [
            (
                ENGLISH,
                [qa("1", "Who wrote the letter?", ("Alex Spiro", 0)), qa("2", "What was the fee?", ("50,000 dollars", 62))],
            )
        ],
        [(OTHER, [qa("3", "When does the harbour open?", ("dawn", 31))])],
    )
    arabic = squad(
        tmp_path / "x.ar.json",
        [
            (
                ARABIC,
                [
                    qa("1", "من كتب الرسالة؟", ("أليكس سبيرو", 4)),
                    qa("2", "كم بلغت الرسوم؟", ("٥٠٬٠٠٠ دولار", ARABIC.index("٥٠"))),
                ],
            )
        ],
        [("يفتح ميناء نورس عند الفجر.", [qa("3", "متى يفتح الميناء؟", ("الفجر", 20))])],
    )
    return english, arabic


def test_squad_in_one_language(parallel: tuple[Path, Path]) -> None:
    found = read_squad([parallel[1]])
    assert [question.direction for question in found.questions] == ["ar-ar"] * 3
    assert found.questions[0].evidence == (Gold("ar/00000.txt", "أليكس سبيرو", 4),)
    assert found.questions[0].answers == ("أليكس سبيرو",)
    assert found.documents["ar/00000.txt"] == ARABIC
    assert [question.split for question in found.questions] == ["calibrate", "calibrate", "report"]
    assert found.notes == ()


def test_squad_across_languages_joins_by_id_and_accepts_both_answers(parallel: tuple[Path, Path]) -> None:
    english, arabic = parallel
    found = read_squad([english], [arabic])
    first = found.questions[0]
    assert (first.id, first.language, first.direction) == ("1.en", "en", "en-ar")
    assert first.answers == ("Alex Spiro", "أليكس سبيرو")
    assert first.evidence == (Gold("ar/00000.txt", "أليكس سبيرو", 4),)
    assert set(found.documents) == {"ar/00000.txt", "ar/00001.txt"}


def test_squad_in_a_mixed_collection_takes_either_copy(parallel: tuple[Path, Path]) -> None:
    found = read_squad(list(parallel))
    assert len(found.questions) == 6
    assert set(found.documents) == {"en/00000.txt", "en/00001.txt", "ar/00000.txt", "ar/00001.txt"}
    assert [piece.document for piece in found.questions[0].evidence] == ["en/00000.txt", "ar/00000.txt"]
    assert found.questions[0].direction == "en-en+ar"


def test_squad_positions_hold_after_composition(tmp_path: Path) -> None:
    # The published text has decomposed letters before the answer; the document does not.
    context = unicodedata.normalize("NFD", "آآآ أأأ ") + "سبيرو كتب. ثم سبيرو غاب."
    at = context.rindex("سبيرو")
    found = read_squad([squad(tmp_path / "nfd.json", [(context, [qa("1", "من غاب؟", ("سبيرو", at))])])])
    text = found.documents["ar/00000.txt"]
    span = found.questions[0].evidence[0].span(text)
    assert span is not None
    assert span.start == text.rindex("سبيرو")
    assert found.notes == ()


def test_squad_faults_are_repaired_and_told(tmp_path: Path) -> None:
    path = squad(
        tmp_path / "arcd.json",
        [
            (
                ARABIC,
                [
                    qa("1", "من كتبها؟", ("سبيرو", 40)),
                    qa("2", "من قرأها؟", ("ماسك", 0)),
                    qa("3", "لا جواب له؟", ("سبيرو", 10), is_impossible=True),
                ],
            )
        ],
    )
    found = read_squad([path])
    assert found.questions[0].evidence[0].start == ARABIC.index("سبيرو")
    assert found.questions[1].evidence == (Gold("ar/00000.txt", ARABIC, 0),)
    assert [question.answerable for question in found.questions] == [True, True, False]
    assert [(fault.id, fault.grave) for fault in found.notes] == [("1", False), ("2", False)]
    raw = path.read_text("utf-8").splitlines()
    assert all(f'"id": "{fault.id}"' in raw[fault.line - 1] for fault in validate(path))


def test_squad_paragraph_that_is_repeated_is_one_document(tmp_path: Path) -> None:
    path = squad(tmp_path / "s.json", [(ENGLISH, [qa("1", "Who?", ("Alex Spiro", 0))]), (ENGLISH, [qa("2", "Who wrote?", ("Spiro", 5))])])
    found = read_squad([path])
    assert list(found.documents) == ["en/00000.txt"]
    assert {question.evidence[0].document for question in found.questions} == {"en/00000.txt"}


def test_what_is_no_squad_file_is_refused(tmp_path: Path, parallel: tuple[Path, Path]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"data":\n[{]', encoding="utf-8")
    assert [(fault.line, fault.grave) for fault in validate(broken)] == [(2, True)]
    other = tmp_path / "other.json"
    other.write_text('{"rows": []}', encoding="utf-8")
    with pytest.raises(BadQuestionSet, match="not in the SQuAD format"):
        read_squad([other])
    lonely = squad(tmp_path / "lonely.json", [(ENGLISH, [qa("9", "Who?", ("Alex", 0))])])
    with pytest.raises(BadQuestionSet, match=r"\(9\).*no question of the document files"):
        read_squad([lonely], [parallel[1]])
    twice = squad(tmp_path / "twice.json", [(ENGLISH, [qa("9", "Who?", ("Alex", 0)), qa("9", "Whom?", ("Alex", 0))])])
    with pytest.raises(BadQuestionSet, match="2 questions"):
        read_squad([twice])


def test_xquad_in_all_directions() -> None:
    data = ROOT.parent / "shared" / "data"
    english, arabic = data / "xquad-dev.en.json", data / "xquad-dev.ar.json"
    if not (english.is_file() and arabic.is_file()):
        pytest.skip("the XQuAD files are not on this machine")
    for asked_in, written in ((english, english), (arabic, arabic), (english, arabic), (arabic, english)):
        found = read_squad([asked_in], [written])
        assert len(found.questions) == 612
        assert len(found.documents) == 120
        assert all(piece.span(found.documents[piece.document]) for question in found.questions for piece in question.evidence)
    assert len(read_squad([english, arabic]).documents) == 240


# --- running --------------------------------------------------------------------------------------------------------------


def test_a_run_by_hand(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    who, who_ar, none = records
    assert (who.direction, who_ar.direction, none.direction) == ("en-en", "ar-ar", "ar-ar")
    assert who.gold == (Place("en/letter.txt", 0, 27, "en", "Alex Spiro wrote the letter", needs=(0,)),)
    assert who.citations == (
        Cited(1, "en/letter.txt", 0, 41, "Alex Spiro wrote the letter to Microsoft.", 0, 18, 0.8, exact=True, gold=True),
    )
    assert who.passages[0].needs == (0,)
    assert who.sentences[0].text == "Alex Spiro wrote the letter to Microsoft."
    assert who.found_s is not None
    assert who.first_token_s is not None
    assert who.total_s is not None
    assert who.found_s <= who.first_token_s <= who.total_s
    assert none.declined
    found = figures(records)
    perfect = """recall@1 evidence_recall@1 document_recall@1 right success in_sources citation_precision citation_recall
    citation_exact cited_gold declined auroc"""
    for name in perfect.split():
        assert found[name].value == 1.0, name
    assert found["right"].n == 2
    assert found["declined"].n == 1
    assert found["success"].n == 3
    assert found["wrongly_declined"].value == 0.0
    # The refusal was in English though the question was Arabic.
    assert found["language"].value == pytest.approx(2 / 3)
    # "it was alex spiro" against "spiro": 4 words against 1; the Arabic one 3 against 1.
    assert found["f1"].value == pytest.approx((2 * 0.25 / 1.25 + 2 * (1 / 3) / (4 / 3)) / 2)
    # SQuAD's rule keeps the Arabic full stop off, too, for it is ASCII's.
    assert found["f1_squad"].value == pytest.approx(found["f1"].value)
    assert found["em"].value == 0.0


def test_silence_and_errors_count_as_zero(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, {WHO_AR.question: RuntimeError("no more memory")})
    records = asked(bot, tmp_path / "records.jsonl")
    assert records[0].declined
    assert records[1].error == "RuntimeError: no more memory"
    found = figures(records)
    assert (found["right"].value, found["right"].n) == (0.0, 2)
    assert (found["f1"].value, found["f1"].n) == (0.0, 2)
    assert (found["wrongly_declined"].value, found["wrongly_declined"].n) == (1.0, 2)
    # The declined question was searched for, the failed one was not.
    assert (found["recall@1"].value, found["recall@1"].n) == (0.5, 2)
    assert "citation_precision" not in found
    assert [faults(record, part)[:1] for record, part in zip(records, shares(records), strict=True)] == [
        ["declined"],
        ["error"],
        ["language"],
    ]


def test_an_answer_to_what_nothing_answers_is_a_fault(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT | {NONE.question: ("نيروبي.", "ar/letter.txt", "كتب أليكس سبيرو", 0.85)})
    records = asked(bot, tmp_path / "records.jsonl")
    found = figures(records)
    assert found["declined"].value == 0.0
    assert found["success"].value == pytest.approx(2 / 3)
    # 0.85 stands between the two answerable ones.
    assert found["auroc"].value == 0.5
    # 0.9 right, 0.85 wrong, 0.8 right: (0 + 1/2 + 1/3) / 3.
    assert found["risk_area"].value == pytest.approx((1 / 2 + 1 / 3) / 3)
    assert found["citation_support"].value == 1.0
    assert faults(records[2], shares(records)[2]) == ["answered"]


def test_citations_that_are_wrong_or_missing(index: Index, tmp_path: Path) -> None:
    replies: dict[str, Reply | BaseException] = {
        WHO.question: ("Alex Spiro did.", "en/letter.txt", "The monthly fee was 50,000 dollars.", 0.9),
        WHO_AR.question: ("كتبها سبيرو.", "ar/letter.txt", "كتب سبيرو الرسالة", 0.9),
    }
    records = asked(ScriptedBot(index, replies), tmp_path / "records.jsonl")
    assert [item.exact for record in records for item in record.citations] == [True, False]
    found = figures(records)
    assert found["citation_exact"].value == 0.5
    # The quote that is not in the document was given the span of its beginning, which gold evidence overlaps.
    assert found["citation_precision"].value == 0.5
    assert found["citation_recall"].value == 0.5
    uncited = replace(records[0], citations=(), text="Alex Spiro did. He was paid.")
    assert shares([uncited])[0]["citation_precision"] == (0.0, 1.0)
    assert shares([uncited])[0]["citation_recall"] == (0.0, 2.0)


def test_a_marker_belongs_to_no_sentence() -> None:
    text = "كتبها سبيرو. [1] ثم رد ماسك. [2]"
    assert [span.of(text) for span in answer_sentences(text)] == ["كتبها سبيرو.", "ثم رد ماسك."]
    assert answer_sentences("[1]") == []
    assert answer_sentences("") == []
    assert [span.of("He wrote [it]. [12]") for span in answer_sentences("He wrote [it]. [12]")] == ["He wrote [it]."]


def test_a_question_that_needs_two_documents(index: Index, tmp_path: Path) -> None:
    both = Question(
        id="both",
        question="Who wrote the letter to Microsoft, and when does the harbour of Nawras open?",
        language="en",
        answers=("dawn",),
        evidence=(
            Gold("en/letter.txt", "Alex Spiro"),
            Gold("en/harbour.txt", "opens at dawn"),
            Gold("en/letter.txt", "Microsoft"),
        ),
        answerable=True,
        needed=2,
    )
    record = asked(ScriptedBot(index, {}), tmp_path / "records.jsonl", QuestionSet("two", questions=(both,)))[0]
    assert record.needs == 2
    assert [place.needs for place in record.gold] == [(0,), (1,), (0,)]
    part = shares([record])[0]
    assert part["recall@1"] == (0.5, 1.0)
    assert part["recall@3"] == (1.0, 1.0)
    half = replace(record, passages=record.passages[:1])
    assert shares([half])[0]["recall@10"] == (0.5, 1.0)


def test_either_copy_will_do_and_each_language_is_told_apart() -> None:
    gold = (Place("en/a", 0, 5, "en", needs=(0,)), Place("ar/a", 0, 5, "ar", needs=(0,)))
    blank = Record("", "s", "1", "q", "en", "en-en+ar", "", "", True, False, ("x",), gold, 1, status="retrieved")
    other, english, arabic = (
        Place("en/b", 0, 9, "en"),
        Place("en/a", 0, 9, "en", needs=(0,)),
        Place("ar/a", 0, 9, "ar", needs=(0,)),
    )
    part = shares([replace(blank, passages=(other, arabic, english))])[0]
    assert part["recall@1"] == (0.0, 1.0)
    assert part["recall@3"] == (1.0, 1.0)
    assert part["mrr@10"] == (0.5, 1.0)
    assert (part["same_language@1"], part["same_language@10"], part["other_language@10"]) == (
        (0.0, 1.0),
        (1.0, 1.0),
        (1.0, 1.0),
    )
    part = shares([replace(blank, passages=(english, other))])[0]
    assert (part["same_language@1"], part["other_language@10"]) == ((1.0, 1.0), (0.0, 1.0))
    assert "right" not in part


def test_dropping_the_gold_keeps_its_passages_from_search(index: Index, tmp_path: Path) -> None:
    twins = drop_gold([WHO, NONE])
    assert [(question.id, question.answerable) for question in twins] == [
        ("who", True),
        ("who.dropped", False),
        ("none", False),
    ]
    bot = ScriptedBot(index, {})
    records = asked(bot, tmp_path / "records.jsonl", QuestionSet("twins", questions=tuple(twins)))
    excluded = bot.asked[1][2]
    assert bot.asked[0][2] == ()
    assert [passage.document_id for passage in index.all_passages() if passage.id in excluded] == ["en/letter.txt"]
    assert records[1].twin
    assert all(place.document != "en/letter.txt" for place in records[1].passages)
    assert records[0].passages[0].document == "en/letter.txt"


def test_search_alone_asks_no_answers(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    records = asked(bot, tmp_path / "records.jsonl", retrieval_only=True)
    assert bot.asked == []
    found = figures(records)
    assert found["recall@1"].value == 1.0
    assert "right" not in found
    assert "auroc" not in found


def test_evidence_that_is_not_in_the_index_is_told_before_anything_is_asked(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    wrong = replace(WHO, id="wrong", evidence=(Gold("en/letter.txt", "Elon Musk"),))
    with pytest.raises(BadQuestionSet, match="Elon Musk"):
        asked(bot, tmp_path / "records.jsonl", QuestionSet("s", questions=(WHO_AR, wrong)))
    assert bot.asked == []


# --- interruption and cache -----------------------------------------------------------------------------------------------


def test_an_interrupted_run_goes_on_where_it_was(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    stopped = ScriptedBot(index, RIGHT | {WHO_AR.question: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        asked(stopped, path)
    assert [record.id for record in read_records(path)] == ["who"]
    # The machine went down in the middle of a line.
    with path.open("a", encoding="utf-8") as file:
        file.write('{"type": "question", "key": "x", "te')
    bot = ScriptedBot(index, RIGHT)
    records = asked(bot, path)
    assert [question for question, _, _ in bot.asked] == [WHO_AR.question, NONE.question]
    assert [record.id for record in records] == ["who", "who-ar", "none"]
    assert read_records(path) == records
    again = ScriptedBot(index, RIGHT)
    assert asked(again, path) == records
    assert again.asked == []


def test_a_failed_question_is_asked_again(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    asked(ScriptedBot(index, RIGHT | {WHO.question: RuntimeError("once")}), path)
    bot = ScriptedBot(index, RIGHT)
    records = asked(bot, path)
    assert [question for question, _, _ in bot.asked] == [WHO.question]
    assert records[0].error == ""


def test_a_missing_model_ends_the_run(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, {WHO.question: ModelMissing("error.generator_missing", path="x")})
    with pytest.raises(ModelMissing):
        asked(bot, tmp_path / "records.jsonl")


def test_what_matters_changes_the_key_and_what_does_not_does_not(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    first = identity(bot, {"profile": "default"})
    assert identity(bot, {"profile": "default"}) == first
    assert short(identity(bot, {"profile": "light"})) != short(first)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "answer.ar.txt").write_text("سؤال", encoding="utf-8")
    before = identity(bot, prompts=prompts)
    (prompts / "answer.ar.txt").write_text("سؤال آخر", encoding="utf-8")
    assert {name for name, value in identity(bot, prompts=prompts).items() if value != before[name]} == {"prompts"}
    bot.generator = ScriptedGenerator(name="other")  # type: ignore[attr-defined]
    assert {name for name, value in identity(bot, prompts=prompts).items() if value != before[name]} == {"prompts", "generator"}
    write_documents({"en/harbour.txt": OTHER + " It is closed."}, tmp_path / "documents")
    build_index(tmp_path / "documents", tmp_path / "index", index.embedder)
    changed = identity(ScriptedBot(index, RIGHT), {"profile": "default"})
    assert {name for name, value in changed.items() if value != first[name]} == {"index", "generation"}


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("index.py", True),
        ("documents/formats/pdf.py", True),
        ("answering/calibration.toml", True),
        ("models/llama/engine.py", True),
        ("models/download.py", False),
        ("cli.py", False),
        ("cli/ask.py", False),
        ("ui/window.py", False),
        ("models/catalogue.toml", False),
        ("strings.toml", False),
    ],
)
def test_the_code_that_answers_depend_on_is_part_of_the_key(tmp_path: Path, file: str, matters: bool) -> None:
    names = """index.py documents/formats/pdf.py answering/calibration.toml models/llama/engine.py models/download.py cli.py cli/ask.py
    ui/window.py models/catalogue.toml strings.toml"""
    for name in names.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1", encoding="utf-8")
    before = code_hash(tmp_path)
    assert code_hash(tmp_path) == before
    (tmp_path / file).write_text("x = 2", encoding="utf-8")
    assert (code_hash(tmp_path) != before) is matters


def test_a_changed_question_is_asked_again(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    asked(ScriptedBot(index, RIGHT), path)
    bot = ScriptedBot(index, RIGHT)
    changed = QuestionSet("small", questions=(replace(WHO, answers=("Alex",)), WHO_AR, NONE))
    asked(bot, path, changed)
    assert [question for question, _, _ in bot.asked] == [WHO.question]


# --- dialogues and claims -------------------------------------------------------------------------------------------------


def dialogue() -> Dialogue:
    opening = replace(WHO, id="d.1")
    follow = replace(WHO, id="d.2", question="And the fee?", answers=("50,000",), evidence=(Gold("en/letter.txt", "50,000 dollars"),))
    return Dialogue(
        "d", "documents", "report", (DialogueTurn(opening, opening.question), DialogueTurn(follow, "What was the monthly fee?"))
    )


def test_a_follow_up_is_held_against_its_full_question(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    records = asked(bot, tmp_path / "records.jsonl", QuestionSet("talk", dialogues=(dialogue(),)))
    # The second turn was asked with the first as it was searched for and answered.
    assert bot.asked[1][1] == (Turn(WHO.question, "It was Alex Spiro. [1]"),)
    assert records[1].searched == "And the fee? letter"
    assert records[1].full_sentences[0].needs == (0,)
    assert shares(records)[1]["follow_up"] == (1.0, 1.0)
    assert "follow_up" not in shares(records)[0]
    lost = replace(records[1], sentences=())
    assert shares([lost])[0]["follow_up"] == (0.0, 1.0)
    assert "follow_up" in faults(lost, shares([lost])[0])
    # Where even the full question finds nothing, the follow-up is not to blame.
    assert shares([replace(lost, full_sentences=())])[0]["follow_up"] == (0.0, 0.0)


def test_a_dialogue_is_taken_up_in_the_middle(index: Index, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    talk = QuestionSet("talk", dialogues=(dialogue(),))
    with pytest.raises(KeyboardInterrupt):
        asked(ScriptedBot(index, RIGHT | {"And the fee?": KeyboardInterrupt()}), path, talk)
    bot = ScriptedBot(index, RIGHT)
    asked(bot, path, talk)
    assert bot.asked[0][:2] == ("And the fee?", (Turn(WHO.question, "It was Alex Spiro. [1]"),))


def test_a_follow_up_that_fails_counts_as_not_found(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT | {"And the fee?": RuntimeError("x")})
    records = asked(bot, tmp_path / "records.jsonl", QuestionSet("talk", dialogues=(dialogue(),)))
    assert figures(records)["follow_up"] == Figure(0.0, None, None, 1)


def test_claims_go_through_the_products_own_check(index: Index, tmp_path: Path) -> None:
    quote = "The monthly fee was 50,000 dollars."
    pieces = (Gold("en/letter.txt", quote),)
    found = QuestionSet(
        "claims",
        claims=(
            Claim("true", quote, "en", "en-en", pieces, True, "", "verbatim", ""),
            Claim("false", "The monthly fee was 70,000 dollars.", "en", "en-en", pieces, False, "number", "", ""),
        ),
    )
    with RecordFile.open(tmp_path / "records.jsonl") as file:
        records = evaluate(ScriptedBot(index, {}), found, file, {})
    assert [record.verdict for record in records if isinstance(record, ClaimRecord)] == ["", "number"]
    told = figures(records)
    assert told["false_rejected"] == told["false_rejected.number"] == Figure(1.0, None, None, 1)
    assert told["true_rejected"] == Figure(0.0, None, None, 1)
    assert read_records(tmp_path / "records.jsonl") == records
    accepted = replace(records[1], verdict="")
    assert faults(accepted, {}) == ["false_accepted"]
    assert faults(records[1], {}) == []


# --- reports --------------------------------------------------------------------------------------------------------------


def test_figures_by_language_and_direction(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl")
    assert groups(records) == {
        "all": [0, 1, 2], "ar": [1, 2], "en": [0], "ar-ar": [1, 2], "en-en": [0], "small": [0, 1, 2]
    }  # fmt: skip
    summary = summarise(records, {})
    assert distinct(summary.figures) == ["all", "ar", "en"]
    assert summary.counts == {"questions": 3, "unanswerable": 1, "failed": 0, "claims": 0}
    assert summary.figures["en"]["right"] == Figure(1.0, None, None, 1)
    assert summary.figures["ar"]["right"] == Figure(0.0, None, None, 1)
    assert summary.figures["all"]["right"].value == 0.5
    assert json.loads(json.dumps(summary.as_json()))["figures"]["all"]["right"]["n"] == 2
    assert figures([]) == {}
    assert groups([]) == {"all": []}


def test_cells() -> None:
    assert cell(Figure(0.5, 0.25, 0.75, 8)) == "0.500 (8)\n0.25–0.75"
    assert cell(Figure(1.0, None, None, 1)) == "1.000 (1)"
    assert cell(Figure(None, None, None, 3)) == "– (3)"
    assert cell(None) == cell(Figure(None, None, None, 0)) == ""


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_table_in_the_terminal(index: Index, tmp_path: Path, language: str) -> None:
    summary = summarise(asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl"), {})
    console = Console(width=300, file=(tmp_path / "table.txt").open("w", encoding="utf-8"))
    print_table(summary, console, language)
    console.file.close()
    text = (tmp_path / "table.txt").read_text("utf-8")
    label = {"en": "Contains an accepted answer", "ar": "يحوي جوابًا مقبولًا"}[language]
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines) if label in line)
    assert re.findall(r"\d\.\d+ \(\d\)", lines[row]) == ["1.000 (2)", "1.000 (1)", "1.000 (1)"]
    assert lines[row + 1].strip() == "1.00–1.00"


def test_requirements(index: Index, tmp_path: Path) -> None:
    summary = summarise(asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl"), {})
    assert Requirement.parse("right=0.5") == Requirement("all", "right", 0.5, at_most=False)
    assert Requirement.parse("en-en:right >= 1") == Requirement("en-en", "right", 1.0, at_most=False)
    assert Requirement.parse("wrongly_declined=0.1").at_most
    require(summary, [Requirement.parse("right=0.5"), Requirement.parse("en:right=1"), Requirement.parse("wrongly_declined<=0.5")])
    with pytest.raises(RequirementMissed, match=r"ar:right ≥ 0\.8: 0\.000; all:follow_up ≥ 0\.8: –") as caught:
        require(summary, [Requirement.parse(text) for text in ("ar:right=0.8", "right=0.5", "follow_up=0.8")])
    assert caught.value.exit_code == 9
    for wrong in ("righteous=0.8", "right", "right=much", "right=0.8=0.9"):
        with pytest.raises(BadSetting):
            Requirement.parse(wrong)


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> & «نص»'


def test_the_page_escapes_all_text_and_needs_nothing_else(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    hostile = replace(
        records[0],
        id=HOSTILE,
        question=HOSTILE,
        text=HOSTILE,
        draft=HOSTILE + HOSTILE,
        searched=HOSTILE + "?",
        answers=(HOSTILE,),
        direction=HOSTILE,
        error=HOSTILE,
        full=HOSTILE + "!",
        rejected=((HOSTILE, HOSTILE),),
        gold=(Place(HOSTILE, 0, 1, "en", HOSTILE, needs=(0,)),),
        sources=(Place(HOSTILE, 0, 1, "en", HOSTILE),),
        citations=(replace(records[0].citations[0], quote=HOSTILE, document=HOSTILE),),
    )
    claim = ClaimRecord("k", HOSTILE, HOSTILE, HOSTILE, "en", "en-en", "", (HOSTILE,), False, HOSTILE, HOSTILE, 0.1)
    everything = [hostile, *records, claim]
    path = tmp_path / "out" / "report.html"
    write_html(path, everything, summarise(everything, {HOSTILE: HOSTILE}), "en", HOSTILE)
    page = path.read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in page
    assert page.count("&lt;script&gt;") >= 20
    # Nothing is fetched: no address but the name of SVG.
    assert set(re.findall(r"https?://[^\"'<> ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert re.findall(r"(?:src|href)=|url\(|@import", page.replace("src=x", "")) == []
    assert "default-src 'none'" in page


def test_the_page_lists_failures_first_in_both_directions(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl")
    write_html(tmp_path / "report.html", records, summarise(records, {}), "ar", "تقييم")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<html lang="ar" dir="rtl">' in page
    places = [page.index(f">{text}</bdi>") for text in (WHO_AR.question, NONE.question, WHO.question)]
    assert places == sorted(places)
    assert "امتناع خاطئ" in page
    assert page.count('dir="auto"') > 10
    assert page.count("<svg") == 4
    assert page.count("<li class=") == 3


def test_a_page_and_plots_of_nothing(tmp_path: Path) -> None:
    write_html(tmp_path / "report.html", [], summarise([], {}), "en", "Nothing")
    assert "0 questions" in (tmp_path / "report.html").read_text("utf-8")
    for drawn in (plots.intervals([]), plots.risk({}, "x", "y"), plots.reliability([], "x", "y"), plots.latency({}, "x")):
        assert drawn.startswith("<svg")
        assert "nan" not in drawn


def test_a_plot_puts_a_value_where_it_belongs() -> None:
    drawn = plots.reliability([(0.5, True)], "x", "y")
    # The plot runs from 56 to 508 across and from 240 up to 12: 0.5 is in the middle, 1 at the top.
    assert 'cx="282.0" cy="12.0"' in drawn


def test_every_measure_and_fault_has_a_name_in_both_languages() -> None:
    strings = table()
    for name in MEASURES:
        assert set(strings[f"measure.{name}"]) == {"en", "ar"}
    for section in {measure.section for measure in MEASURES.values()}:
        assert strings[f"eval.section_{section}"]["ar"]


def test_every_measure_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs/evaluation.md").read_text("utf-8")
    missing = [name for name in MEASURES if f"`{name}`" not in text]
    assert missing == []


def test_memory_is_measured_in_megabytes() -> None:
    found = memory_mb()
    assert found is None or 10 < found < 100_000


# --- comparison -----------------------------------------------------------------------------------------------------------


def test_a_comparison_says_what_moved(index: Index, tmp_path: Path) -> None:
    before = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "a" / "records.jsonl")
    worse: dict[str, Reply | BaseException] = {WHO_AR.question: RIGHT[WHO_AR.question], WHO.question: RuntimeError("x")}
    extra = QuestionSet("small", questions=(*SET.questions, replace(WHO, id="extra")))
    asked(ScriptedBot(index, worse), tmp_path / "b" / "records.jsonl", extra)
    found = compare(read_run(tmp_path / "a"), read_run(tmp_path / "b" / "records.jsonl"))
    assert (found.n, found.only_a, found.only_b) == (3, 0, 1)
    assert [(item.id, item.before, item.after) for item in found.worse] == [("who", (), ("error",))]
    assert [(item.id, item.before, item.after) for item in found.better] == [("who-ar", ("declined", "language", "stray"), ())]
    changes = {(change.group, change.measure): change for change in found.changes}
    assert changes["all", "right"].difference.value == 0.0
    assert changes["en", "right"].difference.value == -1.0
    assert not changes["en", "right"].better
    assert changes["ar", "wrongly_declined"].difference.value == -1.0
    assert changes["ar", "wrongly_declined"].better
    console = Console(width=200, file=(tmp_path / "table.txt").open("w", encoding="utf-8"))
    print_comparison(found, ("a", "b"), console, "ar", everything=True)
    console.file.close()
    assert WHO_AR.question in (tmp_path / "table.txt").read_text("utf-8")
    assert compare(before, before).worse == ()


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no records"):
        read_run(tmp_path)


# --- ablation -------------------------------------------------------------------------------------------------------------


def switched(bot: ScriptedBot, variant: ablation.Variant) -> ScriptedBot:
    return ScriptedBot(ablation.SwitchedIndex(bot.index, variant), bot.replies)


def test_ablation_switches_one_part_at_a_time(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    variants = (
        ablation.Variant(ablation.SHIPPED),
        ablation.Variant("keyword only", legs=("keyword",)),
        ablation.Variant("nothing at all", legs=()),
        ablation.Variant("by sentence", ranked_by="sentences"),
    )
    rows = ablation.ablate(switched, [(SET, bot)], variants, tmp_path, lambda bot: identity(bot))
    assert [row.name for row in rows] == ["as shipped", "keyword only", "nothing at all", "by sentence"]
    assert rows[0].figures["all"]["recall@1"].value == 1.0
    assert rows[1].differences["all"]["recall@1"].value == 0.0
    assert rows[2].figures["all"]["recall@5"].value == 0.0
    assert rows[2].differences["all"]["recall@5"].value == -1.0
    text = ablation.markdown(rows, ("recall@1", "right"), "all")
    assert text.splitlines()[0] == "| all, n = 2 | recall@1 | right |"
    assert text.splitlines()[2] == "| as shipped | 1.000 [1.000, 1.000] | – |"
    assert text.splitlines()[4].startswith("| nothing at all | 0.000 [0.000, 0.000] **-1.000** |")
    again = ablation.ablate(switched, [(SET, bot)], variants, tmp_path, lambda bot: identity(bot))
    assert [row.figures for row in again] == [row.figures for row in rows]


@pytest.mark.parametrize(("question", "stemmed"), [("Letters?", True), ("رسالة؟", True), ("Harbour?", False)])
def test_without_stems_words_match_as_they_are_written(index: Index, question: str, stemmed: bool) -> None:
    # "letters" is found as "letter" only by its stem, «رسالة» in «الرسالة» too; "harbour" stands in the document as it is.
    def found(variant: ablation.Variant) -> bool:
        with ablation.SwitchedIndex(index, variant) as switched:
            word = {"Letter": "en/letter.txt", "رسالة": "ar/letter.txt", "Harbour": "en/harbour.txt"}
            wanted = next(name for part, name in word.items() if part in question)
            return any(hit.passage.document_id == wanted for hit in switched.search(question))

    assert found(ablation.Variant("keyword", legs=("keyword",)))
    assert found(ablation.Variant("as written", legs=("keyword",), stems=False)) is not stemmed


@pytest.mark.parametrize(
    ("question", "passage"),
    [("Who wrote the letter to Microsoft?", ENGLISH), ("من كتب الرسالة إلى مايكروسوفت؟", ARABIC)],
)
def test_whole_passages_as_evidence(index: Index, question: str, passage: str) -> None:
    with ablation.SwitchedIndex(index, ablation.Variant("passages", unit="passages")) as switched:
        hits = switched.search(question, 3)
        evidence = switched.evidence(question, hits, 2)
        assert [item.passage.id for item in evidence] == [hit.passage.id for hit in hits[:2]]
        assert evidence[0].text == passage == evidence[0].span.of(passage)
        assert evidence[0].score == pytest.approx(max(item.score for item in index.evidence(question, hits[:1], 9)))
        assert switched.evidence(question, []) == []
        # The product quotes what stands as evidence: the passage, with a citation of its whole span.
        answer = Chatbot(switched, calibration=replace(Calibration.of("unknown"), least=0.0)).ask(question)
        assert answer.citations[0].quote == passage


def test_a_question_is_embedded_once() -> None:
    counted = Counted()
    remembering = Remembering(counted)
    first, second = remembering.embed_query("من كتب الرسالة؟"), remembering.embed_query("من كتب الرسالة؟")
    other = remembering.embed_query("Who wrote the letter?")
    assert counted.queries == ["من كتب الرسالة؟", "Who wrote the letter?"]
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert (remembering.name, remembering.fingerprint, remembering.dimension) == (counted.name, counted.fingerprint, counted.dimension)
    assert np.array_equal(remembering.embed_passages(["a ferry"]), counted.embed_passages(["a ferry"]))


class Counted(HashEmbedder):
    """Writes down every question that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []

    def embed_query(self, text: str) -> Vectors:
        self.queries.append(text)
        return super().embed_query(text)


def test_without_sentence_vectors_and_without_passage_vectors(index: Index) -> None:
    question = "What was the monthly fee?"
    scores = {}
    for name, weights in (("passage", Weights(1.0, 0.0)), ("sentence", Weights(0.0, 1.0))):
        with ablation.SwitchedIndex(index, ablation.Variant(name, legs=("dense",), weights=weights)) as switched:
            scores[name] = switched.search(question, 1)[0].score
    # One of two sentences asks for nothing else: it is nearer to the question than both together.
    assert scores["sentence"] > scores["passage"]


def test_a_table_is_put_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "quality.md"
    ablation.insert(path, "| a |\n", "ablation")
    path.write_text("# Quality\n\n" + path.read_text("utf-8") + "\nThe end.\n", encoding="utf-8")
    ablation.insert(path, "| b |\n", "ablation")
    ablation.insert(path, "| b |\n", "ablation")
    assert path.read_text("utf-8") == "# Quality\n\n<!-- ablation -->\n| b |\n<!-- /ablation -->\n\nThe end.\n"
    path.write_text("<!-- ablation -->", encoding="utf-8")
    with pytest.raises(BadSetting):
        ablation.insert(path, "| c |", "ablation")


# --- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents and questions, and doubles for the models."""
    monkeypatch.chdir(tmp_path)
    write_documents({"en/letter.txt": ENGLISH, "ar/letter.txt": ARABIC, "en/harbour.txt": OTHER}, tmp_path / "seeds")
    rows = [
        {
            "id": question.id,
            "question": question.question,
            "language": question.language,
            "answers": list(question.answers),
            "evidence": [{"document": piece.document, "quote": piece.quote} for piece in question.evidence],
            "answerable": question.answerable,
            "split": "report",
        }
        for question in SET.questions
    ]
    lines(tmp_path / "seeds" / "questions.jsonl", *rows)
    replies = {"Who wrote": "Alex Spiro wrote the letter to Microsoft.", "من كتب": "كتب أليكس سبيرو الرسالة إلى مايكروسوفت."}
    embedder, generator = HashEmbedder(), ScriptedGenerator(replies)
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (embedder, None))
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (generator, None))
    return tmp_path


def test_the_command_asks_reports_and_goes_on(checkout: Path) -> None:
    result = CliRunner().invoke(app, ["eval", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    folder = checkout / found["folder"]
    assert {path.name for path in folder.iterdir()} == {"records.jsonl", "summary.json", "report.html"}
    assert found["counts"] == {"questions": 3, "unanswerable": 1, "failed": 0, "claims": 0}
    assert found["figures"]["all"]["citation_exact"]["value"] in (None, 1.0)
    before = (folder / "records.jsonl").read_bytes()
    again = CliRunner().invoke(app, ["eval", "run", "--json"])
    assert json.loads(again.stdout)["figures"] == found["figures"]
    assert (folder / "records.jsonl").read_bytes() == before
    shown = CliRunner().invoke(app, ["eval", "seeds/questions.jsonl"])
    assert "Contains an accepted answer" in shown.stdout


def test_the_command_asks_in_the_style_of_the_settings(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = ScriptedGenerator("Alex Spiro")
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (generator, None))
    monkeypatch.setattr("rag.answering.confidence.Calibration.confidence", lambda *words: 0.99)  # what is declined has no style
    told = {}
    for style in ("sentence", "short"):
        monkeypatch.setenv("SHAWAHID_STYLE", style)
        result = CliRunner().invoke(app, ["eval", "--json", "--out", "x"])
        assert result.exit_code == 0, result.output
        told[style] = {messages[0]["content"] for messages in generator.prompts}
        generator.prompts.clear()
    for language in ("ar", "en"):
        assert answer_prompt("?", language, ()).messages[0]["content"] in told["sentence"]
        assert answer_prompt("?", language, (), short=True).messages[0]["content"] in told["short"]  # asked again, though it is known


def test_the_command_fails_where_a_requirement_is_missed(checkout: Path) -> None:
    result = CliRunner().invoke(app, ["eval", "--retrieval-only", "--require", "recall@1=0.5"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["eval", "--retrieval-only", "--require", "recall@1=0.5", "--require", "right=0.1"])
    assert isinstance(result.exception, RequirementMissed)
    assert "all:right ≥ 0.1: –" in str(result.exception)


def test_the_command_runs_squad_across_languages(checkout: Path, parallel: tuple[Path, Path]) -> None:
    english, arabic = parallel
    words = ["eval", str(english), "--documents", str(arabic), "--retrieval-only", "--drop-gold", "--json", "--out", "x"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["counts"]["questions"] == 6
    assert found["counts"]["unanswerable"] == 3
    records = read_records(checkout / "x" / "records.jsonl")
    assert {record.direction for record in records} == {"en-ar"}


def test_the_command_runs_squad_in_every_direction(checkout: Path, parallel: tuple[Path, Path]) -> None:
    files = [str(path) for path in parallel]
    result = CliRunner().invoke(app, ["eval", *files, "--directions", "--retrieval-only", "--json", "--out", "x"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["counts"]["questions"] == 12
    directions = [record.direction for record in read_records(checkout / "x" / "records.jsonl")]
    assert {name: directions.count(name) for name in directions} == {"en-en": 3, "en-ar": 3, "ar-en": 3, "ar-ar": 3}
    mixed = CliRunner().invoke(app, ["eval", *files, "--retrieval-only", "--json", "--out", "y"])
    assert json.loads(mixed.stdout)["counts"]["questions"] == 6
    assert {record.direction for record in read_records(checkout / "y" / "records.jsonl")} == {"ar-en+ar", "en-en+ar"}
    ablated = CliRunner().invoke(app, ["eval", "ablate", *files, "--directions"])
    assert "| ar-en, n = 3 |" in ablated.stdout, ablated.output


def test_the_other_commands(checkout: Path) -> None:
    runner = CliRunner()
    for name in ("a", "b"):
        assert runner.invoke(app, ["eval", "--retrieval-only", "--out", name]).exit_code == 0
    compared = runner.invoke(app, ["eval", "compare", "a", "b", "--json"])
    assert json.loads(compared.stdout)["n"] == 3
    assert "No measure differs" in runner.invoke(app, ["eval", "compare", "a", "b"]).stdout
    ablated = runner.invoke(app, ["eval", "ablate", "--into", "quality.md"])
    assert ablated.exit_code == 0, ablated.output
    assert "| dense only |" in (checkout / "quality.md").read_text("utf-8")
    assert runner.invoke(app, ["eval", "validate", "seeds/questions.jsonl"]).exit_code == 0
    lines(checkout / "bad.jsonl", row("a-1"), row("a-2", language="fr"))
    refused = runner.invoke(app, ["eval", "validate", "bad.jsonl", "--documents", "seeds"])
    assert refused.exit_code == 2
    assert "bad.jsonl:2 (a-2)" in refused.stdout
    lines(
        checkout / "claims.jsonl",
        {
            "id": "c-1",
            "claim": "The monthly fee was 70,000 dollars.",
            "language": "en",
            "direction": "en-en",
            "evidence": [{"document": "en/letter.txt", "quote": "The monthly fee was 50,000 dollars."}],
            "supported": True,
            "fault": None,
        },
    )
    (checkout / "claims.txt").write_text(ENGLISH, encoding="utf-8")
    judged = runner.invoke(app, ["eval", "claims", "claims.jsonl"])
    assert judged.exit_code == 0, judged.output
    assert "c-1" in judged.stdout


def test_without_its_packages_the_command_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["eval"])
    assert isinstance(result.exception, BadSetting)
    assert "pip install jsonschema ir-measures" in str(result.exception)
    assert "pip install jsonschema ir-measures" in result.exception.text("ar")


def test_without_a_question_set_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["eval"])
    assert isinstance(result.exception, BadSetting)
    assert "no question set" in str(result.exception)


@pytest.mark.parametrize(
    ("text", "quote", "language", "own", "foreign"),
    [
        ("The document says, in Arabic: “وصلت السفينة” [1]", "وصلت السفينة", "en", 1.0, 1.0),
        ("جاء في الوثيقة بالإنجليزية: «The ship arrived» [1]", "The ship arrived", "ar", 1.0, 1.0),
        ("جاء في الوثيقة: «وصلت السفينة» [1]", "وصلت السفينة", "ar", 1.0, 0.0),
        ("وصلت السفينة [1]", "وصلت السفينة", "en", 0.0, 1.0),  # not announced as a quotation
    ],
)
def test_the_language_of_an_answer_is_that_of_its_own_words(text: str, quote: str, language: str, own: float, foreign: float) -> None:
    from rag.evaluation.measures import language as measure
    from rag.evaluation.records import Cited, Record

    start = text.index(quote)
    cited = Cited(1, "d", 0, len(quote), quote, start, start + len(quote), 1.0, True, True)
    record = Record(
        "k", "s", "i", "?", language, "en-ar", "report", "", True, False, ("a",), (), 1, status="answered", text=text, citations=(cited,)
    )
    shares = measure(record)
    assert (shares["language"], shares["foreign_quote"]) == ((own, 1.0), (foreign, 1.0))
