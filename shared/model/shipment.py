"""Goods that left a warehouse of F&O, and what Shopify shows of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Tracking(NamedTuple):
    """A parcel's number; `url` is "" where F&O has none."""

    number: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingSlip:
    """A packing slip's lines of one sales order, as F&O has them now: after corrections."""

    sales_order: str
    number: str
    day: str
    """DeliveryDate, as F&O writes it."""
    warehouse: str
    carrier: str
    delivery_mode: str
    created_at: datetime
    units: Mapping[str, Decimal]
    """InventoryLotId of the sales line -> units that left; below zero for goods that came back."""
    items: Mapping[str, str] = field(default_factory=dict)
    """InventoryLotId -> item number."""
    tracking: tuple[Tracking, ...] = ()

    @property
    def key(self) -> str:
        """Identifies the slip among those of an order."""
        return f"{self.sales_order}/{self.number}/{self.day[:10]}"


@dataclass(frozen=True, slots=True)
class ParcelLine:
    """A line of a fulfilment order in Shopify."""

    id: int
    line_id: int
    """Of the order line."""
    remaining: int
    """Units that are not fulfilled yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrder:
    id: int
    status: str
    """As Shopify names it: OPEN, IN_PROGRESS, SCHEDULED, ON_HOLD, INCOMPLETE, CLOSED, CANCELLED."""
    location_id: int | None
    """None where it is not the merchant's."""
    actions: frozenset[str]
    """What Shopify lets the app do now: CREATE_FULFILLMENT, MOVE, HOLD ..."""
    lines: tuple[ParcelLine, ...]
    method: str = "SHIPPING"
    """SHIPPING, PICK_UP, PICKUP_POINT, LOCAL, RETAIL, NONE."""
    is_third_party: bool = False
    """Assigned to a fulfilment service, or requested from one, which ships on its own."""
    is_requested: bool = False
    """A fulfilment service was asked for it, and has neither refused nor closed it."""
    holds: tuple[tuple[int, str], ...] = ()
    """Id and reason of each hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fulfillment:
    """Units that Shopify shows as sent."""

    id: int
    is_active: bool
    """False once it was cancelled."""
    units: Mapping[int, int]
    """Order line -> units."""
    tracking: tuple[Tracking, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopShipments:
    """What Shopify has of an order."""

    orders: tuple[FulfillmentOrder, ...]
    fulfillments: tuple[Fulfillment, ...]
    is_cancelled: bool = False
    """The order as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPart:
    """A fulfilment that the app made for a packing slip."""

    fulfillment_id: int
    units: Mapping[int, int]
    """Order line -> units."""
    tracking: tuple[Tracking, ...] = ()
    company: str | None = None
    """The carrier's name that was sent with it; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSlip:
    """What the app made of one packing slip in Shopify."""

    key: str
    parts: tuple[SentPart, ...] = ()
    is_told: bool = False
    """Whether Shopify was asked to write to the buyer about it."""
    intent: Mapping[int, int] = field(default_factory=dict)
    """Order line -> units of a fulfilment that is about to be made; empty once its outcome is known."""
    tells: bool = False
    """Whether what is about to be made, a fulfilment or new tracking numbers, makes Shopify write to the buyer."""
    seen: tuple[int, ...] = ()
    """Ids of all fulfilments of the order before that one was made."""
