"""A question that follows up on earlier ones, as a question that can be searched for by itself."""

from __future__ import annotations

import threading
from pathlib import Path

from rag.generate import Generator
from rag.prompt import rewrite_prompt
from rag.schema import History
from rag.text import content_stems, script, words

_OPENERS = frozenset("""and but so then also و ثم لكن اذن ولماذا ومتي واين ومن وكيف وماذا وكم وهل ولم طيب وما ومين وليش""".split())
_REFERRING = frozenset(
    """he she it they him her them his hers its their theirs this that these those there then one ones same former latter
    هما ذلك تلك هذا هذه هناك هولاء منه منها عنه عنها فيه فيها له لها لهم به بها عليه عليها اليه اليها معه معها""".split()
)


def needs_context(question: str) -> bool:
    """Whether a question can hardly be understood without what was said before: it opens with a conjunction, refers to
    something unnamed, or is a fragment of fewer than three words that carry meaning."""
    spoken = words(question)
    if not spoken:
        return True
    opens = spoken[0] in _OPENERS
    refers = not _REFERRING.isdisjoint(spoken)
    return opens or refers or len(content_stems(question)) < 2


def standalone(
    question: str,
    language: str,
    history: History,
    generator: Generator | None = None,
    *,
    stop: threading.Event | None = None,
    prompts: Path | None = None,
) -> str:
    """A follow-up as a question that stands alone; the question itself when it does already. Raises GenerationFailed."""
    if not history or not needs_context(question):
        return question
    if generator is None:
        return f"{history[-1].question} {question}"
    messages = rewrite_prompt(question, language, history, prompts)
    written = "".join(generator.stream(messages, max_tokens=60, language=language, stop=stop)).strip()
    first = written.splitlines()[0].strip() if written else ""
    # A rewriting that lost the language or ran away is worth less than both questions side by side.
    usable = first and len(first) <= 300 and script(first) == language
    return first if usable else f"{history[-1].question} {question}"
