"""What left F&O's warehouses for an order, from wherever the tenant shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from shared.d365.flat_shipments import orders_with_numbers, read_flat_slips
from shared.d365.odata.client import ODataClient
from shared.d365.packing_slips import read_slips, tracking_of, with_tracking
from shared.model import PackingSlip
from shared.rules import StoreRules


async def slips_of(fo: ODataClient, rules: StoreRules, company: str, sales_orders: Sequence[str]) -> list[PackingSlip]:
    """All packing slips of the sales orders, as they are now. Raises what the client does."""
    tenant = rules.tenant
    entity, has_numbers = tenant.shipments_entity, tenant.slip_tracking != "no"
    if entity is None:
        return await read_slips(fo, company, sales_orders, has_tracking=has_numbers)
    slips = await read_flat_slips(fo, company, entity, sales_orders)
    if entity.tracking or not has_numbers:
        return slips
    numbers = await tracking_of(fo, company, sorted({slip.number for slip in slips}))
    return [replace(slip, tracking=numbers.get(slip.number, ())) for slip in slips]


def has_tracking(rules: StoreRules) -> bool:
    """Whether F&O shows tracking numbers at all."""
    entity = rules.tenant.shipments_entity
    return rules.tenant.slip_tracking != "no" or (entity is not None and bool(entity.tracking))


async def tracked(fo: ODataClient, rules: StoreRules, sales_orders: Collection[str]) -> set[str]:
    """Those of the sales orders that have a tracking number by now."""
    entity = rules.tenant.shipments_entity
    if entity is not None and entity.tracking:
        return await orders_with_numbers(fo, rules.company, entity, sales_orders)
    return await with_tracking(fo, rules.company, sales_orders)
