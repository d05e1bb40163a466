"""A product by what identifies it: its id, its handle, or a metafield of the type id."""

from typing import Any

from local.shopify.merchandise import Product, Variant
from local.shopify.metafields import resolved
from local.shopify.nodes import Request, error, parse_gid


def product_by(request: Request, identifier: dict[str, Any]) -> Product | None:
    shop = request.shop
    if identifier.get("customId"):
        number = owner_of_value(request, "PRODUCT", identifier["customId"])
        return shop.products.get(number) if number else None
    if identifier.get("handle"):
        return shop.assortment.product_by_handle.get(identifier["handle"])
    return shop.products.get(parse_gid(identifier["id"], "Product"))


def variant_by(request: Request, identifier: dict[str, Any]) -> Variant | None:
    if identifier.get("customId"):
        number = owner_of_value(request, "PRODUCTVARIANT", identifier["customId"])
        return request.shop.variants.get(number) if number else None
    return request.shop.variants.get(parse_gid(identifier["id"], "ProductVariant"))


def owner_of_value(request: Request, owner_type: str, custom: dict[str, Any]) -> int | None:
    """The owner of a unique value, None if nobody has it. Its definition has to exist."""
    slot = (resolved(custom.get("namespace")), custom["key"])
    definition = request.shop.definitions_of[owner_type].get(slot)
    if definition is None or definition.type != "id":
        raise error("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    return request.shop.assortment.unique_values.get((owner_type, *slot, custom["value"]))
