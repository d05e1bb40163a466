"""A Service Bus namespace: its entities, and the way of a message from its sender to the mailbox it ends in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from local.servicebus.agenda import Agenda
from local.servicebus.duplicates import DuplicateHistory
from local.servicebus.errors import BrokerError, EntityNotFoundError, InvalidArgumentError, NotAllowedError
from local.servicebus.filters import selects
from local.servicebus.mailbox import Mailbox, MailboxSettings
from local.servicebus.message import Content, DeadLetterNote, MessageState
from local.servicebus.store import Clock, Store, Time
from local.servicebus.topology import FOREVER, Queue, Rule, Subscription, Topic, Topology

MAX_HOPS = 4
"""Azure forwards a message at most four times."""

_MAX_ID_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a forwarded message comes from."""

    enqueued_sequence_number: int
    hops: int


@dataclass(frozen=True, slots=True)
class QueueEntity:
    mailbox: Mailbox
    forward_to: str | None
    duplicates: DuplicateHistory | None

    @property
    def store(self) -> Store:
        return self.mailbox


@dataclass(frozen=True, slots=True)
class SubscriptionEntity:
    mailbox: Mailbox
    forward_to: str | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class TopicEntity:
    """`store` numbers what is sent and keeps what is scheduled; other messages do not stay in a topic."""

    store: Store
    time_to_live: float | None
    subscriptions: dict[str, SubscriptionEntity]
    duplicates: DuplicateHistory | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is in an entity. `active` includes `locked`."""

    active: int
    locked: int
    deferred: int
    scheduled: int
    dead_letter: int


class Namespace:
    """`on_available` is called with each mailbox that may have something to deliver. Names ignore case, as in Azure."""

    def __init__(self, topology: Topology, *, clock: Clock, on_available: Callable[[Mailbox], None]) -> None:
        self.agenda = Agenda()
        self._time = Time(clock, self.agenda)
        self._on_available = on_available
        self._entities: dict[str, QueueEntity | TopicEntity] = {}
        for queue in topology.queues:
            self._entities[queue.name.lower()] = self._queue(queue)
        for topic in topology.topics:
            own = [sub for sub in topology.subscriptions if sub.topic.lower() == topic.name.lower()]
            self._entities[topic.name.lower()] = self._topic(topic, own)

    # For senders

    def sendable(self, name: str) -> QueueEntity | TopicEntity:
        """A queue or topic. Raises EntityNotFoundError."""
        entity = self._entities.get(name.lower())
        if entity is None:
            raise EntityNotFoundError(f"The messaging entity '{name}' could not be found.")
        return entity

    def send(self, name: str, contents: Sequence[Content]) -> list[int]:
        """Accepts all of the contents or, when it raises BrokerError, none.

        Returns a sequence number for each: of the scheduled message where it is scheduled, else of the message.
        """
        self._time.catch_up()
        entity = self.sendable(name)
        for content in contents:
            _check_ids(content)
        if isinstance(entity, QueueEntity):
            entity.mailbox.check(contents)
        else:
            kept = [subscription.mailbox.size for subscription in entity.subscriptions.values()]
            entity.store.check_room(sum(kept) + sum(content.size for content in contents))
        return [self._accept(entity, content, None) for content in contents]

    def cancel_scheduled(self, name: str, sequence_numbers: Sequence[int]) -> None:
        store = self.sendable(name).store
        for sequence_number in sequence_numbers:
            store.cancel_scheduled(sequence_number)

    # For receivers

    def mailbox(self, name: str, subscription: str | None = None, *, dead_letters: bool = False) -> Mailbox:
        """Raises EntityNotFoundError."""
        mailbox = self._holder(name, subscription).mailbox
        return mailbox.dead_letters if dead_letters and mailbox.dead_letters else mailbox

    def receivable(self, name: str, subscription: str | None = None, *, dead_letters: bool = False) -> Mailbox:
        """A mailbox to open a receiver on. Raises EntityNotFoundError, and NotAllowedError where it forwards."""
        if self._holder(name, subscription).forward_to is not None and not dead_letters:
            raise NotAllowedError("Can not create a message receiver on an entity with auto-forwarding enabled.")
        return self.mailbox(name, subscription, dead_letters=dead_letters)

    # For operators

    def depths(self) -> dict[str, Depth]:
        """By path: `queue`, `topic`, `topic/Subscriptions/name`."""
        found: dict[str, Depth] = {}
        for entity in self._entities.values():
            found[entity.store.path] = _depth(entity.store)
            if isinstance(entity, TopicEntity):
                found |= {sub.mailbox.path: _depth(sub.mailbox) for sub in entity.subscriptions.values()}
        return found

    def catch_up(self) -> None:
        """Lets happen what has become due."""
        self._time.catch_up()

    # Construction

    def _queue(self, spec: Queue) -> QueueEntity:
        def on_due(content: Content) -> None:
            self._arrive(entity, content, None)

        mailbox = self._mailbox(spec.name, spec, spec.max_bytes, on_due)
        entity = QueueEntity(mailbox, spec.forward_to, _history(spec.duplicate_window))
        return entity

    def _topic(self, spec: Topic, subscriptions: Sequence[Subscription]) -> TopicEntity:
        def on_due(content: Content) -> None:
            self._fan_out(entity, content, None)

        entity = TopicEntity(
            store=Store(spec.name, self._time, max_bytes=spec.max_bytes, on_due=on_due),
            time_to_live=_seconds(spec.default_message_time_to_live),
            subscriptions={
                sub.name.lower(): SubscriptionEntity(
                    self._mailbox(f"{spec.name}/Subscriptions/{sub.name}", sub, None, _never_scheduled),
                    sub.forward_to,
                    sub.effective_rules,
                )
                for sub in subscriptions
            },
            duplicates=_history(spec.duplicate_window),
        )
        return entity

    def _mailbox(
        self, path: str, spec: Queue | Subscription, max_bytes: int | None, on_due: Callable[[Content], None]
    ) -> Mailbox:
        lock_duration = spec.lock_duration.total_seconds()
        settings = MailboxSettings(
            requires_session=spec.requires_session,
            lock_duration=lock_duration,
            max_delivery_count=spec.max_delivery_count,
            time_to_live=_seconds(spec.default_message_time_to_live),
            dead_letter_expired=spec.dead_lettering_on_message_expiration,
            max_bytes=max_bytes,
        )
        dead_letters = Mailbox(
            f"{path}/$DeadLetterQueue",
            MailboxSettings(requires_session=False, lock_duration=lock_duration, messages_expire=False),
            self._time,
            on_available=self._on_available,
            on_due=_never_scheduled,
        )
        return Mailbox(
            path, settings, self._time, on_available=self._on_available, on_due=on_due, dead_letters=dead_letters
        )

    # The way of a message

    def _holder(self, name: str, subscription: str | None) -> QueueEntity | SubscriptionEntity:
        entity = self._entities.get(name.lower())
        if isinstance(entity, QueueEntity) and subscription is None:
            return entity
        if (
            isinstance(entity, TopicEntity)
            and subscription is not None
            and subscription.lower() in entity.subscriptions
        ):
            return entity.subscriptions[subscription.lower()]
        path = name if subscription is None else f"{name}/Subscriptions/{subscription}"
        raise EntityNotFoundError(f"The messaging entity '{path}' could not be found.")

    def _accept(self, entity: QueueEntity | TopicEntity, content: Content, origin: Origin | None) -> int:
        if (
            entity.duplicates
            and content.message_id
            and entity.duplicates.is_repeat(content.message_id, self._time.now())
        ):
            # Azure confirms a duplicate and drops it. The number belongs to no message.
            return entity.store.number(content).sequence_number
        if content.scheduled_for is not None and content.scheduled_for > self._time.now():
            return entity.store.schedule(content, content.scheduled_for)
        if isinstance(entity, QueueEntity):
            return self._arrive(entity, content, origin)
        return self._fan_out(entity, content, origin)

    def _fan_out(self, topic: TopicEntity, content: Content, origin: Origin | None) -> int:
        number = topic.store.number(content).sequence_number
        first = origin or Origin(number, hops=0)
        content = _capped(content, topic.time_to_live)
        for subscription in topic.subscriptions.values():
            if selects(subscription.rules, content):
                self._arrive(subscription, content, first)
        return number

    def _arrive(self, entity: QueueEntity | SubscriptionEntity, content: Content, origin: Origin | None) -> int:
        message = entity.mailbox.number(content, origin.enqueued_sequence_number if origin else None)
        if entity.forward_to is None:
            entity.mailbox.add(message)
            return message.sequence_number
        hops = origin.hops if origin else 0
        onward = Origin(message.enqueued_sequence_number, hops + 1)
        note = self._forward(entity.forward_to, content, onward)
        if note is not None:
            entity.mailbox.bury(message, note)
        return message.sequence_number

    def _forward(self, target: str, content: Content, origin: Origin) -> DeadLetterNote | None:
        """Returns why the message cannot go on, None if it went."""
        if origin.hops > MAX_HOPS:
            text = f"The maximum number of allowed hops ({MAX_HOPS}) when forwarding between entities was exceeded."
            return DeadLetterNote("MaxTransferHopCountExceeded", text)
        try:
            entity = self.sendable(target)
            if isinstance(entity, QueueEntity):
                entity.mailbox.check([content])
        except NotAllowedError:
            text = "Session enabled entity doesn't allow a message whose session identifier is null."
            return DeadLetterNote("Session ID is null", text)
        except BrokerError as refusal:
            return DeadLetterNote(refusal.condition, str(refusal))
        self._accept(entity, content, origin)
        return None


def _check_ids(content: Content) -> None:
    for name, value in (("MessageId", content.message_id), ("SessionId", content.session_id)):
        if value is not None and len(value) > _MAX_ID_LENGTH:
            raise InvalidArgumentError(f"The {name} is longer than {_MAX_ID_LENGTH} characters.")


def _capped(content: Content, time_to_live: float | None) -> Content:
    """The message with the sender's time to live, limited to that of the topic or queue."""
    if time_to_live is None or (content.time_to_live is not None and content.time_to_live <= time_to_live):
        return content
    return replace(content, time_to_live=time_to_live)


def _depth(store: Store) -> Depth:
    counts = store.counts()
    dead_letters = store.dead_letters if isinstance(store, Mailbox) else None
    return Depth(
        active=counts[MessageState.ACTIVE],
        locked=store.locked_count if isinstance(store, Mailbox) else 0,
        deferred=counts[MessageState.DEFERRED],
        scheduled=counts[MessageState.SCHEDULED],
        dead_letter=dead_letters.counts().total() if dead_letters else 0,
    )


def _history(window: float | None) -> DuplicateHistory | None:
    return None if window is None else DuplicateHistory(window)


def _seconds(lifetime: timedelta) -> float | None:
    return None if lifetime == FOREVER else lifetime.total_seconds()


def _never_scheduled(content: Content) -> None:
    raise AssertionError(f"{content.message_id}: nothing is ever scheduled in a subscription or a dead-letter queue")
