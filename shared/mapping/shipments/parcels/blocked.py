"""Units of fulfilment orders that Shopify does not let the app fulfil, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import ErrorCode
from shared.mapping.shipments.parcels.open_lines import ENDED, WITHOUT_PARCEL, is_fulfillable
from shared.model import FulfillmentOrder


@dataclass(frozen=True, slots=True)
class Blocked:
    code: ErrorCode
    units: int
    details: Mapping[str, str] = field(default_factory=dict)


class BlockedLines:
    """The units, as slips take them for their reasons."""

    def __init__(self, orders: Sequence[FulfillmentOrder]) -> None:
        self._orders = [each for each in orders if not is_fulfillable(each) and each.method not in WITHOUT_PARCEL]
        self._left = {
            line.id: line.remaining
            for order in self._orders
            for line in order.lines
            if order.status not in ENDED or not _is_replaced(order, line.line_id, orders)
        }

    def take(self, missing: Mapping[int, int]) -> Iterator[Blocked]:
        """Why these units of order lines cannot be shown, and of how many."""
        left = Counter(dict(missing))
        for order in self._orders:
            units = 0
            for line in order.lines:
                count = min(left[line.line_id], self._left.get(line.id, 0))
                if count > 0:
                    self._left[line.id] -= count
                    left[line.line_id] -= count
                    units += count
            if units:
                yield _reason(order, units)
        if rest := left.total():
            yield Blocked(ErrorCode.SHIPPED_MORE_THAN_OPEN, rest)


def _reason(order: FulfillmentOrder, units: int) -> Blocked:
    if order.is_third_party:
        return Blocked(ErrorCode.SHIPPED_AT_THIRD_PARTY, units)
    if order.status == "ON_HOLD":
        reasons = ", ".join(reason for _, reason in order.holds) or "unknown"
        return Blocked(ErrorCode.SHIPPED_ON_HOLD, units, {"reasons": reasons})
    return Blocked(ErrorCode.SHIPPED_NOT_FULFILLABLE, units, {"status": order.status})


def _is_replaced(order: FulfillmentOrder, line_id: int, orders: Sequence[FulfillmentOrder]) -> bool:
    """Whether a later fulfilment order has the units of the line. Shopify shows them as remaining in a closed one too,
    of which a fulfilment was cancelled.
    """
    return any(later.id > order.id and any(line.line_id == line_id for line in later.lines) for later in orders)
