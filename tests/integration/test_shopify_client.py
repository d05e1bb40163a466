"""The Admin API client against the Shopify simulator, over the wire: tokens, budget, and every fault of the line."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from local.shopify import run_shopify
from shared.errors import DeniedError, OutcomeUnknownError, RefusedError, TransientError
from shared.flows import STOCK
from shared.settings import Secret
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.shopify.queries import load, parse
from shared.transport import AiohttpTransport
from tests.builders.static_token import StaticToken

SHOP = "nordlys-outdoor.myshopify.com"
LOCATION, ITEM = "gid://shopify/Location/71001001", "gid://shopify/InventoryItem/101001"
NAME = parse("query ShopName { shop { name } }")
LEVELS = load("stock_levels")
SET = load("stock_set")
_PAGE = "productVariants(first: 250) { nodes { product { id } inventoryItem { id } } }"
DEAR = parse(f"query Dear {{ {' '.join(f'page{number}: {_PAGE}' for number in range(8))} }}")
NOT_REPEATABLE = parse(
    'mutation Tag($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { node { id } userErrors { message } } }'
)
READ_ITEM = {"items": [ITEM], "location": LOCATION}


@pytest.fixture
async def shopify(wire: None):
    async with run_shopify(webhooks="http://127.0.0.1:9/none") as running:
        yield running


class Admin:
    """A client with a record of what it did."""

    def __init__(
        self,
        shopify,
        *,
        tokens=None,
        timeout=5.0,
        secret="dev-nordlys-new",
        scopes=STOCK.scopes,
        version="2026-10",
        bucket=None,
        sleep=None,
    ):
        url = f"{shopify.url}/{SHOP}"
        self.http = httpx.AsyncClient(timeout=timeout, transport=AiohttpTransport())
        self.calls, self.versions, self.slept = [], [], []
        self.tokens = tokens or ClientCredentials(
            self.http,
            url,
            client_id="dev-nordlys-client",
            client_secret=Secret(secret),
            scopes=scopes,
        )
        self.client = AdminClient(
            self.http,
            url,
            api_version=version,
            tokens=self.tokens,
            on_call=self.calls.append,
            on_other_version=self.versions.append,
            bucket=bucket,
            sleep=sleep or self.sleep,
        )
        self.run = self.client.run

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await asyncio.sleep(seconds / 50)


@pytest.fixture
async def admin(shopify):
    admin = Admin(shopify)
    yield admin
    await admin.http.aclose()


def setting(before, after):
    quantities = [
        {"inventoryItemId": ITEM, "locationId": LOCATION, "quantity": after, "changeFromQuantity": before},
    ]
    return {"name": "available", "reason": "correction", "quantities": quantities}


async def available(admin):
    data = await admin.run(LEVELS, READ_ITEM)
    return data["nodes"][0]["inventoryLevel"]["quantities"][0]["quantity"]


async def test_a_document_is_answered(admin):
    assert await admin.run(NAME, {}) == {"shop": {"name": "Nordlys Outdoor"}}
    assert await available(admin) == 5
    assert [call.status for call in admin.calls] == [200, 200]
    assert admin.calls[0].request_id
    assert admin.versions == []


async def test_a_retired_version_is_noticed(shopify):
    admin = Admin(shopify, version="2024-01")
    await admin.run(NAME, {})
    assert len(admin.versions) == 1
    assert admin.versions != ["2024-01"]
    await admin.http.aclose()


async def test_wrong_credentials_are_for_people(shopify):
    admin = Admin(shopify, secret="guessed")
    with pytest.raises(DeniedError, match="SHOPIFY_DENIED"):
        await admin.run(NAME, {})
    await admin.http.aclose()


async def test_a_scope_that_the_shop_did_not_grant_is_named(shopify):
    admin = Admin(shopify, scopes={"write_gift_cards"})
    with pytest.raises(DeniedError, match="write_gift_cards"):
        await admin.run(NAME, {})
    await admin.http.aclose()


async def test_a_field_without_its_scope_is_denied(admin):
    with pytest.raises(DeniedError) as refused:
        await admin.run(parse("query Cards { giftCards(first: 1) { nodes { id } } }"), {})
    assert refused.value.code == "SHOPIFY_DENIED"
    assert "read_gift_cards" in refused.value.refusal.details["message"]


async def test_a_token_that_never_was_is_refused(shopify):
    admin = Admin(shopify, tokens=StaticToken(Secret("shpat_invented")))
    with pytest.raises(DeniedError, match="SHOPIFY_DENIED"):
        await admin.run(NAME, {})
    assert [call.status for call in admin.calls] == [401, 401]
    await admin.http.aclose()


async def test_a_revoked_token_is_renewed_without_anybody_noticing(admin, shopify):
    await admin.run(NAME, {})
    for shop in shopify.simulator.shops.values():
        shop.tokens.clear()
    await asyncio.gather(*(admin.run(NAME, {}) for _ in range(4)))
    assert 401 in [call.status for call in admin.calls]


async def test_an_unknown_search_term_is_an_error(admin):
    with pytest.raises(RefusedError) as refused:
        await admin.run(load("stock_orders"), {"query": "nonsense:1", "sort": "CREATED_AT"})
    assert refused.value.code == "SHOPIFY_REJECTED"


async def test_an_invalid_document_is_an_error(admin):
    with pytest.raises(RefusedError, match="SHOPIFY_REJECTED"):
        await admin.run(parse("query Wrong { shop { nmae } }"), {})


async def test_http_429_is_waited_for(admin, shopify):
    await admin.run(NAME, {})
    shopify.simulator.faults.add({"kind": "too_many_requests", "retry_after": "0.2"})
    await admin.run(NAME, {})
    assert admin.slept == [0.2]


async def test_a_spent_budget_is_waited_for_as_long_as_it_takes(admin, shopify):
    await admin.run(NAME, {})
    shopify.simulator.faults.add({"kind": "throttled"})
    await admin.run(NAME, {})
    assert [call.status for call in admin.calls] == [200] * 3


@pytest.mark.parametrize("kind", ["server_error", "bad_gateway", "unavailable", "internal_error", "connection_reset"])
async def test_a_query_is_repeated_after_a_fault(admin, shopify, kind):
    await admin.run(NAME, {})
    shopify.simulator.faults.add({"kind": kind, "times": 2})
    await admin.run(NAME, {})
    assert admin.slept == [0.5, 1.5]


@pytest.mark.parametrize("kind", ["bad_gateway", "connection_reset", "internal_error"])
async def test_a_mutation_without_a_key_is_not_repeated(admin, shopify, kind):
    await admin.run(NAME, {})
    shopify.simulator.faults.add({"kind": kind})
    with pytest.raises(OutcomeUnknownError):
        await admin.run(NOT_REPEATABLE, {"id": "gid://shopify/Order/1"})


@pytest.mark.parametrize("kind", ["timeout_after_commit", "reset_after_commit"])
async def test_a_mutation_with_a_key_is_repeated_and_happens_once(admin, shopify, kind):
    assert await available(admin) == 5
    shopify.simulator.faults.add({"kind": kind, "operation": "StockSet", "seconds": 0.05})
    data = await admin.run(SET, {"input": setting(5, 4), "key": "11111111-1111-1111-1111-111111111111"})
    assert data["inventorySetQuantities"]["userErrors"] == []
    assert await available(admin) == 4


async def test_no_answer_in_time_is_no_answer(shopify):
    admin = Admin(shopify, timeout=0.3)
    await admin.run(NAME, {})
    shopify.simulator.faults.add({"kind": "slow", "seconds": 2, "times": 3})
    with pytest.raises(TransientError, match="ReadTimeout"):
        await admin.run(NAME, {})
    await admin.http.aclose()


async def test_an_unreachable_shop_is_an_error_of_its_own(shopify):
    admin = Admin(shopify, tokens=StaticToken(Secret("x")))
    admin.client._url = "http://127.0.0.1:9/nobody"
    with pytest.raises(TransientError, match="cannot be reached"):
        await admin.run(NOT_REPEATABLE, {})
    await admin.http.aclose()


@pytest.mark.wire
async def test_the_budget_is_used_up_and_never_overdrawn():
    """The client's bucket runs with the server's own: nothing is refused, and no time is lost but for the reserve."""
    now = 0.0

    async def sleep(seconds):
        nonlocal now
        now += seconds

    start = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    async with run_shopify(webhooks="http://127.0.0.1:9/none", clock=lambda: start + timedelta(seconds=now)) as shopify:
        admin = Admin(shopify, bucket=CostBucket(clock=lambda: now), sleep=sleep)
        for _ in range(50):
            await admin.run(DEAR, {})
        calls = [call for call in shopify.simulator.calls if call.operation == "Dear"]
        assert len(calls) == 50
        assert [call for call in calls if call.errors] == []
        spent = sum(call.actual for call in calls)
        assert spent > 2 * 2000
        assert now == pytest.approx((spent - 2000 + 200) / 100, abs=calls[0].requested / 100)
        await admin.http.aclose()
