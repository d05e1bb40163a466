"""The emulator as a server: listens, gives each link its end, and hands out messages to the receivers that wait."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from proton import Link, Receiver, Sender

from local.servicebus import addresses
from local.servicebus.connection import IDLE_TIMEOUT, AmqpConnection, LinkEnd
from local.servicebus.errors import InvalidArgumentError, LinkForcedError, NotAllowedError
from local.servicebus.faults import SendFaults
from local.servicebus.links import SESSION_FILTER, ConsumerLink, ProducerLink, SessionRequest
from local.servicebus.mailbox import Mailbox
from local.servicebus.management import ManagementNode, RequestLink, ResponseLink, TokenNode
from local.servicebus.message import Content
from local.servicebus.namespace import Namespace
from local.servicebus.topology import Topology

_LOG = logging.getLogger(__name__)

_OPERATION_TIMEOUT = "com.microsoft:timeout"
NEXT_SESSION_WAIT = 65.0
"""Seconds that Azure waits for the next available session when the client names no time.

azure-servicebus 7.15 may give up earlier: the time of `receive_messages(max_wait_time=5)` includes opening the link."""


class ServiceBusEmulator:
    """`async with ServiceBusEmulator(topology) as bus:` serves at `bus.connection_string`.

    `clock` gives UTC seconds since 1970. Whoever moves it calls `catch_up` after that.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
        idle_timeout: float = IDLE_TIMEOUT,
    ) -> None:
        self.namespace = Namespace(topology, clock=clock, on_available=self._on_available)
        self.faults = SendFaults()
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[AmqpConnection] = set()
        self._consumers: dict[Mailbox, deque[ConsumerLink]] = {}
        self._available: dict[Mailbox, None] = {}
        self._unflushed: dict[AmqpConnection, None] = {}
        self._turn: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = None

    # Start and stop

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: AmqpConnection(self, idle_timeout=self._idle_timeout), self._host, self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for handle in (self._turn, self._alarm):
            if handle is not None:
                handle.cancel()
        if self._server is not None:
            self._server.close()
            self.drop_connections()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"amqp://{self._host}:{self._port}"

    @property
    def connection_string(self) -> str:
        """`UseDevelopmentEmulator` makes the SDK do without TLS."""
        endpoint = f"sb://{self._host}:{self._port}"
        return f"Endpoint={endpoint};SharedAccessKeyName=local;SharedAccessKey=local;UseDevelopmentEmulator=true;"

    # Trouble on demand

    def drop_connections(self) -> int:
        """Cuts every connection without a word. Returns how many there were."""
        connections = list(self._connections)
        for connection in connections:
            connection.abort()
        return len(connections)

    def detach_links(self, entity: str | None = None) -> int:
        """Detaches clients that send to or receive from the entity (None: any). Returns how many links that were."""
        forced = [
            (connection, link)
            for connection in self._connections
            for link, end in connection.links()
            if (path := _entity_path(end)) is not None and (entity is None or path.lower() == entity.lower())
        ]
        for connection, link in forced:
            connection.close_link(link, LinkForcedError("The emulator was told to detach this link."))
        return len(forced)

    def catch_up(self) -> None:
        """Carries out what is due by the clock."""
        self.namespace.catch_up()
        self._set_alarm()

    # For connections

    def connected(self, connection: AmqpConnection) -> None:
        self._connections.add(connection)

    def disconnected(self, connection: AmqpConnection) -> None:
        self._connections.discard(connection)
        self._unflushed.pop(connection, None)

    def flush_soon(self, connection: AmqpConnection) -> None:
        self._unflushed[connection] = None
        self._turn_soon()

    def attach(self, connection: AmqpConnection, link: Link) -> LinkEnd:
        if isinstance(link, Receiver):
            return self._attach_sending_client(connection, link)
        assert isinstance(link, Sender)
        return self._attach_receiving_client(connection, link)

    # For links

    def send(self, entity: str, contents: list[Content]) -> None:
        self.namespace.send(entity, contents)

    def join(self, consumer: ConsumerLink) -> None:
        self._consumers.setdefault(consumer.mailbox, deque()).append(consumer)

    def leave(self, consumer: ConsumerLink) -> None:
        self._consumers[consumer.mailbox].remove(consumer)

    # Inside

    def _attach_sending_client(self, connection: AmqpConnection, link: Receiver) -> LinkEnd:
        text = link.remote_target.address or ""
        if text == addresses.CBS:
            return RequestLink(connection, link, text, TokenNode())
        address = addresses.parse(text)
        if address.management:
            return RequestLink(connection, link, text, ManagementNode(self.namespace, address))
        if address.subscription is not None or address.dead_letters:
            raise NotAllowedError("Messages are sent to queues and topics, not to subscriptions or dead-letter queues.")
        self.namespace.sendable(address.entity)
        _LOG.info("%s: a sender", address.entity)
        return ProducerLink(self, connection, link, address.entity, self.faults)

    def _attach_receiving_client(self, connection: AmqpConnection, link: Sender) -> LinkEnd:
        text = link.remote_source.address or ""
        if text == addresses.CBS:
            return ResponseLink(connection, link, text)
        address = addresses.parse(text)
        if address.management:
            return ResponseLink(connection, link, text)
        mailbox = self.namespace.receivable(address.entity, address.subscription, dead_letters=address.dead_letters)
        request = session_request(link)
        mailbox.check_receiver(with_session=request is not None)
        if request is None:
            _LOG.info("%s: a receiver", mailbox.path)
        elif request.session_id:  # a host asks for any session again and again, as long as none has messages
            _LOG.info("%s: a receiver of session %s", mailbox.path, request.session_id)
        return ConsumerLink(self, connection, link, mailbox, request)

    def _on_available(self, mailbox: Mailbox) -> None:
        self._available[mailbox] = None
        self._turn_soon()

    def _turn_soon(self) -> None:
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        """Hands out what became available, then writes what connections have to say."""
        self._turn = None
        while self._available:
            mailbox, _ = self._available.popitem()
            self._hand_out(mailbox)
        while self._unflushed:
            connection, _ = self._unflushed.popitem()
            connection.flush()
        self._set_alarm()

    def _hand_out(self, mailbox: Mailbox) -> None:
        """One message to each receiver in turn, until none of them takes any."""
        consumers = self._consumers.get(mailbox, deque())
        refusals = 0
        while refusals < len(consumers):
            consumer = consumers[0]
            consumers.rotate(-1)
            refusals = 0 if consumer.offer() else refusals + 1

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due = self.namespace.agenda.next_due()
        if due is not None:
            wait = max(0.0, due - self._clock())
            self._alarm = asyncio.get_running_loop().call_later(wait, self.catch_up)


def session_request(link: Sender) -> SessionRequest | None:
    filters = link.remote_source.filter
    filters.rewind()
    wanted = filters.get_object() if filters.next() else None
    if not isinstance(wanted, dict) or SESSION_FILTER not in wanted:
        return None
    session_id = getattr(wanted[SESSION_FILTER], "value", wanted[SESSION_FILTER])
    if session_id is not None and not isinstance(session_id, str):
        raise InvalidArgumentError(f"The session id of the receiver is {type(session_id).__name__}, not text.")
    timeout = (link.remote_properties or {}).get(_OPERATION_TIMEOUT)
    return SessionRequest(
        session_id,
        NEXT_SESSION_WAIT if timeout is None else timeout / 1000,
    )


def _entity_path(end: LinkEnd) -> str | None:
    if isinstance(end, ProducerLink):
        return end.entity
    return end.mailbox.path if isinstance(end, ConsumerLink) else None
