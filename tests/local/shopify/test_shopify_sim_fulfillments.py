"""Fulfilment orders and fulfilments in the simulator: shapes, texts and costs as recorded from live stores."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import PRAIRIE, Client, running_client

MOUNTAIN, AUSTIN = 72001001, 72002002
READ = """query Read($id: ID!) { order(id: $id) { displayFulfillmentStatus
  fulfillmentOrders(first: 10) { nodes { id status requestStatus supportedActions { action }
    assignedLocation { location { id } } deliveryMethod { methodType }
    lineItems(first: 10) { nodes { id totalQuantity remainingQuantity sku lineItem { id fulfillableQuantity } } } } }
  fulfillments(first: 10) { id name status displayStatus totalQuantity location { id }
    trackingInfo(first: 5) { company number url } fulfillmentOrders(first: 5) { nodes { id } }
    fulfillmentLineItems(first: 5) { nodes { id quantity lineItem { id } } } } } }"""
CREATE = """mutation Create($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id name status trackingInfo { company number url }
    fulfillmentLineItems(first: 5) { nodes { quantity lineItem { sku } } } }
  userErrors { field message } } }"""
CANCEL = """mutation Cancel($id: ID!) { fulfillmentCancel(id: $id) {
  fulfillment { id status displayStatus trackingInfo { number url company } } userErrors { field message } } }"""
TRACK = """mutation Track($id: ID!, $tracking: FulfillmentTrackingInput!, $notify: Boolean) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking, notifyCustomer: $notify) {
    fulfillment { id status trackingInfo { number url company } } userErrors { field message } } }"""


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running.at(PRAIRIE)


async def place(client: Client, **wishes: Any) -> dict[str, Any]:
    lines = [{"sku": "BOOT-BRN-10", "quantity": 2}, {"sku": "TEE-RED-M", "quantity": 3}]
    return await client.place(**{"lines": lines, "location_id": MOUNTAIN, **wishes})


async def read(client: Client, order: dict[str, Any]) -> Any:
    return (await client.data(READ, {"id": order["admin_graphql_api_id"]}))["order"]


async def parts_of(client: Client, order: dict[str, Any]) -> list[Any]:
    return (await read(client, order))["fulfillmentOrders"]["nodes"]


def units_of(part: Any) -> list[tuple[str, int, int]]:
    return [(row["sku"], row["totalQuantity"], row["remainingQuantity"]) for row in part["lineItems"]["nodes"]]


def row(part: Any, **quantities: int) -> dict[str, Any]:
    """Units of a fulfilment order, by SKU with underscores; all of it without any."""
    ids = {each["sku"].replace("-", "_"): each["id"] for each in part["lineItems"]["nodes"]}
    items = [{"id": ids[sku], "quantity": quantity} for sku, quantity in quantities.items()]
    return {"fulfillmentOrderId": part["id"], **({"fulfillmentOrderLineItems": items} if items else {})}


async def create(client: Client, *rows: dict[str, Any], **given: Any) -> Any:
    data = await client.data(CREATE, {"fulfillment": {"lineItemsByFulfillmentOrder": list(rows), **given}})
    return data["fulfillmentCreate"]


async def errors(client: Client, *rows: dict[str, Any]) -> list[tuple[list[str], str]]:
    made = await create(client, *rows)
    assert made["fulfillment"] is None
    return [(each["field"], each["message"]) for each in made["userErrors"]]


async def stock(client: Client, sku: str) -> dict[int, tuple[int, int, int]]:
    """Available, committed and on hand by location."""
    rows = await client.sim("GET", "inventory")
    return {
        each["location_id"]: (each["available"], each["committed"], each["on_hand"])
        for each in rows
        if each["sku"] == sku
    }


async def notices(client: Client, order: dict[str, Any]) -> list[tuple[str, list[str]]]:
    found = (await client.sim("GET", f"orders/{order['id']}/notices"))["notices"]
    return [(each["kind"], each["numbers"]) for each in found]


# ---------------------------------------------------------------- routing


async def test_an_order_is_routed_to_one_location_with_the_recorded_actions(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    assert (part["status"], part["requestStatus"]) == ("OPEN", "UNSUBMITTED")
    assert part["assignedLocation"]["location"]["id"] == f"gid://shopify/Location/{MOUNTAIN}"
    actions = [each["action"] for each in part["supportedActions"]]
    assert actions == ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"]
    assert units_of(part) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)]


async def test_one_unit_cannot_be_split(client: Client):
    order = await place(client, lines=[{"sku": "BOOT-BRN-10", "quantity": 1}])
    (part,) = await parts_of(client, order)
    actions = [each["action"] for each in part["supportedActions"]]
    assert actions == ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]


async def test_a_checkout_splits_an_order_over_two_locations_and_their_stock(client: Client):
    before = await stock(client, "TEE-RED-M")
    order = await place(client, locations={"TEE-RED-M": {str(MOUNTAIN): 1, str(AUSTIN): 2}})
    one, two = await parts_of(client, order)
    assert (units_of(one), units_of(two)) == (
        [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 1, 1)],
        [("TEE-RED-M", 2, 2)],
    )
    assert two["assignedLocation"]["location"]["id"] == f"gid://shopify/Location/{AUSTIN}"
    after = await stock(client, "TEE-RED-M")
    moved = {place: tuple(b - a for a, b in zip(before[place], after[place], strict=True)) for place in after}
    assert moved == {MOUNTAIN: (-1, 1, 0), AUSTIN: (-2, 2, 0)}


@pytest.mark.parametrize(
    "locations", [{"TEE-RED-M": 7}, {"NONE": MOUNTAIN}, {"TEE-RED-M": {str(MOUNTAIN): 1}}, {"TEE-RED-M": {}}]
)
async def test_a_checkout_with_wrong_locations_is_refused(client: Client, locations: dict[str, Any]):
    lines = [{"sku": "TEE-RED-M", "quantity": 3}]
    document = {"lines": lines, "locations": locations}
    await client.sim("POST", "orders", document, 400)
    assert (await client.sim("GET", "orders"))["orders"] == []


async def test_goods_without_shipping_and_added_goods_have_fulfilment_orders_of_their_own(client: Client):
    lines = [
        {"sku": "BOOT-BRN-10", "quantity": 1},
        {"title": "Gift card", "price": "25", "quantity": 1, "gift_card": True},
    ]
    order = await place(client, lines=lines)
    await client.sim("POST", f"orders/{order['id']}/edit", {"add": [{"sku": "TEE-RED-M", "quantity": 2}]})
    parts = await parts_of(client, order)
    assert [each["deliveryMethod"]["methodType"] for each in parts] == ["SHIPPING", "NONE", "SHIPPING"]
    assert units_of(parts[2]) == [("TEE-RED-M", 2, 2)]


async def test_edits_and_refunds_change_what_remains_and_close(client: Client):
    order = await place(client)
    path = f"orders/{order['id']}"
    await client.sim("POST", f"{path}/edit", {"quantities": {"TEE-RED-M": 4}})
    refunded = {"lines": [{"line": "BOOT-BRN-10", "quantity": 2, "restock": "cancel"}]}
    await client.sim("POST", f"{path}/refund", refunded)
    (part,) = await parts_of(client, order)
    assert (part["status"], units_of(part)) == ("OPEN", [("BOOT-BRN-10", 0, 0), ("TEE-RED-M", 4, 4)])
    await client.sim("POST", f"{path}/cancel", {})
    (part,) = await parts_of(client, order)
    assert (part["status"], part["supportedActions"]) == ("CLOSED", [])
    assert units_of(part) == [("BOOT-BRN-10", 0, 0), ("TEE-RED-M", 0, 0)]


async def test_orders_are_filtered_by_status_and_location(client: Client):
    order = await place(client, locations={"TEE-RED-M": AUSTIN})
    await client.sim("POST", f"orders/{order['id']}/fulfill", {"location_id": AUSTIN})
    query = """query F($id: ID!, $q: String) { order(id: $id) {
      fulfillmentOrders(first: 5, query: $q) { nodes { status } } } }"""
    for filtered, statuses in (
        ("status:closed", ["CLOSED"]),
        ("status:open OR status:in_progress", ["OPEN"]),
        (f"assigned_location_id:{AUSTIN}", ["CLOSED"]),
    ):
        data = await client.data(query, {"id": order["admin_graphql_api_id"], "q": filtered})
        assert [each["status"] for each in data["order"]["fulfillmentOrders"]["nodes"]] == statuses


# ---------------------------------------------------------------- fulfillmentCreate


async def test_a_part_is_fulfilled_and_then_the_rest(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part, TEE_RED_M=2), trackingInfo={"company": "UPS", "number": "1Z8"})
    assert made["fulfillment"]["name"] == "#1001-F1"
    assert made["fulfillment"]["status"] == "SUCCESS"
    assert made["fulfillment"]["trackingInfo"] == [
        {
            "company": "UPS",
            "number": "1Z8",
            "url": "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums=1Z8",
        }
    ]
    half = await read(client, order)
    (part,) = half["fulfillmentOrders"]["nodes"]
    assert (half["displayFulfillmentStatus"], part["status"]) == ("PARTIALLY_FULFILLED", "IN_PROGRESS")
    assert units_of(part) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 1)]
    made = await create(client, row(part))
    units = [
        (each["lineItem"]["sku"], each["quantity"]) for each in made["fulfillment"]["fulfillmentLineItems"]["nodes"]
    ]
    assert (made["fulfillment"]["name"], units) == ("#1001-F2", [("BOOT-BRN-10", 2), ("TEE-RED-M", 1)])
    whole = await read(client, order)
    (part,) = whole["fulfillmentOrders"]["nodes"]
    assert (whole["displayFulfillmentStatus"], part["status"], part["supportedActions"]) == ("FULFILLED", "CLOSED", [])
    assert units_of(part) == [("BOOT-BRN-10", 2, 0), ("TEE-RED-M", 3, 0)]
    assert [each["totalQuantity"] for each in whole["fulfillments"]] == [2, 3]


async def test_shipped_units_leave_the_stock_of_their_location(client: Client):
    order = await place(client, locations={"TEE-RED-M": AUSTIN})
    before = await stock(client, "TEE-RED-M")
    parts = await parts_of(client, order)
    await create(client, row(parts[1]))
    after = await stock(client, "TEE-RED-M")
    assert after[MOUNTAIN] == before[MOUNTAIN]
    assert tuple(b - a for a, b in zip(before[AUSTIN], after[AUSTIN], strict=True)) == (0, -3, -3)


async def test_several_numbers_have_one_company_and_urls_by_position(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    tracking = {"company": "Own van", "numbers": ["A", "B"], "urls": ["https://van.example/A", "https://van.example/B"]}
    made = await create(client, row(part), trackingInfo=tracking)
    assert made["fulfillment"]["trackingInfo"] == [
        {"company": "Own van", "number": "A", "url": "https://van.example/A"},
        {"company": "Own van", "number": "B", "url": "https://van.example/B"},
    ]
    rest = (await client.sim("GET", f"orders/{order['id']}/fulfillments"))["fulfillments"]
    assert [(each["tracking_number"], each["tracking_numbers"]) for each in rest] == [("A", ["A", "B"])]


async def test_a_company_that_shopify_does_not_know_gets_no_url(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part), trackingInfo={"company": "ups", "number": "1Z8"})
    assert made["fulfillment"]["trackingInfo"] == [{"company": "ups", "number": "1Z8", "url": None}]


async def test_two_fulfilment_orders_of_one_location_make_one_fulfilment(client: Client):
    order = await place(client, lines=[{"sku": "TEE-RED-M", "quantity": 1}])
    await client.sim("POST", f"orders/{order['id']}/edit", {"add": [{"sku": "BOOT-BRN-10", "quantity": 1}]})
    one, two = await parts_of(client, order)
    made = await create(client, row(one), row(two))
    assert [each["quantity"] for each in made["fulfillment"]["fulfillmentLineItems"]["nodes"]] == [1, 1]
    (parcel,) = (await read(client, order))["fulfillments"]
    assert [each["id"] for each in parcel["fulfillmentOrders"]["nodes"]] == [one["id"], two["id"]]


async def test_what_cannot_be_fulfilled_is_refused_as_recorded_and_changes_nothing(client: Client):
    order = await place(client, locations={"TEE-RED-M": AUSTIN})
    other = await place(client)
    one, two = await parts_of(client, order)
    (third,) = await parts_of(client, other)
    unknown = {"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/999999999999999"}
    number = [each["id"].rpartition("/")[2] for each in (order_gid(order), order_gid(other))]
    field = ["fulfillment"]
    zero = ["fulfillment", "lineItemsByFulfillmentOrder", "1", "fulfillmentOrderLineItems", "0", "quantity"]
    # a quantity of zero is reported before an unknown id
    assert await errors(client, unknown, row(one, BOOT_BRN_10=0)) == [(zero, "Quantity must be greater than 0")]
    assert await errors(client, unknown, row(one)) == [(field, "Fulfillment order does not exist.")]
    text = "All fulfillment orders must belong to the same order. Multiple orders with ids"
    assert await errors(client, row(one), row(third)) == [(field, f"{text} [{number[0]}, {number[1]}] were found.")]
    text = "All fulfillment orders must be assigned to a single location. Multiple locations with ids"
    assert await errors(client, row(one), row(two)) == [(field, f"{text} [{MOUNTAIN}, {AUSTIN}] were found.")]
    foreign = {"id": third["lineItems"]["nodes"][0]["id"], "quantity": 1}
    wrong = {"fulfillmentOrderId": one["id"], "fulfillmentOrderLineItems": [foreign]}
    assert await errors(client, wrong) == [(field, "Fulfillment order line item does not exist.")]
    too_many = row(one, BOOT_BRN_10=3)
    text = "Invalid fulfillment order line item quantity requested."
    assert await errors(client, too_many) == [(field, text)]
    assert await errors(client, row(one, BOOT_BRN_10=2), row(one, BOOT_BRN_10=1)) == [(field, text)]
    seen = await read(client, order)
    assert (seen["fulfillments"], seen["displayFulfillmentStatus"]) == ([], "UNFULFILLED")
    await create(client, row(one))
    closed = one["id"].rpartition("/")[2]
    text = f"Fulfillment order {closed} has an unfulfillable status= closed."
    assert await errors(client, row(one)) == [(field, text)]


def order_gid(order: dict[str, Any]) -> dict[str, str]:
    return {"id": order["admin_graphql_api_id"]}


async def test_a_malformed_id_is_a_top_level_error(client: Client):
    rows = [{"fulfillmentOrderId": "FulfillmentOrder/1"}]
    body = await client.graphql(CREATE, {"fulfillment": {"lineItemsByFulfillmentOrder": rows}})
    assert [(each["message"], each["extensions"]["code"]) for each in body["errors"]] == [
        ("invalid id", "RESOURCE_NOT_FOUND")
    ]


@pytest.mark.parametrize(("count", "code"), [(512, None), (513, "MAX_INPUT_SIZE_EXCEEDED")])
async def test_a_call_has_at_most_512_lines(client: Client, count: int, code: str | None):
    items = [{"id": "gid://shopify/FulfillmentOrderLineItem/1", "quantity": 1}] * count
    rows = [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1", "fulfillmentOrderLineItems": items}]
    body = await client.graphql(CREATE, {"fulfillment": {"lineItemsByFulfillmentOrder": rows}})
    assert [each["extensions"]["code"] for each in body.get("errors", [])] == ([code] if code else [])


async def test_a_lost_answer_leaves_the_fulfilment_behind(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    await client.fault("reset_after_commit", operation="Create")
    with pytest.raises(OSError):
        await create(client, row(part))
    seen = await read(client, order)
    assert len(seen["fulfillments"]) == 1
    assert units_of(seen["fulfillmentOrders"]["nodes"][0]) == [("BOOT-BRN-10", 2, 0), ("TEE-RED-M", 3, 0)]


# ---------------------------------------------------------------- tracking and cancellation


async def test_an_update_replaces_all_tracking_of_a_cancelled_fulfilment_too(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part), trackingInfo={"company": "UPS", "numbers": ["1", "2"]})
    fulfillment = made["fulfillment"]["id"]
    await client.data(CANCEL, {"id": fulfillment})
    tracking = {"company": "Hermes NL", "number": "3", "url": "https://hermes.example/3"}
    data = await client.data(TRACK, {"id": fulfillment, "tracking": tracking})
    assert data["fulfillmentTrackingInfoUpdate"]["fulfillment"] == {
        "id": fulfillment,
        "status": "CANCELLED",
        "trackingInfo": [{"company": "Hermes NL", "number": "3", "url": "https://hermes.example/3"}],
    }
    unknown = await client.data(TRACK, {"id": "gid://shopify/Fulfillment/1", "tracking": tracking})
    assert unknown["fulfillmentTrackingInfoUpdate"]["userErrors"] == [
        {"field": ["fulfillmentId"], "message": "Fulfillment does not exist."}
    ]


async def test_cancelling_frees_the_units_on_the_open_fulfilment_order(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    before = await stock(client, "TEE-RED-M")
    made = await create(client, row(part, TEE_RED_M=2))
    data = await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    cancelled = data["fulfillmentCancel"]["fulfillment"]
    assert (cancelled["status"], cancelled["displayStatus"]) == ("CANCELLED", "CANCELED")
    seen = await read(client, order)
    (part,) = seen["fulfillmentOrders"]["nodes"]
    assert (part["status"], units_of(part)) == ("OPEN", [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)])
    assert seen["displayFulfillmentStatus"] == "UNFULFILLED"
    assert await stock(client, "TEE-RED-M") == before
    again = (await client.data(CANCEL, {"id": made["fulfillment"]["id"]}))["fulfillmentCancel"]
    assert (again["fulfillment"]["status"], again["userErrors"]) == ("CANCELLED", [])
    assert units_of((await parts_of(client, order))[0]) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)]


async def test_cancelling_what_closed_a_fulfilment_order_makes_a_new_one(client: Client):
    """Recorded: the closed one stays closed, and shows the units as remaining."""
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part))
    await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    old, new = await parts_of(client, order)
    assert (old["id"], old["status"], units_of(old)) == (
        part["id"],
        "CLOSED",
        [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)],
    )
    assert (new["status"], units_of(new)) == ("OPEN", [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 3, 3)])
    made = await create(client, row(new))
    assert made["fulfillment"]["name"] == "#1001-F2"
    rest = await client.sim("GET", f"orders/{order['id']}")
    assert [each["status"] for each in rest["fulfillments"]] == ["cancelled", "success"]


async def test_units_that_were_refunded_are_not_shipped_again(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part))
    back = {"lines": [{"line": "TEE-RED-M", "quantity": 1, "restock": "return"}]}
    await client.sim("POST", f"orders/{order['id']}/refund", back)
    await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    _, new = await parts_of(client, order)
    assert units_of(new) == [("BOOT-BRN-10", 2, 2), ("TEE-RED-M", 2, 2)]


async def test_an_unknown_fulfilment_cannot_be_cancelled(client: Client):
    data = await client.data(CANCEL, {"id": "gid://shopify/Fulfillment/1"})
    assert data["fulfillmentCancel"] == {
        "fulfillment": None,
        "userErrors": [{"field": ["id"], "message": "Fulfillment not found."}],
    }


async def test_an_order_whose_fulfilments_are_all_cancelled_can_be_cancelled(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part))
    path = f"orders/{order['id']}/cancel"
    await client.sim("POST", path, {}, 400)
    await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    cancelled = await client.sim("POST", path, {})
    assert cancelled["order"]["cancelled_at"] is not None
    assert [each["status"] for each in await parts_of(client, order)] == ["CLOSED", "CLOSED"]


# ---------------------------------------------------------------- mails, webhooks, scopes, costs


async def test_the_buyer_is_told_only_where_it_is_asked(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    made = await create(client, row(part, TEE_RED_M=1), trackingInfo={"number": "A"}, notifyCustomer=True)
    await create(client, row(part, TEE_RED_M=1), trackingInfo={"number": "B"})
    fulfillment = made["fulfillment"]["id"]
    await client.data(TRACK, {"id": fulfillment, "tracking": {"number": "C"}})
    await client.data(TRACK, {"id": fulfillment, "tracking": {"numbers": ["D", "E"]}, "notify": True})
    await client.data(CANCEL, {"id": fulfillment})
    assert await notices(client, order) == [("shipping_confirmation", ["A"]), ("shipping_update", ["D", "E"])]


async def subscribe(client: Client, *topics: str) -> None:
    document = """mutation S($topic: WebhookSubscriptionTopic!, $uri: String!) { webhookSubscriptionCreate(
      topic: $topic, webhookSubscription: {uri: $uri}) { userErrors { message } } }"""
    for topic in topics:
        variables = {"topic": topic.upper().replace("/", "_"), "uri": f"{client.receiver.url}/{topic}"}
        made = await client.data(document, variables)
        assert made["webhookSubscriptionCreate"]["userErrors"] == []


async def received(client: Client) -> list[tuple[str, Any]]:
    """Topic and body of all webhooks since the last call."""
    await client.settle()
    found = [(each.headers["X-Shopify-Topic"], json.loads(each.body)) for each in client.receiver.received]
    client.receiver.received.clear()
    return found


async def test_webhooks_follow_for_the_topics_that_are_subscribed(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    await create(client, row(part, TEE_RED_M=1))
    assert [topic for topic, _ in await received(client)] == ["orders/create", "orders/updated"]
    await subscribe(
        client, "orders/partially_fulfilled", "orders/fulfilled", "fulfillments/create", "fulfillments/update"
    )
    await create(client, row(part, TEE_RED_M=1))
    half = await received(client)
    assert sorted(topic for topic, _ in half) == [
        "fulfillments/create",
        "orders/partially_fulfilled",
        "orders/updated",
    ]
    made = await create(client, row(part))
    whole = dict(await received(client))
    assert sorted(whole) == ["fulfillments/create", "orders/fulfilled", "orders/updated"]
    assert (whole["fulfillments/create"]["order_id"], whole["fulfillments/create"]["status"]) == (
        order["id"],
        "success",
    )
    await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    cancelled = dict(await received(client))
    assert sorted(cancelled) == ["fulfillments/update", "orders/updated"]
    assert cancelled["fulfillments/update"]["status"] == "cancelled"
    await client.data(CANCEL, {"id": made["fulfillment"]["id"]})
    assert await received(client) == []


async def test_without_the_write_scope_the_mutations_are_denied(client: Client):
    shop = client.shopify.simulator.shops[PRAIRIE]
    order = await place(client)
    (part,) = await parts_of(client, order)
    shop.scopes -= {"write_merchant_managed_fulfillment_orders"}
    client.token = ""
    variables = {"fulfillment": {"lineItemsByFulfillmentOrder": [row(part)]}}
    for document, given in ((CREATE, variables), (CANCEL, {"id": "gid://shopify/Fulfillment/1"})):
        body = await client.graphql(document, given)
        assert [each["extensions"]["code"] for each in body["errors"]] == ["ACCESS_DENIED"]


async def test_the_fulfilment_orders_of_a_third_party_are_not_the_apps(client: Client):
    place_id = (await client.sim("POST", "locations", {"name": "3PL", "fulfillment_service": "Fast 3PL"}, 201))["id"]
    order = await place(client, locations={"TEE-RED-M": place_id})
    numbers = [
        each["id"]
        for each in (await client.sim("GET", f"orders/{order['id']}/fulfillment_orders"))["fulfillment_orders"]
    ]
    assert len(numbers) == 2
    (part,) = await parts_of(client, order)
    assert units_of(part) == [("BOOT-BRN-10", 2, 2)]
    gid = f"gid://shopify/FulfillmentOrder/{numbers[1]}"
    data = await client.data("query Q($id: ID!) { fulfillmentOrder(id: $id) { id } }", {"id": gid})
    assert data["fulfillmentOrder"] is None
    refused = await errors(client, {"fulfillmentOrderId": gid})
    assert refused == [(["fulfillment"], "Fulfillment order does not exist.")]


async def cost_of(client: Client, document: str, variables: dict[str, Any]) -> tuple[int, int]:
    cost = (await client.graphql(document, variables))["extensions"]["cost"]
    return cost["requestedQueryCost"], cost["actualQueryCost"]


async def test_calls_cost_what_live_stores_charged(client: Client):
    order = await place(client)
    (part,) = await parts_of(client, order)
    plain = """mutation C($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
      fulfillment { id status displayStatus trackingInfo { number url company } } userErrors { field message } } }"""
    tracking = {"number": "1", "url": "https://example.com/1", "company": "Hermes"}
    given = {"lineItemsByFulfillmentOrder": [row(part, TEE_RED_M=1)], "trackingInfo": tracking}
    assert await cost_of(client, plain, {"fulfillment": given}) == (11, 11)
    unknown = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": "gid://shopify/FulfillmentOrder/1"}]}
    assert (await cost_of(client, plain, {"fulfillment": unknown}))[1] == 10
    made = (await read(client, order))["fulfillments"][0]["id"]
    assert await cost_of(client, TRACK, {"id": made, "tracking": tracking}) == (51, 51)
    assert await cost_of(client, CANCEL, {"id": made}) == (11, 11)
