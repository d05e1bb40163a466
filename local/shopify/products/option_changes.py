"""productOptionsCreate, productOptionUpdate and productOptionsReorder."""

import itertools
from dataclasses import dataclass
from typing import Any

from local.shopify.catalogue_nodes import MOST_OPTIONS, MOST_VARIANTS
from local.shopify.merchandise import TITLE, OptionValue, Product, ProductOption
from local.shopify.nodes import Request, not_simulated, parse_gid
from local.shopify.products.making import new_variant, stock_at_first_location
from local.shopify.products.option_input import SEPARATOR, UNSUPPORTED_NAME
from local.shopify.products.texts import LONGEST, plain
from local.shopify.user_errors import user_error

Problems = list[dict[str, Any]]
_NO_PRODUCT = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")


def create_options(request: Request, product: Product | None, rows: list[dict[str, Any]], strategy: str) -> Problems:
    """New options at the end. Variants that are there get the first value of each; CREATE makes all others too."""
    if product is None:
        return [_NO_PRODUCT]
    kept = [] if _is_default(product) else product.options
    problems = _creation_problems(kept, rows)
    if not problems and strategy == "CREATE":
        variants = len(product.variants)
        for each in rows:
            variants *= len(each["values"])
        if variants > MOST_VARIANTS:
            text = f"The number of created variants would exceed the {MOST_VARIANTS} variants per product limit"
            problems.append(user_error(["options"], text, "TOO_MANY_VARIANTS_CREATED"))
    if problems:
        return problems
    shop = request.shop
    added = [shop.assortment.new_option(each["name"], [value["name"] for value in each["values"]]) for each in rows]
    before = list(product.variants)
    product.options = [*kept, *added]
    for variant in before:
        had = {} if not kept else variant.values
        variant.values = {**had, **{option.id: option.values[0] for option in added}}
    if strategy == "CREATE":
        combinations = list(itertools.product(*(option.values for option in added)))[1:]
        for values in combinations:
            for variant in before:
                more = {option.id: value for option, value in zip(added, values, strict=True)}
                made = new_variant(shop, product, {**variant.values, **more})
                made.price, made.tracked = variant.price, variant.tracked
                stock_at_first_location(shop, made)
    product.touch(shop.clock())
    return []


def _is_default(product: Product) -> bool:
    return product.has_only_default_variant and product.options[0].name == TITLE


def _creation_problems(kept: list[ProductOption], rows: list[dict[str, Any]]) -> Problems:
    problems: Problems = []
    if len(kept) + len(rows) > MOST_OPTIONS:
        text = f"Can only specify a maximum of {MOST_OPTIONS} options"
        return [user_error(["options"], text, "OPTIONS_OVER_LIMIT")]
    names = []
    for index, each in enumerate(rows):
        path = ["options", str(index)]
        if each.get("linkedMetafield") or (each.get("position") not in (None, len(kept) + index + 1)):
            raise not_simulated("options with linked metafields, or elsewhere than at the end")
        name = plain(each.get("name") or "")
        if not name.strip():
            raise not_simulated("an option without a name")
        if SEPARATOR in name:
            problems.append(user_error([*path, "name"], UNSUPPORTED_NAME, "INVALID_NAME"))
        if len(name) > LONGEST:
            problems.append(user_error(path, "Option name is too long.", "OPTION_NAME_TOO_LONG"))
        if any(option.name == name for option in kept):
            problems.append(user_error(path, f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS"))
        if name in names:
            problems.append(user_error(path, "Duplicated option name.", "DUPLICATED_OPTION_NAME"))
        names.append(name)
        values = [value.get("name") or "" for value in each.get("values") or ()]
        if not values:
            text = f"Option '{name}' must specify at least one option value."
            problems.append(user_error(path, text, "OPTION_VALUES_MISSING"))
        if len(set(values)) != len(values) or any(not value.strip() or len(value) > LONGEST for value in values):
            raise not_simulated("productOptionsCreate with blank, long or repeated values")
    return problems


@dataclass(frozen=True, slots=True)
class ValueChanges:
    """The values of an option that are added, renamed (by id), and deleted."""

    add: list[dict[str, Any]]
    rename: list[dict[str, Any]]
    delete: list[str]


def update_option(request: Request, product: Product | None, given: dict[str, Any], changes: ValueChanges) -> Problems:
    """Rename and move an option, add, rename and delete its values. Variants are neither made nor deleted."""
    if product is None:
        return [_NO_PRODUCT]
    number = parse_gid(given["id"], "ProductOption")
    option = next((each for each in product.options if each.id == number), None)
    if option is None:
        return [user_error(["option"], "Option does not exist", "OPTION_DOES_NOT_EXIST")]
    values = (*changes.add, *changes.rename)
    if given.get("linkedMetafield") or any(each.get("linkedMetafieldValue") for each in values):
        raise not_simulated("linked metafields of options")
    problems = _name_problems(product, option, given)
    renamed, wrong = _renamed(option, changes.rename)
    gone, more = _deleted(product, option, changes.delete)
    problems += wrong + more
    if renamed.keys() & {each.id for each in gone}:
        raise not_simulated("an option value that is renamed and deleted")
    names = [renamed.get(each.id, each.name) for each in option.values if each not in gone]
    for index, each in enumerate(changes.add):
        name = plain(each.get("name") or "")
        if not name.strip() or len(name) > LONGEST:
            raise not_simulated("productOptionUpdate with a blank or long value")
        if name in names:
            text = "Option value already exists."
            problems.append(user_error(["optionValuesToAdd", str(index)], text, "OPTION_VALUE_ALREADY_EXISTS"))
        names.append(name)
    if not problems and len(set(names)) != len(names):
        text = "Option value already exists."
        problems.append(user_error(["optionValuesToUpdate"], text, "OPTION_VALUE_ALREADY_EXISTS"))
    if problems:
        return problems
    for value in option.values:
        value.name = renamed.get(value.id, value.name)
    option.values = [each for each in option.values if each not in gone]
    option.values += [OptionValue(request.shop.next_catalogue_id(), each["name"]) for each in changes.add]
    _place(product, option, given)
    product.touch(request.shop.clock())
    return []


def _name_problems(product: Product, option: ProductOption, given: dict[str, Any]) -> Problems:
    name = given.get("name")
    if name is None:
        return []
    if not plain(name).strip():
        raise not_simulated("a blank name of an option")
    if SEPARATOR in name:
        return [user_error(["option", "name"], UNSUPPORTED_NAME, "INVALID_NAME")]
    if len(name) > LONGEST:
        return [user_error(["option", "name"], "Option name is too long.", "OPTION_NAME_TOO_LONG")]
    if any(each.name == name and each is not option for each in product.options):
        return [user_error(["option", "name"], "Option already exists.", "OPTION_ALREADY_EXISTS")]
    return []


def _renamed(option: ProductOption, update: list[dict[str, Any]]) -> tuple[dict[int, str], Problems]:
    names: dict[int, str] = {}
    problems: Problems = []
    for index, each in enumerate(update):
        number = parse_gid(each["id"], "ProductOptionValue")
        if all(value.id != number for value in option.values):
            path = ["optionValuesToUpdate", str(index)]
            problems.append(user_error(path, "Option value does not exist.", "OPTION_VALUE_DOES_NOT_EXIST"))
        name = plain(each.get("name") or "")
        if not name.strip() or len(name) > LONGEST or number in names:
            raise not_simulated("productOptionUpdate with a blank or long value, or a value twice")
        names[number] = name
    return names, problems


def _deleted(product: Product, option: ProductOption, delete: list[str]) -> tuple[list[OptionValue], Problems]:
    gone: list[OptionValue] = []
    problems: Problems = []
    used = {each.values[option.id].id for each in product.variants}
    for index, each in enumerate(delete):
        path = ["optionValuesToDelete", str(index)]
        number = parse_gid(each, "ProductOptionValue")
        value = next((known for known in option.values if known.id == number), None)
        if value is None:
            problems.append(user_error(path, "Option value does not exist.", "OPTION_VALUE_DOES_NOT_EXIST"))
        elif number in used:
            text = "Option value with variants linked cannot be deleted."
            problems.append(user_error(path, text, "OPTION_VALUE_HAS_VARIANTS"))
        else:
            gone.append(value)
    return gone, problems


def _place(product: Product, option: ProductOption, given: dict[str, Any]) -> None:
    option.name = given.get("name") or option.name
    position = given.get("position")
    if position is not None:
        if not 1 <= position <= len(product.options):
            raise not_simulated("a position that no option can have")
        product.options.remove(option)
        product.options.insert(position - 1, option)


def reorder_options(request: Request, product: Product | None, rows: list[dict[str, Any]]) -> Problems:
    """The order of options and of their values; variants follow it. Those that are not named come last."""
    if product is None:
        return [_NO_PRODUCT]
    path = ["options"]
    if len({bool(each.get("id")) for each in rows}) > 1:
        text = "Only specify one of `id` or `name` fields for options."
        return [user_error(path, text, "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED")]
    options: list[ProductOption] = []
    orders: dict[int, list[OptionValue]] = {}
    for index, each in enumerate(rows):
        option, problem = _option_of(product, each)
        if option is None:
            return [problem]
        if option in options:
            text = f"Duplicated option name '{option.name}'."
            return [user_error([*path, str(index)], text, "DUPLICATED_OPTION_NAME")]
        options.append(option)
        values, problems = _values_of(option, each.get("values") or [], index)
        if problems:
            return problems
        orders[option.id] = values
    product.options = options + [each for each in product.options if each not in options]
    for option in options:
        named = orders[option.id]
        option.values = named + [each for each in option.values if each not in named]
    ranks = {value.id: rank for option in product.options for rank, value in enumerate(option.values)}
    product.variants.sort(key=lambda each: [ranks[each.values[option.id].id] for option in product.options])
    product.touch(request.shop.clock())
    return []


def _option_of(product: Product, given: dict[str, Any]) -> tuple[ProductOption | None, dict[str, Any]]:
    if given.get("id"):
        number = parse_gid(given["id"], "ProductOption")
        text, code = f"Option id '{number}' does not exist.", "OPTION_ID_DOES_NOT_EXIST"
        found = next((each for each in product.options if each.id == number), None)
    else:
        text, code = f"Option name '{given['name']}' does not exist.", "OPTION_NAME_DOES_NOT_EXIST"
        found = product.option(given["name"])
    return found, user_error(["options"], text, code)


def _values_of(option: ProductOption, rows: list[dict[str, Any]], index: int) -> tuple[list[OptionValue], Problems]:
    path = ["options"]
    if len({bool(each.get("id")) for each in rows}) > 1:
        text = "Only specify one of `id` or `name` fields for option values."
        return [], [user_error(path, text, "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED")]
    values: list[OptionValue] = []
    for each in rows:
        if each.get("id"):
            number = parse_gid(each["id"], "ProductOptionValue")
            text, code = f"Option value id '{number}' does not exist.", "OPTION_VALUE_ID_DOES_NOT_EXIST"
            found = next((value for value in option.values if value.id == number), None)
        else:
            text, code = f"Option value '{each['name']}' does not exist.", "OPTION_VALUE_DOES_NOT_EXIST"
            found = option.value(each["name"])
        if found is None:
            return [], [user_error(path, text, code)]
        if found in values:
            text = f"Duplicated option value '{found.name}'."
            return [], [user_error([*path, str(index)], text, "DUPLICATED_OPTION_VALUE")]
        values.append(found)
    return values, []
