"""Shopify's global ids, as in gid://shopify/Order/123: GraphQL takes and returns them, webhooks and F&O the number."""

from __future__ import annotations


def gid_of(kind: str, number: int) -> str:
    """The id of the object of this GraphQL type: "Order", "Location" ..."""
    return f"gid://shopify/{kind}/{number}"


def number_of(gid: str) -> int:
    """The number in gid://shopify/Order/123."""
    return int(gid.rpartition("/")[2])
