"""The demo's second act: orders are edited, returned, cancelled; F&O ships and invoices; the accountant looks."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient
from rich.console import Console

from local import demo_tables
from local.demo_http import answer_of
from local.demo_orders import SHOPS, Placed
from local.demo_tables import Account, Pair, Told
from local.process import StackError
from local.stack import Stack

_WAIT_SECONDS: Final = 60.0
_NO_NEWS: Final = ("F&O has", "no refunds", "no money has moved")
_COMPANIES: Final = {"nordlys": "nleu", "prairie": "usmf"}


async def live(console: Console, stack: Stack, http: httpx.AsyncClient, placed: Sequence[Placed]) -> bool:
    """Four orders go on living; then every figure of the two systems is laid side by side."""
    tent, stoves, maps, _, shirts, _ = placed
    desk = _Desk(stack, http)
    await desk.quiet()
    await desk.fo_ships_and_invoices(stoves)
    console.print("\nLife goes on: one customer edits, one returns, one cancels; F&O has shipped and invoiced #1002.")
    told = [
        Told(maps, "200.00 DKK by gift card, the rest in DKK by card", await desk.payments(maps)),
        await desk.step(
            tent,
            "one head lamp less, a map more",
            ("edit", {"quantities": {"LAMP-HEAD": 1}, "add": [{"sku": "MAP-NORDIC", "quantity": 1}]}),
        ),
        await desk.step(
            stoves,
            "shipped; one of three stoves comes back",
            ("fulfill", {}),
            ("refund", {"lines": [{"line": "STOVE-GAS", "quantity": 1, "restock": "return"}]}),
        ),
        await desk.step(shirts, "cancelled before shipping, money back", ("cancel", {"refund": True})),
    ]
    console.print(demo_tables.told(told))
    await desk.run("write_back")
    shown = await desk.numbers(tent)
    console.print(f"Staff see F&O's number at order {tent.name} in Shopify: {shown}")
    console.print(
        "\nMaps arrive from Hamburg; F&O ships and invoices the rest, takes back the stove, and posts the payments."
    )
    parcel = {"company": "nleu", "item": "MAP-NORDIC", "warehouse": "AMS", "delta": 5}
    await answer_of(http.post(f"{stack.d365}/_sim/on-hand", json=parcel))
    accounts = await desk.close_the_books([order for order in placed if order.goes_through])
    console.print(demo_tables.accountant(accounts))
    return bool(shown) and all(account.agrees for account in accounts)


class _Desk:
    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http

    async def step(self, order: Placed, what: str, *steps: tuple[str, dict[str, Any]]) -> Told:
        """Lets it happen in Shopify, and gives what the app did about it."""
        before = {row["event_id"] for row in await self._journal(order)}
        for name, wish in steps:
            url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/{name}"
            await answer_of(self._http.post(url, json=wish))
        await self.quiet()
        notes = [row["note"] for row in await self._journal(order) if row["event_id"] not in before]
        return Told(order, what, tuple(dict.fromkeys(note for note in map(_news, notes) if note)))

    async def payments(self, order: Placed) -> tuple[str, ...]:
        """The lines of payment journals that refer to the order."""
        numbers = {each["number"] for each in await self._booked(order)}
        journals = await answer_of(
            self._http.get(f"{self._stack.d365}/_sim/journals?company={_COMPANIES[order.store]}")
        )
        lines = [line for journal in journals for line in journal["lines"] if line["reference"] in numbers]
        return tuple(
            f"{Decimal(str(line['credit'] - line['debit'])):.2f} {line['currency']}: "
            f"{line['method'] or 'no method'}, {line['offset_type'].lower()} {line['offset_account']}"
            for line in lines
        )

    async def quiet(self) -> None:
        """Until every webhook is delivered and handled."""
        await answer_of(self._http.post(f"{self._stack.shopify}/_sim/settle"))
        until = time.monotonic() + _WAIT_SECONDS
        while missing := await self._sent() - {row["event_id"] for row in await self._rows("attempt ge 1")}:
            if time.monotonic() > until:
                raise StackError(
                    f"{len(missing)} webhooks have no end after {_WAIT_SECONDS:.0f} s; see build/demo.log."
                )
            await asyncio.sleep(0.1)

    async def fo_ships_and_invoices(self, order: Placed) -> None:
        (booked,) = await self._booked(order)
        await self._post(f"orders/{_COMPANIES[order.store]}/{booked['number']}", "pack", "invoice")

    async def run(self, function: str) -> None:
        await answer_of(self._http.post(f"{self._stack.host}/admin/functions/{function}?wait=true", json={"input": ""}))

    async def numbers(self, order: Placed) -> str:
        """What the order's metafields in Shopify say."""
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/metafields"
        shown = await answer_of(self._http.get(url))
        return ", ".join(f"{each['key']} = {each['value']}" for each in shown)

    async def close_the_books(self, placed: Sequence[Placed]) -> list[Account]:
        """F&O ships and invoices all that is open, takes back what returns, posts and settles the payments."""
        accounts = []
        for order in placed:
            shopify, company = await self._shopify(order), _COMPANIES[order.store]
            booked = await self._booked(order)
            for each in booked:
                if each["status"] == "Backorder":
                    await self._post(f"orders/{company}/{each['number']}", "pack", "invoice")
            for refund in shopify["refunds"]:
                if _came_back(refund):
                    await self._post(f"returns/{company}/RN{refund['id']}", "receive", "invoice")
            accounts.append((order, shopify, booked))
        for company in _COMPANIES.values():
            for journal in await answer_of(self._http.get(f"{self._stack.d365}/_sim/journals?company={company}")):
                await self._post(f"journals/{company}/{journal['number']}", "post")
        return [await self._account(*each) for each in accounts]

    async def _account(self, order: Placed, shopify: dict[str, Any], booked: list[dict[str, Any]]) -> Account:
        company = _COMPANIES[order.store]
        number = booked[0]["number"] if booked else f"SN{shopify['id']}"
        url = f"{self._stack.d365}/_sim/transactions?company={company}&order={number}"
        found = await answer_of(self._http.get(url))
        amounts = {
            is_payment: _sum(each["amount"] for each in found if (each["type"] == "Payment") == is_payment)
            for is_payment in (False, True)
        }
        owed, outstanding = Decimal(shopify["current_total_price"]), Decimal(shopify["total_outstanding"])
        return Account(
            order=f"{order.name} {order.store}",
            currency=shopify["currency"],
            lines=tuple(_compared(shopify, booked)),
            total=(owed, amounts[False]),
            paid=(owed - outstanding, -amounts[True]),
        )

    async def _post(self, document: str, *postings: str) -> None:
        for posting in postings:
            await answer_of(self._http.post(f"{self._stack.d365}/_sim/{document}/{posting}", json={}))

    async def _shopify(self, order: Placed) -> dict[str, Any]:
        found: dict[str, Any] = await answer_of(
            self._http.get(f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}")
        )
        return found

    async def _booked(self, order: Placed) -> list[dict[str, Any]]:
        every = await answer_of(self._http.get(f"{self._stack.d365}/_sim/orders"))
        return [each for each in every if each["reference"].endswith(f"-{order.store}-{order.order['id']}")]

    async def _journal(self, order: Placed) -> list[dict[str, Any]]:
        return await self._rows(f"PartitionKey eq '{order.key}'")

    async def _rows(self, where: str) -> list[dict[str, Any]]:
        async with TableServiceClient.from_connection_string(self._stack.storage) as service:
            found = service.get_table_client("journal").query_entities(f"{where} and outcome ne 'waiting'")
            return [dict(row) async for row in found]

    async def _sent(self) -> set[str]:
        """Webhooks that the app has taken on."""
        return {
            attempt["webhook_id"]
            for shop in SHOPS.values()
            for attempt in await answer_of(self._http.get(f"{self._stack.shopify}/{shop}/_sim/deliveries"))
            if attempt["status"] == httpx.codes.OK
        }


def _compared(shopify: dict[str, Any], booked: Sequence[dict[str, Any]]) -> list[tuple[str, Pair]]:
    """Shopify's lines and shipping beside F&O's lines, which name Shopify's ids."""
    fo: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in (line for each in booked for line in each["lines"]):
        fo[line["external"]] += Decimal(str(line["line_amount"]))
    back = {
        row["line_item_id"]: row["quantity"]
        for refund in shopify["refunds"]
        for row in refund["refund_line_items"]
        if row["restock_type"] == "return"
    }
    sold: list[tuple[str, Pair]] = []
    for line in shopify["line_items"]:
        units = line["current_quantity"] + back.get(line["id"], 0)
        discount = _sum(each["amount"] for each in line["discount_allocations"]) * units / line["quantity"]
        amount = Decimal(line["price"]) * units - discount
        sold.append((f"{units} x {line['sku']}", (amount, fo.pop(str(line["id"]), Decimal(0)))))
    for line in shopify["shipping_lines"]:
        amount = Decimal(line["discounted_price"]) if not shopify["cancelled_at"] else Decimal(0)
        sold.append((line["title"], (amount, fo.pop(str(line["id"]), Decimal(0)))))
    sold += [(f"F&O line of {external}", (Decimal(0), amount)) for external, amount in fo.items()]
    return [(what, pair) for what, pair in sold if any(pair)]


def _came_back(refund: dict[str, Any]) -> bool:
    return any(row["restock_type"] == "return" for row in refund["refund_line_items"])


def _news(note: str) -> str:
    """What a note says was done; "" when it says that all was there already."""
    told = [part for part in note.split("; ") if not part.startswith(_NO_NEWS)]
    return "; ".join(told)


def _sum(amounts: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(amount)) for amount in amounts), Decimal(0))
