"""Synthetic collections of any size: text with the vocabulary of a large collection, vectors with the structure
of real ones.

Vectors lie between two real vectors of one language, shifted by the difference of other real neighbours. Words are those of the real
documents by frequency, then made-up ones with frequencies by Zipf's law. Token vectors are real ones, drawn at random, as many for a word
as the embedder makes of words that long. Rows are written as `rag.storage.database` writes them, so that `shawahid verify` finds no fault,
without cutting and analysing a million texts.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.corpus import documents
from rag.arrays import Vectors, unit
from rag.documents.chunker import Chunker
from rag.models.embedder import Embedder, passage_tokens
from rag.models.token_vectors import pack_tokens, packed_token_dtype
from rag.schema import Document, Passage, Span
from rag.storage.codec import PassageVectors
from rag.storage.database import DATABASE, Store
from rag.storage.generations import write_base
from rag.storage.keywords import keywords
from rag.text.folding import nfc
from rag.text.language import question_language, script

LANGUAGES = ("ar", "en")
EACH = 20
"""Passages per document."""
SENTENCES, WORDS = 4, 16
"""Words of a passage, and of a sentence."""
_BLOCK = 10_000
"""Passages per transaction."""
TYPES = 100_000
"""Distinct words per language."""
_SYLLABLES = {
    "ar": "با تم رس قل جد نو في صا كو ضر عم هل شي زي غا طب".split(),
    "en": "ba tem ros kil jad nu fi sa ko dra mun hel shi zor ga tib".split(),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of a language, most frequent first, their forms in the keyword index, and their cumulative frequencies."""

    words: npt.NDArray[np.object_]
    surfaces: npt.NDArray[np.object_]
    stems: npt.NDArray[np.object_]
    shares: npt.NDArray[np.float64]

    def drawn(self, rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
        """Return `count` random words, by number."""
        return np.searchsorted(self.shares, rng.random(count)).astype(np.int64)


def vocabulary(language: str, texts: list[str]) -> Vocabulary:
    """Return the words of the texts in a language, then made-up ones."""
    counted = Counter(word for text in texts for word in keywords(text)[0].split() if script(word) == language)
    words = [word for word, _ in counted.most_common()]
    known, number = set(words), 0
    syllables = _SYLLABLES[language]
    while len(words) < TYPES:
        made, rest = "", number + len(syllables)
        while rest:
            rest, place = divmod(rest, len(syllables))
            made += syllables[place]
        if made not in known:
            words.append(made)
        number += 1
    weights = 1.0 / (np.arange(len(words)) + 2.7)  # Mandelbrot's form of the law
    surfaces, stems = (np.array(forms.split(), dtype=object) for forms in keywords(" ".join(words)))
    return Vocabulary(np.array(words, dtype=object), surfaces, stems, np.cumsum(weights) / weights.sum())


@dataclass(frozen=True, slots=True)
class Space:
    """The source of random vectors: real ones by language, and differences between real neighbours."""

    real: dict[str, Vectors]
    differences: Vectors
    tokens: dict[str, npt.NDArray[np.uint8]]
    """By language the packed vectors of tokens, shape (n, bytes); no rows if the embedder has none."""
    letters: dict[str, float]
    """Letters of a token, on average."""

    @property
    def dimension(self) -> int:
        return int(self.differences.shape[1])

    def passages(self, rng: np.random.Generator, language: str, count: int) -> Vectors:
        """Return `count` random passage vectors."""
        real = self.real[language]
        one, other = real[rng.integers(len(real), size=count)], real[rng.integers(len(real), size=count)]
        along = rng.random((count, 1), dtype=np.float32) * 0.5
        moved = self.differences[rng.integers(len(self.differences), size=count)] * rng.uniform(0.4, 1.0, (count, 1)).astype(np.float32)
        turned = self.differences[rng.integers(len(self.differences), size=count)] * rng.uniform(-0.6, 0.6, (count, 1)).astype(np.float32)
        return unit(one + along * (other - one) + moved + turned)

    def near(self, rng: np.random.Generator, vectors: Vectors) -> Vectors:
        """Return for each passage vector that of a sentence in it."""
        chosen = rng.integers(len(self.differences), size=len(vectors))
        return unit(vectors + self.differences[chosen] * rng.uniform(-0.8, 0.8, (len(vectors), 1)).astype(np.float32))

    def drawn_tokens(self, rng: np.random.Generator, language: str, text: str) -> bytes:
        """Return random tokens for the words of a text, packed; empty if the embedder has none."""
        pool = self.tokens[language]
        if not len(pool):
            return b""
        lasts, at = list[int](), 0
        for word in text.split(" "):
            pieces = max(1, round(len(word) / self.letters[language]))
            lasts += [at + len(word) * piece // pieces - 1 for piece in range(1, pieces + 1)]
            at += len(word) + 1
        rows = np.empty(len(lasts), dtype=packed_token_dtype(2 * pool.shape[1]))
        rows["last"] = lasts
        rows["codes"] = pool[rng.integers(len(pool), size=len(lasts))]
        return rows.tobytes()


def _key(embedder: Embedder) -> str:
    return hashlib.sha256(f"2 {embedder.fingerprint} {json.dumps(documents(), sort_keys=True)}".encode()).hexdigest()[:12]


def space_of(embedder: Embedder, scratch: Path) -> Space:
    """Return the vectors of the repository's own documents, cached in a file."""
    scratch.mkdir(parents=True, exist_ok=True)
    kept = scratch / f"space-{_key(embedder)}.npz"
    if not kept.is_file():
        made = _space(embedder)
        arrays: dict[str, npt.NDArray[Any]] = {"differences": made.differences}
        for language in LANGUAGES:
            arrays[language], arrays[f"tokens-{language}"] = made.real[language], made.tokens[language]
            arrays[f"letters-{language}"] = np.array(made.letters[language])
        np.savez(kept, **arrays)
    with np.load(kept, allow_pickle=False) as found:
        return Space(
            {language: found[language] for language in LANGUAGES},
            found["differences"],
            {language: found[f"tokens-{language}"] for language in LANGUAGES},
            {language: float(found[f"letters-{language}"]) for language in LANGUAGES},
        )


def _space(embedder: Embedder) -> Space:
    cut: list[Passage] = []
    for name, text in documents().items():
        document = Document(name, nfc(text), "", question_language(text), "")
        cut += Chunker().cut(document, len(cut) + 1)
    texts = [passage.text for passage in cut] + [passage.quote(span) for passage in cut for span in passage.sentences]
    languages = [passage.language for passage in cut] + [passage.language for passage in cut for _ in passage.sentences]
    vectors, tokens = passage_tokens(embedder, texts, ())
    real = {language: vectors[[of == language for of in languages]] for language in LANGUAGES}
    differences = []
    for of_language in real.values():
        alike = of_language @ of_language.T
        np.fill_diagonal(alike, -1)
        for place in range(1, 6):  # to the five nearest
            nearest = np.argsort(-alike, axis=1)[:, place - 1]
            differences.append(of_language[nearest] - of_language)
    packed: dict[str, npt.NDArray[np.uint8]] = {}
    letters: dict[str, float] = {}
    for language in LANGUAGES:
        of = [number for number, found in enumerate(languages[: len(cut)]) if found == language]  # those of the passages, without sentences
        rows = np.concatenate([np.frombuffer(pack_tokens(tokens[n]), packed_token_dtype(tokens[n].vectors.shape[1])) for n in of])
        packed[language] = rows["codes"]
        letters[language] = sum(len(word) for n in of for word in texts[n].split()) / max(len(rows), 1)
    return Space(real, np.concatenate(differences), packed, letters)


def large(embedder: Embedder, count: int, scratch: Path) -> Path:
    """Return the index of a collection of `count` passages, half in each language; built on first request, and rebuilt after an
    interruption."""
    folder = scratch / f"large-{count}-{_key(embedder)}"
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder / DATABASE, writable=True)
    try:
        manifest = store.manifest()
        if manifest is not None:
            return folder
        of = space_of(embedder, scratch)
        words = {language: vocabulary(language, list(documents().values())) for language in LANGUAGES}
        done = store.count_vectors()
        while done < count:
            block = min(_BLOCK, count - done)
            with store.transaction():
                put(store, of, words, done, block)
            store.checkpoint()
            done += block
        with store.transaction():
            store.purge_keywords()
            base = write_base(folder, 1, count, of.dimension, store.vector_blocks())
            store.publish(embedder.name, embedder.fingerprint, of.dimension, Chunker().settings(), 1, base)
            store.recount(of.dimension)
        store.checkpoint()
    finally:
        store.close()
    return folder


def put(store: Store, of: Space, words: dict[str, Vocabulary], first: int, count: int) -> None:
    """Insert `count` passages after the first `first`."""
    rng = np.random.default_rng(first)
    for number in range(first // EACH, -(-(first + count) // EACH)):
        language = LANGUAGES[number % 2]
        held = min(EACH, first + count - number * EACH)
        vectors = of.passages(rng, language, held)
        sentences = of.near(rng, np.repeat(vectors, SENTENCES, axis=0)).reshape(held, SENTENCES, -1)
        chosen = words[language].drawn(rng, held * SENTENCES * WORDS).reshape(held, SENTENCES, WORDS)
        id = f"{language}/{number:06}.txt"
        texts, spans, at = [], [], 0
        for passage in chosen:
            parts = [" ".join(words[language].words[sentence]) + "." for sentence in passage]
            places = []
            for part in parts:
                places.append(Span(at, at + len(part)))
                at += len(part) + 1
            texts.append(" ".join(parts))
            spans.append(tuple(places))
        passages, terms = [], []
        for place in range(held):
            span = Span(spans[place][0].start, spans[place][-1].end)
            passages.append(Passage(number * EACH + place + 1, id, span, texts[place], "", language, "", spans[place]))
            flat = chosen[place].ravel()
            terms.append((" ".join(words[language].surfaces[flat]), " ".join(words[language].stems[flat])))
        rows = [PassageVectors(vectors[place], sentences[place], of.drawn_tokens(rng, language, texts[place])) for place in range(held)]
        store.put(Document(id, " ".join(texts), "", language, id), passages, rows, analysed=terms)


def total(folder: Path) -> int:
    """Return the bytes that an index takes on disk."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
