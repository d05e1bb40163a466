"""What becomes of the difference between the tax that F&O will post and the tax that Shopify charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.errors import RefusedError
from shared.mapping.fo_tax import FoTax, Taxed
from shared.mapping.sales_lines import PlannedLine, plan_tax_difference
from shared.mapping.taxes import TaxGroups, charged_tax, check_tax
from shared.model import Item, Order, TaxSetup, total
from shared.rules import StoreRules


def settle_tax(
    order: Order, rules: StoreRules, lines: Sequence[PlannedLine], taxes: TaxGroups, setup: TaxSetup | None
) -> list[PlannedLine]:
    """The lines with F&O's tax as its set-up computes it, if there is one, and the line for the difference, if any.

    Raises RefusedError TAX_DIFFERS for more difference than the rules tolerate, and what FoTax.of raises.
    """
    if rules.tax.verify == "fo" and setup is None:
        raise ValueError(f"store {rules.key} asks F&O's tax set-up, and none was given")
    settled = _verified(order, rules, lines, taxes, setup)
    expected = total((line.expected_tax for line in settled), order.currency)
    charged = charged_tax(order, by_marketplace=False)
    wanted = charged if taxes.exempt is None else charged * 0
    check_tax(expected, wanted, taxed_lines=sum(line.tax.rate > 0 for line in settled), rules=rules)
    item = rules.tax.difference_item
    if item is None or taxes.included or expected == wanted:
        return settled
    line = plan_tax_difference(len(settled) + 1, charged - expected, Item(item), order, taxes)
    (difference,) = _verified(order, rules, [line], taxes, setup)
    if difference.expected_tax:  # the total would be wrong by the tax on the cents
        raise RefusedError("TAX_DIFFERS", expected=expected + difference.expected_tax, charged=charged, store=rules.key)
    return [*settled, difference]


def _verified(
    order: Order, rules: StoreRules, lines: Sequence[PlannedLine], taxes: TaxGroups, setup: TaxSetup | None
) -> list[PlannedLine]:
    """The lines with the tax that F&O computes from its own tax codes, on the order's day."""
    if setup is None:
        return list(lines)
    fo_tax = FoTax(
        setup,
        day=order.created_at.astimezone(rules.zone).date(),
        currency=order.currency,
        method=rules.tax.calculation_method,
        store=rules.key,
    )
    asked = [Taxed(line.amount, line.tax.sales_tax_group, line.tax.item_tax_group) for line in lines]
    nothing = total((), order.currency)
    return [
        replace(line, codes=codes, expected_tax=sum((code.amount for code in codes), nothing))
        for line, codes in zip(lines, fo_tax.of(asked, included=taxes.included), strict=True)
    ]
