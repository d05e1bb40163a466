"""What the error catalogue advises, carried out: the message is handled then, or it is closed for good.

A code of a parked message has a row in REPAIRED (a person corrects something, and F&O gets the order), or its next step
tells how to close it: with the command `discard`, which is tried for each of them. Further ways are in ALSO_REPAIRED,
orders that are entered by hand in BY_HAND. A new code without a row fails
`test_every_code_has_its_advice_carried_out_or_is_closed_by_hand`, which tells what to add.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any, Final

import pytest

from local.d365.posting import Shipment
from local.d365.sales_tables import HEADERS
from local.shopify.events import Event
from local.shopify.order import Order
from shared.bus.envelope import Envelope
from shared.error_catalogue import CATALOGUE, REPORTED, ErrorCode
from shared.errors import RefusedError
from shared.mapping.bounds import MAX_PROPERTIES
from shared.mapping.stock import match_variants
from shared.model import Item, Variant
from shared.rules import StoreRules
from shared.store.journal import JournalEntry
from shared.store.links import OrderLinks
from shared.store.parking import ParkedMessage, Parking
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import RetryPolicy
from shared.sync.messages.parked import ParkedPorts, discard
from shared.sync.orders.flow import sync_order
from shared.sync.orders.safety import remember_parked
from tests.builders.both_sides import App, Bodies, running_apps
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.histories import SimulatedOrder, Webhook
from tests.builders.memory_table import MemoryTable
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


class Scene:
    """One order in the Shopify simulator and one installation of the app: what a person does in either system."""

    def __init__(self, app: App, rules: StoreRules) -> None:
        self.app = app
        self.app.reset(rules)
        self._spoil: Spoil | None = None
        self._delivered = 0
        self._removed: list[tuple[str, Any, Any]] = []
        self.hides_orders = False

    async def check_out(self, repair: Repair) -> None:
        """Places the order."""
        self._spoil = repair.spoil
        self.order = SimulatedOrder("nordlys", repair.order)
        if repair.shape is not None:
            repair.shape(self.order.order)
            self.order.steps.clear()
            self.order._record("checkout", repair.order, [Event("orders/create", self.order.order)])
        await (repair.ready or _nothing)(self)
        await self.deliver()

    async def step(self, name: str, wish: Document) -> None:
        """Changes the order in Shopify."""
        known = len(self.order.steps)
        self.order.step(name, wish)
        assert len(self.order.steps) > known, f"Shopify refused {name}"
        await self.deliver()

    async def correct(self, wish: Document) -> None:
        """Corrects in Shopify what was wrong with the order's bodies."""
        self._spoil = None
        await self.step("amend", wish)

    async def deliver(self) -> None:
        """Delivers the webhooks that Shopify has sent since. Those that have the order are lost while it is hidden."""
        self.app.shopify.show("nordlys", self.order.order)
        if self.hides_orders:
            self.app.shopify.running.simulator.shops[EU.shop_domain].orders = {}
        history = self.order.history().webhooks
        for webhook in history[self._delivered :]:
            if not (self.hides_orders and "line_items" in json.loads(webhook.body)):
                await self.app.handle(self._as_sent(webhook))
        self._delivered = len(history)

    def _as_sent(self, webhook: Webhook) -> Webhook:
        payload = json.loads(webhook.body)
        if self._spoil is None or "line_items" not in payload:
            return webhook
        self._spoil(payload)
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


async def _nothing(scene: Scene) -> None:
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


async def _withdraw(scene: Scene) -> None:
    scene.take_out("ReleasedProductsV2", ItemNumber="TENT-2P")


async def _set_up(scene: Scene) -> None:
    scene.set_up()
    await scene.replay()


async def _refund_an_amount(scene: Scene) -> None:
    await _pack(scene)
    await _invoice(scene)
    await scene.step("fulfill", {})
    await scene.step("refund", {"amount": "5.00"})


async def _sell_another(scene: Scene) -> None:
    """Removes the line from the order in Shopify, and adds another product."""
    line = str(scene.order.order.lines[0].id)
    await scene.step("edit", {"quantities": {line: 0}, "add": [{"sku": "BAG-DOWN", "quantity": 1}]})
    await scene.close()


async def _create_an_account(scene: Scene) -> None:
    account = {"dataAreaId": "nleu", "CustomerAccount": "C-WEB", "CustomerGroupId": "WEB", "SalesCurrencyCode": "EUR"}
    await scene.app.client.create(
        "CustomersV3", {**account, "PartyType": "Organization", "OrganizationName": "Web orders"}
    )


async def _create_sales_order(scene: Scene, number: str, reference: str) -> None:
    account = {"OrderingCustomerAccountNumber": "C-WEB", "InvoiceCustomerAccountNumber": "C-WEB"}
    header = {"dataAreaId": "nleu", "SalesOrderNumber": number, "CustomersOrderReference": reference, **account}
    await scene.app.client.create(
        "SalesOrderHeadersV4", {**header, "CurrencyCode": "EUR", "IsSalesProcessingStopped": "Yes"}
    )


async def _use_its_number(scene: Scene) -> None:
    await _create_an_account(scene)
    await _create_sales_order(scene, f"SN{scene.order.order.id}", "of another app")


async def _create_two(scene: Scene) -> None:
    await _create_an_account(scene)
    for number in ("A-1", "A-2"):
        await _create_sales_order(scene, number, f"shopify-nordlys-{scene.order.order.id}")


async def _keep_one(scene: Scene) -> None:
    await scene.app.client.delete("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": "A-2"})
    await scene.replay()


async def _tax_by_unit(scene: Scene) -> None:
    codes = scene.app.fo.books.rows("TaxCodes")
    for key, row in codes.items():
        codes.put(key, replace(row, values={**row.values, "TaxBase": "PerUnit"}))


async def _book_on_a_shared_account(scene: Scene) -> None:
    await _create_an_account(scene)
    await scene.deploy(customers={"anonymous": "shared", "shared_account": "C-WEB"})


async def _show_nothing(scene: Scene) -> None:
    """Takes the order out of what Shopify lets the app read, while it is edited."""
    scene.hides_orders = True
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _show_it(scene: Scene) -> None:
    scene.hides_orders = False
    await scene.deliver()
    await scene.replay()


async def _delete_in_fo(scene: Scene) -> None:
    for header in scene.sales_orders:
        key = {name: str(header.values[name]) for name in ("dataAreaId", "SalesOrderNumber")}
        await scene.app.client.delete("SalesOrderHeadersV4", key)
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _cancel(scene: Scene) -> None:
    await scene.step("cancel", {})
    await scene.close()


async def _refund_what_is_not_invoiced(scene: Scene) -> None:
    await _pack(scene)
    await scene.step("fulfill", {})
    await scene.step("refund", {"lines": [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]})


async def _invoice_and_replay(scene: Scene) -> None:
    await _invoice(scene)
    scene.app.waiting = []
    await scene.replay()


def more_tax(order: Order) -> None:
    """Ten cents more tax on the first line than its rate gives. The price includes it."""
    units = order.lines[0].left
    tax = units.taxes[0]
    more = replace(tax, shop=tax.shop + Decimal("0.10"), presentment=tax.presentment + Decimal("0.10"))
    order.lines[0].left = replace(units, taxes=(more, *units.taxes[1:]))


def no_country(payload: dict[str, Any]) -> None:
    payload["shipping_address"].update(country_code="ZZ", country="Atlantis")


def with_endless_attributes(order: Order) -> None:
    order.note_attributes = [{"name": f"n{at}", "value": "x"} for at in range(MAX_PROPERTIES + 1)]


def without_sku(order: Order) -> None:
    order.lines[0].sku = None


def no_lines_field(payload: dict[str, Any]) -> None:
    del payload["line_items"]


async def _pack(scene: Scene) -> None:
    for header in scene.sales_orders:
        scene.app.fo.posting.pack(header, Shipment(quantities={}))


async def _invoice(scene: Scene) -> None:
    for header in scene.sales_orders:
        scene.app.fo.posting.invoice(header)


async def _take_one_less(scene: Scene) -> None:
    await _pack(scene)
    await scene.step("edit", {"quantities": {"TENT-2P": 1}})


async def _take_it_back(scene: Scene) -> None:
    await scene.step("edit", {"quantities": {"TENT-2P": 2}})
    await scene.replay()


def with_taxes(*instead: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The store's tax rules, with these instead of those for the same rate."""
    replaced = {(rule["countries"], rule["rates"]) for rule in instead}
    kept = [rule.model_dump(exclude_unset=True) for rule in EU.taxes]
    return [*instead, *(rule for rule in kept if (rule["countries"], rule["rates"]) not in replaced)]


def _rates(rate: str, group: str = "NL-VAT", item_group: str = "FULL") -> Mapping[str, Any]:
    return {
        "countries": ("NL",),
        "rates": (Decimal(rate),),
        "sales_tax_group": group,
        "item_tax_group": item_group,
    }


TWELVE: Final = [{"title": "BTW", "rate": "0.12"}]
UNSHIPPED: Final = {"sku": "MAP-NORDIC", "quantity": 1, "tax": BTW}

REPAIRED: dict[ErrorCode, Repair] = {
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=_set_up),
    ErrorCode.LINE_WITHOUT_RULE: Repair(
        order=checkout(lines=[TENT, {"title": "Engraving", "price": "5.00", "quantity": 1, "tax": BTW}]),
        act=deploying(orders={"custom_line_item": "CUSTOM_LINE"}),
    ),
    ErrorCode.AMOUNT_WITHOUT_RULE: Repair(
        order=checkout(fees=[{"name": "Handling", "price": "4.30"}]), act=deploying(orders={"fees_item": "FEES"})
    ),
    ErrorCode.CURRENCY_WITHOUT_RULE: Repair(
        order=checkout(currency="DKK", exchange_rate="7.4604"),
        rules=changed(EU, currency_side="presentment"),
        act=deploying(currencies=("EUR", "DKK")),
    ),
    ErrorCode.TAX_WITHOUT_RULE: Repair(
        order=checkout(lines=[{**TENT, "tax": TWELVE}]), act=deploying(taxes=with_taxes(_rates("0.12")))
    ),
    ErrorCode.TAX_AMBIGUOUS: Repair(
        order=checkout(lines=[TENT, {**MUG, "tax": [{"title": "BTW", "rate": "0.09"}]}]),
        rules=changed(EU, taxes=with_taxes(_rates("0.09", "DE-VAT", "REDUCED"))),
        act=deploying(taxes=with_taxes()),
    ),
    ErrorCode.TAX_SETUP_MISSING: Repair(
        rules=changed(EU, taxes=with_taxes(_rates("0.21", "NO-SUCH")), tax={"verify": "fo"}),
        act=deploying(taxes=with_taxes()),
    ),
    ErrorCode.TAX_DIFFERS: Repair(shape=more_tax, act=deploying(tax={"tolerance": 50})),
    ErrorCode.TAX_OF_MARKETPLACE: Repair(
        order=checkout(lines=[{**TENT, "tax": [{**BTW[0], "channel_liable": True}]}]),
        act=deploying(tax={"marketplace": "take_out"}),
    ),
    ErrorCode.SHIPPING_WITHOUT_RULE: Repair(
        order=checkout(shipping=[{**STANDARD, "title": "By drone", "code": "DRONE"}]),
        act=deploying(shipping=[{"code": "DRONE", "delivery_mode": "EXPR"}]),
    ),
    ErrorCode.PAYMENT_WITHOUT_RULE: Repair(
        order=checkout(payment={"gateway": "klarna"}),
        act=deploying(
            payments={
                "methods": [
                    {"gateway": "klarna", "method": "MANUAL", "offset_type": "ledger", "offset_account": "110160"}
                ]
            }
        ),
    ),
    ErrorCode.NO_WAREHOUSE: Repair(
        rules=changed(
            EU, warehouses=[{**each.model_dump(exclude_unset=True), "countries": ("DE",)} for each in EU.warehouses]
        ),
        act=deploying(warehouses=[each.model_dump(exclude_unset=True) for each in EU.warehouses]),
    ),
    ErrorCode.NO_ADDRESS: Repair(
        order=checkout(shipping_address=None),
        act=correcting(shipping_address=ADDRESSES["nordlys"]),
    ),
    ErrorCode.NO_BUYER: Repair(
        order=checkout(customer=None),
        act=_book_on_a_shared_account,
    ),
    ErrorCode.UNKNOWN_COUNTRY: Repair(spoil=no_country, act=correcting(note="the address is corrected")),
    ErrorCode.FIELD_TOO_LONG: Repair(order=checkout(po_number="PO-" + "7" * 30), act=correcting(po_number="PO-7")),
    ErrorCode.TOO_MANY_LINES: Repair(
        rules=changed(EU, orders={"max_lines": 2}), act=deploying(orders={"max_lines": 10})
    ),
    ErrorCode.ORDER_TOO_LARGE: Repair(shape=with_endless_attributes, act=_cancel, sales_orders=0),
    ErrorCode.TEST_ORDER: Repair(order=checkout(test=True), act=deploying(orders={"test_orders": "book"})),
    ErrorCode.CHANGE_HELD: Repair(act=_take_it_back, then=_take_one_less),
    ErrorCode.SKU_EMPTY: Repair(shape=without_sku, act=_sell_another),
    ErrorCode.TAX_SETUP_BEYOND: Repair(
        rules=changed(EU, tax={"verify": "fo"}), before=_tax_by_unit, act=deploying(tax={"verify": "rules"})
    ),
    ErrorCode.FO_FOREIGN_ORDER: Repair(
        ready=_use_its_number, act=deploying(orders={"number_prefix": "SW"}), sales_orders=2
    ),
    ErrorCode.FO_DUPLICATE: Repair(
        rules=changed(EU, orders={"number": "sequence", "number_prefix": ""}), ready=_create_two, act=_keep_one
    ),
    ErrorCode.NOT_AN_ORDER: Repair(spoil=no_lines_field, act=correcting(tags=["again"])),
    ErrorCode.ORDER_GONE: Repair(then=_show_nothing, act=_show_it),
    ErrorCode.FO_ORDER_GONE: Repair(then=_delete_in_fo, act=_cancel, sales_orders=0),
    ErrorCode.REFUND_NOT_INVOICED: Repair(
        rules=changed(EU, refunds={"wait_hours": 0}), then=_refund_what_is_not_invoiced, act=_invoice_and_replay
    ),
    ErrorCode.FO_REJECTED: Repair(
        rules=changed(EU, shipping=[{"code": "STANDARD", "delivery_mode": "NO-SUCH"}]),
        act=deploying(shipping=[{"code": "STANDARD", "delivery_mode": "STD"}]),
    ),
}


assert EU.refunds is not None
ACCOUNTS: Final = EU.refunds.accounts.model_dump(exclude_unset=True)

ALSO_REPAIRED: dict[ErrorCode, Repair] = {
    ErrorCode.NOT_AN_ORDER: Repair(spoil=no_lines_field, act=replaying),  # what was wrong came with the event alone
    ErrorCode.AMOUNT_WITHOUT_RULE: Repair(
        rules=changed(
            EU, refunds={"accounts": {part: account for part, account in ACCOUNTS.items() if part != "goodwill"}}
        ),
        then=_refund_an_amount,
        act=deploying(refunds={"accounts": ACCOUNTS}),
    ),
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=_sell_another),
    ErrorCode.NO_ADDRESS: Repair(
        order=checkout(shipping_address=None), act=deploying(orders={"address_without_shipping": "omit"})
    ),
}

BY_HAND: dict[ErrorCode, Repair] = {
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=_nothing),
    ErrorCode.SKU_EMPTY: Repair(shape=without_sku, act=_nothing),
    ErrorCode.FIELD_TOO_LONG: Repair(order=checkout(po_number="PO-" + "7" * 30), act=_nothing),
    ErrorCode.TOO_MANY_LINES: Repair(rules=changed(EU, orders={"max_lines": 2}), act=_nothing),
    ErrorCode.ORDER_TOO_LARGE: Repair(shape=with_endless_attributes, act=_nothing),
}
"""The order is entered in F&O by hand: its later events do nothing."""

CLOSED: Final = sorted(code for code, entry in CATALOGUE.items() if "shared.operator discard" in entry.next_step)
NOT_PROVOKED: Final = {
    ErrorCode.ATTEMPTS_EXHAUSTED: "a replay, as FO_REJECTED",
    ErrorCode.CHANGE_NOT_TAKEN: "a replay, as FO_REJECTED",
    ErrorCode.FO_CONFLICT: "a replay, as FO_REJECTED",
    ErrorCode.FO_FOREIGN_PAYMENT: "a correction in F&O, then a replay",
    ErrorCode.FO_FOREIGN_RETURN: "another number prefix, then a replay",
    ErrorCode.FO_PAYMENT_TWICE: "a correction in F&O, then a replay",
    ErrorCode.FO_REFUND_DIFFERS: "a correction in F&O, then a replay",
    ErrorCode.FO_REFUND_TWICE: "a correction in F&O, then a replay",
    ErrorCode.FO_STATUS_UNKNOWN: "a new release of the app",
    ErrorCode.FO_SUM_DIFFERS: "a correction in F&O, then a replay",
    ErrorCode.FO_WRONG_COMPANY: "set-up of F&O's security, then a replay",
    ErrorCode.PAYMENTS_DIFFER: "a correction in Shopify, then a replay",
    ErrorCode.REFUND_REASON_UNKNOWN: "a new release of the app",
    ErrorCode.RETURN_BEYOND_ORDER: "a correction in F&O, then a replay",
    ErrorCode.SHOPIFY_DENIED: "access scopes of the app, then a replay",
    ErrorCode.SHOPIFY_REJECTED: "set-up of Shopify, then a replay",
    ErrorCode.SHOPIFY_SHAPE: "a new API version, then a replay",
    ErrorCode.TRANSACTION_UNKNOWN: "a new release of the app",
}
"""Codes whose advice no test carries out yet, and what it is. It only shrinks."""
CARRIED_OUT_IN: Final = {
    ErrorCode.ALREADY_FULFILLED: "test_first_day.py",
    ErrorCode.FO_DENIED: "test_advice_works.py",
    ErrorCode.LOCATION_WITHOUT_WAREHOUSE: "test_missing_is_no_value.py",
    ErrorCode.ORDER_BEFORE_FIRST_DAY: "test_first_day.py",
    ErrorCode.PERSONAL_DATA_WITHHELD: "test_missing_is_no_value.py",
    ErrorCode.PICK_UP_WITHOUT_RULE: "test_missing_is_no_value.py",
    ErrorCode.TAX_OF_CHARGE: "test_charges_taxed.py",
}
"""Codes whose advice is carried out by a test of its own, with what F&O has then."""


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


WAYS: Final = [*REPAIRED.items(), *ALSO_REPAIRED.items()]


@pytest.mark.parametrize(("code", "repair"), WAYS, ids=[code for code, _ in WAYS])
async def test_carrying_out_the_next_step_leads_to_success(app: App, code: ErrorCode, repair: Repair) -> None:
    scene = await provoked(app, code, repair)
    await repair.act(scene)
    assert await app.parked() == set()
    assert not app.waiting
    assert len(scene.sales_orders) == repair.sales_orders


@pytest.mark.parametrize(("code", "repair"), BY_HAND.items(), ids=BY_HAND)
async def test_an_order_that_was_entered_by_hand_is_closed_for_good(app: App, code: ErrorCode, repair: Repair) -> None:
    scene = await provoked(app, code, repair)
    (advice,) = set(await app.next_steps())
    assert "enter the order in F&O by hand and discard the parked message" in advice
    await app.discard_parked(sales_order="SO-000123")
    await scene.step("amend", {"note": "packed by Ada"})
    assert await app.parked() == set()
    assert not scene.sales_orders
    link = await app.link(scene.order.order.id)
    assert link is not None
    assert (link.sales_order, link.given_up) == ("SO-000123", True)


@pytest.mark.parametrize("code", CLOSED)
async def test_a_message_that_nothing_else_can_be_done_about_is_closed_by_discarding_it(code: ErrorCode) -> None:
    entry = CATALOGUE[code]
    names = {name for text in (entry.cause, entry.next_step) for _, name, _, _ in Formatter().parse(text) if name}
    parking = Parking(MemoryTable(), Bodies())
    refusal = RefusedError(code, **dict.fromkeys(names, "x"))
    await parking.park(ParkedMessage("orders", "nordlys", "e-1", "42", datetime.now(UTC), {}, b"{}", refusal))
    (parked,) = await parking.open()
    ports = ParkedPorts(parking, OrderLinks(MemoryTable()), Bodies(), _never)
    await discard([parked], "done by hand", sales_order="", ports=ports)
    assert await parking.open() == []


class _Unused:
    """The queue and the journal of a message that is parked."""

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        raise AssertionError("it does not wait any more")

    async def write(self, entry: JournalEntry) -> None:
        pass


async def test_a_denied_call_waits_and_what_was_parked_in_the_end_closes_with_the_next_event(app: App) -> None:
    scene = Scene(app, EU)
    scene.take_out("SysAADClients")
    await scene.check_out(Repair(act=_nothing))
    waiting, app.waiting = app.waiting, []
    assert waiting
    assert await app.parked() == set()
    ports = QueuePorts(
        queue=_Unused(),
        claims=Bodies(),
        journal=_Unused(),
        parking=app._parking,
        policy=RetryPolicy(max_attempts=1, max_age=timedelta(0)),
        remember=partial(remember_parked, links=app.links),
    )
    for webhook in waiting:
        envelope = app.envelope(webhook)
        handler = partial(sync_order, ports=app._ports)
        await handle_message(handler, envelope.body, envelope.properties(), envelope.message_id, ports)
    assert await app.parked() == {"FO_DENIED"}
    assert all("Check that the app is registered" in step for step in await app.next_steps())
    scene.set_up()
    await scene.step("amend", {"note": "the next event"})
    assert await app.parked() == set()
    assert len(scene.sales_orders) == 1


async def _never(envelope: Envelope) -> None:
    raise AssertionError("nothing is sent")


GHOST: Final = Variant("GHOST-1", 101, 201, tracked=True, bundle=False)
TWINS: Final = (
    Variant("TENT-2P", 102, 202, tracked=True, bundle=False),
    Variant("TENT-2P", 103, 203, tracked=True, bundle=False),
)
STOCKED: Final = {"TENT-2P": Item("TENT-2P")}
# Code -> variants and items of today, and those after the next step was carried out.
STOCK_REPAIRED: dict[ErrorCode, list[tuple[tuple[Variant, ...], dict[str, Item]]]] = {
    ErrorCode.STOCK_SKU_UNKNOWN: [
        ((GHOST,), {}),
        ((GHOST,), {"GHOST-1": Item("GHOST-1")}),
        ((replace(GHOST, sku="TENT-2P"),), STOCKED),
    ],
    ErrorCode.STOCK_SKU_AMBIGUOUS: [
        (TWINS, STOCKED),
        ((TWINS[0], replace(TWINS[1], sku="TENT-3P")), {**STOCKED, "TENT-3P": Item("TENT-3P")}),
    ],
}


@pytest.mark.parametrize("code", STOCK_REPAIRED)
def test_a_product_gets_its_stock_figure_once_the_next_step_was_carried_out(code: ErrorCode) -> None:
    wrong, *right = STOCK_REPAIRED[code]
    found = match_variants(*wrong, locations=(1,), company="nleu")
    assert [problem.code for problem in found.problems] == [code]
    for variants, items in right:
        repaired = match_variants(variants, items, locations=(1,), company="nleu")
        assert not repaired.problems
        assert len(repaired.listings) == len(variants)


@pytest.mark.parametrize("code", sorted(ErrorCode))
def test_every_code_has_its_advice_carried_out_or_is_closed_by_hand(code: ErrorCode) -> None:
    is_parked = CATALOGUE[code].status is None and code not in REPORTED  # tests/unit/sync/messages has the refused ones
    places = [code in REPAIRED, code in CLOSED, code in NOT_PROVOKED, code in CARRIED_OUT_IN]
    assert not is_parked or any(places), (
        f"{code}: add a row to REPAIRED, or end its next step with _DISCARD or _BY_HAND where nothing can be repaired"
    )


@pytest.mark.parametrize("code", sorted(NOT_PROVOKED))
def test_no_code_is_excused_that_has_a_row(code: ErrorCode) -> None:
    assert code not in REPAIRED
    assert code not in CLOSED


@pytest.mark.parametrize(("code", "name"), CARRIED_OUT_IN.items(), ids=CARRIED_OUT_IN)
def test_a_test_that_carries_out_advice_elsewhere_provokes_its_code(code: ErrorCode, name: str) -> None:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    assert f'await app.parked() == {{"{code}"}}' in text
    assert "await app.next_steps()" in text


async def provoked(app: App, code: ErrorCode, repair: Repair) -> Scene:
    """The order in both systems, with a message parked under the code."""
    scene = Scene(app, repair.rules)
    await (repair.before or _nothing)(scene)
    await scene.check_out(repair)
    await (repair.then or _nothing)(scene)
    assert await app.parked() == {code}
    return scene
