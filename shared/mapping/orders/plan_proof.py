"""The proof that a planned sales order is the same money as the Shopify order, kept for the accountant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.lines import PlannedLine
from shared.mapping.taxes.fo_tax import CodeTax
from shared.mapping.taxes.groups import TaxGroups, charged_tax, taxes_by_title
from shared.model import COMPONENTS, Component, Money, Order, TaxLine, total


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
