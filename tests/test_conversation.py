"""Follow-up questions: which they are, and as what they are searched for."""

from __future__ import annotations

import pytest

from rag.conversation import needs_context, standalone
from rag.schema import Turn
from rag.testing import ScriptedGenerator

HISTORY = [Turn("Which ferry sails from Larne?", "The ferry Albatros.")]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("and when?", True),
        ("When did she finish it?", True),
        ("Who is Alex Spiro?", False),
        ("How many passengers does the ferry carry?", False),
        ("ومتى كان ذلك؟", True),
        ("ولماذا؟", True),
        ("متى يُغلق متحف الصيد البحري؟", False),
        ("من هو أليكس سبيرو؟", False),
        ("ما رسم الدخول فيه؟", True),
        ("?", True),
    ],
)
def test_follow_ups_are_recognised(question: str, expected: bool) -> None:
    assert needs_context(question) is expected


@pytest.mark.parametrize("rewriting", ["", "كم عدد الركاب؟", "x" * 400])
def test_a_rewriting_that_lost_its_way_is_replaced_by_both_questions(rewriting: str) -> None:
    searched = standalone("And how many passengers?", "en", HISTORY, ScriptedGenerator(rewriting))
    assert searched == "Which ferry sails from Larne? And how many passengers?"


def test_a_question_that_stands_alone_is_left_alone() -> None:
    generator = ScriptedGenerator("no")
    assert standalone("متى يُغلق متحف الصيد البحري؟", "ar", HISTORY, generator) == "متى يُغلق متحف الصيد البحري؟"
    assert generator.prompts == []
