"""The proof that a planned sales order is the same money as the Shopify order, kept for the accountant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.lines import COMPONENTS, Component, PlannedLine
from shared.mapping.orders.tax_proof import TaxProof, prove_taxes
from shared.mapping.taxes.groups import TaxGroups, charged_tax, taxes_by_title
from shared.model import Money, Order, total


@dataclass(frozen=True, slots=True)
class SalesOrderEvidence:
    components: tuple[tuple[str, Money, Money], ...]
    """Name, amount in Shopify, LineAmounts in F&O; what is zero on both sides is left out."""
    total: Money
    """What the buyer owes, as Shopify says."""
    tax_charged: Money
    """By Shopify for the seller."""
    tax_expected: Money
    """What F&O will compute."""
    marketplace_tax: Money
    """Within Shopify's total but owed by a marketplace, so not in F&O."""
    taxes: tuple[TaxProof, ...]
    marketplace_taxes: tuple[tuple[str, Money], ...]
    """The same by title and rate."""
    prices_include_tax: bool
    """Shopify's."""
    fo_prices_include_tax: bool
    """Where Shopify's are otherwise, the components differ by their tax; the total does not."""
    left_behind: tuple[str, ...]
    """What F&O is not told, for want of a field."""
    allocation: tuple[str, ...]
    """Why the warehouses."""

    def as_dict(self) -> dict[str, Any]:
        """The same in strings and lists, to be stored as JSON and read by people."""
        return {
            "components": {name: {"shopify": str(here), "fo": str(there)} for name, here, there in self.components},
            "total": str(self.total),
            "tax_charged": str(self.tax_charged),
            "tax_expected": str(self.tax_expected),
            "marketplace_tax": str(self.marketplace_tax),
            "taxes": {tax.name: tax.as_dict() for tax in self.taxes},
            "marketplace_taxes": {title: str(amount) for title, amount in self.marketplace_taxes},
            "prices_include_tax": self.prices_include_tax,
            "fo_prices_include_tax": self.fo_prices_include_tax,
            "left_behind": list(self.left_behind),
            "allocation": list(self.allocation),
        }


def prove_plan(
    order: Order,
    lines: Sequence[PlannedLine],
    taxes: TaxGroups,
    *,
    left_behind: tuple[str, ...],
    allocation: tuple[str, ...],
) -> SalesOrderEvidence:
    """The evidence, component by component.

    Raises RefusedError SUM_DIFFERS unless F&O's lines and Shopify's tax are Shopify's total to the cent. Tax is
    Shopify's here: how far F&O's may be from it is a rule of its own (check_tax). Cash rounding is beside the total,
    since Shopify applies it to what is received, not to what is owed.
    """
    there = dict.fromkeys(Component, total((), order.currency))
    for line in lines:
        there[line.component] += line.amount
    charged = charged_tax(order, by_marketplace=False)
    marketplace = charged_tax(order, by_marketplace=True)
    counted = (there[one] for one in Component if one not in _BESIDE_THE_TOTAL)
    summed = total(counted, order.currency) + marketplace
    if not taxes.included and taxes.exempt is None:
        summed += charged
    here, wanted = _in_shopify(order, taxes, charged)
    if summed != order.total or any(wanted[one] != there[one] for one in wanted):
        raise RefusedError(ErrorCode.SUM_DIFFERS, sum=summed, total=order.total, difference=summed - order.total)
    return SalesOrderEvidence(
        components=tuple(
            (one.value, here.get(one, there[one] * 0), there[one]) for one in Component if there[one] or here.get(one)
        ),
        total=order.total,
        tax_charged=charged,
        tax_expected=total((line.expected_tax for line in lines), order.currency),
        marketplace_tax=marketplace,
        taxes=prove_taxes(order, lines),
        marketplace_taxes=tuple(taxes_by_title(order, by_marketplace=True).items()),
        prices_include_tax=order.taxes_included,
        fo_prices_include_tax=taxes.included,
        left_behind=left_behind,
        allocation=allocation,
    )


_BESIDE_THE_TOTAL: Final = {Component.CASH_ROUNDING, Component.TAX_DIFFERENCE}


def _in_shopify(
    order: Order, taxes: TaxGroups, charged: Money
) -> tuple[dict[Component, Money], dict[Component, Money]]:
    """Shopify's amounts, and the same as F&O is to have them: with the tax in them or out of them."""
    nothing = total((), order.currency)
    here = dict.fromkeys((*COMPONENTS.values(), Component.SHIPPING), nothing)
    wanted = here.copy()
    for line in order.lines:
        component, net = COMPONENTS[line.kind], line.net
        here[component] += net
        wanted[component] += taxes.moved(net, line.taxes)
    for shipping in order.shipping:
        net = shipping.net
        here[Component.SHIPPING] += net
        wanted[Component.SHIPPING] += taxes.moved(net, shipping.taxes)
    others = {
        Component.DUTIES: order.duties,
        Component.FEES: order.additional_fees,
        Component.CASH_ROUNDING: order.cash_rounding,
        Component.TAX: nothing if taxes.exempt is None else charged,
    }
    return here | others, wanted | others
