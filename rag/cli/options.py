"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
