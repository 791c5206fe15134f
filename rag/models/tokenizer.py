"""A model's tokenizer, which tokenizes a single question by looking it up in small tables.

The library `tokenizers` builds hash tables of half a million merges when it reads a file, which takes a second in a process that may have
only one question. The same numbers, sorted, are kept in the user's cache and searched by bisection; everything else is left to the library.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rag.files import user_cache, write_atomically

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

LONGEST = 2000
"""The longest text that is looked up, in characters."""
_LONGEST_WORD = 100
"""The longest word that is looked up: the work grows with the square of its length."""
_FEW = 16
"""The most texts that are looked up together: a question, or a sentence with its evidence. For more, loading the library pays."""
_WORTH_TABLES = 2**23
"""The smallest file that tables are kept for, in bytes."""
_FORM = 2
_WORDS = 50_000
"""Words whose tokens are remembered."""
_LINE_ENDS = 30
"""The most line ends in a row that are one token."""
_DIGEST = 32
_NONE = 2**31 - 1
_PLAIN = re.compile(r"(?:[^\s<\[▁]|\[(?!multimodal])| (?! ))*")
"""Matches texts without anything that could be an added token of a vocabulary, such as <bos>, tags and runs of spaces."""
_SPACE = "▁"
_AFTER_SPACE = re.compile(f"[^{_SPACE}]{_SPACE}")
"""Matches a token that runs on from one word into the next: a vocabulary without any can be looked up word by word."""
_PIECES = re.compile(f"(\n+)|({_SPACE}?[^{_SPACE}\n]+|{_SPACE})")


class Encoded(NamedTuple):
    """The tokens of a text and the characters that each of them covers; special tokens cover none."""

    ids: list[int]
    offsets: list[tuple[int, int]]


WordTokens = tuple[tuple[int, ...], tuple[int, ...]]
"""The tokens of a word, and where each of them ends in it."""


class LazyTokenizer:
    """A `tokenizer.json` without padding, truncated to `longest` tokens. Not safe to share between threads."""

    def __init__(self, path: Path, longest: int, tables: Path | None = None) -> None:
        """Keep the tables in the folder `tables`, by default `shawahid/tokenizers` in the user's cache.

        If there are none yet, read the file with the library and write them, which takes two seconds once.
        """
        self._path = path
        self._longest = longest
        self._full: Tokenizer | None = None
        self._tables = Tables({})
        content = path.read_bytes()
        if len(content) < _WORTH_TABLES:
            self._load()
            return
        kept = (tables or _folder()) / f"{hashlib.sha256(content).hexdigest()[:32]}.{_FORM}.tables"
        found = _read(kept)
        if found is not None:
            self._tables = Tables(found)
            return
        self._load()
        if _writable(kept.parent):
            _write(kept, Tables.of(json.loads(content)).arrays)

    def encode_batch_fast(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return for each text an object with `ids`; `encode_batch` adds `offsets`."""
        return self._looked_up(texts) or self._load().encode_batch_fast(list(texts))

    def encode_batch(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return for each text an object with `ids` and `offsets`."""
        return self._looked_up(texts) or self._load().encode_batch(list(texts))

    def _looked_up(self, texts: Sequence[str]) -> list[Encoded]:
        """Return all texts encoded from the tables, or None."""
        if self._full is not None or len(texts) > _FEW:
            return []
        found = [encoded for text in texts if (encoded := self._tables.encode(text)) is not None and len(encoded.ids) <= self._longest]
        return found if len(found) == len(texts) else []

    def _load(self) -> Tokenizer:
        if self._full is None:
            from tokenizers import Tokenizer

            self._full = Tokenizer.from_file(str(self._path))
            self._full.no_padding()
            self._full.enable_truncation(self._longest)
        return self._full


class Tables:
    """Byte-pair encoding (Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016).

    It is applied to texts in which spaces are written ▁, word by word, between two special tokens, as Gemma does.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.arrays = arrays
        self._words: dict[str, WordTokens | None] = {}

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Self:
        """Return the tables of a `tokenizer.json`, empty if it has another form."""
        model = written["model"]
        around = written.get("post_processor") or {}
        known = (
            model.get("type") == "BPE"
            and not any(model.get(name) for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "ignore_merges"))
            and written.get("normalizer") == {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
            and (written.get("pre_tokenizer") or {"type": "Split"}).get("type") == "Split"
            and (written.get("pre_tokenizer") or {"pattern": {"String": " "}})["pattern"] == {"String": " "}
            and around.get("type") == "TemplateProcessing"
            and [list(part) for part in around["single"]] == [["SpecialToken"], ["Sequence"], ["SpecialToken"]]
            and not any(_PLAIN.fullmatch(token["content"]) for token in written["added_tokens"])
            and not any(_AFTER_SPACE.search(token) for token in model["vocab"] if "<" not in token)
        )
        if not known:
            return cls({})
        vocabulary: dict[str, int] = model["vocab"]
        merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
        keys = np.array([vocabulary[left] << 32 | vocabulary[right] for left, right in merges], dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        characters = sorted((ord(token), id) for token, id in vocabulary.items() if len(token) == 1)
        added = {token["content"]: token["id"] for token in written["added_tokens"]}
        lines = [added.get("\n" * count, -1) for count in range(1, _LINE_ENDS + 1)]
        first, _, last = around["single"]
        ends = [around["special_tokens"][part["SpecialToken"]["id"]]["ids"] for part in (first, last)]
        if any(len(ids) != 1 for ids in ends) or len(np.unique(keys)) != len(keys):
            return cls({})
        return cls(
            {
                "keys": keys[order],
                "ranks": order.astype(np.int32),
                "made": np.array([vocabulary[left + right] for left, right in merges], dtype=np.int32)[order],
                "characters": np.array([code for code, _ in characters], dtype=np.int32),
                "ids": np.array([id for _, id in characters], dtype=np.int32),
                "ends": np.array([ids[0] for ids in ends], dtype=np.int32),
                "lines": np.array(lines, dtype=np.int32),
            }
        )

    def encode(self, text: str) -> Encoded | None:
        """Return the tokens of a text, or None for one that the tables do not cover: a long one, or one with unknown characters."""
        if not self.arrays or len(text) > LONGEST or not all(_PLAIN.fullmatch(line) for line in text.split("\n")):
            return None
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for piece in _PIECES.finditer(text.replace(" ", _SPACE)):
            found = self._line_ends(len(piece[1])) if piece[1] else self._word(piece[2])
            if found is None:
                return None
            start = piece.start()
            ids += found[0]
            offsets += [(start + low, start + high) for low, high in pairwise((0, *found[1]))]
        before, after = self.arrays["ends"].tolist()
        return Encoded([before, *ids, after], [(0, 0), *offsets, (0, 0)])

    def _line_ends(self, count: int) -> WordTokens | None:
        """Return the token of some line ends in a row."""
        id = int(self.arrays["lines"][count - 1]) if count <= _LINE_ENDS else -1
        return None if id < 0 else ((id,), (count,))

    def _word(self, word: str) -> WordTokens | None:
        """Return the tokens of a word with the space before it, and where each ends; None for one that the tables do not cover."""
        if word not in self._words:
            if len(self._words) >= _WORDS:
                self._words.clear()
            self._words[word] = self._encoded(word) if len(word) <= _LONGEST_WORD else None
        return self._words[word]

    def _encoded(self, word: str) -> WordTokens | None:
        codes = np.array([ord(character) for character in word], dtype=np.int32)
        characters = self.arrays["characters"]
        at = np.minimum(np.searchsorted(characters, codes), len(characters) - 1)
        if not np.array_equal(characters[at], codes):
            return None
        ids = self.arrays["ids"][at].tolist()
        ends = list(range(1, len(ids) + 1))
        merges = [self._merge(*pair) for pair in pairwise(ids)]
        while merges and (best := min(merges))[0] < _NONE:
            place = merges.index(best)  # of equal ranks the first
            ids[place : place + 2] = [best[1]]
            del ends[place], merges[place]
            for beside in (place - 1, place):
                if 0 <= beside < len(merges):
                    merges[beside] = self._merge(ids[beside], ids[beside + 1])
        return tuple(ids), tuple(ends)

    def _merge(self, left: int, right: int) -> tuple[int, int]:
        """Return the rank of a pair of tokens and the token it becomes."""
        keys = self.arrays["keys"]
        at = bisect_left(keys, left << 32 | right)
        if at == len(keys) or int(keys[at]) != left << 32 | right:
            return _NONE, 0
        return int(self.arrays["ranks"][at]), int(self.arrays["made"][at])


def _folder() -> Path:
    return user_cache() / "tokenizers"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _read(kept: Path) -> dict[str, npt.NDArray[Any]] | None:
    """Return what `_write` wrote, or None if it is missing or damaged."""
    from safetensors.numpy import load

    try:
        content = kept.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
        return None
    return load(content[:-_DIGEST])


def _write(kept: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a file atomically; a full or read-only disk is no error."""
    from safetensors.numpy import save

    content = save(dict(arrays))
    try:
        with write_atomically(kept, durable=False) as partial:
            partial.write_bytes(content + hashlib.sha256(content).digest())
    except OSError as error:
        log.warning("the tables of a tokenizer could not be kept: %s", error)
