"""From on-hand to the figure that Shopify shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.mapping.stock.figures import (
    FigureOutcome,
    Listing,
    StockedItem,
    WarehouseStock,
    by_warehouse,
    compute_figure,
    decide,
    listings_of,
    sales_of_parked,
    spread_shortages,
    units_taken,
)
from shared.model import Item, Level, LevelId, OnHand, Sale, SoldUnits
from shared.rules import StockRules
from shared.rules.sections.stock import Buffer, Share

TENT = Item("TENT-2P")
LISTING = Listing("TENT-2P", TENT, LevelId(101, 1), 9001)
STOCKED = StockedItem("TENT-2P", TENT, 101, 9001)
ELSEWHERE = Listing("TENT-2P", TENT, LevelId(101, 2), 9001)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def stock(available, *, incoming=0, open_issues=0, safety=0, warehouse="AMS"):
    return WarehouseStock(warehouse, Decimal(available), Decimal(incoming), Decimal(open_issues), Decimal(safety))


def figure(*warehouses, unknown=0, **rules):
    return compute_figure(LISTING, warehouses, unknown=unknown, rules=StockRules(**rules)).figure


def test_warehouses_are_added_up_less_open_issues_and_safety_stock():
    assert figure(stock(14, safety=2), stock(9, open_issues=5)) == 16


def test_incoming_counts_only_as_far_as_the_rules_say():
    assert figure(stock(3, incoming=10)) == 3
    assert figure(stock(3, incoming=10), count_incoming=25) == 5


def test_a_share_is_rounded_down_to_whole_units():
    assert figure(stock(7), shares=(Share(location=1, percent=50),)) == 3
    assert figure(stock("3.9")) == 3


def test_a_share_of_another_location_does_not_count_here():
    assert figure(stock(7), shares=(Share(location=2, percent=50),)) == 7


def test_what_is_promised_twice_is_made_good_by_the_other_warehouse():
    assert figure(stock(5), stock(0, open_issues=3)) == 2


def test_a_local_shortage_does_not_touch_the_other_warehouse():
    assert figure(stock(5), stock(0, open_issues=3), shortage="local") == 5


@pytest.mark.parametrize("shortage", ["shared", "local"])
def test_safety_stock_holds_back_no_more_than_its_warehouse_has(shortage):
    assert figure(stock(3, safety=5), stock(4), shortage=shortage) == 4


def test_safety_stock_does_not_make_a_shortage_larger():
    assert figure(stock(2, open_issues=4, safety=5), stock(10)) == 8


def test_buffer_and_unknown_sales_are_taken_off_and_nothing_is_negative():
    assert figure(stock(10), unknown=3, buffer=2) == 5
    assert figure(stock(4), unknown=3, buffer=2) == 0
    assert compute_figure(LISTING, [stock(1)], unknown=0, rules=StockRules(buffer=2)).offered == 0


@pytest.mark.parametrize(
    ("here", "there", "sold", "expected"),
    [
        (7, 5, 3, [7, 2]),
        (7, 5, 5, [7, 0]),
        (7, 5, 6, [6, 0]),
        (7, 0, 2, [5, 0]),
        (1, 0, 2, [0, 0]),
        (7, None, 2, [5, None]),
    ],
)
def test_units_that_are_not_where_they_were_sold_come_from_the_other_location(here, there, sold, expected):
    rows = [stock(here)], [] if there is None else [stock(there)]
    sales = [Sale(101, 2, sold - 1), Sale(101, 2, 1), Sale(999, 2, 50)]
    units = units_taken(sales, [LISTING, ELSEWHERE])
    figures = [
        compute_figure(each, its, unknown=units[each.level], rules=StockRules())
        for each, its in zip((LISTING, ELSEWHERE), rows, strict=True)
    ]
    assert [each.figure for each in spread_shortages(figures, sales)] == expected


def test_units_sold_anywhere_already_count_everywhere():
    sales = [Sale(101, None, 3)]
    figures = [compute_figure(LISTING, [stock(7)], unknown=3, rules=StockRules())]
    figures.append(compute_figure(ELSEWHERE, [stock(0)], unknown=3, rules=StockRules()))
    assert [each.figure for each in spread_shortages(figures, sales)] == [4, 0]


def test_the_first_buffer_that_fits_the_sku_counts_instead_of_the_stores():
    buffers = (Buffer(sku="TENT-*", units=1), Buffer(sku="*", units=7))
    assert figure(stock(10), buffer=5, buffers=buffers) == 9


def test_no_row_leaves_the_figure_alone_unless_the_rules_say_zero():
    assert figure() is None
    assert figure(missing_row="zero") == 0


def test_rows_of_one_warehouse_are_added_up_and_get_its_safety_stock():
    rows = [
        OnHand(TENT, site, "AMS", Decimal(9), Decimal(2), Decimal(7), Decimal(1), Decimal(3)) for site in ("EU", "EU2")
    ]
    assert by_warehouse(rows, {(TENT, "AMS"): Decimal(4)}) == {
        (TENT, "AMS"): stock(14, incoming=2, open_issues=6, safety=4)
    }


def test_the_same_figure_from_other_on_hand_has_another_basis():
    before = compute_figure(LISTING, [stock(5)], unknown=0, rules=StockRules())
    after = compute_figure(LISTING, [stock(7, open_issues=2)], unknown=0, rules=StockRules())
    assert (before.figure, before.basis) != (after.figure, after.basis)
    assert before.figure == after.figure


def test_units_count_where_they_were_sold_and_everywhere_when_that_is_unknown():
    sales = [Sale(101, 1, 2), Sale(101, None, 3), Sale(101, 9, 5), Sale(555, 1, 7)]
    assert units_taken(sales, [LISTING, ELSEWHERE]) == {LISTING.level: 5, ELSEWHERE.level: 3}


def test_a_parked_order_takes_from_the_skus_that_have_figures():
    assert sales_of_parked([SoldUnits("TENT-2P", 2), SoldUnits("FREIGHT", 1)], None, [STOCKED]) == [Sale(101, None, 2)]


@pytest.mark.parametrize("sku", ["TENT-2P", "tent-2p", " TENT-2P", "TENT-OLD", ""])
def test_a_parked_order_takes_from_its_variant_whatever_sku_that_has_now(sku):
    assert sales_of_parked([SoldUnits(sku, 1, 9001)], 1, [STOCKED]) == [Sale(101, 1, 1)]


def test_a_parked_order_without_variant_ids_takes_from_the_sku_in_any_case():
    assert sales_of_parked([SoldUnits("tent-2p", 1)], None, [STOCKED]) == [Sale(101, None, 1)]


def test_a_parked_order_takes_from_the_variant_that_got_its_deleted_variants_sku():
    assert sales_of_parked([SoldUnits("TENT-2P", 1, 8000)], None, [STOCKED]) == [Sale(101, None, 1)]


def test_a_parked_order_whose_product_was_deleted_takes_from_nothing():
    assert sales_of_parked([SoldUnits("STOVE", 1, 8000), SoldUnits("", 1)], None, [STOCKED]) == []


def test_where_two_variants_exchanged_their_skus_a_parked_order_takes_from_both():
    """Shopify took its unit from one, and F&O will deliver the item of the other."""
    other = StockedItem("STOVE", Item("STOVE"), 102, 9002)
    assert sales_of_parked([SoldUnits("STOVE", 1, 9001)], 1, [STOCKED, other]) == [Sale(101, 1, 1), Sale(102, 1, 1)]


def test_lines_of_one_variant_all_count():
    sold = [SoldUnits("TENT-2P", 1, 9001), SoldUnits("tent-2p", 2, 9001)]
    assert sum(sale.units for sale in sales_of_parked(sold, None, [STOCKED])) == 3


@pytest.mark.parametrize(
    ("shown", "how", "outcome"),
    [
        (5, {}, FigureOutcome.EQUAL),
        (7, {}, FigureOutcome.LOWERED),
        (3, {}, FigureOutcome.RAISED),
        (3, {"frozen": True}, FigureOutcome.FROZEN),
        (7, {"frozen": True}, FigureOutcome.LOWERED),
        (3, {"withheld": True}, FigureOutcome.WITHHELD),
        (7, {"withheld": True}, FigureOutcome.LOWERED),
        (3, {"settled_before": NOON - timedelta(seconds=1)}, FigureOutcome.SETTLING),
        (7, {"settled_before": NOON - timedelta(seconds=1)}, FigureOutcome.LOWERED),
    ],
)
def test_lowering_is_never_held_up_and_raising_by_every_doubt(shown, how, outcome):
    doubts = {"frozen": False, "withheld": False, "settled_before": NOON, **how}
    assert decide(5, Level(shown, NOON), **doubts) is outcome


def test_an_item_has_a_figure_at_each_location():
    assert listings_of(STOCKED, (1, 2)) == [LISTING, ELSEWHERE]
