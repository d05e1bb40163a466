"""translationsRegister, translationsRemove, and the queries of translatable resources and locales."""

from typing import Any

from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import Connection, connect, not_simulated, parse_gid
from local.shopify.query_root import QueryBase
from local.shopify.translation_records import Translation
from local.shopify.translations.content import (
    KINDS,
    PRODUCT_KEYS,
    Content,
    Translatable,
    contents,
    find,
    find_all,
    global_id,
)
from local.shopify.translations.nodes import TranslatableNode, translation_document
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
_MOST_KEYS = 100
_LONGEST = 255
_LANGUAGES = {"en": "English", "nl": "Dutch", "de": "German", "fr": "French", "da": "Danish", "sv": "Swedish"}


class TranslationMutations(MutationRoot):
    def translations_register(self, resource_id: str, translations: list[dict[str, Any]]) -> dict[str, Any]:
        """All of a call or nothing."""
        shop = self._request.shop
        resource = find(shop, resource_id)
        if resource is None:
            return _refused([_no_resource(resource_id)])
        if len(translations) > _MOST_KEYS:
            return _refused([_too_many()])
        known = {each.key: each for each in contents(resource)}
        problems = [p for index, each in enumerate(translations) for p in self._problems(resource, known, index, each)]
        if problems:
            return _refused(problems)
        now = shop.clock()
        rows = shop.translations.setdefault(global_id(resource), {})
        made = []
        for each in translations:
            digest = each["translatableContentDigest"]
            row = Translation(each["key"], each["locale"], each["value"], digest, now)
            rows[row.locale, row.key] = row
            made.append(row)
        return {"translations": [translation_document(each, outdated=False) for each in made], "userErrors": []}

    def _problems(
        self, resource: Translatable, known: dict[str, Content], index: int, given: dict[str, Any]
    ) -> Problems:
        seed, row, key = self._request.shop.seed, ["translations", str(index)], given["key"]
        if given["locale"] == seed.locale:
            text = "Locale cannot be the same as the shop's primary locale"
            return [user_error([*row, "locale"], text, "INVALID_LOCALE_FOR_SHOP")]
        if given["locale"] not in seed.locales:
            text = "Locale is not a valid locale for the shop"
            return [user_error([*row, "locale"], text, "INVALID_LOCALE_FOR_SHOP")]
        if given.get("marketId"):
            if parse_gid(given["marketId"], "Market") in self._request.shop.pricing.markets:
                raise not_simulated("translations for a market")
            text = "The market corresponding to the `marketId` argument doesn't exist"
            return [user_error([*row, "marketId"], text, "MARKET_DOES_NOT_EXIST")]
        problems: Problems = []
        content, value = known.get(key), given["value"]
        possible = PRODUCT_KEYS if global_id(resource).startswith("gid://shopify/Product/") else ("name",)
        if key not in possible:
            text = f"Key {key} is not a valid translatable field"
            problems.append(user_error([*row, "key"], text, "INVALID_KEY_FOR_MODEL"))
        elif not value.strip():
            problems.append(user_error([*row, "value"], "Value can't be blank", "FAILS_RESOURCE_VALIDATION"))
        elif content and value == content.value:
            text = "Value cannot match original content"
            problems.append(user_error([*row, "value"], text, "FAILS_RESOURCE_VALIDATION"))
        elif key in ("handle", "title") and len(value) > _LONGEST:
            reason = f"{key.capitalize()} is too long (maximum is {_LONGEST} characters)"
            text = f'Value fails validation on resource: ["{reason}"]'
            problems.append(user_error([*row, "value"], text, "FAILS_RESOURCE_VALIDATION"))
        if content is None or given["translatableContentDigest"] != content.digest:
            path, text = [*row, "translatableContentDigest"], "Translatable content hash is invalid"
            problems.append(user_error(path, text, "INVALID_TRANSLATABLE_CONTENT"))
        return problems

    def translations_remove(
        self, resource_id: str, translation_keys: list[str], locales: list[str], market_ids: list[str] | None = None
    ) -> dict[str, Any]:
        """What is not there is not removed, without an error."""
        if market_ids:
            raise not_simulated("translations for a market")
        resource = find(self._request.shop, resource_id)
        if resource is None:
            return _refused([_no_resource(resource_id)])
        rows = self._request.shop.translations.get(global_id(resource), {})
        slots = [(locale, key) for locale in locales for key in translation_keys]
        gone = [rows.pop(slot) for slot in slots if slot in rows]
        return {"translations": [translation_document(each, outdated=False) for each in gone], "userErrors": []}


def _refused(problems: Problems) -> dict[str, Any]:
    return {"translations": None, "userErrors": problems}


def _no_resource(resource_id: str) -> dict[str, Any]:
    return user_error(["resourceId"], f"Resource {resource_id} does not exist", "RESOURCE_NOT_FOUND")


def _too_many() -> dict[str, Any]:
    text = f"Too many keys for resource - maximum {_MOST_KEYS} per mutation"
    return user_error(["resourceId"], text, "TOO_MANY_KEYS_FOR_RESOURCE")


class TranslationQueries(QueryBase):
    def shop_locales(self, *, published: bool | None = None) -> list[dict[str, Any]]:
        """All languages of the shop are published."""
        seed = self._shop.seed
        rows = [
            {
                "__typename": "ShopLocale",
                "locale": each,
                "name": _LANGUAGES.get(each, each),
                "primary": each == seed.locale,
                "published": True,
            }
            for each in (seed.locale, *seed.locales)
        ]
        return [] if published is False else rows

    def translatable_resource(self, resource_id: str) -> TranslatableNode | None:
        found = find(self._shop, resource_id)
        return TranslatableNode(self._request, found) if found else None

    def translatable_resources(self, resource_type: str, **window: Any) -> Connection:
        products = self._shop.products.values()
        rows: dict[str, list[Translatable]] = {
            "PRODUCT": list(products),
            "PRODUCT_OPTION": [option for each in products for option in each.options],
            "PRODUCT_OPTION_VALUE": [v for each in products for option in each.options for v in option.values],
        }
        if resource_type not in KINDS.values():
            raise not_simulated(f"translatableResources of the type {resource_type}")
        return self._resources(rows[resource_type], window)

    def translatable_resources_by_ids(self, resource_ids: list[str], **window: Any) -> Connection:
        found = find_all(self._shop, resource_ids)
        return self._resources([each for each in found if each], window)

    def _resources(self, rows: list[Translatable], window: dict[str, Any]) -> Connection:
        return connect(
            self._request,
            rows,
            lambda each: TranslatableNode(self._request, each),
            lambda each: (each.id, each.id),
            **window,
        )
