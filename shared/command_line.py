"""For every `python -m ...` of this repository: how to get missing packages, and a quiet end before `| head`.

Standard library only, and readable for Python 3.7: it runs before Python's version and the packages are known.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

READER_GONE = 141
"""Exit code when what reads the output has ended: 128 + SIGPIPE, as a shell reports it."""

_OURS = {"shared", "local", "tools", "bench", "function_app"}


def explain_missing_packages() -> None:
    """For the import of a package by `python -m`: an older Python ends here, and a missing library ends without a
    traceback. In a process that was started in another way, such as the Functions worker, it does nothing.
    """
    if sys.argv[:1] == ["-m"]:
        if sys.version_info < (3, 13):  # noqa: UP036 - this may run on any
            sys.exit(_advice("This is Python " + ".".join(map(str, sys.version_info[:3]))))
        sys.excepthook = _explain


def run(main: Callable[[], int]) -> int:
    """The exit code of `main`, once all of its output is written; READER_GONE when nothing reads that any more."""
    try:
        try:
            return main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_is_gone():
            raise  # another pipe or connection broke
        # What is left in the buffer goes nowhere when the interpreter flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _reader_is_gone() -> bool:
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(state & (select.POLLERR | select.POLLHUP) for _, state in output.poll(0))


def _explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if name and name not in _OURS:
        sys.stderr.write(_advice(f"{sys.executable} has no package {name}") + "\n")
    else:
        sys.__excepthook__(kind, error, trace)


def _advice(problem: str) -> str:
    called = " ".join(getattr(sys, "orig_argv", [])[1:]) or "-m ..."
    return f"{problem}. Call `make setup` once, and then: .venv/bin/python {called}"
