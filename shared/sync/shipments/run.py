"""The timer push_shipments: which orders left a warehouse of F&O since its last run, as events for their sessions.

Two calls of F&O find out that nothing moved. What moved is sent once for each moment that F&O stamps; the runs overlap,
since F&O's rows may appear later than they are stamped. A run that stops before it has stored its progress sends the
same events again, which change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.d365.packing_slips import Moved, moved_since, references_of, with_tracking
from shared.flows import ORDERS, SHIPMENTS
from shared.mapping.orders.plan import order_id_of
from shared.mapping.shopify.events import naming_body
from shared.rules import StoreRules
from shared.sync.each_store import for_each_store, noting_halt
from shared.sync.shipments.ports import ShipmentPorts
from shared.telemetry import emit

(_MOVED,) = SHIPMENTS.events
_SOURCE: Final = "push-shipments"
_LATE: Final = 100
"""Sales orders in one run that are asked for late tracking numbers."""


@dataclass(slots=True)
class ShipmentRunReport:
    """What one run did for one store, in orders."""

    moved: int = 0
    late: int = 0
    """That were shown without a tracking number."""
    others: int = 0
    """Sales orders that moved and are none of the store."""
    halted: str | None = None


async def push_shipments(ports: ShipmentPorts) -> None:
    """Raises what for_each_store does."""
    await for_each_store(SHIPMENTS, ports.rules.values(), lambda rules: _push(rules, ports))


async def _push(rules: StoreRules, ports: ShipmentPorts) -> None:
    report, began = ShipmentRunReport(), ports.now()
    try:
        with noting_halt(report):
            await _find(rules, ports, report, began)
    finally:
        if report != ShipmentRunReport():
            level = logging.WARNING if report.halted else logging.INFO
            emit("shipments.found", level=level, **asdict(report), seconds=(ports.now() - began).total_seconds())


async def _find(rules: StoreRules, ports: ShipmentPorts, report: ShipmentRunReport, began: datetime) -> None:
    name = f"shipments/{rules.key}/progress"
    progress, etag = await ports.snapshots.read(name)
    overlap = timedelta(minutes=rules.shipments.overlap_minutes)
    seen = datetime.fromisoformat(progress["seen"]) if progress else began
    sent: dict[str, str] = progress["sent"] if progress else {}
    moved, gone = await moved_since(ports.fo, rules.company, seen - overlap)
    for number, order in (await ports.shipments.of_slips(rules.key, gone)).items():
        moved.setdefault(order, Moved(began)).rows.add(f"{number} is gone")
    new = {number: found for number, found in moved.items() if sent.get(number) != found.digest}
    age = timedelta(days=rules.shipments.tracking_days)
    waiting = await ports.shipments.without_tracking(rules.key, began - age, limit=_LATE)
    late = await with_tracking(ports.fo, rules.company, waiting)
    references = await references_of(ports.fo, rules.company, {*new, *late})
    for number in sorted({*new, *late}):
        order_id = order_id_of(rules.key, references.get(number, ""))
        if order_id is None:
            report.others += 1
            continue
        found = new.get(number, Moved(began, {f"tracking {began.isoformat()}"}))
        event = _event(rules, order_id, found)
        await ports.queue.publish(event)
        emit("shipment.moved", store=rules.key, entity_id=event.entity_id, event_id=event.event_id, document=number)
        if number in new:
            report.moved += 1
        else:
            report.late += 1
    latest = max([seen, *(found.at for found in moved.values())])
    await ports.snapshots.write(name, _progress(latest, moved), etag)


def _progress(latest: datetime, moved: Mapping[str, Moved]) -> dict[str, Any]:
    return {"seen": latest.isoformat(), "sent": {number: found.digest for number, found in moved.items()}}


def _event(rules: StoreRules, order_id: int, moved: Moved) -> Envelope:
    return Envelope(
        flow=ORDERS.name,
        event_id=f"shipped-{rules.key}-{order_id}-{moved.digest}",
        source=_SOURCE,
        store=rules.key,
        topic=_MOVED,
        entity_id=str(order_id),
        occurred_at=moved.at,
        traceparent="",
        body=naming_body(order_id),
    )
