"""Changes of one sales order that follow each other within ten seconds reach F&O together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from shared.store.links import OrderLink
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import ADDRESSES
from tests.builders.histories import Webhook
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import EU, with_rules
from tests.builders.timed_queue import TimedQueue

RULES = with_rules(EU, orders={"hold_tag": "Check"})
TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "19.99", "tax": VAT}
STOVES = {"sku": "STOVE-GAS", "quantity": 2, "price": "24.95", "tax": VAT}
PAUSE = 10.0
JITTER = 2.0
"""Seconds by which a copy may come later than its time."""
HELD = "IsSalesProcessingStopped"
ELSEWHERE = {**ADDRESSES["nordlys"], "address1": "Oudegracht 99"}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        one.change_pause = timedelta(seconds=PAUSE)
        yield one


async def booked(app: App, *, payment: str | None = "unpaid") -> TimedQueue:
    """The queue of an order that F&O got at second 0."""
    queue = TimedQueue(OneOrder(app, RULES, checkout("nordlys", TENTS, STOVES, payment=payment)))
    queue.arrive(at=0)
    await queue.run()
    assert queue.order.goods == [("TENT-2P", 2, Decimal("39.98")), ("STOVE-GAS", 2, Decimal("49.90"))]
    assert queue.seconds == 0
    queue.handled.clear()
    return queue


def edit(queue: TimedQueue, tents: int, *, at: float, late: float = 0.0) -> None:
    """Another number of tents, and so another price of the order."""
    queue.change("edit", at=at, late=late, quantities={"TENT-2P": tents})


def edit_often(queue: TimedQueue, *, first: float, every: float) -> Decimal:
    """200 edits. Gives the tents' amount after the last."""
    for number in range(200):
        edit(queue, number % 4 + 3, at=first + number * every)
    return (199 % 4 + 3) * Decimal("19.99")


def tents(queue: TimedQueue) -> Decimal:
    return next(amount for item, _, amount in queue.order.goods if item == "TENT-2P")


def shortest_pause(queue: TimedQueue) -> float:
    return min(later - earlier for earlier, later in pairwise([0.0, *queue.applications()]))


async def link_of(queue: TimedQueue) -> OrderLink:
    link = await queue.app.link(queue.order.order.id)
    assert link is not None
    return link


async def test_two_hundred_edits_within_ten_seconds_are_one_change_of_fo(app: App) -> None:
    """Those that waited and are superseded cost no call of either system."""
    queue = await booked(app)
    amount = edit_often(queue, first=0.5, every=0.04)
    await queue.run(until=9)
    shopify = app.shopify.simulator
    fetched = len(shopify.calls)
    await queue.run()
    assert len(shopify.calls) - fetched <= 2  # for the change, and for the edit of the same second
    assert sum(requests > 0 for _, _, requests, _ in queue.handled) == 1
    assert tents(queue) == amount
    assert len(queue.applications()) == 1
    assert PAUSE <= queue.applications()[0] <= PAUSE + JITTER
    assert queue.seconds <= 8.5 + PAUSE + JITTER
    assert await queue.app.parked() == set()
    assert (await link_of(queue)).version == queue.order.order.updated_at


async def test_edits_over_a_hundred_seconds_reach_fo_at_most_once_in_ten_seconds(app: App) -> None:
    queue = await booked(app)
    amount = edit_often(queue, first=0.5, every=0.5)
    await queue.run()
    assert tents(queue) == amount
    assert shortest_pause(queue) >= PAUSE
    assert 8 <= len(queue.applications()) <= 11
    assert queue.seconds <= 100.5 + 2 * (PAUSE + JITTER)


async def test_whichever_copy_comes_first_applies_the_order_as_shopify_has_it_then(app: App) -> None:
    """The events are those that contain the order, as it was."""
    queue = await booked(app)
    for number in range(20):
        edit(queue, number % 4 + 3, at=1 + number * 0.1)
    queue.leave_out("orders/edited")
    await queue.run(until=9)
    queue.oldest_first(at=PAUSE + JITTER)
    await queue.run()
    assert tents(queue) == (19 % 4 + 3) * Decimal("19.99")
    assert queue.applications() == [PAUSE + JITTER]
    assert queue.seconds < PAUSE + JITTER + 1


async def test_edits_that_arrive_in_another_order_end_with_the_last(app: App) -> None:
    queue = await booked(app)
    for number in range(20):
        edit(queue, number % 4 + 3, at=0.1 * number, late=(number * 7 % 20) / 10)
    await queue.run()
    assert tents(queue) == (19 % 4 + 3) * Decimal("19.99")
    assert len(queue.applications()) == 1


async def test_edits_within_one_second_of_shopifys_clock_end_with_the_last(app: App) -> None:
    queue = await booked(app)
    edit(queue, 7, at=0.1)
    moment = queue.order.order.updated_at
    for number in range(20):
        late = (number * 7 % 20) / 100
        queue.change(
            "edit", at=0.2 + number * 0.01, late=late, quantities={"TENT-2P": number % 4 + 3}, same_second=True
        )
    assert queue.order.order.updated_at == moment
    await queue.run()
    assert tents(queue) == (19 % 4 + 3) * Decimal("19.99")
    assert len(queue.applications()) == 1


async def test_an_edit_after_the_pause_does_not_wait(app: App) -> None:
    queue = await booked(app)
    edit(queue, 3, at=PAUSE)
    await queue.run()
    assert queue.applications() == [PAUSE]
    assert [outcome for outcome, _ in queue.outcomes()].count("waiting") == 0


async def test_a_wait_is_no_failure_in_the_journal_and_is_never_exhausted(app: App) -> None:
    queue = await booked(app)
    edit(queue, 3, at=4)
    queue.leave_out("orders/edited")
    queue.grow_old(attempt=500, since=queue.now() - timedelta(days=2))
    await queue.run(until=5)
    outcome, note = queue.outcomes()[-1]
    assert (outcome, note.split(";")[0]) == (
        "waiting",
        "F&O got a change of this order 4 s ago: what came since goes there together",
    )
    await queue.run()
    assert tents(queue) == 3 * Decimal("19.99")
    assert await queue.app.parked() == set()


async def test_a_cancellation_right_after_an_edit_does_not_wait(app: App) -> None:
    queue = await booked(app)
    edit(queue, 3, at=1)
    queue.change("cancel", at=2)
    await queue.run(until=2)
    assert not queue.order.lines
    await queue.run()
    assert not queue.order.lines
    assert queue.applications() == [2]


async def test_an_order_whose_goods_are_all_given_back_does_not_wait(app: App) -> None:
    queue = await booked(app, payment=None)
    queue.change(
        "refund", at=2, lines=[{"line": sku, "quantity": 2, "restock": "cancel"} for sku in ("TENT-2P", "STOVE-GAS")]
    )
    await queue.run(until=2)
    assert not queue.order.lines


async def test_a_tag_that_holds_the_order_does_not_wait_and_its_end_does(app: App) -> None:
    queue = await booked(app)
    queue.change("amend", at=1, tags=["check"])
    await queue.run(until=1)
    assert queue.order.header[HELD] == "Yes"
    edit(queue, 5, at=2)
    queue.change("amend", at=3, tags=[])
    await queue.run(until=9)
    assert (queue.order.header[HELD], tents(queue)) == ("Yes", Decimal("39.98"))
    await queue.run()
    assert (queue.order.header[HELD], tents(queue)) == ("No", Decimal("99.95"))
    assert len(queue.applications()) == 2


async def test_a_refund_right_after_an_edit_is_credited_once_and_its_money_does_not_wait(app: App) -> None:
    queue = await booked(app, payment=None)
    (paid,) = queue.order.paid
    edit(queue, 3, at=1)
    queue.change("refund", at=2, lines=[{"line": "STOVE-GAS", "quantity": 1, "restock": "cancel"}])
    await queue.run(until=3)
    given_back = Decimal("-4.96")  # a stove less the third tent, which is not paid yet
    assert queue.order.paid == [paid, given_back]
    assert tents(queue) == Decimal("39.98")
    await queue.run()
    assert queue.order.goods == [("TENT-2P", 3, Decimal("59.97")), ("STOVE-GAS", 1, Decimal("24.95"))]
    assert queue.order.paid == [paid, given_back]
    assert len(queue.applications()) == 2  # the money, and the change
    assert await queue.app.parked() == set()


async def test_a_goodwill_refund_waits_for_the_change_that_waits(app: App) -> None:
    queue = await booked(app, payment=None)
    edit(queue, 3, at=1)
    queue.change("refund", at=2, amount="1.50")
    await queue.run(until=9)
    assert not queue.order.credits
    await queue.run()
    assert [amount for _, amount in queue.order.credits] == [Decimal("-1.50")]


async def test_a_new_paid_order_has_nothing_to_wait_for(app: App) -> None:
    queue = await booked(app, payment=None)
    assert {outcome for outcome, _ in queue.outcomes()} == {"done"}
    assert queue.order.paid


async def test_an_order_of_a_release_that_did_not_record_its_last_change_is_changed_at_once(app: App) -> None:
    queue = await booked(app)
    await app.links.put(replace(await link_of(queue), applied_at=None))
    edit(queue, 3, at=1)
    await queue.run(until=1)
    assert tents(queue) == Decimal("59.97")


async def test_a_change_that_was_refused_counts_as_the_last_one(app: App) -> None:
    queue = await booked(app)
    for header in app.fo.books.rows("SalesOrderHeadersV4"):
        app.fo.posting.pick(header)
    for number in range(10):
        elsewhere = {**ADDRESSES["nordlys"], "address1": f"Oudegracht {number}"}
        queue.change("amend", at=20 + number * 0.1, shipping_address=elsewhere)
    await queue.run()
    assert await app.parked() == {"CHANGE_HELD"}
    assert len(await app._parking.open()) == 2  # the first, and the last for all others
    assert sum(requests > 0 for _, _, requests, _ in queue.handled) == 2


async def test_a_replay_by_a_person_does_not_wait(app: App) -> None:
    queue = await booked(app)
    edit(queue, 3, at=1)
    app.shopify.show(RULES.key, queue.order.order)
    queue.seconds = 1
    await app.bring(queue.order.order.id)
    assert tents(queue) == Decimal("59.97")


async def test_shopifys_answer_that_is_older_than_the_event_is_not_applied(app: App) -> None:
    """Its API may lag behind its webhooks."""
    queue = await booked(app)
    edit(queue, 3, at=1)
    shown: Any = queue._shown
    shown[-1] = (100.0, shown[-1][1])
    queue.leave_out("orders/edited")
    await queue.run()
    assert tents(queue) == Decimal("59.97")


async def test_what_a_parked_event_held_is_not_lost_while_the_change_waits(app: App) -> None:
    """An older event fetches the order because another is parked unread; its copy has to fetch again."""
    queue = await booked(app)
    queue.order.change("amend", note="gift")
    (late,) = queue.order.pending()
    queue.order.change("amend", shipping_address=ELSEWHERE)
    await _arrive_unreadable(queue, late)
    assert queue.order.header["DeliveryAddressStreet"] == ELSEWHERE["address1"]
    assert await app.parked() == set()


async def test_a_parked_refund_is_credited_although_the_change_beside_it_waits(app: App) -> None:
    queue = await booked(app, payment=None)
    queue.order.change("amend", note="gift")
    (late,) = queue.order.pending()
    queue.order.change("amend", shipping_address=ELSEWHERE)
    queue.order.change("refund", amount="1.50")
    await _arrive_unreadable(queue, late)
    assert [amount for _, amount in queue.order.credits] == [Decimal("-1.50")]
    assert await app.parked() == set()


async def _arrive_unreadable(queue: TimedQueue, late: Webhook) -> None:
    """All that is pending comes with a body that cannot be read, and then an older event with a good one."""
    queue.show_now(at=1)
    for webhook in queue.order.pending():
        queue.send(replace(webhook, body=b"{" + webhook.body), at=1)
    queue.send(late, at=2)
    await queue.run(until=1.5)
    assert await queue.app.parked() == {"NOT_JSON"}
    await queue.run()
