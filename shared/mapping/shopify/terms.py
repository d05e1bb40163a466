"""The terms of an order that its refunds and payments are read by."""

from __future__ import annotations

from dataclasses import dataclass

from shared.mapping.shopify.fields import Amounts, Block, currency, flag, optional_flag
from shared.model import CurrencySide


@dataclass(frozen=True, slots=True)
class Terms:
    """In which currencies an order's amounts are, and what its prices hold."""

    booked: Amounts
    """The side that F&O gets."""
    presented: Amounts
    """The side that the buyer sees."""
    shop_currency: str
    taxes_included: bool
    duties_included: bool

    @property
    def two_currencies(self) -> bool:
        return self.booked.currency != self.presented.currency


def read_terms(payload: Block, side: CurrencySide) -> Terms:
    """Raises RefusedError NOT_AN_ORDER. Where presentment_currency is absent it is the shop's."""
    shop = currency(payload, "currency", "")
    presentment = shop if payload.get("presentment_currency") is None else currency(payload, "presentment_currency", "")
    presented = Amounts(CurrencySide.PRESENTMENT, presentment)
    return Terms(
        booked=presented if side is CurrencySide.PRESENTMENT else Amounts(CurrencySide.SHOP, shop),
        presented=presented,
        shop_currency=shop,
        taxes_included=flag(payload, "taxes_included", ""),
        duties_included=optional_flag(payload, "duties_included", ""),
    )
