"""What F&O's own people do to orders and stock, and what goes wrong on request."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from builders.root import ROOT
from fixtures.d365_sim import Client, running_f_and_o

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=lambda: NOW) as client:
        yield client


async def post(d365: Client, number: str, action: str, body: Any = None) -> dict[str, Any]:
    answer = await d365.admin("POST", f"orders/web/{number}/{action}", body)
    assert answer.status == 200, answer.text
    return answer.json


async def remaining(d365: Client, number: str) -> list[tuple[int, int, str]]:
    rows = await d365.rows(f"SalesLineBiEntities?$filter=SalesId eq '{number}'&$orderby=LineNum")
    return [(row["RemainSalesPhysical"], row["RemainSalesFinancial"], row["SalesStatus"]) for row in rows]


async def test_an_order_goes_its_way_from_confirmation_to_invoice(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5}, {"ItemNumber": "FREIGHT"}, CustomersOrderReference="R1")
    confirmed = await post(d365, number, "confirm")
    assert (confirmed["status"], confirmed["processing_status"]) == ("Backorder", "Confirmed")
    assert (await d365.header(number))["ConfirmedShippingDate"] == "2026-07-30T12:00:00Z"
    assert (await post(d365, number, "pick"))["processing_status"] == "Picked"

    lot = confirmed["lines"][0]["lot"]
    shipment = {"lines": [{"lot": lot, "quantity": 2}], "tracking_number": "3SABC", "tracking_url": "https://t/3SABC"}
    packed = await post(d365, number, "pack", shipment)
    assert (packed["packing_slip"], packed["processing_status"]) == (f"{number}-1", "PartiallyDelivered")
    assert await remaining(d365, number) == [(3, 2, "Backorder"), (1, 0, "Backorder")]
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["OnHandQuantity"], row["ReservedOnHandQuantity"], row["AvailableOnHandQuantity"]) == (8, 5, 3)

    rest = await post(d365, number, "pack")
    assert (rest["packing_slip"], rest["status"], rest["processing_status"]) == (
        f"{number}-2",
        "Delivered",
        "Delivered",
    )
    invoiced = await post(d365, number, "invoice")
    assert (invoiced["status"], invoiced["processing_status"]) == ("Invoiced", "Invoiced")
    assert await remaining(d365, number) == [(0, 0, "Invoiced"), (0, 0, "Invoiced")]

    slips = await d365.rows(f"CustPackingSlipJourBiEntities?$filter=SalesId eq '{number}'&$orderby=PackingSlipId")
    assert [(slip["PackingSlipId"], slip["CustomerRef"], slip["Qty"]) for slip in slips] == [
        (f"{number}-1", "R1", 2),
        (f"{number}-2", "R1", 4),
    ]
    assert slips[0]["CreatedOn"] == "2026-07-30T08:58:53Z"
    (shipped,) = await d365.rows(f"CustPackingSlipTransBiEntities?$filter=PackingSlipId eq '{number}-1'")
    assert (shipped["InventTransId"], shipped["ItemId"], shipped["Qty"], shipped["Remain"]) == (lot, "LAMP", 2, 3)
    (tracking,) = await d365.rows("PackingSlipTrackingInformation")
    assert (tracking["PackingSlipNumber"], tracking["TrackingNumber"]) == (f"{number}-1", "3SABC")


async def test_posted_documents_cannot_be_deleted_or_cut_short(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    lot = (await post(d365, number, "confirm"))["lines"][0]["lot"]
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    line = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{lot}')"
    header = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    assert (await d365.data("DELETE", line)).status == 400
    assert (await d365.data("DELETE", header)).status == 400
    assert (await d365.data("PATCH", line, {"OrderedSalesQuantity": 1})).status == 400
    assert (await d365.data("PATCH", line, {"ShippingWarehouseId": "12"})).status == 400
    assert (await d365.data("PATCH", line, {"OrderedSalesQuantity": 2})).status == 204
    assert (await d365.header(number))["SalesOrderStatus"] == "Delivered"
    await post(d365, number, "invoice")
    assert (await d365.data("PATCH", header, {"Email": "a@b.c"})).status == 400
    assert (await d365.data("PATCH", line, {"SalesPrice": 1})).status == 400
    assert (await d365.line(number)).status == 400


async def test_an_order_of_which_one_line_is_posted_is_not_deleted_in_part(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 1}, {"OrderedSalesQuantity": 1})
    lots = [line["lot"] for line in (await post(d365, number, "confirm"))["lines"]]
    await post(d365, number, "pack", {"lines": [{"lot": lots[1], "quantity": 1}]})
    header = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    assert (await d365.data("DELETE", header)).status == 400
    assert len(await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")) == 2


async def test_a_canceled_order_gives_its_stock_back(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    canceled = await post(d365, number, "cancel")
    assert (canceled["status"], canceled["lines"][0]["status"]) == ("Canceled", "Canceled")
    assert await remaining(d365, number) == [(0, 0, "Canceled")]
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert row["AvailableOnHandQuantity"] == 8


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("invoice", None, 409),
        ("pack", {"lines": [{"lot": "none", "quantity": 1}]}, 409),
        ("pack", {"lines": [{"lot": "WEB-000001", "quantity": 99}]}, 409),
        ("pack", {"lines": [{"lot": "WEB-000001", "quantity": -1}]}, 409),
        ("pack", {"lines": [{"lot": "WEB-000001", "quantity": 9}]}, 409),  # more than the warehouse has
        ("pack", {"lines": [{"quantity": 1}]}, 400),
        ("ship", None, 404),
    ],
)
async def test_a_posting_that_cannot_be_changes_nothing(d365: Client, action: str, body: Any, status: int) -> None:
    number = await d365.order({"OrderedSalesQuantity": 12})
    assert (await d365.admin("POST", f"orders/web/{number}/{action}", body)).status == status
    assert await remaining(d365, number) == [(12, 0, "Backorder")]


async def test_an_order_without_lines_cannot_be_confirmed(d365: Client) -> None:
    number = await d365.order()
    assert (await d365.admin("POST", f"orders/web/{number}/confirm")).status == 409
    assert (await d365.admin("POST", "orders/web/none/confirm")).status == 404


async def test_a_stopped_order_waits_until_it_is_released(d365: Client) -> None:
    number = await d365.order({}, IsSalesProcessingStopped="Yes")
    for action in ("confirm", "pick", "pack", "invoice"):
        assert (await d365.admin("POST", f"orders/web/{number}/{action}")).status == 409
    header = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    await d365.data("PATCH", header, {"IsSalesProcessingStopped": "No"})
    assert (await post(d365, number, "confirm"))["processing_status"] == "Confirmed"


async def test_a_hold_code_stops_an_order_and_clearing_the_last_one_releases_it_whoever_set_the_flag(
    d365: Client,
) -> None:
    number = await d365.order({})
    header = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    await d365.data("PATCH", header, {"IsSalesProcessingStopped": "Yes"})
    for code in ("CREDIT", "FRAUD"):
        assert (await d365.admin("POST", f"orders/web/{number}/hold", {"code": code})).json["stopped"]
    assert (await d365.admin("POST", f"orders/web/{number}/clear-hold", {"code": "CREDIT"})).json["stopped"]
    for action in ("confirm", "pick", "pack", "invoice"):
        assert (await d365.admin("POST", f"orders/web/{number}/{action}")).status == 409
    assert not (await d365.admin("POST", f"orders/web/{number}/clear-hold", {"code": "FRAUD"})).json["stopped"]
    assert (await post(d365, number, "confirm"))["processing_status"] == "Confirmed"
    assert (await d365.admin("POST", f"orders/web/{number}/clear-hold", {"code": "FRAUD"})).status == 409
    assert (await d365.admin("POST", f"orders/web/{number}/hold", {})).status == 400


async def test_a_return_line_brings_goods_back(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": -2})
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert row["OrderedQuantity"] == 7
    await post(d365, number, "pack")
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["OnHandQuantity"], row["OrderedQuantity"]) == (12, 5)


async def test_stock_can_be_set_moved_and_counted(d365: Client) -> None:
    lamp = {"company": "web", "item": "LAMP", "warehouse": "11"}
    assert (await d365.admin("POST", "on-hand", lamp | {"delta": -3})).json["OnHandQuantity"] == 7
    assert (await d365.admin("POST", "on-hand", lamp | {"physical": 50})).json["AvailableOnHandQuantity"] == 48
    tee = {"company": "web", "variant": "TEE-RED-M", "warehouse": "21", "physical": 1}
    assert (await d365.admin("POST", "on-hand", tee)).json["ProductColorId"] == "Red"
    rows = (await d365.admin("GET", "on-hand?company=web")).json
    assert {row["dataAreaId"] for row in rows} == {"web"}
    assert len(rows) == 5
    assert (await d365.admin("POST", "on-hand", lamp | {"item": "none", "delta": 1})).status == 404
    assert (await d365.admin("POST", "on-hand", lamp | {"warehouse": "none", "delta": 1})).status == 404
    assert (await d365.admin("POST", "on-hand", lamp)).status == 400
    for wrong in ("many", "NaN", None, [1]):
        assert (await d365.admin("POST", "on-hand", lamp | {"delta": wrong})).status == 400
    assert (await d365.admin("POST", "on-hand", "{")).status == 400


async def test_calls_are_counted_by_address_and_inside_batches(d365: Client) -> None:
    await d365.order({})
    await d365.header("WEB-000001")
    batch = "--b\n\n--b--"
    await d365.batch(batch, "b")
    calls = (await d365.admin("GET", "calls")).json
    assert calls["http"] == {
        "POST /data/SalesOrderHeadersV4": 1,
        "POST /data/SalesOrderLinesV3": 1,
        "GET /data/SalesOrderHeadersV4(key)": 1,
        "POST /data/$batch": 1,
    }
    await d365.admin("DELETE", "calls")
    assert (await d365.admin("GET", "calls")).json == {
        "http": {},
        "batched": {},
        "scans": {},
        "under_way": 0,
        "most_at_once": 0,
    }


async def fault(d365: Client, **fields: Any) -> None:
    assert (await d365.admin("POST", "faults", fields)).status == 201


async def test_throttling_may_or_may_not_say_how_long(d365: Client) -> None:
    await fault(d365, kind="throttle", retry_after=7)
    await fault(d365, kind="throttle")
    first, second = [await d365.data("GET", "Currencies") for _ in range(2)]
    assert (first.status, first.headers["Retry-After"]) == (429, "7")
    assert second.status == 429
    assert "Retry-After" not in second.headers
    assert "high resource utilization" in second.text
    assert (await d365.data("GET", "Currencies")).status == 200


async def test_gateway_errors_are_html(d365: Client) -> None:
    await fault(d365, kind="bad_gateway")
    await fault(d365, kind="unavailable")
    answers = [await d365.data("GET", "Currencies") for _ in range(2)]
    assert [answer.status for answer in answers] == [502, 503]
    assert answers[0].text.startswith("<html>")


async def test_a_fault_strikes_only_what_it_is_meant_for(d365: Client) -> None:
    await fault(d365, kind="unavailable", method="post", set="SalesOrderLinesV3", times=2)
    number = await d365.order()
    statuses = [(await d365.line(number)).status for _ in range(3)]
    assert statuses == [503, 503, 201]
    await fault(d365, kind="unavailable", times=None)
    assert [(await d365.data("GET", "Currencies")).status for _ in range(3)] == [503, 503, 503]
    await d365.admin("DELETE", "faults")
    assert (await d365.data("GET", "Currencies")).status == 200


async def test_an_update_conflict_passes(d365: Client) -> None:
    await fault(d365, kind="update_conflict", set="SalesOrderLinesV3")
    number = await d365.order()
    refused = await d365.line(number)
    assert refused.status == 500
    assert "update conflict" in refused.infolog
    assert (await d365.line(number)).status == 201


async def test_a_record_that_somebody_changed_meanwhile_is_a_412_once(d365: Client) -> None:
    number = await d365.order()
    await fault(d365, kind="changed", method="POST", set="SalesOrderLinesV3")
    assert [(await d365.line(number)).status for _ in range(2)] == [412, 201]


async def test_an_overridden_field_is_stored_or_given_instead_of_what_was_sent(d365: Client) -> None:
    number = await d365.order()
    await fault(d365, kind="override", method="POST", set="SalesOrderLinesV3", field="SalesPrice", value=199)
    await fault(d365, kind="override", method="GET", set="SalesOrderHeadersV4", field="dataAreaId", value="usmf")
    for _ in range(2):
        await d365.line(number)
    stored = [line["SalesPrice"] == 199 for line in await d365.rows("SalesOrderLinesV3")]
    assert stored == [True, False]
    given = [(await d365.rows("SalesOrderHeadersV4"))[0]["dataAreaId"] for _ in range(2)]
    assert given == ["usmf", "web"]


@pytest.mark.parametrize("wrong", [{"kind": "override"}, {"kind": "slow", "field": "SalesPrice"}])
async def test_only_an_override_names_a_field(d365: Client, wrong: dict[str, str]) -> None:
    assert (await d365.admin("POST", "faults", wrong)).status == 400


async def test_a_reset_connection_leaves_nothing_behind(d365: Client) -> None:
    await fault(d365, kind="reset", method="POST")
    with pytest.raises(aiohttp.ClientError):
        await d365.order()
    assert await d365.rows("SalesOrderHeadersV4") == []


async def test_a_timeout_after_commit_leaves_the_order_without_an_answer(d365: Client) -> None:
    await fault(d365, kind="timeout_after_commit", method="POST")
    with pytest.raises(aiohttp.ClientError):
        await d365.order(CustomersOrderReference="R1")
    (order,) = await d365.rows("SalesOrderHeadersV4?$filter=CustomersOrderReference eq 'R1'")
    assert order["SalesOrderNumber"] == "WEB-000001"


async def test_a_slow_call_is_answered_in_the_end(d365: Client) -> None:
    await fault(d365, kind="slow", ms=50)
    started = asyncio.get_running_loop().time()
    assert (await d365.data("GET", "Currencies")).status == 200
    assert asyncio.get_running_loop().time() - started >= 0.05


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"kind": "slow", "entity": "x"},
        {"kind": "slow", "ms": "long"},
        {"kind": "slow", "times": 0},
    ],
)
async def test_an_unknown_fault_is_refused(d365: Client, wrong: dict[str, Any]) -> None:
    assert (await d365.admin("POST", "faults", wrong)).status == 400


async def test_a_batch_is_struck_by_its_own_name(d365: Client) -> None:
    await fault(d365, kind="throttle", set="$batch")
    assert (await d365.data("GET", "Currencies")).status == 200
    assert (await d365.batch("--b\n\n--b--", "b")).status == 429


async def test_a_reset_brings_the_world_back_and_keeps_tokens(d365: Client) -> None:
    await d365.order({"OrderedSalesQuantity": 5})
    await fault(d365, kind="unavailable")
    await d365.admin("POST", "reset")
    assert await d365.rows("SalesOrderHeadersV4") == []
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert row["AvailableOnHandQuantity"] == 8
    assert await d365.order() == "WEB-000001"


async def test_records_of_an_entity_set_show_all_their_fields(d365: Client) -> None:
    number = await d365.order(BankSpecificSymbol="19AAA44C4")
    (record,) = (await d365.admin("GET", "records/SalesOrderHeadersV4")).json
    assert (record["SalesOrderNumber"], record["BankSpecificSymbol"]) == (number, "19AAA44C4")
    assert (await d365.admin("GET", "records/Orders")).status == 404


@pytest.mark.wire
async def test_it_runs_as_a_process_of_its_own_and_stops_at_once() -> None:
    command = (sys.executable, "-m", "local.d365", "--port", "0", "--world", "local/world.toml")
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    word, url = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().split()
    assert word == "READY"
    async with aiohttp.ClientSession() as http, http.get(f"{url}/_sim/health") as answer:
        assert await answer.json() == {"status": "ok"}
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 5) == 0
