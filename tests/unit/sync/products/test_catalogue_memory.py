"""What the flow of products stores between two runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from shared.errors import TransientError
from shared.mapping.products.decisions import RememberedProduct
from shared.model import Item, ShopState
from shared.model.fo_product import StampedItem
from shared.store.blobs import Snapshots
from shared.sync.products.memory import CatalogueMemory
from tests.builders.memory_blobs import MemoryContainer

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
OVERLAP = timedelta(minutes=10)


async def load(container: MemoryContainer, run: str = "one") -> CatalogueMemory:
    return await CatalogueMemory.load(Snapshots(cast("Any", container)), store="prairie", run=run)


def seconds(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


async def test_everything_is_there_again_after_it_was_stored() -> None:
    container = MemoryContainer()
    memory = await load(container)
    tee = RememberedProduct(
        42, "digest", ShopState.WAITING, NOW, {Item("TEE", color="Red", size="M"): 7, Item("TEE", "", "A"): 8}, True
    )
    memory.products = {"TEE": tee, " LEADING": RememberedProduct(None, "d", ShopState.REFUSED, NOW)}
    memory.basis, memory.read_at, memory.day = "basis", NOW, date(2026, 11, 29)
    memory.read_products, memory.read_variants = 12, 34
    memory.note_stamps([StampedItem("TEE", seconds(-9)), StampedItem("HAT", seconds(-5))], OVERLAP)
    memory.edited_at, memory.is_held = NOW, True
    memory.note_left(("TEE", "HAT"), ("HAT",), ())
    memory.note_new(5, date(2026, 11, 29))
    memory.told = {"TEE": ("PRODUCT_TITLE_MISSING:1234",)}
    await memory.release_lease()
    stored = await load(container, "two")
    for name in CatalogueMemory.__slots__:
        if name not in ("snapshots", "run", "etag"):
            assert getattr(stored, name) == getattr(memory, name), name


async def test_one_in_another_format_is_forgotten() -> None:
    container = MemoryContainer()
    await container.upload_blob("products/prairie/catalogue.json", b'{"format": 0}')
    memory = await load(container)
    assert (memory.products, memory.read_at) == ({}, None)
    await memory.release_lease()
    assert (await load(container)).products == {}


async def test_the_lease_lets_one_run_write() -> None:
    container = MemoryContainer()
    one, two = await load(container), await load(container, "two")
    await one.renew_lease(NOW)
    with pytest.raises(TransientError, match="written by another run"):
        await two.renew_lease(NOW)
    third = await load(container, "three")
    assert third.is_leased(NOW + timedelta(minutes=3))
    assert not third.is_leased(NOW + timedelta(minutes=4))
    one.assert_lease(NOW)
    with pytest.raises(TransientError, match="has expired"):
        one.assert_lease(NOW + timedelta(minutes=4))
    await one.release_lease()
    assert not (await load(container)).is_leased(NOW)


def numbers(stamped: list[StampedItem]) -> list[str]:
    return [each.number for each in stamped]


async def test_an_item_is_read_once_for_each_stamp_and_twice_for_the_newest() -> None:
    memory = await load(MemoryContainer())
    first = [StampedItem("TEE", seconds(1)), StampedItem("HAT", seconds(2))]
    assert numbers(memory.unread(first)) == ["TEE", "HAT"]
    memory.note_stamps(first, OVERLAP)
    assert numbers(memory.unread(first)) == ["HAT"]  # it may have changed once more in that second
    memory.note_stamps(memory.unread(first), OVERLAP)
    assert memory.unread(first) == []
    assert numbers(memory.unread([StampedItem("HAT", seconds(3))])) == ["HAT"]
    assert memory.stamped_at == seconds(2)


async def test_stamps_are_forgotten_when_no_run_sees_them_again() -> None:
    memory = await load(MemoryContainer())
    memory.note_stamps([StampedItem("TEE", seconds(0))], OVERLAP)
    memory.note_stamps([StampedItem("HAT", seconds(602))], OVERLAP)
    assert set(memory.stamps) == {"HAT"}
    memory.note_stamps([], OVERLAP)
    assert memory.stamped_at == seconds(602)


async def test_new_variants_are_counted_by_day() -> None:
    memory = await load(MemoryContainer())
    today, tomorrow = date(2026, 11, 29), date(2026, 11, 30)
    memory.note_new(7, today)
    assert (memory.counted(today), memory.counted(tomorrow)) == (7, 0)
    memory.note_new(1, tomorrow)
    assert (memory.counted(today), memory.counted(tomorrow)) == (0, 1)


async def test_what_could_not_be_finished_is_tried_in_turn() -> None:
    memory = await load(MemoryContainer())
    memory.note_left(("A", "B", "C"), ("A", "B"), ())
    memory.note_left(("A", "B", "C", "D"), ("A", "D"), ())
    assert memory.failed == ("B", "A", "D")
    memory.note_left(("A", "D"), (), ("D",))
    assert (memory.pending, memory.failed) == (("A", "D"), ("A",))
