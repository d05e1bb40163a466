"""What left F&O's warehouses for an order, from wherever the tenant shows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shared.d365.flat_shipments import numbers_in_entity, read_flat_slips
from shared.d365.odata.client import ODataClient
from shared.d365.packing_slips import read_slips, tracking_of
from shared.model import PackingSlip
from shared.rules import StoreRules
from shared.store.shipments import AskedSlip


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


async def numbers_of_slips(
    fo: ODataClient, rules: StoreRules, slips: Collection[AskedSlip]
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Sales order and number of the slip -> its tracking numbers now.

    By the slip, since F&O writes the numbers of a summary slip to one of its sales orders alone.
    """
    entity = rules.tenant.shipments_entity
    if entity is not None and entity.tracking:
        return await numbers_in_entity(fo, rules.company, entity, {slip.sales_order for slip in slips})
    found = await tracking_of(fo, rules.company, sorted({slip.number for slip in slips}))
    return {
        (slip.sales_order, slip.number): frozenset(each.number for each in found.get(slip.number, ())) for slip in slips
    }
