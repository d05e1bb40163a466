"""F&O's prices to a store's shop: read both sides, compute, write what differs, store what was written.

Everything is read before anything is written, and a reading that fails or is short writes nothing. A price is written
as an amount, never as a difference, so that writing it twice is harmless: after a crash or a lost answer the next run
reads what Shopify shows and writes what still differs. Two runs at once would at worst write the same prices twice; the
one that stores its memory later fails and is repeated.

Prices are those of the store's day: a run is due when that changes, whatever `minutes` says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import httpx

from shared.errors import ErrorCode, RefusedError, ThrottledError
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.plan import WantedPrices
from shared.mapping.prices.search import unlisted_currencies
from shared.mapping.prices.terms import ListTerms, price_rules, terms_of
from shared.model import Item
from shared.rules import StoreRules
from shared.rules.sections.prices import PriceListRules, PriceRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.prices import read_price_settings
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.brake import Brake
from shared.sync.bulk.jobs import BulkJobs
from shared.sync.bulk.lane import BulkLane
from shared.sync.bulk.reading import BulkReading
from shared.sync.counting import CountingRunner
from shared.sync.prices.calculators import calculator_of
from shared.sync.prices.lists.memory import PriceMemory
from shared.sync.prices.lists.one_list import RunScope, converge_list
from shared.sync.prices.lists.price_list import (
    ensure_list,
    known_list,
    list_variants,
    load_list_prices,
    read_list_prices,
    write_list,
)
from shared.sync.prices.lists.shop_lane import ShopPriceLane
from shared.sync.prices.lists.shop_prices import ShopPriceReading, load_shop_prices, shop_variants
from shared.sync.prices.lists.writing import SingleCalls, by_product
from shared.sync.prices.ports import CountingSource, PriceSource
from shared.sync.prices.proof import prove_prices
from shared.sync.prices.reading import FoPrices, missing_rows, read_fo_prices
from shared.sync.prices.report import ListReport, PriceReport
from shared.sync.prices.state import RunState

_TIME_LIMIT: Final = timedelta(minutes=2, seconds=30)
"""No call that reads pages or writes begins after it: the run is cut off after FLOW_TIME (shared/sync/deadline.py)."""

_READING: Final = "reading the shop's prices takes longer than a run"
_LISTING: Final = "Shopify is making the first list of the shop's prices"


async def push_prices(
    rules: StoreRules,
    *,
    admin: QueryRunner,
    fo: PriceSource,
    snapshots: Snapshots,
    journal: Journal,
    now: Callable[[], datetime],
    tell: Callable[[PriceReport], Awaitable[None]],
    files: httpx.AsyncClient,
) -> PriceReport:
    """One run for one store. `files` loads files from where Shopify has them, without the shop's token.

    `tell` is given the report before it is stored that its problems were told.

    Raises TransientError of the clients. What a person has to correct is in the report.
    """
    began = now()
    report = PriceReport(rules.key, f"{rules.key}-{began:%Y%m%dT%H%M%S.%f}")
    state = await RunState.load(snapshots, rules.key)
    day = began.astimezone(rules.zone).date()
    if not state.is_due(began, day, price_rules(rules).minutes):
        report.is_idle = True
        return report
    shopify, counted_fo = CountingRunner(admin), CountingSource(fo, service=fo)
    is_late = _after(began + _TIME_LIMIT, now)
    run = _PricePush(
        rules=rules,
        settings=price_rules(rules),
        admin=shopify,
        fo=counted_fo,
        snapshots=snapshots,
        bulk=BulkLane(BulkJobs(shopify, snapshots, journal, rules.key, "prices", now), files),
        reading=BulkReading(BulkJobs(shopify, snapshots, journal, rules.key, "prices-reading", now), files),
        brake=Brake(snapshots, rules.key, "prices", now),
        state=state,
        report=report,
        began=began,
        day=day,
        is_late=is_late,
    )
    try:
        await run.all()
    except RefusedError as refusal:
        report.problems.append(refusal)
        report.halted = refusal.code
    except ThrottledError as throttled:
        report.halted = throttled.reason
    finally:
        for memory in run.memories:
            await memory.save()
    report.shopify_calls, report.fo_calls = shopify.calls, counted_fo.calls
    run.note_state()
    await tell(report)
    await state.save()
    return report


def _after(limit: datetime, now: Callable[[], datetime]) -> Callable[[], bool]:
    return lambda: now() >= limit


@dataclass(slots=True)
class _PricePush:
    """One run for one store."""

    rules: StoreRules
    settings: PriceRules
    admin: QueryRunner
    fo: PriceSource
    snapshots: Snapshots
    bulk: BulkLane
    reading: BulkReading
    brake: Brake
    state: RunState
    report: PriceReport
    began: datetime
    day: date
    is_late: Callable[[], bool]
    memories: list[PriceMemory] = field(default_factory=list)
    """What is stored at the end."""
    is_done: bool = False
    is_under_way: bool = False
    """Shopify is working on a bulk operation."""

    async def all(self) -> None:
        """Raises RefusedError for what concerns the run as a whole: nothing was written then."""
        variants = await self._check_shop()
        shop = await load_shop_prices(self.snapshots, self.rules.key)
        self.memories.append(shop)
        lane = ShopPriceLane(SingleCalls(self.admin, self.is_late), self.bulk, shop)
        await lane.settle()  # before the shop is read, which shows what became of these prices since
        reading = ShopPriceReading(
            memory=shop,
            admin=self.admin,
            bulk=self.reading,
            variants=variants,
            now=self.began,
            full_hours=self.settings.full_compare_hours,
            is_late=self.is_late,
        )
        if not await reading.read():
            self.report.halted = _LISTING if reading.is_under_way else _READING
            return
        lists = terms_of(self.settings)
        found = await read_fo_prices(self.rules, self.fo, lists, day=self.day)
        await self._check_rows(found)
        scope = RunScope(self.settings, self.brake, shop, found.item_of, self.is_late)
        self._find_unlisted(found, lists)
        await self._push_shop(lists[0], found, scope, lane)
        self.is_under_way = lane.is_under_way or reading.is_under_way
        for terms, each in zip(lists[1:], self.settings.lists, strict=True):
            if self.is_late():
                self.report.halted = self.report.halted or "time limit reached"
                return
            await self._push_list(each, terms, found, scope, shop)
        if not self.report.halted:
            await self._prove()
        self.is_done = not self.report.halted and not self.is_under_way

    def note_state(self) -> None:
        self.state.ran_at, self.state.day, self.state.is_unfinished = self.began, self.day, not self.is_done
        for about, problems in self._problems_by_list().items():
            self.report.news += self.state.news(problems, about=about)

    def _problems_by_list(self) -> dict[str, list[RefusedError]]:
        """Of what the run came to: what it did not look at stays told."""
        found = {f"list {each.name}": each.problems for each in self.report.lists}
        if self.report.proof is not None:
            found["order lines"] = self.report.proof.differences
        return found | {"run": self.report.problems}

    async def _check_shop(self) -> int:
        """How many variants the shop has."""
        shop = await read_price_settings(self.admin)
        settings = self.settings
        if shop.currency != settings.currency:
            raise RefusedError(
                ErrorCode.PRICE_SHOP_MISMATCH, what="currency", shop=shop.currency, rules=settings.currency
            )
        if shop.includes_tax != settings.shop_includes_tax:
            raise RefusedError(
                ErrorCode.PRICE_SHOP_MISMATCH,
                what="setting whether prices include tax",
                shop=shop.includes_tax,
                rules=settings.shop_includes_tax,
            )
        return shop.variants

    async def _check_rows(self, found: FoPrices) -> None:
        """Raises RefusedError PRICES_READ_SHORT for far fewer rows than last time, unless an operator confirmed it."""
        share = self.settings.least_share
        short = missing_rows(self.state.rows, found.rows, day=self.day, least_share=share)
        texts = {what: f"{expected} -> {rows} rows" for what, (rows, expected) in short.items()}
        if (await self.brake.hold("rows", texts, 0)).held:
            what, (rows, expected) = next(iter(short.items()))
            raise RefusedError(ErrorCode.PRICES_READ_SHORT, rows=rows, what=what, before=expected, store=self.rules.key)
        self.state.rows = {what: dict(by_day) for what, by_day in found.rows.items()}

    def _find_unlisted(self, found: FoPrices, lists: tuple[ListTerms, ...]) -> None:
        self.report.problems += (
            RefusedError(ErrorCode.PRICE_CURRENCY_UNLISTED, group=group, currency=currency, count=count)
            for group, currency, count in unlisted_currencies(found.book, lists, self.day)
        )

    async def _push_shop(self, terms: ListTerms, found: FoPrices, scope: RunScope, lane: ShopPriceLane) -> None:
        shop = lane.memory
        calculator = await self._calculator(terms, found, shop)
        keeps = terms.list_price_group is None
        self._add(
            await converge_list(
                scope,
                shop,
                shop_variants(shop),
                WantedPrices(calculator),
                lambda changes: lane.write(by_product(changes), keeps_compare_at=keeps),
            )
        )

    async def _push_list(
        self, each: PriceListRules, terms: ListTerms, found: FoPrices, scope: RunScope, shop: PriceMemory
    ) -> None:
        """What a person has to correct of one list stops none of the others."""
        memory = await load_list_prices(self.snapshots, self.rules.key, terms)
        self.memories.append(memory)
        hours = self.settings.full_compare_hours
        try:
            known = None if memory.is_full_reading_due(self.began, hours) else known_list(each, memory)
            price_list = known or await ensure_list(each, memory, self.admin)
            if not await read_list_prices(
                memory, price_list, terms, self.admin, now=self.began, full_hours=hours, is_late=self.is_late
            ):
                self.report.halted = _READING
                return
            memory.forget_deleted(shop.prices)
            calculator = await self._calculator(terms, found, shop)
            self._add(
                await converge_list(
                    scope,
                    memory,
                    list_variants(memory, shop),
                    WantedPrices(calculator),
                    lambda changes: write_list(
                        changes,
                        price_list,
                        terms,
                        memory,
                        self.admin,
                        is_fresh=memory.read_at == self.began,
                        is_late=self.is_late,
                    ),
                )
            )
        except RefusedError as refusal:
            if refusal.code is ErrorCode.PRICE_LIST_REFUSED:
                memory.read_again()  # the list may be deleted
            self.report.lists.append(ListReport(terms.name, terms.currency, problems=[refusal]))

    async def _calculator(self, terms: ListTerms, found: FoPrices, shop: PriceMemory) -> ListCalculator:
        items: set[Item] = set()
        if self.settings.source == "service":
            skus = (known.sku for known in shop.prices.values())
            items = {item for sku in skus if (item := found.item_of(sku)) is not None}
        return await calculator_of(self.rules, self.fo, found, terms, day=self.day, items=items)

    def _add(self, one: ListReport) -> None:
        self.report.lists.append(one)
        self.report.halted = self.report.halted or one.halted

    async def _prove(self) -> None:
        """Once a day."""
        if not self.settings.proof_groups or self.state.proved_day == self.day:
            return
        self.report.proof = await prove_prices(self.rules, self.fo, now=self.began)
        self.state.proved_day = self.day
