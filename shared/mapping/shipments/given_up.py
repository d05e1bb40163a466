"""Units that F&O will not deliver, and which of them Shopify still shows as open: the buyer waits for those."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from shared.model import PackingSlip, SalesLineState, ShopShipments

_ENDED: Final = frozenset({"CLOSED", "CANCELLED"})
"""Statuses of a fulfilment order of which nothing is to be sent."""


def given_up_units(
    lines: Iterable[SalesLineState], slips: Iterable[PackingSlip], line_ids: Mapping[str, int]
) -> dict[str, Decimal]:
    """InventoryLotId -> units that are ordered, do not remain and did not leave; none that are 0. What waits for its
    invoice has left, also where an entity of the tenant's own does not show its slip yet.

    `line_ids` has the lots that stand for goods: a service is delivered without a slip. So are goods that were
    invoiced without one, which F&O calls invoiced; a line of which nothing was delivered is cancelled there.
    """
    delivered = delivered_units(slips)
    given_up = {}
    for line in lines:
        if line.lot not in line_ids or (line.is_invoiced and line.lot not in delivered):
            continue
        units = line.gone - max(delivered.get(line.lot, Decimal(0)), line.to_invoice)
        if units > 0:
            given_up[line.lot] = units
    return given_up


def missing_units(
    given_up: Mapping[str, Decimal],
    lines: Iterable[SalesLineState],
    slips: Iterable[PackingSlip],
    shop: ShopShipments,
    line_ids: Mapping[str, int],
) -> dict[int, int]:
    """Order line -> units that F&O gave up, that Shopify has open, and that F&O has no others for.

    What was taken off in Shopify is not open there. What left and is not shown yet, or was fulfilled by hand, counts on
    both sides.
    """
    still_open, fulfilled = open_units(shop), _fulfilled_units(shop)
    delivered = delivered_units(slips)
    at_fo: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.lot in line_ids:
            at_fo[line_ids[line.lot]] += line.remaining + delivered.get(line.lot, Decimal(0))
    lost: defaultdict[int, Decimal] = defaultdict(Decimal)
    for lot, units in given_up.items():
        lost[line_ids[lot]] += units
    missing = {}
    for line_id, units in lost.items():
        wanted = Decimal(still_open[line_id] + fulfilled[line_id])
        missing[line_id] = int(min(units, Decimal(still_open[line_id]), wanted - at_fo[line_id]))
    return {line_id: units for line_id, units in sorted(missing.items()) if units > 0}


def delivered_units(slips: Iterable[PackingSlip]) -> dict[str, Decimal]:
    """InventoryLotId -> units on all packing slips now."""
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for slip in slips:
        for lot, quantity in slip.units.items():
            units[lot] += quantity
    return dict(units)


def open_units(shop: ShopShipments) -> Counter[int]:
    """Order line -> units that Shopify has to be sent yet."""
    units: Counter[int] = Counter()
    for order in shop.orders:
        if order.status not in _ENDED:
            for line in order.lines:
                units[line.line_id] += line.remaining
    return units


def _fulfilled_units(shop: ShopShipments) -> Counter[int]:
    units: Counter[int] = Counter()
    for fulfillment in shop.fulfillments:
        if fulfillment.is_active:
            units.update(fulfillment.units)
    return units
