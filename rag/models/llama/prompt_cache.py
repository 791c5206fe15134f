"""Prompt states: the prompt beginnings that the model has read, in memory and on disk, so that none is read twice."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rag.files import make_private, write_atomically

log = logging.getLogger(__name__)


class Memory(Protocol):
    """The engine functions that prompt states need."""

    cells: int
    sequences: int
    whole_states: bool
    """Whether a sequence can only be continued, copied and emptied, not truncated."""

    def copy(self, source: int, target: int, length: int) -> None: ...
    def cut(self, sequence: int, length: int) -> None: ...
    def save(self, sequence: int) -> bytes: ...
    def restore(self, sequence: int, state: bytes) -> bool: ...


@dataclass(slots=True, eq=False)
class PromptState:
    """The tokens of one sequence in the model's memory.

    `cells` identifies where each token is stored; states with a copied common beginning share cells. `promised` is how many tokens it may
    still grow by; a `busy` state is never evicted.
    """

    id: int
    tokens: list[int] = field(default_factory=list)
    cells: list[int] = field(default_factory=list)
    used: int = 0
    promised: int = 0
    busy: bool = False


class PromptStates:
    """All sequences of a model's memory. Not safe to share between threads."""

    def __init__(self, memory: Memory, disk: Disk | None = None) -> None:
        self._memory = memory
        self._disk = disk
        self._states = [PromptState(id) for id in range(memory.sequences)]
        self._clock = 0
        self._cell = 0

    def take(self, tokens: Sequence[int], room: int) -> PromptState | None:
        """Return the state that shares the longest beginning with a prompt, with room for the rest and `room` more tokens.

        Returns None if busy states leave too little room. Reusable states are evicted only as far as necessary, least recently used first.
        Without busy states there is room for any prompt that fits into the memory.
        """
        most = len(tokens) - 1 if room else len(tokens)  # the last one is read again, for what comes after it
        source = max(self._states, key=lambda state: (self._usable(state, tokens, most), state.used))
        kept = self._usable(source, tokens, most)
        idle = sorted((s for s in self._states if not s.busy), key=lambda s: (s is source, bool(s.tokens), s.used))
        needed = len(tokens) - kept + room
        held = set(source.cells[:kept]).union(*(state.cells for state in self._states if state.busy))
        promised = sum(state.promised for state in self._states)
        if not idle or len(held) + promised + needed > self._memory.cells:
            return None
        target = idle[0]
        if target is not source:
            self._cut(target, 0)
            if kept:
                self._memory.copy(source.id, target.id, kept)
                target.tokens, target.cells = source.tokens[:kept], source.cells[:kept]
        self._cut(target, kept)
        if self._memory.whole_states:
            self._touch(source)  # a beginning that others continue outlives what they made of it
        target.busy, target.promised = True, needed
        self._touch(target)
        rest = sorted((state for state in idle[1:] if state.tokens), key=lambda state: state.used)
        while self._occupied() + promised + needed > self._memory.cells:
            self._cut(rest.pop(0), 0)
        return target

    def _usable(self, state: PromptState, tokens: Sequence[int], most: int) -> int:
        """Return how many tokens of a state a prompt can begin with: the common ones, of a whole state all or none."""
        common = common_length(state.tokens, tokens)
        if not self._memory.whole_states:
            return common
        return common if common == len(state.tokens) and common <= most else 0

    def give_back(self, state: PromptState) -> None:
        """Release a state: others may use it, and it may be evicted."""
        state.busy, state.promised = False, 0
        self._touch(state)

    def grow(self, state: PromptState, tokens: Sequence[int]) -> None:
        """Record that the engine has computed more tokens of a state."""
        state.tokens += tokens
        state.cells += range(self._cell, self._cell + len(tokens))
        self._cell += len(tokens)
        state.promised = max(state.promised - len(tokens), 0)

    def shrink(self, state: PromptState, length: int) -> None:
        """Truncate a busy state to its first tokens."""
        state.promised += len(state.tokens) - length
        self._cut(state, length)

    def forget(self, state: PromptState) -> None:
        """Release a state empty: after an error its contents are unknown."""
        self._cut(state, 0)
        state.busy, state.promised = False, 0

    def recall(self, tokens: Sequence[int]) -> None:
        """Load the state of exactly these tokens from disk, if it is there and not in memory."""
        if self._disk is None or any(self._usable(state, tokens, len(tokens)) == len(tokens) for state in self._states):
            return
        data = self._disk.read(tokens)
        state = self.take((), len(tokens)) if data is not None else None
        if data is None or state is None:
            return
        if self._memory.restore(state.id, data):
            self.grow(state, tokens)
            self.give_back(state)
        else:
            self.forget(state)

    def keep(self, state: PromptState) -> None:
        """Write a state to disk for later processes, unless it is there already."""
        if self._disk is not None and state.tokens and not self._disk.has(state.tokens):
            self._disk.write(state.tokens, self._memory.save(state.id))

    def _occupied(self) -> int:
        """Return the number of cells in use, counting shared ones once."""
        return len(set().union(*(state.cells for state in self._states)))

    def _cut(self, state: PromptState, length: int) -> None:
        if len(state.tokens) > length or not length:
            self._memory.cut(state.id, length)
            del state.tokens[length:], state.cells[length:]

    def _touch(self, state: PromptState) -> None:
        self._clock += 1
        state.used = self._clock


class Disk:
    """States in a folder, each in a file that appears complete or not at all.

    `key` names everything that a state depends on: weights, engine, settings. A state with another key is not found.
    """

    def __init__(self, folder: Path, key: str, most: int = 8) -> None:
        self._folder = folder
        self._key = key
        self._most = most
        """The number of files kept; the least recently used are deleted first."""

    def has(self, tokens: Sequence[int]) -> bool:
        return self._path(tokens).is_file()

    def read(self, tokens: Sequence[int]) -> bytes | None:
        """Return the state of exactly these tokens; None if there is none or its file is damaged, which is then deleted."""
        path = self._path(tokens)
        try:
            content = path.read_bytes()
            if hashlib.blake2b(content[_DIGEST:], digest_size=_DIGEST).digest() == content[:_DIGEST]:
                os.utime(path)
                return content[_DIGEST:]
            path.unlink()
        except OSError:
            pass
        return None

    def write(self, tokens: Sequence[int], state: bytes) -> None:
        """Store a state. On a full or read-only disk nothing is stored, which is no error."""
        path = self._path(tokens)
        try:
            make_private(self._folder)
            with write_atomically(path, durable=False) as partial:
                partial.write_bytes(hashlib.blake2b(state, digest_size=_DIGEST).digest() + state)
            files = sorted(self._folder.glob("*.state"), key=lambda file: file.stat().st_mtime)
            for old in files[: -self._most]:
                old.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a prompt state could not be kept: %s", error)

    def _path(self, tokens: Sequence[int]) -> Path:
        name = hashlib.blake2b(f"{self._key}:{','.join(map(str, tokens))}".encode(), digest_size=16).hexdigest()
        return self._folder / f"{name}.state"


_DIGEST = 32


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the common beginning."""
    least = min(len(first), len(second))
    if first[:least] == second[:least]:
        return least
    return next((place for place in range(least) if first[place] != second[place]), least)
