"""What a shop holds: stock, orders, subscriptions. Plain records, changed only by the modules that own the rules."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from local.shopify.money import MoneyBag


@dataclass(slots=True)
class Location:
    id: int
    name: str
    country: str
    city: str
    province: str | None
    created_at: datetime


@dataclass(slots=True)
class Variant:
    id: int
    product_id: int
    inventory_item_id: int
    product_title: str
    title: str | None
    sku: str
    price: Decimal
    grams: int
    created_at: datetime
    updated_at: datetime

    @property
    def name(self) -> str:
        return f"{self.product_title} - {self.title}" if self.title else self.product_title


@dataclass(slots=True)
class Level:
    """Stock of one item at one location. on_hand is the sum of all states but `incoming`."""

    id: int
    item_id: int
    location_id: int
    created_at: datetime
    updated_at: datetime
    states: dict[str, int] = field(default_factory=dict)

    def quantity(self, name: str) -> int:
        if name == "on_hand":
            return sum(quantity for state, quantity in self.states.items() if state != "incoming")
        return self.states.get(name, 0)


@dataclass(frozen=True, slots=True)
class TaxLine:
    title: str
    rate: Decimal
    price: MoneyBag


@dataclass(frozen=True, slots=True)
class DiscountApplication:
    """A discount as granted. `kind` is REST's `type`: discount_code, manual or automatic."""

    kind: str
    label: str
    target_type: str
    target_selection: str
    allocation_method: str
    value_type: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class DiscountAllocation:
    application: int
    amount: MoneyBag


@dataclass(slots=True)
class LineItem:
    id: int
    title: str
    sku: str | None
    variant: Variant | None
    quantity: int
    price: MoneyBag
    taxable: bool
    requires_shipping: bool
    gift_card: bool
    properties: list[dict[str, str]]
    allocations: list[DiscountAllocation]
    tax_lines: list[TaxLine]
    fulfillment_line_id: int

    @property
    def original_total(self) -> MoneyBag:
        return self.price.times(self.quantity)


@dataclass(slots=True)
class ShippingLine:
    id: int
    title: str
    code: str | None
    source: str
    price: MoneyBag
    discounted_price: MoneyBag
    allocations: list[DiscountAllocation]
    tax_lines: list[TaxLine]


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


@dataclass(frozen=True, slots=True)
class Transaction:
    id: int
    kind: str
    status: str
    gateway: str
    amount: MoneyBag
    processed_at: datetime


@dataclass(slots=True)
class Metafield:
    id: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Totals:
    line_items: MoneyBag
    subtotal: MoneyBag
    discounts: MoneyBag
    shipping: MoneyBag
    shipping_discounted: MoneyBag
    tax: MoneyBag
    total: MoneyBag


@dataclass(slots=True)
class Order:
    id: int
    number: int
    token: str
    confirmation_number: str
    location_id: int
    fulfillment_order_id: int
    currency: str
    presentment_currency: str
    taxes_included: bool
    created_at: datetime
    updated_at: datetime
    financial_status: str
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
    gateway: str
    lines: list[LineItem]
    shipping_lines: list[ShippingLine]
    discounts: list[DiscountApplication]
    tax_lines: list[TaxLine]
    totals: Totals
    transactions: list[Transaction]
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def zero(self) -> MoneyBag:
        return self.totals.total - self.totals.total

    @property
    def received(self) -> MoneyBag:
        paid = (t.amount for t in self.transactions if t.kind == "SALE" and t.status == "SUCCESS")
        return sum(paid, self.zero)

    @property
    def discount_codes(self) -> list[str]:
        return [discount.label for discount in self.discounts if discount.kind == "discount_code"]

    @property
    def grams(self) -> int:
        return sum(line.variant.grams * line.quantity for line in self.lines if line.variant)


@dataclass(slots=True)
class Subscription:
    """A webhook subscription. One made through the Admin API dies after eight failures in a row."""

    id: int
    topic: str
    uri: str
    api_version: str
    created_at: datetime
    through_api: bool
    name: str | None = None
    filter: str | None = None
    include_fields: list[str] = field(default_factory=list)
    failures: int = 0
