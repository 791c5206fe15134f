"""The record of each question, written before any average is taken, as one line of JSON, and the file of records."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from rag.files import make_private, write_atomically

ERROR = "error"
RETRIEVED = "retrieved"
"""Statuses of a record in addition to those of `rag.schema.Status`: the question failed; only the search was run."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document: gold evidence, or a retrieved passage or sentence.

    `needs` are the numbers of the pieces of gold evidence that it meets (one number for all pieces if any is enough).
    """

    document: str
    start: int
    end: int
    language: str
    text: str = ""
    score: float = 0.0
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of the answer: `exact` if the quote is byte for byte in the document at its span, `gold` if the span overlaps gold
    evidence.

    `claim_start` and `claim_end` are in the answer's text; `grade` is "" in older records.
    """

    number: int
    document: str
    start: int
    end: int
    quote: str
    claim_start: int
    claim_end: int
    support: float
    exact: bool
    gold: bool
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One question, the search results and the answer, and the times (in seconds, by this program's own clock).

    `key` is the hash of everything that the result depends on. `sources` are the sentences that the answer was made from; `passages` and
    `sentences` the ten best from search alone.
    """

    key: str
    set: str
    id: str
    question: str
    language: str
    direction: str
    split: str
    kind: str
    answerable: bool
    twin: bool
    answers: tuple[str, ...]
    gold: tuple[Place, ...]
    needs: int
    status: str = ERROR
    searched: str = ""
    text: str = ""
    draft: str = ""
    confidence: float = 0.0
    citations: tuple[Cited, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    passages: tuple[Place, ...] = ()
    sentences: tuple[Place, ...] = ()
    sources: tuple[Place, ...] = ()
    found_s: float | None = None
    first_token_s: float | None = None
    total_s: float | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    memory_mb: float | None = None
    error: str = ""
    dialogue: str = ""
    turn: int = 0
    full: str = ""
    full_passages: tuple[Place, ...] = ()
    full_sentences: tuple[Place, ...] = ()
    block: str = ""
    """What the first piece of gold evidence is: a `rag.schema.BlockKind`; "" if there is none, or its document has no tree."""
    read: float | None = None
    """The highest probability that a reader gives to a source of the answer; None if none was read."""
    words: str = ""
    """The words of the first source that the reader takes for the answer."""

    @property
    def declined(self) -> bool:
        return self.status == "no_evidence"

    @property
    def asked(self) -> bool:
        """Whether an answer was requested; otherwise only the search was run."""
        return self.status != RETRIEVED

    @property
    def answered(self) -> bool:
        """Whether an answer was given."""
        return self.asked and not self.declined and self.status != ERROR

    @property
    def prediction(self) -> str:
        """The text that is compared with the accepted answers: empty if the question was declined or failed."""
        return self.text if self.answered else ""


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """One claim, and the verdict of the check, which is empty if it accepted the claim."""

    key: str
    set: str
    id: str
    claim: str
    language: str
    direction: str
    split: str
    evidence: tuple[str, ...]
    supported: bool
    fault: str
    verdict: str
    support: float
    read: float | None = None
    """The probability that a reader gives to the claim's being supported; None without one."""

    @property
    def accepted(self) -> bool:
        return not self.verdict


AnyRecord = Record | ClaimRecord


def as_row(record: AnyRecord) -> dict[str, Any]:
    """Return a record as it is written; NaN, which JSON does not have, becomes null."""
    row = dataclasses.asdict(record)
    row["type"] = "claim" if isinstance(record, ClaimRecord) else "question"
    return row


def of_row(row: Mapping[str, Any]) -> AnyRecord:
    """Return a record from a row as it was written. Raises KeyError or TypeError for a line that is no record."""
    values = dict(row)
    if values.pop("type") == "claim":
        values["evidence"] = tuple(values["evidence"])
        return ClaimRecord(**values)
    for name in ("gold", "passages", "sentences", "sources", "full_passages", "full_sentences"):
        values[name] = tuple(Place(**{**place, "needs": tuple(place["needs"])}) for place in values[name])
    values["citations"] = tuple(Cited(**item) for item in values["citations"])
    values["answers"] = tuple(values["answers"])
    values["rejected"] = tuple((text, verdict) for text, verdict in values["rejected"])
    return Record(**values)


@dataclass(slots=True)
class RecordFile:
    """The records of one run, appended as they come, each flushed to disk before the next question is asked."""

    path: Path
    known: dict[str, AnyRecord] = field(default_factory=dict)
    _file: TextIO | None = None

    @classmethod
    def open(cls, path: Path, fresh: bool = False) -> RecordFile:
        """Open the records of an earlier run. A truncated last line is dropped; failed questions are asked again."""
        make_private(path.parent)
        kept = [] if fresh else [record for record in read_records(path) if not getattr(record, "error", "")]
        opened = cls(path, {record.key: record for record in kept})
        opened._replace(kept)
        return opened

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, record: AnyRecord) -> None:
        """Append one record and flush it to disk."""
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", newline="\n")
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())
        self.known[record.key] = record

    def finish(self, records: Iterable[AnyRecord]) -> None:
        """Rewrite the file with just these records, in this order; others belong to an earlier state of the product."""
        self.close()
        self._replace(records)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _replace(self, records: Iterable[AnyRecord]) -> None:
        with write_atomically(self.path) as part:
            part.write_text("".join(map(_line, records)), encoding="utf-8", newline="\n")


def _line(record: AnyRecord) -> str:
    return json.dumps(as_row(record), ensure_ascii=False) + "\n"


def read_records(path: Path) -> list[AnyRecord]:
    """Return the complete lines of a file of records; none if there is no file."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            found.append(of_row(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # cut off by an interruption, or of an older form: it is asked again
    return found
