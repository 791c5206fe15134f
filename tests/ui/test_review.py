"""Search without an answer, filters and the review table, as the window gives them to its page."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

pytest.importorskip("gradio", reason="gradio is not installed")

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.errors import BadQuestion, BadSetting, DocumentMissing
from rag.retrieval.index import Index
from rag.service.service import Service
from rag.storage.build import build_index
from rag.storage.kept_overview import OVERVIEW
from rag.testing import HashEmbedder
from rag.ui.window import Window, _filter
from tests.waiting import wait_until

BRIDGE, PHONE = "bridge.txt", "هاتف.md"


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Chatbot:
    folder = tmp_path_factory.mktemp("review")
    documents = folder / "documents"
    documents.mkdir()
    (documents / BRIDGE).write_text("The harbour bridge was closed on 12 March 2023.", encoding="utf-8")
    (documents / PHONE).write_text("# هاتف نور\n\nيأتي هاتف نور بذاكرة 8 GB ويعمل من دون إنترنت.", encoding="utf-8")
    build_index(documents, folder / "index", HashEmbedder(256))
    calibration = replace(Calibration.of("unknown", None), least=0.4)
    return Chatbot(Index.open(folder / "index", HashEmbedder(256)), calibration=calibration)


@pytest.fixture
def window(chatbot: Chatbot) -> Window:
    service = Service.of(chatbot)
    service.start()
    return Window(service)


@pytest.mark.parametrize(("question", "document"), [("When was the harbour bridge closed?", BRIDGE), ("ما ذاكرة هاتف نور؟", PHONE)])
def test_a_search_returns_passages_with_their_best_sentences_marked(window: Window, question: str, document: str) -> None:
    view = window.search({"question": question})
    assert view["hits"][0]["document"] == document
    assert any(piece["mark"] for piece in view["hits"][0]["pieces"])
    assert view["more"] is False
    only = window.search({"question": question, "filter": {"documents": [BRIDGE]}})
    assert {hit["document"] for hit in only["hits"]} == {BRIDGE}


def test_a_filter_of_the_page_is_one_of_the_index(chatbot: Chatbot) -> None:
    assert _filter(None, chatbot) is None
    assert _filter({"documents": [], "kinds": [], "languages": [], "since": "", "until": ""}, chatbot) is None
    chosen = _filter({"languages": ["ar", 3], "since": "2020"}, chatbot)
    assert chosen is not None
    assert (chosen.documents, chosen.languages, chosen.since) == (None, ("ar",), "2020")
    none = _filter({"kinds": ["PDF"]}, chatbot)
    assert none is not None
    assert none.documents == ()  # there is no PDF here: nothing may be found, not everything


def test_a_table_is_filled_row_by_row_and_saved_whole(window: Window) -> None:
    questions = ["When was the harbour bridge closed?", "ما ذاكرة هاتف نور؟"]
    row = window.table_row({"questions": questions, "document": BRIDGE})
    assert row["document"] == BRIDGE
    assert "12 March 2023" in row["cells"][0]["text"]
    assert row["cells"][0]["source"]["document"] == BRIDGE
    file = window.table_file({"questions": questions, "documents": [BRIDGE, PHONE], "form": "csv", "language": "ar"})
    assert file["name"] == "shawahid-table.csv"
    assert "12 March 2023" in base64.b64decode(file["base64"]).decode("utf-8-sig")
    book = window.table_file({"questions": questions, "documents": [BRIDGE], "form": "xlsx", "language": "en"})
    assert base64.b64decode(book["base64"])[:2] == b"PK"


def test_a_table_without_questions_or_of_too_many_cells_is_refused(window: Window) -> None:
    with pytest.raises(BadSetting):
        window.table_row({"questions": [], "document": BRIDGE})


def test_an_overview_has_lines_in_pieces_with_their_places(window: Window) -> None:
    view = window.overview({"document": BRIDGE})
    assert (view["title"], view["read"], view["total"], view["contradictions"]) == ("bridge", 1, 1, None)
    assert [part["name"] for part in view["parts"]] == ["points", "dates"]
    (line,) = view["parts"][1]["lines"]
    assert [(piece["text"], piece["bold"]) for piece in line["pieces"]] == [
        ("The harbour bridge was closed on ", False),
        ("12 March 2023", True),
        (".", False),
    ]
    source = line["source"]
    assert (source["document"], source["start"], source["end"]) == (BRIDGE, 0, 47)
    assert line["words"] == "12 March 2023"


def test_the_overview_of_all_documents_is_kept_once_differences_were_looked_for(window: Window, chatbot: Chatbot) -> None:
    kept = chatbot.index.folder / OVERVIEW
    kept.unlink(missing_ok=True)
    assert window.overview({})["contradictions"] is None
    assert not kept.exists()
    assert window.overview({"filter": {"documents": [PHONE]}, "contradictions": True})["contradictions"] == []
    assert not kept.exists()  # of some documents only
    whole = window.overview({"contradictions": True})
    assert (whole["title"], whole["total"], whole["contradictions"]) == ("", 2, [])
    assert kept.exists()
    assert window.overview({}) == whole
    with pytest.raises(DocumentMissing):
        window.overview({"document": "gone.txt"})


def test_words_that_were_chosen_in_a_document_are_a_source(window: Window) -> None:
    found = window.passage({"id": PHONE, "start": 0, "end": 0, "quote": "بذاكرة 8\n GB"})
    assert found == {
        "document": PHONE,
        "kind": "",
        "author": "",
        "date": "",
        "source": "",
        "url": "",
        "title": "هاتف نور",
        "locator": "",
        "start": 24,
        "end": 35,
        "quote": "بذاكرة 8 GB",
    }
    for quote in ("ليست هنا", "", "x" * 9000):
        with pytest.raises(BadQuestion):
            window.passage({"id": PHONE, "start": 0, "end": 0, "quote": quote})


def test_an_overview_is_prepared_while_nobody_asks(window: Window, chatbot: Chatbot) -> None:
    kept = chatbot.index.folder / OVERVIEW
    kept.unlink(missing_ok=True)
    window.status()
    wait_until(kept.exists)


def test_what_the_page_made_is_written_as_a_file(window: Window) -> None:
    note = {"document": BRIDGE, "title": "The bridge", "date": "2023-03-12", "quote": "The harbour bridge was closed."}
    paper = {"title": "Notes", "blocks": [{"form": "text", "runs": [{"text": "It was closed.", "notes": [1]}]}], "notes": [note]}
    file = window.export_file({"paper": paper, "form": "docx"})
    assert file["type"].endswith("wordprocessingml.document")
    assert base64.b64decode(file["base64"])[:2] == b"PK"
    records = base64.b64decode(window.export_file({"paper": paper, "form": "ris"})["base64"]).decode()
    assert "TI  - The bridge\r\n" in records
    entries = base64.b64decode(window.export_file({"paper": paper, "form": "bib"})["base64"]).decode()
    assert "  year = {2023}," in entries
    with pytest.raises(BadSetting):
        window.export_file({"paper": "x", "form": "docx"})
