"""Renewal of a Service Bus lock."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus.exceptions import MessageLockLostError

from local.functions.locks import Lock, kept_alive


class Renewable:
    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        self.lifetime = timedelta(seconds=seconds)
        self.until: datetime | None = datetime.now(UTC) + self.lifetime
        self.error = error
        self.renewals = 0
        self.renewed = asyncio.Event()

    async def renew(self) -> None:
        self.renewed.set()
        if self.error:
            raise self.error
        self.renewals += 1
        self.until = datetime.now(UTC) + self.lifetime

    @property
    def lock(self) -> Lock:
        return Lock(lambda: self.until, self.renew)


async def test_lock_is_renewed_before_it_ends() -> None:
    renewable = Renewable(seconds=0.6)
    assert renewable.until is not None
    end = renewable.until
    async with asyncio.timeout(5), kept_alive(renewable.lock, limit=60):
        await renewable.renewed.wait()
        assert datetime.now(UTC) < end


async def test_lock_that_runs_out_is_renewed_again_and_again() -> None:
    renewable = Renewable(seconds=0.01)
    async with asyncio.timeout(5), kept_alive(renewable.lock, limit=60):
        while renewable.renewals < 3:
            await renewable.renewed.wait()
            renewable.renewed.clear()
    assert renewable.until is not None
    assert renewable.until > datetime.now(UTC) - renewable.lifetime


async def test_short_work_needs_no_renewal() -> None:
    renewable = Renewable(seconds=60)
    async with kept_alive(renewable.lock, limit=60):
        await asyncio.sleep(0)
    assert renewable.renewals == 0


async def test_renewal_ends_at_its_limit() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    renewals = 0

    async def renew() -> None:
        nonlocal moment, renewals
        moment += timedelta(seconds=100)
        renewals += 1

    lock = Lock(lambda: moment, renew)
    async with kept_alive(lock, limit=300, now=lambda: moment):
        for _ in range(50):
            await asyncio.sleep(0)
    assert renewals == 4


async def test_what_has_no_lock_yet_is_left_alone() -> None:
    renewable = Renewable(seconds=0)
    renewable.until = None
    async with kept_alive(renewable.lock, limit=60):
        await asyncio.sleep(0)
    assert renewable.renewals == 0


async def test_failed_renewal_is_logged_and_does_not_break_the_work(caplog: pytest.LogCaptureFixture) -> None:
    renewable = Renewable(seconds=0.01, error=MessageLockLostError())
    async with asyncio.timeout(5), kept_alive(renewable.lock, limit=60):
        await renewable.renewed.wait()
    assert "could not be renewed" in caplog.text
