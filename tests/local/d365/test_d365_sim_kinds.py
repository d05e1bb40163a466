"""Kinds of F&O companies: warehouse management, and parameters that decide what a change of a sales order does."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Client, running_f_and_o

ADDRESS = {
    "IsDeliveryAddressOrderSpecific": "Yes",
    "DeliveryAddressStreet": "Oudegracht 10",
    "DeliveryAddressCity": "Utrecht",
    "DeliveryAddressCountryRegionId": "NLD",
}


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o() as client:
        yield client


async def lines(d365: Client, number: str) -> list[dict[str, Any]]:
    return await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'&$orderby=LineNumber")


def key_of(line: dict[str, Any]) -> str:
    return f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{line['InventoryLotId']}')"


async def post(d365: Client, number: str, action: str, body: Any = None) -> dict[str, Any]:
    answer = await d365.admin("POST", f"orders/web/{number}/{action}", body or {})
    assert answer.status == 200, answer.text
    return answer.json


async def set_parameters(d365: Client, **parameters: Any) -> None:
    answer = await d365.admin("POST", "parameters", {"company": "web", **parameters})
    assert answer.status == 200, answer.text


async def released(d365: Client, lot: str) -> tuple[Any, ...]:
    (row,) = await d365.rows(f"WHSSalesLineBiEntities?$filter=InventTransId eq '{lot}'")
    return row["ReleasedQty"], row["OnWave"], row["OnWaveQty"], row["PackingQty"], row["QtyLeftToLoad"]


async def test_what_is_released_shows_on_the_line_and_not_on_the_order(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3}, {"ItemNumber": "FREIGHT", "SalesPrice": 5})
    lot = (await lines(d365, number))[0]["InventoryLotId"]
    assert await released(d365, lot) == (0, "No", 0, 0, 3)
    order = await post(d365, number, "release", {"lines": [{"lot": lot, "quantity": 2}]})
    assert order["processing_status"] == "Active"
    assert await released(d365, lot) == (2, "No", 0, 0, 1)
    await post(d365, number, "release", {"stage": "on_wave", "lines": [{"lot": lot, "quantity": 3}]})
    assert await released(d365, lot) == (3, "Yes", 3, 0, 0)
    await post(d365, number, "release", {"stage": "packed", "lines": [{"lot": lot, "quantity": 3}]})
    assert await released(d365, lot) == (3, "Yes", 3, 3, 0)
    rows = await d365.rows("WHSSalesLineBiEntities")
    assert len(rows) == 1  # a service has no work in the warehouse


async def test_a_line_shows_its_mode_of_delivery_in_both_sets(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 1})
    (line,) = await lines(d365, number)
    (row,) = await d365.rows(f"SalesLineBiEntities?$filter=InventTransId eq '{line['InventoryLotId']}'")
    assert row["DlvMode"] == line["DeliveryModeCode"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "is released to the warehouse and cannot be deleted"),
        ({"OrderedSalesQuantity": 2}, "3 are released to the warehouse"),
        ({"ShippingWarehouseId": "12"}, "its inventory dimensions cannot be changed"),
    ],
)
async def test_what_is_released_is_not_taken_back(d365: Client, change: dict[str, Any] | None, reason: str) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    await post(d365, number, "release")
    refused = await d365.data("PATCH" if change else "DELETE", key_of(line), change)
    assert refused.status == 400
    assert reason in refused.infolog
    assert (await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 4})).status == 204
    assert (await d365.data("PATCH", key_of(line), ADDRESS)).status == 204  # though the label may be printed


async def test_what_left_is_no_work_any_more_and_stays_released(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    lot = line["InventoryLotId"]
    await post(d365, number, "release", {"lines": [{"lot": lot, "quantity": 2}]})
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    assert (await released(d365, lot))[0] == 2
    assert (await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 2})).status == 204


@pytest.mark.parametrize(
    ("mode", "cities"),
    [("Always", ["Utrecht", "Utrecht"]), ("Never", ["Seattle", "Seattle"]), ("Prompt", ["Seattle", "Seattle"])],
)
async def test_lines_take_their_headers_changes_where_the_parameter_says_always(
    d365: Client, mode: str, cities: list[str]
) -> None:
    number = await d365.order({}, {"ItemNumber": "MUG"}, **{**ADDRESS, "DeliveryAddressCity": "Seattle"})
    assert {line["DeliveryAddressCity"] for line in await lines(d365, number)} == {"Seattle"}
    await set_parameters(d365, update_order_lines=mode)
    key = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    later = {"DeliveryModeCode": "STD", "RequestedShippingDate": "2026-12-24T12:00:00Z"}
    assert (await d365.data("PATCH", key, {**ADDRESS, **later})).status == 204
    found = await lines(d365, number)
    assert [line["DeliveryAddressCity"] for line in found] == cities
    assert {line["DeliveryModeCode"] for line in found} == ({"STD"} if mode == "Always" else {""})
    assert {line["RequestedShippingDate"][:10] == "2026-12-24" for line in found} == {mode == "Always"}


async def test_a_line_with_an_address_of_its_own_keeps_it(d365: Client) -> None:
    number = await d365.order({}, {"ItemNumber": "MUG"}, **ADDRESS)
    first, _ = await lines(d365, number)
    await d365.data("PATCH", key_of(first), {"DeliveryAddressCity": "Leiden"})
    key = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    await d365.data("PATCH", key, {"DeliveryAddressCity": "Delft"})
    assert [line["DeliveryAddressCity"] for line in await lines(d365, number)] == ["Leiden", "Delft"]


async def test_a_line_keeps_its_amount_where_net_amounts_are_not_calculated(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3, "SalesPrice": 10})
    (line,) = await lines(d365, number)
    await set_parameters(d365, calculate_line_net_amount=False)
    for change, amount in (
        ({"OrderedSalesQuantity": 2}, 30),
        ({"SalesPrice": 8, "LineAmount": 16}, 30),
        ({"LineAmount": 0}, 16),
        ({"SalesPrice": 9, "LineAmount": 0}, 18),
    ):
        assert (await d365.data("PATCH", key_of(line), change)).status == 204
        assert [row["LineAmount"] for row in await lines(d365, number)] == [Decimal(amount)]


@pytest.mark.parametrize(
    ("parameter", "actions", "change", "reason"),
    [
        ("takes_zero_quantity", [], {"OrderedSalesQuantity": 0}, "Quantity cannot be zero"),
        ("takes_delivered_quantity", ["pack"], {"OrderedSalesQuantity": 1}, "Deliver remainder cannot become zero"),
        ("deletes_confirmed_lines", ["confirm"], None, "is confirmed and cannot be deleted"),
    ],
)
async def test_a_company_may_refuse_what_another_takes(
    d365: Client, parameter: str, actions: list[str], change: dict[str, Any] | None, reason: str
) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    for action in actions:
        await post(d365, number, action, {"lines": [{"lot": line["InventoryLotId"], "quantity": 1}]})
    await set_parameters(d365, **{parameter: False})
    refused = await d365.data("PATCH" if change else "DELETE", key_of(line), change)
    assert refused.status == 400
    assert reason in refused.infolog
    await set_parameters(d365, **{parameter: True})
    assert (await d365.data("PATCH" if change else "DELETE", key_of(line), change)).status == 204


async def test_a_locked_order_of_which_something_is_invoiced_takes_no_line(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    await set_parameters(d365, locks_invoiced_orders=True)
    await post(d365, number, "pack", {"lines": [{"lot": line["InventoryLotId"], "quantity": 1}]})
    new = {"dataAreaId": "web", "SalesOrderNumber": number, "ItemNumber": "MUG"}
    assert (await d365.data("POST", "SalesOrderLinesV3", new)).status == 201
    await post(d365, number, "invoice")
    refused = await d365.data("POST", "SalesOrderLinesV3", new)
    assert "safety level of invoiced orders is locked" in refused.infolog


@pytest.mark.parametrize(
    "body",
    [
        {"company": "web", "update_order_lines": "Sometimes"},
        {"company": "web", "takes_zero_quantity": "no"},
        {"company": "web", "unheard": True},
        {"company": "nowhere"},
    ],
)
async def test_a_parameter_that_does_not_exist_is_refused(d365: Client, body: dict[str, Any]) -> None:
    assert (await d365.admin("POST", "parameters", body)).status == 400
