"""The tree of a document, and the passages that keep it: lists with their introduction, rows with their names, headings above."""

from __future__ import annotations

import pytest

from rag.documents.chunker import Chunker
from rag.documents.serialization import pack_blocks, pack_layouts, unpack_blocks, unpack_layouts
from rag.documents.tree import Content, Limits, TreeWriter, heading_paths
from rag.errors import DocumentError
from rag.schema import BlockKind, Document, PageLayout, Passage, Span


def document(content: Content, title: str = "") -> Document:
    return Document("d", content.text, title, "en", "0", content.marks, {}, content.blocks, content.tables)


def writer() -> TreeWriter:
    return TreeWriter("file", Limits())


def quotes(passage: Passage) -> list[str]:
    return [passage.quote(span) for span in passage.sentences]


NUMBERS = {
    "en": ("Emergency numbers", "Emergency numbers in Norland:", ["Police 119", "Ambulance 118"], "Norland"),
    "ar": ("أرقام الطوارئ", "أرقام الطوارئ في نورلاند:", ["الشرطة 119", "الإسعاف 118"], "نورلاند"),
}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_list_keeps_its_introduction_and_its_headings(language: str) -> None:
    heading, lead, items, title = NUMBERS[language]
    tree = writer()
    tree.heading(title, 1)
    tree.heading(heading, 2)
    tree.paragraph(lead)
    for item in items:
        tree.item(item)
    (passage,) = Chunker().cut(document(tree.content(), title))
    assert quotes(passage) == [lead, *items]
    assert passage.leads == (-1, 0, 0)
    assert passage.path == (heading,)  # the title is not said twice
    assert passage.context_of(1) == f"{title} › {heading} › {lead}"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_long_list_carries_its_introduction_into_every_passage(language: str) -> None:
    _, lead, items, title = NUMBERS[language]
    tree = writer()
    tree.paragraph(lead)
    for number in range(40):
        tree.item(f"{items[0]} {number}")
    tree.paragraph("After the list.")
    passages = Chunker(passage=200, sentence=80).cut(document(tree.content(), title))
    assert len(passages) > 3
    assert passages[0].lead == ""
    assert quotes(passages[0])[0] == lead
    assert {passage.lead for passage in passages[1:-1]} == {lead}
    assert all(passage.context == f"{title} › {lead}" for passage in passages[1:-1])
    assert (quotes(passages[-1]), passages[-1].lead) == (["After the list."], "")


def test_an_introduction_is_never_the_last_of_a_passage() -> None:
    tree = writer()
    tree.paragraph("A sentence of some length that fills the passage. " * 3)
    tree.paragraph("The members are:")
    tree.item("one of the members of the council")
    for passage in Chunker(passage=170, sentence=80).cut(document(tree.content())):
        assert not quotes(passage)[-1].endswith(":")


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        (["Product", "Price", "Stock"], ["Olive oil", "7,50", "120"], "Product: Olive oil · Price: 7,50 · Stock: 120"),
        (["", "2019", "2020"], ["الأردن", "812", "640"], "الأردن · 2019: 812 · 2020: 640"),
        (["Name", "Fee"], ["Anna", ""], "Name: Anna"),
        ([], ["مستشفى السلام", "حلب"], "مستشفى السلام · حلب"),
    ],
)
def test_a_row_says_its_names(columns: list[str], row: list[str], expected: str) -> None:
    tree = writer()
    tree.table(columns, [row], "Prices of 2024, in dinars", header=0)
    content = tree.content()
    (_, block) = content.blocks
    assert block.span.of(content.text) == expected
    assert [cell.span.of(content.text) for cell in block.cells] == [cell for cell in row if cell]
    (passage,) = Chunker().cut(document(content))
    assert quotes(passage) == ["Prices of 2024, in dinars", expected]
    assert passage.lead_of(1) == "Prices of 2024, in dinars"
    assert passage.locators == ("", "row 1")


def test_rows_are_numbered_as_they_stand_and_an_empty_one_is_none() -> None:
    tree = writer()
    tree.table(["a", "b"], [["1", "2"], ["", ""], ["3", "4"]])
    content = tree.content()
    assert [(mark.label, content.text[mark.offset :][:4]) for mark in content.marks] == [("row 1", "a: 1"), ("row 3", "a: 3")]
    assert content.tables[0].columns == ("a", "b")


def test_a_wide_row_goes_on_under_its_own_name() -> None:
    tree = writer()
    tree.table(["Town", *(f"Question {n}" for n in range(30))], [["حلب", *("an answer of thirty characters",) * 30]], header=0)
    content = tree.content()
    assert len(content.blocks) > 1
    assert all(block.span.of(content.text).startswith("Town: حلب · ") for block in content.blocks)
    assert all(len(block.span) < 800 for block in content.blocks)


def test_empty_and_single() -> None:
    assert writer().content() == Content("")
    assert Chunker().cut(document(Content(""))) == []
    tree = writer()
    tree.paragraph("   ")
    tree.table([], [])
    assert tree.content().text == ""
    tree.heading("Alone")
    (passage,) = Chunker().cut(document(tree.content()))
    assert quotes(passage) == ["Alone"]  # a heading with nothing below it can still be found


def test_a_heading_is_not_quoted_and_parts_sections() -> None:
    tree = writer()
    tree.heading("الفصل الأول", 1)
    tree.paragraph("نص الفصل الأول.")
    tree.heading("باب", 2)
    tree.paragraph("نص الباب.")
    tree.heading("الفصل الثاني", 1)
    tree.paragraph("نص الفصل الثاني.")
    found = document(tree.content())
    assert [(p.path, quotes(p)) for p in Chunker().cut(found)] == [
        (("الفصل الأول",), ["نص الفصل الأول."]),
        (("الفصل الأول", "باب"), ["نص الباب."]),
        (("الفصل الثاني",), ["نص الفصل الثاني."]),
    ]
    assert heading_paths(found)[3] == ("الفصل الأول", "باب")


def test_numbers_of_items_are_part_of_them_and_bullets_are_not() -> None:
    tree = writer()
    tree.item("يعاقب المتأخر", "المادة 3.")
    tree.item("second", "•")
    content = tree.content()
    assert [block.span.of(content.text) for block in content.blocks] == ["المادة 3. يعاقب المتأخر", "second"]
    assert content.text == "المادة 3. يعاقب المتأخر\n• second"


def test_a_sentence_over_a_page_names_both() -> None:
    tree = writer()
    tree.mark("p. 3")
    tree.paragraph("First. A sentence that begins here and")
    text = tree.content().text
    whole = Document("d", text + " ends there. Last.", "", "en", "0")
    marks = (*tree.content().marks, type(tree.content().marks[0])(len(text) + 1, "p. 4"))
    found = Document("d", whole.text, "", "en", "0", marks)
    assert found.locator_of(Span(7, len(text) + 12)) == "p. 3–4"
    assert found.locator_of(Span(0, 6)) == "p. 3"
    assert found.locator_of(Span(len(text) + 13, len(whole.text))) == "p. 4"


def test_a_tree_comes_back_as_it_was() -> None:
    tree = writer()
    tree.heading("عنوان", 2)
    tree.paragraph("قائمة:")
    tree.item("أ", level=1)
    tree.table(["س", "ص"], [["1", "2"]], "Caption", header=0)
    tree.note("Not counted.", "3")
    tree.code("x = 1")
    content = tree.content()
    assert unpack_blocks(pack_blocks(content)) == (content.blocks, content.tables)
    assert {block.kind for block in content.blocks} == set(BlockKind)
    assert unpack_blocks(pack_blocks(Content(""))) == ((), ())


def test_page_layouts_come_back_to_a_tenth_of_a_point() -> None:
    pages = (PageLayout(1, 595.3, 841.9, ((0, 5, 72.0, 100.1, 99.9, 110.5),)), PageLayout(2, 595.3, 841.9))
    assert unpack_layouts(pack_layouts(pages)) == pages
    with pytest.raises(ValueError, match=r".*"):
        unpack_layouts(__import__("zlib").compress(b"{"))


def test_too_much_text_is_refused_by_name() -> None:
    tree = TreeWriter("big.csv", Limits(text=20))
    with pytest.raises(DocumentError, match=r"big\.csv"):
        tree.table(["a"], [["x" * 30]])


COMMANDS = {
    "en": ("It was cold in the north. " * 9, "To see what is used, run:", "The list is short and names each package once. " * 4),
    "ar": ("كان الجو باردًا في الشمال. " * 9, "لعرض الحزم المستخدمة، نفّذ:", "القائمة قصيرة وتذكر كل حزمة مرة واحدة فقط. " * 4),
}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_announces_a_command_stays_with_it(language: str) -> None:
    before, lead, after = COMMANDS[language]
    tree = writer()
    tree.paragraph(before)
    tree.paragraph(lead)
    tree.code("$ usage --all")
    tree.paragraph(after)
    content = tree.content()
    first, second = Chunker(passage=260, sentence=100).cut(document(content))
    assert first.text == before.strip()
    assert second.text == f"{lead}\n\n$ usage --all\n\n{after.strip()}"
    assert second.lead_of(1) == lead


@pytest.mark.parametrize("language", ["en", "ar"])
def test_code_that_goes_on_in_the_next_passage_carries_what_announces_it(language: str) -> None:
    _, lead, _ = COMMANDS[language]
    tree = writer()
    tree.paragraph(lead)
    tree.code("\n".join(f"line {n} of the program" for n in range(40)))
    passages = Chunker(passage=260, sentence=100).cut(document(tree.content()))
    assert passages[0].text.startswith(lead)
    assert len(passages) > 2
    assert {passage.lead for passage in passages[1:]} == {lead}


def test_a_wide_row_without_a_column_of_names_goes_on_under_its_first_cell() -> None:
    tree = writer()
    blocks = tree.table(["Code", "First", "Second"], [["R-7", "a" * 500, "b" * 500]])
    content = tree.content()
    assert [block.span.of(content.text)[:12] for block in blocks[0]] == ["Code: R-7 · ", "Code: R-7 · "]


@pytest.mark.parametrize("said", ["The visitors praise the friendly staff of the hall. ", "يثني الزوار على موظفي القاعة اللطفاء. "])
def test_a_heading_as_long_as_a_paragraph_is_one(said: str) -> None:
    tree = writer()
    tree.heading(said * 6, 3)
    tree.paragraph("It opens at nine.")
    assert [block.kind for block in tree.content().blocks] == [BlockKind.PARAGRAPH, BlockKind.PARAGRAPH]
