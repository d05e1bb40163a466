"""Handling an order is interrupted at every call that leaves the process: the result is that of a clean run."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from chaos_app import Installation, differences, installed
from chaos_wire import How
from order_scenarios import BOOKED_OTHERWISE, SCENARIOS, Scenario, prepared

from local.d365.inventory import Stock
from local.d365.sales_tables import HEADERS, LINES
from shared.bus.envelope import OPERATOR
from tests.builders.sales import EU, with_rules

_READING: Final = ("GET ", "get ", "query ")
_UNREACHABLE: Final = ("created by our number", "edited", "sent elsewhere once it was picked")
"""A request that is not sent leaves the state after the call before it, so a few scenarios are enough."""


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[Installation]:
    async with installed(EU) as installation:
        yield installation


def positions(calls: list[str], how: How) -> list[int]:
    """Calls at which an interruption makes a difference. After a read, the state is that after the last write, and a
    read whose answer is lost is like one that was not sent.
    """
    reading = [call.startswith(_READING) or "/admin/" in call for call in calls]
    return [at for at in range(len(calls)) if how is How.UNREACHABLE or not reading[at]]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, how) for name in SCENARIOS for how in (How.KILLED, How.ANSWER_LOST, How.OUT_OF_TIME)),
        *((name, How.UNREACHABLE) for name in _UNREACHABLE),
    ],
)
async def test_an_order_interrupted_at_any_call_ends_like_an_undisturbed_one(
    app: Installation, name: str, how: How
) -> None:
    scenario = SCENARIOS[name]
    events = await prepared(app, scenario)
    before = app.remember()
    clean = await app.deliver(events)
    wanted = app.state()
    assert tuple(wanted["ends"][one.event_id][0] for one in events) == scenario.ends
    assert tuple(one.code for one in await app.parking().open()) == scenario.parked
    wrong = {}
    for position in positions(clean, how):
        app.go_back(before)
        struck = await app.deliver(events, (position, how))
        assert len(struck) > position, (struck, clean)
        if found := differences(app.state(), wanted):
            wrong[f"{position} {clean[position]}"] = found
    assert not wrong, f"of {clean}"


async def test_a_change_that_waits_for_the_one_before_ends_like_an_undisturbed_one(app: Installation) -> None:
    events = await prepared(app, SCENARIOS["edited"])
    app.change_pause = timedelta(minutes=5)  # the webhooks come a minute after the order was booked
    before = app.remember()
    try:
        clean = await app.deliver(events)
        wanted = app.state()
        waits = [row for row in app.tables["journal"].rows.values() if row["outcome"] == "waiting"]
        assert waits
        wrong = {}
        for position in positions(clean, How.KILLED):
            app.go_back(before)
            await app.deliver(events, (position, How.KILLED))
            if found := differences(app.state(), wanted):
                wrong[f"{position} {clean[position]}"] = found
        assert not wrong, f"of {clean}"
    finally:
        app.change_pause = timedelta(0)


async def test_a_change_that_waits_for_a_person_is_parked_once_for_any_number_of_webhooks(
    app: Installation,
) -> None:
    (event,) = await prepared(app, SCENARIOS["sent elsewhere once it was picked"])
    before = app.remember()
    clean = await app.deliver([event])
    for position in positions(clean, How.KILLED):
        app.go_back(before)
        await app.deliver([event], (position, How.KILLED))
        await app.deliver([replace(event, event_id="again")])
        (parked,) = await app.parking().all()
        assert (parked.event_id, await app.parking().body(parked)) == (event.event_id, event.body)


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_an_old_event_that_a_person_sends_again_undoes_nothing(app: Installation, *, is_deleted: bool) -> None:
    created, _ = await prepared(app, SCENARIOS["created by our number"])
    edited = await prepared(app, SCENARIOS["edited"])
    assert {one.entity_id for one in edited} == {created.entity_id}
    await app.deliver(edited)
    before = app.state()
    if is_deleted:
        app.shop.orders = {}
    await app.deliver([replace(created, event_id="late", source=OPERATOR)])
    assert differences(app.state(), before) == {"ends": {"late": (("done", "SN6100100100015"), None)}}


def orders(app: Installation) -> list[dict[str, Any]]:
    return [dict(row.values) for row in app.fo.books.rows(HEADERS)]


@pytest.mark.parametrize("scenario", BOOKED_OTHERWISE.values(), ids=BOOKED_OTHERWISE)
@pytest.mark.parametrize("how", [How.KILLED, How.ANSWER_LOST, How.OUT_OF_TIME])
async def test_an_order_that_fo_books_otherwise_is_held_and_parked_wherever_it_was_cut_off(
    app: Installation, scenario: Scenario, how: How
) -> None:
    """The refusal may be another one: an attempt that finds the order in F&O tries to correct it, and reports what F&O
    refuses. It also has the order's number then.
    """
    (event,) = await prepared(app, scenario)
    before = app.remember()
    clean = await app.deliver([event])
    for position in positions(clean, how):
        app.go_back(before)
        await app.deliver([event], (position, how))
        (order,) = orders(app)
        assert order["IsSalesProcessingStopped"] == "Yes", clean[position]
        (parked,) = await app.parking().open()
        assert parked.code in {"FO_SUM_DIFFERS", "CHANGE_NOT_TAKEN"}, clean[position]
        assert await app.parking().body(parked) == event.body


def stock(app: Installation, **physical: int) -> None:
    """So many stoves in each warehouse."""
    books = app.fo.books
    for warehouse, quantity in physical.items():
        place = books.bin("nleu", "STOVE-GAS", warehouse)
        before = books.stock.get(place) or Stock()
        changed = Stock(Decimal(quantity), before.reserved, before.ordered, before.reserved_ordered, before.on_order)
        books.stock.put(place, changed)


async def test_stock_that_changes_between_two_attempts_divides_no_line_twice(app: Installation) -> None:
    """The first attempt divided the line among the warehouses; the next one would ship it from one."""

    def sold() -> Counter[str]:
        goods: Counter[str] = Counter()
        for row in app.fo.books.rows(LINES):
            goods[str(row.values["ItemNumber"])] += int(str(row.values["OrderedSalesQuantity"]))
        return goods

    events = await prepared(app, SCENARIOS["created by our number"])
    app.rules = with_rules(EU, allocation={"split": True, "split_lines": True})
    stock(app, AMS=1, HAM=2)
    before = app.remember()
    clean = await app.deliver(events)
    wanted = sold()
    assert len(list(app.fo.books.rows(LINES))) == 4
    for position in positions(clean, How.KILLED):
        app.go_back(before)
        await app.deliver(events, (position, How.KILLED), meanwhile=lambda: stock(app, AMS=9, HAM=9))
        assert {outcome for outcome, _ in app.ends().values()} == {"done"}, clean[position]
        (order,) = orders(app)
        assert (sold(), order["IsSalesProcessingStopped"]) == (wanted, "No"), clean[position]
