"""A question encoded in NumPy: the same states, vectors and tokens as with torch, which is not imported."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.encoder import Encoder, read_layout
from rag.models.numpy_transformers import bert, erf, gelu, gemma, mapped_weights
from rag.models.question_encoder import QuestionEmbedder, QuestionEncoder, _shares, for_one_question
from rag.testing import HashEmbedder
from tests.models.test_encoder import BERT, GEMMA, LENGTHS, _reference, folder

__all__ = ["folder"]


@pytest.mark.parametrize(("run", "config"), [(gemma, GEMMA), (bert, BERT)])
def test_hidden_states_are_those_of_transformers(run, config, tmp_path: Path):
    from safetensors.torch import save_file

    model, ids, _, _, expected = _reference(config)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    weights = mapped_weights(tmp_path / "model.safetensors")
    for row, length in enumerate(LENGTHS):  # the longest reaches beyond the window of 4 on either side
        states = run([ids[row, :length].tolist()], weights, config)
        assert states.dtype == np.float32
        assert np.allclose(states, expected[row, :length].numpy(), atol=1e-3)


@pytest.mark.parametrize("linear", [0, 1, 2])
def test_vector_and_tokens_are_those_of_the_encoder(folder, linear):
    import torch
    from safetensors.torch import save_file

    modules = json.loads((folder / "modules.json").read_text())
    for number, shape in enumerate([(8, 64), (6, 8)][:linear]):
        own = folder / f"{number}_Dense"
        own.mkdir()
        (own / "config.json").write_text('{"bias": false, "activation_function": "torch.nn.modules.linear.Identity"}')
        save_file({"linear.weight": torch.randn(*shape)}, own / "model.safetensors")
        modules.insert(-1, {"idx": 2, "name": "2", "path": own.name, "type": "x.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    layout = read_layout(folder)
    ours, theirs = QuestionEncoder(folder, layout), Encoder(folder, layout, exact=True)
    assert ours.dimension == theirs.dimension == (64, 8, 6)[linear]
    for text in ("كتاب قديم", "book", "a", "abcdefghijklmnopqrstuvwxyz"):  # the last is cut
        vector, tokens = ours.encode_tokens(text, 4)
        expected, (wanted,) = theirs.encode_tokens([text], 4)
        assert np.allclose(vector, expected[0], atol=1e-4)
        assert tokens.bounds.tolist() == wanted.bounds.tolist()
        assert np.allclose(tokens.vectors, wanted.vectors, atol=1e-4)
    assert len(ours.encode_tokens("book", 0)[1]) == 0


def test_a_question_has_the_prefix_and_many_passages_are_left_to_the_embedder(folder):
    whole = SentenceTransformerEmbedder(folder, "tiny", "ask ", "text ", token_size=4)
    quick = for_one_question(whole)
    assert isinstance(quick, QuestionEmbedder)
    assert (quick.name, quick.fingerprint, quick.dimension) == ("tiny", whole.fingerprint, 64)
    for question in ("كتاب قديم؟", "book?"):
        vector, tokens = quick.embed_query_tokens(question)
        expected, wanted = whole.embed_query_tokens(question)
        assert vector @ expected > 0.99
        assert np.allclose(vector, quick.embed_query(question))
        assert tokens.bounds.tolist() == wanted.bounds.tolist()  # letters only, counted from the question's first
    few, exact = quick.embed_passages(["book", "كتاب قديم"], ["A title", ""]), whole.embed_passages(["book", "كتاب قديم"], ["A title", ""])
    assert (few * exact).sum(1).min() > 0.99
    assert quick.embed_passages([]).shape == (0, 64)
    many = [f"book {n}" for n in range(17)]
    assert np.array_equal(quick.embed_passages(many), whole.embed_passages(many))
    assert np.array_equal(quick.embed_passages(["a" * 2_001]), whole.embed_passages(["a" * 2_001]))
    assert np.array_equal(quick.embed_passage_tokens(["book"])[0], whole.embed_passage_tokens(["book"])[0])


@pytest.mark.parametrize(("run", "config"), [(gemma, GEMMA), (bert, BERT)])
def test_texts_together_have_the_states_that_each_has_alone(run, config, tmp_path: Path):
    from safetensors.torch import save_file

    model, ids, _, _, _ = _reference(config)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    weights = mapped_weights(tmp_path / "model.safetensors")
    texts = [ids[row, :length].tolist() for row, length in enumerate(LENGTHS)]
    together = run(texts, weights, config)
    assert np.allclose(together, np.concatenate([run([text], weights, config) for text in texts]), atol=1e-4)


def test_the_error_function_is_that_of_the_standard_library():
    values = np.linspace(-5, 5, 2_001, dtype=np.float32)
    assert np.abs(erf(values) - [math.erf(value) for value in values.tolist()]).max() < 1e-6
    assert gelu(np.array([0.0, 1.0, -1.0], dtype=np.float32)) == pytest.approx([0.0, 0.841345, -0.158655], abs=1e-5)


def test_shares_are_of_about_as_many_tokens_and_none_is_empty():
    assert _shares([5, 9, 4, 3], 2) == [[1, 3], [0, 2]]  # 12 and 9
    assert _shares([7], 2) == [[0]]
    assert _shares([], 2) == []


@pytest.mark.parametrize("change", ["layout", "type", "damaged"])
def test_what_it_cannot_run_is_left_to_the_embedder(folder, change):
    import torch
    from safetensors.torch import load_file, save_file

    if change == "layout":
        (folder / "config.json").write_text('{"model_type": "xlm-roberta"}')
    elif change == "type":
        halved = {name: value.to(torch.bfloat16) for name, value in load_file(folder / "model.safetensors").items()}
        save_file(halved, folder / "model.safetensors")
    else:
        (folder / "model.safetensors").write_bytes(b"\x09\0\0\0\0\0\0\0{")
    embedder = SentenceTransformerEmbedder(folder, "tiny")
    assert for_one_question(embedder) is embedder


def test_an_embedder_of_ones_own_stays_what_it_is():
    embedder = HashEmbedder()
    assert for_one_question(embedder) is embedder


def test_torch_is_not_imported(folder):
    script = f"""
import sys
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.question_encoder import for_one_question
vector, tokens = for_one_question(SentenceTransformerEmbedder({str(folder)!r}, "tiny", token_size=4)).embed_query_tokens("كتاب؟")
print(len(vector), len(tokens), "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["64", "4", "False"]
