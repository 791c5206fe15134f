"""`shawahid build`, `sync`, `add`, `update`, `remove`, `mirror`: what changes an index."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from rag.cli.console import err, load_settings, open_embedder, out, plain, print_json, step_bars
from rag.cli.options import FilesArgument, FolderArgument, IndexOption, JsonOption, UnderOption, WaitOption, grouped
from rag.config import Settings
from rag.errors import BadSetting, ShawahidError
from rag.factory import open_milvus
from rag.messages import say
from rag.schema import Document
from rag.storage.build import BuildReport
from rag.storage.milvus.sync import MirrorReport
from rag.text.folding import nfc
from rag.text.terminal import for_terminal


def build(
    folder: FolderArgument = None,
    index: IndexOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild the index from scratch.")] = False,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Index a folder of documents; only new and changed ones are embedded."""
    _build(load_settings(index), folder, rebuild, wait, as_json)


def sync(
    folder: FolderArgument = None,
    index: IndexOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep watching, and update whenever files change.")] = False,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Bring an index up to date with a folder, like `build`; with --watch, keep doing so."""
    settings = load_settings(index)
    if not watch:
        _build(settings, folder, False, wait, as_json)
        return
    from rag.storage.watch import watch_folder

    embedder = open_embedder(settings)
    place = folder or settings.documents
    err.print(f"[dim]{escape(for_terminal(say('cli.watching', settings.language, folder=place)))}[/]")
    for event in watch_folder(place, settings.index, embedder, max_bytes=settings.max_file_mb * 2**20, ocr=settings.ocr):
        if isinstance(event, ShawahidError):
            err.print(f"[red]{escape(for_terminal(event.text(settings.language)))}[/]")
        else:
            follow_in_milvus(settings)
            _print_report(event, settings, as_json)


@dataclass(frozen=True, slots=True)
class _Files:
    """Files to put into an index, and how."""

    files: FilesArgument
    under: UnderOption = None
    index: IndexOption = None
    wait: WaitOption = 10.0
    as_json: JsonOption = False


@grouped("given", _Files)
def add(given: _Files) -> None:
    """Add files and web pages to an index; those already in it are refused."""
    from rag.storage.build import add_documents

    _put(add_documents, given)


@grouped("given", _Files)
def update(given: _Files) -> None:
    """Add files and web pages to an index, replacing those of the same name; only what changed is embedded."""
    from rag.storage.build import update_documents

    _put(update_documents, given)


def remove(
    names: Annotated[list[str], typer.Argument(help="Names of documents, as `shawahid info` lists them.")],
    index: IndexOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Remove documents from an index, with every trace of them; the files stay."""
    from rag.storage.build import remove_documents

    settings = load_settings(index)
    report = remove_documents(settings.index, names, wait=wait)
    follow_in_milvus(settings)
    _print_report(report, settings, as_json)


def import_store(
    source: Annotated[
        Path, typer.Argument(metavar="STORE", help="A folder of Chroma or LanceDB, or an export: JSON, JSONL, Parquet, Arrow.")
    ],
    collection: Annotated[str, typer.Option("--collection", help="The collection or table, if there are several.")] = "",
    text_field: Annotated[str, typer.Option("--text-field", help="The field with the text.  [found by its name]")] = "",
    document_field: Annotated[str, typer.Option("--document-field", help="Join the records with the same value in this field.")] = "",
    order_field: Annotated[str, typer.Option("--order-field", help="Join them in the order of the numbers in this field.")] = "",
    index: IndexOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Add the texts and metadata of another vector store to an index, replacing those of an earlier import; they are embedded again."""
    from rag.storage.build import update_documents
    from rag.storage.other_stores import read_other_store

    settings = load_settings(index)
    documents = read_other_store(
        source, collection=collection, text_field=text_field, document_field=document_field, order_field=order_field
    )
    embedder = open_embedder(settings)
    with step_bars(settings.language) as follow:
        report = update_documents(settings.index, documents, embedder, wait=wait, progress=follow)
    follow_in_milvus(settings)
    _print_report(report, settings, as_json)


def export(
    path: Annotated[Path, typer.Argument(help="The Parquet file to write.")],
    index: IndexOption = None,
    vectors: Annotated[bool, typer.Option("--vectors/--no-vectors", help="With the vector of each passage.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write the passages of an index, with their metadata and vectors, to a Parquet file."""
    from rag.storage.parquet import export_parquet

    settings = load_settings(index)
    count = export_parquet(settings.index, path, vectors=vectors)
    if as_json:
        print_json({"path": path, "passages": count})
    else:
        out.print(escape(for_terminal(say("cli.exported", settings.language, path=path, count=count))))


def mirror(
    index: IndexOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Rebuild the collection, even if it was made for another index.")] = False,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Bring the collection in Milvus (SHAWAHID_MILVUS) up to date with an index, as commands that change an index do by themselves."""
    settings = load_settings(index)
    if not settings.milvus:
        raise BadSetting("error.milvus_address", value="")
    report = follow_in_milvus(settings, replace=replace, wait=wait)
    if as_json:
        print_json(report)
    elif report is not None:
        text = say(
            "cli.mirrored",
            settings.language,
            address=settings.milvus,
            **plain(dataclasses.replace(report, seconds=round(report.seconds, 1))),
        )
        out.print(escape(for_terminal(text)))


def follow_in_milvus(settings: Settings, *, replace: bool = False, wait: float = 600.0) -> MirrorReport | None:
    """Update the collection in Milvus, if there is one."""
    from rag.storage.milvus.sync import mirror_index

    milvus = open_milvus(settings)
    if milvus is None:
        return None
    try:
        with step_bars(settings.language) as follow:
            return mirror_index(settings.index, milvus, replace=replace, wait=wait, progress=lambda done, all: follow("store", done, all))
    finally:
        milvus.close()


def _put(change: Callable[..., BuildReport], given: _Files) -> None:
    """Read the files and add or update them in the index."""
    settings = load_settings(given.index)
    documents = _documents(given.files, given.under, settings)
    embedder = open_embedder(settings)
    with step_bars(settings.language) as follow:
        report = change(settings.index, documents, embedder, wait=given.wait, progress=follow)
    follow_in_milvus(settings)
    _print_report(report, settings, given.as_json)


def _documents(files: list[str], under: Path | None, settings: Settings) -> list[Document]:
    """Return files and web pages as documents, files named by their path in the given folder, in that of the settings, or in their own.

    Pages that were left out are reported; a file that cannot be read ends the command before anything is written.
    """
    from rag.documents.load import Loader
    from rag.documents.web import fetch_page, is_web_address

    documents: list[Document] = []
    max_bytes = settings.max_file_mb * 2**20
    with Loader(max_bytes, ocr=settings.ocr) as loader:
        for file in files:
            if is_web_address(file):
                page = fetch_page(file, max_bytes)
                found, notes = loader.read_bytes(page.data, page.name, page.metadata)
            else:
                path = Path(file)
                place = (under or settings.documents).absolute()
                inside = path.absolute().is_relative_to(place)
                name = path.absolute().relative_to(place).as_posix() if inside else path.name
                found, notes = loader.read(path, nfc(name))
            documents += found
            _skipped(notes, settings.language)
    return documents


def _skipped(errors: Iterable[ShawahidError], language: str) -> None:
    for error in errors:
        err.print(f"[yellow]![/] {escape(for_terminal(say('cli.skipped', language, reason=error.text(language))))}")


def _build(settings: Settings, folder: Path | None, rebuild: bool, wait: float, as_json: bool) -> None:
    from rag.storage.build import build_index

    embedder = open_embedder(settings)
    with step_bars(settings.language) as follow:
        report = build_index(
            folder or settings.documents,
            settings.index,
            embedder,
            rebuild=rebuild,
            max_bytes=settings.max_file_mb * 2**20,
            ocr=settings.ocr,
            wait=wait,
            progress=follow,
        )
    follow_in_milvus(settings)
    _print_report(report, settings, as_json)


def _print_report(report: BuildReport, settings: Settings, as_json: bool) -> None:
    language = settings.language
    if as_json:
        print_json(report)
        return
    _skipped((item.error for item in report.skipped), language)
    for item in report.repeated:
        err.print(f"[yellow]![/] {escape(for_terminal(item.note.text(language)))}")
    text = say(
        "cli.built",
        language,
        path=settings.index,
        documents=report.documents,
        passages=report.passages,
        sentences=report.sentences,
        added=report.added,
        updated=report.updated,
        removed=report.removed,
        unchanged=report.unchanged,
        seconds=f"{report.seconds:.1f}",
    )
    out.print(escape(for_terminal(text)))
