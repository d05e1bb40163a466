"""Order.suggestedRefund: what a refund of these lines would give back. Nothing is changed."""

import copy
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from local.shopify.balance import net_payment, owed_to_buyer, refundable
from local.shopify.money import MoneyBag, total
from local.shopify.nodes import Node, money, not_simulated, parse_gid
from local.shopify.order import LineItem, Order, Units
from local.shopify.order_parts import LineItemNode
from local.shopify.record_nodes import TransactionNode


def suggested_refund(owner: Node, order: Order, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Without shipping and duties. `rows` are RefundLineItemInput.

    The amount is what the buyer would be owed, as far as it was paid: an order that is not paid gives nothing back.
    """
    shared: dict[int, Any] = {id(each): each for each in (*owner.shop.variants.values(), order.customer)}
    after = copy.deepcopy(order, shared)
    taken = [_taken(after, row) for row in rows]
    subtotal = total((line.net(units) for line, units, _ in taken), order.zero)
    tax = total((each for _, units, _ in taken for each in units.taxes), order.zero)
    paid = max(net_payment(order).presentment, Decimal(0))
    owed = (owed_to_buyer(after) - owed_to_buyer(order)).presentment
    amount = (subtotal if order.taxes_included else subtotal + tax).settled_by(min(owed, paid))
    return {
        "amountSet": money(amount),
        "subtotalSet": money(subtotal),
        "discountedSubtotalSet": money(subtotal),
        "totalTaxSet": money(tax),
        "maximumRefundableSet": money(net_payment(order)),
        "refundLineItems": [_line_node(owner, order, line, units, row) for line, units, row in taken],
        "suggestedTransactions": _transactions(owner, order, amount),
    }


def _taken(after: Order, row: dict[str, Any]) -> tuple[LineItem, Units, dict[str, Any]]:
    number = parse_gid(row["lineItemId"], "LineItem")
    line = next((each for each in after.lines if each.id == number), None)
    if line is None or not 0 < row["quantity"] <= line.current_quantity:
        raise not_simulated("suggestedRefund of units that the order does not have")
    return line, line.remove(row["quantity"]), row


def _line_node(owner: Node, order: Order, line: LineItem, units: Units, row: dict[str, Any]) -> dict[str, Any]:
    """Of a line that is not refunded yet: it has no id."""
    restock = row.get("restockType") or "NO_RESTOCK"
    found = next(each for each in order.lines if each.id == line.id)
    return {
        "lineItem": LineItemNode(owner.request, order, found),
        "quantity": row["quantity"],
        "restockType": restock,
        "restocked": restock != "NO_RESTOCK",
        "priceSet": money(line.price),
        "subtotalSet": money(line.net(units)),
        "totalTaxSet": money(total(units.taxes, order.zero)),
    }


def _transactions(owner: Node, order: Order, amount: MoneyBag) -> list[dict[str, Any]]:
    """Back to the payments in their order."""
    rows, left = [], amount.presentment
    for payment in order.transactions:
        here = min(left, refundable(order, payment))
        if here > 0:
            left -= here
            rows.append(
                {
                    "kind": "SUGGESTED_REFUND",
                    "gateway": payment.gateway,
                    "amountSet": money(payment.settles.settled_by(here)),
                    "maximumRefundableSet": money(payment.settles.settled_by(refundable(order, payment))),
                    "parentTransaction": TransactionNode(owner, order, payment),
                }
            )
    return rows
