"""Holds of fulfilment orders: reading, setting and releasing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import HeldFulfillmentOrder, ShopHold
from shared.shopify import queries
from shared.shopify.admin.answers import Json, user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of, number_of

_OPEN: Final = frozenset({"OPEN", "IN_PROGRESS", "ON_HOLD"})
_HOLD: Final = "HOLD"
_ALREADY_SET: Final = "DUPLICATE_FULFILLMENT_HOLD_HANDLE"


async def read_holds(admin: AdminClient, order_id: int) -> list[HeldFulfillmentOrder]:
    """The fulfilment orders that the app may see; none for an order that Shopify does not have."""
    found: list[HeldFulfillmentOrder] = []
    after: str | None = None
    while True:
        variables = {"order": gid_of("Order", order_id), "after": after}
        order: Json | None = (await admin.run(queries.load("holds_state"), variables))["order"]
        if order is None:
            return []
        page = order["fulfillmentOrders"]
        found += map(_held_order, page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def _held_order(node: Json) -> HeldFulfillmentOrder:
    return HeldFulfillmentOrder(
        id=number_of(node["id"]),
        is_open=node["status"] in _OPEN,
        can_hold=any(each["action"] == _HOLD for each in node["supportedActions"]),
        holds=tuple(
            ShopHold(
                id=number_of(hold["id"]),
                reason=hold["reason"],
                handle=hold["handle"] or "",
                is_own=hold["heldByRequestingApp"],
            )
            for hold in node["fulfillmentHolds"]
        ),
    )


async def place_hold(admin: AdminClient, fulfillment_order: int, *, handle: str, reason: str, notes: str) -> None:
    """Holds all of the fulfilment order; one that has the app's hold with this handle already stays as it is.

    Raises RefusedError HOLD_REFUSED with Shopify's words.
    """
    hold = {"reason": reason, "reasonNotes": notes, "handle": handle}
    variables = {"order": gid_of("FulfillmentOrder", fulfillment_order), "hold": hold}
    payload = (await admin.run(queries.load("holds_place"), variables))["fulfillmentOrderHold"]
    _refuse(payload, allowed=_ALREADY_SET)


async def release_holds(admin: AdminClient, fulfillment_order: int, ids: Iterable[int]) -> None:
    """Raises RefusedError HOLD_REFUSED with Shopify's words."""
    variables = {
        "order": gid_of("FulfillmentOrder", fulfillment_order),
        "holds": [gid_of("FulfillmentHold", each) for each in ids],
    }
    _refuse((await admin.run(queries.load("holds_release"), variables))["fulfillmentOrderReleaseHold"])


async def order_of(admin: AdminClient, fulfillment_order: int) -> int | None:
    """The id of the order that the fulfilment order belongs to; None for one that the app may not see, or that is
    gone.
    """
    variables = {"part": gid_of("FulfillmentOrder", fulfillment_order)}
    found: Json | None = (await admin.run(queries.load("holds_order"), variables))["fulfillmentOrder"]
    return number_of(found["order"]["id"]) if found is not None else None


def _refuse(payload: Json, *, allowed: str = "") -> None:
    errors = [error for error in user_errors(payload) if not allowed or error.code != allowed]
    if errors:
        raise RefusedError(ErrorCode.HOLD_REFUSED, message="; ".join(error.message for error in errors))
