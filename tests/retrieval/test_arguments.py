"""Wrong arguments are errors of the product, with a sentence in both languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rag.answering.chatbot import Chatbot
from rag.config import ServerSettings, Settings
from rag.documents.chunker import Chunker
from rag.documents.load import read_document
from rag.errors import BadQuestion, BadSetting, ShawahidError
from rag.factory import open_chatbot, open_embedder
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.llama.generator import LlamaCpp
from rag.retrieval.index import Index
from rag.schema import Document, Filter, Span, Turn
from rag.service.aio import AsyncChatbot
from rag.storage.build import add_documents, build_index, remove_documents
from rag.testing import HashEmbedder

DECOMPOSED = unicodedata.normalize("NFD", "يأكل مالك الحزين في المستنقع الضفادع، والمؤذن في المئذنة. Le café ouvre.")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder, vectors = tmp_path_factory.mktemp("arguments"), HashEmbedder(64)
    add_documents(folder, [Document.of_text("note", "The ferry carried 212 passengers.")], vectors)
    with Index.open(folder, vectors) as opened:
        yield opened


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda index: index.search(None), BadQuestion),
        (lambda index: index.search(7), BadQuestion),
        (lambda index: index.search("ferry", "5"), BadSetting),
        (lambda index: index.search("ferry", 2.5), BadSetting),
        (lambda index: index.search("ferry", True), BadSetting),
        (lambda index: index.search("ferry", offset=None), BadSetting),
        (lambda index: index.search("ferry", filter={"languages": ["ar"]}), BadSetting),
        (lambda index: index.search("ferry", filter="ar"), BadSetting),
        (lambda index: index.search("ferry", legs=("dence",)), BadSetting),
        (lambda index: index.search("ferry", legs="dense"), BadSetting),
        (lambda index: index.document_ids({"languages": ["ar"]}), BadSetting),
        (lambda index: Chatbot(index, None).ask(None), BadQuestion),
        (lambda index: Chatbot(index, None).ask(["ferry"]), BadQuestion),
        (lambda index: Chatbot(index, None).ask("ferry?", {"question": "x"}), BadSetting),
        (lambda index: Chatbot(index, None).ask("ferry?", [("x", "y")]), BadSetting),
        (lambda index: Chatbot(index, None).ask("ferry?", "x"), BadSetting),
        (lambda index: Chatbot(index, None).ask("ferry?", None), BadSetting),
        (lambda index: Chatbot(index, None).ask("How many passengers did the ferry carry?", filter={"languages": ["ar"]}), BadSetting),
        (lambda index: Filter(languages=7), BadSetting),
        (lambda index: Filter(documents=[1, 2]), BadSetting),
        (lambda index: Filter(languages=None), BadSetting),
        (lambda index: Filter(since=date(2024, 1, 1)), BadSetting),
        (lambda index: Filter(metadata={"year": 2024}), BadSetting),
        (lambda index: Filter(metadata=["author"]), BadSetting),
        (lambda index: Document.of_text("a", None), BadSetting),
        (lambda index: Document.of_text("", "text"), BadSetting),
        (lambda index: Document.of_text("a", "text", language="English"), BadSetting),
        (lambda index: Document.of_text("a", "text", title=None), BadSetting),
        (lambda index: Document.of_text("a", "text", metadata=["x"]), BadSetting),
        (lambda index: Filter(languages="English"), BadSetting),
        (lambda index: Turn("Who?", None), BadSetting),
        (lambda index: Span("0", 1), BadSetting),
        (lambda index: Chunker("800"), BadSetting),
        (lambda index: Chunker(800.5), BadSetting),
        (lambda index: index.document(7), BadSetting),
        (lambda index: index.infos("note"), BadSetting),
        (lambda index: index.evidence("ferry", ["note"]), BadSetting),
        (lambda index: index.evidence("ferry", index.search("ferry"), "5"), BadSetting),
        (lambda index: index.search("ferry", exclude="7"), BadSetting),
        (lambda index: Index.open(None, index.embedder), BadSetting),
        (lambda index: Index.open(index.folder, "e5"), BadSetting),
        (lambda index: Index.open(index.folder, index.embedder, "http://milvus:19530"), BadSetting),
        (lambda index: Index.open(index.folder, index.embedder, vectors=7), BadSetting),
        (lambda index: build_index(None, index.folder, index.embedder), BadSetting),
        (lambda index: build_index(index.folder, index.folder, "e5"), BadSetting),
        (lambda index: build_index(index.folder, index.folder, index.embedder, {"passage": 100}), BadSetting),
        (lambda index: build_index(index.folder, index.folder, index.embedder, max_bytes="1"), BadSetting),
        (lambda index: build_index(index.folder, index.folder, index.embedder, wait="1"), BadSetting),
        (lambda index: build_index(index.folder, index.folder, index.embedder, progress=7), BadSetting),
        (lambda index: add_documents(index.folder, None, index.embedder), BadSetting),
        (lambda index: remove_documents(index.folder, "note"), BadSetting),
        (lambda index: read_document(None, "note"), BadSetting),
        (lambda index: Chatbot(str(index.folder)), BadSetting),
        (lambda index: Chatbot(index, "qwen3-4b"), BadSetting),
        (lambda index: Chatbot(index, style="shrot"), BadSetting),
        (lambda index: Chatbot(index, reader="mine"), BadSetting),
        (lambda index: Chatbot(index, translator="mine"), BadSetting),
        (lambda index: Chatbot(index, calibration={"decline": 1}), BadSetting),
        (lambda index: Chatbot(index).ask("Which ferry?", exclude=7), BadSetting),
        (lambda index: Chatbot(index).ask("Which ferry?", stop=True), BadSetting),
        (lambda index: Chatbot(index).overview(7), BadSetting),
        (lambda index: AsyncChatbot(index), BadSetting),
        (lambda index: open_embedder(None), BadSetting),
        (lambda index: open_chatbot({"profile": "light"}), BadSetting),
        (lambda index: LlamaCpp(None), BadSetting),
        (lambda index: SentenceTransformerEmbedder(None, "e5"), BadSetting),
        (lambda index: Settings(style="shrot"), BadSetting),
        (lambda index: Settings(profile="defualt"), BadSetting),
        (lambda index: Settings(language="fr"), BadSetting),
        (lambda index: Settings(threads="2"), BadSetting),
        (lambda index: Settings.load("SHAWAHID_STYLE=short"), BadSetting),
        (lambda index: ServerSettings(tokens="secret"), BadSetting),
        (lambda index: Settings.load({"SHAWAHID_STYL": "short"}), BadSetting),
        (lambda index: ServerSettings.load({"SHAWAHID_PASSWROD": "x"}), BadSetting),
    ],
)
def test_a_wrong_argument_is_told_in_a_sentence(index: Index, wrong: Any, kind: type[ShawahidError]) -> None:
    with pytest.raises(kind) as caught:
        wrong(index)
    english, arabic = caught.value.text("en"), caught.value.text("ar")
    assert english[-1] == arabic[-1] or (english[-1], arabic[-1]) == ("?", "؟")
    assert set(arabic) & set("ابتثجحخدذرزسشصضطظعغفقكلمنهوي")
    assert "secret" not in english + arabic


def test_an_iterator_of_documents_and_paths_as_strings_are_taken(tmp_path: Path, meeting: HashEmbedder) -> None:
    texts = {"note": "The heron eats frogs.", "ملاحظة": "يأكل مالك الحزين الضفادع."}
    report = add_documents(str(tmp_path), (Document.of_text(id, text) for id, text in texts.items()), meeting)  # type: ignore[arg-type]
    assert report.documents == 2
    assert Settings(index="كتب").index == Path("كتب")  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_refused_when_it_enters_and_finds_nothing(tmp_path: Path, index: Index) -> None:
    for document in (
        Document.of_text("a", "a \ud800 b"),
        Document.of_text("a\ud800", "text"),
        Document.of_text("a", "نص", title="\udfff"),
        Document.of_text("a", "text", metadata={"author": "\ud800"}),
    ):
        with pytest.raises(BadSetting) as caught:
            add_documents(tmp_path / "index", [document], index.embedder)
        assert caught.value.key == "error.not_unicode"
        assert caught.value.text("ar").encode()
    assert index.document("\ud800") is None
    assert index.passages_of("\ud800") == []


def test_a_setting_of_another_program_or_module_is_no_misspelling() -> None:
    for name in ("SHAWAHID_MODELS", "SHAWAHID_DATA", "SHAWAHID_TEST_EXAMPLES", "SHAWAHID_PROXIES", "HOME"):
        Settings.load({name: ""})
        ServerSettings.load({name: ""})


def test_a_text_enters_in_nfc_with_its_language_and_metadata(tmp_path: Path, meeting: HashEmbedder) -> None:
    document = Document.of_text("ملاحظة", DECOMPOSED, metadata={"tenant": "a"})
    assert document.text == unicodedata.normalize("NFC", DECOMPOSED)
    add_documents(tmp_path / "index", [document, Document.of_text("note", "The heron eats frogs.")], meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        (info,) = index.infos(["ملاحظة"]).values()
        assert (info.language, info.metadata) == ("ar", {"tenant": "a"})
        assert index.infos(["note"])["note"].language == "en"
        hit = index.search("ماذا يأكل مالك الحزين؟", 1, filter=Filter(metadata={"tenant": "a"}))[0]
        assert document.text[hit.passage.span.start : hit.passage.span.end] == hit.passage.text


def test_a_document_made_by_hand_is_normalised_or_refused(tmp_path: Path, meeting: HashEmbedder) -> None:
    from rag.schema import Mark

    by_hand = Document("a.txt", DECOMPOSED, "", "ar", "0" * 64)
    add_documents(tmp_path / "index", [by_hand], meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        found = index.document("a.txt")
        assert found is not None
        assert unicodedata.is_normalized("NFC", found.text)
    wrong: list[tuple[Any, str]] = [
        ([Document("b.txt", DECOMPOSED, "", "ar", "0" * 64, marks=(Mark(0, "p. 1"),))], "error.not_nfc"),
        ([Document("b.txt", "text", "", "en", "0" * 64, metadata={"year": 2024})], "error.metadata_value"),  # type: ignore[dict-item]
        (Document.of_text("b.txt", "text"), "error.documents_type"),
        (["b.txt"], "error.documents_type"),
    ]
    for documents, key in wrong:
        with pytest.raises(BadSetting) as caught:
            add_documents(tmp_path / "index", documents, meeting)
        assert caught.value.key == key


def test_a_text_that_is_not_in_nfc_is_found_by_verify(tmp_path: Path, meeting: HashEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.storage.build.entered", list)  # as an index of another program, or of before, may hold it
    add_documents(tmp_path / "index", [Document("a.txt", DECOMPOSED, "", "ar", "0" * 64)], meeting)
    with Index.open(tmp_path / "index", meeting) as index:
        assert "damage.not_nfc" in {fault.key for fault in index.verify()}
