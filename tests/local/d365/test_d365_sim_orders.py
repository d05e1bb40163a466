"""Writing sales orders into the F&O simulator: defaults, refusals, changes, stock."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Client, running_f_and_o


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o() as client:
        yield client


async def create(d365: Client, **fields: Any) -> Any:
    body = {"dataAreaId": "web", "OrderingCustomerAccountNumber": "DAT-000004", **fields}
    return await d365.data("POST", "SalesOrderHeadersV4", body)


async def lines(d365: Client, number: str) -> list[dict[str, Any]]:
    return await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'&$orderby=LineNumber")


def line_key(line: dict[str, Any]) -> str:
    return f"SalesOrderLinesV3(dataAreaId='{line['dataAreaId']}',InventoryLotId='{line['InventoryLotId']}')"


async def test_the_callers_number_is_taken_where_the_sequence_allows_it(d365: Client) -> None:
    assert (await create(d365, SalesOrderNumber="SH-1")).json["SalesOrderNumber"] == "SH-1"
    refused = await create(d365, dataAreaId="dat", SalesOrderNumber="SH-1")
    assert refused.status == 400
    assert "does not allow manual numbers" in refused.infolog
    changed = {"company": "dat", "sequence": "sales_orders", "kind": "kept", "next": 24}
    assert (await d365.admin("POST", "number-sequences", changed)).status == 200
    assert (await create(d365, dataAreaId="dat", SalesOrderNumber="SH-1")).status == 201
    assert (await create(d365, dataAreaId="dat")).json["SalesOrderNumber"] == "DAT-000024"


async def test_a_number_that_the_sequence_replaces_is_not_that_of_the_order(d365: Client) -> None:
    assert (await sequence(d365, kind="replaced", next=24)).status == 200
    assert (await create(d365, SalesOrderNumber="SH-1")).json["SalesOrderNumber"] == "WEB-000024"
    line = {"dataAreaId": "web", "SalesOrderNumber": "SH-1", "ItemNumber": "LAMP", "OrderedSalesQuantity": 1}
    assert "'SH-1' in field" in (await d365.data("POST", "SalesOrderLinesV3", line)).infolog


async def test_a_manual_sequence_draws_no_number_for_anybody(d365: Client) -> None:
    await sequence(d365, kind="manual")
    assert (await create(d365, SalesOrderNumber="SH-1")).json["SalesOrderNumber"] == "SH-1"
    refused = await create(d365)
    assert refused.status == 400
    assert "The number sequence for sales orders is manual: enter a number." in refused.infolog


async def test_a_number_sequence_group_numbers_its_orders(d365: Client) -> None:
    await sequence(d365, company="dat", next=24)
    numbers = [
        (await create(d365, dataAreaId="dat", **group)).json["SalesOrderNumber"]
        for group in ({"NumberSequenceGroupId": "WEB"}, {}, {"NumberSequenceGroupId": "WEB"})
    ]
    assert numbers == ["WEB-000001", "DAT-000024", "WEB-000002"]
    refused = await create(d365, NumberSequenceGroupId="SHOP")
    assert "'SHOP' in field 'Number sequence group' is not found" in refused.infolog


async def test_a_kind_of_sequence_that_f_and_o_does_not_have_is_refused(d365: Client) -> None:
    assert (await sequence(d365, kind="yes")).status == 400


async def sequence(d365: Client, **changes: Any) -> Any:
    return await d365.admin("POST", "number-sequences", {"company": "web", "sequence": "sales_orders"} | changes)


async def test_a_second_order_of_the_same_number_is_refused(d365: Client) -> None:
    await create(d365, SalesOrderNumber="SH-1")
    refused = await create(d365, SalesOrderNumber="sh-1", SalesOrderName="Another")
    assert refused.status == 400
    assert "Cannot create a record in Sales orders (SalesTable). Sales order: sh-1, Another." in refused.infolog
    assert refused.infolog.endswith("The record already exists..")


async def test_a_header_takes_from_the_customer_what_is_not_sent(d365: Client) -> None:
    account = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    known = {
        "PaymentTerms": "Net0",
        "DeliveryMode": "STD",
        "SalesTaxGroup": "VAT",
        "SiteId": "1",
        "WarehouseId": "12",
        "AddressDescription": "Main",
        "AddressStreet": "1 Main St",
        "AddressCity": "Seattle",
        "AddressState": "WA",
        "AddressZipCode": "98101",
        "AddressCountryRegionId": "USA",
    }
    assert (await d365.data("PATCH", account, known)).status == 204
    header = (await create(d365, DeliveryAddressStreet="not taken", DeliveryModeCode="")).json
    assert header["PaymentTermsName"] == "Net0"
    assert header["DeliveryModeCode"] == ""  # sent, if empty
    assert header["SalesTaxGroupCode"] == "VAT"
    assert (header["DefaultShippingSiteId"], header["DefaultShippingWarehouseId"]) == ("1", "12")
    assert header["DeliveryAddressStreet"] == "1 Main St"
    assert header["DeliveryAddressCountryRegionISOCode"] == "US"
    assert header["FormattedDelveryAddress"] == "1 Main St\n98101 Seattle WA\nUSA"


async def test_an_order_specific_address_is_kept(d365: Client) -> None:
    sent = {
        "IsDeliveryAddressOrderSpecific": "Yes",
        "DeliveryAddressName": "Ada Lovelace",
        "DeliveryAddressStreet": "Keizersgracht 1",
        "DeliveryAddressCountryRegionId": "NLD",
    }
    header = (await create(d365, **sent)).json
    assert {name: header[name] for name in sent} == sent
    assert header["DeliveryAddressCountryRegionISOCode"] == "NL"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"OrderingCustomerAccountNumber": ""}, "Field 'Customer account' must be filled in."),
        ({"OrderingCustomerAccountNumber": "X"}, "'X' in field 'Customer account' is not found in the related table"),
        ({"InvoiceCustomerAccountNumber": "X"}, "'X' in field 'Invoice account' is not found"),
        ({"CurrencyCode": "XXX"}, "'XXX' in field 'Currency' is not found"),
        ({"SalesOrderOriginCode": "X"}, "'X' in field 'Sales origin' is not found"),
        ({"DeliveryModeCode": "X"}, "'X' in field 'Mode of delivery' is not found"),
        ({"DeliveryTermsCode": "X"}, "'X' in field 'Delivery terms' is not found"),
        ({"SalesTaxGroupCode": "X"}, "'X' in field 'Sales tax group' is not found"),
        ({"PaymentTermsName": "X"}, "'X' in field 'Terms of payment' is not found"),
        ({"DefaultShippingSiteId": "X"}, "'X' in field 'Site' is not found"),
        ({"DefaultShippingWarehouseId": "X"}, "'X' in field 'Warehouse' is not found"),
        ({"DefaultShippingSiteId": "1", "DefaultShippingWarehouseId": "21"}, "21 does not belong to site 1"),
        ({"IsDeliveryAddressOrderSpecific": "Yes"}, "Field 'Country/region' must be filled in."),
        (
            {"IsDeliveryAddressOrderSpecific": "Yes", "DeliveryAddressCountryRegionId": "US"},
            "'US' in field 'Country/region' is not found",
        ),
        (
            {
                "IsDeliveryAddressOrderSpecific": "Yes",
                "DeliveryAddressCountryRegionId": "USA",
                "DeliveryAddressStateId": "ZZ",
            },
            "'ZZ' in field 'State' is not found",
        ),
        ({"CustomersOrderReference": "x" * 61}, "has 61 characters, 60 are allowed"),
        ({"SalesOrderNumber": "x" * 21}, "has 21 characters, 20 are allowed"),
        ({"SalesOrderStatus": "Invoiced"}, "Field 'SalesOrderStatus' does not allow editing."),
        ({"OrderTotalAmount": 5}, "Field 'OrderTotalAmount' does not allow editing."),
        ({"dataAreaId": "nope"}, "'nope' in field 'Company' is not found"),
    ],
)
async def test_a_header_that_breaks_a_rule_is_refused_with_the_reason(
    d365: Client,
    fields: dict[str, Any],
    reason: str,
) -> None:
    refused = await create(d365, **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows("SalesOrderHeadersV4") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"NoSuchField": "x"}, 400),
        ({"CurrencyCode": 5}, 400),
        ({"OverrideSalesTax": "yes"}, 400),
        ({"OverrideSalesTax": 1}, 400),
        ({"RequestedShippingDate": "soon"}, 400),
        ({"RequestedShippingDate": None}, 400),
        ("{", 400),
        ("[]", 400),
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused(d365: Client, body: Any, status: int) -> None:
    if isinstance(body, dict):
        body = {"dataAreaId": "web", "OrderingCustomerAccountNumber": "DAT-000004", **body}
    assert (await d365.data("POST", "SalesOrderHeadersV4", body)).status == status


async def test_a_body_that_is_not_json_by_its_header_is_refused(d365: Client) -> None:
    answer = await d365.data("POST", "CustomerGroups", "{}", **{"Content-Type": "text/plain"})
    assert answer.status == 415


async def test_a_blocked_customer_cannot_order(d365: Client) -> None:
    account = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    await d365.data("PATCH", account, {"OnHoldStatus": "All"})
    assert "is on hold" in (await create(d365)).infolog


async def test_a_line_takes_from_header_and_item_what_is_not_sent(d365: Client) -> None:
    number = await d365.order(SalesTaxGroupCode="VAT", DeliveryModeCode="STD", RequestedShippingDate="2026-08-05")
    line = (await d365.line(number)).json
    expected = {
        "InventoryLotId": "WEB-000001",
        "LineNumber": 1,
        "LineCreationSequenceNumber": 1,
        "OrderedSalesQuantity": 1,
        "SalesUnitSymbol": "ea",
        "SalesPrice": Decimal("34.5"),
        "SalesPriceQuantity": 1,
        "LineAmount": Decimal("34.5"),
        "SalesTaxGroupCode": "VAT",
        "SalesTaxItemGroupCode": "FULL",
        "ShippingSiteId": "1",
        "ShippingWarehouseId": "11",
        "DeliveryModeCode": "STD",
        "RequestedShippingDate": "2026-08-05T12:00:00Z",
        "CalculateLineAmount": "Yes",
        "SkipCreateAutoCharges": "Yes",
        "InventoryReservationMethod": "Automatic",
        "SalesOrderLineStatus": "Backorder",
        "SalesOrderLineCreationMethod": "SalesOrder",
    }
    assert {name: line[name] for name in expected} == expected
    second = (await d365.line(number, ItemNumber="mug", LineNumber=7)).json
    assert (second["ItemNumber"], second["LineNumber"], second["LineCreationSequenceNumber"]) == ("MUG", 7, 2)
    assert (await d365.line(number)).json["LineNumber"] == 8


async def test_an_explicit_price_of_nothing_stays_nothing(d365: Client) -> None:
    (line,) = await lines(d365, await d365.order({"SalesPrice": 0}))
    assert (line["SalesPrice"], line["LineAmount"]) == (0, 0)


async def test_the_line_amount_can_be_given_when_f_and_o_is_not_to_compute_it(d365: Client) -> None:
    (line,) = await lines(d365, await d365.order({"CalculateLineAmount": "No", "LineAmount": 12.34}))
    assert line["LineAmount"] == Decimal("12.34")


async def test_amounts_are_rounded_to_the_orders_currency(d365: Client) -> None:
    (line,) = await lines(d365, await d365.order({"SalesPrice": 199.5}, CurrencyCode="JPY"))
    assert line["LineAmount"] == 200


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"SalesOrderNumber": "none"}, "'none' in field 'Sales order' is not found"),
        ({"SalesOrderNumber": ""}, "Field 'Sales order' must be filled in."),
        ({"ItemNumber": "none"}, "'none' in field 'Item number' is not found"),
        ({"ItemNumber": ""}, "Field 'Item number' must be filled in."),
        ({"OrderedSalesQuantity": 0}, "Quantity cannot be zero"),
        ({"SalesUnitSymbol": "box"}, "'box' in field 'Unit' is not found"),
        ({"SalesTaxItemGroupCode": "X"}, "'X' in field 'Item sales tax group' is not found"),
        ({"ShippingWarehouseId": "X"}, "'X' in field 'Warehouse' is not found"),
        ({"ShippingSiteId": "2"}, "Warehouse 11 does not belong to site 2"),
        ({"ShippingSiteId": "", "ShippingWarehouseId": ""}, "Inventory dimension Site is mandatory"),
        ({"ItemNumber": "TEE"}, "is a product master"),
        ({"ItemNumber": "TEE", "ProductColorId": "Red"}, "no released variant with the product dimensions Red"),
        ({"ItemNumber": "TEE", "ProductColorId": "Blue", "ProductSizeId": "L"}, "no released variant"),
        ({"ProductColorId": "Red"}, "has no product dimensions"),
        ({"InventoryLotId": "MINE"}, "Field 'InventoryLotId' does not allow editing."),
        ({"SalesPriceQuantity": 0}, "Price unit must be greater than zero"),
        ({"LineDescription": "x" * 1001}, "1000 are allowed"),
    ],
)
async def test_a_line_that_breaks_a_rule_is_refused_with_the_reason(
    d365: Client,
    fields: dict[str, Any],
    reason: str,
) -> None:
    number = await d365.order()
    refused = await d365.line(number, **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await lines(d365, number) == []
    assert (await d365.header(number))["SalesOrderStatus"] == "None"


async def test_an_order_opens_with_its_first_line_and_closes_with_its_last(d365: Client) -> None:
    number = await d365.order()
    assert (await d365.header(number))["SalesOrderStatus"] == "None"
    await d365.line(number)
    header = await d365.header(number)
    assert (header["SalesOrderStatus"], header["AreTotalsCalculated"], header["OrderTotalAmount"]) == (
        "Backorder",
        "No",
        0,
    )
    (line,) = await lines(d365, number)
    assert (await d365.data("DELETE", line_key(line))).status == 204
    assert (await d365.header(number))["SalesOrderStatus"] == "None"


async def test_a_line_reserves_what_is_there_and_the_shortage_stays_on_order(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 5}, {"OrderedSalesQuantity": 5})
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["ReservedOnHandQuantity"], row["AvailableOnHandQuantity"], row["OnOrderQuantity"]) == (10, 0, 3)
    first, second = await lines(d365, number)
    await d365.data("DELETE", line_key(first))
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["AvailableOnHandQuantity"], row["OnOrderQuantity"]) == (5, 3)
    await d365.data("PATCH", line_key(second), {"OrderedSalesQuantity": 1})
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["AvailableOnHandQuantity"], row["OnOrderQuantity"]) == (7, 1)


async def test_moving_a_line_moves_its_reservation(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    (line,) = await lines(d365, number)
    await d365.data("PATCH", line_key(line), {"ShippingWarehouseId": "12"})
    rows = [await d365.on_hand("LAMP", warehouse) for warehouse in ("11", "12")]
    assert [row and row["AvailableOnHandQuantity"] for row in rows] == [8, 1]


async def test_without_automatic_reservation_stock_stays_available(d365: Client) -> None:
    await d365.order({"OrderedSalesQuantity": 3}, InventoryReservationMethod="None")
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert (row["AvailableOnHandQuantity"], row["OnOrderQuantity"]) == (8, 4)


async def test_each_variant_has_its_own_stock(d365: Client) -> None:
    await d365.order({"ItemNumber": "TEE", "ProductColorId": "Blue", "ProductSizeId": "M", "OrderedSalesQuantity": 2})
    rows = await d365.rows("WarehousesOnHandV2?$filter=dataAreaId eq 'web' and ItemNumber eq 'TEE'")
    assert {row["ProductColorId"]: row["AvailableOnHandQuantity"] for row in rows} == {"Red": 3, "Blue": 5}


async def test_a_service_needs_no_warehouse_and_takes_no_stock(d365: Client) -> None:
    number = await d365.order(
        {"ItemNumber": "FREIGHT", "SalesPrice": 4.95},
        DefaultShippingSiteId="",
        DefaultShippingWarehouseId="",
    )
    (line,) = await lines(d365, number)
    assert line["LineAmount"] == Decimal("4.95")
    assert await d365.on_hand("FREIGHT") is None


async def test_an_update_answers_nothing_and_changes_the_tag(d365: Client) -> None:
    number = await d365.order()
    key = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    before = await d365.header(number)
    answer = await d365.data("PATCH", key, {"IsSalesProcessingStopped": "Yes", "dataAreaId": "web"})
    assert (answer.status, answer.text) == (204, "")
    after = await d365.header(number)
    assert after["IsSalesProcessingStopped"] == "Yes"
    assert after["@odata.etag"] != before["@odata.etag"]
    stale = await d365.data("PATCH", key, {"Email": "a@b.c"}, **{"If-Match": before["@odata.etag"]})
    assert stale.status == 412
    fresh = await d365.data("PATCH", key, {"Email": "a@b.c"}, **{"If-Match": after["@odata.etag"]})
    assert fresh.status == 204


async def test_a_key_cannot_be_changed(d365: Client) -> None:
    number = await d365.order()
    key = f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')"
    assert (await d365.data("PATCH", key, {"SalesOrderNumber": "OTHER"})).status == 400


async def test_a_line_cannot_change_its_item_or_order(d365: Client) -> None:
    number, other = await d365.order({}), await d365.order()
    (line,) = await lines(d365, number)
    for change in ({"ItemNumber": "MUG"}, {"SalesOrderNumber": other}):
        assert (await d365.data("PATCH", line_key(line), change)).status == 400


async def test_an_open_order_goes_with_its_lines_and_their_reservations(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3})
    answer = await d365.data("DELETE", f"SalesOrderHeadersV4(dataAreaId='web',SalesOrderNumber='{number}')")
    assert (answer.status, answer.text) == (204, "")
    assert await lines(d365, number) == []
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert row["AvailableOnHandQuantity"] == 8


async def test_both_versions_of_a_set_show_the_same_order(d365: Client) -> None:
    number = await d365.order({})
    (v2,) = await d365.rows(f"SalesOrderHeadersV2?$filter=SalesOrderNumber eq '{number}'")
    (v4,) = await d365.rows(f"SalesOrderHeadersV4?$filter=SalesOrderNumber eq '{number}'")
    assert v2["SalesOrderStatus"] == v4["SalesOrderStatus"] == "Backorder"
    assert "RevRecReallocationId" in v2
    assert "FinTagDisplayValue" in v4
    assert "FinTagDisplayValue" not in v2


async def test_computed_and_posted_sets_cannot_be_written(d365: Client) -> None:
    for name in ("WarehousesOnHandV2", "SalesLineBiEntities", "CustPackingSlipJourBiEntities"):
        assert (await d365.data("POST", name, {"dataAreaId": "web"})).status == 400


async def test_an_unfit_method_is_not_allowed(d365: Client) -> None:
    assert (await d365.data("PATCH", "SalesOrderHeadersV4", {})).status == 405
    assert (await d365.data("POST", "SysAADClients('x')", {})).status == 405
