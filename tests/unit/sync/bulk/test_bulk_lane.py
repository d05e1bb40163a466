"""The bulk lane over several runs: started once, found again, read line by line, and left to the next run when lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest

from shared.errors import ErrorCode, OutcomeUnknownError, RefusedError, TransientError
from shared.shopify import queries
from shared.shopify.bulk import BulkStatus
from shared.shopify.queries import Query
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.bulk.jobs import BulkJobs
from shared.sync.bulk.lane import MOST, MOST_BYTES, BulkLane
from tests.builders.memory_blobs import MemoryContainer
from tests.builders.memory_table import MemoryTable

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
DOCUMENT = "write_back_tag"
UPLOAD, RESULTS = "https://upload.example/", "https://results.example/"


class Shop:
    """What Shopify answers, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.operations: dict[str, dict[str, Any]] = {}
        self.run_errors: list[dict[str, Any]] = []
        self.loses_answer = False
        self.upload_status = 201
        self.lines: list[Any] = []
        self.form: bytes = b""
        self.results: list[str] = []

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(query.name)
        match query.name:
            case "bulk_upload":
                [file] = variables["files"]
                assert file["resource"] == "BULK_MUTATION_VARIABLES"
                parameters = [{"name": "key", "value": "tmp/1/bulk/x"}, {"name": "policy", "value": "p"}]
                targets = [{"url": UPLOAD, "resourceUrl": None, "parameters": parameters}]
                return {"stagedUploadsCreate": {"stagedTargets": targets, "userErrors": []}}
            case "bulk_run":
                assert variables["path"] == "tmp/1/bulk/x"
                if self.run_errors:
                    return {"bulkOperationRunMutation": {"bulkOperation": None, "userErrors": self.run_errors}}
                operation = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
                node = {"query": variables["mutation"] + "\n", "createdAt": NOW.isoformat(), **self.state("CREATED")}
                self.operations[operation] = node
                if self.loses_answer:
                    raise OutcomeUnknownError("no answer to bulk_run")
                return {"bulkOperationRunMutation": {"bulkOperation": {"id": operation}, "userErrors": []}}
            case "bulk_state":
                return {"bulkOperation": self.operations.get(variables["id"])}
            case _:
                assert variables["query"] == "created_at:>='2026-11-02T09:55:00Z'"
                found = [{"id": name, **node} for name, node in reversed(self.operations.items())]
                return {"bulkOperations": {"nodes": found}}

    @staticmethod
    def state(status: str, **given: Any) -> dict[str, Any]:
        usual = dict.fromkeys(("errorCode", "completedAt", "url", "partialDataUrl"))
        usual |= {"status": status, "objectCount": "0"}
        return usual | given

    def end(self, status: str = "COMPLETED", **given: Any) -> None:
        list(self.operations.values())[-1].update(self.state(status, **{"url": RESULTS, "objectCount": "2", **given}))

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert "X-Shopify-Access-Token" not in request.headers
        if request.method == "GET":
            return httpx.Response(200, text="\n".join(self.results) + "\n")
        self.form = request.content
        body = self.form.partition(b"Content-Type: text/jsonl\r\n\r\n")[2].partition(b"\r\n--")[0]
        self.lines = [json.loads(line) for line in body.splitlines()]
        return httpx.Response(self.upload_status)


def lane(shop: Shop, container: Any, now: datetime = NOW) -> BulkLane:
    http = httpx.AsyncClient(transport=httpx.MockTransport(shop.answer))
    journal = Journal(cast("Any", container.table))
    return BulkLane(BulkJobs(shop, Snapshots(container), journal, "nordlys", "prices", lambda: now), http)


class Storage(MemoryContainer):
    """With the table of the journal."""

    def __init__(self) -> None:
        super().__init__()
        self.table = MemoryTable()


@pytest.fixture
def container() -> Storage:
    return Storage()


def calls(count: int) -> Mapping[str, Mapping[str, Any]]:
    return {f"P{number}": {"id": f"gid://shopify/Product/{number}"} for number in range(count)}


async def results(used: BulkLane) -> dict[str, tuple[Any, list[str]]]:
    found = await used.jobs.resume()
    assert found is not None
    job, state = found
    return {
        key: (result.payload, [error.message for error in result.errors])
        async for key, result in used.results(job, state)
    }


async def test_the_file_has_a_line_for_each_call_behind_the_fields_of_the_form(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(2))
    assert shop.lines == [{"id": "gid://shopify/Product/0"}, {"id": "gid://shopify/Product/1"}]
    assert shop.form.index(b'name="policy"') < shop.form.index(b'name="file"')
    (operation,) = shop.operations.values()
    assert operation["query"].strip() == queries.load(DOCUMENT).text.strip()


async def test_no_more_lines_than_fit_are_sent_at_once(container: Any) -> None:
    shop = Shop()
    job = await lane(shop, container).start(DOCUMENT, "Setting tags", calls(MOST + 1))
    assert (len(shop.lines), len(job.keys), job.keys[-1]) == (MOST, MOST, f"P{MOST - 1}")


async def test_a_file_stays_below_its_size(container: Any) -> None:
    shop = Shop()
    text = "x" * (MOST_BYTES // 2)
    job = await lane(shop, container).start(DOCUMENT, "Setting tags", {key: {"text": text} for key in ("A", "B", "C")})
    assert (job.keys, len(shop.lines)) == (("A",), 1)
    much = await lane(Shop(), Storage()).start(DOCUMENT, "Setting tags", {"A": {"text": text * 3}})
    assert much.keys == ("A",)


async def test_a_later_run_finds_the_operation_and_its_results_by_key_whatever_their_order(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(3))
    found = await lane(shop, container).jobs.resume()
    assert found is not None
    assert not found[1].status.is_over
    shop.end()
    shop.results = [
        json.dumps({"data": {"tagsAdd": {"userErrors": [{"field": ["id"], "message": "no"}]}}, "__lineNumber": 1}),
        json.dumps({"data": {"tagsAdd": {"userErrors": []}}, "__lineNumber": 0}),
        json.dumps({"data": {"tagsAdd": None}, "errors": [{"message": "Invalid id"}], "__lineNumber": 2}),
    ]
    assert await results(lane(shop, container)) == {
        "P1": ({"userErrors": [{"field": ["id"], "message": "no"}]}, ["no"]),
        "P0": ({"userErrors": []}, []),
        "P2": (None, ["Invalid id"]),
    }
    used = lane(shop, container)
    found = await used.jobs.resume()
    assert found is not None
    await used.jobs.end(*found)
    assert await used.jobs.resume() is None


async def test_an_operation_whose_start_was_not_confirmed_is_found_again_and_no_earlier_one(container: Any) -> None:
    shop = Shop()
    used = lane(shop, container)
    await used.start(DOCUMENT, "Setting tags", calls(1))
    shop.end()
    found = await used.jobs.resume()
    assert found is not None
    await used.jobs.end(*found)
    shop.loses_answer = True
    with pytest.raises(OutcomeUnknownError, match="no answer"):
        await used.start(DOCUMENT, "Setting tags", calls(2))
    found = await used.jobs.resume()
    assert found is not None
    assert found[0].operation == "gid://shopify/BulkOperation/2"
    assert shop.asked.count("bulk_recent") == 1
    await used.jobs.resume()
    assert shop.asked.count("bulk_recent") == 1


async def test_what_was_never_started_is_left_to_the_next_run(container: Any) -> None:
    shop = Shop()
    used = lane(shop, container)
    await used.start(DOCUMENT, "Setting tags", calls(1))
    found = await used.jobs.resume()
    assert found is not None
    await used.jobs.end(*found)
    shop.loses_answer = True
    with pytest.raises(OutcomeUnknownError, match="no answer"):
        await used.start(DOCUMENT, "Setting tags", calls(1))
    del shop.operations["gid://shopify/BulkOperation/2"]
    assert await used.jobs.resume() is None


@pytest.mark.parametrize("code", ["OPERATION_IN_PROGRESS", "LIMIT_REACHED", "NO_SUCH_FILE"])
async def test_a_shop_that_is_busy_is_asked_again_later(container: Any, code: str) -> None:
    shop = Shop()
    shop.run_errors = [{"code": code, "field": None, "message": "busy"}]
    with pytest.raises(TransientError, match="busy"):
        await lane(shop, container).start(DOCUMENT, "Setting tags", calls(1))
    assert await lane(shop, container).jobs.resume() is None


async def test_an_invalid_mutation_is_refused(container: Any) -> None:
    shop = Shop()
    shop.run_errors = [{"code": "INVALID_MUTATION", "field": None, "message": "no"}]
    with pytest.raises(RefusedError) as refused:
        await lane(shop, container).start(DOCUMENT, "Setting tags", calls(1))
    assert refused.value.code == ErrorCode.SHOPIFY_REJECTED


async def test_a_file_that_was_not_uploaded_starts_nothing(container: Any) -> None:
    shop = Shop()
    shop.upload_status = 503
    with pytest.raises(TransientError, match="not uploaded: HTTP 503"):
        await lane(shop, container).start(DOCUMENT, "Setting tags", calls(1))
    assert shop.operations == {}


async def test_a_failed_operation_gives_what_was_carried_out(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(2))
    shop.end("FAILED", url=None, partialDataUrl=RESULTS, errorCode="TIMEOUT")
    shop.results = [json.dumps({"data": {"tagsAdd": {"userErrors": []}}, "__lineNumber": 1})]
    found = await lane(shop, container).jobs.resume()
    assert found is not None
    assert (found[1].status, found[1].error) == (BulkStatus.FAILED, "TIMEOUT")
    assert list(await results(lane(shop, container))) == ["P1"]


async def test_a_cancelled_operation_gives_nothing(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(2))
    shop.end("CANCELED", url=None)
    assert await results(lane(shop, container)) == {}


async def test_results_that_end_early_are_read_again(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(2))
    shop.end()
    shop.results = ['{"data": {"tagsAdd": {"userErr']
    with pytest.raises(TransientError, match="end early: JSONDecodeError"):
        await results(lane(shop, container))


@pytest.mark.parametrize(("ended_at", "is_given_up"), [("09:01", False), ("08:59", True), (None, True)])
async def test_they_are_given_up_an_hour_after_the_operation_ended(
    container: Any, ended_at: str | None, *, is_given_up: bool
) -> None:
    shop = Shop()
    used = lane(shop, container)
    await used.start(DOCUMENT, "Setting tags", calls(2))
    shop.end(completedAt=ended_at and f"2026-11-02T{ended_at}:00Z")
    found = await used.jobs.resume()
    assert found is not None
    assert used.is_given_up(found[1]) is is_given_up


async def test_an_operation_that_shopify_forgot_is_left_to_the_next_run(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(2))
    shop.operations.clear()
    assert await lane(shop, container, NOW + timedelta(days=90)).jobs.resume() is None


# ---- the journal: one row for each operation


async def noted(container: Any) -> list[tuple[str, str]]:
    """Outcome and note of each row, oldest first."""
    rows = await Journal(cast("Any", container.table)).history("nordlys", "bulk")
    return [(row["outcome"], row["note"]) for row in rows]


SINCE = "Setting tags, 3 lines, since 2026-11-02 10:00 UTC: "


async def test_an_operation_has_one_row_that_says_how_far_it_is_and_how_it_ended(container: Any) -> None:
    shop = Shop()
    await lane(shop, container).start(DOCUMENT, "Setting tags", calls(3))
    assert await noted(container) == [("waiting", f"{SINCE}Shopify has taken it")]
    shop.end("RUNNING", url=None, objectCount="1")
    await lane(shop, container, NOW + timedelta(minutes=5)).jobs.resume()
    assert await noted(container) == [("waiting", f"{SINCE}1 of 3 done at 2026-11-02 10:05 UTC")]
    shop.end(objectCount="3", completedAt="2026-11-02T10:07:00Z")
    later = lane(shop, container, NOW + timedelta(minutes=10))
    found = await later.jobs.resume()
    assert found is not None
    await later.jobs.end(*found)
    assert await noted(container) == [("done", f"{SINCE}3 of 3 done, ended at 2026-11-02 10:07 UTC")]
    [row] = container.table.rows.values()
    evidence = json.loads(row["evidence"])
    assert (row["topic"], row["document"], row["seconds"]) == ("bulk/prices", "gid://shopify/BulkOperation/1", 420)
    assert evidence == {"lines": 3, "done": 3, "status": "COMPLETED", "error": ""}


async def test_an_operation_that_failed_or_was_lost_says_what_is_left(container: Any) -> None:
    shop = Shop()
    used = lane(shop, container)
    await used.start(DOCUMENT, "Setting tags", calls(3))
    shop.end("FAILED", errorCode="TIMEOUT", objectCount="1")
    found = await used.jobs.resume()
    assert found is not None
    await used.jobs.end(*found)
    assert await noted(container) == [
        ("left", f"{SINCE}failed (TIMEOUT) after 1 of 3. The next runs do what is left to do")
    ]
    later = lane(shop, container, NOW + timedelta(hours=1))
    await later.start(DOCUMENT, "Setting tags", calls(1))
    shop.operations.clear()
    await later.jobs.resume()
    [_, (outcome, note)] = await noted(container)
    assert (outcome, note.endswith("Shopify does not have it. The next runs do what is left to do")) == ("left", True)


async def test_what_was_never_taken_has_no_row(container: Any) -> None:
    shop = Shop()
    shop.run_errors = [{"code": "OPERATION_IN_PROGRESS", "field": None, "message": "busy"}]
    with pytest.raises(TransientError, match="busy"):
        await lane(shop, container).start(DOCUMENT, "Setting tags", calls(1))
    assert await noted(container) == []
