"""What is read of F&O's catalogue, and the rows of a set for all products or for some."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from shared.d365.entities import READ
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import Filter, all_of, chunks
from shared.model.fo_order import FoRow

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2154
"""F&O writes a day that nobody entered as 1900-01-01, and one that never comes as 2154-12-31."""


@dataclass(frozen=True, slots=True)
class CatalogueNeeds:
    """What the rules of a store need to know of products. Sets that are not needed are not read."""

    languages: tuple[str, ...] = ()
    """Of names, descriptions, and values of options."""
    descriptions: bool = False
    barcodes: bool = False
    hs_codes: bool = False
    countries: bool = False
    attributes: tuple[str, ...] = ()
    """Names of those that are read."""
    hierarchies: tuple[str, ...] = ()
    """Category hierarchies that are read."""
    assortments: tuple[str, ...] = ()
    images: Literal["released", "product"] | None = None


@dataclass(frozen=True, slots=True)
class CatalogueSource:
    """One company of F&O, and which of its products are read."""

    client: CountedReader
    company: str
    items: frozenset[str] | None = None
    """Item numbers; None for all."""

    async def rows(
        self,
        entity_set: str,
        field: str,
        values: Collection[str] | None,
        *,
        where: Filter | None = None,
        select: Collection[str] = (),
    ) -> AsyncIterator[FoRow]:
        """The rows whose field has one of the values; of all products every row, whose number F&O is asked for.

        A page is forgotten before the next one is read. F&O takes `*` for a wildcard and ignores case: rows with other
        values are left out.
        """
        is_complete = self.items is None
        for piece in [None] if is_complete else chunks(field, sorted(values or ())):
            both = [each for each in (where, piece) if each is not None]
            pages = self.client.pages(
                entity_set,
                company=self.company,
                where=all_of(*both) if both else None,
                select=tuple(select) or READ[entity_set],
                counted=True,
            )
            async for page in pages:
                for row in page:
                    if is_complete or values is None or row[field] in values:
                        yield row


def day_of(text: str) -> date | None:
    """The day of a field of F&O; None for no day."""
    day = date.fromisoformat(text[:10]) if text else None
    return day if day is not None and _FIRST_YEAR < day.year < _LAST_YEAR else None
