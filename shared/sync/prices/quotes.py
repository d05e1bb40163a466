"""The shop's own prices of some items now, for what creates their variants."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Final

from shared.errors import RefusedError
from shared.mapping.prices.plan import WantedPrices
from shared.mapping.prices.terms import price_rules, shop_terms
from shared.model import Item, VariantPrices
from shared.rules import StoreRules
from shared.sync.prices.calculators import calculator_of
from shared.sync.prices.ports import PriceSource
from shared.sync.prices.reading import read_fo_prices

_MOST: Final = 500
"""Items that are read by their numbers, about 20 to a call: of more, all of F&O's prices take fewer calls."""


async def quotes(
    rules: StoreRules,
    fo: PriceSource,
    items: Collection[Item],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> VariantPrices:
    """None for an item without a price by the rules, and for all of them while the flow prices is off. The flow tells
    why, once the variant is in the shop. Raises what the client raises, and RefusedError PRICE_SERVICE_WRONG.
    """
    if not rules.flows.prices or not items:
        return dict.fromkeys(items)
    terms = shop_terms(price_rules(rules))
    day = now().astimezone(rules.zone).date()
    numbers = {item.number for item in items}
    found = await read_fo_prices(rules, fo, [terms], day=day, items=numbers if len(numbers) <= _MOST else None)
    prices = WantedPrices(await calculator_of(rules, fo, found, terms, day=day, items=items))
    return {item: None if isinstance(price := prices.of(item), RefusedError) else price for item in items}
