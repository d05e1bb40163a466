"""The goods of a parked order are held back from what Shopify is told, whatever SKU their variant has by now.

The flow of orders parks the order, the flow of stock reads that from the same table. Both systems are simulated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

import pytest
from fixtures.stock import Memory

from local.shopify.order import Order
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
