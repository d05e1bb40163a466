"""Two numbers: sessions of the queue, which one instance takes at once, and calls that F&O gets at once."""

import json

import pytest
from builders.infrastructure import deployment
from builders.root import ROOT

from shared.bus.envelope import SESSION_BUCKETS
from shared.settings import read_settings

HOST = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def test_every_session_has_a_place_even_on_a_single_instance() -> None:
    """A session without one would wait until another has been idle for sessionIdleTimeout."""
    assert HOST["maxConcurrentSessions"] == SESSION_BUCKETS


def test_the_ceiling_of_calls_is_that_of_all_processes_and_not_of_the_sessions() -> None:
    assert read_settings(SAMPLE).d365_max_calls == int(SAMPLE["D365_MAX_CALLS"]) == 8


@pytest.mark.parametrize("environment", ["dev", "test", "prod"])
def test_more_orders_are_at_work_than_fo_takes_calls(environment: str) -> None:
    """An order needs a slot for about a quarter of its time while F&O is fast."""
    settings = deployment(environment).app_settings
    assert 4 * int(settings["D365_MAX_CALLS"]) <= SESSION_BUCKETS
