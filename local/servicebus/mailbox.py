"""A store that messages are received from: locks, outcomes, expiry, dead letters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import override
from uuid import UUID, uuid4

from local.servicebus.errors import MessageLockLostError, MessageNotFoundError, NotAllowedError, SessionLockLostError
from local.servicebus.lane import Lane
from local.servicebus.message import Content, DeadLetterNote, Lock, Message, MessageState
from local.servicebus.sessions import SessionLock, SessionTable
from local.servicebus.store import Store, Time


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """Durations in seconds. None: no limit."""

    requires_session: bool
    lock_duration: float
    max_delivery_count: int | None = None
    time_to_live: float | None = None
    messages_expire: bool = True
    dead_letter_expired: bool = False
    max_bytes: int | None = None


class Mailbox(Store):
    """A queue, a subscription, or the dead-letter queue of one (which has no dead-letter queue itself).

    `on_available` is called with each message, or session, that may now be delivered.
    """

    def __init__(
        self,
        path: str,
        settings: MailboxSettings,
        time: Time,
        *,
        on_available: Callable[["Mailbox"], None],
        on_due: Callable[[Content], None],
        dead_letters: "Mailbox | None" = None,
    ) -> None:
        super().__init__(path, time, max_bytes=settings.max_bytes, on_due=on_due)
        self.settings = settings
        self.dead_letters = dead_letters
        self.sessions = SessionTable() if settings.requires_session else None
        self._on_available = on_available
        self._lane = Lane()
        self._locked: dict[UUID, Message] = {}

    @property
    def locked_count(self) -> int:
        return len(self._locked)

    # In

    def check(self, contents: Iterable[Content]) -> None:
        """Raises NotAllowedError or QuotaExceededError if the contents could not be accepted, all of them together."""
        size = 0
        for content in contents:
            size += content.size
            if self.sessions is not None and content.session_id is None:
                raise NotAllowedError(
                    "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have "
                    "session support enabled can only receive messages that have the SessionId set to a valid value."
                )
        self.check_room(size)

    def add(self, message: Message) -> None:
        """Takes in a message that `check` let pass, and offers it to receivers."""
        self._keep(message)
        limits = (message.content.time_to_live, self.settings.time_to_live) if self.settings.messages_expire else ()
        lifetime = min((limit for limit in limits if limit is not None), default=None)
        if lifetime is not None:
            message.expires_at = message.enqueued_at + lifetime
            self._time.agenda.put(self._key("expiry", message), message.expires_at, lambda: self._expire(message))
        self._offer(message)

    # Out

    def check_receiver(self, *, with_session: bool) -> None:
        """Raises NotAllowedError unless the receiver wants a session exactly where the entity requires one."""
        if with_session and self.sessions is None:
            raise NotAllowedError(
                "A sessionful message receiver cannot be created on an entity that does not require sessions."
            )
        if not with_session and self.sessions is not None:
            raise NotAllowedError(
                "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."
            )

    def receive(self, session: SessionLock | None = None) -> Message | None:
        """The next message under a lock (peek-lock)."""
        message = self._next(session)
        if message is not None:
            self._lock(message, session)
        return message

    def take(self, session: SessionLock | None = None) -> Message | None:
        """The next message, which leaves the store (receive-and-delete)."""
        message = self._next(session)
        if message is not None:
            self._drop(message)
        return message

    def receive_deferred(
        self, sequence_numbers: Iterable[int], session: SessionLock | None = None, *, delete: bool = False
    ) -> list[Message]:
        """Deferred messages by number; raises MessageNotFoundError, and locks none, unless all of them are there."""
        self._time.catch_up()
        found = [self._deferred(number, session) for number in sequence_numbers]
        for message in found:
            if delete:
                self._drop(message)
            else:
                self._lock(message, session)
        return found

    # Outcomes. They raise MessageLockLostError, or SessionLockLostError if the given session is over.

    def complete(self, token: UUID, session: SessionLock | None = None) -> None:
        self._drop(self._unlock(token, session))

    def abandon(self, token: UUID, session: SessionLock | None = None) -> None:
        self._put_back(self._unlock(token, session), failed=True)

    def release(self, token: UUID, session: SessionLock | None = None) -> None:
        """Returns a message that nobody worked on: not a failed delivery."""
        self._put_back(self._unlock(token, session), failed=False)

    def defer(self, token: UUID, session: SessionLock | None = None) -> None:
        message = self._unlock(token, session)
        message.state = MessageState.DEFERRED
        # By design, says Azure's documentation, a deferred message does not expire into the dead-letter queue.
        self._time.agenda.cancel(self._key("expiry", message))

    def dead_letter(self, token: UUID, note: DeadLetterNote, session: SessionLock | None = None) -> None:
        if self.dead_letters is None:
            raise NotAllowedError("A message in a dead-letter queue cannot be dead-lettered.")
        message = self._unlock(token, session)
        self._drop(message)
        self.bury(message, note)

    def renew(self, token: UUID) -> float:
        """The new end of the lock."""
        message = self._held(token, None)
        lock = message.lock
        if lock is None or lock.session is not None:
            raise NotAllowedError("Messages of a session are locked with their session: renew the session's lock.")
        lock.until = self._time.now() + self.settings.lock_duration
        self._time.agenda.put(self._key("lock", message), lock.until, lambda: self.abandon(token))
        return lock.until

    def bury(self, message: Message, note: DeadLetterNote) -> None:
        """Dead-letters a message that is not (or no longer) kept here. Number and delivery count stay as they are."""
        if self.dead_letters is None:
            raise NotAllowedError("A message in a dead-letter queue cannot be dead-lettered.")
        message.state = MessageState.ACTIVE
        message.expires_at = None
        message.dead_letter = note
        self.dead_letters.add(message)

    # Sessions

    def accept_session(self, session_id: str | None, on_lost: Callable[[], None]) -> SessionLock | None:
        """Locks the session, or the next available one for None: then the answer is None if there is none.

        Raises SessionCannotBeLockedError if another receiver holds the session.
        """
        self._time.catch_up()
        table = self._session_table()
        chosen = session_id if session_id is not None else table.next_available()
        if chosen is None:
            return None
        lock = SessionLock(chosen, self._time.now() + self.settings.lock_duration, on_lost)
        table.lock(lock)
        self._time.agenda.put(lock, lock.locked_until, lambda: self._lose_session(lock))
        return lock

    def session_lock(self, session_id: str) -> SessionLock:
        """The lock a receiver holds on the session. Raises SessionLockLostError if nobody does."""
        self._time.catch_up()
        lock = self._session_table().holder(session_id)
        if lock is None:
            raise SessionLockLostError("The session lock has expired on the session. Accept the session again.")
        return lock

    def renew_session(self, session_id: str) -> float:
        """The new end of the session's lock."""
        lock = self.session_lock(session_id)
        lock.locked_until = self._time.now() + self.settings.lock_duration
        self._time.agenda.put(lock, lock.locked_until, lambda: self._lose_session(lock))
        return lock.locked_until

    def session_state(self, session_id: str) -> bytes | None:
        return self._session_table().state(session_id)

    def set_session_state(self, session_id: str, state: bytes | None) -> None:
        self.session_lock(session_id)
        self._session_table().set_state(session_id, state)

    def release_session(self, lock: SessionLock) -> None:
        """The receiver leaves. What it left unsettled is, as in Azure, no failed delivery."""
        if not lock.over:
            self._end_session(lock, failed=False)

    # Inside

    @override
    def _drop(self, message: Message) -> None:
        super()._drop(message)
        self._time.agenda.cancel(self._key("expiry", message))

    def _offer(self, message: Message) -> None:
        session_id = message.content.session_id
        if self.sessions is not None and session_id is not None:
            self.sessions.lane(session_id).push(message)
            self.sessions.refresh(session_id)
        else:
            self._lane.push(message)
        self._on_available(self)

    def _next(self, session: SessionLock | None) -> Message | None:
        self._time.catch_up()
        if session is None:
            return self._lane.pop()
        if session.over:
            return None
        table = self._session_table()
        message = table.lane(session.session_id).pop()
        table.refresh(session.session_id)
        return message

    def _deferred(self, sequence_number: int, session: SessionLock | None) -> Message:
        message = self._messages.get(sequence_number)
        if (
            message is None
            or message.state is not MessageState.DEFERRED
            or message.lock is not None
            or (session is not None and message.content.session_id != session.session_id)
        ):
            raise MessageNotFoundError(f"There is no deferred message with sequence number {sequence_number}.")
        return message

    def _lock(self, message: Message, session: SessionLock | None) -> None:
        token = uuid4()
        message.lock = Lock(token, self._time.now() + self.settings.lock_duration, session)
        self._locked[token] = message
        if session is None:
            self._time.agenda.put(self._key("lock", message), message.lock.until, lambda: self.abandon(token))

    def _held(self, token: UUID, session: SessionLock | None) -> Message:
        self._time.catch_up()
        if session is not None and session.over:
            raise SessionLockLostError(
                "The session lock was lost: what was received under it can no longer be settled."
            )
        message = self._locked.get(token)
        if message is None:
            raise MessageLockLostError("The lock supplied is invalid: it expired, or the message was already settled.")
        return message

    def _unlock(self, token: UUID, session: SessionLock | None) -> Message:
        message = self._held(token, session)
        del self._locked[token]
        message.lock = None
        self._time.agenda.cancel(self._key("lock", message))
        return message

    def _put_back(self, message: Message, *, failed: bool) -> None:
        message.delivery_count += failed
        limit = self.settings.max_delivery_count
        if limit is not None and message.delivery_count >= limit:
            self._drop(message)
            text = f"Message could not be consumed after {limit} delivery attempts."
            self.bury(message, DeadLetterNote("MaxDeliveryCountExceeded", text))
        elif message.state is MessageState.DEFERRED:
            return
        elif message.expires_at is not None and message.expires_at <= self._time.now():
            self._expire(message)
        else:
            self._offer(message)

    def _expire(self, message: Message) -> None:
        if message.lock is not None:  # A locked message does not expire; `_put_back` checks it again.
            return
        self._drop(message)
        session_id = message.content.session_id
        if self.sessions is not None and session_id is not None:
            self.sessions.lane(session_id).discard(message)
            self.sessions.refresh(session_id)
        self._lane.discard(message)
        if self.settings.dead_letter_expired:
            self.bury(message, DeadLetterNote("TTLExpiredException", "The message expired and was dead lettered."))

    def _lose_session(self, lock: SessionLock) -> None:
        self._end_session(lock, failed=True)
        lock.on_lost()

    def _end_session(self, lock: SessionLock, *, failed: bool) -> None:
        lock.over = True
        self._time.agenda.cancel(lock)
        for token in [token for token, m in self._locked.items() if m.lock is not None and m.lock.session is lock]:
            message = self._locked.pop(token)
            message.lock = None
            self._put_back(message, failed=failed)
        self._session_table().unlock(lock)
        self._on_available(self)

    def _session_table(self) -> SessionTable:
        if self.sessions is None:
            raise NotAllowedError(f"'{self.path}' does not require sessions.")
        return self.sessions
