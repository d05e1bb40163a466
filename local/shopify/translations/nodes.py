"""Translatable resources and their translations as GraphQL objects."""

from typing import Any

from local.shopify.merchandise import Product, ProductOption
from local.shopify.nodes import Connection, Node, Request, connect, not_simulated, utc
from local.shopify.translation_records import Translation
from local.shopify.translations.content import Translatable, contents, global_id


class TranslatableNode(Node):
    typename = "TranslatableResource"

    def __init__(self, request: Request, resource: Translatable) -> None:
        super().__init__(request)
        self._resource = resource
        self.resource_id = global_id(resource)

    def translatable_content(self) -> list[dict[str, Any]]:
        locale = self.shop.seed.locale
        return [
            {
                "__typename": "TranslatableContent",
                "key": each.key,
                "value": each.value,
                "digest": each.digest,
                "locale": locale,
                "type": each.kind,
            }
            for each in contents(self._resource)
        ]

    def translations(self, locale: str, *, outdated: bool | None = None) -> list[dict[str, Any]]:
        found = translations_of(self.request, self._resource, locale)
        return [each for each in found if outdated in (None, each["outdated"])]

    def nested_translatable_resources(self, *, resource_type: str | None = None, **window: Any) -> Connection:
        """The options of a product, the values of an option."""
        nested: list[Translatable] = []
        if isinstance(self._resource, Product) and resource_type in (None, "PRODUCT_OPTION"):
            nested = list(self._resource.options)
        elif isinstance(self._resource, ProductOption) and resource_type in (None, "PRODUCT_OPTION_VALUE"):
            nested = list(self._resource.values)
        elif resource_type not in ("PRODUCT_OPTION", "PRODUCT_OPTION_VALUE", None):
            raise not_simulated(f"nestedTranslatableResources of the type {resource_type}")
        return connect(
            self.request,
            nested,
            lambda each: TranslatableNode(self.request, each),
            lambda each: (each.id, each.id),
            **window,
        )


def translations_of(request: Request, resource: Translatable, locale: str) -> list[dict[str, Any]]:
    rows = request.shop.translations.get(global_id(resource), {})
    digests = {each.key: each.digest for each in contents(resource)}
    return [
        translation_document(each, outdated=digests.get(each.key) != each.digest)
        for each in rows.values()
        if each.locale == locale
    ]


def translation_document(translation: Translation, *, outdated: bool) -> dict[str, Any]:
    return {
        "__typename": "Translation",
        "key": translation.key,
        "locale": translation.locale,
        "value": translation.value,
        "outdated": outdated,
        "market": None,
        "updatedAt": utc(translation.updated_at),
    }
