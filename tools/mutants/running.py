"""Runs the tests of one mutant in a tree of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final

from tools.mutants.selection import without_parameters
from tools.mutants.trees import environment

TEST_SECONDS: Final = 60
"""A mutant may never end. A test that takes longer than this has failed."""

RUN_SECONDS: Final = 600
"""The same for a whole run, and a second more for each test: one long step in C ignores the limit of its test."""

MEMORY_KIB: Final = 4_000_000
"""A mutant may collect without end. Not for slow tests: Node reserves more than it uses."""

_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_NOT_FOUND: Final = "ERROR: not found:"


class Exit(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    MISSING = "missing"
    """pytest found some of the tests no more under their names."""


@dataclass(frozen=True, slots=True)
class TestRun:
    exit: Exit
    by: str = ""
    """The first test that failed, or why there is none."""


@dataclass
class Runner:
    """Starts pytest, and stops what it started."""

    _running: set[subprocess.Popen[str]] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _is_stopped: bool = False

    def fast(self, tree: Path, tests: Sequence[str]) -> TestRun:
        """By node id."""
        run = self._pytest(tree, tests, limited=True)
        if run.exit is Exit.MISSING:
            run = self._pytest(tree, without_parameters(tests), limited=True)
        if run.exit is Exit.MISSING:
            return TestRun(Exit.FAILED, run.by)
        return run

    def slow(self, tree: Path, files: Sequence[str]) -> TestRun:
        return self._pytest(tree, files, limited=False)

    def stop(self) -> None:
        with self._lock:
            self._is_stopped = True
            running = set(self._running)
        with ThreadPoolExecutor() as pool:
            list(pool.map(_end, running))

    def _pytest(self, tree: Path, names: Sequence[str], *, limited: bool) -> TestRun:
        arguments = tree / "build/arguments"
        arguments.parent.mkdir(exist_ok=True)
        arguments.write_text("\n".join(names), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
        command += ["-p", "no:xdist", f"@{arguments}"]
        if limited:
            limit = ["sh", "-c", f'ulimit -v {MEMORY_KIB} 2>/dev/null; exec "$@"', "sh"]
            command = [*limit, *command, f"--timeout={TEST_SECONDS}"]
        code, output = self._run(command, tree, RUN_SECONDS + len(names))
        return judged(code, output)

    def _run(self, command: Sequence[str], tree: Path, seconds: float) -> tuple[int | None, str]:
        with self._lock:
            if self._is_stopped:
                raise KeyboardInterrupt
            process = subprocess.Popen(  # noqa: S603 - our own tests
                command,
                cwd=tree,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, ""
        else:
            return process.returncode, output
        finally:
            _end(process)
            with self._lock:
                self._running.discard(process)


def judged(code: int | None, output: str) -> TestRun:
    """By pytest's exit code, https://docs.pytest.org/en/stable/reference/exit-codes.html; None if it did not end."""
    if code is None:
        return TestRun(Exit.FAILED, "over the time of a whole run")
    if code == 0:
        return TestRun(Exit.PASSED)
    if _NOT_FOUND in output:
        return TestRun(Exit.MISSING, "the tests are not found")
    failed = _FAILED.search(output)
    by = failed.group(1) if failed else f"pytest ends with {code}: {output.strip()[-120:]!r}"
    return TestRun(Exit.FAILED, f"{by} (by time)" if "Timeout (>" in output else by)


def _end(process: subprocess.Popen[str]) -> None:
    """Asks pytest first: its fixtures end the simulators that they started, which lead groups of their own."""
    for number, seconds in ((signal.SIGINT, 30), (signal.SIGKILL, 10)):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
