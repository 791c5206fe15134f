"""Alignment and filters of the pairs that the translator is trained on."""

from __future__ import annotations

import json
import tomllib

import pytest

from training.align import Block, block_pairs, clean, fits, flat, keyed_pairs, markdown, numbers, page_pairs, web_page
from training.cldr import arabic_plural
from training.fetch import SOURCES, allowed
from training.pairs import LISTED, WRITTEN, Aside, Unique, build, draw, file_pairs, fluent, twins, written

ENGLISH = """---
title: The library of the town
---
# Opening hours

The library opens at **9**. It closes at 17.

| Day | Note |
|---|---|
| Friday | closed |

## Loans

- **Books:** for [three weeks](a.md)
- Films

```
code
```

## Fees

There are none.
"""
ARABIC = """---
title: مكتبة البلدة
---
# ساعات العمل

تفتح المكتبة عند الساعة **٩**. وتغلق عند الساعة ١٧.

| اليوم | ملاحظة |
|---|---|
| الجمعة | مغلقة |

## الإعارة

- **الكتب:** لمدة [ثلاثة أسابيع](a.md)
- الأفلام

```
code
```

## الرسوم

لا توجد رسوم.
"""


def test_pages_are_aligned_by_their_structure():
    assert list(page_pairs(markdown(ENGLISH), markdown(ARABIC))) == [
        ("The library of the town", "مكتبة البلدة"),
        ("Opening hours", "ساعات العمل"),
        ("The library opens at 9.", "تفتح المكتبة عند الساعة ٩."),
        ("It closes at 17.", "وتغلق عند الساعة ١٧."),
        ("Day", "اليوم"),
        ("Note", "ملاحظة"),
        ("Friday", "الجمعة"),
        ("closed", "مغلقة"),
        ("Loans", "الإعارة"),
        ("Books", "الكتب"),
        ("Books: for three weeks", "الكتب: لمدة ثلاثة أسابيع"),
        ("Films", "الأفلام"),
        ("Fees", "الرسوم"),
        ("There are none.", "لا توجد رسوم."),
    ]


def test_nothing_is_taken_from_sections_that_differ_but_their_heading():
    longer = ARABIC.replace("- الأفلام\n", "- الأفلام\n- الأقراص\n")
    found = dict(page_pairs(markdown(ENGLISH), markdown(longer)))
    assert found["Loans"] == "الإعارة"
    assert "Films" not in found
    assert found["Fees"] == "الرسوم"


def test_pages_with_another_number_of_sections_are_aligned_at_both_ends():
    longer = ARABIC.replace("## الرسوم", "## الأخبار\n\n- لا جديد\n\n## الرسوم")
    found = dict(page_pairs(markdown(ENGLISH), markdown(longer)))
    assert found["Films"] == "الأفلام"
    assert found["Fees"] == "الرسوم"
    assert "لا جديد" not in found.values()


def test_a_section_that_could_be_either_of_two_is_left_out():
    longer = ARABIC.replace("## الرسوم", "## الأخبار\n\nلا جديد.\n\n## الرسوم")
    found = dict(page_pairs(markdown(ENGLISH), markdown(longer)))
    assert found["Films"] == "الأفلام"
    assert "Fees" not in found


def test_empty_pages_have_no_pairs():
    assert list(page_pairs([], [])) == []
    assert list(page_pairs(markdown(ENGLISH), [])) == []


def test_sentences_that_differ_in_number_are_a_pair_as_a_whole():
    english, arabic = Block("paragraph", "We came. We saw."), Block("paragraph", "لقد جئنا ورأينا.")
    assert list(block_pairs(english, arabic)) == [("We came. We saw.", "لقد جئنا ورأينا.")]


@pytest.mark.parametrize(
    ("english", "arabic", "good"),
    [
        ("the council of the town", "مجلس البلدة", True),
        ("the council of the  town", "مجلـــس البلدة", True),
        ("within 1,500 days", "خلال ١٥٠٠ يوم", True),
        ("within 30 days", "خلال 20 يوما", False),  # another number
        ("the council", "the council", False),  # a copy
        ("the council", "council المجلس of", False),  # more Latin letters than Arabic ones
        ("مجلس the council", "مجلس البلدة", False),
        ("yes", "نعم، وهذا ما قلناه مرارا", False),  # too long for it
        ("the council of the whole northern district", "المجلس", False),  # too short
        ("run `make`", "شغل `make`", False),
        ("see https://example.org", "انظر الموقع", False),
        ("the value of max_size", "قيمة الحجم الأقصى", False),
        ("%{count} letters", "%{count} رسائل", False),
        ("Open the settings of your account now", "افتح settings of your account الآن من فضلك يا صديقي العزيز", False),
        ("word " * 61, "كلمة " * 61, False),
        ("", "", False),
    ],
)
def test_what_may_be_a_translation(english, arabic, good):
    assert fits(clean(english), clean(arabic)) is good


def test_texts_are_cleaned():
    assert clean("- [x] Vote  now ! 🗳️") == "Vote now!"
    assert clean("• الـمجلس \u200f، اليوم") == "المجلس، اليوم"


def test_numbers_are_those_of_both_kinds_of_digits():
    assert numbers("٢٬٥٠٠ و٧") == numbers("2,500 and 7") == {"2500": 1, "7": 1}
    assert numbers("") == {}


def test_texts_are_aligned_by_key_and_by_plural_form():
    english = {".a": "Search", ".b": "Save", ".n.one": "a day", ".n.other": "days"}
    arabic = {".b": "حفظ", ".n.few": "أيام", ".z": "بلا مقابل"}
    assert list(keyed_pairs(english, arabic)) == [("Save", "حفظ"), ("days", "أيام")]
    assert list(keyed_pairs({".h": "<p>One day.</p><p>Two days.</p>"}, {".h": "<p>يوم واحد.</p><p>يومان اثنان.</p>"})) == [
        ("One day.", "يوم واحد."),
        ("Two days.", "يومان اثنان."),
    ]
    assert flat({"a": {"b": "x"}, "c": ["y", 1]}) == {".a.b": "x", ".c.0": "y"}


def test_messages_of_one_line_are_read_from_fluent():
    text = "# note\nsave = Save in { -brand-name-firefox }\nlong = One\n  two\nquit = Quit\n"
    assert fluent(text) == {"save": "Save in Firefox", "quit": "Quit"}


def test_a_web_page_is_read_without_its_menu():
    menu = "<nav><ul><li>Menu</li></ul></nav>"
    page = f"<body>{menu}<h2>Terms</h2><p><b>Part 1</b></p><ol><li>One <b>thing</b><p>More</p></li></ol><p>End</p></body>"
    assert web_page(page) == [
        Block("h2", "Terms"),
        Block("h6", "Part 1"),
        Block("item", "One thing"),
        Block("item", "More"),
        Block("paragraph", "End"),
    ]


def test_lines_and_rows(tmp_path):
    english, arabic, rows = tmp_path / "en.txt", tmp_path / "ar.txt", tmp_path / "rows.txt"
    english.write_text("Good morning.\nGood night.\n", "utf-8")
    arabic.write_text("صباح الخير.\nليلة سعيدة.\n", "utf-8")
    assert list(file_pairs(english, arabic, {1})) == [("Good night.", "ليلة سعيدة.")]
    rows.write_text("Hi.\tمرحبا.\tCC-BY 2.0 (France)\nBye.\tوداعا.\tunknown\n", "utf-8")
    assert list(file_pairs(rows, rows)) == [("Hi.", "مرحبا.")]
    table = tmp_path / "en_ar.csv"
    table.write_text("sourceString,targetString\nfever,حمى\n", "utf-8")
    assert list(file_pairs(table, table)) == [("fever", "حمى")]


def test_twins_are_found_by_rule(tmp_path):
    for name in ("a_b.md", "ar/a-b.md", "ar/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    assert list(twins(tmp_path, tmp_path, [["ar/(.+)", r"\1"]])) == [(tmp_path / "a_b.md", tmp_path / "ar/a-b.md")]


def test_neither_side_comes_twice_and_what_is_drawn_depends_on_the_seed():
    pairs = [("Yes", "نعم"), ("yes!", "أجل"), ("indeed", "نعم"), ("no", "لا")]
    assert list(Unique()(pairs)) == [("Yes", "نعم"), ("no", "لا")]
    assert draw(pairs, 2, "a") == draw(pairs, 2, "a")
    assert sorted(draw(pairs, 9, "a")) == sorted(pairs)


def test_what_is_held_aside_is_left_out(tmp_path):
    listed = tmp_path / "documents.jsonl"
    lines = [
        {"repository": "o/ar", "path": "x/a.md", "aside": True},
        {"repository": "o/news", "path": "n.txt", "lines": [2, 3], "aside": True},
        {"repository": "o/ar", "path": "x/b.md"},
    ]
    listed.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    aside = Aside(listed)
    assert aside.has("o/en", "y/a.md")
    assert not aside.has("p/en", "y/a.md")
    assert not aside.has("o/ar", "x/b.md")
    assert aside.lines("o/news", "n.txt") == {2, 3}
    assert aside.lines("o/ar", "n.txt") == set()


def test_pairs_are_built_the_same_twice_and_without_those_held_aside(tmp_path):
    listed, translations = tmp_path / "pairs.toml", tmp_path / "translations.jsonl"
    listed.write_text("[sources.pages]\nrepository = 'o/r'\nmost = 5\ntwins = [['ar/(.+)', '\\1']]\n", "utf-8")
    lines = [{"en": "Films", "ar": "الأفلام", "aside": True}, {"en": "the mayor", "ar": "رئيس البلدية"}]
    translations.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    for name, text in (("a.md", ENGLISH), ("ar/a.md", ARABIC)):
        path = tmp_path / "data/pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    found = build(tmp_path / "data", listed, translations)
    assert found == build(tmp_path / "data", listed, translations)
    assert len(found) == 6
    assert {"en": "the mayor", "ar": "رئيس البلدية", "source": "written"} in found
    assert "Films" not in {pair["en"] for pair in found}


def test_plural_forms_of_arabic():
    assert [arabic_plural(number) for number in (3, 10, 11, 99, 100, 103, 1500)] == ["few", "few", "many", "many", "other", "few", "other"]


def test_every_source_has_an_allowed_licence_and_can_be_fetched():
    sources = tomllib.loads(LISTED.read_text("utf-8"))["sources"]
    assert set(allowed({"licences": tomllib.loads(SOURCES.read_text("utf-8"))["licences"], "sources": sources})) == set(sources)
    assert all(len(source["commit"]) == 40 and len(source["digest"]) == 64 for source in sources.values())
    assert all(("most" in source) != any(name == other.get("english") for other in sources.values()) for name, source in sources.items())


def test_written_pairs_are_in_both_languages_and_none_comes_twice():
    pairs = written(aside=False) + written(aside=True)
    assert len(pairs) == 5032
    assert len(written(WRITTEN, aside=True)) == 150
    assert len({en for en, _ in pairs}) == len({ar for _, ar in pairs}) == len(pairs)
    assert all(any("\u0621" <= letter <= "\u064a" for letter in ar) and en.isprintable() for en, ar in pairs)
