"""The shop's own prices in the Admin API: those on the variants, in the shop's currency."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from shared.model import ShopPrice
from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import search_time

MOST_VARIANTS: Final = 2048
"""Of one product in a call, and of one product at all."""
VARIANT_PRICES: Final = "price_variants_set"
"""The document that sets prices of one product's variants."""
ALL_VARIANTS: Final = "price_variants_all"
"""The document that lists every variant's price in bulk; its nodes are read by `price_of`."""
_GONE: Final = frozenset({"PRODUCT_DOES_NOT_EXIST", "PRODUCT_VARIANT_DOES_NOT_EXIST"})


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """The shop's settings that its prices depend on."""

    currency: str
    includes_tax: bool
    variants: int
    """How many the shop has; of more than 10,000 Shopify tells no more than that."""


class VariantPage(NamedTuple):
    prices: list[ShopPrice]
    after: str | None
    """Where the next page begins; None after the last."""


class NewPrice(NamedTuple):
    """A price to set on a variant."""

    variant: int
    price: Decimal
    compare_at: Decimal | None
    keeps_compare_at: bool
    """The merchant's compare-at price stays."""


@dataclass(frozen=True, slots=True)
class PriceRejection:
    """Why Shopify did not set a price."""

    variant: int | None
    """None for all of the call."""
    message: str
    is_gone: bool = False
    """There is nothing to set or to delete: the variant is deleted, or a list has no price of its own for it."""


async def read_price_settings(admin: QueryRunner) -> PriceSettings:
    data = await admin.run(queries.load("price_shop"), {})
    shop, count = data["shop"], data["productVariantsCount"]["count"]
    return PriceSettings(shop["currencyCode"], shop["taxesIncluded"], count)


async def read_variant_page(admin: QueryRunner, *, after: str | None, since: datetime | None) -> VariantPage:
    """The 250 variants after a cursor, by id: all of the shop, or those that changed at or after the time."""
    query = None if since is None else f"updated_at:>={search_time(since)}"
    page = (await admin.run(queries.load("price_variants"), {"query": query, "after": after}))["productVariants"]
    info = page["pageInfo"]
    return VariantPage([price_of(node) for node in page["nodes"]], info["endCursor"] if info["hasNextPage"] else None)


async def set_variant_prices(admin: QueryRunner, product: int, prices: Sequence[NewPrice]) -> list[PriceRejection]:
    """Sets prices of one product's variants: all but those that are in the result.

    Raises OutcomeUnknownError where the answer was lost: what Shopify shows tells whether it has set them.
    """
    data = await admin.run(queries.load(VARIANT_PRICES), variant_prices_input(product, prices))
    return rejections_of(user_errors(data["productVariantsBulkUpdate"]), prices)


def variant_prices_input(product: int, prices: Sequence[NewPrice]) -> dict[str, Any]:
    """The variables of VARIANT_PRICES."""
    return {"product": gid_of("Product", product), "variants": [_input(price) for price in prices]}


def rejections_of(errors: Iterable[UserError], prices: Sequence[NewPrice]) -> list[PriceRejection]:
    return [_rejection(error, prices) for error in errors]


def price_of(node: dict[str, Any]) -> ShopPrice:
    return ShopPrice(
        variant=number_of(node["id"]),
        product=number_of(node["product"]["id"]),
        sku=(node["sku"] or "").strip(),
        price=Decimal(node["price"]),
        compare_at=decimal_or_none(node["compareAtPrice"]),
    )


def decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _input(price: NewPrice) -> dict[str, Any]:
    given: dict[str, Any] = {"id": gid_of("ProductVariant", price.variant), "price": price.price}
    # No compare-at price is null: with 0 the product would be shown as reduced.
    return given if price.keeps_compare_at else given | {"compareAtPrice": price.compare_at}


def _rejection(error: UserError, prices: Sequence[NewPrice]) -> PriceRejection:
    at = index_of(error.field, "variants", len(prices))
    return PriceRejection(None if at is None else prices[at].variant, error.message, error.code in _GONE)


def index_of(path: Iterable[str], name: str, size: int) -> int | None:
    """The position in the list of this name that a user error's path has, as ("variants", "17", "price")."""
    parts = list(path)
    if name not in parts[:-1]:
        return None
    at = parts[parts.index(name) + 1]
    return int(at) if at.isdecimal() and int(at) < size else None
