"""Which products of F&O stand in the shop, and what the app sets of them: `[products]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from shared.rules.base import Code, Currency, Rules
from shared.rules.sections.product_fields import (
    ENGLISH,
    AttributeRule,
    CategoryRule,
    Dimension,
    FieldOwners,
    JoinRule,
    Language,
    LocaleRule,
    MetafieldRule,
    Name,
    OptionRule,
    TagSource,
    TaxCodeRule,
    TaxonomyRule,
    TextSource,
    repeated_metafields,
)

_ORDER: Final[tuple[Dimension, ...]] = ("color", "size", "style", "configuration", "version")


class ApprovalRules(Rules):
    """What is sold, of the released products of the company: what fits every key, is not stopped for sales, and is
    within its dates.
    """

    lifecycle_states: tuple[Code, ...] = Field(
        default=(),
        description="Product lifecycle states in which a product, and each of its variants, is sold. A variant without "
        "a state of its own has that of its product.",
    )
    category: CategoryRule | None = Field(default=None, description="Only products of these categories.")
    attribute: AttributeRule | None = Field(default=None, description="Only products with this attribute value.")
    assortments: tuple[Code, ...] = Field(
        default=(), description="Only products of these assortments of Commerce, while they are published."
    )
    every_product: bool = Field(
        default=False, description="Whether every released product is sold. Needed if no other key says which."
    )

    @property
    def is_said(self) -> bool:
        return bool(self.lifecycle_states or self.category or self.attribute or self.assortments or self.every_product)

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.every_product and (self.lifecycle_states or self.category or self.attribute or self.assortments):
            raise ValueError("every_product = true contradicts the other keys: they say which products are sold")
        return self


class ProductRules(Rules):
    approved: ApprovalRules = Field(default=ApprovalRules(), description="Which products are sold.")
    adopt: bool = Field(
        default=False,
        description="Whether the flow writes. While it is false, every run only reports which products it would take "
        "over by SKU or barcode, which it would create, and what it would change.",
    )
    leaves: Literal["unpublish", "draft"] = Field(
        default="unpublish", description="What becomes of a product that is not sold any more. It is never deleted."
    )
    delete_variants: bool = Field(
        default=False,
        description="Whether a variant that is not sold any more is deleted. Otherwise it stays and cannot be bought.",
    )
    visible_at_zero: bool = Field(
        default=False, description="Whether a product may be seen and bought whose price is 0, or is not known."
    )
    publications: tuple[int | Name, ...] = Field(
        default=("Online Store",), description="Sales channels that show the products: names, or ids of publications."
    )
    language: Language = Field(default="en-US", description="F&O's language of the texts in the shop's own language.")
    locales: tuple[LocaleRule, ...] = Field(
        default=(), description="Other locales of the shop, which get translations, and F&O's language of each."
    )
    owners: FieldOwners = Field(default=FieldOwners(), description="Which system owns which field.")
    options: tuple[OptionRule, ...] = Field(
        default=(),
        description="Names of the options, in their order. Dimensions that are not named come after them, with English "
        "names: color, size, style, configuration, version.",
    )
    fourth_dimension: Literal["park", "join"] = Field(
        default="park",
        description="What becomes of a product with more dimensions than the three options that Shopify has: it is "
        "told and not created (`park`), or some become one option (`join`).",
    )
    join: JoinRule | None = Field(default=None, description='Which dimensions. Only for fourth_dimension = "join".')
    vendor: TextSource | None = Field(default=None, description="Where the vendor comes from.")
    product_type: TextSource | None = Field(default=None, description="Where the product type comes from.")
    tags: tuple[TagSource, ...] = Field(default=(), description="Where tags come from.")
    categories: tuple[TaxonomyRule, ...] = Field(
        default=(), description="Shopify's category by F&O's. The first rule that fits decides."
    )
    barcode_setups: tuple[Code, ...] = Field(
        default=(), description="Barcode setups of F&O whose barcodes are shown. Default: all."
    )
    weight: Literal["net", "gross"] = Field(default="net", description="F&O's net weight, or with the tare weight.")
    weight_unit: Literal["kg", "g", "lb", "oz"] | None = Field(
        default=None, description="Unit of weights in the F&O company: its products do not name one."
    )
    cost_currency: Currency | None = Field(
        default=None, description="Accounting currency of the F&O company. A cost is set only in the shop's currency."
    )
    tax_codes: tuple[TaxCodeRule, ...] = Field(
        default=(), description="Shopify's tax code by F&O's item sales tax group."
    )
    not_stocked_groups: tuple[Code, ...] = Field(
        default=(), description="Item model groups of F&O whose items are not stocked. Services never are."
    )
    images: Literal["released", "product"] = Field(
        default="released", description="Where images are attached in F&O: to the released product, or the product."
    )
    metafields: tuple[MetafieldRule, ...] = Field(default=(), description="Product attributes as metafields.")
    full_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="Minutes after which all products are read again; 0: in every run. In between only those are read "
        "that F&O stamps as changed: names, texts, variants, attributes and barcodes have no stamp.",
    )
    full_compare_hours: int = Field(
        default=24,
        ge=1,
        le=720,
        description="Hours in which every product is compared with the shop once, whether or not it seems changed.",
    )
    unpublish_percent: int = Field(
        default=5,
        ge=0,
        le=100,
        description="A run that would withdraw more than this percentage of the products withdraws none of them until "
        "an operator confirms.",
    )
    unpublish_floor: int = Field(
        default=3, ge=0, description="As many products may be withdrawn in one run, whatever their percentage."
    )
    least_share: int = Field(
        default=80,
        ge=0,
        le=100,
        description="Percentage of the products of the last full run below which a reading of F&O counts as "
        "incomplete: nothing is written until an operator confirms.",
    )
    variants_a_day: int = Field(
        default=1000,
        ge=0,
        description="New variants a day once the shop has 50,000, as Shopify limits them; 0 for no limit.",
    )

    @property
    def option_order(self) -> tuple[Dimension, ...]:
        named = tuple(each.dimension for each in self.options)
        return (*named, *(each for each in _ORDER if each not in named))

    def option_name(self, dimension: Dimension) -> str:
        return next((each.name for each in self.options if each.dimension == dimension), ENGLISH[dimension])

    def translated_option(self, dimension: Dimension, locale: str) -> str | None:
        names = next((each.names for each in self.options if each.dimension == dimension), ())
        return next((each.name for each in names if each.locale == locale), None)

    def tax_code(self, group: str) -> str | None:
        return next((each.code for each in self.tax_codes if each.group.casefold() == group.casefold()), None)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if mistakes := [*self._lacking(), *self._contradictions(), *repeated_metafields(self.metafields)]:
            raise ValueError("\n".join(mistakes))
        return self

    def _lacking(self) -> Iterator[str]:
        """Owned fields whose value no key gives."""
        given = {
            "vendor": ("vendor", self.vendor),
            "product_type": ("product_type", self.product_type),
            "tags": ("tags", self.tags),
            "category": ("categories", self.categories),
            "weight": ("weight_unit", self.weight_unit),
            "cost": ("cost_currency", self.cost_currency),
            "tax_code": ("tax_codes", self.tax_codes),
            "translations": ("locales", self.locales),
        }
        for name, (key, value) in given.items():
            if self.owners.owned(name) and not value:
                yield f'owners.{name} = "{getattr(self.owners, name)}" needs {key}'
            elif value and not self.owners.owned(name):
                yield f'{key}: owners.{name} = "never", so that nothing would be set; set it to "fo" or "once"'
        if self.metafields and not self.owners.owned("metafields"):
            yield 'metafields: owners.metafields = "never", so that nothing would be set'

    def _contradictions(self) -> Iterator[str]:
        if (self.fourth_dimension == "join") != (self.join is not None):
            yield 'fourth_dimension = "join" and the table join go together: give both or none'
        locales = {each.locale for each in self.locales}
        yield from (
            f"options: {each.dimension} has a name in locale {name.locale}, which products.locales does not have"
            for each in self.options
            for name in each.names
            if name.locale not in locales
        )
        yield from _twice("options: dimension", (each.dimension for each in self.options))
        yield from _twice("publications:", map(str, self.publications))
        yield from _twice("locales: locale", (each.locale for each in self.locales))
        yield from _twice("tax_codes: group", (each.group.casefold() for each in self.tax_codes))
        yield from _twice("options: name", (self.option_name(each).casefold() for each in _ORDER))


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f"{what} {name} is there twice" for name, times in Counter(names).items() if times > 1)
