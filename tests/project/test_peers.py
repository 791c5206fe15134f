"""The comparison with other pipelines: the task they get, how their answers are judged, and the table; no packages of theirs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.peers import SYSTEMS, __main__, asking, report, task
from rag.evaluation.questions import read_squad
from rag.evaluation.scoring import figures, shares_of
from tests.helpers import ROOT

ENGLISH = "Alex Spiro wrote the letter. The fee was 50,000 dollars."
ARABIC = "كتب أليكس سبيرو الرسالة. بلغت الرسوم ٥٠٬٠٠٠ دولار."
DOCUMENTS = {"en/letter.txt": ENGLISH, "ar/letter.txt": ARABIC}


def squad(path: Path, context: str, question: str, answer: str, count: int = 3) -> Path:
    """`count` paragraphs, each with a question of its own."""
    rows = []
    for number in range(count):
        text = f"{context} {number}"
        qas = [{"id": f"q{number}", "question": f"{question} {number}", "answers": [{"text": answer, "answer_start": text.index(answer)}]}]
        rows.append({"context": text, "qas": qas})
    path.write_text(json.dumps({"data": [{"paragraphs": rows}]}, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    return [
        squad(tmp_path / "x.ar.json", ARABIC, "من كتب الرسالة؟", "أليكس سبيرو"),
        squad(tmp_path / "x.en.json", ENGLISH, "Who wrote the letter?", "Alex Spiro"),
    ]


# --- the task -------------------------------------------------------------------------------------------------------------


def test_the_task_is_the_same_every_time_and_has_all_directions(pair: list[Path], tmp_path: Path) -> None:
    picked, corpora = task.parts(ROOT / "seeds", pair, 4, 2, 1)
    assert [(part.corpus, len(part.questions.questions)) for part in picked] == [
        ("seeds", 4),
        ("xquad-ar", 2),
        ("xquad-ar-without", 1),
        ("xquad-ar", 2),
        ("xquad-ar-without", 1),
        ("xquad-en", 2),
        ("xquad-en-without", 1),
        ("xquad-en", 2),
        ("xquad-en-without", 1),
    ]
    assert {part.questions.name for part in picked} == {"seeds", "xquad ar-ar", "xquad en-ar", "xquad en-en", "xquad ar-en"}
    task.write(tmp_path / "work", picked, corpora, {"embedder": "e"}, 2)
    once = (tmp_path / "work" / "task.json").read_text("utf-8")
    task.write(tmp_path / "work", *task.parts(ROOT / "seeds", pair, 4, 2, 1), {"embedder": "e"}, 2)
    assert (tmp_path / "work" / "task.json").read_text("utf-8") == once
    rows = json.loads(once)["questions"]
    assert len({row["id"] for row in rows}) == len(rows) == 16  # the same question of two corpora is two
    for row in rows:
        documents = asking.texts(tmp_path / "work", row["corpus"])
        found = [documents[gold["document"]][gold["start"] : gold["end"]] for gold in row["gold"]]
        assert bool(found) is row["answerable"]
        if row["set"] in ("xquad ar-ar", "xquad en-ar") and row["answerable"]:
            assert found == ["أليكس سبيرو"]


def test_what_nothing_answers_is_asked_where_the_paragraphs_are_not(pair: list[Path]) -> None:
    picked, corpora = task.parts(ROOT / "seeds", pair, 1, 3, 2)
    assert len(corpora["xquad-en"]) == 3
    gone = set(corpora["xquad-en"]) - set(corpora["xquad-en-without"])
    assert gone
    dropped = {
        question.id.removesuffix(".without")
        for part in picked
        if part.corpus == "xquad-en-without"
        for question in part.questions.questions
    }
    answered_by = {
        piece.document
        for asked in pair
        for question in read_squad([asked], [pair[1]]).questions
        for piece in question.evidence
        if question.id in dropped
    }
    assert gone == answered_by
    assert all(not question.answerable for part in picked if part.corpus.endswith("without") for question in part.questions.questions)


# --- asking ---------------------------------------------------------------------------------------------------------------


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, system: asking.System, *options: str) -> list[dict[str, Any]]:
    monkeypatch.setattr(sys, "argv", ["script", str(folder), *options])
    asking.run("double", lambda folder, task: system)
    return [json.loads(line) for line in (folder / "double.jsonl").read_text("utf-8").splitlines()]


def test_an_interrupted_run_goes_on_and_a_failure_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [{"id": name, "question": name} for name in ("a", "b", "c")]
    (tmp_path / "task.json").write_text(json.dumps({"questions": questions}), encoding="utf-8")
    seen: list[str] = []

    def system(question: Mapping[str, Any]) -> asking.Answer:
        seen.append(question["id"])
        if question["id"] == "b":
            raise ValueError("no answer")
        return {"text": "yes", "sources": [], "citations": [], "first_s": None}

    first = asked(tmp_path, monkeypatch, system, "--limit", "2")
    assert [row["id"] for row in first] == ["a", "b"]
    assert first[1]["error"] == "ValueError: no answer"
    assert first[0]["total_s"] >= 0
    assert first[0]["memory_mb"] > 1
    with (tmp_path / "double.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "c", "te\n')  # cut off
    assert asking.done(tmp_path / "double.jsonl") == {"a", "b"}
    monkeypatch.setattr(sys, "argv", ["script", str(tmp_path)])
    asking.run("double", lambda folder, task: system)
    assert seen == ["a", "b", "c"]


def test_the_first_words_and_where_a_quote_stands() -> None:
    text, first = asking.streamed(iter(["", "كتب ", "سبيرو"]), 0.0)
    assert text == "كتب سبيرو"
    assert first is not None
    assert asking.streamed([], 0.0) == ("", None)
    assert asking.place(DOCUMENTS, "ar/letter.txt", "سبيرو") == {"document": "ar/letter.txt", "start": 10, "end": 15, "quote": "سبيرو"}
    assert asking.place(DOCUMENTS, "en/letter.txt", "Sbiro")["start"] is None
    assert asking.place(DOCUMENTS, "gone.txt", "x")["start"] is None


def test_other_documents_have_an_index_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "documents" / "c" / "a.txt"
    path.parent.mkdir(parents=True)
    places = []
    for text in (ENGLISH, ARABIC, ENGLISH):
        path.write_text(text, encoding="utf-8")
        places.append(asking.kept(tmp_path, "langchain", "c"))
    assert places[0] == places[2] != places[1]
    assert asking.kept(tmp_path, "llamaindex", "c") not in places


# --- judging --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "declined"),
    [
        ("I don't know.", True),
        ("I don’t know the answer.", True),
        ("The context does not provide the answer.", True),
        ("The sources do not mention who it was [1].", True),
        ("There is no information about the judge.", True),
        ("None of the sources are helpful.", True),
        ("Empty Response", True),
        ("", True),
        ("لا أعرف.", True),
        ("لا توجد معلومات عن القاضي في المصادر.", True),
        ("لم يُذكر اسم القاضي.", True),
        ("لم أتمكن من معرفة هذا.", True),
        ("الاسم غير مذكور في النص.", True),
        ("Alex Spiro wrote the letter [1].", False),
        ("He did not write it; Alex Spiro did.", False),
        ("Nobody knows who wrote it.", False),
        ("كتب أليكس سبيرو الرسالة [1].", False),
        ("قالت مايكروسوفت إن الادعاء غير صحيح.", False),
    ],
)
def test_what_a_pipeline_says_when_it_declines(text: str, declined: bool) -> None:
    assert report.declines(text) is declined


def question(id: str = "1", **changes: Any) -> dict[str, Any]:
    at = ARABIC.index("سبيرو")
    row = {
        "id": id,
        "set": "seeds",
        "corpus": "c",
        "question": "من كتب الرسالة؟",
        "language": "ar",
        "direction": "ar-ar",
        "answerable": True,
        "answers": ["سبيرو"],
        "gold": [{"document": "ar/letter.txt", "start": at, "end": at + 5}],
    }
    return {**row, **changes}


def answer(text: str, *citations: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    sources = [asking.place(DOCUMENTS, "ar/letter.txt", ARABIC)]
    row = {"text": text, "sources": sources, "citations": list(citations), "first_s": 1.0, "total_s": 2.0, "memory_mb": 3.0}
    return {**row, **changes}


def test_an_answer_by_hand() -> None:
    text = "كتبها سبيرو [Source 1]. وبلغت الرسوم ٥٠٬٠٠٠ دولار."
    place = {**asking.place(DOCUMENTS, "ar/letter.txt", "كتب أليكس سبيرو الرسالة."), "number": 1, "at": text.index("[")}
    record = report.record("llamaindex", question(), answer(text, place), DOCUMENTS)
    assert record.text == "كتبها سبيرو [1]. وبلغت الرسوم ٥٠٬٠٠٠ دولار."
    part = shares_of([record])[0]
    assert part["right"] == (1.0, 1.0)
    assert part["in_sources"] == (1.0, 1.0)
    assert part["cited_gold"] == part["citation_exact"] == (1.0, 1.0)
    assert part["citation_recall"] == (1.0, 2.0)  # the second sentence has none
    assert part["language"] == (1.0, 1.0)
    assert part["wrongly_declined"] == (0.0, 1.0)
    assert record.first_token_s == 1.0
    at_once = report.record("langchain-quotes", question(), answer(text, place, first_s=None), DOCUMENTS)
    assert at_once.first_token_s == at_once.total_s == 2.0


@pytest.mark.parametrize(("opening", "language"), [("The document says in Arabic: “", "en"), ("جاء في الوثيقة بالإنجليزية: «", "ar")])
def test_a_quotation_in_the_other_language_is_not_the_answers_own_words(opening: str, language: str) -> None:
    document, quote = ("ar/letter.txt", ARABIC) if language == "en" else ("en/letter.txt", ENGLISH)
    text = f"{opening}{quote}{'”' if language == 'en' else '»'} [1]"
    place = {**asking.place(DOCUMENTS, document, quote), "number": 1, "at": len(opening) + len(quote)}
    part = shares_of([report.record("shawahid", question(language=language), answer(text, place, declined=False), DOCUMENTS)])[0]
    assert part["language"] == (1.0, 1.0)
    assert part["foreign_quote"] == (1.0, 1.0)


def test_a_quote_that_the_model_made_up() -> None:
    place = {**asking.place(DOCUMENTS, "ar/letter.txt", "كتب سبيرو الرسالة"), "number": 0, "at": 5}
    part = shares_of([report.record("langchain-quotes", question(), answer("سبيرو", place), DOCUMENTS)])[0]
    assert part["citation_exact"] == (0.0, 1.0)
    assert part["cited_gold"] == (0.0, 1.0)
    assert part["citation_recall"] == (0.0, 1.0)


def test_declined_and_failed() -> None:
    unanswerable = question("2", answerable=False, answers=[], gold=[])
    records = [
        report.record("langchain", unanswerable, answer("لا أعرف."), DOCUMENTS),
        report.record("langchain", question("3"), answer("I don't know."), DOCUMENTS),
        report.record("shawahid", unanswerable, answer("كذا", declined=False), DOCUMENTS),
        report.record("langchain", question("4"), answer("", error="ValueError: x"), DOCUMENTS),
    ]
    assert [record.status for record in records] == ["no_evidence", "no_evidence", "answered", "error"]
    found = figures(records)
    assert found["declined"].value == 0.5
    assert found["wrongly_declined"].value == 1.0


def test_only_what_all_have_answered_is_compared(tmp_path: Path) -> None:
    rows = [question("1"), question("2"), question("3", answerable=False, answers=[], gold=[])]
    folder = tmp_path / "documents" / "c"
    for name, text in DOCUMENTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "task.json").write_text(json.dumps({"questions": rows, "corpora": ["c"]}), encoding="utf-8")
    place = {**asking.place(DOCUMENTS, "ar/letter.txt", ARABIC), "number": 1, "at": 5}
    given = {
        "shawahid": [answer("سبيرو [1]", place, id=name, declined=name == "3") for name in ("1", "2", "3")],
        "langchain": [answer("لا أعرف", id="1"), answer("سبيرو", id="3")],
    }
    for name, answers in given.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in answers), encoding="utf-8")
    found = report.common({name: report.records(tmp_path, name) for name in given})
    assert [item.id for item in found["shawahid"]] == [item.id for item in found["langchain"]] == ["1", "3"]
    lines = report.table(found).splitlines()
    assert lines[0] == "| all, 2 questions | Shawahid | LangChain, retrieval chain |"
    assert "| right | 1.00 | 0.00 |" in lines
    assert "| an answer cites gold evidence | 1.00 | – |" in lines
    assert "| unanswerable declined | 1.00 | 0.00 |" in lines
    assert lines[-1] == f"| characters cited at once, median | {len(ARABIC)} | – |"
    assert report.short_table(found).splitlines()[2] == "| seeds (n 1) | 1.000 / 1.000 / 1.000 | 0.000 / 0.000 / – |"


def test_each_system_has_a_command_and_a_name() -> None:
    assert set(SYSTEMS) == set(report.NAMES) == set(__main__.COMMANDS)
    with pytest.raises(SystemExit):
        __main__.main(["--systems", "shawahid,haystack"])


def test_the_scripts_of_the_others_import_nothing_of_shawahid() -> None:
    for path in (ROOT / "bench" / "peers").glob("*.py"):
        if path.name in ("asking.py", "with_llamaindex.py", "with_langchain.py"):
            assert "from rag" not in path.read_text("utf-8")
            assert "import rag" not in path.read_text("utf-8")
