"""Options of a product and their values: what is renamed, put in order, or set at single variants.

A value is renamed by its id, for all variants that have it, merchants' own too. It never replaces a variant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.shop.matching import DEFAULT_VALUE, VariantMatch
from shared.model import (
    Item,
    OptionChange,
    OptionOrder,
    ProductOption,
    ShopOption,
    ShopProduct,
    ShopVariant,
    VariantValues,
    WantedProduct,
)

_DEFAULT_OPTION: Final = "Title"
PLAIN_VALUES: Final = ((_DEFAULT_OPTION, DEFAULT_VALUE),)
"""Of the only variant of a product without options."""
_TEMPORARY: Final = "\N{HORIZONTAL ELLIPSIS}"
"""Added to the name of a value while it trades names with another one."""


@dataclass(frozen=True, slots=True)
class OptionChanges:
    changes: tuple[OptionChange, ...] = ()
    """One call each, in this order."""
    order: OptionOrder | None = None
    """To be sent after the changes; None if it is right."""
    values: Mapping[Item, VariantValues] = field(default_factory=dict)
    """Values of each variant after the changes, in the shop's order of the options."""


def plan_options(wanted: WantedProduct, shop: ShopProduct, match: VariantMatch, *, is_owned: bool) -> OptionChanges:
    """Without `is_owned`, only the values of new variants, in the words that the shop has for them.

    Raises RefusedError PRODUCT_OPTIONS_UNLIKE where the shop's product has more or fewer options.
    """
    if not wanted.options:
        _same_number(wanted, shop, is_plain(shop))
        return OptionChanges(values=dict.fromkeys((each.item for each in wanted.variants), PLAIN_VALUES))
    _same_number(wanted, shop, not is_plain(shop) and len(shop.options) == len(wanted.options))
    places = _places(wanted.options, shop.options)
    plans = [
        _plan_values(
            shop.options[place],
            option,
            [
                (each.values[position], match.found[each.item].values[place])
                for each in wanted.variants
                if each.item in match.found
            ],
            is_owned=is_owned,
        )
        for position, (option, place) in enumerate(zip(wanted.options, places, strict=True))
    ]
    names = [option.name for option in shop.options]
    if is_owned:
        for option, place in zip(wanted.options, places, strict=True):
            names[place] = option.name
    values: dict[Item, VariantValues] = {}
    for variant in wanted.variants:
        own = [""] * len(places)
        for text, place, plan in zip(variant.values, places, plans, strict=True):
            own[place] = plan.words.get(text, text)
        values[variant.item] = tuple(zip(names, own, strict=True))
    return OptionChanges(
        changes=tuple(change for plan in plans for change in plan.changes),
        order=_order(wanted.options, shop.options, places, plans) if is_owned else None,
        values=values,
    )


def moved_values(plan: OptionChanges, item: Item, variant: ShopVariant, shop: ShopProduct) -> VariantValues | None:
    """The values that a variant has to be given by itself, since the renamed ones do not give them; None for none."""
    wanted = plan.values[item]
    return None if values_after(plan, variant, shop) == [value for _, value in wanted] else wanted


def values_after(plan: OptionChanges, variant: ShopVariant, shop: ShopProduct) -> list[str]:
    """The variant's values once they are renamed."""
    renamed = {number: name for change in plan.changes for number, name in change.values}
    return [
        {name: renamed.get(number, name) for number, name in option.values}.get(value, value)
        for option, value in zip(shop.options, variant.values, strict=True)
    ]


def with_change(shop: ShopProduct, change: OptionChange) -> ShopProduct:
    """The product after a change of its options, whose names are the new ones. Its variants still have the old ones."""
    names = dict(change.values)
    options = tuple(
        ShopOption(
            option.id,
            change.name or option.name,
            tuple((number, names.get(number, name)) for number, name in option.values),
        )
        if option.id == change.id
        else option
        for option in shop.options
    )
    return replace(shop, options=options)


def is_plain(shop: ShopProduct) -> bool:
    """Whether it has no options: Shopify then has one with one value."""
    match shop.options:
        case (ShopOption(name=name, values=((_, value),)),):
            return name == _DEFAULT_OPTION and value == DEFAULT_VALUE
        case _:
            return False


def _same_number(wanted: WantedProduct, shop: ShopProduct, is_same: bool) -> None:  # noqa: FBT001
    if not is_same:
        raise RefusedError(
            ErrorCode.PRODUCT_OPTIONS_UNLIKE,
            item=wanted.item_number,
            product=shop.id,
            shop=_listed(() if is_plain(shop) else (option.name for option in shop.options)),
            fo=_listed(option.name for option in wanted.options),
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no options"


def _places(wanted: Sequence[ProductOption], shop: Sequence[ShopOption]) -> list[int]:
    """For each option of F&O its place among the shop's: by name, else by their values, else in their order."""
    free = list(range(len(shop)))
    found: dict[int, int] = {}
    for position, option in enumerate(wanted):
        for place in free:
            if shop[place].name.casefold() == option.name.casefold():
                found[position] = place
                free.remove(place)
                break
    for position, option in enumerate(wanted):
        if position not in found:
            own = {value.casefold() for value in option.values}
            best = max(free, key=lambda place: len(own & {name.casefold() for _, name in shop[place].values}))
            found[position] = best
            free.remove(best)
    return [found[position] for position in range(len(wanted))]


@dataclass(frozen=True, slots=True)
class _ValuePlan:
    changes: tuple[OptionChange, ...]
    words: Mapping[str, str]
    """F&O's text of a value -> the shop's after the changes."""
    names: Mapping[int, str]
    """Id of each value -> its name after the changes."""


def _plan_values(
    shop: ShopOption, wanted: ProductOption, pairs: Iterable[tuple[str, str]], *, is_owned: bool
) -> _ValuePlan:
    """`pairs` are F&O's and the shop's text of one variant each."""
    now = dict(shop.values)
    ids = {name: number for number, name in shop.values}
    folded = {name.casefold(): name for name in ids}
    had: defaultdict[str, dict[str, None]] = defaultdict(dict)
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for text, name in pairs:
        had[text][name] = None
        meant[name].add(text)
    words: dict[str, str] = {}
    for text in wanted.values:
        if text in had:
            words[text] = text if text in had[text] else next(iter(had[text]))
        elif text.casefold() in folded:
            words[text] = folded[text.casefold()]
    if not is_owned:
        return _ValuePlan((), words, now)
    renames = _without_taken(
        {ids[name]: text for text, name in words.items() if name != text and name in ids and len(meant[name]) <= 1}, now
    )
    option_name = None if shop.name == wanted.name else wanted.name
    steps = _in_order(renames, now)
    first = steps[0] if steps else ()
    changes = [OptionChange(shop.id, option_name, first)] if option_name is not None or first else []
    changes += [OptionChange(shop.id, None, step) for step in steps[1:]]
    return _ValuePlan(tuple(changes), {text: text for text in wanted.values}, now | renames)


def _without_taken(renames: dict[int, str], now: Mapping[int, str]) -> dict[int, str]:
    """The renames but those to a name that another value has and keeps: variants are moved to that value one by one."""
    while taken := {
        number
        for number, text in renames.items()
        for other, name in now.items()
        if other != number and other not in renames and name.casefold() == text.casefold()
    }:
        renames = {number: text for number, text in renames.items() if number not in taken}
    return renames


def _in_order(renames: Mapping[int, str], now: Mapping[int, str]) -> list[tuple[tuple[int, str], ...]]:
    """The renames in calls, so that no call takes a name that another value still has."""
    left, names = dict(renames), dict(now)
    steps: list[tuple[tuple[int, str], ...]] = []
    while left:
        used = {name.casefold(): number for number, name in names.items()}
        step = {number: text for number, text in left.items() if used.get(text.casefold(), number) == number}
        if step:
            left = {number: text for number, text in left.items() if number not in step}
        else:
            number, text = next(iter(left.items()))
            step = {number: f"{text} {_TEMPORARY}"}
        names |= step
        steps.append(tuple(step.items()))
    return steps


def _order(
    wanted: Sequence[ProductOption], shop: Sequence[ShopOption], places: Sequence[int], plans: Sequence[_ValuePlan]
) -> OptionOrder | None:
    """F&O's values first, in its order, then the merchant's own in theirs."""
    options = []
    for option, place, plan in zip(wanted, places, plans, strict=True):
        rank = {text: number for number, text in enumerate(option.values)}
        order = sorted(plan.names, key=lambda number: rank.get(plan.names[number], len(rank)))
        options.append((shop[place].id, tuple(order)))
    now = tuple((option.id, tuple(number for number, _ in option.values)) for option in shop)
    return None if tuple(options) == now else OptionOrder(tuple(options))
