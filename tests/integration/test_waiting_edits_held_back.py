"""What an edit adds to an order that F&O has is held back from what Shopify is told, until F&O has the edit.

The flow of orders changes the sales order, the flow of stock reads Shopify, the links and F&O. Both systems are
simulated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.stock import Memory

from local.d365.faults import Fault
from shared.errors import ErrorCode
from shared.flows import STOCK
from shared.mapping.stock.figures import FigureOutcome
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.stock.flow import push_stock
from shared.sync.stock.unknown.held import HeldBack, HeldOrder
from tests.builders.both_sides import App, app_in_process
from tests.builders.histories import Webhook
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

RULES = with_rules(strategy("nordlys"), stock={"settle_seconds": 0})
CAREFUL = with_rules(RULES, changes={"quantity_up": {"open": "hold"}})
PLENTY = 100_000
WEB = 71001001
STOVES = {"sku": "STOVE-GAS", "quantity": 2, "price": "57.35", "tax": VAT}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


@dataclass
class Shop:
    """An order that F&O has, and the stock flow, whose search began before the order was placed."""

    app: App
    one: OneOrder
    snapshots: Memory = field(default_factory=Memory)

    async def run(self) -> dict[str, FigureOutcome]:
        """A run of the stock flow. Gives the outcomes by SKU."""
        shopify, rules = self.app.shopify, self.app.rules
        time, admin = shopify.time, shopify.admin(rules, STOCK.scopes)
        report = await push_stock(
            rules,
            admin=admin,
            fo=self.app.client,
            links=self.app.links,
            snapshots=self.snapshots,  # type: ignore[arg-type]  # documents in memory
            now=time.now,
            sleep=time.sleep,
        )
        return {each.wanted.listing.sku: each.outcome for each in report.figures}

    async def shown(self, sku: str = "STOVE-GAS") -> int:
        """What Shopify shows after a run."""
        await self.run()
        return self.figure(sku)

    def figure(self, sku: str = "STOVE-GAS") -> int:
        shop = self.app.shopify.simulator.shops[self.app.rules.shop_domain]
        return shop.levels[shop.variant_by_sku[sku].inventory_item_id, WEB].quantity("available")

    def take(self, units: int) -> None:
        """Shopify offers so many stoves less."""
        shop = self.app.shopify.simulator.shops[self.app.rules.shop_domain]
        level = shop.levels[shop.variant_by_sku["STOVE-GAS"].inventory_item_id, WEB]
        level.states["available"] -= units
        level.updated_at = shop.clock()

    def edit(self, **what: object) -> list[Webhook]:
        """The order changes in Shopify. Its events wait."""
        self.one.change("edit", **what)
        self.app.shopify.show(self.app.rules.key, self.one.order)
        return self.one.pending()

    async def send(self, webhooks: list[Webhook]) -> None:
        for webhook in webhooks:
            await self.one.send(webhook)

    async def link(self) -> OrderLink:
        link = await self.app.link(self.one.order.id)
        assert link is not None
        return link

    async def held(self) -> list[HeldOrder]:
        document, _ = await self.snapshots.read(f"stock/{self.app.rules.key}/orders")
        return [HeldOrder.from_stored(row) for row in document["held"]]


async def booked(app: App, rules: StoreRules = RULES) -> Shop:
    one = OneOrder(app, rules, checkout("nordlys", STOVES))
    await one.deliver()
    shop = Shop(app, one)
    before = one.order.created_at.isoformat()
    await shop.snapshots.write(
        f"stock/{rules.key}/orders", {"first": before, "since": before, "changed_since": before}, None
    )
    assert await shop.shown() == PLENTY - 2
    return shop


@pytest.mark.parametrize(
    ("edit", "sku", "left"),
    [
        ({"quantities": {"STOVE-GAS": 7}}, "STOVE-GAS", PLENTY - 7),
        ({"add": [{"sku": "MAP-NORDIC", "quantity": 3}]}, "MAP-NORDIC", PLENTY - 3),
    ],
    ids=["more pieces", "another line"],
)
async def test_what_an_edit_adds_is_not_offered_again_before_or_after_fo_has_it(
    app: App, edit: dict[str, object], sku: str, left: int
) -> None:
    shop = await booked(app)
    webhooks = shop.edit(**edit)
    for _ in range(2):
        assert await shop.shown(sku) == left
    [held] = await shop.held()
    assert (held.order_id, held.why, held.units) == (
        shop.one.order.id,
        HeldBack.CHANGED,
        {sku: shop.one.order.lines[-1].current_quantity - (2 if sku == "STOVE-GAS" else 0)},
    )
    await shop.send(webhooks)
    assert await shop.shown(sku) == left  # reserved in F&O
    assert await shop.held() == []


async def test_fewer_pieces_are_offered_once_fo_has_the_edit(app: App) -> None:
    shop = await booked(app)
    webhooks = shop.edit(quantities={"STOVE-GAS": 1})
    assert await shop.shown() == PLENTY - 2
    await shop.send(webhooks)
    assert await shop.shown() == PLENTY - 1


async def test_no_figure_of_the_edit_rises_while_nobody_knows_whether_fo_took_it(app: App) -> None:
    shop = await booked(app)
    webhooks = shop.edit(quantities={"STOVE-GAS": 7})
    assert await shop.shown() == PLENTY - 7
    app.fo.faults.add(Fault("reset", "PATCH", "SalesOrderLinesV3", times=None))
    await shop.send(webhooks)
    assert (await shop.link()).claimed_until is not None
    assert (await shop.run())["STOVE-GAS"] is FigureOutcome.WITHHELD
    assert shop.figure() == PLENTY - 7
    app.fo.faults.clear()


async def test_a_further_edit_of_a_parked_one_is_not_offered_either(app: App) -> None:
    shop = await booked(app, CAREFUL)
    await shop.send(shop.edit(quantities={"STOVE-GAS": 7}))
    assert await app.parked() == {"CHANGE_HELD"}
    assert await shop.shown() == PLENTY - 7
    shop.edit(quantities={"STOVE-GAS": 9})
    shop.take(2)
    assert (await shop.run())["STOVE-GAS"] is FigureOutcome.WITHHELD  # what F&O has of the line is not known
    assert shop.figure() == PLENTY - 9


async def test_a_parked_edit_counts_once_though_the_order_changes_in_other_ways_and_no_more_once_discarded(
    app: App,
) -> None:
    shop = await booked(app, CAREFUL)
    webhooks = shop.edit(quantities={"STOVE-GAS": 7})
    await shop.send([each for each in webhooks if each.topic == "orders/updated"])
    assert (await shop.link()).parked_version == shop.one.order.updated_at
    await shop.one.step("amend", note="Ring twice")
    assert (await shop.link()).parked_version == shop.one.order.updated_at
    assert await shop.shown() == PLENTY - 7
    assert [each.why for each in await shop.held()] == [HeldBack.PARKED]
    await app.discard_parked()
    assert await shop.shown() == PLENTY - 2
    assert await shop.held() == []


async def test_an_event_that_was_parked_unread_is_held_back_until_it_is_discarded(app: App) -> None:
    shop = await booked(app)
    for webhook in shop.edit(quantities={"STOVE-GAS": 7}):
        if webhook.topic == "orders/updated":
            await shop.one.send(webhook, lambda payload: payload["line_items"][0].update(quantity="seven"))
    assert await app.parked() == {"NOT_AN_ORDER"}
    assert await shop.shown() == PLENTY - 7
    await app.discard_parked()
    assert await shop.shown() == PLENTY - 2


OF_AN_ORDER: list[tuple[str, dict[str, object]]] = [
    ("amend", {"note": "Ring twice"}),
    ("amend", {"tags": ["gift"]}),
    ("risk", {"level": "low"}),
    ("edit", {"quantities": {"STOVE-GAS": 7}}),
    ("edit", {"quantities": {"STOVE-GAS": 6}}),
    ("pay", {}),
    ("refund", {"amount": "5.00"}),
    ("refund", {"lines": [{"line": "STOVE-GAS", "quantity": 1, "restock": "cancel"}]}),
    ("fulfill", {"lines": [{"line": "STOVE-GAS", "quantity": 2}]}),
    ("return", {"action": "open", "lines": [{"line": "STOVE-GAS", "quantity": 1}]}),
]


@pytest.mark.parametrize("steps", [OF_AN_ORDER, [("cancel", {})]], ids=["all its life", "a cancellation"])
async def test_after_every_kind_of_event_the_link_has_shopifys_state_so_that_no_order_stays_in_doubt(
    app: App, steps: list[tuple[str, dict[str, Any]]]
) -> None:
    """Whatever the event changes in F&O, be it nothing."""
    one = OneOrder(app, RULES, checkout("nordlys", {**STOVES, "quantity": 6}, payment="unpaid"))
    await one.deliver()
    for step, wish in steps:
        await one.step(step, **wish)
        link = await app.link(one.order.id)
        assert link is not None
        assert link.counted_version == one.order.updated_at, step


# ---- where nobody knows what F&O has


async def test_a_second_parked_edit_raises_nothing_of_what_it_adds(app: App) -> None:
    """The first was left to a person, who may have entered any quantity in F&O. Shopify lowers its figure by itself."""
    shop = await booked(app, CAREFUL)
    await shop.send(shop.edit(quantities={"STOVE-GAS": 7}))
    assert await shop.shown() == PLENTY - 7
    await shop.send(shop.edit(quantities={"STOVE-GAS": 9}))
    shop.take(2)
    assert (await shop.run())["STOVE-GAS"] is FigureOutcome.WITHHELD
    assert shop.figure() == PLENTY - 9


async def test_an_edit_whose_answer_was_lost_and_that_is_then_refused_stays_held_back(app: App) -> None:
    shop = await booked(app)
    edited = [webhook for webhook in shop.edit(quantities={"STOVE-GAS": 7}) if webhook.topic == "orders/updated"]
    assert await shop.shown() == PLENTY - 7
    app.fo.faults.add(Fault("reset", "PATCH", "SalesOrderLinesV3", times=None))
    await shop.send(edited)
    app.fo.faults.clear()
    try:
        app.now = lambda: datetime.now(UTC) + timedelta(minutes=20)
        app.change_rules(CAREFUL)  # as where the warehouse has begun with the line meanwhile
        await shop.send(edited)
    finally:
        app.now = lambda: datetime.now(UTC)
    assert await app.parked() == {ErrorCode.CHANGE_HELD}
    assert await shop.shown() == PLENTY - 7


@pytest.mark.parametrize("end", ["lost", "refused"])
async def test_an_edit_of_an_order_that_is_adopted_is_held_back_until_fo_has_it(app: App, end: str) -> None:
    """F&O took the order as it was placed, and the worker died before its link said so: until then its units count
    twice.
    """
    shop = await booked(app)
    link = await shop.link()
    claim = OrderLink(link.store, link.order_id, link.version, record=link.record, stored=link.stored, etag=link.etag)
    await app.links.put(claim)
    edited = [webhook for webhook in shop.edit(quantities={"STOVE-GAS": 7}) if webhook.topic == "orders/updated"]
    assert await shop.shown() == PLENTY - 2 - 7
    if end == "lost":
        app.fo.faults.add(Fault("reset", "PATCH", "SalesOrderLinesV3", times=None))
    else:
        app.change_rules(CAREFUL)
    await shop.send(edited)
    app.fo.faults.clear()
    assert (await shop.link()).sales_order
    assert [line["OrderedSalesQuantity"] for line in shop.one.lines if line["ItemNumber"] == "STOVE-GAS"] == [2]
    assert await shop.shown() <= PLENTY - 7
