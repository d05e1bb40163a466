"""`python -m tools.probe` against the F&O simulator: what it finds out, writes down, and cleans up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest
from azure.identity.aio import ManagedIdentityCredential
from builders.sales import STORES

from local.d365 import Simulator, load_world, run_d365
from local.d365.faults import Fault
from local.d365.tenant import Tenant as FoTenant
from shared.errors import ConfigurationError, TransientError
from shared.rules import Tenant, load_tenant
from tools.probe.__main__ import Nobody, main, probe
from tools.probe.sandbox import Task

CUSTOMER = {
    "dataAreaId": "nleu",
    "CustomerAccount": "TEST-1",
    "PartyType": "Person",
    "PersonFirstName": "Ada",
    "PersonLastName": "Lovelace",
    "CustomerGroupId": "WEB",
    "SalesCurrencyCode": "EUR",
}


class Clerk:
    """Does in the simulator what a person does in F&O's pages."""

    def __init__(self, fo: Simulator) -> None:
        self._url = f"{fo.base_url}/_sim"
        self.did: list[Task] = []

    async def does(self, task: Task, number: str) -> bool:
        self.did.append(task)
        order = f"orders/nleu/{number}"
        async with httpx.AsyncClient(base_url=self._url) as http:
            match task:
                case Task.CONFIRM:
                    await self._post(http, f"{order}/confirm")
                case Task.CONFIRM_HELD:
                    assert (await http.post(f"{self._url}/{order}/confirm")).status_code == 409
                case Task.PACK_ONE:
                    orders = (await http.get(f"{self._url}/orders")).json()
                    (found,) = (each for each in orders if each["number"] == number)
                    lot = next(line["lot"] for line in found["lines"] if line["line"] == 1)
                    await self._post(http, f"{order}/pack", {"lines": [{"lot": lot, "quantity": 1}]})
                case Task.INVOICE:
                    await self._post(http, f"{order}/invoice")
                case Task.POST_JOURNAL:
                    await self._post(http, f"journals/nleu/{number}/post")
                case _:
                    return False
        return True

    async def _post(self, http: httpx.AsyncClient, path: str, body: object = None) -> None:
        answer = await http.post(f"{self._url}/{path}", json=body)
        assert answer.is_success, answer.text


@pytest.fixture
async def fo(wire: None) -> AsyncIterator[Simulator]:
    async with run_d365(load_world(Path("local/world.toml"))) as simulator:
        await create_customer(simulator)
        yield simulator


async def create_customer(fo: Simulator) -> None:
    token = fo.tokens.issue(fo.options.client_id, fo.base_url).text
    async with httpx.AsyncClient(base_url=fo.base_url, headers={"Authorization": f"Bearer {token}"}) as http:
        answer = await http.post("/data/CustomersV3?cross-company=true", json=CUSTOMER)
        assert answer.status_code == 201, answer.text


@pytest.fixture
async def credential(fo: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ManagedIdentityCredential]:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fo.base_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", fo.options.identity_header)
    async with ManagedIdentityCredential(client_id=fo.options.client_id) as identity:
        yield identity


async def ask(
    fo: Simulator, credential: ManagedIdentityCredential, path: Path, person: Clerk | Nobody, **other: str
) -> tuple[Tenant, list[str], list[str]]:
    """The answers in the file, what is left in F&O, and what the person read."""
    said: list[str] = []
    left = await probe(
        fo.base_url,
        credential,
        **({"company": "nleu", "sku": "TENT-2P", "customer": "TEST-1"} | other),
        stores=STORES,
        path=path,
        person=person,
        say=said.append,
    )
    return load_tenant(path).of(other.get("company", "nleu")), left, said


async def records(fo: Simulator, entity_set: str) -> list[dict[str, object]]:
    async with httpx.AsyncClient() as http:
        rows: list[dict[str, object]] = (await http.get(f"{fo.base_url}/_sim/records/{entity_set}")).json()
        return rows


async def test_a_tenant_is_asked_and_the_file_says_what_it_answered(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    found, left, said = await ask(fo, credential, tmp_path / "uat.toml", Clerk(fo))
    assert found == Tenant(
        probed=date.today(),  # noqa: DTZ011
        order_number="kept",
        customer_account="kept",
        header_changes="follow",
        line_amount="recomputed",
        delivered_quantity="taken",
        zero_quantity="taken",
        confirmed_order_deleted="yes",
        invoiced_order_lines="taken",
        on_hand_by_status="no",
        reservation="at_creation",
        warehouse_management="no",
        return_price="given",
        payment_search_seconds=0,
        packing_slips="yes",
        slip_search="by_time",
        order_stamps="yes",
        slip_tracking="yes",
    )
    assert "  hold_flag stays unknown: nobody added and cleared a hold code" in said
    assert "  journal_lines stays unknown: nobody opened the journal" in said
    assert "  FixedPriceCharges counts in LineAmount: 3 x 30.00 and a charge of 0.01 is 90.01" in said
    assert "  59 of 59 entity sets have every field that the app needs" in said
    posted = ["CustomerPaymentJournalHeaders 00001", "SalesOrderHeadersV4 NLEU-"]
    assert [any(each.startswith(start) for each in left) for start in posted] == [True, True]
    assert [len(await records(fo, name)) for name in ("SalesOrderHeadersV4", "CustomerPaymentJournalHeaders")] == [1, 1]
    assert [row["CustomerAccount"] for row in await records(fo, "CustomersV3") if row["dataAreaId"] == "nleu"] == [
        "TEST-1"
    ]


async def test_alone_it_leaves_nothing_and_keeps_what_was_known(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    path = tmp_path / "uat.toml"
    path.write_text(
        """\
environment = "uat"
[companies.nleu]
hold_flag = "recomputed"
order_number = "replaced"
account_delimiter = "|"
[companies.usmf]
order_number = "refused"
""",
        encoding="utf-8",
    )
    found, left, said = await ask(fo, credential, path, Nobody())
    assert (found.order_number, found.hold_flag, found.account_delimiter) == ("kept", "recomputed", "|")
    assert load_tenant(path).of("usmf").order_number == "refused"
    assert left == []
    assert said[-1] == "Nothing is left in F&O."
    for name in ("SalesOrderHeadersV4", "CustomerPaymentJournalHeaders", "ReturnOrderHeadersV2"):
        assert await records(fo, name) == []


async def test_fields_that_f_and_o_lacks_are_named(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    needed = {"WarehousesOnHandV2": {"OnOrderQuantity"}, "CustomersV3": {"KnownAs", "AddressZipCode"}}
    dispensable = {"ReleasedProductsV2": {"IsCatchWeightProduct"}, "SalesOrderHeadersV4": {"URL"}}
    fo.lack(needed | dispensable)
    _, _, said = await ask(fo, credential, tmp_path / "uat.toml", Nobody())
    assert [each for each in said if " lacks " in each] == [
        "  CustomersV3 lacks AddressZipCode, KnownAs: what needs them waits (FO_FIELD_MISSING)",
        "  WarehousesOnHandV2 lacks OnOrderQuantity: what needs them waits (FO_FIELD_MISSING)",
    ]
    assert "  57 of 59 entity sets have every field that the app needs" in said


async def test_sets_whose_fields_f_and_o_does_not_tell_are_named(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    fo.faults.add(Fault("denied", "GET", "PublicEntities", times=1))
    fo.faults.add(Fault("bad_gateway", "GET", "PublicEntities", times=1))
    _, _, said = await ask(fo, credential, tmp_path / "uat.toml", Nobody())
    untold = "  F&O does not tell the fields of CustomersV3, SalesOrderHeadersV4: look for them in its metadata"
    assert untold in said
    assert "  57 of 59 entity sets have every field that the app needs" in said


async def test_a_company_that_locks_invoiced_orders_says_so(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    books = fo.books
    books.parameters["nleu"] = replace(books.parameters["nleu"], locks_invoiced_orders=True)
    found, _, _ = await ask(fo, credential, tmp_path / "uat.toml", Clerk(fo))
    assert (found.invoiced_order_lines, found.zero_quantity, found.return_price) == ("refused", "taken", "given")


async def test_stock_by_status_is_told_where_the_warehouse_is_managed(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    world = load_world(Path("local/world.toml"))
    managed = tuple(replace(each, inventory_statuses=each.id == "AMS") for each in world.warehouses)
    fo.world = replace(world, warehouses=managed)
    fo.reset()
    await create_customer(fo)
    found, _, said = await ask(fo, credential, tmp_path / "uat.toml", Nobody())
    assert found.on_hand_by_status == "yes"
    assert "  on_hand_by_status = yes: TENT-2P in warehouse AMS has the inventory statuses Available" in said


async def test_without_the_set_no_stock_is_told_by_status(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    without = {name: its for name, its in fo.schema.sets.items() if name != "WarehouseInventoryStatusesOnHandV2"}
    fo.schema = replace(fo.schema, sets=without)
    found, _, said = await ask(fo, credential, tmp_path / "uat.toml", Nobody())
    assert found.on_hand_by_status == "no"
    assert "  on_hand_by_status = no: F&O has no entity set WarehouseInventoryStatusesOnHandV2" in said


NO_TIMES = {"CustPackingSlipTransBiEntities": frozenset({"CreatedOn"})}
NO_VERSIONS = {"CustPackingSlipVersionBiEntities": frozenset({"VersionDateTime"})}
NO_STAMPS = NO_TIMES | {"SalesLineBiEntities": frozenset({"SysModifiedDateTime"})}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(FoTenant(refuses_filter=NO_TIMES), ("by_line", "yes", "yes"), id="slips without times"),
        pytest.param(FoTenant(refuses_filter=NO_VERSIONS), ("by_line", "yes", "yes"), id="versions without times"),
        pytest.param(FoTenant(refuses_filter=NO_STAMPS), ("by_order", "yes", "yes"), id="nothing by time"),
        pytest.param(
            FoTenant(lacks=frozenset({"CustPackingSlipVersionBiEntities", "PackingSlipTrackingInformation"})),
            ("by_line", "yes", "no"),
            id="no versions, no numbers",
        ),
        pytest.param(
            FoTenant(lacks=frozenset({"CustPackingSlipJourBiEntities"})), ("by_time", "no", "yes"), id="no slips"
        ),
    ],
)
async def test_how_packing_slips_can_be_found_is_asked(
    fo: Simulator,
    credential: ManagedIdentityCredential,
    tmp_path: Path,
    kind: FoTenant,
    expected: tuple[str, str, str],
) -> None:
    fo.books.tenant = kind
    found, left, _ = await ask(fo, credential, tmp_path / "uat.toml", Nobody())
    assert (found.slip_search, found.packing_slips, found.slip_tracking) == expected
    assert left == []


async def test_an_entity_of_the_tenants_own_is_kept_and_tried(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    path = tmp_path / "uat.toml"
    path.write_text(
        """\
environment = "uat"
[companies.nleu.shipments_entity]
entity_set = "ContosoShipmentLines"
key = ["dataAreaId", "ShipmentLineId"]
sales_order = "OrderNumber"
slip = "DeliveryNote"
lot = "LotId"
quantity = "ShippedQuantity"
warehouse = "FromWarehouse"
created_at = "PostedDateTime"
""",
        encoding="utf-8",
    )
    before = load_tenant(path).of("nleu").shipments_entity
    found, _, said = await ask(fo, credential, path, Nobody())
    assert found.shipments_entity == before
    assert before is not None
    missing = "FO_SET_MISSING: F&O has no entity set ContosoShipmentLines."
    assert f"  shipments_entity cannot be used: {missing}" in said


async def test_an_item_without_stock_leaves_questions_open(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    found, _, said = await ask(
        fo, credential, tmp_path / "uat.toml", Nobody(), company="usmf", sku="HAT-STR-ONE", customer="WEB-US"
    )
    assert (found.reservation, found.on_hand_by_status) == ("unknown", "unknown")
    assert "  reservation stays unknown: nothing of HAT is available in warehouse 11" in said


async def test_a_customer_that_f_and_o_does_not_have_is_named(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    with pytest.raises(LookupError, match="company nleu has no customer TEST-2"):
        await ask(fo, credential, tmp_path / "uat.toml", Nobody(), customer="TEST-2")
    assert await records(fo, "SalesOrderHeadersV4") == []


async def test_a_company_without_manual_numbers_refuses_ours(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    found, left, _ = await ask(
        fo, credential, tmp_path / "uat.toml", Nobody(), company="usmf", sku="HAT-STR-ONE", customer="WEB-US"
    )
    assert found.order_number == "refused"
    assert left == []


async def test_a_fault_in_the_middle_keeps_the_answers_and_cleans_up(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    fault = {"kind": "unavailable", "method": "GET", "set": "Warehouses", "times": None}
    async with httpx.AsyncClient() as http:
        assert (await http.post(f"{fo.base_url}/_sim/faults", json=fault)).is_success
    path = tmp_path / "uat.toml"
    with pytest.raises(TransientError, match="Warehouses"):
        await ask(fo, credential, path, Nobody())
    assert load_tenant(path).of("nleu").order_number == "kept"
    assert await records(fo, "SalesOrderHeadersV4") == []


async def test_only_a_company_of_a_store_is_asked(
    fo: Simulator, credential: ManagedIdentityCredential, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="no store has the company demf"):
        await ask(fo, credential, tmp_path / "uat.toml", Nobody(), company="demf")
    assert not (tmp_path / "uat.toml").exists()


def test_production_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["https://contoso.operations.dynamics.com", "nleu", "--sku", "TENT-2P", "--customer", "TEST-1"]
    assert main([*arguments, "--yes"]) == 1
    assert "contoso.operations.dynamics.com is not a sandbox" in capsys.readouterr().err


def test_it_asks_before_it_writes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    url = "https://contoso-uat.sandbox.operations.dynamics.com"
    assert main([url, "nleu", "--sku", "TENT-2P", "--customer", "TEST-1"]) == 1
    shown = capsys.readouterr()
    assert "The answers go into" in shown.out
    assert "contoso-uat.toml" in shown.out
    assert "Nothing was written." in shown.err
