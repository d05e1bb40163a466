"""Sales orders that F&O stamped as changed: one read for all that the store's rules want to know of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from shared.d365.moved import Moved, pass_over
from shared.d365.picked import has_mode
from shared.d365.sales_order_states import states_since
from shared.model import HoldOrigin, Part, SalesOrderState
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source
from shared.sync.shipments.sources.states import news_of

type _Look = Callable[[StoreRules, ShipmentPorts, Sequence[SalesOrderState]], Awaitable[Mapping[str, Moved]]]

_HOLDS: Final = frozenset({Part.HOLDS, Part.SHIPMENTS})
"""A hold that ended may let a shipment be shown that waits for it."""


def sources_of_sales_orders(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    if not rules.tenant.stamps_orders:
        return []
    looks: list[_Look] = []
    if rules.tells_when_picked:
        looks.append(_picked)
    if HoldOrigin.STAFF in rules.holds.to_shopify or rules.holds.from_shopify:
        looks.append(_stopped)
    if rules.order_status.is_wanted:
        looks.append(news_of)
    return [Source("sales_orders", frozenset(), partial(_find, looks, rules, ports))] if looks else []


async def _find(
    looks: Sequence[_Look], rules: StoreRules, ports: ShipmentPorts, since: datetime
) -> Mapping[str, Moved]:
    states = await states_since(ports.fo, rules.company, since)
    moved: dict[str, Moved] = {}
    for look in looks if states else ():
        for number, what in (await look(rules, ports, states)).items():
            found = moved.setdefault(number, Moved(what.at, reference=what.reference))
            found.rows |= what.rows
            found.parts |= what.parts
    pass_over(moved, (state.modified_at for state in states))
    return moved


async def _picked(rules: StoreRules, _: ShipmentPorts, states: Sequence[SalesOrderState]) -> Mapping[str, Moved]:
    """Those that buyers pick up and whose picking list is posted."""
    return {
        state.number: _moved(state, f"picked {state.modified_at.isoformat()}", frozenset({Part.SHIPMENTS}))
        for state in states
        if state.is_picked and has_mode(state.delivery_mode, rules.pick_up_modes)
    }


async def _stopped(rules: StoreRules, ports: ShipmentPorts, states: Sequence[SalesOrderState]) -> Mapping[str, Moved]:
    """Every order is stamped when it changes: only those that staff hold, or that have a hold recorded, matter."""
    recorded = await ports.links.with_holds(rules.key)
    ours = {number for link in await ports.links.held(rules.key) for number in link.numbers}
    return {
        state.number: _moved(state, f"{state.is_stopped}/{state.modified_at.isoformat()}", _HOLDS)
        for state in states
        if state.number in recorded or (state.is_stopped and state.number not in ours)
    }


def _moved(state: SalesOrderState, row: str, parts: frozenset[Part]) -> Moved:
    return Moved(state.modified_at, {row}, state.reference, parts)
