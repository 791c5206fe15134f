"""A built index, open for reading: its documents, hybrid search over its passages, and the sentences that hold an answer."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Self

from rag.arguments import as_path, require_callable, require_collection, require_members, require_type
from rag.arrays import Vectors
from rag.errors import BadSetting, IndexCorrupt, IndexMismatch
from rag.models.embedder import EMBEDDER_MEMBERS, Embedder
from rag.retrieval.arguments import LEGS, validate_count, validate_exclude, validate_filter, validate_hits, validate_legs
from rag.retrieval.fusion import Weights
from rag.retrieval.query import Query, validate_question
from rag.retrieval.search import AnyView, PassageSearch
from rag.retrieval.sentence_ranking import ranked_sentences
from rag.schema import Document, Evidence, Filter, Hit, PageLayout, Passage
from rag.storage.database import DATABASE, Store
from rag.storage.flat_index import MakeVectorIndex
from rag.storage.generations import Segments, base_is_whole
from rag.storage.manifest import ANALYSIS, Manifest
from rag.storage.milvus.client import MilvusIndex
from rag.storage.milvus.sync import Mirror, disagreements
from rag.storage.sql_schema import DocumentInfo
from rag.storage.verify import Fault, faults
from rag.tracing import span

_ATTEMPTS = 5
"""To open the vectors of a generation while a writer publishes one after another."""
_QUERIES = 128
"""Questions whose record is remembered."""


class Index:
    """Search over one index folder. Safe to share between threads; follows new generations by itself.

    Use `Index.open`, which refuses an index that was made by another embedder, format or analysis.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        embedder: Embedder,
        weights: Weights | None = None,
        milvus: MilvusIndex | None = None,
        vectors: MakeVectorIndex | None = None,
    ) -> None:
        self.folder = folder
        self.embedder = embedder
        self.has_own_store = vectors is not None
        self._milvus = milvus
        self._store = store
        self._vectors: Segments | Mirror = Segments(folder, vectors) if milvus is None else Mirror(milvus)
        self._agreed: tuple[str, int] | None = None
        self._search = PassageSearch(store, weights or Weights())
        self._queries = lru_cache(maxsize=_QUERIES)(partial(_query_of, embedder))  # without `self`: see `PassageSearch`

    @classmethod
    def open(
        cls, folder: str | Path, embedder: Embedder, milvus: MilvusIndex | None = None, *, vectors: MakeVectorIndex | None = None
    ) -> Index:
        """Open an index for reading with the embedder it was built with.

        With `milvus` vectors and keywords are searched there; `rag.storage.milvus.sync.mirror_index` brings them there. With `vectors`,
        a function or class that takes ids and vectors, vectors are searched in what it returns; it is called whenever the file of vectors
        is a new one. Raises BadSetting if both are given, IndexMissing, IndexMismatch, IndexCorrupt; a search in Milvus raises
        MilvusFailed as well.
        """
        if milvus is not None and vectors is not None:
            raise BadSetting("error.two_stores")
        folder = as_path("folder", folder)
        require_members("embedder", embedder, *EMBEDDER_MEMBERS)
        require_type("milvus", milvus, MilvusIndex, type(None))
        require_callable("vectors", vectors, "Callable[[Ids, Vectors], VectorIndex]")
        index = cls(folder, Store(folder / DATABASE), embedder, milvus=milvus, vectors=vectors)
        try:
            index._check_agreement(index.manifest())
        except BaseException:
            index.close()
            raise
        return index

    @property
    def milvus(self) -> MilvusIndex | None:
        """The Milvus collection that is searched, if it is not the folder."""
        return self._milvus

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # --- what it holds ----------------------------------------------------------------------------------------------------

    def manifest(self) -> Manifest:
        """Return what the index currently records about itself."""
        return self._store.existing_manifest()

    def documents(self) -> list[DocumentInfo]:
        """Return all documents in order of id, without their text."""
        return self._store.documents()

    def infos(self, ids: Sequence[str]) -> dict[str, DocumentInfo]:
        """Return the documents under the given ids, without their text; ids that do not exist are left out."""
        require_collection("ids", ids, "Sequence[str]")
        return self._store.infos(ids)

    def document_ids(self, filter: Filter | None = None) -> list[str]:
        """Return the ids of the documents that meet a filter, of all without one, ascending. Raises BadSetting for a date that is none."""
        validate_filter(filter)
        if not filter:
            return self._store.document_ids()
        passages = self._store.passages(self._store.passage_ids(filter).tolist())
        return sorted({passage.document_id for passage in passages.values()})

    def document(self, id: str) -> Document | None:
        """One document with its whole text, or None."""
        return self._store.document(_id(id))

    def page_layouts(self, id: str) -> tuple[PageLayout, ...]:
        """Return where the words of a document's pages stand; empty where its format has no pages. Raises IndexCorrupt."""
        return self._store.page_layouts(id)

    def all_passages(self) -> list[Passage]:
        """Return every passage in order of document and place: for a corpus small enough to be read whole."""
        passages = self._store.passages(self._store.passage_ids().tolist())
        return sorted(passages.values(), key=lambda passage: (passage.document_id, passage.span.start))

    def passages_of(self, document_id: str) -> list[Passage]:
        """Return the passages of a document in order; empty for one that does not exist."""
        return self._store.passages_of(_id(document_id))

    def sentence_vectors(self, passages: Sequence[Passage]) -> dict[int, Vectors]:
        """Return the vectors of each passage's sentences by its id, shape (sentences, dimension), in order; of length 1."""
        return self._store.sentence_vectors([passage.id for passage in passages], self.manifest().dimension)

    def is_part_of_a_word(self, part: str) -> bool:
        """Return whether any word of the documents contains a part, both folded. Raises IndexCorrupt."""
        return self._store.is_part_of_a_word(part)

    def vocabulary(self, most: int) -> list[str] | None:
        """Return all words of the documents, folded, and their stems; None if there are more than `most`. Raises IndexCorrupt."""
        return self._store.vocabulary(most)

    def verify(self) -> list[Fault]:
        """Return the faults of the index; empty if there are none. Reads every row and vector."""
        found = faults(self.folder, self._store)
        if self._milvus is not None:
            kinds = ("damage.milvus_lacks", "damage.milvus_keeps", "damage.milvus_vector")
            for key, ids in zip(kinds, disagreements(self._store, self._milvus), strict=True):
                found += [Fault(key, {"count": len(ids), "id": ids[0], "command": "shawahid mirror"})] if ids else []
        return found

    # --- a question -------------------------------------------------------------------------------------------------------

    def query(self, question: str) -> Query:
        """Return the record of a question, as every step after it takes it; the last 128 are remembered. Raises BadQuestion."""
        return self._queries(validate_question(question))

    def search(
        self,
        question: str | Query,
        k: int = 10,
        *,
        offset: int = 0,
        filter: Filter | None = None,
        exclude: Container[int] = (),
        legs: Container[str] = LEGS,
        stems: bool = True,
    ) -> list[Hit]:
        """Return the `k` best passages for a question in either language, best first, or fewer if fewer exist.

        `offset` skips that many of the best: pages of one ranking, whatever their size. `filter` restricts the search, `exclude` leaves out
        some passages. Candidates are the nearest passages by vector and the best by keyword. Each is scored by its own vector, by its best
        sentence's and, if it is in the question's language, by its keywords; the best of them also by late interaction, if the index has
        tokens. Across languages only names and numbers can match by keyword, and such matches add a candidate but do not raise it. Passages
        beyond the candidates are ranked by their own vector alone. For measurements, `legs` switches off one of "dense" and "keyword", and
        without `stems` keywords match only as they are written. Raises BadQuestion, BadSetting.
        """
        query = self._known(question)
        validate_count("k", k, 1)
        validate_count("offset", offset, 0)
        validate_filter(filter)
        validate_legs(legs)
        validate_exclude(exclude)
        with span("search", k=k, offset=offset, language=query.language, filtered=bool(filter)) as step, self._reading() as view:
            hits = self._search.hits(view, query, k, offset, filter=filter, exclude=exclude, legs=legs, stems=stems)
            step.set(hits=len(hits))
            return hits

    def evidence(self, question: str | Query, hits: Sequence[Hit], k: int = 5) -> list[Evidence]:
        """Return the `k` sentences of the hits that most likely hold the answer, best first; `score` is similarity to the question.

        Raises BadQuestion, BadSetting.
        """
        validate_hits(hits)
        validate_count("k", k, 1)
        if not hits:
            return []
        query = self._known(question)
        with self._store.snapshot():
            if self._store.published() != self._agreed:
                self._check_agreement(self.manifest())
            return ranked_sentences(self._store, query, hits)[:k]

    def _known(self, question: str | Query) -> Query:
        return question if isinstance(question, Query) else self.query(question)

    # --- generations ------------------------------------------------------------------------------------------------------

    def _check_agreement(self, manifest: Manifest) -> None:
        """Raises IndexMismatch when the published generation was made by another embedder or analysis."""
        if manifest.fingerprint != self.embedder.fingerprint:
            raise IndexMismatch("error.index_embedder", path=self.folder, found=manifest.embedder, expected=self.embedder.name)
        if manifest.analysis != ANALYSIS:
            raise IndexMismatch("error.index_format", path=self.folder, found=manifest.analysis, expected=ANALYSIS)

    @contextmanager
    def _reading(self) -> Iterator[AnyView]:
        """A snapshot of one generation, with its vectors."""
        for attempt in range(_ATTEMPTS):
            with self._store.snapshot():
                published = self._store.published()
                view = self._vectors.known(published) if published == self._agreed else None
                if view is None:
                    manifest = self.manifest()
                    self._check_agreement(manifest)  # another embedder may have rebuilt it since it was opened
                    self._agreed = manifest.born, manifest.generation
                    try:
                        view = self._vectors.at(self._store, manifest)
                    except IndexCorrupt:
                        # A writer may have put another file in its place since the snapshot began.
                        if attempt == _ATTEMPTS - 1 or base_is_whole(self.folder, manifest.base):
                            raise
                        continue
                yield view
                return


def _query_of(embedder: Embedder, question: str) -> Query:
    return Query.of(question, embedder)


def _id(id: str) -> str:
    """Return the id of a document as a database can look it up. Raises BadSetting for anything but a text."""
    require_type("id", id, str)
    return id.encode("utf-8", "replace").decode()
