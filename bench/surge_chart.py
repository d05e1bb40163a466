"""The surge over time, as an SVG picture: four panels with one time axis."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 860
_PANEL: Final = 110
_GAP: Final = 44
_LEFT: Final = 70
_RIGHT: Final = 20
_TOP: Final = 30
_INK: Final = "#57606a"
"""Readable on a white and on a dark page."""
_COLOURS: Final = ("#0969da", "#8250df", "#1a7f37", "#bc4c00")
_STEPS: Final = (1, 2, 5)

type Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Moment:
    """What was counted at one time."""

    at: float
    """Seconds of the clock (time.time)."""
    webhooks: int
    """Accepted since the beginning."""
    backlog: int
    """Messages in the queue."""
    calls: int
    """To F&O, since they are counted."""
    peak: int
    """The most calls at once since then."""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    points: Sequence[Point]
    limit: float | None = None
    """Drawn as a dashed line."""
    dots: bool = False


def draw(moments: Sequence[Moment], latencies: Sequence[Point], *, ceiling: float) -> str:
    """The picture. `latencies` has when each order was booked and how many seconds after its webhook; `ceiling` is how
    many calls a second F&O allows.
    """
    began = moments[0].at
    until = moments[-1].at - began
    panels = [
        _Panel("Webhooks accepted, per second", _rates([(each.at - began, each.webhooks) for each in moments])),
        _Panel("Orders waiting in the queue", [(each.at - began, each.backlog) for each in moments]),
        _Panel(
            f"Calls to F&O, per second (dashed: the ceiling allows {ceiling:g})",
            _smooth(_rates([(each.at - began, each.calls) for each in moments])),
            limit=ceiling,
        ),
        _Panel("From webhook to sales order, seconds", [(at - began, took) for at, took in latencies], dots=True),
    ]
    height = _TOP + len(panels) * (_PANEL + _GAP)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    font = f'font-family="sans-serif" font-size="12" fill="{_INK}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>']
    for number, panel in enumerate(panels):
        parts += _drawn(panel, _TOP + number * (_PANEL + _GAP), until, _COLOURS[number])
    return "\n".join([*parts, "</svg>", ""])


def _drawn(panel: _Panel, top: float, until: float, colour: str) -> list[str]:
    highest = max([*(value for _, value in panel.points), panel.limit or 0, 1])
    step = _step(highest)
    scale = step * (int(highest / step) + 1)
    bottom, width = top + _PANEL, _WIDTH - _LEFT - _RIGHT

    def place(point: Point) -> Point:
        seconds, value = point
        return _LEFT + width * seconds / until, bottom - _PANEL * value / scale

    parts = [f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{escape(panel.title)}</text>']
    for value in _ticks(step, scale):
        _, y = place((0, value))
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>')
    for seconds in _ticks(_step(until), until):
        x, _ = place((seconds, 0))
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{seconds:g} s</text>')
    if panel.limit is not None:
        _, y = place((0, panel.limit))
        dashed = f'stroke="{_INK}" stroke-dasharray="6 4"'
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" {dashed}/>')
    places = [place(point) for point in panel.points]
    if panel.dots:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.5" fill="{colour}"/>' for x, y in places]
    else:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return parts


def _rates(counts: Sequence[Point]) -> list[Point]:
    """Per second, between two counts. Where counting began anew there is none."""
    return [
        (later, (after - before) / (later - earlier))
        for (earlier, before), (later, after) in itertools.pairwise(counts)
        if after >= before and later > earlier
    ]


def _smooth(points: Sequence[Point], width: int = 5) -> list[Point]:
    """The mean of each point with its neighbours."""
    near = [points[max(0, index - width // 2) : index + width // 2 + 1] for index in range(len(points))]
    return [(points[index][0], sum(value for _, value in found) / len(found)) for index, found in enumerate(near)]


def _step(highest: float) -> float:
    """A round distance between ticks of which at most eight are needed."""
    steps = (each * power for power in (0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0) for each in _STEPS)
    return next(step for step in steps if highest / step < 8)


def _ticks(step: float, until: float) -> list[float]:
    return [step * number for number in range(int(until / step + 1e-9) + 1)]
