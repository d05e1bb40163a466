"""The query root: every field that the simulator supports."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from local.shopify.balance import financial_status, fulfillment_status, gateways
from local.shopify.catalogue_nodes import (
    InventoryItemNode,
    LocationNode,
    ProductNode,
    ShopNode,
    VariantNode,
    sort_moment,
)
from local.shopify.faults import FaultKind
from local.shopify.ids import gid
from local.shopify.loading import is_readable, load
from local.shopify.metafields import find_definition
from local.shopify.model import Location, Variant
from local.shopify.nodes import Connection, Request, connect, not_simulated, parse_gid
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.search import Reader, Search
from local.shopify.state import SUPPORTED_VERSIONS
from local.shopify.subscriptions import subscription_document
from local.shopify.topics import graphql_name
from local.shopify.totals import current

_SHIPPED = {
    None: ["unfulfilled", "unshipped"],
    "partial": ["partial", "unfulfilled"],
    "fulfilled": ["shipped", "fulfilled"],
}
ORDER_SEARCH: dict[str, Reader] = {
    "id": lambda order: [order.id],
    "name": lambda order: [order.name, order.name.removeprefix("#")],
    "created_at": lambda order: [order.created_at],
    "updated_at": lambda order: [order.updated_at],
    "processed_at": lambda order: [order.created_at],
    "email": lambda order: [order.email],
    "tag": lambda order: order.tags,
    "test": lambda order: [order.test],
    "status": lambda order: ["cancelled", "any"] if order.cancelled_at else ["open", "not_closed", "any"],
    "financial_status": lambda order: [financial_status(order)],
    "fulfillment_status": lambda order: _SHIPPED[fulfillment_status(order)],
    "customer_id": lambda order: [order.customer.id] if order.customer else [],
    "sku": lambda order: [line.sku for line in order.lines],
    "po_number": lambda order: [order.po_number],
    "confirmation_number": lambda order: [order.confirmation_number],
    "source_name": lambda order: [order.source_name],
    "gateway": gateways,
    "discount_code": lambda order: order.discount_codes[:1],
    "current_total_price": lambda order: [current(order).total.shop],
}
ORDER_SORT: dict[str, Callable[[Order], Any]] = {
    "ID": lambda order: order.id,
    "ORDER_NUMBER": lambda order: order.number,
    "CREATED_AT": lambda order: sort_moment(order.created_at),
    "UPDATED_AT": lambda order: sort_moment(order.updated_at),
    "PROCESSED_AT": lambda order: sort_moment(order.created_at),
}
LOCATION_SORT: dict[str, Callable[[Location], Any]] = {
    "ID": lambda location: location.id,
    "NAME": lambda location: location.name,
}
VARIANT_SEARCH: dict[str, Reader] = {
    "id": lambda variant: [variant.id],
    "sku": lambda variant: [variant.sku],
    "title": lambda variant: [variant.title or variant.product_title],
    "product_id": lambda variant: [variant.product_id],
    "updated_at": lambda variant: [variant.updated_at],
}
PRODUCT_SEARCH: dict[str, Reader] = {
    "id": lambda variants: [variants[0].product_id],
    "title": lambda variants: [variants[0].product_title],
    "sku": lambda variants: [v.sku for v in variants],
    "updated_at": lambda variants: [max(v.updated_at for v in variants)],
}
ITEM_SEARCH: dict[str, Reader] = {
    "id": lambda variant: [variant.inventory_item_id],
    "sku": lambda variant: [variant.sku],
    "updated_at": lambda variant: [variant.updated_at],
}


class QueryRoot:
    typename = "QueryRoot"

    def __init__(self, request: Request) -> None:
        self._request = request
        self._shop = request.shop

    def shop(self) -> ShopNode:
        return ShopNode(self._request)

    def public_api_versions(self) -> list[dict[str, Any]]:
        return [{"handle": v, "displayName": v, "supported": True} for v in SUPPORTED_VERSIONS]

    def current_app_installation(self) -> dict[str, Any]:
        scopes = sorted(self._request.shop.scopes)
        return {
            "id": gid("AppInstallation", self._shop.seed.id),
            "accessScopes": [{"handle": scope, "description": scope} for scope in scopes],
        }

    def location(self, id_: str | None = None) -> LocationNode | None:
        found = self._shop.locations.get(parse_gid(id_, "Location")) if id_ else next(iter(self._locations()))
        return LocationNode(self._request, found) if found else None

    def locations(
        self,
        *,
        sort_key: str = "NAME",
        **window: Any,
    ) -> Connection:
        if sort_key not in LOCATION_SORT:
            raise not_simulated(f"locations sorted by {sort_key}")
        value = LOCATION_SORT[sort_key]
        return connect(
            self._request,
            self._locations(),
            lambda each: LocationNode(self._request, each),
            lambda each: (value(each), each.id),
            **window,
        )

    def _locations(self) -> list[Location]:
        return list(self._shop.locations.values())

    def product(self, id_: str) -> Any:
        return load(self._request, "Product", parse_gid(id_, "Product"))

    def products(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        _only_by_id("products", sort_key)
        grouped: dict[int, list[Variant]] = {}
        for variant in self._shop.variants.values():
            grouped.setdefault(variant.product_id, []).append(variant)
        found = self._search("products", PRODUCT_SEARCH).filter(query, grouped.values())
        return connect(
            self._request,
            found,
            lambda variants: ProductNode(self._request, variants),
            lambda variants: (variants[0].product_id, variants[0].product_id),
            **window,
        )

    def product_variant(self, id_: str) -> Any:
        return load(self._request, "ProductVariant", parse_gid(id_, "ProductVariant"))

    def product_variants(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        _only_by_id("productVariants", sort_key)
        search = self._search("productVariants", VARIANT_SEARCH)
        return connect(
            self._request,
            search.filter(query, self._shop.variants.values()),
            lambda variant: VariantNode(self._request, variant),
            lambda variant: (variant.id, variant.id),
            **window,
        )

    def inventory_item(self, id_: str) -> Any:
        return load(self._request, "InventoryItem", parse_gid(id_, "InventoryItem"))

    def inventory_items(self, *, query: str | None = None, **window: Any) -> Connection:
        search = self._search("inventoryItems", ITEM_SEARCH)
        return connect(
            self._request,
            search.filter(query, self._shop.variants.values()),
            lambda variant: InventoryItemNode(self._request, variant),
            lambda variant: (variant.inventory_item_id, variant.inventory_item_id),
            **window,
        )

    def inventory_level(self, id_: str) -> Any:
        return load(self._request, "InventoryLevel", parse_gid(id_, "InventoryLevel"))

    def order(self, id_: str) -> Any:
        return load(self._request, "Order", parse_gid(id_, "Order"))

    def orders(self, *, query: str | None = None, sort_key: str = "PROCESSED_AT", **window: Any) -> Connection:
        if sort_key not in ORDER_SORT:
            raise not_simulated(f"orders sorted by {sort_key}")
        value = ORDER_SORT[sort_key]
        return connect(
            self._request,
            self._search("orders", ORDER_SEARCH).filter(query, self._indexed_orders()),
            lambda order: OrderNode(self._request, order),
            lambda order: (value(order), order.id),
            **window,
        )

    def _indexed_orders(self) -> list[Order]:
        """The orders in the search index; with an index lag, without those just changed."""
        lag = self._request.simulator.faults.find(FaultKind.INDEX_LAG, self._shop.seed.domain)
        orders = [order for order in self._shop.orders.values() if is_readable(self._request, order)]
        if lag is None:
            return orders
        visible_until = self._shop.clock() - timedelta(seconds=lag.seconds)
        return [order for order in orders if order.updated_at <= visible_until]

    def refund(self, id_: str) -> Any:
        return load(self._request, "Refund", parse_gid(id_, "Refund"))

    def fulfillment(self, id_: str) -> Any:
        return load(self._request, "Fulfillment", parse_gid(id_, "Fulfillment"))

    def return_(self, id_: str) -> Any:
        return load(self._request, "Return", parse_gid(id_, "Return"))

    def customer(self, id_: str) -> Any:
        return load(self._request, "Customer", parse_gid(id_, "Customer"))

    def fulfillment_order(self, id_: str) -> Any:
        return load(self._request, "FulfillmentOrder", parse_gid(id_, "FulfillmentOrder"))

    def metafield_definition(self, identifier: dict[str, Any] | None = None) -> dict[str, Any] | None:
        return find_definition(self._request, identifier)

    def job(self, id_: str) -> dict[str, Any] | None:
        return {"id": id_, "done": True} if id_ in self._shop.jobs else None

    def webhook_subscriptions(
        self, *, topics: list[str] | None = None, uri: str | None = None, **window: Any
    ) -> Connection:
        """Only those made through the Admin API; the app's own (shopify.app.toml) are not listed."""
        found: Iterable[Any] = (
            each
            for each in self._shop.subscriptions.values()
            if each.through_api and (topics is None or graphql_name(each.topic) in topics) and uri in (None, each.uri)
        )
        return connect(
            self._request,
            found,
            lambda each: subscription_document(self._shop, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def node(self, id_: str) -> Any:
        kind = id_.removeprefix("gid://shopify/").partition("/")[0]
        return load(self._request, kind, parse_gid(id_, kind))

    def nodes(self, ids: list[str]) -> list[Any]:
        return [self.node(each) for each in ids]

    def _search(self, path: str, readers: dict[str, Reader]) -> Search:
        return Search(self._request, path, readers, self._shop.timezone)


def _only_by_id(root: str, sort_key: str) -> None:
    if sort_key != "ID":
        raise not_simulated(f"{root} sorted by {sort_key}")
