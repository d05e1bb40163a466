"""What products have in common: category hierarchies, assortments of Commerce, and countries."""

from __future__ import annotations

from datetime import datetime

from shared.d365.catalogue.asked import CatalogueNeeds, day_of
from shared.d365.entities import ASSORTMENT_LINES, ASSORTMENTS, CATEGORIES, COUNTRIES, READ
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import any_of
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.model.fo_product import AssortmentLine, CategoryNode, FoCatalogueTerms, FoCategory

_PUBLISHED = "Published"


async def read_terms(client: CountedReader, company: str, needs: CatalogueNeeds, now: datetime) -> FoCatalogueTerms:
    """Only what is needed. An assortment counts while it is published and valid."""
    lines = await _assortment_lines(client, company, needs, now)
    hierarchies = {*needs.hierarchies, *(line.category.hierarchy for line in lines if line.category)}
    return FoCatalogueTerms(
        categories=await _categories(client, company, hierarchies),
        assortments=lines,
        countries=await _countries(client, company) if needs.countries else {},
    )


async def _categories(client: CountedReader, company: str, hierarchies: set[str]) -> dict[FoCategory, CategoryNode]:
    if not hierarchies:
        return {}
    where = any_of("ProductCategoryHierarchyName", sorted(hierarchies))
    pages = client.pages(CATEGORIES, company=company, where=where, select=READ[CATEGORIES], counted=True)
    return {
        FoCategory(row["ProductCategoryHierarchyName"], row["CategoryName"]): CategoryNode(
            row["ParentProductCategoryName"], row["FriendlyCategoryName"] or row["CategoryName"]
        )
        async for page in pages
        for row in page
    }


async def _countries(client: CountedReader, company: str) -> dict[str, str]:
    pages = client.pages(COUNTRIES, company=company, select=READ[COUNTRIES], counted=True)
    return {row["CountryRegion"]: row["ISOcode"] async for page in pages for row in page}


async def _assortment_lines(
    client: CountedReader, company: str, needs: CatalogueNeeds, now: datetime
) -> tuple[AssortmentLine, ...]:
    if not needs.assortments:
        return ()
    where = any_of("AssortmentID", needs.assortments)
    pages = client.pages(ASSORTMENTS, company=company, where=where, select=READ[ASSORTMENTS], counted=True)
    valid = {row["AssortmentID"] async for page in pages for row in page if _is_valid(row, now)}
    if not valid:
        return ()
    where = any_of("AssortmentId", sorted(valid))
    pages = client.pages(ASSORTMENT_LINES, company=company, where=where, select=READ[ASSORTMENT_LINES], counted=True)
    return tuple([_line(row) async for page in pages for row in page if _is_ours(row, valid, company)])


def _is_valid(row: FoRow, now: datetime) -> bool:
    first, last = day_of(row["ValidFrom"]), day_of(row["ValidTo"])
    has_begun = first is None or datetime.fromisoformat(row["ValidFrom"]) <= now
    return bool(
        row["Status"] == _PUBLISHED and has_begun and (last is None or now <= datetime.fromisoformat(row["ValidTo"]))
    )


def _is_ours(row: FoRow, valid: set[str], company: str) -> bool:
    """A published line has a copy of its own beside the one that staff edit."""
    of_company = row["SourceDataAreaId"]
    is_ours = not of_company or of_company.casefold() == company.casefold()
    return bool(row["AssortmentId"] in valid and row["Status"] == _PUBLISHED and is_ours)


def _line(row: FoRow) -> AssortmentLine:
    item = Item(
        row["ItemId"],
        color=row["Color"],
        configuration=row["ConfigurationId"],
        size=row["Size"],
        style=row["Style"],
    )
    category = FoCategory(row["CategoryHierarchyName"], row["CategoryName"]) if not row["ItemId"] else None
    return AssortmentLine(row["AssortmentId"], row["LineType"] == "Include", category, item)
