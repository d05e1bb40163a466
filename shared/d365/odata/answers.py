"""What F&O's answers mean: a row, or an error of shared.errors.

In a row numbers are Decimal, enums the names of their members, unset texts "".

F&O's reason (the "infolog") is in error.innererror.message, in the language of the app's F&O user; error.message is
always "An error has occurred.". Gateways in front of F&O answer with HTML. The answer to a missing route has a shape of
its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from shared.d365.odata.exact_json import decode
from shared.errors import (
    ConnectorError,
    DeniedError,
    ErrorCode,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    TransientError,
)
from shared.model.fo_order import FoRow

_SETTLING: Final = timedelta(minutes=4)
"""Twice the default of D365_TIMEOUT_SECONDS: after it F&O is taken to have ended a call whose answer was lost."""
_DEFAULT_WAIT: Final = timedelta(seconds=30)  # Microsoft's advice for a missing Retry-After
_LONGEST_INFOLOG: Final = 1_000
_HIDDEN: Final = "***"
_PERSONAL_FIELDS: Final = frozenset(
    {
        *("SalesOrderName", "Email", "OrganizationName", "PersonFirstName", "PersonMiddleName", "PersonLastName"),
        *("PrimaryContactEmail", "PrimaryContactPhone", "AddressStreet", "AddressCity", "AddressZipCode"),
        *("AddressBuildingComplement", "DeliveryAddressName", "DeliveryAddressStreet", "DeliveryAddressCity"),
        *("DeliveryAddressZipCode", "DeliveryBuildingCompliment"),
    }
)
_EMAIL: Final = re.compile(r"[^\s'\"“”<>(),;:]+@[^\s'\"“”<>(),;:]+\.\w+")

# Both read a run of blanks or of names once: F&O quotes what a buyer typed.
_STACK: Final = re.compile(r"(?:\n|\\n)[^\S\n]*+at \S.*", re.DOTALL)
_EXCEPTION_NAME: Final = re.compile(r"(?<!\w)(?<!\w\.)(?:\w++\.)++\w*+(?<=Exception):\s*")
_WRITE_FAILED: Final = re.compile(r"^Write failed for table row of type '\w+'\.\s*")
_SEVERITY: Final = re.compile(r"^(?:Info|Warning|Error):\s*")
_ENTITY_PREFIX: Final = re.compile(r"\b\w+Entity\.(?=\w)")

# The exceptions' names are the same in every language, F&O's sentences are not.
_DUPLICATE: Final = re.compile(r"already exists|DuplicateKeyException", re.IGNORECASE)
_PASSING: Final = re.compile(
    r"update\s?conflict|deadlock|record (?:was|has) never (?:been )?selected|not allocate (?:a )?number"
    r"|request timed out|timeout (?:period )?(?:elapsed|expired)",
    re.IGNORECASE,
)
"""Another process was faster, or F&O had no time: the same request may succeed a moment later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, or one part of a batch."""

    status: int
    headers: Mapping[str, str]
    """With names in lower case, or a mapping that ignores case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """The properties of a request on which the meaning of a bad answer depends."""

    what: str
    """For people, without personal data: "POST CustomersV3"."""
    writes: bool
    atomic: bool = False
    """Part of a change set: when it fails, nothing at all was written."""
    personal: frozenset[str] = frozenset()
    """Personal data that it sent. F&O's reason may quote it, an error's text never does."""


def personal_values(records: Iterable[FoRow | None]) -> frozenset[str]:
    """The texts in the records' fields for name, e-mail, phone and address; of several lines, each line too."""
    values = {str(value) for record in records for field, value in (record or {}).items() if field in _PERSONAL_FIELDS}
    return frozenset(part for value in values for part in (value, *value.split("\n")) if len(part) > 1)


def row(answer: Answer, request: Request) -> FoRow:
    """The record (or list) of a good answer, {} for 204; raises what any other answer means."""
    if not httpx.codes.is_success(answer.status):
        raise failure(answer, request)
    if not answer.body:
        return {}
    content = _json(answer.body)
    if not isinstance(content, dict):
        raise unsettled(request, f"F&O answered {request.what} with something that is not a record")
    return content


def failure(answer: Answer, request: Request) -> ConnectorError:
    """The error that an answer other than 2xx stands for."""
    error = _Problem.of(answer.body, request.personal)
    status = answer.status
    if status == httpx.codes.TOO_MANY_REQUESTS:
        reason = f"F&O is busy and did not take {request.what}"
        return ThrottledError(reason, retry_after=throttle_delay(answer.headers))
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return DeniedError(ErrorCode.FO_DENIED, status=status, infolog=error.infolog)
    if status in {httpx.codes.CONFLICT, httpx.codes.PRECONDITION_FAILED}:
        return RefusedError(ErrorCode.FO_CONFLICT, what=request.what)
    if _is_refusal(status, error, request):
        return RefusedError(ErrorCode.FO_REJECTED, what=request.what, infolog=error.infolog)
    reason = f"F&O answered {request.what} with {status}: {error.infolog}"
    return unsettled(request, reason, wait=retry_after(answer.headers))


def _is_refusal(status: int, error: _Problem, request: Request) -> bool:
    """Whether the same request would be refused again. A 500 means that only where nothing can have been written."""
    if _PASSING.search(error.raw):
        return False
    if httpx.codes.is_client_error(status):
        return status != httpx.codes.REQUEST_TIMEOUT
    return error.from_fo and (request.atomic or _DUPLICATE.search(error.raw) is not None)


def unsettled(request: Request, reason: str, *, wait: timedelta | None = None) -> TransientError:
    """TransientError for a read, which may be repeated; OutcomeUnknownError for a write that may have happened."""
    kind = OutcomeUnknownError if request.writes else TransientError
    return kind(reason, retry_after=wait)


def settling_time(error: ConnectorError) -> timedelta:
    """How long after this failure F&O may still be executing the call, so that reading at once could be too early. A
    gateway that answers in its place knows nothing of that, whatever it asks to wait for.
    """
    if not isinstance(error, OutcomeUnknownError):
        return timedelta(0)
    return max(error.retry_after or timedelta(0), _SETTLING)


def throttle_delay(headers: Mapping[str, str]) -> timedelta:
    """How long to wait after a 429; 30 seconds if it has no Retry-After."""
    wait = retry_after(headers)
    return _DEFAULT_WAIT if wait is None else wait


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """The delay of a Retry-After header in either form (seconds, or a date), None without a usable one."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000" instead of "GMT"
        until = until.replace(tzinfo=UTC)
    return max(until - (now or datetime.now(UTC)), timedelta(0))


def infolog(message: str) -> str:
    """F&O's reason without severities, class names and stack traces, each sentence once, at most 1,000 characters.

    "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: A.; Warning: B." gives "A.; B."
    """
    text = _EXCEPTION_NAME.sub("", _STACK.sub("", message))
    # An update conflict comes without "Infolog:".
    _, _, reasons = _WRITE_FAILED.sub("", text).rpartition("Infolog:")
    parts = (_SEVERITY.sub("", part.strip()) for part in reasons.split(";"))
    sentences = dict.fromkeys(_ENTITY_PREFIX.sub("", part) for part in parts if part)
    clean = " ".join("; ".join(sentences).split())
    return clean if len(clean) <= _LONGEST_INFOLOG else clean[: _LONGEST_INFOLOG - 1] + "…"


def _hide(text: str, personal: frozenset[str]) -> str:
    """The text without these values, as whole words, and without e-mail addresses."""
    text = _EMAIL.sub(_HIDDEN, text)
    for value in sorted(personal, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(' '.join(value.split()))}(?!\w)", _HIDDEN, text, flags=re.IGNORECASE)
    return text


@dataclass(frozen=True, slots=True)
class _Problem:
    infolog: str
    """For people."""
    raw: str
    """The whole message with the exception's type, to match patterns against."""
    from_fo: bool
    """Whether F&O itself answered, rather than a gateway in front of it."""

    @classmethod
    def of(cls, body: bytes, personal: frozenset[str]) -> _Problem:
        match _json(body):
            case {"error": {"innererror": {"message": str(message), **inner}}}:
                return cls(_hide(infolog(message), personal), f"{message} {inner.get('type', '')}", from_fo=True)
            case {"error": {"message": str(message)}} | {"Message": str(message)}:
                return cls(_hide(infolog(message), personal), message, from_fo=True)
            case _:
                return cls("(no reason given)", "", from_fo=False)


def _json(body: bytes) -> Any:
    """The body's JSON; None for anything else, as the HTML of gateways."""
    try:
        return decode(body)
    except ValueError:
        return None
