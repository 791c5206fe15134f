"""The value that a question asks for by its wording, and values that a reader's words cut."""

from __future__ import annotations

import pytest

from rag.answering.asked_value import asked_value, lacks_asked_value, whole_values
from rag.schema import Span


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("How long is the warranty?", "The warranty covers 24 months from purchase.", "24 months"),
        ("كم مدة الضمان؟", "يغطي الضمان 24 شهرا من الشراء.", "24 شهرا"),
        ("كم ثغرة وجدوا؟", "There were two severe findings", "two"),
        ("How many severe findings?", "كانت هناك 3 ثغرات خطيرة", "3"),
        ("When did the parts return?", "The parts returned in 2015 after 3 days.", "2015"),
        ("متى افتتح؟", "افتتح المتحف في 12 مارس 2024 بحضور 300 زائر.", "12 مارس 2024"),
        ("After how many days?", "2. A dispute that is not settled within 45 days goes to court.", "45 days"),
        ("How many staff?", "In 1998 the firm had 40 staff.", "40"),
        ("How many members?", "One of the members left; 12 members stayed.", "12"),
        ("How many members?", "Between them 12 members and 40 guests came.", None),  # which of the two is not said by the wording
        ("Who left?", "12 members left.", None),
        ("price of the pharmacies", "سينسبري باعت 281 متجرا مقابل 125 مليون جنيه منذ 3 أعوام", "125 مليون جنيه"),
        ("بكم التذكرة؟", "The ticket for 2 days costs $699.", "$699"),
        ("كم يوم إجازة؟", "Staff have 25 days of leave for 40 hours of work a week.", "25 days"),
        ("How many months may it last?", "It may last 4 months or 120 days.", "4 months"),
        ("مدة المقابلة", "The interview takes 2 hours with 3 people.", "2 hours"),
        ("شحال ديال الناس ماتو؟", "The fire killed 51 people.", "51"),
        ("What percentage agreed?", "78 percent of 400 members agreed.", "78 percent"),
        ("How many days?", "It may last 4 months.", None),
        ("كم عدد المواد؟", "المادة 12 من القانون", None),
        ("When does it open?", "It costs 300 rials.", None),
    ],
)
def test_the_one_value_of_the_kind_asked_for(question: str, text: str, expected: str | None) -> None:
    found = asked_value(question, text)
    assert (found.span.of(text) if found else None) == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("with a 78 percent increase in reach", "78", "78 percent"),
        ("the tax was $0.50 per ton", "0.50", "$0.50"),
        ("بزيادة قدرها 78 في المئة", "78", "78 في المئة"),
        ("after 5-10 days", "10 days", "5-10 days"),
        ("the red door", "red", "red"),
    ],
)
def test_words_that_cut_a_value_are_extended_to_all_of_it(text: str, words: str, expected: str) -> None:
    start = text.index(words)
    assert whole_values(text, Span(start, start + len(words))).of(text) == expected


@pytest.mark.parametrize(
    ("question", "text", "lacking"),
    [
        ("how many tons of coal were mined in 2015", "Year: 2015 · Total: $540,951,000", True),
        ("how many tons of coal were mined in 2015", "In 2015, 12 tons were mined.", False),
        ("How much does the tent cost?", "The tent weighs 17 lbs.", True),
        ("How much does the tent cost?", "The tent costs $350.", False),
        ("When does it open?", "It costs 300 rials.", False),  # 300 may be a year
        ("When does it open?", "It opens every Sunday.", False),
        ("When does it open?", "Ask the founder.", True),
        ("How long does the warranty last?", "The warranty lasts one year.", False),
        ("How many days may it last?", "It may last 4 months.", False),
        ("What can I do when awards come round?", "Thank your allies.", False),
        ("من اقترح تقصير المدة؟", "اقترح الكاتب ذلك.", False),
        ("How often is the database saved?", "It is saved weekly.", False),
        ("Within how many days can one appeal?", "Appeals are sent within 14 calendar days.", False),
        ("How long does the interview last?", "The interview takes a whole day.", False),
        ("What is the fee for late refunds?", "A refund after May incurs a 25% fee.", False),
        ("What tips does she share?", "She shared tips.", False),
        ("Who left?", "Nobody left.", False),
        ("كم نسبة تغطية التأمين؟", "يقدم التأمين للموظفين وعائلاتهم.", True),
        ("كم نسبة تغطية التأمين؟", "يغطي التأمين 80 في المئة.", False),
        ("متى يبدأ التأمين؟", "تختلف كلفة الخطط.", True),
        ("كم مرة يحفظ السجل؟", "يحفظ أسبوعيا.", False),
    ],
)
def test_a_text_without_a_value_of_the_kind_that_is_asked_for(question: str, text: str, lacking: bool) -> None:
    assert lacks_asked_value(question, text) is lacking
