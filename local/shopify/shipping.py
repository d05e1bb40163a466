"""Fulfilments: parcels made from fulfilment orders, their tracking, their events, and their cancellation."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphql import GraphQLObjectType

from local.shopify.events import Event
from local.shopify.order import LineItem, Order
from local.shopify.routing import Place, close, make_fulfillment_order, settle
from local.shopify.schema import admin_schema
from local.shopify.shipping_records import (
    FulfilledUnits,
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    Notice,
    ShipmentEvent,
    Tracking,
)
from local.shopify.state import Shop
from local.shopify.stock import commit, is_stocked, ship, unship

#: The only URL of a known carrier that is recorded; those of all others are an assumption.
_UPS = "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums="
_OTHERS = "https://tracking.example.com/"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be fulfilled, of fulfilment orders at one location."""

    units: Sequence[tuple[FulfillmentOrder, LineItem, int]]
    company: str | None = None
    tracking: tuple[Tracking, ...] = ()
    notify: bool = False
    origin_address: dict[str, Any] | None = None


def fulfill_parcel(shop: Shop, order: Order, parcel: Parcel) -> tuple[Fulfillment, list[Event]]:
    """One fulfilment. Units of one order line become one fulfilment line, whatever fulfilment orders they are from."""
    now = shop.clock()
    by_line: dict[int, int] = {}
    for part, line, quantity in parcel.units:
        row = part.line(line.id)
        assert row is not None
        row.remaining -= quantity
        line.unfulfilled -= quantity
        line.fulfilled += quantity
        by_line[line.id] = by_line.get(line.id, 0) + quantity
        ship(shop, line, quantity, part.location_id)
    parts = {part.id: part for part, _, _ in parcel.units}
    for part in parts.values():
        part.prepared = min(part.prepared, part.remaining)
        settle(part, now)
    made = Fulfillment(
        id=shop.next_id(),
        name=f"{order.name}-F{len(order.fulfillments) + 1}",
        location_id=parcel.units[0][0].location_id,
        created_at=now,
        updated_at=now,
        lines=tuple(FulfillmentLine(shop.next_id(), line_id, quantity) for line_id, quantity in by_line.items()),
        taken=tuple(FulfilledUnits(part.id, line.id, quantity) for part, line, quantity in parcel.units),
        tracking_company=parcel.company,
        tracking=parcel.tracking,
        origin_address=parcel.origin_address,
    )
    order.fulfillments.append(made)
    if parcel.notify:
        _tell(order, made, "shipping_confirmation", now)
    whole = not any(line.unfulfilled for line in order.lines)
    topic = "orders/fulfilled" if whole else "orders/partially_fulfilled"
    return made, [Event(topic, order), Event("fulfillments/create", made)]


def replace_tracking(
    shop: Shop, order: Order, made: Fulfillment, company: str | None, tracking: tuple[Tracking, ...], *, notify: bool
) -> list[Event]:
    """The whole set is replaced; of a cancelled fulfilment too, as recorded."""
    made.tracking_company, made.tracking, made.updated_at = company, tracking, shop.clock()
    if notify:
        _tell(order, made, "shipping_update", made.updated_at)
    return [Event("fulfillments/update", made)]


def _tell(order: Order, made: Fulfillment, kind: str, now: datetime) -> None:
    numbers = tuple(each.number for each in made.tracking if each.number)
    order.notices.append(Notice(kind, made.id, now, numbers))


def cancel_fulfillment(shop: Shop, order: Order, made: Fulfillment) -> list[Event]:
    """Its units are to be shipped again. Nothing happens where it is cancelled already, as recorded.

    They go back to their fulfilment order. One that was closed by then stays closed, although its line shows the units
    as remaining (recorded), and a new one gets them: at the same location, or where they are stocked.
    """
    if made.is_cancelled:
        return []
    now = shop.clock()
    made.is_cancelled, made.updated_at = True, now
    lines = {line.id: line for line in order.lines}
    again: dict[Place, list[tuple[LineItem, int]]] = {}
    for units in made.taken:
        part = next(each for each in order.fulfillment_orders if each.id == units.fulfillment_order_id)
        line, row = lines[units.line_id], part.line(units.line_id)
        assert row is not None
        line.fulfilled -= units.quantity
        # units that were refunded or came back in the meantime are not shipped again
        freed = min(units.quantity, line.current_quantity - line.unfulfilled)
        line.unfulfilled += freed
        row.remaining += freed
        row.total -= units.quantity - freed
        part.updated_at = now
        location_id = _location_again(shop, line, part.location_id) if part.is_closed else part.location_id
        if location_id == part.location_id:
            unship(shop, line, freed, location_id)
        else:
            commit(shop, line, freed, location_id)
        if part.is_closed and freed:
            again.setdefault(Place(location_id, part.delivery_method), []).append((line, freed))
        elif not part.is_closed and not part.remaining:
            close(part)
    for place, rows in again.items():
        make_fulfillment_order(shop, order, place, _summed(rows))
    return [Event("fulfillments/update", made)]


def _location_again(shop: Shop, line: LineItem, location_id: int) -> int:
    """The old location if the item is stocked there, else the first that has it."""
    candidates = (location_id, *shop.locations)
    return next((each for each in candidates if is_stocked(shop, line, each)), location_id)


def _summed(rows: Iterable[tuple[LineItem, int]]) -> list[tuple[LineItem, int]]:
    found: dict[int, tuple[LineItem, int]] = {}
    for line, quantity in rows:
        found[line.id] = (line, found.get(line.id, (line, 0))[1] + quantity)
    return list(found.values())


def record_event(
    shop: Shop, made: Fulfillment, status: str, given: Mapping[str, Any], happened_at: datetime
) -> tuple[ShipmentEvent, list[Event]]:
    """Something happened to the parcel; of a cancelled fulfilment too, as recorded."""
    happened = ShipmentEvent(shop.next_id(), status, happened_at, shop.clock(), dict(given))
    made.events.append(happened)
    made.updated_at = happened.created_at
    return happened, [Event("fulfillments/update", made)]


def tracking_of(company: str | None, numbers: Sequence[str], urls: Sequence[str]) -> tuple[Tracking, ...]:
    """Numbers and URLs by position. Shopify builds the URLs of the carriers that it knows."""
    rows = []
    for at in range(max(len(numbers), len(urls))):
        number = numbers[at] if at < len(numbers) else None
        url = urls[at] if at < len(urls) else None
        rows.append(Tracking(number, url or _known_url(company, number)))
    return tuple(rows)


def _known_url(company: str | None, number: str | None) -> str | None:
    if number is None or company not in known_companies():
        return None
    return f"{_UPS}{number}" if company == "UPS" else f"{_OTHERS}{number}"


@functools.cache
def known_companies() -> frozenset[str]:
    """The carriers' names that the schema lists, those of all countries included."""
    info = admin_schema().graphql.type_map["FulfillmentTrackingInfo"]
    assert isinstance(info, GraphQLObjectType)
    names: set[str] = set()
    for row in re.findall(
        r"^ *\* (.+?)(?=\n *\*|\n\n|\Z)", info.fields["company"].description or "", re.MULTILINE | re.DOTALL
    ):
        country, _, listed = " ".join(row.split()).rpartition("**: ")
        names |= set(listed.rstrip(".").split(", ")) if country else {listed}
    return frozenset(names)
