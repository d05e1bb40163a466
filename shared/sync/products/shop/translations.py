"""Brings F&O's texts in other languages to a product, its options and their values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from shared.errors import RefusedError
from shared.mapping.products.shop.given import Given
from shared.mapping.products.shop.translations import differing, stored_translations, wanted_translations
from shared.model import Registered, ShopProduct, TranslatableText, WantedProduct
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.translations import read_translatable, register_translations
from shared.sync.products.shop.session import ProductSession

_NAME = "translations"


async def read_together(
    products: Iterable[tuple[WantedProduct, ShopProduct]], admin: QueryRunner
) -> Mapping[str, list[TranslatableText]] | None:
    """By locale the texts of many products: a page of 200 resources costs three times what one of 8 does.

    None where Shopify refuses the reading: each product reads its own, and tells why.
    """
    due = [(wanted, shop) for wanted, shop in products if _is_due(wanted, Given.of_text(shop.given))]
    try:
        return await _read(due, admin)
    except RefusedError:
        return None


async def bring_translations(session: ProductSession, given: Given) -> Given:
    """What has to be remembered then: one reading a locale, unless the texts were read with other products' and nothing
    was written since, and one call for each resource with other texts.
    """
    wanted = session.wanted
    if not _is_due(wanted, given):
        return given
    texts = session.texts if session.calls == 0 else None
    if texts is None:
        texts = await session.attempt(_read([(wanted, session.shop)], session.admin)) or {}
    rows: defaultdict[str, list[Registered]] = defaultdict(list)
    for locale, translated in wanted_translations(wanted, session.shop).items():
        for each, digest in differing(translated, texts.get(locale, ()), given):
            rows[each.resource].append((each, digest))
    for resource, registered in rows.items():
        stored, refused = await register_translations(session.admin, resource, registered)
        for (each, _), message in refused.items():
            session.refuse(f"the translation of {each.key} into {each.locale}", message)
        given = stored_translations((row[0] for row in registered if row not in refused), stored, given)
    return replace(given, to_give=given.to_give - {_NAME})


def _is_due(wanted: WantedProduct, given: Given) -> bool:
    return wanted.is_approved and (_NAME not in wanted.once or _NAME in given.to_give)


async def _read(
    products: Iterable[tuple[WantedProduct, ShopProduct]], admin: QueryRunner
) -> dict[str, list[TranslatableText]]:
    resources: defaultdict[str, list[str]] = defaultdict(list)
    for wanted, shop in products:
        for locale, texts in wanted_translations(wanted, shop).items():
            resources[locale] += dict.fromkeys(each.resource for each in texts)
    return {locale: await read_translatable(admin, its, locale) for locale, its in resources.items()}
