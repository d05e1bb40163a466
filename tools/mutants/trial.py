"""Tries one mutant: writes it into a tree, runs its tests there, and gives the tree back as it was."""

from __future__ import annotations

import difflib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tools.mutants.executed import Executed
from tools.mutants.mutations import Mutant, apply
from tools.mutants.report import Fate, Verdict
from tools.mutants.running import Exit, Runner
from tools.mutants.selection import READERS, runs, slow_files, without_parameters
from tools.mutants.trees import restore


@dataclass(frozen=True)
class Trial:
    cosmic_ray: Path
    original: Path
    """A copy of the checkout, in which no mutant is ever written."""
    executed: Executed
    runner: Runner
    trees: SimpleQueue[Path]
    """Those that no mutant has at the moment."""

    def fast(self, mutant: Mutant) -> Verdict:
        """By the fast tests that execute the mutant."""
        return self._tried(mutant, self._by_fast_tests)

    def slow(self, survivor: Verdict) -> Verdict:
        """By the slow files of its folder, after the fast tests."""
        verdict = self._tried(survivor.mutant, self._by_slow_files)
        by = f"{survivor.by}, {verdict.by}" if verdict.fate is Fate.SURVIVED else verdict.by
        return Verdict(verdict.mutant, verdict.fate, survivor.seconds + verdict.seconds, by, verdict.diff)

    def _tried(self, mutant: Mutant, fate_in: Callable[[Path, Mutant], tuple[Fate, str]]) -> Verdict:
        tree = self.trees.get()
        started = time.monotonic()
        try:
            apply(self.cosmic_ray, tree, mutant)
            compile((tree / mutant.file).read_text(encoding="utf-8"), mutant.file, "exec")
            diff = self._diff(tree, mutant.file)
            fate, by = fate_in(tree, mutant)
        except (subprocess.CalledProcessError, SyntaxError) as error:
            return Verdict(mutant, Fate.NO_CODE, time.monotonic() - started, str(error))
        else:
            return Verdict(mutant, fate, time.monotonic() - started, by, diff)
        finally:
            restore(self.original, tree, mutant.file)
            self.trees.put(tree)

    def _by_fast_tests(self, tree: Path, mutant: Mutant) -> tuple[Fate, str]:
        tests = self.executed.tests_of(mutant.file, mutant.row)
        parts = [*runs(mutant.file, tests)]
        if mutant.line.startswith("@") or not parts:
            parts.insert(0, [*READERS])
        else:
            parts[-1] += READERS
        for some in parts:
            run = self.runner.fast(tree, some)
            if run.exit is Exit.FAILED:
                return Fate.KILLED, run.by
        return Fate.SURVIVED, f"{len(tests)} fast tests that execute it, {', '.join(READERS)}"

    def _by_slow_files(self, tree: Path, mutant: Mutant) -> tuple[Fate, str]:
        files = slow_files(mutant.file)
        for file in files:
            run = self.runner.slow(tree, [file])
            if run.exit is Exit.FAILED and self._passes_without(mutant, tree, file, run.by):
                return Fate.KILLED, run.by
        return Fate.SURVIVED, ", ".join(files)

    def _passes_without(self, mutant: Mutant, tree: Path, file: str, test: str) -> bool:
        """A slow test may fail because the machine is busy."""
        mutated = (tree / mutant.file).read_text(encoding="utf-8")
        restore(self.original, tree, mutant.file)
        names = without_parameters([test]) if test.startswith(f"{file}::") else [file]
        run = self.runner.slow(tree, names)
        (tree / mutant.file).write_text(mutated, encoding="utf-8")
        return run.exit is Exit.PASSED

    def _diff(self, tree: Path, file: str) -> str:
        before, after = (((each / file).read_text(encoding="utf-8").splitlines()) for each in (self.original, tree))
        return "\n".join(difflib.unified_diff(before, after, file, file, n=2, lineterm=""))
