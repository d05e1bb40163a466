"""Messages that may be delivered now."""

import heapq

from local.servicebus.message import Message


class Lane:
    """Oldest sequence number first; a message that was returned takes its old place again."""

    def __init__(self) -> None:
        self._order: list[int] = []
        self._messages: dict[int, Message] = {}

    def __bool__(self) -> bool:
        return bool(self._messages)

    def push(self, message: Message) -> None:
        self._messages[message.sequence_number] = message
        heapq.heappush(self._order, message.sequence_number)

    def pop(self) -> Message | None:
        while self._order:
            message = self._messages.pop(heapq.heappop(self._order), None)
            if message is not None:
                return message
        return None

    def discard(self, message: Message) -> None:
        self._messages.pop(message.sequence_number, None)
