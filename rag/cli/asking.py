"""`shawahid search`, `ask`, `chat`: questions to an index."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Annotated

import typer
from rich.markup import escape

from rag.answering.chatbot import Chatbot
from rag.cli.answer_output import print_source, print_stream
from rag.cli.console import err, load_settings, open_embedder, out, print_json, print_notices
from rag.cli.options import IndexOption, JsonOption, QuestionArgument, grouped, search_filter
from rag.errors import ShawahidError
from rag.factory import open_chatbot, open_milvus
from rag.messages import say
from rag.models.question_encoder import for_one_question
from rag.retrieval.index import Index
from rag.schema import Filter, Turn
from rag.text.terminal import for_terminal


@grouped("chosen", search_filter)
def search(
    question: QuestionArgument,
    k: Annotated[int, typer.Option("-k", help="How many passages.")] = 5,
    offset: Annotated[int, typer.Option("--offset", help="Skip this many of the best passages, for the next page.")] = 0,
    chosen: Filter | None = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages nearest to a question."""
    settings = load_settings(index)
    with Index.open(settings.index, for_one_question(open_embedder(settings)), open_milvus(settings)) as opened:
        hits = opened.search(question, k, offset=offset, filter=chosen)
        evidence = opened.evidence(question, hits, len(hits))
    if as_json:
        print_json({"question": question, "hits": hits, "evidence": evidence})
        return
    if not hits:
        out.print(for_terminal(say("cli.nothing_found", settings.language)))
    best = {item.passage.id: item for item in reversed(evidence)}
    for hit in hits:
        found = best.get(hit.passage.id)
        print_source(hit.rank, hit.passage, found.span if found else None)


@grouped("chosen", search_filter)
def ask(
    question: QuestionArgument,
    chosen: Filter | None = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question, with numbered sources."""
    settings = load_settings(index)
    bot, notices = open_chatbot(settings, for_one=True)
    print_notices(notices, settings.language)
    _warm(bot)
    if as_json:
        print_json(bot.ask(question, filter=chosen))
        return
    print_stream(bot.stream(question, filter=chosen), settings.language)


def chat(index: IndexOption = None) -> None:
    """Ask questions one after another, including follow-ups."""
    settings = load_settings(index)
    bot, notices = open_chatbot(settings)
    print_notices(notices, settings.language)
    _warm(bot)
    history: list[Turn] = []
    while True:
        try:
            question = out.input(f"[bold]{escape(for_terminal(say('cli.ask_prompt', settings.language)))}:[/] ").strip()
        except EOFError:
            return
        if not question:
            return
        try:
            answer = print_stream(bot.stream(question, history), settings.language)
        except ShawahidError as error:
            err.print(f"[red]{escape(for_terminal(error.text(settings.language)))}[/]")
            continue
        history.append(Turn(answer.searched, answer.text))


def _warm(bot: Chatbot) -> None:
    """Load both models at the same time, while the question is being typed or searched for."""

    def work() -> None:
        with suppress(ShawahidError):  # the question that needs what failed reports it
            bot.warm()

    threading.Thread(target=work, name="shawahid-open").start()
