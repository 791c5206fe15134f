"""Ablation: the same questions with one part of the product switched off at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rag.errors import BadSetting
from rag.evaluation.bootstrap import Difference, Figure, difference, rounded
from rag.evaluation.questions import QuestionSet
from rag.evaluation.records import AnyRecord, RecordFile
from rag.evaluation.run import Bot, Options, QuestionProgress, evaluate
from rag.evaluation.scoring import NOT_ABOUT, figures, groups, shares_of
from rag.models.token_vectors import Tokens
from rag.retrieval.arguments import LEGS
from rag.retrieval.fusion import Weights
from rag.retrieval.index import Index
from rag.retrieval.query import Query
from rag.schema import Evidence, Hit
from rag.storage.database import DATABASE, Store

SHIPPED = "as shipped"
RETRIEVAL_COLUMNS = ("recall@1", "recall@5", "document_recall@1", "document_recall@5", "evidence_recall@1")
ANSWER_COLUMNS = ("right", "f1", "citation_precision", "declined", "wrongly_declined")


@dataclass(frozen=True, slots=True)
class Variant:
    """The product with one part changed.

    `legs` and `stems` are arguments of `Index.search`, `weights` those of the fusion. `tokens` switches late interaction, `unit` selects
    sentences or whole passages as evidence, and `ranked_by` the order of the passages, as searched or by their best sentence. `check`
    switches the check of sentences against the evidence.
    """

    name: str
    legs: Container[str] = LEGS
    stems: bool = True
    weights: Weights | None = None
    tokens: bool = True
    unit: Literal["sentences", "passages"] = "sentences"
    ranked_by: Literal["passages", "sentences"] = "passages"
    check: bool = True


_DENSE = Variant("dense only", legs=("dense",))
_KEYWORD = Variant("keyword only", legs=("keyword",))
_UNSTEMMED = Variant("hybrid, keywords not stemmed", stems=False)
RETRIEVAL = (
    Variant(SHIPPED),
    _DENSE,
    Variant("without late interaction", tokens=False),
    Variant("dense only, by whole passages", legs=("dense",), weights=Weights(passage=1.0, sentence=0.0), tokens=False),
    Variant("dense only, by sentences", legs=("dense",), weights=Weights(passage=0.0, sentence=1.0), tokens=False),
    Variant("hybrid, by whole passages", weights=Weights(passage=1.0, sentence=0.0), tokens=False),
    _KEYWORD,
    Variant("keyword only, not stemmed", legs=("keyword",), stems=False),
    _UNSTEMMED,
    Variant("passages in the order of their best evidence", ranked_by="sentences"),
)
ANSWERS = (
    Variant(SHIPPED),
    _DENSE,
    _KEYWORD,
    _UNSTEMMED,
    Variant("whole passages as evidence", unit="passages"),
    Variant("without the check", check=False),
)


class SwitchedIndex(Index):
    """An index with the switches of a variant applied for any caller. Close it like any other."""

    def __init__(self, index: Index, variant: Variant) -> None:
        super().__init__(index.folder, Store(index.folder / DATABASE), index.embedder, variant.weights)
        self._variant = variant

    def search(self, question: str | Query, k: int = 10, **options: Any) -> list[Hit]:
        switches = {"legs": self._variant.legs, "stems": self._variant.stems}
        return super().search(question, k, **(options | switches))

    def query(self, question: str) -> Query:
        made = super().query(question)
        return made if self._variant.tokens else replace(made, tokens=Tokens.none())

    def evidence(self, question: str | Query, hits: Sequence[Hit], k: int = 5) -> list[Evidence]:
        """Return sentences, or whole passages in the order of the hits, each with the score of its best sentence, so that the confidence
        has the same inputs."""
        if self._variant.unit == "sentences":
            return super().evidence(question, hits, k)
        best: dict[int, Evidence] = {}
        for item in super().evidence(question, hits, 10**6):
            if item.passage.id not in best or item.score > best[item.passage.id].score:
                best[item.passage.id] = item
        return [
            Evidence(
                passage=replace(hit.passage, sentences=(hit.passage.span,)),
                span=hit.passage.span,
                text=hit.passage.text,
                score=best[hit.passage.id].score,
                worth=hit.score,
                match=best[hit.passage.id].match,
            )
            for hit in hits
            if hit.passage.id in best
        ][:k]


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One variant: its figures, and their differences from the product as shipped, by group and measure."""

    name: str
    figures: Mapping[str, Mapping[str, Figure]]
    differences: Mapping[str, Mapping[str, Difference]]


def ablate(
    make: Callable[[Bot, Variant], Bot],
    sets: Sequence[tuple[QuestionSet, Bot]],
    variants: Sequence[Variant],
    out: Path,
    identity: Callable[[Bot], Mapping[str, str]],
    retrieval_only: bool = True,
    progress: QuestionProgress | None = None,
) -> list[VariantResult]:
    """Run each variant over the sets, each set with the bot as shipped over its index.

    `make` returns a bot with the switches of a variant applied, over an index of its own. The other variants are compared with the first.
    """
    rows: list[VariantResult] = []
    base: Sequence[AnyRecord] = ()
    for variant in variants:
        records: list[AnyRecord] = []
        with RecordFile.open(out / _file_name(variant.name) / "records.jsonl") as file:
            for questions, bot in sets:
                changed = make(bot, variant)
                try:
                    whole = {**identity(bot), "variant": repr(variant)}
                    records += evaluate(changed, questions, file, whole, Options(retrieval_only, variant.ranked_by), progress)
                finally:
                    if changed.index is not bot.index:
                        changed.index.close()
            file.finish(records)
        base = base or records
        rows.append(_row(variant.name, records, base))
    return rows


def _row(name: str, records: Sequence[AnyRecord], base: Sequence[AnyRecord]) -> VariantResult:
    parts, first = shares_of(records), shares_of(base)
    by_group = groups(records)
    found = {group: figures([records[n] for n in rows], [parts[n] for n in rows]) for group, rows in by_group.items()}
    differences = {
        group: {
            measure: difference([first[n].get(measure, NOT_ABOUT) for n in rows], [parts[n].get(measure, NOT_ABOUT) for n in rows])
            for measure in (*RETRIEVAL_COLUMNS, *ANSWER_COLUMNS)
        }
        for group, rows in by_group.items()
    }
    return VariantResult(name, found, differences)


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-")


def markdown(rows: Sequence[VariantResult], columns: Sequence[str], group: str) -> str:
    """Return one group as a Markdown table: a row per variant, and in each cell the value with its interval and, if the paired bootstrap
    finds it significant (p < 0.05), the difference from the first row."""
    n = max((figure.n for figure in rows[0].figures.get(group, {}).values()), default=0)
    lines = [f"| {group}, n = {n} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [_cell(row.figures.get(group, {}).get(name), row.differences.get(group, {}).get(name)) for name in columns]
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(figure: Figure | None, change: Difference | None) -> str:
    if figure is None or figure.n == 0:
        return "–"
    text = rounded(figure.value)
    if figure.low is not None:
        text += f" [{rounded(figure.low)}, {rounded(figure.high)}]"
    if change and change.value and change.p is not None and change.p < 0.05:
        text += f" **{change.value:+.3f}**"
    return text


def insert(path: Path, table: str, name: str) -> None:
    """Replace the part of a Markdown file between `<!-- NAME -->` and `<!-- /NAME -->` by a table.

    A file without these marks, or a new file, gets them at its end. Raises BadSetting if only one of them is there.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if (begin in text) != (end in text):
        raise BadSetting("error.marks", path=path, begin=begin, end=end)
    block = f"{begin}\n{table.rstrip()}\n{end}"
    if begin in text:
        before, rest = text.split(begin, 1)
        text = before + block + rest.split(end, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{block}\n".lstrip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
