"""A Service Bus that accepts a connection and never answers: callers get an error, no socket stays open."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from azure.servicebus.aio import ServiceBusClient

from shared.bus.envelope import Envelope
from shared.bus.publisher import TOPIC, Publisher
from shared.errors import OutcomeUnknownError

ENVELOPE = Envelope("orders", "event-1", "shopify", "nordlys", "orders/create", "42", datetime.now(UTC), "", b"{}")


class Silence:
    """A server that only listens; counts what was opened and what is closed again."""

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.news = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        while await reader.read(1000):
            pass
        writer.close()
        self.closed += 1
        self.news.set()


@asynccontextmanager
async def silence() -> AsyncIterator[tuple[Silence, ServiceBusClient]]:
    silent = Silence()
    server = await asyncio.start_server(silent.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true;"
    async with server, ServiceBusClient.from_connection_string(connection) as client:
        yield silent, client


# The SDK does not close the socket of an opening that is cancelled; Python does, with this warning.
@pytest.mark.wire
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored.*StreamWriter:pytest.PytestUnraisableExceptionWarning")
async def test_a_connection_whose_opening_was_given_up_is_closed_while_the_app_goes_on():
    async with silence() as (silent, client):
        publisher = Publisher(partial(client.get_topic_sender, TOPIC), deadline=0.2)
        for _ in range(2):
            with pytest.raises(OutcomeUnknownError):
                await publisher.publish(ENVELOPE)
        assert silent.opened == 1  # a slow opening goes on: the next caller does not begin anew
        await publisher.close()
        async with asyncio.timeout(5):
            while silent.closed < silent.opened:
                silent.news.clear()
                gc.collect()
                await silent.news.wait()
