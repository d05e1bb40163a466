"""How many calls a run makes, for its report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from shared.d365.odata.client import RowReader
from shared.model.fo_order import FoRow
from shared.shopify.admin.client import QueryRunner
from shared.shopify.queries import Query


@dataclass(slots=True)
class CountingRunner:
    """Counts the operations that go to Shopify."""

    client: QueryRunner
    calls: int = 0

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        return await self.client.run(query, variables)


@dataclass(slots=True)
class CountingReader:
    """Counts the queries that go to F&O."""

    client: RowReader
    calls: int = 0

    def pages(self, entity_set: str, **what: Any) -> AsyncIterator[list[FoRow]]:
        self.calls += 1
        return self.client.pages(entity_set, **what)
