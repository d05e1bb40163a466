"""An order's lines as its placement and its edits made them, by Shopify's sales agreements.

A line's own quantity, discounts and taxes include units that edits removed, and do not show what of them went with
those units. The sales agreements show each change by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.mapping.shopify.edits.reduction import DifferenceError, scaled
from shared.mapping.shopify.edits.shares import Goods
from shared.mapping.shopify.fields import Amounts, refuse
from shared.model import Money, Order, OrderLine, total

type AgreementNode = Mapping[str, Any]
"""A SalesAgreement of the Admin GraphQL API, its sales as a list."""


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """Units of a line: after all edits and before any refund, or those that a change adds."""

    quantity: int
    amount: Money
    """After discounts, with tax."""
    tax: Money

    def plus(self, other: AgreedLine) -> AgreedLine:
        return AgreedLine(self.quantity + other.quantity, self.amount + other.amount, self.tax + other.tax)

    def less(self, other: AgreedLine) -> AgreedLine:
        return AgreedLine(self.quantity - other.quantity, self.amount - other.amount, self.tax - other.tax)


@dataclass(frozen=True, slots=True)
class Agreements:
    """An order's lines, by their ids."""

    lines: Mapping[int, AgreedLine]
    returned: Mapping[int, AgreedLine]
    """What returns took off each line, refunded or not; above zero, less what was put back."""


_BEFORE_REFUNDS: Final = {"ORDER", "ORDER_EDIT"}
"""Reasons of the agreements that refunds have no part in."""


def read_agreements(nodes: Iterable[AgreementNode], amounts: Amounts) -> Agreements:
    """The lines that the agreements of an order name.

    `nodes` is what shared.shopify.orders.fetch_agreements returns, the oldest first. A removal counts below zero,
    whether or not Shopify writes it so. Goods that a return sends in exchange are lines; a sale of goods that a return
    brought back puts them back. Raises RefusedError NOT_AN_ORDER.
    """
    lines: dict[int, AgreedLine] = {}
    returned: dict[int, AgreedLine] = {}
    nothing = AgreedLine(0, amounts.zero, amounts.zero)
    for at, agreement in enumerate(nodes):
        is_return = agreement["reason"] == "RETURN"
        if not is_return and agreement["reason"] not in _BEFORE_REFUNDS:
            continue
        for position, sale in enumerate(agreement["sales"]):
            if (line := sale.get("lineItem")) is None or (is_return and sale["actionType"] == "UPDATE"):
                continue
            line_id = int(line["id"].rpartition("/")[2])
            change = _change(sale, f"agreements[{at}].sales[{position}]", amounts)
            away = returned.get(line_id, nothing)
            if is_return and (sale["actionType"] == "RETURN" or away.quantity):
                returned[line_id] = away.less(change)
            else:
                lines[line_id] = lines.get(line_id, nothing).plus(change)
    return Agreements(lines, returned)


def _change(sale: Mapping[str, Any], path: str, amounts: Amounts) -> AgreedLine:
    quantity = sale["quantity"] or 0
    if type(quantity) is not int:
        refuse(path, "quantity", quantity, "a whole number")
    amount, tax = (amount_of_sale(sale, key, path, amounts) for key in ("totalAmount", "totalTaxAmount"))
    if sale["actionType"] == "UPDATE":
        quantity = 0
    elif sale["actionType"] == "RETURN":
        quantity = -abs(quantity)
    return AgreedLine(quantity, amount, tax)


def amount_of_sale(sale: Mapping[str, Any], key: str, path: str, amounts: Amounts) -> Money:
    """Below zero for a removal."""
    sides = {"shop_money": sale[key]["shopMoney"], "presentment_money": sale[key]["presentmentMoney"]}
    bag = {name: {"amount": side["amount"], "currency_code": side["currencyCode"]} for name, side in sides.items()}
    amount = amounts.signed({f"{key}_set": bag}, f"{key}_set", path)
    return -abs(amount) if sale["actionType"] == "RETURN" else amount


def as_agreed(
    order: Order, goods: Mapping[int, Goods], agreed: Mapping[int, AgreedLine]
) -> tuple[Order, dict[int, Goods]] | None:
    """The order as its edits left it, with nothing removed any more. None where the agreements do not explain it: a
    line that edits reduced is missing, has another number of units, or has tax where none was charged.
    """
    lines, left = [], dict(goods)
    for line in order.lines:
        some, one = goods.get(line.id), agreed.get(line.id)
        if some is None or (one is None and not some.removed):
            lines.append(line)
            continue
        refunded = some.ordered - some.removed - some.left
        if one is None or one.quantity != some.left + refunded:
            return None
        left[line.id] = Goods(ordered=one.quantity, removed=0, left=some.left)
        try:
            lines += _agreed_line(line, one, included=order.taxes_included)
        except DifferenceError:
            return None
    return replace(order, lines=tuple(lines)), left


def _agreed_line(line: OrderLine, agreed: AgreedLine, *, included: bool) -> list[OrderLine]:
    if not agreed.quantity:
        return []
    charged = total((tax.amount for tax in line.taxes), agreed.tax.currency)
    net = agreed.amount if included else agreed.amount - agreed.tax
    discount = line.unit_price * agreed.quantity - net
    return [replace(line, quantity=agreed.quantity, discount=discount, taxes=scaled(line.taxes, charged, agreed.tax))]
