"""The OData client against the F&O simulator, over the wire: tokens, exact figures, and every fault of the line."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from azure.identity.aio import ManagedIdentityCredential

from local.d365 import Options, load_world, run_d365
from local.d365.faults import Fault
from shared.d365.items import ItemCache, read_items
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import any_of, eq
from shared.d365.on_hand import read_on_hand, read_safety_stock
from shared.errors import OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.model import Item
from shared.transport import AiohttpTransport
from tests.builders.local_slots import LocalSlots

WORLD = Path("local/world.toml")
CUSTOMER = {
    "dataAreaId": "nleu",
    "CustomerAccount": "SHP-1",
    "PartyType": "Person",
    "PersonFirstName": "Ada",
    "PersonLastName": "O'Hara",
    "CustomerGroupId": "WEB",
    "SalesCurrencyCode": "EUR",
}
KEY = {"dataAreaId": "nleu", "CustomerAccount": "SHP-1"}


class NoBreaker:
    async def before(self):
        pass

    async def success(self):
        pass

    async def failure(self, wait=None):
        pass


def new_client(simulator, credential, *, timeout=5.0):
    return ODataClient(
        simulator.base_url,
        credential,
        slots=LocalSlots(4),
        timeout=timeout,
        breaker=NoBreaker(),
        on_call=lambda call: None,
        transport=AiohttpTransport(),
    )


@pytest.fixture
async def fo(wire: None):
    async with run_d365(load_world(WORLD), Options(page_size=3)) as simulator:
        yield simulator


@pytest.fixture
async def credential(fo, monkeypatch):
    """The app's managed identity, as App Service offers it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fo.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", fo.options.identity_header)
    async with ManagedIdentityCredential(client_id=fo.options.client_id) as identity:
        yield identity


@pytest.fixture
async def client(fo, credential):
    client = new_client(fo, credential)
    yield client
    await client.aclose()


async def test_a_record_is_created_read_changed_and_deleted(client):
    created = await client.create("CustomersV3", {**CUSTOMER, "CreditLimit": Decimal("1234.10")})
    assert created["PartyType"] == "Person"
    read = await client.get("CustomersV3", KEY)
    assert read["CreditLimit"] == Decimal("1234.1")
    await client.update("CustomersV3", KEY, {"LanguageId": "nl"})
    assert (await client.get("CustomersV3", KEY))["LanguageId"] == "nl"
    await client.delete("CustomersV3", KEY)
    assert await client.get("CustomersV3", KEY) is None


async def test_a_list_comes_whole_over_its_pages(client):
    rows = await client.query("ReleasedProductsV2", company="nleu", select=["ItemNumber"])
    assert [row["ItemNumber"] for row in rows] == sorted(row["ItemNumber"] for row in rows)
    assert len(rows) == 7


async def test_filters_are_understood(client):
    await client.create("CustomersV3", CUSTOMER)
    names = any_of("PersonLastName", ["O'Hara", "Nobody"])
    [row] = await client.query("CustomersV3", company="nleu", where=names, select=["CustomerAccount"])
    assert row["CustomerAccount"] == "SHP-1"
    nobody = eq("PersonLastName", "Nobody")
    assert await client.query("CustomersV3", company="nleu", where=nobody, select=["CustomerAccount"]) == []


async def test_a_refusal_carries_f_and_os_own_words(client):
    with pytest.raises(RefusedError) as refused:
        await client.create("CustomersV3", {**CUSTOMER, "CustomerGroupId": "Local"})
    assert refused.value.code == "FO_REJECTED"
    assert "'Local'" in refused.value.details["infolog"]
    assert "Entity" not in refused.value.details["infolog"]
    assert "stack" not in str(refused.value)


async def test_a_taken_key_is_refused(client):
    await client.create("CustomersV3", CUSTOMER)
    with pytest.raises(RefusedError, match="FO_REJECTED"):
        await client.create("CustomersV3", CUSTOMER)


async def test_a_set_that_f_and_o_does_not_have_is_named(client, fo):
    del fo.schema.sets["WHSSalesLineBiEntities"]
    with pytest.raises(RefusedError) as refused:
        await client.query("WHSSalesLineBiEntities", company="nleu", select=["ReleasedQty"])
    assert refused.value.code == "FO_SET_MISSING"
    assert "no entity set WHSSalesLineBiEntities" in refused.value.cause


async def test_an_unknown_field_is_refused_and_an_unknown_record_cannot_be_changed(client):
    with pytest.raises(RefusedError, match=r"FO_REJECTED.*Nonsense"):
        await client.query("CustomersV3", company="nleu", select=["Nonsense"])
    with pytest.raises(RefusedError, match="FO_REJECTED"):
        await client.update("CustomersV3", KEY, {"LanguageId": "nl"})


async def test_a_change_set_is_all_or_nothing(client):
    account = {**CUSTOMER, "CustomerAccount": "SHP-2"}
    with pytest.raises(RefusedError) as refused:
        await client.change_set(
            [
                Operation("POST", "CustomersV3", body=account),
                Operation("POST", "CustomersV3", body={**CUSTOMER, "CustomerGroupId": "Local"}),
            ]
        )
    assert refused.value.code == "FO_REJECTED"
    assert refused.value.details["what"] == "a change set of 2 writes (POST CustomersV3)"
    assert "'Local' in field 'Customer group'" in refused.value.details["infolog"]
    assert await client.get("CustomersV3", {**KEY, "CustomerAccount": "SHP-2"}) is None


async def test_a_change_set_creates_changes_and_deletes(client):
    other = {**KEY, "CustomerAccount": "SHP-2"}
    rows = await client.change_set(
        [
            Operation("POST", "CustomersV3", body=CUSTOMER),
            Operation("POST", "CustomersV3", body={**CUSTOMER, **other}),
            Operation("PATCH", "CustomersV3", KEY, {"LanguageId": "nl"}),
            Operation("DELETE", "CustomersV3", other),
        ]
    )
    assert [row.get("CustomerAccount") for row in rows] == ["SHP-1", "SHP-2", None, None]
    assert (await client.get("CustomersV3", KEY))["LanguageId"] == "nl"
    assert await client.get("CustomersV3", other) is None


async def test_a_revoked_token_is_replaced_without_anybody_noticing(client, fo):
    await client.create("CustomersV3", CUSTOMER)
    fo.tokens.revoke()
    assert await client.get("CustomersV3", KEY)


async def test_an_app_that_f_and_o_does_not_know_is_denied(fo, monkeypatch):
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fo.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", fo.options.identity_header)
    async with ManagedIdentityCredential(client_id="11111111-1111-1111-1111-111111111111") as unknown:
        client = new_client(fo, unknown)
        with pytest.raises(TransientError, match="no token for F&O"):
            await client.get("CustomersV3", KEY)
        await client.aclose()


@pytest.mark.parametrize(("retry_after", "seconds"), [(9, 9), (None, 30)])
async def test_a_busy_f_and_o_names_its_delay(client, fo, retry_after, seconds):
    fo.faults.add(Fault("throttle", "POST", "CustomersV3", retry_after=retry_after))
    with pytest.raises(ThrottledError) as throttled:
        await client.create("CustomersV3", CUSTOMER)
    assert throttled.value.retry_after == timedelta(seconds=seconds)
    assert await client.get("CustomersV3", KEY) is None


@pytest.mark.parametrize("kind", ["bad_gateway", "unavailable", "reset", "timeout_after_commit", "update_conflict"])
async def test_a_write_that_met_a_fault_has_to_be_looked_for(client, fo, kind):
    fo.faults.add(Fault(kind, "POST", "CustomersV3", ms=50))
    with pytest.raises(OutcomeUnknownError):
        await client.create("CustomersV3", CUSTOMER)
    assert (await client.get("CustomersV3", KEY) is not None) == (kind == "timeout_after_commit")


@pytest.mark.parametrize("kind", ["bad_gateway", "unavailable", "reset"])
async def test_a_read_that_met_a_fault_may_just_be_repeated(client, fo, kind):
    fo.faults.add(Fault(kind, "GET", "CustomersV3"))
    with pytest.raises(TransientError) as failed:
        await client.get("CustomersV3", KEY)
    assert type(failed.value) is TransientError


async def test_no_answer_in_time_is_no_answer(fo, credential):
    client = new_client(fo, credential, timeout=0.2)
    await client.get("CustomersV3", KEY)
    fo.faults.add(Fault("timeout_after_commit", "POST", "CustomersV3", ms=2000))
    with pytest.raises(OutcomeUnknownError, match="ReadTimeout"):
        await client.create("CustomersV3", CUSTOMER)
    assert await client.get("CustomersV3", KEY)
    await client.aclose()


@pytest.mark.parametrize("kind", ["update_conflict", "never_selected", "no_number", "timed_out"])
async def test_what_passes_by_itself_is_tried_again_inside_a_change_set(client, fo, kind):
    fo.faults.add(Fault(kind, "POST", "CustomersV3"))
    with pytest.raises(OutcomeUnknownError):
        await client.change_set([Operation("POST", "CustomersV3", body=CUSTOMER)])
    assert await client.get("CustomersV3", KEY) is None


async def test_skus_become_items(client):
    found = await read_items(client, "nleu", "ItemNumber", ["TENT-2P", "GHOST-1", "mug-enamel"], cache=ItemCache())
    assert found["TENT-2P"] == Item("TENT-2P")
    assert "GHOST-1" not in found
    found = await read_items(client, "usmf", "ProductVariantNumber", ["TEE-RED-M"], cache=ItemCache())
    assert found == {"TEE-RED-M": Item("TEE", color="Red", size="M")}


async def test_a_wildcard_in_a_sku_finds_nothing(client):
    assert await read_items(client, "nleu", "ItemNumber", ["T*"], cache=ItemCache()) == {}


async def test_a_known_item_is_not_asked_again_until_its_time_is_up(client, fo):
    now = 0.0
    cache = ItemCache(60, clock=lambda: now)
    for moment in (0.0, 59.0, 61.0):
        now = moment
        fo.clear_calls()
        await read_items(client, "nleu", "ItemNumber", ["TENT-2P"], cache=cache)
        assert fo.http_calls.total() == (0 if moment == 59.0 else 1)


async def test_stock_is_read_by_item_and_warehouse(client):
    tent, tee = Item("TENT-2P"), Item("TEE", color="Red", size="M")
    rows = await read_on_hand(client, "nleu", [tent, Item("NEVER-SEEN")], ["AMS", "HAM"])
    assert {(row.item, row.warehouse, row.physical) for row in rows} == {(tent, "AMS", 14), (tent, "HAM", 6)}
    rows = await read_on_hand(client, "usmf", [tee], ["11"])
    assert [(row.item, row.warehouse, row.available) for row in rows] == [(tee, "11", 60)]
    assert await read_on_hand(client, "nleu", [tent], []) == []


async def test_only_stock_of_the_statuses_that_are_named_counts(client, fo):
    world = fo.world
    managed = tuple(replace(each, inventory_statuses=each.id == "AMS") for each in world.warehouses)
    fo.world = replace(world, warehouses=managed)
    fo.reset()
    async with httpx.AsyncClient() as http:
        for status, units in (("Blocked", 5), ("Return", 2)):
            place = {"company": "nleu", "item": "TENT-2P", "warehouse": "AMS"}
            answer = await http.post(f"{fo.base_url}/_sim/on-hand", json={**place, "status": status, "physical": units})
            assert answer.is_success
    tent = Item("TENT-2P")

    async def counted(*statuses: str) -> dict[str, tuple[Decimal, Decimal]]:
        rows = await read_on_hand(client, "nleu", [tent], ["AMS", "HAM"], statuses=statuses)
        return {row.warehouse: (row.physical, row.available) for row in rows}

    assert await counted() == {"AMS": (14, 14), "HAM": (6, 6)}
    assert await counted("Available") == {"AMS": (7, 7), "HAM": (6, 6)}
    assert await counted("Available", "Return") == {"AMS": (9, 9), "HAM": (6, 6)}
    assert await counted("Nowhere") == {"AMS": (0, 0), "HAM": (6, 6)}, "blocked stock is none, not unknown"


async def test_many_items_are_read_with_their_whole_warehouses(client):
    items = [Item(f"NO-{number}") for number in range(500)]
    rows = await read_on_hand(client, "nleu", [*items, Item("TENT-2P")], ["AMS"])
    assert [(row.item.number, row.physical) for row in rows] == [("TENT-2P", 14)]


async def test_safety_stock_is_read_by_item_and_warehouse(client):
    tent, mug = Item("TENT-2P"), Item("MUG-ENAMEL")
    assert await read_safety_stock(client, "nleu", [tent, mug], ["AMS", "HAM"]) == {(tent, "AMS"): 2, (mug, "AMS"): 5}
