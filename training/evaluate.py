"""Measure a reader.

    python -m training.evaluate --weights DIR/mean.pt --squad en.json ar.json --cases held.jsonl --out report.json

`--squad` takes one question set in two languages, SQuAD's form, with the same question ids: each question of either language is read
against the passage of either language, in windows, and against another passage of the same article, which does not answer.
`--cases` takes cases that were held aside from training, `--claims` written claims about the documents of `--documents`.
`--cosine` measures the installed embedder alone on the same questions.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.body import Reader, Shape, load
from training.mix.case import Case, Cut, cut_out, read
from training.mix.written import claims
from training.product import (
    InputBuilder,
    ReadText,
    Span,
    auroc,
    base_of,
    builder,
    calibration_error,
    f1,
    first_window,
    models,
    product_reader,
)

WINDOW = 100
"""Tokens of a window of a passage."""
TRUE_LOST = 0.08
"""The share of true claims that may be rejected where it is said how many false ones are: those less supported than all others."""
LONGEST_SPAN = 30
"""Tokens of an answer in words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reader says of a case: logits, and the most probable span in characters of the text."""

    answers: float
    blocks: tuple[float, ...]
    span: tuple[int, int]
    claim: tuple[float, float, float]


Judge = Callable[[Sequence[Case]], list[Judged]]
"""Says what a reader says of each case, in order."""


def shipped(path: Path) -> Judge:
    """The reader as the product runs it, with the file that ships: 8-bit integers where the processor has them."""
    reader = product_reader(path)

    def judge_all(cases: Sequence[Case]) -> list[Judged]:
        by_query: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for n, case in enumerate(cases):
            by_query[case.query, case.claim is not None].append(n)
        found: dict[int, Judged] = {}
        for (query, claim), numbers in by_query.items():
            texts = [ReadText(cases[n].text, tuple(Span(a, b) for a, b in cases[n].blocks), cases[n].title) for n in numbers]
            if claim:
                for n, verdict in zip(numbers, reader.judge(query, texts), strict=True):
                    chances = (verdict.supported, verdict.contradicted, verdict.not_stated)
                    found[n] = Judged(0.0, tuple(map(logit, verdict.blocks)), (0, 0), tuple(np.log(np.maximum(chances, 1e-9))))
            else:
                for n, reading in zip(numbers, reader.read(query, texts, spans=1), strict=True):
                    span = (reading.spans[0].span.start, reading.spans[0].span.end) if reading.spans else (0, 0)
                    found[n] = Judged(logit(reading.answers), tuple(map(logit, reading.blocks)), span, (0.0, 0.0, 0.0))
        return [found[n] for n in range(len(cases))]

    return judge_all


def logit(p: float) -> float:
    """The number whose logistic function is p."""
    p = min(max(p, 1e-9), 1 - 1e-9)
    return float(np.log(p / (1 - p)))


def judge(reader: Reader, inputs: InputBuilder, cases: Sequence[Case], device: str = "cpu", tokens: int = 1280) -> list[Judged]:
    """What the reader says of each case, in order."""
    formed = [first_window(inputs, c.query, c.text, c.blocks, c.title, c.claim is not None) for c in cases]
    order = sorted(range(len(cases)), key=lambda n: -len(formed[n].ids))
    found: dict[int, Judged] = {}
    while order:
        longest = len(formed[order[0]].ids)
        chosen, order = order[: max(tokens // longest, 1)], order[max(tokens // longest, 1) :]
        inside = [formed[n].blocks for n in chosen]
        ids = torch.tensor([formed[n].ids + [0] * (longest - len(formed[n].ids)) for n in chosen], device=device)
        blocks = torch.tensor([row + [-1] * (longest - len(row)) for row in inside], device=device)
        with torch.inference_mode():
            given = reader(ids, torch.tensor([len(formed[n].ids) for n in chosen], device=device), blocks)
        for row, n in enumerate(chosen):
            one = formed[n]
            span = _best(given["span"][row, one.start : one.end].log_softmax(0).cpu().numpy())
            at = (one.offsets[one.start + span[0]][0], one.offsets[one.start + span[1]][1]) if span else (0, 0)
            count = max(inside[row]) + 1
            found[n] = Judged(
                float(given["answers"][row]),
                tuple(given["block"][row, :count].tolist()),
                at,
                tuple(given["claim"][row].tolist()),
            )
    return [found[n] for n in range(len(cases))]


def _best(scores: np.ndarray[Any, Any]) -> tuple[int, int] | None:
    """The first and last token of the most probable span, None without tokens."""
    if not len(scores):
        return None
    pairs = np.triu(scores[:, None, 0] + scores[None, :, 1]) + np.tril(np.full((len(scores),) * 2, -1e9), -1)
    pairs += np.triu(np.full((len(scores),) * 2, -1e9), LONGEST_SPAN)
    first, last = divmod(int(pairs.argmax()), len(scores))
    return first, last


def windows(cut: Cut, inputs: InputBuilder) -> list[tuple[int, int]]:
    """Runs of blocks that cover a text, each filled up to `WINDOW` tokens."""
    found: list[tuple[int, int]] = []
    for n in range(len(cut.blocks)):
        if found and inputs.count(cut.text[cut.blocks[found[-1][0]][0] : cut.blocks[n][1]]) <= WINDOW:
            found[-1] = (found[-1][0], n + 1)
        else:
            found.append((n, n + 1))
    return found


@dataclass(slots=True)
class Question:
    """A question of a set, the passage it is read against, whether that answers, and the accepted answers."""

    direction: str
    text: str
    cut: Cut
    answers: bool
    accepted: list[str]
    gold: set[int]


def questions(paths: Sequence[Path], count: int, seed: int) -> list[Question]:
    """`count` questions (0: all) of a set in its languages, drawn by seed, in every direction, each with its own passage and one
    other of the same article where there is one."""
    sets: dict[str, dict[str, Any]] = {}
    for path in paths:
        content = json.loads(path.read_text("utf-8"))["data"]
        found: dict[str, Any] = {}
        for number, article in enumerate(content):
            for place, paragraph in enumerate(article["paragraphs"]):
                for entry in paragraph["qas"]:
                    found[entry["id"]] = (entry, number, place)
        sets["ar" if Case("", "", content[0]["paragraphs"][0]["context"], "").direction[:2] == "ar" else "en"] = {
            "of": found,
            "data": content,
        }
    ids = sorted(set.intersection(*(set(one["of"]) for one in sets.values())))
    random.Random(seed).shuffle(ids)
    result = []
    for id in ids[: count or None]:
        for asked_in, asked in sets.items():
            for read_in, against in sets.items():
                entry, article, place = against["of"][id]
                paragraphs = against["data"][article]["paragraphs"]
                query = asked["of"][id][0]["question"]
                cut = Cut.of(paragraphs[place]["context"])
                gold = {n for a in entry["answers"] for n in cut.holding(a["answer_start"], a["answer_start"] + len(a["text"]))}
                result.append(Question(f"{asked_in}-{read_in}", query, cut, True, [a["text"] for a in entry["answers"]], gold))
                others = [n for n in range(len(paragraphs)) if n != place]
                if others:
                    other = others[random.Random(f"{seed}/{id}").randrange(len(others))]
                    result.append(Question(f"{asked_in}-{read_in}", query, Cut.of(paragraphs[other]["context"]), False, [], set()))
    return result


def sigmoid(x: float) -> float:
    """The logistic function."""
    return float(1 / (1 + np.exp(-x)))


def measure_squad(judged: Judge, inputs: InputBuilder, asked: Sequence[Question]) -> dict[str, dict[str, float]]:
    """Span F1, right sentence first, answers-or-not AUROC, by direction."""
    cases, owner = [], []
    for number, question in enumerate(asked):
        for run in windows(question.cut, inputs):
            text, blocks, moved = cut_out(question.cut, run)
            cases.append(Case("squad", "", question.text, text, "", "", blocks))
            owner.append((number, run[0], moved))
    by_question: dict[int, list[tuple[Judged, int, int]]] = defaultdict(list)
    for one, (number, first, moved) in zip(judged(cases), owner, strict=True):
        by_question[number].append((one, first, moved))
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, question in enumerate(asked):
        at = found[question.direction]
        read = by_question[number]
        best = max(read, key=lambda r: r[0].answers)
        at["positive" if question.answers else "negative"].append(best[0].answers)
        if question.answers:
            start, end = best[0].span
            at["f1"].append(f1(question.cut.text[start + best[2] : end + best[2]], question.accepted))
            scores = {
                r[1] + n: np.log(sigmoid(r[0].answers) + 1e-9) + np.log(sigmoid(b) + 1e-9) for r in read for n, b in enumerate(r[0].blocks)
            }
            at["sentence"].append(float(max(scores, key=lambda n: scores[n]) in question.gold) if scores else 0.0)
    return {
        direction: {
            "n": len(at["positive"]),
            "span_f1": float(np.mean(at["f1"])),
            "sentence": float(np.mean(at["sentence"])),
            "auroc": auroc(at["positive"], at["negative"]),
            "n_negative": len(at["negative"]),
        }
        for direction, at in sorted(found.items())
    }


def measure_cosine(asked: Sequence[Question]) -> dict[str, dict[str, float]]:
    """Right sentence first and answers-or-not AUROC of the best sentence's cosine, by direction, with the installed embedder."""
    from training.product import embed

    query_of = {text: n for n, text in enumerate(dict.fromkeys(q.text for q in asked))}
    unit_of = {text: n for n, text in enumerate(dict.fromkeys(q.cut.text[a:b] for q in asked for a, b in q.cut.blocks))}
    queries, sentences = embed(list(query_of), list(unit_of))
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for q in asked:
        scores = [float(queries[query_of[q.text]] @ sentences[unit_of[q.cut.text[a:b]]]) for a, b in q.cut.blocks]
        at = found[q.direction]
        at["positive" if q.answers else "negative"].append(max(scores))
        if q.answers:
            at["sentence"].append(float(int(np.argmax(scores)) in q.gold))
    return {
        direction: {
            "n": len(at["positive"]),
            "sentence": float(np.mean(at["sentence"])),
            "auroc": auroc(at["positive"], at["negative"]),
            "n_negative": len(at["negative"]),
        }
        for direction, at in sorted(found.items())
    }


def measure_cosine_cases(cases: Sequence[Case]) -> dict[str, dict[str, float]]:
    """The same for cases that were held aside, by direction; each block is embedded with the text's title and headings."""
    from training.product import embed

    asked = [case for case in cases if case.answers is not None and case.blocks]
    query_of = {text: n for n, text in enumerate(dict.fromkeys(case.query for case in asked))}
    unit_of = {pair: n for n, pair in enumerate(dict.fromkeys((c.text[a:b], c.title) for c in asked for a, b in c.blocks))}
    queries, blocks = embed(list(query_of), [text for text, _ in unit_of], [title for _, title in unit_of])
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in asked:
        scores = [float(queries[query_of[case.query]] @ blocks[unit_of[case.text[a:b], case.title]]) for a, b in case.blocks]
        at = found[case.direction]
        at["positive" if case.answers else "negative"].append(max(scores))
        if case.gold:
            at["block"].append(float(int(np.argmax(scores)) in case.gold))
    return {
        direction: {
            "n": len(at["positive"]) + len(at["negative"]),
            "auroc": auroc(at["positive"], at["negative"]),
            "block": float(np.mean(at["block"])) if at["block"] else float("nan"),
            "n_block": len(at["block"]),
        }
        for direction, at in sorted(found.items())
    }


def measure_cases(judged: Judge, cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
    """Every head on cases held aside, in one language and across, by direction, by kind, and by both."""
    groups: dict[str, list[tuple[Case, Judged]]] = defaultdict(list)
    for case, one in zip(cases, judged(cases), strict=True):
        asked, _, read_in = case.direction.partition("-")
        groups["in one language" if asked == read_in else "across"].append((case, one))
        groups[case.kind].append((case, one))
        groups[case.direction].append((case, one))
        groups[f"{case.direction} {case.kind}"].append((case, one))
    return {name: _group(pairs) for name, pairs in sorted(groups.items())}


def _group(pairs: Sequence[tuple[Case, Judged]]) -> dict[str, Any]:
    result: dict[str, Any] = {"n": len(pairs)}
    positive = [j.answers for c, j in pairs if c.answers == 1]
    negative = [j.answers for c, j in pairs if c.answers == 0]
    if positive and negative:
        result["auroc"] = auroc(positive, negative)
    if positive:
        result["accepted"] = float(np.mean([x > 0 for x in positive]))
    if negative:
        result["declined"] = float(np.mean([x <= 0 for x in negative]))
    if positive or negative:
        chances = [(sigmoid(j.answers), c.answers == 1) for c, j in pairs if c.answers is not None]
        sure = [(max(p, 1 - p), (p > 0.5) == truth) for p, truth in chances]
        result["answers_ece"] = calibration_error([p for p, _ in sure], [r for _, r in sure])
    blocks = [int(np.argmax(j.blocks)) in c.gold for c, j in pairs if c.gold and j.blocks]
    if blocks:
        result["block"], result["n_block"] = float(np.mean(blocks)), len(blocks)
    spans = [f1(c.text[j.span[0] : j.span[1]], [c.text[a:b] for a, b in c.spans]) for c, j in pairs if c.spans]
    if spans:
        result["span_f1"], result["n_span"] = float(np.mean(spans)), len(spans)
    claims = [(c.claim, np.exp(np.array(j.claim) - max(j.claim))) for c, j in pairs if c.claim is not None]
    if claims:
        judged = [(label, p / p.sum()) for label, p in claims]
        right = [int(p.argmax()) == label for label, p in judged]
        result["claim"], result["n_claim"] = float(np.mean(right)), len(claims)
        result["claim_ece"] = calibration_error([float(p.max()) for _, p in judged], right)
        true, false = [float(p[0]) for label, p in judged if label == 0], [float(p[0]) for label, p in judged if label != 0]
        if true and false:
            result["claim_auroc"] = auroc(true, false)
            least = float(np.quantile(true, TRUE_LOST, method="lower"))
            result["false_rejected"], result["n_false"] = float(np.mean([value < least for value in false])), len(false)
    return result


def restore(path: Path, device: str = "cpu") -> tuple[Reader, InputBuilder, dict[str, Any]]:
    """A trained reader, what forms its input, and what its file says of it."""
    kept = torch.load(path, map_location=device)
    folder = models() / kept["model"]
    reader = load(folder, Shape(**kept["shape"]), device)
    for name, value in reader.learned():
        value.data.copy_(kept["weights"][name])
    return (
        reader.eval(),
        builder(folder),
        {k: v for k, v in kept.items() if k not in {"weights", "optimizer"}},
    )


def main() -> None:
    """Read the command line, measure, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--squad", type=Path, nargs="*", default=[])
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--claims", type=Path)
    parser.add_argument("--documents", type=Path, help="the folder of the documents that --claims are about")
    parser.add_argument("--product", type=Path, help="the file that ships, run by the product, instead of --weights")
    parser.add_argument("--count", type=int, default=0, help="questions of --squad; 0: all")
    parser.add_argument("--most", type=int, default=0, help="cases of --cases; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cosine", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    report: dict[str, Any] = {}
    asked = questions(options.squad, options.count, options.seed) if options.squad else []
    cases = list(read(options.cases)) if options.cases else []
    random.Random(options.seed).shuffle(cases)
    cases = cases[: options.most or None]
    if options.cosine and asked:
        report["cosine"] = measure_cosine(asked)
    if options.cosine and cases:
        report["cosine_cases"] = measure_cosine_cases(cases)
    if options.weights or options.product:
        if options.product:
            judged, inputs = shipped(options.product), builder(models() / base_of(options.product))
        else:
            reader, inputs, report["about"] = restore(options.weights, device)
            judged = partial(judge, reader, inputs, device=device)
        if asked:
            report["squad"] = measure_squad(judged, inputs, asked)
        if cases:
            report["cases"] = measure_cases(judged, cases)
        if options.claims:
            report["claims"] = measure_cases(judged, list(claims(options.claims, options.documents, random.Random(options.seed))))
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
