from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.errors import TransientError
from shared.model import Money
from shared.store.captures import AuthorizedOrder, CaptureIntent, Captures
from tests.builders.memory_table import MemoryTable

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
INTENT = CaptureIntent(7, Money(Decimal("12.50"), "EUR"), (1, 2), NOON)


async def test_an_order_is_read_as_it_was_stored() -> None:
    captures = Captures(MemoryTable())
    stored = await captures.put(AuthorizedOrder("nordlys", 5, NOON, NOON - timedelta(hours=1), INTENT))
    assert await captures.get("nordlys", 5) == stored
    assert (await captures.put(AuthorizedOrder("nordlys", 6))).intent is None
    empty = await captures.get("nordlys", 6)
    assert (empty.expires_at, empty.look_at, empty.intent) == (None, None, None)
    assert await captures.get("nordlys", 7) == AuthorizedOrder("nordlys", 7)


async def test_an_order_that_another_worker_changed_is_not_overwritten() -> None:
    captures = Captures(MemoryTable())
    await captures.put(AuthorizedOrder("nordlys", 5))
    with pytest.raises(TransientError, match="were changed by another worker"):
        await captures.put(AuthorizedOrder("nordlys", 5))


async def test_orders_are_due_from_their_moment_on() -> None:
    captures = Captures(MemoryTable())
    await captures.put(AuthorizedOrder("nordlys", 1, NOON, NOON))
    await captures.put(AuthorizedOrder("nordlys", 2, NOON, NOON + timedelta(microseconds=1)))
    await captures.put(AuthorizedOrder("nordlys", 3, NOON))
    await captures.put(AuthorizedOrder("prairie", 4, NOON, NOON))
    await captures.put(AuthorizedOrder("nordlys", 5, NOON, NOON - timedelta(days=1)))
    assert [each.order_id for each in await captures.due("nordlys", NOON, limit=9)] == [1, 5]
    assert [each.order_id for each in await captures.due("nordlys", NOON, limit=1)] == [1]
