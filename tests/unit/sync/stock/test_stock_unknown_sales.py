"""Which orders count as sold and not yet known to F&O, and from where the next search starts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import TransientError
from shared.mapping.stock.figures import StockedItem
from shared.model import Item, Sale, SoldUnits
from shared.rules import StockRules
from shared.store.links import OrderLink, PendingSale
from shared.sync.stock.unknown.held import HeldBack, HeldOrder
from shared.sync.stock.unknown.sales import UnknownSales

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
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
        self.given_back, self.updated = {}, {}
        self.tents = {}
        """Order -> tents as ordered, and those left."""
        self.links = {}
        """Of orders that F&O has. Those of `known_to_fo` are never behind."""
        self.known_to_fo, self.pending, self.document = set(), [], None
        self.searches_for_changes, self.links_read = [], []
        self.searches, self.looked_into, self.looked_up = [], [], []
        self.lost_race = False
        self.items, self.sold_as = ITEMS, {}

    async def run(self, query, variables):
        if query.name == "StockOrderUnits":
            numbers = [int(gid.rpartition("/")[2]) for gid in variables["orders"]]
            self.looked_into += numbers
            return {"nodes": [self.goods(number) for number in numbers]}
        if query.name == "StockOrderTimes":
            numbers = [int(gid.rpartition("/")[2]) for gid in variables["orders"]]
            self.looked_up += numbers
            nodes = {number: self.times(number, *moments) for number, *moments in self.orders}
            return {"nodes": [nodes.get(number) for number in numbers]}
        since = datetime.fromisoformat(variables["query"].partition("'")[2].rstrip("'"))
        nodes = [self.times(number, *moments) for number, *moments in self.orders]
        if variables["sort"] == "UPDATED_AT":
            self.searches_for_changes.append(since)
            nodes = [node for node in nodes if node["updatedAt"] >= text(since)]
        else:
            self.searches.append(since)
            nodes = [node for node in nodes if node["createdAt"] >= text(since)]
        return {"orders": {"nodes": nodes, "pageInfo": LAST}}

    def times(self, number, created, *cancelled):
        changed = [*cancelled, self.given_back.get(number, self.updated.get(number, created))]
        return {
            "id": f"gid://shopify/Order/{number}",
            "createdAt": text(created),
            "updatedAt": text(changed[0]),
            "cancelledAt": text(cancelled[0]) if cancelled else None,
            "currentSubtotalLineItemsQuantity": 0 if cancelled or number in self.given_back else 1,
        }

    def goods(self, number):
        """A line of tents, numbered like the order."""
        ordered, left = self.tents.get(number, (1, 1))
        line = {
            "id": f"gid://shopify/LineItem/{number}",
            "quantity": ordered,
            "currentQuantity": left,
            "variant": {"inventoryItem": {"id": "gid://shopify/InventoryItem/101"}},
        }
        return {
            "lineItems": {"nodes": [line], "pageInfo": LAST},
            "fulfillmentOrders": {"nodes": [], "pageInfo": LAST},
        }

    async def known(self, store, order_ids):
        known = {order: self.links[order].counted_version if order in self.links else FOREVER for order in order_ids}
        return {order: version for order, version in known.items() if order in self.known_to_fo | self.links.keys()}

    async def get_several(self, store, order_ids):
        if order_ids := sorted(order_ids):
            self.links_read.append(order_ids)
        current = {order: OrderLink(store, order, FOREVER, sales_order="S1") for order in self.known_to_fo}
        return {order: link for order, link in (current | self.links).items() if order in order_ids}

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


# ---- what was added to orders that F&O has


def link(order, version, *, tents=1, **more):
    """F&O has so many tents of the order; None if nobody knows."""
    fingerprint = json.dumps({} if tents is None else {"quantity": str(tents)})
    return OrderLink(
        "nordlys", order, version, sales_order="S1", fingerprints={f"products:{order}": fingerprint}, **more
    )


def edited(*, minute=20, tents=(3, 3), **more):
    """Order 1 is from long ago, F&O has one tent of it, and it was changed in Shopify since."""
    shop = Shop((1, at(-600)))
    shop.updated, shop.tents = {1: at(minute)}, {1: tents}
    shop.links = {1: link(1, at(-600), **more)}
    return shop


async def test_what_an_edit_added_counts_until_fo_has_that_state_or_a_later_one():
    shop = edited()
    taken = await shop.tick(now=at(22))
    assert (taken.sales, taken.backlog, taken.is_complete) == ([Sale(101, None, 2)], 0, True)
    assert shop.held == {1: (HeldBack.CHANGED, {"TENT-2P": 2})}
    shop.links = {1: link(1, at(20), tents=3)}
    taken = await shop.tick(now=at(23))
    assert (taken.sales, shop.held) == ([], {})
    assert json.loads(shop.document)["changed"] == {}


async def test_the_link_of_a_change_that_fo_has_is_read_once():
    """The search shows the change for minutes, and every change of an old order would be a read of each run."""
    shop = edited(minute=20)
    shop.links = {1: link(1, at(20), tents=3)}
    for minute in (21, 22, 23):
        await shop.tick(now=at(minute))
    assert shop.links_read == [[1]]
    shop.updated = {1: at(24)}
    assert (await shop.tick(now=at(25))).sales == []
    assert shop.links_read[:2] == [[1], [1]]
    shop.updated = {}
    await shop.tick(now=at(60))
    assert json.loads(shop.document)["caught_up"] == {}


async def test_an_edit_that_was_parked_with_its_order_counts_after_the_order_was_booked_as_it_was_placed():
    shop = edited()
    booked, shop.links = shop.links, {}
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 3, 9001),), None, version=at(20))]
    assert [sale.units for sale in (await shop.tick(now=at(22))).sales] == [3]
    shop.links, shop.pending = booked, []
    assert (await shop.tick(now=at(23))).sales == [Sale(101, None, 2)]


async def test_what_an_edit_adds_of_a_variant_that_nobody_can_buy_any_more_is_held_back_of_the_one_with_its_item():
    shop = edited()
    shop.sold_as = {101: 102}
    shop.items = [StockedItem("TENT-2P", Item("TENT-2P"), 102, 9002)]
    assert (await shop.tick(now=at(22))).sales == [Sale(102, None, 2)]
    assert shop.held == {1: (HeldBack.CHANGED, {"TENT-2P": 2})}
    shop.links = {1: link(1, at(-600), tents=None)}
    assert (await shop.tick(now=at(23))).unclear == {102}
    assert shop.held == {1: (HeldBack.CHANGED, {"TENT-2P": 3})}


async def test_a_change_that_adds_nothing_is_neither_subtracted_nor_listed():
    shop = edited(tents=(1, 1))
    taken = await shop.tick(now=at(22))
    assert (taken.sales, taken.unclear, shop.held) == ([], frozenset(), {})


async def test_an_order_that_changed_is_followed_though_later_changes_of_others_move_the_search_on():
    shop = edited()
    shop.orders += ((2, at(-500)),)
    shop.known_to_fo = {2}
    for minute in (22, 90, 180):
        shop.updated |= {2: at(minute)}
        taken = await shop.tick(now=at(minute))
        assert taken.sales == [Sale(101, None, 2)]
    assert shop.searches_for_changes == [at(22 - 10 - 6 * 60), at(22 - 10), at(90 - 10)]
    assert shop.looked_into == [1]


async def test_an_order_that_changed_again_is_read_again():
    shop = edited()
    await shop.tick(now=at(22))
    shop.updated, shop.tents = {1: at(23)}, {1: (6, 6)}
    assert (await shop.tick(now=at(24))).sales == [Sale(101, None, 5)]
    assert shop.looked_into == [1, 1]


async def test_an_order_that_changed_while_fo_lacked_it_counts_after_it_was_booked_as_it_was_placed():
    shop = Shop((1, at(1)), (2, at(2)))
    shop.updated, shop.tents, shop.known_to_fo = {1: at(3)}, {1: (3, 3)}, {2}
    assert (await shop.tick(now=at(4))).sales == [Sale(101, None, 3)]
    shop.updated |= {2: at(180)}
    assert (await shop.tick(now=at(180))).sales == [Sale(101, None, 3)]
    shop.links = {1: link(1, at(1))}
    for minute in (181, 300):
        assert (await shop.tick(now=at(minute))).sales == [Sale(101, None, 2)]


async def test_a_link_that_catches_up_while_the_run_reads_ends_the_doubt_at_once():
    shop = edited()
    known = shop.known

    async def known_before(store, order_ids):
        found = await known(store, order_ids)
        shop.links = {1: link(1, at(20), tents=None)}
        return found

    shop.known = known_before
    taken = await shop.tick(now=at(22))
    assert (taken.sales, taken.unclear) == ([], frozenset())


@pytest.mark.parametrize("tents", [None, "no record"])
async def test_items_of_which_nobody_knows_what_fo_has_are_unclear(tents):
    shop = edited(tents=(3, 3))
    shop.links = {
        1: link(1, at(-600), tents=None) if tents is None else OrderLink("nordlys", 1, at(0), sales_order="S1")
    }
    taken = await shop.tick(now=at(22))
    assert (taken.sales, taken.unclear) == ([], {101})
    assert shop.held == {1: (HeldBack.CHANGED, {"TENT-2P": 3})}


async def test_what_a_parked_change_adds_counts_once_and_only_a_later_change_beside_it():
    shop = edited(parked_version=at(20), sold=(SoldUnits("TENT-2P", 2, 9001),))
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 2, 9001),), 1)]
    assert (await shop.tick(now=at(22))).sales == [Sale(101, 1, 2)]
    assert shop.looked_into == []
    shop.updated, shop.tents = {1: at(30)}, {1: (4, 4)}
    assert (await shop.tick(now=at(32))).sales == [Sale(101, 1, 2), Sale(101, None, 1)]


async def test_what_an_edit_adds_to_a_parked_order_counts_beside_what_was_parked():
    shop = Shop((1, at(-600)))
    shop.updated, shop.tents = {1: at(20)}, {1: (3, 3)}
    shop.links = {}
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 1, 9001),), 1, version=at(-600))]
    assert (await shop.tick(now=at(22))).sales == [Sale(101, 1, 1), Sale(101, None, 2)]
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 3, 9001),), 1, version=at(20))]
    assert (await shop.tick(now=at(23))).sales == [Sale(101, 1, 3)]


async def test_a_parked_order_from_before_the_first_day_does_not_count_though_it_is_edited():
    shop = Shop((1, at(-600)))
    shop.updated, shop.tents = {1: at(20)}, {1: (3, 3)}
    shop.pending = [PendingSale(1, (SoldUnits("TENT-2P", 1, 9001),), 1, version=at(-600))]
    assert (await shop.tick(now=at(22), known_before=at(-300))).sales == []


async def test_an_order_that_staff_maintain_is_left_to_them():
    shop = edited(given_up=True)
    shop.known_to_fo, shop.links = {1}, {}  # OrderLinks.known gives the end of time
    assert (await shop.tick(now=at(22))).sales == []
    assert shop.looked_into == []


@pytest.mark.parametrize(("minute", "counts"), [(22, 0), (20.5, 1)])
async def test_removed_units_count_only_while_the_figure_may_have_been_read_before(minute, counts):
    shop = edited(tents=(2, 1))
    assert len((await shop.tick(now=at(minute))).sales) == counts


@pytest.mark.parametrize(("minute", "followed"), [(22, []), (20.5, ["1"])])
async def test_a_cancelled_order_is_followed_only_while_the_figure_may_have_been_read_before(minute, followed):
    shop = edited(tents=(3, 0))
    shop.orders = ((1, at(-600), at(20)),)
    await shop.tick(now=at(minute))
    assert list(json.loads(shop.document)["changed"]) == followed


async def test_while_the_units_of_a_changed_order_are_not_read_not_all_are_known():
    shop = edited()
    shop.orders += ((2, at(19)), (3, at(21)))
    seen = []
    for minute in (22, 23):
        taken = await shop.tick(now=at(minute), freeze_backlog=2)
        seen.append((len(taken.sales), taken.backlog, taken.is_complete))
        if minute == 22:
            assert shop.held[1] == (HeldBack.CHANGED, {})
    assert seen == [(2, 2, False), (3, 2, True)]


async def test_the_first_search_for_changes_starts_hours_before_the_run_after_an_earlier_release_too():
    shop = Shop((1, at(-2)))
    await shop.tick()
    stored = json.loads(shop.document)
    del stored["changed"], stored["changed_since"]
    shop.document = json.dumps(stored)
    await shop.tick(now=at(60))
    assert shop.searches_for_changes == [at(-10 - 6 * 60), at(50 - 6 * 60)]


async def test_goods_of_changed_orders_are_read_again_where_shopify_raised_a_figure_of_theirs():
    shop = edited()
    await shop.tick(now=at(22))
    sales = await UnknownSales.load(
        shop, shop, shop, store="nordlys", rules=StockRules(), known_before=None, now=at(23), sold_as={}
    )
    sales.read_again({102})
    await sales.read(ITEMS)
    assert shop.looked_into == [1]
    sales.read_again({101})
    await sales.read(ITEMS)
    assert shop.looked_into == [1, 1]
