"""A question encoded in NumPy: the same states, vectors and tokens as with torch, which is not imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.encoder import Encoder, read_layout
from rag.models.question_encoder import QuestionEmbedder, QuestionEncoder, _bert, _gemma, for_one_question, mapped_weights
from rag.testing import HashEmbedder
from tests.models.test_encoder import BERT, GEMMA, LENGTHS, _reference, folder

__all__ = ["folder"]


@pytest.mark.parametrize(("run", "config"), [(_gemma, GEMMA), (_bert, BERT)])
def test_hidden_states_are_those_of_transformers(run, config, tmp_path: Path):
    from safetensors.torch import save_file

    model, ids, _, _, expected = _reference(config)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    weights = mapped_weights(tmp_path / "model.safetensors")
    for row, length in enumerate(LENGTHS):  # the longest reaches beyond the window of 4 on either side
        states = run(ids[row, :length].tolist(), weights, config)
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


def test_a_question_has_the_prefix_and_passages_are_left_to_the_embedder(folder):
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
    assert np.array_equal(quick.embed_passages(["book"]), whole.embed_passages(["book"]))
    assert np.array_equal(quick.embed_passage_tokens(["book"])[0], whole.embed_passage_tokens(["book"])[0])


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
