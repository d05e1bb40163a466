"""The simulator on a bad day: what a client of the Admin API has to live with."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from fixtures.shopify_sim import NORDLYS, PRAIRIE, Client, running_client

SHOP = "query ReadShop { shop { id } }"
TAG = 'mutation Tag($id: ID!) { tagsAdd(id: $id, tags: ["seen"]) { userErrors { message } } }'


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        await running.log_in()
        yield running


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("too_many_requests", 429),
        ("server_error", 500),
        ("bad_gateway", 502),
        ("unavailable", 503),
        ("unauthorized", 401),
    ],
)
async def test_fault_strikes_as_often_as_asked_then_never_again(client: Client, fault: str, status: int):
    await client.fault(fault, times=2)
    assert [(await client.send(SHOP)).status for _ in range(3)] == [status, status, 200]


@pytest.mark.parametrize("seconds", [None, "4.0"])
async def test_429_has_retry_after_only_if_asked(client: Client, seconds: str | None):
    await client.fault("too_many_requests", retry_after=seconds)
    assert (await client.send(SHOP)).headers.get("Retry-After") == seconds


async def test_502_is_a_page_for_people(client: Client):
    await client.fault("bad_gateway")
    response = await client.send(SHOP)
    assert response.content_type == "text/html"


async def test_internal_error_has_its_request_id_twice(client: Client):
    await client.fault("internal_error")
    (error,) = (await client.graphql(SHOP))["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] in error["message"]


async def test_other_answer_is_given_to_calls_of_its_version_only(client: Client):
    await client.fault("other_answer", times=None, version="2026-07", body={"notice": "retired"})
    assert "data" in await client.graphql(SHOP)
    await client.fault("other_answer", times=None, version="2026-10", body={"notice": "retired"})
    assert await client.graphql(SHOP) == {"notice": "retired"}


async def test_fault_can_be_kept_to_one_shop_and_operation(client: Client):
    await client.fault("server_error", shop=PRAIRIE)
    await client.fault("unavailable", shop=NORDLYS, operation="Tag")
    assert (await client.send(SHOP)).status == 200
    assert (await client.send(TAG, {"id": "gid://shopify/Order/1"})).status == 503


@pytest.mark.parametrize("fault", ["reset_after_commit", "timeout_after_commit"])
async def test_lost_answer_hides_a_write_that_happened(client: Client, fault: str):
    order = await client.place()
    await client.fault(fault, seconds=0.01)
    with pytest.raises(aiohttp.ClientError):
        await client.send(TAG, {"id": order["admin_graphql_api_id"]})
    assert (await client.sim("GET", f"orders/{order['id']}"))["tags"] == "seen"


async def test_reset_connection_hides_nothing(client: Client):
    order = await client.place()
    await client.fault("connection_reset")
    with pytest.raises(aiohttp.ClientError):
        await client.send(TAG, {"id": order["admin_graphql_api_id"]})
    assert (await client.sim("GET", f"orders/{order['id']}"))["tags"] == ""


async def test_unknown_fault_is_refused(client: Client):
    answer = await client.control("POST", "/_sim/faults", {"kind": "gremlins"}, 400)
    assert "gremlins" in answer["errors"]
