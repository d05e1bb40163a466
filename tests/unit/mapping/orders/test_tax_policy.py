"""What a store may do about tax that F&O computes otherwise than Shopify, and about tax that is not the seller's."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from shared.errors import RefusedError
from shared.mapping.evidence import ProofRow
from shared.mapping.orders.allocation import AllocatedPart, Allocation
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.model import LineKind
from shared.rules import StoreRules, TaxPolicy
from tests.builders.sales import (
    EU,
    US,
    address,
    dollars,
    euros,
    everything_from,
    items_of,
    line,
    order,
    plan,
    shipping,
    tax,
    with_rules,
)
from tests.builders.tax_setups import DENVER, DUTCH, code, rate, setup

ROUNDING_LINE = {"policy": "rounding_line", "difference_item": "TAXDIFF"}
SERVICE = {
    "policy": "service_line",
    "service_item": "SALESTAX",
    "exempt_sales_tax_group": "EXEMPT",
    "exempt_item_tax_group": "NONE",
}


def american(*lines, **other):
    denver = address("US", "CO", city="Denver", postal_code="80202")
    defaults = {"store": "prairie", "taxes_included": False, "shipping_address": denver, "billing_address": None}
    return order(*lines, **(defaults | other))


def asked(one, rules, tax_setup, **tables) -> SalesOrderPlan:
    """Planned with F&O's own tax set-up."""
    return plan_sales_order(
        one,
        with_rules(rules, tax={"verify": "fo"} | tables),
        customer_account="C1",
        items=items_of(one),
        allocation=everything_from(rules, one),
        tax_setup=tax_setup,
    )


def refusal(call, *arguments, **more) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        call(*arguments, **more)
    return refused.value


def amounts(planned) -> list[Decimal]:
    return [each.amount.amount for each in planned.lines]


def groups(planned) -> list[str]:
    return [each.record["SalesTaxItemGroupCode"] for each in planned.lines]


DENVER_TAXES = [
    tax(dollars("2.90"), "0.029", "Colorado State Tax"),
    tax(dollars("4.81"), "0.0481", "Denver City Tax"),
    tax(dollars("1.10"), "0.011", "RTD Tax"),
]
CENT_MORE = [tax(dollars("8.82"), "0.0881")]


# ---- what F&O's own set-up says


def test_fo_is_compared_with_shopify_tax_code_by_tax_code():
    evidence = asked(american(line(1, dollars("100.00"), taxes=DENVER_TAXES)), US, DENVER).evidence
    assert evidence.as_dict()["taxes"] == [
        {"name": "RTD", "fo": "1.10 USD", "shopify": "1.10 USD", "difference": "0.00 USD"},
        {"name": "CO-STATE", "fo": "2.90 USD", "shopify": "2.90 USD", "difference": "0.00 USD"},
        {"name": "DENVER", "fo": "4.81 USD", "shopify": "4.81 USD", "difference": "0.00 USD"},
    ]
    assert evidence.row("total tax").fo == dollars("8.81")


def test_taxes_that_both_sides_cut_differently_are_compared_in_one():
    evidence = asked(american(line(1, dollars("100.00"), taxes=CENT_MORE)), US, DENVER).evidence
    assert evidence.as_dict()["taxes"] == [
        {"name": "CO-STATE + DENVER + RTD", "fo": "8.81 USD", "shopify": "8.82 USD", "difference": "-0.01 USD"}
    ]


def test_without_fos_set_up_the_taxes_go_by_their_groups():
    evidence = plan(order(line(1, euros("121.00"), taxes=[tax(euros("20.99"))]))).evidence
    assert evidence.as_dict()["taxes"] == [
        {"name": "NL-VAT/FULL", "fo": "21.00 EUR", "shopify": "20.99 EUR", "difference": "0.01 EUR"}
    ]


def test_the_parts_of_a_divided_line_are_one_tax():
    sale = order(line(1, euros("121.00"), 3, taxes=[tax(euros("63.00"))]))
    ams, ham = EU.warehouses
    planned = plan(sale, EU, Allocation(ams, {1: (AllocatedPart(1, ams), AllocatedPart(2, ham))}, ("divided",)))
    assert [(each.fo, each.shopify) for each in planned.evidence.taxes] == [(euros("63.00"), euros("63.00"))]


def test_a_rate_that_fo_has_otherwise_is_found_out():
    outdated = setup(code("NL21", "19"), groups={"NL-VAT": "NL21"}, item_groups={"FULL": "NL21"})
    sale = order(line(1, euros("121.00"), taxes=[tax(euros("21.00"))]))
    assert plan(sale).evidence.row("total tax").fo == euros("21.00")
    refused = refusal(asked, sale, EU, outdated)
    assert (refused.code, refused.details["expected"]) == ("TAX_DIFFERS", "19.32 EUR")


def test_tax_on_what_shopify_did_not_tax_is_found_out():
    generous = setup(code("NL21", "21"), groups={"NL-VAT": "NL21"}, item_groups={"NONE": "NL21"})
    assert refusal(asked, order(line(1, euros("121.00"))), EU, generous).code == "TAX_DIFFERS"


def test_the_rounding_of_the_company_decides():
    lines = [line(at, dollars("0.57"), taxes=[tax(dollars("0.05"), "0.0881")]) for at in range(1, 11)]
    by_line, in_total = (
        asked(american(*lines), US, DENVER, calculation_method=method, tolerance=10).evidence.row("total tax").fo
        for method in ("line", "total")
    )
    # 0.01653 + 0.027417 + 0.00627 a line: 2 + 3 + 1 cents, ten times; or 17 + 27 + 6 cents in total.
    assert (by_line, in_total) == (dollars("0.60"), dollars("0.50"))


def test_a_store_that_asks_fo_is_never_planned_without_it():
    with pytest.raises(ValueError, match="nordlys"):
        asked(order(line(1, euros("121.00"), taxes=[tax(euros("21.00"))])), EU, None)


def test_the_day_is_the_stores_day():
    sale = order(line(1, euros("121.00"), taxes=[tax(euros("21.00"))]))  # 23:30 UTC is the next day in Amsterdam
    new = code("NL21", rates=(rate("19", last=date(2026, 11, 1)), rate("21", first=date(2026, 11, 2))))
    known = setup(new, groups={"NL-VAT": "NL21"}, item_groups={"FULL": "NL21"})
    assert asked(sale, EU, known).evidence.row("total tax").fo == euros("21.00")


# ---- what becomes of a difference


def test_a_tolerated_cent_stays_and_is_named():
    planned = plan(american(line(1, dollars("100.00"), taxes=CENT_MORE)), US)
    assert amounts(planned) == [Decimal("100.00")]
    assert [each.difference for each in planned.evidence.taxes] == [dollars("-0.01")]


@pytest.mark.parametrize("verify", ["rules", "fo"])
def test_a_rounding_line_makes_the_totals_equal(verify):
    sale = american(line(1, dollars("100.00"), taxes=CENT_MORE))
    if verify == "fo":
        planned = asked(sale, US, DENVER, **ROUNDING_LINE)
    else:
        planned = plan(sale, with_rules(US, tax=ROUNDING_LINE))
    assert amounts(planned) == [Decimal("100.00"), Decimal("0.01")]


def test_equal_totals_need_no_rounding_line():
    sale = american(line(1, dollars("100.00"), taxes=[tax(dollars("8.81"), "0.0881")]))
    assert len(plan(sale, with_rules(US, tax=ROUNDING_LINE)).lines) == 1


def test_a_rounding_line_that_fo_would_tax_is_refused():
    taxed = setup(
        code("CO", "8.81"), code("X", "50"), groups={"CO-DEN": "CO X"}, item_groups={"ALL": "CO", "EXEMPT": "X"}
    )
    sale = american(line(1, dollars("100.00"), taxes=[tax(dollars("8.83"), "0.0881")]))
    assert refusal(asked, sale, US, taxed, **ROUNDING_LINE).code == "TAX_DIFFERS"


def test_parking_accepts_no_cent():
    rules = with_rules(US, tax={"policy": "park"})
    plan(american(line(1, dollars("100.00"), taxes=[tax(dollars("8.81"), "0.0881")])), rules)
    assert refusal(plan, american(line(1, dollars("100.00"), taxes=CENT_MORE)), rules).code == "TAX_DIFFERS"


def test_prices_with_tax_carry_shopifys_total_whatever_fo_computes():
    sale = american(line(1, dollars("33.33"), 3, discount=dollars("1.00"), taxes=[tax(dollars("8.74"), "0.0881")]))
    planned = plan(sale, with_rules(US, tax={"policy": "prices_with_tax"}))
    assert planned.header["ArePricesIncludingSalesTax"] == "Yes"
    assert amounts(planned) == [sale.total.amount] == [Decimal("107.73")]
    (record,) = [each.record for each in planned.lines]
    assert (record["OrderedSalesQuantity"], record["SalesPrice"], record["SalesPriceQuantity"]) == (
        3,
        Decimal("108.73"),
        3,
    )
    assert planned.evidence.components == (ProofRow("products", dollars("98.99"), dollars("107.73")),)
    assert planned.evidence.row("total tax").fo == dollars("8.72")  # 107.73 / 1.0881 * 0.0881
    assert planned.evidence.notes[0].startswith("prices include tax in F&O and not in Shopify")


@pytest.mark.parametrize("verify", ["rules", "fo"])
def test_shopifys_tax_is_on_lines_of_its_own(verify):
    sale = american(
        line(1, dollars("100.00"), taxes=DENVER_TAXES),
        line(2, dollars("200.00"), taxes=[replace(each, amount=each.amount * 2) for each in DENVER_TAXES]),
        shipping=(shipping(dollars("9.00")),),
    )
    free = setup(groups={"EXEMPT": ""}, item_groups={"NONE": ""})
    no_rules = with_rules(US, taxes=(), tax=SERVICE)
    planned = asked(sale, no_rules, free) if verify == "fo" else plan(sale, no_rules)
    assert [(each.component, each.record["LineDescription"], each.amount) for each in planned.lines[3:]] == [
        ("tax", "Colorado State Tax 2.9 %", dollars("8.70")),
        ("tax", "Denver City Tax 4.81 %", dollars("14.43")),
        ("tax", "RTD Tax 1.1 %", dollars("3.30")),
    ]
    assert {each.record["ItemNumber"] for each in planned.lines[3:]} == {"SALESTAX"}
    assert sum(amounts(planned)) == sale.total.amount
    assert planned.header["SalesTaxGroupCode"] == "EXEMPT"
    assert set(groups(planned)) == {"NONE"}
    assert planned.evidence.row("total tax").fo == dollars(0)
    assert [each.difference for each in planned.evidence.taxes] == [dollars(0)] * 3


def test_tax_lines_are_taken_out_of_prices_that_include_tax():
    sale = order(
        line(1, euros("121.00"), 2, discount=euros("1.00"), taxes=[tax(euros("41.83"))]),
        shipping=(shipping(euros("10.90"), taxes=[tax(euros("0.90"), "0.09")]),),
    )
    planned = plan(sale, with_rules(EU, tax=SERVICE))
    assert planned.header["ArePricesIncludingSalesTax"] == "No"
    assert amounts(planned) == [Decimal("199.17"), Decimal("10.00"), Decimal("41.83"), Decimal("0.90")]
    assert sum(amounts(planned)) == sale.total.amount
    assert planned.evidence.components[0] == ProofRow("products", euros("241.00"), euros("199.17"))


def test_a_tax_of_nothing_has_no_line():
    free = [tax(dollars(0), "0.029", "Colorado State Tax")]
    assert len(plan(american(line(1, dollars("100.00"), taxes=free)), with_rules(US, tax=SERVICE)).lines) == 1


def test_tax_that_fo_would_add_to_shopifys_is_refused():
    taxed = setup(code("C", "0.01"), groups={"EXEMPT": "C"}, item_groups={"NONE": "C"})  # one cent, within tolerance
    sale = american(line(1, dollars("100.00"), taxes=DENVER_TAXES))
    assert refusal(asked, sale, US, taxed, **SERVICE).code == "TAX_DIFFERS"


@pytest.mark.parametrize(
    ("keys", "mistake"),
    [
        ({"policy": "rounding_line"}, "needs difference_item"),
        ({"policy": "service_line", "service_item": "X"}, "needs exempt_sales_tax_group"),
        ({"policy": "park", "difference_item": "X"}, "difference_item is for policy = 'rounding_line' only"),
        ({"exempt_item_tax_group": "X"}, "exempt_item_tax_group is for policy = 'service_line' only"),
    ],
)
def test_keys_that_do_not_fit_the_policy_are_mistakes(keys, mistake):
    with pytest.raises(ValidationError, match=mistake):
        with_rules(EU, tax=keys)


def test_only_tax_on_lines_of_its_own_needs_no_tax_rules():
    assert with_rules(EU, taxes=(), tax=SERVICE).taxes == ()
    with pytest.raises(ValidationError, match="no line would have tax groups"):
        with_rules(EU, taxes=())
    without_both = {name: value for name, value in EU.model_dump(exclude_unset=True).items() if name[:3] != "tax"}
    with pytest.raises(ValidationError, match="no line would have tax groups"):
        StoreRules.model_validate(without_both)


def test_a_difference_item_alone_means_a_rounding_line():
    assert TaxPolicy(difference_item="TAXDIFF").policy == "rounding_line"
    assert TaxPolicy().policy == "tolerate"


# ---- tax of a marketplace


def test_a_marketplaces_tax_lowers_prices_that_include_it_by_exactly_that():
    sale = order(line(1, euros("121.00"), 3, taxes=[tax(euros("63.01"), channel_liable=True)]))
    assert refusal(plan, sale, with_rules(EU, tax={"marketplace": "leave_out"})).code == "TAX_OF_MARKETPLACE"
    planned = plan(sale, with_rules(EU, tax={"marketplace": "take_out"}))
    assert amounts(planned) == [Decimal("299.99")]
    assert planned.lines[0].record["LineDiscountAmount"] == 0
    assert groups(planned) == ["NONE"]
    evidence = planned.evidence.as_dict()
    assert evidence["taxes"] == [{"name": "VAT 21 %, owed by a marketplace", "shopify": "63.01 EUR"}]
    assert evidence["components"] == [{"name": "products", "shopify": "363.00 EUR", "fo": "299.99 EUR"}]
    assert [(row["name"], row["shopify"]) for row in evidence["totals"]] == [
        ("tax owed by a marketplace", "63.01 EUR"),
        ("total", "363.00 EUR"),
    ]
    assert planned.evidence.row("total tax").shopify == euros(0)


@pytest.mark.parametrize("policy", [{}, {"policy": "prices_with_tax"}, SERVICE])
@pytest.mark.parametrize("included", [True, False])
def test_a_line_may_have_our_tax_and_a_marketplaces(policy, included):
    price = euros("126.00") if included else euros("100.00")
    both = [tax(euros("21.00")), tax(euros("5.00"), "0.05", "Marketplace fee tax", channel_liable=True)]
    sale = order(line(1, price, taxes=both), taxes_included=included)
    planned = plan(sale, with_rules(EU, tax={"marketplace": "take_out"} | policy))
    taxed_in_fo = (
        Decimal(0)
        if planned.header["ArePricesIncludingSalesTax"] == "Yes"
        else planned.evidence.row("total tax").fo.amount
    )
    assert sum(amounts(planned)) + taxed_in_fo == Decimal("121.00")
    assert planned.evidence.row("tax owed by a marketplace").shopify == euros("5.00")
    assert planned.evidence.row("total tax").shopify == euros("21.00")


def test_a_marketplaces_tax_of_zero_changes_nothing():
    sale = american(line(1, dollars("100.00"), taxes=[tax(dollars(0), "0.05", channel_liable=True), *DENVER_TAXES]))
    assert amounts(plan(sale, US)) == [Decimal("100.00")]


def test_tax_lines_of_a_marketplace_and_of_the_seller_are_distinguished():
    sale = american(
        line(1, dollars("100.00"), taxes=[replace(each, channel_liable=True) for each in DENVER_TAXES]),
        line(2, dollars("100.00"), taxes=DENVER_TAXES),
    )
    assert refusal(plan, sale, US).code == "TAX_OF_MARKETPLACE"
    planned = plan(sale, with_rules(US, tax={"marketplace": "leave_out"}))
    assert groups(planned) == ["EXEMPT", "ALL"]
    assert planned.evidence.row("total tax").fo == dollars("8.81")


# ---- one shipping charge, two VAT rates


def shipped(price, *taxes, included=True, **other):
    goods = [line(1, euros("121.00"), taxes=[tax(euros("21.00"))]), line(2, euros("109.00"), taxes=[REDUCED_GOODS])]
    return order(*goods, shipping=(shipping(price, taxes=taxes, **other),), taxes_included=included)


REDUCED_GOODS = tax(euros("9.00"), "0.09")
FULL, REDUCED = tax(euros("0.91")), tax(euros("0.43"), "0.09")  # of 5.26 and 5.24 with tax
DIVIDE = with_rules(EU, tax={"shipping_rates": "divide"})


def test_a_shipping_charge_of_two_rates_is_divided_between_them():
    planned = plan(shipped(euros("10.50"), FULL, REDUCED), DIVIDE)
    assert groups(planned) == ["FULL", "REDUCED", "FULL", "REDUCED"]
    assert sum(amounts(planned)[2:]) == Decimal("10.50")
    assert [each.expected_tax for each in planned.lines[2:]] == [euros("0.91"), euros("0.43")]
    assert [each.difference for each in planned.evidence.taxes] == [euros(0), euros(0)]


def test_the_parts_of_a_charge_share_its_discount():
    planned = plan(shipped(euros("12.50"), FULL, REDUCED, discount=euros("2.00")), DIVIDE)
    assert sum(amounts(planned)[2:]) == Decimal("10.50")
    assert sum(each.record["LineDiscountAmount"] for each in planned.lines[2:]) == Decimal("2.00")


def test_a_charge_that_fo_does_not_tax_is_not_divided():
    planned = plan(shipped(euros("10.50"), FULL, REDUCED), with_rules(DIVIDE, tax=SERVICE))
    assert [each.component for each in planned.lines] == ["products", "products", "shipping", "tax", "tax"]


def test_without_that_rule_its_rates_are_added_up():
    adding = with_rules(EU, tax={"shipping_rates": "add_up"})
    assert refusal(plan, shipped(euros("10.50"), FULL, REDUCED), adding).details["rate"] == "30"


def test_rates_that_each_tax_the_whole_charge_are_never_divided():
    whole = [tax(euros("2.10")), tax(euros("0.90"), "0.09")]  # each of 10.00
    refused = refusal(plan, shipped(euros("13.00"), *whole), DIVIDE)
    assert (refused.code, refused.details["rate"]) == ("TAX_WITHOUT_RULE", "30")


def test_a_marketplaces_tax_on_shipping_is_no_share():
    rules = with_rules(EU, tax={"shipping_rates": "divide", "marketplace": "take_out"})
    theirs = tax(euros("0.50"), "0.05", "Theirs", channel_liable=True)
    sale = shipped(euros("11.00"), FULL, theirs, REDUCED)
    assert refusal(plan, sale, DIVIDE).code == "TAX_OF_MARKETPLACE"
    planned = plan(sale, rules)
    assert sum(amounts(planned)[2:]) == Decimal("10.50")
    assert groups(planned)[2:] == ["FULL", "REDUCED"]


def test_a_tip_and_a_charge_do_not_borrow_each_others_tax():
    """A tip without a line of its own and the order's charges bear the same id."""
    tent = line(1, euros("121.00"), taxes=[tax(euros("21.00"))])
    tip = line(order(tent).id, euros("3.00"), kind=LineKind.TIP, requires_shipping=False)
    sale = order(tent, tip, duties=euros("5.00"))
    rules = with_rules(EU, orders={"tip_item": "TIP", "duties_item": "DUTY"})
    assert [each.name for each in plan(sale, rules).evidence.taxes] == ["NL-VAT/FULL"]


def test_the_dutch_set_up_agrees_with_the_dutch_rules():
    sale = shipped(euros("10.50"), FULL, REDUCED)
    by_fo, by_rules = asked(sale, EU, DUTCH, shipping_rates="divide"), plan(sale, DIVIDE)
    assert by_fo.evidence.row("total tax").fo == by_rules.evidence.row("total tax").fo
    assert [each.name for each in by_fo.evidence.taxes] == ["NL21", "NL9"]
