"""The account that each buyer has in F&O, so that the next order needs no call, and who creates a new customer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.store import tables

_LOOK_AGAIN: Final = timedelta(seconds=15)
"""The other worker needs a few seconds, unless it died."""
_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """What is known of one buyer in one company."""

    company: str
    identity: str
    """Of the buyer: mapping.customers.customer_identity."""
    account: str = ""
    """That F&O gave; "" while F&O may not have the customer."""
    claimed_until: datetime | None = None
    """Before this time one worker alone creates the customer."""
    etag: str | None = None


class KnownCustomers:
    """Rows of the table `links`: partition = `buyers-` + company, row = the buyer's identity.

    Earlier releases, which numbered customers themselves, wrote rows without content: partition = `customers-` +
    company, row = account. They are read, and never written.
    """

    def __init__(self, table: TableClient, *, clock: Callable[[], float] = time.monotonic, most: int = 10_000) -> None:
        """Up to `most` accounts are kept in memory."""
        self._table = table
        self._most = most
        self._clock = clock
        self._accounts: dict[tuple[str, str], tuple[float, str]] = {}
        """Company and identity -> until when (by `clock`) the account is taken to be the buyer's."""

    async def get(self, company: str, identity: str) -> KnownCustomer:
        """What is known of the buyer. An account that was found stays known to this process for some minutes."""
        until, account = self._accounts.get((company, identity), (0.0, ""))
        if self._clock() < until:
            return KnownCustomer(company, identity, account)
        known = await self._read(company, identity)
        if known.account:
            self._keep(known)
        return known

    def forget(self, company: str, identity: str) -> None:
        """So that the next order of the buyer sees what is stored then: F&O refused the account."""
        self._accounts.pop((company, identity), None)

    def _keep(self, known: KnownCustomer) -> None:
        if len(self._accounts) >= self._most:
            del self._accounts[next(iter(self._accounts))]  # the one that was kept first
        self._accounts[known.company, known.identity] = (self._clock() + _SECONDS, known.account)

    async def _read(self, company: str, identity: str) -> KnownCustomer:
        row = await tables.read(self._table, tables.key(f"buyers-{company}"), tables.key(identity))
        if row is not None:
            until = row["claimed_until"]
            return KnownCustomer(
                company, identity, row["account"], datetime.fromisoformat(until) if until else None, row["etag"]
            )
        earlier = await tables.read(self._table, tables.key(f"customers-{company}"), tables.key(identity))
        return KnownCustomer(company, identity, identity if earlier is not None else "")

    async def claim(self, known: KnownCustomer, now: datetime, lease: timedelta) -> KnownCustomer:
        """The buyer as this worker's alone, to create the customer: until it is stored without a claim, or for the
        lease if this worker dies. Raises TransientError while another worker has it.
        """
        if known.claimed_until is not None and now < known.claimed_until:
            raise TransientError(
                "another worker creates the buyer's customer", retry_after=min(known.claimed_until - now, _LOOK_AGAIN)
            )
        return await self.put(replace(known, claimed_until=now + lease))

    async def put(self, known: KnownCustomer) -> KnownCustomer:
        """Replaces the state that was read. Raises TransientError if another worker has changed it."""
        row = {
            "PartitionKey": tables.key(f"buyers-{known.company}"),
            "RowKey": tables.key(known.identity),
            "account": known.account,
            "claimed_until": known.claimed_until.astimezone(UTC).isoformat() if known.claimed_until else "",
        }
        etag = await tables.write(self._table, row, etag=known.etag, keep_others=True)
        if etag is None:
            raise TransientError("the buyer's customer was changed by another worker", retry_after=_LOOK_AGAIN)
        return replace(known, etag=etag)
