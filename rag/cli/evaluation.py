"""`shawahid eval`: run, claims, compare, ablate, validate."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from rag.errors import BadSetting, IndexMismatch, ShawahidError
from rag.messages import say
from rag.text.terminal import for_terminal

if TYPE_CHECKING:
    from rag.answering.chatbot import Chatbot
    from rag.config import Settings
    from rag.evaluation.ablation import Variant
    from rag.evaluation.questions import QuestionSet
    from rag.evaluation.records import ClaimRecord, Record
    from rag.models.embedder import Embedder


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
def prepared() -> None:
    """Measure answers on question sets; without a command: run."""
    from importlib.util import find_spec

    if find_spec("ir_measures") is None or find_spec("jsonschema") is None:
        raise BadSetting("error.evaluation_extra")


out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

WORK = Path(".cache/eval")
REPORTS = Path("reports")
OWN = ("tests/corpus/questions.jsonl", "tests/corpus/dialogues.jsonl", "tests/corpus/claims.jsonl")

SetsArgument = Annotated[
    list[Path] | None,
    typer.Argument(help="Question sets: JSONL, or SQuAD files (.json), which make one set.  [the project's own]"),
]
DocumentsOption = Annotated[
    list[Path] | None,
    typer.Option("--documents", help="The folder a JSONL set is about  [its own]; or SQuAD files whose paragraphs are searched."),
]
OwnIndexOption = Annotated[Path | None, typer.Option("--index", help="Use this index instead of building one from the documents.")]
SplitOption = Annotated[str, typer.Option("--split", help="report | calibrate | all  [report; SQuAD: all]")]
LimitOption = Annotated[int, typer.Option("--limit", min=0, help="At most this many of each set, always the same ones; 0: all.")]
DropOption = Annotated[bool, typer.Option("--drop-gold", help="Ask each question again without the passages that answer it.")]
DirectionsOption = Annotated[
    bool, typer.Option("--directions", help="Ask SQuAD files of several languages in every direction, not as one mixed collection.")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="The folder of the results.  [reports/NAME-HASH]")]
FiguresOption = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


@eval_app.command()
def run(
    sets: SetsArgument = None,
    documents: DocumentsOption = None,
    index: OwnIndexOption = None,
    split: SplitOption = "",
    limit: LimitOption = 0,
    drop_gold: DropOption = False,
    directions: DirectionsOption = False,
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
    from rag.evaluation.page import write_html
    from rag.evaluation.records import RecordFile
    from rag.evaluation.report import Requirement, print_table, require, summarise, write_json
    from rag.evaluation.run import Options, evaluate, identify, short

    settings = Settings.load()
    requirements = [Requirement.parse(text) for text in required or ()]
    bench = _Bench(settings, index)
    pairs = bench.open(_chosen(sets, documents or [], split, limit, drop_gold, directions), without_generator=retrieval_only)
    known = [identify(bot, _mattering(settings)) for _, bot in pairs]
    name = "-".join(dict.fromkeys(questions.name for questions, _ in pairs))[:60]
    folder = out_folder or REPORTS / f"{name}-{settings.profile}-{_digest(*map(short, known))}"
    records: list[Record | ClaimRecord] = []
    with RecordFile.open(folder / "records.jsonl", fresh) as file, _progress(settings.language) as follow:
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
    from rag.evaluation.measures import faults, shares_of
    from rag.evaluation.records import RecordFile
    from rag.evaluation.report import print_table, summarise
    from rag.evaluation.run import evaluate, identify

    settings = Settings.load()
    chosen = _chosen(files or [Path("tests/corpus/claims.jsonl")], [], split, 0, False)
    pairs = _Bench(settings, None).open(chosen, without_generator=True)
    records: list[Record | ClaimRecord] = []
    for questions, bot in pairs:
        key = identify(bot, _mattering(settings))
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
    as_json: FiguresOption = False,
) -> None:
    """Compare two runs of the same questions: what improved, what got worse, and how certain that is."""
    from rag.config import Settings
    from rag.evaluation import compare as comparing

    settings = Settings.load()
    found = comparing.compare(comparing.read_run(a), comparing.read_run(b))
    if as_json:
        print(json.dumps(comparing.as_json(found), ensure_ascii=False))
    else:
        comparing.print_comparison(found, (a.name, b.name), out, settings.language, everything)


@eval_app.command()
def ablate(
    sets: SetsArgument = None,
    documents: DocumentsOption = None,
    index: OwnIndexOption = None,
    split: SplitOption = "",
    limit: LimitOption = 0,
    drop_gold: DropOption = False,
    directions: DirectionsOption = False,
    answers: Annotated[bool, typer.Option("--answers", help="Ask for answers too, not only search; takes long.")] = False,
    into: Annotated[Path | None, typer.Option("--into", help="Put the tables into this Markdown file.")] = None,
    out_folder: OutOption = None,
) -> None:
    """Switch off one part at a time and print how the figures change."""
    from rag.config import Settings
    from rag.evaluation import ablation
    from rag.evaluation.report import distinct
    from rag.evaluation.run import identify

    settings = Settings.load()
    bench = _Bench(settings, index)
    pairs = bench.open(_chosen(sets, documents or [], split, limit, drop_gold, directions), not answers, remember=True)
    variants = ablation.ANSWERS if answers else ablation.RETRIEVAL
    columns = (*ablation.RETRIEVAL_COLUMNS[:1], *ablation.ANSWER_COLUMNS) if answers else ablation.RETRIEVAL_COLUMNS
    folder = out_folder or REPORTS / f"ablation-{settings.profile}"
    with _progress(settings.language) as follow:
        rows = ablation.ablate(
            bench.changed,
            pairs,
            variants,
            folder,
            lambda bot: identify(bot, _mattering(settings)),
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
    from rag.answering.confidence import user_file
    from rag.config import Settings
    from rag.evaluation import calibrate as fitting

    settings = Settings.load()
    prepared()
    bench = _Bench(settings, None)
    pairs = bench.open(_chosen(sets, documents or [], "all", limit, False, directions=True), without_generator=True, remember=True)
    embedder = pairs[0][1].index.embedder
    found: list[fitting.Case] = []
    near: list[fitting.ClaimLikeness] = []
    with _progress(settings.language) as follow:
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
    fitting.print_report(fitted, measured["before"], measured["fitted"], out, settings.language)
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
        found = questions.validate(path, _folder_of(path, documents))
        grave = grave or any(fault.grave for fault in found)
        for fault in found:
            colour = "red" if fault.grave else "yellow"
            out.print(f"[{colour}]{escape(str(fault))}[/]")
        if not found:
            out.print(escape(for_terminal(say("eval.valid", language, path=path))))
    if grave:
        raise typer.Exit(2)


# --- which questions, over which documents --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Chosen:
    """A set to be asked, and the folder of its documents (`None`: it brings its own)."""

    questions: QuestionSet
    folder: Path | None


def _chosen(
    sets: Sequence[Path] | None, documents: Sequence[Path], split: str, limit: int, drop: bool, directions: bool = False
) -> list[_Chosen]:
    from rag.evaluation.questions import drop_gold, read

    if split not in ("", "report", "calibrate", "all"):
        raise BadSetting("error.setting", name="--split", value=split, allowed="report, calibrate, all")
    paths = list(sets or _own_sets())
    found: list[_Chosen] = []
    for path in paths:
        if path.suffix == ".jsonl":
            questions = read([path], name=_name(path)).in_split(split or "report")
            found += _by_corpus(questions, path, documents[0] if documents else None)
    squad = [path for path in paths if path.suffix != ".jsonl"]
    for asked, searched in _together(squad, [path for path in documents if path.is_file()], directions):
        questions = read(asked, searched).in_split(split or "all")
        if questions.notes:
            err.print(f"[yellow]{escape(say('eval.repaired', 'en', count=len(questions.notes), first=questions.notes[0]))}[/]")
        found.append(_Chosen(questions, None))
    return [_cut(chosen, limit, drop_gold if drop else list) for chosen in found]


def _together(asked: Sequence[Path], searched: Sequence[Path], directions: bool) -> list[tuple[Sequence[Path], Sequence[Path]]]:
    """Return the SQuAD files of each set: questions, and documents. With `directions`, one set for each pair, else all in one."""
    if directions:
        return [([first], [second]) for first in asked for second in searched or asked]
    return [(asked, searched)] if asked else []


def _cut(chosen: _Chosen, limit: int, twins: Callable[[Any], list[Any]]) -> _Chosen:
    questions = chosen.questions.limited(limit) if limit else chosen.questions
    return _Chosen(dataclasses.replace(questions, questions=tuple(twins(questions.questions))), chosen.folder)


def _own_sets() -> list[Path]:
    from rag.config import Settings

    found = [path for path in (Settings.load().documents / "questions.jsonl", *map(Path, OWN)) if path.is_file()]
    if not found:
        raise BadSetting("error.no_questions")
    return found


def _name(path: Path) -> str:
    return path.parent.name if path.stem == "questions" else f"{path.parent.name}-{path.stem}".strip("-")


def _by_corpus(questions: QuestionSet, path: Path, documents: Path | None) -> list[_Chosen]:
    """Split a set of dialogues about several folders into one set for each."""
    corpora = list(dict.fromkeys(dialogue.corpus for dialogue in questions.dialogues))
    if not corpora:
        return [_Chosen(questions, documents or path.parent)]
    found = []
    for corpus in corpora:
        part = tuple(dialogue for dialogue in questions.dialogues if dialogue.corpus == corpus)
        chosen = dataclasses.replace(questions, name=f"{questions.name}-{Path(corpus).name}", dialogues=part)
        found.append(_Chosen(chosen, documents or _corpus_folder(corpus, path)))
    return found


def _corpus_folder(corpus: str, path: Path) -> Path:
    """Return a folder named relative to the root of a checkout, looked for here and above the file that names it."""
    places = [Path(corpus), *(parent / corpus for parent in path.resolve().parents)]
    return next((place for place in places if place.is_dir()), places[0])


def _folder_of(path: Path, documents: Path | None) -> Path | None:
    """Return the folder whose documents a file quotes; none for dialogues, which name theirs line by line."""
    if path.suffix != ".jsonl" or path.stem == "dialogues":
        return documents
    return documents or path.parent


class _Bench:
    """Indexes and chatbots for sets, sharing one embedder and one generator. Built indexes are kept for the next run."""

    def __init__(self, settings: Settings, index: Path | None) -> None:
        self._settings = settings
        self._index = index

    def open(self, chosen: Sequence[_Chosen], without_generator: bool, remember: bool = False) -> list[tuple[QuestionSet, Chatbot]]:
        """Yield each set with a chatbot over its documents. Missing models are reported on standard error.

        `remember`: the vector of a question is computed once, however often it is asked.
        """
        from rag.answering.chatbot import Chatbot
        from rag.evaluation.remember import Remembering
        from rag.factory import open_embedder, open_generator
        from rag.retrieval.index import Index

        opened, notice = open_embedder(self._settings)
        embedder: Embedder = Remembering(opened) if remember else opened
        self._tell(notice)
        generator = None
        if not without_generator:
            generator, notice = open_generator(self._settings)
            self._tell(notice)
        bots: dict[Path, Chatbot] = {}
        pairs = []
        for item in chosen:
            folder = self._index or self._built(item, embedder)
            if folder not in bots:
                bots[folder] = Chatbot(Index.open(folder, embedder), generator, style=self._settings.style)
            pairs.append((item.questions, bots[folder]))
        return pairs

    def changed(self, bot: Any, variant: Variant) -> Chatbot:
        """Return the same chatbot with the switches of a variant applied."""
        from rag.answering.chatbot import Chatbot
        from rag.evaluation.ablation import SwitchedIndex

        index = SwitchedIndex(bot.index, variant)
        return Chatbot(index, bot.generator, calibration=bot.calibration, check=variant.check, style=self._settings.style)

    def _built(self, item: _Chosen, embedder: Embedder) -> Path:
        from rag.evaluation.questions import write_documents
        from rag.storage.build import build_index

        texts = item.questions.documents
        where = str(item.folder.resolve()) if item.folder else json.dumps(texts, sort_keys=True)
        work = WORK / _digest(where, embedder.fingerprint)
        folder = item.folder or work / "documents"
        if item.folder is None:
            write_documents(texts, folder)
        with _progress(self._settings.language) as follow:
            for rebuild in (False, True):
                try:
                    build_index(
                        folder,
                        work / "index",
                        embedder,
                        rebuild=rebuild,
                        max_bytes=self._settings.max_file_mb * 2**20,
                        ocr=self._settings.ocr,
                        progress=lambda step, done, total: follow(done, total, step),
                    )
                    break
                except IndexMismatch:  # of an earlier version of this program: it is only a cache
                    if rebuild:
                        raise
        return work / "index"

    def _tell(self, notice: ShawahidError | None) -> None:
        if notice is not None:
            text = for_terminal(notice.text(self._settings.language), is_terminal=sys.stderr.isatty())
            err.print(f"[yellow]![/] {escape(text)}")


def _mattering(settings: Settings) -> dict[str, object]:
    """Return the settings that an answer can depend on, without paths and the language of messages."""
    chosen = dataclasses.asdict(settings)
    return {name: chosen[name] for name in ("profile", "generator", "embedder", "style")}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


@contextmanager
def _progress(language: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar on standard error if it is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(for_terminal(say("eval.asking", language), is_terminal=True), total=None)

        def follow(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total or None, description=escape(what) or None)

        yield follow
