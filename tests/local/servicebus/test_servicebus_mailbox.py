"""Locks, outcomes, expiry and dead letters of one mailbox, on a clock of the test's own."""

from uuid import uuid4

import pytest

from local.servicebus.agenda import Agenda
from local.servicebus.errors import MessageLockLostError, MessageNotFoundError, NotAllowedError, QuotaExceededError
from local.servicebus.mailbox import Mailbox, MailboxSettings
from local.servicebus.message import Content, DeadLetterNote, Message, MessageState
from local.servicebus.store import Time

LOCK = 30.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Box:
    """A mailbox with its dead-letter queue, and the clock both live by."""

    def __init__(self, **settings) -> None:
        self.clock = Clock()
        time = Time(self.clock, Agenda())
        self.woken: list[Mailbox] = []
        self.due: list[Content] = []
        base = {"requires_session": False, "lock_duration": LOCK}
        self.dead = Mailbox(
            "q/dead",
            MailboxSettings(**base, messages_expire=False),
            time,
            on_available=self.woken.append,
            on_due=self.due.append,
        )
        self.mailbox = Mailbox(
            "q",
            MailboxSettings(**{**base, **settings}),
            time,
            on_available=self.woken.append,
            on_due=self.due.append,
            dead_letters=self.dead,
        )

    def put(self, **content) -> Message:
        message = self.mailbox.number(Content(**content))
        self.mailbox.add(message)
        return message

    def received(self) -> Message:
        message = self.mailbox.receive()
        assert message is not None
        assert message.lock is not None
        return message


def token(message: Message):
    assert message.lock is not None
    return message.lock.token


def test_messages_come_in_the_order_of_their_sequence_numbers():
    box = Box()
    numbers = [box.put().sequence_number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert [box.received().sequence_number for _ in range(3)] == numbers


def test_an_abandoned_message_comes_again_before_younger_ones():
    box = Box()
    box.put(), box.put()
    first = box.received()
    box.mailbox.abandon(token(first))
    again = box.received()
    assert (again.sequence_number, again.delivery_count) == (1, 1)


def test_a_released_message_has_not_failed():
    box = Box()
    box.put()
    box.mailbox.release(token(box.received()))
    assert box.received().delivery_count == 0


def test_a_locked_message_has_one_receiver_until_its_lock_expires():
    box = Box()
    box.put()
    held = token(box.received())
    box.clock.now += LOCK - 0.001
    assert box.mailbox.receive() is None
    box.clock.now += 0.001
    assert box.received().delivery_count == 1
    with pytest.raises(MessageLockLostError):
        box.mailbox.complete(held)


def test_a_renewed_lock_lasts_from_the_renewal():
    box = Box()
    box.put()
    held = token(box.received())
    box.clock.now += 20
    assert box.mailbox.renew(held) == box.clock.now + LOCK
    box.clock.now += 20
    box.mailbox.complete(held)
    assert box.mailbox.counts().total() == 0


def test_a_message_cannot_be_settled_twice():
    box = Box()
    box.put()
    held = token(box.received())
    box.mailbox.complete(held)
    with pytest.raises(MessageLockLostError):
        box.mailbox.abandon(held)


def test_the_last_allowed_failure_dead_letters():
    box = Box(max_delivery_count=2)
    box.put()
    box.mailbox.abandon(token(box.received()))
    assert box.dead.counts().total() == 0
    box.received()
    box.clock.now += LOCK
    assert box.mailbox.receive() is None
    dead = box.dead.receive()
    assert dead is not None
    assert dead.dead_letter is not None
    assert dead.dead_letter.reason == "MaxDeliveryCountExceeded"
    assert dead.delivery_count == 2


def test_dead_lettering_keeps_number_and_reason():
    box = Box()
    box.put(), box.put()
    box.received()
    second = box.received()
    box.mailbox.dead_letter(token(second), DeadLetterNote("bad", "very"))
    dead = box.dead.receive()
    assert dead is not None
    assert (dead.sequence_number, dead.dead_letter) == (2, DeadLetterNote("bad", "very"))


def test_a_dead_letter_cannot_be_dead_lettered():
    box = Box()
    box.put()
    box.mailbox.dead_letter(token(box.received()), DeadLetterNote(None, None))
    dead = box.dead.receive()
    assert dead is not None
    with pytest.raises(NotAllowedError):
        box.dead.dead_letter(token(dead), DeadLetterNote(None, None))


@pytest.mark.parametrize(("own", "entity", "lifetime"), [(5.0, None, 5.0), (None, 7.0, 7.0), (9.0, 7.0, 7.0)])
def test_a_message_lives_for_the_shorter_of_its_own_and_the_entitys_time(own, entity, lifetime):
    box = Box(time_to_live=entity)
    box.put(time_to_live=own)
    box.clock.now += lifetime - 0.001
    assert box.mailbox.peek(1, 10)
    box.clock.now += 0.001
    assert not box.mailbox.peek(1, 10)
    assert box.dead.counts().total() == 0


def test_an_expired_message_is_dead_lettered_where_configured_and_stays_there():
    box = Box(dead_letter_expired=True)
    box.put(time_to_live=5.0)
    box.clock.now += 5
    assert box.mailbox.receive() is None
    box.clock.now += 1_000_000
    dead = box.dead.receive()
    assert dead is not None
    assert dead.dead_letter is not None
    assert dead.dead_letter.reason == "TTLExpiredException"


def test_a_locked_message_does_not_expire():
    box = Box(dead_letter_expired=True)
    box.put(time_to_live=5.0), box.put(time_to_live=5.0)
    kept, given_back = box.received(), box.received()
    box.clock.now += 10
    box.mailbox.complete(token(kept))
    box.mailbox.abandon(token(given_back))
    assert box.mailbox.counts().total() == 0
    assert [message.sequence_number for message in box.dead.peek(1, 10)] == [2]


def test_a_deferred_message_comes_only_by_its_number():
    box = Box()
    box.put()
    box.mailbox.defer(token(box.received()))
    assert box.mailbox.receive() is None
    (message,) = box.mailbox.receive_deferred([1])
    assert message.state is MessageState.DEFERRED
    box.mailbox.abandon(token(message))
    (again,) = box.mailbox.receive_deferred([1])
    box.mailbox.complete(token(again))
    with pytest.raises(MessageNotFoundError):
        box.mailbox.receive_deferred([1])


def test_deferred_messages_are_locked_all_or_none():
    box = Box()
    box.put()
    box.mailbox.defer(token(box.received()))
    with pytest.raises(MessageNotFoundError):
        box.mailbox.receive_deferred([1, 99])
    assert box.mailbox.receive_deferred([1], delete=True)
    assert box.mailbox.counts().total() == 0


def test_a_deferred_message_that_is_locked_is_not_given_out_again():
    box = Box()
    box.put()
    box.mailbox.defer(token(box.received()))
    box.mailbox.receive_deferred([1])
    with pytest.raises(MessageNotFoundError):
        box.mailbox.receive_deferred([1])
    box.clock.now += LOCK
    assert box.mailbox.receive_deferred([1])[0].delivery_count == 1


def test_a_deferred_message_does_not_expire():
    box = Box(dead_letter_expired=True)
    box.put(time_to_live=5.0)
    box.mailbox.defer(token(box.received()))
    box.clock.now += 1000
    assert box.mailbox.receive_deferred([1])


def test_taking_deletes():
    box = Box()
    box.put()
    assert box.mailbox.take() is not None
    assert box.mailbox.counts().total() == 0


def test_a_full_entity_refuses_and_takes_again_when_there_is_room():
    box = Box(max_bytes=100)
    box.put(size=60)
    with pytest.raises(QuotaExceededError):
        box.mailbox.check([Content(size=20), Content(size=21)])
    box.mailbox.complete(token(box.received()))
    box.mailbox.check([Content(size=100)])


def test_peeking_shows_every_state_in_order_and_locks_nothing():
    box = Box()
    box.mailbox.schedule(Content(), due=box.clock.now + 60)
    box.put(), box.put()
    box.received()
    states = [(message.sequence_number, message.state) for message in box.mailbox.peek(1, 10)]
    assert states == [(1, MessageState.SCHEDULED), (2, MessageState.ACTIVE), (3, MessageState.ACTIVE)]
    assert [message.sequence_number for message in box.mailbox.peek(2, 1)] == [2]
    assert box.received().sequence_number == 3


def test_a_scheduled_message_is_handed_over_when_due_unless_cancelled():
    box = Box()
    due = box.clock.now + 60
    box.mailbox.schedule(Content(message_id="kept"), due)
    cancelled = box.mailbox.schedule(Content(message_id="cancelled"), due)
    box.mailbox.cancel_scheduled(cancelled)
    box.clock.now = due - 0.001
    assert box.mailbox.counts()[MessageState.SCHEDULED] == 1
    assert not box.due
    box.clock.now = due
    assert box.mailbox.counts().total() == 0
    assert [content.message_id for content in box.due] == ["kept"]
    with pytest.raises(MessageNotFoundError):
        box.mailbox.cancel_scheduled(cancelled)


def test_receivers_hear_of_new_returned_and_buried_messages():
    box = Box()
    box.put()
    assert box.woken == [box.mailbox]
    box.mailbox.abandon(token(box.received()))
    assert box.woken == [box.mailbox] * 2
    box.mailbox.dead_letter(token(box.received()), DeadLetterNote(None, None))
    assert box.woken[-1] is box.dead


def test_an_unknown_token_settles_nothing():
    with pytest.raises(MessageLockLostError):
        Box().mailbox.complete(uuid4())
