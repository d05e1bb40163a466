"""Prices of a list by trying out: every quantity, and every order in which F&O's database may return the rows.

Written from the rule that shared/mapping/prices/search.py documents, and not from its code: it knows no thresholds, no
ranks and no fractions of shares, and works on rows as F&O sends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import permutations

DIMENSIONS = ("ProductColorId", "ProductSizeId")


class UndecidedError(Exception):
    """F&O's rule does not decide, or there is no price."""


@dataclass(frozen=True)
class Buyer:
    """For whom the prices are."""

    groups: frozenset[str]
    currency: str
    account: str = ""
    discount_group: str = ""
    base: bool = True
    """Whether base prices count."""
    specific: bool = True
    """Whether rows that name more dimensions come before others."""


def valid(row: dict, day: date, prefix: str) -> bool:
    first, last = (date.fromisoformat(row[f"{prefix}{end}"][:10]) for end in ("FromDate", "ToDate"))
    return (first.year == 1900 or first <= day) and (last.year == 1900 or day <= last)


def holds(row: dict, item: dict, quantity: int) -> bool:
    if row["ItemNumber"] != item["ItemNumber"]:
        return False
    if any(row[name] and row[name] != item[name] for name in DIMENSIONS):
        return False
    return row["FromQuantity"] <= quantity and (not row["ToQuantity"] or quantity < row["ToQuantity"])


def party(row: dict, buyer: Buyer) -> int | None:
    if row["CustomerAccountNumber"]:
        return 1 if row["CustomerAccountNumber"] == buyer.account else None
    if row["PriceCustomerGroupCode"]:
        return 2 if row["PriceCustomerGroupCode"] in buyer.groups else None
    return 3


def specific(rows: list[dict]) -> list[dict]:
    def named(row: dict) -> set[str]:
        return {name for name in DIMENSIONS if row[name]}

    best = max(rows, key=lambda row: len(named(row)))
    if not all(named(row) <= named(best) for row in rows):
        raise UndecidedError
    return [row for row in rows if named(row) == named(best)]


def outcomes(parties: list[list[dict]]) -> set[Decimal]:
    """Each price that F&O could find, over all orders of the rows."""
    ends: set[tuple[Decimal | None, bool]] = {(None, False)}
    for rows in parties:
        if not rows:
            continue
        after: set[tuple[Decimal | None, bool]] = set()
        for found, over in ends:
            if over:
                after.add((found, True))
                continue
            for order in permutations(rows):
                now, stopped = found, False
                for row in order:
                    price = row["Price"] / (row["SalesPriceQuantity"] or 1)
                    now = price if now is None else min(now, price)
                    if row["WillSearchContinue"] == "No":
                        stopped = True
                        break
                after.add((now, stopped))
        ends = after
    return {found for found, _ in ends if found is not None}


def unit_price(rows: list[dict], item: dict, buyer: Buyer, day: date, quantity: int) -> Decimal:
    fitting = [
        row
        for row in rows
        if row["PriceCurrencyCode"] == buyer.currency
        and valid(row, day, "PriceApplicable")
        and holds(row, item, quantity)
    ]
    parties: list[list[dict]] = []
    over = False
    for number in (1, 2, 3):
        its = [row for row in fitting if party(row, buyer) == number]
        if its and not over:
            parties.append(specific(its) if buyer.specific else its)
            over = any(row["WillSearchContinue"] == "No" for row in parties[-1])
    prices = outcomes(parties)
    if len(prices) > 1:
        raise UndecidedError
    if prices:
        return prices.pop()
    if not buyer.base:
        raise UndecidedError
    return item["SalesPrice"] / (item["SalesPriceQuantity"] or 1)


def shown(price: Decimal, factor: Decimal = Decimal(1)) -> Decimal:
    return (price * factor).quantize(Decimal("0.01"), ROUND_HALF_UP)


def tiers(
    rows: list[dict], item: dict, buyer: Buyer, day: date, *, most: int, factor: Decimal = Decimal(1)
) -> list[tuple[int, Decimal]]:
    """(quantity, price of one piece) from 1 on, each cheaper than the one before; up to the quantity `most`."""
    found: list[tuple[int, Decimal]] = []
    for quantity in range(1, most + 1):
        price = shown(unit_price(rows, item, buyer, day, quantity), factor)
        if price <= 0:
            raise UndecidedError
        if not found or price < found[-1][1]:
            found.append((quantity, price))
    return found
