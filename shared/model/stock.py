"""Quantities of goods: what F&O holds, and what Shopify shows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple


class Item(NamedTuple):
    """An F&O item with its product dimensions, "" where it has none. Together they are what a SKU stands for."""

    number: str
    color: str = ""
    configuration: str = ""
    size: str = ""
    style: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class OnHand:
    """One row of F&O's WarehousesOnHandV2, in the item's inventory unit."""

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
