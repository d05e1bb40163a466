"""JSON whose numbers keep every digit: F&O's amounts are JSON numbers, which a float would round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Never

from shared.d365.odata.literals import timestamp


def decode(text: str | bytes) -> Any:
    """Every number, whole or not, as Decimal. Raises ValueError for what is not JSON."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)


def encode(value: Any) -> str:
    """Decimals with all digits, times and days in F&O's form. Raises TypeError for floats and every other type."""
    match value:
        case str():
            return quoted(value)
        case Decimal() if value.is_finite():
            return f"{value:f}"
        case Mapping():
            return "{" + ",".join(f"{quoted(str(key))}:{encode(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(encode, value)) + "]"
        case date():
            return quoted(timestamp(value))
        case int() | None:
            return json.dumps(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no exact form in JSON")


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not a JSON number")
