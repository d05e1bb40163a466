"""Which F&O tax groups stand for Shopify's taxes: `[[taxes]]` and `[tax]`.

F&O computes tax itself, by the tax codes that are in both the sales tax group of the order and the item sales tax group
of the line. There is no field for an amount of tax. Or F&O leaves tax to an engine outside (tax.verify = "external"):
then no order has groups of the app, and tax is compared once F&O has invoiced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import product
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from shared.rules.base import ANY, Code, CountryOrAny, Rules

Fraction = Annotated[Decimal, Field(ge=0, lt=1, strict=False)]


def _written_as(rates: Any) -> str:
    return "word" if isinstance(rates, str) else "list"


Rates = Annotated[
    Annotated[tuple[Fraction, ...], Field(min_length=1), Tag("list")] | Annotated[Literal["any"], Tag("word")],
    Discriminator(_written_as),
]


class TaxRule(Rules):
    """The first rule that fits a line decides: special rules come before general ones."""

    countries: tuple[CountryOrAny, ...] = Field(
        min_length=1,
        description='Destinations, ISO alpha-2; ["*"] for every country.',
    )
    provinces: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description='States or provinces of the destination, ISO 3166-2 without the country; ["*"] for all.',
    )
    rates: Rates = Field(
        description="Tax rates as fractions (0.21). The rate of a line is the sum of its tax lines (state + county + "
        "city). "
        '[0] is for lines without tax. "any" is every rate above 0, for companies whose F&O tax set-up is by address.',
    )
    titles: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description="Titles, of which each tax line must fit one. `*` and `?` as in file names; case does not count.",
    )
    sales_tax_group: Code = Field(description="F&O sales tax group of the order.")
    item_tax_group: Code = Field(description="F&O item sales tax group of the line.")

    def fits(self, country: str, province: str, rate: Decimal, titles: tuple[str, ...]) -> bool:
        return (
            (ANY in self.countries or country in self.countries)
            and (ANY in self.provinces or province in self.provinces)
            and (rate > 0 if self.rates == "any" else rate in self.rates)
            and all(self._fits_title(title.casefold()) for title in titles)
        )

    def _fits_title(self, title: str) -> bool:
        return any(fnmatchcase(title, pattern.casefold()) for pattern in self.titles)

    def covers(self, other: TaxRule) -> bool:
        """Whether every line that fits the other rule fits this one too."""
        return (
            (ANY in self.countries or set(other.countries) <= set(self.countries))
            and (ANY in self.provinces or set(other.provinces) <= set(self.provinces))
            and self._covers_rates(other)
            and all(self._covers_titles(pattern.casefold()) for pattern in other.titles)
        )

    def cases(self) -> Iterator[TaxRule]:
        """Rules of one country, one province and one rate each, which together fit the same lines."""
        rates = ["any"] if self.rates == "any" else [(rate,) for rate in self.rates]
        for country, province, rate in product(self.countries, self.provinces, rates):
            yield self.model_copy(update={"countries": (country,), "provinces": (province,), "rates": rate})

    def _covers_rates(self, other: TaxRule) -> bool:
        if self.rates == "any":
            return other.rates == "any" or min(other.rates) > 0
        return other.rates != "any" and set(other.rates) <= set(self.rates)

    def _covers_titles(self, pattern: str) -> bool:
        """Whether one of the patterns fits every title that this one fits. A character that no pattern has stands for
        whatever `*` and `?` stand for, as often as `*` could make a difference.
        """
        longest = max(map(len, self.titles)) + 1
        titles = [pattern.replace("?", _NO_LETTER).replace("*", _NO_LETTER * times) for times in range(longest + 1)]
        return any(all(fnmatchcase(title, own.casefold()) for title in titles) for own in self.titles)


_NO_LETTER: Final = "\ue000"
"""Of Unicode's private use area."""


TaxDifference = Literal["tolerate", "rounding_line", "prices_with_tax", "service_line", "park"]


class TaxPolicy(Rules):
    verify: Literal["rules", "fo", "external"] = Field(
        default="rules",
        description="How the tax that F&O will post is computed: `rules`, by the rates of [[taxes]]; `fo`, by F&O's "
        "own tax codes with their rates and rounding; `external`, by an engine that F&O asks (Tax Calculation service, "
        "Avalara, Vertex): no [[taxes]], and F&O's invoice is compared with Shopify's total and tax.",
    )
    engine_sales_tax_group: Code | None = Field(
        default=None,
        description="Sales tax group of the taxed lines of free text invoices, at which F&O asks the engine. Without "
        "it F&O computes no tax on them, and a refund that needs one is parked. For verify = `external` only.",
    )
    engine_item_tax_group: Code | None = Field(
        default=None, description="Item sales tax group of the same lines. Required with engine_sales_tax_group."
    )
    calculation_method: Literal["line", "total"] = Field(
        default="line",
        description='General ledger parameter "Calculation method" of the company, which OData does not show. '
        "For verify = `fo` only.",
    )
    tolerance: int = Field(
        default=2,
        ge=0,
        description="Largest accepted difference between F&O's expected tax of an order and Shopify's, in the "
        "currency's smallest unit: cents of a euro, whole yen.",
    )
    tolerance_per_line: int = Field(
        default=1,
        ge=0,
        description="Added to the tolerance for each taxed line, in the same unit, since both systems round every "
        "line.",
    )
    difference_item: Code | None = Field(
        default=None,
        description="Service item of the line with the tolerated difference. For policy = `rounding_line`.",
    )
    policy: TaxDifference = Field(
        default_factory=lambda keys: "rounding_line" if keys.get("difference_item") else "tolerate",
        description="What becomes of a difference between Shopify's tax and F&O's. "
        "`tolerate`: within the tolerance it is accepted and recorded in the journal. "
        "`rounding_line`: within the tolerance it is booked as a line, so that F&O's total equals Shopify's. Prices "
        "that include tax need no such line. "
        "`prices_with_tax`: F&O always gets Shopify's prices with tax, to the cent, and computes its own tax from "
        "them. `service_line`: F&O computes no tax; Shopify's tax is booked as lines, one for each tax. "
        "`park`: no difference is accepted.",
    )
    service_item: Code | None = Field(
        default=None,
        description="Service item of the lines with Shopify's tax. For policy = `service_line`.",
    )
    exempt_sales_tax_group: Code | None = Field(
        default=None,
        description="Sales tax group of every line for policy = `service_line`. F&O must compute no tax from it.",
    )
    exempt_item_tax_group: Code | None = Field(
        default=None,
        description="Item sales tax group of every line for policy = `service_line`.",
    )
    shipping_rates: Literal["add_up", "divide"] = Field(
        default="add_up",
        description="How several tax rates on one shipping charge are read. `add_up`: each taxes the whole charge "
        "(state, county, city). `divide`: if the amounts show that each taxes a share, as Shopify does for goods of "
        "two VAT rates, the charge becomes a line for each rate.",
    )
    marketplace: Literal["refuse", "leave_out", "take_out"] = Field(
        default="refuse",
        description="What becomes of an order with tax that a marketplace owes: it is parked (`refuse`), or booked "
        "without that tax (`leave_out`, for prices without tax only; `take_out`, which also lowers prices that include "
        "tax by exactly that tax).",
    )

    @model_validator(mode="after")
    def _complete(self) -> TaxPolicy:
        mistakes = [
            f"policy = {self.policy!r} needs {key}"
            for key in _NEEDED.get(self.policy, ())
            if getattr(self, key) is None
        ]
        mistakes += [
            f"{key} is for policy = {policy!r} only"
            for policy, keys in _NEEDED.items()
            for key in keys
            if policy != self.policy and getattr(self, key) is not None
        ]
        mistakes += self._engine_mistakes()
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    def _engine_mistakes(self) -> list[str]:
        groups = (self.engine_sales_tax_group, self.engine_item_tax_group)
        if self.verify != "external":
            return ["engine_sales_tax_group and engine_item_tax_group are for verify = 'external' only"] * any(groups)
        mistakes = [
            f"verify = 'external' knows no tax before F&O has invoiced: {key} must be {value!r}"
            for key, value in _WITH_ENGINE.items()
            if getattr(self, key) != value
        ]
        if any(groups) and not all(groups):
            mistakes.append("engine_sales_tax_group and engine_item_tax_group go together: give both or neither")
        return mistakes


_WITH_ENGINE: Final = {"policy": "tolerate", "shipping_rates": "add_up", "marketplace": "refuse"}
_NEEDED: Final[dict[TaxDifference, tuple[str, ...]]] = {
    "rounding_line": ("difference_item",),
    "service_line": ("service_item", "exempt_sales_tax_group", "exempt_item_tax_group"),
}
"""The keys that only this policy uses, and needs."""


def unreachable(rules: tuple[TaxRule, ...]) -> list[str]:
    """One line for each rule that no order line can reach."""
    mistakes = []
    for at, rule in enumerate(rules):
        why = _covered_by(rule, rules[:at])
        if why:
            mistakes.append(f"rule #{at + 1} never applies: {why}, and the first that fits decides")
    return mistakes


def _covered_by(rule: TaxRule, earlier: Sequence[TaxRule]) -> str:
    """Which of the earlier rules leave the rule no line, in words; "" if they leave some."""
    for at, one in enumerate(earlier, start=1):
        if one.covers(rule):
            return f"rule #{at} {'is the same' if rule.covers(one) else 'covers it'}"
    first = [next((at for at, one in enumerate(earlier, start=1) if one.covers(case)), 0) for case in rule.cases()]
    return f"rules {', '.join(f'#{at}' for at in sorted(set(first)))} together cover it" if all(first) else ""
