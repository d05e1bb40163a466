"""What the flow prices works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from shared.d365.odata.client import CountedReader, ODataClient, ServiceCaller
from shared.mapping.prices.changes import PriceChange
from shared.model.fo_order import FoRow
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.store.blobs import Bodies, Snapshots
from shared.store.journal import Journal
from shared.sync.counting import CountingReader


class PriceSource(CountedReader, ServiceCaller, Protocol):
    """What reading prices needs of ODataClient."""


@dataclass(slots=True)
class CountingSource(CountingReader):
    """Counts what the tenant's own service is asked as well."""

    service: ServiceCaller = field(kw_only=True)

    async def ask_service(self, path: str, question: FoRow) -> FoRow:
        self.calls += 1
        return await self.service.ask_service(path, question)


@dataclass(frozen=True, slots=True)
class PricePorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    fo: ODataClient
    snapshots: Snapshots
    reports: Bodies
    journal: Journal
    files: httpx.AsyncClient
    """For files that Shopify gives an address for: without the shop's token."""


@dataclass(frozen=True, slots=True)
class ProductPrices:
    """Prices to set on variants of one product."""

    product: int
    changes: tuple[PriceChange, ...]


@dataclass(slots=True)
class LaneOutcome:
    """What became of prices that were to be written. What it does not name was not reached."""

    written: list[PriceChange] = field(default_factory=list)
    refused: list[tuple[PriceChange, str]] = field(default_factory=list)
    """With Shopify's message."""
    gone: list[PriceChange] = field(default_factory=list)
    """The variant is deleted, or has no price on the list that could be deleted."""
    unknown: list[PriceChange] = field(default_factory=list)
    """They were sent, and the answer was lost."""
    halted: str = ""
    """Why not all were reached; "" if all were."""
