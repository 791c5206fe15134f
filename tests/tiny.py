"""A language model of a few hundred kilobytes with drawn weights, in the GGUF format: it says nothing sensible, but llama.cpp runs
it like any other, so that what is between us and the engine is tested without a download. Of each kind of memory there is one: keys and
values, a recurrent state, and both."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_ALIGNED = 32
_EMBEDDING, _LAYERS, _HEADS, _INNER = 64, 2, 4, 128
_HEAD = _EMBEDDING // _HEADS
KINDS = {"llama": "attention", "mamba": "recurrent", "lfm2": "hybrid", "qwen35": "hybrid", "granitehybrid": "hybrid", "falcon-h1": "hybrid"}
"""The architectures that can be written, with the kind of memory each has."""
Shapes = dict[str, tuple[int, ...]]
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)


def _bytes_as_letters() -> list[str]:
    """The letters that byte-level BPE writes the 256 bytes with (Radford et al., GPT-2, 2019)."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in kept else chr(next(spare)) for byte in range(256)]


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    """A value with its type: int, float, str, or a list of strings or ints."""
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_string(item) for item in value)
    return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)


def write_tiny_model(
    path: Path, seed: int = 1, architecture: str = "llama", template: str = _TEMPLATE, marks: tuple[str, ...] = ()
) -> Path:
    """Write the model; the same arguments give the same bytes. `marks` are more tokens of the vocabulary, each a text of its own."""
    letters = _bytes_as_letters()
    tokens = [*letters, letters[ord("t")] + letters[ord("h")], *marks, "<|im_start|>", "<|im_end|>"]
    settings = {
        "general.architecture": architecture,
        f"{architecture}.context_length": 4096,
        f"{architecture}.embedding_length": _EMBEDDING,
        f"{architecture}.block_count": _LAYERS,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * (len(tokens) - 2 - len(marks)) + [4] * len(marks) + [3, 3],
        "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.eos_token_id": len(tokens) - 1,
        "tokenizer.chat_template": template,
    }
    own, layers = {"llama": _llama, "mamba": _mamba, "lfm2": _lfm2, "qwen35": _qwen35, "granitehybrid": _granite, "falcon-h1": _falcon}[
        architecture
    ]()
    settings |= {f"{architecture}.{key}": value for key, value in own.items()}
    shapes: Shapes = {
        "token_embd.weight": (len(tokens), _EMBEDDING),
        ("token_embd_norm.weight" if architecture == "lfm2" else "output_norm.weight"): (_EMBEDDING,),
        "output.weight": (len(tokens), _EMBEDDING),
    }
    for layer, own_shapes in enumerate(layers):
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in own_shapes.items()}
    rng = np.random.default_rng(seed)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(settings))
    head += b"".join(_string(key) + _value(value) for key, value in settings.items())
    data = b""
    for name, shape in shapes.items():
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), 0, len(data))
        drawn = np.ones(shape) if len(shape) == 1 else rng.standard_normal(shape) * (0.6 if "embd" in name or "output.w" in name else 0.25)
        if name == "output.weight":
            drawn[-2:] = 0  # a text goes on until it is long enough
        if name.endswith("ssm_a"):
            drawn = -np.abs(drawn) - 0.1  # a state fades
        data += drawn.astype("<f4").tobytes()
        data += b"\0" * (-len(data) % _ALIGNED)
    path.write_bytes(head + b"\0" * (-len(head) % _ALIGNED) + data)
    return path


def _feed_forward() -> Shapes:
    return {"ffn_gate.weight": (_INNER, _EMBEDDING), "ffn_up.weight": (_INNER, _EMBEDDING), "ffn_down.weight": (_EMBEDDING, _INNER)}


def _attention(doubled: bool = False) -> Shapes:
    """The matrices of attention with half as many heads of keys as of questions; `doubled` for a gate in those of questions."""
    return {
        "attn_q.weight": (_EMBEDDING * (2 if doubled else 1), _EMBEDDING),
        "attn_k.weight": (_EMBEDDING // 2, _EMBEDDING),
        "attn_v.weight": (_EMBEDDING // 2, _EMBEDDING),
        "attn_output.weight": (_EMBEDDING, _EMBEDDING),
    }


_HEADS_OF_ALL = {"feed_forward_length": _INNER, "attention.head_count": _HEADS, "attention.head_count_kv": _HEADS // 2}


def _llama() -> tuple[dict[str, Any], list[Shapes]]:
    norms: Shapes = {"attn_norm.weight": (_EMBEDDING,), "ffn_norm.weight": (_EMBEDDING,)}
    return _HEADS_OF_ALL, [norms | _attention() | _feed_forward()] * _LAYERS


def _mamba() -> tuple[dict[str, Any], list[Shapes]]:
    inner, state, rank = 2 * _EMBEDDING, 16, 8
    layer: Shapes = {
        "attn_norm.weight": (_EMBEDDING,),
        "ssm_in.weight": (2 * inner, _EMBEDDING),
        "ssm_conv1d.weight": (inner, 4),
        "ssm_conv1d.bias": (inner,),
        "ssm_x.weight": (rank + 2 * state, inner),
        "ssm_dt.weight": (inner, rank),
        "ssm_dt.bias": (inner,),
        "ssm_a": (inner, state),
        "ssm_d": (inner,),
        "ssm_out.weight": (_EMBEDDING, inner),
    }
    sizes = {"ssm.conv_kernel": 4, "ssm.inner_size": inner, "ssm.state_size": state, "ssm.time_step_rank": rank}
    return sizes | {"feed_forward_length": 0, "attention.head_count": 0}, [layer] * _LAYERS


def _lfm2() -> tuple[dict[str, Any], list[Shapes]]:
    norms: Shapes = {"attn_norm.weight": (_EMBEDDING,), "ffn_norm.weight": (_EMBEDDING,)}
    convolution: Shapes = {
        "shortconv.conv.weight": (_EMBEDDING, 3),
        "shortconv.in_proj.weight": (3 * _EMBEDDING, _EMBEDDING),
        "shortconv.out_proj.weight": (_EMBEDDING, _EMBEDDING),
    }
    attention: Shapes = _attention() | {"attn_q_norm.weight": (_HEAD,), "attn_k_norm.weight": (_HEAD,)}
    sizes = _HEADS_OF_ALL | {"attention.head_count_kv": [0, _HEADS // 2], "shortconv.l_cache": 3}
    return sizes, [norms | _feed_forward() | convolution, norms | _feed_forward() | attention]


def _qwen35() -> tuple[dict[str, Any], list[Shapes]]:
    norms: Shapes = {"attn_norm.weight": (_EMBEDDING,), "post_attention_norm.weight": (_EMBEDDING,)}
    state, groups, heads = _HEAD, 2, 4
    channels = 2 * state * groups + state * heads
    linear: Shapes = {
        "attn_qkv.weight": (channels, _EMBEDDING),
        "attn_gate.weight": (state * heads, _EMBEDDING),
        "ssm_conv1d.weight": (channels, 4),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads,),
        "ssm_beta.weight": (heads, _EMBEDDING),
        "ssm_alpha.weight": (heads, _EMBEDDING),
        "ssm_norm.weight": (state,),
        "ssm_out.weight": (_EMBEDDING, state * heads),
    }
    attention: Shapes = _attention(doubled=True) | {"attn_q_norm.weight": (_HEAD,), "attn_k_norm.weight": (_HEAD,)}
    sizes = _HEADS_OF_ALL | {
        "attention.key_length": _HEAD,
        "attention.value_length": _HEAD,
        "rope.dimension_count": _HEAD,
        "rope.dimension_sections": [4, 4, 0, 0],
        "full_attention_interval": 2,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": state * heads,
        "ssm.state_size": state,
        "ssm.time_step_rank": heads,
        "ssm.group_count": groups,
    }
    return sizes, [norms | _feed_forward() | linear, norms | _feed_forward() | attention]


def _granite() -> tuple[dict[str, Any], list[Shapes]]:
    norms: Shapes = {"attn_norm.weight": (_EMBEDDING,), "ffn_norm.weight": (_EMBEDDING,)}
    inner, state, heads = 2 * _EMBEDDING, 16, 4
    channels = inner + 2 * state
    mamba: Shapes = {
        "ssm_in.weight": (inner + channels + heads, _EMBEDDING),
        "ssm_conv1d.weight": (channels, 4),
        "ssm_conv1d.bias": (channels,),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads, 1),
        "ssm_d": (heads, 1),
        "ssm_norm.weight": (1, inner),
        "ssm_out.weight": (_EMBEDDING, inner),
    }
    sizes = _HEADS_OF_ALL | {
        "attention.head_count_kv": [0, _HEADS // 2],
        "attention.key_length": _HEAD,
        "attention.value_length": _HEAD,
        "attention.scale": 0.25,
        "rope.dimension_count": _HEAD,
        "embedding_scale": 1.0,
        "residual_scale": 1.0,
        "logit_scale": 1.0,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": inner,
        "ssm.state_size": state,
        "ssm.time_step_rank": heads,
        "ssm.group_count": 1,
    }
    return sizes, [norms | _feed_forward() | mamba, norms | _feed_forward() | _attention()]


def _falcon() -> tuple[dict[str, Any], list[Shapes]]:
    """Every layer has both memories. Its norm before the feed-forward part is named without "weight"."""
    inner, state, heads = _EMBEDDING, 16, 4
    channels = inner + 2 * state
    layer: Shapes = {
        "attn_norm.weight": (_EMBEDDING,),
        "ffn_norm": (_EMBEDDING,),
        "ssm_in.weight": (inner + channels + heads, _EMBEDDING),
        "ssm_conv1d.weight": (channels, 4),
        "ssm_conv1d.bias": (channels,),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads, 1),
        "ssm_d": (heads, 1),
        "ssm_norm.weight": (1, inner),
        "ssm_out.weight": (_EMBEDDING, inner),
    }
    sizes = _HEADS_OF_ALL | {
        "attention.key_length": _HEAD,
        "attention.value_length": _HEAD,
        "rope.dimension_count": _HEAD,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": inner,
        "ssm.state_size": state,
        "ssm.time_step_rank": heads,
        "ssm.group_count": 1,
    }
    return sizes, [layer | _attention() | _feed_forward()] * _LAYERS
