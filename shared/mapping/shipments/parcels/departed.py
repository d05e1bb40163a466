"""What of a packing slip left the warehouse, by order line in Shopify."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.errors import ErrorCode, RefusedError
from shared.model import PackingSlip


@dataclass(frozen=True, slots=True)
class Departed:
    units: Counter[int]
    """Order line -> units that left."""
    findings: tuple[RefusedError, ...] = ()
    """What of the slip stands for no unit in Shopify."""


def departed(slip: PackingSlip, line_ids: Mapping[str, int], written: Collection[str]) -> Departed:
    """`line_ids` has the order line of each sales line (InventoryLotId) that stands for goods, `written` the lots of
    all lines that the app wrote.

    What came back does not count, nor do services that the app wrote. Of a quantity that is no whole number the whole
    units count. A line that the app did not write is told: staff added it, perhaps as a replacement.
    """
    units: Counter[int] = Counter()
    findings = []
    where = {"slip": slip.number, "sales_order": slip.sales_order}
    for lot, quantity in slip.units.items():
        if quantity <= 0:
            continue
        if lot not in line_ids:
            if lot not in written:
                details = {"quantity": f"{quantity.normalize():f}", "item": slip.items.get(lot, "unknown"), "lot": lot}
                findings.append(RefusedError(ErrorCode.SHIPPED_LINE_UNKNOWN, **where, **details))
            continue
        whole = int(quantity)
        if quantity != whole:
            findings.append(RefusedError(ErrorCode.SHIPPED_FRACTION, **where, quantity=quantity, lot=lot))
        if whole:
            units[line_ids[lot]] += whole
    return Departed(units, tuple(findings))
