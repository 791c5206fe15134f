"""A collection's own questions, made from what its readers said of answers, asked again one by one and judged."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.evaluation.questions import QuestionSet, read_lines
from rag.evaluation.records import Record, RecordFile
from rag.evaluation.run import evaluate
from rag.evaluation.scoring import is_right
from rag.library.views import View


def ask_own_question(chatbot: Chatbot, path: Path, number: int) -> View:
    """Ask one question of a set, counted from 0, and return whether the answer is right: `{"question", "right", "of"}`.

    A question that the documents don't answer is right if the answer declines. Past the end there is only "of", the number of questions.
    Raises BadQuestionSet if the set, or its evidence, is not as it should be.
    """
    questions = read_lines(path).questions if path.is_file() else ()
    if not 0 <= number < len(questions):
        return {"of": len(questions)}
    question = questions[number]
    with tempfile.TemporaryDirectory() as scratch, RecordFile.open(Path(scratch) / "records.jsonl") as file:
        (record,) = evaluate(chatbot, QuestionSet("own", (question,)), file, {})
    assert isinstance(record, Record)
    right = not record.error and (is_right(record) if question.answerable else record.declined)
    return {"question": question.question, "right": right, "of": len(questions)}
