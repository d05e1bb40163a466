"""Copies of the checkout, one for each worker: a mutant is never written into the checkout itself."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

_LINKED: Final = ("local/node_modules",)
_FOR_MUTANTS: Final = ("shared/",)
_FOR_TESTS: Final = ("shared/", "tests/", "local/", "config/", "infra/", "function_app.py", "pyproject.toml", "require")
"""What decides which test executes which line. Pages are left out: a word in them starts no new measurement."""


def files_of(root: Path) -> list[str]:
    """What git knows or would add, and what is there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")  # noqa: S603
    return sorted(name for name in set(names) - {""} if (root / name).is_file() and not (root / name).is_symlink())


def copy_tree(root: Path, files: Iterable[str], to: Path) -> None:
    """A fresh copy at `to`. Node's packages are linked."""
    shutil.rmtree(to, ignore_errors=True)
    for name in files:
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    for name in _LINKED:
        if (root / name).exists() and not (to / name).exists():
            (to / name).symlink_to((root / name).resolve())


def restore(root: Path, tree: Path, file: str) -> None:
    """With its old time, so that its compiled form is valid again."""
    shutil.copy2(root / file, tree / file)


def mutants_key(root: Path, files: Sequence[str]) -> str:
    return _digest(root, (name for name in files if name.startswith(_FOR_MUTANTS)))


def tests_key(root: Path, files: Sequence[str]) -> str:
    return _digest(root, (name for name in files if name.startswith(_FOR_TESTS)))


def environment() -> dict[str, str]:
    """For all that is started. In CI, Hypothesis draws the same examples each time."""
    return {**os.environ, "CI": "1", "PYTHONHASHSEED": "0"}


def _digest(root: Path, files: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in files:
        digest.update(name.encode() + b"\0" + hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()[:16]
