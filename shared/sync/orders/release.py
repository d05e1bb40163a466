"""Ending the hold of a sales order in F&O because a person decided so, whatever its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.d365.order_changes import HELD, header_change, read_fo_order, write
from shared.errors import RefusedError
from shared.mapping.orders.holds import standing_reasons
from shared.model import HoldReason, OrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink
from shared.sync.messages.outcome import Done
from shared.sync.orders.ports import OrderPorts
from shared.sync.orders.reading import StateReader


async def release_hold(payload: Mapping[str, Any], link: OrderLink, rules: StoreRules, ports: OrderPorts) -> Done:
    """Releases the order in F&O, and records in its link what it is not to be held for again.

    F&O comes first: after a crash the event finds the link as it was, and is carried out again.
    """
    if not link.held:
        return Done("the app does not hold this order", document=link.sales_order)
    admin = ports.admins[rules.key]
    try:
        state = await StateReader(link.order_id, rules, admin, ports.now(), ports.now(), link.record).fetch()
    except RefusedError:
        state = None  # an order that cannot be read is released from the reason for which it is held
    fo = await read_fo_order(ports.fo, link.company, link.numbers)
    held = [each.number for each in fo.headers if each.is_held and not each.status.is_closed] if fo is not None else []
    if held:
        await write(ports.fo, [header_change(link.company, number, {HELD: "No"}) for number in held])
    why = str(payload.get("why", ""))
    released = dict.fromkeys(_reasons(link, state, rules), why)
    await ports.links.put(replace(link, held="", is_holding=False, released={**link.released, **released}))
    numbers = ", ".join(held) or "nothing was held any more"
    return Done(f"released in F&O: {numbers}. {why}", document=link.sales_order)


def _reasons(link: OrderLink, state: OrderState | None, rules: StoreRules) -> list[str]:
    """Every reason that stands now, and the change that is parked, if there is one."""
    reasons: list[str] = [link.held, HoldReason.CHANGE]
    if state is not None:
        reasons += standing_reasons(state, rules, held=link.held, is_held_in_shop=link.holds.is_held_in_shop)
        reasons += [HoldReason.CANCELLATION] if state.order.is_given_up else []
    return reasons
