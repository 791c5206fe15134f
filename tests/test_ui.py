"""What the window is given to draw, the line in which questions wait, and what its server lets through."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from rag.errors import BadSetting, IndexMissing, IsnadError
from rag.schema import Answer, Citation, Document, Evidence, Found, Hit, Mark, Passage, RejectedCitation, Span, Status, Timing, Verdict
from rag.strings import table
from rag.ui.engine import Busy, Engine, Line, State
from rag.ui.render import answer_view, document_view, found_view, source_view, strings
from rag.ui.web import LOOPBACK, POLICY, Guard, _listen, examples_of

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
    made = tuple(re.findall(r"`(\w+_)\$\{", code)) + ("feedback_",)  # keys put together from a value: `reason_${...}`
    unused = [key for key in both["en"] if f'"{key}"' not in code and f'"ui.{key}"' not in code and not key.startswith(made)]
    assert unused == []
    assert {f"reason_{verdict.value}" for verdict in Verdict} <= set(both["en"])


# --- the line -------------------------------------------------------------------------------------------------------------


def test_one_runs_and_the_others_wait_in_the_order_they_came() -> None:
    line = Line()
    a, b, c = line.join("a"), line.join("b"), line.join("c")
    assert [line.place(ticket) for ticket in (a, b, c)] == [0, 1, 2]
    line.leave(a)
    assert [line.place(ticket) for ticket in (b, c)] == [0, 1]
    line.leave(c)
    line.leave(c)
    assert len(line) == 1


def test_a_second_question_waits_behind_everybody_elses_first() -> None:
    line = Line()
    first, second, third, other = line.join("greedy"), line.join("greedy"), line.join("greedy"), line.join("ليلى")
    assert [line.place(ticket) for ticket in (first, other, second, third)] == [0, 1, 2, 3]
    line.leave(first)
    assert line.place(other) == 0


def test_a_full_line_turns_away() -> None:
    line = Line(most=2)
    line.join("a")
    line.join("b")
    with pytest.raises(Busy) as caught:
        line.join("c")
    assert "(2)" in caught.value.text("ar")


# --- the engine -----------------------------------------------------------------------------------------------------------


class Slow:
    """A chatbot that yields `words` answers, `pause` apart, until it is stopped."""

    def __init__(self, words: int, pause: float) -> None:
        self.words, self.pause, self.ended = words, pause, threading.Event()

    def warm(self) -> None: ...

    def stream(self, question: str, history: object = (), *, stop: threading.Event) -> Iterator[Any]:
        try:
            for number in range(self.words):
                if stop.is_set():
                    return
                time.sleep(self.pause)
                yield number
        finally:
            self.ended.set()


def started(chatbot: Any) -> Engine:
    engine = Engine.of(chatbot)
    engine.start()
    return engine


def test_events_that_come_close_together_are_drawn_together() -> None:
    async def run() -> list[list[Any]]:
        engine = started(Slow(200, 0.001))
        chatbot = await engine.ready()
        stream = engine.run(chatbot, engine.line.join("a"), "?", (), threading.Event(), 0.05)
        return [batch async for batch in stream]

    batches = asyncio.run(run())
    assert [number for batch in batches for number in batch] == list(range(200))
    assert len(batches) < 30


def test_leaving_an_answer_stops_the_model_and_gives_the_place_up() -> None:
    async def run() -> tuple[bool, int]:
        slow = Slow(1000, 0.01)
        engine = started(slow)
        chatbot = await engine.ready()
        async with aclosing(engine.run(chatbot, engine.line.join("a"), "?", (), threading.Event(), 0.01)) as stream:
            async for _ in stream:
                break
        ended = await asyncio.to_thread(slow.ended.wait, 2)
        await asyncio.sleep(0.05)
        return ended, len(engine.line)

    assert asyncio.run(run()) == (True, 0)


def test_what_keeps_the_models_from_loading_is_told_and_can_be_tried_again() -> None:
    tries: list[int] = []

    def opener() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise IndexMissing("error.index_missing", path="index")
        return Slow(1, 0), ()

    async def run() -> None:
        engine = Engine(opener)
        engine.start()
        with pytest.raises(IndexMissing):
            await engine.ready()
        assert (engine.state, engine.error and engine.error.key) == (State.FAILED, "error.index_missing")
        engine.start()
        await engine.ready()
        assert engine.error is None

    asyncio.run(run())


def test_a_defect_becomes_a_sentence_without_a_traceback() -> None:
    class Broken(Slow):
        def stream(self, question: str, history: object = (), *, stop: threading.Event) -> Iterator[Any]:
            raise ZeroDivisionError("oops")
            yield

    async def run() -> IsnadError:
        engine = started(Broken(1, 0))
        chatbot = await engine.ready()
        with pytest.raises(IsnadError) as caught:
            async for _ in engine.run(chatbot, engine.line.join("a"), "?", (), threading.Event(), 0):
                pass
        return caught.value

    error = asyncio.run(run())
    assert "ZeroDivisionError: oops" in error.text("en")
    assert "ZeroDivisionError: oops" in error.text("ar")
    assert "Traceback" not in error.text("en")


# --- the server -----------------------------------------------------------------------------------------------------------


def fetch(host: str, path: str = "/", hosts: frozenset[str] | None = LOOPBACK) -> tuple[int, dict[str, str]]:
    """Status and headers of a request to a guarded app that answers 200 to everything."""
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    asyncio.run(Guard(app, hosts)(scope, receive, send))
    return sent[0]["status"], {key.decode(): value.decode() for key, value in sent[0]["headers"]}


def test_every_answer_of_the_server_carries_the_policy() -> None:
    status, headers = fetch("127.0.0.1:7860")
    assert status == 200
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert "http:" not in POLICY
    assert "*" not in POLICY


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("[::1]:7860", 200), ("evil.example", 421), ("", 421)])
def test_a_name_that_is_not_ours_is_turned_away(host: str, status: int) -> None:
    assert fetch(host)[0] == status


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=http://10.0.0.1/", "/gradio_api/file=https://evil.example/x", "/gradio_api/proxy=https://e/"]
)
def test_the_server_fetches_nothing_for_anybody(path: str) -> None:
    assert fetch("localhost", path)[0] == 403
    assert fetch("localhost", "/gradio_api/file=/tmp/x")[0] == 200


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadSetting) as caught:
            _listen("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in caught.value.text("ar")


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
