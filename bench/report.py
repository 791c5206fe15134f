"""The results of the benchmark as JSON, and as tables and charts in docs/performance.md."""

from __future__ import annotations

import html
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.measure import Measurement, from_record

RESULTS = Path("bench/results")
DOCUMENT = Path("docs/performance.md")
PICTURES = Path("docs/images")


def save(section: str, measurements: Sequence[Measurement], machine: dict[str, str], folder: Path = RESULTS) -> Path:
    """Write the run of one section as JSON, over an earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{section}.json"
    record = {"section": section, "machine": machine, "measurements": [asdict(item) for item in measurements]}
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def publish(
    section: str,
    title: str,
    about: str,
    results: Path = RESULTS,
    document: Path = DOCUMENT,
    pictures: Path = PICTURES,
    details: str = "",
) -> None:
    """Put a section's results into the document: between its marks if it has them, else at the end. The rest is left as it is.

    `details` is Markdown that follows the table of results.
    """
    record = json.loads((results / f"{section}.json").read_text(encoding="utf-8"))
    measurements = [from_record(item) for item in record["measurements"]]
    parts = [f"## {title}", " ".join(about.split()), described(record["machine"]), table(measurements)]
    if details:
        parts.append(details)
    plotted = [item for item in measurements if item.plot]
    if plotted:
        pictures.mkdir(parents=True, exist_ok=True)
        picture = pictures / f"bench-{section}.svg"
        picture.write_text(bars(title, plotted), encoding="utf-8")
        parts.append(f"![{title}]({_relative(picture, document)})")
    if by_size := courses(measurements):
        pictures.mkdir(parents=True, exist_ok=True)
        picture = pictures / f"bench-{section}-by-size.svg"
        picture.write_text(curves(by_size), encoding="utf-8")
        parts.append(f"![{title}, by the number of passages]({_relative(picture, document)})")
    block = f"<!-- bench: {section} -->\n" + "\n\n".join(parts) + f"\n<!-- end: {section} -->"
    text = document.read_text(encoding="utf-8")
    found = re.search(rf"<!-- bench: {section} -->.*?<!-- end: {section} -->", text, re.DOTALL)
    text = text[: found.start()] + block + text[found.end() :] if found else f"{text.rstrip()}\n\n{block}\n"
    document.write_text(text, encoding="utf-8")


def described(machine: dict[str, str]) -> str:
    """Return a one-line description of the machine."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine.items() if version and name not in _HARDWARE)
    return f"*{machine['processor']}, {machine['cores']} cores, {machine['memory']}; {machine['date']}; {libraries}.*"


_HARDWARE = ("processor", "cores", "memory", "system", "date")


def table(measurements: Sequence[Measurement]) -> str:
    """Return the measurements as a table in Markdown."""
    rows = ["| measure | median | quartiles | least – most | n | aim |", "|---|---|---|---|---|---|"]
    for item in measurements:
        mark = {None: "", True: " ✓", False: " ✗"}[item.reached]
        spread = (f"{number(item.low)} – {number(item.high)}", f"{number(item.least)} – {number(item.most)}") if item.n > 1 else ("", "")
        name = item.name.replace("|", "\\|")
        if item.mean:
            name, spread = f"{name} (mean, 95 % interval)", (f"{item.low:.3f} – {item.high:.3f}" if item.n > 1 else "", "")
        middle = f"{item.median:.3f}" if item.mean else f"{number(item.median)} {item.unit}"
        rows.append(f"| {name} | {middle} | {spread[0]} | {spread[1]} | {item.n} | {item.aim}{mark} |")
    return "\n".join(rows)


def number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def bars(title: str, measurements: Sequence[Measurement]) -> str:
    """Return an SVG bar chart, one bar per measurement, with its quartiles as a line across the end and its aim as a mark; legible on dark
    and light pages."""
    left, width, height = 330, 360, 26
    longest = max(max(item.high, _limit(item)) for item in measurements) or 1.0
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 130} {len(measurements) * height + 40}" '
            'font-family="sans-serif" font-size="13" fill="#777">'
        ),
        f'<text x="8" y="20" font-weight="bold">{html.escape(title)}</text>',
    ]
    for place, item in enumerate(measurements):
        y = 34 + place * height

        def x(value: float) -> float:
            return left + width * value / longest

        lines += [
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{html.escape(item.name)}</text>',
            f'<rect x="{left}" y="{y + 3}" width="{max(x(item.median) - left, 1):.1f}" height="{height - 10}" fill="#2a7f62"/>',
            f'<path d="M{x(item.low):.1f} {y + 11}H{x(item.high):.1f}" stroke="#b58900" stroke-width="2"/>',
            f'<text x="{max(x(item.median), x(item.high)) + 6:.1f}" y="{y + 15}">{number(item.median)} {html.escape(item.unit)}</text>',
        ]
        if _limit(item):
            lines.append(f'<path d="M{x(_limit(item)):.1f} {y}V{y + height - 4}" stroke="#c33" stroke-width="2" stroke-dasharray="3 2"/>')
    return "\n".join([*lines, "</svg>", ""])


def courses(measurements: Sequence[Measurement]) -> dict[str, dict[int, Measurement]]:
    """Return by measure what was measured at each size, for the measures that were taken at several: those named "…, N passages"."""
    found: dict[str, dict[int, Measurement]] = {}
    for item in measurements:
        sized = _SIZED.fullmatch(item.name)
        if sized is not None:
            found.setdefault(f"{sized[1]}{sized[3] or ''}", {})[int(sized[2].replace(",", ""))] = item
    return {name: dict(sorted(of.items())) for name, of in found.items() if len(of) > 1}


# The tier of an index ("flat", "clustered") belongs to its size, not to the measure.
_SIZED = re.compile(r"(.+), ([\d,]+) passages(?:, (?:flat|clustered))?(, 95th percentile)?")
_PANEL = (300, 170)
"""Width and height of a plot, its margins included."""


def curves(by_size: Mapping[str, Mapping[int, Measurement]]) -> str:
    """Return an SVG with a plot for each measure: its median by the number of passages, which grows to the right by factors, with the
    quartiles as lines and the aim of the largest size as a mark; legible on dark and light pages."""
    wide, high = _PANEL
    rows = -(-len(by_size) // 3)
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide * min(3, len(by_size))} {high * rows}" '
            'font-family="sans-serif" font-size="11" fill="#777">'
        )
    ]
    for place, (name, of) in enumerate(by_size.items()):
        left, top = place % 3 * wide + 40, place // 3 * high + 34
        right, bottom = left + wide - 80, top + high - 66
        sizes, last = list(of), list(of.values())[-1]
        most = max([*(item.high for item in of.values()), _limit(last)]) or 1.0
        spread = math.log(sizes[-1] / sizes[0])
        points = []
        lines.append(
            f'<text x="{left}" y="{top - 16}" font-weight="bold">{html.escape(f"{name}, {last.unit}" if last.unit else name)}</text>'
        )
        lines.append(f'<path d="M{left} {top}V{bottom}H{right}" stroke="#777" fill="none"/>')
        for size, item in of.items():
            x = left + (right - left) * math.log(size / sizes[0]) / spread
            low, middle, up = (bottom - (bottom - top) * value / most for value in (item.low, item.median, item.high))
            points.append(f"{x:.1f} {middle:.1f}")
            lines.append(f'<path d="M{x:.1f} {low:.1f}V{up:.1f}" stroke="#b58900" stroke-width="2"/>')
            lines.append(f'<circle cx="{x:.1f}" cy="{middle:.1f}" r="3" fill="#2a7f62"/>')
            lines.append(f'<text x="{x:.1f}" y="{middle - 6:.1f}" text-anchor="middle">{number(item.median)}</text>')
            lines.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{size:,}</text>')
        lines.append(f'<path d="M{" L".join(points)}" stroke="#2a7f62" fill="none"/>')
        if limit := _limit(last):
            y = bottom - (bottom - top) * limit / most
            lines.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#c33" stroke-width="2" stroke-dasharray="3 2"/>')
    return "\n".join([*lines, "</svg>", ""])


def _limit(item: Measurement) -> float:
    found = re.search(r"[\d.]+", item.aim)
    return float(found[0]) if found else 0.0


def _relative(path: Path, document: Path) -> str:
    """Return the path of a file for a link in a document."""
    return Path(os.path.relpath(path, document.parent)).as_posix()
