"""How well documents are read: real and synthetic pages of every kind, by our reader and others, on the same pages in the same run.

Only text extraction is compared, not OCR. A page's gold is right by construction (made pages) or was
checked against the page as it is displayed (real ones); each page is scored before anything is averaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.measure import Measurement, Options

TITLE = "Documents"
ABOUT = """
Real pages, fetched from public repositories, and made ones, whose text is known by construction, read by our reader and by others in
the same run. Words in order: 1 less the share of words missing, changed or put between, in paragraphs. Numbers exact: the share of
printed numbers that are read as they are. Cells: the share that is read with its row and its column. Columns in order: the share of
texts that end before the next begins. Foreign text kept out: menus, banners, deleted rows. Garbage: the share of pages of which text
that no person could read was indexed. Figures are means with their 95 % bootstrap intervals; n is the number of pages.
"""


def run(options: Options) -> Iterator[Measurement]:
    """Read every page with every reader. Raises OSError without the other readers' environment."""
    from bench.documents.section import measurements

    return measurements(options)


def details() -> str:
    """Return the tables by reader and by kind of the last run."""
    from bench.documents.section import tables

    return tables()
