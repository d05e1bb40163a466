"""An order that the last release handled goes on with this release, and with the last release again, and back.

The last release replaced a row by the columns that it knew. Both systems over HTTP, in the state in which the last
release left them; its rows and F&O's records are recorded (tests/builders/last_release.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final

import pytest

from local.d365.sales_tables import HEADERS, lines_of
from local.d365.slip_posting import Part, Shipment
from local.shopify.balance import outstanding
from shared.rules import StoreRules
from shared.store import tables
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import Document
from tests.builders.fo_books import ORDERS, PAYMENTS, RETURNS, Books, books_of
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.histories import SimulatedOrder
from tests.builders.last_release import Act, RecordedOrder, recorded_orders, tables_of, write_as_last_release
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

RECORDED: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When the last release was recorded, by F&O's clock."""
_IDS_OF_A_STEP: Final = 100
"""The ids of a step begin at a round number, as when they were recorded: earlier steps may number more things today."""
_UNIQUE: Final = {ORDERS: "CustomersOrderReference", RETURNS: "ReturnOrderNumber", PAYMENTS: "PaymentId"}
"""The field by which F&O has a document once."""
_RENAMED: Final = "-OLD"
LATER: Final = "of_a_later_release"
"""A column that neither release knows."""

TAGS: Final[Act] = ("amend", {"tags": ["gift"]})
SHIPPING_BACK: Final[Act] = ("refund", {"shipping": True})
CANCELLED: Final[Act] = ("cancel", {"refund": True, "restock": True})


def back(sku: str, restock: str, **more: Any) -> Act:
    return ("refund", {"lines": [{"line": sku, "quantity": 1, "restock": restock}], **more})


AFTERWARDS: Final[Mapping[str, tuple[Act, ...]]] = {
    "booked and paid": (TAGS, back("MUG-ENAMEL", "cancel"), SHIPPING_BACK, CANCELLED),
    "partly shipped and refunded": (
        TAGS,
        ("parcels cancelled", {}),
        TAGS,
        back("MUG-ENAMEL", "cancel"),
        back("TENT-2P", "return"),
    ),
    "parked": (("staff replay", {}), TAGS, back("TENT-2P", "cancel"), SHIPPING_BACK, CANCELLED),
    "held by its tag": (("amend", {"po_number": "PO-77"}), TAGS, back("MUG-ENAMEL", "cancel"), CANCELLED),
    "with a further order": (
        TAGS,
        ("edit", {"add": [{"sku": "MAP-NORDIC", "quantity": 2, "price": "12.50", "tax": []}]}),
        ("pay", {"gateway": "shopify_payments"}),
        back("LAMP-HEAD", "cancel"),
        back("TENT-2P", "return"),
    ),
    "payment parked": (("staff replay", {}), TAGS, back("MUG-ENAMEL", "cancel"), SHIPPING_BACK, CANCELLED),
    "change for a person": (
        ("staff replay", {}),
        TAGS,
        ("edit", {"quantities": {"Two-person tent": 2}}),
        ("staff invoice", {}),
        ("fulfill", {}),
        back("TENT-2P", "return"),
    ),
    "without a line": (
        TAGS,
        ("edit", {"quantities": {"6100100100010": 2}}),
        ("pay", {"gateway": "shopify_payments"}),
        back("MUG-ENAMEL", "cancel"),
        SHIPPING_BACK,
    ),
    "numbered by F&O": (TAGS, back("TEE-RED-L", "cancel"), CANCELLED),
}
"""What happens with this release, by the name of a recorded order."""


@pytest.fixture(scope="module")
async def shared_app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (app,):
        app.now = app.fo.clock = lambda: RECORDED
        yield app


class Run:
    """One order in the Shopify simulator, and an installation of the app that handles it."""

    def __init__(self, app: App, recorded: RecordedOrder, rules: StoreRules) -> None:
        self.app = app
        self.recorded = recorded
        app.reset(rules)
        self.order = SimulatedOrder(recorded.store, recorded.checkout)
        assert self.order.order.id == recorded.order_id
        self._delivered = 0

    def restore(self) -> None:
        """Up to where the last release had handled the order."""
        for name, wish in self.recorded.acts:
            if not name.startswith("staff"):
                self._step(name, wish)
        webhooks = self.order.history().webhooks
        self._delivered = len(webhooks)
        known = {tables.part_ids_of(row["RowKey"])[1] for row in self.recorded.tables["refunds"]}
        assert known == {refund.id for refund in self.order.order.refunds}
        self.recorded.restore(self.app, {str(each.number): each.body for each in webhooks})

    async def handle_recorded(self) -> None:
        """The same history, handled by this release."""
        await self.deliver()
        for name, wish in self.recorded.acts:
            await self.act(name, wish)

    async def act(self, name: str, wish: Mapping[str, Any]) -> None:
        match name:
            case "staff ship":
                for header in self.app.fo.books.rows(HEADERS):
                    lots = {
                        line.values["InventoryLotId"]: Decimal(wish["quantity"])
                        for line in lines_of(self.app.fo.books, header)
                        if line.values["ItemNumber"] == wish.get("sku")
                    }
                    self.app.fo.slips.pack(header, Shipment([Part(lot, quantity) for lot, quantity in lots.items()]))
            case "staff invoice":
                for header in self.app.fo.books.rows(HEADERS):
                    self.app.fo.posting.invoice(header)
            case "parcels cancelled":
                self.order.order.fulfillments.clear()  # read like cancelled ones, which the simulator does not have
            case "staff replay":
                self.app.shopify.show(self.recorded.store, self.order.order)
                await self.app.replay_parked()
            case _:
                self._step(name, wish)
        await self.deliver()

    def _step(self, name: str, wish: Mapping[str, Any]) -> None:
        known = len(self.order.steps)
        self.order.shop._ids = count(self.recorded.order_id + _IDS_OF_A_STEP * known)
        lines = {"lines": [self._with_line(row) for row in wish["lines"]]} if "lines" in wish else {}
        self.order.step(name, {**wish, **lines})
        assert len(self.order.steps) > known, f"Shopify refused {name}"

    def _with_line(self, row: Document) -> Document:
        """The row with its line's id in place of the SKU that the line had at its checkout."""
        skus = (row["line"], f"{row['line']}{_RENAMED}")
        return {**row, "line": next(line.id for line in self.order.order.lines if line.sku in skus)}

    def forget_products(self) -> None:
        """Every product is deleted, and its SKU is another one, in what Shopify shows of the order from now on."""
        for line in self.order.order.lines:
            if line.variant is not None and line.current_quantity:
                line.variant, line.sku = None, f"{line.sku}{_RENAMED}"

    async def deliver(self) -> None:
        """Delivers what Shopify has sent since, and what waits."""
        self.app.shopify.show(self.recorded.store, self.order.order)
        new = self.order.history().webhooks[self._delivered :]
        self._delivered += len(new)
        for webhook in new:
            await self.app.handle(webhook)
        await self.app.redeliver_waiting()

    async def finish(self) -> Books:
        """F&O's records once staff have shipped and invoiced what is left: nothing twice, and Shopify's amounts."""
        ship_and_invoice(self.app.fo)
        await self.app.redeliver_waiting()
        assert not await self.app.parked()
        assert not self.app.waiting
        books = books_of(self.app.fo)
        for name, field in _UNIQUE.items():
            values = Counter(dict(fact)[field] for fact in books[name])
            assert set(values.values()) <= {1}, f"{field} twice: {values}"
        assert close_the_books(self.app.fo) == outstanding(self.order.order).shop
        return books


def rules_of(recorded: RecordedOrder) -> StoreRules:
    return strategy(recorded.store, number="own" if recorded.store == "nordlys" else "sequence")


def rules_before(name: str) -> StoreRules:
    """The rules when the last release handled the order."""
    rules = rules_of(recorded_orders()[name])
    match name:
        case "parked":
            return with_rules(rules, orders={"custom_line_item": None})
        case "payment parked":
            assert rules.payments is not None
            methods = rules.payments.model_dump(exclude_unset=True)["methods"]
            kept = tuple(each for each in methods if each["gateway"] != "gift_card")
            return with_rules(rules, payments={"methods": kept})
        case _:
            return rules


@pytest.fixture(scope="module")
def ends() -> dict[str, Books]:
    """How each order ends that this release has handled from its checkout on."""
    return {}


async def end_of(name: str, app: App, ends: dict[str, Books]) -> Books:
    if name not in ends:
        recorded = recorded_orders()[name]
        run = Run(app, recorded, rules_before(name))
        await run.handle_recorded()
        app.change_rules(rules_of(recorded))
        for act in AFTERWARDS[name]:
            await run.act(*act)
        ends[name] = await run.finish()
    return ends[name]


def test_every_recorded_order_goes_on() -> None:
    assert sorted(AFTERWARDS) == sorted(recorded_orders())


@pytest.mark.parametrize("name", sorted(AFTERWARDS))
async def test_an_order_of_the_last_release_goes_on_with_this_one(
    shared_app: App, name: str, ends: dict[str, Books]
) -> None:
    """Columns of a later release survive; what the last release did not record is read from F&O."""
    expected = await end_of(name, shared_app, ends)
    recorded = recorded_orders()[name]
    run = Run(shared_app, recorded, rules_of(recorded))
    run.restore()
    for table in tables_of(shared_app).values():
        for row in list(table.rows.values()):
            table._write({**row, LATER: "kept"})
    had = {table: set(rows.rows) for table, rows in tables_of(shared_app).items()}
    was_booked = (await link_of(run)).sales_order
    if was_booked:
        run.forget_products()
    for act in AFTERWARDS[name]:
        await run.act(*act)
        record = (await link_of(run)).record
        if not act[0].startswith("staff"):
            assert record is not None
            assert record.is_reconstructed is bool(was_booked)
    assert await run.finish() == expected
    for table, rows in tables_of(shared_app).items():
        assert {row[LATER] for key, row in rows.rows.items() if key in had[table]} <= {"kept"}


async def link_of(run: Run) -> Any:
    link = await run.app.link(run.recorded.order_id)
    assert link is not None
    return link


@pytest.mark.parametrize("name", sorted(AFTERWARDS))
async def test_an_order_goes_back_to_the_last_release_and_on_again(
    shared_app: App, name: str, ends: dict[str, Books]
) -> None:
    """After each step the last release writes the rows, as after a deployment was taken back."""
    expected = await end_of(name, shared_app, ends)
    recorded = recorded_orders()[name]
    run = Run(shared_app, recorded, rules_of(recorded))
    run.restore()
    for act in AFTERWARDS[name]:
        if (await link_of(run)).sales_order:
            run.forget_products()
        await run.act(*act)
        write_as_last_release(shared_app)
        assert (await link_of(run)).record is None
    assert await run.finish() == expected


@pytest.mark.parametrize("name", sorted(AFTERWARDS))
async def test_an_order_of_this_release_survives_the_last_one(
    shared_app: App, name: str, ends: dict[str, Books]
) -> None:
    """This release books it; the last release replaces its rows; this release goes on from what F&O has."""
    expected = await end_of(name, shared_app, ends)
    recorded = recorded_orders()[name]
    run = Run(shared_app, recorded, rules_before(name))
    await run.handle_recorded()
    write_as_last_release(shared_app)
    if (await link_of(run)).sales_order:
        run.forget_products()
    shared_app.change_rules(rules_of(recorded))
    for act in AFTERWARDS[name]:
        await run.act(*act)
    assert await run.finish() == expected
