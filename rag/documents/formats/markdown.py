"""Markdown as CommonMark reads it, with tables, front matter, and what site generators add."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING

from rag.documents.formats.decoding import decode
from rag.documents.formats.front_matter import prose_fields, split_front_matter
from rag.documents.formats.html import write_fragment
from rag.documents.formats.markdown_rules import parser
from rag.documents.formats.markup_superscripts import lower_text, raise_text
from rag.documents.formats.metadata import standard_metadata
from rag.documents.formats.templates import COMPONENT, HOLE, has_words, shown, without_templates
from rag.documents.titles import is_named_after, name_of_file
from rag.documents.tree import Content, Limits, TreeWriter, one_line
from rag.errors import DocumentError
from rag.schema import BlockKind
from rag.text.folding import nfc

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FOOTNOTE_MARK = re.compile(r"\[\^([^\]\s]{1,20})\]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CONTENTS_MARK = re.compile(r"\[\[?_?TOC_?\]?\]|(?:TOC|[^\n]{0,40})\s*\{:\s*toc[^{}]*\}|\$\{toc\}", re.IGNORECASE)
_SEPARATORS = re.compile(r"[|·•/–—<>←→«»‹›\\]+")
_BRACED = re.compile(r"\{[^{}]*\}")
_BADGE = re.compile(r"badge|shields\.io|/workflows/.*\.svg|travis-ci|codecov", re.IGNORECASE)
_TAG_NAME = re.compile(r"<(/?[a-z][a-z0-9]*)")
_BLOCKS_INSIDE = frozenset(("fence", "code_block", "bullet_list_open", "ordered_list_open", "table_open"))
"""Blocks that a description in a list of terms may hold, which then is no field."""
_LEAST_ALT = 3
"""Fewest words of a picture's alternative text that says what it shows."""
_TASK = re.compile(r"^\[([ xX])\][ \t]+")


def read_markdown(data: bytes, name: str, limits: Limits) -> Content:
    """Return the content of a Markdown file without its markup: headings, lists, tables and code as blocks, links without addresses,
    HTML as `read_html` reads it, and nothing of the marks of site generators.

    Fields before the text are metadata; those that are sentences, such as an abstract, are also text. Lists of links to the
    headings of the file are left out.
    """
    raw, text = split_front_matter(nfc(decode(data, name)))
    fields = standard_metadata(raw)
    page = _MarkdownPage(TreeWriter(name, limits), parser(limits.nesting, raw), name, limits)
    page.writer.fields(prose_fields(raw, text))
    page.write(page.parser.parse(text))
    content = page.writer.content("", fields)
    title = without_templates(fields.pop("title", ""), raw) or _title(content, name)
    return page.writer.content(_without_tags(title), fields)


def _title(content: Content, name: str) -> str:
    """Return the heading over the whole file, "" if it has none. The first of several on one level is that of a part, unless the name of
    the file says the same."""
    heads = [block for block in content.blocks if block.kind is BlockKind.HEADING]
    first = next((block for block in heads if block.level == 1), heads[0] if heads else None)
    if first is None:
        return ""
    title = one_line(first.span.of(content.text), 200)
    if sum(block.level == first.level for block in heads) > 1 and not is_named_after(name, title):
        return name_of_file(name) or title
    return title


@dataclass(slots=True)
class _MarkdownPage:
    """Writes the tokens of a parsed file into a tree."""

    writer: TreeWriter
    parser: MarkdownIt
    name: str
    limits: Limits
    numbers: list[int | None] = field(default_factory=list)
    """For each open list: the next number, or None for bullets."""
    opens_item: bool = False
    rows: list[list[str]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    """The text of each footnote that has not been written yet, by its label."""
    terms: list[tuple[str, str]] = field(default_factory=list)

    def write(self, tokens: Sequence[Token]) -> None:
        """Write all tokens of a file."""
        self.notes = dict(_footnotes(tokens))
        at = 0
        while at < len(tokens):
            at = self._next(tokens, at)
        for label, text in self.notes.items():  # of which the text makes no mention
            self.writer.note(text, label)

    def _next(self, tokens: Sequence[Token], at: int) -> int:
        """Write what begins at a token; return the index of the token after it."""
        token = tokens[at]
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            if (after := _after_contents(tokens, at)) is not None:
                return after
            self.numbers.append(int(token.attrGet("start") or 1) if kind.startswith("ordered") else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self.numbers.pop()
        elif kind == "list_item_open":
            self.opens_item = True
        elif kind == "heading_open":
            if token.tag != "h1" and (after := _after_contents(tokens, _skip_empty(tokens, at + 3))) is not None:
                return after
            self.writer.heading(_inline(tokens[at + 1]), int(token.tag[1:]))
            self._write_notes(tokens[at + 1])
            return at + 3
        elif kind == "table_open":
            return self._table(tokens, at)
        elif kind == "dl_open" and not _BLOCKS_INSIDE & {inner.type for inner in tokens[at : _end(tokens, at)]}:
            return self._definitions(tokens, at)
        elif kind in ("fence", "code_block"):
            self.writer.code(token.content)
        elif kind == "html_block":
            end = next((n for n in range(at, len(tokens)) if tokens[n].type != "html_block"), len(tokens))
            self._html("".join(block.content for block in tokens[at:end]))
            return end
        elif kind == "footnote_reference_open":
            return _end(tokens, at) + 1
        elif kind == "container_box_open":
            self._paragraph(_box_title(token.info))
        elif kind == "admonition_title_open":
            if tokens[at + 1].content.casefold() != token.markup.split()[-1].casefold():
                self._paragraph(_inline(tokens[at + 1]))
            return at + 3
        elif kind == "paragraph_open" and (after := _after_contents(tokens, at)) is not None:
            return after
        elif kind == "inline" and not _is_navigation(token):
            self._paragraph(_inline(token))
            self._write_notes(token)
        return at + 1

    def _paragraph(self, text: str) -> None:
        """Write a paragraph, or what an item of a list begins with."""
        text = text.removeprefix(": ")  # a definition whose term only the site generator knows
        if not text or (HOLE in text and not has_words(text)):
            return
        if self.opens_item:
            number = self.numbers[-1] if self.numbers else None
            self.writer.item(text, "-" if number is None else f"{number}.", max(len(self.numbers) - 1, 0))
            if number is not None:
                self.numbers[-1] = number + 1
            self.opens_item = False
        else:
            self.writer.paragraph(text, "\n" if self.numbers else "\n\n")

    def _write_notes(self, token: Token) -> None:
        for child in token.children or ():
            if child.type == "footnote_ref" and (text := self.notes.pop(str(child.meta.get("label")), "")):
                self.writer.note(text, str(child.meta["label"]))

    def _table(self, tokens: Sequence[Token], at: int) -> int:
        end = _end(tokens, at)
        rows: list[list[str]] = []
        for token in tokens[at:end]:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                cell = _inline(token)
                rows[-1].append(cell if HOLE not in cell or any(map(str.isalnum, cell)) else "")
        names, *body = rows
        if not any(names) and body and len(names) > 2:  # a table whose names stand in its first row
            names, *body = body
        header = 0 if len(names) > 1 and len({row[0] for row in body if row}) == len(body) else None
        if not any(names) and len(names) == 2:
            self.writer.fields([(row[0], row[1]) for row in body])
        else:
            self.writer.table(names, body, header=header)
        for token in tokens[at:end]:
            if token.type == "inline":
                self._write_notes(token)
        return end + 1

    def _definitions(self, tokens: Sequence[Token], at: int) -> int:
        """Write a list of terms, each with its description."""
        end = _end(tokens, at)
        pairs: list[tuple[str, str]] = []
        in_term = False
        for token in tokens[at:end]:
            if token.type in ("dt_open", "dd_open"):
                in_term = token.type == "dt_open"
            elif token.type == "inline" and in_term:
                pairs.append((_inline(token), ""))
            elif token.type == "inline" and pairs:
                term, said = pairs[-1]
                pairs[-1] = term, f"{said} {_inline(token)}".strip()
        self.writer.fields([(term, said) for term, said in pairs if said])
        return end + 1

    def _html(self, text: str) -> None:
        """Write HTML between the blocks of the file."""
        text = COMPONENT.sub(lambda match: f" {shown(match)} ", without_templates(text))
        try:
            write_fragment(self.writer, text, self.name, self.limits)
        except DocumentError as error:
            if error.key != "error.too_nested":
                raise
            self._paragraph(_without_tags(text))


def _end(tokens: Sequence[Token], at: int) -> int:
    """Return the index of the token that closes the one at `at`."""
    depth = 0
    for number in range(at, len(tokens)):
        depth += tokens[number].nesting
        if depth == 0:
            return number
    return len(tokens) - 1


def _footnotes(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each footnote."""
    for at, token in enumerate(tokens):
        if token.type == "footnote_reference_open":
            texts = (_inline(inner) for inner in tokens[at : _end(tokens, at)] if inner.type == "inline")
            yield str(token.meta["label"]), " ".join(text for text in texts if text)


def _skip_empty(tokens: Sequence[Token], at: int) -> int:
    """Return the index of the next token that is not a comment, a rule or a paragraph of marks alone."""
    while at < len(tokens):
        if tokens[at].type == "hr" or (tokens[at].type == "html_block" and not _without_tags(tokens[at].content)):
            at += 1
        elif tokens[at].type == "paragraph_open" and not _inline(tokens[at + 1]) and not _CONTENTS_MARK.fullmatch(tokens[at + 1].content):
            at += 3
        else:
            break
    return at


def _after_contents(tokens: Sequence[Token], at: int) -> int | None:
    """Return the index after a table of contents that begins at `at`: a list of nothing but links to headings of the file, or the mark
    that stands for one; None if none begins there."""
    if at >= len(tokens):
        return None
    if tokens[at].type == "paragraph_open" and _CONTENTS_MARK.fullmatch(tokens[at + 1].content.strip()):
        return at + 3
    if tokens[at].type not in ("bullet_list_open", "ordered_list_open"):
        return None
    end = _end(tokens, at)
    lines = [token for token in tokens[at:end] if token.type == "inline"]
    links = [child for line in lines for child in line.children or () if child.type == "link_open"]
    to_headings = links and all(str(link.attrGet("href")).startswith("#") for link in links) and all(map(_is_links, lines))
    if (to_headings and len(lines) > 1) or (len(lines) == 1 and _CONTENTS_MARK.fullmatch(lines[0].content.strip())):
        return end + 1
    return None


def _is_links(line: Token) -> bool:
    """Return whether a line has no words outside its links."""
    depth = 0
    for child in line.children or ():
        depth += child.nesting if child.type.startswith("link_") else 0
        if not depth and child.type in ("text", "code_inline") and re.search(r"[^\W\d_]", child.content):
            return False
    return True


def _is_navigation(line: Token) -> bool:
    """Return whether a paragraph is a row of links, with signs between them: to other languages, the next page, the top."""
    links = sum(child.type == "link_open" for child in line.children or ())
    if links < 2 or not _is_links(line):
        return False
    between = [child.content for child in line.children or () if child.type == "text"]
    return any(_SEPARATORS.fullmatch(text.strip()) for text in between)


def _box_title(info: str) -> str:
    """Return the title of a box (`::: tip Before you start`, `:::note[Before you start]`), without the name of its kind."""
    info = _BRACED.sub("", info).strip(" :")
    if bracketed := re.search(r"\[([^\[\]]+)\]", info):
        return bracketed[1]
    return info.partition(" ")[2].strip().strip('"') if "=" not in info else ""


def _inline(token: Token) -> str:
    """Return the text of a line: emphasis and links without markup, pictures by their alternative text unless they are a link."""
    found: list[str] = []
    linked = 0
    raised: list[tuple[str, int]] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            found.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            found.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "image":
            words = len(child.content.split()) >= _LEAST_ALT and not linked and not _BADGE.search(str(child.attrGet("src")))
            found.append(child.content if words else "")
        elif child.type in ("link_open", "link_close"):
            linked += child.nesting
        elif child.type == "footnote_ref":
            found.append(f" [{child.meta.get('label')}]")
        elif child.type == "html_inline":
            tag = _TAG_NAME.match(child.content.lower())
            name = tag[1] if tag else ""
            if name == "br":
                found.append("\n")
            elif name in ("sup", "sub"):
                raised.append((name, len(found)))
            elif raised and name == f"/{raised[-1][0]}":
                kind, start = raised.pop()
                text, before = "".join(found[start:]), "".join(found[:start])
                found[start:] = [raise_text(before, text) if kind == "sup" else lower_text(text)]
    text = _TASK.sub(lambda mark: "☐ " if mark[1] == " " else "☑ ", "".join(found).strip())
    text = re.sub(r"[ \t]*\n\s*", "\n", re.sub(r"[ \t]{2,}", " ", text))
    return re.sub(r" +([.,;:،؛؟!?])(?=\s|$)", r"\1", _FOOTNOTE_MARK.sub(r" [\1]", text)).strip()


def _without_tags(text: str) -> str:
    """Return the text of a piece of HTML in a Markdown file."""
    return re.sub(r"[ \t]+", " ", _TAG.sub(" ", unescape(_COMMENT.sub("", text)))).strip()
