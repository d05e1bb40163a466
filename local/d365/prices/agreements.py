"""
F&O's search for the price and the line discount of an order line, among posted trade agreements.

Levels are searched from the narrow to the wide: for this customer (Table), for the customer's group (Group), for all
customers (All); of discounts, each of them for this item, for its discount group, for all items. A level's agreements
are looked at as they were posted. Of prices with *Find next* the lowest counts, of discounts their sum; an agreement
without it ends the search.

Commerce has an engine of its own. Only there, prices of more product dimensions come before those of fewer, and those
of the price group with the highest pricing priority before all others (Microsoft: Retail sales price management).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from local.d365 import edm
from local.d365.edm import NO_DATE, Value, Values

_PRICE_DIMENSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ProductColorId": "ProductColorId",
        "ProductconfigurationId": "ProductConfigurationId",
        "ProductSizeId": "ProductSizeId",
        "ProductStyleId": "ProductStyleId",
        "ProductVersionId": "ProductVersionId",
        "PriceSiteId": "ShippingSiteId",
        "PriceWarehouseId": "ShippingWarehouseId",
    },
)
"""Of SalesPriceAgreements, by the field of an order line that they are compared with."""
_PRODUCT_DIMENSIONS: Final = tuple(name for name in _PRICE_DIMENSIONS if name.startswith("Product"))
_DISCOUNT_DIMENSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ProductColorId": "ProductColorId",
        "ProductConfigurationId": "ProductConfigurationId",
        "ProductSizeId": "ProductSizeId",
        "ProductStyleId": "ProductStyleId",
        "ProductVersionId": "ProductVersionId",
        "DiscountSiteId": "ShippingSiteId",
        "DiscountWarehouseId": "ShippingWarehouseId",
    },
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a price is wanted for. `dimensions` are named as in an order line; a missing one is none."""

    item: str
    unit: str
    currency: str
    quantity: Decimal
    """In `unit`, above zero."""
    day: datetime
    account: str = ""
    price_groups: Mapping[str, int] = field(default_factory=dict)
    """The customer's price group, or several, with their pricing priority."""
    discount_group: str = ""
    item_discount_group: str = ""
    dimensions: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """`price` is for `price_unit` pieces, `charges` are for the line whatever its quantity."""

    price: Decimal
    price_unit: Decimal
    charges: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class FoundDiscount:
    """`amount` is for each piece, `percent` of what remains after it."""

    amount: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)


def find_price(agreements: Iterable[Values], sought: Sought, *, commerce: bool = False) -> FoundPrice | None:
    """None without an agreement. `agreements` of the item come as they were posted."""
    fitting = [
        row
        for row in agreements
        if _same(row["ItemNumber"], sought.item)
        and _same(row["PriceCurrencyCode"], sought.currency)
        and _same(row["QuantityUnitySymbol"], sought.unit)
        and _covers(row, sought, "PriceApplicableFromDate", "PriceApplicableToDate")
        and _fits_dimensions(row, _PRICE_DIMENSIONS, sought)
    ]
    searched = list(_by_customer(fitting, sought))
    if commerce:
        searched = _of_highest_priority(_most_specific(searched), sought)
    best: tuple[Decimal, FoundPrice] | None = None
    for row in searched:
        price, charges = edm.number(row, "Price"), edm.number(row, "FixedPriceCharges")
        found = FoundPrice(price, edm.number(row, "SalesPriceQuantity") or Decimal(1), charges)
        amount = sought.quantity * found.price / found.price_unit + found.charges
        if best is None or amount < best[0]:
            best = amount, found
        if row["WillSearchContinue"] == "No":
            break
    return None if best is None else best[1]


def find_discount(agreements: Iterable[Values], sought: Sought) -> FoundDiscount:
    """All on the way together: amounts and percentages are added, and the second percentage is of the rest."""
    fitting = [
        row
        for row in agreements
        if (row["DiscountAmount"] == 0 or _same(row["DiscountCurrencyCode"], sought.currency))
        and (row["QuantityUnitSymbol"] == "" or _same(row["QuantityUnitSymbol"], sought.unit))
        and _covers(row, sought, "DiscountApplicableFromDate", "DiscountApplicableToDate")
        and _fits_dimensions(row, _DISCOUNT_DIMENSIONS, sought)
    ]
    amount, first, second = Decimal(0), Decimal(0), Decimal(0)
    for row in _by_customer_and_item(fitting, sought):
        amount += edm.number(row, "DiscountAmount")
        first += edm.number(row, "DiscountPercentage1")
        second += edm.number(row, "DiscountPercentage2")
        if row["WillSearchContinue"] == "No":
            break
    left = (100 - first) * (100 - second) / 100
    return FoundDiscount(amount, 100 - left)


def _by_customer(rows: Sequence[Values], sought: Sought) -> Iterator[Values]:
    """Those for the customer, for its price group, for all."""
    groups = {group.casefold() for group in sought.price_groups}
    for_all = [row for row in rows if row["CustomerAccountNumber"] == ""]
    yield from (row for row in rows if sought.account and _same(row["CustomerAccountNumber"], sought.account))
    yield from (row for row in for_all if str(row["PriceCustomerGroupCode"]).casefold() in groups)
    yield from (row for row in for_all if row["PriceCustomerGroupCode"] == "")


def _most_specific(rows: Sequence[Values]) -> list[Values]:
    named = [sum(row[name] != "" for name in _PRODUCT_DIMENSIONS) for row in rows]
    return [row for row, count in zip(rows, named, strict=True) if count == max(named)]


def _of_highest_priority(rows: Sequence[Values], sought: Sought) -> list[Values]:
    """Prices without a group have priority 0, as a group has by itself."""
    of_group = {group.casefold(): priority for group, priority in sought.price_groups.items()}
    priorities = [of_group.get(str(row["PriceCustomerGroupCode"]).casefold(), 0) for row in rows]
    return [row for row, priority in zip(rows, priorities, strict=True) if priority == max(priorities)]


def _by_customer_and_item(rows: Sequence[Values], sought: Sought) -> Iterator[Values]:
    accounts = ((sought.account, ""), ("", sought.discount_group), ("", ""))
    items = ((sought.item, ""), ("", sought.item_discount_group), ("", ""))
    for place, (account, group) in enumerate(accounts):
        if place < 2 and not (account or group):
            continue
        for position, (item, item_group) in enumerate(items):
            if position < 2 and not (item or item_group):
                continue
            wanted = (account, group, item, item_group)
            yield from (row for row in rows if _relation(row) == tuple(each.casefold() for each in wanted))


def _relation(row: Values) -> tuple[str, ...]:
    fields = ("CustomerAccountNumber", "LineDiscountCustomerGroupCode", "ItemNumber", "LineDiscountProductGroupCode")
    return tuple(str(row[name]).casefold() for name in fields)


def _covers(row: Values, sought: Sought, from_field: str, to_field: str) -> bool:
    """Days are inclusive, quantities from the first and below the second; 0 is no limit."""
    starts, ends = edm.moment(row, from_field), edm.moment(row, to_field)
    to = edm.number(row, "ToQuantity")
    return (
        (starts == NO_DATE or starts <= sought.day)
        and (ends == NO_DATE or sought.day <= ends)
        and edm.number(row, "FromQuantity") <= sought.quantity
        and (to == 0 or sought.quantity < to)
    )


def _fits_dimensions(row: Values, fields: Mapping[str, str], sought: Sought) -> bool:
    """An agreement without a dimension holds for all its values."""
    return all(
        row[ours] == "" or _same(row[ours], sought.dimensions.get(theirs, "")) for ours, theirs in fields.items()
    )


def _same(one: Value, other: Value) -> bool:
    return str(one).casefold() == str(other).casefold()
