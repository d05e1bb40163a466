"""A sales order as F&O has it now, against which changes are planned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

type FoRow = dict[str, Any]
"""A record of F&O's OData, field by field. A field without a value is left out: "" would suppress F&O's default."""


class FoStatus(StrEnum):
    """How far a sales order, or a line of it, has come in F&O."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    PICKED = "picked"
    PARTLY_DELIVERED = "partly_delivered"
    DELIVERED = "delivered"
    INVOICED = "invoiced"
    CANCELLED = "cancelled"

    @property
    def is_closed(self) -> bool:
        """Whether F&O takes no change of it any more."""
        return self in (FoStatus.INVOICED, FoStatus.CANCELLED)

    @property
    def hides_work(self) -> bool:
        """Whether the warehouse may work on it, with warehouse management: F&O's status does not show it."""
        return self in (FoStatus.OPEN, FoStatus.CONFIRMED, FoStatus.PARTLY_DELIVERED)


class FoPrice(NamedTuple):
    """What F&O computes the amount of a sales line from."""

    price: Decimal
    unit: Decimal
    """The pieces that price and discount are for."""
    discount: Decimal
    charges: Decimal = Decimal(0)
    """Of the line, whatever its quantity."""

    def amount(self, quantity: Decimal | int) -> Decimal:
        """F&O rounds it."""
        return quantity * (self.price - self.discount) / self.unit + self.charges


@dataclass(frozen=True, slots=True)
class FoHeader:
    number: str
    status: FoStatus
    is_held: bool
    """IsSalesProcessingStopped: it cannot be confirmed, picked, delivered or invoiced."""
    fields: Mapping[str, Any]
    """The fields of SalesOrderHeadersV4 that follow Shopify."""


@dataclass(frozen=True, slots=True)
class FoLine:
    order: str
    """The number of its sales order."""
    lot: str
    """InventoryLotId, F&O's key of the line."""
    number: Decimal
    """LineNumber."""
    item: str
    external: str
    """ExternalItemNumber: Shopify's id, unless F&O derived it anew from the customer's own item numbers."""
    description: str
    warehouse: str
    quantity: Decimal
    """Ordered; below zero for what is taken back."""
    remaining: Decimal
    """Of the quantity, what is still to be delivered."""
    to_invoice: Decimal
    """Delivered and not invoiced."""
    price: Decimal
    price_unit: Decimal
    """The pieces that price and discount are for."""
    discount: Decimal
    charges: Decimal
    """Of the line, whatever its quantity: FixedPriceCharges."""
    amount: Decimal
    """LineAmount, as F&O computed it."""
    sales_tax_group: str
    item_tax_group: str
    fields: Mapping[str, Any]
    """The line's fields of SalesOrderLinesV3 that are read, those above included."""
    status: FoStatus
    """The line's own status where it is closed, else its order's."""

    @property
    def done(self) -> Decimal:
        """What is not open any more: delivered, or given up in F&O."""
        return self.quantity - self.remaining

    @property
    def is_open(self) -> bool:
        return self.remaining != 0

    def without(self, units: Decimal) -> FoLine:
        """The line as if so many units, which are given up, had never been ordered. Its amount is exact, which
        F&O would round.
        """
        quantity = self.quantity - units
        price = FoPrice(self.price, self.price_unit, self.discount, self.charges)
        return replace(self, quantity=quantity, amount=price.amount(quantity))

    @property
    def is_invoiced(self) -> bool:
        """Whether any of it is invoiced, so that its price cannot change."""
        return self.status is FoStatus.INVOICED or self.done != self.to_invoice


@dataclass(frozen=True, slots=True)
class FoOrder:
    """What one Shopify order is in F&O: its sales order, and those that later additions had to go into."""

    headers: tuple[FoHeader, ...]
    """The order's own first."""
    lines: tuple[FoLine, ...]

    @property
    def number(self) -> str:
        return self.headers[0].number

    @property
    def status(self) -> FoStatus:
        return self.headers[0].status

    def header(self, number: str) -> FoHeader:
        return next(header for header in self.headers if header.number == number)

    def in_warehouse(self, lots: Collection[str]) -> FoOrder:
        """The same with these lines, and the sales orders that they are of, as picked: there is work for them."""
        orders = {line.order for line in self.lines if line.lot in lots}
        return FoOrder(
            headers=tuple(
                replace(header, status=FoStatus.PICKED)
                if header.number in orders and header.status.hides_work
                else header
                for header in self.headers
            ),
            lines=tuple(
                replace(line, status=FoStatus.PICKED) if line.lot in lots and line.status.hides_work else line
                for line in self.lines
            ),
        )
