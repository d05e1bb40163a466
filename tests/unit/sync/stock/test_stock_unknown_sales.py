"""Which orders count as sold and not yet known to F&O, and from where the next search starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import TransientError
from shared.mapping.stock.figures import StockedItem
from shared.model import Item, Sale, SoldUnits
from shared.rules import StockRules
from shared.store.links import PendingSale
from shared.sync.stock.held import HeldBack, HeldOrder
from shared.sync.stock.unknown_sales import UnknownSales

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ITEMS = [StockedItem("TENT-2P", Item("TENT-2P"), 101, 9001)]
LAST = {"hasNextPage": False, "endCursor": None}


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def text(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


class Shop:
    """Orders (number, created at, cancelled at), each of one tent; what F&O knows; what was remembered."""

    def __init__(self, *orders):
        self.orders = orders
        self.given_back = {}
        self.known_to_fo, self.pending, self.document = set(), [], None
        self.searches, self.looked_into, self.looked_up = [], [], []
        self.lost_race = False
        self.items, self.sold_as = ITEMS, {}

    async def run(self, query, variables):
        if query.name == "StockOrderUnits":
            numbers = [int(gid.rpartition("/")[2]) for gid in variables["orders"]]
            self.looked_into += numbers
            variant = {"inventoryItem": {"id": "gid://shopify/InventoryItem/101"}}
            lines = {"nodes": [{"quantity": 1, "variant": variant}], "pageInfo": LAST}
            return {
                "nodes": [{"lineItems": lines, "fulfillmentOrders": {"nodes": [], "pageInfo": LAST}}] * len(numbers)
            }
        if query.name == "StockOrderTimes":
            numbers = [int(gid.rpartition("/")[2]) for gid in variables["orders"]]
            self.looked_up += numbers
            nodes = {number: self.times(number, *moments) for number, *moments in self.orders}
            return {"nodes": [nodes.get(number) for number in numbers]}
        since = datetime.fromisoformat(variables["query"].partition("'")[2].rstrip("'"))
        self.searches.append(since)
        nodes = [
            self.times(number, created, *cancelled) for number, created, *cancelled in self.orders if created >= since
        ]
        return {"orders": {"nodes": nodes, "pageInfo": LAST}}

    def times(self, number, created, *cancelled):
        changed = [*cancelled, self.given_back.get(number, created)]
        return {
            "id": f"gid://shopify/Order/{number}",
            "createdAt": text(created),
            "updatedAt": text(changed[0]),
            "cancelledAt": text(cancelled[0]) if cancelled else None,
            "currentSubtotalLineItemsQuantity": 0 if cancelled or number in self.given_back else 1,
        }

    async def known(self, store, order_ids):
        return self.known_to_fo & set(order_ids)

    async def parked(self, store):
        return self.pending

    async def read(self, name):
        return (json.loads(self.document), "etag") if self.document else (None, None)

    async def write(self, name, value, etag):
        if self.lost_race:
            raise TransientError("written by another run")
        self.document = json.dumps(value)
        return "etag"

    async def tick(self, now=NOON, known_before=None, readings=1, **rules):
        sales = await UnknownSales.load(
            self,
            self,
            self,
            store="nordlys",
            rules=StockRules(**rules),
            known_before=known_before,
            now=now,
            sold_as=self.sold_as,
        )
        for _ in range(readings):
            taken = await sales.read(self.items)
        await sales.save(self.items)
        return taken

    @property
    def held(self):
        """What a person is shown: order -> why, its units by SKU."""
        rows = map(HeldOrder.from_stored, json.loads(self.document)["held"])
        return {row.order_id: (row.why, row.units) for row in rows}


async def test_an_order_counts_until_fo_knows_it():
    shop = Shop((1, at(-2)), (2, at(-1)))
    shop.known_to_fo = {1}
    taken = await shop.tick()
    assert (taken.sales, taken.backlog) == ([Sale(101, None, 1)], 1)
    shop.known_to_fo = {1, 2}
    assert (await shop.tick()).sales == []


async def test_what_an_order_took_is_read_once():
    shop = Shop((1, at(-2)))
    await shop.tick()
    await shop.tick()
    assert shop.looked_into == [1]


async def test_an_order_that_changed_is_read_again():
    shop = Shop((1, at(-2)))
    await shop.tick()
    shop.orders = ((1, at(-2), at(1)),)
    await shop.tick(now=at(1))
    assert shop.looked_into == [1, 1]


async def test_the_search_starts_again_before_the_oldest_order_that_fo_does_not_know():
    shop = Shop((1, at(1)), (2, at(20)), (3, at(40)))
    await shop.tick()
    shop.known_to_fo = {1, 3}
    await shop.tick(now=at(41))
    await shop.tick(now=at(42))
    assert shop.searches[-1] == at(20 - 10)


async def test_the_search_starts_again_before_the_newest_order_when_fo_knows_all():
    shop = Shop((1, at(1)), (2, at(40)))
    shop.known_to_fo = {1, 2}
    await shop.tick()
    await shop.tick(now=at(41))
    assert shop.searches[-1] == at(40 - 10)


async def test_an_order_that_fo_never_got_holds_the_search_back_however_many_newer_ones_come():
    shop = Shop(*((number, at(number)) for number in range(1, 61)))
    shop.known_to_fo = set(range(2, 60))
    for minute in (5, 30, 60, 90):
        taken = await shop.tick(now=at(minute), known_before=at(-60))
    assert taken.backlog == 2
    assert shop.searches[-1] == at(1 - 10)


async def test_a_parked_order_counts_by_its_own_record_and_does_not_hold_the_search_back():
    shop = Shop((1, at(1)), (2, at(40)))
    shop.known_to_fo, shop.pending = {2}, [PendingSale(1, (SoldUnits("TENT-2P", 3),), 1)]
    await shop.tick()
    taken = await shop.tick(now=at(41))
    assert (taken.sales, taken.backlog) == ([Sale(101, 1, 3)], 0)
    assert shop.searches[-1] == at(40 - 10)


@pytest.mark.parametrize(("cancelled", "counts"), [((), 1), ((at(20),), 0), ((at(60),), 1)])
async def test_a_parked_order_counts_until_it_is_cancelled_however_old_it_is(cancelled, counts):
    """One that was cancelled since the run began may be in the figure that was read."""
    shop = Shop((1, at(-9), *cancelled), (2, at(40)))
    shop.known_to_fo, shop.pending = {2}, [PendingSale(1, (SoldUnits("TENT-2P", 3, 9001),), 1)]
    await shop.tick()
    taken = await shop.tick(now=at(60))
    assert taken.sales == [Sale(101, 1, 3)] * counts
    await shop.tick(now=at(61))
    assert shop.searches[-1] == at(40 - 10)


async def test_a_parked_order_that_the_search_shows_and_that_is_cancelled_does_not_count():
    shop = Shop((1, at(-9), at(-5)))
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 3),), 1)]
    assert (await shop.tick()).sales == []
    assert shop.looked_up == []


async def test_parked_orders_older_than_the_search_are_looked_up_once_in_a_run():
    shop = Shop((1, at(-600)))
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 3),), 1)]
    await shop.tick(readings=3)
    assert shop.looked_up == [1]


async def test_a_parked_order_that_shopify_does_not_show_counts():
    shop = Shop()
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 3),), 1)]
    assert (await shop.tick()).sales == [Sale(101, 1, 3)]


async def test_a_parked_order_from_before_the_first_day_does_not_count():
    shop = Shop((1, at(-600)), (2, at(-200)))
    shop.pending = [PendingSale(order, (SoldUnits("TENT-2P", order),), 1) for order in (1, 2)]
    assert (await shop.tick(known_before=at(-300))).sales == [Sale(101, 1, 2)]


async def test_a_parked_order_without_goods_is_no_backlog_and_is_not_looked_up():
    shop = Shop((1, at(-2)), (2, at(-600)))
    shop.pending = [PendingSale(order, (), None) for order in (1, 2)]
    taken = await shop.tick()
    assert (taken.sales, taken.backlog) == ([], 0)
    assert shop.looked_into == shop.looked_up == []


async def test_the_first_search_goes_back_to_the_first_day_and_no_further():
    shop = Shop()
    await shop.tick(known_before=at(-300))
    await shop.tick(known_before=at(-300))
    assert shop.searches == [at(-300), at(-300)]


async def test_without_a_first_day_orders_before_the_first_run_are_fos():
    shop = Shop((1, at(-11)), (2, at(-9)))
    assert (await shop.tick()).backlog == 1


@pytest.mark.parametrize(("cancelled", "counts"), [(at(-5), 0), (at(0), 1)])
async def test_a_cancelled_order_counts_only_while_the_figure_may_have_been_read_before(cancelled, counts):
    shop = Shop((1, at(-8), cancelled))
    assert len((await shop.tick()).sales) == counts


async def test_of_too_large_a_backlog_only_a_part_is_looked_into():
    shop = Shop(*((number, at(-1)) for number in range(9)))
    taken = await shop.tick(freeze_backlog=4)
    assert (len(shop.looked_into), taken.backlog) == (4, 9)


# ---- what holds stock back has an end, and is listed


def unreadable(order):
    return PendingSale(order, (), None, is_readable=False)


@pytest.mark.parametrize("pending", [[], [PendingSale(1, (SoldUnits("TENT-2P", 1),), 1)], [unreadable(1)]])
async def test_an_order_that_is_given_back_whole_counts_only_while_the_figure_may_have_been_read_before(pending):
    shop = Shop((1, at(-8)))
    shop.pending = pending
    assert len((await shop.tick()).sales) == 1
    shop.given_back = {1: at(20)}
    assert len((await shop.tick(now=at(20))).sales) == 1
    taken = await shop.tick(now=at(22))
    assert (taken.sales, taken.backlog, shop.held) == ([], 0, {})


async def test_an_order_that_cannot_be_read_counts_by_what_shopify_has_and_is_no_backlog():
    shop = Shop((1, at(1)), (2, at(40)))
    shop.known_to_fo, shop.pending = {2}, [unreadable(1)]
    for minute in (1, 41, 42):
        taken = await shop.tick(now=at(minute))
        assert (taken.sales, taken.backlog, taken.is_complete) == ([Sale(101, None, 1)], 0, True)
    assert shop.looked_into == [1]
    assert shop.searches[-1] == at(40 - 10)
    assert shop.held == {1: (HeldBack.UNREADABLE, {"TENT-2P": 1})}


@pytest.mark.parametrize("end", ["cancelled", "known", "readable"])
async def test_an_order_that_could_not_be_read_stops_counting(end):
    shop = Shop((1, at(1)))
    shop.pending = [unreadable(1)]
    await shop.tick(now=at(2))
    if end == "cancelled":
        shop.orders = ((1, at(1), at(3)),)
    else:
        shop.known_to_fo, shop.pending = {1}, []
    taken = await shop.tick(now=at(60))
    assert (taken.sales, taken.backlog, shop.held) == ([], 0, {})


async def test_an_order_that_could_not_be_read_and_that_shopify_no_longer_shows_counts_until_it_is_released():
    shop = Shop((1, at(1)))
    shop.pending = [unreadable(1)]
    await shop.tick(now=at(2))
    shop.orders = ()
    assert (await shop.tick(now=at(60))).sales == [Sale(101, None, 1)]
    assert shop.held == {1: (HeldBack.UNREADABLE, {"TENT-2P": 1})}


async def test_however_many_orders_cannot_be_read_figures_are_raised_once_the_units_of_all_are_known():
    shop = Shop(*((number, at(-1)) for number in range(1, 10)))
    shop.pending = [unreadable(number) for number in range(1, 10)]
    seen = []
    for _ in range(4):
        taken = await shop.tick(freeze_backlog=4)
        seen.append((len(taken.sales), taken.backlog, taken.is_complete))
    assert seen == [(4, 0, False), (8, 0, False), (9, 0, True), (9, 0, True)]
    assert sorted(shop.looked_into) == list(range(1, 10))


async def test_what_is_held_back_is_stored_with_its_order_its_units_and_the_reason():
    shop = Shop((1, at(-2)), (2, at(-600)), (3, at(-700), at(-650)))
    shop.pending = [
        PendingSale(2, (SoldUnits("TENT-2P", 3), SoldUnits("TENT-2P", 1)), 1),
        PendingSale(3, (SoldUnits("TENT-2P", 5),), 1),
        PendingSale(4, (SoldUnits("TENT-2P", 7),), 1),
        PendingSale(6, (SoldUnits("DELETED", 7),), 1),
        PendingSale(5, (), None),
    ]
    await shop.tick()
    assert shop.held == {
        1: (HeldBack.WAITING, {"TENT-2P": 1}),
        2: (HeldBack.PARKED, {"TENT-2P": 4}),
        4: (HeldBack.PARKED, {"TENT-2P": 7}),
    }
    stored = {row["order"]: row for row in json.loads(shop.document)["held"]}
    assert (stored[2]["since"], stored[4]["since"]) == (at(-600).isoformat(), None)


async def test_what_is_sold_of_a_variant_that_nobody_can_buy_any_more_is_held_back_of_the_one_with_its_item():
    shop = Shop((1, at(-1)))
    shop.sold_as = {101: 102}
    shop.items = [StockedItem("TENT-2P", Item("TENT-2P"), 102, 9002)]
    assert (await shop.tick()).sales == [Sale(102, None, 1)]
    assert shop.held == {1: (HeldBack.WAITING, {"TENT-2P": 1})}
    assert json.loads(shop.document)["orders"]["1"][1] == [[101, None, 1]]


async def test_of_too_large_a_backlog_every_order_is_listed():
    shop = Shop(*((number, at(-1)) for number in range(1, 4)))
    await shop.tick(freeze_backlog=2)
    assert [units for _, units in shop.held.values()] == [{"TENT-2P": 1}, {"TENT-2P": 1}, {}]


async def test_a_lost_race_for_the_record_is_no_trouble():
    shop = Shop((1, at(-2)))
    shop.lost_race = True
    assert (await shop.tick()).backlog == 1
