"""OData values: what a field holds, how it is read from JSON and written back, exactly."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from local.d365.csdl import Property

type Value = str | int | bool | Decimal | datetime | None
type Values = Mapping[str, Value]

NO_DATE = datetime(1900, 1, 1, 12, tzinfo=UTC)
"""F&O writes 1900-01-01 at noon UTC for a date that is not set."""
NO_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INT_RANGES = {"Edm.Int32": 2**31, "Edm.Int64": 2**63}


class TypeMismatchError(ValueError):
    """A value does not fit the field's type; the text gives both."""


def default(prop: Property) -> Value:
    """
    What F&O writes for a field that was not set: "" for text, 0, 1900-01-01, the enumeration's member of value 0, and
    null for an enumeration that has none (time zones).
    """
    if prop.enum is not None:
        return next((name for name, value in prop.enum.members.items() if value == 0), None)
    match prop.type:
        case "Edm.Decimal" | "Edm.Double":
            return Decimal(0)
        case "Edm.Int32" | "Edm.Int64":
            return 0
        case "Edm.Boolean":
            return False
        case "Edm.Guid":
            return str(UUID(int=0))
        case "Edm.DateTimeOffset":
            return NO_DATE if prop.is_date_only else NO_MOMENT
        case _:
            return ""


def read(prop: Property, raw: Any) -> Value:
    """
    A JSON value (numbers with a fraction already Decimal) as the field holds it. Raises TypeMismatchError: numbers
    must be JSON numbers, enumerations member names, and only nullable fields take null (text then becomes "").
    """
    if raw is None:
        if not prop.nullable:
            raise TypeMismatchError(f"null for '{prop.name}', which is not nullable")
        return None if prop.enum is not None else default(prop)
    if prop.enum is not None:
        if not isinstance(raw, str) or raw not in prop.enum.members:
            raise TypeMismatchError(f"the value '{raw}' is not a member of '{prop.enum.name}'")
        return raw
    match prop.type:
        case "Edm.Decimal" | "Edm.Double" if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
            return Decimal(raw)
        case "Edm.Int32" | "Edm.Int64" if isinstance(raw, int) and not isinstance(raw, bool):
            if -_INT_RANGES[prop.type] <= raw < _INT_RANGES[prop.type]:
                return raw
        case "Edm.Boolean" if isinstance(raw, bool):
            return raw
        case "Edm.DateTimeOffset" if isinstance(raw, str):
            return as_kept(prop, parse_moment(raw))
        case "Edm.Guid" if isinstance(raw, str):
            return _guid(raw)
        case "Edm.Binary" if isinstance(raw, str):
            return _base64(raw)
        case "Edm.String" if isinstance(raw, str):
            return raw
    raise TypeMismatchError(f"cannot convert the JSON value {raw!r} of '{prop.name}' to '{prop.type}'")


def parse_moment(text: str) -> datetime:
    """A moment with its offset, or a bare day (F&O takes `2026-07-23` for a date and answers noon UTC)."""
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time(12), UTC)
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise TypeMismatchError(f"'{text}' is no date: {error}") from error
    raise TypeMismatchError(f"'{text}' is neither a day nor a moment with its offset")


def day(moment: datetime) -> datetime:
    """The day of a moment, as F&O writes days: noon UTC."""
    return moment.replace(hour=12, minute=0, second=0, microsecond=0)


def as_kept(prop: Property, moment: datetime) -> datetime:
    """The moment as the field keeps it: whole seconds, and noon UTC for a day."""
    return day(moment) if prop.is_date_only else moment.replace(microsecond=0)


def _guid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise TypeMismatchError(f"'{text}' is no guid") from error


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise TypeMismatchError(f"'{text}' is not base64") from error
    return text


def number(values: Values, name: str) -> Decimal:
    """The field's amount; the schema types it as a decimal."""
    value = values[name]
    assert isinstance(value, Decimal)
    return value


def moment(values: Values, name: str) -> datetime:
    """The field's day or moment; the schema types it as one."""
    value = values[name]
    assert isinstance(value, datetime)
    return value


def decimal_text(value: Decimal) -> str:
    """The number without exponent or trailing zeros, as F&O writes amounts: 389.45, 150, 0."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def loads(text: str | bytes) -> Any:
    """JSON with exact decimals. Raises ValueError on bad JSON, NaN and Infinity."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=refuse)


_encode = json.JSONEncoder(ensure_ascii=False).encode


def dumps(value: Any) -> str:
    """JSON with exact decimals and UTC moments. The standard library's encoder can write a Decimal only as text."""
    match value:
        case str():
            return _encode(value)
        case Decimal():
            return decimal_text(value)
        case datetime():
            return f'"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"'
        case dict():
            return "{" + ",".join(f"{_encode(name)}:{dumps(item)}" for name, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(dumps(item) for item in value) + "]"
        case _:
            return _encode(value)
