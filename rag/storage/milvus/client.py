"""Vectors and keywords in Milvus: one collection on a server or cluster, or in a file through milvus-lite.

Under each passage's id the collection holds its vector, its language and its analysed tokens, and nothing else: documents, passages
and sentences stay in the index folder. `rag.storage.milvus.sync` keeps a collection in step with an index.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids, Vectors
from rag.errors import BadSetting, ExtraMissing, IndexCorrupt, IndexMismatch, IndexMissing, MilvusFailed
from rag.storage.keywords import passage_keywords
from rag.storage.manifest import ANALYSIS

if TYPE_CHECKING:
    from pymilvus import MilvusClient

_COLLECTION = "shawahid"
_MADE_FOR = "shawahid.made_for"
_ROWS = 500  # passages of one request: some 3 MB at 768 dimensions, far below gRPC's limit
_PAGE = 5000  # ids of one answer
_TERMS = 10_000  # ids named in one filter expression
_MOST = 16_384  # hits that Milvus gives at most
_LONGEST = 60_000  # bytes of analysed tokens; a field of Milvus takes 65,535
_TIMEOUT = 30.0  # seconds


class MilvusIndex:
    """One collection: nearest vectors by inner product, and passages by keyword with BM25. Safe to share between threads.

    `address` is a server (`http://host:19530`) or a file for milvus-lite (`vectors.db`), with the collection's name after `#` where
    it is not "shawahid". `token` is "user:password" or an API key. Raises BadSetting, ExtraMissing, MilvusFailed.
    """

    def __init__(self, address: str, token: str = "") -> None:
        self.address, self.collection = _parted(address)
        self._token = token
        self._lock = threading.Lock()
        self._opened: MilvusClient | None = None

    def __repr__(self) -> str:
        return f"MilvusIndex({self.address!r}, collection={self.collection!r})"

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    # --- making -----------------------------------------------------------------------------------------------------------

    def create(self, fingerprint: str, dimension: int, born: str = "", *, replace: bool = False) -> None:
        """Make the collection for vectors of an embedder and an index, where there is none yet. One that was made for another
        embedder, index or analysis of keywords is refused with IndexMismatch, unless `replace` rebuilds it."""
        with self._errors() as client:
            if client.has_collection(self.collection):
                if self._made_for(client) == _made_for(fingerprint, born):
                    client.load_collection(self.collection)
                    return
                if not replace:
                    raise IndexMismatch("error.milvus_other", collection=self.collection, address=self.address)
                client.drop_collection(self.collection)
            client.create_collection(
                self.collection,
                schema=_schema(client, dimension, _made_for(fingerprint, born)),
                index_params=_indexes(client, lite=self._is_file),
                consistency_level="Bounded",
                properties={_MADE_FOR: _made_for(fingerprint, born)},
            )

    def check(self, fingerprint: str, born: str = "") -> None:
        """Raises IndexMissing when there is no collection, IndexMismatch when it was made for another embedder or index."""
        with self._errors() as client:
            if not client.has_collection(self.collection):
                raise IndexMissing("error.milvus_missing", collection=self.collection, address=self.address)
            if self._made_for(client) != _made_for(fingerprint, born):
                raise IndexMismatch("error.milvus_other", collection=self.collection, address=self.address)
            client.load_collection(self.collection)

    def drop(self) -> None:
        """Remove the collection, if it is there."""
        with self._errors() as client:
            client.drop_collection(self.collection)

    def _made_for(self, client: MilvusClient) -> str:
        described: Any = client.describe_collection(self.collection)
        # milvus-lite forgets the description, and a server may drop properties that it does not know.
        return str(dict(described.get("properties") or {}).get(_MADE_FOR) or described.get("description", ""))

    def add(self, ids: Sequence[int] | Ids, languages: Sequence[str], tokens: Sequence[str], vectors: Vectors) -> None:
        """Put passages under their ids: language, analysed tokens separated by spaces, vector of shape (dimension,) each."""
        columns = zip(ids, languages, tokens, np.asarray(vectors, dtype=np.float32), strict=True)
        rows = [
            {"id": int(id), "language": language, "tokens": _cut(words), "vector": vector.tolist()}
            for id, language, words, vector in columns
        ]
        with self._errors() as client:
            for start in range(0, len(rows), _ROWS):
                client.upsert(self.collection, rows[start : start + _ROWS])

    def settle(self) -> None:
        """Have what was added made fast to search, after the last of many. A server does so by itself; milvus-lite, for what has
        not been flushed, rebuilds its structures with every search."""
        if self._is_file:
            with self._errors() as client:
                client.flush(self.collection)

    def remove(self, ids: Sequence[int] | Ids) -> None:
        """Remove passages by id; those that are not there are no error."""
        with self._errors() as client:
            for chunk in _chunks(ids, _TERMS):
                client.delete(self.collection, ids=chunk)

    # --- reading ----------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        with self._errors() as client:
            rows = client.query(self.collection, filter="", output_fields=["count(*)"], consistency_level="Strong")
        return int(rows[0]["count(*)"])

    def ids(self) -> Ids:
        """Return every id, ascending."""
        found: list[int] = []
        with self._errors() as client:
            iterator = client.query_iterator(self.collection, batch_size=_PAGE, output_fields=["id"], consistency_level="Strong")
            try:
                while batch := iterator.next():
                    found += [row["id"] for row in batch]
            finally:
                iterator.close()
        return np.sort(np.array(found, dtype=np.int64))

    def held(self, ids: Ids) -> Ids:
        """Return those of the ids that are in the collection, ascending."""
        found: list[int] = []
        with self._errors() as client:
            for chunk in _chunks(ids, _PAGE):
                found += [row["id"] for row in client.query(self.collection, ids=chunk, output_fields=["id"])]
        return np.unique(np.array(found, dtype=np.int64))

    def vectors(self, ids: Ids) -> Vectors:
        """Return the vectors under the given ids, shape (len(ids), dimension). Raises IndexCorrupt if one of them is not there."""
        found: dict[int, Any] = {}
        with self._errors() as client:
            dimension = self._dimension(client)
            for chunk in _chunks(ids, _ROWS):
                found |= {row["id"]: row["vector"] for row in client.query(self.collection, ids=chunk, output_fields=["id", "vector"])}
        if any(id not in found for id in ids.tolist()):
            raise IndexCorrupt("error.index_damaged", path=self.address, reason="a passage has no vector")
        return np.array([found[id] for id in ids.tolist()], dtype=np.float32).reshape(len(ids), dimension)

    def search(self, query: Vectors, k: int, among: Ids | None = None, language: str = "") -> tuple[Ids, Vectors]:
        """Return the ids and scores of the `k` nearest vectors, best first; fewer when fewer exist. `among` and `language` restrict it."""
        found = self._search("vector", np.asarray(query, dtype=np.float32).tolist(), k, among, language)
        return np.array([id for id, _ in found], dtype=np.int64), np.array([score for _, score in found], dtype=np.float32)

    def search_keywords(self, terms: str, k: int, among: Ids | None = None, language: str = "") -> list[tuple[int, float]]:
        """Return the best `k` passages that hold any of the analysed tokens in `terms`, as (id, BM25 score, higher is better)."""
        if not terms.strip():
            return []
        return [(id, score) for id, score in self._search("sparse", terms, k, among, language) if score]

    def _search(self, field: str, wanted: object, k: int, among: Ids | None, language: str) -> list[tuple[int, float]]:
        if k <= 0 or (among is not None and len(among) == 0):
            return []
        if among is None:
            return self._asked(field, wanted, k, language)
        k = min(k, len(among))
        if len(among) > _TERMS:
            # Too many to be named: more than k are asked for without naming any, unless so few are allowed that it would be useless.
            asked = min(2 * k * len(self) // len(among) + k, _MOST)
            found = [(id, score) for id, score in self._asked(field, wanted, asked, language) if _holds(among, id)]
            if len(found) >= k:
                return found[:k]
        found = [hit for chunk in _chunks(among, _TERMS) for hit in self._asked(field, wanted, k, language, chunk)]
        return sorted(found, key=_best_first)[:k]

    def _asked(self, field: str, wanted: object, k: int, language: str, named: Sequence[int] = ()) -> list[tuple[int, float]]:
        """One search. Milvus sorts by its score alone, so that passages of one score are put in order of id."""
        conditions = [f'language == "{language}"'] if language.isalnum() else []
        conditions += [f"id in {list(named)}"] if named else []
        with self._errors() as client:
            hits = client.search(
                self.collection,
                data=[wanted],
                anns_field=field,
                limit=min(k, _MOST),
                filter=" and ".join(conditions),
                output_fields=["id"],
            )
            # milvus-lite gives BM25 with its sign turned, a server without; it is never below zero for a passage that matches.
            found = [(int(hit["id"]), abs(float(hit["distance"])) if field == "sparse" else float(hit["distance"])) for hit in hits[0]]
        return sorted(found, key=_best_first)

    # --- the connection ---------------------------------------------------------------------------------------------------

    @property
    def _is_file(self) -> bool:
        return "://" not in self.address

    def _dimension(self, client: MilvusClient) -> int:
        described: Any = client.describe_collection(self.collection)
        return int(next(field["params"]["dim"] for field in described["fields"] if field["name"] == "vector"))

    @contextmanager
    def _errors(self) -> Iterator[MilvusClient]:
        """The client, connected at first use; its errors as ours."""
        try:
            import pymilvus
        except ImportError as error:
            raise ExtraMissing("error.milvus_package", command="pip install 'pymilvus>=3' 'milvus-lite>=3.2'") from error
        try:
            with self._lock:
                if self._opened is None:
                    if self._is_file:
                        Path(self.address).absolute().parent.mkdir(parents=True, exist_ok=True)
                    self._opened = pymilvus.MilvusClient(self.address, token=self._token, timeout=_TIMEOUT)
                client = self._opened
            yield client
        except pymilvus.MilvusException as error:
            reason = str(getattr(error, "message", "") or error)
            reason = reason.replace(self._token, "…") if self._token else reason
            raise MilvusFailed("error.milvus", address=self.address, reason=" ".join(reason.split())[:200]) from error


def field_tokens(context: str, text: str) -> str:
    """Return the analysed tokens of a text in one field: its surface forms, then its stems."""
    return " ".join(passage_keywords(context, text))


def _parted(address: str) -> tuple[str, str]:
    """Return the server or file, and the collection named after `#`."""
    place, _, collection = address.strip().partition("#")
    collection = collection or _COLLECTION
    sound = bool(place) and collection.isascii() and collection.isidentifier()
    if "://" in place:
        try:
            parts = urlsplit(place)
            sound = sound and parts.scheme in ("http", "https", "tcp") and bool(parts.hostname) and parts.username is None
            _ = parts.port
        except ValueError:
            sound = False
    elif not place.endswith(".db"):
        sound = False
    if not sound:
        raise BadSetting("error.milvus_address", value=address.rpartition("@")[2])  # a password is not repeated
    return place, collection


def _made_for(fingerprint: str, born: str) -> str:
    """What a collection says it was made for."""
    return "shawahid " + hashlib.sha256(f"{fingerprint}\0{born}\0{ANALYSIS}".encode()).hexdigest()[:16]


def _best_first(hit: tuple[int, float]) -> tuple[float, int]:
    return -hit[1], hit[0]


def _holds(ids: Ids, id: int) -> bool:
    """Return whether ascending ids hold one."""
    at = int(np.searchsorted(ids, id))
    return at < len(ids) and int(ids[at]) == id


def _schema(client: MilvusClient, dimension: int, description: str) -> Any:
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=description)
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("language", DataType.VARCHAR, max_length=16)
    # The tokens come analysed and separated by spaces; the simplest analyser leaves them as they are.
    schema.add_field("tokens", DataType.VARCHAR, max_length=65535, enable_analyzer=True, analyzer_params={"tokenizer": "standard"})
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(Function(name="bm25", function_type=FunctionType.BM25, input_field_names=["tokens"], output_field_names=["sparse"]))
    return schema


def _indexes(client: MilvusClient, *, lite: bool) -> Any:
    """milvus-lite compares all vectors, as the embedded index does; a server chooses the index it finds best for its size."""
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT" if lite else "AUTOINDEX", metric_type="IP")
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    if not lite:
        indexes.add_index("language", index_type="INVERTED")
    return indexes


def _cut(text: str) -> str:
    """As many whole tokens as the field takes."""
    if len(text.encode()) <= _LONGEST:
        return text
    return text.encode()[:_LONGEST].decode("utf-8", "ignore").rpartition(" ")[0]


def _chunks(ids: Sequence[int] | npt.NDArray[np.int64], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield [int(id) for id in ids[start : start + size]]
