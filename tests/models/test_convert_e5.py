"""Expanding the packed embedder: a file of the same layout, small enough to work out by hand."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelCorrupt
from rag.models import installed
from rag.models.convert_e5 import expand_e5, unpack_q4

PIECES = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "\u2581كتاب",
    "\u2581كت",
    "اب",
    "\u2581book",
    "\u2581b",
    "ook",
    "\u2581",
    "s",
    "<mask>",
]
SCORES = [0.0, 0.0, 0.0, 0.0, -2.0, -3.0, -3.0, -2.0, -3.0, -3.0, -5.0, -4.0, 0.0]
HIDDEN, FEED_FORWARD, ROWS = 32, 64, 16


def block(scale: float, low: int, high: int) -> bytes:
    """32 weights: the first 16 are (low - 8) * scale, the other 16 (high - 8) * scale."""
    return struct.pack("<e", scale) + bytes([high << 4 | low]) * 16


def packed() -> bytes:
    """One layer, 2 heads; every Q4_0 block has scale 0.5 and nibbles 9 and 6, every float32 is 0.25."""
    blob = "".join(PIECES).encode()
    ends = np.cumsum([0] + [len(piece.encode()) for piece in PIECES]).tolist()
    replaced = [("\t", " "), ("\u0001", ""), ("\u200c", " "), ("\ufb01", "fi")]
    head = b"E5S1" + struct.pack("<I7if", 1, HIDDEN, 1, 2, FEED_FORWARD, ROWS, 8, 2, 1e-12) + struct.pack("<i", 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    head += struct.pack(f"<{len(ends)}I", *ends) + struct.pack(f"<{len(SCORES)}f", *SCORES) + blob
    entries = b"".join(struct.pack(f"<IB{len(to)}I", ord(a), len(to), *map(ord, to)) for a, to in replaced)
    head += struct.pack("<iI", len(replaced), len(entries)) + entries
    tensors: list[tuple[str, int, bool]] = [("emb.word", ROWS * HIDDEN, True), ("emb.pos", 8 * HIDDEN, False)]
    tensors += [("emb.type", 2 * HIDDEN, False), ("emb.ln.w", HIDDEN, False), ("emb.ln.b", HIDDEN, False)]
    for name, rows, columns in (
        *((n, HIDDEN, HIDDEN) for n in ("q", "k", "v", "ao")),
        ("fi", FEED_FORWARD, HIDDEN),
        ("fo", HIDDEN, FEED_FORWARD),
    ):
        tensors += [(f"l0.{name}.w", rows * columns, True), (f"l0.{name}.b", rows, False)]
    tensors += [(f"l0.{norm}.{part}", HIDDEN, False) for norm in ("aln", "oln") for part in "wb"]
    data = [block(0.5, 9, 6) * (n // 32) if packed else np.full(n, 0.25, "<f4").tobytes() for _, n, packed in tensors]
    offset = len(head) + 4 + sum(2 + len(name) + 21 for name, _, _ in tensors)
    directory = struct.pack("<i", len(tensors))
    for (name, elements, is_packed), content in zip(tensors, data, strict=True):
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", is_packed, elements, offset, len(content))
        offset += len(content)
    return head + directory + b"".join(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "packed.bin").write_bytes(packed())
    expand_e5(tmp_path / "packed.bin", tmp_path / "model")
    return tmp_path / "model"


def test_a_block_is_its_low_nibbles_then_its_high_ones() -> None:
    nibbles = bytes([0x08, 0xF0, *[0x88] * 14])  # low: 8, 0, 8 ... high: 0, 15, 8 ...
    weights = unpack_q4(struct.pack("<e", 0.25) + nibbles)
    assert weights.dtype == np.float32
    assert weights[:3].tolist() == [0.0, -2.0, 0.0]
    assert weights[16:19].tolist() == [-2.0, 1.75, 0.0]


def test_no_block_and_two_blocks() -> None:
    assert unpack_q4(b"").shape == (0,)
    assert unpack_q4(block(1.0, 9, 9) + block(2.0, 9, 9)).tolist() == [1.0] * 32 + [2.0] * 32


def test_the_weights_are_those_of_a_bert_encoder(folder: Path) -> None:
    from safetensors.numpy import load_file

    weights = load_file(folder / "model.safetensors")
    assert len(weights) == 5 + 16 + 2
    word = weights["embeddings.word_embeddings.weight"]
    assert (word.shape, word.dtype) == ((ROWS, HIDDEN), np.float32)
    assert word[0].tolist() == [0.5] * 16 + [-1.0] * 16
    assert weights["encoder.layer.0.intermediate.dense.weight"].shape == (FEED_FORWARD, HIDDEN)
    assert weights["encoder.layer.0.output.dense.weight"].shape == (HIDDEN, FEED_FORWARD)
    assert set(weights["encoder.layer.0.output.LayerNorm.bias"].tolist()) == {0.25}
    assert not weights["pooler.dense.weight"].any()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("كتاب", [0, 4, 2]),
        ("كتاب كتاب", [0, 4, 4, 2]),
        ("كتاب\u200c\tكتاب", [0, 4, 4, 2]),  # a joiner and a tab are one space
        ("\ufedb\ufe98\ufe8e\ufe8f", [0, 4, 2]),  # presentation forms
        ("book", [0, 7, 2]),
        ("books  book", [0, 7, 11, 7, 2]),
        ("bo\u0001ok", [0, 7, 2]),  # a control character is nothing
        ("\uff42\uff4f\uff4f\uff4b", [0, 7, 2]),  # full width
        ("", [0, 2]),
        ("book شمس", [0, 7, 10, 3, 2]),  # unknown letters
    ],
)
def test_the_tokenizer_gives_the_ids_of_the_file(folder: Path, text: str, ids: list[int]) -> None:
    from tokenizers import Tokenizer

    assert Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids == ids


def test_the_folder_says_how_to_use_it(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert (config["hidden_size"], config["num_attention_heads"], config["layer_norm_eps"]) == (HIDDEN, 2, 1e-12)
    assert json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"]["query"] == "query: "
    assert [module["type"].rsplit(".", 1)[1] for module in json.loads((folder / "modules.json").read_text())] == [
        "Transformer",
        "Pooling",
        "Normalize",
    ]


def test_the_result_is_the_same_every_time(folder: Path, tmp_path: Path) -> None:
    expand_e5(tmp_path / "packed.bin", tmp_path / "again")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == 8
    assert all((folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    (tmp_path / "packed.bin").write_bytes(packed())
    seen: list[tuple[int, int]] = []
    expand_e5(tmp_path / "packed.bin", tmp_path / "model", lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("keep", [0, 3, 100, 700, -1])
def test_a_file_that_is_cut_short_is_refused(keep: int, tmp_path: Path) -> None:
    (tmp_path / "packed.bin").write_bytes(packed()[:keep])
    with pytest.raises(ModelCorrupt) as caught:
        expand_e5(tmp_path / "packed.bin", tmp_path / "model")
    assert "packed.bin" in caught.value.text("ar")
    assert not (tmp_path / "model").exists()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(5000))
    with pytest.raises(ModelCorrupt):
        expand_e5(tmp_path / "other.bin", tmp_path / "model")


@pytest.mark.integration
def test_the_real_one_puts_a_question_next_to_its_answer_in_both_languages() -> None:
    name = "multilingual-e5-small"
    if installed.state(name).status != "present":
        pytest.skip(f"{name} is not installed: python -m rag models get {name}")
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(installed.find(name, "embedder").path), device="cpu")
    passages = [
        "باريس هي عاصمة فرنسا وأكبر مدنها.",
        "يُزرع الأرز في الحقول المغمورة بالماء.",
        "Paris is the capital of France.",
        "Rice is grown in flooded fields.",
    ]
    vectors = model.encode_document(passages)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for question, best in (("ما هي عاصمة فرنسا؟", {0, 2}), ("How is rice grown?", {1, 3}), ("كيف يُزرع الأرز؟", {1, 3})):
        ranked = np.argsort(-(vectors @ model.encode_query(question)))
        assert set(ranked[:2].tolist()) == best, question
