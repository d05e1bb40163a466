"""The Admin API client against answers made up one by one, on a clock of its own."""

import asyncio
import heapq
import itertools
import json
import logging
from decimal import Decimal
from urllib.parse import parse_qs

import httpx
import pytest

from shared.errors import DeniedError, OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.settings import Secret
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.shopify.queries import parse
from shared.shopify.scopes import missing_scopes
from tests.builders.static_token import StaticToken

SHOP = "https://nordlys.myshopify.com"
QUERY = parse("query Shop { shop { name } }")
MUTATION = parse("mutation Tag { tagsAdd { userErrors { message } } }")
IDEMPOTENT = parse("mutation Set { set @idempotent(key: $key) { userErrors { message } } }")


class Time:
    """A clock that only sleep moves."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(round(seconds, 6))
        self.now += seconds


class Shopify:
    """Shopify as a list of answers, or of errors of the connection; the last one stands."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.tokens = []
        self.calls = []
        self.versions = []
        self.time = Time()

    def __call__(self, request):
        self.requests.append(request)
        self.tokens.append(request.headers.get("X-Shopify-Access-Token"))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, tokens=None, bucket=None, sleep=None):
        return AdminClient(
            httpx.AsyncClient(transport=httpx.MockTransport(self)),
            SHOP,
            api_version="2026-10",
            tokens=tokens or StaticToken(Secret("shpat_static")),
            on_call=self.calls.append,
            on_other_version=self.versions.append,
            bucket=bucket or CostBucket(clock=self.time),
            sleep=sleep or self.time.sleep,
        )


class SharedShop:
    """A shop's bucket of 2,000 points, 100 more each second, and callers a tenth of a second away."""

    def __init__(self, *, cost):
        self.cost = cost
        self.taken = self.refused = 0
        self._now, self._available, self._filled = 0.0, 2000.0, 0.0
        self._steps = []
        self._numbers = itertools.count()

    def clock(self):
        return self._now

    def at(self, time, step):
        heapq.heappush(self._steps, (time, next(self._numbers), step))

    def run(self, *, seconds):
        while self._steps[0][0] < seconds:
            self._now, _, step = heapq.heappop(self._steps)
            step()

    def caller(self, bucket):
        """Sends the same document again and again, as the bucket lets it."""

        def send():
            if (wait := bucket.wait("Shop")) > 0:
                self.at(self._now + wait, send)
                return
            charge = bucket.charged("Shop")
            charge.__enter__()
            self.at(self._now + 0.05, lambda: self.at(self._now + 0.05, self._answer(bucket, charge, send)))

        return send

    def _answer(self, bucket, charge, again):
        self._available = min(2000.0, self._available + 100 * (self._now - self._filled))
        self._filled = self._now
        is_good = self._available >= self.cost
        self._available -= self.cost * is_good
        self.taken += is_good
        self.refused += not is_good
        told = cost(self.cost, int(self._available))

        def arrive():
            charge.__exit__(None, None, None)
            bucket.learn("Shop", told)
            again()

        return arrive


def good(data=None, cost=None, **headers):
    body = {"data": data or {"shop": {"name": "Nordlys"}}}
    if cost:
        body["extensions"] = {"cost": cost}
    return httpx.Response(200, json=body, headers=headers)


def cost(requested, available, *, maximum=2000, rate=100):
    status = {"maximumAvailable": maximum, "currentlyAvailable": available, "restoreRate": rate}
    return {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}


def errors(*codes, message="no", **body):
    listed = [{"message": message, "extensions": {"code": code}} for code in codes]
    return httpx.Response(200, json={"errors": listed, **body})


def throttled(requested, available):
    return errors("THROTTLED", message="Throttled", extensions={"cost": cost(requested, available)})


# ---- asking


async def test_a_document_goes_to_the_pinned_version_with_its_variables():
    shopify = Shopify(good())
    data = await shopify.client().run(QUERY, {"price": Decimal("12.50"), "first": 5})
    assert data == {"shop": {"name": "Nordlys"}}
    [request] = shopify.requests
    assert str(request.url) == f"{SHOP}/admin/api/2026-10/graphql.json"
    assert json.loads(request.content) == {
        "query": QUERY.text,
        "operationName": "Shop",
        "variables": {"price": "12.50", "first": 5},
    }
    assert request.headers["X-Shopify-Access-Token"] == "shpat_static"


async def test_no_float_touches_an_amount():
    shopify = Shopify(httpx.Response(200, content=b'{"data":{"rate":0.10,"id":820982911946154508}}'))
    assert await shopify.client().run(QUERY, {}) == {"rate": Decimal("0.10"), "id": 820982911946154508}
    with pytest.raises(TypeError):
        await shopify.client().run(QUERY, {"price": object()})


async def test_each_call_is_reported_with_shopifys_request_id():
    shopify = Shopify(good(**{"X-Request-Id": "abc-1"}))
    await shopify.client().run(QUERY, {})
    [call] = shopify.calls
    assert (call.query, call.status, call.request_id) == ("Shop", 200, "abc-1")


async def test_another_version_is_reported_once():
    shopify = Shopify(good(**{"X-Shopify-API-Version": "2027-01"}))
    client = shopify.client()
    for _ in range(3):
        await client.run(QUERY, {})
    assert shopify.versions == ["2027-01"]


async def test_the_pinned_version_is_not_reported():
    shopify = Shopify(good(**{"X-Shopify-API-Version": "2026-10"}))
    await shopify.client().run(QUERY, {})
    assert shopify.versions == []


# ---- the budget


async def test_a_throttled_document_waits_until_it_can_be_paid_and_a_tenth_is_left():
    shopify = Shopify(throttled(500, 100), good())
    await shopify.client().run(QUERY, {})
    assert shopify.time.slept == [6.0]


async def test_a_document_that_cannot_be_paid_yet_is_not_even_sent():
    shopify = Shopify(good(cost=cost(300, 50)))
    client = shopify.client()
    await client.run(QUERY, {})
    assert shopify.time.slept == []
    await client.run(QUERY, {})
    assert shopify.time.slept == [4.5]
    assert len(shopify.requests) == 2


async def test_documents_at_once_share_one_budget():
    shopify = Shopify(good(cost=cost(100, 300)))
    client = shopify.client()
    await client.run(QUERY, {})
    shopify.answers = [good()]
    await asyncio.gather(*(client.run(QUERY, {}) for _ in range(3)))
    assert shopify.time.now == pytest.approx(2.0)


async def test_the_budget_does_not_grow_over_its_maximum():
    time = Time()
    bucket = CostBucket(clock=time)
    bucket.learn("Shop", cost(1500, 1000))
    await time.sleep(3600)
    with bucket.charged("Shop"):
        assert bucket.wait("Shop") == 12.0


async def test_an_answer_does_not_give_back_what_a_later_call_takes():
    bucket = CostBucket(clock=Time())
    bucket.learn("Shop", cost(300, 1000))
    with bucket.charged("Shop"):
        bucket.learn("Shop", cost(300, 700))  # of a call before it
        assert bucket.wait("Shop") == 1.0


@pytest.mark.parametrize(("processes", "at_once"), [(1, 16), (4, 1), (4, 8)])
async def test_processes_that_share_a_shop_use_its_budget_up_and_are_hardly_refused(processes, at_once):
    """Shopify's bucket against as many clients, each of which knows only its own answers."""
    shop = SharedShop(cost=40)
    for _ in range(processes):
        bucket = CostBucket(clock=shop.clock)
        for _ in range(at_once):
            shop.at(0, shop.caller(bucket))
    shop.run(seconds=120)
    assert shop.taken >= 0.95 * (2000 + 120 * 100) / 40
    assert shop.refused <= 0.1 * shop.taken


async def test_a_document_that_costs_more_than_the_budget_is_left_to_shopify_to_refuse():
    bucket = CostBucket(clock=Time())
    bucket.learn("Huge", cost(5000, 2000))
    assert bucket.wait("Huge") == 0


async def test_a_long_wait_is_left_to_the_queue():
    shopify = Shopify(throttled(1900, 0))
    with pytest.raises(ThrottledError) as error:
        await shopify.client().run(QUERY, {})
    assert error.value.retry_after is not None
    assert error.value.retry_after.total_seconds() == 20
    assert len(shopify.requests) == 1


async def test_a_dear_document_that_cheap_ones_keep_overtaking_is_left_to_the_queue():
    shopify = Shopify(good(cost=cost(1000, 0)))
    bucket = CostBucket(clock=shopify.time)
    bucket.learn("Shop", cost(1000, 900))

    async def overtaken(seconds):
        await shopify.time.sleep(seconds)
        bucket.learn("Cheap", cost(1, 900))

    with pytest.raises(ThrottledError, match="budget is spent"):
        await shopify.client(bucket=bucket, sleep=overtaken).run(QUERY, {})
    assert shopify.time.slept == [3.0] * 5
    assert shopify.requests == []


async def test_a_throttled_answer_without_figures_waits_a_second():
    shopify = Shopify(errors("THROTTLED"), good())
    await shopify.client().run(QUERY, {})
    assert shopify.time.slept == [1.0]


async def test_it_gives_up_after_three_attempts():
    shopify = Shopify(throttled(500, 400))
    with pytest.raises(ThrottledError):
        await shopify.client().run(MUTATION, {})
    assert len(shopify.requests) == 3


@pytest.mark.parametrize(("header", "seconds"), [({"Retry-After": "2.0"}, 2.0), ({}, 1.0), ({"Retry-After": "x"}, 1.0)])
async def test_http_429_waits_for_retry_after(header, seconds):
    shopify = Shopify(httpx.Response(429, headers=header), good())
    await shopify.client().run(MUTATION, {})
    assert shopify.time.slept == [seconds]


# ---- what 200 hides


@pytest.mark.parametrize("code", ["MAX_COST_EXCEEDED", "BAD_REQUEST", "INVALID_VARIABLE", "undefinedField", ""])
async def test_an_error_is_an_error_and_is_not_repeated(code):
    shopify = Shopify(errors(code, message="Query cost is 1200"))
    with pytest.raises(RefusedError) as refused:
        await shopify.client().run(QUERY, {})
    assert refused.value.code == "SHOPIFY_REJECTED"
    assert refused.value.details == {"what": "Shop", "message": "Query cost is 1200"}
    assert len(shopify.requests) == 1


async def test_a_missing_scope_is_an_error_even_where_some_data_came():
    shopify = Shopify(errors("ACCESS_DENIED", message="Required access: `read_orders`.", data={"shop": {}}))
    with pytest.raises(DeniedError) as refused:
        await shopify.client().run(QUERY, {})
    assert refused.value.code == "SHOPIFY_DENIED"
    assert "read_orders" in refused.value.refusal.details["message"]


async def test_a_lasting_error_beside_a_passing_one_counts():
    shopify = Shopify(errors("INTERNAL_SERVER_ERROR", "ACCESS_DENIED"))
    with pytest.raises(DeniedError) as denied:
        await shopify.client().run(QUERY, {})
    assert denied.value.refusal.code == "SHOPIFY_DENIED"


async def test_errors_may_be_a_text():
    shopify = Shopify(httpx.Response(200, json={"errors": "Not Found"}))
    with pytest.raises(RefusedError, match="Not Found"):
        await shopify.client().run(QUERY, {})


async def test_a_search_term_that_shopify_ignored_is_an_error():
    warnings = [{"field": "nmae", "message": "Input `nmae` contains an invalid field.", "code": "invalid_field"}]
    body = {"data": {"orders": {"nodes": ["everything"]}}, "extensions": {"search": [{"warnings": warnings}]}}
    shopify = Shopify(httpx.Response(200, json=body))
    with pytest.raises(RefusedError, match="nmae"):
        await shopify.client().run(QUERY, {})


async def test_an_answer_without_data_has_the_wrong_shape():
    shopify = Shopify(httpx.Response(200, json={"ok": True}))
    with pytest.raises(RefusedError, match="SHOPIFY_SHAPE"):
        await shopify.client().run(QUERY, {})


def test_user_errors_keep_their_path_and_code():
    payload = {
        "userErrors": [
            {"field": ["input", "quantities", 0, "quantity"], "message": "is stale", "code": "CHANGE_FROM_STALE"},
            {"field": None, "message": "nothing"},
        ]
    }
    assert user_errors(payload) == [
        UserError(("input", "quantities", "0", "quantity"), "is stale", "CHANGE_FROM_STALE"),
        UserError((), "nothing", ""),
    ]


# ---- faults

FAULTS = [
    httpx.Response(408),
    httpx.Response(500),
    httpx.Response(502, html="<h1>Bad gateway</h1>"),
    httpx.Response(200, html="<h1>Sign in</h1>"),
    httpx.ReadTimeout("x"),
    httpx.ReadError("x"),
    errors("INTERNAL_SERVER_ERROR"),
    errors("TIMEOUT"),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("document", [QUERY, IDEMPOTENT])
async def test_what_may_be_repeated_is_repeated(fault, document):
    shopify = Shopify(fault, fault, good())
    await shopify.client().run(document, {})
    assert shopify.time.slept == [0.5, 1.5]


@pytest.mark.parametrize("fault", FAULTS)
async def test_another_mutation_is_sent_once_and_then_looked_for(fault):
    shopify = Shopify(fault)
    with pytest.raises(OutcomeUnknownError):
        await shopify.client().run(MUTATION, {})
    assert len(shopify.requests) == 1


async def test_what_was_never_sent_may_be_sent_again():
    shopify = Shopify(httpx.ConnectError("refused"), good())
    await shopify.client().run(MUTATION, {})
    assert len(shopify.requests) == 2


async def test_a_lasting_fault_is_left_to_the_queue():
    shopify = Shopify(httpx.Response(503))
    with pytest.raises(TransientError) as failed:
        await shopify.client().run(QUERY, {})
    assert type(failed.value) is TransientError
    assert len(shopify.requests) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (402, "SHOPIFY_DENIED"),
        (403, "SHOPIFY_DENIED"),
        (423, "SHOPIFY_DENIED"),
        (430, "SHOPIFY_DENIED"),
        (404, "SHOPIFY_REJECTED"),
        (400, "SHOPIFY_REJECTED"),
    ],
)
async def test_other_statuses_are_for_people(status, code):
    shopify = Shopify(httpx.Response(status))
    with pytest.raises((RefusedError, DeniedError)) as refused:
        await shopify.client().run(QUERY, {})
    assert refused.value.code == code
    assert len(shopify.requests) == 1


# ---- tokens


class Grants:
    """Shopify's token endpoint."""

    def __init__(self, **grant):
        self.grant = {"scope": "read_products,write_inventory", "expires_in": 86399} | grant
        self.requests = []
        self.time = Time()

    async def __call__(self, request):
        self.requests.append(request)
        await asyncio.sleep(0)
        return httpx.Response(200, json={"access_token": f"shpat_{len(self.requests)}", **self.grant})

    def tokens(self, *, handler=None, scopes=("read_inventory",)):
        return ClientCredentials(
            httpx.AsyncClient(transport=httpx.MockTransport(handler or self)),
            SHOP,
            client_id="id-1",
            client_secret=Secret("top-secret"),
            scopes=scopes,
            clock=self.time,
        )


async def test_a_token_is_asked_for_with_the_apps_credentials_and_kept():
    grants = Grants()
    tokens = grants.tokens()
    assert [(await tokens.token()).reveal() for _ in range(2)] == ["shpat_1"] * 2
    [request] = grants.requests
    assert str(request.url) == f"{SHOP}/admin/oauth/access_token"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id-1"],
        "client_secret": ["top-secret"],
    }


async def test_a_token_is_renewed_five_minutes_before_its_end():
    grants = Grants()
    tokens = grants.tokens()
    await tokens.token()
    await grants.time.sleep(86399 - 301)
    assert (await tokens.token()).reveal() == "shpat_1"
    await grants.time.sleep(2)
    assert (await tokens.token()).reveal() == "shpat_2"


async def test_callers_at_once_share_one_renewal():
    grants = Grants()
    tokens = grants.tokens()
    found = await asyncio.gather(*(tokens.token() for _ in range(10)))
    assert {token.reveal() for token in found} == {"shpat_1"}
    renewed = await asyncio.gather(*(tokens.token(other_than=found[0]) for _ in range(10)))
    assert {token.reveal() for token in renewed} == {"shpat_2"}
    assert len(grants.requests) == 2


async def test_a_refused_token_is_renewed_once():
    shopify, grants = Shopify(httpx.Response(401), good()), Grants()
    await shopify.client(grants.tokens()).run(MUTATION, {})
    assert shopify.tokens == ["shpat_1", "shpat_2"]


async def test_a_token_refused_twice_is_for_people():
    shopify = Shopify(httpx.Response(401))
    with pytest.raises(DeniedError, match="SHOPIFY_DENIED"):
        await shopify.client().run(QUERY, {})
    assert len(shopify.requests) == 2


async def test_a_scope_that_was_not_granted_is_named_at_once():
    with pytest.raises(DeniedError) as refused:
        await Grants().tokens(scopes=("read_inventory", "write_orders", "read_locations")).token()
    assert refused.value.code == "SHOPIFY_DENIED"
    assert "read_locations, write_orders" in refused.value.refusal.details["message"]


def test_writing_includes_reading():
    assert missing_scopes(["write_inventory"], ["read_inventory", "write_inventory"]) == []
    assert missing_scopes(["read_inventory"], ["write_inventory"]) == ["write_inventory"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), DeniedError),
        (httpx.Response(400, html="<h1>Oauth error</h1>"), DeniedError),
        (httpx.Response(200, json={"access_token": "x"}), DeniedError),
        (httpx.Response(408), TransientError),
        (httpx.Response(200, html="<h1>x</h1>"), DeniedError),
        (httpx.Response(503), TransientError),
        (httpx.Response(429), TransientError),
        (httpx.ConnectTimeout("x"), TransientError),
    ],
)
async def test_no_token_no_call(answer, error):
    shopify = Shopify(answer)
    tokens = Grants().tokens(handler=shopify)
    with pytest.raises(error) as raised:
        await tokens.token()
    assert raised.type is error


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            httpx.Response(400, json={"error": "shop_not_permitted", "error_description": "Not on this shop."}),
            "no access token (HTTP 400): shop_not_permitted: Not on this shop.",
            id="of another organisation",
        ),
        pytest.param(
            httpx.Response(401, json={"error": "invalid_client"}),
            "no access token (HTTP 401): invalid_client",
            id="a wrong secret",
        ),
        pytest.param(
            httpx.Response(400, html="<p>Oauth error app_not_installed: It is not there.</p>\n<p>Help</p>"),
            "no access token (HTTP 400): app_not_installed: It is not there.",
            id="a page",
        ),
        pytest.param(
            httpx.Response(400, json={"error": "bad", "error_description": "id-1 sent top-secret"}),
            "no access token (HTTP 400): bad: *** sent ***",
            id="what was sent comes back",
        ),
        pytest.param(
            httpx.Response(400, json={"error": "bad", "error_description": "x" * 500}),
            f"no access token (HTTP 400): bad: {'x' * 195}",
            id="a long text",
        ),
        pytest.param(httpx.Response(404, html="<h1>Nothing</h1>"), "no access token (HTTP 404)", id="no reason"),
        pytest.param(httpx.Response(400, json=["bad"]), "no access token (HTTP 400)", id="another form"),
    ],
)
async def test_a_refused_token_carries_shopifys_reason(answer, message):
    with pytest.raises(DeniedError) as refused:
        await Grants().tokens(handler=Shopify(answer)).token()
    assert refused.value.refusal.details["message"] == message


async def test_secrets_are_hidden_in_every_representation(caplog):
    caplog.set_level(logging.DEBUG)
    grants = Grants()
    shopify = Shopify(httpx.Response(403))
    tokens = grants.tokens()
    client = shopify.client(tokens)
    with pytest.raises(DeniedError) as refused:
        await client.run(QUERY, {})
    shown = f"{caplog.text}{refused.value!r}{refused.value.refusal.details}"
    shown += f"{client!r}{tokens!r}{vars(tokens)}{vars(client)}"
    assert "top-secret" not in shown
    assert "shpat_1" not in shown


# ---- documents


@pytest.mark.parametrize(
    "text", ["{ shop { name } }", "query A { a }\nquery B { b }", "query { a }", "fragment F on Shop { id }"]
)
def test_a_document_holds_one_named_operation(text):
    with pytest.raises(ValueError, match="one named operation"):
        parse(text)


def test_only_harmless_documents_may_be_repeated():
    assert (QUERY.repeatable, MUTATION.repeatable, IDEMPOTENT.repeatable) == (True, False, True)
