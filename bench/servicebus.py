"""How fast the Service Bus emulator is through the real SDK: `python -m bench.servicebus`.

The emulator runs in a process of its own; one client process sends, each send awaited, over several connections, then
receives and completes, each completion awaited. Both share the machine, and the SDK takes the larger part of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_BODY = json.dumps({"id": 820982911946154508, "lines": ["x" * 40] * 20})
_BATCH = 50


@dataclass(frozen=True)
class Figures:
    messages: int
    connections: int
    body_bytes: int
    sends_per_second: float
    receives_and_completes_per_second: float


async def measure(connection_string: str, queues: Sequence[str], *, messages: int) -> Figures:
    """Figures of one run, a connection for each of the empty queues. Opening and closing links is not in them."""
    share = messages // len(queues)
    clients = [ServiceBusClient.from_connection_string(connection_string) for _ in queues]
    senders = [client.get_queue_sender(queue) for client, queue in zip(clients, queues, strict=True)]
    receivers = [
        client.get_queue_receiver(queue, prefetch_count=_BATCH) for client, queue in zip(clients, queues, strict=True)
    ]
    try:
        sending = await _timed(senders, lambda sender: _send(sender, share))
        receiving = await _timed(receivers, lambda receiver: _receive(receiver, share))
    finally:
        await asyncio.gather(*(client.close() for client in clients))
    total = share * len(queues)
    return Figures(total, len(queues), len(_BODY), round(total / sending), round(total / receiving))


async def _timed[Link: ServiceBusSender | ServiceBusReceiver](
    links: Sequence[Link], work: Callable[[Link], Awaitable[None]]
) -> float:
    await asyncio.gather(*(link.__aenter__() for link in links))
    started = time.perf_counter()
    await asyncio.gather(*(work(link) for link in links))
    seconds = time.perf_counter() - started
    await asyncio.gather(*(link.close() for link in links))
    return seconds


async def _send(sender: ServiceBusSender, count: int) -> None:
    for _ in range(count):
        await sender.send_messages(ServiceBusMessage(_BODY, application_properties={"flow": "orders"}))


async def _receive(receiver: ServiceBusReceiver, count: int) -> None:
    done = 0
    while done < count:
        batch = await receiver.receive_messages(max_message_count=min(_BATCH, count - done), max_wait_time=10)
        if not batch:
            raise RuntimeError(f"{count - done} messages are missing")
        for message in batch:
            await receiver.complete_message(message)
        done += len(batch)


async def run(*, messages: int = 4000, connections: int = 4) -> Figures:
    """Starts an emulator, measures, stops it."""
    with tempfile.TemporaryDirectory() as folder:
        topology = Path(folder) / "topology.json"
        queues = [f"bench-{number}" for number in range(connections)]
        topology.write_text(json.dumps({"queues": [{"name": queue} for queue in queues]}))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.servicebus", "--port", "0", "--topology", str(topology)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            endpoint = (await process.stdout.readline()).decode().split()[1].removeprefix("amqp://")
            secrets = "SharedAccessKeyName=bench;SharedAccessKey=bench;UseDevelopmentEmulator=true;"
            return await measure(f"Endpoint=sb://{endpoint};{secrets}", queues, messages=messages)
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run())), indent=2))
