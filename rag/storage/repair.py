"""Rebuild whatever can be derived from intact parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rag.arguments import as_path, require_members, require_seconds
from rag.documents.chunker import Chunker
from rag.errors import IndexCorrupt
from rag.files import writing
from rag.models.embedder import EMBEDDER_MEMBERS, Embedder
from rag.storage.verify import Fault, faults
from rag.storage.writer import Incoming, Step, Writer

_NEED_KEYWORDS = frozenset({"damage.no_keywords", "damage.stray_keywords", "damage.keywords"})


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The result of a repair: the faults found, the documents whose passages and vectors were rebuilt, the documents lost because their own
    text was damaged, and the remaining faults."""

    found: tuple[Fault, ...]
    remade: tuple[str, ...]
    lost: tuple[str, ...]
    left: tuple[Fault, ...]
    generation: int
    seconds: float


def repair_index(out: str | Path, embedder: Embedder, *, wait: float = 10.0, progress: Step | None = None) -> RepairReport:
    """Rebuild derived data: the vector file and the keyword rows from the database, a document's passages and vectors from its text.

    A document whose own text is damaged is removed, and named: add it again. Raises IndexCorrupt if the database itself cannot be read
    (build it with --rebuild), IndexMissing, IndexMismatch, IndexBusy, DiskFull.
    """
    started = time.perf_counter()
    out = as_path("out", out)
    require_members("embedder", embedder, *EMBEDDER_MEMBERS)
    require_seconds("wait", wait)
    with writing(out, wait), Writer.open(out, must_exist=True) as writer:
        with writer.store.unchecked():
            chunker = Chunker(**writer.manifest().chunker)
            writer.check(embedder, chunker)
        found = before = faults(out, writer.store)
        if any(fault.key == "damage.database" for fault in found):
            raise IndexCorrupt("error.index_damaged", path=writer.store.path, reason=found[0].text())
        if any(fault.key in ("damage.count", "damage.manifest") for fault in found):
            with writer.store.unchecked(), writer.store.transaction():
                writer.store.recount(embedder.dimension)
            found = faults(out, writer.store)
        lost = sorted({fault.document for fault in found if fault.lost})
        remade = sorted({fault.document for fault in found if fault.document} - set(lost))
        if any(fault.key in _NEED_KEYWORDS for fault in found) or lost or remade:
            # Rows are removed by the words they were built from, which cannot be read from damaged text.
            with writer.store.unchecked(), writer.store.transaction():
                writer.store.rebuild_keywords()
        if lost or remade:
            with writer.store.unchecked():
                documents = [document for id in remade if (document := writer.store.document_with_pages(id)) is not None]
                sources = writer.store.known()
                incoming = [Incoming(document, sources[document.id].origin) for document in documents]
                writer.change(incoming, lost, embedder, chunker, progress or (lambda step, done, total: None), reuse=False)
        if before:
            writer.renew_base()
            writer.finish()
        left = faults(out, writer.store) if before else []
        return RepairReport(
            tuple(before), tuple(remade), tuple(lost), tuple(left), writer.manifest().generation, time.perf_counter() - started
        )
