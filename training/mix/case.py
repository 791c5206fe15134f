"""One training case, and how a text is cut into windows that a reader is given."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from training.product import folded, units

Range = tuple[int, int]
ENTAILED, CONTRADICTED, NOT_STATED = 0, 1, 2
_ARABIC = re.compile("[\u0620-\u064a]")
_LATIN = re.compile("[A-Za-z]")


@dataclass(slots=True)
class Case:
    """A question or claim and the text it is read against, with what is known of it. None: not known, no loss.

    `spans` and `blocks` are in characters of `text`; `gold` numbers the blocks that answer or decide.
    """

    source: str
    kind: str
    query: str
    text: str
    title: str = ""
    document: str = ""
    blocks: list[Range] = field(default_factory=list)
    gold: list[int] | None = None
    spans: list[Range] | None = None
    answers: int | None = None
    claim: int | None = None

    @property
    def direction(self) -> str:
        """Language of the question or claim, then of the text."""
        return f"{language(self.query)}-{language(self.text)}"


def language(text: str) -> str:
    """ "ar" or "en", by the script of most letters."""
    return "ar" if 1.5 * len(_ARABIC.findall(text)) >= len(_LATIN.findall(text)) else "en"


def write(path: Path, cases: Iterable[Case]) -> int:
    """Write cases, one JSON object a line; their number."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for case in cases:
            file.write(json.dumps(asdict(case), ensure_ascii=False) + "\n")
            count += 1
    return count


def read(path: Path) -> Iterator[Case]:
    """The cases of a file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            for name in ("blocks", "spans"):
                values[name] = None if values[name] is None else [(start, end) for start, end in values[name]]
            yield Case(**values)


@dataclass(frozen=True, slots=True)
class Cut:
    """A text with its blocks."""

    text: str
    blocks: tuple[Range, ...]

    @classmethod
    def of(cls, text: str) -> Cut:
        return cls(text, tuple(units(text)))

    def holding(self, start: int, end: int) -> list[int]:
        """The blocks that share a character with a range."""
        return [n for n, (a, b) in enumerate(self.blocks) if a < end and start < b]


def window(cut: Cut, must: Sequence[int], budget: int, length: Callable[[str], int], rng: random.Random) -> Range | None:
    """A run of blocks (first, past the last) that holds those of `must` and grows to either side at random up to `budget` tokens.

    None when `must` alone is longer.
    """
    first, last = (min(must), max(must) + 1) if must else (at := rng.randrange(len(cut.blocks)), at + 1)

    # Counted block by block, with one token for what stands between two: near enough, and many times as fast.
    counts: dict[int, int] = {}

    def tokens(a: int, b: int) -> int:
        for n in range(a, b):
            if n not in counts:
                counts[n] = length(cut.text[slice(*cut.blocks[n])]) + 1
        return sum(counts[n] for n in range(a, b))

    if tokens(first, last) > budget:
        return None
    while True:
        sides = [side for side in (0, 1) if (first > 0, last < len(cut.blocks))[side]]
        fitting = [s for s in sides if tokens(first - (s == 0), last + (s == 1)) <= budget]
        if not fitting:
            return first, last
        side = rng.choice(fitting)
        first, last = first - (side == 0), last + (side == 1)


def cut_out(cut: Cut, run: Range) -> tuple[str, list[Range], int]:
    """The text of a run of blocks, its blocks in it, and how far it was moved."""
    start = cut.blocks[run[0]][0]
    end = cut.blocks[run[1] - 1][1]
    return cut.text[start:end], [(a - start, b - start) for a, b in cut.blocks[run[0] : run[1]]], start


class Grams:
    """Runs of eight words of texts that are kept for measuring; whatever has one of them is not trained on."""

    SIZE = 8

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def _of(self, text: str) -> Iterator[int]:
        found = folded(text)
        return (hash(tuple(found[n : n + self.SIZE])) for n in range(len(found) - self.SIZE + 1))

    def add(self, text: str) -> None:
        """Keep a text for measuring."""
        self._seen.update(self._of(text))

    def __contains__(self, text: str) -> bool:
        return any(gram in self._seen for gram in self._of(text))

    def add_squad(self, path: Path) -> None:
        """Keep the passages and questions of a file in SQuAD's form."""
        for article in json.loads(path.read_text("utf-8"))["data"]:
            for paragraph in article["paragraphs"]:
                self.add(paragraph["context"])
                for item in paragraph["qas"]:
                    self.add(item["question"])
