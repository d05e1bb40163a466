"""What the stock flow stores of a store between two runs, and the lease that lets one run write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock import Wanted
from shared.model import LevelId
from shared.store.blobs import Snapshots

_LEASE: Final = timedelta(minutes=3)
"""How long a run may write before it must renew its lease."""


@dataclass(slots=True)
class FigureMemory:
    """The figures that Shopify last showed or was last set to, and the lease to write.

    Two runs at once could defeat the compare-and-set (one raises a figure, sales lower it to what the other has read),
    so a run takes the lease before it reads Shopify, and releases it when all is written. A run that fails keeps the
    lease until it expires: its last write may still be under way.
    """

    snapshots: Snapshots
    name: str
    run: str
    etag: str | None
    figures: dict[LevelId, tuple[int, str | None]]
    """Level -> figure and what it was computed from; None when the figure is uncertain and must be read in Shopify."""
    refused: dict[LevelId, int]
    """Level -> the figure that Shopify refused."""
    compared_at: datetime | None
    """When the last comparison of every figure with Shopify began: figures that it did not reach are uncertain."""
    leased_until: datetime | None
    has_new_marks: bool = False
    """Figures became uncertain since the memory was saved."""

    @classmethod
    async def load(cls, snapshots: Snapshots, *, store: str, run: str) -> Self:
        name = f"stock/{store}/figures"
        value, etag = await snapshots.read(name)
        held: dict[str, Any] = value or {}
        return cls(
            snapshots=snapshots,
            name=name,
            run=run,
            etag=etag,
            figures={_level(key): (figure, basis) for key, (figure, basis) in held.get("figures", {}).items()},
            refused={_level(key): figure for key, figure in held.get("refused", {}).items()},
            compared_at=_moment(held.get("compared_at")),
            leased_until=_moment(held.get("turn_until")),
        )

    def is_leased(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until

    def is_current(self, wanted: Wanted) -> bool:
        """Whether Shopify was set to the same figure, computed from the same values."""
        return self.figures.get(wanted.listing.level) == (wanted.figure, wanted.basis)

    def is_uncertain(self, level: LevelId) -> bool:
        return level not in self.figures or self.figures[level][1] is None

    def remember(self, wanted: Wanted) -> None:
        if wanted.figure is not None:
            self.figures[wanted.listing.level] = (wanted.figure, wanted.basis)

    def remember_shown(self, level: LevelId, available: int) -> None:
        """Stores what Shopify shows for a figure that differs and may not be set now."""
        self.figures[level] = (available, "")

    def mark_uncertain(self, levels: Iterable[LevelId]) -> None:
        """Marks figures that this run is going to check: if it ends before, the next run reads them in Shopify."""
        for level in levels:
            if not self.is_uncertain(level):
                self.figures[level] = (self.figures[level][0], None)
                self.has_new_marks = True

    def begin_comparison(self, levels: Iterable[LevelId], now: datetime) -> None:
        """Marks every figure as uncertain, and forgets levels other than these, which are all that exist."""
        self.figures = {level: (self.figures[level][0], None) for level in levels if level in self.figures}
        self.compared_at = now

    def forget_refusals(self, wanted: Iterable[Wanted]) -> None:
        """Forgets refusals of figures that have changed since: those may be tried again."""
        now = {each.listing.level: each.figure for each in wanted}
        self.refused = {level: figure for level, figure in self.refused.items() if now.get(level) == figure}

    async def renew_lease(self, now: datetime) -> None:
        """Takes the lease before the first write, and renews it while writing. Saves all figures so far.

        Raises TransientError when another run was faster.
        """
        await self._save(now + _LEASE)

    async def release_lease(self) -> None:
        await self._save(None)

    def assert_lease(self, now: datetime) -> None:
        """Raises TransientError when the lease has expired, so that another run may have begun."""
        if not self.is_leased(now):
            raise TransientError("the lease of the stock run has expired")

    async def _save(self, leased_until: datetime | None) -> None:
        value = {
            "run": self.run,
            "figures": {_key(level): list(figure) for level, figure in self.figures.items()},
            "refused": {_key(level): figure for level, figure in self.refused.items()},
            "compared_at": self.compared_at and self.compared_at.isoformat(),
            "turn_until": leased_until and leased_until.isoformat(),
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
        self.leased_until = leased_until
        self.has_new_marks = False


def _key(level: LevelId) -> str:
    return f"{level.inventory_item}:{level.location}"


def _level(key: str) -> LevelId:
    item, _, location = key.partition(":")
    return LevelId(int(item), int(location))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
