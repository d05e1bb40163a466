"""What is left of an order after edits and refunds, proved by Shopify's own current totals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow, line_name, line_rows, present, summed, tax_rows
from shared.mapping.shopify.fields import Amounts, Block
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
    TaxLine,
    total,
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What became of one line's units: ordered = removed by edits + refunded + left."""

    ordered: int
    removed: int
    left: int


type RemovedShare = Callable[[Money, Goods, Money], Money]
"""(amount of all ordered units, goods, what refunds took of the amount) -> what went with the removed units."""


def _of_the_rest(amount: Money, goods: Goods, refunded: Money) -> Money:
    return _part(amount - refunded, goods.removed, goods.removed + goods.left) if goods.removed else amount * 0


def _of_all(amount: Money, goods: Goods, _refunded: Money) -> Money:
    return _part(amount, goods.removed, goods.ordered)


def _one_by_one(amount: Money, goods: Goods, refunded: Money) -> Money:
    rest = amount - refunded
    for units in range(goods.removed + goods.left, goods.left, -1):
        rest -= _part(rest, 1, units)
    return amount - refunded - rest


def _nothing(amount: Money, _goods: Goods, _refunded: Money) -> Money:
    return amount * 0


def _part(amount: Money, units: int, of: int) -> Money:
    return Money(amount.amount * units / of, amount.currency).rounded()


# Shopify's schema says that a line's discounts and taxes include those of units that edits removed. It does not say how
# the share of the removed units is rounded, nor what an edit that computes the taxes anew leaves of them. So there are
# several ways to understand them, and Shopify's current totals decide between them.
_SHARES: Final[Mapping[str, RemovedShare]] = {
    "removed units take their share of what refunds left": _of_the_rest,
    "removed units take their share of all": _of_all,
    "removed units take their share one by one": _one_by_one,
    "removed units are left out of the line's amount": _nothing,
}

# Whether the current total is less by what a refund gave beyond its goods is not documented.
_COUNTED: Final[Mapping[str, Callable[[Adjustment], bool]]] = {
    "the current total is less by refund adjustments": lambda _: True,
    "the current total does not know refund adjustments": lambda _: False,
    "the current total knows refund adjustments once they are settled": lambda each: (
        each.reason != AdjustmentReason.PENDING
    ),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """An order's totals as Shopify gives them."""

    total: Money
    tax: Money
    shipping: Money | None
    """After discounts; None where the API version lacks it."""
    duties: Money
    fees: Money


class _DifferenceError(Exception):
    """The amounts, understood in one way, do not fit."""

    def __init__(self, problem: str, proof: Proof | None = None) -> None:
        self.problem = problem
        self.proof = proof
        super().__init__(problem)


def read_figures(payload: Block, amounts: Amounts, *, duties_included: bool) -> Figures:
    """The totals after edits and refunds; where the API version lacks one, that of before.

    Raises RefusedError NOT_AN_ORDER, NEGATIVE_AMOUNT.
    """

    def latest(name: str, before: str = "") -> str:
        return f"current_{name}" if f"current_{name}" in payload else f"{before}{name}"

    duties = latest("total_duties_set", "original_")
    has_shipping = payload.get("current_shipping_price_set") is not None
    return Figures(
        total=amounts.required(payload, latest("total_price"), "", signed=True),  # goodwill may exceed what is left
        tax=amounts.required(payload, latest("total_tax"), ""),
        shipping=amounts.optional(payload, "current_shipping_price_set", "") if has_shipping else None,
        duties=amounts.zero if duties_included else amounts.optional(payload, duties, ""),
        fees=amounts.optional(payload, latest("total_additional_fees_set", "original_"), ""),
    )


def figures_of(order: Order, like: Figures) -> Figures:
    """The order's own totals; no shipping where the other figures have none."""
    return Figures(
        total=order.total,
        tax=order.total_tax,
        shipping=None if like.shipping is None else order.shipping_net,
        duties=order.duties,
        fees=order.additional_fees,
    )


def reduce(
    order: Order, refunds: Sequence[Refund], goods: Mapping[int, Goods], figures: Figures
) -> tuple[Order, tuple[str, ...]]:
    """The order with what is or was to be delivered, and how its amounts were understood where that was open.

    `order` has the ordered quantities; the refunds' lines are right about what was shipped (CANCEL: not shipped).
    Raises RefusedError STATE_SUM_DIFFERS unless the parts sum to Shopify's current totals exactly. Of Shopify's sample
    order nothing is proved: it contradicts itself, and prove() refuses it.
    """
    removes = any(some.removed for some in goods.values())
    shares = list(_SHARES.items()) if removes else list(_SHARES.items())[:1]
    adjusted = any(each.reason != AdjustmentReason.SHIPPING for refund in refunds for each in refund.adjustments)
    counts = list(_COUNTED.items()) if adjusted else list(_COUNTED.items())[:1]
    first: _DifferenceError | None = None
    for (tax_name, tax), (discount_name, discount), (count_name, counted) in product(shares, shares, counts):
        stated = _stated(figures, refunds, counted, taxes_included=order.taxes_included)
        try:
            reduced = _reduced(order, refunds, goods, stated, tax=tax, discount=discount)
            if not order.is_sample:
                _compare(reduced, stated)
        except _DifferenceError as difference:
            first = first or difference
            continue
        edits = (f"taxes: {tax_name}", f"discounts: {discount_name}") if removes else ()
        return reduced, (*edits, *((count_name,) if adjusted else ()))
    problem, proof = (first.problem, first.proof) if first else ("", None)
    proof = proof or _unreduced(order, refunds, figures, problem)
    raise RefusedError(ErrorCode.STATE_SUM_DIFFERS, problem=problem).with_proof(proof.as_dict())


def _stated(
    figures: Figures, refunds: Sequence[Refund], counted: Callable[[Adjustment], bool], *, taxes_included: bool
) -> Figures:
    """Shopify's current figures, with what was given back after delivery put back: what the order's parts must be."""
    on_top = 0 if taxes_included else 1
    goods = [line for refund in refunds for line in refund.lines if line.restock is not Restock.CANCEL]
    adjustments = [each for refund in refunds for each in refund.adjustments if not each.on_order]
    shipping = [each for each in adjustments if each.reason == AdjustmentReason.SHIPPING]
    others = [each for each in adjustments if each.reason != AdjustmentReason.SHIPPING and counted(each)]
    zero = figures.total * 0
    duties = sum((refund.duties for refund in refunds), zero)
    goods_tax = sum((line.tax for line in goods), zero)
    shipping_tax, shipping_net = (
        sum((each.tax for each in shipping), zero),
        sum((each.amount for each in shipping), zero),
    )
    return Figures(
        total=sum((line.subtotal for line in goods), figures.total)
        + shipping_net
        + (goods_tax + shipping_tax) * on_top
        + duties
        + sum((each.amount + each.tax * on_top for each in others), zero),
        tax=figures.tax + goods_tax + shipping_tax,
        shipping=None if figures.shipping is None else figures.shipping + shipping_net,
        duties=figures.duties + duties,
        fees=figures.fees,
    )


def _reduced(
    order: Order,
    refunds: Sequence[Refund],
    goods: Mapping[int, Goods],
    stated: Figures,
    *,
    tax: RemovedShare,
    discount: RemovedShare,
) -> Order:
    refunded: dict[int, list[RefundLine]] = {}
    for refund in refunds:
        for back in refund.lines:
            refunded.setdefault(back.line_id, []).append(back)
    lines = tuple(
        _left(line, goods[line.id], refunded.get(line.id, []), tax=tax, discount=discount)
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
        shipping=_less(order.shipping, early) if early else order.shipping,
        duties=stated.duties,
        additional_fees=stated.fees,
        total=stated.total,
        total_tax=stated.tax,
    )


def _compare(order: Order, stated: Figures) -> None:
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
            raise _DifferenceError(
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


def _unreduced(order: Order, refunds: Sequence[Refund], figures: Figures, problem: str) -> Proof:
    """The order as it was placed and what was given back of it, where the two cannot be set off."""
    names = {line.id: line for line in order.lines}
    given_back = [
        ProofRow(
            f"refund {refund.id}, {back.restock}: "
            + (line_name(names[back.line_id], back.quantity) if back.line_id in names else f"line {back.line_id}"),
            -back.subtotal,
        )
        for refund in refunds
        for back in refund.lines
    ]
    adjustments = [
        ProofRow(f"refund {refund.id}, {each.reason}", -each.amount)
        for refund in refunds
        for each in refund.adjustments
    ]
    return Proof(
        subject=f"{order.name}, after edits and refunds",
        lines=(*line_rows(order), *given_back, *adjustments),
        components=(),
        taxes=tuple(tax_rows(order)),
        totals=(ProofRow("total as it was placed", order.total), ProofRow("total now", figures.total)),
        notes=(problem,),
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
        raise _DifferenceError(f"of line {line.id} ({line.title}) more was given back than it cost")
    if not units and (discount_left or tax_left):
        raise _DifferenceError(
            f"line {line.id} ({line.title}) has no unit left, but a discount of {discount_left} and a tax of {tax_left}"
        )
    return replace(line, quantity=units, discount=discount_left, taxes=_scaled(line.taxes, taxes, tax_left))


def _taxes(refunded: Iterable[RefundLine], like: Money) -> Money:
    return sum((back.tax for back in refunded), like * 0)


def _discounts(line: OrderLine, refunded: Iterable[RefundLine]) -> Money:
    """What the refunded units had been discounted by."""
    return sum((line.unit_price * back.quantity - back.subtotal for back in refunded), line.discount * 0)


def _scaled(taxes: tuple[TaxLine, ...], before: Money, after: Money) -> tuple[TaxLine, ...]:
    """The tax lines, in proportion, with another sum."""
    if before == after:
        return taxes
    if not before:
        raise _DifferenceError(f"{-after} of tax was given back where none was charged")
    shares = after.split([each.amount.amount for each in taxes])
    return tuple(replace(each, amount=share) for each, share in zip(taxes, shares, strict=True))


def _less(shipping: tuple[ShippingLine, ...], given_back: Sequence[Adjustment]) -> tuple[ShippingLine, ...]:
    """The shipping lines, the first ones less by what was given back before anything was shipped."""
    zero = given_back[0].amount * 0
    amount, tax = sum((each.amount for each in given_back), zero), sum((each.tax for each in given_back), zero)
    left = []
    for line in shipping:
        charged = sum((each.amount for each in line.taxes), zero)
        price_back, tax_back = min(amount, line.net), min(tax, charged)
        taxes = _scaled(line.taxes, charged, charged - tax_back)
        left.append(replace(line, price=line.price - price_back, taxes=taxes))
        amount, tax = amount - price_back, tax - tax_back
    if amount or tax:
        raise _DifferenceError(f"{amount} of shipping and {tax} of its tax were given back beyond what was charged")
    return tuple(left)
