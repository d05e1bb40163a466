"""How the sets of F&O's catalogue are read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.d365.catalogue.asked import CatalogueSource
from shared.d365.entities import READ


class Sets:
    """Every set has one page of these rows."""

    def __init__(self, *numbers: str) -> None:
        self.numbers = numbers
        self.counted: list[bool] = []

    async def pages(
        self, entity_set: str, *, company: str, counted: bool = False, **_: Any
    ) -> AsyncIterator[list[dict[str, Any]]]:
        self.counted.append(counted)
        yield [{"ItemNumber": number} for number in self.numbers]


@pytest.mark.parametrize("items", [None, frozenset({"TEE"})])
async def test_rows_are_counted_whether_all_or_some_products_are_read(items: frozenset[str] | None) -> None:
    fo = Sets("TEE", "tee")
    entity_set = next(name for name, fields in READ.items() if "ItemNumber" in fields)
    source = CatalogueSource(fo, "usmf", items)
    found = [row["ItemNumber"] async for row in source.rows(entity_set, "ItemNumber", items)]
    assert found == (["TEE", "tee"] if items is None else ["TEE"])
    assert fo.counted == [True]
