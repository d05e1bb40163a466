"""The option values of a variant in an input, and the options of a product."""

from collections.abc import Mapping
from typing import Any

from local.shopify.merchandise import OptionValue, ProductOption
from local.shopify.nodes import not_simulated, parse_gid
from local.shopify.products.texts import LONGEST, plain
from local.shopify.user_errors import user_error

SEPARATOR = " / "
#: Of one option. The schema names no limit; productSet refuses more.
MOST_VALUES = 100
UNSUPPORTED_NAME = "The name contains unsupported sequence ' / '"
#: By id of the option: the id of a value, or the name of one that may be new.
Chosen = dict[int, int | str]


def choose(
    options: list[ProductOption], given: list[dict[str, Any]], row: list[str], *, unknown_option: str
) -> tuple[Chosen, list[dict[str, Any]]]:
    """The values that a variant is given, by option; options that it does not name are left out."""
    chosen: Chosen = {}
    problems: list[dict[str, Any]] = []
    for index, each in enumerate(given):
        path = [*row, "optionValues", str(index)]
        if each.get("linkedMetafieldValue"):
            raise not_simulated("linked metafields of options")
        if (each.get("optionId") and each.get("optionName")) or (each.get("id") and each.get("name")):
            raise not_simulated("an option value with both id and name")
        option = find_option(options, each)
        if option is None:
            problems.append(user_error(path, "Option does not exist", unknown_option))
            continue
        if option.id in chosen:
            text = f"Duplicated option name '{option.name}'"
            problems.append(user_error([*row, "optionValues"], text, "INVALID_INPUT"))
            continue
        value = _value(option, each, path, problems)
        if value is not None:
            chosen[option.id] = value
    return chosen, problems


def _value(
    option: ProductOption, each: dict[str, Any], path: list[str], problems: list[dict[str, Any]]
) -> int | str | None:
    if each.get("id"):
        number = parse_gid(each["id"], "ProductOptionValue")
        if all(value.id != number for value in option.values):
            raise not_simulated("the id of an option value that does not exist")
        return number
    name = plain(each.get("name") or "")
    if not name.strip():
        problems.append(user_error(path, "The name provided is not valid.", "INVALID_INPUT"))
    elif len(name) > LONGEST:
        problems.append(user_error([*path, "name"], "Option value name is too long", "INVALID_INPUT"))
    else:
        known = option.value(name)
        return known.id if known else name
    return None


def find_option(options: list[ProductOption], given: Mapping[str, Any]) -> ProductOption | None:
    if given.get("optionId"):
        number = parse_gid(given["optionId"], "ProductOption")
        return next((each for each in options if each.id == number), None)
    if given.get("optionName"):
        return next((each for each in options if each.name == given["optionName"]), None)
    if len(options) == 1:
        return options[0]
    raise not_simulated("an option value without its option")


def missing_options(options: list[ProductOption], chosen: Chosen) -> str | None:
    """The text for a variant that has no value of some option."""
    missing = [each.name for each in options if each.id not in chosen]
    return f"You need to add option values for {', '.join(missing)}" if missing else None


def names_of(options: list[ProductOption], chosen: Chosen) -> tuple[str, ...]:
    names = []
    for option in options:
        value = chosen[option.id]
        names.append(value if isinstance(value, str) else next(v.name for v in option.values if v.id == value))
    return tuple(names)


def exists_already(names: tuple[str, ...]) -> str:
    """The text for two variants with the same values; the hint stands where there is more than one option."""
    hint = " Please change at least one option value." if len(names) > 1 else ""
    return f"The variant '{SEPARATOR.join(names)}' already exists.{hint}"


def values_of(options: list[ProductOption], chosen: Chosen, next_id: Any) -> dict[int, OptionValue]:
    """The values as they are stored; new names become values of their options."""
    found = {}
    for option in options:
        wanted = chosen[option.id]
        if isinstance(wanted, int):
            found[option.id] = next(each for each in option.values if each.id == wanted)
            continue
        known = option.value(wanted)
        if known is None:
            known = OptionValue(next_id(), wanted)
            option.values.append(known)
        found[option.id] = known
    return found
