"""Cases about what pages on countries state: rows under a heading, the same rows on the page of another country, rows beside the one
that is asked for, headings and boilerplate that name it without stating it, and claims about it, in both languages and across."""

from __future__ import annotations

import html
import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.mix.case import CONTRADICTED, ENTAILED, NOT_STATED, Case
from training.product import CONTEXT_SEPARATOR, units

FACTS = Path(__file__).with_name("facts.toml")
LANGUAGES = ("en", "ar")
_EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@dataclass(frozen=True, slots=True)
class Country:
    """A country's names and, for each fact by its number, its value in each language."""

    names: Mapping[str, str]
    values: Mapping[int, Mapping[str, str]]


def countries(folder: Path, table: Mapping[str, Any]) -> list[Country]:
    """The countries of a factbook that have a name in both languages."""
    from babel import Locale

    english, arabic = Locale("en").territories, Locale("ar").territories
    codes = {name: code for code, name in english.items() if len(code) == 2}
    found = []
    for path in sorted(folder.glob("*/*.json")):
        content = json.loads(path.read_text("utf-8"))
        name = _at(content, ["Government", "Country name", "conventional short form"])
        if name is None or name not in codes or codes[name] not in arabic:
            continue
        values: dict[int, dict[str, str]] = {}
        for number, fact in enumerate(table["fact"]):
            value = _at(content, fact["at"])
            if value and len(value) < 60 and ";" not in value:
                value = re.sub(r"^(?:total|about): ", "", value)
                values[number] = {"en": value}
                translated = in_arabic(value, table["words"])
                if translated:
                    values[number]["ar"] = translated
        found.append(Country({"en": name, "ar": arabic[codes[name]]}, values))
    return found


def _at(content: Any, path: Sequence[str]) -> str | None:
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    text = content.get("text") if isinstance(content, dict) else None
    if not isinstance(text, str):
        return None
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def in_arabic(value: str, words: Sequence[Mapping[str, str]]) -> str | None:
    """A value with its words in Arabic, None when some are not known. What stands in brackets after it is left out unless it is a
    year; a code such as .dz stays."""
    if re.fullmatch(r"\.[a-z]{2}", value):
        return value
    value = re.sub(r"\s*\((?!\d{4}(?: est\.)?\))[^)]*\)", "", value)
    if utc := re.fullmatch(r"UTC([+-][\d:.]+)", value):
        return f"غرينتش {utc[1]}"
    for pair in words:
        value = value.replace(pair["en"], pair["ar"])
    value = re.sub(r"\$([\d.,]+(?: (?:مليون|مليار|تريليون))?)", r"\1 دولار", value)
    return None if re.search("[A-Za-z]", value) else value


class Facts:
    """Makes cases of the countries given."""

    def __init__(self, found: Sequence[Country], table: Mapping[str, Any], rng: random.Random) -> None:
        self._countries, self._table, self._rng = found, table, rng
        self._by_section: dict[str, list[int]] = {}
        for number, fact in enumerate(table["fact"]):
            self._by_section.setdefault(fact["at"][0], []).append(number)

    def cases(self, count: int) -> Iterator[Case]:
        """`count` cases."""
        made = 0
        while made < count:
            one = self._case()
            if one is not None:
                made += 1
                yield one

    def _case(self) -> Case | None:
        rng = self._rng
        about, number = rng.choice(self._countries), rng.randrange(len(self._table["fact"]))
        asked, written = rng.choice(LANGUAGES), rng.choice(LANGUAGES)
        if written not in about.values.get(number, {}):
            return None
        claims = rng.random() < 0.3
        kind = rng.choices(("row", "row:entity", "row:neighbour", "row:heading"), (50, 24, 16, 10))[0]
        if claims:
            kind = rng.choices(("row", "row:entity", "row:neighbour", "row:value"), (40, 15, 12, 33))[0]
        page = about
        if kind == "row:entity":
            others = [c for c in self._countries if c is not about and written in c.values.get(number, {})]
            page = rng.choice(others)
        text, spans, gold, title, blocks = self._page(page, number, written, kind)
        if not text:
            return None
        document = f"factbook/{about.names['en']}"
        if claims:
            return self._claim(about, number, asked, written, kind, text, gold, title, blocks, document)
        query = self._question(about, number, asked)
        if kind == "row" and rng.random() < 0.12 and asked in about.values[number]:
            query = self._yes_no(about, number, asked)
            spans = None
        stated = kind == "row"
        return Case(
            "factbook", kind, query, text, title, document, blocks,
            gold if stated else [], spans if stated else ([] if spans is not None else None), int(stated),
        )  # fmt: skip

    def _name(self, country: Country, language: str) -> str:
        return country.names[language]

    def _question(self, about: Country, number: int, language: str) -> str:
        fact = self._table["fact"][number]
        query = str(self._rng.choice(fact[f"ask_{language}"])).replace("{x}", self._name(about, language))
        if language == "en" and self._rng.random() < 0.25:
            query = query.lower().rstrip("?")
        if language == "ar" and self._rng.random() < 0.25:
            query = query.rstrip("؟")
        if self._rng.random() < 0.08:
            opening = {
                "en": ["Hi, quick question: ", "I'm writing a report. ", "Please tell me: "],
                "ar": ["السلام عليكم، ", "لو سمحت، ", "عندي سؤال: "],
            }
            query = self._rng.choice(opening[language]) + query
        return query

    def _yes_no(self, about: Country, number: int, language: str) -> str:
        fact, value = self._table["fact"][number], about.values[number][language]
        says = str(fact[f"say_{language}"]).replace("{x}", self._name(about, language)).replace("{v}", _bare(value))
        says = says.rstrip(".")
        if language == "ar":
            return f"هل {says}؟"
        return f"Is it true that {says[:1].lower() + says[1:] if says.startswith('The ') else says}?"

    def _page(
        self, page: Country, number: int, language: str, kind: str
    ) -> tuple[str, list[tuple[int, int]] | None, list[int], str, list[tuple[int, int]]]:
        """A piece of a country's page: its text, where the value stands, which block that is, the title and headings, the blocks."""
        rng, table = self._rng, self._table
        fact = table["fact"][number]
        section = fact["at"][0]
        name = self._name(page, language)
        near = [n for n in self._by_section[section] if n != number and language in page.values.get(n, {})]
        far = [n for n in page.values if n not in near and n != number and language in page.values[n]]
        rng.shuffle(near)
        rng.shuffle(far)
        rows = (near + far[: rng.choice((0, 0, 2))])[: rng.choice((1, 2, 3, 4, 5))]
        if kind in ("row", "row:entity", "row:value"):
            rows.append(number)
        rng.shuffle(rows)
        if not rows:
            return "", None, [], "", []
        style = rng.choice(("- {f}: {v}", "{f}: {v}", "{f} | {v}", "* {f} — {v}", "sentence"))
        eastern = language == "ar" and rng.random() < 0.15
        lines: list[str] = []
        where: tuple[int, int] | None = None
        for row in rows:
            value = page.values[row][language]
            if rng.random() < 0.3:
                value = _bare(value)
            label = table["fact"][row][language]
            if style == "sentence":
                line = str(table["fact"][row][f"say_{language}"]).replace("{x}", name).replace("{v}", "\0")
            else:
                line = style.replace("{f}", label).replace("{v}", "\0")
            if eastern and not value.startswith("."):
                value = value.translate(_EASTERN)
            if row == number:
                bare = _bare(value)
                where = (len(lines), line.index("\0"))
                span_length = len(bare)
            lines.append(line.replace("\0", value))
        if kind == "row:heading" or rng.random() < 0.25:
            extra = rng.choice(table["boilerplate"][language]).replace("{x}", name).replace("{f}", fact[language])
            place = rng.choice((0, len(lines)))
            lines.insert(place, extra)
            if where and place == 0:
                where = (where[0] + 1, where[1])
        if kind == "row:heading":
            place = rng.choice((0, len(lines)))
            lines.insert(place, rng.choice((fact[language], f"{fact[language]}:", f"{fact[language]} — {name}")))
        text = "\n".join(lines)
        if eastern:
            text = text.translate(_EASTERN)
        title = str(rng.choice(table["titles"][language])).replace("{x}", name)
        path = [title]
        if rng.random() < 0.7:
            path.append(section if language == "en" else table["sections"][section])
        blocks = [(span[0], span[1]) for span in units(text)]
        spans = None
        gold: list[int] = []
        if where is not None:
            start = sum(len(line) + 1 for line in lines[: where[0]]) + where[1]
            spans = [(start, start + span_length)]
            gold = [n for n, (a, b) in enumerate(blocks) if a < spans[0][1] and start < b]
        return text, spans if where else [], gold, CONTEXT_SEPARATOR.join(path), blocks

    def _claim(
        self, about: Country, number: int, asked: str, written: str, kind: str, text: str, gold: list[int], title: str,
        blocks: list[tuple[int, int]], document: str,
    ) -> Case | None:  # fmt: skip
        if asked not in about.values[number]:
            return None
        label = {"row": ENTAILED, "row:value": CONTRADICTED}.get(kind, NOT_STATED)
        value = _bare(about.values[number][asked])
        if kind == "row:value":
            others = [_bare(c.values[number][asked]) for c in self._countries if asked in c.values.get(number, {})]
            value = self._rng.choice([changed(value, self._rng), self._rng.choice(others)])
            if value == _bare(about.values[number][asked]):
                return None
        says = str(self._table["fact"][number][f"say_{asked}"]).replace("{x}", self._name(about, asked)).replace("{v}", value)
        return Case(
            "factbook", f"claim:{kind}", says, text, title, document, blocks, gold if label != NOT_STATED else [], None, None, label
        )


def _bare(value: str) -> str:
    """A value without the year in brackets after it."""
    return re.sub(r"\s*[(][^)]*[)]$", "", value)


def changed(value: str, rng: random.Random) -> str:
    """A value with another number in it: one digit of the first number changed."""
    digits = [n for n, c in enumerate(value) if c.isdigit()]
    if not digits:
        return value
    first = [n for n in digits if n - digits[0] < 4]
    at = rng.choice(first)
    choices = [d for d in "123456789" if d != str(int(value[at]))]
    return value[:at] + rng.choice(choices) + value[at + 1 :]


def table() -> dict[str, Any]:
    """The table of facts."""
    return tomllib.loads(FACTS.read_text("utf-8"))
