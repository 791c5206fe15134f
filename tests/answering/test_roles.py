"""The right names and numbers in the wrong places."""

from __future__ import annotations

import pytest

from rag.answering.checking.roles import swaps_terms

COURT = "The court ordered the defendant to pay 2,300 dinars to the claimant."
FERRY = "وتتسع العبّارة لـ ٣٢٠ راكبًا و٤٥ سيارة"
BLAME = "فحمّلت سلطة الميناء ستين في المئة من المسؤولية، وحمّلت شركة نورس أربعين في المئة"


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        ("The court ordered the claimant to pay 2,300 dinars to the defendant.", COURT),
        ("تتسع العبّارة لـ 45 راكبًا و320 سيارة.", FERRY),
        ("Of the blame 60 per cent was put on Nawras.", BLAME),
        ("A meter costs 41 dinars for 1000 pieces.", "A meter costs 46 dinars for 1000 pieces, and 41 dinars for 3000 pieces."),
    ],
)
def test_misplaced(claim: str, evidence: str) -> None:
    assert swaps_terms(claim, evidence)


@pytest.mark.parametrize(
    ("claim", "evidence"),
    [
        (COURT, COURT),
        ("The claimant was paid 2,300 dinars by the defendant as the court ordered.", COURT),
        ("تتسع العبّارة لـ 320 راكبًا و45 سيارة.", FERRY),
        ("The ferry Albatros carries 45 cars.", "The ferry Albatros carries 320 passengers and 45 cars."),
        ("Of the blame 40 per cent was put on Nawras.", BLAME),
        ("A meter costs 41 dinars for 3000 pieces.", "A meter costs 46 dinars for 1000 pieces, and 41 dinars for 3000 pieces."),
        ("Rain fell.", "Snow fell."),
        ("", COURT),
    ],
)
def test_in_place(claim: str, evidence: str) -> None:
    assert not swaps_terms(claim, evidence)
