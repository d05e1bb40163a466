"""The shop's own prices of some items now, for what creates their variants."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from shared.d365.odata.client import RowReader
from shared.errors import RefusedError
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.terms import price_rules, shop_terms
from shared.model import Item, ListedPrice, VariantPrices
from shared.rules import StoreRules
from shared.sync.prices.reading import read_fo_prices


async def quotes(
    rules: StoreRules,
    fo: RowReader,
    items: Collection[Item],
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> VariantPrices:
    """None for an item that has no price by the rules, and for all of them while the flow prices is off or prices come
    from the tenant's own service: the flow tells why, once the variant is in the shop, and gives it its price.
    """
    if not rules.flows.prices or not items or price_rules(rules).source == "service":
        return dict.fromkeys(items)
    terms = shop_terms(price_rules(rules))
    day = now().astimezone(rules.zone).date()
    found = await read_fo_prices(rules, fo, [terms], day=day, items={item.number for item in items})
    calculator = ListCalculator.of_day(found.book, terms, day)
    prices: dict[Item, ListedPrice | None] = {}
    for item in items:
        try:
            prices[item] = calculator.price_of(item)
        except RefusedError:
            prices[item] = None
    return prices
