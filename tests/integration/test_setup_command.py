"""`tools/setup.py` as a process: interrupted, called again, and without a registry. It downloads nothing here."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.root import ROOT

from tools.setup import SetupError, check_registry, read_stamp

pytestmark = pytest.mark.wire


def call(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "tools/setup.py"), *map(str, arguments)]


def settings(**environ: str) -> dict[str, str]:
    return {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **environ}


def run(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        call(*arguments), env=settings(**environ), capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    """A folder as people have them, with requirements of nothing."""
    folder = tmp_path / "Büro d'Ann 2"
    folder.mkdir()
    (folder / "requirements.txt").write_text("# nothing\n")
    return folder


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return int(once.getsockname()[1])


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port whose queue of connections is full: no further one is accepted or refused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for each in waiting:
            each.close()


@pytest.mark.timeout(300)
def test_an_interrupted_set_up_is_mended_by_the_next_and_left_alone_by_the_one_after(hard: Path) -> None:
    venv, requirements = hard / ".venv", hard / "requirements.txt"
    interrupted = subprocess.Popen(
        call("venv", venv, requirements),
        env=settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell ignores it for what it runs in the background, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    deadline = time.monotonic() + 60
    while not (venv / "pyvenv.cfg").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    _, error = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130
    assert "The next make mends" in error
    assert venv.exists()
    assert read_stamp(venv) is None

    mended = run("venv", venv, requirements)
    assert mended.returncode == 0, mended.stderr
    assert f"Making {venv}" in mended.stdout
    used = subprocess.run([venv / "bin/python", "-m", "pip", "--version"], capture_output=True, text=True, check=True)
    assert str(venv) in used.stdout

    again = run("venv", venv, requirements)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    requirements.write_text("# nothing\n--no-index\n")
    updated = run("venv", venv, requirements)
    assert updated.returncode == 0, updated.stderr
    assert "Making" not in updated.stdout
    assert "Installing" in updated.stdout


def test_a_registry_that_refuses_is_told_at_once_and_nothing_is_made(hard: Path, closed_port: int) -> None:
    environ = {"PIP_INDEX_URL": f"http://127.0.0.1:{closed_port}/simple", "PIP_CONFIG_FILE": os.devnull}
    without = {key: value for key, value in settings(**environ).items() if key != "PIP_NO_INDEX"}
    failed = subprocess.run(
        call("venv", hard / ".venv", hard / "requirements.txt"),
        env=without,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert failed.returncode == 1
    assert f"127.0.0.1:{closed_port}" in failed.stderr
    assert "Set PIP_INDEX_URL" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (hard / ".venv").exists()


def test_a_registry_that_never_answers_is_told_within_the_time(black_hole: int) -> None:
    began = time.monotonic()
    with pytest.raises(SetupError, match=rf"127\.0\.0\.1:{black_hole} .*\nSet npm_config_registry"):
        check_registry(f"http://127.0.0.1:{black_hole}/", "npm_config_registry", seconds=0.6)
    assert time.monotonic() - began < 5
