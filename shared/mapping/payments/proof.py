"""The proof of what an order's payments leave open, kept for the accountant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import Proof, ProofRow, pending_note, present
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


def prove_payments(state: OrderState) -> Proof:
    """The proof of what the order's payments leave open: the total is what the buyer still owes, or (below zero) gets.

    Charged is the order, less what its refunds take off it beyond that. Payments count in the booked currency at the
    rate of their own moment. Raises RefusedError PAYMENTS_DIFFER where more was given back than received, or where a
    refund names a transaction that the order does not have, and ValueError for a state without transactions.
    """
    if state.transactions is None:
        raise ValueError("the state has no transactions of the order")
    order, transactions = state.order, state.transactions
    proof = _proof(order, state.refunds, transactions)
    _refuse_unknown_transactions(state.refunds, transactions, proof)
    _refuse_more_back_than_received([each for each in transactions if each.moves_money], proof)
    return proof


def _proof(order: Order, refunds: Sequence[Refund], transactions: Sequence[Transaction]) -> Proof:
    moved = [each for each in transactions if each.moves_money]
    received = _sum(moved, order, *_RECEIVING) - _sum(moved, order, TransactionKind.CHANGE)
    back = _sum(moved, order, TransactionKind.REFUND)
    credited = total((beyond_order(refund, order) for refund in refunds), order.currency)
    amounts = {"charged": order.total, "credited": -credited, "received": -received, "given back": back}
    abroad = any(each.exchange_rate is not None for each in moved)
    notes = (
        "payments at their own rates: what is open holds the exchange difference" if abroad else "",
        pending_note(transactions),
    )
    return Proof(
        subject=f"{order.name}, payments",
        components=present(ProofRow(name, amount) for name, amount in amounts.items()),
        totals=(ProofRow("open", total(amounts.values(), order.currency)),),
        notes=tuple(filter(None, notes)),
    )


def beyond_order(refund: Refund, order: Order) -> Money:
    """What a refund takes off what is owed and the order's total still contains: in F&O a credit of its own."""
    lines = tuple(line for line in refund.lines if line.restock is not Restock.CANCEL)
    adjustments = tuple(each for each in refund.adjustments if not each.on_order)
    return replace(refund, lines=lines, adjustments=adjustments).worth(taxes_included=order.taxes_included)


def _sum(transactions: Iterable[Transaction], order: Order, *kinds: TransactionKind) -> Money:
    return total((each.amount for each in transactions if each.kind in kinds), order.currency)


def _refuse_more_back_than_received(moved: Sequence[Transaction], proof: Proof) -> None:
    """In the currencies that were paid: at its own rate a whole refund may be worth more than its payment was."""
    for currency in {each.paid.currency for each in moved}:
        same = [each for each in moved if each.paid.currency == currency]
        back = total((each.paid for each in same if each.kind is TransactionKind.REFUND), currency)
        change = total((each.paid for each in same if each.kind is TransactionKind.CHANGE), currency)
        received = total((each.paid for each in same if each.kind in _RECEIVING), currency) - change
        if received < back:
            sums = (ProofRow("received", received), ProofRow("given back", back, difference=back - received))
            proof = replace(
                proof, lines=tuple(ProofRow(_name(each), each.paid) for each in same), totals=(*proof.totals, *sums)
            )
            problem = f"{back} was given back of {received} received"
            raise RefusedError(ErrorCode.PAYMENTS_DIFFER, problem=problem).with_proof(proof.as_dict())


def _refuse_unknown_transactions(refunds: Iterable[Refund], transactions: Iterable[Transaction], proof: Proof) -> None:
    known = {each.id: each.amount for each in transactions}
    for refund in refunds:
        for each in refund.transactions:
            of_order = known.get(each.id)
            if of_order != each.amount:
                problem = (
                    f"refund {refund.id} names transaction {each.id} of {each.amount}, which the order does not have"
                )
                lines = [
                    *(ProofRow(_name(one), one.amount) for one in transactions),
                    ProofRow(f"refund {refund.id} names: {_name(each)}", each.amount),
                ]
                missing = each.amount - (of_order or each.amount * 0)
                sums = (
                    ProofRow(f"transaction {each.id} in the order", of_order or each.amount * 0),
                    ProofRow(f"transaction {each.id} in refund {refund.id}", each.amount, difference=missing),
                )
                proof = replace(proof, lines=tuple(lines), totals=(*proof.totals, *sums))
                raise RefusedError(ErrorCode.PAYMENTS_DIFFER, problem=problem).with_proof(proof.as_dict())


def _name(transaction: Transaction) -> str:
    return f"{transaction.kind} {transaction.id} by {transaction.gateway or 'no gateway'}, {transaction.status}"
