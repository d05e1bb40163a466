"""The timer push_shipments: which sales orders moved in F&O since its last run, as events for the orders' sessions.

Each source has a watermark of its own, by F&O's clock. The runs overlap, since F&O's rows may appear later than they
are stamped; a row is sent once. A run that stops before it has stored its progress sends the same events again, which
change nothing. A source that F&O refuses, denies or does not answer stops none of the others; where F&O is busy the
run goes on with what it has found.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.d365.moved import Moved, digest_of
from shared.d365.packing_slips import references_of
from shared.errors import RefusedError, ThrottledError, TransientError
from shared.flows import SHIPMENTS
from shared.mapping.orders.plan import order_id_of
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.each_store import for_each_store, noting_halt
from shared.sync.shipments.moved_event import moved_event
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.of_store import sources_of
from shared.telemetry import emit


@dataclass(slots=True)
class ShipmentRunReport:
    """What one run did for one store, in orders."""

    moved: int = 0
    others: int = 0
    """Sales orders that moved and are none of the store."""
    sources: str = ""
    """Where they moved, and how many there."""
    halted: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What is new of a sales order, from all sources."""

    moved: Moved
    parts: set[Part] = field(default_factory=set)


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
    sources: dict[str, Any] = dict(progress["sources"]) if progress else {}
    found: dict[str, _Found] = {}
    counts: Counter[str] = Counter()
    failure: RefusedError | TransientError | None = None
    settles: list[Callable[[], Awaitable[None]]] = []
    for source in sources_of(rules, ports):
        known = sources.get(source.name, {"seen": began.isoformat(), "sent": {}})
        seen = datetime.fromisoformat(known["seen"])
        try:
            moved = await source.find(seen - overlap)
        except ThrottledError as error:
            failure = failure or error
            break
        except (RefusedError, TransientError) as error:
            failure = failure or error
            continue
        for number, what in moved.items():
            rows = what.rows - {*known["sent"].get(number, ())}
            if rows:
                new = found.setdefault(number, _Found(Moved(what.at)))
                new.moved.at = max(new.moved.at, what.at)
                new.moved.rows |= rows
                new.moved.reference = new.moved.reference or what.reference
                new.parts.update(source.parts | what.parts)
                counts[source.name] += 1
        settles.append(source.settle)
        latest = max([seen, *(what.at for what in moved.values())])
        sent = {number: sorted(what.rows) for number, what in moved.items() if what.rows}
        sources[source.name] = {"seen": latest.isoformat(), "sent": sent}
    report.sources = ", ".join(f"{name}: {count}" for name, count in counts.items())
    await _send(rules, ports, report, found)
    await ports.snapshots.write(name, {"sources": sources}, etag)
    for settle in settles:
        await settle()
    if failure is not None:
        raise failure


async def _send(
    rules: StoreRules, ports: ShipmentPorts, report: ShipmentRunReport, found: Mapping[str, _Found]
) -> None:
    known = {number: new.moved.reference for number, new in found.items() if new.moved.reference}
    references = known | await references_of(ports.fo, rules.company, found.keys() - known)
    for number, new in sorted(found.items()):
        order_id = order_id_of(rules.key, references.get(number, ""))
        if order_id is None:
            report.others += 1
            continue
        event = moved_event(rules, order_id, new.parts, digest_of(new.moved.rows), new.moved.at)
        await ports.queue.publish(event)
        emit("shipment.moved", store=rules.key, entity_id=event.entity_id, event_id=event.event_id, document=number)
        report.moved += 1
