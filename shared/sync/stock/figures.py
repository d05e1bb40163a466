"""The figures that Shopify shows of a store, some twenty bytes each: a store may have 200,000."""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

from shared.model import LevelId

UNCERTAIN: Final = 0
"""Basis of a figure that must be read in Shopify."""

_NONE: Final = -(2**63)
"""Stands for a figure that was never read."""


class ShownFigures:
    """Of each item at each location the figure that Shopify last showed or was last set to, and a digest of what that
    was computed from (its basis); of each item a digest of what its figures were last found settled with.

    An item has its position among `items`, a figure its place behind that: stored as four columns of numbers.
    """

    def __init__(self, items: Iterable[int] = (), locations: Sequence[int] = ()) -> None:
        self.items = array("Q", items)
        self.locations = tuple(locations)
        count = len(self.items)
        self._settled = array("Q", [UNCERTAIN]) * count
        self._shown = array("q", [_NONE]) * (count * len(self.locations))
        self._bases = array("Q", [UNCERTAIN]) * (count * len(self.locations))
        self._index()

    def _index(self) -> None:
        self._positions = {item: position for position, item in enumerate(self.items)}
        self._offsets = {location: offset for offset, location in enumerate(self.locations)}

    def as_stored(self) -> dict[str, Any]:
        columns = {"items": self.items, "settled": self._settled, "shown": self._shown, "bases": self._bases}
        packed = {name: b64encode(column.tobytes()).decode("ascii") for name, column in columns.items()}
        return {"locations": list(self.locations), **packed}

    @classmethod
    def from_stored(cls, value: dict[str, Any]) -> Self:
        made = cls((), value["locations"])
        columns = {"items": made.items, "settled": made._settled, "shown": made._shown, "bases": made._bases}
        for name, column in columns.items():
            column.frombytes(b64decode(value[name]))
        made._index()
        return made

    def of(self, items: Iterable[int], locations: Sequence[int]) -> ShownFigures:
        """What is known of these items at these locations, in their order. All else is forgotten."""
        wanted = array("Q", items)
        if (wanted, tuple(locations)) == (self.items, self.locations):
            return self
        made = ShownFigures(wanted, locations)
        same_places = made.locations == self.locations
        for position, item in enumerate(wanted):
            before = self._positions.get(item)
            if before is None:
                continue
            made._settled[position] = self._settled[before] if same_places else UNCERTAIN
            for location in made._offsets.keys() & self._offsets.keys():
                to, at = made._place(LevelId(item, location)), self._place(LevelId(item, location))
                made._shown[to], made._bases[to] = self._shown[at], self._bases[at]
        return made

    def __contains__(self, level: LevelId) -> bool:
        return level.inventory_item in self._positions and level.location in self._offsets

    def _place(self, level: LevelId) -> int:
        """Raises KeyError where there is no such item or location."""
        return self._positions[level.inventory_item] * len(self.locations) + self._offsets[level.location]

    def shown(self, level: LevelId) -> int | None:
        """What Shopify last showed; None if it was never read, or is no figure of the store."""
        figure = self._shown[self._place(level)] if level in self else _NONE
        return None if figure == _NONE else figure

    def basis(self, level: LevelId) -> int:
        return self._bases[self._place(level)] if level in self else UNCERTAIN

    def set(self, level: LevelId, figure: int, basis: int) -> None:
        place = self._place(level)
        self._shown[place], self._bases[place] = figure, basis

    def doubt(self, level: LevelId) -> bool:
        """The figure is uncertain from now on, and its item not settled. Whether one of both was otherwise before."""
        place, position = self._place(level), self._positions[level.inventory_item]
        was_known = (self._bases[place], self._settled[position]) != (UNCERTAIN, UNCERTAIN)
        self._bases[place] = self._settled[position] = UNCERTAIN
        return was_known

    def doubt_all(self) -> None:
        self._bases = array("Q", [UNCERTAIN]) * len(self._bases)
        self._settled = array("Q", [UNCERTAIN]) * len(self._settled)

    def settled(self, position: int) -> int:
        return self._settled[position]

    def settle(self, position: int, digest: int) -> None:
        self._settled[position] = digest

    def count_shown(self, position: int) -> int:
        """How many figures of the item were ever read."""
        start = position * len(self.locations)
        return len(self.locations) - self._shown[start : start + len(self.locations)].count(_NONE)

    @property
    def is_empty(self) -> bool:
        """Whether no figure was ever read."""
        return self._shown.count(_NONE) == len(self._shown)
