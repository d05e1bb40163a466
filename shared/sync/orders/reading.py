"""The state of a Shopify order behind one event about it: out of the event's body, or fetched."""

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

_CARRY_THE_ORDER: Final = frozenset(
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
    """The order as it stands in the event's body, without a call to Shopify, where that carries the order.

    Other events name only their order, which is fetched with its payments and its risk; so is an order whose refunds
    are in a currency that only GraphQL translates. Tags of our own are left out.
    Raises RefusedError NOT_JSON, NOT_AN_ORDER, ORDER_GONE and what the readers raise.
    """
    payload = read_json(envelope.body)
    if envelope.topic in _CARRY_THE_ORDER:
        try:
            return _known(read_state(payload, store=rules.key, side=rules.currency_side, now=now), rules)
        except OtherCurrencyError:
            pass  # GraphQL has the amount in both currencies
        order_id: int | None = payload["id"]
    else:
        order_id = order_id_of(payload)
    if order_id is None:
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem=f"a body of {envelope.topic} that names no order")
    state = await _fetch(order_id, rules, admin, now)
    if state is None:
        raise RefusedError(ErrorCode.ORDER_GONE, order=order_id)
    return state


async def complete(state: OrderState, rules: StoreRules, admin: AdminClient, *, now: datetime) -> OrderState:
    """The state with payments and risk, which a webhook of the order does not tell, as far as Shopify has them."""
    if state.transactions is not None:
        return state
    return await _fetch(state.order.id, rules, admin, now) or state


async def _fetch(order_id: int, rules: StoreRules, admin: AdminClient, now: datetime) -> OrderState | None:
    node = await fetch_order(admin, order_id)
    if node is None:
        return None
    return _known(read_graphql_state(node, store=rules.key, side=rules.currency_side, now=now), rules)


def _known(state: OrderState, rules: StoreRules) -> OrderState:
    """The state without tags of our own; the others sorted, since webhooks and GraphQL do not agree on their order."""
    tags = tuple(sorted(without_our_tag(state.order.tags, rules.write_back)))
    return replace(state, order=replace(state.order, tags=tags))


def read_json(body: bytes) -> Any:
    """The payload with exact decimals. Raises RefusedError NOT_JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as problem:
        raise RefusedError(ErrorCode.NOT_JSON, problem=type(problem).__name__) from None


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is no number")
