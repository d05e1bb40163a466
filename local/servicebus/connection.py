"""One AMQP connection: bytes from asyncio in and out of Proton's protocol engine, its events to our link ends."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, cast, override

from proton import Collector, Condition, Connection, Delivery, Event, EventType, Link, Session, Terminus, Transport

from local.servicebus.delivery_ids import DeliveryIds
from local.servicebus.errors import BrokerError

_LOG = logging.getLogger(__name__)

IDLE_TIMEOUT = 240.0
"""Seconds without a frame after which Azure gives a connection up; the client sends empty frames at half of it."""

_CONTAINER = "local-servicebus"
_MAX_FRAME_BYTES = 64 * 1024


class LinkEnd(Protocol):
    """Our end of a link."""

    def on_delivery(self, delivery: Delivery) -> None:
        """A transfer arrived, or the state of one we sent changed."""

    def on_flow(self) -> None:
        """The client changed its credit, or asked to drain it."""

    def on_gone(self) -> None:
        """The link is closed, or its connection is lost. Comes once."""


class Hub(Protocol):
    """What connections need from the server."""

    def attach(self, connection: "AmqpConnection", link: Link) -> LinkEnd:
        """Our end for a link that the client opens. Raises BrokerError to refuse it."""

    def flush_soon(self, connection: "AmqpConnection") -> None:
        """Has `flush` called in the next turn of the event loop."""

    def connected(self, connection: "AmqpConnection") -> None: ...

    def disconnected(self, connection: "AmqpConnection") -> None: ...


class AmqpConnection(asyncio.Protocol):
    def __init__(self, hub: Hub, *, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._hub = hub
        self._ends: dict[Link, LinkEnd] = {}
        self._socket: asyncio.Transport | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._collector = Collector()
        self._connection = Connection()
        self._connection.collect(self._collector)
        self._engine = Transport(Transport.SERVER)
        self._engine.idle_timeout = idle_timeout
        self._engine.max_frame_size = _MAX_FRAME_BYTES
        # The emulator takes any credentials: SASL is ANONYMOUS, and tokens put to $cbs are not looked at.
        self._engine.sasl().allowed_mechs("ANONYMOUS")
        self._engine.bind(self._connection)
        self._delivery_ids = DeliveryIds()
        self._handlers: dict[EventType, Callable[[Any], None]] = {
            Event.CONNECTION_REMOTE_OPEN: self._on_open,
            Event.CONNECTION_REMOTE_CLOSE: self._on_close,
            Event.SESSION_REMOTE_OPEN: self._on_session_open,
            Event.SESSION_REMOTE_CLOSE: self._on_session_close,
            Event.LINK_REMOTE_OPEN: self._on_link_open,
            Event.LINK_REMOTE_CLOSE: self._on_link_close,
            Event.LINK_REMOTE_DETACH: self._on_link_detach,
            Event.LINK_FLOW: self._on_link_flow,
            Event.DELIVERY: self._on_delivery,
            Event.TRANSPORT_ERROR: self._on_transport_error,
        }
        self.responses: dict[tuple[Session, str], LinkEnd] = {}
        """Where answers to requests go: the link a client session opened from `$cbs` or `.../$management`."""

    # asyncio

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast("asyncio.Transport", transport)
        self._hub.connected(self)

    @override
    def data_received(self, data: bytes) -> None:
        rest = self._delivery_ids.from_client(data)
        while rest and (room := self._engine.capacity()) > 0:
            self._engine.push(rest[:room])
            rest = rest[room:]
            self._process()
        self._hub.flush_soon(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._socket = None
        for link in list(self._ends):
            self._forget(link)
        self._hub.disconnected(self)

    # For link ends and the server

    @property
    def is_lost(self) -> bool:
        """Links that are still open then were cut without a word, as by a client that died."""
        return self._socket is None

    def flush(self) -> None:
        """Writes what the engine has to say."""
        if self._socket is None:
            return
        self._process()
        self._tick()
        while (pending := self._engine.pending()) > 0:
            self._socket.write(self._delivery_ids.to_client(self._engine.peek(pending) or b""))
            self._engine.pop(pending)
        if pending < 0:
            self._socket.close()

    def changed(self) -> None:
        """Call this after a change of a link outside of an event of this connection."""
        self._hub.flush_soon(self)

    def close_link(self, link: Link, error: BrokerError | None = None) -> None:
        """Detaches the link from our side, and tells its `LinkEnd`."""
        if error is not None:
            link.condition = Condition(error.condition, str(error))
        link.close()
        self._forget(link)
        self.changed()

    def refuse_link(self, link: Link, error: BrokerError) -> None:
        """AMQP refuses by an attach without source or target, followed by a detach with the reason."""
        _LOG.info("refused link %s: %s: %s", link.name, error.condition, error)
        link.source.type = Terminus.UNSPECIFIED
        link.target.type = Terminus.UNSPECIFIED
        link.open()
        self.close_link(link, error)

    def links(self) -> list[tuple[Link, LinkEnd]]:
        return list(self._ends.items())

    def abort(self) -> None:
        """Cuts the connection without a word, as a failing network does."""
        if self._socket is not None:
            self._socket.abort()

    # Proton

    def _process(self) -> None:
        while (event := self._collector.peek()) is not None:
            handler = self._handlers.get(event.type)
            if handler is not None:
                handler(event.context)
            self._collector.pop()

    def _on_open(self, _connection: Connection) -> None:
        self._connection.container = _CONTAINER
        self._connection.open()

    def _on_close(self, _connection: Connection) -> None:
        for link in list(self._ends):
            self._forget(link)
        self._connection.close()

    def _on_session_open(self, session: Session) -> None:
        session.open()

    def _on_session_close(self, session: Session) -> None:
        for link in [link for link in self._ends if link.session == session]:
            self._forget(link)
        session.close()
        session.free()

    def _on_link_open(self, link: Link) -> None:
        try:
            self._ends[link] = self._hub.attach(self, link)
        except BrokerError as error:
            self.refuse_link(link, error)

    def _on_link_close(self, link: Link) -> None:
        self._forget(link)
        link.close()
        link.free()

    def _on_link_detach(self, link: Link) -> None:
        self._forget(link)
        link.detach()
        link.free()

    def _on_link_flow(self, link: Link) -> None:
        end = self._ends.get(link)
        if end is not None:
            end.on_flow()

    def _on_delivery(self, delivery: Delivery) -> None:
        end = self._ends.get(delivery.link)
        if end is not None:
            end.on_delivery(delivery)

    def _on_transport_error(self, _transport: Transport) -> None:
        _LOG.info("connection failed: %s", self._engine.condition)

    def _forget(self, link: Link) -> None:
        end = self._ends.pop(link, None)
        if end is not None:
            end.on_gone()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = self._engine.tick(loop.time())
        if deadline and self._heartbeat is None:
            self._heartbeat = loop.call_at(deadline, self._on_heartbeat)

    def _on_heartbeat(self) -> None:
        self._heartbeat = None
        self.flush()
