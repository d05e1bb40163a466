"""Free text invoices in the F&O simulator: amounts without goods, posted onto the customer's account."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

from local.d365.sequences import FIRST_RECORD_ID

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
HEADERS, LINES = "FreeTextInvoiceHeaders", "FreeTextInvoiceLines"


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=lambda: NOW) as client:
        yield client


async def header(d365: Client, **fields: Any) -> Answer:
    body = {"dataAreaId": "web", "CustomerAccount": "DAT-000004", "InvoiceDate": "2026-07-23", "CurrencyCode": "USD"}
    return await d365.data("POST", HEADERS, body | fields)


async def identifier(d365: Client, **fields: Any) -> int:
    answer = await header(d365, **fields)
    assert answer.status == 201, answer.text
    return answer.json["InvoiceIdentifier"]


async def line(d365: Client, parent: int, **fields: Any) -> Answer:
    body = {
        "dataAreaId": "web",
        "ParentRecId": parent,
        "LineNumber": 1,
        "Description": "Goodwill",
        "MainAccountDisplayValue": "401100-001",
        "Quantity": 1,
        "UnitPrice": -10,
        "TransactionCurrencyAmount": -10,
        **fields,
    }
    return await d365.data("POST", LINES, {name: value for name, value in body.items() if value is not None})


def line_key(parent: int, number: int = 1) -> str:
    return f"{LINES}(dataAreaId='web',LineNumber={number},ParentRecId={parent})"


async def post(d365: Client, parent: int) -> Answer:
    return await d365.admin("POST", f"free-text-invoices/web/{parent}/post")


async def test_an_invoice_gets_an_identifier_and_waits_for_its_number(d365: Client) -> None:
    created = (await header(d365, CustomerReference="shopify-web-r1")).json
    expected = {
        "FreeTextNumber": "Not posted",
        "IsPosted": "No",
        "InvoiceAccount": "DAT-000004",
        "InvoiceDate": "2026-07-23T12:00:00Z",
        "DueDate": "2026-07-30T12:00:00Z",
        "PostingProfile": "GEN",
        "InclTax": "No",
        "InvoiceName": "Ingenious Development LLC",
    }
    assert {name: created[name] for name in expected} == expected
    assert created["InvoiceIdentifier"] > FIRST_RECORD_ID
    added = (await line(d365, created["InvoiceIdentifier"])).json
    assert (added["TransactionCurrencyAmount"], added["CurrencyCode"]) == (-10, "USD")
    (found,) = await d365.rows(f"{HEADERS}?$filter=CustomerReference eq 'shopify-web-r1'&$select=InvoiceIdentifier")
    assert found["InvoiceIdentifier"] == created["InvoiceIdentifier"]
    rows = await d365.rows(f"{LINES}?$filter=ParentRecId eq {created['InvoiceIdentifier']}")
    assert [row["LineNumber"] for row in rows] == [1]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"CustomerAccount": ""}, "Field 'Customer account' must be filled in."),
        ({"CustomerAccount": "X"}, "'X' in field 'Customer account' is not found"),
        ({"CurrencyCode": "XXX"}, "'XXX' in field 'Currency' is not found"),
        ({"SalesTaxGroupId": "X"}, "'X' in field 'Sales tax group' is not found"),
        ({"TermsOfPayment": "X"}, "'X' in field 'Terms of payment' is not found"),
        ({"MethodOfPayment": "X"}, "'X' in field 'Method of payment' is not found"),
        ({"PostingProfile": "X"}, "'X' in field 'Posting profile' is not found"),
        ({"InvoiceIdentifier": 5}, "Field 'InvoiceIdentifier' does not allow editing."),
        ({"FreeTextNumber": "F1"}, "Field 'FreeTextNumber' does not allow editing."),
        ({"CustomerReference": "x" * 61}, "60 are allowed"),
        ({"CustomerRequisition": "x" * 21}, "20 are allowed"),
    ],
)
async def test_a_header_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    refused = await header(d365, **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(HEADERS) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ParentRecId": 5}, "'5' in field 'Invoice' is not found"),
        ({"ParentRecId": None}, "Field 'Invoice' must be filled in."),
        ({"LineNumber": None}, "Field 'Line number' must be filled in."),
        ({"MainAccountDisplayValue": ""}, "Field 'Main account' must be filled in."),
        ({"MainAccountDisplayValue": "999999"}, "'999999' in field 'Main account' is not found"),
        ({"SalesTaxItemGroupId": "X"}, "'X' in field 'Item sales tax group' is not found"),
        ({"UnitPrice": None, "TransactionCurrencyAmount": None}, "Field 'Amount' must be filled in."),
        ({"UnitPrice": -9}, "-10 is not the quantity times the unit price"),
        ({"SalesTaxAmount": -1}, "can only be given where it is overridden"),
    ],
)
async def test_a_line_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    refused = await line(d365, await identifier(d365), **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(LINES) == []


async def test_a_customer_on_hold_for_invoices_gets_none(d365: Client) -> None:
    account = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    await d365.data("PATCH", account, {"OnHoldStatus": "Invoice"})
    assert "is on hold" in (await header(d365)).infolog


async def test_a_line_amount_follows_from_quantity_and_price(d365: Client) -> None:
    parent = await identifier(d365)
    added = await line(d365, parent, Quantity=3, UnitPrice=-3.333, TransactionCurrencyAmount=None)
    assert added.json["TransactionCurrencyAmount"] == Decimal(-10)
    assert (await d365.data("PATCH", line_key(parent), {"UnitPrice": -5})).status == 204
    assert (await d365.data("GET", line_key(parent))).json["TransactionCurrencyAmount"] == -15


async def test_posting_books_the_credit_with_its_tax(d365: Client) -> None:
    parent = await identifier(d365, CustomerRequisition="SO-1")
    await line(d365, parent, SalesTaxGroupId="VAT", SalesTaxItemGroupId="FULL")
    await line(d365, parent, LineNumber=2, OverrideSalesTax="Yes", SalesTaxAmount=-0.4)
    posted = (await post(d365, parent)).json
    assert posted["invoice"] == "FTI-00000001"
    (row,) = await d365.rows("CustTransactions")
    expected = {
        "Invoice": "FTI-00000001",
        "TransType": "Cust",
        "AmountCur": Decimal("-21.65"),
        "TransDate": "2026-07-23T12:00:00Z",
        "AccountNum": "DAT-000004",
    }
    assert {name: row[name] for name in expected} == expected
    (found,) = await d365.rows(HEADERS)
    assert (found["IsPosted"], found["FreeTextNumber"]) == ("Yes", "FTI-00000001")
    (shown,) = (await d365.admin("GET", "transactions?company=web&order=SO-1")).json
    assert (shown["type"], shown["amount"]) == ("Cust", Decimal("-21.65"))


async def test_prices_with_tax_contain_it(d365: Client) -> None:
    parent = await identifier(d365, InclTax="Yes", SalesTaxGroupId="VAT", SalesTaxItemGroupId="FULL")
    await line(d365, parent)
    assert (await post(d365, parent)).json["transaction"]["amount"] == -10


async def test_a_posted_invoice_stays_as_it_is(d365: Client) -> None:
    parent = await identifier(d365)
    assert "has no lines" in (await post(d365, parent)).json["error"]
    await line(d365, parent)
    await post(d365, parent)
    key = f"{HEADERS}(dataAreaId='web',InvoiceIdentifier={parent})"
    refusals = [
        await line(d365, parent, LineNumber=2),
        await d365.data("PATCH", line_key(parent), {"Description": "x"}),
        await d365.data("DELETE", line_key(parent)),
        await d365.data("PATCH", key, {"CustomerReference": "x"}),
        await d365.data("DELETE", key),
    ]
    assert [(answer.status, "is posted" in answer.infolog) for answer in refusals] == [(400, True)] * 5
    assert (await post(d365, parent)).status == 409


async def test_an_open_invoice_goes_with_its_lines(d365: Client) -> None:
    parent = await identifier(d365)
    await line(d365, parent)
    duplicate = await line(d365, parent)
    assert duplicate.infolog.endswith("The record already exists..")
    assert (await d365.data("DELETE", f"{HEADERS}(dataAreaId='web',InvoiceIdentifier={parent})")).status == 204
    assert await d365.rows(LINES) == []
    assert (await post(d365, parent)).status == 404
