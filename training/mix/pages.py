"""Cases of real pages with headings, lists and tables, in English and Arabic and, where a page exists in both, across.

Questions are made of headings, of terms that a list explains and of a table's row and column, in the forms people use.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.mix.case import Case, Cut, Grams, cut_out, language, window
from training.product import CONTEXT_SEPARATOR, folded

Length = Callable[[str], int]


@dataclass(slots=True)
class Part:
    """A paragraph, list item or table row: its text as the product would show it, and what it was."""

    kind: str
    text: str
    cells: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    term: str = ""


@dataclass(slots=True)
class Section:
    """What stands under a heading, and the headings it stands under."""

    path: list[str]
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """A page: its name in the source, its title and its sections."""

    document: str
    title: str
    sections: list[Section]


def page(document: str, text: str) -> Page:
    """Read a Markdown page. Code, pictures, HTML and link addresses are left out."""
    from markdown_it import MarkdownIt

    title = ""
    if front := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL):
        if named := re.search(r"^title:\s*(.+)$", front[1], re.MULTILINE):
            title = named[1].strip().strip("\"'")
        text = text[front.end() :]
    text = re.sub(r"<!--.*?-->|\{#[^}]*\}|\{%.*?%\}|\{\{.*?\}\}|\{:[^}]*\}", "", text, flags=re.DOTALL)
    sections = [Section([])]
    headings: list[tuple[int, str]] = []
    listed = 0
    cells: list[str] = []
    header: list[str] = []
    heading: int | None = None
    row = False
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            listed += 1
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            listed -= 1
        elif token.type == "thead_open":
            header = []
        elif token.type == "tr_open":
            row, cells = True, []
        elif token.type == "tr_close":
            row = False
            if not header:
                header = cells
            kind = "header" if cells is header else "row"
            if any(cells):
                sections[-1].parts.append(Part(kind, " | ".join(cells), cells, header))
        elif token.type == "table_close":
            header = []
        elif token.type == "inline":
            words, strong = _plain(token)
            if heading is not None:
                headings = [(level, name) for level, name in headings if level < heading]
                if words:
                    headings.append((heading, words))
                if heading == 1 and not title:
                    title = words
                sections.append(Section([name for _, name in headings if name != title]))
                heading = None
            elif row:
                cells.append(words)
            elif words:
                term = ""
                if (
                    listed
                    and (found := re.match(r"([^:：.،]{3,50})\s*[:：]\s+\S.{15,}", words))
                    and (strong == found[1].strip() or len(found[1].split()) <= 4)
                ):
                    term = found[1].strip()
                sections[-1].parts.append(Part("item" if listed else "paragraph", ("- " if listed else "") + words, term=term))
    return Page(document, title, [section for section in sections if section.parts])


def _plain(token: Any) -> tuple[str, str]:
    """The words of an inline token, and those of its first strong part when it begins with one."""
    words: list[str] = []
    strong, within = "", False
    for child in token.children or ():
        if child.type in {"text", "code_inline"}:
            words.append(child.content)
            if within:
                strong += child.content
        elif child.type in {"softbreak", "hardbreak"}:
            words.append(" ")
        elif child.type == "strong_open":
            within = not "".join(words).strip()
        elif child.type == "strong_close":
            within = False
    text = " ".join("".join(words).split())
    text = re.sub(r"[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]", "", text).strip()
    return text, strong.strip().rstrip(":").strip()


_ASK_HEADING = {
    "en": [
        "{h}?", "{h}", "what does it say about {h}?", "{h} {t}", "I need information about {h}", "can you explain {h}?",
        "Tell me about {h} in {t}", "where do I find something on {h}, in short?",
    ],
    "ar": [
        "{h}؟", "{h}", "ماذا تقول الصفحة عن {h}؟", "{h} {t}", "أحتاج معلومات عن {h}", "ممكن تشرح لي {h}؟", "حدثني عن {h} في {t}",
        "شو المكتوب عن {h}؟",
    ],
}  # fmt: skip
_ASK_TERM = {
    "en": ["What is {h}?", "what does {h} mean", "{h}", "explain {h} please", "What is meant by {h} in {t}?", "{h} {t}"],
    "ar": ["ما المقصود بـ{h}؟", "ما هو {h}؟", "{h}", "شو يعني {h}؟", "اشرح {h} لو سمحت", "{h} {t}"],
}
_ASK_CELL = {
    "en": ["What is the {c} of {h}?", "{h} {c}", "{c} for {h}", "which {c} does {h} have?", "I want to know the {c} for {h}"],
    "ar": ["ما {c} الخاص بـ{h}؟", "{c} {h}", "ما هو {c} لـ{h}؟", "أريد معرفة {c} لـ{h}", "شو {c} تبع {h}؟"],
}


def _asked(forms: Sequence[str], rng: random.Random, **parts: str) -> str:
    query = rng.choice(forms)
    for name, value in parts.items():
        value = value.rstrip("?؟.:").strip()
        query = query.replace("{" + name + "}", value if rng.random() < 0.6 or len(value) < 2 else value[0].lower() + value[1:])
    return " ".join(query.split())


def _section_text(section: Section) -> str:
    return "\n".join(part.text for part in section.parts)


def _title(page: Page, section: Section) -> str:
    return CONTEXT_SEPARATOR.join([name for name in [page.title, *section.path[-2:]] if name])


def cases(pairs: Sequence[dict[str, Page]], held: Grams, length: Length, rng: random.Random) -> Iterator[Case]:
    """Cases of pages; each entry has the page in one language or in both, whose sections are then taken to correspond when there are
    equally many."""
    everything = [page for pair in pairs for page in pair.values()]
    for pair in pairs:
        matched = len(pair) == 2 and len({len(p.sections) for p in pair.values()}) == 1
        for written, page in pair.items():
            for number, section in enumerate(page.sections):
                text = _section_text(section)
                if not text or text in held or language(text) != written:
                    continue
                for asked in pair if matched else [written]:
                    other = pair[asked].sections[number]
                    yield from _of_heading(page, section, other, pair[asked].title, asked, everything, length, rng)
                    yield from _of_parts(page, section, other, pair[asked].title, asked, length, rng)


def _of_heading(
    page: Page, section: Section, other: Section, title: str, asked: str, everything: Sequence[Page], length: Length, rng: random.Random
) -> Iterator[Case]:
    if not other.path or (len(folded(other.path[-1])) < 2 and len(other.path[-1]) < 8):
        return
    if len(folded(_section_text(section))) < 12:
        return
    heading = other.path[-1]
    query = heading if heading.endswith(("?", "؟")) else _asked(_ASK_HEADING[asked], rng, h=heading, t=title)
    cut = Cut.of(_section_text(section))
    first = window(Cut(cut.text, cut.blocks[:12]), [0], rng.choice((64, 90, 104)), length, rng)
    if first is None:
        return
    text, blocks, _ = cut_out(cut, first)
    items = [n for n, (a, b) in enumerate(blocks) if text[a:b].startswith("- ")]
    # With an introduction and a list, the list answers; in running text, which sentence does is not known.
    gold = items if len(items) >= 2 and re.match("(what|which|ما)", query.lower()) else None
    yield Case("pages", "heading", query, text, _title(page, section), page.document, blocks, gold, None, 1)
    way = rng.choice(("contents", "section", "section", "page"))
    if way == "contents":
        names = [s.path[-1] for s in page.sections if s.path][:40]
        if section.path and section.path[-1] in names and len(names) > 2:
            at = names.index(section.path[-1])
            listed = Cut.of("\n".join(f"- {name}" for name in names[max(at - 2, 0) : at + 3]))
            yield Case("pages", "heading:alone", query, listed.text, page.title, page.document, list(listed.blocks), [], [], 0)
        return
    if way == "section":
        rest = [s for s in page.sections if s is not section and s.path != section.path and len(folded(_section_text(s))) > 12]
        where = page
    else:
        where = rng.choice([p for p in everything if p is not page and language(p.title or "a") == language(page.title or "a")] or [page])
        rest = [s for s in where.sections if s.path != section.path and len(folded(_section_text(s))) > 12]
    if (rest and where.document != page.document) or (rest and way == "section"):
        chosen = rng.choice(rest)
        # What stands below the heading that is asked for belongs to it.
        if (section.path and section.path[-1] in chosen.path) or set(folded(heading)) <= set(folded(" ".join(chosen.path))):
            return
        other_cut = Cut.of(_section_text(chosen))
        run = window(other_cut, [0], rng.choice((40, 64, 90)), length, rng)
        if run is not None:
            text, blocks, _ = cut_out(other_cut, run)
            yield Case("pages", f"heading:{way}", query, text, _title(where, chosen), page.document, blocks, [], [], 0)


def _of_parts(page: Page, section: Section, other: Section, title: str, asked: str, length: Length, rng: random.Random) -> Iterator[Case]:
    alike = [p.kind for p in section.parts] == [p.kind for p in other.parts]
    if other is not section and not alike:
        return
    text = _section_text(section)
    starts = [0]
    for part in section.parts:
        starts.append(starts[-1] + len(part.text) + 1)
    cut = Cut.of(text)
    chosen = [
        n for n, part in enumerate(section.parts) if other.parts[n].term or (part.kind == "row" and len(part.cells) > 1 and part.cells[0])
    ]
    for at in rng.sample(chosen, min(len(chosen), 4)):
        part, asked_of = section.parts[at], other.parts[at]
        where = (starts[at], starts[at] + len(part.text))
        spans: list[tuple[int, int]] | None = None
        if part.kind == "row":
            column = rng.randrange(1, len(part.cells))
            if (
                len(part.header) != len(part.cells)
                or len(asked_of.cells) <= column
                or len(asked_of.header) <= column
                or not part.cells[column]
            ):
                continue
            if sum(p.kind == "row" and p.cells[:1] == part.cells[:1] for p in section.parts) > 1 or not asked_of.header[column]:
                continue
            query = _asked(_ASK_CELL[asked], rng, c=asked_of.header[column], h=asked_of.cells[0])
            start = where[0] + sum(len(cell) + 3 for cell in part.cells[:column])
            spans = [(start, start + len(part.cells[column]))]
            kind = "table"
        else:
            query = _asked(_ASK_TERM[asked], rng, h=asked_of.term, t=title)
            kind = "item"
        gold = cut.holding(*where)
        run = window(cut, gold, rng.choice((64, 90, 104)), length, rng)
        if run is None:
            continue
        shown, blocks, moved = cut_out(cut, run)
        yield Case(
            "pages", kind, query, shown, _title(page, section), page.document, blocks, [n - run[0] for n in gold],
            None if spans is None else [(a - moved, b - moved) for a, b in spans], 1,
        )  # fmt: skip
        rest = "\n".join(p.text for n, p in enumerate(section.parts) if n != at)
        named = (asked_of.term or part.cells[0] if part.kind == "row" else part.term) or ""
        if (
            rng.random() < 0.8
            and len(folded(rest)) > 5
            and (not named or f" {' '.join(folded(named))} " not in f" {' '.join(folded(rest))} ")
        ):
            other_cut = Cut.of(rest)
            near = min(max(len([b for b in cut.blocks if b[1] <= where[0]]) - 1, 0), len(other_cut.blocks) - 1)
            run = window(other_cut, [near], rng.choice((40, 64, 90)), length, rng)
            if run is not None:
                shown, blocks, _ = cut_out(other_cut, run)
                yield Case("pages", f"{kind}:neighbour", query, shown, _title(page, section), page.document, blocks, [], [], 0)


def pages(data: Path) -> list[dict[str, Page]]:
    """The pages of the sets, by language, the two languages of one page together."""
    found: list[dict[str, Page]] = []

    def one(folder: Path, path: Path, name: str) -> Page:
        return page(f"{name}/{path.relative_to(folder).as_posix()}", path.read_text("utf-8"))

    guides = data / "guides/_articles"
    for path in sorted(guides.glob("*.md")):
        pair = {"en": one(guides, path, "guides")}
        if (guides / "ar" / path.name).is_file():
            pair["ar"] = one(guides, guides / "ar" / path.name, "guides")
        found.append(pair)
    azd = data / "azd"
    for path in sorted([*azd.glob("docs/**/*.md"), azd / "README.md"]):
        pair = {"en": one(azd, path, "azd")}
        other = azd / "translations/ar" / path.relative_to(azd)
        if other.is_file():
            pair["ar"] = one(azd, other, "azd")
        found.append(pair)
    for path in sorted((data / "handbook").rglob("*.md")):
        found.append({"en": one(data / "handbook", path, "handbook")})
    return found
