"""Cancelling an order in Shopify, which is done in a job and cannot be undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shared.errors import ErrorCode, NotYetError, RefusedError
from shared.shopify import queries
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of

_NO_RETURN: Final = "NO_RETURN"
_UNDER_WAY: Final = "Cancellation is already in progress"
"""Shopify gives this error no code."""


@dataclass(frozen=True, slots=True)
class CancelState:
    is_cancelled: bool
    has_return: bool
    """Requested, open or closed: Shopify refuses the cancellation then."""


async def read_cancel_state(admin: AdminClient, order_id: int) -> CancelState | None:
    """None for an order that Shopify does not have."""
    found: dict[str, Any] | None = (
        await admin.run(queries.load("order_cancelled"), {"order": gid_of("Order", order_id)})
    )["order"]
    if found is None:
        return None
    return CancelState(found["cancelledAt"] is not None, found["returnStatus"] != _NO_RETURN)


async def cancel_order(
    admin: AdminClient, order_id: int, *, reason: str, refund: bool, restock: bool, notify: bool, note: str
) -> None:
    """Asks Shopify to cancel the whole order. `reason` is a member of OrderCancelReason; `note` is for staff, at most
    255 characters.

    Raises RefusedError CANCELLATION_REFUSED, NotYetError where a job is at it, and OutcomeUnknownError.
    """
    variables = {
        "order": gid_of("Order", order_id),
        "reason": reason,
        "restock": restock,
        "refund": refund,
        "notify": notify,
        "note": note,
    }
    payload = (await admin.run(queries.load("order_cancel"), variables))["orderCancel"]
    messages = [error["message"] for error in payload["orderCancelUserErrors"]]
    if _UNDER_WAY in messages:
        raise NotYetError("Shopify is cancelling the order")
    if messages:
        raise RefusedError(ErrorCode.CANCELLATION_REFUSED, message="; ".join(messages))
