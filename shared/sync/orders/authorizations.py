"""When authorised money of an order expires, for the runs that see to its capture."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from shared.model import OrderState, TransactionKind, TransactionStatus
from shared.rules import StoreRules
from shared.store.captures import Captures


async def watch_authorizations(state: OrderState, rules: StoreRules, captures: Captures) -> None:
    """Remembers when to look at the order, where the store's authorisations are captured and it has a new one.

    A state without transactions tells nothing.
    """
    if not rules.captures.is_on or state.order.is_given_up:
        return
    expiries = [
        each.expires_at or each.processed_at + timedelta(hours=rules.captures.valid_hours)
        for each in state.transactions or ()
        if each.kind is TransactionKind.AUTHORIZATION
        and each.status is TransactionStatus.SUCCESS
        and rules.captures.takes(each.gateway)
    ]
    if not expiries:
        return
    known = await captures.get(state.order.store, state.order.id)
    if known.expires_at == max(expiries):
        return
    look_at = min(expiries) - timedelta(hours=rules.captures.expiring_hours)
    await captures.put(replace(known, expires_at=max(expiries), look_at=look_at))
