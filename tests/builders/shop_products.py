"""A product of F&O with two colours and two sizes, and what the shop has of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from shared.mapping.products.shop.given import Given
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import (
    Item,
    ListedPrice,
    ProductOption,
    ProductStatus,
    ShopOption,
    ShopProduct,
    ShopVariant,
    WantedProduct,
    WantedVariant,
)

COLORS: Final = {"R": "Red", "G": "Green"}
SIZES: Final = {"S": "Small", "L": "Large"}
PUBLICATION: Final = 7
LOCATIONS: Final = (11, 12)
POLICY: Final = ShopPolicy(locations=LOCATIONS, publications=(PUBLICATION,))
FIRST_VARIANT: Final = 500


def item(color: str, size: str) -> Item:
    return Item("TENT", color=color, size=size)


def sku(color: str, size: str) -> str:
    return f"TENT-{color}{size}"


PAIRS: Final = [(color, size) for color in COLORS for size in SIZES]
ITEMS: Final = [item(*pair) for pair in PAIRS]


def wanted_variant(color: str, size: str, **fields: Any) -> WantedVariant:
    fields = {"values": (COLORS.get(color, color), SIZES.get(size, size)), **fields}
    return WantedVariant(item=item(color, size), sku=sku(color, size), **fields)


def wanted(**fields: Any) -> WantedProduct:
    """The product as F&O has it."""
    product = WantedProduct(
        item_number="TENT",
        is_approved=True,
        title="Tent",
        options=(
            ProductOption("Color", "ProductColorId", tuple(COLORS.values()), tuple(COLORS)),
            ProductOption("Size", "ProductSizeId", tuple(SIZES.values()), tuple(SIZES)),
        ),
        variants=tuple(wanted_variant(*pair) for pair in PAIRS),
    )
    return replace(product, **fields)


def wanted_plain(**fields: Any) -> WantedProduct:
    """A product without variants."""
    variant = WantedVariant(item=Item("MAP"), sku="MAP")
    return replace(WantedProduct(item_number="MAP", is_approved=True, title="Map", variants=(variant,)), **fields)


def with_variant(product: WantedProduct, color: str, size: str, **fields: Any) -> WantedProduct:
    """The product with other fields of one variant."""
    changed = tuple(replace(each, **fields) if each.item == item(color, size) else each for each in product.variants)
    return replace(product, variants=changed)


def prices(price: str | None = "99.00", *, items: list[Item] | None = None) -> dict[Item, ListedPrice | None]:
    listed = ListedPrice(Decimal(price)) if price is not None else None
    return dict.fromkeys(ITEMS if items is None else items, listed)


def shop_variant(number: int, **fields: Any) -> ShopVariant:
    variant = ShopVariant(
        id=number,
        inventory_item=number + 1000,
        sku="",
        barcode="",
        values=("Default Title",),
        price=Decimal("99.0"),
        compare_at=None,
        denies_overselling=True,
        weight=None,
        hs_code=None,
        origin_country=None,
        origin_province=None,
        cost=None,
        tracked=True,
        requires_shipping=True,
    )
    return replace(variant, **fields)


def shop(**fields: Any) -> ShopProduct:
    """The same product as the shop has it: active and published."""
    product = ShopProduct(
        id=42,
        item_number="TENT",
        status=ProductStatus.ACTIVE,
        title="Tent",
        description_html="",
        vendor="",
        product_type="",
        category=None,
        tags=(),
        options=(
            ShopOption(301, "Color", ((311, "Red"), (312, "Green"))),
            ShopOption(302, "Size", ((321, "Small"), (322, "Large"))),
        ),
        variants=tuple(
            shop_variant(FIRST_VARIANT + number, sku=sku(*pair), values=(COLORS[pair[0]], SIZES[pair[1]]))
            for number, pair in enumerate(PAIRS)
        ),
        publications=frozenset({PUBLICATION}),
    )
    return replace(product, **fields)


def shop_plain(**fields: Any) -> ShopProduct:
    product = shop(
        item_number="MAP",
        title="Map",
        options=(ShopOption(301, "Title", ((311, "Default Title"),)),),
        variants=(shop_variant(FIRST_VARIANT, sku="MAP"),),
    )
    return replace(product, **fields)


def with_shop_variant(product: ShopProduct, color: str, size: str, **fields: Any) -> ShopProduct:
    changed = tuple(replace(each, **fields) if each.sku == sku(color, size) else each for each in product.variants)
    return replace(product, variants=changed)


def without_shop_variant(product: ShopProduct, color: str, size: str) -> ShopProduct:
    return replace(product, variants=tuple(each for each in product.variants if each.sku != sku(color, size)))


def remembering(product: ShopProduct, **given: Any) -> ShopProduct:
    return replace(product, given=Given(**given).text)
