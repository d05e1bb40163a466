"""Trade agreements of a company: sales prices, line discounts, and the priorities of price groups.

F&O stamps no time on these rows, so they are read as a whole, page by page: those that are not over, of the price
groups and customers that a store's rules name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from shared.d365.entities import DIMENSIONS, LINE_DISCOUNTS, PRICE_AGREEMENTS, PRICE_DIMENSIONS, PRICE_GROUPS, READ
from shared.d365.items import item_of
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import Filter, all_of, before, chunks, either, eq, since
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.model.trade_agreement import AgreementTerms, DiscountAgreement, PriceAgreement

_ACCOUNT: Final = "CustomerAccountNumber"
_NO_DATE: Final = datetime(1900, 1, 3, tzinfo=UTC)
"""F&O writes 1900-01-01 for no date."""
_OPEN_YEARS: Final = frozenset({1900, 2154})
_ROOM: Final = 400
"""Characters of a filter by groups or by items, of the 2,000 of an address: both are in one."""


@dataclass(frozen=True, slots=True)
class AgreementScope:
    """Which rows are read. Codes as the rules have them: F&O ignores case."""

    groups: Collection[str]
    accounts: Collection[str]
    day: date
    """Rows that ended before this day are not read."""
    items: Collection[str] | None = None
    """Item numbers; None for all."""


class Interned[V: (Decimal, str, Item)]:
    """Equal values once: 100,000 rows have few different quantities, units and items."""

    def __init__(self) -> None:
        self._known: dict[V, V] = {}

    def __call__(self, value: V) -> V:
        return self._known.setdefault(value, value)


@dataclass(frozen=True, slots=True)
class RowValues:
    """Of the rows of one reading."""

    number: Interned[Decimal] = field(default_factory=Interned)
    text: Interned[str] = field(default_factory=Interned)
    item: Interned[Item] = field(default_factory=Interned)


async def read_price_agreements(client: CountedReader, company: str, scope: AgreementScope) -> list[PriceAgreement]:
    values = RowValues()
    found: list[PriceAgreement] = []
    for where in _filters(scope, "PriceCustomerGroupCode", "PriceApplicableToDate", "ItemNumber"):
        async for rows in client.pages(
            PRICE_AGREEMENTS, company=company, where=where, select=READ[PRICE_AGREEMENTS], counted=True
        ):
            found += (price_agreement(row, values) for row in rows)
    return found


async def read_line_discounts(client: CountedReader, company: str, scope: AgreementScope) -> list[DiscountAgreement]:
    """Of all items, also where the scope names some: a row may be for a product group, or for every item."""
    values = RowValues()
    found: list[DiscountAgreement] = []
    for where in _filters(scope, "LineDiscountCustomerGroupCode", "DiscountApplicableToDate", None):
        async for rows in client.pages(
            LINE_DISCOUNTS, company=company, where=where, select=READ[LINE_DISCOUNTS], counted=True
        ):
            found += (discount_agreement(row, values) for row in rows)
    return found


async def read_priorities(client: CountedReader, company: str) -> dict[str, int]:
    """Pricing priority by price group, in lower case."""
    found: dict[str, int] = {}
    async for rows in client.pages(PRICE_GROUPS, company=company, select=READ[PRICE_GROUPS], counted=True):
        found |= {row["GroupCode"].casefold(): int(row["PricingPriority"]) for row in rows}
    return found


def price_agreement(row: FoRow, values: RowValues) -> PriceAgreement:
    number, text = values.number, values.text
    return PriceAgreement(
        record=int(row["RecordId"]),
        terms=AgreementTerms(
            account=text(row[_ACCOUNT]),
            group=text(row["PriceCustomerGroupCode"]),
            item=values.item(item_of(row, PRICE_DIMENSIONS)),
            currency=text(row["PriceCurrencyCode"]),
            unit=text(row["QuantityUnitySymbol"]),
            from_quantity=number(row["FromQuantity"]),
            to_quantity=number(row["ToQuantity"]),
            first_day=day_of(row["PriceApplicableFromDate"]),
            last_day=day_of(row["PriceApplicableToDate"]),
            searches_on=row["WillSearchContinue"] == "Yes",
            site=text(row["PriceSiteId"]),
            warehouse=text(row["PriceWarehouseId"]),
            any_currency=row["IsGenericCurrencySearchEnabled"] == "Yes",
        ),
        price=number(row["Price"]),
        per=number(row["SalesPriceQuantity"]),
        charges=number(row["FixedPriceCharges"]),
        attributes=text(row.get("AttributeBasedPricingId", "")),
    )


def discount_agreement(row: FoRow, values: RowValues) -> DiscountAgreement:
    number, text = values.number, values.text
    first, second = row["DiscountPercentage1"], row["DiscountPercentage2"]
    return DiscountAgreement(
        record=int(row["RecordId"]),
        terms=AgreementTerms(
            account=text(row[_ACCOUNT]),
            group=text(row["LineDiscountCustomerGroupCode"]),
            item=values.item(item_of(row, DIMENSIONS)),
            currency=text(row["DiscountCurrencyCode"]),
            unit=text(row["QuantityUnitSymbol"]),
            from_quantity=number(row["FromQuantity"]),
            to_quantity=number(row["ToQuantity"]),
            first_day=day_of(row["DiscountApplicableFromDate"]),
            last_day=day_of(row["DiscountApplicableToDate"]),
            searches_on=row["WillSearchContinue"] == "Yes",
            site=text(row["DiscountSiteId"]),
            warehouse=text(row["DiscountWarehouseId"]),
        ),
        item_group=text(row["LineDiscountProductGroupCode"]),
        amount=number(row["DiscountAmount"]),
        percent=number(first + second - first * second / 100),
    )


def day_of(text: str) -> date | None:
    """F&O writes days at noon UTC, 1900-01-01 for none, and 2154-12-31 for the last that there is."""
    day = date.fromisoformat(text[:10])
    return None if day.year in _OPEN_YEARS else day


def _filters(scope: AgreementScope, group: str, last_day: str, item: str | None) -> Iterator[Filter]:
    is_over = datetime.combine(scope.day - timedelta(days=1), time.min, UTC)
    is_valid = either(since(last_day, is_over), before(last_day, _NO_DATE))
    everyone = ["", *sorted(scope.groups)]
    parties = [
        *(all_of(eq(_ACCOUNT, ""), groups) for groups in chunks(group, everyone, room=_ROOM)),
        *chunks(_ACCOUNT, sorted(scope.accounts), room=_ROOM),
    ]
    for party in parties:
        if item is None or scope.items is None:
            yield all_of(party, is_valid)
        else:
            yield from (all_of(party, items, is_valid) for items in chunks(item, sorted(scope.items), room=_ROOM))
