"""Several findings of one part of an event are parked side by side, and each is closed by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from shared.errors import ErrorCode, RefusedError
from shared.model import Part
from shared.store.parking import Parked, ParkedMessage, Parking, State
from tests.builders.both_sides import Bodies
from tests.builders.memory_table import MemoryTable

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def refused(title: str) -> RefusedError:
    return RefusedError(ErrorCode.SKU_EMPTY, title=title, missing="SKU", store="nordlys")


async def park(parking: Parking, title: str, number: int) -> None:
    message = ParkedMessage(
        "orders", "nordlys", "event-1", "42", NOON, {}, b"{}", refused(title), part=Part.SHIPMENTS, number=number
    )
    await parking.park(message)


async def found(parking: Parking) -> list[Parked]:
    return await parking.of_event("event-1")


async def test_findings_of_one_part_have_rows_of_their_own_and_a_second_delivery_adds_none() -> None:
    parking = Parking(cast("Any", MemoryTable()), Bodies())
    for _ in range(2):
        await park(parking, "one", 0)
        await park(parking, "two", 1)
    assert [(row.number, row.cause) for row in await found(parking)] == [
        (0, refused("one").cause),
        (1, refused("two").cause),
    ]


async def test_each_finding_is_closed_by_itself() -> None:
    parking = Parking(cast("Any", MemoryTable()), Bodies())
    await park(parking, "one", 0)
    await park(parking, "two", 1)
    (_, second) = await found(parking)
    assert await parking.close(second, State.RESOLVED, "mended", NOON)
    assert [(row.number, row.state) for row in await found(parking)] == [(0, State.OPEN), (1, State.RESOLVED)]


async def test_a_row_of_an_earlier_release_is_the_only_one_of_its_part() -> None:
    table = MemoryTable()
    parking = Parking(cast("Any", table), Bodies())
    await park(parking, "one", 0)
    ((key, row),) = table.rows.items()
    del row["number"]
    assert key == ("orders-nordlys", "event-1|shipments")
    (old,) = await found(parking)
    assert old.number == 0
    assert await parking.close(old, State.RESOLVED, "mended", NOON)
