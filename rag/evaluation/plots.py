"""The report's plots as SVG text: no library, no script, legible on light and dark backgrounds."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from rag.evaluation.bootstrap import Figure
from rag.evaluation.metrics import risk_coverage

_COLOURS = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
    "#888888",
)  # Paul Tol's bright scheme, distinguishable by most
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 520, 300, 56, 12, 12, 60
_BINS = 10


def _svg(width: float, height: float, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img" font-size="12" font-family="system-ui, sans-serif" fill="currentColor">{body}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, more: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def _key(names: Sequence[str], y: float) -> str:
    """Return a legend: coloured names in a row."""
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        parts.append(f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="10" height="10" fill="{_colour(number)}"/>')
        parts.append(_text(x + 14, y, name))
        x += 26 + 7.2 * len(name)
    return "".join(parts)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def intervals(rows: Sequence[tuple[str, Sequence[tuple[str, Figure | None]]]]) -> str:
    """Return a plot with a row for each measure and, for each group, a point with its 95 % interval, on an axis from 0 to 1."""
    names = [group for group, _ in rows[0][1]] if rows else []
    left, step = 210.0, 9.0
    band = step * len(names) + 10
    width, height = 640.0, band * len(rows) + 56

    def x(value: float) -> float:
        return left + value * (width - left - _RIGHT)

    parts = [_line(x(tick), 4, x(tick), height - 50, 'stroke="currentColor" stroke-opacity=".15"') for tick in (0, 0.25, 0.5, 0.75, 1)]
    parts += [_text(x(tick), height - 36, f"{tick:g}", "middle") for tick in (0, 0.25, 0.5, 0.75, 1)]
    for number, (label, figures) in enumerate(rows):
        top = number * band + 8
        parts.append(_text(left - 8, top + band / 2 - 2, label, "end"))
        for place, (_, figure) in enumerate(figures):
            if figure is None or figure.value is None:
                continue
            y = top + place * step + 4
            if figure.low is not None and figure.high is not None:
                parts.append(_line(x(figure.low), y, x(figure.high), y, f'stroke="{_colour(place)}" stroke-width="2"'))
            parts.append(f'<circle cx="{x(figure.value):.1f}" cy="{y:.1f}" r="3.5" fill="{_colour(place)}"/>')
    return _svg(width, height, "".join(parts) + _key(names, height - 10))


class _Axes:
    """A plot with both axes from 0; `across` and `up` are the values at their ends."""

    def __init__(self, across: float, up: float, x_label: str, y_label: str) -> None:
        self._across, self._up = across or 1.0, up or 1.0
        self.parts: list[str] = []
        for n in range(5):
            x, y = self.x(self._across * n / 4), self.y(self._up * n / 4)
            self.parts.append(_line(_LEFT, y, _WIDTH - _RIGHT, y, 'stroke="currentColor" stroke-opacity=".15"'))
            self.parts.append(_text(_LEFT - 6, y + 4, f"{self._up * n / 4:.3g}", "end"))
            self.parts.append(_text(x, _HEIGHT - _BOTTOM + 16, f"{self._across * n / 4:.3g}", "middle"))
        self.parts.append(_text((_LEFT + _WIDTH) / 2, _HEIGHT - _BOTTOM + 32, x_label, "middle"))
        self.parts.append(_text(14, (_HEIGHT - _BOTTOM) / 2, y_label, "middle", f' transform="rotate(-90 14 {(_HEIGHT - _BOTTOM) / 2:g})"'))

    def x(self, value: float) -> float:
        return _LEFT + value / self._across * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self._up * (_HEIGHT - _BOTTOM - _TOP)

    def curve(self, points: Sequence[tuple[float, float]], number: int) -> None:
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{_colour(number)}" stroke-width="2"/>')

    def done(self, names: Sequence[str]) -> str:
        return _svg(_WIDTH, _HEIGHT, "".join(self.parts) + _key(names, _HEIGHT - 8))


def risk(by_group: Mapping[str, Sequence[tuple[float, bool]]], x_label: str, y_label: str) -> str:
    """Return the risk-coverage curve of each group's (confidence, right)."""
    axes = _Axes(1.0, 1.0, x_label, y_label)
    for number, pairs in enumerate(by_group.values()):
        axes.curve(risk_coverage([confidence for confidence, _ in pairs], [right for _, right in pairs]), number)
    return axes.done(list(by_group))


def reliability(pairs: Sequence[tuple[float, bool]], x_label: str, y_label: str) -> str:
    """Return a reliability diagram of (confidence, answerable): the answerable share in each tenth of confidence.

    The size of a dot is the number of its questions; a calibrated confidence lies on the diagonal.
    """
    axes = _Axes(1.0, 1.0, x_label, y_label)
    axes.parts.append(_line(axes.x(0), axes.y(0), axes.x(1), axes.y(1), 'stroke="currentColor" stroke-dasharray="4 4" stroke-opacity=".5"'))
    for n in range(_BINS):
        inside = [pair for pair in pairs if min(int(pair[0] * _BINS), _BINS - 1) == n]
        if inside:
            x = sum(confidence for confidence, _ in inside) / len(inside)
            y = sum(answerable for _, answerable in inside) / len(inside)
            radius = 3 + 9 * (len(inside) / len(pairs)) ** 0.5
            axes.parts.append(
                f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="{radius:.1f}" fill="{_COLOURS[0]}" fill-opacity=".7"/>'
            )
    return axes.done([])


def latency(by_name: Mapping[str, Sequence[float]], x_label: str) -> str:
    """Return the cumulative share of questions over seconds, for each kind of time, up to the slowest hundredth."""
    everything = [value for values in by_name.values() for value in values]
    axes = _Axes(float(np.quantile(everything, 0.99)) if everything else 1.0, 1.0, x_label, "")
    end = axes._across
    for number, values in enumerate(by_name.values()):
        ordered = sorted(values)
        points = [(0.0, 0.0)]
        for count, value in enumerate(ordered, start=1):
            if value > end:
                break
            points += [(value, (count - 1) / len(ordered)), (value, count / len(ordered))]
        axes.curve([*points, (end, points[-1][1])], number)
    return axes.done(list(by_name))
