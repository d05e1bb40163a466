"""Missed webhooks reach F&O, and differences are reported and not corrected: over the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from fixtures.sweep import Storage, SweepScenario, azure_storage, running_sweep_scenario

from local.shopify.events import Event
from local.shopify.topics import ALL_TOPICS
from shared.errors import TransientError
from shared.flows import ORDERS
from shared.model import Part
from tests.builders.sales import euros

TOTAL = Decimal("253.95")  # a tent and its shipping
AUTHORIZED = {"kind": "authorization"}


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[Storage]:
    async with azure_storage() as started:
        yield started


@pytest.fixture
async def scenario(storage: Storage) -> AsyncIterator[SweepScenario]:
    async with running_sweep_scenario(storage) as built:
        await built.sweep()  # the first run begins at its own moment
        built.clock.forward(1)
        yield built


# ---- what webhooks missed


async def test_an_order_whose_webhooks_were_lost_is_brought_to_fo(scenario: SweepScenario) -> None:
    order = scenario.buy()
    assert await scenario.later() == [str(order.id)]
    assert await scenario.work() == [str(order.id)]
    assert await scenario.number(order) == f"SN{order.id}"
    (logged,) = scenario.events("sweep.order_missed")
    assert (logged["order"], logged["level"]) == (order.id, "WARNING")
    (done,) = await scenario.journal(order, "done")
    assert (done["topic"], done["document"]) == ("sweep/order", f"SN{order.id}")
    assert await scenario.later() == []


async def test_an_order_whose_webhooks_all_arrived_is_not_sent_again(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.step(
        order, "fulfill", received=("orders/updated",)
    )  # nothing that F&O keeps: its link stays as it was
    assert (await scenario.link(order)).version < order.updated_at
    assert await scenario.later() == []
    assert scenario.events("sweep.done")[0]["changed"] == 1


async def test_an_order_that_is_neither_in_fo_nor_parked_after_15_minutes_is_late_in_every_run(
    scenario: SweepScenario,
) -> None:
    scenario.use(sweep={"heal": ()})
    order = scenario.buy()
    await scenario.later(14)
    assert scenario.events("sweep.order_late") == []
    for minutes in (1, 15):
        await scenario.later(minutes)
        (late,) = scenario.events("sweep.order_late")
        assert (late["store"], late["entity_id"], late["order"]) == ("nordlys", str(order.id), order.name)
        assert scenario.events("sweep.done")[0]["late"] == 1


async def test_an_order_that_is_booked_or_parked_is_not_late(scenario: SweepScenario) -> None:
    booked = await scenario.bought()
    await scenario.step(booked, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 1}])
    parked = scenario.buy(shipping=[{"title": "Pigeon", "code": "PIGEON", "price": "4.95"}])
    await scenario.receive(parked, Event("orders/create", parked))
    assert len(await scenario.journal(parked, "parked")) == 1
    await scenario.step(parked, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 1}])
    assert sorted(await scenario.later(30)) == sorted([str(booked.id), str(parked.id)])
    assert scenario.events("sweep.order_late") == []


async def test_an_order_is_left_alone_while_its_webhooks_may_be_under_way(scenario: SweepScenario) -> None:
    order = scenario.buy()
    assert await scenario.later(9) == []
    assert await scenario.later(2) == [str(order.id)]


async def test_a_change_whose_webhook_was_lost_is_made(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    assert await scenario.later() == [str(order.id)]
    assert scenario.events("reconciliation.difference") == []
    await scenario.work()
    assert {line["ItemNumber"] for line in await scenario.lines(order)} == {"TENT-2P", "FREIGHT", "MAP-NORDIC"}


async def test_what_is_sent_and_not_handled_yet_is_not_sent_again(scenario: SweepScenario) -> None:
    new, changed, unpaid = scenario.buy(), await scenario.bought(), await scenario.bought(payment=AUTHORIZED)
    await scenario.step(changed, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    await scenario.step(unpaid, "capture", received=("orders/updated",))
    sent = await scenario.later()
    assert sorted(sent) == sorted(str(order.id) for order in (new, changed, unpaid))
    for _ in range(3):
        assert await scenario.later() == sent


async def test_what_is_sent_and_not_handled_yet_is_not_compared(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    _, delivered = await scenario.number(order), await scenario.book_again(order)
    await scenario.advance(delivered, "pack")
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}], received=("orders/updated",))
    sent = await scenario.later()
    assert sent == [str(order.id)]  # the link follows the other sales order, which the event will change
    assert await scenario.later() == sent
    assert {told["code"] for told in scenario.events("reconciliation.difference")} == {"SALES_ORDER_TWICE"}
    assert scenario.events("reconciliation.done")[0]["busy"] == 1


async def test_a_run_counts_an_order_that_it_has_just_sent_once(scenario: SweepScenario) -> None:
    first = await scenario.bought()
    await scenario.step(first, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    scenario.clock.forward(240)
    scenario.buy()  # from which the next run looks back less than to the first
    await scenario.later()
    assert [told["order"] for told in scenario.events("sweep.order_missed")].count(first.id) == 1
    (compared,) = scenario.events("reconciliation.done")
    assert (compared["missed"], compared["busy"]) == (0, 2)


async def test_what_got_lost_on_our_side_is_sent_again_after_the_overlap(scenario: SweepScenario) -> None:
    order = scenario.buy()
    await scenario.later()
    scenario.queue.waiting.clear()
    assert await scenario.later(100) == []
    assert await scenario.later(20) == [str(order.id)]


async def test_every_healing_is_in_the_journal_with_what_came_of_it(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    await scenario.later()
    await scenario.work()
    (sent,) = await scenario.journal(order, "sent")
    assert (sent["topic"], sent["note"]) == ("sweep/heal", "states: a change")
    handled = [row for row in await scenario.journal(order, "done") if row["event_id"] == sent["event_id"]]
    assert len(handled) == 1


async def test_an_order_whose_event_the_app_lost_for_good_is_booked(scenario: SweepScenario) -> None:
    order = await scenario.bought()  # the journal has its events, and neither F&O nor the link has the order
    await scenario.remove_from_fo(order)
    await scenario.forget_links()
    assert await scenario.later() == [str(order.id)]
    assert [row["note"] for row in await scenario.journal(order, "sent")] == ["orders: F&O lacks the order"]
    await scenario.work()
    assert {line["ItemNumber"] for line in await scenario.lines(order)} == {"TENT-2P", "FREIGHT"}


async def test_what_the_rules_do_not_heal_is_reported_and_left(scenario: SweepScenario) -> None:
    scenario.use(sweep={"heal": ()})
    new, changed, unpaid = scenario.buy(), await scenario.bought(), await scenario.bought(payment=AUTHORIZED)
    await scenario.step(changed, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    await scenario.step(unpaid, "capture", received=("orders/updated",))
    assert await scenario.later() == []
    told = {each["order"]: each["sent"] for each in scenario.events("sweep.order_missed")}
    assert told == {new.id: False, changed.id: False, unpaid.id: False}
    assert await scenario.later() == []
    assert scenario.events("sweep.order_missed") == []
    for order in (new, changed, unpaid):
        assert len(await scenario.journal(order, "left")) == 1


async def test_a_sales_order_that_differs_is_mended_where_the_rules_say_so(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    scenario.use(sweep={"heal": ("orders", "states", "differences")}, changes={"by_staff": "overrule"})
    await scenario.reprice(order, Decimal("1.00"))
    assert await scenario.later() == [str(order.id)]
    assert [told["code"] for told in scenario.events("reconciliation.difference")] == ["SALES_ORDER_DIFFERS"]
    await scenario.work()
    assert sum(line["LineAmount"] for line in await scenario.lines(order)) == TOTAL
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1


async def test_an_order_that_is_parked_is_not_sent_again(scenario: SweepScenario) -> None:
    order = scenario.buy(shipping=[{"title": "Pigeon", "code": "PIGEON", "price": "4.95"}])
    await scenario.receive(order, Event("orders/create", order))
    assert len(await scenario.journal(order, "parked")) == 1
    assert await scenario.later() == []


async def test_an_order_placed_before_the_app_was_installed_is_left_alone(storage: Storage) -> None:
    async with running_sweep_scenario(storage) as fresh:
        fresh.buy()
        fresh.clock.forward(1)
        await fresh.sweep()
        assert [await fresh.later() for _ in range(3)] == [[], [], []]


async def test_an_order_that_the_operator_gave_up_is_left_alone(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.ports.orders.links.put(replace(await scenario.link(order), given_up=True))
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    assert await scenario.later() == []
    assert scenario.events("reconciliation.done")[0]["unknown"] == 1


async def test_a_store_whose_orders_are_switched_off_is_not_swept(scenario: SweepScenario) -> None:
    scenario.use(flows={"orders": False, "stock": False, "write_back": False})
    scenario.buy()
    assert await scenario.later() == []
    assert scenario.events("sweep.done") == []


async def test_a_long_list_is_read_to_its_end(scenario: SweepScenario) -> None:
    orders = [scenario.buy() for _ in range(260)]
    scenario.forget_calls()
    assert sorted(await scenario.later()) == sorted(str(order.id) for order in orders)
    assert scenario.shopify_calls().count("SweepOrders") == 5  # 2 stores, changes and comparison, and one page more


async def test_an_error_of_one_store_does_not_stop_the_other(scenario: SweepScenario) -> None:
    order = scenario.buy()
    scenario.fault("unavailable", shop=scenario.shop("prairie").seed.domain, times=None)
    scenario.clock.forward(15)
    with pytest.raises(BaseExceptionGroup) as raised:
        await scenario.sweep()
    (trouble,) = raised.value.exceptions
    assert isinstance(trouble, TransientError)
    assert [envelope.entity_id for envelope in scenario.queue.waiting] == [str(order.id)]
    assert scenario.events("sweep.done", "prairie")[0]["halted"] == "TransientError"


async def test_a_throttled_run_is_no_failure_and_the_next_one_finds_the_same(scenario: SweepScenario) -> None:
    order = scenario.buy()
    scenario.fault("too_many_requests", operation="SweepOrders", retry_after="60", times=2)
    assert await scenario.later() == []
    assert [each["halted"] is not None for each in scenario.log_records if each["event"] == "sweep.done"] == [
        True,
        True,
    ]
    assert await scenario.later() == [str(order.id)]


async def test_a_run_that_is_out_of_time_is_continued_by_the_next(scenario: SweepScenario) -> None:
    for _ in range(251):
        scenario.buy()
        scenario.clock.forward(0.1)
    scenario.clock.forward(15)

    async def take_long() -> None:
        scenario.clock.forward(2)

    scenario.meanwhile(SweepOrders=take_long)
    await scenario.sweep()
    assert len(scenario.queue.waiting) == 250
    assert scenario.events("sweep.done")[0]["halted"] == "more orders changed than one run checks"
    assert scenario.events("reconciliation.done") == []
    scenario.meanwhile()
    assert len(await scenario.later()) == 251
    assert scenario.events("sweep.done")[0]["changed"] == 2  # from the last order's second on


# ---- webhook subscriptions


async def test_a_subscription_that_shopify_dropped_is_reported(scenario: SweepScenario) -> None:
    scenario.subscribe()
    await scenario.later()
    assert scenario.events("webhooks.subscription_lost") == []
    scenario.unsubscribe("orders/updated")
    await scenario.later()
    assert [each["topic"] for each in scenario.events("webhooks.subscription_lost")] == ["orders/updated"]


async def test_when_all_subscriptions_are_dropped_every_topic_is_reported_until_they_are_back(
    scenario: SweepScenario,
) -> None:
    scenario.subscribe()
    await scenario.later()
    scenario.unsubscribe(*ALL_TOPICS)
    for _ in range(2):
        await scenario.later()
        assert len(scenario.events("webhooks.subscription_lost")) == sum(map(len, ORDERS.webhooks.values()))


def subscriptions(scenario: SweepScenario) -> dict[str, tuple[int, str]]:
    """Id and address of those that were made through the Admin API, by topic."""
    made = scenario.shop().subscriptions.values()
    return {each.topic: (each.id, each.uri) for each in made if each.through_api}


def address(topic: str) -> str:
    (family,) = [family for family, topics in ORDERS.webhooks.items() if topic in topics]
    return f"https://orders.contoso.com/api/webhooks/shopify/nordlys/{family}"


async def test_a_sweep_subscribes_to_what_is_missing_and_repairs_what_sends_to_the_old_address(
    scenario: SweepScenario,
) -> None:
    scenario.shop().subscriptions.clear()
    scenario.subscribe()
    scenario.unsubscribe("orders/create", "refunds/create")
    before = subscriptions(scenario)
    scenario.ports = replace(scenario.ports, own_address="https://orders.contoso.com")
    await scenario.sweep()
    wanted = {topic for topics in ORDERS.webhooks.values() for topic in topics}
    after = {topic: made for topic, made in subscriptions(scenario).items() if topic in wanted}
    assert {topic: uri for topic, (_, uri) in after.items()} == {topic: address(topic) for topic in wanted}
    kept = wanted - {"orders/create", "refunds/create"}
    assert {topic: after[topic][0] for topic in kept} == {topic: before[topic][0] for topic in kept}
    scenario.forget_calls()
    await scenario.later()
    calls = [call for call in scenario.shopify_calls() if call in {"Subscribe", "SubscriptionRepair"}]
    assert (calls, scenario.events("webhooks.subscription_lost")) == ([], [])


async def test_an_app_that_may_not_subscribe_says_why_until_it_may(scenario: SweepScenario) -> None:
    scenario.shop().subscriptions.clear()
    scenario.shop().protected_data_approved = False
    scenario.ports = replace(scenario.ports, own_address="https://orders.contoso.com")
    await scenario.sweep()
    count = sum(map(len, ORDERS.webhooks.values()))
    assert [each["code"] for each in scenario.events("webhooks.subscription_lost")] == ["SUBSCRIPTION_REFUSED"] * count
    rows = await scenario.ports.journal.history("nordlys", "")
    assert len([row for row in rows if "not approved to subscribe" in row["note"]]) == count
    scenario.shop().protected_data_approved = True
    await scenario.later()
    assert scenario.events("webhooks.subscription_lost") == []
    assert len(subscriptions(scenario)) == count


async def test_subscriptions_of_the_apps_own_configuration_are_not_looked_for(scenario: SweepScenario) -> None:
    await scenario.later()
    assert scenario.events("webhooks.subscription_lost") == []


# ---- whether both agree


async def test_an_order_that_agrees_costs_its_reads_and_no_write(scenario: SweepScenario) -> None:
    await scenario.bought()
    scenario.forget_calls()
    await scenario.later()
    (done,) = scenario.events("reconciliation.done")
    assert (done["agreeing"], done["differing"], done["level"]) == (1, 0, "INFO")
    assert done["shopify"] == done["fo"] == f"{TOTAL} EUR"
    assert sorted(call.split("(")[0] for call in scenario.fo_calls()) == [
        "GET /data/CustomerPaymentJournalLines",
        "GET /data/SalesLineBiEntities",
        "GET /data/SalesOrderHeadersV2",
        "GET /data/SalesOrderHeadersV4",
    ]
    assert sorted(scenario.shopify_calls()) == [
        *["OrderState"],
        *["Subscriptions"] * 2,
        *["SweepOrders"] * 4,
    ]


async def test_an_idle_run_asks_shopify_three_times_for_each_store_and_fo_nothing(scenario: SweepScenario) -> None:
    scenario.forget_calls()
    assert await scenario.later() == []
    assert len(scenario.shopify_calls()) == 6
    assert scenario.fo_calls() == []
    assert scenario.events("reconciliation.done") == []


async def test_a_line_that_was_changed_in_fo_is_reported_in_every_run_and_left_alone(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.reprice(order, Decimal("1.00"))
    for runs in (1, 2):
        assert await scenario.later() == []
        (logged,) = scenario.events("reconciliation.difference")
        assert (logged["code"], logged["order"]) == ("SALES_ORDER_DIFFERS", order.name)
        assert logged["shopify"] == f"{TOTAL} EUR"
        assert logged["fo"] == f"{TOTAL - 248} EUR"
        assert "what" not in logged  # it may be an address: the journal has it
        assert len(await scenario.journal(order, "differs")) == runs
    assert {line["SalesPrice"] for line in await scenario.lines(order)} >= {1}


async def test_a_payment_that_was_deleted_in_fo_is_reported(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.delete_payments(order)
    assert await scenario.later() == []
    (logged,) = scenario.events("reconciliation.difference")
    assert (logged["code"], logged["fo"]) == ("PAYMENT_DIFFERS", "nothing")
    assert logged["shopify"] == f"{TOTAL} EUR"
    assert await scenario.payments() == []


async def test_a_payment_whose_webhook_was_lost_is_brought_to_fo(scenario: SweepScenario) -> None:
    order = await scenario.bought(payment={"kind": "authorization"})
    await scenario.step(order, "capture", received=("orders/updated",))  # which has no payment
    assert await scenario.later() == [str(order.id)]
    assert scenario.events("reconciliation.difference") == []
    await scenario.work()
    (line,) = await scenario.payments()
    assert line["CreditAmount"] == TOTAL
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1


async def test_a_refund_whose_webhook_was_lost_is_brought_to_fo(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}])
    await scenario.step(order, "fulfill", received=("orders/fulfilled",))
    await scenario.later()
    await scenario.work()
    assert len(await scenario.payments()) == 2
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1


async def test_a_refund_without_a_record_in_our_tables_is_brought_to_fo(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], received=("refunds/create",))
    await scenario.forget_refunds()
    assert await scenario.later() == [str(order.id)]
    await scenario.work()
    assert await scenario.refunds(order)


async def test_every_refund_of_a_long_list_is_compared(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 7}])
    for _ in range(6):
        await scenario.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}])
    await scenario.receive(order, Event("orders/updated", order))
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1
    await scenario.forget_refunds()
    await scenario.later()
    (told,) = scenario.events("sweep.order_missed")
    assert told["what"].split(", ") == [f"refund {each.id}" for each in order.refunds]


async def test_what_was_missed_before_the_overlap_is_brought_too(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    await scenario.later()
    scenario.queue.waiting.clear()  # it got lost hours ago
    scenario.clock.forward(180)
    scenario.buy()
    for _ in range(2):
        await scenario.later()
    scenario.queue.waiting.clear()
    assert str(order.id) in await scenario.later(150)
    assert [each.get("what") for each in scenario.events("sweep.order_missed")][-1] == "a change"


async def test_an_order_that_cannot_be_read_does_not_stop_the_others(scenario: SweepScenario) -> None:
    _, second = await scenario.bought(), await scenario.bought()
    await scenario.reprice(second, Decimal("1.00"))
    scenario.fault("unavailable", operation="OrderState", times=3)
    scenario.clock.forward(15)
    with pytest.raises(ExceptionGroup) as raised:
        await scenario.sweep()
    assert [type(each) for each in raised.value.exceptions] == [TransientError]
    scenario.forget_calls()
    await scenario.later()
    assert scenario.shopify_calls().count("OrderState") == 1
    assert [logged["order"] for logged in scenario.events("reconciliation.difference")] == [second.name]


async def test_an_order_that_changes_while_it_is_compared_is_no_difference(scenario: SweepScenario) -> None:
    order = await scenario.bought()

    async def edit() -> None:
        await scenario.step(order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 1}])

    scenario.meanwhile(OrderState=edit)
    await scenario.later()
    assert (scenario.events("reconciliation.done")[0]["busy"], scenario.events("reconciliation.difference")) == (1, [])


async def test_a_refund_that_waits_for_fos_invoice_is_no_difference(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.step(order, "fulfill", received=("orders/fulfilled",))
    await scenario.post(f"{scenario.fo.base_url}/_sim/orders/nleu/{await scenario.number(order)}/pack")
    back = [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]
    await scenario.step(order, "refund", lines=back, received=("refunds/create",))
    assert await scenario.journal(order, "waiting")
    await scenario.later()
    assert (scenario.events("reconciliation.done")[0]["busy"], scenario.events("reconciliation.difference")) == (1, [])


async def test_a_refund_whose_value_changed_is_reported(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.step(order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], received=("refunds/create",))
    (row,) = (await scenario.refunds(order)).values()
    await scenario.ports.orders.refunds.records.put(replace(row, worth=euros("200.00")))
    assert await scenario.later() == []
    (logged,) = scenario.events("reconciliation.difference")
    assert (logged["code"], logged["shopify"], logged["fo"]) == ("REFUND_DIFFERS", "249.00 EUR", "200.00 EUR")


async def test_an_order_that_the_rules_cannot_translate_is_reported(scenario: SweepScenario) -> None:
    await scenario.bought()
    scenario.use(currencies=("USD",))
    await scenario.later()
    (told,) = scenario.events("reconciliation.refused")
    assert told["code"] == "CURRENCY_WITHOUT_RULE"


async def test_an_order_agrees_although_its_shipping_rule_is_gone(scenario: SweepScenario) -> None:
    await scenario.bought()
    scenario.use(shipping=({"code": "OTHER", "delivery_mode": "STD"},))
    await scenario.later()
    assert scenario.events("reconciliation.refused") == []
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1


async def test_an_order_that_was_deleted_in_fo_is_reported(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.remove_from_fo(order)
    await scenario.later()
    assert [logged["code"] for logged in scenario.events("reconciliation.difference")] == ["FO_ORDER_GONE"]


async def test_a_cancelled_and_a_refunded_order_agree(scenario: SweepScenario) -> None:
    cancelled, smaller = await scenario.bought(), await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await scenario.step(cancelled, "cancel", refund=True, received=("orders/cancelled", "refunds/create"))
    await scenario.step(smaller, "refund", lines=[{"line": "TENT-2P", "quantity": 1}], received=("refunds/create",))
    await scenario.later()
    (done,) = scenario.events("reconciliation.done")
    assert (done["agreeing"], done["differing"], done["missed"]) == (2, 0, 0)


async def test_a_change_that_waits_for_a_person_is_no_difference(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    url = f"{scenario.fo.base_url}/_sim/orders/nleu/{await scenario.number(order)}"
    for action in ("pack", "invoice"):
        await scenario.post(f"{url}/{action}")
    await scenario.step(order, "edit", quantities={"TENT-2P": 2}, received=("orders/updated",))
    await scenario.step(order, "edit", quantities={"TENT-2P": 0}, received=("orders/updated",))
    assert await scenario.journal(order, "parked")
    await scenario.receive(order, Event("orders/updated", order))  # the same state, so it is done
    await scenario.later()
    assert (scenario.events("reconciliation.done")[0]["busy"], scenario.events("reconciliation.difference")) == (1, [])


async def test_the_sample_takes_every_order_in_turn(scenario: SweepScenario) -> None:
    scenario.use(sweep={"sample": 2})
    for _ in range(3):
        await scenario.bought()
    counts = []
    for _ in range(3):
        await scenario.later()
        counts.append(scenario.events("reconciliation.done")[0]["agreeing"])
    assert counts == [2, 1, 2]


async def test_an_order_older_than_the_window_is_not_compared(scenario: SweepScenario) -> None:
    scenario.use(sweep={"window_days": 1})
    await scenario.bought()
    await scenario.later(60 * 23)
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1
    await scenario.later(60 * 2)
    assert scenario.events("reconciliation.done") == []


async def test_nothing_is_compared_where_the_rules_say_so(scenario: SweepScenario) -> None:
    scenario.use(sweep={"sample": 0})
    order = await scenario.bought()
    await scenario.reprice(order, Decimal("1.00"))
    scenario.forget_calls()
    await scenario.later()
    assert scenario.fo_calls() == []


# ---- several sales orders of one order


async def test_of_two_sales_orders_the_one_of_the_link_is_kept_and_the_other_held_until_it_is_cancelled(
    scenario: SweepScenario,
) -> None:
    order = await scenario.bought()
    kept, other = await scenario.number(order), await scenario.book_again(order)
    for _ in range(2):
        scenario.forget_calls()
        assert await scenario.later() == []
        (told,) = scenario.events("reconciliation.difference")
        assert (told["code"], told["order"], told["sales_order"]) == ("SALES_ORDER_TWICE", order.name, kept)
        assert told["fo"] == f"{kept} (open), {other} (open)"
        assert await scenario.held(kept, other) == [False, True]
    assert [call for call in scenario.fo_calls() if not call.startswith("GET")] == []  # the second run writes nothing
    (first, _) = await scenario.journal(order, "differs")
    assert f"The app keeps {kept}. Held in F&O: {other}." in first["note"]
    await scenario.advance(other, "cancel")
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1


async def test_of_two_sales_orders_the_one_that_was_delivered_is_kept_and_the_link_follows_it(
    scenario: SweepScenario,
) -> None:
    order = await scenario.bought()
    linked, delivered = await scenario.number(order), await scenario.book_again(order)
    await scenario.advance(delivered, "pack")
    assert await scenario.later() == [str(order.id)]
    assert [told["code"] for told in scenario.events("reconciliation.difference")] == ["SALES_ORDER_TWICE"]
    assert await scenario.held(linked, delivered) == [True, False]
    await scenario.work()
    assert (await scenario.number(order), bool((await scenario.link(order)).sources)) == (delivered, True)
    await scenario.advance(linked, "cancel")
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1  # its payment names the cancelled one


async def test_the_app_follows_the_sales_order_that_staff_keep(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    linked, other = await scenario.number(order), await scenario.book_again(order)
    await scenario.later()
    await scenario.advance(linked, "cancel")
    await scenario.client.update(
        "SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": other}, {"IsSalesProcessingStopped": "No"}
    )
    assert await scenario.later() == [str(order.id)]
    await scenario.work()
    assert await scenario.number(order) == other
    await scenario.later()
    assert (scenario.events("reconciliation.done")[0]["agreeing"], await scenario.held(other)) == (1, [False])


async def test_if_both_have_moved_the_one_that_can_still_be_held_is_held(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    invoiced, delivered = await scenario.number(order), await scenario.book_again(order)
    await scenario.advance(invoiced, "pack", "invoice")
    await scenario.advance(delivered, "pack")
    await scenario.later()
    assert {told["code"] for told in scenario.events("reconciliation.difference")} == {"SALES_ORDER_TWICE"}
    assert await scenario.held(invoiced, delivered) == [False, True]
    assert await scenario.number(order) == invoiced


async def test_a_copy_of_an_order_that_was_cancelled_in_shopify_is_given_up_too(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    other = await scenario.book_again(order)
    await scenario.step(order, "cancel", refund=True, received=("orders/cancelled", "refunds/create"))
    assert await scenario.later() == [str(order.id)]
    await scenario.work()
    await scenario.later()
    assert scenario.events("reconciliation.difference") == []
    row = await scenario.client.get("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": other})
    assert row is None or row["SalesOrderStatus"] == "Canceled"


async def test_copies_of_an_order_that_is_parked_are_held(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    kept, other = await scenario.number(order), await scenario.book_again(order)
    link = await scenario.link(order)
    await scenario.ports.orders.links.put(replace(link, sales_order="", parked_parts=frozenset({Part.ORDER})))
    await scenario.later()
    (told,) = scenario.events("reconciliation.difference")
    assert (told["code"], told["order"]) == ("SALES_ORDER_TWICE", order.name)
    assert await scenario.held(kept, other) == [False, True]


# ---- credit, money, and what is left open


async def test_a_refund_that_was_credited_and_not_paid_out_is_reported_with_its_proof(scenario: SweepScenario) -> None:
    order = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    back = {"lines": [{"line": "TENT-2P", "quantity": 1}], "status": "pending"}
    await scenario.step(order, "refund", **back, received=("refunds/create",))
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1  # the money is on its way
    (made,) = order.refunds
    failed = {"transaction": made.transactions[0].id, "status": "failure"}
    await scenario.step(order, "settle", **failed)
    made.adjustments.clear()
    await scenario.receive(order, Event("orders/updated", order))
    assert await scenario.later() == []
    (told,) = scenario.events("reconciliation.difference")
    assert (told["code"], told["shopify"], told["fo"]) == ("REFUND_SUM_DIFFERS", "0.00 EUR", "249.00 EUR")
    (row,) = await scenario.journal(order, "differs")
    assert json.loads(row["evidence"])["differences"][0]["proof"]["subject"] == f"{order.name}, refund {made.id}"


async def test_an_invoiced_order_agrees_at_the_price_of_one_more_read(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    await scenario.advance(await scenario.number(order), "pack", "invoice")
    scenario.forget_calls()
    await scenario.later()
    assert scenario.events("reconciliation.done")[0]["agreeing"] == 1
    assert [call for call in scenario.fo_calls() if "Invoice" in call] == ["GET /data/SalesInvoiceHeadersV4"]


async def test_an_invoice_with_more_than_was_sold_is_reported_with_what_is_open(scenario: SweepScenario) -> None:
    order = await scenario.bought()
    number = await scenario.number(order)
    extra = {"dataAreaId": "nleu", "SalesOrderNumber": number, "ItemNumber": "FREIGHT", "OrderedSalesQuantity": 1}
    await scenario.client.create("SalesOrderLinesV3", {**extra, "SalesPrice": Decimal("3.00")})
    await scenario.advance(number, "pack", "invoice")
    await scenario.later()
    (told,) = scenario.events("reconciliation.difference")
    assert (told["code"], told["sales_order"]) == ("BALANCE_DIFFERS", number)
    assert (told["shopify"], told["fo"]) == ("0.00 EUR", "3.00 EUR")
