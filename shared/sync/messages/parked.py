"""What a person does with a parked message, an order that F&O does not have, or one that the app holds there: replay,
discard, release, bring, release-hold.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from shared.bus.envelope import OPERATOR, Claim, Envelope, read_envelope
from shared.errors import ConnectorError, TransientError
from shared.flows import ORDERS
from shared.mapping.shopify.events import naming_body
from shared.model import Part
from shared.store.blobs import Bodies
from shared.store.journal import Journal, JournalEntry
from shared.store.links import OrderLink, OrderLinks, refuse_claimed
from shared.store.parking import Parked, Parking, State
from shared.sync.messages.intake import CLAIM_ABOVE

_REPLAY: Final = ".replay-"
_TOPIC: Final = "operator"
BRING: Final = "operator/bring"
"""The topic of an order that a person has brought by name."""
RELEASE_HOLD: Final = "operator/release-hold"
"""The topic of an order whose hold in F&O a person ends. Its body names the order, and says why and who."""


@dataclass(frozen=True, slots=True)
class ParkedPorts:
    parking: Parking
    links: OrderLinks
    claims: Bodies
    publish: Callable[[Envelope], Awaitable[None]]
    """Into the queue of the envelope's flow; returns when the queue has confirmed the message."""
    journal: Journal
    by: str
    """Who does it, recorded with everything that is done."""


async def record(ports: ParkedPorts, what: str, *, store: str, entity_id: str, event_id: str = "") -> None:
    """Writes into the journal who is about to do what, before it is done."""
    now = datetime.now(UTC)
    entry = JournalEntry(store, entity_id, event_id, _TOPIC, 1, now, "asked", f"{what}, by {ports.by}")
    await ports.journal.write(entry)


async def replay(rows: Sequence[Parked], ports: ParkedPorts, *, once_more: datetime | None = None) -> str:
    """Sends the message again, as a new event with the same properties and body. Returns the new event's id.

    `rows` are refused parts of one message: a replay handles all of its parts. A message that was sent again before is
    sent only with `once_more`, the moment of that decision.

    The id is the same until the row is marked, so that the queue drops a second copy after an unconfirmed sending; a
    message that was parked again has another id, and is sent whenever that is. The app may have handled the message,
    and closed the row, before it is marked here.
    Raises ConnectorError for a message that was sent again before, RefusedError ENVELOPE_UNREADABLE for one that the
    app did not send, CLAIM_MISSING when its body is gone, TransientError when sending was not confirmed or somebody
    else discarded the row meanwhile.
    """
    parked = rows[0]
    sent = [row for row in rows if row.state is State.REPLAYED]
    if len(sent) == len(rows) and once_more is None:
        when = f" on {parked.closed_at:%Y-%m-%d at %H:%M} UTC" if parked.closed_at else ""
        raise ConnectorError(
            f"it was {parked.why}{when}, and what became of it is in the journal. If it was parked again, replay that "
            "event. If it got lost, send this one with --again"
        )
    moment = once_more or max(row.at for row in rows)
    body = await ports.parking.body(parked)
    envelope = replace(read_envelope(body, parked.properties), event_id=_id_of(parked.event_id, moment))
    envelope = replace(envelope, source=OPERATOR, attempt=1, waits=0)
    if body:
        envelope = await _with_claim(envelope, ports.claims)
    await record(
        ports,
        f"replay as {envelope.event_id}",
        store=parked.store,
        entity_id=parked.entity_id,
        event_id=parked.event_id,
    )
    await ports.publish(envelope)
    for row in rows:
        await _close_sent(row, f"sent again as {envelope.event_id} by {ports.by}", ports)
    return envelope.event_id


async def _close_sent(row: Parked, why: str, ports: ParkedPorts) -> None:
    if await ports.parking.close(row, State.REPLAYED, why, datetime.now(UTC)):
        return
    states = {each.state for each in await ports.parking.of_event(row.event_id) if _is_same(each, row)}
    if not states <= {State.RESOLVED, State.REPLAYED}:
        raise TransientError(f"event {row.event_id} was changed by someone else at the same time: look again")


def _is_same(one: Parked, other: Parked) -> bool:
    return (one.flow, one.store, one.part, one.number) == (other.flow, other.store, other.part, other.number)


async def discard(rows: Sequence[Parked], reason: str, *, sales_order: str, ports: ParkedPorts) -> None:
    """Closes the message without handling it. Where F&O does not have the order, the order is given up too: later
    events do not create it, its other parked messages are closed, and the stock flow no longer counts its goods as sold
    and unknown to F&O; nor does it count what a discarded change adds. `sales_order` is the number that a person
    entered in F&O by hand, "" if none.

    Raises TransientError when the row has changed meanwhile.
    """
    parked = rows[0]
    await record(ports, f"discard: {reason}", store=parked.store, entity_id=parked.entity_id, event_id=parked.event_id)
    link = await ports.links.get(parked.store, int(parked.entity_id)) if parked.entity_id.isdecimal() else None
    if link is not None and not link.sales_order:
        await _give_up(link, parked.flow, reason, sales_order=sales_order, ports=ports)
    else:
        if link is not None:
            await _stop_holding_back(link, rows, ports)
        for row in rows:
            if not await ports.parking.close(row, State.DISCARDED, _signed(reason, ports), datetime.now(UTC)):
                raise TransientError(f"event {row.event_id} was changed by someone else at the same time: look again")


async def _stop_holding_back(link: OrderLink, rows: Sequence[Parked], ports: ParkedPorts) -> None:
    """The stock flow no longer counts what the change adds. What an event adds that was not read, nobody knows."""
    parts = {row.part for row in rows}
    known = replace(link, sold=()) if Part.ORDER in parts else link
    occurred_at, topic = rows[0].properties.get("occurred_at"), str(rows[0].properties.get("topic"))
    is_of_order = Part.ORDER in parts or (Part.READING in parts and topic.startswith("orders/"))
    if occurred_at is not None and is_of_order:
        happened = datetime.fromisoformat(str(occurred_at))
        known = replace(known, parked_version=happened) if happened > link.counted_version else known
    if known != link:
        await ports.links.put(known)


async def release(
    store: str, order_id: int, reason: str, *, sales_order: str, now: datetime, ports: ParkedPorts
) -> None:
    """Gives up an order that F&O does not have, as `discard` does, whether or not a message about it is parked.

    Raises ConnectorError where F&O has the order, TransientError while a worker creates it.
    """
    link = await ports.links.get(store, order_id) or OrderLink(store, order_id, now)
    if link.is_pending_sale and link.sales_order:
        raise ConnectorError(
            f"F&O has the order: {link.sales_order}. What its parked change adds is held back until the message is "
            "replayed or discarded: list"
        )
    if link.sales_order:
        raise ConnectorError(
            f"F&O has order {order_id}: {link.sales_order}. If it is held because it was changed, bring it; to end its "
            "hold in F&O: release-hold"
        )
    refuse_claimed(link, now)
    await record(ports, f"release: {reason}", store=store, entity_id=str(order_id))
    await _give_up(
        replace(link, not_booked=f"released: {_signed(reason, ports)}"),
        ORDERS.name,
        reason,
        sales_order=sales_order,
        ports=ports,
    )


async def _give_up(link: OrderLink, flow: str, reason: str, *, sales_order: str, ports: ParkedPorts) -> None:
    await ports.links.put(replace(link, sales_order=sales_order or "none (discarded)", given_up=True))
    why = _signed(reason, ports)
    await ports.parking.close_all(
        flow, link.store, str(link.order_id), state=State.DISCARDED, why=why, now=datetime.now(UTC)
    )


def _signed(reason: str, ports: ParkedPorts) -> str:
    return f"{reason} (by {ports.by})"


async def bring(store: str, order_id: int, now: datetime, ports: ParkedPorts) -> str:
    """Sends an event that names the order, which is then fetched and booked. Returns the event's id.

    It counts as a person's decision: an order from before the first day is booked too.
    """
    envelope = _event("bring", BRING, store, order_id, now)
    await record(ports, "bring", store=store, entity_id=str(order_id), event_id=envelope.event_id)
    await ports.publish(envelope)
    return envelope.event_id


async def release_hold(store: str, order_id: int, reason: str, now: datetime, ports: ParkedPorts) -> str:
    """Sends an event that ends the hold of the order in F&O: the app does not set it again for what stands now.
    Returns the event's id.

    Raises ConnectorError for an order that F&O does not have, or that the app does not hold there.
    """
    link = await ports.links.get(store, order_id)
    if link is None or not link.sales_order or link.given_up:
        raise ConnectorError(f"the app has no sales order of order {order_id} in F&O. To give the order up: release")
    if not link.held:
        raise ConnectorError(f"the app does not hold {link.sales_order}. Whoever holds it releases it in F&O")
    why = f"{_signed(reason, ports)}, {now:%Y-%m-%d %H:%M} UTC"
    envelope = _event("release-hold", RELEASE_HOLD, store, order_id, now)
    envelope = replace(envelope, body=json.dumps({**json.loads(envelope.body), "why": why}).encode())
    what = f"release-hold, held for its {link.held}: {reason}"
    await record(ports, what, store=store, entity_id=str(order_id), event_id=envelope.event_id)
    await ports.publish(envelope)
    return envelope.event_id


def _event(command: str, topic: str, store: str, order_id: int, now: datetime) -> Envelope:
    return Envelope(
        flow=ORDERS.name,
        event_id=f"{command}-{store}-{order_id}-{now:%Y%m%dT%H%M%SZ}",
        source=OPERATOR,
        store=store,
        topic=topic,
        entity_id=str(order_id),
        occurred_at=now,
        traceparent="",
        body=naming_body(order_id),
    )


async def _with_claim(envelope: Envelope, claims: Bodies) -> Envelope:
    """The body in the message, or as a new claim where it is too large: the blob of an older claim may be deleted."""
    if len(envelope.body) <= CLAIM_ABOVE:
        return replace(envelope, claim=None)
    blob = f"{envelope.store}/{envelope.event_id}"
    return replace(envelope, body=b"", claim=Claim(blob, await claims.put(blob, envelope.body)))


def _id_of(event_id: str, moment: datetime) -> str:
    """Of the replay of a message that was parked at the moment. The queue drops an id that it saw some minutes ago."""
    first, _, _ = event_id.partition(_REPLAY)
    return f"{first}{_REPLAY}{moment.astimezone(UTC):%Y%m%dT%H%M%S%f}"
