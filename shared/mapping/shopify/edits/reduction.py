"""What is left of an order after edits and refunds, proved by Shopify's own current totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import product
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow, line_name, line_rows, present, summed, tax_rows
from shared.mapping.shopify.edits.figures import Figures
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
    smallest_unit,
    total,
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What became of one line's units: ordered = removed by edits + refunded + left."""

    ordered: int
    removed: int
    left: int


type Reading = Callable[[], tuple[Order, tuple[str, ...]]]
"""One way to understand an order's amounts: the order then, and the name of the way. Raises _DifferenceError."""

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


class _DifferenceError(Exception):
    """The amounts, understood in one way, do not fit."""

    def __init__(self, problem: str, proof: Proof | None = None) -> None:
        self.problem = problem
        self.proof = proof
        super().__init__(problem)


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
    first: _DifferenceError | None = None
    for reading in (*readings.uniform(), *readings.by_rates(), *readings.of_one_line()):
        try:
            return reading()
        except _DifferenceError as difference:
            first = first or difference
    if order.cancelled_at is not None:
        return _what_is_left(order, refunds, goods, figures), (_NOT_PROVED,)
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
        beside = {AdjustmentReason.SHIPPING, AdjustmentReason.DUTIES, AdjustmentReason.FEES}
        self._adjusted = any(each.reason not in beside for refund in refunds for each in refund.adjustments)

    def uniform(self) -> Iterator[Reading]:
        """Every line's removed units take the same kind of share."""
        shares = list(_SHARES.items()) if self._edited else list(_SHARES.items())[:1]
        for (tax_name, tax), (discount_name, discount), counted in product(shares, shares, self._counts()):
            edits = (f"taxes: {tax_name}", f"discounts: {discount_name}") if self._edited else ()
            yield partial(self._read, counted, edits, tax=tax, discount=discount)

    def by_rates(self) -> Iterator[Reading]:
        """An edit had Shopify compute the taxes of what is left anew."""
        for (discount_name, discount), counted in product(_SHARES.items() if self._edited else (), self._counts()):
            edits = (_BY_RATES, f"discounts: {discount_name}")
            yield partial(self._read, counted, edits, tax=None, discount=discount)

    def of_one_line(self) -> Iterator[Reading]:
        """The only line that was edited has what Shopify's totals leave for it."""
        for counted in self._counts() if len(self._edited) == 1 else ():
            yield partial(self._read_one_line, counted)

    def _counts(self) -> list[tuple[str, Callable[[Adjustment], bool]]]:
        return list(_COUNTED.items()) if self._adjusted else list(_COUNTED.items())[:1]

    def _read(
        self,
        counted: tuple[str, Callable[[Adjustment], bool]],
        edits: tuple[str, ...],
        *,
        tax: RemovedShare | None,
        discount: RemovedShare,
    ) -> tuple[Order, tuple[str, ...]]:
        count_name, counts = counted
        stated = _stated(self._figures, self._refunds, counts, taxes_included=self._order.taxes_included)
        reduced = _reduced(self._order, self._refunds, self._goods, stated, tax=tax, discount=discount)
        if not self._order.is_sample:
            _compare(reduced, stated)
        return reduced, (*edits, *((count_name,) if self._adjusted else ()))

    def _read_one_line(self, counted: tuple[str, Callable[[Adjustment], bool]]) -> tuple[Order, tuple[str, ...]]:
        """Accepted only if the rates explain the line's tax then, or Shopify's total of discounts its discount."""
        count_name, counts = counted
        (line_id,) = self._edited
        stated = _stated(self._figures, self._refunds, counts, taxes_included=self._order.taxes_included)
        rough = _reduced(self._order, self._refunds, self._goods, stated, tax=_of_all, discount=_of_all)
        line = next((each for each in rough.lines if each.id == line_id), None)
        if line is None:
            raise _DifferenceError(f"line {line_id} has no unit left, and the rest does not fit Shopify's totals")
        solved = _solved(line, rough, stated)
        whole = next(each for each in self._order.lines if each.id == line_id)
        if not 0 <= solved.discount.amount <= whole.discount.amount:
            raise _DifferenceError(f"Shopify's totals leave line {line_id} a discount of {solved.discount}")
        reduced = replace(rough, lines=tuple(solved if each is line else each for each in rough.lines))
        if not (_has_its_rates(solved, self._order) or self._has_stated_discounts(reduced)):
            raise _DifferenceError(f"Shopify's totals leave line {line_id} amounts that its tax rates do not explain")
        _compare(reduced, stated)
        return reduced, (_OF_ONE_LINE, *((count_name,) if self._adjusted else ()))

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
        raise _DifferenceError(f"Shopify's totals leave {net} and {tax} of tax for line {line.id}")
    return replace(line, discount=line.unit_price * line.quantity - net, taxes=scaled(line.taxes, charged, tax))


def _by_rates(taxes: Sequence[TaxLine], net: Money, *, included: bool) -> tuple[TaxLine, ...]:
    """The tax lines as Shopify computes them for this amount."""
    divisor = 1 + sum((each.rate for each in taxes), Decimal(0)) if included else Decimal(1)
    return tuple(
        replace(each, amount=Money(net.amount * each.rate / divisor, net.currency).rounded()) for each in taxes
    )


def _has_its_rates(line: OrderLine, order: Order) -> bool:
    """Whether a taxed line has the tax that its rates make of it, within the rounding of each."""
    expected = _by_rates(line.taxes, line.net, included=order.taxes_included)
    unit = smallest_unit(order.currency)
    return bool(line.taxes) and all(
        abs(each.amount - by_rate.amount).amount <= unit for each, by_rate in zip(line.taxes, expected, strict=True)
    )


def _what_is_left(order: Order, refunds: Sequence[Refund], goods: Mapping[int, Goods], figures: Figures) -> Order:
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
                    discount=_part(line.discount, units, line.quantity),
                    taxes=tuple(replace(each, amount=_part(each.amount, units, line.quantity)) for each in line.taxes),
                )
            )
    nothing = figures.total * 0
    left = replace(
        order,
        lines=tuple(lines),
        shipping=order.shipping if lines else (),
        duties=figures.duties if lines else nothing,
        additional_fees=figures.fees if lines else nothing,
        taxed_duties=_left_of(order.taxed_duties, figures.duties, order.duties) if lines else (),
        taxed_fees=_left_of(order.taxed_fees, figures.fees, order.additional_fees) if lines else (),
    )
    tax = total((each.amount for each in left.taxes), order.currency)
    parts = left.lines_net + left.shipping_net + left.duties + left.additional_fees
    return replace(left, total=parts if order.taxes_included else parts + tax, total_tax=tax)


def _left_of(charges: tuple[TaxedCharge, ...], now: Money, placed: Money) -> tuple[TaxedCharge, ...]:
    return tuple(charge.scaled(now, placed) for charge in charges) if now else ()


def _stated(
    figures: Figures, refunds: Sequence[Refund], counted: Callable[[Adjustment], bool], *, taxes_included: bool
) -> Figures:
    """Shopify's current figures, with what was given back after delivery put back: what the order's parts must be."""
    on_top = 0 if taxes_included else 1
    goods = [line for refund in refunds for line in refund.lines if line.restock is not Restock.CANCEL]
    adjustments = [each for refund in refunds for each in refund.adjustments if not each.on_order]
    zero = figures.total * 0

    def given_back(reason: AdjustmentReason) -> Money:
        return sum((each.amount for each in adjustments if each.reason == reason), zero)

    def is_counted(each: Adjustment) -> bool:
        return each.reason in _CHARGES or counted(each)

    duties = sum((refund.duties for refund in refunds), zero)
    goods_tax = sum((line.tax for line in goods), zero)
    charges_tax = sum((each.tax for each in adjustments if each.reason in _CHARGES), zero)
    return Figures(
        total=sum((line.subtotal for line in goods), figures.total)
        + goods_tax * on_top
        + duties
        + sum((each.amount + each.tax * on_top for each in adjustments if is_counted(each)), zero),
        tax=figures.tax + goods_tax + charges_tax,
        shipping=None if figures.shipping is None else figures.shipping + given_back(AdjustmentReason.SHIPPING),
        duties=figures.duties + duties + given_back(AdjustmentReason.DUTIES),
        fees=figures.fees + given_back(AdjustmentReason.FEES),
    )


_CHARGES: Final = (AdjustmentReason.SHIPPING, AdjustmentReason.DUTIES, AdjustmentReason.FEES)
"""What the current totals are less by, whatever they know of other adjustments."""


def _reduced(
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
        shipping=_less(order.shipping, early) if early else order.shipping,
        duties=stated.duties,
        additional_fees=stated.fees,
        taxed_duties=_left_of(order.taxed_duties, stated.duties, order.duties),
        taxed_fees=_left_of(order.taxed_fees, stated.fees, order.additional_fees),
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
        taxes = _by_rates(line.taxes, line.unit_price * goods.left - left, included=included)
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
        taxes = scaled(line.taxes, charged, charged - tax_back)
        left.append(replace(line, price=line.price - price_back, taxes=taxes))
        amount, tax = amount - price_back, tax - tax_back
    if amount or tax:
        raise _DifferenceError(f"{amount} of shipping and {tax} of its tax were given back beyond what was charged")
    return tuple(left)
