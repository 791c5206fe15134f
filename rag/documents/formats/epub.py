"""EPUB: a ZIP archive of XHTML pages, in the order that its package file gives."""

from __future__ import annotations

import posixpath
import re
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rag.documents.formats.html import parse_html, text_of, write_blocks
from rag.documents.formats.metadata import AUTHOR, DATE, SOURCE, iso_date, url
from rag.documents.formats.safe_zip import member, open_archive
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_BLOCK = re.compile(r"display\s*:\s*block", re.IGNORECASE)
_CLASS = re.compile(r"[a-z]{0,10}\.([\w-]{1,80})", re.IGNORECASE)
_LONGEST_STYLE = 500_000
_PAGES = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml"))


def read_epub(data: bytes, name: str, limits: Limits) -> Content:
    """Return the chapters in reading order, headings as marks. Raises DocumentError if it is damaged or protected."""
    with open_archive(data, name, limits) as archive:
        package_path = _rootfile(xml(member(archive, _CONTAINER, name), name), name)
        package = xml(member(archive, package_path, name), name)
        locked = _locked(archive, name)
        blocks = _block_classes(archive, package, package_path, locked, name)
        writer = TreeWriter(name, limits)
        for path in _spine(package, package_path):
            if path in locked:
                raise DocumentError("error.protected", name=name)
            if path not in archive.NameToInfo:
                continue
            root = parse_html(text_of(member(archive, path, name), name), name, limits)
            if root is not None:
                for element in root.iter("span", "a", "b", "i", "em", "strong", "small"):
                    if blocks & set((element.get("class") or "").split()):
                        element.tag = "div"
                body = root.find("body")
                write_blocks(writer, root if body is None else body)
        fields = _fields(package)
    return writer.content(fields.pop("title", ""), fields)


def xml(data: bytes, name: str) -> _Element:
    """Return the root of an XML file, read without entities, external files or network. Raises DocumentError."""
    import lxml.etree as etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError("error.damaged", name=name, reason=str(error)[:200]) from error


def _local(element: _Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _rootfile(container: _Element, name: str) -> str:
    for element in container.iter():
        if _local(element) == "rootfile" and element.get("full-path"):
            return posixpath.normpath(str(element.get("full-path")))
    raise DocumentError("error.damaged", name=name, reason=_CONTAINER)


def _spine(package: _Element, package_path: str) -> list[str]:
    """Return the members in reading order (the spine), as paths in the archive, each once."""
    folder = posixpath.dirname(package_path)
    manifest = {
        element.get("id"): posixpath.normpath(posixpath.join(folder, unquote(str(element.get("href") or "")).partition("#")[0]))
        for element in package.iter()
        if _local(element) == "item" and element.get("media-type") in _PAGES
    }
    wanted = [element.get("idref") for element in package.iter() if _local(element) == "itemref" and element.get("linear") != "no"]
    return list(dict.fromkeys(manifest[id] for id in wanted if id in manifest))


def _block_classes(archive: zipfile.ZipFile, package: _Element, package_path: str, locked: set[str], name: str) -> frozenset[str]:
    """Return the classes that the book's style sheets put on lines of their own, whatever the element."""
    folder = posixpath.dirname(package_path)
    found: set[str] = set()
    for element in package.iter():
        if _local(element) != "item" or element.get("media-type") != "text/css":
            continue
        path = posixpath.normpath(posixpath.join(folder, unquote(str(element.get("href") or ""))))
        if path not in archive.NameToInfo or path in locked:
            continue
        style = member(archive, path, name)[:_LONGEST_STYLE].decode("utf-8", "replace")
        for rule in style.split("}"):
            selectors, _, body = rule.rpartition("{")
            if "display" in body and _BLOCK.search(body):
                found |= {match[1] for selector in selectors.split(",") if (match := _CLASS.fullmatch(selector.strip()))}
    return frozenset(found)


def _locked(archive: zipfile.ZipFile, name: str) -> set[str]:
    """Return the members that are encrypted; fonts often are, and need not be read."""
    if _ENCRYPTION not in archive.NameToInfo:
        return set()
    root = xml(member(archive, _ENCRYPTION, name), name)
    return {posixpath.normpath(unquote(str(e.get("URI")))) for e in root.iter() if _local(e) == "CipherReference" and e.get("URI")}


def _fields(package: _Element) -> dict[str, str]:
    found: dict[str, str] = {}
    authors: list[str] = []
    for element in package.iter():
        name, text = _local(element), one_line(element.text or "")
        if not text or "purl.org/dc/elements" not in str(element.tag):
            continue
        if name == "creator":
            authors.append(text)
        elif name == "date":
            found.setdefault(DATE, iso_date(text))
        elif name in ("source", "identifier"):
            found.setdefault(SOURCE, url(text)) if url(text) else None
        elif name in ("title", "publisher", "description", "subject", "language"):
            found.setdefault(name, text)
    if authors:
        found[AUTHOR] = ", ".join(authors)
    return found
