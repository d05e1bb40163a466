"""The ceiling towards F&O: whatever Flex Consumption scales to, instances x sessions and calls stay below it."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from bicep.deployments import ENVIRONMENTS, INFRA, ROOT, app_settings, deployment, parameters, read, resource
from bicep.syntax import BicepError
from bicep.templates import Template

from shared.flows import BY_TIMER

SLOTS = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))["extensions"]["serviceBus"][
    "maxConcurrentSessions"
]
LOWEST = 8  # @minValue of erpMaxConcurrency
CEILINGS = (*range(LOWEST, 18), 23, 24, 25, 32, 47, 48, 51, 52)
SESSIONS = "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions"


class Scale:
    def __init__(self, deployed: Template) -> None:
        settings = app_settings(deployed)
        site = resource("Web/sites", deployed).properties["functionAppConfig"]["scaleAndConcurrency"]
        self.instances: int = site["maximumInstanceCount"]
        self.waiting: int = sum(group["instanceCount"] for group in site["alwaysReady"])
        self.groups: list[str] = [group["name"] for group in site["alwaysReady"]]
        self.sessions = int(settings[SESSIONS])
        self.calls = int(settings["D365_MAX_CALLS"])


@pytest.mark.parametrize("zone_redundant", [False, True])
def test_ceiling_is_kept_by_sessions_and_by_calls(*, zone_redundant: bool) -> None:
    queues, timers = len(read("topology.json")["queues"]), sum(each["callsErp"] for each in read("timers.json"))
    for ceiling in CEILINGS:
        scale = Scale(deployment(erpMaxConcurrency=ceiling, zoneRedundant=zone_redundant))
        assert queues * scale.instances * scale.sessions <= ceiling
        assert (queues * scale.instances + timers) * scale.calls <= ceiling
        assert min(scale.sessions, scale.calls) >= 1
        assert scale.instances >= (2 if zone_redundant else 1), "Azure keeps two for a zone-redundant app"


def test_ceiling_is_kept_with_more_queues_too(tmp_path: Path) -> None:
    """Each queue function scales on instances of its own."""
    shutil.copytree(INFRA, tmp_path / "infra")
    shutil.copy(ROOT / "host.json", tmp_path)
    topology = read("topology.json")
    topology["queues"] += [topology["queues"][0] | {"name": name} for name in ("second", "third")]
    (tmp_path / "infra" / "topology.json").write_text(json.dumps(topology))
    for ceiling in CEILINGS:
        scale = Scale(deployment(infra=tmp_path / "infra", erpMaxConcurrency=ceiling))
        assert 3 * scale.instances * scale.sessions <= ceiling
        assert (3 * scale.instances + 1) * scale.calls <= ceiling


def test_lowest_ceiling_leaves_each_function_a_call() -> None:
    queues, timers = len(read("topology.json")["queues"]), sum(each["callsErp"] for each in read("timers.json"))
    assert 2 * queues + timers <= LOWEST
    with pytest.raises(BicepError, match="minValue"):
        deployment(erpMaxConcurrency=LOWEST - 1)


def test_a_timer_counts_if_its_flow_calls_fo() -> None:
    assert {each["function"]: each["callsErp"] for each in read("timers.json")} == {
        name: bool(flow.entity_sets) for name, flow in BY_TIMER.items()
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_session_has_a_slot_on_the_first_instance(name: str) -> None:
    """A session without a slot would wait until another has been idle for sessionIdleTimeout."""
    assert Scale(deployment(name)).sessions == SLOTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_more_instances_wait_than_may_be(name: str) -> None:
    scale = Scale(deployment(name))
    given: dict[str, Any] = parameters(name)
    assert scale.waiting == given.get("alwaysReadyHttp", 1)
    assert set(scale.groups) <= {"http"}


def test_readme_shows_what_comes_of_each_ceiling() -> None:
    page = (INFRA / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)[^|]*\| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert len(rows) > 3
    for ceiling, *shown in rows:
        scale = Scale(deployment(erpMaxConcurrency=int(ceiling)))
        assert [int(each) for each in shown] == [scale.instances, scale.sessions, scale.calls]
