"""Stock arithmetic: what a warehouse holds of an item, and what an order line has claimed of it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from local.d365.world import Dimensions

ZERO = Decimal(0)


class Bin(NamedTuple):
    """Where stock is counted: one product (by dimensions) in one warehouse of one company."""

    company: str
    item: str
    dimensions: Dimensions
    site: str
    warehouse: str


@dataclass(frozen=True, slots=True)
class Stock:
    """
    A bin's figures. `reserved` and `on_order` are the issue side (promised to orders, and asked for but not
    promised), `ordered` and `reserved_ordered` the receipts underway.
    """

    physical: Decimal = ZERO
    reserved: Decimal = ZERO
    ordered: Decimal = ZERO
    reserved_ordered: Decimal = ZERO
    on_order: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        return self.physical - self.reserved

    @property
    def available_ordered(self) -> Decimal:
        return self.ordered - self.reserved_ordered

    @property
    def total_available(self) -> Decimal:
        """With open receipts, less open issues without a reservation."""
        return self.available + self.available_ordered - self.on_order


@dataclass(frozen=True, slots=True)
class Claim:
    """What one order line holds of one bin; a return's line announces a receipt instead."""

    place: Bin
    reserved: Decimal = ZERO
    on_order: Decimal = ZERO
    receipt: Decimal = ZERO


def claim(stock: Stock, place: Bin, quantity: Decimal, *, reserve: bool) -> tuple[Stock, Claim]:
    """A line takes its quantity: reserved as far as the bin's available stock goes, the shortage on order."""
    if quantity < 0:
        return replace(stock, ordered=stock.ordered - quantity), Claim(place, receipt=-quantity)
    reserved = max(ZERO, min(stock.available, quantity)) if reserve else ZERO
    on_order = quantity - reserved
    taken = replace(stock, reserved=stock.reserved + reserved, on_order=stock.on_order + on_order)
    return taken, Claim(place, reserved, on_order)


def release(stock: Stock, held: Claim) -> Stock:
    """The line gives back all it holds."""
    return replace(
        stock,
        reserved=stock.reserved - held.reserved,
        on_order=stock.on_order - held.on_order,
        ordered=stock.ordered - held.receipt,
    )


def release_part(stock: Stock, held: Claim, quantity: Decimal) -> tuple[Stock, Claim]:
    """The line gives back a part of what it holds, first what is not reserved."""
    if quantity < 0:
        return replace(stock, ordered=stock.ordered + quantity), replace(held, receipt=held.receipt + quantity)
    from_order = min(held.on_order, quantity)
    from_reserved = min(held.reserved, quantity - from_order)
    return (
        replace(stock, on_order=stock.on_order - from_order, reserved=stock.reserved - from_reserved),
        replace(held, on_order=held.on_order - from_order, reserved=held.reserved - from_reserved),
    )


class NotEnoughError(ValueError):
    """The bin does not hold what is to leave it."""


def issue(stock: Stock, held: Claim, quantity: Decimal) -> tuple[Stock, Claim]:
    """
    Goods leave (a negative quantity: come back) and the claim shrinks, its reserved part first. Raises
    NotEnoughError when what is not reserved for the line is not there either.
    """
    if quantity < 0:
        back = -quantity
        grown = replace(stock, physical=stock.physical + back, ordered=stock.ordered - back)
        return grown, replace(held, receipt=held.receipt - back)
    from_reserved = min(held.reserved, quantity)
    unreserved = quantity - from_reserved
    if unreserved > max(ZERO, stock.available):
        raise NotEnoughError(f"{quantity} are to leave, {from_reserved + max(ZERO, stock.available)} can")
    from_order = min(held.on_order, unreserved)
    shrunk = replace(
        stock,
        physical=stock.physical - quantity,
        reserved=stock.reserved - from_reserved,
        on_order=stock.on_order - from_order,
    )
    return shrunk, replace(held, reserved=held.reserved - from_reserved, on_order=held.on_order - from_order)


def move(stock: Stock, change: Decimal) -> Stock:
    """Goods come (a negative change: leave) beside any claim. Raises NotEnoughError when too few are free to leave."""
    if -change > max(ZERO, stock.available):
        raise NotEnoughError(f"{-change} are to leave, {max(ZERO, stock.available)} can")
    return replace(stock, physical=stock.physical + change)
