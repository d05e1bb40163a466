"""Financial dimensions of what is booked: `[[dimensions]]`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.rules.base import ANY, CountryOrAny, Rules

type DimensionValue = Annotated[str, StringConstraints(min_length=1, max_length=30, pattern=r"^\S(.*\S)?$")]


class DimensionRule(Rules):
    """Of each dimension the first rule whose conditions all fit decides; without one its segment stays empty."""

    dimension: DimensionValue = Field(description="Name of the financial dimension in F&O: Department.")
    value: DimensionValue = Field(description="Its value; must exist in F&O and be active.")
    channels: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description="Where the order was placed, by Shopify's source name: web, pos, shopify_draft_order, the id of an "
        "app. `*` and `?` as in file names; case does not count.",
    )
    locations: tuple[int, ...] = Field(
        default=(), description="Shopify locations of a point of sale, or of a pick-up. Default: any, or none."
    )
    countries: tuple[CountryOrAny, ...] = Field(
        default=(ANY,), min_length=1, description="Countries of the market: those that the order is delivered to."
    )
    tag: str | None = Field(default=None, description="A tag of the order. Case does not count.")
    skus: tuple[str, ...] = Field(
        default=(ANY,),
        min_length=1,
        description='SKUs, for dimensions by type of product ("TENT-*"). `*` and `?` as in file names; case counts. '
        "Such a rule applies to lines only, not to header, customer and payments.",
    )

    @property
    def is_for_lines(self) -> bool:
        return ANY not in self.skus

    @property
    def is_for_everything(self) -> bool:
        """Whether it has no condition."""
        return (
            ANY in self.channels
            and not self.locations
            and ANY in self.countries
            and self.tag is None
            and not self.is_for_lines
        )

    def fits(self, *, channel: str, locations: Iterable[int], country: str, tags: Sequence[str], sku: str) -> bool:
        """`sku` is "" for what is no product line."""
        return (
            any(fnmatchcase(channel.casefold(), pattern.casefold()) for pattern in self.channels)
            and (not self.locations or not set(self.locations).isdisjoint(locations))
            and (ANY in self.countries or country in self.countries)
            and (self.tag is None or self.tag.casefold() in {tag.casefold() for tag in tags})
            and any(fnmatchcase(sku, pattern) for pattern in self.skus)
        )


def dimension_mistakes(
    rules: Sequence[DimensionRule], *, segments: Sequence[str], required: Sequence[str], company: str
) -> list[str]:
    """One line for each contradiction to what F&O's administrator entered in the tenant file."""
    named = dict.fromkeys(rule.dimension for rule in rules)
    if rules and not segments:
        missing = (
            f"dimensions: companies.{company}.dimension_format of the tenant file is empty: enter the segments of "
            "F&O's format for default dimensions, in their order (docs/fo-setup.md, Financial dimensions)"
        )
        return [missing]
    return [
        *(
            f"dimensions: {name} is no segment of companies.{company}.dimension_format ({', '.join(segments)})"
            for name in named
            if name not in segments
        ),
        *(
            (
                f"dimensions: company {company} requires {name}, and no rule without conditions gives it a value: an "
                "order that no other rule fits would have none, and could not be posted"
            )
            for name in required
            if not any(rule.dimension == name and rule.is_for_everything for rule in rules)
        ),
    ]
