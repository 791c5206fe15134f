"""Claims and what decides them: FEVER, questions with their answers made into statements, sentences changed by rule, and translations.

A changed number, name or negation contradicts its sentence; a claim that turns a plan, a possibility or another's words into a fact is
not stated by it, and neither is what another text of the same document says.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from training.mix.case import CONTRADICTED, ENTAILED, NOT_STATED, Case, Cut, Grams, cut_out, language, window
from training.mix.facts import changed
from training.mix.public import Asked
from training.product import folded

Length = Callable[[str], int]

# (as it stands, as a claim makes it, what the claim is then), tried in order on whole words.
_CHANGES_EN: list[tuple[str, str, int]] = [
    (r"\b(is|are|was|were|has|have|can|will|must|should|could|would|may|might) (?!not\b)", r"\1 not ", CONTRADICTED),
    (r"\b(is|are|was|were|has|have|can|will|must|should|could|would) not ", r"\1 ", CONTRADICTED),
    (r"\bplans? to (\w+)", r"has begun to \1", NOT_STATED),
    (r"\bplans? to ", "refuses to ", CONTRADICTED),
    (r"\b(?:may|might|could) (be|have|cause|lead|help|need)\b", r"certainly \1", NOT_STATED),
    (r"\bshould\b", "is certain to", NOT_STATED),
    (r"\bdenied\b", "confirmed", CONTRADICTED),
    (r"\bconfirmed\b", "denied", CONTRADICTED),
    (r"\baccused\b", "cleared", CONTRADICTED),
    (r"\b(?:alleged|claimed|reported) that\b", "proved that", NOT_STATED),
    (r"\balleged(?:ly)? ", "", NOT_STATED),
    (r"\bincreased\b", "decreased", CONTRADICTED),
    (r"\bdecreased\b", "increased", CONTRADICTED),
    (r"\brose\b", "fell", CONTRADICTED),
    (r"\bfell\b", "rose", CONTRADICTED),
    (r"\bmore than\b", "less than", CONTRADICTED),
    (r"\bless than\b", "more than", CONTRADICTED),
    (r"\bbefore\b", "after", CONTRADICTED),
    (r"\bafter\b", "before", CONTRADICTED),
    (r"\bfirst\b", "last", CONTRADICTED),
    (r"\ball\b", "none of the", CONTRADICTED),
    (r"\balways\b", "never", CONTRADICTED),
    (r"\bnever\b", "often", CONTRADICTED),
]
_CHANGES_AR: list[tuple[str, str, int]] = [
    (r"(?<!\w)(?:يخطط|تخطط) ل\w+", "رفض الأمر", CONTRADICTED),
    (r"(?<!\w)(?:يعتزم|تعتزم) ", "أنجز بالفعل ", NOT_STATED),
    (r"(?<!\w)من المتوقع أن ", "من المؤكد أن ", NOT_STATED),
    (r"(?<!\w)من الممكن أن ", "من المؤكد أن ", NOT_STATED),
    (r"(?<!\w)قد (?=[يت]\w+)", "من المؤكد أن ", NOT_STATED),
    (r"(?<!\w)يمكن أن ", "لا يمكن أن ", CONTRADICTED),
    (r"(?<!\w)نفى ", "أكد ", CONTRADICTED),
    (r"(?<!\w)نفت ", "أكدت ", CONTRADICTED),
    (r"(?<!\w)أكد ", "نفى ", CONTRADICTED),
    (r"(?<!\w)أكدت ", "نفت ", CONTRADICTED),
    (r"(?<!\w)اتهم ", "برّأ ", CONTRADICTED),
    (r"(?<!\w)يقال إن", "ثبت أن", NOT_STATED),
    (r"(?<!\w)يُعتقد أن", "ثبت أن", NOT_STATED),
    (r"(?<!\w)لم (?=[يت]\w+)", "", CONTRADICTED),
    (r"(?<!\w)ليست? ", "", CONTRADICTED),
    (r"(?<!\w)كان ", "لم يكن ", CONTRADICTED),
    (r"(?<!\w)كانت ", "لم تكن ", CONTRADICTED),
    (r"(?<!\w)(يوجد|توجد|يقع|تقع|يبلغ|تبلغ|يعد|تعد|يعتبر|تعتبر|يعيش|تعيش|يستخدم|تستخدم) ", r"لا \1 ", CONTRADICTED),
    (r"(?<!\w)ارتفع", "انخفض", CONTRADICTED),
    (r"(?<!\w)انخفض", "ارتفع", CONTRADICTED),
    (r"(?<!\w)أكثر من ", "أقل من ", CONTRADICTED),
    (r"(?<!\w)أقل من ", "أكثر من ", CONTRADICTED),
    (r"(?<!\w)قبل ", "بعد ", CONTRADICTED),
    (r"(?<!\w)بعد ", "قبل ", CONTRADICTED),
    (r"(?<!\w)جميع ", "بعض القليل من ", CONTRADICTED),
    (r"(?<!\w)شمال ", "جنوب ", CONTRADICTED),
    (r"(?<!\w)جنوب ", "شمال ", CONTRADICTED),
    (r"(?<!\w)شرق ", "غرب ", CONTRADICTED),
    (r"(?<!\w)غرب ", "شرق ", CONTRADICTED),
]
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+(?: [A-Z][a-z]+)*")
_VERBS = (
    "is|was|are|were|has|had|won|wrote|made|led|became|founded|invented|built|created|discovered|played|sang|plays|sings|owns|caused|causes"
)
_SPEECH = re.compile(r"^(?P<who>[A-Z][\w.'-]*(?: [\w.'-]+){0,4}?) (?P<verb>said|says|told \w+|added|argued|announced|claimed)\b")


def perturbed(sentence: str, rng: random.Random, names: Sequence[str] = ()) -> tuple[str, int] | None:
    """A sentence changed in one point, and what it then is to the unchanged one; None when no rule fits. `names` may replace its own."""
    changes = list(_CHANGES_AR if language(sentence) == "ar" else _CHANGES_EN)
    rng.shuffle(changes)
    ways = ["number", "rule", "rule", "name", "speaker"]
    rng.shuffle(ways)
    for way in ways:
        if way == "number" and (found := list(re.finditer(r"(?<![\w.,-])\d[\d.,]*", sentence))):
            match = rng.choice(found)
            other = changed(match[0], rng)
            if other != match[0]:
                return sentence[: match.start()] + other + sentence[match.end() :], CONTRADICTED
        if way == "rule":
            for old, new, label in changes:
                other, count = re.subn(old, new, sentence, count=1)
                if count and other != sentence:
                    return other, label
        if way == "name" and (found := list(_NAME.finditer(sentence))):
            match = rng.choice(found)
            fitting = [name for name in names if name not in sentence and name.count(" ") == match[0].count(" ")]
            if fitting:
                return sentence[: match.start()] + rng.choice(fitting) + sentence[match.end() :], CONTRADICTED
        if way == "speaker" and (found_one := _SPEECH.match(sentence)):
            fitting = [name for name in names if name not in sentence]
            if fitting:
                return rng.choice(fitting) + sentence[found_one.end("who") :], NOT_STATED
    return None


def statement(question: str, answer: str) -> str | None:
    """A question and its answer as a statement, for the forms that need no parsing; None for the others."""
    q = question.strip().rstrip("?؟").strip()
    if language(q) == "ar":
        patterns = [
            (r"متى (?!كان|يكون)(\S+ .+)", r"\1 في {a}"),
            (r"(?:في أي (?:سنة|عام)|أي سنة) (\S+ .+)", r"\1 في عام {a}"),
            (r"أين (تقع|يقع|ولد|ولدت|توجد|يوجد|تأسست|تأسس|عاش|عاشت|توفي|توفيت) (.+)", r"\1 \2 في {a}"),
            (r"كم (?:يبلغ |تبلغ |هو |هي )?(عدد|طول|مساحة|ارتفاع|عمر|كثافة) (.+)", r"\1 \2 هو {a}"),
            (r"(?:ما|من) (?:هو|هي) (.+)", r"\1 هو {a}"),
            (r"ما (اسم|عاصمة|عدد|مساحة|لغة) (.+)", r"\1 \2 هو {a}"),
            (r"من (مؤسس|مخترع|مكتشف|مؤلف|رئيس|قائد|والد|والدة|بطل) (.+)", r"\1 \2 هو {a}"),
        ]
    else:
        patterns = [
            (rf"(?:who|what|which \w+) ((?:{_VERBS})\b .+)", r"{a} \1"),
            (r"(?:who|what) (\w+ed .+)", r"{a} \1"),
            (r"how many (\w+) (are|were) (.+)", r"{a} \1 \2 \3"),
            (
                (
                    r"(?:when|what year|in what year) (?:was|were) (the \w+(?: of [A-Z]\w+)?|[A-Z]\w+(?: [A-Z]\w+)*)"
                    r" (\w+ed|built|born|made|written|won)(.*)"
                ),
                r"\1 was \2\3 in {a}",
            ),
            (r"where (?:is|was) (the \w+|[A-Z]\w+(?: [A-Z]\w+)*) (located|born|built|held|founded|filmed)(.*)", r"\1 was \2\3 in {a}"),
        ]  # fmt: skip
    for form, made in patterns:
        match = re.fullmatch(form, q, re.IGNORECASE)
        if match:
            text = match.expand(made.replace("{a}", "\0")).replace("\0", answer)
            return text[:1].upper() + text[1:] + "."
    return None


def of_fever(data: Path, held: Grams, rng: random.Random) -> Iterator[Case]:
    """FEVER's claims with their evidence among other evidence of it; not stated: evidence about the same thing for another claim."""
    seen: dict[str, list[tuple[str, str, list[str]]]] = {}
    everything = []
    for name in ("validation", "test"):
        for line in (data / f"fever/data/fever/{name}.jsonl").read_text("utf-8").splitlines():
            entry = json.loads(line)
            evidence = [_clean(text) for text in entry["evidence"][:3]]
            if not evidence or any(text in held for text in evidence):
                continue
            everything.append((entry["claim"], entry["label"], evidence))
            for word in set(re.findall(r"[A-Z][a-z]{3,}", entry["claim"])):
                seen.setdefault(word, []).append(everything[-1])
    for claim, label, evidence in everything:
        if rng.random() < 0.35:
            word = next((w for w in re.findall(r"[A-Z][a-z]{3,}", claim) if len(seen[w]) > 1), None)
            others = [one for one in seen.get(word or "", ()) if one[2] != evidence and not set(one[2]) & set(evidence)]
            if others:
                evidence, label = rng.choice(others)[2], "NOT"
        text = "\n".join(evidence)
        if len(text) > 420:
            text = evidence[0][:420]
        cut = Cut.of(text)
        wanted = {"SUPPORTS": ENTAILED, "REFUTES": CONTRADICTED}.get(label, NOT_STATED)
        # Which sentence decides is known only where there is one.
        gold = [0] if len(cut.blocks) == 1 and wanted != NOT_STATED else ([] if wanted == NOT_STATED else None)
        yield Case(
            "fever",
            f"claim:{('true', 'false', 'absent')[wanted]}",
            claim,
            text,
            "",
            f"fever/{evidence[0][:40]}",
            list(cut.blocks),
            gold,
            None,
            None,
            wanted,
        )


def _clean(text: str) -> str:
    for old, new in (
        ("-LRB-", "("),
        ("-RRB-", ")"),
        ("-LSB-", "["),
        ("-RSB-", "]"),
        ("``", '"'),
        ("''", '"'),
        (" ,", ","),
        (" .", "."),
        (" 's", "'s"),
        ("( ", "("),
        (" )", ")"),
    ):
        text = text.replace(old, new)
    return text


def of_questions(questions: Sequence[Asked], held: Grams, length: Length, rng: random.Random) -> Iterator[Case]:
    """Questions with answers made into statements: the right answer, another question's answer of the same kind, the same claim
    against another passage."""
    by_kind: dict[tuple[str, str], list[str]] = {}
    for q in questions:
        by_kind.setdefault(_kind(q), []).append(q.answer)
    for q in questions:
        says = statement(q.question, q.answer)
        if says is None or len(q.answer) > 80 or q.passage in held or q.question in held:
            continue
        cut = Cut.of(q.passage)
        gold = cut.holding(q.start, q.start + len(q.answer))
        run = window(cut, gold, rng.choice((40, 64, 100)), length, rng)
        if run is None:
            continue
        text, blocks, _ = cut_out(cut, run)
        label = rng.choices((ENTAILED, CONTRADICTED, NOT_STATED), (4, 4, 2))[0]
        inside = [n - run[0] for n in gold]
        if label == CONTRADICTED:
            others = [a for a in rng.sample(by_kind[_kind(q)], min(8, len(by_kind[_kind(q)]))) if a != q.answer]
            other = changed(q.answer, rng) if any(c.isdigit() for c in q.answer) else (rng.choice(others) if others else "")
            if not other or (set(folded(other)) & set(folded(q.answer)) and not any(c.isdigit() for c in other)):
                continue
            says = statement(q.question, other) or says
        if label == NOT_STATED:
            rest = [n for n in range(len(cut.blocks)) if n not in gold]
            if not rest:
                continue
            text = " ".join(cut.text[slice(*cut.blocks[n])] for n in rest[:4])
            if length(text) > 100 or f" {' '.join(folded(q.answer))} " in f" {' '.join(folded(text))} ":
                continue
            blocks, inside = list(Cut.of(text).blocks), []
        yield Case(
            f"{q.source}",
            f"claim:qa:{('true', 'false', 'absent')[label]}",
            says,
            text,
            q.title,
            f"{q.source}/{q.article}",
            blocks,
            inside,
            None,
            None,
            label,
        )


def _kind(q: Asked) -> tuple[str, str]:
    first = (folded(q.question) or [""])[0]
    return language(q.question), first


def of_parallel(pairs: Sequence[tuple[str, str, str]], source: str, held: Grams, rng: random.Random) -> Iterator[Case]:
    """Sentences and their translations, (document, English, Arabic) in order: a claim in one language is read against sentences in
    either, its own among them (true), its own but the claim changed (false or not stated), or its neighbours alone (not stated)."""
    names = [match[0] for _, english, _ in pairs for match in _NAME.finditer(english)]
    for number, (document, *both) in enumerate(pairs):
        if any(text in held for text in both) or both[0].rstrip().rstrip('"').endswith("?"):
            continue  # a question is no claim
        says = rng.choice((0, 1))
        against = 1 - says if rng.random() < 0.7 else says
        near = [n for n in range(number - 2, number + 3) if 0 <= n < len(pairs) and n != number and pairs[n][0] == document]
        way = rng.choices(("true", "changed", "absent"), (36, 44, 20))[0]
        if way == "changed":
            found = perturbed(both[says], rng, rng.sample(names, min(20, len(names))))
            if found is None:
                way = rng.choice(("true", "absent"))
            else:
                claim, label = found
        if way == "true":
            claim, label = both[says], ENTAILED
            if (
                says == against
                and len(claim) > 60
                and (cut := re.match(r"^(.{30,}?)(?:, (?:which|who|where|while)\b|، (?:حيث|وهو|وهي|الذي|التي)).*", claim))
            ):
                claim = cut[1].rstrip(" ,،") + "."
        if way == "absent":
            if not near:
                continue
            claim, label = both[says], NOT_STATED
        chosen = sorted(
            rng.sample(near, min(len(near), rng.choice((0, 1, 1, 2)) + (way == "absent"))) + ([] if way == "absent" else [number])
        )
        lines = [pairs[n][1 + against] for n in chosen]
        text = " ".join(lines)
        if len(text) > 460:
            lines = [both[against]] if way != "absent" else lines[:1]
            text = lines[0][:460]
            chosen = [number] if way != "absent" else chosen[:1]
        cut_text = Cut.of(text)
        gold: list[int] = []
        if label != NOT_STATED or way == "changed":
            start = sum(len(line) + 1 for line in lines[: chosen.index(number)])
            gold = cut_text.holding(start, start + len(lines[chosen.index(number)]))
        yield Case(
            source,
            f"claim:{way}",
            claim,
            text,
            "",
            f"{source}/{document}",
            list(cut_text.blocks),
            gold if label != NOT_STATED else [],
            None,
            None,
            label,
        )


def of_wikipedia(folder: Path, held: Grams, rng: random.Random, count: int) -> Iterator[Case]:
    """Claims about Arabic articles: a sentence of the article against itself among its neighbours, changed by rule, or against others."""
    paths = sorted(folder.rglob("doc_*.txt"))
    rng.shuffle(paths)
    made = 0
    for path in paths:
        if made >= count:
            return
        raw = path.read_text("utf-8")
        title = (re.search(r'title="([^"]*)"', raw) or ["", ""])[1]
        body = re.sub(r"<[^>]*>", "", raw).strip().partition("\n")[2].strip()[:4000]
        sentences = [body[a:b] for a, b in Cut.of(body).blocks if 40 < b - a < 220]
        if len(sentences) < 5 or body in held:
            continue
        for at in rng.sample(range(1, len(sentences) - 1), min(2, len(sentences) - 2)):
            way = rng.choices(("true", "changed", "absent"), (25, 50, 25))[0]
            claim, label = sentences[at], ENTAILED
            if way == "changed":
                found = perturbed(claim, rng)
                if found is None:
                    continue
                claim, label = found
            lines = [sentences[at - 1], sentences[at], sentences[at + 1]] if way != "absent" else [sentences[at - 1], sentences[at + 1]]
            text = " ".join(lines)[:460]
            cut = Cut.of(text)
            start = len(lines[0]) + 1
            gold = cut.holding(start, start + len(sentences[at])) if way != "absent" and label != NOT_STATED else []
            if way == "absent":
                label = NOT_STATED
            made += 1
            yield Case(
                "wikipedia-ar", f"claim:{way}", claim, text, title, f"wikipedia-ar/{title}", list(cut.blocks), gold, None, None, label
            )


def ntrex(data: Path) -> list[tuple[str, str, str]]:
    """The sentences of NTREX: document, English, Arabic."""
    folder = data / "ntrex"
    english = (folder / "NTREX-128/newstest2019-src.eng.txt").read_text("utf-8").splitlines()
    arabic = (folder / "NTREX-128/newstest2019-ref.arb.txt").read_text("utf-8").splitlines()
    documents = [line.split("\t")[0] for line in (folder / "DOCUMENT_IDS.tsv").read_text("utf-8").splitlines()]
    return list(zip(documents, english, arabic, strict=True))


def tatoeba(data: Path, rng: random.Random) -> list[tuple[str, str, str]]:
    """Sentences of Tatoeba of some length, in groups of four that stand for a text."""
    lines = [line.split("\t") for line in (data / "tatoeba/seq2seqBasic/ara.txt").read_text("utf-8").splitlines()]
    pairs = [(line[0], line[1]) for line in lines if len(line) > 1 and len(line[0]) > 30]
    rng.shuffle(pairs)
    return [(str(number // 4), english, arabic) for number, (english, arabic) in enumerate(pairs)]
