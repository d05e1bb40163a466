"""A buyer's account is read once in some minutes, until F&O refuses it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.store.customers import KnownCustomers
from tests.builders.memory_table import MemoryTable


class CountedTable(MemoryTable):
    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def get_entity(self, *keys: Any, **options: Any) -> Any:
        self.reads += 1
        return await super().get_entity(*keys, **options)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def known_as(account: str, table: CountedTable, clock: Clock, identity: str = "C1") -> KnownCustomers:
    buyers = KnownCustomers(table, clock=clock)
    await buyers.put(replace(await buyers.get("nleu", identity), account=account))
    return buyers


async def test_an_account_is_read_once_in_some_minutes() -> None:
    table, clock = CountedTable(), Clock()
    buyers = await known_as("100", table, clock)
    assert [(await buyers.get("nleu", "C1")).account for _ in range(3)] == ["100"] * 3
    table.reads = 0
    await buyers.get("nleu", "C1")
    assert table.reads == 0
    clock.now += 301
    await buyers.get("nleu", "C1")
    assert table.reads == 1


async def test_a_buyer_without_an_account_is_read_each_time() -> None:
    table = CountedTable()
    buyers = KnownCustomers(table)
    await buyers.get("nleu", "C1")
    before = table.reads
    assert not (await buyers.get("nleu", "C1")).account
    assert table.reads > before


async def test_after_a_refusal_the_stored_account_is_read() -> None:
    table, clock = CountedTable(), Clock()
    buyers = await known_as("100", table, clock)
    found = await buyers.get("nleu", "C1")
    other = KnownCustomers(table)
    await other.put(replace(await other.get("nleu", "C1"), account="200", etag=found.etag))
    assert (await buyers.get("nleu", "C1")).account == "100"
    buyers.forget("nleu", "C1")
    assert (await buyers.get("nleu", "C1")).account == "200"


async def test_of_too_many_accounts_the_oldest_is_given_up() -> None:
    table = CountedTable()
    buyers = KnownCustomers(table, most=2)
    for number in range(3):
        identity = f"C{number}"
        await buyers.put(replace(await buyers.get("nleu", identity), account=str(number)))
        await buyers.get("nleu", identity)
    table.reads = 0
    await buyers.get("nleu", "C2")
    assert table.reads == 0
    await buyers.get("nleu", "C0")
    assert table.reads == 1
