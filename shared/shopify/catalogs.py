"""Catalogs in the Admin API: for whom a price list is."""

from __future__ import annotations

from collections.abc import Collection

from shared.shopify import queries
from shared.shopify.admin.answers import user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.price_lists import raise_for_errors


async def create_catalog(
    admin: QueryRunner, name: str, price_list: int, *, market: int | None, locations: Collection[int]
) -> str:
    """The global id of a new active catalog with this price list, for a market or for company locations.

    Raises RefusedError PRICE_LIST_REFUSED, and OutcomeUnknownError where the answer was lost.
    """
    context = (
        {"marketIds": [gid_of("Market", market)]} if market is not None else {"companyLocationIds": _gids(locations)}
    )
    given = {
        "title": name,
        "status": "ACTIVE",
        "context": context,
        "priceListId": gid_of("PriceList", price_list),
    }
    answer = (await admin.run(queries.load("catalog_create"), {"input": given}))["catalogCreate"]
    raise_for_errors(name, user_errors(answer))
    gid: str = answer["catalog"]["id"]
    return gid


async def read_catalog_locations(admin: QueryRunner, catalog: str) -> set[int] | None:
    """The company locations of a catalog; None for a catalog of another kind, or that is deleted."""
    return await _read_context(admin, catalog, "catalog_locations", "companyLocations")


async def read_catalog_markets(admin: QueryRunner, catalog: str) -> set[int] | None:
    """The markets of a catalog; None for a catalog of another kind, or that is deleted."""
    return await _read_context(admin, catalog, "catalog_markets", "markets")


async def _read_context(admin: QueryRunner, catalog: str, document: str, connection: str) -> set[int] | None:
    found: set[int] = set()
    after: str | None = None
    while True:
        data = await admin.run(queries.load(document), {"catalog": catalog, "after": after})
        page = (data["catalog"] or {}).get(connection)
        if page is None:
            return None
        found |= {number_of(node["id"]) for node in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def assign_locations(
    admin: QueryRunner, name: str, catalog: str, *, add: Collection[int], remove: Collection[int]
) -> None:
    """Raises RefusedError PRICE_LIST_REFUSED. `name` is that of the price list."""
    variables = {
        "catalog": catalog,
        "add": {"companyLocationIds": _gids(add)} if add else None,
        "remove": {"companyLocationIds": _gids(remove)} if remove else None,
    }
    answer = (await admin.run(queries.load("catalog_context"), variables))["catalogContextUpdate"]
    raise_for_errors(name, user_errors(answer))


def _gids(locations: Collection[int]) -> list[str]:
    return [gid_of("CompanyLocation", each) for each in sorted(locations)]
