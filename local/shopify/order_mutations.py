"""Captures and cancellations of orders, with the user errors as recorded from live stores."""

import uuid
from decimal import Decimal
from typing import Any

from local.shopify.balance import capturable, expire, financial_status, total_capturable
from local.shopify.cart import CartError
from local.shopify.events import paid_event, transaction_events
from local.shopify.loading import find_order
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import not_simulated, parse_gid
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.payments import capture
from local.shopify.record_nodes import TransactionNode
from local.shopify.records import Transaction
from local.shopify.shipping_records import Notice
from local.shopify.steps import apply_step
from local.shopify.user_errors import user_error

_LONGEST_NOTE = 255
_NO_FINAL = (
    "Setting final capture is not supported for this transaction's payment gateway. Please remove the parameter or "
    "set it to null, then try again."
)


class OrderMutations(MutationRoot):
    def order_capture(self, input_: dict[str, Any]) -> dict[str, Any]:
        shop = self._request.shop
        order = find_order(self._request, parse_gid(input_["id"], "Order"))
        if order is None:
            return _not_captured(user_error(["id"], "Order does not exist"))
        expire(order, shop.clock())
        number = parse_gid(input_["parentTransactionId"], "OrderTransaction")
        parent = next((each for each in order.transactions if each.id == number), None)
        problem = _capture_problem(order, parent, input_)
        if problem:
            return _not_captured(problem)
        before = financial_status(order)
        given = {"parent": number, "amount": input_["amount"], "final": bool(input_.get("finalCapture"))}
        made = capture(shop, order, given)
        self._changed(order, [*transaction_events([made]), *paid_event(order, before)])
        return {"transaction": TransactionNode(OrderNode(self._request, order), order, made), "userErrors": []}

    def order_cancel(
        self,
        order_id: str,
        reason: str,
        *,
        restock: bool,
        notify_customer: bool | None = None,
        refund: bool | None = None,
        refund_method: dict[str, Any] | None = None,
        staff_note: str | None = None,
    ) -> dict[str, Any]:
        """Carried out at once, although the job that is answered is not done yet."""
        shop = self._request.shop
        order = find_order(self._request, parse_gid(order_id, "Order"))
        if order is None:
            return _not_cancelled(["orderId"], "Order does not exist", "NOT_FOUND")
        if refund is not None and refund_method is not None:
            return _not_cancelled(["refund"], "Only one of the arguments `refund` or `refund_method` is allowed.")
        if len(staff_note or "") > _LONGEST_NOTE:
            return _not_cancelled(["staffNote"], "Staff note is too long. Maximum length is 255 characters.")
        if refund_method and refund_method.get("storeCreditRefund"):
            raise not_simulated("a refund to store credit")
        gives_back = bool(refund or (refund_method or {}).get("originalPaymentMethodsRefund"))
        try:
            given = {"reason": reason.lower(), "restock": restock, "refund": gives_back}
            events = apply_step(shop, order, "cancel", given)
        except CartError as refusal:
            return _not_cancelled(["orderId"], str(refusal))
        order.cancel_note = staff_note
        if notify_customer:
            order.notices.append(Notice("order_cancelled", order.id, shop.clock()))
        self._announce(order, events)
        job = f"gid://shopify/Job/{uuid.uuid4()}"
        shop.jobs.add(job)
        return {"job": {"id": job, "done": False}, "orderCancelUserErrors": [], "userErrors": []}


def _capture_problem(order: Order, parent: Transaction | None, given: dict[str, Any]) -> dict[str, Any] | None:
    """The texts are recorded, the order in which they are looked at is not."""
    if parent is None:
        return user_error(None, "Unable to find parent transaction")
    if parent.kind != "AUTHORIZATION":
        return user_error(None, "Parent transaction should be a successful authorization")
    if not parent.succeeded:
        return user_error(None, "Can only capture successful authorizations")
    amount, currency = Decimal(given["amount"]), parent.settles.presentment_currency
    if amount <= 0:
        return user_error(None, "Amount must be greater than zero for capture transactions")
    if given.get("currency") is None and order.currency != order.presentment_currency:
        raise not_simulated("orderCapture without the currency of an order in another than the shop's")
    if given.get("currency") not in (None, currency):
        return user_error(["currency"], f"Currency Currency must match parent transaction {currency}")
    is_multiple = parent.multi_capturable and parent.gateway == "shopify_payments"
    if given.get("finalCapture") is not None and not is_multiple:
        return user_error(None, _NO_FINAL)
    if amount > total_capturable(order).presentment:
        return user_error(["amount"], "Amount exceeds capturable amount")
    if amount > capturable(order, parent):
        text = f"Cannot capture more than the authorized {parent.settles.presentment} for this payment."
        return user_error(None, text)
    return None


def _not_captured(problem: dict[str, Any]) -> dict[str, Any]:
    return {"transaction": None, "userErrors": [problem]}


def _not_cancelled(field: list[str], message: str, code: str = "INVALID") -> dict[str, Any]:
    return {
        "job": None,
        "orderCancelUserErrors": [user_error(field, message, code)],
        "userErrors": [user_error(field, message)],
    }
