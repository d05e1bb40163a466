"""One order in F&O and its changes in Shopify: the app's own way over HTTP, against the simulator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from azure.core.credentials import AccessToken

from local.d365 import Simulator, load_world, run_d365
from shared.d365.client import ODataClient
from shared.d365.sales_orders import Draft, create_numbered
from shared.errors import TransientError
from shared.mapping.order_headers import said
from shared.mapping.order_lines import number_key
from shared.mapping.sales_order import LINE_KEY
from shared.mapping.warehouses import Allocation, Need, Part
from shared.model import Address, HoldReason, LineKind, Order, OrderState, Risk
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.order_changes import ChangePorts, ChangeReport, converge_changes
from tests.builders.sales import EU, address, euros, items_of, line, order, plan, shipping, tax

WORLD = Path("local/world.toml")
NUMBER = "SN5551234567890"


class Identity:
    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def get_token(self, *scopes: str, claims: str | None = None, **kwargs: Any) -> AccessToken:
        del scopes, claims, kwargs
        token = self.simulator.tokens.issue(self.simulator.options.client_id, self.simulator.base_url)
        return AccessToken(token.text, int(token.expires.timestamp()))


class Wire(httpx.AsyncBaseTransport):
    """A line to F&O that breaks once after F&O has served the n-th write, and writes down what is sent."""

    def __init__(self) -> None:
        self.real = httpx.AsyncHTTPTransport()
        self.writes: list[str] = []
        self.breaks_after: int | None = None
        self.spoils: bytes | None = None
        """What of a body F&O never gets to see, as if an agreement there said otherwise."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.spoils and self.spoils in request.content:
            without = request.content.replace(self.spoils, b'"LineDescription":"Tent"')
            headers = {name: value for name, value in request.headers.items() if name != "content-length"}
            request = httpx.Request(request.method, request.url, headers=headers, content=without)
        response = await self.real.handle_async_request(request)
        if request.method != "GET":
            self.writes.append(f"{request.method} {request.url.path.removeprefix('/data/').partition('(')[0]}")
            if len(self.writes) == self.breaks_after:
                await response.aread()
                raise httpx.ReadError("the line broke")
        return response

    async def aclose(self) -> None:
        await self.real.aclose()


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


class Stored:
    """The link of the order as the table would hold it; stops working when told to, before it has written."""

    def __init__(self) -> None:
        self.link: OrderLink | None = None
        self.puts = 0
        self.fails_at: int | None = None

    async def put(self, link: OrderLink) -> OrderLink:
        self.puts += 1
        if self.puts == self.fails_at:
            raise TransientError("the app was stopped")
        self.link = link
        return link


class Desk:
    """Both sides of one order: what Shopify says, and what F&O's people do."""

    def __init__(self, fo: ODataClient, wire: Wire, http: aiohttp.ClientSession, base_url: str) -> None:
        self.fo, self.wire = fo, wire
        self._http, self._base_url = http, base_url
        self.stored = Stored()
        self.allocated: list[Sequence[Need]] = []
        self.warehouse = 0

    @property
    def link(self) -> OrderLink:
        assert self.stored.link is not None
        return self.stored.link

    async def create(self, sale: Order, rules: StoreRules = EU, *, held: str = "") -> None:
        """The order in F&O as the app creates it."""
        planned = plan(sale, rules)
        draft = Draft(
            company=planned.company,
            reference=planned.reference,
            header=planned.header,
            lines=[each.record for each in planned.lines],
            line_key=LINE_KEY,
            held=bool(held),
        )
        assert planned.number is not None
        booked = await create_numbered(self.fo, draft, planned.number)
        sources = {each.number: each.source for each in planned.lines}
        self.stored.link = OrderLink(
            store=sale.store,
            order_id=sale.id,
            version=sale.version,
            sales_order=booked.number,
            company=planned.company,
            customer_account="C7001001001001",
            lots={number_key(number): lot for number, lot in booked.lots.items() if isinstance(number, Decimal)},
            sources={lot: sources[number] for number, lot in booked.lots.items() if isinstance(number, Decimal)},
            said=said(planned.header),
            held=held,
        )
        self.wire.writes.clear()

    async def change(self, sale: Order, rules: StoreRules = EU, *, risk: Risk = Risk.NONE) -> ChangeReport:
        """The order as Shopify has it now, brought to F&O."""
        state = OrderState(order=sale, refunds=(), transactions=(), risk=risk, shipped={})
        ports = ChangePorts(self.fo, self.stored, self._allocate(rules))
        report = await converge_changes(state, self.link, rules, ports, items=items_of(sale))
        await self.stored.put(report.link)
        return report

    def _allocate(self, rules: StoreRules) -> Any:
        async def allocate(wanted: Sequence[Need]) -> Allocation:
            self.allocated.append(wanted)
            chosen = rules.warehouses[self.warehouse]
            return Allocation(chosen, {need.line_id: (Part(need.quantity, chosen),) for need in wanted}, ("told to",))

        return allocate

    async def post(self, action: str, number: str = NUMBER, company: str = "nleu", **body: Any) -> None:
        """confirm, pick, pack, invoice, cancel: F&O's own people."""
        url = f"{self._base_url}/_sim/orders/{company}/{number}/{action}"
        async with self._http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def pack(self, quantities: dict[int, int]) -> None:
        """A packing slip for so many pieces of each order line."""
        lots = {source: lot for lot, source in self.link.sources.items()}
        lines = [{"lot": lots[f"products:{line_id}"], "quantity": count} for line_id, count in quantities.items()]
        await self.post("pack", lines=lines)

    async def header(self, number: str = NUMBER) -> dict[str, Any] | None:
        return await self.fo.get("SalesOrderHeadersV4", {"dataAreaId": "nleu", "SalesOrderNumber": number})

    async def lines(self, number: str = NUMBER) -> list[dict[str, Any]]:
        rows = await self.fo.query("SalesOrderLinesV3", company="nleu", where=None, select=LINE)
        return sorted((row for row in rows if row["SalesOrderNumber"] == number), key=lambda row: row["LineNumber"])

    async def quantities(self, number: str = NUMBER) -> dict[str, Decimal]:
        """By ExternalItemNumber, all lines together."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for row in await self.lines(number):
            sums[row["ExternalItemNumber"]] += row["OrderedSalesQuantity"]
        return sums

    async def amount(self, *numbers: str) -> Decimal:
        return sum(
            [row["LineAmount"] for number in numbers or (NUMBER,) for row in await self.lines(number)], Decimal(0)
        )


LINE = (
    "SalesOrderNumber",
    "LineNumber",
    "InventoryLotId",
    "ExternalItemNumber",
    "ItemNumber",
    "OrderedSalesQuantity",
    "SalesPrice",
    "LineAmount",
    "ShippingWarehouseId",
    "SalesOrderLineStatus",
    "DeliveryAddressCity",
    "DeliveryModeCode",
)


def sale(*quantities: int, freight: str = "5.00", discount: str = "0", **other: Any) -> Order:
    """An order of tents for 249.00 each, a line for each quantity, with VAT and shipping in the prices."""
    lines = [
        line(
            10 + at,
            euros("249.00"),
            quantity,
            discount=euros(discount),
            taxes=[_vat(Decimal("249.00") * quantity - Decimal(discount))],
            kind=LineKind.PRODUCT,
        )
        for at, quantity in enumerate(quantities, start=1)
        if quantity
    ]
    charged = (shipping(euros(freight), taxes=[_vat(Decimal(freight))]),) if Decimal(freight) else ()
    if not lines:
        template = order(line(11, euros("249.00")))
        return replace(template, lines=(), shipping=(), total=euros(0), total_tax=euros(0), **other)
    return order(*lines, shipping=charged, **other)


def _vat(gross: Decimal) -> Any:
    return tax(euros((gross - gross / Decimal("1.21")).quantize(Decimal("0.01"))))


def moved(**parts: Any) -> Address:
    return address(city="Utrecht", postal_code="3511 AX", street="Oudegracht 10", **parts)


@asynccontextmanager
async def running_desk() -> AsyncIterator[Desk]:
    wire = Wire()
    async with run_d365(load_world(WORLD)) as simulator, aiohttp.ClientSession() as http:
        client = ODataClient(
            simulator.base_url,
            Identity(simulator),
            max_calls=8,
            timeout=5,
            breaker=NoBreaker(),
            on_call=lambda call: None,
            transport=wire,
        )
        await client.create(
            "CustomersV3",
            {
                "dataAreaId": "nleu",
                "CustomerAccount": "C7001001001001",
                "OrganizationName": "Web buyer",
                "CustomerGroupId": "WEB",
                "SalesCurrencyCode": "EUR",
            },
        )
        yield Desk(client, wire, http, simulator.base_url)
        await client.aclose()


HELD_FOR_RISK = HoldReason.RISK.value
