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
    Parcel,
    ParkedOrder,
    SalesOrder,
    StockLevel,
)
from local.process import StackError
from local.stack import Stack

_WAIT_SECONDS: Final = 60.0
NOTHING_DONE: Final = ("F&O has", "no refunds", "no money has moved")
"""How the parts of a journal note begin that report no change in F&O."""
_COMPANIES: Final = {"nordlys": "nleu", "prairie": "usmf"}
_WAREHOUSES: Final = "AMS", "HAM"

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
        before = {row["event_id"] for row in await self._journal(order)}
        for name, wish in steps:
            url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/{name}"
            await answer_of(self._http.post(url, json=wish))
        await self.settle()
        notes = [row["note"] for row in await self._journal(order) if row["event_id"] not in before]
        return OrderChange(
            flow, order.label, what, tuple(dict.fromkeys(note for note in map(done_in_fo, notes) if note))
        )

    async def payment(self, order: Placed, what: str) -> OrderChange:
        """How the order was paid, with F&O's lines of payment journals that refer to it."""
        numbers = {each["number"] for each in await self._booked(order)}
        journals = await answer_of(
            self._http.get(f"{self._stack.d365}/_sim/journals?company={_COMPANIES[order.store]}")
        )
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
        await self._run("write_back")
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/metafields"
        fields = await answer_of(self._http.get(url))
        shown = ", ".join(f"{each['key']} = {each['value']}" for each in fields)
        return OrderNumber(order.label, shown, ", ".join(each["number"] for each in await self._booked(order)))

    async def start_shipments(self) -> None:
        """From now on the timer finds what leaves F&O's warehouses."""
        await self._run("push_shipments")

    # ---- what staff do in F&O

    async def ship(self, order: Placed, parcels: Sequence[Mapping[str, int]]) -> list[Parcel]:
        """Ships parcels of item -> units, each from a warehouse of its own and with its tracking number, and shows them
        in Shopify.
        """
        (booked,) = await self._booked(order)
        company, lots = _COMPANIES[order.store], {line["item"]: line["lot"] for line in booked["lines"]}
        left: dict[str, str] = {}
        for units, warehouse in zip(parcels, _WAREHOUSES, strict=True):
            tracking = f"JD{booked['number'][-6:]}{warehouse}"
            lines = [{"lot": lots[item], "quantity": count, "warehouse": warehouse} for item, count in units.items()]
            parcel = {"lines": lines, "carrier": "DHL", "tracking_number": tracking}
            await answer_of(
                self._http.post(f"{self._stack.d365}/_sim/orders/{company}/{booked['number']}/pack", json=parcel)
            )
            left[tracking] = f"{_goods(units)} from {warehouse}"
        handled = {row["event_id"] for row in await self._journal(order)}
        await self._run("push_shipments")
        await self._wait_for(order, "shipments/moved", handled)
        await self.settle()
        url = f"{self._stack.shopify}/{order.shop}/_sim/orders/{order.order['id']}/fulfillments"
        shown = {each["tracking_number"]: each for each in (await answer_of(self._http.get(url)))["fulfillments"]}
        return [
            Parcel(order.label, tracking, text, _shown(shown[tracking]) if tracking in shown else "")
            for tracking, text in left.items()
        ]

    async def invoice(self, order: Placed) -> None:
        """Invoices what was shipped, and ships and invoices what was not."""
        (booked,) = await self._booked(order)
        await self._post(f"orders/{_COMPANIES[order.store]}/{booked['number']}", "pack", "invoice")

    async def adjust_on_hand(self, company: str, item: str, warehouse: str, delta: int) -> None:
        movement = {"company": company, "item": item, "warehouse": warehouse, "delta": delta}
        await answer_of(self._http.post(f"{self._stack.d365}/_sim/on-hand", json=movement))

    async def close_the_books(self, placed: Sequence[Placed]) -> list[Account]:
        """F&O ships and invoices all that is open, receives what is returned, posts and settles the payments."""
        read = []
        for order in placed:
            shopify, company = await self._shopify(order), _COMPANIES[order.store]
            booked = await self._booked(order)
            for each in booked:
                if each["status"] == "Backorder":
                    await self._post(f"orders/{company}/{each['number']}", "pack", "invoice")
            for refund in shopify["refunds"]:
                if _has_returned_goods(refund):
                    await self._post(f"returns/{company}/{await self._return_number(refund)}", "receive", "invoice")
            read.append((order, shopify, booked))
        for company in _COMPANIES.values():
            for journal in await answer_of(self._http.get(f"{self._stack.d365}/_sim/journals?company={company}")):
                await self._post(f"journals/{company}/{journal['number']}", "post")
        return [await self._account(*each) for each in read]

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
        await self._run("push_stock")
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

    async def _run(self, function: str) -> None:
        """Calls a timer's function now."""
        answer = await self._http.post(f"{self._stack.host}/admin/functions/{function}?wait=true", json={"input": ""})
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StackError(f"{function} failed: {answer.json()['error']} See build/demo.log.")

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

    async def _wait_for(self, order: Placed, topic: str, handled: Collection[str]) -> None:
        until = time.monotonic() + _WAIT_SECONDS
        while not any(row["topic"] == topic and row["event_id"] not in handled for row in await self._journal(order)):
            if time.monotonic() > until:
                raise StackError(f"No {topic} of {order.name} after {_WAIT_SECONDS:.0f} s; see build/demo.log.")
            await asyncio.sleep(0.1)

    async def _journal(self, order: Placed) -> list[dict[str, Any]]:
        return await self._rows(f"PartitionKey eq '{order.key}'")

    async def _rows(self, where: str) -> list[dict[str, Any]]:
        async with TableServiceClient.from_connection_string(self._stack.storage) as service:
            found = service.get_table_client("journal").query_entities(f"{where} and outcome ne 'waiting'")
            return [dict(row) async for row in found]


def _goods(units: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {item}" for item, count in units.items())


def _shown(fulfillment: Mapping[str, Any]) -> str:
    goods = _goods({line["sku"]: line["quantity"] for line in fulfillment["line_items"]})
    return f"{goods} with {fulfillment['tracking_company']}"


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
