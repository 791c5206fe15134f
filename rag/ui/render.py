"""Convert records to what the page draws. Pure functions; every text is data, inserted by the page as text and never as markup.

Texts are cut here, in code points, because a browser counts UTF-16 units and would be off by one after each emoji.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from rag.library.views import View, about_view
from rag.messages import LANGUAGES, table
from rag.schema import Answer, Citation, Document, Evidence, Found, Grade, Passage, Span, Verdict

About = Mapping[str, Mapping[str, str]]
"""The metadata of documents by their ids."""

_MARKER = re.compile(r"([^\w\s\[]*)\s*\[([0-9]{1,3})\]")


def strings() -> dict[str, dict[str, str]]:
    """Return all strings of the interface: `{"en": {"send": ...}, "ar": {...}}`."""
    own = {key.removeprefix("ui."): texts for key, texts in table().items() if key.startswith("ui.")}
    return {language: {key: texts[language] for key, texts in own.items()} for language in LANGUAGES}


def source_view(passage: Passage, *spans: Span, about: About = MappingProxyType({}), words: Span | None = None) -> View:
    """Return a passage in pieces with the supporting sentences marked, and in them the words that answer.

    `start` and `end` are those of the first sentence in the document, `locator` is its page or row: a passage may run over several.
    """
    inside = [_within(span, passage) for span in spans]
    opened = spans[0] if spans else Span(passage.span.start, passage.span.start)
    locator = passage.locator_at(opened)
    return {
        "document": passage.document_id,
        **about_view(passage.document_id, about.get(passage.document_id, {})),
        "title": passage.title,
        "locator": locator if locator != f"§ {passage.title}" else "",
        "pieces": marked_pieces(passage.text, inside, _within(words, passage) if words else None),
        "quote": inside[0].of(passage.text) if inside else "",
        "start": opened.start,
        "end": opened.end,
    }


def documents_of(item: Found | Answer) -> list[str]:
    """Return the ids of the documents that views of it show, each once."""
    passages = [evidence.passage for evidence in item.evidence] + [hit.passage for hit in item.hits]
    cited = [citation.document_id for citation in item.citations] if isinstance(item, Answer) else []
    return list(dict.fromkeys([*cited, *(passage.document_id for passage in passages)]))


def passage_views(passages: Sequence[Passage], evidence: Sequence[Evidence], about: About = MappingProxyType({})) -> list[View]:
    """Return passages as a search found them, in order, each with its best sentences marked."""
    spans = _spans(evidence)
    return [source_view(passage, *spans.get(passage.id, ()), about=about) for passage in passages]


def found_view(found: Found, about: About = MappingProxyType({})) -> list[View]:
    """Return the search results, passage by passage, before the first word is written."""
    passages = {item.passage.id: item.passage for item in found.evidence}
    spans = _spans(found.evidence)
    return [source_view(passage, *spans[id], about=about) for id, passage in passages.items()]


def answer_view(answer: Answer, about: About = MappingProxyType({})) -> View:
    """Return a checked answer: paragraphs of pieces, each with the numbers of its citations, and one source for every number."""
    return {
        "status": answer.status.value,
        "language": answer.language,
        "text": answer.text,
        "paragraphs": _paragraphs(answer.text, answer.citations),
        "sources": _sources(answer, about),
        "nearest": _nearest(answer, about),
        "grade": answer.grade.value if answer.grade else "",
        "unverified": [item.claim.of(answer.draft) for item in answer.rejected if item.verdict is Verdict.MEANING],
        "searched": answer.searched,
        "first": answer.timing.first_token,
        "total": answer.timing.total,
    }


def span_of_quote(document: Document, span: Span, quote: str) -> Span | None:
    """Return where a quotation stands: at its span, else at the nearest place with the same words; None if the document has changed and no
    longer holds them. Line breaks and spaces may differ. Without a quotation, the span."""
    words = quote.split()
    if not words or span.of(document.text) == quote:
        return span
    found = re.finditer(r"\s+".join(map(re.escape, words)), document.text)
    return min((Span(*place.span()) for place in found), key=lambda place: abs(place.start - span.start), default=None)


def _spans(evidence: Sequence[Evidence]) -> dict[int, list[Span]]:
    """Return the supporting sentences by passage id, best first."""
    spans: dict[int, list[Span]] = {}
    for item in evidence:
        spans.setdefault(item.passage.id, []).append(item.span)
    return spans


def _within(span: Span, passage: Passage) -> Span:
    """Return the span relative to the start of the passage, cut to what lies inside it."""
    length = len(passage.text)
    start = min(max(span.start - passage.span.start, 0), length)
    return Span(start, min(max(span.end - passage.span.start, start), length))


def marked_pieces(text: str, spans: Sequence[Span], words: Span | None = None) -> list[View]:
    """Split the text into pieces `{"text", "mark"}`, in order and without loss; those of the words that answer have "words" too."""
    pieces: list[View] = []
    at = 0
    for span in sorted(spans):
        start = max(span.start, at)
        if start >= span.end:
            continue
        pieces.append({"text": text[at:start], "mark": False})
        if words is not None and start <= words.start and words.end <= span.end:
            pieces += [{"text": text[start : words.start], "mark": True}, {"text": words.of(text), "mark": True, "words": True}]
            start = words.end
        pieces.append({"text": text[start : span.end], "mark": True})
        at = span.end
    pieces.append({"text": text[at:], "mark": False})
    return [piece for piece in pieces if piece["text"]]


def _paragraphs(text: str, citations: Sequence[Citation]) -> list[list[View]]:
    """Split the text into paragraphs of pieces `{"text", "cites"}`; those of a machine translation have "translated" too.

    Only the markers that follow a cited claim, separated by closing marks at most, are links: «[2]» inside a claim is part of the source's
    own text.
    """
    numbers: dict[Span, set[int]] = {}
    for citation in citations:
        numbers.setdefault(citation.claim, set()).add(citation.number)
    translated = {citation.claim for citation in citations if citation.grade is Grade.TRANSLATED}
    pieces: list[_Piece] = []
    at = 0
    for claim in sorted(numbers):
        if claim.start < at:
            continue
        pieces += [_Piece(text[at : claim.start]), _Piece(claim.of(text), [], claim in translated)]
        at = claim.end
        while (marker := _MARKER.match(text, at)) and int(marker[2]) in numbers[claim]:
            if marker[1]:
                pieces.append(_Piece(marker[1]))
            pieces[-1].cites.append(int(marker[2]))
            at = marker.end()
    pieces.append(_Piece(text[at:]))
    return _split(pieces)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a text, the numbers after it, and whether it is a machine translation."""

    text: str
    cites: list[int] = field(default_factory=list)
    translated: bool = False


def _split(pieces: Iterable[_Piece]) -> list[list[View]]:
    paragraphs: list[list[View]] = [[]]
    for piece in pieces:
        *whole, last = piece.text.split("\n")
        for line in whole:
            if line.strip():
                paragraphs[-1].append({"text": line, "cites": []})
            paragraphs.append([])
        if last or piece.cites:
            view: View = {"text": last, "cites": piece.cites}
            paragraphs[-1].append(view | {"translated": True} if piece.translated else view)
    return [paragraph for paragraph in paragraphs if any(piece["text"].strip() or piece["cites"] for piece in paragraph)]


def _sources(answer: Answer, about: About) -> list[View]:
    """Return one source for each number, in order, with all sentences of the answer that cite it."""
    passages = _passages(answer)
    sources: dict[int, View] = {}
    for citation in sorted(answer.citations, key=lambda citation: (citation.number, citation.claim)):
        source = sources.get(citation.number)
        if source is None:
            source = sources[citation.number] = {"number": citation.number, **_cited(citation, passages, about), "claims": []}
        claim = citation.claim.of(answer.text)
        if claim not in source["claims"]:
            source["claims"].append(claim)
    return list(sources.values())


def _cited(citation: Citation, passages: dict[int, Passage], about: About) -> View:
    passage = passages.get(citation.passage_id)
    if passage is not None and citation.span.overlaps(passage.span):
        return source_view(passage, citation.span, about=about, words=citation.words)
    return {
        "document": citation.document_id,
        **about_view(citation.document_id, about.get(citation.document_id, {})),
        "title": citation.title,
        "locator": citation.locator,
        "pieces": [{"text": citation.quote, "mark": True}],
        "quote": citation.quote,
        "start": citation.span.start,
        "end": citation.span.end,
    }


def _nearest(answer: Answer, about: About) -> list[View]:
    """Return the retrieved passages that the answer does not cite: all there is to read if it declines."""
    cited = {citation.passage_id for citation in answer.citations}
    spans = _spans(answer.evidence)
    return [source_view(passage, *spans.get(id, ()), about=about) for id, passage in _passages(answer).items() if id not in cited][:5]


def _passages(answer: Answer) -> dict[int, Passage]:
    """Return every passage of the answer by its id, those with evidence first."""
    passages = [item.passage for item in answer.evidence] + [hit.passage for hit in answer.hits]
    return {passage.id: passage for passage in passages}
