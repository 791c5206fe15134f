"""Prompt states: what is kept, what is forgotten, and what comes back from disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.models.llama.prompt_cache import Disk, PromptStates, common_length
from tests.engines import FakeEngine


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [([], [], 0), ([], [1], 0), ([1, 2, 3], [1, 2, 3], 3), ([1, 2, 3], [1, 2], 2), ([1, 9, 3], [1, 2, 3], 1), ([5], [6], 0)],
)
def test_the_common_beginning(first: list[int], second: list[int], length: int) -> None:
    assert common_length(first, second) == common_length(second, first) == length


def read(states: PromptStates, engine: FakeEngine, tokens: list[int], room: int = 0, back: bool = True) -> int | None:
    """Read a prompt as a scheduler does; how much of it was kept, None when there was no room."""
    state = states.take(tokens, room)
    if state is None:
        return None
    kept = len(state.tokens)
    for token in tokens[kept:]:
        engine._append(state.id, token)
    states.grow(state, tokens[kept:])
    assert engine.tokens(state.id) == state.tokens == tokens
    if back:
        states.give_back(state)
    return kept


def test_what_was_read_is_kept_and_shared() -> None:
    engine = FakeEngine(cells=100, sequences=4)
    states = PromptStates(engine)
    assert read(states, engine, [1, 2, 3, 4]) == 0
    assert read(states, engine, [1, 2, 3, 9]) == 3
    assert engine.occupied() == 5  # the beginning once
    assert read(states, engine, [1, 2, 3, 4]) == 4  # still there
    assert read(states, engine, [7]) == 0


def test_those_used_longest_ago_make_room() -> None:
    engine = FakeEngine(cells=10, sequences=8)
    states = PromptStates(engine)
    read(states, engine, [1, 2, 3])
    read(states, engine, [4, 5, 6])
    read(states, engine, [1, 2, 3])
    assert read(states, engine, [7, 8, 9, 10, 11]) == 0
    assert engine.occupied() == 3 + 5
    assert read(states, engine, [1, 2, 3]) == 3
    assert read(states, engine, [4, 5, 6]) == 0


def test_what_is_busy_is_not_given_up() -> None:
    engine = FakeEngine(cells=10, sequences=3)
    states = PromptStates(engine)
    assert read(states, engine, [1, 2, 3], room=3, back=False) == 0  # six of ten are promised
    assert read(states, engine, [4, 5], room=3) is None
    assert read(states, engine, [4, 5], room=2, back=False) == 0
    assert read(states, engine, [9]) is None
    assert read(states, engine, [1], room=0) == 1  # somebody's beginning costs nothing
    assert sorted(len(engine.tokens(id)) for id in range(3)) == [1, 2, 3]


def test_one_that_finds_no_room_destroys_nothing() -> None:
    engine = FakeEngine(cells=10, sequences=4)
    states = PromptStates(engine)
    read(states, engine, [1, 2, 3])
    read(states, engine, [4, 5, 6], room=2, back=False)
    assert read(states, engine, [7, 8, 9], room=4) is None
    assert read(states, engine, [1, 2, 3]) == 3


@given(
    st.lists(st.tuples(st.lists(st.integers(1, 3), min_size=1, max_size=12), st.integers(0, 4), st.booleans()), max_size=30),
)
def test_memory_is_never_overrun(prompts: list[tuple[list[int], int, bool]]) -> None:
    engine = FakeEngine(cells=24, sequences=4)
    states = PromptStates(engine)
    for tokens, room, back in prompts:
        busy = [state for state in states._states if state.busy]
        if read(states, engine, tokens, room, back) is None:
            assert busy  # without a busy state there is always room
            for state in busy:
                states.give_back(state)
            assert read(states, engine, tokens, room, back) is not None
        for state in states._states:
            assert engine.tokens(state.id) == state.tokens
            assert len(state.cells) == len(state.tokens)
        assert engine.occupied() == states._occupied() <= 24


# --- on disk --------------------------------------------------------------------------------------------------------------


def test_a_state_comes_back_in_another_process(tmp_path: Path) -> None:
    engine = FakeEngine()
    states = PromptStates(engine, Disk(tmp_path / "states", "key"))
    read(states, engine, [1, 2, 3])
    (held,) = (state for state in states._states if state.tokens)
    states.keep(held)
    later = FakeEngine()
    states = PromptStates(later, Disk(tmp_path / "states", "key"))
    states.recall([1, 2, 3])
    assert read(states, later, [1, 2, 3]) == 3
    assert read(states, later, [1, 2, 4]) == 2
    states.recall([1, 2])  # nobody kept it; memory holds more anyway
    states.recall([9])
    assert read(states, later, [9]) == 0


def test_another_key_or_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "key")
    disk.write([1, 2], b"state")
    assert disk.has([1, 2])
    assert disk.read([1, 2]) == b"state"
    assert Disk(tmp_path, "other").read([1, 2]) is None
    assert disk.read([1]) is None
    (file,) = tmp_path.glob("*.state")
    for content in (b"", b"x", file.read_bytes()[:-1], file.read_bytes()[:-1] + b"!"):
        file.write_bytes(content)
        assert disk.read([1, 2]) is None
        assert not file.exists()


def test_a_state_the_engine_refuses_is_read_anew(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "key")
    disk.write([1, 2], b"of another shape")
    engine = FakeEngine()
    engine.restore = lambda sequence, state: False  # type: ignore[method-assign]
    states = PromptStates(engine, disk)
    states.recall([1, 2])
    assert read(states, engine, [1, 2]) == 0


def test_only_so_many_files_are_kept(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "key", most=3)
    for number in range(6):
        disk.write([number], b"state")
    assert len(list(tmp_path.iterdir())) == 3
    assert disk.has([5])


def test_a_place_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    disk = Disk(tmp_path / "file", "key")
    disk.write([1], b"state")
    assert disk.read([1]) is None
