"""Recognise follow-up questions and turn them into questions that can be searched for by themselves."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path

from rag.answering.ellipsis import spelled_out, stands_by_itself, without_asked, without_opening
from rag.answering.greeting import greeting_answer
from rag.answering.prompts import rewrite_prompt
from rag.models.generator import Generator
from rag.schema import History
from rag.text.clitics import BEGIN_WITH_AND
from rag.text.language import script
from rag.text.names import names
from rag.text.words import content_stems, words

_OPENERS = frozenset("""and but so then also و ثم لكن اذن ولماذا ومتي واين ومن وكيف وماذا وكم وهل ولم طيب وما ومين وليش""".split())
_REFERRING = frozenset("this these those then ones same former latter هما ذلك تلك هذا هذه هناك هولاء".split())
_PERSONS = frozenset(
    """he she it they him her them his hers its their theirs
    منه منها عنه عنها فيه فيها له لها لهم به بها عليه عليها اليه اليها معه معها""".split()
)
"""Words that refer to something named before: in the question itself, if enough of it precedes them."""
_RELATIVE = frozenset("الذي التي الذين اللذان اللذين اللتان اللتين اللاتي اللواتي".split())
_BEFORE_THAT = frozenset("is was are were about of in at on for to from by with before after like than since until why".split())
_BEFORE_ONE = frozenset("the which that this another other first second third last next only".split())
_THERE_IS = frozenset("is are was were".split())


_OF_IT = re.compile("[\u0620-\u064a]{3,}(?:ها|هما|هم|ه)[؟?.!]*$")  # «عمره», «كاتبها»
_NAMED = 3  # content words before a pronoun, among which is its antecedent
_SHORT, _LONG = 2, 3  # content words: fewer than the first can't stand alone, more than the second can


def needs_context(question: str) -> bool:
    """Return whether a question needs the conversation to be understood: it opens with a conjunction, refers to something unnamed, or is a
    fragment of fewer than three content words without a name."""
    spoken = words(question)
    if not spoken:
        return True
    meaning = len(content_stems(question))
    joined = spoken[0][0] == "و" and len(spoken[0]) > 3 and spoken[0] not in BEGIN_WITH_AND
    opens = spoken[0] in _OPENERS or (joined and meaning <= _LONG)
    attached = meaning <= _SHORT and any(map(_OF_IT.search, question.split()))
    refers = attached or any(_refers(spoken, place) for place in range(len(spoken)))
    return opens or refers or meaning < _SHORT or (meaning == _SHORT and spoken[0].isascii() and not names(question) and len(spoken) < 6)


def _refers(spoken: Sequence[str], place: int) -> bool:
    """Return whether a word of a question refers to something that the question does not name.

    "That" joins a clause to its noun more often than it points («the tweet that Musk replied to»), "one" counts («one of»), "there" states
    («are there»), and an Arabic pronoun resumes a relative one («الحاسوب الذي استُخدم فيه»).
    """
    word, before = spoken[place], spoken[:place]
    last = place == len(spoken) - 1
    if word == "that":
        return last or not before or before[-1] in _BEFORE_THAT
    if word == "one":
        return last or (bool(before) and before[-1] in _BEFORE_ONE)
    if word == "there":
        return not before or before[-1] not in _THERE_IS
    if word in _PERSONS:
        return _RELATIVE.isdisjoint(before) and len(content_stems(" ".join(before))) < _NAMED
    return word in _REFERRING


def with_topic(question: str, history: History) -> str:
    """Append the topic words of the conversation to a follow-up: those of the last question that stood alone.

    Nothing is guessed and no model is asked. Follow-ups find their evidence this way at least as often as when a small model rewrites them,
    which takes seconds and adds names nobody mentioned (docs/notes/follow-ups.md).
    """
    topic = next((turn.question for turn in reversed(history) if not needs_context(turn.question)), history[0].question)
    topic = without_asked(topic)
    said = set(content_stems(question))
    kept = [word.strip("؟?.,،؛:!«»\"'()") for word in topic.split() if content_stems(word) and not said.issuperset(content_stems(word))]
    return " ".join([question, *kept])


def standalone(
    question: str,
    language: str,
    history: History,
    generator: Generator | None = None,
    *,
    stop: threading.Event | None = None,
    prompts: Path | None = None,
) -> str:
    """Return a follow-up as a question that stands alone, or the question itself if it already does. Raises GenerationFailed.

    A generator rewrites it; without one, or if its rewriting is unusable, the result is the question `with_topic`.
    """
    history = [turn for turn in history if greeting_answer(turn.question) is None]  # a greeting is no topic
    if not history or not (needs_context(question) or without_opening(question) != question):
        return question
    if generator is None:
        return in_full(question, history)
    messages = rewrite_prompt(question, language, history, prompts)
    written = "".join(generator.stream(messages, max_tokens=60, language=language, stop=stop)).strip()
    first = written.splitlines()[0].strip() if written else ""
    # A rewriting in the wrong language or of excessive length is worth less than the question with its topic.
    usable = first and len(first) <= 300 and script(first) == language
    return first if usable else in_full(question, history)


def in_full(question: str, history: History) -> str:
    """Return a follow-up in full, by the rules of `rag.answering.ellipsis`, else by `with_topic`."""
    bare = without_opening(question)
    if bare != question and not needs_context(bare) and stands_by_itself(bare):
        return bare
    return spelled_out(question, history[-1].question) or with_topic(question, history)
