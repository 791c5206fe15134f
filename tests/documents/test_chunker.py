"""Documents into passages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.documents.chunker import Chunker
from rag.errors import BadSetting
from rag.schema import Block, BlockKind, Document, Mark, Span
from tests.text.test_text import TEXTS


def document(text: str, *headings: int) -> Document:
    return Document("d.md", text, "Title", "en", "0", tuple(Mark(at, f"§ {at}") for at in headings))


def test_one_sentence_is_one_passage() -> None:
    (passage,) = Chunker().cut(document("  It rained.\n"))
    assert (passage.id, passage.text, passage.span.start, passage.span.end) == (1, "It rained.", 2, 12)
    assert [span.of("  It rained.\n") for span in passage.sentences] == ["It rained."]
    assert (passage.title, passage.document_id, passage.locator) == ("Title", "d.md", "")
    assert Chunker().cut(document(" \n ")) == []


def test_passages_are_filled_with_whole_sentences() -> None:
    text = "Aaaa aaaa aaaa aaaa. Bbbb bbbb bbbb bbbb. Cccc cccc cccc cccc."  # three times 20 characters
    passages = Chunker(passage=45, sentence=40).cut(document(text), first_id=7)
    assert [(p.id, p.text) for p in passages] == [(7, text[:41]), (8, text[42:])]
    arabic = "كانت السماء صافية جدا. وكان البحر هادئا اليوم. ثم هبّت ريح قوية جدا."
    passages = Chunker(passage=50, sentence=40).cut(document(arabic))
    assert [p.text for p in passages] == ["كانت السماء صافية جدا. وكان البحر هادئا اليوم.", "ثم هبّت ريح قوية جدا."]
    assert [p.language for p in passages] == ["ar", "ar"]


@pytest.mark.parametrize(
    ("opening", "clause", "after"),
    [
        ("The contractor shall in each year", ", keep the records of district {} for seven years", "The records are public."),
        ("يلتزم المقاول في كل سنة", "، بأن يحفظ سجلات اللواء {} مدة سبع سنوات", "السجلات علنية للجميع."),
    ],
)
def test_the_parts_of_a_sentence_longer_than_a_passage_are_led_by_how_it_begins(opening: str, clause: str, after: str) -> None:
    text = opening + "".join(clause.format(n) for n in range(40)) + ". " + after
    whole = Document("d", text, "", "en", "0", blocks=(Block(BlockKind.PARAGRAPH, Span(0, len(text))),))
    first, *parts, last = Chunker(passage=400, sentence=100).cut(whole)
    assert first.lead == last.lead == ""
    assert first.text.startswith(opening)
    assert last.text == after
    assert len(parts) >= 1
    assert all(part.lead.startswith(opening) and part.lead in " ".join(first.text.split()) for part in parts)
    assert "".join((first.text, *(part.text for part in parts))).replace(" ", "") == text.removesuffix(after).replace(" ", "")


def test_a_heading_opens_a_passage_and_is_its_locator() -> None:
    text = "Before.\n\n# One\n\nText one.\n\n# Two\n\nText two."
    passages = Chunker().cut(document(text, text.index("# One"), text.index("# Two")))
    assert [(p.text, p.locator) for p in passages] == [
        ("Before.", ""),
        ("# One\n\nText one.", f"§ {text.index('# One')}"),
        ("# Two\n\nText two.", f"§ {text.index('# Two')}"),
    ]


def test_headings_that_follow_each_other_stay_with_what_they_head() -> None:
    text = "# عام\n\n## الكلفة\n\nبلغت خمسين ألفًا."
    (passage,) = Chunker().cut(document(text, 0, text.index("## ")))
    assert passage.text == text


def test_a_paragraph_opens_a_passage_when_the_last_is_half_full() -> None:
    text = "Aaaa aaaa aaaa aaaa aaaa.\n\nBbbb bbbb.\n\nCccc."
    assert [p.text for p in Chunker(passage=80, sentence=40).cut(document(text))] == [text]
    assert [p.text for p in Chunker(passage=46, sentence=40).cut(document(text))] == [text[:25], text[27:]]


def test_the_language_is_the_passages_own() -> None:
    text = "# One\n\nThe ferry came to the harbour.\n\n# Two\n\nوصلت العبّارة إلى الميناء.\n\n# 3\n\n1 2 3."
    passages = Chunker().cut(document(text, 0, text.index("# Two"), text.index("# 3")))
    assert [p.language for p in passages] == ["en", "ar", "en"]  # numbers alone take the document's


@pytest.mark.parametrize(
    ("passage", "sentence", "key"),
    [(800, 39, "error.chunker"), (100, 200, "error.chunker"), (0, 0, "error.argument"), (-5, 50, "error.argument")],
)
def test_settings_that_mean_nothing(passage: int, sentence: int, key: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Chunker(passage, sentence)
    assert caught.value.key == key


def test_settings_are_named_for_the_manifest() -> None:
    assert Chunker().settings() == {"passage": 800, "sentence": 280}


@settings(max_examples=120, deadline=None)
@given(TEXTS, st.integers(40, 90), st.integers(0, 200))
def test_passages_partition_the_text(text: str, sentence: int, more: int) -> None:
    chunker = Chunker(passage=sentence + more, sentence=sentence)
    passages = chunker.cut(document(text))
    at = 0
    for number, passage in enumerate(passages, start=1):
        assert passage.id == number
        assert passage.text == passage.span.of(text)
        assert passage.span.start >= at
        assert text[at : passage.span.start].strip() == ""
        assert passage.sentences[0].start == passage.span.start
        assert passage.sentences[-1].end == passage.span.end
        assert len(passage.span) <= max(chunker.passage, 2 * chunker.sentence)
        at = passage.span.end
    assert text[at:].strip() == ""


def blocks(*said: tuple[BlockKind, str, int]) -> Document:
    """Return a document of blocks of a kind, a text and a level."""
    text, made = "", list[Block]()
    for kind, part, level in said:
        text += "\n\n" if text else ""
        made.append(Block(kind, Span(len(text), len(text) + len(part)), level))
        text += part
    return Document("d.md", text, "Title", "en", "0", blocks=tuple(made))


@pytest.mark.parametrize(
    ("first", "long"),
    [
        ("It rained all day.", "The council met, " + "heard the old and the new members, " * 4 + "and left."),
        ("أمطرت طوال اليوم.", "اجتمع المجلس، " + "وسمع الأعضاء القدامى والجدد كلهم، " * 4 + "ثم انصرف."),
    ],
)
def test_a_passage_does_not_begin_within_a_sentence(first: str, long: str) -> None:
    document = blocks((BlockKind.PARAGRAPH, f"{first} {long}", 0))
    passages = Chunker(passage=170, sentence=80).cut(document)
    assert [passage.text for passage in passages] == [first, long]
    assert len(passages[1].sentences) > 1


def test_the_last_bracket_of_code_is_no_passage() -> None:
    code = "call(\n" + "\n".join(f"  argument_{n}," for n in range(12)) + "\n)"
    passages = Chunker(passage=100, sentence=80).cut(blocks((BlockKind.CODE, code, 0)))
    assert all(any(map(str.isalnum, passage.text)) for passage in passages)


def test_headings_with_nothing_below_them_are_a_list() -> None:
    heads = [(BlockKind.HEADING, name, 2) for name in ("Polyethylene – PE", "بولي ستيرين – PS", "PVC")]
    passages = Chunker().cut(blocks((BlockKind.HEADING, "Plastics", 1), *heads))
    assert [(passage.path, passage.text) for passage in passages] == [(("Plastics",), "Polyethylene – PE\n\nبولي ستيرين – PS\n\nPVC")]


def test_a_name_alone_is_no_passage() -> None:
    document = blocks((BlockKind.HEADING, "References", 1), (BlockKind.HEADING, "Plan", 1), (BlockKind.PARAGRAPH, "It rains.", 0))
    assert [passage.text for passage in Chunker().cut(document)] == ["It rains."]
    assert [passage.text for passage in Chunker().cut(blocks((BlockKind.HEADING, "خاتمة", 1)))] == ["خاتمة"]


PROSE = {
    "en": (
        "The mill was built in 1850. " * 5,
        "The council sold the mill to Salim Haddad.",
        "He repaired it and ran it for thirty years, and his sons after him.",
    ),
    "ar": (
        "بُنيت الطاحونة عام 1850. " * 5,
        "باع المجلس الطاحونة إلى سليم حداد.",
        "وهو الذي أصلحها وأدارها ثلاثين عامًا، ثم أدارها أبناؤه من بعده.",
    ),
}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_passage_begins_where_a_sentence_refers_back_to_nothing(language: str) -> None:
    before, named, refers = PROSE[language]
    passages = Chunker(passage=len(before) + len(named) + 10, sentence=80).cut(
        blocks((BlockKind.PARAGRAPH, f"{before}{named} {refers}", 0))
    )
    assert [passage.text for passage in passages] == [before.strip(), f"{named} {refers}"]


@pytest.mark.parametrize(
    ("title", "text"),
    [("Opening hours", "The hall opens at nine. " * 6), ("مواعيد العمل", "تفتح القاعة في التاسعة. " * 6)],
)
def test_a_short_line_like_a_title_stays_with_what_it_is_over(title: str, text: str) -> None:
    document = blocks((BlockKind.PARAGRAPH, text.strip(), 0), (BlockKind.PARAGRAPH, title, 0), (BlockKind.PARAGRAPH, text.strip(), 0))
    passages = Chunker(passage=200, sentence=80).cut(document)
    assert [passage.text for passage in passages] == [text.strip(), f"{title}\n\n{text.strip()}"]


@pytest.mark.parametrize("last", ["It is open to all.", "وهي مفتوحة للجميع."])
def test_the_last_words_of_a_section_are_no_passage(last: str) -> None:
    text = "The hall opens at nine. " * 8
    document = blocks((BlockKind.HEADING, "Hall", 1), (BlockKind.PARAGRAPH, text.strip(), 0), (BlockKind.PARAGRAPH, last, 0))
    (passage,) = Chunker(passage=200, sentence=80).cut(document)
    assert passage.text.endswith(last)


def test_a_heading_with_nothing_below_it_is_no_passage() -> None:
    document = blocks(
        (BlockKind.HEADING, "Our wonderful gallery of pictures", 2), (BlockKind.HEADING, "Fees", 2), (BlockKind.PARAGRAPH, "Free.", 0)
    )
    assert [passage.text for passage in Chunker().cut(document)] == ["Free."]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([BlockKind.PARAGRAPH, BlockKind.ITEM, BlockKind.CODE, BlockKind.HEADING]), TEXTS), max_size=12))
def test_passages_of_any_blocks_follow_each_other_and_lose_no_paragraph(said: list[tuple[BlockKind, str]]) -> None:
    document = blocks(*((kind, f"a {' '.join(text.split())} b", 1) for kind, text in said))
    passages = Chunker(passage=120, sentence=60).cut(document)
    covered = [span for passage in passages for span in passage.sentences]
    assert all(one.end <= other.start for one, other in pairwise(covered))
    assert all(passage.text == passage.span.of(document.text) for passage in passages)
    for block in document.blocks:
        if block.kind is not BlockKind.HEADING:
            assert any(span.overlaps(block.span) for span in covered)


def test_signs_alone_are_no_passage() -> None:
    document = blocks((BlockKind.PARAGRAPH, "⚖️", 0), (BlockKind.HEADING, "القانون", 1), (BlockKind.PARAGRAPH, "يسري من تاريخ نشره.", 0))
    assert [(passage.id, passage.text) for passage in Chunker().cut(document)] == [(1, "يسري من تاريخ نشره.")]


@pytest.mark.parametrize(
    ("item", "rest"),
    [("a. The account is kept until the owner of it is told, and", "is then closed within thirty days of that notice.")],
)
def test_the_rest_of_an_item_on_the_next_page_is_no_beginning(item: str, rest: str) -> None:
    document = blocks(
        (BlockKind.PARAGRAPH, "The society keeps accounts. " * 3, 0), (BlockKind.ITEM, item, 0), (BlockKind.PARAGRAPH, rest, 0)
    )
    passages = Chunker(passage=120, sentence=100).cut(document)
    assert [passage.text for passage in passages][-1] == f"{item}\n\n{rest}"


def test_numbers_of_which_nothing_says_what_they_are_are_no_passage() -> None:
    text = "5 3 · 11 9 · 8 6 · (1) · 21 22 23"
    assert [
        p.text
        for p in Chunker().cut(blocks((BlockKind.PARAGRAPH, text, 0), (BlockKind.HEADING, "رسوم", 1), (BlockKind.PARAGRAPH, text, 0)))
    ] == [text]


@pytest.mark.parametrize(
    ("label", "text"), [("Instrument data", "The contract is notarised within a day."), ("بيانات الصك", "يوثَّق العقد خلال يوم.")]
)
def test_a_label_without_a_heading_is_no_passage(label: str, text: str) -> None:
    document = blocks((BlockKind.PARAGRAPH, label, 0), (BlockKind.HEADING, "Contract", 1), (BlockKind.PARAGRAPH, text, 0))
    assert [passage.text for passage in Chunker().cut(document)] == [text]
    assert [passage.text for passage in Chunker().cut(blocks((BlockKind.PARAGRAPH, label, 0)))] == [label]


@pytest.mark.parametrize(
    ("lead", "items"), [("We supply:", ("Polyethylene", "Polystyrene")), ("نورّد ما يلي:", ("بولي إيثيلين", "بولي ستيرين"))]
)
def test_headings_that_a_paragraph_announces_are_its_items(lead: str, items: tuple[str, ...]) -> None:
    heads = [(BlockKind.HEADING, item, 2) for item in items]
    document = blocks(
        (BlockKind.HEADING, "Products", 1),
        (BlockKind.PARAGRAPH, lead, 0),
        *heads,
        (BlockKind.HEADING, "Fees", 2),
        (BlockKind.PARAGRAPH, "None.", 0),
    )
    first, second = Chunker().cut(document)
    assert (first.path, first.text) == (("Products",), "\n\n".join((lead, *items)))
    assert first.lead_of(1) == lead
    assert second.text == "None."


@pytest.mark.parametrize(
    ("lead", "title", "text"),
    [
        ("Now therefore the city council of Rivergrove ordains that its code is amended as follows:", "Section 5", "Trees are kept."),
        ("بناء على ما تقدم قرر مجلس المدينة تعديل لائحة البناء والأشجار في المدينة على النحو الآتي:", "المادة 5", "تُحفظ الأشجار."),
    ],
)
def test_what_is_announced_above_a_heading_stays_with_what_is_below_it(lead: str, title: str, text: str) -> None:
    document = blocks(
        (BlockKind.HEADING, "Ordinance", 2), (BlockKind.PARAGRAPH, lead, 0), (BlockKind.HEADING, title, 2), (BlockKind.PARAGRAPH, text, 0)
    )
    (passage,) = Chunker().cut(document)
    assert (passage.path, passage.text) == (("Ordinance",), "\n\n".join((lead, title, text)))


@pytest.mark.parametrize(
    ("cover", "heading", "text"),
    [
        (("City of Rivergrove", "Department of Parks and Trees (2023)"), "Fees", "Every permit costs forty dollars."),
        (("بلدية الوادي الأخضر", "دائرة الحدائق والأشجار العامة"), "الرسوم", "رسم كل رخصة أربعون دينارا."),
    ],
)
def test_the_lines_of_a_cover_are_read_with_what_follows(cover: tuple[str, ...], heading: str, text: str) -> None:
    lines = [(BlockKind.PARAGRAPH, line, 0) for line in cover]
    document = blocks(*lines, (BlockKind.HEADING, heading, 1), (BlockKind.PARAGRAPH, text, 0))
    (passage,) = Chunker().cut(document)
    assert (passage.path, passage.text) == ((), "\n\n".join((*cover, heading, text)))
    assert [passage.quote(span) for span in passage.sentences] == [*cover, text]


@pytest.mark.parametrize(
    ("text", "label"),
    [("The plan sets the rules for all three markets.", "Factoring Leasing"), ("تحدد الخطة قواعد الأسواق الثلاثة.", "التخصيم التأجير")],
)
def test_a_few_words_alone_are_read_with_the_passage_before_them_in_their_section(text: str, label: str) -> None:
    document = blocks(
        (BlockKind.HEADING, "Markets", 1), (BlockKind.PARAGRAPH, text * 2, 0), (BlockKind.HEADING, label, 2), (BlockKind.HEADING, label, 2),
        (BlockKind.HEADING, label, 2), (BlockKind.HEADING, "End", 1), (BlockKind.PARAGRAPH, text, 0),
    )  # fmt: skip
    assert [passage.text for passage in Chunker().cut(document)] == ["\n\n".join((text * 2, label, label, label)), text]


@pytest.mark.parametrize(("label", "text"), [("Date:", "The museum opens at nine."), ("التاريخ:", "يفتح المتحف في التاسعة.")])
def test_a_label_without_its_value_is_no_passage(label: str, text: str) -> None:
    document = blocks(
        (BlockKind.HEADING, "A", 1), (BlockKind.PARAGRAPH, label, 0), (BlockKind.HEADING, "B", 1), (BlockKind.PARAGRAPH, text, 0)
    )
    assert [passage.text for passage in Chunker().cut(document)] == [text]


def test_the_title_again_is_no_passage_but_a_value_in_its_words_is() -> None:
    text = (BlockKind.PARAGRAPH, "It rained all day in the north of the country.", 0)
    assert [passage.text for passage in Chunker().cut(blocks((BlockKind.PARAGRAPH, "TITLE", 0), (BlockKind.HEADING, "A", 1), text))] == [
        text[1]
    ]
    assert len(Chunker().cut(blocks((BlockKind.ROW, "Title", 0), (BlockKind.HEADING, "A", 1), text))) == 2


@pytest.mark.parametrize(
    ("first", "item", "rest", "last"),
    [
        ("A wage of ten dollars pays for a room.", "For a family of three this is harder to attain:",
         "A mother of two can pay $189 a month in rent, which leaves a lot.", "The city helps with half of what is left to pay by then."),
        ("أجر عشرة دنانير يكفي لغرفة.", "وهو أصعب على أسرة من ثلاثة أفراد في المدينة:",
         "تستطيع أم لولدين أن تدفع 189 دينارا في الشهر ويبقى عليها الكثير.", "تساعد المدينة بنصف ما يبقى من أجرة البيت في كل شهر."),
    ],
)  # fmt: skip
def test_an_item_that_announces_the_next_is_read_with_it(first: str, item: str, rest: str, last: str) -> None:
    document = blocks(*((BlockKind.ITEM, text, 0) for text in (first.strip(), item, rest, last)))
    passages = [passage.text for passage in Chunker(passage=140, sentence=70).cut(document)]
    assert any(f"{item}\n\n{rest}" in text for text in passages)


@pytest.mark.parametrize(
    ("before", "lead", "title", "text"),
    [
        ("Payments to other funds.", "Section 8. From the hotel tax fund the sums below are granted in the order as follows:",
         "8.1 To commerce", "Contributions: seventy-three million dollars. "),
        ("مدفوعات لصناديق أخرى.", "المادة 8. تُصرف من صندوق ضريبة الفنادق المبالغ الآتية بالترتيب الذي تراه البلدية كما يلي:",
         "8.1 التجارة", "مساهمات: ثلاثة وسبعون مليون دينار. "),
    ],
)  # fmt: skip
def test_what_announces_a_section_begins_a_passage_with_it(before: str, lead: str, title: str, text: str) -> None:
    document = blocks(
        (BlockKind.HEADING, "7.1", 1), (BlockKind.PARAGRAPH, before, 0), (BlockKind.PARAGRAPH, lead, 0), (BlockKind.HEADING, title, 1),
        (BlockKind.PARAGRAPH, (text * 5).strip(), 0),
    )  # fmt: skip
    passages = Chunker(passage=260, sentence=90).cut(document)
    assert passages[0].text == before
    assert passages[1].text.startswith(f"{lead}\n\n{title}\n\n{text.strip()}")
    assert (passages[0].path, passages[1].path) == (("7.1",), ())


@pytest.mark.parametrize("contents", ["Table of Contents", "المحتويات"])
def test_the_heading_of_a_table_of_contents_is_not_above_what_follows(contents: str) -> None:
    document = blocks((BlockKind.HEADING, contents, 1), (BlockKind.HEADING, "Pools", 2), (BlockKind.PARAGRAPH, "Two pools are open.", 0))
    assert [passage.path for passage in Chunker().cut(document)] == [("Pools",)]
