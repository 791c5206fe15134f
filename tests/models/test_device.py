"""What the models compute on, with doubles for the GPUs that a test machine does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest
import torch

from rag.cli import doctor
from rag.config import Settings
from rag.errors import BadSetting, ModelCorrupt
from rag.factory import open_generator
from rag.models import embedder as embedders
from rag.models.device import ALL_LAYERS, chosen_device, engine_has_gpu
from rag.models.encoder import Bert, Encoder, Gemma, Linear
from rag.models.llama.engine import LlamaEngine
from rag.models.llama.generator import LlamaCpp
from tests.models.test_encoder import BERT, GEMMA, _reference, folder  # noqa: F401  a fixture
from tests.tiny import write_tiny_model


def gpus(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False, engine: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: engine)


@pytest.mark.parametrize(("cuda", "mps", "device"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps")])
def test_the_best_device_is_chosen(cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, cuda=cuda, mps=mps)
    assert chosen_device() == device
    assert chosen_device("cpu") == "cpu"
    with pytest.raises(BadSetting) as refused:
        chosen_device("mps" if device != "mps" else "cuda")
    assert device in refused.value.text("ar")


def test_settings_of_devices() -> None:
    assert Settings.load({}).gpu_layers == Settings.load({"SHAWAHID_GPU_LAYERS": "all"}).gpu_layers == ALL_LAYERS
    loaded = Settings.load({"SHAWAHID_GPU_LAYERS": "12", "SHAWAHID_DEVICE": "mps"})
    assert (loaded.gpu_layers, loaded.device) == (12, "mps")
    for name, value in (("GPU_LAYERS", "-1"), ("GPU_LAYERS", "many"), ("DEVICE", "gpu")):
        with pytest.raises(BadSetting, match=name):
            Settings.load({f"SHAWAHID_{name}": value})


# --- the generator --------------------------------------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.gguf")


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The layers that were asked for at each loading."""
    asked: list[int] = []
    load = llama_cpp.llama_model_load_from_file

    def loaded(path: bytes, parameters: Any) -> Any:
        asked.append(parameters.n_gpu_layers)
        return load(path, parameters)

    monkeypatch.setattr(llama_cpp, "llama_model_load_from_file", loaded)
    return asked


@pytest.mark.parametrize(("engine", "wanted", "used"), [(True, ALL_LAYERS, ALL_LAYERS), (True, 3, 3), (True, 0, 0), (False, ALL_LAYERS, 0)])
def test_layers_go_to_the_gpu_if_the_engine_was_built_for_one(
    tiny: Path, layers: list[int], engine: bool, wanted: int, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus(monkeypatch, engine=engine)
    assert engine_has_gpu() is engine
    opened, _ = open_generator(Settings(generator=str(tiny), gpu_layers=wanted, threads=1))
    assert isinstance(opened, LlamaCpp)
    assert opened.load().gpu_layers == used
    assert layers == [used]
    opened.close()


def test_a_model_that_does_not_fit_on_the_gpu_runs_on_the_processor(
    tiny: Path, layers: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gpus(monkeypatch, engine=True)
    create = llama_cpp.llama_init_from_model
    monkeypatch.setattr(llama_cpp, "llama_init_from_model", lambda *given: None if layers[-1] else create(*given))
    engine = LlamaEngine(tiny, "tiny", 256, 1, 1, gpu_layers=ALL_LAYERS)
    assert engine.gpu_layers == 0
    assert layers == [ALL_LAYERS, 0]
    assert "SHAWAHID_GPU_LAYERS" in caplog.text
    engine.close()
    monkeypatch.setattr(llama_cpp, "llama_init_from_model", lambda *given: None)
    with pytest.raises(ModelCorrupt):
        LlamaEngine(tiny, "tiny", 256, 1, 1, gpu_layers=ALL_LAYERS)


# --- embedder and reader --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "config"), [(Gemma, GEMMA), (Bert, BERT)])
def test_every_weight_moves_and_computes_the_same(make: Any, config: Any) -> None:
    model, ids, lengths, seen, expected = _reference(config)
    with torch.inference_mode():
        moved = make(model.state_dict(), config, False, 64)
        moved.move(torch.device("cpu"))
        with torch.device("cpu"):
            hidden = moved(ids, lengths)
        moved.move(torch.device("meta"))  # a device without a machine
    assert torch.allclose(hidden[seen], expected[seen], atol=1e-3)
    assert {tensor.device.type for name, tensor in tensors(vars(moved)) if name != "_paired"} == {"meta"}


def tensors(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Return every tensor in a structure, with the name of the attribute that holds it."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Linear):
        yield from tensors(vars(value), name)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from tensors(one, str(key))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors(one, name)


def test_a_device_that_fails_is_replaced_by_the_processor(
    folder: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gpus(monkeypatch, cuda=True)  # torch says so, and this build can't
    model = embedders._read(folder, 1, "")
    assert isinstance(model, Encoder)
    assert np.isfinite(model.encode(["نص"])).all()
    assert "cuda" in caplog.text


# --- the doctor -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "engine", "text"),
    [
        (False, False, "embedder and reader on cpu; generator on cpu"),
        (True, True, "embedder and reader on cuda; generator on gpu (all)"),
        (True, False, 'CMAKE_ARGS="-DGGML_CUDA=on" make run'),
    ],
)
def test_the_doctor_says_what_the_models_compute_on(cuda: bool, engine: bool, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, cuda=cuda, engine=engine)
    (check,) = doctor._computing("", ALL_LAYERS)
    assert text in f"{check.found('en')} {check.what_to_do('en')}"
    assert check.name("ar") == "الحساب"
    (check,) = doctor._computing("mps", ALL_LAYERS)
    assert check.mark is doctor.Standing.MISSING
