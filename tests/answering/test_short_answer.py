"""A short answer is copied from its source: which words a draft points at."""

from __future__ import annotations

import pytest

from rag.answering.short_answer import find_short_answer
from rag.text.words import content_stems

BRIDGE = "The harbour bridge was closed on 12 March 2023, after divers from Leith found cracks in two piers."
PHONE = "أعلنت شركة نور عن هاتفها الجديد في ٣ أيار ٢٠٢٤ في مؤتمر صحفي بمدينة الدوحة، وسعره 349 دولارًا."


@pytest.mark.parametrize(
    ("draft", "text", "question", "found"),
    [
        ("12 March 2023", BRIDGE, "When was the bridge closed?", "12 March 2023"),
        ("The bridge was closed on 12 March 2023.", BRIDGE, "When was the bridge closed?", "12 March 2023"),
        ("crack in the pier", BRIDGE, "What did divers find?", "cracks in two piers"),
        ("3 أيار 2024", PHONE, "متى أُعلن عن الهاتف؟", "٣ أيار ٢٠٢٤"),
        ("سعر الهاتف 349 دولارا", PHONE, "ما سعر هاتف نور؟", "349 دولارًا"),
        ("في الدوحة", PHONE, "أين أُعلن عن الهاتف؟", "الدوحة"),
        ("12 percent", "It is 12% heavier than the oxygen-16 of the air.", "", "12%"),
        ("oxygen 16", "It is 12% heavier than the oxygen-16 of the air.", "", "oxygen-16"),
        (
            "Miller-Rabin primality test",
            "These include the Miller–Rabin primality test, which is fast.",
            "What is a primality test?",
            "Miller–Rabin primality test",
        ),
        ("الأكسجين 18", "تحصل الحيوانات على الأكسجين -18 بكميات أكبر.", "", "الأكسجين -18"),
        ("18%", "تحصل الحيوانات على الأكسجين -18 بكميات أكبر.", "", "18"),
        ("نسبة 12 بالمئة", "وهو أثقل بنسبة 12% من أكسجين الهواء.", "", "بنسبة 12%"),
    ],
)
def test_the_shortest_run_that_says_it_is_taken_from_the_source(draft: str, text: str, question: str, found: str) -> None:
    place = find_short_answer(draft, text, content_stems(question))
    assert place is not None
    assert place.of(text) == found


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        ("a storm in April", BRIDGE),
        ("14 June 1999 and a tugboat named Leith", BRIDGE),  # one word of five stands there
        ("في بيروت", PHONE),
        ("", BRIDGE),
        ("of the", BRIDGE),
        ("12 March 2023", ""),
    ],
)
def test_what_the_source_does_not_say_is_not_found(draft: str, text: str) -> None:
    assert find_short_answer(draft, text) is None


def test_a_draft_that_only_repeats_the_question_points_at_the_questions_words() -> None:
    place = find_short_answer("the bridge", BRIDGE, content_stems("What about the bridge?"))
    assert place is not None
    assert place.of(BRIDGE) == "bridge"
