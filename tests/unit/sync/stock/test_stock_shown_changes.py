"""The search for figures that others changed in Shopify, over several runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from shared.model import LevelId
from shared.rules import StockRules
from shared.sync.stock.figures import ShownFigures
from shared.sync.stock.memory import FigureMemory
from shared.sync.stock.shown_changes import ShownChanges

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


class Shop:
    """One location with pages of one changed level each, item 1 on the first; each shows 9 instead of 5."""

    def __init__(self, pages):
        self.pages = pages
        self.searches, self.documents = [], {}

    async def run(self, query, variables):
        assert query.name == "StockChangedLevels"
        number = int(variables["after"] or 0) + 1
        self.searches.append((datetime.fromisoformat(variables["query"].partition("'")[2].rstrip("'")), number))
        level = {
            "item": {"id": f"gid://shopify/InventoryItem/{number}", "tracked": True},
            "updatedAt": "2026-11-23T12:00:00Z",
            "quantities": [{"quantity": 9}],
        }
        page = {"hasNextPage": number < self.pages, "endCursor": str(number)}
        return {"nodes": [{"inventoryLevels": {"nodes": [level], "pageInfo": page}}]}

    async def read(self, name):
        return (json.loads(self.documents[name]), "etag") if name in self.documents else (None, None)

    async def write(self, name, value, etag):
        self.documents[name] = json.dumps(value)
        return "etag"

    async def tick(self, minute):
        """The items whose figures are uncertain after a run."""
        memory = await FigureMemory.load(self, store="nordlys", run="1")
        levels = [LevelId(item, 1) for item in range(1, 100)]
        memory.figures = ShownFigures([level.inventory_item for level in levels], [1])
        for level in levels:
            memory.figures.set(level, 5, 7)
        changes = await ShownChanges.load(self, store="nordlys", rules=StockRules(), now=at(minute), start=at(-60))
        raised = await changes.mark(memory, self, [1])
        await changes.save()
        uncertain = {level for level in levels if memory.is_uncertain(level)}
        assert raised == uncertain
        return sorted(level.inventory_item for level in uncertain)


async def test_the_first_search_starts_at_the_last_comparison_and_each_other_before_the_last_one():
    shop = Shop(1)
    for minute in (0, 2, 30):
        assert await shop.tick(minute) == [1]
    assert [since for since, _ in shop.searches] == [at(-60 - 10), at(0 - 10), at(2 - 10)]


async def test_a_search_that_is_too_long_for_one_run_goes_on_in_the_next_and_nothing_is_missed_meanwhile():
    shop = Shop(45)
    found = [await shop.tick(minute) for minute in (0, 2, 4)]
    assert found == [list(range(1, 21)), list(range(21, 41)), list(range(41, 46))]
    assert {since for since, _ in shop.searches} == {at(-60 - 10)}
    shop.searches.clear()
    await shop.tick(6)
    assert shop.searches[0] == (at(0 - 10), 1)
