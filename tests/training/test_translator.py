"""How pairs become batches of the translator's training: nothing here needs a model."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from training.translator import LENGTHS, Item, batches, item, pairs, prompt  # noqa: E402


def letters(text: str, first: bool = False) -> list[int]:
    return [2] * first + [ord(letter) for letter in text]


def test_the_prompt_is_the_one_that_the_product_gives() -> None:
    assert prompt("الحكم", "ar", "en") == "Arabic: الحكم\nEnglish:"


def test_a_pair_is_tokens_with_the_place_where_its_translation_begins() -> None:
    made = item({"en": "fee", "ar": "رسم"}, "en", "ar", letters)  # type: ignore[arg-type]
    assert made is not None
    assert made.ids[: made.start] == letters("English: fee\nArabic:", True)
    assert made.ids[made.start :] == letters(" رسم\n")
    assert item({"en": "x" * LENGTHS[-1], "ar": "س"}, "en", "ar", letters) is None  # type: ignore[arg-type]


def test_batches_hold_whole_rows_of_one_width_and_depend_on_the_seed_alone() -> None:
    items = [Item(list(range(length)), 3) for length in [10] * 40 + [60] * 40]
    first, again = (list(islice(batches(items, 256, 5), 8)) for _ in range(2))
    assert [[len(one.ids) for one in batch] for batch in first] == [[len(one.ids) for one in batch] for batch in again]
    for batch in first:
        assert len({len(one.ids) for one in batch}) == 1
        assert len(batch) == (8 if len(batch[0].ids) == 10 else 4)  # 256 tokens of rows padded to 32 and to 64


def test_the_pairs_of_all_files_are_read(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"en": name, "ar": "س"}) + "\n", encoding="utf-8")
    assert [one["en"] for one in pairs([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])] == ["a", "b"]
