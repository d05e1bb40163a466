"""What of a resource can be translated: keys, values, and the digests that they are recognised by."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.shopify.merchandise import OptionValue, Product, ProductOption
from local.shopify.nodes import error, not_simulated
from local.shopify.state import Shop

KINDS = {"Product": "PRODUCT", "ProductOption": "PRODUCT_OPTION", "ProductOptionValue": "PRODUCT_OPTION_VALUE"}
_LINE, _HTML, _URI = "SINGLE_LINE_TEXT_FIELD", "HTML", "URI"
Translatable = Product | ProductOption | OptionValue


@dataclass(frozen=True, slots=True)
class Content:
    key: str
    value: str
    kind: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.value.encode()).hexdigest()


def contents(resource: Translatable) -> list[Content]:
    match resource:
        case Product():
            return list(_of_product(resource))
        case ProductOption() | OptionValue():
            return [Content("name", resource.name, _LINE)]


def _of_product(product: Product) -> Iterator[Content]:
    yield Content("title", product.title, _LINE)
    if product.description_html:
        yield Content("body_html", product.description_html, _HTML)
    yield Content("handle", product.handle, _URI)
    if product.product_type:
        yield Content("product_type", product.product_type, _LINE)
    if product.seo_title:
        yield Content("meta_title", product.seo_title, _LINE)
    if product.seo_description:
        yield Content("meta_description", product.seo_description, _LINE)


#: All that a product can have, whether or not it has it.
PRODUCT_KEYS = ("title", "body_html", "handle", "product_type", "meta_title", "meta_description")


def find(shop: Shop, id_: str) -> Translatable | None:
    return find_all(shop, [id_])[0]


def find_all(shop: Shop, ids: list[str]) -> list[Translatable | None]:
    """Products, options or option values by their global ids; other kinds are refused."""
    return [_find(shop, kind, number) for kind, number in [_parsed(each) for each in ids]]


def _find(shop: Shop, kind: str, number: int) -> Translatable | None:
    if kind == "Product":
        return shop.products.get(number)
    product = shop.products.get(shop.option_owners.get((kind, number), 0))
    if product is None or (kind, number) not in _options(product):
        shop.option_owners = {part: each.id for each in shop.products.values() for part in _options(each)}
        product = shop.products.get(shop.option_owners.get((kind, number), 0))
    return _options(product).get((kind, number)) if product is not None else None


def _options(product: Product) -> dict[tuple[str, int], Translatable]:
    options: dict[tuple[str, int], Translatable] = {("ProductOption", each.id): each for each in product.options}
    values = {("ProductOptionValue", each.id): each for option in product.options for each in option.values}
    return options | values


def _parsed(id_: str) -> tuple[str, int]:
    kind, _, number = id_.removeprefix("gid://shopify/").partition("/")
    if not id_.startswith("gid://shopify/") or not number.isdigit():
        raise error("invalid id", "RESOURCE_NOT_FOUND")
    if kind not in KINDS:
        raise not_simulated(f"translations of {kind}")
    return kind, int(number)


def global_id(resource: Translatable) -> str:
    kind: dict[Any, str] = {Product: "Product", ProductOption: "ProductOption", OptionValue: "ProductOptionValue"}
    return f"gid://shopify/{kind[type(resource)]}/{resource.id}"
