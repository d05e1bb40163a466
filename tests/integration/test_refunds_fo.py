"""Refunds over the wire: F&O takes the documents, receives the goods, and its books say what Shopify gave back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

from local.d365 import Simulator, load_world, run_d365
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.d365.sales_orders import SalesOrder, SalesOrderDraft, create_numbered, create_sequenced
from shared.d365.tax import TaxSetups
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.mapping.customers import customer_identity, customer_record
from shared.mapping.orders.plan import LINE_KEY, check_booked, plan_sales_order
from shared.model import Item, Order, Refund, Restock
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.store.refunds import Refunds
from shared.sync.refunds import RefundPorts, RefundsReport, converge_refunds
from shared.transport import AiohttpTransport
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_table import MemoryTable
from tests.builders.refunds import back, beside, refund, state
from tests.builders.sales import (
    EU,
    US,
    address,
    dollars,
    euros,
    everything_from,
    line,
    order,
    shipping,
    tax,
    with_rules,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WORLD = Path("local/world.toml")
DENVER = address("US", "CO", city="Denver", postal_code="80202")
ITEMS = {"TENT-2P": Item("TENT-2P"), "STOVE-GAS": Item("STOVE-GAS"), "TEE-RED-M": Item("TEE", color="Red", size="M")}


class Identity(AsyncTokenCredential):
    """A token of the simulator for its one client, without the way through Entra."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        token = self.simulator.tokens.issue(self.simulator.options.client_id, self.simulator.base_url)
        return AccessToken(token.text, int(token.expires.timestamp()))


class Wire(httpx.AsyncBaseTransport):
    """The way to F&O. It breaks once, at a write: before or after F&O has served it."""

    def __init__(self) -> None:
        self.wire = AiohttpTransport()
        self.breaks_at: int | None = None
        self.served = True
        self.writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self.wire.handle_async_request(request)
        self.writes += 1
        if self.writes != self.breaks_at:
            return await self.wire.handle_async_request(request)
        if self.served:
            response = await self.wire.handle_async_request(request)
            await response.aread()
        raise httpx.ReadError("the line broke")

    async def aclose(self) -> None:
        await self.wire.aclose()


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


@dataclass
class Store:
    """One store with its F&O, where one order was sold."""

    rules: StoreRules
    sale: Order
    simulator: Simulator
    fo: ODataClient
    wire: Wire
    http: aiohttp.ClientSession
    table: MemoryTable
    link: OrderLink | None = None

    async def sell(self) -> None:
        account = customer_identity(self.sale, self.rules)
        if account != self.rules.customers.shared_account:
            await Customers(self.fo).ensure(customer_record(self.sale, self.rules, account), account, "KnownAs")
        plan = plan_sales_order(
            self.sale,
            self.rules,
            customer_account=account,
            items={each.id: ITEMS[each.sku] for each in self.sale.lines},
            allocation=everything_from(self.rules, self.sale),
        )
        draft = SalesOrderDraft(
            company=plan.company,
            reference=plan.reference,
            header=plan.header,
            lines=[each.record for each in plan.lines],
            line_key=LINE_KEY,
        )

        def accept(one: SalesOrder) -> bool:
            return check_booked(plan, one.booked) is None

        booked: SalesOrder = (
            await create_numbered(self.fo, draft, plan.number, is_new=True, accept=accept)
            if plan.number
            else await create_sequenced(self.fo, draft, accept=accept)
        )
        self.link = OrderLink(
            store=self.sale.store,
            order_id=self.sale.id,
            version=self.sale.version,
            sales_order=booked.number,
            company=plan.company,
            customer_account=account,
            sources={booked.lots[each.number]: f"{each.component}:{each.source_id}" for each in plan.lines},
        )

    async def ship(self) -> None:
        for action in ("pack", "invoice"):
            await self.post_action(f"orders/{self.rules.company}/{self.number}/{action}")

    async def converge(self, *refunds: Refund, now: datetime = NOW) -> RefundsReport:
        ports = RefundPorts(Refunds(self.table), self.fo, TaxSetups(self.fo))  # type: ignore[arg-type]  # a table in memory
        return await converge_refunds(
            state(self.sale, *refunds), link=self.link, rules=self.rules, ports=ports, now=now
        )

    @property
    def number(self) -> str:
        assert self.link is not None
        return self.link.sales_order

    def rows(self, entity_set: str) -> list[dict[str, Any]]:
        return [dict(row.values) for row in self.simulator.books.rows(entity_set)]

    async def post_action(self, path: str) -> Any:
        """What people do in F&O."""
        async with self.http.post(f"{self.simulator.base_url}/_sim/{path}", json={}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post_all(self) -> Decimal:
        """Receives and credits everything that was written; gives what it does to the customer's account."""
        before = await self.balance()
        for row in self.rows("ReturnOrderHeadersV2"):
            for action in ("receive", "invoice"):
                await self.post_action(f"returns/{self.rules.company}/{row['ReturnOrderNumber']}/{action}")
        for row in self.rows("FreeTextInvoiceHeaders"):
            await self.post_action(f"free-text-invoices/{self.rules.company}/{row['InvoiceIdentifier']}/post")
        return await self.balance() - before

    async def balance(self) -> Decimal:
        return sum((row["AmountCur"] for row in self.rows("CustTransactions")), Decimal(0))

    def on_hand(self, item: str) -> Decimal:
        bins = self.simulator.books.stock.items()
        return sum((stock.physical for place, stock in bins if place.item == item), Decimal(0))


NORDLYS = order(
    line(11, euros("249.00"), 2, discount=euros("49.80"), taxes=[tax(euros("77.79"))]),
    line(12, euros("54.95"), 3, taxes=[tax(euros("28.61"))], sku="STOVE-GAS", title="Gas stove"),
    shipping=(shipping(euros("9.95"), taxes=[tax(euros("1.73"))]),),
)
PRAIRIE = order(
    line(11, dollars("24.00"), 3, discount=dollars("2.00"), sku="TEE-RED-M", taxes=[tax(dollars("6.17"), "0.0881")]),
    store="prairie",
    taxes_included=False,
    shipping=(shipping(dollars("5.00")),),
    shipping_address=DENVER,
    billing_address=DENVER,
)


@asynccontextmanager
async def opened(rules: StoreRules, sale: Order, **kind: Any) -> AsyncIterator[Store]:
    """`kind` is how F&O behaves (local.d365.world.Company)."""
    wire = Wire()
    world = load_world(WORLD)
    world = replace(world, companies={key: replace(each, **kind) for key, each in world.companies.items()})
    async with run_d365(world) as simulator, aiohttp.ClientSession() as http:
        fo = ODataClient(
            simulator.base_url,
            Identity(simulator),
            slots=LocalSlots(8),
            timeout=5,
            breaker=NoBreaker(),
            on_call=lambda _: None,
            transport=wire,
        )
        store = Store(rules, sale, simulator, fo, wire, http, MemoryTable())
        await store.sell()
        yield store
        await fo.aclose()


@pytest.fixture
async def nordlys(wire: None) -> AsyncIterator[Store]:
    async with opened(EU, NORDLYS) as store:
        yield store


@pytest.fixture
async def prairie(wire: None) -> AsyncIterator[Store]:
    async with opened(US, PRAIRIE) as store:
        yield store


async def test_everything_that_can_go_back_goes_through_f_and_os_books(nordlys: Store) -> None:
    await nordlys.ship()
    stock = nordlys.on_hand("TENT-2P")
    first = refund(back(11, 1, "224.10", "38.89"), adjustments=[beside("-10.00", "restock")])
    second = refund(
        back(11, 1, "224.10", "38.90"),
        back(12, 2, "109.90", "19.07", Restock.NO_RESTOCK),
        adjustments=[beside("9.95", "shipping_refund", "1.73"), beside("0.05")],
        number=802,
    )
    third = refund(adjustments=[beside("5.00")], number=803)
    await nordlys.converge(first)
    report = await nordlys.converge(first, second, third)
    assert report.note.startswith("2 of 3 refunds credited: return order NLEU-000002, free text invoice ")
    expected = sum((each.worth(taxes_included=True).amount for each in (first, second, third)), Decimal(0))
    assert expected == Decimal("214.10") + Decimal("344.00") + Decimal("5.00")
    assert await nordlys.post_all() == -expected
    assert nordlys.on_hand("TENT-2P") == stock + 2
    assert (await nordlys.converge(first, second, third)).note == "F&O has all refunds"


async def test_a_return_goes_into_the_warehouse_of_its_location_by_its_disposition(nordlys: Store) -> None:
    await nordlys.ship()
    await nordlys.converge(refund(back(11, 1, "224.10", "38.89")))
    (header,), (returned,) = nordlys.rows("ReturnOrderHeadersV2"), nordlys.rows("ReturnOrderLinesV2")
    assert header["CustomerReturnReasonCode"] == "UNWANTED"
    assert (header["CustomerRequisitionNumber"], header["IsReturnProcessingStopped"]) == (nordlys.number, "No")
    assert (returned["ReturnWarehouseId"], returned["ReturnDispositionCode"]) == ("AMS", "CREDIT")
    assert (returned["ReturnSalesQuantity"], returned["LineAmount"]) == (-1, Decimal("-224.10"))


async def test_tax_on_top_is_computed_by_f_and_o_as_it_was_sold(prairie: Store) -> None:
    await prairie.ship()
    one = refund(back(11, 2, dollars("46.67"), dollars("4.11")), duties=dollars(0))
    freight = refund(adjustments=[beside(dollars("5.00"), "shipping_refund")], duties=dollars(0), number=802)
    report = await prairie.converge(one, freight)
    assert sorted(row["SalesPrice"] for row in prairie.rows("ReturnOrderLinesV2")) == [
        Decimal("23.33"),
        Decimal("23.34"),
    ]
    proof = report.evidence["801"]
    assert isinstance(proof, dict)
    assert proof["totals"][-1]["shopify"] == "50.78 USD"
    assert (proof["totals"][0]["shopify"], proof["totals"][0]["fo"]) == ("4.11 USD", "4.12 USD")
    credited = -await prairie.post_all()
    assert credited == Decimal("46.67") + Decimal("4.12") + Decimal("5.00")


@pytest.mark.parametrize("odd", ["price_unit", "charge"])
@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("given", "given"),
        ("given", "unknown"),
        ("copied", "copied"),
        ("copied", "unknown"),
        ("copied_with_charges", "copied"),
        ("copied_with_charges", "unknown"),
    ],
)
@pytest.mark.usefixtures("wire")
async def test_every_kind_of_f_and_o_credits_odd_cents_as_shopify_does(kind: str, known: str, odd: str) -> None:
    """24.00 each less 2.00 for three: one and two of them come back, as Shopify rounds their shares."""
    rules = with_rules(US, orders={"odd_cents": odd}, tenant={"return_price": known})
    async with opened(rules, PRAIRIE, return_price=kind) as store:
        await store.ship()
        one = refund(back(11, 1, dollars("23.33"), dollars("2.06")), duties=dollars(0))
        two = refund(back(11, 2, dollars("46.67"), dollars("4.11")), duties=dollars(0), number=802)
        await store.converge(one, two)
        net = [row["LineAmount"] for row in store.rows("ReturnOrderLinesV2")]
        net += [row["TransactionCurrencyAmount"] for row in store.rows("FreeTextInvoiceLines")]
        assert -sum(net) == Decimal("70.00")
        assert {row["IsReturnProcessingStopped"] for row in store.rows("ReturnOrderHeadersV2")} == {"No"}
        # F&O's tax at 2.9, 4.81 and 1.1 %, each rounded on each line, is within two cents of Shopify's 6.17.
        assert abs(-await store.post_all() - Decimal("76.17")) <= Decimal("0.02")


async def test_the_rounding_line_takes_what_f_and_os_own_tax_codes_are_off(prairie: Store) -> None:
    await prairie.ship()
    accounts = {"tax_difference": {"main_account": "618900-001"}}
    policy = {"verify": "fo", "policy": "rounding_line", "difference_item": "TAXDIFF"}
    prairie.rules = with_rules(US, tax=policy, refunds={"accounts": accounts})
    one = refund(back(11, 1, dollars("20.57"), dollars("1.81")), duties=dollars(0))
    report = await prairie.converge(one)
    proof = report.evidence["801"]
    assert isinstance(proof, dict)
    # At 2.9, 4.81 and 1.1 %: 0.60 + 0.99 + 0.23; at 8.81 % it is 1.812.
    assert (proof["totals"][0]["shopify"], proof["totals"][0]["fo"]) == ("1.81 USD", "1.82 USD")
    assert next(row["fo"] for row in proof["components"] if row["name"] == "tax_difference") == "-0.01 USD"
    assert -await prairie.post_all() == Decimal("20.57") + Decimal("1.81")


async def test_goods_wait_until_f_and_o_has_invoiced_them(nordlys: Store) -> None:
    one = refund(back(11, 1, "224.10", "38.89"))
    with pytest.raises(TransientError, match="waits until F&O has invoiced 1 x TENT-2P"):
        await nordlys.converge(one)
    assert nordlys.rows("ReturnOrderHeadersV2") == []
    await nordlys.ship()
    await nordlys.converge(one)
    assert await nordlys.post_all() == Decimal("-224.10")


async def test_f_and_os_refusal_is_passed_on_and_what_is_left_half_way_is_held(nordlys: Store) -> None:
    await nordlys.ship()
    assert EU.refunds is not None
    nordlys.rules = EU.model_copy(update={"refunds": EU.refunds.model_copy(update={"disposition": "BURN"})})
    with pytest.raises(RefusedError, match="BURN"):
        await nordlys.converge(refund(back(11, 1, "224.10", "38.89")))
    (begun,) = nordlys.rows("ReturnOrderHeadersV2")
    assert (begun["IsReturnProcessingStopped"], nordlys.rows("ReturnOrderLinesV2")) == ("Yes", [])
    nordlys.rules = EU
    await nordlys.converge(refund(back(11, 1, "224.10", "38.89")))
    assert [row["ReturnOrderNumber"] for row in nordlys.rows("ReturnOrderHeadersV2")] == [begun["ReturnOrderNumber"]]
    assert await nordlys.post_all() == Decimal("-224.10")


async def with_broken_line(store: Store, one: Refund, at: int, lost: str) -> None:
    await store.ship()
    store.wire.writes, store.wire.breaks_at, store.wire.served = 0, at, lost == "answer"
    with pytest.raises(OutcomeUnknownError):
        await store.converge(one)
    await store.converge(one, now=NOW + timedelta(minutes=4))
    assert len(store.rows("ReturnOrderHeadersV2")) == len(store.rows("ReturnOrderLinesV2")) == 1
    assert len(store.rows("FreeTextInvoiceHeaders")) == len(store.rows("FreeTextInvoiceLines")) == 1
    assert store.rows("ReturnOrderHeadersV2")[0]["IsReturnProcessingStopped"] == "No"


@pytest.mark.parametrize("lost", ["request", "answer"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
async def test_a_line_that_breaks_at_any_write_leaves_one_of_each_document(nordlys: Store, at: int, lost: str) -> None:
    """An invoice's header and lines, the return order's header and lines, and its release."""
    one = refund(back(11, 1, "224.10", "38.89"), adjustments=[beside("5.00")])
    await with_broken_line(nordlys, one, at, lost)


async def test_both_numbers_of_a_return_are_f_and_os(nordlys: Store) -> None:
    await nordlys.ship()
    report = await nordlys.converge(refund(back(11, 1, "224.10", "38.89")))
    (header,) = nordlys.rows("ReturnOrderHeadersV2")
    assert (header["ReturnOrderNumber"], header["RMANumber"]) == ("NLEU-000001", "RMA-000001")
    assert report.documents == ("return order NLEU-000001",)
