"""The two default embedders, run by torch alone: no framework to import, and matrices in 8-bit integers.

A folder of any other architecture is run by sentence-transformers. The results are the same but for the order of additions and, if the
processor multiplies 8-bit integers natively, rounding: weights are quantised once per row, activations per token by their largest value
(Dettmers et al., "LLM.int8()", NeurIPS 2022, without the outlier columns, which these models do not need: docs/notes/fusion.md). Attention,
norms and sums stay in floating point.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.models.side_by_side import Computed, SideBySide
from rag.models.token_vectors import Tokens
from rag.models.tokenizer import LazyTokenizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Weights = Mapping[str, Tensor]
    LowRank = tuple[Tensor, Tensor]
    """The two factors of a matrix of low rank, of shapes (in, rank) and (rank, out), that is added to a matrix of the model."""
    Adapter = Sequence[Mapping[str, LowRank]]
    """For each layer, lowest first, what is added to its matrices: "attend" (query, key and value in one), "mix", "widen", "narrow"."""

_ZERO = 128
"""The unsigned 8-bit integer that represents 0: signed activations have no fast instruction."""

BATCH_TOKENS = 2048
"""Tokens computed at once, padding included: enough to keep two cores busy, few enough to fit their caches."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The configuration of a sentence-transformers folder: the architecture's settings and the modules that follow it."""

    config: Mapping[str, Any]
    dense: tuple[Path, ...]
    longest: int
    """In tokens; longer texts are truncated."""


def read_layout(folder: Path) -> Layout | None:
    """Return the layout of a folder that can be run here, or None for one that sentence-transformers must run.

    A supported folder has a transformer of type "bert" or bidirectional "gemma3_text", mean pooling over all tokens, linear layers without
    bias or activation, and normalisation to length 1.
    """
    try:
        modules = json.loads((folder / "modules.json").read_text("utf-8"))
        config = json.loads((folder / "config.json").read_text("utf-8"))
        longest = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
        kinds = [module["type"].rpartition(".")[2] for module in modules]
        dense = tuple(folder / module["path"] for module in modules[2:-1])
        pooling = json.loads((folder / modules[1]["path"] / "config.json").read_text("utf-8"))
        linear = [json.loads((path / "config.json").read_text("utf-8")) for path in dense]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    modes = {key: value for key, value in pooling.items() if key.startswith("pooling_mode")}
    known = (
        kinds == ["Transformer", "Pooling", *["Dense"] * len(dense), "Normalize"]
        and modes.pop("pooling_mode_mean_tokens", False) is True
        and not any(modes.values())
        and all(not item["bias"] and item["activation_function"].endswith(".Identity") for item in linear)
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
        and (_is_bert(config) or _is_gemma(config))
    )
    return Layout(config, dense, int(longest)) if known else None


def _is_bert(config: Mapping[str, Any]) -> bool:
    return (config.get("model_type"), config.get("hidden_act"), config.get("position_embedding_type", "absolute")) == (
        "bert",
        "gelu",
        "absolute",
    )


def _is_gemma(config: Mapping[str, Any]) -> bool:
    return (
        config.get("model_type") == "gemma3_text"
        and config.get("use_bidirectional_attention") is True
        and not config.get("attention_bias")
        and not config.get("rope_scaling")
        and not config.get("attn_logit_softcapping")
        and "layer_types" in config
        and "rope_theta" in config
        and "rope_local_base_freq" in config
        and config.get("hidden_activation") == "gelu_pytorch_tanh"
    )


class Transformer(Protocol):
    """Computes the hidden states of padded sequences: ids of shape (n, length) and n token counts to (n, length, size)."""

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor: ...

    def arranged(self, adapter: Adapter) -> Adapter:
        """Return an adapter of the original matrices as one of the matrices here, whose rows may stand in another order."""
        ...

    def move(self, device: torch.device) -> None:
        """Put all weights on a device."""
        ...

    def adapted(self, ids: Tensor, lengths: Tensor, adapter: Adapter) -> Tensor:
        """Return the hidden states after as many layers as the adapter has, without the model's last norm; `adapter` is arranged."""
        ...


class Encoder:
    """Encodes texts as unit vectors. Not safe to share between threads.

    With `exact`, computes in float32 throughout; otherwise in 8-bit integers if the processor has instructions for them. On another
    `device` ("cuda", "mps") its layers compute in float32; hidden states come back to the processor.
    """

    _device = "cpu"

    def __init__(self, folder: Path, layout: Layout, *, exact: bool = False, device: str = "cpu") -> None:
        import torch
        from safetensors.torch import load_file

        self._tokenizer = LazyTokenizer(folder / "tokenizer.json", layout.longest)
        self._device = device
        quantised = not exact and device == "cpu" and has_int8()
        # The file is mapped, not read: of the embeddings, the largest part, only the rows of tokens that occur are ever in memory.
        weights = load_file(folder / "model.safetensors")
        make = Bert if layout.config["model_type"] == "bert" else Gemma
        with torch.inference_mode():
            self._transformer: Transformer = make(weights, layout.config, quantised, layout.longest)
            if device != "cpu":
                self._transformer.move(torch.device(device))
            self._dense = [load_file(path / "model.safetensors")["linear.weight"].float() for path in layout.dense]
        self.dimension: int = self._dense[-1].shape[0] if self._dense else int(layout.config["hidden_size"])

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one unit vector per text, shape (len(texts), dimension), in order."""
        import torch

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        with torch.inference_mode():
            for batch in batches([len(ids) for ids in tokens]):
                hidden, lengths = self._hidden([tokens[number] for number in batch])
                vectors[batch] = self._pooled(hidden, lengths).numpy()
        return vectors

    def encode_tokens(self, texts: Sequence[str], size: int) -> tuple[npt.NDArray[np.float32], list[Tokens]]:
        """Return the result of `encode` and, from the same pass, each text's tokens in order, with the first `size` components.

        A text's vector is the mean of its tokens' vectors, normalised.
        """
        import torch

        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens: dict[int, Tokens] = {}
        with torch.inference_mode():
            for batch in batches([len(encoding.ids) for encoding in encodings]):
                hidden, lengths = self._hidden([encodings[number].ids for number in batch])
                vectors[batch] = self._pooled(hidden, lengths).numpy()
                for number, states, length in zip(batch, hidden, lengths.tolist(), strict=True):
                    projected = states[:length] @ self._projection[:size].t()
                    bounds = np.array(encodings[number].offsets, dtype=np.int64)
                    tokens[number] = Tokens(bounds, torch.nn.functional.normalize(projected, dim=-1).numpy())
        return vectors, [tokens[number] for number in range(len(texts))]

    def tokenize(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return for each text an object with `ids` and `offsets`, those of the signs around it included."""
        return self._tokenizer.encode_batch(texts)

    def arranged(self, adapter: Adapter) -> Adapter:
        """Return an adapter as `adapted` takes it."""
        arranged = self._transformer.arranged(adapter)
        return [{part: (a.to(self._device), b.to(self._device)) for part, (a, b) in layer.items()} for layer in arranged]

    def adapted(self, tokens: Sequence[Sequence[int]], adapter: Adapter) -> tuple[Tensor, Tensor]:
        """Return the hidden states of the lower layers with an adapter, shape (n, longest, size), and the token counts, shape (n,)."""
        import torch

        ids, lengths = _padded(tokens)
        if self._device == "cpu":  # the context of a device is looked at in every call of torch
            return self._transformer.adapted(ids, lengths, adapter), lengths
        with torch.device(self._device):
            return self._transformer.adapted(ids.to(self._device), lengths.to(self._device), adapter).cpu(), lengths

    def in_batches(self, work: Callable[[list[int]], Computed], lengths: Sequence[int], tokens: int) -> list[tuple[list[int], Computed]]:
        """Return the indices and the result of `work` for batches of texts with these token counts, at most `tokens` each when padded.

        On the processor batches are computed side by side, one on each core, and there are two at least; `work` is called from several
        threads. Raises what it raises.
        """
        if self._device != "cpu":
            return [(batch, work(batch)) for batch in batches(lengths, tokens)]
        # As many on any number of cores: what a text is padded to changes the rounding, and an answer should not depend on the computer.
        found = list(batches(lengths, min(tokens, -(-sum(lengths) // 2))))
        return list(zip(found, self._side_by_side.compute(work, found), strict=True))

    @cached_property
    def _side_by_side(self) -> SideBySide:
        import torch

        return SideBySide(torch.get_num_threads())

    def _hidden(self, tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return hidden states, shape (n, length, size), and the token count of each text, shape (n,)."""
        import torch

        ids, lengths = _padded(tokens)
        if self._device == "cpu":
            return self._transformer(ids, lengths), lengths
        with torch.device(self._device):
            return self._transformer(ids.to(self._device), lengths.to(self._device)).cpu(), lengths

    def _pooled(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        import torch

        longest = hidden.shape[1]
        if bool((lengths < longest).any()):
            hidden = hidden * (torch.arange(longest) < lengths[:, None])[..., None]
        pooled = hidden.sum(1) / lengths[:, None]
        for weight in self._dense:
            pooled = torch.nn.functional.linear(pooled, weight)
        return torch.nn.functional.normalize(pooled, dim=-1)

    @cached_property
    def _projection(self) -> Tensor:
        """All linear layers as one matrix, shape (dimension, hidden size), applied to each state instead of to the pooled one."""
        import torch

        matrix = torch.eye(self._dense[0].shape[1] if self._dense else self.dimension)
        for weight in self._dense:
            matrix = weight @ matrix
        return matrix


def _padded(tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return ids, shape (n, longest), and lengths, shape (n,)."""
    import torch

    lengths = torch.tensor([len(ids) for ids in tokens])
    longest = int(lengths.max())
    return torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in tokens]), lengths


def batches(lengths: Sequence[int], tokens: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Return the indices of the lengths in batches of at most `tokens` when padded (at least one text each), longest first."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def has_int8() -> bool:
    """Return whether the processor multiplies 8-bit integers natively and torch has the operator for it."""
    import torch

    # Without these instructions sums of 16 bits overflow.
    return bool(torch.cpu.get_capabilities().get("avx512_vnni")) and hasattr(torch.ops.onednn, "qlinear_pointwise")


class Linear:
    """A matrix (and bias) that rows are multiplied by, in float32 or in 8-bit integers."""

    def __init__(self, weight: Tensor, bias: Tensor | None, quantised: bool) -> None:
        import torch

        self._bias = None if bias is None else bias.float().clone()
        self._codes = None
        if not quantised:
            self._weight = weight.float().contiguous()
            return
        weight = weight.float()
        self._scale = (weight.abs().amax(1) / 127).clamp(min=1e-12)
        self._codes = torch.ops.onednn.qlinear_prepack((weight / self._scale[:, None]).round_().to(torch.int8), None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)

    def move(self, device: torch.device) -> Linear:
        """Put a matrix in float32 on a device; return it."""
        self._weight = self._weight.to(device)
        self._bias = None if self._bias is None else self._bias.to(device)
        return self

    def __call__(self, x: Tensor, added: LowRank | None = None) -> Tensor:
        """Return the product for rows of shape (n, in), shape (n, out), float32; with `added`, that with the sum of both matrices."""
        y = self._product(x)
        return y if added is None else y.addmm_(x @ added[0], added[1])

    def _product(self, x: Tensor) -> Tensor:
        import torch

        if self._codes is None:
            return torch.nn.functional.linear(x, self._weight, self._bias)
        # The calls are chosen by measurement: torch's own aminmax, addcmul and quantize_per_channel take several times as long.
        scale = torch.maximum(x.amax(1), -x.amin(1)).div_(127).clamp_(min=1e-12)[:, None]
        codes = (x * (1 / scale)).add_(_ZERO + 0.5).to(torch.uint8)  # what is cut off after adding a half is rounded
        y: Tensor = torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, _ZERO, self._codes, self._scale, self._zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return y.mul_(scale) if self._bias is None else torch.addcmul(self._bias, y, scale)


def _attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, exact: bool) -> Tensor:
    """Compute attention over (n, heads, length, size); return (n, length, heads × size) in float32.

    Where `k` and `v` have fewer heads than `q`, each is shared by as many heads of `q` that follow each other. Those are computed as
    further rows of one head, so that nothing is copied; the result is the same.
    """
    import torch

    n, heads, length, size = q.shape
    kind = torch.bfloat16 if not exact and torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32
    sharing = heads // k.shape[1]
    if mask is not None and mask.shape[2] > 1:
        mask = mask.repeat(1, 1, sharing, 1)
    rows = q.to(kind).reshape(n, -1, sharing * length, size)
    mixed = torch.nn.functional.scaled_dot_product_attention(rows, k.to(kind), v.to(kind), attn_mask=mask, scale=scale)
    return mixed.view(n, heads, length, size).transpose(1, 2).flatten(2).float()


def _gelu(x: Tensor) -> Tensor:
    """Return the GELU in its tanh form, x · sigmoid(2u) instead of x · (1 + tanh(u)) / 2: torch's own takes twice as long."""
    doubled = 2 * math.sqrt(2 / math.pi)
    u = x * x
    return u.mul_(0.044715 * doubled).add_(doubled).mul_(x).sigmoid_().mul_(x)


class Bert:
    """Devlin et al., "BERT", NAACL 2019: learned positions, norms after each part, GELU."""

    def __init__(self, weights: Weights, config: Mapping[str, Any], quantised: bool, longest: int) -> None:
        import torch

        self._exact = not quantised
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        self._words = weights["embeddings.word_embeddings.weight"]
        self._places = (weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]).float()
        norm_of_words = weights["embeddings.LayerNorm.weight"].float(), weights["embeddings.LayerNorm.bias"].float()
        self._norm: tuple[Tensor, Tensor] = norm_of_words

        def linear(*names: str) -> Linear:
            weight, bias = (torch.cat([weights[f"{name}.{part}"] for name in names]) for part in ("weight", "bias"))
            return Linear(weight, bias, quantised)

        def norm(name: str) -> tuple[Tensor, Tensor]:
            return weights[f"{name}.weight"].float().clone(), weights[f"{name}.bias"].float().clone()

        self._layers: list[tuple[Linear, Linear, tuple[Tensor, Tensor], Linear, Linear, tuple[Tensor, Tensor]]] = []
        for number in range(config["num_hidden_layers"]):
            at = f"encoder.layer.{number}"
            own = f"{at}.attention.self"
            self._layers.append(
                (
                    linear(f"{own}.query", f"{own}.key", f"{own}.value"),
                    linear(f"{at}.attention.output.dense"),
                    norm(f"{at}.attention.output.LayerNorm"),
                    linear(f"{at}.intermediate.dense"),
                    linear(f"{at}.output.dense"),
                    norm(f"{at}.output.LayerNorm"),
                )
            )

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self.adapted(ids, lengths, [{}] * len(self._layers))

    def move(self, device: torch.device) -> None:
        self._words, self._places = self._words.to(device), self._places.to(device)
        self._norm = _moved(self._norm, device)
        self._layers = _moved(self._layers, device)

    def arranged(self, adapter: Adapter) -> Adapter:
        return adapter

    def adapted(self, ids: Tensor, lengths: Tensor, adapter: Adapter) -> Tensor:
        from torch.nn.functional import gelu, layer_norm

        n, length = ids.shape
        x = (self._words[ids].float() + self._places[:length]).flatten(0, 1)
        size = x.shape[1]
        x = layer_norm(x, (size,), *self._norm, self._eps)
        mask = _mask(length, lengths, None)
        for (attend, mix, norm, widen, narrow, last), added in zip(self._layers, adapter, strict=False):
            q, k, v = attend(x, added.get("attend")).view(n, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            seen = _attention(q, k, v, mask, q.shape[-1] ** -0.5, self._exact).flatten(0, 1)
            x = layer_norm(x.add_(mix(seen, added.get("mix"))), (size,), *norm, self._eps)
            wide = gelu(widen(x, added.get("widen")))
            x = layer_norm(x.add_(narrow(wide, added.get("narrow"))), (size,), *last, self._eps)
        return x.view(n, length, size)


class Gemma:
    """Gemma Team, "Gemma 3 Technical Report", 2025, with bidirectional attention: rotary positions, RMS norms before and after each part,
    gated GELU; five of six layers use a sliding window."""

    def __init__(self, weights: Weights, config: Mapping[str, Any], quantised: bool, longest: int) -> None:
        import torch

        self._eps: float = config["rms_norm_eps"]
        self._exact = not quantised
        self._heads: int = config["num_attention_heads"]
        self._shared: int = config["num_key_value_heads"]
        self._size: int = config["head_dim"]
        self._scale: float = config["query_pre_attn_scalar"] ** -0.5
        self._window: int = config["sliding_window"] // 2  # tokens seen on either side
        self._words = weights["embed_tokens.weight"]
        # Halves of a head are rotated against each other; laid side by side they are complex numbers, rotated in one pass.
        self._paired = paired = torch.arange(self._size).view(2, -1).t().flatten()

        def rotated(weight: Tensor) -> Tensor:
            return weight.view(-1, self._size, weight.shape[-1])[:, paired].flatten(0, 1)

        def norm(name: str) -> Tensor:
            return weights[name].float() + 1.0

        self._layers = []
        for number in range(config["num_hidden_layers"]):
            at = f"layers.{number}"
            own = f"{at}.self_attn"
            q, k, v = (weights[f"{own}.{part}_proj.weight"] for part in "qkv")
            gate, up = (weights[f"{at}.mlp.{part}_proj.weight"] for part in ("gate", "up"))
            before, enter = norm(f"{at}.input_layernorm.weight"), norm(f"{at}.pre_feedforward_layernorm.weight")
            scales = [norm(f"{own}.q_norm.weight")[paired]] * self._heads + [norm(f"{own}.k_norm.weight")[paired]] * self._shared
            self._layers.append(
                (
                    before,
                    Linear(torch.cat([rotated(q), rotated(k), v]), None, quantised),
                    torch.stack(scales),
                    Linear(weights[f"{own}.o_proj.weight"], None, quantised),
                    norm(f"{at}.post_attention_layernorm.weight"),
                    enter,
                    Linear(torch.cat([gate, up]), None, quantised),
                    Linear(weights[f"{at}.mlp.down_proj.weight"], None, quantised),
                    norm(f"{at}.post_feedforward_layernorm.weight"),
                )
            )
        self._near = [kind == "sliding_attention" for kind in config["layer_types"]]
        self._last = norm("norm.weight")
        self._turns = {near: self._rotations(config["rope_local_base_freq" if near else "rope_theta"], longest) for near in (True, False)}

    def _rotations(self, base: float, longest: int) -> Tensor:
        import torch

        speeds = base ** -(torch.arange(0, self._size, 2).double() / self._size)
        angles = torch.outer(torch.arange(longest).double(), speeds)
        return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)

    def __call__(self, ids: Tensor, lengths: Tensor) -> Tensor:
        from torch.nn.functional import rms_norm

        x = self.adapted(ids, lengths, [{}] * len(self._layers))
        normed: Tensor = rms_norm(x, (x.shape[-1],), self._last, self._eps)
        return normed

    def move(self, device: torch.device) -> None:
        self._words, self._last = self._words.to(device), self._last.to(device)
        self._layers = _moved(self._layers, device)
        self._turns = {near: turns.to(device) for near, turns in self._turns.items()}

    def arranged(self, adapter: Adapter) -> Adapter:
        """Bring the columns for queries and keys into the order of the rotated rows."""
        import torch

        turned = (self._heads + self._shared) * self._size
        places = torch.arange(turned).view(-1, self._size)[:, self._paired].flatten()
        order = torch.cat([places, torch.arange(turned, turned + self._shared * self._size)])
        return [{part: (a, b[:, order] if part == "attend" else b) for part, (a, b) in layer.items()} for layer in adapter]

    def adapted(self, ids: Tensor, lengths: Tensor, adapter: Adapter) -> Tensor:
        import torch
        from torch.nn.functional import rms_norm

        n, length = ids.shape
        x = self._words[ids].float().flatten(0, 1)
        size = x.shape[1]
        x = x * size**0.5
        masks = {near: _mask(length, lengths, self._window if near else None) for near in (True, False)}
        turned = self._heads + self._shared
        for near, layer, added in zip(self._near, self._layers, adapter, strict=False):
            before, attend, scales, mix, after, enter, widen, narrow, leave = layer
            heads = attend(rms_norm(x, (size,), before, self._eps), added.get("attend")).view(n, length, -1, self._size)
            qk = rms_norm(heads[:, :, :turned], (self._size,), None, self._eps).mul_(scales)
            turns = self._turns[near][:length, None]
            qk = torch.view_as_real(torch.view_as_complex(qk.view(n, length, turned, -1, 2)).mul_(turns)).flatten(-2).transpose(1, 2)
            q, k = qk[:, : self._heads], qk[:, self._heads :]
            v = heads[:, :, turned:].transpose(1, 2)
            seen = _attention(q, k, v, masks[near], self._scale, self._exact).flatten(0, 1)
            x = x + rms_norm(mix(seen, added.get("mix")), (size,), after, self._eps)
            gate, up = widen(rms_norm(x, (size,), enter, self._eps), added.get("widen")).chunk(2, dim=-1)
            wide = _gelu(gate).mul_(up)
            x = x + rms_norm(narrow(wide, added.get("narrow")), (size,), leave, self._eps)
        states: Tensor = x.view(n, length, size)
        return states


def _moved(value: Any, device: torch.device) -> Any:
    """Return tensors and matrices in lists and tuples on a device."""
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(one, device) for one in value)
    return value.move(device) if isinstance(value, Linear) else value.to(device)


def _mask(length: int, lengths: Tensor, window: int | None) -> Tensor | None:
    """Return which tokens each token may attend to, shape (n, 1, 1 or length, length): no padding, nothing outside the window.

    None means that every token may attend to every other.
    """
    import torch

    place = torch.arange(length)
    mask = None
    if bool((lengths < length).any()):
        mask = (place < lengths[:, None])[:, None, None, :]
    if window is not None and length > window + 1:
        near = ((place[:, None] - place).abs() <= window)[None, None]
        mask = near if mask is None else mask & near
    return mask
