"""Which of the taxes that Shopify shows were charged, and the taxes of duties and fees."""

from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.plan import SalesOrderPlan
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money, OrderState, TaxSetup
from shared.rules import StoreRules
from tests.builders.changed_orders import ChangedOrder
from tests.builders.orders import Payload, duty, fee, line, money_set, order_payload, parsed, shipping_line, tax_line
from tests.builders.sales import EU, US, everything_from, items_of, plan, plan_sales_order, with_rules
from tests.builders.tax_setups import code, setup

DENVER = ("0.029", "0.0481", "0.011")


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def read(payload: Any) -> OrderState:
    state = read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP)
    prove(state.order)
    return state


def rates(payload: Payload) -> list[list[str]]:
    order = read(payload).order
    return [[f"{tax.rate:f}" for tax in part.taxes] for part in (*order.lines, *order.shipping)]


def groups(planned: SalesOrderPlan) -> list[str]:
    return [each.record["SalesTaxItemGroupCode"] for each in planned.lines]


def untaxed_shipping() -> Payload:
    return shipping_line(price="0.00")


def test_a_line_that_is_not_taxed_has_no_tax_although_shopify_shows_the_rate():
    lines = [
        line(11, price="40.00", taxes=[tax_line("8.40")]),
        line(12, price="30.00", quantity=2, taxes=[tax_line("0.00")]),
    ]
    payload = order_payload(lines=lines, shipping=[untaxed_shipping()], taxes_included=False)
    assert rates(payload) == [["0.21"], [], []]
    assert groups(plan(read(payload).order)) == ["FULL", "NONE"]


@pytest.mark.parametrize("included", [True, False])
def test_a_line_that_is_free_or_too_small_for_its_rate_keeps_its_rate(*, included: bool):
    lines = [
        line(11, price="40.00", taxes=[tax_line("6.94" if included else "8.40")]),
        line(12, price="10.00", discounts=["10.00"], taxes=[tax_line("0.00")]),
        line(13, price="0.02", taxes=[tax_line("0.00")]),
    ]
    shipping = [shipping_line(price="0.00", taxes=[tax_line("0.00")])]
    payload = order_payload(lines=lines, shipping=shipping, taxes_included=included)
    assert rates(payload) == [["0.21"], ["0.21"], ["0.21"], ["0.21"]]
    assert groups(plan(read(payload).order)) == ["FULL", "FULL", "FULL"]


def test_what_is_free_in_an_order_that_is_exempt_is_exempt_too():
    lines = [line(11, price="40.00", taxes=[tax_line("0.00")]), line(12, price="0.00", taxes=[tax_line("0.00")])]
    payload = order_payload(lines=lines, shipping=[untaxed_shipping()])
    assert rates(payload) == [[], [], []]


def test_a_rate_of_zero_is_a_tax_that_was_charged():
    payload = order_payload(lines=[line(taxes=[tax_line("0.00", "0", "Reverse charge")])], shipping=[])
    assert rates(payload) == [["0.0"]]


def denver(*amounts: str) -> Payload:
    taxes = [tax_line(amount, rate, currency="USD") for amount, rate in zip(amounts, DENVER, strict=True)]
    address = {"country_code": "US", "country": "United States", "province_code": "CO"}
    payload = order_payload(
        lines=[line(price="24.00", taxes=taxes, currency="USD")], shipping=[], currency="USD", taxes_included=False
    )
    return payload | {"shipping_address": payload["shipping_address"] | address}


FO = setup(
    code("CO", "2.9", currency="USD"),
    code("DEN", "4.81", currency="USD"),
    code("RTD", "1.1", currency="USD"),
    groups={"CO-DEN": "CO DEN RTD"},
    item_groups={"ALL": "CO DEN RTD", "EXEMPT": "", "NO-CITY": "CO RTD"},
)


def planned_in(rules: StoreRules, payload: Payload, tax_setup: TaxSetup | None = None) -> SalesOrderPlan:
    order = read(payload).order
    return plan_sales_order(
        order,
        rules,
        customer_account="WEB-US",
        items=items_of(order),
        allocation=everything_from(rules, order),
        tax_setup=tax_setup,
    )


@pytest.mark.parametrize("verify", ["rules", "fo"])
@pytest.mark.parametrize("policy", ["tolerate", "park", "prices_with_tax"])
def test_an_exempt_buyer_is_booked_by_the_rule_for_rate_zero(verify: str, policy: str):
    rules = with_rules(US, tax={"verify": verify, "policy": policy})
    planned = planned_in(rules, denver("0.00", "0.00", "0.00"), FO if verify == "fo" else None)
    assert groups(planned) == ["EXEMPT"]
    assert planned.evidence.row("total tax").fo == Money(Decimal(0), "USD")


@pytest.mark.parametrize("verify", ["rules", "fo"])
def test_one_exempt_jurisdiction_of_three_is_booked_by_the_rule_for_the_others(verify: str):
    own = {"countries": ("US",), "provinces": ("CO",), "rates": (Decimal("0.04"),)}
    groups_of = {"sales_tax_group": "CO-DEN", "item_tax_group": "NO-CITY"}
    known = [each.model_dump(exclude_unset=True) for each in US.taxes]
    rules = with_rules(US, taxes=(own | groups_of, *known), tax={"verify": verify, "policy": "park"})
    planned = planned_in(rules, denver("0.70", "0.00", "0.26"), FO if verify == "fo" else None)
    assert groups(planned) == ["NO-CITY"]


def test_without_a_rule_for_what_was_charged_the_refusal_names_the_rate_to_add():
    with pytest.raises(RefusedError) as caught:
        planned_in(US, denver("0.70", "0.00", "0.26"))
    assert caught.value.code == "TAX_WITHOUT_RULE"
    assert "rates = [0.04]" in caught.value.next_step


CHARGES = with_rules(EU, orders={"duties_item": "DUTY", "fees_item": "FEE"})
AS_LINES = {"policy": "service_line", "service_item": "TAX"}
AS_LINES |= {"exempt_sales_tax_group": "NL-VAT", "exempt_item_tax_group": "NONE"}


def taxed_charges(*, included: bool) -> Payload:
    """Duties of 10.00, of which 6.00 are taxed at 21 % and 4.00 not; a fee of 2.00 at 9 %."""
    reduced = "0.17" if included else "0.18"
    return order_payload(
        lines=[
            line(
                11,
                price="40.00",
                taxes=[tax_line("6.94" if included else "8.40")],
                duties=[
                    duty("5.00", taxes=[tax_line("0.87" if included else "1.05")]),
                    duty("1.00", taxes=[tax_line("0.17" if included else "0.21")], number=62),
                ],
            ),
            line(12, price="0.00", duties=[duty("4.00", number=63)]),
        ],
        shipping=[],
        taxes_included=included,
        duties="10.00",
        fees="2.00",
        additional_fees=[fee("2.00", taxes=[tax_line(reduced, "0.09")])],
    )


@pytest.mark.parametrize("included", [True, False])
def test_taxed_duties_and_fees_are_lines_with_the_tax_groups_of_their_rates(*, included: bool):
    order = read(taxed_charges(included=included)).order
    planned = plan(order, CHARGES)
    booked = {(each.record["ItemNumber"], each.record["SalesTaxItemGroupCode"]): each for each in planned.lines[2:]}
    assert {key: each.amount for key, each in booked.items()} == {
        ("DUTY", "NONE"): euro("4.00"),
        ("DUTY", "FULL"): euro("6.00"),
        ("FEE", "REDUCED"): euro("2.00"),
    }
    assert len({each.source + str(each.part) for each in planned.lines}) == len(planned.lines)
    difference = planned.evidence.row("total tax").difference
    assert difference is not None
    assert abs(difference.amount) <= Decimal("0.01")


@pytest.mark.parametrize("policy", ["prices_with_tax", "service_line"])
@pytest.mark.parametrize("included", [True, False])
def test_the_total_is_shopifys_whichever_way_the_tax_of_duties_and_fees_is_booked(policy: str, *, included: bool):
    order = read(taxed_charges(included=included)).order
    rules = with_rules(CHARGES, tax=AS_LINES if policy == "service_line" else {"policy": policy})
    planned = plan(order, rules)
    assert sum((each.amount.amount for each in planned.lines), Decimal(0)) == order.total.amount


def test_a_tax_of_duties_that_is_not_its_rates_is_refused_by_name_or_booked_as_a_line():
    lines = [line(price="54.95", taxes=[tax_line("9.54")], duties=[duty("10.00", taxes=[tax_line("2.10")])])]
    order = read(order_payload(lines=lines, shipping=[], duties="10.00")).order
    with pytest.raises(RefusedError) as caught:
        plan(order, CHARGES)
    assert caught.value.code == "TAX_OF_CHARGE"
    assert "2.10 EUR on duties of 10.00 EUR" in caught.value.cause
    booked = plan(order, with_rules(CHARGES, tax=AS_LINES))
    assert sum((each.amount.amount for each in booked.lines), Decimal(0)) == Decimal("64.95")


def test_tax_of_duties_on_top_of_prices_that_include_tax_is_refused_by_name():
    lines = [line(price="54.95", taxes=[tax_line("9.54")], duties=[duty("10.00", taxes=[tax_line("2.10")])])]
    payload = order_payload(lines=lines, shipping=[], duties="10.00")
    payload |= dict.fromkeys(("total_price", "current_total_price"), "67.05")
    payload |= {f"{key}_set": money_set("67.05") for key in ("total_price", "current_total_price")}
    with pytest.raises(RefusedError) as caught:
        read(payload)
    assert caught.value.code == "CHARGE_TAX_ON_TOP"


def test_taxes_of_duties_that_the_price_contains_are_the_lines():
    lines = [line(price="54.95", taxes=[tax_line("8.00")], duties=[duty("10.00", taxes=[tax_line("1.54")])])]
    [only] = read(order_payload(lines=lines, shipping=[], duties="10.00", duties_included=True)).order.lines
    assert [(tax.rate, tax.amount) for tax in only.taxes] == [(Decimal("0.21"), euro("9.54"))]


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize("shipped", [True, False])
def test_taxed_duties_and_fees_that_are_given_back_take_their_tax_with_them(*, included: bool, shipped: bool):
    changed = ChangedOrder(taxed_charges(included=included))
    placed = read(changed.payload()).order
    if shipped:
        changed.ship({11: 1})
    changed.refund(duties=True, fees=True)
    state = read(changed.payload())
    [refund] = state.refunds
    tax = euro("1.04" if included else "1.26") + euro("0.17" if included else "0.18")
    assert sum((each.tax for each in refund.adjustments), euro("0")) == tax
    assert {each.on_order for each in refund.adjustments} == {not shipped}
    assert state.order.total == (placed.total if shipped else placed.total - refund.worth(taxes_included=included))
    assert refund.worth(taxes_included=included) == euro("12.00") + (euro("0") if included else tax)
