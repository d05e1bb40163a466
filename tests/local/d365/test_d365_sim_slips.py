"""Packing slips of F&O: posted in parts and over several warehouses and orders, tracked, corrected, cancelled."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fixtures.d365_sim import Client, Clock, running_f_and_o

SLIPS, LINES = "CustPackingSlipJourBiEntities", "CustPackingSlipTransBiEntities"
BACK = {"lot": "WEB-000001", "quantity": -1}
VERSIONS, TRACKING = "CustPackingSlipVersionBiEntities", "PackingSlipTrackingInformation"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 7, 30, 8, 58, 53, 250_000, tzinfo=UTC))


@pytest.fixture
async def d365(wire: None, clock: Clock) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=clock) as client:
        yield client


async def post(d365: Client, number: str, action: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    answer = await d365.admin("POST", f"orders/web/{number}/{action}", body)
    assert answer.status == status, answer.text
    return answer.json


async def change(d365: Client, slip: str, action: str, body: Any = None, status: int = 200) -> dict[str, Any]:
    answer = await d365.admin("POST", f"slips/web/{slip}/{action}", body)
    assert answer.status == status, answer.text
    return answer.json


async def lots(d365: Client, number: str) -> list[str]:
    rows = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'&$orderby=LineNumber")
    return [row["InventoryLotId"] for row in rows]


async def stock(d365: Client, item: str, warehouse: str = "11") -> tuple[int, int, int]:
    """Physical, reserved, on order."""
    row = await d365.on_hand(item, warehouse)
    assert row is not None
    return row["OnHandQuantity"], row["ReservedOnHandQuantity"], row["OnOrderQuantity"]


async def remaining(d365: Client, number: str) -> list[tuple[int, str]]:
    rows = await d365.rows(f"SalesLineBiEntities?$filter=SalesId eq '{number}'&$orderby=LineNum")
    return [(row["RemainSalesPhysical"], row["SalesStatus"]) for row in rows]


async def slip_lines(d365: Client, where: str = "") -> list[tuple[str, str, str, str, int]]:
    rows = await d365.rows(f"{LINES}?$orderby=PackingSlipId,LineNum{where}")
    return [
        (row["PackingSlipId"], row["SalesId"], row["OrigSalesId"], row["InventTransId"], row["Qty"]) for row in rows
    ]


async def test_a_slip_is_a_sale_of_its_warehouse_and_second_and_has_a_first_version(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3}, CustomersOrderReference="R1", ShippingCarrierId="DHL")
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    (slip,) = await d365.rows(f"{SLIPS}?$filter=CreatedOn ge 2026-07-30T08:58:53Z and CustomerRef eq 'R1'")
    assert {
        name: slip[name] for name in ("PackingSlipId", "SalesId", "SalesType", "Qty", "inventLocationId", "CreatedOn")
    } == {
        "PackingSlipId": f"{number}-1",
        "SalesId": number,
        "SalesType": "Sales",
        "Qty": 2,
        "inventLocationId": "11",
        "CreatedOn": "2026-07-30T08:58:53Z",
    }
    assert slip["ShipCarrierId"] == "DHL"
    assert await d365.rows(f"{SLIPS}?$filter=CreatedOn ge 2026-07-30T08:58:54Z") == []
    (version,) = await d365.rows(f"{VERSIONS}?$filter=CustPackingSlipJour eq {slip['SourceKey']}")
    assert (version["VersionDateTime"], version["Qty"]) == ("2026-07-30T08:58:53Z", 2)
    assert slip["SourceKey"] != slip["SourceDocumentHeader"]


async def test_lines_of_two_warehouses_leave_on_two_slips_with_the_service_on_the_first(d365: Client) -> None:
    number = await d365.order(
        {"OrderedSalesQuantity": 2}, {"OrderedSalesQuantity": 1, "ShippingWarehouseId": "12"}, {"ItemNumber": "FREIGHT"}
    )
    first, second, freight = await lots(d365, number)
    tracking = [{"number": "A1", "url": "https://t/A1"}, {"number": "A2"}, {"number": "B1", "warehouse": "12"}]
    packed = await post(d365, number, "pack", {"tracking": tracking, "carrier": "UPS"})
    assert packed["packing_slips"] == [f"{number}-1", f"{number}-2"]
    assert packed["status"] == "Delivered"
    assert await slip_lines(d365) == [
        (f"{number}-1", number, number, first, 2),
        (f"{number}-1", number, number, freight, 1),
        (f"{number}-2", number, number, second, 1),
    ]
    slips = await d365.rows(f"{SLIPS}?$orderby=PackingSlipId")
    assert [(slip["inventLocationId"], slip["Qty"], slip["ShipCarrierId"]) for slip in slips] == [
        ("11", 3, "UPS"),
        ("12", 1, "UPS"),
    ]
    rows = await d365.rows(f"{LINES}?$filter=InventTransId eq '{freight}'")
    assert [row["StockedProduct"] for row in rows] == ["No"]
    numbers = await d365.rows(f"{TRACKING}?$orderby=TrackingNumber")
    assert [(row["PackingSlipNumber"], row["TrackingNumber"], row["TrackingURL"]) for row in numbers] == [
        (f"{number}-1", "A1", "https://t/A1"),
        (f"{number}-1", "A2", ""),
        (f"{number}-2", "B1", ""),
    ]


async def test_another_warehouse_delivers_a_part_and_the_lines_own_has_its_stock_back(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (lot,) = await lots(d365, number)
    assert await stock(d365, "LAMP") == (10, 5, 1)  # 2 and 1 of them are others'
    parts = [{"lot": lot, "quantity": 1}, {"lot": lot, "quantity": 2, "warehouse": "12"}]
    packed = await post(d365, number, "pack", {"lines": parts})
    assert packed["packing_slips"] == [f"{number}-1", f"{number}-2"]
    assert await stock(d365, "LAMP") == (9, 2, 1)
    assert await stock(d365, "LAMP", "12") == (2, 0, 0)
    assert await remaining(d365, number) == [(0, "Delivered")]


@pytest.mark.parametrize(("kind", "booked"), [("journal", "first"), ("order", "own")])
async def test_a_summary_slip_is_one_number_over_several_orders(d365: Client, kind: str, booked: str) -> None:
    assert (await d365.admin("POST", "tenant", {"summary_lines": kind})).status == 200
    one, two = await d365.order({"OrderedSalesQuantity": 1}), await d365.order({"OrderedSalesQuantity": 2})
    (lot_one,), (lot_two,) = await lots(d365, one), await lots(d365, two)
    packed = await post(d365, one, "pack", {"summary": [two], "tracking_number": "S1"})
    assert packed["packing_slips"] == [f"{one}-1"]
    (slip,) = await d365.rows(SLIPS)
    assert (slip["SalesId"], slip["Qty"]) == (one, 3)
    assert sorted(await slip_lines(d365)) == sorted(
        [(f"{one}-1", one, one, lot_one, 1), (f"{one}-1", one if booked == "first" else two, two, lot_two, 2)]
    )
    (tracking,) = await d365.rows(TRACKING)
    assert tracking["SalesOrderNumber"] == one
    assert await remaining(d365, two) == [(0, "Delivered")]
    # The other order's own slips are numbered for themselves.
    await d365.line(two, ItemNumber="FREIGHT")
    assert (await post(d365, two, "pack"))["packing_slips"] == [f"{two}-1"]
    # A correction reaches the order that the line is of.
    await change(d365, f"{one}-1", "correct", {"lines": [{"lot": lot_two, "quantity": 1}]})
    assert await remaining(d365, one) == [(0, "Delivered")]
    assert await remaining(d365, two) == [(1, "Backorder"), (0, "Delivered")]


async def test_orders_of_other_buyers_and_unknown_ones_are_not_on_one_slip(d365: Client) -> None:
    one = await d365.order({})
    customer = {
        "dataAreaId": "web",
        "CustomerAccount": "OTHER",
        "OrganizationName": "Other",
        "CustomerGroupId": "30",
        "SalesCurrencyCode": "USD",
    }
    assert (await d365.data("POST", "CustomersV3", customer)).status == 201
    two = await d365.order({}, OrderingCustomerAccountNumber="OTHER")
    for summary in ([two], [one], ["none"]):
        await post(d365, one, "pack", {"summary": summary}, status=409)
    assert await d365.rows(SLIPS) == []


async def test_tracking_comes_later_and_leaves_no_time(d365: Client, clock: Clock) -> None:
    number = await d365.order({})
    await post(d365, number, "pack", {"tracking_number": "T1"})
    before = (await d365.rows(SLIPS), await d365.rows(VERSIONS), await d365.rows(LINES))
    clock.turn(days=2)
    d365.headers = {"Authorization": f"Bearer {d365.token()}"}
    body = {"tracking": [{"number": "T2", "url": "https://t/T2"}, {"number": "T3"}]}
    await change(d365, f"{number}-1", "track", body)
    assert (await d365.rows(SLIPS), await d365.rows(VERSIONS), await d365.rows(LINES)) == before
    rows = await d365.rows(f"{TRACKING}?$orderby=TrackingNumber")
    assert [(row["TrackingNumber"], row["DeliveryDate"]) for row in rows] == [
        ("T1", "2026-07-30T12:00:00Z"),  # the slip's day, though two came later
        ("T2", "2026-07-30T12:00:00Z"),
        ("T3", "2026-07-30T12:00:00Z"),
    ]
    await change(d365, f"{number}-1", "track", {"tracking": [{"number": "T4"}, {"number": "T2"}]}, status=409)
    assert len(await d365.rows(TRACKING)) == 3
    await change(d365, f"{number}-1", "track", {"tracking": ["T5"]}, status=400)
    await change(d365, "none", "track", body, status=404)


async def test_a_correction_is_a_version_and_the_goods_are_there_again(d365: Client, clock: Clock) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack")
    assert await stock(d365, "LAMP") == (5, 2, 1)
    clock.turn(minutes=10)
    corrected = await change(d365, f"{number}-1", "correct", {"lines": [{"lot": lot, "quantity": 3}]})
    assert corrected["lines"] == [{"lot": lot, "order": number, "quantity": 3, "remaining": 2}]
    assert await stock(d365, "LAMP") == (7, 4, 1)
    assert await remaining(d365, number) == [(2, "Backorder")]
    assert (await d365.header(number))["SalesOrderProcessingStatus"] == "PartiallyDelivered"
    (slip,) = await d365.rows(SLIPS)
    assert (slip["Qty"], slip["CreatedOn"]) == (3, "2026-07-30T08:58:53Z")
    rows = await d365.rows(f"{VERSIONS}?$filter=VersionDateTime ge 2026-07-30T09:00:00Z")
    assert [(row["Qty"], row["VersionDateTime"], row["CustPackingSlipJour"]) for row in rows] == [
        (3, "2026-07-30T09:08:53Z", slip["SourceKey"])
    ]
    await change(d365, f"{number}-1", "correct", {"lines": [{"lot": lot, "quantity": 2}]})
    rows = await d365.rows(f"{VERSIONS}?$orderby=VersionDateTime")
    assert [(row["Qty"], row["VersionDateTime"]) for row in rows] == [
        (5, "2026-07-30T08:58:53Z"),
        (3, "2026-07-30T09:08:53Z"),
        (2, "2026-07-30T09:08:54Z"),  # a key for each: the same second is taken
    ]
    # What came back leaves on a slip of its own.
    assert (await post(d365, number, "pack"))["packing_slips"] == [f"{number}-2"]
    assert await stock(d365, "LAMP") == (5, 2, 1)


@pytest.mark.parametrize("quantity", [5, 6, -1])
async def test_a_correction_only_takes_away(d365: Client, quantity: int) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack")
    await change(d365, f"{number}-1", "correct", {"lines": [{"lot": lot, "quantity": quantity}]}, status=409)
    await change(d365, f"{number}-1", "correct", {"lines": [{"lot": "none", "quantity": 1}]}, status=409)
    await change(d365, f"{number}-1", "correct", status=409)
    await change(d365, f"{number}-1", "mend", status=404)
    assert await slip_lines(d365) == [(f"{number}-1", number, number, lot, 5)]
    assert len(await d365.rows(VERSIONS)) == 1


async def test_what_is_invoiced_is_neither_corrected_nor_cancelled(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    await post(d365, number, "invoice")
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}]})
    await change(d365, f"{number}-1", "cancel", status=409)
    assert await remaining(d365, number) == [(2, "Backorder")]
    await change(d365, f"{number}-2", "cancel")
    assert await remaining(d365, number) == [(3, "Backorder")]


@pytest.mark.parametrize(("kind", "kept"), [("stay", 1), ("go", 0)])
async def test_a_cancelled_slip_has_a_version_of_nothing(d365: Client, clock: Clock, kind: str, kept: int) -> None:
    assert (await d365.admin("POST", "tenant", {"cancelled_slips": kind})).status == 200
    number = await d365.order({"OrderedSalesQuantity": 2}, {"ItemNumber": "FREIGHT"})
    await post(d365, number, "pack", {"tracking_number": "T1"})
    clock.turn(seconds=30)
    await change(d365, f"{number}-1", "cancel")
    slips = await d365.rows(SLIPS)
    assert [(slip["PackingSlipId"], slip["Qty"]) for slip in slips] == [(f"{number}-1", 0)] * kept
    assert [line[-1] for line in await slip_lines(d365)] == [0, 0] * kept
    rows = await d365.rows(f"{VERSIONS}?$orderby=VersionDateTime")
    assert [(row["Qty"], row["InternalPackingSlipId"]) for row in rows] == [(3, f"{number}-1"), (0, f"{number}-1")]
    assert await remaining(d365, number) == [(2, "Backorder"), (1, "Backorder")]
    assert await stock(d365, "LAMP") == (10, 4, 1)
    assert len(await d365.rows(TRACKING)) == 1
    await change(d365, f"{number}-1", "cancel", status=409 if kept else 404)
    # Its number is not used again.
    assert (await post(d365, number, "pack"))["packing_slips"] == [f"{number}-2"]


async def test_goods_that_another_warehouse_delivered_come_back_there(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2}, InventoryReservationMethod="None")
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2, "warehouse": "12"}]})
    assert (await stock(d365, "LAMP"), await stock(d365, "LAMP", "12")) == ((10, 2, 1), (2, 0, 0))
    await change(d365, f"{number}-1", "cancel")
    assert (await stock(d365, "LAMP"), await stock(d365, "LAMP", "12")) == ((10, 2, 3), (4, 0, 0))


async def test_pieces_given_up_are_ordered_and_neither_remain_nor_left(d365: Client, clock: Clock) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    clock.turn(minutes=5)
    await post(d365, number, "give-up", {"lines": [{"lot": lot, "quantity": 1}]})
    (row,) = await d365.rows("SalesLineBiEntities?$filter=SysModifiedDateTime ge 2026-07-30T09:00:00Z")
    assert (row["QtyOrdered"], row["RemainSalesPhysical"], row["SalesStatus"]) == (5, 2, "Backorder")
    assert await stock(d365, "LAMP") == (8, 4, 1)
    await post(d365, number, "give-up")
    assert await remaining(d365, number) == [(0, "Delivered")]
    assert await stock(d365, "LAMP") == (8, 2, 1)
    await post(d365, number, "give-up", status=409)
    # A slip that is cancelled afterwards brings back what was on it, not what was given up.
    await change(d365, f"{number}-1", "cancel")
    assert await remaining(d365, number) == [(2, "Backorder")]
    assert await stock(d365, "LAMP") == (10, 4, 1)


async def test_given_up_pieces_are_no_work_in_the_warehouse(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "release")
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}]})
    await post(d365, number, "give-up", {"lines": [{"lot": lot, "quantity": 2}]})
    (row,) = await d365.rows("WHSSalesLineBiEntities")
    assert row["ReleasedQty"] == 3


async def test_what_left_is_not_picked_any_more(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pick")
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 2}]})
    line = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{lot}')"
    assert [(await d365.data("PATCH", line, {"OrderedSalesQuantity": n})).status for n in (4, 6, 5)] == [400, 204, 204]


async def test_more_than_remains_is_not_given_up(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2})
    (lot,) = await lots(d365, number)
    for quantity in (3, 0, -1):
        await post(d365, number, "give-up", {"lines": [{"lot": lot, "quantity": quantity}]}, status=409)
    assert await remaining(d365, number) == [(2, "Backorder")]


async def test_more_than_ordered_leaves_where_it_is_meant(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 3}]}, status=409)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 3, "over": True}]})
    assert await remaining(d365, number) == [(0, "Delivered")]
    assert await stock(d365, "LAMP") == (7, 2, 1)
    line = f"SalesOrderLinesV3(dataAreaId='web',InventoryLotId='{lot}')"
    assert (await d365.data("PATCH", line, {"LineDescription": "Lamp!"})).status == 204
    await change(d365, f"{number}-1", "correct", {"lines": [{"lot": lot, "quantity": 1}]})
    assert await remaining(d365, number) == [(1, "Backorder")]
    assert await stock(d365, "LAMP") == (9, 3, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lines": [{"lot": "WEB-000001", "quantity": 1, "warehouse": "99"}]}, 409),
        ({"lines": [{"lot": "WEB-000001", "quantity": 1, "warehouse": "21"}]}, 409),  # nothing is there
        ({"lines": [{"lot": "WEB-000001", "quantity": 1}, {"lot": "WEB-000001", "quantity": 1}]}, 409),
        ({"lines": [{"lot": "WEB-000001", "quantity": 2}, {**BACK, "warehouse": "12"}]}, 409),
        ({"tracking": [{"number": "A", "warehouse": "12"}]}, 409),
        ({"tracking": [{"number": "A"}, {"number": "A"}]}, 409),
        ({"tracking": [{"url": "https://t"}]}, 400),
        ({"load": {"truck": "1"}}, 400),
        ({"sales_type": "Gift"}, 400),
        ({"summary": "SO-1"}, 400),
        ({"line": []}, 400),
    ],
)
async def test_a_slip_that_cannot_be_posted_changes_nothing(d365: Client, body: Any, status: int) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    await post(d365, number, "pack", body, status=status)
    assert await remaining(d365, number) == [(3, "Backorder")]
    assert await stock(d365, "LAMP") == (10, 5, 1)
    assert (await d365.rows(SLIPS), await d365.rows(TRACKING)) == ([], [])


async def test_slips_of_returns_and_journals_are_among_the_others(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2, "SalesPrice": 10})
    (lot,) = await lots(d365, number)
    await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}], "sales_type": "Journal"})
    await post(d365, number, "pack")
    await post(d365, number, "invoice")
    header = {"dataAreaId": "web", "CustomerAccountNumber": "DAT-000004", "CustomersOrderReference": "R1"}
    returned = (await d365.data("POST", "ReturnOrderHeadersV2", header)).json
    line = {
        "dataAreaId": "web",
        "ReturnOrderNumber": returned["ReturnOrderNumber"],
        "ItemNumber": "LAMP",
        "ReturnSalesQuantity": -1,
        "ReturningInventoryLotId": lot,
        "ReturnSiteId": "1",
        "ReturnWarehouseId": "11",
        "ReturnDispositionCode": "CREDIT",
    }
    added = await d365.data("POST", "ReturnOrderLinesV2", line)
    assert added.status == 201, added.text
    assert (await d365.admin("POST", f"returns/web/{returned['ReturnOrderNumber']}/receive")).status == 200
    slips = await d365.rows(f"{SLIPS}?$orderby=SourceDocumentHeader")
    assert [(slip["SalesType"], slip["SalesId"], slip["Qty"], slip["ReturnItemNum"]) for slip in slips] == [
        ("Journal", number, 1, ""),
        ("Sales", number, 1, ""),
        ("ReturnItem", returned["ReturnOrderNumber"], -1, returned["RMANumber"]),
    ]
    back = slips[2]["PackingSlipId"]
    assert (await d365.rows(f"{LINES}?$filter=PackingSlipId eq '{back}'"))[0]["Qty"] == -1
    await change(d365, back, "cancel", status=409)


async def test_a_load_names_the_carrier_and_shipments_the_slip(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2}, CustomersOrderReference="R1")
    (lot,) = await lots(d365, number)
    load = {"id": "L1", "carrier": "DHL", "service": "EXP", "pro_number": "P9"}
    for _ in range(2):
        await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}], "load": load})
    (found,) = await d365.rows("OutboundLoadHeaders")
    assert (found["LoadId"], found["ShippingCarrierCode"], found["ShippingCarrierServiceId"], found["ProNumber"]) == (
        "L1",
        "DHL",
        "EXP",
        "P9",
    )
    rows = await d365.rows("OutboundShipmentHeaders?$orderby=ShipmentId")
    assert [(row["OutboundLoadId"], row["PreallocatedPackingSlipId"], row["CustomerReference"]) for row in rows] == [
        ("L1", f"{number}-1", "R1"),
        ("L1", f"{number}-2", "R1"),
    ]
