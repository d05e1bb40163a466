"""What F&O's answers mean, after bodies as live environments send them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.d365.odata.answers import Answer, Request, failure, infolog, personal_values, retry_after, row
from shared.errors import DeniedError, OutcomeUnknownError, RefusedError, ThrottledError, TransientError

READ = Request("GET CustomersV3", writes=False)
WRITE = Request("POST CustomersV3", writes=True)
IN_CHANGE_SET = Request("POST SalesOrderLinesV3", writes=True, atomic=True)

UNKNOWN_GROUP = (
    "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value 'Local' in field 'Customer "
    "group' is not found in the related table 'Customer groups'.; Warning: validateField failed on field "
    "'CustCustomerV3Entity.CustomerGroupId'."
)
DUPLICATE = (
    "Write failed for table row of type 'CustCustomerGroupEntity'. Infolog: Info: Cannot create a record in Customer "
    "groups (CustGroup). Customer group: Batch2, Batch 2 Test group T1.\nThe record already exists.."
)


def fo_error(message, type_="Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"):
    inner = {"message": message, "type": type_, "stacktrace": "   at Microsoft.Dynamics.Platform..."}
    return json.dumps({"error": {"code": "", "message": "An error has occurred.", "innererror": inner}}).encode()


def answer(status, body=b"", **headers):
    return Answer(status, headers, body)


def test_a_refusal_has_f_and_os_reason_without_class_names_and_stack_traces():
    error = failure(answer(400, fo_error(UNKNOWN_GROUP)), WRITE)
    assert isinstance(error, RefusedError)
    assert error.code == "FO_REJECTED"
    assert error.details["what"] == "POST CustomersV3"
    assert error.details["infolog"] == (
        "The value 'Local' in field 'Customer group' is not found in the related table 'Customer groups'.; "
        "validateField failed on field 'CustomerGroupId'."
    )


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Boom\r\n   at Microsoft.Dynamics.Ax.Xpp.Run()\r\n   at X.Y()", "Boom"),
        ("Microsoft.Dynamics.Ax.Xpp.ErrorException: Boom", "Boom"),
        ("Infolog: Error: A.; Error: A.; Info: B.", "A.; B."),
        ("x" * 5000, "x" * 999 + "…"),
    ],
)
def test_an_infolog_is_cleaned_and_cut(raw, clean):
    assert infolog(raw) == clean


@pytest.mark.parametrize("status", [400, 500])
def test_a_duplicate_key_is_refused(status):
    refused = failure(answer(status, fo_error(DUPLICATE)), WRITE)
    assert isinstance(refused, RefusedError)
    assert refused.code == "FO_REJECTED"


def test_a_duplicate_key_is_refused_in_any_language():
    german = fo_error("Der Datensatz ist schon vorhanden.", "Microsoft.Dynamics.Ax.Xpp.DuplicateKeyException")
    refused = failure(answer(500, german), WRITE)
    assert isinstance(refused, RefusedError)
    assert refused.code == "FO_REJECTED"


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_names_its_status(status):
    error = failure(answer(status), WRITE)
    assert isinstance(error, DeniedError)
    assert (error.code, error.refusal.details["status"]) == ("FO_DENIED", str(status))


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_a_conflict(status):
    error = failure(answer(status), WRITE)
    assert isinstance(error, RefusedError)
    assert error.code == "FO_CONFLICT"


def test_an_unknown_route_has_a_shape_of_its_own():
    body = b'{"Message":"No HTTP resource was found.","MessageDetail":"No route data was found for this request."}'
    error = failure(answer(404, body), WRITE)
    assert isinstance(error, RefusedError)
    assert error.details["infolog"] == "No HTTP resource was found."


@pytest.mark.parametrize(("headers", "seconds"), [({"retry-after": "7"}, 7), ({}, 30), ({"retry-after": "soon"}, 30)])
def test_a_throttled_call_may_be_sent_again_after_the_delay(headers, seconds):
    error = failure(answer(429, **headers), WRITE)
    assert isinstance(error, ThrottledError)
    assert error.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("body", [b"Please try again later.", fo_error(UNKNOWN_GROUP), b"<html/>", b"\xff", b""])
def test_the_body_of_a_throttled_answer_decides_nothing(body):
    error = failure(answer(429, body), WRITE)
    assert isinstance(error, ThrottledError)
    assert str(error) == str(failure(answer(429), WRITE))


def test_a_delay_may_be_a_date():
    now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    later = {"retry-after": "Mon, 23 Nov 2026 08:00:45 GMT"}
    assert retry_after(later, now=now) == timedelta(seconds=45)
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 08:00:45 -0000"}, now=now) == timedelta(seconds=45)
    assert retry_after({"retry-after": "Mon, 23 Nov 2026 07:00:00 GMT"}, now=now) == timedelta(0)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 302, 599])
def test_a_fault_may_be_read_again_but_a_write_has_to_be_looked_for(status):
    html = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    assert type(failure(answer(status, html), READ)) is TransientError
    assert type(failure(answer(status, html), WRITE)) is OutcomeUnknownError


def test_a_plain_500_with_words_of_f_and_o_is_still_unknown():
    error = failure(answer(500, fo_error(UNKNOWN_GROUP)), WRITE)
    assert type(error) is OutcomeUnknownError
    assert "'Local'" in error.reason


def test_a_500_in_a_change_set_is_a_refusal_because_nothing_was_written():
    error = failure(answer(500, fo_error(UNKNOWN_GROUP)), IN_CHANGE_SET)
    assert isinstance(error, RefusedError)
    assert error.code == "FO_REJECTED"


UPDATE_CONFLICT = (
    "Write failed for table row of type 'VendInvoiceJournalLineEntity'. Cannot edit a record in Ledger journal table "
    "(LedgerJournalTable). An update conflict occurred due to another user process deleting the record or changing "
    "one or more fields in the record."
)


def test_the_reason_of_an_update_conflict_comes_without_the_class_name():
    assert infolog(UPDATE_CONFLICT).startswith("Cannot edit a record in Ledger journal table (LedgerJournalTable). An")


@pytest.mark.parametrize(
    "text",
    [
        UPDATE_CONFLICT,
        "Deadlock victim.",
        "Cannot edit a record in Sales order lines (SalesLine). The record was never selected.",
        "Cannot edit a record in Sales order lines (SalesLine). The record has never been selected.",
        "Could not allocate number sequence Sale_1.",
        "Request timed out.",
        "Execution Timeout Expired. The timeout period elapsed prior to completion of the operation.",
    ],
)
@pytest.mark.parametrize("request_", [WRITE, IN_CHANGE_SET])
def test_what_passes_by_itself_is_tried_again(text, request_):
    assert isinstance(failure(answer(500, fo_error(text)), request_), OutcomeUnknownError)


def test_a_delay_named_by_a_gateway_is_kept():
    error = failure(answer(503, b"", **{"retry-after": "120"}), READ)
    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(minutes=2)


def test_no_content_is_an_empty_row():
    assert row(answer(204), WRITE) == {}


def test_a_good_status_with_a_page_of_html_is_no_success():
    with pytest.raises(OutcomeUnknownError):
        row(answer(200, b"<html>Sign in</html>"), WRITE)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "The e-mail sanne@example.com is not valid.",
            "The e-mail *** is not valid.",
        ),
        ("The value 'Sanne de Vries' is too long.", "The value '***' is too long."),
        ("The value 'sanne DE vries' is too long.", "The value '***' is too long."),
        ("ZIP code 1016GV does not exist in Amsterdam.", "ZIP code *** does not exist in ***."),
        ("Unknown: other@example.org, which nobody sent.", "Unknown: ***, which nobody sent."),
        ("Item 1016GVX of group Annex is blocked.", "Item 1016GVX of group Annex is blocked."),
    ],
)
def test_an_error_does_not_quote_the_personal_data_that_was_sent(message, shown):
    record = {
        "PersonFirstName": "Ann",
        "SalesOrderName": "Sanne de Vries",
        "Email": "sanne@example.com",
        "DeliveryAddressCity": "Amsterdam",
        "DeliveryAddressStreet": "Keizersgracht 1\nAmsterdam",
        "DeliveryAddressZipCode": "1016GV",
        "CustomerGroupId": "Annex",
    }
    request = Request("POST SalesOrderHeadersV4", writes=True, personal=personal_values([record, None]))
    assert failure(answer(400, fo_error(message)), request).details["infolog"] == shown
    unknown_outcome = failure(answer(502, fo_error(message)), request)
    assert shown in str(unknown_outcome)
    assert record["Email"] not in str(unknown_outcome)


def test_an_initial_is_no_personal_text_to_hide_in_every_word():
    assert personal_values([{"PersonFirstName": "A", "PersonLastName": "Li", "AddressStreet": "Kade 1\nB"}]) == {
        "Li",
        "Kade 1\nB",
        "Kade 1",
    }
