"""The line in which questions wait, the models behind it, and the chatbot for programs with an event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from rag.errors import IndexMissing, ShawahidError
from rag.service.fair_queue import Busy, Line
from rag.service.service import Engine, State
from tests.waiting import run_async, wait_until_async

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
    """A chatbot that yields `words` answers, `pause` seconds apart, until it is stopped. The pause is real: batches are cut by time."""

    def __init__(self, words: int, pause: float) -> None:
        self.words, self.pause, self.ended = words, pause, threading.Event()

    def warm(self) -> None: ...

    def stream(self, question: str, history: object = (), *, stop: threading.Event, filter: object = None) -> Iterator[Any]:
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

    batches = run_async(run())
    assert [number for batch in batches for number in batch] == list(range(200))
    assert len(batches) < 30


def test_leaving_an_answer_stops_the_model_and_gives_the_place_up() -> None:
    async def run() -> None:
        slow = Slow(1000, 0.01)
        engine = started(slow)
        chatbot = await engine.ready()
        async with aclosing(engine.run(chatbot, engine.line.join("a"), "?", (), threading.Event(), 0.01)) as stream:
            async for _ in stream:
                break
        await wait_until_async(lambda: slow.ended.is_set() and len(engine.line) == 0)

    run_async(run())


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

    run_async(run())


def test_a_defect_becomes_a_sentence_without_a_traceback() -> None:
    class Broken(Slow):
        def stream(self, question: str, history: object = (), *, stop: threading.Event, filter: object = None) -> Iterator[Any]:
            raise ZeroDivisionError("oops")
            yield

    async def run() -> ShawahidError:
        engine = started(Broken(1, 0))
        chatbot = await engine.ready()
        with pytest.raises(ShawahidError) as caught:
            async for _ in engine.run(chatbot, engine.line.join("a"), "?", (), threading.Event(), 0):
                pass
        return caught.value

    error = run_async(run())
    assert "ZeroDivisionError: oops" in error.text("en")
    assert "ZeroDivisionError: oops" in error.text("ar")
    assert "Traceback" not in error.text("en")
