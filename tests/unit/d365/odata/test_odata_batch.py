"""One change set on the wire: what we write, and answers good, bad and mangled."""

import json
from decimal import Decimal

import pytest

from shared.d365.odata import batch
from shared.d365.odata.batch import Operation
from shared.errors import OutcomeUnknownError, RefusedError, ThrottledError

CONTENT_TYPE = "multipart/mixed; boundary=batchresponse_1"
OPERATIONS = [
    Operation("POST", "SalesOrderHeadersV4", body={"dataAreaId": "nleu", "SalesOrderNumber": "SH-1"}),
    Operation("POST", "SalesOrderLinesV3", body={"dataAreaId": "nleu", "SalesPrice": Decimal("49.950")}),
]


def part(content_id, status, body="", *, headers="Content-Type: application/json\r\n"):
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: {content_id}\r\n\r\nHTTP/1.1 {status}\r\n{headers}\r\n{body}"
    )


def change_set(*parts):
    inner = "".join(f"--changesetresponse_1\r\n{each}\r\n" for each in parts) + "--changesetresponse_1--\r\n"
    head = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n"
    return f"{head}{inner}--batchresponse_1--\r\n".encode()


def alone(failing):
    return f"--batchresponse_1\r\n{failing}\r\n--batchresponse_1--\r\n".encode()


def fo_error(message):
    return json.dumps({"error": {"message": "An error has occurred.", "innererror": {"message": message}}})


def test_a_change_set_is_written_as_f_and_o_reads_it():
    operations = [*OPERATIONS, Operation("PATCH", "SalesOrderHeadersV4", {"SalesOrderNumber": "S'1"}, {"Email": ""})]
    assert batch.write(operations, "b1").decode().split("\r\n") == [
        "--b1",
        "Content-Type: multipart/mixed; boundary=changes_b1",
        "",
        "--changes_b1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 1",
        "",
        "POST SalesOrderHeadersV4?cross-company=true HTTP/1.1",
        "Content-Type: application/json; charset=utf-8",
        "Accept: application/json",
        "",
        '{"dataAreaId":"nleu","SalesOrderNumber":"SH-1"}',
        "--changes_b1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 2",
        "",
        "POST SalesOrderLinesV3?cross-company=true HTTP/1.1",
        "Content-Type: application/json; charset=utf-8",
        "Accept: application/json",
        "",
        '{"dataAreaId":"nleu","SalesPrice":49.950}',
        "--changes_b1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        "Content-ID: 3",
        "",
        "PATCH SalesOrderHeadersV4(SalesOrderNumber='S''1')?cross-company=true HTTP/1.1",
        "Content-Type: application/json; charset=utf-8",
        "Accept: application/json",
        "",
        '{"Email":""}',
        "--changes_b1--",
        "--b1--",
        "",
    ]


def test_each_operation_gets_its_row():
    body = change_set(
        part(1, "201 Created", '{"SalesOrderNumber":"SH-1"}'), part(2, "201 Created", '{"LineAmount":49.95}')
    )
    assert batch.read(CONTENT_TYPE, body, OPERATIONS) == [
        {"SalesOrderNumber": "SH-1"},
        {"LineAmount": Decimal("49.95")},
    ]


def test_an_operation_without_content_gets_an_empty_row():
    body = change_set(part(1, "204 No Content", headers=""))
    assert batch.read(CONTENT_TYPE, body, [Operation("DELETE", "SalesOrderLinesV3", {"InventoryLotId": "1"})]) == [{}]


@pytest.mark.parametrize("wrap", [change_set, alone])
@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
@pytest.mark.parametrize("content_id", [1, 2])
def test_a_failed_change_set_is_refused_as_a_whole_whatever_its_content_id(wrap, status, content_id):
    body = wrap(part(content_id, status, fo_error("Infolog: Warning: Inventory dimension Site is mandatory.")))
    with pytest.raises(RefusedError) as refused:
        batch.read(CONTENT_TYPE, body, OPERATIONS)
    assert refused.value.code == "FO_REJECTED"
    assert refused.value.details == {
        "what": "a change set of 2 writes (POST SalesOrderHeadersV4, POST SalesOrderLinesV3)",
        "infolog": "Inventory dimension Site is mandatory.",
    }


def test_a_taken_number_is_refused():
    with pytest.raises(RefusedError, match="FO_REJECTED"):
        batch.read(CONTENT_TYPE, alone(part(1, "500 Error", fo_error("The record already exists.."))), OPERATIONS)


def test_a_part_may_be_throttled():
    body = alone(part(1, "429 Too Many Requests", headers="Retry-After: 9\r\n"))
    with pytest.raises(ThrottledError) as throttled:
        batch.read(CONTENT_TYPE, body, OPERATIONS)
    assert throttled.value.retry_after is not None
    assert throttled.value.retry_after.total_seconds() == 9


GOOD = change_set(part(1, "201 Created", '{"a":1}'), part(2, "201 Created", '{"b":2}'))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"<html>502</html>"),
        ("application/json", b"{}"),
        (CONTENT_TYPE, b""),
        (CONTENT_TYPE, GOOD[:-30]),
        (CONTENT_TYPE, GOOD.replace(b"HTTP/1.1 201 Created", b"OK", 1)),
        (CONTENT_TYPE, GOOD.replace(b"Content-ID: 2", b"Content-ID: 3")),
        (CONTENT_TYPE, GOOD.replace(b"Content-ID: 2", b"Content-ID: 1")),
        (CONTENT_TYPE, GOOD.replace(b"Content-ID: 2", b"X-ID: 2")),
        (CONTENT_TYPE, change_set(part(1, "201 Created", '{"a":1}'))),
        (CONTENT_TYPE, alone(part(7, "500 Error"))),
        (CONTENT_TYPE, GOOD.replace(b'{"b":2}', b"<html>")),
    ],
)
def test_an_answer_that_cannot_be_understood_leaves_the_outcome_unknown(content_type, body):
    with pytest.raises(OutcomeUnknownError):
        batch.read(content_type, body, OPERATIONS)


@pytest.mark.parametrize("cut", range(0, len(GOOD) - 25, 7))
def test_no_truncated_answer_passes_for_a_whole_one(cut):
    with pytest.raises(OutcomeUnknownError):
        batch.read(CONTENT_TYPE, GOOD[:cut], OPERATIONS)
