"""Two numbers: sessions of the queue, which one instance takes at once, and calls that F&O gets at once."""

import json

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
    assert SESSION_BUCKETS > 8
