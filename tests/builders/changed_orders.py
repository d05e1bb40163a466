"""An order of `tests.builders.orders` with later changes, and its webhook payload.

    changed = ChangedOrder(order_payload(...))
    changed.edit(11, -1)
    changed.ship({12: 2})
    changed.refund({12: (1, "return")}, shipping=True)
    changed.payload()

It counts units and amounts in both currencies, as Shopify's schema describes the fields: a line's quantity, discounts
and taxes are of all units ever ordered, the `current_*` totals of the units that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from typing import Any

from shared.model import minor_digits
from tests.builders.orders import Payload

SIDES = ("shop_money", "presentment_money")
PLACED = datetime.fromisoformat("2026-11-22T10:15:00+01:00")


@dataclass(frozen=True)
class Bag:
    """An amount in both currencies."""

    amounts: tuple[Decimal, Decimal]
    currencies: tuple[str, str]

    @classmethod
    def of(cls, money_set: Payload) -> Bag:
        shop, presentment = (money_set[side] for side in SIDES)
        return cls(
            (Decimal(shop["amount"]), Decimal(presentment["amount"])),
            (shop["currency_code"], presentment["currency_code"]),
        )

    def __add__(self, other: Bag) -> Bag:
        return self._with(lambda at: self.amounts[at] + other.amounts[at])

    def __sub__(self, other: Bag) -> Bag:
        return self._with(lambda at: self.amounts[at] - other.amounts[at])

    def __neg__(self) -> Bag:
        return self - self - self

    def times(self, number: int) -> Bag:
        return self._with(lambda at: self.amounts[at] * number)

    def share(self, part: int, of: int) -> Bag:
        return self._with(lambda at: self.amounts[at] * part / of)

    def _with(self, amount: Callable[[int], Decimal]) -> Bag:
        def rounded(at: int) -> Decimal:
            return amount(at).quantize(Decimal(1).scaleb(-minor_digits(self.currencies[at])), ROUND_HALF_UP)

        return Bag((rounded(0), rounded(1)), self.currencies)

    def __bool__(self) -> bool:
        return any(self.amounts)

    @property
    def set(self) -> Payload:
        return {
            side: {"amount": format(amount, "f"), "currency_code": currency}
            for side, amount, currency in zip(SIDES, self.amounts, self.currencies, strict=True)
        }

    @property
    def bare(self) -> str:
        return format(self.amounts[0], "f")


@dataclass
class Units:
    """What is left of a line: units, and the discount and taxes that fall to them."""

    price: Bag
    number: int
    discount: Bag
    taxes: list[Bag]
    fulfilled: int = 0
    edited: bool = False

    def take(self, number: int) -> tuple[Bag, Bag]:
        """Removes units; gives their price after discount, and their tax."""
        discount = self.discount.share(number, self.number)
        tax = total(self.taxes, self.price).share(number, self.number)
        self.discount -= discount
        self.taxes = [total(self.taxes, self.price) - tax]
        self.number -= number
        return self.price.times(number) - discount, tax

    @property
    def net(self) -> Bag:
        return self.price.times(self.number) - self.discount


def total(bags: Sequence[Bag], like: Bag) -> Bag:
    return sum(bags, like - like)


@dataclass
class ChangedOrder:
    """An order and its changes, each dated later than the one before."""

    placed: Payload = field(repr=False)
    refunds: list[Payload] = field(default_factory=list)
    parcels: list[Payload] = field(default_factory=list)
    adjusted: list[Bag] = field(default_factory=list)
    paid: dict[int, Bag] = field(default_factory=dict)
    """Transaction id -> what it gave back, on both sides at the order's rate."""

    def __post_init__(self) -> None:
        self.placed = deepcopy(self.placed)
        self.zero = Bag.of(self.placed["total_price_set"]).times(0)
        self.units = {line["id"]: self._units(line) for line in self.placed["line_items"]}
        kept = [each for each in self.placed["shipping_lines"] if not each["is_removed"]]
        self.shipping = total([Bag.of(each["discounted_price_set"]) for each in kept], self.zero)
        self.shipping_tax = total([_tax(tax) for each in kept for tax in each["tax_lines"]], self.zero)
        has_duties = self.placed["original_total_duties_set"] and not self.placed["duties_included"]
        self.duties = Bag.of(self.placed["original_total_duties_set"]) if has_duties else self.zero
        has_fees = self.placed["original_total_additional_fees_set"]
        self.fees = Bag.of(has_fees) if has_fees else self.zero
        self.duties_tax = self.fees_tax = self.zero
        if not self.placed["duties_included"]:
            duties = (duty for line in self.placed["line_items"] for duty in line["duties"])
            self.duties_tax = _taxes_of(duties) or self.zero
        self.fees_tax = _taxes_of(self.placed.get("additional_fees", ())) or self.zero
        self.moments = (PLACED + timedelta(hours=hours) for hours in count(1))
        self.ids = count(700)

    def _units(self, line: Payload) -> Units:
        discounts = [Bag.of(each["amount_set"]) for each in line["discount_allocations"]]
        price = Bag.of(line["price_set"])
        return Units(price, line["quantity"], total(discounts, price), [_tax(each) for each in line["tax_lines"]])

    def edit(self, line_id: int, removed: int) -> None:
        """Removes units; they stay in the line's quantity and amounts."""
        self.units[line_id].take(removed)
        self.units[line_id].edited = True

    def ship(self, units: Mapping[int, int], **overrides: Any) -> None:
        for line_id, number in units.items():
            self.units[line_id].fulfilled += number
        self.parcels.append(
            {
                "id": next(self.ids),
                "status": "success",
                "created_at": self._moment(),
                "line_items": [{"id": line_id, "quantity": number} for line_id, number in units.items()],
            }
            | overrides
        )

    def refund(
        self,
        units: Mapping[int, tuple[int, str]] | None = None,
        *,
        shipping: bool = False,
        duties: bool = False,
        fees: bool = False,
        adjustment: Bag | None = None,
        reason: str = "Refund discrepancy",
        status: str | None = "success",
        **overrides: Any,
    ) -> Payload:
        """Refunds the full value of the parts, in the buyer's currency; with `status` None no money is paid.

        `adjustment` has Shopify's sign: above zero the buyer gets less than the value of the parts.
        """
        lines, value, refund_id = [], self.zero, next(self.ids)
        included = self.placed["taxes_included"]
        for line_id, (number, restock) in (units or {}).items():
            net, tax = self.units[line_id].take(number)
            value += net if included else net + tax
            lines.append(self._refund_line(line_id, number, restock, net, tax))
        shipping_lines, adjustments = [], []
        if shipping:
            net, tax = self.shipping, self.shipping_tax
            value += net if included else net + tax
            self.shipping = self.shipping_tax = self.zero
            shipping_lines = [{"id": next(self.ids), "subtotal_amount_set": net.set}]
            adjustments.append(self._shipping_adjustment(net, tax))
        duties_back = self.duties if duties else self.zero
        value += duties_back
        self.duties -= duties_back
        fees_back = self.fees if fees else self.zero
        value += fees_back
        self.fees -= fees_back
        if not included:
            value += (self.duties_tax if duties else self.zero) + (self.fees_tax if fees else self.zero)
        self.duties_tax = self.zero if duties else self.duties_tax
        self.fees_tax = self.zero if fees else self.fees_tax
        if adjustment:
            value -= adjustment
            self.adjusted.append(adjustment)
            adjustments.append(self._adjustment(adjustment, reason))
        moment = self._moment()
        transactions = []
        if status and value:
            transactions = [transaction(value, id=next(self.ids), status=status)]
            self.paid[transactions[0]["id"]] = value
        refund = {
            "id": refund_id,
            "order_id": self.placed["id"],
            "created_at": moment,
            "processed_at": moment,
            "note": None,
            "user_id": None,
            "duties": [],
            "total_duties_set": duties_back.set,
            "total_additional_fees_set": fees_back.set,
            "return": None,
            "refund_shipping_lines": shipping_lines,
            "restock": True,
            "order_adjustments": adjustments,
            "refund_line_items": lines,
            "transactions": transactions,
        } | overrides
        self.refunds.append(refund)
        return refund

    def _refund_line(self, line_id: int, number: int, restock: str, net: Bag, tax: Bag) -> Payload:
        return {
            "id": next(self.ids),
            "quantity": number,
            "line_item_id": line_id,
            "location_id": None if restock == "no_restock" else 901,
            "restock_type": restock,
            "subtotal": net.amounts[0],
            "total_tax": tax.amounts[0],
            "subtotal_set": net.set,
            "total_tax_set": tax.set,
        }

    def _shipping_adjustment(self, subtotal: Bag, tax: Bag) -> Payload:
        """Where REST has the tax of refunded shipping; the amount is without it."""
        amount = subtotal - tax if self.placed["taxes_included"] else subtotal
        tax_fields = {"tax_amount": (-tax).bare, "tax_amount_set": (-tax).set}
        return self._adjustment(-amount, "Shipping refund") | {"kind": "shipping_refund"} | tax_fields

    def _adjustment(self, amount: Bag, reason: str) -> Payload:
        return {
            "id": next(self.ids),
            "kind": "refund_discrepancy",
            "reason": reason,
            "amount": amount.bare,
            "amount_set": amount.set,
            "tax_amount": "0.00",
            "tax_amount_set": self.zero.set,
        }

    def _moment(self) -> str:
        return next(self.moments).isoformat()

    def payload(self) -> Payload:
        """The payload of orders/updated now."""
        lines = [each | {"current_quantity": self.units[each["id"]].number} for each in self.placed["line_items"]]
        net = total([units.net for units in self.units.values()], self.zero)
        tax = total([each for units in self.units.values() for each in units.taxes], self.zero) + self.shipping_tax
        tax += self.duties_tax + self.fees_tax
        beside = self.zero if self.placed["taxes_included"] else tax
        beside += self.fees + self.duties
        current = net + self.shipping + beside + self._tip_beside() + total(self.adjusted, self.zero)
        payload = self.placed | {
            "line_items": lines,
            "refunds": self.refunds,
            "fulfillments": self.parcels,
            "updated_at": self._moment(),
            "current_shipping_price_set": self.shipping.set,
        }
        if payload["current_total_duties_set"] and not payload["duties_included"]:
            payload["current_total_duties_set"] = self.duties.set
        if payload["current_total_additional_fees_set"]:
            payload["current_total_additional_fees_set"] = self.fees.set
        for key, amount in (
            ("current_total_price", current),
            ("current_total_tax", tax),
            ("current_subtotal_price", net),
        ):
            payload |= {key: amount.bare, f"{key}_set": amount.set}
        return deepcopy(payload)

    def _tip_beside(self) -> Bag:
        tip = Decimal(self.placed["total_tip_received"])
        if not tip or any(line["title"] == "Tip" for line in self.placed["line_items"]):
            return self.zero
        return Bag((tip, tip), self.zero.currencies)


def transaction(worth: Bag, /, **overrides: Any) -> Payload:
    """A refund's transaction, in the buyer's currency: a webhook contains no other."""
    return {
        "id": 1,
        "order_id": 5_500_000_000_001,
        "kind": "refund",
        "gateway": "shopify_payments",
        "status": "success",
        "message": None,
        "created_at": "2026-11-22T12:00:00+01:00",
        "processed_at": "2026-11-22T12:00:00+01:00",
        "test": False,
        "parent_id": 600,
        "amount": format(worth.amounts[1], "f"),
        "currency": worth.currencies[1],
        "amount_rounding": None,
    } | overrides


def _taxes_of(charges: Iterable[Payload]) -> Bag | None:
    found = [_tax(tax) for charge in charges for tax in charge["tax_lines"]]
    return total(found, found[0]) if found else None


def _tax(tax_line: Payload) -> Bag:
    return Bag.of(tax_line["price_set"])
