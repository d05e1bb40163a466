"""Invoices in the F&O simulator: what a sales order's invoice leaves behind, and how payments settle it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
DAY = "2026-07-30T12:00:00Z"


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=lambda: NOW) as client:
        yield client


async def post_action(d365: Client, number: str, action: str, body: Any = None) -> dict[str, Any]:
    answer = await d365.admin("POST", f"orders/web/{number}/{action}", body)
    assert answer.status == 200, answer.text
    return answer.json


async def invoiced(d365: Client, *lines: dict[str, Any], **header: Any) -> tuple[str, str]:
    """An order that is delivered and invoiced whole: its number and the invoice's."""
    number = await d365.order(*lines, **header)
    await post_action(d365, number, "pack")
    return number, (await post_action(d365, number, "invoice"))["invoice"]


async def paid(d365: Client, order: str, amount: float, **fields: Any) -> Answer:
    """A posted payment that names the order; above zero it comes in."""
    journal = await d365.data("POST", "CustomerPaymentJournalHeaders", {"dataAreaId": "web", "JournalName": "SHOPPAY"})
    number = journal.json["JournalBatchNumber"]
    line = await d365.data(
        "POST",
        "CustomerPaymentJournalLines",
        {
            "dataAreaId": "web",
            "JournalBatchNumber": number,
            "LineNumber": 1,
            "AccountDisplayValue": r"DAT\-000004",
            "CreditAmount" if amount > 0 else "DebitAmount": abs(amount),
            "OffsetAccountDisplayValue": "110180",
            "PaymentReference": order,
            **fields,
        },
    )
    assert line.status == 201, line.text
    return await d365.admin("POST", f"journals/web/{number}/post")


async def transactions(d365: Client, order: str) -> list[tuple[str, Decimal, Decimal, bool]]:
    found = (await d365.admin("GET", f"transactions?company=web&order={order}")).json
    return [(each["type"], each["amount"], each["open"], each["closed"]) for each in found]


async def test_an_invoice_leaves_a_document_and_a_debt(d365: Client) -> None:
    lines = (
        {"OrderedSalesQuantity": 3, "SalesPrice": 19.99, "LineDiscountPercentage": 10},
        {"ItemNumber": "FREIGHT", "SalesPrice": 4.95},
    )
    order, invoice = await invoiced(d365, *lines, SalesTaxGroupCode="VAT", CustomersOrderReference="shopify-web-1")
    assert invoice == "WEB-000001"
    (header,) = await d365.rows("SalesInvoiceHeadersV4?$expand=SalesInvoiceLinesV4")
    expected = {
        "InvoiceNumber": invoice,
        "InvoiceDate": DAY,
        "SalesOrderNumber": order,
        "CustomersOrderReference": "shopify-web-1",
        "InvoiceCustomerAccountNumber": "DAT-000004",
        "CurrencyCode": "USD",
        # 53.97 + 4.95, and on each 10 % and 2.5 % rounded apart: 5.40 + 1.35, 0.50 + 0.12
        "TotalInvoiceAmount": Decimal("66.29"),
        "TotalTaxAmount": Decimal("7.37"),
        "TotalLineDiscount": Decimal(6),
    }
    assert {name: header[name] for name in expected} == expected
    assert [
        (line["ProductNumber"], line["InvoicedQuantity"], line["LineAmount"], line["LineTotalTaxAmount"])
        for line in header["SalesInvoiceLinesV4"]
    ] == [("LAMP", 3, Decimal("53.97"), Decimal("6.75")), ("FREIGHT", 1, Decimal("4.95"), Decimal("0.62"))]

    (transaction,) = await d365.rows("CustTransactions")
    expected = {
        "AccountNum": "DAT-000004",
        "Invoice": invoice,
        "Voucher": header["LedgerVoucher"],
        "TransType": "Sales",
        "AmountCur": Decimal("66.29"),
        "AmountMST": Decimal("66.29"),
        "TransDate": DAY,
        "DueDate": DAY,
        "PaymReference": "",
    }
    assert {name: transaction[name] for name in expected} == expected
    (opened,) = await d365.rows("CustTransOpens")
    assert (opened["RefRecId"], opened["AmountCur"]) == (transaction["SysRecId"], Decimal("66.29"))


async def test_prices_that_include_tax_are_the_whole_debt(d365: Client) -> None:
    await invoiced(d365, {"SalesPrice": 112.5}, SalesTaxGroupCode="VAT", ArePricesIncludingSalesTax="Yes")
    (header,) = await d365.rows("SalesInvoiceHeadersV4")
    assert (header["TotalInvoiceAmount"], header["TotalTaxAmount"]) == (Decimal("112.5"), Decimal("12.5"))


async def test_a_tax_group_may_be_rounded_by_all_its_codes_together(d365: Client) -> None:
    group = "TaxGroups(dataAreaId='web',TaxGroupCode='VAT')"
    assert (await d365.data("PATCH", group, {"RoundingBy": "TaxCodeSet"})).status == 204
    await invoiced(d365, {"SalesPrice": 0.22}, {"SalesPrice": 0.22}, SalesTaxGroupCode="VAT")
    (header,) = await d365.rows("SalesInvoiceHeadersV4")
    assert header["TotalTaxAmount"] == Decimal("0.06")  # 2 x 0.0275; by code it is 2 x (0.02 + 0.01)


async def test_exempt_and_unknown_meetings_of_groups_bear_no_tax(d365: Client) -> None:
    member = "TaxGroupDatas(dataAreaId='web',TaxGroupId='VAT',TaxCodeId='CITY2')"
    assert (await d365.data("PATCH", member, {"ReverseCharge": "Yes"})).status == 204
    await invoiced(d365, {"SalesPrice": 100}, {"SalesPrice": 50, "SalesTaxGroupCode": ""}, SalesTaxGroupCode="VAT")
    (header,) = await d365.rows("SalesInvoiceHeadersV4")
    assert header["TotalTaxAmount"] == 10


async def test_a_tax_code_without_a_rate_stops_the_invoice(d365: Client) -> None:
    (rate,) = await d365.rows("TaxCodeValuesV2?$filter=dataAreaId eq 'web' and TaxCodeId eq 'CITY2'")
    key = "dataAreaId='web',TaxCodeId='CITY2',FromDate=1900-01-01T12:00:00Z,ToDate=1900-01-01T12:00:00Z"
    where = f"TaxCodeValuesV2({key},MinimumLimit=0,MaximumLimit=0)"
    assert (rate["Value"], (await d365.data("DELETE", where)).status) == (Decimal("2.5"), 204)
    number = await d365.order({}, SalesTaxGroupCode="VAT")
    await post_action(d365, number, "pack")
    refused = await d365.admin("POST", f"orders/web/{number}/invoice")
    assert (refused.status, "CITY2 has no one rate" in refused.json["error"]) == (409, True)
    assert await d365.rows("CustTransactions") == []
    assert (await d365.header(number))["SalesOrderStatus"] == "Delivered"


async def test_invoices_of_parts_sum_to_the_line(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 3, "CalculateLineAmount": "No", "LineAmount": 10})
    lot = (await post_action(d365, number, "confirm"))["lines"][0]["lot"]
    for _ in range(3):
        await post_action(d365, number, "pack", {"lines": [{"lot": lot, "quantity": 1}]})
        await post_action(d365, number, "invoice")
    headers = await d365.rows("SalesInvoiceHeadersV4?$orderby=InvoiceNumber")
    amounts = [header["TotalInvoiceAmount"] for header in headers]
    assert amounts == [Decimal("3.33"), Decimal("3.34"), Decimal("3.33")]


async def test_payments_settle_the_invoices_of_their_order_and_of_no_other(d365: Client) -> None:
    first, _ = await invoiced(d365, {"SalesPrice": 100})
    second, _ = await invoiced(d365, {"SalesPrice": 100})
    await paid(d365, first, 60)
    await paid(d365, first, 40)
    assert (await post_action(d365, first, "settle"))["settled"] == 100
    assert await transactions(d365, first) == [
        ("Sales", 100, 0, True),
        ("Payment", -60, 0, True),
        ("Payment", -40, 0, True),
    ]
    assert await transactions(d365, second) == [("Sales", 100, 100, False)]
    (opened,) = await d365.rows("CustTransOpens")
    assert opened["AmountCur"] == 100
    assert (await post_action(d365, first, "settle"))["settled"] == 0


async def test_what_is_paid_in_part_stays_open_in_part(d365: Client) -> None:
    order, invoice = await invoiced(d365, {"SalesPrice": 100})
    await paid(d365, order, 30)
    await post_action(d365, order, "settle")
    (row,) = await d365.rows(f"CustTransactions?$filter=Invoice eq '{invoice}'")
    assert (row["SettleAmountCur"], row["Closed"], row["LastSettleDate"]) == (30, "1900-01-01T12:00:00Z", DAY)
    (opened,) = await d365.rows("CustTransOpens")
    assert (opened["AmountCur"], opened["AmountMST"]) == (70, 70)


async def test_money_in_another_currency_settles_nothing(d365: Client) -> None:
    order, _ = await invoiced(d365, {"SalesPrice": 100})
    await paid(d365, order, 15_000, CurrencyCode="JPY")
    assert (await post_action(d365, order, "settle"))["settled"] == 0
    assert await transactions(d365, order) == [("Sales", 100, 100, False), ("Payment", -15_000, -15_000, False)]


async def test_a_marked_invoice_is_settled_when_the_payment_is_posted(d365: Client) -> None:
    order, invoice = await invoiced(d365, {"SalesPrice": 100})
    assert (await paid(d365, "", 100, MarkedInvoice=invoice)).status == 200
    assert await transactions(d365, order) == [("Sales", 100, 0, True)]
    (line,) = await d365.rows("CustomerPaymentJournalLines")
    assert (line["SettleVoucher"], line["MarkedInvoiceCompany"]) == ("SelectedTransact", "web")


async def test_a_return_and_its_refund_settle_each_other(d365: Client) -> None:
    order, _ = await invoiced(d365, {"SalesPrice": 100})
    await paid(d365, order, 100)
    await post_action(d365, order, "settle")
    (sold,) = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{order}'")
    header = {
        "dataAreaId": "web",
        "CustomerAccountNumber": "DAT-000004",
        "DefaultReturnSiteId": "1",
        "DefaultReturnWarehouseId": "11",
    }
    number = (await d365.data("POST", "ReturnOrderHeadersV2", header)).json["ReturnOrderNumber"]
    line = {
        "dataAreaId": "web",
        "ReturnOrderNumber": number,
        "ReturningInventoryLotId": sold["InventoryLotId"],
        "ReturnSalesQuantity": -1,
        "ReturnDispositionCode": "KEEP",
    }
    assert (await d365.data("POST", "ReturnOrderLinesV2", line)).status == 201
    assert (await d365.admin("POST", f"returns/web/{number}/invoice")).status == 200
    await paid(d365, order, -100)
    assert (await post_action(d365, order, "settle"))["settled"] == 100
    assert all(closed for *_, closed in await transactions(d365, order))


async def test_a_foreign_invoice_is_kept_at_the_rate_of_its_day(d365: Client) -> None:
    await invoiced(d365, {"SalesPrice": 2000}, CurrencyCode="JPY")
    (row,) = await d365.rows("CustTransactions")
    assert (row["AmountCur"], row["AmountMST"], row["ExchRate"]) == (2000, 13, Decimal("0.65"))


async def test_an_invoice_of_nothing_is_closed_at_once(d365: Client) -> None:
    await invoiced(d365, {"SalesPrice": 0})
    (row,) = await d365.rows("CustTransactions")
    assert (row["AmountCur"], row["Closed"]) == (0, DAY)
    assert await d365.rows("CustTransOpens") == []


async def test_posted_documents_cannot_be_written(d365: Client) -> None:
    for name in ("SalesInvoiceHeadersV4", "SalesInvoiceV4Lines", "CustTransactions", "CustTransOpens"):
        assert (await d365.data("POST", name, {"dataAreaId": "web"})).status == 400
