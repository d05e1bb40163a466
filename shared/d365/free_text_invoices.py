"""Creating a free text invoice (amounts without goods) in F&O exactly once.

F&O draws the invoice's identifier, which its lines need, so header and lines cannot be written in one change set. An
earlier attempt's header is found by our reference; the lines are written all or none, and F&O posts no invoice without
lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.d365.documents import (
    DocumentType,
    ProveLines,
    check_amount,
    create_lines,
    find_or_create_header,
    read_lines,
)
from shared.d365.entities import INVOICE_LINES, INVOICES
from shared.d365.odata.client import ODataClient
from shared.errors import ErrorCode
from shared.model.fo_order import FoRow

_AMOUNT: Final = "TransactionCurrencyAmount"
_TYPE: Final = DocumentType(
    plural="free text invoices",
    headers=INVOICES,
    lines=INVOICE_LINES,
    number="InvoiceIdentifier",
    header_number="ParentRecId",
    reference="CustomerReference",
    duplicate=ErrorCode.FO_REFUND_TWICE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDraft:
    """A free text invoice as it should be in F&O."""

    company: str
    reference: str
    """Ours, unique to the refund: CustomerReference."""
    header: FoRow
    """FreeTextInvoiceHeaders, without company and reference."""
    lines: Sequence[FoRow]
    """FreeTextInvoiceLines, each with its LineNumber."""
    prove: ProveLines | None = None
    """What F&O's lines are beside what they should be, for a refusal."""

    @property
    def amount(self) -> Decimal:
        """The sum of the lines; below zero for a credit."""
        return sum((line[_AMOUNT] for line in self.lines), Decimal(0))


@dataclass(frozen=True, slots=True)
class Invoice:
    """A free text invoice as F&O has it; F&O numbers it when it is posted."""

    identifier: int
    """InvoiceIdentifier."""
    created: bool
    """By this call; False if an earlier attempt created it."""


async def create_invoice(client: ODataClient, draft: InvoiceDraft) -> Invoice:
    """Creates the invoice, or completes the one that an earlier attempt began.

    One that is posted is complete. Raises RefusedError FO_REFUND_TWICE for several with our reference,
    FO_REFUND_DIFFERS for lines that are not ours, and whatever F&O refuses.
    """
    header, created = await find_or_create_header(client, _TYPE, draft)
    identifier = header[_TYPE.number]
    if header["IsPosted"] == "No":
        lines = [] if created else await read_lines(client, _TYPE, draft.company, identifier)
        lines = lines or await create_lines(client, _TYPE, draft, identifier)
        check_amount(lines, _AMOUNT, draft.amount, document=f"free text invoice {identifier}", prove=draft.prove)
    return Invoice(identifier, created=created)
