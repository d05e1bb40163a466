"""`make mutants`: what it draws, what it leaves out, which tests it runs and how it judges them."""

import ast
from pathlib import Path

import pytest
from builders.root import ROOT

from tools.mutants.executed import importers, statement_rows
from tools.mutants.mutations import Mutant, calculations, draw, type_positions
from tools.mutants.report import Fate, Verdict, share_killed, summary
from tools.mutants.running import Exit, judged
from tools.mutants.selection import INTEGRATION, READERS, runs, slow_files, without_parameters
from tools.mutants.unseen import Unseen, read_unseen, reason_for, stale

SOURCE = """\
import os


@first
def limit(
    rows: list[str] | None,
) -> int | None:
    if (
        rows and
        len(rows) > 1
    ):
        return 2
    for row in rows:
        print(row)
    return 3


type Key = str | int
LIMIT: int | str = 4
"""


def mutant(file: str = "shared/a.py", row: int = 1, *, operator: str = "NumberReplacer", nth: int = 0) -> Mutant:
    return Mutant(file, row, 4, operator, occurrence=nth, nth=nth, within="f", line=f"x = {row}")


def verdict(fate: Fate, row: int = 1) -> Verdict:
    return Verdict(mutant(row=row), fate, 1.5, "some test", diff="-x = 1\n+x = 2")


MUTANTS = [mutant(row=row, nth=nth) for row in range(1, 200) for nth in range(2)]


def test_the_same_seed_draws_the_same_mutants_in_whatever_order_they_were_found() -> None:
    drawn = draw(MUTANTS, seed=1, count=20)
    assert drawn == draw(list(reversed(MUTANTS)), seed=1, count=20)
    assert drawn != draw(MUTANTS, seed=2, count=20)


def test_a_place_with_many_mutants_is_drawn_once() -> None:
    many = [*MUTANTS, *(mutant(row=500, operator=f"Replace{number}") for number in range(1000))]
    drawn = draw(many, seed=1, count=100)
    assert len(drawn) == 100
    assert len({each.row for each in drawn}) == 100


def test_a_sample_larger_than_the_code_is_all_of_its_places() -> None:
    assert len(draw(MUTANTS, seed=1, count=1000)) == 199


def test_annotations_and_type_aliases_are_not_mutated() -> None:
    rows = SOURCE.splitlines()
    operators = [(row, line.index("|")) for row, line in enumerate(rows, 1) if "|" in line]
    assert len(operators) == 4
    assert set(operators) <= type_positions(SOURCE)
    values = {(row, line.index(digit)) for row, line in enumerate(rows, 1) for digit in "1234" if digit in line}
    assert len(values) == 4
    assert not values & type_positions(SOURCE)


def test_the_stars_of_arguments_are_no_operators() -> None:
    source = "def f(*, a): return g(*a, **a)\nb = 2 * (\n    3 ** 4)\nb *= 5\n"
    columns = {(1, 6), (1, 22), (1, 26)}
    assert not columns & calculations(source)
    assert {(2, 6), (3, 6), (4, 2)} <= calculations(source)


@pytest.mark.parametrize(
    ("row", "rows"),
    [
        pytest.param(4, range(4, 16), id="a function's decorator: its body"),
        pytest.param(6, range(4, 16), id="a function's arguments: its body"),
        pytest.param(10, range(8, 12), id="a condition of several rows: its head"),
        pytest.param(12, range(12, 13), id="a statement in a branch: itself"),
        pytest.param(13, range(13, 14), id="a loop: its head"),
        pytest.param(19, range(19, 20), id="a constant: itself"),
    ],
)
def test_a_row_belongs_to_the_innermost_statement_around_it(row: int, rows: range) -> None:
    assert statement_rows(ast.parse(SOURCE), row) == rows


def test_a_module_is_imported_by_path_or_by_a_name_in_it(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "model").mkdir(parents=True)
    (shared / "limits.py").touch()
    (shared / "model/__init__.py").touch()
    (shared / "one.py").write_text("from shared import limits\n")
    (shared / "two.py").write_text("def late():\n    from shared.limits import LIMIT\n    import shared.model\n")
    assert importers(tmp_path) == {
        "shared/limits.py": {"shared/one.py", "shared/two.py"},
        "shared/model/__init__.py": {"shared/two.py"},
    }


def test_the_nearest_test_files_run_first_and_alone() -> None:
    near = ["tests/unit/d365/test_tax_setup.py::a", "tests/unit/mapping/orders/test_order_lines.py::b"]
    others = [f"tests/unit/other/test_{number}.py::c" for number in range(7)]
    slow = ["tests/property/test_order_lines.py::d", "tests/contract/test_docs.py::e"]
    first, second, third = runs("shared/mapping/orders/lines.py", [*slow, *others, *near])
    assert first == [near[1], near[0]]
    assert second == [*others, slow[1]]
    assert third == [slow[0]]


def test_no_test_is_no_run() -> None:
    assert list(runs("shared/model/order.py", [])) == []


def test_parameters_are_left_out_for_tests_that_changed_their_names() -> None:
    assert without_parameters(["a.py::one[x::[1]\n]", "a.py::one[y]", "a.py::two"]) == ["a.py::one", "a.py::two"]


def test_each_file_of_the_code_has_slow_files() -> None:
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "shared").rglob("*.py")}
    named = {*READERS, *(slow for file in code for slow in slow_files(file))}
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    folders = {str(Path(file).parent) for file in code}
    assert [place for place in INTEGRATION if place not in code | folders] == []


@pytest.mark.parametrize(
    ("code", "output", "expected"),
    [
        (0, "3 passed", (Exit.PASSED, "")),
        (1, "FAILED a.py::b[c - d] - assert 1 == 2\n", (Exit.FAILED, "a.py::b[c")),
        (1, "FAILED a.py::b - Failed: Timeout (>60.0s) from pytest-timeout.\n", (Exit.FAILED, "a.py::b (by time)")),
        (2, "ERROR a.py - NameError: x\n", (Exit.FAILED, "a.py")),
        (4, "ERROR: not found: /a.py::b[c]\n", (Exit.MISSING, "the tests are not found")),
        (-9, "Killed", (Exit.FAILED, "pytest ends with -9: 'Killed'")),
        (None, "", (Exit.FAILED, "over the time of a whole run")),
    ],
)
def test_a_run_is_judged_by_the_exit_code_of_pytest(code: int | None, output: str, expected: tuple[Exit, str]) -> None:
    run = judged(code, output)
    assert (run.exit, run.by) == expected


def test_an_unseen_mutant_is_known_by_its_line_and_not_by_its_row() -> None:
    entry = Unseen(file="shared/a.py", within="f", line="x = 1", operator="NumberReplacer", nth=1, reason="why")
    moved = Mutant("shared/a.py", 99, 4, "NumberReplacer", occurrence=7, nth=1, within="f", line="x = 1")
    assert reason_for(moved, [entry]) == "why"
    assert reason_for(mutant(nth=0), [entry]) is None
    assert reason_for(mutant("shared/b.py", nth=1), [entry]) is None
    assert reason_for(mutant(operator="AddNot", nth=1), [entry]) is None


def test_an_entry_whose_line_is_gone_is_told() -> None:
    entries = [
        Unseen(file="shared/a.py", within="f", line=f"x = {row}", operator="NumberReplacer", reason="why")
        for row in (1, 2)
    ]
    assert stale(entries, [mutant(row=1)]) == [entries[1]]
    assert "x = 2" in summary([], [entries[1]], seed=1, minutes=1, cpu_minutes=1)


def test_the_unseen_mutants_of_this_code_have_their_line_and_a_reason() -> None:
    for each in read_unseen(ROOT / "tools/mutants/unseen.toml"):
        lines = {line.strip() for line in (ROOT / each.file).read_text(encoding="utf-8").splitlines()}
        assert each.line in lines, each
        assert each.reason


def test_the_share_is_of_the_mutants_that_can_be_seen() -> None:
    verdicts = [
        *(verdict(Fate.KILLED, row) for row in range(9)),
        verdict(Fate.SURVIVED),
        verdict(Fate.UNSEEN),
        verdict(Fate.NO_CODE),
    ]
    assert share_killed(verdicts) == 0.9
    assert share_killed([verdict(Fate.UNSEEN)]) == 1


def test_a_survivor_is_shown_with_its_change_and_what_ran() -> None:
    text = summary([verdict(Fate.SURVIVED)], [], seed=3, minutes=2, cpu_minutes=3)
    assert "seed 3" in text
    assert "survived: shared/a.py:1 NumberReplacer" in text
    assert "+x = 2" in text
    assert "ran: some test" in text
