"""The chatbot for programs with an event loop: questions run in threads, and a cancelled task frees the model at once."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Container, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from rag.answering.chatbot import Chatbot
from rag.arguments import require_type
from rag.errors import ShawahidError, as_ours
from rag.schema import Answer, Delta, Evidence, Filter, Found, History, Hit

T = TypeVar("T")
StreamEvent = Found | Delta | Answer


async def in_thread(events: Callable[[], Iterator[T]], stop: threading.Event) -> AsyncGenerator[list[T], None]:
    """Yield what an iterator yields, running it in a thread; items that arrived together are yielded together.

    Leaving the iteration sets `stop`, which the iterator must obey. Its exceptions arrive as a ShawahidError.
    """
    loop = asyncio.get_running_loop()
    come: asyncio.Queue[T | _End] = asyncio.Queue()

    def put(item: T | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(come.put_nowait, item)

    def work() -> None:
        end = _End()
        try:
            for event in events():
                put(event)
        except Exception as error:
            end = _End(as_ours(error))
        finally:
            put(end)

    # The thread's spans belong to what the task is doing.
    threading.Thread(target=contextvars.copy_context().run, args=(work,), name="shawahid-answer", daemon=True).start()
    try:
        while True:
            taken = [await come.get()]
            while not come.empty():
                taken.append(come.get_nowait())
            end = taken.pop() if isinstance(taken[-1], _End) else None
            if taken:
                yield [item for item in taken if not isinstance(item, _End)]
            if isinstance(end, _End):
                if end.error is not None:
                    raise end.error
                return
    finally:
        stop.set()


@dataclass(frozen=True, slots=True)
class _End:
    error: ShawahidError | None = None


async def batched(events: AsyncIterator[T], pause: float) -> AsyncGenerator[list[T], None]:
    """Yield the same events together, at most once in `pause` seconds; the first at once. Leaving the iteration closes them."""
    come: list[T] = []
    wakeup = asyncio.Event()

    async def take() -> None:
        try:
            async for event in events:
                come.append(event)
                wakeup.set()
        finally:
            wakeup.set()

    taking = asyncio.ensure_future(take())
    try:
        while True:
            await wakeup.wait()
            wakeup.clear()
            ended = taking.done()
            if come:
                batch = come.copy()
                come.clear()
                yield batch
            if ended:
                taking.result()
                return
            await asyncio.sleep(pause)
    finally:
        if not taking.done():
            taking.cancel()
            await asyncio.wait([taking])


async def beating(events: AsyncIterator[T], seconds: float) -> AsyncGenerator[T | None, None]:
    """Yield the same events, and None whenever none has come for a number of seconds."""
    upcoming = asyncio.ensure_future(_next(events))
    try:
        while True:
            done, _ = await asyncio.wait([upcoming], timeout=seconds)
            if not done:
                yield None
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = asyncio.ensure_future(_next(events))
            yield event
    finally:
        if not upcoming.done():
            upcoming.cancel()
            await asyncio.wait([upcoming])


async def _next(events: AsyncIterator[T]) -> T:
    return await anext(events)


class AsyncChatbot:
    """The awaitable counterpart of a `Chatbot`. Share one between all tasks.

    It uses the chatbot's models and index; nothing is loaded twice.
    """

    def __init__(self, chatbot: Chatbot) -> None:
        require_type("chatbot", chatbot, Chatbot)
        self.chatbot = chatbot

    async def ask(self, question: str, history: History = (), *, exclude: Container[int] = (), filter: Filter | None = None) -> Answer:
        """Return the checked answer. Cancelling the task stops the model. Raises the errors of `Chatbot.ask`."""
        async with aclosing(self.stream(question, history, exclude=exclude, filter=filter)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return event
        raise AssertionError("a stream ends with an answer")

    async def stream(
        self,
        question: str,
        history: History = (),
        *,
        stop: threading.Event | None = None,
        exclude: Container[int] = (),
        filter: Filter | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Yield `Found`, then `Delta`s, then the checked `Answer`. Leaving the iteration, or cancelling the task, stops the model.

        Setting `stop` ends the draft early; the answer is then the part of it that passed the check.
        """
        halt = stop or threading.Event()

        def events() -> Iterator[StreamEvent]:
            return self.chatbot.stream(question, history, stop=halt, exclude=exclude, filter=filter)

        async with aclosing(in_thread(events, halt)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def search(self, question: str, k: int = 10, **restrictions: Any) -> list[Hit]:
        """Return the `k` best passages; `restrictions` are those of `Index.search`."""
        return await asyncio.to_thread(self.chatbot.index.search, question, k, **restrictions)

    async def evidence(self, question: str, hits: list[Hit], k: int = 5) -> list[Evidence]:
        """Return the sentences of the hits that most likely hold the answer, as `Index.evidence` gives them."""
        return await asyncio.to_thread(self.chatbot.index.evidence, question, hits, k)
