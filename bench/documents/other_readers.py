"""Read the files of a task with one of the other readers: `python other_readers.py SYSTEM TASK OUTPUT`, in the environment of
`requirements.txt`. TASK is a JSON list of {"id", "path"}; OUTPUT gets one line per file: text, tables, error, seconds.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SECONDS = 60
Read = tuple[str, list[list[list[str]]]]


def _pypdf(path: Path) -> Read:
    import pypdf

    return "\n\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages), []


def _pdfminer(path: Path) -> Read:
    from pdfminer.high_level import extract_text

    return extract_text(path), []


def _pdfplumber(path: Path) -> Read:
    import pdfplumber

    texts, tables = [], []
    with pdfplumber.open(path) as document:
        for page in document.pages:
            texts.append(page.extract_text() or "")
            tables += [[[cell or "" for cell in row] for row in table] for table in page.extract_tables()]
    return "\n\n".join(texts), tables


def _camelot(path: Path) -> Read:
    import camelot

    tables = []
    for flavor in ("lattice", "stream"):
        tables += [table.df.values.tolist() for table in camelot.read_pdf(str(path), pages="all", flavor=flavor)]
    return "\n\n".join("\n".join("\t".join(map(str, row)) for row in table) for table in tables), [
        [[str(c) for c in r] for r in t] for t in tables
    ]


def _docx(path: Path) -> Read:
    import docx

    document = docx.Document(str(path))
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    return "\n\n".join(paragraph.text for paragraph in document.paragraphs), tables


def _openpyxl(path: Path) -> Read:
    import openpyxl

    tables = []
    for sheet in openpyxl.load_workbook(path, data_only=True).worksheets:
        tables.append([["" if value is None else str(value) for value in row] for row in sheet.iter_rows(values_only=True)])
    return "\n\n".join("\n".join("\t".join(row) for row in table) for table in tables), tables


def _trafilatura(path: Path) -> Read:
    import trafilatura

    return trafilatura.extract(path.read_bytes(), include_tables=True, include_comments=False) or "", []


def _markitdown(path: Path) -> Read:
    from markitdown import MarkItDown

    return MarkItDown(enable_plugins=False).convert(str(path)).text_content, []


def _kreuzberg(path: Path) -> Read:
    import kreuzberg

    result = kreuzberg.extract_file_sync(str(path))
    return result.content, [[list(map(str, row)) for row in table.cells] for table in result.tables]


READERS: dict[str, tuple[Callable[[Path], Read], frozenset[str]]] = {
    "pypdf": (_pypdf, frozenset({".pdf"})),
    "pdfminer.six": (_pdfminer, frozenset({".pdf"})),
    "pdfplumber": (_pdfplumber, frozenset({".pdf"})),
    "camelot": (_camelot, frozenset({".pdf"})),
    "python-docx": (_docx, frozenset({".docx"})),
    "openpyxl": (_openpyxl, frozenset({".xlsx"})),
    "trafilatura": (_trafilatura, frozenset({".html", ".htm"})),
    "markitdown": (_markitdown, frozenset()),
    "kreuzberg": (_kreuzberg, frozenset()),
}
"""The readers, and the kinds of files each is given; none means all."""


def _read(system: str, path: Path) -> dict[str, Any]:
    started = time.perf_counter()
    text, tables, error = "", [], ""
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(_SECONDS)
    try:
        text, tables = READERS[system][0](path)
    except Exception as reason:  # a result for this file, which counts against the reader
        error = f"{type(reason).__name__}: {reason}"[:300]
    finally:
        signal.alarm(0)
    text = text.encode("utf-8", "replace").decode()
    return {"text": text, "tables": tables, "error": error, "seconds": time.perf_counter() - started}


def _late(*_: object) -> None:
    raise TimeoutError(f"more than {_SECONDS} s")


if __name__ == "__main__":
    name, task, output = sys.argv[1:]
    kinds = READERS[name][1]
    with Path(output).open("w", encoding="utf-8") as file:
        for item in json.loads(Path(task).read_text(encoding="utf-8")):
            if not kinds or Path(item["path"]).suffix.lower() in kinds:
                file.write(json.dumps({"id": item["id"], **_read(name, Path(item["path"]))}, ensure_ascii=False) + "\n")
                file.flush()
