"""Units of fulfilment orders that can be fulfilled now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.model import FulfillmentOrder, ParcelLine

CREATE: Final = "CREATE_FULFILLMENT"
MOVE: Final = "MOVE"
SCHEDULED: Final = "SCHEDULED"
ENDED: Final = frozenset({"CLOSED", "CANCELLED"})
WITHOUT_PARCEL: Final = frozenset({"RETAIL", "NONE"})
"""Methods of which nothing is sent: handed over at the counter, or downloaded."""

type Taken = dict[FulfillmentOrder, dict[ParcelLine, int]]


def is_fulfillable(order: FulfillmentOrder) -> bool:
    """Whether the app may fulfil it, a scheduled one after it was opened."""
    return (
        order.status not in ENDED
        and order.method not in WITHOUT_PARCEL
        and not order.is_third_party
        and (CREATE in order.actions or order.status == SCHEDULED)
    )


def is_recoverable(order: FulfillmentOrder) -> bool:
    """Whether it is at a fulfilment service that was not asked for it, or refused, so that Shopify lets it be moved."""
    return (
        order.is_third_party
        and not order.is_requested
        and order.status not in ENDED
        and order.method not in WITHOUT_PARCEL
        and MOVE in order.actions
    )


class OpenLines:
    """The units, as slips take them."""

    def __init__(self, orders: Iterable[FulfillmentOrder], *, from_third_party: bool) -> None:
        """`from_third_party`: also those that can be moved away from a fulfilment service."""
        self._orders = [
            order for order in orders if is_fulfillable(order) or (from_third_party and is_recoverable(order))
        ]
        self._left = {line.id: line.remaining for order in self._orders for line in order.lines}

    def take(self, wanted: Mapping[int, int], locations: Sequence[int]) -> Taken:
        """Units of the wanted order lines, from fulfilment orders at these locations first. Those of a fulfilment
        service only where there is a location to move them to.
        """
        taken: Taken = {}
        left = Counter(dict(wanted))
        for order in sorted(
            self._orders, key=lambda order: (order.is_third_party, order.location_id not in locations, order.id)
        ):
            if order.is_third_party and not locations:
                continue
            for line in order.lines:
                count = min(left[line.line_id], self._left[line.id])
                if count > 0:
                    taken.setdefault(order, {})[line] = count
                    self._left[line.id] -= count
                    left[line.line_id] -= count
        return taken


def by_location(taken: Taken) -> list[Taken]:
    """Shopify takes one location in a call."""
    groups: dict[int | None, Taken] = {}
    for order, lines in taken.items():
        groups.setdefault(order.location_id, {})[order] = lines
    return list(groups.values())
