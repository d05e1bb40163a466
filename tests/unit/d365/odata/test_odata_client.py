"""The OData client against answers made up one by one."""

import asyncio
import contextlib
import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.d365.odata.auth import EntraAuth
from shared.d365.odata.client import Expand, ODataClient
from shared.d365.odata.filters import any_of
from shared.d365.on_hand import read_on_hand, read_safety_stock
from shared.errors import DeniedError, OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.model import Item
from tests.builders.local_slots import LocalSlots

BASE = "https://contoso.operations.dynamics.com"
KEY = {"dataAreaId": "nleu", "CustomerAccount": "SHP-1"}


class Credential:
    """Hands out t1, t2 ...; with claims never the same one again."""

    def __init__(self, lifetime=3600.0):
        self.asked = []
        self.lifetime = lifetime

    async def get_token(self, *scopes, claims=None, **kwargs):
        self.asked.append((scopes, claims))
        await asyncio.sleep(0)
        return AccessToken(f"t{len(self.asked)}", int(1000 + self.lifetime))


class NoToken:
    async def get_token(self, *scopes, claims=None, **kwargs):
        raise ClientAuthenticationError("no identity")


class Breaker:
    def __init__(self):
        self.reported = []

    async def before(self):
        pass

    async def success(self):
        self.reported.append("success")

    async def failure(self, wait=None):
        self.reported.append(("failure", wait))


class Fo:
    """F&O as a list of answers, or of errors of the connection."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.tokens = []
        self.calls = []
        self.breaker = Breaker()

    def __call__(self, request):
        self.requests.append(request)
        self.tokens.append(request.headers["Authorization"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, credential=None, slots=None, handler=None):
        return ODataClient(
            BASE,
            credential or Credential(10**10),
            slots=slots or LocalSlots(),
            timeout=120,
            breaker=self.breaker,
            on_call=self.calls.append,
            transport=httpx.MockTransport(handler or self),
        )

    def query_of(self, index=-1):
        return {key: values[0] for key, values in parse_qs(urlsplit(str(self.requests[index].url)).query).items()}


def rows(*values, **more):
    return httpx.Response(200, json={"value": list(values), **more})


def customer(account, company="nleu"):
    return {"dataAreaId": company, "CustomerAccount": account}


async def test_a_query_always_names_company_fields_and_order():
    fo = Fo(rows())
    where = any_of("CustomerAccount", ["O'Hara", "B&B"])
    await fo.client().query("CustomersV3", company="nleu", where=where, select=["CustomerAccount"])
    assert fo.requests[0].url.path == "/data/CustomersV3"
    assert fo.query_of() == {
        "cross-company": "true",
        "$filter": "dataAreaId eq 'nleu' and (CustomerAccount eq 'O''Hara' or CustomerAccount eq 'B&B')",
        "$select": "dataAreaId,CustomerAccount",
        "$orderby": "dataAreaId,CustomerAccount",
    }


async def test_a_query_follows_its_pages_verbatim():
    link = f"{BASE}/data/CustomersV3?cross-company=true&$skip=1"
    fo = Fo(rows(customer("1"), **{"@odata.nextLink": link}), rows(customer("2")))
    found = await fo.client().query("CustomersV3", company="nleu", select=["CustomerAccount"])
    assert [row["CustomerAccount"] for row in found] == ["1", "2"]
    assert str(fo.requests[1].url) == link


async def test_a_page_is_read_only_when_the_one_before_is_used():
    link = f"{BASE}/data/CustomersV3?cross-company=true&$skip=1"
    fo = Fo(rows(customer("1"), **{"@odata.nextLink": link}), rows(customer("2")))
    pages = fo.client().pages("CustomersV3", company="nleu", select=["CustomerAccount"])
    seen = [([row["CustomerAccount"] for row in page], len(fo.requests)) async for page in pages]
    assert seen == [(["1"], 1), (["2"], 2)]


@pytest.mark.parametrize(("first", "second"), [(3, 2), (3, None), (None, 3)])
async def test_fewer_rows_than_any_page_counted_are_an_error_after_the_last_page(first, second):
    link = f"{BASE}/data/CustomersV3?cross-company=true&$skip=1"
    counts = [{"@odata.count": count} if count is not None else {} for count in (first, second)]
    fo = Fo(rows(customer("1"), **{"@odata.nextLink": link}, **counts[0]), rows(customer("2"), **counts[1]))
    pages = fo.client().pages("CustomersV3", company="nleu", select=["CustomerAccount"], counted=True)
    assert [(await anext(pages))[0]["CustomerAccount"] for _ in range(2)] == ["1", "2"]
    with pytest.raises(RefusedError, match="FO_READ_SHORT"):
        await anext(pages)
    assert "$count=true" in str(fo.requests[0].url).replace("%24", "$")


async def test_no_page_with_rows_of_another_company_is_given_out():
    link = f"{BASE}/data/CustomersV3?cross-company=true&$skip=1"
    fo = Fo(rows(customer("1"), **{"@odata.nextLink": link}), rows(customer("2", "usmf")))
    pages = fo.client().pages("CustomersV3", company="nleu", select=["CustomerAccount"])
    assert await anext(pages) == [customer("1")]
    with pytest.raises(RefusedError, match="FO_WRONG_COMPANY"):
        await anext(pages)


async def orders_with(fo):
    lines = Expand("SalesOrderLines", ("InventoryLotId", "ItemNumber"))
    return await fo.client().query("SalesOrderHeadersV2", company="nleu", select=["SalesOrderNumber"], expand=lines)


def order_row(*companies, **more):
    lines = [{"dataAreaId": company, "InventoryLotId": "L1", "ItemNumber": "TENT"} for company in companies]
    return {"dataAreaId": "nleu", "SalesOrderNumber": "1", "SalesOrderLines": lines, **more}


async def test_related_rows_come_with_their_row():
    fo = Fo(rows(order_row("nleu", "NLEU")))
    (found,) = await orders_with(fo)
    assert [line["dataAreaId"] for line in found["SalesOrderLines"]] == ["nleu", "NLEU"]
    asked = fo.query_of()
    assert asked["$expand"] == "SalesOrderLines($select=dataAreaId,InventoryLotId,ItemNumber)"
    assert asked["$select"] == "dataAreaId,SalesOrderNumber"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (order_row("nleu", "usmf"), "FO_WRONG_COMPANY"),
        (order_row("nleu", **{"SalesOrderLines@odata.nextLink": f"{BASE}/data/more"}), "FO_READ_SHORT"),
    ],
)
async def test_related_rows_of_another_company_and_a_part_of_them_are_refused(row, code):
    with pytest.raises(RefusedError, match=code):
        await orders_with(Fo(rows(row)))


async def test_on_hand_is_read_page_by_page_and_only_wanted_items_are_kept():
    def stock(item):
        dimensions = ("ProductColorId", "ProductConfigurationId", "ProductSizeId", "ProductStyleId", "ProductVersionId")
        amounts = ("OnHandQuantity", "ReservedOnHandQuantity", "AvailableOnHandQuantity", "OrderedQuantity")
        return {
            **dict.fromkeys(dimensions, ""),
            **dict.fromkeys((*amounts, "OnOrderQuantity"), 3),
            "dataAreaId": "nleu",
            "ItemNumber": item,
            "InventorySiteId": "1",
            "InventoryWarehouseId": "AMS",
        }

    link = f"{BASE}/data/WarehousesOnHandV2?cross-company=true&$skip=2"
    fo = Fo(rows(stock("TENT"), stock("MUG"), **{"@odata.nextLink": link}), rows(stock("LAMP")))
    found = await read_on_hand(fo.client(), "nleu", [Item("TENT"), Item("LAMP")], ["AMS"])
    assert [(each.item.number, each.physical) for each in found] == [("TENT", 3), ("LAMP", 3)]
    assert str(fo.requests[1].url) == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/data/CustomersV3",
        "http://contoso.operations.dynamics.com/data/CustomersV3",
        "https://contoso.operations.dynamics.com:444/data/CustomersV3",
        "//evil.example/data/CustomersV3",
    ],
)
async def test_the_token_follows_no_link_to_another_origin(link):
    fo = Fo(rows(customer("1"), **{"@odata.nextLink": link}))
    with pytest.raises(RefusedError, match="next page"):
        await fo.client().query("CustomersV3", company="nleu", select=["CustomerAccount"])
    assert len(fo.requests) == 1


async def test_rows_of_another_company_are_refused():
    fo = Fo(rows(customer("1"), customer("2", "usmf")))
    with pytest.raises(RefusedError) as refused:
        await fo.client().query("CustomersV3", company="nleu", select=["CustomerAccount"])
    assert (refused.value.code, refused.value.details["found"]) == ("FO_WRONG_COMPANY", "usmf")


async def test_the_company_is_compared_without_case():
    fo = Fo(rows(customer("1", "nleu")))
    assert await fo.client().query("CustomersV3", company="NLEU", select=["CustomerAccount"])


async def test_a_record_that_is_not_there_is_none():
    assert await Fo(httpx.Response(404)).client().get("CustomersV3", KEY) is None


async def test_a_record_is_read_by_its_key_with_exact_numbers():
    fo = Fo(httpx.Response(200, content=b'{"dataAreaId":"nleu","CreditLimit":0.10}'))
    found = await fo.client().get("CustomersV3", KEY)
    assert found == {"dataAreaId": "nleu", "CreditLimit": Decimal("0.10")}
    assert str(fo.requests[0].url) == (
        f"{BASE}/data/CustomersV3(dataAreaId='nleu',CustomerAccount='SHP-1')?cross-company=true"
    )


async def test_a_record_is_written_with_exact_numbers():
    fo = Fo(httpx.Response(201, json={"dataAreaId": "nleu"}))
    await fo.client().create("CustomersV3", {"dataAreaId": "nleu", "CreditLimit": Decimal("0.10")})
    assert fo.requests[0].content == b'{"dataAreaId":"nleu","CreditLimit":0.10}'
    assert fo.requests[0].headers["Content-Type"].startswith("application/json")


async def test_a_record_created_in_another_company_is_noticed():
    fo = Fo(httpx.Response(201, json={"dataAreaId": "usmf"}))
    with pytest.raises(RefusedError, match="FO_WRONG_COMPANY"):
        await fo.client().create("CustomersV3", {"dataAreaId": "nleu"})


async def test_a_creation_that_is_answered_without_the_record_may_have_happened():
    """As by a gateway that broke off after the head of F&O's answer."""
    fo = Fo(httpx.Response(201))
    with pytest.raises(OutcomeUnknownError, match="without the record"):
        await fo.client().create("CustomersV3", {"dataAreaId": "nleu"})


async def test_update_and_delete_address_the_record():
    fo = Fo(httpx.Response(204))
    client = fo.client()
    await client.update("CustomersV3", KEY, {"NameAlias": "x"})
    await client.delete("CustomersV3", KEY)
    assert [(request.method, request.url.path) for request in fo.requests] == [
        ("PATCH", "/data/CustomersV3(dataAreaId='nleu',CustomerAccount='SHP-1')"),
        ("DELETE", "/data/CustomersV3(dataAreaId='nleu',CustomerAccount='SHP-1')"),
    ]


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
async def test_a_write_that_was_never_sent_may_be_sent_again(error):
    fo = Fo(error)
    with pytest.raises(TransientError) as failed:
        await fo.client().create("CustomersV3", {"dataAreaId": "nleu"})
    assert type(failed.value) is TransientError
    assert fo.breaker.reported == [("failure", None)]


@pytest.mark.parametrize("error", [httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")])
async def test_a_write_without_an_answer_has_to_be_looked_for(error):
    fo = Fo(error)
    with pytest.raises(OutcomeUnknownError):
        await fo.client().update("CustomersV3", KEY, {})
    with pytest.raises(TransientError) as failed:
        await fo.client().get("CustomersV3", KEY)
    assert type(failed.value) is TransientError


async def test_after_a_time_out_f_and_o_gets_time_to_finish_before_the_next_attempt():
    fo = Fo(httpx.ReadTimeout("slow"))
    with pytest.raises(OutcomeUnknownError) as lost:
        await fo.client().update("CustomersV3", KEY, {})
    assert lost.value.retry_after == timedelta(seconds=120)
    with pytest.raises(TransientError) as failed:
        await fo.client().get("CustomersV3", KEY)
    assert failed.value.retry_after is None


async def test_no_address_is_longer_than_gateways_take():
    fo = Fo(rows())
    warehouses = [f"WAREHOUSE{number}" for number in range(6)]
    items = {Item(f"ITEM-WITH-A-LONG-NUMBER {number}") for number in range(100)}
    await read_safety_stock(fo.client(), "nleu", items, warehouses)
    await read_on_hand(fo.client(), "nleu", items, warehouses)
    assert len(fo.requests) > 2
    assert max(len(str(request.url)) for request in fo.requests) < 2000


@pytest.mark.parametrize(
    ("status", "reported"),
    [
        (200, "success"),
        (400, "success"),
        (404, "success"),
        (500, "success"),
        (502, ("failure", None)),
        (503, ("failure", None)),
        (429, ("failure", timedelta(seconds=30))),
    ],
)
async def test_the_breaker_gets_every_result_that_shows_whether_f_and_o_works(status, reported):
    fo = Fo(httpx.Response(status, json=customer("SHP-1")))
    with contextlib.suppress(RefusedError, TransientError):
        await fo.client().get("CustomersV3", KEY)
    assert fo.breaker.reported == [reported]


async def test_an_open_breaker_sends_nothing():
    class Open(Breaker):
        async def before(self):
            raise TransientError("pause", retry_after=timedelta(seconds=5))

    fo = Fo(rows())
    fo.breaker = Open()
    with pytest.raises(TransientError, match="pause"):
        await fo.client().get("CustomersV3", KEY)
    assert fo.requests == []


async def test_a_throttled_call_is_not_repeated_here():
    fo = Fo(httpx.Response(429, headers={"Retry-After": "12"}))
    with pytest.raises(ThrottledError) as throttled:
        await fo.client().get("CustomersV3", KEY)
    assert throttled.value.retry_after == timedelta(seconds=12)
    assert len(fo.requests) == 1


async def test_each_call_is_reported_with_the_id_that_f_and_o_logs():
    fo = Fo(httpx.Response(404))
    await fo.client().get("CustomersV3", KEY)
    [call] = fo.calls
    assert (call.method, call.entity_set, call.status) == ("GET", "CustomersV3", 404)
    assert call.request_id == fo.requests[0].headers["x-ms-client-request-id"]


async def test_no_more_calls_at_once_than_allowed():
    at_once = 0
    most = 0
    full, gate = asyncio.Event(), asyncio.Event()

    async def slow(request):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == 3:
            full.set()
        await gate.wait()
        at_once -= 1
        return httpx.Response(404)

    client = Fo().client(slots=LocalSlots(3), handler=slow)
    calls = [asyncio.create_task(client.get("CustomersV3", KEY)) for _ in range(10)]
    await full.wait()
    await asyncio.sleep(0.01)  # a fourth call would have its chance now
    gate.set()
    await asyncio.gather(*calls)
    assert most == 3


async def test_no_cookie_is_sent_back():
    fo = Fo(httpx.Response(404, headers={"Set-Cookie": "ARRAffinity=abc; Path=/"}))
    client = fo.client()
    await client.get("CustomersV3", KEY)
    await client.get("CustomersV3", KEY)
    assert "cookie" not in fo.requests[1].headers


async def test_a_change_set_is_one_request():
    fo = Fo(httpx.Response(429))
    with pytest.raises(ThrottledError):
        await fo.client().change_set([])
    assert fo.requests[0].url.path == "/data/$batch"
    assert fo.calls[0].entity_set == "$batch"
    boundary = fo.requests[0].headers["Content-Type"].partition("boundary=")[2]
    assert fo.requests[0].content.startswith(f"--{boundary}\r\n".encode())


async def test_the_token_is_for_the_environment_and_is_kept():
    credential = Credential(10**10)
    fo = Fo(httpx.Response(404))
    client = fo.client(credential)
    await asyncio.gather(*(client.get("CustomersV3", KEY) for _ in range(5)))
    assert credential.asked == [((f"{BASE}/.default",), None)]
    assert set(fo.tokens) == {"Bearer t1"}


async def test_a_refused_token_is_replaced_once():
    credential = Credential(10**10)
    fo = Fo(httpx.Response(401), httpx.Response(404))
    assert await fo.client(credential).get("CustomersV3", KEY) is None
    assert fo.tokens == ["Bearer t1", "Bearer t2"]
    assert [claims for _, claims in credential.asked] == [None, "{}"]


async def test_calls_refused_at_once_share_one_new_token():
    credential = Credential(10**10)
    refused = asyncio.Barrier(5)

    async def until_renewed(request):
        if request.headers["Authorization"] == "Bearer t1":
            await refused.wait()
            return httpx.Response(401)
        return httpx.Response(404)

    client = Fo().client(credential, handler=until_renewed)
    await asyncio.gather(*(client.get("CustomersV3", KEY) for _ in range(5)))
    assert len(credential.asked) == 2


async def test_a_write_is_sent_whole_again_with_the_new_token():
    fo = Fo(httpx.Response(401), httpx.Response(201, json={"dataAreaId": "nleu"}))
    await fo.client().create("CustomersV3", {"dataAreaId": "nleu"})
    assert [json.loads(request.content) for request in fo.requests] == [{"dataAreaId": "nleu"}] * 2


async def test_a_token_refused_twice_is_a_refusal_for_the_administrator():
    fo = Fo(httpx.Response(401))
    with pytest.raises(DeniedError, match="FO_DENIED"):
        await fo.client().get("CustomersV3", KEY)
    assert len(fo.requests) == 2


async def test_without_a_token_nothing_is_sent_and_the_breaker_is_not_blamed():
    fo = Fo(rows())
    with pytest.raises(TransientError, match="ClientAuthenticationError"):
        await fo.client(NoToken()).get("CustomersV3", KEY)
    assert (fo.requests, fo.breaker.reported) == ([], [])


async def test_a_token_near_its_end_is_renewed_before():
    now = 1000.0
    credential = Credential(3600)
    auth = EntraAuth(credential, f"{BASE}/", now=lambda: now)
    async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(lambda _: httpx.Response(200))) as http:
        await http.get(BASE)
        now = 1000 + 3600 - 301
        await http.get(BASE)
        assert len(credential.asked) == 1
        now = 1000 + 3600 - 299
        await http.get(BASE)
    assert credential.asked == [((f"{BASE}/.default",), None)] * 2


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        (httpx.Response(404), True),
        (httpx.Response(504), False),
        (httpx.Response(503), True),
        (httpx.ReadTimeout("late"), False),
        (httpx.ConnectTimeout("nobody there"), True),
        (httpx.ReadError("reset"), True),
    ],
)
async def test_only_a_call_that_fo_may_still_execute_leaves_its_slot_taken(end, ended):
    fo, slots = Fo(end), LocalSlots()
    with contextlib.suppress(TransientError):
        await fo.client(slots=slots).get("CustomersV3", KEY)
    assert slots.freed == [ended]


async def test_a_call_that_is_given_up_half_way_leaves_its_slot_taken():
    sent = asyncio.Event()

    async def silent(request):
        sent.set()
        await asyncio.Event().wait()

    slots = LocalSlots()
    call = asyncio.create_task(Fo().client(slots=slots, handler=silent).get("CustomersV3", KEY))
    await sent.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert slots.freed == [False]


async def test_a_slot_lost_while_the_breaker_was_read_sends_nothing():
    class Lost(LocalSlots):
        def start(self):
            raise TransientError("lost")

    fo, slots = Fo(rows()), Lost()
    with pytest.raises(TransientError, match="lost"):
        await fo.client(slots=slots).get("CustomersV3", KEY)
    assert (fo.requests, fo.calls, slots.freed) == ([], [], [True])
