"""A store whose secrets are missing is not served; the other stores are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from whole_world import World, start_world

BASKET: dict[str, Any] = {
    "customer": {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com"},
    "shipping_address": {
        "first_name": "Sanne",
        "last_name": "de Vries",
        "address1": "Keizersgracht 241",
        "city": "Amsterdam",
        "zip": "1016EA",
        "country_code": "NL",
    },
    "lines": [{"sku": "TENT-2P", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}
ORDER = b'{"id":5550000000001,"admin_graphql_api_id":"gid://shopify/Order/5550000000001"}'
MISSING = ("SHOPIFY_PRAIRIE_WEBHOOK_SECRETS", "SHOPIFY_PRAIRIE_CLIENT_SECRET")


@pytest.fixture(scope="module")
async def crippled(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    log = tmp_path_factory.mktemp("stack") / "stack.log"
    async with start_world(log, settings=dict.fromkeys(MISSING, "")) as world:
        yield world


async def test_its_webhooks_are_refused_so_that_shopify_tries_again(crippled: World) -> None:
    answer = await crippled.deliver(ORDER, store="prairie", secret="dev-prairie-new")
    assert (answer.status_code, answer.json()["code"]) == (503, "SECRETS_MISSING")


async def test_an_order_of_another_store_reaches_fo(crippled: World) -> None:
    order = await crippled.buy("nordlys", BASKET)
    assert (await crippled.end_of("nordlys", order["id"]))["outcome"] == "done"
    assert len(await crippled.sales_orders(str(order["id"]))) == 1


async def test_health_names_what_is_missing_and_which_store_works(crippled: World) -> None:
    answer = await crippled.http.get(f"{crippled.stack.host}/api/health")
    health = answer.json()
    assert (answer.status_code, health["status"]) == (200, "degraded")
    assert health["stores"]["nordlys"]["status"] == "ready"
    assert health["stores"]["prairie"]["status"] == "misconfigured"
    assert sorted(mistake.split()[0] for mistake in health["stores"]["prairie"]["mistakes"]) == sorted(MISSING)


async def test_a_timers_run_serves_the_other_store(crippled: World) -> None:
    """The run counts as failed, so that the alert says that one store is not served."""
    await crippled.run("push_stock")
    shown = await crippled.http.get(f"{crippled.stack.shopify}/nordlys-outdoor.myshopify.com/_sim/inventory")
    assert shown.json()
    log = crippled.log.read_text(encoding="utf-8")
    pushed = [line for line in log.splitlines() if '"stock.pushed"' in line]
    assert any('"store": "nordlys"' in line for line in pushed)
    assert not any('"store": "prairie"' in line for line in pushed)
    assert any('"stock.failed"' in line and '"store": "prairie"' in line for line in log.splitlines())
