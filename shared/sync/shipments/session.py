"""An event that an order moved in F&O: the parts that it names converge, and nothing else of the order is read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, NotYetError, RefusedError, TransientError
from shared.flows import ORDERS, SHIPMENTS
from shared.mapping.shopify.events import parts_named, require_order_id
from shared.model import Part
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.parking import State
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry
from shared.sync.shipments.converged import Converged
from shared.sync.shipments.flow import converge_shipments
from shared.sync.shipments.holds import converge_holds
from shared.sync.shipments.looked_up import pass_on
from shared.sync.shipments.ports import ShipmentPorts

type _Converge = Callable[[OrderLink, StoreRules, ShipmentPorts], Awaitable[Converged]]

_CONVERGE: Final[Mapping[Part, _Converge]] = {Part.HOLDS: converge_holds, Part.SHIPMENTS: converge_shipments}
"""Each raises RefusedError for what needs a person, and TransientError for what has to wait. They run in this order:
what is held in Shopify cannot be fulfilled.
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
    payload = json.loads(envelope.body)
    if envelope.topic not in SHIPMENTS.events:
        return await pass_on(envelope, payload, rules, ports)
    link = await ports.links.get(rules.key, require_order_id(payload, envelope.topic))
    parts = parts_named(payload)
    if link is None or not link.sales_order:
        is_expected = link is None or not link.not_booked
        if is_expected and Part.HOLDS in parts and rules.holds.from_shopify:
            _wait_for_booking(envelope.occurred_at, ports.now())
        return Done("the app has not booked this order")
    return await _converge(link, parts, rules, ports)


def _wait_for_booking(occurred_at: datetime, now: datetime) -> None:
    """Raises NotYetError, each time for longer, until the order had time enough."""
    age = now - occurred_at
    if age < _WAITS_FOR_BOOKING:
        wait = min(max(age / 2, _FIRST_WAIT), _LONGEST_WAIT)
        raise NotYetError("the order is held in Shopify, and F&O does not have it yet", retry_after=wait)


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
