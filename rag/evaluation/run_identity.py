"""The identity of a run: everything that its results depend on. A record is reused only by a run of the same identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import rag
from rag.answering.prompts import prompts_dir
from rag.evaluation.run import Bot
from rag.messages import table

# Packages and modules on which no answer depends: how one comes in, how models are fetched, what is printed, how it is measured.
# Everything else is hashed, wherever it lies: what is forgotten here costs a repeated run, what is forgotten there a wrong figure.
_UNRELATED = frozenset("adapters cli doctor evaluation library metrics server testing ui".split())
_UNRELATED_MODULES = frozenset("catalogue convert_e5 download expand fetch installed models".split())


def identify(bot: Bot, settings: Mapping[str, object] | None = None, prompts: Path | None = None) -> dict[str, str]:
    """Return everything a result depends on besides the question: package version and code, index, models, prompts, settings."""
    manifest = bot.index.manifest()
    documents = [(document.id, document.sha256) for document in bot.index.documents()]
    generator = getattr(bot, "generator", None)
    return {
        "version": rag.__version__,
        "code": code_hash(Path(__file__).resolve().parent.parent),
        "generation": str(manifest.generation),
        "index": _hash(documents, dict(manifest.chunker), manifest.analysis),
        "embedder": manifest.fingerprint,
        "generator": str(getattr(generator, "fingerprint", None) or getattr(generator, "name", "none")),
        "translator": str(getattr(getattr(bot, "translator", None), "fingerprint", "none")),
        "reader": str(getattr(getattr(bot, "reader", None), "fingerprint", "none")),
        "prompts": _hash([(path.name, path.read_text("utf-8")) for path in sorted((prompts or prompts_dir()).glob("*.txt"))]),
        "calibration": _hash(repr(getattr(bot, "calibration", None))),
        "settings": _hash(dict(settings or {})),
    }


def short(identity: Mapping[str, str]) -> str:
    """Return eight hexadecimal digits that name an identity."""
    return _hash(dict(identity))[:8]


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def code_hash(package: Path) -> str:
    """Return a hash of the modules and tables of a package that answers depend on, all sub-packages included."""
    found = []
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.toml")), key=lambda path: path.relative_to(package).as_posix()):
        place = path.relative_to(package)
        if place.parts[0].removesuffix(".py") in _UNRELATED or place.stem in _UNRELATED_MODULES or place.name == "strings.toml":
            continue
        found.append((place.as_posix(), path.read_text("utf-8")))
    said = {key: texts for key, texts in table().items() if key.startswith("answer.")}
    return _hash(found, said)
