"""Reader feedback on an answer, stored as a line of a question set, so that a complaint becomes a test for the evaluation."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rag.errors import ShawahidError
from rag.files import make_private, write_atomically, write_error
from rag.library.identity import OPERATOR
from rag.library.views import View
from rag.messages import say
from rag.schema import Document
from rag.text.folding import nfc

READER = "reader-"
"""The prefix of ids of questions that come from reader feedback."""
KINDS = ("good", "wrong_answer", "wrong_source", "should_decline", "should_answer")
_LOCK = threading.Lock()
_MARK = 8
"""Hexadecimal digits of an id that stand for the person; as many follow that stand for the question."""
_MOST_PARTS, _LONGEST_PART = 50, 4000
"""Sentences, and quotations, of an answer that are kept, and characters of each."""


class BadFeedback(ShawahidError):
    """The feedback lacks something that a test needs."""

    http_status = 400


def question_set(folder: Path, collection: str) -> Path:
    """Return the question set that complaints about a collection go to."""
    return folder / f"{collection or 'questions'}.jsonl"


def as_question(
    kind: str,
    question: str,
    language: str,
    *,
    answered: bool,
    claims: Sequence[str] = (),
    quotes: Sequence[tuple[str, str]] = (),
    right: str = "",
    proof: str = "",
    person: str = OPERATOR,
    documents: Callable[[], Sequence[Document]] = tuple,
) -> View:
    """Return a question with its gold answer, in the form of rag/schemas/questions.schema.json.

    `claims` are the sentences of the answer, `quotes` (document id, quote) its citations, `right` the reader's own answer, and `proof` the
    sentence that supports it, which must occur in one of the `documents`. The id depends on the `person` and the question, so later
    feedback on the same question replaces earlier feedback. Raises BadFeedback.
    """
    if kind not in KINDS or not question.strip():
        raise BadFeedback("ui.error_feedback")
    answerable = answered if kind == "good" else kind != "should_decline"
    answers: list[str] = []
    evidence: list[View] = []
    if answerable:
        claims = [claim[:_LONGEST_PART] for claim in claims[:_MOST_PARTS]]
        answers = [right.strip()] if right.strip() else [] if kind in ("wrong_answer", "should_answer") else list(claims)
        if not answers:
            raise BadFeedback("ui.error_feedback_answer")
        given = [
            {"document": document, "quote": quote}
            for document, quote in quotes[:_MOST_PARTS]
            if quote.strip() and len(quote) <= _LONGEST_PART
        ]
        evidence = [_located(proof, documents())] if proof.strip() else [] if kind in ("wrong_source", "should_answer") else given
        if not evidence:
            raise BadFeedback("ui.error_feedback_proof")
    asked = nfc(" ".join(question.split())).casefold()
    return {
        "id": f"{READER}{_mark(person)}{_mark(person, asked)}",
        "question": question.strip(),
        "language": language,
        "answers": list(dict.fromkeys(answers)),
        "evidence": evidence,
        "answerable": answerable,
        "note": f"{say(f'ui.feedback_{kind}', 'en')} ({time.strftime('%Y-%m-%d')})",
    }


def record(path: Path, line: View) -> None:
    """Add a line to a question set, replacing an earlier line with the same id. Raises DiskFull, DiskFailed."""
    try:
        with _LOCK:
            make_private(path.parent)
            before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
            kept = [text for text in before if text.strip() and json.loads(text).get("id") != line["id"]]
            with write_atomically(path) as part:
                part.write_text("\n".join([*kept, line_text(line)]) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise write_error(path.parent, error) from error


def line_text(line: View) -> str:
    """Return a line as it is stored."""
    return json.dumps(line, ensure_ascii=False)


def feedback_bytes(folder: Path | None, person: str | None = None) -> int:
    """Return the bytes of a person's lines in the question sets of a folder, or of all lines."""
    if folder is None or not folder.is_dir():
        return 0
    begun = f'{{"id": "{READER}{_mark(person) if person else ""}'.encode()
    held = 0
    for path in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):
            held += sum(len(text) for text in path.read_bytes().splitlines(keepends=True) if text.startswith(begun))
    return held


def feedback_count(folder: Path | None, person: str) -> int:
    """Return the number of a person's lines in the question sets of a folder."""
    return sum(_is_of(person, text) for path in _sets(folder) for text in path.read_text(encoding="utf-8").splitlines())


def forget_feedback(folder: Path | None, person: str) -> None:
    """Delete a person's lines from the question sets of a folder. Raises DiskFull, DiskFailed."""
    for path in _sets(folder):
        try:
            with _LOCK:
                texts = path.read_text(encoding="utf-8").splitlines()
                kept = [text for text in texts if not _is_of(person, text)]
                if len(kept) == len(texts):
                    continue
                if not any(text.strip() for text in kept):
                    path.unlink()
                    continue
                with write_atomically(path) as part:
                    part.write_text("\n".join(kept) + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            raise write_error(path.parent, error) from error


def _sets(folder: Path | None) -> list[Path]:
    return sorted(folder.glob("*.jsonl")) if folder is not None and folder.is_dir() else []


def _is_of(person: str, text: str) -> bool:
    return text.startswith(f'{{"id": "{READER}{_mark(person)}')


def lines(path: Path) -> int:
    """Return the number of questions in a set."""
    return sum(bool(text.strip()) for text in path.read_text(encoding="utf-8").splitlines())


def _mark(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_MARK]


def _located(proof: str, documents: Sequence[Document]) -> View:
    """Return the one document that holds the sentence verbatim, ignoring differences in spaces and line ends."""
    wanted = nfc(proof.strip().strip("«»“”\"'"))
    places = [(document.id, wanted) for document in documents if document.text.count(wanted) == 1]
    if len(places) != 1:
        key = "ui.error_feedback_nowhere" if not any(wanted in document.text for document in documents) else "ui.error_feedback_twice"
        raise BadFeedback(key)
    return {"document": places[0][0], "quote": places[0][1]}
