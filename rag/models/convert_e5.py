"""Convert the 4-bit file of multilingual-e5-small to a sentence-transformers folder with float32 weights.

The file is little-endian: a header, a Unigram tokenizer (pieces, scores, normalisation map), a directory of tensors, and the tensors,
either float32 or Q4_0 (blocks of 32 weights: one float16 scale and 16 bytes of two nibbles each). The result is identical to the last bit
on every machine, so the catalogue can pin its hashes. Token ids match those of the file's own engine for NFC text, the form in which texts
are stored; for other orders of combining marks (fatha before shadda) they may differ.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rag.errors import ModelCorrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.models.embedder import Progress

MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 18  # a float16 scale and 32 nibbles
CHUNK = 65536 * BLOCK  # weights made at a time: 8 MB of float32
FLOAT32, Q4_0 = 0, 1


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of the encoder; `norm_eps` is the layer norms' epsilon."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    norm_eps: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The Unigram tokenizer: pieces and their log probabilities by id, and the replacements of single characters."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int
    replacements: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tensor:
    """The position of a tensor in the file: `elements` weights in `size` bytes from `offset`."""

    name: str
    dtype: int
    elements: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class PackedModel:
    """Everything in the file before the weights."""

    shape: Shape
    vocabulary: Vocabulary
    tensors: Mapping[str, Tensor]


def expand_e5(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Write the folder `target`, which `SentenceTransformer` can load, from the packed file `source`.

    Holds a few megabytes of weights in memory at a time. Raises ModelCorrupt if the file has another layout or is truncated.
    """
    with source.open("rb") as file:
        packed = read_packed(file, source)
        target.mkdir(parents=True, exist_ok=True)
        for name, content in _descriptions(packed).items():
            path = target / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _write_weights(file, packed, target / "model.safetensors", progress)


def read_packed(file: BinaryIO, path: Path) -> PackedModel:
    """Read everything before the weights. Raises ModelCorrupt if the file has another layout or is truncated."""
    size = file.seek(0, 2)
    file.seek(0)
    try:
        if file.read(4) != MAGIC or _ints(file, "I") != (1,):
            raise ModelCorrupt("models.not_packed", path=path)
        hidden, layers, heads, feed_forward, vocabulary, positions, types = _ints(file, "7i")
        (norm_eps,) = _take(file, "f")
        if _ints(file, "i") != (BLOCK,):
            raise ModelCorrupt("models.not_packed", path=path)
        shape = Shape(hidden, layers, heads, feed_forward, vocabulary, positions, types, norm_eps)
        words = _read_vocabulary(file)
        (count,) = _ints(file, "i")
        tensors = [_read_entry(file) for _ in range(count)]
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelCorrupt("models.not_packed", path=path) from error
    if not tensors or max(tensor.offset + tensor.size for tensor in tensors) > size:
        raise ModelCorrupt("models.truncated", path=path)
    return PackedModel(shape, words, {tensor.name: tensor for tensor in tensors})


def _take(file: BinaryIO, layout: str) -> tuple[float, ...]:
    form = struct.Struct("<" + layout)
    return form.unpack(file.read(form.size))


def _ints(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return tuple(int(value) for value in _take(file, layout))


def _read_vocabulary(file: BinaryIO) -> Vocabulary:
    count, bos, eos, pad, unk = _ints(file, "5i")
    (length,) = _ints(file, "Q")
    offsets = _ints(file, f"{count + 1}I")
    scores = tuple(float(score) for score in _take(file, f"{count}f"))
    blob = file.read(length)
    pieces = tuple(blob[start:end].decode() for start, end in pairwise(offsets))
    entries, _ = _ints(file, "iI")
    replacements = {}
    for _ in range(entries):
        point, length = _ints(file, "IB")
        replacements[chr(point)] = "".join(map(chr, _ints(file, f"{length}I")))
    return Vocabulary(pieces, scores, bos, eos, pad, unk, replacements)


def _read_entry(file: BinaryIO) -> Tensor:
    (length,) = _ints(file, "H")
    name = file.read(length).decode()
    dtype, elements, offset, size = _ints(file, "BIQQ")
    return Tensor(name, dtype, elements, offset, size)


def unpack_q4(blocks: bytes) -> NDArray[np.float32]:
    """Return the weights of whole Q4_0 blocks as float32, in order: 32 for every 18 bytes.

    The low nibbles of a block's 16 bytes are its first 16 weights, the high nibbles the other 16; each is multiplied by the scale after
    subtracting 8.
    """
    import numpy as np

    table = np.frombuffer(blocks, dtype=np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    levels = np.concatenate([table["nibbles"] & 15, table["nibbles"] >> 4], axis=1).astype(np.float32) - np.float32(8)
    weights: NDArray[np.float32] = (levels * table["scale"].astype(np.float32)[:, None]).reshape(-1)
    return weights


def _weights(file: BinaryIO, tensor: Tensor) -> Iterator[bytes]:
    """Yield the tensor as little-endian float32, a few megabytes at a time."""
    file.seek(tensor.offset)
    if tensor.dtype == FLOAT32:
        yield file.read(tensor.size)
        return
    step = CHUNK // BLOCK * BLOCK_BYTES
    for start in range(0, tensor.size, step):
        yield unpack_q4(file.read(min(step, tensor.size - start))).astype("<f4").tobytes()


def _write_weights(file: BinaryIO, packed: PackedModel, target: Path, progress: Progress | None) -> None:
    plan = _plan(packed.shape)
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    total = 0
    for name, (_, dimensions) in plan.items():
        size = 4 * _product(dimensions)
        header[name] = {"dtype": "F32", "shape": list(dimensions), "data_offsets": [total, total + size]}
        total += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with target.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        done = 0
        for source, dimensions in plan.values():
            pieces = _weights(file, packed.tensors[source]) if source else iter([bytes(4 * _product(dimensions))])
            for piece in pieces:
                done += out.write(piece)
                if progress is not None:
                    progress(done, total)


def _product(dimensions: tuple[int, ...]) -> int:
    return dimensions[0] * (dimensions[1] if len(dimensions) > 1 else 1)


def _plan(shape: Shape) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the tensors of `BertModel` in order: name -> (name in the packed file, dimensions); "" is a tensor of zeros."""
    hidden, feed_forward = shape.hidden, shape.feed_forward
    plan: dict[str, tuple[str, tuple[int, ...]]] = {
        "embeddings.word_embeddings.weight": ("emb.word", (shape.vocabulary, hidden)),
        "embeddings.position_embeddings.weight": ("emb.pos", (shape.positions, hidden)),
        "embeddings.token_type_embeddings.weight": ("emb.type", (shape.types, hidden)),
        "embeddings.LayerNorm.weight": ("emb.ln.w", (hidden,)),
        "embeddings.LayerNorm.bias": ("emb.ln.b", (hidden,)),
    }
    for number in range(shape.layers):
        layer, packed = f"encoder.layer.{number}", f"l{number}"
        for name, short, rows, columns in (
            ("attention.self.query", "q", hidden, hidden),
            ("attention.self.key", "k", hidden, hidden),
            ("attention.self.value", "v", hidden, hidden),
            ("attention.output.dense", "ao", hidden, hidden),
            ("intermediate.dense", "fi", feed_forward, hidden),
            ("output.dense", "fo", hidden, feed_forward),
        ):
            plan[f"{layer}.{name}.weight"] = (f"{packed}.{short}.w", (rows, columns))
            plan[f"{layer}.{name}.bias"] = (f"{packed}.{short}.b", (rows,))
        for name, short in (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")):
            plan[f"{layer}.{name}.weight"] = (f"{packed}.{short}.w", (hidden,))
            plan[f"{layer}.{name}.bias"] = (f"{packed}.{short}.b", (hidden,))
    # Mean pooling never asks the pooler; without weights for it the loader would warn and make up random ones.
    plan["pooler.dense.weight"] = ("", (hidden, hidden))
    plan["pooler.dense.bias"] = ("", (hidden,))
    return plan


def _descriptions(packed: PackedModel) -> dict[str, object]:
    """Return the small files of the folder, by path."""
    shape, words = packed.shape, packed.vocabulary
    name = {role: words.pieces[getattr(words, role)] for role in ("bos", "eos", "pad", "unk")}
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "intermediate_size": shape.feed_forward,
            "vocab_size": shape.vocabulary,
            "max_position_embeddings": shape.positions,
            "type_vocab_size": shape.types,
            "layer_norm_eps": float(f"{shape.norm_eps:.6g}"),
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "pad_token_id": words.pad,
            "dtype": "float32",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": shape.hidden, "pooling_mode_mean_tokens": True},
        "sentence_bert_config.json": {"max_seq_length": shape.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": "query: ", "document": "passage: ", "passage": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": shape.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            "clean_up_tokenization_spaces": False,
            **{f"{role}_token": token for role, token in name.items()},
            "cls_token": name["bos"],
            "sep_token": name["eos"],
            "mask_token": "<mask>",
        },
        "tokenizer.json": _tokenizer(words),
    }


def _tokenizer(words: Vocabulary) -> dict[str, object]:
    """Return the tokenizer in the format of the `tokenizers` library.

    The map is NFKC, except that it deletes control characters and replaces unusual spaces by plain ones; these run first.
    """
    bos, eos = words.pieces[words.bos], words.pieces[words.eos]
    special = [index for index in (words.bos, words.pad, words.eos, words.unk) if index >= 0]
    special += [index for index, piece in enumerate(words.pieces) if piece == "<mask>"]
    replaced = [_replace(f"[{_class(letters)}]", by) for by, letters in sorted(_beyond_nfkc(words.replacements).items())]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": words.pieces[index],
                "single_word": False,
                "lstrip": words.pieces[index] == "<mask>",
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for index in sorted(special)
        ],
        "normalizer": {"type": "Sequence", "normalizers": [*replaced, {"type": "NFKC"}, _replace(" {2,}", " ")]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special(bos), _sequence("A"), _special(eos)],
            "pair": [_special(bos), _sequence("A"), _special(eos), _special(eos), _sequence("B"), _special(eos)],
            "special_tokens": {
                token: {"id": token, "ids": [index], "tokens": [token]} for token, index in ((bos, words.bos), (eos, words.eos))
            },
        },
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        "model": {
            "type": "Unigram",
            "unk_id": words.unk,
            "byte_fallback": False,
            "vocab": [[piece, score] for piece, score in zip(words.pieces, words.scores, strict=True)],
        },
    }


def _beyond_nfkc(replacements: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the replacements that differ from NFKC: replacement -> characters."""
    groups: dict[str, list[str]] = {}
    for letter, replacement in replacements.items():
        if unicodedata.normalize("NFKC", letter) != replacement:
            groups.setdefault(replacement, []).append(letter)
    return groups


def _class(letters: list[str]) -> str:
    return "".join(f"\\x{{{ord(letter):x}}}" for letter in sorted(letters))


def _replace(pattern: str, by: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": by}


def _special(token: str) -> dict[str, object]:
    return {"SpecialToken": {"id": token, "type_id": 0}}


def _sequence(name: str) -> dict[str, object]:
    return {"Sequence": {"id": name, "type_id": 0}}
