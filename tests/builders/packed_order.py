"""An order that F&O has, with what its warehouse does and what Shopify shows of it."""

from __future__ import annotations

from decimal import Decimal

from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import find_slip
from local.d365.tables import Row
from local.shopify.events import Event
from tests.builders.one_order import OneOrder


class PackedOrder(OneOrder):
    @property
    def sales_order(self) -> Row:
        (order,) = self.app.fo.books.rows(HEADERS)
        return order

    def lots(self, units: dict[str, int]) -> dict[str, Decimal]:
        """InventoryLotId -> units, of units by SKU (BAG_DOWN=1)."""
        lots = {line["ItemNumber"]: line["InventoryLotId"] for line in self.lines}
        return {lots[sku.replace("_", "-")]: Decimal(count) for sku, count in units.items()}

    def pick(self) -> None:
        self.app.fo.posting.pick(self.sales_order)

    def release(self, stage: str, **units: int) -> None:
        """What warehouse management has released, put on a wave or packed."""
        self.app.fo.posting.release(self.sales_order, stage, self.lots(units))

    def pack(self, **units: int) -> str:
        """A packing slip."""
        parts = [Part(lot, count) for lot, count in self.lots(units).items()]
        (slip,) = self.app.fo.slips.pack(self.sales_order, Shipment(parts))
        return slip

    def correct(self, slip: str, **units: int) -> None:
        row = find_slip(self.app.fo.books, self.app.rules.company, slip)
        assert row is not None
        self.app.fo.slips.correct(row, self.lots(units))

    def cancel_slip(self, slip: str) -> None:
        row = find_slip(self.app.fo.books, self.app.rules.company, slip)
        assert row is not None
        self.app.fo.slips.cancel(row)

    @property
    def shown(self) -> list[dict[str, int]]:
        """Units by SKU of each fulfilment that is not cancelled, the oldest first."""
        skus = {line.id: line.sku or "" for line in self.order.lines}
        return [{skus[line.line_id]: line.quantity for line in each.lines} for each in self.order.live_fulfillments]

    @property
    def mails(self) -> list[str]:
        """The kind of each mail to the buyer."""
        return [each.kind for each in self.order.notices]

    def echo(self) -> None:
        """Shopify's webhooks about what the app did to the order. They are sent by `deliver`."""
        events = [Event(topic, self.order) for topic in ("orders/fulfilled", "orders/updated")]
        self.simulated._record("echo", {}, events)
