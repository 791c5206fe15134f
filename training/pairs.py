"""Build the English–Arabic pairs that the translator is trained on.

    python -m training.pairs --data DIR --out pairs.jsonl [--held held.jsonl]

Fetches the sources of `pairs.toml`, aligns what belongs together (pages by their structure, tables of texts by key, lists of lines and
rows as they stand), filters the pairs and draws as many of each source as its `most` says. The pairs of `questions/translations.jsonl`,
which were written for this project, are added; those marked `aside` are for measuring and go to `--held` alone. A line of the output has
`en`, `ar` and `source`. The same files give the same pairs in the same order.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from training.align import Pair, clean, fits, flat, keyed_pairs, markdown, page_pairs, web_page
from training.cldr import cldr_pairs
from training.fetch import DOCUMENTS, Refused, fetch

LISTED = Path(__file__).with_name("pairs.toml")
WRITTEN = Path(__file__).parent / "questions/translations.jsonl"


class Aside:
    """What is held aside to measure the reader on: the names of files by owner, and the lines of files that are used in part."""

    def __init__(self, listed: Path = DOCUMENTS) -> None:
        self._files: set[tuple[str, str]] = set()
        self._lines: dict[tuple[str, str], set[int]] = {}
        for one in map(json.loads, listed.read_text("utf-8").splitlines()):
            if one.get("aside") and "lines" in one:
                first, last = one["lines"]
                self._lines.setdefault((one["repository"], one["path"]), set()).update(range(first, last + 1))
            elif one.get("aside"):
                self._files.add((_owner(one["repository"]), Path(one["path"]).name))

    def has(self, repository: str, path: str) -> bool:
        """Return whether a file is held aside; its translation has the same name, perhaps in another repository of the owner."""
        return (_owner(repository), Path(path).name) in self._files

    def lines(self, repository: str, path: str) -> set[int]:
        """Return the numbers of the lines of a file that are held aside, from 1."""
        return self._lines.get((repository, path), set())


def _owner(repository: str) -> str:
    return repository.partition("/")[0]


def twins(arabic: Path, english: Path, rules: Sequence[Sequence[str]]) -> Iterator[tuple[Path, Path]]:
    """Yield the English and the Arabic file of each that is in both folders. A rule has a pattern of Arabic paths and what the English path
    is; names may differ in `-` and `_`."""
    known = {_loose(path.relative_to(english).as_posix()): path for path in english.rglob("*") if path.is_file()}
    for path in sorted(path for path in arabic.rglob("*") if path.is_file()):
        for pattern, replacement in rules:
            match = re.fullmatch(pattern, path.relative_to(arabic).as_posix())
            if match and (twin := known.get(_loose(match.expand(replacement)))):
                yield twin, path


def _loose(path: str) -> str:
    return re.sub(r"[-_]", "", path).lower()


def file_pairs(english: Path, arabic: Path, skipped: Iterable[int] = ()) -> Iterator[Pair]:
    """Yield the pairs of two files by what they are; of lines those that are not `skipped`."""
    suffix = arabic.suffix
    if english == arabic:
        yield from _rows(arabic)
    elif suffix == ".txt":
        yield from _lines(_text(english), _text(arabic), set(skipped))
    elif suffix in {".json", ".yml", ".ftl"}:
        yield from keyed_pairs(*(_keyed(_text(path), suffix, path) for path in (english, arabic)))
    elif suffix in {".md", ".mdx", ".html"}:
        (ours, first), (theirs, second) = (_front(_text(path)) for path in (english, arabic))
        yield from keyed_pairs(ours, theirs)
        read = web_page if suffix == ".html" else markdown
        yield from page_pairs(read(first), read(second))


def _text(path: Path) -> str:
    return path.read_text("utf-8-sig", errors="replace")


def _rows(path: Path) -> Iterator[Pair]:
    """Yield the pairs of a file with both languages in each row: named columns, or tabs and the licence of each row."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            for row in csv.DictReader(file):
                yield clean(row["sourceString"]), clean(row["targetString"])
        else:
            for cells in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                if len(cells) > 2 and "CC-BY 2.0" in cells[2]:
                    yield clean(cells[0]), clean(cells[1])


def _lines(english: str, arabic: str, skipped: set[int]) -> Iterator[Pair]:
    for number, (first, second) in enumerate(zip(english.splitlines(), arabic.splitlines(), strict=True), 1):
        if number not in skipped:
            yield from page_pairs(markdown(first), markdown(second))


def _keyed(text: str, suffix: str, path: Path) -> dict[str, str]:
    """Return the texts of a file by key, without the language that Rails puts before all of them."""
    if suffix == ".ftl":
        return fluent(text)
    tree: Any = json.loads(text) if suffix == ".json" else yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    language = "ar" if re.search(r"(?:^|/)ar(?:/|\.)", path.as_posix()) else "en"
    return flat(tree[language] if isinstance(tree, dict) and set(tree) == {language} else tree)


def fluent(text: str) -> dict[str, str]:
    """Return the messages of a Fluent file that stand on one line, their brands written out."""
    found = {}
    for name, message in re.findall(r"^(-?[A-Za-z][\w-]*)[ \t]*=[ \t]*(\S.*)(?:\n(?![ \t])|\Z)", text, re.MULTILINE):
        found[name] = re.sub(r"\{ *-brand-name-([a-z0-9-]+) *\}", lambda brand: brand[1].replace("-", " ").title(), message)
    return found


def _front(text: str) -> tuple[dict[str, str], str]:
    """Return the fields in TOML that stand before a page, and the page."""
    match = re.match(r"\+\+\+\n(.*?)\n\+\+\+\n", text, re.DOTALL)
    if not match:
        return {}, text
    try:
        return flat(tomllib.loads(match[1])), text[match.end() :]
    except tomllib.TOMLDecodeError:
        return {}, text[match.end() :]


def source_pairs(name: str, sources: Mapping[str, Mapping[str, Any]], data: Path, aside: Aside) -> Iterator[Pair]:
    """Yield the pairs of a source, filtered."""
    source = sources[name]
    if source.get("kind") == "cldr":
        found: Iterable[Pair] = cldr_pairs(data / name)
    else:
        found = _twin_pairs(source, data / name, data / source.get("english", name), aside)
    yield from (pair for pair in found if fits(*pair))


def _twin_pairs(source: Mapping[str, Any], arabic: Path, english: Path, aside: Aside) -> Iterator[Pair]:
    repository = source["repository"]
    for ours, theirs in twins(arabic, english, source["twins"]):
        path = theirs.relative_to(arabic).as_posix()
        if not aside.has(repository, path):
            yield from file_pairs(ours, theirs, aside.lines(repository, path))


class Unique:
    """Pairs that were not there before, of which neither side was."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Yield the new ones."""
        for pair in pairs:
            words = [" ".join(re.findall(r"\w+", text.lower())) for text in pair]
            if all(words) and not self._seen.intersection(words):
                self._seen.update(words)
                yield pair


def draw(pairs: Iterable[Pair], most: int, seed: str) -> list[Pair]:
    """Return at most `most` pairs, in an order that depends on the seed."""
    found = list(pairs)
    random.Random(seed).shuffle(found)
    return found[:most]


def written(path: Path = WRITTEN, *, aside: bool) -> list[Pair]:
    """Return the written pairs: those that are held aside, or the others."""
    read = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return [(one["en"], one["ar"]) for one in read if one.get("aside", False) == aside]


def build(data: Path, listed: Path = LISTED, translations: Path = WRITTEN) -> list[dict[str, str]]:
    """Return the pairs of all sources whose files are in a folder, and the written ones."""
    sources = tomllib.loads(listed.read_text("utf-8"))["sources"]
    unique, aside = Unique(), Aside()
    list(unique(written(translations, aside=True)))  # what is measured on occurs nowhere else
    own = list(unique(written(translations, aside=False)))
    found = [{"en": en, "ar": ar, "source": "written"} for en, ar in own]
    for name, source in sources.items():
        if "most" in source:
            drawn = draw(unique(source_pairs(name, sources, data, aside)), source["most"], name)
            found.extend({"en": en, "ar": ar, "source": name} for en, ar in drawn)
    random.Random(1).shuffle(found)
    return found


def write(path: Path, pairs: Iterable[Mapping[str, str]]) -> None:
    """Write pairs, one a line."""
    path.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs), "utf-8")


def main() -> None:
    """Read the command line, fetch and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held", type=Path, help="where to write the written pairs that are held aside")
    options = parser.parse_args()
    try:
        fetch(options.data, listed=LISTED)
    except Refused as refused:
        sys.exit(str(refused))
    found = build(options.data)
    write(options.out, found)
    if options.held:
        write(options.held, ({"en": en, "ar": ar, "source": "written"} for en, ar in written(aside=True)))
    for name, count in sorted(Counter(pair["source"] for pair in found).items()):
        print(f"{name}: {count}")
    print(f"{len(found)} pairs")


if __name__ == "__main__":
    main()
