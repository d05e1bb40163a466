"""The tables are lost, restored from the export of a night, and every webhook comes again: F&O stays as it is."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ResourceExistsError
from fixtures.sweep import Storage, SweepScenario, azure_storage, running_sweep_scenario

from local.shopify.events import Event
from local.shopify.order import Order
from shared.errors import ConnectorError
from shared.model import SentPart, SentSlip
from shared.store.payments import COMPLETE, JOURNALS, Payment, Payments, is_kept_apart
from shared.store.shipments import Shipments, StoredSlip
from shared.store.tables import part_key
from shared.sync.exports import TABLES, ExportPorts, Restored, export_tables, restore_tables

DOCUMENTS = (
    "CustomersV3",
    "SalesOrderHeadersV4",
    "SalesOrderLinesV3",
    "CustomerPaymentJournalHeaders",
    "CustomerPaymentJournalLines",
    "ReturnOrderHeadersV2",
    "ReturnOrderLinesV2",
)
NIGHT = datetime.fromisoformat("2026-11-28T02:15:00+00:00")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[Storage]:
    async with azure_storage() as started:
        yield started


@pytest.fixture
async def scenario(storage: Storage) -> AsyncIterator[SweepScenario]:
    async with running_sweep_scenario(storage) as built:
        yield built


@pytest.fixture
async def ports(scenario: SweepScenario) -> ExportPorts:
    return ExportPorts(scenario.tables, await scenario.storage.container())


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


async def rows_of(ports: ExportPorts) -> dict[str, list[dict[str, Any]]]:
    return {name: [dict(row) async for row in table.list_entities()] for name, table in ports.tables.items()}


async def lose(ports: ExportPorts) -> None:
    """Deletes the tables, and creates them empty, as a deployment does."""
    for table in ports.tables.values():
        await table.delete_table()
        await _create(table)
    assert await rows_of(ports) == {name: [] for name in TABLES}


async def _create(table: Any) -> None:
    for _ in range(50):
        try:
            return await table.create_table()
        except ResourceExistsError:  # it is still being deleted
            await asyncio.sleep(0.1)
    raise AssertionError("the table cannot be created again")


async def trade(scenario: SweepScenario) -> list[Order]:
    """Orders in each of the states that leave rows: new, edited, partly given back before and after shipping,
    cancelled, and discarded by a person before F&O had it.
    """
    discarded = scenario.buy()
    given_up = replace(await scenario.link(discarded), sales_order="none (discarded)", given_up=True)
    await scenario.ports.orders.links.put(replace(given_up, order_id=discarded.id))
    await scenario.receive(discarded, Event("orders/create", discarded))
    both = {"lines": [{"sku": "TENT-2P", "quantity": 2}]}
    new, edited, smaller, cancelled, returned = [await scenario.bought(**wish) for wish in ({}, {}, both, {}, both)]
    await scenario.step(edited, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}], received=("orders/updated",))
    one = [{"line": "TENT-2P", "quantity": 1}]
    await scenario.step(smaller, "refund", lines=one, received=("refunds/create", "orders/updated"))
    await scenario.step(cancelled, "cancel", refund=True, received=("orders/cancelled", "refunds/create"))
    await scenario.step(returned, "fulfill", received=("orders/fulfilled",))
    await scenario.advance(await scenario.number(returned), "pack", "invoice")
    back = [{**each, "restock": "return"} for each in one]
    await scenario.step(returned, "refund", lines=back, received=("refunds/create",))
    assert await scenario.refunds(returned)
    shown = SentSlip(key="nleu/PS-1", parts=(SentPart(fulfillment_id=7, units={8: 2}),))
    await Shipments(scenario.tables["shipments"]).put(StoredSlip("nordlys", returned.id, shown))
    return [new, edited, smaller, cancelled, returned]


async def fo_records(scenario: SweepScenario) -> dict[str, Any]:
    """Everything that the app writes in F&O."""
    async with httpx.AsyncClient() as http:
        answers = [await http.get(f"{scenario.fo.base_url}/_sim/records/{name}") for name in DOCUMENTS]
    return {name: answer.raise_for_status().json() for name, answer in zip(DOCUMENTS, answers, strict=True)}


async def send_all_again(scenario: SweepScenario) -> None:
    """Every webhook that ever arrived, in its order, under another id."""
    for number, envelope in enumerate(list(scenario.received)):
        await scenario.handle(replace(envelope, event_id=f"again-{number}-{envelope.event_id}"))


async def test_after_a_loss_and_a_restore_every_webhook_again_leaves_fo_as_it_is(
    scenario: SweepScenario, ports: ExportPorts
) -> None:
    await trade(scenario)
    await export_tables(ports, now=at(NIGHT))
    known = await rows_of(ports)
    assert all(known.values())
    known["payments"] = [row for row in known["payments"] if not is_kept_apart(row)]
    await lose(ports)
    assert await restore_tables(ports) == (
        "2026-11-28",
        {name: Restored(inserted=len(rows), kept=0) for name, rows in known.items()},
    )
    restored = await rows_of(ports)
    assert {row["RowKey"] for row in restored["payments"] if is_kept_apart(row)} == {COMPLETE}
    restored["payments"] = [row for row in restored["payments"] if not is_kept_apart(row)]
    assert restored == known
    before = await fo_records(scenario)
    assert all(before.values())
    scenario.forget_calls()
    await send_all_again(scenario)
    assert await fo_records(scenario) == before
    assert [call for call in scenario.fo_calls() if "_sim" not in call and not call.startswith("GET")] == []


async def test_what_happened_after_the_export_is_found_in_fo(scenario: SweepScenario, ports: ExportPorts) -> None:
    new, *_ = await trade(scenario)
    await export_tables(ports, now=at(NIGHT))
    await scenario.step(new, "edit", quantities={"TENT-2P": 3}, received=("orders/updated",))
    later = await scenario.bought(lines=[{"sku": "TENT-2P", "quantity": 2}])
    one = [{"line": "TENT-2P", "quantity": 1}]
    await scenario.step(later, "refund", lines=one, received=("refunds/create", "orders/updated"))
    numbers = {order.id: await scenario.number(order) for order in (new, later)}
    await lose(ports)
    await restore_tables(ports)
    before = await fo_records(scenario)
    await send_all_again(scenario)
    assert await fo_records(scenario) == before
    assert {order.id: await scenario.number(order) for order in (new, later)} == numbers


@pytest.mark.parametrize("is_whole_table", [True, False])
async def test_a_restored_table_is_complete_from_then_on(
    scenario: SweepScenario, ports: ExportPorts, *, is_whole_table: bool
) -> None:
    """Also where rows were lost and the table was not, and where an earlier release exported all rows."""
    payments = Payments(ports.tables["payments"])
    for store in ("nordlys", "prairie"):
        await payments.complete_since(store, NIGHT - DAY)
    await payments.put(Payment("nordlys", 1, 2))
    await export_tables(ports, now=at(NIGHT))
    if is_whole_table:
        await lose(ports)
    else:
        await ports.tables["payments"].delete_entity("store-nordlys", part_key(1, 2))
    await restore_tables(ports, now=at(NIGHT + DAY))
    stores = ["nordlys"] if is_whole_table else ["nordlys", "prairie"]
    for store in stores:
        assert await payments.complete_since(store, NIGHT + 2 * DAY) < NIGHT + DAY + DAY / 2
        assert await payments.complete_since(store, NIGHT + 2 * DAY) > NIGHT + DAY
    assert (await payments.of_order("nordlys", 1)).keys() == {2}


async def test_what_an_earlier_release_exported_of_open_journals_is_not_restored(ports: ExportPorts) -> None:
    table = ports.tables["payments"]
    rows = [
        {"PartitionKey": JOURNALS, "RowKey": "nleu SHOPPAY", "number": "00001", "turn": 1, "next_line": 2},
        {"PartitionKey": "store-nordlys", "RowKey": COMPLETE, "since": (NIGHT - DAY).isoformat()},
        {"PartitionKey": "store-nordlys", "RowKey": part_key(1, 2), "amount": "", "claimed_until": ""},
    ]
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    await export_tables(ports, now=at(NIGHT))
    await ports.exports.upload_blob("2026-11-28/payments.jsonl.gz", gzip.compress(data), overwrite=True)
    manifest = {name: {"rows": 0, "sha256": sha256(b"").hexdigest()} for name in TABLES}
    manifest["payments"] = {"rows": len(rows), "sha256": sha256(data).hexdigest()}
    await ports.exports.upload_blob("2026-11-28/manifest.json", json.dumps(manifest), overwrite=True)
    await restore_tables(ports, now=at(NIGHT + DAY))
    found = {(row["PartitionKey"], row["RowKey"]): row async for row in table.list_entities()}
    assert found.keys() == {("store-nordlys", COMPLETE), ("store-nordlys", part_key(1, 2))}
    assert found["store-nordlys", COMPLETE]["since"] == (NIGHT + DAY).isoformat()


async def test_rows_that_are_there_are_kept(scenario: SweepScenario, ports: ExportPorts) -> None:
    order = await scenario.bought()
    await export_tables(ports, now=at(NIGHT))
    await scenario.ports.orders.links.put(replace(await scenario.link(order), sales_order="newer"))
    _, restored = await restore_tables(ports)
    assert {each.inserted for each in restored.values()} == {0}
    assert await scenario.number(order) == "newer"


async def test_an_earlier_night_can_be_chosen_and_an_incomplete_one_is_not(
    scenario: SweepScenario, ports: ExportPorts
) -> None:
    order = await scenario.bought()
    await export_tables(ports, now=at(NIGHT))
    await lose(ports)
    await export_tables(ports, now=at(NIGHT + DAY))  # after the loss
    await ports.exports.upload_blob("2026-11-30/links.jsonl.gz", b"")  # the process died here
    assert (await restore_tables(ports))[0] == "2026-11-29"
    assert not await scenario.number(order)
    with pytest.raises(ConnectorError, match=r"no export of 2026-11-30; there are: 2026-11-28, 2026-11-29"):
        await restore_tables(ports, night="2026-11-30")
    await restore_tables(ports, night="2026-11-28")
    assert await scenario.number(order)


async def test_a_damaged_export_is_refused(scenario: SweepScenario, ports: ExportPorts) -> None:
    await scenario.bought()
    await export_tables(ports, now=at(NIGHT))
    name = "2026-11-28/manifest.json"
    manifest = json.loads(await (await ports.exports.download_blob(name)).readall())
    manifest["links"]["sha256"] = "00"
    await ports.exports.upload_blob(name, json.dumps(manifest), overwrite=True)
    await lose(ports)
    with pytest.raises(ConnectorError, match="damaged"):
        await restore_tables(ports)
    assert (await rows_of(ports))["links"] == []


async def test_values_keep_their_types(scenario: SweepScenario, ports: ExportPorts) -> None:
    row = {"PartitionKey": "p", "RowKey": "r", "t": "\N{SNOWMAN}\u2028\n", "i": 3, "f": 0.5, "b": True, "at": NIGHT}
    await ports.tables["links"].create_entity(row)
    await export_tables(ports, now=at(NIGHT))
    await lose(ports)
    await restore_tables(ports)
    assert (await rows_of(ports))["links"] == [row]
