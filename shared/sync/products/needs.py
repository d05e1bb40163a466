"""Which sets of F&O a store's rules need to know products by."""

from __future__ import annotations

from collections.abc import Iterator

from shared.d365.catalogue.asked import CatalogueNeeds
from shared.rules import ProductRules
from shared.rules.sections.product_fields import TextSource


def needs_of(rules: ProductRules) -> CatalogueNeeds:
    owns = rules.owners.owned
    languages = (rules.language, *(each.language for each in rules.locales))
    return CatalogueNeeds(
        languages=tuple(dict.fromkeys(languages)),
        descriptions=owns("description"),
        barcodes=owns("barcode"),
        hs_codes=owns("hs_code"),
        countries=owns("origin"),
        attributes=tuple(sorted(set(_attributes(rules)))),
        hierarchies=tuple(sorted(set(_hierarchies(rules)))),
        assortments=rules.approved.assortments,
        images=rules.images if owns("images") else None,
    )


def _sources(rules: ProductRules) -> Iterator[TextSource]:
    yield from filter(None, (rules.vendor, rules.product_type))
    yield from rules.tags


def _attributes(rules: ProductRules) -> Iterator[str]:
    if rules.approved.attribute is not None:
        yield rules.approved.attribute.attribute
    yield from (each.attribute for each in _sources(rules) if each.attribute is not None)
    yield from (each.attribute for each in rules.metafields)


def _hierarchies(rules: ProductRules) -> Iterator[str]:
    if rules.approved.category is not None:
        yield rules.approved.category.hierarchy
    yield from (each.hierarchy for each in _sources(rules) if each.hierarchy is not None)
    yield from (each.hierarchy for each in rules.categories)
