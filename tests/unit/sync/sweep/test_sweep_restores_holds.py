"""Which holds that are gone in F&O are set again, and for what reason."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import ErrorCode, RefusedError, ThrottledError, TransientError
from shared.mapping.shopify.events import naming_body
from shared.model import Part
from shared.store.parking import ParkedMessage, Parking
from tests.builders.compared_orders import NUMBER, PAID, SALE
from tests.builders.log_events import events_in
from tests.builders.memory_table import Entity, MemoryTable
from tests.builders.payments import NOON, state
from tests.builders.sales import with_rules
from tests.builders.swept_orders import SWEPT, SweptWorld

RULES = with_rules(SWEPT, orders={"hold_tag": "hold"}, sweep={"sample": 0})
PLAIN = state(PAID, sale=SALE)
TAGGED = replace(PLAIN, order=replace(SALE, tags=("hold",)))
CANCELLED = replace(PLAIN, order=replace(SALE, cancelled_at=SALE.version))
UNREADABLE = replace(PLAIN, order=replace(SALE, cancelled_at=NOON))  # after its last change
SETTLED = NOON - timedelta(hours=1)


class Bodies:
    async def put(self, name, body):
        return "sha256"


@pytest.fixture
def world():
    built = SweptWorld(RULES)
    built.ports = replace(built.ports, parking=Parking(MemoryTable(), Bodies()))
    return built


@pytest.fixture
def told(caplog):
    caplog.set_level(logging.INFO, logger="connector")
    return lambda: [each["code"] for each in events_in(caplog, "reconciliation.difference")]


async def park(world, part=Part.ORDER, code=ErrorCode.CHANGE_HELD):
    refusal = RefusedError(code, sales_order=NUMBER, changes="one less", hold="")
    body = naming_body(SALE.id)
    message = ParkedMessage("orders", "nordlys", "event-1", str(SALE.id), SETTLED, {}, body, refusal, part)
    await world.ports.parking.park(message)


def is_held(world, number=NUMBER):
    (header,) = [row for row in world.fo.tables["SalesOrderHeadersV4"] if row["SalesOrderNumber"] == number]
    return header["IsSalesProcessingStopped"] == "Yes"


async def link_of(world):
    return await world.ports.links.get("nordlys", SALE.id)


async def swept(world):
    """What the link says after a run, and whether F&O holds the order."""
    await world.sweep()
    return (await link_of(world)).held, is_held(world)


@pytest.mark.parametrize(
    ("shown", "held", "part", "now"),
    [
        (TAGGED, "tag", None, "tag"),
        (TAGGED, "risk", None, "tag"),
        (PLAIN, "tag", None, ""),
        (PLAIN, "risk", None, ""),
        (PLAIN, "fulfilment in Shopify", None, "fulfilment in Shopify"),
        (CANCELLED, "tag", None, "tag"),  # until F&O has the cancellation
        (UNREADABLE, "tag", None, "tag"),
        (None, "tag", None, "tag"),  # Shopify does not show the order
        (None, "change", None, ""),
        (PLAIN, "change", Part.ORDER, "change"),
        (TAGGED, "change", Part.ORDER, "change"),
        (PLAIN, "change", Part.READING, "change"),
        (PLAIN, "change", Part.PAYMENTS, ""),
        (PLAIN, "change", None, ""),
        (TAGGED, "change", None, "tag"),
        (CANCELLED, "cancellation", Part.ORDER, "cancellation"),
        (CANCELLED, "cancellation", None, ""),
        (PLAIN, "tag", Part.ORDER, "change"),  # the tag is gone, and a change is to be decided
    ],
)
async def test_a_hold_is_set_again_while_its_reason_stands(world, shown, held, part, now):
    await world.booked(shown or PLAIN, held=held)
    if shown is None:
        del world.shop.states[SALE.id]
    if part is not None:
        await park(world, part)
    assert await swept(world) == (now, bool(now))
    assert [row["note"][:9] for row in world.noted("differs")] == (["HOLD_GONE"] if now else [])


async def test_a_change_whose_event_waits_is_not_decided_yet(world):
    await world.booked(held="cancellation")
    await world.note(SALE.id, SETTLED, "waiting", waiting_until=NOON)
    assert await swept(world) == ("cancellation", True)


async def test_what_a_person_released_is_not_set_again(world, told):
    await world.booked(TAGGED, held="", released={"tag": "why", "change": "why"})
    assert await swept(world) == ("", False)
    await world.ports.links.put(replace(await link_of(world), held="risk"))  # its risk was held for later, and is gone
    await park(world)
    assert await swept(world) == ("", False)
    assert told() == []


@pytest.mark.parametrize("change", [{"held": ""}, {"given_up": True}, {"sales_order": ""}])
async def test_an_order_that_the_app_does_not_hold_is_not_read(world, change):
    await world.booked(TAGGED, **({"held": "tag"} | change))
    await world.sweep()
    assert not is_held(world)
    assert world.fo.calls == []


async def test_an_order_that_fo_holds_is_not_read_in_shopify(world):
    world.fo.tables["SalesOrderHeadersV4"][0]["IsSalesProcessingStopped"] = "Yes"
    await world.booked(TAGGED, held="tag")
    await world.sweep()
    assert world.fo.calls == ["GET SalesOrderHeadersV4"]
    assert "OrderState" not in world.shop.calls


@pytest.mark.parametrize("status", ["Delivered", "DeliveredPartiallyInvoiced", "Invoiced", "Canceled"])
async def test_an_order_with_nothing_to_deliver_is_not_read_further(world, status):
    world.fo.tables["SalesOrderHeadersV4"][0]["SalesOrderProcessingStatus"] = status
    await world.booked(TAGGED, held="tag")
    await world.sweep()
    assert world.fo.calls == ["GET SalesOrderHeadersV4"]


async def test_only_the_sales_order_whose_hold_is_gone_is_written(world):
    world.sell("SNB", reference=f"shopify-nordlys-{SALE.id}-2")
    world.fo.tables["SalesOrderHeadersV4"][0]["IsSalesProcessingStopped"] = "Yes"
    await world.booked(TAGGED, held="tag", further=("SNB",))
    await world.sweep()
    assert (is_held(world), is_held(world, "SNB")) == (True, True)
    assert [call for call in world.fo.calls if call.startswith("PATCH")] == ["PATCH SalesOrderHeadersV4"]
    (row,) = world.noted("differs")
    assert row["note"].startswith("HOLD_GONE: F&O held SNB no longer")
    assert (row["document"], row["at"]) == (NUMBER, NOON.isoformat())


async def test_a_hundred_held_orders_are_read_in_few_calls(world):
    for number in range(100):
        order_id = 7_000_000_000_000 + number
        link = replace(world.link, order_id=order_id, sales_order=f"SN{order_id}", held="risk", etag=None)
        await world.ports.links.put(link)
    await world.sweep()
    assert world.fo.calls == ["GET SalesOrderHeadersV4"] * 7


async def test_an_order_whose_status_is_unknown_is_reported_and_the_next_one_held(world, caplog):
    await world.booked(TAGGED, held="tag")
    world.sell("SN-NEW", "Reserved", reference="shopify-nordlys-5")
    await world.ports.links.put(replace(world.link, order_id=5, sales_order="SN-NEW", held="tag", etag=None))
    assert await swept(world) == ("tag", True)
    (refused,) = events_in(caplog, "reconciliation.refused")
    assert (refused["order"], refused["sales_order"], refused["code"]) == (5, "SN-NEW", "FO_STATUS_UNKNOWN")


@pytest.mark.parametrize("trouble", [TransientError, ThrottledError])
async def test_trouble_with_a_hold_keeps_nothing_else_from_being_done(world, trouble):
    await world.booked(TAGGED, held="tag")

    def fail(name):
        if name == "OrderState":
            raise trouble("away")

    world.shop.on_call = fail
    world.list(5, SETTLED)
    if trouble is TransientError:
        with pytest.raises(ExceptionGroup, match="sweep failed") as raised:
            await world.sweep()
        assert [str(each) for each in raised.value.exceptions] == ["away"]
    else:
        await world.sweep()
    assert world.sent == [5]


async def test_an_order_that_an_event_released_meanwhile_is_left_alone(world):
    await world.booked(TAGGED, held="tag")

    def meanwhile(name):
        if name == "OrderState":
            ((key, row),) = world.link_rows.rows.items()
            world.link_rows.rows[key] = Entity({**row, "held": ""}, "newer")

    world.shop.on_call = meanwhile
    with pytest.raises(ExceptionGroup) as raised:
        await world.sweep()
    assert "changed by another worker" in str(raised.value.exceptions[0])
    assert ((await link_of(world)).held, is_held(world)) == ("", False)


async def test_a_run_out_of_time_goes_on_in_the_next(world, caplog):
    await world.booked(TAGGED, held="tag")
    caplog.set_level(logging.INFO, logger="connector")

    plain = world.fo.query

    async def query(entity_set, **asked):
        if " or " not in asked["where"] and entity_set == "SalesOrderHeadersV4":
            world.clock.pass_by(minutes=3)
        return await plain(entity_set, **asked)

    world.fo.query = query
    await world.sweep()
    assert not is_held(world)
    (done,) = events_in(caplog, "sweep.done")
    assert done["halted"] == "time limit reached"
    world.fo.query = plain
    assert await swept(world) == ("tag", True)
