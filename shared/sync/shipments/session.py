"""An event that packing slips of an order moved: the order's shipments converge, and nothing else of it is read."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, RefusedError
from shared.flows import ORDERS
from shared.mapping.shopify.events import require_order_id
from shared.model import Part
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts
from shared.sync.shipments.flow import converge_shipments
from shared.sync.shipments.ports import ShipmentPorts


async def ship(envelope: Envelope, ports: ShipmentPorts) -> MessageOutcome:
    """Done once Shopify shows what left. What cannot be shown is parked as a part of its own, and closed by the next
    event after which nothing is left to tell.

    Raises RefusedError for an event that names no order, and TransientError for which dispatch schedules a copy.
    """
    rules = ports.rules.get(envelope.store)
    if rules is None:
        raise RefusedError(ErrorCode.UNKNOWN_STORE, store=envelope.store)
    if not rules.flows.shipments:
        return Done("the flow shipments is off")
    link = await ports.links.get(rules.key, require_order_id(json.loads(envelope.body), envelope.topic))
    if link is None or not link.sales_order:
        return Done("the app has not booked this order")
    try:
        report = await converge_shipments(link, rules, ports)
    except RefusedError as refusal:
        marked = replace(link, parked_parts=link.parked_parts | {Part.SHIPMENTS})
        return Parts(
            Done("", document=link.sales_order),
            parked=(Park(refusal, Part.SHIPMENTS),),
            then=partial(ports.links.put, marked),
        )
    if Part.SHIPMENTS in link.parked_parts:
        await ports.parking.close_all(
            ORDERS.name,
            link.store,
            str(link.order_id),
            state=State.RESOLVED,
            why="Shopify shows what left F&O's warehouses",
            now=ports.now(),
            parts=frozenset({Part.SHIPMENTS}),
        )
        await ports.links.put(replace(link, parked_parts=link.parked_parts - {Part.SHIPMENTS}))
    return Done(report.note, document=link.sales_order, evidence=dict(report.evidence))
