"""Changes of one sales order that follow each other quickly reach F&O together: one in each pause.

An event that would change the order within the pause waits as a scheduled copy. The first copy that is handled fetches
the order and applies it as Shopify has it then. The others are not later than that, and end without another call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.bus.envelope import HEALING, OPERATOR, Envelope
from shared.errors import NotYetError
from shared.mapping.orders.holds import hold_reason
from shared.mapping.shopify.events import Signals
from shared.model import OrderState
from shared.rules import StoreRules
from shared.store.links import OrderLink

_ASKED_FOR: Final = frozenset({OPERATOR, HEALING})
"""Sources of events by which a person or the sweep has the order compared with F&O."""
_EDITED: Final = "orders/edited"
"""Its body only names the order, which has to be fetched; its purpose is the change of the sales order alone."""


def is_edit_before(envelope: Envelope, link: OrderLink) -> bool:
    """Whether the event is an edit that is older than the state that F&O has. Both times are Shopify's; its updated_at
    has no fractions of a second.
    """
    return _is_about_the_change_alone(envelope, link) and envelope.occurred_at < link.version


def wait_unread(envelope: Envelope, link: OrderLink, pause: timedelta, now: datetime) -> NotYetError | None:
    """The wait of a new event that need not be read before F&O may get the next change."""
    if envelope.waits or not _is_about_the_change_alone(envelope, link):
        return None
    return wait_for_pause(link, pause, now)


def _is_about_the_change_alone(envelope: Envelope, link: OrderLink) -> bool:
    is_asked_for = envelope.source in _ASKED_FOR
    return envelope.topic == _EDITED and bool(link.sales_order) and not (is_asked_for or link.held or link.has_parked)


def wait_for_pause(link: OrderLink, pause: timedelta, now: datetime) -> NotYetError | None:
    """The wait until F&O may get the next change of this order; None if it may now.

    The clocks of two instances may differ: a last change a moment ahead of `now` counts as one a moment ago, and one
    far ahead, by a clock that was wrong, holds up nothing.
    """
    if link.applied_at is None:
        return None
    passed = abs(now - link.applied_at)
    if passed >= pause:
        return None
    reason = f"F&O got a change of this order {passed.total_seconds():.0f} s ago: what came since goes there together"
    return NotYetError(reason, retry_after=pause - passed)


def may_wait(envelope: Envelope, state: OrderState, signals: Signals, link: OrderLink, rules: StoreRules) -> bool:
    """Whether the change of the sales order may wait: not if it stops the order, and not if a person or the sweep asked
    for it.
    """
    if envelope.source in _ASKED_FOR or link.is_holding:
        return False
    if state.order.is_given_up or signals.is_cancelled or signals.is_given_back:
        return False
    reason = hold_reason(
        state, rules, held=link.held, released=link.released, is_held_in_shop=link.holds.is_held_in_shop
    )
    return reason in {None, link.held}
