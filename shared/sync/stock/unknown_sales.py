"""Sales from stock that Shopify has and F&O does not have yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock import Listing, sales_of_parked
from shared.model import Sale
from shared.rules.sections.stock import StockRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.sold import OrderHead, read_orders_since, read_sales
from shared.store.blobs import Snapshots
from shared.store.links import OrderLinks

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

    The units of an unknown order are read once and stored until the order changes. An order that was cancelled since
    the run began still counts: Shopify has added its units again, but the run may have read the figure before.
    """

    admin: QueryRunner
    links: OrderLinks
    snapshots: Snapshots
    store: str
    rules: StockRules
    began: datetime
    etag: str | None
    saved: dict[str, Any]
    first: datetime
    """Orders before this are skipped: F&O is assumed to have them."""
    since: datetime
    orders: dict[int, tuple[datetime, list[Sale]]]
    """Unknown order -> its updated_at and its sales."""

    @classmethod
    async def load(
        cls,
        admin: QueryRunner,
        links: OrderLinks,
        snapshots: Snapshots,
        *,
        store: str,
        rules: StockRules,
        now: datetime,
    ) -> Self:
        value, etag = await snapshots.read(_name(store))
        saved = value or {}
        overlap = timedelta(minutes=rules.write_behind_overlap_minutes)
        first = rules.orders_from or (datetime.fromisoformat(saved["first"]) if saved else now - overlap)
        return cls(
            admin=admin,
            links=links,
            snapshots=snapshots,
            store=store,
            rules=rules,
            began=now,
            etag=etag,
            saved=saved,
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
        settled = known | {sale.order_id for sale in parked}
        unknown = [head for head in heads if head.id not in settled and self._holds_units(head)]
        self.since = min(
            (head.created_at for head in unknown),
            default=max((head.created_at for head in heads), default=self.since),
        )
        await self._read_units(unknown[: self.rules.freeze_backlog])
        listings = list(listings)
        sales = [sale for _, sales in self.orders.values() for sale in sales]
        for pending in parked:
            sales += sales_of_parked(pending.sold, pending.location_id, listings)
        return SalesToSubtract(sales, len(unknown))

    def _holds_units(self, head: OrderHead) -> bool:
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
