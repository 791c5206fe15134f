"""Write a LoRA adapter as the GGUF file that llama.cpp loads."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np

from rag.arrays import Vectors

_ALIGNMENT = 32
_STRING, _FLOAT32, _F16 = 8, 6, 1
"""Numbers of two types of metadata, and of one of tensors, in the GGUF format, version 3."""


def lora_file(architecture: str, matrices: Mapping[str, tuple[Vectors, Vectors]]) -> bytes:
    """Return the content of an adapter file for models of an architecture ("gemma3").

    `matrices` maps the name of a matrix of the model ("blk.0.attn_q"), which has shape (out, in), to two factors of shapes (rank, in) and
    (out, rank), whose product is added to it. They are stored in float16.
    """
    (rank,) = {len(a) for a, _ in matrices.values()}
    tensors: dict[str, bytes] = {}
    infos = io.BytesIO()
    offset = 0
    for name, factors in matrices.items():
        for letter, factor in zip("ab", factors, strict=True):
            key = f"{name}.weight.lora_{letter}"
            tensors[key] = np.ascontiguousarray(factor, dtype="<f2").tobytes()
            infos.write(_text(key) + struct.pack("<IQQIQ", 2, *reversed(factor.shape), _F16, offset))  # the fastest dimension first
            offset += len(_padded(tensors[key]))
    facts = {"general.architecture": architecture, "general.type": "adapter", "adapter.type": "lora"}
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(facts) + 1)
    head += b"".join(_text(key) + struct.pack("<I", _STRING) + _text(value) for key, value in facts.items())
    # The product is multiplied by alpha / rank: by 1.
    head += _text("adapter.lora.alpha") + struct.pack("<If", _FLOAT32, rank)
    return _padded(head + infos.getvalue()) + b"".join(map(_padded, tensors.values()))


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _ALIGNMENT)
