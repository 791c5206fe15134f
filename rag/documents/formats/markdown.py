"""Markdown as CommonMark reads it, with tables and front matter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import TYPE_CHECKING, Any

from rag.documents.formats.decoding import decode
from rag.documents.formats.metadata import standard_metadata
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.text.folding import nfc

if TYPE_CHECKING:
    from markdown_it.token import Token

_FRONT = re.compile(r"\A(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<fields>.*?)^(?P=fence)[ \t]*(?:\r?\n|\Z)\s*", re.DOTALL | re.MULTILINE)
_FOOTNOTE_MARK = re.compile(r"\[\^([^\]\s]{1,20})\]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LONGEST_FRONT = 64 * 2**10


def read_markdown(data: bytes, name: str, limits: Limits) -> Content:
    """Return the content of a Markdown file without its markup: headings, lists, tables and code as blocks, links without addresses.

    Fields before the text (YAML or TOML) are metadata, not text.
    """
    text = nfc(decode(data, name))
    fields: dict[str, str] = {}
    front = _FRONT.match(text)
    if front and len(front["fields"]) <= _LONGEST_FRONT and (raw := _fields(front)) is not None:
        fields = standard_metadata(raw)
        text = text[front.end() :]
    from markdown_it import MarkdownIt

    writer = TreeWriter(name, limits)
    parser = MarkdownIt("commonmark", {"maxNesting": limits.nesting}).enable("table")
    headings = _write_markdown(writer, parser.parse(text))
    title = fields.pop("title", "") or (headings[0] if headings else "")
    return writer.content(title, fields)


def _write_markdown(writer: TreeWriter, tokens: Sequence[Token]) -> list[str]:
    """Write the tokens of a parsed text; return its headings."""
    headings: list[str] = []
    numbers: list[int | None] = []  # for each open list: the next number, or None for bullets
    opens_item = False
    rows: list[list[str]] = []
    for at, token in enumerate(tokens):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            numbers.append(int(token.attrGet("start") or 1) if token.type.startswith("ordered") else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            numbers.pop()
        elif token.type == "list_item_open":
            opens_item = True
        elif token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "table_close":
            names, *body = rows
            header = 0 if len(names) > 1 and len({row[0] for row in body if row}) == len(body) else None
            writer.table(names, body, header=header)
        elif token.type in ("fence", "code_block"):
            writer.code(token.content)
        elif token.type == "html_block":
            writer.paragraph(_without_tags(token.content))
        elif token.type == "inline":
            written = _inline(token)
            above = tokens[at - 1]
            if above.type == "heading_open":
                headings.append(one_line(written, 200)) if written else None
                writer.heading(written, int(above.tag[1:]))
            elif above.type in ("th_open", "td_open"):
                rows[-1].append(written)
            elif opens_item:
                number = numbers[-1]
                writer.item(written, "-" if number is None else f"{number}.", len(numbers) - 1)
                if number is not None:
                    numbers[-1] = number + 1
                opens_item = False
            else:
                writer.paragraph(written, "\n" if numbers else "\n\n")
    return headings


def _inline(token: Token) -> str:
    """Return the text of a line: emphasis and links without markup, pictures by their alternative text."""
    found: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            found.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            found.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "image":
            found.append(child.content)
        elif child.type == "html_inline" and child.content.lower().startswith("<br"):
            found.append("\n")
    return _FOOTNOTE_MARK.sub(r" [\1]", "".join(found)).strip()


def _without_tags(text: str) -> str:
    """Return the text of a piece of HTML in a Markdown file."""
    return re.sub(r"[ \t]+", " ", _TAG.sub(" ", unescape(_COMMENT.sub("", text)))).strip()


def _fields(front: re.Match[str]) -> dict[str, str] | None:
    """Return the fields of a front matter, values as text, lists joined; None if it is something else (a rule, a table)."""
    try:
        raw = _toml(front["fields"]) if front["fence"] == "+++" else _yaml(front["fields"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    return {str(key): _flat(value) for key, value in raw.items()}


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    try:
        # Aliases, with which a few lines can expand to gigabytes, are refused; the base loader keeps `2024-10-14` as it is written.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            return None
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _flat(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value if not isinstance(item, (list, dict)))
    return "" if isinstance(value, dict) else str(value)
