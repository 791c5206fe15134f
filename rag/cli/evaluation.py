"""`shawahid eval`: run, claims, compare, export, trec, ablate, validate; and `shawahid calibrate`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from rag.cli.console import out, question_bar
from rag.cli.evaluation_sets import WORK, Bench, ChosenSet, answer_settings, choose_sets, digest, folder_of
from rag.cli.evaluation_tables import print_calibration, print_comparison, print_table
from rag.cli.options import grouped
from rag.errors import BadSetting
from rag.messages import say
from rag.text.terminal import for_terminal

if TYPE_CHECKING:
    from rag.evaluation.records import ClaimRecord, Record


class _RunUnlessNamed(TyperGroup):
    """Makes `shawahid eval FILE` and `shawahid eval` mean `shawahid eval run …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


eval_app = typer.Typer(
    cls=_RunUnlessNamed,
    help="Measure answers on question sets; without a command: run.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@eval_app.callback()
def require_extra() -> None:
    """Measure answers on question sets; without a command: run."""
    from importlib.util import find_spec

    if find_spec("ir_measures") is None or find_spec("jsonschema") is None:
        raise BadSetting("error.evaluation_extra")


REPORTS = Path("reports")
SetsArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="Question sets: JSONL, or SQuAD files (.json), which make one set. Default: the project's own."),
]
DocumentsOption = Annotated[
    list[Path] | None,
    typer.Option("--documents", help="The folder a JSONL set is about (default: its own); or SQuAD files whose paragraphs are searched."),
]
OwnIndexOption = Annotated[Path | None, typer.Option("--index", help="Use this index instead of building one from the documents.")]
SplitOption = Annotated[str, typer.Option("--split", help="report | calibrate | all (default: report; SQuAD: all)")]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="At most this many of each set, always the same ones; 0: all.")]
DropOption = Annotated[bool, typer.Option("--drop-gold", help="Ask each question again without the passages that answer it.")]
DirectionsOption = Annotated[
    bool, typer.Option("--directions", help="Ask SQuAD files of several languages in every direction, not as one mixed collection.")
]
FiguresOption = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="The folder of the results. Default: reports/NAME-HASH.")]


def _chosen_sets(
    sets: SetsArgument = None,
    documents: DocumentsOption = None,
    split: SplitOption = "",
    limit: LimitOption = 0,
    drop_gold: DropOption = False,
    directions: DirectionsOption = False,
) -> Sequence[ChosenSet]:
    """Return the question sets that the options of a run name."""
    return choose_sets(sets, documents or [], split, limit, drop_gold, directions)


@eval_app.command()
@grouped("chosen", _chosen_sets)
def run(
    chosen: Sequence[ChosenSet],
    index: OwnIndexOption = None,
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Only search; ask for no answers.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask everything again, whatever was recorded.")] = False,
    required: Annotated[
        list[str] | None,
        typer.Option("--require", help="A bound like right=0.8, ar-en:right>=0.6, wrongly_declined<=0.1; exit code 9 if missed."),
    ] = None,
    out_folder: OutOption = None,
    as_json: FiguresOption = False,
) -> None:
    """Ask question sets and report the figures. If interrupted, the same command continues."""
    from rag.config import Settings
    from rag.evaluation.html_report import write_html
    from rag.evaluation.records import RecordFile
    from rag.evaluation.report import Requirement, require, summarise, write_json
    from rag.evaluation.run import Options, evaluate
    from rag.evaluation.run_identity import identify, short

    settings = Settings.load()
    requirements = [Requirement.parse(text) for text in required or ()]
    bench = Bench(settings, index)
    pairs = bench.open(chosen, without_generator=retrieval_only)
    known = [identify(bot, answer_settings(settings)) for _, bot in pairs]
    name = "-".join(dict.fromkeys(questions.name for questions, _ in pairs))[:60]
    folder = out_folder or REPORTS / f"{name}-{settings.profile}-{digest(*map(short, known))}"
    records: list[Record | ClaimRecord] = []
    with RecordFile.open(folder / "records.jsonl", fresh) as file, question_bar(settings.language) as follow:
        for (questions, bot), key in zip(pairs, known, strict=True):
            if not retrieval_only and (questions.questions or questions.dialogues):
                bot.warm()  # the first question's time is not that of loading
            records += evaluate(bot, questions, file, key, Options(retrieval_only), follow)
        file.finish(records)
    summary = summarise(records, known[0])
    write_json(folder / "summary.json", summary)
    write_html(folder / "report.html", records, summary, settings.language, say("eval.title", settings.language, name=name))
    if as_json:
        print(json.dumps({"folder": str(folder), **summary.as_json()}, ensure_ascii=False))
    else:
        print_table(summary, out, settings.language)
        out.print(escape(for_terminal(say("eval.written", settings.language, path=folder / "report.html"))))
    require(summary, requirements)


@eval_app.command()
def claims(
    files: Annotated[list[Path] | None, typer.Argument(help="Files of claims.  [tests/corpus/claims.jsonl]")] = None,
    split: SplitOption = "",
    as_json: FiguresOption = False,
) -> None:
    """Run only the citation check, over true and false claims, and list those it judged wrongly."""
    from rag.config import Settings
    from rag.evaluation.records import RecordFile
    from rag.evaluation.report import summarise
    from rag.evaluation.run import evaluate
    from rag.evaluation.run_identity import identify
    from rag.evaluation.scoring import faults, shares_of

    settings = Settings.load()
    chosen = choose_sets(files or [Path("tests/corpus/claims.jsonl")], [], split, 0, False)
    pairs = Bench(settings, None).open(chosen, without_generator=True)
    records: list[Record | ClaimRecord] = []
    for questions, bot in pairs:
        key = identify(bot, answer_settings(settings))
        with RecordFile.open(WORK / "claims" / f"{questions.name}.jsonl", fresh=True) as file:
            records += evaluate(bot, questions, file, key)
    summary = summarise(records, {})
    wrong = [record for record, part in zip(records, shares_of(records), strict=True) if faults(record, part)]
    if as_json:
        print(json.dumps({**summary.as_json(), "wrong": [dataclasses.asdict(record) for record in wrong]}, ensure_ascii=False))
        return
    print_table(summary, out, settings.language)
    for record in wrong:
        verdict = getattr(record, "verdict", "") or say("eval.accepted_claim", settings.language)
        text = getattr(record, "claim", "")
        out.print(f"{escape(record.id)}  [dim]{escape(for_terminal(verdict))}[/]  {escape(for_terminal(text))}")


@eval_app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="A run: its folder, or its records.jsonl.")],
    b: Annotated[Path, typer.Argument(help="The run to compare it with.")],
    everything: Annotated[bool, typer.Option("--all", help="Also show differences that chance explains.")] = False,
    fail_if_worse: Annotated[
        list[str] | None,
        typer.Option("--fail-if-worse", help="A measure like right or ar-en:right, or any; exit code 9 if it surely got worse."),
    ] = None,
    as_json: FiguresOption = False,
) -> None:
    """Compare two runs of the same questions: what improved, what got worse, how certain that is, and what differed between them."""
    from rag.config import Settings
    from rag.evaluation import compare as comparing

    settings = Settings.load()
    identities = comparing.read_identity(a), comparing.read_identity(b)
    found = comparing.compare(comparing.read_run(a), comparing.read_run(b), identities)
    if as_json:
        print(json.dumps(comparing.as_json(found), ensure_ascii=False))
    else:
        print_comparison(found, (a.name, b.name), out, settings.language, everything)
    comparing.require_no_worse(found, fail_if_worse or ())


@eval_app.command()
def export(
    source: Annotated[Path, typer.Argument(metavar="RUN", help="A run: its folder, or its records.jsonl.")],
    into: Annotated[Path | None, typer.Option("--into", help="The folder to write to.  [export in the run's folder]")] = None,
) -> None:
    """Write a run for other tools: TREC run and qrels of documents, and test cases for ragas and DeepEval as JSONL."""
    from rag.config import Settings
    from rag.evaluation.compare import read_run
    from rag.evaluation.exchange import export_run

    language = Settings.load().language
    for path in export_run(read_run(source), into or (source if source.is_dir() else source.parent) / "export"):
        out.print(escape(for_terminal(say("eval.written", language, path=path))))


@eval_app.command()
def trec(
    ranking: Annotated[Path, typer.Argument(metavar="RUN", help="A run of any system: question Q0 item rank score tag.")],
    qrels: Annotated[Path, typer.Argument(help="The judgements: question 0 item relevance.")],
    as_json: FiguresOption = False,
) -> None:
    """Measure the ranking of any system from TREC files, with intervals."""
    from rag.config import Settings
    from rag.evaluation.exchange import measure_trec
    from rag.evaluation.report import Summary

    figures = measure_trec(ranking, qrels)
    summary = Summary({}, {"questions": max(figure.n for figure in figures.values())}, {"all": figures})
    if as_json:
        print(json.dumps(summary.as_json(), ensure_ascii=False))
    else:
        print_table(summary, out, Settings.load().language)


@eval_app.command()
@grouped("chosen", _chosen_sets)
def ablate(
    chosen: Sequence[ChosenSet],
    index: OwnIndexOption = None,
    answers: Annotated[bool, typer.Option("--answers", help="Ask for answers too, not only search; takes long.")] = False,
    into: Annotated[Path | None, typer.Option("--into", help="Put the tables into this Markdown file.")] = None,
    out_folder: OutOption = None,
) -> None:
    """Switch off one part at a time and print how the figures change."""
    from rag.config import Settings
    from rag.evaluation import ablation
    from rag.evaluation.report import distinct
    from rag.evaluation.run_identity import identify

    settings = Settings.load()
    bench = Bench(settings, index)
    pairs = bench.open(chosen, not answers, remember=True)
    variants = ablation.ANSWERS if answers else ablation.RETRIEVAL
    columns = (*ablation.RETRIEVAL_COLUMNS[:1], *ablation.ANSWER_COLUMNS) if answers else ablation.RETRIEVAL_COLUMNS
    folder = out_folder or REPORTS / f"ablation-{settings.profile}"
    with question_bar(settings.language) as follow:
        rows = ablation.ablate(
            bench.changed,
            pairs,
            variants,
            folder,
            lambda bot: identify(bot, answer_settings(settings)),
            retrieval_only=not answers,
            progress=follow,
        )
    groups = distinct(rows[0].figures)
    table = "\n".join(ablation.markdown(rows, columns, group) for group in groups)
    print(table)
    if into:
        ablation.insert(into, table, "ablation-answers" if answers else "ablation-retrieval")


def calibrate(
    sets: SetsArgument = None,
    documents: DocumentsOption = None,
    limit: LimitOption = 0,
    most_declined: Annotated[
        float, typer.Option("--most-declined", min=0.0, max=1.0, help="The share of answerable questions that may be declined.")
    ] = 0.08,
    into: Annotated[Path | None, typer.Option("--into", help="Write the values to this file.  [the user's own]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
    as_json: FiguresOption = False,
) -> None:
    """Fit an embedder's thresholds from question sets: when to decline, and how similar a citation must be.

    SQuAD files of several languages are asked in every direction, each question once more without the passages that answer it. Values are
    fitted on the half "calibrate" of the questions and measured on the half "report".
    """
    from rag.answering.fitted_here import user_file
    from rag.config import Settings
    from rag.evaluation import calibrate as fitting

    settings = Settings.load()
    require_extra()
    bench = Bench(settings, None)
    pairs = bench.open(choose_sets(sets, documents or [], "all", limit, False, directions=True), without_generator=True, remember=True)
    embedder = pairs[0][1].index.embedder
    found: list[fitting.Case] = []
    near: list[fitting.ClaimLikeness] = []
    with question_bar(settings.language) as follow:
        for questions, bot in pairs:
            found += fitting.cases(bot, questions, follow) if questions.questions else []
            near += fitting.likenesses(embedder, questions.claims)
    before = fitting.in_force(embedder.name)
    fitted = fitting.fit(embedder.name, found, near, most_declined)
    measured = {"before": fitting.report(found, before), "fitted": fitting.report(found, fitted)}
    path = into or user_file()
    if not dry_run:
        fitting.write(path, fitted, fitting.describe(fitted, pairs, measured["fitted"]))
    if as_json:
        told = {name: {group: _plain_figures(own) for group, own in by_group.items()} for name, by_group in measured.items()}
        print(json.dumps({"path": None if dry_run else str(path), "fitted": dataclasses.asdict(fitted), "measured": told}))
        return
    print_calibration(fitted, measured["before"], measured["fitted"], out, settings.language)
    closing = say("calibrate.not_written", settings.language) if dry_run else say("calibrate.written", settings.language, path=path)
    out.print(escape(for_terminal(closing)))


def _plain_figures(figures: Any) -> dict[str, Any]:
    return {name: dataclasses.asdict(figure) for name, figure in figures.items()}


@eval_app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Question sets, JSONL or SQuAD.")],
    documents: Annotated[Path | None, typer.Option("--documents", help="The folder in which quotes must occur.  [the file's]")] = None,
) -> None:
    """Check question sets and name the line of every fault. Exit code 2 if a set cannot be run."""
    from rag.config import Settings
    from rag.evaluation import questions

    language = Settings.load().language
    grave = False
    for path in files:
        found = questions.validate(path, folder_of(path, documents))
        grave = grave or any(fault.grave for fault in found)
        for fault in found:
            colour = "red" if fault.grave else "yellow"
            out.print(f"[{colour}]{escape(str(fault))}[/]")
        if not found:
            out.print(escape(for_terminal(say("eval.valid", language, path=path))))
    if grave:
        raise typer.Exit(2)
