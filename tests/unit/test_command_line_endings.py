"""How a command ends: with its own code, quietly where nobody reads on, and with advice where a package is missing."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest

from shared.command_line import READER_GONE, explain_missing_packages, run


class Pipe:
    """What the command prints to, and the end that a reader has."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.output = io.TextIOWrapper(os.fdopen(writer, "wb"))

    def call(self, main: Callable[[], int]) -> int:
        with redirect_stdout(self.output):
            return run(main)

    def end(self) -> None:
        os.close(self.reader)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.output.close()


def test_a_command_ends_with_its_own_code_once_all_is_written(pipe: Pipe) -> None:
    def main() -> int:
        sys.stdout.write("done")
        return 3

    assert pipe.call(main) == 3
    assert os.read(pipe.reader, 10) == b"done"
    pipe.end()


def test_a_reader_that_has_ended_is_an_exit_code_and_what_is_left_goes_nowhere(pipe: Pipe) -> None:
    pipe.end()

    def main() -> int:
        sys.stdout.write("more")
        return 0

    assert pipe.call(main) == READER_GONE == 141
    pipe.output.write("still more")
    pipe.output.flush()


def test_another_broken_pipe_is_an_error(pipe: Pipe) -> None:
    def main() -> int:
        raise BrokenPipeError("of Service Bus")

    with pytest.raises(BrokenPipeError, match="of Service Bus"):
        pipe.call(main)
    pipe.end()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What handles the errors of a `python -m shared.rules check`."""
    monkeypatch.setattr(sys, "argv", ["-m", "check"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "shared.rules", "check"])
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    explain_missing_packages()
    return sys.excepthook


@pytest.mark.parametrize("name", ["pydantic", "azure.core"])
def test_a_missing_package_ends_with_how_to_get_it(hook: Any, capsys: pytest.CaptureFixture[str], name: str) -> None:
    hook(ModuleNotFoundError, ModuleNotFoundError(name=name), None)
    package = name.partition(".")[0]
    assert capsys.readouterr().err == (
        f"{sys.executable} has no package {package}. "
        "Call `make setup` once, and then: .venv/bin/python -m shared.rules check\n"
    )


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("no", name="shared.nothing"), ModuleNotFoundError("no"), ValueError("no")]
)
def test_a_mistake_of_our_own_keeps_its_traceback(
    hook: Any, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    hook(type(error), error, None)
    output = capsys.readouterr().err
    assert output.endswith("Error: no\n")
    assert "make setup" not in output


def test_an_older_python_ends_with_how_to_get_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-m"])
    monkeypatch.setattr(sys, "version_info", (3, 12, 4, "final", 0))
    with pytest.raises(SystemExit, match=r"This is Python 3\.12\.4\. Call `make setup` once"):
        explain_missing_packages()


def test_a_process_that_was_started_otherwise_keeps_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["worker.py"])
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    explain_missing_packages()
    assert sys.excepthook is sys.__excepthook__
