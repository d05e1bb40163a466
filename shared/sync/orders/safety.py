"""Stopping a sales order in F&O although its event cannot be carried out now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from shared.bus.envelope import Envelope
from shared.d365.odata.client import ODataClient
from shared.d365.order_changes import HELD, header_change, read_fo_order, write
from shared.mapping.orders.holds import holdable, is_hold_tag_among
from shared.mapping.shopify.events import Signals
from shared.model import HoldReason, Part
from shared.rules import StoreRules
from shared.store.links import OrderLink, OrderLinks


def stop_reason(signals: Signals, rules: StoreRules, released: Collection[str] = ()) -> HoldReason | None:
    """Why F&O must not go on with the order, if it must not; `released` is what a person released it from."""
    if (signals.is_cancelled or signals.is_given_back) and HoldReason.CANCELLATION not in released:
        return HoldReason.CANCELLATION
    is_tagged = is_hold_tag_among(signals.tags, rules) and HoldReason.TAG not in released
    return HoldReason.TAG if is_tagged else None


def is_released(link: OrderLink | None, content: str) -> bool:
    """Whether a person released the order although its state with this digest is refused."""
    return link is not None and HoldReason.CHANGE in link.released and content == link.parked_digest


async def remember_parked(envelope: Envelope, links: OrderLinks) -> None:
    """Marks in the order's link that an event about it was parked as a whole: the next one that is done closes it."""
    if not envelope.entity_id.isdecimal():
        return
    order_id = int(envelope.entity_id)
    link = await links.get(envelope.store, order_id) or OrderLink(envelope.store, order_id, envelope.occurred_at)
    if Part.READING not in link.parked_parts:
        await links.put(replace(link, parked_parts=link.parked_parts | {Part.READING}))


async def stop(link: OrderLink, reason: HoldReason, fo: ODataClient, links: OrderLinks) -> OrderLink:
    """Holds what of the sales order is still to be delivered and not held. The hold ends when an event is done."""
    found = await read_fo_order(fo, link.company, link.numbers)
    numbers = holdable(found, link.sources) if found is not None else []
    return await hold_all(numbers, link, link.held or reason, fo, links) if numbers else link


async def hold_all(
    numbers: Sequence[str], link: OrderLink, reason: str, fo: ODataClient, links: OrderLinks
) -> OrderLink:
    """Holds these sales orders of the link.

    The link remembers the hold before it is sent: a crash in between is finished by the next event. Raises
    TransientError if another worker changed the link since it was read.
    """
    link = await links.put(link.held_for(reason, is_holding=True))
    await write(fo, [header_change(link.company, number, {HELD: "Yes"}) for number in numbers])
    return await links.put(replace(link, is_holding=False))
