"""The inventory mutations, with the user errors as recorded from live stores.

Setting `available` moves `on_hand` by the same amount, so a change is reported for both names. One bad row
fails the whole call. A pair that is not stocked at the location is not changed, without an error, as observed
since ITEM_NOT_STOCKED_AT_LOCATION left the schema: activate first.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from local.shopify.catalogue_nodes import InventoryItemNode, LevelNode, LocationNode
from local.shopify.ids import gid
from local.shopify.model import Level
from local.shopify.nodes import Request, error, parse_gid, utc
from local.shopify.user_errors import user_error

REASONS = (
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
)
ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
_LIMIT = 1_000_000_000
_BAD_REASON = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
_BAD_ITEM = "The specified inventory item could not be found."
_BAD_LOCATION = "The specified location could not be found."


@dataclass(frozen=True, slots=True)
class Change:
    level: Level
    name: str
    delta: int
    ledger_document: str | None = None


def set_quantities(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """inventorySetQuantities: absolute figures of `available` or `on_hand`."""
    rows, name = given["quantities"], given["name"]
    _require_change_from(rows, "InventoryQuantityInput")
    problems: list[dict[str, Any]] = []
    if name not in ("available", "on_hand"):
        text = "The quantity name must be either 'available' or 'on_hand'."
        problems.append(user_error(["input", "name"], text, "INVALID_NAME"))
    problems += _check_header(given)
    pairs = Counter((row["inventoryItemId"], row["locationId"]) for row in rows)
    changes = []
    for index, row in enumerate(rows):
        path = ["input", "quantities", str(index)]
        pair, found = _pair(request, row, path)
        problems += found
        problems += _check_quantity(row["quantity"], name, path)
        if pairs[row["inventoryItemId"], row["locationId"]] > 1:
            text = "The combination of inventoryItemId and locationId must be unique."
            code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
            problems.append(user_error([*path, "locationId"], text, code))
        level = request.shop.levels.get(pair)
        if level is None:
            continue
        before = level.quantity(name)
        if row["changeFromQuantity"] not in (None, before):
            text = "The changeFromQuantity value does not match persisted value."
            problems.append(user_error([*path, "changeFromQuantity"], text, "CHANGE_FROM_QUANTITY_STALE"))
        changes.append(Change(level, "available", row["quantity"] - before))
    return _adjust(request, given, changes, problems)


def adjust_quantities(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    """inventoryAdjustQuantities: deltas of one state."""
    rows, name = given["changes"], given["name"]
    _require_change_from(rows, "InventoryChangeInput")
    problems: list[dict[str, Any]] = []
    if name not in ADJUSTABLE:
        text = f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
        problems.append(user_error(["input", "name"], text, "INVALID_QUANTITY_NAME"))
    problems += _check_header(given)
    if len({row.get("ledgerDocumentUri") for row in rows}) > 1:
        text = (
            "All changes must have the same ledger document URI or, in the case of adjusting available, "
            "no ledger document URI."
        )
        problems.append(user_error(["input", "changes"], text, "MAX_ONE_LEDGER_DOCUMENT"))
    changes = []
    for index, row in enumerate(rows):
        path = ["input", "changes", str(index)]
        pair, found = _pair(request, row, path)
        problems += found + _check_ledger(row, name, path)
        level = request.shop.levels.get(pair)
        if level is None:
            continue
        if row["changeFromQuantity"] not in (None, level.quantity(name)):
            text = "The changeFromQuantity argument no longer matches the persisted quantity."
            problems.append(user_error([*path, "changeFromQuantity"], text, "CHANGE_FROM_QUANTITY_STALE"))
        changes.append(Change(level, name, row["delta"], row.get("ledgerDocumentUri")))
    return _adjust(request, given, changes, problems)


def activate(
    request: Request, inventory_item_id: str, location_id: str, available: int | None, on_hand: int | None
) -> dict[str, Any]:
    """inventoryActivate: stock an item at a location. Its user errors have no code."""
    item_id, place_id = parse_gid(inventory_item_id, "InventoryItem"), parse_gid(location_id, "Location")
    location = request.shop.locations.get(place_id)
    if location is None:
        text = "The product couldn't be stocked because the location wasn't found."
        return _not_activated(["locationId"], text)
    if item_id not in request.shop.variant_by_item:
        text = f"The product couldn't be stocked at {location.name} because the product was deleted."
        return _not_activated(["inventoryItemId"], text)
    refusal = f"The product couldn't be stocked at {location.name} because "
    if available is not None and on_hand is not None:
        text = f"{refusal}not allowed to set available and on_hand quantities at the same time."
        return {"inventoryLevel": None, "userErrors": [user_error([f], text) for f in ("available", "onHand")]}
    level = request.shop.levels.get((item_id, place_id))
    if level and available is not None:
        text = "Not allowed to set available quantity when the item is already active at the location."
        return _not_activated(["available"], text, LevelNode(request, level))
    if level and on_hand is not None:
        text = "Not allowed to set an on_hand quantity when the item is already active at the location."
        return _not_activated(["onHand"], text, LevelNode(request, level))
    quantity = available if available is not None else on_hand or 0
    if abs(quantity) > _LIMIT:
        text = f"{refusal}the quantity needs to be between -1 billion and 1 billion."
        return _not_activated(["onHand" if available is None else "available"], text)
    if level is None:
        level = request.shop.activate(item_id, place_id)
        level.states["available"] = quantity
    return {"inventoryLevel": LevelNode(request, level), "userErrors": []}


def _not_activated(field: list[str], message: str, level: LevelNode | None = None) -> dict[str, Any]:
    """The refusal; with the level where the item is active already."""
    return {"inventoryLevel": level, "userErrors": [user_error(field, message)]}


def _require_change_from(rows: list[dict[str, Any]], type_name: str) -> None:
    """The schema leaves changeFromQuantity optional, the API does not: null must be given explicitly."""
    if any("changeFromQuantity" not in row for row in rows):
        text = f"{type_name} must include the following argument: changeFromQuantity."
        raise error(text, "INVALID_FIELD_ARGUMENTS")


def _check_header(given: dict[str, Any]) -> list[dict[str, Any]]:
    problems = []
    if given["reason"] not in REASONS:
        problems.append(user_error(["input", "reason"], _BAD_REASON, "INVALID_REASON"))
    uri = given.get("referenceDocumentUri")
    if uri is not None and "://" not in uri:
        text = "The specified reference document is invalid."
        problems.append(user_error(["input", "referenceDocumentUri"], text, "INVALID_REFERENCE_DOCUMENT"))
    return problems


def _pair(request: Request, row: dict[str, Any], path: list[str]) -> tuple[tuple[int, int], list[dict[str, Any]]]:
    item_id = parse_gid(row["inventoryItemId"], "InventoryItem")
    location_id = parse_gid(row["locationId"], "Location")
    problems = []
    if item_id not in request.shop.variant_by_item:
        problems.append(user_error([*path, "inventoryItemId"], _BAD_ITEM, "INVALID_INVENTORY_ITEM"))
    if location_id not in request.shop.locations:
        problems.append(user_error([*path, "locationId"], _BAD_LOCATION, "INVALID_LOCATION"))
    return (item_id, location_id), problems


def _check_quantity(quantity: int, name: str, path: list[str]) -> list[dict[str, Any]]:
    field = [*path, "quantity"]
    if quantity > _LIMIT:
        text = "The quantity can't be higher than 1,000,000,000."
        return [user_error(field, text, "INVALID_QUANTITY_TOO_HIGH")]
    if name == "on_hand" and quantity < 0:
        return [user_error(field, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    if quantity < -_LIMIT:
        text = "The quantity can't be lower than -1,000,000,000."
        return [user_error(field, text, "INVALID_QUANTITY_TOO_LOW")]
    return []


def _check_ledger(row: dict[str, Any], name: str, path: list[str]) -> list[dict[str, Any]]:
    uri, field = row.get("ledgerDocumentUri"), [*path, "ledgerDocumentUri"]
    if name == "available" and uri is not None:
        text = "A ledger document URI is not allowed when adjusting available."
        return [user_error(field, text, "INVALID_AVAILABLE_DOCUMENT")]
    if name != "available" and uri is None:
        text = "A ledger document URI is required except when adjusting available."
        return [user_error(field, text, "INVALID_QUANTITY_DOCUMENT")]
    if uri is not None and uri.startswith("gid://shopify/"):
        text = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        return [user_error(field, text, "INTERNAL_LEDGER_DOCUMENT")]
    return []


def _adjust(
    request: Request, given: dict[str, Any], changes: list[Change], problems: list[dict[str, Any]]
) -> dict[str, Any]:
    """Apply all changes or none; nothing to change gives no adjustment group."""
    effective = [change for change in changes if change.delta]
    if problems or not effective:
        return {"inventoryAdjustmentGroup": None, "userErrors": problems}
    now = request.shop.clock()
    documents = []
    for change in effective:
        level = change.level
        level.states[change.name] = level.quantity(change.name) + change.delta
        level.updated_at = now
        request.shop.variant_by_item[level.item_id].product.touch(now)
        request.shop.moved_levels[level.item_id, level.location_id] = level
        names = (change.name,) if change.name == "incoming" else (change.name, "on_hand")
        documents += [_change_document(request, change, name) for name in names]
    group = {
        "id": gid("InventoryAdjustmentGroup", request.shop.next_id()),
        "createdAt": utc(now),
        "reason": given["reason"],
        "referenceDocumentUri": given.get("referenceDocumentUri"),
        "changes": documents,
    }
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _change_document(request: Request, change: Change, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "delta": change.delta,
        "quantityAfterChange": None,
        "ledgerDocumentUri": change.ledger_document,
        "item": InventoryItemNode(request, request.shop.variant_by_item[change.level.item_id]),
        "location": LocationNode(request, request.shop.locations[change.level.location_id]),
    }
