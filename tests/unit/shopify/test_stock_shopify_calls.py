"""What is asked of Shopify about stock, and how its answers are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.errors import RefusedError, TransientError
from shared.mapping.stock.unknown import all_units
from shared.model import Level, LevelId, OrderedGoods, OrderedLine, Sale, Variant
from shared.shopify.inventory import (
    Change,
    FigureRejection,
    NoLevel,
    pages_of,
    read_changed_levels,
    read_levels,
    read_on_sale,
    read_variants,
    set_available,
)
from shared.shopify.sold import read_changed_orders, read_goods, read_order_heads, read_orders_since

CHANGES = [Change(LevelId(101, 1), before=5, after=9)]
LAST = {"hasNextPage": False, "endCursor": None}
MORE = {"hasNextPage": True, "endCursor": "c"}


class Admin:
    """Gives the answers one after the other."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def run(self, query, variables):
        self.asked.append((query.name, variables))
        return self.answers.pop(0)

    @property
    def keys(self):
        return [variables["key"] for _, variables in self.asked]


def outcome(*errors):
    return {
        "inventorySetQuantities": {
            "userErrors": [dict(zip(("code", "field"), e, strict=True), message="no") for e in errors]
        }
    }


async def no_sleep(seconds):
    pass


async def setting(admin, changes=CHANGES, run="run-1"):
    return await set_available(admin, changes, run=run, sleep=no_sleep)


async def test_the_figure_is_set_only_from_what_was_read():
    admin = Admin(outcome())
    assert await setting(admin) == []
    [(_, variables)] = admin.asked
    assert variables["input"]["quantities"] == [
        {
            "inventoryItemId": "gid://shopify/InventoryItem/101",
            "locationId": "gid://shopify/Location/1",
            "quantity": 9,
            "changeFromQuantity": 5,
        }
    ]
    assert (variables["input"]["name"], variables["input"]["reason"]) == ("available", "correction")


async def test_the_same_intent_has_the_same_key_and_any_other_its_own():
    admin = Admin(*[outcome()] * 4)
    await setting(admin)
    await setting(admin)
    await setting(admin, run="run-2")
    await setting(admin, [Change(LevelId(101, 1), before=6, after=9)])
    first, again, other_run, other_content = admin.keys
    assert first == again
    assert len({first, other_run, other_content}) == 3


async def test_a_call_that_shopify_is_busy_with_is_sent_again_under_its_key():
    admin = Admin(outcome(("IDEMPOTENCY_CONCURRENT_REQUEST", None)), outcome())
    assert await setting(admin) == []
    assert len(set(admin.keys)) == 1


async def test_shopify_stays_busy_only_so_long():
    admin = Admin(*[outcome(("IDEMPOTENCY_CONCURRENT_REQUEST", None))] * 5)
    with pytest.raises(TransientError, match="still executing an earlier call"):
        await setting(admin)
    assert len(admin.keys) == 5


async def test_a_key_whose_first_call_was_refused_is_replaced_to_learn_why():
    stale = ("CHANGE_FROM_QUANTITY_STALE", ["input", "quantities", "0", "changeFromQuantity"])
    failed = outcome(("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", None))
    admin = Admin(failed, failed, outcome(stale))
    assert await setting(admin) == [FigureRejection(0, stale=True, message="no")]
    assert len(set(admin.keys)) == 3


@pytest.mark.parametrize("field", [None, ["input"], ["input", "quantities"]])
async def test_a_rejection_may_name_no_figure(field):
    assert await setting(Admin(outcome(("INVALID_LOCATION", field)))) == [
        FigureRejection(None, stale=False, message="no")
    ]


async def test_an_error_about_the_call_as_a_whole_rejects_no_single_figure():
    with pytest.raises(RefusedError, match="SHOPIFY_REJECTED"):
        await setting(Admin(outcome(("INVALID_REASON", ["input", "reason"]))))


async def test_a_level_is_the_available_quantity_or_why_there_is_none():
    shown = {"updatedAt": "2026-11-23T08:00:00Z", "quantities": [{"quantity": 7}]}
    nodes = [
        {"id": "1", "tracked": True, "inventoryLevel": shown},
        {"id": "2", "tracked": True, "inventoryLevel": None},
        {"id": "3", "tracked": False, "inventoryLevel": shown},
        None,
    ]
    levels = [LevelId(number, 5) for number in (1, 2, 3, 4)]
    assert await read_levels(Admin({"nodes": nodes}), levels) == {
        levels[0]: Level(7, datetime(2026, 11, 23, 8, tzinfo=UTC)),
        levels[1]: NoLevel.NOT_STOCKED,
        levels[2]: NoLevel.NOT_TRACKED,
        levels[3]: NoLevel.GONE,
    }


async def test_levels_are_read_by_location_and_250_to_a_call():
    level = {"tracked": True, "inventoryLevel": None}
    admin = Admin({"nodes": [level] * 250}, {"nodes": [level]}, {"nodes": [level]})
    await read_levels(admin, [*(LevelId(number, 1) for number in range(251)), LevelId(0, 2)])
    assert [(len(v["items"]), v["location"][-1]) for _, v in admin.asked] == [(250, "1"), (1, "1"), (1, "2")]


def changed(*levels, more=None):
    """One location's levels, each (item, quantity, tracked)."""
    nodes = [
        {
            "item": {"id": f"gid://shopify/InventoryItem/{item}", "tracked": tracked},
            "updatedAt": "2026-11-23T12:00:00Z",
            "quantities": [{"quantity": quantity}],
        }
        for item, quantity, tracked in levels
    ]
    return {"inventoryLevels": {"nodes": nodes, "pageInfo": {"hasNextPage": bool(more), "endCursor": more}}}


async def test_changed_levels_are_searched_at_all_locations_and_read_to_the_last_page_of_each():
    since = datetime(2026, 11, 23, 12, tzinfo=UTC)
    admin = Admin(
        {"nodes": [changed((101, 5, True), (102, 0, False), more="c"), None, changed((101, 7, True))]},
        {"nodes": [changed((103, 9, True))]},
    )
    found, left = await read_changed_levels(admin, pages_of([1, 2, 3]), since=since, most=2)
    assert left == []
    assert found == {
        LevelId(101, 1): Level(5, since),
        LevelId(101, 3): Level(7, since),
        LevelId(103, 1): Level(9, since),
    }
    assert [(name, len(variables["locations"]), variables["after"]) for name, variables in admin.asked] == [
        ("StockChangedLevels", 3, None),
        ("StockChangedLevels", 1, "c"),
    ]
    assert {variables["query"] for _, variables in admin.asked} == {"updated_at:>='2026-11-23T12:00:00Z'"}


async def test_changed_levels_are_searched_at_20_locations_to_a_call_and_in_so_many_calls_at_most():
    since = datetime(2026, 11, 23, tzinfo=UTC)
    admin = Admin({"nodes": [None] * 20}, {"nodes": [changed((101, 5, True), more="c")]})
    found, left = await read_changed_levels(admin, pages_of(range(1, 22)), since=since, most=2)
    assert (list(found), left) == ([LevelId(101, 21)], [((21,), "c")])


async def test_orders_are_searched_from_a_moment_in_utc_and_read_to_the_last_page():
    node = {"id": "gid://shopify/Order/7", "createdAt": "2026-11-23T08:00:00Z", "updatedAt": "2026-11-23T08:00:00Z"}
    node["currentSubtotalLineItemsQuantity"] = 1
    first = {"nodes": [{**node, "cancelledAt": None}], "pageInfo": {"hasNextPage": True, "endCursor": "c"}}
    last = {"nodes": [{**node, "id": "gid://shopify/Order/8", "cancelledAt": "2026-11-23T08:01:00Z"}], "pageInfo": LAST}
    admin = Admin({"orders": first}, {"orders": last})
    orders = await read_orders_since(admin, datetime.fromisoformat("2026-11-23T09:00:00+01:00"))
    assert [(order.id, order.cancelled_at is None) for order in orders] == [(7, True), (8, False)]
    assert [variables["after"] for _, variables in admin.asked] == [None, "c"]
    assert {(asked["query"], asked["sort"]) for _, asked in admin.asked} == {
        ("created_at:>='2026-11-23T08:00:00Z'", "CREATED_AT")
    }


async def test_changed_orders_are_searched_by_their_change():
    admin = Admin({"orders": {"nodes": [], "pageInfo": LAST}})
    assert await read_changed_orders(admin, datetime(2026, 11, 23, 8, tzinfo=UTC)) == []
    [(_, asked)] = admin.asked
    assert (asked["query"], asked["sort"]) == ("updated_at:>='2026-11-23T08:00:00Z'", "UPDATED_AT")


def line(item, quantity, left=None):
    return {
        "id": f"gid://shopify/LineItem/{item or 0}1",
        "quantity": quantity,
        "currentQuantity": quantity if left is None else left,
        "variant": item and {"inventoryItem": {"id": f"gid://shopify/InventoryItem/{item}"}},
    }


def lines_of(*units, page=LAST, remaining=None):
    lines = [
        {
            "inventoryItemId": f"gid://shopify/InventoryItem/{item}",
            "totalQuantity": count,
            "remainingQuantity": count if remaining is None else remaining,
        }
        for item, count in units
    ]
    return {"nodes": lines, "pageInfo": page}


def part(location, item, quantity, status="OPEN", *, page=LAST, remaining=None):
    place = {"location": location and {"id": f"gid://shopify/Location/{location}"}}
    return {
        "id": f"part-{location}",
        "status": status,
        "assignedLocation": place,
        "lineItems": lines_of((item, quantity), page=page, remaining=remaining),
    }


def order(lines, parts, page=LAST, parts_page=LAST):
    return {
        "id": "order-7",
        "lineItems": {"nodes": lines, "pageInfo": page},
        "fulfillmentOrders": {"nodes": parts, "pageInfo": parts_page},
    }


async def sold(node, *more):
    admin = Admin({"nodes": [node]}, *more)
    sales = all_units((await read_goods(admin, [7]))[7])
    assert admin.answers == []
    return sales


async def test_an_order_takes_from_the_locations_that_fulfil_it_shipped_or_not():
    parts = [part(1, 101, 2), part(2, 101, 1, "CLOSED", remaining=0)]
    assert await sold(order([line(101, 3)], parts)) == [Sale(101, 1, 2), Sale(101, 2, 1)]


async def test_units_whose_fulfilment_was_cancelled_count_once():
    """Shopify leaves the closed fulfilment order as it is, its units remaining again, beside a new one."""
    parts = [part(1, 101, 3, "CLOSED", remaining=3), part(1, 101, 3)]
    assert await sold(order([line(101, 3)], parts)) == [Sale(101, 1, 3)]
    parts = [part(1, 101, 3, "CLOSED", remaining=1), part(2, 101, 1)]
    assert await sold(order([line(101, 3)], parts)) == [Sale(101, 1, 2), Sale(101, 2, 1)]


async def test_units_that_no_fulfilment_order_has_come_from_anywhere():
    assert await sold(order([line(101, 3)], [])) == [Sale(101, None, 3)]
    assert await sold(order([line(101, 3)], [part(1, 101, 1)])) == [Sale(101, 1, 1), Sale(101, None, 2)]


async def test_a_cancelled_fulfilment_order_leaves_its_units_anywhere():
    assert await sold(order([line(101, 3)], [part(1, 101, 3, "CANCELLED")])) == [Sale(101, None, 3)]


async def test_a_fulfilment_order_without_a_location_counts_once():
    assert await sold(order([line(101, 3)], [part(None, 101, 3)])) == [Sale(101, None, 3)]


async def test_lines_without_a_product_take_nothing():
    assert await sold(order([line(None, 3)], [])) == []


async def test_of_a_line_it_is_read_what_was_ordered_and_what_is_left():
    admin = Admin({"nodes": [order([line(101, 3, left=1)], [part(1, 101, 1)])]})
    goods = (await read_goods(admin, [7]))[7]
    assert goods == OrderedGoods((OrderedLine(1011, 101, 3, 1),), (Sale(101, 1, 1),))


async def test_an_order_that_shopify_does_not_show_has_no_goods():
    assert await read_goods(Admin({"nodes": [None]}), [7]) == {7: OrderedGoods()}


async def test_a_very_long_order_counts_to_its_last_line_where_it_is_fulfilled():
    node = order([line(101, 1)], [part(1, 101, 1)], MORE)
    rest = {"order": {"lineItems": {"nodes": [line(101, 2), line(102, 5)], "pageInfo": LAST}}}
    assert await sold(node, rest) == [Sale(101, 1, 1), Sale(101, None, 2), Sale(102, None, 5)]


async def test_every_fulfilment_order_and_every_line_of_it_is_read():
    node = order([line(101, 3), line(102, 4)], [part(1, 101, 1, page=MORE)], parts_page=MORE)
    parts = {"order": {"fulfillmentOrders": {"nodes": [part(2, 102, 3, page=MORE)], "pageInfo": MORE}}}
    last_part = {"order": {"fulfillmentOrders": {"nodes": [part(3, 102, 1)], "pageInfo": LAST}}}
    of_first = {"fulfillmentOrder": {"lineItems": lines_of((101, 1), page=MORE)}}
    admin = Admin(
        {"nodes": [node]},
        parts,
        last_part,
        of_first,
        {"fulfillmentOrder": {"lineItems": lines_of((101, 1))}},
        {"fulfillmentOrder": {"lineItems": lines_of()}},
    )
    assert all_units((await read_goods(admin, [7]))[7]) == [
        Sale(101, 1, 1),
        Sale(101, 1, 1),
        Sale(101, 1, 1),
        Sale(102, 2, 3),
        Sale(102, 3, 1),
    ]
    assert [(name, variables.get("part")) for name, variables in admin.asked[1:]] == [
        ("StockFulfillmentOrders", "order-7"),
        ("StockFulfillmentOrders", "order-7"),
        ("StockFulfillmentLines", "part-1"),
        ("StockFulfillmentLines", "part-1"),
        ("StockFulfillmentLines", "part-2"),
    ]


async def test_the_units_of_a_fulfilment_order_that_is_gone_by_then_come_from_anywhere():
    node = order([line(101, 3)], [part(1, 101, 1, page=MORE)])
    assert await sold(node, {"fulfillmentOrder": None}) == [Sale(101, 1, 1), Sale(101, None, 2)]


async def test_a_cancelled_fulfilment_order_is_not_read_further():
    assert await sold(order([line(101, 3)], [part(1, 101, 1, "CANCELLED", page=MORE)])) == [Sale(101, None, 3)]


async def test_orders_are_looked_up_by_id_250_to_a_call_without_those_that_shopify_does_not_show():
    node = {
        "id": "gid://shopify/Order/1",
        "createdAt": "2026-11-23T08:00:00Z",
        "currentSubtotalLineItemsQuantity": 0,
        "updatedAt": "2026-11-23T09:00:00Z",
        "cancelledAt": "2026-11-23T09:00:00Z",
    }
    admin = Admin({"nodes": [node, *[None] * 249]}, {"nodes": [None]})
    [head] = await read_order_heads(admin, range(1, 252))
    assert (head.id, head.cancelled_at) == (1, datetime(2026, 11, 23, 9, tzinfo=UTC))
    assert [len(variables["orders"]) for _, variables in admin.asked] == [250, 1]


async def test_a_variant_is_read_with_its_own_id_and_its_inventory_items():
    node = {
        "id": "gid://shopify/ProductVariant/9001",
        "sku": " TENT-2P ",
        "requiresComponents": False,
        "inventoryItem": {"id": "gid://shopify/InventoryItem/101", "tracked": True},
    }
    admin = Admin({"productVariants": {"nodes": [node, {**node, "sku": None}], "pageInfo": LAST}})
    assert await read_variants(admin) == [
        Variant("TENT-2P", 101, 9001, tracked=True, bundle=False),
        Variant("", 101, 9001, tracked=True, bundle=False),
    ]


async def test_variants_of_drafts_and_archived_products_and_deleted_ones_are_not_on_sale():
    statuses = ["ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED", "OF_A_LATER_VERSION"]
    nodes = [{"product": {"status": status}} for status in statuses]
    assert await read_on_sale(Admin({"nodes": [*nodes, None]}), range(1, 7)) == {1, 4, 5}


async def test_which_variants_are_on_sale_is_asked_250_to_a_call_and_of_none_not_at_all():
    node = {"product": {"status": "ACTIVE"}}
    admin = Admin({"nodes": [node] * 250}, {"nodes": [node]})
    assert await read_on_sale(admin, range(1, 252)) == set(range(1, 252))
    assert [len(variables["variants"]) for _, variables in admin.asked] == [250, 1]
    assert admin.asked[1][1] == {"variants": ["gid://shopify/ProductVariant/251"]}
    assert await read_on_sale(Admin(), []) == set()
