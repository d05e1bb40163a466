"""F&O's order number in Shopify: from the outbox in Azure tables, by the real client, to the order."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fixtures.write_back import WriteBackScenario, azure_tables, running_write_back, shown, write_metafield

from local.shopify.metafields import APP_NAMESPACE
from local.shopify.model import MetafieldDefinition
from local.shopify.rest import order_document
from shared.errors import DeniedError, OutcomeUnknownError
from shared.mapping.orders.record import digest
from shared.mapping.shopify.state import read_state
from shared.model import Order
from shared.rules import StoreRules, without_our_tag
from tests.builders.sales import EU
from tests.builders.snapshots import MemorySnapshots

FIELD = f"{APP_NAMESPACE}.sales_order"
EACH_ONCE = ["WriteBackNumbers", "WriteBackTag"]


@pytest.fixture(scope="module")
async def service(wire: None):
    async with azure_tables() as service:
        yield service


@pytest.fixture
async def scenario(service):
    async with running_write_back(service) as scenario:
        yield scenario


def known(payload: dict, rules: StoreRules) -> Order:
    """The order of a webhook, as the order flow sees it."""
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    order = read_state(exact, store=rules.key, side=rules.currency_side, now=datetime.now(UTC)).order
    return replace(order, tags=without_our_tag(order.tags, rules.write_back))


async def test_the_order_shows_its_number_and_tag(scenario: WriteBackScenario):
    order = scenario.order()
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert shown(order) == {FIELD: "SN5001"}
    assert order.tags == ["F&O SN5001"]
    assert await scenario.waiting() == {}


async def test_every_store_has_its_own_rules(scenario: WriteBackScenario):
    here, there = scenario.order(), scenario.order("prairie")
    await scenario.put(here, "SN5001")
    await scenario.put(there, "000123", "prairie")
    await scenario.push()
    assert (shown(there), there.tags) == ({FIELD: "000123"}, ["In F&O"])
    assert (shown(here), here.tags) == ({FIELD: "SN5001"}, ["F&O SN5001"])


async def test_a_store_with_the_flow_off_is_left_alone(scenario: WriteBackScenario):
    order = scenario.order()
    scenario.set_rules("nordlys", flows={"write_back": False})
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert scenario.calls() == []


async def test_without_a_tag_rule_no_tag_is_added(scenario: WriteBackScenario):
    order = scenario.order(tags=["vip"])
    scenario.set_rules("nordlys", write_back={"tag": None, "namespace": "$app:d365", "key": "so"})
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert shown(order) == {f"{APP_NAMESPACE}--d365.so": "SN5001"}
    assert order.tags == ["vip"]


async def test_a_second_run_asks_shopify_nothing(scenario: WriteBackScenario):
    await scenario.put(scenario.order(), "SN5001")
    await scenario.push()
    before = scenario.calls()
    await scenario.push()
    assert scenario.calls() == before


async def test_what_shopify_shows_already_is_not_written_again(scenario: WriteBackScenario):
    order = scenario.order()
    for _ in range(2):
        await scenario.put(order, "SN5001")
        await scenario.push()
    assert scenario.writes() == EACH_ONCE
    assert await scenario.waiting() == {}


async def test_another_number_replaces_ours(scenario: WriteBackScenario):
    order = scenario.order()
    for number in ("SN5001", "SN5001A"):
        await scenario.put(order, number)
        await scenario.push()
    assert shown(order) == {FIELD: "SN5001A"}


async def test_what_other_apps_wrote_stays(scenario: WriteBackScenario):
    order = scenario.order(tags=["vip", "b2b"])
    write_metafield(order, "custom", "sales_order", "theirs")
    write_metafield(order, "app--1", "sales_order", "another app's")
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert shown(order) == {
        "custom.sales_order": "theirs",
        "app--1.sales_order": "another app's",
        FIELD: "SN5001",
    }
    assert order.tags == ["vip", "b2b", "F&O SN5001"]


async def test_a_tag_that_differs_only_in_case_is_there(scenario: WriteBackScenario):
    order = scenario.order(tags=["f&o sn5001"])
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert order.tags == ["f&o sn5001"]
    assert scenario.writes() == ["WriteBackNumbers"]


async def test_a_tag_that_another_app_adds_meanwhile_stays(scenario: WriteBackScenario):
    order = scenario.order(tags=["vip"])

    async def another_app() -> None:
        order.tags.append("gift")

    scenario.between("nordlys", WriteBackTag=another_app)
    await scenario.put(order, "SN5001")
    await scenario.push()
    assert order.tags == ["vip", "gift", "F&O SN5001"]


async def test_many_orders_share_calls(scenario: WriteBackScenario):
    orders = [scenario.order() for _ in range(60)]
    scenario.set_rules("nordlys", write_back={"tag": None})
    for order in orders:
        await scenario.put(order, f"SN{order.id}")
    await scenario.push()
    assert [shown(order) for order in orders] == [{FIELD: f"SN{order.id}"} for order in orders]
    assert scenario.calls() == ["WriteBackState", "WriteBackNumbers"] * 3


async def test_a_run_ends_in_time_and_the_next_one_goes_on(scenario: WriteBackScenario):
    async def slow() -> None:
        scenario.clock.ahead += timedelta(minutes=4)

    for _ in range(30):
        await scenario.put(scenario.order(), "SN1")
    scenario.between("nordlys", WriteBackState=slow)
    await scenario.push()
    assert len(await scenario.waiting()) == 5
    await scenario.push()
    assert await scenario.waiting() == {}


async def test_a_crash_between_writing_and_settling_writes_nothing_twice(scenario: WriteBackScenario):
    order = scenario.order()
    outbox = scenario.outbox

    class Crashing:
        due = outbox.due

        async def settle(self, row):
            raise OSError("the process ends here")

    await scenario.put(order, "SN5001")
    scenario.use(outbox=Crashing())
    with pytest.raises(ExceptionGroup) as crashed:
        await scenario.push()
    assert [str(each) for each in crashed.value.exceptions] == ["the process ends here"]
    assert shown(order) == {FIELD: "SN5001"}
    scenario.use(outbox=outbox)
    assert await scenario.waiting() == {order.id: "SN5001"}
    await scenario.push()
    assert scenario.writes() == EACH_ONCE
    assert await scenario.waiting() == {}


@pytest.mark.parametrize("operation", EACH_ONCE)
async def test_a_write_whose_answer_is_lost_is_looked_up_and_not_repeated(scenario: WriteBackScenario, operation: str):
    order = scenario.order()
    await scenario.put(order, "SN5001")
    await scenario.fault("reset_after_commit", operation=operation)
    with pytest.raises(ExceptionGroup) as trouble:
        await scenario.push()
    assert trouble.group_contains(OutcomeUnknownError)
    await scenario.push()
    assert scenario.writes() == EACH_ONCE
    assert (shown(order), order.tags) == ({FIELD: "SN5001"}, ["F&O SN5001"])
    assert await scenario.waiting() == {}


async def test_a_run_logs_what_it_did_and_an_idle_run_logs_nothing(scenario: WriteBackScenario, caplog):
    with caplog.at_level(logging.INFO, logger="connector"):
        await scenario.put(scenario.order(), "SN5001")
        await scenario.push()
        await scenario.push()
    (logged,) = [json.loads(record.message) for record in caplog.records]
    assert (logged["event"], logged["store"], logged["flow"]) == ("write_back.pushed", "nordlys", "write_back")
    assert (logged["numbers"], logged["tags"], logged["settled"], logged["put_off"]) == (1, 1, 1, 0)


async def test_a_throttled_run_leaves_its_rows_for_the_next(scenario: WriteBackScenario):
    order = scenario.order()
    await scenario.put(order, "SN5001")
    await scenario.fault("throttled", times=3)
    await scenario.push()
    assert shown(order) == {}
    assert await scenario.waiting() == {order.id: "SN5001"}
    await scenario.push()
    assert shown(order) == {FIELD: "SN5001"}


async def test_a_newer_number_put_while_the_older_one_is_written_stays(scenario: WriteBackScenario):
    order = scenario.order()

    async def newer() -> None:
        await scenario.put(order, "SN5001A")

    await scenario.put(order, "SN5001")
    scenario.between("nordlys", WriteBackNumbers=newer)
    await scenario.push()
    assert await scenario.waiting() == {order.id: "SN5001A"}
    await scenario.push()
    assert shown(order) == {FIELD: "SN5001A"}
    assert await scenario.waiting() == {}


async def test_a_metafield_that_changes_during_the_write_is_read_again(scenario: WriteBackScenario):
    moving, other = scenario.order(), scenario.order()

    async def another_worker() -> None:
        write_metafield(moving, APP_NAMESPACE, "sales_order", "SN5001-OLD")

    await scenario.put(moving, "SN5001")
    await scenario.put(other, "SN5002")
    scenario.between("nordlys", WriteBackNumbers=another_worker)
    await scenario.push()
    assert (shown(moving), shown(other)) == ({FIELD: "SN5001-OLD"}, {FIELD: "SN5002"})
    assert await scenario.waiting() == {moving.id: "SN5001"}
    await scenario.push()
    assert shown(moving) == {FIELD: "SN5001"}


async def test_an_order_that_shopify_does_not_show_yet_is_waited_for(scenario: WriteBackScenario):
    order, other = scenario.order(), scenario.order()
    await scenario.put(order, "SN5001")
    await scenario.put(other, "SN5002")
    scenario.remove(order)
    await scenario.push()
    assert shown(other) == {FIELD: "SN5002"}
    scenario.shop().orders[order.id] = order
    await scenario.push()
    assert shown(order) == {}
    scenario.clock.ahead += timedelta(minutes=1)
    await scenario.push()
    assert shown(order) == {FIELD: "SN5001"}


async def test_an_order_that_is_gone_is_given_up_with_a_note(scenario: WriteBackScenario):
    order = scenario.order()
    await scenario.put(order, "SN5001")
    scenario.remove(order)
    for _ in range(4):
        assert await scenario.waiting() == {order.id: "SN5001"}
        await scenario.push()
        scenario.clock.ahead += timedelta(hours=1)
    assert await scenario.waiting() == {}
    assert scenario.writes() == []
    ((outcome, note),) = await scenario.journal(order)
    assert outcome == "done"
    assert "does not have the order" in note


@pytest.mark.parametrize("operation", ["WriteBackNumbers", "WriteBackTag"])
async def test_an_order_that_vanishes_during_the_run_does_not_harm_the_others(
    scenario: WriteBackScenario, operation: str
):
    order, other = scenario.order(), scenario.order()

    async def vanish() -> None:
        scenario.remove(order)

    await scenario.put(order, "SN5001")
    await scenario.put(other, "SN5002")
    scenario.between("nordlys", **{operation: vanish})
    await scenario.push()
    assert (shown(other), other.tags) == ({FIELD: "SN5002"}, ["F&O SN5002"])
    assert await scenario.waiting() == {order.id: "SN5001"}
    assert await scenario.journal(order) == []


async def test_what_shopify_refuses_is_reported_and_retried_with_growing_delays(scenario: WriteBackScenario):
    order, other = scenario.order(), scenario.order()
    await scenario.put(order, "SN\n5001")
    await scenario.put(other, "SN5002")
    waits = []
    for _ in range(3):
        await scenario.push()
        (row,) = await scenario.outbox.due("nordlys", scenario.clock.now() + timedelta(days=2), limit=2)
        waits.append(round((row.due - scenario.clock.now()).total_seconds() / 60))
        scenario.clock.ahead += timedelta(days=1)
    assert waits == [1, 2, 4]
    assert shown(other) == {FIELD: "SN5002"}
    assert order.tags == []
    notes = await scenario.journal(order)
    assert [outcome for outcome, _ in notes] == ["waiting"] * 3
    assert "Value must be a single line text string." in notes[0][1]


async def test_one_stale_and_one_deleted_order_do_not_keep_a_full_page_of_others_from_their_numbers(
    scenario: WriteBackScenario,
):
    orders = [scenario.order() for _ in range(25)]
    stale, deleted = orders[3], orders[17]
    scenario.set_rules("nordlys", write_back={"tag": None})

    async def meanwhile() -> None:
        write_metafield(stale, APP_NAMESPACE, "sales_order", "SN-OLD")
        scenario.remove(deleted)

    for order in orders:
        await scenario.put(order, f"SN{order.id}")
    scenario.between("nordlys", WriteBackNumbers=meanwhile)
    await scenario.push()
    waiting = {stale.id: f"SN{stale.id}", deleted.id: f"SN{deleted.id}"}
    assert await scenario.waiting() == waiting
    assert all(shown(order) == {FIELD: f"SN{order.id}"} for order in orders if order.id not in waiting)
    assert scenario.writes() == ["WriteBackNumbers"] * 2


async def test_a_refused_value_puts_off_its_own_order_and_no_other(scenario: WriteBackScenario):
    short, long = scenario.order(), scenario.order()
    definition = MetafieldDefinition("single_line_text_field", max_length=6)
    scenario.shop().definitions[APP_NAMESPACE, "sales_order"] = definition
    await scenario.put(short, "SN5001")
    await scenario.put(long, "SN50011")
    await scenario.push()
    assert (shown(short), shown(long)) == ({FIELD: "SN5001"}, {})
    ((_, note),) = await scenario.journal(long)
    assert "Value has a maximum length of 6." in note


async def test_a_missing_scope_does_not_stop_other_stores(scenario: WriteBackScenario):
    here, there = scenario.order(), scenario.order("prairie")
    await scenario.put(here, "SN5001")
    await scenario.put(there, "000123", "prairie")
    scenario.shop().scopes = frozenset({"read_orders"})
    with pytest.raises(ExceptionGroup) as trouble:
        await scenario.push()
    assert trouble.group_contains(DeniedError, match="write_orders")
    assert await scenario.waiting() == {here.id: "SN5001"}
    assert shown(there) == {FIELD: "000123"}


async def test_our_own_write_comes_back_as_an_update_that_changes_nothing(scenario: WriteBackScenario):
    order = scenario.order(tags=["vip"])
    first = order_document(scenario.shop(), order)
    await scenario.put(order, "SN5001")
    await scenario.push()
    updates = await scenario.webhooks()
    assert [update["tags"] for update in updates] == ["vip", "vip, F&O SN5001"]
    assert first["updated_at"] < updates[0]["updated_at"] < updates[1]["updated_at"]
    assert {digest(known(payload, EU), EU) for payload in updates} == {digest(known(first, EU), EU)}
    tagged = {**updates[-1], "tags": f"vip, F&O SN5001, {EU.orders.hold_tag}"}
    assert digest(known(tagged, EU), EU) != digest(known(first, EU), EU)


async def test_staff_see_the_number_by_a_definition_that_is_made_once(scenario: WriteBackScenario):
    scenario.use(snapshots=MemorySnapshots())
    order = scenario.order()
    for number in ("SN5001", "SN5002"):
        await scenario.put(order, number)
        await scenario.push()
    assert shown(order) == {FIELD: "SN5002"}
    made = scenario.shop().definitions[APP_NAMESPACE, "sales_order"]
    assert (made.name, made.admin_access, made.pinned_position) == ("F&O sales order", "MERCHANT_READ", 1)
    assert made.is_admin_filterable
    assert scenario.calls().count("WriteBackDefine") == 1


async def test_a_shop_with_as_many_definitions_as_it_may_pin_gets_one_that_is_not_pinned(scenario: WriteBackScenario):
    scenario.use(snapshots=MemorySnapshots())
    scenario.shop().most_pinned = scenario.shop().most_filterable = 0
    await scenario.put(scenario.order(), "SN5001")
    await scenario.push()
    made = scenario.shop().definitions[APP_NAMESPACE, "sales_order"]
    assert (made.pinned_position, made.is_admin_filterable) == (None, False)
