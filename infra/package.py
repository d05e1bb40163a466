"""The deployment package: the app and its packages for Python 3.13 on Linux, whatever machine builds it.

`python infra/package.py` puts the packages where Azure Functions looks for them, for azd to pack with the app;
`python infra/package.py --zip build/app.zip` packs everything itself. The same commit gives the same archive.
"""

# ruff: noqa: INP001 - a script beside the templates, no package
from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ROOT: Final = Path(__file__).resolve().parent.parent
APP: Final = ("function_app.py", "host.json", "requirements.txt", "config", "shared")
PACKAGES: Final = Path(".python_packages/lib/site-packages")
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time that an archive can hold
_READABLE: Final = 0o644 << 16


def install() -> None:
    """Downloads wheels only: nothing is compiled for the machine that happens to build. What is there already goes."""
    shutil.rmtree(ROOT / PACKAGES, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--requirement", "requirements.txt", "--target", str(PACKAGES)]
    options = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.13", "--no-compile"]
    platforms = ["--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64"]
    subprocess.run([*command, *options, *platforms], cwd=ROOT, check=True)  # noqa: S603 - our own arguments


def pack(archive: Path, *content: str) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for path in files(*content):
            entry = ZipInfo(path.relative_to(ROOT).as_posix(), _LONG_AGO)
            entry.external_attr = _READABLE
            zipped.writestr(entry, path.read_bytes(), ZIP_DEFLATED)


def files(*content: str) -> Iterator[Path]:
    for name in content:
        path = ROOT / name
        if path.is_file():
            yield path
        else:
            yield from (each for each in sorted(path.rglob("*")) if each.is_file() and "__pycache__" not in each.parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zip", type=Path, help="pack everything into this archive")
    arguments = parser.parse_args()
    install()
    if arguments.zip:
        pack(arguments.zip, *APP, str(PACKAGES))


if __name__ == "__main__":
    main()
