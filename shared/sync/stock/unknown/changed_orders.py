"""Orders that F&O has, or that are parked, and that changed in Shopify since: they may have taken more units."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.mapping.stock.unknown import AddedUnits, added_units, as_stocked
from shared.model import OrderedGoods, OrderedLine, Sale
from shared.shopify.sold import OrderHead
from shared.store.links import OrderLink, OrderLinks

_FIRST_LOOK: Final = timedelta(hours=6)
"""How long before the first run, also after an earlier release, changes may have waited for F&O."""


@dataclass(frozen=True, slots=True)
class ChangedOrder:
    head: OrderHead
    goods: OrderedGoods | None = None
    """As of the head; None while they are not read."""

    def as_stored(self) -> list[Any]:
        head, goods = self.head, self.goods
        moments = [each and each.isoformat() for each in (head.created_at, head.updated_at, head.cancelled_at)]
        return [*moments, head.has_goods, goods and [list(map(list, goods.lines)), [*map(_fields, goods.located)]]]

    @classmethod
    def from_stored(cls, order_id: int, row: list[Any]) -> Self:
        *moments, has_goods, goods = row
        created_at, updated_at, cancelled_at = (each and datetime.fromisoformat(each) for each in moments)
        head = OrderHead(order_id, created_at, updated_at, cancelled_at, has_goods)
        if goods is None:
            return cls(head)
        lines, located = goods
        return cls(
            head, OrderedGoods(tuple(OrderedLine(*each) for each in lines), tuple(Sale(*each) for each in located))
        )


@dataclass(slots=True)
class ChangedOrders:
    """Follows such orders from run to run, until F&O has the state that Shopify's search showed, or a later one, or
    its goods are in the link because it is parked.

    The search starts some minutes before the latest change that it has shown, because it shows changes late.
    """

    links: OrderLinks
    store: str
    since: datetime
    """The latest change that a search has shown, by Shopify's clock; the start of the first run."""
    orders: dict[int, ChangedOrder]
    caught_up: dict[int, datetime]
    """Orders of the last search whose change F&O has, with Shopify's updated_at of it: their links are not read again.
    """
    sold_as: Mapping[int, int]
    """Inventory item -> the one whose figures what was sold of it lowers."""

    @classmethod
    def of_stored(
        cls, links: OrderLinks, store: str, saved: Mapping[str, Any], now: datetime, *, sold_as: Mapping[int, int]
    ) -> Self:
        since = saved.get("changed_since")
        orders = saved.get("changed", {})
        return cls(
            links,
            store,
            datetime.fromisoformat(since) if since else now - _FIRST_LOOK,
            {int(order): ChangedOrder.from_stored(int(order), row) for order, row in orders.items()},
            {int(order): datetime.fromisoformat(at) for order, at in saved.get("caught_up", {}).items()},
            sold_as,
        )

    def add(self, changed: Iterable[OrderHead], others: Iterable[OrderHead]) -> None:
        """What the search has shown, and other orders as they are now. `keep` takes out what F&O has."""
        changed = list(changed)
        self.since = max((head.updated_at for head in changed), default=self.since)
        shown = {head.id: head.updated_at for head in changed}
        self.caught_up = {order: at for order, at in self.caught_up.items() if shown.get(order) == at}
        for head in (*changed, *others):
            if self.caught_up.get(head.id) == head.updated_at:
                continue
            known = self.orders.get(head.id)
            if known is None or known.head.updated_at < head.updated_at:
                self.orders[head.id] = ChangedOrder(head)

    def note_caught_up(self, links: Iterable[OrderLink]) -> None:
        """The state that F&O has is never an older one again. What is parked may be: it is booked as it was placed."""
        for link in links:
            updated_at = self.orders[link.order_id].head.updated_at
            if link.sales_order and (link.given_up or link.version >= updated_at):
                self.caught_up[link.order_id] = updated_at

    def keep(self, known: Mapping[int, datetime], *, ended_before: datetime) -> None:
        """Keeps the orders of which an older state is `known` (Shopify's updated_at by order), without those that had
        no goods any more before that time.
        """
        self.orders = {
            order: changed
            for order, changed in self.orders.items()
            if order in known
            and known[order] < changed.head.updated_at
            and ((ended := changed.head.ended_at) is None or ended > ended_before)
        }

    @property
    def unread(self) -> list[int]:
        return [order for order, changed in self.orders.items() if changed.goods is None]

    def take(self, goods: Mapping[int, OrderedGoods]) -> None:
        for order in self.unread:
            if order in goods:
                self.orders[order] = replace(self.orders[order], goods=goods[order])

    def read_again(self, items: Collection[int]) -> None:
        """Forgets the goods of orders that have these inventory items."""
        for order, changed in self.orders.items():
            if changed.goods and any(line.inventory_item in items for line in changed.goods.lines):
                self.orders[order] = ChangedOrder(changed.head)

    async def added(self, parked: Mapping[int, Sequence[Sale]], *, recent_since: datetime) -> dict[int, AddedUnits]:
        """What each order whose goods are read has beyond what F&O last got of it and what is `parked`, by order.

        F&O has what the order's link says, or more: links are read here, and on-hand later. Changes after
        `recent_since` may be later than the reading of Shopify's figures.
        """
        links = await self.links.get_several(self.store, self.orders)
        added: dict[int, AddedUnits] = {}
        for order, changed in self.orders.items():
            updated_at, link = changed.head.updated_at, links.get(order)
            booked = link if link is not None and link.sales_order else None
            has_caught_up = booked is not None and (booked.given_up or booked.version >= updated_at)
            if changed.goods is not None and not has_caught_up:
                added[order] = added_units(
                    as_stocked(changed.goods, self.sold_as),
                    booked.fingerprints if booked is not None else None,
                    parked=parked.get(order, ()),
                    is_recent=updated_at > recent_since,
                )
        return added

    def as_stored(self) -> dict[str, Any]:
        return {
            "changed_since": self.since.isoformat(),
            "changed": {str(order): changed.as_stored() for order, changed in self.orders.items()},
            "caught_up": {str(order): at.isoformat() for order, at in self.caught_up.items()},
        }


def _fields(sale: Sale) -> list[int | None]:
    return [sale.inventory_item, sale.location, sale.units]
