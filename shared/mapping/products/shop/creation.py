"""A product that the shop does not have yet: what it is created with, as a draft."""

from __future__ import annotations

from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.given import Given, given_metafield, item_metafield
from shared.mapping.products.shop.options import PLAIN_VALUES
from shared.mapping.products.shop.policy import ShopPolicy
from shared.mapping.products.shop.tags import clean_tags
from shared.mapping.products.shop.variants import new_variant, tax_codes_digest
from shared.model import (
    Metafield,
    NewOption,
    NewProduct,
    ProductFields,
    ProductStatus,
    VariantPrices,
    VariantValues,
    WantedProduct,
    WantedVariant,
)

_QUANTITIES: Final = 50_000
"""Stock figures that Shopify takes in one call. Further variants are added after the product was made."""


def new_product(wanted: WantedProduct, prices: VariantPrices, policy: ShopPolicy) -> NewProduct | None:
    """A draft with all approved variants, each with 0 units at every location; None if none is approved.

    Raises RefusedError PRODUCT_VARIANTS_FULL.
    """
    approved = [variant for variant in wanted.variants if variant.is_approved]
    if not wanted.is_approved or not approved:
        return None
    if len(approved) > policy.most_variants:
        raise RefusedError(
            ErrorCode.PRODUCT_VARIANTS_FULL,
            item=wanted.item_number,
            product="(new)",
            has=0,
            more=len(approved),
            limit=policy.most_variants,
        )
    first = approved[: _QUANTITIES // max(1, len(policy.locations))]
    tags = clean_tags(wanted.tags)
    given = Given(tags=frozenset(tags), tax_codes=tax_codes_digest(first), to_give=_to_give(wanted))
    return NewProduct(
        item_number=wanted.item_number,
        fields=ProductFields(
            title=wanted.title,
            description_html=wanted.description_html,
            vendor=wanted.vendor,
            product_type=wanted.product_type,
            category=wanted.category,
            status=ProductStatus.DRAFT,
        ),
        options=tuple(
            NewOption(option.name, tuple(value for value in option.values if value in {v.values[place] for v in first}))
            for place, option in enumerate(wanted.options)
        ),
        variants=tuple(
            new_variant(each, _values(wanted, each), prices.get(each.item), policy.locations) for each in first
        ),
        tags=tags,
        metafields=(item_metafield(wanted.item_number), *_remembered(given), *wanted.metafields),
    )


def _remembered(given: Given) -> tuple[Metafield, ...]:
    return () if given == Given() else (given_metafield(given),)


def _values(wanted: WantedProduct, variant: WantedVariant) -> VariantValues:
    names = [option.name for option in wanted.options]
    return tuple(zip(names, variant.values, strict=True)) if names else PLAIN_VALUES


def _to_give(wanted: WantedProduct) -> frozenset[str]:
    """What is given once, and only after the product was made."""
    later = {"images": bool(wanted.images), "translations": bool(wanted.translations or wanted.value_translations)}
    return frozenset(name for name, is_there in later.items() if is_there and name in wanted.once)
