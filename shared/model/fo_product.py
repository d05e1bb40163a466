"""A product as F&O has it: everything about one released item, put together from F&O's sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from shared.model.stock import Item


class FoText(NamedTuple):
    """Plain text, "" where F&O has none."""

    name: str
    description: str


class FoVariant(NamedTuple):
    """A released variant of a product master."""

    item: Item
    number: str
    """ProductVariantNumber: its product number, and its SKU."""
    lifecycle_state: str
    tax_group: str


class FoValue(NamedTuple):
    """A value of a product dimension, as the product master has it."""

    id: str
    sequence: Decimal
    """DisplaySequenceNumber: values are shown in its order."""


class FoStop(NamedTuple):
    """Sales are stopped at a site, of the variants with these dimensions."""

    site: str
    """"" for every site."""
    item: Item
    """A dimension that is "" fits each of its values."""


class FoBarcode(NamedTuple):
    code: str
    unit: str
    setup: str


class FoAttribute(NamedTuple):
    name: str
    data_type: str
    """F&O's AttributeDataType: Text, Decimal, Integer, TrueFalse, DateTime, Currency, Reference."""
    value: str
    """As text: Yes or No, a decimal number, a moment in ISO 8601."""
    currency: str = ""


class FoCategory(NamedTuple):
    hierarchy: str
    name: str


class FoImage(NamedTuple):
    """A picture that is attached in F&O; its bytes are read apart. The first four fields are its key there."""

    owner: str
    """Item number of a released product, product number of a product."""
    type_code: str
    description: str
    attached_at: str
    """As F&O writes it. A picture that is replaced is attached anew."""
    file_name: str
    file_type: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class FoProduct:
    """A released item of a company: a product master with its variants, or a product without variants."""

    item_number: str
    product_number: str
    is_master: bool
    is_service: bool
    lifecycle_state: str
    model_group: str
    sold_from: date | None = None
    sold_until: date | None = None
    """Its last day. None for no limit, as in the other dates."""
    valid_from: date | None = None
    valid_until: date | None = None
    is_stopped: bool = False
    """For sales, at every site."""
    sales_unit: str = ""
    net_weight: Decimal = Decimal(0)
    tare_weight: Decimal = Decimal(0)
    """Both in the company's unit of weight."""
    origin_country: str = ""
    """F&O's country or region."""
    origin_state: str = ""
    commodity_code: str = ""
    """Of Intrastat."""
    hs_code: str = ""
    tax_group: str = ""
    """Item sales tax group."""
    cost: Decimal = Decimal(0)
    """Of `cost_quantity` units; 0 for one unit."""
    cost_quantity: Decimal = Decimal(0)
    variants: tuple[FoVariant, ...] = ()
    stops: tuple[FoStop, ...] = ()
    texts: Mapping[str, FoText] = field(default_factory=dict)
    """By F&O's language."""
    values: Mapping[str, tuple[FoValue, ...]] = field(default_factory=dict)
    """By field of the dimension: ProductColorId."""
    value_names: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """By field of the dimension, value, and language."""
    barcodes: Mapping[Item, tuple[FoBarcode, ...]] = field(default_factory=dict)
    attributes: Mapping[str, tuple[FoAttribute, ...]] = field(default_factory=dict)
    """By product number: of the product, and of its variants."""
    categories: tuple[FoCategory, ...] = ()
    images: tuple[FoImage, ...] = ()


class CategoryNode(NamedTuple):
    parent: str
    """"" for a category at the top of its hierarchy."""
    label: str
    """For people: FriendlyCategoryName, else its name."""


class AssortmentLine(NamedTuple):
    """What an assortment includes or excludes: a category with its children, or an item, or variants of it."""

    assortment: str
    includes: bool
    category: FoCategory | None
    item: Item
    """A dimension that is "" fits each of its values. No number where the line is of a category."""


@dataclass(frozen=True, slots=True)
class FoCatalogueTerms:
    """What the products of a company have in common."""

    categories: Mapping[FoCategory, CategoryNode] = field(default_factory=dict)
    assortments: tuple[AssortmentLine, ...] = ()
    """Lines of all assortments of the rules that are published now."""
    countries: Mapping[str, str] = field(default_factory=dict)
    """F&O's country or region -> ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True)
class StampedItem:
    """An item that F&O stamped as changed."""

    number: str
    at: datetime
