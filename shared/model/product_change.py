"""What is written to a product in the shop. A field that is None is not sent, and stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from shared.model.product import Metafield, ProductStatus, Weight


@dataclass(frozen=True, slots=True)
class ProductFields:
    """A product's own fields."""

    title: str | None = None
    description_html: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    category: str | None = None
    status: ProductStatus | None = None


type VariantValues = tuple[tuple[str, str], ...]
"""A variant's value of each option, by the option's name."""


@dataclass(frozen=True, slots=True)
class VariantFields:
    """The fields of one variant."""

    id: int | None = None
    """None for a new one."""
    values: VariantValues | None = None
    sku: str | None = None
    barcode: str | None = None
    price: Decimal | None = None
    compare_at: Decimal | None = None
    denies_overselling: bool | None = None
    weight: Weight | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    origin_province: str | None = None
    cost: Decimal | None = None
    tracked: bool | None = None
    requires_shipping: bool | None = None
    tax_code: str | None = None
    metafields: tuple[Metafield, ...] = ()
    stocked_at: tuple[int, ...] = ()
    """Locations that begin with 0 units of a new variant."""


@dataclass(frozen=True, slots=True)
class OptionChange:
    """New names of an option, or of some of its values."""

    id: int
    name: str | None = None
    values: tuple[tuple[int, str], ...] = ()
    """Id and new name of each."""


@dataclass(frozen=True, slots=True)
class OptionOrder:
    """All options of a product in their order, by id."""

    options: tuple[tuple[int, tuple[int, ...]], ...]
    """Id of each option, and those of its values in their order."""


@dataclass(frozen=True, slots=True)
class NewOption:
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product that the shop does not have yet."""

    item_number: str
    fields: ProductFields
    options: tuple[NewOption, ...]
    """Empty for a product without variants."""
    variants: tuple[VariantFields, ...]
    tags: tuple[str, ...] = ()
    metafields: tuple[Metafield, ...] = ()


@dataclass(frozen=True, slots=True)
class Translated:
    """A text of the product, of one of its options or of an option value, in one locale."""

    resource: str
    """Shopify's global id."""
    key: str
    """title, body_html, name."""
    locale: str
    value: str


type Registered = tuple[Translated, str]
"""A translation, and Shopify's digest of the text that it translates."""


@dataclass(frozen=True, slots=True)
class TranslatableText:
    """A text in the shop's own language, and what a locale has for it."""

    resource: str
    key: str
    value: str
    digest: str
    """Shopify's, of the text in the shop's own language."""
    translated: str | None = field(default=None)
    is_outdated: bool = False
    """The text was changed since it was translated."""
