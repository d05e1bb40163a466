"""A measured figure, its unit and its aim."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    aim: str = ""
    reached: bool | None = None
    """None where there is no aim."""


def at_most(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, f"at most {limit:g}", value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Figure:
    return Figure(name, value, unit, f"at least {limit:g}", value >= limit)


def microseconds(work: Callable[[], object], *, rounds: int = 7, seconds: float = 0.4) -> float:
    """The median over rounds of the mean time of one call."""
    calls, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds / 4:
        work()
        calls += 1
    calls = max(1, calls)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            work()
        times.append((time.perf_counter() - began) / calls)
    return statistics.median(times) * 1e6


def show(figures: list[Figure], console: Console) -> None:
    table = Table(title="Measured on this machine, medians of several", title_justify="left")
    table.add_column("Figure")
    table.add_column("Value", justify="right")
    table.add_column("Unit")
    table.add_column("Aim")
    for figure in figures:
        colour = {True: "[green]", False: "[red]", None: ""}[figure.reached]
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, f"{colour}{figure.aim}")
    console.print(table)


def save(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")


def save_among(figures: list[Figure], path: Path) -> None:
    """Puts them among the other figures of the file, in place of those with the same names."""
    names = {figure.name for figure in figures}
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    save([*(Figure(**row) for row in known if row["name"] not in names), *figures], path)
