"""A fingerprint of an order's content, to recognise an update that changes nothing."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from shared.model import Address, Buyer, Money, Order, OrderLine, ShippingLine, TaxedCharge, TaxLine


def digest(order: Order) -> str:
    """SHA-256, in hex, over everything in the order but its version.

    Equal amounts (5.0, 5.00) and equal instants (another offset) give equal digests.
    """
    content = json.dumps(_plain(order), default=_plain, separators=(",", ":"))
    return sha256(content.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A value of the model as JSON knows it: amounts as shortest strings, instants in UTC, the rest as lists."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return [getattr(value, name) for name in _FIELDS[type(value)]]


_LEFT_OUT: Final = {(Order, "version"), (OrderLine, "variant_id")}
"""The id of a variant goes when its product is deleted, which changes nothing of the order."""
_FIELDS: Final = {
    kind: tuple(field.name for field in fields(kind) if (kind, field.name) not in _LEFT_OUT)
    for kind in (Order, OrderLine, ShippingLine, TaxedCharge, TaxLine, Money, Buyer, Address)
}
