"""Which warehouse ships what: `[[warehouses]]`, in order of preference, and `[allocation]`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.rules.base import ANY, Code, Country, CountryOrAny, Rules


class Warehouse(Rules):
    id: Code = Field(description="F&O warehouse.")
    site: Code = Field(description="F&O site of the warehouse.")
    location: int = Field(gt=0, description="Shopify location that shows this warehouse's stock.")
    country: Country = Field(description="Its country, which decides the tax of point of sale orders, and distance.")
    province: str = Field(default="", description="Its state or province, ISO 3166-2 without the country (CO).")
    countries: tuple[CountryOrAny, ...] = Field(
        min_length=1,
        description='Countries it ships to; ["*"] for every country.',
    )
    latitude: float | None = Field(default=None, ge=-90, le=90, strict=False, description="Degrees north.")
    longitude: float | None = Field(default=None, ge=-180, le=180, strict=False, description="Degrees east.")

    @model_validator(mode="after")
    def _both_coordinates(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together: give both or none")
        return self

    def ships_to(self, country: str) -> bool:
        return ANY in self.countries or country in self.countries


class AllocationRules(Rules):
    split: bool = Field(
        default=False,
        description="Whether an order may ship from several warehouses if none has all of its lines.",
    )
    split_lines: bool = Field(
        default=False,
        description="Whether the quantity of one line may be divided over warehouses. Needs split.",
    )

    @model_validator(mode="after")
    def _lines_only_with_orders(self) -> Self:
        if self.split_lines and not self.split:
            raise ValueError("split_lines = true needs split = true")
        return self
