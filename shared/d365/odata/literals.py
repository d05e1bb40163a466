"""Values in the text of a URL: OData literals and keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_never
from urllib.parse import quote

type ODataLiteral = str | bool | int | Decimal | datetime | date


def literal(value: ODataLiteral) -> str:
    """The value as OData 4 writes it, not yet percent-encoded. Raises ValueError for a time without a zone."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # Leading and trailing blanks stay: " RFI-1" and "RFI-1" are two items.
            return "'" + value.replace("'", "''") + "'"
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case datetime() | date():
            return timestamp(value)
        case _:
            assert_never(value)


def timestamp(value: datetime | date) -> str:
    """A time in UTC, or a day at noon UTC as F&O writes days: no time zone moves noon to another day."""
    if not isinstance(value, datetime):
        return f"{value:%Y-%m-%d}T12:00:00Z"
    if value.tzinfo is None:
        raise ValueError("a time without a time zone is ambiguous")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def keyed(entity_set: str, key: Mapping[str, ODataLiteral]) -> str:
    """The path of one record below /data, percent-encoded: Customers(dataAreaId='nleu',CustomerAccount='O''Hara')."""
    fields = ",".join(f"{name}={quote(literal(value), safe="'")}" for name, value in key.items())
    return f"{entity_set}({fields})"
