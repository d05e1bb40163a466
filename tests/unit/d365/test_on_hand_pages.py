"""On-hand from pages between which F&O's rows move: each row counts once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.d365.on_hand import read_on_hand, survey_on_hand
from shared.model import Item

PIECES = ("Color", "Configuration", "Size", "Style", "Version")


def row(item, available, *, warehouse="AMS", status=None, color=""):
    dimensions = {f"Product{name}Id": "" for name in PIECES} | {"ProductColorId": color}
    place = {"ItemNumber": item, "InventorySiteId": "EU", "InventoryWarehouseId": warehouse}
    units = Decimal(available)
    counts = {"OnHandQuantity": units, "ReservedOnHandQuantity": units * 0, "AvailableOnHandQuantity": units}
    orders = {"OrderedQuantity": units * 0, "OnOrderQuantity": units * 0}
    managed = {"InventoryStatusId": status, "AreWarehouseManagementProcessesUsed": "Yes"} if status else {}
    return dimensions | place | counts | orders | managed


class Fo:
    def __init__(self, *pages):
        self.answers = pages

    async def pages(self, entity_set, *, company, where, select, order_by=()):
        for page in self.answers:
            yield page


async def available(fo, *items, statuses=()):
    found = await read_on_hand(fo, "nleu", items, ["AMS", "HAM"], statuses=statuses)
    return {(each.item.number, each.warehouse): each.available for each in found}


A, B, C = Item("A"), Item("B"), Item("C")


async def test_a_row_that_the_next_page_repeats_counts_once():
    fo = Fo([row("A", 3), row("B", 10)], [row("B", 10), row("C", 4)])
    assert await available(fo, A, B, C) == {("A", "AMS"): 3, ("B", "AMS"): 10, ("C", "AMS"): 4}
    surveyed = [each async for each in survey_on_hand(fo, "nleu", [A, B, C], ["AMS"])]
    assert [(item.number, [each["AvailableOnHandQuantity"] for each in rows]) for item, rows in surveyed] == [
        ("A", [3]),
        ("B", [10]),
        ("C", [4]),
    ]


async def test_rows_that_are_repeated_behind_those_of_another_item_count_once():
    fo = Fo([row("A", 3), row("B", 10)], [row("A", 3), row("B", 10), row("C", 4)])
    assert await available(fo, A, B, C) == {("A", "AMS"): 3, ("B", "AMS"): 10, ("C", "AMS"): 4}


@pytest.mark.parametrize("later", [7, 12])
async def test_of_a_repeated_row_the_later_one_counts(later):
    assert await available(Fo([row("B", 10)], [row("B", later)]), B) == {("B", "AMS"): later}


async def test_an_items_rows_in_two_warehouses_and_of_two_colors_are_different_rows():
    rows = [row("B", 10), row("B", 2, warehouse="HAM"), row("B", 5, color="RED")]
    found = await read_on_hand(Fo(rows[:2], rows[1:]), "nleu", [B, Item("B", "RED")], ["AMS", "HAM"])
    assert sorted((each.item[1], each.warehouse, each.available) for each in found) == [
        ("", "AMS", 10),
        ("", "HAM", 2),
        ("RED", "AMS", 5),
    ]


async def test_rows_of_several_statuses_that_count_are_added_up_each_once():
    rows = [row("B", 10, status="Available"), row("B", 4, status="Blocked"), row("B", 3, status="Outlet")]
    fo = Fo(rows[:2], rows[1:])
    assert await available(fo, B, statuses=("Available", "Outlet")) == {("B", "AMS"): 13}
    assert await available(fo, B, statuses=("Available", "Blocked")) == {("B", "AMS"): 14}
