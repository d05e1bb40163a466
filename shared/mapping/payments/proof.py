"""The proofs that a refund's parts are what was given back, and what an order's payments leave open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shopify.refund import PENDING, worth
from shared.model import (
    Money,
    Order,
    OrderState,
    Refund,
    Restock,
    Transaction,
    TransactionKind,
    TransactionStatus,
    total,
)

_GOODS: Final = {
    Restock.CANCEL: "goods that never left",
    Restock.RETURN: "goods that came back",
    Restock.NO_RESTOCK: "goods that stay where they are",
    Restock.LEGACY_RESTOCK: "goods restocked",
}
_RECEIVING: Final = (TransactionKind.SALE, TransactionKind.CAPTURE)
_ON_THE_WAY: Final = (TransactionStatus.PENDING, TransactionStatus.AWAITING_RESPONSE)


@dataclass(frozen=True, slots=True)
class MoneyEvidence:
    """What money a refund or an order's payments are made of. The components sum to exactly the total."""

    subject: str
    components: tuple[tuple[str, Money], ...]
    """Name and amount; what is zero is left out."""
    total: Money
    readings: tuple[str, ...]
    """What explains a component that is neither goods nor money."""

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON and read by people."""
        return {
            "subject": self.subject,
            "components": {name: str(amount) for name, amount in self.components},
            "total": str(self.total),
            "readings": list(self.readings),
        }


def prove_refund(refund: Refund, order: Order) -> MoneyEvidence:
    """Evidence that the refund's parts are worth what its transactions gave back or are about to; total is that money.

    Where it was paid in the buyer's currency and the shop's is booked, the proof is in the buyer's, and what the two
    rates differ by is a component. A refund without money (an unpaid order's), and one of money alone (for goods that
    an edit removed earlier) have nothing to compare with, and say so. Raises RefusedError REFUND_SUM_DIFFERS; there is
    no tolerance.
    """
    given = [each for each in refund.transactions if each.kind is TransactionKind.REFUND and _counts(each)]
    money = total((each.amount for each in given), order.currency)
    components = _refund_parts(refund, order)
    parts = total((amount for _, amount in components), order.currency)
    reading, name = "", ""
    if not given:
        reading, name = "nothing was paid for the order that could be given back", "not given back"
    elif not (refund.lines or refund.adjustments or refund.duties):
        reading, name = "money alone, for what was taken off the order before", "owed before"
    elif refund.presented is not None and {each.paid.currency for each in given} == {refund.presented.currency}:
        _refuse_difference(refund, refund.presented, total((each.paid for each in given), refund.presented.currency))
        reading, name = f"proved in {refund.presented.currency}, which was paid", "exchange difference"
    else:
        _refuse_difference(refund, parts, money)
    return MoneyEvidence(
        subject=f"{order.name}, refund {refund.id}",
        components=_present((*components, (name, money - parts))),
        total=money,
        readings=tuple(filter(None, (reading, _waiting(given)))),
    )


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
        components=_present(components),
        total=total((amount for _, amount in components), order.currency),
        readings=tuple(
            filter(
                None,
                (
                    "payments at their own rates: what is open holds the exchange difference" if abroad else "",
                    _waiting(transactions),
                ),
            )
        ),
    )


def _counts(transaction: Transaction) -> bool:
    """The money moved, or is on its way."""
    return transaction.moves_money or transaction.status in _ON_THE_WAY


def _waiting(transactions: Iterable[Transaction]) -> str:
    """What is on its way, in words."""
    waiting = [f"{each.kind} of {each.amount}" for each in transactions if each.status in _ON_THE_WAY]
    return f"on its way: {', '.join(waiting)}" if waiting else ""


def _refund_parts(refund: Refund, order: Order) -> tuple[tuple[str, Money], ...]:
    nothing = total((), order.currency)
    goods = dict.fromkeys(Restock, nothing)
    for line in refund.lines:
        goods[line.restock] += line.subtotal
    taxes = (*(line.tax for line in refund.lines), *(each.tax for each in refund.adjustments if each.reason != PENDING))
    return (
        *((_GOODS[restock], amount) for restock, amount in goods.items()),
        *((each.reason, each.amount) for each in refund.adjustments if each.reason != PENDING),
        ("tax", nothing if order.taxes_included else total(taxes, order.currency)),
        ("duties", refund.duties),
    )


def _beyond_order(refund: Refund, order: Order) -> Money:
    """What a refund takes off what is owed and the order itself still holds."""
    lines = tuple(line for line in refund.lines if line.restock is not Restock.CANCEL)
    adjustments = tuple(each for each in refund.adjustments if not each.on_order)
    return worth(replace(refund, lines=lines, adjustments=adjustments), taxes_included=order.taxes_included)


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


def _refuse_difference(refund: Refund, parts: Money, money: Money) -> None:
    if parts != money:
        raise RefusedError(
            ErrorCode.REFUND_SUM_DIFFERS, refund=refund.id, sum=parts, total=money, difference=parts - money
        )


def _present(components: Iterable[tuple[str, Money]]) -> tuple[tuple[str, Money], ...]:
    return tuple((name, amount) for name, amount in components if amount)
