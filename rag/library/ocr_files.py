"""Which files of a collection are read with OCR: chosen one by one, because it takes seconds a page.

The choice lies in a hidden file next to the documents, an id on each line, and holds for later versions of a file as well.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from rag.documents.formats.ocr import PROGRAM
from rag.files import write_atomically, write_error

FILE = ".read-with-ocr"
SECONDS_A_PAGE = 6
"""What Tesseract takes for a printed page on one core, about; said before anybody waits for it."""
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def chosen(folder: Path) -> frozenset[str]:
    """Return the ids of the files of a folder that are read with OCR."""
    try:
        return frozenset(line for line in (folder / FILE).read_text(encoding="utf-8").splitlines() if line)
    except (OSError, UnicodeError):
        return frozenset()


def choose(folder: Path, id: str, on: bool) -> None:
    """Have a file read with OCR from the next build on, or no longer. Raises DiskFull."""
    ids = chosen(folder) | {id} if on else chosen(folder) - {id}
    try:
        with write_atomically(folder / FILE) as part:
            part.write_text("".join(f"{each}\n" for each in sorted(ids)), encoding="utf-8")
    except OSError as error:
        raise write_error(folder, error) from error


def is_installed() -> bool:
    """Return whether Tesseract is on this computer."""
    return shutil.which(PROGRAM) is not None


def count_pages(ranges: str) -> int:
    """Return how many pages a text like "3, 7-9" names."""
    return sum(int(last or first) - int(first) + 1 for first, last in _RANGE.findall(ranges))
