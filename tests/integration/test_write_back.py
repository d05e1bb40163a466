"""F&O's order number in Shopify: from the outbox in Azure tables, by the real client, to the order."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fixtures.write_back import Office, azure_tables, shown, write_metafield, writing_back

from local.shopify.metafields import APP_NAMESPACE
from local.shopify.rest import order_document
from shared.errors import OutcomeUnknownError, RefusedError
from shared.mapping.orders.digest import digest
from shared.mapping.shopify.state import read_state
from shared.model import Order
from shared.rules import StoreRules, without_our_tag
from tests.builders.sales import EU

FIELD = f"{APP_NAMESPACE}.sales_order"
EACH_ONCE = ["WriteBackNumbers", "WriteBackTag"]


@pytest.fixture(scope="module")
async def service(wire: None):
    async with azure_tables() as service:
        yield service


@pytest.fixture
async def office(service):
    async with writing_back(service) as office:
        yield office


def known(payload: dict, rules: StoreRules) -> Order:
    """The order of a webhook, as the order flow sees it."""
    exact = json.loads(json.dumps(payload), parse_float=Decimal)
    order = read_state(exact, store=rules.key, side=rules.currency_side, now=datetime.now(UTC)).order
    return replace(order, tags=without_our_tag(order.tags, rules.write_back))


async def test_the_order_shows_its_number_and_tag(office: Office):
    order = office.order()
    await office.put(order, "SN5001")
    await office.push()
    assert shown(order) == {FIELD: "SN5001"}
    assert order.tags == ["F&O SN5001"]
    assert await office.waiting() == {}


async def test_every_store_has_its_own_rules(office: Office):
    here, there = office.order(), office.order("prairie")
    await office.put(here, "SN5001")
    await office.put(there, "000123", "prairie")
    await office.push()
    assert (shown(there), there.tags) == ({FIELD: "000123"}, ["In F&O"])
    assert (shown(here), here.tags) == ({FIELD: "SN5001"}, ["F&O SN5001"])


async def test_a_store_with_the_flow_off_is_left_alone(office: Office):
    order = office.order()
    office.set_rules("nordlys", flows={"write_back": False})
    await office.put(order, "SN5001")
    await office.push()
    assert office.calls() == []


async def test_without_a_tag_rule_no_tag_is_added(office: Office):
    order = office.order(tags=["vip"])
    office.set_rules("nordlys", write_back={"tag": None, "namespace": "$app:d365", "key": "so"})
    await office.put(order, "SN5001")
    await office.push()
    assert shown(order) == {f"{APP_NAMESPACE}--d365.so": "SN5001"}
    assert order.tags == ["vip"]


async def test_a_second_run_asks_shopify_nothing(office: Office):
    await office.put(office.order(), "SN5001")
    await office.push()
    before = office.calls()
    await office.push()
    assert office.calls() == before


async def test_what_shopify_shows_already_is_not_written_again(office: Office):
    order = office.order()
    for _ in range(2):
        await office.put(order, "SN5001")
        await office.push()
    assert office.writes() == EACH_ONCE
    assert await office.waiting() == {}


async def test_another_number_replaces_ours(office: Office):
    order = office.order()
    for number in ("SN5001", "SN5001A"):
        await office.put(order, number)
        await office.push()
    assert shown(order) == {FIELD: "SN5001A"}


async def test_what_other_apps_wrote_stays(office: Office):
    order = office.order(tags=["vip", "b2b"])
    write_metafield(order, "custom", "sales_order", "theirs")
    write_metafield(order, "app--1", "sales_order", "another app's")
    await office.put(order, "SN5001")
    await office.push()
    assert shown(order) == {
        "custom.sales_order": "theirs",
        "app--1.sales_order": "another app's",
        FIELD: "SN5001",
    }
    assert order.tags == ["vip", "b2b", "F&O SN5001"]


async def test_a_tag_that_differs_only_in_case_is_there(office: Office):
    order = office.order(tags=["f&o sn5001"])
    await office.put(order, "SN5001")
    await office.push()
    assert order.tags == ["f&o sn5001"]
    assert office.writes() == ["WriteBackNumbers"]


async def test_a_tag_that_another_app_adds_meanwhile_stays(office: Office):
    order = office.order(tags=["vip"])

    async def another_app() -> None:
        order.tags.append("gift")

    office.between("nordlys", WriteBackTag=another_app)
    await office.put(order, "SN5001")
    await office.push()
    assert order.tags == ["vip", "gift", "F&O SN5001"]


async def test_many_orders_share_calls(office: Office):
    orders = [office.order() for _ in range(60)]
    office.set_rules("nordlys", write_back={"tag": None})
    for order in orders:
        await office.put(order, f"SN{order.id}")
    await office.push()
    assert [shown(order) for order in orders] == [{FIELD: f"SN{order.id}"} for order in orders]
    assert office.calls() == ["WriteBackState", "WriteBackNumbers"] * 3


async def test_a_run_ends_in_time_and_the_next_one_goes_on(office: Office):
    async def slow() -> None:
        office.clock.ahead += timedelta(minutes=4)

    for _ in range(30):
        await office.put(office.order(), "SN1")
    office.between("nordlys", WriteBackState=slow)
    await office.push()
    assert len(await office.waiting()) == 5
    await office.push()
    assert await office.waiting() == {}


async def test_a_crash_between_writing_and_settling_writes_nothing_twice(office: Office):
    order = office.order()
    outbox = office.outbox

    class Crashing:
        due = outbox.due

        async def settle(self, row):
            raise OSError("the process ends here")

    await office.put(order, "SN5001")
    office.use(outbox=Crashing())
    with pytest.raises(ExceptionGroup):
        await office.push()
    assert shown(order) == {FIELD: "SN5001"}
    office.use(outbox=outbox)
    assert await office.waiting() == {order.id: "SN5001"}
    await office.push()
    assert office.writes() == EACH_ONCE
    assert await office.waiting() == {}


@pytest.mark.parametrize("operation", EACH_ONCE)
async def test_a_write_whose_answer_is_lost_is_looked_up_and_not_repeated(office: Office, operation: str):
    order = office.order()
    await office.put(order, "SN5001")
    await office.fault("reset_after_commit", operation=operation)
    with pytest.raises(ExceptionGroup) as trouble:
        await office.push()
    assert trouble.group_contains(OutcomeUnknownError)
    await office.push()
    assert office.writes() == EACH_ONCE
    assert (shown(order), order.tags) == ({FIELD: "SN5001"}, ["F&O SN5001"])
    assert await office.waiting() == {}


async def test_a_run_tells_what_it_did_and_an_idle_one_nothing(office: Office, caplog):
    with caplog.at_level(logging.INFO, logger="connector"):
        await office.put(office.order(), "SN5001")
        await office.push()
        await office.push()
    (told,) = [json.loads(record.message) for record in caplog.records]
    assert (told["event"], told["store"], told["flow"]) == ("write_back.pushed", "nordlys", "write_back")
    assert (told["numbers"], told["tags"], told["settled"], told["put_off"]) == (1, 1, 1, 0)


async def test_a_throttled_run_leaves_its_rows_for_the_next(office: Office):
    order = office.order()
    await office.put(order, "SN5001")
    await office.fault("throttled", times=3)
    await office.push()
    assert shown(order) == {}
    assert await office.waiting() == {order.id: "SN5001"}
    await office.push()
    assert shown(order) == {FIELD: "SN5001"}


async def test_a_newer_number_put_while_the_older_one_is_written_stays(office: Office):
    order = office.order()

    async def newer() -> None:
        await office.put(order, "SN5001A")

    await office.put(order, "SN5001")
    office.between("nordlys", WriteBackNumbers=newer)
    await office.push()
    assert await office.waiting() == {order.id: "SN5001A"}
    await office.push()
    assert shown(order) == {FIELD: "SN5001A"}
    assert await office.waiting() == {}


async def test_a_metafield_that_changes_under_our_hands_is_read_again(office: Office):
    moving, other = office.order(), office.order()

    async def another_worker() -> None:
        write_metafield(moving, APP_NAMESPACE, "sales_order", "SN5001-OLD")

    await office.put(moving, "SN5001")
    await office.put(other, "SN5002")
    office.between("nordlys", WriteBackNumbers=another_worker)
    await office.push()
    assert (shown(moving), shown(other)) == ({FIELD: "SN5001-OLD"}, {FIELD: "SN5002"})
    assert await office.waiting() == {moving.id: "SN5001"}
    await office.push()
    assert shown(moving) == {FIELD: "SN5001"}


async def test_an_order_that_shopify_does_not_show_yet_is_waited_for(office: Office):
    order, other = office.order(), office.order()
    await office.put(order, "SN5001")
    await office.put(other, "SN5002")
    office.remove(order)
    await office.push()
    assert shown(other) == {FIELD: "SN5002"}
    office.shop().orders[order.id] = order
    await office.push()
    assert shown(order) == {}
    office.clock.ahead += timedelta(minutes=1)
    await office.push()
    assert shown(order) == {FIELD: "SN5001"}


async def test_an_order_that_is_gone_is_given_up_with_a_note(office: Office):
    order = office.order()
    await office.put(order, "SN5001")
    office.remove(order)
    for _ in range(4):
        assert await office.waiting() == {order.id: "SN5001"}
        await office.push()
        office.clock.ahead += timedelta(hours=1)
    assert await office.waiting() == {}
    assert office.writes() == []
    ((outcome, note),) = await office.journal(order)
    assert outcome == "done"
    assert "does not have the order" in note


@pytest.mark.parametrize("operation", ["WriteBackNumbers", "WriteBackTag"])
async def test_an_order_that_vanishes_during_the_run_does_not_harm_the_others(office: Office, operation: str):
    order, other = office.order(), office.order()

    async def vanish() -> None:
        office.remove(order)

    await office.put(order, "SN5001")
    await office.put(other, "SN5002")
    office.between("nordlys", **{operation: vanish})
    await office.push()
    assert (shown(other), other.tags) == ({FIELD: "SN5002"}, ["F&O SN5002"])
    assert await office.waiting() == {order.id: "SN5001"}
    assert await office.journal(order) == []


async def test_what_shopify_refuses_is_told_and_tried_again_ever_less_often(office: Office):
    order, other = office.order(), office.order()
    await office.put(order, "SN\n5001")
    await office.put(other, "SN5002")
    waits = []
    for _ in range(3):
        await office.push()
        (row,) = await office.outbox.due("nordlys", office.clock.now() + timedelta(days=2), limit=2)
        waits.append(round((row.due - office.clock.now()).total_seconds() / 60))
        office.clock.ahead += timedelta(days=1)
    assert waits == [1, 2, 4]
    assert shown(other) == {FIELD: "SN5002"}
    assert order.tags == []
    notes = await office.journal(order)
    assert [outcome for outcome, _ in notes] == ["waiting"] * 3
    assert "Value must be a single line text string." in notes[0][1]


async def test_a_missing_scope_is_the_stores_trouble_alone(office: Office):
    here, there = office.order(), office.order("prairie")
    await office.put(here, "SN5001")
    await office.put(there, "000123", "prairie")
    office.shop().scopes = frozenset({"read_orders"})
    with pytest.raises(ExceptionGroup) as trouble:
        await office.push()
    assert trouble.group_contains(RefusedError, match="write_orders")
    assert await office.waiting() == {here.id: "SN5001"}
    assert shown(there) == {FIELD: "000123"}


async def test_our_own_write_comes_back_as_an_update_that_changes_nothing(office: Office):
    order = office.order(tags=["vip"])
    first = order_document(office.shop(), order)
    await office.put(order, "SN5001")
    await office.push()
    updates = await office.webhooks()
    assert [update["tags"] for update in updates] == ["vip", "vip, F&O SN5001"]
    assert first["updated_at"] < updates[0]["updated_at"] < updates[1]["updated_at"]
    assert {digest(known(payload, EU)) for payload in updates} == {digest(known(first, EU))}
    tagged = {**updates[-1], "tags": "vip, F&O SN5001, gift"}
    assert digest(known(tagged, EU)) != digest(known(first, EU))
