"""Count the headings and names that unrelated collections of documents share, and write rag/documents/common_headings.txt.

    python tools/common_headings.py COLLECTION...

Each argument is a folder with one collection: a site, a handbook, a repository. A heading (the title of a Markdown file, one of its
headings), or the name of a file or folder, that stands in enough of them names none of them. Arabic ones need fewer, because fewer of
the collections that were counted are Arabic.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rag.documents.titles import heading_key  # noqa: E402
from rag.text.folding import ARABIC_LETTER  # noqa: E402

TARGET = ROOT / "rag/documents/common_headings.txt"
LEAST, MOST_WORDS = 6, 4
LEAST_ARABIC, MOST_WORDS_ARABIC = 2, 2
_KEY = re.compile(r"[a-z ]{3,}|[\u0621-\u064a ]{3,}")
_HEADING = re.compile(r"^#{1,4}[ \t]+(.+)$|^title:[ \t]*(.+)$", re.MULTILINE)
_MARKUP = re.compile(r"\{[^{}]*\}|<[^<>]*>|\]\([^()]*\)|[*`\[\]\"']")


def names(folder: Path) -> Iterator[str]:
    """Yield the keys of all headings and names in a collection."""
    for path in folder.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        yield heading_key(re.sub(r"[_+-]+", " ", path.stem))
        if path.suffix in (".md", ".mdx", ".markdown"):
            for heading in _HEADING.finditer(path.read_text(encoding="utf-8", errors="replace")):
                yield heading_key(_MARKUP.sub("", heading[1] or heading[2]))


def main(folders: list[Path]) -> None:
    """Write the names that enough collections share, those of most collections first."""
    counted: dict[str, int] = defaultdict(int)
    for folder in folders:
        for key in set(names(folder)):
            counted[key] += 1
    write(counted, len(folders))


def write(counted: Mapping[str, int], collections: int) -> None:
    """Write the file: the keys of enough collections, in order."""
    kept = sorted(key for key, count in counted.items() if is_common(key, count))
    head = f"# Headings and names that {LEAST} or more of {collections} unrelated collections share ({LEAST_ARABIC} for Arabic ones),\n"
    TARGET.write_text(head + "# counted by tools/common_headings.py.\n" + "\n".join(kept) + "\n", encoding="utf-8")


def is_common(key: str, count: int) -> bool:
    """Return whether a heading that stands in `count` collections names none of them."""
    least, most = (LEAST_ARABIC, MOST_WORDS_ARABIC) if ARABIC_LETTER.search(key) else (LEAST, MOST_WORDS)
    return count >= least and len(key.split()) <= most and _KEY.fullmatch(key) is not None


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
