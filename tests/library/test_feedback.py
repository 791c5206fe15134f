"""A complaint turns into a test: what readers say in the window is asked again by the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rag.evaluation.questions import read_lines, validate
from rag.evaluation.records import Record, RecordFile
from rag.evaluation.run import evaluate
from rag.evaluation.run_identity import identify
from rag.evaluation.scoring import faults, shares_of
from tests.reader import Reader
from tests.serving import CAPTAIN, FERRY, FERRY_AR, LIBRARY, Running, served


def complain(reader: Reader, question: str, kind: str, **said: Any) -> None:
    """What the page sends when a thumb is pressed under an answer."""
    answer = reader.ask(question)[-1]["answer"]
    about = {
        "collection": "",
        "question": answer["searched"],
        "answered": answer["status"] != "no_evidence",
        "claims": [claim for source in answer["sources"] for claim in source["claims"]],
        "quotes": [[source["document"], source["quote"]] for source in answer["sources"]],
    }
    assert reader.call("feedback", {**about, "kind": kind, **said}) == {"kept": True}


def asked_again(server: Running, path: Path, out: Path) -> dict[str, list[str]]:
    """What the evaluation finds wrong with each question of the file."""
    bot = server.service.chatbot
    assert bot is not None
    with RecordFile.open(out) as file:
        records = evaluate(bot, read_lines(path), file, identify(bot))
    found = [record for record in records if isinstance(record, Record)]
    assert len(found) == len(records)
    return {record.question: faults(record, of) for record, of in zip(found, shares_of(records), strict=True)}


def test_a_feedback_file_of_the_window_is_run_by_the_evaluation(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    with served(tmp_path, window=True) as server:
        reader = Reader(server, "")
        complain(reader, FERRY, "good")
        complain(reader, FERRY_AR, "wrong_answer", right="212 راكبًا")  # what the answer says as well
        complain(reader, LIBRARY, "wrong_answer", right="9 million dirhams")  # and what it does not
        complain(reader, CAPTAIN, "should_decline")
        unanswered = "What do the olives of Atlantis weigh?"
        complain(reader, unanswered, "should_answer", right="77 kilograms", proof="بدأ قطف الزيتون في أكتوبر.")
        path = server.folder / "feedback" / "questions.jsonl"
        assert [fault for fault in validate(path, server.folder / "documents") if fault.grave] == []
        found = asked_again(server, path, tmp_path / "records.jsonl")
        # The window asks them one by one and says of each whether it was right.
        own = [reader.call("own_question", {"collection": "", "number": number}) for number in range(6)]
        assert {each["question"]: each["right"] for each in own[:-1]} == {
            FERRY: True,
            FERRY_AR: True,
            LIBRARY: False,
            CAPTAIN: False,
            unanswered: False,
        }
        assert own[-1] == {"of": 5}
        assert reader.call("quality", "")["mine"] is True
    assert {question: wrong[:1] for question, wrong in found.items()} == {
        FERRY: [],
        FERRY_AR: [],
        LIBRARY: ["wrong"],
        CAPTAIN: ["answered"],
        unanswered: found[unanswered][:1],
    }
    assert found[unanswered][0] in ("declined", "wrong")
