"""What the last release wrote, as it was recorded: the app's rows, and F&O's records, of a few invented orders.

tests/fixtures/release_0.1.0.json tells how it was recorded and what its parts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

from builders.root import ROOT

from local.d365 import Simulator, edm
from local.d365.books import Books, key_of, table_of
from local.d365.csdl import Property
from local.d365.inventory import Bin, Claim, Stock
from local.d365.statuses import Progress
from local.d365.tables import Row
from shared.store.payments import COMPLETE
from tests.builders.both_sides import App
from tests.builders.checkouts import Document
from tests.builders.memory_table import Entity, MemoryTable

type Act = tuple[str, Document]
"""A step of `local.shopify.steps`, "amend", or what staff do ("staff ship", "staff invoice"), and its details."""

_FILE: Final = ROOT / "tests" / "fixtures" / "release_0.1.0.json"
_PIECE: Final = re.compile(r"_\d+$")
_JOURNALS: Final = "journals"
"""The partition of open journals, in the table of payments."""


@dataclass(frozen=True)
class RecordedOrder:
    """An order that the last release had handled, up to a moment."""

    store: str
    checkout: Document
    acts: tuple[Act, ...]
    order_id: int
    tables: Mapping[str, list[Document]]
    fo: Document

    def restore(self, app: App, bodies: Mapping[str, bytes]) -> None:
        """Puts the rows into the app's empty tables, and the records into its empty F&O. `bodies` are the webhooks' by
        their number, of which those that were parked are kept.
        """
        for name, table in tables_of(app).items():
            for row in self.tables[name]:
                table._write(row)
        for parked in self.tables["parked"]:
            app._parking._bodies._held[parked["blob"]] = bodies[parked["RowKey"]]  # type: ignore[attr-defined]
        _restore_books(app.fo, self.fo)


@cache
def recorded_orders() -> Mapping[str, RecordedOrder]:
    """By name."""
    orders = edm.loads(_FILE.read_text(encoding="utf-8"))["orders"]
    return {
        name: RecordedOrder(
            store=each["store"],
            checkout=each["checkout"],
            acts=tuple((step, wish) for step, wish in each["steps"]),
            order_id=each["order_id"],
            tables=each["tables"],
            fo=each,
        )
        for name, each in orders.items()
    }


def tables_of(app: App) -> dict[str, MemoryTable]:
    """The app's tables that hold what it knows of orders, by the names of infra/storage.json."""
    ports = app._ports
    owners = {
        "links": ports.links,
        "payments": ports.payments.records,
        "refunds": ports.refunds.records,
        "parked": ports.parking,
    }
    found: dict[str, MemoryTable] = {name: vars(owner)["_table"] for name, owner in owners.items()}
    return found


def write_as_last_release(app: App) -> None:
    """What the last release leaves of an order's rows when it handles an event: it reads the columns that it knows, and
    replaces the row by them. Its fingerprint of an order's content is not this release's. It never touches the row that
    says since when a table is complete.
    """
    columns = _columns()
    for name in ("links", "payments", "refunds"):
        table = tables_of(app)[name]
        for row in [each for each in table.rows.values() if each["RowKey"] != COMPLETE]:
            kept = {column: row[column] for column in row if _PIECE.sub("", column) in columns[_kind(name, row)]}
            if kept.get("digest"):
                kept["digest"] = "0" * 64
            table._write(kept)


@cache
def _columns() -> Mapping[str, frozenset[str]]:
    """The columns that the last release wrote, pieces of a long value without their number."""
    found: dict[str, set[str]] = {}
    for name, row in _recorded_rows():
        found.setdefault(_kind(name, row), set()).update(_PIECE.sub("", column) for column in row)
    return {kind: frozenset(columns) for kind, columns in found.items()}


def _recorded_rows() -> Iterator[tuple[str, Document]]:
    for order in recorded_orders().values():
        for name, rows in order.tables.items():
            for row in rows:
                yield name, row


def _kind(table: str, row: Entity | Document) -> str:
    return _JOURNALS if row["PartitionKey"] == _JOURNALS else table


def _restore_books(fo: Simulator, recorded: Document) -> None:
    books = fo.books
    for set_name, rows in recorded["records"].items():
        entity_set = books.schema.sets[set_name]
        types = _types(books, set_name)
        for record_id, fields in rows:
            values = {**books.blank(set_name), **{name: edm.read(types[name], raw) for name, raw in fields.items()}}
            row = Row(values, record_id, 1, books.clock(), books.clock())
            books.rows(set_name).put(key_of(entity_set, values), row)
    for company, item, dimensions, site, warehouse, *figures in recorded["stock"]:
        books.stock.put(_bin(company, item, dimensions, site, warehouse), Stock(*map(Decimal, figures)))
    for lot, company, item, dimensions, site, warehouse, *figures in recorded["claims"]:
        place = _bin(company, item, dimensions, site, warehouse)
        books.claims.put(tuple(lot), Claim(place, *map(Decimal, figures)))
    for lot, *figures in recorded["progress"]:
        books.progress.put(tuple(lot), Progress(*map(Decimal, figures)))
    for order, lots in recorded["order_lines"]:
        books.order_lines.put(tuple(order), tuple(tuple(lot) for lot in lots))
    for company, purpose, number in recorded["drawn"]:
        books.numbers.set_next(company, purpose, number + 1)
    books.numbers._parties, books.numbers._records = recorded["parties"], recorded["record_ids"]


def _types(books: Books, set_name: str) -> dict[str, Property]:
    """By name, the fields of all sets that are views of the set's table."""
    table = table_of(set_name)
    views = (each for each in books.schema.sets.values() if table_of(each.name) == table)
    return {name: prop for each in views for name, prop in each.properties.items()}


def _bin(company: str, item: str, dimensions: list[Any], site: str, warehouse: str) -> Bin:
    return Bin(company, item, tuple(dimensions), site, warehouse)
