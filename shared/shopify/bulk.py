"""What Shopify carries out in the background: one mutation with thousands of variables, or one query of a whole list.

The input of a mutation is a file of JSON lines, each the variables of one call, at most 100 MB. A query names at least
one connection, with `edges` and `node`, and no page. The result of both is a file of JSON lines.

Shopify carries out five queries and five mutations of an app in a shop at once, and ends a mutation after a day. That
they are not charged against the query budget, beyond the call that starts them, is not established.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import httpx

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import QueryRunner
from shared.shopify.paging import search_time
from shared.shopify.queries import Query

_FILE: Final = "variables.jsonl"
_TYPE: Final = "text/jsonl"
_BUSY: Final = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED", "NO_SUCH_FILE", "INTERNAL_FILE_SERVER_ERROR"})
"""What a later attempt may end differently. Shopify also loses an uploaded file now and then."""


class BulkStatus(StrEnum):
    """Shopify's BulkOperationStatus."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"

    @property
    def is_over(self) -> bool:
        return self not in (BulkStatus.CREATED, BulkStatus.RUNNING, BulkStatus.CANCELING)


@dataclass(frozen=True, slots=True)
class BulkState:
    status: BulkStatus
    done: int
    """Lines that are carried out, or objects that were read: lines of the results, either way."""
    ended_at: datetime | None
    """By Shopify's clock; None if it has not, and where it was cancelled."""
    error: str
    """Shopify's code for why it failed; "" if it did not."""
    results: str | None
    """Address of the results, for seven days; of what was carried out before it failed. None if there are none."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    line: int
    """Counted from 0, in the order of the variables."""
    payload: Mapping[str, Any] | None
    """Of the mutation; None where Shopify refused the call as a whole."""
    message: str = ""
    """Why it refused it."""

    @property
    def errors(self) -> list[UserError]:
        if self.payload is None:
            return [UserError((), self.message, "")]
        return user_errors(self.payload)


async def start(admin: QueryRunner, http: httpx.AsyncClient, mutation: Query, lines: Iterable[bytes]) -> str:
    """Uploads the variables, each by `line_of`, and starts the operation; returns its id.

    Raises TransientError where a later attempt may succeed, OutcomeUnknownError where it may have started, RefusedError
    SHOPIFY_REJECTED for all else.
    """
    body = b"".join(lines)
    file = {"resource": "BULK_MUTATION_VARIABLES", "filename": _FILE, "mimeType": _TYPE, "httpMethod": "POST"}
    made = (await admin.run(queries.load("bulk_upload"), {"files": [file]}))["stagedUploadsCreate"]
    _raise_for(user_errors(made), "stagedUploadsCreate")
    [target] = made["stagedTargets"]
    fields = {each["name"]: each["value"] for each in target["parameters"]}
    await _upload(http, target["url"], fields, body)
    given = {"mutation": mutation.text, "path": fields["key"]}
    started = (await admin.run(queries.load("bulk_run"), given))["bulkOperationRunMutation"]
    _raise_for(user_errors(started), "bulkOperationRunMutation")
    return str(started["bulkOperation"]["id"])


async def start_query(admin: QueryRunner, query: Query) -> str:
    """Starts the operation; returns its id. Raises as `start` does."""
    started = (await admin.run(queries.load("bulk_run_query"), {"query": query.text}))["bulkOperationRunQuery"]
    _raise_for(user_errors(started), "bulkOperationRunQuery")
    return str(started["bulkOperation"]["id"])


async def find(admin: QueryRunner, document: Query, since: datetime, *, other_than: str | None) -> str | None:
    """The id of the newest operation with this document that was made since, and is another; None if there is none."""
    data = await admin.run(queries.load("bulk_recent"), {"query": f"created_at:>={search_time(since)}"})
    text = document.text.strip()
    found = [node["id"] for node in data["bulkOperations"]["nodes"] if node["query"].strip() == text]
    return next((operation for operation in found if operation != other_than), None)


async def read_state(admin: QueryRunner, operation: str) -> BulkState | None:
    """None for an operation that Shopify does not have any more."""
    node = (await admin.run(queries.load("bulk_state"), {"id": operation}))["bulkOperation"]
    if node is None:
        return None
    return BulkState(
        status=BulkStatus(node["status"]),
        done=int(node["objectCount"]),
        ended_at=datetime.fromisoformat(node["completedAt"]) if node["completedAt"] else None,
        error=node["errorCode"] or "",
        results=node["url"] or node["partialDataUrl"],
    )


async def read_results(http: httpx.AsyncClient, url: str) -> AsyncIterator[BulkResult]:
    """The result of each line that was carried out, not in their order. Raises TransientError when they end early."""
    async for row in read_rows(http, url):
        yield _result(row)


async def read_rows(http: httpx.AsyncClient, url: str) -> AsyncIterator[dict[str, Any]]:
    """The objects of a result, one by one: it may be larger than the memory. An object of a connection in a node comes
    after that node, and has its id as `__parentId`.

    Raises TransientError where the file cannot be read, or ends within a line. One that ends after a line is for the
    caller to find: Shopify tells how many there are (BulkState.done).
    """
    try:
        async with http.stream("GET", url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TransientError(f"Shopify answered {answer.status_code} for the results of a bulk operation")
            async for line in _lines(answer):
                yield json.loads(line, parse_float=Decimal)
    except (httpx.RequestError, ValueError) as error:
        reason = f"the results of a bulk operation end early: {type(error).__name__}"
        raise TransientError(reason) from error


async def _lines(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Without empty ones. Only a line feed ends a line: httpx also ends one at U+2028, which a text may contain."""
    rest = b""
    async for part in answer.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        yield rest


def _result(row: Mapping[str, Any]) -> BulkResult:
    line = int(row["__lineNumber"])
    payloads = list((row.get("data") or {}).values())
    if payloads and payloads[0] is not None:
        return BulkResult(line, payloads[0])
    return BulkResult(line, None, "; ".join(str(error["message"]) for error in row.get("errors") or ()))


async def _upload(http: httpx.AsyncClient, url: str, fields: Mapping[str, str], body: bytes) -> None:
    """As a form, with the file behind its fields. Nothing happens in the shop by it: it may be sent again."""
    try:
        answer = await http.post(url, data=dict(fields), files={"file": (_FILE, body, _TYPE)})
    except httpx.RequestError as error:
        raise TransientError(f"the file of a bulk operation was not uploaded: {type(error).__name__}") from error
    if not answer.is_success:
        raise TransientError(f"the file of a bulk operation was not uploaded: HTTP {answer.status_code}")


def _raise_for(errors: list[UserError], what: str) -> None:
    if not errors:
        return
    message = "; ".join(error.message for error in errors)
    if any(error.code in _BUSY for error in errors):
        raise TransientError(f"Shopify did not take {what}: {message}")
    raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what=what, message=message)


def line_of(variables: Mapping[str, Any]) -> bytes:
    """One line of the input file."""
    return json.dumps(variables, default=_exact, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _exact(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} cannot be a GraphQL variable")
