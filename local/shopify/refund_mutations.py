"""refundCreate: the texts of orders, quantities, amounts and parents are recorded from live stores."""

from collections.abc import Mapping
from typing import Any

from local.shopify.cart import CartError
from local.shopify.idempotency import idempotent
from local.shopify.loading import find_order
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import not_simulated, parse_gid, require
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.record_nodes import RefundNode
from local.shopify.schema import Access
from local.shopify.shipping_records import Notice
from local.shopify.steps import apply_step
from local.shopify.user_errors import user_error

#: The schema lists no scope for this mutation.
_WRITE_ORDERS = Access(frozenset({"write_orders"}), "`write_orders` access scope.")
_KNOWN = frozenset(
    {"orderId", "currency", "refundLineItems", "shipping", "transactions", "note", "notify", "discrepancyReason"}
)


class RefundMutations(MutationRoot):
    def refund_create(self, input_: dict[str, Any]) -> dict[str, Any]:
        require(self._request, "refundCreate", _WRITE_ORDERS)
        return idempotent(self._request, input_, lambda: self._refund(input_))

    def _refund(self, given: dict[str, Any]) -> dict[str, Any]:
        if unknown := {name for name, value in given.items() if value} - _KNOWN:
            raise not_simulated(f"refundCreate with {', '.join(sorted(unknown))}")
        shop = self._request.shop
        order = find_order(self._request, parse_gid(given["orderId"], "Order"))
        if order is None:
            return _refused(["orderId"], "Order does not exist")
        if given.get("currency", order.currency) != order.presentment_currency:
            raise not_simulated("refundCreate in another currency than the buyer's")
        rows = [_line(row) for row in given.get("refundLineItems") or ()]
        for at, row in enumerate(rows):
            line = next((each for each in order.lines if each.id == row["line"]), None)
            if line is None:
                raise not_simulated("refundCreate of a line of another order")
            if row["quantity"] > line.current_quantity:
                field = ["refundLineItems", str(at), "quantity"]
                return _refused(field, "Quantity cannot refund more items than were purchased")
        params = {
            "lines": rows,
            "transactions": [_transaction(row) for row in given.get("transactions") or ()],
            "note": given.get("note") or "",
            **_shipping(given.get("shipping") or {}),
            **({"reason": given["discrepancyReason"]} if given.get("discrepancyReason") else {}),
        }
        try:
            events = apply_step(shop, order, "refund", params)
        except CartError as refusal:
            text = str(refusal)
            return _refused(["transactions"] if text.startswith("Transactions ") else None, text)
        made = order.refunds[-1]
        if given.get("notify"):
            order.notices.append(Notice("refund", made.id, shop.clock()))
        self._announce(order, events)
        return self._made(order, made.id)

    def _made(self, order: Order, refund_id: int) -> dict[str, Any]:
        node = OrderNode(self._request, order)
        found = next(each for each in order.refunds if each.id == refund_id)
        return {"order": node, "refund": RefundNode(node, order, found), "userErrors": []}


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    location = row.get("locationId")
    return {
        "line": parse_gid(row["lineItemId"], "LineItem"),
        "quantity": row["quantity"],
        "restock": (row.get("restockType") or "NO_RESTOCK").lower(),
        **({"location_id": parse_gid(location, "Location")} if location else {}),
    }


def _shipping(given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("fullRefund"):
        return {"shipping": True}
    return {"shipping": given["amount"]} if given.get("amount") else {}


def _transaction(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["kind"] != "REFUND":
        raise not_simulated(f"a transaction of the kind {row['kind']} in refundCreate")
    parent = row.get("parentId")
    return {"parent": parse_gid(parent, "OrderTransaction") if parent else None, "amount": row["amount"]}


def _refused(field: list[str] | None, message: str) -> dict[str, Any]:
    return {"order": None, "refund": None, "userErrors": [user_error(field, message)]}
