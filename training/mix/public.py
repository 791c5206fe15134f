"""Cases of the public question sets."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from training.mix.case import Case, Cut, Grams, cut_out, window
from training.product import CONTEXT_SEPARATOR, folded

Length = Callable[[str], int]


@dataclass(slots=True)
class Asked:
    """A question of a set, the passage that answers it and where."""

    source: str
    article: str
    question: str
    passage: str
    start: int
    answer: str
    title: str = ""


def squad(path: Path, source: str, titled: bool) -> Iterator[Asked]:
    """The questions of a file in SQuAD's form whose answer stands where it says."""
    for number, article in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        title = unquote(str(article.get("title") or "")).replace("_", " ")
        for paragraph in article["paragraphs"]:
            passage = paragraph["context"]
            for item in paragraph["qas"]:
                if not item["answers"]:
                    continue
                answer = min(item["answers"], key=lambda a: len(a["text"]))
                text, start = answer["text"].strip(), answer["answer_start"]
                # Some files count from another form of the text: take the place nearest to the one given.
                places = (
                    [n for n in range(len(passage)) if passage.startswith(text, n)]
                    if passage[start : start + len(text)] != text
                    else [start]
                )
                if text and places:
                    start = min(places, key=lambda n: abs(n - start))
                    yield Asked(
                        source, title or f"{source}-{number}", item["question"].strip(), passage, start, text, title if titled else ""
                    )


def natural(path: Path) -> Iterator[Asked]:
    """Natural Questions with the passage that answers."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            item = json.loads(line)
            gold = next((c for c in item["ctxs"] if c.get("isgold")), None)
            answer = next((a for a in item["answers"] if gold and a in gold["text"]), None)
            if gold and answer and gold["text"].count(answer) == 1:
                yield Asked("nq", gold["title"], item["question"], gold["text"], gold["text"].index(answer), answer, gold["title"])


def asked(data: Path) -> Iterator[Asked]:
    """All questions with an answer in words."""
    yield from squad(data / "squadshifts/datasets/new_wiki_v1.0.json", "squadshifts", True)
    yield from squad(data / "tydiqa/data/tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json", "tydiqa", False)
    yield from squad(data / "tydiqa-ar/All Datasets/tydiqa-goldp-dev-arabic.json", "tydiqa", False)
    for text in ("ar", "en"):
        for question in ("ar", "en"):
            path = data / f"mlqa/data/mlqa/MLQA_V1/dev/dev-context-{text}-question-{question}.json"
            yield from squad(path, "mlqa", True)
    yield from squad(data / "arcd/data/arcd-train.json", "arcd", True)
    yield from natural(data / "nq/qa_data/nq-open-oracle.jsonl.gz")


def is_stated(answer: str, text: str) -> bool:
    """Whether the words of an answer stand in a text in a row."""
    return f" {' '.join(folded(answer))} " in f" {' '.join(folded(text))} "


def cases(data: Path, held: Grams, length: Length, rng: random.Random, times: dict[str, int]) -> Iterator[Case]:
    """Cases that answer, and for each question one that does not: another run of sentences of the passage, the same run without the
    sentence that answers, or another passage of the article. `times` says how often the questions of a set and a direction occur
    (in other windows each time), 1 where it says nothing."""
    questions = [q for q in asked(data) if q.passage not in held and q.question not in held]
    by_article: dict[tuple[str, str], list[str]] = {}
    for q in questions:
        found = by_article.setdefault((q.source, q.article), [])
        if q.passage not in found:
            found.append(q.passage)
    for q in questions:
        cut = Cut.of(q.passage)
        gold = cut.holding(q.start, q.start + len(q.answer))
        if not gold or len(folded(q.answer)) > 25:
            continue
        for turn in range(times.get(f"{q.source}:{Case(q.source, '', q.question, q.passage).direction}", 1)):
            budget = rng.choice((40, 64, 90, 104))
            run = window(cut, gold, max(budget, 104 if turn else budget), length, rng) or window(cut, gold, 104, length, rng)
            title = q.title if rng.random() < 0.7 else ""
            if run is None:
                break
            text, blocks, moved = cut_out(cut, run)
            start = q.start - moved
            yield Case(
                q.source, "answer", q.question, text, title, f"{q.source}/{q.article}", blocks,
                [n - run[0] for n in gold], [(start, start + len(q.answer))], 1,
            )  # fmt: skip
            other = _negative(q, cut, gold, by_article[q.source, q.article], length, rng)
            if other:
                kind, text, blocks = other
                yield Case(q.source, kind, q.question, text, title, f"{q.source}/{q.article}", blocks, [], [], 0)


def _negative(
    q: Asked, cut: Cut, gold: list[int], passages: list[str], length: Length, rng: random.Random
) -> tuple[str, str, list[tuple[int, int]]] | None:
    """A text of the same article that does not hold the answer, with its kind and blocks."""
    ways = ["without", "elsewhere", "sister", "sister"]
    rng.shuffle(ways)
    for way in ways:
        if way == "without" and len(cut.blocks) > 2:
            rest = "".join(cut.text[a:b] + " " for n, (a, b) in enumerate(cut.blocks) if n not in gold).strip()
            other = Cut.of(rest)
        elif way == "sister" and len(passages) > 1:
            other = Cut.of(rng.choice([p for p in passages if p != q.passage]))
        elif way == "elsewhere" and len(cut.blocks) > 3:
            side = cut.text[: cut.blocks[gold[0]][0]] if rng.random() < 0.5 else cut.text[cut.blocks[gold[-1]][1] :]
            other = Cut.of(side.strip())
        else:
            continue
        if not other.blocks:
            continue
        run = window(other, [], rng.choice((40, 64, 90, 104)), length, rng)
        if run is None:
            continue
        text, blocks, _ = cut_out(other, run)
        if len(folded(text)) >= 5 and not is_stated(q.answer, text):
            return f"not:{way}", text, blocks
    return None


def sentences(data: Path, held: Grams, length: Length, rng: random.Random) -> Iterator[Case]:
    """SelQA: which sentences of a section answer, and the section without them."""
    for name in ("dev", "test"):
        for entry in json.loads((data / f"selqa/ass/selqa-ass-{name}.json").read_text("utf-8")):
            lines, gold = entry["candidates"], set(entry["answers"])
            passage = " ".join(lines)
            if not gold or passage in held or entry["question"] in held:
                continue
            title = entry["article"] + CONTEXT_SEPARATOR + entry["section"] if rng.random() < 0.6 else ""
            document = f"selqa/{entry['article']}"
            first = min(gold)
            chosen = [first]
            low, high = first, first
            while length(" ".join(lines[low : high + 1])) < rng.choice((40, 70, 90)) and len(chosen) < len(lines):
                low, high = (
                    (low - 1, high) if low > 0 and (rng.random() < 0.5 or high + 1 >= len(lines)) else (low, min(high + 1, len(lines) - 1))
                )
                chosen = list(range(low, high + 1))
            for wanted in (True, False):
                kept = [n for n in chosen if wanted or n not in gold]
                if not kept:
                    continue
                text = " ".join(lines[n] for n in kept)
                cut = Cut.of(text)
                right: list[int] = []
                at = 0
                for n in kept:
                    if n in gold:
                        right += cut.holding(at, at + len(lines[n]))
                    at += len(lines[n]) + 1
                if length(text) <= 110:
                    kind = "sentence" if wanted else "sentence:without"
                    yield Case(
                        "selqa",
                        kind,
                        entry["question"],
                        text,
                        title,
                        document,
                        list(cut.blocks),
                        sorted(set(right)),
                        None if wanted else [],
                        int(wanted),
                    )


def strange(data: Path, questions: list[str], rng: random.Random, count: int) -> Iterator[Case]:
    """Texts that answer nothing: empty, a few signs, letters or words thrown together, numbers alone, a third language."""
    foreign = []
    for name in ("ru", "id", "fi"):
        path = data / f"tydiqa/data/tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{name}.dev.json"
        foreign += [p["context"] for article in json.loads(path.read_text("utf-8"))["data"] for p in article["paragraphs"]]
    for _ in range(count):
        question, other = rng.choice(questions), rng.choice(questions)
        words = other.split()
        rng.shuffle(words)
        letters = list(other)
        rng.shuffle(letters)
        line = rng.choice(foreign)[:300]
        text = rng.choice(
            (
                "",
                rng.choice("-—•*.|?x0") * rng.randint(1, 40),
                " ".join(words),
                "".join(letters).strip(),
                " | ".join(str(rng.randint(0, 10 ** rng.randint(1, 6))) for _ in range(rng.randint(2, 20))),
                line,
                line,
                " ".join(
                    "".join(rng.choice("abcdefghijklmnopqrstuvwxyzابتثجحخدذرزسشصضط") for _ in range(rng.randint(2, 9))) for _ in range(12)
                ),
            )
        )
        yield Case("strange", "strange", question, text, "", "strange", list(Cut.of(text).blocks), [], [], 0)
