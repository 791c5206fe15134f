"""Erasure: removed documents leave the disk, after their removal has been published.

Their rows are overwritten with the commit that removes them (SQLite's `secure_delete`). What they leave in other places is overwritten
after it: their vectors in the files that FAISS reads, their words in the keyword index, and old pages in the write-ahead log. A writer
that is killed in between leaves it to the next one.
"""

from __future__ import annotations

from pathlib import Path

from rag.arrays import Ids
from rag.storage.database import Store
from rag.storage.generations import open_clusters, open_flat
from rag.storage.manifest import Base, Manifest


def erase_vectors(folder: Path, store: Store, base: Base) -> None:
    """Overwrite the vectors of removed passages in the files with zeros. Raises IndexCorrupt, and OSError for a full disk."""
    pending = store.unerased()
    if not len(pending):
        return
    if base.clusters:
        open_clusters(folder, base).erase(pending)
    open_flat(folder, base).erase(pending)
    with store.transaction():
        store.note_erased(pending)


def erase_keywords(store: Store, manifest: Manifest) -> None:
    """Rewrite the keyword index without removed words, if it holds any. Raises DiskFull."""
    if manifest.unpurged:
        with store.transaction():
            store.purge_keywords()


def is_erased(store: Store, manifest: Manifest) -> bool:
    """Return whether no vector and no keyword of a removed passage is left. The write-ahead log is not looked at."""
    return not manifest.unpurged and not len(store.unerased())


def left_vectors(folder: Path, base: Base, ids: Ids) -> list[int]:
    """Return those of the ids whose vectors in the files are not zeros. Raises IndexCorrupt."""
    left = open_flat(folder, base).codes(ids).any(axis=1)
    if base.clusters and len(ids):
        left |= open_clusters(folder, base).codes(ids).any(axis=1)
    return [int(id) for id in ids[left]]
