"""An order that F&O has, with what its warehouses do and what Shopify shows of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from local.d365.inventory import Stock
from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import Parcel, find_slip
from local.d365.tables import Row
from local.shopify.costs import Bucket
from local.shopify.order import Order
from local.shopify.state import Shop
from shared.rules import StoreRules
from tests.builders.both_sides import App, scopes_of
from tests.builders.one_order import REDUCED_VAT, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import STORES, strategy

EU: Final = with_rules(strategy("nordlys"), flows={"shipments": True})
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
MAP: Final = {"sku": "MAP-NORDIC", "quantity": 1, "price": "16.95", "tax": REDUCED_VAT}
SECOND: Final = 71002002
"""The location of the second warehouse, HAM, by the rules `two_places`."""
PLENTY: Final = 100


def two_places(**rules: Any) -> StoreRules:
    """The store with a location for each of its two warehouses."""
    first, second = (each.model_dump(exclude_unset=True) for each in EU.warehouses)
    return with_rules(EU, warehouses=(first, second | {"location": SECOND}), **rules)


class Shipped(OneOrder):
    """What people do to the order in Shopify and what the app does there happens in one shop."""

    def __init__(self, app: App, *lines: dict[str, Any], rules: StoreRules = EU, **parts: Any) -> None:
        super().__init__(app, rules, checkout("nordlys", *lines, **parts))
        self.shop = self.simulated.shop
        share(app, self.shop, self.order)

    def open_second_location(self, *, service: str | None = None) -> int:
        """A location for the second warehouse, or that of a fulfilment service, which stocks all items; its id."""
        made = self.shop.add_location("Hamburg", "DE", "Hamburg", service)
        if service is None:
            del self.shop.locations[made.id]
            made.id = SECOND
            self.shop.locations[SECOND] = made
        for variant in self.shop.variants.values():
            self.shop.activate(variant.inventory_item_id, made.id).states["available"] = PLENTY
        return made.id

    def stock(self, sku: str, warehouse: str, physical: int) -> None:
        """So many of it lie in the warehouse in F&O."""
        books = self.app.fo.books
        place = books.bin("nleu", sku, warehouse)
        assert place is not None
        books.stock.put(place, replace(books.stock.get(place) or Stock(), physical=Decimal(physical)))

    @property
    def sales_order(self) -> Row:
        (order,) = self.app.fo.books.rows(HEADERS)
        return order

    def pack(self, *numbers: str, warehouse: str = "", **units: int) -> str:
        """A packing slip for so many units of each SKU (BAG_DOWN=1), with these tracking numbers."""
        lots = {line["ItemNumber"]: line["InventoryLotId"] for line in self.lines}
        parts = [Part(lots[sku.replace("_", "-")], Decimal(count), warehouse) for sku, count in units.items()]
        parcels = [Parcel(number) for number in numbers]
        (slip,) = self.app.fo.slips.pack(self.sales_order, Shipment(parts, parcels=parcels, carrier="DHL"))
        return slip

    def correct(self, slip: str, **units: int) -> None:
        """What left of the slip indeed."""
        lots = {line["ItemNumber"]: line["InventoryLotId"] for line in self.lines}
        self.app.fo.slips.correct(
            self.row(slip), {lots[sku.replace("_", "-")]: Decimal(count) for sku, count in units.items()}
        )

    def track(self, slip: str, *numbers: str) -> None:
        self.app.fo.slips.track(self.row(slip), [Parcel(number) for number in numbers])

    def cancel_slip(self, slip: str) -> None:
        self.app.fo.slips.cancel(self.row(slip))

    def row(self, slip: str) -> Row:
        row = find_slip(self.app.fo.books, "nleu", slip)
        assert row is not None
        return row

    @property
    def shown(self) -> list[dict[str, int]]:
        """Units by SKU of each fulfilment that is not cancelled, the oldest first."""
        skus = {line.id: line.sku or "" for line in self.order.lines}
        return [{skus[line.line_id]: line.quantity for line in each.lines} for each in self.order.live_fulfillments]

    @property
    def mails(self) -> list[tuple[str, ...]]:
        """The tracking numbers of each mail to the buyer."""
        return [each.numbers for each in self.order.notices]

    @property
    def calls(self) -> list[str]:
        """The GraphQL operations so far; they are forgotten."""
        calls = self.app.shopify.simulator.calls
        operations = [str(call.operation) for call in calls]
        calls.clear()
        return operations


def share(app: App, shop: Shop, order: Order) -> None:
    """The shop in which the order was placed is the one that the app calls."""
    shop.scopes = scopes_of(shop)
    shop.clock = app.shopify.time.now
    shop.bucket = Bucket(shop.clock)
    shop.orders = {order.id: order}
    app.shopify.simulator.shops[STORES["nordlys"].shop_domain] = shop


async def shipped(app: App, *lines: dict[str, Any], rules: StoreRules = EU) -> Shipped:
    """F&O has the order, and the first run of the timer has been."""
    one = Shipped(app, *lines, rules=rules)
    await one.deliver()
    assert await app.push_shipments() == []
    return one
