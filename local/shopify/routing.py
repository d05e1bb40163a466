"""Which location has to fulfil which units of an order, and what checkouts, edits and refunds do to that."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from local.shopify.cart import CartError
from local.shopify.ids import APP_ID
from local.shopify.order import LineItem, Order
from local.shopify.shipping_records import FulfillmentOrder, FulfillmentOrderLine, full_hour
from local.shopify.state import Shop
from local.shopify.stock import commit, release

Units = Sequence[tuple[LineItem, int]]
MAX_HOLDS = 10


class Place(NamedTuple):
    """Where units are fulfilled, and how they reach the buyer."""

    location_id: int
    method: str


def route(shop: Shop, order: Order, locations: Mapping[str, Any], fulfill_at: datetime | None) -> None:
    """At checkout: one fulfilment order for each location and delivery method.

    `locations`: SKU or title -> the location of its lines, or units by location. All others are at the order's.
    """
    lines = [line for line in order.lines if not line.tip]
    unknown = locations.keys() - {name for line in lines for name in (line.sku, line.title)}
    if unknown:
        raise CartError(f"no line is {', '.join(sorted(unknown))}")
    parts: dict[int, list[tuple[LineItem, int]]] = {}
    for line in lines:
        wish = locations.get(line.sku or "", locations.get(line.title, order.location_id))
        units = wish if isinstance(wish, Mapping) else {wish: line.quantity}
        if sum(units.values()) != line.quantity or min(units.values()) < 1:
            raise CartError(f"the units of {line.title!r} by location are not its {line.quantity}")
        for location_id, quantity in units.items():
            if int(location_id) not in shop.locations:
                raise CartError(f"no location has the id {location_id}")
            parts.setdefault(int(location_id), []).append((line, quantity))
    for location_id, routed in parts.items():
        _assign(shop, order, location_id, routed, fulfill_at)


def route_added(shop: Shop, order: Order, lines: Iterable[LineItem]) -> None:
    """Lines that an edit or an exchange added get fulfilment orders of their own, as recorded."""
    _assign(shop, order, order.location_id, [(line, line.quantity) for line in lines if not line.tip], None)


def _assign(shop: Shop, order: Order, location_id: int, units: Units, fulfill_at: datetime | None) -> None:
    """Commit new units and make their fulfilment orders, by delivery method."""
    by_method: dict[str, list[tuple[LineItem, int]]] = {}
    for line, quantity in units:
        by_method.setdefault(_method(order, line), []).append((line, quantity))
        line.unfulfilled += quantity
        commit(shop, line, quantity, location_id)
    for method, part in by_method.items():
        make_fulfillment_order(shop, order, Place(location_id, method), part, fulfill_at=fulfill_at)


def _method(order: Order, line: LineItem) -> str:
    """Goods that are not shipped have a fulfilment order of their own, except at a counter."""
    return order.delivery_method if line.requires_shipping or order.delivery_method == "RETAIL" else "NONE"


def make_fulfillment_order(
    shop: Shop, order: Order, place: Place, units: Units, *, fulfill_at: datetime | None = None
) -> FulfillmentOrder:
    """A fulfilment order of units that are committed at its location already."""
    now = max(shop.clock(), order.created_at)
    first = not order.fulfillment_orders
    used = {row.id for part in order.fulfillment_orders for row in part.lines}
    made = FulfillmentOrder(
        id=order.fulfillment_order_id if first else shop.next_routing_id(),
        location_id=place.location_id,
        delivery_method=place.method,
        created_at=now,
        updated_at=now,
        lines=[
            FulfillmentOrderLine(
                shop.next_routing_id() if line.fulfillment_line_id in used else line.fulfillment_line_id,
                line.id,
                quantity,
                quantity,
            )
            for line, quantity in units
        ],
        fulfill_at=full_hour(fulfill_at or shop.clock()),
    )
    order.fulfillment_orders.append(made)
    return made


def add_units(shop: Shop, order: Order, line: LineItem, quantity: int) -> None:
    """An edit raised the quantity of a line: its open fulfilment order has more to do, else there is a new one."""
    now = shop.clock()
    for part in order.fulfillment_orders:
        row = part.line(line.id)
        if row and part.status(now) in ("OPEN", "IN_PROGRESS", "SCHEDULED"):
            row.total += quantity
            row.remaining += quantity
            part.updated_at = now
            line.unfulfilled += quantity
            commit(shop, line, quantity, part.location_id)
            return
    _assign(shop, order, order.location_id, [(line, quantity)], None)


def give_up(shop: Shop, order: Order, line: LineItem, quantity: int, *, restock: bool) -> int | None:
    """Units that will not be shipped leave their fulfilment orders, from the first on.

    The location of the first of them; None where no unit is given up.
    """
    line.unfulfilled -= quantity
    first: int | None = None
    for part in order.fulfillment_orders:
        row = part.line(line.id)
        taken = min(quantity, row.remaining) if row and not part.is_closed else 0
        if row and taken:
            row.total -= taken
            row.remaining -= taken
            quantity -= taken
            first = first or part.location_id
            release(shop, line, taken, part.location_id, restock=restock)
            settle(part, shop.clock())
    return first


def settle(part: FulfillmentOrder, now: datetime) -> None:
    """A fulfilment order without remaining units is closed, as recorded also where none was shipped."""
    part.updated_at = now
    if not part.remaining:
        close(part)


def close(part: FulfillmentOrder) -> None:
    part.is_closed = True
    part.in_progress = False
    part.holds.clear()


def is_at_service(shop: Shop, part: FulfillmentOrder) -> bool:
    """Whether a third party fulfils it."""
    return shop.locations[part.location_id].fulfillment_service is not None


def routed(shop: Shop, order: Order) -> list[FulfillmentOrder]:
    """The order's fulfilment orders, once it is routed."""
    return order.fulfillment_orders if order.routed_at <= shop.clock() else []


def supported_actions(shop: Shop, order: Order, part: FulfillmentOrder) -> list[str]:
    """What can be done with it now. Recorded for merchants' locations; for third parties an assumption."""
    match part.status(shop.clock()):
        case "ON_HOLD":
            own = sum(hold.app == APP_ID for hold in part.holds)
            return ["RELEASE_HOLD", *(["HOLD"] if own < MAX_HOLDS else []), "MOVE"]
        case "SCHEDULED":
            return ["MARK_AS_OPEN"]
        case "INCOMPLETE":
            return ["MOVE"]
        case "OPEN" | "IN_PROGRESS" if is_at_service(shop, part):
            if part.request_status in ("SUBMITTED", "ACCEPTED"):
                return ["REQUEST_CANCELLATION"]
            return ["CREATE_FULFILLMENT", "REQUEST_FULFILLMENT", "MOVE", "HOLD"]
        case "OPEN" | "IN_PROGRESS" if part.in_progress:
            return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"]
        case "OPEN" | "IN_PROGRESS":
            more = ["SPLIT"] if part.remaining > 1 else []
            if mergeable_with(shop, order, part):
                more.append("MERGE")
            return ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", *more]
        case _:
            return []


def mergeable_with(shop: Shop, order: Order, part: FulfillmentOrder) -> list[FulfillmentOrder]:
    """The other open fulfilment orders of the order at the same location."""
    return [
        other
        for other in order.fulfillment_orders
        if other is not part
        and other.status(shop.clock()) == "OPEN"
        and (other.location_id, other.delivery_method) == (part.location_id, part.delivery_method)
    ]
