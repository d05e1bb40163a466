"""Goods that others than the app fulfilled in Shopify: noted, and where the store's rules say so, held in F&O.

The app's own fulfilments come back with the webhooks of the order. They are known from the table `shipments`, and cost
no call of another system. F&O is asked only in a store that holds such orders, when what others fulfilled has changed,
and while it would send it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.d365.order_changes import read_fo_order
from shared.mapping.shipments.by_staff import note_of, units_by_others, would_send_again
from shared.mapping.shipments.parcels.lines import line_ids_of
from shared.model import DeliveryMethod, HoldReason, OrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.orders.ports import OrderPorts


@dataclass(frozen=True, slots=True)
class UnitsByStaff:
    state: OrderState
    """Says whether F&O would send them again."""
    link: OrderLink
    """As it is stored now."""
    note: str = ""
    """What others fulfilled, when that has changed."""


async def find_units_by_staff(state: OrderState, link: OrderLink, rules: StoreRules, ports: OrderPorts) -> UnitsByStaff:
    """Raises what the F&O client does, and TransientError if another worker changed the link."""
    if not _is_of_interest(state, link, rules):
        return UnitsByStaff(replace(state, would_send_again=False), link)
    known_as = state
    if state.delivery is None and link.record is not None:
        known_as = replace(state, delivery=link.record.delivery)
    stored = await ports.shipments.of_order(link.store, link.order_id)
    units = units_by_others(known_as, [each.slip for each in stored.values()])
    is_new = {str(line): count for line, count in units.items()} != dict(link.by_staff)
    again = False
    if _is_held_for(known_as, link, rules) and (is_new or link.would_send_again):
        fo = await read_fo_order(ports.fo, link.company, link.numbers)
        again = fo is not None and would_send_again(known_as, units, fo, line_ids_of(link.sources))
    if is_new or again != link.would_send_again:
        released = {each: why for each, why in link.released.items() if not (is_new and each == HoldReason.STAFF)}
        by_staff = {str(line): count for line, count in units.items()}
        link = await ports.links.put(replace(link, by_staff=by_staff, would_send_again=again, released=released))
    note = note_of(units, state.order) if is_new else ""
    return UnitsByStaff(replace(state, would_send_again=again), link, note)


def _is_of_interest(state: OrderState, link: OrderLink, rules: StoreRules) -> bool:
    if state.order.is_given_up or not (state.parcels or link.by_staff):
        return False
    return rules.flows.shipments or rules.shipments.by_staff == "hold"


def _is_held_for(state: OrderState, link: OrderLink, rules: StoreRules) -> bool:
    """Not an order that the buyer picks up, and not one that was booked with its goods fulfilled
    (orders.already_fulfilled), which has a hold of its own.
    """
    is_booked_so = HoldReason.FULFILMENT in {link.held, *link.released}
    return rules.shipments.by_staff == "hold" and state.delivery is not DeliveryMethod.PICK_UP and not is_booked_so
