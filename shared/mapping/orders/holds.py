"""Whether a sales order is to be held in F&O, and whether it still can be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from shared.model import COMPONENTS, FoLine, FoOrder, FoStatus, HoldReason, OrderState
from shared.rules import StoreRules


def hold_reason(
    state: OrderState,
    rules: StoreRules,
    *,
    held: str = "",
    released: Collection[str] = (),
    is_held_in_shop: bool = False,
) -> HoldReason | None:
    """Why the order is to be held, if it is; `held` is why we hold it already, `released` what a person released it
    from. `is_held_in_shop`: for a hold of Shopify's that the rules copy.
    """
    if state.order.cancelled_at is not None:
        return None
    standing = standing_reasons(state, rules, held=held, is_held_in_shop=is_held_in_shop)
    return next((reason for reason in standing if reason not in released), None)


def standing_reasons(state: OrderState, rules: StoreRules, *, held: str, is_held_in_shop: bool) -> list[HoldReason]:
    """Why a new order in this state would be held, the first reason first.

    A webhook of the order has neither risk nor transactions: a hold for risk, or for an assessment, lasts until the
    order is fetched.
    """
    is_fetched, risks = state.transactions is not None, rules.orders.hold_risks
    standing = {
        HoldReason.FULFILMENT: held == HoldReason.FULFILMENT,
        HoldReason.STAFF: held == HoldReason.STAFF if state.would_send_again is None else state.would_send_again,
        HoldReason.RISK: state.risk in risks if is_fetched else held == HoldReason.RISK,
        HoldReason.ASSESSMENT: state.is_being_assessed and bool(risks) if is_fetched else held == HoldReason.ASSESSMENT,
        HoldReason.TAG: is_hold_tag_among(state.order.tags, rules),
        HoldReason.SHOP: is_held_in_shop,
    }
    return [reason for reason, stands in standing.items() if stands]


def releases_left(
    released: Mapping[str, str], state: OrderState, rules: StoreRules, *, is_held_in_shop: bool
) -> dict[str, str]:
    """The releases whose reason stands: where one comes back that was gone, the order is held again.

    A change that a person has to decide stands until F&O has it, or another one takes its place.
    """

    def stands(reason: str) -> bool:
        if reason == HoldReason.CANCELLATION:
            return state.order.is_given_up
        standing = standing_reasons(state, rules, held=reason, is_held_in_shop=is_held_in_shop)
        return reason == HoldReason.CHANGE or reason in standing

    return {reason: why for reason, why in released.items() if stands(reason)}


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
