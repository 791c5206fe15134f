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

LONGEST = 500
"""The longest text that is looked up, in characters: the work grows with the square of the length."""
_FEW = 16
"""The most texts that are looked up together: a question, or a sentence with its evidence. For more, loading the library pays."""
_WORTH_TABLES = 2**23
"""The smallest file that tables are kept for, in bytes."""
_FORM = 1
_DIGEST = 32
_NONE = 2**31 - 1
_PLAIN = re.compile(r"(?:[^\W_]|[\u064b-\u0652.,:;!?'\"()|/%،؛؟«»-]| (?! ))*")
"""Matches texts without anything that could be an added token of a vocabulary, such as <bos>, tags and runs of spaces."""
_SPACE = "▁"


class Encoded(NamedTuple):
    """The tokens of a text and the characters that each of them covers; special tokens cover none."""

    ids: list[int]
    offsets: list[tuple[int, int]]


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

    def encode_passages(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return what `encode_batch` does, always by the library, which several passages are worth."""
        return self._load().encode_batch(list(texts))

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

    It is applied to whole texts in which spaces are written ▁, between two special tokens, as Gemma does.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.arrays = arrays

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
        )
        if not known:
            return cls({})
        vocabulary: dict[str, int] = model["vocab"]
        merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
        keys = np.array([vocabulary[left] << 32 | vocabulary[right] for left, right in merges], dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        characters = sorted((ord(token), id) for token, id in vocabulary.items() if len(token) == 1)
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
            }
        )

    def encode(self, text: str) -> Encoded | None:
        """Return the tokens of a text, or None for one that the tables do not cover: a long one, or one with unknown characters."""
        if not self.arrays or len(text) > LONGEST or not _PLAIN.fullmatch(text):
            return None
        codes = np.array([ord(character) for character in text.replace(" ", _SPACE)], dtype=np.int32)
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
        before, after = self.arrays["ends"].tolist()
        return Encoded([before, *ids, after], [(0, 0), *pairwise([0, *ends]), (0, 0)])

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
