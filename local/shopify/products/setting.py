"""productSet: a product as a whole. What a list does not name is deleted; what is left out of the input stays."""

from typing import Any

from local.shopify.media.files import detach, make_picture
from local.shopify.merchandise import OptionValue, Product, ProductOption, Variant
from local.shopify.metafields import is_private, remove_metafield, resolved, write_metafield
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.products.identifying import product_by
from local.shopify.products.making import delete_variant, new_variant, stock_at_first_location
from local.shopify.products.product_input import write_product
from local.shopify.products.set_checks import Problems, Setting, check, known_variant
from local.shopify.products.variant_input import By, write_metafields, write_scalars
from local.shopify.user_errors import user_error

_NOT_SIMULATED = (
    "claimOwnership",
    "collections",
    "combinedListingRole",
    "giftCard",
    "giftCardTemplateSuffix",
    "redirectNewHandle",
    "requiresSellingPlan",
)


def set_product(
    request: Request, given: dict[str, Any], identifier: dict[str, Any] | None
) -> tuple[Product | None, Problems]:
    """The product as it is now, or None and what is wrong."""
    for name in _NOT_SIMULATED:
        if given.get(name):
            raise not_simulated(f"ProductSetInput.{name}")
    if identifier and given.get("id"):
        text = "The id field is not allowed if identifier is provided."
        return None, [user_error(["input"], text, "ID_NOT_ALLOWED")]
    product, problems = _find(request, given, identifier)
    if problems:
        return None, problems
    setting = Setting(request, given, (identifier or {}).get("customId"), product)
    check(setting)
    if setting.problems:
        return None, setting.problems
    return _write(setting), []


def _find(
    request: Request, given: dict[str, Any], identifier: dict[str, Any] | None
) -> tuple[Product | None, Problems]:
    if given.get("id"):
        product = request.shop.products.get(parse_gid(given["id"], "Product"))
        missing = user_error(["input", "id"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return product, [] if product else [missing]
    if not identifier:
        return None, []
    if identifier.get("handle"):
        raise not_simulated("productSet with the handle as identifier")
    product = product_by(request, identifier)
    if product is None and identifier.get("id"):
        text = "Resource matching the identifier was not found."
        return None, [user_error(["identifier"], text, "NOT_FOUND")]
    return product, []


def _write(setting: Setting) -> Product:
    request, given, shop = setting.request, setting.given, setting.request.shop
    now = shop.clock()
    product, is_new = setting.product, setting.product is None
    if product is None:
        title = given["title"]
        handle = shop.assortment.free_handle(given.get("handle") or title)
        product = Product(shop.next_catalogue_id(), title, handle, shop.seed.name, now, now)
        shop.assortment.add_product(product)
    changed = write_product(request, product, given)
    if setting.options:
        changed = _write_options_and_variants(setting, product) or changed
    elif is_new:
        product.options = [shop.assortment.default_option()]
        made = new_variant(shop, product, {each.id: each.values[0] for each in product.options})
        stock_at_first_location(shop, made)
    changed = _write_metafields(setting, product) or changed
    changed = _write_files(setting, product) or changed
    if changed or is_new:
        product.touch(now)
    return product


def _write_options_and_variants(setting: Setting, product: Product) -> bool:
    request, shop = setting.request, setting.request.shop
    before = _shape(product)
    ids: dict[int, int] = {}
    values: dict[int, dict[int, OptionValue]] = {}
    options = []
    for wanted in setting.options:
        known = next((each for each in product.options if each.id == wanted.id), None)
        option = known or ProductOption(shop.next_catalogue_id(), wanted.name)
        old = {each.id: each for each in option.values}
        option.name = wanted.name
        stored = {
            each.id: old.get(each.id) or OptionValue(shop.next_catalogue_id(), each.name) for each in wanted.values
        }
        for each in wanted.values:
            stored[each.id].name = each.name
        option.values = list(stored.values())
        ids[wanted.id], values[wanted.id] = option.id, stored
        options.append(option)
    listed: list[Variant] = []
    fresh: list[tuple[dict[str, Any], dict[int, OptionValue]]] = []
    changed = False
    for given, chosen in zip(setting.given["variants"], setting.chosen, strict=True):
        at = {ids[option]: values[option][value] for option, value in chosen.items() if isinstance(value, int)}
        variant = known_variant(setting, given)
        if variant is None:
            fresh.append((given, at))
            continue
        moved = {key: each.id for key, each in variant.values.items()} != {key: each.id for key, each in at.items()}
        variant.values = at
        different = write_scalars(request, variant, given, By.SET)
        if write_metafields(request, variant, given) | _remove_unlisted(request, variant, given) | different | moved:
            variant.touch(shop.clock())
            changed = True
        _write_quantities(request, variant, given, is_new=False)
        listed.append(variant)
    for gone in [each for each in product.variants if each not in listed]:
        delete_variant(shop, gone)
    product.options = options
    for given, at in fresh:
        made = new_variant(shop, product, at)
        write_scalars(request, made, given, By.SET)
        write_metafields(request, made, given)
        _write_quantities(request, made, given, is_new=True)
        listed.append(made)
    order = {each.id: number for number, each in enumerate(_in_order(setting, listed))}
    product.variants.sort(key=lambda each: order[each.id])
    return changed or _shape(product) != before


def _in_order(setting: Setting, listed: list[Variant]) -> list[Variant]:
    """The variants in the order of the input: those with ids, and between them the new ones."""
    new = iter([each for each in listed if each.id not in _given_ids(setting)])
    by_id = {each.id: each for each in listed}
    return [
        by_id[parse_gid(each["id"], "ProductVariant")] if each.get("id") else next(new)
        for each in setting.given["variants"]
    ]


def _given_ids(setting: Setting) -> set[int]:
    return {parse_gid(each["id"], "ProductVariant") for each in setting.given["variants"] if each.get("id")}


def _shape(product: Product) -> tuple[Any, ...]:
    options = tuple((each.id, each.name, tuple((v.id, v.name) for v in each.values)) for each in product.options)
    return options, tuple(each.id for each in product.variants)


def _write_quantities(request: Request, variant: Variant, given: dict[str, Any], *, is_new: bool) -> None:
    """A new variant is stocked where it has a quantity, without any at the shop's first location."""
    shop = request.shop
    rows = given.get("inventoryQuantities") or ()
    if is_new and not rows:
        stock_at_first_location(shop, variant)
    for each in rows:
        location = parse_gid(each["locationId"], "Location")
        level = shop.levels.get((variant.inventory_item_id, location))
        level = level or shop.activate(variant.inventory_item_id, location)
        change = each["quantity"] - level.quantity(each["name"])
        if change:
            level.states["available"] = level.quantity("available") + change
            level.updated_at = shop.clock()
            shop.moved_levels[level.item_id, level.location_id] = level
            variant.product.touch(shop.clock())


def _write_files(setting: Setting, product: Product) -> bool:
    """The list is complete: pictures that it does not name are detached. A variant's file is one of the list."""
    request, shop, given = setting.request, setting.request.shop, setting.given
    if given.get("files") is None:
        return False
    before = list(product.media), [each.media_id for each in product.variants]
    chosen: dict[str, int] = {}
    for each in given["files"]:
        number = parse_gid(each["id"], "MediaImage") if each.get("id") else make_picture(request, each).id
        chosen[each.get("id") or each["originalSource"]] = number
    for number in [each for each in product.media if each not in chosen.values()]:
        detach(shop, product, shop.pictures[number])
    product.media = list(dict.fromkeys(chosen.values()))
    for variant, row in zip(product.variants, given.get("variants") or (), strict=False):
        if row.get("file"):
            variant.media_id = chosen[row["file"].get("id") or row["file"]["originalSource"]]
    return (list(product.media), [each.media_id for each in product.variants]) != before


def _write_metafields(setting: Setting, product: Product) -> bool:
    request, given = setting.request, setting.given
    before = {slot: (each.type, each.value) for slot, each in product.metafields.items()}
    for each in given.get("metafields") or ():
        write_metafield(request, product, each)
    _remove_unlisted(request, product, given)
    if setting.custom and (resolved(setting.custom.get("namespace")), setting.custom["key"]) not in product.metafields:
        write_metafield(request, product, dict(setting.custom))
    return {slot: (each.type, each.value) for slot, each in product.metafields.items()} != before


def _remove_unlisted(request: Request, owner: Product | Variant, given: dict[str, Any]) -> bool:
    """A list of metafields is complete; those of other apps stay."""
    if given.get("metafields") is None:
        return False
    listed = {(resolved(each.get("namespace")), each["key"]) for each in given["metafields"]}
    gone = [slot for slot in owner.metafields if slot not in listed and not is_private(slot[0])]
    for slot in gone:
        remove_metafield(request, owner, slot)
    return bool(gone)
