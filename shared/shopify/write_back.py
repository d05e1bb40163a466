"""Writing what F&O says of orders to them in Shopify: reading the current state, setting a metafield, tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from shared.shopify import queries
from shared.shopify.admin.answers import UserError, user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of

BATCH: Final = 25
"""Shopify takes at most 25 metafields in a call."""

_TYPE: Final = "single_line_text_field"
_OWNER: Final = "ORDER"
_DEFINITION: Final[dict[str, Any]] = {
    "type": _TYPE,
    "pin": True,
    "access": {"admin": "MERCHANT_READ"},
    "capabilities": {"adminFilterable": {"enabled": True}},
}
_TAKEN: Final = "TAKEN"
_LIMITS: Final = {
    "PINNED_LIMIT_REACHED": "pin",
    "UNSUPPORTED_PINNING": "pin",
    "OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS": "capabilities",
    "INVALID_CAPABILITY": "capabilities",
}
"""Code of a refusal -> what to leave out of the definition."""


@dataclass(frozen=True, slots=True)
class MetafieldKey:
    """The metafield that holds one text on every order of a shop."""

    namespace: str
    key: str


@dataclass(frozen=True, slots=True)
class DefinitionTexts:
    """What staff see of a metafield."""

    name: str
    description: str


NUMBER_TEXTS: Final = DefinitionTexts(
    "F&O sales order",
    "Number of the sales order in Dynamics 365 Finance & Operations. Written by the connector.",
)
STATUS_TEXTS: Final = DefinitionTexts(
    "F&O status",
    "How far Dynamics 365 Finance & Operations is with the order. Written by the connector.",
)


@dataclass(frozen=True, slots=True)
class WriteBackState:
    """The current metafield and tags of an order."""

    value: str
    """ "" for no metafield."""
    digest: str | None
    """Of the current metafield, for compare-and-set; None for no metafield."""
    tags: frozenset[str]
    """Case-folded, as Shopify compares them."""


@dataclass(frozen=True, slots=True)
class MetafieldUpdate:
    """A text to set, if the order still has the metafield that was read."""

    order_id: int
    value: str
    before: str | None
    """Digest of the metafield that was read."""


class RejectionCause(StrEnum):
    GONE = "gone"
    """Shopify does not have the order any more."""
    STALE = "stale"
    """The metafield has changed since it was read."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OrderRejection:
    """Why Shopify did not write to an order."""

    order_id: int
    cause: RejectionCause
    message: str


async def read_shown(admin: AdminClient, order_ids: Sequence[int], slot: MetafieldKey) -> dict[int, WriteBackState]:
    """The state of up to 25 orders, without orders that Shopify does not have or the app may not read."""
    variables = {
        "orders": [gid_of("Order", order_id) for order_id in order_ids],
        "namespace": slot.namespace,
        "key": slot.key,
    }
    nodes: list[dict[str, Any] | None] = (await admin.run(queries.load("write_back_state"), variables))["nodes"]
    return {order_id: _state(node) for order_id, node in zip(order_ids, nodes, strict=True) if node is not None}


async def define(admin: AdminClient, slot: MetafieldKey, texts: DefinitionTexts) -> str:
    """Sees to it that the metafield has a definition: without one, staff neither see it nor can filter by it.

    Returns "", or why Shopify refused it. Where the shop has as many pinned or filterable definitions as it may have,
    the definition is made without. Raises what AdminClient.run does.
    """
    identifier = {"ownerType": _OWNER, "namespace": slot.namespace, "key": slot.key}
    found = await admin.run(queries.load("write_back_definition"), {"identifier": identifier})
    shown = {"name": texts.name, "description": texts.description}
    wanted: dict[str, Any] = {} if found["metafieldDefinition"] else identifier | shown | _DEFINITION
    while wanted:
        payload = await admin.run(queries.load("write_back_define"), {"definition": wanted})
        errors = user_errors(payload["metafieldDefinitionCreate"])
        if not errors or any(error.code == _TAKEN for error in errors):
            break
        beyond = {_LIMITS[error.code] for error in errors if error.code in _LIMITS} & wanted.keys()
        if not beyond:
            return "; ".join(error.message for error in errors)
        wanted = {name: value for name, value in wanted.items() if name not in beyond}
    return ""


async def set_metafields(
    admin: AdminClient, updates: Sequence[MetafieldUpdate], slot: MetafieldKey
) -> list[OrderRejection]:
    """Sets up to 25 texts, all but those of the orders that the objections name (one objection an order).

    Shopify writes all rows of a call or none, so the call is repeated without the rows that it refused. A refusal that
    names no row is narrowed down by halving the call. Raises what AdminClient.run does; texts of earlier calls are
    set then.
    """
    objections: list[OrderRejection] = []
    calls = [list(updates)]
    while calls:
        rows = calls.pop()
        refused = await _refused_rows(admin, rows, slot)
        if refused is None:
            continue
        if refused:
            objections += [
                OrderRejection(rows[at].order_id, _cause(error), error.message) for at, error in refused.items()
            ]
            rest = [update for at, update in enumerate(rows) if at not in refused]
            calls += [rest] if rest else []
        else:
            middle = len(rows) // 2
            calls += [rows[:middle], rows[middle:]]
    return objections


async def _refused_rows(
    admin: AdminClient, updates: Sequence[MetafieldUpdate], slot: MetafieldKey
) -> dict[int, UserError] | None:
    """The first error of each refused row, by its position; empty if Shopify named no row, None if all was written.

    The only row of a call is to blame whatever the error names.
    """
    rows = [
        {
            "ownerId": gid_of("Order", update.order_id),
            "namespace": slot.namespace,
            "key": slot.key,
            "type": _TYPE,
            "value": update.value,
            "compareDigest": update.before,
        }
        for update in updates
    ]
    payload = (await admin.run(queries.load("write_back_numbers"), {"metafields": rows}))["metafieldsSet"]
    errors = user_errors(payload)
    if not errors:
        return None
    if len(updates) == 1:
        return {0: errors[0]}
    refused: dict[int, UserError] = {}
    for error in errors:
        position = _row(error)
        if position is not None and position < len(updates):
            refused.setdefault(position, error)
    return refused


def _row(error: UserError) -> int | None:
    """The position in `field`: ["metafields", "3", "value"]. Shopify's `elementIndex` is null for these errors."""
    match error.field:
        case ("metafields", position, *_) if position.isdecimal():
            return int(position)
        case _:
            return None


async def add_tag(admin: AdminClient, order_id: int, tag: str) -> OrderRejection | None:
    """Adds one tag to the order's tags. Returns None, or why Shopify did not add it."""
    data = await admin.run(queries.load("write_back_tag"), {"order": gid_of("Order", order_id), "tags": [tag]})
    return _tag_rejection(order_id, data["tagsAdd"])


async def remove_tags(admin: AdminClient, order_id: int, tags: Sequence[str]) -> OrderRejection | None:
    """Takes tags off the order. Returns None, or why Shopify did not."""
    data = await admin.run(queries.load("order_status_untag"), {"order": gid_of("Order", order_id), "tags": list(tags)})
    return _tag_rejection(order_id, data["tagsRemove"])


def _tag_rejection(order_id: int, payload: dict[str, Any]) -> OrderRejection | None:
    errors = user_errors(payload)
    if not errors:
        return None
    # These errors have no code; one about the id means that the order does not exist.
    gone = any(error.field == ("id",) for error in errors)
    message = "; ".join(error.message for error in errors)
    return OrderRejection(order_id, RejectionCause.GONE if gone else RejectionCause.REFUSED, message)


def _state(node: dict[str, Any]) -> WriteBackState:
    metafield = node["metafield"] or {"value": "", "compareDigest": None}
    return WriteBackState(
        value=metafield["value"],
        digest=metafield["compareDigest"],
        tags=frozenset(tag.casefold() for tag in node["tags"]),
    )


def _cause(error: UserError) -> RejectionCause:
    if error.field[-1:] == ("ownerId",):
        return RejectionCause.GONE
    return RejectionCause.STALE if error.code == "STALE_OBJECT" else RejectionCause.REFUSED
