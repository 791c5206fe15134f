"""The encoders against transformers on small models of random weights, in padded batches."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.models.encoder import Bert, Encoder, Gemma, Linear, _attention, _gelu, batches, has_int8, read_layout

GEMMA = {
    "model_type": "gemma3_text",
    "vocab_size": 100,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "query_pre_attn_scalar": 16,
    "sliding_window": 8,
    "use_bidirectional_attention": True,
    "hidden_activation": "gelu_pytorch_tanh",
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "rope_local_base_freq": 1e4,
    "layer_types": ["sliding_attention", "full_attention"],
    "max_position_embeddings": 64,
}
BERT = {
    "model_type": "bert",
    "vocab_size": 100,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
}
LENGTHS = [20, 12, 5]


def _reference(config):
    """The model of transformers with random weights, and its hidden states for three sequences of random tokens."""
    import torch
    import transformers

    torch.manual_seed(0)
    if config is GEMMA:
        model = transformers.Gemma3TextModel(transformers.Gemma3TextConfig(**config))
    else:
        model = transformers.BertModel(transformers.BertConfig(**config), add_pooling_layer=False)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.3)
    ids, lengths = torch.randint(3, 100, (3, 20)), torch.tensor(LENGTHS)
    seen = torch.arange(20) < lengths[:, None]
    with torch.inference_mode():
        return model.eval(), ids, lengths, seen, model(input_ids=ids, attention_mask=seen.long()).last_hidden_state


@pytest.mark.parametrize(("make", "config"), [(Gemma, GEMMA), (Bert, BERT)])
def test_hidden_states_are_those_of_transformers(make, config):
    import torch

    model, ids, lengths, seen, expected = _reference(config)
    with torch.inference_mode():
        exact = make(model.state_dict(), config, False, 64)(ids, lengths)
    assert torch.allclose(exact[seen], expected[seen], atol=1e-3)


@pytest.mark.skipif(not has_int8(), reason="this processor has no instructions for 8-bit integers")
@pytest.mark.parametrize(("make", "config"), [(Gemma, GEMMA), (Bert, BERT)])
def test_integers_keep_the_hidden_states(make, config):
    import torch

    model, ids, lengths, seen, expected = _reference(config)
    with torch.inference_mode():
        rounded = make(model.state_dict(), config, True, 64)(ids, lengths)
    assert torch.nn.functional.cosine_similarity(rounded[seen], expected[seen], dim=-1).min() > 0.99


@pytest.mark.skipif(not has_int8(), reason="this processor has no instructions for 8-bit integers")
def test_a_product_in_integers_worked_out_by_hand():
    import torch

    # Rows whose largest values are 127 and 254 are scaled by 1 and 2; both matrices and inputs are then whole numbers.
    linear = Linear(torch.tensor([[127.0, 0.0, -1.0], [0.0, 254.0, 2.0]]), torch.tensor([10.0, -1.0]), True)
    y = linear(torch.tensor([[127.0, 1.0, 2.0], [0.0, -254.0, 4.0], [0.0, 0.0, 0.0]]))
    assert y.tolist() == [[127 * 127 - 2 + 10, 254 + 4 - 1], [-4 + 10, -254 * 254 + 8 - 1], [10, -1]]


def test_batches_are_of_like_lengths_and_hold_no_more_tokens_than_allowed():
    assert list(batches([3, 9, 1, 4, 2], tokens=8)) == [[1], [3, 0], [4, 2]]  # 9 alone; 4 and 3 padded to 8; 2 and 1
    assert list(batches([], tokens=8)) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sentence-transformers folder of a small BERT that reads Arabic and English letters."""
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    model = _reference(BERT)[0]
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    letters = {letter: number for number, letter in enumerate("<>?abcdefghijklmnopqrstuvwxyzابتثجحخدذرزسشصضطظعغفقكلمنهوي")}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="< $A >", special_tokens=[("<", 0), (">", 1)])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [{"idx": n, "name": str(n), "path": f"{n}_{k}" if n else "", "type": f"x.{k}"} for n, k in enumerate(kinds)]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "config.json").write_text(json.dumps(BERT))
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 16}')
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 64, "pooling_mode_mean_tokens": true}')
    return tmp_path


def test_a_text_has_one_vector_in_any_company(folder):
    found = read_layout(folder)
    assert found is not None
    encoder = Encoder(folder, found, exact=True)
    texts = ["book", "كتاب قديم", "a much longer text than all the others", "b"]
    together = encoder.encode(texts)
    assert together.shape == (4, 64)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert np.allclose(encoder.encode([text])[0], vector, atol=1e-4)
    assert encoder.encode([]).shape == (0, 64)


@pytest.mark.parametrize("linear", [False, True])
def test_tokens_come_from_the_same_pass_as_the_vector(folder, linear):
    if linear:  # and go through the same linear layers, of which only the first numbers are asked for
        import torch
        from safetensors.torch import save_file

        (folder / "2_Dense").mkdir()
        (folder / "2_Dense" / "config.json").write_text('{"bias": false, "activation_function": "torch.nn.modules.linear.Identity"}')
        save_file({"linear.weight": torch.randn(8, 64)}, folder / "2_Dense" / "model.safetensors")
        modules = json.loads((folder / "modules.json").read_text())
        dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "x.Dense"}
        (folder / "modules.json").write_text(json.dumps([*modules[:2], dense, modules[2]]))
    encoder = Encoder(folder, read_layout(folder), exact=True)
    texts = ["كتاب قديم", "book", "a"]
    vectors, tokens = encoder.encode_tokens(texts, encoder.dimension)
    assert np.allclose(vectors, encoder.encode(texts), atol=1e-5)
    assert tokens[0].bounds.tolist() == [[0, 0], *([n, n + 1] for n in range(9)), [0, 0]]  # each letter, between two marks
    for vector, found in zip(vectors, tokens, strict=True):
        assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
        directions = np.linalg.lstsq(found.vectors.T, vector, rcond=None)
        assert np.allclose(found.vectors.T @ directions[0], vector, atol=1e-3)  # a sum of its tokens
        assert (directions[0] > 0).all() or len(found) > encoder.dimension
    _, few = encoder.encode_tokens(texts, 4)
    whole = tokens[1].vectors[:, :4]
    assert np.allclose(few[1].vectors, whole / np.linalg.norm(whole, axis=1, keepdims=True), atol=1e-4)
    assert encoder.encode_tokens([], 4)[1] == []


def test_a_long_text_is_cut_at_the_longest_the_model_reads(folder):
    encoder = Encoder(folder, read_layout(folder), exact=True)  # 16 tokens, two of them the marks around the text
    long = encoder.encode(["abcdefghijklmnopqrstuvwxyz", "abcdefghijklmn"])
    assert np.allclose(long[0], long[1], atol=1e-4)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", {**BERT, "hidden_act": "relu"}),
        ("config.json", {**GEMMA, "use_bidirectional_attention": False}),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}),
        ("modules.json", [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}]),
        ("config.json", {"model_type": "xlm-roberta"}),
        ("config.json", {}),
    ],
)
def test_what_is_not_known_is_left_to_sentence_transformers(folder, file, content):
    (folder / file).write_text(json.dumps(content))
    assert read_layout(folder) is None


def test_batches_side_by_side_are_those_of_any_computer_and_come_in_order(folder):
    import torch

    found = read_layout(folder)
    assert found is not None
    encoder, threads = Encoder(folder, found, exact=True), set()

    def work(batch: list[int]) -> int:
        threads.add((threading.current_thread().name, torch.get_num_threads()))
        return len(batch)

    # 14 tokens in two batches at least: no more than 7 in each, padding included.
    assert encoder.in_batches(work, [3, 2, 3, 2, 2, 2], 100) == [([0, 2], 2), ([1, 3, 4], 3), ([5], 1)]
    if torch.get_num_threads() > 1:
        assert all(name.startswith("shawahid-batch") and count == 1 for name, count in threads)
    assert encoder.in_batches(work, [5], 100) == [([0], 1)]
    assert encoder.in_batches(work, [], 100) == []


def test_what_fails_in_a_batch_is_raised(folder):
    found = read_layout(folder)
    assert found is not None

    def work(batch: list[int]) -> int:
        raise ValueError(batch[0])

    with pytest.raises(ValueError, match="0"):
        Encoder(folder, found, exact=True).in_batches(work, [3, 3, 3, 3], 6)


def test_heads_that_share_keys_are_computed_as_if_each_had_its_own():
    import torch

    torch.manual_seed(0)
    q, k, v = torch.randn(2, 3, 5, 4), torch.randn(2, 1, 5, 4), torch.randn(2, 1, 5, 4)
    padded = (torch.arange(5) < torch.tensor([5, 3])[:, None])[:, None, None, :]
    near = (torch.arange(5)[:, None] - torch.arange(5)).abs() <= 2
    for mask in (None, padded, padded & near[None, None]):
        own = torch.nn.functional.scaled_dot_product_attention(q, k.repeat(1, 3, 1, 1), v.repeat(1, 3, 1, 1), attn_mask=mask, scale=0.5)
        assert torch.allclose(_attention(q, k, v, mask, 0.5, True), own.transpose(1, 2).flatten(2), atol=1e-6)


def test_the_gelu_is_that_of_torch():
    import torch

    x = torch.tensor([-30.0, -1.0, 0.0, 1.0, 30.0])
    assert torch.allclose(_gelu(x), torch.nn.functional.gelu(x, approximate="tanh"), atol=1e-6)
    assert abs(_gelu(torch.tensor([1.0])).item() - 0.841192) < 1e-6  # x(1 + tanh(√(2/π)(x + 0.044715x³)))/2 at 1
