"""A question as everything after it reads it: made once, and handed from search to the checked answer."""

from __future__ import annotations

from dataclasses import dataclass

from rag.arrays import Vectors
from rag.errors import BadQuestion
from rag.models.embedder import Embedder, query_tokens
from rag.models.token_vectors import Tokens
from rag.retrieval.arguments import validate_text
from rag.schema import Evidence
from rag.text.language import is_in_language, question_language
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
        return is_in_language(evidence.text, "en" if self.language == "und" else self.language, evidence.passage.language)


def validate_question(question: str) -> str:
    """Return the question without the white space around it. Raises BadQuestion when it is empty or too long."""
    # Bytes of a command line that are no UTF-8 arrive as lone surrogates, which can't be stored, printed or tokenized.
    question = validate_text(question).encode("utf-8", "replace").decode("utf-8").strip()
    if not any(character.isalnum() for character in question):
        raise BadQuestion("error.question_empty")
    if len(question) > LONGEST_QUESTION:
        raise BadQuestion("error.question_long", length=len(question), limit=LONGEST_QUESTION)
    return question
