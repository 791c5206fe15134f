"""Prompt templates: plain text files with named fields, checked when they are loaded.

A template is a sequence of messages. A line `--- role ---` (system, user, assistant) opens each; fields stand in braces. The last
user message is the question to be asked, the pairs before it are examples.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rag.errors import PromptInvalid
from rag.schema import Evidence, History, Message, Prompt

FIELDS = {
    "answer": frozenset({"evidence", "question"}),
    "short": frozenset({"evidence", "question"}),
    "rewrite": frozenset({"history", "question"}),
    "translate": frozenset({"text"}),
}
"""The fields that each kind of template must have, and may have."""

_OPENS = re.compile(r"^--- (system|user|assistant) ---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Template:
    """The messages of one template file; `fixed` are those without fields, the same for every question."""

    name: str
    messages: tuple[tuple[str, str], ...]

    @classmethod
    def load(cls, path: Path) -> Template:
        """Read a template. Raises PromptInvalid when it is missing, has no user message, or has missing or unknown fields."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PromptInvalid("error.prompt_unreadable", path=path, reason=error) from error
        parts = _OPENS.split(text)
        messages = tuple((role, body.strip()) for role, body in zip(parts[1::2], parts[2::2], strict=True))
        if parts[0].strip() or not messages or messages[-1][0] != "user":
            raise PromptInvalid("error.prompt_form", path=path)
        kind = path.name.split(".")[0]
        wanted = FIELDS.get(kind, frozenset())
        for n, (_, body) in enumerate(messages):
            found = _fields(path, body)
            expected = wanted if n == len(messages) - 1 else frozenset()
            if found != expected:
                names = ", ".join(sorted("{" + name + "}" for name in wanted))
                raise PromptInvalid("error.prompt_fields", path=path, fields=names)
        return cls(path.name, messages)

    def fill(self, **fields: str) -> tuple[Message, ...]:
        """Return the messages with the fields of the last one filled in."""
        *fixed, (role, body) = self.messages
        return (
            *({"role": role, "content": _plain(text)} for role, text in fixed),
            {"role": role, "content": body.format(**fields)},
        )


def _plain(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _fields(path: Path, body: str) -> frozenset[str]:
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(body) if name is not None)
    except ValueError as error:
        raise PromptInvalid("error.prompt_unreadable", path=path, reason=error) from error


def prompts_dir() -> Path:
    """Return the folder of the bundled templates: next to the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parent.parent
    beside = package.parent / "prompts"
    return beside if beside.is_dir() else package / "prompts"


@lru_cache(maxsize=64)
def template(kind: str, language: str, folder: Path | None = None) -> Template:
    """Return the template of a kind for a question's language: `answer.ar.txt`, `answer.en.txt`, …"""
    return Template.load((folder or prompts_dir()) / f"{kind}.{'ar' if language == 'ar' else 'en'}.txt")


def format_sources(evidence: Sequence[Evidence]) -> str:
    """Return the sources as the prompt lists them, one numbered line each."""
    return "\n".join(f"[{number}] {' '.join(item.text.split())}" for number, item in enumerate(evidence, start=1))


def transcript(history: History, turns: int = 3) -> str:
    """Return the last few exchanges as the rewriting prompt lists them."""
    return "\n".join(f"Q: {turn.question}\nA: {' '.join(turn.answer.split())[:300]}" for turn in history[-turns:])


def answer_prompt(question: str, language: str, evidence: Sequence[Evidence], folder: Path | None = None, *, short: bool = False) -> Prompt:
    """Return the prompt that asks a question of numbered evidence, for a sentence or, with `short`, for the fewest words.

    Source *n* of it is `sources[n - 1]`.
    """
    kind = "short" if short else "answer"
    messages = template(kind, language, folder).fill(evidence=format_sources(evidence), question=question)
    return Prompt(messages, tuple(evidence))


def rewrite_prompt(question: str, language: str, history: History, folder: Path | None = None) -> tuple[Message, ...]:
    """Return the prompt that asks for a follow-up as a question that stands alone."""
    return template("rewrite", language, folder).fill(history=transcript(history), question=question)


def translation_prompt(text: str, language: str, folder: Path | None = None) -> tuple[Message, ...]:
    """Return the prompt that asks for a text in a language, "ar" or "en"."""
    return template("translate", language, folder).fill(text=text)
