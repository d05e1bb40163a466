"""`make setup` takes up what an interrupted one left, and says what to do where it cannot go on."""

import ast
import json
import re
import tomllib

import pytest
from builders.root import ROOT

from tools.setup import (
    STAMP,
    Progress,
    SetupError,
    can_be_updated,
    check_registry,
    choose_python,
    digest,
    read_stamp,
    remove_venv,
    requirement_files,
    wanted_python,
    write_stamp,
)

WANTED = {"packages": "new", "python": "3.13", "folder": "/here/.venv"}


def requirements(folder, *, version="1.0", comment=""):
    (folder / "base.txt").write_text(f"httpx=={version}  # {comment}\n")
    (folder / "dev.txt").write_text("-r base.txt\nruff==1\n")
    return folder / "dev.txt"


def test_the_digest_covers_included_files(tmp_path):
    path = requirements(tmp_path)
    before = digest(requirement_files(path))
    assert [file.name for file in requirement_files(path)] == ["dev.txt", "base.txt"]
    assert digest(requirement_files(requirements(tmp_path, version="1.1"))) != before


def test_a_comment_is_no_reason_to_install_again(tmp_path):
    before = digest(requirement_files(requirements(tmp_path, comment="transport")))
    assert digest(requirement_files(requirements(tmp_path, comment="the transport"))) == before


def test_a_stamp_is_read_as_it_was_written(tmp_path):
    write_stamp(tmp_path, WANTED)
    assert read_stamp(tmp_path) == WANTED
    assert [path.name for path in tmp_path.iterdir()] == [STAMP]


@pytest.mark.parametrize("text", [None, '{"packages": "ne', "[]"])
def test_without_a_whole_stamp_a_folder_is_unfinished(tmp_path, text):
    if text is not None:
        (tmp_path / STAMP).write_text(text)
    assert read_stamp(tmp_path) is None
    assert not can_be_updated(read_stamp(tmp_path), WANTED)


def test_the_empty_stamp_of_an_earlier_release_is_brought_up_to_date(tmp_path):
    (tmp_path / STAMP).touch()
    assert can_be_updated(read_stamp(tmp_path), WANTED)


@pytest.mark.parametrize(
    ("change", "updated"),
    [({"packages": "old"}, True), ({"python": "3.12"}, False), ({"folder": "/elsewhere/.venv"}, False)],
)
def test_other_packages_are_installed_into_it_but_another_python_or_a_move_makes_it_anew(change, updated):
    assert can_be_updated(WANTED | change, WANTED) is updated


@pytest.mark.parametrize("names", [["bin", "pyvenv.cfg"], ["lib", "include"], []])
def test_what_an_interrupted_set_up_left_is_removed(tmp_path, names):
    half = tmp_path / ".venv"
    half.mkdir()
    for name in names:
        (half / name).touch()
    remove_venv(half)
    assert not half.exists()


def test_a_folder_that_is_no_environment_is_never_removed(tmp_path):
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(SetupError, match="is in the way"):
        remove_venv(tmp_path)
    assert (tmp_path / "thesis.doc").exists()


def test_of_a_link_only_the_link_is_removed(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / ".venv").symlink_to("shared")
    remove_venv(tmp_path / ".venv")
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]


@pytest.mark.parametrize("version", ["3.12.9", "3.14.0", "3.1.3", "4.13.0"])
def test_older_and_newer_pythons_are_refused_with_what_to_install(version):
    with pytest.raises(SetupError) as refused:
        choose_python("3.13", [("/usr/bin/python3", version)])
    assert f"/usr/bin/python3 is {version}" in str(refused.value)
    assert "Install Python 3.13" in str(refused.value)
    assert "make PYTHON=/path/to/python3.13" in str(refused.value)


def test_the_wanted_python_is_taken_where_another_one_runs_the_set_up():
    found = [("/usr/bin/python3", "3.14.1"), ("/opt/bin/python3.13", "3.13.5")]
    assert choose_python("3.13", found) == "/opt/bin/python3.13"


def test_the_set_up_the_checks_and_the_project_name_one_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == f"=={wanted_python()}.*"
    assert project["tool"]["mypy"]["python_version"] == wanted_python()


def test_the_set_up_is_readable_for_the_pythons_that_it_refuses():
    for name in ("tools/setup.py", "shared/command_line.py", "shared/__init__.py"):
        source = (ROOT / name).read_text(encoding="utf-8")
        ast.parse(source, name, feature_version=(3, 8))


@pytest.mark.parametrize("url", ["", "file:///opt/wheels", "https://"])
def test_what_is_no_address_of_a_registry_is_left_to_pip(url):
    check_registry(url, "PIP_INDEX_URL")


def test_progress_of_pip_is_what_it_does_now():
    progress = Progress("asking the registry", waits=True)
    shown = []
    for line in (
        "Collecting aiohttp==3.14.5 (from -r requirements.txt (line 2))",
        "  Downloading aiohttp-3.14.5-cp313-manylinux.whl.metadata (8.1 kB)",
        "Progress 0 of 8100",
        "  Downloading aiohttp-3.14.5-cp313-manylinux.whl (61.0 MB)",
        "Progress 12000000 of 61000000",
        "Progress 13000000 of 61000000",
        "  Building wheel for python-qpid-proton (pyproject.toml): started",
        "Installing collected packages: aiohttp, httpx, pydantic",
    ):
        progress.read(line)
        shown.append((progress.waits, progress.text))
    assert shown == [
        (True, "1 packages, aiohttp"),
        (True, "1 packages, aiohttp-3.14.5-cp313-manylinux.whl"),
        (True, "1 packages, aiohttp-3.14.5-cp313-manylinux.whl"),
        (True, "1 packages, aiohttp-3.14.5-cp313-manylinux.whl"),
        (True, "1 packages, aiohttp-3.14.5-cp313-manylinux.whl, 12 of 61 MB"),
        (True, "1 packages, aiohttp-3.14.5-cp313-manylinux.whl, 13 of 61 MB"),
        (False, "1 packages, building python-qpid-proton"),
        (False, "installing 3 packages"),
    ]


def test_npm_waits_for_the_registry_until_there_are_answers_for_all_packages():
    progress = Progress("asking the registry", waits=True, packages=2)
    for expected in (True, False):
        progress.read("npm http fetch GET 200 /azurite 12ms (cache miss)")
        assert progress.waits is expected
    assert progress.text == "2 packages, 2 answers of the registry"


def test_make_calls_tools_as_modules_and_by_relative_paths():
    """The scripts in .venv/bin name their Python by its whole path, which may have spaces and quotes in it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\(BIN\)/(\S+)", makefile)) == {"python"}
    assert not re.search(r"abspath|realpath|CURDIR|PWD", makefile)


def test_every_package_of_npm_is_pinned_in_the_lock_file():
    lock = json.loads((ROOT / "local/package-lock.json").read_text(encoding="utf-8"))
    named = json.loads((ROOT / "local/package.json").read_text(encoding="utf-8"))["dependencies"]
    assert lock["packages"][""]["dependencies"] == named
