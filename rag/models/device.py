"""What the models compute on: the processor, or a GPU that torch and llama.cpp can use."""

from __future__ import annotations

import importlib.util
from typing import Literal, get_args

from rag.errors import BadSetting

Device = Literal["", "cpu", "cuda", "mps"]
"""A choice of device; "" for the best there is."""
DEVICES: tuple[str, ...] = get_args(Device)
ALL_LAYERS = -1


def chosen_device(wanted: Device = "") -> str:
    """Return the device that torch computes on, "cpu", "cuda" or "mps". Raises BadSetting for one that is not there."""
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "":
        return next(name for name, found in there.items() if found)
    if not there[wanted]:
        raise BadSetting("error.device", device=wanted, found=", ".join(name for name, found in there.items() if found))
    return wanted


def engine_has_gpu() -> bool:
    """Return whether llama.cpp was built to compute on a GPU, as it is on a Mac; False where it is not installed."""
    if importlib.util.find_spec("llama_cpp") is None:
        return False
    import llama_cpp

    return bool(llama_cpp.llama_supports_gpu_offload())
