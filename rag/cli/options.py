"""Options and arguments that several commands take, and a way for commands to share a group of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.errors import BadSetting
from rag.schema import Filter

IndexOption = Annotated[Path | None, typer.Option("--index", help="The folder of the index.  [SHAWAHID_INDEX; index]")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
FolderArgument = Annotated[
    Path | None,
    typer.Argument(
        help="PDF, Word, Excel, PowerPoint, OpenDocument, RTF, HTML, EPUB, CSV, JSON, text, mail, ZIP.  [SHAWAHID_DOCUMENTS; seeds]"
    ),
]
FilesArgument = Annotated[list[str], typer.Argument(help="Files, and addresses of web pages (https://…), which are fetched once.")]
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


def grouped(name: str, group: Callable[..., object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that replaces a command's parameter `name` by the parameters of `group`; the command gets what `group` returns
    for them."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own, shared = inspect.signature(command, eval_str=True), inspect.signature(group, eval_str=True).parameters
        parameters = [part for one in own.parameters.values() for part in (shared.values() if one.name == name else (one,))]

        @wraps(command)
        def run(**given: Any) -> None:
            options = {option: given.pop(option) for option in shared}
            command(**given, **{name: group(**options)})

        run.__dict__["__signature__"] = own.replace(parameters=parameters)
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def search_filter(
    document: DocumentOption = None,
    language: LanguageOption = None,
    collection: CollectionOption = None,
    since: SinceOption = "",
    until: UntilOption = "",
    where: WhereOption = None,
) -> Filter | None:
    """Return the options of a search as a filter. Raises BadSetting for a field without a value, or an invalid date."""
    from rag.documents.filter_values import day_limits

    day_limits(since, until)  # before a model is loaded
    fields: dict[str, list[str]] = {}
    for condition in where or ():
        field, equals, value = condition.partition("=")
        if not (field.strip() and equals):
            raise BadSetting("error.where", value=condition)
        fields.setdefault(field.strip(), []).append(value)
    found = Filter(
        documents=tuple(document) if document else None,
        languages=tuple(language or ()),
        collections=tuple(collection or ()),
        since=since,
        until=until,
        metadata=fields,
    )
    return found or None
