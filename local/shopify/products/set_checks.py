"""productSet: what is wrong with an input, of which nothing is written then."""

from dataclasses import dataclass, field
from typing import Any

from local.shopify.catalogue_nodes import MOST_OPTIONS, MOST_VARIANTS
from local.shopify.media.files import is_address, picture_by
from local.shopify.merchandise import OptionValue, Product, ProductOption, Variant
from local.shopify.metafields import check_value, resolved
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.products.option_input import (
    MOST_VALUES,
    SEPARATOR,
    UNSUPPORTED_NAME,
    Chosen,
    choose,
    exists_already,
    missing_options,
    names_of,
)
from local.shopify.products.product_input import Style, product_problems
from local.shopify.products.texts import LONGEST, plain
from local.shopify.products.variant_input import By, metafield_problems, require_full, scalar_problems
from local.shopify.user_errors import user_error

#: Of one call, over all variants.
MOST_QUANTITIES = 50_000
_HIGHEST = 1_000_000_000
Problems = list[dict[str, Any]]


@dataclass(slots=True)
class Setting:
    """One call, checked as a whole before anything is written."""

    request: Request
    given: dict[str, Any]
    #: the custom id, None for another identifier or none
    custom: dict[str, Any] | None
    product: Product | None
    problems: Problems = field(default_factory=list)
    #: the options as they will be, and those of them that are there
    options: list[ProductOption] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)


def check(setting: Setting) -> None:
    given, request = setting.given, setting.request
    if setting.custom and "metafields" in given and not _names_custom_id(given["metafields"] or (), setting.custom):
        text = "The input argument `metafields` (if present) must contain the `customId` value."
        setting.problems.append(user_error(["input"], text, "METAFIELD_MISMATCH"))
        return
    setting.problems += product_problems(request, given, setting.product, Style.SET)
    for index, each in enumerate(given.get("metafields") or ()):
        require_full(each)
        path = ["input", "metafields", str(index)]
        for below, text, code in check_value(request, "PRODUCT", setting.product, each):
            ours = code if code == "CAPABILITY_VIOLATION" else "INVALID_METAFIELD"
            setting.problems.append(user_error([*path, *below], text, ours))
    _check_files(setting)
    has_options, has_variants = bool(given.get("productOptions")), bool(given.get("variants"))
    if has_options and not has_variants:
        text = "Variants input is required when updating product options"
        setting.problems.append(user_error(["input", "variants"], text, "VARIANTS_INPUT_MISSING"))
    elif has_variants and not has_options:
        text = "Product options input is required when updating variants"
        setting.problems.append(user_error(["input", "productOptions"], text, "PRODUCT_OPTIONS_INPUT_MISSING"))
    elif has_options:
        _check_options(setting)
        if not setting.problems:
            _check_variants(setting)


def _check_files(setting: Setting) -> None:
    """Files by id or address; the file of a variant has to be among them."""
    request, named = setting.request, set()
    for index, each in enumerate(setting.given.get("files") or ()):
        path = ["input", "files", str(index)]
        if each.get("id"):
            if picture_by(request.shop, each["id"]) is None:
                raise not_simulated("productSet with a file that does not exist")
        elif each.get("contentType") not in (None, "IMAGE") or not each.get("originalSource"):
            raise not_simulated("files of another type than IMAGE, or without a source")
        elif not is_address(request, each["originalSource"]):
            text = "File URL is invalid"
            setting.problems.append(user_error([*path, "originalSource"], text, "INVALID_INPUT"))
        if each.get("duplicateResolutionMode") not in (None, "APPEND_UUID") or len(each.get("alt") or "") > LONGEST:
            raise not_simulated("a duplicateResolutionMode, or a long alt, in productSet")
        named.add(each.get("id") or each.get("originalSource"))
    for row in setting.given.get("variants") or ():
        file = row.get("file")
        if file and (file.get("id") or file.get("originalSource")) not in named:
            raise not_simulated("the file of a variant that is not among the product's files")


def _names_custom_id(metafields: Any, custom: dict[str, Any]) -> bool:
    """Whether the custom id is among the metafields: as recorded, without its type."""
    wanted = (resolved(custom.get("namespace")), custom["key"], custom["value"])
    return any(
        (resolved(each.get("namespace")), each.get("key"), each.get("value")) == wanted and not each.get("type")
        for each in metafields
    )


def _check_options(setting: Setting) -> None:
    rows = setting.given["productOptions"]
    root, problems = ["input", "productOptions"], setting.problems
    if len(rows) > MOST_OPTIONS:
        problems.append(user_error(root, f"Can only specify a maximum of {MOST_OPTIONS} options", "INVALID_INPUT"))
        return
    for index, each in enumerate(rows):
        if each.get("linkedMetafield"):
            raise not_simulated("linked metafields of options")
        path = [*root, str(index)]
        known = _known_option(setting.product, each)
        if each.get("id") and known is None:
            problems.append(user_error([*path, "id"], "Option does not exist", "OPTION_DOES_NOT_EXIST"))
            continue
        name = plain(each.get("name") or (known.name if known else ""))
        if not name.strip():
            raise not_simulated("an option without a name")
        if SEPARATOR in name:
            problems.append(user_error([*path, "name"], UNSUPPORTED_NAME, "INVALID_INPUT"))
        if len(name) > LONGEST:
            problems.append(user_error([*path, "name"], "Option name is too long.", "INVALID_INPUT"))
        if any(option.name == name for option in setting.options):
            problems.append(user_error(root, f"Duplicated option name '{name}'", "DUPLICATED_OPTION_NAME"))
        values = _check_values(each, name, path, known, problems)
        setting.options.append(ProductOption(known.id if known else -index - 1, name, values))
    if any(each.get("position") is not None for each in rows):
        order = [each.get("position") or number for number, each in enumerate(rows, 1)]
        if order != list(range(1, len(rows) + 1)):
            raise not_simulated("options whose positions differ from their order")


def _check_values(
    given: dict[str, Any], name: str, path: list[str], known: ProductOption | None, problems: Problems
) -> list[OptionValue]:
    """The values of an option as they will be; those that are there keep their ids."""
    rows = given.get("values") or []
    if not rows:
        text = f"Option '{name}' must specify at least one option value."
        problems.append(user_error(path, text, "OPTION_VALUES_MISSING"))
    if len(rows) > MOST_VALUES:
        problems.append(user_error([*path, "values"], "Option values over limit.", "INVALID_INPUT"))
    values: list[OptionValue] = []
    for number, row in enumerate(rows):
        below = [*path, "values", str(number)]
        old = None
        if row.get("id"):
            wanted = parse_gid(row["id"], "ProductOptionValue")
            old = next((each for each in (known.values if known else ()) if each.id == wanted), None)
            if old is None:
                problems.append(
                    user_error([*below, "id"], "Option value does not exist", "OPTION_VALUE_DOES_NOT_EXIST")
                )
                continue
        text = plain(row.get("name") or (old.name if old else ""))
        if not text.strip():
            raise not_simulated("a blank option value in productOptions")
        if len(text) > LONGEST:
            problems.append(user_error(below, "Option value name is too long.", "INVALID_INPUT"))
        if any(each.name == text for each in values):
            problems.append(user_error(path, f"Duplicated option value '{text}'", "DUPLICATED_OPTION_VALUE"))
            continue
        old = old or (known.value(text) if known else None)
        values.append(OptionValue(old.id if old else -number - 1, text))
    return values


def _known_option(product: Product | None, given: dict[str, Any]) -> ProductOption | None:
    if product is None:
        return None
    if given.get("id"):
        number = parse_gid(given["id"], "ProductOption")
        return next((each for each in product.options if each.id == number), None)
    return product.option(given.get("name") or "")


def _check_variants(setting: Setting) -> None:
    rows, problems = setting.given["variants"], setting.problems
    if len(rows) > MOST_VARIANTS:
        text = "Number of product variants exceeds shop limit."
        problems.append(user_error(["input", "variants"], text, "VARIANTS_OVER_LIMIT"))
        return
    if sum(len(each.get("inventoryQuantities") or ()) for each in rows) > MOST_QUANTITIES:
        text = (
            f"Inventory quantity input exceeds the limit of {MOST_QUANTITIES}. "
            "Consider using separate `inventorySetQuantities` mutations."
        )
        problems.append(user_error(["input", "variants"], text, "INVENTORY_QUANTITIES_LIMIT_EXCEEDED"))
        return
    seen: set[tuple[str, ...]] = set()
    kept = [parse_gid(each["id"], "ProductVariant") for each in rows if each.get("id")]
    if len(set(kept)) != len(kept):
        raise not_simulated("a variant twice in one productSet")
    for index, each in enumerate(rows):
        row = ["input", "variants", str(index)]
        chosen, found = choose(setting.options, each["optionValues"], row, unknown_option="OPTION_DOES_NOT_EXIST")
        missing = missing_options(setting.options, chosen)
        if not found and missing:
            found.append(user_error(row, missing, "INVALID_VARIANT"))
        found += [problem.error(By.SET, row) for problem in scalar_problems(each, By.SET)]
        variant = known_variant(setting, each)
        if each.get("id") and variant is None:
            text = "Product variant does not exist"
            found.append(user_error([*row, "id"], text, "PRODUCT_VARIANT_DOES_NOT_EXIST"))
        found += metafield_problems(setting.request, variant, each, By.SET, row)
        _check_quantities(setting, each, variant)
        if not found:
            if any(isinstance(value, str) for value in chosen.values()):
                raise not_simulated("a variant with an option value that productOptions do not list")
            names = names_of(setting.options, chosen)
            if names in seen:
                found.append(user_error(row, exists_already(names), "INVALID_VARIANT"))
            seen.add(names)
            _refuse_ambiguous(setting, variant, names, kept)
        problems += found
        setting.chosen.append(chosen)


def _refuse_ambiguous(setting: Setting, variant: Variant | None, names: tuple[str, ...], kept: list[int]) -> None:
    """Whether a variant without an id is the one that has its values is not recorded: name it by its id."""
    if variant is None and setting.product:
        same = (each for each in setting.product.variants if each.value_names == names and each.id not in kept)
        if next(same, None):
            raise not_simulated(f"productSet with the existing variant {names} without its id")


def known_variant(setting: Setting, given: dict[str, Any]) -> Variant | None:
    if not given.get("id") or setting.product is None:
        return None
    found = setting.request.shop.variants.get(parse_gid(given["id"], "ProductVariant"))
    return found if found and found.product is setting.product else None


def _check_quantities(setting: Setting, given: dict[str, Any], variant: Variant | None) -> None:
    shop, seen = setting.request.shop, set()
    for each in given.get("inventoryQuantities") or ():
        location = parse_gid(each["locationId"], "Location")
        if location not in shop.locations:
            raise not_simulated("productSet with a quantity at a location that does not exist")
        if each["name"] not in ("available", "on_hand") or abs(each["quantity"]) > _HIGHEST or location in seen:
            raise not_simulated("a quantity of another name, beyond a billion, or twice at a location")
        if variant and (variant.inventory_item_id, location) not in shop.levels:
            raise not_simulated("productSet with a quantity where the variant is not stocked")
        seen.add(location)
