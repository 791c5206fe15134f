"""Runs in the forms of other tools: TREC runs and judgements, and test cases as ragas and DeepEval read them.

In TREC's form a question is `SET:ID` and an item is a document: a document is relevant if it holds gold evidence, and documents are in the
order of their best passage. Whitespace in names is percent-encoded, because these files are separated by it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rag.errors import BadSetting
from rag.evaluation.answer_language import without_markers
from rag.evaluation.bootstrap import Figure, ratio
from rag.evaluation.metrics import retrieval
from rag.evaluation.records import AnyRecord, Place, Record
from rag.files import make_private

_CONTEXTS = 5
"""Sentences that stand for the sources of a question that was only searched for."""
TAG = "shawahid"


def export_run(records: Sequence[AnyRecord], folder: Path) -> list[Path]:
    """Write `run.trec`, `qrels.trec`, `ragas.jsonl` and `deepeval.jsonl` into a folder, and return their paths. Claims are left out."""
    questions = [record for record in records if isinstance(record, Record)]
    asked = [record for record in questions if record.asked]
    make_private(folder)
    files = {
        "run.trec": trec_run(questions),
        "qrels.trec": trec_qrels(questions),
        "ragas.jsonl": map(_line, map(ragas_sample, asked)),
        "deepeval.jsonl": map(_line, map(deepeval_case, asked)),
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return [folder / name for name in files]


def trec_run(records: Sequence[Record]) -> Iterator[str]:
    """Yield the documents that each question found, as lines `question Q0 document rank score tag`."""
    for record in records:
        for rank, document in enumerate(dict.fromkeys(place.document for place in record.passages), start=1):
            yield f"{_question(record)} Q0 {_encoded(document)} {rank} {1 / rank:.6f} {TAG}"


def trec_qrels(records: Sequence[Record]) -> Iterator[str]:
    """Yield the documents that hold evidence for each answerable question, as lines `question 0 document 1`."""
    for record in records:
        for document in dict.fromkeys(place.document for place in record.gold if record.answerable):
            yield f"{_question(record)} 0 {_encoded(document)} 1"


def ragas_sample(record: Record) -> dict[str, Any]:
    """Return a question as a `SingleTurnSample`; without accepted answers there is no `reference`."""
    sample = {"user_input": record.question, "response": without_markers(record.text), "retrieved_contexts": _texts(_sources(record))}
    reference = {"reference": record.answers[0]} if record.answers else {}
    return sample | reference | {"reference_contexts": _texts(record.gold)}


def deepeval_case(record: Record) -> dict[str, Any]:
    """Return a question as an `LLMTestCase`; without accepted answers there is no `expected_output`."""
    case = {"name": f"{record.set}:{record.id}", "input": record.question, "actual_output": without_markers(record.text)}
    expected = {"expected_output": record.answers[0]} if record.answers else {}
    return case | expected | {"context": _texts(record.gold), "retrieval_context": _texts(_sources(record))}


def measure_trec(run: Path, qrels: Path) -> dict[str, Figure]:
    """Return recall@k, mrr@10 and ndcg@10 of a run of any system against judgements, over the judged questions; a judgement above 0 is
    relevant. Raises BadSetting for a file that cannot be read."""
    import ir_measures

    relevant: dict[str, list[str]] = {}
    for judged in _read(qrels, ir_measures.read_trec_qrels):
        if judged.relevance > 0:
            relevant.setdefault(judged.query_id, []).append(judged.doc_id)
    scored: dict[str, list[tuple[float, str]]] = {}
    for found in _read(run, ir_measures.read_trec_run):
        scored.setdefault(found.query_id, []).append((-found.score, found.doc_id))
    if not relevant:
        raise BadSetting("error.trec", path=qrels, reason="0")
    measured = retrieval({id: [document for _, document in sorted(items)] for id, items in scored.items()}, relevant)
    names = next(iter(measured.values()))
    return {name: ratio([(own[name], 1.0) for own in measured.values()]) for name in names}


def _read(path: Path, parse: Any) -> list[Any]:
    try:
        return list(parse(io.StringIO(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise BadSetting("error.trec", path=path, reason=error.strerror or error) from error
    except (ValueError, TypeError, IndexError) as error:
        raise BadSetting("error.trec", path=path, reason=error) from error


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _sources(record: Record) -> Sequence[Place]:
    return record.sources or record.sentences[:_CONTEXTS]


def _texts(places: Sequence[Place]) -> list[str]:
    return [place.text for place in places]


def _question(record: Record) -> str:
    return _encoded(f"{record.set}:{record.id}")


def _encoded(name: str) -> str:
    return re.sub(r"[\s%]", lambda found: quote(found[0]), name)
