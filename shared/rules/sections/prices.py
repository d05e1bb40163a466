"""What a store's prices are: `[prices]`, `[prices.service]` and `[[prices.lists]]`.

docs/prices.md describes how F&O's prices become those of the shop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from shared.model import smallest_unit
from shared.rules.base import Code, Currency, Rules
from shared.rules.sections.taxes import Fraction

Ending = Annotated[Decimal, Field(ge=0, lt=1, strict=False)]
PriceSearch = Literal["customer", "group", "all"]
EndingDirection = Literal["up", "down", "nearest"]
PathPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,80}$")]
ListName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S(.*\S)?$")]


class PriceTaxRate(Rules):
    """The rate by which prices are converted between with and without tax."""

    item_tax_group: Code = Field(description="Item sales tax group of F&O.")
    rate: Fraction = Field(description="Rate as a fraction: 0.21.")


class PriceService(Rules):
    """The tenant's own price service in F&O: POST /api/services/<group>/<service>/<operation>."""

    group: PathPart = Field(description="Service group.")
    service: PathPart = Field(description="Service.")
    operation: PathPart = Field(description="Operation.")
    quantities: tuple[Annotated[int, Field(gt=1)], ...] = Field(
        default=(),
        description="Quantities above 1 that the service is asked for on lists with `tiers`. A quantity with a lower "
        "price than the one before it becomes a quantity break.",
    )

    @field_validator("quantities")
    @classmethod
    def _ascend(cls, quantities: tuple[int, ...]) -> tuple[int, ...]:
        if list(quantities) != sorted(set(quantities)):
            raise ValueError("give each quantity once, in ascending order")
        return quantities


class PriceListRules(Rules):
    """A price list of the shop, with the catalog that it belongs to."""

    name: ListName = Field(
        description="Name of the price list and of its catalog in Shopify. A list of this name is used, or created."
    )
    currency: Currency = Field(description="Currency of the list, and of the rows of F&O that count for it.")
    groups: tuple[Code, ...] = Field(default=(), description="Price groups of F&O whose rows count for the list.")
    customer: Code | None = Field(
        default=None, description="Account of the customer whose own rows count for the list, before those of `groups`."
    )
    market: int | None = Field(default=None, gt=0, description="Id of the Shopify market that the list is for.")
    company_locations: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        default=(), description="Ids of the company locations that buy by the list (B2B)."
    )
    tiers: bool = Field(default=False, description="Whether F&O's rows from a quantity on become quantity breaks.")
    quantity_rules: bool = Field(
        default=False,
        description="Whether minimum, maximum and multiple of F&O's order settings become quantity rules.",
    )
    list_price_group: Code | None = Field(
        default=None, description="Price group of F&O whose price is the compare-at price where it is higher."
    )
    discount_group: Code | None = Field(
        default=None, description="Line discount group of F&O that the list's customers have."
    )
    includes_tax: bool | None = Field(
        default=None, description="Whether the list's prices include tax. Default: as the shop's own prices."
    )
    tax_rates: tuple[PriceTaxRate, ...] | None = Field(
        default=None, description="Rates of the list's country by item sales tax group. Default: those of [prices]."
    )
    ending: Ending | None = Field(default=None, description="Ending of the list's prices. Default: that of [prices].")

    @model_validator(mode="after")
    def _is_for_somebody(self) -> Self:
        mistakes = []
        if (self.market is None) == (not self.company_locations):
            mistakes.append(
                "give either the market or the company_locations that the list is for: a catalog has one of the two"
            )
        if not self.company_locations:
            mistakes += [
                f"{key}: Shopify has quantity breaks and quantity rules in catalogs of company locations only"
                for key in ("tiers", "quantity_rules")
                if getattr(self, key)
            ]
        if len(set(self.company_locations)) < len(self.company_locations):
            mistakes.append("company_locations: a location is named twice")
        mistakes += _repeated("tax_rates", [each.item_tax_group.casefold() for each in self.tax_rates or ()])
        mistakes += _misfits(self.ending, self.currency)
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self


class PriceRules(Rules):
    currency: Currency = Field(description="The shop's own currency. The flow refuses to run in a shop with another.")
    groups: tuple[Code, ...] = Field(
        default=(),
        description="Price groups of F&O whose rows give the shop's own prices, besides the rows for all customers.",
    )
    list_price_group: Code | None = Field(
        default=None,
        description="Price group of F&O whose price is the compare-at price where it is higher. Without it the "
        "merchant's compare-at prices stay.",
    )
    discount_group: Code | None = Field(
        default=None, description="Line discount group of F&O that the shop's buyers have."
    )
    base_currency: Currency | None = Field(
        default=None,
        description="Currency of the company, and with it of F&O's base prices. They count where no trade agreement "
        "gives a price. Without it they never count.",
    )
    source: Literal["agreements", "service"] = Field(
        default="agreements",
        description="`agreements`: the app computes prices from F&O's base prices and trade agreements. `service`: the "
        "tenant's own service in F&O is asked, see [prices.service].",
    )
    service: PriceService | None = Field(default=None, description='The service for source = "service".')
    search: tuple[PriceSearch, ...] = Field(
        default=("customer", "group", "all"),
        min_length=1,
        description="Which rows F&O searches, as in *Activate price/discount* of the company: of the customer, of the "
        "price group, for all customers.",
    )
    choose: Literal["lowest", "priority"] = Field(
        default="lowest",
        description="Which of several prices counts. `lowest`: as F&O searches, by customer, group and all, on while "
        "*Find next* is set, and the lowest of those found. `priority`: rows of the group with the highest pricing "
        "priority that has a price; of several the lowest.",
    )
    dimensions: Literal["specific", "any"] = Field(
        default="specific",
        description="Which rows count for a variant. `specific`: those that name the most of its dimensions, as in "
        "Commerce; `any`: all that fit, of which the lowest price counts.",
    )
    other_units: Literal["refuse", "leave_out", "convert"] = Field(
        default="refuse",
        description="What becomes of a row in another unit than the item's sales unit. F&O itself searches by the "
        "line's unit (`leave_out`); `convert` by the product's conversion of units; `refuse` gives the item no price.",
    )
    by_warehouse: Literal["refuse", "leave_out"] = Field(
        default="refuse",
        description="What becomes of a row for a site or a warehouse, since the shop shows one price for all.",
    )
    discounts: Literal["refuse", "fold"] = Field(
        default="refuse",
        description="What becomes of a line discount. `fold`: it lowers the price. `refuse`: an item with a line "
        "discount gets no price.",
    )
    fo_includes_tax: bool = Field(description="Whether prices in F&O include sales tax.")
    shop_includes_tax: bool = Field(
        description="Whether the shop's prices include tax. The flow refuses to run in a shop that is set otherwise."
    )
    tax_rates: tuple[PriceTaxRate, ...] = Field(
        default=(),
        description="Rate of each item sales tax group of F&O, where one side includes tax and the other does not.",
    )
    ending: Ending | None = Field(
        default=None,
        description="What every price ends with: 0.99, 0.95, or 0.00 for whole amounts. Without it prices are rounded "
        "to the currency's smallest unit.",
    )
    ending_direction: EndingDirection = Field(
        default="up",
        description="To which price with that ending a price is rounded: the next one above (`up`), below (`down`), or "
        "the nearer one (of two that are equally near, the lower one).",
    )
    allow_zero: bool = Field(default=False, description="Whether a price of 0 is a price, and is shown.")
    overwrite: Literal["set_back", "tell"] = Field(
        default="set_back",
        description="What becomes of a price that somebody changed in Shopify: `set_back` to F&O's, or only told "
        "(`tell`) until F&O's price changes.",
    )
    minutes: int = Field(
        default=15, ge=0, le=1440, description="Minutes between two comparisons with F&O; 0: in every run."
    )
    full_compare_hours: int = Field(
        default=24, ge=1, le=168, description="Hours between two readings of every price in Shopify."
    )
    brake_percent: int = Field(
        default=20,
        ge=0,
        le=100,
        description="When more than this percentage of a list's prices would change in one run, none is written until "
        "an operator confirms.",
    )
    brake_floor: int = Field(
        default=10, ge=0, description="So many changes of a list are written whatever brake_percent says."
    )
    brake_single_percent: int = Field(
        default=50,
        ge=1,
        le=98,
        description="A price that would change by more than this percentage of the higher of the two prices waits "
        "until an operator confirms. At 98 a price that is wrong by the factor 100 still waits.",
    )
    least_share: int = Field(
        default=80,
        ge=0,
        le=100,
        description="Percentage of the rows of the last run that F&O must give at least. With fewer nothing is written "
        "until an operator confirms.",
    )
    proof_groups: tuple[Code, ...] = Field(
        default=(),
        description="Price groups of customers with whose order lines the prices are proved: what F&O gave on lines "
        "that are none of the shop's is compared with what the app computes. Without them nothing is compared.",
    )
    proof_days: int = Field(default=2, ge=1, le=14, description="How many days back order lines are compared.")
    lists: tuple[PriceListRules, ...] = Field(
        default=(), description="Price lists for markets and for company locations."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        mistakes = [
            *_repeated("groups", self.groups),
            *_repeated("search", self.search),
            *_repeated("proof_groups", self.proof_groups),
            *_repeated("tax_rates", [each.item_tax_group.casefold() for each in self.tax_rates]),
        ]
        mistakes += self._source_mistakes()
        mistakes += _misfits(self.ending, self.currency)
        mistakes += _repeated("lists: name", [each.name.casefold() for each in self.lists])
        mistakes += [mistake for each in self.lists for mistake in self._list_mistakes(each)]
        if self.fo_includes_tax != self.shop_includes_tax and not self.tax_rates:
            mistakes.append(_WITHOUT_RATES.format("tax_rates", "the shop's"))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    def _source_mistakes(self) -> Iterator[str]:
        if self.source == "service" and self.service is None:
            yield 'service: is missing: source = "service" needs [prices.service]'
        if self.source != "service" and self.service is not None:
            yield 'service: is for source = "service" only'
        if self.source == "agreements" and not self.groups and self.base_currency is None and "all" not in self.search:
            yield "groups: no price can be found: give price groups or base_currency, or search rows for `all`"
        if self.source == "agreements" and self.groups and "group" not in self.search:
            yield "groups: are never searched: add `group` to search"
        if self.source == "service" and len(self.groups) > 1:
            yield "groups: the tenant's service is asked for one price group"
        if self.proof_groups and self.source == "service":
            yield "proof_groups: the app does not compute what the tenant's service gives, so there is nothing to prove"

    def _list_mistakes(self, each: PriceListRules) -> Iterator[str]:
        where = f"lists ({each.name})"
        if self.source == "service" and len(each.groups) > 1:
            yield f"{where}: groups: the tenant's service is asked for one price group"
        if each.customer is not None and "customer" not in self.search:
            yield f"{where}: customer: rows of customers are never searched: add `customer` to search"
        yield from _repeated(f"{where}: groups", each.groups)
        ending = each.ending if each.ending is not None else self.ending
        if each.ending is None:
            yield from (f"{where}: {mistake}" for mistake in _misfits(ending, each.currency))
        if self.fo_includes_tax != self.includes_tax(each) and not self.rates(each):
            yield f"{where}: " + _WITHOUT_RATES.format("tax_rates", "the list's")

    def includes_tax(self, each: PriceListRules) -> bool:
        return self.shop_includes_tax if each.includes_tax is None else each.includes_tax

    def rates(self, each: PriceListRules) -> tuple[PriceTaxRate, ...]:
        return self.tax_rates if each.tax_rates is None else each.tax_rates


_WITHOUT_RATES = (
    "{}: are missing: F&O's prices and {} differ in whether they include tax, and no price can be converted without "
    "the rate of its item sales tax group"
)


def _misfits(ending: Decimal | None, currency: str) -> list[str]:
    if ending is None or ending % smallest_unit(currency) == 0:
        return []
    return [f"ending: {currency} has no amounts that end with {ending}"]


def _repeated(key: str, values: object) -> list[str]:
    counts = Counter(values) if isinstance(values, (tuple, list)) else Counter[str]()
    return [f"{key}: {value} is named twice" for value, times in counts.items() if times > 1]
