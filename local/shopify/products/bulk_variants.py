"""productVariantsBulkCreate, -Update and -Delete: all of one product, atomic unless allowPartialUpdates."""

from typing import Any

from local.shopify.catalogue_nodes import MOST_LOCATIONS, MOST_VARIANTS
from local.shopify.media.files import picture_by
from local.shopify.merchandise import Product, Variant
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.products.making import delete_variant, new_variant, stock_at_first_location
from local.shopify.products.option_input import (
    Chosen,
    choose,
    exists_already,
    missing_options,
    names_of,
    values_of,
)
from local.shopify.products.variant_input import (
    By,
    metafield_problems,
    scalar_problems,
    write_metafields,
    write_scalars,
)
from local.shopify.user_errors import user_error

_MOST_QUANTITIES = 50_000
_HIGHEST = 1_000_000_000
Problems = list[dict[str, Any]]
_NO_PRODUCT = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")


def create_variants(
    request: Request, product: Product | None, rows: list[dict[str, Any]], strategy: str
) -> tuple[list[Variant], Problems]:
    if product is None:
        return [], [_NO_PRODUCT]
    if not rows:
        return [], []
    problems: Problems = []
    choices: list[Chosen] = []
    standalone = _standalone(product, strategy)
    taken = {each.value_names for each in product.variants if each is not standalone}
    if len(product.variants) + len(rows) > MOST_VARIANTS:
        raise not_simulated(f"more than {MOST_VARIANTS} variants by productVariantsBulkCreate")
    if sum(len(each.get("inventoryQuantities") or ()) for each in rows) > _MOST_QUANTITIES:
        raise not_simulated(f"more than {_MOST_QUANTITIES} quantities in one call")
    for index, each in enumerate(rows):
        row = ["variants", str(index)]
        if each.get("id") or each.get("mediaId"):
            raise not_simulated("productVariantsBulkCreate with the id of a variant, or a mediaId")
        chosen, found = choose(product.options, each.get("optionValues") or [], row, unknown_option="INVALID_INPUT")
        missing = missing_options(product.options, chosen)
        if not found and missing:
            found.append(user_error(row, missing, "NEED_TO_ADD_OPTION_VALUES"))
        found += [problem.error(By.CREATE, row) for problem in scalar_problems(each, By.CREATE)]
        found += metafield_problems(request, None, each, By.CREATE, row)
        if not found:
            names = names_of(product.options, chosen)
            if names in taken:
                code = "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE" if len(names) > 1 else "VARIANT_ALREADY_EXISTS"
                found.append(user_error(row, exists_already(names), code))
            taken.add(names)
            found += _quantity_problems(request, each, row, " / ".join(names))
        problems += found
        choices.append(chosen)
    if problems:
        return [], problems
    return _create(request, product, rows, choices, standalone), []


def _standalone(product: Product, strategy: str) -> Variant | None:
    """The variant that the new ones take the place of."""
    if len(product.variants) != 1 or strategy == "PRESERVE_STANDALONE_VARIANT":
        return None
    only = product.variants[0]
    return only if strategy == "REMOVE_STANDALONE_VARIANT" or only.title is None else None


def _quantity_problems(request: Request, given: dict[str, Any], row: list[str], title: str) -> Problems:
    rows = given.get("inventoryQuantities") or ()
    if len(rows) > MOST_LOCATIONS:
        raise not_simulated(f"quantities of a variant at more than {MOST_LOCATIONS} locations")
    path = [*row, "inventoryQuantities"]
    if any(each["availableQuantity"] > _HIGHEST for each in rows):
        text = f"Inventory quantity must be less than or equal to {_HIGHEST}"
        return [user_error(path, text, "INVALID_INPUT")]
    if any(parse_gid(each["locationId"], "Location") not in request.shop.locations for each in rows):
        text = f"Quantity for {title} couldn't be set because the location was deleted."
        return [user_error(path, text, "TRACKED_VARIANT_LOCATION_NOT_FOUND")]
    return []


def _create(
    request: Request,
    product: Product,
    rows: list[dict[str, Any]],
    choices: list[Chosen],
    standalone: Variant | None,
) -> list[Variant]:
    shop, made = request.shop, []
    if standalone:
        delete_variant(shop, standalone)
    for each, chosen in zip(rows, choices, strict=True):
        variant = new_variant(shop, product, values_of(product.options, chosen, shop.next_catalogue_id))
        write_scalars(request, variant, each, By.CREATE)
        write_metafields(request, variant, each)
        quantities = each.get("inventoryQuantities") or ()
        for row in quantities:
            level = shop.activate(variant.inventory_item_id, parse_gid(row["locationId"], "Location"))
            level.states["available"] = row["availableQuantity"]
        if not quantities:
            stock_at_first_location(shop, variant)
        made.append(variant)
    if standalone:
        for option in product.options:
            used = {each.values[option.id].id for each in product.variants}
            option.values = [each for each in option.values if each.id in used or each.name != "Default Title"]
    product.touch(shop.clock())
    return made


def update_variants(
    request: Request, product: Product | None, rows: list[dict[str, Any]], *, partly: bool
) -> tuple[list[Variant] | None, Problems, bool]:
    """The variants of the payload (None for none), what is wrong, and whether anything is different now."""
    if product is None:
        return None, [_NO_PRODUCT], False
    problems: Problems = []
    fine: list[tuple[Variant, dict[str, Any], Chosen]] = []
    asked: list[Variant] = []
    has_bad_row = False
    taken = {each.value_names: each for each in product.variants}
    for index, each in enumerate(rows):
        row = ["variants", str(index)]
        variant, found = _existing(request, product, each, row)
        if variant is None:
            problems += found
            has_bad_row = True
            continue
        asked.append(variant)
        chosen, wrong = choose(
            product.options, each.get("optionValues") or [], row, unknown_option="OPTION_DOES_NOT_EXIST"
        )
        has_bad_row = has_bad_row or bool(wrong)
        found += wrong
        if each.get("inventoryQuantities"):
            text = (
                "Inventory quantities can only be provided during create. To update inventory for existing variants, "
                "use inventoryAdjustQuantities."
            )
            code = "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
            found.append(user_error([*row, "inventoryQuantities"], text, code))
            has_bad_row = True
        if each.get("price", 0) is None:
            raise not_simulated("productVariantsBulkUpdate with a price of null")
        found += [problem.error(By.UPDATE, row) for problem in scalar_problems(each, By.UPDATE)]
        found += metafield_problems(request, variant, each, By.UPDATE, row)
        if not found and chosen:
            found += _collision(product, variant, chosen, taken, row)
        problems += found
        if not found:
            fine.append((variant, each, chosen))
    problems.sort(key=lambda each: (each["field"], each["code"] or ""))
    changed = False
    if not problems or partly:
        for variant, each, chosen in fine:
            changed = _update(request, variant, each, chosen) or changed
    return (None if has_bad_row and not partly else asked), problems, changed


def _existing(
    request: Request, product: Product, given: dict[str, Any], row: list[str]
) -> tuple[Variant | None, Problems]:
    path = [*row, "id"]
    if not given.get("id"):
        return None, [user_error(path, "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")]
    found = request.shop.variants.get(parse_gid(given["id"], "ProductVariant"))
    if found is None or found.product is not product:
        return None, [user_error(path, "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    return found, []


def _collision(
    product: Product, variant: Variant, chosen: Chosen, taken: dict[tuple[str, ...], Variant], row: list[str]
) -> Problems:
    whole: Chosen = {**{key: each.id for key, each in variant.values.items()}, **chosen}
    names = names_of(product.options, whole)
    other = taken.get(names)
    if other is not None and other is not variant:
        return [user_error(row, exists_already(names), "VARIANT_ALREADY_EXISTS")]
    del taken[variant.value_names]
    taken[names] = variant
    return []


def _update(request: Request, variant: Variant, given: dict[str, Any], chosen: Chosen) -> bool:
    shop, product = request.shop, variant.product
    changed = write_scalars(request, variant, given, By.UPDATE)
    changed = write_metafields(request, variant, given) or changed
    if given.get("mediaId"):
        picture = picture_by(shop, given["mediaId"])
        if picture is None or picture.id not in product.media or picture.status(shop.clock()) != "READY":
            raise not_simulated("a mediaId that is not a ready picture of the product")
        changed = changed or variant.media_id != picture.id
        variant.media_id = picture.id
    if chosen:
        whole: Chosen = {**{key: each.id for key, each in variant.values.items()}, **chosen}
        values = values_of(product.options, whole, shop.next_catalogue_id)
        changed = changed or any(values[key] is not each for key, each in variant.values.items())
        variant.values = values
    if changed:
        variant.touch(shop.clock())
    return changed


def delete_variants(request: Request, product: Product | None, ids: list[str]) -> Problems:
    if product is None:
        return [_NO_PRODUCT]
    text = "At least one variant does not belong to the product"
    found = [request.shop.variants.get(parse_gid(each, "ProductVariant")) for each in ids]
    problems = [
        user_error(["variantsIds", str(index)], text, "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT")
        for index, each in enumerate(found)
        if each is None or each.product is not product
    ]
    if problems:
        return problems
    gone = {each.id: each for each in found if each}
    if gone and len(gone) == len(product.variants):
        raise not_simulated("productVariantsBulkDelete of all variants of a product")
    for variant in gone.values():
        delete_variant(request.shop, variant)
    if gone:
        product.touch(request.shop.clock())
    return []
