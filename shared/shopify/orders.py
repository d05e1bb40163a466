"""Reading the current state of an order in Shopify, with all its lines, refunds, parcels and payments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import batched
from typing import Final

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.shopify import queries
from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of

ALL_ORDERS: Final = "read_all_orders"
"""The access scope for orders older than 60 days."""
_REFUNDS_AT_ONCE: Final = 4
"""Refunds that are read in one call: more could cost over Shopify's limit of 1,000 points."""
_TRANSACTIONS: Final = 25
_REFUNDS: Final = 50
"""Where order_state.graphql cuts off these lists; Shopify gives them no pages."""
_PARCELS: Final = 40
"""Where order_parcels.graphql cuts off."""


async def fetch_order(admin: AdminClient, order_id: int) -> Json | None:
    """The order's node with every list complete, connections as `nodes` only; refunds and parcels with their lines.

    None for an order that Shopify does not have, or that is older than the app may read. One call for an order that
    was neither shipped nor refunded, one more for all its parcels and for each 4 refunds; further ones only for long
    lists. Raises what AdminClient.run does, RefusedError SHOPIFY_SHAPE if Shopify counts more parts than it lists,
    and TransientError if the order changed between two calls.
    """
    gid = gid_of("Order", order_id)
    order: Json | None = (await admin.run(queries.load("order_state"), {"order": gid}))["order"]
    if order is None:
        return None
    reading = _OrderParts(admin, order)
    await reading.complete("lineItems", "order_lines")
    await reading.complete("shippingLines", "order_shipping_lines")
    await reading.complete("fulfillmentOrders", "order_routing")
    order["transactions"] = await reading.transactions()
    order["refunds"] = await reading.refunds()
    order["fulfillments"] = await reading.parcels()
    return order


async def may_read_all_orders(admin: AdminClient) -> bool:
    """Whether the shop shows the app orders that are older than 60 days. Raises what AdminClient.run does."""
    data = await admin.run(queries.load("app_scopes"), {})
    return ALL_ORDERS in {scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]}


async def fetch_agreements(admin: AdminClient, order_id: int) -> list[Json]:
    """The agreements with all their sales, each `sales` a plain list; [] for an order that Shopify does not have.

    One call for each agreement, and for each further 50 sales of it. Raises what AdminClient.run does, and
    TransientError if the order changed between two calls.
    """
    found: list[Json] = []
    updated_at: str | None = None
    after: str | None = None
    sales: str | None = None
    while True:
        variables = {"order": gid_of("Order", order_id), "after": after, "sales": sales}
        order: Json | None = (await admin.run(queries.load("order_agreements"), variables))["order"]
        if order is None:
            return []
        if updated_at not in (None, order["updatedAt"]):
            raise TransientError(f"{order['id']} changed while it was being read")
        updated_at = order["updatedAt"]
        page = order["agreements"]
        for node in page["nodes"]:
            if sales is None:
                found.append(node | {"sales": []})
            found[-1]["sales"] += node["sales"]["nodes"]
            further = node["sales"]["pageInfo"]
            sales = further["endCursor"] if further["hasNextPage"] else None
        if sales is None:
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]


class _OrderParts:
    """The parts of one order, each list to its end."""

    def __init__(self, admin: AdminClient, order: Json) -> None:
        self._admin = admin
        self._order = order
        self._ids: Json | None = None

    async def complete(self, name: str, document: str) -> None:
        """All of one of the order's connections."""

        async def more(after: str) -> Json:
            found = await self._ask(document, order=self._order["id"], after=after)
            return _unchanged(self._order, found["order"])

        await _complete(self._order, name, more)

    async def transactions(self) -> list[Json]:
        found: list[Json] = self._order["transactions"]
        if len(found) < _TRANSACTIONS:
            return found
        ids = await self._part_ids("transactions")
        return await self._with_further(found, ids, "order_transactions", at_once=_TRANSACTIONS)

    async def refunds(self) -> list[Json]:
        ids = [refund["id"] for refund in self._order["refunds"]]
        if len(ids) >= _REFUNDS:
            ids = await self._part_ids("refunds")
        payments = {payment["id"]: payment for payment in self._order["transactions"]}
        refunds: list[Json] = []
        for batch in batched(ids, _REFUNDS_AT_ONCE, strict=False):
            for refund in await self._nodes(batch, "order_refunds"):
                await self._complete_part(refund, "refund", "refundLineItems", "order_refund_lines")
                await self._complete_part(refund, "refund", "refundShippingLines", "order_refund_shipping")
                await self._complete_part(refund, "refund", "orderAdjustments", "order_refund_adjustments")
                await self._complete_part(refund, "refund", "transactions", "order_refund_transactions")
                _name_payments(refund, payments)
                refunds.append(refund)
        return refunds

    async def parcels(self) -> list[Json]:
        if not self._order["fulfillments"]:
            return []
        found = await self._ask("order_parcels", order=self._order["id"])
        parcels: list[Json] = _unchanged(self._order, found["order"])["fulfillments"]
        if len(parcels) >= _PARCELS:
            ids = await self._part_ids("fulfillments")
            parcels = await self._with_further(parcels, ids, "order_further_parcels", at_once=_PARCELS)
        for parcel in parcels:
            await self._complete_part(parcel, "fulfillment", "fulfillmentLineItems", "order_parcel_lines")
        return parcels

    async def _part_ids(self, name: str) -> list[str]:
        """The ids of one of the order's lists, all of them."""
        if self._ids is None:
            found = await self._ask("order_part_ids", order=self._order["id"])
            self._ids = _unchanged(self._order, found["order"])
        ids = [part["id"] for part in self._ids[name]]
        counted = self._ids.get(f"{name}Count")
        if counted and counted["count"] > len(ids):
            problem = f"it has {counted['count']} {name} and lists {len(ids)}"
            raise RefusedError(ErrorCode.SHOPIFY_SHAPE, what="the order", problem=problem)
        return ids

    async def _with_further(self, known: list[Json], ids: list[str], document: str, *, at_once: int) -> list[Json]:
        """The parts with these ids in their order, those that are not known yet read now."""
        nodes = {node["id"]: node for node in known}
        for batch in batched([each for each in ids if each not in nodes], at_once, strict=False):
            nodes |= {node["id"]: node for node in await self._nodes(batch, document)}
        return [nodes[each] for each in ids]

    async def _nodes(self, ids: Sequence[str], document: str) -> list[Json]:
        """The parts with these ids, in one call."""
        nodes: list[Json | None] = (await self._ask(document, ids=list(ids)))["nodes"]
        found = [node for node in nodes if node is not None]
        if len(found) < len(nodes):
            raise TransientError(f"{self._order['id']} changed while it was being read")
        return found

    async def _complete_part(self, part: Json, root: str, name: str, document: str) -> None:
        """All of a connection of a refund or a parcel, which the root field of that name gives."""

        async def more(after: str) -> Json:
            found: Json | None = (await self._ask(document, part=part["id"], after=after))[root]
            if found is None:
                raise TransientError(f"{part['id']} changed while it was being read")
            return found

        await _complete(part, name, more)

    async def _ask(self, document: str, **variables: object) -> Json:
        return await self._admin.run(queries.load(document), variables)


def _unchanged(order: Json, later: Json | None) -> Json:
    """The later part of the answer. Raises TransientError unless it has the same updatedAt as the first part."""
    if later is None or later["updatedAt"] != order["updatedAt"]:
        raise TransientError(f"{order['id']} changed while it was being read")
    return later


async def _complete(owner: Json, name: str, more: Callable[[str], Awaitable[Json]]) -> None:
    """Adds the further pages of a connection to its first one."""
    nodes, page = owner[name]["nodes"], owner[name]["pageInfo"]
    while page["hasNextPage"]:
        found = (await more(page["endCursor"]))[name]
        nodes += found["nodes"]
        page = found["pageInfo"]
    owner[name] = {"nodes": nodes}


def _name_payments(refund: Json, payments: dict[str, Json]) -> None:
    """A refund's transactions as the order has them; one that came in between two calls is none of this state."""
    known = [payments.get(each["id"]) for each in refund["transactions"]["nodes"]]
    if None in known:
        raise TransientError(f"{refund['id']} got a transaction while the order was being read")
    refund["transactions"] = {"nodes": known}
