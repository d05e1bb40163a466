"""Duties and additional fees that refunds gave back, with their taxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from shared.mapping.shopify.edits.figures import Figures, read_figures
from shared.mapping.shopify.fields import Amounts, Block, blocks, flag, optional_flag
from shared.mapping.shopify.taxes import read_taxed_duties, read_taxed_fees, tax_of
from shared.mapping.shopify.terms import Terms
from shared.model import Adjustment, AdjustmentReason, Money, Order, Refund, TransactionKind, total


class _Charge(NamedTuple):
    """All duties, or all additional fees, as the order was placed and now."""

    placed: Money
    tax: Money
    """Of what was placed."""
    now: Money

    def tax_on(self, given_back: Money) -> Money:
        """The tax that goes back with a part of the charge."""
        if not self.tax or not self.placed:
            return self.tax * 0
        return Money(self.tax.amount * given_back.amount / self.placed.amount, self.tax.currency).rounded()


class _Side(NamedTuple):
    duties: _Charge
    fees: _Charge


@dataclass(frozen=True, slots=True)
class Charges:
    """On the side that is booked, and on the side that the buyer sees."""

    booked: _Side
    presented: _Side


def charges_of(payload: Block, order: Order, terms: Terms, figures: Figures) -> Charges:
    """Raises RefusedError NOT_AN_ORDER, NEGATIVE_AMOUNT."""
    booked = _Side(
        _Charge(order.duties, tax_of(order.taxed_duties, order.currency), figures.duties),
        _Charge(order.additional_fees, tax_of(order.taxed_fees, order.currency), figures.fees),
    )
    return Charges(booked, _read_side(payload, terms.presented) if terms.two_currencies else booked)


def _read_side(payload: Block, amounts: Amounts) -> _Side:
    included = optional_flag(payload, "duties_included", "")
    figures = read_figures(payload, amounts, duties_included=included)
    duties = amounts.zero if included else amounts.optional(payload, "original_total_duties_set", "")
    taxes = flag(payload, "taxes_included", "")
    duties_taxed = () if included else read_taxed_duties(blocks(payload, "line_items", ""), amounts, included=taxes)
    fees = amounts.optional(payload, "original_total_additional_fees_set", "")
    return _Side(
        _Charge(duties, tax_of(duties_taxed, amounts.currency), figures.duties),
        _Charge(fees, tax_of(read_taxed_fees(payload, amounts, included=taxes), amounts.currency), figures.fees),
    )


def give_back_charges(
    refunds: Sequence[Refund], charges: Charges, terms: Terms
) -> tuple[list[Refund], tuple[str, ...]]:
    """The refunds with the taxes of the duties and fees that they give back, and with fees that only the order shows;
    and how those were found.

    GraphQL shows on no refund that a fee was given back: the order's fees are lower. It was the refund whose money is
    more than the worth of its other parts by just that.
    """
    found = [_with_taxes(refund, charges, terms) for refund in refunds]
    fees, seen = charges.booked.fees, charges.presented.fees
    given_back = fees.placed - fees.now - total((_fee_of(refund) for refund in found), fees.placed.currency)
    if given_back.amount <= 0:
        return found, ()
    in_presentment = seen.placed - seen.now if terms.two_currencies else given_back
    wanted = in_presentment + (seen.tax_on(in_presentment) * (0 if terms.taxes_included else 1))
    short = [at for at, refund in enumerate(found) if _short_of_money(refund, terms) == wanted]
    if len(short) != 1:
        return found, ()
    (at,) = short
    fee = Adjustment(AdjustmentReason.FEES, given_back, fees.tax_on(given_back))
    refund = found[at]
    found[at] = replace(
        refund,
        adjustments=(*refund.adjustments, fee),
        presented=None if refund.presented is None else refund.presented + wanted,
    )
    return found, (f"refund {refund.id} gave back {given_back} of the fees: its money is more by that",)


def _with_taxes(refund: Refund, charges: Charges, terms: Terms) -> Refund:
    booked, seen = charges.booked, charges.presented
    duties_tax = booked.duties.tax_on(refund.duties)
    adjustments = [
        replace(each, tax=booked.fees.tax_on(each.amount)) if each.reason == AdjustmentReason.FEES else each
        for each in refund.adjustments
    ]
    presented = refund.presented
    if presented is not None and not terms.taxes_included:
        presented += seen.duties.tax_on(_seen(refund.duties, booked.duties, seen.duties))
        presented += seen.fees.tax_on(_seen(_fee_of(refund), booked.fees, seen.fees))
    if not duties_tax:
        return replace(refund, adjustments=tuple(adjustments), presented=presented)
    adjustments.append(Adjustment(AdjustmentReason.DUTIES, refund.duties, duties_tax))
    return replace(refund, adjustments=tuple(adjustments), duties=refund.duties * 0, presented=presented)


def _seen(given_back: Money, booked: _Charge, seen: _Charge) -> Money:
    """The part of the charge that was given back, as the buyer sees it."""
    if not booked.placed:
        return seen.placed * 0
    return Money(seen.placed.amount * given_back.amount / booked.placed.amount, seen.placed.currency).rounded()


def _fee_of(refund: Refund) -> Money:
    fees = (each.amount for each in refund.adjustments if each.reason == AdjustmentReason.FEES)
    return total(fees, refund.duties.currency)


def _short_of_money(refund: Refund, terms: Terms) -> Money | None:
    """What the refund's money is more than its parts, as the buyer sees it; None without money."""
    given = [each for each in refund.transactions if each.kind is TransactionKind.REFUND and each.counts]
    worth = refund.worth(taxes_included=terms.taxes_included) if refund.presented is None else refund.presented
    paid = [each.paid for each in given] if refund.presented is not None else [each.amount for each in given]
    if not paid or any(each.currency != worth.currency for each in paid):
        return None
    return total(paid, worth.currency) - worth
