"""Products, options and variants as GraphQL objects."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.shopify.catalogue_nodes import InventoryItemNode
from local.shopify.ids import gid
from local.shopify.media.nodes import PictureNode, pictures
from local.shopify.merchandise import OptionValue, Product, ProductOption, Publication, Variant
from local.shopify.metafields import MetafieldsNode
from local.shopify.money import graphql_amount, rest_amount
from local.shopify.nodes import Connection, Node, Request, connect, count, first_of, not_simulated, parse_gid, utc
from local.shopify.products.taxonomy import category_document
from local.shopify.translations.nodes import translations_of

#: Sort keys of Product.variants, which is in the order of positions without one.
_VARIANT_SORT: dict[str, Callable[[Variant], Any]] = {
    "ID": lambda variant: variant.id,
    "TITLE": lambda variant: variant.title or "",
    "SKU": lambda variant: variant.sku or "",
}


class ProductNode(MetafieldsNode):
    typename = "Product"

    def __init__(self, request: Request, product: Product) -> None:
        super().__init__(request, product)
        self.product = product
        self.id = gid("Product", product.id)
        self.legacy_resource_id = product.id
        self.title = product.title
        self.handle = product.handle
        self.status = product.status
        self.vendor = product.vendor
        self.product_type = product.product_type
        self.description_html = product.description_html
        self.template_suffix = product.template_suffix
        self.tags = product.tags
        self.is_gift_card = False
        self.requires_selling_plan = False
        self.created_at = utc(product.created_at)
        self.updated_at = utc(product.updated_at)

    def description(self) -> str:
        """The text without its tags."""
        return re.sub(r"<[^>]*>", "", self.product.description_html).strip()

    def seo(self) -> dict[str, Any]:
        return {"title": self.product.seo_title, "description": self.product.seo_description}

    def category(self) -> dict[str, Any] | None:
        return category_document(self.product.category) if self.product.category else None

    def options(self, first: int | None = None) -> "list[OptionNode]":
        return [OptionNode(self.request, self.product, each) for each in first_of(self.product.options, first)]

    def tracks_inventory(self) -> bool:
        return any(each.tracked for each in self.product.variants)

    def total_inventory(self) -> int:
        """That of the variants whose stock is tracked."""
        return sum(_available(self.request, each) for each in self.product.variants if each.tracked)

    def has_only_default_variant(self) -> bool:
        return self.product.has_only_default_variant

    def has_out_of_stock_variants(self) -> bool:
        return any(each.tracked and _available(self.request, each) <= 0 for each in self.product.variants)

    def price_range_v2(self) -> dict[str, Any]:
        prices = [each.price for each in self.product.variants]
        return {
            "minVariantPrice": _money(self.request, min(prices)),
            "maxVariantPrice": _money(self.request, max(prices)),
        }

    def variants_count(self) -> dict[str, Any]:
        return count(len(self.product.variants))

    def variants(self, *, sort_key: str = "POSITION", **window: Any) -> Connection:
        if sort_key != "POSITION" and sort_key not in _VARIANT_SORT:
            raise not_simulated(f"Product.variants sorted by {sort_key}")
        positions = {each.id: number for number, each in enumerate(self.product.variants, 1)}

        def key(variant: Variant) -> tuple[Any, int]:
            value = positions[variant.id] if sort_key == "POSITION" else _VARIANT_SORT[sort_key](variant)
            return value, variant.id

        return connect(self.request, self.product.variants, lambda each: VariantNode(self.request, each), key, **window)

    def media(self, *, sort_key: str = "POSITION", **window: Any) -> Connection:
        if sort_key != "POSITION":
            raise not_simulated(f"Product.media sorted by {sort_key}")
        return pictures(self.request, self.product.media, window)

    def media_count(self) -> dict[str, Any]:
        return count(len(self.product.media))

    def featured_media(self) -> PictureNode | None:
        first = next(iter(self.product.media), None)
        return PictureNode(self.request, self.shop.pictures[first]) if first else None

    def translations(self, locale: str) -> list[dict[str, Any]]:
        return translations_of(self.request, self.product, locale)

    def published_at(self) -> str | None:
        """When it was published to the online store."""
        shown = [at for number, at in self.product.publications.items() if self.shop.publications[number].takes_dates]
        return utc(shown[0]) if shown and shown[0] <= self.shop.clock() else None

    def published_on_publication(self, publication_id: str) -> bool:
        at = self.product.publications.get(parse_gid(publication_id, "Publication"))
        return at is not None and at <= self.shop.clock()

    def resource_publications(self, *, only_published: bool = True, **window: Any) -> Connection:
        return self._publications("ResourcePublication", window, only_published=only_published)

    def resource_publications_v2(
        self, *, only_published: bool = True, catalog_type: str | None = None, **window: Any
    ) -> Connection:
        if catalog_type not in (None, "APP"):
            raise not_simulated(f"publications of the catalog type {catalog_type}")
        return self._publications("ResourcePublicationV2", window, only_published=only_published)

    def resource_publications_count(self, *, only_published: bool = True) -> dict[str, Any]:
        return count(len(self._shown(only_published=only_published)))

    def available_publications_count(self) -> dict[str, Any]:
        return count(len(self._shown(only_published=True)))

    def unpublished_publications(self, **window: Any) -> Connection:
        absent = [each for each in self.shop.publications.values() if each.id not in self.product.publications]
        return connect(self.request, absent, publication_document, lambda each: (each.id, each.id), **window)

    def _shown(self, *, only_published: bool) -> list[tuple[Publication, datetime]]:
        """Where it is shown, or with a date in the future will be."""
        now = self.shop.clock()
        found = ((self.shop.publications[number], at) for number, at in self.product.publications.items())
        return [(each, at) for each, at in found if at <= now or not only_published]

    def _publications(self, typename: str, window: dict[str, Any], *, only_published: bool) -> Connection:
        def document(row: tuple[Publication, datetime]) -> dict[str, Any]:
            return {
                "__typename": typename,
                "isPublished": row[1] <= self.shop.clock(),
                "publishDate": utc(row[1]),
                "publication": publication_document(row[0]),
                "publishable": self,
            }

        rows = self._shown(only_published=only_published)
        return connect(self.request, rows, document, lambda row: (row[0].id, row[0].id), **window)


class OptionNode(Node):
    typename = "ProductOption"

    def __init__(self, request: Request, product: Product, option: ProductOption) -> None:
        super().__init__(request)
        self.product = product
        self.option = option
        self.id = gid("ProductOption", option.id)
        self.name = option.name
        self.position = product.options.index(option) + 1
        self.linked_metafield = None

    def values(self) -> list[str]:
        """Only those that a variant has."""
        used = self._used()
        return [each.name for each in self.option.values if each.id in used]

    def option_values(self) -> "list[OptionValueNode]":
        used = self._used()
        return [OptionValueNode(self.request, each, has_variants=each.id in used) for each in self.option.values]

    def translations(self, locale: str) -> list[dict[str, Any]]:
        return translations_of(self.request, self.option, locale)

    def _used(self) -> set[int]:
        return {each.values[self.option.id].id for each in self.product.variants}


class OptionValueNode(Node):
    typename = "ProductOptionValue"

    def __init__(self, request: Request, value: OptionValue, *, has_variants: bool) -> None:
        super().__init__(request)
        self.value = value
        self.id = gid("ProductOptionValue", value.id)
        self.name = value.name
        self.has_variants = has_variants
        self.linked_metafield_value = None
        self.swatch = None

    def translations(self, locale: str) -> list[dict[str, Any]]:
        return translations_of(self.request, self.value, locale)


class VariantNode(MetafieldsNode):
    typename = "ProductVariant"

    def __init__(self, request: Request, variant: Variant) -> None:
        super().__init__(request, variant)
        self.variant = variant
        self.id = gid("ProductVariant", variant.id)
        self.legacy_resource_id = variant.id
        self.title = variant.title or "Default Title"
        self.display_name = variant.name
        self.sku = variant.sku
        self.barcode = variant.barcode
        self.taxable = variant.taxable
        self.tax_code = variant.tax_code
        self.inventory_policy = variant.inventory_policy
        self.requires_components = False
        self.show_unit_price = False
        self.unit_price_measurement = None
        self.created_at = utc(variant.created_at)
        self.updated_at = utc(variant.updated_at)

    def price(self) -> str:
        return rest_amount(self.variant.price, self.shop.seed.currency)

    def compare_at_price(self) -> str | None:
        amount = self.variant.compare_at_price
        return None if amount is None else rest_amount(amount, self.shop.seed.currency)

    def position(self) -> int:
        return self.variant.product.variants.index(self.variant) + 1

    def media(self, **window: Any) -> Connection:
        return pictures(self.request, [self.variant.media_id] if self.variant.media_id else [], window)

    def selected_options(self) -> list[dict[str, Any]]:
        chosen = ((option, self.variant.values[option.id]) for option in self.variant.product.options)
        return [
            {
                "__typename": "SelectedOption",
                "name": option.name,
                "value": value.name,
                "optionValue": OptionValueNode(self.request, value, has_variants=True),
            }
            for option, value in chosen
        ]

    def inventory_quantity(self) -> int:
        return _available(self.request, self.variant)

    def inventory_item(self) -> InventoryItemNode:
        return InventoryItemNode(self.request, self.variant)

    def product(self) -> ProductNode:
        return ProductNode(self.request, self.variant.product)


def publication_document(publication: Publication) -> dict[str, Any]:
    return {
        "__typename": "Publication",
        "id": gid("Publication", publication.id),
        "name": publication.name,
        # A sales channel's catalog has its name; Publication.name is deprecated in its favour.
        "catalog": {
            "__typename": "AppCatalog",
            "id": gid("AppCatalog", publication.id),
            "title": publication.name,
            "status": "ACTIVE",
        },
        "autoPublish": False,
        "supportsFuturePublishing": publication.takes_dates,
    }


def _money(request: Request, amount: Any) -> dict[str, Any]:
    return {
        "__typename": "MoneyV2",
        "amount": graphql_amount(amount),
        "currencyCode": request.shop.seed.currency,
    }


def _available(request: Request, variant: Variant) -> int:
    return sum(level.quantity("available") for level in request.shop.levels_of(variant.inventory_item_id))
