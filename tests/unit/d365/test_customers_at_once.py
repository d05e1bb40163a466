"""Buyers of many orders at once: looked up side by side, created one at a time, each once."""

import asyncio
from typing import Any

from shared.d365.customers import Customers

COMPANY = "nleu"


class Fo:
    """F&O's customers. The most calls at once are counted."""

    def __init__(self) -> None:
        self.accounts: list[str] = []
        self.reading = self.creating = 0
        self.most_reading = self.most_creating = 0

    async def query(self, _set: str, *, where: Any, **_: Any) -> list[dict[str, Any]]:
        self.reading += 1
        self.most_reading = max(self.most_reading, self.reading)
        await asyncio.sleep(0.01)
        self.reading -= 1
        return [{"CustomerAccount": each} for each in self.accounts if f"'{each}'" in str(where)]

    async def create(self, _set: str, record: dict[str, Any]) -> dict[str, Any]:
        self.creating += 1
        self.most_creating = max(self.most_creating, self.creating)
        await asyncio.sleep(0.01)
        self.creating -= 1
        self.accounts.append(record["CustomerAccount"])
        return record


def record(account: str) -> dict[str, Any]:
    return {"dataAreaId": COMPANY, "CustomerAccount": account}


async def test_new_buyers_are_looked_up_side_by_side_and_created_one_at_a_time() -> None:
    fo = Fo()
    customers = Customers(fo)  # type: ignore[arg-type]
    await asyncio.gather(*(customers.ensure(record(f"C{each}"), f"C{each}", None) for each in range(6)))
    assert fo.most_reading == 6
    assert fo.most_creating == 1
    assert sorted(fo.accounts) == [f"C{each}" for each in range(6)]


async def test_one_new_buyer_of_several_orders_is_created_once() -> None:
    fo = Fo()
    customers = Customers(fo)  # type: ignore[arg-type]
    found = await asyncio.gather(*(customers.ensure(record("C1"), "C1", None) for _ in range(4)))
    assert {each.account for each in found} == {"C1"}
    assert fo.accounts == ["C1"]
