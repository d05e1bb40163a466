"""Whatever a storefront can sell, F&O's side of it is Shopify's total, in every strategy of the rules.

The orders come out of the Shopify simulator's storefront; what F&O computes is worked out here from nothing but the
fields that it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from shared.mapping.orders.plan import SalesOrderPlan, plan_sales_order
from shared.mapping.orders.proof import prove
from shared.mapping.shopify.state import read_state
from shared.model import Item, LineKind, Order, minor_digits, smallest_unit
from shared.rules import StoreRules
from tests.builders.checkouts import Document, checkouts, sold
from tests.builders.sales import everything_from
from tests.builders.strategies import POLICIES, RATES, strategy

# How long an example takes says something about the machine, not about the order.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=200)


@dataclass(frozen=True)
class Sale:
    store: str
    checkout: Document
    policy: str
    choices: Mapping[str, str]

    def read(self) -> tuple[Order, StoreRules]:
        """The order as the app reads it, and the rules that decide about it."""
        rules = strategy(self.store, self.policy, **self.choices)
        state = read_state(sold(self.store, self.checkout), store=self.store, side=rules.currency_side)
        return state.order, rules


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    store = draw(st.sampled_from(("nordlys", "prairie")))
    choices = {
        "number": draw(st.sampled_from(("own", "sequence"))),
        "identity": draw(st.sampled_from(("item", "variant"))),
        "side": draw(st.sampled_from(("shop", "presentment"))),
        "odd_cents": draw(st.sampled_from(("price_unit", "charge"))),
    }
    return Sale(store, draw(checkouts(store)), draw(st.sampled_from(sorted(POLICIES))), choices)


def planned(order: Order, rules: StoreRules) -> SalesOrderPlan:
    prove(order)
    return plan_sales_order(
        order,
        rules,
        customer_account="C1",
        items={each.id: Item(_item(each.kind, each.sku, rules)) for each in order.lines},
        allocation=everything_from(rules, order),
    )


def _item(kind: LineKind, sku: str, rules: StoreRules) -> str:
    items = {
        LineKind.CUSTOM: rules.orders.custom_line_item,
        LineKind.TIP: rules.orders.tip_item,
        LineKind.GIFT_CARD: rules.orders.gift_card_item,
    }
    return items.get(kind) or sku


def computed(record: dict[str, Any], currency: str) -> Decimal:
    """The amount that F&O makes of a line."""
    price = record["SalesPrice"] - record["LineDiscountAmount"]
    exact = record["OrderedSalesQuantity"] * price / record["SalesPriceQuantity"]
    return rounded(exact + record.get("FixedPriceCharges", 0), currency)


def invoiced(plan: SalesOrderPlan, currency: str) -> Decimal:
    """What F&O invoices: its lines, and the tax it computes on each."""
    owed = Decimal(0)
    for record in (each.record for each in plan.lines):
        amount = computed(record, currency)
        owed += amount
        if plan.header["ArePricesIncludingSalesTax"] == "No":
            owed += rounded(amount * Decimal(RATES[record["SalesTaxItemGroupCode"]]), currency)
    return owed


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), ROUND_HALF_UP)


def owed_to_us(order: Order, rules: StoreRules) -> Decimal:
    """Shopify's total, and what cash was rounded by unless the payment books that."""
    return order.total.amount + (0 if rules.rounding_booked_with == "payment" else order.cash_rounding.amount)


@unhurried
@given(sales())
def test_fo_invoices_shopifys_total(sale: Sale) -> None:
    order, rules = sale.read()
    plan = planned(order, rules)
    event(f"{rules.tax.policy}, {'tax in' if order.taxes_included else 'tax on top'}, {order.currency}")
    difference = invoiced(plan, order.currency) - owed_to_us(order, rules)
    if rules.tax.policy == "tolerate" and not order.taxes_included:
        assert difference == plan.evidence.row("total tax").difference.amount
        assert abs(difference) <= smallest_unit(order.currency) * 2 * (1 + len(plan.lines))
    else:
        assert difference == 0


@unhurried
@given(sales())
def test_every_part_of_the_order_has_lines_and_every_line_a_part(sale: Sale) -> None:
    order, rules = sale.read()
    plan = planned(order, rules)
    booked = {each.source_id for each in plan.lines}
    charged = {each.id for each in order.shipping if each.price}
    whole = {order.id} if booked - {each.id for each in order.lines} - charged else set()
    assert booked == {each.id for each in order.lines} | charged | whole
    for each in order.lines:
        mine = [one.record for one in plan.lines if one.source_id == each.id]
        assert sum(record["OrderedSalesQuantity"] for record in mine) == each.quantity
    assert (plan.number is None) is (rules.orders.number == "sequence")


@unhurried
@given(sales())
def test_nothing_is_sent_finer_than_the_smallest_unit(sale: Sale) -> None:
    order, rules = sale.read()
    for record in (each.record for each in planned(order, rules).lines):
        for field in ("SalesPrice", "LineDiscountAmount"):
            assert record[field] == rounded(record[field], order.currency)
        assert record["LineDiscountAmount"] <= record["SalesPrice"]
