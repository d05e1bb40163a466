"""How many calls to F&O the events of a booked order take: another address, an edit, payments."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableClient, TableServiceClient

from bench.calls import NORDLYS, place
from bench.figures import Figure, at_most
from local.stack import Stack

_SKUS: Final = tuple(f"BULK-{number:05d}" for number in range(20, 25))
_THREE: Final = _SKUS[:3]
_MOVED: Final = {"address1": "Oudegracht 9", "city": "Utrecht", "zip": "3511AB", "country_code": "NL"}


async def measure(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """For orders that F&O has, their risk assessed. As in Shopify, one edit or payment sends several webhooks."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        journal = service.get_table_client("journal")
        booked = await BookedOrder.begin(stack, http, journal, risk="low")
        address = await booked.amend(shipping_address=_MOVED)
        edit = await booked.step("edit", quantities=dict.fromkeys(_THREE, 2))
        first = await booked.step("pay")
        other = await BookedOrder.begin(stack, http, journal, risk="low")
        later = await other.step("pay")
    return [
        at_most("F&O writes for another address", _writes(address), "requests", 1),
        Figure("F&O reads for another address", _reads(address), "requests"),
        at_most("F&O writes for an edit of 3 lines, in one change set", _writes(edit), "requests", 1),
        Figure("F&O reads for an edit", _reads(edit), "requests"),
        at_most("F&O writes for the first payment of a day and currency", _writes(first), "requests", 2),
        at_most("F&O writes for each later payment", _writes(later), "requests", 1),
        Figure("F&O reads for a payment", _reads(later), "requests"),
    ]


async def histories(stack: Stack, http: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An order of five lines as placed and after an edit of three, and one of which three lines were returned.

    The app gets no webhook of them.
    """
    edited = await _place(stack, http, announce=[])
    returned = await _place(stack, http, announce=[])
    lines = [{"line": sku, "quantity": 1, "restock": "return"} for sku in _THREE]
    await _step(stack, http, returned, "fulfill", announce=[])
    return (
        edited,
        (await _step(stack, http, edited, "edit", quantities=dict.fromkeys(_THREE, 2), announce=[]))["order"],
        (await _step(stack, http, returned, "refund", lines=lines, shipping=True, announce=[]))["order"],
    )


class BookedOrder:
    """An order that F&O has, and the calls to F&O for each of its events."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, journal: TableClient, order: dict[str, Any]) -> None:
        self._stack = stack
        self._http = http
        self._journal = journal
        self._order = order

    @classmethod
    async def begin(cls, stack: Stack, http: httpx.AsyncClient, journal: TableClient, **more: Any) -> BookedOrder:
        """Places an order, with these further parts, and waits until all its events are handled."""
        placing = {"payment": "unpaid", "announce": ["orders/create"], **more}
        booked = cls(stack, http, journal, await _place(stack, http, **placing))
        await booked._wait_until(len(placing["announce"]))
        return booked

    async def amend(self, **changes: Any) -> Counter[str]:
        handled = await self._reset()
        url = f"{self._stack.shopify}/{NORDLYS}/_sim/orders/{self._order['id']}"
        (await self._http.patch(url, json=changes)).raise_for_status()
        return await self._calls(handled + 1)

    async def step(self, name: str, **changes: Any) -> Counter[str]:
        handled = await self._reset()
        happened = await _step(self._stack, self._http, self._order, name, **changes)
        return await self._calls(handled + len(happened["events"]))

    async def _reset(self) -> int:
        """Returns how many events are handled so far; F&O's calls are counted from now on."""
        (await self._http.delete(f"{self._stack.d365}/_sim/calls")).raise_for_status()
        return len(await self._outcomes())

    async def _calls(self, handled: int) -> Counter[str]:
        await self._wait_until(handled)
        return Counter((await self._http.get(f"{self._stack.d365}/_sim/calls")).json()["http"])

    async def _wait_until(self, count: int) -> None:
        for _ in range(600):
            if len(await self._outcomes()) >= count:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"order {self._order['name']}: {await self._outcomes()}, not {count} outcomes")

    async def _outcomes(self) -> list[str]:
        rows = [row async for row in self._journal.query_entities(f"PartitionKey eq 'nordlys-{self._order['id']}'")]
        if parked := [row["note"] for row in rows if row["outcome"] == "parked"]:
            raise RuntimeError("; ".join(parked))
        return [row["outcome"] for row in rows if row["outcome"] != "waiting"]


async def _place(stack: Stack, http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    return await place(stack, http, lines=[{"sku": sku, "quantity": 3, "price": "19.95"} for sku in _SKUS], **more)


async def _step(
    stack: Stack, http: httpx.AsyncClient, order: dict[str, Any], name: str, **changes: Any
) -> dict[str, Any]:
    answer = await http.post(f"{stack.shopify}/{NORDLYS}/_sim/orders/{order['id']}/{name}", json=changes)
    answer.raise_for_status()
    happened: dict[str, Any] = answer.json()
    return happened


def _writes(calls: Counter[str]) -> int:
    return calls.total() - _reads(calls)


def _reads(calls: Counter[str]) -> int:
    return sum(count for call, count in calls.items() if call.startswith("GET"))
