"""The one way in: the events of an answer in their order, stopping at every step, turns between callers, and what goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from rag.errors import BadQuestion, IndexMissing, ShawahidError
from rag.schema import Answer, Delta, Found, Status, Timing
from rag.service.aio import batched, beating
from rag.service.fair_queue import Busy
from rag.service.service import Event, Preparing, Service, State, Waiting
from rag.service.signals import Signal
from tests.waiting import PATIENCE, run_async, wait_for, wait_until_async

# --- doubles --------------------------------------------------------------------------------------------------------------


def answer_to(question: str, status: Status = Status.ANSWERED) -> Answer:
    return Answer(question, "212 [1]", "en", status, (), (), (), (), "", question, 0.9, Timing())


class Held:
    """A chatbot whose answers are held back after `Found`, until the test lets one go on or it is stopped."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.ended = threading.Event()

    def warm(self) -> None: ...

    def stream(self, question: str, history: object = (), *, stop: Signal, filter: object = None) -> Iterator[Found | Delta | Answer]:
        try:
            self.asked.append(question)
            yield Found(question, (), ())
            self.begun.release()
            with stop.listening(self.go.release):
                assert self.go.acquire(timeout=PATIENCE)
            if stop.is_set():
                yield answer_to(question, Status.STOPPED)
                return
            yield Delta("212")
            yield answer_to(question)
        finally:
            self.ended.set()


def started(chatbot: Any, width: int = 1) -> Service:
    service = Service(lambda: (chatbot, ()), width=width)
    service.start()
    assert service._opened.wait(PATIENCE)
    return service


async def events_of(service: Service, caller: str, question: str = "Who?", **more: Any) -> list[Event]:
    async with aclosing(service.answer(caller, question, way="test", **more)) as events:
        return [event async for event in events]


def kinds(events: list[Event]) -> list[str]:
    return [f"Waiting {event.place}" if isinstance(event, Waiting) else type(event).__name__ for event in events]


# --- the events of an answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["How many passengers?", "كم راكبًا؟"])
def test_an_answer_comes_after_its_turn_and_what_was_found(question: str) -> None:
    bot = Held()
    bot.go.release()
    service = started(bot)
    ended: list[tuple[str, object]] = []
    service.watchers.append(lambda way, what, seconds: ended.append((way, what)))
    events = run_async(events_of(service, "a", f"  {question} "))
    assert kinds(events) == ["Waiting 0", "Found", "Delta", "Answer"]
    assert (bot.asked, ended) == ([question], [("test", events[-1])])
    assert len(service.answers) == 0


def test_a_question_waits_for_the_models_and_says_so() -> None:
    bot, opened = Held(), threading.Event()
    bot.go.release()

    def opener() -> Any:
        wait_for(opened)
        return bot, ()

    async def run() -> list[Event]:
        service = Service(opener)
        service.start()
        events: list[Event] = []
        async with aclosing(service.answer("a", "Who?", way="test")) as stream:
            async for event in stream:
                events.append(event)
                if isinstance(event, Preparing):
                    assert (service.state, len(service.answers)) == (State.PREPARING, 1)
                    opened.set()
        return events

    assert kinds(run_async(run())) == ["Preparing", "Waiting 0", "Found", "Delta", "Answer"]


def test_each_place_in_the_queue_is_told_once() -> None:
    async def run() -> list[Event]:
        service = started(Held())
        first, second = service.answers.join("x"), service.answers.join("y")
        events: list[Event] = []
        async with aclosing(service.answer("a", "Who?", way="test")) as stream:
            async for event in stream:
                events.append(event)
                if event == Waiting(2):
                    service.answers.leave(second)
                elif event == Waiting(1):
                    threading.Thread(target=service.answers.leave, args=(first,)).start()
                elif isinstance(event, Found):
                    break
        return events

    assert kinds(run_async(run())) == ["Waiting 2", "Waiting 1", "Waiting 0", "Found"]


def test_one_caller_with_many_open_questions_does_not_keep_another_out() -> None:
    bot = Held()
    service = started(bot)
    service.answers.most = 4
    bot.go = threading.Semaphore(10)

    async def run() -> list[Any]:
        held = service.answers.join("somebody")  # so that all of them wait
        greedy = [asyncio.ensure_future(events_of(service, "greedy", f"greedy {n}")) for n in range(3)]
        await wait_until_async(lambda: len(service.answers) == 4)
        other = asyncio.ensure_future(events_of(service, "ليلى", "other"))
        await wait_until_async(lambda: any(ticket.caller == "ليلى" for ticket in service.answers._tickets))
        service.answers.leave(held)
        return await asyncio.gather(*greedy, other, return_exceptions=True)

    *greedy, other = run_async(run())
    assert bot.asked == ["greedy 0", "other", "greedy 1"]  # the newcomer before the second of the greedy caller
    assert isinstance(greedy[2], Busy)  # whose last made room
    assert kinds(other)[-1] == "Answer"
    assert len(service.answers) == 0


def test_a_full_queue_turns_away_before_anything_is_asked() -> None:
    bot = Held()
    service = started(bot)
    service.answers.most = 0
    with pytest.raises(Busy):
        run_async(events_of(service, "a"))
    with pytest.raises(BadQuestion):
        run_async(events_of(service, "a", " ؟ "))
    assert (bot.asked, len(service.answers)) == ([], 0)


def test_a_turn_for_other_work_waits_in_the_same_kind_of_queue() -> None:
    async def run() -> list[str]:
        service, order = started(Held()), list[str]()

        async def work(caller: str, name: str) -> None:
            async with service.turn(caller, service.searches) as chatbot:
                assert chatbot is service.chatbot
                order.append(name)

        held = [service.searches.join("x"), service.searches.join("y")]
        tasks = []
        for caller, name in (("a", "a1"), ("a", "a2"), ("b", "b1")):
            tasks.append(asyncio.ensure_future(work(caller, name)))
            await wait_until_async(lambda: len(service.searches) == len(tasks) + 2)
        service.searches.leave(held[0])
        await asyncio.gather(*tasks)
        service.searches.leave(held[1])
        assert len(service.searches) == 0
        return order

    assert run_async(run()) == ["a1", "b1", "a2"]


# --- stopping -------------------------------------------------------------------------------------------------------------


def test_a_question_that_is_stopped_while_the_models_open_is_never_asked() -> None:
    async def run() -> tuple[list[Event], int]:
        service, stop = Service(lambda: (Held(), ())), Signal()  # type: ignore[arg-type, return-value]  # not started
        events: list[Event] = []
        async with aclosing(service.answer("a", " لماذا؟ ", way="test", stop=stop)) as stream:
            async for event in stream:
                events.append(event)
                threading.Thread(target=stop.set).start()
        return events, len(service.answers)

    events, waiting = run_async(run())
    assert (kinds(events), waiting) == (["Preparing", "Answer"], 0)
    stopped = events[-1]
    assert isinstance(stopped, Answer)
    assert (stopped.status, stopped.text, stopped.question, stopped.language) == (Status.STOPPED, "", "لماذا؟", "ar")


def test_a_question_that_is_stopped_in_the_queue_is_never_asked() -> None:
    bot = Held()

    async def run() -> tuple[list[Event], int]:
        service, stop = started(bot), Signal()
        service.answers.join("x")
        events: list[Event] = []
        async with aclosing(service.answer("a", "Who?", way="test", stop=stop)) as stream:
            async for event in stream:
                events.append(event)
                stop.set()
        return events, len(service.answers)

    events, waiting = run_async(run())
    assert (kinds(events), waiting, bot.asked) == (["Waiting 1", "Answer"], 1, [])
    assert isinstance(events[-1], Answer)
    assert events[-1].status is Status.STOPPED


def test_stop_reaches_an_answer_under_way() -> None:
    async def run() -> list[Event]:
        service, stop = started(Held()), Signal()
        events: list[Event] = []
        async with aclosing(service.answer("a", "Who?", way="test", stop=stop)) as stream:
            async for event in stream:
                events.append(event)
                if isinstance(event, Found):
                    stop.set()
        return events

    events = run_async(run())
    assert kinds(events) == ["Waiting 0", "Found", "Answer"]
    assert isinstance(events[-1], Answer)
    assert events[-1].status is Status.STOPPED


def test_leaving_an_answer_stops_the_model_and_gives_the_place_up() -> None:
    bot = Held()

    async def run() -> None:
        service = started(bot)
        async with aclosing(service.answer("a", "Who?", way="test")) as stream:
            async for event in stream:
                if isinstance(event, Found):
                    break
        await wait_until_async(lambda: bot.ended.is_set() and len(service.answers) == 0)

    run_async(run())


@pytest.mark.parametrize("waiting", [False, True])
def test_a_task_that_is_cancelled_gives_its_place_up(waiting: bool) -> None:
    bot = Held()

    async def run() -> None:
        service = started(bot)
        held = [service.answers.join("x")] if waiting else []
        task = asyncio.ensure_future(events_of(service, "a"))
        await wait_until_async(lambda: len(service.answers) == 2 if waiting else bot.asked)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        await wait_until_async(lambda: len(service.answers) == len(held))

    run_async(run())
    assert bot.asked == ([] if waiting else ["Who?"])


# --- what goes wrong ------------------------------------------------------------------------------------------------------


def test_what_keeps_the_models_from_opening_is_told_and_can_be_tried_again() -> None:
    tries: list[int] = []
    bot = Held()
    bot.go.release()

    def opener() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise IndexMissing("error.index_missing", path="index")
        return bot, ()

    async def run() -> None:
        service = Service(opener)
        service.start()
        with pytest.raises(IndexMissing):
            await events_of(service, "a")
        assert (service.state, service.error and service.error.key) == (State.FAILED, "error.index_missing")
        assert len(service.answers) == 0
        service.start()
        assert kinds(await events_of(service, "a"))[-1] == "Answer"
        assert service.error is None

    run_async(run())


def test_a_defect_becomes_a_sentence_without_a_traceback() -> None:
    class Broken(Held):
        def stream(self, *_: object, **__: object) -> Iterator[Any]:
            raise ZeroDivisionError("oops")
            yield

    ended: list[object] = []

    async def run() -> ShawahidError:
        service = started(Broken())
        service.watchers.append(lambda way, what, seconds: ended.append(what))
        with pytest.raises(ShawahidError) as caught:
            await events_of(service, "a")
        assert len(service.answers) == 0
        return caught.value

    error = run_async(run())
    assert "ZeroDivisionError: oops" in error.text("en")
    assert "ZeroDivisionError: oops" in error.text("ar")
    assert [type(each) for each in ended] == [type(error)]


def test_what_choosing_the_index_raises_is_raised_and_the_place_is_given_up() -> None:
    def over(base: object) -> Any:
        raise IndexMissing("error.index_missing", path="index")

    async def run() -> None:
        service = started(Held())
        with pytest.raises(IndexMissing):
            await events_of(service, "a", over=over)
        assert len(service.answers) == 0

    run_async(run())


# --- drawing --------------------------------------------------------------------------------------------------------------


def test_events_that_come_close_together_are_drawn_together() -> None:
    async def run() -> list[list[int]]:
        more = asyncio.Event()

        async def numbers() -> AsyncGenerator[int, None]:
            for number in range(200):
                yield number
            await more.wait()
            for number in range(200, 300):
                yield number

        batches: list[list[int]] = []
        async for batch in batched(numbers(), 0.0):
            batches.append(batch)
            more.set()
        return batches

    assert run_async(run()) == [list(range(200)), list(range(200, 300))]


def test_an_error_comes_after_the_events_before_it() -> None:
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise IndexMissing("error.index_missing", path="index")

    async def run() -> list[list[int]]:
        batches = batched(failing(), 0.0)
        first = await anext(batches)
        with pytest.raises(IndexMissing):
            await anext(batches)
        return [first]

    assert run_async(run()) == [[1]]


def test_leaving_batches_ends_what_they_are_made_of() -> None:
    async def run() -> bool:
        ended = asyncio.Event()

        async def endless() -> AsyncGenerator[int, None]:
            try:
                yield 1
                await asyncio.Event().wait()
            finally:
                ended.set()

        async with aclosing(endless()) as events, aclosing(batched(events, 0.0)) as batches:
            async for _ in batches:
                break
        return ended.is_set()

    assert run_async(run())


def test_a_stream_in_which_nothing_happens_beats() -> None:
    async def run() -> list[int | None]:
        more = asyncio.Event()

        async def numbers() -> AsyncGenerator[int, None]:
            yield 1
            await more.wait()
            yield 2

        heard: list[int | None] = []
        async with aclosing(beating(numbers(), 0.01)) as beats:
            async for item in beats:
                heard.append(item)
                if item is None:
                    more.set()
        return heard

    heard = run_async(run())
    assert (heard[0], heard[1], heard[-1]) == (1, None, 2)
