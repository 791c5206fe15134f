"""The fair queue: whose turn it is, worked out by hand, and waiting that is woken in threads and in event loops."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import aclosing
from queue import Queue

import pytest

from rag.service.fair_queue import Busy, FairQueue, Ticket
from rag.service.signals import Signal
from tests.waiting import PATIENCE, run_async


def served(queue: FairQueue, tickets: Sequence[Ticket]) -> list[str]:
    """The callers in the order in which their turns come, each leaving when the next is looked for."""
    rest, order = list(tickets), list[str]()
    while rest:
        running = next(ticket for ticket in rest if queue.place(ticket) == 0)
        order.append(running.caller)
        queue.leave(running)
        rest.remove(running)
    return order


# --- whose turn it is -----------------------------------------------------------------------------------------------------


def test_one_runs_and_the_others_wait_in_the_order_they_came() -> None:
    queue = FairQueue()
    a, b, c = queue.join("a"), queue.join("b"), queue.join("c")
    assert [queue.place(ticket) for ticket in (a, b, c)] == [0, 1, 2]
    queue.leave(a)
    assert [queue.place(ticket) for ticket in (b, c)] == [0, 1]
    queue.leave(c)
    queue.leave(c)
    assert len(queue) == 1


def test_a_second_question_waits_behind_everybody_elses_first() -> None:
    queue = FairQueue()
    first, second, third, other = queue.join("greedy"), queue.join("greedy"), queue.join("greedy"), queue.join("ليلى")
    assert [queue.place(ticket) for ticket in (first, other, second, third)] == [0, 1, 2, 3]
    queue.leave(first)
    assert queue.place(other) == 0


@pytest.mark.parametrize(
    ("joined", "order"),
    [
        ("", ""),
        ("a", "a"),
        ("aaaa", "aaaa"),
        ("aaaabbc", "abcabaa"),
        ("abab", "abab"),
        ("aaabbbccc", "abcabcabc"),
    ],
)
def test_callers_take_turns(joined: str, order: str) -> None:
    queue = FairQueue()
    assert "".join(served(queue, [queue.join(caller) for caller in joined])) == order


def test_who_comes_while_a_greedy_caller_is_served_is_next() -> None:
    queue = FairQueue()
    greedy = [queue.join("greedy") for _ in range(10)]
    for ticket in greedy[:5]:
        queue.leave(ticket)
    late = [queue.join("late"), queue.join("late")]
    # The sixth of the greedy caller runs; then both take turns.
    assert served(queue, [*greedy[5:], *late]) == ["greedy", "late", "greedy", "late", "greedy", "greedy", "greedy"]


def test_several_run_at_once() -> None:
    queue = FairQueue(2)
    a, b, c, d = queue.join("a"), queue.join("a"), queue.join("a"), queue.join("b")
    assert [queue.place(ticket) for ticket in (a, b, d, c)] == [0, 0, 1, 2]
    queue.leave(b)
    assert [queue.place(ticket) for ticket in (a, d, c)] == [0, 0, 1]


# --- a full queue ---------------------------------------------------------------------------------------------------------


def test_a_full_queue_turns_away() -> None:
    queue = FairQueue(most=2)
    queue.join("a")
    queue.join("b")
    for caller in ("a", "b", "c"):
        with pytest.raises(Busy) as caught:
            queue.join(caller)
        assert "(2)" in caught.value.text("ar")
        assert "(2)" in caught.value.text("en")


def test_one_caller_with_many_open_questions_cannot_keep_others_out() -> None:
    queue = FairQueue(most=4)
    first, second, third, fourth = [queue.join("greedy") for _ in range(4)]
    with pytest.raises(Busy):
        queue.join("greedy")
    b = queue.join("b")  # 4 against 1: the last of the greedy caller's makes room
    with pytest.raises(Busy):
        queue.place(fourth)
    assert [queue.place(ticket) for ticket in (first, b, second, third)] == [0, 1, 2, 3]
    c = queue.join("c")  # 3 against 1
    with pytest.raises(Busy):
        queue.place(third)
    with pytest.raises(Busy):
        queue.join("b")  # 2 against 2
    d = queue.join("d")  # 2 against 1
    with pytest.raises(Busy):
        queue.place(second)
    with pytest.raises(Busy):
        queue.join("e")  # one each
    assert [queue.place(ticket) for ticket in (first, b, c, d)] == [0, 1, 2, 3]
    queue.leave(fourth)  # it is not there any more
    assert len(queue) == 4


def test_what_runs_is_not_displaced() -> None:
    queue = FairQueue(3, most=3)
    running = [queue.join("greedy") for _ in range(3)]
    with pytest.raises(Busy):
        queue.join("b")
    assert [queue.place(ticket) for ticket in running] == [0, 0, 0]


# --- waiting --------------------------------------------------------------------------------------------------------------


class Counted(FairQueue):
    """A queue that counts how often a place was looked for."""

    looks = 0

    def place(self, ticket: Ticket) -> int:
        self.looks += 1
        return super().place(ticket)


class Listener:
    """The places that a waiting thread was given, and None when it has stopped waiting."""

    def __init__(self, queue: FairQueue, ticket: Ticket, stop: Signal | None = None) -> None:
        self.heard: Queue[int | Busy | None] = Queue()

        def listen() -> None:
            try:
                for place in queue.places(ticket, stop):
                    self.heard.put(place)
            except Busy as error:
                self.heard.put(error)
            self.heard.put(None)

        threading.Thread(target=listen, daemon=True).start()

    def next(self) -> int | Busy | None:
        return self.heard.get(timeout=PATIENCE)


def test_a_thread_that_waits_is_woken_when_its_place_changes_and_not_before() -> None:
    queue = Counted()
    a, b, c = queue.join("a"), queue.join("b"), queue.join("c")
    listener = Listener(queue, c)
    assert listener.next() == 2
    queue.leave(a)
    assert listener.next() == 1
    assert queue.looks == 2  # it does not look again by itself
    queue.leave(b)
    assert [listener.next(), listener.next()] == [0, None]
    assert queue.looks == 3


def test_a_thread_that_waits_is_woken_by_stop_and_when_it_is_displaced() -> None:
    queue, stop = FairQueue(most=3), Signal()
    queue.join("greedy")
    waits, last = queue.join("greedy"), queue.join("greedy")
    stopped, displaced = Listener(queue, waits, stop), Listener(queue, last)
    assert (stopped.next(), displaced.next()) == (1, 2)
    queue.join("b")
    assert isinstance(displaced.next(), Busy)
    assert stopped.next() == 2  # behind the newcomer
    stop.set()
    assert stopped.next() is None
    assert list(queue.places(waits, stop)) == []


def test_a_task_that_waits_is_woken_from_another_thread() -> None:
    queue = Counted()
    a, b = queue.join("a"), queue.join("b")

    async def run() -> list[int]:
        found: list[int] = []
        async with aclosing(queue.places_async(b)) as places:
            async for place in places:
                found.append(place)
                if place:
                    threading.Thread(target=queue.leave, args=(a,)).start()
        return found

    assert run_async(run()) == [1, 0]
    assert queue.looks == 2


def test_a_task_that_waits_is_woken_by_stop() -> None:
    queue, stop = FairQueue(), Signal()
    queue.join("a")
    ticket = queue.join("b")

    async def run() -> list[int]:
        found: list[int] = []
        async with aclosing(queue.places_async(ticket, stop)) as places:
            async for place in places:
                found.append(place)
                threading.Thread(target=stop.set).start()
        return found

    assert run_async(run()) == [1]


def test_whoever_listens_hears_that_somebody_joined_and_left() -> None:
    queue, heard = FairQueue(), list[int]()
    with queue.listening(lambda: heard.append(len(queue))):
        ticket = queue.join("a")
        queue.leave(ticket)
        queue.leave(ticket)
    queue.join("b")
    assert heard == [1, 0]


def test_a_signal_that_is_set_already_calls_at_once() -> None:
    signal, heard = Signal(), list[str]()
    with signal.listening(lambda: heard.append("ا")):
        assert heard == []
        signal.set()
        assert (heard, signal.is_set()) == (["ا"], True)
    signal.set()
    assert heard == ["ا"]
    with signal.listening(lambda: heard.append("b")):
        assert heard == ["ا", "b"]
