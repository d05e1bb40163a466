"""Customer payment journals in the F&O simulator: written over OData, posted and settled by its own people."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

NOW = datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC)
HEADERS, LINES = "CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines"
ACCOUNT = r"DAT\-000004"


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=lambda: NOW) as client:
        yield client


async def journal(d365: Client, **fields: Any) -> str:
    created = await d365.data("POST", HEADERS, {"dataAreaId": "web", "JournalName": "SHOPPAY", **fields})
    assert created.status == 201, created.text
    return created.json["JournalBatchNumber"]


async def pay(d365: Client, number: str, **fields: Any) -> Answer:
    body = {
        "dataAreaId": "web",
        "JournalBatchNumber": number,
        "LineNumber": 1,
        "AccountType": "Cust",
        "AccountDisplayValue": ACCOUNT,
        "CreditAmount": 104.90,
        "CurrencyCode": "USD",
        "TransactionDate": "2026-07-29T12:00:00Z",
        "OffsetAccountType": "Bank",
        "OffsetAccountDisplayValue": r"DAT\-OPER",
        "PaymentMethodName": "CARD",
        "PaymentReference": "NO-SUCH-ORDER",
        "PaymentId": "7788",
        **fields,
    }
    return await d365.data("POST", LINES, {name: value for name, value in body.items() if value is not None})


def key_of(number: str, line: object = None) -> str:
    key = f"dataAreaId='web',JournalBatchNumber='{number}'"
    return f"{HEADERS}({key})" if line is None else f"{LINES}({key},LineNumber={line})"


async def post(d365: Client, number: str) -> Answer:
    return await d365.admin("POST", f"journals/web/{number}/post")


async def test_a_journal_gets_its_number_and_takes_lines(d365: Client) -> None:
    number = await journal(d365, Description="shopify web 2026-07-29 USD")
    assert number == "00001"
    line = (await pay(d365, number)).json
    expected = {
        "LineNumber": 1,
        "CreditAmount": Decimal("104.9"),
        "DebitAmount": 0,
        "ExchangeRate": 100,
        "PaymentReference": "NO-SUCH-ORDER",
        "PaymentId": "7788",
        "PostingProfile": "GEN",
        "Voucher": "WEB-000001",
        "SettleVoucher": "None",
        "CustomerName": "Ingenious Development LLC",
        "TransactionDate": "2026-07-29T12:00:00Z",
        "Company": "WEB",
    }
    assert {name: line[name] for name in expected} == expected
    (header,) = await d365.rows(f"{HEADERS}?$filter=Description eq 'shopify web 2026-07-29 USD'")
    assert (header["JournalBatchNumber"], header["IsPosted"]) == (number, "No")
    (found,) = await d365.rows(f"{LINES}?$filter=dataAreaId eq 'web' and PaymentId eq '7788'&$select=LineNumber")
    assert found["LineNumber"] == 1
    assert await journal(d365) == "00002"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"JournalName": ""}, "Field 'Name' must be filled in."),
        ({"JournalName": "X"}, "'X' in field 'Name' is not found in the related table 'Journal names'"),
        ({"JournalName": "GENJRN"}, "is not of the type Customer payment"),
        ({"JournalBatchNumber": "MINE"}, "does not allow manual numbers"),
        ({"IsPosted": "Yes"}, "Field 'IsPosted' does not allow editing."),
        ({"dataAreaId": "nope"}, "'nope' in field 'Company' is not found"),
    ],
)
async def test_a_journal_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    refused = await d365.data("POST", HEADERS, {"dataAreaId": "web", "JournalName": "SHOPPAY", **fields})
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(HEADERS) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"LineNumber": None}, "Field 'Line number' must be filled in."),
        ({"JournalBatchNumber": ""}, "Field 'Journal batch number' must be filled in."),
        ({"JournalBatchNumber": "99"}, "'99' in field 'Journal batch number' is not found"),
        ({"AccountDisplayValue": ""}, "Field 'Account' must be filled in."),
        ({"AccountDisplayValue": "X"}, "'X' in field 'Account' is not found in the related table 'Customers'"),
        ({"AccountDisplayValue": "DAT-000004"}, "'DAT-000004' in field 'Account' is not found"),
        ({"AccountType": "Vend"}, "Account type Vend cannot be used"),
        ({"PaymentMethodName": "X"}, "'X' in field 'Method of payment' is not found"),
        ({"CurrencyCode": "XXX"}, "'XXX' in field 'Currency' is not found"),
        ({"OffsetAccountDisplayValue": "X"}, "'X' in field 'Offset account' is not found in the related table 'Bank"),
        ({"OffsetAccountDisplayValue": "DAT-OPER"}, "in the related table 'Bank accounts'"),
        ({"OffsetAccountType": "Ledger"}, "in the related table 'Main accounts'"),
        ({"OffsetAccountType": "FixedAssets"}, "Account type FixedAssets cannot be used"),
        ({"PostingProfile": "X"}, "'X' in field 'Posting profile' is not found"),
        ({"CreditAmount": None}, "'Credit' or 'Debit' must be filled in"),
        ({"CreditAmount": -1}, "Field 'CreditAmount' cannot be negative."),
        ({"CreditAmount": None, "DebitAmount": -1}, "Field 'DebitAmount' cannot be negative."),
        ({"DebitAmount": 1}, "either a debit or a credit"),
        ({"PaymentReference": "x" * 21}, "has 21 characters, 20 are allowed"),
        ({"PaymentId": "x" * 21}, "has 21 characters, 20 are allowed"),
        ({"TransactionText": "x" * 61}, "has 61 characters, 60 are allowed"),
        ({"MarkedInvoice": "WEB-000009"}, "'WEB-000009' in field 'Marked invoice' is not found"),
        ({"IsPrepayment": "Yes"}, "Prepayment must be created in a journal where amount is including sales tax"),
        ({"CustomerName": "Me"}, "Field 'CustomerName' does not allow editing."),
    ],
)
async def test_a_line_that_breaks_a_rule_is_refused(d365: Client, fields: dict[str, Any], reason: str) -> None:
    refused = await pay(d365, await journal(d365), **fields)
    assert refused.status == 400
    assert reason in refused.infolog
    assert await d365.rows(LINES) == []


@pytest.mark.parametrize("fields", [{"NoSuchField": "x"}, {"AccountType": "Customer"}, {"CreditAmount": "5"}])
async def test_a_line_of_the_wrong_shape_is_refused(d365: Client, fields: dict[str, Any]) -> None:
    assert (await pay(d365, await journal(d365), **fields)).status == 400


async def test_a_customer_on_hold_cannot_pay(d365: Client) -> None:
    account = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    await d365.data("PATCH", account, {"OnHoldStatus": "Payment"})
    assert "is on hold" in (await pay(d365, await journal(d365))).infolog


async def test_a_line_number_is_taken_once(d365: Client) -> None:
    number = await journal(d365)
    assert (await pay(d365, number)).status == 201
    again = await pay(d365, number, PaymentId="8899")
    assert again.status == 400
    assert again.infolog.endswith("The record already exists..")
    assert (await pay(d365, await journal(d365))).status == 201


async def test_a_change_set_writes_all_of_its_lines_or_none(d365: Client) -> None:
    number = await journal(d365)

    def batch(*lines: int) -> str:
        parts = "".join(
            "--cs_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {place}\r\n\r\nPOST {LINES} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
            f'{{"dataAreaId":"web","JournalBatchNumber":"{number}","LineNumber":{line},'
            '"AccountDisplayValue":"DAT\\\\-000004","CreditAmount":5,"OffsetAccountType":"Ledger",'
            '"OffsetAccountDisplayValue":"110180-001"}\r\n'
            for place, line in enumerate(lines, start=1)
        )
        return f"--batch_1\r\nContent-Type: multipart/mixed; boundary=cs_1\r\n\r\n{parts}--cs_1--\r\n--batch_1--\r\n"

    assert "201 Created" in (await d365.batch(batch(1, 2))).text
    assert "500 Internal Server Error" in (await d365.batch(batch(3, 2))).text
    rows = await d365.rows(f"{LINES}?$orderby=LineNumber")
    assert [row["LineNumber"] for row in rows] == [1, 2]


async def test_lines_and_journals_can_be_changed_and_deleted_until_they_are_posted(d365: Client) -> None:
    number = await journal(d365)
    await pay(d365, number)
    await pay(d365, number, LineNumber=2)
    line = key_of(number, 2)
    assert (await d365.data("PATCH", line, {"CreditAmount": 7})).status == 204
    assert (await d365.data("GET", line)).json["CreditAmount"] == 7
    assert "is not found" in (await d365.data("PATCH", line, {"AccountDisplayValue": "X"})).infolog
    assert (await d365.data("DELETE", line)).status == 204
    assert (await d365.data("PATCH", key_of(number), {"Description": "other"})).status == 204
    assert "does not allow editing" in (await d365.data("PATCH", key_of(number), {"JournalName": "GENJRN"})).infolog

    assert (await post(d365, number)).status == 200
    assert (await d365.data("GET", key_of(number))).json["IsPosted"] == "Yes"
    refusals = [
        await pay(d365, number, LineNumber=3),
        await d365.data("PATCH", key_of(number, 1), {"CreditAmount": 7}),
        await d365.data("DELETE", key_of(number, 1)),
        await d365.data("PATCH", key_of(number), {"Description": "third"}),
        await d365.data("DELETE", key_of(number)),
    ]
    assert [(answer.status, f"Journal {number} is posted." in answer.infolog) for answer in refusals] == [
        (400, True)
    ] * 5

    unposted = await journal(d365)
    await pay(d365, unposted)
    assert (await d365.data("DELETE", key_of(unposted))).status == 204
    assert await d365.rows(f"{LINES}?$filter=JournalBatchNumber eq '{unposted}'") == []


async def test_a_journals_number_is_the_callers_where_the_sequence_allows_it(d365: Client) -> None:
    changed = {"company": "web", "sequence": "payment_journals", "kind": "kept"}
    assert (await d365.admin("POST", "number-sequences", changed)).status == 200
    assert await journal(d365, JournalBatchNumber="MINE") == "MINE"


async def test_posting_puts_the_money_on_the_customers_account(d365: Client) -> None:
    number = await journal(d365)
    await pay(d365, number, PaymentReference="SO-1")
    await pay(d365, number, LineNumber=2, CreditAmount=None, DebitAmount=4.90, PaymentId="7789")
    await pay(d365, number, LineNumber=3, CreditAmount=2000, CurrencyCode="JPY", PaymentId="7790")
    answer = await post(d365, number)
    assert [(each["amount"], each["currency"]) for each in answer.json["transactions"]] == [
        (Decimal("-104.9"), "USD"),
        (Decimal("4.9"), "USD"),
        (-2000, "JPY"),
    ]
    rows = await d365.rows("CustTransactions?$filter=dataAreaId eq 'web'&$orderby=PaymId")
    assert [(row["PaymId"], row["AmountCur"], row["AmountMST"]) for row in rows] == [
        ("7788", Decimal("-104.9"), Decimal("-104.9")),
        ("7789", Decimal("4.9"), Decimal("4.9")),
        ("7790", -2000, -13),
    ]
    first = rows[0]
    expected = {
        "AccountNum": "DAT-000004",
        "TransType": "Payment",
        "PaymReference": "SO-1",
        "PaymMode": "CARD",
        "Voucher": "WEB-000001",
        "TransDate": "2026-07-29T12:00:00Z",
        "Closed": "1900-01-01T12:00:00Z",
        "SettleAmountCur": 0,
    }
    assert {name: first[name] for name in expected} == expected
    opened = await d365.rows("CustTransOpens")
    assert {row["RefRecId"]: row["AmountCur"] for row in opened} == {row["SysRecId"]: row["AmountCur"] for row in rows}
    assert (await post(d365, number)).status == 409


async def test_a_journal_without_lines_or_out_of_balance_is_not_posted(d365: Client) -> None:
    number = await journal(d365)
    assert "has no lines" in (await post(d365, number)).json["error"]
    await pay(d365, number, OffsetAccountType=None, OffsetAccountDisplayValue=None)
    assert "does not balance" in (await post(d365, number)).json["error"]
    assert await d365.rows("CustTransactions") == []
    assert (await post(d365, "99")).status == 404


async def test_the_method_of_payment_knows_what_to_book_against(d365: Client) -> None:
    method = "CustomerPaymentMethods(dataAreaId='web',Name='CARD')"
    told = {"AccountType": "Bank", "PaymentAccountDisplayValue": r"DAT\-OPER"}
    assert (await d365.data("PATCH", method, told)).status == 204
    line = (await pay(d365, await journal(d365), OffsetAccountType=None, OffsetAccountDisplayValue=None)).json
    assert (line["OffsetAccountType"], line["OffsetAccountDisplayValue"]) == ("Bank", r"DAT\-OPER")


async def test_a_currency_needs_a_rate(d365: Client) -> None:
    rate = (await d365.rows("ExchangeRates"))[0]
    assert (rate["FromCurrency"], rate["Rate"]) == ("JPY", Decimal("0.65"))
    key = "RateTypeName='Default',FromCurrency='JPY',ToCurrency='USD',StartDate=1900-01-01T12:00:00Z"
    assert (await d365.data("DELETE", f"ExchangeRates({key})")).status == 204
    number = await journal(d365)
    assert "no exchange rate for currency JPY" in (await pay(d365, number, CurrencyCode="JPY")).infolog
    assert (await pay(d365, number, CurrencyCode="JPY", ExchangeRate=0.7)).status == 201


async def test_a_journal_in_use_takes_no_lines(d365: Client) -> None:
    number = await journal(d365)
    await pay(d365, number)
    assert (await d365.admin("POST", f"journals/web/{number}/use")).status == 200
    refused = await pay(d365, number, LineNumber=2)
    assert refused.status == 400
    assert f"Journal {number} is in use by another user." in refused.infolog
    assert (await d365.admin("DELETE", f"journals/web/{number}/use")).status == 200
    assert (await pay(d365, number, LineNumber=2)).status == 201
    assert (await d365.admin("POST", "journals/web/99/use")).status == 404


async def test_a_search_of_lines_without_their_journal_is_counted(d365: Client) -> None:
    number = await journal(d365)
    await d365.rows(f"CustomerPaymentJournalLines?$filter=JournalBatchNumber eq '{number}' and PaymentId eq '7'")
    assert (await d365.admin("GET", "calls")).json["scans"] == {}
    await d365.rows("CustomerPaymentJournalLines?$filter=PaymentId eq '7'")
    assert (await d365.admin("GET", "calls")).json["scans"] == {"CustomerPaymentJournalLines": 1}


async def test_journals_are_shown_with_their_lines(d365: Client) -> None:
    number = await journal(d365, Description="today")
    await pay(d365, number)
    (shown,) = (await d365.admin("GET", "journals?company=web")).json
    assert (shown["number"], shown["description"], shown["posted"]) == (number, "today", "No")
    assert [(line["payment_id"], line["credit"]) for line in shown["lines"]] == [("7788", Decimal("104.9"))]
    assert (await d365.admin("GET", "journals?company=dat")).json == []
