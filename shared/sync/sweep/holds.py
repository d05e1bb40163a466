"""Holds that are gone in F&O while their reason stands: they are set again, and told.

F&O computes the flag IsSalesProcessingStopped anew whenever a hold code of the order is added or cleared: whoever
clears another hold also clears the app's. A hold ends by its reason, in Shopify, or by the operator's `release-hold`.

The orders are those whose links say that the app holds them. One query finds them in a store, and one read of F&O has
some sixteen of them. An order whose hold is gone costs a read of Shopify, three of F&O and the write. The link is
stored before the hold is sent: where the flow of orders releases the order at the same moment, one of both finds the
link changed and begins again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.d365.order_changes import not_held, read_fo_order
from shared.errors import RefusedError, ThrottledError, TransientError
from shared.flows import ORDERS
from shared.mapping.orders.holds import hold_reason, holdable
from shared.mapping.reconciliation import hold_finding
from shared.model import HoldReason, OrderState, Part
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.orders.reading import StateReader
from shared.sync.orders.safety import hold_all
from shared.sync.sweep.comparison import report
from shared.sync.sweep.missed import is_waiting
from shared.sync.sweep.ports import SweepPorts
from shared.sync.sweep.reconciliation import Comparison
from shared.telemetry import emit

_DECIDED_BY_PEOPLE: Final = (HoldReason.CHANGE, HoldReason.CANCELLATION)


async def restore_holds(
    rules: StoreRules, ports: SweepPorts, *, now: Callable[[], datetime], until: datetime
) -> str | None:
    """Returns why it ended early, or None. Raises TransientError for an order that cannot be read or held now, after
    all others; ThrottledError at once.
    """
    run = _HoldsRun(rules, ports, now, now())
    failure: TransientError | None = None
    for order_id in await run.without_hold():
        if now() >= until:
            return "time limit reached"
        try:
            await run.restore(order_id)
        except ThrottledError:
            raise
        except TransientError as problem:
            failure = problem
    if failure is not None:
        raise failure
    return None


@dataclass(frozen=True, slots=True)
class _HoldsRun:
    """One run for one store."""

    rules: StoreRules
    ports: SweepPorts
    now: Callable[[], datetime]
    began: datetime

    async def without_hold(self) -> list[int]:
        """The orders that the app holds and F&O does not."""
        by_company: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for link in await self.ports.orders.links.held(self.rules.key):
            for number in link.numbers:
                by_company[link.company or self.rules.company][number] = link.order_id
        found = [
            numbers[number]
            for company, numbers in by_company.items()
            for number in sorted(await not_held(self.ports.orders.fo, company, numbers))
        ]
        return list(dict.fromkeys(found))

    async def restore(self, order_id: int) -> None:
        """Reads the link again: an event may have released the order meanwhile."""
        orders = self.ports.orders
        link = await orders.links.get(self.rules.key, order_id)
        if link is None or not link.held:
            return
        try:
            fo = await read_fo_order(orders.fo, link.company, link.numbers)
            numbers = holdable(fo, link.sources) if fo is not None else []
            if not numbers:
                return
            state = await self._state(link)
            reason = await self._reason(link, state)
            if reason is None:
                await orders.links.put(replace(link, held="", is_holding=False))
            else:
                await hold_all(numbers, link, reason, orders.fo, orders.links)
                await self._tell(link, state, numbers, reason)
        except RefusedError as refusal:
            emit(
                "reconciliation.refused",
                level=logging.WARNING,
                order=order_id,
                sales_order=link.sales_order,
                code=refusal.code,
                owner=refusal.entry.owner,
            )

    async def _state(self, link: OrderLink) -> OrderState | None:
        """The order as Shopify has it now; None if it cannot be read, or Shopify has none."""
        admin = self.ports.orders.admins[self.rules.key]
        try:
            return await StateReader(link.order_id, self.rules, admin, self.now(), self.now(), link.record).fetch()
        except RefusedError:
            return None

    async def _reason(self, link: OrderLink, state: OrderState | None) -> str | None:
        """Why the order is to be held still. What cannot be read stands, and a cancellation until F&O has it."""
        if link.held in _DECIDED_BY_PEOPLE:
            if await self._is_undecided(link):
                return link.held
        elif state is None or state.order.is_given_up:
            return link.held
        reason = None
        if state is not None:
            reason = hold_reason(
                state,
                self.rules,
                held=link.held,
                released=link.released,
                is_held_in_shop=link.holds.is_held_in_shop,
            )
        if reason is not None or link.held in _DECIDED_BY_PEOPLE or HoldReason.CHANGE in link.released:
            return reason
        return HoldReason.CHANGE if await self._is_undecided(link) else None

    async def _is_undecided(self, link: OrderLink) -> bool:
        """Whether a message about the sales order is parked, or waits for its next attempt."""
        parked = await self.ports.orders.parking.open_of(ORDERS.name, link.store, str(link.order_id))
        if any(row.part in {Part.ORDER, Part.READING} for row in parked):
            return True
        return is_waiting(await self.ports.journal.history(link.store, str(link.order_id)))

    async def _tell(self, link: OrderLink, state: OrderState | None, numbers: Sequence[str], reason: str) -> None:
        name = state.order.name if state is not None else str(link.order_id)
        finding = hold_finding(link.store, link.order_id, numbers, reason)
        found = Comparison(name, link.sales_order, (finding,))
        await report(found, link.order_id, link.store, self.ports.journal, began=self.began, at=self.now())
