"""The state of a Shopify order behind one event about it: out of the event's body, or fetched."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import RefusedError
from shared.mapping.shopify_events import order_id_of
from shared.mapping.shopify_graphql_order import read_graphql_state
from shared.mapping.shopify_state import read_state
from shared.model import OrderState
from shared.rules import StoreRules
from shared.shopify.client import AdminClient
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


async def read_order_state(
    envelope: Envelope, rules: StoreRules, admin: AdminClient, *, now: datetime, complete: bool = False
) -> OrderState:
    """The order as it stands in the event's body, without a call to Shopify, where that tells all that is needed.

    Other events name only their order, which is fetched with its payments and its risk; so is every order when it must
    be `complete`, and one whose refunds are in a currency that only GraphQL translates.
    Raises RefusedError NOT_JSON, NOT_AN_ORDER, ORDER_GONE and what the readers raise.
    """
    payload = read_json(envelope.body)
    if envelope.topic not in _CARRY_THE_ORDER:
        order_id = order_id_of(payload)
        if order_id is None:
            raise RefusedError("NOT_AN_ORDER", problem=f"a body of {envelope.topic} that names no order")
        return await _fetch(order_id, rules, admin, now)
    try:
        state = read_state(payload, store=rules.key, side=rules.currency_side, now=now)
    except RefusedError as refusal:
        if refusal.code != "TRANSACTION_CURRENCY":
            raise
        return await _fetch(payload["id"], rules, admin, now)
    return await _fetch(state.order.id, rules, admin, now) if complete else state


async def _fetch(order_id: int, rules: StoreRules, admin: AdminClient, now: datetime) -> OrderState:
    node = await fetch_order(admin, order_id)
    if node is None:
        raise RefusedError("ORDER_GONE", order=order_id)
    return read_graphql_state(node, store=rules.key, side=rules.currency_side, now=now)


def read_json(body: bytes) -> Any:
    """The payload with exact decimals. Raises RefusedError NOT_JSON."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as problem:
        raise RefusedError("NOT_JSON", problem=type(problem).__name__) from None


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is no number")
