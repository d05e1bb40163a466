"""The query roots of products, variants and publications."""

import re
from collections.abc import Callable
from typing import Any

from local.shopify.assortment import Assortment
from local.shopify.catalogue_nodes import InventoryItemNode, sort_moment
from local.shopify.ids import gid
from local.shopify.merchandise import Product, Variant
from local.shopify.metafield_definitions import find_definition, list_definitions
from local.shopify.nodes import Connection, Request, connect, connect_by_id, count, not_simulated, parse_gid
from local.shopify.products.identifying import product_by, variant_by
from local.shopify.products.nodes import ProductNode, VariantNode, publication_document
from local.shopify.query_root import QueryBase
from local.shopify.search import Reader

PRODUCT_SEARCH: dict[str, Reader] = {
    "id": lambda product: [product.id],
    "title": lambda product: [product.title],
    "handle": lambda product: [product.handle],
    "sku": lambda product: [each.sku for each in product.variants],
    "barcode": lambda product: [each.barcode for each in product.variants],
    "status": lambda product: [product.status],
    "tag": lambda product: product.tags,
    "vendor": lambda product: [product.vendor],
    "product_type": lambda product: [product.product_type],
    "variant_id": lambda product: [each.id for each in product.variants],
    "variant_title": lambda product: [each.title or "Default Title" for each in product.variants],
    "created_at": lambda product: [product.created_at],
    "updated_at": lambda product: [product.updated_at],
    "category_id": lambda product: [product.category],
}
VARIANT_SEARCH: dict[str, Reader] = {
    "id": lambda variant: [variant.id],
    "sku": lambda variant: [variant.sku],
    "barcode": lambda variant: [variant.barcode],
    "title": lambda variant: [variant.title or variant.product_title],
    "product_id": lambda variant: [variant.product_id],
    "product_ids": lambda variant: [variant.product_id],
    "product_status": lambda variant: [variant.product.status],
    "product_type": lambda variant: [variant.product.product_type],
    "vendor": lambda variant: [variant.product.vendor],
    "tag": lambda variant: variant.product.tags,
    "taxable": lambda variant: [variant.taxable],
    "updated_at": lambda variant: [variant.updated_at],
}
ITEM_SEARCH: dict[str, Reader] = {
    "id": lambda variant: [variant.inventory_item_id],
    "sku": lambda variant: [variant.sku],
    "updated_at": lambda variant: [variant.updated_at],
}
_PRODUCT_SORT: dict[str, Callable[[Product], Any]] = {
    "ID": lambda product: product.id,
    "TITLE": lambda product: product.title,
    "VENDOR": lambda product: product.vendor,
    "PRODUCT_TYPE": lambda product: product.product_type,
    "CREATED_AT": lambda product: sort_moment(product.created_at),
    "UPDATED_AT": lambda product: sort_moment(product.updated_at),
}
_VARIANT_SORT: dict[str, Callable[[Variant], Any]] = {
    "ID": lambda variant: variant.id,
    "SKU": lambda variant: variant.sku or "",
    "TITLE": lambda variant: variant.title or "",
}


_ONE_SKU = r"sku:(?:'[^']*'|\"[^\"]*\"|[^\s'\":(),]+)"
_SKUS = re.compile(rf"\s*{_ONE_SKU}(?:\s+OR\s+{_ONE_SKU})*\s*")
_SKU = re.compile(r"sku:('[^']*'|\"[^\"]*\"|\S+)")


class ProductQueries(QueryBase):
    def product(self, id_: str) -> Any:
        return self._load("Product", id_)

    def product_by_identifier(self, identifier: dict[str, Any]) -> ProductNode | None:
        found = product_by(self._request, identifier)
        return ProductNode(self._request, found) if found else None

    def products(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        def wrap(product: Product) -> ProductNode:
            return ProductNode(self._request, product)

        if _is_whole(query, sort_key):
            ids = self._shop.assortment.product_ids.ids
            return connect_by_id(self._request, self._shop.products, ids, wrap, **window)
        value = _sorted_by("products", _PRODUCT_SORT, sort_key)
        found = self._search("products", PRODUCT_SEARCH).filter(query, self._shop.products.values())
        return connect(self._request, found, wrap, lambda each: (value(each), each.id), **window)

    def product_variant(self, id_: str) -> Any:
        return self._load("ProductVariant", id_)

    def product_variant_by_identifier(self, identifier: dict[str, Any]) -> VariantNode | None:
        found = variant_by(self._request, identifier)
        return VariantNode(self._request, found) if found else None

    def product_variants(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        def wrap(variant: Variant) -> VariantNode:
            return VariantNode(self._request, variant)

        if _is_whole(query, sort_key):
            ids = self._shop.assortment.variant_ids.ids
            return connect_by_id(self._request, self._shop.variants, ids, wrap, **window)
        value = _sorted_by("productVariants", _VARIANT_SORT, sort_key)
        candidates = _with_skus(self._shop.assortment, query) or self._shop.variants.values()
        found = self._search("productVariants", VARIANT_SEARCH).filter(query, candidates)
        return connect(self._request, found, wrap, lambda each: (value(each), each.id), **window)

    def product_variants_count(self, *, query: str | None = None, limit: int | None = 10_000) -> dict[str, Any]:
        if query is not None:
            raise not_simulated("productVariantsCount with a search")
        found = len(self._shop.variants)
        if limit is not None and found > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return count(found)

    def inventory_item(self, id_: str) -> Any:
        return self._load("InventoryItem", id_)

    def inventory_items(self, *, query: str | None = None, **window: Any) -> Connection:
        return connect(
            self._request,
            self._search("inventoryItems", ITEM_SEARCH).filter(query, self._shop.variants.values()),
            lambda variant: InventoryItemNode(self._request, variant),
            lambda variant: (variant.inventory_item_id, variant.inventory_item_id),
            **window,
        )

    def publications(self, *, catalog_type: str | None = None, **window: Any) -> Connection:
        if catalog_type not in (None, "APP"):
            raise not_simulated(f"publications of the catalog type {catalog_type}")
        rows = self._shop.publications.values()
        return connect(self._request, rows, publication_document, lambda each: (each.id, each.id), **window)

    def publication(self, id_: str) -> dict[str, Any] | None:
        found = self._shop.publications.get(parse_gid(id_, "Publication"))
        return publication_document(found) if found else None

    def product_operation(self, id_: str) -> dict[str, Any] | None:
        number = parse_gid(id_, "ProductSetOperation")
        return operation_document(self._request, number) if number in self._shop.operations else None

    def metafield_definition(self, identifier: dict[str, Any] | None = None) -> dict[str, Any] | None:
        return find_definition(self._request, identifier)

    def metafield_definitions(
        self, owner_type: str, *, namespace: str | None = None, key: str | None = None, **window: Any
    ) -> Connection:
        return list_definitions(self._request, owner_type, namespace, key, window)


def operation_document(request: Request, number: int) -> dict[str, Any]:
    """A productSet in the background, as it is when it is asked for: done."""
    operation = request.shop.operations[number]
    product = request.shop.products.get(operation.product_id) if operation.product_id else None
    return {
        "__typename": "ProductSetOperation",
        "id": gid("ProductSetOperation", number),
        "status": "COMPLETE",
        "product": ProductNode(request, product) if product else None,
        "userErrors": operation.user_errors,
    }


def _with_skus(assortment: Assortment, query: str | None) -> list[Variant]:
    """What can match a search for nothing but SKUs, `sku:'A' OR sku:'B'`; empty for other searches."""
    if not query or not _SKUS.fullmatch(query):
        return []
    names = (each.strip("'\"") for each in _SKU.findall(query))
    return list({each.id: each for name in names for each in assortment.with_sku(name)}.values())


def _is_whole(query: str | None, sort_key: str) -> bool:
    return sort_key == "ID" and not (query or "").strip()


def _sorted_by[T](path: str, keys: dict[str, Callable[[T], Any]], sort_key: str) -> Callable[[T], Any]:
    if sort_key not in keys:
        raise not_simulated(f"{path} sorted by {sort_key}")
    return keys[sort_key]
