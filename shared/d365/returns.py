"""Bringing a return order into F&O once, whatever happened at the attempts before.

The two ways of shared.d365.sales_orders, for the same reasons: header and lines in one change set where the number is
ours; held, completed and released where F&O draws it. Return orders have no number for their lines that would be ours,
so that the lines go in all or none, and are there if any is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from shared.d365.entities import READ, RETURN_LINES, RETURN_ORDERS
from shared.d365.odata.answers import Row
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import eq
from shared.errors import ErrorCode, RefusedError

_NUMBER: Final = "ReturnOrderNumber"
_REFERENCE: Final = "CustomersOrderReference"
_HELD: Final = "IsReturnProcessingStopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDraft:
    """A return order as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the refund: CustomersOrderReference."""
    header: Row
    """ReturnOrderHeadersV2, without company, number and reference."""
    lines: Sequence[Row]
    """ReturnOrderLinesV2; quantities are below zero."""
    amount: Decimal
    """The sum of the lines' LineAmount that F&O must compute: below zero."""
    prove: Callable[[Sequence[Row]], Mapping[str, Any]] | None = None
    """What F&O's lines are beside what they should be, for a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder:
    """A return order as F&O has it."""

    number: str
    created: bool
    """By this call; False when it was there and is adopted."""
    returned: Mapping[str, Decimal]
    """Lot of the original sales line -> units that come back, above zero."""


async def create_numbered(client: ODataClient, draft: ReturnDraft, number: str) -> ReturnOrder:
    """Creates the return order under our own number, or adopts the one that a former attempt created.

    Raises RefusedError FO_FOREIGN_RETURN when somebody else uses the number, FO_REFUND_DIFFERS when F&O computed other
    amounts (it is held then), and whatever F&O refuses.
    """
    try:
        _, *lines = await client.change_set(
            [
                Operation("POST", RETURN_ORDERS, body={**_header(draft), _NUMBER: number}),
                *_new_lines(draft, number),
            ]
        )
    except RefusedError:
        # F&O says "already exists" in the language of its user, so the return order is looked for after any refusal.
        header = await client.get(RETURN_ORDERS, {"dataAreaId": draft.company, _NUMBER: number})
        if header is None:
            raise
        if header[_REFERENCE] != draft.reference:
            raise RefusedError(
                ErrorCode.FO_FOREIGN_RETURN, number=number, found=header[_REFERENCE], reference=draft.reference
            ) from None
        adopted = await _lines(client, draft, number)
        await _check_or_hold(client, draft, number, adopted)
        return _return_order(number, adopted, created=False)
    await _check_or_hold(client, draft, number, lines)
    return _return_order(number, lines, created=True)


async def create_sequenced(client: ODataClient, draft: ReturnDraft) -> ReturnOrder:
    """Creates the return order under a number that F&O draws, or completes the one that a former attempt began.

    One that is released already is complete: what people did to it since is theirs. Raises RefusedError
    FO_REFUND_TWICE for several with our reference, FO_REFUND_DIFFERS when F&O computed other amounts (it stays held).
    """
    found = await _with_reference(client, draft)
    if len(found) > 1:
        raise RefusedError(
            ErrorCode.FO_REFUND_TWICE,
            count=len(found),
            documents="return orders",
            reference=draft.reference,
            numbers=", ".join(header[_NUMBER] for header in found),
        )
    header = found[0] if found else await client.create(RETURN_ORDERS, {**_header(draft), _HELD: "Yes"})
    number = header[_NUMBER]
    lines = await _lines(client, draft, number) if found else []
    if header[_HELD] == "Yes":
        lines = lines or await client.change_set(_new_lines(draft, number))
        _check(draft, number, lines)
        await client.update(RETURN_ORDERS, {"dataAreaId": draft.company, _NUMBER: number}, {_HELD: "No"})
    return _return_order(number, lines, created=not found)


async def _check_or_hold(client: ODataClient, draft: ReturnDraft, number: str, lines: Sequence[Row]) -> None:
    try:
        _check(draft, number, lines)
    except RefusedError:
        await client.update(RETURN_ORDERS, {"dataAreaId": draft.company, _NUMBER: number}, {_HELD: "Yes"})
        raise


def _check(draft: ReturnDraft, number: str, lines: Sequence[Row]) -> None:
    booked = sum((line["LineAmount"] for line in lines), Decimal(0))
    if booked != draft.amount:
        raise RefusedError(
            ErrorCode.FO_REFUND_DIFFERS, document=f"return order {number}", booked=booked, expected=draft.amount
        ).with_proof(draft.prove(lines) if draft.prove else None)


async def _with_reference(client: ODataClient, draft: ReturnDraft) -> list[Row]:
    return await _exactly(client, RETURN_ORDERS, draft.company, _REFERENCE, draft.reference)


async def _lines(client: ODataClient, draft: ReturnDraft, number: str) -> list[Row]:
    return await _exactly(client, RETURN_LINES, draft.company, _NUMBER, number)


async def _exactly(client: ODataClient, entity_set: str, company: str, field: str, value: str) -> list[Row]:
    """Rows whose field has exactly this text: F&O's own comparison knows wildcards and no case."""
    select = (*READ[entity_set], field)
    rows = await client.query(entity_set, company=company, where=eq(field, value), select=select)
    return [row for row in rows if row[field] == value]


def _header(draft: ReturnDraft) -> Row:
    return {**draft.header, "dataAreaId": draft.company, _REFERENCE: draft.reference}


def _new_lines(draft: ReturnDraft, number: str) -> list[Operation]:
    return [
        Operation("POST", RETURN_LINES, body={**line, "dataAreaId": draft.company, _NUMBER: number})
        for line in draft.lines
    ]


def _return_order(number: str, lines: Iterable[Row], *, created: bool) -> ReturnOrder:
    returned: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        returned[line["ReturningInventoryLotId"]] -= line["ReturnSalesQuantity"]
    return ReturnOrder(number=number, created=created, returned=returned)
