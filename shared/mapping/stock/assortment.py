"""Which of the variants that a store has in Shopify get stock figures, by SKU and F&O item: no I/O.

Two variants of one item would both show its stock, and sell it twice. So one of them gets figures only where nobody can
buy the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import ErrorCode, RefusedError
from shared.mapping.stock.figures import StockedItem
from shared.model import Item, Variant


class Unlisted(StrEnum):
    """Why something that Shopify has gets no figure at all."""

    NO_SKU = "has no SKU"
    NOT_TRACKED = "Shopify does not count it"
    BUNDLE = "a bundle: its components give its figure"
    UNKNOWN = "F&O has no such item"
    AMBIGUOUS = "several variants on sale have the same F&O item"
    NOT_ON_SALE = "of a draft or archived product, and another variant has the same F&O item"


type WithoutFigure = tuple[str, Unlisted]
"""A variant's SKU, and why."""


@dataclass(frozen=True, slots=True)
class MatchedVariants:
    """The variants by what their F&O items say of them."""

    single: tuple[StockedItem, ...]
    """The only variants of their items."""
    shared: tuple[StockedItem, ...]
    """Those whose item other variants have too."""
    unlisted: tuple[WithoutFigure, ...]
    problems: tuple[RefusedError, ...]
    """One for each variant that somebody has to correct."""


def match_variants(
    variants: Iterable[Variant],
    items: Mapping[str, Item],
    *,
    withheld: Mapping[int, Item],
    locations: Iterable[int],
    company: str,
) -> MatchedVariants:
    """Shopify's variants with F&O's items, by SKU; `withheld` variants also with an item that F&O does not have."""
    unlisted: list[WithoutFigure] = []
    of_item: defaultdict[Item, list[StockedItem]] = defaultdict(list)
    problems: list[RefusedError] = []
    everywhere = ", ".join(str(location) for location in locations)
    for variant in variants:
        if reason := _excluded(variant):
            unlisted.append((variant.sku, reason))
        elif item := items.get(variant.sku) or withheld.get(variant.variant_id):
            of_item[item].append(StockedItem(variant.sku, item, variant.inventory_item, variant.variant_id))
        else:
            unlisted.append((variant.sku, Unlisted.UNKNOWN))
            problems.append(
                RefusedError(ErrorCode.STOCK_SKU_UNKNOWN, sku=variant.sku, location=everywhere, company=company)
            )
    return MatchedVariants(
        single=tuple(same[0] for same in of_item.values() if len(same) == 1),
        shared=tuple(each for same in of_item.values() if len(same) > 1 for each in same),
        unlisted=tuple(unlisted),
        problems=tuple(problems),
    )


def _excluded(variant: Variant) -> Unlisted | None:
    if not variant.sku:
        return Unlisted.NO_SKU
    if variant.bundle:
        return Unlisted.BUNDLE
    return None if variant.tracked else Unlisted.NOT_TRACKED


@dataclass(frozen=True, slots=True)
class ChosenVariants:
    """Which of the variants that share their items get figures."""

    items: tuple[StockedItem, ...]
    sold_as: dict[int, int]
    """Inventory item of a variant that nobody can buy any more -> that of the variant which has its item's figures:
    what an order has taken of the one lowers the figures of the other.
    """
    unlisted: tuple[WithoutFigure, ...]
    problems: tuple[RefusedError, ...]


def choose_variants(
    shared: Iterable[StockedItem], *, on_sale: Container[int], withheld: Container[int]
) -> ChosenVariants:
    """`on_sale` are variants of products that are neither drafts nor archived. `withheld` variants get figures in any
    case, since they show 0. Of an item's other variants the only one, or the only one on sale, gets figures.
    """
    items: list[StockedItem] = []
    sold_as: dict[int, int] = {}
    unlisted: list[WithoutFigure] = []
    problems: list[RefusedError] = []
    of_item: defaultdict[Item, list[StockedItem]] = defaultdict(list)
    for each in shared:
        of_item[each.item].append(each)
    for same in of_item.values():
        items += [each for each in same if each.variant_id in withheld]
        others = [each for each in same if each.variant_id not in withheld]
        candidates = others if len(others) == 1 else [each for each in others if each.variant_id in on_sale]
        unlisted += [(each.sku, Unlisted.NOT_ON_SALE) for each in others if each not in candidates]
        if len(candidates) == 1:
            [chosen] = candidates
            items.append(chosen)
            sold_as |= {each.inventory_item: chosen.inventory_item for each in same if each is not chosen}
        elif candidates:
            unlisted += [(each.sku, Unlisted.AMBIGUOUS) for each in candidates]
            problems.append(RefusedError(ErrorCode.STOCK_SKU_AMBIGUOUS, sku=candidates[0].sku, count=len(candidates)))
    return ChosenVariants(tuple(items), sold_as, tuple(unlisted), tuple(problems))
