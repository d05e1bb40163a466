"""A product as it should stand in the shop by F&O and the rules, and as it stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from shared.errors import RefusedError
from shared.model.price import ListedPrice
from shared.model.stock import Item


class ProductStatus(StrEnum):
    """Shopify's ProductStatus."""

    ACTIVE = "ACTIVE"
    DRAFT = "DRAFT"
    ARCHIVED = "ARCHIVED"
    UNLISTED = "UNLISTED"


class Metafield(NamedTuple):
    namespace: str
    key: str
    type: str
    """Shopify's: single_line_text_field, number_decimal, boolean ..."""
    value: str


class Weight(NamedTuple):
    value: Decimal
    unit: str
    """Shopify's WeightUnit: GRAMS, KILOGRAMS, OUNCES, POUNDS."""


@dataclass(frozen=True, slots=True)
class ProductImage:
    key: str
    """What identifies the picture in F&O; the shop's file is found by it again."""
    digest: str
    """Another one for another picture under the same key. F&O's key has the time of the attachment: there, the key."""
    file_name: str
    mime_type: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class ProductOption:
    name: str
    """In the shop's own language: "Color"."""
    dimension: str
    """F&O's field that it stands for: ProductColorId. "" for one that F&O does not know."""
    values: tuple[str, ...]
    """As shown, in their order."""
    ids: tuple[str, ...] = ()
    """F&O's value of each, in the same order: a renamed value keeps its id."""


@dataclass(frozen=True, slots=True)
class WantedVariant:
    """A field that is None belongs to the merchant, or F&O has no value for it: it is never sent."""

    item: Item
    sku: str
    values: tuple[str, ...] = ()
    """As shown, one for each option of the product; empty for a product without variants."""
    is_approved: bool = True
    """If not, the variant stays and cannot be bought: no stock is shown, and none is oversold."""
    barcode: str | None = None
    weight: Weight | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    """ISO 3166-1 alpha-2."""
    origin_province: str | None = None
    cost: Decimal | None = None
    """In the shop's currency."""
    tracked: bool | None = None
    requires_shipping: bool | None = None
    tax_code: str | None = None
    metafields: tuple[Metafield, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedProduct:
    """Every field that is None belongs to the merchant, or F&O has no value for it: it is never sent."""

    item_number: str
    """Of the master, or of the product without variants: the identity in the shop's id metafield."""
    is_approved: bool
    title: str | None = None
    description_html: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    category: str | None = None
    """Id of Shopify's taxonomy: gid://shopify/TaxonomyCategory/..."""
    tags: tuple[str, ...] = ()
    """Those that F&O gives. The merchant's own stay."""
    options: tuple[ProductOption, ...] = ()
    """Empty for a product without variants."""
    variants: tuple[WantedVariant, ...] = ()
    kept: frozenset[Item] = frozenset()
    """Variants that are sold, but cannot be shown as F&O has them. Where the shop has them, they stay as they are."""
    unsold: Mapping[str, Item] = field(default_factory=dict)
    """By SKU, variants of F&O that are not sold, and that the app does not know in the shop. One that the shop has all
    the same, as in a product that is taken over, cannot be bought.
    """
    metafields: tuple[Metafield, ...] = ()
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By locale of the shop: `title` and `body_html`."""
    value_translations: Mapping[str, Mapping[tuple[str, str], str]] = field(default_factory=dict)
    """By locale: names of option values by (dimension, F&O's value); of the option itself under (dimension, "")."""
    images: tuple[ProductImage, ...] = ()
    once: frozenset[str] = frozenset()
    """Fields that are sent when the product (or its variant) is new in the shop, and never again: keys of
    [products.owners] in a store's file.
    """


@dataclass(frozen=True, slots=True)
class ShopVariant:
    """A variant as the shop has it."""

    id: int
    inventory_item: int
    sku: str
    barcode: str
    values: tuple[str, ...]
    """In the order of the product's options."""
    price: Decimal
    compare_at: Decimal | None
    denies_overselling: bool
    weight: Weight | None
    hs_code: str | None
    origin_country: str | None
    origin_province: str | None
    cost: Decimal | None
    tracked: bool
    requires_shipping: bool
    metafields: tuple[Metafield, ...] = ()
    """Those that were asked for. Shopify does not tell a variant's tax code any more."""


@dataclass(frozen=True, slots=True)
class ShopOption:
    id: int
    name: str
    values: tuple[tuple[int, str], ...]
    """Id and name of each, in their order."""


class MediaStatus(StrEnum):
    """Shopify's MediaStatus."""

    UPLOADED = "UPLOADED"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ShopPicture:
    """A picture of a product in the shop."""

    id: int
    status: MediaStatus
    alt: str = ""
    file_name: str = ""
    """Of its address; "" until it is ready."""
    error: str = ""
    """Shopify's words, where it could not process the picture."""


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product as the shop has it."""

    id: int
    item_number: str | None
    """Of the id metafield; None for a product that the app does not know yet."""
    status: ProductStatus
    title: str
    description_html: str
    vendor: str
    product_type: str
    category: str | None
    tags: tuple[str, ...]
    options: tuple[ShopOption, ...]
    variants: tuple[ShopVariant, ...]
    metafields: tuple[Metafield, ...] = ()
    """Those that were asked for."""
    publications: frozenset[int] = frozenset()
    """On which it is published, or will be on a day that somebody chose."""
    given: str = ""
    """The text of the metafield in which the app remembers what it gave the product; "" for none."""
    pictures: tuple[ShopPicture, ...] = ()
    """In their order; empty if they were not asked for."""


@dataclass(frozen=True, slots=True)
class ShopLimits:
    """What the shop takes of a product, and what it has."""

    currency: str
    options: int = 3
    variants: int = 2048
    """Of one product."""
    values: int = 100
    """Of one option. Recorded from live shops; Shopify's schema names no limit."""
    has_variants: int = 0
    """Of all products."""


type VariantPrices = Mapping[Item, ListedPrice | None]
"""The shop price of each variant by the rules; None for one that has none."""


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """What the app remembers of a product in the shop: it saves a search, and is checked when it is read."""

    id: int
    variants: Mapping[Item, int]


class ShopState(StrEnum):
    """Where a product stands in the shop after it was brought in line with F&O."""

    ACTIVE = "active"
    WAITING = "waiting"
    """A draft until each approved variant has a price."""
    WITHDRAWN = "withdrawn"
    """It left the rule: unpublished or a draft."""
    REFUSED = "refused"
    """Shopify or a limit refused it; the problems say why."""


@dataclass(frozen=True, slots=True)
class Converged:
    """What bringing one product in line with F&O led to."""

    id: int | None
    """None if the shop has no such product: it was refused, or never met the rule."""
    variants: Mapping[Item, int]
    state: ShopState
    problems: tuple[RefusedError, ...] = ()
    unpublished: bool = False
    """It could be seen in the shop before, and cannot any more."""
    calls: int = 0
    """To Shopify."""
    is_pending: bool = False
    """Shopify has not finished with a picture: the next run has to look again, though nothing changed in F&O."""
    awaits_another_day: bool = False
    """Its new variants were not created: Shopify takes no more of them on this day."""
    unsold: Mapping[int, Item] = field(default_factory=dict)
    """By id, variants that the app did not know, of items that are not sold: all that have the SKU of one."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """A product of the shop that the app does not know yet, and would take as F&O's."""

    id: int
    variants: Mapping[Item, int]
    """Those that were recognized."""
    differing: tuple[str, ...] = ()
    """Fields that adopting would change."""
    problems: tuple[RefusedError, ...] = ()
