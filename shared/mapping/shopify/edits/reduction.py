"""An order less what edits removed and refunds gave back, understood in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from shared.mapping.evidence import Proof, ProofRow, line_rows, present, summed, tax_rows
from shared.mapping.shopify.edits.figures import Figures
from shared.mapping.shopify.edits.shares import Goods, RemovedShare, taxes_by_rates
from shared.model import (
    Adjustment,
    AdjustmentReason,
    Component,
    Money,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    Restock,
    ShippingLine,
    TaxedCharge,
    TaxLine,
    total,
)


class DifferenceError(Exception):
    """The amounts, understood in one way, do not fit."""

    def __init__(self, problem: str, proof: Proof | None = None) -> None:
        self.problem = problem
        self.proof = proof
        super().__init__(problem)


def left_of_charges(charges: tuple[TaxedCharge, ...], now: Money, placed: Money) -> tuple[TaxedCharge, ...]:
    return tuple(charge.scaled(now, placed) for charge in charges) if now and placed else ()


class Counting(NamedTuple):
    """What of the refunds the current total contains beyond their goods and charges."""

    names: tuple[str, ...]
    adjustments: Callable[[Adjustment], bool]
    return_fees: bool


def stated_by(figures: Figures, refunds: Sequence[Refund], counted: Counting, *, taxes_included: bool) -> Figures:
    """Shopify's current figures, with what was given back after delivery put back, and without fees of returns: what
    the order's parts must be.
    """
    on_top = 0 if taxes_included else 1
    fees = [fee for refund in refunds for fee in refund.return_fees] if counted.return_fees else []
    goods = [line for refund in refunds for line in refund.lines if line.restock is not Restock.CANCEL]
    adjustments = [each for refund in refunds for each in refund.adjustments if not each.on_order]
    zero = figures.total * 0

    def given_back(reason: AdjustmentReason) -> Money:
        return sum((each.amount for each in adjustments if each.reason == reason), zero)

    def is_counted(each: Adjustment) -> bool:
        return each.reason in _CHARGES or counted.adjustments(each)

    duties = sum((refund.duties for refund in refunds), zero)
    goods_tax = sum((line.tax for line in goods), zero)
    charges_tax = sum((each.tax for each in adjustments if each.reason in _CHARGES), zero)
    return Figures(
        total=sum((line.subtotal for line in goods), figures.total)
        + goods_tax * on_top
        + duties
        + sum((each.amount + each.tax * on_top for each in adjustments if is_counted(each)), zero)
        - sum((fee.amount + fee.tax * on_top for fee in fees), zero),
        tax=figures.tax + goods_tax + charges_tax - sum((fee.tax for fee in fees), zero),
        shipping=None if figures.shipping is None else figures.shipping + given_back(AdjustmentReason.SHIPPING),
        duties=figures.duties + duties + given_back(AdjustmentReason.DUTIES),
        fees=figures.fees + given_back(AdjustmentReason.FEES),
    )


_CHARGES: Final = (AdjustmentReason.SHIPPING, AdjustmentReason.DUTIES, AdjustmentReason.FEES)
"""What the current totals are less by, whatever they know of other adjustments."""


def left_of_order(
    order: Order,
    refunds: Sequence[Refund],
    goods: Mapping[int, Goods],
    stated: Figures,
    *,
    tax: RemovedShare | None,
    discount: RemovedShare,
) -> Order:
    """`tax` is None where the rates decide."""
    refunded: dict[int, list[RefundLine]] = {}
    for refund in refunds:
        for back in refund.lines:
            refunded.setdefault(back.line_id, []).append(back)
    lines = tuple(
        _left(
            line,
            goods[line.id],
            refunded.get(line.id, []),
            tax=tax or _taxed_anew(line, refunded.get(line.id, []), discount, included=order.taxes_included),
            discount=discount,
        )
        if line.id in goods  # a tip beside the lines is not a line of Shopify's
        else line
        for line in order.lines
    )
    early = [
        each
        for refund in refunds
        for each in refund.adjustments
        if each.on_order and each.reason == AdjustmentReason.SHIPPING
    ]
    return replace(
        order,
        lines=tuple(line for line in lines if line.quantity),
        shipping=less_shipping(order.shipping, early) if early else order.shipping,
        duties=stated.duties,
        additional_fees=stated.fees,
        taxed_duties=left_of_charges(order.taxed_duties, stated.duties, order.duties),
        taxed_fees=left_of_charges(order.taxed_fees, stated.fees, order.additional_fees),
        total=stated.total,
        total_tax=stated.tax,
    )


def charges_differ(
    order: Order, refunds: Sequence[Refund], figures: Figures, *, is_edited: bool
) -> DifferenceError | None:
    """Where duties and fees that were given back do not lead from what was charged to what Shopify says is left.

    An edit that removed units may have taken their duties with it. Of fees, which no line has, it may have changed
    those of which nothing was given back.
    """
    for name, charged, left, reason in (
        (Component.DUTIES, order.duties, figures.duties, AdjustmentReason.DUTIES),
        (Component.FEES, order.additional_fees, figures.fees, AdjustmentReason.FEES),
    ):
        given_back = total(
            (each.amount for refund in refunds for each in refund.adjustments if each.reason == reason), order.currency
        )
        if name is Component.DUTIES:
            given_back = sum((refund.duties for refund in refunds), given_back)
        expected = charged - given_back
        less_by_edit = is_edited and (name is Component.DUTIES or not given_back)
        if (given_back and left > expected) or (refunds and left < expected and not less_by_edit):
            return DifferenceError(
                f"{name} of {charged} were charged and {given_back} given back, but Shopify has {left} left"
            )
    return None


def compare(order: Order, stated: Figures) -> None:
    tax = total((line.amount for line in order.taxes), order.currency)
    on_top = tax * 0 if order.taxes_included else tax
    parts = order.lines_net + order.shipping_net + on_top + order.duties + order.additional_fees
    compared = [
        (name, total_of_parts, amount)
        for name, total_of_parts, amount in (
            ("total tax", tax, stated.tax),
            ("shipping", order.shipping_net, stated.shipping),
            ("total", parts, stated.total),
        )
        if amount is not None
    ]
    for name, total_of_parts, amount in compared:
        if total_of_parts != amount:
            problem = f"{name} is {total_of_parts} by its parts, {amount} by Shopify's current totals and refunds"
            raise DifferenceError(
                problem,
                Proof(
                    subject=f"{order.name}, after edits and refunds",
                    lines=tuple(line_rows(order)),
                    components=_components(order, on_top),
                    taxes=tuple(tax_rows(order)),
                    totals=tuple(row for name, parts, amount in compared for row in summed(name, amount, parts)),
                    notes=("Shopify's totals are its current ones, with what was given back after delivery put back",),
                ),
            )


def _components(order: Order, tax_on_top: Money) -> tuple[ProofRow, ...]:
    return present(
        (
            ProofRow("lines", order.lines_net),
            ProofRow(Component.SHIPPING.value, order.shipping_net),
            ProofRow(Component.TAX.value, tax_on_top),
            ProofRow(Component.DUTIES.value, order.duties),
            ProofRow(Component.FEES.value, order.additional_fees),
        )
    )


def _left(
    line: OrderLine, goods: Goods, refunded: list[RefundLine], *, tax: RemovedShare, discount: RemovedShare
) -> OrderLine:
    """The line without the units that were removed or given back before they were shipped."""
    gone = [back for back in refunded if back.restock is Restock.CANCEL]
    units = goods.left + sum(back.quantity for back in refunded) - sum(back.quantity for back in gone)
    if units == line.quantity:
        return line
    taxes = total((each.amount for each in line.taxes), line.discount.currency)
    tax_left = taxes - tax(taxes, goods, _taxes(refunded, taxes)) - _taxes(gone, taxes)
    removed = discount(line.discount, goods, _discounts(line, refunded))
    discount_left = line.discount - removed - _discounts(line, gone)
    if min(discount_left.amount, tax_left.amount, (line.unit_price * units - discount_left).amount) < 0:
        raise DifferenceError(f"of line {line.id} ({line.title}) more was given back than it cost")
    if not units and (discount_left or tax_left):
        raise DifferenceError(
            f"line {line.id} ({line.title}) has no unit left, but a discount of {discount_left} and a tax of {tax_left}"
        )
    return replace(line, quantity=units, discount=discount_left, taxes=scaled(line.taxes, taxes, tax_left))


def _taxed_anew(
    line: OrderLine, refunded: Sequence[RefundLine], discount: RemovedShare, *, included: bool
) -> RemovedShare:
    """What is not left of the taxes, where those of the units that are left were computed anew."""

    def share(amount: Money, goods: Goods, refunded_tax: Money) -> Money:
        if not goods.removed:
            return amount * 0
        discounts = _discounts(line, refunded)
        left = line.discount - discount(line.discount, goods, discounts) - discounts
        taxes = taxes_by_rates(line.taxes, line.unit_price * goods.left - left, included=included)
        return amount - refunded_tax - sum((tax.amount for tax in taxes), amount * 0)

    return share


def _taxes(refunded: Iterable[RefundLine], like: Money) -> Money:
    return sum((back.tax for back in refunded), like * 0)


def _discounts(line: OrderLine, refunded: Iterable[RefundLine]) -> Money:
    """What the refunded units had been discounted by."""
    return sum((line.unit_price * back.quantity - back.subtotal for back in refunded), line.discount * 0)


def scaled(taxes: tuple[TaxLine, ...], before: Money, after: Money) -> tuple[TaxLine, ...]:
    """The tax lines, in proportion, with another sum."""
    if before == after:
        return taxes
    if not before:
        raise DifferenceError(f"{-after} of tax was given back where none was charged")
    shares = after.split([each.amount.amount for each in taxes])
    return tuple(replace(each, amount=share) for each, share in zip(taxes, shares, strict=True))


def less_shipping(shipping: tuple[ShippingLine, ...], given_back: Sequence[Adjustment]) -> tuple[ShippingLine, ...]:
    """The shipping lines, the first ones less by what was given back before anything was shipped."""
    zero = given_back[0].amount * 0
    amount, tax = sum((each.amount for each in given_back), zero), sum((each.tax for each in given_back), zero)
    left = []
    for line in shipping:
        charged = sum((each.amount for each in line.taxes), zero)
        price_back, tax_back = min(amount, line.net), min(tax, charged)
        taxes = scaled(line.taxes, charged, charged - tax_back)
        left.append(replace(line, price=line.price - price_back, taxes=taxes))
        amount, tax = amount - price_back, tax - tax_back
    if amount or tax:
        raise DifferenceError(f"{amount} of shipping and {tax} of its tax were given back beyond what was charged")
    return tuple(left)
