"""Reading a list of the Admin API to its end, and the times in its searches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from shared.shopify import queries
from shared.shopify.admin.client import QueryRunner


async def node_pages(
    admin: QueryRunner, document: str, connection: str, **variables: object
) -> AsyncIterator[list[dict[str, Any]]]:
    """The nodes page by page. The document takes $after; `connection` is a field of its root."""
    after: str | None = None
    while True:
        page = (await admin.run(queries.load(document), {**variables, "after": after}))[connection]
        yield page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


async def all_nodes(
    admin: QueryRunner, owner: dict[str, Any], name: str, root: str, document: str, **variables: object
) -> list[dict[str, Any]]:
    """All nodes of the owner's connection of this name, of which the first page was read with the owner.

    `document` reads a later page of it below the field `root`; it takes $part, $after and `variables`. An owner that is
    gone by then has no later page.
    """
    nodes: list[dict[str, Any]] = list(owner[name]["nodes"])
    page = owner[name]["pageInfo"]
    while page["hasNextPage"]:
        found = (
            await admin.run(queries.load(document), {**variables, "part": owner["id"], "after": page["endCursor"]})
        )[root]
        if found is None:
            break
        nodes += found[name]["nodes"]
        page = found[name]["pageInfo"]
    return nodes


def search_time(moment: datetime) -> str:
    """The moment as a value in a search. Without the quotes Shopify cuts it at its colons and matches everything."""
    return f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
