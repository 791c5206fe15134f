"""Which questions are asked over which documents, and the chatbots that answer them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from rag.cli.console import err, print_notices, question_bar
from rag.errors import BadSetting, IndexMismatch
from rag.messages import say

if TYPE_CHECKING:
    from rag.answering.chatbot import Chatbot
    from rag.config import Settings
    from rag.evaluation.ablation import Variant
    from rag.evaluation.questions import QuestionSet
    from rag.models.embedder import Embedder

WORK = Path(".cache/eval")
OWN = ("tests/corpus/questions.jsonl", "tests/corpus/dialogues.jsonl", "tests/corpus/claims.jsonl")


@dataclasses.dataclass(frozen=True, slots=True)
class ChosenSet:
    """A set to be asked, and the folder of its documents (`None`: it brings its own)."""

    questions: QuestionSet
    folder: Path | None


def choose_sets(
    sets: Sequence[Path] | None, documents: Sequence[Path], split: str, limit: int, drop: bool, directions: bool = False
) -> list[ChosenSet]:
    """Return the sets to ask, each with the folder of its documents. Raises BadSetting, BadQuestionSet."""
    from rag.evaluation.questions import drop_gold, read

    if split not in ("", "report", "calibrate", "all"):
        raise BadSetting("error.setting", name="--split", value=split, allowed="report, calibrate, all")
    paths = list(sets or _own_sets())
    found: list[ChosenSet] = []
    for path in paths:
        if path.suffix == ".jsonl":
            questions = read([path], name=_name(path)).in_split(split or "report")
            found += _by_corpus(questions, path, documents[0] if documents else None)
    squad = [path for path in paths if path.suffix != ".jsonl"]
    for asked, searched in _together(squad, [path for path in documents if path.is_file()], directions):
        questions = read(asked, searched).in_split(split or "all")
        if questions.notes:
            err.print(f"[yellow]{escape(say('eval.repaired', 'en', count=len(questions.notes), first=questions.notes[0]))}[/]")
        found.append(ChosenSet(questions, None))
    return [_cut(chosen, limit, drop_gold if drop else list) for chosen in found]


def _together(asked: Sequence[Path], searched: Sequence[Path], directions: bool) -> list[tuple[Sequence[Path], Sequence[Path]]]:
    """Return the SQuAD files of each set: questions, and documents. With `directions`, one set for each pair, else all in one."""
    if directions:
        return [([first], [second]) for first in asked for second in searched or asked]
    return [(asked, searched)] if asked else []


def _cut(chosen: ChosenSet, limit: int, twins: Callable[[Any], list[Any]]) -> ChosenSet:
    questions = chosen.questions.limited(limit) if limit else chosen.questions
    return ChosenSet(dataclasses.replace(questions, questions=tuple(twins(questions.questions))), chosen.folder)


def _own_sets() -> list[Path]:
    from rag.config import Settings

    found = [path for path in (Settings.load().documents / "questions.jsonl", *map(Path, OWN)) if path.is_file()]
    if not found:
        raise BadSetting("error.no_questions")
    return found


def _name(path: Path) -> str:
    return path.parent.name if path.stem == "questions" else f"{path.parent.name}-{path.stem}".strip("-")


def _by_corpus(questions: QuestionSet, path: Path, documents: Path | None) -> list[ChosenSet]:
    """Split a set of dialogues about several folders into one set for each."""
    corpora = list(dict.fromkeys(dialogue.corpus for dialogue in questions.dialogues))
    if not corpora:
        return [ChosenSet(questions, documents or path.parent)]
    found = []
    for corpus in corpora:
        part = tuple(dialogue for dialogue in questions.dialogues if dialogue.corpus == corpus)
        chosen = dataclasses.replace(questions, name=f"{questions.name}-{Path(corpus).name}", dialogues=part)
        found.append(ChosenSet(chosen, documents or _corpus_folder(corpus, path)))
    return found


def _corpus_folder(corpus: str, path: Path) -> Path:
    """Return a folder named relative to the root of a checkout, looked for here and above the file that names it."""
    places = [Path(corpus), *(parent / corpus for parent in path.resolve().parents)]
    return next((place for place in places if place.is_dir()), places[0])


def folder_of(path: Path, documents: Path | None) -> Path | None:
    """Return the folder whose documents a file quotes; none for dialogues, which name theirs line by line."""
    if path.suffix != ".jsonl" or path.stem == "dialogues":
        return documents
    return documents or path.parent


class Bench:
    """Indexes and chatbots for sets, sharing one embedder and one generator. Built indexes are kept for the next run."""

    def __init__(self, settings: Settings, index: Path | None) -> None:
        self._settings = settings
        self._index = index

    def open(self, chosen: Sequence[ChosenSet], without_generator: bool, remember: bool = False) -> list[tuple[QuestionSet, Chatbot]]:
        """Yield each set with a chatbot over its documents. Missing models are reported on standard error.

        `remember`: the vector of a question is computed once, however often it is asked.
        """
        from rag.answering.chatbot import Chatbot
        from rag.evaluation.cached_embedder import CachedEmbedder
        from rag.factory import open_embedder, open_generator, open_translator
        from rag.models.reader import open_reader
        from rag.retrieval.index import Index

        opened, notice = open_embedder(self._settings)
        embedder: Embedder = CachedEmbedder(opened) if remember else opened
        print_notices((notice,), self._settings.language)
        reader = open_reader(opened)
        generator = None
        if not without_generator:
            generator, notice = open_generator(self._settings)
            print_notices((notice,), self._settings.language)
        translator, notice = open_translator(self._settings, generator)
        print_notices((notice,), self._settings.language)
        bots: dict[Path, Chatbot] = {}
        pairs = []
        for item in chosen:
            folder = self._index or self._built(item, embedder)
            if folder not in bots:
                index, style = Index.open(folder, embedder), self._settings.style
                bots[folder] = Chatbot(index, generator, style=style, reader=reader, translator=translator)
            pairs.append((item.questions, bots[folder]))
        return pairs

    def changed(self, bot: Any, variant: Variant) -> Chatbot:
        """Return the same chatbot with the switches of a variant applied."""
        from rag.answering.chatbot import Chatbot
        from rag.evaluation.ablation import SwitchedIndex

        index = SwitchedIndex(bot.index, variant)
        return Chatbot(
            index,
            bot.generator,
            calibration=bot.calibration,
            check=variant.check,
            style=self._settings.style,
            reader=bot.reader,
            translator=bot.translator,
        )

    def _built(self, item: ChosenSet, embedder: Embedder) -> Path:
        from rag.evaluation.questions import write_documents
        from rag.storage.build import build_index

        texts = item.questions.documents
        where = str(item.folder.resolve()) if item.folder else json.dumps(texts, sort_keys=True)
        work = WORK / digest(where, embedder.fingerprint)
        folder = item.folder or work / "documents"
        if item.folder is None:
            write_documents(texts, folder)
        with question_bar(self._settings.language) as follow:
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


def answer_settings(settings: Settings) -> dict[str, object]:
    """Return the settings that an answer can depend on, without paths and the language of messages."""
    chosen = dataclasses.asdict(settings)
    return {name: chosen[name] for name in ("profile", "generator", "embedder", "translator", "style")}


def digest(*parts: str) -> str:
    """Return eight hexadecimal digits that name these texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
