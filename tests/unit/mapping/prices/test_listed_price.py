"""What a list shows: tax, rounding, endings, compare-at prices, line discounts, quantity breaks, quantity rules."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from builders.price_rows import (
    DAY,
    RED_M,
    TENT,
    book,
    discount,
    list_terms,
    price_of,
    quantities,
    row,
    sales_item,
    terms,
)

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.shown import rounded, with_ending
from shared.model import Item, PriceTier, QuantityRule

B2B = {"tiers": True, "groups": ("WEB",)}


def rates(**by_group):
    return tuple({"item_tax_group": group, "rate": Decimal(rate)} for group, rate in by_group.items())


def refusal(prices, by=None, item=TENT):
    with pytest.raises(RefusedError) as refused:
        price_of(prices, by, item)
    return refused.value


def tiers(*rows, by=None, **parts):
    return [(each.minimum, str(each.price)) for each in price_of(book(*rows, **parts), by or list_terms(**B2B)).tiers]


@pytest.mark.parametrize(
    ("price", "currency", "expected"),
    [
        (Fraction("12.345"), "EUR", "12.35"),
        (Fraction("12.3449999"), "EUR", "12.34"),
        (Fraction(100, 3), "EUR", "33.33"),
        (Fraction("0.005"), "EUR", "0.01"),
        (Fraction("0.0049"), "EUR", "0.00"),
        (Fraction("12.5"), "JPY", "13"),
        (Fraction("1.2345"), "KWD", "1.235"),
    ],
)
def test_a_price_is_rounded_to_the_smallest_unit_half_up(price, currency, expected):
    assert str(rounded(price, currency)) == expected


@pytest.mark.parametrize(
    ("price", "ending", "direction", "expected"),
    [
        ("12.34", "0.99", "up", "12.99"),
        ("12.34", "0.99", "down", "11.99"),
        ("12.34", "0.99", "nearest", "11.99"),
        ("12.49", "0.99", "nearest", "11.99"),
        ("12.50", "0.99", "nearest", "12.99"),
        ("12.99", "0.99", "down", "12.99"),
        ("13.00", "0.99", "up", "13.99"),
        ("13.00", "0.99", "down", "12.99"),
        ("12.34", "0.00", "up", "13.00"),
        ("12.00", "0.00", "up", "12.00"),
        ("0.40", "0.00", "down", "1.00"),
        ("0.40", "0.95", "nearest", "0.95"),
        ("12.96", "0.95", "up", "13.95"),
    ],
)
def test_a_price_goes_to_the_next_one_with_the_ending(price, ending, direction, expected):
    assert with_ending(Decimal(price), Decimal(ending), direction) == Decimal(expected)


def test_an_ending_counts_for_the_price_and_what_it_is_shown_beside():
    prices = book(row("79.10"), row("99.20", group="LIST"))
    shown = price_of(prices, terms(ending=Decimal("0.95"), list_price_group="LIST"))
    assert (str(shown.price), str(shown.compare_at)) == ("79.95", "99.95")


@pytest.mark.parametrize(
    ("fo", "shop", "expected"), [(False, True, "121.00"), (True, False, "82.64"), (True, True, "100.00")]
)
def test_a_price_is_converted_by_the_rate_of_its_item_tax_group(fo, shop, expected):
    by = terms(fo_includes_tax=fo, shop_includes_tax=shop, tax_rates=rates(full="0.21"))
    assert str(price_of(book(), by).price) == expected


def test_an_item_whose_tax_group_has_no_rate_is_refused():
    by = terms(shop_includes_tax=True, tax_rates=rates(FULL="0.21"))
    refused = refusal(book(items=[sales_item(tax_group="REDUCED")]), by)
    assert refused.code is ErrorCode.PRICE_TAX_UNKNOWN
    assert refused.details["group"] == "REDUCED"


def test_a_variant_with_a_tax_group_of_its_own_is_converted_by_that():
    by = terms(
        shop_includes_tax=True,
        tax_rates=rates(FULL="0.21", REDUCED="0.09"),
    )
    prices = book(row("10", RED_M), tax_groups={RED_M: "Reduced"})
    assert str(price_of(prices, by, RED_M).price) == "10.90"


def test_tax_is_added_before_anything_is_rounded():
    by = terms(shop_includes_tax=True, tax_rates=rates(FULL="0.5"))
    assert str(price_of(book(row("0.01", per="3")), by).price) == "0.01"  # 0.01 / 3 * 1.5 = 0.005


def test_a_list_has_rates_of_its_own():
    keys = {"shop_includes_tax": True, "tax_rates": rates(FULL="0.21")}
    german = list_terms(rules=keys, tax_rates=rates(FULL="0.19"), groups=())
    assert str(price_of(book(), german).price) == "119.00"
    assert str(price_of(book(), list_terms(rules=keys, includes_tax=False)).price) == "100.00"


@pytest.mark.parametrize("price", ["0", "0.004"])
def test_a_price_of_0_is_refused_unless_a_rule_allows_it(price):
    assert refusal(book(row(price))).code is ErrorCode.PRICE_ZERO
    assert price_of(book(row(price)), terms(allow_zero=True, ending=Decimal("0.99"))).price == 0


def test_a_base_price_of_0_is_refused():
    assert refusal(book(items=[sales_item(base="0")])).code is ErrorCode.PRICE_ZERO


def test_an_item_that_is_not_released_has_no_price():
    assert refusal(book(), item=Item("GHOST")).code is ErrorCode.PRICE_MISSING


@pytest.mark.parametrize(("list_price", "expected"), [("120", "120.00"), ("100", None), ("90", None), (None, None)])
def test_the_compare_at_price_is_the_list_price_if_that_is_higher(list_price, expected):
    rows = [row(list_price, group="LIST")] if list_price else []
    shown = price_of(book(*rows), terms(list_price_group="LIST"))
    assert shown.compare_at == (Decimal(expected) if expected else None)


def test_the_list_price_is_that_of_its_group_alone():
    rows = [row("150", group=""), row("130", group="LIST"), row("70")]
    shown = price_of(book(*rows), terms(list_price_group="LIST"))
    assert (str(shown.price), str(shown.compare_at)) == ("70.00", "130.00")


def test_without_a_list_price_group_there_is_no_compare_at_price():
    assert price_of(book(row("130", group="LIST"), row("70"))).compare_at is None


def test_a_line_discount_is_refused_unless_the_rules_fold_it():
    assert refusal(book(discounts=[discount("10")])).code is ErrorCode.PRICE_DISCOUNTED


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (discount("10"), "90.00"),
        (discount("10", amount="5"), "85.50"),
        (discount(amount="5"), "95.00"),
        (discount("10", Item(""), item_group="Tents"), "90.00"),
        (discount("10", Item(""), item_group="BOOTS"), "100.00"),
        (discount("10", Item("")), "90.00"),
        (discount("10", Item("BOOTS")), "100.00"),
        (discount("10", group="RETAIL"), "90.00"),
        (discount("10", group="DEALER"), "100.00"),
        (discount("10", account="C-1"), "100.00"),
        (discount("10", unit="box"), "100.00"),
        (discount("10", unit=""), "90.00"),
        (discount("10", from_quantity="5"), "100.00"),
        (discount("10", currency="USD"), "90.00"),
    ],
)
def test_a_line_discount_for_the_lists_buyers_lowers_the_price(given, expected):
    by = terms(discounts="fold", discount_group="retail")
    prices = book(items=[sales_item(discount_group="TENTS")], discounts=[given])
    assert str(price_of(prices, by).price) == expected


def test_a_discount_in_another_currency_is_refused():
    prices = book(discounts=[discount(amount="5", currency="USD")])
    assert refusal(prices, terms(discounts="fold")).code is ErrorCode.PRICE_DEPENDS


def test_a_discount_for_a_warehouse_is_refused_or_left_out():
    prices = book(discounts=[discount("10", warehouse="AMS")])
    assert refusal(prices, terms(discounts="fold")).code is ErrorCode.PRICE_DEPENDS
    assert str(price_of(prices, terms(discounts="fold", by_warehouse="leave_out")).price) == "100.00"


def test_two_line_discounts_are_undecided():
    prices = book(discounts=[discount("10", record=1), discount("5", Item(""), record=2)])
    refused = refusal(prices, terms(discounts="fold"))
    assert (refused.code, refused.details["records"]) == (ErrorCode.PRICES_OVERLAP, "1, 2")


def test_a_discount_that_takes_more_than_the_price_is_refused():
    prices = book(discounts=[discount(amount="101")])
    assert refusal(prices, terms(discounts="fold")).code is ErrorCode.PRICE_NEGATIVE


def test_a_compare_at_price_has_no_line_discount():
    prices = book(row("120", group="LIST"), discounts=[discount("10")])
    shown = price_of(prices, terms(discounts="fold", list_price_group="LIST"))
    assert (str(shown.price), str(shown.compare_at)) == ("90.00", "120.00")


def test_rows_from_a_quantity_on_are_quantity_breaks():
    rows = [
        row("90", to_quantity="10"),
        row("80", from_quantity="10", to_quantity="50"),
        row("70", from_quantity="50"),
    ]
    assert str(price_of(book(*rows), list_terms(**B2B)).price) == "90.00"
    assert tiers(*rows) == [(10, "80.00"), (50, "70.00")]


def test_the_last_quantity_of_a_row_is_not_included():
    assert tiers(row("90", to_quantity="10"), row("80", from_quantity="10")) == [(10, "80.00")]


def test_where_a_row_ends_and_none_follows_the_base_price_counts_which_is_no_break_if_it_is_dearer():
    rows = [row("90", to_quantity="10")]
    assert tiers(*rows) == []
    assert tiers(*rows, items=[sales_item(base="85")]) == [(10, "85.00")]


def test_a_break_that_is_not_cheaper_is_left_out():
    rows = [row("90"), row("90", from_quantity="5"), row("95", from_quantity="8"), row("60", from_quantity="20")]
    assert tiers(*rows) == [(20, "60.00")]


def test_a_break_that_rounding_makes_equal_is_left_out():
    by = list_terms(**B2B, ending=Decimal("0.99"))
    assert tiers(row("90.50", to_quantity="5"), row("90.20", from_quantity="5"), by=by) == []


def test_a_discount_from_a_quantity_on_is_a_break():
    by = list_terms(**B2B, rules={"discounts": "fold"})
    assert tiers(by=by, discounts=[discount("10", from_quantity="12")]) == [(12, "90.00")]


def test_the_shops_own_prices_have_no_breaks():
    shown = price_of(book(row("90"), row("80", from_quantity="2.5")))
    assert (str(shown.price), shown.tiers) == ("90.00", ())


def test_a_break_at_a_fraction_of_a_piece_is_refused():
    refused = refusal(book(row("80", from_quantity="2.5")), list_terms(**B2B))
    assert refused.code is ErrorCode.PRICE_TIERS_UNUSABLE
    assert "5/2" in refused.details["problem"]


def test_a_fraction_below_one_piece_is_no_break():
    assert tiers(row("90", from_quantity="0.5")) == []


def test_a_gap_without_any_price_is_refused():
    by = list_terms(**B2B, rules={"base_currency": None})
    refused = refusal(book(row("90", to_quantity="10"), row("80", from_quantity="20")), by)
    assert refused.code is ErrorCode.PRICE_TIERS_UNUSABLE
    assert "10 pieces" in refused.details["problem"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (quantities(), None),
        (quantities("1"), None),
        (quantities("1", multiple="1"), None),
        (quantities("5"), QuantityRule(5, None, 1)),
        (quantities("5", "20"), QuantityRule(5, 20, 1)),
        (quantities("5", "20", "3"), QuantityRule(6, 18, 3)),
        (quantities("0", "0", "6"), QuantityRule(6, None, 6)),
        (quantities("2.5"), QuantityRule(3, None, 1)),
    ],
)
def test_order_quantities_become_a_quantity_rule_of_multiples(given, expected):
    prices = book(quantities={TENT: given})
    assert price_of(prices, list_terms(quantity_rules=True)).quantities == expected


@pytest.mark.parametrize(
    "given",
    [
        quantities("5", "4"),
        quantities("1", "5", "6"),
        quantities(multiple="1.5"),
        quantities(multiple="-2"),
        quantities("-1", "4"),
        quantities("2", "-4"),
    ],
)
def test_order_quantities_that_nobody_can_meet_are_refused(given):
    refused = refusal(book(quantities={TENT: given}), list_terms(quantity_rules=True))
    assert refused.code is ErrorCode.PRICE_QUANTITIES_UNUSABLE


def test_order_quantities_in_another_unit_are_refused():
    prices = book(items=[sales_item(inventory_unit="box")], quantities={TENT: quantities("5")})
    assert refusal(prices, list_terms(quantity_rules=True)).code is ErrorCode.PRICE_QUANTITIES_UNUSABLE


def test_a_variant_has_order_quantities_of_its_own_or_those_of_its_master():
    by = list_terms(quantity_rules=True)
    both = {Item("SHIRT"): quantities("5"), RED_M: quantities("7")}
    assert price_of(book(quantities=both), by, RED_M).quantities == QuantityRule(7)
    assert price_of(book(quantities={Item("SHIRT"): quantities("5")}), by, RED_M).quantities == QuantityRule(5)


def test_the_price_is_that_of_the_smallest_quantity_that_can_be_ordered():
    prices = book(row("80", from_quantity="5"), quantities={TENT: quantities("5")})
    shown = price_of(prices, list_terms(**B2B, quantity_rules=True))
    assert (str(shown.price), shown.tiers) == ("80.00", ())


def test_a_break_that_is_no_multiple_of_the_order_multiple_is_refused():
    prices = book(row("80", from_quantity="10"), quantities={TENT: quantities(multiple="6")})
    refused = refusal(prices, list_terms(**B2B, quantity_rules=True))
    assert refused.code is ErrorCode.PRICE_TIERS_UNUSABLE


def test_a_break_beyond_the_greatest_quantity_is_left_out():
    prices = book(row("80", from_quantity="10"), quantities={TENT: quantities(maximum="9")})
    assert price_of(prices, list_terms(**B2B, quantity_rules=True)).tiers == ()


def test_prices_of_the_tenants_service_are_shown_as_those_of_rows():
    given = {TENT: {1: Decimal(50), 10: Decimal(45), 20: None}}
    by = list_terms(**B2B, rules={"list_price_group": None})
    shown = ListCalculator.of_day(book(), by, DAY, given={TENT: {1: Decimal(50), 10: Decimal(45)}}).price_of(TENT)
    assert (shown.price, shown.tiers) == (Decimal("50.00"), (PriceTier(10, Decimal("45.00")),))
    with pytest.raises(RefusedError) as refused:
        ListCalculator.of_day(book(), by, DAY, given=given).price_of(TENT)
    assert refused.value.code is ErrorCode.PRICE_TIERS_UNUSABLE


@pytest.mark.parametrize("given", [{}, {TENT: {1: None}}])
def test_an_item_without_a_price_of_the_service_has_none(given):
    with pytest.raises(RefusedError) as refused:
        ListCalculator.of_day(book(), terms(), DAY, given=given).price_of(TENT)
    assert refused.value.code is ErrorCode.PRICE_MISSING
