"""Which fields are sent, and whether the shop's value is the same as F&O's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from shared.model import Metafield, Weight

type Owned = Callable[[str], bool]
"""Whether the field of this name is sent: a key of [products.owners] in the store's file."""

_OWN_NAMESPACE: Final = re.compile(r"^app--\d+")
_GRAMS: Final = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}
_NEGLIGIBLE_GRAMS: Final = Decimal("0.001")
"""Shopify keeps weights as floating-point numbers."""


def owned_fields(once: frozenset[str], *, is_new: bool) -> Owned:
    """What is sent of a product or a variant: all fields of a new one, of others those that are not set only once."""
    return lambda name: is_new or name not in once


def same_weight(one: Weight, other: Weight | None) -> bool:
    if other is None or one.unit != other.unit:
        return False
    return abs(one.value - other.value) * _GRAMS[one.unit] < _NEGLIGIBLE_GRAMS


def same_code(one: str, other: str | None) -> bool:
    """For HS codes: Shopify strips what is no digit."""
    return "".join(filter(str.isdigit, one)) == "".join(filter(str.isdigit, other or ""))


def changed_metafields(wanted: Iterable[Metafield], shown: Sequence[Metafield]) -> tuple[Metafield, ...]:
    """Those that the shop lacks or has with another value."""
    has = {(_plain(each.namespace), each.key): each for each in shown}
    return tuple(
        each
        for each in wanted
        if (now := has.get((_plain(each.namespace), each.key))) is None or not _same_value(each, now)
    )


def _plain(namespace: str) -> str:
    """Shopify writes the app's own namespaces "$app" and "$app:x" as app--123 and app--123--x."""
    if own := _OWN_NAMESPACE.match(namespace):
        rest = namespace[own.end() :].removeprefix("--")
        return f"$app:{rest}" if rest else "$app"
    return namespace


def _same_value(wanted: Metafield, shown: Metafield) -> bool:
    if wanted.value == shown.value:
        return True
    read = _READ.get(wanted.type)
    if read is None:
        return False
    try:
        return bool(read(wanted.value) == read(shown.value))
    except (ValueError, InvalidOperation):
        return False


def _money(text: str) -> tuple[Decimal, str]:
    value: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return Decimal(value["amount"]), value["currency_code"]


_READ: Final[dict[str, Callable[[str], object]]] = {
    "number_decimal": Decimal,
    "number_integer": Decimal,
    "date_time": datetime.fromisoformat,
    "json": json.loads,
    "money": _money,
}
"""Types of metafields whose values can be written in several ways."""
