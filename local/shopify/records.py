"""Records of what happens after an order was placed: transactions, refunds, returns, risk, edits."""

from dataclasses import dataclass, field
from datetime import datetime

from local.shopify.money import MoneyBag


@dataclass(slots=True)
class Transaction:
    """One movement at a payment provider; `kind` and `status` as GraphQL writes them.

    `amount` is what the provider moved, at the rate of that moment; `settles` is the part of the order that it
    pays or gives back, at the rate of the order. In the buyer's currency both are the same.
    """

    id: int
    number: int
    kind: str
    status: str
    gateway: str
    amount: MoneyBag
    settles: MoneyBag
    created_at: datetime
    parent_id: int | None = None
    rounding: MoneyBag | None = None
    #: of an authorization: whether more than one capture is allowed, and when it ends
    multi_capturable: bool = True
    expires_at: datetime | None = None
    #: of an authorization: nothing more is captured of it
    is_expired: bool = False
    #: of a capture: nothing more is captured of its authorization
    is_final: bool = False

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCESS"


@dataclass(frozen=True, slots=True)
class RefundLine:
    id: int
    line_id: int
    quantity: int
    #: cancel, return or no_restock
    restock: str
    location_id: int | None
    subtotal: MoneyBag
    tax: MoneyBag


@dataclass(frozen=True, slots=True)
class RefundShipping:
    id: int
    #: of the order adjustment that REST writes for it
    adjustment_id: int
    shipping_line_id: int
    subtotal: MoneyBag
    tax: MoneyBag


@dataclass(frozen=True, slots=True)
class RefundDuty:
    duty_id: int
    amount: MoneyBag


@dataclass(frozen=True, slots=True)
class RefundFee:
    fee_id: int
    name: str
    amount: MoneyBag


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A difference between what a refund's parts are worth and what it gave back: negative favours the buyer.

    `reason` as GraphQL writes it: REFUND_DISCREPANCY, PENDING_REFUND_DISCREPANCY, RESTOCK, DAMAGE, CUSTOMER.
    A pending refund has a REFUND_DISCREPANCY of its amount; once the money moved, a PENDING_REFUND_DISCREPANCY of the
    opposite amount is added.
    """

    id: int
    reason: str
    amount: MoneyBag


@dataclass(slots=True)
class Refund:
    id: int
    order_id: int
    created_at: datetime
    updated_at: datetime
    note: str
    lines: list[RefundLine]
    shipping: list[RefundShipping]
    duties: list[RefundDuty]
    adjustments: list[Adjustment] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    return_id: int | None = None
    fees: list[RefundFee] = field(default_factory=list)


@dataclass(slots=True)
class ReturnLine:
    id: int
    #: of the fulfilment, and of the order
    fulfillment_line_id: int
    line_id: int
    quantity: int
    reason: str
    note: str
    restocking_fee: MoneyBag | None
    processed: int = 0
    refunded: int = 0
    #: as it was processed: return or no_restock
    restock: str = "return"
    location_id: int = 0


@dataclass(frozen=True, slots=True)
class ReturnFee:
    """What the buyer is charged for a return; `kind`: RestockingFee or ReturnShippingFee. Not taxed."""

    id: int
    kind: str
    amount: MoneyBag


@dataclass(slots=True)
class ExchangeLine:
    """Goods to be sent instead; they become a line of the order when the return is processed."""

    id: int
    params: dict[str, object]
    quantity: int
    line_id: int | None = None


@dataclass(slots=True)
class Return:
    """`status`: REQUESTED, OPEN, CLOSED, DECLINED or CANCELED."""

    id: int
    name: str
    status: str
    created_at: datetime
    lines: list[ReturnLine]
    exchanges: list[ExchangeLine]
    shipping_fees: "list[ReturnFee]" = field(default_factory=list)
    closed_at: datetime | None = None
    approved_at: datetime | None = None

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Risk:
    """The assessment of one provider; `level` is HIGH, MEDIUM, LOW, NONE or PENDING."""

    level: str
    created_at: datetime
    #: id and title of the app; None for Shopify itself
    provider: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """What an agreement changed of one line, shipping line, duty, fee or return fee.

    `action` and `line_type` as in GraphQL.

    `amount` is after discounts, with tax. A removal is below zero.
    """

    id: int
    action: str
    line_type: str
    source_id: int
    quantity: int
    amount: MoneyBag
    tax: MoneyBag


@dataclass(frozen=True, slots=True)
class Agreement:
    """`reason`: ORDER, ORDER_EDIT, REFUND or RETURN."""

    id: int
    reason: str
    happened_at: datetime
    sales: tuple[Sale, ...]
    return_id: int | None = None


@dataclass(slots=True)
class OrderEdit:
    """What one edit changed: units by line, and the lines whose discounts or shipping were added or removed."""

    id: int
    created_at: datetime
    staff_note: str
    added: dict[int, int] = field(default_factory=dict)
    removed: dict[int, int] = field(default_factory=dict)
    discounts_added: list[int] = field(default_factory=list)
    discounts_removed: list[int] = field(default_factory=list)
    shipping_added: list[int] = field(default_factory=list)
    shipping_removed: list[int] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        changes = (self.added, self.removed, self.discounts_added, self.discounts_removed)
        return not any((*changes, self.shipping_added, self.shipping_removed))
