"""One order in both systems, and what people do about what was parked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.d365 import return_tables
from local.d365.csdl import EntitySet
from local.d365.edm import number
from local.d365.sales_tables import HEADERS, LINES, progress_of
from local.d365.slip_posting import Shipment
from local.shopify.events import Event
from local.shopify.order import Order
from local.shopify.state import Shop
from shared.rules import StoreRules
from tests.builders.both_sides import App, scopes_of
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.histories import SimulatedOrder, Webhook
from tests.builders.one_order import FoDocuments
from tests.builders.sales import EU, with_rules

BTW: Final = [{"title": "BTW", "rate": "0.21"}]
TENT: Final = {"sku": "TENT-2P", "quantity": 2, "tax": BTW}
MUG: Final = {"sku": "MUG-ENAMEL", "quantity": 1, "tax": BTW}
STANDARD: Final = {"title": "Standard", "code": "STANDARD", "price": "6.95", "tax": BTW}


def changed(rules: StoreRules, **tables: Any) -> StoreRules:
    """The rules with other keys in their tables, lists as a file has them."""
    return with_rules(rules, **{name: _as_tuples(value) for name, value in tables.items()})


def _as_tuples(value: Any) -> Any:
    match value:
        case dict():
            return {key: _as_tuples(part) for key, part in value.items()}
        case list() | tuple():
            return tuple(_as_tuples(part) for part in value)
        case _:
            return value


type Spoil = Callable[[dict[str, Any]], None]
"""Changes a body that has the order, as another app or a later release of Shopify would send it."""
type Shape = Callable[[Order], None]
"""Changes the order in Shopify before it sends it."""


def checkout(**parts: Any) -> Document:
    whole = {"customer": BUYER, "shipping_address": ADDRESSES["nordlys"], "lines": [TENT, MUG], "shipping": [STANDARD]}
    return {key: value for key, value in {**whole, **parts}.items() if value is not None}


UNPAID: Final = checkout(financial_status="pending")
"""Its one webhook is orders/create."""


class Scene(FoDocuments):
    """One order in the Shopify simulator and one installation of the app: what a person does in either system."""

    def __init__(self, app: App, rules: StoreRules) -> None:
        self.app = app
        self.app.reset(rules)
        self.app.shopify.simulator.faults.clear()
        self.shop.scopes = scopes_of(self.shop)
        self.spoil: Spoil | None = None
        self._delivered = 0
        self._removed: list[tuple[str, Any, Any]] = []
        self.hidden_sets: dict[str, EntitySet] = {}
        """Entity sets that F&O has not, by name."""
        self.hides_orders = False
        self.topics: frozenset[str] | None = None
        """Webhooks of other topics are lost."""

    async def check_out(self, repair: Repair) -> None:
        """Places the order."""
        self.spoil = repair.spoil
        self.order = SimulatedOrder("nordlys", repair.order)
        if repair.shape is not None:
            repair.shape(self.order.order)
            self.order.steps.clear()
            self.order._record("checkout", repair.order, [Event("orders/create", self.order.order)])
        await (repair.ready or nothing)(self)
        await self.deliver()

    @property
    def shop(self) -> Shop:
        """The shop whose Admin API the app asks."""
        return self.app.shopify.simulator.shops[EU.shop_domain]

    @property
    def number(self) -> str:
        """Of the sales order in F&O, as the app numbers it."""
        return f"{EU.orders.number_prefix}{self.order.order.id}"

    async def step(self, name: str, wish: Document) -> None:
        """Changes the order in Shopify, and delivers the webhooks."""
        self.change(name, wish)
        await self.deliver()

    def change(self, name: str, wish: Document) -> None:
        """Changes the order in Shopify."""
        known = len(self.order.steps)
        self.order.step(name, wish)
        assert len(self.order.steps) > known, f"Shopify refused {name}"

    async def correct(self, wish: Document) -> None:
        """Corrects in Shopify what was wrong with the order's bodies."""
        self.spoil = None
        await self.step("amend", wish)

    async def deliver(self) -> None:
        """Delivers the webhooks that Shopify has sent since. Those that have the order are lost while it is hidden."""
        self.app.shopify.show("nordlys", self.order.order)
        if self.hides_orders:
            self.shop.orders = {}
        history = self.order.history().webhooks
        for webhook in history[self._delivered :]:
            is_hidden = self.hides_orders and "line_items" in json.loads(webhook.body)
            if not is_hidden and (self.topics is None or webhook.topic in self.topics):
                await self.app.handle(self._as_sent(webhook))
        self._delivered = len(history)

    def _as_sent(self, webhook: Webhook) -> Webhook:
        payload = json.loads(webhook.body)
        if self.spoil is None or "line_items" not in payload:
            return webhook
        self.spoil(payload)
        return Webhook(webhook.at, webhook.number, webhook.order_id, webhook.topic, json.dumps(payload).encode())

    async def deploy(self, **tables: Any) -> None:
        """Changes the store's file, deploys, and replays what is parked."""
        self.app.change_rules(changed(self.app.rules, **tables))
        await self.replay()

    async def replay(self) -> None:
        await self.app.replay_parked()

    async def close(self) -> None:
        await self.app.discard_parked()

    def take_out(self, entity_set: str, **values: str) -> None:
        """Takes the record with these values out of F&O, as if it had not been set up yet."""
        rows = self.app.fo.books.rows(entity_set)
        key = next(key for key, row in rows.items() if all(row.values[name] == values[name] for name in values))
        self._removed.append((entity_set, key, rows._held.pop(key)))

    def set_up(self) -> None:
        """Puts back what was taken out."""
        for entity_set, key, row in self._removed:
            self.app.fo.books.rows(entity_set).put(key, row)

    @property
    def open_units(self) -> int:
        """Of the sales order, what is still to be delivered."""
        books = self.app.fo.books
        lines = books.rows(LINES)
        return int(sum(progress_of(books, row).remaining(number(row.values, "OrderedSalesQuantity")) for row in lines))

    @property
    def is_held(self) -> bool:
        return self.header["IsSalesProcessingStopped"] == "Yes"

    @property
    def is_return_held(self) -> bool:
        """Whether a return order with lines is held."""
        numbers = {line["ReturnOrderNumber"] for line in self.rows(return_tables.LINES)}
        headers = [row for row in self.rows(return_tables.HEADERS) if row["ReturnOrderNumber"] in numbers]
        return any(row["IsReturnProcessingStopped"] == "Yes" for row in headers)

    @property
    def sales_orders(self) -> list[Any]:
        return list(self.app.fo.books.rows(HEADERS))


type Act = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Repair:
    """What is wrong at first, and the advice carried out. At the end F&O has the order, and nothing is parked."""

    act: Act
    order: Document = field(default_factory=checkout)
    rules: StoreRules = EU
    spoil: Spoil | None = None
    shape: Shape | None = None
    before: Act | None = None
    """Before the order is placed."""
    ready: Act | None = None
    """When it is placed, and Shopify has sent nothing yet."""
    then: Act | None = None
    """After it, so that the code appears."""
    sales_orders: int = 1
    has: Mapping[str, Any] = field(default_factory=dict)
    """What F&O has at the end: names of Scene's properties and their values."""


async def nothing(scene: Scene) -> None:
    pass


def deploying(**tables: Any) -> Act:
    async def act(scene: Scene) -> None:
        await scene.deploy(**tables)

    return act


def correcting(**wish: Any) -> Act:
    """The order is corrected in Shopify, which sends it again; what was refused before is discarded."""

    async def act(scene: Scene) -> None:
        await scene.correct(wish)
        await scene.close()

    return act


async def replaying(scene: Scene) -> None:
    await scene.replay()


async def pack(scene: Scene) -> None:
    for header in scene.sales_orders:
        scene.app.fo.slips.pack(header, Shipment())


async def invoice(scene: Scene) -> None:
    for header in scene.sales_orders:
        scene.app.fo.posting.invoice(header)
