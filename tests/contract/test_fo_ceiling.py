"""One limit of calls to F&O, in three places: sessions of the queue, sessions of an instance, calls of a process."""

import json

from builders.root import ROOT

from shared.bus.envelope import SESSION_BUCKETS

HOST = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def test_every_session_has_a_slot_even_on_a_single_instance() -> None:
    """A session without a slot would wait until another has been idle for sessionIdleTimeout."""
    assert HOST["maxConcurrentSessions"] == SESSION_BUCKETS


def test_all_sessions_together_make_no_more_calls_than_fo_stands() -> None:
    assert int(SAMPLE["D365_MAX_CALLS"]) >= SESSION_BUCKETS
