"""Brings F&O's texts in other languages to a product, its options and their values."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from shared.mapping.products.shop.given import Given
from shared.mapping.products.shop.translations import differing, stored_translations, wanted_translations
from shared.model import Registered
from shared.shopify.products.translations import read_translatable, register_translations
from shared.sync.products.shop.session import ProductSession

_NAME = "translations"


async def bring_translations(session: ProductSession, given: Given) -> Given:
    """What has to be remembered then: one reading a locale, and one call for each resource with other texts."""
    wanted = session.wanted
    if _NAME in wanted.once and _NAME not in given.to_give:
        return given
    rows: defaultdict[str, list[Registered]] = defaultdict(list)
    for locale, texts in wanted_translations(wanted, session.shop).items():
        resources = list(dict.fromkeys(each.resource for each in texts))
        has = await session.attempt(read_translatable(session.admin, resources, locale))
        for each, digest in differing(texts, has or (), given):
            rows[each.resource].append((each, digest))
    for resource, registered in rows.items():
        stored, refused = await register_translations(session.admin, resource, registered)
        for (each, _), message in refused.items():
            session.refuse(f"the translation of {each.key} into {each.locale}", message)
        given = stored_translations((row[0] for row in registered if row not in refused), stored, given)
    return replace(given, to_give=given.to_give - {_NAME})
