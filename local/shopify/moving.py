"""Fulfilment orders that are moved to another location, split, merged and opened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from local.shopify.events import Event
from local.shopify.ids import gid
from local.shopify.order import LineItem, Order
from local.shopify.routing import Place, close, make_fulfillment_order
from local.shopify.shipping_records import FulfillmentOrder, FulfillmentOrderLine, RoutingChange, full_hour
from local.shopify.state import Shop
from local.shopify.stock import commit, release

Wanted = Sequence[tuple[FulfillmentOrderLine, int]]


class Moved(NamedTuple):
    """`original` and `remaining` are one, where units stay; `moved` and `original`, where none does."""

    moved: FulfillmentOrder
    original: FulfillmentOrder
    remaining: FulfillmentOrder | None


def move(
    shop: Shop, order: Order, part: FulfillmentOrder, location_id: int, wanted: Wanted | None
) -> tuple[Moved, list[Event]]:
    """Move all that remains, or some of it. The stock that is committed goes with it."""
    units = list(wanted or [(row, row.remaining) for row in part.lines if row.remaining])
    source, requested = part.location_id, [{"id": _line_gid(row), "quantity": quantity} for row, quantity in units]
    for line, quantity in _lines(order, units):
        release(shop, line, quantity, source, restock=True)
        commit(shop, line, quantity, location_id)
    if sum(quantity for _, quantity in units) == part.remaining and not part.shipped:
        part.location_id, part.request_status, part.updated_at = location_id, "UNSUBMITTED", shop.clock()
        moved = Moved(part, part, None)
    else:
        taken = _lines(order, units)
        take_out(part, units, shop.clock())
        joined = _combine(shop, order, Place(location_id, part.delivery_method), taken)
        moved = Moved(joined, part, None if part.is_closed else part)
    document = {
        "original_fulfillment_order": _moved_document(shop, part),
        "moved_fulfillment_order": _moved_document(shop, moved.moved),
        "destination_location_id": gid("Location", location_id),
        "fulfillment_order_line_items_requested": requested,
        "source_location": {"id": gid("Location", source)},
    }
    return moved, [Event("fulfillment_orders/moved", RoutingChange(document))]


def _lines(order: Order, units: Wanted) -> list[tuple[LineItem, int]]:
    lines = {line.id: line for line in order.lines}
    return [(lines[row.line_id], quantity) for row, quantity in units]


def take_out(part: FulfillmentOrder, units: Wanted, now: datetime) -> None:
    """The units are another fulfilment order's now; a line without units disappears, unless it is the last."""
    for row, quantity in units:
        row.total -= quantity
        row.remaining -= quantity
    part.lines = [row for row in part.lines if row.total] or part.lines
    part.updated_at = now
    if not part.remaining:
        close(part)


def _combine(shop: Shop, order: Order, place: Place, units: list[tuple[LineItem, int]]) -> FulfillmentOrder:
    """A new fulfilment order there. One that is open there already is closed, and the new one has its units too."""
    there = next(
        (
            each
            for each in order.fulfillment_orders
            if each.status(shop.clock()) == "OPEN" and (each.location_id, each.delivery_method) == place
        ),
        None,
    )
    total = {line.id: (line, quantity) for line, quantity in units}
    if there:
        for line, quantity in _lines(order, [(row, row.remaining) for row in there.lines]):
            total[line.id] = (line, total.get(line.id, (line, 0))[1] + quantity)
        empty(there, shop.clock())
    return make_fulfillment_order(shop, order, place, list(total.values()))


def empty(part: FulfillmentOrder, now: datetime) -> None:
    """All of its units went to another fulfilment order."""
    for row in part.lines:
        row.total -= row.remaining
        row.remaining = 0
    part.combined, part.updated_at = True, now
    close(part)


def split(shop: Shop, order: Order, part: FulfillmentOrder, units: Wanted) -> FulfillmentOrder:
    """The new fulfilment order, with the units."""
    taken = _lines(order, units)
    take_out(part, units, shop.clock())
    return make_fulfillment_order(
        shop, order, Place(part.location_id, part.delivery_method), taken, fulfill_at=part.fulfill_at
    )


def merge(shop: Shop, parts: Sequence[FulfillmentOrder]) -> FulfillmentOrder:
    """All units go to the first one, as recorded; the others are closed."""
    first = parts[0]
    for other in parts[1:]:
        for row in other.lines:
            mine = first.line(row.line_id)
            if mine is None:
                mine = FulfillmentOrderLine(shop.next_routing_id(), row.line_id, 0, 0)
                first.lines.append(mine)
            mine.total += row.remaining
            mine.remaining += row.remaining
        empty(other, shop.clock())
    first.updated_at = shop.clock()
    return first


def open_again(shop: Shop, part: FulfillmentOrder) -> None:
    """A scheduled one is open now, and reported progress is taken back."""
    part.in_progress = False
    part.fulfill_at = min(part.fulfill_at, full_hour(shop.clock()))
    part.updated_at = shop.clock()


def _moved_document(shop: Shop, part: FulfillmentOrder) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentOrder", part.id),
        "status": part.status(shop.clock()).lower(),
        "assigned_location_id": gid("Location", part.location_id),
    }


def _line_gid(row: FulfillmentOrderLine) -> str:
    return gid("FulfillmentOrderLineItem", row.id)
