"""Which lots of a sales order returned goods are taken back to, and at which whole prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.errors import ErrorCode, RefusedError
from shared.model import FoPrice, FoRow, Money, smallest_unit


@dataclass(frozen=True, slots=True)
class SoldLot:
    """A line of the sales order as F&O has it."""

    lot: str
    """InventoryLotId."""
    line_id: int
    """Of the Shopify order line."""
    product: FoRow
    """ItemNumber and product dimensions."""
    site: str
    warehouse: str
    price: FoPrice
    ordered: Decimal
    returnable: Decimal
    """Invoiced, and not returned."""

    def less(self, units: Decimal | int) -> SoldLot:
        """The same after so many units of it were returned."""
        return replace(self, ordered=self.ordered - units, returnable=self.returnable - units)


@dataclass(frozen=True, slots=True)
class LotBack:
    """Units of one lot at one price."""

    sold: SoldLot
    quantity: int
    price: Money

    @property
    def copied(self) -> Money:
        """Its amount where F&O gives a return line price, discount and price unit of the lot, whatever is sent."""
        exact = self.sold.price._replace(charges=Decimal(0)).amount(self.quantity)
        return Money(exact, self.price.currency).rounded()


def take_back(line_id: int, quantity: int, amount: Money, sold: Sequence[SoldLot]) -> list[LotBack]:
    """The units, lot by lot in F&O's order, worth the amount to the cent. Empty while F&O has not invoiced enough.

    Raises RefusedError RETURN_BEYOND_ORDER where F&O's order has too few of them at all.
    """
    own = [each for each in sold if each.line_id == line_id]
    if sum(each.ordered for each in own) < quantity:
        raise RefusedError(ErrorCode.RETURN_BEYOND_ORDER, line=line_id, quantity=quantity)
    shares: list[tuple[SoldLot, int]] = []
    open_units = quantity
    for each in own:
        units = min(open_units, int(each.returnable))
        if units > 0:
            shares.append((each, units))
            open_units -= units
    if open_units:
        return []
    amounts = amount.split([units for _, units in shares])
    return [
        LotBack(each, number, price)
        for (each, units), its_amount in zip(shares, amounts, strict=True)
        for number, price in whole_prices(its_amount, units)
    ]


def copied_credits(returned: Iterable[LotBack]) -> dict[str, tuple[Money, Money]]:
    """By lot, the least and the most that is credited where F&O copies the lots' prices.

    Whether F&O also copies the charge of a lot is not established.
    """
    credits_: dict[str, tuple[Money, Money]] = {}
    for back in returned:
        nothing = back.price * 0
        charge = Money(abs(back.sold.price.charges), nothing.currency)
        least, most = credits_.get(back.sold.lot, (nothing, nothing))
        credits_[back.sold.lot] = least + back.copied - charge, most + back.copied + charge
    return credits_


def whole_prices(amount: Money, quantity: int) -> list[tuple[int, Money]]:
    """The quantity in at most two parts with a price each that can be paid: 3 for 10.00 is 2 at 3.33 and 1 at 3.34.

    A return order line has no price unit and no discount to put the fraction of a cent in.
    """
    unit = smallest_unit(amount.currency)
    low, dearer = divmod(int(amount.amount / unit), quantity)
    parts = ((quantity - dearer, low), (dearer, low + 1))
    return [(number, Money(price * unit, amount.currency)) for number, price in parts if number]
