"""What several tests need: a small bilingual folder, doubles that misbehave, other processes, real models."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from rag.arrays import Vectors
from rag.errors import ShawahidError
from rag.models.embedder import Progress
from rag.models.installed import find
from rag.storage.codec import manifest_crc
from rag.testing import HashEmbedder

ROOT = Path(__file__).resolve().parent.parent

T = TypeVar("T")

CORPUS = {
    "en/ferry.txt": "The ferry Albatros carried 212 passengers on Monday. Its captain was John Reed. Fog delayed it by four hours.",
    "en/library.md": (
        "# The library\n\nThe town opened its library in 2019.\n\n## Costs\n\nBuilding the library cost 4 million dirhams.\n"
    ),
    "ar/ميناء الواحة.txt": "نقلت العبّارة ألباتروس 212 راكبًا يوم الاثنين. وكان قبطانها جون ريد. وأخّرها الضباب أربع ساعات.",
    "ar/زيتون.md": "# موسم الزيتون\n\nبدأ قطف الزيتون في أكتوبر.\n\n## الكلفة\n\nبلغت كلفة المعصرة خمسين ألف درهم.\n",
}
"""Four documents in two languages, two of which tell of the same event; one name has Arabic letters and a space."""

LEXICON = {"العبّارة": "ferry", "قبطانها": "captain", "قبطان": "captain", "الضباب": "fog", "المكتبة": "library", "راكبا": "passengers"}
"""Arabic words of the corpus that the hashing embedder treats as English ones."""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Put files, by name, into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def embedder(dimension: int = 256) -> HashEmbedder:
    """An embedder in which both languages of the corpus meet."""
    return HashEmbedder(dimension, lexicon=LEXICON)


class Failing(HashEmbedder):
    """An embedder that raises once it has embedded `after` texts, as a killed process would stop."""

    def __init__(self, after: int, error: BaseException) -> None:
        super().__init__(256, lexicon=LEXICON)
        self._after = after
        self._error = error

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        if len(self.embedded) + len(texts) > self._after:
            raise self._error
        return super().embed_passages(texts, titles, progress)


class Slow(HashEmbedder):
    """An embedder that takes `seconds` for every text; really, for a process that is to be killed while it builds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(256, lexicon=LEXICON)
        self._seconds = seconds

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        time.sleep(self._seconds * len(texts))
        return super().embed_passages(texts, titles, progress)


def rewrite_manifest(index: Path, **values: str) -> None:
    """Change what an index says of itself, its check value with it, as another version would have written it."""
    db = sqlite3.connect(index / "corpus.sqlite", isolation_level=None)
    db.executemany("UPDATE manifest SET value = ? WHERE key = ?", [(value, key) for key, value in values.items()])
    held = dict(db.execute("SELECT key, value FROM manifest WHERE key != 'crc'"))
    db.execute("UPDATE manifest SET value = ? WHERE key = 'crc'", (manifest_crc(held),))
    db.close()


def long_text(sentences: int, topic: str = "harbour") -> str:
    """A text of that many different sentences, half of them Arabic, ten to a paragraph."""
    lines = [
        f"Sentence {n} of the {topic} report counts {n * 7} ships." if n % 2 else f"تذكر الجملة {n} من تقرير الميناء {n * 7} سفينة."
        for n in range(sentences)
    ]
    return "\n\n".join(" ".join(lines[start : start + 10]) for start in range(0, len(lines), 10))


def python(*arguments: str | Path, environment: Mapping[str, str] | None = None, **options: object) -> subprocess.Popen[str]:
    """A Python process that can import this checkout, its output captured as text."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("SHAWAHID_")}
    settings |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", **(environment or {})}
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, *map(str, arguments)],
        env=settings,
        text=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def run(*arguments: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 120) -> tuple[int, str, str]:
    """Run Python to its end: exit code, standard output, standard error."""
    process = python(*arguments, environment=environment)
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def model(name: str, kind: str) -> Path:
    """Where a real model is; skips the test, with the reason, where it is not installed."""
    try:
        return find(name, kind).path  # type: ignore[arg-type]
    except ShawahidError as error:
        pytest.skip(str(error))
