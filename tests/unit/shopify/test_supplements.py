"""What several orders' webhooks leave out is asked for together, and each order gets its own answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from shared.errors import DeniedError, ErrorCode, RefusedError, ThrottledError, TransientError
from shared.shopify.supplements import PAYMENTS, RISK, Supplements
from shared.telemetry import correlated, emit
from tests.builders.log_events import events_in

STORE = "nordlys"


class Shop:
    """Answers when it is let, with a node for each order but those that it does not show."""

    def __init__(self, *hidden: int) -> None:
        self.calls: list[list[str]] = []
        self.hidden = {f"gid://shopify/Order/{number}" for number in hidden}
        self.open = asyncio.Event()
        self.open.set()
        self.called = asyncio.Event()
        self.failure: Exception | None = None
        self.fails_at: str | None = None
        """The order at which it fails; None for every call."""

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(variables["orders"])
        self.called.set()
        await self.open.wait()
        if self.failure is not None and self.fails_at in {None, *variables["orders"]}:
            raise self.failure
        return {"nodes": [None if each in self.hidden else {"id": each} for each in variables["orders"]]}


def gid(number: int) -> str:
    return f"gid://shopify/Order/{number}"


async def test_one_order_is_asked_for_at_once() -> None:
    shop = Shop(2)
    supplements = Supplements()
    assert await supplements.read(shop, STORE, RISK, 1) == {"id": gid(1)}
    assert await supplements.read(shop, STORE, RISK, 2) is None
    assert shop.calls == [[gid(1)], [gid(2)]]


async def test_orders_that_come_during_a_call_share_the_next_one() -> None:
    shop = Shop(3)
    shop.open.clear()
    supplements = Supplements()
    first = asyncio.create_task(supplements.read(shop, STORE, RISK, 1))
    await asyncio.wait_for(shop.called.wait(), 10)
    others = [asyncio.create_task(supplements.read(shop, STORE, RISK, number)) for number in range(2, 62)]
    await asyncio.sleep(0)
    shop.open.set()
    found = [await each for each in (first, *others)]
    assert found == [None if number == 3 else {"id": gid(number)} for number in range(1, 62)]
    assert [len(call) for call in shop.calls] == [1, 50, 10]


async def test_documents_and_shops_have_calls_of_their_own() -> None:
    shop, other = Shop(), Shop()
    supplements = Supplements()
    await asyncio.gather(
        supplements.read(shop, STORE, RISK, 1),
        supplements.read(shop, STORE, PAYMENTS, 1),
        supplements.read(other, STORE, RISK, 1),
    )
    assert (len(shop.calls), len(other.calls)) == (2, 1)


@pytest.mark.parametrize("failure", [ThrottledError("busy"), DeniedError(ErrorCode.SHOPIFY_DENIED, message="no")])
async def test_a_shop_that_takes_no_calls_is_not_asked_again_for_each_order(failure: Exception) -> None:
    shop = Shop()
    shop.failure = failure
    supplements = Supplements()
    orders = (supplements.read(shop, STORE, RISK, number) for number in (1, 2))
    assert await asyncio.gather(*orders, return_exceptions=True) == [failure, failure]
    assert shop.calls == [[gid(1), gid(2)]]
    shop.failure = None
    assert await supplements.read(shop, STORE, RISK, 3) == {"id": gid(3)}


@pytest.mark.parametrize("failure", [TransientError("an internal error"), KeyError("nodes")])
async def test_an_order_at_which_shopify_fails_fails_no_other(failure: Exception) -> None:
    shop = Shop(3)
    shop.failure, shop.fails_at = failure, gid(2)
    supplements = Supplements()
    orders = (supplements.read(shop, STORE, RISK, number) for number in (1, 2, 3))
    assert await asyncio.gather(*orders, return_exceptions=True) == [{"id": gid(1)}, failure, None]
    assert shop.calls == [[gid(1), gid(2), gid(3)], [gid(1)], [gid(2)], [gid(3)]]


async def test_an_answer_of_fewer_nodes_than_were_asked_for_is_no_answer() -> None:
    class Short(Shop):
        async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
            return {"nodes": (await super().run(query, variables))["nodes"][:-1]}

    with pytest.raises(RefusedError, match="SHOPIFY_SHAPE"):
        await asyncio.wait_for(Supplements().read(Short(), STORE, RISK, 1), 10)


class TracedShop(Shop):
    """Tells of each call, in the name of whoever it is made for."""

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        emit("called", orders=len(variables["orders"]))
        return await super().run(query, variables)


async def test_a_call_of_several_orders_is_in_the_trace_of_none_and_each_trace_shows_that_it_was_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="connector")
    shop, supplements = TracedShop(), Supplements()

    async def handle(number: int) -> None:
        with correlated(store=STORE, entity_id=str(number)):
            await supplements.read(shop, STORE, RISK, number)

    await handle(1)
    await asyncio.gather(handle(2), handle(3))
    alone, together = events_in(caplog, "called")
    assert (alone["store"], alone["entity_id"], alone["orders"]) == (STORE, "1", 1)
    assert (together["store"], together.get("entity_id"), together["orders"]) == (STORE, None, 2)
    told = {each["entity_id"]: each[RISK] for each in events_in(caplog, "shopify.asked_together")}
    assert told == {"2": 2, "3": 2}


async def test_an_order_that_is_asked_for_again_alone_is_so_in_its_own_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="connector")
    shop, supplements = TracedShop(), Supplements()
    shop.failure, shop.fails_at = TransientError("an internal error"), gid(2)

    async def handle(number: int) -> Any:
        with correlated(entity_id=str(number)):
            return await supplements.read(shop, STORE, RISK, number)

    await asyncio.gather(*(handle(number) for number in (1, 2)), return_exceptions=True)
    assert [each.get("entity_id") for each in events_in(caplog, "called")] == [None, "1", "2"]
    assert events_in(caplog, "shopify.asked_together") == []


async def test_an_event_that_is_cut_off_leaves_the_others_their_answer() -> None:
    shop = Shop()
    shop.open.clear()
    supplements = Supplements()
    cut, kept = (asyncio.create_task(supplements.read(shop, STORE, RISK, number)) for number in (1, 2))
    await asyncio.wait_for(shop.called.wait(), 10)
    cut.cancel()
    shop.open.set()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert await kept == {"id": gid(2)}
