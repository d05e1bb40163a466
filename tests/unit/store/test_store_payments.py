"""The table of payments: no payment is booked by two workers, and none is lost."""

from datetime import timedelta

import pytest

from shared.errors import TransientError
from shared.model import Money
from shared.store.payments import Payment, Payments
from shared.store.shared_rows import SharedRows
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import NOON
from tests.builders.sales import euros

ORDER = 5_551_234_567_890
PLAIN = Payment("nordlys", ORDER, 7_001)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def payments(table: MemoryTable) -> Payments:
    return Payments(table)


async def test_a_booked_payment_is_read_as_it_was_written(payments):
    booked = Payment("nordlys", ORDER, 7_001, settled=euros("-13.50"), journal="00012", lines=(4, 5))
    written = await payments.put(booked)
    assert await payments.of_order("nordlys", ORDER) == {7_001: written}
    assert (written.settled, written.journal, written.lines) == (euros("-13.50"), "00012", (4, 5))


@pytest.mark.parametrize("amount", ["0", "1200", "12.345", "1E+3"])
async def test_an_amount_keeps_its_value(payments, amount):
    money = Money(euros(amount).amount, "KWD")
    await payments.put(Payment("nordlys", ORDER, 1, settled=money))
    assert (await payments.of_order("nordlys", ORDER))[1].settled == money


async def test_only_the_orders_own_payments_are_read(payments):
    for store, order, number in (
        ("nordlys", ORDER, 1),
        ("nordlys", ORDER, 10**18),
        ("nordlys", ORDER + 1, 2),
        ("nordlys", ORDER - 1, 3),
        ("nordlys", ORDER * 10, 4),
        ("prairie", ORDER, 5),
    ):
        await payments.put(Payment(store, order, number))
    assert sorted(await payments.of_order("nordlys", ORDER)) == [1, 10**18]


async def test_a_claimed_payment_cannot_be_claimed_until_its_time_is_over(payments):
    await payments.claim(PLAIN, NOON)
    seen = (await payments.of_order("nordlys", ORDER))[7_001]
    with pytest.raises(TransientError) as busy:
        await payments.claim(seen, NOON + timedelta(minutes=1))
    assert busy.value.retry_after == timedelta(minutes=7)
    again = await payments.claim(seen, NOON + timedelta(minutes=8))
    assert again.claimed_until == NOON + timedelta(minutes=16)


async def test_of_two_who_claim_at_once_one_has_it(payments):
    await payments.claim(PLAIN, NOON)
    with pytest.raises(TransientError, match="changed by another worker"):
        await payments.claim(PLAIN, NOON)


async def test_of_two_who_take_over_an_abandoned_claim_one_has_it(payments):
    await payments.claim(PLAIN, NOON)
    seen = (await payments.of_order("nordlys", ORDER))[7_001]
    later = NOON + timedelta(hours=1)
    await payments.claim(seen, later)
    with pytest.raises(TransientError, match="changed by another worker"):
        await payments.claim(seen, later)


async def test_a_slow_worker_does_not_overwrite_what_another_booked(payments):
    slow = await payments.claim(PLAIN, NOON)
    fast = await payments.claim(slow, NOON + timedelta(hours=1))
    await payments.put(Payment("nordlys", ORDER, 7_001, settled=euros("1.00"), etag=fast.etag))
    with pytest.raises(TransientError, match="changed by another worker"):
        await payments.put(slow)
    assert (await payments.of_order("nordlys", ORDER))[7_001].settled == euros("1.00")


async def test_an_open_journals_row_is_created_once_and_changed_only_from_its_last_state(table):
    rows = SharedRows(table, "journals")
    name = "nleu A/B #1?"
    assert await rows.load(name) == (None, None)
    first = await rows.save(name, {"number": "00001", "turn": 1}, None)
    assert await rows.save(name, {"number": "00002", "turn": 1}, None) is None
    second = await rows.save(name, {"number": "00001", "turn": 2}, first)
    assert await rows.save(name, {"number": "00003", "turn": 3}, first) is None
    row, etag = await rows.load(name)
    assert (row["number"], row["turn"], etag) == ("00001", 2, second)


async def test_a_store_called_like_our_own_partition_does_not_meet_the_journals(table):
    await SharedRows(table, "journals").save("nleu", {"number": "00001"}, None)
    assert await Payments(table).of_order("journals", ORDER) == {}
    await Payments(table).put(Payment("journals", ORDER, 1))
    assert {partition for partition, _ in table.rows} == {"journals", "store-journals"}


async def test_a_stores_rows_are_complete_from_their_first_use_on_for_every_process(payments, table):
    first = await payments.complete_since("nordlys", NOON)
    later = NOON + timedelta(days=3)
    assert await Payments(table).complete_since("nordlys", later) == first
    assert first > NOON
    assert await payments.complete_since("prairie", later) == first + timedelta(days=3)
    await payments.put(PLAIN)
    assert (await payments.of_order("nordlys", ORDER)).keys() == {7_001}
    for key in [each for each in table.rows if each[0] == "store-nordlys"]:
        del table.rows[key]
    assert await payments.complete_since("nordlys", later) == first + timedelta(days=3)
