"""The transformers of the two default embedders in NumPy, for programs that end before torch would be imported.

The results are those of `rag.models.encoder` in float32. The weights stay mapped: only what is multiplied is read. The rows of several
texts are multiplied together, and each text attends to itself alone, so nothing is padded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Vectors

EncoderWeights = Mapping[str, Vectors]
States = Vectors
"""Hidden states of some texts, one below the other, shape (tokens, size)."""
LowRank = tuple[Vectors, Vectors]
"""The two factors of a matrix of low rank, of shapes (in, rank) and (rank, out), that is added to a matrix of the model."""
Adapter = Sequence[Mapping[str, LowRank]]
"""For each layer, lowest first, what is added to its matrices: "attend" (query, key and value in one), "mix", "widen", "narrow"."""
Run = Callable[[Sequence[Sequence[int]], EncoderWeights, Mapping[str, Any], Adapter], States]
"""Computes the hidden states of texts, which are ids of tokens. With an adapter these are the states after as many layers as it has,
without the model's last norm."""


def transformer(config: Mapping[str, Any]) -> Run:
    """Return the function for a model with these settings."""
    return bert if config["model_type"] == "bert" else gemma


def mapped_weights(path: Path) -> dict[str, Vectors]:
    """Return the matrices of a file by name, mapped. Raises OSError, and ValueError if it is damaged or not in float32."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header: dict[str, Any] = json.loads(file.read(length))
    content = np.memmap(path, np.uint8, "r", offset=8 + length)
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{name} is of type {entry['dtype']}")
        start, end = entry["data_offsets"]
        found[name] = content[start:end].view(np.float32).reshape(entry["shape"]).view(np.ndarray)
    return found


def gemma(texts: Sequence[Sequence[int]], weights: EncoderWeights, config: Mapping[str, Any], adapter: Adapter = ()) -> States:
    """Return the hidden states of Gemma 3 with attention in both directions."""
    size, heads, shared, eps = config["head_dim"], config["num_attention_heads"], config["num_key_value_heads"], config["rms_norm_eps"]
    lengths = [len(ids) for ids in texts]
    longest = max(lengths)

    def norm(x: Vectors, name: str) -> Vectors:
        return rms_norm(x, eps) * (weights[f"{name}.weight"] + 1.0)

    apart = np.abs(np.arange(longest)[:, None] - np.arange(longest)[None, :])
    masks = {"full_attention": None, "sliding_attention": apart > config["sliding_window"] // 2}
    if longest <= config["sliding_window"] // 2 + 1:
        masks["sliding_attention"] = None
    bases = {"full_attention": config["rope_theta"], "sliding_attention": config["rope_local_base_freq"]}
    places = np.concatenate([np.arange(length) for length in lengths])
    turns = {kind: tuple(part[places] for part in _rotations(base, size, longest)) for kind, base in bases.items()}
    x = weights["embed_tokens.weight"][np.concatenate(texts)] * np.float32(config["hidden_size"] ** 0.5)
    for number, (kind, added) in enumerate(_layers(config["layer_types"], adapter)):
        at = f"layers.{number}"
        own = f"{at}.self_attn"
        parts = {part: weights[f"{own}.{part}_proj.weight"] for part in "qkv"}
        q, k, v = _products(norm(x, f"{at}.input_layernorm"), list(parts.values()), added.get("attend"))
        q, k, v = (part.reshape(len(x), -1, size).swapaxes(0, 1) for part in (q, k, v))
        q, k = (_rotated(norm(part, f"{own}.{name}_norm"), *turns[kind]) for part, name in ((q, "q"), (k, "k")))
        k, v = (part.repeat(heads // shared, 0) for part in (k, v))
        seen = _attention(q, k, v, lengths, config["query_pre_attn_scalar"] ** -0.5, masks[kind])
        (mixed,) = _products(seen, [weights[f"{own}.o_proj.weight"]], added.get("mix"))
        x = x + norm(mixed, f"{at}.post_attention_layernorm")
        gate_up = [weights[f"{at}.mlp.{part}_proj.weight"] for part in ("gate", "up")]
        gate, up = _products(norm(x, f"{at}.pre_feedforward_layernorm"), gate_up, added.get("widen"))
        (narrow,) = _products(_tanh_gelu(gate) * up, [weights[f"{at}.mlp.down_proj.weight"]], added.get("narrow"))
        x = x + norm(narrow, f"{at}.post_feedforward_layernorm")
    return x if adapter else norm(x, "norm")


def bert(texts: Sequence[Sequence[int]], weights: EncoderWeights, config: Mapping[str, Any], adapter: Adapter = ()) -> States:
    """Return the hidden states of BERT."""
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    lengths = [len(ids) for ids in texts]

    def norm(x: Vectors, name: str) -> Vectors:
        return layer_norm(x, weights[f"{name}.weight"], weights[f"{name}.bias"], eps)

    def linear(x: Vectors, names: Sequence[str], added: LowRank | None) -> list[Vectors]:
        found = _products(x, [weights[f"{name}.weight"] for name in names], added)
        for part, name in zip(found, names, strict=True):
            part += weights[f"{name}.bias"]
        return found

    places = np.concatenate([np.arange(length) for length in lengths])
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    beginning = weights["embeddings.word_embeddings.weight"][np.concatenate(texts)]
    x = norm(beginning + weights["embeddings.position_embeddings.weight"][places] + kind, "embeddings.LayerNorm")
    for number, (_, added) in enumerate(_layers([""] * config["num_hidden_layers"], adapter)):
        at = f"encoder.layer.{number}"
        own = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        q, k, v = (part.reshape(len(x), heads, -1).swapaxes(0, 1) for part in linear(x, own, added.get("attend")))
        seen = _attention(q, k, v, lengths, q.shape[-1] ** -0.5, None)
        (mixed,) = linear(seen, [f"{at}.attention.output.dense"], added.get("mix"))
        x = norm(x + mixed, f"{at}.attention.output.LayerNorm")
        (wide,) = linear(x, [f"{at}.intermediate.dense"], added.get("widen"))
        (narrow,) = linear(gelu(wide), [f"{at}.output.dense"], added.get("narrow"))
        x = norm(x + narrow, f"{at}.output.LayerNorm")
    return x


def _layers(kinds: Sequence[str], adapter: Adapter) -> Iterator[tuple[str, Mapping[str, LowRank]]]:
    """Return each layer's kind and what is added to it: the layers of an adapter, else all."""
    return zip(kinds, adapter or [{}] * len(kinds), strict=False)


def _products(x: Vectors, matrices: Sequence[Vectors], added: LowRank | None) -> list[Vectors]:
    """Return the products of rows with matrices of shape (out, in), a matrix of low rank over all their outputs added."""
    found = [x @ matrix.T for matrix in matrices]
    if added is not None:
        inner, at = x @ added[0], 0
        for part in found:
            part += inner @ added[1][:, at : at + part.shape[1]]
            at += part.shape[1]
    return found


def _attention(q: Vectors, k: Vectors, v: Vectors, lengths: Sequence[int], scale: float, hidden: npt.NDArray[np.bool_] | None) -> States:
    """Return attention within each text over (heads, tokens, size), shape (tokens, heads × size); `hidden` is true where a token is not
    attended to."""
    mixed = np.empty((q.shape[1], q.shape[0] * q.shape[2]), dtype=np.float32)
    at = 0
    for length in lengths:
        inside = slice(at, at + length)
        scores = (q[:, inside] @ k[:, inside].swapaxes(1, 2)) * np.float32(scale)
        if hidden is not None:
            scores[:, hidden[:length, :length]] = -np.inf
        scores -= scores.max(-1, keepdims=True)
        shares = np.exp(scores, out=scores)
        shares /= shares.sum(-1, keepdims=True)
        mixed[inside] = (shares @ v[:, inside]).swapaxes(0, 1).reshape(length, -1)
        at += length
    return mixed


def rms_norm(x: Vectors, eps: float) -> Vectors:
    """Return rows divided by the root of their mean square."""
    scaled: Vectors = x / np.sqrt(np.einsum("...i,...i->...", x, x)[..., None] / np.float32(x.shape[-1]) + np.float32(eps))
    return scaled


def layer_norm(x: Vectors, weight: Vectors, bias: Vectors, eps: float) -> Vectors:
    """Return rows with mean 0 and variance 1, scaled and shifted."""
    centred = x - x.mean(-1, keepdims=True)
    variance = np.einsum("...i,...i->...", centred, centred)[..., None] / np.float32(x.shape[-1])
    scaled: Vectors = centred / np.sqrt(variance + np.float32(eps)) * weight + bias
    return scaled


def gelu(x: Vectors) -> Vectors:
    """Return x · Φ(x)."""
    halved: Vectors = x * np.float32(0.5) * (erf(x / np.float32(math.sqrt(2))) + np.float32(1))
    return halved


def erf(x: Vectors) -> Vectors:
    """Return the error function to within 5e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 7.1.26)."""
    size = np.abs(x)
    t: Vectors = np.reciprocal(1 + np.float32(0.3275911) * size)
    series: Vectors = np.full_like(x, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + np.float32(factor)
    return np.asarray(np.copysign(1 - series * t * np.exp(-size * size), x), dtype=np.float32)


def _tanh_gelu(x: Vectors) -> Vectors:
    """Return GELU by its tanh form."""
    inner = np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * (x * x * x)))
    return np.asarray(np.float32(0.5) * x * (inner + np.float32(1)), dtype=np.float32)


def _rotations(base: float, size: int, length: int) -> tuple[Vectors, Vectors]:
    """Return cosine and sine of the angles of rotary positions, shape (length, size / 2) each."""
    angles = np.outer(np.arange(length), base ** -(np.arange(0, size, 2) / size))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotated(x: Vectors, cosine: Vectors, sine: Vectors) -> Vectors:
    """Return heads whose halves are rotated against each other."""
    one, other = np.split(x, 2, -1)
    return np.concatenate([one * cosine - other * sine, other * cosine + one * sine], -1)
