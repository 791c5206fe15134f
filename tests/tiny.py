"""A language model of a few hundred kilobytes with drawn weights, in the GGUF format: it says nothing sensible, but llama.cpp runs
it like any other, so that what is between us and the engine is tested without a download."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

_ALIGNED = 32
_EMBEDDING, _LAYERS, _HEADS, _INNER = 64, 2, 4, 128
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
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _string(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_string(item) for item in value)
    return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)


def write_tiny_model(path: Path, seed: int = 1) -> Path:
    """Write the model; the same `seed` gives the same bytes."""
    letters = _bytes_as_letters()
    tokens = [*letters, letters[ord("t")] + letters[ord("h")], "<|im_start|>", "<|im_end|>"]
    settings = {
        "general.architecture": "llama",
        "llama.context_length": 4096,
        "llama.embedding_length": _EMBEDDING,
        "llama.block_count": _LAYERS,
        "llama.feed_forward_length": _INNER,
        "llama.attention.head_count": _HEADS,
        "llama.attention.head_count_kv": _HEADS // 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * (len(tokens) - 2) + [3, 3],
        "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.eos_token_id": len(tokens) - 1,
        "tokenizer.chat_template": _TEMPLATE,
    }
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(tokens), _EMBEDDING),
        "output_norm.weight": (_EMBEDDING,),
        "output.weight": (len(tokens), _EMBEDDING),
    }
    for layer in range(_LAYERS):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (_EMBEDDING,),
            f"blk.{layer}.attn_q.weight": (_EMBEDDING, _EMBEDDING),
            f"blk.{layer}.attn_k.weight": (_EMBEDDING // 2, _EMBEDDING),
            f"blk.{layer}.attn_v.weight": (_EMBEDDING // 2, _EMBEDDING),
            f"blk.{layer}.attn_output.weight": (_EMBEDDING, _EMBEDDING),
            f"blk.{layer}.ffn_norm.weight": (_EMBEDDING,),
            f"blk.{layer}.ffn_gate.weight": (_INNER, _EMBEDDING),
            f"blk.{layer}.ffn_up.weight": (_INNER, _EMBEDDING),
            f"blk.{layer}.ffn_down.weight": (_EMBEDDING, _INNER),
        }
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(settings))
    head += b"".join(_string(key) + _value(value) for key, value in settings.items())
    data = b""
    for name, shape in shapes.items():
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), 0, len(data))
        drawn = np.ones(shape) if len(shape) == 1 else rng.standard_normal(shape) * (0.6 if "embd" in name or "output.w" in name else 0.25)
        if name == "output.weight":
            drawn[-2:] = 0  # a text goes on until it is long enough
        data += drawn.astype("<f4").tobytes()
        data += b"\0" * (-len(data) % _ALIGNED)
    path.write_bytes(head + b"\0" * (-len(head) % _ALIGNED) + data)
    return path
