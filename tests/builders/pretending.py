"""A shop that says that it has more variants than it has: a big one takes too long to fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.shopify.admin.client import QueryRunner
from shared.shopify.queries import Query


@dataclass
class Pretending:
    admin: QueryRunner
    variants: int
    """In addition to those that it has."""

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        data = await self.admin.run(query, variables)
        if "productVariantsCount" in data:
            data["productVariantsCount"]["count"] += self.variants
        return data
