"""The mutants of shared/: Cosmic Ray (https://cosmic-ray.readthedocs.io) finds them and writes them into a file."""

from __future__ import annotations

import ast
import random
import sqlite3
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CONFIG: Final = """\
[cosmic-ray]
module-path = "shared"
timeout = 60.0
excluded-modules = ["shared/error_catalogue.py"]
test-command = "unused: the tests of each mutant are chosen by tools/mutants"

[cosmic-ray.distributor]
name = "local"
"""
_SPECS: Final = """
select module_path, operator_name, occurrence, start_pos_row, start_pos_col, coalesce(definition_name, '')
from mutation_specs order by module_path, operator_name, occurrence
"""

type Position = tuple[int, int]
"""Row, from 1, and column, from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    file: str
    """Below the root of the repository."""
    row: int
    column: int
    operator: str
    """Cosmic Ray's name without its provider: `NumberReplacer`."""
    occurrence: int
    """The how-manieth position of this operator in the file, from 0: how Cosmic Ray names it."""
    nth: int
    """The same within the line."""
    within: str
    """The innermost function or class, empty at the top of a module."""
    line: str
    """The line's text, stripped."""


def find_mutants(cosmic_ray: Path, tree: Path, database: Path) -> list[Mutant]:
    """All mutants of the tree's shared/ that change what runs. Takes about a minute, unless the database exists."""
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        config = database.with_suffix(".toml")
        config.write_text(_CONFIG, encoding="utf-8")
        fresh = database.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        subprocess.run([cosmic_ray.absolute(), "init", config.absolute(), fresh.absolute()], cwd=tree, check=True)  # noqa: S603
        fresh.rename(database)
    with closing(sqlite3.connect(database)) as session:
        return list(_mutants(session.execute(_SPECS).fetchall(), tree))


def _mutants(specs: Iterable[tuple[str, str, int, int, int, str]], tree: Path) -> Iterator[Mutant]:
    sources: dict[str, tuple[Sequence[str], set[Position], set[Position]]] = {}
    seen: defaultdict[tuple[str, str, int], int] = defaultdict(int)
    for file, operator, occurrence, row, column, within in specs:
        if file not in sources:
            text = (tree / file).read_text(encoding="utf-8")
            sources[file] = (text.splitlines(), type_positions(text), calculations(text))
        lines, types, calculated = sources[file]
        nth = seen[file, operator, row]
        seen[file, operator, row] += 1
        name = operator.partition("/")[2]
        is_star = name.startswith("ReplaceBinaryOperator") and (row, column) not in calculated
        if (row, column) not in types and not is_star:
            yield Mutant(file, row, column, name, occurrence, nth, within, lines[row - 1].strip())


def type_positions(source: str) -> set[Position]:
    """Inside annotations and type aliases: the type checker reads them, no test does."""
    lines = source.splitlines()
    parts = (part for node in ast.walk(ast.parse(source)) for part in _types_of(node))
    return {each for part in parts for each in _between(lines, _start(part), _end(part))}


def calculations(source: str) -> set[Position]:
    """Where operators of two operands stand. Cosmic Ray also takes the stars of arguments for such, `*` and `**`."""
    lines = source.splitlines()
    found: set[Position] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
                found.update(_between(lines, _end(left), _start(right)))
    return found


def _start(part: ast.expr) -> Position:
    return part.lineno, part.col_offset


def _end(part: ast.expr) -> Position:
    return part.end_lineno or part.lineno, part.end_col_offset or 0


def _between(lines: Sequence[str], start: Position, end: Position) -> Iterator[Position]:
    for row in range(start[0], end[0] + 1):
        first = start[1] if row == start[0] else 0
        behind = end[1] if row == end[0] else len(lines[row - 1])
        yield from ((row, column) for column in range(first, behind))


def _types_of(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation):
            yield annotation
        case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
            yield returns
        case ast.TypeAlias(value=value):
            yield value


def draw(mutants: Iterable[Mutant], *, seed: int, count: int) -> list[Mutant]:
    """The same seed draws the same mutants from the same code.

    A place is drawn first, then one of its mutants: an operator such as `+` has eleven, a condition has one.
    """
    places: defaultdict[tuple[str, int, int], list[Mutant]] = defaultdict(list)
    for mutant in sorted(mutants):
        places[mutant.file, mutant.row, mutant.column].append(mutant)
    chance = random.Random(seed)
    drawn = chance.sample(list(places.values()), min(count, len(places)))
    return [chance.choice(at_one_place) for at_one_place in drawn]


def apply(cosmic_ray: Path, tree: Path, mutant: Mutant) -> None:
    """Writes the mutant into its file of the tree. Raises CalledProcessError when Cosmic Ray cannot."""
    subprocess.run(  # noqa: S603 - the tool of our own requirements
        [cosmic_ray.absolute(), "apply", mutant.file, f"core/{mutant.operator}", str(mutant.occurrence)],
        cwd=tree,
        check=True,
        capture_output=True,
    )
