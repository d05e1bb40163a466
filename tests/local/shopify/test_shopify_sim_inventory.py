"""The inventory writes of the simulator: compare-and-set, idempotency keys, user errors."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import PRAIRIE, Client, running_client

SET = """mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id reason referenceDocumentUri changes { name delta item { id } location { id } } }
    userErrors { field message code }
  }
}"""
ADJUST = """mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { changes { name delta } } userErrors { field message code }
  }
}"""
ACTIVATE = """mutation Activate($item: ID!, $at: ID!, $available: Int, $onHand: Int, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $at, available: $available, onHand: $onHand)
  @idempotent(key: $key) {
    inventoryLevel { quantities(names: ["available", "on_hand"]) { name quantity } } userErrors { field message }
  }
}"""
ITEM, PLACE = "gid://shopify/InventoryItem/101001", "gid://shopify/Location/71001001"


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


def row(quantity: int, was: int | None = None, item: str = ITEM, place: str = PLACE) -> dict[str, Any]:
    return {"inventoryItemId": item, "locationId": place, "quantity": quantity, "changeFromQuantity": was}


def setting(*rows: dict[str, Any], name: str = "available", reason: str = "correction") -> dict[str, Any]:
    return {"name": name, "reason": reason, "quantities": list(rows)}


async def put(client: Client, given: dict[str, Any], key: str = "k1") -> dict[str, Any]:
    data = await client.data(SET, {"input": given, "key": key})
    return data["inventorySetQuantities"]


async def stock(client: Client, sku: str = "TENT-2P") -> dict[str, int]:
    rows = await client.sim("GET", "inventory")
    found = next(r for r in rows if r["sku"] == sku)
    return {name: found[name] for name in ("available", "on_hand", "committed")}


async def test_setting_available_moves_on_hand_by_the_same_amount(client: Client):
    given = {**setting(row(12, was=5)), "referenceDocumentUri": "gid://connector/Push/7"}
    group = (await put(client, given))["inventoryAdjustmentGroup"]
    assert [(change["name"], change["delta"]) for change in group["changes"]] == [("available", 7), ("on_hand", 7)]
    assert group["referenceDocumentUri"] == "gid://connector/Push/7"
    assert await stock(client) == {"available": 12, "on_hand": 12, "committed": 0}


async def test_setting_on_hand_leaves_what_is_committed_alone(client: Client):
    await client.place(lines=[{"sku": "TENT-2P", "quantity": 2}])
    assert await stock(client) == {"available": 3, "on_hand": 5, "committed": 2}
    await put(client, setting(row(9, was=5), name="on_hand"))
    assert await stock(client) == {"available": 7, "on_hand": 9, "committed": 2}


async def test_setting_what_is_already_so_changes_nothing(client: Client):
    assert await put(client, setting(row(5))) == {"inventoryAdjustmentGroup": None, "userErrors": []}


async def test_stale_compare_changes_nothing_in_the_whole_call(client: Client):
    other = "gid://shopify/InventoryItem/101002"
    answer = await put(client, setting(row(9, was=5), row(9, was=4, item=other)))
    assert answer["inventoryAdjustmentGroup"] is None
    assert answer["userErrors"] == [
        {
            "field": ["input", "quantities", "1", "changeFromQuantity"],
            "message": "The changeFromQuantity value does not match persisted value.",
            "code": "CHANGE_FROM_QUANTITY_STALE",
        }
    ]
    assert (await stock(client))["available"] == 5


async def test_setting_a_pair_that_is_not_stocked_changes_nothing_silently(client: Client):
    client = client.at(PRAIRIE)
    client.shopify.simulator.shops[PRAIRIE].levels.pop((102006, 72001001))
    given = row(4, item="gid://shopify/InventoryItem/102006", place="gid://shopify/Location/72001001")
    assert await put(client, setting(given)) == {"inventoryAdjustmentGroup": None, "userErrors": []}


async def test_compare_quantity_must_be_said_even_if_null(client: Client):
    bare = {"inventoryItemId": ITEM, "locationId": PLACE, "quantity": 1}
    body = await client.graphql(SET, {"input": setting(bare), "key": "k"})
    assert (
        body["errors"][0]["message"]
        == "InventoryQuantityInput must include the following argument: changeFromQuantity."
    )
    assert body["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"
    assert body["data"] == {"inventorySetQuantities": None}


async def test_write_without_idempotency_key_is_refused(client: Client):
    body = await client.graphql(
        "mutation M($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i) { userErrors { code } } }",
        {"i": setting(row(1))},
    )
    error = body["errors"][0]
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert error["path"] == ["inventorySetQuantities"]


async def test_same_key_and_same_variables_repeat_the_first_answer(client: Client):
    first = await put(client, setting(row(9, was=5)))
    second = await put(client, setting(row(9, was=5)))
    assert second == first
    assert second["inventoryAdjustmentGroup"]["id"]


async def test_same_key_with_other_variables_is_refused(client: Client):
    await put(client, setting(row(9)))
    answer = await put(client, setting(row(8)))
    assert answer["userErrors"] == [
        {
            "field": None,
            "message": "The same idempotency key cannot be used with different operation parameters.",
            "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
        }
    ]
    assert (await stock(client))["available"] == 9


async def test_key_of_a_failed_call_is_spent(client: Client):
    await put(client, setting(row(9, was=1)))
    (error,) = (await put(client, setting(row(9, was=1))))["userErrors"]
    assert error["code"] == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"


async def test_call_in_progress_can_be_played(client: Client):
    await client.fault("idempotency_concurrent")
    (error,) = (await put(client, setting(row(9))))["userErrors"]
    assert error["code"] == "IDEMPOTENCY_CONCURRENT_REQUEST"
    assert (await put(client, setting(row(9))))["userErrors"] == []


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        (setting(row(1), name="committed"), ["input", "name"], "INVALID_NAME"),
        (setting(row(1), reason="because"), ["input", "reason"], "INVALID_REASON"),
        (
            setting(row(1, item="gid://shopify/InventoryItem/1")),
            ["input", "quantities", "0", "inventoryItemId"],
            "INVALID_INVENTORY_ITEM",
        ),
        (
            setting(row(1, place="gid://shopify/Location/1")),
            ["input", "quantities", "0", "locationId"],
            "INVALID_LOCATION",
        ),
        (setting(row(-1), name="on_hand"), ["input", "quantities", "0", "quantity"], "INVALID_QUANTITY_NEGATIVE"),
        (setting(row(1_000_000_001)), ["input", "quantities", "0", "quantity"], "INVALID_QUANTITY_TOO_HIGH"),
        (setting(row(-1_000_000_001)), ["input", "quantities", "0", "quantity"], "INVALID_QUANTITY_TOO_LOW"),
    ],
)
async def test_bad_row_is_named_by_its_path_in_strings(
    client: Client, given: dict[str, Any], field: list[str], code: str
):
    (error,) = (await put(client, given))["userErrors"]
    assert (error["field"], error["code"]) == (field, code)
    assert (await stock(client))["available"] == 5


async def test_a_pair_that_is_given_twice_is_an_error_of_each_row(client: Client):
    errors = (await put(client, setting(row(1), row(1))))["userErrors"]
    assert [error["field"] for error in errors] == [["input", "quantities", at, "locationId"] for at in ("0", "1")]
    assert {error["code"] for error in errors} == {"NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"}
    assert (await stock(client))["available"] == 5


async def test_negative_available_is_allowed(client: Client):
    assert (await put(client, setting(row(-3))))["userErrors"] == []
    assert (await stock(client))["available"] == -3


async def test_adjusting_adds_a_delta(client: Client):
    change = {"inventoryItemId": ITEM, "locationId": PLACE, "delta": 2, "changeFromQuantity": 5}
    given = {"name": "available", "reason": "restock", "changes": [change]}
    data = await client.data(ADJUST, {"input": given, "key": "a"})
    assert data["inventoryAdjustQuantities"]["inventoryAdjustmentGroup"]["changes"] == [
        {"name": "available", "delta": 2},
        {"name": "on_hand", "delta": 2},
    ]
    assert await stock(client) == {"available": 7, "on_hand": 7, "committed": 0}


async def test_adjusting_another_state_needs_a_ledger_document(client: Client):
    change = {"inventoryItemId": ITEM, "locationId": PLACE, "delta": 2, "changeFromQuantity": None}
    given = {"name": "damaged", "reason": "damaged", "changes": [change]}
    data = await client.data(ADJUST, {"input": given, "key": "a"})
    (error,) = data["inventoryAdjustQuantities"]["userErrors"]
    assert error["code"] == "INVALID_QUANTITY_DOCUMENT"


async def test_activating_stocks_an_item_once(client: Client):
    client = client.at(PRAIRIE)
    client.shopify.simulator.shops[PRAIRIE].levels.pop((102006, 72001001))
    given = {"item": "gid://shopify/InventoryItem/102006", "at": "gid://shopify/Location/72001001", "available": 4}
    first = (await client.data(ACTIVATE, {**given, "key": "1"}))["inventoryActivate"]
    assert first["inventoryLevel"]["quantities"] == [
        {"name": "available", "quantity": 4},
        {"name": "on_hand", "quantity": 4},
    ]
    again = (await client.data(ACTIVATE, {**given, "key": "2"}))["inventoryActivate"]
    assert again["userErrors"] == [
        {
            "field": ["available"],
            "message": "Not allowed to set available quantity when the item is already active at the location.",
        }
    ]
    assert again["inventoryLevel"] == first["inventoryLevel"]


async def test_bulk_variants_come_with_stock_at_every_location(client: Client):
    client = client.at(PRAIRIE)
    await client.sim("POST", "variants/bulk", {"count": 500, "sku_pattern": "B-{n}", "available": 3}, 201)
    data = await client.data('{ productVariants(first: 1, query: "sku:B-500") { nodes { inventoryQuantity } } }')
    assert data["productVariants"]["nodes"] == [{"inventoryQuantity": 6}]


async def test_reset_brings_back_the_state_of_the_world_file(client: Client):
    await put(client, setting(row(9)))
    await client.place()
    await client.control("POST", "/_sim/reset", status=204)
    assert await stock(client) == {"available": 5, "on_hand": 5, "committed": 0}
    assert (await client.sim("GET", "orders"))["orders"] == []
