"""Suggested questions: made from the documents in both languages, kept only where they are answered, and erased with their document."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.suggestion_candidates import candidates
from rag.answering.suggestions import (
    make_suggestions,
    models_of,
    next_document,
    next_suggestions,
    opening_suggestions,
    suggestions_of,
)
from rag.retrieval.index import Index
from rag.schema import Document, Span
from rag.service.service import Service
from rag.service.suggesting import Suggesting
from rag.storage.build import add_documents, build_index, remove_documents, update_documents
from rag.storage.suggestions import SUGGESTIONS
from rag.testing import HashEmbedder, WordReader
from tests.helpers import write
from tests.waiting import wait_until

LIBRARY = """# Town library

The library was opened on 3 May 1921. The yearly fee is 40 dirhams. A reading card is a plastic card with a photograph.

## How do I renew a loan?

Call the desk before Friday.

## Library rules

The following documents are required:

- a passport
- a photograph of the reader

Deposit: 15 dirhams
"""
PRESS = """# معصرة الزيتون

تأسست المعصرة القديمة عام 1962. بلغت كلفة البناء 50 ألف درهم.

## كيف أحجز موعدا؟

اتصل بالمكتب قبل يوم الخميس.

المستندات المطلوبة:

- صورة الهوية
- صورة العقد

الموعد النهائي: 3 مايو 2024
"""
TOWNS = "town,population\nLarne,5100\nTyre,9300\nBatroun,4700\n"
NAMED = "Dr. Anna Reed said that the museum would reopen in June. In 1887 the first well was dug by the town."


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = write(tmp_path / "documents", {"library.md": LIBRARY, "معصرة.md": PRESS, "towns.csv": TOWNS, "named.txt": NAMED})
    build_index(folder, tmp_path / "index", HashEmbedder(256))
    return Index.open(tmp_path / "index", HashEmbedder(256))


def asked(index: Index, id: str) -> list[str]:
    document = index.document(id)
    assert document is not None
    return [one.text for one in candidates(document, index.passages_of(id))]


def chatbot(index: Index, sure: float = 0.0) -> Chatbot:
    return Chatbot(index, calibration=replace(Calibration.of("unknown"), least=0.0, sure=sure), reader=WordReader())


def test_questions_are_made_from_headings_values_dates_fields_and_lists(index: Index) -> None:
    found = asked(index, "library.md")
    assert set(found) >= {
        "How do I renew a loan?",
        "What is the yearly fee?",
        "When was the library opened?",
        "What is a reading card?",
        "What is the deposit?",
        "Which documents are required?",
    }
    assert "What are the library rules?" in found  # a heading that names something in the plural


def test_questions_are_made_in_arabic_too(index: Index) -> None:
    assert set(asked(index, "معصرة.md")) >= {
        "كيف أحجز موعدا؟",
        "متى تأسست المعصرة القديمة؟",
        "كم بلغت كلفة البناء؟",
        "ما المستندات المطلوبة؟",
        "ما الموعد النهائي؟",
    }


def test_questions_are_made_from_the_cells_and_columns_of_a_table(index: Index) -> None:
    found = asked(index, "towns.csv")
    assert "What is the population of Larne?" in found
    assert "Which town has the highest population?" in found


def test_a_person_and_a_date_are_asked_about_in_both_languages(index: Index) -> None:
    assert set(asked(index, "named.txt")) >= {
        "Who is Anna Reed?",
        "من هو Anna Reed؟",
        "What happened in 1887?",
        "ماذا حدث عام 1887؟",
    }


def test_what_two_places_would_answer_is_not_asked(tmp_path: Path) -> None:
    folder = write(tmp_path / "documents", {"fees.md": "# North\n\nThe fee is 40 dirhams.\n\n# South\n\nThe fee is 60 dirhams.\n"})
    build_index(folder, tmp_path / "index", HashEmbedder(64))
    with Index.open(tmp_path / "index", HashEmbedder(64)) as index:
        assert "What is the fee?" not in asked(index, "fees.md")


def test_only_what_is_answered_with_certainty_is_kept(index: Index) -> None:
    sure, unsure = chatbot(index), chatbot(index, sure=1.1)
    make_suggestions(sure, "library.md")
    kept = suggestions_of(index)["library.md"]
    assert kept.is_complete
    assert kept.suggestions
    for one in kept.suggestions:
        answer = sure.ask(one.text)
        assert answer.status.value == "answered"
        assert any(citation.document_id == "library.md" and citation.span == one.span for citation in answer.citations)
    make_suggestions(unsure, "library.md")
    assert suggestions_of(index)["library.md"].suggestions == ()


def test_the_start_has_questions_of_different_documents_in_the_readers_language(index: Index) -> None:
    bot = chatbot(index)
    while (id := next_document(index, models_of(bot))) is not None:
        make_suggestions(bot, id)
    kept = suggestions_of(index)
    assert set(kept) == {"library.md", "معصرة.md", "towns.csv", "named.txt"}
    english, arabic = opening_suggestions(kept, "en"), opening_suggestions(kept, "ar")
    assert [one.language for one in english] == ["en", "en", "en"]
    assert len({one.document_id for one in english}) == 3
    assert [one.language for one in arabic] == ["ar", "ar", "ar"]
    assert opening_suggestions(kept, "en", 0) == []
    assert opening_suggestions({}, "en") == []


def test_after_an_answer_come_questions_near_it_that_were_not_asked(index: Index) -> None:
    bot = chatbot(index)
    for id in ("library.md", "معصرة.md"):
        make_suggestions(bot, id)
    kept = suggestions_of(index)
    first = kept["library.md"].suggestions[0]
    found = next_suggestions(kept, "en", [("library.md", first.span)], [first.text])
    assert len(found) == 3
    near = [one for one in found if one.document_id == "library.md"]
    assert near
    assert found[: len(near)] == near  # the cited document first, as long as it has any
    assert not any(one.span.overlaps(first.span) for one in near)
    distances = [max(one.span.start - first.span.end, first.span.start - one.span.end) for one in near]
    assert distances == sorted(distances)
    asked_before = [one.text for one in kept["library.md"].suggestions]
    assert all(one.text not in asked_before for one in next_suggestions(kept, "en", [("library.md", Span(0, 1))], asked_before))


def test_a_run_that_is_stopped_goes_on_later(index: Index) -> None:
    bot, stop = chatbot(index), threading.Event()
    make_suggestions(bot, "library.md", stop, follow=lambda done, total: stop.set())
    kept = suggestions_of(index)["library.md"]
    assert (kept.tried, kept.is_complete) == (1, False)
    make_suggestions(bot, "library.md")
    assert suggestions_of(index)["library.md"].is_complete


def test_questions_are_answered_again_when_the_index_has_changed(index: Index) -> None:
    bot = chatbot(index)
    while (id := next_document(index, models_of(bot))) is not None:
        make_suggestions(bot, id)
    add_documents(index.folder, [Document.of_text("new.txt", "The harbour was dredged in 2003.")], index.embedder)
    assert next_document(index, models_of(bot), ["new.txt"]) == "new.txt"
    while (id := next_document(index, models_of(bot))) is not None:
        make_suggestions(bot, id)
    assert "new.txt" in suggestions_of(index)


def test_a_removed_or_changed_document_leaves_no_question_on_the_disk(index: Index) -> None:
    bot = chatbot(index)
    for id in ("library.md", "معصرة.md"):
        make_suggestions(bot, id)
    remove_documents(index.folder, ["library.md"])
    content = (index.folder / SUGGESTIONS).read_text(encoding="utf-8")
    assert "renew a loan" not in content
    assert "معصرة" in content
    update_documents(index.folder, [Document.of_text("معصرة.md", "أغلقت المعصرة.")], index.embedder)
    assert "المعصرة القديمة" not in (index.folder / SUGGESTIONS).read_text(encoding="utf-8")


def test_a_file_that_cannot_be_read_is_made_again(index: Index) -> None:
    (index.folder / SUGGESTIONS).write_text("{", encoding="utf-8")
    assert suggestions_of(index) == {}
    make_suggestions(chatbot(index), "named.txt")
    assert suggestions_of(index)["named.txt"].suggestions


def test_a_service_gives_what_is_kept_at_once_and_makes_the_rest_meanwhile(index: Index) -> None:
    suggesting, bot = Suggesting(Service.of(chatbot(index))), chatbot(index)
    first = suggesting.opening(bot, "en")
    assert (first.suggestions, first.more) == ((), True)
    wait_until(lambda: not suggesting.opening(bot, "en").more)
    assert len(suggesting.opening(bot, "en").suggestions) == 3
    kept = suggestions_of(index)["library.md"].suggestions[0]
    after = suggesting.after(bot, "en", [("library.md", kept.span)], [kept.text])
    assert kept.text not in [one.text for one in after.suggestions]
    assert after.suggestions[0].document_id == "library.md"


def test_without_a_reader_nothing_is_suggested(index: Index) -> None:
    bot = Chatbot(index, calibration=Calibration.of("unknown"), reader=None)
    assert Suggesting(Service.of(bot)).opening(bot, "en").more is False
