"""The mutation root: every mutation that the simulator supports."""

from typing import Any

from local.shopify.bulk.starting import BulkMutations
from local.shopify.idempotency import idempotent
from local.shopify.inventory import activate, adjust_quantities, set_quantities
from local.shopify.media.mutations import MediaMutations
from local.shopify.metafield_definitions import create_definition
from local.shopify.metafields import set_metafields
from local.shopify.nodes import not_simulated, parse_gid, require
from local.shopify.order import Order
from local.shopify.order_mutations import OrderMutations
from local.shopify.order_nodes import OrderNode
from local.shopify.prices.mutations import PriceMutations
from local.shopify.products.mutations import ProductMutations
from local.shopify.refund_mutations import RefundMutations
from local.shopify.routing_mutations import RoutingMutations
from local.shopify.schema import Access
from local.shopify.subscriptions import create_subscription, delete_subscription, update_subscription
from local.shopify.translations.mutations import TranslationMutations
from local.shopify.user_errors import user_error

#: The schema lists no scope for mutations with owners of any kind; orders need the first, products the second.
WRITE_ORDERS = Access(frozenset({"write_orders"}), "`write_orders` access scope.")
WRITE_PRODUCTS = Access(frozenset({"write_products"}), "`write_products` access scope.")
#: Of definitions of metafields; as recorded.
_NAMESPACE_AND_OWNER = (
    "API client to have access to the namespace and the resource type associated with the metafield definition.\n"
)


class Mutation(
    RoutingMutations,
    OrderMutations,
    RefundMutations,
    ProductMutations,
    PriceMutations,
    MediaMutations,
    TranslationMutations,
    BulkMutations,
):
    def inventory_set_quantities(self, input_: dict[str, Any]) -> dict[str, Any]:
        return idempotent(self._request, input_, lambda: set_quantities(self._request, input_))

    def inventory_adjust_quantities(self, input_: dict[str, Any]) -> dict[str, Any]:
        return idempotent(self._request, input_, lambda: adjust_quantities(self._request, input_))

    def inventory_activate(
        self,
        inventory_item_id: str,
        location_id: str,
        available: int | None = None,
        on_hand: int | None = None,
    ) -> dict[str, Any]:
        arguments = {"item": inventory_item_id, "at": location_id, "available": available, "onHand": on_hand}
        return idempotent(
            self._request,
            arguments,
            lambda: activate(self._request, inventory_item_id, location_id, available, on_hand),
        )

    def metafields_set(self, metafields: list[dict[str, Any]]) -> dict[str, Any]:
        for access in {_access(each["ownerId"]) for each in metafields} or {WRITE_ORDERS}:
            require(self._request, "metafieldsSet", access)
        payload, changed = set_metafields(self._request, metafields)
        for owner in changed:
            if isinstance(owner, Order):
                self._changed(owner)
            else:
                owner.touch(self._request.shop.clock())
        return payload

    def metafield_definition_create(self, definition: dict[str, Any]) -> dict[str, Any]:
        access = WRITE_ORDERS if definition["ownerType"] == "ORDER" else WRITE_PRODUCTS
        require(self._request, "metafieldDefinitionCreate", Access(access.scopes, _NAMESPACE_AND_OWNER))
        return create_definition(self._request, definition)

    def tags_add(self, id_: str, tags: list[str]) -> dict[str, Any]:
        if id_.startswith("gid://shopify/Product/"):
            require(self._request, "tagsAdd", WRITE_PRODUCTS)
            return self._tag_product(id_, tags, add=True)
        if not id_.startswith("gid://shopify/Order/"):
            raise not_simulated(f"tagsAdd on {id_}")
        require(self._request, "tagsAdd", WRITE_ORDERS)
        order = self._request.shop.orders.get(parse_gid(id_, "Order"))
        if order is None:
            return {"node": None, "userErrors": [user_error(["id"], "Order does not exist")]}
        # one text may hold several tags; tags that differ in case only are the same
        asked = {tag.casefold(): tag for text in tags for tag in map(str.strip, text.split(",")) if tag}
        fresh = asked.keys() - {tag.casefold() for tag in order.tags}
        if fresh:
            order.tags += [tag for folded, tag in asked.items() if folded in fresh]
            self._changed(order)
        return {"node": OrderNode(self._request, order), "userErrors": []}

    def tags_remove(self, id_: str, tags: list[str]) -> dict[str, Any]:
        """A tag that the order does not have is no error."""
        if id_.startswith("gid://shopify/Product/"):
            require(self._request, "tagsRemove", WRITE_PRODUCTS)
            return self._tag_product(id_, tags, add=False)
        if not id_.startswith("gid://shopify/Order/"):
            raise not_simulated(f"tagsRemove on {id_}")
        require(self._request, "tagsRemove", WRITE_ORDERS)
        order = self._request.shop.orders.get(parse_gid(id_, "Order"))
        if order is None:
            return {"node": None, "userErrors": [user_error(["id"], "Order does not exist")]}
        gone = {tag.casefold() for text in tags for tag in map(str.strip, text.split(","))}
        left = [tag for tag in order.tags if tag.casefold() not in gone]
        if left != order.tags:
            order.tags = left
            self._changed(order)
        return {"node": OrderNode(self._request, order), "userErrors": []}

    def webhook_subscription_create(
        self,
        topic: str,
        webhook_subscription: dict[str, Any],
    ) -> dict[str, Any]:
        return create_subscription(self._request, topic, webhook_subscription)

    def webhook_subscription_update(self, id_: str, webhook_subscription: dict[str, Any]) -> dict[str, Any]:
        return update_subscription(self._request, id_, webhook_subscription)

    def webhook_subscription_delete(self, id_: str) -> dict[str, Any]:
        return delete_subscription(self._request, id_)


def _access(owner: str) -> Access:
    is_product = owner.startswith(("gid://shopify/Product/", "gid://shopify/ProductVariant/"))
    return WRITE_PRODUCTS if is_product else WRITE_ORDERS
