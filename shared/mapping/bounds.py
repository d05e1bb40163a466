"""How large an order may be. Beyond these bounds it is parked before anything of it is read.

They are far beyond what Shopify's own checkout, admin and apps make (500 lines, 100 attributes), and keep the work on
one order, and the rows that remember it, within what the other orders can wait for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError

MAX_LINES: Final = 2_000
"""Lines of an order, and of its shipping."""
MAX_UNITS: Final = 1_000_000
"""Units of one line."""
MAX_PROPERTIES: Final = 5_000
"""Attributes of the order and properties of its lines, together."""
MAX_PARTS: Final = 20_000
"""Taxes, discounts and duties of lines, and lines of refunds and parcels, together."""
MAX_DECIMALS: Final = 30
"""Decimals of a tax rate. A float has 17; an exponent of a billion would be written out with as many zeros."""

_NO_QUANTITY: Final = 2**31
_OF_A_LINE: Final = ("tax_lines", "discount_allocations", "duties")
_OF_A_REFUND: Final = ("refund_line_items", "order_adjustments", "refund_shipping_lines", "transactions", "duties")


def refuse_beyond_bounds(payload: Mapping[str, Any]) -> None:
    """Raises RefusedError ORDER_TOO_LARGE. What is not of the documented type counts nothing: its reader refuses it."""
    lines, shipping = list(_blocks(payload, "line_items")), list(_blocks(payload, "shipping_lines"))
    refunds, parcels = list(_blocks(payload, "refunds")), list(_blocks(payload, "fulfillments"))
    _refuse(max(len(lines), len(shipping)), MAX_LINES, "lines")
    _refuse(max(map(_units, lines), default=0), MAX_UNITS, "units of one line")
    properties = _count(payload, "note_attributes") + sum(_count(line, "properties") for line in lines)
    _refuse(properties, MAX_PROPERTIES, "attributes and line properties")
    parts = len(refunds) + len(parcels)
    parts += sum(_count(line, name) for line in (*lines, *shipping) for name in _OF_A_LINE)
    parts += sum(_count(refund, name) for refund in refunds for name in _OF_A_REFUND)
    parts += sum(_count(parcel, "line_items") for parcel in parcels)
    _refuse(parts, MAX_PARTS, "taxes, discounts, refunds and parcels")


def _refuse(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise RefusedError(ErrorCode.ORDER_TOO_LARGE, count=count, limit=limit, what=what)


def _blocks(block: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    found = block.get(key)
    return (each for each in found if isinstance(each, dict)) if isinstance(found, list) else iter(())


def _count(block: Mapping[str, Any], key: str) -> int:
    found = block.get(key)
    return len(found) if isinstance(found, list) else 0


def _units(line: Mapping[str, Any]) -> int:
    """Of a number that can be a quantity in Shopify."""
    quantity = line.get("quantity")
    return quantity if type(quantity) is int and quantity < _NO_QUANTITY else 0
