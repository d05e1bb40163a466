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
    "read_products",
    "read_customers",
    "read_locations",
    "read_inventory",
    "write_inventory",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_payment_terms",
    "read_returns",
)


@dataclass(frozen=True, slots=True)
class LocationSeed:
    id: int
    name: str
    country: str
    city: str
    province: str | None = None


@dataclass(frozen=True, slots=True)
class VariantSeed:
    id: int
    product: int
    inventory_item: int
    title: str
    sku: str
    price: Decimal
    grams: int
    variant: str | None = None
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


def load_world(path: Path) -> tuple[ShopSeed, ...]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_shop(table, document) for table in document["shops"])


def _shop(table: Mapping[str, Any], document: Mapping[str, Any]) -> ShopSeed:
    store = table["store"]
    locations = tuple(
        LocationSeed(**{key: value for key, value in row.items() if key != "shop"})
        for row in document["locations"]
        if row["shop"] == store
    )
    variants = tuple(_variant(row) for row in document["variants"] if row["shop"] == store)
    return ShopSeed(
        **{
            **table,
            "webhook_secrets": tuple(table["webhook_secrets"]),
            "scopes": tuple(table.get("scopes", DEFAULT_SCOPES)),
        },
        locations=locations,
        variants=variants,
    )


def _variant(row: Mapping[str, Any]) -> VariantSeed:
    fields = {key: value for key, value in row.items() if key != "shop"}
    fields["price"] = Decimal(row["price"])
    fields["available"] = {int(location): quantity for location, quantity in row["available"].items()}
    return VariantSeed(**fields)
