"""Vectors computed by a build that is not finished, kept on disk so that a killed one loses little."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rag.embed import Embedder, Vectors
from rag.errors import DiskFull

BLOCK = 64
"""Texts embedded between two savings: what a killed build may lose, some ten seconds of work on two cores."""


def key_of(fingerprint: str, text: str, title: str) -> bytes:
    """The hash of a text with its title, for an embedder."""
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
        """The hash of a text with its title, for this embedder."""
        return key_of(self._embedder.fingerprint, text, title)

    def keys(self) -> list[bytes]:
        """Everything whose vector is there."""
        return [key for (key,) in self._database().execute("SELECT key FROM staged")] if self._path.exists() else []

    def embed(
        self,
        texts: Sequence[str],
        titles: Sequence[str],
        known: Mapping[bytes, Vectors] | None = None,
        progress: Callable[[int], None] = lambda done: None,
        save: bool = True,
    ) -> Vectors:
        """One unit vector per text, shape (len(texts), dimension); saved block by block as they are computed, if `save`.

        `known` holds vectors that are there already, by key; `progress` is called with the number of texts that are done.
        """
        keys = [self.key(text, title) for text, title in zip(texts, titles, strict=True)]
        try:
            found = {key: vector for key in keys if known and (vector := known.get(key)) is not None}
            found.update(self._staged([key for key in dict.fromkeys(keys) if key not in found]))
            wanted = {key: n for n, key in enumerate(keys) if key not in found}
            missing = sorted(wanted.values(), key=lambda n: -len(texts[n]))  # long with long: little padding
            progress(len(texts) - len(missing))
            for start in range(0, len(missing), BLOCK):
                block = missing[start : start + BLOCK]
                vectors = self._embedder.embed_passages([texts[n] for n in block], [titles[n] for n in block])
                fresh = {keys[n]: vector for n, vector in zip(block, vectors, strict=True)}
                found.update(fresh)
                if save:
                    self.put(fresh)
                progress(len(texts) - len(missing) + start + len(block))
        except sqlite3.DatabaseError as error:
            raise DiskFull("error.disk_full", path=self._path.parent) from error
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self._embedder.dimension), dtype=np.float32)

    def _staged(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        if not keys or not self._path.exists():
            return found
        db = self._database()
        for start in range(0, len(keys), 500):
            chunk = keys[start : start + 500]
            rows = db.execute(f"SELECT key, vector FROM staged WHERE key IN ({','.join('?' * len(chunk))})", chunk)
            for key, blob in rows:
                if zlib.crc32(blob[:-4]).to_bytes(4, "little") == blob[-4:]:  # else a bit was flipped: computed again
                    found[key] = np.frombuffer(blob[:-4], dtype="<f4")
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors, by key, on disk when this returns."""
        db = self._database()
        blobs = {key: np.asarray(vector, dtype="<f4").tobytes() for key, vector in vectors.items()}
        rows = [(key, blob + zlib.crc32(blob).to_bytes(4, "little")) for key, blob in blobs.items()]
        db.executemany("INSERT OR REPLACE INTO staged VALUES (?, ?)", rows)
        db.commit()

    def _database(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._db = self._open()
            except sqlite3.DatabaseError:
                self.remove()
                self._db = self._open()
        return self._db

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path)
        try:
            db.execute("CREATE TABLE IF NOT EXISTS staged (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID")
            damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            db.execute("SELECT key, vector FROM staged LIMIT 1").fetchone()
            return db
        except sqlite3.DatabaseError:
            db.close()
            raise
