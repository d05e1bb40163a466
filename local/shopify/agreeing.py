"""Sales agreements: what the placement of an order, and each edit, refund and return of it, changed.

An agreement is the difference between the order before and after. Shopify records more sales where one edit both
removes and adds units; the sums are the same.
"""

from collections.abc import Mapping
from typing import NamedTuple

from local.shopify.money import MoneyBag, total
from local.shopify.order import Charge, Order
from local.shopify.records import Agreement, Sale
from local.shopify.state import Shop


class Standing(NamedTuple):
    """What the order has of one line, shipping line, duty, fee or return fee."""

    quantity: int
    amount: MoneyBag
    tax: MoneyBag


type Standings = Mapping[tuple[str, int], Standing]


def standings(order: Order) -> Standings:
    """By line type and id."""
    included = order.taxes_included
    found: dict[tuple[str, int], Standing] = {}
    for line in order.lines:
        kind = "TIP" if line.tip else "GIFT_CARD" if line.gift_card else "PRODUCT"
        tax = total(line.left.taxes, order.zero)
        net = line.net(line.left)
        found[kind, line.id] = Standing(line.left.quantity, net if included else net + tax, tax)
        for duty in line.duties:
            found["DUTY", duty.id] = _of_charge(duty, order)
    for shipping in order.shipping_lines:
        tax = total(shipping.taxes_left, order.zero)
        amount = shipping.left if included else shipping.left + tax
        found["SHIPPING", shipping.id] = Standing(0 if shipping.removed else 1, amount, tax)
    for fee in order.fees:
        found["ADDITIONAL_FEE", fee.id] = _of_charge(fee, order)
    for return_fee in order.return_fees:
        found["FEE", return_fee.id] = Standing(1, return_fee.amount, order.zero)
    return found


def _of_charge(charge: Charge, order: Order) -> Standing:
    tax = total(charge.taxes_left, order.zero)
    return Standing(1, charge.left if order.taxes_included else charge.left + tax, tax)


def agree(shop: Shop, order: Order, reason: str, before: Standings, *, return_id: int | None = None) -> None:
    """Record what changed since `before`; nothing where nothing did."""
    sales = []
    for (kind, source_id), now in standings(order).items():
        was = before.get((kind, source_id), Standing(0, order.zero, order.zero))
        quantity, amount, tax = now.quantity - was.quantity, now.amount - was.amount, now.tax - was.tax
        if quantity or amount or tax:
            action = "ORDER" if quantity > 0 else "RETURN" if quantity < 0 else "UPDATE"
            sales.append(Sale(shop.next_id(), action, kind, source_id, quantity, amount, tax))
    if sales:
        order.agreements.append(Agreement(shop.next_id(), reason, shop.clock(), tuple(sales), return_id))
