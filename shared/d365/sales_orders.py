"""Creating a sales order in F&O exactly once, whatever happened in earlier attempts.

Two ways, depending on what the company's number sequence does with a number that it is given:

- create_numbered: F&O keeps it. We choose the number, so header and lines are written in one atomic change set, in one
  request. A second attempt finds the order by our reference, or the number taken, and adopts the order. If F&O gives
  the header another number after all, nothing stays written.
- create_sequenced: F&O draws the number. The header is created held and can be found by our reference; its lines are
  created in one change set if it has none; it is released last. A crash after any step leaves an order that the next
  attempt completes. Lines that F&O has are kept: they may be divided among the warehouses differently than they would
  be now.

An order of more lines than F&O writes in time is held too while its lines are created, in as many change sets as it
takes. Each writes as many lines as one may, so an order that was cut off has a multiple of that.

All end in the same state however often they run. After OutcomeUnknownError just run them again; where lines follow the
header, once F&O has surely finished: it takes the same line twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import batched
from typing import Final, Literal

from shared.d365 import documents
from shared.d365.documents import (
    DocumentType,
    create_lines,
    create_with_number,
    find_header,
    find_or_create_header,
    read_lines,
)
from shared.d365.entities import SALES_ORDER_LINES, SALES_ORDERS
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.errors import ErrorCode, RefusedError
from shared.model.fo_order import FoRow

type LineKey = Decimal | str

_HELD: Final = "IsSalesProcessingStopped"
_TYPE: Final = DocumentType(
    plural="sales orders",
    headers=SALES_ORDERS,
    lines=SALES_ORDER_LINES,
    number="SalesOrderNumber",
    header_number="SalesOrderNumber",
    reference="CustomersOrderReference",
    duplicate=ErrorCode.FO_DUPLICATE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrderDraft:
    """A sales order as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the order: CustomersOrderReference."""
    header: FoRow
    """SalesOrderHeadersV4, without the three fields that this module fills: company, number, reference."""
    lines: Sequence[FoRow]
    """SalesOrderLinesV3, each with its line key."""
    line_key: str
    """The field that identifies a line and that F&O leaves as we set it: LineNumber or ExternalItemNumber."""
    held: bool = False
    """Whether it stays held in F&O once it is complete."""
    lines_per_request: int = 100
    """The most lines in one change set."""

    @property
    def is_atomic(self) -> bool:
        """Whether one change set writes all lines."""
        return len(self.lines) <= self.lines_per_request


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrder:
    """A sales order as F&O has it."""

    number: str
    created: bool
    """By this call; False if an earlier attempt created it."""
    lots: dict[LineKey, str]
    """InventoryLotId, F&O's key of a line, by our line key."""
    held: bool
    """In F&O, by the app or by staff."""
    header: FoRow
    booked: tuple[FoRow, ...]
    """Header and lines as F&O keeps them: all fields of what this call created, else those of entities.READ."""


type Accept = Callable[[SalesOrder], bool]
"""Gets the complete order before it is released, and returns whether to release it. The order also stays held when it
raises because F&O did not book what was sent.
"""


async def create_numbered(
    client: ODataClient, draft: SalesOrderDraft, number: str, *, is_new: bool, accept: Accept
) -> SalesOrder:
    """Creates the order under our own number, or adopts, and completes, the one that an earlier attempt created, under
    any number.

    `is_new`: no earlier attempt can have written it. `accept` is for an order that was held until it was complete.
    Raises RefusedError FO_FOREIGN_ORDER when another order has the number, FO_NUMBER_REPLACED when F&O does not keep
    it, and whatever F&O refuses.
    """
    if not is_new and (found := await find_header(client, _TYPE, draft)) is not None:
        return await _adopt(client, draft, found, number, accept)
    held = draft.held or not draft.is_atomic
    first = replace(draft, lines=draft.lines[: draft.lines_per_request])
    try:
        header, *lines = await create_with_number(client, _TYPE, first, number, **({_HELD: "Yes"} if held else {}))
    except RefusedError as refusal:
        # F&O's "already exists" is in the language of its user, so the order is looked up after any refusal.
        order = await find_by_number(client, draft, number)
        if order is None:
            raise _as_replaced(refusal, number) from refusal
        return await _completed(client, draft, order, accept)
    given = header[_TYPE.number]
    if any(line[_TYPE.header_number] != given for line in lines):
        await _take_back(client, draft, given, lines)
        raise RefusedError(ErrorCode.FO_NUMBER_REPLACED, number=number, reason=f"it created {given} instead")
    return await _completed(client, draft, _order(draft, header, lines, created=True, held=held), accept)


async def find_by_number(client: ODataClient, draft: SalesOrderDraft, number: str) -> SalesOrder | None:
    """Our order under this number. Raises RefusedError FO_FOREIGN_ORDER when it has another reference."""
    header = await documents.find_by_number(client, _TYPE, draft, number, foreign=ErrorCode.FO_FOREIGN_ORDER)
    if header is None:
        return None
    lines = await read_lines(client, _TYPE, draft.company, number)
    return _order(draft, header, lines, created=False, held=header[_HELD] == "Yes")


async def _adopt(client: ODataClient, draft: SalesOrderDraft, header: FoRow, number: str, accept: Accept) -> SalesOrder:
    found = header[_TYPE.number]
    lines = await read_lines(client, _TYPE, draft.company, found)
    order = _order(draft, header, lines, created=False, held=header[_HELD] == "Yes")
    if not lines and not order.held and found != number:
        # An empty order that nobody holds: its lines went to the number that F&O did not keep, if they were written.
        await hold(client, draft.company, found)
        raise RefusedError(ErrorCode.FO_NUMBER_REPLACED, number=number, reason=f"it created {found} without lines")
    return await _completed(client, draft, order, accept)


def _as_replaced(refusal: RefusedError, number: str) -> RefusedError:
    """FO_NUMBER_REPLACED, if F&O's reason names the number: its lines did not find a header that has another one."""
    reason = refusal.details.get("infolog", "")
    return RefusedError(ErrorCode.FO_NUMBER_REPLACED, number=number, reason=reason) if number in reason else refusal


async def _take_back(client: ODataClient, draft: SalesOrderDraft, number: str, lines: Sequence[FoRow]) -> None:
    """Deletes the header, and its lines, which went to an order that has the number which F&O did not keep."""
    company = {"dataAreaId": draft.company}
    lots = [company | {"InventoryLotId": row["InventoryLotId"]} for row in lines]
    removed = [Operation("DELETE", SALES_ORDER_LINES, lot) for lot in lots]
    await client.change_set([*removed, Operation("DELETE", SALES_ORDERS, company | {_TYPE.number: number})])


async def create_sequenced(client: ODataClient, draft: SalesOrderDraft, *, accept: Accept) -> SalesOrder:
    """Creates the order under a number that F&O draws, or completes the one that an earlier attempt began.

    A released order is complete, and is not changed: staff may have worked on it since.
    Raises RefusedError FO_DUPLICATE for several orders with our reference.
    """
    header, created = await find_or_create_header(client, _TYPE, draft, **{_HELD: "Yes"})
    number = header[_TYPE.number]
    lines = [] if created else await read_lines(client, _TYPE, draft.company, number)
    order = _order(draft, header, lines, created=created, held=header[_HELD] == "Yes")
    return await _completed(client, draft, order, accept)


async def _completed(client: ODataClient, draft: SalesOrderDraft, order: SalesOrder, accept: Accept) -> SalesOrder:
    """The order with all its lines, released if it is accepted. One that is not held is complete."""
    if not order.held:
        return order
    rows = list(order.booked)
    if len(rows) % draft.lines_per_request == 0:
        missing = [line for line in draft.lines if line[draft.line_key] not in order.lots]
        for some in batched(missing, draft.lines_per_request, strict=False):
            rows += await create_lines(client, _TYPE, replace(draft, lines=some), order.number)
        order = _order(draft, order.header, rows, created=order.created, held=True)
    if not accept(order) or draft.held:
        return order
    await _set_held(client, draft.company, order.number, "No")
    return replace(order, held=False)


async def hold(client: ODataClient, company: str, number: str) -> None:
    """Keeps F&O's batch jobs from processing the order until it is released."""
    await _set_held(client, company, number, "Yes")


async def _set_held(client: ODataClient, company: str, number: str, value: Literal["Yes", "No"]) -> None:
    await client.update(SALES_ORDERS, {"dataAreaId": company, "SalesOrderNumber": number}, {_HELD: value})


def _order(draft: SalesOrderDraft, header: FoRow, rows: Sequence[FoRow], *, created: bool, held: bool) -> SalesOrder:
    return SalesOrder(
        number=header[_TYPE.number],
        created=created,
        held=held,
        lots={row[draft.line_key]: row["InventoryLotId"] for row in rows},
        header=header,
        booked=tuple(rows),
    )
