"""Fills a company with as many products as a large retailer has, in seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from local.d365 import product_sets as sets
from local.d365.books import Books
from local.d365.catalogue.contents import BARCODE_SETUP
from local.d365.catalogue.records import CatalogueError
from local.d365.edm import Value
from local.d365.prices.journals import post_prices
from local.d365.world import UNIT, Dimensions, Item

_COLORS: Final = ("Black", "White", "Red", "Blue", "Green", "Grey", "Navy", "Sand", "Rose", "Olive")
_SIZES: Final = ("XS", "S", "M", "L", "XL")
_MOST: Final = len(_COLORS) * len(_SIZES)


@dataclass(frozen=True, slots=True)
class Filling:
    """`variants` are shared out evenly; a product that gets none has no variants."""

    company: str
    products: int
    variants: int = 0
    prefix: str = "GEN"
    state: str = "Released"
    tax_item_group: str = ""
    languages: tuple[str, ...] = ()
    """Further languages that each product has a text in."""
    variant_texts: bool = False
    """Whether each variant has a text of its own, as in many environments."""
    barcodes: bool = True
    price_group: str = ""
    """Group that gets a trade agreement for each product; "" for none."""
    tiers: int = 1
    """Agreements for each product: each further one from ten pieces more on, a tenth cheaper."""


def parse_filling(raw: dict[str, Any]) -> Filling:
    """Raises TypeError or ValueError for what cannot be."""
    known = {field.name for field in fields(Filling)}
    if raw.keys() - known:
        raise ValueError(f"unknown keys: {', '.join(sorted(raw.keys() - known))}")
    filling = Filling(**{**raw, "languages": tuple(raw.get("languages", ()))})
    if filling.products < 1 or not 0 <= filling.variants <= _MOST * filling.products:
        raise ValueError(f"a product has 0 to {_MOST} variants")
    if not 1 <= filling.tiers <= 9:
        raise ValueError("tiers are 1 to 9")
    return filling


def fill(books: Books, filling: Filling) -> None:
    """Products `GEN000001` and on, with all that a catalogue needs. Raises CatalogueError; then nothing is there."""
    if filling.company not in books.world.companies:
        raise CatalogueError(f"there is no company {filling.company}")
    if books.find(sets.PRODUCTS, _number(filling, 1)) is not None:
        raise CatalogueError(f"there are products {filling.prefix}... already")
    each, more = divmod(filling.variants, filling.products)
    for position in range(1, filling.products + 1):
        _add_product(books, filling, position, each + (position <= more))
    if filling.price_group:
        post_prices(books, filling.company, _agreements(filling))


def _add_product(books: Books, filling: Filling, position: int, variants: int) -> None:
    number = _number(filling, position)
    price = _price(position)
    dimensions = list(_dimensions(variants))
    by_number = {f"{number}-{color}-{size}".upper(): (color, "", size, "", "") for color, size in dimensions}
    name = f"Product {position}"
    kind: dict[str, Value] = {
        "ProductType": "Item",
        "ProductSubType": "ProductMaster" if variants else "Product",
        "ProductDimensionGroupName": "SizeColor" if variants else "",
        "StorageDimensionGroupName": "SiteWh",
        "TrackingDimensionGroupName": "None",
    }
    technology = {"VariantConfigurationTechnology": "PredefinedVariants" if variants else None}
    _add(books, sets.PRODUCTS, {"ProductNumber": number, "ProductSearchName": name, **kind, **technology})
    for language in (sets.SYSTEM_LANGUAGE, *filling.languages):
        _add_text(books, number, language, name)
    for dimension, values in (("ProductColorId", _used(dimensions, 0)), ("ProductSizeId", _used(dimensions, 1))):
        for place, value in enumerate(values, start=1):
            shown: dict[str, Value] = {"ProductMasterNumber": number, dimension: value}
            _add(books, sets.DIMENSION_TABLES[dimension].values, shown | {"DisplaySequenceNumber": Decimal(place)})
    company: dict[str, Value] = {"dataAreaId": filling.company, "ItemNumber": number}
    _add(
        books,
        sets.RELEASED_PRODUCTS,
        {
            **company,
            "ProductNumber": number,
            "SearchName": name.upper()[:20],
            "ProductSearchName": name,
            **kind,
            "ProductLifecycleStateId": filling.state,
            "InventoryUnitSymbol": UNIT,
            "PurchaseUnitSymbol": UNIT,
            "SalesUnitSymbol": UNIT,
            "SalesPrice": price,
            "SalesPriceQuantity": Decimal(1),
            "SalesSalesTaxItemGroupCode": filling.tax_item_group,
            "BarcodeSetupId": BARCODE_SETUP,
            "NetProductWeight": Decimal(position % 50 + 1) / 10,
        },
    )
    _add(books, sets.ORDER_SETTINGS, company)
    books.put_variants(number, by_number)
    books.put_item(Item(filling.company, number, name, price, filling.tax_item_group, True, by_number))
    for place, (variant, ids) in enumerate(by_number.items()):
        _add_variant(books, filling, number, variant, ids)
        if filling.barcodes:
            _add_barcode(books, company, ids, _ean(position, place + 1))
    if filling.barcodes and not variants:
        _add_barcode(books, company, ("", "", "", "", ""), _ean(position, 0))


def _add_variant(books: Books, filling: Filling, number: str, variant: str, ids: Dimensions) -> None:
    color, _, size, _, _ = ids
    key: dict[str, Value] = {"ProductMasterNumber": number, "ProductColorId": color, "ProductSizeId": size}
    names: dict[str, Value] = {"ProductVariantNumber": variant, "ProductSearchName": variant}
    _add(books, sets.VARIANTS, key | names)
    released: dict[str, Value] = {
        "dataAreaId": filling.company,
        "ItemNumber": number,
        "ProductLifecycleStateId": filling.state,
        "SalesSalesTaxItemGroupCode": filling.tax_item_group,
    }
    _add(books, sets.RELEASED_VARIANTS, released | key | names)
    if filling.variant_texts:
        _add_text(books, variant, sets.SYSTEM_LANGUAGE, f"{number} : {color} : {size}")


def _add_text(books: Books, product: str, language: str, name: str) -> None:
    description = f"{name}, described in a sentence of an ordinary length ({language})."
    key: dict[str, Value] = {"ProductNumber": product, "LanguageId": language}
    _add(books, sets.TEXTS, key | {"ProductName": name, "Description": description})


def _add_barcode(books: Books, company: dict[str, Value], ids: Dimensions, barcode: str) -> None:
    color, _, size, _, _ = ids
    where: dict[str, Value] = {**company, "ProductColorId": color, "ProductSizeId": size}
    code: dict[str, Value] = {
        "ProductQuantityUnitSymbol": UNIT,
        "BarcodeSetupId": BARCODE_SETUP,
        "Barcode": barcode,
    }
    _add(books, sets.BARCODES, where | code)


def _add(books: Books, set_name: str, values: dict[str, Value]) -> None:
    books.add(books.schema.sets[set_name], books.record(set_name, values))


def _agreements(filling: Filling) -> Iterator[dict[str, Any]]:
    """A tenth cheaper from ten pieces on, two tenths from twenty on ..."""
    for position in range(1, filling.products + 1):
        for tier in range(filling.tiers):
            yield {
                "ItemNumber": _number(filling, position),
                "PriceCustomerGroupCode": filling.price_group,
                "Price": round(_price(position) * (10 - tier) / 10, 2),
                "FromQuantity": tier * 10,
                "ToQuantity": (tier + 1) * 10 if tier + 1 < filling.tiers else 0,
            }


def _price(position: int) -> Decimal:
    return Decimal(1000 + position % 9000) / 100


def _number(filling: Filling, position: int) -> str:
    return f"{filling.prefix}{position:06}"


def _dimensions(count: int) -> Iterator[tuple[str, str]]:
    for place in range(count):
        yield _COLORS[place // len(_SIZES)], _SIZES[place % len(_SIZES)]


def _used(dimensions: Sequence[tuple[str, str]], place: int) -> Sequence[str]:
    return tuple(dict.fromkeys(each[place] for each in dimensions))


def _ean(position: int, place: int) -> str:
    """Twelve digits and the check digit of EAN-13."""
    digits = f"20{position:07}{place:03}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
