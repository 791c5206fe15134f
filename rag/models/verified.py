"""The files whose hash was compared already, so that weights of gigabytes are read for it once and not at every start."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rag.files import write_atomically
from rag.models.download import sha256_of

_NAME = ".verified.json"


def has_hash(path: Path, sha256: str, places: Sequence[Path]) -> bool:
    """Return whether a file has this SHA-256. It is read unless that was found before and the file has not been touched since.

    What was found is kept in the first of the folders `places` that can be written to. A file's time of change, which no program can set,
    is part of what is compared. Raises OSError when the file cannot be read.
    """
    signature = _signature(path, sha256)
    for place in places:
        if _known(place).get(str(path.resolve())) == signature:
            return True
    if sha256_of(path) != sha256:
        return False
    for place in places:
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            known = {name: found for name, found in _known(place).items() if Path(name).exists()}
            with write_atomically(place / _NAME, durable=False) as part:
                part.write_text(json.dumps({**known, str(path.resolve()): signature}), encoding="utf-8")
            break
    return True


def _signature(path: Path, sha256: str) -> list[int | str]:
    found = path.stat()
    return [sha256, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _known(place: Path) -> dict[str, list[int | str]]:
    try:
        known = json.loads((place / _NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
