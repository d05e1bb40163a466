"""What computes the prices of a list: the app itself, or the tenant's own service."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from shared.d365.odata.client import ServiceCaller
from shared.d365.prices.service import PriceQuestion, ask_prices
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.terms import ListTerms, price_rules
from shared.model import Item
from shared.rules import StoreRules
from shared.sync.prices.reading import FoPrices


async def calculator_of(
    rules: StoreRules, fo: ServiceCaller, found: FoPrices, terms: ListTerms, *, day: date, items: Collection[Item]
) -> ListCalculator:
    """The service is asked for these items. Raises RefusedError PRICE_SERVICE_WRONG."""
    service = price_rules(rules).service
    if service is None:
        return ListCalculator.of_day(found.book, terms, day)
    question = PriceQuestion(
        path=f"{service.group}/{service.service}/{service.operation}",
        company=rules.company,
        currency=terms.currency,
        group=next(iter(terms.groups), ""),
        account=terms.account or "",
        day=day,
    )
    asked = [
        (item, sales_item.sales_unit)
        for item in sorted(items)
        if (sales_item := found.book.sales_item(item)) is not None
    ]
    quantities = (1, *service.quantities) if terms.tiers else (1,)
    given = await ask_prices(fo, question, asked, quantities)
    return ListCalculator.of_day(found.book, terms, day, given=given)
