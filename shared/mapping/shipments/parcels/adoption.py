"""What became of an attempt whose outcome is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.model import Fulfillment, SentPart, SentSlip, Tracking


def adopt(sent: SentSlip, fulfillments: Iterable[Fulfillment], tracking: tuple[Tracking, ...]) -> SentSlip:
    """The record of a slip after an attempt whose outcome is unknown: with the fulfilment that it made, if it made one,
    and whether the buyer was told.

    What it made is a fulfilment that was not there before, with just the units that were sent. New numbers that
    Shopify has, of the slip's `tracking`, were told with them.
    """
    live = {each.id: each for each in fulfillments if each.is_active}
    known = {*sent.seen, *(part.fulfillment_id for part in sent.parts)}
    made = next(
        (each for each in live.values() if sent.intent and each.id not in known and dict(each.units) == sent.intent),
        None,
    )
    parts = tuple(
        replace(part, tracking=tracking) if _has_numbers(live.get(part.fulfillment_id), tracking) else part
        for part in sent.parts
    )
    is_done = made is not None if sent.intent else parts != sent.parts
    if made is not None:
        parts = (*parts, SentPart(fulfillment_id=made.id, units=made.units, tracking=made.tracking or tracking))
    return SentSlip(key=sent.key, parts=parts, is_told=sent.is_told or (sent.tells and is_done))


def _has_numbers(fulfillment: Fulfillment | None, tracking: Sequence[Tracking]) -> bool:
    return fulfillment is not None and bool(tracking) and numbers_of(fulfillment.tracking) == numbers_of(tracking)


def numbers_of(tracking: Iterable[Tracking]) -> list[str]:
    """Shopify makes addresses of its own, so that numbers alone tell whether it has them."""
    return [each.number for each in tracking]
