"""The cases that a claim head is trained on."""

from __future__ import annotations

import json
import random

import pytest

from training.claim_cases import ONE_IN, is_left_out
from training.mix.case import CONTRADICTED, ENTAILED, NOT_STATED, Case
from training.mix.written import answers_as_claims

TICKET = ("The pool opens in May. A ticket costs {}.", "What does a ticket cost?", "What did it cost before?", "40 dinars")
TICKET_AR = ("يفتح المسبح في أيار. ثمن التذكرة {}.", "كم ثمن التذكرة؟", "كم كان ثمنها قبل ذلك؟", "40 دينارًا")


@pytest.mark.parametrize(("text", "question", "unanswerable", "answer"), [TICKET, TICKET_AR])
def test_a_pair_of_questions_as_claims(tmp_path, text, question, unanswerable, answer):
    written = text.format(answer)
    evidence = written.partition(". ")[2]
    pair = {"file": "pool.txt", "question": question, "answer": answer, "evidence": evidence, "kind": "other-year"}
    (tmp_path / "pool.txt").write_text(written, "utf-8")
    (tmp_path / "pairs.jsonl").write_text(json.dumps({**pair, "unanswerable": unanswerable, "near": evidence}), "utf-8")
    found = {case.claim: case.query for case in answers_as_claims(tmp_path / "pairs.jsonl", tmp_path, random.Random(1))}
    assert found[ENTAILED] == f"{question[:-1]} {answer}"
    assert found[NOT_STATED] == f"{unanswerable[:-1]} {answer}"
    assert found[CONTRADICTED].startswith(f"{question[:-1]} ")
    assert "40" not in found[CONTRADICTED]


def test_all_cases_of_a_document_are_left_out_or_none_is():
    cases = [Case("s", "k", str(n), "text", document=f"d{n // 5}") for n in range(1000)]
    left = {case.document for case in cases if is_left_out(case)}
    assert left.isdisjoint(case.document for case in cases if not is_left_out(case))
    assert 0.5 / ONE_IN < len(left) / 200 < 2 / ONE_IN
