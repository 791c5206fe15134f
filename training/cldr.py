"""Pairs of the Unicode CLDR: names of places, languages, currencies and units, and amounts and dates made of its patterns."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.align import Pair, flat

NAMES = (
    "cldr-localenames-full/main/{}/territories.json", "cldr-localenames-full/main/{}/languages.json",
    "cldr-localenames-full/main/{}/scripts.json", "cldr-localenames-full/main/{}/variants.json",
    "cldr-misc-full/main/{}/characterLabels.json",
)  # fmt: skip
DATES = "cldr-dates-full/main/{}/ca-gregorian.json"
PER_MONTH = 6
"""Dates made for each month and order of its parts."""


def cldr_pairs(folder: Path) -> Iterator[Pair]:
    """Yield the pairs of a folder that holds the JSON files. The same folder gives the same pairs."""
    rng = random.Random(5)
    for file in (*NAMES, DATES, "cldr-dates-full/main/{}/timeZoneNames.json"):
        yield from _names(*_both(folder, file))
    english, arabic = (tree["numbers"]["currencies"] for tree in _both(folder, "cldr-numbers-full/main/{}/currencies.json"))
    yield from _counted(english, arabic, "displayName-count-", rng)
    english, arabic = (tree["units"]["long"] for tree in _both(folder, "cldr-units-full/main/{}/units.json"))
    yield from _counted(english, arabic, "unitPattern-count-", rng)
    yield from _dates(folder, rng)
    english, arabic = (
        json.loads((folder / f"cldr-json/cldr-annotations-full/annotations/{language}/annotations.json").read_text("utf-8"))
        for language in ("en", "ar")
    )
    spoken = english["annotations"]["annotations"]
    for sign, named in arabic["annotations"]["annotations"].items():
        if "tts" in named and "tts" in spoken.get(sign, {}):
            yield spoken[sign]["tts"][0], named["tts"][0]


def _both(folder: Path, file: str) -> tuple[dict[str, Any], dict[str, Any]]:
    english, arabic = (
        json.loads((folder / "cldr-json" / file.format(language)).read_text("utf-8"))["main"][language] for language in ("en", "ar")
    )
    return english, arabic


def _names(english: dict[str, Any], arabic: dict[str, Any]) -> Iterator[Pair]:
    """Yield what has the same path in both, without patterns and short or narrow forms."""
    ours = flat(english)
    for path, name in flat(arabic).items():
        short = any(part in path for part in ("-alt-", ".narrow.", ".abbreviated.", ".short."))
        if path in ours and not short and "{" not in name and len(ours[path]) > 2:
            yield ours[path], name


def _counted(english: dict[str, Any], arabic: dict[str, Any], pattern: str, rng: random.Random) -> Iterator[Pair]:
    """Yield the names of currencies or units, and amounts of each in the plural that the number asks for."""
    for key, named in arabic.items():
        ours = english.get(key)
        if not isinstance(ours, dict) or not isinstance(named, dict):
            continue
        if "displayName" in ours and "displayName" in named:
            yield ours["displayName"], named["displayName"]
        for number in (rng.randint(3, 10), rng.randint(11, 99), rng.choice([100, 200, 300, 500, 1000, 1500, 5000])):
            words, plural = ours.get(pattern + "other"), named.get(pattern + arabic_plural(number))
            if words and plural:
                yield _amount(words, number), _amount(plural, number)


def _amount(pattern: str, number: int) -> str:
    return pattern.replace("{0}", str(number)) if "{0}" in pattern else f"{number} {pattern}"


def arabic_plural(number: int) -> str:
    """Return the CLDR category of a whole number above two in Arabic."""
    return "few" if 3 <= number % 100 <= 10 else "many" if number % 100 >= 11 else "other"


def _dates(folder: Path, rng: random.Random) -> Iterator[Pair]:
    english, arabic = (tree["dates"]["calendars"]["gregorian"]["months"]["format"]["wide"] for tree in _both(folder, DATES))
    for key, month in english.items():
        for order in ("{day} {month} {year}", "{month} {day}, {year}"):
            for _ in range(PER_MONTH):
                day, year = rng.randint(1, 28), rng.randint(1990, 2027)
                yield order.format(day=day, month=month, year=year), f"{day} {arabic[key]} {year}"
