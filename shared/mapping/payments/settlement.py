"""What money that moved settles of its order.

In one currency that is the money. Where the buyer pays in another than is booked, a payment is booked at the rate of
its own moment, but the order, and what is given back of it, at the order's rate (Shopify's MoneyBags of the order use
the rate of its creation). What a transaction settles is at the order's rate; the rest is an exchange difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Money, OrderState, Rate, Refund, Transaction, TransactionKind, total

_OUTGOING: Final = (TransactionKind.REFUND, TransactionKind.CHANGE)


def is_outgoing(transaction: Transaction) -> bool:
    return transaction.kind in _OUTGOING


def settlements(
    state: OrderState,
    moved: Sequence[Transaction],
    booked: Mapping[int, Money],
    *,
    rounding_is_ordered: bool,
) -> dict[int, Money]:
    """By transaction id, what each settles: above zero for money that came in.

    Of what is `booked` it is that. With `rounding_is_ordered` the sales order has a line for cash rounding, which
    the cash received settles. Raises RefusedError PAYMENT_WITHOUT_RATE.
    """
    settles = dict(booked)
    refunded = dict(_refunded(state))
    for outgoing in (False, True):
        running = _Running(state.rate, state.order.currency)
        same_way = [each for each in moved if is_outgoing(each) is outgoing]
        # What is booked comes first, whatever its id: the others settle what it has left.
        for each in sorted(same_way, key=lambda one: (one.id not in booked, one.id)):
            sign = -1 if outgoing else 1
            rounding = each.cash_rounding * (sign if rounding_is_ordered else 0)
            if each.id in booked:
                running.add(each, (booked[each.id] - rounding) * sign)
            else:
                amount = refunded[each.id] if each.id in refunded else running.next(each)
                running.add(each, amount)
                settles[each.id] = amount * sign + rounding
    whole = _whole(state, moved)
    last = next((each for each in reversed(moved) if each.id not in booked.keys() | refunded.keys()), None)
    if whole is not None and last is not None:
        settles[last.id] += whole - total((settles[each.id] for each in moved), whole.currency)
    return settles


def _whole(state: OrderState, moved: Iterable[Transaction]) -> Money | None:
    """What all that moved settles, where it is what the order costs now in the buyer's currency; None elsewhere."""
    if state.costs_now is None:
        return None
    booked, presented = state.costs_now
    if any(each.cash_rounding or each.paid.currency != presented.currency for each in moved):
        return None
    paid = total((each.paid * (-1 if is_outgoing(each) else 1) for each in moved), presented.currency)
    return booked if paid == presented else None


class _Running:
    """Rounds running totals, so that several payments of the whole order settle exactly the whole order."""

    def __init__(self, rate: Rate | None, currency: str) -> None:
        self._rate = rate
        self._paid = Decimal(0)
        self._settled = total((), currency)

    def next(self, transaction: Transaction) -> Money:
        """What the transaction settles at the order's rate, given those that were added."""
        if not _is_in_another_currency(transaction):
            return transaction.amount
        if self._rate is None or self._rate.paid.currency != transaction.paid.currency:
            raise RefusedError(ErrorCode.PAYMENT_WITHOUT_RATE, transaction=transaction.id, paid=transaction.paid)
        whole = Money(self._paid + transaction.paid.amount, transaction.paid.currency)
        return self._rate.convert(whole) - self._settled

    def add(self, transaction: Transaction, settled: Money) -> None:
        if _is_in_another_currency(transaction):
            self._paid += transaction.paid.amount
            self._settled += settled


def _is_in_another_currency(transaction: Transaction) -> bool:
    return transaction.paid.currency != transaction.amount.currency


def _refunded(state: OrderState) -> Iterator[tuple[int, Money]]:
    """By transaction, what refunds paid in another currency are worth in the booked one: all that their parts are
    credited with.
    """
    for refund in state.refunds:
        given = [each for each in refund.transactions if each.kind is TransactionKind.REFUND and each.counts]
        if given and all(map(_is_in_another_currency, given)) and _pays(refund, given):
            shares = refund.worth(taxes_included=state.order.taxes_included).split([each.paid.amount for each in given])
            yield from zip((each.id for each in given), shares, strict=True)


def _pays(refund: Refund, given: Iterable[Transaction]) -> bool:
    """Whether the money is what the refund's parts are worth in the buyer's currency."""
    paid = [each.paid for each in given]
    same = {each.currency for each in paid} == {paid[0].currency}
    return same and bool(refund.presented) and total(paid, paid[0].currency) == refund.presented
