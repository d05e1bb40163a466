"""How long a change of a sales order waits for the one before, and which does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.envelope import HEALING, OPERATOR, Envelope
from shared.errors import NotYetError
from shared.mapping.shopify.events import Signals
from shared.model import OrderState, Part, Risk
from shared.store.links import OrderLink
from shared.sync.messages.outcome import RetryPolicy
from shared.sync.orders.pause import is_edit_before, may_wait, wait_for_pause, wait_unread
from tests.builders.sales import EU, euros, line, order, with_rules

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
PAUSE = timedelta(seconds=10)
SECOND = timedelta(seconds=1)
SALE = order(line(euros("20.00")))
RULES = with_rules(EU, orders={"hold_tag": "Check"})
LINK = OrderLink("nordlys", 42, NOON, sales_order="SN42", applied_at=NOON)
EDITED = Envelope("orders", "event-1", "shopify", "nordlys", "orders/edited", "42", NOON + SECOND, "", b"")
UPDATED = replace(EDITED, topic="orders/updated")


@pytest.mark.parametrize(
    ("passed", "left"),
    [(0, 10), (3.5, 6.5), (9.999, 0.001), (10, None), (60, None), (-2, 8), (-3600, None)],
)
def test_a_change_waits_for_what_is_left_of_the_pause(passed: float, left: float | None) -> None:
    wait = wait_for_pause(LINK, PAUSE, NOON + passed * SECOND)
    assert (wait.retry_after if wait is not None else None) == (left * SECOND if left is not None else None)


def test_without_a_pause_or_a_recorded_change_nothing_waits() -> None:
    assert wait_for_pause(LINK, timedelta(0), NOON) is None
    assert wait_for_pause(replace(LINK, applied_at=None), PAUSE, NOON) is None


def test_a_wait_is_never_exhausted() -> None:
    wait = wait_for_pause(LINK, PAUSE, NOON)
    assert isinstance(wait, NotYetError)
    assert not RetryPolicy().is_exhausted(wait, 500, NOON - timedelta(days=9), NOON)


def state(risk: Risk = Risk.NONE, *, fetched: bool = False, **other: object) -> OrderState:
    return OrderState(replace(SALE, **other), (), () if fetched else None, risk, {})  # type: ignore[arg-type]


def test_an_ordinary_change_may_wait() -> None:
    assert may_wait(UPDATED, state(), Signals(), LINK, RULES)


@pytest.mark.parametrize("source", [OPERATOR, HEALING])
def test_what_a_person_or_the_sweep_asked_for_does_not_wait(source: str) -> None:
    assert not may_wait(replace(UPDATED, source=source), state(), Signals(), LINK, RULES)
    assert wait_unread(replace(EDITED, source=source), LINK, PAUSE, NOON) is None


@pytest.mark.parametrize("signals", [Signals(is_cancelled=True), Signals(is_given_back=True)])
def test_an_event_that_says_that_the_order_ends_does_not_wait(signals: Signals) -> None:
    assert not may_wait(UPDATED, state(), signals, LINK, RULES)


def test_an_order_that_is_given_up_does_not_wait() -> None:
    assert not may_wait(UPDATED, state(cancelled_at=NOON), Signals(), LINK, RULES)
    assert not may_wait(UPDATED, state(lines=(), total=euros(0)), Signals(), LINK, RULES)


def test_a_new_reason_to_hold_the_order_does_not_wait_and_the_same_one_does() -> None:
    tagged, risky = state(tags=("check",)), state(next(iter(RULES.orders.hold_risks)), fetched=True)
    for one, reason in ((tagged, "tag"), (risky, "risk")):
        assert not may_wait(UPDATED, one, Signals(), LINK, RULES)
        assert may_wait(UPDATED, one, Signals(), replace(LINK, held=reason), RULES)


def test_the_end_of_a_hold_may_wait_and_a_hold_that_was_not_finished_does_not() -> None:
    assert may_wait(UPDATED, state(), Signals(), replace(LINK, held="tag"), RULES)
    assert not may_wait(UPDATED, state(), Signals(), replace(LINK, held="tag", is_holding=True), RULES)


def test_a_new_edit_waits_unread_and_its_copy_is_read() -> None:
    wait = wait_unread(EDITED, LINK, PAUSE, NOON + SECOND)
    assert wait is not None
    assert wait.retry_after == 9 * SECOND
    assert wait_unread(replace(EDITED, attempt=2, waits=1), LINK, PAUSE, NOON + SECOND) is None


def test_only_an_edit_older_than_fos_state_ends_unread() -> None:
    assert not is_edit_before(EDITED, LINK)
    assert not is_edit_before(replace(EDITED, occurred_at=NOON), LINK)
    assert is_edit_before(replace(EDITED, occurred_at=NOON - SECOND), LINK)


@pytest.mark.parametrize(
    ("event", "link"),
    [
        (UPDATED, LINK),
        (EDITED, replace(LINK, sales_order="")),
        (EDITED, replace(LINK, held="tag")),
        (EDITED, replace(LINK, parked_parts=frozenset({Part.PAYMENTS}))),
    ],
    ids=["another topic", "not in F&O", "held", "something is parked"],
)
def test_an_event_that_may_do_more_than_change_the_order_is_read(event: Envelope, link: OrderLink) -> None:
    assert wait_unread(event, link, PAUSE, NOON) is None
    assert not is_edit_before(replace(event, occurred_at=NOON - SECOND), link)


def test_a_reason_that_a_person_released_the_order_from_does_not_keep_a_change_from_waiting() -> None:
    tagged = state(tags=("check",))
    assert not may_wait(UPDATED, tagged, Signals(), LINK, RULES)
    assert may_wait(UPDATED, tagged, Signals(), replace(LINK, released={"tag": "why"}), RULES)
