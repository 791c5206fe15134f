"""Models whose state can't be truncated: recurrent and hybrid ones, run by the real engine with drawn weights."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from rag.errors import GenerationFailed
from rag.models.llama.engine import BatchToken, LlamaEngine
from rag.models.llama.generator import LlamaCpp
from rag.models.llama.prompt_cache import PromptStates
from rag.schema import Message
from tests.engines import FakeEngine
from tests.tiny import KINDS, write_tiny_model

QUESTIONS = ["Who?", "كم راكبًا؟", "Where was the ferry?", "متى؟", "And then the other thing, the third thing?"]


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and values in full precision, so that what stands next to a token in a batch changes nothing."""
    parameters = llama_cpp.llama_context_default_params

    def exact() -> Any:
        made = parameters()
        made.type_k = made.type_v = llama_cpp.GGML_TYPE_F32
        made.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return made

    monkeypatch.setattr(llama_cpp, "llama_context_default_params", exact)


@pytest.fixture(params=["mamba", "lfm2", "qwen35", "granitehybrid", "falcon-h1"])
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / f"{request.param}.gguf", architecture=request.param)


@pytest.fixture
def generator(weights: Path) -> Iterator[LlamaCpp]:
    opened = LlamaCpp(weights, "tiny", context=4096, threads=1)
    yield opened
    opened.close()


def ask(text: str) -> list[Message]:
    return [{"role": "system", "content": "You know everything about harbours. " * 3}, {"role": "user", "content": text}]


def by_hand(engine: LlamaEngine, messages: list[Message], most: int) -> str:
    """What the model writes in a sequence that nothing else uses, one token after the other."""
    tokens, own = engine.prompt(messages), engine.sequences - 1
    engine.cut(own, 0)
    engine.decode([BatchToken(token, place, own, place == len(tokens) - 1) for place, token in enumerate(tokens)])
    following = [engine.greedy(len(tokens) - 1)]
    while len(following) < most and not engine.ends(following[-1]):
        engine.decode([BatchToken(following[-1], len(tokens) + len(following) - 1, own, True)])
        following.append(engine.greedy(0))
    engine.cut(own, 0)
    return b"".join(engine.piece(token) for token in following if not engine.ends(token)).decode("utf-8", "ignore")


@pytest.mark.parametrize("architecture", KINDS)
def test_the_library_says_which_models_have_whole_states(architecture: str, tmp_path: Path) -> None:
    engine = LlamaEngine(write_tiny_model(tmp_path / "tiny.gguf", architecture=architecture), "tiny", 256, 1, 32)
    whole = KINDS[architecture] != "attention"
    assert engine.whole_states is whole
    assert engine.sequences == (8 if whole else 32)
    tokens = engine.tokenize("the ferry")
    engine.decode([BatchToken(token, place, 0, False) for place, token in enumerate(tokens)])
    if whole:
        with pytest.raises(GenerationFailed, match="can't be cut to 3 tokens"):
            engine.cut(0, 3)
    else:
        engine.cut(0, 3)
    engine.cut(0, 0)  # emptying always works
    engine.close()


def test_text_is_what_the_engine_writes_token_by_token(generator: LlamaCpp) -> None:
    engine = generator.load()
    for question in [*QUESTIONS, *QUESTIONS]:  # the second time every prompt was read before
        expected = by_hand(engine, ask(question), 20)
        assert "".join(generator.stream(ask(question), max_tokens=20)) == expected
        assert generator.idle(30)


def test_several_at_once_write_what_each_writes_alone(generator: LlamaCpp) -> None:
    alone = ["".join(generator.stream(ask(question), max_tokens=20)) for question in QUESTIONS]
    together: dict[int, str] = {}

    def write(number: int) -> None:
        together[number] = "".join(generator.stream(ask(QUESTIONS[number % 5]), max_tokens=20))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]  # more than there are sequences
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [together[number] for number in range(20)] == alone * 4


def test_the_beginning_that_was_read_in_advance_is_continued_each_time(weights: Path, tmp_path: Path) -> None:
    texts, cached = [], []
    for _ in range(2):  # the second process finds the state on disk
        generator = LlamaCpp(weights, "tiny", context=4096, threads=1, states=tmp_path / "states")
        generator.prepare(ask("؟"), keep=True)
        beginning = len(generator.load().opening(ask("؟")))
        for question in QUESTIONS:
            stream = generator.stream(ask(question), max_tokens=10)
            texts.append("".join(stream))
            cached.append(stream.usage.cached_tokens)
        generator.close()
    assert cached == [beginning] * 10
    assert texts[:5] == texts[5:]
    plain = LlamaCpp(weights, "tiny", context=4096, threads=1)
    assert texts[:5] == ["".join(plain.stream(ask(question), max_tokens=10)) for question in QUESTIONS]
    plain.close()


def test_a_prompt_read_in_advance_is_not_read_again(generator: LlamaCpp) -> None:
    generator.prepare(ask("Who?"))
    stream = generator.stream(ask("Who?"), max_tokens=5)
    text = "".join(stream)
    assert stream.usage.cached_tokens == stream.usage.prompt_tokens - 1
    assert text == by_hand(generator.load(), ask("Who?"), 5)


def test_only_a_whole_state_is_continued() -> None:
    engine = FakeEngine(cells=100, sequences=4, whole_states=True)
    states = PromptStates(engine)

    def read(tokens: list[int], room: int) -> int:
        state = states.take(tokens, room)
        assert state is not None
        kept = len(state.tokens)
        for token in tokens[kept:]:
            engine._append(state.id, token)
        states.grow(state, tokens[kept:])
        states.give_back(state)
        return kept

    assert read([1, 2, 3], 0) == 0
    assert read([1, 2, 9], 5) == 0  # the state after 1 2 3 can't become the one after 1 2
    assert read([1, 2, 3, 4], 5) == 3
    assert read([1, 2, 3, 7], 5) == 3  # still there: a copy was continued
    assert read([1, 2, 3], 0) == 3
    assert read([1, 2, 3], 5) == 0  # its last token would have to be read again
    for number in range(10, 30):
        assert read([1, 2, 3, number], 5) == 3  # what is used each time is not the one that makes room
