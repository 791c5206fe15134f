"""Vectors computed by a build that is not finished, kept on disk so that a killed one loses little."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rag.arrays import Vectors
from rag.errors import IndexCorrupt
from rag.files import create_private
from rag.models.embedder import Embedder, passage_tokens
from rag.models.token_vectors import pack_tokens
from rag.storage.checked_rows import chunks, marks
from rag.storage.codec import crc
from rag.storage.sqlite_errors import index_error, sqlite_errors

BLOCK = 64
"""Texts embedded between two savings, if they are not longer than `_CHARACTERS` together."""
_CHARACTERS = 12_000
"""A killed build loses so much, and a cancelled one goes on for so long: some five seconds of work on two cores."""
_SCHEMA = """CREATE TABLE IF NOT EXISTS staged (
  key BLOB PRIMARY KEY, vector BLOB NOT NULL, tokens BLOB, crc INTEGER NOT NULL
) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Text:
    """What is embedded: a text with its document's title, and whether the vectors of its tokens are wanted too."""

    text: str
    title: str
    tokens: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """A text's unit vector, shape (dimension,), and its packed tokens (`rag.models.token_vectors`); None if they were not requested."""

    vector: Vectors
    tokens: bytes | None = None


def embed_texts(embedder: Embedder, texts: Sequence[Text]) -> list[Embedded]:
    """Texts embedded, in order; tokens are kept of those that want them."""
    titles = [one.title for one in texts]
    if not any(one.tokens for one in texts):
        return [Embedded(vector) for vector in embedder.embed_passages([one.text for one in texts], titles)]
    vectors, tokens = passage_tokens(embedder, [one.text for one in texts], titles)
    return [Embedded(vector, pack_tokens(found) if one.tokens else None) for one, vector, found in zip(texts, vectors, tokens, strict=True)]


def _blocks(numbers: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the numbers of texts in order, at most BLOCK and `_CHARACTERS` together, or one that is longer alone."""
    block, size = list[int](), 0
    for number in numbers:
        if block and (len(block) == BLOCK or size + lengths[number] > _CHARACTERS):
            yield block
            block, size = [], 0
        block.append(number)
        size += lengths[number]
    if block:
        yield block


def key_of(fingerprint: str, text: str, title: str) -> bytes:
    """Return the hash of a text with its title, for an embedder."""
    return hashlib.sha256(f"{fingerprint}\0{title}\0{text}".encode()).digest()


class Staging:
    """Vectors under the hash of what they are the vector of. A context manager; a damaged file costs only time."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path = path
        self._embedder = embedder
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def remove(self) -> None:
        """Remove the file: what it holds is published."""
        for suffix in ("", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def key(self, text: str, title: str) -> bytes:
        """Return the hash of a text with its title, for this embedder."""
        return key_of(self._embedder.fingerprint, text, title)

    def keys(self) -> list[bytes]:
        """Everything whose vector is there."""
        if not self._path.exists():
            return []
        with sqlite_errors(self._path):
            return [key for (key,) in self._database().execute("SELECT key FROM staged")]

    def embed(
        self,
        texts: Sequence[Text],
        known: Mapping[bytes, Embedded] | None = None,
        progress: Callable[[int], None] = lambda done: None,
        save: bool = True,
    ) -> list[Embedded]:
        """One for each text, in order; saved block by block as they are computed, if `save`.

        `known` holds those that are there already, by key; `progress` is called with the number of texts that are done.
        """
        keys = [self.key(one.text, one.title) for one in texts]
        with_tokens = {key for key, one in zip(keys, texts, strict=True) if one.tokens}

        def serves(key: bytes, one: Embedded) -> bool:
            return one.tokens is not None or key not in with_tokens

        found = {key: one for key in keys if known and (one := known.get(key)) is not None and serves(key, one)}
        staged = self._staged([key for key in dict.fromkeys(keys) if key not in found])
        found.update({key: one for key, one in staged.items() if serves(key, one)})
        wanted = {key: n for n, key in enumerate(keys) if key not in found}
        missing = sorted(wanted.values(), key=lambda n: -len(texts[n].text))  # long with long: little padding
        done = len(texts) - len(missing)
        progress(done)
        for block in _blocks(missing, [len(one.text) for one in texts]):
            rows = embed_texts(self._embedder, [replace(texts[n], tokens=keys[n] in with_tokens) for n in block])
            fresh = {keys[n]: one for n, one in zip(block, rows, strict=True)}
            found.update(fresh)
            if save:
                self.put(fresh)
            done += len(block)
            progress(done)
        return [found[key] for key in keys]

    def _staged(self, keys: Sequence[bytes]) -> dict[bytes, Embedded]:
        found: dict[bytes, Embedded] = {}
        if not keys or not self._path.exists():
            return found
        with sqlite_errors(self._path):
            for chunk in chunks(keys):
                query = f"SELECT key, vector, tokens, crc FROM staged WHERE key IN ({marks(chunk)})"
                for key, vector, tokens, check in self._database().execute(query, chunk):
                    if crc(vector, tokens) == check:  # else a bit was flipped: computed again
                        found[key] = Embedded(np.frombuffer(vector, dtype="<f4"), tokens)
        return found

    def put(self, rows: Mapping[bytes, Embedded]) -> None:
        """Keep what was embedded, by key, on disk when this returns. Raises DiskFull."""
        values = []
        for key, one in rows.items():
            vector = np.asarray(one.vector, dtype="<f4").tobytes()
            values.append((key, vector, one.tokens, crc(vector, one.tokens)))
        with sqlite_errors(self._path):
            db = self._database()
            db.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?)", values)
            db.commit()

    def _database(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._db = self._open()
            except sqlite3.DatabaseError as error:
                if not isinstance(index_error(error, self._path), IndexCorrupt):  # as of a full disk: what is there is sound
                    raise
                self.remove()
                self._db = self._open()
        return self._db

    def _open(self) -> sqlite3.Connection:
        create_private(self._path)
        db = sqlite3.connect(self._path)
        try:
            db.execute(_SCHEMA)
            damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            db.execute("SELECT key, vector, tokens, crc FROM staged LIMIT 1").fetchone()
            return db
        except sqlite3.DatabaseError:
            db.close()
            raise
