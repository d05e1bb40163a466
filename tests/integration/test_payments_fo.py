"""Payments over the wire: Azure tables record them, and F&O has each transaction once, posts and settles it."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count, product

import httpx
import pytest
from azure.data.tables.aio import TableClient, TableServiceClient
from builders.root import ROOT
from test_d365_client_orders import Identity, Line, NoBreaker

from local.azurite import connection_string, start_azurite
from local.d365 import Options, Simulator, load_world, run_d365
from local.d365.faults import Fault
from local.d365.world import Customer
from local.process import free_port
from shared.d365.odata.client import ODataClient
from shared.d365.payment_journals import PaymentJournals
from shared.errors import OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.mapping.payments.differences import payment_differences
from shared.model import OrderState, Rate, TransactionKind, TransactionStatus
from shared.store.payments import Payments
from shared.store.shared_rows import SharedRows
from shared.sync.payments import PaymentPorts, PaymentsReport, converge_payments
from tests.builders.local_slots import LocalSlots
from tests.builders.payments import ACCOUNT, NOON, Clock, link, state, transaction
from tests.builders.sales import EU, US, dollars, euros, line, order, with_rules

JOURNALS, LINES = "CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines"
KINDS = TransactionKind


@dataclass
class PaymentScenario:
    """F&O, the app's table, a clock, and as many instances of the app as a test wants."""

    fo: Simulator
    table: TableClient
    clock: Clock = field(default_factory=Clock)
    clients: list[ODataClient] = field(default_factory=list)

    def client(self, wire: Line | None = None) -> ODataClient:
        client = ODataClient(
            self.fo.base_url,
            Identity(self.fo),
            slots=LocalSlots(8),
            timeout=5.0,
            breaker=NoBreaker(),
            on_call=lambda call: None,
            transport=wire,
        )
        self.clients.append(client)
        return client

    def connect(self, wire: Line | None = None) -> PaymentPorts:
        """One more instance of the app."""
        journals = PaymentJournals(self.client(wire), SharedRows(self.table, "journals"), now=self.clock)
        return PaymentPorts(Payments(self.table), journals, now=self.clock)

    async def converge(self, one: OrderState, ports: PaymentPorts | None = None, **changes) -> PaymentsReport:
        rules = changes.pop("rules", EU)
        return await converge_payments(one, link=link(one, **changes), rules=rules, ports=ports or self.connect())

    def lines(self) -> dict[str, dict]:
        """F&O's payment lines by payment id, each once."""
        rows = [row.values for row in self.fo.books.rows(LINES)]
        ids = Counter(row["PaymentId"] for row in rows)
        assert set(ids.values()) <= {1}, ids
        return {row["PaymentId"]: row for row in rows}

    def amounts(self) -> dict[str, Decimal]:
        return {number: row["CreditAmount"] - row["DebitAmount"] for number, row in self.lines().items()}

    def journals(self) -> list[tuple[str, str, str]]:
        rows = [row.values for row in self.fo.books.rows(JOURNALS)]
        return sorted((row["JournalBatchNumber"], row["Description"], row["IsPosted"]) for row in rows)

    def calls(self) -> int:
        """How many HTTP requests F&O got."""
        return sum(self.fo.http_calls.values())

    async def admin(self, path: str) -> dict:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.fo.base_url}/_sim/{path}", json={})
            assert answer.is_success, answer.text
            return answer.json()


@pytest.fixture(scope="module")
async def tables(wire: None):
    ports = {name: free_port() for name in ("blob", "queue", "table")}
    part = await start_azurite(ROOT, **{f"{name}_port": port for name, port in ports.items()}, log=lambda *_: None)
    connection = connection_string(ports["blob"], ports["queue"], ports["table"])
    numbers = count(1)
    async with TableServiceClient.from_connection_string(connection) as service:

        async def new_table() -> TableClient:
            return await service.create_table(f"payments{next(numbers)}")

        yield new_table
    await part.stop()


@pytest.fixture
async def scenario(tables):
    async with run_d365(load_world(ROOT / "local/world.toml"), Options(page_size=3)) as fo, await tables() as table:
        everything = PaymentScenario(fo, table)
        await everything.client().create(
            "CustomersV3",
            {
                "dataAreaId": "nleu",
                "CustomerAccount": ACCOUNT,
                "PartyType": "Person",
                "PersonFirstName": "Ada",
                "PersonLastName": "Lovelace",
                "CustomerGroupId": "WEB",
                "SalesCurrencyCode": "EUR",
            },
        )
        fo.http_calls.clear()
        yield everything
        for client in everything.clients:
            await client.aclose()


def another_order(number: int, *transactions, amount="100.00") -> OrderState:
    return state(*transactions, sale=order(line(price=euros(amount)), id=number))


# ---- what is booked


async def test_a_sale_is_a_credit_in_an_open_journal(scenario):
    report = await scenario.converge(state(transaction(7_001_002_003_004, "100.00")))
    assert report.written == 1
    row = scenario.lines()["7001002003004"]
    expected = {
        "JournalBatchNumber": "00001",
        "LineNumber": 1,
        "AccountDisplayValue": ACCOUNT,
        "CustomerName": "Ada Lovelace",
        "CreditAmount": 100,
        "DebitAmount": 0,
        "CurrencyCode": "EUR",
        "PaymentMethodName": "SHOPPAY",
        "OffsetAccountType": "Bank",
        "OffsetAccountDisplayValue": r"SHOP\-EUR",
        "PaymentReference": "SN5551234567890",
        "TransactionText": "Shopify #1001",
        "IsPrepayment": "No",
    }
    assert {name: row[name] for name in expected} == expected
    assert scenario.journals() == [("00001", "shopify nordlys 2026-11-23 EUR", "No")]


async def test_the_first_payment_of_a_day_costs_four_requests_and_later_ones_two(scenario):
    ports = scenario.connect()
    await scenario.converge(state(transaction(1)), ports)
    assert scenario.calls() == 4
    scenario.fo.http_calls.clear()
    later = another_order(7, transaction(2, "60.00"), transaction(3, "40.00", gateway="paypal"))
    await scenario.converge(later, ports)
    assert scenario.calls() == 2
    scenario.fo.http_calls.clear()
    await scenario.converge(later, ports)
    assert scenario.calls() == 0


async def test_money_that_did_not_move_is_not_booked(scenario):
    authorized = transaction(1, kind=KINDS.AUTHORIZATION)
    failed = transaction(2, status=TransactionStatus.FAILURE)
    pending = transaction(3, status=TransactionStatus.PENDING)
    void = transaction(4, kind=KINDS.VOID)
    for one in (state(), state(authorized), state(authorized, failed, pending), state(authorized, void)):
        assert (await scenario.converge(one)).written == 0
    assert (scenario.calls(), scenario.lines()) == (0, {})


async def test_captures_are_booked_as_they_come_each_in_its_days_journal(scenario):
    authorized = transaction(1, kind=KINDS.AUTHORIZATION)
    first = transaction(2, "60.00", kind=KINDS.CAPTURE, parent_id=1)
    late = transaction(3, "30.00", kind=KINDS.CAPTURE, parent_id=1, processed_at=NOON + timedelta(days=9))
    void = transaction(4, "10.00", kind=KINDS.VOID, parent_id=1)
    for known in ((authorized,), (authorized, first), (authorized, first, late), (authorized, first, late, void)):
        await scenario.converge(state(*known))
    assert scenario.amounts() == {"2": 60, "3": 30}
    assert [description[-14:-4] for _, description, _ in scenario.journals()] == ["2026-11-23", "2026-12-02"]


async def test_every_gateway_goes_to_its_own_account(scenario):
    gateways = ["shopify_payments", "paypal", "gift_card", "shopify_store_credit", "manual", "cash"]
    payments = [transaction(at, "10.00", gateway=gateway) for at, gateway in enumerate(gateways, start=1)]
    await scenario.converge(state(*payments, total="60.00"))
    taken = [
        (row["PaymentMethodName"], row["OffsetAccountDisplayValue"]) for _, row in sorted(scenario.lines().items())
    ]
    assert taken == [
        ("SHOPPAY", r"SHOP\-EUR"),
        ("PAYPAL", "PAYPAL"),
        ("GIFTCARD", "213100"),
        ("CREDIT", "213110"),
        ("MANUAL", "110160"),
        ("CASH", "110110"),
    ]


async def test_a_payment_from_abroad_settles_its_order_exactly(scenario):
    rate = Rate(booked=euros("13.50"), paid=dollars("9.00"))
    await scenario.converge(state(transaction(1, "12.77", paid=dollars("9.00")), total="13.50", rate=rate))
    assert scenario.amounts() == {"1": Decimal("12.77"), "1-X": Decimal("0.73")}
    assert scenario.lines()["1-X"]["OffsetAccountDisplayValue"] == "618160"
    assert scenario.lines()["1-X"]["JournalBatchNumber"] == scenario.lines()["1"]["JournalBatchNumber"]


async def test_each_booked_currency_has_a_journal_of_its_own(scenario):
    await scenario.converge(state(transaction(1)))
    await scenario.converge(state(transaction(2, dollars("50.00")), sale=order(line(price=dollars("50.00")), id=7)))
    assert [description[-3:] for _, description, _ in scenario.journals()] == ["EUR", "USD"]
    assert (scenario.lines()["2"]["CurrencyCode"], scenario.lines()["2"]["ExchangeRate"]) == ("USD", Decimal("86.5"))


async def test_money_out_is_a_debit_once_it_is_really_out(scenario):
    sale, back = transaction(1), transaction(2, "20.00", kind=KINDS.REFUND, status=TransactionStatus.PENDING)
    await scenario.converge(state(sale, back))
    assert scenario.amounts() == {"1": 100}
    await scenario.converge(state(sale, replace(back, status=TransactionStatus.SUCCESS)))
    assert scenario.amounts() == {"1": 100, "2": -20}
    assert scenario.lines()["2"]["PaymentReference"] == "SN5551234567890"


async def test_a_store_that_rounds_cash_and_writes_dimensions_is_understood(scenario):
    sale = order(line(price=dollars("10.02")), store="prairie", id=9)
    paid = transaction(1, dollars("10.02"), rounding="-0.02", gateway="cash")
    await scenario.converge(
        state(paid, sale=sale), rules=US, company="usmf", customer_account="WEB-US", sales_order="000123"
    )
    assert scenario.amounts() == {"1": 10, "1-R": Decimal("0.02")}
    row = scenario.lines()["1-R"]
    assert (row["AccountDisplayValue"], row["OffsetAccountDisplayValue"]) == (r"WEB\-US", "618900-001")
    assert {each["PostingProfile"] for each in scenario.lines().values()} == {"GEN"}


async def test_a_refusal_of_f_and_o_is_reported_in_its_words_and_nothing_is_written(scenario):
    method = {
        "gateway": "paypal",
        "currency": "EUR",
        "method": "NOSUCH",
        "offset_type": "ledger",
        "offset_account": "1",
    }
    wrong = with_rules(EU, payments={"methods": (method, *EU.model_dump()["payments"]["methods"])})
    one = state(transaction(1, "60.00"), transaction(2, "40.00", gateway="paypal"))
    with pytest.raises(RefusedError, match="NOSUCH") as refused:
        await scenario.converge(one, rules=wrong)
    assert refused.value.code == "FO_REJECTED"
    assert scenario.lines() == {}
    assert (await scenario.converge(one)).written == 2


# ---- the open journal


async def test_a_posted_journal_is_followed_by_the_next_of_the_day(scenario):
    ports = scenario.connect()
    await scenario.converge(state(transaction(1)), ports)
    await scenario.admin("journals/nleu/00001/post")
    await scenario.converge(another_order(7, transaction(2)), ports)
    await scenario.converge(another_order(8, transaction(3)))
    assert scenario.journals() == [
        ("00001", "shopify nordlys 2026-11-23 EUR", "Yes"),
        ("00002", "shopify nordlys 2026-11-23 EUR 2", "No"),
    ]
    assert [scenario.lines()[number]["JournalBatchNumber"] for number in ("1", "2", "3")] == ["00001", "00002", "00002"]


async def test_lines_that_people_add_to_our_journal_are_not_in_the_way(scenario):
    ports = scenario.connect()
    await scenario.converge(state(transaction(1)), ports)
    row = scenario.lines()["1"]
    copied = {name: row[name] for name in ("dataAreaId", "JournalBatchNumber", "AccountDisplayValue", "CurrencyCode")}
    people = scenario.client()
    for number in (2, 3, 4, 5):
        await people.create(
            LINES, copied | {"LineNumber": Decimal(number), "DebitAmount": Decimal(1), "PaymentId": f"by hand {number}"}
        )
    await scenario.converge(another_order(7, transaction(2), transaction(3, "1.00")), ports)
    assert [scenario.lines()[number]["LineNumber"] for number in ("2", "3")] == [6, 7]


async def test_orders_of_several_instances_meet_in_one_journal(scenario):
    await scenario.converge(state(transaction(1)))
    instances = [scenario.connect() for _ in range(3)]
    orders = [another_order(7000 + at, transaction(100 + at), transaction(200 + at, "1.00")) for at in range(12)]
    await asyncio.gather(*(scenario.converge(one, instances[at % 3]) for at, one in enumerate(orders)))
    assert len(scenario.lines()) == 25
    assert len(scenario.journals()) == 1
    assert sorted(row["LineNumber"] for row in scenario.lines().values()) == list(range(1, 26))


async def test_instances_that_begin_the_day_together_open_one_journal(scenario):
    orders = [another_order(7000 + at, transaction(100 + at)) for at in range(4)]
    instances = [scenario.connect() for _ in orders]
    waiting = list(range(4))
    for _ in range(4):
        results = await asyncio.gather(
            *(scenario.converge(orders[at], instances[at]) for at in waiting), return_exceptions=True
        )
        assert all(isinstance(each, PaymentsReport | TransientError) for each in results), results
        waiting = [at for at, each in zip(waiting, results, strict=True) if isinstance(each, TransientError)]
    assert waiting == []
    assert sorted(scenario.lines()) == ["100", "101", "102", "103"]
    assert len(scenario.journals()) == 1


# ---- never twice, never lost


async def test_the_same_order_handled_by_two_instances_at_once_is_booked_once(scenario):
    one = state(transaction(1, "30.00", gateway="gift_card"), transaction(2, "70.00"))
    results = await asyncio.gather(*(scenario.converge(one) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(each, PaymentsReport | TransientError) for each in results), results
    assert scenario.amounts() == {"1": 30, "2": 70}


async def test_a_time_out_after_f_and_o_had_written_is_looked_up(scenario):
    one = state(transaction(1))
    scenario.fo.faults.add(Fault("timeout_after_commit", entity_set="$batch"))
    with pytest.raises(OutcomeUnknownError):
        await scenario.converge(one)
    with pytest.raises(TransientError) as waiting:
        await scenario.converge(one)
    scenario.clock.pass_by(seconds=waiting.value.retry_after.total_seconds())
    assert (await scenario.converge(one)).adopted == 1
    assert scenario.amounts() == {"1": 100}


@pytest.mark.parametrize(
    ("kind", "entity_set"),
    [
        *product(("throttle", "bad_gateway", "unavailable", "reset"), (JOURNALS, LINES, "$batch")),
        *product(("update_conflict",), (JOURNALS, LINES)),
    ],
)
async def test_whatever_f_and_o_suffers_from_each_payment_is_there_once_in_the_end(scenario, kind, entity_set):
    one = state(transaction(1, "30.00", gateway="gift_card"), transaction(2, "70.00"))
    if entity_set == LINES:  # a journal that exists is looked into
        await scenario.converge(another_order(9, transaction(9)))
    scenario.fo.faults.add(Fault(kind, entity_set=entity_set))
    with pytest.raises(TransientError) as failed:
        await scenario.converge(one)
    assert isinstance(failed.value, ThrottledError) is (kind == "throttle")
    scenario.clock.pass_by(minutes=4)
    await scenario.converge(one)
    assert {number: amount for number, amount in scenario.amounts().items() if number != "9"} == {"1": 30, "2": 70}
    assert len(scenario.journals()) == 1


async def test_no_payment_is_searched_in_all_journals_unless_its_outcome_is_unknown(scenario):
    """F&O has no index for payment ids: the search reads every line that was ever written."""
    one = state(transaction(1, "30.00", gateway="gift_card"))
    await scenario.converge(one)
    more = state(*one.transactions, transaction(2, "70.00"), transaction(3, "20.00", kind=KINDS.REFUND))
    await scenario.converge(more)
    assert (scenario.amounts(), scenario.fo.scans) == ({"1": 30, "2": 70, "3": -20}, {})
    last = state(*more.transactions, transaction(4, "5.00", kind=KINDS.REFUND))
    scenario.fo.faults.add(Fault("reset", entity_set="$batch"))
    with pytest.raises(OutcomeUnknownError):
        await scenario.converge(last)
    scenario.clock.pass_by(minutes=4)
    await scenario.converge(last)
    assert (scenario.amounts()["4"], scenario.fo.scans) == (-5, {LINES: 1})


async def test_a_journal_that_a_user_has_open_takes_the_payment_later(scenario):
    await scenario.converge(state(transaction(1)))
    async with httpx.AsyncClient() as http:
        await http.post(f"{scenario.fo.base_url}/_sim/journals/nleu/00001/use")
        other = another_order(7, transaction(2))
        for _ in range(2):
            with pytest.raises(TransientError, match="payment journal 00001 is in use in F&O"):
                await scenario.converge(other)
        await http.delete(f"{scenario.fo.base_url}/_sim/journals/nleu/00001/use")
    await scenario.converge(other)
    assert scenario.amounts() == {"1": 100, "2": 100}
    assert scenario.fo.scans == {}


@pytest.mark.parametrize("delimiter", ["-", "_", ".", "|", "~"])
async def test_accounts_are_written_with_the_delimiter_of_the_tenant(scenario, delimiter):
    world = scenario.fo.world
    companies = {**world.companies, "nleu": replace(world.companies["nleu"], account_delimiter=delimiter)}
    customers = (Customer("nleu", f"C{delimiter}7", "Ada", "WEB", "EUR"),)
    scenario.fo.world = replace(world, companies=companies, customers=(*world.customers, *customers))
    scenario.fo.reset()
    rules = with_rules(EU, tenant={"account_delimiter": delimiter})
    await scenario.converge(state(transaction(1)), customer_account=f"C{delimiter}7", rules=rules)
    row = scenario.lines()["1"]
    bank = r"SHOP\-EUR" if delimiter == "-" else "SHOP-EUR"
    assert (row["AccountDisplayValue"], row["OffsetAccountDisplayValue"]) == (rf"C\{delimiter}7", bank)


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3, 4])  # look for the journal's lines, look for a journal, open it, write
async def test_a_line_that_breaks_at_any_request_costs_only_time(scenario, at, served):
    one = state(transaction(1, "30.00", gateway="gift_card"), transaction(2, "70.00"))
    with pytest.raises(TransientError, match="no answer"):
        await scenario.converge(one, scenario.connect(Line(at, served=served)))
    scenario.clock.pass_by(minutes=4)
    await scenario.converge(one)
    assert scenario.amounts() == {"1": 30, "2": 70}
    assert len(scenario.journals()) == 1


async def test_an_app_that_lost_its_memory_finds_everything_in_f_and_o(scenario, tables):
    one = state(transaction(1), transaction(2, "20.00", kind=KINDS.REFUND))
    await scenario.converge(one)
    async with await tables() as table:
        scenario.table = table
        assert (await scenario.converge(one)).adopted == 2
        await scenario.converge(another_order(7, transaction(3)))
    assert len(scenario.journals()) == 1
    assert scenario.lines()["3"]["LineNumber"] == 3


# ---- in the end


async def test_a_posted_payment_settles_the_orders_invoice(scenario):
    client = scenario.client()
    number = "SN5551234567890"
    await client.create(
        "SalesOrderHeadersV4",
        {
            "dataAreaId": "nleu",
            "SalesOrderNumber": number,
            "OrderingCustomerAccountNumber": ACCOUNT,
            "DefaultShippingSiteId": "EU",
            "DefaultShippingWarehouseId": "AMS",
            "CurrencyCode": "EUR",
            "ArePricesIncludingSalesTax": "Yes",
        },
    )
    await client.create(
        "SalesOrderLinesV3",
        {
            "dataAreaId": "nleu",
            "SalesOrderNumber": number,
            "ItemNumber": "LAMP-HEAD",
            "OrderedSalesQuantity": 2,
            "SalesPrice": Decimal("34.50"),
        },
    )
    await scenario.converge(state(transaction(1, "69.00"), total="69.00"))
    for action in ("confirm", "pick", "pack", "invoice"):
        await scenario.admin(f"orders/nleu/{number}/{action}")
    await scenario.admin("journals/nleu/00001/post")
    settled = await scenario.admin(f"orders/nleu/{number}/settle")
    assert [(each["type"], each["open"]) for each in settled["transactions"]] == [("Sales", 0), ("Payment", 0)]


async def test_a_sweep_sees_what_a_person_did_to_a_payment(scenario):
    one = state(transaction(1), transaction(2, "20.00", kind=KINDS.REFUND))
    await scenario.converge(one)
    journals = scenario.connect().journals

    async def swept() -> list[str]:
        lines = await journals.search_order("nleu", "SN5551234567890")
        found = payment_differences(one, EU, customer_account=ACCOUNT, sales_order="SN5551234567890", lines=lines)
        return [str(each) for each in found]

    assert await swept() == []
    key = {"dataAreaId": "nleu", "JournalBatchNumber": "00001"}
    people = scenario.client()
    await people.update(LINES, {**key, "LineNumber": Decimal(1)}, {"CreditAmount": Decimal("99.99")})
    await people.delete(LINES, {**key, "LineNumber": Decimal(2)})
    assert await swept() == [
        "payment 1: 99.99 EUR in F&O, 100.00 EUR in Shopify",
        "payment 2: nothing in F&O, -20.00 EUR in Shopify",
    ]
