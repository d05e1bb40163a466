"""`$batch`: many operations in one multipart request; a change set happens as a whole or not at all."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from local.d365.errors import invalid_body
from local.d365.service import Answer, DataService, Operation
from local.d365.simulator import Simulator

MAX_OPERATIONS = 5_000


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a multipart body: its headers by lower-case name, and what follows them."""

    headers: Mapping[str, str]
    content: str


class _FailedError(Exception):
    """An operation of a change set was refused: nothing of the set may remain."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Batches:
    def __init__(self, simulator: Simulator, service: DataService) -> None:
        self._simulator = simulator
        self._service = service

    def execute(self, content_type: str, body: bytes) -> Answer:
        """
        The outer answer is 200 whatever became of the parts; each has its own status line. Raises ODataError 400 for
        what is no batch, or one of more than 5,000 operations: then nothing was executed.
        """
        try:
            # JSON has no line ends inside its strings, so either form of line end can be read alike.
            text = body.decode().replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise invalid_body(f"The batch is not UTF-8: {error}") from error
        parts = [(part, _operations(part, self._simulator.base_url)) for part in _split(text, content_type)]
        if sum(len(operations) for _, operations in parts) > MAX_OPERATIONS:
            raise invalid_body(f"A batch holds at most {MAX_OPERATIONS} operations.")
        boundary = f"batchresponse_{uuid4()}"
        answers = [self._part(part, operations) for part, operations in parts]
        written = "".join(f"--{boundary}\r\n{answer}\r\n" for answer in answers)
        return Answer(200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, f"{written}--{boundary}--\r\n")

    def _part(self, part: _Part, operations: list[tuple[str, Operation]]) -> str:
        if not _is_change_set(part):
            ((_, operation),) = operations
            return _written("", self._run(operation))
        boundary = f"changesetresponse_{uuid4()}"
        try:
            with self._simulator.books.journal.change_set():
                answers = [_written(content_id, self._must(operation)) for content_id, operation in operations]
        except _FailedError as failed:
            # F&O answers a failed set with one part, as a 500. Its body is the failing operation's; its Content-ID
            # is not: recorded is 1 where the second operation failed.
            refused = Answer(500, failed.answer.headers, failed.answer.body)
            answers = [_written(operations[0][0], refused)]
        inner = "".join(f"--{boundary}\r\n{answer}\r\n" for answer in answers)
        return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{inner}--{boundary}--"

    def _must(self, operation: Operation) -> Answer:
        answer = self._run(operation)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _FailedError(answer)
        return answer

    def _run(self, operation: Operation) -> Answer:
        set_name = operation.target.partition("?")[0].partition("(")[0]
        self._simulator.batched_calls[f"{operation.method} {set_name}"] += 1
        return self._service.execute(operation)


def _is_change_set(part: _Part) -> bool:
    return part.headers.get("content-type", "").startswith("multipart/mixed")


def _operations(part: _Part, base_url: str) -> list[tuple[str, Operation]]:
    """The part's operations, each with its Content-ID."""
    if not _is_change_set(part):
        return [_operation(part, base_url)]
    operations = [_operation(inner, base_url) for inner in _split(part.content, part.headers["content-type"])]
    ids = [content_id for content_id, _ in operations]
    if "" in ids or len(set(ids)) < len(ids):
        raise invalid_body("Every operation of a change set needs a Content-ID of its own.")
    if any(operation.method == "GET" for _, operation in operations):
        raise invalid_body("A change set cannot hold a GET.")
    return operations


def _operation(part: _Part, base_url: str) -> tuple[str, Operation]:
    if part.headers.get("content-type", "").partition(";")[0] != "application/http":
        raise invalid_body("A part of a batch is application/http, or a change set.")
    first, _, rest = part.content.lstrip("\n").partition("\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1":
        raise invalid_body(f"'{first}' is no request line.")
    inner = _part(rest)
    target = words[1].removeprefix(base_url).removeprefix("/data/")
    body = inner.content.rstrip("\n").encode()
    content_id = part.headers.get("content-id") or inner.headers.get("content-id", "")
    return content_id, Operation(words[0], target, inner.headers, body)


def _split(text: str, content_type: str) -> Iterator[_Part]:
    media_type, _, parameters = content_type.partition(";")
    name, _, boundary = parameters.strip().partition("=")
    boundary = boundary.strip('"')
    if media_type.strip().lower() != "multipart/mixed" or name.lower() != "boundary" or not boundary:
        raise invalid_body("A batch is multipart/mixed with a boundary.")
    # A delimiter ends with its line, or with two dashes: another boundary may begin with the same letters.
    pieces = re.split(rf"\n--{re.escape(boundary)}(?=--|\n)", f"\n{text}")
    if len(pieces) < 2:
        raise invalid_body(f"The multipart body has no boundary --{boundary}.")
    # F&O takes a body whose last boundary is missing: the last part then ends with the body.
    closed = pieces[-1].strip("\n ") == "--"
    for piece in pieces[1:-1] if closed else pieces[1:]:
        yield _part(piece.removeprefix("\n"))


def _part(text: str) -> _Part:
    """Headers up to the first empty line, then the content."""
    head, _, content = text.partition("\n\n") if not text.startswith("\n") else ("", "", text[1:])
    headers = {}
    for line in filter(None, head.split("\n")):
        name, colon, value = line.partition(":")
        if not colon:
            raise invalid_body(f"'{line}' is no header.")
        headers[name.strip().lower()] = value.strip()
    return _Part(headers, content)


def _written(content_id: str, answer: Answer) -> str:
    reason = HTTPStatus(answer.status).phrase
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"HTTP/1.1 {answer.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "OData-Version: 4.0", "", answer.body])
