"""What a run of the stock flow did, figure by figure: for the journal, for telemetry, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from shared.d365.odata.client import ODataClient
from shared.errors import RefusedError
from shared.mapping.stock import FigureOutcome, Unlisted, Wanted
from shared.model import Variant
from shared.model.fo_order import FoRow
from shared.shopify.admin.client import AdminClient
from shared.shopify.queries import Query


@dataclass(frozen=True, slots=True)
class FigureReport:
    """One SKU at one location. `wanted` has on-hand by warehouse, ATP and unknown sales."""

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
    def outcomes(self) -> Counter[FigureOutcome]:
        return Counter(figure.outcome for figure in self.figures)

    @property
    def changed(self) -> int:
        return sum(figure.is_changed for figure in self.figures)


@dataclass(slots=True)
class CountedAdmin:
    """Hands on to the client, and counts."""

    client: AdminClient
    calls: int = 0

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        return await self.client.run(query, variables)


@dataclass(slots=True)
class CountedFo:
    """Hands on to the client, and counts."""

    client: ODataClient
    calls: int = 0

    def pages(self, entity_set: str, **what: Any) -> AsyncIterator[list[FoRow]]:
        self.calls += 1
        return self.client.pages(entity_set, **what)
