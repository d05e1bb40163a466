"""The orders that hold stock back: sold in Shopify, not in F&O, or not whole. The last run stores them for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from shared.mapping.stock.figures import StockedItem, sales_of_parked
from shared.model import Sale
from shared.store.blobs import Snapshots
from shared.store.links import PendingSale

_FOLDER: Final = "stock"


class HeldBack(StrEnum):
    """Why F&O does not have the order, or all of it."""

    WAITING = "waits for F&O"
    PARKED = "parked"
    UNREADABLE = "parked, and cannot be read"
    CHANGED = "changed in Shopify, and F&O does not have the change yet"


@dataclass(frozen=True, slots=True)
class HeldOrder:
    order_id: int
    why: HeldBack
    since: datetime | None
    """When the order was placed, or changed; None where Shopify does not show it any more."""
    units: Mapping[str, int]
    """By SKU; of a changed order what the change adds, or may add. Empty while they are not read yet."""

    @classmethod
    def of_sales(
        cls,
        order_id: int,
        why: HeldBack,
        since: datetime | None,
        *,
        sales: Iterable[Sale],
        skus: Mapping[int, str],
    ) -> Self:
        """`skus` are those of the inventory items that have figures."""
        units: Counter[str] = Counter()
        for sale in sales:
            if sale.inventory_item in skus:
                units[skus[sale.inventory_item]] += sale.units
        return cls(order_id, why, since, dict(units))

    @classmethod
    def of_parked(cls, parked: PendingSale, since: datetime | None, items: Iterable[StockedItem]) -> Self | None:
        """None where no figure is lower because of the order."""
        if not sales_of_parked(parked.sold, parked.location_id, items):
            return None
        units: Counter[str] = Counter()
        for each in parked.sold:
            units[each.sku] += each.units
        return cls(parked.order_id, HeldBack.PARKED, since, dict(units))

    def as_stored(self) -> dict[str, Any]:
        since = self.since.isoformat() if self.since else None
        return {"order": self.order_id, "why": self.why.name, "since": since, "units": dict(self.units)}

    @classmethod
    def from_stored(cls, row: Mapping[str, Any]) -> Self:
        since = datetime.fromisoformat(row["since"]) if row["since"] else None
        return cls(row["order"], HeldBack[row["why"]], since, row["units"])


def snapshot_of(store: str) -> str:
    """The document of a store's orders that F&O does not have."""
    return f"{_FOLDER}/{store}/orders"


async def read_held(snapshots: Snapshots, store: str | None = None) -> dict[str, list[HeldOrder]]:
    """By store, as its last stock run found them, the oldest order first; of one store only, or of all."""
    named = [name.split("/")[1] for name in await snapshots.names(f"{_FOLDER}/")]
    held: dict[str, list[HeldOrder]] = {}
    for each in dict.fromkeys(named):
        value = (await snapshots.read(snapshot_of(each)))[0] if store in {None, each} else None
        rows = value.get("held", ()) if value else ()
        if rows:
            held[each] = sorted(map(HeldOrder.from_stored, rows), key=lambda order: order.order_id)
    return held
