"""No interleaving of sales, their import, receipts, cancellations, returns, moves, corrections and pushes sells what
does not exist. What Shopify offers by itself is taken back by the next run.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.mapping.stock.figures import FigureOutcome
from shared.rules import StockRules
from tests.builders.stock_world import SEVERAL, Order, Push, World

MOST_LAG = 20
MINUTES_AT_REST = 4
"""A run that failed keeps its lease for three."""
STOCK = StockRules(settle_seconds=30, catalogue_minutes=1)

PLACES = st.sampled_from((1, 2))
UNITS = st.integers(1, 4)
WHICH = st.integers(0, 5)
LAGS = st.integers(0, MOST_LAG)
IN_SHOPIFY = st.one_of(
    st.tuples(st.just("a return is restocked"), WHICH, LAGS),
    st.tuples(st.just("a fulfillment is cancelled"), WHICH, LAGS),
    st.tuples(st.just("a fulfillment order is moved"), WHICH, LAGS),
    st.tuples(st.just("staff correct a figure"), PLACES, st.integers(-3, 3), LAGS),
)
"""Shopify changes its figures, and F&O does not."""
EDITS = st.one_of(
    st.tuples(st.just("staff edit an order"), WHICH, st.integers(-2, 3), LAGS),
    st.tuples(st.just("F&O gets an order as it was placed"), WHICH, PLACES),
    st.tuples(st.just("the app begins to write a change"), WHICH),
    st.tuples(st.just("F&O gets a change"), WHICH),
    st.tuples(st.just("a change is written down"), WHICH),
    st.tuples(st.just("a change is parked"), WHICH),
)
"""Orders that change after they are placed."""
EVENTS = st.one_of(
    IN_SHOPIFY,
    EDITS,
    st.tuples(st.just("a buyer buys"), PLACES, UNITS, LAGS),
    st.tuples(st.just("goods arrive"), PLACES, UNITS),
    st.tuples(st.just("an order is imported"), WHICH, PLACES),
    st.tuples(st.just("F&O gets an order"), WHICH, PLACES),
    st.tuples(st.just("an import is written down"), WHICH),
    st.tuples(st.just("an order is parked"), WHICH),
    st.tuples(st.just("an older release parked an order"), WHICH),
    st.tuples(st.just("all products are renumbered")),
    st.tuples(st.just("all SKUs are written in another case")),
    st.tuples(st.just("the products are not sold any more")),
    st.tuples(st.just("the products are sold again")),
    st.tuples(st.just("an order cannot be read"), WHICH),
    st.tuples(st.just("a buyer cancels"), WHICH),
    st.tuples(st.just("an order is given back whole"), WHICH),
    st.tuples(st.just("F&O learns of a cancellation"), WHICH),
    st.tuples(st.just("goods are shipped"), WHICH),
    st.tuples(st.just("F&O receives a return"), WHICH),
    st.tuples(st.just("time passes"), st.integers(1, 25)),
    st.tuples(st.just("the query budget is spent")),
)
OF_EDITED_ORDERS = st.one_of(
    EDITS,
    EDITS,
    st.tuples(st.just("a buyer buys"), PLACES, UNITS, LAGS),
    st.tuples(st.just("an order is imported"), WHICH, PLACES),
    st.tuples(st.just("an import is written down"), WHICH),
    st.tuples(st.just("an order is parked"), WHICH),
    st.tuples(st.just("a buyer cancels"), WHICH),
    st.tuples(st.just("staff correct a figure"), PLACES, st.integers(-3, 3), LAGS),
    st.tuples(st.just("time passes"), st.integers(1, 80)),
)


def meanwhile(events):
    """Which push goes on, for how many steps (two to a call), and what happens then."""
    return st.tuples(st.integers(0, 1), st.integers(0, 18), events)


class Retail:
    """What happens to a world, and what is being pushed meanwhile."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pushes: list[Push] = []

    def happens(self, event) -> None:
        match event:
            case "a buyer buys", place, units, lag:
                self.world.sell(self._place(place), units, lag=lag)
            case "goods arrive", place, units:
                self.world.receive(self._place(place), units)
            case "staff correct a figure", place, units, lag:
                self.world.correct(self._place(place), units, lag=lag)
            case "a return is restocked" | "a fulfillment is cancelled" | "a fulfillment order is moved", which, lag:
                self._in_shopify(event[0], which, lag)
            case "staff edit an order", which, more, lag:
                self._edit(which, more, lag)
            case "time passes", seconds:
                self.world.time += seconds
            case (what,):
                self._to_all(what)
            case what, which, *place:
                self._to_an_order(what, which, *(self._place(each) for each in place))

    def _to_all(self, what: str) -> None:
        match what:
            case "the query budget is spent":
                self.world.budget_is_spent = True
            case "all products are renumbered":
                # Of an order that an older release parked only the SKU is known.
                if all(units.variant_id for order in self.world.orders if order.parked for units in order.sold):
                    self.world.renumber()
            case "all SKUs are written in another case":
                self.world.respell()
            case "the products are not sold any more" | "the products are sold again":
                self.world.withhold(is_sold=what == "the products are sold again")

    def _to_an_order(self, what: str, which: int, place: int = 1) -> None:
        world = self.world

        def is_behind(order: Order) -> bool:
            return order.known and order.fo_version < order.updated and order.cancelled is None and not order.gone

        # Allocation may book an order on another warehouse than that of the location where it was sold.
        possible = {
            "an order is imported": (lambda o: not (o.booked or o.gone) and o.cancelled is None, self._import),
            "F&O gets an order": (lambda o: not (o.booked or o.gone) and o.cancelled is None, world.book),
            "F&O gets an order as it was placed": (
                lambda o: not (o.booked or o.gone) and o.cancelled is None,
                lambda o, place: world.book(o, place, as_placed=True),
            ),
            "an import is written down": (lambda o: o.booked and not o.known, lambda o, _: world.link(o)),
            "the app begins to write a change": (is_behind, lambda o, _: world.begin_change(o)),
            "F&O gets a change": (is_behind, lambda o, _: world.write_change(o)),
            "a change is written down": (
                lambda o: o.known and o.link_units is None and o.fo_version == o.updated,
                lambda o, _: world.link(o),
            ),
            "a change is parked": (
                lambda o: is_behind(o) and o.link_units is not None,
                lambda o, _: world.park_change(o),
            ),
            "an order is parked": (lambda o: not o.booked, lambda o, _: world.park(o)),
            "an older release parked an order": (
                lambda o: not o.booked and self._has_its_skus(o),
                lambda o, _: world.park(o, by_older_release=True),
            ),
            "an order cannot be read": (
                lambda o: not o.booked and not o.parked,
                lambda o, _: setattr(o, "unreadable", True),
            ),
            "a buyer cancels": (lambda o: o.cancelled is None and not o.gone, lambda o, _: world.cancel(o)),
            "an order is given back whole": (
                lambda o: o.cancelled is None and not o.gone,
                lambda o, _: world.give_back(o),
            ),
            "F&O learns of a cancellation": (lambda o: o.cancelled is not None and o.known, lambda o, _: world.free(o)),
            "F&O receives a return": (lambda o: o.return_expected, lambda o, _: world.receive_return(o)),
            "goods are shipped": (
                lambda o: o.is_current and o.cancelled is None and not o.gone,
                lambda o, _: world.ship(o),
            ),
        }
        fits, act = possible[what]
        orders = [order for order in world.orders if fits(order)]
        if orders:
            act(orders[which % len(orders)], place)

    def _edit(self, which: int, more: int, lag: int) -> None:
        orders = [order for order in self.world.orders if order.cancelled is None and not order.gone]
        if orders and more:
            self.world.edit(orders[which % len(orders)], more, lag=lag)

    def _in_shopify(self, what: str, which: int, lag: int) -> None:
        """Shopify changes its own figures."""
        world = self.world

        def may_come_back(order: Order) -> bool:
            return order.shipped and not order.back_in_shopify

        def is_open(order: Order) -> bool:
            return order.cancelled is None and not order.gone and len(world.locations) > 1

        possible = {
            "a return is restocked": (may_come_back, world.restock),
            "a fulfillment is cancelled": (may_come_back, world.cancel_fulfillment),
            "a fulfillment order is moved": (is_open, lambda o, *, lag: world.move(o, 3 - o.location, lag=lag)),
        }
        fits, act = possible[what]
        orders = [order for order in world.orders if fits(order)]
        if orders:
            act(orders[which % len(orders)], lag=lag)

    def _has_its_skus(self, order: Order) -> bool:
        return all(sku.upper() == self.world.skus_now[item].upper() for item, sku in order.skus.items())

    def _import(self, order: Order, place: int) -> None:
        self.world.book(order, place)
        self.world.link(order)

    def _place(self, place: int) -> int:
        return place if place in self.world.locations else 1

    def sell_out(self) -> None:
        for place in self.world.locations:
            while self.world.sell(place, 1):
                pass

    def assert_both_agree(self) -> None:
        world = self.world
        assert world.available == {place: world.promisable(place) for place in world.locations}

    def comes_to_rest(self) -> None:
        """Every order reaches F&O, every cancellation and return too, everything is sold, and some minutes go by: less
        than until every figure is compared. A parked order that was cancelled or given back stays parked.
        """
        for order in self.world.orders:
            if order.cancelled is not None and (order.parked or order.unreadable):
                order.gone = True
            elif order.cancelled is not None:
                self.world.link(order)
                self.world.free(order)
            elif not order.booked:
                self._import(order, order.location)
            else:
                if not order.gone:
                    self.world.write_change(order)
                self.world.link(order)
            if order.return_expected:
                self.world.receive_return(order)
        self.world.withhold(is_sold=True)
        self.world.time += MINUTES_AT_REST * 60
        self.world.budget_is_spent = False


def retail(before, during, *, twice: bool, **how) -> Retail:
    """Some history, goods that make a push worth while, and all that happens while it is under way."""
    shop = Retail(World(**{"stock": STOCK, **how}))
    shop.world.receive(1, 5)
    shop.world.push().finish()
    shop.world.sell(1, 2)
    for event in before:
        shop.happens(event)
        shop.world.assert_nothing_is_oversold()
    shop.world.time += 60
    shop.world.receive(1, 2)
    shop.pushes = [shop.world.push() for _ in range(1 + twice)]
    for which, steps, event in during:
        shop.pushes[which % len(shop.pushes)].go_on(steps)
        shop.happens(event)
        shop.world.assert_nothing_is_oversold()
    for push in shop.pushes:
        push.finish()
    shop.sell_out()
    shop.world.assert_nothing_is_oversold()
    return shop


@settings(deadline=None, max_examples=300)
@given(
    before=st.lists(EVENTS, max_size=3),
    during=st.lists(meanwhile(EVENTS), max_size=8),
    twice=st.booleans(),
    locations=st.sampled_from(((1,), (1, 2))),
    skus=st.sampled_from((1, SEVERAL)),
    after=st.lists(IN_SHOPIFY, max_size=3),
)
def test_never_more_is_sold_than_exists_and_at_rest_both_systems_agree(
    *, before, during, twice, locations, skus, after
):
    shop = retail(before, during, twice=twice, locations=locations, skus=skus)
    shop.comes_to_rest()
    shop.world.push().finish()
    shop.assert_both_agree()
    for event in after:
        shop.happens(event)
    shop.world.time += MINUTES_AT_REST * 60
    shop.world.push().finish()
    shop.assert_both_agree()


@settings(deadline=None, max_examples=400)
@given(
    before=st.lists(OF_EDITED_ORDERS, max_size=6),
    during=st.lists(meanwhile(OF_EDITED_ORDERS), max_size=5),
    twice=st.booleans(),
    locations=st.sampled_from(((1,), (1, 2))),
)
def test_what_an_edit_adds_is_not_offered_again_however_long_fo_waits_for_it(*, before, during, twice, locations):
    shop = retail(before, during, twice=twice, locations=locations)
    shop.comes_to_rest()
    shop.world.push().finish()
    shop.assert_both_agree()


# ---- the same by hand: each safeguard, and what happens without it


def opened(units: int, **how) -> World:
    world = World(stock=how.pop("stock", STOCK), **how)
    world.receive(1, units)
    world.push().finish()
    world.time += 60
    return world


def an_order_is_imported_while_the_push_reads(world: World) -> None:
    """After Shopify's figure was read and before the orders are; goods have arrived, so that the figure rises."""
    order = world.sell(1, 3)
    world.time += 60
    world.receive(1, 1)
    push = world.push()
    push.step_until("StockLevel")
    push.step_until("StockOrders")
    world.book(order, 1)
    world.link(order)
    push.finish()
    while world.sell(1, 1):
        pass


@pytest.mark.parametrize("skus", [1, SEVERAL])
def test_an_import_between_the_readings_is_not_missed(skus):
    world = opened(5, skus=skus)
    an_order_is_imported_while_the_push_reads(world)
    world.assert_nothing_is_oversold()


@pytest.mark.parametrize("skus", [1, SEVERAL])
def test_reading_on_hand_before_orders_would_oversell(skus):
    world = opened(5, on_hand_is_read_before_orders=True, skus=skus)
    an_order_is_imported_while_the_push_reads(world)
    with pytest.raises(AssertionError, match="9 units are sold, 6 exist"):
        world.assert_nothing_is_oversold()


def a_buyer_buys_between_reading_and_setting(world: World) -> None:
    world.receive(1, 2)
    push = world.push()
    push.step_until("StockSet")
    world.sell(1, 4)
    push.finish()
    while world.sell(1, 1):
        pass


@pytest.mark.parametrize("skus", [1, SEVERAL])
def test_a_sale_between_reading_and_setting_makes_shopify_refuse_the_figure(skus):
    world = opened(5, skus=skus)
    a_buyer_buys_between_reading_and_setting(world)
    world.assert_nothing_is_oversold()


@pytest.mark.parametrize("skus", [1, SEVERAL])
def test_setting_without_comparing_would_oversell(skus):
    world = opened(5, writes_compare=False, skus=skus)
    a_buyer_buys_between_reading_and_setting(world)
    with pytest.raises(AssertionError, match="11 units are sold, 7 exist"):
        world.assert_nothing_is_oversold()


def the_search_runs_behind(world: World) -> None:
    world.sell(1, 4, lag=MOST_LAG)
    world.receive(1, 2)
    world.push().finish()
    while world.sell(1, 1):
        pass


def test_a_figure_is_not_raised_while_an_order_may_be_missing_from_the_search():
    world = opened(5)
    the_search_runs_behind(world)
    world.assert_nothing_is_oversold()


def test_raising_at_once_would_oversell_what_the_search_does_not_show_yet():
    world = opened(5, stock=StockRules(settle_seconds=0))
    the_search_runs_behind(world)
    with pytest.raises(AssertionError, match="11 units are sold, 7 exist"):
        world.assert_nothing_is_oversold()


def test_a_cancelled_order_between_reading_and_setting_does_not_hide_a_sale():
    """The sale and the cancellation leave the figure as it was read, so that Shopify sees nothing stale."""
    world = opened(6)
    order = world.sell(1, 1)
    world.time += 60
    world.receive(1, 2)
    push = world.push()
    push.step_until("StockLevel")
    push.step_until("StockOrders")
    world.cancel(order)
    push.step_until("StockSet")
    world.sell(1, 1)
    push.finish()
    while world.sell(1, 1):
        pass
    world.assert_nothing_is_oversold()


def booked(world: World, units: int) -> Order:
    """An order that F&O has, and a run later."""
    order = world.sell(1, units)
    world.book(order, 1)
    world.link(order)
    world.time += 60
    world.push().finish()
    return order


@pytest.mark.parametrize("skus", [1, SEVERAL])
def test_what_an_edit_adds_is_subtracted_until_fo_has_it_and_all_else_rises_meanwhile(skus):
    world = opened(5, skus=skus)
    order = booked(world, 2)
    world.edit(order, 2)
    for received in (0, 3):
        world.receive(1, received)
        world.time += 3600
        world.push().finish()
        assert world.available == {1: 1 + received}
    world.write_change(order)
    world.link(order)
    world.push().finish()
    assert world.available == {1: 4}


def test_what_staff_raise_while_an_edit_waits_falls_to_what_there_is():
    world = opened(5)
    world.edit(booked(world, 2), 2)
    world.time += 60
    world.correct(1, 3)
    world.time += 60
    world.push().finish()
    assert world.available == {1: 1}


def test_while_a_change_is_written_no_figure_of_its_items_rises():
    world = opened(5)
    order = booked(world, 2)
    world.edit(order, 2)
    world.begin_change(order)
    for _ in range(2):
        world.time += 3600
        report = world.push().finish()
        assert [figure.outcome for figure in report.figures] == [FigureOutcome.WITHHELD]
    assert world.available == {1: 1}
    world.receive(1, -3)
    world.push().finish()
    assert world.available == {1: 0}
    world.time += 60
    world.receive(1, 5)
    world.write_change(order)
    world.link(order)
    world.push().finish()
    assert world.available == {1: 3}


def test_an_order_that_was_edited_while_it_waited_and_is_booked_as_it_was_placed_is_not_offered_again():
    world = opened(5)
    order = world.sell(1, 2)
    world.time += 60
    world.edit(order, 2)
    for _ in range(2):
        world.time += 3600
        world.push().finish()
    assert world.available == {1: 1}
    world.book(order, 1, as_placed=True)
    world.link(order)
    for _ in range(2):
        world.time += 3600
        world.push().finish()
        assert world.available == {1: 1}


@pytest.mark.parametrize("more", [1, -1])
def test_an_edit_between_reading_and_setting_does_not_hide_a_sale(more):
    """Units that are removed and a sale, or added ones and a cancellation, leave the figure as it was read."""
    world = opened(8)
    order, other = booked(world, 2), booked(world, 1)
    world.edit(order, 1)
    world.time += 60
    world.receive(1, 2)
    push = world.push()
    push.step_until("StockLevel")
    push.step_until("StockOrders")
    world.edit(order, more)
    push.step_until("StockSet")
    if more < 0:
        world.sell(1, 1)
    else:
        world.cancel(other)
    push.finish()
    while world.sell(1, 1):
        pass
    world.assert_nothing_is_oversold()


def test_of_two_pushes_at_once_only_one_writes():
    world = opened(5)
    world.receive(1, 3)
    first, second = world.push(), world.push()
    first.step_until("StockSet")
    second.finish()
    first.finish()
    assert second.report.busy
    assert world.available == {1: 8}


def test_a_sale_and_a_receipt_of_as_many_units_are_seen():
    """The figure is the same as before, from other on-hand: Shopify shows less and must be asked."""
    world = opened(5)
    order = world.sell(1, 2)
    world.book(order, 1)
    world.link(order)
    world.receive(1, 2)
    world.time += 60
    world.push().finish()
    assert world.available == {1: 5}


def test_of_two_pushes_that_began_together_the_slower_stops_before_it_writes():
    world = opened(5)
    world.receive(1, 3)
    first, second = world.push(), world.push()
    second.step_until("StockOrders")
    first.finish()
    second.finish()
    assert world.available == {1: 8}
    assert "written by another run" in str(second.failed)


def test_a_push_that_was_held_up_does_not_set_what_it_read_long_ago():
    world = opened(5)
    world.receive(1, 3)
    push = world.push()
    push.step_until("StockLevel")
    push.step()
    world.time += 200
    push.finish()
    assert "lease of the stock run has expired" in str(push.failed)
    assert world.available == {1: 5}


def test_goods_sold_at_one_location_and_booked_on_anothers_warehouse_are_not_offered_twice():
    world = World(stock=STOCK, locations=(1, 2))
    world.receive(1, 5)
    world.receive(2, 5)
    world.push().finish()
    order = world.sell(1, 3)
    world.time += 60
    push = world.push()
    push.step_until("StockLevel")
    world.book(order, 2)
    world.link(order)
    push.finish()
    assert world.available == {1: 5, 2: 2}


def an_order_is_parked_and_its_goods_get_other_skus(world: World, *, by_older_release: bool = False) -> None:
    order = world.sell(1, 3)
    world.park(order, by_older_release=by_older_release)
    if by_older_release:
        world.respell()
    else:
        world.renumber()
    world.time += 60
    world.receive(1, 1)
    world.push().finish()
    while world.sell(1, 1):
        pass


@pytest.mark.parametrize("by_older_release", [False, True])
def test_the_goods_of_a_parked_order_are_not_offered_again_under_another_sku(by_older_release):
    world = opened(5)
    an_order_is_parked_and_its_goods_get_other_skus(world, by_older_release=by_older_release)
    assert len(world.orders) == 4
    world.assert_nothing_is_oversold()


def test_a_parked_order_that_is_cancelled_later_gives_its_goods_back():
    world = opened(5)
    order = world.sell(1, 3)
    world.park(order)
    world.time += 3600
    world.cancel(order)
    world.time += 3600
    world.push().finish()
    assert world.available == {1: 5}


@pytest.mark.parametrize("skus", [1, SEVERAL])
@pytest.mark.parametrize(
    "event",
    [
        ("a return is restocked", 0, MOST_LAG),
        ("a fulfillment is cancelled", 0, MOST_LAG),
        ("a fulfillment order is moved", 0, MOST_LAG),
        ("staff correct a figure", 1, 3, MOST_LAG),
        ("staff correct a figure", 1, -3, MOST_LAG),
    ],
)
def test_what_shopify_changes_by_itself_is_corrected_at_once_and_asks_for_nothing_afterwards(event, skus):
    shop = Retail(opened(5, locations=(1, 2), skus=skus))
    shop.world.sell(1, 2)
    shop.happens(("an order is imported", 0, 1))
    if event[0] in {"a return is restocked", "a fulfillment is cancelled"}:
        shop.happens(("goods are shipped", 0))
    shop.comes_to_rest()
    shop.world.push().finish()
    calls = shop.world.push().finish().shopify_calls
    shop.happens(event)
    shop.world.time += MINUTES_AT_REST * 60
    assert shop.world.push().finish().changed
    shop.assert_both_agree()
    assert shop.world.push().finish().shopify_calls == calls


def test_after_an_update_of_the_app_the_search_begins_at_the_last_comparison():
    """An older release did not store where to begin."""
    world = opened(5)
    world.time += 3600
    world.correct(1, 3)
    del world.documents["stock/nordlys/shown"]
    world.time += 3600
    world.push().finish()
    assert world.available == {1: 5}


def test_a_change_is_corrected_although_fo_had_no_row_when_it_was_found():
    world = opened(5)
    world.correct(1, 3)
    world.fo_has_rows = False
    world.push().finish()
    world.time += 3600
    world.push().finish()
    assert world.available == {1: 8}
    world.fo_has_rows = True
    world.push().finish()
    assert world.available == {1: 5}


def test_a_change_is_found_by_the_next_run_when_the_one_that_saw_it_failed():
    world = opened(5)
    world.correct(1, 3)
    world.time += 15 * 60
    push = world.push()
    push.step_until("StockOrders")
    world.time += 60
    push.finish()
    assert push.failed
    world.push().finish()
    assert world.available == {1: 5}


def test_a_push_that_must_end_early_gives_its_turn_back_and_the_next_goes_on():
    world = opened(5)
    world.receive(1, 3)
    push = world.push()
    push.step_until("StockLevel")
    world.budget_is_spent = True
    assert push.finish().halted == "the query budget is spent"
    assert world.push().finish().changed == 1
    assert world.available == {1: 8}


def test_a_push_that_cannot_know_whether_it_wrote_keeps_its_turn_for_a_while():
    world = opened(5)
    world.receive(1, 3)
    push = world.push()
    push.step_until("StockSet")
    world.budget_is_spent = True
    push.finish()
    assert push.failed
    assert world.push().finish().busy
    world.time += 200
    assert [figure.outcome for figure in world.push().finish().figures] == [FigureOutcome.EQUAL]


def test_what_a_push_wrote_but_could_not_write_down_is_asked_for_although_fo_is_as_before():
    """F&O's figures return to what was remembered while Shopify shows what the lost push has set."""
    world = opened(5)
    world.receive(1, 3)
    push = world.push()
    push.step_until("StockSet")
    world.budget_is_spent = True
    push.finish()
    world.receive(1, -3)
    world.time += 200
    world.push().finish()
    assert world.available == {1: 5}
