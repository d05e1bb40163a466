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
