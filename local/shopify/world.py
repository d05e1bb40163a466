"""The shops that the simulator holds at start, read from world.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

#: What the app is granted when world.toml names no `scopes` for a shop.
DEFAULT_SCOPES = (
    "read_orders",
    "write_orders",
    "write_products",
    "read_customers",
    "read_locations",
    "read_inventory",
    "write_inventory",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_payment_terms",
    "read_returns",
    "write_publications",
    "write_files",
    "write_translations",
    "read_locales",
    "read_markets",
)


@dataclass(frozen=True, slots=True)
class LocationSeed:
    id: int
    name: str
    country: str
    city: str
    province: str | None = None


@dataclass(frozen=True, slots=True)
class PublicationSeed:
    id: int
    name: str
    takes_dates: bool = False


@dataclass(frozen=True, slots=True)
class MarketSeed:
    id: int
    name: str
    currency: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class CompanyLocationSeed:
    """`id` 0 for a new one."""

    company: str
    name: str
    currency: str
    id: int = 0
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class VariantSeed:
    """`variant` is its title: the values of the `options`, which are the same for all variants of a product."""

    id: int
    product: int
    inventory_item: int
    title: str
    sku: str
    price: Decimal
    grams: int
    variant: str | None = None
    options: tuple[str, ...] = ()
    available: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShopSeed:
    """One shop. `webhook_secrets` run from the newest to the oldest."""

    store: str
    id: int
    domain: str
    name: str
    currency: str
    country: str
    timezone: str
    taxes_included: bool
    webhook_secrets: tuple[str, ...]
    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    locations: tuple[LocationSeed, ...]
    variants: tuple[VariantSeed, ...]
    publications: tuple[PublicationSeed, ...]
    markets: tuple[MarketSeed, ...]
    company_locations: tuple[CompanyLocationSeed, ...]
    #: the shop's own language, and those that its texts can be translated to
    locale: str = "en"
    locales: tuple[str, ...] = ()


def load_world(path: Path) -> tuple[ShopSeed, ...]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_shop(table, document) for table in document["shops"])


def _shop(table: Mapping[str, Any], document: Mapping[str, Any]) -> ShopSeed:
    store = table["store"]
    locations = tuple(LocationSeed(**row) for row in _of_shop(document, "locations", store))
    publications = tuple(PublicationSeed(**row) for row in _of_shop(document, "publications", store))
    markets = tuple(MarketSeed(**row) for row in _of_shop(document, "markets", store))
    companies = tuple(CompanyLocationSeed(**row) for row in _of_shop(document, "company_locations", store))
    variants = tuple(_variant(row) for row in _of_shop(document, "variants", store))
    return ShopSeed(
        **{
            **table,
            "webhook_secrets": tuple(table["webhook_secrets"]),
            "locales": tuple(table.get("locales", ())),
            "scopes": tuple(table.get("scopes", DEFAULT_SCOPES)),
        },
        locations=locations,
        variants=variants,
        publications=publications,
        markets=markets,
        company_locations=companies,
    )


def _of_shop(document: Mapping[str, Any], table: str, store: str) -> list[dict[str, Any]]:
    rows = (row for row in document.get(table, ()) if row["shop"] == store)
    return [{key: value for key, value in row.items() if key != "shop"} for row in rows]


def _variant(row: Mapping[str, Any]) -> VariantSeed:
    fields = {**row, "price": Decimal(row["price"]), "options": tuple(row.get("options", ()))}
    fields["available"] = {int(location): quantity for location, quantity in row["available"].items()}
    return VariantSeed(**fields)
