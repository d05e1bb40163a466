"""The proof that what a refund credits in F&O is what the refund is worth, kept for the accountant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import (
    Proof,
    ProofRow,
    compared,
    line_name,
    pending_note,
    present,
    tax_name,
)
from shared.mapping.refunds.documents import PlannedCredit, PlannedDocument
from shared.mapping.refunds.parts import RefundParts
from shared.mapping.taxes.groups import TaxGroups
from shared.mapping.taxes.proof import compare_taxes
from shared.model import AdjustmentReason, Component, Money, Order, Refund, Restock, TaxLine, TransactionKind, total

_GOODS: Final = {
    Restock.CANCEL: "goods that never left",
    Restock.RETURN: "goods that came back",
    Restock.NO_RESTOCK: "goods that stay where they are",
    Restock.LEGACY_RESTOCK: "goods restocked",
}


def prove_refund_plan(
    refund: Refund, order: Order, parts: RefundParts, lines: Sequence[PlannedCredit], taxes: TaxGroups
) -> Proof:
    """The proof that F&O's lines, Shopify's tax on top of them, what is off the order and what a marketplace owes are
    the refund's worth to the cent. How far F&O's tax may be off is a rule of its own. Raises RefusedError
    REFUND_PLAN_DIFFERS.
    """
    proof = compare_refund_plan(refund, order, parts, lines, taxes)
    in_fo, value = _sum_in_fo(order, parts, lines, taxes), refund.worth(taxes_included=order.taxes_included)
    if in_fo != value:
        raise RefusedError(
            ErrorCode.REFUND_PLAN_DIFFERS, refund=refund.id, sum=in_fo, total=value, difference=in_fo - value
        ).with_proof(proof.as_dict())
    return replace(proof, lines=())


def compare_refund_plan(
    refund: Refund, order: Order, parts: RefundParts, lines: Sequence[PlannedCredit], taxes: TaxGroups
) -> Proof:
    """Both sides, line by line, component by component, tax by tax; they need not agree. Amounts are
    what the buyer owes less.
    """
    nothing = total((), order.currency)
    shopify: defaultdict[tuple[Component, str], Money] = defaultdict(lambda: nothing)
    for goods in parts.goods:
        shopify[Component.GOODS_RETURNED, goods.line.title] += goods.amount
    for credit in parts.credits:
        shopify[credit.component, credit.title] += credit.amount
    fo: defaultdict[tuple[Component, str], Money] = defaultdict(lambda: nothing)
    for line in lines:
        fo[line.component, line.title] += line.amount
    keys = dict.fromkeys((*shopify, *fo))
    expected = total((line.expected_tax for line in lines), order.currency)
    money = (each.amount for each in refund.transactions if each.moves_money and each.kind is TransactionKind.REFUND)
    included = "include" if taxes.included else "exclude"
    return Proof(
        subject=f"{order.name}, refund {refund.id}",
        lines=tuple(compared(f"{key[0]}: {key[1]}", shopify[key], fo[key]) for key in keys),
        components=present(
            compared(
                one.account_key,
                total((amount for key, amount in shopify.items() if key[0] is one), order.currency),
                total((amount for key, amount in fo.items() if key[0] is one), order.currency),
            )
            for one in Component
        ),
        taxes=_tax_rows(parts, None if taxes.external else lines, order.currency),
        totals=(
            ProofRow("taken off the sales order", parts.off_order),
            ProofRow("total tax", parts.tax) if taxes.external else compared("total tax", parts.tax, expected),
            ProofRow("tax owed by a marketplace", parts.marketplace_tax),
            ProofRow("given back", total(money, order.currency)),
            compared(
                "worth", refund.worth(taxes_included=order.taxes_included), _sum_in_fo(order, parts, lines, taxes)
            ),
        ),
        notes=(f"prices in F&O {included} tax",),
    )


def prove_return(document: PlannedDocument, refund_id: int, booked: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """F&O's lines of a return order, lot by lot, beside the planned ones: to be kept with a refusal."""
    subject = f"return order of refund {refund_id}"
    return _prove_booked(subject, document, booked, key="ReturningInventoryLotId", amount="LineAmount").as_dict()


def credited_by_lot(booked: Iterable[Mapping[str, Any]], currency: str) -> dict[str, Money]:
    """What F&O's lines of a return order credit."""
    found: defaultdict[str, Money] = defaultdict(lambda: total((), currency))
    for row in booked:
        found[row["ReturningInventoryLotId"]] -= Money(row["LineAmount"], currency)
    return dict(found)


def prove_invoice(document: PlannedDocument, refund_id: int, booked: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The same for a free text invoice, line by line."""
    subject = f"free text invoice of refund {refund_id}"
    return _prove_booked(subject, document, booked, key="LineNumber", amount="TransactionCurrencyAmount").as_dict()


def _prove_booked(
    subject: str, document: PlannedDocument, booked: Iterable[Mapping[str, Any]], *, key: str, amount: str
) -> Proof:
    """By the field `key`; `amount` is the field that F&O computed. F&O writes credits below zero; the proof has what
    the buyer owes less.
    """
    currency = document.amount.currency
    nothing = total((), currency)
    planned: defaultdict[str, Money] = defaultdict(lambda: nothing)
    names: dict[str, str] = {}
    for line in document.lines:
        planned[_key(line.record[key])] += line.amount
        names[_key(line.record[key])] = f"{line.component}: {line.title}"
    found: defaultdict[str, Money] = defaultdict(lambda: nothing)
    for row in booked:
        found[_key(row.get(key))] -= Money(row[amount], currency)
    rows = [
        compared(names.get(each, f"{key} {each}, not ours"), planned[each], found[each])
        for each in dict.fromkeys((*planned, *found))
    ]
    return Proof(
        subject=subject,
        lines=tuple(rows),
        components=(),
        totals=(compared("lines", total(planned.values(), currency), total(found.values(), currency)),),
    )


def _key(value: object) -> str:
    """A lot, or a line number: F&O may answer 1 or 1.0."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _sum_in_fo(order: Order, parts: RefundParts, lines: Iterable[PlannedCredit], taxes: TaxGroups) -> Money:
    counted = (line.amount for line in lines if line.component is not Component.TAX_DIFFERENCE)
    on_top = not taxes.included and taxes.exempt is None
    return total(counted, order.currency) + parts.off_order + parts.marketplace_tax + parts.tax * (1 if on_top else 0)


def _tax_rows(parts: RefundParts, lines: Sequence[PlannedCredit] | None, currency: str) -> tuple[ProofRow, ...]:
    """The whole refund in one, since its amounts are divided otherwise than Shopify divides the tax.

    Shopify's tax by itself where no lines are given.
    """
    charged: dict[tuple[str, Decimal, bool], TaxLine] = {}
    for tax in parts.taxes:
        key = (tax.title, tax.rate, tax.channel_liable)
        charged[key] = replace(tax, amount=charged[key].amount + tax.amount) if key in charged else tax
    mine = [tax for tax in charged.values() if not tax.channel_liable]
    owed = [tax for tax in charged.values() if tax.channel_liable]
    if lines is None:
        compared_taxes = tuple(ProofRow(tax_name(tax), tax.amount) for tax in mine)
    else:
        taxed = [line for line in lines if line.tax.rate or line.expected_tax]
        compared_taxes = compare_taxes([(taxed, mine)], currency)
    return (
        *compared_taxes,
        *present(ProofRow(f"{tax_name(tax)}, owed by a marketplace", tax.amount) for tax in owed),
    )


def prove_refund(refund: Refund, order: Order) -> Proof:
    """The proof that the refund's parts are worth what its transactions gave back or are about to: its total.

    Where it was paid in the buyer's currency and the shop's is booked, the proof is in the buyer's, and what the two
    rates differ by is a component. A refund without money (an unpaid order's), and one of money alone (for goods that
    an edit removed earlier) have nothing to compare with, as a note in the proof explains. Raises RefusedError
    REFUND_SUM_DIFFERS; there is no tolerance.
    """
    given = [each for each in refund.transactions if each.kind is TransactionKind.REFUND and each.counts]
    money = total((each.amount for each in given), order.currency)
    components = _refund_parts(refund, order)
    parts = total((row.shopify for row in components if row.shopify), order.currency)
    note, name = "", ""
    if not given:
        note, name = "nothing was paid for the order that could be given back", "not given back"
    elif not (refund.lines or refund.adjustments or refund.duties):
        note, name = "money alone, for what was taken off the order before", "owed before"
    elif refund.presented is not None and {each.paid.currency for each in given} == {refund.presented.currency}:
        paid = total((each.paid for each in given), refund.presented.currency)
        _refuse_difference(refund, order, components, refund.presented, paid)
        note, name = f"proved in {refund.presented.currency}, which was paid", "exchange difference"
    else:
        _refuse_difference(refund, order, components, parts, money)
    return Proof(
        subject=f"{order.name}, refund {refund.id}",
        components=present((*components, ProofRow(name, money - parts))),
        totals=(ProofRow("given back", money),),
        notes=tuple(filter(None, (note, pending_note(given)))),
    )


def _refund_parts(refund: Refund, order: Order) -> tuple[ProofRow, ...]:
    nothing = total((), order.currency)
    goods = dict.fromkeys(Restock, nothing)
    for line in refund.lines:
        goods[line.restock] += line.subtotal
    adjustments = [each for each in refund.adjustments if each.reason != AdjustmentReason.PENDING]
    taxes = (
        *(line.tax for line in refund.lines),
        *(each.tax for each in adjustments),
        *(-fee.tax for fee in refund.return_fees),
    )
    return (
        *(ProofRow(_GOODS[restock], amount) for restock, amount in goods.items()),
        *(ProofRow(each.reason, each.amount) for each in adjustments),
        *(ProofRow(fee.reason or "a fee of the return", -fee.amount) for fee in refund.return_fees),
        ProofRow(Component.TAX.value, nothing if order.taxes_included else total(taxes, order.currency)),
        ProofRow(Component.DUTIES.value, refund.duties),
    )


def _refuse_difference(
    refund: Refund, order: Order, components: Iterable[ProofRow], parts: Money, money: Money
) -> None:
    if parts == money:
        return
    by_id = {line.id: line for line in order.lines}
    rows = [
        ProofRow(
            line_name(by_id[back.line_id], back.quantity) if back.line_id in by_id else f"line {back.line_id}",
            back.subtotal,
        )
        for back in refund.lines
    ]
    rows += [
        ProofRow(f"{each.kind} {each.id} by {each.gateway or 'no gateway'}, {each.status}", each.paid)
        for each in refund.transactions
    ]
    taxes = [ProofRow(f"tax on line {back.line_id}", back.tax) for back in refund.lines]
    taxes += [ProofRow(f"tax on {each.reason}", each.tax) for each in refund.adjustments]
    proof = Proof(
        subject=f"{order.name}, refund {refund.id}",
        lines=present(rows),
        components=present(components),
        taxes=present(taxes),
        totals=(ProofRow("worth of the parts", parts), ProofRow("given back", money, difference=parts - money)),
        notes=(f"compared in {money.currency}, which was paid",) if money.currency != order.currency else (),
    )
    raise RefusedError(
        ErrorCode.REFUND_SUM_DIFFERS, refund=refund.id, sum=parts, total=money, difference=parts - money
    ).with_proof(proof.as_dict())
