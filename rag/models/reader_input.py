"""The input format of the reader, the same for training and for use.

A question is written `task: question answering | query: …`, a claim `task: fact checking | query: …`, the text `title: … | text: …`; the
title is the text's context, the document's title and the headings above it. Both parts end with the model's end sign. An encoder of BERT's
kind has prompts of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rag.schema import Passage, Span

LONGEST = 160
"""The token limit of one input. A longer text is read in several windows."""
LONGEST_QUERY = 48
"""The token limit of a question or claim; the rest is cut off."""
LONGEST_CONTEXT = 32
"""The token limit of a context; the outermost names are cut off."""

Tokenize = Callable[[Sequence[str]], Sequence[Any]]
"""Returns for each text an object with `ids` and `offsets`, those of the signs around it included."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is written around each part; `{}` is the part. `plain` stands before a text without a context."""

    question: str
    claim: str
    context: str
    plain: str


GEMMA = Prompts("task: question answering | query: {}", "task: fact checking | query: {}", "title: {} | text: ", "title: none | text: ")
BERT = Prompts("query: {}", "claim: {}", "passage: {} | ", "passage: ")


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text to read: its sentences, list items and rows as `blocks`, and the title and headings above it as `context`."""

    text: str
    blocks: tuple[Span, ...]
    context: str = ""

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """Return a passage as a text to read, its sentences as blocks."""
        return cls.part(passage, 0, len(passage.sentences)) if passage.sentences else cls(passage.text, (), passage.context)

    @classmethod
    def part(cls, passage: Passage, first: int, end: int) -> Self:
        """Return the sentences of a passage from `first` up to `end` as a text to read."""
        chosen = passage.sentences[first:end]
        start = chosen[0].start - passage.span.start
        text = passage.text[start : chosen[-1].end - passage.span.start]
        blocks = tuple(Span(s.start - chosen[0].start, s.end - chosen[0].start) for s in chosen)
        return cls(text, blocks, passage.context)


def around(passage: Passage, sentence: int, most: int = 400) -> tuple[int, int]:
    """Return the run of sentences (first, end) around one sentence of a passage, at most `most` characters unless that one is longer.

    It grows to the side with less text so far, so that the sentence is in the middle if the passage allows it.
    """
    spans = passage.sentences
    first, end = sentence, sentence + 1
    while True:
        before = spans[end - 1].end - spans[first - 1].start if first > 0 else most + 1
        after = spans[end].end - spans[first].start if end < len(spans) else most + 1
        if before > most and after > most:
            return first, end
        left = spans[sentence].start - spans[first].start <= spans[end - 1].end - spans[sentence].end
        if after > most or (before <= most and left):
            first -= 1
        else:
            end += 1


@dataclass(frozen=True, slots=True)
class InputWindow:
    """One input. Tokens `start` to `end` are those of the text; `offsets` holds for every token the characters of the text it covers,
    (0, 0) outside; `blocks` holds for every token the index of its block, -1 for none."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    blocks: list[int]
    start: int
    end: int


class InputBuilder:
    """Makes inputs with an encoder's tokenizer."""

    def __init__(self, tokenize: Tokenize, prompts: Prompts) -> None:
        self._tokenize = tokenize
        self._prompts = prompts
        marks = tokenize([""])[0].ids
        self._first, self._last = marks[0], marks[-1]

    def windows(self, query: str, texts: Sequence[ReadText], *, claim: bool = False) -> list[list[InputWindow]]:
        """Return the windows of each text for a question, or for a claim: one where the text fits, else several that overlap."""
        prompts = self._prompts
        asked, *others = self._ids([(prompts.claim if claim else prompts.question).format(query), *self._around()])
        before, after, plain = others
        names = self._ids([text.context for text in texts])
        bodies = self._tokenize([text.text for text in texts])
        found = []
        for text, name, body in zip(texts, names, bodies, strict=True):
            context = [*before, *name[-LONGEST_CONTEXT:], *after] if name else plain
            head = [self._first, *asked[:LONGEST_QUERY], self._last, *context]
            ids, offsets = body.ids[1:-1], list(body.offsets[1:-1])
            inside = block_indices(offsets, text.blocks)
            runs = _runs(inside, LONGEST - len(head) - 1)
            found.append([self._window(head, ids[a:b], offsets[a:b], inside[a:b]) for a, b in runs])
        return found

    def count(self, text: str) -> int:
        """Return the number of tokens of a text, without the signs around it."""
        return len(self._tokenize([text])[0].ids) - 2

    def _around(self) -> tuple[str, str, str]:
        before, _, after = self._prompts.context.partition("{}")
        return before, after, self._prompts.plain

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoded.ids[1:-1] for encoded in self._tokenize(texts)]

    def _window(self, head: list[int], ids: list[int], offsets: list[tuple[int, int]], inside: list[int]) -> InputWindow:
        return InputWindow(
            [*head, *ids, self._last],
            [(0, 0)] * len(head) + offsets + [(0, 0)],
            [-1] * len(head) + inside + [-1],
            len(head),
            len(head) + len(ids),
        )


def block_indices(offsets: Sequence[tuple[int, int]], blocks: Sequence[Span]) -> list[int]:
    """Return for each token of a text the index of its block, -1 for none.

    A token that begins with the space before a block belongs to that block.
    """
    found = []
    at = 0
    for start, end in offsets:
        while at < len(blocks) and blocks[at].end <= max(start, end - 1):
            at += 1
        found.append(at if at < len(blocks) and end > blocks[at].start else -1)
    return found


def _runs(inside: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Return runs of at most `room` tokens that cover a text and break between blocks where they can; each begins with the last block of
    the one before, or half-way through it where that block is long."""
    if len(inside) <= room:
        return [(0, len(inside))]
    starts = [n for n in range(len(inside)) if n == 0 or (inside[n] != inside[n - 1] and inside[n] >= 0)]
    runs = []
    start = 0
    while True:
        if len(inside) - start <= room:
            runs.append((start, len(inside)))
            return runs
        within = [n for n in starts if start < n <= start + room]
        end = within[-1] if within else start + room
        runs.append((start, end))
        # The last block again, unless that would leave no way forward.
        again = [n for n in within[:-1] if end - n <= room // 2]
        start = again[-1] if again and again[-1] > start else (end if within else start + max(room // 2, 1))
