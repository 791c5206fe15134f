"""The translator: the file of its adapter, and texts decoded together by an engine that is checked at every step."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import ModelCorrupt, ModelMissing
from rag.models import translator as module
from rag.models.llama.engine import BatchToken
from rag.models.llama.lora_file import lora_file
from rag.models.translator import LlamaTranslator, adapter_matrices, read_adapter
from tests.adapters_made import write_adapter

SMALL = {"hidden": 4, "queries": 6, "keys": 2, "inner": 3, "layers": 2}


# --- the file that llama.cpp reads ---------------------------------------------------------------------------------------


def read_gguf(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the metadata and tensors of a GGUF file, read by the format's description."""
    at = 24
    magic, version, tensors, facts = struct.unpack_from("<4sIQQ", content)
    assert (magic, version) == (b"GGUF", 3)

    def text() -> str:
        nonlocal at
        (length,) = struct.unpack_from("<Q", content, at)
        at += 8 + length
        return content[at - length : at].decode()

    metadata: dict[str, Any] = {}
    for _ in range(facts):
        key = text()
        (kind,) = struct.unpack_from("<I", content, at)
        at += 4
        if kind == 8:
            metadata[key] = text()
        else:
            assert kind == 6  # a float
            (metadata[key],) = struct.unpack_from("<f", content, at)
            at += 4
    infos = []
    for _ in range(tensors):
        name = text()
        dimensions, width, height, kind, offset = struct.unpack_from("<IQQIQ", content, at)
        at += 32
        assert (dimensions, kind, offset % 32) == (2, 1, 0)  # two dimensions of float16, aligned
        infos.append((name, width, height, offset))
    data = at + -at % 32
    return metadata, {
        name: np.frombuffer(content, "<f2", width * height, data + offset).reshape(height, width) for name, width, height, offset in infos
    }


def test_the_file_holds_each_factor_by_its_name_and_scales_by_one() -> None:
    a, b = np.array([[1, 2, 3]], dtype=np.float32), np.array([[0.5], [-4]], dtype=np.float32)
    metadata, tensors = read_gguf(lora_file("gemma3", {"blk.0.attn_q": (a, b), "blk.0.attn_k": (a * 2, b)}))
    assert metadata == {
        "general.architecture": "gemma3",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 1.0,  # the rank, so that alpha / rank is 1
    }
    assert list(tensors) == [f"blk.0.attn_{m}.weight.lora_{f}" for m in "qk" for f in "ab"]
    assert tensors["blk.0.attn_q.weight.lora_a"].tolist() == [[1, 2, 3]]
    assert tensors["blk.0.attn_q.weight.lora_b"].tolist() == [[0.5], [-4]]
    assert tensors["blk.0.attn_k.weight.lora_a"].tolist() == [[2, 4, 6]]


def test_matrices_that_were_trained_as_one_are_cut_where_the_model_has_several(tmp_path: Path) -> None:
    learned = read_adapter(write_adapter(tmp_path, 0.5, widths=SMALL))
    found = adapter_matrices(learned)
    assert len(found) == 2 * 7
    shapes = {name.removeprefix("blk.1."): (a.shape, b.shape) for name, (a, b) in found.items() if name.startswith("blk.1.")}
    assert shapes == {
        "attn_q": ((16, 4), (6, 16)),
        "attn_k": ((16, 4), (2, 16)),
        "attn_v": ((16, 4), (2, 16)),
        "attn_output": ((16, 6), (4, 16)),
        "ffn_gate": ((16, 4), (3, 16)),
        "ffn_up": ((16, 4), (3, 16)),
        "ffn_down": ((16, 3), (4, 16)),
    }
    attend = learned.factors["1.attend.b"]
    assert np.array_equal(np.concatenate([found[f"blk.1.attn_{m}"][1] for m in "qkv"]), attend)
    assert np.abs(attend).max() == pytest.approx(0.5, rel=1e-3)


# --- the file that ships -------------------------------------------------------------------------------------------------


def test_without_the_adapter_there_is_no_translator(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        LlamaTranslator(tmp_path / "g.gguf", "g", tmp_path, adapter=tmp_path / "none.safetensors")
    assert "pip install --force-reinstall ." in caught.value.text("ar")
    path = write_adapter(tmp_path, 0.5, widths=SMALL)
    path.with_suffix(".toml").unlink()
    with pytest.raises(ModelMissing):
        read_adapter(path)


def test_a_damaged_adapter_is_named_with_what_mends_it(tmp_path: Path) -> None:
    path = write_adapter(tmp_path, 0.5, widths=SMALL)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelCorrupt) as caught:
        read_adapter(path)
    for language in ("en", "ar"):
        assert str(path) in caught.value.text(language)
        assert "pip install --force-reinstall ." in caught.value.text(language)


def test_an_adapter_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt):
        read_adapter(write_adapter(tmp_path, 0.5, widths=SMALL, format="2"))


# --- translating ---------------------------------------------------------------------------------------------------------


class LetterEngine:
    """An engine whose tokens are letters; it continues a prompt with what a table says, and refuses a gap in a sequence."""

    rows = 512
    first = 1
    made: list[LetterEngine] = []  # noqa: RUF012  one for each test

    def __init__(self, path: Path, name: str, cells: int, threads: int, sequences: int, *, adapter: Path, chat: bool) -> None:
        self.adapter = adapter
        self.cells = cells
        self.memory: list[list[int]] = [[] for _ in range(sequences)]
        self.begun = [0] * sequences
        self.passes: list[int] = []
        self.last: list[BatchToken] = []
        self.prompts: list[str] = []
        self.stop_after: tuple[int, threading.Event] | None = None
        LetterEngine.made.append(self)

    says: dict[str, str] = {}  # noqa: RUF012  by prompt

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        assert not special
        return [ord(letter) for letter in text]

    def piece(self, token: int, special: bool = False) -> bytes:
        return chr(token).encode()

    def ends(self, token: int) -> bool:
        return token == 2

    def close(self) -> None:
        self.memory.clear()

    def cut(self, sequence: int, length: int) -> None:
        self.memory[sequence] = self.memory[sequence][:length]

    def decode(self, rows: Sequence[BatchToken]) -> None:
        for row in rows:
            assert row.position == len(self.memory[row.sequence])
            if not row.position:
                self.begun[row.sequence] = len(rows)  # a prompt comes alone
            self.memory[row.sequence].append(row.token)
        assert sum(map(len, self.memory)) <= self.cells
        assert len(rows) <= self.rows
        self.last = list(rows)
        self.passes.append(len(rows))
        if self.stop_after and len(self.passes) == self.stop_after[0]:
            self.stop_after[1].set()

    def drawn(self, row: int, language: str, rng: np.random.Generator, temperature: float) -> int:
        assert 0 < temperature < 1
        return self.greedy(row, f"draw {rng.integers(2)}")

    def log_probability(self, row: int, token: int) -> float:
        assert self.last[row].wanted
        return -1.0 if chr(token) in "aeiou" else -0.5

    def greedy(self, row: int, language: str = "") -> int:
        assert self.last[row].wanted
        tokens, begun = self.memory[self.last[row].sequence], self.begun[self.last[row].sequence]
        assert tokens[0] == self.first
        prompt = "".join(map(chr, tokens[1:begun]))
        self.prompts.append(prompt)
        rest = self.says.get(prompt, "…" * 1000)[len(tokens) - begun :]
        return ord(rest[0]) if rest else 2


@pytest.fixture
def translator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LlamaTranslator:
    monkeypatch.setattr(module, "LlamaEngine", LetterEngine)
    monkeypatch.setattr(LetterEngine, "says", {})
    monkeypatch.setattr(LetterEngine, "made", [])
    return LlamaTranslator(tmp_path / "g.gguf", "g", tmp_path / "cache", adapter=write_adapter(tmp_path, 0.5, widths=SMALL))


def test_the_prompt_names_both_languages_and_the_answer_ends_at_the_line(translator: LlamaTranslator) -> None:
    LetterEngine.says = {
        "English: the ferry\nArabic:": " العبّارة\nEnglish: more",
        "Arabic: العبّارة\nEnglish:": " the ferry\x02",
    }
    assert translator.translate(["the \n ferry"], "en", "ar") == ["العبّارة"]
    assert translator.translate(["العبّارة"], "ar", "en") == ["the ferry"]
    assert len(LetterEngine.made) == 1  # loaded once
    assert all(not kept for kept in LetterEngine.made[0].memory)


def test_several_texts_are_decoded_together_and_come_back_in_order(translator: LlamaTranslator) -> None:
    LetterEngine.says = {f"English: {word}\nArabic:": f" {word * 2}\n" for word in ("a", "bb", "c")}
    assert translator.translate(["a", "", "bb", " ", "c"], "en", "ar") == ["aa", "", "bbbb", "", "cc"]
    assert LetterEngine.made[0].passes[3:] == [3, 3, 3, 1, 1]  # the prompts, then one letter of each that goes on


def test_what_comes_to_no_end_or_does_not_fit_is_not_translated(translator: LlamaTranslator) -> None:
    LetterEngine.says = {"English: the\nArabic:": " ال\n"}
    assert translator.translate(["endless", "x" * 400, "the"], "en", "ar") == ["", "", "ال"]
    engine = LetterEngine.made[0]
    assert max(len(prompt) for prompt in engine.prompts) < 100  # the long one was never begun
    assert len(engine.passes) <= 2 + 16  # "endless" has 7 letters: 2.2 × 7 tokens, rounded up


def test_more_texts_than_fit_are_translated_in_turns(translator: LlamaTranslator) -> None:
    texts = [f"{letter}" * 60 for letter in "abcdefghijk"]
    LetterEngine.says = {f"Arabic: {text}\nEnglish:": f" {text[:3]}\n" for text in texts}
    assert translator.translate(texts, "ar", "en") == [text[:3] for text in texts]


def test_stop_ends_it(translator: LlamaTranslator) -> None:
    stop = threading.Event()
    LetterEngine.says = {"English: a\nArabic:": " a\n", "English: b\nArabic:": " bbbb\n"}
    translator.translate(["a"], "en", "ar")
    engine = LetterEngine.made[0]
    engine.stop_after = (len(engine.passes) + 4, stop)
    assert translator.translate(["a", "b"], "en", "ar", stop) == ["a", ""]
    assert all(not kept for kept in engine.memory)
    assert translator.translate(["a"], "en", "ar", stop) == [""]


def test_candidates_differ_and_are_scored_in_both_directions(translator: LlamaTranslator) -> None:
    """A token counts -1 for one of "aeiou" and -0.5 for another: " oui" and the line end (-1.5 for "\\n" and space are -0.5 each)."""
    LetterEngine.says = {"English: yes\nArabic:": " oui\n"}
    (found,), (none,) = translator.candidates(["yes"], "en", "ar"), translator.candidates([" "], "en", "ar")
    assert [one.text for one in found] == ["oui"]  # six alike are one
    assert found[0].forward == pytest.approx((-0.5 - 3 - 0.5) / 5)
    assert found[0].backward == pytest.approx((-0.5 - 0.5 - 1 - 0.5 - 0.5) / 5)  # " yes" and the line end
    assert none == []
    engine = LetterEngine.made[0]
    assert all(not kept for kept in engine.memory)
    stop = threading.Event()
    stop.set()
    assert translator.candidates(["yes"], "en", "ar", stop) == [[]]


def test_of_a_long_text_as_many_candidates_are_made_as_fit(translator: LlamaTranslator) -> None:
    text = "x" * 120  # 138 tokens of prompt and 264 of room: two fit into 1,024
    LetterEngine.says = {f"English: {text}\nArabic:": " abc\n"}
    ((found,),) = translator.candidates([text], "en", "ar")
    assert found.text == "abc"
    assert LetterEngine.made[0].passes[2:4] == [2, 2]  # after two prompts


def test_the_adapter_is_written_once_and_again_where_it_is_damaged(translator: LlamaTranslator) -> None:
    translator.translate(["a"], "en", "ar")
    path = LetterEngine.made[0].adapter
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    metadata, tensors = read_gguf(content)
    assert metadata["adapter.lora.alpha"] == 16.0
    assert len(tensors) == 2 * 7 * 2
    translator.close()
    translator.translate(["a"], "en", "ar")
    assert path.stat().st_mtime_ns == written
    path.write_bytes(content[:-5])
    translator.close()
    translator.translate(["a"], "en", "ar")
    assert path.read_bytes() == content
