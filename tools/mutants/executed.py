"""Which fast test executes which line, measured once with coverage's contexts."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from coverage import CoverageData

from tools.mutants.trees import environment

_HEADED: Final = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Match, ast.Try)
_NAMED: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def measure(tree: Path, data: Path, jobs: int) -> None:
    """Runs all fast tests in the tree once, unless `data` exists. Raises CalledProcessError when one of them fails."""
    if data.exists():
        return
    data.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(  # noqa: S603 - our own tests
        [
            *(sys.executable, "-m", "pytest", "-q", "-m", "not wire", "-n", str(jobs), "--dist", "worksteal"),
            *("-p", "no:cacheprovider", "--cov", "--cov-context=test", "--cov-report="),
            "--timeout=900",  # a test takes several times as long while it is measured
        ],
        cwd=tree,
        env=environment(),
        check=True,
    )
    (tree / "build/coverage").rename(data)


class Executed:
    """Answers for one tree, from its measurement."""

    def __init__(self, tree: Path, data: Path) -> None:
        self._tree = tree
        self._data = CoverageData(str(data))
        self._data.read()
        self._measured = self._data.measured_files()
        self._importers = importers(tree)
        self._by_file: dict[str, Mapping[int, frozenset[str]]] = {}

    def tests_of(self, file: str, row: int) -> frozenset[str]:
        """The tests that execute the statement in this row, by node id.

        What runs at import (constants, fields, decorators) is run for no test in particular: for a function's head the
        tests of its body count, for all else those of the whole file and of the files that import it.
        """
        rows = statement_rows(ast.parse((self._tree / file).read_text(encoding="utf-8")), row)
        found = frozenset[str]().union(*(self._contexts(file).get(each, frozenset()) for each in rows))
        return found or (self._users_of(file) if self._is_run_at_import(file, rows) else frozenset())

    def _is_run_at_import(self, file: str, rows: range) -> bool:
        return any(each in self._raw(file) for each in rows)

    def _users_of(self, file: str) -> frozenset[str]:
        files = (file, *self._importers.get(file, ()))
        return frozenset[str]().union(*(tests for each in files for tests in self._contexts(each).values()))

    def _contexts(self, file: str) -> Mapping[int, frozenset[str]]:
        if file not in self._by_file:
            self._by_file[file] = {
                row: frozenset(each.rpartition("|")[0] for each in contexts if each)
                for row, contexts in self._raw(file).items()
            }
        return self._by_file[file]

    def _raw(self, file: str) -> Mapping[int, list[str]]:
        name = next((each for each in self._measured if each.endswith("/" + file)), None)
        return self._data.contexts_by_lineno(name) if name else {}


def statement_rows(module: ast.Module, row: int) -> range:
    """The rows of the innermost statement around this row: of a function its whole, of a loop or condition its head."""
    around: ast.stmt | None = None
    for node in ast.walk(module):
        if isinstance(node, ast.stmt) and _first_row(node) <= row <= (node.end_lineno or node.lineno):
            around = node
    if around is None:
        return range(row, row + 1)
    if isinstance(around, _HEADED) and not isinstance(around, ast.Match):
        return range(around.lineno, max(around.body[0].lineno, row + 1))
    if isinstance(around, ast.Match):
        return (
            range(around.lineno, around.cases[0].pattern.lineno)
            if row <= around.subject.lineno
            else range(row, row + 1)
        )
    return range(_first_row(around), (around.end_lineno or around.lineno) + 1)


def _first_row(node: ast.stmt) -> int:
    decorators = node.decorator_list if isinstance(node, _NAMED) else []
    return min((node.lineno, *(each.lineno for each in decorators)))


def importers(tree: Path) -> dict[str, set[str]]:
    """For each file of shared/, those that import from it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in (tree / "shared").rglob("*.py"):
        for module in _imports(ast.parse(path.read_text(encoding="utf-8"))):
            for name in (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py"):
                if (tree / name).is_file():
                    found[name].add(path.relative_to(tree).as_posix())
    return found


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
