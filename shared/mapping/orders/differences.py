"""Where a line of F&O's sales order differs from what it should be, which cell of the matrix that is for, and whether
Shopify or staff changed it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from shared.mapping.orders.lines import TAX_GROUPS, PlannedLine
from shared.model import COMPONENTS, Component, FoLine, FoRow, FoStatus
from shared.rules import ChangeKind

_CHARGES: Final = "FixedPriceCharges"
PRICE_FIELDS: Final = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", _CHARGES)

FOLLOWING: Final = {"DeliveryModeCode": (ChangeKind.DELIVERY_MODE, "mode of delivery")}
"""Fields that follow Shopify while the line is open -> their kind of change, and their name in the journal."""


class Aspect(StrEnum):
    """What of a line Shopify and staff change apart from each other."""

    QUANTITY = "quantity"
    PRICE = "price"
    DELIVERY = "delivery"


_ASPECTS: Final[Mapping[str, Aspect]] = {
    "OrderedSalesQuantity": Aspect.QUANTITY,
    **dict.fromkeys((*PRICE_FIELDS, *TAX_GROUPS), Aspect.PRICE),
    **dict.fromkeys(FOLLOWING, Aspect.DELIVERY),
}


class Difference(NamedTuple):
    aspect: Aspect
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
    found_price = (line.price, line.price_unit, line.discount, line.charges)
    price = {
        name: value
        for name, found in zip(PRICE_FIELDS, found_price, strict=True)
        if (value := _price_field(record, name)) != found
    }
    if quantity != line.quantity:
        grows = abs(quantity) > abs(line.quantity)
        kind = charge or (ChangeKind.QUANTITY_UP if grows else ChangeKind.QUANTITY_DOWN)
        status = line.status if abs(quantity) >= abs(line.done) else closed_status(line)
        words = f"quantity {line.quantity.normalize():f} -> {quantity}"
        yield Difference(Aspect.QUANTITY, kind, status, words, {"OrderedSalesQuantity": quantity})
    if _is_priced_otherwise(planned, line):
        words = f"amount {line.amount} -> {planned.amount}"
        fields = price or {name: record[name] for name in PRICE_FIELDS if name in record}
        yield Difference(Aspect.PRICE, price_kind, price_status, words, fields)
    groups = zip(TAX_GROUPS, (line.sales_tax_group, line.item_tax_group), strict=True)
    taxes = {name: record[name] for name, found in groups if name in record and record[name] != found}
    if taxes:
        yield Difference(Aspect.PRICE, price_kind, price_status, "other tax groups", taxes)
    for name, (kind, words) in FOLLOWING.items():
        wanted = record.get(name)
        if wanted is not None and wanted != line.fields[name] and line.is_open:
            yield Difference(Aspect.DELIVERY, kind, line.status, f"{words} {wanted}", {name: wanted})


def line_fingerprints(lines: Iterable[PlannedLine]) -> dict[str, str]:
    """The source of each line -> what Shopify says of it, to be stored in the order's link once F&O has it."""
    by_source: defaultdict[str, list[PlannedLine]] = defaultdict(list)
    for line in lines:
        by_source[line.source].append(line)
    return {source: json.dumps(_aspects(its)) for source, its in by_source.items()}


def unchanged_aspects(lines: Iterable[PlannedLine], fingerprints: Mapping[str, str]) -> dict[str, frozenset[Aspect]]:
    """By source, what Shopify says as it did when F&O last got it: where F&O has something else, staff changed it."""
    return {
        source: _equal_aspects(json.loads(now), json.loads(fingerprints[source]))
        for source, now in line_fingerprints(lines).items()
        if source in fingerprints
    }


def quantity_before(source: str, fingerprints: Mapping[str, str]) -> Decimal | None:
    """The units that F&O last got for this source, 0 for one that it never got; None where that is not known."""
    if fingerprints and source not in fingerprints:
        return Decimal(0)
    before = json.loads(fingerprints.get(source) or "{}").get(Aspect.QUANTITY)
    return None if before is None else Decimal(before)


def without_aspects(fingerprint: str, written: Collection[str]) -> str:
    """The fingerprint of a line without what these fields show; without anything where no field is named."""
    known = json.loads(fingerprint or "{}")
    gone = {_ASPECTS[field] for field in written if field in _ASPECTS} if written else set(Aspect)
    return json.dumps({aspect: value for aspect, value in known.items() if aspect not in gone})


def without_aspect(fingerprint: str, aspect: Aspect) -> str:
    """The fingerprint of a line that does not tell this aspect any more."""
    return json.dumps({name: value for name, value in json.loads(fingerprint).items() if name != aspect})


def _aspects(lines: list[PlannedLine]) -> dict[str, str]:
    """Of all lines of one source together: how goods are divided among warehouses is not Shopify's. The lines of one
    charge are divided by its taxes, and that is.
    """
    priced = [lines] if kind_of_charge(lines[0].component) is None else [[line] for line in lines]
    return {
        Aspect.QUANTITY: f"{sum((line.record['OrderedSalesQuantity'] for line in lines), Decimal(0)).normalize():f}",
        Aspect.PRICE: "; ".join(_price(its) for its in priced),
        Aspect.DELIVERY: lines[0].record.get("DeliveryModeCode", ""),
    }


def _price(lines: Sequence[PlannedLine]) -> str:
    amount = sum((line.amount.amount for line in lines), Decimal(0)).normalize()
    return " ".join(str(part) for part in (amount, *(lines[0].record.get(name, "") for name in TAX_GROUPS)))


def _equal_aspects(now: Mapping[str, str], before: Mapping[str, str]) -> frozenset[Aspect]:
    """The price of other units is another one."""
    equal = {aspect for aspect in Aspect if now[aspect] == before.get(aspect)}
    return frozenset(equal if Aspect.QUANTITY in equal else equal - {Aspect.PRICE})


def closed_status(line: FoLine) -> FoStatus:
    """The status of the shipped part of the line."""
    if line.status.is_closed:
        return line.status
    return FoStatus.INVOICED if line.is_invoiced else FoStatus.DELIVERED


def _is_priced_otherwise(planned: PlannedLine, line: FoLine) -> bool:
    """Whether the line's amount differs; where the quantity differs, whether the price of a piece, or the charge."""
    record = planned.record
    if record["OrderedSalesQuantity"] == line.quantity:
        return bool(planned.amount.amount != line.amount)
    wanted = (record["SalesPrice"] - record["LineDiscountAmount"]) * line.price_unit
    found = (line.price - line.discount) * record["SalesPriceQuantity"]
    return bool(wanted != found or _price_field(record, _CHARGES) != line.charges)


def _price_field(record: FoRow, name: str) -> Decimal:
    """A line whose store has no charges for odd cents is to have none."""
    value: Decimal = record.get(name, Decimal(0))
    return value
