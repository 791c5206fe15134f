"""The keyword index: how a text is analysed for it, and how it is asked."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.arrays import Ids
from rag.storage.checked_rows import CheckedRows
from rag.text.words import stem, stems, stop_stems, words

KEYWORDS = """
CREATE VIRTUAL TABLE keywords USING fts5 (language, surface, stem, content='', tokenize="unicode61 remove_diacritics 0")
"""


def keywords(text: str) -> tuple[str, str]:
    """Return the analysed tokens of a text as the keyword index holds them: surface forms, and stems; space-separated."""
    return " ".join(keyword_token(word) for word in words(text)), " ".join(keyword_token(form) for form in stems(text))


def passage_keywords(context: str, text: str) -> tuple[str, str]:
    """Return the keywords of a passage: of its title, headings and lead, and of its text."""
    return keywords(f"{context}\n{text}" if context else text)


def keyword_token(word: str) -> str:
    # FTS5 would split at an apostrophe.
    return word.replace("'", "")


def keyword_terms(question: str, *, stems: bool = True) -> list[str]:
    """Return the terms of the keyword index that a question asks for: its content words, as stems and as they are written; without `stems`
    only as they are written (for measurements)."""
    meaning = [word for word in words(question) if stem(word) not in stop_stems()]
    wanted = dict.fromkeys(keyword_token(form) for word in meaning for form in ((stem(word), word) if stems else (word,)))
    return [term for term in wanted if re.fullmatch(r"\w+", term)]


def keyword_query(terms: Sequence[str], *, stems: bool = True) -> str:
    """Return the FTS5 query for passages with any of the terms; "" for none."""
    if not terms:
        return ""
    return f"{{{'surface stem' if stems else 'surface'}}} : (" + " OR ".join(f'"{term}"' for term in terms) + ")"


class KeywordReader(CheckedRows):
    """The keyword index of the database."""

    def search_keywords(self, query: str, among: Ids | None = None) -> tuple[Ids, npt.NDArray[np.float64]]:
        """Return the passages for an FTS5 query and their BM25 scores (higher is better), best first; only `among` those, if given, which
        should be few: each is looked up."""
        if not query:
            return np.empty(0, dtype=np.int64), np.empty(0)
        within, values = "", [query]
        if among is not None:
            within, values = "AND rowid IN (SELECT value FROM json_each(?))", [query, json.dumps(among.tolist())]
        # The columns are the language, the words as they are written, and their stems. Sorting here is cheaper than in SQLite.
        statement = f"SELECT rowid, bm25(keywords, 0.0, 1.0, 1.0) FROM keywords WHERE keywords MATCH ? {within}"
        with self.snapshot():
            rows = self.connection().execute(statement, values).fetchall()
        if not rows:
            return np.empty(0, dtype=np.int64), np.empty(0)
        ids = np.array([id for id, _ in rows], dtype=np.int64)
        try:
            scores = np.array([score for _, score in rows], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self.damaged(f"keywords: {error}") from error
        if not np.isfinite(scores).all():
            raise self.damaged("keywords: a score is no number")
        order = np.lexsort((ids, scores))
        return ids[order], -scores[order]

    def passages_with(self, term: str) -> int:
        """In how many passages a term of the keyword index occurs, by stem or as it is written."""
        with self.snapshot():
            found = self._vocabulary().execute("SELECT doc FROM temp.vocabulary WHERE term = ?", (term,)).fetchone()
        return int(found[0]) if found else 0

    def is_part_of_a_word(self, part: str) -> bool:
        """Return whether any word of the passages, folded or stemmed, contains a part. Reads the list of all words."""
        with self.snapshot():
            query = "SELECT 1 FROM temp.vocabulary WHERE instr(term, ?) LIMIT 1"
            return self._vocabulary().execute(query, (keyword_token(part),)).fetchone() is not None

    def vocabulary(self, most: int) -> list[str] | None:
        """Return all words and stems of the passages; None if there are more than `most`."""
        with self.snapshot():
            found = self._vocabulary().execute("SELECT term FROM temp.vocabulary LIMIT ?", (most + 1,)).fetchall()
        return [term for (term,) in found] if len(found) <= most else None

    def _vocabulary(self) -> sqlite3.Connection:
        """Return the connection with the table of all terms, which is made for it once."""
        db = self.connection()
        if not self.prepared("vocabulary"):
            (before,) = db.execute("PRAGMA query_only").fetchone()
            db.execute("PRAGMA query_only = OFF")  # what is made is temporary
            db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, keywords, row)")
            db.execute(f"PRAGMA query_only = {before}")
        return db
