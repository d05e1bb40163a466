"""What F&O's simulator refuses of an order on its way, and what follows from what it takes."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Client, running_f_and_o


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o() as client:
        yield client


async def lines(d365: Client, number: str) -> list[dict[str, Any]]:
    return await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")


def key_of(line: dict[str, Any]) -> str:
    return f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{line['InventoryLotId']}')"


async def post(d365: Client, number: str, action: str, body: Any = None) -> None:
    answer = await d365.admin("POST", f"orders/web/{number}/{action}", body or {})
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("done", "change", "reason"),
    [
        (["pick"], None, "is picked and cannot be deleted"),
        (["pick"], {"OrderedSalesQuantity": 2}, "3 are picked"),
        (["pack"], None, "is delivered or invoiced and cannot be deleted"),
        (["pack"], {"OrderedSalesQuantity": 2}, "3 are already delivered"),
        (["pack", "invoice"], {"SalesPrice": 1}, "is Invoiced"),
        (["cancel"], {"SalesPrice": 1}, "is Canceled"),
    ],
)
async def test_what_is_done_to_a_line_stands(
    d365: Client, done: list[str], change: dict[str, Any] | None, reason: str
) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    for action in done:
        await post(d365, number, action)
    refused = await d365.data("PATCH" if change else "DELETE", key_of(line), change)
    assert refused.status == 400
    assert reason in refused.infolog


async def test_an_order_with_a_delivered_line_cannot_be_deleted(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3}, {"ItemNumber": "MUG"})
    (first, _) = await lines(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": first["InventoryLotId"], "quantity": 1}]})
    refused = await d365.data("DELETE", f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')")
    assert refused.status == 400
    assert len(await lines(d365, number)) == 2


async def test_the_price_of_what_is_partly_invoiced_stands_and_its_quantity_can_grow(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": line["InventoryLotId"], "quantity": 1}]})
    await post(d365, number, "invoice")
    refused = await d365.data("PATCH", key_of(line), {"SalesPrice": 1})
    assert "already invoiced" in refused.infolog
    assert (await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 5})).status == 204


async def test_what_is_picked_leaves_with_the_packing_slip(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    await post(d365, number, "pick")
    await post(d365, number, "pack", {"lines": [{"lot": line["InventoryLotId"], "quantity": 1}]})
    refused = await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 2})
    assert "2 are picked" in refused.infolog
    assert (await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 4})).status == 204


async def test_a_line_set_to_zero_is_canceled_and_gives_its_stock_back(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    before = await d365.on_hand("LAMP")
    assert (await d365.data("PATCH", key_of(line), {"OrderedSalesQuantity": 0})).status == 204
    (line,) = await lines(d365, number)
    assert (line["SalesOrderLineStatus"], line["LineAmount"]) == ("Canceled", Decimal(0))
    assert (await d365.header(number))["SalesOrderStatus"] == "Canceled"
    after = await d365.on_hand("LAMP")
    assert before is not None
    assert after is not None
    assert after["AvailableOnHandQuantity"] == before["AvailableOnHandQuantity"] + 3


async def test_a_delivered_order_takes_a_line_and_an_invoiced_one_does_not(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 1})
    await post(d365, number, "pack")
    assert (await d365.line(number)).status == 201
    assert (await d365.header(number))["SalesOrderProcessingStatus"] == "PartiallyDelivered"
    await post(d365, number, "pack")
    await post(d365, number, "invoice")
    assert "is Invoiced" in (await d365.line(number)).infolog


async def test_a_new_address_of_the_order_becomes_that_of_its_lines(d365: Client) -> None:
    number = await d365.order({}, {"DeliveryAddressCity": "Elsewhere"})
    header = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    body = {"DeliveryAddressCity": "Utrecht", "DeliveryAddressCountryRegionId": "NLD"}
    assert (await d365.data("PATCH", header, body | {"IsDeliveryAddressOrderSpecific": "Yes"})).status == 204
    assert [line["DeliveryAddressCity"] for line in await lines(d365, number)] == ["Utrecht", "Elsewhere"]
