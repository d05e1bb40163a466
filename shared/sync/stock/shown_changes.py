"""The figures that somebody else than the stock flow has changed in Shopify since the last run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from shared.errors import TransientError
from shared.model import LevelId
from shared.rules.sections.stock import StockRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import ChangedPage, pages_of, read_changed_levels
from shared.store.blobs import Snapshots
from shared.sync.stock.memory import FigureMemory

_CALLS: Final = 20
"""To Shopify in one run at most; each costs 37 points of its budget, and lists 250 levels."""


@dataclass(slots=True)
class ShownChanges:
    """Asks Shopify for the levels that changed, and compares each with the figure that was last set.

    A return with restock, a moved fulfillment order, a cancelled fulfillment or a correction by staff changes a figure
    in Shopify and nothing in F&O. What the flow has set itself is listed too, and shows the figure that it was set to.

    The search starts some minutes before the last search, because Shopify's search may show a change late. After a run
    that has set very many figures, a search goes on over several runs.
    """

    snapshots: Snapshots
    name: str
    etag: str | None
    began: datetime
    """When the search began, perhaps in an earlier run."""
    since: datetime
    left: list[ChangedPage]
    """Pages that an earlier run has not read; empty for a new search."""

    @classmethod
    async def load(
        cls, snapshots: Snapshots, *, store: str, rules: StockRules, now: datetime, start: datetime | None
    ) -> Self:
        """`start` is where the first search starts: when all figures were last compared with Shopify; None if never."""
        name = f"stock/{store}/shown"
        value, etag = await snapshots.read(name)
        searched = datetime.fromisoformat(value["searched_at"]) if value else start or now
        if value and value["left"]:
            left = [ChangedPage(tuple(locations), after) for locations, after in value["left"]]
            since = datetime.fromisoformat(value["since"])
            return cls(snapshots=snapshots, name=name, etag=etag, began=searched, since=since, left=left)
        since = searched - timedelta(minutes=rules.write_behind_overlap_minutes)
        return cls(snapshots=snapshots, name=name, etag=etag, began=now, since=since, left=[])

    async def mark(self, memory: FigureMemory, admin: QueryRunner, locations: Iterable[int]) -> set[LevelId]:
        """Marks the figures that differ as uncertain, so that this run or a later one reads and corrects them. Returns
        those that Shopify has raised.
        """
        if memory.figures.is_empty:  # all are read in any case
            return set()
        pages = self.left or pages_of(sorted(locations))
        changed, self.left = await read_changed_levels(admin, pages, since=self.since, most=_CALLS)
        differing = {
            level: shown.available - before
            for level, shown in changed.items()
            if (before := memory.figures.shown(level)) is not None and shown.available != before
        }
        memory.mark_uncertain(differing)
        return {level for level, more in differing.items() if more > 0}

    async def save(self) -> None:
        """Call it at the end of a run, when the marks are stored. Concurrent runs find the same, so either may be
        stored.
        """
        value = {"searched_at": self.began.isoformat(), "since": self.since.isoformat(), "left": self.left}
        try:
            await self.snapshots.write(self.name, value, self.etag)
        except TransientError:
            return
