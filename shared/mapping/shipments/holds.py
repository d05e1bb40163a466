"""How the holds of an order become equal in both systems. Nothing is written.

A hold has one origin. In Shopify the app's copies are those that it set itself under its own handles, one for each
origin in F&O; they are never copied to F&O. In F&O the app's holds are those that the order's link names; they are
never copied to Shopify.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import HeldFulfillmentOrder, HoldOrigin, HoldPlace, HoldRecord, ShopHold
from shared.rules.sections.holds import HoldRules

HANDLES: Final[Mapping[HoldOrigin, str]] = {HoldOrigin.CREDIT: "fo-credit", HoldOrigin.STAFF: "fo-staff"}
"""Of the app's holds. Shopify refuses a second one with the same handle on a fulfilment order."""
_ORIGINS: Final = {handle: origin for origin, handle in HANDLES.items()}


@dataclass(frozen=True, slots=True)
class PlaceHold:
    fulfillment_order: int
    origin: HoldOrigin


@dataclass(frozen=True, slots=True)
class ReleaseHolds:
    fulfillment_order: int
    ids: tuple[int, ...]


type HoldStep = PlaceHold | ReleaseHolds


@dataclass(frozen=True, slots=True)
class HoldPlan:
    steps: tuple[HoldStep, ...]
    record: HoldRecord
    """To be stored before the steps are carried out: without the holds that they release."""
    findings: tuple[RefusedError, ...] = ()


def plan_holds(
    standing: Collection[HoldOrigin],
    shop: Sequence[HeldFulfillmentOrder],
    record: HoldRecord,
    rules: HoldRules,
    *,
    sales_order: str,
) -> HoldPlan:
    """`standing` has the holds that F&O has now and that the rules copy."""
    parts = [part for part in shop if part.is_open]
    let_go = (record.let_go | _released_by_others(parts, record)) & frozenset(standing)
    copied = frozenset(standing) - let_go
    steps: list[HoldStep] = []
    kept: dict[int, HoldPlace] = {}
    stuck: list[int] = []
    for part in parts:
        own = {hold.id: origin for hold in part.holds if (origin := _origin_of_copy(hold)) is not None}
        outlived = tuple(each for each, origin in own.items() if origin not in standing)
        if outlived:
            steps.append(ReleaseHolds(part.id, outlived))
        missing = sorted(copied - set(own.values()))
        if part.can_hold:
            steps += [PlaceHold(part.id, origin) for origin in missing]
        elif missing:
            stuck.append(part.id)
        kept |= {each: HoldPlace(origin, part.id) for each, origin in own.items() if origin in standing}
        kept |= {
            hold.id: HoldPlace(HoldOrigin.SHOPIFY, part.id)
            for hold in part.holds
            if not hold.is_own and hold.reason in rules.from_shopify
        }
    findings = []
    if stuck:
        kinds, orders = ", ".join(sorted(copied)), ", ".join(map(str, stuck))
        findings.append(
            RefusedError(ErrorCode.HOLD_IMPOSSIBLE, sales_order=sales_order, origin=kinds, fulfillment_orders=orders)
        )
    if let_go:
        kinds = ", ".join(sorted(let_go))
        findings.append(RefusedError(ErrorCode.HOLD_RELEASED_IN_SHOPIFY, sales_order=sales_order, origin=kinds))
    return HoldPlan(tuple(steps), HoldRecord(copied, let_go, kept), tuple(findings))


def _released_by_others(parts: Sequence[HeldFulfillmentOrder], record: HoldRecord) -> frozenset[HoldOrigin]:
    """The origins of recorded copies that are gone, although the app did not release them and their fulfilment order is
    still open.
    """
    found = {part.id: {hold.id for hold in part.holds} for part in parts}
    return frozenset(
        place.origin
        for each, place in record.holds.items()
        if place.origin in HANDLES and place.fulfillment_order in found and each not in found[place.fulfillment_order]
    )


def _origin_of_copy(hold: ShopHold) -> HoldOrigin | None:
    """None for a hold that the app did not set."""
    return _ORIGINS.get(hold.handle) if hold.is_own else None
