"""Which items' figures may have to change: F&O's on-hand is read page by page, and only what changed is computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shared.d365.odata.client import RowReader
from shared.d365.on_hand import fingerprint, read_on_hand, stock_of, survey_on_hand
from shared.mapping.stock.figures import FORMULA, StockedItem, Wanted, figures_of_item
from shared.model import Item, OnHand, Sale
from shared.model.fo_order import FoRow
from shared.rules import StoreRules
from shared.sync.stock.catalogue import Assortment
from shared.sync.stock.memory import FigureMemory, digest_of


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An item of which something differs from when its figures were last found settled."""

    position: int
    """In the assortment and the memory."""
    digest: int
    wanted: list[Wanted]
    """Its figures at all locations."""


@dataclass(slots=True)
class StockSurvey:
    """What the figures of a store should be, by F&O's on-hand and the sales that F&O does not know."""

    rules: StoreRules
    fo: RowReader
    assortment: Assortment
    withheld: Collection[int]
    """Variants that are not sold any more."""
    warehouses: dict[int, list[str]] = field(init=False)
    """Those behind each location."""
    rows: int = 0
    """How many F&O showed when all items were read."""

    def __post_init__(self) -> None:
        self.warehouses = {location: [] for location in self.assortment.locations}
        for warehouse in self.rules.warehouses:
            self.warehouses[warehouse.location].append(warehouse.id)

    async def changed(
        self, memory: FigureMemory, sales: Iterable[Sale], settled: list[int]
    ) -> AsyncIterator[ChangedItem]:
        """The items that differ from what the memory has; the positions of the others are added to `settled`.

        An item's digest is of its SKU (a buffer may be of single SKUs), its F&O item and rows, its safety stock, its
        sales that F&O does not know, the rules and the formula. An item without any row is compared too, and so is a
        withheld one: it shows 0 whatever its rows are, and they may be those of another variant. What comes in parts,
        because rows moved between two pages, differs; its figures are computed from another reading before any is set.
        """
        sold = _by_item(sales)
        rules = digest_of(f"{FORMULA} {self.rules.stock.model_dump_json()} {self.warehouses}")
        safety = _texts(self.assortment.safety)
        items = self.assortment.items
        positions = {each.item: position for position, each in enumerate(items) if not self._is_withheld(each)}
        found = bytearray(len(items))
        self.rows = 0

        def compare(position: int, rows: Sequence[FoRow]) -> ChangedItem | None:
            stocked = items[position]
            its_sales = sold.get(stocked.inventory_item, ())
            seen = fingerprint(rows, self.rules.stock.statuses)
            is_withheld = self._is_withheld(stocked)
            known = f"{stocked.sku!r} {tuple(stocked.item)} {safety.get(stocked.item)} {its_sales} {is_withheld}"
            digest = digest_of(f"{seen} {known} {rules}")
            if digest == memory.figures.settled(position):
                settled.append(position)
                return None
            stock = stock_of(stocked.item, rows, self.rules.stock.statuses)
            return ChangedItem(position, digest, self._figures(stocked, stock, its_sales))

        async for item, rows in survey_on_hand(
            self.fo, self.rules.company, positions.keys(), self._warehouse_ids(), statuses=self.rules.stock.statuses
        ):
            self.rows += len(rows)
            position = positions.get(item)
            if position is not None:
                found[position] = True
                if changed := compare(position, rows):
                    yield changed
        for position, has_rows in enumerate(found):
            if not has_rows and (changed := compare(position, ())):
                yield changed

    async def again(
        self, items: Sequence[StockedItem], sales: Iterable[Sale]
    ) -> list[tuple[StockedItem, list[Wanted]]]:
        """The figures of some items from a reading of now. `sales` were read before: see flow.py."""
        sold = _by_item(sales)
        rows = await read_on_hand(
            self.fo,
            self.rules.company,
            {each.item for each in items if not self._is_withheld(each)},
            self._warehouse_ids(),
            statuses=self.rules.stock.statuses,
            rows_in_all=self.rows,
        )
        stock: defaultdict[Item, list[OnHand]] = defaultdict(list)
        for row in rows:
            stock[row.item].append(row)
        return [
            (each, self._figures(each, self._rows_of(each, stock), sold.get(each.inventory_item, ()))) for each in items
        ]

    def _rows_of(self, stocked: StockedItem, stock: Mapping[Item, list[OnHand]]) -> list[OnHand]:
        return [] if self._is_withheld(stocked) else stock.get(stocked.item, [])

    def _is_withheld(self, stocked: StockedItem) -> bool:
        return stocked.variant_id in self.withheld

    def _warehouse_ids(self) -> list[str]:
        return [warehouse.id for warehouse in self.rules.warehouses]

    def _figures(self, stocked: StockedItem, rows: Iterable[OnHand], sales: Sequence[Sale]) -> list[Wanted]:
        return figures_of_item(
            stocked,
            rows,
            safety=self.assortment.safety,
            sales=sales,
            warehouses=self.warehouses,
            rules=self.rules.stock,
            withheld=self.withheld,
        )


def _by_item(sales: Iterable[Sale]) -> dict[int, list[Sale]]:
    by_item: defaultdict[int, list[Sale]] = defaultdict(list)
    for sale in sales:
        by_item[sale.inventory_item].append(sale)
    return dict(by_item)


def _texts(safety: Mapping[tuple[Item, str], Decimal]) -> dict[Item, str]:
    texts: defaultdict[Item, str] = defaultdict(str)
    for (item, warehouse), units in sorted(safety.items()):
        texts[item] += f"{warehouse}={units};"
    return dict(texts)
