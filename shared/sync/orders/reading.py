"""The state of the Shopify order that an event is about: from the event's body, or fetched."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, OtherCurrencyError, RefusedError
from shared.mapping.shopify.events import order_id_of
from shared.mapping.shopify.graphql import read_graphql_state
from shared.mapping.shopify.state import read_state
from shared.model import OrderState
from shared.rules import StoreRules, without_our_tag
from shared.shopify.admin.client import AdminClient
from shared.shopify.orders import fetch_order

_WITH_THE_ORDER: Final = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "orders/paid",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)


async def read_order_state(envelope: Envelope, rules: StoreRules, admin: AdminClient, *, now: datetime) -> OrderState:
    """The order from the event's body, without a call to Shopify, where the body contains it.

    Other events only name their order, which is fetched with its payments and its risk; so is an order with payments in
    a currency that is not booked: GraphQL has both currencies. Tags that the app set are left out.
    Raises RefusedError NOT_JSON, NOT_AN_ORDER, ORDER_GONE and what the readers raise.
    """
    payload = read_json(envelope.body)
    if envelope.topic in _WITH_THE_ORDER:
        try:
            return _normalized(read_state(payload, store=rules.key, side=rules.currency_side, now=now), rules)
        except OtherCurrencyError:
            pass  # GraphQL has the amount in both currencies
        order_id: int | None = payload["id"]
    else:
        order_id = order_id_of(payload)
    if order_id is None:
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"the body of {envelope.topic} names no order")
    state = await _fetch(order_id, rules, admin, now)
    if state is None:
        raise RefusedError(ErrorCode.ORDER_GONE, order=order_id)
    return state


async def complete(state: OrderState, rules: StoreRules, admin: AdminClient, *, now: datetime) -> OrderState:
    """The state with payments and risk, which a webhook of the order does not contain; unchanged where Shopify does not
    have the order any more.
    """
    if state.transactions is not None:
        return state
    return await _fetch(state.order.id, rules, admin, now) or state


async def _fetch(order_id: int, rules: StoreRules, admin: AdminClient, now: datetime) -> OrderState | None:
    node = await fetch_order(admin, order_id)
    if node is None:
        return None
    return _normalized(read_graphql_state(node, store=rules.key, side=rules.currency_side, now=now), rules)


def _normalized(state: OrderState, rules: StoreRules) -> OrderState:
    """The state without tags that the app set; the others sorted, since webhooks and GraphQL sort them differently."""
    tags = tuple(sorted(without_our_tag(state.order.tags, rules.write_back)))
    return replace(state, order=replace(state.order, tags=tags))


def read_json(body: bytes) -> Any:
    """The payload with exact decimals. Raises RefusedError NOT_JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as problem:
        raise RefusedError(ErrorCode.NOT_JSON, problem=type(problem).__name__) from None


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is not a number")
