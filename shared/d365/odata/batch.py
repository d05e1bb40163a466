"""One atomic change set as a multipart $batch: building the request, and reading the answer strictly.

F&O answers a batch with 200 whatever became of it. A change set that failed comes back as one part alone, with a status
of its own; nothing of it was written. The part's body is the failing operation's, its Content-ID need not be: recorded
is 1 where the text names the record of the second operation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final, Literal

import httpx

from shared.d365.odata.answers import Answer, Request, personal_values, row
from shared.d365.odata.exact_json import encode
from shared.d365.odata.literals import ODataLiteral, keyed
from shared.errors import OutcomeUnknownError
from shared.model.fo_order import FoRow

CROSS_COMPANY: Final = "cross-company=true"
"""On every request: without it F&O silently returns the default company only."""

_EOL: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Operation:
    """One write of a change set; `key` for PATCH and DELETE, `body` for POST and PATCH."""

    method: Literal["POST", "PATCH", "DELETE"]
    entity_set: str
    key: Mapping[str, ODataLiteral] | None = None
    body: FoRow | None = None

    @property
    def target(self) -> str:
        path = self.entity_set if self.key is None else keyed(self.entity_set, self.key)
        return f"{path}?{CROSS_COMPANY}"


class MalformedBatchError(ValueError):
    """The answer is not a multipart that matches the operations sent."""


def write(operations: Sequence[Operation], boundary: str) -> bytes:
    """The body of the request; its Content-Type is `multipart/mixed; boundary=<boundary>`."""
    inner = f"changes_{boundary}"
    lines = [f"--{boundary}", f"Content-Type: multipart/mixed; boundary={inner}", ""]
    for number, operation in enumerate(operations, start=1):
        lines += [
            f"--{inner}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            f"Content-ID: {number}",
            "",
            f"{operation.method} {operation.target} HTTP/1.1",
            "Content-Type: application/json; charset=utf-8",
            "Accept: application/json",
            "",
            encode(operation.body) if operation.body is not None else "",
        ]
    lines += [f"--{inner}--", f"--{boundary}--", ""]
    return _EOL.join(lines).encode()


def read(content_type: str, body: bytes, operations: Sequence[Operation]) -> list[FoRow]:
    """One row for each operation, in order; {} where F&O answers with no content.

    Raises what the failing operation's answer means for the whole change set, OutcomeUnknownError when the answer
    cannot be understood.
    """
    try:
        answers = _answers(content_type, body, len(operations))
    except MalformedBatchError as error:
        raise OutcomeUnknownError(f"F&O's answer to a change set cannot be read: {error}") from error
    request = _request(operations)
    return [row(answer, request) for answer in answers]


def _request(operations: Sequence[Operation]) -> Request:
    kinds = dict.fromkeys(f"{operation.method} {operation.entity_set}" for operation in operations)
    what = f"a change set of {len(operations)} writes ({', '.join(kinds)})"
    personal = personal_values(operation.body for operation in operations)
    return Request(what, writes=True, atomic=True, personal=personal)


def _answers(content_type: str, body: bytes, count: int) -> list[Answer]:
    """The HTTP answers in the multipart: one for each of `count` operations in order, or a failure alone."""
    head = f"Content-Type: {content_type}{_EOL}{_EOL}".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = list(message.walk())
    defects = [defect for part in parts for defect in part.defects]
    if defects or not message.is_multipart():
        raise MalformedBatchError(", ".join(type(defect).__name__ for defect in defects) or "it is no multipart")
    answers = [_answer(part) for part in parts if not part.is_multipart()]
    match answers:
        case [(number, only)] if 1 <= number <= count and not httpx.codes.is_success(only.status):
            return [only]
        case _ if [number for number, _ in answers] == list(range(1, count + 1)):
            return [answer for _, answer in answers]
        case _:
            raise MalformedBatchError(f"the answers {[number for number, _ in answers]} do not fit {count} operations")


def _answer(part: Message) -> tuple[int, Answer]:
    payload = part.get_payload(decode=True)
    content_id = str(part.get("Content-ID", ""))
    if not isinstance(payload, bytes) or not content_id.isdecimal():
        raise MalformedBatchError("a part has no content or no Content-ID")
    head, _, body = payload.partition(b"\r\n\r\n")
    status_line, *header_lines = head.decode("latin-1").split(_EOL)
    match status_line.split(" ", 2):
        case [version, status, *_] if version.startswith("HTTP/1.") and status.isdecimal():
            headers = dict(_header(line) for line in header_lines)
            return int(content_id), Answer(int(status), headers, body.strip())
        case _:
            raise MalformedBatchError("a part does not start with an HTTP status")


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()
