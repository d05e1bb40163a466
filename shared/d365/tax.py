"""F&O's sales tax set-up of a company: six queries, kept for hours."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final, Literal

from shared.d365.entities import (
    ITEM_TAX_GROUP_CODES,
    ITEM_TAX_GROUPS,
    READ,
    TAX_CODES,
    TAX_GROUP_CODES,
    TAX_GROUPS,
    TAX_RATES,
)
from shared.d365.odata.client import ODataClient
from shared.model import RoundingBy, RoundOff, TaxCode, TaxGroup, TaxRate, TaxSetup
from shared.model.fo_order import FoRow

_HOURS: Final = 4.0


class TaxSetups:
    """The companies' tax set-ups.

    After a difference `forget` makes the next use read again, so that a correction in F&O counts at once.
    """

    def __init__(
        self, client: ODataClient, *, seconds: float = _HOURS * 3600, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, TaxSetup]] = {}
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, company: str) -> TaxSetup:
        """One caller reads at a time, the others use its result. Raises what the client raises."""
        async with self._reading[company]:
            until, setup = self._known.get(company, (0.0, None))
            if setup is None or self._clock() >= until:
                setup = await read_tax_setup(self._client, company)
                self._known[company] = (self._clock() + self._seconds, setup)
            return setup

    def forget(self, company: str) -> None:
        self._known.pop(company, None)


async def tax_setup_of(
    company: str, taxes: TaxSetups, *, verify: Literal["rules", "fo", "external"]
) -> TaxSetup | None:
    """The company's set-up where the store's taxes are verified against F&O's, else None. Raises as the client does."""
    return await taxes.of(company) if verify == "fo" else None


async def read_tax_setup(client: ODataClient, company: str) -> TaxSetup:
    """All tax codes and groups of the company, a few hundred rows even in large ones."""

    async def rows(entity_set: str) -> list[FoRow]:
        return await client.query(entity_set, company=company, where=None, select=READ[entity_set])

    rates = _grouped(await rows(TAX_RATES), "TaxCodeId")
    members = _grouped(await rows(TAX_GROUP_CODES), "TaxGroupId")
    item_members = _grouped(await rows(ITEM_TAX_GROUP_CODES), "TaxItemGroupCode")
    return TaxSetup(
        company=company,
        codes={_key(row["TaxCode"]): _code(row, rates[_key(row["TaxCode"])]) for row in await rows(TAX_CODES)},
        groups={
            _key(row["TaxGroupCode"]): TaxGroup(
                rounding_by=RoundingBy(row["RoundingBy"]), codes=_paid(members[_key(row["TaxGroupCode"])])
            )
            for row in await rows(TAX_GROUPS)
        },
        item_groups={
            _key(row["TaxItemGroup"]): _paid(item_members[_key(row["TaxItemGroup"])])
            for row in await rows(ITEM_TAX_GROUPS)
        },
    )


def _key(name: str) -> str:
    return name.casefold()


def _grouped(rows: Iterable[FoRow], field: str) -> defaultdict[str, list[FoRow]]:
    found: defaultdict[str, list[FoRow]] = defaultdict(list)
    for row in rows:
        found[_key(row[field])].append(row)
    return found


def _paid(members: Iterable[FoRow]) -> dict[str, bool]:
    """Tax code -> whether the buyer pays it. Item groups know no reverse charge."""
    return {
        _key(row["TaxCodeId"]): row["ExemptTax"] == "No" and row.get("ReverseCharge", "No") == "No" for row in members
    }


def _code(row: FoRow, rates: Iterable[FoRow]) -> TaxCode:
    return TaxCode(
        id=row["TaxCode"],
        origin=row["TaxBase"],
        marginal_base=row["TaxLimitBase"],
        precision=row["TaxRoundOff"],
        round_off=RoundOff(row["TaxRoundOffType"]),
        currency=row["TaxCurrencyCodeId"],
        rates=tuple(
            TaxRate(
                first=_day(rate["FromDate"]),
                last=_day(rate["ToDate"]),
                minimum=rate["MinimumLimit"],
                maximum=rate["MaximumLimit"],
                percent=rate["Value"],
            )
            for rate in rates
        ),
    )


def _day(text: str) -> date | None:
    """F&O writes days at noon UTC, and 1900-01-01 for none."""
    day = date.fromisoformat(text[:10])
    return None if day.year == 1900 else day  # noqa: PLR2004 - see above
