"""Webhook bodies by topic."""

from typing import Any

from local.shopify.events import Event
from local.shopify.ids import gid
from local.shopify.order import Order
from local.shopify.records import OrderEdit, Refund, Return, Risk, Transaction
from local.shopify.rest import order_document
from local.shopify.rest_records import fulfillment_body, refund_document, return_document, transaction_document
from local.shopify.shipping_records import Fulfillment, RoutingChange
from local.shopify.state import Shop


def body(shop: Shop, order: Order, event: Event) -> dict[str, Any]:
    """Order topics carry the order, the others only their subject."""
    subject = event.subject
    match subject:
        case Order():
            return order_document(shop, subject)
        case OrderEdit():
            return {"order_edit": _edit(shop, order, subject)}
        case Refund():
            return refund_document(shop, order, subject)
        case Transaction():
            return transaction_document(shop, order, subject)
        case Fulfillment():
            return fulfillment_body(shop, order, subject)
        case RoutingChange():
            return subject.document
        case Risk():
            return {
                # Shopify's own assessments have no provider.
                "provider_id": subject.provider[0] if subject.provider else None,
                "provider_title": subject.provider[1] if subject.provider else None,
                "risk_level": subject.level.lower(),
                "created_at": shop.local(subject.created_at),
                # a text here, a number everywhere else
                "order_id": str(order.id),
                "admin_graphql_api_order_id": gid("Order", order.id),
            }
        case Return() if event.topic == "returns/close":
            return {
                "id": subject.id,
                "admin_graphql_api_id": gid("Return", subject.id),
                "order_id": order.id,
                "status": subject.status.lower(),
            }
        case Return():
            return return_document(order, subject)


def _edit(shop: Shop, order: Order, edit: OrderEdit) -> dict[str, Any]:
    created = shop.local(edit.created_at)

    def units(changes: dict[int, int]) -> list[dict[str, int]]:
        return [{"id": line_id, "delta": delta} for line_id, delta in changes.items()]

    def ids(changed: list[int]) -> list[dict[str, int]]:
        return [{"id": number} for number in changed]

    return {
        "id": edit.id,
        "app_id": None,
        "created_at": created,
        "committed_at": created,
        "notify_customer": False,
        "order_id": order.id,
        "staff_note": edit.staff_note,
        "user_id": None,
        "line_items": {"additions": units(edit.added), "removals": units(edit.removed)},
        "discounts": {"line_item": {"additions": ids(edit.discounts_added), "removals": ids(edit.discounts_removed)}},
        "shipping_lines": {"additions": ids(edit.shipping_added), "removals": ids(edit.shipping_removed)},
    }
