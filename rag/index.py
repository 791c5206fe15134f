"""A built index, open for reading: hybrid search over passages, and sentence-level evidence inside them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rag.dense import FlatIndex
from rag.embed import Embedder, Vectors
from rag.errors import BadQuestion, BadSetting, IndexCorrupt, IndexMismatch, IndexMissing
from rag.fuse import Ranking, reciprocal_rank_fusion
from rag.language import question_language
from rag.schema import Document, Evidence, Hit, Passage
from rag.store import ANALYSIS, DocumentInfo, Manifest, Store, keyword_query

DATABASE = "corpus.sqlite"
LONGEST_QUESTION = 2000
"""Characters; a longer text is a document, not a question."""

_POOL = 100  # candidates taken from each leg
_DENSE_WEIGHT, _LEXICAL_WEIGHT = 2.0, 1.0


def dense_path(folder: Path, generation: int) -> Path:
    """Where the vectors of one generation are."""
    return folder / f"dense.{generation}.faiss"


def checked_question(question: str) -> str:
    """The question without the white space around it. Raises BadQuestion when it is empty or too long."""
    question = question.strip()
    if not any(character.isalnum() for character in question):
        raise BadQuestion("error.question_empty")
    if len(question) > LONGEST_QUESTION:
        raise BadQuestion("error.question_long", length=len(question), limit=LONGEST_QUESTION)
    return question


class Index:
    """Search over one index folder. Safe to share between threads; follows new generations by itself.

    Use `Index.open`, which refuses an index that was made by another embedder, format or analysis.
    """

    def __init__(self, folder: Path, store: Store, embedder: Embedder) -> None:
        self.folder = folder
        self.embedder = embedder
        self._store = store
        self._dense: tuple[int, FlatIndex] | None = None
        self._lock = threading.Lock()
        self._query_vector = lru_cache(maxsize=128)(embedder.embed_query)

    @classmethod
    def open(cls, folder: str | Path, embedder: Embedder) -> Index:
        """Open an index for reading with the embedder it was built with.

        Raises IndexMissing, IndexMismatch, IndexCorrupt.
        """
        folder = Path(folder)
        store = Store(folder / DATABASE)
        manifest = store.manifest()
        if manifest is None:
            store.close()
            raise IndexMissing("error.index_missing", path=folder)
        if manifest.fingerprint != embedder.fingerprint:
            store.close()
            raise IndexMismatch("error.index_embedder", path=folder, found=manifest.embedder, expected=embedder.name)
        if manifest.analysis != ANALYSIS:
            store.close()
            raise IndexMismatch("error.index_format", path=folder, found=manifest.analysis, expected=ANALYSIS)
        return cls(folder, store, embedder)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def manifest(self) -> Manifest:
        """What the index says of itself now."""
        manifest = self._store.manifest()
        if manifest is None:
            raise IndexMissing("error.index_missing", path=self.folder)
        return manifest

    def documents(self) -> list[DocumentInfo]:
        """All documents in order of id, without their text."""
        return self._store.documents()

    def document(self, id: str) -> Document | None:
        """One document with its whole text, or None."""
        return self._store.document(id)

    def all_passages(self) -> list[Passage]:
        """Every passage in order of document and place: for a corpus small enough to be read whole."""
        passages = self._store.passages(self._store.passage_ids().tolist())
        return sorted(passages.values(), key=lambda passage: (passage.document_id, passage.span.start))

    def query_vector(self, question: str) -> Vectors:
        """The question's unit vector, shape (dimension,); the last 128 questions are remembered."""
        return self._query_vector(question)

    def search(self, question: str, k: int = 10, documents: Iterable[str] | None = None) -> list[Hit]:
        """The `k` best passages for a question in either language, best first; fewer when fewer exist.

        `documents` restricts the search to some document ids. Dense and keyword rankings are fused by weighted reciprocal
        rank. Keywords are looked up among passages of the question's language and, separately and for less, among the
        others, where only names, numbers and codes can match; so a passage in the other language never loses to one that
        merely shares function words with the question. Raises BadQuestion, BadSetting.
        """
        question = checked_question(question)
        if k < 1:
            raise BadSetting("error.k", value=k)
        vector = self.query_vector(question)
        language = question_language(question)
        with self._store.snapshot():
            dense = self._vectors(self._store.generation())
            among = None if documents is None else self._store.passage_ids(documents)
            allowed = None if among is None else set(among.tolist())
            dense_ids = dense.search(vector, max(_POOL, k), among)[0].tolist()
            legs = []
            for passage_language in self._store.languages():
                found = self._store.search_keywords(keyword_query(question, passage_language), _POOL)
                ids = [id for id, _ in found if allowed is None or id in allowed]
                legs.append(Ranking(ids, _LEXICAL_WEIGHT if passage_language == language else _LEXICAL_WEIGHT / 2))
            fused = reciprocal_rank_fusion([Ranking(dense_ids, _DENSE_WEIGHT), *legs])[:k]
            passages = self._store.passages([id for id, _ in fused])
        dense_ranks = {id: rank for rank, id in enumerate(dense_ids, start=1)}
        lexical_ranks = {id: rank for leg in legs for rank, id in enumerate(leg.ids, start=1)}
        kept = [(id, score) for id, score in fused if id in passages]
        return [
            Hit(passages[id], rank, score, dense_ranks.get(id), lexical_ranks.get(id))
            for rank, (id, score) in enumerate(kept, start=1)
        ]

    def evidence(self, question: str, hits: Sequence[Hit], k: int = 5) -> list[Evidence]:
        """The `k` sentences of the hits that are nearest to the question, best first."""
        if not hits:
            return []
        vector = self.query_vector(checked_question(question))
        vectors = self._store.sentence_vectors([hit.passage.id for hit in hits])
        found = []
        for hit in hits:
            passage = hit.passage
            rows = vectors.get(passage.id)
            if rows is None:
                continue
            scores = rows.astype(np.float32) @ vector
            for span, score in zip(passage.sentences, scores.tolist(), strict=True):
                found.append(Evidence(passage, span, passage.quote(span), score))
        found.sort(key=lambda evidence: (-evidence.score, evidence.passage.id, evidence.span.start))
        return found[:k]

    def verify(self) -> list[str]:
        """What is wrong with the index, in words; empty when nothing is. Reads every row and vector."""
        faults = self._store.check()
        with self._store.snapshot():
            manifest = self.manifest()
            ids, vectors = self._store.passage_vectors()
            try:
                dense = FlatIndex.load(dense_path(self.folder, manifest.generation))
            except IndexCorrupt as error:
                return [*faults, str(error)]
        if set(dense.ids().tolist()) != set(ids.tolist()):
            faults.append("the vectors' ids are not the passages' ids")
        elif len(ids):
            lengths = np.linalg.norm(vectors, axis=1)
            faults += [f"passage {id}: its vector is not of length 1" for id in ids[np.abs(lengths - 1) > 1e-3]]
            stored = dense.vectors(ids)
            faults += [f"passage {id}: its vector differs" for id in ids[np.abs(stored - vectors).max(axis=1) > 1e-6]]
        if manifest.passages != len(ids):
            faults.append(f"the manifest counts {manifest.passages} passages, the index holds {len(ids)}")
        return faults

    def _vectors(self, generation: int) -> FlatIndex:
        with self._lock:
            if self._dense is None or self._dense[0] != generation:
                self._dense = (generation, FlatIndex.load(dense_path(self.folder, generation)))
            return self._dense[1]
