"""The command line: `shawahid` or `python -m rag`."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rag.answering.chatbot import Chatbot
from rag.cli.evaluation import calibrate, eval_app
from rag.config import ServerSettings, Settings
from rag.errors import BadSetting, ShawahidError
from rag.factory import open_chatbot, open_embedder, open_milvus
from rag.messages import say
from rag.models.catalogue import ModelEntry
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.torch_import import lean_torch
from rag.retrieval.index import Index
from rag.schema import Answer, Delta, Document, Evidence, Filter, Found, Passage, Span, Status, Turn
from rag.storage.build import BuildReport
from rag.storage.milvus.sync import MirrorReport
from rag.storage.verify import Fault
from rag.text.folding import nfc
from rag.text.terminal import for_terminal

app = typer.Typer(
    name="shawahid",
    help="Ask Arabic and English documents, and check the answer against its sources. Offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="List the models and download missing ones.", invoke_without_command=True)
app.add_typer(models_app, name="models")
app.add_typer(eval_app, name="eval")
app.command()(calibrate)

IndexOption = Annotated[Path | None, typer.Option("--index", help="The folder of the index.  [SHAWAHID_INDEX; index]")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
FolderArgument = Annotated[Path | None, typer.Argument(help="The folder of documents.  [SHAWAHID_DOCUMENTS; seeds]")]
PathsArgument = Annotated[list[Path], typer.Argument(help="Files.")]
UnderOption = Annotated[
    Path | None, typer.Option("--under", help="Name documents by their path in this folder.  [SHAWAHID_DOCUMENTS; else the file's name]")
]
WaitOption = Annotated[float, typer.Option("--wait", help="Seconds to wait for another writer.")]
DocumentOption = Annotated[list[str] | None, typer.Option("--document", help="Only this document; may be repeated.")]
LanguageOption = Annotated[list[str] | None, typer.Option("--language", help="Only passages in this language: ar, en; may be repeated.")]
CollectionOption = Annotated[list[str] | None, typer.Option("--collection", help="Only this folder; may be repeated.")]
SinceOption = Annotated[str, typer.Option("--since", help="Only documents of this day, month or year (ISO 8601) or later.")]
UntilOption = Annotated[str, typer.Option("--until", help="Only documents of this day, month or year or earlier.")]
WhereOption = Annotated[list[str] | None, typer.Option("--where", help="Only documents with FIELD=VALUE in their metadata.")]
QuestionArgument = Annotated[str, typer.Argument(help="The question, in Arabic or English.")]

_MOST_FAULTS = 50

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run a command. Errors are printed as a sentence, never a traceback; each kind has its exit code."""
    language = "ar" if os.environ.get("SHAWAHID_LANGUAGE") == "ar" else "en"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    lean_torch()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # in the C locale, or a pipe on Windows, Arabic could not be written
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app(standalone_mode=True)
    except ShawahidError as error:
        _fail(error, language)
    except SystemExit as ended:
        if ended.code == 130:  # typer's word for Ctrl-C
            err.print(escape(for_terminal(say("cli.interrupted", language), is_terminal=sys.stderr.isatty())))
        raise
    except BrokenPipeError:  # `shawahid search … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _fail(error: ShawahidError, language: str) -> NoReturn:
    err.print(f"[bold red]✗[/] {escape(for_terminal(error.text(language), is_terminal=sys.stderr.isatty()))}")
    sys.exit(error.exit_code)


def _settings(index: Path | None = None) -> Settings:
    settings = Settings.load()
    return dataclasses.replace(settings, index=index) if index else settings


def _notice(notices: tuple[ShawahidError | None, ...], language: str) -> None:
    for notice in notices:
        if notice is not None:
            text = for_terminal(notice.text(language), is_terminal=sys.stderr.isatty())
            err.print(f"[yellow]![/] {escape(text)}")


def _json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, ShawahidError):
        return str(value)
    return str(value) if isinstance(value, Path) else dict(value)


# --- building ------------------------------------------------------------------------------------------------------------


@app.command()
def build(
    folder: FolderArgument = None,
    index: IndexOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild the index from scratch.")] = False,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Index a folder of documents; only new and changed ones are embedded."""
    _sync(_settings(index), folder, rebuild, wait, as_json)


@app.command()
def sync(
    folder: FolderArgument = None,
    index: IndexOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep watching, and update whenever files change.")] = False,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Bring an index up to date with a folder, like `build`; with --watch, keep doing so."""
    settings = _settings(index)
    if not watch:
        _sync(settings, folder, False, wait, as_json)
        return
    from rag.storage.watch import watch_folder

    embedder = _embedder(settings)
    place = folder or settings.documents
    err.print(f"[dim]{escape(for_terminal(say('cli.watching', settings.language, folder=place)))}[/]")
    for event in watch_folder(place, settings.index, embedder, max_bytes=settings.max_file_mb * 2**20, ocr=settings.ocr):
        if isinstance(event, ShawahidError):
            err.print(f"[red]{escape(for_terminal(event.text(settings.language)))}[/]")
        else:
            _mirrored(settings)
            _print_report(event, settings, as_json)


@app.command()
def add(
    paths: PathsArgument,
    under: UnderOption = None,
    index: IndexOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Add files to an index; files already in it are refused."""
    from rag.storage.build import add_documents

    _put(add_documents, paths, under, _settings(index), wait, as_json)


@app.command()
def update(
    paths: PathsArgument,
    under: UnderOption = None,
    index: IndexOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Add files to an index, replacing those of the same name; only what changed is embedded."""
    from rag.storage.build import update_documents

    _put(update_documents, paths, under, _settings(index), wait, as_json)


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Names of documents, as `shawahid info` lists them.")],
    index: IndexOption = None,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Remove documents from an index, with every trace of them; the files stay."""
    from rag.storage.build import remove_documents

    settings = _settings(index)
    report = remove_documents(settings.index, names, wait=wait)
    _mirrored(settings)
    _print_report(report, settings, as_json)


@app.command()
def mirror(
    index: IndexOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Rebuild the collection, even if it was made for another index.")] = False,
    wait: WaitOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Bring the collection in Milvus (SHAWAHID_MILVUS) up to date with an index, as commands that change an index do by themselves."""
    settings = _settings(index)
    if not settings.milvus:
        raise BadSetting("error.milvus_address", value="")
    report = _mirrored(settings, replace=replace, wait=wait)
    if as_json:
        _json(report)
    elif report is not None:
        text = say(
            "cli.mirrored",
            settings.language,
            address=settings.milvus,
            **_plain(dataclasses.replace(report, seconds=round(report.seconds, 1))),
        )
        out.print(escape(for_terminal(text)))


def _mirrored(settings: Settings, *, replace: bool = False, wait: float = 600.0) -> MirrorReport | None:
    """Update the collection in Milvus, if there is one."""
    from rag.storage.milvus.sync import mirror_index

    milvus = open_milvus(settings)
    if milvus is None:
        return None
    try:
        with _progress(settings.language) as follow:
            return mirror_index(settings.index, milvus, replace=replace, wait=wait, progress=lambda done, all: follow("store", done, all))
    finally:
        milvus.close()


def _put(change: Callable[..., BuildReport], paths: list[Path], under: Path | None, settings: Settings, wait: float, as_json: bool) -> None:
    """Read the files and add or update them in the index."""
    documents = _documents(paths, under, settings)
    embedder = _embedder(settings)
    with _progress(settings.language) as follow:
        report = change(settings.index, documents, embedder, wait=wait, progress=follow)
    _mirrored(settings)
    _print_report(report, settings, as_json)


def _embedder(settings: Settings) -> SentenceTransformerEmbedder:
    """Return the embedder that the settings name; tell the user if another replaced it."""
    embedder, notice = open_embedder(settings)
    _notice((notice,), settings.language)
    return embedder


def _documents(paths: list[Path], under: Path | None, settings: Settings) -> list[Document]:
    """Return the files as documents, named by their path in the given folder, in that of the settings, or in their own.

    Pages that were left out are reported; a file that cannot be read ends the command before anything is written.
    """
    from rag.documents.load import Loader

    documents = []
    with Loader(settings.max_file_mb * 2**20, ocr=settings.ocr) as loader:
        for path in paths:
            place = (under or settings.documents).absolute()
            inside = path.absolute().is_relative_to(place)
            name = path.absolute().relative_to(place).as_posix() if inside else path.name
            document, notes = loader.read(path, nfc(name))
            documents.append(document)
            _skipped(notes, settings.language)
    return documents


def _skipped(errors: Iterable[ShawahidError], language: str) -> None:
    for error in errors:
        err.print(f"[yellow]![/] {escape(for_terminal(say('cli.skipped', language, reason=error.text(language))))}")


def _sync(settings: Settings, folder: Path | None, rebuild: bool, wait: float, as_json: bool) -> None:
    from rag.storage.build import build_index

    embedder = _embedder(settings)
    with _progress(settings.language) as follow:
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
    _mirrored(settings)
    _print_report(report, settings, as_json)


@contextmanager
def _progress(language: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show progress bars in a terminal."""
    labels = {"load": say("cli.loading", language), "embed": say("cli.embedding", language), "store": say("cli.storing", language)}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks = {step: bar.add_task(for_terminal(label, is_terminal=True), total=None, visible=False) for step, label in labels.items()}

        def follow(step: str, done: int, total: int) -> None:
            bar.update(tasks[step], completed=done, total=total or None, visible=True)

        yield follow


def _print_report(report: BuildReport, settings: Settings, as_json: bool) -> None:
    language = settings.language
    if as_json:
        _json(report)
        return
    _skipped((item.error for item in report.skipped), language)
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


@app.command()
def info(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Show what is in an index."""
    from rich.table import Table

    from rag.storage.database import DATABASE, Store

    settings = _settings(index)
    store = Store(settings.index / DATABASE)
    manifest, documents, languages = store.manifest(), store.documents(), store.languages()
    size = sum(path.stat().st_size for path in settings.index.iterdir() if path.is_file())
    store.close()
    if as_json:
        tier = manifest.base.tier if manifest is not None else None
        _json({"manifest": manifest, "tier": tier, "documents": documents, "languages": languages, "bytes": size})
        return
    if manifest is not None:
        for name, value in _plain(manifest).items():
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


@app.command()
def verify(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Check every row, vector and keyword of an index, and that nothing of removed documents is left."""
    settings = _settings(index)
    with Index.open(settings.index, _embedder(settings), open_milvus(settings)) as opened:
        faults = opened.verify()
        passages = opened.manifest().passages
    if as_json:
        _json({"faults": [str(fault) for fault in faults], "passages": passages})
    else:
        _print_faults(faults, settings.language)
        if not faults:
            out.print(escape(for_terminal(say("cli.verified", settings.language, path=settings.index, passages=passages))))
    if faults:
        raise typer.Exit(6)


@app.command()
def repair(index: IndexOption = None, wait: WaitOption = 10.0, as_json: JsonOption = False) -> None:
    """Rebuild the damaged parts of an index that can be derived from intact ones."""
    from rag.storage.repair import repair_index

    settings = _settings(index)
    embedder = _embedder(settings)
    with _progress(settings.language) as follow:
        report = repair_index(settings.index, embedder, wait=wait, progress=follow)
    if as_json:
        _json({**_plain(report), "found": [str(fault) for fault in report.found], "left": [str(fault) for fault in report.left]})
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


# --- asking --------------------------------------------------------------------------------------------------------------


@app.command()
def search(
    question: QuestionArgument,
    k: Annotated[int, typer.Option("-k", help="How many passages.")] = 5,
    offset: Annotated[int, typer.Option("--offset", help="Skip this many of the best passages, for the next page.")] = 0,
    document: DocumentOption = None,
    passages_in: LanguageOption = None,
    collection: CollectionOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    where: WhereOption = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages nearest to a question."""
    settings = _settings(index)
    chosen = _filter(document, passages_in, collection, since, until, where)
    with Index.open(settings.index, _embedder(settings), open_milvus(settings)) as opened:
        hits = opened.search(question, k, offset=offset, filter=chosen)
        evidence = opened.evidence(question, hits, len(hits))
    if as_json:
        _json({"question": question, "hits": hits, "evidence": evidence})
        return
    if not hits:
        out.print(for_terminal(say("cli.nothing_found", settings.language)))
    best = {item.passage.id: item for item in reversed(evidence)}
    for hit in hits:
        found = best.get(hit.passage.id)
        _print_source(hit.rank, hit.passage, found.span if found else None)


@app.command()
def ask(
    question: QuestionArgument,
    document: DocumentOption = None,
    passages_in: LanguageOption = None,
    collection: CollectionOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    where: WhereOption = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question, with numbered sources."""
    settings = _settings(index)
    chosen = _filter(document, passages_in, collection, since, until, where)
    bot, notices = open_chatbot(settings)
    _notice(notices, settings.language)
    _warm(bot)
    if as_json:
        _json(bot.ask(question, filter=chosen))
        return
    _print_stream(bot.stream(question, filter=chosen), settings.language)


def _filter(
    documents: list[str] | None,
    languages: list[str] | None,
    collections: list[str] | None,
    since: str,
    until: str,
    where: list[str] | None,
) -> Filter | None:
    """Return the options of a search as a filter. Raises BadSetting for a field without a value, or an invalid date."""
    from rag.documents.metadata import day_limits

    day_limits(since, until)  # before a model is loaded
    fields: dict[str, list[str]] = {}
    for condition in where or ():
        name, equals, value = condition.partition("=")
        if not (name.strip() and equals):
            raise BadSetting("error.where", value=condition)
        fields.setdefault(name.strip(), []).append(value)
    found = Filter(
        documents=tuple(documents) if documents else None,
        languages=tuple(languages or ()),
        collections=tuple(collections or ()),
        since=since,
        until=until,
        metadata=fields,
    )
    return found or None


def _warm(bot: Chatbot) -> None:
    """Load both models at the same time, while the question is being typed or searched for."""

    def work() -> None:
        with suppress(ShawahidError):  # the question that needs what failed reports it
            bot.warm()

    threading.Thread(target=work, name="shawahid-open").start()


@app.command()
def chat(index: IndexOption = None) -> None:
    """Ask questions one after another, including follow-ups."""
    settings = _settings(index)
    bot, notices = open_chatbot(settings)
    _notice(notices, settings.language)
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
            answer = _print_stream(bot.stream(question, history), settings.language)
        except ShawahidError as error:
            err.print(f"[red]{escape(for_terminal(error.text(settings.language)))}[/]")
            continue
        history.append(Turn(answer.searched, answer.text))


# --- serving -------------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    index: IndexOption = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.  [SHAWAHID_HOST; 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; 0 picks a free one.  [SHAWAHID_PORT; 7860]")] = None,
    window: Annotated[bool, typer.Option("--window/--no-window", help="The chat window next to the API.")] = True,
) -> None:
    """Serve the API, the tools and the chat window on one port."""
    from rag.server import serve_settings

    settings = _settings(index)
    changed: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = dataclasses.replace(settings, **changed)

    def ready(address: str) -> None:
        err.print(escape(for_terminal(say("server.serving", settings.language, address=address), is_terminal=err.is_terminal)))

    serve_settings(settings, ServerSettings.load(), window=window, ready=ready)


@app.command()
def mcp(index: IndexOption = None) -> None:
    """Run a tool server over stdio (Model Context Protocol), to be started by another program."""
    from rag.server.tools import available, tools
    from rag.service.service import Service

    if not available():
        raise BadSetting("error.mcp_extra")
    settings = _settings(index)
    service = Service(lambda: open_chatbot(settings))
    service.start()
    tools(service).run("stdio")


def _print_stream(events: Any, language: str) -> Answer:
    """Show the draft as it is written on a terminal, then the checked answer with its sources."""
    live = out.is_terminal
    written = ""
    for event in events:
        if isinstance(event, Found) and event.question and live:
            err.print("[dim]…[/]", end="\r")
        elif isinstance(event, Delta) and live:
            written += event.text
            # The draft is a preview on one line; right-to-left text can't be laid out before its line is complete.
            err.print(f"[dim]{escape(for_terminal(' '.join(written.split())[-(out.width - 4) :]))}[/]", end="\r", soft_wrap=False)
        elif isinstance(event, Answer):
            if live:
                err.print(" " * (out.width - 1), end="\r")
            _print_answer(event, language)
            return event
    raise AssertionError("a stream ends with an answer")


def _print_answer(answer: Answer, language: str) -> None:
    if answer.searched != answer.question:
        out.print(f"[dim]{escape(for_terminal(say('cli.rewritten', language, question=answer.searched)))}[/]")
    out.print(escape(for_terminal(answer.text)))
    first = answer.timing.first_token if answer.timing.first_token is not None else answer.timing.total
    timing = say("cli.timing", language, first=f"{first:.1f}", total=f"{answer.timing.total:.1f}")
    out.print(f"[dim]{escape(for_terminal(_standing(answer, language)))} · {escape(for_terminal(timing))}[/]")
    passages = {hit.passage.id: hit.passage for hit in answer.hits}
    if answer.citations:
        out.print(f"\n[bold]{escape(for_terminal(say('cli.sources', language)))}[/]")
        shown: set[int] = set()
        for citation in answer.citations:
            if citation.number not in shown:
                shown.add(citation.number)
                _print_source(citation.number, passages[citation.passage_id], citation.span)
    elif answer.status is Status.NO_EVIDENCE and answer.evidence:
        out.print(f"\n[bold]{escape(for_terminal(say('cli.nearest', language)))}[/]")
        for number, item in enumerate(_first_per_passage(answer.evidence)[:2], start=1):
            _print_source(number, item.passage, item.span)


def _standing(answer: Answer, language: str) -> str:
    if answer.status is Status.NO_EVIDENCE:
        return say("cli.declined", language)
    if answer.status is Status.UNSUPPORTED:
        return say("cli.quoted", language)
    if answer.status is Status.STOPPED:
        return say("cli.stopped", language)
    return say("cli.partly", language, count=len(answer.rejected)) if answer.rejected else say("cli.proved", language)


def _first_per_passage(evidence: tuple[Evidence, ...]) -> list[Evidence]:
    first: dict[int, Evidence] = {}
    for item in evidence:
        first.setdefault(item.passage.id, item)
    return list(first.values())


def _print_source(number: int, passage: Passage, span: Span | None) -> None:
    """Print one numbered source with its supporting sentence marked: in colour on a terminal, between »« elsewhere."""
    where = " · ".join(part for part in (passage.title, passage.document_id, passage.locator) if part)
    out.print(f"\n[bold][{number}][/] {escape(for_terminal(where))}")
    if span is None:
        out.print(f"  {escape(for_terminal(' '.join(passage.text.split())))}")
        return
    before = passage.text[: span.start - passage.span.start]
    after = passage.text[span.end - passage.span.start :]
    for part, marked in ((before, False), (passage.quote(span), True), (after, False)):
        line = " ".join(part.split())
        if not line:
            continue
        if marked:
            opened, closed = ("[black on bright_yellow]", "[/]") if out.is_terminal else ("»", "«")
            out.print(f"  {opened}{escape(for_terminal(line))}{closed}")
        else:
            out.print(f"  [dim]{escape(for_terminal(line))}[/]")


# --- models and this machine ---------------------------------------------------------------------------------------------


@models_app.callback()
def models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the models of the catalogue and their state on this machine."""
    if context.invoked_subcommand:
        return
    from rag.cli.doctor import model_lines, render_models
    from rag.models.installed import profile

    settings = _settings()
    lines = model_lines(profile(settings.profile))
    if as_json:
        _json(lines)
    else:
        render_models(lines, settings.language, out)


@models_app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="A name from `shawahid models`.")],
    accept_terms: Annotated[bool, typer.Option("--accept-terms", help="Accept the model's terms without being asked.")] = False,
) -> None:
    """Download a model, or continue an interrupted download; verify it and put it in place."""
    from rag.models.installed import catalogue, get

    settings = _settings()

    def consent(entry: ModelEntry) -> bool:
        text = say("cli.accept", settings.language, name=entry.name, licence=entry.licence, terms=entry.terms)
        return sys.stdin.isatty() and typer.confirm(text)

    if name in catalogue() and accept_terms and catalogue()[name].consent:
        entry = catalogue()[name]
        out.print(f"{entry.name}: {entry.licence}, {entry.terms}")
    path = _with_download_bar(lambda follow: get(name, accept_terms=accept_terms or consent, progress=follow))
    out.print(escape(for_terminal(say("cli.fetched", settings.language, name=name, path=path))))


def _with_download_bar(work: Callable[[Callable[[int, int, str], None]], Path]) -> Path:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return work(lambda done, total, what: bar.update(task, completed=done, total=total or None, description=what))


@app.command()
def doctor(
    index: IndexOption = None,
    deep: Annotated[bool, typer.Option("--deep", help="Compare every model file's hash; reads gigabytes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is installed, which models are complete, and what to do about what is missing."""
    from rag.cli.doctor import examine, render

    settings = _settings(index)
    report = examine(
        profile_name=settings.profile,
        generator="" if settings.generator == "none" else settings.generator,
        embedder=settings.embedder,
        index=settings.index,
        documents=str(settings.documents),
        deep=deep,
    )
    if as_json:
        _json({"ok": report.ok, **_plain(report)})
    else:
        render(report, settings.language, out)
    if not report.ok:
        raise typer.Exit(report.exit_code)
