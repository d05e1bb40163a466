"""Shipments from an entity of the tenant's own, with a row for each line of a packing slip.

Its fields are named in the tenant's file (shared/rules/tenant.py, ShipmentsEntity).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from shared.d365.entities import READ, SALES_ORDER_LINES
from shared.d365.moved import Moved, add_row
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, chunks, since
from shared.errors import ErrorCode, RefusedError
from shared.model import PackingSlip, Tracking
from shared.model.fo_order import FoRow


class FlatEntity(Protocol):
    """Names of the entity set and of its fields; "" for one that it does not have."""

    @property
    def entity_set(self) -> str: ...
    @property
    def key(self) -> Sequence[str]: ...
    @property
    def fields(self) -> Sequence[str]: ...
    @property
    def sales_order(self) -> str: ...
    @property
    def slip(self) -> str: ...
    @property
    def lot(self) -> str: ...
    @property
    def line_number(self) -> str: ...
    @property
    def quantity(self) -> str: ...
    @property
    def warehouse(self) -> str: ...
    @property
    def created_at(self) -> str: ...
    @property
    def changed_at(self) -> str: ...
    @property
    def carrier(self) -> str: ...
    @property
    def delivery_mode(self) -> str: ...
    @property
    def tracking(self) -> str: ...
    @property
    def tracking_url(self) -> str: ...


async def rows_moved_since(client: ODataClient, company: str, entity: FlatEntity, moment: datetime) -> dict[str, Moved]:
    """The sales orders with a row that was made or changed since the moment. One call where that is none.

    Raises RefusedError SHIPMENTS_ENTITY_WRONG for values of another type, and what the client does.
    """
    moved: dict[str, Moved] = {}
    for row in await _read(client, company, entity, [since(entity.changed_at, moment)]):
        at = _moment(entity, row, entity.changed_at)
        values = (entity.slip, entity.lot or entity.line_number, entity.quantity, entity.tracking)
        what = "/".join([*(str(row[name]) for name in values if name), at.isoformat()])
        add_row(moved, str(row[entity.sales_order]), at, what)
    return moved


async def numbers_in_entity(
    client: ODataClient, company: str, entity: FlatEntity, sales_orders: Collection[str]
) -> dict[tuple[str, str], frozenset[str]]:
    """Sales order and number of a slip -> the slip's tracking numbers in the entity."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in await _read(client, company, entity, chunks(entity.sales_order, sorted(sales_orders))):
        found[str(row[entity.sales_order]), str(row[entity.slip])].update(_numbers(entity, row))
    return {slip: frozenset(numbers) for slip, numbers in found.items()}


async def read_flat_slips(
    client: ODataClient, company: str, entity: FlatEntity, sales_orders: Sequence[str]
) -> list[PackingSlip]:
    """All packing slips of the sales orders, as the entity has them now.

    Raises as rows_moved_since does.
    """
    rows = [
        row
        for row in await _read(client, company, entity, chunks(entity.sales_order, sorted(sales_orders)))
        if row[entity.sales_order] in sales_orders
    ]
    lots = await _lots(client, company, sales_orders) if entity.line_number and rows else {}
    slips: defaultdict[tuple[str, str], list[FoRow]] = defaultdict(list)
    for row in rows:
        slips[str(row[entity.sales_order]), str(row[entity.slip])].append(row)
    return [_slip(entity, found, lots) for _, found in sorted(slips.items())]


async def _lots(client: ODataClient, company: str, sales_orders: Sequence[str]) -> dict[tuple[str, Decimal], str]:
    """Sales order and LineNumber -> InventoryLotId."""
    found = await asyncio.gather(
        *(
            client.query(
                SALES_ORDER_LINES,
                company=company,
                where=where,
                select=("SalesOrderNumber", *READ[SALES_ORDER_LINES]),
            )
            for where in chunks("SalesOrderNumber", sorted(sales_orders))
        )
    )
    return {
        (row["SalesOrderNumber"], Decimal(row["LineNumber"])): row["InventoryLotId"] for rows in found for row in rows
    }


def _slip(entity: FlatEntity, rows: Sequence[FoRow], lots: Mapping[tuple[str, Decimal], str]) -> PackingSlip:
    first = rows[0]
    order = str(first[entity.sales_order])
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    parcels: dict[str, Tracking] = {}
    for row in rows:
        lot = str(row[entity.lot]) if entity.lot else lots.get((order, _number(entity, row, entity.line_number)), "")
        units[lot] += _number(entity, row, entity.quantity)
        numbers = _numbers(entity, row)
        url = str(row[entity.tracking_url]) if entity.tracking_url and len(numbers) == 1 else ""
        for number in numbers:
            parcels.setdefault(number, Tracking(number, url))
    created = min(_moment(entity, row, entity.created_at) for row in rows)
    return PackingSlip(
        sales_order=order,
        number=str(first[entity.slip]),
        day=created.date().isoformat(),
        warehouse=str(first[entity.warehouse]),
        carrier=str(first[entity.carrier]) if entity.carrier else "",
        delivery_mode=str(first[entity.delivery_mode]) if entity.delivery_mode else "",
        created_at=created,
        units=dict(units),
        tracking=tuple(parcels.values()),
    )


def _numbers(entity: FlatEntity, row: FoRow) -> list[str]:
    text = str(row[entity.tracking] or "") if entity.tracking else ""
    return [number for part in text.split(",") if (number := part.strip())]


async def _read(client: ODataClient, company: str, entity: FlatEntity, filters: Iterable[Filter]) -> list[FoRow]:
    found = await asyncio.gather(
        *(
            client.query(entity.entity_set, company=company, where=where, select=entity.fields, key=entity.key)
            for where in filters
        )
    )
    return [row for rows in found for row in rows]


def _number(entity: FlatEntity, row: FoRow, field: str) -> Decimal:
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _wrong(entity, field, value, "number")
    return Decimal(value)


def _moment(entity: FlatEntity, row: FoRow, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(row[field])
    except (TypeError, ValueError):
        raise _wrong(entity, field, row[field], "date and time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wrong(entity: FlatEntity, field: str, value: object, kind: str) -> RefusedError:
    return RefusedError(
        ErrorCode.SHIPMENTS_ENTITY_WRONG, entity_set=entity.entity_set, field=field, value=str(value)[:60], kind=kind
    )
