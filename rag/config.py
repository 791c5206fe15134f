"""Configuration, read once at the edge: environment variables become `Settings` and `ServerSettings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import cast

from rag.arguments import as_path, refuse, require_collection, require_one_of, require_type
from rag.errors import BadSetting
from rag.models.device import ALL_LAYERS, DEVICES, Device
from rag.models.installed import profile
from rag.schema import STYLES, Style

LANGUAGES = ("ar", "en")
"""Languages of messages."""
NO_TRANSLATOR = "none"
GENERATOR = "generator"
"""The translator that is the generator itself."""
TRANSLATORS = ("", NO_TRANSLATOR, GENERATOR)


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's choices, each with its environment variable.

    `generator` and `embedder` are catalogue names or paths, and override those of the profile; with the generator "none", answers are
    quotations, with the translator "none", quotations are not translated. `language` is the language of messages, "en" or "ar".
    """

    profile: str = "default"
    """SHAWAHID_PROFILE: default | light"""
    generator: str = ""
    """SHAWAHID_GENERATOR: a catalogue name, "recommended", a GGUF file, a server as http://host:port/v1#model, or "none\""""
    embedder: str = ""
    """SHAWAHID_EMBEDDER: a catalogue name, a sentence-transformers folder, or a hub id in the local cache"""
    translator: str = ""
    """SHAWAHID_TRANSLATOR: generator | none; "" for the generator if it passed a trial on this machine"""
    documents: Path = Path("seeds")
    """SHAWAHID_DOCUMENTS: the folder that is indexed"""
    index: Path = Path("index")
    """SHAWAHID_INDEX: the folder of the index"""
    host: str = "127.0.0.1"
    """SHAWAHID_HOST: the address to listen on; the default is this computer only"""
    port: int = 7860
    """SHAWAHID_PORT: the port to listen on; 0 picks a free one"""
    language: str = "en"
    """SHAWAHID_LANGUAGE: the language of messages, ar | en"""
    threads: int = 0
    """SHAWAHID_THREADS: processor threads; 0 uses all cores"""
    gpu_layers: int = ALL_LAYERS
    """SHAWAHID_GPU_LAYERS: layers of the generator on the GPU, if llama.cpp was built for one: a number, 0 for none, or "all\""""
    device: Device = ""
    """SHAWAHID_DEVICE: what embedder and reader compute on: cpu, cuda or mps; "" for the best there is"""
    max_file_mb: int = 16
    """SHAWAHID_MAX_FILE_MB: the largest file that is indexed, in MiB; PDF, DOCX and EPUB may be four times as large"""
    style: Style = "sentence"
    """SHAWAHID_STYLE: how long answers are, sentence | short"""
    ocr: bool = False
    """SHAWAHID_OCR: 1 reads pages that are pictures with Tesseract, if it is installed; 0 names them and leaves them out"""
    generator_key: str = field(default="", repr=False)
    """SHAWAHID_GENERATOR_KEY: the generator server's bearer token"""
    traces: bool = False
    """SHAWAHID_TRACES: 1 sends OpenTelemetry spans of each question over OTLP, to where the OTEL_EXPORTER_OTLP_ variables say"""
    milvus: str = ""
    """SHAWAHID_MILVUS: search in Milvus: http://host:19530#collection, or a file for milvus-lite ending in .db"""
    milvus_token: str = field(default="", repr=False)
    """SHAWAHID_MILVUS_TOKEN: "user:password" or an API key"""

    def __post_init__(self) -> None:
        for name in ("documents", "index"):
            object.__setattr__(self, name, as_path(name, getattr(self, name)))
        _require_kinds(self)
        require_one_of("style", self.style, STYLES)
        require_one_of("translator", self.translator, TRANSLATORS)
        require_one_of("language", self.language, LANGUAGES)
        require_one_of("device", self.device, DEVICES)
        if self.profile != "default":
            profile(self.profile)  # raises for an unknown one

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Return the settings of this process. Raises BadSetting, naming the variable, for an invalid value."""
        environment = _environment(environment)
        _refuse_misspelt(environment)
        text, number = _readers(environment)
        default = cls()
        language = text("LANGUAGE", default.language)
        if language not in LANGUAGES:
            raise BadSetting("error.setting", name="SHAWAHID_LANGUAGE", value=language, allowed="ar, en")
        style = text("STYLE", default.style)
        if style not in STYLES:
            raise BadSetting("error.setting", name="SHAWAHID_STYLE", value=style, allowed="sentence, short")
        translator = text("TRANSLATOR", default.translator)
        if translator not in TRANSLATORS:
            raise BadSetting("error.setting", name="SHAWAHID_TRANSLATOR", value=translator, allowed="generator, none")
        device = text("DEVICE", default.device)
        if device not in DEVICES:
            raise BadSetting("error.setting", name="SHAWAHID_DEVICE", value=device, allowed="cpu, cuda, mps")
        return cls(
            profile=text("PROFILE", default.profile),
            generator=text("GENERATOR", default.generator),
            generator_key=text("GENERATOR_KEY", default.generator_key),
            milvus=text("MILVUS", default.milvus),
            milvus_token=text("MILVUS_TOKEN", default.milvus_token),
            embedder=text("EMBEDDER", default.embedder),
            translator=translator,
            documents=Path(text("DOCUMENTS", str(default.documents))),
            index=Path(text("INDEX", str(default.index))),
            host=text("HOST", default.host),
            port=number("PORT", default.port, 0, 65535),
            language=language,
            threads=number("THREADS", default.threads, 0, 1024),
            gpu_layers=ALL_LAYERS if text("GPU_LAYERS", "all") == "all" else number("GPU_LAYERS", 0, 0),
            device=cast(Device, device),
            style=style,
            max_file_mb=number("MAX_FILE_MB", default.max_file_mb, 1),
            ocr=bool(number("OCR", int(default.ocr), 0, 1)),
            traces=bool(number("TRACES", int(default.traces), 0, 1)),
        )


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Who may connect, and how long an answer may take. Kept apart from `Settings`, which are shown and stored with measurements."""

    password: str = field(default="", repr=False)
    """SHAWAHID_PASSWORD: opens the chat window; needed as soon as other computers can reach it"""
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """SHAWAHID_TOKENS: the tokens that open all of the API and the tools, separated by spaces"""
    tokens_file: str = ""
    """SHAWAHID_TOKENS_FILE: a TOML file of tokens with names, scopes and collections"""
    origins: tuple[str, ...] = ()
    """SHAWAHID_ORIGINS: other sites whose pages may call the API, separated by spaces"""
    frame_ancestors: tuple[str, ...] = ("'self'",)
    """SHAWAHID_FRAME_ANCESTORS: sites that may show the window in a frame, separated by spaces"""
    changes: bool = False
    """SHAWAHID_CHANGES: 1 lets the API add and remove documents"""
    proxies: tuple[str, ...] = ()
    """SHAWAHID_PROXIES: addresses or networks of reverse proxies that are believed about a client, separated by spaces"""
    quota_mb: int = 512
    """SHAWAHID_QUOTA_MB: behind a password, the MiB of files and feedback that one reader may store; 0 sets no limit"""
    total_quota_mb: int = 16384
    """SHAWAHID_TOTAL_QUOTA_MB: behind a password, the MiB that all readers together may store; 0 sets no limit"""
    new_readers: int = 50
    """SHAWAHID_NEW_READERS: behind a password, the browsers that may come from one address for the first time in a day; 0 sets no limit"""
    timeout: int = 120
    """SHAWAHID_TIMEOUT: the longest time spent on one answer, in seconds"""

    def __post_init__(self) -> None:
        for name in ("tokens", "origins", "frame_ancestors", "proxies"):
            given = getattr(self, name)
            require_collection(name, "…" if name == "tokens" and isinstance(given, str) else given, "tuple[str, ...]")
            if not all(isinstance(one, str) for one in given):
                raise refuse(name, "…" if name == "tokens" else given, "tuple[str, ...]")
            object.__setattr__(self, name, tuple(given))
        _require_kinds(self)

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> ServerSettings:
        """Return the settings of this process. Raises BadSetting, naming the variable, for an invalid number."""
        environment = _environment(environment)
        _refuse_misspelt(environment)
        text, number = _readers(environment)
        default = cls()
        return cls(
            password=text("PASSWORD", ""),
            tokens=tuple(text("TOKENS", "").split()),
            tokens_file=text("TOKENS_FILE", default.tokens_file),
            origins=tuple(text("ORIGINS", "").split()),
            frame_ancestors=tuple(text("FRAME_ANCESTORS", "'self'").split()),
            changes=number("CHANGES", 0, 0, 1) == 1,
            proxies=tuple(text("PROXIES", "").split()),
            quota_mb=number("QUOTA_MB", default.quota_mb, 0),
            total_quota_mb=number("TOTAL_QUOTA_MB", default.total_quota_mb, 0),
            new_readers=number("NEW_READERS", default.new_readers, 0),
            timeout=number("TIMEOUT", default.timeout, 1, 3600),
        )


def _require_kinds(settings: Settings | ServerSettings) -> None:
    """Raise BadSetting for a value of another type than that of the default."""
    for each in fields(settings):
        kind = type(each.default)
        if kind in (str, int, bool) and type(value := getattr(settings, each.name)) is not kind:
            raise refuse(each.name, value if each.repr else "…", kind.__name__)


def _environment(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the variables to read, by default those of this process. Raises BadSetting."""
    require_type("environment", given, Mapping, type(None))
    return os.environ if given is None else given


_OTHERS = ("MODELS", "MODELS_FROM", "DATA", "CALIBRATION", "ACCEPT_TERMS", "BIDI", "ENGINE_LOG")
"""Settings that other modules read where they use them."""


def _refuse_misspelt(environment: Mapping[str, str]) -> None:
    """Raise BadSetting for a name that is nearly that of a setting: it would be ignored."""
    known = [f"SHAWAHID_{each.name.upper()}" for each in (*fields(Settings), *fields(ServerSettings))]
    known += [f"SHAWAHID_{name}" for name in _OTHERS]
    for name in environment:
        if name.startswith("SHAWAHID_") and name not in known and (near := get_close_matches(name, known, 1, 0.85)):
            raise BadSetting("error.setting_name", name=name, near=near[0])


def _readers(environment: Mapping[str, str]) -> tuple[Callable[[str, str], str], Callable[..., int]]:
    """Return the functions that read a setting: as a string, and as a number within bounds."""

    def text(name: str, default: str) -> str:
        return environment.get(f"SHAWAHID_{name}", "").strip() or default

    def number(name: str, default: int, least: int, most: int = 2**20) -> int:
        value = text(name, str(default))
        if not value.isdecimal() or not least <= int(value) <= most:
            raise BadSetting("error.setting", name=f"SHAWAHID_{name}", value=value, allowed=f"{least} … {most}")
        return int(value)

    return text, number
