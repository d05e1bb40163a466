"""What the stock flow stores of a store between two runs, and the lease that lets one run write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock.figures import StockedItem, Wanted
from shared.model import LevelId
from shared.store.blobs import Snapshots
from shared.sync.stock.figures import UNCERTAIN, ShownFigures

_LEASE: Final = timedelta(minutes=3)
"""How long a run may write before it must renew its lease."""

_SAVED_FOR: Final = timedelta(seconds=20)
"""How old the stored figures are when a wave begins before they are stored again: they may be megabytes."""

_ONLY_SHOWN: Final = 1
"""Basis of a figure that Shopify shows and that differs from what it should be."""


@dataclass(slots=True)
class FigureMemory:
    """The figures that Shopify last showed or was last set to, and the lease to write.

    Two runs at once could defeat the compare-and-set (one raises a figure, sales lower it to what the other has read),
    so a run takes the lease before it reads Shopify, and releases it when all is written. A run that fails keeps the
    lease until it expires: its last write may still be under way.

    The figures are stored before the first is set, with all that may be set marked as uncertain; then between two
    waves, some 20 seconds after the last time; and at the end. A run that is killed in between leaves what was not
    stored as set uncertain, and the next one reads only that in Shopify: however early runs end, each gets further. The
    lease is a document of its own, so that renewing it costs little. It is read before the figures and taken with its
    ETag: whoever takes it has the figures that the last run left.
    """

    snapshots: Snapshots
    store: str
    run: str
    lease_etag: str | None
    etag: str | None
    figures: ShownFigures
    refused: dict[LevelId, int]
    """Level -> the figure that Shopify refused."""
    compared_at: datetime | None
    """When the last comparison of every figure with Shopify began: figures that it did not reach are uncertain."""
    leased_until: datetime | None
    has_changes: bool = False
    """Since the figures were stored."""
    saved_at: datetime | None = None
    """When the figures were last stored while this run had the lease."""

    @classmethod
    async def load(cls, snapshots: Snapshots, *, store: str, run: str) -> Self:
        lease, lease_etag = await snapshots.read(f"stock/{store}/lease")
        value, etag = await snapshots.read(f"stock/{store}/figures")
        held: dict[str, Any] = value or {}
        # An older release stored the lease with the figures, and these in a way that is not read any more.
        until = (held if lease is None else lease).get("turn_until")
        return cls(
            snapshots=snapshots,
            store=store,
            run=run,
            lease_etag=lease_etag,
            etag=etag,
            figures=ShownFigures.from_stored(held["packed"]) if "packed" in held else ShownFigures(),
            refused={_level(key): figure for key, figure in held.get("refused", {}).items()},
            compared_at=_moment(held.get("compared_at")),
            leased_until=_moment(until),
        )

    def arrange(self, items: Sequence[StockedItem], locations: Sequence[int]) -> None:
        """From now on the figures are these items', in this order, at these locations. Others are forgotten."""
        figures = self.figures.of([each.inventory_item for each in items], locations)
        self.has_changes |= figures is not self.figures
        self.figures = figures
        self.refused = {level: figure for level, figure in self.refused.items() if level in figures}

    def is_leased(self, now: datetime) -> bool:
        return self.leased_until is not None and now < self.leased_until

    def is_current(self, wanted: Wanted) -> bool:
        """Whether Shopify was set to the same figure, computed from the same values."""
        level = wanted.listing.level
        return self.figures.shown(level) == wanted.figure and self.figures.basis(level) == _basis(wanted)

    def is_uncertain(self, level: LevelId) -> bool:
        return self.figures.basis(level) == UNCERTAIN

    def remember(self, wanted: Wanted) -> None:
        if wanted.figure is not None:
            self.figures.set(wanted.listing.level, wanted.figure, _basis(wanted))
            self.has_changes = True

    def remember_shown(self, level: LevelId, available: int) -> None:
        """Stores what Shopify shows for a figure that differs and may not be set now."""
        self.figures.set(level, available, _ONLY_SHOWN)
        self.has_changes = True

    def mark_uncertain(self, levels: Iterable[LevelId]) -> bool:
        """Marks figures that this run is going to check: if it ends before, the next run reads them in Shopify. Returns
        whether this changed anything.
        """
        changed = [self.figures.doubt(level) for level in levels if level in self.figures]
        self.has_changes |= any(changed)
        return any(changed)

    def settle(self, position: int, digest: int) -> None:
        """The figures of the item at this position are as they should be while its digest is the same."""
        self.figures.settle(position, digest)
        self.has_changes = True

    def begin_comparison(self, now: datetime) -> None:
        """Marks every figure as uncertain."""
        self.figures.doubt_all()
        self.compared_at = now
        self.has_changes = True

    def refuse(self, level: LevelId, figure: int) -> None:
        """Shopify has refused to set the figure."""
        self.refused[level] = figure
        self.has_changes = True

    def forget_refusal(self, wanted: Wanted) -> None:
        """Forgets the refusal of a figure that has changed since: it may be tried again."""
        level = wanted.listing.level
        if level in self.refused and self.refused[level] != wanted.figure:
            del self.refused[level]
            self.has_changes = True

    async def take_lease(self, now: datetime) -> None:
        """Takes the lease before the first write, and stores what is going to be checked.

        Raises TransientError when another run was faster.
        """
        await self._lease(now + _LEASE)
        try:
            await self.save()
        except TransientError:
            await self._lease(None)
            raise
        self.saved_at = now

    async def renew_lease(self, now: datetime) -> None:
        """Call it before each further wave: also stores what the waves have found, if that was not done for a while.

        Raises TransientError when another run has taken the lease.
        """
        await self._lease(now + _LEASE)
        if self.saved_at is None or now >= self.saved_at + _SAVED_FOR:
            await self.save()
            self.saved_at = now

    async def release_lease(self) -> None:
        """Stores all that the run has found, and lets others write."""
        await self.save()
        await self._lease(None)

    def assert_lease(self, now: datetime) -> None:
        """Raises TransientError when the lease has expired, so that another run may have begun."""
        if not self.is_leased(now):
            raise TransientError("the lease of the stock run has expired")

    async def save(self) -> None:
        value = {
            "packed": self.figures.as_stored(),
            "refused": {_key(level): figure for level, figure in self.refused.items()},
            "compared_at": self.compared_at and self.compared_at.isoformat(),
        }
        self.etag = await self.snapshots.write(f"stock/{self.store}/figures", value, self.etag)
        self.has_changes = False

    async def _lease(self, until: datetime | None) -> None:
        value = {"run": self.run, "turn_until": until and until.isoformat()}
        self.lease_etag = await self.snapshots.write(f"stock/{self.store}/lease", value, self.lease_etag)
        self.leased_until = until


def digest_of(text: str) -> int:
    """64 bits, and neither UNCERTAIN nor another mark."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) | 1 << 63


def _basis(wanted: Wanted) -> int:
    return digest_of(wanted.basis)


def _key(level: LevelId) -> str:
    return f"{level.inventory_item}:{level.location}"


def _level(key: str) -> LevelId:
    item, _, location = key.partition(":")
    return LevelId(int(item), int(location))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
