"""Which products and variants are sold: the rule [products.approved], F&O's stops and its dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final

from shared.model import Item
from shared.model.fo_product import (
    AssortmentLine,
    CategoryNode,
    FoCatalogueTerms,
    FoCategory,
    FoProduct,
    FoStop,
    FoVariant,
)
from shared.rules import ApprovalRules
from shared.rules.sections.product_fields import AttributeRule, CategoryRule

_DEEPEST: Final = 50
"""Levels of a category hierarchy that are gone up, so that a circle of parents has an end."""


def reason_against(product: FoProduct, terms: FoCatalogueTerms, rules: ApprovalRules, day: date) -> str:
    """Why the product is not sold on this day of the store, "" if it is. Of a master, each variant is judged apart."""
    reasons = (
        _state(product.lifecycle_state, rules),
        "sales are stopped" if product.is_stopped else "",
        _dates(product.sold_from, product.sold_until, day),
        _dates(product.valid_from, product.valid_until, day),
        _category(product, terms, rules.category),
        _attribute(product, rules.attribute),
        "" if product.is_master else _assortment(Item(product.item_number), product, terms, rules),
    )
    return next(filter(None, reasons), "")


def reason_against_variant(
    variant: FoVariant, product: FoProduct, terms: FoCatalogueTerms, rules: ApprovalRules, sites: Collection[str]
) -> str:
    """Why the variant is not sold, "" if it is. `sites` are those of the store's warehouses."""
    reasons = (
        _state(variant.lifecycle_state or product.lifecycle_state, rules),
        "sales are stopped" if is_stopped(variant.item, product.stops, sites) else "",
        _assortment(variant.item, product, terms, rules),
    )
    return next(filter(None, reasons), "")


def is_stopped(item: Item, stops: Collection[FoStop], sites: Collection[str]) -> bool:
    """Whether the item may be sold at none of the sites, of which there is at least one."""
    stopped = {stop.site for stop in stops if _covers(stop.item, item)}
    return "" in stopped or stopped.issuperset(sites)


def lineage(category: FoCategory, known: Mapping[FoCategory, CategoryNode]) -> Iterator[FoCategory]:
    """The category and those above it, the nearest first."""
    for _ in range(_DEEPEST):
        yield category
        node = known.get(category)
        if node is None or not node.parent:
            return
        category = FoCategory(category.hierarchy, node.parent)


def lineages(product: FoProduct, terms: FoCatalogueTerms) -> frozenset[FoCategory]:
    return frozenset(above for each in product.categories for above in lineage(each, terms.categories))


def _state(state: str, rules: ApprovalRules) -> str:
    allowed = {each.casefold() for each in rules.lifecycle_states}
    return f"lifecycle state {state or '(none)'}" if allowed and state.casefold() not in allowed else ""


def _dates(first: date | None, last: date | None, day: date) -> str:
    if first is not None and day < first:
        return f"not before {first}"
    return f"not after {last}" if last is not None and day > last else ""


def _category(product: FoProduct, terms: FoCatalogueTerms, rule: CategoryRule | None) -> str:
    if rule is None or lineages(product, terms) & {FoCategory(rule.hierarchy, name) for name in rule.names}:
        return ""
    return f"in none of the categories of {rule.hierarchy}"


def _attribute(product: FoProduct, rule: AttributeRule | None) -> str:
    if rule is None:
        return ""
    values = [each.value for each in product.attributes.get(product.product_number, ()) if each.name == rule.attribute]
    if any(value.casefold() == rule.value.casefold() for value in values):
        return ""
    return f"attribute {rule.attribute} is {values[0] if values else '(none)'}"


def _assortment(item: Item, product: FoProduct, terms: FoCatalogueTerms, rules: ApprovalRules) -> str:
    if not rules.assortments:
        return ""
    categories = lineages(product, terms)
    fitting: defaultdict[str, set[bool]] = defaultdict(set)
    for line in terms.assortments:
        if _fits(line, item, categories):
            fitting[line.assortment].add(line.includes)
    # A line that excludes counts more than one that includes.
    return "" if {True} in fitting.values() else "in none of the published assortments"


def _fits(line: AssortmentLine, item: Item, categories: frozenset[FoCategory]) -> bool:
    return line.category in categories if line.category is not None else _covers(line.item, item)


def _covers(pattern: Item, item: Item) -> bool:
    """Whether each dimension of the pattern is that of the item, or "" for any."""
    return pattern.number == item.number and all(
        not wanted or wanted == found for wanted, found in zip(pattern[1:], item[1:], strict=True)
    )
