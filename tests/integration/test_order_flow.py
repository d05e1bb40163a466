"""What one event decides: by the version of the order that it has, by what waits, and by the last change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.d365.faults import Fault
from shared.d365.items import ItemCache
from shared.d365.odata.client import FoCall
from shared.errors import NotYetError, TransientError
from shared.model import Part
from shared.store.links import OrderLink
from shared.sync.messages.outcome import as_parts
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import HandledOrders
from tests.builders.both_sides import App, app_in_process
from tests.builders.histories import Webhook
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import EU, US, with_rules

AMS = EU.warehouses[0].model_dump(exclude_unset=True)
TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "19.99", "tax": VAT}
BY_THE_EVENT_ALONE = with_rules(EU, payments=None, refunds=None, orders={"hold_risks": ()})
"""Nothing is asked of Shopify's API that the body of an order's event has."""
ONE_BACK = {"lines": [{"line": "TENT-2P", "quantity": 1, "restock": "cancel"}], "amount": "0"}


@pytest.fixture(scope="module")
async def shared_app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


@pytest.fixture
def app(shared_app: App) -> App:
    shared_app.change_pause = timedelta(0)
    shared_app.now = shared_app.payments_now = lambda: datetime.now(UTC)
    return shared_app


async def link_of(one: OneOrder) -> OrderLink:
    link = await one.app.link(one.order.id)
    assert link is not None
    return link


def of_topic(webhooks: list[Webhook], topic: str) -> Webhook:
    return next(each for each in webhooks if each.topic == topic)


def at_the_version_of(webhook: Webhook, other: Webhook) -> Webhook:
    payload = json.loads(webhook.body) | {"updated_at": json.loads(other.body)["updated_at"]}
    return replace(webhook, body=json.dumps(payload).encode())


async def outcome_of(app: App, webhook: Webhook) -> TransientError:
    with pytest.raises(TransientError) as waiting:
        await app._handle(app._envelope(webhook))
    return waiting.value


# ---- versions


@pytest.mark.parametrize("same_second", [False, True])
async def test_an_event_that_is_not_later_than_the_cancellation_books_nothing(app: App, *, same_second: bool) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    one.change("cancel", refund=False)
    webhooks = one.pending()
    created, cancelled = of_topic(webhooks, "orders/create"), of_topic(webhooks, "orders/cancelled")
    await one.send(cancelled)
    await one.send(at_the_version_of(created, cancelled) if same_second else created)
    assert one.rows("SalesOrderHeadersV4") == []
    assert (await link_of(one)).not_booked


@pytest.mark.parametrize("same_second", [False, True])
async def test_what_a_refund_took_off_the_order_is_recorded_with_the_event_that_brings_it(
    app: App, *, same_second: bool
) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    created = one.pending()
    for webhook in created:
        await one.send(webhook)
    one.change("refund", **ONE_BACK)
    updated = of_topic(one.pending(), "orders/updated")
    if same_second:
        updated = at_the_version_of(updated, created[0])
        one.order.updated_at = (await link_of(one)).version
    await one.send(updated)
    record = (await link_of(one)).record
    assert record is not None
    ((refund, taken),) = record.refunds.items()
    assert refund == one.order.refunds[0].id
    assert taken.cancelled == {one.order.lines[0].id: 1}


# ---- the first event of an order


async def test_the_link_of_a_new_order_is_not_looked_for_at_its_first_event(app: App) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    looks: list[int] = []
    get = app.links.get

    async def counting(store: str, order_id: int) -> OrderLink | None:
        looks.append(order_id)
        return await get(store, order_id)

    app.links.get = counting  # type: ignore[method-assign]
    created, *others = one.pending()
    await one.send(created)
    assert (created.topic, looks) == ("orders/create", [])
    for webhook in others:
        await one.send(webhook)
    assert looks == [one.order.id] * len(others)
    assert len(one.rows("SalesOrderHeadersV4")) == 1


async def test_a_creation_that_another_process_has_handled_books_nothing_and_is_done_at_its_next_attempt(
    app: App,
) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    created = of_topic(one.pending(), "orders/create")
    await one.send(created)
    before = await link_of(one)
    app._ports = replace(app._ports, handled=HandledOrders())
    assert "another worker, or F&O, may still be writing order" in (await outcome_of(app, created)).reason
    again = as_parts(await sync_order(app._envelope(created).next_attempt(is_wait=False), app._ports))
    assert again.done.note.startswith("F&O has")
    assert (await link_of(one), len(one.rows("SalesOrderHeadersV4"))) == (before, 1)


async def test_a_late_creation_of_a_booked_order_that_cannot_be_booked_any_more_holds_nothing(app: App) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    created = of_topic(one.pending(), "orders/create")
    await one.send(created)
    app._ports = replace(app._ports, handled=HandledOrders(), items=ItemCache())
    app.change_rules(with_rules(BY_THE_EVENT_ALONE, warehouses=({**AMS, "countries": ("DE",)},)))
    assert "not its first" in (await outcome_of(app, created)).reason
    assert [row["IsSalesProcessingStopped"] for row in one.rows("SalesOrderHeadersV4")] == ["No"]
    link = await link_of(one)
    assert (link.held, link.parked_parts) == ("", frozenset())


async def test_a_creation_that_cannot_be_read_marks_the_order_that_another_process_has_booked(app: App) -> None:
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    created = of_topic(one.pending(), "orders/create")
    await one.send(created)
    app._ports = replace(app._ports, handled=HandledOrders())
    payload = json.loads(created.body) | {"currency": 7}
    parts = as_parts(await sync_order(app._envelope(replace(created, body=json.dumps(payload).encode())), app._ports))
    assert [park.part for park in parts.parked] == [Part.READING]
    assert parts.then is not None
    await parts.then()
    link = await link_of(one)
    assert (link.parked_parts, link.sales_order) == ({Part.READING}, f"SN{one.order.id}")


def test_only_the_latest_orders_are_remembered() -> None:
    handled = HandledOrders(most=2)
    assert [handled.add("nordlys", order) for order in (1, 2, 1, 3, 1, 3)] == [True, True, False, True, True, False]


# ---- what F&O is asked


@pytest.mark.parametrize("warehouses", [1, 2])
async def test_on_hand_is_read_only_where_it_decides_which_warehouse_ships(app: App, warehouses: int) -> None:
    rules = BY_THE_EVENT_ALONE.model_copy(update={"warehouses": EU.warehouses[:warehouses]})
    one = OneOrder(app, rules, checkout("nordlys", TENTS, payment="unpaid"))
    calls: list[FoCall] = []
    app.client._on_call = calls.append
    await one.deliver()
    assert [call.entity_set for call in calls].count("WarehousesOnHandV2") == warehouses - 1
    assert {row["ShippingWarehouseId"] for row in one.rows("SalesOrderLinesV3")} == {"AMS"}


# ---- what waits


async def test_an_event_of_which_two_parts_wait_is_tried_again_when_the_first_may_be(app: App) -> None:
    """The goods wait until F&O has invoiced them; F&O's journals may be written again at once."""
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    await one.deliver()
    one.change("fulfill")
    one.change("refund", lines=[{"line": "TENT-2P", "quantity": 1, "restock": "return"}])
    updated = of_topic(one.pending(), "refunds/create")
    app.shopify.show("nordlys", one.order)
    app.fo.faults.add(Fault("unavailable", times=None))
    waiting = await outcome_of(app, updated)
    assert waiting.retry_after is None
    assert not isinstance(waiting, NotYetError)


# ---- a creation that failed


async def test_after_a_creation_that_failed_the_next_attempt_begins_at_once(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    created = of_topic(one.pending(), "orders/create")
    app.fo.faults.add(Fault("bad_gateway", entity_set="$batch"))
    await one.send(created)
    assert (app.waiting, (await link_of(one)).claimed_until) == ([created], None)
    await app.redeliver_waiting()
    assert (app.waiting, one.header["SalesOrderNumber"]) == ([], f"SN{one.order.id}")


@pytest.mark.parametrize(
    ("store", "sku", "lease"),
    [("nordlys", "TENT-2P", timedelta(seconds=30)), ("prairie", "TEE-RED-L", timedelta(minutes=8))],
    ids=["the app numbers the order", "F&O numbers it"],
)
async def test_an_order_is_claimed_while_a_second_creation_could_make_a_second_one(
    app: App, monkeypatch: pytest.MonkeyPatch, store: str, sku: str, lease: timedelta
) -> None:
    one = OneOrder(app, {"nordlys": EU, "prairie": US}[store], checkout(store, {"sku": sku, "quantity": 1, "tax": []}))
    leases, claim = [], app.links.claim

    async def claimed(link: OrderLink, now: datetime, until: timedelta) -> OrderLink:
        leases.append(until)
        return await claim(link, now, until)

    monkeypatch.setattr(app.links, "claim", claimed)
    await one.send(of_topic(one.pending(), "orders/create"))
    assert leases[0] == lease


async def test_where_fo_numbers_the_order_the_next_attempt_waits_until_fo_has_surely_finished(app: App) -> None:
    """Its answer was lost: a second creation could make a second order."""
    now = datetime.now(UTC)
    app.now = _stopped(now)
    one = OneOrder(app, US, checkout("prairie", {"sku": "TEE-RED-L", "quantity": 1, "tax": []}))
    created = of_topic(one.pending(), "orders/create")
    app.fo.faults.add(Fault("reset", method="POST", entity_set="SalesOrderHeadersV4"))
    await one.send(created)
    assert (await link_of(one)).claimed_until == now + timedelta(minutes=4)
    await app.redeliver_waiting()
    assert (app.waiting, one.rows("SalesOrderHeadersV4")) == ([created], [])
    app.now = _stopped(now + timedelta(minutes=4, seconds=1))
    await app.redeliver_waiting()
    assert (app.waiting, len(one.rows("SalesOrderHeadersV4"))) == ([], 1)


async def test_an_order_that_is_found_without_the_hold_that_it_needs_now_is_held(app: App) -> None:
    """The answer to its creation was lost, and its risk rose before the next attempt."""
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    app.fo.faults.add(Fault("timeout_after_commit", entity_set="$batch", ms=1))
    now = datetime.now(UTC)
    app.now = _stopped(now)
    await one.deliver(topic="orders/create")
    app.now = _stopped(now + timedelta(minutes=1))
    assert one.header["IsSalesProcessingStopped"] == "No"
    one.change("risk", level="high")
    app.shopify.show("nordlys", one.order)
    await app.redeliver_waiting()
    assert one.header["IsSalesProcessingStopped"] == "Yes"
    link = await link_of(one)
    assert (link.held, link.is_holding) == ("risk", False)


@pytest.mark.parametrize("gone", [("risk", {"level": "low"}), ("amend", {"tags": []})], ids=["risk", "tag"])
async def test_goods_that_were_fulfilled_before_stay_held_when_another_reason_is_gone(app: App, gone: Any) -> None:
    rules = with_rules(EU, orders={"already_fulfilled": "hold", "hold_tag": "wait"})
    one = OneOrder(app, rules, checkout("nordlys", TENTS, tags=["wait"]))
    one.change("risk", level="high")
    if gone[0] == "risk":
        one.change("amend", tags=[])
    else:
        one.change("risk", level="low")
    one.change("fulfill")
    await one.deliver()
    assert one.header["IsSalesProcessingStopped"] == "Yes"
    step, wish = gone
    await one.step(step, **wish)
    assert one.header["IsSalesProcessingStopped"] == "Yes"
    assert (await link_of(one)).held == "fulfilment in Shopify"


async def test_an_event_whose_payments_wait_books_them_at_its_next_attempt(app: App) -> None:
    """Its body does not contain them, and no other event may come. Nobody has booked them elsewhere in that minute:
    F&O's journals are not searched.
    """
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    app.payments_now = _stopped(one.order.transactions[0].created_at + timedelta(minutes=1))
    app.fo.faults.add(Fault("throttle", "POST", "CustomerPaymentJournalHeaders"))
    await one.deliver(topic="orders/create")
    link = await link_of(one)
    assert (one.paid, link.parked_parts, link.payments_wait) == ([], {Part.PAYMENTS}, True)
    searches = app.fo.scans["CustomerPaymentJournalLines"]
    await app.redeliver_waiting()
    assert app.fo.scans["CustomerPaymentJournalLines"] == searches
    link = await link_of(one)
    assert (one.paid, link.parked_parts, link.payments_wait) == ([Decimal("39.98")], frozenset(), False)


@pytest.mark.parametrize("kind", ["throttle", "denied"])
async def test_a_payment_that_waited_for_long_and_was_booked_by_hand_is_not_booked_again(app: App, kind: Any) -> None:
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    (payment,) = one.order.transactions
    start = payment.created_at + timedelta(minutes=1)
    app.payments_now = _stopped(start)
    app.fo.faults.add(Fault(kind, "POST", "CustomerPaymentJournalHeaders"))
    await one.deliver(topic="orders/create")
    link = await link_of(one)
    journal = {"dataAreaId": "nleu", "JournalName": "SHOPPAY", "Description": "by hand"}
    number = (await app.client.create("CustomerPaymentJournalHeaders", journal))["JournalBatchNumber"]
    line = {
        "dataAreaId": "nleu",
        "JournalBatchNumber": number,
        "LineNumber": Decimal(1),
        "AccountType": "Cust",
        "AccountDisplayValue": link.customer_account,
        "CurrencyCode": "EUR",
        "PaymentId": str(payment.id),
        "PaymentReference": link.sales_order,
        "CreditAmount": Decimal("39.98"),
        "OffsetAccountType": "Ledger",
        "OffsetAccountDisplayValue": "110110",
        "TransactionDate": start,
    }
    await app.client.create("CustomerPaymentJournalLines", line)
    app.payments_now = _stopped(start + timedelta(minutes=31))
    await app.redeliver_waiting()
    assert one.paid == [Decimal("39.98")]


async def test_a_payment_that_waited_and_was_then_refused_is_not_forgotten_where_the_app_dies(app: App) -> None:
    """Before the refusal is parked and marked in the link."""
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    app.fo.faults.add(Fault("throttle", "POST", "CustomerPaymentJournalHeaders"))
    created = of_topic(one.pending(), "orders/create")
    app.shopify.show("nordlys", one.order)
    await app.handle(created)
    app.fo.faults.add(Fault("changed", "POST", "CustomerPaymentJournalHeaders"))
    refused = as_parts(await sync_order(app._envelope(created), app._ports))
    assert [park.part for park in refused.parked] == [Part.PAYMENTS]
    link = await link_of(one)
    assert link.parked_parts == {Part.PAYMENTS}
    await app.handle(created)
    assert one.paid == [Decimal("39.98")]


# ---- the pause between two changes


async def test_a_change_waits_until_the_pause_after_the_last_one_is_over(app: App) -> None:
    app.change_pause = timedelta(seconds=10)
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    now = [datetime.now(UTC)]
    app.now = lambda: now[0]
    await one.deliver()
    assert not app.waiting
    now[0] += timedelta(seconds=4)
    one.change("edit", quantities={"TENT-2P": 3})
    updated = of_topic(one.pending(), "orders/updated")
    app.shopify.show("nordlys", one.order)
    assert (await outcome_of(app, updated)).retry_after == timedelta(seconds=6)
    assert [line["OrderedSalesQuantity"] for line in one.lines] == [2]
    now[0] += timedelta(seconds=6)
    await app.handle(updated)
    assert (app.waiting, [line["OrderedSalesQuantity"] for line in one.lines]) == ([], [3])


async def test_a_cancellation_does_not_wait_for_the_pause(app: App) -> None:
    app.change_pause = timedelta(seconds=10)
    one = OneOrder(app, BY_THE_EVENT_ALONE, checkout("nordlys", TENTS, payment="unpaid"))
    app.now = _stopped(datetime.now(UTC))
    await one.deliver()
    await one.step("cancel", refund=False)
    assert (app.waiting, one.rows("SalesOrderHeadersV4")) == ([], [])


def _stopped(at: datetime) -> Any:
    return lambda: at
