"""Dialogues, whose follow-ups are held against their full questions, and claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.evaluation.bootstrap import Figure
from rag.evaluation.questions import (
    Claim,
    Dialogue,
    DialogueTurn,
    Gold,
    QuestionSet,
)
from rag.evaluation.records import ClaimRecord, RecordFile, read_records
from rag.evaluation.run import evaluate
from rag.evaluation.scoring import faults, figures, shares_of
from rag.retrieval.index import Index
from rag.schema import Turn
from tests.evaluation.world import (
    RIGHT,
    WHO,
    ScriptedBot,
    asked,
)

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
    assert shares_of(records)[1]["follow_up"] == (1.0, 1.0)
    assert "follow_up" not in shares_of(records)[0]
    lost = replace(records[1], sentences=())
    assert shares_of([lost])[0]["follow_up"] == (0.0, 1.0)
    assert "follow_up" in faults(lost, shares_of([lost])[0])
    # Where even the full question finds nothing, the follow-up is not to blame.
    assert shares_of([replace(lost, full_sentences=())])[0]["follow_up"] == (0.0, 0.0)


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
