"""Price lists, catalogs, markets and locations of companies as GraphQL objects."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local.shopify.ids import gid
from local.shopify.merchandise import Variant
from local.shopify.money import graphql_amount, rounded
from local.shopify.nodes import Connection, Node, Request, connect, count, not_simulated, utc
from local.shopify.price_records import Catalog, CompanyLocation, Market, PriceBreak, PriceList
from local.shopify.products.nodes import VariantNode, publication_document
from local.shopify.search import Reader, Search

_PRICE_SEARCH: dict[str, Reader] = {
    "variant_id": lambda price: [price.variant.id],
    "product_id": lambda price: [price.variant.product.id],
}


@dataclass(frozen=True, slots=True)
class Listed:
    """What a variant costs on a list."""

    variant: Variant
    price: Decimal
    compare_at: Decimal | None
    is_fixed: bool


class PriceListNode(Node):
    typename = "PriceList"

    def __init__(self, request: Request, price_list: PriceList) -> None:
        super().__init__(request)
        self._list = price_list
        self.id = gid("PriceList", price_list.id)
        self.name = price_list.name
        self.currency = price_list.currency
        self.fixed_prices_count = len(price_list.fixed)
        self.parent = {
            "adjustment": {"type": price_list.adjustment, "value": float(price_list.percent)},
            "settings": {"compareAtMode": price_list.compare_at_mode},
        }

    def catalog(self) -> "CatalogNode | None":
        found = self.shop.pricing.catalog_of(self._list)
        return CatalogNode(self.request, found) if found else None

    def prices(self, *, origin_type: str | None = None, query: str | None = None, **window: Any) -> Connection:
        search = Search(self.request, "PriceList.prices", _PRICE_SEARCH, self.shop.timezone)
        found = search.filter(query, listed_prices(self.request, self._list, origin_type))
        return connect(
            self.request,
            found,
            lambda each: PriceNode(self.request, self._list, each),
            lambda each: (each.variant.id, each.variant.id),
            **window,
        )

    def quantity_rules(self, *, origin_type: str | None = None, **window: Any) -> Connection:
        if origin_type != "FIXED":
            raise not_simulated("quantityRules of other origin than FIXED")
        return connect(
            self.request,
            self._list.rules,
            lambda number: rule_document(self.request, self._list, number),
            lambda number: (number, number),
            **window,
        )


def listed_prices(request: Request, price_list: PriceList, origin: str | None) -> Iterable[Listed]:
    variants = request.shop.variants
    if origin in (None, "FIXED"):
        for number, each in price_list.fixed.items():
            yield Listed(variants[number], each.price, each.compare_at, is_fixed=True)
    if origin in (None, "RELATIVE"):
        for variant in variants.values():
            if variant.id not in price_list.fixed:
                yield _relative(request, price_list, variant)


def _relative(request: Request, price_list: PriceList, variant: Variant) -> Listed:
    if price_list.currency != request.shop.seed.currency:
        raise not_simulated("relative prices in another currency than the shop's")
    share = price_list.percent / 100
    factor = 1 + share if price_list.adjustment == "PERCENTAGE_INCREASE" else 1 - share

    def adjusted(amount: Decimal) -> Decimal:
        return rounded(amount * factor, price_list.currency)

    compared = variant.compare_at_price if price_list.compare_at_mode == "ADJUSTED" else None
    shown = None if compared is None else adjusted(compared)
    return Listed(variant, adjusted(variant.price), shown, is_fixed=False)


class PriceNode(Node):
    typename = "PriceListPrice"

    def __init__(self, request: Request, price_list: PriceList, listed: Listed) -> None:
        super().__init__(request)
        self._list, self._listed = price_list, listed
        self.origin_type = "FIXED" if listed.is_fixed else "RELATIVE"
        self.price = _money(price_list, listed.price)
        self.compare_at_price = None if listed.compare_at is None else _money(price_list, listed.compare_at)

    def variant(self) -> VariantNode:
        return VariantNode(self.request, self._listed.variant)

    def quantity_price_breaks(self, *, sort_key: str | None = None, **window: Any) -> Connection:
        if sort_key not in (None, "MINIMUM_QUANTITY"):
            raise not_simulated(f"quantityPriceBreaks sorted by {sort_key}")
        return connect(
            self.request,
            self._list.breaks.get(self._listed.variant.id, ()),
            lambda each: _break_document(self.request, self._list, each),
            lambda each: (each.minimum, each.id),
            **window,
        )


def _break_document(request: Request, price_list: PriceList, each: PriceBreak) -> dict[str, Any]:
    return {
        "__typename": "QuantityPriceBreak",
        "id": gid("QuantityPriceBreak", each.id),
        "minimumQuantity": each.minimum,
        "price": _money(price_list, each.price),
        "variant": VariantNode(request, request.shop.variants[each.variant_id]),
    }


def rule_document(request: Request, price_list: PriceList, variant_id: int) -> dict[str, Any]:
    rule = price_list.rules[variant_id]
    return {
        "__typename": "QuantityRule",
        "minimum": rule.minimum,
        "maximum": rule.maximum,
        "increment": rule.increment,
        "isDefault": False,
        "originType": "FIXED",
        "productVariant": VariantNode(request, request.shop.variants[variant_id]),
    }


class CatalogNode(Node):
    def __init__(self, request: Request, catalog: Catalog) -> None:
        super().__init__(request)
        self.typename = "CompanyLocationCatalog" if catalog.kind == "COMPANY_LOCATION" else "MarketCatalog"  # type: ignore[misc] # by its kind
        self._catalog = catalog
        self.id = gid(self.typename, catalog.id)
        self.title = catalog.title
        self.status = catalog.status
        self.operations: list[Any] = []

    def price_list(self) -> PriceListNode | None:
        number = self._catalog.price_list_id
        return PriceListNode(self.request, self.shop.pricing.price_lists[number]) if number else None

    def publication(self) -> dict[str, Any] | None:
        number = self._catalog.publication_id
        return publication_document(self.shop.publications[number]) if number else None

    def company_locations(self, **window: Any) -> Connection:
        found = [self.shop.pricing.locations[number] for number in self._catalog.contexts]
        return connect(
            self.request,
            found,
            lambda each: LocationNode(self.request, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def company_locations_count(self) -> dict[str, Any]:
        return count(len(self._catalog.contexts))

    def markets(self, **window: Any) -> Connection:
        found = [self.shop.pricing.markets[number] for number in self._catalog.contexts]
        return connect(self.request, found, market_document, lambda each: (each.id, each.id), **window)


def market_document(market: Market) -> dict[str, Any]:
    return {
        "__typename": "Market",
        "id": gid("Market", market.id),
        "name": market.name,
        "handle": market.name.lower().replace(" ", "-"),
        "status": "ACTIVE",
        "enabled": True,
        "primary": market.is_primary,
        "currencySettings": {"baseCurrency": {"currencyCode": market.currency}},
    }


class LocationNode(Node):
    """A location of a company."""

    typename = "CompanyLocation"

    def __init__(self, request: Request, location: CompanyLocation) -> None:
        super().__init__(request)
        self._location = location
        company = location.company
        self.id = gid("CompanyLocation", location.id)
        self.name = location.name
        self.external_id = location.external_id
        self.currency = location.currency
        self.created_at = self.updated_at = utc(location.created_at)
        self.company = {
            "id": gid("Company", company.id),
            "name": company.name,
            "externalId": company.external_id,
            "createdAt": utc(company.created_at),
        }

    def catalogs(self, **window: Any) -> Connection:
        found = [
            each
            for each in self.shop.pricing.catalogs.values()
            if each.kind == "COMPANY_LOCATION" and self._location.id in each.contexts
        ]
        return connect(
            self.request, found, lambda each: CatalogNode(self.request, each), lambda each: (each.id, each.id), **window
        )


def _money(price_list: PriceList, amount: Decimal) -> dict[str, Any]:
    return {"__typename": "MoneyV2", "amount": graphql_amount(amount), "currencyCode": price_list.currency}
