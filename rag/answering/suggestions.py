"""Suggested questions: made from the documents, each kept only because it is answered with a quotation of the words it was made from.

They are made while nobody waits, kept next to the index, and made again when their document, or what else is indexed, has changed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from rag.answering.chatbot import Chatbot
from rag.answering.suggestion_candidates import Candidate, candidates
from rag.errors import BadQuestion, DiskFailed, DiskFull
from rag.files import writing
from rag.retrieval.index import Index
from rag.schema import Answer, Citation, Span, Status
from rag.storage.suggestions import DocumentSuggestions, Suggestion, read_suggestions, write_suggestions
from rag.text.language import question_language
from rag.text.words import content_stems

SHOWN = 3
"""Questions that are suggested at a time."""
_ENOUGH = 8
"""Questions of a document after which no more are tried."""
_ENOUGH_IN_EACH = 2
"""Of these in each language, where candidates in both are left."""
_TRIED = 40
"""Candidates of a document that are tried at most."""
_DOCUMENTS = 8
"""Documents from which the questions at the start are taken."""

_OF_TABLES = ("table", "greatest")
"""Kinds of questions of which a table answers several."""


def suggestions_of(index: Index) -> dict[str, DocumentSuggestions]:
    """Return what is kept of the documents that are still as they were, and was answered by these models. Raises IndexCorrupt."""
    kept = read_suggestions(index.folder)
    infos = index.infos(list(kept))
    return {id: one for id, one in kept.items() if id in infos and infos[id].sha256 == one.sha256}


def opening_suggestions(kept: Mapping[str, DocumentSuggestions], language: str, count: int = SHOWN) -> list[Suggestion]:
    """Return questions to begin with: in the language where there are enough, of different documents and kinds, the surest first."""
    return _varied([one for document in kept.values() for one in document.suggestions], language, count)


def next_suggestions(
    kept: Mapping[str, DocumentSuggestions],
    language: str,
    cited: Sequence[tuple[str, Span]],
    asked: Collection[str],
    count: int = SHOWN,
) -> list[Suggestion]:
    """Return questions to go on with after an answer: about what stands near the spans cited, by id of document, then about the rest of
    these documents, then about others. A question that was `asked`, or that the spans cited answer, is left out."""
    known = {_key(question) for question in asked}
    free = [
        one
        for document in kept.values()
        for one in document.suggestions
        if _key(one.text) not in known and not any(id == one.document_id and span.overlaps(one.span) for id, span in cited)
    ]
    near = [one for one in free if any(id == one.document_id for id, _ in cited)]
    near.sort(key=lambda one: (one.language != language, _distance(one, cited)))
    chosen: list[Suggestion] = []
    for one in near:
        if len(chosen) < count and all(_key(one.text) != _key(other.text) for other in chosen):
            chosen.append(one)
    return chosen + _varied([one for one in free if one not in near], language, count - len(chosen))


def next_document(index: Index, models: str, wanted: Sequence[str] = ()) -> str | None:
    """Return the document that questions are to be made of next: of those `wanted`, else among those for the start; then one whose
    questions were answered over an earlier index. None if there is nothing to do. Raises IndexCorrupt."""
    kept = suggestions_of(index)
    generation = _generation(index)
    known = set(index.infos(wanted))
    spread = _spread(index.document_ids(), _DOCUMENTS)
    for id in [*(id for id in wanted if id in known), *spread]:
        one = kept.get(id)
        if one is None or not one.is_complete or one.models != models:
            return id
    return next((id for id, one in kept.items() if one.generation != generation or one.models != models), None)


def models_of(bot: Chatbot) -> str:
    """Return what identifies the models that answer without a generator: their answers do not change while it stays the same."""
    return f"{bot.index.embedder.fingerprint} {bot.reader.fingerprint if bot.reader else ''} {bot.calibration.least} {bot.calibration.sure}"


def make_suggestions(
    bot: Chatbot, document_id: str, stop: threading.Event | None = None, follow: Callable[[int, int], None] | None = None
) -> bool:
    """Make the questions of one document, or go on where it was left, and keep them. Ends when `stop` is set; what was found is kept.

    What is kept already is answered once more if the index has changed. Returns False where nothing could be written. Raises IndexBusy
    while somebody else writes the index, and the index's errors.
    """
    stop = stop or threading.Event()
    index, models = bot.index, models_of(bot)
    generation = _generation(index)
    document, info = index.document(document_id), index.infos([document_id]).get(document_id)
    if document is None or info is None:
        return True
    quoting = Chatbot(index, None, calibration=bot.calibration, reader=bot.reader)
    before = suggestions_of(index).get(document_id)
    same = before is not None and before.models == models
    one = before if before is not None and same else DocumentSuggestions(info.sha256, models, generation, 0, False, ())
    if one.generation != generation:
        kept = []
        for place, suggestion in enumerate(one.suggestions):
            if stop.is_set():
                return True
            answered = _answered(quoting, Candidate(suggestion.text, suggestion.language, suggestion.span, suggestion.kind), document_id)
            kept += [answered] if answered is not None else []
            if follow:
                follow(place + 1, len(one.suggestions))
        one = replace(one, generation=generation, suggestions=tuple(kept))
    possible = candidates(document, index.passages_of(document_id))[:_TRIED]
    while not one.is_complete and not stop.is_set():
        if one.tried >= len(possible) or _has_enough(one.suggestions, possible[one.tried :]):
            one = replace(one, is_complete=True)
            break
        candidate = possible[one.tried]
        found = None if _is_known(candidate, one.suggestions) else _answered(quoting, candidate, document_id)
        one = replace(one, tried=one.tried + 1, suggestions=(*one.suggestions, *([found] if found else [])))
        if follow:
            follow(one.tried, len(possible))
    return _keep(index, document_id, one)


def _answered(bot: Chatbot, candidate: Candidate, document_id: str) -> Suggestion | None:
    """Return a candidate with the confidence of its answer; None unless that is sure, quoted, and of the words it was made from."""
    if question_language(candidate.text) != candidate.language:
        return None
    try:
        answer = bot.ask(candidate.text)
    except BadQuestion:
        return None
    cited = _cited(answer, document_id)
    if (
        answer.status is not Status.ANSWERED
        or answer.language != candidate.language
        or not any(citation.span.overlaps(candidate.span) for citation in cited)
    ):
        return None
    span = next(citation.span for citation in cited if citation.span.overlaps(candidate.span))
    return Suggestion(candidate.text, candidate.language, document_id, span, round(answer.confidence, 4), candidate.kind)


def _cited(answer: Answer, document_id: str) -> list[Citation]:
    return [citation for citation in answer.citations if citation.document_id == document_id]


def _has_enough(found: Sequence[Suggestion], rest: Sequence[Candidate]) -> bool:
    if len(found) < _ENOUGH:
        return False
    languages = Counter(one.language for one in found)
    return all(languages[one.language] >= _ENOUGH_IN_EACH for one in rest)


def _is_known(candidate: Candidate, found: Sequence[Suggestion]) -> bool:
    """Return whether a candidate asks what a question that was kept asks: for the same words, in the same language."""
    same = [one for one in found if one.language == candidate.language and one.span.overlaps(candidate.span)]
    return any(candidate.kind not in _OF_TABLES or one.kind == candidate.kind == "greatest" for one in same)


def _keep(index: Index, document_id: str, one: DocumentSuggestions) -> bool:
    """Write what was made of a document, unless it was removed or changed meanwhile; return whether anything can be written."""
    try:
        with writing(index.folder):
            info = index.infos([document_id]).get(document_id)
            if info is not None and info.sha256 == one.sha256:
                write_suggestions(index.folder, {**suggestions_of(index), document_id: one})
    except (OSError, DiskFull, DiskFailed):
        return False
    return True


def _generation(index: Index) -> str:
    manifest = index.manifest()
    return f"{manifest.born} {manifest.documents} {manifest.passages} {manifest.next_passage}"


def _varied(found: Sequence[Suggestion], language: str, count: int) -> list[Suggestion]:
    """Return the surest questions, as different in document and kind as there are, in the language before the other."""
    rest = list(found)
    chosen: list[Suggestion] = []
    documents: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    while rest and len(chosen) < count:
        best = min(rest, key=lambda one: (one.language != language, documents[one.document_id] + kinds[one.kind], -one.confidence))
        chosen.append(best)
        documents[best.document_id] += 1
        kinds[best.kind] += 1
        rest = [
            one for one in rest if _key(one.text) != _key(best.text) and not (one.document_id == best.document_id and one.span == best.span)
        ]
    return chosen


def _distance(one: Suggestion, cited: Sequence[tuple[str, Span]]) -> int:
    """Return the characters between a question's words and the nearest that were cited in its document."""
    return min(max(one.span.start - span.end, span.start - one.span.end, 0) for id, span in cited if id == one.document_id)


def _key(question: str) -> tuple[str, ...]:
    return tuple(sorted(set(content_stems(question)))) or (question,)


def _spread(ids: Sequence[str], count: int) -> list[str]:
    """Return at most `count` ids from all over a list."""
    return list(ids) if len(ids) <= count else [ids[place * len(ids) // count] for place in range(count)]
