"""What a run may write, what is held, and what an operator's confirmation lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import TransientError
from shared.store.blobs import Snapshots
from shared.sync.brake import Brake, confirm, read_held_changes
from tests.builders.memory_blobs import MemoryContainer

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
THREE = {"A": "unpublish", "B": "unpublish", "C": "unpublish"}


@pytest.fixture
def snapshots() -> Snapshots:
    container: Any = MemoryContainer()
    return Snapshots(container)


def brake(snapshots: Snapshots, *, at: datetime = NOW, store: str = "nordlys") -> Brake:
    return Brake(snapshots, store, "products", lambda: at)


async def held(snapshots: Snapshots, store: str | None = None) -> list[tuple[str, str, str, dict[str, str]]]:
    return [
        (each.store, each.flow, each.kind, dict(each.changes)) for each in await read_held_changes(snapshots, store)
    ]


async def test_as_many_changes_as_the_limit_are_written_and_one_more_holds_all(snapshots: Snapshots) -> None:
    assert await brake(snapshots).allows("unpublish", THREE, limit=3)
    assert await held(snapshots) == []
    assert not await brake(snapshots).allows("unpublish", THREE, limit=2)
    assert await held(snapshots) == [("nordlys", "products", "unpublish", THREE)]


async def test_a_change_may_count_for_several(snapshots: Snapshots) -> None:
    assert await brake(snapshots).allows("unpublish", THREE, limit=4, counts={"A": 2})
    assert not await brake(snapshots).allows("unpublish", THREE, limit=4, counts={"A": 3})


async def test_what_is_held_keeps_the_time_of_the_first_and_ends_when_fo_is_corrected(snapshots: Snapshots) -> None:
    await brake(snapshots).allows("unpublish", THREE, limit=2)
    later = NOW + timedelta(hours=1)
    assert not await brake(snapshots, at=later).allows("unpublish", THREE | {"D": "unpublish"}, limit=2)
    (found,) = await read_held_changes(snapshots)
    assert (found.since, len(found.changes)) == (NOW, 4)
    assert await brake(snapshots, at=later).allows("unpublish", {}, limit=2)
    assert await held(snapshots) == []
    assert not await brake(snapshots, at=later).allows("unpublish", THREE, limit=2)
    (found,) = await read_held_changes(snapshots)
    assert found.since == later


async def test_what_is_confirmed_is_written_and_nothing_else_beyond_the_limit(snapshots: Snapshots) -> None:
    await brake(snapshots).allows("unpublish", THREE, limit=2)
    (confirmed,) = await confirm(snapshots, "nordlys", "products", NOW)
    assert confirmed.changes == THREE
    assert await held(snapshots) == []
    assert await brake(snapshots).allows("unpublish", THREE | {"D": "unpublish", "E": "unpublish"}, limit=2)
    assert not await brake(snapshots).allows("unpublish", {**THREE, "A": "delete", "D": "x", "E": "x"}, limit=2)


async def test_a_confirmation_is_of_what_was_shown_and_ends_after_a_day(snapshots: Snapshots) -> None:
    await brake(snapshots).allows("unpublish", THREE, limit=2)
    await confirm(snapshots, "nordlys", "products", NOW)
    almost, after = NOW + timedelta(hours=23, minutes=59), NOW + timedelta(days=1)
    assert await brake(snapshots, at=almost).allows("unpublish", THREE, limit=0)
    assert not await brake(snapshots, at=almost).allows("unpublish", THREE | {"A": "delete"}, limit=0)
    assert not await brake(snapshots, at=after).allows("unpublish", THREE, limit=0)


async def test_changes_that_are_each_beyond_the_limits_are_held_and_confirmed_one_by_one(snapshots: Snapshots) -> None:
    jump = {"TENT-2P": "249.00 -> 2.49"}
    assert await brake(snapshots).unconfirmed("jump", jump) == {"TENT-2P"}
    await confirm(snapshots, "nordlys", "products", NOW)
    assert await brake(snapshots).unconfirmed("jump", jump) == frozenset()
    assert await brake(snapshots).unconfirmed("jump", jump | {"MUG": "1.00 -> 9.00"}) == {"MUG"}
    assert await held(snapshots) == [("nordlys", "products", "jump", {"MUG": "1.00 -> 9.00"})]
    await confirm(snapshots, "nordlys", "products", NOW)
    assert await brake(snapshots).unconfirmed("jump", jump | {"MUG": "1.00 -> 9.00"}) == frozenset()


async def test_stores_and_kinds_are_held_apart(snapshots: Snapshots) -> None:
    await brake(snapshots).allows("unpublish", THREE, limit=0)
    await brake(snapshots).allows("prices", {"A": "1 -> 2"}, limit=0)
    await brake(snapshots, store="prairie").allows("unpublish", THREE, limit=0)
    assert [each[:3] for each in await held(snapshots)] == [
        ("nordlys", "products", "prices"),
        ("nordlys", "products", "unpublish"),
        ("prairie", "products", "unpublish"),
    ]
    assert [each[0] for each in await held(snapshots, "prairie")] == ["prairie"]
    assert len(await confirm(snapshots, "nordlys", "products", NOW)) == 2
    assert [each[0] for each in await held(snapshots)] == ["prairie"]
    assert await confirm(snapshots, "nordlys", "products", NOW) == []


async def test_what_a_run_holds_while_an_operator_confirms_is_not_confirmed_unseen(snapshots: Snapshots) -> None:
    await brake(snapshots).allows("unpublish", THREE, limit=0)
    read = snapshots.read

    async def meanwhile(name: str) -> Any:
        answer = await read(name)
        await Brake(Snapshots(snapshots._container), "nordlys", "products").allows("unpublish", {"Z": "x"}, limit=0)
        return answer

    snapshots.read = meanwhile  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="written by another run"):
        await confirm(snapshots, "nordlys", "products", NOW)
