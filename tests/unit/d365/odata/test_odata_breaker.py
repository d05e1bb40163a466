"""The breaker: a pure state machine, and instances that share it through a store."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.d365.odata.breaker import CLOSED, BreakerPolicy, BreakerState, SharedBreaker
from shared.errors import TransientError

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = BreakerPolicy(threshold=3, window=60 * SECOND, pause=30 * SECOND, probe=150 * SECOND)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds * SECOND


class Store:
    """One row with an ETag, as a table keeps it."""

    def __init__(self):
        self.state, self.version, self.loads = CLOSED, 0, 0

    async def load(self):
        self.loads += 1
        return self.state, str(self.version) if self.version else None

    async def save(self, state, etag):
        if etag != (str(self.version) if self.version else None):
            return None
        self.state, self.version = state, self.version + 1
        return str(self.version)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def one(store, clock):
    return SharedBreaker(store, policy=POLICY, now=clock)


@pytest.fixture
def other(store, clock):
    return SharedBreaker(store, policy=POLICY, now=clock)


def test_failures_in_a_row_open_it():
    state = CLOSED
    for _ in range(3):
        assert state.open_until is None
        state = state.failed(START, POLICY)
    assert state.open_until == START + POLICY.pause


def test_failures_far_apart_do_not_open_it():
    state = CLOSED
    for minute in range(10):
        state = state.failed(START + minute * timedelta(minutes=2), POLICY)
    assert state.open_until is None


def test_a_success_between_failures_closes_the_count():
    state = CLOSED.failed(START, POLICY).failed(START, POLICY).succeeded().failed(START, POLICY)
    assert state.open_until is None


def test_a_delay_that_f_and_o_asks_for_opens_it_at_once():
    assert CLOSED.failed(START, POLICY, 7 * SECOND).open_until == START + 7 * SECOND


@pytest.mark.parametrize(("wait", "until"), [(None, 300), (5 * SECOND, 300), (400 * SECOND, 401)])
def test_of_calls_that_were_sent_together_the_longest_delay_counts(wait, until):
    state = CLOSED.failed(START, POLICY, 300 * SECOND).failed(START + SECOND, POLICY, wait)
    assert state.open_until == START + until * SECOND


@pytest.mark.parametrize(("wait", "until"), [(None, 30), (5 * SECOND, 5)])
def test_a_bad_probe_waits_as_long_as_a_failure_and_not_as_long_as_a_probe_may_take(wait, until):
    state = CLOSED.failed(START, POLICY, SECOND).probe(START, POLICY)
    assert (state.open_until, state.probing) == (START + POLICY.probe, True)
    assert state.failed(START, POLICY, wait).open_until == START + until * SECOND


async def test_no_call_is_made_before_the_delay_is_over_and_one_is_made_then(one, clock):
    await one.failure(90 * SECOND)
    clock.advance(89.9)
    with pytest.raises(TransientError) as paused:
        await one.before()
    assert paused.value.retry_after == 0.1 * SECOND
    clock.advance(0.1)
    await one.before()


def test_failures_exactly_a_window_apart_are_in_a_row():
    state = CLOSED.failed(START, POLICY).failed(START + POLICY.window, POLICY)
    assert (state.failures, state.since) == (2, START)
    assert CLOSED.failed(START, POLICY).failed(START + POLICY.window + SECOND, POLICY).failures == 1


def test_the_good_end_of_an_earlier_call_does_not_cut_a_delay_short():
    state = CLOSED.failed(START, POLICY, 7 * SECOND)
    assert state.succeeded() == state


async def test_one_failing_instance_stops_the_others(one, other, clock):
    for _ in range(3):
        await one.failure()
    clock.advance(10)
    with pytest.raises(TransientError) as paused:
        await other.before()
    assert paused.value.retry_after == 20 * SECOND


async def test_after_the_pause_exactly_one_call_probes(one, other, clock):
    await one.failure(30 * SECOND)
    clock.advance(31)
    await one.before()
    for breaker in (one, other, other):
        with pytest.raises(TransientError, match="calls to F&O are paused") as paused:
            await breaker.before()
        assert paused.value.retry_after == POLICY.probe


async def test_a_probe_that_was_lost_to_another_instance_waits(one, other, clock, store):
    await one.failure(SECOND)
    clock.advance(2)
    await other.before()  # took the probe
    one._state, one._etag, one._read_at = BreakerState(1, START, START + SECOND), "1", clock.now
    with pytest.raises(TransientError, match="another instance"):
        await one.before()


async def test_a_good_probe_allows_all_calls_again(one, other, clock, store):
    await one.failure(SECOND)
    clock.advance(2)
    await one.before()
    await one.success()
    clock.advance(5)
    await other.before()
    assert store.state == CLOSED


async def test_a_bad_probe_stops_all_calls_for_another_pause(one, other, clock):
    await one.failure(SECOND)
    clock.advance(2)
    await one.before()
    await one.failure()
    clock.advance(29)
    with pytest.raises(TransientError) as paused:
        await other.before()
    assert paused.value.retry_after == SECOND
    clock.advance(1)
    await other.before()


async def test_a_probe_that_never_ends_does_not_block_for_ever(one, other, clock):
    await one.failure(SECOND)
    clock.advance(2)
    await one.before()
    clock.advance(151)
    await other.before()


async def test_while_calls_succeed_the_store_is_read_rarely_and_never_written(one, clock, store):
    for _ in range(100):
        await one.before()
        await one.success()
        clock.advance(0.1)
    assert store.loads == 2
    assert store.version == 0


async def test_failures_of_several_instances_count_together(one, other, store):
    await one.failure()
    await other.failure()
    await one.failure()
    assert store.state.open_until is not None
