"""The running stack as the demo uses it: what it does in Shopify and F&O, and what it reads from them and the app."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from local.demo.answers import answer_of
from local.demo.baskets import SHOPS, Placed
from local.demo.values import (
    Account,
    OrderChange,
    OrderNumber,
    OrderResult,
    Pair,
    ParkedOrder,
    SalesOrder,
    StockLevel,
)
from local.process import StackError
from local.stack import Stack

_WAIT_SECONDS: Final = 60.0
NOTHING_DONE: Final = ("F&O has", "no refunds", "no money has moved")
"""How the parts of a journal note begin that report no change in F&O."""
COMPANIES: Final = {"nordlys": "nleu", "prairie": "usmf"}

type Level = Mapping[str, Any]
type LevelKey = tuple[str, str, int]
"""Store, SKU, location."""


class Systems:
    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self._stack = stack
        self._http = http

    # ---- orders

    async def place(self, order: Placed) -> Placed:
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders"
        return order.placed(await answer_of(self._http.post(url, json=order.basket)))

    async def order_results(self, placed: Sequence[Placed]) -> list[OrderResult]:
        """Waits until each order is done or parked."""
        ends = await self._ends(placed)
        booked = {row["number"]: row for row in await answer_of(self._http.get(f"{self._stack.d365}/_sim/orders"))}
        return [_order_result(order, ends[order.key], booked) for order in placed]

    async def parked(self, placed: Sequence[Placed]) -> list[ParkedOrder]:
        """Those of the orders that wait for a person."""
        async with TableServiceClient.from_connection_string(self._stack.storage) as service:
            rows = [row async for row in service.get_table_client("parked").list_entities()]
        by_order = {f"{row['PartitionKey'].removeprefix('orders-')}-{row['entity_id']}": row for row in rows}
        return [
            ParkedOrder(order.label, row["cause"], row["owner"], row["next_step"])
            for order in placed
            if (row := by_order.get(order.key)) is not None
        ]

    async def change(self, flow: str, order: Placed, what: str, *steps: tuple[str, dict[str, Any]]) -> OrderChange:
        """Takes the steps in Shopify, and waits until the app has handled their webhooks."""
        before = {row["event_id"] for row in await self.journal(order)}
        for name, wish in steps:
            url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/{name}"
            await answer_of(self._http.post(url, json=wish))
        await self.settle()
        notes = [row["note"] for row in await self.journal(order) if row["event_id"] not in before]
        return OrderChange(
            flow, order.label, what, tuple(dict.fromkeys(note for note in map(done_in_fo, notes) if note))
        )

    async def payment(self, order: Placed, what: str) -> OrderChange:
        """How the order was paid, with F&O's lines of payment journals that refer to it."""
        numbers = {each["number"] for each in await self.booked(order)}
        journals = await answer_of(self._http.get(f"{self._stack.d365}/_sim/journals?company={COMPANIES[order.store]}"))
        lines = [line for journal in journals for line in journal["lines"] if line["reference"] in numbers]
        notes = (
            f"{Decimal(str(line['credit'] - line['debit'])):.2f} {line['currency']}: "
            f"{line['method'] or 'no method'}, {line['offset_type'].lower()} {_account_name(line['offset_account'])}"
            for line in lines
        )
        return OrderChange("payments", order.label, what, tuple(notes))

    async def settle(self) -> None:
        """Waits until every webhook is delivered and handled."""
        await answer_of(self._http.post(f"{self._stack.shopify}/_sim/settle"))
        until = time.monotonic() + _WAIT_SECONDS
        while missing := await self._delivered() - {row["event_id"] for row in await self._rows("attempt ge 1")}:
            if time.monotonic() > until:
                raise StackError(
                    f"{len(missing)} webhooks are not handled after {_WAIT_SECONDS:.0f} s; see build/demo.log."
                )
            await asyncio.sleep(0.1)

    async def write_back(self, order: Placed) -> OrderNumber:
        """Runs the timer that writes F&O's order numbers to Shopify."""
        await self.run_timer("write_back")
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/metafields"
        fields = await answer_of(self._http.get(url))
        shown = ", ".join(f"{each['key']} = {each['value']}" for each in fields)
        return OrderNumber(order.label, shown, ", ".join(each["number"] for each in await self.booked(order)))

    # ---- what staff do in F&O

    async def invoice(self, order: Placed) -> None:
        """Invoices what was shipped, and ships and invoices what was not."""
        (booked,) = await self.booked(order)
        for posting in ("pack", "invoice"):
            await self.post(f"orders/{COMPANIES[order.store]}/{booked['number']}", posting)

    async def adjust_on_hand(self, company: str, item: str, warehouse: str, delta: int) -> None:
        movement = {"company": company, "item": item, "warehouse": warehouse, "delta": delta}
        await answer_of(self._http.post(f"{self._stack.d365}/_sim/on-hand", json=movement))

    async def close_the_books(self, placed: Sequence[Placed]) -> list[Account]:
        """F&O ships and invoices all that is open, receives what is returned, posts and settles the payments."""
        read = []
        for order in placed:
            shopify, company = await self._shopify(order), COMPANIES[order.store]
            booked = await self.booked(order)
            for each in booked:
                if each["status"] == "Backorder":
                    for posting in ("pack", "invoice"):
                        await self.post(f"orders/{company}/{each['number']}", posting)
            for refund in shopify["refunds"]:
                if _has_returned_goods(refund):
                    for posting in ("receive", "invoice"):
                        await self.post(f"returns/{company}/{await self._return_number(refund)}", posting)
            read.append((order, shopify, booked))
        for company in COMPANIES.values():
            for journal in await answer_of(self._http.get(f"{self._stack.d365}/_sim/journals?company={company}")):
                await self.post(f"journals/{company}/{journal['number']}", "post")
        return [await self._account(*each) for each in read]

    async def _account(self, order: Placed, shopify: dict[str, Any], booked: list[dict[str, Any]]) -> Account:
        company = COMPANIES[order.store]
        number = booked[0]["number"] if booked else f"SN{shopify['id']}"
        url = f"{self._stack.d365}/_sim/transactions?company={company}&order={number}"
        found = await answer_of(self._http.get(url))
        amounts = {
            is_payment: _sum(each["amount"] for each in found if (each["type"] == "Payment") == is_payment)
            for is_payment in (False, True)
        }
        owed, outstanding = Decimal(shopify["current_total_price"]), Decimal(shopify["total_outstanding"])
        return Account(
            order=order.label,
            currency=shopify["currency"],
            lines=tuple(_line_pairs(shopify, booked)),
            invoiced=(owed, amounts[False]),
            paid=(owed - outstanding, -amounts[True]),
        )

    # ---- stock

    async def push_stock(self) -> list[StockLevel]:
        """Runs the stock timer, and gives every level that Shopify shows."""
        before = await self._levels()
        await self.run_timer("push_stock")
        after, figures = await self._levels(), await self._figures()
        return [_stock_level(before[key], level, figures.get(key)) for key, level in after.items()]

    async def _levels(self) -> dict[LevelKey, Level]:
        return {
            (store, level["sku"], level["location_id"]): level
            for store, shop in SHOPS.items()
            for level in await answer_of(self._http.get(f"{self._stack.shopify}/{shop}/_sim/inventory"))
        }

    async def _figures(self) -> dict[LevelKey, Level]:
        """From each store's last report of the stock flow."""
        async with BlobServiceClient.from_connection_string(self._stack.storage) as service:
            state = service.get_container_client("state")
            reports = {
                store: json.loads(await (await state.download_blob(f"stock/{store}/report.json")).readall())
                for store in SHOPS
            }
        return {
            (store, figure["sku"], figure["location"]): figure
            for store, report in reports.items()
            for figure in report["figures"]
        }

    # ---- requests

    async def run_timer(self, function: str) -> None:
        """Calls a timer's function now."""
        answer = await self._http.post(f"{self._stack.host}/admin/functions/{function}?wait=true", json={"input": ""})
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StackError(f"{function} failed: {answer.json()['error']} See build/demo.log.")

    async def post(self, document: str, posting: str, body: Mapping[str, Any] | None = None) -> Any:
        """What people and batch jobs of F&O do with a document."""
        return await answer_of(self._http.post(f"{self._stack.d365}/_sim/{document}/{posting}", json=body or {}))

    async def do_in_fo(self, what: str, body: Mapping[str, Any]) -> Any:
        """What people do in F&O: `what` is the address below `_sim`."""
        return await answer_of(self._http.post(f"{self._stack.d365}/_sim/{what}", json=body))

    async def records(self, entity_set: str) -> list[dict[str, Any]]:
        """All that F&O has of the set."""
        found: list[dict[str, Any]] = await answer_of(self._http.get(f"{self._stack.d365}/_sim/records/{entity_set}"))
        return found

    async def in_shop(self, store: str, what: str) -> Any:
        """What the store's shop has: `what` is the address below `_sim`."""
        return await answer_of(self._http.get(f"{self._stack.shopify}/{SHOPS[store]}/_sim/{what}"))

    async def at_shop(self, order: Placed, what: str) -> Any:
        """What Shopify has of the order."""
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/{what}"
        return await answer_of(self._http.get(url))

    async def _shopify(self, order: Placed) -> dict[str, Any]:
        found: dict[str, Any] = await answer_of(
            self._http.get(f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}")
        )
        return found

    async def booked(self, order: Placed) -> list[dict[str, Any]]:
        every = await answer_of(self._http.get(f"{self._stack.d365}/_sim/orders"))
        return [each for each in every if each["reference"].endswith(f"-{order.store}-{order.order['id']}")]

    async def _return_number(self, refund: Mapping[str, Any]) -> str:
        """F&O numbers its return orders; they refer to Shopify's refund."""
        every = await answer_of(self._http.get(f"{self._stack.d365}/_sim/records/ReturnOrderHeadersV2"))
        (found,) = (each for each in every if each["CustomersOrderReference"].endswith(f"-r{refund['id']}"))
        return str(found["ReturnOrderNumber"])

    async def _delivered(self) -> set[str]:
        """The ids of the webhooks that the app has acknowledged."""
        return {
            attempt["webhook_id"]
            for shop in SHOPS.values()
            for attempt in await answer_of(self._http.get(f"{self._stack.shopify}/{shop}/_sim/deliveries"))
            if attempt["status"] == httpx.codes.OK
        }

    # ---- the app's journal

    async def _ends(self, placed: Sequence[Placed]) -> dict[str, dict[str, Any]]:
        """The last journal entry of each order. Raises StackError when an order has none in time."""
        ends: dict[str, dict[str, Any]] = {}
        until = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < until:
            ends |= {row["PartitionKey"]: row for row in await self._rows("attempt ge 1")}
            if all(order.key in ends for order in placed):
                return ends
            if dead := self._stack.dead():
                raise StackError(f"{', '.join(dead)} stopped by itself; see build/demo.log.")
            await asyncio.sleep(0.2)
        missing = [order.name for order in placed if order.key not in ends]
        raise StackError(
            f"After {_WAIT_SECONDS:.0f} s these orders are neither done nor parked: {', '.join(missing)}. "
            "See build/demo.log."
        )

    async def wait_for(self, order: Placed, topic: str, handled: Collection[str]) -> None:
        until = time.monotonic() + _WAIT_SECONDS
        while not any(row["topic"] == topic and row["event_id"] not in handled for row in await self.journal(order)):
            if time.monotonic() > until:
                raise StackError(f"No {topic} of {order.name} after {_WAIT_SECONDS:.0f} s; see build/demo.log.")
            await asyncio.sleep(0.1)

    async def journal(self, order: Placed) -> list[dict[str, Any]]:
        return await self._rows(f"PartitionKey eq '{order.key}'")

    async def _rows(self, where: str) -> list[dict[str, Any]]:
        async with TableServiceClient.from_connection_string(self._stack.storage) as service:
            found = service.get_table_client("journal").query_entities(f"{where} and outcome ne 'waiting'")
            return [dict(row) async for row in found]


def _order_result(order: Placed, end: Mapping[str, Any], booked: Mapping[str, Mapping[str, Any]]) -> OrderResult:
    shopify, fo = order.order, booked.get(end["document"])
    return OrderResult(
        order=order.label,
        customer=f"{shopify['customer']['first_name']} {shopify['customer']['last_name']}",
        lines=len(shopify["line_items"]),
        total=Decimal(shopify["total_price"]),
        currency=shopify["currency"],
        outcome=end["outcome"],
        seconds=end["seconds"],
        sales_order=None if fo is None else _sales_order(fo, Decimal(shopify["total_tax"])),
    )


def _sales_order(fo: Mapping[str, Any], tax: Decimal) -> SalesOrder:
    return SalesOrder(
        number=fo["number"],
        warehouses=tuple(sorted({line["warehouse"] for line in fo["lines"] if line["warehouse"]})),
        lines=len(fo["lines"]),
        total=_sum(line["line_amount"] for line in fo["lines"]) + (Decimal(0) if fo["prices_include_tax"] else tax),
    )


def _stock_level(before: Level, after: Level, figure: Level | None) -> StockLevel:
    level = StockLevel(after["location"], after["sku"], before["available"], after["available"])
    if figure is None:
        return level
    return replace(
        level, warehouses=_warehouses(figure["warehouses"]), available_to_promise=figure["available_to_promise"]
    )


def _warehouses(stock: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(
        f"{warehouse} {row['available']}" + (f" ({row['safety']} kept back)" if Decimal(row["safety"]) else "")
        for warehouse, row in stock.items()
    )


def _line_pairs(shopify: dict[str, Any], booked: Sequence[dict[str, Any]]) -> list[tuple[str, Pair]]:
    """Shopify's lines and shipping beside F&O's lines, which hold Shopify's ids."""
    fo: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in (line for each in booked for line in each["lines"]):
        fo[line["external"]] += Decimal(str(line["line_amount"]))
    returned = {
        row["line_item_id"]: row["quantity"]
        for refund in shopify["refunds"]
        for row in refund["refund_line_items"]
        if row["restock_type"] == "return"
    }
    sold: list[tuple[str, Pair]] = []
    for line in shopify["line_items"]:
        units = line["current_quantity"] + returned.get(line["id"], 0)
        discount = _sum(each["amount"] for each in line["discount_allocations"]) * units / line["quantity"]
        amount = Decimal(line["price"]) * units - discount
        sold.append((f"{units} x {line['sku']}", (amount, fo.pop(str(line["id"]), Decimal(0)))))
    for line in shopify["shipping_lines"]:
        amount = Decimal(line["discounted_price"]) if not shopify["cancelled_at"] else Decimal(0)
        sold.append((line["title"], (amount, fo.pop(str(line["id"]), Decimal(0)))))
    sold += [(f"F&O line of {external}", (Decimal(0), amount)) for external, amount in fo.items()]
    return [(what, pair) for what, pair in sold if any(pair)]


def _has_returned_goods(refund: dict[str, Any]) -> bool:
    return any(row["restock_type"] == "return" for row in refund["refund_line_items"])


def done_in_fo(note: str) -> str:
    """What a journal note reports as done; "" when F&O needed no change."""
    return "; ".join(part for part in note.split("; ") if not part.startswith(NOTHING_DONE))


def _account_name(shown: str) -> str:
    """Without the backslash that F&O writes before a hyphen of a displayed account."""
    return shown.replace("\\-", "-")


def _sum(amounts: Iterable[Any]) -> Decimal:
    return sum((Decimal(str(amount)) for amount in amounts), Decimal(0))
