"""The trainable body of the reader: a frozen encoder with low-rank additions, and four heads on its last states.

What is computed equals `rag`'s own encoder with the additions, so what is learned here can be read by the product as it is.
Matrices are multiplied in bfloat16 where the processor has instructions for it (a frozen weight needs no more); sums, norms and
what is learned stay in float32.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

HEADS = {"span": 2, "block": 1, "answers": 1, "claim": 3}
"""Numbers that each head gives: for every token, every block, every text, every text."""
WIDTH = 256
"""Hidden units of the two heads that judge a whole text."""


@dataclass(frozen=True)
class Shape:
    """What of a body is used and trained."""

    layers: int
    """The lowest layers that are computed; the rest is not loaded."""
    rank: int
    trained_from: int = 0
    """The first layer with additions."""


class LowRank(nn.Module):
    """A frozen matrix `w` of shape (out, in) and the learned `b @ a` beside it, of the given rank; rank 0 learns nothing."""

    def __init__(self, weight: Tensor, bias: Tensor | None, rank: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("weight", weight.to(dtype).contiguous(), persistent=False)
        self.register_buffer("bias", None if bias is None else bias.float(), persistent=False)
        self.a = self.b = None
        if rank:
            self.a = nn.Parameter(torch.empty(rank, weight.shape[1]))
            self.b = nn.Parameter(torch.zeros(weight.shape[0], rank))
            nn.init.normal_(self.a, std=weight.shape[1] ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        kind = self.weight.dtype
        x = x.to(kind)
        y = functional.linear(x, self.weight)
        if self.a is not None and self.b is not None:
            y = y + functional.linear(functional.linear(x, self.a.to(kind)), self.b.to(kind))
        y = y.float()
        return y if self.bias is None else y + self.bias


def _gelu(x: Tensor) -> Tensor:
    """GELU in its approximation by tanh, written with the logistic function: compiled for a CPU, the gradient of tanh overflows."""
    return x * torch.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


class GemmaLayer(nn.Module):
    """One layer of `GemmaBody`."""

    def __init__(self, weights: dict[str, Tensor], at: str, config: dict[str, Any], rank: int, dtype: torch.dtype) -> None:
        super().__init__()
        self._eps: float = config["rms_norm_eps"]
        self._heads: int = config["num_attention_heads"]
        self._shared: int = config["num_key_value_heads"]
        self._head: int = config["head_dim"]
        self._scale: float = config["query_pre_attn_scalar"] ** -0.5
        own = f"{at}.self_attn"
        q, k, v = (weights[f"{own}.{part}_proj.weight"] for part in "qkv")
        gate, up = (weights[f"{at}.mlp.{part}_proj.weight"] for part in ("gate", "up"))
        self.attend = LowRank(torch.cat([q, k, v]), None, rank, dtype)
        self.mix = LowRank(weights[f"{own}.o_proj.weight"], None, rank, dtype)
        self.widen = LowRank(torch.cat([gate, up]), None, rank, dtype)
        self.narrow = LowRank(weights[f"{at}.mlp.down_proj.weight"], None, rank, dtype)
        names = {
            "before": f"{at}.input_layernorm",
            "after": f"{at}.post_attention_layernorm",
            "enter": f"{at}.pre_feedforward_layernorm",
            "leave": f"{at}.post_feedforward_layernorm",
            "norm_q": f"{own}.q_norm",
            "norm_k": f"{own}.k_norm",
        }
        for key, name in names.items():
            self.register_buffer(key, weights[f"{name}.weight"].float() + 1.0, persistent=False)

    def forward(self, x: Tensor, mask: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """States of shape (n, length, size) through the layer; `mask`, shape (n, 1, length, length), is added to what each sees."""
        n, length, _ = x.shape
        kind = self.attend.weight.dtype
        heads = self.attend(self._rms(x, self.before)).view(n, length, -1, self._head)
        q, k, v = heads.split([self._heads, self._shared, self._shared], 2)
        q = self._turned(self._rms(q, self.norm_q), cos, sin).to(kind).transpose(1, 2)
        k = self._turned(self._rms(k, self.norm_k), cos, sin).to(kind).transpose(1, 2).expand_as(q)
        v = v.to(kind).transpose(1, 2).expand_as(q)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(kind), scale=self._scale)
        mixed = mixed.transpose(1, 2).flatten(2)
        x = x + self._rms(self.mix(mixed), self.after)
        gate, up = self.widen(self._rms(x, self.enter)).chunk(2, -1)
        return x + self._rms(self.narrow(_gelu(gate) * up), self.leave)

    def _rms(self, x: Tensor, scale: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self._eps) * scale

    @staticmethod
    def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        left, right = x.chunk(2, -1)
        return x * cos + torch.cat([-right, left], -1) * sin


class GemmaBody(nn.Module):
    """Gemma 3 attending both ways (Gemma Team, 2025) with one shared key and value head, its lowest layers."""

    def __init__(self, weights: dict[str, Tensor], config: dict[str, Any], shape: Shape, dtype: torch.dtype) -> None:
        super().__init__()
        if config["num_key_value_heads"] != 1:
            raise ValueError("only models with one key and value head can be trained")
        self.size: int = config["hidden_size"]
        self._head: int = config["head_dim"]
        self._window: int = config["sliding_window"] // 2
        self.register_buffer("words", weights["embed_tokens.weight"].to(dtype), persistent=False)
        self._near = [kind == "sliding_attention" for kind in config["layer_types"]][: shape.layers]
        self._bases = (config["rope_theta"], config["rope_local_base_freq"])
        self.step: Callable[..., Tensor] = GemmaLayer.forward  # may be replaced by a compiled one, which serves all layers
        self.layers = nn.ModuleList(
            GemmaLayer(weights, f"layers.{n}", config, shape.rank if n >= shape.trained_from else 0, dtype) for n in range(shape.layers)
        )

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states, shape (n, length, size), float32, without the model's last norm."""
        length = ids.shape[1]
        x = functional.embedding(ids, self.words).float() * self.size**0.5
        place = torch.arange(length, device=ids.device)
        seen = (place < lengths[:, None])[:, None, None, :].expand(-1, 1, length, -1)
        near = ((place[:, None] - place).abs() <= self._window)[None, None]
        masks = [torch.zeros(mask.shape, device=ids.device).masked_fill(~mask, -1e9) for mask in (seen, seen & near)]
        turns = [self._turns(base, place) for base in self._bases]
        for local, layer in zip(self._near, self.layers, strict=True):
            x = self.step(layer, x, masks[local], *turns[local])
        return x

    def _turns(self, base: float, place: Tensor) -> tuple[Tensor, Tensor]:
        speeds = base ** -(torch.arange(0, self._head, 2, device=place.device).double() / self._head)
        angles = torch.outer(place.double(), speeds).repeat(1, 2)[:, None]
        return angles.cos().float(), angles.sin().float()


class BertLayer(nn.Module):
    """One layer of `BertBody`."""

    def __init__(self, weights: dict[str, Tensor], at: str, config: dict[str, Any], rank: int, dtype: torch.dtype) -> None:
        super().__init__()
        self._heads: int = config["num_attention_heads"]
        self._eps: float = config["layer_norm_eps"]
        own = f"{at}.attention.self"
        names = {
            "attend": [f"{own}.query", f"{own}.key", f"{own}.value"],
            "mix": [f"{at}.attention.output.dense"],
            "widen": [f"{at}.intermediate.dense"],
            "narrow": [f"{at}.output.dense"],
        }
        for key, found in names.items():
            weight, bias = (torch.cat([weights[f"{name}.{part}"] for name in found]) for part in ("weight", "bias"))
            setattr(self, key, LowRank(weight, bias, rank, dtype))
        for key, name in (("after", f"{at}.attention.output.LayerNorm"), ("leave", f"{at}.output.LayerNorm")):
            self.register_buffer(f"{key}_scale", weights[f"{name}.weight"].float(), persistent=False)
            self.register_buffer(f"{key}_shift", weights[f"{name}.bias"].float(), persistent=False)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """States of shape (n, length, size) through the layer; `mask`, shape (n, 1, length, length), is added to what each sees."""
        n, length, size = x.shape
        kind = self.attend.weight.dtype
        q, k, v = self.attend(x).view(n, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4).to(kind)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(kind))
        x = functional.layer_norm(x + self.mix(mixed.transpose(1, 2).flatten(2)), (size,), self.after_scale, self.after_shift, self._eps)
        x = x + self.narrow(functional.gelu(self.widen(x)))
        return functional.layer_norm(x, (size,), self.leave_scale, self.leave_shift, self._eps)


class BertBody(nn.Module):
    """BERT (Devlin et al., NAACL 2019), its lowest layers."""

    def __init__(self, weights: dict[str, Tensor], config: dict[str, Any], shape: Shape, dtype: torch.dtype) -> None:
        super().__init__()
        self.size: int = config["hidden_size"]
        self._eps: float = config["layer_norm_eps"]
        places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        self.register_buffer("words", weights["embeddings.word_embeddings.weight"].to(dtype), persistent=False)
        self.register_buffer("places", places.float(), persistent=False)
        self.register_buffer("scale", weights["embeddings.LayerNorm.weight"].float(), persistent=False)
        self.register_buffer("shift", weights["embeddings.LayerNorm.bias"].float(), persistent=False)
        self.step: Callable[..., Tensor] = BertLayer.forward
        self.layers = nn.ModuleList(
            BertLayer(weights, f"encoder.layer.{n}", config, shape.rank if n >= shape.trained_from else 0, dtype)
            for n in range(shape.layers)
        )

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states, shape (n, length, size), float32."""
        length = ids.shape[1]
        x = functional.embedding(ids, self.words).float() + self.places[:length]
        x = functional.layer_norm(x, (self.size,), self.scale, self.shift, self._eps)
        seen = (torch.arange(length, device=ids.device) < lengths[:, None])[:, None, None, :].expand(-1, 1, length, -1)
        mask = torch.zeros(seen.shape, device=ids.device).masked_fill(~seen, -1e9)
        for layer in self.layers:
            x = self.step(layer, x, mask)
        return x


def _whole(states: Tensor, lengths: Tensor) -> Tensor:
    """The first state of each text and the mean of all, side by side."""
    inside = (torch.arange(states.shape[1], device=states.device) < lengths[:, None]).float()
    return torch.cat([states[:, 0], (states * inside[..., None]).sum(1) / lengths[:, None]], -1)


class Reader(nn.Module):
    """A body with its heads."""

    def __init__(self, body: GemmaBody | BertBody) -> None:
        super().__init__()
        self.body = body
        self.norm = nn.LayerNorm(body.size)
        self.span = nn.Linear(body.size, HEADS["span"])
        self.block = nn.Linear(2 * body.size, HEADS["block"])
        self.answers = nn.Sequential(nn.Linear(2 * body.size, WIDTH), nn.GELU(), nn.Linear(WIDTH, HEADS["answers"]))
        self.claim = nn.Sequential(nn.Linear(2 * body.size, WIDTH), nn.GELU(), nn.Linear(WIDTH, HEADS["claim"]))

    def forward(self, ids: Tensor, lengths: Tensor, blocks: Tensor) -> dict[str, Tensor]:
        """The heads' numbers: span (n, length, 2), block (n, most blocks), answers (n,), claim (n, 3).

        `blocks`, shape (n, length), has the number of the block each token is in, from 0; -1: in none.
        """
        states = self.norm(self.body(ids, lengths))
        whole = _whole(states, lengths)
        most = max(int(blocks.max()) + 1, 1)
        member = functional.one_hot(blocks.clamp(min=0), most).float() * (blocks >= 0)[..., None]
        means = torch.einsum("nlb,nlh->nbh", member, states) / member.sum(1).clamp(min=1)[..., None]
        first = states[:, :1].expand(-1, most, -1)
        return {
            "span": self.span(states),
            "block": self.block(torch.cat([means, first], -1))[..., 0],
            "answers": self.answers(whole)[:, 0],
            "claim": self.claim(whole),
        }

    def whole(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """What the heads that judge a whole text are given, shape (n, 2 × size)."""
        return _whole(self.norm(self.body(ids, lengths)), lengths)

    def learned(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Everything that is trained, by name."""
        return ((name, value) for name, value in self.named_parameters() if value.requires_grad)


def load(folder: Path, shape: Shape, device: str = "cpu") -> Reader:
    """A reader with new heads and additions on the encoder of a folder, which must be of type "gemma3_text" or "bert"."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    weights = load_file(folder / "model.safetensors")
    fast = device != "cpu" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    make = {"gemma3_text": GemmaBody, "bert": BertBody}[config["model_type"]]
    return Reader(make(weights, config, shape, torch.bfloat16 if fast else torch.float32)).to(device)
