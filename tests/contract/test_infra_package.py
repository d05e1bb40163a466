"""The deployment package holds the app, and only the app."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.package import APP, ROOT, pack


@pytest.mark.wire
def test_packed_app_starts_by_itself(tmp_path: Path) -> None:
    pack(tmp_path / "app.zip", *APP)
    with ZipFile(tmp_path / "app.zip") as zipped:
        zipped.extractall(tmp_path / "app")
    code = "import function_app, shared.clients; print(len(function_app.app.get_functions()))"
    started = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "app", capture_output=True, text=True, check=False, timeout=60
    )
    assert (started.returncode, started.stderr) == (0, "")
    assert int(started.stdout) > 0


def test_same_tree_gives_the_same_archive(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        pack(tmp_path / name, *APP)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_package_is_for_the_python_that_azure_runs() -> None:
    runtime = (ROOT / "infra" / "modules" / "functions.bicep").read_text(encoding="utf-8")
    built = (ROOT / "infra" / "package.py").read_text(encoding="utf-8")
    assert "version: '3.13'" in runtime
    assert "--python-version=3.13" in built
    assert (ROOT / ".python-version").read_text(encoding="utf-8").strip() == "3.13"


def test_azd_leaves_out_what_is_no_part_of_the_repository() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()}
    left_out = set((ROOT / ".funcignore").read_text(encoding="utf-8").split())
    packed = {".python_packages"}  # which the hook before packing fills
    covered = {"*.pyc", "node_modules", "local.settings.json"}  # __pycache__, local, local.settings*.json
    assert ignored - packed - covered <= left_out
