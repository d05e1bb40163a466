"""Payments, refunds and returns, as GraphQL objects. Each belongs to the node of its order, `owner`."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from local.shopify.balance import capturable
from local.shopify.catalogue_nodes import LocationNode
from local.shopify.ids import gid
from local.shopify.money import graphql_amount, total
from local.shopify.nodes import Connection, Node, connect, money, utc
from local.shopify.order import LineItem, Order
from local.shopify.order_parts import LineItemNode, ShippingLineNode, duty_of
from local.shopify.payments import MANUAL
from local.shopify.records import (
    ExchangeLine,
    Refund,
    RefundLine,
    Return,
    ReturnFee,
    ReturnLine,
    Transaction,
)
from local.shopify.rest_records import receipt, unsettled
from local.shopify.routing_nodes import fulfillment_line


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...


def _connect[T: _Numbered](owner: Node, items: Sequence[T], wrap: Callable[[T], Any], **window: Any) -> Connection:
    return connect(owner.request, items, wrap, lambda each: (each.id, each.id), **window)


def _line(order: Order, number: int) -> LineItem:
    return next(line for line in order.lines if line.id == number)


class TransactionNode(Node):
    typename = "OrderTransaction"

    def __init__(self, owner: Node, order: Order, transaction: Transaction) -> None:
        super().__init__(owner.request)
        self.order, self._order, self._transaction = owner, order, transaction
        self.id = gid("OrderTransaction", transaction.id)
        self.kind = transaction.kind
        self.status = transaction.status
        self.gateway = transaction.gateway
        self.formatted_gateway = transaction.gateway.replace("_", " ").title()
        self.manual_payment_gateway = transaction.gateway in MANUAL
        self.test = order.test
        self.amount_set = money(transaction.amount)
        self.amount_rounding_set = money(transaction.rounding) if transaction.rounding is not None else None
        is_authorization = transaction.kind == "AUTHORIZATION"
        self.total_unsettled_set = money(unsettled(order, transaction)) if is_authorization else None
        self.manually_capturable = is_authorization and capturable(order, transaction) > 0
        self.multi_capturable = is_authorization and transaction.multi_capturable
        self.authorization_expires_at = utc(transaction.expires_at) if transaction.expires_at else None
        self.payment_id = f"{order.name}.{transaction.number}"
        self.error_code = None if transaction.status in ("SUCCESS", "PENDING") else "GENERIC_ERROR"
        self.authorization_code = f"{transaction.id:x}"
        self.receipt_json = json.dumps(receipt(transaction))
        self.processed_at = self.created_at = utc(transaction.created_at)
        self.currency_exchange_adjustment = _exchange_adjustment(transaction)

    def parent_transaction(self) -> "TransactionNode | None":
        found = next((t for t in self._order.transactions if t.id == self._transaction.parent_id), None)
        return TransactionNode(self.order, self._order, found) if found else None


def _exchange_adjustment(transaction: Transaction) -> dict[str, Any] | None:
    """What the rate of the day made of it in the shop's currency; None where it made nothing."""
    then, now = transaction.settles, transaction.amount
    if then.shop == now.shop:
        return None

    def amount(value: Any) -> dict[str, Any]:
        return {"__typename": "MoneyV2", "amount": graphql_amount(value), "currencyCode": then.shop_currency}

    return {
        "id": gid("CurrencyExchangeAdjustment", transaction.id),
        "originalAmountSet": amount(then.shop),
        "finalAmountSet": amount(now.shop),
        "adjustment": amount(now.shop - then.shop),
    }


class RefundNode(Node):
    typename = "Refund"

    def __init__(self, owner: Node, order: Order, refund: Refund) -> None:
        super().__init__(owner.request)
        self.order, self._order, self._refund = owner, order, refund
        self.id = gid("Refund", refund.id)
        self.legacy_resource_id = refund.id
        self.created_at = self.processed_at = utc(refund.created_at)
        self.updated_at = utc(refund.updated_at)
        self.note = refund.note
        self.staff_member = None
        back = (each.amount for each in refund.transactions if each.succeeded)
        self.total_refunded_set = money(total(back, order.zero))
        self.duties = [
            {"amountSet": money(each.amount), "originalDuty": duty_of(order, each.duty_id)} for each in refund.duties
        ]

    def refund_line_items(self, **window: Any) -> Connection:
        return _connect(self, self._refund.lines, self._refund_line, **window)

    def _refund_line(self, row: RefundLine) -> dict[str, Any]:
        line = _line(self._order, row.line_id)
        location = self.shop.locations.get(row.location_id) if row.location_id else None
        return {
            "id": gid("RefundLineItem", row.id),
            "lineItem": LineItemNode(self.request, self._order, line),
            "location": LocationNode(self.request, location) if location else None,
            "quantity": row.quantity,
            "restockType": row.restock.upper(),
            "restocked": row.restock != "no_restock",
            "priceSet": money(line.price),
            "subtotalSet": money(row.subtotal),
            "totalTaxSet": money(row.tax),
        }

    def refund_shipping_lines(self, **window: Any) -> Connection:
        shipping_lines = {line.id: line for line in self._order.shipping_lines}
        return _connect(
            self,
            self._refund.shipping,
            lambda row: {
                "id": gid("RefundShippingLine", row.id),
                "shippingLine": ShippingLineNode(self.request, self._order, shipping_lines[row.shipping_line_id]),
                "subtotalAmountSet": money(row.subtotal),
                "taxAmountSet": money(row.tax),
            },
            **window,
        )

    def order_adjustments(self, **window: Any) -> Connection:
        return _connect(
            self,
            self._refund.adjustments,
            lambda row: {
                "id": gid("OrderAdjustment", row.id),
                "reason": row.reason,
                "amountSet": money(row.amount),
                "taxAmountSet": money(self._order.zero),
            },
            **window,
        )

    def transactions(self, **window: Any) -> Connection:
        return _connect(
            self,
            self._refund.transactions,
            lambda each: TransactionNode(self.order, self._order, each),
            **window,
        )

    def return_(self) -> "ReturnNode | None":
        found = next((each for each in self._order.returns if each.id == self._refund.return_id), None)
        return ReturnNode(self.order, self._order, found) if found else None


def _restocking_fee(row: ReturnLine) -> dict[str, Any] | None:
    """An amount; a percentage is not simulated."""
    if row.restocking_fee is None:
        return None
    return return_fee(ReturnFee(row.id, "RestockingFee", row.restocking_fee))


def return_fee(fee: ReturnFee) -> dict[str, Any]:
    return {"__typename": fee.kind, "id": gid(fee.kind, fee.id), "amountSet": money(fee.amount)}


class ReturnNode(Node):
    typename = "Return"

    def __init__(self, owner: Node, order: Order, found: Return) -> None:
        super().__init__(owner.request)
        self.order, self._order, self._return = owner, order, found
        self.id = gid("Return", found.id)
        self.name = found.name
        self.status = found.status
        self.total_quantity = found.quantity
        self.created_at = utc(found.created_at)
        self.closed_at = utc(found.closed_at) if found.closed_at else None
        self.request_approved_at = utc(found.approved_at) if found.approved_at else None
        self.decline = None
        self.return_shipping_fees = [return_fee(each) for each in found.shipping_fees]

    def return_line_items(self, **window: Any) -> Connection:
        return _connect(self, self._return.lines, self._return_line, **window)

    def _return_line(self, row: ReturnLine) -> dict[str, Any]:
        sent = next(p for f in self._order.fulfillments for p in f.lines if p.id == row.fulfillment_line_id)
        left = row.quantity - row.processed
        refundable = row.processed - row.refunded
        return {
            "__typename": "ReturnLineItem",
            "id": gid("ReturnLineItem", row.id),
            "fulfillmentLineItem": fulfillment_line(self, self._order, sent),
            "quantity": row.quantity,
            "processedQuantity": row.processed,
            "refundedQuantity": row.refunded,
            "processableQuantity": left,
            "refundableQuantity": refundable,
            "unprocessedQuantity": left,
            "returnReason": row.reason,
            "returnReasonNote": row.note,
            "customerNote": None,
            "restockingFee": _restocking_fee(row),
        }

    def exchange_line_items(self, **window: Any) -> Connection:
        return _connect(self, self._return.exchanges, self._exchange_line, **window)

    def _exchange_line(self, row: ExchangeLine) -> dict[str, Any]:
        line = LineItemNode(self.request, self._order, _line(self._order, row.line_id)) if row.line_id else None
        processed = row.quantity if line else 0
        sku = row.params.get("sku")
        variant = self.shop.variant_by_sku.get(str(sku))
        return {
            "id": gid("ExchangeLineItem", row.id),
            "lineItem": line,
            "lineItems": [line] if line else [],
            "quantity": row.quantity,
            "processedQuantity": processed,
            "processableQuantity": row.quantity - processed,
            "unprocessedQuantity": row.quantity - processed,
            "title": row.params.get("title") or (variant.product_title if variant else None),
            "variantSku": sku,
            "variantTitle": variant.title if variant else None,
            "variantId": gid("ProductVariant", variant.id) if variant else None,
            "productId": gid("Product", variant.product_id) if variant else None,
        }

    def refunds(self, **window: Any) -> Connection:
        found = [each for each in self._order.refunds if each.return_id == self._return.id]
        return _connect(self, found, lambda each: RefundNode(self.order, self._order, each), **window)
