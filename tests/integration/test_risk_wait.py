"""An order that Shopify has not assessed yet is booked held: until the assessment, or until the wait is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.shopify.order import Order
from shared.bus.envelope import Envelope
from tests.builders.both_sides import App, running_apps
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import EU, with_rules
from tests.builders.timed_queue import TimedQueue

RULES = with_rules(EU, orders={"risk_wait_minutes": 30})
WAIT = 30 * 60
JITTER = 2.0
"""Seconds by which a copy may come later than its time."""
TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "19.99", "tax": VAT}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


class DiedError(Exception):
    """The process is gone."""


class DyingQueue(TimedQueue):
    """The first copy is not scheduled: the process dies."""

    has_died = False

    async def publish(self, envelope: Envelope, *, at: Any = None) -> None:
        if not self.has_died:
            self.has_died = True
            raise DiedError
        await super().publish(envelope, at=at)


def ordered(app: App, kind: type[TimedQueue] = TimedQueue, *, shape: Any = None, **wish: Any) -> TimedQueue:
    """The queue of an order that is placed at second 0, its assessment pending."""
    document = checkout("nordlys", TENTS, created_at="2026-11-02T09:00:00Z", risk="pending", **wish)
    queue = kind(OneOrder(app, RULES, document, shape=shape))
    queue.arrive(at=1)
    return queue


def is_held(queue: TimedQueue) -> bool:
    return str(queue.order.header["IsSalesProcessingStopped"]) == "Yes"


def calls(queue: TimedQueue) -> list[str | None]:
    """To Shopify since the last time."""
    made = queue.app.shopify.simulator.calls
    names = [call.operation for call in made]
    made.clear()
    return names


def without_assessment(order: Order) -> None:
    order.risks.clear()


@pytest.mark.parametrize("shape", [None, without_assessment], ids=["pending", "without an assessment"])
async def test_without_an_assessment_the_order_is_released_when_the_wait_is_over(app: App, shape: Any) -> None:
    queue = ordered(app, shape=shape)
    await queue.run(until=60)
    assert is_held(queue)
    assert queue.order.paid
    link = await app.link(queue.order.order.id)
    assert link is not None
    assert link.held == "pending risk assessment"
    await queue.run(until=WAIT - 1)
    assert is_held(queue)
    calls(queue)
    await queue.run()
    assert not is_held(queue)
    assert WAIT <= queue.applications()[-1] <= WAIT + JITTER
    assert calls(queue) == ["OrderState"]  # the copies of the order's other events cost no call
    assert await app.parked() == set()


async def test_the_events_meanwhile_cost_no_call_as_long_as_they_change_nothing(app: App) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    assert [(one.topic, requests) for _, one, requests, _ in queue.handled[1:]] == [
        ("order_transactions/create", 0),
        ("orders/paid", 0),
    ]


async def test_the_journal_says_what_the_order_waits_for(app: App) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    outcome, note = queue.outcomes()[0]
    assert outcome == "waiting"
    assert note.startswith("the sales order is held until Shopify has assessed its risk; created, held for its pending")


@pytest.mark.parametrize(("level", "stays"), [("low", False), ("none", False), ("medium", False), ("high", True)])
async def test_the_assessment_decides_at_once(app: App, level: str, *, stays: bool) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    queue.change("risk", at=120, level=level)
    await queue.run(until=180)
    assert is_held(queue) is stays
    requests = len(queue.handled)
    calls(queue)
    await queue.run()
    assert is_held(queue) is stays
    assert calls(queue) == []
    assert sum(made for _, _, made, _ in queue.handled[requests:]) == 0
    assert {outcome for outcome, _ in queue.outcomes()[requests:]} == {"done"}


async def test_an_assessment_whose_webhook_is_lost_counts_when_the_wait_is_over(app: App) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    queue.change("risk", at=120, level="high")
    queue.leave_out("orders/risk_assessment_changed")
    await queue.run()
    assert is_held(queue)
    link = await app.link(queue.order.order.id)
    assert link is not None
    assert link.held == "risk"


async def test_the_strictest_of_several_assessments_counts(app: App) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    queue.change("risk", at=120, level="high", provider={"id": 7, "title": "Guard"})
    queue.change("risk", at=180, level="low")
    await queue.run()
    assert is_held(queue)


@pytest.mark.parametrize(
    "wish",
    [
        pytest.param({"sold_at": EU.warehouses[0].location}, id="of the counter"),
        pytest.param({"source_name": "shopify_draft_order"}, id="a draft"),
        pytest.param({"gateway": "bank_deposit"}, id="paid by hand"),
        pytest.param({"payment": "unpaid"}, id="without a payment"),
    ],
)
async def test_an_order_that_shopify_does_not_assess_is_not_held(app: App, wish: dict[str, Any]) -> None:
    queue = ordered(app, **wish)
    await queue.run(until=60)
    assert not is_held(queue)
    assert not [note for outcome, note in queue.outcomes() if outcome == "waiting"]


async def test_a_store_that_waits_for_no_assessment(app: App) -> None:
    document = checkout("nordlys", TENTS, created_at="2026-11-02T09:00:00Z", risk="pending")
    queue = TimedQueue(OneOrder(app, with_rules(EU, orders={"risk_wait_minutes": 0}), document))
    queue.arrive(at=1)
    await queue.run(until=60)
    assert not is_held(queue)


async def test_an_order_that_came_late_does_not_wait_again(app: App) -> None:
    queue = ordered(app)
    queue.oldest_first(at=WAIT + 1)
    await queue.run()
    assert not is_held(queue)


@pytest.mark.parametrize("topic", ["orders/create", "order_transactions/create"])
async def test_a_worker_that_dies_after_booking_leaves_no_order_held_for_ever(app: App, topic: str) -> None:
    """Of all the order's events only this one arrives. The queue delivers it again."""
    queue = ordered(app, DyingQueue)
    for lost in {"orders/create", "orders/paid", "order_transactions/create"} - {topic}:
        queue.leave_out(lost)
    ((_, _, envelope),) = queue._due
    with pytest.raises(DiedError):
        await queue.run(until=60)
    assert is_held(queue)
    queue._push(61, envelope)
    await queue.run(until=WAIT - 1)
    assert is_held(queue)
    await queue.run()
    assert not is_held(queue)


async def test_a_cancellation_does_not_wait_for_the_assessment(app: App) -> None:
    queue = ordered(app)
    await queue.run(until=60)
    queue.change("cancel", at=120, refund=True)
    await queue.run(until=180)
    assert queue.order.lines == []
