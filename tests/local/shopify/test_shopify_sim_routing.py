"""Holds, moves, splits, merges and pick-up of fulfilment orders: shapes and texts as recorded from live stores."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import PRAIRIE, Client, running_client

MOUNTAIN, AUSTIN = 72001001, 72002002
PART = """id status requestStatus supportedActions { action } assignedLocation { location { id } }
  fulfillmentHolds { id reason reasonNotes displayReason handle heldByRequestingApp }
  lineItems(first: 10) { nodes { id totalQuantity remainingQuantity sku lineItem { fulfillableQuantity } } }"""
READ = f"""query Read($id: ID!, $displayable: Boolean) {{ order(id: $id) {{ displayFulfillmentStatus
  fulfillmentOrders(first: 10, displayable: $displayable) {{ nodes {{ {PART} }} }} }} }}"""
HOLD = f"""mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {{
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {{ fulfillmentHold {{ id handle reason }}
    fulfillmentOrder {{ {PART} }} remainingFulfillmentOrder {{ {PART} }} userErrors {{ field message code }} }} }}"""
RELEASE = f"""mutation Release($id: ID!, $holds: [ID!]) {{ fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) {{
  fulfillmentOrder {{ {PART} }} userErrors {{ field message code }} }} }}"""
MOVE = f"""mutation Move($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {{
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) {{
    movedFulfillmentOrder {{ {PART} }} originalFulfillmentOrder {{ {PART} }} remainingFulfillmentOrder {{ {PART} }}
    userErrors {{ field message code }} }} }}"""
SPLIT = f"""mutation Split($splits: [FulfillmentOrderSplitInput!]!) {{
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) {{ fulfillmentOrderSplits {{
    fulfillmentOrder {{ {PART} }} remainingFulfillmentOrder {{ {PART} }} replacementFulfillmentOrder {{ id }} }}
    userErrors {{ field message code }} }} }}"""
MERGE = f"""mutation Merge($merges: [FulfillmentOrderMergeInput!]!) {{
  fulfillmentOrderMerge(fulfillmentOrderMergeInputs: $merges) {{ fulfillmentOrderMerges {{
    fulfillmentOrder {{ {PART} }} }} userErrors {{ field message code }} }} }}"""
OPEN = """mutation Open($id: ID!) { fulfillmentOrderOpen(id: $id) {
  fulfillmentOrder { id status } userErrors { field message } } }"""
CREATE = """mutation Create($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id } userErrors { field message } } }"""
PREPARED = """mutation P($input: FulfillmentOrderLineItemsPreparedForPickupInput!) {
  fulfillmentOrderLineItemsPreparedForPickup(input: $input) { userErrors { field message code } } }"""
FREE = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running.at(PRAIRIE)


async def place(client: Client, **wishes: Any) -> dict[str, Any]:
    lines = [{"sku": "BOOT-BRN-10", "quantity": 2}, {"sku": "TEE-RED-M", "quantity": 3}]
    return await client.place(**{"lines": lines, "location_id": MOUNTAIN, **wishes})


async def parts_of(client: Client, order: dict[str, Any], *, displayable: bool = False) -> list[Any]:
    variables = {"id": order["admin_graphql_api_id"], "displayable": displayable}
    return (await client.data(READ, variables))["order"]["fulfillmentOrders"]["nodes"]


async def only_part(client: Client, order: dict[str, Any]) -> Any:
    (part,) = await parts_of(client, order)
    return part


async def status_of(client: Client, order: dict[str, Any]) -> str:
    return (await client.data(READ, {"id": order["admin_graphql_api_id"]}))["order"]["displayFulfillmentStatus"]


async def step(client: Client, order: dict[str, Any], name: str, **wish: Any) -> Any:
    return await client.sim("POST", f"orders/{order['id']}/{name}", wish)


def units_of(part: Any) -> list[tuple[str, int, int]]:
    return [(row["sku"], row["totalQuantity"], row["remainingQuantity"]) for row in part["lineItems"]["nodes"]]


def items(part: Any, **quantities: int) -> list[dict[str, Any]]:
    ids = {each["sku"].replace("-", "_"): each["id"] for each in part["lineItems"]["nodes"]}
    return [{"id": ids[sku], "quantity": quantity} for sku, quantity in quantities.items()]


def actions(part: Any) -> list[str]:
    return [each["action"] for each in part["supportedActions"]]


def problems(payload: Any) -> list[tuple[list[str] | None, str, str | None]]:
    return [(each["field"], each["message"], each["code"]) for each in payload["userErrors"]]


async def hold(client: Client, part: Any, **wish: Any) -> Any:
    variables = {"id": part["id"], "hold": {"reason": "OTHER", **wish}}
    return (await client.data(HOLD, variables))["fulfillmentOrderHold"]


async def release(client: Client, part: Any, holds: list[str] | None = None) -> Any:
    return (await client.data(RELEASE, {"id": part["id"], "holds": holds}))["fulfillmentOrderReleaseHold"]


async def move(client: Client, part: Any, to: int, lines: list[dict[str, Any]] | None = None) -> Any:
    variables = {"id": part["id"], "to": f"gid://shopify/Location/{to}", "lines": lines}
    return (await client.data(MOVE, variables))["fulfillmentOrderMove"]


async def codes(client: Client, document: str, variables: dict[str, Any]) -> list[tuple[str, str]]:
    body = await client.graphql(document, variables)
    return [(each["extensions"]["code"], each["message"]) for each in body["errors"]]


async def stock(client: Client, sku: str) -> dict[int, tuple[int, int]]:
    """Available and committed by location."""
    rows = await client.sim("GET", "inventory")
    return {each["location_id"]: (each["available"], each["committed"]) for each in rows if each["sku"] == sku}


async def subscribe(client: Client, *topics: str) -> None:
    document = """mutation S($topic: WebhookSubscriptionTopic!, $uri: String!) { webhookSubscriptionCreate(
      topic: $topic, webhookSubscription: {uri: $uri}) { userErrors { message } } }"""
    for topic in topics:
        variables = {"topic": topic.upper().replace("/", "_"), "uri": f"{client.receiver.url}/{topic}"}
        made = await client.data(document, variables)
        assert made["webhookSubscriptionCreate"]["userErrors"] == []


async def received(client: Client) -> dict[str, Any]:
    """The bodies of all webhooks since the last call, by topic."""
    await client.settle()
    found = {each.headers["X-Shopify-Topic"]: json.loads(each.body) for each in client.receiver.received}
    client.receiver.received.clear()
    return found


# ---------------------------------------------------------------- holds


async def test_a_held_fulfilment_order_cannot_be_fulfilled(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    made = await hold(client, part, reason="AWAITING_PAYMENT", reasonNotes="Over the limit", handle="credit")
    assert (made["userErrors"], made["remainingFulfillmentOrder"]) == ([], None)
    held = made["fulfillmentOrder"]
    assert (held["status"], actions(held)) == ("ON_HOLD", ["RELEASE_HOLD", "HOLD", "MOVE"])
    assert held["fulfillmentHolds"] == [
        {
            "id": made["fulfillmentHold"]["id"],
            "reason": "AWAITING_PAYMENT",
            "reasonNotes": "Over the limit",
            "displayReason": "Awaiting payment",
            "handle": "credit",
            "heldByRequestingApp": True,
        }
    ]
    assert [row["lineItem"]["fulfillableQuantity"] for row in held["lineItems"]["nodes"]] == [0, 0]
    assert await status_of(client, order) == "ON_HOLD"
    rows = {"fulfillment": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"]}]}}
    refused = (await client.data(CREATE, rows))["fulfillmentCreate"]
    number = part["id"].rpartition("/")[2]
    assert refused["userErrors"] == [
        {"field": ["fulfillment"], "message": f"Fulfillment order {number} has an unfulfillable status= on_hold."}
    ]


async def test_a_partial_hold_leaves_the_rest_free_and_its_release_brings_it_back(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    made = await hold(client, part, fulfillmentOrderLineItems=items(part, BOOT_BRN_10=2, TEE_RED_M=1))
    held, rest = made["fulfillmentOrder"], made["remainingFulfillmentOrder"]
    assert (held["id"], units_of(held)) == (part["id"], [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 1, 1)])
    assert (rest["status"], actions(rest), units_of(rest)) == ("OPEN", [*FREE, "SPLIT"], [("TEE-RED-M", 2, 2)])
    assert [row["lineItem"]["fulfillableQuantity"] for row in held["lineItems"]["nodes"]] == [0, 2]
    assert await status_of(client, order) == "UNFULFILLED"
    released = (await release(client, held, [made["fulfillmentHold"]["id"]]))["fulfillmentOrder"]
    assert (released["id"], released["status"]) == (part["id"], "OPEN")
    assert units_of(released) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)]
    _, closed = await parts_of(client, order)
    assert (closed["id"], closed["status"], units_of(closed)) == (rest["id"], "CLOSED", [("TEE-RED-M", 0, 0)])
    assert len(await parts_of(client, order, displayable=True)) == 1


async def test_what_a_partial_hold_left_free_stays_apart_once_it_is_shipped(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    made = await hold(client, part, fulfillmentOrderLineItems=items(part, TEE_RED_M=1))
    free = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": made["remainingFulfillmentOrder"]["id"]}]}
    await client.data(CREATE, {"fulfillment": free})
    released = (await release(client, part))["fulfillmentOrder"]
    assert (released["status"], units_of(released)) == ("OPEN", [("TEE-RED-M", 1, 1)])
    assert await status_of(client, order) == "PARTIALLY_FULFILLED"


async def test_only_the_named_hold_is_released_and_without_names_all_are(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    first = (await hold(client, part, handle="first"))["fulfillmentHold"]["id"]
    await hold(client, part, handle="second")
    await step(client, order, "hold", app=999, handle="first")
    left = (await release(client, part, [first]))["fulfillmentOrder"]
    assert left["status"] == "ON_HOLD"
    assert [(each["handle"], each["heldByRequestingApp"]) for each in left["fulfillmentHolds"]] == [
        ("second", True),
        ("first", False),
    ]
    gone = await codes(client, RELEASE, {"id": part["id"], "holds": [first]})
    assert gone == [("RESOURCE_NOT_FOUND", f"Invalid id: {first}")]
    freed = (await release(client, part))["fulfillmentOrder"]
    assert (freed["status"], freed["fulfillmentHolds"]) == ("OPEN", [])


async def test_holds_are_refused_as_recorded(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    path = ["fulfillmentHold", "fulfillmentOrderLineItems"]
    zero = await hold(client, part, fulfillmentOrderLineItems=items(part, TEE_RED_M=0))
    assert problems(zero) == [
        (
            [*path, "0", "quantity"],
            "You must select at least one item to place on partial hold.",
            "GREATER_THAN_ZERO",
        )
    ]
    twice = await hold(client, part, fulfillmentOrderLineItems=items(part, TEE_RED_M=1) * 2)
    text = "must contain unique line item ids"
    assert problems(twice) == [(path, text, "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")]
    await hold(client, part)
    same = await hold(client, part)
    text = (
        "The handle provided for the fulfillment hold is already in use by this app for another hold on this "
        "fulfillment order."
    )
    assert problems(same) == [(["fulfillmentHold", "handle"], text, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")]
    split_ = await hold(client, part, handle="b", fulfillmentOrderLineItems=items(part, TEE_RED_M=1))
    text = "The fulfillment order is not in a splittable state."
    assert problems(split_) == [(path, text, "FULFILLMENT_ORDER_NOT_SPLITTABLE")]
    for number in range(9):
        full = await hold(client, part, handle=f"h{number}")
    assert actions(full["fulfillmentOrder"]) == ["RELEASE_HOLD", "MOVE"]
    eleventh = await hold(client, part, handle="eleventh")
    text = (
        "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app can "
        "only have up to 10 holds on a single fulfillment order at any one time."
    )
    assert problems(eleventh) == [(["id"], text, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")]
    assert len((await only_part(client, order))["fulfillmentHolds"]) == 10


async def test_webhooks_of_holds_name_the_fulfilment_order_only(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    await received(client)
    await subscribe(
        client,
        "fulfillment_orders/placed_on_hold",
        "fulfillment_orders/hold_released",
        "fulfillment_holds/added",
        "fulfillment_holds/released",
    )
    made = await hold(client, part, reasonNotes="Fraud?", handle="risk")
    bodies = await received(client)
    assert set(bodies) == {"fulfillment_orders/placed_on_hold", "fulfillment_holds/added"}
    held = {
        "id": made["fulfillmentHold"]["id"],
        "reason": "other",
        "reason_notes": "Fraud?",
        "held_by_requesting_app": True,
        "handle": "risk",
        "held_by_app": {"id": "gid://shopify/App/284957184001"},
    }
    assert bodies["fulfillment_holds/added"] == {"fulfillment_order": {"id": part["id"]}, "fulfillment_hold": held}
    placed = bodies["fulfillment_orders/placed_on_hold"]
    assert placed["fulfillment_order"] == {"id": part["id"], "status": "on_hold", "fulfillment_holds": [held]}
    assert (placed["remaining_fulfillment_order"], placed["created_fulfillment_hold"]) == (None, held)
    assert [each["quantity"] for each in placed["held_fulfillment_order_line_items"]] == [2, 3]
    await release(client, part)
    assert await received(client) == {
        "fulfillment_holds/released": {"fulfillment_order": {"id": part["id"]}, "fulfillment_hold": held},
        "fulfillment_orders/hold_released": {"fulfillment_order": {"id": part["id"], "status": "open"}},
    }


async def test_holds_end_with_their_fulfilment_order(client: Client):
    order = await place(client)
    await step(client, order, "hold")
    await step(client, order, "cancel")
    part = await only_part(client, order)
    assert (part["status"], part["fulfillmentHolds"]) == ("CLOSED", [])


async def test_holds_and_moves_by_staff_do_not_update_the_order(client: Client):
    order = await place(client)
    await received(client)
    client.clock.advance(60)
    for name, wish in (("hold", {}), ("release", {}), ("move", {"to": AUSTIN}), ("progress", {})):
        happened = await step(client, order, name, **wish)
        assert happened["order"]["updated_at"] == order["updated_at"]
    assert await received(client) == {}


# ---------------------------------------------------------------- moves


async def test_a_whole_move_keeps_the_fulfilment_order_and_takes_the_stock_along(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    before = await stock(client, "TEE-RED-M")
    moved = await move(client, part, AUSTIN)
    assert (moved["userErrors"], moved["remainingFulfillmentOrder"]) == ([], None)
    assert moved["movedFulfillmentOrder"] == moved["originalFulfillmentOrder"]
    there = moved["movedFulfillmentOrder"]
    assert (there["id"], units_of(there)) == (part["id"], [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)])
    assert there["assignedLocation"]["location"]["id"] == f"gid://shopify/Location/{AUSTIN}"
    assert [row["id"] for row in there["lineItems"]["nodes"]] == [row["id"] for row in part["lineItems"]["nodes"]]
    after = await stock(client, "TEE-RED-M")
    changes = {place: tuple(b - a for a, b in zip(before[place], after[place], strict=True)) for place in after}
    assert changes == {MOUNTAIN: (3, -3), AUSTIN: (-3, 3)}


async def test_a_partial_move_makes_a_new_fulfilment_order_there(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    await received(client)
    await subscribe(client, "fulfillment_orders/moved")
    wanted = items(part, BOOT_BRN_10=2, TEE_RED_M=1)
    moved = await move(client, part, AUSTIN, wanted)
    there, here = moved["movedFulfillmentOrder"], moved["originalFulfillmentOrder"]
    assert units_of(there) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 1, 1)]
    # lines that were moved as a whole are gone
    assert (here["id"], here["status"], units_of(here)) == (part["id"], "OPEN", [("TEE-RED-M", 2, 2)])
    assert moved["remainingFulfillmentOrder"]["id"] == part["id"]
    assert await received(client) == {
        "fulfillment_orders/moved": {
            "original_fulfillment_order": {
                "id": part["id"],
                "status": "open",
                "assigned_location_id": f"gid://shopify/Location/{MOUNTAIN}",
            },
            "moved_fulfillment_order": {
                "id": there["id"],
                "status": "open",
                "assigned_location_id": f"gid://shopify/Location/{AUSTIN}",
            },
            "destination_location_id": f"gid://shopify/Location/{AUSTIN}",
            "fulfillment_order_line_items_requested": wanted,
            "source_location": {"id": f"gid://shopify/Location/{MOUNTAIN}"},
        }
    }


async def test_what_was_shipped_stays_where_it_was(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    lines = [{"line": "BOOT-BRN-10", "quantity": 2}]
    await step(client, order, "fulfill", lines=lines)
    moved = await move(client, part, AUSTIN)
    assert units_of(moved["movedFulfillmentOrder"]) == [("TEE-RED-M", 3, 3)]
    here = moved["originalFulfillmentOrder"]
    assert (here["status"], units_of(here)) == ("CLOSED", [("BOOT-BRN-10", 2, 0)])


async def test_units_that_join_others_make_a_new_fulfilment_order_of_both(client: Client):
    order = await place(client, locations={"TEE-RED-M": {str(MOUNTAIN): 2, str(AUSTIN): 1}})
    here, there = await parts_of(client, order)
    moved = await move(client, here, AUSTIN, items(here, TEE_RED_M=1))
    both = moved["movedFulfillmentOrder"]
    assert both["id"] not in (here["id"], there["id"])
    assert units_of(both) == [("TEE-RED-M", 2, 2)]
    assert [each["status"] for each in await parts_of(client, order)] == ["OPEN", "CLOSED", "OPEN"]
    assert len(await parts_of(client, order, displayable=True)) == 2


async def test_moves_are_refused_as_recorded(client: Client):
    order = await place(client, lines=[{"sku": "BOOT-BRN-10", "quantity": 1}])
    part = await only_part(client, order)
    assert problems(await move(client, part, 1)) == [(["id"], "Location not found.", None)]
    empty = (await client.sim("POST", "locations", {"name": "Empty"}, 201))["id"]
    assert problems(await move(client, part, empty)) == [(None, "Cannot change location.", None)]
    await step(client, order, "progress")
    text = (
        "Cannot move a fulfillment order that has had progress reported. To move a fulfillment order that has had "
        "progress reported, the fulfillment order must first be marked as open resolving the ongoing progress state."
    )
    code = "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS"
    assert problems(await move(client, part, AUSTIN)) == [(["id"], text, code)]
    busy = await only_part(client, order)
    assert (busy["status"], await status_of(client, order)) == ("IN_PROGRESS", "IN_PROGRESS")
    assert actions(busy) == ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"]
    opened = (await client.data(OPEN, {"id": part["id"]}))["fulfillmentOrderOpen"]
    assert (opened["fulfillmentOrder"]["status"], opened["userErrors"]) == ("OPEN", [])
    await step(client, order, "fulfill")
    assert problems(await move(client, part, AUSTIN)) == [(None, "Cannot change location.", None)]
    unknown = "gid://shopify/FulfillmentOrder/0"
    variables = {"id": unknown, "to": f"gid://shopify/Location/{AUSTIN}"}
    assert await codes(client, MOVE, variables) == [("RESOURCE_NOT_FOUND", f"Invalid id: {unknown}")]


@pytest.mark.parametrize("state", ["open", "on_hold", "closed"])
async def test_only_what_is_scheduled_or_in_progress_can_be_opened(client: Client, state: str):
    order = await place(client)
    part = await only_part(client, order)
    if state != "open":
        await step(client, order, {"on_hold": "hold", "closed": "fulfill"}[state])
    refused = (await client.data(OPEN, {"id": part["id"]}))["fulfillmentOrderOpen"]
    text = f"Expected fulfillment order status to be valid but it was {state}."
    assert refused == {"fulfillmentOrder": None, "userErrors": [{"field": None, "message": text}]}


async def test_a_scheduled_fulfilment_order_is_fulfilled_once_it_is_opened(client: Client):
    order = await place(client, fulfill_at="2026-12-24T09:00:00+00:00")
    part = await only_part(client, order)
    assert (part["status"], await status_of(client, order)) == ("SCHEDULED", "SCHEDULED")
    rows = {"fulfillment": {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"]}]}}
    assert (await client.data(CREATE, rows))["fulfillmentCreate"]["fulfillment"] is None
    await client.data(OPEN, {"id": part["id"]})
    assert (await client.data(CREATE, rows))["fulfillmentCreate"]["fulfillment"] is not None


# ---------------------------------------------------------------- splits and merges


async def split(client: Client, *splits: tuple[str, list[dict[str, Any]]]) -> Any:
    rows = [{"fulfillmentOrderId": number, "fulfillmentOrderLineItems": lines} for number, lines in splits]
    return (await client.data(SPLIT, {"splits": rows}))["fulfillmentOrderSplit"]


async def merge(client: Client, *intents: dict[str, Any]) -> Any:
    return (await client.data(MERGE, {"merges": [{"mergeIntents": list(intents)}]}))["fulfillmentOrderMerge"]


async def test_a_split_and_its_merge(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    (result,) = (await split(client, (part["id"], items(part, BOOT_BRN_10=1, TEE_RED_M=1))))["fulfillmentOrderSplits"]
    left, new = result["fulfillmentOrder"], result["remainingFulfillmentOrder"]
    assert (left["id"], units_of(left)) == (part["id"], [("BOOT-BRN-10", 1, 1), ("TEE-RED-M", 2, 2)])
    assert units_of(new) == [("BOOT-BRN-10", 1, 1), ("TEE-RED-M", 1, 1)]
    assert (actions(left), actions(new)) == ([*FREE, "SPLIT", "MERGE"], [*FREE, "SPLIT", "MERGE"])
    ((merged,),) = [
        [each["fulfillmentOrder"] for each in payload["fulfillmentOrderMerges"]]
        for payload in [
            await merge(client, {"fulfillmentOrderId": left["id"]}, {"fulfillmentOrderId": new["id"]}),
        ]
    ]
    assert (merged["id"], units_of(merged)) == (part["id"], [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)])
    assert actions(merged) == [*FREE, "SPLIT"]
    _, closed = await parts_of(client, order)
    assert (closed["status"], units_of(closed)) == ("CLOSED", [("BOOT-BRN-10", 0, 0), ("TEE-RED-M", 0, 0)])
    assert len(await parts_of(client, order, displayable=True)) == 1


async def test_splits_are_refused_together_as_recorded(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    path = ["fulfillmentOrderSplits", "0", "fulfillmentOrderLineItems"]
    text = "There must be at least one item selected in this fulfillment to split it."
    assert problems(await split(client, (part["id"], []))) == [(path, text, "NO_LINE_ITEMS_PROVIDED_TO_SPLIT")]
    text = "You must select at least one item to split into a new fulfillment order."
    zero = await split(client, (part["id"], items(part, TEE_RED_M=0)))
    assert problems(zero) == [([*path, "0", "quantity"], text, "GREATER_THAN")]
    good = (part["id"], items(part, TEE_RED_M=1))
    unknown = await split(client, good, ("gid://shopify/FulfillmentOrder/999999999999999", good[1]))
    text = "Fulfillment order does not exist."
    assert problems(unknown) == [(None, text, "FULFILLMENT_ORDER_NOT_FOUND")]
    text = "Invalid fulfillment order line item quantity requested."
    assert problems(await split(client, (part["id"], items(part, TEE_RED_M=4)))) == [(None, text, None)]
    assert units_of(await only_part(client, order)) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)]


async def test_merges_are_refused_as_recorded(client: Client):
    order = await place(client)
    part = await only_part(client, order)
    (result,) = (await split(client, (part["id"], items(part, TEE_RED_M=1))))["fulfillmentOrderSplits"]
    new = result["remainingFulfillmentOrder"]
    mine = {"fulfillmentOrderId": part["id"]}
    unknown = await merge(client, mine, {"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/999999999999999"})
    text = "Fulfillment order does not exist."
    assert problems(unknown) == [(None, text, "FULFILLMENT_ORDER_NOT_FOUND")]
    zero = {**mine, "fulfillmentOrderLineItems": items(part, TEE_RED_M=0)}
    path = ["fulfillmentOrderMergeInputs", "0", "mergeIntents", "0", "fulfillmentOrderLineItems", "0", "quantity"]
    text = "You must select at least one item to merge into a new fulfillment order."
    assert problems(await merge(client, zero, {"fulfillmentOrderId": new["id"]})) == [(path, text, "GREATER_THAN")]
    await hold(client, new)
    number = new["id"].rpartition("/")[2]
    text = f"Fulfillment order: {number} is currently not in a mergeable state."
    assert problems(await merge(client, mine, {"fulfillmentOrderId": new["id"]})) == [(None, text, None)]


# ---------------------------------------------------------------- pick-up and third parties


async def prepared(client: Client, *parts: str) -> Any:
    rows = [{"fulfillmentOrderId": each} for each in parts]
    payload = await client.data(PREPARED, {"input": {"lineItemsByFulfillmentOrder": rows}})
    return payload["fulfillmentOrderLineItemsPreparedForPickup"]


async def test_the_buyer_is_told_once_that_the_goods_can_be_picked_up(client: Client):
    order = await place(client, delivery_method="PICK_UP", location_id=AUSTIN)
    part = await only_part(client, order)
    assert (await prepared(client, part["id"]))["userErrors"] == []
    again = await prepared(client, part["id"])
    field = ["input", "lineItemsByFulfillmentOrder", "0", "fulfillmentOrderId"]
    assert [(each["field"], each["code"]) for each in again["userErrors"]] == [
        (field, "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER")
    ]
    found = (await client.sim("GET", f"orders/{order['id']}/notices"))["notices"]
    number = int(part["id"].rpartition("/")[2])
    assert [(each["kind"], each["subject"]) for each in found] == [("ready_for_pickup", number)]


async def test_only_pick_up_orders_are_prepared_and_all_or_none(client: Client):
    order = await place(client, delivery_method="PICK_UP", location_id=AUSTIN)
    other = await place(client)
    part, shipped = await only_part(client, order), await only_part(client, other)
    refused = await prepared(client, part["id"], shipped["id"])
    number = shipped["id"].rpartition("/")[2]
    field = ["input", "lineItemsByFulfillmentOrder", "1", "fulfillmentOrderId"]
    text = f"Invalid fulfillment_order_id provided {number}"
    assert problems(refused) == [(field, text, "FULFILLMENT_ORDER_INVALID")]
    assert (await client.sim("GET", f"orders/{order['id']}/notices"))["notices"] == []


async def test_what_a_third_party_works_on_cannot_be_moved(client: Client):
    shop = client.shopify.simulator.shops[PRAIRIE]
    shop.scopes |= {"write_third_party_fulfillment_orders"}
    place_id = (await client.sim("POST", "locations", {"name": "3PL", "fulfillment_service": "Fast 3PL"}, 201))["id"]
    order = await place(client, lines=[{"sku": "BOOT-BRN-10", "quantity": 1}])
    part = await only_part(client, order)
    there = (await move(client, part, place_id))["movedFulfillmentOrder"]
    assert there["assignedLocation"]["location"]["id"] == f"gid://shopify/Location/{place_id}"
    await step(client, order, "service", status="accepted")
    busy = await only_part(client, order)
    assert (busy["status"], busy["requestStatus"]) == ("IN_PROGRESS", "ACCEPTED")
    await step(client, order, "service", status="submitted")
    text = "Cannot move submitted fulfillment order that is at a 3PL fulfillment service."
    assert problems(await move(client, part, AUSTIN)) == [(None, text, None)]
    await step(client, order, "service", status="closed")
    assert (await only_part(client, order))["status"] == "INCOMPLETE"
    back = (await move(client, part, AUSTIN))["movedFulfillmentOrder"]
    assert (back["status"], back["requestStatus"]) == ("OPEN", "UNSUBMITTED")


# ---------------------------------------------------------------- costs


async def test_calls_cost_what_live_stores_charged(client: Client):
    """The recorded selections; a call that is refused costs 10."""
    fields = """id status requestStatus fulfillAt fulfillBy updatedAt supportedActions { action }
      assignedLocation { name location { id name } }
      fulfillmentHolds { id handle reason reasonNotes displayReason heldByApp { id title } heldByRequestingApp }
      lineItems(first: 5) { nodes { id totalQuantity remainingQuantity
        lineItem { id title quantity fulfillableQuantity } } }"""
    hold_ = f"""mutation H($id: ID!) {{ fulfillmentOrderHold(id: $id, fulfillmentHold: {{reason: OTHER}}) {{
      fulfillmentHold {{ id handle }} fulfillmentOrder {{ {fields} }} remainingFulfillmentOrder {{ {fields} }}
      userErrors {{ field message }} }} }}"""
    open_ = f"""mutation O($id: ID!) {{ fulfillmentOrderOpen(id: $id) {{ fulfillmentOrder {{ {fields} }}
      userErrors {{ field message }} }} }}"""
    move_ = f"""mutation M($id: ID!) {{ fulfillmentOrderMove(id: $id, newLocationId: "gid://shopify/Location/1") {{
      movedFulfillmentOrder {{ {fields} }} originalFulfillmentOrder {{ {fields} }}
      remainingFulfillmentOrder {{ {fields} }} userErrors {{ field message }} }} }}"""
    unknown = {"id": "gid://shopify/FulfillmentOrder/0"}
    for document, requested in ((hold_, 36), (open_, 23), (move_, 49)):
        cost = (await client.graphql(document, unknown))["extensions"]["cost"]
        assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (requested, 10)
