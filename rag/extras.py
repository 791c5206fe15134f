"""Optional parts of the installation, and the sentence that says which one is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence

from rag.errors import ExtraMissing

EXTRAS: Mapping[str, Mapping[str, str]] = {
    "models": {
        "torch": "torch",
        "sentence_transformers": "sentence-transformers",
        "arabic_name_romanizer": "arabic-name-romanizer",
        "tokenizers": "tokenizers",
        "safetensors": "safetensors",
        "threadpoolctl": "threadpoolctl",
        "huggingface_hub": "huggingface_hub",
    },
    "generator": {"llama_cpp": "llama-cpp-python"},
    "window": {
        "gradio": "gradio",
        "fastapi": "fastapi",
        "uvicorn": "uvicorn",
        "prometheus_client": "prometheus-client",
        "httpx": "httpx",
    },
    "eval": {"jsonschema": "jsonschema", "ir_measures": "ir-measures", "sklearn": "scikit-learn", "tomlkit": "tomlkit"},
}
"""The modules that each extra of the package brings, with the packages they are in."""


def missing(extra: str) -> list[str]:
    """Return the packages of an extra that are not installed."""
    return [package for module, package in EXTRAS[extra].items() if importlib.util.find_spec(module) is None]


def require(*extras: str) -> None:
    """Raise ExtraMissing if a package of these extras is not installed."""
    absent = {extra: found for extra in extras if (found := missing(extra))}
    if absent:
        raise extras_missing(absent)


def extras_missing(absent: Mapping[str, Sequence[str]]) -> ExtraMissing:
    """Return the error that names the packages to install by their extras, at the versions that this version of Shawahid declares."""
    command = " ".join(["pip", "install", *(_declared(package) for packages in absent.values() for package in packages)])
    named = "; ".join(f"{', '.join(packages)} ({extra})" for extra, packages in absent.items())
    return ExtraMissing("error.extra", packages=named, command=command)


def extra_of(module: str) -> tuple[str, str] | None:
    """Return the extra that brings a module, and its package; None if none does."""
    top = module.partition(".")[0]
    return next(((extra, modules[top]) for extra, modules in EXTRAS.items() if top in modules), None)


def _declared(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires("shawahid") or []
    except PackageNotFoundError:  # a checkout that is not installed
        lines = []
    found = (line.partition(";")[0].strip() for line in lines)
    wanted = package.replace("_", "-").lower()
    return next((f"'{line}'" for line in found if line.rstrip("0123456789.,<>=!~ ").replace("_", "-").lower() == wanted), package)
