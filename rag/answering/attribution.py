"""Who says it: somebody's words in a document are answered as theirs, and an accusation with its denial.

Words that report, accuse and deny show that a sentence is somebody's words; the reader finds whose.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.assumptions import assumes_event
from rag.answering.quotation import asks_whether
from rag.models.reader import Reader
from rag.models.reader_input import ReadText
from rag.schema import Evidence, Passage, Span
from rag.text.folding import fold
from rag.text.language import script
from rag.text.words import content_stems, word_spans, words

_SAYS = frozenset(
    words(
        """said says saying claimed alleged alleges allegedly argued argues asserted asserts testified reportedly insisted warned
        accused accuses tweeted
        قال قالت قالوا يقول تقول قائلا قائلة صرح صرحت مصرحا مصرحين زعم زعمت يزعم ادعى ادعت يدعي اتهم اتهمت يتهم جادل جادلت مضيفا حسبما"""
    )
)
"""Words by which a text reports what somebody says."""
_STATES = frozenset(
    words(
        """told wrote writes reported reports believes believed added
        كتب كتبت ذكر ذكرت أضاف أضافت أفاد أفادت أعلن أعلنت أكد أكدت"""
    )
)
"""Words that report only before what was said: not where somebody wrote a song."""
_SAID_NEXT = re.compile(r"(?:[^\w.!?؟\n]*\w+){0,6}?[^\w.!?؟\n]*(?:\bthat\b|(?<!\w)[أإ]ن(?:ه|ها|هم)?(?!\w)|[:\"“«])")
"""Matches what follows a word that reports up to the beginning of what was said."""
_ACCUSES = frozenset(
    words(
        """accuse accuses accused accusation accusations accusing allege alleges alleged allegedly allegation allegations
        claim claims claimed charged indicted indictment suspect guilty blame blamed lawsuit plaintiff plaintiffs prosecutors
        اتهم اتهمت يتهم تتهم اتهام اتهامات الاتهام الاتهامات تهمة التهمة المتهم زعم مزاعم المزاعم ادعى ادعت ادعاء ادعاءات دعوى مذنب مذنبة"""
    )
)
"""Words that accuse somebody."""
_DENIES = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|not guilty)\b"
    r"|\b(?:allegation|claim|accusation|report)s? (?:is|are|was|were)\b.*\b(?:false|untrue|unfounded)\b"
    r"|(?<!\w)[وف]?(?:نفي|نفت|نفوا|ينفي|تنفي|ينفون|ينفيه|تنفيه|انكر|انكرت|انكروا|ينكر|تنكر|غير مذنب)(?!\w)"
)
"""Matches a denial, in folded text."""
_NEAR = 3
"""The most words between a speaker and the word that reports, which follows."""
_BEFORE_SPEAKER = frozenset(("to", "the"))
"""Words between a word that reports and a speaker: "according to the council"."""
_LONGEST_SPEAKER = 8
"""Words."""
_SPANS = 6
_LEAST = 0.05
"""The least probability of a speaker that stands next to a word that reports."""
_MARKS = " \t\n.,;:،؛\"'“”«»()[]"


def speaker_of(reader: Reader | None, passage: Passage, quoted: Span, direct: Span | None = None) -> str | None:
    """Return who says what is quoted from a passage: as the document names them, "" if that is not found, None if nobody is reported.

    It is somebody's words if a word around the `direct` ones reports them, or if they stand inside quotation marks. Raises ModelCorrupt.
    """
    start, end = quoted.start - passage.span.start, quoted.end - passage.span.start
    if start < 0 or end > len(passage.text):
        return None
    own = Span(direct.start - passage.span.start, direct.end - passage.span.start) if direct is not None else None
    verbs = [span for span in _reports(passage.text, Span(start, end)) if own is None or not span.overlaps(own)]
    if own is not None and verbs and _speaks(passage.text, own, verbs, near=0):
        return None  # the words that answer say who speaks
    region = Span(start, end)
    if not verbs:
        if not _inside_quotation(passage.text, own.start if own is not None else start):
            return None
        region = _with_neighbours(passage, quoted)
        verbs = _reports(passage.text, region)
    if reader is None or not verbs:
        return ""
    text = region.of(passage.text)
    asked = "من قال ذلك؟" if script(text) == "ar" else "Who said that?"
    reading = reader.read(asked, [ReadText(text, (Span(0, len(text)),), "")], spans=_SPANS)[0]
    for one in reading.spans:
        found = Span(region.start + one.span.start, region.start + one.span.end)
        if one.probability >= _LEAST and _speaks(passage.text, found, verbs) and (own is None or not found.overlaps(own)):
            return " ".join(found.of(passage.text).strip(_MARKS).split())
    return ""


def quoted_speaker(reader: Reader | None, passage: Passage, quoted: Span) -> str | None:
    """Return who says a sentence that stands inside quotation marks and does not name its speaker itself: as the document names them, "" if
    that is not found, None for any other sentence. Raises ModelCorrupt."""
    start, end = quoted.start - passage.span.start, quoted.end - passage.span.start
    if start < 0 or end > len(passage.text) or _reports(passage.text, Span(start, end)) or not _inside_quotation(passage.text, start):
        return None
    return speaker_of(reader, passage, quoted)


def is_reported(evidence: Evidence) -> bool:
    """Return whether a sentence is, or has, somebody's words."""
    passage = evidence.passage
    start = evidence.span.start - passage.span.start
    return bool(_reports(evidence.text, Span(0, len(evidence.text)))) or _inside_quotation(passage.text, start)


def denial_of(evidence: Evidence, question: str, candidates: Sequence[Evidence]) -> Evidence | None:
    """Return the sentence of the same document that denies what a piece of evidence reports, or what the question assumes or accuses
    somebody of; None if the evidence is itself a denial, or nothing about the same is denied there.

    It is about the same if it stands in the same passage, or has two content words in common.
    """
    said = evidence.text
    if _DENIES.search(fold(said)):
        return None
    if not (_accuses(f"{question} {said}") or asks_whether(question) or assumes_event(question) or is_reported(evidence)):
        return None
    about = set(content_stems(f"{question} {said}"))
    for other in candidates:
        if other.passage.document_id != evidence.passage.document_id or not _DENIES.search(fold(other.text)):
            continue
        if other.passage.id == evidence.passage.id or len(about & set(content_stems(other.text))) > 1:
            return other
    return None


def _accuses(text: str) -> bool:
    return not _ACCUSES.isdisjoint(form for word in words(text) for form in (word, word[1:]))


def _reports(text: str, within: Span) -> list[Span]:
    """Return where a part of a text has words that report."""
    found = [Span(within.start + span.start, within.start + span.end) for span in word_spans(within.of(text))]
    return [span for span in found if _is_report(text, span)]


def _is_report(text: str, span: Span) -> bool:
    """Return whether a word of a text reports what somebody says."""
    spoken = words(span.of(text))[0]
    forms = {spoken, spoken[1:]} if len(spoken) > 3 and spoken[0] in "وف" else {spoken}
    return not _SAYS.isdisjoint(forms) or (not _STATES.isdisjoint(forms) and _SAID_NEXT.match(text, span.end) is not None)


def _inside_quotation(text: str, at: int) -> bool:
    """Return whether a position stands inside quotation marks that are opened on its line, or right before an opening one."""
    line = Span(text.rfind("\n", 0, at) + 1, end if (end := text.find("\n", at)) >= 0 else len(text))
    before, after = text[line.start : at], text[at : line.end]
    opened = before.count("“") + before.count("«") - before.count("”") - before.count("»")
    if after[:1] in ('"', "“", "«"):
        return True
    return (opened > 0 and ("”" in after or "»" in after)) or (before.count('"') % 2 == 1 and '"' in after)


def _with_neighbours(passage: Passage, quoted: Span) -> Span:
    """Return the sentences from the one before what is quoted to the one after it, as a span of the passage's text."""
    inside = [at for at, span in enumerate(passage.sentences) if span.overlaps(quoted)]
    if not inside:
        return Span(quoted.start - passage.span.start, quoted.end - passage.span.start)
    first, last = passage.sentences[max(inside[0] - 1, 0)], passage.sentences[min(inside[-1] + 1, len(passage.sentences) - 1)]
    return Span(first.start - passage.span.start, last.end - passage.span.start)


def _speaks(text: str, found: Span, verbs: Sequence[Span], near: int = _NEAR) -> bool:
    """Return whether words may name who speaks: few, without a word that reports, and next to one."""
    spoken = word_spans(found.of(text))
    if not 0 < len(spoken) <= _LONGEST_SPEAKER or _reports(text, found):
        return False
    for verb in verbs:
        if found.end <= verb.start and len(word_spans(text[found.end : verb.start])) <= near:
            return True
        if verb.end <= found.start and _BEFORE_SPEAKER.issuperset(between := words(text[verb.end : found.start])) and between != ["the"]:
            return True
    return False
