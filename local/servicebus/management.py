"""Request and response over a pair of links: `$cbs` (put-token) and an entity's `$management` node.

Operations and the keys of their maps are those of Azure's "AMQP 1.0 in Service Bus: request-response-based operations".
Not here: rules and the listing of sessions (amqp:not-implemented).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from proton import UNDESCRIBED, Array, Data, Delivery, Message, MessageException, Receiver, Sender, symbol
from proton import int32 as amqp_int

from local.servicebus import wire
from local.servicebus.addresses import Address
from local.servicebus.connection import AmqpConnection
from local.servicebus.errors import BrokerError, InvalidArgumentError, MalformedMessageError, UnsupportedOperationError
from local.servicebus.links import accept_attach, reject, transfer
from local.servicebus.mailbox import Mailbox
from local.servicebus.message import DeadLetterNote
from local.servicebus.namespace import Namespace
from local.servicebus.sessions import SessionLock

_LOG = logging.getLogger(__name__)

_REQUEST_CREDIT = 100
_VENDOR = "com.microsoft:"
_MAX_PEEK_BYTES = wire.MAX_MESSAGE_BYTES
_RECEIVE_AND_DELETE = 0  # the receiver settle mode "first"

type Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    body: dict[str, object] = field(default_factory=dict)
    status: int = 200


class Node(Protocol):
    """What answers requests."""

    def handle(self, operation: str, body: Body) -> Answer:
        """Raises BrokerError."""


class TokenNode:
    """Accepts every token: the emulator checks no permissions."""

    def handle(self, operation: str, body: Body) -> Answer:  # noqa: ARG002 - the token is not looked at
        if operation != "put-token":
            raise UnsupportedOperationError(f"$cbs does not do '{operation}'.")
        return Answer(status=202)


class RequestLink:
    """A client asks here. Answers go to the link the same client session opened from the same address."""

    def __init__(self, connection: AmqpConnection, link: Receiver, address: str, node: Node) -> None:
        self._connection = connection
        self._link = link
        self._address = address
        self._node = node
        accept_attach(link)
        link.open()
        link.flow(_REQUEST_CREDIT)

    def on_delivery(self, delivery: Delivery) -> None:
        if delivery.partial or not delivery.readable:
            return
        payload = self._link.recv(delivery.pending) or b""
        self._link.advance()
        self._link.flow(1)
        request = Message()
        try:
            request.decode(payload)
        except MessageException as error:
            reject(delivery, MalformedMessageError.condition, str(error))
            return
        delivery.update(Delivery.ACCEPTED)
        delivery.settle()
        responses = self._connection.responses.get((self._link.session, self._address))
        if isinstance(responses, ResponseLink):
            responses.send(self._answer(request))

    def on_flow(self) -> None:
        """Credit is ours to give on this link."""

    def on_gone(self) -> None:
        """A request is answered when it comes: nothing is left."""

    def _answer(self, request: Message) -> Message:
        properties: Any = request.properties
        operation = str(properties.get("operation")) if properties else ""
        condition = None
        try:
            answer = self._node.handle(operation, request.body if isinstance(request.body, dict) else {})
            description = "OK"
        except BrokerError as error:
            _LOG.info("%s %s: %s: %s", self._address, operation, error.condition, error)
            answer, description, condition = Answer(status=error.status), str(error), error.condition
        # $cbs and $management spell the same things differently.
        outcome: dict[str, object] = {
            "statusCode": amqp_int(answer.status),
            "statusDescription": description,
            "status-code": amqp_int(answer.status),
            "status-description": description,
        }
        if condition is not None:
            outcome |= {"errorCondition": symbol(condition), "error-condition": symbol(condition)}
        return Message(
            body=answer.body, inferred=False, correlation_id=request.correlation_id or request.id, properties=outcome
        )


class ResponseLink:
    def __init__(self, connection: AmqpConnection, link: Sender, address: str) -> None:
        self._connection = connection
        self._link = link
        self._key = (link.session, address)
        self._sent = 0
        self._waiting: list[Message] = []
        connection.responses[self._key] = self
        accept_attach(link)
        link.open()

    def send(self, message: Message) -> None:
        """Sends now or, without credit, when the client gives some."""
        self._waiting.append(message)
        self.on_flow()

    def on_flow(self) -> None:
        while self._waiting and self._link.credit > 0:
            self._sent += 1
            transfer(self._link, self._sent.to_bytes(8), self._waiting.pop(0).encode()).settle()

    def on_delivery(self, delivery: Delivery) -> None:
        """Responses are sent settled."""

    def on_gone(self) -> None:
        if self._connection.responses.get(self._key) is self:
            del self._connection.responses[self._key]


class ManagementNode:
    """`$management` of a queue, topic, subscription or dead-letter queue."""

    def __init__(self, namespace: Namespace, address: Address) -> None:
        self._namespace = namespace
        self._address = address
        self._operations: dict[str, Callable[[Body], Answer]] = {
            f"{_VENDOR}peek-message": self._peek,
            f"{_VENDOR}receive-by-sequence-number": self._receive_deferred,
            f"{_VENDOR}renew-lock": self._renew_locks,
            f"{_VENDOR}update-disposition": self._settle,
            f"{_VENDOR}renew-session-lock": self._renew_session,
            f"{_VENDOR}get-session-state": self._get_state,
            f"{_VENDOR}set-session-state": self._set_state,
            f"{_VENDOR}schedule-message": self._schedule,
            f"{_VENDOR}cancel-scheduled-message": self._cancel_scheduled,
        }

    def handle(self, operation: str, body: Body) -> Answer:
        do = self._operations.get(operation)
        if do is None:
            raise UnsupportedOperationError(f"The emulator does not do '{operation}'.")
        try:
            return do(body)
        except KeyError as missing:
            raise InvalidArgumentError(f"{operation}: {missing} is missing.") from missing

    @property
    def _mailbox(self) -> Mailbox:
        address = self._address
        return self._namespace.mailbox(address.entity, address.subscription, dead_letters=address.dead_letters)

    def _session(self, body: Body) -> SessionLock | None:
        session_id = body.get("session-id")
        return None if session_id is None else self._mailbox.session_lock(session_id)

    def _peek(self, body: Body) -> Answer:
        found = self._mailbox.peek(body["from-sequence-number"], body["message-count"], body.get("session-id"))
        encoded: list[dict[str, object]] = []
        room = _MAX_PEEK_BYTES
        for message in found:
            payload = wire.encode(message)
            room -= len(payload)
            if room < 0 and encoded:
                break
            encoded.append({"message": payload})
        return Answer({"messages": encoded}) if encoded else Answer(status=204)

    def _receive_deferred(self, body: Body) -> Answer:
        deletes = body.get("receiver-settle-mode") == _RECEIVE_AND_DELETE
        numbers = _elements(body["sequence-numbers"])
        found = self._mailbox.receive_deferred(numbers, self._session(body), delete=deletes)
        messages: list[dict[str, object]] = []
        for message in found:
            entry: dict[str, object] = {"message": wire.encode(message)}
            if message.lock is not None:
                entry["lock-token"] = message.lock.token
            messages.append(entry)
        return Answer({"messages": messages})

    def _renew_locks(self, body: Body) -> Answer:
        ends = [wire.to_milliseconds(self._mailbox.renew(token)) for token in _elements(body["lock-tokens"])]
        return Answer({"expirations": _array(Data.TIMESTAMP, ends)})

    def _settle(self, body: Body) -> Answer:
        session = self._session(body)
        for token in _elements(body["lock-tokens"]):
            self._settle_one(body, token, session)
        return Answer()

    def _settle_one(self, body: Body, token: UUID, session: SessionLock | None) -> None:
        mailbox = self._mailbox
        match body["disposition-status"]:
            case "completed":
                mailbox.complete(token, session)
            case "abandoned":
                mailbox.abandon(token, session)
            case "defered":  # so spelled in the protocol
                mailbox.defer(token, session)
            case "suspended":
                note = DeadLetterNote(body.get("deadletter-reason"), body.get("deadletter-description"))
                mailbox.dead_letter(token, note, session)
            case other:
                raise InvalidArgumentError(f"'{other}' is no disposition status.")

    def _renew_session(self, body: Body) -> Answer:
        return Answer({"expiration": wire.to_milliseconds(self._mailbox.renew_session(body["session-id"]))})

    def _get_state(self, body: Body) -> Answer:
        return Answer({"session-state": self._mailbox.session_state(body["session-id"])})

    def _set_state(self, body: Body) -> Answer:
        state = body["session-state"]
        self._mailbox.set_session_state(body["session-id"], None if state is None else bytes(state))
        return Answer()

    def _schedule(self, body: Body) -> Answer:
        contents = [wire.decode(bytes(entry["message"])) for entry in body["messages"]]
        numbers = self._namespace.send(self._address.entity, [content for batch in contents for content in batch])
        return Answer({"sequence-numbers": _array(Data.LONG, numbers)})

    def _cancel_scheduled(self, body: Body) -> Answer:
        self._namespace.cancel_scheduled(self._address.entity, _elements(body["sequence-numbers"]))
        return Answer()


def _array(kind: int, elements: Sequence[object]) -> Array:
    return Array(UNDESCRIBED, kind, *elements)  # type: ignore[arg-type]  # Proton's own mark for "no descriptor"


def _elements(array: Any) -> list[Any]:
    """An AMQP array; a client that sends a list is understood as well."""
    return list(array.elements if isinstance(array, Array) else array)
