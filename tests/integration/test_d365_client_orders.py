"""Sales orders and customers are created once, whatever is lost on the way, in both number strategies."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from azure.core.credentials import AccessToken

from local.d365 import load_world, run_d365
from local.d365.faults import Fault
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.d365.sales_orders import SalesOrderDraft, create_numbered, create_sequenced, find_by_number
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.transport import AiohttpTransport
from tests.builders.local_slots import LocalSlots

NUMBER = "SH5551"
WORLD = Path("local/world.toml")


class Identity:
    """A token of the simulator for its one client, without the way through Entra."""

    def __init__(self, simulator):
        self.simulator = simulator

    async def get_token(self, *scopes, claims=None, **kwargs):
        token = self.simulator.tokens.issue(self.simulator.options.client_id, self.simulator.base_url)
        return AccessToken(token.text, int(token.expires.timestamp()))


class Line(httpx.AsyncBaseTransport):
    """A line to F&O that breaks once, at the n-th request, before or after F&O has served it."""

    def __init__(self, breaks_at=0, *, served=True):
        self.wire = AiohttpTransport()
        self.breaks_at = breaks_at
        self.served = served
        self.count = 0

    async def handle_async_request(self, request):
        self.count += 1
        if self.count != self.breaks_at:
            return await self.wire.handle_async_request(request)
        if self.served:
            response = await self.wire.handle_async_request(request)
            await response.aread()
        raise httpx.ReadError("the line broke")

    async def aclose(self):
        await self.wire.aclose()


class NoBreaker:
    async def before(self):
        pass

    async def success(self):
        pass

    async def failure(self, wait=None):
        pass


@pytest.fixture
async def fo(wire: None):
    async with run_d365(load_world(WORLD)) as simulator:
        yield simulator


@pytest.fixture
async def connect(fo):
    clients = []

    def new(line=None):
        client = ODataClient(
            fo.base_url,
            Identity(fo),
            slots=LocalSlots(8),
            timeout=5,
            breaker=NoBreaker(),
            on_call=lambda call: None,
            transport=line or Line(),
        )
        clients.append(client)
        return client

    yield new
    for client in clients:
        await client.aclose()


@pytest.fixture
async def client(connect):
    client = connect()
    for company, group, currency in (("nleu", "WEB", "EUR"),):
        await client.create(
            "CustomersV3",
            {
                "dataAreaId": company,
                "CustomerAccount": "SHP-1",
                "OrganizationName": "Web buyer",
                "CustomerGroupId": group,
                "SalesCurrencyCode": currency,
            },
        )
    return client


def numbered_draft(**changes):
    lines = [
        {"LineNumber": Decimal(1), "ItemNumber": "TENT-2P", "OrderedSalesQuantity": 2, "SalesPrice": Decimal("249.00")},
        {
            "LineNumber": Decimal(2),
            "ItemNumber": "MUG-ENAMEL",
            "OrderedSalesQuantity": 3,
            "SalesPrice": Decimal("9.99"),
        },
    ]
    for line in lines:
        line |= {"ShippingSiteId": "EU", "ShippingWarehouseId": "AMS"}
    return SalesOrderDraft(
        **{
            "company": "nleu",
            "reference": "SHOPIFY-5551",
            "header": {"OrderingCustomerAccountNumber": "SHP-1", "CurrencyCode": "EUR"},
            "lines": lines,
            "line_key": "LineNumber",
        }
        | changes
    )


def sequenced_draft(**changes):
    lines = [
        {"LineNumber": Decimal(number), "ItemNumber": "TEE", "ProductColorId": "Red", "ProductSizeId": size}
        | {"OrderedSalesQuantity": 2, "SalesPrice": Decimal("24.00")}
        | {"ShippingSiteId": "1", "ShippingWarehouseId": "11"}
        for number, size in ((1, "M"), (2, "L"), (3, "M"))
    ]
    return SalesOrderDraft(
        **{
            "company": "usmf",
            "reference": "SHOPIFY-777",
            "header": {"OrderingCustomerAccountNumber": "WEB-US", "CurrencyCode": "USD"},
            "lines": lines,
            "line_key": "LineNumber",
        }
        | changes
    )


def anything(order):
    return True


async def what_f_and_o_has(client, company, reference):
    headers = [
        header
        for header in await client.query(
            "SalesOrderHeadersV4",
            company=company,
            select=["SalesOrderNumber", "CustomersOrderReference", "IsSalesProcessingStopped"],
        )
        if header["CustomersOrderReference"] == reference
    ]
    numbers = {header["SalesOrderNumber"] for header in headers}
    lines = await client.query(
        "SalesOrderLinesV3",
        company=company,
        select=["SalesOrderNumber", "LineNumber", "ItemNumber", "LineAmount"],
        order_by=["LineNumber"],
    )
    return (
        [header["IsSalesProcessingStopped"] for header in headers],
        [(row["LineNumber"], row["LineAmount"]) for row in lines if row["SalesOrderNumber"] in numbers],
    )


# ---- our own numbers


async def test_header_and_lines_take_one_request(client, fo):
    fo.clear_calls()
    order = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert dict(fo.http_calls) == {"POST /data/$batch": 1}
    assert (order.number, order.created, set(order.lots)) == (NUMBER, True, {1, 2})
    assert all(order.lots.values())
    assert [row["LineAmount"] for row in order.booked] == [Decimal(498), Decimal("29.97")]


async def test_a_second_attempt_adopts_the_order(client):
    first = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    second = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert (second.created, second.number, second.lots) == (False, first.number, first.lots)
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == (
        ["No"],
        [(1, Decimal(498)), (2, Decimal("29.97"))],
    )


async def test_an_order_of_another_source_is_not_touched(client):
    await create_numbered(client, numbered_draft(reference="TYPED-IN"), NUMBER, is_new=True, accept=anything)
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert refused.value.code == "FO_FOREIGN_ORDER"
    assert refused.value.details == {"number": NUMBER, "found": "TYPED-IN", "reference": "SHOPIFY-5551"}


async def test_one_bad_line_leaves_nothing_behind(client):
    draft = numbered_draft()
    draft.lines[1]["ItemNumber"] = "GHOST-1"
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, draft, NUMBER, is_new=True, accept=anything)
    assert (
        refused.value.details["what"] == "a change set of 3 writes (POST SalesOrderHeadersV4, POST SalesOrderLinesV3)"
    )
    assert "'GHOST-1' in field 'Item number'" in refused.value.details["infolog"]
    assert await find_by_number(client, draft, NUMBER) is None


@pytest.mark.parametrize("served", [True, False])
async def test_a_lost_answer_creates_no_second_order(client, connect, served):
    with pytest.raises(OutcomeUnknownError):
        await create_numbered(connect(Line(1, served=served)), numbered_draft(), NUMBER, is_new=True, accept=anything)
    order = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert order.created is not served
    assert set(order.lots) == {1, 2}
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == (
        ["No"],
        [(1, Decimal(498)), (2, Decimal("29.97"))],
    )


async def test_two_workers_at_once_create_one_order(client):
    attempts = (create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything) for _ in range(5))
    orders = await asyncio.gather(*attempts)
    assert sum(order.created for order in orders) == 1
    assert len({tuple(order.lots.items()) for order in orders}) == 1


async def test_an_order_that_people_changed_is_adopted_as_it_is(client):
    first = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    await client.delete("SalesOrderLinesV3", {"dataAreaId": "nleu", "InventoryLotId": first.lots[Decimal(2)]})
    second = await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert set(second.lots) == {1}


async def test_an_order_of_an_earlier_attempt_is_found_by_its_reference(client, fo):
    first = await create_numbered(client, numbered_draft(), "MINE-1", is_new=True, accept=anything)
    fo.books.numbers.set_kind("nleu", "sales order", "replaced")
    second = await create_numbered(client, numbered_draft(), NUMBER, is_new=False, accept=anything)
    assert (second.number, second.created, second.lots) == ("MINE-1", False, first.lots)


async def test_a_held_order_under_f_and_os_number_is_completed(client):
    header = numbered_draft().header | {"dataAreaId": "nleu", "CustomersOrderReference": "SHOPIFY-5551"}
    begun = await client.create("SalesOrderHeadersV4", header | {"IsSalesProcessingStopped": "Yes"})
    order = await create_numbered(client, numbered_draft(), NUMBER, is_new=False, accept=anything)
    assert (order.number, set(order.lots)) == (begun["SalesOrderNumber"], {1, 2})
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == (
        ["No"],
        [(1, Decimal(498)), (2, Decimal("29.97"))],
    )


async def test_a_number_that_f_and_o_replaces_leaves_nothing_behind(client, fo):
    fo.books.numbers.set_kind("nleu", "sales order", "replaced")
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert (refused.value.code, refused.value.details["number"]) == ("FO_NUMBER_REPLACED", NUMBER)
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == ([], [])


async def test_lines_that_went_to_another_apps_order_are_taken_back(client, fo):
    await create_numbered(client, numbered_draft(reference="TYPED-IN"), NUMBER, is_new=True, accept=anything)
    before = await what_f_and_o_has(client, "nleu", "TYPED-IN")
    fo.books.numbers.set_kind("nleu", "sales order", "replaced")
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert refused.value.code == "FO_NUMBER_REPLACED"
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == ([], [])
    assert await what_f_and_o_has(client, "nleu", "TYPED-IN") == before


async def test_an_empty_order_under_another_number_is_held_for_a_person(client, connect, fo):
    """Its lines went to another app's order, and the answer was lost."""
    await create_numbered(client, numbered_draft(reference="TYPED-IN"), NUMBER, is_new=True, accept=anything)
    fo.books.numbers.set_kind("nleu", "sales order", "replaced")
    with pytest.raises(OutcomeUnknownError):
        await create_numbered(connect(Line(1)), numbered_draft(), NUMBER, is_new=True, accept=anything)
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, numbered_draft(), NUMBER, is_new=False, accept=anything)
    assert (refused.value.code, refused.value.details["reason"]) == (
        "FO_NUMBER_REPLACED",
        "it created NLEU-000001 without lines",
    )
    assert await what_f_and_o_has(client, "nleu", "SHOPIFY-5551") == (["Yes"], [])


async def test_any_other_refusal_is_f_and_os_own(client, fo):
    fo.books.numbers.set_kind("nleu", "sales order", "refused")
    with pytest.raises(RefusedError) as refused:
        await create_numbered(client, numbered_draft(), NUMBER, is_new=True, accept=anything)
    assert (refused.value.code, "does not allow manual" in refused.value.details["infolog"]) == ("FO_REJECTED", True)


# ---- numbers that F&O draws


async def test_the_order_is_held_until_it_is_accepted(client):
    seen = []

    def accept(order):
        seen.append([row["LineAmount"] for row in order.booked])
        return True

    order = await create_sequenced(client, sequenced_draft(), accept=accept)
    assert order.created
    assert seen == [[48, 48, 48]]
    assert await what_f_and_o_has(client, "usmf", "SHOPIFY-777") == (["No"], [(1, 48), (2, 48), (3, 48)])


async def test_an_order_that_is_not_accepted_stays_held(client):
    def refuse(order):
        raise RefusedError("FO_SUM_DIFFERS", booked="144", expected="150")

    with pytest.raises(RefusedError, match="FO_SUM_DIFFERS"):
        await create_sequenced(client, sequenced_draft(), accept=refuse)
    assert await what_f_and_o_has(client, "usmf", "SHOPIFY-777") == (["Yes"], [(1, 48), (2, 48), (3, 48)])


STEPS = 4  # look up, create the header, create the lines, release


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_a_crash_after_any_step_ends_in_the_same_state(client, connect, step, served):
    line = Line(step, served=served)
    with pytest.raises(TransientError, match="no answer to"):
        await create_sequenced(connect(line), sequenced_draft(), accept=anything)
    assert line.count == step
    order = await create_sequenced(client, sequenced_draft(), accept=anything)
    assert set(order.lots) == {1, 2, 3}
    assert await what_f_and_o_has(client, "usmf", "SHOPIFY-777") == (["No"], [(1, 48), (2, 48), (3, 48)])


async def test_the_undisturbed_way_takes_four_requests(connect):
    line = Line()
    await create_sequenced(connect(line), sequenced_draft(), accept=anything)
    assert line.count == STEPS


async def test_a_second_run_changes_nothing(client):
    first = await create_sequenced(client, sequenced_draft(), accept=anything)
    second = await create_sequenced(client, sequenced_draft(), accept=anything)
    assert (second.created, second.lots, second.number) == (False, first.lots, first.number)


async def test_lines_that_are_there_stay_as_they_are_and_are_judged(client):
    """The stock was another at the first attempt, so the lines were divided otherwise."""
    divided = [{**sequenced_draft().lines[0], "LineNumber": Decimal(number)} for number in (1, 4, 5)]

    def crash(order):
        raise TransientError("the process died")

    with pytest.raises(TransientError, match="the process died"):
        await create_sequenced(client, sequenced_draft(lines=divided), accept=crash)
    seen = []
    order = await create_sequenced(client, sequenced_draft(), accept=seen.append)
    assert (order.created, order.held, seen) == (False, True, [order])
    assert await what_f_and_o_has(client, "usmf", "SHOPIFY-777") == (["Yes"], [(1, 48), (4, 48), (5, 48)])


async def test_what_people_did_to_a_released_order_is_theirs(client):
    first = await create_sequenced(client, sequenced_draft(), accept=anything)
    await client.delete("SalesOrderLinesV3", {"dataAreaId": "usmf", "InventoryLotId": first.lots[Decimal(2)]})
    second = await create_sequenced(client, sequenced_draft(), accept=anything)
    assert set(second.lots) == {1, 3}


async def test_two_orders_with_our_reference_are_a_matter_for_people(client):
    header = {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": "WEB-US", "CustomersOrderReference": "SHOPIFY-777"}
    for _ in range(2):
        await client.create("SalesOrderHeadersV4", header)
    with pytest.raises(RefusedError) as refused:
        await create_sequenced(client, sequenced_draft(), accept=anything)
    assert (refused.value.code, refused.value.details["count"]) == ("FO_DUPLICATE", "2")


async def test_a_reference_that_only_looks_alike_is_another_order(client):
    header = {"dataAreaId": "usmf", "OrderingCustomerAccountNumber": "WEB-US", "CustomersOrderReference": "shopify-777"}
    await client.create("SalesOrderHeadersV4", header)
    assert (await create_sequenced(client, sequenced_draft(), accept=anything)).created


# ---- orders of more lines than F&O takes in one request


def large(draft, lines=5, **changes):
    first = draft.lines[0]
    many = [{**first, "LineNumber": Decimal(number)} for number in range(1, lines + 1)]
    return replace(draft, lines=many, lines_per_request=2, **changes)


async def create_large(client, way, **changes):
    if way == "numbered":
        draft = large(numbered_draft(), **changes)
        return await create_numbered(client, draft, NUMBER, is_new=False, accept=anything)
    return await create_sequenced(client, large(sequenced_draft(), **changes), accept=anything)


BOTH_WAYS = pytest.mark.parametrize(
    ("way", "where", "amount", "steps"),
    [("numbered", ("nleu", "SHOPIFY-5551"), 498, 5), ("sequenced", ("usmf", "SHOPIFY-777"), 48, 6)],
)
"""One request to look, three for five lines and one to release; where F&O draws the number, one for the header."""


@BOTH_WAYS
async def test_a_large_order_is_held_until_its_last_request_is_done(client, connect, fo, *, way, where, amount, steps):
    line = Line()
    order = await create_large(connect(line), way)
    assert (order.created, order.held, list(order.lots)) == (True, False, [1, 2, 3, 4, 5])
    assert line.count == steps
    assert fo.batched_calls["POST SalesOrderLinesV3"] == 5
    assert await what_f_and_o_has(client, *where) == (["No"], [(number, amount) for number in range(1, 6)])


@BOTH_WAYS
@pytest.mark.parametrize("served", [True, False])
async def test_a_large_order_is_completed_wherever_it_was_cut_off(
    client, connect, fo, *, way, where, amount, steps, served
):
    whole = [(number, amount) for number in range(1, 6)]
    for step in range(1, steps + 1):
        fo.reset()
        await client.create("CustomersV3", {**BUYER, "CustomerAccount": "SHP-1"})
        with pytest.raises(TransientError, match="no answer to"):
            await create_large(connect(Line(step, served=served)), way)
        held, lines = await what_f_and_o_has(client, *where)
        assert held in ([], ["Yes"]) or lines == whole, "what is not complete is held"
        order = await create_large(client, way)
        assert list(order.lots) == [1, 2, 3, 4, 5]
        assert await what_f_and_o_has(client, *where) == (["No"], whole), step


@BOTH_WAYS
async def test_a_large_order_that_is_to_be_held_stays_held(client, *, way, where, amount, steps):
    assert (await create_large(client, way, held=True)).held
    assert await what_f_and_o_has(client, *where) == (["Yes"], [(number, amount) for number in range(1, 6)])


# ---- customers

BUYER = {
    "dataAreaId": "nleu",
    "CustomerAccount": "SHP-77",
    "OrganizationName": "Buyer",
    "CustomerGroupId": "WEB",
    "SalesCurrencyCode": "EUR",
}
NUMBERED_BY_FO = {
    "dataAreaId": "usmf",
    "OrganizationName": "Buyer",
    "KnownAs": "SHP-77",
    "CustomerGroupId": "30",
    "SalesCurrencyCode": "USD",
}


async def accounts(customers, record, field=None, times=1):
    found = [await customers.ensure(record, "SHP-77", field) for _ in range(times)]
    assert all(each.has_identity for each in found)
    return {each.account for each in found}


async def test_a_customer_is_created_once(client, fo):
    assert await accounts(Customers(client), BUYER, times=3) == {"SHP-77"}
    assert fo.http_calls["POST /data/CustomersV3"] == 2  # the fixture's and this one


async def test_parallel_orders_of_one_customer_create_one(client, fo):
    customers = Customers(client)
    found = await asyncio.gather(*(accounts(customers, BUYER) for _ in range(5)))
    assert set().union(*found) == {"SHP-77"}
    assert fo.http_calls["POST /data/CustomersV3"] == 2


async def test_another_instance_that_was_faster_is_no_error(client, connect):
    found = await asyncio.gather(*(accounts(Customers(connect()), BUYER) for _ in range(5)))
    assert set().union(*found) == {"SHP-77"}


async def test_a_customer_under_a_number_of_f_and_o_is_found_again(client):
    (first,) = await accounts(Customers(client), NUMBERED_BY_FO, "KnownAs")
    assert first == "USMF-000001"
    assert await accounts(Customers(client), NUMBERED_BY_FO, "KnownAs") == {first}


async def test_the_account_is_the_one_that_f_and_o_answers_with(client, fo):
    fo.books.numbers.set_kind("nleu", "customer", "replaced")
    assert await accounts(Customers(client), BUYER | {"KnownAs": "SHP-77"}, "KnownAs", times=2) == {"NLEU-000001"}


async def test_a_customer_of_an_earlier_release_is_found_by_its_account(client):
    await client.create("CustomersV3", BUYER)
    record = {name: value for name, value in BUYER.items() if name != "CustomerAccount"}
    assert await accounts(Customers(client), record | {"KnownAs": "SHP-77"}, "KnownAs") == {"SHP-77"}


@pytest.mark.parametrize("field", ["NoSuchField", "CreditLimit"])
async def test_a_field_that_f_and_o_cannot_search_creates_nothing(client, fo, field):
    fo.clear_calls()
    with pytest.raises(RefusedError) as refused:
        await Customers(client).ensure(NUMBERED_BY_FO, "SHP-77", field)
    assert (refused.value.code, refused.value.details["field"]) == ("CUSTOMER_FIELD_UNUSABLE", field)
    assert fo.http_calls["POST /data/CustomersV3"] == 0


async def test_a_field_in_which_f_and_o_stores_something_else_is_told(client, fo):
    fo.faults.add(Fault("override", "POST", "CustomersV3", field="KnownAs", value="Buyer"))
    created = await Customers(client).ensure(NUMBERED_BY_FO, "SHP-77", "KnownAs")
    assert (created.account, created.has_identity) == ("USMF-000001", False)


async def test_a_customer_that_f_and_o_refuses_is_refused(client):
    with pytest.raises(RefusedError) as refused:
        await accounts(Customers(client), {**BUYER, "CustomerGroupId": "Local"})
    assert refused.value.code == "FO_REJECTED"


@pytest.mark.parametrize(("record", "field"), [(BUYER, None), (NUMBERED_BY_FO, "KnownAs")])
async def test_a_customer_whose_answer_was_lost_is_found_at_the_next_attempt(client, fo, record, field):
    fo.faults.add(Fault("timeout_after_commit", "POST", "CustomersV3", ms=20))
    customers = Customers(client)
    with pytest.raises(OutcomeUnknownError):
        await customers.ensure(record, "SHP-77", field)
    assert len(await accounts(customers, record, field)) == 1
    assert len([row for row in fo.books.rows("CustomersV3") if row.values["OrganizationName"] == "Buyer"]) == 1
