"""Answers that give a whole list: "List the steps of the process", «اذكر أمثلة السلوك غير المقبول».

The list is the one whose introduction or heading says what the question asks for, in nearly the same words: searching for its single items
finds some of them, next to sentences that are like the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answering.inquiry import Inquiry
from rag.answering.list_counts import ListedItems, document_words, items_by_heading, list_name, list_runs, written_list
from rag.answering.quotation import asks_for_every
from rag.answering.table_wording import AskedWord, Operation, asked_word, asks_for_computation, turning_words
from rag.documents.tree import heading_paths
from rag.messages import say
from rag.retrieval.index import Index
from rag.schema import Answer, Document
from rag.text.names import unmatched_names
from rag.text.words import stem, stop_stems, words

_LONGEST_DOCUMENT = 2_000_000
_LONGEST_NAME = 30
"""Most words of a line by which a list is called."""
_LEAST_ASKED, _LEAST_HEADED, _LEAST_NAMED = 0.75, 0.65, 0.5
"""The least share of the question's words that the list's name, headings and document explain; the same where the name has the first of
these words, which says what is listed; and the least share of the name's words that the question and the document explain."""
_LEAD = 0.15
"""How much better than the next one the list has to fit."""
_SAYING = frozenset(
    stem(word)
    for word in words(
        """many list name mention enumerate give everything all every each following include includes including follow
        اذكر اذكري عدد عددي اسرد سم سمي كل جميع جميعها تشمل تتضمن يشمل يتضمن التاليه الاتيه التالي الاتي يلي كما"""
    )
)
"""Stems of words that ask for a list or introduce one, and say nothing about what is in it."""


_ITEMS = frozenset(words("items things entries points بنود بندا عناصر عنصرا نقاط نقطة أشياء"))


@dataclass(frozen=True, slots=True)
class _Fit:
    listed: ListedItems
    fit: float


def list_answer(inquiry: Inquiry, index: Index) -> Answer | None:
    """Return the items of the list that a question asks for, or how many they are, each cited; None if it asks for no list, or none is
    called so.

    Raises IndexCorrupt.
    """
    question = inquiry.query.text
    counts = _counts_items(question)
    if not counts and not asks_for_every(question):
        return None
    asked = [word for word in _content(question) if not counts or word.text not in _ITEMS]
    if len(asked) < 2:
        return None
    found: list[_Fit] = []
    for document_id, title in {hit.passage.document_id: hit.passage.title for hit in inquiry.hits}.items():
        document = index.document(document_id)
        if document is not None and document.blocks and len(document.text) <= _LONGEST_DOCUMENT:
            found += _fitting(asked, question, document, title)
    found.sort(key=lambda one: -one.fit)
    if not found or (len(found) > 1 and found[0].fit - found[1].fit < _LEAD):
        return None
    best = found[0].listed
    above = say("answer.list_count" if counts else "answer.list_named", inquiry.language, name=best.name)
    return written_list(inquiry, best, index.passages_of(best.document.id), f"{len(best.items)}\n{above}" if counts else above)


def _counts_items(question: str) -> bool:
    """Return whether a question asks how many items a list has: "How many items are on the menu?"."""
    asked = asks_for_computation(question)
    return asked is not None and asked.operation is Operation.COUNT and bool(asked.words) and asked.words[0].text in _ITEMS


def _fitting(asked: Sequence[AskedWord], question: str, document: Document, title: str) -> Iterator[_Fit]:
    """Yield the lists of a document whose name says what is asked for, with how well it does, 0..1."""
    paths = heading_paths(document)
    about = document_words(document, title)
    below = items_by_heading(document.blocks, paths)
    for items, at in list_runs(document.blocks):
        name, lead = list_name(document, paths, items, at)
        if turning_words(name) != turning_words(question) or len(words(name)) > _LONGEST_NAME:
            continue
        if lead is None and below[paths[at]] != len(items):
            continue
        own = list(_content(name))
        above = [word for label in paths[at] for word in _content(label)]
        in_name = [word for word in asked if _among(word, own)]
        explained = [word for word in asked if word in in_name or _among(word, above) or any(word.keys & keys for keys in about)]
        named = [word for word in own if _among(word, asked) or any(word.keys & keys for keys in about)]
        share, match = len(explained) / len(asked), len(named) / max(len(own), 1)
        if not in_name or match < _LEAST_NAMED or share < (_LEAST_HEADED if asked[0] in in_name else _LEAST_ASKED):
            continue
        if unmatched_names(question, " ".join((title, document.id, name, *paths[at]))):
            continue
        listed = ListedItems(document, name.rstrip(" :"), tuple(("", item.span) for item in items), 0)
        yield _Fit(listed, 2 * share * match / (share + match) * len(in_name) / (len(in_name) + 1))


def _content(text: str) -> Iterator[AskedWord]:
    """Yield the words of a text that say what is listed."""
    for word in words(text):
        asked = asked_word(word)
        if not asked.is_filler and stem(word) not in stop_stems() and asked.keys.isdisjoint(_SAYING):
            yield asked


def _among(word: AskedWord, others: Sequence[AskedWord]) -> bool:
    return any(word.keys & other.keys for other in others)
