"""$batch of the F&O simulator, read with the standard library's own multipart parser."""

import json
from collections.abc import AsyncIterator
from email.message import Message
from email.parser import Parser
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

HEADER = {
    "dataAreaId": "web",
    "SalesOrderNumber": "SH-1",
    "OrderingCustomerAccountNumber": "DAT-000004",
    "DefaultShippingSiteId": "1",
    "DefaultShippingWarehouseId": "11",
    "InventoryReservationMethod": "Automatic",
}
LINE = {"dataAreaId": "web", "SalesOrderNumber": "SH-1", "ItemNumber": "LAMP", "OrderedSalesQuantity": 2}


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o() as client:
        yield client


def operation(content_id: int | None, method: str, target: str, body: Any = None) -> str:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    sent = ["Content-Type: application/json", "", json.dumps(body)] if body is not None else ["", ""]
    return "\r\n".join([*head, "", f"{method} {target} HTTP/1.1", *sent])


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def change_set(*operations: str, boundary: str = "cs_1") -> str:
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{multipart(boundary, *operations)}"


def parts(answer: Answer) -> list[tuple[str | None, int, Any]]:
    """(Content-ID, status, JSON) of every HTTP answer inside."""
    assert answer.status == 200, answer.text
    message = Parser().parsestr(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n{answer.text}")
    assert not [defect for part in message.walk() for defect in part.defects]
    return [_http(part) for part in message.walk() if not part.is_multipart()]


def _http(part: Message) -> tuple[str | None, int, Any]:
    assert part.get_content_type() == "application/http"
    head, _, body = str(part.get_payload()).replace("\r\n", "\n").partition("\n\n")
    return part["Content-ID"], int(head.split(" ")[1]), json.loads(body) if body.strip() else None


async def test_header_and_lines_are_created_together(d365: Client) -> None:
    operations = [operation(1, "POST", "SalesOrderHeadersV4", HEADER), operation(2, "POST", "SalesOrderLinesV3", LINE)]
    answers = parts(await d365.batch(multipart("batch_1", change_set(*operations))))
    assert [(content_id, status) for content_id, status, _ in answers] == [("1", 201), ("2", 201)]
    assert answers[1][2]["InventoryLotId"] == "WEB-000001"
    assert (await d365.header("SH-1"))["SalesOrderStatus"] == "Backorder"


async def test_a_failed_change_set_leaves_nothing_and_answers_with_its_failure_alone(d365: Client) -> None:
    operations = [
        operation(1, "POST", "SalesOrderHeadersV4", HEADER),
        operation(2, "POST", "SalesOrderLinesV3", LINE),
        operation(3, "POST", "SalesOrderLinesV3", LINE | {"ItemNumber": "GHOST"}),
    ]
    ((content_id, status, body),) = parts(await d365.batch(multipart("batch_1", change_set(*operations))))
    assert (content_id, status) == ("1", 500)
    assert "'GHOST' in field 'Item number'" in body["error"]["innererror"]["message"]
    assert await d365.rows("SalesOrderHeadersV4") == []
    assert await d365.rows("SalesOrderLinesV3") == []
    row = await d365.on_hand("LAMP")
    assert row is not None
    assert row["AvailableOnHandQuantity"] == 8


async def test_an_update_conflict_inside_a_change_set_takes_all_of_it_back(d365: Client) -> None:
    await d365.admin("POST", "faults", {"kind": "update_conflict", "set": "SalesOrderLinesV3"})
    operations = [operation(1, "POST", "SalesOrderHeadersV4", HEADER), operation(2, "POST", "SalesOrderLinesV3", LINE)]
    body = multipart("batch_1", change_set(*operations))
    ((content_id, status, _),) = parts(await d365.batch(body))
    assert (content_id, status) == ("1", 500)
    assert await d365.rows("SalesOrderHeadersV4") == []
    assert [status for _, status, _ in parts(await d365.batch(body))] == [201, 201]


async def test_change_sets_are_independent_of_each_other(d365: Client) -> None:
    bad = change_set(operation(1, "POST", "SalesOrderLinesV3", LINE), boundary="cs_1")
    good = change_set(operation(1, "POST", "SalesOrderHeadersV4", HEADER), boundary="cs_2")
    answers = parts(await d365.batch(multipart("batch_1", bad, good)))
    assert [status for _, status, _ in answers] == [500, 201]


async def test_operations_outside_change_sets_stand_alone(d365: Client) -> None:
    body = multipart(
        "batch_1",
        operation(None, "POST", "SalesOrderHeadersV4", HEADER),
        operation(None, "POST", "SalesOrderHeadersV4", HEADER),
        operation(None, "GET", "/data/SalesOrderHeadersV4?cross-company=true&$select=SalesOrderNumber"),
        operation(None, "GET", f"{d365.simulator.base_url}/data/SalesOrderHeadersV4/$count?cross-company=true"),
        operation(None, "GET", "NoSuchSet"),
    )
    answers = parts(await d365.batch(body))
    assert [status for _, status, _ in answers] == [201, 400, 200, 200, 404]
    assert answers[2][2]["value"][0]["SalesOrderNumber"] == "SH-1"
    assert answers[3][2] == 1


async def test_updates_and_deletions_answer_with_no_content(d365: Client) -> None:
    number = await d365.order({}, SalesOrderNumber="SH-1")
    key = f"(dataAreaId='web',SalesOrderNumber='{number}')?cross-company=true"
    operations = [
        operation(1, "PATCH", f"SalesOrderHeadersV4{key}", {"Email": "a@b.c"}),
        operation(2, "DELETE", f"SalesOrderHeadersV4{key}"),
    ]
    answers = parts(await d365.batch(multipart("batch_1", change_set(*operations))))
    assert answers == [("1", 204, None), ("2", 204, None)]


async def test_a_reference_to_another_operations_result_does_not_work(d365: Client) -> None:
    operations = [
        operation(1, "POST", "SalesOrderHeadersV4", HEADER),
        operation(2, "PATCH", "$1", {"Email": "a@b.c"}),
    ]
    ((content_id, status, _),) = parts(await d365.batch(multipart("batch_1", change_set(*operations))))
    assert (content_id, status) == ("1", 500)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no multipart",
        multipart("another", operation(None, "GET", "Warehouses")),
        multipart("batch_1", "Content-Type: application/json\r\n\r\n{}"),
        multipart("batch_1", "Content-Type: application/http\r\n\r\nGET\r\n\r\n"),
        multipart("batch_1", change_set(operation(1, "GET", "Warehouses"))),
        multipart("batch_1", change_set(operation(None, "POST", "SalesOrderHeadersV4", HEADER))),
        multipart("batch_1", change_set(*[operation(1, "POST", "SalesOrderHeadersV4", HEADER)] * 2)),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(d365: Client, body: str) -> None:
    answer = await d365.batch(body)
    assert answer.status == 400
    assert await d365.rows("SalesOrderHeadersV4") == []


async def test_more_than_five_thousand_operations_are_refused(d365: Client) -> None:
    one = operation(None, "GET", "Currencies('USD')?$select=CurrencyCode")
    assert (await d365.batch(multipart("batch_1", *[one] * 5001))).status == 400
    assert len(parts(await d365.batch(multipart("batch_1", *[one] * 5000)))) == 5000


async def test_a_boundary_may_begin_like_the_one_around_it(d365: Client) -> None:
    inner = change_set(operation(1, "POST", "SalesOrderHeadersV4", HEADER), boundary="batch_12")
    ((_, status, _),) = parts(await d365.batch(multipart("batch_1", inner)))
    assert status == 201


async def test_plain_line_feeds_are_understood(d365: Client) -> None:
    body = multipart("batch_1", change_set(operation(1, "POST", "SalesOrderHeadersV4", HEADER)))
    ((_, status, _),) = parts(await d365.batch(body.replace("\r\n", "\n")))
    assert status == 201


async def test_boundaries_that_are_not_closed_end_with_the_body(d365: Client) -> None:
    operations = [operation(1, "POST", "SalesOrderHeadersV4", HEADER), operation(2, "POST", "SalesOrderLinesV3", LINE)]
    body = multipart("batch_1", change_set(*operations))
    for closing in ("--cs_1--\r\n", "--batch_1--\r\n"):
        body = body.replace(closing, "")
    assert [status for _, status, _ in parts(await d365.batch(body))] == [201, 201]


async def test_a_content_id_may_stand_among_the_headers_of_the_inner_request(d365: Client) -> None:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    request = "POST SalesOrderHeadersV4 HTTP/1.1\r\nContent-ID: 7\r\nContent-Type: application/json\r\n\r\n"
    body = multipart("batch_1", change_set(f"{head}{request}{json.dumps(HEADER)}"))
    assert [(content_id, status) for content_id, status, _ in parts(await d365.batch(body))] == [("7", 201)]
