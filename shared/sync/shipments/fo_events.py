"""Business events of F&O: hints that a sales order moved, so that its shipments need not wait for the timer.

F&O's endpoint of the type HTTPS posts to one address, which stands in a Key Vault, and sends nothing that proves who it
is. So the address has a key in it. Nothing of a body is believed but the number of a sales order of a company that a
store has: the order is looked up in F&O behind the queue. What no event tells, the timer finds.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.bus.publisher import Publisher
from shared.d365.packing_slips import references_of
from shared.errors import ConnectorError, ErrorCode, OutcomeUnknownError, WebhookIgnoredError, WebhookRefusedError
from shared.flows import ORDERS
from shared.mapping.orders.plan import order_id_of
from shared.model import Part
from shared.rules import StoreRules
from shared.settings import Secret
from shared.sync.messages.outcome import Done
from shared.sync.shipments.moved_event import moved_event
from shared.sync.shipments.ports import ShipmentPorts
from shared.telemetry import PerMinute, count, emit

HINTED: Final = "shipments/hinted"
LARGEST: Final = 65_536
"""Bytes. F&O's events have a few hundred."""
TOLD: Final = 20
"""Refused or ignored ones that are told a minute, for each code and process: further ones are counted."""

_SOURCE: Final = "fo-event"
_COMPANY: Final = ("BusinessEventLegalEntity", "LegalEntity")
_ORDER: Final = ("SalesOrderId", "SalesId", "SalesOrderNumber")
"""F&O's own events about invoices have the first; one of the tenant's own may have any."""
_LONGEST_NUMBER: Final = 20
"""Characters of F&O's key."""
_PARTS: Final = frozenset({Part.SHIPMENTS, Part.HOLDS, Part.STATUS, Part.GIVEN_UP, Part.CAPTURES})
"""An event does not tell what else moved with it: an invoice may follow its packing slip within a second."""


@dataclass(frozen=True, slots=True)
class FoEventPorts:
    keys: Sequence[Secret]
    """Those that the address may have; two while one is replaced, none where the app takes no events."""
    rules: Mapping[str, StoreRules]
    """By store key."""
    publisher: Publisher
    told: PerMinute = field(default_factory=lambda: PerMinute(TOLD))


async def receive_fo_event(key: str, body: bytes, *, traceparent: str, ports: FoEventPorts) -> list[str]:
    """The ids of the hints that Service Bus confirmed: one for each store of the event's company.

    Raises WebhookRefusedError where nothing was accepted, and WebhookIgnoredError for an event that is about no order
    of a store, as the test that F&O sends when an event is activated.
    """
    try:
        _verify(key, ports.keys)
        hints = hints_of(body, ports.rules, traceparent)
        for hint in hints:
            await _publish(hint, ports.publisher)
    except (WebhookRefusedError, WebhookIgnoredError) as answer:
        _tell(answer, len(body), ports)
        raise
    emit("fo_event.accepted", bytes=len(body), hints=len(hints))
    return [hint.event_id for hint in hints]


async def take_fo_message(body: bytes, *, traceparent: str, ports: FoEventPorts) -> None:
    """The same for an event in the queue of F&O's Service Bus endpoint. What is refused there is told, and done with:
    delivered again it would be the same. Raises WebhookRefusedError NOT_QUEUED alone, so that the queue delivers it
    again.
    """
    try:
        hints = hints_of(body, ports.rules, traceparent)
        for hint in hints:
            await _publish(hint, ports.publisher)
    except (WebhookRefusedError, WebhookIgnoredError) as answer:
        _tell(answer, len(body), ports)
        if answer.code == ErrorCode.NOT_QUEUED:
            raise
    else:
        emit("fo_event.accepted", bytes=len(body), hints=len(hints))


def hints_of(body: bytes, rules: Mapping[str, StoreRules], traceparent: str) -> list[Envelope]:
    """A hint for each store of the company in the body. Raises as receive_fo_event does."""
    if len(body) > LARGEST:
        raise WebhookRefusedError(ErrorCode.FO_EVENT_TOO_LARGE, size=len(body), limit=LARGEST)
    event = _read(body)
    number = next((text for name in _ORDER if _is_number(text := _text(event, name))), "")
    if not number:
        raise WebhookIgnoredError(ErrorCode.FO_EVENT_WITHOUT_ORDER, fields=", ".join(_ORDER))
    company = next((text for name in _COMPANY if (text := _text(event, name))), "")
    stores = [each for each in rules.values() if each.company == company.casefold() and each.flows.shipments]
    if not stores:
        raise WebhookIgnoredError(
            ErrorCode.FO_EVENT_OTHER_COMPANY, company=company[:20] if company.isprintable() and company else "(none)"
        )
    # F&O sends an event again whose answer it missed, under the same EventId.
    same = sha256("\n".join((number, _text(event, "EventId") or body.hex())).encode(errors="replace")).hexdigest()[:16]
    return [
        Envelope(
            flow=ORDERS.name,
            event_id=f"hinted-{store.key}-{same}",
            source=_SOURCE,
            store=store.key,
            topic=HINTED,
            entity_id="",
            occurred_at=datetime.now(UTC),
            traceparent=traceparent,
            body=json.dumps({"sales_order": number}).encode(),
        )
        for store in stores
    ]


async def pass_hint_on(envelope: Envelope, rules: StoreRules, ports: ShipmentPorts) -> Done:
    """Puts the event that the order moved into the order's session, if the sales order is one of the store's.

    A hint never waits and is never parked: the timer finds what it was about.
    """
    number = str(json.loads(envelope.body)["sales_order"])
    try:
        references = await references_of(ports.fo, rules.company, [number])
    except ConnectorError as error:
        return Done(f"the timer finds what moved: {error}")
    order_id = order_id_of(rules.key, references.get(number, ""))
    if order_id is None:
        return Done("F&O's event is about no order of this store")
    digest = envelope.event_id.rpartition("-")[2]
    await ports.queue.publish(moved_event(rules, order_id, _PARTS, digest, envelope.occurred_at))
    return Done(f"told the session of order {order_id} that F&O moved it", document=number)


def _verify(key: str, keys: Sequence[Secret]) -> None:
    if not keys:
        raise WebhookRefusedError(ErrorCode.FO_EVENTS_OFF)
    given = key.encode(errors="replace")
    if not any(hmac.compare_digest(given, each.reveal().encode()) for each in keys):
        raise WebhookRefusedError(ErrorCode.FO_EVENT_KEY_WRONG)


def _is_number(text: str) -> bool:
    """Whether it can be the number of a sales order. F&O takes `*` in a filter as a wildcard."""
    return 0 < len(text) <= _LONGEST_NUMBER and text.isprintable() and "*" not in text


def _read(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookRefusedError(ErrorCode.FO_EVENT_UNREADABLE, problem="it is not JSON") from None
    if not isinstance(event, dict):
        raise WebhookRefusedError(ErrorCode.FO_EVENT_UNREADABLE, problem="it is not an object")
    return event


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value.strip() if isinstance(value, str) else ""


async def _publish(hint: Envelope, publisher: Publisher) -> None:
    try:
        await publisher.publish(hint)
    except OutcomeUnknownError as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure


def _tell(answer: WebhookRefusedError | WebhookIgnoredError, size: int, ports: FoEventPorts) -> None:
    """The address is open to the world, and each line of telemetry costs money."""
    is_refused = isinstance(answer, WebhookRefusedError)
    name = "fo_event.refused" if is_refused else "fo_event.ignored"
    fields = {"code": answer.code, "status": answer.entry.status, "bytes": size}
    if ports.told.allows(answer.code):
        emit(name, level=logging.WARNING if is_refused else logging.INFO, **fields)
    else:
        count(name, **fields)
