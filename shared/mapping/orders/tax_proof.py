"""Tax by tax: what F&O will post beside what Shopify charged, for the accountant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Final

from shared.mapping.orders.lines import COMPONENTS, Component, PlannedLine
from shared.mapping.taxes.fo_tax import CodeTax
from shared.mapping.taxes.groups import taxes_by_title
from shared.model import Money, Order, TaxLine, total


@dataclass(frozen=True, slots=True)
class TaxProof:
    name: str
    """F&O's tax code, both tax groups where only our rules were asked, or Shopify's tax where it has a line of its own.
    Several, joined by "+", where Shopify and F&O cut a tax into different pieces: only their sums can be compared."""
    expected: Money
    """What F&O will post."""
    charged: Money
    """What Shopify charged for the seller."""

    @property
    def difference(self) -> Money:
        return self.expected - self.charged

    def as_dict(self) -> dict[str, str]:
        return {"fo": str(self.expected), "shopify": str(self.charged), "difference": str(self.difference)}


def prove_taxes(order: Order, lines: Sequence[PlannedLine]) -> tuple[TaxProof, ...]:
    """The order's taxes, in the order in which they occur; what is zero on both sides is left out."""
    nothing = total((), order.currency)
    on_lines = {line.record["LineDescription"]: line.amount for line in lines if line.component is Component.TAX}
    if on_lines:
        mine = taxes_by_title(order, by_marketplace=False)
        return tuple(TaxProof(name, on_lines.get(name, nothing), amount) for name, amount in mine.items())
    sums: defaultdict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    charged = _charged(order)
    for source, planned in _by_source(lines).items():
        for name, here, there in _compared(planned, charged.get(source, ())):
            sums[name][0] += here
            sums[name][1] += there
    return tuple(
        TaxProof(name, Money(here, order.currency), Money(there, order.currency))
        for name, (here, there) in sums.items()
        if here or there
    )


type _Source = tuple[Component, int]


def _charged(order: Order) -> dict[_Source, Sequence[TaxLine]]:
    """The seller's taxes of each line and shipping line of Shopify."""
    sources = [
        *((COMPONENTS[line.kind], line.id, line.taxes) for line in order.lines),
        *((Component.SHIPPING, shipping.id, shipping.taxes) for shipping in order.shipping),
    ]
    return {
        (component, source_id): [tax for tax in taxes if not tax.channel_liable]
        for component, source_id, taxes in sources
    }


def _by_source(lines: Iterable[PlannedLine]) -> dict[_Source, list[PlannedLine]]:
    found: defaultdict[_Source, list[PlannedLine]] = defaultdict(list)
    for line in lines:
        found[line.component, line.source_id].append(line)
    return found


def _compared(lines: Iterable[PlannedLine], taxes: Sequence[TaxLine]) -> list[tuple[str, Decimal, Decimal]]:
    """Name, F&O's amount and Shopify's, for one source: code by code where the rates pair off, else in one."""
    rates: dict[str, Decimal] = {}
    amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        for code in line.codes or (_by_rules(line),):
            rates[code.code] = code.rate
            amounts[code.code] += code.amount.amount
    names = sorted(rates, key=rates.__getitem__)
    charged = sorted(taxes, key=_rate)
    if [rates[name] for name in names] == [tax.rate for tax in charged]:
        return [(name, amounts[name], tax.amount.amount) for name, tax in zip(names, charged, strict=True)]
    both = sum(amounts.values(), Decimal(0)), sum((tax.amount.amount for tax in charged), Decimal(0))
    return [(" + ".join(sorted(names)), *both)]


_rate: Final = attrgetter("rate")


def _by_rules(line: PlannedLine) -> CodeTax:
    return CodeTax(f"{line.tax.sales_tax_group}/{line.tax.item_tax_group}", line.tax.rate, line.expected_tax)
