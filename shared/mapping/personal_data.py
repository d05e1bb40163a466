"""Personal data that Shopify withholds from an app without access to protected customer data, or has erased.

Missing data are no value: they never book an order without them, and never empty what F&O has.
"""

from __future__ import annotations

from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Address, Buyer, Order


def is_nameless(buyer: Buyer) -> bool:
    """Whether nothing but an id tells who the buyer is."""
    return not (buyer.name or buyer.email or buyer.phone)


def withheld(order: Order, address: Address | None) -> RefusedError | None:
    """The refusal that names what is missing, where the address is withheld: to deliver to, None if Shopify gives none
    at all.
    """
    nameless = order.buyer is not None and is_nameless(order.buyer)
    missing = _missing_of(address, certain=nameless)
    if not missing:
        return None
    if nameless:
        missing = f"{missing} and {BUYER}"
    return RefusedError(ErrorCode.PERSONAL_DATA_WITHHELD, missing=missing)


BUYER: Final = "the buyer's name, e-mail address and phone number"


def _missing_of(address: Address | None, *, certain: bool) -> str:
    """Of an order without any address only a nameless buyer shows that it is withheld."""
    if address is None:
        return "the delivery address" if certain else ""
    parts = (("street", address.street), ("city", address.city), ("postal code", address.postal_code))
    missing = [name for name, value in parts if not value]
    return f"the delivery address's {' and '.join(missing)}" if address.is_withheld else ""
