"""What a run has found out about its figures so far: for the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.errors import ErrorCode, RefusedError
from shared.mapping.stock import FigureOutcome, Listing, Wanted
from shared.model import LevelId
from shared.sync.stock.report import FigureReport


@dataclass(slots=True)
class Findings:
    figures: dict[LevelId, FigureReport] = field(default_factory=dict)
    problems: list[RefusedError] = field(default_factory=list)
    """For somebody to mend."""

    def note(self, wanted: Wanted, outcome: FigureOutcome, before: int | None = None) -> None:
        """The figure's outcome, unless a second look at what this run has set finds it as it should be."""
        earlier = self.figures.get(wanted.listing.level)
        if not (earlier and earlier.is_changed and outcome is FigureOutcome.EQUAL):
            self.figures[wanted.listing.level] = FigureReport(wanted, outcome, before)

    def absent(self, wanted: Wanted, outcome: FigureOutcome) -> None:
        """Shopify has no such figure. That matters where F&O has goods."""
        self.note(wanted, outcome)
        if outcome is FigureOutcome.NOT_STOCKED and wanted.figure:
            self._tell(ErrorCode.STOCK_NOT_STOCKED, wanted.listing, quantity=wanted.figure)

    def refused(self, wanted: Wanted, before: int, message: str) -> None:
        """With Shopify's words."""
        self.note(wanted, FigureOutcome.REFUSED, before)
        self._tell(ErrorCode.STOCK_REFUSED, wanted.listing, quantity=wanted.figure, message=message)

    def restless(self, wanted: Wanted) -> None:
        """It changed in Shopify as often as this run tried to set it."""
        self._tell(ErrorCode.STOCK_STALE, wanted.listing)

    def _tell(self, code: ErrorCode, listing: Listing, **details: object) -> None:
        self.problems.append(RefusedError(code, sku=listing.sku, location=listing.level.location, **details))
