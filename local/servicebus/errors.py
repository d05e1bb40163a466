"""What the broker refuses, each with the AMQP condition that Azure Service Bus answers with.

The conditions are the ones that `azure-servicebus` maps to its exception classes (its `_ERROR_CODE_TO_ERROR_MAPPING`);
`status` is the code of a `$management` answer.
"""

from typing import ClassVar


class BrokerError(Exception):
    condition: ClassVar[str] = "amqp:internal-error"
    status: ClassVar[int] = 500


class EntityNotFoundError(BrokerError):
    condition = "amqp:not-found"
    status = 404


class NotAllowedError(BrokerError):
    """The entity exists but does not do this: sessions where there are none, a message without a session id, ..."""

    condition = "amqp:not-allowed"
    status = 400


class UnsupportedOperationError(BrokerError):
    condition = "amqp:not-implemented"
    status = 501


class InvalidArgumentError(BrokerError):
    condition = "com.microsoft:argument-error"
    status = 400


class MalformedMessageError(BrokerError):
    condition = "amqp:decode-error"
    status = 400


class MessageTooLargeError(BrokerError):
    condition = "amqp:link:message-size-exceeded"
    status = 403


class QuotaExceededError(BrokerError):
    condition = "amqp:resource-limit-exceeded"
    status = 403


class MessageNotFoundError(BrokerError):
    condition = "com.microsoft:message-not-found"
    status = 404


class MessageLockLostError(BrokerError):
    condition = "com.microsoft:message-lock-lost"
    status = 410


class SessionLockLostError(BrokerError):
    condition = "com.microsoft:session-lock-lost"
    status = 410


class SessionCannotBeLockedError(BrokerError):
    condition = "com.microsoft:session-cannot-be-locked"
    status = 409


class NoSessionInTimeError(BrokerError):
    """No session with messages became free while a "next available" receiver waited."""

    condition = "com.microsoft:timeout"
    status = 408


class LinkForcedError(BrokerError):
    """An operator (or a test) told the emulator to cut the link."""

    condition = "amqp:link:detach-forced"
    status = 503
