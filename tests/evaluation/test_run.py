"""Running: measures worked out by hand, runs that are interrupted, and what makes a question be asked again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.errors import ModelMissing
from rag.evaluation.questions import (
    BadQuestionSet,
    Claim,
    Gold,
    Question,
    QuestionSet,
    drop_gold,
    write_documents,
)
from rag.evaluation.records import Cited, Place, Record, RecordFile, read_records
from rag.evaluation.run import evaluate
from rag.evaluation.run_identity import code_hash, identify, short
from rag.evaluation.scoring import answer_sentences, faults, figures, shares_of
from rag.retrieval.index import Index
from rag.storage.build import build_index
from rag.testing import ScriptedGenerator, WordReader
from tests.evaluation.world import (
    NONE,
    OTHER,
    RIGHT,
    WHO,
    WHO_AR,
    Reply,
    ScriptedBot,
    asked,
)

# --- running --------------------------------------------------------------------------------------------------------------


def test_a_run_by_hand(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    who, who_ar, none = records
    assert (who.direction, who_ar.direction, none.direction) == ("en-en", "ar-ar", "ar-ar")
    assert who.gold == (Place("en/letter.txt", 0, 27, "en", "Alex Spiro wrote the letter", needs=(0,)),)
    assert who.citations == (
        Cited(1, "en/letter.txt", 0, 41, "Alex Spiro wrote the letter to Microsoft.", 0, 18, 0.8, exact=True, gold=True, grade="quoted"),
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


def test_what_the_reader_says_is_recorded(index: Index, tmp_path: Path) -> None:
    """The double reads by shared words: the sentence that has all of the question's is the block and its words."""
    quoting = Chatbot(index, reader=WordReader())
    claims = tuple(
        Claim(id, text, "en", "en-en", (Gold("en/harbour.txt", "The harbour of Nawras opens at dawn."),), supported, fault, "", "")
        for id, text, supported, fault in (("c", "The harbour opens at dawn.", True, ""), ("d", "Boats wait at dawn.", False, "name"))
    )
    asks = replace(WHO, question="Who wrote the letter to Microsoft?")
    with RecordFile.open(tmp_path / "records.jsonl") as file:
        records = evaluate(quoting, QuestionSet("small", (asks, NONE), claims=claims), file, identify(quoting))
    who, none, true, false = records
    assert isinstance(who, Record)
    assert isinstance(none, Record)
    assert (who.read, who.words, who.block) == (1.0, "Alex Spiro wrote the letter to Microsoft.", "paragraph")
    assert who.sources[0].needs == (0,)
    assert (none.read, none.words, none.block) == (0.0, "", "")
    assert [record.read for record in (true, false)] == [1.0, 0.0]
    assert read_records(tmp_path / "records.jsonl") == list(records)
    found = figures(records)
    # "Alex Spiro wrote letter to Microsoft", six words without the article, against "Spiro": F1 is 2 * 1 / (6 + 1).
    assert found["span_f1"].value == pytest.approx(2 / 7)
    assert (found["block@1"].value, found["reader_auroc"].value, found["claim_right"].value) == (1.0, 1.0, 1.0)


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
    assert [faults(record, part)[:1] for record, part in zip(records, shares_of(records), strict=True)] == [
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
    assert faults(records[2], shares_of(records)[2]) == ["answered"]


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
    assert shares_of([uncited])[0]["citation_precision"] == (0.0, 1.0)
    assert shares_of([uncited])[0]["citation_recall"] == (0.0, 2.0)


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
    part = shares_of([record])[0]
    assert part["recall@1"] == (0.5, 1.0)
    assert part["recall@3"] == (1.0, 1.0)
    half = replace(record, passages=record.passages[:1])
    assert shares_of([half])[0]["recall@10"] == (0.5, 1.0)


def test_either_copy_will_do_and_each_language_is_told_apart() -> None:
    gold = (Place("en/a", 0, 5, "en", needs=(0,)), Place("ar/a", 0, 5, "ar", needs=(0,)))
    blank = Record("", "s", "1", "q", "en", "en-en+ar", "", "", True, False, ("x",), gold, 1, status="retrieved")
    other, english, arabic = (
        Place("en/b", 0, 9, "en"),
        Place("en/a", 0, 9, "en", needs=(0,)),
        Place("ar/a", 0, 9, "ar", needs=(0,)),
    )
    part = shares_of([replace(blank, passages=(other, arabic, english))])[0]
    assert part["recall@1"] == (0.0, 1.0)
    assert part["recall@3"] == (1.0, 1.0)
    assert part["mrr@10"] == (0.5, 1.0)
    assert (part["same_language@1"], part["same_language@10"], part["other_language@10"]) == (
        (0.0, 1.0),
        (1.0, 1.0),
        (1.0, 1.0),
    )
    part = shares_of([replace(blank, passages=(english, other))])[0]
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
    first = identify(bot, {"profile": "default"})
    assert identify(bot, {"profile": "default"}) == first
    assert short(identify(bot, {"profile": "light"})) != short(first)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "answer.ar.txt").write_text("سؤال", encoding="utf-8")
    before = identify(bot, prompts=prompts)
    (prompts / "answer.ar.txt").write_text("سؤال آخر", encoding="utf-8")
    assert {name for name, value in identify(bot, prompts=prompts).items() if value != before[name]} == {"prompts"}
    bot.generator = ScriptedGenerator(name="other")  # type: ignore[attr-defined]
    assert {name for name, value in identify(bot, prompts=prompts).items() if value != before[name]} == {"prompts", "generator"}
    write_documents({"en/harbour.txt": OTHER + " It is closed."}, tmp_path / "documents")
    build_index(tmp_path / "documents", tmp_path / "index", index.embedder)
    changed = identify(ScriptedBot(index, RIGHT), {"profile": "default"})
    assert {name for name, value in changed.items() if value != first[name]} == {"index", "generation"}


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("index.py", True),
        ("documents/formats/pdf/reader.py", True),
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
    names = """index.py documents/formats/pdf/reader.py answering/calibration.toml models/llama/engine.py models/download.py cli.py
    cli/ask.py ui/window.py models/catalogue.toml strings.toml"""
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


def test_an_answer_with_a_machine_translation_is_counted_and_can_be_read() -> None:
    from rag.evaluation.records import as_row, of_row
    from rag.evaluation.scoring import own_language as measure

    text = "Machine translation, not checked: The ship arrived [1]\nThe document says, in Arabic: “وصلت السفينة” [1]"
    spans = [(text.index(part), text.index(part) + len(part)) for part in ("The ship arrived", "وصلت السفينة")]
    grades = ("translated", "quoted")
    cited = tuple(Cited(1, "d", 0, 12, "وصلت السفينة", *span, 1.0, True, True, grade) for span, grade in zip(spans, grades, strict=True))
    blank = Record("", "s", "q", "Did the ship arrive?", "en", "en-ar", "", "", True, False, ("yes",), (), 0)
    record = replace(blank, status="answered", text=text, citations=cited)
    shares = measure(record)
    assert (shares["translated"], shares["foreign_quote"]) == ((1.0, 1.0), (0.0, 1.0))
    assert (shares["language"], shares["clean"]) == ((1.0, 1.0), (1.0, 1.0))
    assert of_row(as_row(record)) == record
    row = as_row(record)
    for item in row["citations"]:
        del item["grade"]  # as in a record of an earlier version
    assert measure(of_row(row))["translated"] == (0.0, 1.0)


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
    from rag.evaluation.records import Cited, Record
    from rag.evaluation.scoring import own_language as measure

    start = text.index(quote)
    cited = Cited(1, "d", 0, len(quote), quote, start, start + len(quote), 1.0, True, True)
    record = Record(
        "k", "s", "i", "?", language, "en-ar", "report", "", True, False, ("a",), (), 1, status="answered", text=text, citations=(cited,)
    )
    shares = measure(record)
    assert (shares["language"], shares["foreign_quote"]) == ((own, 1.0), (foreign, 1.0))
