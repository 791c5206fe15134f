"""The report as one HTML page: figures, plots, and every question with its evidence, answer, citations and verdicts."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from rag.evaluation import plots
from rag.evaluation.bootstrap import Figure, rounded
from rag.evaluation.records import AnyRecord, ClaimRecord, Place, Record
from rag.evaluation.report import BY_KIND, Summary, by_section, distinct, group_label, label
from rag.evaluation.scoring import faults, is_block_right, is_right, judged_claims, shares_of
from rag.files import make_private
from rag.messages import say

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_FAULTS = 4
"""Kinds of faults for which the page says what to do."""
_SHOWN = ("recall@1", "recall@5", "evidence_recall@1", "right", "f1", "citation_precision", "citation_recall", "declined")


def write_html(path: Path, records: Sequence[AnyRecord], summary: Summary, language: str, title: str) -> None:
    """Write the page: figures, plots, and every question with its evidence, answer, citations and verdicts, failures first.

    It is one file without scripts and sends no requests. Everything from documents, questions or the model is escaped text, and each text
    is laid out in its own direction.
    """
    parts = shares_of(records)
    found = [faults(record, part) for record, part in zip(records, parts, strict=True)]
    order = sorted(range(len(records)), key=lambda row: (not found[row], row))
    directions = sorted({record.direction for record in records})
    entries = "".join(_entry(records[row], found[row], directions, language) for row in order)
    failed = sum(bool(item) for item in found)
    page = f"""<!doctype html>
<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{_text(title)}</title>
<style>{_style()}{_filters(directions)}</style>
</head>
<body>
<header><h1>{_text(title)}</h1>{_counts(summary, failed, language)}</header>
<main>
<section class="next"><h2>{_say("eval.next", language)}</h2>{_advice(records, found, language)}</section>
<section><h2>{_say("eval.figures", language)}</h2><div class="wide">{_figures_table(summary, language)}</div>
<p class="note">{_say("eval.legend", language)}</p>{_kinds_table(summary, language)}</section>
<section><h2>{_say("eval.plots", language)}</h2><div class="plots">{_plots(records, summary, language)}</div></section>
<section class="list"><h2>{_say("eval.questions", language)}</h2>{_controls(directions, language)}<ol>{entries}</ol></section>
<section><h2>{_say("eval.identity", language)}</h2><dl class="identity" dir="ltr">{_pairs(summary.identity)}</dl></section>
</main>
</body>
</html>
"""
    make_private(path.parent)
    path.write_text(page, encoding="utf-8", newline="\n")


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


def _say(key: str, language: str, **fields: object) -> str:
    return _text(say(key, language, **fields))


def _style() -> str:
    return resources.files("rag.evaluation").joinpath("report.css").read_text(encoding="utf-8")


def _pairs(values: Mapping[str, str]) -> str:
    return "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in values.items())


def _advice(records: Sequence[AnyRecord], found: Sequence[Sequence[str]], language: str) -> str:
    """Return the commonest faults, each with its count, an example and what helps against it."""
    counted = Counter(name for own in found for name in own)
    if not counted:
        return f"<p>{_say('eval.next_nothing', language)}</p>"
    lines = []
    for name, count in counted.most_common(_FAULTS):
        # The best example has nothing worse than this fault.
        row = next((row for row, own in enumerate(found) if own and own[0] == name), None)
        row = next(row for row, own in enumerate(found) if name in own) if row is None else row
        record = records[row]
        asked = record.claim if isinstance(record, ClaimRecord) else record.question
        lines.append(
            f"<li><b>{_say(f'fault.{name}', language)}</b> · {_say('eval.next_count', language, count=count, of=len(records))}"
            f'<p>{_say("eval.next_example", language)} <q dir="auto">{_text(asked)}</q> <small dir="ltr">{_text(record.id)}</small></p>'
            f"<p>{_commands(say(f'advice.{name}', language))}</p></li>"
        )
    return f"<ol>{''.join(lines)}</ol>"


def _commands(text: str) -> str:
    """Return an advice as HTML: what stands between backticks is a command or a setting."""
    return re.sub(r"`([^`]+)`", r'<code dir="ltr">\1</code>', _text(text))


def _counts(summary: Summary, failed: int, language: str) -> str:
    return f"<p>{_say('eval.counts', language, **summary.counts, faulty=failed)}</p>"


def _figures_table(summary: Summary, language: str) -> str:
    names = distinct(summary.figures)
    head = "".join(f'<th scope="col">{_text(group_label(group, language))}</th>' for group in names)
    rows = []
    for section, measures in by_section(summary, names).items():
        heading = _say(f"eval.section_{section}", language)
        rows.append(f'<tr class="section"><th colspan="{len(names) + 1}" scope="rowgroup">{heading}</th></tr>')
        for name in measures:
            cells = "".join(f"<td>{_cell(summary.figures[group].get(name))}</td>" for group in names)
            rows.append(f'<tr><th scope="row" title="{_text(name)}">{_text(label(name, language))}</th>{cells}</tr>')
    titles = f'<tr><th scope="col">{_say("eval.measure", language)}</th>{head}</tr>'
    return f"<table><thead>{titles}</thead><tbody>{''.join(rows)}</tbody></table>"


def _kinds_table(summary: Summary, language: str) -> str:
    """Return the figures by kind of question and of block, a row for each; "" if there are none."""
    names = [name for name in BY_KIND if any(name in own for own in summary.by_kind.values())]
    if not names:
        return ""
    head = "".join(f'<th scope="col" title="{_text(name)}">{_text(label(name, language))}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{_text(group_label(group, language))}</th>'
        f"{''.join(f'<td>{_cell(own.get(name))}</td>' for name in names)}</tr>"
        for group, own in summary.by_kind.items()
    )
    title = f'<tr><th scope="col">{_say("eval.by_kind", language)}</th>{head}</tr>'
    return f'<div class="wide"><table><thead>{title}</thead><tbody>{rows}</tbody></table></div>'


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.n == 0:
        return ""
    between = f"{rounded(figure.low)}–{rounded(figure.high)} · " if figure.low is not None else ""
    return f'<b>{rounded(figure.value)}</b><small dir="ltr">{between}n={figure.n}</small>'


def _plots(records: Sequence[AnyRecord], summary: Summary, language: str) -> str:
    asked = [record for record in records if isinstance(record, Record) and record.asked]
    shown = [name for name in _SHOWN if name in summary.figures["all"]]
    drawn = []
    if shown:
        rows = [
            (
                label(name, language),
                [(group_label(group, language), summary.figures[group].get(name)) for group in distinct(summary.figures)],
            )
            for name in shown
        ]
        drawn.append((say("eval.plot_figures", language), plots.intervals(rows)))
    if asked:
        by_language = {
            group_label(group, language): [(record.confidence, is_right(record)) for record in asked if group in ("all", record.language)]
            for group in ("all", *sorted({record.language for record in asked}))
        }
        drawn.append(
            (
                say("eval.plot_risk", language),
                plots.risk(by_language, say("eval.coverage", language), say("eval.risk", language)),
            )
        )
        sure = [(record.confidence, record.answerable) for record in asked]
        axes = (say("eval.confidence", language), say("eval.answerable_share", language))
        drawn.append((say("eval.plot_calibration", language), plots.reliability(sure, *axes)))
        drawn += _reader_plots(asked, language)
        times = {
            name: [value for record in asked if (value := getattr(record, name)) is not None]
            for name in ("found_s", "first_token_s", "total_s")
        }
        named = {say(f"eval.time_{name}", language): values for name, values in times.items() if values}
        drawn.append((say("eval.plot_latency", language), plots.latency(named, say("eval.seconds", language))))
    if claims := judged_claims(records):
        axes = (say("eval.claim_probability", language), say("eval.supported_share", language))
        drawn.append((say("eval.plot_claims", language), plots.reliability(claims, *axes)))
    return "".join(f"<figure>{svg}<figcaption>{_text(caption)}</figcaption></figure>" for caption, svg in drawn)


def _reader_plots(asked: Sequence[Record], language: str) -> list[tuple[str, str]]:
    """Return the captions and plots of the reader's own judgement: risk and coverage by direction, and its reliability."""
    read = [(record.read, record) for record in asked if record.read is not None]
    if not read:
        return []
    by_direction = {
        group_label(group, language): [(value, is_block_right(record)) for value, record in read if group in ("all", record.direction)]
        for group in ("all", *sorted({record.direction for _, record in read}))
    }
    axes = (say("eval.read", language), say("eval.answerable_share", language))
    return [
        (say("eval.plot_reader_risk", language), plots.risk(by_direction, say("eval.coverage", language), say("eval.risk", language))),
        (say("eval.plot_reader", language), plots.reliability([(value, record.answerable) for value, record in read], *axes)),
    ]


def _filters(directions: Sequence[str]) -> str:
    rules = ["#show-failed:checked~ol>li.right,#show-right:checked~ol>li.failed{display:none}"]
    rules += [f"#direction-{n}:checked~ol>li:not(.d{n}){{display:none}}" for n in range(len(directions))]
    return "".join(rules)


def _controls(directions: Sequence[str], language: str) -> str:
    def radio(group: str, id: str, text: str, checked: bool) -> str:
        return f'<input type="radio" name="{group}" id="{id}"{" checked" if checked else ""}><label for="{id}">{text}</label>'

    shown = [radio("show", f"show-{name}", _say(f"eval.show_{name}", language), name == "all") for name in ("all", "failed", "right")]
    which = [radio("direction", "direction-all", _say("eval.every_direction", language), True)]
    which += [radio("direction", f"direction-{n}", _text(name), False) for n, name in enumerate(directions)]
    return "".join(shown) + "<br>" + "".join(which)


def _entry(record: AnyRecord, found: Sequence[str], directions: Sequence[str], language: str) -> str:
    state = "failed" if found else "right"
    badges = "".join(f'<span class="badge">{_say(f"fault.{name}", language)}</span>' for name in found)
    badges = badges or f'<span class="badge good">{_say("eval.good", language)}</span>'
    asked = record.claim if isinstance(record, ClaimRecord) else record.question
    body = _claim_body(record, language) if isinstance(record, ClaimRecord) else _question_body(record, language)
    return (
        f'<li class="{state} d{directions.index(record.direction)}"><details><summary>{badges}'
        f'<bdi class="asked" dir="auto">{_text(asked)}</bdi>'
        f'<small dir="ltr">{_text(record.direction)} · {_text(record.id)}</small>'
        f"</summary><dl>{body}</dl></details></li>"
    )


def _item(key: str, value: str, language: str) -> str:
    return f"<dt>{_say(key, language)}</dt><dd>{value}</dd>" if value else ""


def _block(text: str, kind: str = "") -> str:
    return f'<p dir="auto"{f" class={kind}" if kind else ""}>{_text(text)}</p>' if text else ""


def _question_body(record: Record, language: str) -> str:
    times = ", ".join(
        f"{say(f'eval.time_{name}', language)} {rounded(value, 2)} s"
        for name in ("found_s", "first_token_s", "total_s")
        if (value := getattr(record, name)) is not None
    )
    standing = f"{record.status} · {say('eval.confidence', language)} {rounded(record.confidence, 2)}" if record.asked else ""
    answerable = "" if record.answerable else say("eval.twin" if record.twin else "eval.unanswerable", language)
    rejected = "".join(
        f'<li><bdi dir="auto">{_text(text)}</bdi> <span class="mark bad">{_text(verdict)}</span></li>' for text, verdict in record.rejected
    )
    return "".join(
        (
            _item("eval.error", _block(record.error, "bad"), language),
            _item("eval.searched", _block(record.searched if record.searched != record.question else ""), language),
            _item("eval.full", _block(record.full if record.full != record.question else ""), language),
            _item("eval.accepted", _block(" | ".join(record.answers) or answerable), language),
            _item("eval.answer", _block(record.text), language),
            _item("eval.standing", _text(standing), language),
            _item("eval.citations", _citations(record, language), language),
            _item("eval.rejected", f"<ul>{rejected}</ul>" if rejected else "", language),
            _item("eval.draft", _block(record.draft if record.draft != record.text else ""), language),
            _item("eval.gold", _places(record.gold, language, gold=True), language),
            _item("eval.sources", _places(record.sources or record.sentences[:5], language), language),
            _item("eval.passages", _text(_ranks(record, language)), language),
            _item("eval.times", _text(times), language),
        )
    )


def _citations(record: Record, language: str) -> str:
    lines = []
    for item in record.citations:
        marks = [
            _mark(item.exact, "eval.exact", "eval.inexact", language),
            _mark(item.gold, "eval.on_gold", "eval.beside_gold", language) if record.gold else "",
        ]
        lines.append(
            f'<li>[{item.number}] <q dir="auto">{_text(item.quote)}</q> <small dir="ltr">{_text(item.document)}:'
            f"{item.start}–{item.end}, {rounded(item.support, 2)}</small> {''.join(marks)}</li>"
        )
    return f"<ul>{''.join(lines)}</ul>" if lines else ""


def _mark(good: bool, yes: str, no: str, language: str) -> str:
    return f'<span class="mark {"good" if good else "bad"}">{_say(yes if good else no, language)}</span>'


def _places(places: Sequence[Place], language: str, gold: bool = False) -> str:
    lines = []
    for place in places:
        mark = _mark(True, "eval.on_gold", "", language) if place.needs and not gold else ""
        score = "" if gold else f", {rounded(place.score, 2)}"
        lines.append(
            f'<li><bdi dir="auto">{_text(place.text)}</bdi> '
            f'<small dir="ltr">{_text(place.document)}:{place.start}–{place.end}{score}</small> {mark}</li>'
        )
    return f"<ol>{''.join(lines)}</ol>" if lines else ""


def _ranks(record: Record, language: str) -> str:
    if not record.answerable:
        return ""
    ranks = [str(rank) for rank, place in enumerate(record.passages, start=1) if place.needs]
    return ", ".join(ranks) or say("eval.not_among", language, count=len(record.passages))


def _claim_body(record: ClaimRecord, language: str) -> str:
    evidence = "".join(f'<li><q dir="auto">{_text(quote)}</q></li>' for quote in record.evidence)
    truth = say("eval.supported" if record.supported else "eval.unsupported", language)
    said = say("eval.accepted_claim", language) if record.accepted else f"{say('eval.rejected_claim', language)}: {record.verdict}"
    return "".join(
        (
            _item("eval.gold", f"<ul>{evidence}</ul>", language),
            _item("eval.truth", _text(f"{truth} {record.fault}".strip()), language),
            _item("eval.standing", _text(f"{said} ({rounded(record.support, 2)})"), language),
        )
    )
