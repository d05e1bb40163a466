"""An order in Shopify compared with its documents in F&O, long after booking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.changes import ChangePlan
from shared.mapping.orders.matching import OwnLines
from shared.mapping.orders.plan import SalesOrderPlan
from shared.mapping.payments.differences import PaymentDifference
from shared.mapping.payments.plan import Purpose, amount_on_account
from shared.mapping.payments.proof import beyond_order, prove_payments
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.refunds.returns import fees_charged, goods_returned, worth_returned
from shared.mapping.taxes.groups import charged_tax, is_tolerated
from shared.model import FoHeader, FoOrder, FoRow, FoStatus, Money, Order, OrderState, Refund, TransactionKind, total
from shared.rules import StoreRules

_PROGRESS: Final = tuple(FoStatus)
"""From open to invoiced; a cancelled sales order is not compared."""
_MOVED: Final = (FoStatus.PICKED, FoStatus.PARTLY_DELIVERED, FoStatus.DELIVERED, FoStatus.INVOICED)
_NOTHING_TO_SHIP: Final = (FoStatus.DELIVERED, FoStatus.INVOICED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    refusal: RefusedError
    """Its code and texts; never raised."""
    what: str
    shopify: str
    """Shopify's amount, or a word where there is none."""
    fo: str
    is_healable: bool = False
    """Whether an event of the order would change it in F&O, by the store's rules."""

    def as_dict(self) -> dict[str, Any]:
        """With the proof of the refusal, where it has one."""
        proof = {"proof": self.refusal.proof} if self.refusal.proof else {}
        return {
            "code": self.refusal.code,
            "what": self.what,
            "shopify": self.shopify,
            "fo": self.fo,
            "owner": self.refusal.entry.owner.value,
            "next_step": self.refusal.next_step,
            **proof,
        }


@dataclass(frozen=True, slots=True)
class Sums:
    """The sum of the sales order's lines, without tax on top of the prices."""

    shopify: Money
    fo: Money


def sums(order: Order, target: SalesOrderPlan | None, own: OwnLines) -> Sums:
    """`target` is None for an order that is given up: what is still owed of it is its total. Lines that people
    cancelled in F&O come to nothing.
    """
    due = order.total if target is None else total((line.amount for line in target.lines), order.currency)
    lines = (line for its in own.values() for line in its if line.status is not FoStatus.CANCELLED)
    return Sums(due, total((Money(line.amount, order.currency) for line in lines), order.currency))


def sales_order_finding(number: str, plan: ChangePlan, compared: Sums) -> Finding | None:
    """What a plan would change on the sales order, or hold for a person, and what staff changed.

    What the rules ignore of Shopify's changes is no difference.
    """
    by_staff = [cell for cell in plan.ignored if cell.by_staff]
    changes = [*map(str, plan.steps), *map(str, plan.held), *map(str, by_staff)]
    if not changes:
        return None
    what, shopify, fo = "; ".join(changes), str(compared.shopify), str(compared.fo)
    refusal = RefusedError(ErrorCode.SALES_ORDER_DIFFERS, sales_order=number, what=what, shopify=shopify, fo=fo)
    return Finding(refusal, what, shopify, fo, is_healable=bool(plan.steps) and not plan.held)


def gone_finding(number: str, order: Order) -> Finding:
    refusal = RefusedError(ErrorCode.FO_ORDER_GONE, sales_order=number)
    return Finding(refusal, f"sales order {number}", str(order.total), "nothing")


def hold_finding(store: str, order_id: int, numbers: Sequence[str], reason: str) -> Finding:
    """Sales orders that were held no longer, and are held again."""
    names = ", ".join(numbers)
    refusal = RefusedError(ErrorCode.HOLD_GONE, numbers=names, reason=reason, store=store, order=order_id)
    return Finding(refusal, f"the hold of {names}", f"to be held: {reason}", "was not held")


def payment_finding(number: str, difference: PaymentDifference) -> Finding:
    shopify, fo = _amounts(difference.shopify), _amounts(difference.fo)
    what = f"payment {difference.payment_id}" if difference.payment_id else "a payment line without payment id"
    refusal = RefusedError(ErrorCode.PAYMENT_DIFFERS, sales_order=number, what=what, shopify=shopify, fo=fo)
    return Finding(refusal, what, shopify, fo)


def refund_findings(
    number: str, order: Order, refunds: Iterable[Refund], booked: Mapping[int, Money | None]
) -> list[Finding]:
    """`booked` is by refund id what was credited, None for one that is under way."""
    findings = []
    for refund in refunds:
        worth, credited = refund.worth(taxes_included=order.taxes_included), booked.get(refund.id)
        if credited is None or credited == worth:
            continue
        what = f"refund {refund.id}"
        refusal = RefusedError(ErrorCode.REFUND_DIFFERS, sales_order=number, what=what, shopify=worth, fo=credited)
        findings.append(Finding(refusal, what, str(worth), str(credited)))
    return findings


def refund_money_finding(refund: Refund, order: Order) -> Finding | None:
    """A refund whose parts, which F&O credits, are worth something else than was paid out for it.

    Money on its way counts as paid out, a payment that failed as nothing. None for a refund without any payment (of an
    unpaid order) and for one of money alone (for what an edit removed).
    """
    what = f"payout of refund {refund.id}"
    try:
        proof = prove_refund(refund, order)
    except RefusedError as differs:
        return Finding(differs, what, differs.details["total"], differs.details["sum"])
    tried = [each for each in refund.transactions if each.kind is TransactionKind.REFUND]
    worth = refund.worth(taxes_included=order.taxes_included)
    if not tried or any(each.counts for each in tried) or not worth:
        return None
    refusal = RefusedError(
        ErrorCode.REFUND_SUM_DIFFERS, refund=refund.id, sum=worth, total=worth * 0, difference=worth
    ).with_proof(proof.as_dict())
    return Finding(refusal, what, str(worth * 0), str(worth))


def refund_money_findings(state: OrderState, booked: Mapping[int, Money | None]) -> list[Finding]:
    """Of the refunds that are credited in F&O.

    None where all of the order's money together leaves nothing open: another payment or refund made up for it.
    """
    found = [
        finding
        for refund in state.refunds
        if booked.get(refund.id) is not None and (finding := refund_money_finding(refund, state.order)) is not None
    ]
    if found and state.transactions is not None and not prove_payments(state).total:
        return []
    return found


def return_finding(number: str, state: OrderState) -> Finding | None:
    """Goods that came back in returns, and fees of returns, that no refund deals with."""
    returned, order = state.returned, state.order
    if not returned:
        return None
    worth, fees = worth_returned(returned, order), fees_charged(returned, order)
    if not returned.lines:
        refusal = RefusedError(ErrorCode.RETURN_FEE_OPEN, fees=fees, sales_order=number)
        return Finding(refusal, "fees of returns", str(fees), str(fees * 0))
    goods = goods_returned(returned, order)
    refusal = RefusedError(ErrorCode.RETURN_NOT_REFUNDED, goods=goods, worth=worth, fees=fees, sales_order=number)
    return Finding(refusal, f"return of {goods}", str(worth), str(worth * 0))


@dataclass(frozen=True, slots=True)
class Balance:
    """What one order leaves on the customer's account, without exchange differences."""

    invoiced: Money
    """By F&O's invoices of its sales orders, with tax and charges."""
    credited: Money
    """By return orders and free text invoices, as the app recorded what it credited. What made the sales order smaller
    is not in it.
    """
    paid: Money
    """By F&O's payment lines of its sales orders, less what was given back."""

    @property
    def open(self) -> Money:
        """Above zero the customer owes it."""
        return self.invoiced - self.credited - self.paid


def is_invoiced(fo: FoOrder) -> bool:
    """Whether F&O has invoiced all of the order."""
    return all(header.status.is_closed for header in fo.headers) and not any(
        line.to_invoice or (line.is_open and line.status is not FoStatus.CANCELLED) for line in fo.lines
    )


def is_settled_in_fo(state: OrderState, fo: FoOrder, booked: Mapping[int, Money | None]) -> bool:
    """Whether F&O has invoiced all of the order and the app has credited all its refunds, so that what is open on the
    customer's account can be compared.

    Not while money is on its way. Never for an order with tax that a marketplace owes: its buyer pays more than F&O
    invoices. `booked` is by refund id what was credited.
    """
    return (
        is_invoiced(fo)
        and state.transactions is not None
        and not any(each.is_pending for each in state.transactions)
        and not charged_tax(state.order, by_marketplace=True)
        and all(booked.get(refund.id) is not None or not beyond_order(refund, state.order) for refund in state.refunds)
    )


def balance_of(
    state: OrderState, booked: Mapping[int, Money | None], *, invoiced: Money, lines: Iterable[FoRow]
) -> Balance:
    """`lines` are F&O's payment lines of the order's sales orders; those of exchange differences do not count."""
    order = state.order
    credits_ = [
        worth - refund.worth(taxes_included=order.taxes_included) + beyond_order(refund, order)
        for refund in state.refunds
        if (worth := booked.get(refund.id)) is not None
    ]
    paid = [
        Money(amount_on_account(line), order.currency)
        for line in lines
        if line["CurrencyCode"] == order.currency and not line["PaymentId"].endswith(Purpose.EXCHANGE)
    ]
    return Balance(invoiced, total(credits_, order.currency), total(paid, order.currency))


def balance_finding(number: str, state: OrderState, balance: Balance, rules: StoreRules) -> Finding | None:
    """What is open in F&O once everything is settled, where Shopify has something else outstanding (prove_payments).

    Where F&O adds its own tax to the prices, a difference that the store's tax rules tolerate is none.
    """
    what = f"invoiced {balance.invoiced}, credited {balance.credited}, paid {balance.paid}"
    try:
        proof = prove_payments(state)
    except RefusedError as contradiction:
        return Finding(contradiction, "payments", contradiction.details["problem"], what)
    order, due = state.order, proof.total
    if balance.open == due or (not order.taxes_included and _is_tolerated(balance.open, due, order, rules)):
        return None
    refusal = RefusedError(
        ErrorCode.BALANCE_DIFFERS, sales_order=number, what=what, shopify=due, fo=balance.open
    ).with_proof(proof.as_dict())
    return Finding(refusal, what, str(due), str(balance.open))


def invoice_finding(number: str, order: Order, *, invoiced: Money, tax: Money, rules: StoreRules) -> Finding | None:
    """What F&O invoiced where an engine outside it computed the tax, if that is more off Shopify's than is tolerated.

    The tax is compared beside the total, which prices with tax leave as it is.
    """
    due = order.total + order.cash_rounding * (rules.rounding_booked_with == "order")
    charged = charged_tax(order, by_marketplace=False)
    if _is_tolerated(invoiced, due, order, rules) and _is_tolerated(tax, charged, order, rules):
        return None
    shopify, fo = f"{due} with a tax of {charged}", f"{invoiced} with a tax of {tax}"
    refusal = RefusedError(ErrorCode.INVOICE_DIFFERS, sales_order=number, shopify=shopify, fo=fo)
    return Finding(refusal, f"invoices of {number}", shopify, fo)


def _is_tolerated(fo: Money, shopify: Money, order: Order, rules: StoreRules) -> bool:
    taxes = (*(line.taxes for line in order.lines), *(shipping.taxes for shipping in order.shipping))
    taxed = sum(any(tax.rate for tax in each) for each in taxes)
    return is_tolerated(fo, shopify, taxed_lines=taxed, rules=rules)


def choose_kept(orders: Sequence[FoHeader], link_number: str) -> tuple[FoHeader | None, tuple[FoHeader, ...]]:
    """Of the sales orders with one reference, the one that is kept, and those to be held now.

    Kept is the one that has gone furthest (invoiced, delivered, partly delivered, picked, confirmed, open), then the
    one of the link, then the first by number; None where all are cancelled, since cancelled ones do not count. The
    others are held. If several have moved, the kept one is held too, while some of it is still to be shipped: a person
    decides. None is held that is held already or that F&O has closed.
    """
    live = sorted((each for each in orders if each.status is not FoStatus.CANCELLED), key=lambda each: each.number)
    if not live:
        return None, ()
    kept = max(live, key=lambda each: (_PROGRESS.index(each.status), each.number == link_number))
    has_several_moved = sum(each.status in _MOVED for each in live) > 1
    return kept, tuple(
        each
        for each in live
        if not each.is_held
        and not each.status.is_closed
        and (each is not kept or (has_several_moved and each.status not in _NOTHING_TO_SHIP))
    )


def duplicate_finding(
    reference: str, orders: Sequence[FoHeader], kept: FoHeader, held_now: Sequence[FoHeader]
) -> Finding | None:
    """Several sales orders with one reference; None where all but one are cancelled."""
    live = [each for each in orders if each.status is not FoStatus.CANCELLED]
    if len(live) < 2:  # noqa: PLR2004 - two are several
        return None
    numbers = ", ".join(f"{each.number} ({each.status.replace('_', ' ')})" for each in live)
    held = [each.number for each in live if each.is_held or each in held_now]
    refusal = RefusedError(
        ErrorCode.SALES_ORDER_TWICE,
        count=len(live),
        reference=reference,
        numbers=numbers,
        kept=kept.number,
        held=f"Held in F&O: {', '.join(held)}." if held else "None can be held any more.",
        others=", ".join(each.number for each in live if each is not kept),
    )
    return Finding(refusal, f"sales orders with the reference {reference}", "1 order", numbers)


def _amounts(amounts: Iterable[Money]) -> str:
    return " and ".join(map(str, amounts)) or "nothing"
