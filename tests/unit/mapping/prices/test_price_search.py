"""Which of F&O's rows gives the price: customer, group and all; dimensions; days; units; Find next; priorities."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from builders.price_rows import (
    BLUE_M,
    DAY,
    RED_L,
    RED_M,
    TENT,
    book,
    conversion,
    list_terms,
    price_of,
    price_rules,
    row,
    sales_item,
    terms,
)

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.search import unlisted_currencies
from shared.mapping.prices.terms import terms_of
from shared.model import Item


def price(*rows, by=None, item=TENT, day=DAY, **parts):
    return price_of(book(*rows, **parts), by, item, day).price


def refusal(*rows, by=None, item=TENT, **parts):
    with pytest.raises(RefusedError) as refused:
        price(*rows, by=by, item=item, **parts)
    return refused.value


def test_without_a_row_the_base_price_counts():
    assert price() == Decimal("100.00")


def test_a_row_beats_the_base_price_even_when_it_is_dearer():
    assert price(row("120")) == Decimal("120.00")


def test_without_a_row_and_without_base_prices_there_is_no_price():
    refused = refusal(by=terms(base_currency=None))
    assert refused.code is ErrorCode.PRICE_MISSING
    assert refused.details["item"] == "TENT-2P"


def test_base_prices_of_another_currency_do_not_count():
    assert refusal(by=terms(base_currency="DKK")).code is ErrorCode.PRICE_MISSING


def test_the_base_price_is_divided_by_its_price_quantity():
    assert price(items=[sales_item(base="250", base_per=Decimal(100))]) == Decimal("2.50")


@pytest.mark.parametrize("per", ["0", "1"])
def test_a_price_quantity_of_0_counts_as_1(per):
    assert price(row("12", per=per)) == Decimal("12.00")


def test_a_price_is_divided_by_its_price_quantity():
    assert price(row("100", per="3")) == Decimal("33.33")


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"group": "WEB"}, True),
        ({"group": "web"}, True),
        ({"group": ""}, True),
        ({"group": "DEALER"}, False),
        ({"group": "", "account": "C-1"}, False),
        ({"currency": "USD"}, False),
        ({"currency": "eur"}, True),
    ],
)
def test_rows_of_the_lists_groups_and_of_all_customers_count_in_its_currency(fields, counts):
    assert price(row("80", **fields)) == Decimal("80.00" if counts else "100.00")


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        (None, None, True),
        (DAY, DAY, True),
        (date(2026, 11, 30), None, False),
        (None, date(2026, 11, 28), False),
        (date(2026, 11, 1), date(2026, 12, 1), True),
    ],
)
def test_a_row_counts_on_its_days_first_and_last_included(first, last, counts):
    assert price(row("80", first_day=first, last_day=last)) == Decimal("80.00" if counts else "100.00")


def test_of_several_rows_that_search_on_the_lowest_counts():
    rows = [row("80"), row("75", group=""), row("90", record=3)]
    assert price(*rows) == Decimal("75.00")


def test_the_search_ends_at_a_group_with_a_row_that_does_not_search_on():
    assert price(row("80", searches_on=False), row("75", group="")) == Decimal("80.00")


def test_a_row_for_all_that_does_not_search_on_hides_no_row_of_the_group():
    assert price(row("70"), row("80", group="", searches_on=False)) == Decimal("70.00")


def test_the_customers_own_row_comes_first():
    mine = list_terms(customer="c-1")
    rows = [row("90", account="C-1", group="", searches_on=False), row("60", group="DEALER")]
    assert price(*rows, by=mine) == Decimal("90.00")
    assert price(*rows, by=list_terms()) == Decimal("60.00")


@pytest.mark.parametrize(("search", "expected"), [(("group",), "80.00"), (("all",), "70.00")])
def test_what_the_company_does_not_search_does_not_count(search, expected):
    keys = {"groups": ()} if "group" not in search else {}
    assert price(row("80"), row("70", group=""), by=terms(search=search, **keys)) == Decimal(expected)


def test_two_rows_of_which_one_does_not_search_on_are_undecided():
    refused = refusal(row("80", record=7, searches_on=False), row("75", record=8))
    assert refused.code is ErrorCode.PRICES_OVERLAP
    assert refused.details["records"] == "7, 8"
    assert refused.details["quantity"] == "1"


def test_they_are_decided_when_the_row_that_ends_the_search_is_the_lowest():
    assert price(row("75", searches_on=False), row("80"), row("60", group="")) == Decimal("75.00")


def test_they_are_decided_when_the_customers_own_row_is_lower_than_both():
    own = row("70", account="C-1", group="")
    rows = [own, row("80", group="DEALER", searches_on=False), row("75", group="DEALER")]
    assert price(*rows, by=list_terms(customer="C-1")) == Decimal("70.00")


def test_two_rows_that_end_the_search_at_one_price_are_decided():
    assert price(row("75", searches_on=False), row("75", searches_on=False)) == Decimal("75.00")


def test_rows_for_other_quantities_do_not_overlap():
    assert price(row("80", searches_on=False, to_quantity="5"), row("70", from_quantity="5")) == Decimal("80.00")


def test_a_row_without_dimensions_is_for_every_variant():
    rows = [row("30", Item("SHIRT"))]
    assert [price(*rows, item=item) for item in (RED_M, BLUE_M)] == [Decimal("30.00")] * 2


def test_a_row_that_names_dimensions_comes_before_one_that_names_none():
    rows = [row("30", Item("SHIRT")), row("35", Item("SHIRT", color="Red"))]
    assert price(*rows, item=RED_M) == Decimal("35.00")
    assert price(*rows, item=BLUE_M) == Decimal("30.00")


def test_of_rows_that_name_dimensions_the_one_that_names_more_counts():
    rows = [row("35", Item("SHIRT", color="RED")), row("40", RED_L)]
    assert price(*rows, item=RED_L) == Decimal("40.00")
    assert price(*rows, item=RED_M) == Decimal("35.00")


def test_rows_of_any_dimensions_count_alike_by_rule():
    rows = [row("30", Item("SHIRT")), row("35", Item("SHIRT", color="RED")), row("33", Item("SHIRT", size="M"))]
    assert price(*rows, by=terms(dimensions="any"), item=RED_M) == Decimal("30.00")
    assert price(*rows[1:], by=terms(dimensions="any"), item=RED_M) == Decimal("33.00")


def test_rows_of_which_each_names_what_the_other_leaves_open_are_undecided():
    rows = [row("35", Item("SHIRT", color="RED"), record=4), row("33", Item("SHIRT", size="M"), record=5)]
    refused = refusal(*rows, item=RED_M)
    assert refused.code is ErrorCode.PRICES_OVERLAP
    assert refused.details["records"] == "4, 5"
    assert refused.details["item"] == "SHIRT (RED, M)"


def test_a_more_specific_row_decides_between_rows_that_name_other_dimensions():
    rows = [row("35", Item("SHIRT", color="RED")), row("33", Item("SHIRT", size="M")), row("36", RED_M)]
    assert price(*rows, item=RED_M) == Decimal("36.00")


def test_dimensions_decide_within_a_group_not_between_groups():
    rows = [row("35", Item("SHIRT", color="RED")), row("31", Item("SHIRT"), group="")]
    assert price(*rows, item=RED_M) == Decimal("31.00")


@pytest.mark.parametrize("unit", ["EA", "ea"])
def test_units_are_the_same_in_any_case(unit):
    assert price(row("80", unit=unit)) == Decimal("80.00")


def test_a_row_in_another_unit_is_refused_by_default():
    refused = refusal(row("900", unit="box"), conversions=[conversion(12)])
    assert refused.code is ErrorCode.PRICE_UNIT_UNKNOWN
    assert (refused.details["unit"], refused.details["sales_unit"]) == ("box", "ea")


def test_it_is_left_out_by_rule():
    assert price(row("900", unit="box"), by=terms(other_units="leave_out")) == Decimal("100.00")


@pytest.mark.parametrize(
    "given", [conversion(12), conversion(1, numerator=24, denominator=2), conversion(12, unit="BOX")]
)
def test_it_is_converted_by_rule(given):
    assert price(row("900", unit="box"), conversions=[given], by=terms(other_units="convert")) == Decimal("75.00")


def test_a_conversion_counts_in_both_directions():
    given = conversion(1, numerator=1, denominator=12)
    backwards = [type(given)("TENT-2P", "ea", "box", given.factor, 1, 12, has_offset=False)]
    assert price(row("900", unit="box"), conversions=backwards, by=terms(other_units="convert")) == Decimal("75.00")


@pytest.mark.parametrize(
    "conversions",
    [
        [],
        [conversion(12, product="OTHER")],
        [conversion(12, has_offset=True)],
        [conversion(0)],
        [conversion(12, denominator=0)],
    ],
)
def test_a_unit_without_a_conversion_is_refused(conversions):
    refused = refusal(row("900", unit="box"), conversions=conversions, by=terms(other_units="convert"))
    assert refused.code is ErrorCode.PRICE_UNIT_UNKNOWN


def test_quantities_are_converted_with_the_unit():
    rows = [row("1200", unit="box"), row("60", from_quantity="6", to_quantity="24")]
    by = list_terms(tiers=True, rules={"groups": ("DEALER",), "other_units": "convert"}, groups=("WEB",))
    tiers = price_of(book(*rows, conversions=[conversion(12)]), by).tiers
    assert [(each.minimum, each.price) for each in tiers] == [(6, Decimal("60.00"))]


def test_an_item_without_a_sales_unit_is_refused():
    assert refusal(items=[sales_item(sales_unit="")]).code is ErrorCode.PRICE_UNIT_UNKNOWN


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"warehouse": "AMS"}, "AMS"),
        ({"site": "EU"}, "EU"),
        ({"attributes": "POTENCY"}, "attributes"),
        ({"charges": Decimal(5)}, "charges"),
    ],
)
def test_a_price_that_depends_on_more_than_a_list_shows_is_refused(fields, what):
    refused = refusal(row("80", **fields))
    assert refused.code is ErrorCode.PRICE_DEPENDS
    assert what in refused.details["what"]


def test_prices_of_warehouses_are_left_out_by_rule():
    assert price(row("80", warehouse="AMS"), by=terms(by_warehouse="leave_out")) == Decimal("100.00")


def test_a_base_price_with_fixed_charges_is_refused():
    assert refusal(items=[sales_item(charges=Decimal(1))]).code is ErrorCode.PRICE_DEPENDS


def test_a_price_that_f_and_o_converts_from_another_currency_is_refused_where_the_list_has_none():
    dollars = row("80", currency="USD", any_currency=True)
    assert refusal(dollars).code is ErrorCode.PRICE_DEPENDS
    assert price(dollars, row("70")) == Decimal("70.00")
    assert price(row("80", currency="USD")) == Decimal("100.00")


@pytest.mark.parametrize("rows", [[row("-5")], [row("-5"), row("70")]])
def test_a_negative_price_is_refused(rows):
    assert refusal(*rows).code is ErrorCode.PRICE_NEGATIVE


def test_a_negative_price_of_others_is_no_problem():
    assert price(row("-5", group="DEALER"), row("70")) == Decimal("70.00")


def test_the_group_with_the_highest_priority_counts_alone():
    by = terms(groups=("WEB", "VIP"), choose="priority")
    rows = [row("80", group="VIP"), row("70"), row("60", group="")]
    assert price(*rows, by=by, priorities={"vip": 5, "web": 1}) == Decimal("80.00")
    assert price(*rows, by=by, priorities={"vip": 5, "web": 5}) == Decimal("70.00")
    assert price(*rows, by=by) == Decimal("70.00")
    assert price(*rows[2:], by=by) == Decimal("60.00")


def test_rows_of_a_customer_come_before_any_group_by_priority():
    by = list_terms(rules={"choose": "priority"}, customer="C-1")
    rows = [row("95", account="C-1", group=""), row("70", group="DEALER")]
    assert price(*rows, by=by, priorities={"dealer": 9}) == Decimal("95.00")


def test_without_priorities_several_groups_are_searched_together():
    assert price(row("80"), row("70", group="VIP"), by=terms(groups=("WEB", "VIP"))) == Decimal("70.00")


def test_currencies_for_which_no_list_has_the_group_are_named():
    rules = price_rules(
        list_price_group="LIST",
        lists=({"name": "CH", "currency": "CHF", "groups": ("WEB",), "market": 9},),
    )
    rows = [
        row("1", currency="USD"),
        row("2", currency="USD"),
        row("3", currency="CHF"),
        row("4", currency="USD", group="OTHER"),
        row("5", currency="USD", group=""),
        row("6", currency="CHF", group="LIST"),
        row("7", currency="SEK", last_day=date(2026, 1, 1)),
    ]
    assert list(unlisted_currencies(book(*rows), terms_of(rules), DAY)) == [("LIST", "CHF", 1), ("WEB", "USD", 2)]
