"""An event that an order moved in F&O: the parts that it names converge, and nothing else of the order is read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, RefusedError, TransientError
from shared.flows import ORDERS
from shared.mapping.shopify.events import parts_named, require_order_id
from shared.model import Part
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry
from shared.sync.shipments.captures import converge_captures
from shared.sync.shipments.converged import Converged
from shared.sync.shipments.flow import converge_shipments
from shared.sync.shipments.ports import ShipmentPorts

type _Converge = Callable[[OrderLink, StoreRules, ShipmentPorts], Awaitable[Converged]]

_CONVERGE: Final[Mapping[Part, _Converge]] = {
    Part.SHIPMENTS: converge_shipments,
    Part.CAPTURES: converge_captures,
}
"""Each raises RefusedError for what needs a person, and TransientError for what has to wait. They run in this order."""


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
    payload = json.loads(envelope.body)
    link = await ports.links.get(rules.key, require_order_id(payload, envelope.topic))
    if link is None or not link.sales_order:
        return Done("the app has not booked this order")
    return await _converge(link, parts_named(payload), rules, ports)


async def _converge(link: OrderLink, parts: frozenset[Part], rules: StoreRules, ports: ShipmentPorts) -> MessageOutcome:
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
            link = await _close(part, ended.link, ports)
            continue
        link = (
            await ports.links.get(link.store, link.order_id) or link
        )  # a part may have stored it before it was refused
    done = Done("; ".join(filter(None, notes)), document=link.sales_order, evidence=evidence)
    if not parked:
        return Parts(done, retry=retry) if retry is not None else done
    marked = replace(link, parked_parts=link.parked_parts | {each.part for each in parked})
    return Parts(done, parked=tuple(parked), retry=retry, then=partial(ports.links.put, marked))


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
