"""Creating a return order in F&O exactly once, whatever happened in earlier attempts.

F&O draws its number and its RMA number. The header is created held and can be found by our reference; its lines are
created in one change set if it has none; it is released last. The lines of return orders have no key that we could set,
so they are written all or none: if F&O has one line, it has all of them. Where they are more than F&O writes in time,
full requests follow each other in the lines' order: F&O has as many of the first ones as requests were done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import batched
from typing import Final, Literal

from shared.d365.documents import (
    DocumentType,
    ProveLines,
    check_amount,
    create_lines,
    find_or_create_header,
    read_lines,
)
from shared.d365.entities import RETURN_LINES, RETURN_ORDERS
from shared.d365.odata.client import ODataClient
from shared.errors import ErrorCode, RefusedError
from shared.model.fo_order import FoRow

_HELD: Final = "IsReturnProcessingStopped"
_TYPE: Final = DocumentType(
    plural="return orders",
    headers=RETURN_ORDERS,
    lines=RETURN_LINES,
    number="ReturnOrderNumber",
    header_number="ReturnOrderNumber",
    reference="CustomersOrderReference",
    duplicate=ErrorCode.FO_REFUND_TWICE,
)


type AcceptReturn = Callable[[str, Sequence[FoRow]], Awaitable[None]]
"""Gets the number and the lines as F&O keeps them; raises for amounts that must not be credited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDraft:
    """A return order as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the refund: CustomersOrderReference."""
    header: FoRow
    """ReturnOrderHeadersV2, without company, number and reference."""
    lines: Sequence[FoRow]
    """ReturnOrderLinesV2; quantities are below zero."""
    amount: Decimal
    """The sum of the lines' LineAmount that F&O must compute: below zero."""
    lines_per_request: int = 100
    """The most lines in one change set. They are written in their order."""
    prove: ProveLines | None = None
    """What F&O's lines are beside what they should be, for a refusal."""
    accept: AcceptReturn | None = None
    """Decides about F&O's lines in place of `amount`; the return order is held until it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder:
    """A return order as F&O has it."""

    number: str
    created: bool
    """By this call; False if an earlier attempt created it."""
    returned: Mapping[str, Decimal]
    """Lot of the original sales line -> units that come back, above zero."""


async def create_return(client: ODataClient, draft: ReturnDraft) -> ReturnOrder:
    """Creates the return order under a number that F&O draws, or completes the one that an earlier attempt began.

    One that is not held is complete, and is not changed: staff may have worked on it since. Raises RefusedError
    FO_REFUND_TWICE for several with our reference, FO_REFUND_DIFFERS when F&O computed other amounts (the return order
    is held then, until they are corrected).
    """
    header, created = await find_or_create_header(client, _TYPE, draft, **{_HELD: "Yes"})
    number = header[_TYPE.number]
    lines = [] if created else await read_lines(client, _TYPE, draft.company, number)
    if header[_HELD] == "Yes":
        if len(lines) % draft.lines_per_request == 0:  # nothing, or as many requests as were done
            for some in batched(draft.lines[len(lines) :], draft.lines_per_request, strict=False):
                lines += await create_lines(client, _TYPE, replace(draft, lines=some), number)
        await _check(draft, number, lines)
        await _set_held(client, draft, number, "No")
    else:
        # Earlier releases wrote some return orders at once, and held those with other amounts afterwards; or staff
        # released it before it was accepted.
        await _check_or_hold(client, draft, number, lines)
    return _return_order(number, lines, created=created)


async def _check_or_hold(client: ODataClient, draft: ReturnDraft, number: str, lines: Sequence[FoRow]) -> None:
    try:
        await _check(draft, number, lines)
    except RefusedError:
        await _set_held(client, draft, number, "Yes")
        raise


async def _check(draft: ReturnDraft, number: str, lines: Sequence[FoRow]) -> None:
    if draft.accept is not None:
        await draft.accept(number, lines)
    else:
        check_amount(lines, "LineAmount", draft.amount, document=f"return order {number}", prove=draft.prove)


async def _set_held(client: ODataClient, draft: ReturnDraft, number: str, value: Literal["Yes", "No"]) -> None:
    await client.update(RETURN_ORDERS, {"dataAreaId": draft.company, _TYPE.number: number}, {_HELD: value})


def _return_order(number: str, lines: Iterable[FoRow], *, created: bool) -> ReturnOrder:
    returned: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        returned[line["ReturningInventoryLotId"]] -= line["ReturnSalesQuantity"]
    return ReturnOrder(number=number, created=created, returned=returned)
