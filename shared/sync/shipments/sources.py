"""Where F&O shows what moved of its sales orders, and which parts of an order each place concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.d365.flat_shipments import rows_moved_since
from shared.d365.moved import Moved
from shared.d365.moved_lines import lines_modified_since
from shared.d365.packing_slips import moved_since
from shared.d365.picked import packed_since, picked_since
from shared.d365.sales_invoices import invoiced_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.captures import report_unbooked
from shared.sync.shipments.late_tracking import LateTracking
from shared.sync.shipments.open_orders import OpenOrders
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.slips import has_tracking

type _Find = Callable[[datetime], Awaitable[Mapping[str, Moved]]]

_SHIPMENTS: Final = frozenset({Part.SHIPMENTS})
_CAPTURES: Final = frozenset({Part.CAPTURES})
_AUTHORIZED: Final = 100
"""Orders in one run whose authorisations are about to expire."""


async def _nothing_to_settle() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    """Of its watermark, in the progress of the store."""
    parts: frozenset[Part]
    find: _Find
    """Takes the moment since when; gives what moved by sales order. Raises what the F&O client does."""
    settle: Callable[[], Awaitable[None]] = _nothing_to_settle
    """Stores how far it has come, for a source that asks in turn: called once the events are sent."""


def sources_of(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
    """Those that the store's rules need, the cheapest first."""
    sources = [_slips(rules, ports)]
    if has_tracking(rules):
        late = LateTracking(rules, ports)
        sources.append(Source("tracking", _SHIPMENTS, late.find, late.settle))
    if rules.tells_when_picked:
        sources += _picked(rules, ports)
    if rules.captures.is_on:
        sources += _of_captures(rules, ports)
    return tuple(sources)


def _slips(rules: StoreRules, ports: ShipmentPorts) -> Source:
    """Packing slips that were posted, corrected or cancelled, as the tenant lets them be found."""
    match rules.tenant.finds_slips:
        case "by_order":
            orders = OpenOrders(rules, ports)
            return Source("orders", _SHIPMENTS, orders.find, orders.settle)
        case "by_line":
            return Source("lines", _SHIPMENTS, _by_line(rules, ports))
        case _:
            return Source("slips", _SHIPMENTS, _by_time(rules, ports))


def _by_line(rules: StoreRules, ports: ShipmentPorts) -> _Find:
    async def find(since: datetime) -> Mapping[str, Moved]:
        return await lines_modified_since(ports.fo, rules.company, since)

    return find


def _by_time(rules: StoreRules, ports: ShipmentPorts) -> _Find:
    entity = rules.tenant.shipments_entity

    async def find(since: datetime) -> Mapping[str, Moved]:
        if entity is not None:
            return await rows_moved_since(ports.fo, rules.company, entity, since)
        moved, gone = await moved_since(ports.fo, rules.company, since)
        for number, order in (await ports.shipments.of_slips(rules.key, gone)).items():
            moved.setdefault(order, Moved(ports.now())).rows.add(f"{number} is gone")
        return moved

    return find


def _picked(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    """Goods that buyers pick up, once the warehouse has them ready."""
    management = rules.tenant.warehouse_management

    async def picked(since: datetime) -> Mapping[str, Moved]:
        return await picked_since(ports.fo, rules.company, since, rules.pick_up_modes)

    async def packed(since: datetime) -> Mapping[str, Moved]:
        return await packed_since(ports.fo, rules.company, since, rules.pick_up_modes, is_known=management == "yes")

    sources = [Source("picked", _SHIPMENTS, picked)]
    return sources if management == "no" else [*sources, Source("packed", _SHIPMENTS, packed)]


def _of_captures(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    async def invoices(since: datetime) -> Mapping[str, Moved]:
        return await invoiced_since(ports.fo, rules.company, since)

    async def authorizations(_: datetime) -> Mapping[str, Moved]:
        """F&O shows nothing of them: those that are about to expire, as the app remembers."""
        now = ports.now()
        moved: dict[str, Moved] = {}
        for order in await ports.captures.due(rules.key, now, limit=_AUTHORIZED):
            link = await ports.links.get(rules.key, order.order_id)
            if link is not None and link.sales_order:
                moved[link.sales_order] = Moved(now, {f"authorization {order.look_at}"})
            else:
                await report_unbooked(order, ports)
        return moved

    return [Source("invoices", _CAPTURES, invoices), Source("authorizations", _CAPTURES, authorizations)]
