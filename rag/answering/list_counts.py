"""Answers that count the items of a list: "How many decisions are in the minutes?", «كم شرطا للقبول؟».

Counted are the items of one list that is called by what the question counts, or the parts of a document that are numbered under that name
("Article 1" to "Article 12"). Nothing is counted unless every word of the question is explained by what the list stands under.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answering.citations import cite
from rag.answering.inquiry import Inquiry
from rag.answering.table_wording import AskedWord, Operation, TableQuestion, asks_for_computation, name_keys, turning_words
from rag.documents.tree import heading_paths
from rag.messages import say
from rag.retrieval.index import Index
from rag.schema import Answer, Block, BlockKind, Citation, Document, Evidence, Hit, Passage, Span, Status
from rag.text.clitics import without_article
from rag.text.language import script
from rag.text.numbers import Kind, Value, find_values
from rag.text.sentences import BULLETS
from rag.text.words import words

_DOCUMENTS = 4
"""Documents, of those found, whose lists are read."""
_LONGEST_DOCUMENT = 2_000_000
_MOST_SHOWN = 40
"""Items that are shown."""
_LONGEST_ITEM = 160
"""Characters of an item that are shown."""
_LONGEST_NAME = 14
"""Most words of a line by which a list is called."""
_FOLLOWING = frozenset(
    "following follows below are is were include includes namely التاليه الاتيه التالي الاتي كالتالي كالاتي هي هو وهي يلي ما كما".split()
)
"""Words at the end of a line that introduces a list, after its name."""
_OF = frozenset(
    "of for in on by to from at with that which who required needed taken made issued في من على عن الى التي الذي لدى عند".split()
)
"""Words after the name of what is listed."""


_Item = tuple[str, Span]


@dataclass(frozen=True, slots=True)
class ListedItems:
    """Items that are counted: the line or heading that they stand under, and of each the heading before it, "" for none, and its span in
    the document."""

    document: Document
    name: str
    items: tuple[_Item, ...]
    weight: int


def count_answer(inquiry: Inquiry, index: Index) -> Answer | None:
    """Return the number of items of the list that a question asks for, with the items cited; None if it does not ask for a number, or it is
    not certain which list is meant. Raises IndexCorrupt."""
    question = asks_for_computation(inquiry.query.text)
    if question is None or question.operation is not Operation.COUNT:
        return None
    noun = _noun(question)
    if noun is None:
        return None
    found: list[ListedItems] = []
    for document_id, title in list({hit.passage.document_id: hit.passage.title for hit in inquiry.hits}.items())[:_DOCUMENTS]:
        document = index.document(document_id)
        if document is not None and document.blocks and len(document.text) <= _LONGEST_DOCUMENT:
            found += _lists(question, noun, document, title)
    best = [one for one in found if one.weight == max(each.weight for each in found)]
    if len(best) != 1:
        return None
    counted = say("answer.list_count", inquiry.language, name=best[0].name.rstrip(" :"))
    return written_list(inquiry, best[0], index.passages_of(best[0].document.id), f"{len(best[0].items)}\n{counted}")


def _noun(question: TableQuestion) -> int | None:
    """Return the index of the word that says what is counted: the first, which follows "how many"."""
    first = question.words[0] if question.words else None
    return 0 if first is not None and not first.is_filler and len(first.text) > 2 else None


def _lists(question: TableQuestion, noun: int, document: Document, title: str) -> list[ListedItems]:
    """Return the lists of a document that a question may mean, each with the number of its words that explain the question."""
    paths = heading_paths(document)
    about = document_words(document, title)
    found = []
    for name, path, items in [*_called(document, paths, question.words[noun]), *_numbered(document, question.words[noun])]:
        if not question.turns <= turning_words(name):
            continue
        explained = [*about, *(keys for text in (name, *path) for keys in name_keys(text))]
        weight = 0
        for at, word in enumerate(question.words):
            if at == noun:
                weight += 1
            elif any(word.keys & keys for keys in explained):
                weight += not word.is_filler
            elif not word.is_filler:
                break
        else:
            found.append(ListedItems(document, name, items, weight))
    return found


def document_words(document: Document, title: str) -> list[frozenset[str]]:
    """Return the keys of the words by which a document is called: of its titles and its file."""
    names = title, document.title, re.sub(r"\.\w{2,5}$", "", document.id.rsplit("/", 1)[-1])
    return [keys for text in names for keys in name_keys(text)]


def _called(document: Document, paths: Sequence[tuple[str, ...]], noun: AskedWord) -> list[tuple[str, tuple[str, ...], tuple[_Item, ...]]]:
    """Return the lists whose introduction, or without one whose heading, names what is counted."""
    found = []
    below = items_by_heading(document.blocks, paths)
    for items, at in list_runs(document.blocks):
        name, lead = list_name(document, paths, items, at)
        if not _names(name, noun) or _states_another(name, len(items)):
            continue
        if lead is None and below[paths[at]] != len(items):  # which of several lists is meant is open
            continue
        found.append((name, paths[at], tuple(("", item.span) for item in items)))
    return found


def list_name(document: Document, paths: Sequence[tuple[str, ...]], items: Sequence[Block], at: int) -> tuple[str, Span | None]:
    """Return what a list is called, whose first item is the block `at`, and the line that introduces it: also a paragraph right before it
    that does not end with a colon. Without one, it is called by the heading above it, "" without that too."""
    before = document.blocks[at - 1] if at else None
    lead = items[0].lead
    if lead is None and before is not None and before.kind is BlockKind.PARAGRAPH:
        lead = before.span
    if lead is not None:
        return " ".join(lead.of(document.text).split()), lead
    return paths[at][-1] if paths[at] else "", None


def list_runs(blocks: Sequence[Block]) -> list[tuple[list[Block], int]]:
    """Return the items of each list, those of nested lists left out, with the index of the first."""
    runs: list[tuple[list[Block], int]] = []
    last: int | None = None
    for at, block in enumerate(blocks):
        if block.kind is not BlockKind.ITEM:
            if block.kind in (BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.ROW):
                last = None
            continue
        same = runs and last is not None and runs[-1][0][0].lead == block.lead
        if same and block.level > runs[-1][0][0].level:
            continue
        if same and block.level == runs[-1][0][0].level:
            runs[-1][0].append(block)
        else:
            runs.append(([block], at))
        last = at
    return [run for run in runs if len(run[0]) >= 2]


def items_by_heading(blocks: Sequence[Block], paths: Sequence[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    """Return how many items of lists, nested ones too, stand below each heading."""
    return Counter(path for block, path in zip(blocks, paths, strict=True) if block.kind is BlockKind.ITEM)


def _names(line: str, noun: AskedWord) -> bool:
    """Return whether a line names what is counted: "The following decisions were taken:", «القرارات التالية:»; not only something that
    belongs to it ("Decisions of the members")."""
    spoken = words(line)
    if not spoken or len(spoken) > _LONGEST_NAME:
        return False
    while spoken and spoken[-1] in _FOLLOWING:
        spoken.pop()
    places = [at for at, word in enumerate(spoken) if _is_noun(word, noun)]
    if not places:
        return False
    at = places[0]
    if script(line) == "ar":
        return at == 0 or (at == len(spoken) - 1 and spoken[at].startswith("ال"))
    return at == len(spoken) - 1 or spoken[at + 1] in _OF | _FOLLOWING


def _is_noun(word: str, noun: AskedWord) -> bool:
    """Return whether a word of a document is what is counted, in whatever number: also «مواد» for «مادة», which Arabic forms within."""
    if next(iter(name_keys(word)), frozenset[str]()) & noun.keys:
        return True
    own = _consonants(word)
    return len(own) > 1 and own == _consonants(noun.text)


def _consonants(word: str) -> str:
    """Return the letters of an Arabic noun that its broken plural keeps, "" for any other word: «مد» of «مادة» and of «المواد»."""
    if word.isascii():
        return ""
    bare = without_article(word.removeprefix("لل"), 3)
    return re.sub("[اويئءه]", "", bare.removesuffix("ات"))


def _states_another(line: str, count: int) -> bool:
    """Return whether a line states a number that is not the number of items."""
    return any(
        value.number is not None and value.number != count for value in find_values(line) if value.kind is Kind.NUMBER and not value.unit
    )


def _numbered(document: Document, noun: AskedWord) -> list[tuple[str, tuple[str, ...], tuple[_Item, ...]]]:
    """Return the parts of a document that are numbered from one under the name of what is counted."""
    parts: list[tuple[int, _Item]] = []
    for block, following in zip(document.blocks, [*document.blocks[1:], None], strict=True):
        if block.kind not in (BlockKind.HEADING, BlockKind.ITEM, BlockKind.PARAGRAPH):
            continue
        text = block.span.of(document.text)[:60]
        spoken = words(text)[:1]
        values = find_values(text) if spoken and _is_noun(spoken[0], noun) else []
        number = _number_of(values[0]) if values else None
        if number is None or values[0].span.start > len(text.split()[0]) + 3:
            continue
        if block.kind is not BlockKind.HEADING:
            parts.append((number, ("", block.span)))
        elif following is not None and following.kind is not BlockKind.HEADING:  # no passage holds a heading
            parts.append((number, (" ".join(block.span.of(document.text).split()), following.span)))
    if len(parts) < 2 or [number for number, _ in parts] != list(range(1, len(parts) + 1)):
        return []
    return [(document.title or document.id, (), tuple(item for _, item in parts))]


def _number_of(value: Value) -> int | None:
    """Return the number of a part, whether it is read as a number or as a reference."""
    if value.number is not None:
        return int(value.number)
    return int(value.digits) if value.digits.isdigit() else None


def written_list(inquiry: Inquiry, listed: ListedItems, passages: Sequence[Passage], text: str) -> Answer | None:
    """Return an answer: the `text` that introduces a list, and the items, each with its citation; None if one is in no passage."""
    citations: list[Citation] = []
    cited: dict[int, Passage] = {}
    for number, (heading, span) in enumerate(listed.items[:_MOST_SHOWN], start=inquiry.number):
        at = bisect_right(passages, span.start, key=lambda passage: passage.span.start) - 1
        if at < 0 or span.start >= passages[at].span.end:
            return None
        shown = " ".join(span.of(listed.document.text).split()).lstrip(f"{BULLETS}+ ")
        line = shown if len(shown) <= _LONGEST_ITEM else f"{shown[:_LONGEST_ITEM].rsplit(' ', 1)[0]} …"
        text += f"\n• {heading}: " if heading else "\n• "
        claim = Span(len(text), len(text) + len(line))
        text += f"{line} [{number}]"
        source = Evidence(passages[at], span, span.of(listed.document.text), 1.0)
        citations.append(replace(cite(number, source, claim), context=heading or listed.name))
        cited[passages[at].id] = passages[at]
    if len(listed.items) > _MOST_SHOWN:
        text += "\n" + say("answer.table_more", inquiry.language, count=len(listed.items) - _MOST_SHOWN)
    inquiry.confidence = 1.0
    answer = inquiry.answer(text, Status.ANSWERED, tuple(citations))
    hits = {hit.passage.id for hit in inquiry.hits}
    more = [Hit(passage, len(hits) + n, 0.0) for n, passage in enumerate((p for id, p in cited.items() if id not in hits), start=1)]
    return replace(answer, hits=(*answer.hits, *more))
