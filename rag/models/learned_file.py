"""Files of weights that this project trained: safetensors, with a card in TOML that holds their hash."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rag.errors import ModelCorrupt, ModelMissing


class LearnedFile(NamedTuple):
    """A file that agrees with its card: its bytes, the metadata of its header, and its SHA-256 in hexadecimal."""

    content: bytes
    metadata: Mapping[str, str]
    digest: str


def read_learned_file(path: Path, format: str) -> LearnedFile:
    """Read a file of a format and check it against its card, which has the same name and the ending .toml.

    Raises ModelMissing if one of both is not there, ModelCorrupt if they differ or cannot be read.
    """
    try:
        content = path.read_bytes()
        card = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelMissing("error.reader_missing", path=error.filename) from error
    except (OSError, ValueError) as error:
        raise ModelCorrupt("error.reader_broken", path=path, reason=error) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.get("sha256"):
        raise ModelCorrupt("error.reader_broken", path=path, reason=f"SHA-256 {digest[:12]}")
    try:
        metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        if metadata["format"] != format:
            raise ValueError(metadata["format"])
    except (KeyError, ValueError, TypeError) as error:
        raise ModelCorrupt("error.reader_broken", path=path, reason=error) from error
    return LearnedFile(content, metadata, digest)
