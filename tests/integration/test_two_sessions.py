"""An order whose messages are in two sessions, as after a release that has another number of sessions."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from whole_world import World, encode

from shared.bus.envelope import Envelope

FORMER_BUCKETS = 8
BASKET = {
    "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
    "shipping_address": {"address1": "Damrak 1", "city": "Amsterdam", "zip": "1012LG", "country_code": "NL"},
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
    "payment": "unpaid",
    "announce": [],
}


def former_session(envelope: Envelope) -> str:
    """The session in which a release with eight of them sent it."""
    key = f"{envelope.store}/{envelope.entity_id}".encode()
    return f"{envelope.flow}-{int.from_bytes(hashlib.sha256(key).digest()[:4]) % FORMER_BUCKETS}"


async def test_an_order_with_messages_in_a_former_and_in_a_new_session_is_booked_once(world: World) -> None:
    """Both sessions are worked on at once: F&O is slow, so that each worker looks before the other has written."""
    events: list[tuple[Envelope, str]] = []
    while len({event.entity_id for event, _ in events}) < 4:
        order = await world.buy("nordlys", BASKET)
        event = Envelope(
            *("orders", str(uuid4()), "shopify", "nordlys", "orders/create", str(order["id"]), datetime.now(UTC), ""),
            encode(order),
        )
        if former_session(event) != event.session_id:
            events += [(event, former_session(event)), (replace(event, event_id=str(uuid4())), event.session_id)]
    await world.fo_fault(kind="slow", ms=400, times=None)
    async with (
        ServiceBusClient.from_connection_string(world.stack.settings["ServiceBusConnection"]) as bus,
        bus.get_queue_sender("orders") as sender,
    ):
        for event, session in events:
            message = ServiceBusMessage(
                event.body,
                session_id=session,
                message_id=event.message_id,
                application_properties=dict(event.properties()),
            )
            await sender.send_messages(message)
    try:
        ends = await asyncio.gather(*(world.end_of_event(event.event_id, seconds=60) for event, _ in events))
    finally:
        await world.http.delete(f"{world.stack.d365}/_sim/faults")
    assert {end["outcome"] for end in ends} == {"done"}
    for order_id in {event.entity_id for event, _ in events}:
        assert len(await world.sales_orders(order_id)) == 1
