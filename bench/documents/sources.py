"""The real pages: where each is published, and how to fetch it. The repository has only the list and the checked excerpts.

`sources.jsonl` has one line per document: id, repository, commit, path, sha256, the repository's licence if it names one, and the
pages of a long PDF that are read. `gold/ID.json` holds its true content.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.documents.scores import Gold, gold_from

HERE = Path(__file__).parent
SETTING = "SHAWAHID_BENCH_DOCUMENTS"
"""The environment variable that names a folder with copies of the documents, each under its id and suffix. Without it, or without the
file there, they are fetched from the public git host."""
_HOST = "https://raw.githubusercontent.com"
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A document that could not be fetched, and why."""

    id: str
    reason: str


def sources(path: Path = HERE / "sources.jsonl") -> list[dict[str, Any]]:
    """Return the list of real documents."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def real_pages(
    folder: Path, listed: Sequence[Mapping[str, Any]] | None = None, golds: Path = HERE / "gold"
) -> Iterator[Gold | Unavailable]:
    """Fetch every real document into a folder; yield its gold, or the reason why it is missing. A file whose hash differs from the list is
    not used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources() if listed is None else listed:
        suffix = Path(source["path"]).suffix.lower()
        target = folder / f"{source['id']}{suffix}"
        try:
            data = _bytes(source, target)
            if (found := hashlib.sha256(data).hexdigest()) != source["sha256"]:
                yield Unavailable(source["id"], f"its content has changed (SHA-256 {found[:12]}…)")
                continue
            if "pages" in source:
                data = pages_of(data, source["pages"])
            (folder / f"{source['id']}{suffix}").write_bytes(data)
            gold = json.loads((golds / f"{source['id']}.json").read_text(encoding="utf-8"))
            yield gold_from({"id": source["id"], "file": target.name, "made": False, **gold})
        except (OSError, urllib.error.URLError) as error:
            yield Unavailable(source["id"], f"{type(error).__name__}: {error}")


def _bytes(source: Mapping[str, Any], target: Path) -> bytes:
    """Return the document, from the folder of copies, from an earlier run, or from the public git host. Raises OSError."""
    original = target.with_name(f"{source['id']}.original{target.suffix}")
    copies = os.environ.get(SETTING)
    if copies and (path := Path(copies, target.name)).is_file():
        return path.read_bytes()
    if original.is_file():
        return original.read_bytes()
    address = f"{_HOST}/{source['repository']}/{source['commit']}/{urllib.parse.quote(source['path'])}"
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
        data: bytes = answer.read()
    original.write_bytes(data)
    return data


def pages_of(data: bytes, wanted: Sequence[int]) -> bytes:
    """Return a PDF of the given pages (from 1) of another one."""
    import pypdfium2

    source, made = pypdfium2.PdfDocument(data), pypdfium2.PdfDocument.new()
    made.import_pages(source, [page - 1 for page in wanted])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
