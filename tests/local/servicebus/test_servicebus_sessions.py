"""Sessions of a mailbox: who holds them, what happens when they end."""

import pytest

from local.servicebus.agenda import Agenda
from local.servicebus.errors import NotAllowedError, SessionCannotBeLockedError, SessionLockLostError
from local.servicebus.mailbox import Mailbox, MailboxSettings
from local.servicebus.message import Content
from local.servicebus.sessions import SessionLock
from local.servicebus.store import Time

LOCK = 30.0


class SessionBox:
    def __init__(self, *, requires_session: bool = True, max_delivery_count: int | None = None) -> None:
        self.now = 1000.0
        self.lost: list[str] = []
        self.mailbox = Mailbox(
            "q",
            MailboxSettings(
                requires_session=requires_session, lock_duration=LOCK, max_delivery_count=max_delivery_count
            ),
            Time(lambda: self.now, Agenda()),
            on_available=lambda _: None,
            on_due=lambda _: None,
            dead_letters=None,
        )

    def put(self, session_id: str) -> None:
        self.mailbox.add(self.mailbox.number(Content(session_id=session_id)))

    def accept(self, session_id: str | None = None) -> SessionLock:
        lock = self.mailbox.accept_session(session_id, lambda: self.lost.append(str(session_id)))
        assert lock is not None
        return lock

    def token(self, session: SessionLock):
        message = self.mailbox.receive(session)
        assert message is not None
        assert message.lock is not None
        return message.lock.token


def test_a_session_has_one_receiver():
    box = SessionBox()
    box.put("a")
    box.accept("a")
    with pytest.raises(SessionCannotBeLockedError):
        box.accept("a")


def test_an_empty_session_can_be_accepted_by_name():
    box = SessionBox()
    lock = box.accept("new")
    assert box.mailbox.receive(lock) is None
    box.put("new")
    assert box.mailbox.receive(lock) is not None


def test_the_next_available_session_is_the_one_that_has_waited_longest():
    box = SessionBox()
    for session_id in ("b", "a", "b"):
        box.put(session_id)
    assert [box.accept().session_id for _ in range(2)] == ["b", "a"]
    assert box.mailbox.accept_session(None, lambda: None) is None


def test_a_session_without_waiting_messages_is_not_available():
    box = SessionBox()
    box.put("a")
    lock = box.accept()
    box.mailbox.complete(box.token(lock), lock)
    box.mailbox.release_session(lock)
    assert box.mailbox.accept_session(None, lambda: None) is None


def test_a_receiver_gets_messages_of_its_session_only_and_in_order():
    box = SessionBox()
    for session_id in ("a", "b", "a"):
        box.put(session_id)
    lock = box.accept("a")
    received = [box.mailbox.receive(lock) for _ in range(3)]
    assert [message and message.sequence_number for message in received] == [1, 3, None]


def test_a_closed_session_gives_its_messages_back_without_counting_a_failure():
    box = SessionBox()
    box.put("a")
    lock = box.accept("a")
    held = box.token(lock)
    box.mailbox.release_session(lock)
    with pytest.raises(SessionLockLostError):
        box.mailbox.complete(held, lock)
    again = box.mailbox.receive(box.accept())
    assert again is not None
    assert again.delivery_count == 0
    assert not box.lost


def test_an_expired_session_lock_counts_a_failure_and_notifies_the_receiver():
    box = SessionBox()
    box.put("a")
    lock = box.accept("a")
    held = box.token(lock)
    box.now += LOCK
    with pytest.raises(SessionLockLostError):
        box.mailbox.complete(held, lock)
    assert box.lost == ["a"]
    again = box.mailbox.receive(box.accept())
    assert again is not None
    assert again.delivery_count == 1


def test_the_end_of_an_earlier_lock_does_not_end_a_later_one():
    box = SessionBox()
    box.mailbox.release_session(box.accept("a"))
    box.now += 20
    lock = box.accept("a")
    box.now += 20
    assert box.mailbox.session_lock("a") is lock
    assert not box.lost


def test_a_renewed_session_lock_covers_the_messages_received_under_it():
    box = SessionBox()
    box.put("a")
    lock = box.accept("a")
    held = box.token(lock)
    box.now += 20
    assert box.mailbox.renew_session("a") == box.now + LOCK
    box.now += 20
    box.mailbox.complete(held, lock)
    assert not box.lost


def test_a_message_lock_of_a_session_cannot_be_renewed_alone():
    box = SessionBox()
    box.put("a")
    held = box.token(box.accept("a"))
    with pytest.raises(NotAllowedError):
        box.mailbox.renew(held)


def test_an_abandoned_message_keeps_its_place_in_the_session():
    box = SessionBox()
    box.put("a"), box.put("a")
    lock = box.accept("a")
    box.mailbox.abandon(box.token(lock), lock)
    again = box.mailbox.receive(lock)
    assert again is not None
    assert (again.sequence_number, again.delivery_count) == (1, 1)


def test_session_state_stays_after_the_receiver_and_needs_one_to_be_set():
    box = SessionBox()
    lock = box.accept("a")
    box.mailbox.set_session_state("a", b"step 2")
    box.mailbox.release_session(lock)
    assert box.mailbox.session_state("a") == b"step 2"
    with pytest.raises(SessionLockLostError):
        box.mailbox.set_session_state("a", None)


def test_nothing_is_kept_of_a_session_that_is_over():
    box = SessionBox()
    for number in range(100):
        box.put(str(number))
        lock = box.accept()
        box.mailbox.complete(box.token(lock), lock)
        box.mailbox.release_session(lock)
    assert box.mailbox.sessions is not None
    assert not box.mailbox.sessions._sessions


def test_a_message_without_session_id_is_refused():
    with pytest.raises(NotAllowedError, match="SessionId was not set"):
        SessionBox().mailbox.check([Content(session_id="a"), Content()])


def test_receivers_and_entities_agree_on_sessions():
    with pytest.raises(NotAllowedError, match="requires sessions"):
        SessionBox().mailbox.check_receiver(with_session=False)
    with pytest.raises(NotAllowedError, match="does not require sessions"):
        SessionBox(requires_session=False).mailbox.check_receiver(with_session=True)
