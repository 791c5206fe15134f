"""The records that flow through Shawahid, from a file on disk to a cited answer.

Every record is complete when it is created and never changes. A position is always a `Span` in Unicode code points of `Document.text`, so
that a highlight lands in the original text even though search works on folded or stemmed words.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Integral
from typing import Literal

from rag.arguments import require_language, require_type
from rag.errors import BadSetting, InvalidRecord

Message = Mapping[str, str]
"""One chat message: `{"role": "system" | "user" | "assistant", "content": text}`."""


CONTEXT_SEPARATOR = " › "
"""Stands between a title and the headings below it."""

Style = Literal["sentence", "short"]
"""How long an answer is: whole sentences, or the fewest words."""
STYLES: tuple[Style, ...] = ("sentence", "short")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range `[start, end)` of Unicode code points."""

    start: int
    end: int

    def __post_init__(self) -> None:
        require_type("start", self.start, Integral)
        require_type("end", self.end, Integral)
        if not 0 <= self.start <= self.end:
            raise InvalidRecord("record.span", start=self.start, end=self.end)

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Return the characters of `text` that this span covers."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Return whether the two spans share at least one character."""
        return self.start < other.end and other.start < self.end

    def shifted(self, offset: int) -> Span:
        """Return the same range, counted from `offset` characters earlier."""
        return Span(self.start + offset, self.end + offset)


@dataclass(frozen=True, slots=True)
class Mark:
    """The beginning of a page, heading or row: its `offset` in `Document.text` and the label shown to the reader."""

    offset: int
    label: str


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    """One item of a list."""
    ROW = "row"
    """One row of a table, written as `column name: value` for each cell."""
    NOTE = "note"
    """A footnote or endnote, placed after the block that refers to it."""
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table row: the index of its column, and where the value stands in `Document.text`."""

    column: int
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """A node of a document's tree. Blocks follow each other in the order of the text; a heading governs the blocks after it, up to
    the next heading of its `level` or a higher one.

    `lead` is the line without which the block means little: the introduction of a list, the caption of a table. `table` is an
    index into `Document.tables`, and `cells` are the values of a row in order of column.
    """

    kind: BlockKind
    span: Span
    level: int = 0
    lead: Span | None = None
    table: int | None = None
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table, "" for one without a name, and its caption with the unit, "" for none. `header` is the column that
    names the rows, or None."""

    columns: tuple[str, ...]
    caption: str = ""
    header: int | None = None


@dataclass(frozen=True, slots=True)
class PageLayout:
    """Where the words of a page stand: `words` are (start, end, left, top, right, bottom), the first two in `Document.text`, the others
    in points from the upper left corner of a page of `width` by `height` points."""

    number: int
    width: float
    height: float
    words: tuple[tuple[int, int, float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file: `id` is its POSIX path under the folder, `text` its NFC text, never changed again.

    `blocks` are the nodes of its tree; a document without any is plain text.
    """

    id: str
    text: str
    title: str
    language: str
    sha256: str
    marks: tuple[Mark, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    tables: tuple[Table, ...] = ()
    pages: tuple[PageLayout, ...] = ()

    @classmethod
    def of_text(cls, id: str, text: str, *, title: str = "", language: str = "", metadata: Mapping[str, str] | None = None) -> Document:
        """Return a document of plain text, in NFC. Its language is found when it is added to an index, unless it is named.

        Raises BadSetting for an id or a text that is empty or none, and for a language that is no code such as "ar".
        """
        for name, value in (("id", id), ("text", text)):
            if not isinstance(value, str) or not value.strip():
                raise BadSetting("error.document_text", name=name, value=repr(value)[:60])
        require_type("title", title, str)
        require_type("metadata", metadata, Mapping, type(None))
        if language:
            require_language("language", language)
        text = unicodedata.normalize("NFC", text)
        sha256 = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        return cls(unicodedata.normalize("NFC", id), text, title, language, sha256, metadata=dict(metadata or {}))

    def locator(self, offset: int) -> str:
        """Return the label of the last mark at or before `offset`, or "" if there is none."""
        label = ""
        for mark in self.marks:
            if mark.offset > offset:
                break
            label = mark.label
        return label

    def locator_of(self, span: Span) -> str:
        """Return the label of a span, with the last page too if it runs over the end of one: "p. 3–4"."""
        first, last = self.locator(span.start), self.locator(max(span.end - 1, span.start))
        prefix = "p. "
        if first != last and first.startswith(prefix) and last.startswith(prefix):
            return f"{first}–{last.removeprefix(prefix)}"
        return first


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences, list items and table rows; `text == span.of(document.text)`. `sentences` are spans in the document.

    `path` holds the headings above the passage, outermost first. `lead` is the line that introduces the list or table which the
    passage continues, "" where that line stands in the passage or there is none. `leads` holds for each sentence the index of
    the sentence that introduces it, -1 for none; `locators` holds for each sentence its page or row. Both are empty where they would
    say nothing: no sentence has a lead, all stand at `locator`.
    """

    id: int
    document_id: str
    span: Span
    text: str
    title: str
    language: str
    locator: str = ""
    sentences: tuple[Span, ...] = ()
    path: tuple[str, ...] = ()
    lead: str = ""
    leads: tuple[int, ...] = ()
    locators: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = {0, len(self.sentences)}
        if len(self.text) != len(self.span) or len(self.leads) not in counts or len(self.locators) not in counts:
            raise InvalidRecord("record.passage", document=self.document_id)

    @property
    def context(self) -> str:
        """What the passage needs to be understood alone: the document's title, the headings above it, and its lead."""
        return join_context((self.title, *self.path, self.lead))

    def lead_of(self, sentence: int) -> str:
        """Return the line that introduces a sentence, or "" if there is none."""
        if self.leads and self.leads[sentence] >= 0:
            return self.quote(self.sentences[self.leads[sentence]])
        return self.lead

    def locator_at(self, span: Span) -> str:
        """Return the page, heading or row of a span that begins in this passage."""
        found = self.locator
        for sentence, locator in zip(self.sentences, self.locators, strict=False):
            if sentence.start > span.start:
                break
            found = locator
        return found

    def lead_at(self, span: Span) -> str:
        """Return the line that introduces what begins at a span, or "" if there is none."""
        found = self.lead
        for number, sentence in enumerate(self.sentences):
            if sentence.start > span.start:
                break
            found = self.lead_of(number)
        return found

    def context_of(self, sentence: int) -> str:
        """Return what a sentence of the passage needs to be understood alone."""
        return join_context((self.title, *self.path, self.lead_of(sentence)))

    def quote(self, span: Span) -> str:
        """Return the characters of a span of the document that lies inside this passage."""
        return self.text[span.start - self.span.start : span.end - self.span.start]


def join_context(parts: Iterable[str]) -> str:
    """Join titles and headings to one line, each once."""
    return CONTEXT_SEPARATOR.join(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))


def _texts(name: object, given: object) -> tuple[str, ...]:
    values = (given,) if isinstance(given, str) else given
    if not isinstance(name, str) or not isinstance(values, Iterable) or isinstance(values, (Mapping, bytes)):
        raise BadSetting("error.filter_value", name=name, value=repr(given)[:60])
    found = tuple(values)
    if not all(isinstance(value, str) for value in found):
        raise BadSetting("error.filter_value", name=name, value=repr(given)[:60])
    return found


@dataclass(frozen=True, slots=True)
class Filter:
    """The passages a search may return: those that meet every condition given. Several values in one condition mean any of them.

    `documents` are ids (None: any; an empty tuple: none), `languages` those of the passages, and `collections` either folders, including
    the folders inside them, or values of the metadata field "collection". `since` and `until` are ISO 8601 days, months or years, both
    inclusive: `until="2020"` means to the end of 2020. A document that gives only its year covers the whole of it; a document without a
    date never matches. `metadata` maps a field ("author", "source", …) to one or more values, compared without case, vowel signs and
    spelling variants of letters; a field with several values separates them by semicolons.
    """

    documents: tuple[str, ...] | None = None
    languages: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    metadata: Mapping[str, str | Sequence[str]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        # A lone string where several are meant is one value, not its letters; a list could not be a key of a cache.
        for name in ("documents", "languages", "collections"):
            given = getattr(self, name)
            if given is None and name == "documents":
                continue
            object.__setattr__(self, name, _texts(name, given))
        for language in self.languages:
            require_language("languages", language)
        for name in ("since", "until"):
            if not isinstance(getattr(self, name), str):
                raise BadSetting("error.filter_date", value=repr(getattr(self, name)))
        if not isinstance(self.metadata, Mapping):
            raise BadSetting("error.filter_value", name="metadata", value=repr(self.metadata)[:60])
        for name, value in self.metadata.items():
            _texts(name, value)

    def __bool__(self) -> bool:
        """Return whether there is any condition."""
        return self.documents is not None or any((self.languages, self.collections, self.since, self.until, self.metadata))


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that search found: its `rank` from 1, its fused `score`, and its rank in each leg that returned it."""

    passage: Passage
    rank: int
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The token-level match between a sentence and a question (`rag.retrieval.late_interaction`).

    Each value is between -1 and 1: the match of the sentence alone, of the whole passage, and of the quarter of the question's tokens that
    the passage matches least.
    """

    sentence: float
    passage: float
    weakest: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence offered as evidence, or two adjacent ones. `span` is in the document.

    `score` is the cosine similarity to the question, `worth` the value that evidence is ranked by. `match` is None if the index has no
    token vectors. If a reader has read it, `answers` is the probability that it holds the answer, and `words` are its words that do, as
    a span of the document; None if it was not read, or no words stand out.
    """

    passage: Passage
    span: Span
    text: str
    score: float
    worth: float = 0.0
    match: Match | None = None
    answers: float | None = None
    words: Span | None = None

    @property
    def lead(self) -> str:
        """The line without which the evidence means little: the introduction of its list, the caption of its table; "" for none."""
        return self.passage.lead_at(self.span)

    @property
    def locator(self) -> str:
        """The page, heading or row of the evidence."""
        return self.passage.locator_at(self.span)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The input of the generator. Source *n* is `sources[n - 1]`; numbering is defined nowhere else."""

    messages: tuple[Message, ...]
    sources: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The first event of a stream: the search results, before a word is written.

    `question` is the question that was searched for: the user's own, or its rewriting if it was a follow-up.
    """

    question: str
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the draft, not yet checked."""

    text: str


class Grade(StrEnum):
    """How far a sentence of an answer can be relied on, best first."""

    QUOTED = "quoted"
    """Word for word from the source, by construction: its whole sentences, or in the style "short" words of one."""
    CHECKED = "checked"
    """Worded by a model, and accepted by a check whose precision was measured for this generator and direction."""
    UNVERIFIED = "unverified"
    """In other words than the source's: worded by a model, with nothing found against it, or a value that a rule carried over from the
    other language. Whether it answers is for the reader to see in the source."""
    TRANSLATED = "translated"
    """A machine translation of the source's words, not checked; shown only next to them."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified citation: `quote == span.of(document.text)`, and the quote passed the check as support for `claim.of(answer.text)`.

    `words` are the words of the quote that answer, as a span of the document; None where the whole quote does. `context` is what the quote
    stands under: the line that introduces it and the headings above, "" if it can be understood alone.

    `support` is between 0 and 1. A citation that failed the check is a `RejectedCitation`, a different type, so that no caller can show an
    unverified one by forgetting an `if`.
    """

    number: int
    document_id: str
    span: Span
    quote: str
    locator: str
    claim: Span
    support: float
    title: str
    passage_id: int
    grade: Grade = Grade.QUOTED
    words: Span | None = None
    context: str = ""


class Verdict(StrEnum):
    """The reason why a sentence of the draft was rejected."""

    NUMBER = "number"
    """It states a number or date that the evidence does not."""
    NAME = "name"
    """It names somebody or something that the evidence does not."""
    MEANING = "meaning"
    """Nothing in the evidence says the same."""
    SCRIPT = "script"
    """It is not in the language of the question."""
    INSTRUCTION = "instruction"
    """It repeats the instructions or an order hidden in a passage."""


@dataclass(frozen=True, slots=True)
class RejectedCitation:
    """A sentence of the draft that failed the check. `claim` is a span in `Answer.draft`."""

    number: int | None
    claim: Span
    verdict: Verdict


class Status(StrEnum):
    """The outcome of a question."""

    ANSWERED = "answered"
    """Every sentence shown has a citation that passed the check."""
    NO_EVIDENCE = "no_evidence"
    """The documents do not answer the question, and the text says so."""
    UNSURE = "unsure"
    """The documents may answer the question: the nearest evidence is quoted, without words of it in front, and the text says so."""
    UNSUPPORTED = "unsupported"
    """The model wrote something that failed the check; the best evidence is quoted instead."""
    STOPPED = "stopped"
    """The reader stopped the answer; what had been written by then was checked all the same."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the question to each event (`None` if it did not happen), and the generator's token counts."""

    found: float | None = None
    first_token: float | None = None
    total: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer. `text` holds the sentences that passed the check, with `[n]` markers; `draft` is what the model wrote.

    `searched` is the question that was searched for (a follow-up is rewritten). `confidence` is the calibrated probability that the
    documents answer it. `evidence` holds the numbered sources in order. `hits` are the nearest passages, present even if the answer
    declines; `absent` are then the words of the question that stand nowhere in the documents.
    """

    question: str
    text: str
    language: str
    status: Status
    citations: tuple[Citation, ...]
    rejected: tuple[RejectedCitation, ...]
    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...]
    draft: str
    searched: str
    confidence: float
    timing: Timing
    absent: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade | None:
        """The lowest grade of a sentence shown; None where nothing is cited."""
        grades = [citation.grade for citation in self.citations]
        return max(grades, key=list(Grade).index) if grades else None


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation: the question as it was searched for, and the text of the answer."""

    question: str
    answer: str

    def __post_init__(self) -> None:
        require_type("question", self.question, str)
        require_type("answer", self.answer, str)


History = Sequence[Turn]
