"""The reader in NumPy: what the one on torch says of the same windows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rag.errors import ModelCorrupt
from rag.models import question_reader
from rag.models import reader as rag_reader
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.encoder import Bert
from rag.models.numpy_transformers import mapped_weights, transformer
from rag.models.question_encoder import QuestionEncoder, for_one_question
from rag.models.question_reader import QuestionReader
from rag.models.reader import EncoderReader, open_reader
from rag.models.reader_input import ReadText
from rag.schema import Span
from tests.models.test_encoder import BERT, _reference, folder
from tests.models.test_reader import GEMMA_SMALL, SIZE, _letters, _Share, _small_adapter, _small_weights, _text, _write

__all__ = ["folder"]

TEXTS = [
    _text("Rain falls in April.", "Weather"),
    _text("يهطل المطر في أبريل، ولا يهطل في مايو.", "الطقس"),
    _text("a" * 400),  # several windows
    ReadText("", ()),
    ReadText("日本語", (Span(0, 3),)),
]


def _heads(size: int):
    import torch

    torch.manual_seed(3)
    shapes = {"span": (2, size), "block": (1, 2 * size), "answers.0": (8, 2 * size), "answers.2": (1, 8)}
    shapes |= {"claim.0": (8, 2 * size), "claim.2": (3, 8)}
    found = {"norm.weight": torch.rand(size) + 0.5, "norm.bias": torch.randn(size) * 0.1}
    for name, shape in shapes.items():
        found |= {f"{name}.weight": torch.randn(*shape) * 0.1, f"{name}.bias": torch.randn(shape[0]) * 0.1}
    return found


def _question_reader(matrices, config, share, path: Path, folder: Path) -> QuestionReader:
    """Return a reader over an encoder in NumPy with these matrices, in which every character is a token."""
    from safetensors.torch import save_file

    save_file({name: value.contiguous() for name, value in matrices.items()}, folder / "model.safetensors")
    encoder = object.__new__(QuestionEncoder)
    encoder._tokenizer = SimpleNamespace(encode_batch=_letters)  # type: ignore[assignment]
    encoder._weights = mapped_weights(folder / "model.safetensors")
    encoder._config, encoder._run, encoder._threads = config, transformer(config), 2
    return QuestionReader(SimpleNamespace(encoder=encoder, whole=share), path)  # type: ignore[arg-type]


@pytest.fixture(params=["gemma", "bert"])
def readers(request, tmp_path: Path) -> tuple[QuestionReader, EncoderReader]:
    import torch

    if request.param == "gemma":
        config, matrices, adapter, size = GEMMA_SMALL, _small_weights(), _small_adapter(), SIZE
        share = _Share()
    else:
        torch.manual_seed(4)
        model, *_ = _reference(BERT)
        config, matrices = model.config.to_dict() | {"model_type": "bert"}, dict(model.state_dict())
        size, wide = config["hidden_size"], config["intermediate_size"]
        words = "embeddings.word_embeddings.weight"
        matrices[words] = torch.randn(40_000, size) * 0.1
        places = "embeddings.position_embeddings.weight"
        matrices[places] = torch.randn(256, size) * 0.1
        shapes = {"attend": (size, 3 * size), "mix": (size, size), "widen": (size, wide), "narrow": (wide, size)}
        adapter = [
            {part: (torch.randn(n, 2) * 0.2, torch.randn(2, m) * 0.2) for part, (n, m) in shapes.items()}
            for _ in range(config["num_hidden_layers"])
        ]
        share = _Share()
        share.encoder._transformer = Bert(matrices, config, False, 256)
    tensors = _heads(size)
    for n, layer in enumerate(adapter):
        for part, (a, b) in layer.items():
            tensors |= {f"{n}.{part}.a": a.t().contiguous(), f"{n}.{part}.b": b.t().contiguous()}
    path = _write(tmp_path, tensors, base=f"{request.param}-small", layers=len(adapter))
    return _question_reader(matrices, config, share, path, tmp_path), EncoderReader(share, path)


@pytest.mark.parametrize("question", ["When?", "متى؟", ""])
def test_it_reads_as_the_reader_on_torch_does(readers, question):
    ours, theirs = readers
    assert (ours.name, ours.fingerprint, ours.base) == (theirs.name, theirs.fingerprint, theirs.base)
    for one, other in zip(ours.read(question, TEXTS), theirs.read(question, TEXTS), strict=True):
        assert one.answers == pytest.approx(other.answers, abs=1e-3)
        assert one.blocks == pytest.approx(other.blocks, abs=1e-3)
        assert [span.span for span in one.spans] == [span.span for span in other.spans]
        assert [span.probability for span in one.spans] == pytest.approx([span.probability for span in other.spans], abs=1e-3)
    for one, other in zip(ours.judge(question, TEXTS), theirs.judge(question, TEXTS), strict=True):
        assert (one.supported, one.contradicted, one.not_stated) == pytest.approx(
            (other.supported, other.contradicted, other.not_stated), abs=1e-3
        )
        assert one.blocks == pytest.approx(other.blocks, abs=1e-3)
    assert ours.read(question, []) == ours.judge(question, []) == []


def test_longer_work_is_left_to_the_reader_on_torch(readers, monkeypatch):
    ours, theirs = readers
    monkeypatch.setattr(question_reader, "_MOST", 100)
    short = [_text("Rain.")]  # 64 tokens or fewer with its question
    ours.read("When?", short)
    monkeypatch.setattr(QuestionEncoder, "adapted", lambda *_: pytest.fail("more than a hundred tokens"))
    for one, other in zip(ours.read("When?", TEXTS), theirs.read("When?", TEXTS), strict=True):
        assert one.answers == pytest.approx(other.answers, abs=1e-6)


def test_weights_that_do_not_fit_are_named(readers, tmp_path):
    ours, _ = readers
    (tmp_path / "other").mkdir()
    import torch

    path = _write(tmp_path / "other", {"norm.weight": torch.ones(SIZE)}, layers=2)
    unfit = QuestionReader(SimpleNamespace(encoder=ours._encoder, whole=None), path)
    with pytest.raises(ModelCorrupt, match="does not fit"):
        unfit.read("When?", [_text("Rain falls.")])


def test_it_is_opened_for_an_embedder_for_one_question(folder, monkeypatch):
    quick = for_one_question(SentenceTransformerEmbedder(folder, "multilingual-e5-small"))
    assert isinstance(open_reader(quick), QuestionReader)
    monkeypatch.setattr(rag_reader, "shipped", lambda name: None)
    assert open_reader(quick) is None


def test_opening_a_reader_imports_no_torch(folder):
    script = f"""
import sys
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.reader import open_reader
from rag.models.question_encoder import for_one_question
embedder = SentenceTransformerEmbedder({str(folder)!r}, "multilingual-e5-small")
print(open_reader(embedder).base, open_reader(for_one_question(embedder)).base, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["multilingual-e5-small"] * 2 + ["False"]


def test_spans_are_the_best_pairs_of_ends():
    window = rag_reader.InputWindow([], [(0, 1), (1, 2), (2, 3)], [], 0, 3)
    ends = np.log(np.array([[0.6, 0.1], [0.3, 0.2], [0.1, 0.7]], dtype=np.float32))
    judged = rag_reader.JudgedWindow(window, 0.5, {}, ends, (0.0, 0.0, 1.0))
    assert [(one.span, pytest.approx(one.probability, abs=1e-6)) for one in judged.spans(1)] == [(Span(0, 3), 0.6 * 0.7 * 0.5)]
