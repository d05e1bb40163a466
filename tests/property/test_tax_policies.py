"""For any consistent order, under every policy, F&O's total is Shopify's less what a marketplace owes, or the order is
refused; F&O's tax is computed here from what it is sent, by rules of its own (tests/builders/tax_setups.py).
"""

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from shared.errors import RefusedError
from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.mapping.shopify.taxes import TaxedPart, charged_taxes
from shared.model import Money, Order, TaxedCharge, TaxLine, minor_digits
from shared.rules import StoreRules
from tests.builders.sales import EU, everything_from, items_of, line, order, shipping, tax, with_rules
from tests.builders.tax_setups import code, setup

POLICIES: dict[str, dict[str, Any]] = {
    "tolerate": {},
    "park": {},
    "rounding_line": {"difference_item": "TAXDIFF"},
    "prices_with_tax": {},
    "service_line": {
        "service_item": "SALESTAX",
        "exempt_sales_tax_group": "NL-VAT",
        "exempt_item_tax_group": "NONE",
    },
}
# Precision below every currency's: what F&O posts is rounded by the currency alone.
FO = setup(
    code("NL21", "21", precision=Decimal("0.001")),
    code("NL9", "9", precision=Decimal("0.001")),
    groups={"NL-VAT": "NL21 NL9"},
    item_groups={"FULL": "NL21", "REDUCED": "NL9", "NONE": ""},
)
RATES = {"FULL": Decimal("0.21"), "REDUCED": Decimal("0.09"), "NONE": Decimal(0)}


@cache
def store(policy: str, **keys: Any) -> StoreRules:
    return with_rules(
        EU,
        currencies=("EUR", "JPY", "KWD"),
        orders={"tip_item": "TIP", "duties_item": "DUTY", "fees_item": "FEE"},
        tax={"policy": policy, "marketplace": "take_out", "shipping_rates": "divide"} | POLICIES[policy] | keys,
    )


def rounded(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), rounding)


@st.composite
def taxed(draw: st.DrawFn, net: Money, *, included: bool) -> list[TaxLine]:
    """Taxes of an amount as Shopify has them: ours, a marketplace's, both, none; sometimes rounded down."""
    lines = []
    rates = [
        (draw(st.sampled_from(("0.21", "0.09", None))), False),
        (draw(st.sampled_from(("0.05", None, None))), True),
    ]
    waived = [draw(st.sampled_from((False, False, False, True))) for _ in rates]
    counted = sum(Decimal(rate) for (rate, _), nothing in zip(rates, waived, strict=True) if rate and not nothing)
    divisor = 1 + counted if included else 1
    for (rate, liable), nothing in zip(rates, waived, strict=True):
        if rate is not None:
            rounding = draw(st.sampled_from((ROUND_HALF_UP, ROUND_HALF_UP, ROUND_DOWN)))
            amount = Money(rounded(net.amount * Decimal(rate) / divisor, net.currency, rounding), net.currency)
            lines.append(tax(amount * (not nothing), rate, "Theirs" if liable else "VAT", channel_liable=liable))
    return lines


@st.composite
def two_rates(draw: st.DrawFn, net: Money, *, included: bool) -> list[TaxLine]:
    """A charge whose one part has one rate and the rest the other."""
    unit = Decimal(1).scaleb(-minor_digits(net.currency))
    first = draw(st.integers(0, int(net.amount / unit))) * unit
    parts = ((first, Decimal("0.21")), (net.amount - first, Decimal("0.09")))
    return [
        tax(
            Money(rounded(part * rate / (1 + rate if included else 1), net.currency), net.currency),
            str(rate),
            f"VAT {rate}",
        )
        for part, rate in parts
    ]


@st.composite
def orders(draw: st.DrawFn) -> Order:
    currency, included = draw(st.sampled_from(("EUR", "JPY", "KWD"))), draw(st.booleans())

    def money(largest: int) -> Money:
        return Money(Decimal(draw(st.integers(0, largest))).scaleb(-minor_digits(currency)), currency)

    lines = []
    for at in range(1, draw(st.integers(1, 4)) + 1):
        price, quantity = money(100_000), draw(st.integers(1, 9))
        gross = price * quantity
        discount = min(money(50_000), gross)
        taxes = draw(taxed(gross - discount, included=included))
        lines.append(line(at, price, quantity, discount=discount, taxes=taxes))
    charges = []
    for at in range(900, 900 + draw(st.integers(0, 2))):
        price = money(5_000)
        discount = min(money(1_000), price)
        rates = draw(st.sampled_from((taxed, two_rates)))
        charges.append(
            shipping(price, discount=discount, taxes=draw(rates(price - discount, included=included)), at=at)
        )
    duties, fees = money(500), money(500)
    sale = order(
        *lines,
        taxes_included=included,
        shipping=tuple(charges),
        duties=duties,
        additional_fees=fees,
        taxed_duties=draw(taxed_part(duties, included=included)),
        taxed_fees=draw(taxed_part(fees, included=included)),
    )
    return _as_charged(sale)


@st.composite
def taxed_part(draw: st.DrawFn, charge: Money, *, included: bool) -> tuple[TaxedCharge, ...]:
    """All of a charge, none, or half of it, with taxes like a line's."""
    unit = Decimal(1).scaleb(-minor_digits(charge.currency))
    amount = draw(st.sampled_from((charge, charge * 0, Money(charge.amount // 2 // unit * unit, charge.currency))))
    taxes = tuple(each for each in draw(taxed(amount, included=included)) if each.amount)
    return (TaxedCharge(amount, taxes),) if taxes else ()


def _as_charged(sale: Order) -> Order:
    """As it is read: without the tax lines that nothing was charged for."""
    parts = [*(TaxedPart(each.net, each.taxes) for each in sale.lines)]
    parts += [TaxedPart(each.net, each.taxes) for each in sale.shipping]
    charged = charged_taxes(parts, included=sale.taxes_included)
    count = len(sale.lines)
    return replace(
        sale,
        lines=tuple(replace(one, taxes=taxes) for one, taxes in zip(sale.lines, charged[:count], strict=True)),
        shipping=tuple(replace(one, taxes=taxes) for one, taxes in zip(sale.shipping, charged[count:], strict=True)),
    )


def planned(sale: Order, rules: StoreRules) -> SalesOrderPlan | None:
    """None for an order that is refused for its tax."""
    try:
        return plan_sales_order(
            sale,
            rules,
            customer_account="C1",
            items=items_of(sale),
            allocation=everything_from(rules, sale),
            tax_setup=FO if rules.tax.verify == "fo" else None,
        )
    except RefusedError as refused:
        if refused.code not in {"TAX_DIFFERS", "TAX_WITHOUT_RULE"}:
            raise
        return None


def posted(plan: SalesOrderPlan, currency: str) -> Decimal:
    """What F&O invoices: its lines and its tax, line by line, from nothing but the fields that it is sent."""
    owed = Decimal(0)
    for record in (each.record for each in plan.lines):
        price = record["SalesPrice"] - record["LineDiscountAmount"]
        amount = rounded(record["OrderedSalesQuantity"] * price / record["SalesPriceQuantity"], currency)
        owed += amount
        if plan.header["ArePricesIncludingSalesTax"] == "No":
            owed += rounded(amount * RATES[record["SalesTaxItemGroupCode"]], currency)
    return owed


def seldom_refused(sale: Order, plan: SalesOrderPlan | None) -> SalesOrderPlan:
    event("refused" if plan is None else "planned")
    assume(plan is not None)
    assert plan is not None
    return plan


any_policy = st.sampled_from(sorted(POLICIES))
any_source = st.sampled_from(("rules", "fo"))


@given(orders(), any_policy, any_source)
def test_fo_invoices_what_the_buyer_owes_us(sale: Order, policy: str, verify: str):
    rules = store(policy, verify=verify)
    plan = seldom_refused(sale, planned(sale, rules))
    ours = sale.total.amount - plan.evidence.row("tax owed by a marketplace").shopify.amount
    if policy == "tolerate" and not sale.taxes_included:
        unit = Decimal(1).scaleb(-minor_digits(sale.currency))
        difference = plan.evidence.row("total tax").difference
        assert posted(plan, sale.currency) == ours + difference.amount
        assert abs(difference.amount) <= unit * (2 + len(plan.lines))
    else:
        assert posted(plan, sale.currency) == ours


@given(orders(), any_source)
def test_shopifys_tax_on_lines_of_its_own_is_never_refused_for_a_difference(sale: Order, verify: str):
    plan = planned(sale, store("service_line", verify=verify))
    assert plan is not None
    on_lines = sum(each.amount.amount for each in plan.lines if each.component == "tax")
    assert on_lines == plan.evidence.row("total tax").shopify.amount
    assert (
        sum(each.amount.amount for each in plan.lines)
        == sale.total.amount - plan.evidence.row("tax owed by a marketplace").shopify.amount
    )


@given(orders(), any_policy, any_source)
def test_the_evidence_names_all_tax_once(sale: Order, policy: str, verify: str):
    evidence = seldom_refused(sale, planned(sale, store(policy, verify=verify))).evidence
    ours = [row for row in evidence.taxes if row.fo is not None]
    charged = sum(row.shopify.amount for row in ours)
    expected = sum(row.fo.amount for row in ours)
    assert charged == evidence.row("total tax").shopify.amount
    assert expected == (charged if policy == "service_line" else evidence.row("total tax").fo.amount)
    theirs = sum(row.shopify.amount for row in evidence.taxes if row.fo is None)
    assert theirs == evidence.row("tax owed by a marketplace").shopify.amount


OUTSIDE = with_rules(
    store("tolerate"),
    taxes=(),
    tax={"verify": "external", "policy": "tolerate", "marketplace": "refuse", "shipping_rates": "add_up"},
    refunds={
        "accounts": {
            name: {"main_account": "418190", "sales_tax_group": "EXPORT", "item_tax_group": "NONE"}
            for name in ("goodwill", "restocking_fee", "discrepancy")
        }
    },
)


@given(orders())
def test_an_engine_gets_prices_that_are_the_total_less_shopifys_tax_on_top(sale: Order):
    assume(not any(each.channel_liable and each.amount for each in sale.taxes))
    plan = planned(sale, OUTSIDE)
    assert plan is not None
    charged = sum(each.amount.amount for each in sale.taxes)
    assert sum(each.amount.amount for each in plan.lines) == sale.total.amount - (0 if sale.taxes_included else charged)
    assert plan.header["ArePricesIncludingSalesTax"] == ("Yes" if sale.taxes_included else "No")
    assert not any(name.startswith("SalesTax") for each in plan.lines for name in each.record)


@given(orders(), any_policy)
def test_fos_set_up_and_equal_rules_plan_the_same_lines(sale: Order, policy: str):
    by_rules, by_fo = planned(sale, store(policy)), planned(sale, store(policy, verify="fo"))
    assert (by_rules is None) == (by_fo is None)
    if by_rules is not None and by_fo is not None:
        assert [each.record for each in by_rules.lines] == [each.record for each in by_fo.lines]
        assert by_rules.evidence.row("total tax").fo == by_fo.evidence.row("total tax").fo
