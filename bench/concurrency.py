"""Throughput and waiting times when several people ask at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from bench.bare_llama import Bare
from bench.corpus import ROOT, questions
from bench.measure import Measurement, Options, measured, ratio
from rag.answering.chatbot import Chatbot
from rag.answering.prompts import answer_prompt
from rag.errors import ModelMissing
from rag.factory import open_embedder, open_generator
from rag.models.llama.generator import LlamaCpp
from rag.retrieval.index import Index
from rag.schema import Answer, Delta, Message
from rag.storage.build import build_index

Item = TypeVar("Item")

TITLE = "Several people at once"
ABOUT = """
The given number of people ask at the same moment. The generator alone: each asks for 48 tokens after a prompt whose beginning is shared and
has been read; the bare engine reads and writes the same in one batch, with no thought of who waits or stops. Throughput counts
written tokens over the whole time, reading included. Whole answers: different questions of the seed article that the generator
words, from question to checked answer. First come is the share of pairs that got their first word in the order they asked.
"""

ASKERS = (1, 4, 16)
_TOKENS = 48
_TOPICS = """bread cheese paper glass bricks soap candles rope wine honey tea sugar salt ink silk leather""".split()


def run(options: Options) -> Iterator[Measurement]:
    """Measure; raises ModelMissing without a generator."""
    embedder, _ = open_embedder(options.settings)
    generator, notice = open_generator(options.settings)
    if generator is None:
        raise notice or ModelMissing("error.generator_missing", path=options.settings.generator)
    yield from _generator(generator, options.runs)
    small = options.scratch / "seeds"
    build_index(ROOT / "seeds", small, embedder)
    with Index.open(small, embedder) as index:
        yield from _answers(Chatbot(index, generator), options.runs)
    generator.close()


def _prompt(topic: str, run: int) -> tuple[Message, ...]:
    """Measure one number of simultaneous askers; every run asks new questions."""
    question = f"{run}. Describe in detail, step by step and with every tool that is used, how {topic} is made by hand."
    return answer_prompt(question, "en", ()).messages


def _generator(generator: LlamaCpp, runs: int) -> Iterator[Measurement]:
    engine = generator.load()
    bare = Bare(engine.model, engine.threads)
    number = 0
    for askers in ASKERS:
        ours, references, first, worst, order = [], [], [], [], []
        for _ in range(runs):
            number += 1
            prompts = [engine.prompt(_prompt(topic, number)) for topic in _TOPICS]
            shared = prompts[0][: next(n for n in range(len(prompts[0])) if len({prompt[n] for prompt in prompts}) > 1)]
            references.append(askers * _TOKENS / bare.together(shared, prompts[:askers], _TOKENS))
            generator.prepare(_prompt("nothing", number))
            times, tokens, seconds = _at_once(generator, askers, number)
            ours.append(tokens / seconds)
            first += times
            worst.append(max(times))
            order.append(_in_order(times))
        yield measured(f"{askers} at once: throughput", "tokens/s", ours, plot=True)
        yield measured(f"{askers} at once: the bare engine", "tokens/s", references, plot=True)
        yield ratio(f"{askers} at once: over the bare engine", ours, references, "≥ 0.9")
        yield measured(f"{askers} at once: first token", "s", first)
        yield measured(f"{askers} at once: the last one's first token", "s", worst)
        if askers > 1:
            yield measured(f"{askers} at once: first come, first served", "of pairs", order)
    bare.close()


def _at_once(generator: LlamaCpp, askers: int, run: int) -> tuple[list[float], int, float]:
    """Return the seconds to each asker's first token in order of asking, the total of tokens written, and the seconds until the last was
    done."""
    first = [0.0] * askers
    written = [0] * askers
    started = time.perf_counter()

    def ask(number: int) -> None:
        generation = generator.stream(_prompt(_TOPICS[number], run), max_tokens=_TOKENS)
        for _ in generation:
            first[number] = first[number] or time.perf_counter() - started
        written[number] = generation.usage.generated_tokens

    _all_at_once(ask, range(askers))
    return first, sum(written), time.perf_counter() - started


def _all_at_once(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Run `work` for each item in a thread of its own; raise the first error once all have ended."""
    failures: list[BaseException] = []

    def run(item: Item) -> None:
        try:
            work(item)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _in_order(times: Sequence[float]) -> float:
    pairs = [(times[i], times[j]) for i in range(len(times)) for j in range(i + 1, len(times))]
    return sum(one <= other for one, other in pairs) / len(pairs) if pairs else 1.0


def _answers(bot: Chatbot, runs: int) -> Iterator[Measurement]:
    """Time whole answers across languages, so that each needs the generator."""
    asked = [record["question"] for record in questions("seeds") if record["language"] == "en"][: max(ASKERS)]
    bot.warm()
    for askers in ASKERS:
        first, whole, together = [], [], []
        for _ in range(runs):
            started = time.perf_counter()

            def ask(question: str, started: float = started) -> None:
                begun = False
                for event in bot.stream(question):
                    if isinstance(event, Delta) and not begun:
                        first.append(time.perf_counter() - started)  # noqa: B023
                        begun = True
                    elif isinstance(event, Answer):
                        whole.append(time.perf_counter() - started)  # noqa: B023

            _all_at_once(ask, asked[:askers])
            together.append(askers / (time.perf_counter() - started))
        if first:
            yield measured(f"{askers} askers: first token", "s", first)
        yield measured(f"{askers} askers: whole answer", "s", whole)
        yield measured(f"{askers} askers: answers", "a second", together)
