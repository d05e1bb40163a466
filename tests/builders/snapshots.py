"""Small JSON documents in memory, as shared.store.blobs.Snapshots keeps them."""

from __future__ import annotations

from typing import Any


class MemorySnapshots:
    def __init__(self, **documents: dict[str, Any]) -> None:
        self.documents = dict(documents)

    async def read(self, name: str) -> tuple[dict[str, Any] | None, str | None]:
        found = self.documents.get(name)
        return found, None if found is None else "etag"

    async def write(self, name: str, value: dict[str, Any], etag: str | None) -> str:
        assert (etag is None) == (name not in self.documents)
        self.documents[name] = value
        return "etag"


def defined(*stores: str) -> MemorySnapshots:
    """The metafield of these stores has its definition."""
    known = {"metafield": "$app.sales_order", "refused_at": ""}
    return MemorySnapshots(**{f"write_back/{store}": dict(known) for store in stores})
