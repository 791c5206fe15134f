"""Make the synthetic pages, whose text is known by construction: `python making.py FOLDER`, in the environment of `requirements.txt`.

Writes each file, `made.jsonl` with their gold, and `skipped.jsonl` with what could not be made here and why (no Chromium, no font).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

_FONT = "DejaVuSans.ttf"
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")


def make(folder: Path) -> None:
    """Write every page that can be made here. Existing files are overwritten: the pages are the same in every run."""
    folder.mkdir(parents=True, exist_ok=True)
    made, skipped = [], []
    for name in ("made_plain", "made_office", "made_pdf"):
        try:
            for page in _pages(name):
                (folder / page["file"]).write_bytes(page.pop("data"))
                made.append(page)
        except (ImportError, OSError) as error:
            skipped.append({"id": name, "reason": f"{type(error).__name__}: {error}"})
    for file, records in (("made.jsonl", made), ("skipped.jsonl", skipped)):
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (folder / file).write_text(text, encoding="utf-8")
    print(f"{len(made)} pages made, {len(skipped)} kinds skipped", flush=True)


def _pages(name: str) -> Iterator[dict[str, Any]]:
    module = import_module(name)
    return module.pages(_fonts()) if name == "made_pdf" else module.pages()


def _fonts() -> Path:
    """Return the folder of the DejaVu fonts. Raises OSError if it is missing."""
    for root in map(Path, _FONT_FOLDERS):
        for path in root.rglob(_FONT):
            return path.parent
    raise OSError(f"{_FONT} is not installed")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
