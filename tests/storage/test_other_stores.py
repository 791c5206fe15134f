"""Imports from Chroma, Qdrant and LanceDB, and the index as Parquet. The exports have the forms that those programs write."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.errors import BadSetting, DocumentError, ExtraMissing
from rag.retrieval.index import Index
from rag.schema import Document, Filter
from rag.storage.build import update_documents
from rag.storage.other_stores import read_other_store
from rag.storage.parquet import export_parquet
from rag.testing import HashEmbedder

NOON = "It sailed at noon on Monday."
TEXTS = (f"The ferry carried 212 passengers. {NOON}", f"{NOON} Fog delayed it.", "بدأ قطف الزيتون في أكتوبر.")
METADATA: tuple[dict[str, Any], ...] = (
    {"source": "docs/ferry.pdf", "page": 1, "author": "John Reed"},
    {"source": "docs/ferry.pdf", "page": 2, "draft": False},
    {"source": "زيتون.md", "page": 3, "score": 0.5},
)
AS_TEXT = [
    {"source": "docs/ferry.pdf", "page": "1", "author": "John Reed"},
    {"source": "docs/ferry.pdf", "page": "2", "draft": "false"},
    {"source": "زيتون.md", "page": "3", "score": "0.5"},
]


def write_chroma(folder: Path, collections: Mapping[str, Sequence[tuple[str, str, Mapping[str, Any]]]], lists: bool = True) -> Path:
    """Write the tables of a Chroma database as its version 1.5 makes them, without those that hold no text."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as db, db:
        db.executescript("""
        CREATE TABLE collections (id TEXT PRIMARY KEY, name TEXT NOT NULL, dimension INTEGER, database_id TEXT NOT NULL);
        CREATE TABLE segments (id TEXT PRIMARY KEY, type TEXT NOT NULL, scope TEXT NOT NULL, collection TEXT NOT NULL);
        CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL, embedding_id TEXT NOT NULL, seq_id BLOB NOT NULL);
        CREATE TABLE embedding_metadata (id INTEGER, key TEXT NOT NULL, string_value TEXT, int_value INTEGER, float_value REAL,
          bool_value INTEGER, PRIMARY KEY (id, key));
        """)
        if lists:
            db.execute(
                "CREATE TABLE embedding_metadata_array (id INTEGER, key TEXT, string_value TEXT, int_value INTEGER, "
                "float_value REAL, bool_value INTEGER)"
            )
        number = 0
        for name, records in collections.items():
            db.execute("INSERT INTO collections VALUES (?, ?, 4, 'd')", (f"c-{name}", name))
            for scope in ("VECTOR", "METADATA"):
                db.execute("INSERT INTO segments VALUES (?, 'urn:chroma', ?, ?)", (f"{scope}-{name}", scope, f"c-{name}"))
            for id, text, metadata in records:
                number += 1
                db.execute("INSERT INTO embeddings VALUES (?, ?, ?, x'00')", (number, f"METADATA-{name}", id))
                for key, value in {**metadata, "chroma:document": text}.items():
                    if isinstance(value, list):
                        rows = [(number, key, each) for each in value]
                        db.executemany("INSERT INTO embedding_metadata_array (id, key, string_value) VALUES (?, ?, ?)", rows)
                        continue
                    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "float_value"}
                    query = f"INSERT INTO embedding_metadata (id, key, {kinds[type(value)]}) VALUES (?, ?, ?)"
                    db.execute(query, (number, key, value))
    return folder


def ids_texts_metadata(documents: Sequence[Document]) -> list[tuple[str, str, dict[str, str]]]:
    return [(document.id, document.text, dict(document.metadata)) for document in documents]


def expected(name: str, ids: Sequence[str]) -> list[tuple[str, str, dict[str, str]]]:
    return [(f"{name}/{id}", text, metadata) for id, text, metadata in zip(ids, TEXTS, AS_TEXT, strict=True)]


@pytest.mark.parametrize("lists", [True, False])
def test_chroma_as_a_folder(tmp_path: Path, lists: bool) -> None:
    records = list(zip("abc", TEXTS, METADATA, strict=True))
    folder = write_chroma(tmp_path / "chroma", {"notes": records, "أخرى": [("x", "نص آخر.", {})]}, lists)
    before = (folder / "chroma.sqlite3").read_bytes()
    assert ids_texts_metadata(read_other_store(folder, collection="notes")) == expected("notes", "abc")
    assert [document.text for document in read_other_store(folder / "chroma.sqlite3", collection="أخرى")] == ["نص آخر."]
    assert (folder / "chroma.sqlite3").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["chroma.sqlite3"]
    with pytest.raises(BadSetting, match=r"notes, أخرى"):
        read_other_store(folder)


def test_lists_of_chroma_are_values_that_a_filter_finds(tmp_path: Path) -> None:
    folder = write_chroma(tmp_path / "chroma", {"n": [("a", "The heron.", {"tags": ["birds", "طيور"]})]})
    assert read_other_store(folder)[0].metadata == {"tags": "birds; طيور"}


def test_what_a_collection_of_chroma_returns_as_json(tmp_path: Path) -> None:
    got = {"ids": ["a", "b", "c"], "embeddings": [[0.1], [0.2], [0.3]], "documents": list(TEXTS), "uris": None, "metadatas": list(METADATA)}
    (tmp_path / "notes.json").write_text(json.dumps(got), encoding="utf-8")
    assert ids_texts_metadata(read_other_store(tmp_path / "notes.json")) == expected("notes", "abc")


def points() -> list[dict[str, Any]]:
    """Records of Qdrant as `model_dump` writes them, with the payload of LangChain."""
    return [
        {
            "id": number,
            "payload": {"page_content": text, "metadata": metadata},
            "vector": [0.1, 0.2],
            "shard_key": None,
            "order_value": None,
        }
        for number, (text, metadata) in enumerate(zip(TEXTS, METADATA, strict=True), start=1)
    ]


@pytest.mark.parametrize("form", ["lines", "answer", "list"])
def test_points_of_qdrant(tmp_path: Path, form: str) -> None:
    path = tmp_path / ("notes.jsonl" if form == "lines" else "notes.json")
    answer = {"result": {"points": points(), "next_page_offset": None}, "status": "ok", "time": 0.001}
    lines = "\n".join(json.dumps(point, ensure_ascii=False) for point in points())
    path.write_text({"lines": lines, "answer": json.dumps(answer), "list": json.dumps(points())}[form], encoding="utf-8")
    assert ids_texts_metadata(read_other_store(path)) == expected("notes", "123")


def test_nodes_of_llamaindex_in_qdrant(tmp_path: Path) -> None:
    node = {"id_": "n", "metadata": {"file_name": "a.pdf"}, "text": TEXTS[0], "class_name": "TextNode"}
    payload = {"file_name": "a.pdf", "_node_content": json.dumps(node), "_node_type": "TextNode", "doc_id": "d"}
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "7f", "payload": payload}), encoding="utf-8")
    (document,) = read_other_store(tmp_path / "q.jsonl")
    assert (document.text, document.title, dict(document.metadata)) == (TEXTS[0], "a.pdf", {"file_name": "a.pdf", "doc_id": "d"})


def test_a_local_folder_of_qdrant_is_not_unpickled(tmp_path: Path) -> None:
    (tmp_path / "collection").mkdir()
    (tmp_path / "meta.json").write_text("{}")
    with pytest.raises(BadSetting) as caught:
        read_other_store(tmp_path)
    assert "scroll()" in caught.value.text("ar")


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_tables_of_lancedb_as_parquet_and_arrow(tmp_path: Path, suffix: str) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    rows = [
        {"id": f"n{number}", "text": text, "vector": [0.1, 0.2], "metadata": {key: metadata.get(key) for key in ("source", "page")}}
        for number, (text, metadata) in enumerate(zip(TEXTS, METADATA, strict=True))
    ]
    table = pa.Table.from_pylist(rows)
    if suffix == ".parquet":
        pq.write_table(table, tmp_path / "notes.parquet")
    else:
        with pa.ipc.new_file(tmp_path / "notes.arrow", table.schema) as file:
            file.write_table(table)
    found = ids_texts_metadata(read_other_store(tmp_path / f"notes{suffix}"))
    shared = [{key: metadata[key] for key in ("source", "page")} for metadata in AS_TEXT]
    assert found == [(f"notes/n{n}", text, metadata) for n, (text, metadata) in enumerate(zip(TEXTS, shared, strict=True))]


def test_records_are_joined_in_order_and_what_they_share_stands_once(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text(json.dumps(points()[::-1]), encoding="utf-8")
    olives, ferry = read_other_store(tmp_path / "notes.json", document_field="source", order_field="page")
    assert ferry.text == f"The ferry carried 212 passengers. {NOON} Fog delayed it."
    assert (ferry.id, ferry.title, dict(ferry.metadata)) == ("notes/docs/ferry.pdf", "ferry.pdf", {"source": "docs/ferry.pdf"})
    assert (olives.text, olives.title) == (TEXTS[2], "زيتون.md")
    with pytest.raises(BadSetting, match="source"):
        read_other_store(tmp_path / "notes.json", document_field="sorce")


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.txt", "text", "error.store_kind"),
        ("a.json", "{", "error.store_unreadable"),
        ("a.json", "[]", "error.store_empty"),
        ("a.json", '[{"id": 1, "words": "a"}]', "error.store_text"),
        ("a.json", '[{"id": 1, "text": ""}]', "error.store_text"),
        ("a.json", "[" * 100_000, "error.store_unreadable"),
        ("chroma.sqlite3", "no database", "error.store_unreadable"),
        ("a.parquet", "no table", "error.store_unreadable"),
        ("a.arrow", "no table", "error.store_unreadable"),
        ("none.json", None, "error.store_unreadable"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(tmp_path: Path, name: str, content: str | None, key: str) -> None:
    if name.endswith(("parquet", "arrow")):
        pytest.importorskip("pyarrow")
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises((BadSetting, DocumentError)) as caught:
        read_other_store(tmp_path / name)
    assert caught.value.key == key


def test_a_field_of_ours_is_not_taken_from_elsewhere(tmp_path: Path) -> None:
    record = {
        "id": 1,
        "text": "A text.",
        "container": "mail.eml",
        "documents": "3",
        "unread_pages": "1",
        "author": None,
        "size": float("nan"),
    }
    (tmp_path / "a.json").write_text(json.dumps([record]))
    assert read_other_store(tmp_path / "a.json")[0].metadata == {}


def test_an_import_is_searched_and_a_second_one_changes_nothing(tmp_path: Path, meeting: HashEmbedder) -> None:
    (tmp_path / "notes.json").write_text(json.dumps(points()), encoding="utf-8")
    assert update_documents(tmp_path / "index", read_other_store(tmp_path / "notes.json"), meeting).added == 3
    assert update_documents(tmp_path / "index", read_other_store(tmp_path / "notes.json"), meeting).unchanged == 3
    with Index.open(tmp_path / "index", meeting) as index:
        hits = index.search("passengers of the ferry", filter=Filter(metadata={"author": "John Reed"}, collections="notes"))
        assert [hit.passage.document_id for hit in hits] == ["notes/1"]


def test_an_index_as_parquet(tmp_path: Path, meeting: HashEmbedder) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    documents = [Document.of_text("ferry", TEXTS[0], title="Log", metadata={"author": "John Reed"}), Document.of_text("زيتون", TEXTS[2])]
    update_documents(tmp_path / "index", documents, meeting)
    assert export_parquet(tmp_path / "index", tmp_path / "out" / "passages.parquet") == 2
    table = pq.read_table(tmp_path / "out" / "passages.parquet")
    first, second = table.to_pylist()
    assert (first["document_id"], first["title"], first["text"], first["metadata"]) == ("ferry", "Log", TEXTS[0], [("author", "John Reed")])
    assert (second["document_id"], second["language"], second["text"][: second["end"]]) == ("زيتون", "ar", TEXTS[2])
    with Index.open(tmp_path / "index", meeting) as index:
        stored = index.passages_of("ferry")[0]
        assert (first["id"], first["start"], first["end"]) == (stored.id, stored.span.start, stored.span.end)
    expected_vector = meeting.embed_passages([TEXTS[0]], ["Log"])[0]
    assert np.array(first["vector"], dtype=np.float32) == pytest.approx(expected_vector, abs=1e-6)
    assert table.schema.metadata[b"shawahid.fingerprint"].decode() == meeting.fingerprint
    export_parquet(tmp_path / "index", tmp_path / "plain.parquet", vectors=False)
    assert "vector" not in pq.read_schema(tmp_path / "plain.parquet").names
    assert [document.text for document in read_other_store(tmp_path / "plain.parquet")] == [TEXTS[0], TEXTS[2]]  # and back
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "out", "plain.parquet"]


def test_without_pyarrow_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (lambda: export_parquet(tmp_path, tmp_path / "a.parquet"), lambda: read_other_store(tmp_path / "a.parquet")):
        with pytest.raises(ExtraMissing) as caught:
            call()
        assert "pip install pyarrow" in caught.value.text("ar")


def test_the_commands(tmp_path: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    from typer.testing import CliRunner

    from rag.cli.main import app

    (tmp_path / "notes.json").write_text(json.dumps(points()), encoding="utf-8")
    monkeypatch.setenv("SHAWAHID_INDEX", str(tmp_path / "index"))
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (meeting, None))
    run = CliRunner()
    done = run.invoke(app, ["import", str(tmp_path / "notes.json"), "--document-field", "source", "--order-field", "page", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["added"]) == (0, 2)
    done = run.invoke(app, ["export", str(tmp_path / "passages.parquet"), "--json"])
    assert json.loads(done.stdout) == {"path": str(tmp_path / "passages.parquet"), "passages": 2}
