"""Configuration, read once at the edge: environment variables into `Settings`, and settings into the objects that work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from rag.chatbot import Chatbot, Style
from rag.embed import SentenceTransformerEmbedder
from rag.errors import BadSetting, IsnadError, ModelMissing
from rag.generate import LlamaCpp
from rag.index import Index
from rag.milvus import MilvusIndex
from rag.models import find, profile, usable_profile
from rag.remote import RemoteGenerator, is_address

NO_GENERATOR = "none"


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be chosen, each with its environment variable.

    `generator` and `embedder` are catalogue names or paths and replace those of the profile; the generator "none" answers by
    quotation. `language` is that of messages: "en" or "ar".
    """

    profile: str = "default"
    """ISNAD_PROFILE: default | light"""
    generator: str = ""
    """ISNAD_GENERATOR: a catalogue name, a GGUF file, an OpenAI-compatible server as http://host:port/v1#model, or "none\""""
    embedder: str = ""
    """ISNAD_EMBEDDER: a catalogue name, a sentence-transformers folder, or a hub id in the local cache"""
    documents: Path = Path("seeds")
    """ISNAD_DOCUMENTS: the folder that is indexed"""
    index: Path = Path("index")
    """ISNAD_INDEX: the folder of the index"""
    host: str = "127.0.0.1"
    """ISNAD_HOST: the address to listen on; the default is this computer only"""
    port: int = 7860
    """ISNAD_PORT: the port to listen on; 0 takes a free one"""
    language: str = "en"
    """ISNAD_LANGUAGE: the language of messages, ar | en"""
    threads: int = 0
    """ISNAD_THREADS: processor threads; 0 takes all cores"""
    max_file_mb: int = 16
    """ISNAD_MAX_FILE_MB: the largest file that is indexed, in MiB; PDF, DOCX and EPUB may be four times as large"""
    style: Style = "sentence"
    """ISNAD_STYLE: how long answers are, sentence | short"""
    ocr: bool = False
    """ISNAD_OCR: 1 reads pages that are pictures with Tesseract, where it is installed; 0 names them and leaves them out"""
    generator_key: str = field(default="", repr=False)
    """ISNAD_GENERATOR_KEY: the generator server's bearer token"""
    milvus: str = ""
    """ISNAD_MILVUS: search in Milvus: http://host:19530#collection, or a file for milvus-lite ending in .db"""
    milvus_token: str = field(default="", repr=False)
    """ISNAD_MILVUS_TOKEN: "user:password" or an API key"""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings of this process. Raises BadSetting, naming the variable, for a value that means nothing."""
        environment = os.environ if environment is None else environment

        text, number = _readers(environment)
        default = cls()
        language = text("LANGUAGE", default.language)
        if language not in ("ar", "en"):
            raise BadSetting("error.setting", name="ISNAD_LANGUAGE", value=language, allowed="ar, en")
        style = text("STYLE", default.style)
        if style not in ("sentence", "short"):
            raise BadSetting("error.setting", name="ISNAD_STYLE", value=style, allowed="sentence, short")
        profile(text("PROFILE", default.profile))  # raises for an unknown one
        return cls(
            profile=text("PROFILE", default.profile),
            generator=text("GENERATOR", default.generator),
            generator_key=text("GENERATOR_KEY", default.generator_key),
            milvus=text("MILVUS", default.milvus),
            milvus_token=text("MILVUS_TOKEN", default.milvus_token),
            embedder=text("EMBEDDER", default.embedder),
            documents=Path(text("DOCUMENTS", str(default.documents))),
            index=Path(text("INDEX", str(default.index))),
            host=text("HOST", default.host),
            port=number("PORT", default.port, 0, 65535),
            language=language,
            threads=number("THREADS", default.threads, 0, 1024),
            style=cast(Style, style),
            max_file_mb=number("MAX_FILE_MB", default.max_file_mb, 1),
            ocr=bool(number("OCR", int(default.ocr), 0, 1)),
        )


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Who may come in, and how long an answer may take. Apart from `Settings`, which are shown and kept with measurements."""

    password: str = field(default="", repr=False)
    """ISNAD_PASSWORD: opens the chat window; needed as soon as other computers can reach it"""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """ISNAD_TOKENS: open the API and the tools, separated by spaces"""
    origins: tuple[str, ...] = ()
    """ISNAD_ORIGINS: other sites whose pages may call the API, separated by spaces"""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """ISNAD_FRAME_ANCESTORS: sites that may show the window in a frame, separated by spaces"""
    changes: bool = False
    """ISNAD_CHANGES: 1 lets the API add and remove documents"""
    quota_mb: int = 512
    """ISNAD_QUOTA_MB: behind a password, MiB of files that one reader's collections may hold; 0 sets no limit"""
    timeout: int = 120
    """ISNAD_TIMEOUT: seconds for which one answer may be worked on"""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> ServerSettings:
        """The settings of this process. Raises BadSetting, naming the variable, for a number that means nothing."""
        text, number = _readers(os.environ if environment is None else environment)
        default = cls()
        return cls(
            password=text("PASSWORD", ""),
            tokens=tuple(text("TOKENS", "").split()),
            origins=tuple(text("ORIGINS", "").split()),
            frame_ancestors=tuple(text("FRAME_ANCESTORS", "'self'").split()),
            changes=number("CHANGES", 0, 0, 1) == 1,
            quota_mb=number("QUOTA_MB", default.quota_mb, 0),
            timeout=number("TIMEOUT", default.timeout, 1, 3600),
        )


def _readers(environment: Mapping[str, str]) -> tuple[Callable[[str, str], str], Callable[..., int]]:
    """How settings are read: as a text, and as a number within bounds."""

    def text(name: str, default: str) -> str:
        return environment.get(f"ISNAD_{name}", "").strip() or default

    def number(name: str, default: int, least: int, most: int = 2**20) -> int:
        value = text(name, str(default))
        if not value.isdecimal() or not least <= int(value) <= most:
            raise BadSetting("error.setting", name=f"ISNAD_{name}", value=value, allowed=f"{least} … {most}")
        return int(value)

    return text, number


def open_embedder(settings: Settings) -> tuple[SentenceTransformerEmbedder, IsnadError | None]:
    """The embedder that the settings name, and what to tell the user when the light one had to stand in for it.

    Raises ModelMissing when neither is on this machine.
    """
    chosen, notice = usable_profile(settings.profile)
    if settings.embedder:
        chosen_name, notice = settings.embedder, None
    else:
        chosen_name = chosen.embedder
    model = find(chosen_name, "embedder")
    threads = settings.threads or None
    if (entry := model.entry) is None:
        return SentenceTransformerEmbedder(model.path, model.name, threads=threads), notice
    embedder = SentenceTransformerEmbedder(
        model.path, model.name, entry.query_prefix, entry.passage_prefix, threads, token_size=entry.token_size
    )
    return embedder, notice


def open_generator(settings: Settings) -> tuple[LlamaCpp | RemoteGenerator | None, IsnadError | None]:
    """The generator that the settings name; None, with what to tell the user, when it is not on this machine.

    A server is not asked anything yet. Raises BadSetting for an address that is none.
    """
    name = settings.generator or profile(settings.profile).generator
    if name == NO_GENERATOR:
        return None, None
    if is_address(name):
        return RemoteGenerator(name, settings.generator_key), None
    try:
        model = find(name, "generator")
    except ModelMissing as error:
        return None, error
    return LlamaCpp(model.path, model.name, threads=settings.threads or None, states=states_dir()), None


def open_milvus(settings: Settings) -> MilvusIndex | None:
    """Where vectors and keywords are searched, when it is not in the index folder; not asked anything yet. Raises BadSetting."""
    return MilvusIndex(settings.milvus, settings.milvus_token) if settings.milvus else None


def open_chatbot(settings: Settings, index: Path | None = None) -> tuple[Chatbot, tuple[IsnadError, ...]]:
    """The chatbot over an index, and what to tell the user about models that had to be replaced or are missing.

    Raises ModelMissing, ModelCorrupt, IndexMissing, IndexMismatch, IndexCorrupt.
    """
    embedder, embedder_notice = open_embedder(settings)
    milvus = open_milvus(settings) if index in (None, settings.index) else None
    opened = Index.open(index or settings.index, embedder, milvus)
    generator, generator_notice = open_generator(settings)
    notices = tuple(notice for notice in (embedder_notice, generator_notice) if notice is not None)
    return Chatbot(opened, generator, style=settings.style), notices


def states_dir() -> Path:
    """Where prompt states are kept between runs: `isnad/states` in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("isnad", appauthor=False) / "states"
