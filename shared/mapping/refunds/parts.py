"""What a refund takes off what the buyer owes: goods and amounts, taxed as the order booked them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.taxes.groups import LineTax, TaxGroups
from shared.model import (
    COMPONENTS,
    Adjustment,
    AdjustmentReason,
    Component,
    LineKind,
    Money,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Restock,
    ReturnFee,
    ShippingLine,
    TaxedCharge,
    TaxLine,
    total,
)


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount without goods. Above zero the buyer owes less."""

    component: Component
    title: str
    amount: Money
    """With or without tax, as F&O's prices of the order are."""
    tax: LineTax | None
    """None where Shopify taxes nothing: the rules have the tax groups for that."""


@dataclass(frozen=True, slots=True)
class GoodsBack:
    """Units of one order line that came back."""

    line: OrderLine
    quantity: int
    location_id: int | None
    amount: Money
    tax: LineTax


@dataclass(frozen=True, slots=True)
class RefundParts:
    """`goods` and `credits` are for F&O; with the tax on top, and what F&O does not get, they sum to the refund."""

    goods: tuple[GoodsBack, ...]
    credits: tuple[Credit, ...]
    tax: Money
    """Of goods and credits, by Shopify, as far as the seller owes it."""
    marketplace_tax: Money
    taxes: tuple[TaxLine, ...]
    """The same tax by tax, with what each line gave back of it."""
    off_order: Money
    """What makes the sales order smaller already: goods that never left, shipping and duties given back before."""


_OF_REASON: Final[Mapping[str, Component]] = {
    AdjustmentReason.RESTOCK: Component.RESTOCKING_FEE,
    AdjustmentReason.CUSTOMER: Component.GOODWILL,
    AdjustmentReason.DAMAGE: Component.GOODWILL,
    AdjustmentReason.DISCREPANCY: Component.DISCREPANCY,
    AdjustmentReason.REFUND_DISCREPANCY: Component.DISCREPANCY,
    AdjustmentReason.BALANCING: Component.DISCREPANCY,
}
"""Shopify's OrderAdjustmentDiscrepancyReason; REST's refund_discrepancy."""
_OF_FEE: Final[Mapping[str, Component]] = {
    "RestockingFee": Component.RESTOCKING_FEE,
    "ReturnShippingFee": Component.RETURN_SHIPPING_FEE,
}
"""Shopify's types of fees."""


def read_parts(refund: Refund, order: Order, taxes: TaxGroups, *, return_orders: bool) -> RefundParts:
    """What the refund is made of. With `return_orders`, goods that came back get a return order.

    Raises RefusedError REFUND_REASON_UNKNOWN, REFUND_TAX_UNKNOWN, and what TaxGroups.of raises.
    """
    return _CreditsReading(refund, order, taxes).read(return_orders=return_orders)


class _CreditsReading:
    def __init__(self, refund: Refund, order: Order, taxes: TaxGroups) -> None:
        self._refund = refund
        self._order = order
        self._lines = {line.id: line for line in order.lines}
        self._taxes = taxes
        self._charged: list[TaxLine] = []
        self._off_order = refund.duties * 0

    def read(self, *, return_orders: bool) -> RefundParts:
        goods: list[GoodsBack] = []
        credits_: list[Credit] = []
        for line in self._refund.lines:
            if line.restock is Restock.CANCEL:
                self._off_order += self._worth(line.subtotal, line.tax)
                continue
            back, component = self._goods(line), self._component(line)
            if component is Component.GOODS_RETURNED and return_orders:
                goods.append(back)
            elif back.amount:
                credits_.append(Credit(component, back.line.title, back.amount, back.tax))
        credits_ += self._beside_lines()
        charged = _sum(self._charged, self._refund.duties, by_marketplace=False)
        if charged and self._taxes.exempt is not None:
            credits_.append(Credit(Component.TAX, "Tax", charged, self._taxes.exempt))
        return RefundParts(
            goods=tuple(goods),
            credits=tuple(credits_),
            tax=charged,
            marketplace_tax=_sum(self._charged, self._refund.duties, by_marketplace=True),
            taxes=tuple(self._charged),
            off_order=self._off_order,
        )

    def _beside_lines(self) -> Iterator[Credit]:
        for adjustment in self._refund.adjustments:
            if adjustment.on_order:
                self._off_order += self._worth(adjustment.amount, adjustment.tax)
            elif adjustment.reason == AdjustmentReason.SHIPPING:
                yield from self._shipping(adjustment)
            elif adjustment.reason == AdjustmentReason.DUTIES:
                yield from self._charge(adjustment, Component.DUTIES, self._order.duties, self._order.taxed_duties)
            elif adjustment.reason == AdjustmentReason.FEES:
                fees = self._order.additional_fees
                yield from self._charge(adjustment, Component.FEES, fees, self._order.taxed_fees)
            elif adjustment.reason != AdjustmentReason.PENDING and (adjustment.amount or adjustment.tax):
                yield self._untaxed(adjustment)
        for fee in self._refund.return_fees:
            yield self._fee(fee)
        if self._refund.duties:
            yield Credit(Component.DUTIES, "Duties", self._refund.duties, None)

    def _fee(self, fee: ReturnFee) -> Credit:
        """Below zero: the buyer gets less."""
        component = _OF_FEE.get(fee.reason)
        if component is None:
            raise self._reason_unknown(fee.reason or "a fee that was deleted")
        if fee.tax:
            raise self._tax_unknown(-fee.tax, component)
        return Credit(component, component.capitalize(), -fee.amount, None)

    def _charge(
        self, adjustment: Adjustment, component: Component, whole: Money, taxed: Sequence[TaxedCharge]
    ) -> Iterator[Credit]:
        """A share of what is not taxed of the charge, and of each part that is."""
        title = component.capitalize()
        if not taxed:
            if adjustment.tax:
                raise self._tax_unknown(adjustment.tax, component)
            yield Credit(component, title, adjustment.amount, None)
            return
        untaxed = whole - total((each.amount for each in taxed), whole.currency)
        weights = [max(untaxed.amount, Decimal(0)), *(each.amount.amount for each in taxed)]
        rest, *amounts = adjustment.amount.split(weights)
        if rest:
            yield Credit(component, title, rest, None)
        taxes = self._divided(adjustment.tax, [_sum(each.taxes, whole) for each in taxed], component)
        for each, amount, tax in zip(taxed, amounts, taxes, strict=True):
            charged = self._given_back(each.taxes, tax, component)
            if amount:
                yield Credit(component, title, self._taxes.moved(amount, charged), self._taxes.of(title, each.taxes))

    def _worth(self, amount: Money, tax: Money) -> Money:
        return amount if self._order.taxes_included else amount + tax

    def _goods(self, back: RefundLine) -> GoodsBack:
        line = self._lines[back.line_id]
        charged = self._given_back(line.taxes, back.tax, line.title)
        return GoodsBack(
            line=line,
            quantity=back.quantity,
            location_id=back.location_id,
            amount=self._taxes.moved(back.subtotal, charged),
            tax=self._taxes.of(line.title, charged),
        )

    def _component(self, back: RefundLine) -> Component:
        kind = self._lines[back.line_id].kind
        if kind is not LineKind.PRODUCT:
            return COMPONENTS[kind]
        return Component.GOODS_KEPT if back.restock is Restock.NO_RESTOCK else Component.GOODS_RETURNED

    def _shipping(self, adjustment: Adjustment) -> Iterator[Credit]:
        """A share of each shipping line, and of each rate that taxes it, as the order has them."""
        lines = [line for line in self._order.shipping if line.net]
        if not lines or not adjustment.amount:
            if adjustment.amount or adjustment.tax:
                yield self._untaxed(adjustment)
            return
        amounts = adjustment.amount.split([line.net.amount for line in lines])
        charged = [_sum(line.taxes, adjustment.tax) for line in lines]
        taxes = self._divided(adjustment.tax, charged, AdjustmentReason.SHIPPING)
        for line, amount, tax in zip(lines, amounts, taxes, strict=True):
            if amount:
                yield from self._of_shipping_line(line, amount, tax)

    def _of_shipping_line(self, line: ShippingLine, amount: Money, tax: Money) -> Iterator[Credit]:
        charged = self._given_back(line.taxes, tax, line.title)
        shares = self._taxes.shares(line, self._taxes.moved(line.net, line.taxes))
        moved = self._taxes.moved(amount, charged)
        parts = moved.split([weight for _, weight in shares])
        for (its_tax, _), part in zip(shares, parts, strict=True):
            if part:
                yield Credit(Component.SHIPPING, line.title, part, its_tax)

    def _untaxed(self, adjustment: Adjustment) -> Credit:
        """An amount beside the goods. Shopify has no tax rate for it."""
        component = (
            Component.SHIPPING if adjustment.reason == AdjustmentReason.SHIPPING else _OF_REASON.get(adjustment.reason)
        )
        if component is None:
            raise self._reason_unknown(adjustment.reason)
        if adjustment.tax:
            raise self._tax_unknown(adjustment.tax, adjustment.reason)
        if component is Component.DISCREPANCY and adjustment.amount.amount > 0 and not self._refund.lines:
            component = Component.GOODWILL
        return Credit(component, component.capitalize(), adjustment.amount, None)

    def _given_back(self, taxes: Sequence[TaxLine], amount: Money, what: str) -> list[TaxLine]:
        """The tax lines with what of each was given back."""
        parts = self._divided(amount, [tax.amount for tax in taxes], what)
        charged = [replace(tax, amount=part) for tax, part in zip(taxes, parts, strict=True)]
        self._charged += charged
        return charged

    def _divided(self, tax: Money, charged: Sequence[Money], what: str) -> list[Money]:
        """In proportion to what was charged."""
        if not tax:
            return [tax] * len(charged)
        if not any(charged):
            raise self._tax_unknown(tax, what)
        return list(tax.split([each.amount for each in charged]))

    def _reason_unknown(self, reason: str) -> RefusedError:
        return RefusedError(
            ErrorCode.REFUND_REASON_UNKNOWN, store=self._order.store, refund=self._refund.id, reason=reason
        )

    def _tax_unknown(self, tax: Money, what: str) -> RefusedError:
        return RefusedError(ErrorCode.REFUND_TAX_UNKNOWN, refund=self._refund.id, tax=tax, what=what)


def _sum(taxes: Iterable[TaxLine], like: Money, *, by_marketplace: bool | None = None) -> Money:
    return total(
        (tax.amount for tax in taxes if by_marketplace is None or tax.channel_liable is by_marketplace), like.currency
    )
