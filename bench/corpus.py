"""Collections for the benchmark: the repository's own documents, filled up with synthetic ones to a given size.

The documents that questions are about are embedded by the real model. Synthetic documents are drawn: their words from the real documents'
vocabulary by frequency, their vectors near the real ones. Search thus handles a collection of realistic size, built in minutes instead of
hours, and still finds the real passages.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.arrays import Vectors, unit
from rag.evaluation.questions import write_documents
from rag.models.embedder import Embedder, Progress, passage_tokens, query_tokens
from rag.models.token_vectors import Tokens
from rag.storage.build import build_index

ROOT = Path(__file__).resolve().parent.parent
_PARAGRAPH = 700  # characters: about one passage
_EACH = 25  # paragraphs a document


class FillingEmbedder:
    """An embedder that computes vectors for the texts in `known` and draws all others near those; their token vectors are those of the
    longest text computed."""

    def __init__(self, real: Embedder, known: str) -> None:
        self._real = real
        self._known = known
        self._seen, tokens = passage_tokens(real, ["water", "ماء", "The city opened a library.", "افتتحت المدينة مكتبة."], ())
        self._tokens = max(tokens, key=len)

    @property
    def name(self) -> str:
        return self._real.name

    @property
    def fingerprint(self) -> str:
        return self._real.fingerprint

    @property
    def dimension(self) -> int:
        return self._real.dimension

    def embed_query(self, text: str) -> Vectors:
        return self._real.embed_query(text)

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        return query_tokens(self._real, text)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        vectors, _ = self.embed_passage_tokens(texts, titles)
        if progress:
            progress(len(texts), len(texts))
        return vectors

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        tokens = [Tokens.none()] * len(texts)
        real = [place for place, text in enumerate(texts) if text in self._known]
        if real:
            titled = [titles[place] for place in real] if titles else ()
            vectors[real], computed = passage_tokens(self._real, [texts[place] for place in real], titled)
            for place, own in zip(real, computed, strict=True):
                tokens[place] = own
            self._seen = np.concatenate([self._seen, vectors[real]])[-2000:]
            self._tokens = max([self._tokens, *computed], key=len)
        drawn = sorted(set(range(len(texts))) - set(real))
        for place in drawn:
            rng = np.random.default_rng(int.from_bytes(hashlib.sha256(texts[place].encode()).digest()[:8], "little"))
            near = self._seen[rng.integers(len(self._seen))]
            vectors[place] = unit(0.7 * near + 0.7 * unit(rng.standard_normal(self.dimension)))
            tokens[place] = self._tokens
        return vectors, tokens


def documents() -> dict[str, str]:
    """Return the repository's own documents by id: the seed article and the test corpus."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "seeds").glob("*.txt"))}
    corpus = ROOT / "tests" / "corpus"
    for language in ("ar", "en"):
        for path in sorted((corpus / language).iterdir()):
            found[f"{language}/{path.name}"] = path.read_text(encoding="utf-8")
    return found


def questions(corpus: str = "corpus") -> list[dict[str, Any]]:
    """Return the answerable questions about the seed article ("seeds") or the test corpus ("corpus")."""
    path = ROOT / ("seeds/questions.jsonl" if corpus == "seeds" else "tests/corpus/questions.jsonl")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [record for record in records if record["answerable"]]


def filling(passages: int, texts: Sequence[str], seed: int = 1) -> dict[str, str]:
    """Return documents of about `passages` passages, half in each language, with words drawn by their frequency in `texts`."""
    rng = np.random.default_rng(seed)
    words: dict[str, list[str]] = {"ar": [], "en": []}
    for text in texts:
        for word in text.split():
            words["ar" if any("\u0600" <= letter <= "\u06ff" for letter in word) else "en"].append(word.strip("#*|.؟?!"))
    made: dict[str, str] = {}
    for number in range(-(-passages // _EACH)):
        language = ("ar", "en")[number % 2]
        vocabulary = np.array([word for word in words[language] if word])
        paragraphs = []
        for _ in range(min(_EACH, passages - number * _EACH)):
            sentences, length = [], 0
            while length < _PARAGRAPH:
                sentence = " ".join(rng.choice(vocabulary, int(rng.integers(8, 20)))) + "."
                sentences.append(sentence)
                length += len(sentence)
            paragraphs.append(" ".join(sentences))
        made[f"filling/{language}-{number:05}.txt"] = "\n\n".join(paragraphs)
    return made


def collection(embedder: Embedder, passages: int, scratch: Path) -> Path:
    """Return the index of a collection of about `passages` passages, built on first request."""
    real = documents()
    key = hashlib.sha256(f"{embedder.fingerprint} {json.dumps(real, sort_keys=True)}".encode()).hexdigest()[:12]
    folder = scratch / f"{passages}-{key}"
    if not (folder / "made").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        write_documents(real | filling(passages, list(real.values())), folder / "documents")
        build_index(folder / "documents", folder / "index", FillingEmbedder(embedder, "\n".join(real.values())))
        shutil.rmtree(folder / "documents")
        (folder / "made").touch()
    return folder / "index"
