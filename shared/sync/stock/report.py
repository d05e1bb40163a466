"""What a run of the stock flow did, figure by figure: for the journal, for telemetry, for people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.d365.odata.answers import Row
from shared.d365.odata.client import RowReader
from shared.errors import ErrorCode, RefusedError
from shared.mapping.stock import Listing, Outcome, Unlisted, Wanted
from shared.model import LevelId, Variant
from shared.shopify.admin.client import QueryRunner
from shared.shopify.queries import Query


@dataclass(frozen=True, slots=True)
class FigureReport:
    """One SKU at one location. `wanted` has on-hand by warehouse, ATP and unknown sales."""

    wanted: Wanted
    outcome: Outcome
    before: int | None = None
    """What Shopify showed; None when it was not asked."""

    @property
    def is_changed(self) -> bool:
        return self.outcome in {Outcome.LOWERED, Outcome.RAISED}

    @property
    def after(self) -> int | None:
        """What Shopify shows now, as far as the run knows."""
        return self.wanted.figure if self.is_changed else self.before


@dataclass(frozen=True, slots=True)
class StockReport:
    """One run for one store."""

    store: str
    run: str
    figures: tuple[FigureReport, ...] = ()
    unlisted: tuple[tuple[Variant, Unlisted], ...] = ()
    """What Shopify sells and gets no figure."""
    problems: tuple[RefusedError, ...] = ()
    """For somebody to mend. What stays wrong is told again when the catalogue is read again."""
    backlog: int = 0
    """Orders that wait for F&O, parked ones aside."""
    frozen: bool = False
    """The backlog was too large to raise a figure."""
    halted: str = ""
    """Why the run ended before it had looked at every figure; the next one goes on from there. "" if it had."""
    busy: bool = False
    """Another run was at work, so that this one did nothing."""
    shopify_calls: int = 0
    """Operations; one that was repeated counts once."""
    fo_calls: int = 0
    """Queries; one of several pages counts once."""

    @property
    def outcomes(self) -> Counter[Outcome]:
        return Counter(figure.outcome for figure in self.figures)

    @property
    def changed(self) -> int:
        return sum(figure.is_changed for figure in self.figures)


@dataclass(slots=True)
class ReportBuilder:
    figures: dict[LevelId, FigureReport] = field(default_factory=dict)
    problems: list[RefusedError] = field(default_factory=list)
    """For somebody to mend."""

    def note(self, wanted: Wanted, outcome: Outcome, before: int | None = None) -> None:
        """The figure's outcome, unless a second look at what this run has set finds it as it should be."""
        earlier = self.figures.get(wanted.listing.level)
        if not (earlier and earlier.is_changed and outcome is Outcome.EQUAL):
            self.figures[wanted.listing.level] = FigureReport(wanted, outcome, before)

    def absent(self, wanted: Wanted, outcome: Outcome) -> None:
        """Shopify has no such figure. That matters where F&O has goods."""
        self.note(wanted, outcome)
        if outcome is Outcome.NOT_STOCKED and wanted.figure:
            self._tell(ErrorCode.STOCK_NOT_STOCKED, wanted.listing, quantity=wanted.figure)

    def refused(self, wanted: Wanted, before: int, message: str) -> None:
        """With Shopify's words."""
        self.note(wanted, Outcome.REFUSED, before)
        self._tell(ErrorCode.STOCK_REFUSED, wanted.listing, quantity=wanted.figure, message=message)

    def kept_changing(self, wanted: Wanted) -> None:
        """It changed in Shopify as often as this run tried to set it."""
        self._tell(ErrorCode.STOCK_STALE, wanted.listing)

    def _tell(self, code: ErrorCode, listing: Listing, **details: object) -> None:
        self.problems.append(RefusedError(code, sku=listing.sku, location=listing.level.location, **details))


def explained(report: StockReport) -> dict[str, Any]:
    """Plain values. Quantities are texts where they may have decimals."""
    return {
        "store": report.store,
        "run": report.run,
        "backlog": report.backlog,
        "frozen": report.frozen,
        "halted": report.halted,
        "figures": [_figure(figure) for figure in report.figures],
        "without_figure": [{"sku": variant.sku, "why": why.value} for variant, why in report.unlisted],
        "problems": [
            {"code": problem.code, "cause": problem.cause, "next_step": problem.next_step}
            for problem in report.problems
        ],
    }


def _figure(report: FigureReport) -> dict[str, Any]:
    wanted = report.wanted
    return {
        "sku": wanted.listing.sku,
        "location": wanted.listing.level.location,
        "warehouses": {
            stock.warehouse: {
                "available": str(stock.available),
                "incoming": str(stock.incoming),
                "open_issues": str(stock.open_issues),
                "safety": str(stock.safety),
            }
            for stock in wanted.stock
        },
        "available_to_promise": str(wanted.atp),
        "sold_unknown_to_fo": wanted.unknown,
        "before": report.before,
        "after": report.after,
        "outcome": report.outcome.value,
    }


@dataclass(slots=True)
class CountingRunner:
    """Counts the operations that go to Shopify."""

    client: QueryRunner
    calls: int = 0

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        return await self.client.run(query, variables)


@dataclass(slots=True)
class CountingReader:
    """Counts the queries that go to F&O."""

    client: RowReader
    calls: int = 0

    async def query(self, entity_set: str, **what: Any) -> list[Row]:
        self.calls += 1
        return await self.client.query(entity_set, **what)
