"""Webhooks of products and stock: what changed since the last ones, after each call."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from local.shopify.ids import gid
from local.shopify.merchandise import Product, Variant
from local.shopify.model import Level
from local.shopify.money import rest_amount
from local.shopify.products.taxonomy import category_document
from local.shopify.state import Shop, Simulator
from local.shopify.webhooks import Dispatcher

#: Variants of which a product's body says everything; of all it has the ids.
_WHOLE_VARIANTS = 100
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def telling_of_changes(simulator: Simulator, dispatcher: Dispatcher) -> Middleware:
    """A middleware: what a call changed is told when it was answered."""

    @web.middleware
    async def middleware(request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        finally:
            for shop in simulator.shops.values():
                tell_changes(shop, dispatcher)

    return middleware


def tell_changes(shop: Shop, dispatcher: Dispatcher) -> None:
    assortment = shop.assortment
    created, changed, deleted = dict(assortment.created), dict(assortment.changed), list(assortment.deleted)
    moved = list(shop.moved_levels.values())
    for each in (assortment.created, assortment.changed, assortment.deleted, shop.moved_levels):
        each.clear()
    for product in created.values():
        _tell(shop, dispatcher, "products/create", product)
    for product in changed.values():
        if product.id not in created:
            _tell(shop, dispatcher, "products/update", product)
    for number in deleted:
        dispatcher.tell(shop, "products/delete", {"id": number})
    if dispatcher.is_told(shop, "inventory_levels/update"):
        for level in moved:
            dispatcher.tell(shop, "inventory_levels/update", level_body(shop, level))


def _tell(shop: Shop, dispatcher: Dispatcher, topic: str, product: Product) -> None:
    if product.id in shop.products and dispatcher.is_told(shop, topic):
        dispatcher.tell(shop, topic, product_body(shop, product))


def level_body(shop: Shop, level: Level) -> dict[str, Any]:
    return {
        "inventory_item_id": level.item_id,
        "location_id": level.location_id,
        "available": level.quantity("available"),
        "updated_at": shop.local(level.updated_at),
        "admin_graphql_api_id": f"{gid('InventoryLevel', level.id)}?inventory_item_id={level.item_id}",
    }


def product_body(shop: Shop, product: Product) -> dict[str, Any]:
    published = [at for number, at in product.publications.items() if shop.publications[number].takes_dates]
    category = category_document(product.category) if product.category else None
    return {
        "admin_graphql_api_id": gid("Product", product.id),
        "body_html": product.description_html,
        "created_at": shop.local(product.created_at),
        "handle": product.handle,
        "id": product.id,
        "product_type": product.product_type,
        "published_at": _moment(shop, published[0] if published else None),
        "template_suffix": product.template_suffix,
        "title": product.title,
        "updated_at": shop.local(product.updated_at),
        "vendor": product.vendor,
        "status": product.status.lower(),
        "published_scope": "global",
        "tags": ", ".join(product.tags),
        "variants": [_variant(shop, each) for each in product.variants[:_WHOLE_VARIANTS]],
        "options": [
            {
                "id": each.id,
                "product_id": product.id,
                "name": each.name,
                "position": position,
                "values": [value.name for value in each.values],
            }
            for position, each in enumerate(product.options, 1)
        ],
        "images": [],
        "image": None,
        "media": [{"id": number, "admin_graphql_api_id": gid("MediaImage", number)} for number in product.media],
        "variant_gids": [
            {"admin_graphql_api_id": gid("ProductVariant", each.id), "updated_at": shop.local(each.updated_at)}
            for each in product.variants
        ],
        "has_variants_that_requires_components": False,
        "category": category and {"name": category["name"], "admin_graphql_api_id": category["id"]},
    }


def _moment(shop: Shop, moment: datetime | None) -> str | None:
    return shop.local(moment) if moment else None


def _variant(shop: Shop, variant: Variant) -> dict[str, Any]:
    currency, compared = shop.seed.currency, variant.compare_at_price
    quantity = sum(each.quantity("available") for each in shop.levels_of(variant.inventory_item_id))
    names = (*variant.value_names, None, None)
    return {
        "admin_graphql_api_id": gid("ProductVariant", variant.id),
        "barcode": variant.barcode,
        "compare_at_price": None if compared is None else rest_amount(compared, currency),
        "created_at": shop.local(variant.created_at),
        "id": variant.id,
        "inventory_policy": variant.inventory_policy.lower(),
        "position": variant.product.variants.index(variant) + 1,
        "price": rest_amount(variant.price, currency),
        "product_id": variant.product_id,
        "sku": variant.sku,
        "taxable": variant.taxable,
        "title": variant.title or "Default Title",
        "updated_at": shop.local(variant.updated_at),
        "option1": names[0],
        "option2": names[1],
        "option3": names[2],
        "image_id": None,
        "inventory_item_id": variant.inventory_item_id,
        "inventory_quantity": quantity,
        "old_inventory_quantity": quantity,
    }
