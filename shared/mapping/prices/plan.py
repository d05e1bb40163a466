"""What is to be done about each price of a list: compared with what Shopify shows and with what was last written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.changes import PriceChange, PriceOutcome, decide_price, with_shown_compare_at
from shared.mapping.prices.terms import SHOP, ListTerms
from shared.model import Item, ListedPrice

type WantedPrice = ListedPrice | RefusedError | None
"""None where F&O has no price for the list."""


class ShownVariant(NamedTuple):
    """A variant of the shop on a list."""

    variant: int
    product: int
    sku: str
    shown: ListedPrice | None
    written: ListedPrice | None


@dataclass(frozen=True, slots=True)
class PricePlan:
    changes: list[PriceChange] = field(default_factory=list)
    edited: list[PriceChange] = field(default_factory=list)
    """Prices that somebody set in Shopify and that are left so."""
    equal: dict[int, ListedPrice] = field(default_factory=dict)
    """Variant -> price, where Shopify shows F&O's."""
    over: list[int] = field(default_factory=list)
    """Variants without a price of the list's own any more, in F&O and in Shopify: the flow's is over."""
    refusals: dict[Item, RefusedError] = field(default_factory=dict)
    outcomes: Counter[PriceOutcome] = field(default_factory=Counter)

    @property
    def shown(self) -> int:
        """How many prices the list shows that are F&O's to decide."""
        changed = sum(each.before is not None for each in self.changes)
        return len(self.equal) + len(self.edited) + changed


@dataclass(frozen=True, slots=True)
class WantedPrices:
    """The prices of a list, each item computed once."""

    calculator: ListCalculator
    known: dict[Item, WantedPrice] = field(default_factory=dict)

    def of(self, item: Item) -> WantedPrice:
        if item not in self.known:
            self.known[item] = self._compute(item)
        return self.known[item]

    def _compute(self, item: Item) -> WantedPrice:
        try:
            return self.calculator.price_of(item)
        except RefusedError as refusal:
            is_on_a_list = self.calculator.terms.name != SHOP
            return None if is_on_a_list and refusal.code is ErrorCode.PRICE_MISSING else refusal


def plan_prices(
    variants: Iterable[ShownVariant],
    prices: WantedPrices,
    *,
    item_of: Callable[[str], Item | None],
    overwrite: Literal["set_back", "tell"],
) -> PricePlan:
    """A variant whose SKU F&O does not know, and an item without a price by the rules, keep what Shopify shows."""
    plan, terms = PricePlan(), prices.calculator.terms
    for each in variants:
        item = item_of(each.sku) if each.sku else None
        if item is None:
            plan.outcomes[PriceOutcome.UNKNOWN] += 1
            continue
        wanted = prices.of(item)
        if isinstance(wanted, RefusedError):
            plan.refusals[item] = wanted
            plan.outcomes[PriceOutcome.REFUSED] += 1
            continue
        _plan_one(plan, each, wanted, terms, overwrite)
    return plan


def _plan_one(
    plan: PricePlan,
    each: ShownVariant,
    price: ListedPrice | None,
    terms: ListTerms,
    overwrite: Literal["set_back", "tell"],
) -> None:
    wanted, written = _for_list(price, each.shown, terms), _for_list(each.written, each.shown, terms)
    outcome = decide_price(each.shown, wanted, written, overwrite=overwrite)
    match outcome:
        case PriceOutcome.EQUAL:
            plan.outcomes[outcome] += 1
            if wanted is not None:
                plan.equal[each.variant] = wanted
            elif each.written is not None:
                plan.over.append(each.variant)
        case PriceOutcome.EDITED:
            plan.outcomes[outcome] += 1
            plan.edited.append(PriceChange(each.variant, each.product, each.sku, each.shown, wanted, outcome))
        case PriceOutcome.NOT_OURS:
            plan.outcomes[outcome] += 1
        case _:
            plan.changes.append(PriceChange(each.variant, each.product, each.sku, each.shown, wanted, outcome))


def _for_list(price: ListedPrice | None, shown: ListedPrice | None, terms: ListTerms) -> ListedPrice | None:
    """With the merchant's compare-at price, where F&O does not decide it."""
    return price if terms.list_price_group is not None else with_shown_compare_at(price, shown)
