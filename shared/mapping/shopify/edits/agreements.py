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
    """A line after all edits, before any refund."""

    quantity: int
    amount: Money
    """After discounts, with tax."""
    tax: Money


_BEFORE_REFUNDS: Final = {"ORDER", "ORDER_EDIT"}
"""Reasons of the agreements that refunds have no part in."""


def read_agreements(nodes: Iterable[AgreementNode], amounts: Amounts) -> dict[int, AgreedLine]:
    """The lines that the agreements of an order name, by their ids, with all changes but refunds and returns.

    `nodes` is what shared.shopify.orders.fetch_agreements returns. A removal counts below zero, whether or not
    Shopify writes it so. Of a return only goods that were added in exchange count. Raises RefusedError NOT_AN_ORDER.
    """
    found: dict[int, AgreedLine] = {}
    nothing = AgreedLine(0, amounts.zero, amounts.zero)
    for at, agreement in enumerate(nodes):
        for position, sale in enumerate(agreement["sales"]):
            action, line = sale["actionType"], sale.get("lineItem")
            is_before = agreement["reason"] in _BEFORE_REFUNDS
            if line is None or not (is_before or (agreement["reason"] == "RETURN" and action == "ORDER")):
                continue
            path = f"agreements[{at}].sales[{position}]"
            line_id = int(line["id"].rpartition("/")[2])
            known = found.get(line_id, nothing)
            quantity = sale["quantity"] or 0
            if type(quantity) is not int:
                refuse(path, "quantity", quantity, "a whole number")
            amount, tax = (_amount(sale, key, path, amounts) for key in ("totalAmount", "totalTaxAmount"))
            if action == "RETURN":
                quantity, amount, tax = -abs(quantity), -abs(amount), -abs(tax)
            elif action == "UPDATE":
                quantity = 0
            found[line_id] = AgreedLine(known.quantity + quantity, known.amount + amount, known.tax + tax)
    return found


def _amount(sale: Mapping[str, Any], key: str, path: str, amounts: Amounts) -> Money:
    sides = {"shop_money": sale[key]["shopMoney"], "presentment_money": sale[key]["presentmentMoney"]}
    bag = {name: {"amount": side["amount"], "currency_code": side["currencyCode"]} for name, side in sides.items()}
    return amounts.signed({f"{key}_set": bag}, f"{key}_set", path)


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
