"""Serving several at once: everybody gets the text they would get alone, in order, and memory is never overrun."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence

import pytest

from rag.errors import GenerationFailed
from rag.models.llama.batching import WRITERS, DecodeJob, Scheduler, is_looping
from tests.engines import END, FakeEngine, alone, chaos, parrot
from tests.waiting import wait_for


def prompt(number: int, length: int = 40, shared: int = 20) -> list[int]:
    """A prompt of numbers below 64 whose beginning all have in common."""
    return [place % 50 + 1 for place in range(shared)] + [(number * 17 + place * place) % 60 + 1 for place in range(length - shared)]


def ran(scheduler: Scheduler, *jobs: DecodeJob) -> list[list[int]]:
    """What each job writes, all of them submitted at once."""
    for job in jobs:
        scheduler.submit(job)
    return [list(job) for job in jobs]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine()
    yield made
    if made.gate is not None:
        made.gate.release(10_000)  # no thread is left waiting


def test_one_alone(engine: FakeEngine) -> None:
    scheduler = Scheduler(engine)
    (written,) = ran(scheduler, DecodeJob(prompt(1), 30))
    assert written == alone(chaos, prompt(1), 30)
    assert len(written) > 3
    assert scheduler.drain(10)


@pytest.mark.parametrize("count", [2, 5, WRITERS, WRITERS + 9])
def test_several_at_once_get_what_they_would_get_alone(engine: FakeEngine, count: int) -> None:
    engine.gate = threading.Semaphore(0)
    scheduler = Scheduler(engine)
    jobs = [DecodeJob(prompt(number), 30) for number in range(count)]
    for job in jobs:
        scheduler.submit(job)
    engine.gate.release(10_000)
    texts = [list(job) for job in jobs]
    assert texts == [alone(chaos, prompt(number), 30) for number in range(count)]
    assert scheduler.drain(10)
    assert max(len({row.sequence for row in batch}) for batch in engine.batches) > 1  # together, not one by one


def test_whoever_repeats_what_was_read_gets_it_in_fewer_passes() -> None:
    engine = FakeEngine(parrot)
    text = [*range(1, 61), END, 62, 63, 1, 2]
    scheduler = Scheduler(engine)
    (written,) = ran(scheduler, DecodeJob(text, 80))
    assert written == alone(parrot, text, 80) == [*range(3, 61)]
    assert len(engine.batches) < 20  # 58 tokens
    assert scheduler.drain(10)
    assert engine.tokens(engine.batches[-1][0].sequence)[: len(text) + len(written)] == [*text, *written]


def test_drafts_never_exceed_the_room() -> None:
    engine = FakeEngine(parrot, cells=30)
    text = [*range(1, 21), 1, 2, 3]
    (written,) = ran(Scheduler(engine), DecodeJob(text, 7))  # 23 + 7 cells are all there are
    assert written == [4, 5, 6, 7, 8, 9, 10]


def test_a_prompt_that_begins_like_an_earlier_one_is_read_from_where_they_part(engine: FakeEngine) -> None:
    scheduler = Scheduler(engine)
    jobs = [DecodeJob(prompt(1), 5), DecodeJob(prompt(2), 5), DecodeJob(prompt(2), 5)]
    for job in jobs:
        ran(scheduler, job)
    assert [job.cached for job in jobs] == [0, 20, 39]  # the last token is read again for what follows it
    ran(scheduler, longer := DecodeJob([*prompt(2), *jobs[2].written[:2], 9], 2))
    assert longer.cached == 42


def test_reading_ahead_and_reading_it_again(engine: FakeEngine) -> None:
    scheduler = Scheduler(engine)
    assert ran(scheduler, DecodeJob(prompt(1), ahead=True)) == [[]]
    passes = len(engine.batches)
    assert ran(scheduler, DecodeJob(prompt(1), ahead=True)) == [[]]
    assert len(engine.batches) == passes  # nothing to do
    ran(scheduler, job := DecodeJob(prompt(1), 3))
    assert job.cached == 39


def test_a_stop_ends_one_and_leaves_the_others(engine: FakeEngine) -> None:
    stop = threading.Event()
    engine.gate = threading.Semaphore(4)
    scheduler = Scheduler(engine)
    stopped, other = DecodeJob(prompt(1), 30, halted=stop.is_set), DecodeJob(prompt(2), 30)
    for job in (stopped, other):
        scheduler.submit(job)
    pieces = iter(stopped)
    next(pieces)
    stop.set()
    engine.gate.release(1000)
    assert len(list(pieces)) < 10
    assert list(other) == alone(chaos, prompt(2), 30)
    assert scheduler.drain(10)


def test_one_stopped_while_waiting_never_begins(engine: FakeEngine) -> None:
    engine.gate = threading.Semaphore(0)
    scheduler = Scheduler(engine)
    stop = threading.Event()
    stop.set()
    scheduler.submit(first := DecodeJob(prompt(1), 4))
    scheduler.submit(second := DecodeJob(prompt(2), 4, halted=stop.is_set))
    engine.gate.release(1000)
    assert list(second) == []
    assert second.cached == 0
    assert list(first) == alone(chaos, prompt(1), 4)


def first_tokens(jobs: Sequence[DecodeJob], engine: FakeEngine) -> list[int]:
    """For each job the pass in which its prompt was read to the end."""
    found = []
    for job in jobs:
        last = job.prompt[-1]
        reads = (
            n
            for n, batch in enumerate(engine.batches)
            for row in batch
            if row.wanted and (row.token, row.position) == (last, len(job.prompt) - 1)
        )
        found.append(next(reads))
    return found


def test_first_come_first_served(engine: FakeEngine) -> None:
    engine.gate = threading.Semaphore(0)
    scheduler = Scheduler(engine)
    jobs = [DecodeJob([*prompt(number, 150, 0), 1 + number], 3) for number in range(8)]
    for job in jobs:
        scheduler.submit(job)
    engine.gate.release(1000)
    for job in jobs:
        list(job)
    passes = first_tokens(jobs, engine)
    assert passes == sorted(passes)
    assert len(set(passes)) > 4


def test_what_is_read_ahead_waits_for_those_who_ask(engine: FakeEngine) -> None:
    engine.gate = threading.Semaphore(0)
    scheduler = Scheduler(engine)
    ahead = DecodeJob(prompt(1, 400, 0), ahead=True)
    scheduler.submit(ahead)
    wait_for(engine.entered)  # it has begun when the question comes
    asked = DecodeJob(prompt(2, 200, 0), 5)
    scheduler.submit(asked)
    engine.gate.release(1000)
    assert list(asked) == alone(chaos, prompt(2, 200, 0), 5)
    assert list(ahead) == []
    sequences = [{row.sequence for row in batch} for batch in engine.batches]
    assert all(len(together) == 1 for together in sequences)
    order = [key.copy().pop() for key, _ in itertools.groupby(sequences)]
    assert len(order) == 3  # ahead, asked, ahead: not in turns


def test_an_error_reaches_everybody_and_the_next_works(engine: FakeEngine) -> None:
    engine.failing = 1
    engine.gate = threading.Semaphore(0)
    scheduler = Scheduler(engine)
    jobs = [DecodeJob(prompt(number), 5) for number in range(3)]
    for job in jobs:
        scheduler.submit(job)
    engine.gate.release(1000)
    for job in jobs:
        with pytest.raises(GenerationFailed, match="out of luck"):
            list(job)
    assert ran(scheduler, DecodeJob(prompt(1), 5)) == [alone(chaos, prompt(1), 5)]


def test_more_than_fits_waits_and_is_served() -> None:
    engine = FakeEngine(cells=256, sequences=8)
    texts = ran(Scheduler(engine), *(DecodeJob(prompt(number, 70), 30) for number in range(12)))
    assert texts == [alone(chaos, prompt(number, 70), 30) for number in range(12)]


def test_earlier_states_make_room() -> None:
    engine = FakeEngine(cells=128, sequences=6)
    scheduler = Scheduler(engine)
    for number in range(9):
        assert ran(scheduler, DecodeJob(prompt(number, 90), 30)) == [alone(chaos, prompt(number, 90), 30)]
    with pytest.raises(AssertionError):
        scheduler.submit(DecodeJob(prompt(1, 100), 29))


def test_many_come_and_go_from_many_threads(engine: FakeEngine) -> None:
    scheduler = Scheduler(engine)
    failures: list[tuple[int, list[int]]] = []

    def ask(number: int) -> None:
        for turn in range(4):
            job = DecodeJob(prompt(number * 4 + turn), 12)
            scheduler.submit(job)
            written = list(job)
            if written != alone(chaos, prompt(number * 4 + turn), 12):
                failures.append((number, written))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert scheduler.drain(10)


@pytest.mark.parametrize(
    ("tokens", "looping"),
    [
        ([], False),
        ([7] * 23, False),  # too short to say
        ([7] * 24, True),
        ([1, 2] * 12, True),
        ([1, 2, 3, 4, 5, 6, 7, 8] * 3, True),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9] * 3, False),  # a cycle of nine may be a list
        (list(range(24)), False),
        ([*range(50), *[3, 4, 5] * 8], True),
        ([*[3, 4, 5] * 8, 9], False),  # it has found its way out
    ],
)
def test_loops(tokens: list[int], looping: bool) -> None:
    assert is_looping(tokens) is looping


def test_a_text_that_loops_is_ended() -> None:
    (written,) = ran(Scheduler(FakeEngine(lambda tokens: 5)), DecodeJob([1, 2, 3], 200))
    assert written == [5] * 24
