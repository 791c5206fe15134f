"""Time until an answer begins, and the speed at which it is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bare_llama import Bare
from bench.corpus import ROOT, collection, questions
from bench.measure import Measurement, Options, measured, ratio
from rag.answering.chatbot import Chatbot
from rag.answering.prompts import answer_prompt
from rag.errors import ModelMissing
from rag.factory import open_embedder, open_generator
from rag.models.llama.generator import LlamaCpp
from rag.retrieval.index import Index
from rag.schema import Answer, Delta, Found, Message, Turn
from rag.storage.build import build_index

TITLE = "Answers"
ABOUT = """
Questions over the repository's own documents inside a collection of 10,000 passages, and over the seed article alone. "New" is a
question about a passage that no earlier question was about; the models are loaded, as they are in the window. First token: the
generator's first word, where it writes (across languages, with the default generator); a quotation needs no generator and comes
whole. The plain prompt is what a simple pipeline sends: three whole passages and the question, read from nothing by the bare
engine.
"""

PASSAGES = 10_000
_QUESTIONS = 8
_TOKENS = 64


@dataclass(slots=True)
class Course:
    """The times of one answer: seconds from the question to each part; `token` is None for a quotation."""

    source: float
    token: float | None
    whole: float
    answer: Answer


def follow(bot: Chatbot, question: str, history: Sequence[Turn] = ()) -> Course:
    """Ask a question and record when each part arrives."""
    started = time.perf_counter()
    source, token = 0.0, None
    for event in bot.stream(question, history):
        now = time.perf_counter() - started
        if isinstance(event, Found):
            source = now
        elif isinstance(event, Delta) and token is None:
            token = now
        elif isinstance(event, Answer):
            return Course(source, token, now, event)
    raise AssertionError("a stream ends with an answer")


def run(options: Options) -> Iterator[Measurement]:
    """Measure; raises ModelMissing without a generator."""
    embedder, _ = open_embedder(options.settings)
    generator, notice = open_generator(options.settings)
    if generator is None:
        raise notice or ModelMissing("error.generator_missing", path=options.settings.generator)
    large = collection(embedder, PASSAGES, options.scratch)
    small = options.scratch / "seeds"
    build_index(ROOT / "seeds", small, embedder)
    with Index.open(large, embedder) as index, Index.open(small, embedder) as seeds:
        bot = Chatbot(index, generator)
        bot.warm()
        yield from _questions(bot, spread(questions(), _QUESTIONS * options.runs), "10,000 passages", "≤ 3")
        yield from _plain(bot, index, generator, options.runs)
        bot = Chatbot(seeds, generator)
        yield from _questions(bot, spread(questions("seeds"), _QUESTIONS * options.runs), "the seed article", "≤ 0.6")
    yield from _generation(generator, options.runs)
    generator.close()


def spread(records: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return `count` of the records, spread evenly over the set, each about a different piece of evidence."""
    seen: set[str] = set()
    different = [record for record in records if not (record["evidence"][0]["quote"] in seen or seen.add(record["evidence"][0]["quote"]))]  # type: ignore[func-returns-value]
    step = max(len(different) // count, 1)
    return different[::step][:count]


def _questions(bot: Chatbot, records: Sequence[dict[str, Any]], where: str, aim: str) -> Iterator[Measurement]:
    """Time each question when new, rephrased, and as a follow-up; the last two also with prefetching."""
    courses: dict[str, list[Course]] = {name: [] for name in ("new", "again", "ahead", "follows", "follows ahead")}
    reading = []
    for record in records:
        english, question = record["language"] == "en", record["question"]
        courses["new"].append(follow(bot, question))
        courses["again"].append(follow(bot, ("Tell me: " if english else "أخبرني: ") + question))
        other = ("I wonder: " if english else "أتساءل: ") + question
        started = time.perf_counter()
        bot.anticipate(other)
        reading.append(time.perf_counter() - started)
        courses["ahead"].append(follow(bot, other))
        turn = Turn(question, courses["new"][-1].answer.text)
        courses["follows"].append(follow(bot, "And who says so, and what else?" if english else "ومن قال ذلك، وماذا أيضًا؟", [turn]))
        then = "And what else do they say about it?" if english else "وماذا يقولون عنه أيضًا؟"
        bot.anticipate(then, [turn])
        courses["follows ahead"].append(follow(bot, then, [turn]))
    yield measured(f"first source, {where}", "ms", [course.source * 1000 for course in courses["new"]], "≤ 150", plot=True)
    for name, title, limit in (
        ("new", "new question", aim),
        ("again", "same passages", "≤ 0.6"),
        ("ahead", "read ahead while it was typed", "≤ 0.6"),
        ("follows", "follow-up", "≤ 0.6"),
        ("follows ahead", "follow-up, read ahead", "≤ 0.6"),
    ):
        written = [course.token for course in courses[name] if course.token is not None]
        if written:
            yield measured(f"first token, {title}, {where}", "s", written, limit, plot=True)
    yield measured(f"reading a question ahead, {where}", "s", reading)
    for title, quoted in (("quoted", True), ("worded and checked", False)):
        whole = [course.whole for course in courses["new"] if (course.token is None) is quoted]
        if whole:
            yield measured(f"whole answer, {title}, {where}", "s", whole)


def _plain(bot: Chatbot, index: Index, generator: LlamaCpp, runs: int) -> Iterator[Measurement]:
    engine = generator.load()
    bare = Bare(engine.model, engine.threads)
    times = []
    for record in spread(questions(), max(runs, 3)):
        passages = "\n\n".join(hit.passage.text for hit in index.search(record["question"], 3))
        messages: list[Message] = [
            {"role": "system", "content": "Answer the question from the passages and cite them."},
            {"role": "user", "content": f"{passages}\n\n{record['question']}"},
        ]
        times.append(bare.prefill(engine.prompt(messages)))
    bare.close()
    yield measured("first token, the plain prompt over three whole passages", "s", times, plot=True)


def _generation(generator: LlamaCpp, runs: int) -> Iterator[Measurement]:
    """Measure tokens per second through `stream` and by the bare engine, alternating so that both see the same load."""
    engine = generator.load()
    bare = Bare(engine.model, engine.threads)
    free = answer_prompt("Describe in detail how bread is baked, step by step.", "en", ()).messages
    cases = [("free text", free, "≥ 0.95")]
    for language, path in (("English", "en/court_summary.txt"), ("Arabic", "ar/court_news.txt")):
        text = (ROOT / "tests/corpus" / path).read_text(encoding="utf-8").strip()[:700]
        copy: tuple[Message, ...] = (
            {"role": "system", "content": "You repeat what you are given."},
            {"role": "user", "content": f"Repeat this text word for word:\n\n{text}"},
        )
        cases.append((f"{language} text that repeats its source", copy, "≥ 1"))
    for name, messages, aim in cases:
        prompt = engine.prompt(messages)
        references, ours = [], []
        for _ in range(max(runs, 3)):
            bare.prefill(prompt)
            references.append(bare.generate(len(prompt), _TOKENS))
            generation = generator.stream(messages, max_tokens=_TOKENS + 1, stop=threading.Event())
            pieces = iter(generation)
            next(pieces)
            begun = generation.usage.generated_tokens
            started = time.perf_counter()
            for _ in pieces:
                pass
            seconds, written = time.perf_counter() - started, generation.usage.generated_tokens - begun
            assert written > _TOKENS // 2, f"{name}: the model ended after {written} tokens, which measures nothing"
            ours.append(written / seconds)
        yield measured(f"generation, {name}", "tokens/s", ours)
        yield measured(f"generation, {name}: the bare engine", "tokens/s", references)
        yield ratio(f"generation, {name}: over the bare engine", ours, references, aim)
    bare.close()
