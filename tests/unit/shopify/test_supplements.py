"""What several orders' webhooks leave out is asked for together, and each order gets its own answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.errors import TransientError
from shared.shopify.supplements import PAYMENTS, RISK, Supplements


class Shop:
    """Answers when it is let, with a node for each order but those that it does not show."""

    def __init__(self, *hidden: int) -> None:
        self.calls: list[list[str]] = []
        self.hidden = {f"gid://shopify/Order/{number}" for number in hidden}
        self.open = asyncio.Event()
        self.open.set()
        self.called = asyncio.Event()
        self.failure: Exception | None = None

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(variables["orders"])
        self.called.set()
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return {"nodes": [None if each in self.hidden else {"id": each} for each in variables["orders"]]}


def gid(number: int) -> str:
    return f"gid://shopify/Order/{number}"


async def test_one_order_is_asked_for_at_once() -> None:
    shop = Shop(2)
    supplements = Supplements()
    assert await supplements.read(shop, RISK, 1) == {"id": gid(1)}
    assert await supplements.read(shop, RISK, 2) is None
    assert shop.calls == [[gid(1)], [gid(2)]]


async def test_orders_that_come_during_a_call_share_the_next_one() -> None:
    shop = Shop(3)
    shop.open.clear()
    supplements = Supplements()
    first = asyncio.create_task(supplements.read(shop, RISK, 1))
    await asyncio.wait_for(shop.called.wait(), 10)
    others = [asyncio.create_task(supplements.read(shop, RISK, number)) for number in range(2, 62)]
    await asyncio.sleep(0)
    shop.open.set()
    found = [await each for each in (first, *others)]
    assert found == [None if number == 3 else {"id": gid(number)} for number in range(1, 62)]
    assert [len(call) for call in shop.calls] == [1, 50, 10]


async def test_documents_and_shops_have_calls_of_their_own() -> None:
    shop, other = Shop(), Shop()
    supplements = Supplements()
    await asyncio.gather(
        supplements.read(shop, RISK, 1), supplements.read(shop, PAYMENTS, 1), supplements.read(other, RISK, 1)
    )
    assert (len(shop.calls), len(other.calls)) == (2, 1)


async def test_a_failed_call_fails_for_all_its_orders_and_for_no_later_one() -> None:
    shop = Shop()
    shop.failure = TransientError("busy")
    supplements = Supplements()
    found = await asyncio.gather(*(supplements.read(shop, RISK, number) for number in (1, 2)), return_exceptions=True)
    assert [type(each) for each in found] == [TransientError, TransientError]
    shop.failure = None
    assert await supplements.read(shop, RISK, 3) == {"id": gid(3)}


async def test_an_event_that_is_cut_off_leaves_the_others_their_answer() -> None:
    shop = Shop()
    shop.open.clear()
    supplements = Supplements()
    cut, kept = (asyncio.create_task(supplements.read(shop, RISK, number)) for number in (1, 2))
    await asyncio.wait_for(shop.called.wait(), 10)
    cut.cancel()
    shop.open.set()
    with pytest.raises(asyncio.CancelledError):
        await cut
    assert await kept == {"id": gid(2)}
