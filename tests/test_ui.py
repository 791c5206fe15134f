"""What the window is given to draw, its documents, and what readers say of answers."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rag.chatbot import Chatbot
from rag.errors import DocumentError, IndexBusy
from rag.evaluation.questions import validate
from rag.index import Index
from rag.schema import Answer, Citation, Document, Evidence, Found, Hit, Mark, Passage, RejectedCitation, Span, Status, Timing, Verdict
from rag.strings import table
from rag.testing import HashEmbedder
from rag.ui.feedback import BadFeedback, as_question, record
from rag.ui.library import BadName, Job, Library, file_name
from rag.ui.render import answer_view, document_view, found_view, source_view, strings
from rag.ui.web import examples_of
from tests.helpers import awaited

TEXT = "مقدمة 😀. أُغلق الجسر في 12 مارس. كلّف الإصلاح 4 ملايين.\nThe bridge reopened."
FIRST, SECOND, THIRD = Span(9, 32), Span(33, 55), Span(56, 76)
PASSAGE = Passage(7, "ar/الجسر.md", Span(0, 76), TEXT, "الجسر", "ar", "§ الإغلاق", (Span(0, 9), FIRST, SECOND, THIRD))


def citation(number: int, span: Span, claim: Span) -> Citation:
    return Citation(number, "ar/الجسر.md", span, span.of(TEXT), "§ الإغلاق", claim, 0.9, "الجسر", 7)


def answer(text: str, *citations: Citation, **changes: Any) -> Answer:
    values: dict[str, Any] = {
        "question": "متى أُغلق الجسر؟",
        "text": text,
        "language": "ar",
        "status": Status.ANSWERED,
        "citations": citations,
        "rejected": (),
        "hits": (Hit(PASSAGE, 1, 0.5),),
        "evidence": (Evidence(PASSAGE, FIRST, FIRST.of(TEXT), 0.8),),
        "draft": "",
        "searched": "متى أُغلق الجسر؟",
        "confidence": 0.9,
        "timing": Timing(0.1, 0.4, 2.5),
    }
    return Answer(**(values | changes))


def pieces(view: dict[str, Any]) -> list[list[tuple[str, list[int]]]]:
    return [[(piece["text"], piece["cites"]) for piece in paragraph] for paragraph in view["paragraphs"]]


def test_the_spans_of_this_file_are_what_they_are_said_to_be() -> None:
    assert FIRST.of(TEXT) == "أُغلق الجسر في 12 مارس."
    assert SECOND.of(TEXT) == "كلّف الإصلاح 4 ملايين."
    assert THIRD.of(TEXT) == "The bridge reopened."


# --- an answer ------------------------------------------------------------------------------------------------------------


def test_each_claim_is_a_piece_with_the_numbers_that_follow_it() -> None:
    text = "أُغلق في 12 مارس. [1] وكلّف 4 ملايين. [2]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 17)), citation(2, SECOND, Span(22, 37))))
    assert pieces(view) == [[("أُغلق في 12 مارس.", [1]), (" ", []), ("وكلّف 4 ملايين.", [2])]]


def test_a_marker_after_a_closing_quotation_mark_still_belongs_to_the_quotation() -> None:
    text = "The document says: “It shut.” [1]"
    view = answer_view(answer(text, citation(1, FIRST, Span(20, 28)), language="en"))
    assert pieces(view) == [[("The document says: “", []), ("It shut.", []), ("”", [1])]]


def test_brackets_that_a_source_wrote_are_not_links() -> None:
    text = "It says [2] and [99]. [1] [3]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 21)), language="en"))
    assert pieces(view) == [[("It says [2] and [99].", [1]), (" [3]", [])]]


def test_two_sources_of_one_claim_and_two_lines() -> None:
    text = "أُغلق. [1][2]\nثم فُتح. [2]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 6)), citation(2, SECOND, Span(0, 6)), citation(2, SECOND, Span(14, 22))))
    assert pieces(view) == [[("أُغلق.", [1, 2])], [("ثم فُتح.", [2])]]
    assert [source["claims"] for source in view["sources"]] == [["أُغلق."], ["أُغلق.", "ثم فُتح."]]


def test_an_answer_without_citations_is_plain_text() -> None:
    view = answer_view(answer("لا تجيب الوثائق عن هذا السؤال.", status=Status.NO_EVIDENCE))
    assert pieces(view) == [[("لا تجيب الوثائق عن هذا السؤال.", [])]]
    assert view["sources"] == []
    assert [source["document"] for source in view["nearest"]] == ["ar/الجسر.md"]
    assert pieces(answer_view(answer(""))) == []


def test_a_source_is_cut_in_code_points_so_that_an_emoji_moves_nothing() -> None:
    view = source_view(PASSAGE, FIRST)
    assert [(piece["text"], piece["mark"]) for piece in view["pieces"]] == [(TEXT[:9], False), (FIRST.of(TEXT), True), (TEXT[32:], False)]
    assert (view["start"], view["end"], view["quote"]) == (9, 32, "أُغلق الجسر في 12 مارس.")


def test_a_passage_in_the_middle_of_its_document_is_marked_at_the_right_place() -> None:
    passage = Passage(1, "d", Span(100, 111), "one two six", "t", "en")
    view = source_view(passage, Span(108, 111), Span(100, 103), Span(50, 60))
    assert [(piece["text"], piece["mark"]) for piece in view["pieces"]] == [("one", True), (" two ", False), ("six", True)]
    assert view["quote"] == "six"


def test_what_was_found_is_shown_once_for_each_passage() -> None:
    found = Found("س", (), (Evidence(PASSAGE, SECOND, "", 0.9), Evidence(PASSAGE, FIRST, "", 0.8)))
    assert [sum(piece["mark"] for piece in view["pieces"]) for view in found_view(found)] == [2]
    assert found_view(Found("س", (), ())) == []


def test_what_was_left_out_and_the_times() -> None:
    rejected = (RejectedCitation(None, Span(3, 8), Verdict.NUMBER),)
    view = answer_view(answer("x [1]", citation(1, FIRST, Span(0, 1)), rejected=rejected, draft="in 1999 now"))
    assert view["rejected"] == [{"text": "1999 ", "reason": "number"}]
    assert (view["first"], view["total"]) == (0.4, 2.5)


def test_a_heading_that_only_repeats_the_title_is_not_shown_twice() -> None:
    assert source_view(PASSAGE)["locator"] == "§ الإغلاق"
    same = Passage(1, "d", Span(0, 1), "x", "Title", "en", "§ Title")
    assert source_view(same)["locator"] == ""


def test_a_long_document_is_sent_in_parts_with_the_span_marked() -> None:
    document = Document("d", "a" * 100_000 + "KEY" + "b" * 100_000, "t", "en", "", (Mark(0, "p. 1"), Mark(99_000, "p. 2")))
    view = document_view(document, Span(100_000, 100_003))
    assert (view["start"], view["end"], view["length"], view["locator"]) == (40_000, 160_003, 200_003, "p. 2")
    assert [piece["text"] for piece in view["pieces"] if piece["mark"]] == ["KEY"]
    rest = document_view(document, Span(100_000, 100_003), 0, 50)
    assert rest["pieces"] == [{"text": "a" * 50, "mark": False}]
    assert document_view(document, Span(0, 0), 500_000, 10)["pieces"] == []


def test_every_string_of_the_page_is_there_in_both_languages_and_every_one_is_used() -> None:
    both = strings()
    assert set(both["en"]) == set(both["ar"])
    static = Path(__file__).parents[1] / "rag" / "ui"
    code = "".join(path.read_text(encoding="utf-8") for path in [*static.glob("*.py"), *static.glob("static/*.js")])
    code += (Path(__file__).parents[1] / "app.py").read_text(encoding="utf-8")
    made = (*re.findall(r"`(\w+_)\$\{", code), "feedback_")  # keys put together from a value: `reason_${...}`
    unused = [key for key in both["en"] if f'"{key}"' not in code and f'"ui.{key}"' not in code and not key.startswith(made)]
    assert unused == []
    assert {f"reason_{verdict.value}" for verdict in Verdict} <= set(both["en"])


# --- the documents --------------------------------------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path: Path) -> Library:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("The harbour bridge was closed in March.", encoding="utf-8")
    (documents / "ب.txt").write_text("أُغلق جسر الميناء في مارس.", encoding="utf-8")
    return Library(tmp_path / "home", documents, tmp_path / "index", max_bytes=1000)


def receive(library: Library, collection: str, name: str, *chunks: bytes) -> str:
    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return awaited(library.receive(collection, name, stream()))


def finished(job: Job) -> Job:
    end = time.monotonic() + 10
    while job.state == "running" and time.monotonic() < end:
        time.sleep(0.01)
    return job


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("تقرير المحطة.txt", "تقرير المحطة.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\ليلى\\notes.MD", "notes.MD"),
        ("a<b>:c.md", "a_b__c.md"),
        ("a\u202etxt.exe.txt", "a_txt.exe.txt"),
        ("ن" * 300 + ".txt", "ن" * 98 + ".txt"),
    ],
)
def test_the_name_of_a_file_is_made_safe(raw: str, name: str) -> None:
    assert file_name(raw) == name


@pytest.mark.parametrize("raw", ["", ".txt", "x.exe", "x", "..", "/", "   .md"])
def test_a_name_that_is_no_text_file_is_refused(raw: str) -> None:
    with pytest.raises(BadName):
        file_name(raw)


def test_a_file_that_replaces_another_sets_it_aside(library: Library, tmp_path: Path) -> None:
    assert receive(library, "", "a.txt", b"new ", b"text") == "a.txt"
    folder = tmp_path / "documents"
    assert (folder / "a.txt").read_text() == "new text"
    assert [path.read_text() for path in folder.glob(".removed/*/a.txt")] == ["The harbour bridge was closed in March."]


def test_a_file_that_is_too_large_leaves_nothing_behind(library: Library, tmp_path: Path) -> None:
    before = sorted(path.name for path in (tmp_path / "documents").iterdir())
    with pytest.raises(DocumentError):
        receive(library, "", "c.txt", b"x" * 600, b"x" * 600)
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == before


def test_an_upload_that_breaks_off_leaves_nothing_behind(library: Library, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("the tab was closed")

    with pytest.raises(RuntimeError):
        awaited(library.receive("", "c.txt", broken()))
    assert sorted(path.name for path in (tmp_path / "documents").iterdir()) == ["a.txt", "ب.txt"]


def test_collections_are_made_listed_and_kept_apart(library: Library) -> None:
    assert library.names() == [""]
    assert library.create("  قضية   12 ") == "قضية 12"
    assert library.names() == ["", "قضية 12"]
    receive(library, "قضية 12", "x.txt", b"x")
    assert (library.home / "collections" / "قضية 12" / "documents" / "x.txt").is_file()
    for bad in ("قضية 12", "../up", "", ".hidden", "x" * 41, "a/b"):
        with pytest.raises(BadName):
            library.create(bad)
    with pytest.raises(BadName):
        library.folder("../documents")


def test_the_last_document_stays(library: Library) -> None:
    library.remove("", "a.txt")
    with pytest.raises(BadName) as caught:
        library.remove("", "ب.txt")
    assert "ب.txt" in caught.value.text("ar")
    with pytest.raises(BadName):
        library.remove("", "../index")


def test_indexing_runs_in_the_background_and_is_told_of(library: Library, tmp_path: Path) -> None:
    job = finished(library.build("", HashEmbedder()))
    assert (job.state, job.view()["added"], job.view()["skipped"]) == ("done", 2, [])
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    (tmp_path / "documents" / "noise.txt").write_bytes(bytes(range(256)) * 3)
    assert [(row["id"], row["language"], row["passages"]) for row in library.documents("", base)] == [
        ("a.txt", "en", 1),
        ("noise.txt", "", None),
        ("ب.txt", "ar", 1),
    ]
    again = finished(library.build("", HashEmbedder())).view()
    assert (again["added"], [item["name"] for item in again["skipped"]]) == (0, ["noise.txt"])
    assert "UTF-8" in again["skipped"][0]["error"]["ar"]


def test_indexing_that_is_cancelled_changes_nothing(library: Library, tmp_path: Path) -> None:
    finished(library.build("", HashEmbedder()))
    generation = Index.open(tmp_path / "index", HashEmbedder()).manifest().generation
    receive(library, "", "c.txt", b"A third document about ferries.")
    gate = threading.Event()

    class Held(HashEmbedder):
        def embed_passages(self, *arguments: Any, **named: Any) -> Any:
            gate.wait(5)
            return super().embed_passages(*arguments, **named)

    job = library.build("", Held())
    with pytest.raises(IndexBusy):
        library.build("", HashEmbedder())
    job.cancel.set()
    gate.set()
    assert finished(job).state == "cancelled"
    assert Index.open(tmp_path / "index", HashEmbedder()).manifest().generation == generation
    assert finished(library.build("", HashEmbedder())).view()["added"] == 1


def test_a_collection_without_documents_says_so(library: Library, tmp_path: Path) -> None:
    finished(library.build("", HashEmbedder()))
    base = Chatbot(Index.open(tmp_path / "index", HashEmbedder()))
    library.create("empty")
    with pytest.raises(BadName) as caught:
        library.chatbot("empty", base)
    assert caught.value.key == "ui.error_collection_empty"
    assert finished(library.build("empty", HashEmbedder())).view()["error"] is not None
    assert library.chatbot("", base) is base


# --- feedback -------------------------------------------------------------------------------------------------------------

BRIDGE = Document("bridge.txt", "The bridge shut on 12 March. It rained. It rained.", "", "en", "")


def said(kind: str, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "answered": True,
        "claims": ["It shut on 12 March."],
        "quotes": [("bridge.txt", "The bridge shut on 12 March.")],
        "documents": lambda: [BRIDGE],
    }
    return as_question(kind, "When did the bridge shut?", "en", **(values | changes))


def test_each_kind_of_feedback_becomes_a_gold_answer_that_can_be_tested() -> None:
    quote = {"document": "bridge.txt", "quote": "The bridge shut on 12 March."}
    assert (said("good")["answers"], said("good")["evidence"]) == (["It shut on 12 March."], [quote])
    assert (said("good", answered=False)["answerable"], said("good", answered=False)["answers"]) == (False, [])
    wrong = said("wrong_answer", right=" 12 March ")
    assert (wrong["answers"], wrong["evidence"], wrong["answerable"]) == (["12 March"], [quote], True)
    source = said("wrong_source", proof="“The bridge shut on 12 March.”")
    assert (source["answers"], source["evidence"]) == (["It shut on 12 March."], [quote])
    declined = said("should_decline")
    assert (declined["answerable"], declined["answers"], declined["evidence"]) == (False, [], [])
    missed = said("should_answer", right="12 March", proof="The bridge shut on 12 March.", answered=False, claims=[], quotes=[])
    assert (missed["answerable"], missed["answers"], missed["evidence"]) == (True, ["12 March"], [quote])


@pytest.mark.parametrize(
    ("kind", "changes", "key"),
    [
        ("wrong_answer", {}, "ui.error_feedback_answer"),
        ("wrong_source", {}, "ui.error_feedback_proof"),
        ("should_answer", {"right": "x"}, "ui.error_feedback_proof"),
        ("wrong_source", {"proof": "It snowed."}, "ui.error_feedback_nowhere"),
        ("wrong_source", {"proof": "It rained."}, "ui.error_feedback_twice"),
        ("nonsense", {}, "ui.error_feedback"),
    ],
)
def test_feedback_without_what_a_test_needs_is_told_what_is_missing(kind: str, changes: dict[str, Any], key: str) -> None:
    with pytest.raises(BadFeedback) as caught:
        said(kind, **changes)
    assert caught.value.key == key


def test_feedback_said_twice_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "feedback" / "questions.jsonl"
    for line in (said("good"), said("should_decline"), said("good")):
        record(path, line)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["answerable"] for line in lines] == [False, True]
    assert validate(path) == []


def test_examples_come_from_the_question_set_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    lines = [{"question": f"سؤال {n}؟", "language": "ar", "answerable": n != 1} for n in range(1, 6)]
    lines += [{"question": f"Question {n}?", "language": "en", "answerable": True} for n in range(1, 4)]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    assert [example["text"] for example in examples_of(path)] == ["سؤال 2؟", "سؤال 4؟", "Question 1?", "Question 2?"]
    assert examples_of(tmp_path / "none.jsonl") == []


def test_all_strings_of_the_window_have_the_same_fields_in_both_languages() -> None:
    import string

    for key, texts in table().items():
        if key.startswith("ui."):
            fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
            assert fields[0] == fields[1], key
