"""Runs in the forms of other tools."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import BadSetting
from rag.evaluation.exchange import deepeval_case, export_run, measure_trec, ragas_sample, trec_qrels, trec_run
from rag.evaluation.records import ClaimRecord, Place, Record
from rag.evaluation.report import summarise
from rag.retrieval.index import Index
from tests.evaluation.world import RIGHT, WHO, ScriptedBot, asked

FERRY = Record(
    key="k",
    set="small set",
    id="1",
    question="كم راكبًا؟",
    language="ar",
    direction="ar-en",
    split="",
    kind="",
    answerable=True,
    twin=False,
    answers=("212", "٢١٢"),
    gold=(Place("en/ferry 100%.txt", 0, 5, "en", "212 passengers", needs=(0,)),),
    needs=1,
    status="answered",
    text="212 [1]",
    passages=(
        Place("ar/ميناء.txt", 0, 9, "ar"),
        Place("en/ferry 100%.txt", 0, 9, "en", needs=(0,)),
        Place("ar/ميناء.txt", 9, 20, "ar"),
    ),
    sentences=tuple(Place("en/ferry 100%.txt", n, n + 1, "en", f"s{n}") for n in range(7)),
    sources=(Place("en/ferry 100%.txt", 0, 5, "en", "212 passengers", needs=(0,)),),
)
NOTHING = replace(FERRY, id="2", answerable=False, answers=(), gold=(), needs=0, status="no_evidence", text="لا تجيب الوثائق.", sources=())


def test_documents_are_ranked_by_their_best_passage_and_names_have_no_spaces() -> None:
    assert list(trec_run([FERRY])) == [
        "small%20set:1 Q0 ar/ميناء.txt 1 1.000000 shawahid",
        "small%20set:1 Q0 en/ferry%20100%25.txt 2 0.500000 shawahid",
    ]
    assert list(trec_qrels([FERRY, NOTHING])) == ["small%20set:1 0 en/ferry%20100%25.txt 1"]
    assert list(trec_run([])) == list(trec_qrels([])) == []


def test_test_cases_hold_what_the_answer_was_made_from() -> None:
    assert ragas_sample(FERRY) == {
        "user_input": "كم راكبًا؟",
        "response": "212",
        "retrieved_contexts": ["212 passengers"],
        "reference": "212",
        "reference_contexts": ["212 passengers"],
    }
    case = deepeval_case(FERRY)
    assert (case["name"], case["input"], case["actual_output"], case["expected_output"]) == ("small set:1", "كم راكبًا؟", "212", "212")
    assert (case["context"], case["retrieval_context"]) == (["212 passengers"], ["212 passengers"])
    declined = ragas_sample(NOTHING)
    assert "reference" not in declined
    assert declined["response"] == "لا تجيب الوثائق."
    assert declined["retrieved_contexts"] == ["s0", "s1", "s2", "s3", "s4"]


def test_a_run_measured_from_its_files_has_the_figures_of_the_report(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    claim = ClaimRecord("k", "c", "c-1", "A claim. ادعاء.", "en", "en-en", "", (), False, "number", "number", 0.1)
    paths = export_run([*records, claim], tmp_path / "export")
    assert [path.name for path in paths] == ["run.trec", "qrels.trec", "ragas.jsonl", "deepeval.jsonl"]
    figures = measure_trec(paths[0], paths[1])
    own = summarise(records, {}).figures["all"]
    assert set(figures) == {"recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10"}
    for name, figure in figures.items():
        assert figure.value == pytest.approx(own[f"document_{name}"].value)
        assert figure.n == 2
    rows = [[json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in paths[2:]]
    assert [row["user_input"] for row in rows[0]] == [row["input"] for row in rows[1]] == [record.question for record in records]
    assert WHO.question in [row["user_input"] for row in rows[0]]


def test_another_systems_run_is_measured(tmp_path: Path) -> None:
    run, qrels = tmp_path / "run", tmp_path / "qrels"
    # Ordered by score, whatever the lines say; a question without a line has found nothing, one that is not judged does not count.
    run.write_text("q1 Q0 b 1 0.2 x\nq1 Q0 a 2 0.9 x\n\nس Q0 ب 1 1 x\nother Q0 a 1 1 x\n", encoding="utf-8")
    qrels.write_text("q1 0 b 2\nq1 0 a 0\nس 0 ب 1\nq3 0 a 1\n", encoding="utf-8")
    figures = measure_trec(run, qrels)
    assert figures["recall@1"].value == pytest.approx(1 / 3)
    assert figures["recall@3"].value == pytest.approx(2 / 3)
    assert figures["mrr@10"].value == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert figures["mrr@10"].n == 3


@pytest.mark.parametrize(
    ("run", "qrels"),
    [
        ("q1 Q0 a 1", "q1 0 a 1"),
        ("q1 Q0 a 1 high x", "q1 0 a 1"),
        ("q1 Q0 a 1 1 x", "q1 0 a yes"),
        ("q1 Q0 a 1 1 x", "q1 0 a 0"),
        (None, ""),
    ],
)
def test_a_file_in_another_form_is_named(tmp_path: Path, run: str | None, qrels: str) -> None:
    if run is not None:
        (tmp_path / "run").write_text(run, encoding="utf-8")
    (tmp_path / "qrels").write_text(qrels or "q1 0 a 1", encoding="utf-8")
    with pytest.raises(BadSetting) as caught:
        measure_trec(tmp_path / "run", tmp_path / "qrels")
    assert caught.value.key == "error.trec"
    assert str(tmp_path) in caught.value.text("ar")
