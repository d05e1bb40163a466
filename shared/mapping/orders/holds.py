"""Whether a sales order is to be held in F&O, and whether it still can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.model import COMPONENTS, FoLine, FoOrder, FoStatus, HoldReason, OrderState
from shared.rules import StoreRules


def hold_reason(state: OrderState, rules: StoreRules, *, held: str = "") -> HoldReason | None:
    """Why the order is to be held, if it is; `held` is why we hold it already.

    A webhook of the order has neither risk nor transactions: a hold for risk lasts until the order is fetched.
    """
    if state.order.cancelled_at is not None:
        return None
    if held == HoldReason.FULFILMENT:
        return HoldReason.FULFILMENT
    at_risk = held == HoldReason.RISK if state.transactions is None else state.risk in rules.orders.hold_risks
    if at_risk:
        return HoldReason.RISK
    return HoldReason.TAG if is_hold_tag_among(state.order.tags, rules) else None


def is_hold_tag_among(tags: Iterable[str], rules: StoreRules) -> bool:
    tag = rules.orders.hold_tag
    return tag is not None and tag.casefold() in (each.casefold() for each in tags)


def holdable(fo: FoOrder, sources: Mapping[str, str]) -> list[str]:
    """Numbers of the sales orders that nobody holds and of which something is still to be delivered.

    A hold also blocks invoicing, so an order whose goods have all left is never held: its refund waits for the invoice.
    `sources` is, by InventoryLotId, what a line stands for in Shopify; a charge is nothing to deliver beside goods.
    """
    goods = [line for line in fo.lines if _is_goods(sources.get(line.lot, ""))] or fo.lines
    return [
        header.number
        for header in fo.headers
        if not header.is_held
        and not header.status.is_closed
        and any(_is_to_deliver(line) for line in goods if line.order == header.number)
    ]


def _is_goods(source: str) -> bool:
    """Lines that staff added have no source, and count."""
    return not source or source.rpartition(":")[0] in COMPONENTS.values()


def _is_to_deliver(line: FoLine) -> bool:
    return line.is_open and line.status is not FoStatus.CANCELLED
