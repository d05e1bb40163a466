"""The fields of a variant: all of a new one, the differing ones of one that the shop has."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from shared.mapping.products.shop.given import Withheld, digest_of
from shared.mapping.products.shop.owned import Owned, changed_metafields, same_code, same_weight
from shared.model import ListedPrice, Metafield, ShopVariant, VariantFields, VariantValues, WantedVariant, Weight


def new_variant(
    wanted: WantedVariant, values: VariantValues, price: ListedPrice | None, locations: tuple[int, ...]
) -> VariantFields:
    """An approved variant that the shop does not have. It cannot be sold beyond its stock, of which it has none: it is
    counted unless F&O says otherwise.
    """
    tracked = wanted.tracked is not False
    return VariantFields(
        values=values,
        sku=wanted.sku,
        barcode=wanted.barcode,
        price=price.price if price else None,
        compare_at=price.compare_at if price else None,
        denies_overselling=True,
        weight=wanted.weight,
        hs_code=wanted.hs_code,
        origin_country=wanted.origin_country,
        origin_province=wanted.origin_province,
        cost=wanted.cost,
        tracked=tracked,
        requires_shipping=wanted.requires_shipping,
        tax_code=wanted.tax_code,
        metafields=wanted.metafields,
        stocked_at=locations if tracked else (),
    )


def variant_changes(
    wanted: WantedVariant,
    shop: ShopVariant,
    owned: Owned,
    *,
    price: ListedPrice | None = None,
    values: VariantValues | None = None,
    with_tax_code: bool = False,
) -> VariantFields | None:
    """None for nothing to change. `price` is set where the shop has none; changing prices is the flow of prices."""
    is_priced = price is not None and price.price > 0 and shop.price == 0
    # Shopify takes a province only with its country.
    country, province = wanted.origin_country, wanted.origin_province
    origin = (shop.origin_country or "", shop.origin_province or "")
    has_origin = not owned("origin") or (country in {None, origin[0]} and province in {None, origin[1]})
    changes = VariantFields(
        id=shop.id,
        values=values,
        sku=_differing(wanted.sku, shop.sku),
        barcode=_differing(wanted.barcode, shop.barcode) if owned("barcode") else None,
        price=price.price if is_priced and price else None,
        compare_at=price.compare_at if is_priced and price else None,
        weight=_weight(wanted.weight, shop.weight) if owned("weight") else None,
        hs_code=_code(wanted.hs_code, shop.hs_code) if owned("hs_code") else None,
        origin_country=None if has_origin else country,
        origin_province=None if has_origin else province,
        cost=_amount(wanted.cost, shop.cost) if owned("cost") else None,
        tracked=_differing(wanted.tracked, shop.tracked) if owned("tracked") else None,
        requires_shipping=_differing(wanted.requires_shipping, shop.requires_shipping)
        if owned("requires_shipping")
        else None,
        tax_code=wanted.tax_code if with_tax_code else None,
        metafields=_metafields(wanted, shop) if owned("metafields") else (),
    )
    return None if changes == VariantFields(id=shop.id) else changes


def withheld_variant(shop: ShopVariant) -> VariantFields | None:
    """What keeps a variant from being bought: it is counted, has no stock, and is not sold beyond it."""
    if shop.tracked and shop.denies_overselling:
        return None
    return VariantFields(id=shop.id, tracked=_differing(True, shop.tracked), denies_overselling=True)


def given_back(shop: ShopVariant, before: Withheld, wanted: WantedVariant) -> VariantFields | None:
    """What a variant gets back when it may be bought again."""
    tracked = before.tracked if wanted.tracked is None else wanted.tracked
    fields = VariantFields(
        id=shop.id,
        tracked=_differing(tracked, shop.tracked),
        denies_overselling=_differing(not before.sold_beyond_stock, shop.denies_overselling),
    )
    return None if fields == VariantFields(id=shop.id) else fields


def tax_codes_digest(variants: Iterable[WantedVariant]) -> str:
    """Of the tax codes of all variants; "" for none."""
    codes = sorted(f"{variant.sku}\t{variant.tax_code}" for variant in variants if variant.tax_code is not None)
    return digest_of("\n".join(codes)) if codes else ""


def _differing[Value](wanted: Value | None, shown: Value) -> Value | None:
    return None if wanted is None or wanted == shown else wanted


def _weight(wanted: Weight | None, shown: Weight | None) -> Weight | None:
    return None if wanted is None or same_weight(wanted, shown) else wanted


def _code(wanted: str | None, shown: str | None) -> str | None:
    return None if wanted is None or same_code(wanted, shown) else wanted


def _amount(wanted: Decimal | None, shown: Decimal | None) -> Decimal | None:
    return None if wanted is None or wanted == shown else wanted


def _metafields(wanted: WantedVariant, shop: ShopVariant) -> tuple[Metafield, ...]:
    return changed_metafields(wanted.metafields, shop.metafields)
