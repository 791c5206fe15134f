"""Test doubles for the seams, for the tests of Shawahid and of programs built on it: deterministic, without weights."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as TextStream

import numpy as np

from rag.arrays import Vectors, unit
from rag.models.embedder import Progress
from rag.models.generator import Generation, TokenCounts
from rag.models.llama.generator import end
from rag.models.reader import ClaimVerdict, Reading, ScoredSpan
from rag.models.reader_input import ReadText
from rag.models.token_vectors import Tokens
from rag.schema import Message
from rag.text.words import content_stems, stem, words

Script = Callable[[Sequence[Message]], str] | Mapping[str, str] | str


class HashEmbedder:
    """An embedder in which the similarity of two texts depends on the words they share.

    Each content stem is hashed to a fixed direction. `lexicon` maps words to the words they are treated as, so that two languages can be
    compared: `HashEmbedder(lexicon={"عاصمة": "capital"})`.
    """

    def __init__(self, dimension: int = 64, name: str = "hash", lexicon: Mapping[str, str] | None = None) -> None:
        self._dimension = dimension
        self._name = name
        self._lexicon = {stem(words(k)[0]): stem(words(v)[0]) for k, v in (lexicon or {}).items()}
        self.embedded: list[str] = []
        """Every passage text that was embedded, in order."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        return f"{self._name}-{self._dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed_query(self, text: str) -> Vectors:
        return self._vector(text)

    def embed_passages(self, texts: Sequence[str], titles: Sequence[str] = (), progress: Progress | None = None) -> Vectors:
        self.embedded += texts
        if progress:
            progress(len(texts), len(texts))
        return np.stack([self._vector(text) for text in texts]) if texts else np.empty((0, self._dimension), dtype=np.float32)

    def _vector(self, text: str) -> Vectors:
        total = np.zeros(self._dimension, dtype=np.float64)
        for word in content_stems(text) or ["\0"]:
            word = self._lexicon.get(word, word)
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
            total += np.random.default_rng(seed).standard_normal(self._dimension)
        return unit(total)


class TokenHashEmbedder(HashEmbedder):
    """A `HashEmbedder` that also returns one vector per word as tokens, for late interaction."""

    @property
    def fingerprint(self) -> str:
        return f"{super().fingerprint}-tokens"

    def embed_query_tokens(self, text: str) -> tuple[Vectors, Tokens]:
        return self.embed_query(text), self._tokens(text)

    def embed_passage_tokens(self, texts: Sequence[str], titles: Sequence[str] = ()) -> tuple[Vectors, list[Tokens]]:
        return self.embed_passages(texts, titles), [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> Tokens:
        bounds = [found.span() for found in re.finditer(r"\w+", text) if content_stems(found[0])]
        vectors = [self._vector(text[start:end]) for start, end in bounds]
        return Tokens(np.array(bounds, dtype=np.int64).reshape(-1, 2), np.array(vectors, dtype=np.float32).reshape(-1, self._dimension))


class WordReader:
    """A reader that goes by shared words.

    A block's probability is the share of the question's content stems that stand in the block or in the text's context; at least one
    must stand in the block itself. A text answers as its best block does. A text supports a claim if one block has all stems of the
    claim, contradicts it if that block lacks only numbers, and else says nothing.
    """

    def __init__(self, name: str = "words") -> None:
        self._name = name
        self.queries: list[str] = []
        """Every question and claim that was read, in order."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        return self._name

    def read(self, question: str, texts: Sequence[ReadText], *, spans: int = 3) -> list[Reading]:
        self.queries.append(question)
        found = []
        for text in texts:
            scores = tuple(self._shared(question, text))
            ranked = sorted(range(len(scores)), key=lambda n: -scores[n])[:spans]
            best = tuple(ScoredSpan(text.blocks[n], scores[n]) for n in ranked if scores[n])
            found.append(Reading(max(scores, default=0.0), scores, best))
        return found

    def judge(self, claim: str, texts: Sequence[ReadText]) -> list[ClaimVerdict]:
        self.queries.append(claim)
        wanted = set(content_stems(claim))
        found = []
        for text in texts:
            scores = tuple(self._shared(claim, text))
            supported = max(scores, default=0.0) == 1.0
            lacking = [wanted - set(content_stems(f"{text.context} {block.of(text.text)}")) for block in text.blocks]
            contradicted = not supported and any(all(stem.isdigit() for stem in missing) for missing in lacking)
            found.append(ClaimVerdict(float(supported), float(contradicted), float(not supported and not contradicted), scores))
        return found

    @staticmethod
    def _shared(query: str, text: ReadText) -> Iterator[float]:
        wanted, context = set(content_stems(query)), set(content_stems(text.context))
        for block in text.blocks:
            own = set(content_stems(block.of(text.text)))
            yield len(wanted & (own | context)) / len(wanted) if wanted & own else 0.0


class TableTranslator:
    """A translator that knows some texts by heart: `table` maps a text to its translation. Any other comes to no end."""

    def __init__(self, table: Mapping[str, str], name: str = "table") -> None:
        self._table = table
        self._name = name
        self.asked: list[str] = []
        """Every text that was to be translated, in order."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        return self._name

    def translate(self, texts: Sequence[str], source: str, target: str, stop: threading.Event | None = None) -> list[str]:
        self.asked += texts
        stopped = stop is not None and stop.is_set()
        return ["" if stopped else self._table.get(" ".join(text.split()), "") for text in texts]


class ScriptedGenerator:
    """A generator that writes a scripted text.

    `script` is one text for every prompt, a mapping from a part of the last message to the text, or a function of the messages. `delay` is
    the pause before each word, in seconds; `likely` is the probability given to the first of several choices.
    """

    def __init__(self, script: Script = "", *, name: str = "scripted", delay: float = 0.0) -> None:
        self._script = script
        self._name = name
        self._delay = delay
        self.prompts: list[Sequence[Message]] = []
        """Every prompt that was answered, in order."""
        self.prepared: list[Sequence[Message]] = []
        """Every prompt that was prepared, in order."""
        self.stopped = 0
        """The number of generations that were stopped before their end."""

    @property
    def name(self) -> str:
        return self._name

    @property
    def context(self) -> int:
        return 4096

    def prepare(self, messages: Sequence[Message], stop: threading.Event | None = None, *, keep: bool = False) -> None:
        self.prepared.append(messages)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 200, language: str = "", stop: threading.Event | None = None
    ) -> Generation:
        self.prompts.append(messages)
        return _ScriptedGeneration(self, self._reply(messages), max_tokens, stop or threading.Event())

    def _reply(self, messages: Sequence[Message]) -> str:
        if callable(self._script):
            return self._script(messages)
        if isinstance(self._script, str):
            return self._script
        last = messages[-1]["content"]
        return next((reply for part, reply in self._script.items() if part in last), "")


class _ScriptedGeneration:
    def __init__(self, owner: ScriptedGenerator, text: str, max_tokens: int, stop: threading.Event) -> None:
        self._owner = owner
        self._stop = stop
        self._closed = False
        self._done = 0
        self._pieces = [word + " " for word in text.split(" ")][:max_tokens]
        if self._pieces:
            self._pieces[-1] = self._pieces[-1].removesuffix(" ")
        self._text = self._run()

    @property
    def usage(self) -> TokenCounts:
        return TokenCounts(0, 0, self._done)

    def __iter__(self) -> Iterator[str]:
        return self._text

    def close(self) -> None:
        self._closed = True
        end(self._text)

    def _run(self) -> TextStream[str, None, None]:
        try:
            for piece in self._pieces:
                if self._owner._delay:
                    time.sleep(self._owner._delay)
                if self._closed or self._stop.is_set():
                    return
                self._done += 1
                yield piece
        finally:
            if self._done < len(self._pieces):
                self._owner.stopped += 1
