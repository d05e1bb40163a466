"""Quantities of goods: what F&O holds, and what Shopify shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Item(NamedTuple):
    """An F&O item with its product dimensions, "" where it has none. A SKU identifies all of them together."""

    number: str
    color: str = ""
    configuration: str = ""
    size: str = ""
    style: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ItemHandling:
    """How F&O handles the units of a released item."""

    batches: bool
    serial_numbers: bool
    catch_weight: bool
    inventory_unit: str
    sales_unit: str


@dataclass(frozen=True, slots=True)
class OnHand:
    """What F&O has of an item in a warehouse, in the item's inventory unit. Fields are those of WarehousesOnHandV2."""

    item: Item
    site: str
    warehouse: str
    physical: Decimal
    """OnHandQuantity."""
    reserved: Decimal
    """ReservedOnHandQuantity: part of physical that is promised already."""
    available: Decimal
    """AvailableOnHandQuantity = physical - reserved."""
    incoming: Decimal
    """OrderedQuantity: receipts on order."""
    open_issues: Decimal
    """OnOrderQuantity: demand that is not reserved."""


class LevelId(NamedTuple):
    """What Shopify keeps one figure for: an inventory item at a location."""

    inventory_item: int
    location: int


@dataclass(frozen=True, slots=True)
class Variant:
    """What Shopify sells under a SKU."""

    sku: str
    inventory_item: int
    variant_id: int
    tracked: bool
    """Shopify counts it. The figure of what is not counted cannot be set."""
    bundle: bool
    """It consists of other variants; its figure follows from theirs."""


@dataclass(frozen=True, slots=True)
class Level:
    """What Shopify shows for one item at one location."""

    available: int
    changed_at: datetime
    """By Shopify's clock: the last sale, restock or correction, our own writes too."""


@dataclass(frozen=True, slots=True)
class SoldUnits:
    """What an order that F&O does not have sold of one variant."""

    sku: str
    """As on the order line. The variant may have another SKU since."""
    units: int
    variant_id: int | None = None
    """Shopify's; None where an older release stored the sale."""


@dataclass(frozen=True, slots=True)
class Sale:
    """Units of one inventory item that an order has taken."""

    inventory_item: int
    location: int | None
    """None while Shopify has not assigned one: it may be any."""
    units: int


class OrderedLine(NamedTuple):
    """An order line of goods, in units."""

    line_id: int
    inventory_item: int
    ordered: int
    """With units that were removed or given back since."""
    left: int
    """Without them."""


@dataclass(frozen=True, slots=True)
class OrderedGoods:
    """The goods of an order in Shopify, shipped or not."""

    lines: tuple[OrderedLine, ...] = ()
    located: tuple[Sale, ...] = ()
    """What the fulfilment orders account for. Routing takes a moment, and a cancelled one releases its units."""
