"""Named collections of documents, each with its index, and the access rules for them.

Collections are folders under `collections`. One with a plain name belongs to the operator; a file `name` holds another name, if it has one.
One created by a browser has an unguessable name and holds, next to `documents` and `index`, the files `name` and `owner`, a digest of that
browser's key. A file `shared` makes the collection visible to everyone; only its owner may change it. The documents that Shawahid was
started with are visible to everyone and belong to the operator.
"""

from __future__ import annotations

import re
import secrets
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ShawahidError
from rag.files import make_private, write_atomically, write_error
from rag.library.identity import OPERATOR, is_same

FIRST = ""
"""The id of the collection that Shawahid was started with."""
# \w has no vowel signs: the shadda of «سرّي» is a mark that is written on a letter.
_NAME = re.compile(r"\w[\w\u0610-\u061a\u064b-\u065f\u0670 .()\-]{0,39}")
_SECRET = re.compile(r"~[0-9a-f]{32}")
_OWNER = re.compile(r"[0-9a-f]{64}")
_MOST = 100  # collections that one browser may make


class BadName(ShawahidError):
    """The name is not allowed for a collection or file, or nothing has it."""

    exit_code = 2
    http_status = 400


class NotYours(ShawahidError):
    """A shared collection is visible to everyone but can be changed only by its owner."""

    http_status = 403


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection. Requests name it by `id`; `name` is what its owner calls it; `owner` is a person (`rag.library.identity`)."""

    id: str
    name: str
    owner: str
    shared: bool
    documents: Path
    index: Path


class Collections:
    """All collections. Every lookup is for a person and returns only what that person may see."""

    def __init__(self, home: Path, documents: Path, index: Path) -> None:
        self._home = home / "collections"
        self._first = Collection(FIRST, "", OPERATOR, True, documents, index)

    def visible(self, person: str) -> list[Collection]:
        """Return the collections a person may see: the first one, their own by name, then those that others share."""
        known = [(is_same(each.owner, person), each) for each in self._others()]
        own = sorted((each for mine, each in known if mine), key=lambda each: each.name)
        others = sorted((each for mine, each in known if not mine and each.shared), key=lambda each: (each.name, each.id))
        return [self._first, *own, *others]

    def readable(self, id: str, person: str) -> Collection:
        """Return a collection that this person may see. Raises BadName, the same for someone else's as for a missing one."""
        for each in self.visible(person):
            if each.id == id:
                return each
        raise BadName("ui.error_collection_unknown")

    def changeable(self, id: str, person: str) -> Collection:
        """Return a collection that this person owns. Raises BadName, NotYours."""
        found = self.readable(id, person)
        if not is_same(found.owner, person):
            raise NotYours("ui.error_collection_not_yours")
        return found

    def create(self, name: str, person: str) -> Collection:
        """Create an empty collection. Raises BadName if its owner has one of that name, or too many; DiskFull."""
        name = self._allowed(name, person)
        if len(self.own(person)) >= _MOST and person != OPERATOR:
            raise BadName("ui.error_collection_many", most=_MOST)
        id = self._free(name) if person == OPERATOR else f"~{secrets.token_hex(16)}"
        new = self._home / f".{secrets.token_hex(8)}.new"
        try:
            make_private(new / "documents")
            if id != name:
                (new / "name").write_text(name, encoding="utf-8")
            if person != OPERATOR:
                (new / "owner").write_text(person, encoding="ascii")
            new.rename(self._home / id)  # it is there when it is whole
        except OSError as error:
            raise write_error(self._home, error) from error
        return self.readable(id, person)

    def rename(self, id: str, person: str, name: str) -> Collection:
        """Give a collection another name; its id stays. Raises BadName, NotYours, DiskFull."""
        found = self._own_one(id, person)
        name = self._allowed(name, person, found.id)
        try:
            with write_atomically(self._home / id / "name") as part:
                part.write_text(name, encoding="utf-8")
        except OSError as error:
            raise write_error(self._home, error) from error
        return self.readable(id, person)

    def delete(self, id: str, person: str) -> None:
        """Delete a collection with its documents and its index for good. Raises BadName, NotYours, DiskFull."""
        found = self._own_one(id, person)
        gone = self._home / f".{secrets.token_hex(8)}.gone"
        try:
            (self._home / found.id).rename(gone)  # from here on it is not there, whatever happens
            shutil.rmtree(gone)
        except OSError as error:
            raise write_error(self._home, error) from error

    def _own_one(self, id: str, person: str) -> Collection:
        """Return a collection that this person created. Raises BadName for the first one, NotYours."""
        found = self.changeable(id, person)
        if found.id == FIRST:
            raise BadName("ui.error_collection_first")
        return found

    def _allowed(self, name: str, person: str, id: str | None = None) -> str:
        """Return a name as it is kept. Raises BadName if it is none, or another collection of its owner has it."""
        name = unicodedata.normalize("NFC", " ".join(name.split()))
        if not _NAME.fullmatch(name):
            raise BadName("ui.error_collection_name", name=name[:60])
        if any(each.name.casefold() == name.casefold() and each.id != id for each in self.own(person)):
            raise BadName("ui.error_collection_exists", name=name)
        return name

    def _free(self, name: str) -> str:
        """Return an id for a collection of the operator: its name, with a number if one that was renamed has that id."""
        taken = {path.name.casefold() for path in self._home.iterdir()} if self._home.is_dir() else set[str]()
        return next(id for n in range(1, len(taken) + 2) if (id := name if n == 1 else f"{name[:36]} {n}").casefold() not in taken)

    def share(self, id: str, person: str, shared: bool) -> Collection:
        """Make a collection visible to everyone, or to its owner only. Raises BadName, NotYours, DiskFull."""
        found = self.changeable(id, person)
        if found.id != FIRST:
            mark = self._home / id / "shared"
            try:
                mark.touch() if shared else mark.unlink(missing_ok=True)
            except OSError as error:
                raise write_error(mark.parent, error) from error
        return self.readable(id, person)

    def transfer(self, person: str, by: str) -> None:
        """Transfer everything one person owns to another. Raises DiskFull."""
        for each in self.own(person):
            owner = self._home / each.id / "owner"
            try:
                with write_atomically(owner) as part:
                    part.write_text(by, encoding="ascii")
            except OSError as error:
                raise write_error(owner.parent, error) from error

    def of_readers(self) -> list[Collection]:
        """Return the collections of everyone but the operator, in no particular order."""
        return [each for each in self._others() if each.owner != OPERATOR]

    def own(self, person: str) -> list[Collection]:
        """Return a person's own collections, without the first one, in no particular order."""
        return [each for each in self._others() if is_same(each.owner, person)]

    def _others(self) -> list[Collection]:
        """Return every collection but the first, of any owner."""
        if not self._home.is_dir():
            return []
        return [found for path in self._home.iterdir() if path.is_dir() and (found := self._read(path)) is not None]

    def _read(self, path: Path) -> Collection | None:
        name, owner = path.name, OPERATOR
        if _SECRET.fullmatch(path.name):
            try:
                name, owner = (path / "name").read_text(encoding="utf-8"), (path / "owner").read_text(encoding="ascii")
            except (OSError, UnicodeError):
                return None  # nobody can be shown to own it
            if not _OWNER.fullmatch(owner):
                return None
        elif (path / "name").is_file():
            try:
                name = (path / "name").read_text(encoding="utf-8")
            except (OSError, UnicodeError):
                return None
        if not _NAME.fullmatch(name) or not (owner or _NAME.fullmatch(path.name)):
            return None
        return Collection(path.name, name, owner, (path / "shared").exists(), path / "documents", path / "index")
