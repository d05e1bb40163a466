"""Whatever is given back of whatever order, F&O credits exactly that, once."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.mapping.refunds.plan import plan_refund
from shared.model import (
    Adjustment,
    Component,
    LineKind,
    Money,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Restock,
    ShippingLine,
    TaxedCharge,
    TaxLine,
    smallest_unit,
    total,
)
from shared.rules import StoreRules
from shared.sync.refunds import converge_refunds
from tests.builders.refunds import ACCOUNT, Books, all_sold, link, refund, rules, state
from tests.builders.sales import line, order, shipping, tax

# How long an example takes says something about the machine, not about the refund.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CURRENCIES = ("EUR", "JPY", "KWD")
POLICIES = {
    "tolerate": {"policy": "tolerate"},
    "rounding_line": {"policy": "rounding_line", "difference_item": "TAXDIFF"},
    "prices_with_tax": {"policy": "prices_with_tax"},
    "service_line": {
        "policy": "service_line",
        "service_item": "TAX",
        "exempt_sales_tax_group": "EXPORT",
        "exempt_item_tax_group": "NONE",
    },
}
BESIDE = ("restock", "customer", "damage", "refund_discrepancy", "full_return_balancing_adjustment")


def strategy(policy: str, goods: str) -> StoreRules:
    return rules(
        currencies=CURRENCIES,
        tax=POLICIES[policy] | {"marketplace": "take_out", "tolerance": 50, "tolerance_per_line": 50},
        goods=goods,
    )


RULES = {
    (policy, goods): strategy(policy, goods) for policy in POLICIES for goods in ("return_order", "free_text_invoice")
}


@st.composite
def amounts(draw: st.DrawFn, currency: str, largest: int = 50_000) -> Money:
    return Money(draw(st.integers(0, largest)) * smallest_unit(currency), currency)


def taxed(draw: st.DrawFn, net: Money, *, included: bool) -> tuple[TaxLine, ...]:
    """None, VAT, or VAT and a marketplace's tax; rounded as Shopify would."""
    chosen = draw(st.sampled_from([(), (("0.21", False),), (("0.09", False), ("0.05", True))]))
    base = net.amount / (1 + sum(Decimal(rate) for rate, _ in chosen)) if included else net.amount
    return tuple(
        tax(Money(base * Decimal(rate), net.currency).rounded(), rate, channel_liable=liable) for rate, liable in chosen
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    currency, included = draw(st.sampled_from(CURRENCIES)), draw(st.booleans())
    lines: list[OrderLine] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        price, quantity = draw(amounts(currency)), draw(st.integers(1, 7))
        gross = price * quantity
        discount = Money(
            draw(st.integers(0, int(gross.amount / smallest_unit(currency)))) * smallest_unit(currency), currency
        )
        taxes = taxed(draw, gross - discount, included=included)
        kind = draw(st.sampled_from([LineKind.PRODUCT, *LineKind]))
        lines.append(line(number, price, quantity, discount=discount, taxes=taxes, kind=kind))
    freight: list[ShippingLine] = []
    for at in range(draw(st.integers(0, 2))):
        price = draw(amounts(currency, 2_000))
        freight.append(shipping(price, taxes=taxed(draw, price, included=included), at=900 + at))
    duties, fees = draw(amounts(currency, 500)), draw(amounts(currency, 500))
    return order(
        *lines,
        taxes_included=included,
        shipping=tuple(freight),
        duties=duties,
        additional_fees=fees,
        taxed_duties=draw(taxed_charges(duties, included=included)),
        taxed_fees=draw(taxed_charges(fees, included=included)),
        currency=currency,
    )


@st.composite
def taxed_charges(draw: st.DrawFn, charge: Money, *, included: bool) -> tuple[TaxedCharge, ...]:
    """All of a charge with taxes, or none of it."""
    taxes = tuple(each for each in taxed(draw, charge, included=included) if each.amount)
    return (TaxedCharge(charge, taxes),) if taxes else ()


def share(amount: Money, part: int, of: int) -> Money:
    return Money(amount.amount * part / of, amount.currency).rounded()


@st.composite
def histories(draw: st.DrawFn) -> tuple[Order, tuple[Refund, ...]]:
    """An order and up to four refunds of it, which together give back no more units than it has."""
    sale = draw(orders())
    left = {each.id: each.quantity for each in sale.lines}
    refunds = []
    for number in range(801, 801 + draw(st.integers(1, 4))):
        refunds.append(refund(number=number, duties=draw(st.sampled_from([sale.duties, sale.duties * 0]))))
        refunds[-1] = replace(
            refunds[-1], lines=tuple(_lines_back(draw, sale, left)), adjustments=tuple(_adjustments(draw, sale))
        )
    return sale, tuple(refunds)


def _lines_back(draw: st.DrawFn, sale: Order, left: dict[int, int]):
    for each in sale.lines:
        units = draw(st.integers(0, left[each.id]))
        if not units:
            continue
        left[each.id] -= units
        charged = total((one.amount for one in each.taxes), sale.currency)
        yield RefundLine(
            line_id=each.id,
            quantity=units,
            restock=draw(st.sampled_from(Restock)),
            location_id=draw(st.sampled_from([None, 71001001])),
            subtotal=share(each.net, units, each.quantity),
            tax=share(charged, units, each.quantity),
        )


def _adjustments(draw: st.DrawFn, sale: Order):
    if sale.shipping_net and draw(st.booleans()):
        charged = total((one.amount for each in sale.shipping for one in each.taxes), sale.currency)
        part = draw(st.integers(1, 4))
        early = draw(st.booleans())
        yield Adjustment("shipping_refund", share(sale.shipping_net, part, 4), share(charged, part, 4), on_order=early)
    for reason, charge, charged in (
        ("duties_refund", sale.duties, sale.taxed_duties),
        ("additional_fees_refund", sale.additional_fees, sale.taxed_fees),
    ):
        if charge and draw(st.booleans()):
            part, early = draw(st.integers(1, 2)), draw(st.booleans())
            tax_back = total((one.amount for each in charged for one in each.taxes), sale.currency)
            yield Adjustment(reason, share(charge, part, 2), share(tax_back, part, 2), on_order=early)
    for reason in draw(st.lists(st.sampled_from(BESIDE), max_size=2)):
        amount = draw(amounts(sale.currency, 500)) * draw(st.sampled_from([-1, 1]))
        yield Adjustment(reason, amount, amount * 0)


@unhurried
@given(history=histories(), key=st.sampled_from(sorted(RULES)))
def test_every_part_of_a_refund_is_credited_or_off_the_order(history, key):
    sale, refunds = history
    applied = RULES[key]
    for one in refunds:
        plan = plan_refund(one, sale, applied, customer_account=ACCOUNT, sales_order="SN1", sold=all_sold(sale))
        documents = [each for each in (plan.return_order, plan.invoice) if each]
        lines = [
            each for document in documents for each in document.lines if each.component is not Component.TAX_DIFFERENCE
        ]
        proof = plan.evidence
        assert proof is not None
        credited = total((each.amount for each in lines), sale.currency)
        credited += proof.row("taken off the sales order").shopify + proof.row("tax owed by a marketplace").shopify
        on_top = key[0] != "service_line" and "prices in F&O include tax" not in proof.notes
        assert credited + proof.row("total tax").shopify * int(on_top) == one.worth(taxes_included=sale.taxes_included)
        for each in plan.return_order.lines if plan.return_order else ():
            row = each.record
            assert Money(-row["ReturnSalesQuantity"] * row["SalesPrice"], sale.currency) == each.amount
            assert Money(row["SalesPrice"], sale.currency).is_whole()
        if on_top and key[0] == "rounding_line":
            difference = total((each.amount for document in documents for each in document.lines), sale.currency)
            difference -= total((each.amount for each in lines), sale.currency)
            assert proof.row("total tax").fo + difference == proof.row("total tax").shopify


@unhurried
@given(history=histories(), goods=st.sampled_from(["return_order", "free_text_invoice"]))
async def test_a_second_run_finds_nothing_to_do_and_the_books_say_the_same(history, goods):
    sale, refunds = history
    sale = replace(sale, lines=tuple(replace(each, taxes=()) for each in sale.lines), taxes_included=True)
    sale = replace(sale, shipping=tuple(replace(each, taxes=()) for each in sale.shipping))
    sale = replace(sale, taxed_duties=(), taxed_fees=())
    refunds = tuple(untaxed(each) for each in refunds)
    applied = rules(currencies=CURRENCIES, goods=goods)
    books = Books()
    books.fo.sell(sale)
    for known in range(1, len(refunds) + 1):
        one = state(sale, *refunds[:known])
        await converge_refunds(one, link=link(sale), rules=applied, ports=books.ports, now=books.now)
    expected = total((each.worth(taxes_included=True) - off_order(each) for each in refunds), sale.currency)
    assert books.credited(sale.currency) == expected
    books.fo.calls.clear()
    one = state(sale, *refunds)
    report = await converge_refunds(one, link=link(sale), rules=applied, ports=books.ports, now=books.now)
    assert report.note == "F&O has all refunds"
    assert books.fo.calls == []


def untaxed(one: Refund) -> Refund:
    return replace(
        one,
        lines=tuple(replace(each, tax=each.tax * 0) for each in one.lines),
        adjustments=tuple(replace(each, tax=each.tax * 0) for each in one.adjustments),
    )


def off_order(one: Refund) -> Money:
    goods = (each.subtotal for each in one.lines if each.restock is Restock.CANCEL)
    early = (each.amount for each in one.adjustments if each.on_order)
    return total((*goods, *early), one.duties.currency)
