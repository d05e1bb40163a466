"""What staff do with products in the admin."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from local.shopify.assortment import handle_of
from local.shopify.media_records import Picture
from local.shopify.merchandise import DEFAULT_TITLE, TITLE, OptionValue, Product, Variant
from local.shopify.metafields import APP_NAMESPACE
from local.shopify.model import Metafield
from local.shopify.price_records import PriceList
from local.shopify.products.making import new_variant, stock_at_first_location
from local.shopify.products.texts import normal_tags
from local.shopify.state import Shop
from local.shopify.translation_records import Translation
from local.shopify.translations.content import contents, global_id

_TEXTS = ("title", "description_html", "vendor", "product_type", "status", "seo_title", "seo_description", "category")
VARIANT_FIELDS = (
    "barcode",
    "inventory_policy",
    "taxable",
    "tax_code",
    "tracked",
    "requires_shipping",
    "harmonized_system_code",
    "country_code_of_origin",
    "province_code_of_origin",
    "weight_unit",
)
_AMOUNTS = ("price", "compare_at_price", "cost", "weight")


def add_product(shop: Shop, params: Mapping[str, Any]) -> Product:
    now, rest = shop.clock(), dict(params)
    title, rows, names = rest.pop("title"), rest.pop("variants", None), rest.pop("options", [TITLE])
    only = {key: rest.pop(key) for key in ("sku", *_AMOUNTS, *VARIANT_FIELDS) if key in rest}
    handle = shop.assortment.free_handle(rest.pop("handle", title))
    product = Product(shop.next_catalogue_id(), title, handle, shop.seed.name, now, now)
    product.options = [shop.assortment.new_option(name, []) for name in names]
    product.publications = dict.fromkeys(shop.publications, now)
    shop.assortment.add_product(product)
    for row in rows if rows is not None else [{"values": {TITLE: DEFAULT_TITLE}, **only}]:
        add_variant(shop, product, row)
    edit_product(shop, product, rest)
    return product


def generate(
    shop: Shop,
    count: int,
    *,
    variants: int = 3,
    title: str = "Product {n:05d}",
    sku: str = "GEN-{n:05d}-{v}",
    item: str | None = None,
    price: str = "10.00",
) -> None:
    """Many active products with one option, stocked with 0 at the first location."""
    now, slot = shop.clock(), (APP_NAMESPACE, "item")
    for n in range(1, count + 1):
        name = title.format(n=n)
        made = Product(shop.next_catalogue_id(), name, shop.assortment.free_handle(name), shop.seed.name, now, now)
        made.options = [shop.assortment.new_option("Size", [str(v) for v in range(1, variants + 1)])]
        made.publications = dict.fromkeys(shop.publications, now)
        shop.assortment.add_product(made)
        for v, value in enumerate(made.options[0].values, 1):
            variant = new_variant(shop, made, {made.options[0].id: value})
            variant.price, variant.tracked = Decimal(price), True
            shop.assortment.set_sku(variant, sku.format(n=n, v=v))
            stock_at_first_location(shop, variant)
        if item is not None:
            text = item.format(n=n)
            made.metafields[slot] = Metafield(shop.next_catalogue_id(), *slot, "id", text, now, now)
            shop.assortment.unique_values["PRODUCT", *slot, text] = made.id


def edit_product(shop: Shop, product: Product, params: Mapping[str, Any]) -> None:
    _refuse_others(params, (*_TEXTS, "handle", "tags", "publications"))
    for name in _TEXTS:
        if name in params:
            setattr(product, name, params[name])
    if "handle" in params:
        shop.assortment.set_handle(product, handle_of(params["handle"]))
    if "tags" in params:
        product.tags = normal_tags(params["tags"])
    if "publications" in params:
        chosen = [each.id for each in shop.publications.values() if each.name in params["publications"]]
        product.publications = {number: product.publications.get(number, shop.clock()) for number in chosen}
    product.touch(shop.clock())


def add_variant(shop: Shop, product: Product, params: Mapping[str, Any]) -> Variant:
    wanted = params["values"]
    if wanted.keys() != {option.name for option in product.options}:
        raise ValueError("a variant has one value of each option")
    if tuple(wanted[option.name] for option in product.options) in {each.value_names for each in product.variants}:
        raise ValueError("there is a variant with these values")
    values = {}
    for option in product.options:
        known = option.value(wanted[option.name])
        if known is None:
            known = OptionValue(shop.next_catalogue_id(), wanted[option.name])
            option.values.append(known)
        values[option.id] = known
    made = new_variant(shop, product, values)
    made.tracked = True
    stock_at_first_location(shop, made)
    edit_variant(shop, made, {key: value for key, value in params.items() if key != "values"})
    return made


def edit_variant(shop: Shop, variant: Variant, params: Mapping[str, Any]) -> None:
    _refuse_others(params, ("sku", *_AMOUNTS, *VARIANT_FIELDS))
    if "sku" in params:
        shop.assortment.set_sku(variant, params["sku"] or None)
    for name in _AMOUNTS:
        if name in params:
            setattr(variant, name, None if params[name] is None else Decimal(str(params[name])))
    for name in VARIANT_FIELDS:
        if name in params:
            setattr(variant, name, params[name])
    variant.touch(shop.clock())


def rename_option(shop: Shop, product: Product, params: Mapping[str, Any]) -> None:
    option = product.option(params["option"])
    if option is None:
        raise ValueError(f"no option {params['option']!r}")
    option.name = params.get("rename", option.name)
    for old, new in params.get("values", {}).items():
        value = option.value(old)
        if value is None:
            raise ValueError(f"no value {old!r}")
        value.name = new
    product.touch(shop.clock())


def add_picture(shop: Shop, product: Product, params: Mapping[str, Any]) -> Picture:
    """A ready picture that staff uploaded, at the end of the product's."""
    now, number = shop.clock(), shop.next_catalogue_id()
    source = params.get("source", f"https://staff.example/{number}.png")
    name = source.rpartition("/")[2]
    made = Picture(number, name, "image/png", source, 0, now, now, now, params.get("alt"))
    shop.pictures[number] = made
    product.media.append(number)
    product.touch(now)
    return made


def translate(shop: Shop, product: Product, params: Mapping[str, Any]) -> None:
    digests = {each.key: each.digest for each in contents(product)}
    rows = shop.translations.setdefault(global_id(product), {})
    for key, value in params["texts"].items():
        rows[params["locale"], key] = Translation(key, params["locale"], value, digests[key], shop.clock())


def picture_document(shop: Shop, picture: Picture) -> dict[str, Any]:
    """All that is stored of a picture; the digest of what was uploaded, None for one from elsewhere."""
    sent = next((each for each in shop.uploads.values() if picture.source.endswith(each.key)), None)
    return {
        "id": picture.id,
        "file_name": picture.file_name,
        "alt": picture.alt,
        "status": picture.status(shop.clock()),
        "products": [each.id for each in shop.products.values() if picture.id in each.media],
        "sha256": hashlib.sha256(sent.content).hexdigest() if sent and sent.content is not None else None,
    }


def product_document(product: Product) -> dict[str, Any]:
    """All that is stored of a product, in the words of the records."""
    names = (*_TEXTS, "id", "handle", "tags")
    return {
        **{name: getattr(product, name) for name in names},
        "options": {each.name: [value.name for value in each.values] for each in product.options},
        "publications": sorted(product.publications),
        "media": product.media,
        "metafields": _metafields(product),
        "variants": [variant_document(each) for each in product.variants],
        "updated_at": product.updated_at.isoformat(),
    }


def variant_document(variant: Variant) -> dict[str, Any]:
    amounts = {name: getattr(variant, name) for name in _AMOUNTS}
    return {
        **{name: getattr(variant, name) for name in ("id", "sku", *VARIANT_FIELDS)},
        **{name: None if amount is None else str(amount) for name, amount in amounts.items()},
        "inventory_item_id": variant.inventory_item_id,
        "values": list(variant.value_names),
        "metafields": _metafields(variant),
    }


def price_list_document(shop: Shop, price_list: PriceList) -> dict[str, Any]:
    return {
        "name": price_list.name,
        "currency": price_list.currency,
        "prices": {
            shop.variants[number].sku: {
                "price": str(own.price),
                "breaks": {str(each.minimum): str(each.price) for each in price_list.breaks.get(number, ())},
            }
            for number, own in price_list.fixed.items()
        },
    }


def _metafields(owner: Product | Variant) -> dict[str, str]:
    return {f"{namespace}.{key}": each.value for (namespace, key), each in owner.metafields.items()}


def _refuse_others(params: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = params.keys() - set(known)
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
