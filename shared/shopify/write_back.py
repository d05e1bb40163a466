"""F&O's order numbers on orders in Shopify: reading what is shown, setting a metafield of our own, adding a tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from shared.errors import ErrorCode, RefusedError
from shared.shopify import queries
from shared.shopify.admin.answers import user_errors
from shared.shopify.gid import gid_of

if TYPE_CHECKING:
    from shared.shopify.admin.client import AdminClient

BATCH: Final = 25
"""Shopify takes at most 25 metafields in a call."""

_TYPE: Final = "single_line_text_field"


@dataclass(frozen=True, slots=True)
class MetafieldKey:
    """Where the number is kept on every order of a shop."""

    namespace: str
    key: str


@dataclass(frozen=True, slots=True)
class WriteBackState:
    """What an order shows now."""

    number: str
    """"" for no metafield."""
    digest: str | None
    """Of the metafield as it is, for compare-and-set; None for no metafield."""
    tags: frozenset[str]
    """Case-folded, as Shopify compares them."""


@dataclass(frozen=True, slots=True)
class NumberUpdate:
    """A number to set, if the order still shows what was read."""

    order_id: int
    number: str
    before: str | None
    """Digest of what was read."""


class RejectionCause(StrEnum):
    GONE = "gone"
    """The order is not there any more."""
    STALE = "stale"
    """The metafield has changed since it was read."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OrderRejection:
    """Why Shopify did not write to an order."""

    order_id: int
    blame: RejectionCause
    message: str


async def read_shown(admin: AdminClient, order_ids: Sequence[int], slot: MetafieldKey) -> dict[int, WriteBackState]:
    """Up to 25 orders, without those that Shopify does not have or the app may not read (any more)."""
    variables = {
        "orders": [gid_of("Order", order_id) for order_id in order_ids],
        "namespace": slot.namespace,
        "key": slot.key,
    }
    nodes: list[dict[str, Any] | None] = (await admin.run(queries.load("write_back_state"), variables))["nodes"]
    return {order_id: _shown(node) for order_id, node in zip(order_ids, nodes, strict=True) if node is not None}


async def set_numbers(admin: AdminClient, notes: Sequence[NumberUpdate], slot: MetafieldKey) -> list[OrderRejection]:
    """Sets up to 25 numbers, or none of them: then the objections say whose fault it is.

    Raises what AdminClient.run does, and RefusedError SHOPIFY_REJECTED for an objection to the call as a whole.
    """
    rows = [
        {
            "ownerId": gid_of("Order", note.order_id),
            "namespace": slot.namespace,
            "key": slot.key,
            "type": _TYPE,
            "value": note.number,
            "compareDigest": note.before,
        }
        for note in notes
    ]
    data = await admin.run(queries.load("write_back_numbers"), {"metafields": rows})
    errors: list[dict[str, Any]] = data["metafieldsSet"]["userErrors"]
    if blame := next((error for error in errors if error["elementIndex"] is None), None):
        raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what="metafieldsSet", message=blame["message"])
    return [OrderRejection(notes[error["elementIndex"]].order_id, _blame(error), error["message"]) for error in errors]


async def add_tag(admin: AdminClient, order_id: int, tag: str) -> OrderRejection | None:
    """Adds one tag to the order's; those that it has stay. The objection says why it could not be."""
    data = await admin.run(queries.load("write_back_tag"), {"order": gid_of("Order", order_id), "tags": [tag]})
    errors = user_errors(data["tagsAdd"])
    if not errors:
        return None
    # Its errors have no code; one about the id says that the order is not there.
    gone = any(error.field == ("id",) for error in errors)
    message = "; ".join(error.message for error in errors)
    return OrderRejection(order_id, RejectionCause.GONE if gone else RejectionCause.REFUSED, message)


def _shown(node: dict[str, Any]) -> WriteBackState:
    metafield = node["metafield"] or {"value": "", "compareDigest": None}
    return WriteBackState(
        number=metafield["value"],
        digest=metafield["compareDigest"],
        tags=frozenset(tag.casefold() for tag in node["tags"]),
    )


def _blame(error: dict[str, Any]) -> RejectionCause:
    if (error["field"] or [])[-1:] == ["ownerId"]:
        return RejectionCause.GONE
    return RejectionCause.STALE if error["code"] == "STALE_OBJECT" else RejectionCause.REFUSED
