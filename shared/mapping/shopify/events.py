"""What an event says before its order is read: which order it is about, and what has to reach F&O in any case."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Part

_MAX_ID: Final = 2**63 - 1
_DIGITS: Final = re.compile("[0-9]{1,19}")
_ORDER_GID: Final = re.compile("gid://shopify/Order/([0-9]{1,19})")
_GID_KEYS: Final = ("admin_graphql_api_id", "admin_graphql_api_order_id", "order_graphql_api_id")
_NAME: Final = "order_id"
_PARTS: Final = "parts"
_PART_GID: Final = re.compile("gid://shopify/FulfillmentOrder/([0-9]{1,19})")
_PART_KEYS: Final = ("fulfillment_order", "moved_fulfillment_order", "original_fulfillment_order")
_HOLD_KEYS: Final = ("fulfillment_hold", "created_fulfillment_hold")
_ORDER_TOPICS: Final = "orders/"
"""Topics whose body is the order itself, or names it."""


def order_id_of(payload: Any, topic: str = "") -> int | None:
    """The order's id, or None where the body names none (returns/process, returns/update) or is none of these.

    refunds/create, order_transactions/create, orders/shopify_protect_eligibility_changed and returns/cancel, close
    and reopen have an order_id (a text of digits in orders/risk_assessment_changed), orders/edited has it in
    order_edit, the other returns topics in order.id. Bodies of orders/* that are the order have its gid and its id, and
    a subscription's includeFields may leave out either. `id` counts for those topics only: elsewhere it is the id of
    the refund, the transaction or the return. Ids of nested objects, as of a line, never count.
    """
    if not isinstance(payload, dict):
        return None
    own = payload.get("id") if topic.startswith(_ORDER_TOPICS) else None
    found = _gid_of(payload) or _id(own) or _id(payload.get("order_id"))
    if found is not None:
        return found
    for inner, key in ((payload.get("order_edit"), "order_id"), (payload.get("order"), "id")):
        if isinstance(inner, dict) and (found := _id(inner.get(key)) or _gid_of(inner)) is not None:
            return found
    return None


def require_order_id(payload: Any, topic: str) -> int:
    """The id of the order that the event is about. Raises RefusedError ORDER_NOT_NAMED where the body has none, and
    NOT_AN_ORDER for a body that is no object.
    """
    if not isinstance(payload, dict):
        raise RefusedError(ErrorCode.NOT_AN_ORDER, problem="the body is not an object")
    found = order_id_of(payload, topic)
    if found is None:
        raise RefusedError(ErrorCode.ORDER_NOT_NAMED, topic=topic)
    return found


def fulfillment_order_of(payload: Any) -> int | None:
    """The id of the fulfilment order in the bodies of fulfillment_holds/* and fulfillment_orders/*, which name no
    order; None where there is none.
    """
    for key in _PART_KEYS:
        part = payload.get(key) if isinstance(payload, dict) else None
        name = part.get("id") if isinstance(part, dict) else None
        if isinstance(name, str) and (match := _PART_GID.fullmatch(name)):
            return _id(match[1])
    return None


def is_of_own_hold(payload: Any) -> bool:
    """Whether the hold that the body is about was set by this app."""
    holds = (payload.get(key) for key in _HOLD_KEYS) if isinstance(payload, dict) else ()
    return any(isinstance(hold, dict) and hold.get("held_by_requesting_app") is True for hold in holds)


def naming_body(order_id: int, parts: Collection[Part] = ()) -> bytes:
    """The body of an event that only names its order, whatever its topic: the order is fetched. `parts` are those that
    it is about, where it is not about all of the order.
    """
    return json.dumps({_NAME: order_id, **({_PARTS: sorted(parts)} if parts else {})}).encode()


def parts_named(payload: Any) -> frozenset[Part]:
    """The parts in a body of naming_body."""
    named = payload.get(_PARTS) if isinstance(payload, dict) else None
    return frozenset(part for part in Part if isinstance(named, list) and part in named)


def only_names(payload: Any) -> bool:
    """Whether the body is that of naming_body."""
    return isinstance(payload, dict) and payload.keys() == {_NAME}


def _gid_of(block: dict[str, Any]) -> int | None:
    for key in _GID_KEYS:
        value = block.get(key)
        if isinstance(value, str) and (match := _ORDER_GID.fullmatch(value)):
            return _id(match[1])
    return None


def _id(found: object) -> int | None:
    if isinstance(found, str) and _DIGITS.fullmatch(found):
        found = int(found)
    return found if type(found) is int and 0 < found <= _MAX_ID else None


@dataclass(frozen=True, slots=True)
class Signals:
    """What of an order must reach F&O although the rest of it cannot be read, or does not add up."""

    is_cancelled: bool = False
    is_given_back: bool = False
    """Shopify has nothing left to deliver of it, or has refunded all of it."""
    tags: tuple[str, ...] = ()
    updated_at: datetime | None = None


def read_signals(payload: Any) -> Signals:
    """Never refuses anything: what is missing, or not of the documented type, is no signal."""
    if not isinstance(payload, dict):
        return Signals()
    tags = payload.get("tags")
    return Signals(
        is_cancelled=bool(payload.get("cancelled_at")),
        is_given_back=payload.get("financial_status") == "refunded" or _is_nothing_left(payload.get("line_items")),
        tags=tuple(tag.strip() for tag in tags.split(",")) if isinstance(tags, str) else (),
        updated_at=_moment(payload.get("updated_at")),
    )


def _is_nothing_left(lines: object) -> bool:
    """Not where all of it was shipped and came back: nothing is left to stop."""
    return (
        isinstance(lines, list)
        and bool(lines)
        and all(isinstance(line, dict) and line.get("current_quantity") == 0 for line in lines)
        and not all(line.get("fulfillment_status") == "fulfilled" for line in lines)
    )


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
