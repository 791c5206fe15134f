"""Question sets: JSON lines and the SQuAD format, read into records, and a validator that names line and fault."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from rag.documents.formats.decoding import decode
from rag.errors import ShawahidError
from rag.schema import Span
from rag.text.folding import nfc
from rag.text.language import detect

SetKind = Literal["question", "dialogue", "claim"]
JsonRow = Mapping[str, Any]


class BadQuestionSet(ShawahidError):
    """A question set cannot be read, or one of its lines is wrong."""

    exit_code = 2
    http_status = 400


@dataclass(frozen=True, slots=True)
class SetFault:
    """A fault of a question set, and its line, counting from 1. A `grave` one keeps the set from being run."""

    file: str
    line: int
    id: str
    message: str
    grave: bool = True

    def __str__(self) -> str:
        name = f" ({self.id})" if self.id else ""
        return f"{self.file}:{self.line}{name}: {self.message}"


@dataclass(frozen=True, slots=True)
class Gold:
    """One piece of gold evidence: a document and a quote from it. `start` identifies one of several occurrences, if it is known."""

    document: str
    quote: str
    start: int | None = None

    def span(self, text: str) -> Span | None:
        """Return the position of the quote in the document's text; `None` if it does not occur."""
        start = self.start
        if start is None or text[start : start + len(self.quote)] != self.quote:
            start = text.find(self.quote)
        return Span(start, start + len(self.quote)) if start >= 0 else None


@dataclass(frozen=True, slots=True)
class Question:
    """One question and its right answers.

    `needed` is the number of distinct documents that a complete answer rests on; if it is 1, any piece of the evidence is enough. `without`
    is evidence to withhold from the search: the question is then the unanswerable twin of another.
    """

    id: str
    question: str
    language: str
    answers: tuple[str, ...]
    evidence: tuple[Gold, ...]
    answerable: bool
    direction: str = ""
    split: str = ""
    kind: str = ""
    needed: int = 1
    without: tuple[Gold, ...] = ()


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """One turn of a conversation: the question as it is asked, and `full`, spelled out so that it needs no earlier turn."""

    question: Question
    full: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation of two or more turns over the documents of one folder."""

    id: str
    corpus: str
    split: str
    turns: tuple[DialogueTurn, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with evidence that supports it or, with a `fault`, does not."""

    id: str
    claim: str
    language: str
    direction: str
    evidence: tuple[Gold, ...]
    supported: bool
    fault: str
    kind: str
    split: str


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """A named set. `documents` maps ids to texts if the set brings its own documents (SQuAD), else it is empty."""

    name: str
    questions: tuple[Question, ...] = ()
    dialogues: tuple[Dialogue, ...] = ()
    claims: tuple[Claim, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[SetFault, ...] = ()
    """Faults that were repaired when reading."""

    def in_split(self, split: str) -> QuestionSet:
        """Return only the questions of a split; "all" is everything, and a question without a split belongs to each."""
        if split == "all":
            return self
        wanted = (split, "")
        return replace(
            self,
            questions=tuple(item for item in self.questions if item.split in wanted),
            dialogues=tuple(item for item in self.dialogues if item.split in wanted),
            claims=tuple(item for item in self.claims if item.split in wanted),
        )

    def limited(self, count: int) -> QuestionSet:
        """Return at most `count` questions, dialogues and claims each: the same on every machine, spread over the set."""
        return replace(
            self,
            questions=_sample(self.questions, count),
            dialogues=_sample(self.dialogues, count),
            claims=_sample(self.claims, count),
        )


def _sample(items: Sequence[Any], count: int) -> tuple[Any, ...]:
    chosen = sorted(items, key=lambda item: hashlib.sha256(item.id.encode()).digest())[:count]
    kept = {item.id for item in chosen}
    return tuple(item for item in items if item.id in kept)


def drop_gold(questions: Iterable[Question]) -> list[Question]:
    """Return each question and, after each answerable one, its unanswerable twin: no passage that overlaps its evidence may be found.

    If another passage happens to answer it too, the twin is wrongly treated as unanswerable.
    """
    found: list[Question] = []
    for question in questions:
        found.append(question)
        if question.answerable:
            twin = replace(question, id=f"{question.id}.dropped", answers=(), evidence=(), answerable=False)
            found.append(replace(twin, without=question.evidence, needed=1))
    return found


# --- reading --------------------------------------------------------------------------------------------------------------


def read(paths: Sequence[Path], documents: Sequence[Path] = (), name: str = "") -> QuestionSet:
    """Read one set: a JSONL file, or SQuAD files; `documents` are then SQuAD files too, whose paragraphs are searched.

    Raises BadQuestionSet with the first grave fault.
    """
    if len(paths) == 1 and paths[0].suffix == ".jsonl":
        return read_lines(paths[0], name)
    return read_squad(paths, documents, name)


def read_lines(path: Path, name: str = "") -> QuestionSet:
    """Read a JSONL file of questions, dialogues or claims. Raises BadQuestionSet, naming the line and the fault."""
    faults, rows = _checked_lines(path)
    _refuse(faults)
    kinds = [kind_of(row) for _, row in rows]
    return QuestionSet(
        name or path.stem,
        questions=tuple(_question(row) for (_, row), kind in zip(rows, kinds, strict=True) if kind == "question"),
        dialogues=tuple(_dialogue(row) for (_, row), kind in zip(rows, kinds, strict=True) if kind == "dialogue"),
        claims=tuple(_claim(row) for (_, row), kind in zip(rows, kinds, strict=True) if kind == "claim"),
    )


def kind_of(row: JsonRow) -> SetKind:
    """Return the kind of a line, recognised by the field that only its kind has."""
    return "dialogue" if "turns" in row else "claim" if "claim" in row else "question"


def _gold(rows: Iterable[JsonRow]) -> tuple[Gold, ...]:
    return tuple(Gold(nfc(row["document"]), nfc(row["quote"])) for row in rows)


def _question(row: JsonRow, id: str = "") -> Question:
    return Question(
        id=id or row["id"],
        question=row["question"],
        language=row["language"],
        answers=tuple(row["answers"]),
        evidence=_gold(row["evidence"]),
        answerable=row["answerable"],
        direction=row.get("direction", ""),
        split=row.get("split", ""),
        kind=row.get("kind", ""),
        needed=row.get("documents_needed", 1),
    )


def _dialogue(row: JsonRow) -> Dialogue:
    turns = []
    for number, turn in enumerate(row["turns"], start=1):
        question = replace(_question(turn, f"{row['id']}.{number}"), split=row.get("split", ""))
        turns.append(DialogueTurn(question, turn["full"]))
    return Dialogue(row["id"], row["corpus"], row.get("split", ""), tuple(turns))


def _claim(row: JsonRow) -> Claim:
    return Claim(
        id=row["id"],
        claim=row["claim"],
        language=row["language"],
        direction=row.get("direction", ""),
        evidence=_gold(row["evidence"]),
        supported=row["supported"],
        fault=row["fault"] or "",
        kind=row.get("kind", ""),
        split=row.get("split", ""),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question of a SQuAD file with its paragraph: `answers` are (text, start in the paragraph's NFC text)."""

    id: str
    question: str
    paragraph: int
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Squad:
    """A SQuAD file: distinct paragraphs in NFC with the number of their article, and the questions."""

    language: str
    asked_in: str
    paragraphs: tuple[tuple[int, str], ...]
    pairs: tuple[_Pair, ...]


def read_squad(paths: Sequence[Path], documents: Sequence[Path] = (), name: str = "") -> QuestionSet:
    """Read SQuAD files. Questions come from `paths`; the paragraphs of `documents` (by default of the same files) become the documents.

    The questions' evidence and further accepted answers are taken from `documents`, joined by id. If there are documents of several
    languages, any copy of a paragraph is evidence. Articles are assigned to the splits "calibrate" and "report" in turn. Raises
    BadQuestionSet if a file is not a SQuAD file or an id is not in the documents.
    """
    notes: list[SetFault] = []
    asked = [_squad(path, notes) for path in paths]
    sources = [_squad(path, notes) for path in documents] if documents else asked
    where: dict[str, list[tuple[_Squad, _Pair]]] = {}
    for source in sources:
        for pair in source.pairs:
            where.setdefault(pair.id, []).append((source, pair))
    questions: list[Question] = []
    for path, file in zip(paths, asked, strict=True):
        for pair in file.pairs:
            if pair.id not in where:
                fault = SetFault(path.name, 1, pair.id, "no question of the document files has this id")
                raise BadQuestionSet("error.question_set", fault=fault)
            questions.append(_joined(file, pair, where[pair.id]))
    _refuse(notes)
    texts = {_document_id(source, number): text for source in sources for number, (_, text) in enumerate(source.paragraphs)}
    name = name or "+".join(dict.fromkeys(path.stem for path in (*paths, *documents)))
    return QuestionSet(name, questions=tuple(questions), documents=texts, notes=tuple(notes))


def _joined(file: _Squad, pair: _Pair, copies: Sequence[tuple[_Squad, _Pair]]) -> Question:
    evidence = tuple(
        dict.fromkeys(Gold(_document_id(source, copy.paragraph), text, start) for source, copy in copies for text, start in copy.answers)
    )
    answers = [text for text, _ in pair.answers] + [text for _, copy in copies for text, _ in copy.answers]
    languages = "+".join(dict.fromkeys(source.language for source, _ in copies))
    article = file.paragraphs[pair.paragraph][0]
    return Question(
        id=f"{pair.id}.{file.asked_in}",
        question=pair.question,
        language=file.asked_in,
        answers=tuple(dict.fromkeys(answers)),
        evidence=evidence,
        answerable=bool(evidence),
        direction=f"{file.asked_in}-{languages}",
        split="report" if article % 2 else "calibrate",
    )


def _document_id(file: _Squad, paragraph: int) -> str:
    return f"{file.language}/{paragraph:05d}.txt"


def _squad(path: Path, notes: list[SetFault]) -> _Squad:
    raw = _text_of(path)
    try:
        articles = json.loads(raw)["data"]
        listed = [(number, paragraph) for number, article in enumerate(articles) for paragraph in article["paragraphs"]]
        # MLQA and XQuAD repeat no paragraph, SQuAD and ARCD do: the same text is one document.
        texts: dict[str, int] = {}
        paragraphs: list[tuple[int, str]] = []
        pairs: list[_Pair] = []
        for article, paragraph in listed:
            text = nfc(paragraph["context"]).lstrip("\ufeff")
            if text not in texts:
                texts[text] = len(paragraphs)
                paragraphs.append((article, text))
            for row in paragraph["qas"]:
                pairs.append(_pair(path, raw, row, paragraph["context"], text, texts[text], notes))
    except json.JSONDecodeError as error:
        raise BadQuestionSet("error.question_set", fault=SetFault(path.name, error.lineno, "", f"no JSON: {error.msg}")) from error
    except (KeyError, TypeError, AttributeError) as error:
        fault = SetFault(path.name, 1, "", f"not in the SQuAD format: {type(error).__name__} {error}")
        raise BadQuestionSet("error.question_set", fault=fault) from error
    for id, count in Counter(pair.id for pair in pairs).items():
        if count > 1:
            notes.append(SetFault(path.name, _line_of(raw, id), id, f"this id is given to {count} questions"))
    written, asked = _spoken(text for _, text in paragraphs), _spoken(pair.question for pair in pairs)
    return _Squad(written, asked, tuple(paragraphs), tuple(pairs))


def _pair(path: Path, raw: str, row: JsonRow, context: str, text: str, paragraph: int, notes: list[SetFault]) -> _Pair:
    id = str(row["id"])
    answers: dict[tuple[str, int], None] = {}
    for answer in [] if row.get("is_impossible") else row["answers"]:
        wanted = nfc(answer["text"]).strip()
        if not wanted:
            continue
        given = len(nfc(context[: int(answer["answer_start"])]).lstrip("\ufeff"))
        start = _nearest(text, wanted, given)
        if start is None:
            message = f"the answer «{wanted}» is not in the paragraph; the whole paragraph is taken as evidence"
            notes.append(SetFault(path.name, _line_of(raw, id), id, message, grave=False))
            answers[text, 0] = None
            continue
        # A space before the answer is often counted as part of it.
        if abs(start - given) > 1:
            message = f"the answer «{wanted}» is not at {answer['answer_start']}; the nearest occurrence is taken"
            notes.append(SetFault(path.name, _line_of(raw, id), id, message, grave=False))
        answers[wanted, start] = None
    return _Pair(id, row["question"].strip(), paragraph, tuple(answers))


def _nearest(text: str, wanted: str, given: int) -> int | None:
    """Return the position of `wanted` in `text` nearest to `given`."""
    places, start = [], text.find(wanted)
    while start >= 0:
        places.append(start)
        start = text.find(wanted, start + 1)
    return min(places, key=lambda place: abs(place - given), default=None)


def _spoken(texts: Iterable[str]) -> str:
    """Return the most frequent language of the texts."""
    counts = Counter(detect(text) for text in texts)
    return counts.most_common(1)[0][0] if counts else "und"


def _line_of(raw: str, id: str) -> int:
    at = raw.find(f'"{id}"')
    return raw.count("\n", 0, max(at, 0)) + 1


def write_documents(texts: Mapping[str, str], folder: Path) -> None:
    """Write a set's own documents to a folder, one file each, so that they are indexed like any others."""
    for id, text in texts.items():
        path = folder / id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))


# --- validating -----------------------------------------------------------------------------------------------------------


@cache
def _validator(kind: SetKind) -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(resources.files("rag").joinpath("schemas/questions.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{kind}"})


def validate(path: Path, folder: Path | None = None) -> list[SetFault]:
    """Return every fault of a question set, in order of lines; empty if there is none.

    With the `folder` of its documents, each quote of a JSONL set must occur exactly once in its document.
    """
    if path.suffix != ".jsonl":
        notes: list[SetFault] = []
        try:
            _squad(path, notes)
        except BadQuestionSet as error:
            fault = error.fields.get("fault")
            return [*notes, fault] if isinstance(fault, SetFault) else notes
        return notes
    faults, rows = _checked_lines(path)
    if folder is not None:
        texts: dict[str, str | None] = {}
        for line, row in rows:
            faults += [SetFault(path.name, line, row["id"], message) for message in _quotes_missing(row, folder, texts)]
    return sorted(faults, key=lambda fault: fault.line)


def _refuse(faults: Sequence[SetFault]) -> None:
    grave = [fault for fault in faults if fault.grave]
    if grave:
        raise BadQuestionSet("error.question_set", fault=grave[0])


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadQuestionSet("error.question_file", path=path, reason=error) from error


def _checked_lines(path: Path) -> tuple[list[SetFault], list[tuple[int, JsonRow]]]:
    """Return the faults of a JSONL file, and the faultless lines with their numbers."""
    faults: list[SetFault] = []
    rows: list[tuple[int, JsonRow]] = []
    seen: dict[str, int] = {}
    for line, raw in enumerate(_text_of(path).split("\n"), start=1):
        if not raw.strip():
            continue
        id, messages = "", []
        try:
            row = json.loads(raw)
        except json.JSONDecodeError as error:
            messages = [f"no JSON: {error.msg} at column {error.colno}"]
        else:
            id = str(row["id"]) if isinstance(row, dict) and "id" in row else ""
            messages = list(_row_faults(row))
            if not messages and id in seen:
                messages = [f"the id is also that of line {seen[id]}"]
            if not messages:
                rows.append((line, row))
                seen[id] = line
        faults += [SetFault(path.name, line, id, message) for message in messages]
    if not faults and not rows:
        faults.append(SetFault(path.name, 1, "", "there is nothing in it"))
    return faults, rows


def _row_faults(row: Any) -> Iterator[str]:
    kind = kind_of(row) if isinstance(row, dict) else "question"
    for error in sorted(_validator(kind).iter_errors(row), key=lambda error: [str(part) for part in error.absolute_path]):
        place = ".".join(str(part) for part in error.absolute_path)
        yield f"{place}: {error.message}" if place else error.message
    if not unicodedata.is_normalized("NFC", json.dumps(row, ensure_ascii=False)):
        yield "it is not in Unicode's composed form (NFC)"


def _pieces(row: JsonRow) -> Iterator[JsonRow]:
    for part in row.get("turns", [row]):
        yield from part["evidence"]


def _quotes_missing(row: JsonRow, folder: Path, texts: dict[str, str | None]) -> Iterator[str]:
    for piece in _pieces(row):
        id = piece["document"]
        if id not in texts:
            path = folder / id
            texts[id] = nfc(decode(path.read_bytes(), id)) if path.is_file() else None
        text = texts[id]
        if text is None:
            yield f"there is no document {id} in {folder.name}"
        elif (count := text.count(piece["quote"])) != 1:
            yield f"the quote «{piece['quote']}» stands {count} times in {id}, not once"
