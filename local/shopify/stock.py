"""Stock movements of an order: sold units are committed until they are shipped or released."""

from local.shopify.model import Level
from local.shopify.order import LineItem
from local.shopify.state import Shop


def commit(shop: Shop, line: LineItem, quantity: int, location_id: int) -> None:
    """Move sold units from available to committed; on hand stays. Oversold items go below zero."""
    _move(shop, line, location_id, available=-quantity, committed=quantity)


def ship(shop: Shop, line: LineItem, quantity: int, location_id: int) -> None:
    """Remove shipped units from committed."""
    _move(shop, line, location_id, committed=-quantity)


def unship(shop: Shop, line: LineItem, quantity: int, location_id: int) -> None:
    """The fulfilment of the units was cancelled: they are on hand again, and still committed."""
    _move(shop, line, location_id, committed=quantity)


def release(shop: Shop, line: LineItem, quantity: int, location_id: int, *, restock: bool) -> None:
    """Remove units from committed that will not be shipped: back to available, or written off."""
    _move(shop, line, location_id, committed=-quantity, available=quantity if restock else 0)


def bring_back(shop: Shop, line: LineItem, quantity: int, location_id: int) -> None:
    """Add returned units to available at the location that they were returned to."""
    _move(shop, line, location_id, available=quantity)


def is_stocked(shop: Shop, line: LineItem, location_id: int) -> bool:
    """Whether the location has the item; lines without a variant have no stock."""
    return line.variant is None or (line.variant.inventory_item_id, location_id) in shop.levels


def _move(shop: Shop, line: LineItem, location_id: int, *, available: int = 0, committed: int = 0) -> None:
    if line.variant is None:
        return
    level = _level(shop, line.variant.inventory_item_id, location_id)
    level.states["available"] = level.quantity("available") + available
    level.states["committed"] = level.quantity("committed") + committed
    level.updated_at = shop.clock()
    line.variant.product.touch(level.updated_at)
    shop.moved_levels[level.item_id, level.location_id] = level


def _level(shop: Shop, item_id: int, location_id: int) -> Level:
    return shop.levels.get((item_id, location_id)) or shop.activate(item_id, location_id)
