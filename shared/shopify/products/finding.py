"""Finding products that the app does not know yet, by the SKUs and barcodes of their variants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Final, Literal

from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import number_of
from shared.shopify.paging import node_pages, search_time

_TERMS: Final = 25
"""Keys to a search: Shopify does not say how long one may be."""
ALL_VARIANTS: Final = "product_search_all"
"""The document that lists all variants in bulk; its nodes are read by `found_variant`."""


@dataclass(frozen=True, slots=True)
class FoundVariant:
    id: int
    product: int
    sku: str
    barcode: str
    item_number: str | None
    """Of the product's id metafield; None for a product that the app does not know."""


async def find_variants(
    admin: QueryRunner, field: Literal["sku", "barcode"], keys: Iterable[str]
) -> list[FoundVariant]:
    """The variants that have exactly one of these keys, in any product. Shopify's search ignores case and more."""
    wanted = {key for key in keys if key}
    terms = {key: _quoted(key) for key in sorted(wanted)}
    if not all(terms.values()):
        return [each async for page in list_variants(admin) for each in page if getattr(each, field) in wanted]
    found = []
    for batch in batched(terms.values(), _TERMS, strict=False):
        query = " OR ".join(f"{field}:{term}" for term in batch)
        async for page in _pages(admin, query):
            found += [each for each in page if getattr(each, field) in wanted]
    return found


async def changed_variants(admin: QueryRunner, since: datetime) -> AsyncIterator[FoundVariant]:
    """The variants that anybody added or changed at or after the time."""
    async for page in _pages(admin, f"updated_at:>={search_time(since)}"):
        for each in page:
            yield each


async def list_variants(admin: QueryRunner) -> AsyncIterator[list[FoundVariant]]:
    """All variants of the shop, 250 to a page."""
    async for page in _pages(admin, None):
        yield page


async def _pages(admin: QueryRunner, query: str | None) -> AsyncIterator[list[FoundVariant]]:
    async for nodes in node_pages(admin, "product_search", "productVariants", query=query):
        yield [found_variant(node) for node in nodes]


def found_variant(node: Json) -> FoundVariant:
    item = node["product"]["item"]
    return FoundVariant(
        id=number_of(node["id"]),
        product=number_of(node["product"]["id"]),
        sku=node["sku"] or "",
        barcode=node["barcode"] or "",
        item_number=item["value"] if item else None,
    )


def _quoted(key: str) -> str:
    """The key as a value in a search, "" if it cannot be one: Shopify's page on searches does not say how a quotation
    mark is written within the same ones.
    """
    mark = next((mark for mark in ("'", '"') if mark not in key), "")
    return f"{mark}{key}{mark}" if mark and "\\" not in key else ""
