"""Everything that can go wrong, in one tree.

    ConnectorError
    ├── WebhookRefusedError     answered to Shopify with a status; the webhook was not accepted
    ├── WebhookIgnoredError     signed and answered with 200, but the app has no use for it
    ├── ConfigurationError      settings or rules are wrong: lists every mistake, the app does not start
    ├── RefusedError            this message can never succeed as it is: park it (code from the catalogue)
    │   ├── TaxRefusedError     because of the tax set-up in F&O, or our rules for it
    │   └── OtherCurrencyError  an amount is not in the currency that is booked, and cannot be converted
    └── TransientError          it may succeed later: try again
        ├── ThrottledError      the other system asked for a delay
        ├── NotYetError         something else has to happen first; nothing is wrong
        ├── MaintenanceError    F&O is away as announced, until a time that is known
        ├── DeniedError         the other system denies the app access: an administrator has to act
        ├── StorageAwayError    the app's own storage does not work: nothing can be recorded
        └── OutcomeUnknownError a write may or may not have happened: read before writing again

A refusal has a code from CATALOGUE (shared/error_catalogue.py), with the cause in plain words, the owner and
the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.error_catalogue import CATALOGUE, Entry, ErrorCode

__all__ = [
    "ConfigurationError",
    "ConnectorError",
    "DeniedError",
    "ErrorCode",
    "MaintenanceError",
    "NotYetError",
    "OtherCurrencyError",
    "OutcomeUnknownError",
    "RefusedError",
    "StorageAwayError",
    "TaxRefusedError",
    "ThrottledError",
    "TransientError",
    "WebhookIgnoredError",
    "WebhookRefusedError",
]


DENIED_WAIT: Final = timedelta(minutes=5)
"""Until a denied call is tried again."""


class ConnectorError(Exception):
    """Root of all errors that the connector raises on purpose."""


class ConfigurationError(ConnectorError):
    """Settings or rules are wrong. `mistakes` has one readable line each."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class _CataloguedError(ConnectorError):
    """An error with the texts of the catalogue; details fill their placeholders and are kept in the journal.

    Raises KeyError at once for a placeholder without a detail: a bug, not data.
    """

    def __init__(self, code: ErrorCode, **details: object) -> None:
        self.code = code
        self.entry: Entry = CATALOGUE[code]
        self.details = {key: str(value) for key, value in details.items()}
        self.cause = self.entry.cause.format(**self.details)
        self.next_step = self.entry.next_step.format(**self.details)
        super().__init__(f"{code}: {self.cause}")


class WebhookRefusedError(_CataloguedError):
    """A webhook that is not accepted. Its catalogue entry has the HTTP status."""


class WebhookIgnoredError(_CataloguedError):
    """A signed webhook that the app has no use for. Shopify must not count it as failed, so the status is 200."""


class RefusedError(_CataloguedError):
    """A message that cannot succeed until somebody changes something.

    `proof` is what was compared, of a refusal because amounts differ: plain data, as JSON can hold it.
    """

    proof: Mapping[str, Any] | None = None

    def with_proof(self, proof: Mapping[str, Any] | None) -> Self:
        self.proof = proof
        return self


class TaxRefusedError(RefusedError):
    """F&O's tax set-up, or our rules for it, do not give Shopify's tax."""


class OtherCurrencyError(RefusedError):
    """An amount of the payload is in another currency than the order is booked in. GraphQL has both currencies."""


class TransientError(ConnectorError):
    """Another system is not ready. `retry_after` is the wait that it asked for, if it did."""

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(reason)


class ThrottledError(TransientError):
    """Too many calls; nothing was executed, the same call may be sent again after `retry_after`."""


class NotYetError(TransientError):
    """Something else has to happen first, as invoicing in F&O before a return. Nothing is wrong, and whoever raises it
    sees to it that the wait has an end.
    """


class MaintenanceError(TransientError):
    """F&O is in a window of D365_MAINTENANCE. No call is made, and nothing is wrong."""

    def __init__(self, until: datetime, now: datetime) -> None:
        super().__init__(f"F&O is in maintenance until {until:%Y-%m-%d %H:%M} UTC", retry_after=until - now)


class DeniedError(TransientError):
    """F&O or Shopify denies the app access: a role, a licence, a scope or a secret was changed, and with it every call.

    Messages wait, and an alert calls for the administrator. `refusal` is what they are parked with if nobody acts.
    """

    def __init__(self, code: ErrorCode, **details: object) -> None:
        self.refusal = RefusedError(code, **details)
        self.code = code
        super().__init__(f"{code}: {self.refusal.cause}", retry_after=DENIED_WAIT)


class StorageAwayError(TransientError):
    """The app's own storage does not answer, or lets the app do nothing. Messages wait, since none can be parked."""


class OutOfTimeError(TransientError):
    """What a flow did was cut off, so that it does not use up the time of the whole process. A call that was under way
    may have happened: whatever continues reads first.
    """

    def __init__(self, limit: timedelta) -> None:
        super().__init__(f"not done within {limit.total_seconds():g} s: cut off, and begun again from what is stored")


class OutcomeUnknownError(TransientError):
    """A write was sent and no answer came (time-out, reset, 5xx): read F&O's state before writing again."""
