"""`shawahid info`, `overview`, `suggest`, `verify`, `repair`: what is in an index, and whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rag.answering.chatbot import Chatbot
from rag.cli.console import err, load_settings, open_embedder, out, plain, print_json, print_notices, question_bar, step_bars
from rag.cli.options import CollectionOption, IndexOption, JsonOption, WaitOption
from rag.errors import BadSetting, DocumentMissing
from rag.factory import open_chatbot, open_milvus
from rag.files import write_atomically
from rag.messages import say
from rag.retrieval.index import Index
from rag.schema import Filter
from rag.storage.verify import Fault
from rag.text.terminal import for_terminal

_MOST_FAULTS = 50


def info(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Show what is in an index."""
    from rich.table import Table

    from rag.storage.database import DATABASE, Store

    settings = load_settings(index)
    store = Store(settings.index / DATABASE)
    manifest, documents, languages = store.manifest(), store.documents(), store.languages()
    size = sum(path.stat().st_size for path in settings.index.iterdir() if path.is_file())
    store.close()
    if as_json:
        tier = manifest.base.tier if manifest is not None else None
        print_json({"manifest": manifest, "tier": tier, "documents": documents, "languages": languages, "bytes": size})
        return
    if manifest is not None:
        for name, value in plain(manifest).items():
            if name not in ("languages", "base", "born"):
                out.print(f"{name:>12}  {escape(str(value))}")
        out.print(f"{'languages':>12}  {escape(', '.join(f'{key} {count}' for key, count in sorted(languages.items())))}")
        out.print(f"{'tier':>12}  {manifest.base.tier}")
        out.print(f"{'disk':>12}  {size / 2**20:.1f} MiB")
    table = Table("document", "title", "language", "characters", "passages", "added", box=None)
    table.columns[0].overflow = table.columns[1].overflow = "fold"
    for item in documents:
        row = (item.id, for_terminal(item.title), item.language, str(item.characters), str(item.passages), item.added)
        table.add_row(*map(escape, row))
    # In a file or pipe every document stays on its line.
    (out if out.is_terminal else Console(highlight=False, width=1000)).print(table)


def overview(
    document: Annotated[str | None, typer.Argument(help="The document's id; without it, all documents.")] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Write the overview to this file: .md, or .docx with footnotes.")] = None,
    collection: CollectionOption = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what documents are about, in their own words: main points, names, dates and figures, each with its place; as Markdown."""
    from rag.answering.contradiction_text import contradiction_values, contradictions_section
    from rag.answering.overview_paper import overview_paper
    from rag.answering.overview_text import overview_lines, overview_page
    from rag.export import word_document

    settings = load_settings(index)
    if to is not None and to.suffix.lower() not in (".md", ".docx"):
        raise BadSetting("error.overview_file", path=to)
    with Index.open(settings.index, open_embedder(settings), open_milvus(settings)) as opened:
        bot, chosen = Chatbot(opened), Filter(collections=tuple(collection or ()))
        found = bot.overview(document, filter=chosen)
        unlike = bot.contradictions(filter=chosen) if document is None else []
        about = {id: each.metadata for id, each in opened.infos(found.documents).items()}
    page = "\n".join(filter(None, (overview_page(found, settings.language), contradictions_section(unlike, settings.language))))
    if to is not None:
        is_word = to.suffix.lower() == ".docx"
        content = word_document(overview_paper(found, unlike, about, settings.language)) if is_word else page.encode()
        with write_atomically(to) as part:
            part.write_bytes(content)
    if as_json:
        print_json(
            {
                "documents": found.documents,
                "total": found.total,
                "title": found.title,
                **overview_lines(found),
                "contradictions": contradiction_values(unlike),
            }
        )
    elif to is None:
        out.print(escape(for_terminal(page)), end="")
    else:
        err.print(escape(for_terminal(str(to))))


def suggest(
    documents: Annotated[list[str] | None, typer.Argument(help="Ids of documents; without any, questions to begin with.")] = None,
    language: Annotated[str, typer.Option("--language", help="The language of the questions, where there are enough: ar, en.")] = "",
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many questions.")] = 3,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Suggest questions that the documents answer with a quotation. They are made once and kept with the index."""
    from rag.answering.suggestions import make_suggestions, models_of, next_document, opening_suggestions, suggestions_of

    settings = load_settings(index)
    bot, notices = open_chatbot(settings)
    print_notices(notices, settings.language)
    wanted = [id for id in documents or () if id]
    if missing := [id for id in wanted if not bot.index.infos([id])]:
        raise DocumentMissing("error.document_missing", name=missing[0], path=settings.index)
    made = set[str]()
    with question_bar(settings.language) as follow:
        while bot.reader is not None and (id := next_document(bot.index, models_of(bot), wanted)) is not None and id not in made:
            if wanted and id not in wanted:
                break
            made.add(id)  # where nothing can be written, it would be the next one again
            make_suggestions(bot, id, follow=lambda done, total: follow(done, total, ""))
    kept = suggestions_of(bot.index)
    chosen = {id: one for id, one in kept.items() if id in wanted} if wanted else kept
    found = opening_suggestions(chosen, language or settings.language, count)
    if as_json:
        print_json({"suggestions": found})
        return
    for one in found:
        out.print(escape(for_terminal(one.text)))
    if not found:
        out.print(escape(for_terminal(say("cli.no_suggestions", settings.language))))


def contradictions(collection: CollectionOption = None, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Show what documents state differently of the same matter: both quotations, each with its place; as Markdown."""
    from rag.answering.contradiction_text import contradiction_values, contradictions_section

    settings = load_settings(index)
    with Index.open(settings.index, open_embedder(settings), open_milvus(settings)) as opened:
        found = Chatbot(opened).contradictions(filter=Filter(collections=tuple(collection or ())))
    if as_json:
        print_json({"contradictions": contradiction_values(found)})
    else:
        page = contradictions_section(found, settings.language) or say("contradictions.none", settings.language) + "\n"
        out.print(escape(for_terminal(page)), end="")


def verify(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Check every row, vector and keyword of an index, and that nothing of removed documents is left."""
    settings = load_settings(index)
    with Index.open(settings.index, open_embedder(settings), open_milvus(settings)) as opened:
        faults = opened.verify()
        passages = opened.manifest().passages
    if as_json:
        print_json({"faults": [str(fault) for fault in faults], "passages": passages})
    else:
        _print_faults(faults, settings.language)
        if not faults:
            out.print(escape(for_terminal(say("cli.verified", settings.language, path=settings.index, passages=passages))))
    if faults:
        raise typer.Exit(6)


def repair(index: IndexOption = None, wait: WaitOption = 10.0, as_json: JsonOption = False) -> None:
    """Rebuild the damaged parts of an index that can be derived from intact ones."""
    from rag.storage.repair import repair_index

    settings = load_settings(index)
    embedder = open_embedder(settings)
    with step_bars(settings.language) as follow:
        report = repair_index(settings.index, embedder, wait=wait, progress=follow)
    if as_json:
        print_json({**plain(report), "found": [str(fault) for fault in report.found], "left": [str(fault) for fault in report.left]})
    else:
        _print_faults(report.found, settings.language)
        for name in report.lost:
            out.print(escape(for_terminal(say("cli.lost", settings.language, name=name))))
        text = say("cli.repaired", settings.language, path=settings.index, found=len(report.found), left=len(report.left))
        out.print(escape(for_terminal(text)))
    if report.left:
        raise typer.Exit(6)


def _print_faults(faults: Sequence[Fault], language: str) -> None:
    for fault in faults[:_MOST_FAULTS]:
        out.print(escape(for_terminal(say("cli.fault", language, fault=fault.text(language)))))
    if len(faults) > _MOST_FAULTS:
        out.print(escape(for_terminal(say("cli.more_faults", language, count=len(faults) - _MOST_FAULTS))))
