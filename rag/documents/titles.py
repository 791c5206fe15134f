"""The title of a document: its own, or with it the names of its file and folders where its own does not name the thing.

A title names the thing unless it is one of `common_headings.txt`: headings, file and folder names that stand in many unrelated
collections ("Introduction", "README", «مقدمة»). `tools/common_headings.py` counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from rag.documents.formats.readers import SUFFIXES
from rag.documents.tree import one_line
from rag.text.folding import fold

SEPARATOR = " – "
"""Stands between what a title is about and the title itself."""
_SHORT = 5
"""The most words of a title that may need the name of its folder to be understood."""
_FEW = 2
"""The most words of a title that the name of its file may have to complete."""
_LEAST_WORD = 3
_LONGEST = 120
_LETTERS = re.compile(r"[^\W\d_]+")
_MADE_BY_MACHINE = re.compile(r"(?=[0-9a-f-]*\d)(?=[0-9a-f-]*[a-f])[0-9a-f-]{12,}|\d{8,}", re.IGNORECASE)
_JOINERS = re.compile(r"[_+]+|(?<=\w)[-.](?=\w)|%20")
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_YEAR = re.compile(r"(?:1[89]|20)\d\d(?:[-_ ]\d{1,2}){0,2}")
_MADE_BY_PROGRAM = re.compile(
    r"untitled|^microsoft |\.(?:docx?|pptx?|xlsx?|indd|pdf|tex|dvi|odt|rtf|qxd|html?)$|^(?:slide|document|presentation)\s*\d*$|^heading \d$"
    r"|^<[0-9a-f]+>$"
    r"|^\(anonymous\)$|^print$|^stdin$|^(?:word|excel|powerpoint|pdf|world bank) (?:document|presentation|workbook)$"
    r"|^(?:مستند|عرض تقديمي)\s*\d*$",
    re.IGNORECASE,
)
"""What programs write as the title of a file to which nobody gave one, that of the World Bank's archive among them."""
_CONTENTS = frozenset(
    ("table of contents", "contents", "المحتويات", "جدول المحتويات", "قايمه المحتويات", "فهرس المحتويات", "فهرس", "الفهرس")
)
_ORDER = re.compile(r"^\(?\d{1,3}(?!\d)(?:[.)\s_-]+(?=\S*[^\W\d_])|$)")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_ ][a-z]{2,4})?", re.IGNORECASE)
_FIELDS = ("subtitle", "description", "excerpt", "summary", "site", "parent", "category")
"""Other metadata that name a document, in the order in which they are tried."""


def title_of(id: str, own: str, metadata: Mapping[str, str] | None = None) -> str:
    """Return the title of a document with the path `id`, where the file itself calls it `own` ("" if it does not).

    >>> title_of("gold-prices/README.md", "Data")
    'gold prices – Data'
    """
    stem, folders = _path_names(id)
    if not heading_key(own) or (is_contents(own) and stem):
        about = stem or next(folders, "")
        year = PurePosixPath(id).stem if not stem and _YEAR.fullmatch(PurePosixPath(id).stem) else ""
        return f"{about}{SEPARATOR}{year}" if about and year else _within(folders, about)
    if not names_nothing(own):
        if _says_more(stem, own):
            return _within(folders, stem) if _words(own) <= _words(stem) else f"{stem}{SEPARATOR}{own}"
        in_stem = not stem or _words(own) <= _words(stem)
        return _within(folders, own) if in_stem and len(own.split()) <= _SHORT else own
    about = stem or next(folders, "")
    if about and not _words(own) & _words(about):
        return f"{about}{SEPARATOR}{own}"
    if about:
        return _within(folders, about)
    described = (one_line((metadata or {}).get(field, "")) for field in _FIELDS)
    about = next((text for text in described if text and len(text) <= _LONGEST and not names_nothing(text)), "")
    return f"{about}{SEPARATOR}{own}" if about else own


def _says_more(stem: str, own: str) -> bool:
    """Return whether the name of a file adds words to a title: several, and as many as a title of a word or two has ("AGREEMENT" in
    `rowing-club-agreement.pdf`), or a name of several words that shares none with it, as where they are in two languages."""
    said = _words(own)
    more = [word for word in _words(stem) - said if len(word) >= _LEAST_WORD]
    return len(more) > 1 and (len(more) >= len(said) if len(said) <= _FEW else not said & _words(stem))


def names_nothing(text: str) -> bool:
    """Return whether a title, a heading or the name of a file says nothing about what it stands on: it has no word, or is common to
    unrelated documents."""
    key = heading_key(text)
    letters = len(key) > 4 and all(len(word) == 1 for word in key.split())  # read from a picture of letters: "T E N R"
    return not key or letters or key in _common()


def is_contents(heading: str) -> bool:
    """Return whether a heading stands over a table of contents; what follows that is not below it."""
    return heading_key(heading) in _CONTENTS


def is_made_by_program(title: str) -> bool:
    """Return whether a title is what a program writes into a file to which nobody gave one: "untitled", the name of a template."""
    return _MADE_BY_PROGRAM.search(title) is not None


def name_of_file(id: str) -> str:
    """Return the name of a file in words; "" if it says nothing."""
    return _path_names(id)[0]


def guessed_title(id: str, first: str) -> str:
    """Return a title made of the first line of a page, which may be anything, and of the name of the file where that says more."""
    name = name_of_file(id)
    return f"{name}{SEPARATOR}{first}" if name and not _words(name) & _words(first) else first


def is_named_after(id: str, title: str) -> bool:
    """Return whether the name of a file has a word of its title."""
    return bool(_words(PurePosixPath(id).stem) & _words(title))


def heading_key(text: str) -> str:
    """Return the words of a heading as they are counted and compared: folded, without numbers and signs."""
    return " ".join(_LETTERS.findall(fold(text)))


def _within(folders: Iterator[str], name: str) -> str:
    """Return a short name with that of the nearest folder that says what it is about, if that says anything more."""
    if len(name.split()) > _SHORT:
        return name
    folder = next(folders, "")
    return f"{folder}{SEPARATOR}{name}" if folder and not _words(folder) & _words(name) else name


def _path_names(id: str) -> tuple[str, Iterator[str]]:
    """Return the name of a file in words, "" if it says nothing, and those names of its folders that say something, nearest first."""
    path = PurePosixPath(id)
    folders = (_name(part) for part in reversed(path.parts[:-1]))
    return _name(path.stem), (folder for folder in folders if folder)


def _name(part: str) -> str:
    """Return the name of a file or folder in words; "" for one that says nothing: common, a number, a code."""
    if _MADE_BY_MACHINE.search(part):
        return ""
    spaced = " ".join(_JOINERS.sub(" ", part).split())
    name = _ORDER.sub("", spaced).strip()
    if (
        len(heading_key(name).replace(" ", "")) < 3
        or (_LANGUAGE.fullmatch(part) and len(part) != 3)
        or names_nothing(name)
        or f".{part.lower()}" in SUFFIXES
    ):
        return ""
    return name


def _words(text: str) -> set[str]:
    return set(heading_key(_JOINERS.sub(" ", _HUMPS.sub(" ", text))).split())


@cache
def _common() -> frozenset[str]:
    lines = files("rag.documents").joinpath("common_headings.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
