"""The whole app while F&O is in a maintenance window: webhooks are taken, orders wait, and F&O is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from whole_world import start_world

WHOLE_WEEK = "; ".join(f"{day} 00:00-00:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
BASKET = {
    "shipping_address": {"address1": "Damrak 1", "city": "Amsterdam", "zip": "1012LG", "country_code": "NL"},
    "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "payment": "unpaid",
    "announce": ["orders/create"],
}


@pytest.mark.wire
@pytest.mark.timeout(180)
async def test_orders_wait_timers_pause_and_fo_gets_no_call(tmp_path: Path) -> None:
    async with start_world(tmp_path / "stack.log", {"D365_MAINTENANCE": WHOLE_WEEK}) as world:
        order = await world.buy("nordlys", BASKET)
        waits = await world.waiting("nordlys", order["id"])
        assert "F&O is in maintenance until" in waits["note"]
        assert (await world.run("push_stock")).status_code == 200
        assert (await world.fo_calls())["http"] == {}
        answer = await world.http.get(f"{world.stack.host}/api/health")
        assert answer.status_code == 200
        assert (
            answer.json()["fo"]["maintenance_until"]
            == waits["note"].split("until ")[1].split(" UTC")[0].replace(" ", "T") + ":00+00:00"
        )
