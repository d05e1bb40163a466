"""Financial dimensions of an order's documents, as F&O displays them: `[[dimensions]]` of the store.

Return orders have no field for them: F&O takes those of the customer and of the lines that are returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import FoRow, LineKind, Order
from shared.rules import StoreRules

ORDER_FIELD: Final = "DefaultLedgerDimensionDisplayValue"
"""Of the headers and lines of sales orders."""
INVOICE_FIELD: Final = "DefaultDimensionDisplayValue"
"""Of customers, and of the headers and lines of free text invoices."""
JOURNAL_FIELDS: Final = ("DefaultDimensionsForAccountDisplayValue", "DefaultDimensionsForOffsetAccountDisplayValue")
"""Of payment journal lines: the customer's side, and that of a main account."""


def dimensions_of(order: Order, rules: StoreRules, *, sku: str = "") -> str:
    """The display value, by a product line's SKU or, without one, for the whole order. "" when no rule fits."""
    values = _values(order, rules, sku)
    if not values:
        return ""
    delimiter = rules.tenant.account_delimiter
    return delimiter.join(
        values.get(name, "").replace(delimiter, f"\\{delimiter}") for name in rules.tenant.dimension_format
    )


def dimensioned(field: str, order: Order, rules: StoreRules, *, sku: str = "") -> FoRow:
    """The field with the order's dimensions, nothing where no rule fits."""
    value = dimensions_of(order, rules, sku=sku)
    return {field: value} if value else {}


def sku_of(order: Order, source_id: int) -> str:
    """The SKU of the product line with this id, "" for any other source of a line in F&O."""
    return next((line.sku for line in order.lines if line.id == source_id and line.kind is LineKind.PRODUCT), "")


def _values(order: Order, rules: StoreRules, sku: str) -> Mapping[str, str]:
    address = order.destination
    values: dict[str, str] = {}
    for rule in rules.dimensions:
        if rule.dimension not in values and rule.fits(
            channel=order.channel,
            locations={place for place in (order.location_id, order.served_by) if place is not None},
            country=address.country if address is not None else rules.country,
            tags=order.tags,
            sku=sku,
        ):
            values[rule.dimension] = rule.value
    return values
