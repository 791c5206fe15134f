"""Countries that a text names, in both languages."""

from __future__ import annotations

import pytest

from rag.text.territories import territories


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("كم الطاقة الإنتاجية للبرازيل؟", {"BR"}),
        ("Brazil · 2010: 50,000", {"BR"}),
        ("United States and Canada", {"US", "CA"}),
        ("في الأردن وسوريا ومصر", {"JO", "SY", "EG"}),
        ("وبالمغرب، كما في تونس", {"MA", "TN"}),
        ("المملكة العربية السعودية", {"SA"}),
        ("السعودية", {"SA"}),
        ("South Korea", {"KR"}),
        ("سلطنة عمان", {"OM"}),
        ("في عمان", set()),  # Amman, or Oman
        ("مدير مالي", set()),
        ("Cedar School has 41 teachers.", set()),
        ("", set()),
    ],
)
def test_the_countries_of_a_text(text: str, codes: set[str]) -> None:
    assert territories(text) == codes
