"""Yes or no only where one sentence decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from rag.answering.yes_no import claim_of, decide
from rag.models.reader import ClaimVerdict
from rag.models.reader_input import ReadText
from rag.schema import Evidence, Passage, Span
from rag.testing import WordReader

YES, NO, UNCLEAR = (0.97, 0.02, 0.01), (0.01, 0.98, 0.01), (0.5, 0.3, 0.2)


class Judge(WordReader):
    """A reader that judges each text as it is told to."""

    def __init__(self, verdicts: Mapping[str, tuple[float, float, float]]) -> None:
        super().__init__()
        self.verdicts = verdicts

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        return [ClaimVerdict(*self.verdicts[text.text]) for text in texts]


def sentence(text: str, id: int = 1) -> Evidence:
    span = Span(0, len(text))
    return Evidence(Passage(id, "rules.txt", span, text, "", "en", "", (span,)), span, text, 1.0)


@pytest.mark.parametrize(
    ("question", "text", "verdict", "expected"),
    [
        ("Is the decision final?", "The decision is final.", YES, True),
        ("Does the budget roll over?", "The budget does not roll over.", NO, False),
        ("Is the fee 20 dollars?", "The fee is 25 dollars.", NO, False),
        ("هل القرار نهائي؟", "القرار نهائي.", YES, True),
        ("هل يجوز استرقاق أي شخص؟", "لا يجوز استرقاق أي شخص.", NO, False),
        ("Is the decision final?", "The decision is final.", UNCLEAR, None),  # the reader is not sure
        ("Is the decision final?", "The council said the decision is final.", YES, None),  # somebody's words
        ("Is the decision final?", "The decision is final unless the owner appeals.", YES, None),  # a condition
        ("Is Anna Moore the treasurer?", "The meeting was led by Anna Moore.", YES, None),  # another matter of the same person
        ("Must the decision be final?", "The decision is final.", YES, None),  # another modality
        ("Is the decision of Larne final?", "The decision is final.", YES, None),  # another name
        ("Does the budget roll over?", "The budget does not roll over.", YES, None),  # the rule of negation disagrees
        ("Is the decision final?", "The decision is open.", NO, None),  # nothing is denied
        ("هل القرار نهائي؟", "قال المجلس إن القرار نهائي.", YES, None),
        ("هل القرار نهائي؟", "القرار نهائي إلا إذا اعترض المالك.", YES, None),
    ],
)
def test_a_sentence_decides_only_if_it_says_the_same_itself(
    question: str, text: str, verdict: tuple[float, float, float], expected: bool | None
) -> None:
    found = decide(question, [sentence(text)], Judge({text: verdict}))
    assert (found[1] if found else None) is expected


def test_the_surest_sentence_is_returned_and_two_that_disagree_decide_nothing() -> None:
    first, second = sentence("The decision is final.", 1), sentence("The final decision is final.", 2)
    reader = Judge({first.text: YES, second.text: (0.99, 0.005, 0.005)})
    assert decide("Is the decision final?", [first, second], reader) == (second, True)
    denial = sentence("The decision is not final.", 3)
    reader = Judge({first.text: YES, denial.text: NO})
    assert decide("Is the decision final?", [first, denial], reader) is None
    assert decide("Is the decision final?", [], reader) is None


@pytest.mark.parametrize(
    ("question", "claim"),
    [("Is the decision final?", "the decision final"), ("هل القرار نهائي؟", "القرار نهائي"), ("وهل القرار نهائي؟", "القرار نهائي")],
)
def test_the_claim_is_the_question_without_what_asks(question: str, claim: str) -> None:
    assert claim_of(question) == claim
