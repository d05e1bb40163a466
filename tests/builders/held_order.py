"""One order that both systems have, the holds of either, and the webhooks about those of Shopify."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from local.d365.credit_holds import hold_for_credit, release_from_credit
from local.d365.sales_tables import HEADERS
from local.d365.tables import Row
from local.shopify.bodies import body
from local.shopify.events import Event
from local.shopify.ids import APP_ID, gid
from local.shopify.model import Location
from local.shopify.shipping_records import FulfillmentOrder, RoutingChange
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.webhooks import encode
from shared.bus.envelope import Envelope
from shared.rules import StoreRules
from tests.builders.both_sides import App
from tests.builders.one_order import REDUCED_VAT, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import STORES, strategy

HOLDS: Final = {
    "credit": {"reason": "AWAITING_PAYMENT", "notes": "Credit management of F&O"},
    "staff": {"reason": "OTHER"},
    "from_shopify": ("INCORRECT_ADDRESS", "INVENTORY_OUT_OF_STOCK"),
}
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
MAP: Final = {"sku": "MAP-NORDIC", "quantity": 1, "price": "16.95", "tax": REDUCED_VAT}
OTHER_APP: Final = 77
ELSEWHERE: Final = 4242
_FLAG: Final = "IsSalesProcessingStopped"


def rules_of_holds(**holds: Any) -> StoreRules:
    return with_rules(strategy("nordlys"), flows={"shipments": True}, holds={**HOLDS, **holds})


class HeldOrder(OneOrder):
    def __init__(self, app: App, rules: StoreRules | None = None) -> None:
        super().__init__(app, rules or rules_of_holds(), checkout("nordlys", BAG, MAP))
        app.shopify.show("nordlys", self.order)
        self.shop: Shop = app.shopify.simulator.shops[STORES["nordlys"].shop_domain]
        self._numbers = count(1)
        self.told: list[Event] = []
        """What Shopify sends of holds, oldest first, until `deliver_holds`."""

    @property
    def sales_order(self) -> Row:
        (order,) = self.app.fo.books.rows(HEADERS)
        return order

    @property
    def is_stopped(self) -> bool:
        return self.sales_order.values[_FLAG] == "Yes"

    def stop(self, value: str = "Yes") -> None:
        """Staff set or clear F&O's flag."""
        books, row = self.app.fo.books, self.sales_order
        books.replace(books.schema.sets[HEADERS], row, {**row.values, _FLAG: value})

    def start(self) -> None:
        self.stop("No")

    def take_into_credit_control(self) -> None:
        hold_for_credit(self.app.fo.books, self.sales_order)

    def let_go_of_credit_control(self) -> None:
        release_from_credit(self.app.fo.books, self.sales_order)

    @property
    def parts(self) -> list[FulfillmentOrder]:
        """The fulfilment orders that are open."""
        return [part for part in self.order.fulfillment_orders if not part.is_closed]

    @property
    def copies(self) -> list[list[tuple[str, str]]]:
        """Handle and reason of the app's holds, of each open fulfilment order."""
        return [[(hold.handle, hold.reason) for hold in part.holds if hold.app == APP_ID] for part in self.parts]

    @property
    def foreign(self) -> list[str]:
        """Reasons of the holds that others set."""
        return [hold.reason for part in self.parts for hold in part.holds if hold.app != APP_ID]

    def in_shopify(self, step: str, **wish: Any) -> None:
        """Staff, or another app, do something with a fulfilment order."""
        self.told += apply_step(self.shop, self.order, step, wish)

    def hold_in_shopify(self, reason: str = "INCORRECT_ADDRESS", **wish: Any) -> None:
        self.in_shopify("hold", reason=reason, **wish)

    def move_the_map(self) -> None:
        """To another location, where a fulfilment order of its own gets it."""
        self.shop.locations[ELSEWHERE] = Location(ELSEWHERE, "Elsewhere", "NL", "Utrecht", None, self.shop.created_at)
        self.in_shopify("move", to=ELSEWHERE, lines=[{"line": self.order.lines[1].id, "quantity": 1}])

    def release_foreign(self) -> None:
        for part in self.parts:
            for hold in [each for each in part.holds if each.app != APP_ID]:
                self.in_shopify("release", fulfillment_order=part.id, hold=hold.id)

    def release_copies(self) -> None:
        """A person releases the app's holds in Shopify."""
        for part in self.parts:
            for hold in [each for each in part.holds if each.app == APP_ID]:
                self.in_shopify("release", fulfillment_order=part.id, hold=hold.id)

    def echo(self) -> None:
        """The webhooks about the holds that the app has now."""
        for part in self.parts:
            for hold in part.holds:
                if hold.app == APP_ID:
                    about = {"id": gid("FulfillmentHold", hold.id), "held_by_requesting_app": True}
                    document = {
                        "fulfillment_order": {"id": gid("FulfillmentOrder", part.id)},
                        "fulfillment_hold": about,
                    }
                    self.told.append(Event("fulfillment_holds/added", RoutingChange(document)))

    def envelope(self, event: Event, number: int | None = None) -> Envelope:
        return Envelope(
            flow="orders",
            event_id=f"hold-webhook-{number or next(self._numbers)}",
            source="shopify",
            store="nordlys",
            topic=event.topic,
            entity_id="",
            occurred_at=datetime.now(UTC),
            traceparent="",
            body=encode(body(self.shop, self.order, event)),
        )

    async def deliver_holds(self) -> list[str]:
        """The webhooks about holds, and what follows from them. Returns how each event ended."""
        events, self.told = self.told, []
        taken = [each for each in events if each.topic in HOLD_TOPICS]
        ends = [await self.app.ship(self.envelope(each)) for each in taken]
        return ends + await self.app.handle_shipped()


HOLD_TOPICS: Final = (
    "fulfillment_holds/added",
    "fulfillment_holds/released",
    "fulfillment_orders/moved",
    "fulfillment_orders/placed_on_hold",
)


async def booked(app: App, rules: StoreRules | None = None) -> HeldOrder:
    one = HeldOrder(app, rules)
    await one.deliver()
    await app.push_shipments()
    return one
