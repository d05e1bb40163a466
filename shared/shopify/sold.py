"""Units that orders have taken from stock, and from which location."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Final

from shared.model import OrderedGoods, OrderedLine, Sale
from shared.shopify import queries
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import all_nodes, node_pages, search_time

_AT_ONCE: Final = 5
"""Orders to a call: more could exceed Shopify's limit of 1,000 points a query."""

_TIMES_AT_ONCE: Final = 250
"""Shopify takes at most 250 elements in an input array."""

type _Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderHead:
    """When an order was created, changed and cancelled, by Shopify's clock, and whether anything is left of it."""

    id: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    has_goods: bool
    """Something that was ordered is neither removed nor given back. Tips and gift cards do not count."""

    @property
    def ended_at(self) -> datetime | None:
        """When it was cancelled or its last goods went, or somewhat later; None for one with goods."""
        return self.cancelled_at or (None if self.has_goods else self.updated_at)


async def read_orders_since(admin: QueryRunner, moment: datetime) -> list[OrderHead]:
    """The orders created at or after the moment, oldest first, cancelled and fulfilled ones included.

    Shopify's search lags behind the shop by some seconds, so that the newest orders may be missing.
    """
    return await _search(admin, f"created_at:>={search_time(moment)}", "CREATED_AT")


async def read_changed_orders(admin: QueryRunner, moment: datetime) -> list[OrderHead]:
    """The orders changed at or after the moment, new ones too. One that changes while the pages are read may come
    twice. The search lags as above.
    """
    return await _search(admin, f"updated_at:>={search_time(moment)}", "UPDATED_AT")


async def _search(admin: QueryRunner, query: str, sort: str) -> list[OrderHead]:
    pages = node_pages(admin, "stock_orders", "orders", query=query, sort=sort)
    return [_head(node) async for nodes in pages for node in nodes]


async def read_order_heads(admin: QueryRunner, orders: Collection[int]) -> list[OrderHead]:
    """The heads of these orders, without those that Shopify does not show: deleted, or too old for the app's scopes."""
    heads: list[OrderHead] = []
    for batch in batched(orders, _TIMES_AT_ONCE, strict=False):
        ids = [gid_of("Order", order) for order in batch]
        data = await admin.run(queries.load("stock_order_times"), {"orders": ids})
        heads += [_head(node) for node in data["nodes"] if node]
    return heads


def _head(node: _Node) -> OrderHead:
    return OrderHead(
        id=number_of(node["id"]),
        created_at=datetime.fromisoformat(node["createdAt"]),
        updated_at=datetime.fromisoformat(node["updatedAt"]),
        cancelled_at=datetime.fromisoformat(node["cancelledAt"]) if node["cancelledAt"] else None,
        has_goods=node["currentSubtotalLineItemsQuantity"] > 0,
    )


async def read_goods(admin: QueryRunner, orders: Sequence[int]) -> dict[int, OrderedGoods]:
    """The goods of each order; none of one that Shopify does not show."""
    goods: dict[int, OrderedGoods] = {}
    for batch in batched(orders, _AT_ONCE, strict=False):
        ids = [gid_of("Order", order) for order in batch]
        data = await admin.run(queries.load("stock_order_units"), {"orders": ids})
        for order, node in zip(batch, data["nodes"], strict=True):
            goods[order] = await _goods(admin, node) if node else OrderedGoods()
    return goods


async def _goods(admin: QueryRunner, order: _Node) -> OrderedGoods:
    lines = _lines(await all_nodes(admin, order, "lineItems", "order", "stock_order_lines"))
    located: list[Sale] = []
    for part in await all_nodes(admin, order, "fulfillmentOrders", "order", "stock_fulfillment_orders"):
        if part["status"] != "CANCELLED":
            units = await all_nodes(admin, part, "lineItems", "fulfillmentOrder", "stock_fulfillment_lines")
            located += _located(part, units)
    return OrderedGoods(tuple(lines), tuple(located))


def _located(part: _Node, lines: Iterable[_Node]) -> Iterable[Sale]:
    place = part["assignedLocation"]["location"]
    location = number_of(place["id"]) if place else None
    for line in lines:
        units = line["totalQuantity"]
        if part["status"] == "CLOSED":  # after a cancelled fulfilment, what remains of it is in a new one
            units -= line["remainingQuantity"]
        if line["inventoryItemId"] is not None and units > 0:
            yield Sale(number_of(line["inventoryItemId"]), location, units)


def _lines(lines: Iterable[_Node]) -> Iterable[OrderedLine]:
    """Lines without a variant take no stock."""
    for line in lines:
        if line["variant"] is not None:
            item = number_of(line["variant"]["inventoryItem"]["id"])
            yield OrderedLine(number_of(line["id"]), item, line["quantity"], line["currentQuantity"])
