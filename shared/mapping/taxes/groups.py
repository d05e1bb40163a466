"""Shopify's tax lines as F&O's tax groups, and the tax that F&O will compute from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, TaxRefusedError
from shared.mapping.evidence import tax_name
from shared.model import (
    Money,
    Order,
    Place,
    ShippingLine,
    TaxedCharge,
    TaxGroupPair,
    TaxKey,
    TaxLine,
    smallest_unit,
    total,
)
from shared.rules import StoreRules, TaxPolicy


@dataclass(frozen=True, slots=True)
class LineTax:
    """How one line is taxed."""

    sales_tax_group: str
    item_tax_group: str
    """Both "" where an engine outside F&O computes tax: nothing is sent."""
    rate: Decimal
    """All of the seller's tax lines together; F&O's tax codes must add up to it."""

    def expected(self, net: Money, *, included: bool) -> Money:
        """The tax that F&O computes on this amount, rounded per line; the amount contains it if it is included."""
        if not self.rate:
            return net * 0
        base = Money(net.amount / (1 + self.rate), net.currency) if included else net
        return (base * self.rate).rounded()


class TaxGroups:
    """A store's tax rules at one place of sale. Lines taxed alike are looked up once.

    `known` has the groups that the order was booked with: they stay, whatever the rules say now.
    """

    def __init__(
        self, rules: StoreRules, place: Place, *, included: bool, known: Mapping[TaxKey, TaxGroupPair] | None = None
    ) -> None:
        self._rules = rules
        self._place = place
        self._included = included
        self._known = known or {}
        self.decided: Final[dict[TaxKey, TaxGroupPair]] = {}
        """The groups that were looked up in the rules."""
        self._found: dict[tuple[Decimal, tuple[str, ...]], LineTax] = {}
        self.included: Final = {"prices_with_tax": True, "service_line": False}.get(rules.tax.policy, included)
        """Whether the prices that F&O gets include tax. Shopify's may be otherwise."""
        self.external: Final = rules.tax.verify == "external"
        """Whether an engine outside F&O computes tax: no line gets groups, and nothing is expected of it."""
        self.exempt: Final = _exempt(rules.tax)
        """What every line is where Shopify's tax is on lines of its own, else None."""

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
            self._found[key] = self.exempt or self._look_up(title, *key)
        return self._found[key]

    def require_rates(self, what: str, charge: TaxedCharge, tax: LineTax) -> None:
        """Raises RefusedError TAX_OF_CHARGE where Shopify's tax of duties or fees is not what its rates make of them:
        F&O would compute another.
        """
        ours = [each for each in charge.taxes if not each.channel_liable]
        charged = total((each.amount for each in ours), charge.amount.currency)
        expected = tax.expected(self.moved(charge.amount, charge.taxes), included=self.included)
        rounding = smallest_unit(charged.currency) * len(charge.taxes)
        if self.exempt is None and not self.external and abs(expected - charged).amount > rounding:
            raise TaxRefusedError(
                ErrorCode.TAX_OF_CHARGE,
                what=what,
                amount=charge.amount,
                charged=charged,
                expected=expected,
                store=self._rules.key,
            )

    def moved(self, amount: Money, taxes: Iterable[TaxLine]) -> Money:
        """Shopify's amount with the tax in it or out of it, as F&O gets it; a marketplace's tax is in no price."""
        for tax in taxes:
            if tax.channel_liable:
                if self._included:
                    amount -= tax.amount
            elif self.included is not self._included:
                amount += tax.amount if self.included else -tax.amount
        return amount

    def shares(self, shipping: ShippingLine, net: Money) -> list[tuple[LineTax, Decimal]]:
        """How a shipping charge is taxed, with weights of the parts where each rate taxes a part of its own."""
        ours = [tax for tax in shipping.taxes if not tax.channel_liable and tax.amount]
        if len(ours) > 1 and self._rules.tax.shipping_rates == "divide" and self.exempt is None:
            weights = _parts_taxed(net, ours, included=self.included)
            if weights:
                others = [tax for tax in shipping.taxes if tax.channel_liable]
                return [
                    (self.of(shipping.title, (tax, *others)), weight) for tax, weight in zip(ours, weights, strict=True)
                ]
        return [(self.of(shipping.title, shipping.taxes), Decimal(1))]

    def _allow(self, tax: TaxLine) -> None:
        """Tax that a marketplace owes. To take it out of a price with tax lowers that price: a rule of its own."""
        marketplace = self._rules.tax.marketplace
        if not tax.amount or marketplace == "take_out" or (marketplace == "leave_out" and not self._included):
            return
        reason = " where prices include tax" if self._included else ""
        raise TaxRefusedError(
            ErrorCode.TAX_OF_MARKETPLACE, title=tax.title, amount=tax.amount, reason=reason, store=self._rules.key
        )

    def _look_up(self, title: str, rate: Decimal, titles: tuple[str, ...]) -> LineTax:
        if self.external:
            return LineTax("", "", rate)
        country, province = self._place
        key = TaxKey(self._place, rate, titles)
        if key in self._known:
            return LineTax(*self._known[key], rate)
        for rule in self._rules.taxes:
            if rule.fits(country, province, rate, titles):
                self.decided[key] = TaxGroupPair(rule.sales_tax_group, rule.item_tax_group)
                return LineTax(*self.decided[key], rate)
        raise TaxRefusedError(
            ErrorCode.TAX_WITHOUT_RULE,
            title=", ".join(titles) or title,
            rate=f"{(rate * 100).normalize():f}",
            fraction=f"{rate.normalize():f}",
            country=country,
            province=province,
            store=self._rules.key,
        )


def _exempt(policy: TaxPolicy) -> LineTax | None:
    if policy.exempt_sales_tax_group is None or policy.exempt_item_tax_group is None:
        return None
    return LineTax(policy.exempt_sales_tax_group, policy.exempt_item_tax_group, Decimal(0))


def charged_tax(order: Order, *, by_marketplace: bool) -> Money:
    """What Shopify charged for the seller, or for a marketplace that owes the tax itself."""
    return total((tax.amount for tax in order.taxes if tax.channel_liable is by_marketplace), order.currency)


def taxes_by_title(order: Order, *, by_marketplace: bool) -> dict[str, Money]:
    """The same tax by tax, each named by its title and its rate in percent."""
    amounts: dict[str, Money] = {}
    for tax in order.taxes:
        if tax.channel_liable is by_marketplace and tax.amount:
            name = tax_name(tax)
            amounts[name] = amounts[name] + tax.amount if name in amounts else tax.amount
    return amounts


def one_sales_tax_group(taxes: Iterable[LineTax], country: str, store: str) -> str:
    """The group that all lines share. Raises RefusedError TAX_AMBIGUOUS: one destination has one group."""
    groups = {tax.sales_tax_group for tax in taxes}
    if len(groups) > 1:
        raise TaxRefusedError(ErrorCode.TAX_AMBIGUOUS, groups=", ".join(sorted(groups)), country=country, store=store)
    return groups.pop()


def is_tolerated(expected: Money, charged: Money, *, taxed_lines: int, rules: StoreRules) -> bool:
    """Whether F&O's tax is as near to Shopify's as the rules ask."""
    return abs(expected - charged) <= tax_tolerance(charged.currency, taxed_lines=taxed_lines, rules=rules)


def tax_tolerance(currency: str, *, taxed_lines: int, rules: StoreRules) -> Money:
    """The largest difference that the rules accept between both systems' tax of an order."""
    exact = rules.tax.policy in ("park", "service_line")
    units = 0 if exact else rules.tax.tolerance + rules.tax.tolerance_per_line * taxed_lines
    return Money(units * smallest_unit(currency), currency)


def _parts_taxed(net: Money, taxes: Iterable[TaxLine], *, included: bool) -> list[Decimal] | None:
    """The part of the amount that each tax is on, if that is what the amounts say: the parts are together the whole.

    None where they are not. Each tax was rounded, so that its part is known to half a unit divided by the rate.
    """
    half_a_unit = smallest_unit(net.currency) / 2
    parts = []
    room = Decimal(0)
    for tax in taxes:
        if not tax.rate:
            return None
        factor = (1 + tax.rate if included else 1) / tax.rate
        parts.append(tax.amount.amount * factor)
        room += half_a_unit * (factor + 1)
    return parts if abs(sum(parts) - net.amount) <= room else None
