"""Numbers, dates and times that a claim can get wrong, in both languages and across them."""

from __future__ import annotations

import pytest

from rag.text.numbers import contradicted

HOLD = [
    ("The ferry leaves at half past nine in the evening.", "the last ferry leaves at 21:30"),
    ("تنطلق العبّارة في التاسعة والنصف مساءً.", "the last ferry leaves at 21:30"),
    ("Visits are from 2 pm to 8 pm.", "الزيارة من 14:00 إلى 20:00"),
    ("The door closes at six.", "يُغلق الباب في الساعة السادسة"),
    ("The gift was 250,000 dinars.", "بلغ التبرع ربع مليون دينار"),
    ("بلغ التبرع ربع مليون دينار.", "The gift was 250,000 dinars."),
    ("The captain waited fifteen minutes.", "انتظر القبطان ربع ساعة"),
    ("Two members were absent.", "وتغيّب العضوان"),
    ("He scored two goals.", "He scored twice."),
    ("وقعت المعاهدة في أكتوبر.", "وقعت المعاهدة في تشرين الأول"),
    ("It opened on 5 May.", "افتُتح في الخامس من أيار"),
    ("افتُتح في 17 كانون الثاني.", "It opened on 17 January."),
    ("The shop may close in 2026.", "يغلق المحل عام 2026"),
    ("They march on Friday.", "يسيرون يوم الجمعة"),
    ("It is closed on Wednesday.", "The museum is open from Tuesday to Sunday."),
    ("More than 6,000 people came.", "6,420 spectators came"),
    ("حضر نحو 40 عضوًا.", "41 members came"),
    ("Louis XIV reigned.", "حكم لويس الرابع عشر"),
    ("حكم لويس الرابع عشر.", "Louis XIV reigned."),
    ("The wall is not 240 metres long.", "The wall is not 240 metres long but 390."),
    ("It lasted from 1623 to 1625.", "in 1623–25"),
    ("Half of the members agreed.", "وافق نصف الأعضاء"),
    ("Six and a half tonnes.", "6½ tonnes"),
    ("", "nothing"),
]

CONTRADICT = [
    ("The ferry leaves at half past ten.", "the last ferry leaves at 21:30"),
    ("تنطلق العبّارة في الثامنة.", "the ferry leaves at 21:30"),
    ("The gift was 250,000 dinars.", "بلغ التبرع نصف مليون دينار"),
    ("The fee is two dinars.", "صار الرسم دينارًا واحدًا"),
    ("The club meets on the third Wednesday.", "يجتمع النادي كل أول أربعاء"),
    ("It ends on 31 December.", "ينتهي في 31 تشرين الأول"),
    ("ينتهي في 31 كانون الأول.", "ينتهي في 31 تشرين الأول"),
    ("اجتمعوا في 23 أيار.", "They met on 23 April."),
    ("They met on Monday.", "اجتمعوا يوم الثلاثاء"),
    ("اجتمعوا يوم الإثنين.", "They met on Tuesday."),
    ("The wall is 240 metres long.", "The wall is not 240 metres long but 390."),
    ("More than 6,000 people came.", "2,400 people came"),
    ("Two thirds of the members agreed.", "وافق نصف الأعضاء"),
]


@pytest.mark.parametrize(("claim", "evidence"), HOLD)
def test_another_way_of_saying_it_holds(claim: str, evidence: str) -> None:
    assert not contradicted(claim, evidence)


@pytest.mark.parametrize(("claim", "evidence"), CONTRADICT)
def test_another_value_contradicts(claim: str, evidence: str) -> None:
    assert contradicted(claim, evidence)


def test_what_a_text_states() -> None:
    found = stated("يوم الأربعاء 17 كانون الثاني 2024، عند الساعة 04:40")
    assert {17.0, 2024.0, 4.0, 40.0} <= found.values
    assert (found.months, found.days) == ({1}, {2})
    assert stated("") == stated("nothing at all")
