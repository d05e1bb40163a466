"""Random fulfilments, cancellations, holds, moves, splits and merges: units and stock agree after each."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from local.shopify.cart import CartError
from local.shopify.moving import merge, split
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.routing import mergeable_with
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.world import load_world

PRAIRIE = next(seed for seed in load_world(WORLD) if seed.store == "prairie")
SKUS = ("BOOT-BRN-10", "TEE-RED-M")
LOCATIONS = (72001001, 72002002)


def a_step(order: Order, draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Any step, sensible or not: the simulator has to refuse what Shopify refuses."""
    row = {
        "line": draw(st.sampled_from([each.id for each in order.lines])),
        "quantity": draw(st.sampled_from([1, 1, 2, 3])),
    }
    lines = draw(st.sampled_from([{}, {"lines": [row]}]))
    part = {"fulfillment_order": draw(st.sampled_from([each.id for each in order.fulfillment_orders]))}
    held = [each.id for each in order.fulfillment_orders if each.holds]
    parcel = {"fulfillment": draw(st.sampled_from([each.id for each in order.fulfillments] or [0]))}
    choices: list[tuple[str, dict[str, Any]]] = [
        ("fulfill", {}),
        ("fulfill", {"lines": [row]}),
        ("fulfill", {"lines": [row], "notify": True}),
        ("unfulfill", {}),
        ("unfulfill", parcel),
        ("track", {**parcel, "tracking": {"company": "UPS", "numbers": ["1", "2"]}}),
        ("hold", {**part, **lines}),
        *[("release", {"fulfillment_order": each}) for each in held] * 8,
        ("move", {**part, **lines, "to": draw(st.sampled_from(LOCATIONS))}),
        ("progress", part),
        ("split", {**part, "quantity": row["quantity"]}),
        ("merge", part),
        ("edit", {"add": [{"sku": draw(st.sampled_from(SKUS)), "quantity": 2}]}),
        ("edit", {"quantities": {str(row["line"]): row["quantity"]}}),
        ("refund", {"lines": [{**row, "restock": "cancel"}]}),
        ("move", {**part, **lines, "to": draw(st.sampled_from(LOCATIONS))}),
        ("unfulfill", {}),
    ]
    return draw(st.sampled_from(choices))


def take(shop: Shop, order: Order, name: str, wish: dict[str, Any]) -> None:
    """Raises CartError where nothing can be done."""
    if name not in ("split", "merge"):
        apply_step(shop, order, name, wish)
        return
    part = next(each for each in order.fulfillment_orders if each.id == wish["fulfillment_order"])
    if part.status(shop.clock()) != "OPEN":
        raise CartError("not open")
    if name == "merge":
        merge(shop, [part, *mergeable_with(shop, order, part)])
        return
    row = part.lines[0]
    if wish["quantity"] > row.remaining or wish["quantity"] >= part.remaining:
        raise CartError("too many")
    split(shop, order, part, [(row, wish["quantity"])])


def check(shop: Shop, order: Order, on_hand: dict[str, int]) -> None:
    open_ = [part for part in order.fulfillment_orders if not part.is_closed]
    for line in order.lines:
        rows = [row for part in open_ for row in part.lines if row.line_id == line.id]
        assert sum(row.remaining for row in rows) == line.unfulfilled <= line.current_quantity
        shipped = sum(row.quantity for each in order.live_fulfillments for row in each.lines if row.line_id == line.id)
        assert shipped == line.fulfilled
        assert all(0 <= row.remaining <= row.total for row in rows)
    assert all(part.remaining for part in open_)
    for sku in SKUS:
        item = shop.variant_by_sku[sku].inventory_item_id
        lines = {line.id for line in order.lines if line.sku == sku}
        for level in shop.levels_of(item):
            here = [part for part in open_ if part.location_id == level.location_id]
            left = sum(row.remaining for part in here for row in part.lines if row.line_id in lines)
            assert level.quantity("committed") == left
        gone = sum(line.fulfilled for line in order.lines if line.sku == sku)
        assert sum(level.quantity("on_hand") for level in shop.levels_of(item)) == on_hand[sku] - gone
    ids = [part.id for part in order.fulfillment_orders] + [
        row.id for part in order.fulfillment_orders for row in part.lines
    ]
    assert len(ids) == len(set(ids))


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_units_and_stock_agree_after_every_step_of_any_history(data: st.DataObject):
    shop = Shop(PRAIRIE, lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
    on_hand = {
        sku: sum(level.quantity("on_hand") for level in shop.levels_of(shop.variant_by_sku[sku].inventory_item_id))
        for sku in SKUS
    }
    lines = [{"sku": sku, "quantity": 3} for sku in SKUS]
    routed = data.draw(st.sampled_from([{}, {"TEE-RED-M": {LOCATIONS[0]: 1, LOCATIONS[1]: 2}}]))
    order = place_order(shop, {"lines": lines, "locations": routed})
    check(shop, order, on_hand)
    told = 0
    for _ in range(data.draw(st.integers(3, 12))):
        name, wish = a_step(order, data.draw)
        parcels = len(order.fulfillments)
        with contextlib.suppress(ValueError, KeyError):
            take(shop, order, name, wish)
            event(name)
            told += len(order.fulfillments) - parcels if wish.get("notify") else 0
        check(shop, order, on_hand)
        assert len(order.notices) == told
    with contextlib.suppress(ValueError):
        apply_step(shop, order, "cancel", {})
        event("cancel")
        assert all(part.is_closed for part in order.fulfillment_orders)
    check(shop, order, on_hand)


def test_units_of_a_cancelled_fulfilment_are_sent_from_where_the_item_is_stocked():
    """The old location, which does not stock it any more, does not begin to."""
    shop = Shop(PRAIRIE, lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
    old, other = LOCATIONS
    item = shop.variant_by_sku["TEE-RED-M"].inventory_item_id
    order = place_order(shop, {"lines": [{"sku": "TEE-RED-M", "quantity": 3}], "location_id": old})
    apply_step(shop, order, "fulfill", {})
    available = shop.levels[item, other].quantity("available")
    del shop.levels[item, old]
    apply_step(shop, order, "unfulfill", {})
    assert [part.location_id for part in order.fulfillment_orders if not part.is_closed] == [other]
    assert (item, old) not in shop.levels
    level = shop.levels[item, other]
    assert (level.quantity("available"), level.quantity("committed")) == (available - 3, 3)
