"""Rich Text Format: its text, with the cells of tables in their rows."""

from __future__ import annotations

import re
from itertools import groupby

from rag.documents.formats.plain_text import read_text
from rag.documents.tree import Content, Limits, TreeWriter
from rag.errors import DocumentError

_ADDRESS = re.compile(r"""(?<=\S)\("[^"\n]*(?:%5C|://|mailto:)[^"\n]*"\)""")
"""The address that striprtf writes after the text of a link."""


def read_rtf(data: bytes, name: str, limits: Limits) -> Content:
    """Return the text of a document; pictures and formatting are left out. Raises DocumentError if it is not RTF."""
    from striprtf.striprtf import rtf_to_text

    if not data.lstrip().startswith(b"{\\rtf"):
        raise DocumentError("error.damaged", name=name, reason="{\\rtf is missing")
    text: str = rtf_to_text(data.decode("latin-1"), encoding="cp1252", errors="replace")
    text = _ADDRESS.sub("", text)
    writer = TreeWriter(name, limits)
    # striprtf ends each cell of a table with a bar, and each row with a line end.
    for is_row, lines in groupby(text.split("\n"), lambda line: line.rstrip().endswith("|")):
        if is_row:
            writer.grid([[cell.strip() for cell in line.rstrip().split("|")[:-1]] for line in lines])
        elif (plain := "\n".join(lines)).strip():
            writer.insert(read_text(plain.encode(), name, limits))
    return writer.content()
