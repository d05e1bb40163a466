"""The customer of a new buyer is created once, whichever orders come at the same moment and whatever is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest

from local.d365 import Simulator, load_world, run_d365
from local.d365.faults import Fault
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.mapping.customers import customer_identity
from shared.rules import StoreRules
from shared.store.customers import KnownCustomer, KnownCustomers
from shared.sync.orders.customers import ensure_account
from tests.builders.both_sides import WORLD, Identity, NoBreaker
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU, line, order, with_rules

REPLACING: Final = with_rules(EU, tenant={"customer_account": "replaced"})
BUYER: Final = "C7001001001001"


@dataclass
class Worker:
    """One process of the app. All have the same table and the same F&O."""

    fo: Simulator
    client: ODataClient
    table: MemoryTable
    rules: StoreRules = REPLACING
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 2, 10, tzinfo=UTC))

    async def account(self) -> str:
        ports: Any = SimpleNamespace(
            known_customers=KnownCustomers(self.table),  # type: ignore[arg-type]  # a table in memory
            customers=Customers(self.client),
            now=lambda: self.now,
        )
        sale = order(line())
        return await ensure_account(sale, customer_identity(sale, self.rules), self.rules, ports)

    @property
    def accounts(self) -> list[Any]:
        rows = self.fo.books.rows("CustomersV3")
        return [row.values["CustomerAccount"] for row in rows if row.values["KnownAs"] == BUYER]


@pytest.fixture
async def worker(wire: None) -> AsyncIterator[Worker]:
    async with run_d365(load_world(WORLD)) as fo:
        fo.books.numbers.set_kind("nleu", "customer", "replaced")
        client = ODataClient(
            fo.base_url,
            Identity(fo),
            slots=LocalSlots(8),
            timeout=20,
            breaker=NoBreaker(),
            on_call=lambda _: None,
        )
        yield Worker(fo, client, MemoryTable())
        await client.aclose()


async def test_two_orders_of_a_new_buyer_at_once_create_one_customer(worker: Worker) -> None:
    found = await asyncio.gather(*(worker.account() for _ in range(2)), return_exceptions=True)
    (waits,) = [each for each in found if isinstance(each, TransientError)]
    assert waits.retry_after is not None
    assert waits.retry_after <= timedelta(seconds=15)
    assert ["NLEU-000001"] == worker.accounts == [each for each in found if isinstance(each, str)]
    assert await worker.account() == "NLEU-000001"


async def test_the_account_of_a_known_buyer_costs_no_call(worker: Worker) -> None:
    await worker.account()
    worker.fo.clear_calls()
    assert await worker.account() == "NLEU-000001"
    assert not worker.fo.http_calls


async def test_after_a_lost_answer_nothing_is_created_before_fo_has_finished(worker: Worker) -> None:
    worker.fo.faults.add(Fault("timeout_after_commit", "POST", "CustomersV3", ms=20))
    with pytest.raises(OutcomeUnknownError):
        await worker.account()
    with pytest.raises(TransientError, match="another worker creates the buyer's customer"):
        await worker.account()
    worker.now += timedelta(minutes=4)
    assert [await worker.account()] == worker.accounts == ["NLEU-000001"]


async def test_a_refused_customer_may_be_tried_again_at_once(worker: Worker) -> None:
    worker.rules = with_rules(REPLACING, customers={"group": "NOBODY"})
    with pytest.raises(RefusedError, match="NOBODY"):
        await worker.account()
    worker.rules = REPLACING
    assert [await worker.account()] == worker.accounts


async def test_a_customer_without_its_identity_is_told_once_and_used(worker: Worker) -> None:
    worker.fo.faults.add(Fault("override", "POST", "CustomersV3", field="KnownAs", value="Ada"))
    with pytest.raises(RefusedError) as refused:
        await worker.account()
    assert (refused.value.code, refused.value.details["field"]) == ("CUSTOMER_FIELD_UNUSABLE", "KnownAs")
    assert await worker.account() == "NLEU-000001"


async def test_a_customer_that_the_last_release_knew_has_its_account(worker: Worker) -> None:
    """Its rows had no content."""
    worker.table._write({"PartitionKey": "customers-nleu", "RowKey": BUYER})
    assert (await worker.account(), worker.accounts) == (BUYER, [])


async def test_another_workers_row_is_not_overwritten(worker: Worker) -> None:
    known = KnownCustomers(worker.table)  # type: ignore[arg-type]  # a table in memory
    seen = await known.get("nleu", BUYER)
    assert seen == KnownCustomer("nleu", BUYER)
    await known.claim(seen, worker.now, timedelta(minutes=8))
    with pytest.raises(TransientError, match="changed by another worker"):
        await known.put(seen)
