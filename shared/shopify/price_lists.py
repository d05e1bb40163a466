"""Price lists in the Admin API: their own ("fixed") prices, quantity breaks and quantity rules.

Shopify calculates a variant without a price of its own on a list by the list's adjustment of the shop's price.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched
from typing import Any, Final, NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.model import ListedPrice, PriceTier, QuantityRule
from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import node_pages
from shared.shopify.prices import PriceRejection, decimal_or_none, index_of

BATCH: Final = 250
"""Prices in a call: Shopify takes at most 250 elements in an input array."""

_SEARCHED: Final = 50
"""Variants in a search: Shopify does not say how long one may be."""

TIER_BATCH: Final = 100
"""Variants in a call with quantity breaks, of which each may have several."""

_AS_THE_SHOP: Final = {
    "adjustment": {"type": "PERCENTAGE_DECREASE", "value": 0},
    "settings": {"compareAtMode": "NULLIFY"},
}
_GONE: Final = frozenset(
    {
        "PRICE_ADD_VARIANT_NOT_FOUND",
        "PRICE_DELETE_PRICE_NOT_FIXED",
        "PRICE_DELETE_VARIANT_NOT_FOUND",
        "PRICE_NOT_FIXED",
        "QUANTITY_PRICE_BREAK_DELETE_BY_VARIANT_ID_VARIANT_NOT_FOUND",
        "VARIANT_NOT_FOUND",
    }
)


@dataclass(frozen=True, slots=True)
class ShopPriceList:
    id: int
    name: str
    currency: str
    catalog: str | None
    """Its catalog's global id; None for a list that belongs to none."""


class ListPage(NamedTuple):
    prices: dict[int, ListedPrice]
    """By variant."""
    after: str | None


class NewListPrice(NamedTuple):
    """A price of a list to set, or to delete."""

    variant: int
    price: ListedPrice | None
    """None deletes it, with its quantity breaks and its quantity rule."""
    had_rule: bool = False
    """The list has a quantity rule for the variant now."""
    is_fixed: bool = True
    """The list has a price of its own for the variant now."""


async def find_price_list(admin: QueryRunner, name: str) -> ShopPriceList | None:
    """The list of this name; Shopify has one at most."""
    async for nodes in node_pages(admin, "price_lists", "priceLists"):
        for node in nodes:
            if node["name"].casefold() == name.casefold():
                catalog = node["catalog"]
                return ShopPriceList(number_of(node["id"]), node["name"], node["currency"], catalog and catalog["id"])
    return None


async def create_price_list(admin: QueryRunner, name: str, currency: str) -> int:
    """The id of a new list that shows the shop's prices until it has prices of its own.

    Raises RefusedError PRICE_LIST_REFUSED, and OutcomeUnknownError where the answer was lost.
    """
    given = {"name": name, "currency": currency, "parent": _AS_THE_SHOP}
    answer = (await admin.run(queries.load("price_list_create"), {"input": given}))["priceListCreate"]
    raise_for_errors(name, user_errors(answer))
    return number_of(answer["priceList"]["id"])


async def read_list_page(
    admin: QueryRunner, price_list: int, *, after: str | None, with_tiers: bool
) -> ListPage | None:
    """The list's own prices after a cursor. None if the list is deleted."""
    document = "price_list_tiers" if with_tiers else "price_list_prices"
    data = await admin.run(queries.load(document), {"list": gid_of("PriceList", price_list), "after": after})
    if data["priceList"] is None:
        return None
    page = data["priceList"]["prices"]
    info = page["pageInfo"]
    prices = {number_of(node["variant"]["id"]): _price(node) for node in page["nodes"]}
    return ListPage(prices, info["endCursor"] if info["hasNextPage"] else None)


async def read_quantity_rules(admin: QueryRunner, price_list: int) -> AsyncIterator[dict[int, QuantityRule]]:
    """The list's own quantity rules by variant, page by page."""
    after: str | None = None
    while True:
        variables = {"list": gid_of("PriceList", price_list), "after": after}
        found = (await admin.run(queries.load("price_list_rules"), variables))["priceList"]
        if found is None:
            return
        page = found["quantityRules"]
        yield {
            number_of(node["productVariant"]["id"]): QuantityRule(node["minimum"], node["maximum"], node["increment"])
            for node in page["nodes"]
        }
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


async def read_compare_at(admin: QueryRunner, price_list: int, variants: Iterable[int]) -> dict[int, Decimal | None]:
    """The compare-at price that the list shows now, of each of the variants that it has a price of its own for."""
    found: dict[int, Decimal | None] = {}
    for some in batched(variants, _SEARCHED, strict=False):
        query = " OR ".join(f"variant_id:{variant}" for variant in some)
        variables = {"list": gid_of("PriceList", price_list), "query": query}
        answer = (await admin.run(queries.load("price_list_compare_at"), variables))["priceList"]
        for node in answer["prices"]["nodes"] if answer else ():
            amount = node["compareAtPrice"]
            found[number_of(node["variant"]["id"])] = decimal_or_none(amount and amount["amount"])
    return found


async def set_list_prices(
    admin: QueryRunner, price_list: ShopPriceList, prices: Sequence[NewListPrice]
) -> list[PriceRejection]:
    """Sets and deletes prices without quantity breaks: none of them where the result names any.

    Raises RefusedError PRICE_LIST_REFUSED for a list that is deleted.
    """
    added = [each for each in prices if each.price is not None]
    deleted = [each for each in prices if each.price is None]
    variables = {
        "list": gid_of("PriceList", price_list.id),
        "set": [_price_input(each, price_list.currency) for each in added],
        "delete": [gid_of("ProductVariant", each.variant) for each in deleted],
    }
    answer = (await admin.run(queries.load("price_list_set"), variables))["priceListFixedPricesUpdate"]
    places = {"pricesToAdd": added, "variantIdsToDelete": deleted}
    return _rejections(price_list, user_errors(answer), places)


async def set_tiered_prices(
    admin: QueryRunner,
    price_list: ShopPriceList,
    prices: Sequence[NewListPrice],
    *,
    with_tiers: bool,
    with_rules: bool,
) -> list[PriceRejection]:
    """Sets and deletes prices with their quantity breaks and quantity rules: none of them where the result names any.

    Breaks are replaced as a whole: Shopify deletes before it adds, in the same step. Raises as set_list_prices.
    """
    currency = price_list.currency
    added = [each for each in prices if each.price is not None]
    deleted = [each for each in prices if each.price is None and each.is_fixed]
    tiers = [
        {"variantId": variant, "minimumQuantity": tier.minimum, "price": _money(tier.price, currency)}
        for variant, price in _by_gid(added)
        for tier in price.tiers
    ]
    rules = [
        {"variantId": variant, "minimum": rule.minimum, "maximum": rule.maximum, "increment": rule.increment}
        for variant, price in _by_gid(added)
        if (rule := price.quantities) is not None
    ]
    without_rule = [each for each in prices if each.had_rule and (each.price is None or each.price.quantities is None)]
    given = {
        "pricesToAdd": [_price_input(each, currency) for each in added],
        "pricesToDeleteByVariantId": [gid_of("ProductVariant", each.variant) for each in deleted],
        "quantityPriceBreaksToAdd": tiers if with_tiers else [],
        "quantityPriceBreaksToDelete": [],
        "quantityPriceBreaksToDeleteByVariantId": [
            gid_of("ProductVariant", each.variant) for each in prices if with_tiers
        ],
        "quantityRulesToAdd": rules if with_rules else [],
        "quantityRulesToDeleteByVariantId": [
            gid_of("ProductVariant", each.variant) for each in without_rule if with_rules
        ],
    }
    variables = {"list": gid_of("PriceList", price_list.id), "input": given}
    answer = (await admin.run(queries.load("price_list_tiers_set"), variables))["quantityPricingByVariantUpdate"]
    places = {
        "pricesToAdd": added,
        "pricesToDeleteByVariantId": deleted,
        "quantityPriceBreaksToDeleteByVariantId": list(prices),
        "quantityRulesToDeleteByVariantId": without_rule,
        "quantityPriceBreaksToAdd": [each for each in added if each.price for _ in each.price.tiers],
        "quantityRulesToAdd": [each for each in added if each.price and each.price.quantities is not None],
    }
    return _rejections(price_list, user_errors(answer), places)


def raise_for_errors(name: str, errors: Sequence[UserError]) -> None:
    """Raises RefusedError PRICE_LIST_REFUSED for any."""
    if errors:
        message = "; ".join(error.message for error in errors)
        raise RefusedError(ErrorCode.PRICE_LIST_REFUSED, list=name, message=message)


def _price(node: dict[str, Any]) -> ListedPrice:
    compare_at = node["compareAtPrice"]
    tiers = (node.get("quantityPriceBreaks") or {"nodes": ()})["nodes"]
    return ListedPrice(
        price=Decimal(node["price"]["amount"]),
        compare_at=decimal_or_none(compare_at and compare_at["amount"]),
        tiers=tuple(sorted(PriceTier(each["minimumQuantity"], Decimal(each["price"]["amount"])) for each in tiers)),
    )


def _price_input(each: NewListPrice, currency: str) -> dict[str, Any]:
    price = each.price or ListedPrice(Decimal(0))
    given = {"variantId": gid_of("ProductVariant", each.variant), "price": _money(price.price, currency)}
    return given if price.compare_at is None else given | {"compareAtPrice": _money(price.compare_at, currency)}


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currencyCode": currency}


def _by_gid(prices: Sequence[NewListPrice]) -> list[tuple[str, ListedPrice]]:
    return [(gid_of("ProductVariant", each.variant), each.price) for each in prices if each.price is not None]


def _rejections(
    price_list: ShopPriceList, errors: Sequence[UserError], places: dict[str, list[NewListPrice]]
) -> list[PriceRejection]:
    raise_for_errors(price_list.name, [error for error in errors if error.field[-1:] == ("priceListId",)])
    return [_rejection(error, places) for error in errors]


def _rejection(error: UserError, places: dict[str, list[NewListPrice]]) -> PriceRejection:
    for name, prices in places.items():
        if (at := index_of(error.field, name, len(prices))) is not None:
            return PriceRejection(prices[at].variant, error.message, error.code in _GONE)
    return PriceRejection(None, error.message)
