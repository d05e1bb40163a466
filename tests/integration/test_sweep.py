"""What webhooks missed reaches F&O all the same, and what differs is told and left alone: over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from fixtures.sweep import Storage, Town, azure_storage, running_town

from local.shopify.events import Event
from local.shopify.topics import ALL_TOPICS
from shared.errors import TransientError
from shared.sync.messages.intake import TOPICS
from tests.builders.sales import euros

TOTAL = Decimal("253.95")  # a tent and its shipping


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[Storage]:
    async with azure_storage() as started:
        yield started


@pytest.fixture
async def town(storage: Storage) -> AsyncIterator[Town]:
    async with running_town(storage) as built:
        await built.sweep()  # the first run begins at its own moment
        built.clock.forward(1)
        yield built


# ---- what webhooks missed


async def test_an_order_that_no_webhook_told_of_is_brought_to_fo(town: Town) -> None:
    order = town.buy()
    assert await town.later() == [str(order.id)]
    assert await town.work() == [str(order.id)]
    assert await town.number(order) == f"SN{order.id}"
    (told,) = town.events("sweep.order_missed")
    assert (told["order"], told["level"]) == (order.id, "WARNING")
    (done,) = await town.journal(order, "done")
    assert (done["topic"], done["document"]) == ("sweep/order", f"SN{order.id}")
    assert await town.later() == []


async def test_what_every_webhook_told_of_is_sent_to_nobody(town: Town) -> None:
    order = await town.bought()
    await town.step(order, "fulfill", hear=("orders/updated",))  # nothing that F&O keeps: its link stays as it was
    assert (await town.link(order)).version < order.updated_at
    assert await town.later() == []
    assert town.events("sweep.done")[0]["changed"] == 1


async def test_an_order_is_left_alone_while_its_webhooks_may_be_under_way(town: Town) -> None:
    order = town.buy()
    assert await town.later(9) == []
    assert await town.later(2) == [str(order.id)]


async def test_a_change_that_no_webhook_told_of_is_made(town: Town) -> None:
    order = await town.bought()
    await town.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    assert await town.later() == [str(order.id)]
    assert town.events("reconciliation.difference") == []
    await town.work()
    assert {line["ItemNumber"] for line in await town.lines(order)} == {"TENT-2P", "FREIGHT", "MAP-NORDIC"}


async def test_what_is_sent_and_not_handled_yet_is_the_same_event(town: Town) -> None:
    order = town.buy()
    await town.later()
    assert await town.later() == [str(order.id)]  # once in the queue, which drops the second


async def test_what_got_lost_on_our_side_is_sent_again(town: Town) -> None:
    order = town.buy()
    await town.later()
    town.queue.waiting.clear()
    town.queue.seen.clear()
    assert await town.later() == [str(order.id)]


async def test_an_order_that_is_parked_is_not_sent_again(town: Town) -> None:
    order = town.buy(shipping=[{"title": "Pigeon", "code": "PIGEON", "price": "4.95"}])
    await town.hear(order, Event("orders/create", order))
    assert len(await town.journal(order, "parked")) == 1
    assert await town.later() == []


async def test_an_order_of_before_the_app_is_nobodys(storage: Storage) -> None:
    async with running_town(storage) as fresh:
        fresh.buy()
        fresh.clock.forward(1)
        await fresh.sweep()
        assert [await fresh.later() for _ in range(3)] == [[], [], []]


async def test_an_order_that_a_person_gave_up_is_left_to_him(town: Town) -> None:
    order = await town.bought()
    await town.ports.orders.links.put(replace(await town.link(order), given_up=True))
    await town.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    assert await town.later() == []
    assert town.events("reconciliation.done")[0]["unknown"] == 1


async def test_a_store_whose_orders_are_switched_off_is_not_swept(town: Town) -> None:
    town.use(flows={"orders": False, "stock": False, "write_back": False})
    town.buy()
    assert await town.later() == []
    assert town.events("sweep.done") == []


async def test_a_long_list_is_read_to_its_end(town: Town) -> None:
    orders = [town.buy() for _ in range(260)]
    town.forget_calls()
    assert sorted(await town.later()) == sorted(str(order.id) for order in orders)
    assert town.shopify_calls().count("SweepOrders") == 5  # 2 stores, changes and comparison, and one page more


async def test_one_stores_trouble_does_not_stop_the_other(town: Town) -> None:
    order = town.buy()
    town.fault("unavailable", shop=town.shop("prairie").seed.domain, times=None)
    town.clock.forward(15)
    with pytest.raises(BaseExceptionGroup) as raised:
        await town.sweep()
    (trouble,) = raised.value.exceptions
    assert isinstance(trouble, TransientError)
    assert [envelope.entity_id for envelope in town.queue.waiting] == [str(order.id)]
    assert town.events("sweep.done", "prairie")[0]["halted"] == "TransientError"


async def test_a_throttled_run_is_no_failure_and_the_next_one_finds_the_same(town: Town) -> None:
    order = town.buy()
    town.fault("too_many_requests", operation="SweepOrders", retry_after="60", times=2)
    assert await town.later() == []
    assert [each["halted"] is not None for each in town.told if each["event"] == "sweep.done"] == [True, True]
    assert await town.later() == [str(order.id)]


async def test_a_run_that_is_out_of_time_is_gone_on_with(town: Town) -> None:
    for _ in range(251):
        town.buy()
        town.clock.forward(0.1)
    town.clock.forward(15)

    async def take_long() -> None:
        town.clock.forward(2)

    town.meanwhile(SweepOrders=take_long)
    await town.sweep()
    assert len(town.queue.waiting) == 250
    assert town.events("sweep.done")[0]["halted"] == "more orders changed than one run looks at"
    assert town.events("reconciliation.done") == []
    town.meanwhile()
    assert len(await town.later()) == 251
    assert town.events("sweep.done")[0]["changed"] == 2  # from the last order's second on


# ---- webhook subscriptions


async def test_a_subscription_that_shopify_dropped_is_told(town: Town) -> None:
    town.subscribe()
    await town.later()
    assert town.events("webhooks.subscription_lost") == []
    town.unsubscribe("orders/updated")
    await town.later()
    assert [each["topic"] for each in town.events("webhooks.subscription_lost")] == ["orders/updated"]


async def test_when_all_are_dropped_every_topic_is_told_until_they_are_back(town: Town) -> None:
    town.subscribe()
    await town.later()
    town.unsubscribe(*ALL_TOPICS)
    for _ in range(2):
        await town.later()
        assert len(town.events("webhooks.subscription_lost")) == sum(map(len, TOPICS.values()))


async def test_subscriptions_of_the_apps_own_configuration_are_not_looked_for(town: Town) -> None:
    await town.later()
    assert town.events("webhooks.subscription_lost") == []


# ---- whether both agree


async def test_an_order_that_agrees_costs_its_reads_and_no_write(town: Town) -> None:
    await town.bought()
    town.forget_calls()
    await town.later()
    (done,) = town.events("reconciliation.done")
    assert (done["agreeing"], done["differing"], done["level"]) == (1, 0, "INFO")
    assert done["shopify"] == done["fo"] == f"{TOTAL} EUR"
    assert sorted(call.split("(")[0] for call in town.fo_calls()) == [
        "GET /data/CustomerPaymentJournalLines",
        "GET /data/SalesLineBiEntities",
        "GET /data/SalesOrderHeadersV4",
        "GET /data/SalesOrderLinesV3",
    ]
    assert sorted(town.shopify_calls()) == [
        *["OrderState"],
        *["SweepOrders"] * 4,
        *["SweepSubscriptions"] * 2,
    ]


async def test_an_idle_run_asks_shopify_three_times_for_each_store_and_fo_nothing(town: Town) -> None:
    town.forget_calls()
    assert await town.later() == []
    assert len(town.shopify_calls()) == 6
    assert town.fo_calls() == []
    assert town.events("reconciliation.done") == []


async def test_a_line_that_was_changed_in_fo_is_told_in_every_run_and_left_alone(town: Town) -> None:
    order = await town.bought()
    await town.reprice(order, Decimal("1.00"))
    for runs in (1, 2):
        assert await town.later() == []
        (told,) = town.events("reconciliation.difference")
        assert (told["code"], told["order"]) == ("SALES_ORDER_DIFFERS", order.name)
        assert told["shopify"] == f"{TOTAL} EUR"
        assert told["fo"] == f"{TOTAL - 248} EUR"
        assert "what" not in told  # it may be an address: the journal has it
        assert len(await town.journal(order, "differs")) == runs
    assert {line["SalesPrice"] for line in await town.lines(order)} >= {1}


async def test_a_payment_that_was_deleted_in_fo_is_told(town: Town) -> None:
    order = await town.bought()
    await town.delete_payments(order)
    assert await town.later() == []
    (told,) = town.events("reconciliation.difference")
    assert (told["code"], told["fo"]) == ("PAYMENT_DIFFERS", "nothing")
    assert told["shopify"] == f"{TOTAL} EUR"
    assert await town.payments() == []


async def test_a_payment_that_we_never_heard_of_is_brought(town: Town) -> None:
    order = await town.bought(payment={"kind": "authorization"})
    await town.step(order, "capture", hear=("orders/updated",))  # which tells of no payment
    assert await town.later() == [str(order.id)]
    assert town.events("reconciliation.difference") == []
    await town.work()
    (line,) = await town.payments()
    assert line["CreditAmount"] == TOTAL
    await town.later()
    assert town.events("reconciliation.done")[0]["agreeing"] == 1


async def test_a_refund_that_we_never_heard_of_is_brought(town: Town) -> None:
    order = await town.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await town.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}])
    await town.step(order, "fulfill", hear=("orders/fulfilled",))
    await town.later()
    await town.work()
    assert len(await town.payments()) == 2
    await town.later()
    assert town.events("reconciliation.done")[0]["agreeing"] == 1


async def test_a_refund_that_left_no_trace_with_us_is_brought(town: Town) -> None:
    order = await town.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await town.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], hear=("refunds/create",))
    await town.forget_refunds()
    assert await town.later() == [str(order.id)]
    await town.work()
    assert await town.refunds(order)


async def test_what_was_missed_before_the_overlap_is_brought_too(town: Town) -> None:
    order = await town.bought()
    await town.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    await town.later()
    town.queue.waiting.clear()  # it got lost, and nobody looked for hours
    town.clock.forward(180)
    town.buy()
    for _ in range(2):
        await town.later()
    town.queue.waiting.clear()
    town.queue.seen.clear()
    assert str(order.id) in await town.later()
    assert [each.get("what") for each in town.events("sweep.order_missed")][-1] == "a change"


async def test_an_order_that_cannot_be_read_does_not_stop_the_others(town: Town) -> None:
    _, second = await town.bought(), await town.bought()
    await town.reprice(second, Decimal("1.00"))
    town.fault("unavailable", operation="OrderState", times=3)
    town.clock.forward(15)
    with pytest.raises(BaseExceptionGroup):
        await town.sweep()
    town.forget_calls()
    await town.later()
    assert town.shopify_calls().count("OrderState") == 1
    assert [told["order"] for told in town.events("reconciliation.difference")] == [second.name]


async def test_an_order_that_changes_while_it_is_compared_is_no_difference(town: Town) -> None:
    order = await town.bought()

    async def edit() -> None:
        await town.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 1}])

    town.meanwhile(OrderState=edit)
    await town.later()
    assert (town.events("reconciliation.done")[0]["busy"], town.events("reconciliation.difference")) == (1, [])


async def test_a_refund_that_waits_for_fos_invoice_is_no_difference(town: Town) -> None:
    order = await town.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await town.step(order, "fulfill", hear=("orders/fulfilled",))
    await town.post(f"{town.fo.base_url}/_sim/orders/nleu/{await town.number(order)}/pack")
    back = [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]
    await town.step(order, "refund", lines=back, hear=("refunds/create",))
    assert await town.journal(order, "waiting")
    await town.later()
    assert (town.events("reconciliation.done")[0]["busy"], town.events("reconciliation.difference")) == (1, [])


async def test_a_refund_that_is_worth_something_else_now_is_told(town: Town) -> None:
    order = await town.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await town.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], hear=("refunds/create",))
    (row,) = (await town.refunds(order)).values()
    await town.ports.orders.refunds.refunds.put(replace(row, worth=euros("200.00")))
    assert await town.later() == []
    (told,) = town.events("reconciliation.difference")
    assert (told["code"], told["shopify"], told["fo"]) == ("REFUND_DIFFERS", "249.00 EUR", "200.00 EUR")


async def test_an_order_that_the_rules_do_not_translate_is_told(town: Town) -> None:
    await town.bought()
    town.use(shipping=({"code": "OTHER", "delivery_mode": "STD"},))
    await town.later()
    (told,) = town.events("reconciliation.refused")
    assert told["code"] == "SHIPPING_WITHOUT_RULE"


async def test_an_order_that_was_deleted_in_fo_is_told(town: Town) -> None:
    order = await town.bought()
    for line in await town.lines(order):
        await town.client.delete("SalesOrderLinesV3", {"dataAreaId": "nleu", "InventoryLotId": line["InventoryLotId"]})
    key = {"dataAreaId": "nleu", "SalesOrderNumber": await town.number(order)}
    await town.client.delete("SalesOrderHeadersV4", key)
    await town.later()
    assert [told["code"] for told in town.events("reconciliation.difference")] == ["FO_ORDER_GONE"]


async def test_a_cancelled_and_a_refunded_order_agree(town: Town) -> None:
    cancelled, smaller = await town.bought(), await town.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await town.step(cancelled, "cancel", refund=True, hear=("orders/cancelled", "refunds/create"))
    await town.step(smaller, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], hear=("refunds/create",))
    await town.later()
    (done,) = town.events("reconciliation.done")
    assert (done["agreeing"], done["differing"], done["missed"]) == (2, 0, 0)


async def test_a_change_that_waits_for_a_person_is_no_difference(town: Town) -> None:
    order = await town.bought()
    url = f"{town.fo.base_url}/_sim/orders/nleu/{await town.number(order)}"
    for action in ("pack", "invoice"):
        await town.post(f"{url}/{action}")
    await town.step(order, "edit", quantities={"TENT-2P": 2}, hear=("orders/updated",))
    await town.step(order, "edit", quantities={"TENT-2P": 0}, hear=("orders/updated",))
    assert await town.journal(order, "parked")
    await town.hear(order, Event("orders/updated", order))  # says the same, and is done with
    await town.later()
    assert (town.events("reconciliation.done")[0]["busy"], town.events("reconciliation.difference")) == (1, [])


async def test_the_sample_goes_round(town: Town) -> None:
    town.use(sweep={"sample": 2})
    for _ in range(3):
        await town.bought()
    counts = []
    for _ in range(3):
        await town.later()
        counts.append(town.events("reconciliation.done")[0]["agreeing"])
    assert counts == [2, 1, 2]


async def test_an_order_older_than_the_window_is_not_compared(town: Town) -> None:
    town.use(sweep={"window_days": 1})
    await town.bought()
    await town.later(60 * 23)
    assert town.events("reconciliation.done")[0]["agreeing"] == 1
    await town.later(60 * 2)
    assert town.events("reconciliation.done") == []


async def test_nothing_is_compared_where_the_rules_say_so(town: Town) -> None:
    town.use(sweep={"sample": 0})
    order = await town.bought()
    await town.reprice(order, Decimal("1.00"))
    town.forget_calls()
    await town.later()
    assert town.fo_calls() == []
