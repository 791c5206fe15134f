"""Questions over tables and forms: is the value read together with its row, and answered together with its row?

`questions.jsonl` has one line per question: the document, the right value, and the names of its row and column as printed.
Half of the questions are in the other language than their document.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.documents.scores import Gold, Reading, Table, cells_right, grids_of, plain, standing, words_of
from bench.documents.sources import HERE


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `column` is "" for a field of a form."""

    id: str
    question: str
    language: str
    document: str
    document_language: str
    value: str
    row: str
    column: str

    @property
    def crossing(self) -> str:
        """The language of the question and that of the document: "ar→en"."""
        return f"{self.language}→{self.document_language}"


@dataclass(frozen=True, slots=True)
class Asked:
    """The result of one question: whether the answer contains the value, and whether a quotation shows it with its row."""

    id: str
    crossing: str
    value: bool
    with_row: bool
    status: str
    seconds: float

    @property
    def right(self) -> bool:
        return self.value and self.with_row

    def line(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def questions(path: Path = HERE / "questions.jsonl") -> list[Question]:
    """Return all questions."""
    return [Question(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def is_readable(question: Question, reading: Reading) -> bool:
    """Return whether the extracted document has the value with its row and column; without that no answer can be supported."""
    columns = (question.column,) if question.column else ()
    table = Table(columns, ((question.row, (question.value,)),))
    return cells_right([table], reading.text, [*reading.tables, *grids_of(reading.text)]) == 1.0


def holds(text: str, value: str) -> bool:
    """Return whether a text contains a value: a number as printed, or a sequence of words."""
    if any(c.isdigit() for c in value):
        return standing(" ".join(plain(value).strip("()").split())).search(" ".join(plain(text).split())) is not None
    wanted, words = words_of(value.casefold()), words_of(text.casefold())
    return bool(wanted) and any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def shows_row(quotes: Iterable[tuple[str, str]], document: str, question: Question) -> bool:
    """Return whether a quotation from the right document has the value and every word of the row's name; `quotes` are (id, text)."""
    row = set(words_of(question.row.casefold()))
    return any(name == document and holds(quote, question.value) and row <= set(words_of(quote.casefold())) for name, quote in quotes)


def collect(folder: Path, found: Sequence[tuple[Path, Gold]], asked: Sequence[Question]) -> dict[str, str]:
    """Copy the documents of the questions into an empty folder; return the file name of each that is there, by id."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wanted = {question.document for question in asked}
    names = {}
    for source, gold in found:
        if gold.id in wanted:
            shutil.copy(source / gold.file, folder / gold.file)
            names[gold.id] = gold.file
    return names


def ask(
    scratch: Path, found: Sequence[tuple[Path, Gold]], asked: Sequence[Question] | None = None, *, worded: bool = True
) -> Iterator[Asked]:
    """Index the documents of the questions together and ask each question once, without a conversation.

    Without `worded` no generator is used: answers are quotations.

    Questions whose document isn't there are left out. Raises ModelMissing without an embedder.
    """
    from rag import Chatbot, Index, Settings, build_index, open_embedder, open_generator

    known = questions() if asked is None else asked
    names = collect(scratch / "documents" / "asked", found, known)
    settings = Settings.load({name: value for name, value in os.environ.items() if not name.startswith("SHAWAHID_BENCH_")})
    embedder, _ = open_embedder(settings)
    build_index(scratch / "documents" / "asked", scratch / "documents" / "asked-index", embedder)
    chatbot = Chatbot(Index.open(scratch / "documents" / "asked-index", embedder), open_generator(settings)[0] if worded else None)
    for question in known:
        if question.document in names:
            started = time.perf_counter()
            answer = chatbot.ask(question.question)
            quotes = [(citation.document_id, citation.quote) for citation in answer.citations]
            yield Asked(
                question.id,
                question.crossing,
                holds(answer.text, question.value),
                shows_row(quotes, names[question.document], question),
                str(answer.status),
                time.perf_counter() - started,
            )


def readable(readings: Mapping[str, Reading], asked: Sequence[Question] | None = None) -> dict[str, bool]:
    """Return, by id of each question whose document was read, whether its value is read with its row and column."""
    known = questions() if asked is None else asked
    return {question.id: is_readable(question, readings[question.document]) for question in known if question.document in readings}
