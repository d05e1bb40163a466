"""`make mutants`: do the tests notice when shared/ is changed? See CONTRIBUTING.md, "Mutants"."""

from __future__ import annotations

import argparse
import difflib
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tools.mutants.executed import Executed, measure
from tools.mutants.mutations import Mutant, apply, draw, find_mutants
from tools.mutants.report import GOAL, Fate, Verdict, line_of, share_killed, summary
from tools.mutants.running import Exit, Runner
from tools.mutants.selection import READERS, runs, slow_files, without_parameters
from tools.mutants.trees import copy_tree, files_of, mutants_key, restore, tests_key
from tools.mutants.unseen import read_unseen, reason_for, stale

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/mutants"
UNSEEN = Path(__file__).with_name("unseen.toml")


@dataclass(frozen=True)
class Trial:
    cosmic_ray: Path
    original: Path
    """A copy of the checkout at the start, which stays as it is."""
    executed: Executed
    runner: Runner
    trees: SimpleQueue[Path]

    def of(self, mutant: Mutant) -> Verdict:
        """Takes a tree for itself, and gives it back as it was."""
        tree = self.trees.get()
        started = time.monotonic()
        try:
            fate, by = self._fate(tree, mutant)
            return Verdict(mutant, fate, time.monotonic() - started, by, self._diff(tree, mutant.file))
        finally:
            restore(self.original, tree, mutant.file)
            self.trees.put(tree)

    def _fate(self, tree: Path, mutant: Mutant) -> tuple[Fate, str]:
        try:
            apply(self.cosmic_ray, tree, mutant)
            compile((tree / mutant.file).read_text(encoding="utf-8"), mutant.file, "exec")
        except (subprocess.CalledProcessError, SyntaxError) as error:
            return Fate.NO_CODE, str(error)
        tests = self.executed.tests_of(mutant.file, mutant.row)
        parts = [*runs(mutant.file, tests), READERS]
        if mutant.line.startswith("@"):
            parts.insert(0, parts.pop())
        for some in parts:
            run = self.runner.fast(tree, some)
            if run.exit is Exit.FAILED:
                return Fate.KILLED, run.by
        slow = slow_files(mutant.file)
        for file in slow:
            run = self.runner.slow(tree, [file])
            if run.exit is Exit.FAILED and self._fails_by_mutant(tree, mutant, file, run.by):
                return Fate.KILLED, run.by
        return Fate.SURVIVED, f"{len(tests)} fast tests, {', '.join((*READERS, *slow))}"

    def _fails_by_mutant(self, tree: Path, mutant: Mutant, file: str, test: str) -> bool:
        """A slow test may fail of a busy machine: it has to pass without the mutant."""
        mutated = (tree / mutant.file).read_text(encoding="utf-8")
        restore(self.original, tree, mutant.file)
        passes = (
            self.runner.slow(tree, without_parameters([test]) if test.startswith(file) else [file]).exit is Exit.PASSED
        )
        (tree / mutant.file).write_text(mutated, encoding="utf-8")
        return passes

    def _diff(self, tree: Path, file: str) -> str:
        before, after = (((each / file).read_text(encoding="utf-8").splitlines()) for each in (self.original, tree))
        return "\n".join(difflib.unified_diff(before, after, file, file, n=2, lineterm=""))


def main() -> int:
    options = _options()
    started = time.monotonic()
    files = files_of(ROOT)
    original, trees = BUILD / "original", [BUILD / f"tree-{number}" for number in range(options.jobs)]
    copy_tree(ROOT, files, original)
    _say(f"Finding the mutants of shared/ (over a minute, once for each state of the code): {BUILD}")
    mutants = find_mutants(options.cosmic_ray, original, BUILD / f"mutants-{mutants_key(ROOT, files)}.sqlite")
    _say("Measuring which test executes which line (some minutes, once for each state of code and tests)")
    data = BUILD / f"executed-{tests_key(ROOT, files)}"
    measure(original, data, options.jobs)
    for tree in trees:
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(original, tree, symlinks=True)
    unseen = read_unseen(UNSEEN)
    drawn = draw(mutants, seed=options.seed, count=options.count)
    _say(f"{len(mutants)} mutants, {len(drawn)} drawn with seed {options.seed}")

    verdicts = [Verdict(each, Fate.UNSEEN, 0, reason) for each in drawn if (reason := reason_for(each, unseen))]
    for number, verdict in enumerate(verdicts, 1):
        _say(line_of(verdict, number, len(drawn)))
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    trial = Trial(options.cosmic_ray, original, Executed(original, data), Runner(), free)
    to_run = [each for each in drawn if reason_for(each, unseen) is None]
    _run_all(trial, to_run, verdicts, len(drawn), options.jobs)

    minutes = (time.monotonic() - started) / 60
    text = summary(verdicts, stale(unseen, mutants), seed=options.seed, minutes=minutes)
    (BUILD / f"report-{options.seed}.txt").write_text(text + "\n", encoding="utf-8")
    _say(f"\n{text}")
    return 0 if share_killed(verdicts) >= GOAL else 1


def _run_all(trial: Trial, mutants: list[Mutant], verdicts: list[Verdict], count: int, jobs: int) -> None:
    """Adds to the verdicts, and prints each as it comes."""
    with ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(trial.of, each) for each in mutants]
        try:
            for task in as_completed(tasks):
                verdicts.append(task.result())
                _say(line_of(verdicts[-1], len(verdicts), count))
        except BaseException:
            for task in tasks:
                task.cancel()
            trial.runner.stop()
            raise


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--cosmic-ray", type=Path, default=Path(".venv-mutants/bin/cosmic-ray"))
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped.")
