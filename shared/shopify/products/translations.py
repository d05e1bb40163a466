"""Texts of a product in other locales of the shop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Final

from shared.model import Registered, TranslatableText, Translated
from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.writing import send_rows

_RESOURCES: Final = 250
_KEYS: Final = 100
"""Translations to a call."""


async def read_translatable(admin: QueryRunner, resources: Sequence[str], locale: str) -> list[TranslatableText]:
    """The texts of these resources (global ids), 250 resources to a call."""
    found = []
    for batch in batched(resources, _RESOURCES, strict=False):
        variables = {"resources": list(batch), "locale": locale}
        data = await admin.run(queries.load("product_translatable"), variables)
        for node in data["translatableResourcesByIds"]["nodes"]:
            translated = {each["key"]: each for each in node["translations"]}
            for content in node["translatableContent"]:
                if content["value"] and content["digest"]:
                    has = translated.get(content["key"])
                    found.append(
                        TranslatableText(
                            resource=node["resourceId"],
                            key=content["key"],
                            value=content["value"],
                            digest=content["digest"],
                            translated=has["value"] if has else None,
                            is_outdated=bool(has and has["outdated"]),
                        )
                    )
    return found


async def register_translations(
    admin: QueryRunner, resource: str, rows: Iterable[Registered]
) -> tuple[list[Translated], dict[Registered, str]]:
    """Translations of one resource: what Shopify stored, and the rows that it refused, with its words."""
    stored: list[Translated] = []

    async def send(call: list[Registered]) -> list[UserError]:
        translations = [
            {"key": each.key, "locale": each.locale, "value": each.value, "translatableContentDigest": digest}
            for each, digest in call
        ]
        variables = {"resource": resource, "translations": translations}
        payload = (await admin.run(queries.load("product_translate"), variables))["translationsRegister"]
        stored.extend(
            Translated(resource, each["key"], each["locale"], each["value"] or "")
            for each in payload["translations"] or ()
        )
        return user_errors(payload)

    return stored, await send_rows(rows, send, "translations", _KEYS)
