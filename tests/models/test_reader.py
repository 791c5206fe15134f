from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import rag.models.reader as rag_reader
from rag.errors import ModelCorrupt, ModelMissing
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.reader import FORMAT, EncoderReader, ScoredSpan, _apart, open_reader, read_weights, shipped
from rag.models.reader_input import GEMMA, LONGEST, LONGEST_CONTEXT, LONGEST_QUERY, InputBuilder, ReadText, _runs, around, block_indices
from rag.schema import Passage, Span
from rag.testing import HashEmbedder, WordReader


def _letters(texts):
    """A tokenizer in which every character is a token: <bos> 1, <eos> 2, any other its code."""
    return [SimpleNamespace(ids=[1, *map(ord, t), 2], offsets=[(0, 0), *((n, n + 1) for n in range(len(t))), (0, 0)]) for t in texts]


@pytest.mark.parametrize(
    ("question", "text", "context"), [("Why?", "Rain. Snow.", "Weather"), ("لماذا؟", "مطر. ثلج.", "الطقس"), ("", "Rain. Snow.", "")]
)
def test_an_input_is_question_then_context_then_text(question, text, context):
    half = text.index(" ")
    blocks = (Span(0, half), Span(half + 1, len(text)))
    (window,) = InputBuilder(_letters, GEMMA).windows(question, [ReadText(text, blocks, context)])[0]
    before = f"title: {context} | text: " if context else "title: none | text: "
    expected = [1, *map(ord, f"task: question answering | query: {question}"[:LONGEST_QUERY]), 2, *map(ord, before + text), 2]
    assert window.ids == expected
    assert [text[a:b] for a, b in window.offsets[window.start : window.end]] == list(text)
    assert window.blocks[window.start : window.end] == [0] * half + [-1] + [1] * (len(text) - half - 1)
    assert set(window.blocks[: window.start]) == {-1}


def test_a_claim_has_its_own_prompt_and_long_parts_are_cut():
    builder = InputBuilder(_letters, GEMMA)
    (window,) = builder.windows("q" * 500, [ReadText("x", (Span(0, 1),), "c" * 500)], claim=True)[0]
    text = "".join(chr(n) for n in window.ids)
    assert text.startswith("\x01task: fact checking | query: qq")
    assert len(text.split("\x02")[0]) == LONGEST_QUERY + 1
    assert text.count("c") - "task: fact checking".count("c") == LONGEST_CONTEXT


def test_no_text_is_no_window_and_an_empty_one_is_a_window_without_text():
    builder = InputBuilder(_letters, GEMMA)
    assert builder.windows("q", []) == []
    (window,) = builder.windows("q", [ReadText("", ())])[0]
    assert window.start == window.end


@pytest.mark.parametrize("word", ["word ", "كلمة "])
def test_a_long_text_is_covered_by_windows_that_break_between_blocks(word):
    text = word * 90
    size = len(word)
    blocks = tuple(Span(n, n + 5 * size - 1) for n in range(0, len(text), 5 * size))  # 18 blocks of five words
    windows = InputBuilder(_letters, GEMMA).windows("q", [ReadText(text, blocks)])[0]
    assert len(windows) > 1
    assert all(len(window.ids) <= LONGEST for window in windows)
    whole = {n for window in windows for n in range(len(blocks)) if window.blocks.count(n) == len(blocks[n])}
    assert whole == set(range(len(blocks)))  # every block stands whole in one window at least


def _passage(text: str, ends: list[int], start: int = 100) -> Passage:
    spans = tuple(Span(start + a, start + b) for a, b in zip([0, *(e + 1 for e in ends[:-1])], ends, strict=True)) if ends else ()
    return Passage(1, "d", Span(start, start + len(text)), text, "Title", "en", sentences=spans, path=("Part",))


@pytest.mark.parametrize("text", ["Aaa. Bbb. Ccc. Ddd.", "أول. ثاني ثالث رابع"])
def test_a_passage_as_a_text_to_read(text):
    passage = _passage(text, [4, 9, 14, 19])
    whole = ReadText.of(passage)
    assert (whole.text, whole.context) == (text, "Title › Part")
    assert [b.of(whole.text) for b in whole.blocks] == [text[0:4], text[5:9], text[10:14], text[15:19]]
    part = ReadText.part(passage, 1, 3)
    assert part.text == text[5:14]
    assert [b.of(part.text) for b in part.blocks] == [text[5:9], text[10:14]]
    assert ReadText.of(_passage("no sentences", [])).blocks == ()


def test_the_run_around_a_sentence():
    passage = _passage("Aaa. Bbb. Ccc. Ddd.", [4, 9, 14, 19])
    assert around(passage, 2, 3) == (2, 3)  # the sentence alone is longer than allowed
    assert around(passage, 2, 9) == (1, 3)
    assert around(passage, 2, 14) == (1, 4)
    assert around(passage, 0, 14) == (0, 3)
    assert around(passage, 3, 400) == (0, 4)


def test_runs_by_hand():
    assert _runs([], 4) == [(0, 0)]
    assert _runs([0, 0, 1], 4) == [(0, 3)]
    assert _runs([0, 0, 1, 1, 2, 2], 4) == [(0, 4), (2, 6)]  # the second begins with the last block of the first
    assert _runs([0] * 7, 4) == [(0, 4), (2, 6), (4, 7)]  # one block longer than the room: half-way steps


def test_tokens_belong_to_the_block_they_share_a_character_with():
    blocks = [Span(0, 4), Span(5, 9)]
    assert block_indices([(0, 4), (4, 6), (6, 9)], blocks) == [0, 1, 1]  # " w" begins with the space before its block
    assert block_indices([(0, 4), (4, 5), (5, 9)], blocks) == [0, -1, 1]
    assert block_indices([(0, 1)], []) == [-1]


def test_spans_apart_keeps_the_best_of_those_that_overlap():
    one, two, three = ScoredSpan(Span(0, 4), 0.2), ScoredSpan(Span(2, 6), 0.5), ScoredSpan(Span(6, 8), 0.1)
    assert _apart([one, two, three], 3) == (two, three)
    assert _apart([one, two, three], 1) == (two,)
    assert _apart([], 3) == ()


def _write(folder: Path, tensors, *, base: str = "small", layers: int = 1, form: str = FORMAT) -> Path:
    from safetensors.torch import save

    content = save(tensors, {"format": form, "base": base, "layers": str(layers)})
    path = folder / "reader.safetensors"
    path.write_bytes(content)
    path.with_suffix(".toml").write_text(f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n', encoding="utf-8")
    return path


def test_weights_are_scaled_row_by_row(tmp_path):
    import torch

    codes = torch.tensor([[127, -1], [2, 0]], dtype=torch.int8)
    path = _write(tmp_path, {"a": codes, "a.scale": torch.tensor([0.5, 2.0]).half(), "b": torch.tensor([1.5])})
    learned = read_weights(path)
    assert learned.tensors["a"].tolist() == [[63.5, -0.5], [4.0, 0.0]]
    assert learned.tensors["b"].tolist() == [1.5]
    assert (learned.base, learned.layers) == ("small", 1)


def test_a_missing_a_damaged_and_a_foreign_file_are_named(tmp_path):
    import torch

    with pytest.raises(ModelMissing, match=r"reader\.safetensors.*pip install"):
        read_weights(tmp_path / "reader.safetensors")
    path = _write(tmp_path, {"b": torch.ones(3)})
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelCorrupt, match="SHA-256"):
        read_weights(path)
    with pytest.raises(ModelCorrupt, match="other"):
        read_weights(_write(tmp_path, {"b": torch.ones(3)}, form="other"))


SIZE, RANK = 64, 2
GEMMA_SMALL = {
    "model_type": "gemma3_text", "hidden_size": SIZE, "num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 1,
    "head_dim": 32, "intermediate_size": 48, "query_pre_attn_scalar": 32, "sliding_window": 16, "rms_norm_eps": 1e-6, "rope_theta": 1e6,
    "rope_local_base_freq": 1e4, "layer_types": ["sliding_attention", "full_attention"],
}  # fmt: skip


def _small_weights():
    import torch

    torch.manual_seed(0)
    heads, size = (3 + 2) * 32, 32
    found = {"embed_tokens.weight": torch.randn(40000, SIZE) * 0.1, "norm.weight": torch.randn(SIZE) * 0.1}
    for n in range(2):
        shapes = {
            "self_attn.q_proj": (96, SIZE), "self_attn.k_proj": (32, SIZE), "self_attn.v_proj": (32, SIZE), "self_attn.o_proj": (SIZE, 96),
            "mlp.gate_proj": (48, SIZE), "mlp.up_proj": (48, SIZE), "mlp.down_proj": (SIZE, 48),
        }  # fmt: skip
        found |= {f"layers.{n}.{name}.weight": torch.randn(*shape) * 0.2 for name, shape in shapes.items()}
        norms = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")
        found |= {f"layers.{n}.{name}.weight": torch.randn(SIZE) * 0.1 for name in norms}
        found |= {f"layers.{n}.self_attn.{name}_norm.weight": torch.randn(size) * 0.1 for name in "qk"}
    assert heads == 160
    return found


def _small_adapter():
    import torch

    torch.manual_seed(1)
    shapes = {"attend": (SIZE, 160), "mix": (96, SIZE), "widen": (SIZE, 96), "narrow": (48, SIZE)}
    return [{part: (torch.randn(n, RANK) * 0.2, torch.randn(RANK, m) * 0.2) for part, (n, m) in shapes.items()} for _ in range(2)]


def test_an_adapter_is_the_same_as_adding_its_product_to_the_matrices():
    import torch

    from rag.models.encoder import Gemma

    weights, adapter = _small_weights(), _small_adapter()
    ids, lengths = torch.randint(3, 1000, (3, 20)), torch.tensor([20, 7, 1])
    merged = dict(weights)
    for n, layer in enumerate(adapter):
        added = {part: (a @ b).t() for part, (a, b) in layer.items()}
        for name, rows in (("q", slice(0, 96)), ("k", slice(96, 128)), ("v", slice(128, 160))):
            key = f"layers.{n}.self_attn.{name}_proj.weight"
            merged[key] = weights[key] + added["attend"][rows]
        merged[f"layers.{n}.self_attn.o_proj.weight"] = weights[f"layers.{n}.self_attn.o_proj.weight"] + added["mix"]
        for name, rows in (("gate", slice(0, 48)), ("up", slice(48, 96))):
            key = f"layers.{n}.mlp.{name}_proj.weight"
            merged[key] = weights[key] + added["widen"][rows]
        merged[f"layers.{n}.mlp.down_proj.weight"] = weights[f"layers.{n}.mlp.down_proj.weight"] + added["narrow"]
    with torch.inference_mode():
        plain = Gemma(weights, GEMMA_SMALL, False, 64)
        expected = Gemma(merged, GEMMA_SMALL, False, 64).adapted(ids, lengths, [{}, {}])
        given = plain.adapted(ids, lengths, plain.arranged(adapter))
        untouched = plain.adapted(ids, lengths, [{}, {}])
        lower = plain.adapted(ids, lengths, plain.arranged(adapter)[:1])
    seen = torch.arange(20) < lengths[:, None]
    assert torch.allclose(given[seen], expected[seen], atol=1e-4)
    assert not torch.allclose(given[seen], untouched[seen], atol=1e-2)
    assert not torch.allclose(lower[seen], given[seen], atol=1e-2)


class _Share:
    """An embedder that shares a small encoder."""

    def __init__(self) -> None:
        from rag.models.encoder import Encoder, Gemma

        self.encoder = object.__new__(Encoder)
        self.encoder._tokenizer = SimpleNamespace(encode_batch=_letters)  # type: ignore[assignment]
        self.encoder._transformer = Gemma(_small_weights(), GEMMA_SMALL, False, 256)
        self.lock = threading.Lock()

    def load(self):
        return self.encoder


@pytest.fixture
def reader(tmp_path: Path) -> EncoderReader:
    import torch

    torch.manual_seed(2)
    tensors = {}
    for n, layer in enumerate(_small_adapter()):
        for part, (a, b) in layer.items():
            tensors |= {f"{n}.{part}.a": a.t().contiguous(), f"{n}.{part}.b": b.t().contiguous()}
    tensors |= {"norm.weight": torch.ones(SIZE), "norm.bias": torch.zeros(SIZE)}
    heads = {
        "span": (2, SIZE),
        "block": (1, 2 * SIZE),
        "answers.0": (8, 2 * SIZE),
        "answers.2": (1, 8),
        "claim.0": (8, 2 * SIZE),
        "claim.2": (3, 8),
    }
    for name, shape in heads.items():
        tensors |= {f"{name}.weight": torch.randn(*shape) * 0.1, f"{name}.bias": torch.zeros(shape[0])}
    return EncoderReader(_Share(), _write(tmp_path, tensors, base="gemma-small", layers=2))


def _text(text: str, context: str = "") -> ReadText:
    half = len(text) // 2
    return ReadText(text, (Span(0, half), Span(half, len(text))), context)


def test_a_reading_of_several_texts_is_that_of_each_alone(reader):
    texts = [_text("Rain falls in April."), _text("يهطل المطر في أبريل، ولا يهطل في مايو."), _text("a" * 400)]
    together = reader.read("When?", texts)
    alone = [reader.read("When?", [text])[0] for text in texts]
    for one, other, text in zip(together, alone, texts, strict=True):
        assert one.answers == pytest.approx(other.answers, abs=1e-4)
        assert one.blocks == pytest.approx(other.blocks, abs=1e-4)
        assert len(one.blocks) == 2
        assert all(0 <= s.span.start < s.span.end <= len(text.text) for s in one.spans)
        assert [s.probability for s in one.spans] == sorted((s.probability for s in one.spans), reverse=True)


def test_a_verdict_sums_to_one(reader):
    for verdict in reader.judge("It rains.", [_text("Rain falls."), _text("لا مطر هنا")]):
        assert verdict.supported + verdict.contradicted + verdict.not_stated == pytest.approx(1.0, abs=1e-4)
        assert len(verdict.blocks) == 2


@pytest.mark.parametrize("text", [ReadText("", ()), ReadText("\n", ()), ReadText("日本語", (Span(0, 3),)), ReadText("x", (Span(0, 1),))])
def test_strange_texts_are_read_without_an_error(reader, text):
    (reading,) = reader.read("", [text])
    assert 0.0 <= reading.answers <= 1.0
    assert len(reading.blocks) == len(text.blocks)
    assert reader.judge("", [text])


def test_no_texts_no_readings(reader):
    assert reader.read("When?", []) == []
    assert reader.judge("It rains.", []) == []


def test_weights_that_do_not_fit_the_encoder_are_named(tmp_path):
    import torch

    path = _write(tmp_path, {"norm.weight": torch.ones(SIZE)}, layers=2)
    with pytest.raises(ModelCorrupt, match="does not fit"):
        EncoderReader(_Share(), path).read("When?", [_text("Rain falls.")])


def test_the_double_goes_by_words():
    double = WordReader()
    text = ReadText("Rain falls in April. Snow falls in May.", (Span(0, 20), Span(21, 39)), "Weather")
    (reading,) = double.read("When does snow fall?", [text])
    assert reading.answers == reading.blocks[1] > reading.blocks[0]
    assert double.judge("Snow falls in May.", [text])[0].supported == 1.0
    arabic = ReadText("يبلغ عدد المقاعد 40.", (Span(0, 20),))
    assert double.judge("يبلغ عدد المقاعد 50.", [arabic])[0].contradicted == 1.0
    assert double.judge("يقع المسجد في الشمال.", [arabic])[0].not_stated == 1.0


@pytest.mark.parametrize(("base", "terms"), [("embeddinggemma-300m", "Gemma Terms of Use"), ("multilingual-e5-small", "MIT")])
def test_the_weights_that_ship_fit_their_card(base, terms):
    import tomllib

    path = shipped(base)
    card = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
    learned = read_weights(path)
    assert (learned.base, learned.layers) == (card["base"], card["layers"])
    assert learned.base == base
    assert path.stat().st_size == card["bytes"]
    assert terms in card["terms"]
    assert card["sources"]
    assert all({"licence", "repository", "commit"} <= source.keys() for source in card["sources"].values())


def test_all_weights_that_ship_are_at_most_8_mib():
    assert sum(path.stat().st_size for path in Path(rag_reader.__file__).parent.glob("*.safetensors")) <= 8 * 2**20


def test_a_reader_is_opened_for_the_embedders_one_was_trained_on(tmp_path, monkeypatch):
    assert shipped("somebody's") is None
    (tmp_path / "modules.json").write_text("[]")
    own = SentenceTransformerEmbedder(tmp_path, "somebody's")
    assert open_reader(own) is None
    assert open_reader(HashEmbedder()) is None
    light = SentenceTransformerEmbedder(tmp_path, "multilingual-e5-small")
    assert open_reader(light).name == "reader-multilingual-e5-small"
    assert open_reader(light).fingerprint != open_reader(SentenceTransformerEmbedder(tmp_path, "embeddinggemma-300m")).fingerprint
    monkeypatch.setattr(rag_reader, "_SHIPPED", {"multilingual-e5-small": "nowhere.safetensors"})
    with pytest.raises(ModelMissing, match=r"nowhere\.safetensors.*pip install"):
        open_reader(light)
