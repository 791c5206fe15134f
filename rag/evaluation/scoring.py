"""The measures, each defined in one docstring: from records to per-question shares (numerator, denominator), and to figures.

Silence and errors count: a question that was declined or failed has no answer and no citation, and its share is zero, not absent. A
denominator of 0 means that a measure does not apply to the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.evaluation.answer_language import is_written_in, strays, without_markers
from rag.evaluation.answer_matching import RULES, contains, exact_match, token_f1
from rag.evaluation.bootstrap import Figure, Share, quantile, ratio
from rag.evaluation.metrics import auroc, calibration_error, retrieval, risk_area
from rag.evaluation.records import ERROR, AnyRecord, ClaimRecord, Place, Record
from rag.schema import Grade, Span
from rag.text.sentences import sentences

Shares = dict[str, Share]
"""The contribution of one record, by measure."""

NOT_ABOUT: Share = (0.0, 0.0)
FOLLOW_UP_DEPTH = 5  # sentences: about as many as an answer is made from


# --- retrieval ------------------------------------------------------------------------------------------------------------


def passage_retrieval(records: Sequence[Record]) -> list[Shares]:
    """Compute recall@1, 3, 5, 10, mrr@10 and ndcg@10 over passages, for answerable questions.

    A passage is relevant if it overlaps gold evidence by a character. If any piece of the evidence is enough, all pieces are one need; if
    two documents are needed, each is a need. Recall is the share of needs met; a second passage that meets the same need adds nothing.
    Definitions: `rag.evaluation.metrics.retrieval`.
    """
    return _retrieval(records, lambda record: [_first(place.needs) for place in record.passages], "")


def evidence_retrieval(records: Sequence[Record]) -> list[Shares]:
    """Compute evidence_recall@1, 3, 5, 10, evidence_mrr@10 and evidence_ndcg@10: the same for sentences.

    The ranking is that of the sentences of the ten best passages by similarity to the question; a sentence is relevant if it overlaps the
    gold span.
    """
    return _retrieval(records, lambda record: [_first(place.needs) for place in record.sentences], "evidence_")


def document_retrieval(records: Sequence[Record]) -> list[Shares]:
    """Compute document_recall@1, 3, 5, 10, document_mrr@10 and document_ndcg@10, with documents in the order of their best passage.

    A document is relevant if it holds gold evidence. For SQuAD sets, where a document is a paragraph, this is the paragraph recall of the
    literature, however the paragraphs were cut.
    """

    def ranking(record: Record) -> list[str | None]:
        needs = {place.document: _first(place.needs) for place in record.gold}
        return [needs.get(document) for document in dict.fromkeys(place.document for place in record.passages)]

    return _retrieval(records, ranking, "document_")


def _first(needs: Sequence[int]) -> str | None:
    return f"need{needs[0]}" if needs else None


def _retrieval(records: Sequence[Record], ranking: Callable[[Record], list[str | None]], prefix: str) -> list[Shares]:
    about = {str(number): record for number, record in enumerate(records) if record.answerable}
    rankings = {id: [need or f"other{rank}" for rank, need in enumerate(ranking(record))] for id, record in about.items()}
    relevant = {id: [f"need{need}" for need in range(record.needs)] for id, record in about.items()}
    found = retrieval(rankings, relevant)
    return [
        {prefix + name: (value, 1.0) for name, value in found[str(number)].items()} if record.answerable else {}
        for number, record in enumerate(records)
    ]


def across_copies(record: Record) -> Shares:
    """Compute same_language@1, same_language@10 and other_language@10, for collections that hold the evidence in two languages.

    They are the shares of questions with a passage of the copy in the question's own language first or in the top ten, and with one of the
    copy in the other language in the top ten.
    """
    languages = {place.language for place in record.gold}
    if len(languages) < 2 or record.language not in languages:
        return {}
    hits = [place.language for place in record.passages if place.needs]
    first = record.passages[:1]
    return {
        "same_language@1": (float(any(p.needs and p.language == record.language for p in first)), 1.0),
        "same_language@10": (float(record.language in hits), 1.0),
        "other_language@10": (float(any(found != record.language for found in hits)), 1.0),
    }


# --- answers --------------------------------------------------------------------------------------------------------------


def answers(record: Record) -> Shares:
    """Compute the measures of answers to answerable questions; a declined or failed question has 0 in all.

    right: an accepted answer is contained in the answer (`rag.evaluation.answer_matching.contains`). em and f1: by the Arabic-aware rule;
    em_squad and f1_squad by that of SQuAD's and XQuAD's script, em_mlqa and f1_mlqa by that of MLQA's, each the best over the accepted
    answers (`rag.evaluation.answer_matching.RULES`). Citation markers are removed first. in_sources: the sentences that the answer was made
    from hold gold evidence, all of it if two documents are needed.
    """
    if not record.answerable or not record.asked:
        return {}
    text = without_markers(record.prediction)
    shares: Shares = {"right": (float(contains(text, record.answers)), 1.0)}
    for name, rule in RULES.items():
        suffix = "" if name == "strict" else f"_{name}"
        shares[f"em{suffix}"] = (exact_match(text, record.answers, rule) if text else 0.0, 1.0)
        shares[f"f1{suffix}"] = (token_f1(text, record.answers, rule), 1.0)
    met = {need for place in record.sources for need in place.needs}
    shares["in_sources"] = (float(len(met) == record.needs), 1.0)
    return shares


def success(record: Record) -> Shares:
    """Compute success, over all questions: an answerable one answered right, or an unanswerable one declined."""
    if not record.asked:
        return {}
    good = contains(without_markers(record.prediction), record.answers) if record.answerable else record.declined
    return {"success": (float(good), 1.0)}


# --- citations ------------------------------------------------------------------------------------------------------------


def citations(record: Record) -> Shares:
    """Compute the measures of citations, for answers given, after ALCE (Gao et al., EMNLP 2023), with gold spans as the judge.

    citation_precision: citations whose span overlaps gold evidence, over all citations of answerable questions; an answer without any adds
    a wrong one. citation_support: if nothing is gold, because the question has no answer, citations to which the product's own check gives
    a support of 0.5 or more, over all; this is not an independent judgement. citation_recall: sentences of the answer with a citation whose
    quote is exact, over all sentences. citation_exact: quotes that occur byte for byte in the document at their span, over all citations.
    cited_gold: answers to answerable questions with a citation that overlaps gold evidence.
    """
    if not record.answered:
        return {}
    cited = record.citations
    count = float(len(cited))
    shares: Shares = {"citation_exact": (float(sum(item.exact for item in cited)), count)}
    if record.answerable:
        shares["citation_precision"] = (float(sum(item.gold for item in cited)), max(count, 1.0))
        shares["cited_gold"] = (float(any(item.gold for item in cited)), 1.0)
    else:
        shares["citation_support"] = (float(sum(item.support >= 0.5 for item in cited)), max(count, 1.0))
    proved = [Span(item.claim_start, item.claim_end) for item in cited if item.exact]
    said = answer_sentences(record.text)
    shares["citation_recall"] = (
        float(sum(any(span.overlaps(cited) for cited in proved) for span in said)),
        float(max(len(said), 1)),
    )
    return shares


def answer_sentences(text: str) -> list[Span]:
    """Return the sentences of an answer as spans of it; a marker belongs to none, so it cannot stand for the sentence after it."""
    blanked = list(text)
    position = 0
    while (opening := text.find("[", position)) >= 0:
        closing = text.find("]", opening)
        if closing > opening and text[opening + 1 : closing].isdecimal():
            blanked[opening : closing + 1] = " " * (closing + 1 - opening)
        position = opening + 1
    plain = "".join(blanked)
    return [span for span in sentences(plain, longest=10**9) if any(letter.isalnum() for letter in span.of(plain))]


# --- abstention, language -------------------------------------------------------------------------------------------------


def abstention(record: Record) -> Shares:
    """Compute declined, over unanswerable questions, and wrongly_declined, over answerable ones: those declined or failed.

    The terms are those of selective question answering (Kamath, Jia and Liang, ACL 2020). For AUROC and the risk-coverage area of
    `Answer.confidence` see `rag.evaluation.metrics.auroc` and `risk_area`; right there means right for the answerable, never for the
    others.
    """
    if not record.asked:
        return {}
    if record.answerable:
        return {"wrongly_declined": (float(not record.answered), 1.0)}
    return {"declined": (float(record.declined), 1.0)}


def own_language(record: Record) -> Shares:
    """Compute the measures of language, over all replies, refusals included; a failed question has none of them.

    language: replies whose own words are in the question's language by script; a passage quoted verbatim, and announced as such, is the
    document's words. clean: replies without stray script in their own words (`rag.evaluation.answer_language.strays`). foreign_quote:
    answers given whose content is such a quotation in the other language, without a translation, which a reader of one language cannot use.
    translated: answers given with a machine translation.
    """
    if not record.asked:
        return {}
    replied = record.status != ERROR
    own = own_words(record)
    right = replied and is_written_in(own, record.language)
    clean = replied and not strays(own, record.language, record.question)
    shares = {"language": (float(right), 1.0), "clean": (float(clean), 1.0)}
    if record.answered:
        quoted = [cited.quote for cited in record.citations] if own != record.text else []
        translated = any(cited.grade == Grade.TRANSLATED for cited in record.citations)
        foreign = not translated and any(not is_written_in(text, record.language) for text in (own, *quoted))
        shares |= {"foreign_quote": (float(foreign), 1.0), "translated": (float(translated), 1.0)}
    return shares


def own_words(record: Record) -> str:
    """Return the text of an answer without its verbatim quotations in quotation marks."""
    text = record.text
    for cited in sorted(record.citations, key=lambda item: -item.claim_start):
        words = text[cited.claim_start : cited.claim_end]
        quoted = cited.claim_start > 0 and text[cited.claim_start - 1] in "«“" and words == " ".join(cited.quote.split())
        if quoted:
            text = text[: cited.claim_start] + text[cited.claim_end :]
    return text


# --- reading --------------------------------------------------------------------------------------------------------------


def reading(record: Record) -> Shares:
    """Compute the measures of the reader, over answerable questions of which it read something, whether or not they were declined.

    span_f1: the F1 of the words it takes for the answer, by the Arabic-aware rule, the best over the accepted answers; 0 if it finds none.
    block@1: the sentence, list item or row that it puts first overlaps gold evidence.
    """
    if not record.answerable or record.read is None:
        return {}
    shares: Shares = {"block@1": (float(bool(record.sources and record.sources[0].needs)), 1.0)}
    if record.answers:
        shares["span_f1"] = (token_f1(record.words, record.answers, RULES["strict"]), 1.0)
    return shares


# --- conversation, cost, claims -------------------------------------------------------------------------------------------


def conversation(record: Record) -> Shares:
    """Compute follow_up and follow_up_passages, over answerable follow-ups whose fully spelled question finds gold evidence among its five
    best sentences (passages): the share that finds it there as the product rewrote them."""
    if record.turn < 2 or not record.answerable:
        return {}
    k = FOLLOW_UP_DEPTH
    return {
        "follow_up": (_met(record.sentences[:k], record), _met(record.full_sentences[:k], record)),
        "follow_up_passages": (_met(record.passages[:k], record), _met(record.full_passages[:k], record)),
    }


def _met(places: Iterable[Place], record: Record) -> float:
    return float(len({need for place in places for need in place.needs}) == record.needs)


def cost(record: Record) -> Shares:
    """Compute tokens, written per question asked, and tokens_per_second: tokens written after the first, over the time from it to the end
    of the answer, its checks included."""
    if not record.asked:
        return {}
    shares: Shares = {"tokens": (float(record.generated_tokens), 1.0)}
    if record.generated_tokens > 1 and record.total_s is not None and record.first_token_s is not None:
        shares["tokens_per_second"] = (float(record.generated_tokens - 1), record.total_s - record.first_token_s)
    return shares


def claim_shares(record: ClaimRecord) -> Shares:
    """Compute false_rejected, over claims that their evidence does not support, in all and by fault (false_rejected.number, …), and
    true_rejected, over claims that it does support: the share that the check rejects; and claim_right, over claims that a reader judged:
    those to which it gives more than 0.5 if they are supported, and no more if they are not."""
    rejected = float(not record.accepted)
    shares: Shares = {} if record.read is None else {"claim_right": (float((record.read > 0.5) == record.supported), 1.0)}
    if record.supported:
        return {"true_rejected": (rejected, 1.0), **shares}
    return {"false_rejected": (rejected, 1.0), f"false_rejected.{record.fault}": (rejected, 1.0), **shares}


# --- figures --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """A line of a report. `lower` means that less is better; `unit` is "" for shares between 0 and 1."""

    name: str
    section: str
    lower: bool = False
    unit: str = ""


def _measures() -> Iterable[Measure]:
    for prefix in ("", "evidence_", "document_"):
        for name in ("recall@1", "recall@3", "recall@5", "recall@10", "mrr@10", "ndcg@10"):
            yield Measure(prefix + name, "retrieval")
    for name in ("same_language@1", "same_language@10", "other_language@10"):
        yield Measure(name, "retrieval")
    for name in ("success", "right", "in_sources", "em", "f1", "em_squad", "f1_squad", "em_mlqa", "f1_mlqa"):
        yield Measure(name, "answers")
    for name in ("citation_precision", "citation_recall", "citation_exact", "cited_gold", "citation_support"):
        yield Measure(name, "citations")
    yield Measure("declined", "abstention")
    yield Measure("wrongly_declined", "abstention", lower=True)
    yield Measure("auroc", "abstention")
    yield Measure("risk_area", "abstention", lower=True)
    yield Measure("ece", "abstention", lower=True)
    for name in ("block@1", "span_f1", "reader_auroc"):
        yield Measure(name, "reading")
    yield Measure("reader_risk_area", "reading", lower=True)
    yield Measure("reader_ece", "reading", lower=True)
    yield Measure("language", "language")
    yield Measure("clean", "language")
    yield Measure("foreign_quote", "language", lower=True)
    yield Measure("translated", "language")
    yield Measure("follow_up", "conversation")
    yield Measure("follow_up_passages", "conversation")
    yield Measure("false_rejected", "claims")
    for fault in ("number", "name", "act", "swap", "elsewhere", "negation", "instruction"):
        yield Measure(f"false_rejected.{fault}", "claims")
    yield Measure("true_rejected", "claims", lower=True)
    yield Measure("claim_right", "claims")
    yield Measure("claim_auroc", "claims")
    yield Measure("claim_ece", "claims", lower=True)
    for name in ("found_s", "first_token_s", "total_s", "total_p95_s"):
        yield Measure(name, "cost", lower=True, unit="s")
    yield Measure("tokens", "cost", lower=True, unit="tokens")
    yield Measure("tokens_per_second", "cost", unit="1/s")
    yield Measure("memory_mb", "cost", lower=True, unit="MB")


MEASURES: Mapping[str, Measure] = {measure.name: measure for measure in _measures()}
"""Every measure by name, in the order of a report."""

SINGLE = (across_copies, answers, success, citations, abstention, reading, own_language, conversation, cost)


def shares_of(records: Sequence[AnyRecord]) -> list[Shares]:
    """Return each record's share of every measure that applies to it."""
    questions = [record for record in records if isinstance(record, Record)]
    together = [passage_retrieval(questions), evidence_retrieval(questions), document_retrieval(questions)]
    by_question: list[Shares] = []
    for number, record in enumerate(questions):
        found: Shares = {}
        for part in together:
            found |= part[number]
        for measure in SINGLE:
            found |= measure(record)
        by_question.append(found)
    order = iter(by_question)
    return [next(order) if isinstance(record, Record) else claim_shares(record) for record in records]


def is_right(record: Record) -> bool:
    """Return whether an answer was given and is right; it never is for a question without one."""
    return record.answerable and contains(without_markers(record.prediction), record.answers)


def is_block_right(record: Record) -> bool:
    """Return whether the first source overlaps gold evidence; it never does for a question without an answer."""
    return record.answerable and bool(record.sources and record.sources[0].needs)


def judged_claims(records: Sequence[AnyRecord]) -> list[tuple[float, bool]]:
    """Return the reader's probability that a claim is supported, and whether it is, for each claim that a reader judged."""
    return [(record.read, record.supported) for record in records if isinstance(record, ClaimRecord) and record.read is not None]


def figures(records: Sequence[AnyRecord], of: Sequence[Shares] | None = None) -> dict[str, Figure]:
    """Return every measure that applies to the records, in the order of `MEASURES`. `of` are their shares, if known."""
    parts = shares_of(records) if of is None else of
    asked = [record for record in records if isinstance(record, Record) and record.asked]
    found: dict[str, Figure] = {}
    for name in MEASURES:
        if any(name in part for part in parts):
            found[name] = ratio([part.get(name, NOT_ABOUT) for part in parts])
    if asked:
        confidences = [record.confidence for record in asked]
        found["auroc"] = auroc(confidences, [record.answerable for record in asked])
        found["risk_area"] = risk_area(confidences, [is_right(record) for record in asked])
        found["ece"] = calibration_error(confidences, [record.answerable for record in asked])
        times: dict[str, list[float]] = {
            name: [value for record in asked if (value := getattr(record, name)) is not None]
            for name in ("found_s", "first_token_s", "total_s")
        }
        for name, values in times.items():
            found[name] = quantile(values)
        found["total_p95_s"] = quantile(times["total_s"], 0.95)
        found["memory_mb"] = quantile([record.memory_mb for record in asked if record.memory_mb is not None], 1.0)
    read = [(record.read, record) for record in asked if record.read is not None]
    if read:
        probabilities, answerable = [value for value, _ in read], [record.answerable for _, record in read]
        found["reader_auroc"] = auroc(probabilities, answerable)
        found["reader_risk_area"] = risk_area(probabilities, [is_block_right(record) for _, record in read])
        found["reader_ece"] = calibration_error(probabilities, answerable)
    if judged := judged_claims(records):
        supports, truths = [value for value, _ in judged], [truth for _, truth in judged]
        found["claim_auroc"] = auroc(supports, truths)
        found["claim_ece"] = calibration_error(supports, truths)
    return {name: found[name] for name in MEASURES if name in found and found[name].n}


def groups(records: Sequence[AnyRecord]) -> dict[str, list[int]]:
    """Return the rows of each group that has figures: "all", each language of the questions, each direction, each set."""
    found: dict[str, list[int]] = {"all": list(range(len(records)))}
    for kind in ("language", "direction", "set"):
        for value in sorted({getattr(record, kind) for record in records} - set(found)):
            found[value] = [number for number, record in enumerate(records) if getattr(record, kind) == value]
    return found


def kinds(records: Sequence[AnyRecord]) -> dict[str, list[int]]:
    """Return the rows of the questions of each kind (kind.…), and of those whose evidence is a block of each kind (block.…)."""
    found: dict[str, list[int]] = {}
    for prefix in ("block", "kind"):
        for number, record in enumerate(records):
            if isinstance(record, Record) and (value := getattr(record, prefix)):
                found.setdefault(f"{prefix}.{value}", []).append(number)
    return dict(sorted(found.items()))


def faults(record: AnyRecord, of: Shares) -> list[str]:
    """Return the faults of one question, worst first, as keys of the strings under `fault`; empty if there are none."""
    if isinstance(record, ClaimRecord):
        return [] if record.accepted == record.supported else ["true_rejected" if record.supported else "false_accepted"]
    if record.error:
        return ["error"]

    def lacks(name: str) -> bool:
        share = of.get(name, NOT_ABOUT)
        return share[1] > 0 and share[0] < share[1]

    checks = {
        "inexact": lacks("citation_exact"),
        "answered": lacks("declined"),
        "declined": record.answerable and record.declined,
        "wrong": lacks("right") and not record.declined,
        "language": lacks("language"),
        "stray": lacks("clean"),
        "beside": lacks("citation_precision"),
        "uncited": lacks("citation_recall"),
        "not_found": lacks("evidence_recall@5"),
        "follow_up": lacks("follow_up"),
    }
    return [name for name, wrong in checks.items() if wrong]
