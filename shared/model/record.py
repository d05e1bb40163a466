"""What was decided about an order when it was booked, and about each refund: the start of every later event.

Shopify's payload and the store's rules are of today. A product that is deleted, a variant that gets another SKU, a
parcel that is cancelled, an address that is withheld or a rule that changes must not change how something was booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from shared.model.order import CurrencySide, DeliveryMethod, LineKind
from shared.model.refund import ReturnFee
from shared.model.stock import Item


class Place(NamedTuple):
    """Where a sale is taxed."""

    country: str
    """ISO 3166-1 alpha-2."""
    province: str
    """ISO 3166-2 without its country, or ""."""


class TaxKey(NamedTuple):
    """What a tax rule is chosen by."""

    place: Place
    rate: Decimal
    """All of the seller's taxes on the line together, as a fraction."""
    titles: tuple[str, ...]


class TaxGroupPair(NamedTuple):
    sales_tax_group: str
    item_tax_group: str


@dataclass(frozen=True, slots=True)
class LineRecord:
    """How one order line was booked."""

    kind: LineKind
    item: Item
    sku: str = ""
    """Shopify's, at that time."""
    variant_id: int | None = None


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """Which parts of a refund made the sales order smaller. All other parts are credited by documents of their own."""

    cancelled: Mapping[int, int] | None = field(default_factory=dict)
    """Order line id -> units that had not been shipped. None in a reconstructed record: the parcels decide."""
    shipping_off_order: bool = False
    duties_off_order: bool = False
    fees_off_order: bool = False
    return_fees: tuple[ReturnFee, ...] = ()
    """What it was less by for the return that it belongs to."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    side: CurrencySide
    lines: Mapping[int, LineRecord] = field(default_factory=dict)
    """By the id of the order line."""
    refunds: Mapping[int, RefundRecord] = field(default_factory=dict)
    """By the id of the refund."""
    place: Place | None = None
    tax_groups: Mapping[TaxKey, TaxGroupPair] = field(default_factory=dict)
    delivery: DeliveryMethod | None = None
    """None where Shopify did not tell, or an older release booked the order."""
    served_by: int | None = None
    """The Shopify location whose warehouse serves the order (Order.served_by)."""
    delivery_modes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Code and title of a shipping line -> F&O's mode of delivery."""
    is_reconstructed: bool = False
    """Made from what F&O has, for an order that a release without records booked."""
