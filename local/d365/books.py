"""Everything F&O has on record at one moment, and the few ways the rest of the simulator reaches it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from sys import intern

from local.d365 import edm
from local.d365.csdl import EntitySet, Schema
from local.d365.edm import Value, Values
from local.d365.inventory import Bin, Claim, Stock
from local.d365.item_stamps import ItemStamps
from local.d365.parameters import Parameters
from local.d365.product_sets import RELEASED_PRODUCTS
from local.d365.sequences import NumberSequences
from local.d365.statuses import Progress
from local.d365.tables import Journal, Row, RowKey, SparseValues, Table
from local.d365.tenant import Tenant
from local.d365.world import NO_DIMENSIONS, Dimensions, Item, Warehouse, World

_TABLES = {
    "SalesOrderHeadersV2": "SalesTable",
    "SalesOrderHeadersV4": "SalesTable",
    "SalesOrderLines": "SalesLine",
    "SalesOrderLinesV3": "SalesLine",
}
"""Sets that are views of one table; any other set is its own."""


class Books:
    def __init__(self, schema: Schema, world: World, clock: Callable[[], datetime]) -> None:
        self.schema = schema
        self.world = world
        self.clock = clock
        self.journal = Journal()
        self.numbers = NumberSequences()
        self.parameters = dict.fromkeys(world.companies, Parameters())
        """By company."""
        self.tenant = Tenant()
        self.stock: Table[Bin, Stock] = Table(self.journal)
        self.set_apart: Table[tuple[Bin, str], Decimal] = Table(self.journal)
        """How much of a bin's physical stock has another inventory status than `Available`."""
        self.claims: Table[RowKey, Claim] = Table(self.journal)
        self.progress: Table[RowKey, Progress] = Table(self.journal)
        self.order_lines: Table[RowKey, tuple[RowKey, ...]] = Table(self.journal)
        """By order (company, number) the keys of its lines, as they were created; claims and progress go by line."""
        self.holds: Table[RowKey, frozenset[str]] = Table(self.journal)
        """By order its hold codes that are not cleared."""
        self.journals_in_use: set[RowKey] = set()
        """Payment journals (company, number) that a user works on, or that are being posted."""
        self.credit_holds: Table[RowKey, RowKey] = Table(self.journal)
        """By order the key of its latest record of credit management."""
        self.items: dict[tuple[str, str], Item] = {}
        self._variant_owners: dict[tuple[str, str], str] = {}
        """By company and variant number the item that it is a variant of."""
        self.variant_masters: dict[str, str] = {}
        """By variant number the number of its master, both in lower case."""
        self._variants: dict[str, Mapping[str, Dimensions]] = {}
        self.item_stamps: Table[RowKey, ItemStamps] = Table(self.journal)
        """By released product (company, item) when each of F&O's tables about it changed last."""
        self.agreements: Table[RowKey, tuple[RowKey, ...]] = Table(self.journal)
        """Keys of trade agreements as they were posted: of prices by (set, company, item), discounts by (set, company).
        """
        self.priced: Table[RowKey, bool] = Table(self.journal)
        """By sales line (company, lot) whether F&O found its price; the others' was given."""
        self.warehouses = {(w.company, w.id.casefold()): w for w in world.warehouses}
        self._stock_by_item: tuple[int, dict[str, list[tuple[Bin, Stock]]]] = (-1, {})
        """The stock by item, and the journal's count of changes when it was sorted so."""
        self._rows: dict[str, Table[RowKey, Row]] = {}
        self._blanks: dict[str, dict[str, Value]] = {}
        for entity_set in schema.sets.values():
            table = table_of(entity_set.name)
            self._rows.setdefault(table, Table(self.journal))
            defaults = {name: edm.default(prop) for name, prop in entity_set.properties.items()}
            self._blanks.setdefault(table, {}).update(defaults)

    def address_tax_group(self, company: str) -> str:
        """The sales tax group that new orders and lines get in place of the one sent; "" where that stays."""
        found = self.world.companies.get(company)
        return found.address_tax_group if found is not None else ""

    def rows(self, set_name: str) -> Table[RowKey, Row]:
        """The table under a set. Raises KeyError when the schema has no such set."""
        return self._rows[table_of(set_name)]

    def blank(self, set_name: str) -> dict[str, Value]:
        """A new record of the set's table before anyone wrote into it."""
        return dict(self._blanks[table_of(set_name)])

    def find(self, set_name: str, *key: Value) -> Row | None:
        return self.rows(set_name).get(folded(key))

    def known(self, set_name: str, *key: Value) -> bool:
        """Whether a reference leads somewhere; a set that the tenant's schema lacks is not checked."""
        return set_name not in self.schema.sets or self.find(set_name, *key) is not None

    def record(self, set_name: str, given: Values) -> SparseValues:
        """A new record of the set's table with these fields."""
        return SparseValues(self._blanks[table_of(set_name)], given)

    def add(self, entity_set: EntitySet, values: Values) -> Row:
        now = self.clock()
        row = Row(values, self.numbers.record_id(), 1, now, now)
        self.rows(entity_set.name).put(key_of(entity_set, values), row)
        return row

    def replace(self, entity_set: EntitySet, row: Row, values: Values) -> Row:
        """The record's next version. F&O counts from 1 and then in what looks like random numbers."""
        changed = replace(
            row, values=values, version=(row.version * 1_103_515_245 + 12_345) % 2**31, modified=self.clock()
        )
        key = key_of(entity_set, values)
        self.rows(entity_set.name).put(key, changed)
        if entity_set.name == RELEASED_PRODUCTS:
            before = self.item_stamps.get(key) or ItemStamps.of_new(row.created)
            self.item_stamps.put(key, before.moved(row.values, values, changed.modified))
        return changed

    def put_item(self, item: Item) -> None:
        """What order lines and stock know of a released product."""
        _keep(self.items, (item.company, item.number.casefold()), item, self.journal)
        self._variant_owners |= dict.fromkeys(((item.company, number) for number in item.variants), item.number)

    def put_variants(self, master: str, added: Mapping[str, Dimensions]) -> None:
        """Variants of a product by number, whether a company has them or not."""
        for number in added:
            _keep(self.variant_masters, number.casefold(), master.casefold(), self.journal)
        known = self._variants.get(master.casefold(), {})
        _keep(self._variants, master.casefold(), {**known, **added}, self.journal)

    def rename_dimension(self, master: str, items: Collection[tuple[str, str]], at: int, old: str, new: str) -> None:
        """The variants of a product, and of its items (company, number), have another value in a dimension."""

        def renamed(variants: Mapping[str, Dimensions]) -> dict[str, Dimensions]:
            return {number: _exchanged(dimensions, at, old, new) for number, dimensions in variants.items()}

        _keep(self._variants, master.casefold(), renamed(self.variants_of_product(master)), self.journal)
        for company, number in items:
            item = self.item(company, number)
            if item is not None:
                self.put_item(replace(item, variants=renamed(item.variants)))

    def variants_of_product(self, master: str) -> Mapping[str, Dimensions]:
        """By number the dimensions of all its variants."""
        return self._variants.get(master.casefold(), {})

    def item(self, company: str, number: Value) -> Item | None:
        return self.items.get((company, str(number).casefold()))

    def warehouse(self, company: str, warehouse: Value) -> Warehouse | None:
        return self.warehouses.get((company, str(warehouse).casefold()))

    def product(self, company: str, sku: str) -> tuple[Item, Dimensions]:
        """The item and dimensions that an item number or a variant number stands for. Raises KeyError."""
        item = self.item(company, sku)
        if item is not None and not item.variants:
            return item, NO_DIMENSIONS
        master = self.item(company, self._variant_owners.get((company, sku), ""))
        if master is not None:
            return master, master.variants[sku]
        raise KeyError(f"company {company} has no item or variant {sku}")

    def stock_of(self, items: Iterable[Value]) -> Iterator[tuple[Bin, Stock]]:
        """What there is of these items (numbers in lower case), in any company."""
        changes, by_item = self._stock_by_item
        if changes != self.journal.changes:
            by_item = {}
            for place, stock in self.stock.items():
                by_item.setdefault(place.item.casefold(), []).append((place, stock))
            self._stock_by_item = (self.journal.changes, by_item)
        for item in items:
            yield from by_item.get(str(item), ())

    def bin(self, company: str, sku: str, warehouse: str) -> Bin:
        """Where a warehouse keeps an item or variant. Raises KeyError."""
        item, dimensions = self.product(company, sku)
        found = self.warehouse(company, warehouse)
        if found is None:
            raise KeyError(f"company {company} has no warehouse {warehouse}")
        return Bin(company, item.number, dimensions, found.site, found.id)


def _exchanged(dimensions: Dimensions, at: int, old: str, new: str) -> Dimensions:
    color, configuration, size, style, version = (
        new if place == at and value == old else value for place, value in enumerate(dimensions)
    )
    return color, configuration, size, style, version


def _keep[K, V](held: dict[K, V], key: K, value: V, journal: Journal) -> None:
    """Puts a value into a dictionary, and takes it out again if the change set fails."""
    if key in held:
        before = held[key]
        journal.record(lambda: held.__setitem__(key, before))
    else:
        journal.record(lambda: held.__delitem__(key))
    held[key] = value


def table_of(set_name: str) -> str:
    return _TABLES.get(set_name, set_name)


def key_of(entity_set: EntitySet, values: Values) -> RowKey:
    return folded([values[name] for name in entity_set.keys])


def folded(key: Iterable[Value]) -> RowKey:
    """Keys are unique without regard to case, as in F&O's database. Most of their parts are in many keys: kept once."""
    return tuple([intern(value.casefold()) if isinstance(value, str) else value for value in key])
