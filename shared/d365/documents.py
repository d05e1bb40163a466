"""Documents of a header and lines that are created once: finding what an earlier attempt wrote, and writing the rest.

The header has our reference, by which an earlier attempt is found; the lines are written all or none, so that a
document with any line has all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from shared.d365.entities import READ
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import eq
from shared.d365.odata.literals import ODataLiteral
from shared.errors import ErrorCode, RefusedError
from shared.model.fo_order import FoRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """Where F&O keeps one type of document, and the errors about it."""

    plural: str
    """For error texts: "return orders"."""
    headers: str
    """Entity set."""
    lines: str
    """Entity set."""
    number: str
    """Key field of the header, beside the company."""
    header_number: str
    """Field of a line that holds its header's number."""
    reference: str
    """Field of the header that holds our reference."""
    duplicate: ErrorCode
    """Raised for several documents with our reference."""


class DocumentDraft(Protocol):
    """A document as it should be in F&O."""

    @property
    def company(self) -> str: ...

    @property
    def reference(self) -> str:
        """Ours, unique to what the document is for."""

    @property
    def header(self) -> FoRow:
        """Without company, number and reference."""

    @property
    def lines(self) -> Sequence[FoRow]:
        """Without company and header's number."""


async def rows_with(client: ODataClient, entity_set: str, company: str, field: str, value: ODataLiteral) -> list[FoRow]:
    """Rows whose field has exactly this value: F&O's own comparison of texts has wildcards and ignores case."""
    select = (*READ[entity_set], field)
    rows = await client.query(entity_set, company=company, where=eq(field, value), select=select)
    return [row for row in rows if row[field] == value]


async def read_lines(client: ODataClient, kind: DocumentType, company: str, number: ODataLiteral) -> list[FoRow]:
    """The lines of the document with this number."""
    return await rows_with(client, kind.lines, company, kind.header_number, number)


async def find_by_number(
    client: ODataClient, kind: DocumentType, draft: DocumentDraft, number: str, *, foreign: ErrorCode
) -> FoRow | None:
    """The header with this number, None if F&O has none. Raises RefusedError `foreign` for another reference on it."""
    header = await client.get(kind.headers, {"dataAreaId": draft.company, kind.number: number})
    if header is not None and header[kind.reference] != draft.reference:
        raise RefusedError(foreign, number=number, found=header[kind.reference], reference=draft.reference)
    return header


async def find_header(client: ODataClient, kind: DocumentType, draft: DocumentDraft) -> FoRow | None:
    """The header with our reference, None if F&O has none. Raises RefusedError `kind.duplicate` for several."""
    found = await rows_with(client, kind.headers, draft.company, kind.reference, draft.reference)
    if len(found) > 1:
        raise RefusedError(
            kind.duplicate,
            count=len(found),
            documents=kind.plural,
            reference=draft.reference,
            numbers=", ".join(str(header[kind.number]) for header in found),
        )
    return found[0] if found else None


async def find_or_create_header(
    client: ODataClient, kind: DocumentType, draft: DocumentDraft, **fields: str
) -> tuple[FoRow, bool]:
    """The header with our reference, and whether this call created it, then with these further fields.

    Raises RefusedError `kind.duplicate` for several headers with our reference, and whatever F&O refuses.
    """
    found = await find_header(client, kind, draft)
    if found is not None:
        return found, False
    return await client.create(kind.headers, header_record(kind, draft, **fields)), True


async def create_with_number(
    client: ODataClient, kind: DocumentType, draft: DocumentDraft, number: str, **fields: str
) -> list[FoRow]:
    """Creates header and lines under our own number in one change set, with these further fields on the header.

    Returns the header, then the lines, as F&O keeps them: the header may have another number. Raises RefusedError when
    F&O refuses; one reason is that the number is taken.
    """
    header = {**header_record(kind, draft, **fields), kind.number: number}
    return await client.change_set(
        [Operation("POST", kind.headers, body=header), *line_operations(kind, draft, number)]
    )


async def create_lines(
    client: ODataClient, kind: DocumentType, draft: DocumentDraft, number: ODataLiteral
) -> list[FoRow]:
    """Creates all lines or none; returns them as F&O keeps them."""
    return await client.change_set(line_operations(kind, draft, number))


def header_record(kind: DocumentType, draft: DocumentDraft, **fields: str) -> FoRow:
    return {**draft.header, **fields, "dataAreaId": draft.company, kind.reference: draft.reference}


def line_operations(kind: DocumentType, draft: DocumentDraft, number: ODataLiteral) -> list[Operation]:
    place = {"dataAreaId": draft.company, kind.header_number: number}
    return [Operation("POST", kind.lines, body={**line, **place}) for line in draft.lines]


type ProveLines = Callable[[Sequence[FoRow]], Mapping[str, Any]]
"""F&O's lines beside what they should be, for a refusal."""


def check_amount(
    lines: Sequence[FoRow], field: str, expected: Decimal, *, document: str, prove: ProveLines | None
) -> None:
    """Raises RefusedError FO_REFUND_DIFFERS, with the proof, unless the field's sum over all lines is as expected."""
    booked = sum((line[field] for line in lines), Decimal(0))
    if booked != expected:
        raise RefusedError(ErrorCode.FO_REFUND_DIFFERS, document=document, booked=booked, expected=expected).with_proof(
            prove(lines) if prove else None
        )
