"""What moved of a sales order, wherever F&O shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from shared.model import Part


@dataclass(slots=True)
class Moved:
    at: datetime
    """When F&O stamped it last."""
    rows: set[str] = field(default_factory=set)
    """F&O stamps whole seconds: what moved is told apart by the values of its rows."""
    reference: str = ""
    """The customer's reference that the sales order was written with; "" where it has to be read yet."""
    parts: frozenset[Part] = frozenset()
    """Parts of the order that it concerns beside those of its source."""


def pass_over(moved: dict[str, Moved], stamps: Iterable[datetime]) -> None:
    """Adds, under no number and without rows, when F&O stamped the newest row that was read, of interest or not: a
    watermark that rows of no interest did not move would have them read again and again, more each day.
    """
    newest = max(stamps, default=None)
    if newest is not None:
        moved[""] = Moved(newest)


def add_row(moved: dict[str, Moved], sales_order: str, at: datetime, row: str) -> None:
    """Among what moved is the row as well, of the sales order, which F&O stamped then."""
    found = moved.setdefault(sales_order, Moved(at))
    found.at = max(at, found.at)
    found.rows.add(row)


def digest_of(rows: Iterable[str]) -> str:
    return sha256(" ".join(sorted(rows)).encode()).hexdigest()[:16]
