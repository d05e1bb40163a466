"""How the local Functions host takes messages from a queue, with a receiver that keeps a diary."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus.exceptions import (
    MessageLockLostError,
    OperationTimeoutError,
    ServiceBusConnectionError,
    SessionLockLostError,
)

from local.functions.listener import Listener


@dataclass
class Message:
    message_id: str
    locked_until_utc: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))


@dataclass
class Session:
    queue: "Queue"
    locked_until_utc: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.locked_until_utc = datetime.now(UTC) + self.queue.session_lock

    async def renew_lock(self) -> None:
        self.locked_until_utc = datetime.now(UTC) + self.queue.session_lock
        self.queue.write("renewed the session")


class Queue:
    """Hands out receivers. Each yields what its script says, then waits for ever, as an empty queue does."""

    def __init__(self, *scripts: list[Message | Exception | None], sessions: bool = False) -> None:
        self.scripts: Iterator[list[Message | Exception | None]] = iter(scripts)
        self.sessions = sessions
        self.session_lock = timedelta(hours=1)
        self.diary: list[str] = []
        self.opened = 0
        self.settle_error: Exception | None = None
        self.written = asyncio.Event()

    def open(self) -> "Receiver":
        self.opened += 1
        script = next(self.scripts, [])
        return Receiver(self, iter(script), Session(self) if self.sessions else None)

    def write(self, line: str) -> None:
        self.diary.append(line)
        self.written.set()

    async def until(self, line: str) -> None:
        async with asyncio.timeout(5):
            while line not in self.diary:
                self.written.clear()
                await self.written.wait()


@dataclass
class Receiver:
    queue: Queue
    script: Iterator[Message | Exception | None]
    session: Session | None

    async def receive_messages(self, *, max_message_count: int, max_wait_time: float) -> list[Message]:
        assert max_message_count == 1
        step = next(self.script, StopIteration())
        if isinstance(step, StopIteration):
            self.queue.write("waits")
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        if step is None:
            self.queue.write(f"idle after {max_wait_time:g} s")
            return []
        return [step]

    async def renew_message_lock(self, message: Message) -> None:
        message.locked_until_utc = datetime.now(UTC) + timedelta(hours=1)
        self.queue.write(f"renewed {message.message_id}")

    async def complete_message(self, message: Message) -> None:
        if self.queue.settle_error:
            error, self.queue.settle_error = self.queue.settle_error, None
            raise error
        self.queue.write(f"completed {message.message_id}")

    async def abandon_message(self, message: Message) -> None:
        self.queue.write(f"abandoned {message.message_id}")

    async def close(self) -> None:
        self.queue.write("closed")


async def succeed(_message: Message) -> bool:
    return True


def listen(
    queue: Queue,
    process: Callable[[Message], Awaitable[bool]] = succeed,
    *,
    slots: int = 1,
    lock_renewal: float = 300,
) -> Listener:
    listener = Listener(
        source="orders",
        open_receiver=queue.open,
        process=process,
        slots=slots,
        session_idle_timeout=30 if queue.sessions else None,
        lock_renewal=lock_renewal,
    )
    listener.start()
    return listener


async def test_message_is_completed_when_its_function_succeeds() -> None:
    queue = Queue([Message("m1"), Message("m2")])
    listener = listen(queue)
    await queue.until("waits")
    await listener.stop(1)
    assert queue.diary == ["completed m1", "completed m2", "waits", "closed"]


async def test_message_is_abandoned_when_its_function_fails() -> None:
    async def fail(_message: Message) -> bool:
        return False

    queue = Queue([Message("m1")])
    listener = listen(queue, fail)
    await queue.until("waits")
    await listener.stop(1)
    assert queue.diary == ["abandoned m1", "waits", "closed"]


async def test_as_many_messages_run_at_once_as_there_are_slots_and_no_more() -> None:
    running = 0
    most = 0
    everybody = asyncio.Barrier(2)

    async def meet(_message: Message) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await everybody.wait()
        running -= 1
        return True

    queue = Queue([Message("m1"), Message("m2")], [Message("m3"), Message("m4")])
    listener = listen(queue, meet, slots=2)
    await queue.until("completed m2")
    await queue.until("completed m4")
    await listener.stop(1)
    assert most == 2


async def test_messages_of_a_session_run_one_after_the_other() -> None:
    queue = Queue([Message("m1"), Message("m2"), None], sessions=True)

    async def process(message: Message) -> bool:
        queue.write(f"starts {message.message_id}")
        await asyncio.sleep(0)
        return True

    listener = listen(queue, process)
    await queue.until("waits")
    await listener.stop(1)
    assert queue.diary[:4] == ["starts m1", "completed m1", "starts m2", "completed m2"]


async def test_idle_session_is_released_and_the_next_one_taken() -> None:
    queue = Queue([Message("m1"), None], [Message("m2"), None], sessions=True)
    listener = listen(queue)
    await queue.until("waits")
    await listener.stop(1)
    work = [line for line in queue.diary if line != "closed"]
    assert work == ["completed m1", "idle after 30 s", "completed m2", "idle after 30 s", "waits"]
    assert queue.diary.count("closed") == queue.opened == 3


async def test_lock_is_renewed_while_the_function_runs() -> None:
    queue = Queue([Message("m1", datetime.now(UTC) + timedelta(seconds=0.02))])

    async def outlast_the_lock(_message: Message) -> bool:
        await queue.until("renewed m1")
        return True

    listener = listen(queue, outlast_the_lock)
    await queue.until("waits")
    await listener.stop(1)
    assert queue.diary[:2] == ["renewed m1", "completed m1"]


async def test_queue_without_a_free_session_is_asked_again_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Queue([OperationTimeoutError()], [Message("m1")], sessions=True)
    listener = listen(queue)
    await queue.until("completed m1")
    await listener.stop(1)
    assert not caplog.records


async def test_lost_broker_is_logged_once_and_reconnected(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "host.servicebus")
    queue = Queue([ServiceBusConnectionError()], [ServiceBusConnectionError()], [Message("m1")])
    listener = listen(queue)
    await queue.until("completed m1")
    await listener.stop(1)
    down, up = [record.getMessage() for record in caplog.records]
    assert "orders: no connection to Service Bus" in down
    assert up == "orders: connected to Service Bus again"


async def test_empty_queue_is_soon_known_to_be_there_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "host.servicebus")
    queue = Queue([ServiceBusConnectionError()], [None])
    listener = listen(queue)
    await queue.until("waits")
    await listener.stop(1)
    assert "idle after 3 s" in queue.diary
    assert caplog.records[-1].getMessage() == "orders: connected to Service Bus again"


async def test_queue_without_sessions_that_does_not_answer_is_trouble(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Queue([OperationTimeoutError()], [Message("m1")])
    listener = listen(queue)
    await queue.until("completed m1")
    await listener.stop(1)
    assert "orders: no connection to Service Bus" in caplog.text


async def test_lost_message_lock_leaves_the_message_to_the_next_delivery(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Queue([Message("m1"), Message("m2")])
    queue.settle_error = MessageLockLostError()
    listener = listen(queue)
    await queue.until("completed m2")
    await listener.stop(1)
    assert "m1 will be delivered again" in caplog.text
    assert queue.opened == 1


async def test_session_lock_is_renewed_for_a_time_that_counts_from_accepting_the_session() -> None:
    queue = Queue([Message("m1"), Message("m2")], sessions=True)
    queue.session_lock = timedelta(seconds=0.04)

    async def work(_message: Message) -> bool:
        await asyncio.sleep(0.2)
        return True

    listener = listen(queue, work, lock_renewal=0.1)
    await queue.until("completed m2")
    await listener.stop(1)
    assert "renewed the session" in queue.diary[: queue.diary.index("completed m1")]
    assert "renewed the session" not in queue.diary[queue.diary.index("completed m1") :]


async def test_idle_session_is_renewed_too() -> None:
    queue = Queue([Message("m1")], sessions=True)
    queue.session_lock = timedelta(seconds=0.04)
    listener = listen(queue)
    await queue.until("waits")
    queue.diary.clear()
    await queue.until("renewed the session")
    await listener.stop(1)


async def test_lost_session_is_taken_again(caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue([Message("m1")], [Message("m1")], sessions=True)
    queue.settle_error = SessionLockLostError()
    listener = listen(queue)
    await queue.until("completed m1")
    await listener.stop(1)
    assert "a session was lost" in caplog.text
    assert queue.opened == 2


async def test_stopping_lets_a_running_message_be_settled() -> None:
    queue = Queue([Message("m1"), Message("m2")])
    started, finish = asyncio.Event(), asyncio.Event()

    async def process(_message: Message) -> bool:
        started.set()
        await finish.wait()
        return True

    listener = listen(queue, process)
    await started.wait()
    stopping = asyncio.create_task(listener.stop(5))
    await asyncio.sleep(0)
    finish.set()
    await stopping
    assert queue.diary == ["completed m1", "closed"]


async def test_stopping_gives_up_a_message_after_its_grace() -> None:
    queue = Queue([Message("m1")])
    started = asyncio.Event()

    async def hang(_message: Message) -> bool:
        started.set()
        await asyncio.Event().wait()
        return True

    listener = listen(queue, hang)
    await started.wait()
    await listener.stop(0.01)
    assert queue.diary == ["closed"]
