"""Reading the current state of an order in Shopify, with all its lines, refunds, parcels and payments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.shopify import queries
from shared.shopify.admin.answers import Json
from shared.shopify.gid import gid_of

if TYPE_CHECKING:
    from shared.shopify.admin.client import AdminClient

_AT_ONCE: Final = 4
"""Refunds to a call: more could exceed Shopify's limit of 1,000 points a query."""
_WINDOWS: Final = {"transactions": 25, "refunds": 50}
"""The lengths at which order_state.graphql cuts off lists that Shopify does not page."""
_PARCELS: Final = 40


async def fetch_order(admin: AdminClient, order_id: int) -> Json | None:
    """The order's node with all pages of every connection (as `nodes` only), refunds and fulfillments with their lines.

    None for an order that Shopify does not have, or that is older than the app may read. One call for an order that
    was neither shipped nor refunded, one more for all its parcels and for every 4 refunds; more only for many lines.
    Raises what AdminClient.run raises, RefusedError SHOPIFY_SHAPE for an order with more parts than can be read, and
    TransientError if the order changed between two calls.
    """
    gid = gid_of("Order", order_id)
    order: Json | None = (await admin.run(queries.load("order_state"), {"order": gid}))["order"]
    if order is None:
        return None
    for name, window in _WINDOWS.items():
        if len(order[name]) == window:
            raise _too_many(name, window)
    _require_single_page(order, "shippingLines")

    async def more_lines(after: str) -> Json:
        data = await admin.run(queries.load("order_lines"), {"order": gid, "after": after})
        return _unchanged(order, data["order"])

    await _add_further_pages(order, "lineItems", more_lines)
    order["refunds"] = await _refunds(admin, [refund["id"] for refund in order["refunds"]])
    payments = {payment["id"]: payment for payment in order["transactions"]}
    for refund in order["refunds"]:
        _link_transactions(refund, payments)
    if order["fulfillments"]:
        order["fulfillments"] = await _parcels(admin, order)
    return order


async def _refunds(admin: AdminClient, gids: list[str]) -> list[Json]:
    refunds: list[Json] = []
    for start in range(0, len(gids), _AT_ONCE):
        found = (await admin.run(queries.load("order_refunds"), {"refunds": gids[start : start + _AT_ONCE]}))["nodes"]
        for refund in found:
            if refund is None:
                raise TransientError("a refund changed while it was being read")
            await _complete_refund(admin, refund)
        refunds += found
    return refunds


async def _parcels(admin: AdminClient, order: Json) -> list[Json]:
    data = await admin.run(queries.load("order_parcels"), {"order": order["id"]})
    parcels: list[Json] = _unchanged(order, data["order"])["fulfillments"]
    if len(parcels) == _PARCELS:
        raise _too_many("fulfillments", _PARCELS)
    for parcel in parcels:
        await _complete_parcel(admin, parcel)
    return parcels


def _unchanged(order: Json, later: Json | None) -> Json:
    """The later part of the answer. Raises TransientError unless it has the same updatedAt as the first part."""
    if later is None or later["updatedAt"] != order["updatedAt"]:
        raise TransientError(f"{order['id']} changed while it was being read")
    return later


async def _complete_refund(admin: AdminClient, refund: Json) -> None:
    for name in ("refundShippingLines", "orderAdjustments", "transactions"):
        _require_single_page(refund, name)

    async def more(after: str) -> Json:
        variables = {"refund": refund["id"], "after": after}
        found: Json = (await admin.run(queries.load("order_refund_lines"), variables))["refund"]
        return found

    await _add_further_pages(refund, "refundLineItems", more)


async def _complete_parcel(admin: AdminClient, parcel: Json) -> None:
    async def more(after: str) -> Json:
        variables = {"parcel": parcel["id"], "after": after}
        found: Json = (await admin.run(queries.load("order_parcel_lines"), variables))["fulfillment"]
        return found

    await _add_further_pages(parcel, "fulfillmentLineItems", more)


async def _add_further_pages(owner: Json, name: str, more: Callable[[str], Awaitable[Json]]) -> None:
    """Adds the further pages of a connection to its first one."""
    nodes, page = owner[name]["nodes"], owner[name]["pageInfo"]
    while page["hasNextPage"]:
        found = (await more(page["endCursor"]))[name]
        nodes += found["nodes"]
        page = found["pageInfo"]
    owner[name] = {"nodes": nodes}


def _require_single_page(owner: Json, name: str) -> None:
    """Keeps the connection's nodes only. Raises RefusedError for a second page: real orders do not have that many."""
    nodes = owner[name]["nodes"]
    if owner[name]["pageInfo"]["hasNextPage"]:
        raise _too_many(name, len(nodes))
    owner[name] = {"nodes": nodes}


def _link_transactions(refund: Json, payments: dict[str, Json]) -> None:
    """Replaces a refund's transactions by the order's. Raises TransientError for one that the order does not have."""
    known = [payments.get(each["id"]) for each in refund["transactions"]["nodes"]]
    if None in known:
        raise TransientError(f"{refund['id']} got a transaction while the order was being read")
    refund["transactions"] = {"nodes": known}


def _too_many(name: str, limit: int) -> RefusedError:
    return RefusedError(ErrorCode.SHOPIFY_SHAPE, what="the order", problem=f"it has {limit} or more {name}")
