"""Which F&O tax groups stand for Shopify's taxes: `[[taxes]]` and `[tax]`.

F&O computes tax itself: the sales tax group of the customer's side and the item sales tax group of the item's side meet
in the tax codes that both contain. There is no field to send it an amount.
"""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from shared.rules.base import ANY, Code, CountryOrAny, Rules

Rate = Annotated[Decimal, Field(ge=0, lt=1, strict=False)]


def _written_as(rates: Any) -> str:
    return "word" if isinstance(rates, str) else "list"


Rates = Annotated[
    Annotated[tuple[Rate, ...], Field(min_length=1), Tag("list")] | Annotated[Literal["any"], Tag("word")],
    Discriminator(_written_as),
]


class TaxRule(Rules):
    """The first rule that fits a line decides. Write the special ones before the general ones."""

    countries: tuple[CountryOrAny, ...] = Field(
        min_length=1,
        description='Destinations, ISO alpha-2; ["*"] for every country.',
    )
    provinces: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description='States or provinces of the destination, ISO 3166-2 without country; ["*"] for all.',
    )
    rates: Rates = Field(
        description="The line's tax rate as a fraction (0.21), all its tax lines added up (state + county + city). "
        '[0] is the rule for lines without tax. "any" takes every rate above 0, for companies whose F&O tax set-up '
        "goes by address.",
    )
    titles: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description="Every tax line's title fits one of these; `*` and `?` as in file names, case aside.",
    )
    sales_tax_group: Code = Field(description="F&O sales tax group, of the order's side.")
    item_tax_group: Code = Field(description="F&O item sales tax group, of the item's side.")

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
            and (ANY in self.titles or set(other.titles) <= set(self.titles))
        )

    def _covers_rates(self, other: TaxRule) -> bool:
        if self.rates == "any":
            return other.rates == "any" or min(other.rates) > 0
        return other.rates != "any" and set(other.rates) <= set(self.rates)


class TaxPolicy(Rules):
    tolerance: int = Field(
        default=2,
        ge=0,
        description="How far F&O's expected tax of an order may be from Shopify's, in the currency's smallest unit: "
        "cents of a euro, whole yen.",
    )
    tolerance_per_line: int = Field(
        default=1,
        ge=0,
        description="What each taxed line adds to the tolerance, in the same unit: both systems round every line.",
    )
    difference_item: Code | None = Field(
        default=None,
        description="Service item that takes the tolerated difference, so that F&O's total is Shopify's to the cent. "
        "Without it the cents stay a difference, named in the journal. Only for prices without tax.",
    )
    marketplace: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="Tax that a marketplace owes, not the seller: the order is parked (`refuse`), or booked without "
        "that tax, which the marketplace keeps (`leave_out`).",
    )


def unreachable(rules: tuple[TaxRule, ...]) -> list[str]:
    """A line for each rule that no order line can ever reach."""
    mistakes = []
    for later, rule in enumerate(rules):
        for earlier in range(later):
            if rules[earlier].covers(rule):
                what = "says the same as" if rule.covers(rules[earlier]) else "is hidden by"
                mistakes.append(f"rule #{later + 1} {what} rule #{earlier + 1}: the first that fits decides")
                break
    return mistakes
