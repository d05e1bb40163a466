"""Holds of sales orders that F&O has by itself: the flag *Do not process*, and those of credit management."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.d365.entities import CREDIT_HOLDS, READ
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, all_of, chunks, eq, since
from shared.d365.order_changes import read_header
from shared.model.fo_order import FoRow


@dataclass(frozen=True, slots=True)
class HoldChange:
    """A sales order that credit management took or let go."""

    sales_order: str
    is_held: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class FoHolds:
    """What holds the sales orders of one order in F&O. Of orders that are closed nothing counts."""

    is_stopped: bool
    """Whether any of them has the flag, whoever set it."""
    is_in_credit_control: bool


async def credit_holds_since(client: ODataClient, company: str, moment: datetime) -> list[HoldChange]:
    """The sales orders that credit management took or let go since the moment. Raises what the client does."""
    rows = await _credit_rows(client, company, since("SysModifiedDateTime", moment))
    return [
        HoldChange(row["SalesId"], row["Active"] == "Yes", datetime.fromisoformat(row["SysModifiedDateTime"]))
        for row in rows
    ]


async def read_fo_holds(client: ODataClient, company: str, numbers: Sequence[str], *, credit: bool) -> FoHolds:
    """As they are now. Credit management is read only where `credit` asks for it.

    Raises what the client does, and RefusedError FO_STATUS_UNKNOWN.
    """
    headers = await asyncio.gather(*(read_header(client, company, number) for number in numbers))
    alive = [header for header in headers if header is not None and not header.status.is_closed]
    controlled = await _in_credit_control(client, company, {each.number for each in alive}) if credit else False
    return FoHolds(any(header.is_held for header in alive), controlled)


async def _in_credit_control(client: ODataClient, company: str, numbers: Collection[str]) -> bool:
    found = await asyncio.gather(
        *(_credit_rows(client, company, where) for where in chunks("SalesId", sorted(numbers)))
    )
    return any(row["SalesId"] in numbers and row["Active"] == "Yes" for rows in found for row in rows)


async def _credit_rows(client: ODataClient, company: str, where: Filter) -> list[FoRow]:
    """The set has rows of all companies, by a field of its own."""
    rows = await client.query(
        CREDIT_HOLDS, company=company, where=all_of(eq("Company", company), where), select=READ[CREDIT_HOLDS]
    )
    return [row for row in rows if row["Company"].casefold() == company.casefold()]
