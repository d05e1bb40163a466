"""What is stored of a list between two runs, and a reading that takes several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from builders.price_world import Snapshots

from shared.errors import TransientError
from shared.model import ListedPrice, PriceTier, QuantityRule
from shared.sync.prices.lists.memory import KnownPrice, PriceMemory

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
PRICES = [
    ListedPrice(Decimal("12.50")),
    ListedPrice(Decimal("12.50"), Decimal(15)),
    ListedPrice(Decimal(0), None, (PriceTier(10, Decimal("11.99")), PriceTier(50, Decimal(9)))),
    ListedPrice(Decimal("1E+2"), Decimal("120.5"), (PriceTier(2, Decimal(3)),), QuantityRule(6, None, 3)),
    ListedPrice(Decimal(7), None, (), QuantityRule(6, 18, 3)),
    None,
]


async def load(snapshots: Snapshots, basis=("EUR",)) -> PriceMemory:
    return await PriceMemory.load(snapshots, "prices/nordlys/shop", list(basis))


def known(amount: str) -> KnownPrice:
    return KnownPrice(8001, "TENT", ListedPrice(Decimal(amount)))


@pytest.mark.parametrize("written", [*PRICES, "the same"])
@pytest.mark.parametrize("shown", PRICES)
async def test_prices_are_the_same_when_they_are_read_again(shown, written):
    snapshots = Snapshots()
    memory = await load(snapshots)
    price = KnownPrice(8001, 'TENT "2P"', shown, shown if written == "the same" else written)
    memory.prices[9001] = price
    memory.note_refusal(9001, "12.50", "no")
    memory.set_extra(list=7)
    await memory.save()
    again = await load(snapshots)
    assert again.prices == {9001: price}
    assert (again.refused, again.extra) == ({9001: ("12.50", "no")}, {"list": 7})


async def test_prices_on_another_basis_are_forgotten():
    snapshots = Snapshots()
    memory = await load(snapshots)
    memory.note_shown({9001: known("1")}, after=None)
    await memory.save()
    assert (await load(snapshots, ("USD",))).prices == {}
    assert (await load(snapshots)).prices == {9001: known("1")}


async def test_nothing_is_stored_where_nothing_changed():
    snapshots = Snapshots()
    memory = await load(snapshots)
    await memory.save()
    assert snapshots.documents == {}
    memory.note_shown({9001: known("1")}, after=None)
    await memory.save()
    memory.note_shown({9001: known("1.00")}, after=None)
    memory.keep_refusals({})
    await memory.save()
    assert snapshots.versions.total() == 1


async def test_of_two_runs_the_one_that_stores_later_fails():
    snapshots = Snapshots()
    one, other = await load(snapshots), await load(snapshots)
    for memory in (one, other):
        memory.note_shown({9001: known("1")}, after=None)
    await one.save()
    with pytest.raises(TransientError) as failure:
        await other.save()
    assert "another run" in failure.value.reason


async def test_a_reading_goes_on_where_the_run_before_ended():
    snapshots = Snapshots()
    memory = await load(snapshots)
    assert memory.begin_reading(NOON).is_full
    memory.note_shown({9001: known("1")}, after="page 2")
    await memory.save()
    memory = await load(snapshots)
    reading = memory.begin_reading(NOON + timedelta(minutes=5))
    assert (reading.is_full, reading.after, reading.began, reading.seen) == (True, "page 2", NOON, {9001})
    memory.note_shown({9002: known("2")}, after=None)
    memory.end_reading(keeps_written=False)
    assert (memory.read_at, memory.searched_at) == (NOON, NOON)
    assert memory.prices.keys() == {9001, 9002}
    assert not memory.is_full_reading_due(NOON + timedelta(hours=23), 24)
    reading = memory.begin_reading(NOON + timedelta(hours=23), since=NOON)
    assert not reading.is_full
    await memory.save()
    memory = await load(snapshots)
    assert memory.reading == reading
    memory.end_reading(keeps_written=False)
    assert (memory.read_at, memory.searched_at) == (NOON, NOON + timedelta(hours=23))
    assert memory.is_full_reading_due(NOON + timedelta(hours=24), 24)


@pytest.mark.parametrize(("keeps", "left"), [(False, set()), (True, {9001})])
async def test_what_a_full_reading_does_not_show_is_forgotten_unless_it_was_written_to_a_list(keeps, left):
    memory = await load(Snapshots())
    memory.remember(9001, ListedPrice(Decimal(1)))
    memory.note_shown({9002: known("2")}, after=None)
    memory.note_refusal(9001, "1.00", "no")
    memory.begin_reading(NOON)
    memory.end_reading(keeps_written=keeps)
    assert memory.prices.keys() == left
    assert memory.refused == {}
    assert [each.shown for each in memory.prices.values()] == [None] * len(left)


async def test_what_was_written_stays_known_when_something_else_is_shown():
    memory = await load(Snapshots())
    memory.note_shown({9001: known("1")}, after=None)
    memory.remember(9001, ListedPrice(Decimal(2)))
    memory.note_shown({9001: known("3")}, after=None)
    assert memory.prices[9001] == KnownPrice(8001, "TENT", ListedPrice(Decimal(3)), ListedPrice(Decimal(2)))


async def test_a_refusal_of_another_price_is_forgotten():
    memory = await load(Snapshots())
    memory.note_refusal(9001, "1.00", "no")
    memory.note_refusal(9002, "2.00", "no")
    memory.keep_refusals({9001: "1.00", 9002: "2.50"})
    assert memory.refused.keys() == {9001}


async def test_the_last_price_of_one_that_ended_stays_known_until_another_begins_or_the_variant_is_deleted():
    snapshots = Snapshots()
    memory = await load(snapshots)
    for variant in (9001, 9002, 9003):
        memory.remember(variant, PRICES[1])
        memory.remember(variant, None)
    await memory.save()
    memory = await load(snapshots)
    assert [memory.last_written(variant) for variant in (9001, 9002, 9003)] == [PRICES[1]] * 3
    memory.remember(9001, PRICES[0])
    memory.forget_deleted({9001, 9002})
    await memory.save()
    memory = await load(snapshots)
    assert (memory.last_written(9001), memory.ended) == (PRICES[0], {9002: PRICES[1]})


async def test_all_is_read_again_and_what_the_flow_wrote_stays_known():
    memory = await load(Snapshots())
    memory.begin_reading(NOON)
    memory.note_shown({9001: known("1")}, after=None)
    memory.end_reading(keeps_written=True)
    memory.remember(9001, PRICES[0])
    assert not memory.is_full_reading_due(NOON + timedelta(hours=1), 24)
    memory.read_again()
    assert memory.is_full_reading_due(NOON + timedelta(hours=1), 24)
    assert memory.prices[9001].written == PRICES[0]


async def test_a_price_that_was_written_some_time_ago_says_nothing_of_what_is_shown():
    memory = await load(Snapshots())
    memory.note_shown({9001: known("7")}, after=None)
    memory.note_written(9001, PRICES[0])
    memory.note_written(9002, PRICES[0])
    assert memory.prices == {9001: KnownPrice(8001, "TENT", ListedPrice(Decimal(7)), PRICES[0])}


async def test_what_was_written_for_a_deleted_variant_is_forgotten_once_the_list_does_not_show_it():
    memory = await load(Snapshots())
    for variant in (9001, 9002, 9003):
        memory.remember(variant, PRICES[0])
    memory.begin_reading(NOON)
    memory.note_shown({9001: known("12.50")}, after=None)
    memory.end_reading(keeps_written=True)
    memory.forget_deleted({9002})
    assert memory.prices.keys() == {9001, 9002}
