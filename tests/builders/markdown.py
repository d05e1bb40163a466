"""The tables of a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

CODE: Final = re.compile(r"`([^`\n]+)`")
FENCE: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"#+ +(.+)")


@dataclass(frozen=True, slots=True)
class MarkdownTable:
    heading: str
    """The nearest heading above the table, or ""."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def read_tables(page: Path) -> Iterator[MarkdownTable]:
    """Every table of the page. Raises AssertionError for one whose rows are not as wide as its header."""
    heading = ""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    for is_table, group in groupby(prose.splitlines(), key=lambda line: line.startswith("|")):
        lines = list(group)
        if is_table:
            header, rule, *rows = map(_cells, lines)
            assert {len(row) for row in (rule, *rows)} == {len(header)}, f"{page.name}, {heading}: not a rectangle"
            assert all(set(cell) == {"-"} for cell in rule), f"{page.name}, {heading}: no rule below the header"
            yield MarkdownTable(heading, header, tuple(rows))
        else:
            found = [match[1] for line in lines if (match := _HEADING.fullmatch(line))]
            heading = found[-1] if found else heading


def _cells(line: str) -> tuple[str, ...]:
    assert line.rstrip().endswith("|"), line
    return tuple(cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|"))


def names_in(cell: str) -> list[str]:
    """What the cell shows as code."""
    return CODE.findall(cell)
