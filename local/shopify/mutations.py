"""The mutation root: every mutation that the simulator supports."""

from typing import Any

from local.shopify.idempotency import idempotent
from local.shopify.inventory import activate, adjust_quantities, set_quantities, user_error
from local.shopify.metafields import create_definition, set_metafields
from local.shopify.nodes import not_simulated, parse_gid, require
from local.shopify.order_mutations import OrderMutations
from local.shopify.order_nodes import OrderNode
from local.shopify.refund_mutations import RefundMutations
from local.shopify.routing_mutations import RoutingMutations
from local.shopify.schema import Access
from local.shopify.subscriptions import create_subscription, delete_subscription, update_subscription

#: The schema lists no scope for mutations with owners of any kind; orders need this one.
WRITE_ORDERS = Access(frozenset({"write_orders"}), "`write_orders` access scope.")
#: Of the definitions of orders' metafields; the text as recorded.
_NAMESPACE_AND_OWNER = Access(
    frozenset({"write_orders"}),
    "API client to have access to the namespace and the resource type associated with the metafield definition.\n",
)


class Mutation(RoutingMutations, OrderMutations, RefundMutations):
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
        require(self._request, "metafieldsSet", WRITE_ORDERS)
        payload, changed = set_metafields(self._request, metafields)
        for order in changed:
            self._changed(order)
        return payload

    def metafield_definition_create(self, definition: dict[str, Any]) -> dict[str, Any]:
        require(self._request, "metafieldDefinitionCreate", _NAMESPACE_AND_OWNER)
        return create_definition(self._request, definition)

    def tags_add(self, id_: str, tags: list[str]) -> dict[str, Any]:
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
