"""The mutations of pictures."""

from typing import Any

from local.shopify.media.files import create_files, update_files
from local.shopify.media.nodes import PictureNode
from local.shopify.media.uploads import create_targets
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import Connection, connect, not_simulated
from local.shopify.query_root import QueryBase
from local.shopify.search import Reader


class MediaMutations(MutationRoot):
    def staged_uploads_create(self, input_: list[dict[str, Any]]) -> dict[str, Any]:
        targets, problems = create_targets(self._request, input_)
        return {"stagedTargets": targets, "userErrors": problems}

    def file_create(self, files: list[dict[str, Any]]) -> dict[str, Any]:
        made, problems = create_files(self._request, files)
        return {"files": [PictureNode(self._request, each) for each in made], "userErrors": problems}

    def file_update(self, files: list[dict[str, Any]]) -> dict[str, Any]:
        changed, problems = update_files(self._request, files)
        return {"files": [PictureNode(self._request, each) for each in changed], "userErrors": problems}


_SEARCH: dict[str, Reader] = {
    "id": lambda row: [row[0].id],
    "filename": lambda row: [row[0].file_name, row[0].file_name.rpartition(".")[0]],
    "status": lambda row: [row[1]],
    "media_type": lambda _row: ["IMAGE"],
    "created_at": lambda row: [row[0].created_at],
    "updated_at": lambda row: [row[0].updated_at],
}


class MediaQueries(QueryBase):
    def files(self, *, query: str | None = None, sort_key: str = "ID", **window: Any) -> Connection:
        if sort_key != "ID":
            raise not_simulated(f"files sorted by {sort_key}")
        now = self._shop.clock()
        rows = [(each, each.status(now)) for each in self._shop.pictures.values()]
        return connect(
            self._request,
            self._search("files", _SEARCH).filter(query, rows),
            lambda row: PictureNode(self._request, row[0]),
            lambda row: (row[0].id, row[0].id),
            **window,
        )
