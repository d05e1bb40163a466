"""An order and its parts, as ordered and now.

A line has its units in three groups: remaining, returned and not refunded yet, and removed or refunded. Shopify's
`quantity`, allocations and tax lines cover all ("including refunded and removed"), its `current_*` amounts only the
remaining ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from local.shopify.merchandise import Variant
from local.shopify.model import Metafield
from local.shopify.money import MoneyBag, total
from local.shopify.records import Agreement, Refund, Return, ReturnFee, Risk, Transaction
from local.shopify.shipping_records import Fulfillment, FulfillmentOrder, Notice


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax: `rate` is a fraction. `channel_liable`: the marketplace remits the tax; None is unknown.

    `shown`: as a fraction, as a percent figure, or as nothing, which tax apps write.
    """

    title: str
    rate: Decimal
    channel_liable: bool | None = False
    shown: str = "fraction"


@dataclass(frozen=True, slots=True)
class TaxLine:
    title: str
    rate: Decimal
    price: MoneyBag
    channel_liable: bool | None = False
    shown: str = "fraction"

    @property
    def shown_rate(self) -> float | None:
        return {"fraction": float(self.rate), "percent": float(self.rate * 100), "null": None}[self.shown]


@dataclass(frozen=True, slots=True)
class DiscountApplication:
    """A discount application. `kind` is REST's `type`: discount_code, manual or automatic."""

    kind: str
    label: str
    target_type: str
    target_selection: str
    allocation_method: str
    value_type: str
    value: Decimal
    by_edit: bool = False


@dataclass(frozen=True, slots=True)
class DiscountAllocation:
    application: int
    amount: MoneyBag


@dataclass(frozen=True, slots=True)
class Units:
    """Some units of a line, with the discounts and the taxes (by rate) that belong to them."""

    quantity: int
    discounts: tuple[DiscountAllocation, ...]
    taxes: tuple[MoneyBag, ...]

    def __add__(self, other: "Units") -> "Units":
        merged: dict[int, MoneyBag] = {}
        for each in (*self.discounts, *other.discounts):
            known = merged.get(each.application)
            merged[each.application] = each.amount if known is None else known + each.amount
        return Units(
            self.quantity + other.quantity,
            tuple(DiscountAllocation(index, amount) for index, amount in merged.items()),
            tuple(mine + theirs for mine, theirs in zip(self.taxes, other.taxes, strict=True)),
        )

    def split(self, count: int) -> tuple["Units", "Units"]:
        """`count` of these units, and the rest; both sum to the whole. Rounded as a whole, as in real refunds."""
        amounts = MoneyBag.portions([each.amount for each in self.discounts], count, self.quantity)
        taxes = MoneyBag.portions(self.taxes, count, self.quantity)
        taken = Units(
            count,
            tuple(DiscountAllocation(d.application, a) for d, a in zip(self.discounts, amounts, strict=True)),
            tuple(taxes),
        )
        rest = Units(
            self.quantity - count,
            tuple(
                DiscountAllocation(d.application, d.amount - a) for d, a in zip(self.discounts, amounts, strict=True)
            ),
            tuple(all_ - part for all_, part in zip(self.taxes, taxes, strict=True)),
        )
        return taken, rest


@dataclass(slots=True, kw_only=True)
class Charge:
    """An amount of the order that is no line: a duty or an additional fee."""

    id: int
    price: MoneyBag
    refunded: MoneyBag
    rates: tuple[Rate, ...] = ()
    taxes: tuple[MoneyBag, ...] = ()

    @property
    def left(self) -> MoneyBag:
        return self.price - self.refunded

    @property
    def tax_lines(self) -> list[TaxLine]:
        return tax_lines(self.rates, self.taxes)

    @property
    def taxes_left(self) -> tuple[MoneyBag, ...]:
        """A refund of the charge takes the same share of its taxes with it."""
        return tuple(MoneyBag.portions(self.taxes, self.left.presentment, self.price.presentment))


@dataclass(slots=True, kw_only=True)
class Duty(Charge):
    harmonized_system_code: str | None
    country_of_origin: str | None


@dataclass(slots=True)
class LineItem:
    id: int
    title: str
    sku: str | None
    variant: Variant | None
    price: MoneyBag
    rates: tuple[Rate, ...]
    left: Units
    #: in a processed return, and not refunded yet
    returned: Units
    gone: Units
    #: units still to be shipped, of all open fulfilment orders; a tip has none
    unfulfilled: int
    taxable: bool
    requires_shipping: bool
    gift_card: bool
    tip: bool
    properties: list[dict[str, str]]
    #: of its units in the fulfilment order that they are routed to first
    fulfillment_line_id: int
    duties: list[Duty] = field(default_factory=list)
    group_id: int | None = None
    #: units shipped, whether or not they came back
    fulfilled: int = 0

    @property
    def quantity(self) -> int:
        return self.everything.quantity

    @property
    def everything(self) -> Units:
        return self.left + self.returned + self.gone

    @property
    def current_quantity(self) -> int:
        return self.left.quantity

    @property
    def allocations(self) -> tuple[DiscountAllocation, ...]:
        return self.everything.discounts

    @property
    def tax_lines(self) -> list[TaxLine]:
        return tax_lines(self.rates, self.everything.taxes)

    @property
    def original_total(self) -> MoneyBag:
        return self.price.times(self.quantity)

    def net(self, units: Units) -> MoneyBag:
        """The price of some of its units after discounts; includes tax where the order's prices do."""
        gross = self.price.times(units.quantity)
        return gross - total((each.amount for each in units.discounts), gross)

    def remove(self, count: int) -> Units:
        """Remove units; they stay in the order's history."""
        taken, self.left = self.left.split(count)
        self.gone += taken
        return taken

    def take_back(self, count: int) -> None:
        """Units came back; they are still to be refunded."""
        taken, self.left = self.left.split(count)
        self.returned += taken

    def refund_returned(self, count: int) -> Units:
        """Refund units that came back; they stay in the order's history."""
        taken, self.returned = self.returned.split(count)
        self.gone += taken
        return taken


@dataclass(slots=True)
class ShippingLine:
    id: int
    title: str
    code: str | None
    source: str
    price: MoneyBag
    discounted_price: MoneyBag
    allocations: list[DiscountAllocation]
    rates: tuple[Rate, ...]
    taxes: tuple[MoneyBag, ...]
    refunded: MoneyBag
    refunded_taxes: tuple[MoneyBag, ...]
    removed: bool = False

    @property
    def tax_lines(self) -> list[TaxLine]:
        return tax_lines(self.rates, self.taxes)

    @property
    def left(self) -> MoneyBag:
        """After discounts and refunds; nothing once an edit removed it."""
        return self.price - self.price if self.removed else self.discounted_price - self.refunded

    @property
    def taxes_left(self) -> tuple[MoneyBag, ...]:
        if self.removed:
            return tuple(tax - tax for tax in self.taxes)
        return tuple(tax - back for tax, back in zip(self.taxes, self.refunded_taxes, strict=True))


def tax_lines(rates: Sequence[Rate], amounts: Sequence[MoneyBag]) -> list[TaxLine]:
    pairs = zip(rates, amounts, strict=True)
    return [TaxLine(rate.title, rate.rate, amount, rate.channel_liable, rate.shown) for rate, amount in pairs]


@dataclass(slots=True, kw_only=True)
class Fee(Charge):
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A bundle: the lines that carry its id are its components."""

    id: int
    title: str
    quantity: int
    sku: str | None


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """`kind`: NET, FIXED, RECEIPT, FULFILLMENT or UNKNOWN."""

    id: int
    schedule_id: int
    kind: str
    name: str
    due_in_days: int | None
    issued_at: datetime
    due_at: datetime | None


@dataclass(slots=True)
class Customer:
    id: int
    address_id: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    note: str | None
    tax_exempt: bool
    created_at: datetime
    default_address: dict[str, Any] | None


@dataclass(slots=True)
class Order:
    id: int
    number: int
    token: str
    confirmation_number: str
    #: where its goods are taken from, unless it was routed otherwise
    location_id: int
    #: of its first fulfilment order
    fulfillment_order_id: int
    currency: str
    presentment_currency: str
    #: buyer's currency per shop's currency, frozen when the order was placed
    exchange_rate: Decimal
    taxes_included: bool
    duties_included: bool
    created_at: datetime
    updated_at: datetime
    customer: Customer | None
    email: str | None
    phone: str | None
    company: dict[str, int] | None
    billing_address: dict[str, Any] | None
    shipping_address: dict[str, Any] | None
    note: str | None
    note_attributes: list[dict[str, str]]
    po_number: str | None
    tags: list[str]
    test: bool
    zero: MoneyBag
    lines: list[LineItem]
    shipping_lines: list[ShippingLine]
    discounts: list[DiscountApplication]
    fees: list[Fee]
    groups: list[Group]
    payment_terms: PaymentTerms | None
    #: the total when the order was placed
    original_total: MoneyBag
    #: of its fulfilment orders, which the order has from `routed_at` on
    delivery_method: str
    routed_at: datetime
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    #: charged for processed returns
    return_fees: list[ReturnFee] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    #: mails to the buyer about its goods
    notices: list[Notice] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    risks: list[Risk] = field(default_factory=list)
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)
    #: the point of sale, or the location that staff gave a draft order; None for online
    sold_at: int | None = None
    source_name: str = "web"
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    cancel_note: str | None = None
    edited: bool = False

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def live_fulfillments(self) -> list[Fulfillment]:
        return [each for each in self.fulfillments if not each.is_cancelled]

    @property
    def charges(self) -> list[Charge]:
        return [*(duty for line in self.lines for duty in line.duties), *self.fees]

    @property
    def discount_codes(self) -> list[str]:
        return [discount.label for discount in self.discounts if discount.kind == "discount_code"]
