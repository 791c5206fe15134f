"""Follow-up questions: which they are, and as what they are searched for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.followup import needs_context, standalone
from rag.schema import Turn
from rag.testing import ScriptedGenerator
from rag.text.words import content_stems

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
        ("How many tonnes?", True),
        ("What is the limit?", True),
        ("وبعد 5 تموز؟", True),
        ("من كاتبها؟", True),
        ("وزير المالية متى استقال؟", False),
        ("When does the Albatros sail?", False),
        ("What did the letter that Musk answered talk about?", False),  # joins a clause to its noun
        ("Who said that?", True),
        ("What happened after that in Larne?", True),
        ("Which of the harbour's pilots lost one of his ships?", False),  # his: the pilot's
        ("Why did he lose the ship?", True),
        ("Which one sails on Monday to Larne?", True),
        ("How many cabins are there on the ferry Albatros?", False),
        ("What can a passenger of the ferry see there?", True),
        ("ما الرصيف الذي ترسو عليه العبّارة؟", False),  # عليه takes up الذي
        ("متى ترسو العبّارة عليه؟", True),
        ("من وقّع هذا المرسوم في الميناء؟", True),
    ],
)
def test_follow_ups_are_recognised(question: str, expected: bool) -> None:
    assert needs_context(question) is expected


@pytest.mark.parametrize("rewriting", ["", "كم عدد الركاب؟", "x" * 400])
def test_a_rewriting_that_lost_its_way_is_replaced_by_the_question_with_its_topic(rewriting: str) -> None:
    searched = standalone("And how many passengers?", "en", HISTORY, ScriptedGenerator(rewriting))
    assert searched == "And how many passengers? ferry sails Larne"


def test_a_question_that_stands_alone_is_left_alone() -> None:
    generator = ScriptedGenerator("no")
    assert standalone("متى يُغلق متحف الصيد البحري؟", "ar", HISTORY, generator) == "متى يُغلق متحف الصيد البحري؟"
    assert generator.prompts == []


def test_the_topic_is_that_of_the_last_question_that_stood_alone() -> None:
    history = [
        Turn("Which ferry sails from Larne?", "The ferry Albatros."),
        Turn("من أسس مختبر المجسّات البحرية؟", "أسسته ريم عساف."),
        Turn("ومتى؟ أسس مختبر المجسّات البحرية", "سنة 2017."),
    ]
    assert standalone("وكم باحثًا فيه؟", "ar", history) == "وكم باحثًا فيه؟ أسس مختبر المجسّات البحرية"
    assert standalone("And how many researchers?", "en", history) == "And how many researchers? أسس مختبر المجسّات البحرية"
    assert standalone("ومتى؟", "ar", [Turn("ولماذا؟", "")]) == "ومتى؟"


FOLLOW_UPS = Path(__file__).parent.parent / "data" / "follow_ups.tsv"


@pytest.mark.parametrize(
    ("last", "question", "expected"),
    [
        ("How many teachers does Cedar School have?", "And Palm School?", "How many teachers does Palm School have?"),
        ("How much is the rent of the flat?", "And the deposit?", "How much is the deposit of the flat?"),
        ("When was Cedar School founded?", "How many teachers does it have?", "How many teachers does Cedar School have?"),
        ("When did the Albatros sail?", "And why?", "why did the Albatros sail?"),
        ("What is the fee for residents?", "And for non-residents?", "What is the fee for non-residents?"),
        ("Who wrote the letter?", "And when was Palm School founded?", "when was Palm School founded?"),
        ("كم الإيجار في العقد؟", "والتأمين؟", "كم التأمين في العقد؟"),
        ("متى تأسست مدرسة الأرز؟", "ومدرسة النخيل؟", "متى تأسست مدرسة النخيل؟"),
        ("كم عدد سكان دمشق؟", "وحلب؟", "كم عدد سكان حلب؟"),
        ("قديش راتب المدير في شركة النور؟", "طيب والمحاسب؟", "قديش راتب المحاسب في شركة النور؟"),
        ("من أسس شركة النور؟", "ومتى؟", "متى أسس شركة النور؟"),
        ("How much is a student ticket for the fair?", "And a family ticket?", "How much is a family ticket for the fair?"),
        ("How much is the yearly budget at Larne?", "And in the first year?", "How much is the yearly budget at Larne in the first year?"),
        ("What is the fee for orders made before May 2, 2024?", "And after May 2?", "What is the fee for orders made after May 2?"),
        ("How many rooms does the flat have?", "How many balconies?", "How many balconies does the flat have?"),
        ("What was the first ship built in Larne?", "When was that?", "When was the first ship built in Larne?"),
        ("How much is the Larne crew bonus?", "When is it paid?", "When is the Larne crew bonus paid?"),
        ("How long is the notice period?", "How is it counted?", "How is the notice period counted?"),
        ("Who may ask for the refund at Larne?", "And who decides about it?", "who decides about the refund?"),
        ("How many days of sick leave does Larne grant?", "What about jury duty?", "How many days of jury duty leave does Larne grant?"),
        ("How much does the ferry Albatros weigh?", "And its price?", "the ferry Albatros's price?"),
        ("ما هاتف الديوان الوطني للحبوب؟", "والفاكس؟", "ما فاكس الديوان الوطني للحبوب؟"),
        ("ما هاتف الديوان الوطني للحبوب؟", "وما عنوانه؟", "ما عنوان الديوان الوطني للحبوب؟"),
        ("كم مدة عقد النظافة؟", "وقيمته؟", "كم قيمة عقد النظافة؟"),
        ("ماذا تقول المادة 3 من القانون؟", "والمادة 5؟", "ماذا تقول المادة 5 من القانون؟"),
        ("من هو المدير المالي لشركة النور؟", "والمدير التجاري؟", "من هو المدير التجاري لشركة النور؟"),
        ("بكم باعت الشركة المصنع؟", "ولمن؟", "لمن باعت الشركة المصنع؟"),
        ("كم سعر Albatros؟", "وSea Star؟", "كم سعر Sea Star؟"),
        ("من هي ريم؟", "وأين تعمل؟", "أين تعمل ريم؟"),
        ("كم ضابطا أصيب في السجن؟", "وكم سجينا شارك؟", "وكم سجينا شارك؟ أصيب السجن"),
        ("أين يقع مشروع سباق السلاحف؟", "وكيف يبدأ؟", "كيف يبدأ مشروع سباق السلاحف؟"),
    ],
)
def test_what_is_left_out_is_taken_from_the_question_before(last: str, question: str, expected: str) -> None:
    language = "en" if question.isascii() else "ar"
    assert standalone(question, language, [Turn(last, "")]) == expected


@pytest.mark.parametrize(
    ("last", "question"),
    [
        ("What warning did the bulletin of May give?", "And the ferry?"),
        ("How much is a meal under the agreement?", "And if it comes late?"),
        ("Which ferry sails from Larne?", "How fast is it?"),
        ("Who is on Larne's harbour board?", "Can a decision be appealed?"),
        ("What depth does Larne promise?", "How is it measured?"),
        ("متى صارت المنارة تضاء؟", "وقبل ذلك؟"),
        ("كم مكافأة البحارة في Larne؟", "ومتى تدفع؟"),
        ("ما الأمر لمعرفة مفتاح الباب؟", "وللتحقق منه؟"),
    ],
)
def test_what_no_rule_is_sure_of_keeps_its_words_with_the_topic(last: str, question: str) -> None:
    language = "en" if question.isascii() else "ar"
    assert standalone(question, language, [Turn(last, "")]).startswith(question)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_follow_ups_are_searched_for_as_their_full_questions(language: str) -> None:
    rows = [line.split("\t") for line in FOLLOW_UPS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    asked = [(last, question, full) for of, _, last, question, full in rows if of == language]
    assert len(asked) >= 40
    same = [
        set(content_stems(standalone(question, language, [Turn(last, "")]))) == set(content_stems(full)) for last, question, full in asked
    ]
    assert sum(same) / len(same) >= 0.9
