"""What a run of the stock flow did, figure by figure: for the journal, for telemetry, and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shared.errors import ErrorCode, RefusedError
from shared.mapping.stock.assortment import WithoutFigure
from shared.mapping.stock.figures import FigureOutcome, Listing, Wanted
from shared.model import LevelId


@dataclass(frozen=True, slots=True)
class FigureReport:
    """One SKU at one location. `wanted` contains on-hand by warehouse, ATP and the sales unknown to F&O."""

    wanted: Wanted
    outcome: FigureOutcome
    before: int | None = None
    """What Shopify showed; None when it was not asked."""

    @property
    def is_changed(self) -> bool:
        return self.outcome in {FigureOutcome.LOWERED, FigureOutcome.RAISED}

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
    """Those that were looked at: of a figure that is as it was nothing is kept but the number."""
    unchanged: int = 0
    """Figures that are as when Shopify was last compared."""
    unlisted: tuple[WithoutFigure, ...] = ()
    """Known in the first run that ends after the assortment was read."""
    problems: tuple[RefusedError, ...] = ()
    """For a person to correct. What stays wrong is reported again when the assortment is read again."""
    backlog: int = 0
    """Orders that wait for F&O, without parked ones."""
    frozen: bool = False
    """No figure was raised: the backlog was too large, or not all units of orders that could not be read are known."""
    halted: str = ""
    """Why the run ended before it had checked every figure, and the next run continues; "" if it checked all."""
    busy: bool = False
    """Another run holds the lease, so this run did nothing."""
    shopify_calls: int = 0
    """Operations; a repeated one counts once."""
    fo_calls: int = 0
    """Queries; one of several pages counts once."""

    @property
    def outcomes(self) -> Counter[FigureOutcome]:
        found = Counter(figure.outcome for figure in self.figures)
        return found + Counter({FigureOutcome.UNCHANGED: self.unchanged})

    @property
    def changed(self) -> int:
        return sum(figure.is_changed for figure in self.figures)


@dataclass(slots=True)
class ReportBuilder:
    """Collects the outcomes of a run's figures."""

    figures: dict[LevelId, FigureReport] = field(default_factory=dict)
    problems: list[RefusedError] = field(default_factory=list)
    """For a person to correct."""
    unchanged: int = 0

    def look_again(self, levels: Iterable[LevelId]) -> None:
        """Figures that were counted as unchanged, if nothing was noted of them, are going to be noted after all."""
        self.unchanged -= sum(level not in self.figures for level in levels)

    def note(self, wanted: Wanted, outcome: FigureOutcome, before: int | None = None) -> None:
        """Records the figure's outcome. A figure that this run has set stays changed when a later reading finds it
        equal.
        """
        earlier = self.figures.get(wanted.listing.level)
        if not (earlier and earlier.is_changed and outcome is FigureOutcome.EQUAL):
            self.figures[wanted.listing.level] = FigureReport(wanted, outcome, before)

    def absent(self, wanted: Wanted, outcome: FigureOutcome) -> None:
        """Shopify has no such figure: a problem where F&O has stock of the item."""
        self.note(wanted, outcome)
        if outcome is FigureOutcome.NOT_STOCKED and wanted.figure:
            self._add_problem(ErrorCode.STOCK_NOT_STOCKED, wanted.listing, quantity=wanted.figure)

    def refused(self, wanted: Wanted, before: int, message: str) -> None:
        """With Shopify's message."""
        self.note(wanted, FigureOutcome.REFUSED, before)
        self._add_problem(ErrorCode.STOCK_REFUSED, wanted.listing, quantity=wanted.figure, message=message)

    def kept_changing(self, wanted: Wanted) -> None:
        """The figure changed in Shopify each time that this run tried to set it."""
        self._add_problem(ErrorCode.STOCK_STALE, wanted.listing)

    def _add_problem(self, code: ErrorCode, listing: Listing, **details: object) -> None:
        self.problems.append(RefusedError(code, sku=listing.sku, location=listing.level.location, **details))


def explained(report: StockReport) -> dict[str, Any]:
    """The run as a JSON document: every figure that was looked at, and what it is computed from, and how many are as
    they were. Decimal quantities are strings.
    """
    return {
        "store": report.store,
        "run": report.run,
        "backlog": report.backlog,
        "frozen": report.frozen,
        "halted": report.halted,
        "unchanged": report.unchanged,
        "figures": [_figure(figure) for figure in report.figures],
        "without_figure": [{"sku": sku, "why": why.value} for sku, why in report.unlisted],
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
