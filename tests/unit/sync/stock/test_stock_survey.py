"""Which items are computed again, by F&O's rows and all else that their figures depend on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.mapping.stock.figures import StockedItem
from shared.model import Item, Sale
from shared.rules import StockRules, Warehouse
from shared.sync.stock import survey
from shared.sync.stock.catalogue import Assortment
from shared.sync.stock.figures import ShownFigures
from shared.sync.stock.memory import FigureMemory
from shared.sync.stock.survey import StockSurvey

ITEMS = tuple(StockedItem(sku, Item(sku), number, 9000 + number) for number, sku in enumerate(("LAMP", "TENT"), 101))
PLACES = {"AMS": 1, "HAM": 2}
DIMENSIONS = ("Color", "Configuration", "Size", "Style", "Version")
BLANK = {f"Product{name}Id": "" for name in DIMENSIONS}


def row(item, warehouse, available=5, **more):
    counts = {"OnHandQuantity": 5, "ReservedOnHandQuantity": 0, "OrderedQuantity": 0, "OnOrderQuantity": 0}
    named = {"ItemNumber": item, "InventorySiteId": "EU", "InventoryWarehouseId": warehouse}
    managed = {"AreWarehouseManagementProcessesUsed": "Yes", "InventoryStatusId": "Available"}
    numbers = {name: Decimal(value) for name, value in (counts | {"AvailableOnHandQuantity": available} | more).items()}
    return BLANK | named | managed | numbers


def rows():
    return [row(item, warehouse) for item in ("LAMP", "TENT") for warehouse in PLACES]


class Store:
    key, company = "nordlys", "nleu"

    def __init__(self):
        self.stock = StockRules()
        self.warehouses = [
            Warehouse(id=name, site="EU", location=place, country="NL", countries=("*",))
            for name, place in PLACES.items()
        ]


class Fo:
    """Its rows in pages of three."""

    def __init__(self):
        self.rows = rows()
        self.filters = []

    async def pages(self, entity_set, *, company, where, select, order_by=()):
        self.filters.append(where)
        for start in range(0, len(self.rows), 3):
            yield self.rows[start : start + 3]


class Setting:
    """A survey whose items are all settled."""

    def __init__(self):
        self.fo, self.store = Fo(), Store()
        self.assortment = Assortment(items=ITEMS, locations=(1, 2), safety={}, is_new=False)
        self.withheld = set()
        self.sales = []
        self.memory = FigureMemory(None, "nordlys", "1", None, None, ShownFigures([101, 102], [1, 2]), {}, None, None)

    def survey(self):
        return StockSurvey(self.store, self.fo, self.assortment, self.withheld)

    async def changed(self):
        """Item number -> the available units that were seen, of the items that were computed."""
        survey = self.survey()
        self.settled = []
        found = [each async for each in survey.changed(self.memory, self.sales, self.settled)]
        self.counted = survey.rows
        for each in found:
            self.memory.settle(each.position, each.digest)
        return {
            each.wanted[0].listing.item.number: [
                sum(stock.available for stock in wanted.stock) if wanted.stock else None for wanted in each.wanted
            ]
            for each in found
        }


@pytest.fixture
async def setting():
    made = Setting()
    assert await made.changed() == {"LAMP": [5, 5], "TENT": [5, 5]}
    assert await made.changed() == {}
    assert (made.settled, made.counted) == ([0, 1], 4)
    return made


@pytest.mark.parametrize("field", ["AvailableOnHandQuantity", "OrderedQuantity", "OnOrderQuantity"])
async def test_an_item_is_computed_again_when_a_row_changes_and_then_no_more(setting, field):
    setting.fo.rows[3][field] += 1
    assert (await setting.changed()).keys() == {"TENT"}
    assert setting.settled == [0]
    assert await setting.changed() == {}


async def test_a_row_that_comes_or_goes_is_a_change_and_a_missing_row_is_not_zero(setting):
    gone = setting.fo.rows.pop()
    assert await setting.changed() == {"TENT": [5, None]}
    setting.fo.rows.append(gone)
    assert await setting.changed() == {"TENT": [5, 5]}
    setting.fo.rows = setting.fo.rows[:2]
    assert await setting.changed() == {"TENT": [None, None]}
    assert await setting.changed() == {}


async def test_an_item_is_computed_with_each_row_in_its_own_warehouse(setting):
    setting.fo.rows[2]["InventoryWarehouseId"], setting.fo.rows[3]["InventoryWarehouseId"] = "HAM", "AMS"
    setting.fo.rows[2]["AvailableOnHandQuantity"] = Decimal(6)
    assert await setting.changed() == {"TENT": [5, 6]}


async def test_rows_of_other_items_change_nothing_and_are_counted(setting):
    setting.fo.rows.insert(2, row("MUG", "AMS"))
    assert await setting.changed() == {}
    assert setting.counted == 5


async def test_an_item_that_comes_in_parts_is_computed_and_never_taken_for_settled(setting):
    setting.fo.rows.insert(0, setting.fo.rows.pop())
    assert (await setting.changed()).keys() == {"TENT"}
    assert (await setting.changed()).keys() == {"TENT"}


def all_change(setting, what):
    match what:
        case "rules":
            setting.store.stock = StockRules(buffer=1)
        case "warehouses":
            setting.store.warehouses = [each.model_copy(update={"location": 1}) for each in setting.store.warehouses]
        case "safety stock":
            setting.assortment = Assortment(
                items=ITEMS, locations=(1, 2), safety={(Item("TENT"), "HAM"): Decimal(1)}, is_new=False
            )
        case "a sale":
            setting.sales = [Sale(102, 1, 1)]
        case "an item that is not sold any more":
            setting.withheld = {9102}
        case "another SKU":
            named = (ITEMS[0], ITEMS[1]._replace(sku="TENT-NEW"))
            setting.assortment = Assortment(items=named, locations=(1, 2), safety={}, is_new=False)


@pytest.mark.parametrize(
    ("what", "items"),
    [
        ("rules", {"LAMP", "TENT"}),
        ("warehouses", {"LAMP", "TENT"}),
        ("safety stock", {"TENT"}),
        ("a sale", {"TENT"}),
        ("an item that is not sold any more", {"TENT"}),
        ("another SKU", {"TENT"}),
    ],
)
async def test_whatever_else_the_figures_depend_on_is_a_change(setting, what, items):
    all_change(setting, what)
    assert (await setting.changed()).keys() == items
    assert await setting.changed() == {}


async def test_a_withheld_variant_is_computed_without_the_rows_of_its_item_which_another_one_may_have(setting):
    twin = StockedItem("TENT", Item("TENT"), 103, 9103)
    setting.assortment = Assortment(items=(*ITEMS, twin), locations=(1, 2), safety={}, is_new=False)
    setting.memory.figures = ShownFigures([101, 102, 103], [1, 2])
    setting.withheld = {9103}
    found = [each.wanted async for each in setting.survey().changed(setting.memory, [], [])]
    assert {wanted[0].listing.variant_id: [each.figure for each in wanted] for wanted in found} == {
        9101: [5, 5],
        9102: [5, 5],
        9103: [0, 0],
    }
    assert [each.stock for wanted in found for each in wanted if each.is_withheld] == [(), ()]


async def test_another_item_behind_a_sku_is_a_change_even_with_the_same_stock(setting):
    items = (ITEMS[0], ITEMS[1]._replace(item=Item("TARP")))
    setting.fo.rows = [each | {"ItemNumber": each["ItemNumber"].replace("TENT", "TARP")} for each in setting.fo.rows]
    setting.assortment = Assortment(items=items, locations=(1, 2), safety={}, is_new=False)
    assert await setting.changed() == {"TARP": [5, 5]}
    assert await setting.changed() == {}


async def test_every_item_is_computed_again_with_another_formula(setting, monkeypatch):
    monkeypatch.setattr(survey, "FORMULA", survey.FORMULA + 1)
    assert (await setting.changed()).keys() == {"LAMP", "TENT"}
    assert await setting.changed() == {}


@pytest.mark.parametrize(
    "change", [{"InventoryStatusId": "Blocked"}, {"AreWarehouseManagementProcessesUsed": "No"}], ids=str
)
async def test_where_statuses_count_another_status_is_a_change(setting, change):
    setting.store.stock = StockRules(statuses=("Available",))
    await setting.changed()
    assert await setting.changed() == {}
    setting.fo.rows[0] |= change
    assert (await setting.changed()).keys() == {"LAMP"}


async def test_few_items_are_read_by_number_and_many_with_all_of_their_warehouses(setting):
    assert all("ItemNumber eq 'TENT'" in where for where in setting.fo.filters)
    many = tuple(StockedItem(f"X{number}", Item(f"X{number}"), number, number) for number in range(300))
    setting.assortment = Assortment(items=many, locations=(1, 2), safety={}, is_new=False)
    setting.memory.arrange(many, (1, 2))
    await setting.changed()
    assert "ItemNumber" not in setting.fo.filters[-1]
