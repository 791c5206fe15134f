"""Texts and metadata from other vector stores: the folder of Chroma, exports of Qdrant, tables of LanceDB, Parquet and JSON.

Vectors are left behind: only those of the index's own embedder can be compared with its questions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any

from rag.arguments import as_path, require_type
from rag.documents.filter_values import CONTAINER, INSIDE, UNREAD
from rag.errors import BadSetting, DocumentError, ExtraMissing
from rag.schema import Document
from rag.storage.chroma_file import NAME as CHROMA
from rag.storage.chroma_file import read_chroma
from rag.storage.parquet import arrow

Fields = Mapping[str, Any]
"""One record of another store, its metadata at the top: `metadata.author` is `author`."""

TEXT_FIELDS = ("chroma:document", "page_content", "document", "text", "content", "chunk", "chunk_text", "passage", "body")
"""Where stores and frameworks keep a record's text, in order of preference."""
_NESTED = ("payload", "metadata", "meta")
_LLAMA_NODE = "_node_content"
"""A node of LlamaIndex as JSON, where the store has no field of its own for its text."""
_OWN = frozenset({CONTAINER, INSIDE, UNREAD})
_TITLES = ("title", "file_name", "filename", "source")
_IDS = ("id", "_id", "uuid")
_VECTORS = frozenset({"vector", "vectors", "embedding", "embeddings", "_distance", "_score", "shard_key", "order_value"})
_TABLES = (".parquet", ".arrow", ".feather", ".ipc")
_LEAST_OVERLAP, _MOST_OVERLAP = 12, 2000
"""Characters that the end of one record and the beginning of the next share if they were cut with an overlap."""


def read_other_store(
    path: str | Path, *, collection: str = "", text_field: str = "", document_field: str = "", order_field: str = ""
) -> list[Document]:
    """Return what another store holds or exported as documents, ready for `update_documents`; their ids are `collection/id`.

    `collection` names a collection or table where there are several. The text is in `text_field`, by default in the first of `TEXT_FIELDS`
    that the records have. With `document_field` the records that have the same value there become one document, in the order of the
    numbers in `order_field`, and what two of them share where they were cut with an overlap is kept once. All other fields become
    metadata. Raises BadSetting, ExtraMissing, DocumentError.
    """
    path = as_path("path", path)
    for name, value in (("collection", collection), ("text_field", text_field), ("document_field", document_field)):
        require_type(name, value, str)
    require_type("order_field", order_field, str)
    name, records = _read(path, collection)
    found = [_flat(record) for record in records]
    if not found:
        raise DocumentError("error.store_empty", name=path.name)
    chosen = text_field or _text_field(found, path)
    if document_field:
        return list(_joined(found, name, chosen, document_field, order_field))
    return [
        _document(name, str(next((row[id] for id in _IDS if row.get(id) not in (None, "")), number)), _text(row, chosen), [row], chosen)
        for number, row in enumerate(found, start=1)
        if _text(row, chosen).strip()
    ]


# --- reading --------------------------------------------------------------------------------------------------------------


def _read(path: Path, collection: str) -> tuple[str, Iterable[Fields]]:
    """Return the name of the collection and its records. Raises BadSetting for what is no store or export that is known."""
    if path.name == CHROMA or (path / CHROMA).is_file():
        return read_chroma(path, collection)
    if (path / "meta.json").is_file() and (path / "collection").is_dir():
        # Its points are pickled, and unpickling a file runs what is in it.
        raise BadSetting("error.store_qdrant", path=path)
    if path.suffix == ".lance" or (path.is_dir() and any(path.glob("*.lance"))):
        return _lance(path, collection)
    if path.suffix.lower() in _TABLES:
        return collection or path.stem, _table(path)
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return collection or path.stem, _json(path)
    raise BadSetting("error.store_kind", path=path)


def _json(path: Path) -> Iterator[Fields]:
    """Yield the records of a JSON file: a list of objects, one object a line, what Qdrant answers to a scroll, or what a Chroma
    collection's `get()` returns."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        try:
            values = [json.loads(text)]
        except ValueError:
            values = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise BadSetting("error.store_unreadable", path=path, reason=str(error)[:200]) from error
    for value in values:
        yield from _objects(value)


def _objects(value: Any) -> Iterator[Fields]:
    if isinstance(value, list):
        yield from chain.from_iterable(map(_objects, value))
    elif isinstance(value, Mapping):
        inner = value.get("result", value)
        points = inner.get("points") if isinstance(inner, Mapping) else inner
        if isinstance(points, list):
            yield from (point for point in points if isinstance(point, Mapping))
        elif isinstance(value.get("ids"), list) and isinstance(value.get("documents"), list):
            yield from _parallel(value)
        else:
            yield value


def _parallel(value: Fields) -> Iterator[Fields]:
    """Yield the records of a Chroma collection's `get()`, whose fields are lists of the same length."""
    ids, documents, metadatas = value["ids"], value["documents"], value.get("metadatas") or []
    for number, id in enumerate(ids):
        metadata = metadatas[number] if number < len(metadatas) else None
        text = documents[number] if number < len(documents) else None
        yield {"id": id, TEXT_FIELDS[0]: text, **(metadata if isinstance(metadata, Mapping) else {})}


def _table(path: Path) -> Iterator[Fields]:
    """Yield the rows of a Parquet or Arrow file, without its vectors."""
    pa, pq = arrow()
    try:
        if path.suffix.lower() == ".parquet":
            file = pq.ParquetFile(path)
            columns = [field.name for field in file.schema_arrow if not _is_vector(pa, field)]
            batches: Iterable[Any] = file.iter_batches(batch_size=4096, columns=columns)
            yield from chain.from_iterable(batch.to_pylist(maps_as_pydicts="lossy") for batch in batches)
        else:
            yield from _arrow_rows(pa, pa.ipc.open_file(path).read_all())
    except (OSError, pa.ArrowException) as error:
        raise BadSetting("error.store_unreadable", path=path, reason=str(error)[:200]) from error


def _arrow_rows(pa: Any, table: Any) -> list[Fields]:
    plain = table.select([field.name for field in table.schema if not _is_vector(pa, field)])
    return list(plain.to_pylist(maps_as_pydicts="lossy"))


def _is_vector(pa: Any, field: Any) -> bool:
    lists = pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type) or pa.types.is_large_list(field.type)
    return field.name in _VECTORS or (lists and pa.types.is_floating(field.type.value_type))


def _lance(path: Path, collection: str) -> tuple[str, list[Fields]]:
    """Return the name and the rows of a LanceDB table, given its folder or that of its database."""
    names = [path.stem] if path.suffix == ".lance" else sorted(found.stem for found in path.glob("*.lance"))
    if collection not in names and (collection or len(names) != 1):
        raise BadSetting("error.store_collection", path=path, names=", ".join(names))
    chosen = collection or names[0]
    pa, _ = arrow()
    try:
        import lancedb  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ExtraMissing("error.lance_extra") from error
    try:
        table = lancedb.connect(str(path.parent if path.suffix == ".lance" else path)).open_table(chosen).to_arrow()
    except (OSError, ValueError, RuntimeError, pa.ArrowException) as error:
        raise BadSetting("error.store_unreadable", path=path, reason=str(error)[:200]) from error
    return chosen, _arrow_rows(pa, table)


# --- records as documents -------------------------------------------------------------------------------------------------


def _flat(record: Fields, prefix: str = "") -> dict[str, Any]:
    """Return a record with its payload and metadata at the top, and fields inside other fields as `outer.inner`."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if key in _VECTORS and not prefix:
            continue
        if isinstance(value, Mapping):
            inner = _flat(value, "" if key in _NESTED else f"{prefix}{key}.")
            found = {**inner, **found} if key in _NESTED else {**found, **inner}
        else:
            found[f"{prefix}{key}"] = value
    if isinstance(node := found.pop(_LLAMA_NODE, None), str):
        found.pop("_node_type", None)
        try:
            text = json.loads(node).get("text")
        except (ValueError, AttributeError, RecursionError):
            text = None
        if isinstance(text, str) and text.strip():
            found.setdefault("text", text)
    return found


def _text_field(rows: Sequence[Fields], path: Path) -> str:
    """Return the field that holds the text. Raises BadSetting, naming the fields that there are."""
    for name in TEXT_FIELDS:
        if any(isinstance(row.get(name), str) and row[name].strip() for row in rows):
            return name
    names = dict.fromkeys(chain.from_iterable(islice(rows, 50)))
    raise BadSetting("error.store_text", path=path, names=", ".join(names) or "–")


def _text(row: Fields, field: str) -> str:
    value = row.get(field)
    return value if isinstance(value, str) else ""


def _joined(rows: Sequence[Fields], name: str, text_field: str, document_field: str, order_field: str) -> Iterator[Document]:
    """Yield a document for each value of a field. Raises BadSetting where no record has it."""
    groups: dict[str, list[Fields]] = {}
    for row in rows:
        if _text(row, text_field).strip() and (key := _as_text(row.get(document_field))):
            groups.setdefault(key, []).append(row)
    if not groups:
        names = dict.fromkeys(chain.from_iterable(islice(rows, 50)))
        raise BadSetting("error.store_field", name=document_field, names=", ".join(names))
    for key, own in groups.items():
        if order_field:
            own.sort(key=lambda row: _number(row.get(order_field)))
        text = ""
        for row in own:
            text = _appended(text, _text(row, text_field))
        yield _document(name, key, text, own, text_field)


def _appended(text: str, following: str) -> str:
    """Return two texts one after the other; what the first ends with and the second begins with stands once."""
    for length in range(min(len(text), len(following), _MOST_OVERLAP), _LEAST_OVERLAP - 1, -1):
        if text.endswith(following[:length]):
            return text + following[length:]
    return f"{text}\n\n{following}" if text else following


def _document(name: str, id: str, text: str, rows: Sequence[Fields], text_field: str) -> Document:
    """Return a document with the metadata that all its records share."""
    first, *others = [
        {key: said for key, value in row.items() if key not in (text_field, *_IDS, *_OWN) and (said := _as_text(value))} for row in rows
    ]
    shared = {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}
    title = next((PurePosixPath(shared[key].replace("\\", "/")).name for key in _TITLES if key in shared), "")
    shared.pop("title", None)
    return Document.of_text(f"{name}/{id}", text, title=title, metadata=shared)


def _as_text(value: object) -> str:
    """Return a value as a field of metadata, "" for none; the parts of a list are separated as filters read them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.15g}" if math.isfinite(value) else ""
    if isinstance(value, (int, str)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "; ".join(said for each in value if (said := _as_text(each)))
    return ""


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.inf
