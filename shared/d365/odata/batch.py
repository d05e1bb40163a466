"""One atomic change set as a multipart $batch: building the request, and reading the answer strictly.

F&O answers a batch with 200 whatever became of it. A change set that failed comes back as one part alone, with a status
of its own; nothing of it was written. The part's body is the failing operation's, its Content-ID need not be: recorded
is 1 where the text names the record of the second operation.

The answer is split into its parts by our own code (RFC 2046, section 5.1), since Python's parser of e-mails takes many
times as long for the answer to an order of 20 lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
_BOUNDARY: Final = re.compile(r'^\s*multipart/.*?;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s";]+))', re.IGNORECASE)
_BLANK_LINE: Final = re.compile(rb"(?:^|\r?\n)\r?\n")
_AS_IT_IS: Final = {"", "7bit", "8bit", "binary"}
_DEEPEST: Final = 3


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
    answers = [_answer(part) for part in leaves(content_type, body)]
    match answers:
        case [(number, only)] if 1 <= number <= count and not httpx.codes.is_success(only.status):
            return [only]
        case _ if [number for number, _ in answers] == list(range(1, count + 1)):
            return [answer for _, answer in answers]
        case _:
            raise MalformedBatchError(f"the answers {[number for number, _ in answers]} do not fit {count} operations")


def _answer(part: MultipartPart) -> tuple[int, Answer]:
    content_id = part.headers.get("content-id", "")
    if not content_id.isdecimal():
        raise MalformedBatchError("a part has no Content-ID")
    (status_line, *header_lines), body = _split_head(part.body)
    match status_line.split(" ", 2):
        case [version, status, *_] if version.startswith("HTTP/1.") and status.isdecimal():
            return int(content_id), Answer(int(status), _read_headers(header_lines), body.strip())
        case _:
            raise MalformedBatchError("a part does not start with an HTTP status")


@dataclass(frozen=True, slots=True)
class MultipartPart:
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


def leaves(content_type: str, body: bytes, *, depth: int = 0) -> Iterator[MultipartPart]:
    """The parts that are no multipart themselves, in their order."""
    boundary = _boundary_of(content_type)
    if boundary is None or depth == _DEEPEST:
        raise MalformedBatchError("it is no multipart")
    for content in _contents(body, boundary.encode()):
        part = _part(content)
        its_type = part.headers.get("content-type", "")
        if its_type.lower().lstrip().startswith("multipart/"):
            yield from leaves(its_type, part.body, depth=depth + 1)
        else:
            yield part


def _split_head(content: bytes) -> tuple[list[str], bytes]:
    """The lines before the first blank line, and what follows it."""
    blank = _BLANK_LINE.search(content)
    if blank is None:
        raise MalformedBatchError("a part has no blank line after its headers")
    return content[: blank.start()].decode("latin-1").splitlines(), content[blank.end() :]


def _read_headers(lines: list[str]) -> dict[str, str]:
    """By name in lower case."""
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _boundary_of(content_type: str) -> str | None:
    found = _BOUNDARY.match(content_type)
    return found and (found.group(1) or found.group(2))


def _contents(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What is between the delimiters. What comes before the first and after the closing one does not count."""
    start: int | None = None
    for at, end, is_closing in _delimiters(body, b"--" + boundary):
        if start is not None:
            yield body[start:at]
        if is_closing:
            return
        start = end
    raise MalformedBatchError("its closing delimiter is missing")


def _delimiters(body: bytes, marker: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each delimiter begins, with the newline before it, where its line ends, and whether it closes the body."""
    at = body.find(marker)  # a regular expression for whole lines takes ten times as long
    while at >= 0:
        newline = body.find(b"\n", at)
        end = len(body) if newline < 0 else newline + 1
        rest = body[at + len(marker) : end].strip()
        if (at == 0 or body[at - 1 : at] == b"\n") and rest in {b"", b"--"}:
            yield at - (2 if body[at - 2 : at] == b"\r\n" else min(at, 1)), end, rest == b"--"
        at = body.find(marker, at + len(marker))


def _part(content: bytes) -> MultipartPart:
    lines, body = _split_head(content)
    headers = _read_headers(lines)
    if headers.get("content-transfer-encoding", "").lower() not in _AS_IT_IS:
        raise MalformedBatchError("a part is encoded")
    return MultipartPart(headers, body)
