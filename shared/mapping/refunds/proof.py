"""The proof that what a refund credits in F&O is what the refund is worth, kept for the accountant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from shared.errors import ErrorCode, RefusedError
from shared.mapping.evidence import MoneyEvidence, present, waiting
from shared.mapping.refunds.parts import RefundParts
from shared.mapping.taxes.groups import TaxGroups
from shared.model import AdjustmentReason, Component, Money, Order, Refund, Restock, TransactionKind, total

_GOODS: Final = {
    Restock.CANCEL: "goods that never left",
    Restock.RETURN: "goods that came back",
    Restock.NO_RESTOCK: "goods that stay where they are",
    Restock.LEGACY_RESTOCK: "goods restocked",
}


class Credited(Protocol):
    """A line of F&O, as far as the proof looks at it."""

    @property
    def component(self) -> Component: ...
    @property
    def amount(self) -> Money: ...
    @property
    def expected_tax(self) -> Money: ...


@dataclass(frozen=True, slots=True)
class RefundEvidence:
    components: tuple[tuple[str, Money], ...]
    """What F&O credits, part by part; what is zero is left out."""
    off_order: Money
    """What the sales order is smaller by instead."""
    tax_charged: Money
    """By Shopify for the seller, and now given back."""
    tax_expected: Money
    """What F&O will compute."""
    marketplace_tax: Money
    """Given back by the marketplace that owes it, so not in F&O."""
    worth: Money
    """All of the above that is not in another part: what the refund takes off what the buyer owes."""
    given_back: Money
    """The money that moved; more may be on its way. The rest stays on the customer's account."""
    prices_include_tax: bool

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON and read by people."""
        return {
            "components": {name: str(amount) for name, amount in self.components},
            "off_order": str(self.off_order),
            "tax_charged": str(self.tax_charged),
            "tax_expected": str(self.tax_expected),
            "marketplace_tax": str(self.marketplace_tax),
            "worth": str(self.worth),
            "given_back": str(self.given_back),
            "fo_prices_include_tax": self.prices_include_tax,
        }


def prove_refund_plan(
    refund: Refund, order: Order, parts: RefundParts, lines: Sequence[Credited], taxes: TaxGroups
) -> RefundEvidence:
    """Raises RefusedError REFUND_PLAN_DIFFERS unless F&O's lines, Shopify's tax on top of them, what is off the order
    and what a marketplace owes are the refund's worth to the cent. How far F&O's tax may be off is a rule of its own.
    """
    components = {one: _sum((line for line in lines if line.component is one), order.currency) for one in Component}
    difference = components[Component.TAX_DIFFERENCE]
    summed = total(components.values(), order.currency) - difference + parts.off_order + parts.marketplace_tax
    if not taxes.included and taxes.exempt is None:
        summed += parts.tax
    value = refund.worth(taxes_included=order.taxes_included)
    if summed != value:
        raise RefusedError(
            ErrorCode.REFUND_PLAN_DIFFERS, refund=refund.id, sum=summed, total=value, difference=summed - value
        )
    money = (each.amount for each in refund.transactions if each.moves_money and each.kind is TransactionKind.REFUND)
    return RefundEvidence(
        components=tuple((one.account_key, amount) for one, amount in components.items() if amount),
        off_order=parts.off_order,
        tax_charged=parts.tax,
        tax_expected=total((line.expected_tax for line in lines), order.currency),
        marketplace_tax=parts.marketplace_tax,
        worth=value,
        given_back=total(money, order.currency),
        prices_include_tax=taxes.included,
    )


def _sum(lines: Iterable[Credited], currency: str) -> Money:
    return total((line.amount for line in lines), currency)


def prove_refund(refund: Refund, order: Order) -> MoneyEvidence:
    """Evidence that the refund's parts are worth what its transactions gave back or are about to; total is that money.

    Where it was paid in the buyer's currency and the shop's is booked, the proof is in the buyer's, and what the two
    rates differ by is a component. A refund without money (an unpaid order's), and one of money alone (for goods that
    an edit removed earlier) have nothing to compare with, and say so. Raises RefusedError REFUND_SUM_DIFFERS; there is
    no tolerance.
    """
    given = [each for each in refund.transactions if each.kind is TransactionKind.REFUND and each.counts]
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
        components=present((*components, (name, money - parts))),
        total=money,
        readings=tuple(filter(None, (reading, waiting(given)))),
    )


def _refund_parts(refund: Refund, order: Order) -> tuple[tuple[str, Money], ...]:
    nothing = total((), order.currency)
    goods = dict.fromkeys(Restock, nothing)
    for line in refund.lines:
        goods[line.restock] += line.subtotal
    taxes = (
        *(line.tax for line in refund.lines),
        *(each.tax for each in refund.adjustments if each.reason != AdjustmentReason.PENDING),
    )
    return (
        *((_GOODS[restock], amount) for restock, amount in goods.items()),
        *((each.reason, each.amount) for each in refund.adjustments if each.reason != AdjustmentReason.PENDING),
        ("tax", nothing if order.taxes_included else total(taxes, order.currency)),
        ("duties", refund.duties),
    )


def _refuse_difference(refund: Refund, parts: Money, money: Money) -> None:
    if parts != money:
        raise RefusedError(
            ErrorCode.REFUND_SUM_DIFFERS, refund=refund.id, sum=parts, total=money, difference=parts - money
        )
