"""What the error catalogue advises, carried out: the message is handled then, or it is closed for good.

Each parked code has a row in REPAIRED (a person corrects something, and F&O gets the order), in BY_HAND (nothing can
be corrected: how it is closed), or in ELSEWHERE (the test that carries out its advice). A new code without a row fails
`test_every_code_has_its_advice_carried_out_or_says_how_it_is_closed`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import pytest

from local.d365.faults import Fault
from local.d365.posting import Shipment
from local.d365.sales_tables import HEADERS
from shared.error_catalogue import ErrorCode
from shared.rules import StoreRules
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.histories import SimulatedOrder, Webhook
from tests.builders.sales import EU, with_rules

BTW: Final = [{"title": "BTW", "rate": "0.21"}]
TENT: Final = {"sku": "TENT-2P", "quantity": 2, "tax": BTW}
MUG: Final = {"sku": "MUG-ENAMEL", "quantity": 1, "tax": BTW}
STANDARD: Final = {"title": "Standard", "code": "STANDARD", "price": "6.95", "tax": BTW}
PRODUCTS: Final = "ReleasedProductsV2"


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
        self._removed: list[tuple[Any, Any]] = []

    async def check_out(self, document: Document, spoil: Spoil | None = None) -> None:
        """Places the order. `spoil` changes the bodies of its webhooks, as Shopify or another app would make them."""
        self._spoil = spoil
        self.order = SimulatedOrder("nordlys", document)
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
        """Delivers the webhooks that Shopify has sent since."""
        self.app.shopify.show("nordlys", self.order.order)
        history = self.order.history().webhooks
        for webhook in history[self._delivered :]:
            await self.app.handle(self._as_sent(webhook))
        self._delivered = len(history)

    def _as_sent(self, webhook: Webhook) -> Webhook:
        if self._spoil is None or not webhook.topic.startswith("orders/"):
            return webhook
        payload = json.loads(webhook.body)
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

    def withdraw_item(self, sku: str) -> None:
        """Takes the item out of F&O, as if it had not been released yet."""
        products = self.app.fo.books.rows(PRODUCTS)
        key = next(key for key, row in products.items() if row.values["ItemNumber"] == sku)
        self._removed.append((key, products._held.pop(key)))

    def release_item(self) -> None:
        for key, row in self._removed:
            self.app.fo.books.rows(PRODUCTS).put(key, row)

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
    before: Act | None = None
    """Before the order is placed."""
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
    scene.withdraw_item("TENT-2P")


async def _release(scene: Scene) -> None:
    scene.release_item()
    await scene.replay()


async def _sell_another(scene: Scene) -> None:
    """Removes the line from the order in Shopify, and adds another product."""
    line = next(line for line in scene.order.order.lines if line.current_quantity)
    await scene.step("edit", {"quantities": {str(line.id): 0}, "add": {"lines": [MUG]}})
    await scene.replay()


def tax_amount(payload: dict[str, Any]) -> None:
    """Ten cents more tax on the first line than its rate gives. The price includes it."""
    for block in (payload["line_items"][0]["tax_lines"][0], payload):
        key = "price" if "rate" in block else "total_tax"
        _add(block, key)
    _add(payload, "current_total_tax")


def _add(block: dict[str, Any], key: str) -> None:
    text = str(Decimal(block[key]) + Decimal("0.10"))
    block[key] = text
    for side in block[f"{key}_set"].values():
        side["amount"] = text


def no_country(payload: dict[str, Any]) -> None:
    payload["shipping_address"].update(country_code="ZZ", country="Atlantis")


def no_sku(payload: dict[str, Any]) -> None:
    for line in payload["line_items"]:
        if line["title"] != "Enamel mug":
            line["sku"] = ""


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


async def _deny(scene: Scene) -> None:
    scene.app.fo.faults.add(Fault("update_conflict", times=None))


async def _allow(scene: Scene) -> None:
    scene.app.fo.faults.clear()
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
    ErrorCode.UNKNOWN_SKU: Repair(before=_withdraw, act=_release),
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
    ErrorCode.TAX_DIFFERS: Repair(spoil=tax_amount, act=deploying(tax={"tolerance": 50})),
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
        act=deploying(customers={"anonymous": "shared", "shared_account": "C-WEB"}),
    ),
    ErrorCode.UNKNOWN_COUNTRY: Repair(spoil=no_country, act=correcting(note="the address is corrected")),
    ErrorCode.FIELD_TOO_LONG: Repair(order=checkout(po_number="PO-" + "7" * 30), act=correcting(po_number="PO-7")),
    ErrorCode.TOO_MANY_LINES: Repair(
        rules=changed(EU, orders={"max_lines": 2}), act=deploying(orders={"max_lines": 10})
    ),
    ErrorCode.TEST_ORDER: Repair(order=checkout(test=True), act=deploying(orders={"test_orders": "book"})),
    ErrorCode.CHANGE_HELD: Repair(act=_take_it_back, then=_take_one_less),
    ErrorCode.FO_REJECTED: Repair(
        rules=changed(EU, shipping=[{"code": "STANDARD", "delivery_mode": "NO-SUCH"}]),
        act=deploying(shipping=[{"code": "STANDARD", "delivery_mode": "STD"}]),
    ),
}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


@pytest.mark.parametrize("code", REPAIRED)
async def test_carrying_out_the_next_step_leads_to_success(app: App, code: ErrorCode) -> None:
    repair = REPAIRED[code]
    scene = Scene(app, repair.rules)
    await (repair.before or _nothing)(scene)
    await scene.check_out(repair.order, repair.spoil)
    await (repair.then or _nothing)(scene)
    assert await app.parked() == {code}
    await repair.act(scene)
    assert await app.parked() == set()
    assert not app.waiting
    assert len(scene.sales_orders) == repair.sales_orders
