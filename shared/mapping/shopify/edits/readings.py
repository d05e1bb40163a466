"""What is left of an order after edits and refunds, proved by Shopify's own current totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow, line_name, line_rows, tax_rows
from shared.mapping.shopify.edits.figures import Figures
from shared.mapping.shopify.edits.reduction import (
    Counting,
    DifferenceError,
    charges_differ,
    compare,
    left_of_charges,
    left_of_order,
    less_shipping,
    scaled,
    stated_by,
)
from shared.mapping.shopify.edits.returns import NOT_REFUNDED
from shared.mapping.shopify.edits.shares import (
    ONE_BY_ONE,
    SHARES,
    Goods,
    RemovedShare,
    of_all,
    one_by_one,
    part_of,
    taxes_by_rates,
)
from shared.model import (
    Adjustment,
    AdjustmentReason,
    Money,
    Order,
    OrderLine,
    Refund,
    Restock,
    ShippingLine,
    smallest_unit,
    total,
)

type Reading = Callable[[], tuple[Order, tuple[str, ...]]]
"""One way to understand an order's amounts: the order then, and the name of the way. Raises DifferenceError."""


# Whether the current total is less by what a refund gave beyond its goods is not documented.
_COUNTED: Final[Mapping[str, Callable[[Adjustment], bool]]] = {
    "the current total is less by refund adjustments": lambda _: True,
    "the current total does not know refund adjustments": lambda _: False,
    "the current total knows refund adjustments once they are settled": lambda each: (
        each.reason != AdjustmentReason.PENDING
    ),
}

_WITH_FEES: Final[Mapping[str, bool]] = {
    "the current total contains the fees of returns": True,
    "the current total does not contain the fees of returns": False,
}


def reduce(
    order: Order, goods: Mapping[int, Goods], refunds: Sequence[Refund], figures: Figures
) -> tuple[Order, tuple[str, ...]]:
    """The order with what is or was to be delivered, and how its amounts were understood where that was open.

    `order` has the ordered quantities; the refunds' lines are right about what was shipped (CANCEL: not shipped).
    Raises RefusedError STATE_SUM_DIFFERS unless the parts sum to Shopify's current totals exactly. Of a cancelled order
    whose totals do not fit, quantities and restock types decide alone: to stop it may not wait for a proof. Of
    Shopify's sample order nothing is proved: it contradicts itself, and prove() refuses it.
    """
    readings = _Readings(order, refunds, goods, figures)
    is_edited = any(some.removed for some in goods.values())
    first = None if order.is_sample else charges_differ(order, refunds, figures, is_edited=is_edited)
    for reading in () if first else (*readings.uniform(), *readings.by_rates(), *readings.of_one_line()):
        try:
            return reading()
        except DifferenceError as difference:
            first = first or difference
    if order.cancelled_at is not None:
        return _what_is_left(order, refunds, goods), (_NOT_PROVED,)
    problem, proof = (first.problem, first.proof) if first else ("", None)
    proof = proof or _unreduced(order, refunds, figures, problem)
    raise RefusedError(ErrorCode.STATE_SUM_DIFFERS, problem=problem).with_proof(proof.as_dict())


_NOT_PROVED: Final = "the order is cancelled, and what is left of it is not proved: Shopify's totals do not fit it"


class _Readings:
    """The ways in which an order's amounts can be understood, those that Shopify's schema suggests first."""

    def __init__(self, order: Order, refunds: Sequence[Refund], goods: Mapping[int, Goods], figures: Figures) -> None:
        self._order = order
        self._refunds = refunds
        self._goods = goods
        self._figures = figures
        self._edited = [line_id for line_id, some in goods.items() if some.removed]
        one_by_one_too = sum(some.removed for some in goods.values()) <= ONE_BY_ONE
        self._shares = {name: share for name, share in SHARES.items() if one_by_one_too or share is not one_by_one}
        beside = {AdjustmentReason.SHIPPING, AdjustmentReason.DUTIES, AdjustmentReason.FEES}
        self._adjusted = any(each.reason not in beside for refund in refunds for each in refund.adjustments)
        self._has_fees = any(refund.return_fees for refund in refunds)

    def uniform(self) -> Iterator[Reading]:
        """Every line's removed units take the same kind of share."""
        shares = list(self._shares.items()) if self._edited else list(self._shares.items())[:1]
        for (tax_name, tax), (discount_name, discount), counted in product(shares, shares, self._counts()):
            edits = (f"taxes: {tax_name}", f"discounts: {discount_name}") if self._edited else ()
            yield partial(self._read, counted, edits, tax=tax, discount=discount)

    def by_rates(self) -> Iterator[Reading]:
        """An edit had Shopify compute the taxes of what is left anew."""
        for (discount_name, discount), counted in product(self._shares.items() if self._edited else (), self._counts()):
            edits = (_BY_RATES, f"discounts: {discount_name}")
            yield partial(self._read, counted, edits, tax=None, discount=discount)

    def of_one_line(self) -> Iterator[Reading]:
        """The only line that was edited has what Shopify's totals leave for it."""
        for counted in self._counts() if len(self._edited) == 1 else ():
            yield partial(self._read_one_line, counted)

    def _counts(self) -> list[Counting]:
        adjusted = list(_COUNTED.items()) if self._adjusted else list(_COUNTED.items())[:1]
        with_fees = list(_WITH_FEES.items()) if self._has_fees else list(_WITH_FEES.items())[:1]
        return [
            Counting(((name,) if self._adjusted else ()) + ((fees_name,) if self._has_fees else ()), counts, fees)
            for (name, counts), (fees_name, fees) in product(adjusted, with_fees)
        ]

    def _read(
        self,
        counted: Counting,
        edits: tuple[str, ...],
        *,
        tax: RemovedShare | None,
        discount: RemovedShare,
    ) -> tuple[Order, tuple[str, ...]]:
        stated = stated_by(self._figures, self._refunds, counted, taxes_included=self._order.taxes_included)
        reduced = left_of_order(self._order, self._refunds, self._goods, stated, tax=tax, discount=discount)
        if not self._order.is_sample:
            compare(reduced, stated)
        return reduced, (*edits, *counted.names)

    def _read_one_line(self, counted: Counting) -> tuple[Order, tuple[str, ...]]:
        """Accepted only if the rates explain the line's tax then, or Shopify's total of discounts its discount."""
        (line_id,) = self._edited
        stated = stated_by(self._figures, self._refunds, counted, taxes_included=self._order.taxes_included)
        rough = left_of_order(self._order, self._refunds, self._goods, stated, tax=of_all, discount=of_all)
        line = next((each for each in rough.lines if each.id == line_id), None)
        if line is None:
            raise DifferenceError(f"line {line_id} has no unit left, and the rest does not fit Shopify's totals")
        solved = _solved(line, rough, stated)
        whole = next(each for each in self._order.lines if each.id == line_id)
        if not 0 <= solved.discount.amount <= whole.discount.amount:
            raise DifferenceError(f"Shopify's totals leave line {line_id} a discount of {solved.discount}")
        reduced = replace(rough, lines=tuple(solved if each is line else each for each in rough.lines))
        if not (_has_its_rates(solved, self._order) or self._has_stated_discounts(reduced)):
            raise DifferenceError(f"Shopify's totals leave line {line_id} amounts that its tax rates do not explain")
        compare(reduced, stated)
        return reduced, (_OF_ONE_LINE, *counted.names)

    def _has_stated_discounts(self, reduced: Order) -> bool:
        """With refunds the total of discounts is of fewer units than the order's lines."""
        if self._refunds or self._figures.discounts is None:
            return False
        found = (*(line.discount for line in reduced.lines), *(line.discount for line in reduced.shipping))
        return total(found, reduced.currency) == self._figures.discounts


_BY_RATES: Final = "taxes: computed anew, by the rates, for the units that are left"


_OF_ONE_LINE: Final = "the edited line has what Shopify's current totals leave for it"


def _solved(line: OrderLine, order: Order, stated: Figures) -> OrderLine:
    """The line with the discount and the tax that make the order's parts Shopify's totals."""
    charged = total((each.amount for each in line.taxes), order.currency)
    tax = stated.tax - (total((each.amount for each in order.taxes), order.currency) - charged)
    on_top = stated.tax * (0 if order.taxes_included else 1)
    others = order.lines_net - line.net + order.shipping_net + order.duties + order.additional_fees
    net = stated.total - on_top - others
    if tax.amount < 0 or net.amount < 0:
        raise DifferenceError(f"Shopify's totals leave {net} and {tax} of tax for line {line.id}")
    return replace(line, discount=line.unit_price * line.quantity - net, taxes=scaled(line.taxes, charged, tax))


def _has_its_rates(line: OrderLine, order: Order) -> bool:
    """Whether a taxed line has the tax that its rates make of it, within the rounding of each."""
    expected = taxes_by_rates(line.taxes, line.net, included=order.taxes_included)
    unit = smallest_unit(order.currency)
    return bool(line.taxes) and all(
        abs(each.amount - by_rate.amount).amount <= unit for each, by_rate in zip(line.taxes, expected, strict=True)
    )


def _what_is_left(order: Order, refunds: Sequence[Refund], goods: Mapping[int, Goods]) -> Order:
    """By the quantities and the restock types alone; the totals are those of the parts."""
    delivered: Counter[int] = Counter()
    for refund in refunds:
        for back in refund.lines:
            if back.restock is not Restock.CANCEL:
                delivered[back.line_id] += back.quantity
    lines = []
    for line in order.lines:
        units = goods[line.id].left + delivered[line.id] if line.id in goods else line.quantity
        if units:
            lines.append(
                replace(
                    line,
                    quantity=units,
                    discount=part_of(line.discount, units, line.quantity),
                    taxes=tuple(
                        replace(each, amount=part_of(each.amount, units, line.quantity)) for each in line.taxes
                    ),
                )
            )
    early = [each for refund in refunds for each in refund.adjustments if each.on_order]
    duties = _kept(order.duties, early, AdjustmentReason.DUTIES) if lines else order.duties * 0
    fees = _kept(order.additional_fees, early, AdjustmentReason.FEES) if lines else order.additional_fees * 0
    left = replace(
        order,
        lines=tuple(lines),
        shipping=_kept_shipping(order.shipping, early) if lines else (),
        duties=duties,
        additional_fees=fees,
        taxed_duties=left_of_charges(order.taxed_duties, duties, order.duties),
        taxed_fees=left_of_charges(order.taxed_fees, fees, order.additional_fees),
    )
    tax = total((each.amount for each in left.taxes), order.currency)
    parts = left.lines_net + left.shipping_net + left.duties + left.additional_fees
    return replace(left, total=parts if order.taxes_included else parts + tax, total_tax=tax)


def _kept(charge: Money, early: Sequence[Adjustment], reason: AdjustmentReason) -> Money:
    back = total((each.amount for each in early if each.reason == reason), charge.currency)
    return max(charge - back, charge * 0)


def _kept_shipping(shipping: tuple[ShippingLine, ...], early: Sequence[Adjustment]) -> tuple[ShippingLine, ...]:
    """Nothing where more was given back than was charged."""
    back = [each for each in early if each.reason == AdjustmentReason.SHIPPING]
    try:
        return less_shipping(shipping, back) if back else shipping
    except DifferenceError:
        return ()


def _unreduced(order: Order, refunds: Sequence[Refund], figures: Figures, problem: str) -> Proof:
    """The order as it was placed and what was given back of it, where the two cannot be set off."""
    names = {line.id: line for line in order.lines}
    given_back = [
        ProofRow(
            (f"refund {refund.id}, {back.restock}: " if refund.id != NOT_REFUNDED else "returned, not refunded: ")
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
    fees = [ProofRow(fee.reason or "a fee of a return", fee.amount) for refund in refunds for fee in refund.return_fees]
    return Proof(
        subject=f"{order.name}, after edits and refunds",
        lines=(*line_rows(order), *given_back, *adjustments, *fees),
        components=(),
        taxes=tuple(tax_rows(order)),
        totals=(ProofRow("total as it was placed", order.total), ProofRow("total now", figures.total)),
        notes=(problem,),
    )
