"""Inventory in the Admin API: reading variants and available quantities, and setting available quantities."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import batched
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.model import Level, LevelId, ProductStatus, Variant
from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import node_pages, search_time

BATCH: Final = 250
"""Shopify takes at most 250 elements in an input array."""

_LOCATIONS_AT_ONCE: Final = 20
"""More could exceed Shopify's limit of 1,000 points a query."""

_ATTEMPTS: Final = 5
_BUSY_SECONDS: Final = 2.0
# These concern the call as a whole: sending fewer figures would not help.
_WHOLE_CALL: Final = frozenset(
    {"INVALID_NAME", "INVALID_REASON", "INVALID_REFERENCE_DOCUMENT", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
)


_NOT_ON_SALE: Final = frozenset({ProductStatus.DRAFT, ProductStatus.ARCHIVED})
"""A status that Shopify may add is taken for one of products that can be bought."""


class NoLevel(StrEnum):
    """Why Shopify has no available quantity for an item at a location."""

    GONE = "gone"
    NOT_TRACKED = "not tracked"
    NOT_STOCKED = "not stocked"


class ChangedPage(NamedTuple):
    """A page of the levels that changed at each of these locations; `after` is the cursor of the page before it."""

    locations: tuple[int, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A figure to set, if Shopify still has the figure that it was computed from."""

    level: LevelId
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class FigureRejection:
    """Why Shopify rejected a call; it then set none of the figures."""

    index: int | None
    """Of the rejected change in the call; None if Shopify does not name one."""
    stale: bool
    """The figure has changed since it was read."""
    message: str


async def read_variants(admin: QueryRunner) -> list[Variant]:
    """All product variants of the shop, 250 to a call."""
    return [
        Variant(
            sku=(node["sku"] or "").strip(),
            inventory_item=number_of(node["inventoryItem"]["id"]),
            variant_id=number_of(node["id"]),
            tracked=node["inventoryItem"]["tracked"],
            bundle=node["requiresComponents"],
        )
        async for nodes in node_pages(admin, "stock_variants", "productVariants")
        for node in nodes
    ]


async def read_on_sale(admin: QueryRunner, variants: Iterable[int]) -> set[int]:
    """Those of these variants whose products are neither drafts nor archived, 250 to a call.

    It costs 2 points a call; read with each variant of the shop, the status would cost 11 points for every 250.
    """
    on_sale: set[int] = set()
    for batch in batched(variants, BATCH, strict=False):
        ids = [gid_of("ProductVariant", variant) for variant in batch]
        data = await admin.run(queries.load("stock_variant_states"), {"variants": ids})
        on_sale |= {
            variant
            for variant, node in zip(batch, data["nodes"], strict=True)
            if node and node["product"]["status"] not in _NOT_ON_SALE
        }
    return on_sale


async def read_levels(admin: QueryRunner, levels: Sequence[LevelId]) -> dict[LevelId, Level | NoLevel]:
    """The available quantities now, up to 250 levels of one location to a call."""
    shown: dict[LevelId, Level | NoLevel] = {}
    for location in dict.fromkeys(level.location for level in levels):
        items = [level.inventory_item for level in levels if level.location == location]
        for start in range(0, len(items), BATCH):
            batch = items[start : start + BATCH]
            data = await admin.run(
                queries.load("stock_levels"),
                {"items": [gid_of("InventoryItem", item) for item in batch], "location": gid_of("Location", location)},
            )
            for item, node in zip(batch, data["nodes"], strict=True):
                shown[LevelId(item, location)] = _level(node)
    return shown


def pages_of(locations: Sequence[int]) -> list[ChangedPage]:
    """The first page of each of these locations: mostly one call for 20 of them."""
    return [ChangedPage(batch, None) for batch in batched(locations, _LOCATIONS_AT_ONCE, strict=False)]


async def read_changed_levels(
    admin: QueryRunner, pages: Iterable[ChangedPage], *, since: datetime, most: int
) -> tuple[dict[LevelId, Level], list[ChangedPage]]:
    """The levels on these pages that changed at or after the time, whoever changed them, and the pages that are left
    after `most` calls. Items that Shopify does not count are left out, and so are locations that it does not have.
    """
    query = f"updated_at:>={search_time(since)}"
    changed: dict[LevelId, Level] = {}
    left = deque(pages)
    for _ in range(most):
        if not left:
            break
        page = left.popleft()
        ids = [gid_of("Location", location) for location in page.locations]
        variables = {"locations": ids, "query": query, "after": page.after}
        data = await admin.run(queries.load("stock_changed_levels"), variables)
        for location, node in zip(page.locations, data["nodes"], strict=True):
            if not node:
                continue
            found = node["inventoryLevels"]
            for level in found["nodes"]:
                if level["item"]["tracked"]:
                    changed[LevelId(number_of(level["item"]["id"]), location)] = _figure(level)
            if found["pageInfo"]["hasNextPage"]:
                left.append(ChangedPage((location,), found["pageInfo"]["endCursor"]))
    return changed, list(left)


def _level(node: dict[str, Any] | None) -> Level | NoLevel:
    if not node:
        return NoLevel.GONE
    if not node["tracked"]:
        return NoLevel.NOT_TRACKED
    level = node["inventoryLevel"]
    if level is None:
        return NoLevel.NOT_STOCKED
    return _figure(level)


def _figure(level: dict[str, Any]) -> Level:
    [quantity] = level["quantities"]
    return Level(available=quantity["quantity"], changed_at=datetime.fromisoformat(level["updatedAt"]))


async def set_available(
    admin: QueryRunner,
    changes: Sequence[Change],
    *,
    run: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> list[FigureRejection]:
    """Sets all of the figures, or none: then returns the reasons.

    The idempotency key is derived from the run and the changes, so that a repeated call has the same key and any other
    call a key of its own. Raises RefusedError SHOPIFY_REJECTED for an error that concerns the call as a whole, and
    TransientError while Shopify is still executing the same call.
    """
    rows = [
        {
            "inventoryItemId": gid_of("InventoryItem", change.level.inventory_item),
            "locationId": gid_of("Location", change.level.location),
            "quantity": change.after,
            "changeFromQuantity": change.before,
        }
        for change in changes
    ]
    given = {
        "name": "available",
        "reason": "correction",
        "referenceDocumentUri": f"gid://shopify-d365-connector/StockRun/{run}",
        "quantities": rows,
    }
    intent = f"{run} {json.dumps(rows)}"
    failures = 0
    for _ in range(_ATTEMPTS):
        key = str(uuid5(NAMESPACE_URL, f"{intent} {failures}"))
        data = await admin.run(queries.load("stock_set"), {"input": given, "key": key})
        errors = user_errors(data["inventorySetQuantities"])
        codes = {error.code for error in errors}
        if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
            await sleep(_BUSY_SECONDS)
        elif "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" in codes:
            # An earlier call with this key failed, and its answer was lost: only a new key shows why it failed.
            failures += 1
        elif rejected := next((error for error in errors if error.code in _WHOLE_CALL), None):
            raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what="inventorySetQuantities", message=rejected.message)
        else:
            return [_rejection(error) for error in errors]
    raise TransientError("Shopify is still executing an earlier call with the same stock figures")


def _rejection(error: UserError) -> FigureRejection:
    """The index is the first number in a path such as ["input", "quantities", "17", "locationId"]."""
    index = next((int(part) for part in error.field if part.isdecimal()), None)
    return FigureRejection(index, error.code == "CHANGE_FROM_QUANTITY_STALE", error.message)
