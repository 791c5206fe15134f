"""Reader feedback on an answer, stored as a line of a question set, so that a complaint becomes a test for the evaluation."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.errors import ShawahidError
from rag.files import write_atomically
from rag.library.identity import OPERATOR
from rag.library.views import View
from rag.messages import say
from rag.schema import Document
from rag.text.folding import nfc

READER = "reader-"
"""The prefix of ids of questions that come from reader feedback."""
KINDS = ("good", "wrong_answer", "wrong_source", "should_decline", "should_answer")
_LOCK = threading.Lock()


class BadFeedback(ShawahidError):
    """The feedback lacks something that a test needs."""

    http_status = 400


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
        answers = [right.strip()] if right.strip() else [] if kind in ("wrong_answer", "should_answer") else list(claims)
        if not answers:
            raise BadFeedback("ui.error_feedback_answer")
        given = [{"document": document, "quote": quote} for document, quote in quotes if quote.strip()]
        evidence = [_located(proof, documents())] if proof.strip() else [] if kind in ("wrong_source", "should_answer") else given
        if not evidence:
            raise BadFeedback("ui.error_feedback_proof")
    asked = nfc(" ".join(question.split())).casefold()
    return {
        "id": f"{READER}{hashlib.sha256(json.dumps([person, asked]).encode()).hexdigest()[:16]}",
        "question": question.strip(),
        "language": language,
        "answers": list(dict.fromkeys(answers)),
        "evidence": evidence,
        "answerable": answerable,
        "note": f"{say(f'ui.feedback_{kind}', 'en')} ({time.strftime('%Y-%m-%d')})",
    }


def record(path: Path, line: View) -> None:
    """Add a line to a question set, replacing an earlier line with the same id."""
    with _LOCK:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        kept = [text for text in before if text.strip() and json.loads(text).get("id") != line["id"]]
        with write_atomically(path) as part:
            part.write_text("\n".join([*kept, json.dumps(line, ensure_ascii=False)]) + "\n", encoding="utf-8", newline="\n")


def lines(path: Path) -> int:
    """Return the number of questions in a set."""
    return sum(bool(text.strip()) for text in path.read_text(encoding="utf-8").splitlines())


def _located(proof: str, documents: Sequence[Document]) -> View:
    """Return the one document that holds the sentence verbatim, ignoring differences in spaces and line ends."""
    wanted = nfc(proof.strip().strip("«»“”\"'"))
    places = [(document.id, wanted) for document in documents if document.text.count(wanted) == 1]
    if len(places) != 1:
        key = "ui.error_feedback_nowhere" if not any(wanted in document.text for document in documents) else "ui.error_feedback_twice"
        raise BadFeedback(key)
    return {"document": places[0][0], "quote": places[0][1]}
