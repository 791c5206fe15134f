"""What the reader is given: one form, for training and for the product alike.

A question is read as `task: question answering | query: …`, a claim as `task: fact checking | query: …`, the text as
`title: … | text: …` where the title is the document's, followed by the headings the text stands under. Both parts end with the
model's end sign. For encoders of BERT's kind the prompts are their own, `query: ` and `passage: `.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = " › "
"""Between a title and the headings below it."""
LONGEST_QUERY = 48
"""Tokens of a question or claim; what follows is cut off."""
LONGEST = 160
"""Tokens in all. The text is cut off behind."""
LONGEST_TITLE = 32


@dataclass(frozen=True, slots=True)
class Prompts:
    """What stands before each part. `{}` is the part."""

    question: str
    claim: str
    title: str
    untitled: str


GEMMA = Prompts("task: question answering | query: {}", "task: fact checking | query: {}", "title: {} | text: ", "title: none | text: ")
BERT = Prompts("query: {}", "claim: {}", "passage: {} | ", "passage: ")


@dataclass(frozen=True, slots=True)
class Read:
    """A question or claim and a text as tokens. `offsets` has for each token the characters of the text it covers, or (0, 0);
    `start` is the first token of the text itself."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    start: int
    end: int


class Former:
    """Makes the reader's input of questions, claims and texts, with the tokenizer of an encoder's folder."""

    def __init__(self, folder: Path, gemma: bool) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._prompts = GEMMA if gemma else BERT
        around = self._tokenizer.encode("").ids
        self._first, self._last = around[0], around[-1]

    def form(self, query: str, text: str, title: str = "", *, claim: bool = False) -> Read:
        """The tokens of one pair."""
        prompts = self._prompts
        asked = self._ids((prompts.claim if claim else prompts.question).format(query))[:LONGEST_QUERY]
        named = self._ids(title)[-LONGEST_TITLE:] if title else []
        before, _, after = (prompts.title if named else prompts.untitled).partition("{}")
        head = [self._first, *asked, self._last, *self._ids(before), *named, *self._ids(after)]
        body = self._tokenizer.encode(text, add_special_tokens=False)
        room = LONGEST - len(head) - 1
        ids, offsets = body.ids[:room], list(body.offsets[:room])
        return Read([*head, *ids, self._last], [(0, 0)] * len(head) + offsets + [(0, 0)], len(head), len(head) + len(ids))

    def length(self, text: str) -> int:
        """The number of tokens of a text alone."""
        return len(self._ids(text))

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def members(read: Read, blocks: Sequence[tuple[int, int]]) -> list[int]:
    """For each token the number of the block it stands in, or -1. A token that reaches over two belongs to the first that it
    shares a character with other than a space before it."""
    found = [-1] * len(read.ids)
    at = 0
    for token in range(read.start, read.end):
        start, end = read.offsets[token]
        while at < len(blocks) and blocks[at][1] <= max(start, end - 1):
            at += 1
        if at < len(blocks) and end > blocks[at][0]:
            found[token] = at
    return found
