"""Fetch the sets of `sources.toml`, and the documents that the questions of `questions/` are about, from public git hosting, each at its
commit, and check them.

    python -m training.fetch --data DIR
    python -m training.fetch --data DIR --kinds    # only the documents of questions/kinds, which nothing is trained on

What is already there and whole is not fetched again. A set whose licence is not allowed, or whose files differ from the digest,
ends the run with an error.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx

SOURCES = Path(__file__).with_name("sources.toml")
DOCUMENTS = Path(__file__).parent / "questions/documents.jsonl"
BY_KIND = Path(__file__).parent / "questions/kinds/documents.jsonl"
ARCHIVE = "https://codeload.github.com/{repository}/tar.gz/{commit}"


class Refused(Exception):
    """A set that may not be used, or is not what it was."""


def allowed(sources: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The sets whose licence the table allows. Raises Refused for any other: nothing is left out in silence."""
    licences = sources["licences"]
    for name, source in sources["sources"].items():
        if not licences.get(source["licence"], False):
            raise Refused(f"{name}: the licence {source['licence']!r} is not allowed")
    return dict(sources["sources"])


def pattern(glob: str) -> re.Pattern[str]:
    """What matches the paths of a glob: `*` and `[…]` within a folder, `**/` across folders."""
    pieces = re.split(r"(\*\*/|\*|\[[^]]*\])", glob)
    known = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(known.get(piece, piece if piece.startswith("[") else re.escape(piece)) for piece in pieces))


def digest(folder: Path, globs: Iterable[str]) -> tuple[int, str]:
    """The number of a folder's files that match, and the SHA-256 over their paths and SHA-256s in order."""
    patterns = [pattern(glob) for glob in globs]
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    found = hashlib.sha256()
    count = 0
    for path in paths:
        if any(p.fullmatch(path) for p in patterns):
            found.update(path.encode() + b"\0" + hashlib.sha256((folder / path).read_bytes()).digest())
            count += 1
    return count, found.hexdigest()


def unpack(archive: bytes, globs: Iterable[str], folder: Path) -> None:
    """Write the matching plain files of a repository's archive, without the folder that holds them all."""
    patterns = [pattern(glob) for glob in globs]
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            path = member.name.partition("/")[2]
            if not member.isfile() or ".." in Path(path).parts or not any(p.fullmatch(path) for p in patterns):
                continue
            content = tar.extractfile(member)
            if content is not None:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())


def fetch(data: Path, only: Iterable[str] = (), listed: Path = SOURCES) -> None:
    """Bring every set of a list (or those named) into `data`, a folder for each. The licences allowed are those of `sources.toml`.
    Raises Refused."""
    wanted = set(only)
    licences = tomllib.loads(SOURCES.read_text("utf-8"))["licences"]
    for name, source in allowed({"licences": licences, "sources": tomllib.loads(listed.read_text("utf-8"))["sources"]}).items():
        if wanted and name not in wanted:
            continue
        folder, whole = data / name, (source["count"], source["digest"])
        if folder.is_dir() and digest(folder, source["files"]) == whole:
            continue
        answer = httpx.get(ARCHIVE.format_map(source), follow_redirects=True, timeout=600)
        answer.raise_for_status()
        unpack(answer.content, source["files"], folder)
        if digest(folder, source["files"]) != whole:
            raise Refused(f"{name}: the files are not those that were looked at (digest differs)")
        print(f"{name}: {source['count']} files, {source['licence']}")


def fetch_documents(folder: Path, listed: Path = DOCUMENTS, *, trained_on: bool = True) -> None:
    """Bring the documents of a list into a folder, under the names of the list. Raises Refused, also for the licence of a document that is
    to be trained on."""
    licences = tomllib.loads(SOURCES.read_text("utf-8"))["licences"]
    missing: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in listed.read_text("utf-8").splitlines():
        one = json.loads(line)
        if trained_on and not licences.get(one["licence"], False):
            raise Refused(f"{one['file']}: the licence {one['licence']!r} is not allowed")
        path = folder / one["file"]
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != one["sha256"]:
            missing.setdefault((one["repository"], one["commit"]), []).append(one)
    for (repository, commit), wanted in missing.items():
        answer = httpx.get(ARCHIVE.format(repository=repository, commit=commit), follow_redirects=True, timeout=600)
        answer.raise_for_status()
        keep_documents(answer.content, wanted, folder)
        print(f"{repository}: {len(wanted)} documents")


def keep_documents(archive: bytes, wanted: Iterable[Mapping[str, Any]], folder: Path) -> None:
    """Write the documents wanted from a repository's archive; of one with `lines` (first and last, from 1) only these, without the space
    around them, of one with `units` the Arabic side of a translation memory from the first to the last of them. Raises Refused for one that
    is not what it was, or is not there."""
    by_path: dict[str, list[Mapping[str, Any]]] = {}
    for one in wanted:
        by_path.setdefault(one["path"], []).append(one)
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        for member in tar:
            wanted_here = by_path.pop(member.name.partition("/")[2], ())
            content = tar.extractfile(member) if wanted_here else None
            whole = content.read() if content is not None else b""
            for one in wanted_here:
                data = whole
                if "lines" in one:
                    first, last = one["lines"]
                    data = "".join(line.strip() + "\n" for line in data.decode().split("\n")[first - 1 : last]).encode()
                if "units" in one:
                    data = arabic_segments(data, *one["units"])
                if hashlib.sha256(data).hexdigest() != one["sha256"]:
                    raise Refused(f"{one['file']}: the file is not the one that was read (SHA-256 differs)")
                (folder / one["file"]).write_bytes(data)
    if by_path:
        raise Refused(f"{next(iter(by_path))}: not in the archive of its repository")


def arabic_segments(archive: bytes, first: str, last: str) -> bytes:
    """Return the Arabic segments of a zipped translation memory (TMX), from the unit `first` to the unit `last`, a paragraph each."""
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        root = ElementTree.fromstring(zipped.read(zipped.namelist()[0]))
    found: list[str] = []
    for unit in root.iter("tu"):
        if found or unit.get("tuid") == first:
            segments = unit.findall("tuv[@{http://www.w3.org/XML/1998/namespace}lang='ar']/seg")
            found.append(segments[0].text or "" if segments else "")
        if unit.get("tuid") == last:
            break
    return ("\n\n".join(found) + "\n").encode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--kinds", action="store_true", help="only the documents of the questions by kind")
    options = parser.parse_args()
    try:
        if options.kinds:
            fetch_documents(options.data / "kinds", BY_KIND, trained_on=False)
        else:
            fetch(options.data, options.only)
            fetch_documents(options.data / "written")
    except Refused as refused:
        sys.exit(str(refused))
