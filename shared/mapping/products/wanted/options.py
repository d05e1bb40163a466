"""A product's options: the dimensions that its variants use, with the names and the order of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.mapping.text import one_line
from shared.model import Item, ProductOption
from shared.model.fo_product import FoProduct, FoVariant
from shared.rules import ProductRules
from shared.rules.sections.product_fields import Dimension

FIELDS: Final[dict[Dimension, str]] = {
    "color": "ProductColorId",
    "configuration": "ProductConfigurationId",
    "size": "ProductSizeId",
    "style": "ProductStyleId",
    "version": "ProductVersionId",
}
"""F&O's field of each dimension, in the order of Item."""

_JOINED: Final = "+"
"""Between F&O's fields, and between its values, of an option that several dimensions became."""


class OptionPlan(NamedTuple):
    """One option of the product, and the dimensions that it shows."""

    dimensions: tuple[Dimension, ...]
    text: str = ""
    """Between the values of several."""

    @property
    def field(self) -> str:
        return _JOINED.join(FIELDS[each] for each in self.dimensions)

    def id_of(self, item: Item) -> str:
        return _JOINED.join(_value(item, each) for each in self.dimensions)

    def name(self, rules: ProductRules) -> str:
        return self.text.join(rules.option_name(each) for each in self.dimensions)

    def translated_name(self, rules: ProductRules, locale: str) -> str | None:
        names = [rules.translated_option(each, locale) for each in self.dimensions]
        return self.text.join(filter(None, names)) if all(names) else None

    def value_name(self, item: Item, product: FoProduct, language: str) -> str | None:
        """The value's name in this language; None where F&O has none for one of the dimensions."""
        names = [
            one_line(product.value_names.get((FIELDS[each], _value(item, each), language), ""))
            for each in self.dimensions
        ]
        return self.text.join(names) if all(names) else None

    def shown(self, item: Item, product: FoProduct, language: str) -> str:
        """The value as it is shown: its name, else F&O's value itself."""
        return self.text.join(
            one_line(product.value_names.get((FIELDS[each], _value(item, each), language), ""))
            or one_line(_value(item, each))
            for each in self.dimensions
        )


def plan_options(
    product: FoProduct, variants: Iterable[FoVariant], rules: ProductRules, *, most: int
) -> tuple[OptionPlan, ...]:
    """Raises RefusedError PRODUCT_TOO_MANY_DIMENSIONS for more options than the shop has."""
    items = [variant.item for variant in variants]
    used = [each for each in rules.option_order if any(_value(item, each) for item in items)]
    plans = [OptionPlan((each,)) for each in used]
    if len(used) > most and rules.join is not None:
        joined = tuple(each for each in rules.join.dimensions if each in used)
        plans = [
            OptionPlan(joined, rules.join.text) if each == joined[0] else OptionPlan((each,))
            for each in used
            if each not in joined[1:]
        ]
    if len(plans) > most:
        raise RefusedError(
            ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS,
            item=product.item_number,
            dimensions=", ".join(used),
            count=len(plans),
            limit=most,
        )
    return tuple(plans)


def lacking_dimension(item: Item, plans: Iterable[OptionPlan]) -> Dimension | None:
    """A dimension that the product's other variants have, and this one does not."""
    return next((each for plan in plans for each in plan.dimensions if not _value(item, each)), None)


def option_of(
    plan: OptionPlan, product: FoProduct, variants: Sequence[FoVariant], rules: ProductRules, *, most_values: int
) -> ProductOption:
    """The option with the values of these variants.

    Raises RefusedError PRODUCT_TOO_MANY_VALUES, and PRODUCT_VALUES_ALIKE for two values that are shown alike: Shopify
    would take them for one.
    """
    order = {
        (name, value.id): (value.sequence, value.id) for name, values in product.values.items() for value in values
    }
    items = {plan.id_of(variant.item): variant.item for variant in variants}

    def place(item: Item) -> list[tuple[bool, Any]]:
        keys = [(FIELDS[each], _value(item, each)) for each in plan.dimensions]
        return [(key not in order, order.get(key, key)) for key in keys]

    ordered = sorted(items.items(), key=lambda entry: place(entry[1]))
    shown = [plan.shown(item, product, rules.language) for _, item in ordered]
    ids = tuple(value for value, _ in ordered)
    if len(ids) > most_values:
        raise RefusedError(
            ErrorCode.PRODUCT_TOO_MANY_VALUES,
            item=product.item_number,
            option=plan.name(rules),
            count=len(ids),
            limit=most_values,
        )
    if pair := next(_alike(ids, shown), None):
        first, second, text = pair
        raise RefusedError(
            ErrorCode.PRODUCT_VALUES_ALIKE,
            item=product.item_number,
            option=plan.name(rules),
            first=first,
            second=second,
            text=text,
        )
    return ProductOption(plan.name(rules), plan.field, tuple(shown), ids)


def _alike(ids: Sequence[str], shown: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    times = Counter(text.casefold() for text in shown)
    for text, count in times.items():
        if count > 1:
            same = [(value, name) for value, name in zip(ids, shown, strict=True) if name.casefold() == text]
            yield same[0][0], same[1][0], same[0][1]


def _value(item: Item, dimension: Dimension) -> str:
    value: str = getattr(item, dimension)
    return value
