"""Commands of other tools, in pages, workflows and scripts: each is one that was looked up, with its options."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from builders.root import ROOT

from tests.builders.markdown import CODE, FENCE

LISTED: Final = tomllib.loads((ROOT / "tests/contract/commands.toml").read_text(encoding="utf-8"))
COMMANDS: Final[dict[str, list[str]]] = LISTED["commands"]
REFUSED: Final[dict[str, str]] = LISTED["refused"]
PAGES: Final = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "infra/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))

USED = re.compile(r"(?<![\w./$-])((?:az|azd|func)(?: [a-z][a-z-]*)+)([^|;&`\n]*)")
QUOTED = re.compile(r"'[^'\n]*'")
INNER = re.compile(r"\$\(([^()\n]*)\)")


def code_of(path: Path) -> str:
    """What a reader or a workflow runs: all of a workflow, the code blocks and spans of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        text = "\n".join([*FENCE.findall(text), *CODE.findall(FENCE.sub("", text))])
    lines = (line for line in text.replace("\\\n", " ").splitlines() if not line.lstrip().startswith("#"))
    code = QUOTED.sub("''", "\n".join(lines))
    while inner := INNER.search(code):  # a command whose output is an argument becomes a line of its own
        code = f"{code[: inner.start()]}{code[inner.end() :]}\n{inner[1]}"
    return code


def used(code: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each command of the list, or the words that no command of the list begins with; and its options."""
    for words, rest in USED.findall(code):
        names = words.split()
        listed = [" ".join(names[:count]) for count in range(len(names), 0, -1)]
        command = next((name for name in listed if name in COMMANDS or name in REFUSED), words)
        yield command, frozenset(re.findall(r"(?<!\S)--[a-z-]+", rest))


every_file = pytest.mark.parametrize("path", [*PAGES, *WORKFLOWS], ids=lambda path: path.name)


@every_file
def test_commands_are_listed_with_their_options(path: Path) -> None:
    for command, options in used(code_of(path)):
        assert command not in REFUSED, REFUSED[command]
        if command in {"az", "azd", "func"}:
            continue  # the tool itself is spoken of
        assert command in COMMANDS, command
        assert options <= set(COMMANDS[command]), command


def test_list_has_nothing_that_is_not_used() -> None:
    scripts = (ROOT / "infra/deploy.py").read_text(encoding="utf-8")
    seen: defaultdict[str, set[str]] = defaultdict(set)
    for path in [*PAGES, *WORKFLOWS]:
        for command, options in used(code_of(path)):
            seen[command] |= options
    by_script = {name for name in COMMANDS if all(f'"{word}"' in scripts for word in name.split()[1:])}
    assert set(COMMANDS) - set(seen) - by_script == set()
    unused = {name: set(options) - seen[name] for name, options in COMMANDS.items() if name not in by_script}
    assert {name: options for name, options in unused.items() if options} == {}


@pytest.mark.parametrize("command", sorted(REFUSED))
def test_refused_command_is_found_where_somebody_writes_it(command: str) -> None:
    assert [name for name, _ in used(f"$ {command} --src app.zip")] == [command]


def test_versions_are_the_same_everywhere() -> None:
    deploy = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    versions = LISTED["versions"]
    assert f"Azure CLI {versions['az']} or newer" in deploy
    assert f"(`azd`) {versions['azd']} or newer" in deploy
    assert f'VERSION: Final = "{versions["bicep"]}"' in (ROOT / "infra/check.py").read_text(encoding="utf-8")
    installs = [line for path in [*PAGES, *WORKFLOWS] for line in code_of(path).splitlines() if "bicep install" in line]
    assert installs
    assert all(f"az bicep install --version v{versions['bicep']}" in line for line in installs)
    assert f'azd: ">= {versions["azd"]}"' in (ROOT / "azure.yaml").read_text(encoding="utf-8")
