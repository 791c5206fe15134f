"""The two default embedders for a single question, in NumPy: a command that asks one thing would wait several times as long for torch.

The results are those of `rag.models.encoder` in float32. The weights stay mapped: only what is multiplied is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.arrays import Vectors, unit
from rag.models.embedder import Embedder, Progress, SentenceTransformerEmbedder
from rag.models.encoder import Layout, read_layout
from rag.models.token_vectors import Tokens
from rag.models.tokenizer import LazyTokenizer

EncoderWeights = Mapping[str, Vectors]
States = Vectors
"""Hidden states of one text, shape (length, size)."""


class QuestionEncoder:
    """Encodes one text at a time. Not safe to share between threads."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Raises OSError, ValueError and KeyError for files that cannot be read, or are not in float32."""
        self._tokenizer = LazyTokenizer(folder / "tokenizer.json", layout.longest)
        weights = mapped_weights(folder / "model.safetensors")
        run = _bert if layout.config["model_type"] == "bert" else _gemma
        self._states: Callable[[Sequence[int]], States] = lambda ids: run(ids, weights, layout.config)
        self._dense = [mapped_weights(path / "model.safetensors")["linear.weight"] for path in layout.dense]
        self.dimension: int = self._dense[-1].shape[0] if self._dense else int(layout.config["hidden_size"])

    def encode_tokens(self, text: str, size: int) -> tuple[Vectors, Tokens]:
        """Return a text's vector, shape (dimension,), and its tokens with the first `size` components; no tokens with a `size` of 0."""
        from threadpoolctl import threadpool_limits

        (encoding,) = self._tokenizer.encode_batch([text])
        with threadpool_limits(1, "blas"):  # rows this few are multiplied several times as fast by one thread on two busy cores
            states = self._states(encoding.ids)
        vector = unit(self._projected(states.mean(0), self.dimension))
        if not size:
            return vector, Tokens.none()
        return vector, Tokens(np.array(encoding.offsets, dtype=np.int64), unit(self._projected(states, size)))

    def _projected(self, states: States, size: int) -> Vectors:
        """Return states after the linear layers, their first `size` components."""
        for weight in self._dense[:-1]:
            states = states @ weight.T
        return states @ self._dense[-1][:size].T if self._dense else states[..., :size]


class QuestionEmbedder:
    """An embedder for a program that asks one question and ends: it computes the question itself, and leaves passages to `whole`."""

    def __init__(self, encoder: QuestionEncoder, whole: SentenceTransformerEmbedder) -> None:
        self._encoder = encoder
        self._whole = whole

    @property
    def name(self) -> str:
        return self._whole.name

    @property
    def fingerprint(self) -> str:
        return self._whole.fingerprint

    @property
    def dimension(self) -> int:
        return self._encoder.dimension

    def embed_query(self, text: str) -> Vectors:
        return self.embed_query_tokens(text)[0]

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        prefix = self._whole.query_prefix
        vector, tokens = self._encoder.encode_tokens(prefix + text, self._whole.token_size)
        return vector, tokens.after(len(prefix)).of_words(text)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        return self._whole.embed_passages(texts, titles, progress)

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        return self._whole.embed_passage_tokens(texts, titles)


def for_one_question(embedder: Embedder) -> Embedder:
    """Return an embedder that computes at once what `embedder` computes after loading, or that one itself if its model needs torch."""
    if not isinstance(embedder, SentenceTransformerEmbedder) or (layout := read_layout(embedder.folder)) is None:
        return embedder
    try:
        return QuestionEmbedder(QuestionEncoder(embedder.folder, layout), embedder)
    except (OSError, ValueError, KeyError):  # not in float32; or damaged, which the embedder will say
        return embedder


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
        found[name] = content[start:end].view(np.float32).reshape(entry["shape"])
    return found


def _gemma(ids: Sequence[int], weights: EncoderWeights, config: Mapping[str, Any]) -> States:
    """Return the hidden states of Gemma 3 with attention in both directions."""
    size, heads, shared, eps = config["head_dim"], config["num_attention_heads"], config["num_key_value_heads"], config["rms_norm_eps"]
    length = len(ids)

    def norm(x: Vectors, name: str) -> Vectors:
        return _rms(x, eps) * (weights[f"{name}.weight"] + 1.0)

    apart = np.abs(np.arange(length)[:, None] - np.arange(length)[None, :])
    masks = {"full_attention": None, "sliding_attention": apart > config["sliding_window"] // 2}
    bases = {"full_attention": config["rope_theta"], "sliding_attention": config["rope_local_base_freq"]}
    turns = {kind: _rotations(base, size, length) for kind, base in bases.items()}
    x = weights["embed_tokens.weight"][list(ids)] * np.float32(config["hidden_size"] ** 0.5)
    for number, kind in enumerate(config["layer_types"]):
        at = f"layers.{number}"
        own = f"{at}.self_attn"
        before = norm(x, f"{at}.input_layernorm")
        q, k, v = (
            (before @ weights[f"{own}.{part}_proj.weight"].T).reshape(length, count, size).swapaxes(0, 1)
            for part, count in (("q", heads), ("k", shared), ("v", shared))
        )
        q, k = (_rotated(norm(part, f"{own}.{name}_norm"), *turns[kind]) for part, name in ((q, "q"), (k, "k")))
        k, v = (part.repeat(heads // shared, 0) for part in (k, v))
        seen = _attention(q, k, v, config["query_pre_attn_scalar"] ** -0.5, masks[kind])
        x = x + norm(seen @ weights[f"{own}.o_proj.weight"].T, f"{at}.post_attention_layernorm")
        entering = norm(x, f"{at}.pre_feedforward_layernorm")
        gate, up = (entering @ weights[f"{at}.mlp.{part}_proj.weight"].T for part in ("gate", "up"))
        gated = 0.5 * gate * (1 + np.tanh(math.sqrt(2 / math.pi) * (gate + 0.044715 * gate**3))) * up  # GELU by its tanh form
        x = x + norm(gated @ weights[f"{at}.mlp.down_proj.weight"].T, f"{at}.post_feedforward_layernorm")
    return norm(x, "norm")


def _bert(ids: Sequence[int], weights: EncoderWeights, config: Mapping[str, Any]) -> States:
    """Return the hidden states of BERT."""
    heads, eps, length = config["num_attention_heads"], config["layer_norm_eps"], len(ids)

    def norm(x: Vectors, name: str) -> Vectors:
        centred = x - x.mean(-1, keepdims=True)
        scaled: Vectors = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(eps))
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x: Vectors, name: str) -> Vectors:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    places, kind = weights["embeddings.position_embeddings.weight"][:length], weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(weights["embeddings.word_embeddings.weight"][list(ids)] + places + kind, "embeddings.LayerNorm")
    for number in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{number}"
        q, k, v = (linear(x, f"{at}.attention.self.{part}").reshape(length, heads, -1).swapaxes(0, 1) for part in ("query", "key", "value"))
        seen = _attention(q, k, v, q.shape[-1] ** -0.5, None)
        x = norm(x + linear(seen, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        wide = linear(x, f"{at}.intermediate.dense")
        x = norm(x + linear(wide * 0.5 * (1 + _erf(wide / np.float32(2**0.5))), f"{at}.output.dense"), f"{at}.output.LayerNorm")
    return x


def _attention(q: Vectors, k: Vectors, v: Vectors, scale: float, hidden: npt.NDArray[np.bool_] | None) -> States:
    """Return attention over (heads, length, size), shape (length, heads × size); `hidden` is true where a token is not attended to."""
    scores = (q @ k.swapaxes(1, 2)) * np.float32(scale)
    if hidden is not None:
        scores = np.where(hidden, np.float32(-np.inf), scores)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    mixed: Vectors = (shares / shares.sum(-1, keepdims=True)) @ v
    return mixed.swapaxes(0, 1).reshape(q.shape[1], -1)


def _rms(x: Vectors, eps: float) -> Vectors:
    scaled: Vectors = x / np.sqrt((x**2).mean(-1, keepdims=True) + np.float32(eps))
    return scaled


def _rotations(base: float, size: int, length: int) -> tuple[Vectors, Vectors]:
    """Return cosine and sine of the angles of rotary positions, shape (length, size / 2) each."""
    angles = np.outer(np.arange(length), base ** -(np.arange(0, size, 2) / size))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotated(x: Vectors, cosine: Vectors, sine: Vectors) -> Vectors:
    """Return heads whose halves are rotated against each other."""
    one, other = np.split(x, 2, -1)
    return np.concatenate([one * cosine - other * sine, other * cosine + one * sine], -1)


def _erf(x: Vectors) -> Vectors:
    return np.array([math.erf(value) for value in x.ravel().tolist()], dtype=np.float32).reshape(x.shape)
