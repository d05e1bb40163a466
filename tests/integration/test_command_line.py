"""Commands from a shell: without the packages, and with a reader that has ended."""

import os
import subprocess
import sys

import pytest
from builders.root import ROOT

from shared.command_line import READER_GONE

pytestmark = pytest.mark.wire


def run_until_first_line(*command):
    """As `| head -1`: exit code, what was read, what is on stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    first = process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    return process.wait(60), first, error


@pytest.mark.parametrize(
    "command",
    [
        ("shared.rules", "check"),
        ("shared.error_catalogue",),
        ("tools.permissions",),
        ("shared.operator", "--help"),
        ("local.stack", "--settings"),
    ],
    ids=" ".join,
)
def test_a_reader_that_ends_early_gives_no_traceback(command):
    code, first, error = run_until_first_line(*command)
    assert first.endswith(b"\n")
    assert error == b""
    assert code in {0, READER_GONE}  # 0 where all fitted into the pipe


def test_a_reader_that_was_never_there_is_an_exit_code():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "shared.rules", "check"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (READER_GONE, b"")


def test_another_broken_pipe_is_an_error():
    code = "from shared.command_line import run\ndef main(): raise BrokenPipeError('of Service Bus')\nrun(main)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "of Service Bus" in done.stderr


@pytest.mark.parametrize("module", ["shared.operator", "shared.rules", "tools.change_matrix", "local.stack", "bench"])
def test_without_the_packages_it_says_how_to_get_them(module):
    without = [sys.executable, "-S", "-m", module]
    done = subprocess.run(without, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "has no package " in done.stderr
    assert f"Call `make setup` once, and then: .venv/bin/python -S -m {module}" in done.stderr
