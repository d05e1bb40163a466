"""The `_sim` endpoint for changes of an order: `POST /{shop}/_sim/orders/{id}/{step}`."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from local.shopify.agreeing import agree, standings
from local.shopify.balance import expire, financial_status
from local.shopify.bodies import body
from local.shopify.changing import assess, cancel
from local.shopify.editing import edit
from local.shopify.events import Event, paid_event, touch, transaction_events
from local.shopify.order import Order
from local.shopify.payments import authorize, capture, pay, void
from local.shopify.records import Transaction
from local.shopify.refunding import refund, settle
from local.shopify.rest import order_document
from local.shopify.returning import handle_return
from local.shopify.staff_routing import hold_units, move_units, progress, release, service
from local.shopify.staff_shipping import deliver, fulfill, track, unfulfill
from local.shopify.state import Shop

Step = Callable[[Shop, Order, Mapping[str, Any]], list[Event]]


def _paying(act: Callable[[Shop, Order, Mapping[str, Any]], Transaction]) -> Step:
    return lambda shop, order, params: transaction_events([act(shop, order, params)])


STEPS: dict[str, Step] = {
    "edit": edit,
    "cancel": cancel,
    "risk": assess,
    "authorize": _paying(authorize),
    "capture": _paying(capture),
    "pay": _paying(pay),
    "void": _paying(void),
    "settle": settle,
    "refund": refund,
    "fulfill": fulfill,
    "unfulfill": unfulfill,
    "track": track,
    "deliver": deliver,
    "hold": hold_units,
    "release": release,
    "move": move_units,
    "progress": progress,
    "service": service,
    "return": handle_return,
}


#: Steps that change fulfilment orders only: the order is not updated.
_ROUTING = ("hold", "release", "move", "progress", "service")


def apply_step(shop: Shop, order: Order, step: str, params: Mapping[str, Any]) -> list[Event]:
    """Apply a step to the order and return its webhooks. Undone when it raises a ValueError, KeyError or TypeError."""
    expire(order, shop.clock())
    shared: dict[int, Any] = {id(each): each for each in (*shop.variants.values(), order.customer)}
    before = copy.deepcopy(order, shared)
    had = standings(order)
    levels = {pair: dict(level.states) for pair, level in shop.levels.items()}
    status = financial_status(order)
    try:
        events = STEPS[step](shop, order, params)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        for name in order.__dataclass_fields__:
            setattr(order, name, getattr(before, name))
        for pair, level in shop.levels.items():
            level.states = levels.get(pair, {"available": 0})
        raise
    if step in _ROUTING:
        return events
    if step == "return":
        refunds_later = params.get("action") == "refund"
        reason, return_id = "REFUND" if refunds_later else "RETURN", params.get("return", order.returns[-1].id)
    else:
        reason, return_id = "ORDER_EDIT" if step == "edit" else "REFUND", None
    agree(shop, order, reason, had, return_id=return_id)
    if order.updated_at == before.updated_at:
        touch(shop, order, same_second=params.get("same_second", False))
    return [*events, *paid_event(order, status), Event("orders/updated", order)]


def step_document(shop: Shop, order: Order, events: list[Event]) -> dict[str, Any]:
    """The order as it is now, and the bodies of its webhooks."""
    return {
        "order": order_document(shop, order),
        "events": [{"topic": each.topic, "body": body(shop, order, each)} for each in events],
    }


def step_name(request: web.Request) -> str:
    """The step in the path; 404 for any other."""
    name = request.match_info["step"]
    if name not in STEPS:
        raise web.HTTPNotFound
    return name
