"""What all groups of queries have in common."""

from typing import Any

from local.shopify.nodes import Request, parse_gid
from local.shopify.search import Reader, Search


class QueryBase:
    typename = "QueryRoot"

    def __init__(self, request: Request) -> None:
        self._request = request
        self._shop = request.shop

    def _load(self, kind: str, id_: str) -> Any:
        return self._request.load(self._request, kind, parse_gid(id_, kind))

    def _search(self, path: str, readers: dict[str, Reader]) -> Search:
        return Search(self._request, path, readers, self._shop.timezone)
