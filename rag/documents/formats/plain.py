"""Text and Markdown: encodings, front matter, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from rag.documents.formats.content import standard_metadata
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.errors import DocumentError
from rag.schema import Block, BlockKind, Span
from rag.text.folding import nfc
from rag.text.language import script

if TYPE_CHECKING:
    from markdown_it.token import Token

# Encodings that Arabic and English text files are found in; a closed list, so that a short text is not taken for Big5.
_ENCODINGS = ["utf_8", "utf_16_le", "utf_16_be", "cp1256", "cp1252"]
_FRONT = re.compile(r"\A(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<fields>.*?)^(?P=fence)[ \t]*(?:\r?\n|\Z)\s*", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"(?:[-*+•▪●◦–]|\(?\d{1,3}[.)\-]|\(?[a-zA-Zأ-ي][.)\-]|[①-⑳])\s+\S")
_BULLET = re.compile(r"[-*+•▪●◦–]\s+")
_FOOTNOTE_MARK = re.compile(r"\[\^([^\]\s]{1,20})\]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LONGEST_LEAD = 400
_LONGEST_HEADING = 80
_HEADING_WORDS = 10
_LEAST_BELOW = 60
"""Characters of the text below a heading that has no mark of its own."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_LONGEST_FRONT = 64 * 2**10


def decode(data: bytes, name: str) -> str:
    """Return the text of a file in UTF-8, UTF-8 with BOM, UTF-16 or Windows-1256. Raises DocumentError when it is no text."""
    for bom, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(bom):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError("error.not_text", name=name) from error
            if "\0" in text:
                raise DocumentError("error.not_text", name=name)
            return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # UTF-16 of a few Arabic words is valid UTF-8 as well: every second character of it is a control character.
        if _controls(text) <= len(text) // 10 and "\0" not in text:
            return text
    from charset_normalizer import from_bytes  # decides by which decoding reads as language

    best = from_bytes(data, cp_isolation=_ENCODINGS, threshold=0.3).best()
    if best is None:
        raise DocumentError("error.not_text", name=name)
    text = str(best)
    letters = [character for character in text if character.isalpha()]
    # Almost any pair of bytes, read as UTF-16, is a letter of some script.
    strange = sum(script(letter) == "und" for letter in letters)
    readable = len(letters) + sum(character.isspace() for character in text)
    if "\0" in text or _controls(text) > len(text) // 100 or readable < len(text) // 2 or strange > len(letters) // 4:
        raise DocumentError("error.not_text", name=name)
    return text


def _controls(text: str) -> int:
    return len(_CONTROL.findall(text))


def read_text(data: bytes, name: str, limits: Limits) -> Content:
    """Return a plain text as it is, with the lists, headings and paragraphs that its lines show."""
    text = nfc(decode(data, name))
    return Content(text, blocks=tuple(_blocks(text)))


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines between blank ones: where they stand."""

    lines: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return Span(self.lines[0].start, self.lines[-1].end)


def _runs(text: str) -> list[_Run]:
    runs: list[list[Span]] = [[]]
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0].strip()
        if line:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            runs[-1].append(Span(start, start + len(line)))
        elif match[0] and runs[-1]:
            runs.append([])
    return [_Run(tuple(lines)) for lines in runs if lines]


def _blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a plain text: items of lists with the line that introduces them, headings, and paragraphs."""
    runs = _runs(text)
    lead: Span | None = None  # of the list that is open, or of the one that may begin
    for at, run in enumerate(runs):
        following = runs[at + 1] if at + 1 < len(runs) else None
        if at and _is_heading(text, run, following):
            yield Block(BlockKind.HEADING, run.span, 2)
            lead = None
            continue
        items = [number for number, line in enumerate(run.lines) if _ITEM.match(line.of(text))]
        if len(items) < 2 and not (items == [0] and (_follows_item(text, runs, at) or lead is not None)):
            yield Block(BlockKind.PARAGRAPH, run.span)
            lead = _introduction(text, run.lines[-1], run)
            continue
        if items[0]:
            before = Span(run.lines[0].start, run.lines[items[0] - 1].end)
            yield Block(BlockKind.PARAGRAPH, before)
            lead = _introduction(text, run.lines[items[0] - 1], _Run(run.lines[: items[0]]))
        for first, last in zip(items, [*items[1:], len(run.lines)], strict=True):
            line = run.lines[first]
            bullet = _BULLET.match(line.of(text))
            start = line.start + (bullet.end() if bullet else 0)
            yield Block(BlockKind.ITEM, Span(start, run.lines[last - 1].end), lead=lead)


def _follows_item(text: str, runs: Sequence[_Run], at: int) -> bool:
    """Return whether the next run begins with an item too: items with blank lines between them."""
    return at + 1 < len(runs) and _ITEM.match(runs[at + 1].lines[0].of(text)) is not None


def _introduction(text: str, line: Span, run: _Run) -> Span | None:
    """Return the span of a line that introduces a list; the whole run where that is short, so that it is a block of the document."""
    return run.span if line.of(text).endswith((":", "：")) and len(run.span) <= _LONGEST_LEAD else None


def _is_heading(text: str, run: _Run, following: _Run | None) -> bool:
    """Return whether a line that stands alone is a heading: short, without a mark at its end, above a longer text."""
    if len(run.lines) > 1 or following is None:
        return False
    line = run.lines[0].of(text)
    if len(line) > _LONGEST_HEADING or line[-1] in '.!?…؟؛:،,;"»”)' or _ITEM.match(line) or not any(map(str.isalpha, line)):
        return False
    if len(line.split()) > _HEADING_WORDS:
        return False
    below = following.span.of(text)
    return len(following.lines) > 1 or len(below) >= max(2 * len(line), _LEAST_BELOW)


# --- Markdown -------------------------------------------------------------------------------------------------------------


def read_markdown(data: bytes, name: str, limits: Limits) -> Content:
    """Return what a Markdown file says, without its marks: headings, lists, tables and code as blocks, links without addresses.

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
    numbers: list[int | None] = []  # of the lists that are open: the next number, or None for bullets
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
    """Return the words of a line: emphasis and links without their marks, pictures by what they show."""
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
    """Return the words of a piece of HTML in a Markdown file."""
    return re.sub(r"[ \t]+", " ", _TAG.sub(" ", unescape(_COMMENT.sub("", text)))).strip()


def _fields(front: re.Match[str]) -> dict[str, str] | None:
    """Return the fields of a front matter, values as text, lists joined; None where it is none (a rule, a table)."""
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
        # Aliases, by which a few lines grow to gigabytes, are refused; the base loader keeps `2024-10-14` as it is written.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            return None
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _flat(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value if not isinstance(item, (list, dict)))
    return "" if isinstance(value, dict) else str(value)
