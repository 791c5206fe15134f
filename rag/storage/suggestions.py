"""Questions that documents answer, kept in a file next to the index: what was made of each document, and for which text of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.files import blank, write_atomically
from rag.schema import Span
from rag.storage.database import Store

SUGGESTIONS = "suggestions.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question, the `span` of the document that was quoted in answer to it, and the confidence of that answer, 0..1.

    `kind` names what in the document it was made from ("heading", "value", "table", …).
    """

    text: str
    language: str
    document_id: str
    span: Span
    confidence: float
    kind: str


@dataclass(frozen=True, slots=True)
class DocumentSuggestions:
    """What was made of one document: `sha256` is that of its file, `models` identifies the models that answered, `generation` the index
    they answered over. `tried` counts the candidates that were tried; `is_complete` says that no more will be."""

    sha256: str
    models: str
    generation: str
    tried: int
    is_complete: bool
    suggestions: tuple[Suggestion, ...]


def read_suggestions(folder: Path) -> dict[str, DocumentSuggestions]:
    """Return what is kept, by document; nothing if there is no file, or it can't be read: it is made again."""
    try:
        content = json.loads((folder / SUGGESTIONS).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            return {}
        return {id: _document(id, entry) for id, entry in content["documents"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_suggestions(folder: Path, kept: Mapping[str, DocumentSuggestions]) -> None:
    """Replace what is kept. The caller holds the index's lock. Raises OSError."""
    documents = {
        id: {
            "sha256": one.sha256,
            "models": one.models,
            "generation": one.generation,
            "tried": one.tried,
            "complete": one.is_complete,
            "suggestions": [[s.text, s.language, s.span.start, s.span.end, s.confidence, s.kind] for s in one.suggestions],
        }
        for id, one in kept.items()
    }
    with write_atomically(folder / SUGGESTIONS) as part:
        part.write_text(json.dumps({"format": _FORMAT, "documents": documents}, ensure_ascii=False), encoding="utf-8")


def outdated(folder: Path, store: Store) -> list[str]:
    """Return the documents of which something is kept that are no longer in the index as they were."""
    if not (folder / SUGGESTIONS).exists():
        return []
    kept = read_suggestions(folder)
    infos = store.infos(list(kept))
    return [id for id, one in kept.items() if id not in infos or infos[id].sha256 != one.sha256]


def erase_suggestions(folder: Path, store: Store) -> None:
    """Overwrite the questions made of documents that were removed or changed. The caller holds the index's lock. Raises OSError."""
    gone = outdated(folder, store)
    if not gone:
        return
    kept = {id: one for id, one in read_suggestions(folder).items() if id not in gone}
    path = folder / SUGGESTIONS
    blank(path)
    write_suggestions(folder, kept)


def _document(id: str, entry: Mapping[str, Any]) -> DocumentSuggestions:
    suggestions = tuple(
        Suggestion(str(text), str(language), id, Span(start, end), float(confidence), str(kind))
        for text, language, start, end, confidence, kind in entry["suggestions"]
    )
    return DocumentSuggestions(
        entry["sha256"], entry["models"], entry["generation"], int(entry["tried"]), bool(entry["complete"]), suggestions
    )
