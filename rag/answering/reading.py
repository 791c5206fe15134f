"""Re-rank evidence with the reader, which reads question and text together after search has chosen what to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.confidence import USUAL_RANKING, RankingWeights, log_odds
from rag.answering.document_names import question_of
from rag.documents.tree import CELL_SEPARATOR
from rag.models.reader import Reader, Reading
from rag.models.reader_input import ReadText, around
from rag.schema import Evidence, Passage, Span
from rag.text.territories import territories

WINDOWS = 8
"""The number of windows that are read. Of 152 questions over 53 documents held aside, the answer is in one of 6 windows of different
passages for 0.901, in one of 8 around the best sentences, whichever passages they are of, for 0.947: all whose passage was found."""
_WIDTH = {"ar": 230, "en": 320}
"""Characters that are read of a passage around its best sentence, by language: what one window of the reader holds with the question and
the headings; Arabic takes more tokens."""
_SPANS = 6
"""The number of spans taken from each text; those in a sentence are its direct words."""
_ELSEWHERE = 0.05
"""The factor for a text about another country than the one asked about."""
CANDIDATES = 64
"""The number of sentences from which the windows to read are chosen."""


@dataclass(frozen=True, slots=True)
class JudgedSentence:
    """A sentence that was read: what the reader thinks of its text and of it, as a probability and as the sum of both log-odds, the words
    that answer, search's score from 0 to 1, and how much less like the question it is than the likest, at most 0."""

    evidence: Evidence
    answers: float
    judgement: float
    words: Span | None
    search: float
    likeness: float
    elsewhere: bool
    """Whether it is about another country than the question."""

    def strength(self, weights: RankingWeights) -> float:
        """Return the log-odds by which it is ranked."""
        found = weights.reader * self.judgement + weights.search * self.search + weights.likeness * self.likeness
        return found + math.log(_ELSEWHERE) if self.elsewhere else found


def read_evidence(
    reader: Reader, question: str, candidates: Sequence[Evidence], k: int, weights: RankingWeights = USUAL_RANKING
) -> tuple[tuple[Evidence, ...], float]:
    """Return the `k` best pieces of evidence, best first, and the probability that one of the texts read answers the question.

    `candidates` are sentences, best first by search. Windows around the first of them are read, each around one that no window holds yet.
    What was read is ranked by what the reader thinks of the text and of the sentence, and search of the sentence (together its `worth`,
    0..1); a text about another country than the question's counts little. What was not read keeps its order after that, with a worth of 0.
    With no candidates the probability is 0. Raises ModelCorrupt.
    """
    judged, answers = judge_sentences(reader, question, candidates)
    ranked = []
    for item in candidates:
        if (found := judged.get((item.passage.id, item.span))) is None:
            ranked.append(replace(item, worth=0.0, answers=None, words=None))
            continue
        worth = 1 / (1 + math.exp(-found.strength(weights)))
        ranked.append(replace(item, worth=worth, answers=found.answers * (_ELSEWHERE if found.elsewhere else 1.0), words=found.words))
    ranked.sort(key=lambda item: -item.worth)  # stable: what was not read keeps its order
    return tuple(ranked[:k]), answers


def judge_sentences(reader: Reader, question: str, candidates: Sequence[Evidence]) -> tuple[dict[tuple[int, Span], JudgedSentence], float]:
    """Return what is known of each candidate that was read, by passage and place, and the probability that one of the texts read answers.
    Raises ModelCorrupt."""
    windows = _windows(candidates)
    readings = _read(reader, question, windows)
    read: dict[tuple[int, Span], tuple[float, float, Span | None]] = {}
    for (passage, first, end), reading in zip(windows, readings, strict=True):
        start = passage.sentences[first].start
        words = [Span(start + one.span.start, start + one.span.end) for one in reading.spans]
        for span, block in zip(passage.sentences[first:end], reading.blocks, strict=True):
            inside = next((one for one in words if span.start <= one.start and one.end <= span.end), None)
            if reading.answers * block > read.get((passage.id, span), (-1.0,))[0]:
                read[passage.id, span] = reading.answers * block, log_odds(reading.answers) + log_odds(block), inside
    best, least = max((item.worth for item in candidates), default=0.0), min((item.worth for item in candidates), default=0.0)
    likest = max(map(_likeness, candidates), default=0.0)
    found = {
        key: JudgedSentence(
            item,
            *read[key],
            search=(item.worth - least) / max(best - least, 1e-9),
            likeness=_likeness(item) - likest,
            elsewhere=is_elsewhere(question, item),
        )
        for item in candidates
        if (key := (item.passage.id, item.span)) in read
    }
    return found, max((reading.answers for reading in readings), default=0.0)


def _read(reader: Reader, question: str, windows: Sequence[tuple[Passage, int, int]]) -> list[Reading]:
    """Return what the reader reads in each window, where the names of its document are left out of the question."""
    asked = [question_of(question, passage) for passage, _, _ in windows]
    texts = [ReadText.part(passage, first, end) for passage, first, end in windows]
    found: dict[int, Reading] = {}
    for wording in dict.fromkeys(asked):
        chosen = [at for at, other in enumerate(asked) if other == wording]
        found |= zip(chosen, reader.read(wording, [texts[at] for at in chosen], spans=_SPANS), strict=True)
    return [found[at] for at in range(len(windows))]


def _likeness(item: Evidence) -> float:
    """Return how like a sentence is to the question, and its passage token by token: what search's score, which compares the candidates
    with each other, does not keep."""
    return item.score + (item.match.passage if item.match else 0.0)


def _windows(candidates: Sequence[Evidence]) -> list[tuple[Passage, int, int]]:
    """Return the passages to read and which of their sentences, from the first up to the end: windows that may overlap."""
    found: list[tuple[Passage, int, int]] = []
    held: set[tuple[int, Span]] = set()
    for item in candidates:
        passage = item.passage
        if (passage.id, item.span) in held or item.span not in passage.sentences:
            continue
        if len(found) == WINDOWS:
            break
        first, end = around(passage, passage.sentences.index(item.span), _WIDTH["ar" if passage.language == "ar" else "en"])
        held.update((passage.id, span) for span in passage.sentences[first:end])
        found.append((passage, first, end))
    return found


def is_elsewhere(question: str, evidence: Evidence) -> bool:
    """Return whether the question names countries and the evidence is about others: by its row, or by its passage and the headings above
    it; False where either names none."""
    asked = territories(question)
    if not asked:
        return False
    passage = evidence.passage
    context = territories(f"{passage.context} {evidence.lead}")
    about = territories(evidence.text) if CELL_SEPARATOR in evidence.text else territories(passage.text) | context
    about = about or context
    return bool(about) and asked.isdisjoint(about)
