"""The task given to every system: documents as files, questions in a fixed order, and the right answers, as one JSON file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rag.config import Settings, profile
from rag.documents.load import load_folder
from rag.evaluation.questions import Question, QuestionSet, read_lines, read_squad, write_documents
from rag.factory import open_embedder
from rag.models.installed import find
from rag.schema import Document


@dataclass(frozen=True, slots=True)
class Part:
    """A sample of one set, and the name of the corpus that it is asked of."""

    corpus: str
    questions: QuestionSet


def parts(seeds: Path, xquad: Sequence[Path], seed_count: int, count: int, dropped: int) -> tuple[list[Part], dict[str, dict[str, str]]]:
    """Return the seed questions (at most `seed_count`), `count` of each direction of the SQuAD files, and `dropped` of these again over
    documents without the paragraphs that answer any of them; and the texts of each corpus by document."""
    found = [Part("seeds", read_lines(seeds / "questions.jsonl", "seeds").limited(seed_count))]
    corpora = {"seeds": _texts(seeds)}
    for searched in xquad:
        for asked in xquad:
            whole = read_squad([asked], [searched])
            direction = whole.questions[0].direction
            corpus = f"xquad-{direction.split('-')[1]}"
            sample = replace(whole.limited(count), name=f"xquad {direction}")
            corpora[corpus] = dict(whole.documents)
            found.append(Part(corpus, sample))
            if dropped:
                twins = sample.limited(dropped)
                without = corpora.setdefault(f"{corpus}-without", dict(whole.documents))
                for question in twins.questions:
                    for piece in question.evidence:
                        without.pop(piece.document, None)
                found.append(Part(f"{corpus}-without", replace(twins, questions=tuple(map(unanswerable, twins.questions)))))
    return found, corpora


def unanswerable(question: Question) -> Question:
    """Return the same question over documents that don't answer it."""
    return replace(question, id=f"{question.id}.without", answers=(), evidence=(), answerable=False)


def _texts(folder: Path) -> dict[str, str]:
    return {document.id: document.text for document in load_folder(folder) if isinstance(document, Document)}


def rows(chosen: Iterable[Part], corpora: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return the questions as given to every system, those of all sets shuffled by a hash of their ids, so that any prefix is a sample."""
    found = []
    for part in chosen:
        for question in part.questions.questions:
            gold = [(piece.document, piece.span(corpora[part.corpus][piece.document])) for piece in question.evidence]
            found.append(
                {
                    "id": f"{part.corpus} {question.id}",  # the same question is asked over several corpora
                    "set": part.questions.name,
                    "corpus": part.corpus,
                    "question": question.question,
                    "language": question.language,
                    "direction": question.direction,
                    "answerable": question.answerable,
                    "answers": question.answers,
                    "gold": [{"document": document, "start": span.start, "end": span.end} for document, span in gold if span],
                }
            )
    return sorted(found, key=lambda row: hashlib.sha256(f"peers {row['id']}".encode()).digest())


def models(settings: Settings) -> dict[str, str]:
    """Return the paths of the models in the settings, and the embedder's prefixes for questions and passages."""
    embedder, notice = open_embedder(settings)
    if notice is not None:
        raise notice
    model = find(embedder.name, "embedder")
    generator = find(settings.generator or profile(settings.profile).generator, "generator")
    return {
        "embedder": str(model.path),
        "query_prefix": model.entry.query_prefix if model.entry else "",
        "passage_prefix": (model.entry.passage_prefix if model.entry else "").replace("{title}", "none"),
        "generator": str(generator.path),
    }


def write(folder: Path, chosen: Sequence[Part], corpora: Mapping[str, Mapping[str, str]], paths: Mapping[str, str], threads: int) -> None:
    """Write the task into a folder, replacing the documents of an earlier one."""
    shutil.rmtree(folder / "documents", ignore_errors=True)
    for name, documents in corpora.items():
        write_documents(documents, folder / "documents" / name)
    task = {"models": paths, "threads": threads, "corpora": sorted(corpora), "questions": rows(chosen, corpora)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.json").write_text(json.dumps(task, ensure_ascii=False, indent=1), encoding="utf-8")


def processors() -> int:
    """Return how many threads the models are given."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
