"""Typed reading of a Shopify REST payload's fields. Each reader refuses what is not of the documented type and form.

Payloads come from `json.loads(body, parse_float=Decimal)`. Readers take the block, the key and the block's JSON path
("" for the order itself), which the refusal names: `line_items[3].price is “abc”, not an amount`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

from shared.errors import ErrorCode, RefusedError
from shared.mapping.bounds import MAX_DECIMALS
from shared.mapping.redaction import is_shown
from shared.mapping.text import lines, one_line, storable
from shared.model import CurrencySide, Money, minor_digits

type Block = Mapping[str, Any]

_MISSING: Final = object()
_SHOWN_LENGTH: Final = 40
_MAX_ID: Final = 2**63 - 1
_MAX_COUNT: Final = 2**31 - 1  # GraphQL's Int; also keeps amount times quantity within Decimal's 28 exact digits
_MAX_RATE: Final = 1000
"""Of a tax, as a percent figure."""
_CURRENCY: Final = re.compile("[A-Z]{3}")
_EARLIEST_YEAR: Final = 2000
_LATEST_YEAR: Final = 2099
_DATE_FORM: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_SIDE_KEYS: Final = {CurrencySide.SHOP: "shop_money", CurrencySide.PRESENTMENT: "presentment_money"}


def refuse(path: str, key: str, value: object, expected: str) -> NoReturn:
    """Raise the refusal that names the field, what it holds and what it should be. Of personal data it gives the type
    only.
    """
    where = f"{path}.{key}" if path else key
    if value is _MISSING:
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"{where} is missing")
    shown = _shown(value) if is_shown(where) else _type_of(value)
    raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"{where} is {shown}, not {expected}")


def _type_of(value: object) -> str:
    match value:
        case str():
            return "a text" if value.strip() else "empty"
        case bool() | dict() | list() | None:
            return _shown(value)
        case _:
            return "a number"


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            return "an object"
        case list():
            return "a list"
        case str():
            return f"“{_shortened(one_line(value))}”"
        case _:
            return _shortened(str(value))


def _shortened(shown: str) -> str:
    return shown if len(shown) <= _SHOWN_LENGTH else f"{shown[:_SHOWN_LENGTH]}…"


def text(block: Block, key: str, path: str) -> str:
    """A text on one line, "" where it is null or absent."""
    return one_line(_optional_text(block, key, path))


def exact_text(block: Block, key: str, path: str) -> str:
    """A text with its inner blanks and line ends, as of a key; "" where it is null or absent."""
    return storable(_optional_text(block, key, path)).strip()


def text_lines(block: Block, key: str, path: str) -> str:
    """A text of several lines without empty ones, as of a note; "" where it is null or absent."""
    return lines(_optional_text(block, key, path))


def _optional_text(block: Block, key: str, path: str) -> str:
    value = block.get(key)
    if value is None:
        return ""
    if type(value) is not str:
        refuse(path, key, value, "text")
    return value


def required_text(block: Block, key: str, path: str) -> str:
    value = block.get(key, _MISSING)
    if type(value) is not str:
        refuse(path, key, value, "text")
    return one_line(value) or refuse(path, key, value, "text")


def identifier(block: Block, key: str, path: str) -> int:
    value = block.get(key, _MISSING)
    if type(value) is not int or not 0 < value <= _MAX_ID:
        refuse(path, key, value, "an id")
    return value


def optional_identifier(block: Block, key: str, path: str) -> int | None:
    return None if block.get(key) is None else identifier(block, key, path)


def count(block: Block, key: str, path: str, *, least: int) -> int:
    value = block.get(key, _MISSING)
    if type(value) is not int or not least <= value <= _MAX_COUNT:
        refuse(path, key, value, f"a whole number of {least} or more")
    return value


def flag(block: Block, key: str, path: str) -> bool:
    value = block.get(key, _MISSING)
    if type(value) is not bool:
        refuse(path, key, value, "true or false")
    return value


def optional_flag(block: Block, key: str, path: str) -> bool:
    """False where it is null or absent: older API versions lack it, or Shopify does not know."""
    return False if block.get(key) is None else flag(block, key, path)


def blocks(block: Block, key: str, path: str) -> list[Block]:
    """A list of objects; it may be empty but not absent."""
    value = block.get(key, _MISSING)
    if type(value) is not list:
        refuse(path, key, value, "a list")
    for position, each in enumerate(value):
        if type(each) is not dict:
            refuse(path, f"{key}[{position}]", each, "an object")
    return value


def optional_block(block: Block, key: str, path: str) -> Block | None:
    value = block.get(key)
    if value is not None and type(value) is not dict:
        refuse(path, key, value, "an object")
    return value


def currency(block: Block, key: str, path: str) -> str:
    value = block.get(key, _MISSING)
    if type(value) is not str or not _CURRENCY.fullmatch(value):
        refuse(path, key, value, "an ISO currency code")
    return value


def rate(block: Block, key: str, path: str) -> Decimal | None:
    """A tax rate as it is shown; None where it is null or absent. A whole one is an int in JSON."""
    value = block.get(key)
    if value is None:
        return None
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or not 0 <= value <= _MAX_RATE or _decimals(value) > MAX_DECIMALS:
        refuse(path, key, value, f"a rate between 0 and {_MAX_RATE}")
    return value


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def coordinate(block: Block, key: str, path: str, *, limit: int) -> float | None:
    """Degrees. The one place where a float is right: it is no amount."""
    value = block.get(key)
    if value is None:
        return None
    if type(value) not in (Decimal, int) or not -limit <= value <= limit:
        refuse(path, key, value, "degrees")
    return float(value)


def moment(block: Block, key: str, path: str) -> datetime:
    """A point in time with its offset. Raises RefusedError DATE_ABSURD outside of the years 2000 to 2099."""
    value = block.get(key, _MISSING)
    if type(value) is not str or not _DATE_FORM.fullmatch(value):
        refuse(path, key, value, "a date and time with an offset")
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        read = None
    if read is None or not _EARLIEST_YEAR <= read.year <= _LATEST_YEAR:
        raise RefusedError(ErrorCode.DATE_ABSURD, field=f"{path}.{key}" if path else key, value=value)
    return read


class Amounts:
    """Reads the amounts of one side of an order, all in one currency.

    An amount is digits with at most as many decimals as its currency has (further zeros do no harm): no exponent,
    no sign but a minus, no NaN. Raises RefusedError NEGATIVE_AMOUNT below zero.
    """

    def __init__(self, side: CurrencySide, currency: str) -> None:
        self.currency = currency
        self.zero = Money(Decimal(0), currency)
        self._side = side
        self._side_key = _SIDE_KEYS[side]
        self._form = _amount_form(minor_digits(currency))

    def required(self, block: Block, key: str, path: str, *, signed: bool = False) -> Money:
        """The amount of `{key}_set`; where that is absent, the bare `key`, which is always in the shop's currency.

        Only a `signed` one may be negative.
        """
        bag_key = f"{key}_set"
        bag = block.get(bag_key)
        if bag is not None:
            return self._of_bag(bag, bag_key, path, signed=signed)
        if self._side is not CurrencySide.SHOP:
            refuse(path, bag_key, block.get(bag_key, _MISSING), "an object")
        amount = self._amount(block, key, path)
        return amount if signed else self._positive(amount, key, path)

    def optional(self, block: Block, bag_key: str, path: str) -> Money:
        """The amount of a set that is null, or absent, where it does not apply: zero then."""
        bag = block.get(bag_key)
        return self.zero if bag is None else self._of_bag(bag, bag_key, path)

    def signed(self, block: Block, bag_key: str, path: str) -> Money:
        """As `optional`, for an amount that may be negative."""
        bag = block.get(bag_key)
        return self.zero if bag is None else self._of_bag(bag, bag_key, path, signed=True)

    def bare(self, block: Block, key: str, path: str) -> Money:
        """An amount without a set, zero where it is null or absent."""
        if block.get(key) is None:
            return self.zero
        return self._positive(self._amount(block, key, path), key, path)

    def _of_bag(self, bag: Any, bag_key: str, path: str, *, signed: bool = False) -> Money:
        if type(bag) is not dict:
            refuse(path, bag_key, bag, "an object")
        side = bag.get(self._side_key, _MISSING)
        if type(side) is not dict:
            refuse(path, f"{bag_key}.{self._side_key}", side, "an object")
        if side.get("currency_code") != self.currency:
            where = f"{bag_key}.{self._side_key}.currency_code"
            refuse(path, where, side.get("currency_code", _MISSING), f"{self.currency} like the order")
        try:
            money = self._money(side["amount"])
        except (KeyError, ValueError):
            where = f"{bag_key}.{self._side_key}.amount"
            refuse(path, where, side.get("amount", _MISSING), f"an amount of {self.currency}")
        return money if signed else self._positive(money, bag_key, path)

    def _amount(self, block: Block, key: str, path: str) -> Money:
        try:
            return self._money(block[key])
        except (KeyError, ValueError):
            refuse(path, key, block.get(key, _MISSING), f"an amount of {self.currency}")

    def _money(self, value: object) -> Money:
        if type(value) is not str or not self._form.fullmatch(value):
            raise ValueError(value)
        return Money(Decimal(value), self.currency)

    def _positive(self, money: Money, key: str, path: str) -> Money:
        if money.amount < 0:
            raise RefusedError(ErrorCode.NEGATIVE_AMOUNT, what=f"{path}.{key}" if path else key, amount=money)
        return money


@cache
def _amount_form(digits: int) -> re.Pattern[str]:
    """At most 15 digits before the point, so that sums stay exact and F&O's fields can hold them."""
    return re.compile(rf"-?[0-9]{{1,15}}(\.(?=[0-9])[0-9]{{0,{digits}}}0{{0,6}})?")
