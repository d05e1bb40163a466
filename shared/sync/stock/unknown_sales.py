"""Sales from stock that Shopify has and F&O does not have yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock import Listing, sales_of_parked
from shared.model import Sale
from shared.rules.sections.stock import StockRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.sold import OrderHead, read_order_heads, read_orders_since, read_sales
from shared.store.blobs import Snapshots
from shared.store.links import OrderLinks, PendingSale

_CLOCKS_DIFFER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SalesToSubtract:
    sales: list[Sale]
    backlog: int
    """Orders that wait for F&O, without parked ones."""


@dataclass(slots=True)
class UnknownSales:
    """The search for orders that F&O does not know, from a moment before which it knows or has parked every one.

    The moment is of Shopify's clock (created_at of an order), and the search starts some minutes before it, because
    Shopify's search shows new orders late and out of order. An order that appears later than the overlap is missed
    here; its webhook has arrived by then, so that it is known or parked. A figure whose sale is not visible yet is not
    raised either: see StockRules.settle_seconds.

    The units of an unknown order are read once and stored until the order changes; those of a parked one are in its
    link. Both count until F&O has the order or it is cancelled in Shopify. An order that was cancelled since the run
    began still counts: Shopify has added its units again, but the run may have read the figure before.
    """

    admin: QueryRunner
    links: OrderLinks
    snapshots: Snapshots
    store: str
    rules: StockRules
    began: datetime
    etag: str | None
    saved: dict[str, Any]
    known_before: datetime | None
    """F&O is taken to have every order created before this, parked ones too. None where the store has no first day."""
    first: datetime
    """Where the first search starts: at known_before, else shortly before the first run."""
    since: datetime
    orders: dict[int, tuple[datetime, list[Sale]]]
    """Unknown order -> its updated_at and its sales."""
    looked_up: dict[int, OrderHead | None] = field(default_factory=dict)
    """Parked orders that are older than the search, as this run found them; None for one that Shopify does not show."""

    @classmethod
    async def load(
        cls,
        admin: QueryRunner,
        links: OrderLinks,
        snapshots: Snapshots,
        *,
        store: str,
        rules: StockRules,
        known_before: datetime | None,
        now: datetime,
    ) -> Self:
        value, etag = await snapshots.read(_name(store))
        saved = value or {}
        overlap = timedelta(minutes=rules.write_behind_overlap_minutes)
        first = known_before or (datetime.fromisoformat(saved["first"]) if saved else now - overlap)
        return cls(
            admin=admin,
            links=links,
            snapshots=snapshots,
            store=store,
            rules=rules,
            began=now,
            etag=etag,
            saved=saved,
            known_before=known_before,
            first=first,
            since=datetime.fromisoformat(saved["since"]) if saved else first,
            orders={
                int(order): (datetime.fromisoformat(updated_at), [Sale(*sale) for sale in sales])
                for order, (updated_at, sales) in saved.get("orders", {}).items()
            },
        )

    async def read(self, listings: Iterable[Listing]) -> SalesToSubtract:
        """The sales of now. Call it after Shopify's figures are read and before F&O's on-hand.

        With a backlog too large to raise any figure, the units of some orders are not read: lowering figures by the
        others is still right.
        """
        overlap = timedelta(minutes=self.rules.write_behind_overlap_minutes)
        heads = await read_orders_since(self.admin, max(self.first, self.since - overlap))
        known = await self.links.known(self.store, [head.id for head in heads])
        parked = await self.links.parked(self.store)
        settled = known | {pending.order_id for pending in parked}
        unknown = [head for head in heads if head.id not in settled and self._holds_units(head)]
        self.since = min(
            (head.created_at for head in unknown),
            default=max((head.created_at for head in heads), default=self.since),
        )
        await self._read_units(unknown[: self.rules.freeze_backlog])
        listings = list(listings)
        sales = [sale for _, sales in self.orders.values() for sale in sales]
        for pending in await self._still_sold(parked, heads):
            sales += sales_of_parked(pending.sold, pending.location_id, listings)
        return SalesToSubtract(sales, len(unknown))

    def read_again(self, items: Collection[int]) -> None:
        """Forgets what unknown orders took of these inventory items: Shopify has raised a figure of theirs, perhaps
        because a fulfillment order was moved to another location. That need not change the order's updated_at.
        """
        self.orders = {
            order: (updated_at, sales)
            for order, (updated_at, sales) in self.orders.items()
            if not any(sale.inventory_item in items for sale in sales)
        }

    async def _still_sold(self, parked: Sequence[PendingSale], heads: Iterable[OrderHead]) -> list[PendingSale]:
        """The parked orders that are neither cancelled nor from before the store's first day. An order that Shopify
        does not show counts: it may be too old for the app's scopes.
        """
        found = self.looked_up | {head.id: head for head in heads}
        missing = [each.order_id for each in parked if each.sold and each.order_id not in found]
        if missing:
            read: dict[int, OrderHead | None] = {head.id: head for head in await read_order_heads(self.admin, missing)}
            self.looked_up |= dict.fromkeys(missing) | read
            found |= self.looked_up
        return [each for each in parked if (head := found.get(each.order_id)) is None or self._holds_units(head)]

    def _holds_units(self, head: OrderHead) -> bool:
        if self.known_before is not None and head.created_at < self.known_before:
            return False
        return head.cancelled_at is None or head.cancelled_at > self.began - _CLOCKS_DIFFER

    async def _read_units(self, unknown: list[OrderHead]) -> None:
        new = [head.id for head in unknown if self.orders.get(head.id, (None,))[0] != head.updated_at]
        read = await read_sales(self.admin, new)
        self.orders = {
            head.id: (head.updated_at, read[head.id] if head.id in read else self.orders[head.id][1])
            for head in unknown
        }

    async def save(self) -> None:
        """Stores the state for the next run. Concurrent runs find the same, so either may be stored."""
        value = {
            "first": self.first.isoformat(),
            "since": self.since.isoformat(),
            "orders": {
                str(order): [updated_at.isoformat(), [[*_fields(sale)] for sale in sales]]
                for order, (updated_at, sales) in self.orders.items()
            },
        }
        if value == self.saved:
            return
        try:
            await self.snapshots.write(_name(self.store), value, self.etag)
        except TransientError:
            return


def _fields(sale: Sale) -> tuple[int, int | None, int]:
    return sale.inventory_item, sale.location, sale.units


def _name(store: str) -> str:
    return f"stock/{store}/orders"
