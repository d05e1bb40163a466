"""The state of the Shopify order that an event is about: from the event's body, or fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from shared.errors import ErrorCode, NotYetError, OtherCurrencyError, RefusedError
from shared.mapping.orders.record import digest
from shared.mapping.shopify.events import only_names
from shared.mapping.shopify.graphql import (
    has_no_payments,
    is_supplement,
    read_delivery,
    read_graphql_state,
    with_payments,
)
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.taxes import lacks_taxes_of_fees
from shared.model import CurrencySide, Order, OrderRecord, OrderState
from shared.rules import StoreRules
from shared.shopify.admin.answers import Json
from shared.shopify.admin.client import AdminClient
from shared.shopify.orders import ALL_ORDERS, fetch_agreements, fetch_order, may_read_all_orders
from shared.shopify.supplements import DELIVERY, LISTED, PAYMENTS, RISK, Supplements

LARGE: Final = 20_000
"""Bytes of a body that is read in a thread of its own if it has more. An order of five lines has about half of them."""
LARGE_LINES: Final = 10
"""The same for an order that was fetched, in lines."""

SHOWN_WITHIN: Final = timedelta(minutes=15)
"""After its event Shopify's API shows an order; its webhook may come before that."""
_FRESH: Final = timedelta(minutes=1)
"""The age of an event until which it has just happened."""
_READABLE: Final = timedelta(days=60)
"""Older orders are hidden from an app without the scope ALL_ORDERS."""

WITH_THE_ORDER: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "orders/paid",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)


@dataclass(frozen=True, slots=True)
class StateReader:
    """Reads the states of one order, from its events or from Shopify."""

    order_id: int
    rules: StoreRules
    admin: AdminClient
    now: datetime
    occurred_at: datetime
    """When the event happened in Shopify."""
    known: OrderRecord | None
    """What was decided about the order before; None for an order that is not booked."""
    size: int = 0
    """Bytes of the event's body, if there is one."""
    booked: str = ""
    """The fingerprint of the order as F&O has it."""
    supplements: Supplements = field(default_factory=Supplements)
    is_first_attempt: bool = True
    """To handle the event."""

    @property
    def is_fresh(self) -> bool:
        """Whether the event has just happened. Its body is booked although the order has changed since, if nothing of
        that stops the order.
        """
        return self.is_first_attempt and self.now - self.occurred_at <= _FRESH

    async def read(self, topic: str, payload: Any) -> OrderState:
        """The order from the event's body, without a call to Shopify, where the body contains it.

        Other events only name their order, which is fetched with its payments and its risk; so is an order with
        payments in a currency that is not booked, or with fees that are taxed: GraphQL has both currencies, and the
        taxes of fees. Tags that the app set are left out.
        Raises what the readers and `_required` raise.
        """
        if topic in WITH_THE_ORDER and not only_names(payload):
            try:
                is_large = self.size > LARGE
                if not await apart(partial(lacks_taxes_of_fees, payload), is_large=is_large):
                    return await self._read(read_state, payload, is_large=is_large)
            except OtherCurrencyError:
                pass  # GraphQL has the amount in both currencies
        return await self._required(placed_at=None)

    async def complete(self, state: OrderState) -> OrderState:
        """The state with payments and risk, which a webhook of the order does not contain. An order that is given up
        needs neither, and Shopify may have deleted it. Raises what `_required` raises.
        """
        if state.transactions is not None:
            return state
        if state.order.is_given_up:
            return await self.latest(state)
        return await self._required(placed_at=state.order.created_at)

    async def supplement(self, state: OrderState, payload: Any, *, payments: bool, delivery: bool) -> OrderState:
        """The state of a body with what the body leaves out: payments and risk, and how the goods are delivered, as far
        as they are asked for. The whole order is read where what Shopify has now does not fit the body; only the body
        of a fresh event is taken without a look at it.

        Raises what `_required` and the readers raise.
        """
        if state.transactions is not None:
            return state
        try:
            if payments:
                state = await self._with_payments(state, payload)
            if delivery:
                state = await self._with_delivery(state, payload)
            if not payments and not delivery and not self.is_fresh:
                await self._beside(state, payload, RISK)  # the least of all documents
        except _NotBesideError:
            fetched = await self._required(placed_at=state.order.created_at)
            is_new = self.now - self.occurred_at < SHOWN_WITHIN
            if is_new and fetched.order.version < state.order.version:
                raise NotYetError("Shopify does not show the order of the event yet") from None
            return fetched
        return _normalized(state, self.rules, self.now)

    async def _with_payments(self, state: OrderState, payload: Any) -> OrderState:
        if not has_no_payments(payload):
            node = await self._beside(state, payload, PAYMENTS)
            if len(node["transactions"]) >= LISTED:
                raise _NotBesideError
        elif self.rules.orders.hold_risks or not self.is_fresh:
            node = await self._beside(state, payload, RISK)
        else:
            return replace(state, transactions=())
        return with_payments(state, payload, node, side=self._side)

    async def _with_delivery(self, state: OrderState, payload: Any) -> OrderState:
        routed = (await self._beside(state, payload, DELIVERY))["fulfillmentOrders"]
        if routed["pageInfo"]["hasNextPage"]:
            raise _NotBesideError
        method, location = read_delivery(routed["nodes"])
        return replace(state, delivery=method, assigned_location=location)

    async def _beside(self, state: OrderState, payload: Any, document: str) -> Json:
        node = await self.supplements.read(self.admin, self.rules.key, document, self.order_id)
        if node is None or not is_supplement(node, state, payload, is_fresh=self.is_fresh):
            raise _NotBesideError
        return node

    async def latest(self, state: OrderState) -> OrderState:
        """The state as Shopify has it now; unchanged where Shopify does not show the order."""
        return state if state.transactions is not None else await self.fetch() or state

    async def _required(self, *, placed_at: datetime | None) -> OrderState:
        """The order as Shopify has it now.

        Raises NotYetError where Shopify does not show it although its event is new, then RefusedError ORDER_TOO_OLD or
        ORDER_GONE.
        """
        fetched = await self.fetch()
        if fetched is not None:
            return fetched
        if self.now - self.occurred_at < SHOWN_WITHIN:
            raise NotYetError("Shopify does not show the order of the event yet")
        is_young = placed_at is not None and self.now - placed_at < _READABLE
        if is_young or await may_read_all_orders(self.admin):
            raise RefusedError(ErrorCode.ORDER_GONE, order=self.order_id)
        raise RefusedError(ErrorCode.ORDER_TOO_OLD, order=self.order_id, scope=ALL_ORDERS)

    async def fetch(self) -> OrderState | None:
        """The order as Shopify has it now, with payments and risk; None if it has none."""
        node = await fetch_order(self.admin, self.order_id)
        if node is None:
            return None
        return await self._read(read_graphql_state, node, is_large=len(node["lineItems"]["nodes"]) > LARGE_LINES)

    async def _read(self, read: Callable[..., OrderState], order: Any, *, is_large: bool) -> OrderState:
        """What the order alone cannot tell is read from its sales agreements, at a call for each: edits that its totals
        do not explain, whether goods that are missing were removed or came back, and fees of returns.
        """
        read = partial(
            read,
            order,
            store=self.rules.key,
            side=self._side,
            now=self.now,
            known=self.known,
        )
        try:
            state = _normalized(await apart(read, is_large=is_large), self.rules, self.now)
            if not self._needs_agreements(state):
                return state
        except RefusedError as unclear:
            if unclear.code != ErrorCode.STATE_SUM_DIFFERS:
                raise
        agreements = await fetch_agreements(self.admin, self.order_id)
        state = await apart(partial(read, agreements=agreements), is_large=is_large)
        return _normalized(state, self.rules, self.now)

    @property
    def _side(self) -> CurrencySide:
        return self.known.side if self.known is not None else self.rules.currency_side

    def _needs_agreements(self, state: OrderState) -> bool:
        """Not for goods that F&O's order lacks already: an edit removed them."""
        known = self.known.refunds if self.known is not None else {}
        if any(refund.return_id is not None and refund.id not in known for refund in state.refunds):
            return True
        return state.returned is None and digest(state.order, self.rules) != self.booked


class _NotBesideError(Exception):
    """What Shopify has now does not fit the body, or is too long for one call."""


def assessed_until(order: Order, rules: StoreRules) -> datetime:
    """When the wait for an assessment of the order's risk is over."""
    return order.created_at + timedelta(minutes=rules.orders.risk_wait_minutes)


def _normalized(state: OrderState, rules: StoreRules, now: datetime) -> OrderState:
    """The state without tags that the app set; the others sorted, since webhooks and GraphQL sort them differently. An
    assessment is awaited as long as the rules say.
    """
    tags = tuple(sorted(rules.without_own_tags(state.order.tags)))
    is_awaited = state.is_being_assessed and now < assessed_until(state.order, rules)
    return replace(state, order=replace(state.order, tags=tags), is_being_assessed=is_awaited)


async def apart[T](work: Callable[[], T], *, is_large: bool) -> T:
    """What the work gives. Large work is done in another thread, so that the process goes on with other orders and
    renews its locks meanwhile.
    """
    return await asyncio.to_thread(work) if is_large else work()


def read_json(body: bytes) -> Any:
    """The payload with exact decimals. Raises RefusedError NOT_JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as problem:
        raise RefusedError(ErrorCode.NOT_JSON, problem=type(problem).__name__) from None


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is not a number")
