"""The proof that an order's parts are its total, kept for the accountant, and which orders are booked at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import ErrorCode, RefusedError
from shared.model import COMPONENTS, Component, LineKind, Money, Order, total
from shared.rules import StoreRules


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an order's total is made of. The components sum to exactly the total."""

    order: str
    components: tuple[tuple[str, Money], ...]
    """Name and amount; discounts are negative; what is zero is left out."""
    total: Money
    tax: Money
    """Of all tax lines: a component only when the prices are without tax."""
    cash_rounding: Money
    """Not a component: Shopify applies it to what is received in cash, not to what is owed (CashRoundingAdjustment)."""
    readings: tuple[str, ...]
    """How the amounts are to be understood, where Shopify has more than one way."""

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON and read by people."""
        return {
            "order": self.order,
            "components": {name: str(amount) for name, amount in self.components},
            "total": str(self.total),
            "tax": str(self.tax),
            "cash_rounding": str(self.cash_rounding),
            "readings": list(self.readings),
        }


def refuse_test_order(order: Order, rules: StoreRules) -> None:
    """Raises RefusedError TEST_ORDER for a test order, unless the store books those (orders.test_orders)."""
    if order.is_test and rules.orders.test_orders == "refuse":
        raise RefusedError(ErrorCode.TEST_ORDER, store=rules.key)


def prove(order: Order) -> Evidence:
    """Evidence that the lines, shipping, tax, duties and fees sum to the total, and the tax lines to the total tax.

    There is no tolerance. Raises RefusedError SUM_DIFFERS, and TEST_NOTIFICATION for Shopify's sample order, which
    contradicts itself. Whether a store books its test orders is no matter of proof (plan_sales_order).
    """
    if order.is_sample:
        raise RefusedError(ErrorCode.TEST_NOTIFICATION)
    tax = total((line.amount for line in order.taxes), order.currency)
    if tax != order.total_tax:
        raise _differs(tax, order.total_tax, suffix=" of tax")
    components = tuple((name, amount) for name, amount in _components(order, tax) if amount)
    summed = total((amount for _, amount in components), order.currency)
    if summed != order.total:
        raise _differs(summed, order.total)
    return Evidence(
        order=order.name,
        components=components,
        total=order.total,
        tax=tax,
        cash_rounding=order.cash_rounding,
        readings=_readings(order),
    )


def _components(order: Order, tax: Money) -> list[tuple[str, Money]]:
    nothing = total((), order.currency)
    gross = dict.fromkeys(LineKind, nothing)
    for line in order.lines:
        gross[line.kind] += line.unit_price * line.quantity
    return [
        *((COMPONENTS[kind].value, amount) for kind, amount in gross.items()),
        ("discounts", -total((line.discount for line in order.lines), order.currency)),
        (Component.SHIPPING.value, total((line.price for line in order.shipping), order.currency)),
        ("shipping discounts", -total((line.discount for line in order.shipping), order.currency)),
        (Component.TAX.value, nothing if order.taxes_included else tax),
        (Component.DUTIES.value, order.duties),
        (Component.FEES.value, order.additional_fees),
    ]


def _readings(order: Order) -> tuple[str, ...]:
    tips = [line for line in order.lines if line.kind is LineKind.TIP]
    return (
        "prices include tax" if order.taxes_included else "tax on top of prices",
        *(("tip beside the lines" if order.has_tip_beside_lines else "tip is a line",) if tips else ()),
        *(("cash rounding settled with the payment",) if order.cash_rounding else ()),
    )


def _differs(summed: Money, stated: Money, suffix: str = "") -> RefusedError:
    return RefusedError(
        ErrorCode.SUM_DIFFERS, sum=f"{summed}{suffix}", total=f"{stated}{suffix}", difference=summed - stated
    )
