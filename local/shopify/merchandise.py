"""Records of what a shop sells: products, their options and variants, and the publications that show them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from local.shopify.model import Metafield

#: The option and its value of a product without variants.
TITLE, DEFAULT_TITLE = "Title", "Default Title"
_GRAMS = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}


@dataclass(slots=True, eq=False)
class OptionValue:
    id: int
    name: str


@dataclass(slots=True, eq=False)
class ProductOption:
    id: int
    name: str
    values: list[OptionValue] = field(default_factory=list)

    def value(self, name: str) -> OptionValue | None:
        return next((each for each in self.values if each.name == name), None)


@dataclass(slots=True, eq=False)
class Product:
    """`variants` and `options` are in their order in the shop."""

    id: int
    title: str
    handle: str
    vendor: str
    created_at: datetime
    updated_at: datetime
    status: str = "ACTIVE"
    description_html: str = ""
    product_type: str = ""
    #: of Shopify's taxonomy, without its global id's beginning: sg-4-17-2-17
    category: str | None = None
    template_suffix: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    tags: list[str] = field(default_factory=list)
    options: list[ProductOption] = field(default_factory=list)
    variants: "list[Variant]" = field(default_factory=list)
    #: by namespace as it is stored and key
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)
    #: ids of its pictures, in their order
    media: list[int] = field(default_factory=list)
    #: when it is published, by id of the publication
    publications: dict[int, datetime] = field(default_factory=dict)
    #: the shop's products that changed since webhooks were sent, by id
    changes: "dict[int, Product]" = field(default_factory=dict, repr=False)

    def option(self, name: str) -> ProductOption | None:
        return next((each for each in self.options if each.name == name), None)

    @property
    def has_only_default_variant(self) -> bool:
        """Whether the product has no variants of its own."""
        return len(self.variants) == 1 and self.variants[0].title is None

    def touch(self, now: datetime) -> None:
        self.updated_at = max(self.updated_at, now)
        self.changes[self.id] = self


@dataclass(slots=True, eq=False)
class Variant:
    id: int
    product: Product
    inventory_item_id: int
    #: None for none
    sku: str | None
    price: Decimal
    created_at: datetime
    updated_at: datetime
    #: by id of the option
    values: dict[int, OptionValue]
    weight: Decimal = Decimal(0)
    weight_unit: str = "GRAMS"
    compare_at_price: Decimal | None = None
    barcode: str | None = None
    inventory_policy: str = "DENY"
    taxable: bool = True
    tax_code: str | None = None
    cost: Decimal | None = None
    tracked: bool = True
    requires_shipping: bool = True
    harmonized_system_code: str | None = None
    country_code_of_origin: str | None = None
    province_code_of_origin: str | None = None
    media_id: int | None = None
    metafields: dict[tuple[str, str], Metafield] = field(default_factory=dict)

    @property
    def product_id(self) -> int:
        return self.product.id

    @property
    def product_title(self) -> str:
        return self.product.title

    @property
    def value_names(self) -> tuple[str, ...]:
        """The values of its options, in their order."""
        return tuple(self.values[option.id].name for option in self.product.options)

    @property
    def title(self) -> str | None:
        """As in Red / M; None for the variant of a product without variants."""
        title = " / ".join(self.value_names)
        return None if title == DEFAULT_TITLE and self.product.options[0].name == TITLE else title

    @property
    def name(self) -> str:
        return f"{self.product_title} - {self.title}" if self.title else self.product_title

    @property
    def grams(self) -> int:
        return round(self.weight * _GRAMS[self.weight_unit])

    def touch(self, now: datetime) -> None:
        """The variant changed, and with it its product."""
        self.updated_at = max(self.updated_at, now)
        self.product.touch(now)


@dataclass(frozen=True, slots=True)
class Publication:
    """Where products are shown, such as the online store."""

    id: int
    name: str
    #: whether it takes a date in the future: only the online store does
    takes_dates: bool = False
