"""`shawahid table`: several questions put to several documents."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rag.answering.chatbot import Chatbot
from rag.answering.review_table import ReviewCell, ReviewTable
from rag.cli.console import err, load_settings, out, plain, print_json, print_notices, question_bar
from rag.cli.options import IndexOption, JsonOption
from rag.errors import BadSetting
from rag.factory import open_chatbot
from rag.files import write_atomically
from rag.messages import say
from rag.text.terminal import for_terminal

_FORMATS = (".csv", ".xlsx")


def table(
    questions: Annotated[Path, typer.Argument(help="A text file with a question a line; lines that begin with # are left out.")],
    documents: Annotated[
        list[str] | None, typer.Option("--documents", help="A document, or a pattern like contracts/*; may be repeated.  [all]")
    ] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Write the table to this file: .csv or .xlsx, with the citations.")] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put several questions to several documents: a table of the words that answer, or "not stated"."""
    from rag.answering.review_table import review_table

    settings = load_settings(index)
    if to is not None and to.suffix.lower() not in _FORMATS:
        raise BadSetting("error.table_file", path=to)
    asked = _questions(questions)
    bot, notices = open_chatbot(settings)
    print_notices(notices, settings.language)
    with question_bar(settings.language) as follow:
        found = review_table(bot, asked, _chosen(bot, documents), follow=lambda done, total: follow(done, total, ""))
    if to is not None:
        _write(found, to, settings.language)
    if as_json:
        rows = [{"document": row.document_id, "title": row.title, "cells": [plain(cell) for cell in row.cells]} for row in found.rows]
        print_json({"questions": found.questions, "rows": rows})
    elif to is None:
        _print(found, settings.language)
    else:
        err.print(escape(for_terminal(str(to))))


def _questions(path: Path) -> list[str]:
    """Return the questions of a file. Raises BadSetting if it can't be read as text."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise BadSetting("error.table_unreadable", path=path) from error
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _chosen(bot: Chatbot, patterns: list[str] | None) -> list[str]:
    """Return the ids that are named or match a pattern, all without one."""
    ids = bot.index.document_ids()
    return ids if not patterns else [id for id in ids if any(id == pattern or fnmatchcase(id, pattern) for pattern in patterns)]


def _write(found: ReviewTable, to: Path, language: str) -> None:
    from rag.answering.review_export import table_csv, table_xlsx

    content = table_csv(found, language).encode() if to.suffix.lower() == ".csv" else table_xlsx(found, language)
    with write_atomically(to) as part:
        part.write_bytes(content)


def _print(found: ReviewTable, language: str) -> None:
    from rich.table import Table as Grid

    grid = Grid(say("table.document", language), *(escape(for_terminal(question)) for question in found.questions), show_lines=True)
    for row in found.rows:
        grid.add_row(escape(for_terminal(row.document_id)), *(_shown(cell, language) for cell in row.cells))
    out.print(grid)


def _shown(cell: ReviewCell, language: str) -> str:
    """Return a cell as markup: its text, or a translation above its source, and the place."""
    if cell.citation is None:
        return f"[dim]{escape(for_terminal(say('table.not_stated', language)))}[/]"
    text = say("answer.translated", language, text=cell.text) if cell.original else cell.text
    more = "".join(f"\n[dim]{escape(for_terminal(part))}[/]" for part in (cell.original, cell.citation.locator) if part)
    return escape(for_terminal(text)) + more
