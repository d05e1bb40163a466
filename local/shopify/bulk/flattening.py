"""The rows of a bulk query: an object each, without the connections in it; their objects name their parent."""

import json
from collections.abc import Iterator
from typing import Any


def rows_of(nodes: list[dict[str, Any]], *, grouped: bool) -> tuple[list[str], int]:
    """Rows of root objects and all below them, and how many root objects there are. Grouped rows of children follow
    their parent, others come after all of the page.
    """
    roots: list[list[dict[str, Any]]] = [list(_flat(each, None)) for each in nodes]
    if grouped:
        ordered = [row for rows in roots for row in rows]
    else:
        ordered = [rows[0] for rows in roots] + [row for rows in roots for row in rows[1:]]
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in ordered], len(roots)


def _flat(node: dict[str, Any], parent: str | None) -> Iterator[dict[str, Any]]:
    children: list[dict[str, Any]] = []
    own = _without_connections(node, children)
    yield {**own, "__parentId": parent} if parent else own
    for each in children:
        yield from _flat(each, node.get("id"))


def _without_connections(value: dict[str, Any], children: list[dict[str, Any]]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, each in value.items():
        if isinstance(each, dict) and isinstance(each.get("edges"), list):
            children += [edge["node"] for edge in each["edges"]]
        elif isinstance(each, dict):
            left[name] = _without_connections(each, children)
        else:
            left[name] = each
    return left
