"""What an entity keeps: numbered messages, some of them scheduled for later. No I/O; time is injected."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from local.servicebus.agenda import Agenda
from local.servicebus.errors import MessageNotFoundError, QuotaExceededError
from local.servicebus.message import Content, Message, MessageState

type Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Time:
    """One for the whole namespace, so that things happen in the order in which they become due."""

    now: Clock
    agenda: Agenda

    def catch_up(self) -> None:
        """Lets happen what has become due. Comes before every operation: no expired lock settles a moment too late."""
        self.agenda.run_due(self.now())


class Store:
    """`on_due` gets each scheduled content when its time has come; it is gone from the store by then."""

    def __init__(self, path: str, time: Time, *, max_bytes: int | None, on_due: Callable[[Content], None]) -> None:
        self.path = path
        self._time = time
        self._max_bytes = max_bytes
        self._on_due = on_due
        self._messages: dict[int, Message] = {}
        self._sequence = count(1)
        self.size = 0

    def check_room(self, size: int) -> None:
        """Raises QuotaExceededError if `size` more bytes are too many."""
        if self._max_bytes is not None and self.size + size > self._max_bytes:
            raise QuotaExceededError(f"The maximum entity size has been reached or exceeded for '{self.path}'.")

    def number(self, content: Content, enqueued_sequence_number: int | None = None) -> Message:
        """The content as the next message of this store, not yet in it."""
        number = next(self._sequence)
        return Message(
            content=content,
            sequence_number=number,
            enqueued_sequence_number=enqueued_sequence_number or number,
            enqueued_at=self._time.now(),
        )

    def schedule(self, content: Content, due: float) -> int:
        """Keeps the content until `due`. The number returned is good for cancelling and peeking until then: like
        Azure, the store gives a new one when the message becomes active.
        """
        message = self.number(content)
        message.state = MessageState.SCHEDULED
        self._keep(message)
        self._time.agenda.put(self._key("due", message), due, lambda: self._become_due(message))
        return message.sequence_number

    def cancel_scheduled(self, sequence_number: int) -> None:
        self._time.catch_up()
        message = self._messages.get(sequence_number)
        if message is None or message.state is not MessageState.SCHEDULED:
            raise MessageNotFoundError(f"There is no scheduled message with sequence number {sequence_number}.")
        self._time.agenda.cancel(self._key("due", message))
        self._drop(message)

    def peek(self, from_sequence_number: int, limit: int, session_id: str | None = None) -> list[Message]:
        """What is there, whatever its state, in the order of sequence numbers. Locks nothing."""
        self._time.catch_up()
        numbers = sorted(number for number in self._messages if number >= from_sequence_number)
        found = (self._messages[number] for number in numbers)
        wanted = (m for m in found if session_id is None or m.content.session_id == session_id)
        return [message for message, _ in zip(wanted, range(limit), strict=False)]

    def counts(self) -> Counter[MessageState]:
        """How many messages are in each state; locked ones count as what they are."""
        self._time.catch_up()
        return Counter(message.state for message in self._messages.values())

    def _key(self, purpose: str, message: Message) -> tuple[str, str, int]:
        return (purpose, self.path, message.sequence_number)

    def _keep(self, message: Message) -> None:
        self._messages[message.sequence_number] = message
        self.size += message.content.size

    def _drop(self, message: Message) -> None:
        del self._messages[message.sequence_number]
        self.size -= message.content.size

    def _become_due(self, message: Message) -> None:
        self._drop(message)
        self._on_due(message.content)
