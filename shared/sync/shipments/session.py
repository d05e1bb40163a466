"""An event that an order moved in F&O: the parts that it names converge, and nothing else of the order is read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, NotYetError, RefusedError, TransientError
from shared.flows import ORDERS, SHIPMENTS
from shared.mapping.shopify.events import parts_named, require_order_id
from shared.model import Part
from shared.rules import StoreRules
from shared.store.links import OrderLink, refuse_claimed
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry
from shared.sync.shipments.captures import converge_captures
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.fo_events import HINTED, pass_hint_on
from shared.sync.shipments.given_up import converge_given_up
from shared.sync.shipments.holds import converge_holds
from shared.sync.shipments.looked_up import pass_on
from shared.sync.shipments.parcels.flow import converge_shipments
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.status import converge_status

type _Converge = Callable[[OrderLink, StoreRules, ShipmentPorts], Awaitable[ConvergedPart]]

_CONVERGE: Final[Mapping[Part, _Converge]] = {
    Part.HOLDS: converge_holds,
    Part.SHIPMENTS: converge_shipments,
    Part.GIVEN_UP: converge_given_up,
    Part.STATUS: converge_status,
    Part.CAPTURES: converge_captures,
}
"""Each gives what needs a person and what has to wait, or raises it as RefusedError or TransientError. They run in this
order: what is held in Shopify cannot be fulfilled.
"""
_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=6)
_WAITS_FOR_BOOKING: Final = timedelta(days=7)
"""A hold in Shopify may come before F&O has its order, which a person may have to let pass."""


async def ship(envelope: Envelope, ports: ShipmentPorts) -> MessageOutcome:
    """Each part ends by itself: done, waiting or parked. The next event after which nothing of a parked one is left to
    tell closes it.

    Raises RefusedError for an event that names no order.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError(ErrorCode.UNKNOWN_STORE, store=envelope.store)
    if not rules.flows.shipments:
        return Done("the flow shipments is off")
    if envelope.topic == HINTED:
        return await pass_hint_on(envelope, rules, ports)
    payload = json.loads(envelope.body)
    if envelope.topic not in SHIPMENTS.events:
        return await pass_on(envelope, payload, rules, ports)
    order_id, parts = require_order_id(payload, envelope.topic), parts_named(payload)
    link = await ports.links.get(rules.key, order_id)
    if link is None or not link.sales_order:
        _wait_for_booking(envelope, link, parts, rules, ports)
        return _unbooked(link, order_id, parts)
    if link.given_up:
        parts &= {Part.HOLDS}  # staff handle the order, and no hold of it may stay behind
        if not parts:
            return Done("staff handle this order")
    return await _converge(envelope, link, parts, rules, ports)


def _wait_for_booking(
    envelope: Envelope, link: OrderLink | None, parts: frozenset[Part], rules: StoreRules, ports: ShipmentPorts
) -> None:
    """Raises TransientError while the order is being booked; and of an order that Shopify may hold each time for longer
    until it had time enough.
    """
    if link is not None:
        refuse_claimed(link, ports.now())
    is_expected = link is None or not link.not_booked
    age = ports.now() - envelope.occurred_at
    if is_expected and Part.HOLDS in parts and rules.holds.from_shopify and age < _WAITS_FOR_BOOKING:
        wait = min(max(age / 2, _FIRST_WAIT), _LONGEST_WAIT)
        raise NotYetError("the order is held in Shopify, and F&O does not have it yet", retry_after=wait)


def _unbooked(link: OrderLink | None, order_id: int, parts: frozenset[Part]) -> MessageOutcome:
    """An order moved that the app has not booked: in Shopify, or F&O has a sales order with its reference."""
    if link is not None and link.not_booked:
        return Done(f"the app does not book this order: {link.not_booked}")
    if Part.SHIPMENTS not in parts or Part.HOLDS in parts:
        return Done("the app has not booked this order")
    return Park(RefusedError(ErrorCode.SHIPPED_WITHOUT_BOOKING, order=order_id), Part.SHIPMENTS)


async def _converge(
    envelope: Envelope, link: OrderLink, parts: frozenset[Part], rules: StoreRules, ports: ShipmentPorts
) -> MessageOutcome:
    notes: list[str] = []
    evidence: dict[str, Any] = {}
    parked: list[Park] = []
    retry: Retry | None = None
    for part, converge in _CONVERGE.items():
        if part not in parts:
            continue
        try:
            ended = await converge(link, rules, ports)
        except RefusedError as refusal:
            parked.append(Park(refusal, part))
        except TransientError as error:
            retry = retry or Retry(error)
        else:
            notes.append(ended.note)
            evidence |= ended.evidence
            parked += [Park(finding, part, number) for number, finding in enumerate(ended.findings)]
            if ended.wait is not None:
                retry = retry or Retry(ended.wait)
            link = ended.link if ended.findings or ended.wait is not None else await _close(part, ended.link, ports)
            continue
        # A part may have stored it before it was refused.
        link = await ports.links.get(link.store, link.order_id) or link
    done = Done("; ".join(filter(None, notes)), document=link.sales_order, evidence=evidence)
    if not parked:
        return Parts(done, retry=retry) if retry is not None else done
    then = partial(_remember, link, tuple(parked), envelope.event_id, ports)
    return Parts(done, parked=tuple(parked), retry=retry, then=then)


async def _remember(link: OrderLink, parked: Collection[Park], event_id: str, ports: ShipmentPorts) -> None:
    """Marks the link, and closes what earlier events told about these parts: this one has told all that is left."""
    parts = frozenset(each.part for each in parked)
    told = {(event_id, each.part, each.number) for each in parked}
    await ports.links.put(replace(link, parked_parts=link.parked_parts | parts))
    for row in await ports.parking.open_of(ORDERS.name, link.store, str(link.order_id)):
        if row.part in parts and (row.event_id, row.part, row.number) not in told:
            why = f"event {event_id} tells what is left"
            await ports.parking.close(row, State.RESOLVED, why, ports.now())


async def _close(part: Part, link: OrderLink, ports: ShipmentPorts) -> OrderLink:
    """The link without the part among those that are parked: both systems agree about it now."""
    if part not in link.parked_parts:
        return link
    await ports.parking.close_all(
        ORDERS.name,
        link.store,
        str(link.order_id),
        state=State.RESOLVED,
        why="F&O and Shopify agree about it now",
        now=ports.now(),
        parts=frozenset({part}),
    )
    return await ports.links.put(replace(link, parked_parts=link.parked_parts - {part}))
