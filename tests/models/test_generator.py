"""The language model's side without weights: loops, prefixes, scripts, damaged files, and the double that stands in for it."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelCorrupt, ModelMissing
from rag.models.generator import TokenCounts
from rag.models.llama.engine import is_foreign
from rag.models.llama.generator import LlamaCpp, weights_digest
from rag.schema import Message
from rag.testing import HashEmbedder, ScriptedGenerator

# --- parts of the engine --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("piece", "in_arabic", "in_english"),
    [
        (" hello", False, False),
        ("é", False, False),
        (" كتاب", False, True),
        ("؟", False, False),  # a mark is no letter
        ("ﻻ", False, True),
        ("123, …«»", False, False),
        ("中文", True, True),
        ("привет", True, True),
        ("ελ", True, True),
        ("ไทย", True, True),
        ("한국", True, True),
        ("", False, False),
        ("a中", True, True),
    ],
)
def test_letters_an_answer_does_not_use(piece: str, in_arabic: bool, in_english: bool) -> None:
    assert is_foreign(piece.encode(), "ar") is in_arabic
    assert is_foreign(piece.encode(), "en") is in_english


def test_letters_that_are_spread_over_tokens_are_known_by_their_first_byte() -> None:
    assert is_foreign("中".encode()[:1], "ar")
    assert is_foreign(b" " + "中".encode()[:2], "en")
    assert is_foreign("п".encode()[:1], "ar")
    assert not is_foreign("ك".encode()[:1], "ar")
    assert is_foreign("ك".encode()[:1], "en")
    assert not is_foreign("…".encode()[:2], "en")  # general punctuation
    assert not is_foreign("😀".encode()[:2], "ar")


# --- files ----------------------------------------------------------------------------------------------------------------


def test_a_missing_model_is_told_at_once(tmp_path: Path) -> None:
    for path in (tmp_path / "نموذج.gguf", tmp_path):
        with pytest.raises(ModelMissing) as caught:
            LlamaCpp(path)
        assert str(path) in str(caught.value)
        assert "shawahid models get" in caught.value.text("ar")


@pytest.mark.parametrize("content", [b"", b"no model", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 64, b"GGUF\x03\0\0\0" + b"\0" * 64])
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(content)
    generator = LlamaCpp(path)
    assert (generator.name, generator.context) == ("m", 8192)
    for _ in range(2):  # asked again, it says the same
        with pytest.raises(ModelCorrupt) as caught:
            generator.load()
        assert "truncated or not a GGUF file" in str(caught.value)
    stream = generator.stream([{"role": "user", "content": "x"}])
    with pytest.raises(ModelCorrupt):
        next(iter(stream))
    stream.close()
    generator.close()


def test_weights_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    digests = set()
    for content in (b"", b"a" * 9000, b"b" + b"a" * 8999, b"a" * 9001):
        path.write_bytes(content)
        digests.add(weights_digest(path))
        assert weights_digest(path) in digests
    assert len(digests) == 4


# --- the doubles ----------------------------------------------------------------------------------------------------------

ASK: list[Message] = [{"role": "user", "content": "Who? من؟"}]


def test_the_scripted_generator_writes_what_it_is_told() -> None:
    assert list(ScriptedGenerator("one two ثلاثة").stream(ASK)) == ["one ", "two ", "ثلاثة"]
    assert "".join(ScriptedGenerator({"nobody": "no", "من": "yes"}).stream(ASK)) == "yes"
    assert "".join(ScriptedGenerator({"nobody": "no"}).stream(ASK)) == ""
    assert "".join(ScriptedGenerator(lambda messages: messages[-1]["content"]).stream(ASK)) == "Who? من؟"
    assert list(ScriptedGenerator("a b c d").stream(ASK, max_tokens=2)) == ["a ", "b"]


def test_the_scripted_generator_keeps_what_it_was_asked() -> None:
    generator = ScriptedGenerator("a")
    generator.stream(ASK)
    assert generator.prompts == [ASK]


def test_stopping_and_closing_end_it() -> None:
    generator = ScriptedGenerator("a b c d")
    stop = threading.Event()
    stopped = generator.stream(ASK, stop=stop)
    pieces = iter(stopped)
    assert next(pieces) == "a "
    stop.set()
    assert list(pieces) == []
    assert (stopped.usage, generator.stopped) == (TokenCounts(0, 0, 1), 1)
    closed = generator.stream(ASK)
    pieces = iter(closed)
    next(pieces)
    closed.close()
    assert list(pieces) == []
    assert generator.stopped == 2


def test_closing_is_not_the_callers_stop() -> None:
    """Whoever drains and closes a stream must still be able to tell that the reader did not stop it."""
    stop = threading.Event()
    stream = ScriptedGenerator("a b").stream(ASK, stop=stop)
    assert list(stream) == ["a ", "b"]
    stream.close()
    assert not stop.is_set()


def test_the_hashing_embedder_finds_texts_alike_by_their_words() -> None:
    embedder = HashEmbedder(256, lexicon={"عاصمة": "capital"})
    one, two, three = embedder.embed_passages(["the capital city", "عاصمة", "a wooden boat"])
    question = embedder.embed_query("What is the capital?")
    assert question.shape == (256,)
    assert question.dtype == np.float32
    assert float(np.linalg.norm(question)) == pytest.approx(1, abs=1e-6)
    assert float(question @ two) == pytest.approx(1, abs=1e-6)
    assert float(question @ one) > 0.6 > 0.3 > float(question @ three)
    assert embedder.embedded == ["the capital city", "عاصمة", "a wooden boat"]
    assert embedder.embed_passages([]).shape == (0, 256)
    assert float(np.linalg.norm(embedder.embed_query(""))) == pytest.approx(1, abs=1e-6)
    assert HashEmbedder(64).fingerprint != HashEmbedder(65).fingerprint
