"""What a person knows of a product before F&O has it: read from the world file or from a call of `/_sim`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product as combinations
from typing import Any, Final, NamedTuple

from local.d365.product_sets import SYSTEM_LANGUAGE

type Dimensions = tuple[str, str, str, str, str]

_DIMENSION_KEYS: Final = {
    "color": "ProductColorId",
    "configuration": "ProductConfigurationId",
    "size": "ProductSizeId",
    "style": "ProductStyleId",
    "version": "ProductVersionId",
}
"""By the key of a variant, in the order of `Dimensions`; the plural is the key of all values of a master."""
PRODUCT_KEYS: Final = frozenset(
    {
        "number",
        "name",
        "description",
        "names",
        "descriptions",
        "type",
        "subtype",
        "product",
        "variants",
        "attributes",
        "categories",
        *(f"{name}s" for name in _DIMENSION_KEYS),
    },
)
RELEASE_KEYS: Final = frozenset(
    {"company", "item", "price", "tax_item_group", "state", "barcode", "released", "order_settings", "images"},
)


class Text(NamedTuple):
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class ValueData:
    """A value of a dimension, such as a colour, in the order of the master."""

    id: str
    names: Mapping[str, str] = field(default_factory=dict)
    """By language."""


@dataclass(frozen=True, slots=True)
class VariantData:
    number: str
    dimensions: Dimensions
    name: str = ""
    barcode: str = ""
    state: str | None = None
    """Lifecycle state where it is not that of its master."""


@dataclass(frozen=True, slots=True)
class ProductData:
    """A product of the whole group of companies. It is a master if it has values of dimensions."""

    number: str
    texts: Mapping[str, Text]
    """By language; SYSTEM_LANGUAGE is always there."""
    stocked: bool = True
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of ProductsV2, as JSON has them."""
    values: Mapping[str, tuple[ValueData, ...]] = field(default_factory=dict)
    """By the field of a variant: ProductColorId ..."""
    variants: tuple[VariantData, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    categories: tuple[tuple[str, str], ...] = ()
    """(hierarchy, category)."""

    @property
    def is_master(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class ImageData:
    """`content` is base64 of the file; without it, a small picture of this colour (`#rrggbb`) is drawn."""

    file: str
    color: str = "#808080"
    content: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseData:
    """A product in one company. `item` is its number there, "" for the product's own."""

    company: str
    price: Decimal = Decimal(0)
    tax_item_group: str = ""
    item: str = ""
    state: str = ""
    barcode: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of ReleasedProductsV2, as JSON has them."""
    order_settings: Mapping[str, Any] = field(default_factory=dict)
    """Of ProductDefaultOrderSettings."""
    images: tuple[ImageData, ...] = ()


def parse_product(raw: Mapping[str, Any]) -> ProductData:
    """Raises ValueError or KeyError, naming what is wrong or missing."""
    number = str(raw["number"])
    descriptions = {SYSTEM_LANGUAGE: raw.get("description", ""), **raw.get("descriptions", {})}
    names = {SYSTEM_LANGUAGE: raw["name"], **raw.get("names", {})}
    if descriptions.keys() - names.keys():
        raise ValueError(f"product {number}: a description needs a name in its language")
    values = {name: parse_values(raw[f"{key}s"]) for key, name in _DIMENSION_KEYS.items() if raw.get(f"{key}s")}
    variants = parse_variants(number, raw.get("variants", ()), values)
    for position, name in enumerate(_DIMENSION_KEYS.values()):
        used = dict.fromkeys(each.dimensions[position] for each in variants if each.dimensions[position])
        if name not in values and used:
            values[name] = tuple(ValueData(each) for each in used)
        unknown = used.keys() - {each.id for each in values.get(name, ())}
        if unknown:
            raise ValueError(f"product {number} has no {name} {', '.join(sorted(unknown))}")
    if raw.get("subtype", "ProductMaster" if values else "Product") != ("ProductMaster" if values else "Product"):
        raise ValueError(f"product {number}: a product master has dimensions, and nothing else does")
    return ProductData(
        number=number,
        texts={language: Text(names[language], descriptions.get(language, "")) for language in names},
        stocked=raw.get("type", "Item") == "Item",
        fields=raw.get("product", {}),
        values=values,
        variants=variants,
        attributes=raw.get("attributes", {}),
        categories=tuple(_category(number, each) for each in raw.get("categories", ())),
    )


def parse_values(raw: Iterable[Any]) -> tuple[ValueData, ...]:
    """Ids, or `{"id", "names": {language: name}}`."""
    return tuple(
        ValueData(each) if isinstance(each, str) else ValueData(each["id"], each.get("names", {})) for each in raw
    )


def parse_variants(number: str, raw: Any, values: Mapping[str, Sequence[ValueData]]) -> tuple[VariantData, ...]:
    """A list of variants with the values of their dimensions, or `"every"`: one for each combination."""
    if raw == "every":
        every = combinations(*(values.get(name, ()) or (ValueData(""),) for name in _DIMENSION_KEYS.values()))
        return tuple(_combined(number, [each.id for each in ids]) for ids in every)
    return tuple(_variant(each) for each in raw)


def parse_release(raw: Mapping[str, Any]) -> ReleaseData:
    """Raises ValueError or KeyError, naming what is wrong or missing."""
    return ReleaseData(
        company=raw["company"],
        price=Decimal(str(raw.get("price", 0))),
        tax_item_group=raw.get("tax_item_group", ""),
        item=raw.get("item", ""),
        state=raw.get("state", ""),
        barcode=raw.get("barcode", ""),
        fields=raw.get("released", {}),
        order_settings=raw.get("order_settings", {}),
        images=tuple(ImageData(**each) for each in raw.get("images", ())),
    )


def refuse_unknown(raw: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = raw.keys() - set(known)
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(sorted(unknown))}")


def dimension_field(key: str) -> str:
    """`color` and `ProductColorId` are the same dimension. Raises ValueError for anything else."""
    found = _DIMENSION_KEYS.get(key, key)
    if found not in _DIMENSION_KEYS.values():
        raise ValueError(f"{key} is no dimension, only {', '.join(_DIMENSION_KEYS)}")
    return found


def _variant(raw: Mapping[str, Any]) -> VariantData:
    refuse_unknown(raw, {"number", "name", "barcode", "state", *_DIMENSION_KEYS})
    color, configuration, size, style, version = (str(raw.get(key, "")) for key in _DIMENSION_KEYS)
    dimensions = (color, configuration, size, style, version)
    if not any(dimensions):
        raise ValueError(f"variant {raw['number']} has no dimensions")
    return VariantData(raw["number"], dimensions, raw.get("name", ""), raw.get("barcode", ""), raw.get("state"))


def _combined(number: str, ids: Sequence[str]) -> VariantData:
    color, configuration, size, style, version = ids
    name = "-".join([number, *(each.upper() for each in ids if each)])
    return VariantData(name, (color, configuration, size, style, version))


def _category(number: str, raw: str) -> tuple[str, str]:
    hierarchy, slash, category = raw.partition("/")
    if not slash:
        raise ValueError(f"product {number}: a category is given as HIERARCHY/CATEGORY, not {raw}")
    return hierarchy, category
