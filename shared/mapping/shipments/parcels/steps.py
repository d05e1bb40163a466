"""What the app does to Shopify's fulfilments and fulfilment orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.model import SentPart, SentSlip, Tracking


@dataclass(frozen=True, slots=True)
class CancelFulfillment:
    slip: SentSlip
    part: SentPart


@dataclass(frozen=True, slots=True)
class OpenFulfillmentOrder:
    key: str
    """Of the packing slip."""
    fulfillment_order_id: int


@dataclass(frozen=True, slots=True)
class MoveFulfillmentOrder:
    key: str
    """Of the packing slip."""
    fulfillment_order_id: int
    location_id: int
    units: Mapping[int, int]
    """Fulfilment order line -> units."""


@dataclass(frozen=True, slots=True)
class CreateFulfillment:
    key: str
    """Of the packing slip."""
    orders: Mapping[int, Mapping[int, int]]
    """Fulfilment order, all of one location -> its line -> units."""
    units: Mapping[int, int]
    """Order line -> units."""
    tracking: tuple[Tracking, ...]
    company: str
    """The carrier's name as Shopify spells it; "" for none."""
    is_told: bool
    """Whether Shopify writes to the buyer."""


@dataclass(frozen=True, slots=True)
class UpdateTracking:
    key: str
    part: SentPart
    tracking: tuple[Tracking, ...]
    company: str
    is_told: bool


type ShipmentStep = CancelFulfillment | OpenFulfillmentOrder | MoveFulfillmentOrder | CreateFulfillment | UpdateTracking
