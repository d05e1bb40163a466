"""The language between both systems: frozen values, no I/O, no clock, no environment."""

from shared.model.address import Address
from shared.model.money import CurrencyMismatchError, Money, minor_digits, total
from shared.model.order import Buyer, CurrencySide, LineKind, Order, OrderLine, ShippingLine, TaxLine
from shared.model.stock import Item, OnHand

__all__ = [
    "Address",
    "Buyer",
    "CurrencyMismatchError",
    "CurrencySide",
    "Item",
    "LineKind",
    "Money",
    "OnHand",
    "Order",
    "OrderLine",
    "ShippingLine",
    "TaxLine",
    "minor_digits",
    "total",
]
