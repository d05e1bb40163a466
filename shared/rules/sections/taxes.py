"""Which F&O tax groups stand for Shopify's taxes: `[[taxes]]` and `[tax]`.

F&O computes tax itself: the sales tax group of the customer's side and the item sales tax group of the item's side meet
in the tax codes that both contain. There is no field to send it an amount.
"""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, model_validator

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


TaxDifference = Literal["tolerate", "rounding_line", "prices_with_tax", "service_line", "park"]


class TaxPolicy(Rules):
    verify: Literal["rules", "fo"] = Field(
        default="rules",
        description="What tells us the tax that F&O will post: `rules`, the rates of [[taxes]]; `fo`, F&O's own tax "
        "codes with their rates and rounding (not for companies on the separate tax calculation service).",
    )
    calculation_method: Literal["line", "total"] = Field(
        default="line",
        description='General ledger parameter "Calculation method" of the company, which F&O shows nobody outside. '
        "For verify = `fo`.",
    )
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
        description="Service item that takes the tolerated difference. For policy = `rounding_line`.",
    )
    policy: TaxDifference = Field(
        default_factory=lambda keys: "rounding_line" if keys.get("difference_item") else "tolerate",
        description="What a difference between Shopify's tax and F&O's becomes. "
        "`tolerate`: within the tolerance, cents that the journal names. "
        "`rounding_line`: those cents are a line, so that F&O's total is Shopify's; prices that include tax have the "
        "right total without. "
        "`prices_with_tax`: F&O always gets prices with tax in them, Shopify's to the cent, and takes its own tax out. "
        "`service_line`: F&O computes no tax; Shopify's is on lines of its own, one for each tax. "
        "`park`: no difference is accepted at all.",
    )
    service_item: Code | None = Field(
        default=None,
        description="Service item of the lines that carry Shopify's tax. For policy = `service_line`.",
    )
    exempt_sales_tax_group: Code | None = Field(
        default=None,
        description="Sales tax group of every line under policy = `service_line`: F&O must compute no tax from it.",
    )
    exempt_item_tax_group: Code | None = Field(
        default=None,
        description="Item sales tax group of every line under policy = `service_line`.",
    )
    shipping_rates: Literal["add_up", "divide"] = Field(
        default="add_up",
        description="What several rates on one shipping charge mean. `add_up`: all of them tax all of it (state, "
        "county, city). `divide`: where the amounts say that each taxes a share, as Shopify does for goods of two VAT "
        "rates, the charge becomes a line for each rate.",
    )
    marketplace: Literal["refuse", "leave_out", "take_out"] = Field(
        default="refuse",
        description="Tax that a marketplace owes, not the seller: the order is parked (`refuse`), or booked without "
        "that tax, which the marketplace keeps (`leave_out`, for prices without tax only). `take_out` also lowers "
        "prices that include tax by exactly that tax.",
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
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self


_NEEDED: Final[dict[TaxDifference, tuple[str, ...]]] = {
    "rounding_line": ("difference_item",),
    "service_line": ("service_item", "exempt_sales_tax_group", "exempt_item_tax_group"),
}
"""The keys that a policy needs, and no other has a use for."""


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
