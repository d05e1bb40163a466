"""A call that F&O or Shopify denies concerns every message: they wait for the administrator before any is parked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders.memory_table import MemoryTable
from test_dispatch import ENVELOPE, Journal, Parking, Queue

from shared.bus.envelope import Envelope
from shared.errors import DENIED_WAIT, DeniedError, ErrorCode, RefusedError, TransientError
from shared.model import Part
from shared.store.links import OrderLink, OrderLinks
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import MessageOutcome, RetryPolicy
from shared.sync.orders.safety import remember_parked

POLICY = RetryPolicy(max_attempts=3, max_age=timedelta(hours=1))
LATE = replace(ENVELOPE, attempt=3, occurred_at=datetime.now(UTC) - timedelta(hours=2))
DENIALS = [
    DeniedError(ErrorCode.FO_DENIED, status=401, infolog="no"),
    DeniedError(ErrorCode.SHOPIFY_DENIED, message="HTTP 401"),
]


class Noted:
    """What the handling of one message did."""

    def __init__(self) -> None:
        self.links = OrderLinks(MemoryTable())
        self.ports = QueuePorts(
            queue=Queue(),
            claims=None,
            journal=Journal(),
            parking=Parking(),
            policy=POLICY,
            remember=lambda envelope: remember_parked(envelope, self.links),
        )

    async def handle(self, error: Exception, envelope: Envelope) -> None:
        async def flow(_: Envelope) -> MessageOutcome:
            raise error

        await handle_message(flow, envelope.body, envelope.properties(), envelope.message_id, self.ports)

    async def link(self) -> OrderLink | None:
        return await self.links.get("nordlys", 42)


@pytest.mark.parametrize("denial", DENIALS, ids=lambda denial: denial.code)
async def test_a_denied_call_waits_and_names_its_code(denial: DeniedError) -> None:
    noted = Noted()
    await noted.handle(denial, ENVELOPE)
    ((copy, when),) = noted.ports.queue.sent
    assert copy.attempt == 2
    assert when - datetime.now(UTC) + timedelta(seconds=5) >= DENIED_WAIT
    (entry,) = noted.ports.journal.entries
    assert (entry.outcome, entry.note.partition(":")[0]) == ("waiting", denial.code)
    assert noted.ports.parking.messages == []


@pytest.mark.parametrize("denial", DENIALS, ids=lambda denial: denial.code)
async def test_a_call_that_stays_denied_is_parked_under_its_own_code(denial: DeniedError) -> None:
    noted = Noted()
    await noted.handle(denial, LATE)
    (message,) = noted.ports.parking.messages
    assert (message.error.code, message.error.next_step) == (denial.code, denial.refusal.next_step)


@pytest.mark.parametrize(
    ("error", "envelope"),
    [
        (DENIALS[0], LATE),
        (TransientError("F&O restarts"), LATE),
        (RefusedError(ErrorCode.ORDER_NOT_NAMED, topic="orders/create"), ENVELOPE),
    ],
    ids=["denied", "exhausted", "refused"],
)
async def test_an_event_parked_as_a_whole_is_known_to_its_orders_link(error: Exception, envelope: Envelope) -> None:
    """So that the next event of the order that is done closes it."""
    noted = Noted()
    await noted.handle(error, envelope)
    link = await noted.link()
    assert link is not None
    assert link.parked_parts == {Part.READING}


async def test_the_rest_of_the_link_stays() -> None:
    noted = Noted()
    known = OrderLink("nordlys", 42, datetime.now(UTC), sales_order="SN42", parked_parts=frozenset({Part.PAYMENTS}))
    await noted.links.put(known)
    await noted.handle(DENIALS[0], LATE)
    link = await noted.link()
    assert link is not None
    assert (link.sales_order, link.parked_parts) == ("SN42", {Part.PAYMENTS, Part.READING})


async def test_a_waiting_event_marks_nothing() -> None:
    noted = Noted()
    await noted.handle(DENIALS[0], ENVELOPE)
    assert await noted.link() is None


async def test_an_event_that_names_no_order_marks_nothing() -> None:
    noted = Noted()
    await noted.handle(DENIALS[0], replace(LATE, entity_id=""))
    assert len(noted.ports.parking.messages) == 1
    assert await noted.link() is None
