"""A product's texts, and its options', in the other locales of the shop."""

from __future__ import annotations

from collections.abc import Sequence

from shared.errors import RefusedError
from shared.mapping.products.wanted.options import OptionPlan
from shared.mapping.products.wanted.sources import fitting
from shared.mapping.products.wanted.texts import html_of
from shared.mapping.text import one_line
from shared.model import Item, ProductOption
from shared.model.fo_product import FoProduct, FoText
from shared.rules import ProductRules

NO_TEXT = FoText("", "")


def text_translations(
    product: FoProduct, rules: ProductRules, problems: list[RefusedError]
) -> dict[str, dict[str, str]]:
    """By locale: `title` and `body_html`. What is as in the store's language is left out: Shopify refuses it."""
    found: dict[str, dict[str, str]] = {}
    own = product.texts.get(rules.language, NO_TEXT)
    for rule in rules.locales:
        text = product.texts.get(rule.language, NO_TEXT)
        title, body = one_line(text.name), html_of(text.description)
        texts: dict[str, str] = {}
        if title and title != one_line(own.name):
            try:
                texts["title"] = fitting(title, product.item_number, f"title in {rule.language}")
            except RefusedError as refusal:
                problems.append(refusal)
        if body and body != html_of(own.description) and rules.owners.owned("description"):
            texts["body_html"] = body
        if texts:
            found[rule.locale] = texts
    return found


def option_translations(
    plans: Sequence[OptionPlan],
    options: Sequence[ProductOption],
    items: Sequence[Item],
    product: FoProduct,
    rules: ProductRules,
) -> dict[str, dict[tuple[str, str], str]]:
    """By locale: by F&O's field and value, and by field and "" for the option's own name."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for rule in rules.locales:
        names: dict[tuple[str, str], str] = {}
        for plan, option in zip(plans, options, strict=True):
            shown = dict(zip(option.ids, option.values, strict=True))
            name = plan.translated_name(rules, rule.locale)
            if name and name != option.name:
                names[option.dimension, ""] = name
            for value, item in {plan.id_of(item): item for item in items}.items():
                text = plan.value_name(item, product, rule.language)
                if text and text != shown[value]:
                    names[option.dimension, value] = text
        if names:
            found[rule.locale] = names
    return found
