"""Return orders in the F&O simulator: against invoiced lots, received by their disposition, credited."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
HEADERS, LINES = "ReturnOrderHeadersV2", "ReturnOrderLinesV2"


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=lambda: NOW) as client:
        yield client


async def sold(d365: Client, *lines: dict[str, Any], **header: Any) -> tuple[str, list[str]]:
    """An invoiced order, and the lots of its lines."""
    number = await d365.order(*lines, **header)
    for action in ("pack", "invoice"):
        answer = await d365.admin("POST", f"orders/web/{number}/{action}")
        assert answer.status == 200, answer.text
    return number, [line["lot"] for line in answer.json["lines"]]


async def header(d365: Client, **fields: Any) -> Answer:
    body = {
        "dataAreaId": "web",
        "CustomerAccountNumber": "DAT-000004",
        "CustomerReturnReasonCode": "DEFECT",
        "DefaultReturnSiteId": "1",
        "DefaultReturnWarehouseId": "12",
    }
    return await d365.data("POST", HEADERS, body | fields)


async def line(d365: Client, number: str, lot: str, **fields: Any) -> Answer:
    body = {"dataAreaId": "web", "ReturnOrderNumber": number, "ReturningInventoryLotId": lot, "ReturnSalesQuantity": -1}
    return await d365.data("POST", LINES, body | fields)


async def returned(d365: Client, lot: str, **fields: Any) -> tuple[str, str]:
    """A return order and the lot of its line."""
    number = (await header(d365)).json["ReturnOrderNumber"]
    answer = await line(d365, number, lot, **fields)
    assert answer.status == 201, answer.text
    return number, answer.json["ReturnInventoryLotId"]


async def post_action(d365: Client, number: str, action: str, body: Any = None) -> Answer:
    return await d365.admin("POST", f"returns/web/{number}/{action}", body)


async def on_hand(d365: Client, warehouse: str = "12") -> tuple[int, int]:
    row = await d365.on_hand("LAMP", warehouse)
    assert row is not None
    return row["OnHandQuantity"], row["OrderedQuantity"]


async def test_a_return_order_gets_its_numbers_and_takes_a_sold_lot_back(d365: Client) -> None:
    _, (lot,) = await sold(d365, {"OrderedSalesQuantity": 3, "SalesPrice": 30, "LineDiscountPercentage": 10})
    created = (await header(d365, CustomersOrderReference="shopify-web-r1")).json
    assert created["RMANumber"] == "RMA-000001"
    assert (created["ReturnStatus"], created["ReturnOrderStatus"]) == ("Created", "None")
    assert (created["InvoiceCustomerAccountNumber"], created["CurrencyCode"]) == ("DAT-000004", "USD")
    number = created["ReturnOrderNumber"]
    added = (await line(d365, number, lot, ReturnSalesQuantity=-2)).json
    expected = {
        "ItemNumber": "LAMP",
        "SalesPrice": 27,
        "LineAmount": -54,
        "ReturnSiteId": "1",
        "ReturnWarehouseId": "12",
        "ReturnStatus": "Awaiting",
        "RMANumber": "RMA-000001",
        "CustomerAccountNumber": "DAT-000004",
    }
    assert {name: added[name] for name in expected} == expected
    (found,) = await d365.rows(
        f"{HEADERS}?$filter=CustomersOrderReference eq 'shopify-web-r1'&$expand=ReturnOrderLines"
    )
    assert found["ReturnOrderStatus"] == "Backorder"
    assert [each["ReturningInventoryLotId"] for each in found["ReturnOrderLines"]] == [lot]


async def test_return_orders_share_their_numbers_with_sales_orders(d365: Client) -> None:
    order = await d365.order(SalesOrderNumber="SH-1")
    assert (await header(d365, ReturnOrderNumber="SH-R1")).json["ReturnOrderNumber"] == "SH-R1"
    for number in ("SH-R1", order):
        refused = await header(d365, ReturnOrderNumber=number)
        assert refused.status == 400
        assert "already exists" in refused.infolog
    assert "does not allow manual numbers" in (await header(d365, dataAreaId="dat", ReturnOrderNumber="X")).infolog
    drawn = [(await header(d365, dataAreaId="dat")).json["ReturnOrderNumber"], await d365.order(company="dat")]
    assert drawn == ["DAT-000001", "DAT-000002"]
    taken = {"dataAreaId": "web", "OrderingCustomerAccountNumber": "DAT-000004", "SalesOrderNumber": "sh-r1"}
    assert "already exists" in (await d365.data("POST", "SalesOrderHeadersV4", taken)).infolog


async def test_a_manual_rma_sequence_leaves_a_return_without_its_number(d365: Client) -> None:
    drawn = (await header(d365)).json["RMANumber"]
    assert drawn == "RMA-000001"
    changed = {"company": "web", "sequence": "rma_numbers", "kind": "manual"}
    assert (await d365.admin("POST", "number-sequences", changed)).status == 200
    refused = await header(d365)
    assert refused.status == 400
    assert "The number sequence for RMAs is manual: enter a number." in refused.infolog


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"CustomerAccountNumber": ""}, "Field 'Customer account' must be filled in."),
        ({"CustomerAccountNumber": "X"}, "'X' in field 'Customer account' is not found"),
        ({"InvoiceCustomerAccountNumber": "X"}, "'X' in field 'Invoice account' is not found"),
        ({"CustomerReturnReasonCode": "X"}, "'X' in field 'Return reason code' is not found"),
        ({"CurrencyCode": "XXX"}, "'XXX' in field 'Currency' is not found"),
        ({"DefaultReturnWarehouseId": "X"}, "'X' in field 'Warehouse' is not found"),
        ({"DefaultReturnWarehouseId": "21"}, "21 does not belong to site 1"),
        ({"ReturnStatus": "Open"}, "Field 'ReturnStatus' does not allow editing."),
        ({"CustomersOrderReference": "x" * 61}, "60 are allowed"),
    ],
)
async def test_a_header_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    refused = await header(d365, **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(HEADERS) == []


async def test_a_customer_on_hold_can_return_nothing(d365: Client) -> None:
    account = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    await d365.data("PATCH", account, {"OnHoldStatus": "All"})
    assert "is on hold" in (await header(d365)).infolog


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ReturnOrderNumber": "none"}, "'none' in field 'Return order' is not found"),
        ({"ReturningInventoryLotId": "none"}, "'none' in field 'Return lot ID' is not found"),
        ({"ReturningInventoryLotId": ""}, "Field 'Item number' must be filled in."),
        ({"ItemNumber": "MUG"}, "The returned lot is of item LAMP."),
        ({"ReturnSalesQuantity": 1}, "must be negative"),
        ({"ReturnSalesQuantity": 0}, "must be negative"),
        ({"ReturnSalesQuantity": -4}, "are invoiced and not returned"),
        ({"ReturnDispositionCode": "X"}, "'X' in field 'Disposition code' is not found"),
        ({"ReturnWarehouseId": "X"}, "'X' in field 'Warehouse' is not found"),
        ({"ReturnSiteId": ""}, "Inventory dimension Site is mandatory"),
        ({"ProductColorId": "Red"}, "has no product dimensions"),
        ({"LineAmount": -1}, "Field 'LineAmount' does not allow editing."),
    ],
)
async def test_a_line_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    _, (lot,) = await sold(d365, {"OrderedSalesQuantity": 3})
    number = (await header(d365)).json["ReturnOrderNumber"]
    refused = await line(d365, number, lot, **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(LINES) == []


async def test_what_is_not_invoiced_cannot_be_returned(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2})
    (lot,) = [row["InventoryLotId"] for row in await d365.rows("SalesOrderLinesV3")]
    rma = (await header(d365)).json["ReturnOrderNumber"]
    for action in ("pack", "invoice"):
        assert "0 of lot" in (await line(d365, rma, lot)).infolog
        await d365.admin("POST", f"orders/web/{number}/{action}")
    assert (await line(d365, rma, lot)).status == 201


async def test_a_lot_is_returned_once_by_all_returns_together(d365: Client) -> None:
    _, (lot,) = await sold(d365, {"OrderedSalesQuantity": 2})
    first, own = await returned(d365, lot, ReturnSalesQuantity=-2)
    second = (await header(d365)).json["ReturnOrderNumber"]
    assert "0 of lot" in (await line(d365, second, lot)).infolog
    key = f"{LINES}(dataAreaId='web',ReturnOrderNumber='{first}',ReturnInventoryLotId='{own}')"
    assert (await d365.data("PATCH", key, {"ReturnSalesQuantity": -1})).status == 204
    assert (await line(d365, second, lot)).status == 201
    assert "invoiced and not returned" in (await d365.data("PATCH", key, {"ReturnSalesQuantity": -2})).infolog


async def test_another_customers_lot_cannot_be_returned(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    other = {
        "dataAreaId": "web",
        "CustomerAccount": "C2",
        "OrganizationName": "Two",
        "CustomerGroupId": "30",
        "SalesCurrencyCode": "USD",
    }
    assert (await d365.data("POST", "CustomersV3", other)).status == 201
    number = (await header(d365, CustomerAccountNumber="C2")).json["ReturnOrderNumber"]
    assert "was sold to another customer" in (await line(d365, number, lot)).infolog


async def test_goods_that_come_back_go_into_stock_and_are_credited(d365: Client) -> None:
    _, (lot,) = await sold(d365, {"OrderedSalesQuantity": 3, "SalesPrice": 30}, SalesTaxGroupCode="VAT")
    number, own = await returned(d365, lot, ReturnSalesQuantity=-2, ReturnDispositionCode="CREDIT")
    assert await on_hand(d365) == (4, 2)

    part = (await post_action(d365, number, "receive", {"lines": [{"lot": own, "quantity": 1}]})).json
    assert (part["status"], part["lines"][0]["status"], part["lines"][0]["received"]) == ("Open", "Registered", -1)
    assert await on_hand(d365) == (5, 1)
    assert (await post_action(d365, number, "invoice")).status == 409
    rest = (await post_action(d365, number, "receive")).json
    assert (rest["status"], rest["sales_status"], rest["lines"][0]["status"]) == ("Open", "Delivered", "Received")
    assert await on_hand(d365) == (6, 0)

    credited = (await post_action(d365, number, "invoice")).json
    assert (credited["status"], credited["sales_status"]) == ("Closed", "Invoiced")
    (note,) = await d365.rows(f"SalesInvoiceHeadersV4?$filter=SalesOrderNumber eq '{number}'")
    assert (note["InvoiceNumber"], note["TotalInvoiceAmount"], note["TotalTaxAmount"]) == (
        credited["invoice"],
        Decimal("-67.5"),
        Decimal("-7.5"),
    )
    (row,) = await d365.rows(f"CustTransactions?$filter=Invoice eq '{credited['invoice']}'")
    assert (row["TransType"], row["AmountCur"]) == ("Sales", Decimal("-67.5"))
    assert (await post_action(d365, number, "receive")).status == 409


async def test_a_return_is_open_while_it_awaits_another_line(d365: Client) -> None:
    _, (lot, other) = await sold(d365, {}, {})
    number, own = await returned(d365, lot, ReturnDispositionCode="CREDIT")
    await line(d365, number, other, ReturnDispositionCode="CREDIT")
    arrived = (await post_action(d365, number, "receive", {"lines": [{"lot": own, "quantity": 1}]})).json
    assert (arrived["status"], arrived["sales_status"]) == ("Open", "Backorder")
    assert [each["status"] for each in arrived["lines"]] == ["Received", "Awaiting"]
    credited = (await post_action(d365, number, "invoice")).json
    assert (credited["status"], [each["status"] for each in credited["lines"]]) == ("Open", ["Invoiced", "Awaiting"])


@pytest.mark.parametrize(
    ("arrival", "reason"),
    [
        ({"lot": "none", "quantity": 1}, "is not awaited"),
        ({"quantity": 2}, "2 arrive, 1 are awaited"),
        ({"quantity": 0}, "0 arrive"),
        ({"quantity": 1, "disposition": "KEEP"}, "is credited without coming back"),
    ],
)
async def test_nothing_else_than_what_is_awaited_can_arrive(d365: Client, arrival: dict[str, Any], reason: str) -> None:
    _, (lot,) = await sold(d365, {})
    number, own = await returned(d365, lot, ReturnDispositionCode="CREDIT")
    refused = await post_action(d365, number, "receive", {"lines": [{"lot": own} | arrival]})
    assert (refused.status, reason in refused.json["error"]) == (409, True)
    assert await on_hand(d365) == (4, 1)


async def test_scrap_is_credited_and_does_not_go_into_stock(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    number, own = await returned(d365, lot)
    assert "no disposition code" in (await post_action(d365, number, "receive")).json["error"]
    arrival = {"lines": [{"lot": own, "quantity": 1, "disposition": "SCRAP"}]}
    assert (await post_action(d365, number, "receive", arrival)).status == 200
    assert await on_hand(d365) == (4, 0)
    assert (await post_action(d365, number, "invoice")).status == 200


async def test_goods_that_the_buyer_keeps_are_credited_at_once(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    number, _ = await returned(d365, lot, ReturnDispositionCode="KEEP")
    assert await on_hand(d365) == (4, 0)
    assert (await post_action(d365, number, "receive")).status == 409
    assert (await post_action(d365, number, "invoice")).json["status"] == "Closed"


async def test_a_held_return_is_neither_received_nor_credited(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    number, _ = await returned(d365, lot, ReturnDispositionCode="CREDIT")
    key = f"{HEADERS}(dataAreaId='web',ReturnOrderNumber='{number}')"
    assert (await d365.data("PATCH", key, {"IsReturnProcessingStopped": "Yes"})).status == 204
    for action in ("receive", "invoice"):
        assert "is stopped" in (await post_action(d365, number, action)).json["error"]
    await d365.data("PATCH", key, {"IsReturnProcessingStopped": "No"})
    assert (await post_action(d365, number, "receive")).status == 200


async def test_what_was_given_up_can_be_returned_anew(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    number, _ = await returned(d365, lot)
    assert (await post_action(d365, number, "cancel")).json["status"] == "Canceled"
    assert await on_hand(d365) == (4, 0)
    assert "is Canceled" in (await line(d365, number, lot)).infolog
    again, own = await returned(d365, lot)
    key = f"{HEADERS}(dataAreaId='web',ReturnOrderNumber='{again}')"
    line_key = f"{LINES}(dataAreaId='web',ReturnOrderNumber='{again}',ReturnInventoryLotId='{own}')"
    assert (await d365.data("DELETE", line_key)).status == 204
    assert (await line(d365, again, lot)).status == 201
    assert (await d365.data("DELETE", key)).status == 204
    assert await on_hand(d365) == (4, 0)
    assert await d365.rows(f"{LINES}?$filter=ReturnOrderNumber eq '{again}'") == []


async def test_what_has_arrived_cannot_be_changed_or_deleted(d365: Client) -> None:
    _, (lot,) = await sold(d365, {})
    number, own = await returned(d365, lot, ReturnDispositionCode="CREDIT")
    await post_action(d365, number, "receive")
    key = f"{LINES}(dataAreaId='web',ReturnOrderNumber='{number}',ReturnInventoryLotId='{own}')"
    assert "is Received" in (await d365.data("PATCH", key, {"SalesPrice": 1})).infolog
    assert "is Received" in (await d365.data("DELETE", key)).infolog
    assert (
        "is Received"
        in (await d365.data("DELETE", f"{HEADERS}(dataAreaId='web',ReturnOrderNumber='{number}')")).infolog
    )
    assert len(await d365.rows(LINES)) == 1


async def test_variants_come_back_as_the_variant_that_was_sold(d365: Client) -> None:
    red = {"ItemNumber": "TEE", "ProductColorId": "Red", "ProductSizeId": "M"}
    _, (lot,) = await sold(d365, red)
    number, _ = await returned(d365, lot, ReturnDispositionCode="CREDIT", **red)
    blue = {"ProductColorId": "Blue", "ProductSizeId": "M"}
    other = (await header(d365)).json["ReturnOrderNumber"]
    assert "not those of the returned lot" in (await line(d365, other, lot, **blue)).infolog
    await post_action(d365, number, "receive")
    rows = await d365.rows("WarehousesOnHandV2?$filter=dataAreaId eq 'web' and InventoryWarehouseId eq '12'")
    assert {(row["ProductColorId"], row["OnHandQuantity"]) for row in rows if row["ItemNumber"] == "TEE"} == {
        ("Red", 1)
    }


async def test_goods_of_no_known_sale_come_back_at_the_items_price(d365: Client) -> None:
    number = (await header(d365)).json["ReturnOrderNumber"]
    added = await line(d365, number, "", ItemNumber="LAMP", ReturnDispositionCode="CREDIT")
    assert (added.status, added.json["LineAmount"]) == (201, Decimal("-34.5"))
    await post_action(d365, number, "receive")
    assert (await post_action(d365, number, "invoice")).status == 200
