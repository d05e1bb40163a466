"""An order that F&O has: what its people do with the sales order, and what Shopify shows of it then."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.tables import Row
from local.shopify.order import LineItem
from shared.rules import StoreRules
from shared.store.links import OrderLink
from tests.builders.both_sides import App
from tests.builders.one_order import OneOrder, checkout


class OrderAtFo(OneOrder):
    """Quantities are by SKU, with _ for -."""

    def __init__(self, app: App, rules: StoreRules, *lines: dict[str, Any], **parts: Any) -> None:
        super().__init__(app, rules, checkout(rules.key, *lines, **parts))

    @property
    def sales_order(self) -> Row:
        (order,) = self.app.fo.books.rows(HEADERS)
        return order

    def lot(self, sku: str) -> str:
        (lot,) = (line["InventoryLotId"] for line in self.lines if line["ItemNumber"] == sku.replace("_", "-"))
        return str(lot)

    def _by_lot(self, units: dict[str, int]) -> dict[str, Decimal]:
        return {self.lot(sku): Decimal(count) for sku, count in units.items()}

    def pack(self, **units: int) -> str:
        parts = [Part(lot, count) for lot, count in self._by_lot(units).items()]
        (slip,) = self.app.fo.slips.pack(self.sales_order, Shipment(parts))
        return slip

    def give_up(self, **units: int) -> None:
        """*Deliver remainder*; without units all that remains."""
        self.app.fo.posting.give_up(self.sales_order, self._by_lot(units))

    def invoice(self) -> None:
        self.app.fo.posting.invoice(self.sales_order)

    def hold(self, code: str = "CREDIT") -> None:
        self.app.fo.posting.add_hold(self.sales_order, code)

    def clear_hold(self, code: str = "CREDIT") -> None:
        self.app.fo.posting.clear_hold(self.sales_order, code)

    async def echo(self) -> None:
        """Delivers the webhooks that the app's own mutations made Shopify send."""
        events, self.app.shopify.announced[:] = list(self.app.shopify.announced), []
        self.simulated._record("app", {}, events)
        await self.deliver()

    def shown_line(self, sku: str) -> LineItem:
        return next(line for line in self.order.lines if line.sku == sku)

    def text(self, key: str) -> str | None:
        """The app's metafield of this key."""
        found = [each.value for (_, name), each in self.order.metafields.items() if name == key]
        return found[0] if found else None

    @property
    def fo_writes(self) -> Counter[str]:
        """What was written to F&O so far: verb and entity set."""
        fo = self.app.fo
        calls = fo.batched_calls + Counter({call: n for call, n in fo.http_calls.items() if "$batch" not in call})
        found: Counter[str] = Counter()
        for call, times in calls.items():
            verb, path = call.split(" ", 1)
            if verb != "GET":
                found[f"{verb} {path.removeprefix('/data/').partition('(')[0]}"] += times
        return found

    async def link(self) -> OrderLink:
        link = await self.app.link(self.order.id)
        assert link is not None
        return link
