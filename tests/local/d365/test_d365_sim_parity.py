"""
The simulator against requests and answers recorded from live F&O environments.

Company `dat`, its customer and the time are the recordings'. What is asserted here was seen; what the simulator does
beyond it, its README marks as unverified.
"""

import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fixtures.d365_sim import Client, running_f_and_o

from local.d365 import Options

RECORDED_AT = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
WRITE_EXCEPTION = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"
MINIMAL_ORDER = {
    "OrderingCustomerAccountNumber": "DAT-000004",
    "InvoiceCustomerAccountNumber": "DAT-000004",
    "CurrencyCode": "USD",
    "LanguageId": "en-us",
    "dataAreaId": "dat",
}


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(Options(page_size=2), clock=lambda: RECORDED_AT) as client:
        yield client


def decoded(etag: str) -> str:
    found = re.fullmatch(r'W/"([A-Za-z0-9+/=]+)"', etag)
    assert found is not None
    return base64.b64decode(found[1]).decode()


async def test_a_minimal_header_is_answered_with_the_recorded_defaults(d365: Client) -> None:
    d365.simulator.books.numbers.set_next("dat", "sales order", 24)
    answer = await d365.call("POST", "/data/SalesOrderHeadersV2", MINIMAL_ORDER)
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json; odata.metadata=minimal"
    assert answer.headers["ms-dyn-aid"]
    body = answer.json
    assert body["@odata.context"] == f"{d365.simulator.base_url}/data/$metadata#SalesOrderHeadersV2/$entity"
    recorded = {
        "dataAreaId": "dat",
        "SalesOrderNumber": "DAT-000024",
        "CustomersOrderReference": "",
        "CustomerRequisitionNumber": "",
        "SalesOrderProcessingStatus": "Active",
        "SalesOrderStatus": "None",
        "SkipCreateAutoCharges": "Yes",
        "InventoryReservationMethod": "None",
        "SalesOrderName": "Ingenious Development LLC",
        "DeliveryAddressName": "Ingenious Development LLC",
        "IsDeliveryAddressOrderSpecific": "No",
        "RequestedReceiptDate": "2026-07-30T12:00:00Z",
        "RequestedShippingDate": "2026-07-30T12:00:00Z",
        "ConfirmedShippingDate": "1900-01-01T12:00:00Z",
        "CustomerPostingProfileId": "GEN",
        "AreTotalsCalculated": "No",
        "OrderTotalAmount": 0,
        "InvoiceType": "Invoice",
        "EUSalesListCode": "IncludeNot",
        "BaseDocumentType": "None",
        "FullRunCTPStatus": "Ready",
        "CustomerTransactionSettlementType": "None",
        "InvoicePaymentAttachmentType": "None",
        "FiscalOperationPresenceType": "DoesNotApply",
        "LanguageId": "en-US",
        "CurrencyCode": "USD",
        "ArePricesIncludingSalesTax": "No",
        "OverrideSalesTax": "No",
        "SalesOrderPromisingMethod": "None",
        "OrderCreationDateTime": "2026-07-30T08:58:53Z",
        "DeliveryAddressTimeZone": None,
        "TransportationDocumentLineId": "00000000-0000-0000-0000-000000000000",
    }
    assert {name: body[name] for name in recorded} == recorded
    assert len(body) == 168 + 2
    others = {name: value for name, value in body.items() if name not in recorded and not name.startswith("@")}
    given = {"OrderingCustomerAccountNumber", "InvoiceCustomerAccountNumber"}
    odd = {name: value for name, value in others.items() if value not in ("", 0, "No", None) and name not in given}
    assert set(odd.values()) == {"1900-01-01T12:00:00Z"}


async def test_a_minimal_customer_is_answered_with_the_recorded_defaults(d365: Client) -> None:
    d365.simulator.books.numbers.set_next("dat", "customer", 53)
    sent = {
        "dataAreaId": "dat",
        "OrganizationName": "RFI Dryrun Customer 001",
        "CustomerGroupId": "IG-CL",
        "SalesCurrencyCode": "USD",
    }
    body = (await d365.call("POST", "/data/CustomersV3", sent)).json
    recorded = {
        "CustomerAccount": "DAT-000053",
        "PartyType": "Organization",
        "NameAlias": "RFI Dryrun Customer ",
        "InvoiceAddress": "InvoiceAccount",
        "AccountStatement": "Always",
        "OnHoldStatus": "No",
        "Priority": "AllocationPriority10",
        "CreditCardAddressVerificationLevel": "Accept",
        "CollectionLetterCode": "None",
        "InvoicePostingType": "Standard",
        "OrganizationABCCode": "None",
        "AllowOnAccount": "No",
        "PanStatus": "NotAvailable",
        "ReceiptOption": "RetailEx3",
        "AddressValidFrom": "1900-01-01T00:00:00Z",
    }
    assert {name: body[name] for name in recorded} == recorded
    assert re.fullmatch(r"\d{9}", body["PartyNumber"])
    assert len(body) == 305 + 2


async def test_a_line_is_answered_with_the_recorded_values(d365: Client) -> None:
    d365.simulator.books.numbers.set_next("dat", "lot", 56)
    number = await d365.order(company="dat", InventoryReservationMethod="None")
    line = (await d365.line(number, company="dat", OrderedSalesQuantity=10, SalesPrice=150)).json
    recorded = {
        "InventoryLotId": "DAT-000056",
        "LineNumber": 1,
        "LineCreationSequenceNumber": 1,
        "SalesPriceQuantity": 1,
        "LineAmount": 1500,
        "CalculateLineAmount": "Yes",
        "SkipCreateAutoCharges": "Yes",
        "InventoryReservationMethod": "None",
        "SalesOrderLineCreationMethod": "SalesOrder",
        "IsSoftReservedExternally": "No",
    }
    assert {name: line[name] for name in recorded} == recorded


async def test_an_unknown_customer_group_gives_the_recorded_error(d365: Client) -> None:
    sent = {"dataAreaId": "dat", "OrganizationName": "X", "CustomerGroupId": "Local", "SalesCurrencyCode": "USD"}
    answer = await d365.call("POST", "/data/CustomersV3", sent)
    assert answer.status == 400
    error = answer.json["error"]
    assert (error["code"], error["message"]) == ("", "An error has occurred.")
    assert error["innererror"]["type"] == WRITE_EXCEPTION
    assert error["innererror"]["message"] == (
        "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value 'Local' in field "
        "'Customer group' is not found in the related table 'Customer groups'.; Warning: validateField failed on "
        "field 'CustCustomerV3Entity.CustomerGroupId'."
    )


async def test_a_missing_site_gives_the_recorded_text(d365: Client) -> None:
    number = await d365.order(company="dat", DefaultShippingSiteId="", DefaultShippingWarehouseId="")
    refused = await d365.line(number, company="dat")
    assert refused.infolog == (
        "Write failed for table row of type 'SalesOrderLineV3Entity'. Infolog: Warning: Inventory dimension Site is "
        "mandatory and must consequently be specified.; Error: Update has been canceled.."
    )


async def test_a_duplicate_in_a_change_set_gives_one_part_with_the_recorded_error(d365: Client) -> None:
    group = '{"dataAreaId":"dat","CustomerGroupId":"%s","Description":"Batch 2 Test group T1"}'
    operations = "".join(
        "--cs_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: {number}\r\n\r\nPOST CustomerGroups HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
        f"{group % name}\r\n"
        for number, name in ((1, "Batch1"), (2, "Batch2"), (3, "Batch2"))
    )
    body = f"--b\r\nContent-Type: multipart/mixed; boundary=cs_1\r\n\r\n{operations}--cs_1--\r\n--b--\r\n"
    answer = await d365.batch(body, "b")
    assert answer.status == 200
    assert re.findall(r"HTTP/1\.1 (.*)\r\n", answer.text) == ["500 Internal Server Error"]
    assert re.findall(r"Content-ID: (.*)\r\n", answer.text) == ["1"], "the first of the set, not the failing one"
    assert (
        "Write failed for table row of type 'CustCustomerGroupEntity'. Infolog: Info: Cannot create a record in "
        "Customer groups (CustGroup). Customer group: Batch2, Batch 2 Test group T1.\\nThe record already exists.."
    ) in answer.text
    assert (await d365.data("GET", "CustomerGroups(dataAreaId='dat',CustomerGroupId='Batch1')")).status == 404


async def test_an_unknown_set_is_answered_by_the_web_server(d365: Client) -> None:
    answer = await d365.call("GET", "/data/ReleasedProducts")
    assert answer.status == 404
    url = f"{d365.simulator.base_url}/data/ReleasedProducts"
    assert answer.json == {
        "Message": f"No HTTP resource was found that matches the request URI '{url}'.",
        "MessageDetail": "No route data was found for this request.",
    }


async def test_the_tag_is_the_base64_of_version_and_record(d365: Client) -> None:
    created = (await d365.call("POST", "/data/SalesOrderHeadersV2", MINIMAL_ORDER)).json
    first = re.fullmatch(r"'1,(\d{10})(;0,0){5}'", decoded(created["@odata.etag"]))
    assert first is not None
    assert int(first[1]) >= 5637144576
    key = f"SalesOrderHeadersV2(dataAreaId='dat',SalesOrderNumber='{created['SalesOrderNumber']}')"
    changed = await d365.call("PATCH", f"/data/{key}", {"Email": "a@b.c", "dataAreaId": "dat"})
    assert (changed.status, changed.text) == (204, "")
    again = decoded((await d365.call("GET", f"/data/{key}")).json["@odata.etag"])
    version, record, *_ = again.strip("'").replace(";", ",").split(",")
    assert version != "1"
    assert record == first[1]


async def test_the_next_page_is_linked_by_skip_and_top(d365: Client) -> None:
    page = (await d365.call("GET", "/data/Warehouses?cross-company=true")).json
    base_url = d365.simulator.base_url
    assert page["@odata.context"] == f"{base_url}/data/$metadata#Warehouses"
    assert page["@odata.nextLink"] == f"{base_url}/data/Warehouses?cross-company=true&$skip=2&$top=2"


async def test_a_selection_shows_in_the_context_and_keeps_the_tag(d365: Client) -> None:
    page = (await d365.call("GET", "/data/CustomerGroups?$select=dataAreaId,CustomerGroupId")).json
    base_url = d365.simulator.base_url
    assert page["@odata.context"] == f"{base_url}/data/$metadata#CustomerGroups(dataAreaId,CustomerGroupId)"
    assert set(page["value"][0]) == {"@odata.etag", "dataAreaId", "CustomerGroupId"}


async def test_the_recorded_expand_is_answered(d365: Client) -> None:
    number = await d365.order({}, company="dat")
    options = "$top=1&$select=SalesOrderNumber&$expand=SalesOrderLines($select=InventoryLotId,ItemNumber)"
    (order,) = (await d365.call("GET", f"/data/SalesOrderHeadersV2?{options}")).json["value"]
    assert order["SalesOrderNumber"] == number
    assert order["SalesOrderLines"][0]["ItemNumber"] == "LAMP"


async def test_the_count_is_of_the_filter_not_of_the_page(d365: Client) -> None:
    page = (await d365.call("GET", "/data/Warehouses?$count=true&$top=1")).json
    assert page["@odata.count"] == 3
    assert (await d365.call("GET", "/data/Warehouses/$count")).text == "3"


async def test_a_bare_day_is_taken_and_comes_back_as_noon(d365: Client) -> None:
    sent = MINIMAL_ORDER | {"RequestedShippingDate": "2026-07-23"}
    assert (await d365.call("POST", "/data/SalesOrderHeadersV4", sent)).json["RequestedShippingDate"] == (
        "2026-07-23T12:00:00Z"
    )


async def test_the_type_may_be_named_in_the_body(d365: Client) -> None:
    sent = {"@odata.type": "#Microsoft.Dynamics.DataEntities.SalesOrderHeaderV2", **MINIMAL_ORDER}
    assert (await d365.call("POST", "/data/SalesOrderHeadersV2", sent)).status == 201


async def test_amounts_are_numbers_without_trailing_zeros(d365: Client) -> None:
    text = (await d365.call("GET", "/data/ReleasedProductsV2(dataAreaId='dat',ItemNumber='LAMP')")).text
    assert '"SalesPrice":34.5,' in text
    assert (await d365.call("GET", "/data/ReleasedProductsV2(dataAreaId='dat',ItemNumber='LAMP')")).json[
        "SalesPrice"
    ] == Decimal("34.50")


async def test_lines_show_the_company_in_lower_case_and_accept_any(d365: Client) -> None:
    created = (await d365.call("POST", "/data/SalesOrderHeadersV4", MINIMAL_ORDER | {"dataAreaId": "DAT"})).json
    assert created["dataAreaId"] == "dat"


@pytest.mark.parametrize(
    ("set_name", "body", "pairs"),
    [
        ("SalesOrderHeadersV4", MINIMAL_ORDER, 6),
        (
            "CustomersV3",
            {"dataAreaId": "dat", "OrganizationName": "X", "CustomerGroupId": "30", "SalesCurrencyCode": "USD"},
            11,
        ),
        ("CustomerGroups", {"dataAreaId": "dat", "CustomerGroupId": "1060"}, 1),
    ],
)
async def test_a_tag_holds_a_pair_for_each_data_source_and_stands_in_the_header_too(
    d365: Client, set_name: str, body: dict[str, str], pairs: int
) -> None:
    created = await d365.call("POST", f"/data/{set_name}", body)
    tag = created.json["@odata.etag"]
    assert len(decoded(tag).split(";")) == pairs
    assert {name.lower(): value for name, value in created.headers.items()}["etag"] == tag


async def test_a_refused_record_names_the_data_source_that_refused_it(d365: Client) -> None:
    number = await d365.order({}, company="dat")
    await d365.admin("POST", f"orders/dat/{number}/cancel")
    key = f"SalesOrderHeadersV4(dataAreaId='dat',SalesOrderNumber='{number}')"
    refused = await d365.call("PATCH", f"/data/{key}", {"Email": "a@b.c"})
    assert refused.status == 400
    assert refused.infolog == (
        f"Write failed for table row of type 'SalesOrderHeaderV4Entity'. Infolog: Warning: Sales order {number} is "
        "Canceled.; Warning: validateWrite failed on data source 'SalesTable (SalesTable)'."
    )


async def test_an_update_conflict_names_the_record_and_its_table(d365: Client) -> None:
    await d365.admin("POST", "faults", {"kind": "update_conflict", "set": "CustomerGroups"})
    refused = await d365.call("POST", "/data/CustomerGroups", {"dataAreaId": "dat", "CustomerGroupId": "1060"})
    assert refused.status == 500
    assert refused.infolog == (
        "Write failed for table row of type 'CustCustomerGroupEntity'. Cannot edit a record in Customer groups "
        "(CustGroup). An update conflict occurred due to another user process deleting the record or changing one or "
        "more fields in the record."
    )


async def test_a_line_with_a_warehouse_alone_gets_the_site_of_the_warehouse(d365: Client) -> None:
    number = await d365.order(company="dat", DefaultShippingSiteId="", DefaultShippingWarehouseId="")
    line = await d365.line(number, company="dat", ShippingWarehouseId="21")
    assert line.status == 201, line.text
    assert (line.json["ShippingSiteId"], line.json["ShippingWarehouseId"]) == ("2", "21")


async def test_a_free_text_invoice_without_terms_of_payment_is_due_after_seven_days(d365: Client) -> None:
    sent = {"CustomerAccount": "DAT-000004", "InvoiceDate": "2026-07-23", "CurrencyCode": "USD", "dataAreaId": "dat"}
    created = (await d365.call("POST", "/data/FreeTextInvoiceHeaders", sent)).json
    assert created["DueDate"] == "2026-07-30T12:00:00Z"


async def test_metadata_that_is_not_simulated_is_refused_and_not_left_out(d365: Client) -> None:
    for accepted, status in (
        ("application/json;odata.metadata=full", 501),
        ("application/json; odata.metadata=minimal", 200),
    ):
        assert (await d365.call("GET", "/data/CustomerGroups", Accept=accepted)).status == status
