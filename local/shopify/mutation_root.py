"""What all groups of mutations have in common."""

from collections.abc import Callable, Sequence

from local.shopify.events import Event, touch
from local.shopify.nodes import Request
from local.shopify.order import Order
from local.shopify.state import Shop

#: Sends the webhooks of one action.
Notify = Callable[[Shop, Order, list[Event]], None]


class MutationRoot:
    typename = "Mutation"

    def __init__(self, request: Request, notify: Notify) -> None:
        self._request = request
        self._notify = notify

    def _changed(self, order: Order, events: Sequence[Event] = ()) -> None:
        """Every write to an order, our own included, sends orders/updated."""
        touch(self._request.shop, order)
        self._announce(order, [*events, Event("orders/updated", order)])

    def _announce(self, order: Order, events: list[Event]) -> None:
        self._notify(self._request.shop, order, events)
