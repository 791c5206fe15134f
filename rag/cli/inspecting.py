"""`shawahid info`, `overview`, `verify`, `repair`: what is in an index, and whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rag.answering.chatbot import Chatbot
from rag.cli.console import load_settings, open_embedder, out, plain, print_json, step_bars
from rag.cli.options import CollectionOption, IndexOption, JsonOption, WaitOption
from rag.factory import open_milvus
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
    collection: CollectionOption = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what documents are about, in their own words: main points, names, dates and figures, each with its place; as Markdown."""
    from rag.answering.overview_text import overview_lines, overview_page

    settings = load_settings(index)
    with Index.open(settings.index, open_embedder(settings), open_milvus(settings)) as opened:
        found = Chatbot(opened).overview(document, filter=Filter(collections=tuple(collection or ())))
    if as_json:
        print_json({"documents": found.documents, "total": found.total, "title": found.title, **overview_lines(found)})
    else:
        out.print(escape(for_terminal(overview_page(found, settings.language))), end="")


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
