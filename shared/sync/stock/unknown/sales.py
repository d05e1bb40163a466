"""Sales from stock that Shopify has and F&O does not have yet: whole orders, and what was added to others since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.errors import TransientError
from shared.mapping.stock.figures import StockedItem, items_of_parked, sales_of_parked
from shared.mapping.stock.unknown import AddedUnits, all_units, as_stocked
from shared.model import Sale
from shared.rules.sections.stock import StockRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.sold import OrderHead, read_changed_orders, read_goods, read_order_heads, read_orders_since
from shared.store.blobs import Snapshots
from shared.store.links import OrderLinks, PendingSale
from shared.sync.stock.unknown.changed_orders import ChangedOrders
from shared.sync.stock.unknown.held import HeldBack, HeldOrder, snapshot_of

_CLOCKS_DIFFER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SalesToSubtract:
    sales: list[Sale]
    backlog: int
    """Orders that wait for F&O, without parked ones."""
    is_complete: bool
    """Whether the units of every order are known. The next runs read the rest."""
    unclear: frozenset[int]
    """Inventory items that an order may have taken more of than F&O knows: their figures must not rise."""


@dataclass(slots=True)
class UnknownSales:
    """The search for orders that F&O does not know, from a moment before which it knows or has parked every one.

    The moment is of Shopify's clock (created_at of an order), and the search starts some minutes before it, because
    Shopify's search shows new orders late and out of order. An order that appears later than the overlap is missed
    here; its webhook has arrived by then, so that it is known or parked. A figure whose sale is not visible yet is not
    raised either: see StockRules.settle_seconds.

    The units of an unknown order are read once and stored until the order changes. Those of a parked one are in its
    link; of one that could not be read, they are read in Shopify like those of an unknown order. All count until F&O
    has the order, or it is cancelled or given back whole in Shopify, or a person releases it. An order that was
    cancelled or given back since the run began still counts: Shopify has added its units again, but the run may have
    read the figure before.

    Of an order that F&O has in an older state, what it has gained since counts, until F&O has that state. What a parked
    order or change adds is in the link, and only more than that counts here. Where F&O may or may not have a change
    (the app is writing it, or its answer was lost), or the link does not tell what F&O has, the items are `unclear`.
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
    sold_as: Mapping[int, int]
    """Inventory item -> the one whose figures what was sold of it lowers."""
    changed: ChangedOrders
    looked_up: dict[int, OrderHead | None] = field(default_factory=dict)
    """Parked orders that are older than the search, as this run found them; None for one that Shopify does not show."""
    waiting: list[OrderHead] = field(default_factory=list)
    parked: list[tuple[PendingSale, OrderHead | None]] = field(default_factory=list)
    added: dict[int, AddedUnits] = field(default_factory=dict)
    """Changed order -> what it has beyond F&O. All three as the last reading found them."""

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
        sold_as: Mapping[int, int],
    ) -> Self:
        value, etag = await snapshots.read(snapshot_of(store))
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
            sold_as=sold_as,
            changed=ChangedOrders.of_stored(links, store, saved, now, sold_as=sold_as),
        )

    async def read(self, items: Iterable[StockedItem]) -> SalesToSubtract:
        """The sales of now; those of parked orders only of these items. Call it after Shopify's figures are read and
        before F&O's on-hand.

        At most `freeze_backlog` orders are read at once. While some are missing, lowering figures by the others is
        still right.
        """
        overlap = timedelta(minutes=self.rules.write_behind_overlap_minutes)
        heads = await read_orders_since(self.admin, max(self.first, self.since - overlap))
        self.changed.add(await read_changed_orders(self.admin, self.changed.since - overlap), heads)
        newest = {head.id for head in heads}
        known = await self.links.known(self.store, newest)
        older = await self.links.get_several(self.store, self.changed.orders.keys() - newest)
        known |= {order: link.counted_version for order, link in older.items() if link.sales_order}
        self.changed.note_caught_up(older.values())
        parked = await self.links.parked(self.store)
        self.parked = await self._still_sold(parked, heads)
        versions = {pending.order_id: pending.version for pending, _ in self.parked if pending.version is not None}
        self.changed.keep(known | versions, ended_before=self._recently)
        settled = known.keys() | {pending.order_id for pending in parked}
        self.waiting = [head for head in heads if head.id not in settled and self._holds_units(head)]
        self.since = min(
            (head.created_at for head in self.waiting),
            default=max((head.created_at for head in heads), default=self.since),
        )
        unreadable = {pending.order_id: head for pending, head in self.parked if not pending.is_readable}
        is_complete = await self._read_units([*self.waiting, *filter(None, unreadable.values())], kept=unreadable)
        of_parked = self._sales_of_parked(items)
        self.added = await self.changed.added(of_parked, recent_since=self._recently)
        unknown = [self._sales_of(order) for order in self.orders]
        added = [its.sales for its in self.added.values()]
        return SalesToSubtract(
            sales=[sale for sales in (*unknown, *of_parked.values(), *added) for sale in sales],
            backlog=len(self.waiting),
            is_complete=is_complete,
            unclear=frozenset(item for its in self.added.values() for item in its.unclear),
        )

    def _sales_of_parked(self, items: Iterable[StockedItem]) -> dict[int, list[Sale]]:
        """By order."""
        taken_from = self._items_of_parked(items)
        return {
            pending.order_id: sales_of_parked(pending.sold, pending.location_id, taken_from)
            for pending, _ in self.parked
        }

    def read_again(self, items: Collection[int]) -> None:
        """Forgets what orders took of these inventory items: Shopify has raised a figure of theirs, perhaps
        because a fulfillment order was moved to another location. That need not change the order's updated_at.
        """
        self.orders = {
            order: (updated_at, sales)
            for order, (updated_at, sales) in self.orders.items()
            if not any(sale.inventory_item in items for sale in sales)
        }
        self.changed.read_again(items)

    async def _still_sold(
        self, parked: Sequence[PendingSale], heads: Iterable[OrderHead]
    ) -> list[tuple[PendingSale, OrderHead | None]]:
        """The parked orders with goods that are neither cancelled, nor given back, nor from before the store's first
        day. An order that Shopify does not show counts: it may be too old for the app's scopes.
        """
        parked = [each for each in parked if each.sold or not each.is_readable]
        found = self.looked_up | {head.id: head for head in heads}
        missing = [each.order_id for each in parked if each.order_id not in found]
        if missing:
            read: dict[int, OrderHead | None] = {head.id: head for head in await read_order_heads(self.admin, missing)}
            self.looked_up |= dict.fromkeys(missing) | read
            found |= self.looked_up
        return [
            (each, head) for each in parked if (head := found.get(each.order_id)) is None or self._holds_units(head)
        ]

    def _holds_units(self, head: OrderHead) -> bool:
        if self.known_before is not None and head.created_at < self.known_before:
            return False
        return head.ended_at is None or head.ended_at > self._recently

    @property
    def _recently(self) -> datetime:
        """What happened in Shopify after it may have happened since the run began."""
        return self.began - _CLOCKS_DIFFER

    async def _read_units(self, heads: Sequence[OrderHead], *, kept: Collection[int]) -> bool:
        """Stores the units of these orders, which F&O does not have, and of the changed ones. `kept` are orders that
        count although Shopify may not show them. Returns whether all are known.
        """
        new = [head for head in heads if self.orders.get(head.id, (None,))[0] != head.updated_at]
        most = self.rules.freeze_backlog
        # Where no figure may rise anyway, it costs the query budget for nothing to know what changes add.
        is_frozen = len(self.waiting) > most
        missing = [*(head.id for head in new), *([] if is_frozen else self.changed.unread)]
        now = missing[:most]
        read = await read_goods(self.admin, now)
        counted = {head.id for head in heads} | set(kept)
        self.orders = {order: units for order, units in self.orders.items() if order in counted}
        self.orders |= {head.id: (head.updated_at, all_units(read[head.id])) for head in new if head.id in read}
        self.changed.take(read)
        return len(now) == len(missing)

    def _items_of_parked(self, items: Iterable[StockedItem]) -> list[StockedItem]:
        return items_of_parked((units for pending, _ in self.parked for units in pending.sold), items)

    async def save(self, items: Sequence[StockedItem]) -> None:
        """Stores the state for the next run, and for people what holds stock back: of the items, which are all of the
        store. Concurrent runs find the same, so either may be stored.
        """
        value = {
            "first": self.first.isoformat(),
            "since": self.since.isoformat(),
            "orders": {
                str(order): [updated_at.isoformat(), [[*_fields(sale)] for sale in sales]]
                for order, (updated_at, sales) in self.orders.items()
            },
            **self.changed.as_stored(),
            "held": [order.as_stored() for order in self._held(items)],
        }
        if value == self.saved:
            return
        try:
            await self.snapshots.write(snapshot_of(self.store), value, self.etag)
        except TransientError:
            return

    def _held(self, items: Sequence[StockedItem]) -> Iterator[HeldOrder]:
        changed = dict(self._changed())
        taken = {sale.inventory_item for order in self.orders for sale in self._sales_of(order)}
        taken |= {sale.inventory_item for sales in changed.values() for sale in sales}
        skus = {each.inventory_item: each.sku for each in items if each.inventory_item in taken}
        taken_from = self._items_of_parked(items)
        for head in self.waiting:
            yield self._in_shopify(head.id, HeldBack.WAITING, head.created_at, skus)
        for pending, shown in self.parked:
            since = shown.created_at if shown is not None else None
            if not pending.is_readable:
                yield self._in_shopify(pending.order_id, HeldBack.UNREADABLE, since, skus)
            elif (order := HeldOrder.of_parked(pending, since, taken_from)) is not None:
                yield order
        for order_id, sales in changed.items():
            since = self.changed.orders[order_id].head.updated_at
            held = HeldOrder.of_sales(order_id, HeldBack.CHANGED, since, sales=sales, skus=skus)
            if held.units or not sales:
                yield held

    def _changed(self) -> Iterator[tuple[int, list[Sale]]]:
        """The changed orders that have, or may have, more than F&O knows. Nothing of one that is not read yet."""
        for order_id, changed in self.changed.orders.items():
            if changed.goods is None:
                yield order_id, []
            elif (added := self.added.get(order_id, AddedUnits())) != AddedUnits():
                goods = as_stocked(changed.goods, self.sold_as)
                perhaps = (sale for sale in all_units(goods) if sale.inventory_item in added.unclear)
                yield order_id, [*added.sales, *perhaps]

    def _in_shopify(self, order_id: int, why: HeldBack, since: datetime | None, skus: Mapping[int, str]) -> HeldOrder:
        return HeldOrder.of_sales(order_id, why, since, sales=self._sales_of(order_id), skus=skus)

    def _sales_of(self, order_id: int) -> list[Sale]:
        """Of an order whose units are read, as sales of the variants that have figures."""
        _, sales = self.orders.get(order_id, (None, []))
        return [
            replace(each, inventory_item=self.sold_as.get(each.inventory_item, each.inventory_item)) for each in sales
        ]


def _fields(sale: Sale) -> tuple[int, int | None, int]:
    return sale.inventory_item, sale.location, sale.units
