"""`make mutants`: do the tests notice when shared/ is changed? See CONTRIBUTING.md, "Mutants"."""

from __future__ import annotations

import argparse
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from tools.mutants.executed import Executed, measure
from tools.mutants.mutations import draw, find_mutants
from tools.mutants.report import GOAL, Fate, Verdict, line_of, share_killed, summary
from tools.mutants.running import Runner
from tools.mutants.trees import copy_tree, files_of, mutants_key, tests_key
from tools.mutants.trial import Trial
from tools.mutants.unseen import read_unseen, reason_for, stale

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/mutants"
UNSEEN = Path(__file__).with_name("unseen.toml")


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
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(original, tree, symlinks=True)
        free.put(tree)

    unseen = read_unseen(UNSEEN)
    drawn = draw(mutants, seed=options.seed, count=options.count)
    verdicts = [Verdict(each, Fate.UNSEEN, 0, reason) for each in drawn if (reason := reason_for(each, unseen))]
    to_try = [each for each in drawn if reason_for(each, unseen) is None]
    trial = Trial(options.cosmic_ray, original, Executed(original, data), Runner(), free)

    _say(f"{len(drawn)} of {len(mutants)} mutants, drawn with seed {options.seed}. First their fast tests:")
    survivors: list[Verdict] = []
    for verdict in _all(trial, trial.fast, to_try, options.jobs):
        (survivors if verdict.fate is Fate.SURVIVED else verdicts).append(verdict)
    _say(f"\n{len(survivors)} survived the fast tests. Now the slow files of their folders:")
    verdicts += _all(trial, trial.slow, survivors, options.jobs)

    minutes = (time.monotonic() - started) / 60
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_minutes = (used.ru_utime + used.ru_stime) / 60
    gone = stale(unseen, mutants)
    text = summary(verdicts, gone, seed=options.seed, minutes=minutes, cpu_minutes=cpu_minutes)
    (BUILD / f"report-{options.seed}.txt").write_text(text + "\n", encoding="utf-8")
    _say(f"\n{text}")
    return 0 if share_killed(verdicts) >= GOAL else 1


def _all[Tried](trial: Trial, one: Callable[[Tried], Verdict], tried: Sequence[Tried], jobs: int) -> Iterator[Verdict]:
    """Prints each verdict as it comes. Whatever stops it stops all tests that run."""
    with ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(one, each) for each in tried]
        try:
            for number, task in enumerate(as_completed(tasks), 1):
                verdict = task.result()
                _say(line_of(verdict, number, len(tried)))
                yield verdict
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
    warnings.simplefilter("ignore", SyntaxWarning)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped.")
