"""Texts looked up in tables have the tokens that the library gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.models import tokenizer as module
from rag.models.tokenizer import LONGEST, LazyTokenizer, Tables

TEXTS = [
    "the ferry Albatros carried 212 passengers to the other side of the harbour",
    "نقلت العبّارة ألباتروس 212 راكبًا إلى الجانب الآخر من الميناء",
    "the captain of the ferry was John Reed, and the letter was written by the lawyer",
    "وكان قبطان العبّارة جون ريد، وكتب المحامي الرسالة إلى الشركة",
]


def small(**changed: Any) -> dict[str, Any]:
    """A `tokenizer.json` of Gemma's form, with merges learned from two languages."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    special = ["<unk>", "<bos>", "<eos>", "\n\n"]
    made.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False))
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    around = [("<bos>", made.token_to_id("<bos>")), ("<eos>", made.token_to_id("<eos>"))]
    made.post_processor = processors.TemplateProcessing(single="<bos> $A <eos>", special_tokens=around)
    return json.loads(made.to_str()) | changed


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    return small()


@pytest.fixture(scope="module")
def library(written: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(json.dumps(written))


def test_merges_worked_out_by_hand() -> None:
    # Ranks: "ab" 0, "bc" 1, "ca" 2, "abc" 3. In "abca" the merge of least rank is "ab", then of "ab c" and "c a" the latter.
    tokens = {"<bos>": 0, "<eos>": 1, "a": 2, "b": 3, "c": 4, "ab": 5, "bc": 6, "ca": 7, "abc": 8, "▁": 9, "ب": 10, "ا": 11, "با": 12}
    merges = [["a", "b"], ["b", "c"], ["c", "a"], ["ab", "c"], ["ب", "ا"]]
    tables = Tables.of(small(model={"type": "BPE", "vocab": tokens, "merges": merges}, post_processor=_around(0, 1)))
    for text, ids, offsets in (
        ("abca", [0, 5, 7, 1], [(0, 0), (0, 2), (2, 4), (0, 0)]),
        ("abcb", [0, 8, 3, 1], [(0, 0), (0, 3), (3, 4), (0, 0)]),
        ("bcbc", [0, 6, 6, 1], [(0, 0), (0, 2), (2, 4), (0, 0)]),
        ("با a", [0, 12, 9, 2, 1], [(0, 0), (0, 2), (2, 3), (3, 4), (0, 0)]),
        ("", [0, 1], [(0, 0), (0, 0)]),
    ):
        assert tables.encode(text) == (ids, offsets)
    assert tables.encode("abd") is None  # d is no token


def _around(first: int, last: int) -> dict[str, Any]:
    single = [
        {"SpecialToken": {"id": "<bos>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "<eos>", "type_id": 0}},
    ]
    special = {name: {"id": name, "ids": [id], "tokens": [name]} for name, id in (("<bos>", first), ("<eos>", last))}
    return {"type": "TemplateProcessing", "single": single, "special_tokens": special}


@given(
    st.one_of(st.lists(st.sampled_from(sorted({word for text in TEXTS for word in text.split()})), max_size=12).map(" ".join), st.text())
)
def test_any_text_has_the_tokens_of_the_library_or_is_left_to_it(written: dict[str, Any], library: Any, text: str) -> None:
    found = Tables.of(written).encode(text)
    if found is not None:
        expected = library.encode(text)
        assert (found.ids, found.offsets) == (expected.ids, expected.offsets)


def test_texts_of_both_languages_are_looked_up_and_others_left_to_the_library(written: dict[str, Any]) -> None:
    tables = Tables.of(written)
    assert all(tables.encode(text) for text in TEXTS)
    for text in ("the <bos> ferry", "the\nferry", "the  ferry", "the▁ferry", "ferry 渡", "a" * (LONGEST + 1)):
        assert tables.encode(text) is None


def test_line_ends_are_the_token_of_their_number(written: dict[str, Any], library: Any) -> None:
    tables = Tables.of(written)
    for text in ("the\n\nferry", "نقلت\n\nthe ferry\n\n"):
        found = tables.encode(text)
        assert found is not None
        assert (found.ids, found.offsets) == (library.encode(text).ids, library.encode(text).offsets)


def test_a_vocabulary_whose_tokens_run_into_the_next_word_has_no_tables(written: dict[str, Any]) -> None:
    vocabulary = written["model"]["vocab"] | {"the▁ferry": 9999}
    assert not Tables.of(written | {"model": written["model"] | {"vocab": vocabulary}}).arrays


@pytest.mark.parametrize(
    "changed",
    [
        {"normalizer": None},
        {"normalizer": {"type": "NFKC"}},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": " +"}, "behavior": "Isolated", "invert": False}},
        {"post_processor": None},
        {"model": {"type": "Unigram", "vocab": []}},
        {"added_tokens": [{"content": "ferry", "id": 0}]},
    ],
)
def test_a_tokenizer_of_another_form_has_no_tables(changed: dict[str, Any]) -> None:
    tables = Tables.of(small(**changed))
    assert not tables.arrays
    assert tables.encode("ferry") is None


@pytest.fixture
def file(tmp_path: Path, written: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "_WORTH_TABLES", 1)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    return path


def ids(tokenizer: LazyTokenizer, *texts: str) -> list[list[int]]:
    return [found.ids for found in tokenizer.encode_batch_fast(texts)]


def test_the_next_process_reads_no_more_than_the_tables(file: Path, tmp_path: Path, library: Any) -> None:
    first = LazyTokenizer(file, 64, tmp_path / "tables")
    assert len(list((tmp_path / "tables").iterdir())) == 1
    again = LazyTokenizer(file, 64, tmp_path / "tables")
    assert ids(again, *TEXTS) == ids(first, *TEXTS) == [library.encode(text).ids for text in TEXTS]
    assert [found.offsets for found in again.encode_batch(TEXTS)] == [library.encode(text).offsets for text in TEXTS]
    assert again._full is None
    assert ids(again, "the\nferry", TEXTS[0]) == [library.encode("the\nferry").ids, library.encode(TEXTS[0]).ids]
    assert again._full is not None
    assert ids(again) == []


def test_a_long_text_is_cut_as_the_library_cuts_it(file: Path, tmp_path: Path) -> None:
    first = LazyTokenizer(file, 8, tmp_path / "tables")
    again = LazyTokenizer(file, 8, tmp_path / "tables")
    assert ids(again, TEXTS[1]) == ids(first, TEXTS[1])
    assert len(ids(again, TEXTS[1])[0]) == 8


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_damaged_tables_are_made_anew(file: Path, tmp_path: Path, damage: str) -> None:
    LazyTokenizer(file, 64, tmp_path / "tables")
    (kept,) = (tmp_path / "tables").iterdir()
    content = kept.read_bytes()
    flipped = content[:100] + bytes([content[100] ^ 1]) + content[101:]
    kept.write_bytes({"cut": content[:-1], "bit": flipped, "empty": b""}[damage])
    assert ids(LazyTokenizer(file, 64, tmp_path / "tables"), *TEXTS) == ids(LazyTokenizer(file, 64, tmp_path / "tables"), *TEXTS)
    assert kept.read_bytes() == content


def test_another_vocabulary_has_tables_of_its_own(file: Path, tmp_path: Path, written: dict[str, Any]) -> None:
    LazyTokenizer(file, 64, tmp_path / "tables")
    file.write_text(json.dumps(written | {"added_tokens": written["added_tokens"][:3]}), encoding="utf-8")
    LazyTokenizer(file, 64, tmp_path / "tables")
    assert len(list((tmp_path / "tables").iterdir())) == 2


def test_a_place_that_cannot_be_written_is_no_error(file: Path, tmp_path: Path, library: Any) -> None:
    (tmp_path / "tables").write_text("a file where the folder should be")
    assert ids(LazyTokenizer(file, 64, tmp_path / "tables"), TEXTS[0]) == [library.encode(TEXTS[0]).ids]


def test_a_broken_file_is_told_when_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(Exception, match="EOF"):
        LazyTokenizer(tmp_path / "tokenizer.json", 64)
