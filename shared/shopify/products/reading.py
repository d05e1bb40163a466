"""Reading products whole: their fields, options, all variants, and what the app remembers of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from shared.model import (
    MediaStatus,
    Metafield,
    ProductStatus,
    ShopLimits,
    ShopOption,
    ShopPicture,
    ShopProduct,
    ShopVariant,
    Weight,
)
from shared.shopify import queries
from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import all_nodes, node_pages, search_time

MOST_AT_ONCE: Final = 25
"""Products to a call. It costs what the largest product costs, whatever their number; the answer must stay readable."""

_DENY: Final = "DENY"


@dataclass(frozen=True, slots=True)
class ProductSelection:
    """What is read of a product besides the fields that every product has."""

    metafields: tuple[str, ...] = ()
    """Names with their namespace: custom.material."""
    variant_metafields: tuple[str, ...] = ()
    pictures: bool = False

    @property
    def variables(self) -> Json:
        return {
            **self.of_variants,
            "metafields": _keys(self.metafields),
            "hasMetafields": bool(self.metafields),
            "hasPictures": self.pictures,
        }

    @property
    def of_variants(self) -> Json:
        return {
            "variantMetafields": _keys(self.variant_metafields),
            "hasVariantMetafields": bool(self.variant_metafields),
        }


def _keys(names: tuple[str, ...]) -> list[str] | None:
    """None for all metafields: whether Shopify takes the app's own namespaces in this list is not known."""
    return None if any(name.startswith("$app") for name in names) else list(names)


class ChangedProduct(NamedTuple):
    id: int
    updated_at: str
    """As Shopify writes it."""


async def read_products(
    admin: QueryRunner, numbers: Sequence[int], selection: ProductSelection
) -> dict[int, ShopProduct]:
    """The products by id, in as few calls as possible; without those that the shop does not have."""
    found: dict[int, ShopProduct] = {}
    for start in range(0, len(numbers), MOST_AT_ONCE):
        batch = numbers[start : start + MOST_AT_ONCE]
        variables = {"products": [gid_of("Product", number) for number in batch], **selection.variables}
        nodes = (await admin.run(queries.load("product_read"), variables))["nodes"]
        for number, node in zip(batch, nodes, strict=True):
            if node:
                found[number] = await whole_product(admin, node, selection)
    return found


async def find_by_item(admin: QueryRunner, item_number: str, selection: ProductSelection) -> ShopProduct | None:
    """The product whose id metafield holds the item number."""
    variables = {"item": item_number, **selection.variables}
    node = (await admin.run(queries.load("product_by_item"), variables))["productByIdentifier"]
    return await whole_product(admin, node, selection) if node else None


async def whole_product(admin: QueryRunner, node: Json, selection: ProductSelection) -> ShopProduct:
    """The product of an answer that has its first variants; the others are read."""
    variants = await all_nodes(admin, node, "variants", "product", "product_variants", **selection.of_variants)
    options = tuple(
        ShopOption(
            id=number_of(option["id"]),
            name=option["name"],
            values=tuple((number_of(value["id"]), value["name"]) for value in option["optionValues"]),
        )
        for option in node["options"]
    )
    return ShopProduct(
        id=number_of(node["id"]),
        item_number=node["item"]["value"] if node["item"] else None,
        status=ProductStatus(node["status"]),
        title=node["title"],
        description_html=node["descriptionHtml"] or "",
        vendor=node["vendor"] or "",
        product_type=node["productType"] or "",
        category=node["category"]["id"] if node["category"] else None,
        tags=tuple(node["tags"]),
        options=options,
        variants=tuple(_variant(each, options) for each in variants),
        metafields=_metafields(node),
        publications=frozenset(
            number_of(each["publication"]["id"]) for each in node["resourcePublicationsV2"]["nodes"]
        ),
        given=node["given"]["value"] if node["given"] else "",
        pictures=pictures_of(node),
    )


def pictures_of(node: Json) -> tuple[ShopPicture, ...]:
    """Of an answer that may have pictures."""
    return tuple(_picture(each) for each in (node.get("media") or {"nodes": ()})["nodes"])


async def read_changed_products(admin: QueryRunner, since: datetime) -> AsyncIterator[list[ChangedProduct]]:
    """Products that anybody changed at or after the time, the app too; page by page."""
    query = f"updated_at:>={search_time(since)}"
    async for nodes in node_pages(admin, "product_changed", "products", query=query):
        yield [ChangedProduct(number_of(node["id"]), node["updatedAt"]) for node in nodes]


async def read_limits(admin: QueryRunner) -> ShopLimits:
    data = await admin.run(queries.load("product_limits"), {})
    limits = data["shop"]["resourceLimits"]
    return ShopLimits(
        currency=data["shop"]["currencyCode"],
        options=limits["maxProductOptions"],
        variants=limits["maxProductVariants"],
        has_variants=data["productVariantsCount"]["count"],
    )


async def read_publications(admin: QueryRunner) -> dict[int, str]:
    """The shop's sales channels: publication -> name, "" for one without a catalog."""
    return {
        number_of(node["id"]): (node["catalog"] or {}).get("title") or ""
        async for nodes in node_pages(admin, "product_publications", "publications")
        for node in nodes
    }


def _variant(node: Json, options: Iterable[ShopOption]) -> ShopVariant:
    item = node["inventoryItem"]
    chosen = {each["name"]: each["value"] for each in node["selectedOptions"]}
    weight = (item["measurement"] or {}).get("weight")
    return ShopVariant(
        id=number_of(node["id"]),
        inventory_item=number_of(item["id"]),
        sku=node["sku"] or "",
        barcode=node["barcode"] or "",
        values=tuple(chosen.get(option.name, "") for option in options),
        price=Decimal(node["price"]),
        compare_at=_amount(node["compareAtPrice"]),
        denies_overselling=node["inventoryPolicy"] == _DENY,
        weight=Weight(Decimal(str(weight["value"])), weight["unit"]) if weight else None,
        hs_code=item["harmonizedSystemCode"],
        origin_country=item["countryCodeOfOrigin"],
        origin_province=item["provinceCodeOfOrigin"],
        cost=_amount(item["unitCost"]["amount"]) if item["unitCost"] else None,
        tracked=item["tracked"],
        requires_shipping=item["requiresShipping"],
        metafields=_metafields(node),
    )


def _metafields(node: Json) -> tuple[Metafield, ...]:
    nodes = (node.get("metafields") or {"nodes": ()})["nodes"]
    return tuple(Metafield(each["namespace"], each["key"], each["type"], each["value"]) for each in nodes)


def _picture(node: Json) -> ShopPicture:
    address = ((node.get("image") or {}).get("url") or "").partition("?")[0]
    errors = (f"{each['message']} ({each['code']})" for each in node["mediaErrors"])
    return ShopPicture(
        id=number_of(node["id"]),
        status=MediaStatus(node["status"]),
        alt=node["alt"] or "",
        file_name=address.rpartition("/")[2],
        error="; ".join(errors),
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
