"""Times that depend on each other, in host.json, in the topology and in the code."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from builders.root import ROOT

from local.functions.config import load_host_config
from local.servicebus import load
from shared.settings import read_settings
from shared.store.links import LEASE
from shared.sync import order_numbers
from shared.sync.deadline import FLOW_TIME, INVOCATION_TIME
from shared.sync.stock import flow as stock_flow
from shared.sync.sweep import run as sweep_run

HOST = load_host_config(ROOT, {})
QUEUES = load(ROOT / "infra/topology.json").queues
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
assert HOST.function_timeout is not None
FUNCTION_TIMEOUT = timedelta(seconds=HOST.function_timeout)
STORING = timedelta(seconds=30)
"""For what follows a flow that was cut off: a scheduled copy (30 s at most), the journal, a timer's progress."""


def test_a_flow_ends_in_time_for_what_follows_and_all_of_it_before_the_host_restarts_the_worker() -> None:
    assert FLOW_TIME + STORING <= INVOCATION_TIME
    assert INVOCATION_TIME + timedelta(seconds=10) <= FUNCTION_TIMEOUT


def test_one_call_to_fo_may_take_its_time_within_a_flow() -> None:
    longest = {**SAMPLE, "D365_TIMEOUT_SECONDS": "180"}
    assert timedelta(seconds=read_settings(longest).d365_timeout) < FLOW_TIME
    with pytest.raises(Exception, match="D365_TIMEOUT_SECONDS"):
        read_settings({**SAMPLE, "D365_TIMEOUT_SECONDS": str(FLOW_TIME.total_seconds())})


def test_timers_begin_nothing_new_before_they_would_be_cut_off() -> None:
    modules: tuple[Any, ...] = (order_numbers, stock_flow, sweep_run)
    for module in modules:
        assert module._TIME_LIMIT < FLOW_TIME


def test_who_creates_an_order_has_the_claim_for_as_long_as_an_invocation_and_its_last_call_may_take() -> None:
    assert FUNCTION_TIMEOUT + timedelta(seconds=read_settings(SAMPLE).d365_timeout) < LEASE


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_busy_session_stays_with_its_worker_for_hours_and_that_of_a_dead_one_is_free_within_a_minute(
    queue: Any,
) -> None:
    """Renewal counts from accepting the session (github.com/Azure/azure-sdk-for-net/issues/35267)."""
    assert queue.lock_duration <= timedelta(minutes=1)
    assert timedelta(seconds=HOST.service_bus.max_auto_lock_renewal) >= timedelta(hours=2)
