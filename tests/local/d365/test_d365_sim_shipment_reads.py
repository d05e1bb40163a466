"""What a reader of shipments sees of orders, invoices, holds and carriers, and what some environments do not show."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fixtures.d365_sim import Client, Clock, running_f_and_o

ORDERS, INVOICES, HOLDS = "SalesTableBiEntities", "CustInvoiceJourBiEntities", "CredManTableBiEntities"
SLIPS = "CustPackingSlipJourBiEntities"


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


async def tenant(d365: Client, **traits: Any) -> None:
    answer = await d365.admin("POST", "tenant", traits)
    assert answer.status == 200, answer.text


async def order_row(d365: Client, number: str) -> dict[str, Any]:
    (row,) = await d365.rows(f"{ORDERS}?$filter=SalesId eq '{number}'")
    return row


async def test_an_order_shows_its_last_document_and_when_it_changed(d365: Client, clock: Clock) -> None:
    number = await d365.order(
        {"OrderedSalesQuantity": 2, "SalesPrice": 10}, CustomersOrderReference="R1", DeliveryModeCode="STD"
    )
    lot = (await d365.rows("SalesOrderLinesV3"))[0]["InventoryLotId"]
    seen = []
    for action, body in (
        ("confirm", None),
        ("pick", None),
        ("pack", {"lines": [{"lot": lot, "quantity": 1}]}),
        ("pack", None),
        ("invoice", None),
    ):
        clock.turn(minutes=1)
        await post(d365, number, action, body)
        row = await order_row(d365, number)
        seen.append((row["SalesStatus"], row["DocumentStatus"], row["SysModifiedDateTime"]))
    assert seen == [
        ("Backorder", "Confirmation", "2026-07-30T08:59:53Z"),
        ("Backorder", "PickingList", "2026-07-30T09:00:53Z"),
        ("Backorder", "PackingSlip", "2026-07-30T09:01:53Z"),
        ("Delivered", "PackingSlip", "2026-07-30T09:02:53Z"),
        ("Invoiced", "Invoice", "2026-07-30T09:03:53Z"),
    ]
    (row,) = await d365.rows(f"{ORDERS}?$filter=SysModifiedDateTime ge 2026-07-30T09:03:53Z and CustomerRef eq 'R1'")
    assert (row["SalesType"], row["DlvMode"], row["CustAccount"], row["CreatedOn"]) == (
        "Sales",
        "STD",
        "DAT-000004",
        "2026-07-30T08:58:53Z",
    )
    assert await d365.rows(f"{ORDERS}?$filter=SysModifiedDateTime ge 2026-07-30T09:03:54Z") == []


async def test_a_line_is_stamped_when_what_remains_of_it_changes(d365: Client, clock: Clock) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3}, {"ItemNumber": "FREIGHT"})
    lot = (await d365.rows("SalesOrderLinesV3?$orderby=LineNumber"))[0]["InventoryLotId"]
    for moment, left in (("09:00:00Z", 2), ("09:01:00Z", 1)):
        clock.now = datetime.fromisoformat(f"2026-07-30T{moment}")
        await post(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}]})
        rows = await d365.rows(f"SalesLineBiEntities?$filter=SysModifiedDateTime ge 2026-07-30T{moment}")
        assert [(row["InventTransId"], row["RemainSalesPhysical"], row["SalesType"]) for row in rows] == [
            (lot, left, "Sales")
        ]


async def test_work_in_the_warehouse_stamps_its_own_row_and_not_the_sales_line(d365: Client, clock: Clock) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})

    async def stamps() -> list[str]:
        sets = ("SalesLineBiEntities", "WHSSalesLineBiEntities")
        return [(await d365.rows(each))[0]["SysModifiedDateTime"] for each in sets]

    made, same = await stamps()
    assert made == same
    clock.turn(minutes=5)
    await post(d365, number, "release", {"stage": "packed"})
    assert await stamps() == [made, "2026-07-30T09:03:53Z"]


async def test_a_clerks_hold_stops_the_order_in_the_table_too(d365: Client, clock: Clock) -> None:
    number = await d365.order({})
    assert (await order_row(d365, number))["MCROrderStopped"] == "No"
    clock.turn(minutes=5)
    await post(d365, number, "hold", {"code": "STAFF"})
    (row,) = await d365.rows(f"{ORDERS}?$filter=SysModifiedDateTime ge 2026-07-30T09:03:00Z")
    assert (row["SalesId"], row["MCROrderStopped"], row["CredManInCreditControl"]) == (number, "Yes", "No")


async def test_credit_management_holds_an_order_until_it_releases_it(d365: Client, clock: Clock) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2, "SalesPrice": 10})
    clock.turn(minutes=5)
    held = await post(d365, number, "credit-hold", {"reason": "CreditExceeded", "document": "Confirmation"})
    await post(d365, number, "credit-hold", status=409)
    (hold,) = await d365.rows(f"{HOLDS}?$filter=SysModifiedDateTime ge 2026-07-30T09:03:53Z")
    assert {name: hold[name] for name in ("CredManId", "Company", "SalesId", "Active", "Rejected", "SalesTotal")} == {
        "CredManId": held["credit_hold"],
        "Company": "web",
        "SalesId": number,
        "Active": "Yes",
        "Rejected": "No",
        "SalesTotal": 20,
    }
    assert (hold["CredManReason"], hold["DocumentStatus"], hold["HoldType"]) == (
        "CreditExceeded",
        "Confirmation",
        "Credit",
    )
    row = await order_row(d365, number)
    assert (row["CredManId"], row["CredManInCreditControl"], row["CredManReleasedFromCreditControl"]) == (
        held["credit_hold"],
        "Yes",
        "No",
    )
    assert row["SysModifiedDateTime"] == "2026-07-30T09:03:53Z"
    assert row["MCROrderStopped"] == "No"
    for action in ("confirm", "release", "pick", "pack", "invoice"):
        await post(d365, number, action, status=409)

    clock.turn(minutes=1)
    await post(d365, number, "credit-reject")
    assert (await order_row(d365, number))["CredManRejected"] == "Yes"
    await post(d365, number, "pack", status=409)

    clock.turn(minutes=1)
    await post(d365, number, "credit-release")
    row = await order_row(d365, number)
    assert (row["CredManInCreditControl"], row["CredManReleasedFromCreditControl"], row["CredManRejected"]) == (
        "No",
        "Yes",
        "No",
    )
    assert row["SysModifiedDateTime"] == "2026-07-30T09:05:53Z"
    (hold,) = await d365.rows(f"{HOLDS}?$filter=SysModifiedDateTime ge 2026-07-30T09:05:53Z")
    assert (hold["Active"], hold["ReleasedDateTime"]) == ("No", "2026-07-30T09:05:53Z")
    await post(d365, number, "credit-release", status=409)
    await post(d365, number, "pack")

    again = await post(d365, number, "credit-hold", {"reason": "OverdueAmount"})
    assert again["credit_hold"] != held["credit_hold"]
    assert (await order_row(d365, number))["CredManId"] == again["credit_hold"]


@pytest.mark.parametrize("body", [{"reason": "Mood"}, {"document": "Tea"}])
async def test_credit_management_knows_its_reasons_and_documents(d365: Client, body: dict[str, str]) -> None:
    number = await d365.order({})
    await post(d365, number, "credit-hold", body, status=409)
    assert await d365.rows(HOLDS) == []


async def test_invoices_of_orders_returns_and_free_text_are_in_one_journal(d365: Client, clock: Clock) -> None:
    number = await d365.order(
        {"OrderedSalesQuantity": 2, "SalesPrice": 10, "SalesTaxGroupCode": "VAT", "SalesTaxItemGroupCode": "FULL"},
        CustomersOrderReference="R1",
    )
    await post(d365, number, "pack")
    clock.turn(minutes=5)
    invoice = (await post(d365, number, "invoice"))["invoice"]
    (row,) = await d365.rows(f"{INVOICES}?$filter=SysModifiedDateTime ge 2026-07-30T09:03:53Z")
    assert {
        name: row[name]
        for name in ("InvoiceId", "SalesId", "SalesType", "CustomerRef", "OrderAccount", "Qty", "CurrencyCode")
    } == {
        "InvoiceId": invoice,
        "SalesId": number,
        "SalesType": "Sales",
        "CustomerRef": "R1",
        "OrderAccount": "DAT-000004",
        "Qty": 2,
        "CurrencyCode": "USD",
    }
    # 20.00 and 10 % + 2.5 % of it.
    assert (str(row["InvoiceAmount"]), str(row["SumTax"]), str(row["SalesBalance"])) == ("22.5", "2.5", "20")
    assert (row["InvoiceDate"], row["SysModifiedDateTime"]) == ("2026-07-30T12:00:00Z", "2026-07-30T09:03:53Z")

    header = {"dataAreaId": "web", "CustomerAccountNumber": "DAT-000004"}
    returned = (await d365.data("POST", "ReturnOrderHeadersV2", header)).json
    lot = (await d365.rows("SalesOrderLinesV3"))[0]["InventoryLotId"]
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
    assert (await d365.data("POST", "ReturnOrderLinesV2", line)).status == 201
    (open_line,) = await d365.rows("SalesLineBiEntities?$filter=SalesId eq '" + returned["ReturnOrderNumber"] + "'")
    assert (open_line["SalesType"], open_line["QtyOrdered"], open_line["RemainSalesPhysical"]) == ("ReturnItem", -1, -1)
    for action in ("receive", "invoice"):
        answer = await d365.admin("POST", f"returns/web/{returned['ReturnOrderNumber']}/{action}")
        assert answer.status == 200, answer.text
    (credit,) = await d365.rows(f"{INVOICES}?$filter=SalesId eq '{returned['ReturnOrderNumber']}'")
    assert (credit["SalesType"], credit["ReturnItemNum"], credit["Qty"], str(credit["InvoiceAmount"])) == (
        "ReturnItem",
        returned["RMANumber"],
        -1,
        "-11.25",
    )
    row = await order_row(d365, returned["ReturnOrderNumber"])
    assert (row["SalesType"], row["ReturnItemNum"], row["ReturnStatus"]) == (
        "ReturnItem",
        returned["RMANumber"],
        "Closed",
    )

    text = {
        "dataAreaId": "web",
        "InvoiceAccount": "DAT-000004",
        "CustomerAccount": "DAT-000004",
        "CurrencyCode": "USD",
        "CustomerReference": "FEE",
        "PostingProfile": "GEN",
    }
    header_row = await d365.data("POST", "FreeTextInvoiceHeaders", text)
    assert header_row.status == 201, header_row.text
    free = header_row.json
    fee = {
        "dataAreaId": "web",
        "ParentRecId": free["InvoiceIdentifier"],
        "LineNumber": 1,
        "MainAccountDisplayValue": "401100",
    }
    added = await d365.data("POST", "FreeTextInvoiceLines", {**fee, "TransactionCurrencyAmount": 5})
    assert added.status == 201, added.text
    posted = await d365.admin("POST", f"free-text-invoices/web/{free['InvoiceIdentifier']}/post")
    assert posted.status == 200, posted.text
    (row,) = await d365.rows(f"{INVOICES}?$filter=InvoiceId eq '{posted.json['invoice']}'")
    assert (row["SalesId"], row["CustomerRef"], row["InvoiceAmount"]) == ("", "FEE", 5)


async def test_carriers_have_names_services_and_an_address_to_track(d365: Client) -> None:
    (carrier,) = await d365.rows("ShippingCarriers?$filter=dataAreaId eq 'web'")
    assert (carrier["CarrierId"], carrier["CarrierName"], carrier["StandardCarrierAlphaCode"]) == (
        "DHL",
        "DHL Express",
        "DHLE",
    )
    assert carrier["ShippingCarrierTrackingURL"] == "https://track.example/dhl"
    (service,) = await d365.rows("ShippingCarrierServices?$filter=ShippingCarrierId eq 'DHL' and dataAreaId eq 'web'")
    assert (service["ServiceId"], service["DeliveryModeCode"]) == ("EXP", "STD")


@pytest.mark.parametrize("set_name", [SLIPS, "CustPackingSlipVersionBiEntities", ORDERS, INVOICES, HOLDS])
async def test_nobody_writes_into_sets_that_postings_write(d365: Client, set_name: str) -> None:
    assert (await d365.data("POST", set_name, {})).status == 400


async def test_an_environment_may_lack_sets(d365: Client) -> None:
    number = await d365.order({})
    await tenant(d365, lacks=[SLIPS, HOLDS])
    await post(d365, number, "pack")
    for path in (SLIPS, f"{HOLDS}?$filter=SalesId eq 'A'", f"{SLIPS}/$count"):
        refused = await d365.data("GET", path)
        assert refused.status == 404
        assert refused.json["MessageDetail"] == "No route data was found for this request."
    assert len(await d365.rows("CustPackingSlipTransBiEntities")) == 1
    metadata = (await d365.call("GET", "/data/$metadata")).text
    assert f'EntitySet Name="{SLIPS}"' not in metadata
    assert 'EntitySet Name="CustPackingSlipTransBiEntities"' in metadata
    listed = {row["name"] for row in (await d365.call("GET", "/data/")).json["value"]}
    assert listed & {SLIPS, HOLDS, ORDERS} == {ORDERS}
    await tenant(d365)
    assert len(await d365.rows(SLIPS)) == 1


async def test_an_environment_may_refuse_to_filter_by_time(d365: Client) -> None:
    number = await d365.order({})
    await post(d365, number, "pack")
    await tenant(d365, refuses_filter={SLIPS: ["CreatedOn"]})
    refused = await d365.data("GET", f"{SLIPS}?$filter=SalesId eq '{number}' and CreatedOn ge 2026-07-30T00:00:00Z")
    assert refused.status == 400
    assert refused.infolog == "The property 'CreatedOn' cannot be used in the $filter query option."
    assert len(await d365.rows(f"{SLIPS}?$filter=SalesId eq '{number}'")) == 1
    assert len(await d365.rows(f"{SLIPS}?$filter=CustomerRef ne 'CreatedOn'&$orderby=CreatedOn")) == 1
    assert len(await d365.rows("CustPackingSlipTransBiEntities?$filter=CreatedOn ge 2026-07-30T00:00:00Z")) == 1


@pytest.mark.parametrize(
    "traits",
    [
        {"lacks": ["Slips"]},
        {"lacks": SLIPS},
        {"refuses_filter": {SLIPS: ["Created"]}},
        {"refuses_filter": {"Slips": ["CreatedOn"]}},
        {"refuses_filter": [SLIPS]},
        {"cancelled_slips": "fade"},
        {"summary_lines": "none"},
        {"moon": "full"},
    ],
)
async def test_an_environment_has_no_other_traits(d365: Client, traits: dict[str, Any]) -> None:
    assert (await d365.admin("POST", "tenant", traits)).status == 400
