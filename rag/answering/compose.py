"""Composing answers from evidence: quoted, worded by a generator and checked, or short and copied from the source."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rag import tracing
from rag.answering.asked_value import asked_value, lacks_asked_value
from rag.answering.assumptions import assumes_event, is_stated
from rag.answering.attribution import denial_of, quoted_speaker, speaker_of
from rag.answering.checking.grades import grade_claim
from rag.answering.checking.judge import Checker, claims, echoes
from rag.answering.citations import cite
from rag.answering.column_likeness import ColumnLikeness
from rag.answering.confidence import Calibration
from rag.answering.declining import is_sure
from rag.answering.inquiry import Inquiry
from rag.answering.localization import localize_names, localize_value, localize_values
from rag.answering.prompts import answer_prompt
from rag.answering.quotation import Documents, Quotation, asks_whether, asks_who, quotation
from rag.answering.short_answer import find_short_answer
from rag.answering.table_wording import Operation, asks_for_computation
from rag.answering.translation import SourceTranslator, is_latin_name
from rag.answering.yes_no import decide
from rag.documents.tree import CELL_SEPARATOR
from rag.messages import say
from rag.models.embedder import Embedder
from rag.models.reader import Reader
from rag.models.translator import Translator
from rag.schema import Answer, Citation, Evidence, Grade, Message, Prompt, RejectedCitation, Span, Status, Verdict
from rag.text.language import script
from rag.text.names import add_other_spellings
from rag.text.romanization import latin_name
from rag.text.territories import territories

_LONGEST = 200
"""Most tokens of a draft."""
_PHRASE = 40
"""Most tokens of a short answer's draft."""
_POINTED = 2
"""How many sentences of evidence a short answer may be copied from."""
_MOST_FOREIGN_WORDS = 6
"""The most words of an English source that may stand alone in an Arabic answer; more stay in their sentence."""
_PHRASE_WORDS = 8
"""The most words that are translated alone; more are a clause, and their sentence is translated."""
_QUOTES = {
    (True, False): "answer.quote",
    (True, True): "answer.quote_under",
    (False, False): "answer.quote_foreign",
    (False, True): "answer.quote_foreign_under",
}
"""How a quotation is introduced: by whether it is in the answer's language, and whether it has a context to name."""
_CLOSE = 0.5
"""A neighbour of the best sentence is quoted with it when it lies in the upper half of the candidates' range of worth."""


_BRACKETED = re.compile(r"\(([A-Za-z][^()\u0600-\u06ff]{1,60})\)")


class Composer:
    """Composes the answers of one chatbot. Safe to share between threads.

    Without a `checker` every sentence of a draft is shown, without a `translator` quotations are not translated. `short` answers with the
    fewest words: in the language of the document they are copied from the source, and the draft only points at them. `documents` returns
    the tree that quotations are cut from. A `reader` judges whether a document states what a question assumes, and finds whose words a
    sentence reports; with an `embedder`, the name of a column confirms that its value is the one asked for.
    """

    def __init__(
        self,
        calibration: Calibration,
        checker: Checker | None,
        *,
        prompts: Path | None = None,
        short: bool = False,
        documents: Documents | None = None,
        translator: Translator | None = None,
        reader: Reader | None = None,
        embedder: Embedder | None = None,
    ) -> None:
        self._reader = reader
        self._embedder = embedder
        self._documents = documents
        self._translator = translator
        self._calibration = calibration
        self._checker = checker
        self._prompts = prompts
        self._short = short

    # --- what a generator is asked ----------------------------------------------------------------------------------------

    @property
    def longest(self) -> int:
        """The token limit of a draft."""
        return _PHRASE if self._short else _LONGEST

    @property
    def writes(self) -> bool:
        """Whether a generator is asked for any draft."""
        return self._short or "write" in {self._calibration.manner_same, self._calibration.manner_across}

    def opening(self, language: str) -> tuple[Message, ...]:
        """Return the prompt without question and evidence: what every prompt in a language begins with."""
        return answer_prompt("؟" if language == "ar" else "?", language, (), folder=self._prompts, short=self._short).messages

    def prompt(self, inquiry: Inquiry) -> Prompt | None:
        """Return the generator's prompt, or None if the evidence is quoted."""
        calibration = self._calibration
        manner = calibration.manner_same if inquiry.in_language(inquiry.evidence[0]) else calibration.manner_across
        if manner == "quote" and not self._short:
            return None
        sources = inquiry.evidence[:_POINTED] if self._copies(inquiry) else _spelled(inquiry)[: calibration.prompted]
        return answer_prompt(inquiry.query.text, inquiry.language, sources, folder=self._prompts, short=self._short)

    def quotation(self, inquiry: Inquiry) -> Quotation:
        """Return the quotation for an inquiry."""
        return self._quotation(inquiry.evidence[0], inquiry)

    def _quotation(self, evidence: Evidence, inquiry: Inquiry) -> Quotation:
        document = self._documents(evidence.passage.document_id) if self._documents else None
        columns = ColumnLikeness(self._embedder, inquiry.query) if self._embedder else None
        return quotation(evidence, document, inquiry.query.text, inquiry.evidence, columns)

    def _copies(self, inquiry: Inquiry) -> bool:
        """Return whether the answer is a short one in the document's own words."""
        return self._short and inquiry.in_language(inquiry.evidence[0])

    # --- answers ----------------------------------------------------------------------------------------------------------

    def quoted(
        self,
        inquiry: Inquiry,
        status: Status = Status.ANSWERED,
        rejected: tuple[RejectedCitation, ...] = (),
        stop: threading.Event | None = None,
    ) -> Answer:
        """Return the words of the best evidence that answer, then what they stand in, verbatim.

        Across languages the words come first if they are values, which are converted by rule, or names, or if a translation of them may be
        shown; else a translation of what they stand in. A list is quoted item by item. If the confidence is too low for an answer, the
        text says so first. Setting `stop` ends translating.
        """
        decided = self._decided(inquiry)
        quoted = self.quotation(inquiry) if decided is None else self._quotation(decided[0], inquiry)
        native = inquiry.in_language(quoted.evidence)
        translator = SourceTranslator(None if native else self._translator, inquiry.language, stop, inquiry.translated)
        try:
            if decided is not None:
                return self._yes_or_no(inquiry, quoted, decided[1], status, rejected)
            shown = quoted if quoted.items or quoted.words is not None else self._with_neighbour(inquiry, quoted)
            if not is_sure(inquiry, self._calibration) or _is_beside(inquiry.query.text, shown):
                return self._unsure(inquiry, quoted, native, translator, stated=self._is_stated(inquiry, quoted))
            if quoted.items:
                return self._listed(inquiry, quoted, native, translator, status, rejected)
            return self._said(inquiry, quoted, native, translator, status, rejected)
        finally:
            inquiry.translated = translator.spent

    def _decided(self, inquiry: Inquiry) -> tuple[Evidence, bool] | None:
        """Return the sentence that decides a yes-no question, and whether for yes; None for any other question, or if none decides it."""
        if self._reader is None or not asks_whether(inquiry.query.text):
            return None
        return decide(inquiry.query.text, inquiry.evidence, self._reader)

    def _yes_or_no(self, inquiry: Inquiry, quoted: Quotation, yes: bool, status: Status, rejected: tuple[RejectedCitation, ...]) -> Answer:
        """Return yes or no, and the sentence that decides it."""
        plain = replace(quoted, words=None)
        lines = _Lines(inquiry.number)
        lines.add(say("answer.table_yes" if yes else "answer.table_no", inquiry.language))
        lines.add_quote(plain, True, inquiry.language)
        return inquiry.answer(lines.text, status, lines.citations(plain), rejected)

    def _said(
        self,
        inquiry: Inquiry,
        quoted: Quotation,
        native: bool,
        translator: SourceTranslator,
        status: Status,
        rejected: tuple[RejectedCitation, ...],
    ) -> Answer:
        """Return the words that answer, and the sentence or row they stand in."""
        whether = asks_whether(inquiry.query.text)
        if quoted.words is not None and not whether and (not self._is_stated(inquiry, quoted) or self._is_contested(inquiry, quoted)):
            return self._unsure(inquiry, quoted, native, translator, stated=False)
        direct = None if whether else self._direct(quoted, inquiry, native, translator)
        if direct is None:
            wide = self._with_neighbour(inquiry, quoted)
            if translated := _translation(wide, quoted.span, translator):
                direct = translated, Grade.TRANSLATED
            elif not whether:
                direct = _foreign(quoted, inquiry.language, native)
            if direct is None or translated:
                quoted = wide
        lines = _Lines(inquiry.number)
        if whether:
            lines.add(say("answer.whether", inquiry.language))
        self._add_direct(lines, quoted, direct, native, inquiry.language)
        self._add_quote(lines, quoted, direct, native, inquiry.language)
        cited = (*lines.citations(quoted), *self._denied(inquiry, quoted, lines))
        return inquiry.answer(lines.text, status, cited, rejected)

    def _add_direct(self, lines: _Lines, quoted: Quotation, direct: tuple[str, Grade] | None, native: bool, language: str) -> None:
        """Append the words that answer, if any, as those of whom the document reports to have said them."""
        if direct is None:
            return
        speaker = speaker_of(self._reader, quoted.evidence.passage, quoted.span, quoted.words)
        if speaker is None:
            lines.add_direct(*direct, language)
        else:
            lines.add_reported(*direct, speaker if native else "", language)

    def _add_quote(self, lines: _Lines, quoted: Quotation, direct: tuple[str, Grade] | None, native: bool, language: str) -> None:
        """Append a quotation; before words that somebody is quoted with in the document, whose they are, unless that was said."""
        speaker = None if direct else quoted_speaker(self._reader, quoted.evidence.passage, quoted.span)
        if speaker is not None:
            named = speaker if native else ""
            lines.add(say("answer.according" if named else "answer.reported", language, speaker=named))
        lines.add_quote(quoted, native, language)

    def _is_stated(self, inquiry: Inquiry, quoted: Quotation) -> bool:
        """Return whether the document states what the question assumes, with the words that answer; True if it assumes nothing."""
        question = inquiry.query.text
        if self._reader is None or not assumes_event(question):
            return True
        return is_stated(self._reader, question, quoted.direct, replace(quoted.evidence, text=quoted.text))

    def _is_contested(self, inquiry: Inquiry, quoted: Quotation) -> bool:
        """Return whether the document denies what the question assumes, and nobody is named whose words the answer would be."""
        if self._reader is None or not assumes_event(inquiry.query.text):
            return False
        if denial_of(replace(quoted.evidence, text=quoted.text), inquiry.query.text, inquiry.candidates) is None:
            return False
        return speaker_of(self._reader, quoted.evidence.passage, quoted.span, quoted.words) is None

    def _denied(self, inquiry: Inquiry, quoted: Quotation, lines: _Lines) -> tuple[Citation, ...]:
        """Add the sentence of the document that denies what is quoted, and return its citation; none if nothing is denied."""
        other = denial_of(replace(quoted.evidence, text=quoted.text), inquiry.query.text, inquiry.candidates)
        if other is None or quoted.span.overlaps(other.span):
            return ()
        denial = quotation(other, self._documents(other.passage.document_id) if self._documents else None)
        more = _Lines(inquiry.number + 1, lines.text)
        more.add_also(" ".join(denial.text.split()), inquiry.in_language(other), inquiry.language)
        lines.text = more.text
        return more.citations(denial)

    def _unsure(self, inquiry: Inquiry, quoted: Quotation, native: bool, translator: SourceTranslator, *, stated: bool) -> Answer:
        """Return the evidence as what comes closest to an answer, after the words of it that may answer; without them if it is not `stated`
        what the question assumes."""
        quoted = quoted if stated else replace(quoted, words=None)
        lines = _Lines(inquiry.number)
        lines.add(say("answer.unsure" if stated else "answer.assumed", inquiry.language))
        direct = None if asks_whether(inquiry.query.text) or not stated else self._direct(quoted, inquiry, native, translator)
        if direct is None and (translated := _translation(quoted, quoted.span, translator)):
            direct = translated, Grade.TRANSLATED
        self._add_direct(lines, quoted, direct, native, inquiry.language)
        self._add_quote(lines, quoted, direct, native, inquiry.language)
        cited = (*lines.citations(quoted), *self._denied(inquiry, quoted, lines))
        return inquiry.answer(lines.text, Status.UNSURE, cited)

    def _direct(self, quoted: Quotation, inquiry: Inquiry, native: bool, translator: SourceTranslator) -> tuple[str, Grade] | None:
        """Return the words that answer, with their grade; None if they can neither be converted to the answer's language by rule, nor left
        as they are, nor translated alone."""
        if quoted.words is None:
            return None
        words, question, language = quoted.direct, inquiry.query.text, inquiry.language
        if native:
            return words, Grade.QUOTED
        if carried := localize_values(words, language) or _asked_value(words, question, language) or _only_name(quoted, language):
            return carried, Grade.QUOTED if carried == words else Grade.UNVERIFIED
        if script(words) == language:
            return words, Grade.QUOTED  # «TruthGPT», in Arabic text
        if language == "en" and asks_who(question) and (name := latin_name(words)):
            return name, Grade.UNVERIFIED
        if language == "en" and (bracketed := _BRACKETED.search(words)):
            return bracketed[1], Grade.QUOTED  # «منظمة الصحة العالمية (WHO)»
        if is_latin_name(words) and (foreign := _foreign(quoted, language, native)):
            return foreign
        if len(words.split()) <= _PHRASE_WORDS and (translated := translator.phrases([words])[0]):
            return translated, Grade.TRANSLATED
        return None

    def _listed(
        self,
        inquiry: Inquiry,
        quoted: Quotation,
        native: bool,
        translator: SourceTranslator,
        status: Status,
        rejected: tuple[RejectedCitation, ...],
    ) -> Answer:
        """Return a list with the line that introduces it, one item per line, each after its translation if there is one."""
        lines = _Lines(inquiry.number)
        if native and quoted.context:
            introduction = quoted.context
        else:
            introduction = say("answer.list" if native else "answer.list_foreign", inquiry.language, context=quoted.context).strip()
        lines.add(introduction, quoted.context)
        context, *translations = translator.phrases([quoted.context, *quoted.items])
        if context or any(translations):
            lines.add_note("answer.list_translated", context, inquiry.language)
        for item, translated in zip(quoted.items, translations, strict=True):
            lines.add_item(item, translated)
        if quoted.left_out:
            lines.add(say("answer.list_more", inquiry.language, count=quoted.left_out))
        return inquiry.answer(lines.text, status, lines.citations(quoted), rejected)

    def _with_neighbour(self, inquiry: Inquiry, quoted: Quotation) -> Quotation:
        """Extend the quotation to the adjacent sentence if that is nearly as good, in running text."""
        wide = widened(inquiry.evidence)
        if wide.span == inquiry.evidence[0].span or quoted.context or CELL_SEPARATOR in wide.text or wide.lead:
            return quoted
        span = Span(min(wide.span.start, quoted.span.start), max(wide.span.end, quoted.span.end))
        if not (wide.passage.span.start <= span.start and span.end <= wide.passage.span.end):
            return quoted
        return replace(quoted, span=span, text=wide.passage.quote(span))

    def drafted(self, inquiry: Inquiry, prompt: Prompt, stop: threading.Event) -> Answer:
        """Return the answer made of the sentences of the draft that passed the check; a quotation if none did.

        Once `stop` is set, the answer has only what passed, with the status STOPPED.
        """
        answer = self._copied(inquiry, prompt.sources) if self._copies(inquiry) else self._worded(inquiry)
        if stop.is_set():
            return replace(answer, status=Status.STOPPED)
        return answer if answer.citations else self.quoted(inquiry, Status.UNSUPPORTED, answer.rejected, stop)

    def _copied(self, inquiry: Inquiry, sources: Sequence[Evidence]) -> Answer:
        """Return the words of a source that the draft matches."""
        for source in sources:
            if place := find_short_answer(inquiry.draft, source.text, inquiry.query.stems):
                words = " ".join(place.of(source.text).split())
                return inquiry.answer(f"{words} [1]", Status.ANSWERED, (cite(1, source, Span(0, len(words)), 1.0),))
        rejected = tuple(RejectedCitation(None, span, Verdict.MEANING) for span in claims(inquiry.draft))
        return inquiry.answer("", Status.ANSWERED, (), rejected)

    def _worded(self, inquiry: Inquiry) -> Answer:
        """Return the sentences of the draft that passed the check, with citations, and the others with the reason they failed."""
        text = ""
        citations: list[Citation] = []
        rejected: list[RejectedCitation] = []
        numbers: dict[tuple[str, Span], int] = {}
        checked = self._calibration.checked if self._checker is not None else ()
        for span, (verdict, source, support) in self._judgements(inquiry):
            claim = span.of(inquiry.draft)
            if verdict is not None or source is None:
                rejected.append(RejectedCitation(None, span, verdict or Verdict.MEANING))
                continue
            number = numbers.setdefault((source.passage.document_id, source.span), len(numbers) + 1)
            text += (" " if text else "") + claim
            claimed = Span(len(text) - len(claim), len(text))
            text += f" [{number}]"
            citations.append(cite(number, source, claimed, support, grade_claim(claim, source, inquiry.language, checked)))
        return inquiry.answer(text, Status.ANSWERED, tuple(citations), tuple(rejected))

    def _judgements(self, inquiry: Inquiry) -> list[tuple[Span, tuple[Verdict | None, Evidence | None, float]]]:
        """Return the sentences of the draft, each with what `_judged` returns of it."""
        with tracing.span("check") as step:
            found = [(span, self._judged(span.of(inquiry.draft), inquiry)) for span in claims(inquiry.draft)]
            step.set(claims=len(found), rejected=sum(verdict is not None for _, (verdict, _, _) in found))
            return found

    def _judged(self, claim: str, inquiry: Inquiry) -> tuple[Verdict | None, Evidence | None, float]:
        """Return why a sentence of the draft fails the check (None: it passes), the evidence for it, and how well that supports it."""
        sources = inquiry.evidence
        if self._checker is None:
            return None, sources[0], 0.0
        if script(claim) not in (inquiry.language, "und"):
            return Verdict.SCRIPT, None, 0.0
        if echoes(claim, inquiry.query.text):
            return Verdict.MEANING, None, 0.0
        passages = [item.passage for item in sources]
        judgement = self._checker.check_in_passage(
            claim, [item.text for item in sources], lambda best: f"{passages[best].title} {passages[best].text}"
        )
        if judgement.verdict is Verdict.MEANING and self._short:
            # «13 مليارًا» means little alone; together with its question it can be judged.
            judgement = self._checker.check(f"{inquiry.query.text} {claim}", [item.text for item in sources])
        return judgement.verdict, sources[judgement.best], judgement.support


class _Lines:
    """The lines of an answer by quotation, with the marker of its one source on the lines that quote."""

    def __init__(self, number: int, text: str = "") -> None:
        self.text = text
        self._number = number
        self._claims: list[tuple[Span, Grade]] = []

    def add(self, line: str, claim: str = "", grade: Grade = Grade.QUOTED) -> None:
        """Append a line. `claim` is the part of it that is cited; a line without one is the answer's own."""
        self.text += "\n" if self.text else ""
        start = len(self.text) + line.index(claim)
        self.text += f"{line} [{self._number}]" if claim else line
        if claim:
            self._claims.append((Span(start, start + len(claim)), grade))

    def add_direct(self, words: str, grade: Grade, language: str) -> None:
        """Append the words that answer, as a translation with a note."""
        if grade is Grade.TRANSLATED:
            self.add_note("answer.translated", words, language)
        else:
            self.add(words, words, grade)

    def add_reported(self, words: str, grade: Grade, speaker: str, language: str) -> None:
        """Append the words that answer as those of a speaker, "" for one that is not named."""
        before = say("answer.according" if speaker else "answer.reported", language, speaker=speaker)
        if grade is Grade.TRANSLATED:
            before = f"{before} {say('answer.translated', language, text='').strip()}"
        self._add_parts(f"{before} ", (words, grade))

    def add_also(self, quote: str, native: bool, language: str) -> None:
        """Append another quotation of the same document."""
        self.add(say("answer.also" if native else "answer.also_foreign", language, quote=quote), quote)

    def add_note(self, key: str, translated: str, language: str) -> None:
        """Append a message that ends with a translation, which may be empty."""
        before = say(key, language, text="")
        self._add_parts(before if translated else before.strip(), (translated, Grade.TRANSLATED))

    def add_item(self, item: str, translated: str) -> None:
        """Append an item of a list, after its translation if there is one."""
        first = translated or item
        bullet = "" if first[:1].isdigit() or not first[:1].isalnum() else "• "
        if translated:
            self._add_parts(bullet, (translated, Grade.TRANSLATED), " — ", (item, Grade.QUOTED))
        else:
            self._add_parts(bullet, (item, Grade.QUOTED))

    def _add_parts(self, *parts: str | tuple[str, Grade]) -> None:
        """Append a line of parts; one with a grade is cited, unless it is empty."""
        self.text += "\n" if self.text else ""
        for part in parts:
            if isinstance(part, str):
                self.text += part
            elif part[0]:
                start = len(self.text)
                self.text += part[0]
                self._claims.append((Span(start, len(self.text)), part[1]))
                self.text += f" [{self._number}]"

    def add_quote(self, quoted: Quotation, native: bool, language: str) -> None:
        """Append a quotation, with what it stands under and, unless it is `native`, the language it is in."""
        quote = " ".join(quoted.text.split())
        self.add(say(_QUOTES[native, bool(quoted.context)], language, quote=quote, context=quoted.context), quote)

    def citations(self, quoted: Quotation) -> tuple[Citation, ...]:
        """Return a citation of the same source for every claim."""
        return tuple(
            replace(
                cite(self._number, quoted.evidence, claim, 1.0, grade),
                span=quoted.span,
                quote=quoted.text,
                words=quoted.words,
                context=quoted.context,
            )
            for claim, grade in self._claims
        )


def _is_beside(question: str, quoted: Quotation) -> bool:
    """Return whether what is quoted cannot answer the question: it states no value of the kind that is asked for, or is one row where the
    greatest or least of rows is asked for, which was not computed."""
    asked = asks_for_computation(question)
    if asked is not None and asked.operation is Operation.EXTREME and CELL_SEPARATOR in quoted.text:
        return True
    return not quoted.items and not asks_whether(question) and lacks_asked_value(question, f"{quoted.context}\n{quoted.text}")


def _asked_value(words: str, question: str, language: str) -> str | None:
    """Return the value that a question asks for, in the words of a language, if a phrase in the other language states one only."""
    value = asked_value(question, words)
    return localize_value(value, words, language) if value is not None else None


def _only_name(quoted: Quotation, language: str) -> str | None:
    """Return the countries or languages that the words of a quotation are, in the words of a language; None if it names other countries as
    well, for which of them answers is what readers err about."""
    if territories(quoted.direct) != territories(quoted.text):
        return None
    return localize_names(quoted.direct, language)


def _translation(quoted: Quotation, core: Span, translator: SourceTranslator) -> str:
    """Return the translation of a quotation, "" if there is none of its `core`, a span of the document."""
    return translator.passage(quoted.text, Span(core.start - quoted.span.start, core.end - quoted.span.start))


def _foreign(quoted: Quotation, language: str, native: bool) -> tuple[str, Grade] | None:
    """Return the words that answer as they are, isolated, for an Arabic answer from an English source: Arabic texts use Latin names and
    terms as they are."""
    if native or language != "ar" or quoted.words is None or len(quoted.direct.split()) > _MOST_FOREIGN_WORDS:
        return None
    return f"\u2068{quoted.direct}\u2069", Grade.QUOTED


def _spelled(inquiry: Inquiry) -> list[Evidence]:
    """Return the evidence with names followed by their spelling in the other script, if question or documents have it: a small model does
    not know that سبيرو is Spiro."""
    around = (inquiry.query.text, *(item.passage.text for item in inquiry.evidence))
    return [item if inquiry.in_language(item) else replace(item, text=add_other_spellings(item.text, *around)) for item in inquiry.evidence]


def widened(evidence: Sequence[Evidence]) -> Evidence:
    """Return the best evidence, together with an adjacent sentence that is nearly as good.

    On the development questions the best sentence holds the answer for 73 to 79 of 100, this pair for 80 to 86.
    """
    best, least = evidence[0], evidence[-1].worth
    order = best.passage.sentences.index(best.span)
    beside = set(best.passage.sentences[max(order - 1, 0) : order + 2]) - {best.span}
    for other in evidence[1:]:
        if other.passage.id == best.passage.id and other.span in beside and other.worth - least >= _CLOSE * (best.worth - least):
            span = Span(min(best.span.start, other.span.start), max(best.span.end, other.span.end))
            return replace(best, span=span, text=best.passage.quote(span))
    return best
