"""The workflows for GitHub: every action is pinned to a commit, no step holds a password, every path exists."""

import re
from pathlib import Path

import pytest
from builders.root import ROOT

from infra.check import VERSION

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"^[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert [action for action in used if not PINNED.match(action)] == []


def test_one_action_is_one_version_everywhere() -> None:
    used = {action for path in WORKFLOWS for action in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))}
    assert len({action.partition("@")[0] for action in used}) == len(used)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_azure_is_entered_without_a_secret(workflow: Path) -> None:
    source = workflow.read_text(encoding="utf-8")
    assert "secrets." not in source
    assert ("id-token: write" in source) == ("azure/login@" in source)
    assert source.count("permissions:\n  contents: read\n") == 1, "nothing more for every job"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_files_that_steps_name_exist(workflow: Path) -> None:
    source = workflow.read_text(encoding="utf-8")
    for name in re.findall(r"\b(?:infra|local)/[\w./-]+\.\w+\b", source):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_targets_that_steps_make_exist(workflow: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for targets in re.findall(r"run: make (.+)$", workflow.read_text(encoding="utf-8"), re.MULTILINE):
        for target in targets.split():
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_compiler_is_the_one_that_wrote_the_snapshots() -> None:
    sources = [path.read_text(encoding="utf-8") for path in WORKFLOWS]
    installed = [version for source in sources for version in re.findall(r"az bicep install(.*)", source)]
    assert len(installed) == sum(
        source.count("az deployment sub") + source.count("make infra-check") for source in sources
    )
    assert set(installed) == {f" --version v{VERSION}"}


def test_deployments_take_the_parameters_of_an_environment() -> None:
    deploy = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"--parameters (\S+)", deploy)) == {'"$PARAMETERS"', "infra/environments/test.bicepparam"}
    assert "--template-file" not in deploy, "the parameters name their template"


def test_whoever_deploys_names_the_operator() -> None:
    source = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    deploying = [job for job in re.split(r"\n  (?=[\w-]+:\n)", source) if "az deployment sub" in job]
    assert len(deploying) == 2
    assert all("OPERATOR_PRINCIPAL_ID: ${{ vars.OPERATOR_PRINCIPAL_ID }}" in job for job in deploying)
