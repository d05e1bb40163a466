"""Whatever is returned of lines with odd cents, F&O credits what Shopify gave back: where it takes a return line's
price, where it copies the sold line's, with its charge or without, and where nobody knows which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shared.mapping.orders.plan import plan_sales_order
from shared.mapping.refunds.documents import PlannedCredit
from shared.mapping.refunds.lots import SoldLot
from shared.mapping.refunds.plan import RefundPlan, plan_refund
from shared.model import Component, FoPrice, Money, Order, Refund, smallest_unit, total
from shared.rules import StoreRules
from shared.sync.refunds import converge_refunds
from tests.builders.refunds import ACCOUNT, Books, back, link, refund, rules, state
from tests.builders.sales import everything_from, items_of, line, order, tax, with_rules

# How long an example takes says something about the machine, not about the refund.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CURRENCIES = ("EUR", "JPY", "KWD")
KINDS = ("given", "copied", "copied_with_charges")
KNOWN = {"given": ("given", "unknown"), "copied": ("copied", "unknown"), "copied_with_charges": ("copied", "unknown")}
"""How F&O behaves -> what the tenant's file may say of it."""
STORES = {
    known: with_rules(rules(currencies=CURRENCIES), tenant={"return_price": known})
    for known in ("given", "copied", "unknown")
}


@st.composite
def sales(draw: st.DrawFn) -> Order:
    currency = draw(st.sampled_from(CURRENCIES))
    unit = smallest_unit(currency)
    lines = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        price, quantity = draw(st.integers(1, 5_000)), draw(st.integers(1, 7))
        discount = draw(st.integers(0, price * quantity))
        lines.append(line(number, Money(price * unit, currency), quantity, discount=Money(discount * unit, currency)))
    return order(*lines)


@st.composite
def returned(draw: st.DrawFn, sale: Order) -> tuple[Refund, ...]:
    """Up to three refunds, with the shares of the lines as Shopify rounds them."""
    refunds = []
    left = {each.id: each.quantity for each in sale.lines}
    for number in range(801, 801 + draw(st.integers(1, 3))):
        lines = []
        for each in sale.lines:
            if units := draw(st.integers(0, left[each.id])):
                left[each.id] -= units
                share = Money(each.net.amount * units / each.quantity, sale.currency).rounded()
                lines.append(back(each.id, units, share, share * 0))
        if lines:
            refunds.append(refund(*lines, duties=Money(Decimal(0), sale.currency), number=number))
    return tuple(refunds)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Order, tuple[Refund, ...], str, StoreRules]:
    sale, kind = draw(sales()), draw(st.sampled_from(KINDS))
    return sale, draw(returned(sale)), kind, STORES[draw(st.sampled_from(KNOWN[kind]))]


@unhurried
@given(history=histories(), odd=st.sampled_from(("price_unit", "charge")))
async def test_the_books_credit_what_was_given_back(
    history: tuple[Order, tuple[Refund, ...], str, StoreRules], odd: str
) -> None:
    sale, refunds, kind, applied = history
    books = Books()
    books.fo.return_price, books.fo.currency = kind, sale.currency
    books.fo.sell(sale, odd=odd)
    event(f"{odd}, F&O: {kind}, tenant: {applied.tenant.return_price}")
    for known in range(1, len(refunds) + 1):
        report = await converge_refunds(
            state(sale, *refunds[:known]), link=link(sale), rules=applied, ports=books.ports, now=books.now
        )
        proof = report.evidence[str(refunds[known - 1].id)]
        assert isinstance(proof, dict)
        worth = next(row for row in proof["totals"] if row["name"] == "worth")
        assert worth["shopify"] == worth["fo"]
    given_back = total((each.worth(taxes_included=True) for each in refunds), sale.currency)
    assert books.credited(sale.currency) == given_back
    assert all(row["IsReturnProcessingStopped"] == "No" for row in books.fo.tables["ReturnOrderHeadersV2"])


@unhurried
@given(sale=sales(), data=st.data(), odd=st.sampled_from(("price_unit", "charge")), included=st.booleans())
def test_with_tax_the_rest_is_taxed_as_the_goods(sale: Order, data: st.DataObject, odd: str, *, included: bool) -> None:
    """Goods and rest together are what the refund is worth, with the tax groups of the sale."""
    vat = Decimal("0.21")
    taxed = []
    for each in sale.lines:
        amount = Money(each.net.amount * vat / (1 + vat if included else 1), sale.currency).rounded()
        taxes = [tax(amount)] if amount else []
        taxed.append(line(each.id, each.unit_price, each.quantity, discount=each.discount, taxes=taxes))
    sale = order(*taxed, taxes_included=included)
    lines = []
    for each in sale.lines:
        units = data.draw(st.integers(1, each.quantity))
        share, its_tax = (
            Money(amount.amount * units / each.quantity, sale.currency).rounded()
            for amount in (each.net, total((one.amount for one in each.taxes), sale.currency))
        )
        lines.append(back(each.id, units, share, its_tax))
    given_back = refund(*lines, duties=Money(Decimal(0), sale.currency))
    generous = rules(currencies=CURRENCIES, tax={"tolerance": 50, "tolerance_per_line": 50}, orders={"odd_cents": odd})
    applied = with_rules(generous, tenant={"return_price": "unknown"})
    sold = _lots(sale, applied)
    sent = _plan(given_back, sale, applied, sold)
    assert sent.return_order is not None
    booked = {each.lot: _copied(each, sent.return_order.lines) for each in sold}
    assert sent.explains(booked)
    plan = _plan(given_back, sale, applied, sold, booked)
    assert plan.evidence is not None
    worth = plan.evidence.row("worth")
    assert worth.shopify == worth.fo == given_back.worth(taxes_included=included)
    groups = {each.tax.item_tax_group for each in sent.return_order.lines}
    for rest in plan.invoice.lines if plan.invoice else ():
        assert rest.component is Component.DISCREPANCY
        assert rest.record["SalesTaxItemGroupId"] in groups


def _lots(sale: Order, applied: StoreRules) -> list[SoldLot]:
    """As the sales order has them."""
    target = plan_sales_order(
        sale,
        applied,
        customer_account=ACCOUNT,
        items=items_of(sale),
        allocation=everything_from(applied, sale),
    )
    return [
        SoldLot(
            lot=f"LOT-{each.source_id}",
            line_id=each.source_id,
            product={"ItemNumber": "TENT-2P"},
            site="EU",
            warehouse="HAM",
            price=FoPrice(
                each.record["SalesPrice"],
                each.record["SalesPriceQuantity"],
                each.record["LineDiscountAmount"],
                each.record.get("FixedPriceCharges", Decimal(0)),
            ),
            ordered=each.record["OrderedSalesQuantity"],
            returnable=each.record["OrderedSalesQuantity"],
        )
        for each in target.lines
    ]


def _copied(sold: SoldLot, lines: Sequence[PlannedCredit]) -> Money:
    """What F&O credits for the lot."""
    of_piece = (sold.price.price - sold.price.discount) / sold.price.unit
    return total(
        (
            Money(-each.record["ReturnSalesQuantity"] * of_piece, each.amount.currency).rounded()
            for each in lines
            if each.record["ReturningInventoryLotId"] == sold.lot
        ),
        lines[0].amount.currency,
    )


def _plan(
    given_back: Refund,
    sale: Order,
    applied: StoreRules,
    sold: Sequence[SoldLot],
    booked: Mapping[str, Money] | None = None,
) -> RefundPlan:
    return plan_refund(given_back, sale, applied, customer_account=ACCOUNT, sales_order="SN1", sold=sold, booked=booked)
