"""Cases of questions and claims that were written for this project about real public documents.

`training/questions/` holds them. Each answered question has a companion that its document comes close to answering and does not. What was
copied from a document (evidence, and what looks like an answer) is given by its words, of a long one the first and last five.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from training.mix.case import CONTRADICTED, ENTAILED, NOT_STATED, Case, Range
from training.mix.facts import changed
from training.mix.public import is_stated
from training.product import Found, Library, folded, placed_words

QUESTIONS = Path(__file__).parent.parent / "questions"
GAP = " … "
"""What stands for the middle of words that were copied."""
_WIDTHS = (120, 230, 320)
"""Characters of the texts around what answers, or nearly does."""
ALONE = (1, 1, *_WIDTHS)
"""Widths of which some give the sentence alone, as the product judges claims."""
_SIMILAR = 1
"""Texts of the same document that share words with the question."""
_DRAWN = 1
"""Texts of the same document drawn at random: where the question is in the other language, no word shows which is close."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question that a document answers and one that it does not. `evidence` is the sentence, item or row that answers, `answer` the words
    in it, `near` what looks most like an answer to the second question; `items` are those of a list."""

    file: str
    question: str
    answer: str
    evidence: str
    items: tuple[str, ...] = ()
    unanswerable: str = ""
    near: str = ""
    kind: str = ""


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file, one a line."""
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def pairs(path: Path) -> Iterator[Pair]:
    """Yield the pairs of a file."""
    for one in records(path):
        yield Pair(**{**one, "items": tuple(one.get("items", ()))})


@cache
def aside(documents: Path = QUESTIONS / "documents.jsonl") -> frozenset[str]:
    """Return the documents that are held aside to measure on."""
    return frozenset(one["file"] for one in records(documents) if one.get("aside"))


def cases(folder: Path, rng: random.Random, questions: Path = QUESTIONS) -> Iterator[Case]:
    """Yield the cases of the questions and claims about the documents of a folder."""
    library = Library(folder)
    for pair in pairs(questions / "questions.jsonl"):
        yield from _of_pair(pair, library, rng)
    yield from _of_claims(questions / "claims.jsonl", library, rng)


def claims(path: Path, folder: Path, rng: random.Random, widths: Sequence[int] = _WIDTHS) -> Iterator[Case]:
    """Yield the cases of a file of claims about the documents of a folder, against texts of one of some widths."""
    yield from _of_claims(path, Library(folder), rng, widths)


def answers_as_claims(path: Path, folder: Path, rng: random.Random) -> Iterator[Case]:
    """Yield the pairs of a file as claims about the documents of a folder: a question with the words that answer it, as the product judges
    what a question assumes. With its own answer it is stated, with another number contradicted, and the companion with what nearly answers
    it is not stated."""
    library = Library(folder)
    for pair in pairs(path):
        yield from _claims_of_pair(pair, library, rng)


def _claims_of_pair(pair: Pair, library: Library, rng: random.Random) -> Iterator[Case]:
    def texts(evidence: str) -> list[Found]:
        return library.around(pair.file, _matcher(evidence), [rng.choice(ALONE)])

    def case(name: str, question: str, words: str, text: Found, label: int) -> Case:
        claim = f"{question.strip().rstrip('?؟').strip()} {' '.join(plain(words).split())}".strip()
        kind = f"claim:pair:{name}"
        return Case("written", kind, claim, text.text, text.title, f"written/{pair.file}", text.blocks, None, claim=label)

    for text in texts(pair.evidence) if 0 < len(folded(pair.answer)) <= 12 else ():
        if _spans(pair, text, _gold(pair, text)):
            yield case("true", pair.question, pair.answer, text, ENTAILED)
            if (other := changed(pair.answer, rng)) != pair.answer:
                yield case("false", pair.question, other, text, CONTRADICTED)
    for text in texts(pair.near) if pair.unanswerable and pair.near else ():
        # What the product would take for the answer: a few words of what nearly answers, or those of the pair itself.
        near = pair.answer if pair.near == pair.evidence and len(folded(pair.answer)) <= 12 else pair.near
        if GAP not in near and len(folded(near)) <= 12:
            yield case("absent", pair.unanswerable, near, text, NOT_STATED)


def _of_claims(path: Path, library: Library, rng: random.Random, widths: Sequence[int] = _WIDTHS) -> Iterator[Case]:
    for one in records(path):
        yield from _of_claim(one, library, rng, widths)


def plain(words: str) -> str:
    """Return words copied from a file without the addresses of links and the tags of HTML."""
    return re.sub(r"\]\([^)]*\)|<[^>]*>|\{\{.*?\}\}|https?://\S+", " ", words)


def matching(evidence: str, blocks: Sequence[str]) -> list[int]:
    """Return which of some blocks are what was copied from a file, though a row has its columns' names between its values here.

    These are the blocks that consist of words of it, else the one that holds most of its words; of words with a gap, all blocks from the
    one that holds those before it to the one that holds those after.
    """
    ends = [Counter(folded(plain(part))) for part in evidence.split(GAP)]
    counts = [Counter(folded(block)) for block in blocks]
    if len(ends) == 2:
        first, last = (_holder(end, counts, 0.6) for end in ends)  # five words may be of two sentences
        return list(range(first, last + 1)) if first is not None and last is not None and first <= last else []
    wanted = sum(ends, Counter[str]())
    within = [n for n, count in enumerate(counts) if count.total() >= 3 and (count & wanted).total() >= 0.85 * count.total()]
    holder = _holder(wanted, counts)
    return within or ([] if holder is None else [holder])


def _holder(wanted: Counter[str], counts: Sequence[Counter[str]], least: float = 0.9) -> int | None:
    """Return the block that holds most of some words, and the least share of them; of equals the shortest."""
    shared = [(count & wanted).total() for count in counts]
    best = max(range(len(counts)), key=lambda n: (shared[n], -counts[n].total()), default=None)
    return best if best is not None and shared[best] >= least * wanted.total() > 0 else None


def place(words: str, text: str) -> Range | None:
    """Return where words stand in a text, compared word by word without marks and signs of vowels; None if they do not."""
    wanted = folded(words)
    found, spans = placed_words(text)
    for first in range(len(found) - len(wanted) + 1) if wanted else ():
        if found[first : first + len(wanted)] == wanted:
            return spans[first][0], spans[first + len(wanted) - 1][1]
    return None


def _matcher(evidence: str) -> Callable[[Sequence[str]], list[int]]:
    return partial(matching, evidence)


def _blocks(text: Found) -> list[str]:
    return [text.text[start:end] for start, end in text.blocks]


def _of_pair(pair: Pair, library: Library, rng: random.Random) -> Iterator[Case]:
    document = f"written/{pair.file}"

    def others(question: str) -> list[Found]:
        return [*library.similar(pair.file, question, _SIMILAR), *library.drawn(pair.file, _DRAWN, rng)]

    def case(kind: str, question: str, text: Found, answers: int, gold: list[int], spans: list[Range] | None) -> Case:
        return Case("written", kind, question, text.text, text.title, document, text.blocks, gold, spans, answers)

    for text in library.around(pair.file, _matcher(pair.evidence), rng.sample(_WIDTHS, 2)):
        if gold := _gold(pair, text):
            yield case("answer", pair.question, text, 1, gold, _spans(pair, text, gold))
    for text in others(pair.question):
        if not _gold(pair, text) and not (pair.answer and is_stated(pair.answer, text.text)):
            yield case("not", pair.question, text, 0, [], [])
    if pair.unanswerable:
        width = rng.choice(_WIDTHS)
        near = [text for one in dict.fromkeys((pair.near, pair.evidence)) for text in library.around(pair.file, _matcher(one), [width])]
        for text in {text.text: text for text in (*near, *others(pair.unanswerable)[:1])}.values():
            yield case(f"close:{pair.kind}", pair.unanswerable, text, 0, [], [])


def _of_claim(one: dict[str, Any], library: Library, rng: random.Random, widths: Sequence[int] = _WIDTHS) -> Iterator[Case]:
    """Yield a true claim, a false one and one that is not stated about the same words of a document."""
    for text in library.around(one["file"], _matcher(one["evidence"]), [rng.choice(widths)]):
        gold = matching(one["evidence"], _blocks(text))
        for name, label in (("true", ENTAILED), ("false", CONTRADICTED), ("absent", NOT_STATED)):
            deciding = gold if label != NOT_STATED else None
            document, kind = f"written/{one['file']}", f"claim:{one['kind']}"
            yield Case("written", kind, one[name], text.text, text.title, document, text.blocks, deciding, claim=label)


def _gold(pair: Pair, text: Found) -> list[int]:
    """Return the blocks of a text that answer."""
    blocks = _blocks(text)
    return sorted({n for one in (pair.evidence, *pair.items) for n in matching(one, blocks)})


def _spans(pair: Pair, text: Found, gold: Sequence[int]) -> list[Range] | None:
    """Return where the answer's words stand in the blocks that answer, those of each item of a list; None if they do not."""
    found = []
    for words in pair.items or (pair.answer,):
        if not words or len(folded(words)) > 25:
            return None
        for n in gold:
            start, end = text.blocks[n]
            if where := place(plain(words), text.text[start:end]):
                found.append((start + where[0], start + where[1]))
                break
    return found or None
