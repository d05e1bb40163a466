"""Shopify's tax lines as F&O's tax groups, and the tax that F&O will compute from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.errors import RefusedError
from shared.mapping.destinations import Place
from shared.model import Money, Order, TaxLine, minor_digits, total
from shared.rules import StoreRules


@dataclass(frozen=True, slots=True)
class LineTax:
    """How one line is taxed."""

    sales_tax_group: str
    item_tax_group: str
    rate: Decimal
    """All of the seller's tax lines together; F&O's tax codes must add up to it."""

    def expected(self, net: Money, *, included: bool) -> Money:
        """The tax that F&O computes on this amount, rounded per line; the amount contains it if it is included."""
        if not self.rate:
            return net * 0
        base = Money(net.amount / (1 + self.rate), net.currency) if included else net
        return (base * self.rate).rounded()


class TaxGroups:
    """A store's tax rules at one place of sale. Lines taxed alike are looked up once."""

    def __init__(self, rules: StoreRules, place: Place, *, included: bool) -> None:
        self._rules = rules
        self._place = place
        self._included = included
        self._found: dict[tuple[Decimal, tuple[str, ...]], LineTax] = {}

    def of(self, title: str, taxes: Iterable[TaxLine]) -> LineTax:
        """How the line with this title is taxed.

        Raises RefusedError TAX_WITHOUT_RULE, or TAX_OF_MARKETPLACE where the rules do not allow such tax.
        """
        rate = Decimal(0)
        titles = []
        for tax in taxes:
            if tax.channel_liable:
                self._allow(tax)
            else:
                rate += tax.rate
                titles.append(tax.title)
        key = (rate, tuple(titles))
        if key not in self._found:
            self._found[key] = self._look_up(title, *key)
        return self._found[key]

    def _allow(self, tax: TaxLine) -> None:
        """Tax that a marketplace owes. Out of a price with tax it cannot be left: that would lower the price."""
        if not tax.amount or (self._rules.tax.marketplace == "leave_out" and not self._included):
            return
        reason = " where prices include tax" if self._included else ""
        raise RefusedError(
            "TAX_OF_MARKETPLACE", title=tax.title, amount=tax.amount, reason=reason, store=self._rules.key
        )

    def _look_up(self, title: str, rate: Decimal, titles: tuple[str, ...]) -> LineTax:
        country, province = self._place
        for rule in self._rules.taxes:
            if rule.fits(country, province, rate, titles):
                return LineTax(rule.sales_tax_group, rule.item_tax_group, rate)
        raise RefusedError(
            "TAX_WITHOUT_RULE",
            title=", ".join(titles) or title,
            rate=f"{(rate * 100).normalize():f}",
            country=country,
            province=province,
            store=self._rules.key,
        )


def charged_tax(order: Order, *, by_marketplace: bool) -> Money:
    """What Shopify charged for the seller, or for a marketplace that owes the tax itself."""
    return total((tax.amount for tax in order.taxes if tax.channel_liable is by_marketplace), order.currency)


def one_sales_tax_group(taxes: Iterable[LineTax], country: str, store: str) -> str:
    """The group that all lines share. Raises RefusedError TAX_AMBIGUOUS: one destination has one group."""
    groups = {tax.sales_tax_group for tax in taxes}
    if len(groups) > 1:
        raise RefusedError("TAX_AMBIGUOUS", groups=", ".join(sorted(groups)), country=country, store=store)
    return groups.pop()


def check_tax(expected: Money, charged: Money, *, taxed_lines: int, rules: StoreRules) -> None:
    """Raises RefusedError TAX_DIFFERS when F&O's tax would be further from Shopify's than the rules tolerate."""
    units = rules.tax.tolerance + rules.tax.tolerance_per_line * taxed_lines
    if abs(expected - charged).amount > Decimal(units).scaleb(-minor_digits(charged.currency)):
        raise RefusedError("TAX_DIFFERS", expected=expected, charged=charged, store=rules.key)
