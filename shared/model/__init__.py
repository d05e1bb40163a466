"""The language between both systems: frozen values, no I/O, no clock, no environment."""

from shared.model.address import Address
from shared.model.money import CurrencyMismatchError, Money, minor_digits, total
from shared.model.order import Buyer, CurrencySide, LineKind, Order, OrderLine, ShippingLine, TaxLine
from shared.model.stock import Item, Level, LevelId, OnHand, Sale, Variant

__all__ = [
    "Address",
    "Buyer",
    "CurrencyMismatchError",
    "CurrencySide",
    "Item",
    "Level",
    "LevelId",
    "LineKind",
    "Money",
    "OnHand",
    "Order",
    "OrderLine",
    "Sale",
    "ShippingLine",
    "TaxLine",
    "Variant",
    "minor_digits",
    "total",
]
