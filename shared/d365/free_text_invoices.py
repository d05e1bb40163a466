"""Bringing a free text invoice into F&O once: amounts without goods.

F&O draws the invoice's identifier, which its lines need, so that header and lines cannot go in one change set. The
header is found again by our reference; the lines go in all or none, and F&O posts no invoice without lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.d365.entities import INVOICE_LINES, INVOICES, READ
from shared.d365.odata.answers import Row
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import eq
from shared.errors import ErrorCode, RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """A free text invoice as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the refund: CustomerReference."""
    header: Row
    """FreeTextInvoiceHeaders, without company and reference."""
    lines: Sequence[Row]
    """FreeTextInvoiceLines, each with its LineNumber."""
    prove: Callable[[Sequence[Row]], Mapping[str, Any]] | None = None
    """What F&O's lines are beside what they should be, for a refusal."""

    @property
    def amount(self) -> Decimal:
        """Below zero for a credit."""
        return sum((line["TransactionCurrencyAmount"] for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Invoice:
    """A free text invoice as F&O has it; it gets its number when it is posted."""

    identifier: int
    """InvoiceIdentifier."""
    created: bool
    """By this call; False when it was there and is adopted."""


async def create_invoice(client: ODataClient, draft: InvoiceDraft) -> Invoice:
    """Creates the invoice, or completes the one that a former attempt began.

    One that is posted is complete. Raises RefusedError FO_REFUND_TWICE for several with our reference,
    FO_REFUND_DIFFERS for lines that are not ours, and whatever F&O refuses.
    """
    rows = await client.query(
        INVOICES, company=draft.company, where=eq("CustomerReference", draft.reference), select=READ[INVOICES]
    )
    # F&O's own comparison knows wildcards and no case.
    found = [row for row in rows if row["CustomerReference"] == draft.reference]
    if len(found) > 1:
        raise RefusedError(
            ErrorCode.FO_REFUND_TWICE,
            count=len(found),
            documents="free text invoices",
            reference=draft.reference,
            numbers=", ".join(str(row["InvoiceIdentifier"]) for row in found),
        )
    header = found[0] if found else await client.create(INVOICES, _header(draft))
    identifier = header["InvoiceIdentifier"]
    if header["IsPosted"] == "No":
        await _complete(client, draft, identifier, new=not found)
    return Invoice(identifier, created=not found)


async def _complete(client: ODataClient, draft: InvoiceDraft, identifier: int, *, new: bool) -> None:
    lines: list[Row] = []
    if not new:
        where = eq("ParentRecId", identifier)
        lines = await client.query(INVOICE_LINES, company=draft.company, where=where, select=READ[INVOICE_LINES])
    lines = lines or await client.change_set(
        [
            Operation("POST", INVOICE_LINES, body={**line, "dataAreaId": draft.company, "ParentRecId": identifier})
            for line in draft.lines
        ]
    )
    booked = sum((line["TransactionCurrencyAmount"] for line in lines), Decimal(0))
    if booked != draft.amount:
        raise RefusedError(
            ErrorCode.FO_REFUND_DIFFERS,
            document=f"free text invoice {identifier}",
            booked=booked,
            expected=draft.amount,
        ).with_proof(draft.prove(lines) if draft.prove else None)


def _header(draft: InvoiceDraft) -> Row:
    return {**draft.header, "dataAreaId": draft.company, "CustomerReference": draft.reference}
