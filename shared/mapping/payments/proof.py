"""The proof of what an order's payments leave open, kept for the accountant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import MoneyEvidence, present, waiting
from shared.model import (
    Money,
    Order,
    OrderState,
    Refund,
    Restock,
    Transaction,
    TransactionKind,
    total,
)

_RECEIVING: Final = (TransactionKind.SALE, TransactionKind.CAPTURE)


def prove_payments(state: OrderState) -> MoneyEvidence:
    """Evidence of what the order's payments leave open: the total is what the buyer still owes, or (below zero) gets.

    Charged is the order, less what its refunds take off it beyond that. Payments count in the booked currency at the
    rate of their own moment. Raises RefusedError PAYMENTS_DIFFER where more was given back than received, or where a
    refund names a transaction that the order does not have, and ValueError for a state without transactions.
    """
    if state.transactions is None:
        raise ValueError("the state does not tell the order's transactions")
    order, transactions = state.order, state.transactions
    _refuse_strangers(state.refunds, transactions)
    moved = [each for each in transactions if each.moves_money]
    received = _sum(moved, order, *_RECEIVING) - _sum(moved, order, TransactionKind.CHANGE)
    back = _sum(moved, order, TransactionKind.REFUND)
    _refuse_more_back_than_received(moved)
    credited = total((_beyond_order(refund, order) for refund in state.refunds), order.currency)
    components = (("charged", order.total), ("credited", -credited), ("received", -received), ("given back", back))
    abroad = any(each.exchange_rate is not None for each in moved)
    return MoneyEvidence(
        subject=f"{order.name}, payments",
        components=present(components),
        total=total((amount for _, amount in components), order.currency),
        readings=tuple(
            filter(
                None,
                (
                    "payments at their own rates: what is open holds the exchange difference" if abroad else "",
                    waiting(transactions),
                ),
            )
        ),
    )


def _beyond_order(refund: Refund, order: Order) -> Money:
    """What a refund takes off what is owed and the order itself still holds."""
    lines = tuple(line for line in refund.lines if line.restock is not Restock.CANCEL)
    adjustments = tuple(each for each in refund.adjustments if not each.on_order)
    return replace(refund, lines=lines, adjustments=adjustments).worth(taxes_included=order.taxes_included)


def _sum(transactions: Iterable[Transaction], order: Order, *kinds: TransactionKind) -> Money:
    return total((each.amount for each in transactions if each.kind in kinds), order.currency)


def _refuse_more_back_than_received(moved: Sequence[Transaction]) -> None:
    """In the currencies that were paid: at its own rate a whole refund may be worth more than its payment was."""
    for currency in {each.paid.currency for each in moved}:
        same = [each for each in moved if each.paid.currency == currency]
        back = total((each.paid for each in same if each.kind is TransactionKind.REFUND), currency)
        change = total((each.paid for each in same if each.kind is TransactionKind.CHANGE), currency)
        received = total((each.paid for each in same if each.kind in _RECEIVING), currency) - change
        if received < back:
            raise RefusedError(ErrorCode.PAYMENTS_DIFFER, problem=f"{back} was given back of {received} received")


def _refuse_strangers(refunds: Iterable[Refund], transactions: Iterable[Transaction]) -> None:
    known = {each.id: each.amount for each in transactions}
    for refund in refunds:
        for each in refund.transactions:
            if known.get(each.id) != each.amount:
                problem = f"refund {refund.id} names transaction {each.id} of {each.amount}, which the order has not"
                raise RefusedError(ErrorCode.PAYMENTS_DIFFER, problem=problem)
