"""An order with authorised money, what F&O invoices of it, and what is captured in Shopify."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from local.d365.ledger import PostingError
from local.d365.posting import Posting
from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.tables import Row
from local.shopify.balance import financial_status
from local.shopify.events import paid_event, transaction_events
from shared.rules import StoreRules
from tests.builders.both_sides import App
from tests.builders.one_order import REDUCED_VAT, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

CAPTURING: Final = with_rules(
    strategy("nordlys"),
    flows={"shipments": True},
    captures={"on": "invoiced"},
    tax={"tolerance": 2, "tolerance_per_line": 1},
    given_up={"action": "ignore"},
    order_status={"cancelled": {"action": "ignore"}},
)
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
MAP: Final = {"sku": "MAP-NORDIC", "quantity": 2, "price": "16.95", "tax": REDUCED_VAT}


class InvoicedOrder(OneOrder):
    def __init__(self, app: App, rules: StoreRules, *payment: dict[str, Any], lines: Any = (BAG, MAP), **parts: Any):
        super().__init__(app, rules, checkout("nordlys", *lines, payment=list(payment), shipping=[], **parts))

    @property
    def sales_order(self) -> Row:
        (order,) = self.app.fo.books.rows(HEADERS)
        return order

    def invoice(self, **units: int) -> None:
        """F&O ships and invoices so many units of each SKU (BAG_DOWN=1); without any, all that is open."""
        lots = {line["ItemNumber"]: line["InventoryLotId"] for line in self.lines}
        parts = [Part(lots[sku.replace("_", "-")], Decimal(count)) for sku, count in units.items()]
        try:
            self.app.fo.slips.pack(self.sales_order, Shipment(parts))
        finally:
            Posting(self.app.fo.books).invoice(self.sales_order)

    def give_up(self) -> None:
        """F&O gives up what is open."""
        Posting(self.app.fo.books).cancel(self.sales_order)

    def try_invoice(self, **units: int) -> None:
        """As `invoice`, of what F&O still has and lets be invoiced."""
        try:
            self.invoice(**units)
        except (PostingError, KeyError):
            return

    @property
    def posted(self) -> Decimal:
        """What F&O invoiced, with tax."""
        rows = self.rows("SalesInvoiceHeadersV4")
        return sum((row["TotalInvoiceAmount"] for row in rows), Decimal(0))

    @property
    def captured(self) -> list[Decimal]:
        """The captures, the oldest first, in the buyer's currency."""
        found = (each for each in self.order.transactions if each.kind == "CAPTURE" and each.status != "FAILURE")
        return [each.settles.presentment for each in found]

    async def tell_captures(self) -> None:
        """Delivers the webhooks that Shopify sends of the captures that the app made."""
        made = [each for each in self.order.transactions if each.kind == "CAPTURE"]
        before = "paid" if financial_status(self.order) != "paid" else "authorized"
        self.simulated._record("capture", {}, [*transaction_events(made), *paid_event(self.order, before)])
        await self.deliver()
