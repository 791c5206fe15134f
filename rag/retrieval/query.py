"""A question as everything after it reads it: made once, and handed from search to the checked answer."""

from __future__ import annotations

from dataclasses import dataclass

from rag.arrays import Vectors
from rag.errors import BadQuestion
from rag.models.embedder import Embedder, query_tokens
from rag.models.tokens import Tokens
from rag.schema import Evidence
from rag.text.language import question_language, script
from rag.text.words import content_stems

LONGEST_QUESTION = 2000
"""Characters; a longer text is a document, not a question."""


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A question with everything that is derived from it.

    `language` is an ISO 639-1 code, or "und" for a text without letters (`rag.text.language.question_language`); `stems` are those of
    its content words, in order; `vector` is its unit vector, shape (dimension,), float32; `tokens` are empty where the embedder has
    none.
    """

    text: str
    language: str
    stems: tuple[str, ...]
    vector: Vectors
    tokens: Tokens

    @classmethod
    def of(cls, question: str, embedder: Embedder) -> Query:
        """Analyse and embed a question. Raises BadQuestion when it is empty or too long."""
        text = validate_question(question)
        return cls(text, question_language(text), tuple(content_stems(text)), *query_tokens(embedder, text))

    def shares_language(self, evidence: Evidence) -> bool:
        """Return whether a piece of evidence is in the question's language; a question without letters counts as English."""
        return in_language(evidence, "en" if self.language == "und" else self.language)


def in_language(evidence: Evidence, language: str) -> bool:
    """Return whether a piece of evidence is in a language: the one place where that is decided.

    Evidence is judged by its own script, so that an English sentence of an Arabic passage is English; without letters it has the language
    of its passage.
    """
    written = script(evidence.text)
    return (evidence.passage.language if written == "und" else written) == language


def answer_language(language: str) -> str:
    """Return the language of the answer to a question in some language: "ar" or "en"; English to a question without letters."""
    return "ar" if language == "ar" else "en"


def validate_question(question: str) -> str:
    """Return the question without the white space around it. Raises BadQuestion when it is empty or too long."""
    # Bytes of a command line that are no UTF-8 arrive as lone surrogates, which can't be stored, printed or tokenized.
    question = question.encode("utf-8", "replace").decode("utf-8").strip()
    if not any(character.isalnum() for character in question):
        raise BadQuestion("error.question_empty")
    if len(question) > LONGEST_QUESTION:
        raise BadQuestion("error.question_long", length=len(question), limit=LONGEST_QUESTION)
    return question
