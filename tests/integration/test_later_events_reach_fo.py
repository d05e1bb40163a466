"""What happens after an order was placed, from Shopify's own events to what F&O holds, through the whole stack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from whole_world import SHOPS, World, encode

BASKET = {
    "customer": {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com"},
    "shipping_address": {
        "first_name": "Sanne",
        "last_name": "de Vries",
        "address1": "Keizersgracht 241",
        "city": "Amsterdam",
        "zip": "1016EA",
        "country_code": "NL",
    },
    "lines": [{"sku": "STOVE-GAS", "quantity": 3}, {"sku": "LAMP-HEAD", "quantity": 2}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}


EVENTS = ("orders/create", "order_transactions/create", "orders/paid")
"""The topics of an order that is paid at once."""

type PlaceOrder = Callable[..., Awaitable[PlacedOrder]]


class PlacedOrder:
    """One order of the store nordlys, in both systems."""

    def __init__(self, world: World, order: dict[str, Any]) -> None:
        self.world = world
        self.order = order
        self.id = order["id"]
        self.number = f"SN{order['id']}"

    async def step(self, name: str, **wish: Any) -> dict[str, Any]:
        """Takes the step in Shopify, and waits until every webhook of the order is done or parked."""
        ended = len(await self._ends())
        url = f"{self.world.stack.shopify}/{SHOPS['nordlys']}/_sim/orders/{self.id}/{name}"
        answer = await self.world.http.post(url, json=wish)
        assert answer.status_code < 300, answer.text
        happened = answer.json()
        self.order = happened["order"]
        taken = [event for event in happened["events"] if not event["topic"].startswith(("returns/", "fulfillment"))]
        await self.world.ends_of("nordlys", self.id, count=ended + len(taken))
        return happened

    async def _ends(self) -> list[dict[str, Any]]:
        return [row for row in await self.world.journal_of("nordlys", self.id) if row["outcome"] != "waiting"]

    async def parked(self) -> list[str]:
        return [row["note"] for row in await self._ends() if row["outcome"] == "parked"]

    async def fo(self) -> dict[str, Any]:
        (found,) = [each for each in await self.world.sales_orders(str(self.id)) if each["number"] == self.number]
        return found

    async def post_in_fo(self, action: str, **wish: Any) -> None:
        url = f"{self.world.stack.d365}/_sim/orders/nleu/{self.number}/{action}"
        answer = await self.world.http.post(url, json=wish)
        assert answer.status_code < 300, answer.text

    async def booked_amount(self) -> Decimal:
        lines = (await self.fo())["lines"]
        return sum((Decimal(str(line["line_amount"])) for line in lines), Decimal(0))

    async def payments(self) -> list[dict[str, Any]]:
        """The lines of payment journals that refer to the order."""
        answer = await self.world.http.get(f"{self.world.stack.d365}/_sim/journals?company=nleu")
        lines = [line for journal in answer.json() for line in journal["lines"]]
        return [line for line in lines if line["reference"] == self.number]

    async def settled(self) -> Decimal:
        """The buyer's payments in the payment journals, less refunds."""
        return sum(
            (Decimal(str(line["credit"])) - Decimal(str(line["debit"])) for line in await self.payments()), Decimal(0)
        )


@pytest.fixture
async def place_order(world: World) -> PlaceOrder:
    async def bought(**changes: Any) -> PlacedOrder:
        for item in ("STOVE-GAS", "LAMP-HEAD"):  # other tests sell them too, and the order is shipped later
            stock = {"company": "nleu", "item": item, "warehouse": "AMS", "delta": 10}
            assert (await world.http.post(f"{world.stack.d365}/_sim/on-hand", json=stock)).status_code < 300
        order = await world.buy("nordlys", BASKET | changes)
        placed = PlacedOrder(world, order)
        await world.ends_of("nordlys", order["id"], count=len(changes.get("announce", EVENTS)))
        return placed

    return bought


async def test_a_paid_order_costs_shopify_one_query_for_its_three_events(world: World, place_order: PlaceOrder) -> None:
    await world.http.delete(f"{world.stack.shopify}/_sim/calls")
    placed = await place_order()
    totals = (await world.http.get(f"{world.stack.shopify}/_sim/calls")).json()["totals"][SHOPS["nordlys"]]
    assert {name: row["calls"] for name, row in totals.items()} == {"OrderPayments": 1}
    assert await placed.settled() == Decimal(placed.order["total_price"])


async def test_an_edited_order_is_edited_in_fo_to_the_cent(place_order: PlaceOrder) -> None:
    placed = await place_order()
    assert await placed.booked_amount() == Decimal(placed.order["total_price"])
    await placed.step("edit", quantities={"STOVE-GAS": 1}, add=[{"sku": "MAP-NORDIC", "quantity": 2}])
    assert {line["item"]: line["quantity"] for line in (await placed.fo())["lines"]} == {
        "STOVE-GAS": 1,
        "LAMP-HEAD": 2,
        "MAP-NORDIC": 2,
        "FREIGHT": 1,
    }
    assert await placed.booked_amount() == Decimal(placed.order["current_total_price"])
    assert await placed.parked() == []


async def test_a_cancelled_order_leaves_nothing_to_ship_and_no_money(place_order: PlaceOrder) -> None:
    placed = await place_order()
    await placed.step("cancel", refund=True)
    orders = await placed.world.sales_orders(str(placed.id))
    assert [line for order in orders for line in order["lines"] if line["status"] not in ("Canceled", "None")] == []
    assert len(await placed.payments()) == 2
    assert await placed.settled() == 0
    assert await placed.parked() == []


async def test_goods_that_come_back_after_the_invoice_are_a_return_order_and_money_out(place_order: PlaceOrder) -> None:
    placed = await place_order()
    await placed.step("fulfill")
    await placed.post_in_fo("pack")
    await placed.post_in_fo("invoice")
    paid = await placed.settled()
    await placed.step("refund", lines=[{"line": "LAMP-HEAD", "quantity": 1, "restock": "return"}])
    assert await placed.settled() == paid - Decimal("34.50")
    assert await placed.booked_amount() == Decimal(
        placed.order["total_price"]
    )  # the sales order stays as it was delivered
    notes = [
        row["note"] for row in await placed.world.journal_of("nordlys", placed.id) if "return order" in row["note"]
    ]
    assert len(notes) == 1
    assert await placed.parked() == []


async def test_goods_that_come_back_before_the_invoice_wait_for_it(place_order: PlaceOrder) -> None:
    placed = await place_order()
    await placed.step("fulfill")
    await placed.post_in_fo("pack")
    url = f"{placed.world.stack.shopify}/{SHOPS['nordlys']}/_sim/orders/{placed.id}/refund"
    wish = {"lines": [{"line": "LAMP-HEAD", "quantity": 1, "restock": "return"}], "announce": ["refunds/create"]}
    assert (await placed.world.http.post(url, json=wish)).status_code < 300
    await placed.world.waiting("nordlys", placed.id)
    assert await placed.settled() == Decimal(placed.order["total_price"]) - Decimal("34.50")  # its money does not wait


async def test_money_is_booked_when_it_is_captured_and_not_before(place_order: PlaceOrder) -> None:
    announced = ["orders/create", "order_transactions/create"]
    placed = await place_order(payment={"kind": "authorization"}, announce=announced)
    assert await placed.payments() == []
    await placed.step("capture", amount="100.00")
    assert await placed.settled() == Decimal("100.00")
    await placed.step("capture")
    assert await placed.settled() == Decimal(placed.order["total_price"])
    assert len(await placed.payments()) == 2


async def test_an_order_paid_by_gift_card_and_card_has_a_line_for_each(place_order: PlaceOrder) -> None:
    payment = [{"gateway": "gift_card", "amount": "50.00"}, {"gateway": "shopify_payments"}]
    placed = await place_order(payment=payment, announce=["orders/create"])
    assert {line["method"]: line["credit"] for line in await placed.payments()} == {
        "GIFTCARD": 50,
        "SHOPPAY": float(Decimal(placed.order["total_price"]) - 50),
    }


async def test_an_order_at_risk_is_held_until_the_risk_is_low(place_order: PlaceOrder) -> None:
    placed = await place_order()
    assert (await placed.fo())["stopped"] is False
    await placed.step("risk", level="high")
    assert (await placed.fo())["stopped"] is True
    await placed.step("risk", level="low")
    assert (await placed.fo())["stopped"] is False


async def test_a_change_that_is_too_late_holds_what_is_left_and_names_what_a_person_must_do(
    place_order: PlaceOrder,
) -> None:
    placed = await place_order()
    await placed.post_in_fo("pack")
    await placed.post_in_fo("invoice")
    await placed.step("edit", quantities={"STOVE-GAS": 1})
    (note,) = await placed.parked()
    assert note.startswith("CHANGE_HELD")
    assert "STOVE-GAS" in note
    assert {line["item"]: line["quantity"] for line in (await placed.fo())["lines"]}["STOVE-GAS"] == 3


async def test_an_edit_with_a_line_that_has_no_item_holds_the_goods_that_it_took_off(place_order: PlaceOrder) -> None:
    """Otherwise F&O ships what the buyer does not have any more."""
    placed = await place_order()
    await placed.step("edit", quantities={"STOVE-GAS": 1}, add=[{"title": "Engraving", "quantity": 1, "price": "4.50"}])
    assert {note.partition(":")[0] for note in await placed.parked()} == {"LINE_WITHOUT_RULE"}
    assert (await placed.fo())["stopped"] is True
    await placed.step("edit", quantities={"STOVE-GAS": 3, "Engraving": 0})
    assert (await placed.fo())["stopped"] is False
    assert {line["item"]: line["quantity"] for line in (await placed.fo())["lines"]}["STOVE-GAS"] == 3


async def test_a_refund_of_an_order_without_earlier_webhooks_brings_both(place_order: PlaceOrder) -> None:
    placed = await place_order(announce=[])
    assert await placed.world.sales_orders(str(placed.id)) == []
    await placed.step("refund", lines=[{"line": "STOVE-GAS", "quantity": 1}])
    assert await placed.booked_amount() == Decimal(placed.order["current_total_price"])
    assert await placed.settled() == Decimal(placed.order["current_total_price"])
    assert await placed.parked() == []


async def test_a_cancellation_before_the_creation_books_nothing(place_order: PlaceOrder) -> None:
    placed = await place_order(announce=[])
    created = placed.order
    await placed.step("cancel", refund=True)
    late = await placed.world.deliver(encode(created))
    assert late.status_code == 200
    await placed.world.end_of_topic("nordlys", placed.id, "orders/create")
    assert await placed.world.sales_orders(str(placed.id)) == []
    assert await placed.payments() == []
