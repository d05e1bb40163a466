"""Where a line of F&O's sales order differs from what it should be, and which cell of the matrix that is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from shared.mapping.orders.lines import PlannedLine
from shared.model import COMPONENTS, Component, FoLine, FoRow, FoStatus
from shared.rules import ChangeKind

_PRICE_FIELDS: Final = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount")

FOLLOWING: Final = {"DeliveryModeCode": (ChangeKind.DELIVERY_MODE, "mode of delivery")}
"""Fields that follow Shopify while the line is open -> their kind of change, and their name in the journal."""


class Difference(NamedTuple):
    kind: ChangeKind
    status: FoStatus
    """The status by which the rules decide."""
    description: str
    fields: FoRow
    """What is to be sent."""


def kind_of_charge(component: Component) -> ChangeKind | None:
    """What any change of this charge is; None for what buyers buy."""
    if component in COMPONENTS.values():
        return None
    return ChangeKind.SHIPPING if component is Component.SHIPPING else ChangeKind.PRICE


def differences(planned: PlannedLine, line: FoLine) -> Iterator[Difference]:
    """What differs, kind by kind. Where the amounts agree it does not matter from which fields F&O computed its own."""
    record = planned.record
    charge = kind_of_charge(planned.component)
    price_kind = charge or ChangeKind.PRICE
    price_status = closed_status(line) if line.is_invoiced else line.status
    quantity = record["OrderedSalesQuantity"]
    price = {
        name: record[name]
        for name, found in zip(_PRICE_FIELDS, (line.price, line.price_unit, line.discount), strict=True)
        if record[name] != found
    }
    if quantity != line.quantity:
        grows = abs(quantity) > abs(line.quantity)
        kind = charge or (ChangeKind.QUANTITY_UP if grows else ChangeKind.QUANTITY_DOWN)
        status = line.status if abs(quantity) >= abs(line.done) else closed_status(line)
        words = f"quantity {line.quantity.normalize():f} -> {quantity}"
        yield Difference(kind, status, words, {"OrderedSalesQuantity": quantity})
    if _is_priced_otherwise(planned, line):
        words = f"amount {line.amount} -> {planned.amount}"
        yield Difference(price_kind, price_status, words, price or {name: record[name] for name in _PRICE_FIELDS})
    groups = {"SalesTaxGroupCode": line.sales_tax_group, "SalesTaxItemGroupCode": line.item_tax_group}
    taxes = {name: record[name] for name, found in groups.items() if record[name] != found}
    if taxes:
        yield Difference(price_kind, price_status, "other tax groups", taxes)
    for name, (kind, words) in FOLLOWING.items():
        wanted = record.get(name)
        if wanted is not None and wanted != line.fields[name] and line.is_open:
            yield Difference(kind, line.status, f"{words} {wanted}", {name: wanted})


def closed_status(line: FoLine) -> FoStatus:
    """The status of the shipped part of the line."""
    if line.status.is_closed:
        return line.status
    return FoStatus.INVOICED if line.is_invoiced else FoStatus.DELIVERED


def _is_priced_otherwise(planned: PlannedLine, line: FoLine) -> bool:
    """Whether the line's amount differs; where the quantity differs, whether the price of a piece does."""
    record = planned.record
    if record["OrderedSalesQuantity"] == line.quantity:
        return bool(planned.amount.amount != line.amount)
    wanted = (record["SalesPrice"] - record["LineDiscountAmount"]) * line.price_unit
    found = (line.price - line.discount) * record["SalesPriceQuantity"]
    return bool(wanted != found)
