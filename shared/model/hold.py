"""Holds of an order: what keeps it from leaving, in F&O or in Shopify, and which system it began in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class HoldOrigin(StrEnum):
    """Where a hold began: it is copied to the other system, and its copy goes when it goes."""

    CREDIT = "credit"
    """F&O's credit management."""
    STAFF = "staff"
    """F&O's flag that staff, or a hold code, set."""
    SHOPIFY = "shopify"
    """Staff or another app in Shopify."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopHold:
    """A hold of a fulfilment order."""

    id: int
    reason: str
    """FulfillmentHoldReason, as Shopify names it: AWAITING_PAYMENT, OTHER ..."""
    handle: str = ""
    """The name that its app gave it, once on a fulfilment order."""
    is_own: bool = False
    """Whether this app set it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFulfillmentOrder:
    """A fulfilment order with its holds."""

    id: int
    is_open: bool
    """Whether anything of it may still be sent: neither closed nor scheduled for later."""
    can_hold: bool
    """Whether Shopify lets the app hold it now."""
    holds: tuple[ShopHold, ...] = ()


class HoldPlace(NamedTuple):
    """Where a hold began, and the fulfilment order that has it."""

    origin: HoldOrigin
    fulfillment_order: int


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """What the app knows of the holds of one order in Shopify."""

    copied: frozenset[HoldOrigin] = frozenset()
    """F&O's holds that the app copies to Shopify: stored before the first copy is sent."""
    let_go: frozenset[HoldOrigin] = frozenset()
    """F&O's holds whose copy a person released in Shopify: they are not copied again before they are gone in F&O."""
    holds: Mapping[int, HoldPlace] = field(default_factory=dict)
    """By the id of the hold in Shopify: the app's copies, and those of Shopify for which F&O is to hold the order."""

    @property
    def is_held_in_shop(self) -> bool:
        """Whether F&O is to hold the order for a hold of Shopify's."""
        return any(place.origin is HoldOrigin.SHOPIFY for place in self.holds.values())

    def __bool__(self) -> bool:
        return bool(self.copied or self.let_go or self.holds)
