"""Which orders F&O has come further with, or gave up units of, that Shopify does not show yet.

Every order that the app books or changes is a modification in F&O: only those are sent whose link shows that something
is to be done. That takes reads of the app's tables, and one of F&O for each source.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import batched
from typing import Final

from shared.d365.moved import Moved, pass_over
from shared.d365.packing_slips import references_of
from shared.d365.sales_line_states import line_states_since
from shared.flows import ORDERS
from shared.mapping.orders.plan import order_id_of, order_reference
from shared.mapping.shipments.parcels.lines import line_ids_of
from shared.mapping.shipments.status import status_of
from shared.model import OrderStatus, Part, SalesLineState, SalesOrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_TOLD: Final = frozenset({Part.GIVEN_UP, Part.STATUS})
"""Parts that tell of F&O what a person may settle in Shopify."""
_AT_ONCE: Final = 50
"""Rows of the app's tables that are read together."""


def sources_of_states(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
    found = []
    if rules.given_up.action != "ignore" and rules.tenant.stamps_orders:
        found.append(Source("remains", frozenset({Part.GIVEN_UP}), partial(changed_lines, rules, ports)))
    return (*found, Source("told", _TOLD, partial(changed_since_told, rules, ports)))


async def news_of(rules: StoreRules, ports: ShipmentPorts, changed: Sequence[SalesOrderState]) -> Mapping[str, Moved]:
    """Sales orders whose status in F&O is not the one that their link has. What F&O gave up of one that it had
    cancelled as a whole is told once it goes on.
    """
    states = {state.number: state for state in changed}
    orders = {number: order_id_of(rules.key, state.reference) for number, state in states.items()}
    links = {link.order_id: link async for link in _links(rules, ports, orders.values())}
    moved = {}
    for number, state in states.items():
        order_id = orders[number]
        link = links.get(order_id) if order_id is not None else None
        if link is not None and is_news(state, link, rules):
            row = f"{number} {status_of([state])} {state.modified_at.isoformat()}"
            was_cancelled = link.shown_status == OrderStatus.CANCELLED
            parts = _TOLD if was_cancelled else frozenset({Part.STATUS})
            moved[number] = Moved(state.modified_at, {row}, state.reference, parts)
    return moved


def is_news(state: SalesOrderState, link: OrderLink, rules: StoreRules) -> bool:
    """The state of one of several sales orders does not tell that of the order, which is read then."""
    if Part.STATUS in link.parked_parts or link.further:
        return True
    status, shown = status_of([state]), link.shown_status or OrderStatus.OPEN
    return status != shown and (rules.order_status.is_shown or OrderStatus.CANCELLED in {status, shown})


async def changed_lines(rules: StoreRules, ports: ShipmentPorts, since: datetime) -> Mapping[str, Moved]:
    """Sales orders with a line of which more, or less, may be given up than is known."""
    by_order: defaultdict[str, list[SalesLineState]] = defaultdict(list)
    for line in await line_states_since(ports.fo, rules.company, since):
        by_order[line.sales_order].append(line)
    orders = await _order_ids(rules, ports, by_order)
    links = {link.order_id: link async for link in _links(rules, ports, orders.values())}
    moved = {}
    for number, order_id in orders.items():
        link, lines = links.get(order_id), by_order[number]
        if link is not None and (Part.GIVEN_UP in link.parked_parts or await _may_lack_units(lines, link, ports)):
            rows = {
                f"{line.lot} {line.ordered} {line.remaining} {line.to_invoice} {line.modified_at.isoformat()}"
                for line in lines
            }
            moved[number] = Moved(max(line.modified_at for line in lines), rows, lines[0].reference)
    pass_over(moved, (line.modified_at for lines in by_order.values() for line in lines))
    return moved


async def _order_ids(
    rules: StoreRules, ports: ShipmentPorts, by_order: Mapping[str, list[SalesLineState]]
) -> dict[str, int]:
    """Sales order -> order of the store. Where the lines do not have their order's reference, it is read of those of
    which units are gone that may not have been delivered.
    """
    references = {number: lines[0].reference for number, lines in by_order.items() if lines[0].reference}
    unnamed = {number for number, lines in by_order.items() if any(line.gap > 0 for line in lines)} - references.keys()
    references |= await references_of(ports.fo, rules.company, unnamed)
    ids = {number: order_id_of(rules.key, reference) for number, reference in references.items()}
    return {number: order_id for number, order_id in ids.items() if order_id is not None}


async def _may_lack_units(lines: Iterable[SalesLineState], link: OrderLink, ports: ShipmentPorts) -> bool:
    """Not where Shopify shows as sent what is gone, and not for what is known as given up already."""
    goods = line_ids_of(link.sources)
    suspects = [
        line for line in lines if line.lot in goods and line.gap != Decimal(link.given_up_units.get(line.lot, "0"))
    ]
    if not suspects:
        return False
    sent: Counter[int] = Counter()
    for stored in (await ports.shipments.of_order(link.store, link.order_id)).values():
        for part in stored.slip.parts:
            sent.update(part.units)
    lots = Counter(goods.values())
    return any(
        line.lot in link.given_up_units or lots[goods[line.lot]] > 1 or line.gone > sent[goods[line.lot]]
        for line in suspects
    )


async def changed_since_told(rules: StoreRules, ports: ShipmentPorts, since: datetime) -> Mapping[str, Moved]:
    """Orders of which something is told, and that changed in Shopify since: it may be settled there."""
    del since
    told = await ports.parking.open_parts(ORDERS.name, rules.key, _TOLD)
    moved = {}
    async for link in _links(rules, ports, map(int, told)):
        version = link.version.isoformat()
        if version != link.told_version and link.sales_order:
            row, reference = f"{link.sales_order} told {version}", order_reference(rules.key, link.order_id)
            moved[link.sales_order] = Moved(ports.now(), {row}, reference)
    return moved


async def _links(rules: StoreRules, ports: ShipmentPorts, order_ids: Iterable[int | None]) -> AsyncIterator[OrderLink]:
    ids = sorted({order_id for order_id in order_ids if order_id is not None})
    for some in batched(ids, _AT_ONCE, strict=False):
        for link in await asyncio.gather(*(ports.links.get(rules.key, order_id) for order_id in some)):
            if link is not None:
                yield link
