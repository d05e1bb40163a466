"""Vendor, type, tags, category and metafields: what the rules take from categories and attributes of F&O."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.products.wanted.approval import lineage
from shared.mapping.products.wanted.texts import plain_number
from shared.mapping.text import lines, one_line
from shared.model import Metafield
from shared.model.fo_product import FoAttribute, FoCatalogueTerms, FoCategory, FoProduct
from shared.rules.sections.product_fields import MetafieldRule, TagSource, TaxonomyRule, TextSource

TEXT_LIMIT: Final = 255
"""Characters of a title, vendor, type, tag, SKU, barcode, option name and value (recorded from live shops)."""

_TYPES: Final = {
    "Text": "single_line_text_field",
    "Integer": "number_integer",
    "Decimal": "number_decimal",
    "TrueFalse": "boolean",
    "DateTime": "date_time",
    "Currency": "money",
}
"""Metafield type of each data type of F&O's attributes that has a value of its own."""


def text_from(source: TextSource | None, product: FoProduct, terms: FoCatalogueTerms, *, field: str) -> str | None:
    """None where F&O has no value. Raises RefusedError PRODUCT_TEXT_TOO_LONG."""
    if source is None:
        return None
    value = next(_values(source, product, terms), None)
    return None if value is None else fitting(value, product.item_number, field)


def tags_from(sources: Iterable[TagSource], product: FoProduct, terms: FoCatalogueTerms) -> tuple[str, ...]:
    """Each tag once, whatever its case, in the order of the rules. Raises RefusedError PRODUCT_TEXT_TOO_LONG."""
    tags: dict[str, str] = {}
    for source in sources:
        for value in _values(source, product, terms):
            # Shopify takes a comma for the end of a tag.
            tag = one_line(f"{source.prefix}{value}".replace(",", " "))
            tags.setdefault(tag.casefold(), fitting(tag, product.item_number, "tag"))
    return tuple(tags.values())


def taxonomy_of(rules: Iterable[TaxonomyRule], product: FoProduct, terms: FoCatalogueTerms) -> str | None:
    """Shopify's category of the nearest category of F&O that has a rule."""
    of_category = {FoCategory(rule.hierarchy, rule.name): rule.taxonomy for rule in reversed(tuple(rules))}
    for category in product.categories:
        for above in lineage(category, terms.categories):
            if above in of_category:
                return of_category[above]
    return None


def metafields_from(
    rules: Iterable[MetafieldRule],
    attributes: Iterable[FoAttribute],
    item: str,
    problems: list[RefusedError],
    *,
    currency: str,
) -> tuple[Metafield, ...]:
    """Those that F&O has a value for. What cannot be a metafield of its type is added to the problems: money also in
    another currency than the shop's, which Shopify refuses.
    """
    known = {attribute.name: attribute for attribute in attributes}
    found = []
    for rule in rules:
        attribute = known.get(rule.attribute)
        if attribute is None or not attribute.value:
            continue
        kind = rule.type or _TYPES.get(attribute.data_type)
        is_foreign = kind == "money" and attribute.currency != currency
        value = None if kind is None or is_foreign else _as_metafield(attribute, kind)
        if kind is None or value is None:
            problems.append(
                RefusedError(
                    ErrorCode.PRODUCT_ATTRIBUTE_WRONG,
                    item=item,
                    attribute=rule.attribute,
                    data_type=attribute.data_type,
                    type=kind or "(none)",
                )
            )
        else:
            found.append(Metafield(rule.namespace, rule.key, kind, value))
    return tuple(found)


def fitting(text: str, item: str, field: str) -> str:
    """Raises RefusedError PRODUCT_TEXT_TOO_LONG."""
    if len(text) > TEXT_LIMIT:
        raise RefusedError(ErrorCode.PRODUCT_TEXT_TOO_LONG, item=item, field=field, length=len(text), limit=TEXT_LIMIT)
    return text


def _values(source: TextSource, product: FoProduct, terms: FoCatalogueTerms) -> Iterator[str]:
    if source.text is not None:
        yield source.text
    for attribute in product.attributes.get(product.product_number, ()):
        if attribute.name == source.attribute and (value := one_line(attribute.value)):
            yield value
    for category in product.categories:
        if category.hierarchy == source.hierarchy:
            node = terms.categories.get(category)
            yield one_line(node.label if node else category.name)


def _as_metafield(attribute: FoAttribute, kind: str) -> str | None:
    """The attribute's value as Shopify writes one of this type; None if it has none."""
    try:
        return _WRITE[kind](attribute) or None
    except (ValueError, InvalidOperation):
        return None


def _money(attribute: FoAttribute) -> str:
    amount = plain_number(Decimal(attribute.value))
    return json.dumps({"amount": amount, "currency_code": attribute.currency})


_WRITE: Final[dict[str, Callable[[FoAttribute], str]]] = {
    "single_line_text_field": lambda attribute: one_line(attribute.value),
    "multi_line_text_field": lambda attribute: lines(attribute.value),
    "number_integer": lambda attribute: str(int(attribute.value)),
    "number_decimal": lambda attribute: plain_number(Decimal(attribute.value)),
    "boolean": lambda attribute: {"yes": "true", "no": "false"}.get(attribute.value.casefold(), ""),
    "date": lambda attribute: datetime.fromisoformat(attribute.value).date().isoformat(),
    "date_time": lambda attribute: datetime.fromisoformat(attribute.value).isoformat(),
    "money": _money,
}
