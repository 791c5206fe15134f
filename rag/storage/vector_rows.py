"""Reading vectors from the database, each compared with its check value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rag.arrays import Ids, Vectors, products
from rag.storage.checked_rows import CheckedRows, chunks, marks
from rag.storage.codec import packed_dtype, unpack


class VectorReader(CheckedRows):
    """The vectors of passages, of their sentences and of their tokens."""

    def passage_vectors(self, after: int = 0) -> tuple[Ids, Vectors]:
        """Return the ids greater than `after` of all passages, and their vectors, shapes (n,) and (n, dimension), in order of id."""
        query = "SELECT passage_id, passage_crc, passage FROM vectors WHERE passage_id > ? ORDER BY passage_id"
        with self.snapshot():
            rows = self.connection().execute(query, (after,)).fetchall()
        return self._array(rows)

    def count_vectors(self) -> int:
        """Return the number of passages with a vector: all, in an intact index."""
        with self.snapshot():
            return int(self.connection().execute("SELECT count(*) FROM vectors").fetchone()[0])

    def vector_blocks(self, rows: int = 16_384) -> Iterator[tuple[Ids, Vectors]]:
        """Yield what `passage_vectors` returns, that many rows at a time."""
        with self.snapshot():
            cursor = self.connection().execute("SELECT passage_id, passage_crc, passage FROM vectors ORDER BY passage_id")
            while found := cursor.fetchmany(rows):
                yield self._array(found)

    def vectors_of(self, ids: Sequence[int]) -> dict[int, Vectors]:
        """Return the vector of each passage under the given ids, shape (dimension,)."""
        return {id: self._array([(id, check, blob)])[1][0] for id, check, blob in self._blobs("passage", ids)}

    def sentence_vectors(self, ids: Sequence[int], dimension: int) -> dict[int, Vectors]:
        """Return each passage's sentence vectors, shape (sentences, dimension), in order; of length 1 within half a per cent."""
        found: dict[int, Vectors] = {}
        for id, check, blob in self._blobs("sentences", ids):
            self.check("sentences of passage", id, (id, blob), check)
            try:
                found[id] = unpack(blob, dimension)
            except (TypeError, ValueError) as error:
                raise self.damaged(f"sentences of passage {id}: {error}") from error
        return found

    def sentence_scores(self, ids: Sequence[int], vector: Vectors) -> dict[int, Vectors]:
        """Return for each passage the inner products of its sentence vectors with a vector, shape (sentences,), in order."""
        kind = packed_dtype(len(vector))
        lengths: dict[int, int] = {}
        blobs: list[bytes] = []
        for id, check, blob in self._blobs("sentences", ids):
            self.check("sentences of passage", id, (id, blob), check)
            lengths[id] = len(blob) // kind.itemsize
            blobs.append(blob)
        try:
            rows = np.frombuffer(b"".join(blobs), dtype=kind)
        except (TypeError, ValueError) as error:
            raise self.damaged(f"vectors: {error}") from error
        if sum(lengths.values()) != len(rows):
            raise self.damaged("vectors: of another size")
        scores = products(rows["codes"].astype(np.float32), vector) * rows["scale"]
        found: dict[int, Vectors] = {}
        at = 0
        for id, length in lengths.items():
            found[id] = scores[at : at + length]
            at += length
        return found

    def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """Return each passage's tokens as stored by `rag.models.token_vectors.pack_tokens`; empty if the embedder has no token vectors."""
        found: dict[int, bytes] = {}
        for id, check, blob in self._blobs("tokens", ids):
            self.check("tokens of passage", id, (id, blob), check)
            found[id] = blob
        return found

    def _blobs(self, column: str, ids: Sequence[int]) -> list[tuple[int, int, bytes]]:
        """Return the id, check value and content of one column of vectors."""
        found: list[tuple[int, int, bytes]] = []
        with self.snapshot():
            for chunk in chunks(ids):
                query = f"SELECT passage_id, {column}_crc, {column} FROM vectors WHERE passage_id IN ({marks(chunk)})"
                found += self.connection().execute(query, chunk)
        return found

    def _array(self, rows: Sequence[tuple[int, int, bytes]]) -> tuple[Ids, Vectors]:
        """Return the ids and vectors of rows of (passage_id, passage_crc, passage)."""
        for id, check, blob in rows:
            self.check("vector of passage", id, (id, blob), check)
        ids = np.array([id for id, _, _ in rows], dtype=np.int64)
        if not rows:
            return ids, np.empty((0, 0), dtype=np.float32)
        try:
            vectors = np.frombuffer(b"".join(blob for _, _, blob in rows), dtype="<f4").reshape(len(rows), -1)
        except (TypeError, ValueError) as error:
            raise self.damaged(f"vectors: {error}") from error
        return ids, vectors.astype(np.float32, copy=False)
