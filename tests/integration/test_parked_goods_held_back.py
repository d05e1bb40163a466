"""The goods of a parked order are held back from what Shopify is told, whatever SKU their variant has by now.

The flow of orders parks the order, the flow of stock reads that from the same table. Both systems are simulated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from fixtures.stock import Memory

from local.d365.faults import Fault
from local.shopify.order import Order
from shared.errors import ConnectorError
from shared.flows import STOCK
from shared.sync.stock.flow import push_stock
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import VAT, Change, OneOrder, Payload, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

RULES = with_rules(strategy("nordlys"), stock={"settle_seconds": 0})
PLENTY = 100_000
WEB = 71001001


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def shown(app: App, sku: str) -> int:
    """What Shopify shows of the SKU after a run of the stock flow."""
    shopify, rules = app.shopify, app.rules
    time, admin = shopify.time, shopify.admin(rules, STOCK.scopes)
    await push_stock(
        rules, admin=admin, fo=app.client, links=app.links, snapshots=Memory(), now=time.now, sleep=time.sleep
    )
    shop = shopify.simulator.shops[rules.shop_domain]
    return shop.levels[shop.variant_by_sku[sku].inventory_item_id, WEB].quantity("available")


def in_other_letters(order: Order) -> None:
    order.lines[0].sku = "stove-gas"


def of_last_year(order: Order) -> None:
    """The variant had another SKU when it was sold."""
    order.lines[0].sku = "STOVE-GAS-2025"


def ordered(app: App, rename: Callable[[Order], None]) -> OneOrder:
    """By a shipping method that the rules do not have."""
    parcel = {"title": "By cargo bike", "code": "CARGO", "price": "11.20", "tax": VAT}
    stoves = {"sku": "STOVE-GAS", "quantity": 7, "price": "57.35", "tax": VAT}
    return OneOrder(app, RULES, checkout("nordlys", stoves, shipping=[parcel]), shape=rename)


@pytest.mark.parametrize(
    ("rename", "code"), [(in_other_letters, "SHIPPING_WITHOUT_RULE"), (of_last_year, "UNKNOWN_SKU")]
)
async def test_units_of_a_parked_order_are_held_back_under_the_sku_that_their_variant_has_now(
    app: App, rename: Callable[[Order], None], code: str
) -> None:
    one = ordered(app, rename)
    await one.deliver()
    assert await app.parked() == {code}
    assert await shown(app, "STOVE-GAS") == PLENTY - 7
    await one.step("cancel")
    assert await shown(app, "STOVE-GAS") == PLENTY


def unreadable(payload: Payload) -> None:
    payload["line_items"][0]["quantity"] = "seven"


@pytest.mark.parametrize("spoil", [None, unreadable])
async def test_units_of_an_order_that_fo_does_not_have_are_held_back_until_it_is_released(
    app: App, spoil: Change | None
) -> None:
    one = ordered(app, in_other_letters)
    created = one.pending()
    for webhook in created:
        await one.send(webhook, spoil)
    assert await shown(app, "STOVE-GAS") == PLENTY - 7
    [pending] = await app.links.parked("nordlys")
    assert pending.is_readable == (spoil is None)
    await app.release(one.order.id)
    assert not await app.parked()
    assert await shown(app, "STOVE-GAS") == PLENTY
    for webhook in created:  # late
        await one.send(webhook)
    assert not await app.parked()
    assert await shown(app, "STOVE-GAS") == PLENTY


async def test_units_of_an_order_that_is_readable_at_last_count_by_what_it_says(app: App) -> None:
    one = ordered(app, in_other_letters)
    for webhook in one.pending():
        await one.send(webhook, unreadable)
        await one.send(webhook)
    assert await app.parked() == {"SHIPPING_WITHOUT_RULE"}
    [pending] = await app.links.parked("nordlys")
    assert pending.is_readable
    assert await shown(app, "STOVE-GAS") == PLENTY - 7


async def test_units_of_a_parked_order_count_once_when_fo_has_it_at_last(app: App) -> None:
    one = ordered(app, in_other_letters)
    await one.deliver()
    bike = {"code": "CARGO", "delivery_mode": "EXPR"}
    app.change_rules(with_rules(RULES, shipping=(bike, *RULES.model_dump(exclude_unset=True)["shipping"])))
    await app.replay_parked()
    assert not await app.parked()
    assert await app.links.parked("nordlys") == []
    assert one.goods == [("STOVE-GAS", 7, Decimal("401.45")), ("FREIGHT", 1, Decimal("11.20"))]
    assert one.paid == [Decimal("412.65")]
    assert await shown(app, "STOVE-GAS") == PLENTY - 7  # reserved in F&O


CAREFUL = with_rules(RULES, changes={"quantity_up": {"open": "hold"}, "line_added": {"open": "hold"}})


async def edited(app: App, **edit: object) -> OneOrder:
    """F&O has the order of two stoves, and nobody has decided yet about what the buyer adds."""
    one = OneOrder(app, CAREFUL, checkout("nordlys", {"sku": "STOVE-GAS", "quantity": 2, "price": "57.35", "tax": VAT}))
    await one.deliver()
    await one.step("edit", **edit)
    assert await app.parked() == {"CHANGE_HELD"}
    return one


@pytest.mark.parametrize(
    ("edit", "sku", "parked", "booked"),
    [
        ({"quantities": {"STOVE-GAS": 7}}, "STOVE-GAS", PLENTY - 7, PLENTY - 7),
        ({"add": [{"sku": "MAP-NORDIC", "quantity": 3}]}, "MAP-NORDIC", PLENTY - 3, PLENTY - 3),
        (
            {"quantities": {"STOVE-GAS": 1}, "add": [{"sku": "MAP-NORDIC", "quantity": 3}]},
            "STOVE-GAS",
            PLENTY - 2,
            PLENTY - 1,
        ),
    ],
    ids=["more pieces", "another line", "fewer pieces"],
)
async def test_what_a_parked_change_adds_is_held_back_until_fo_has_it(
    app: App, edit: dict[str, object], sku: str, parked: int, booked: int
) -> None:
    await edited(app, **edit)
    assert await shown(app, sku) == parked
    app.change_rules(RULES)
    await app.replay_parked()
    assert not await app.parked()
    assert await app.links.parked("nordlys") == []
    assert await shown(app, sku) == booked  # reserved in F&O


async def test_what_a_parked_change_adds_is_offered_again_once_the_buyer_takes_it_back(app: App) -> None:
    one = await edited(app, quantities={"STOVE-GAS": 7})
    await one.step("edit", quantities={"STOVE-GAS": 2})
    assert not await app.parked()
    assert await shown(app, "STOVE-GAS") == PLENTY - 2


async def test_what_a_parked_change_adds_is_offered_again_once_it_is_discarded(app: App) -> None:
    one = await edited(app, quantities={"STOVE-GAS": 7})
    assert await shown(app, "STOVE-GAS") == PLENTY - 7
    with pytest.raises(ConnectorError, match="held back until the message is replayed or discarded"):
        await app.release(one.order.id)
    await app.discard_parked()
    assert await shown(app, "STOVE-GAS") == PLENTY - 2


async def test_what_fo_refuses_to_add_is_held_back(app: App) -> None:
    """The write was attempted, and tried again by a person."""
    one = OneOrder(app, RULES, checkout("nordlys", {"sku": "STOVE-GAS", "quantity": 2, "price": "57.35", "tax": VAT}))
    await one.deliver()
    app.fo.faults.add(
        Fault("override", "PATCH", "SalesOrderLinesV3", times=None, field="OrderedSalesQuantity", value=2)
    )
    await one.step("edit", quantities={"STOVE-GAS": 7})
    for _ in range(2):
        assert await app.parked() == {"CHANGE_NOT_TAKEN"}
        assert await shown(app, "STOVE-GAS") == PLENTY - 7
        await app.replay_parked()
