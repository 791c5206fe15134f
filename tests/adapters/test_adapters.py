"""The retrievers for other frameworks, each against the real package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.adapters.filters import both, filter_of, filter_record
from rag.adapters.saved import chatbot_record, index_record, open_index
from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.generator_translator import GeneratorTranslator
from rag.config import Settings
from rag.errors import BadSetting
from rag.models.remote_generator import RemoteGenerator
from rag.retrieval.index import Index
from rag.schema import Filter
from rag.storage.build import build_index
from rag.storage.flat_index import FlatIndex
from rag.testing import HashEmbedder, ScriptedGenerator, TableTranslator, WordReader
from tests.helpers import CORPUS, LEXICON, write
from tests.waiting import run_async

QUESTIONS = [("How many passengers did the ferry carry?", "en/ferry.txt"), ("كم راكبًا نقلت العبّارة ألباتروس؟", "ar/ميناء الواحة.txt")]


@pytest.fixture
def index(built: Path, meeting: HashEmbedder) -> Iterator[Index]:
    with Index.open(built, meeting) as opened:
        yield opened


def is_where_it_says(text: str, told: dict[str, Any], document: str) -> None:
    assert (told["document"], told["rank"]) == (document, 1)
    assert CORPUS[document][told["start"] : told["end"]] == text


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_langchain_retrieves_and_awaits(index: Index, question: str, document: str) -> None:
    pytest.importorskip("langchain_core", reason="langchain-core is not installed (pip install '.[adapters]')")
    from rag.adapters.langchain import ShawahidRetriever

    retriever = ShawahidRetriever(index=index, k=2)
    found = retriever.invoke(question)
    assert len(found) == 2
    is_where_it_says(found[0].page_content, found[0].metadata, document)
    assert run_async(retriever.ainvoke(question)) == found


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_llamaindex_retrieves_and_awaits(index: Index, question: str, document: str) -> None:
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed (pip install '.[adapters]')")
    from rag.adapters.llamaindex import ShawahidRetriever

    retriever = ShawahidRetriever(index, k=2)
    found = retriever.retrieve(question)
    assert len(found) == 2
    is_where_it_says(found[0].node.get_content(), found[0].node.metadata, document)
    assert found[0].score == found[0].node.metadata["score"]
    assert [item.node_id for item in run_async(retriever.aretrieve(question))] == [item.node_id for item in found]


@pytest.mark.parametrize(("question", "document"), QUESTIONS)
def test_haystack_runs_it_in_a_pipeline(index: Index, question: str, document: str) -> None:
    haystack = pytest.importorskip("haystack", reason="haystack-ai is not installed (pip install '.[adapters]')")
    from rag.adapters.haystack import ShawahidRetriever

    pipeline = haystack.Pipeline()
    pipeline.add_component("shawahid", ShawahidRetriever(index, top_k=2))
    found = pipeline.run({"shawahid": {"query": question}})["shawahid"]["documents"]
    assert len(found) == 2
    is_where_it_says(found[0].content, found[0].meta, document)
    assert len(pipeline.run({"shawahid": {"query": question, "top_k": 1}})["shawahid"]["documents"]) == 1


# --- filters, metadata, checked answers -----------------------------------------------------------------------------------

TENANTS = {
    "a.json": '{"text": "The heron of the marsh eats frogs.", "tenant": "a", "author": "منى الحداد", "date": "2024-10-14"}',
    "b.json": '{"text": "The heron of the marsh eats fish.", "tenant": "b", "date": "2020"}',
    "ج.json": '{"text": "يأكل مالك الحزين في المستنقع الضفادع.", "tenant": "a"}',
}
HERON, HERON_AR = "What does the heron of the marsh eat?", "ماذا يأكل مالك الحزين في المستنقع؟"


@pytest.fixture
def tenants(tmp_path: Path, meeting: HashEmbedder) -> Iterator[Index]:
    build_index(write(tmp_path / "tenants", TENANTS), tmp_path / "tenants-index", meeting)
    with Index.open(tmp_path / "tenants-index", meeting) as opened:
        yield opened


def bot(index: Index) -> Chatbot:
    return Chatbot(index, None, calibration=replace(Calibration.of("unknown", None), least=0.0))


def documents(found: Any) -> set[str]:
    return {item.metadata["document"] for item in found}


def test_langchain_filters_and_gives_metadata_and_swallows_nothing(tenants: Index) -> None:
    pytest.importorskip("langchain_core", reason="langchain-core is not installed (pip install '.[adapters]')")
    from rag.adapters.langchain import ShawahidAnswerer, ShawahidRetriever

    retriever = ShawahidRetriever(index=tenants, k=5, filter={"tenant": "a"})
    found = retriever.invoke(HERON)
    assert documents(found) == {"a.json", "ج.json"}
    assert (found[0].metadata["author"], found[0].metadata["date"], found[0].metadata["tenant"]) == ("منى الحداد", "2024-10-14", "a")
    assert documents(retriever.invoke(HERON, filter={"language": "ar"})) == {"ج.json"}
    assert documents(run_async(retriever.ainvoke(HERON, filter={"language": "ar"}))) == {"ج.json"}
    assert len(run_async(retriever.ainvoke(HERON, k=1))) == 1
    assert retriever.invoke(HERON, filter={"tenant": "b"}) == []  # a call cannot widen what it was made for
    for call in (lambda: retriever.invoke(HERON, filters={"tenant": "a"}), lambda: run_async(retriever.ainvoke(HERON, top_k=1))):
        with pytest.raises(BadSetting) as caught:
            call()
        assert caught.value.key == "error.unknown_argument"
    with pytest.raises(ValueError):
        ShawahidRetriever(index=tenants, filters={"tenant": "a"})

    answerer = ShawahidAnswerer(bot(tenants), filter={"tenant": "a"})
    answer = answerer.invoke(HERON)
    assert "frogs" in answer["answer"]
    assert (answer["status"], answer["grade"], documents(answer["documents"])) == ("answered", "quoted", {"a.json"})
    assert run_async(answerer.ainvoke(HERON_AR, filter={"language": "ar"}))["documents"][0].metadata["document"] == "ج.json"
    with pytest.raises(BadSetting):
        answerer.invoke(HERON, filters={"tenant": "b"})


def test_llamaindex_filters_and_gives_metadata_and_swallows_nothing(tenants: Index) -> None:
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed (pip install '.[adapters]')")
    from llama_index.core.vector_stores import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

    from rag.adapters.llamaindex import ShawahidQueryEngine, ShawahidRetriever

    def of(*filters: tuple[str, Any, FilterOperator], condition: FilterCondition = FilterCondition.AND) -> MetadataFilters:
        return MetadataFilters(
            filters=[MetadataFilter(key=key, value=value, operator=op) for key, value, op in filters], condition=condition
        )

    same, among, since = FilterOperator.EQ, FilterOperator.IN, FilterOperator.GTE
    found = ShawahidRetriever(tenants, filters=of(("tenant", "a", same), ("language", "en", same))).retrieve(HERON)
    assert documents(item.node for item in found) == {"a.json"}
    assert found[0].node.metadata["author"] == "منى الحداد"
    either = ShawahidRetriever(tenants, filters=of(("tenant", ["a", "b"], among), ("date", "2021", since))).retrieve(HERON)
    assert documents(item.node for item in either) == {"a.json"}
    unclear = [
        of(("tenant", "a", FilterOperator.NE)),
        of(("a", "x", same), ("b", "y", same), condition=FilterCondition.OR),
        of(("n", 1, same)),
    ]
    for filters in unclear:
        with pytest.raises(BadSetting):
            ShawahidRetriever(tenants, filters=filters)
    engine = ShawahidQueryEngine(bot(tenants), filters={"tenant": "b"})
    for response in (engine.query(HERON), run_async(engine.aquery(HERON))):
        assert "fish" in str(response)
        assert (response.metadata["status"], documents(item.node for item in response.source_nodes)) == ("answered", {"b.json"})


def test_haystack_filters_and_gives_metadata_and_swallows_nothing(tenants: Index) -> None:
    pytest.importorskip("haystack", reason="haystack-ai is not installed (pip install '.[adapters]')")
    from rag.adapters.haystack import ShawahidAnswerer, ShawahidRetriever

    def found(given: Any, own: Any = None) -> set[str]:
        return {item.meta["document"] for item in ShawahidRetriever(tenants, filters=own).run(HERON, filters=given)["documents"]}

    mine = {"field": "meta.tenant", "operator": "==", "value": "a"}
    since = {"field": "meta.date", "operator": ">=", "value": "2021"}
    assert found(mine) == {"a.json", "ج.json"}
    assert found({"operator": "AND", "conditions": [mine, since]}) == {"a.json"}
    assert found({"tenant": "b"}) == {"b.json"}
    assert found({"tenant": "b"}, own=mine) == set()
    for wrong in (
        {"operator": "OR", "conditions": [mine, since]},
        {"operator": "NOT", "conditions": [mine]},
        {**mine, "value": 7},
        "tenant",
        7,
    ):
        with pytest.raises(BadSetting):
            found(wrong)
    answerer = ShawahidAnswerer(bot(tenants), filters=mine)
    for run in (answerer.run(HERON), run_async(answerer.run_async(HERON))):
        (answer,) = run["answers"]
        assert "frogs" in answer.data
        assert (answer.meta["status"], answer.documents[0].meta["author"]) == ("answered", "منى الحداد")


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (None, None, None),
        ({"tenant": "a"}, None, Filter(metadata={"tenant": ("a",)})),
        ({"tenant": ["a", "b"]}, {"tenant": "b"}, Filter(metadata={"tenant": ("b",)})),
        ({"documents": ["x", "y"]}, {"document": "y"}, Filter(documents=("y",))),
        ({"documents": ["x"]}, {"documents": ["y"]}, Filter(documents=())),
        ({"since": "2020", "until": "2020"}, {"since": "2020-05", "until": "2020-05"}, Filter(since="2020-05", until="2020-05")),
        ({"metadata": {"source": "s"}}, {"languages": ["ar"]}, Filter(languages=("ar",), metadata={"source": ("s",)})),
    ],
)
def test_two_filters_let_through_what_each_of_them_does(one: Any, other: Any, common: Filter | None) -> None:
    assert both(filter_of(one), filter_of(other)) == common


@pytest.mark.parametrize("wrong", ["a", 7, ["a"], {"tenant": None}, {"tenant": 7}, {"tenant": []}, {"since": ["2020"]}, {"metadata": "a"}])
def test_a_filter_that_is_none_is_an_error_with_a_sentence(wrong: Any) -> None:
    with pytest.raises(BadSetting) as caught:
        filter_of(wrong)
    assert caught.value.text("ar") != caught.value.text("en")


# --- written down and made again ------------------------------------------------------------------------------------------


class Placed(HashEmbedder):
    """An embedder that a setting can name: by its folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(256, lexicon=LEXICON)
        self.folder = folder


@pytest.fixture
def placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index whose embedder is opened again by its folder, and by nothing else."""
    folder = tmp_path / "نموذج"
    folder.mkdir()

    def opened(settings: Settings) -> tuple[Placed, None]:
        assert settings.embedder == str(folder)
        return Placed(folder), None

    monkeypatch.setattr("rag.adapters.saved.open_embedder", opened)
    build_index(write(tmp_path / "tenants", TENANTS), tmp_path / "فهرس", Placed(folder))
    with Index.open(tmp_path / "فهرس", Placed(folder)) as index:
        yield index


def plain_bot(index: Index) -> Chatbot:
    return Chatbot(index, None, style="short", check=False)


def through_json(record: Any) -> Any:
    """A record as another process reads it."""
    return json.loads(json.dumps(record))


def test_langchain_objects_are_dumped_and_loaded(placed: Index) -> None:
    pytest.importorskip("langchain_core", reason="langchain-core is not installed (pip install '.[adapters]')")
    from langchain_core.load import dumpd, load

    from rag.adapters.langchain import ShawahidAnswerer, ShawahidRetriever

    retriever = ShawahidRetriever(index=placed, k=2, filter={"tenant": "a", "since": "2024"})
    record = dumpd(retriever)
    assert record["kwargs"] == {
        "index": {"path": str(placed.folder), "embedder": str(placed.embedder.folder)},  # type: ignore[attr-defined]
        "k": 2,
        "filter": {"since": "2024", "metadata": {"tenant": ["a"]}},
    }
    made = load(through_json(record), allowed_objects=[ShawahidRetriever], valid_namespaces=["rag"])
    assert made.index is not placed
    assert made.invoke(HERON) == retriever.invoke(HERON) != []
    assert documents(made.invoke(HERON)) == {"a.json"}

    answerer = ShawahidAnswerer(plain_bot(placed), filter={"tenant": "b"})
    made = load(through_json(dumpd(answerer)), allowed_objects=[ShawahidAnswerer], valid_namespaces=["rag"])
    assert made.invoke(HERON) == answerer.invoke(HERON)
    assert (made.chatbot.style, made.chatbot.checks) == ("short", False)


def test_llamaindex_objects_are_written_and_read(placed: Index) -> None:
    pytest.importorskip("llama_index.core", reason="llama-index-core is not installed (pip install '.[adapters]')")
    from rag.adapters.llamaindex import ShawahidQueryEngine, ShawahidRetriever

    retriever = ShawahidRetriever(placed, k=1, filters={"language": "ar"})
    record = through_json(retriever.to_dict())
    assert (record["class_name"], record["k"], record["filters"]) == ("ShawahidRetriever", 1, {"languages": ["ar"]})
    found = ShawahidRetriever.from_dict(record).retrieve(HERON_AR)
    assert [item.node.metadata["document"] for item in found] == ["ج.json"]
    engine = ShawahidQueryEngine(plain_bot(placed), filters={"tenant": "b"})
    made = ShawahidQueryEngine.from_dict(through_json(engine.to_dict()))
    assert str(made.query(HERON)) == str(engine.query(HERON))


def test_haystack_pipelines_are_written_and_read(placed: Index) -> None:
    haystack = pytest.importorskip("haystack", reason="haystack-ai is not installed (pip install '.[adapters]')")
    from haystack.core.serialization import allow_deserialization_module

    from rag.adapters.haystack import ShawahidAnswerer, ShawahidRetriever

    allow_deserialization_module("rag.adapters.haystack")
    pipeline = haystack.Pipeline()
    pipeline.add_component("find", ShawahidRetriever(placed, top_k=2, filters={"field": "meta.tenant", "operator": "==", "value": "a"}))
    pipeline.add_component("answer", ShawahidAnswerer(plain_bot(placed)))
    made = haystack.Pipeline.loads(pipeline.dumps())
    asked = {"find": {"query": HERON}, "answer": {"query": HERON_AR}}
    found, again = pipeline.run(asked), made.run(asked)
    assert [item.meta["document"] for item in again["find"]["documents"]] == [item.meta["document"] for item in found["find"]["documents"]]
    assert {item.meta["document"] for item in again["find"]["documents"]} == {"a.json", "ج.json"}
    assert again["answer"]["answers"][0].data == found["answer"]["answers"][0].data


class OwnReader(WordReader):
    pass


def test_what_a_setting_cannot_name_is_not_written(placed: Index, tenants: Index) -> None:
    wrong = [
        lambda: index_record(tenants),  # an embedder of one's own
        lambda: index_record(Index.open(placed.folder, placed.embedder, vectors=lambda ids, vectors: FlatIndex.of(ids, vectors, 256))),
        lambda: chatbot_record(Chatbot(placed, ScriptedGenerator())),
        lambda: chatbot_record(Chatbot(placed, reader=OwnReader())),
        lambda: chatbot_record(Chatbot(placed, translator=TableTranslator({}))),
        lambda: chatbot_record(bot(placed)),  # a calibration of one's own
    ]
    for write_down in wrong:
        with pytest.raises(BadSetting) as caught:
            write_down()
        assert caught.value.key == "error.unsaved"
    remote = RemoteGenerator("http://10.0.0.5:8000/v1#Qwen/Qwen3-8B", "a-secret-key")
    record = chatbot_record(Chatbot(placed, remote, translator=GeneratorTranslator(remote)))
    assert record["translator"] == "generator"
    assert record["generator"] == "http://10.0.0.5:8000/v1#Qwen/Qwen3-8B"
    assert "secret" not in json.dumps(record)


@pytest.mark.parametrize("record", [None, "index", {}, {"path": "x"}, {"path": "x", "embedder": "y", "model": "z"}])
def test_a_record_that_is_none_is_an_error_with_a_sentence(record: Any) -> None:
    with pytest.raises(BadSetting) as caught:
        open_index(record)
    assert caught.value.key == "error.record"


@pytest.mark.parametrize(
    "filter",
    [Filter(), Filter(documents=()), Filter(("a", "ب"), ("ar",), ("hr",), "2020", "2021-05", {"author": "منى", "tenant": ("a", "b")})],
)
def test_a_filter_is_the_same_when_it_is_read_again(filter: Filter) -> None:
    again = filter_of(through_json(filter_record(filter)))
    assert again is not None
    assert (again.documents, again.languages, again.collections) == (filter.documents, filter.languages, filter.collections)
    assert (again.since, again.until) == (filter.since, filter.until)
    assert {name: (value,) if isinstance(value, str) else tuple(value) for name, value in filter.metadata.items()} == again.metadata
    assert filter_record(None) is None
