"""Tax by tax: what F&O will post beside what Shopify charged, for the accountant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Final

from shared.mapping.evidence import ProofRow, compared, present
from shared.mapping.taxes.fo_tax import CodeTax
from shared.mapping.taxes.settling import TaxedLine
from shared.model import Money, TaxLine

type TaxedSource = tuple[Sequence[TaxedLine], Sequence[TaxLine]]
"""F&O's lines and Shopify's taxes of the same goods."""


def compare_taxes(sources: Iterable[TaxedSource], currency: str) -> tuple[ProofRow, ...]:
    """The taxes in the order in which they occur; what is zero on both sides is left out.

    A row is named by F&O's tax code, or by both tax groups where the tax is computed from our rules. Several names
    joined by "+" are taxes that Shopify and F&O cut into different pieces: only their sums can be compared.
    """
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for lines, taxes in sources:
        for name, shopify, fo in _compared(lines, taxes):
            sums[name][0] += shopify
            sums[name][1] += fo
    return present(
        compared(name, Money(shopify, currency), Money(fo, currency)) for name, (shopify, fo) in sums.items()
    )


def _compared(lines: Iterable[TaxedLine], taxes: Sequence[TaxLine]) -> list[tuple[str, Decimal, Decimal]]:
    """Name, Shopify's amount and F&O's, for one source: code by code where the rates pair off, else in one."""
    rates: dict[str, Decimal] = {}
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        for code in line.codes or (_by_rules(line),):
            rates[code.code] = code.rate
            amounts[code.code] += code.amount.amount
    names = sorted(rates, key=rates.__getitem__)
    charged = sorted(taxes, key=_rate)
    if [rates[name] for name in names] == [tax.rate for tax in charged]:
        return [(name, tax.amount.amount, amounts[name]) for name, tax in zip(names, charged, strict=True)]
    shopify, fo = sum((tax.amount.amount for tax in charged), Decimal(0)), sum(amounts.values(), Decimal(0))
    return [(" + ".join(sorted(names)), shopify, fo)]


_rate: Final = attrgetter("rate")


def _by_rules(line: TaxedLine) -> CodeTax:
    return CodeTax(f"{line.tax.sales_tax_group}/{line.tax.item_tax_group}", line.tax.rate, line.expected_tax)
