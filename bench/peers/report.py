"""The answers of every system as records of the evaluation, judged by its measures, in one table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers.asking import MARKER, read_task, texts
from rag.evaluation.bootstrap import Figure, difference, rounded
from rag.evaluation.records import ERROR, Cited, Place, Record
from rag.evaluation.scoring import NOT_ABOUT, answer_sentences, figures, shares_of
from rag.schema import Span
from rag.text.folding import fold

NAMES = {
    "shawahid": "Shawahid",
    "shawahid-short": "Shawahid, short style",
    "llamaindex": "LlamaIndex, CitationQueryEngine",
    "langchain": "LangChain, retrieval chain",
    "langchain-quotes": "LangChain, quoted citations",
}
COLUMNS = {
    "right": "right",
    "f1": "token F1",
    "in_sources": "evidence in what the model read",
    "cited_gold": "an answer cites gold evidence",
    "citation_exact": "quotes exact",
    "citation_recall": "sentences cited",
    "declined": "unanswerable declined",
    "wrongly_declined": "wrongly declined",
    "language": "in the question's language",
    "first_token_s": "first words, s",
    "total_s": "whole, s",
    "memory_mb": "memory, MB",
}

# What a pipeline without a status of its own says when it declines; looked for in folded text, in its first sentence or two.
_DECLINES = re.compile(
    r"\b(?:do|does|did|could|can|was|were|is|are)(?: not|n't|nt) (?:\w+ ){0,3}?(?:know|say|mention|specif|state|provide|contain|include|"
    r"indicate|find|have (?:enough |any )?information|answer|stated|mentioned|specified|provided|helpful|enough|possible)"
    r"|\b(?:cannot|can't|unable to) (?:\w+ ){0,2}?(?:answer|find|determine|provide)|\bno (?:\w+ )?information\b|\bnot enough information\b"
    r"|\bnone of the (?:provided |given )?sources\b|\bno(?:ne)? (?:of the )?sources\b|\bempty response\b"
    r"|لا (?:املك|اجد|اعرف|اعلم|ادري|يوجد|توجد|يمكن|يمكنني|استطيع|تحتوي|يحتوي|تذكر|يذكر|تتضمن|يتضمن|توفر|تجيب|تقدم)"
    r"|لم (?:اتمكن|استطع|اعثر|نجد|يذكر|تذكر|يتم|يرد|ترد|اجد|يحدد|تحدد|يوضح|توضح)|ليس(?:ت)? (?:هناك|لدي|لديه)"
    r"|غير (?:مذكور|محدد|معروف|متوفر|موجود|متاح)"
    r"|ليس(?:ت)? (?:مذكور|محدد|متوفر|موجود)"
)


def declines(text: str) -> bool:
    """Return whether a text says, in either language, that it has no answer."""
    return not text.strip() or _DECLINES.search(fold(text)[:240].replace("’", "'")) is not None


def records(folder: Path, system: str, task: Mapping[str, Any] | None = None) -> list[Record]:
    """Return the answers that a system has given, in the order of the task."""
    task = task or read_task(folder)
    path = folder / f"{system}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    answers = {row["id"]: row for row in map(json.loads, lines)}
    documents = {corpus: texts(folder, corpus) for corpus in task["corpora"]}
    asked = [question for question in task["questions"] if question["id"] in answers]
    return [record(system, question, answers[question["id"]], documents[question["corpus"]]) for question in asked]


def record(system: str, question: Mapping[str, Any], answer: Mapping[str, Any], documents: Mapping[str, str]) -> Record:
    """One answer as the evaluation records its own."""
    text = answer["text"]
    gold = tuple(Place(place["document"], place["start"], place["end"], "", needs=(0,)) for place in question["gold"])
    declined = answer.get("declined", declines(text))
    return Record(
        key=f"{system} {question['id']}",
        set=question["set"],
        id=question["id"],
        question=question["question"],
        language=question["language"],
        direction=question["direction"],
        split="",
        kind="",
        answerable=question["answerable"],
        twin=False,
        answers=tuple(question["answers"]),
        gold=gold,
        needs=1 if gold else 0,
        status=ERROR if answer.get("error") else "no_evidence" if declined else "answered",
        text=plain(text),
        citations=tuple(
            cited({**item, "at": len(plain(text[: item["at"]]))}, plain(text), gold, documents) for item in answer["citations"]
        ),
        sources=tuple(_source(item, gold) for item in answer["sources"] if item["start"] is not None),
        first_token_s=answer["total_s"] if answer["first_s"] is None else answer["first_s"],  # None: all at once, at the end
        total_s=answer["total_s"],
        memory_mb=answer["memory_mb"],
        error=answer.get("error", ""),
    )


def plain(text: str) -> str:
    """Return an answer with every citation marker in the form that the measures remove."""
    return MARKER.sub(lambda found: f"[{found[1] or found[2]}]", text)


def cited(item: Mapping[str, Any], text: str, gold: Sequence[Place], documents: Mapping[str, str]) -> Cited:
    """Return a citation, held against the document. It supports its own quote if the text quotes that just before it; else the sentence it
    is in or after; at the end of the text, all of it."""
    start, end = item["start"], item["end"]
    exact = start is not None and documents.get(item["document"], "")[start:end] == item["quote"] != ""
    before = [span for span in answer_sentences(text) if span.start <= item["at"]] or [Span(0, 0)]
    words = " ".join(item["quote"].split())
    claim = Span(0, len(text)) if item["at"] >= len(text) else before[-1]
    if words and text[: item["at"]].endswith(words):
        claim = Span(item["at"] - len(words), item["at"])
    return Cited(
        number=item["number"],
        document=item["document"],
        start=start if exact else 0,
        end=end if exact else 0,
        quote=item["quote"],
        claim_start=claim.start,
        claim_end=claim.end,
        support=0.0,
        exact=exact,
        gold=exact and any(_overlap(item, place) for place in gold),
    )


def _source(item: Mapping[str, Any], gold: Sequence[Place]) -> Place:
    return Place(item["document"], item["start"], item["end"], "", needs=(0,) if any(_overlap(item, place) for place in gold) else ())


def _overlap(item: Mapping[str, Any], place: Place) -> bool:
    return bool(item["document"] == place.document and item["start"] < place.end and place.start < item["end"])


def common(by_system: Mapping[str, Sequence[Record]]) -> dict[str, list[Record]]:
    """Return only the questions that every system has answered."""
    ids = set.intersection(*({record.id for record in found} for found in by_system.values())) if by_system else set()
    return {name: [record for record in found if record.id in ids] for name, found in by_system.items()}


def table(by_system: Mapping[str, Sequence[Record]], group: str = "") -> str:
    """Return a row for each measure, a column for each system: value, 95 % interval and n; in bold the difference from Shawahid if the
    paired bootstrap finds it significant. `group` is the name of a set; all without one."""
    kept = {name: [item for item in found if not group or item.set == group] for name, found in by_system.items()}
    measured = {name: _figures(found) for name, found in kept.items()}
    parts = {name: shares_of(found) for name, found in kept.items()}
    first = next(iter(kept))
    count = len(kept[first])
    lines = [f"| {group or 'all'}, {count} questions | " + " | ".join(NAMES.get(name, name) for name in kept) + " |"]
    lines.append("|---" * (len(kept) + 1) + "|")
    for measure, title in COLUMNS.items():
        cells = []
        for name in kept:
            text = cell(measured[name].get(measure))
            pairs = [[part.get(measure, NOT_ABOUT) for part in parts[which]] for which in (first, name)]
            change = difference(*pairs)
            if name != first and text != "–" and change.value and change.p is not None and change.p < 0.05:
                text += f" **{change.value:+.2f}**"
            cells.append(text)
        if any(text != "–" for text in cells):
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
    lengths = [[len(item.quote) for found in kept[name] for item in found.citations if item.exact] for name in kept]
    lines.append("| characters cited at once, median | " + " | ".join(f"{median(own):.0f}" if own else "–" for own in lengths) + " |")
    return "\n".join(lines) + "\n"


def _figures(found: Sequence[Record]) -> dict[str, Figure]:
    measured = figures(found)
    if not any(item.citations for item in found):  # no citations, so none is wrong
        for name in ("cited_gold", "citation_exact", "citation_recall"):
            measured.pop(name, None)
    return measured


def cell(figure: Figure | None) -> str:
    """Return a value with its interval and n."""
    if figure is None or figure.value is None:
        return "–"
    digits = 0 if figure.value >= 100 else 2
    text = f"{figure.value:.{digits}f}"
    if figure.low is None or figure.high is None or digits == 0:
        return text
    return f"{text} ({figure.low:.{digits}f}–{figure.high:.{digits}f}; {figure.n})"


def short_table(by_system: Mapping[str, Sequence[Record]]) -> str:
    """Return for each set a row per system: right, F1, and citations of gold evidence."""
    lines = ["| | " + " | ".join(NAMES.get(name, name) for name in by_system) + " |", "|---" * (len(by_system) + 1) + "|"]
    sets = sorted({item.set for found in by_system.values() for item in found if item.answerable})
    for name in sets:
        cells = []
        for found in by_system.values():
            own = _figures([item for item in found if item.set == name and item.answerable])
            values = [rounded(own[key].value) if key in own else "–" for key in ("right", "f1", "cited_gold")]
            cells.append(" / ".join(values))
        count = sum(item.set == name and item.answerable for item in next(iter(by_system.values())))
        lines.append(f"| {name} (n {count}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
