"""The query root: every field that the simulator supports."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from local.shopify.balance import financial_status, fulfillment_status, gateways
from local.shopify.bulk.starting import BulkQueries
from local.shopify.catalogue_nodes import LocationNode, ShopNode, sort_moment
from local.shopify.faults import FaultKind
from local.shopify.ids import gid
from local.shopify.loading import is_readable
from local.shopify.media.mutations import MediaQueries
from local.shopify.model import Location
from local.shopify.nodes import Connection, connect, not_simulated, parse_gid
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.prices.queries import PriceQueries
from local.shopify.products.queries import ProductQueries
from local.shopify.search import Reader
from local.shopify.state import SUPPORTED_VERSIONS
from local.shopify.subscriptions import subscription_document
from local.shopify.topics import graphql_name
from local.shopify.totals import current
from local.shopify.translations.mutations import TranslationQueries

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


class QueryRoot(ProductQueries, PriceQueries, MediaQueries, TranslationQueries, BulkQueries):
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

    def inventory_level(self, id_: str) -> Any:
        return self._load("InventoryLevel", id_)

    def order(self, id_: str) -> Any:
        return self._load("Order", id_)

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
        return self._load("Refund", id_)

    def fulfillment(self, id_: str) -> Any:
        return self._load("Fulfillment", id_)

    def return_(self, id_: str) -> Any:
        return self._load("Return", id_)

    def customer(self, id_: str) -> Any:
        return self._load("Customer", id_)

    def fulfillment_order(self, id_: str) -> Any:
        return self._load("FulfillmentOrder", id_)

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
        return self._load(id_.removeprefix("gid://shopify/").partition("/")[0], id_)

    def nodes(self, ids: list[str]) -> list[Any]:
        return [self.node(each) for each in ids]
