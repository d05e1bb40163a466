"""The proof that what a refund credits in F&O is what the refund is worth, kept for the accountant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.errors import ErrorCode, RefusedError
from shared.mapping.refunds.parts import Part, RefundParts
from shared.mapping.shopify.refund import worth
from shared.mapping.taxes.groups import TaxGroups
from shared.model import Money, Order, Refund, TransactionKind, total


class Credited(Protocol):
    """A line of F&O, as far as the proof looks at it."""

    @property
    def part(self) -> Part: ...
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
    components = {part: _sum((line for line in lines if line.part is part), order.currency) for part in Part}
    difference = components[Part.TAX_DIFFERENCE]
    summed = total(components.values(), order.currency) - difference + parts.off_order + parts.marketplace_tax
    if not taxes.included and taxes.exempt is None:
        summed += parts.tax
    value = worth(refund, taxes_included=order.taxes_included)
    if summed != value:
        raise RefusedError(
            ErrorCode.REFUND_PLAN_DIFFERS, refund=refund.id, sum=summed, total=value, difference=summed - value
        )
    money = (each.amount for each in refund.transactions if each.moves_money and each.kind is TransactionKind.REFUND)
    return RefundEvidence(
        components=tuple((part.value, amount) for part, amount in components.items() if amount),
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
