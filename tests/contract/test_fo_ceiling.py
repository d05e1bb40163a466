"""Orders are divided into as many sessions as an instance has slots for."""

import json

from builders.root import ROOT

from shared.bus.envelope import SESSION_BUCKETS

HOST = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]


def test_every_session_has_a_slot_even_on_a_single_instance() -> None:
    """A session without a slot would wait until another has been idle for sessionIdleTimeout."""
    assert HOST["maxConcurrentSessions"] == SESSION_BUCKETS
