"""How the app scales: nothing is divided, each number is a parameter of its own."""

from __future__ import annotations

import re

import pytest
from builders.infrastructure import ENVIRONMENTS, EVERY_OPTION, Deployment, deployment
from builders.root import ROOT

from local.functions.worker import Function
from shared.bus.envelope import SESSION_BUCKETS

SESSIONS = "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions"
MAIN = (ROOT / "infra/main.bicep").read_text(encoding="utf-8")


def scale(deployed: Deployment) -> dict[str, object]:
    found: dict[str, object] = deployed.one("Web/sites").properties["functionAppConfig"]["scaleAndConcurrency"]
    return found


@pytest.mark.parametrize(("name", "ceiling"), [("azd", 8), (EVERY_OPTION, 52)])
def test_every_process_is_told_the_whole_ceiling(name: str, ceiling: int) -> None:
    assert deployment(name).app_settings["D365_MAX_CALLS"] == str(ceiling)


def test_instances_and_sessions_have_their_defaults() -> None:
    assert scale(deployment("azd"))["maximumInstanceCount"] == 40
    assert deployment("azd").app_settings[SESSIONS] == str(SESSION_BUCKETS)


def test_instances_sessions_and_webhooks_follow_their_parameters_and_nothing_else() -> None:
    deployed = deployment(EVERY_OPTION)
    assert scale(deployed) == {
        "instanceMemoryMB": 4096,
        "maximumInstanceCount": 100,
        "alwaysReady": [{"name": "http", "instanceCount": 3}],
        "triggers": {"http": {"perInstanceConcurrency": 32}},
    }
    assert deployed.app_settings[SESSIONS] == "16"


@pytest.mark.parametrize("name", [*ENVIRONMENTS, "azd", EVERY_OPTION])
def test_instances_wait_for_webhooks_only(name: str) -> None:
    assert {group["name"] for group in scale(deployment(name))["alwaysReady"]} <= {"http"}  # type: ignore[attr-defined]


def test_ceiling_stays_within_what_fo_documents_and_the_app_accepts() -> None:
    limits = re.search(r"@minValue\((\d+)\)\n@maxValue\((\d+)\)\n@description\([^\n]+\nparam erpMaxConcurrency ", MAIN)
    assert limits
    assert limits.groups() == ("8", "52")


def test_cost_estimate_counts_what_zone_redundancy_keeps_ready(functions: list[Function]) -> None:
    """Two instances for the group of HTTP functions, and for each other function, which scales by itself."""
    triggers = [
        binding["type"] for each in functions for binding in each.bindings if binding["type"].endswith("Trigger")
    ]
    kept = 2 * (1 + sum(kind != "httpTrigger" for kind in triggers))
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    row = re.search(
        r"^\| Functions, always ready \(about 21 for each instance\)[^|]*\| 0 \| 21 \| (\d+) \|", page, re.MULTILINE
    )
    assert row
    assert int(row[1]) == 21 * kept
    assert f"{kept} instances" in page
