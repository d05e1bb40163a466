"""Bringing a sales order into F&O once, whatever happened at the attempts before.

Two ways, by what the company's number sequence allows:

- create_numbered: the number is ours, so header and lines go in one atomic change set, in one request. Whoever comes
  second finds the number taken, and adopts the order.
- create_sequenced: F&O draws the number. The header is created held, found again by our reference, given its lines if
  it has none, all in one change set, and released last. A crash after any step leaves an order that the next attempt
  completes. Lines that are there stay: they may be divided among the warehouses otherwise than they would be now.

Both end in the same state however often they run. After OutcomeUnknownError just run them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from shared.d365.entities import READ, SALES_ORDER_LINES, SALES_ORDERS
from shared.d365.odata.answers import Row
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import eq
from shared.errors import ErrorCode, RefusedError

type LineKey = Decimal | str

_NUMBER: Final = "SalesOrderNumber"
_REFERENCE: Final = "CustomersOrderReference"
_HELD: Final = "IsSalesProcessingStopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A sales order as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the order: CustomersOrderReference."""
    header: Row
    """SalesOrderHeadersV4, without the three fields that this module fills: company, number, reference."""
    lines: Sequence[Row]
    """SalesOrderLinesV3, each with its line key."""
    line_key: str
    """The field that tells our lines apart and stays as we set it: LineNumber or ExternalItemNumber."""
    held: bool = False
    """Whether it is to be held in F&O when it is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrder:
    """A sales order as F&O has it."""

    number: str
    created: bool
    """By this call; False when it was there and is adopted."""
    lots: dict[LineKey, str]
    """InventoryLotId, F&O's key of a line, by our line key."""
    held: bool
    """In F&O, by whomever."""
    booked: tuple[Row, ...]
    """The lines as F&O keeps them (entities.READ), above all LineAmount: quantity x price less discounts."""


async def create_numbered(client: ODataClient, draft: Draft, number: str) -> SalesOrder:
    """Creates the order under our own number, or adopts the one that a former attempt created.

    Raises RefusedError FO_FOREIGN_ORDER when somebody else uses the number, and whatever F&O refuses.
    """
    try:
        rows = await client.change_set(
            [
                Operation("POST", SALES_ORDERS, body={**_header(draft), _NUMBER: number}),
                *(_new_line(draft, number, line) for line in draft.lines),
            ]
        )
    except RefusedError:
        # F&O says "already exists" in the language of its user, so the order is looked for after any refusal.
        order = await find_by_number(client, draft, number)
        if order is None:
            raise
        return order
    return _order(draft, number, rows[1:], created=True, held=draft.held)


async def find_by_number(client: ODataClient, draft: Draft, number: str) -> SalesOrder | None:
    """Our order under this number. Raises RefusedError FO_FOREIGN_ORDER when it has another reference."""
    header = await client.get(SALES_ORDERS, {"dataAreaId": draft.company, _NUMBER: number})
    if header is None:
        return None
    if header[_REFERENCE] != draft.reference:
        raise RefusedError(
            ErrorCode.FO_FOREIGN_ORDER, number=number, found=header[_REFERENCE], reference=draft.reference
        )
    lines = await _lines(client, draft, number)
    return _order(draft, number, lines, created=False, held=header[_HELD] == "Yes")


async def create_sequenced(client: ODataClient, draft: Draft, *, accept: Callable[[SalesOrder], bool]) -> SalesOrder:
    """Creates the order under a number that F&O draws, or completes the one that a former attempt began.

    `accept` sees the whole order before it is released, and tells whether it may be; it stays held too when `accept`
    raises since F&O did not book what was sent. An order that is released already is complete: what people did to it
    since is theirs.
    Raises RefusedError FO_DUPLICATE for several orders with our reference.
    """
    found = await _with_reference(client, draft)
    if len(found) > 1:
        numbers = ", ".join(header[_NUMBER] for header in found)
        raise RefusedError(ErrorCode.FO_DUPLICATE, count=len(found), reference=draft.reference, numbers=numbers)
    header = found[0] if found else await client.create(SALES_ORDERS, {**_header(draft), _HELD: "Yes"})
    number = header[_NUMBER]
    lines = await _lines(client, draft, number) if found else []
    if not lines and header[_HELD] == "Yes":
        lines = await client.change_set([_new_line(draft, number, line) for line in draft.lines])
    held = header[_HELD] == "Yes"
    order = _order(draft, number, lines, created=not found, held=held)
    if not held or not accept(order) or draft.held:
        return order
    await client.update(SALES_ORDERS, {"dataAreaId": draft.company, _NUMBER: number}, {_HELD: "No"})
    return replace(order, held=False)


async def hold(client: ODataClient, company: str, number: str) -> None:
    """Keeps F&O's batch jobs from the order, until somebody releases it."""
    await client.update(SALES_ORDERS, {"dataAreaId": company, _NUMBER: number}, {_HELD: "Yes"})


async def _with_reference(client: ODataClient, draft: Draft) -> list[Row]:
    return await _exactly(client, SALES_ORDERS, draft.company, _REFERENCE, draft.reference)


async def _lines(client: ODataClient, draft: Draft, number: str) -> list[Row]:
    return await _exactly(client, SALES_ORDER_LINES, draft.company, _NUMBER, number)


async def _exactly(client: ODataClient, entity_set: str, company: str, field: str, value: str) -> list[Row]:
    """Rows whose field has exactly this text: F&O's own comparison knows wildcards and no case."""
    select = (*READ[entity_set], field)
    rows = await client.query(entity_set, company=company, where=eq(field, value), select=select)
    return [row for row in rows if row[field] == value]


def _header(draft: Draft) -> Row:
    held = {_HELD: "Yes"} if draft.held else {}
    return {**draft.header, **held, "dataAreaId": draft.company, _REFERENCE: draft.reference}


def _new_line(draft: Draft, number: str, line: Row) -> Operation:
    return Operation("POST", SALES_ORDER_LINES, body={**line, "dataAreaId": draft.company, _NUMBER: number})


def _order(draft: Draft, number: str, rows: Sequence[Row], *, created: bool, held: bool) -> SalesOrder:
    return SalesOrder(
        number=number,
        created=created,
        held=held,
        lots={row[draft.line_key]: row["InventoryLotId"] for row in rows},
        booked=tuple(rows),
    )
