"""A Shopify order. Its amounts are on one side only (shop or presentment)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from shared.model.address import Address
from shared.model.money import Money, total


class LineKind(StrEnum):
    """What an order line is; each kind has its own rule on the way to F&O."""

    PRODUCT = "product"
    CUSTOM = "custom"
    """No product behind it: typed in by staff, or added by an app."""
    GIFT_CARD = "gift_card"
    """A gift card sold: a liability, not revenue."""
    TIP = "tip"
    """Where Shopify has no line for it, one with the order's id is made."""


class CurrencySide(StrEnum):
    """Which of an order's two currencies is booked."""

    SHOP = "shop"
    PRESENTMENT = "presentment"


class DeliveryMethod(StrEnum):
    """How the buyer gets the goods; the values are those of Shopify's DeliveryMethodType."""

    SHIPPING = "SHIPPING"
    PICK_UP = "PICK_UP"
    PICKUP_POINT = "PICKUP_POINT"
    LOCAL = "LOCAL"
    RETAIL = "RETAIL"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class TaxLine:
    title: str
    rate: Decimal
    """A fraction: 0.21 for 21 %."""
    amount: Money
    channel_liable: bool
    """The marketplace owes this tax, the seller must not book it."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    id: int
    kind: LineKind
    sku: str
    title: str
    quantity: int
    unit_price: Money
    """Before discounts; includes tax when the order's prices do."""
    discount: Money
    """All allocations to this line together, for its whole quantity; never negative."""
    taxes: tuple[TaxLine, ...]
    requires_shipping: bool
    variant_id: int | None = None
    """Shopify's; None for a line without a product, and once the product is deleted."""
    barcode: str = ""
    """The variant's, as it is now; webhooks do not contain it."""

    @property
    def net(self) -> Money:
        """What the line costs after discounts; includes tax when the order's prices do."""
        return self.unit_price * self.quantity - self.discount


@dataclass(frozen=True, slots=True)
class ShippingLine:
    id: int
    code: str
    title: str
    price: Money
    """Before discounts; includes tax when the order's prices do."""
    discount: Money
    taxes: tuple[TaxLine, ...]

    @property
    def net(self) -> Money:
        return self.price - self.discount


@dataclass(frozen=True, slots=True)
class TaxedCharge:
    """Duties or additional fees of an order that have the same taxes."""

    amount: Money
    """Contains the taxes when the order's prices do."""
    taxes: tuple[TaxLine, ...]

    def plus(self, amount: Money, taxes: Sequence[TaxLine]) -> TaxedCharge:
        """Both together; the taxes are the same ones, with amounts of their own."""
        pairs = zip(self.taxes, taxes, strict=True)
        return TaxedCharge(
            self.amount + amount, tuple(replace(one, amount=one.amount + other.amount) for one, other in pairs)
        )

    def scaled(self, part: Money, of: Money) -> TaxedCharge:
        """The same share of the amount and of each tax as `part` is of `of`, rounded."""
        if part == of:
            return self

        def share(amount: Money) -> Money:
            return Money(amount.amount * part.amount / of.amount, amount.currency).rounded()

        return TaxedCharge(share(self.amount), tuple(replace(tax, amount=share(tax.amount)) for tax in self.taxes))


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought: a guest has no id, a private person no company."""

    id: int | None
    first_name: str
    last_name: str
    email: str
    phone: str
    company: str
    company_id: int | None = None
    """B2B: Shopify's company and the location of it that bought."""
    company_location_id: int | None = None

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.company


# Every sample order that Shopify publishes has the gid of the first; the second is what JavaScript, which wrote the
# published files, makes of that number.
_SAMPLE_IDS: Final = frozenset({820982911946154508, 820982911946154500})


def is_sample(order_id: int, *, is_test: bool) -> bool:
    """Whether this is Shopify's sample order: its amounts contradict themselves."""
    return is_test and order_id in _SAMPLE_IDS


@dataclass(frozen=True, slots=True)
class Order:
    store: str
    id: int
    name: str
    """What people call it: "#1001"."""
    version: datetime
    """Shopify's updated_at, with its offset: a later state of the order has a later version."""
    created_at: datetime
    cancelled_at: datetime | None
    currency: str
    """Of every amount below."""
    taxes_included: bool
    lines: tuple[OrderLine, ...]
    shipping: tuple[ShippingLine, ...]
    duties: Money
    """On top of the prices; zero where the prices include them."""
    additional_fees: Money
    cash_rounding: Money
    """What cash payments were rounded by, up or down: beside the total, not in it."""
    total: Money
    """What the buyer owes in all: Shopify's total_price."""
    total_tax: Money
    buyer: Buyer | None
    shipping_address: Address | None
    billing_address: Address | None
    location_id: int | None
    """The point of sale, or None for an online order."""
    po_number: str
    note: str
    attributes: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    is_test: bool
    """Of a development store, or paid by a test gateway: no money moved."""
    channel: str = ""
    """Where it was placed, Shopify's source name: "web", "pos", "shopify_draft_order", an app's id."""
    delivery: DeliveryMethod | None = None
    """Where it is decided (mapping/delivery); None as Shopify's payloads are read."""
    served_by: int | None = None
    """Likewise: the Shopify location whose warehouse hands the goods over and where they are taxed, by rule."""
    taxed_duties: tuple[TaxedCharge, ...] = ()
    """The part of the duties that is taxed; the rest is not."""
    taxed_fees: tuple[TaxedCharge, ...] = ()
    """The part of the additional fees that is taxed; the rest is not."""

    @property
    def is_sample(self) -> bool:
        """Whether it is Shopify's test notification instead of a real order."""
        return is_sample(self.id, is_test=self.is_test)

    @property
    def is_given_up(self) -> bool:
        """Cancelled, or all of it given back before it was shipped: nothing is left to deliver or to be paid."""
        return self.cancelled_at is not None or not (self.lines or self.total)

    @property
    def has_tip_beside_lines(self) -> bool:
        """Whether Shopify has no line for the order's tip, so that one with the order's id was made of it."""
        return any(line.kind is LineKind.TIP and line.id == self.id for line in self.lines)

    @property
    def has_goods_to_ship(self) -> bool:
        return any(line.requires_shipping for line in self.lines)

    @property
    def destination(self) -> Address | None:
        """The address that decides tax and warehouse."""
        return self.shipping_address or self.billing_address

    @property
    def taxes(self) -> tuple[TaxLine, ...]:
        of_lines = (tax for line in self.lines for tax in line.taxes)
        of_shipping = (tax for line in self.shipping for tax in line.taxes)
        of_charges = (tax for charge in (*self.taxed_duties, *self.taxed_fees) for tax in charge.taxes)
        return (*of_lines, *of_shipping, *of_charges)

    @property
    def lines_net(self) -> Money:
        return total((line.net for line in self.lines), self.currency)

    @property
    def shipping_net(self) -> Money:
        return total((line.net for line in self.shipping), self.currency)
