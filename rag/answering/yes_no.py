"""Yes or no to a question that asks for it, only where a single sentence decides it.

The reader judges the question, as a claim, against each of the best sentences. That alone is not enough: it overlooks who says something,
and whether something must, may or only might be so. So a sentence decides only if it has the words, names and values of the question and
its modality, and neither reports somebody's words nor states an exception or a condition that the question does not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.attribution import is_reported
from rag.answering.checking.polarity import contrary, unsupported_act
from rag.documents.tree import CELL_SEPARATOR
from rag.models.reader import Reader
from rag.models.reader_input import ReadText
from rag.schema import Evidence, Span, join_context
from rag.text.folding import fold
from rag.text.language import script
from rag.text.names import unmatched_names
from rag.text.numbers import contradicts_values, find_values
from rag.text.words import content_stems, stem, words

_READ = 4
"""Sentences that are judged."""
_SURE_YES, _SURE_NO = 0.93, 0.95
"""Least probabilities of the reader for yes and for no."""
_LEAST_SHARED = 0.8
"""Least share of the question's content words that the sentence and its context have."""
_LEAD_AR = re.compile(r"^(?:[وف]?هل)\s+")
_LEAD_EN = re.compile(
    r"^(?:so |and |but |please )?(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would|should|may|might|must)\s+", re.IGNORECASE
)
_MODALS = (
    frozenset(
        "must shall required require requires obliged mandatory need needs يجب وجب يلزم يلتزم تلتزم يتعين الزامي الزاميه واجب".split()
    ),
    frozenset("may can allowed permitted entitled optional lawful يجوز يمكن يمكنني يمكنك يحق يستطيع مسموح يسمح".split()),
    frozenset("might could would possibly perhaps probably likely ربما قد لعل يحتمل محتمل".split()),
    frozenset("should ought encouraged recommended ينبغي يفضل يستحسن".split()),
)
"""Words of obligation, permission, possibility and advice."""
_EXCEPTS = frozenset(
    """unless except excluding if provided only otherwise until notwithstanding الا سوي باستثناء عدا اذا شرط بشرط شريطه فقط لولا حتي
    ريثما""".split()
)
"""Words of exceptions and conditions."""


def decide(question: str, evidence: Sequence[Evidence], reader: Reader) -> tuple[Evidence, bool] | None:
    """Return the sentence that decides a yes-no question, and whether for yes; None if none decides it, or two decide otherwise.

    Raises ModelCorrupt.
    """
    claim = claim_of(question)
    read = [
        item
        for item in evidence[:_READ]
        if CELL_SEPARATOR not in item.text and script(item.text) == script(claim) and _is_plain(question, claim, item)
    ]
    if not read:
        return None
    texts = [ReadText(item.text, (Span(0, len(item.text)),), item.passage.context) for item in read]
    found: list[tuple[float, Evidence, bool]] = []
    for item, verdict in zip(read, reader.judge(claim, texts), strict=True):
        around = _around(item)
        denied = contrary(claim, item.text, _unused)
        differs = bool(find_values(claim)) and contradicts_values(claim, around)
        if verdict.supported >= _SURE_YES and not (denied or differs or unsupported_act(claim, item.text)):
            found.append((verdict.supported, item, True))
        elif verdict.contradicted >= _SURE_NO and (denied or differs):
            found.append((verdict.contradicted, item, False))
    if not found or len({yes for _, _, yes in found}) > 1:
        return None
    _, item, yes = max(found, key=lambda each: each[0])
    return item, yes


def claim_of(question: str) -> str:
    """Return a yes-no question as a claim: without «هل», and in English without the verb that asks."""
    asked = " ".join(question.split()).strip(" ؟?.!")
    if script(asked) == "ar":
        return _LEAD_AR.sub("", asked)
    match = _LEAD_EN.match(asked)
    return asked[match.end() :] if match else asked


def _around(item: Evidence) -> str:
    """Return a sentence with what it stands under."""
    return f"{join_context((item.passage.title, *item.passage.path, item.lead))} {item.text}"


def _is_plain(question: str, claim: str, item: Evidence) -> bool:
    """Return whether a sentence is about all that a question says, as far as its words show, and states it itself, without a condition."""
    asked, known = content_stems(claim), set(content_stems(_around(item)))
    modal = {stem(word) for group in _MODALS for word in group}
    wanted = [word for word in asked if word not in modal and not word.isdigit()]
    if wanted and sum(word in known for word in wanted) / len(wanted) < _LEAST_SHARED:
        return False
    if unmatched_names(claim, f"{item.passage.document_id} {_around(item)}"):
        return False
    said, read = _forms(question), _forms(item.text)
    if any(bool(group & said) != bool(group & read) for group in _MODALS):
        return False
    return not (is_reported(item) or _EXCEPTS & read - said or "ما لم" in fold(item.text))


def _forms(text: str) -> frozenset[str]:
    """Return the words of a text, Arabic ones also without the letter of a conjunction."""
    found = words(text)
    return frozenset([*found, *(word[1:] for word in found if len(word) > 3 and word[0] in "وفب")])


def _unused(texts: Sequence[str], evidence: Sequence[str]) -> Sequence[Sequence[float]]:
    """Stand for similarities, which are not computed within one language."""
    raise AssertionError("both texts are in one script")
