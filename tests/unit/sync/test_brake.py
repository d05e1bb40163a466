"""What a run may write, what is held, and what an operator's confirmation lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import ConnectorError, TransientError
from shared.store.blobs import Snapshots
from shared.sync.brake import Brake, Held, confirm, digest_of, read_confirmed_at, read_held_changes
from tests.builders.confirming import confirm_held
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
    assert not (await brake(snapshots).hold("unpublish", THREE, limit=3)).held
    assert await held(snapshots) == []
    assert (await brake(snapshots).hold("unpublish", THREE, limit=2)).are_too_many
    assert await held(snapshots) == [("nordlys", "products", "unpublish", THREE)]


async def test_what_is_held_keeps_the_time_of_the_first_and_ends_when_fo_is_corrected(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=2)
    later = NOW + timedelta(hours=1)
    assert (await brake(snapshots, at=later).hold("unpublish", THREE | {"D": "unpublish"}, limit=2)).are_too_many
    (found,) = await read_held_changes(snapshots)
    assert (found.since, len(found.changes)) == (NOW, 4)
    assert not (await brake(snapshots, at=later).hold("unpublish", {}, limit=2)).held
    assert await held(snapshots) == []
    assert (await brake(snapshots, at=later).hold("unpublish", THREE, limit=2)).are_too_many
    (found,) = await read_held_changes(snapshots)
    assert found.since == later


async def test_what_is_confirmed_is_written_and_nothing_else_beyond_the_limit(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=2)
    (confirmed,) = await confirm_held(snapshots, "nordlys", "products", NOW)
    assert confirmed.changes == THREE
    assert await held(snapshots) == []
    assert not (await brake(snapshots).hold("unpublish", THREE | {"D": "unpublish", "E": "unpublish"}, limit=2)).held
    assert (
        await brake(snapshots).hold("unpublish", {**THREE, "A": "delete", "D": "x", "E": "x"}, limit=2)
    ).are_too_many


async def test_a_confirmation_is_of_what_was_shown_and_ends_after_a_day(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=2)
    await confirm_held(snapshots, "nordlys", "products", NOW)
    almost, after = NOW + timedelta(hours=23, minutes=59), NOW + timedelta(days=1)
    assert not (await brake(snapshots, at=almost).hold("unpublish", THREE, limit=0)).held
    assert (await brake(snapshots, at=almost).hold("unpublish", THREE | {"A": "delete"}, limit=0)).are_too_many
    assert (await brake(snapshots, at=after).hold("unpublish", THREE, limit=0)).are_too_many


async def test_changes_that_are_each_beyond_the_limits_are_held_and_confirmed_one_by_one(snapshots: Snapshots) -> None:
    jump = {"TENT-2P": "249.00 -> 2.49"}
    assert await brake(snapshots).hold_each("jump", jump) == {"TENT-2P"}
    await confirm_held(snapshots, "nordlys", "products", NOW)
    assert await brake(snapshots).hold_each("jump", jump) == frozenset()
    assert await brake(snapshots).hold_each("jump", jump | {"MUG": "1.00 -> 9.00"}) == {"MUG"}
    assert await held(snapshots) == [("nordlys", "products", "jump", {"MUG": "1.00 -> 9.00"})]
    await confirm_held(snapshots, "nordlys", "products", NOW)
    assert await brake(snapshots).hold_each("jump", jump | {"MUG": "1.00 -> 9.00"}) == frozenset()


async def test_stores_and_kinds_are_held_apart(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=0)
    await brake(snapshots).hold("prices", {"A": "1 -> 2"}, limit=0)
    await brake(snapshots, store="prairie").hold("unpublish", THREE, limit=0)
    assert [each[:3] for each in await held(snapshots)] == [
        ("nordlys", "products", "prices"),
        ("nordlys", "products", "unpublish"),
        ("prairie", "products", "unpublish"),
    ]
    assert [each[0] for each in await held(snapshots, "prairie")] == ["prairie"]
    assert len(await confirm_held(snapshots, "nordlys", "products", NOW)) == 2
    assert [each[0] for each in await held(snapshots)] == ["prairie"]
    assert await confirm_held(snapshots, "nordlys", "products", NOW) == []


async def test_what_a_run_holds_while_an_operator_confirms_is_not_confirmed_unseen(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=0)
    shown = digest_of(await read_held_changes(snapshots))
    read = snapshots.read

    async def meanwhile(name: str) -> Any:
        answer = await read(name)
        await Brake(Snapshots(snapshots._container), "nordlys", "products").hold("unpublish", {"Z": "x"}, limit=0)
        return answer

    snapshots.read = meanwhile  # type: ignore[method-assign]
    with pytest.raises(TransientError, match="written by another run"):
        await confirm(snapshots, "nordlys", "products", NOW, shown=shown)


async def test_what_was_not_shown_is_not_confirmed(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=0)
    shown = digest_of(await read_held_changes(snapshots))
    await brake(snapshots).hold("unpublish", THREE | {"D": "unpublish"}, limit=0)
    with pytest.raises(ConnectorError, match=f"other changes of products .* than those of {shown}. Look again"):
        await confirm(snapshots, "nordlys", "products", NOW, shown=shown)
    assert (await brake(snapshots).hold("unpublish", THREE, limit=0)).are_too_many
    with pytest.raises(ConnectorError, match="no changes of prices are held for store nordlys"):
        await confirm(snapshots, "nordlys", "prices", NOW, shown=shown)


async def test_a_digest_is_of_every_name_text_and_kind_and_of_no_order(snapshots: Snapshots) -> None:
    def digest(**kinds: dict[str, str]) -> str:
        return digest_of(Held("nordlys", "products", kind, changes) for kind, changes in kinds.items())

    one = digest(a={"A": "x", "B": "y"}, b={"C": "z"})
    assert one == digest(b={"C": "z"}, a={"B": "y", "A": "x"}, c={})
    assert one != digest(a={"A": "x"})
    assert one != digest(a={"A": "x", "B": "z"}, b={"C": "z"})
    assert one != digest(a={"A": "x", "B": "y", "C": "z"})


async def test_what_is_left_out_stays_held_for_good_and_the_others_are_written(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=2)
    (confirmed,) = await confirm_held(snapshots, "nordlys", "products", NOW, leaving=["B"])
    assert set(confirmed.changes) == {"A", "C"}
    assert await held(snapshots) == [("nordlys", "products", "unpublish", {"B": "unpublish"})]
    assert (await brake(snapshots).hold("unpublish", THREE, limit=2)).held == {"B"}
    after = NOW + timedelta(days=30)
    judged = await brake(snapshots, at=after).hold("unpublish", {"B": "unpublish", "D": "unpublish"}, limit=2)
    assert (judged.held, judged.are_too_many) == ({"B"}, False)
    assert (await brake(snapshots, at=after).hold("unpublish", {"D": "unpublish"}, limit=2)).held == frozenset()
    assert (await brake(snapshots, at=after).hold("unpublish", {"B": "unpublish"}, limit=2)).held == frozenset()


async def test_what_was_left_out_can_be_confirmed_later(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=2)
    await confirm_held(snapshots, "nordlys", "products", NOW, leaving=["B"])
    await confirm_held(snapshots, "nordlys", "products", NOW)
    assert (await brake(snapshots).hold("unpublish", THREE, limit=0)).held == frozenset()


async def test_what_was_confirmed_can_be_left_out_when_it_is_held_again(snapshots: Snapshots) -> None:
    four = THREE | {"D": "unpublish"}
    await brake(snapshots).hold("unpublish", THREE, limit=0)
    await confirm_held(snapshots, "nordlys", "products", NOW)
    await brake(snapshots).hold("unpublish", four, limit=0)
    await confirm_held(snapshots, "nordlys", "products", NOW, leaving=["A"])
    assert (await brake(snapshots).hold("unpublish", four, limit=0)).held == {"A"}
    assert await brake(snapshots).hold_each("unpublish", four) == {"A"}


async def test_a_name_to_leave_that_is_not_held_confirms_nothing(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("unpublish", THREE, limit=0)
    with pytest.raises(ConnectorError, match="not held, so that nothing was confirmed: Z"):
        await confirm_held(snapshots, "nordlys", "products", NOW, leaving=["A", "Z"])
    assert (await brake(snapshots).hold("unpublish", THREE, limit=0)).are_too_many


async def test_the_last_confirmation_of_a_flow_is_known(snapshots: Snapshots) -> None:
    assert await read_confirmed_at(snapshots, "nordlys", "products") is None
    for kind, at in (("a", NOW), ("b", NOW + timedelta(hours=1)), ("c", None)):
        await Brake(snapshots, "nordlys", "products", lambda: NOW).hold(kind, THREE, limit=0)
        if at:
            await confirm_held(snapshots, "nordlys", "products", at)
    assert await read_confirmed_at(snapshots, "nordlys", "products") == NOW + timedelta(hours=1)
    assert await read_confirmed_at(snapshots, "nordlys", "prices") is None


async def test_what_was_left_out_stays_held_whatever_stands_in_the_shop_meanwhile(snapshots: Snapshots) -> None:
    await brake(snapshots).hold("prices", {"A": "249.00 -> 298.80", "B": "1.00 -> 2.00"}, limit=0)
    await confirm_held(snapshots, "nordlys", "products", NOW, leaving=["A"])
    edited = {"A": "239.00, instead of 260.00 -> 298.80, instead of 260.00"}
    assert (await brake(snapshots).hold("prices", edited, limit=5)).held == {"A"}
    assert not (await brake(snapshots).hold("prices", {"A": "239.00 -> 240.00"}, limit=5)).held
