"""What the stock flow remembers of a store between two runs, and which run may write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock import Wanted
from shared.model import LevelId
from shared.store.blobs import Snapshots

_TURN: Final = timedelta(minutes=3)
"""How long a run may go on writing before it says again that it is alive."""


@dataclass(slots=True)
class FigureMemory:
    """The figures that Shopify was last found or left with, and the turn to write.

    Two runs at once could defeat the compare-and-set between them (one raises a figure, sales bring it back to what
    the other has read), so a run takes its turn before it looks at Shopify, and gives it back when all is written.
    A run that fails keeps its turn until it has lapsed: its last write may still be under way.
    """

    snapshots: Snapshots
    name: str
    run: str
    etag: str | None
    figures: dict[LevelId, tuple[int, str | None]]
    """Level -> figure and what it was computed from; None when that is in doubt and Shopify has to be asked."""
    refused: dict[LevelId, int]
    """Level -> the figure that Shopify refused."""
    compared_at: datetime | None
    """When the last comparison of every figure with Shopify began: what it has not come to is in doubt."""
    turn_until: datetime | None

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
            turn_until=_moment(held.get("turn_until")),
        )

    def is_taken(self, now: datetime) -> bool:
        return self.turn_until is not None and now < self.turn_until

    def is_current(self, wanted: Wanted) -> bool:
        """The figure is what Shopify was left with, computed from the same."""
        return self.figures.get(wanted.listing.level) == (wanted.figure, wanted.basis)

    def is_in_doubt(self, level: LevelId) -> bool:
        return level not in self.figures or self.figures[level][1] is None

    def remember(self, wanted: Wanted) -> None:
        if wanted.figure is not None:
            self.figures[wanted.listing.level] = (wanted.figure, wanted.basis)

    def remember_shown(self, level: LevelId, available: int) -> None:
        """A figure that should be another one and may not be set now."""
        self.figures[level] = (available, "")

    def doubt(self, levels: Iterable[LevelId]) -> None:
        """Of figures that this run is going to look at, until it has: if it ends before, the next run asks for them."""
        for level in levels:
            if level in self.figures:
                self.figures[level] = (self.figures[level][0], None)

    def doubt_everything(self, levels: Iterable[LevelId], now: datetime) -> None:
        """The comparison with Shopify begins: these are all levels that there are."""
        self.figures = {level: (self.figures[level][0], None) for level in levels if level in self.figures}
        self.compared_at = now

    def forget_refusals(self, wanted: Iterable[Wanted]) -> None:
        """Of figures that have changed since: those may be tried again."""
        now = {each.listing.level: each.figure for each in wanted}
        self.refused = {level: figure for level, figure in self.refused.items() if now.get(level) == figure}

    async def take_turn(self, now: datetime) -> None:
        """Before the first write, and again while writing. Saves everything remembered so far.

        Raises TransientError when another run was faster.
        """
        await self._save(now + _TURN)

    async def end_turn(self) -> None:
        await self._save(None)

    def assert_turn(self, now: datetime) -> None:
        """Raises TransientError for a run that was held up so long that another may have begun."""
        if not self.is_taken(now):
            raise TransientError("the stock run was held up and has lost its turn")

    async def _save(self, turn_until: datetime | None) -> None:
        value = {
            "run": self.run,
            "figures": {_key(level): list(figure) for level, figure in self.figures.items()},
            "refused": {_key(level): figure for level, figure in self.refused.items()},
            "compared_at": self.compared_at and self.compared_at.isoformat(),
            "turn_until": turn_until and turn_until.isoformat(),
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
        self.turn_until = turn_until


def _key(level: LevelId) -> str:
    return f"{level.inventory_item}:{level.location}"


def _level(key: str) -> LevelId:
    item, _, location = key.partition(":")
    return LevelId(int(item), int(location))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
