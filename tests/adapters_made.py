"""Adapters of small random numbers, as the file that ships is written: 8-bit matrices, a scale for each row, and a card."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

WIDTHS = {"hidden": 640, "queries": 1024, "keys": 256, "inner": 2048, "layers": 18}
"""Those of Gemma 3 270M."""


def write_adapter(folder: Path, size: float, *, widths: dict[str, int] | None = None, **header: str) -> Path:
    """Write an adapter with its card; `size` is the largest number in it."""
    from safetensors.numpy import save

    of = widths or WIDTHS
    shapes = {
        "attend": (of["hidden"], of["queries"] + 2 * of["keys"]),
        "mix": (of["queries"], of["hidden"]),
        "widen": (of["hidden"], 2 * of["inner"]),
        "narrow": (of["inner"], of["hidden"]),
    }
    random = np.random.default_rng(7)
    tensors = {}
    for layer in range(of["layers"]):
        for part, (inputs, outputs) in shapes.items():
            for letter, shape in (("a", (16, inputs)), ("b", (outputs, 16))):
                name = f"{layer}.{part}.{letter}"
                tensors[name] = random.integers(-127, 128, shape, dtype=np.int8)
                tensors[f"{name}.scale"] = np.full(shape[0], size / 127, dtype=np.float16)
    about = {"format": "1", "base": "gemma-3-270m-q4_k_m", "layers": str(of["layers"]), "rank": "16"} | header
    content = save(tensors, about)
    path = folder / "translator.safetensors"
    path.write_bytes(content)
    path.with_suffix(".toml").write_text(f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n', encoding="utf-8")
    return path
