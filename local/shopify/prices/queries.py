"""The query roots of price lists, catalogs, markets and locations of companies."""

from collections.abc import Callable
from typing import Any

from local.shopify.nodes import Connection, connect, not_simulated, parse_gid
from local.shopify.price_records import Catalog
from local.shopify.prices.catalogs import catalog_number
from local.shopify.prices.nodes import CatalogNode, LocationNode, PriceListNode, market_document
from local.shopify.query_root import QueryBase
from local.shopify.search import Reader

_CATALOG_SEARCH: dict[str, Reader] = {
    "id": lambda catalog: [catalog.id],
    "title": lambda catalog: [catalog.title],
    "status": lambda catalog: [catalog.status],
    "company_location_id": lambda catalog: catalog.contexts if catalog.kind == "COMPANY_LOCATION" else [],
    "market_id": lambda catalog: catalog.contexts if catalog.kind == "MARKET" else [],
}
_LOCATION_SEARCH: dict[str, Reader] = {
    "id": lambda location: [location.id],
    "name": lambda location: [location.name],
    "external_id": lambda location: [location.external_id],
    "company_id": lambda location: [location.company.id],
    "created_at": lambda location: [location.created_at],
}
_CATALOG_SORT: dict[str, Callable[[Catalog], Any]] = {"ID": lambda each: each.id, "TITLE": lambda each: each.title}


class PriceQueries(QueryBase):
    def price_list(self, id_: str) -> PriceListNode | None:
        found = self._shop.pricing.price_lists.get(parse_gid(id_, "PriceList"))
        return PriceListNode(self._request, found) if found else None

    def price_lists(self, *, sort_key: str = "ID", **window: Any) -> Connection:
        _require_id("priceLists", sort_key)
        rows = self._shop.pricing.price_lists.values()
        return connect(
            self._request,
            rows,
            lambda each: PriceListNode(self._request, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def catalog(self, id_: str) -> CatalogNode | None:
        found = self._shop.pricing.catalogs.get(catalog_number(id_))
        return CatalogNode(self._request, found) if found else None

    def catalogs(
        self, *, query: str | None = None, type_: str | None = None, sort_key: str = "ID", **window: Any
    ) -> Connection:
        if sort_key not in _CATALOG_SORT or type_ not in (None, "NONE", "COMPANY_LOCATION", "MARKET"):
            raise not_simulated(f"catalogs of the type {type_}, sorted by {sort_key}")
        kinds = ("COMPANY_LOCATION", "MARKET") if type_ in (None, "NONE") else (type_,)
        rows = [each for each in self._shop.pricing.catalogs.values() if each.kind in kinds]
        value = _CATALOG_SORT[sort_key]
        return connect(
            self._request,
            self._search("catalogs", _CATALOG_SEARCH).filter(query, rows),
            lambda each: CatalogNode(self._request, each),
            lambda each: (value(each), each.id),
            **window,
        )

    def markets(self, *, sort_key: str = "NAME", **window: Any) -> Connection:
        if sort_key != "NAME":
            raise not_simulated(f"markets sorted by {sort_key}")
        rows = self._shop.pricing.markets.values()
        return connect(self._request, rows, market_document, lambda each: (each.name, each.id), **window)

    def company_location(self, id_: str) -> LocationNode | None:
        found = self._shop.pricing.locations.get(parse_gid(id_, "CompanyLocation"))
        return LocationNode(self._request, found) if found else None

    def company_locations(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        _require_id("companyLocations", sort_key)
        rows = self._search("companyLocations", _LOCATION_SEARCH).filter(query, self._shop.pricing.locations.values())
        return connect(
            self._request,
            rows,
            lambda each: LocationNode(self._request, each),
            lambda each: (each.id, each.id),
            **window,
        )


def _require_id(path: str, sort_key: str) -> None:
    if sort_key != "ID":
        raise not_simulated(f"{path} sorted by {sort_key}")
