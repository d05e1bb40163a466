"""Links on which clients send to, and receive from, entities."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

from proton import Condition, Delivery, Described, Link, Receiver, Sender, symbol

from local.servicebus import wire
from local.servicebus.connection import AmqpConnection
from local.servicebus.errors import BrokerError, NoSessionInTimeError, NotAllowedError, SessionLockLostError
from local.servicebus.faults import SendAction, SendFault, SendFaults
from local.servicebus.mailbox import Mailbox
from local.servicebus.message import Content, DeadLetterNote, Message
from local.servicebus.sessions import SessionLock

_LOG = logging.getLogger(__name__)

SESSION_FILTER = symbol("com.microsoft:session-filter")
_LOCKED_UNTIL = symbol("com.microsoft:locked-until-utc")
_TICKS_AT_1970 = 621_355_968_000_000_000
""".NET ticks are 100 ns from the year 1; the expiry of a session lock is sent in them."""

_SEND_CREDIT = 1000

DETACH_AFTER_LOCK_LOST = 5.0
"""Seconds until a link is detached whose session lock has expired, unless the client uses the link before that.

Azure detaches such a link, but not at the moment of expiry. Its delay is not known."""


def reject(delivery: Delivery, condition: str, description: str) -> None:
    # The SDK reads condition, description and info by position: without info it would wait for ever.
    delivery.local.condition = Condition(condition, description, {symbol("tracking-id"): str(uuid4())})
    delivery.update(Delivery.REJECTED)
    delivery.settle()


def accept_attach(link: Link) -> None:
    """Answers the client's attach with its own terms."""
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    link.snd_settle_mode = link.remote_snd_settle_mode
    link.rcv_settle_mode = link.remote_rcv_settle_mode


def transfer(link: Sender, tag: bytes, payload: bytes) -> Delivery:
    """Sends one message on a link that has credit."""
    delivery = link.delivery(tag)  # type: ignore[arg-type]  # annotated as str, but a tag is bytes
    link.stream(payload)
    link.advance()
    return delivery


class Broker(Protocol):
    """What links need from the server."""

    def send(self, entity: str, contents: list[Content]) -> None:
        """Raises BrokerError."""

    def join(self, consumer: "ConsumerLink") -> None:
        """From now on the consumer is offered messages."""

    def leave(self, consumer: "ConsumerLink") -> None: ...


class ProducerLink:
    """A client sends to a queue or topic."""

    def __init__(
        self, broker: Broker, connection: AmqpConnection, link: Receiver, entity: str, faults: SendFaults
    ) -> None:
        self.entity = entity
        self._broker = broker
        self._connection = connection
        self._link = link
        self._faults = faults
        self._gone = False
        accept_attach(link)
        link.max_message_size = wire.MAX_MESSAGE_BYTES
        link.open()
        link.flow(_SEND_CREDIT)

    def on_delivery(self, delivery: Delivery) -> None:
        if delivery.aborted:
            delivery.settle()
            return
        if delivery.partial or not delivery.readable:
            return
        payload = self._link.recv(delivery.pending) or b""
        self._link.advance()
        self._answer(delivery, payload, self._faults.take(self.entity))
        if self._link.credit < _SEND_CREDIT // 2:
            self._link.flow(_SEND_CREDIT - self._link.credit)

    def on_flow(self) -> None:
        """Credit is ours to give on this link."""

    def on_gone(self) -> None:
        self._gone = True

    def _answer(self, delivery: Delivery, payload: bytes, fault: SendFault | None) -> None:
        if fault is not None:
            _LOG.info("fault: %s a send to %s", fault.action, self.entity)
            if fault.action is SendAction.REFUSE:
                reject(delivery, fault.condition, "The emulator was told to refuse this send.")
                return
            if fault.action is SendAction.LOSE:
                return
        try:
            self._broker.send(self.entity, wire.decode(payload))
        except BrokerError as error:
            reject(delivery, error.condition, str(error))
            return
        if fault is None:
            _confirm(delivery)
        elif fault.action is SendAction.DELAY:
            asyncio.get_running_loop().call_later(fault.seconds, self._confirm_late, delivery)

    def _confirm_late(self, delivery: Delivery) -> None:
        if not self._gone:
            _confirm(delivery)
            self._connection.changed()


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """The session that a receiver asks for: None is the next available one, for which it waits `timeout` seconds."""

    session_id: str | None
    timeout: float


class ConsumerLink:
    """A client receives from a mailbox. With a session request, the link opens when the session is locked."""

    def __init__(
        self, broker: Broker, connection: AmqpConnection, link: Sender, mailbox: Mailbox, request: SessionRequest | None
    ) -> None:
        self.mailbox = mailbox
        self._broker = broker
        self._connection = connection
        self._link = link
        self._session: SessionLock | None = None
        # By delivery, because Proton for Python cannot read a binary delivery tag back.
        self._unsettled: dict[Delivery, UUID] = {}
        self._deletes = link.remote_snd_settle_mode == Link.SND_SETTLED
        self._session_timeout: asyncio.TimerHandle | None = None
        """Runs while the link waits for the next available session."""
        self._detach_timeout: asyncio.TimerHandle | None = None
        """Runs from the loss of the session lock on."""
        if request is None:
            self._open()
        elif request.session_id is not None:
            self._accept_session(request.session_id)
        elif not self._accept_session(None):
            loop = asyncio.get_running_loop()
            self._session_timeout = loop.call_later(request.timeout, self._on_session_timeout)
        broker.join(self)

    def offer(self) -> bool:
        """Sends the next message if there is one and the client has credit for it. True if a message was sent."""
        if self._session_timeout is not None and not self._accept_session(None):
            return False
        if self._link.credit <= 0:
            return False
        message = self.mailbox.take(self._session) if self._deletes else self.mailbox.receive(self._session)
        if message is None:
            return False
        self._transfer(message)
        return True

    def on_flow(self) -> None:
        if self._detach_timeout is not None:
            self._detach_for_lost_lock()
            return
        while self.offer():
            pass
        if self._link.drain_mode:
            self._link.drained()

    def on_delivery(self, delivery: Delivery) -> None:
        if not delivery.updated:
            return
        outcome = delivery.remote_state
        token = self._unsettled.pop(delivery)
        if not outcome:  # settled without an outcome: the lock runs out by itself
            delivery.settle()
            return
        try:
            self._settle(token, outcome, delivery)
        except BrokerError as error:
            reject(delivery, error.condition, str(error))
            return
        if outcome == Delivery.MODIFIED:
            delivery.local.failed = delivery.remote.failed
            delivery.local.undeliverable = delivery.remote.undeliverable
        delivery.update(outcome)
        delivery.settle()

    def on_gone(self) -> None:
        """Locks on messages stay, as in Azure. The lock on a session ends with the link; where the connection was cut,
        it stays until its time.
        """
        self._broker.leave(self)
        for timer in (self._session_timeout, self._detach_timeout):
            if timer is not None:
                timer.cancel()
        self._session_timeout = self._detach_timeout = None
        if self._session is not None and not self._connection.is_lost:
            self.mailbox.release_session(self._session)

    def _accept_session(self, session_id: str | None) -> bool:
        session = self.mailbox.accept_session(session_id, self._on_session_lost)
        if session is None:
            return False
        if self._session_timeout is not None:
            self._session_timeout.cancel()
            self._session_timeout = None
        self._session = session
        self._open()
        self._connection.changed()
        return True

    def _open(self) -> None:
        accept_attach(self._link)
        if self._session is not None:
            ticks = _TICKS_AT_1970 + int(self._session.locked_until * 10_000_000)
            self._link.properties = {_LOCKED_UNTIL: ticks}
            self._link.source.filter.clear()
            self._link.source.filter.put_object({SESSION_FILTER: Described(SESSION_FILTER, self._session.session_id)})
        self._link.open()

    def _on_session_timeout(self) -> None:
        self._session_timeout = None
        self._connection.refuse_link(
            self._link, NoSessionInTimeError("No session with messages became available in time.")
        )

    def _on_session_lost(self) -> None:
        if self._connection.is_lost:
            return
        loop = asyncio.get_running_loop()
        self._detach_timeout = loop.call_later(DETACH_AFTER_LOCK_LOST, self._detach_for_lost_lock)

    def _detach_for_lost_lock(self) -> None:
        self._connection.close_link(self._link, SessionLockLostError("The session lock has expired."))

    def _transfer(self, message: Message) -> None:
        tag = uuid4() if message.lock is None else message.lock.token
        delivery = transfer(self._link, tag.bytes_le, wire.encode(message))
        if message.lock is None:
            delivery.settle()
        else:
            self._unsettled[delivery] = tag
        self._connection.changed()

    def _settle(self, token: UUID, outcome: int, delivery: Delivery) -> None:
        mailbox, session = self.mailbox, self._session
        if outcome == Delivery.ACCEPTED:
            mailbox.complete(token, session)
        elif outcome == Delivery.RELEASED:
            mailbox.release(token, session)
        elif outcome == Delivery.REJECTED:
            mailbox.dead_letter(token, _note(delivery.remote.condition), session)
        elif outcome == Delivery.MODIFIED and delivery.remote.undeliverable:
            mailbox.defer(token, session)
        elif outcome == Delivery.MODIFIED:
            mailbox.abandon(token, session)
        else:
            raise NotAllowedError(f"The delivery state {outcome} is no outcome of a received message.")


def _confirm(delivery: Delivery) -> None:
    delivery.update(Delivery.ACCEPTED)
    delivery.settle()


def _note(condition: Condition | None) -> DeadLetterNote:
    """The reason and description that the SDK puts into the rejection's info map."""
    info = condition.info if condition is not None and isinstance(condition.info, dict) else {}
    reason, description = (info.get(key) for key in ("DeadLetterReason", "DeadLetterErrorDescription"))
    return DeadLetterNote(str(reason) if reason else None, str(description) if description else None)
